//! Values into columns: what is too long, what is padded.

use holdfast_engine::catalog::ColumnDef;
use holdfast_types::{SqlError, SqlResult, SqlString, TypeId, Value};

use crate::expression::collate;

const SPACE: u16 = 0x20;

/// A value as a column keeps it. `table` names the table in 2628.
///
/// # Errors
/// 2628 when something other than blanks would be cut and warnings are on; 69xx for xml that does not fit its schemas.
pub fn fit(value: Value, column: &ColumnDef, table: &dyn Fn() -> String, warnings: bool) -> SqlResult<Value> {
    let ty = &column.ty;
    match (ty.id, value) {
        (TypeId::Char | TypeId::VarChar, Value::String(s)) => {
            let pad = ty.id == TypeId::Char;
            let bytes = collate::byte_length(ty.collation, s.units());
            let Some(limit) = limit(ty.length) else { return Ok(Value::String(s)) };
            if bytes == limit || (bytes < limit && !pad) {
                return Ok(Value::String(s));
            }
            if bytes < limit {
                let mut units = s.units().to_vec();
                units.resize(units.len() + limit - bytes, SPACE);
                return Ok(Value::String(SqlString::new(units)));
            }
            let mut keep = s.units().len();
            while keep > 0 && collate::byte_length(ty.collation, &s.units()[..keep]) > limit {
                keep -= 1;
            }
            cut(s.units(), keep, column, table, warnings)
        }
        (TypeId::NChar | TypeId::NVarChar, Value::String(s)) => {
            let Some(limit) = limit(ty.length).map(|l| l / 2) else { return Ok(Value::String(s)) };
            let units = s.units();
            if units.len() > limit {
                return cut(units, limit, column, table, warnings);
            }
            if ty.id == TypeId::NChar && units.len() < limit {
                let mut units = units.to_vec();
                units.resize(limit, SPACE);
                return Ok(Value::String(SqlString::new(units)));
            }
            Ok(Value::String(s))
        }
        (TypeId::Binary | TypeId::VarBinary, Value::Binary(b)) => {
            let Some(limit) = limit(ty.length) else { return Ok(Value::Binary(b)) };
            if b.len() > limit {
                if warnings {
                    let shown = b[..limit].iter().fold("0x".to_owned(), |s, x| s + &format!("{x:02X}"));
                    return Err(SqlError::new(2628, &[&table(), &column.name, &shown]));
                }
                return Ok(Value::binary(&b[..limit]));
            }
            if ty.id == TypeId::Binary && b.len() < limit {
                let mut bytes = b.to_vec();
                bytes.resize(limit, 0);
                return Ok(Value::binary(&bytes));
            }
            Ok(Value::Binary(b))
        }
        (TypeId::Xml, value) => match &column.typed_xml {
            Some(typed) => typed.check(&value),
            None => Ok(value),
        },
        (_, value) => Ok(value),
    }
}

fn limit(length: i32) -> Option<usize> {
    usize::try_from(length).ok()
}

fn cut(
    units: &[u16],
    keep: usize,
    column: &ColumnDef,
    table: &dyn Fn() -> String,
    warnings: bool,
) -> SqlResult<Value> {
    let kept = SqlString::new(&units[..keep]);
    if warnings && units[keep..].iter().any(|u| *u != SPACE) {
        return Err(SqlError::new(2628, &[&table(), &column.name, &kept.to_text()]));
    }
    Ok(Value::String(kept))
}
