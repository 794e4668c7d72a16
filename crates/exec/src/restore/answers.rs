//! Result sets of RESTORE HEADERONLY, FILELISTONLY and LABELONLY.

use std::sync::Arc;

use holdfast_backup::rows::{
    Cell, CellType, Column, FILE_LIST_COLUMNS, HEADER_COLUMNS, LABEL_COLUMNS, columns_for, file_list_rows,
    header_rows, label_row,
};
use holdfast_backup::{Media, MtfDate};
use holdfast_types::{CollationId, DateTime, Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

use super::errors::message;
use super::request::{RestoreRequest, RestoreVerb};
use crate::session::ResultColumn;

/// A result set: columns and rows of as many values.
pub type Answer = (Vec<ResultColumn>, Vec<Vec<Value>>);

/// The result set of one of the three statements over an opened device. `collation_name` turns (Windows LCID with
/// comparison flags, sort order) into a name; `server_major` decides which columns there are.
pub fn answer(
    request: &RestoreRequest,
    media: &Media,
    server_major: u8,
    collation: CollationId,
    collation_name: &dyn Fn(u32, u32) -> Option<String>,
) -> SqlResult<Answer> {
    let (all, rows): (&'static [Column], Vec<Vec<Cell>>) = match request.verb {
        RestoreVerb::HeaderOnly => {
            let device_type = if request.devices.first().is_some_and(|d| d.logical) { 102 } else { 2 };
            let mut rows = header_rows(media, device_type).map_err(|e| message(&e))?;
            if let Some(n) = request.file {
                let index = media.sets.iter().position(|s| u32::from(s.start.position) == n);
                let index = index.ok_or_else(|| SqlError::new(4038, &[&n, &media.device.name()]))?;
                rows = vec![rows.swap_remove(index)];
            }
            (&HEADER_COLUMNS, rows)
        }
        RestoreVerb::FileListOnly => {
            let set = media.set(request.file.unwrap_or(1)).map_err(|e| message(&e))?;
            set.check_password(request.password.as_deref(), media.device.name()).map_err(|e| message(&e))?;
            (&FILE_LIST_COLUMNS, file_list_rows(media, set).map_err(|e| message(&e))?)
        }
        _ => {
            let wanted = request.media_name.as_ref().is_none_or(|n| *n == media.label.name);
            (&LABEL_COLUMNS, if wanted { vec![label_row(media)] } else { Vec::new() })
        }
    };
    if rows.is_empty()
        && let Some(problem) = &media.problem
    {
        return Err(message(problem));
    }
    let kept: Vec<usize> =
        all.iter().enumerate().filter(|(_, c)| c.since <= server_major).map(|(i, _)| i).collect();
    let columns = columns_for(all, server_major).iter().map(|c| result_column(c, collation)).collect();
    let values = rows
        .iter()
        .map(|row| {
            kept.iter()
                .map(|&i| row.get(i).map_or(Value::Null, |cell| value(cell, all[i].ty, collation_name)))
                .collect()
        })
        .collect();
    Ok((columns, values))
}

fn sql_type(ty: CellType, collation: CollationId) -> SqlType {
    match ty {
        CellType::NVarChar(n) => SqlType::nvarchar(i32::from(n), collation),
        CellType::Char(n) => SqlType::character(TypeId::Char, i32::from(n), collation),
        CellType::TinyInt => SqlType::TINYINT,
        CellType::SmallInt => SqlType::SMALLINT,
        CellType::Int => SqlType::INT,
        CellType::BigInt => SqlType::BIGINT,
        CellType::Bit => SqlType::BIT,
        CellType::Numeric(p) => SqlType::numeric(p, 0),
        CellType::DateTime => SqlType::DATETIME,
        CellType::UniqueIdentifier => SqlType::GUID,
        CellType::VarBinary(n) => SqlType::binary(TypeId::VarBinary, i32::from(n)),
    }
}

fn result_column(c: &Column, collation: CollationId) -> ResultColumn {
    ResultColumn {
        name: c.name.into(),
        ty: sql_type(c.ty, collation),
        nullable: c.nullable,
        identity: false,
        computed: false,
        updatable: false,
        user_type: None,
        source: None,
    }
}

fn value(cell: &Cell, ty: CellType, collation_name: &dyn Fn(u32, u32) -> Option<String>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(s) => Value::string(s),
        Cell::Integer(n) => match ty {
            CellType::TinyInt => Value::TinyInt(*n as u8),
            CellType::SmallInt => Value::SmallInt(*n as i16),
            CellType::Int => Value::Int(*n as i32),
            CellType::Bit => Value::Bit(*n != 0),
            _ => Value::BigInt(*n),
        },
        Cell::Bit(b) => Value::Bit(*b),
        Cell::Numeric(n) => Value::Decimal(Decimal::new(*n as i128, 0)),
        Cell::DateTime(d) => date(*d),
        Cell::Guid(g) => Value::Guid(*g),
        Cell::Binary(b) => Value::Binary(Arc::from(b.as_slice())),
        Cell::Collation { id, sort_order } => {
            collation_name(*id, *sort_order).map_or(Value::Null, |n| Value::string(&n))
        }
    }
}

/// An MTF date as datetime; NULL when it is none.
fn date(d: MtfDate) -> Value {
    let Some(days) = d.days_since_epoch() else { return Value::Null };
    // 1900-01-01 lies 25,567 days before 1970-01-01.
    let seconds = u32::from(d.hour) * 3600 + u32::from(d.minute) * 60 + u32::from(d.second);
    Value::DateTime(DateTime { days: days as i32 + 25_567, ticks: seconds * 300 })
}
