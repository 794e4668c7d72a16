//! Whole column batches as ROW and NBCROW tokens, straight from the typed vectors into the message.
//!
//! Invariants
//! 1. A row with a NULL goes out as NBCROW (bitmap, then the values that are there) from 7.3 on, else every NULL in its
//!    type's own form. NULL in a column described as NOT NULL therefore still reaches a 7.3 client as NULL.
//! 2. Which writer a column uses is decided once per batch, not per value.

use holdfast_base::ByteWriter;
use holdfast_types::batch::VarColumn;
use holdfast_types::{Batch, ColumnData, DateTime, DateTime2, Guid, SmallDateTime, TypeId};

use super::encode::{
    ValueContext, encode_null, encode_value, put_block, put_date, put_decimal, put_long_head, put_plp,
    put_plp_units, put_text, put_time, put_units,
};
use crate::TdsVersion;
use crate::collation;
use crate::error::TdsResult;
use crate::type_info::{TypeInfo, code};

const TOKEN_ROW: u8 = 0xD1;
const TOKEN_NBCROW: u8 = 0xD2;

/// Encodes batches of one result set.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    columns: Vec<TypeInfo>,
    version: TdsVersion,
    /// Bytes of one encoded char value, kept between rows.
    scratch: Vec<u8>,
}

/// A column of a batch with its writer. `n` = write the one-byte length first.
enum Cells<'a> {
    U8(&'a [u8], bool),
    I16(&'a [i16], bool),
    I32(&'a [i32], bool),
    I64(&'a [i64], bool),
    Money(&'a [i64], bool),
    F32(&'a [f32], bool),
    F64(&'a [f64], bool),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Decimal(&'a [i128]),
    Guid(&'a [Guid]),
    DateTime(&'a [DateTime], bool),
    DateTime2(&'a [DateTime2]),
    SmallDateTime(&'a [SmallDateTime], bool),
    /// nvarchar(n), nchar(n).
    Units(&'a VarColumn<u16>),
    UnitsPlp(&'a VarColumn<u16>),
    UnitsLong(&'a VarColumn<u16>),
    Chars(&'a VarColumn<u16>),
    Bytes(&'a VarColumn<u8>),
    BytesPlp(&'a VarColumn<u8>),
    Any(&'a ColumnData),
}

fn cells<'a>(info: &TypeInfo, data: &'a ColumnData) -> Cells<'a> {
    let n = matches!(info.wire, code::BITN | code::INTN | code::FLTN | code::MONEYN | code::DATETIMN);
    match (info.wire, data) {
        (code::BIT | code::INT1 | code::BITN, ColumnData::U8(v)) => Cells::U8(v, n),
        (code::INTN, ColumnData::U8(v)) if info.fixed_length() == 1 => Cells::U8(v, n),
        (code::INT2, ColumnData::I16(v)) => Cells::I16(v, n),
        (code::INTN, ColumnData::I16(v)) if info.fixed_length() == 2 => Cells::I16(v, n),
        (code::INT4 | code::MONEY4, ColumnData::I32(v)) => Cells::I32(v, n),
        (code::INTN | code::MONEYN, ColumnData::I32(v)) if info.fixed_length() == 4 => Cells::I32(v, n),
        (code::INT8, ColumnData::I64(v)) => Cells::I64(v, n),
        (code::INTN, ColumnData::I64(v)) if info.fixed_length() == 8 => Cells::I64(v, n),
        (code::MONEY, ColumnData::I64(v)) => Cells::Money(v, n),
        (code::MONEYN, ColumnData::I64(v)) if info.fixed_length() == 8 => Cells::Money(v, n),
        (code::FLT4 | code::FLTN, ColumnData::F32(v)) if info.ty.id == TypeId::Real => Cells::F32(v, n),
        (code::FLT8 | code::FLTN, ColumnData::F64(v)) if info.ty.id == TypeId::Float => Cells::F64(v, n),
        (code::DATEN, ColumnData::I32(v)) => Cells::Date(v),
        (code::TIMEN, ColumnData::I64(v)) => Cells::Time(v),
        (code::DECIMALN | code::NUMERICN, ColumnData::Decimal(v)) => Cells::Decimal(v),
        (code::GUID, ColumnData::Guid(v)) => Cells::Guid(v),
        (code::DATETIME | code::DATETIMN, ColumnData::DateTime(v)) => Cells::DateTime(v, n),
        (code::DATETIME2N, ColumnData::DateTime2(v)) => Cells::DateTime2(v),
        (code::DATETIM4 | code::DATETIMN, ColumnData::SmallDateTime(v)) => Cells::SmallDateTime(v, n),
        (code::NVARCHAR | code::NCHAR | code::XML, ColumnData::Utf16(v)) if info.is_plp() => {
            Cells::UnitsPlp(v)
        }
        (code::NVARCHAR | code::NCHAR, ColumnData::Utf16(v)) => Cells::Units(v),
        (code::NTEXT, ColumnData::Utf16(v)) => Cells::UnitsLong(v),
        (code::BIG_VARCHAR | code::BIG_CHAR | code::TEXT, ColumnData::Utf16(v)) => Cells::Chars(v),
        (_, ColumnData::Bytes(v)) if info.is_plp() => Cells::BytesPlp(v),
        (code::BIG_VARBINARY | code::BIG_BINARY | code::IMAGE, ColumnData::Bytes(v)) => Cells::Bytes(v),
        (_, data) => Cells::Any(data),
    }
}

impl RowEncoder {
    pub fn new(columns: Vec<TypeInfo>, version: TdsVersion) -> Self {
        RowEncoder { columns, version, scratch: Vec::new() }
    }

    /// Appends every row of `batch`, which has as many columns as the result set.
    pub fn encode(&mut self, batch: &Batch, w: &mut ByteWriter) -> TdsResult<()> {
        self.encode_range(batch, 0, batch.len, w)
    }

    /// Appends the rows `start..end`.
    pub fn encode_range(
        &mut self,
        batch: &Batch,
        start: usize,
        end: usize,
        w: &mut ByteWriter,
    ) -> TdsResult<()> {
        let plan: Vec<(Cells<'_>, Option<&[bool]>)> = self
            .columns
            .iter()
            .zip(&batch.columns)
            .map(|(info, c)| (cells(info, &c.data), c.nulls.as_deref()))
            .collect();
        let any_nulls = plan.iter().any(|(_, n)| n.is_some());
        for row in start..end.min(batch.len) {
            let bitmap =
                any_nulls && self.version.has_73() && plan.iter().any(|(_, n)| n.is_some_and(|n| n[row]));
            if bitmap {
                w.u8(TOKEN_NBCROW);
                for group in plan.chunks(8) {
                    let bits = group
                        .iter()
                        .enumerate()
                        .fold(0u8, |b, (i, (_, n))| b | u8::from(n.is_some_and(|n| n[row])) << i);
                    w.u8(bits);
                }
            } else {
                w.u8(TOKEN_ROW);
            }
            for ((cells, nulls), info) in plan.iter().zip(&self.columns) {
                if nulls.is_some_and(|n| n[row]) {
                    if !bitmap {
                        encode_null(w, info, ValueContext::Row)?;
                    }
                    continue;
                }
                cell(w, info, cells, row, &mut self.scratch)?;
            }
        }
        Ok(())
    }
}

#[inline]
fn cell(
    w: &mut ByteWriter,
    info: &TypeInfo,
    cells: &Cells<'_>,
    row: usize,
    scratch: &mut Vec<u8>,
) -> TdsResult<()> {
    macro_rules! prefix {
        ($n:expr, $len:expr) => {
            if *$n {
                w.u8($len);
            }
        };
    }
    match cells {
        Cells::U8(v, n) => {
            prefix!(n, 1);
            w.u8(v[row]);
        }
        Cells::I16(v, n) => {
            prefix!(n, 2);
            w.i16(v[row]);
        }
        Cells::I32(v, n) => {
            prefix!(n, 4);
            w.i32(v[row]);
        }
        Cells::I64(v, n) => {
            prefix!(n, 8);
            w.i64(v[row]);
        }
        Cells::Money(v, n) => {
            prefix!(n, 8);
            w.i32((v[row] >> 32) as i32).u32(v[row] as u32);
        }
        Cells::F32(v, n) => {
            prefix!(n, 4);
            w.f32(v[row]);
        }
        Cells::F64(v, n) => {
            prefix!(n, 8);
            w.f64(v[row]);
        }
        Cells::Date(v) => {
            w.u8(3);
            put_date(w, v[row]);
        }
        Cells::Time(v) => {
            w.u8(holdfast_types::sql_type::time_length(info.ty.scale) as u8);
            put_time(w, v[row] as u64, info.ty.scale);
        }
        Cells::Decimal(v) => {
            w.u8(holdfast_types::sql_type::decimal_length(info.ty.precision) as u8);
            put_decimal(w, &info.ty, &holdfast_types::Decimal::new(v[row], info.ty.scale))?;
        }
        Cells::Guid(v) => {
            w.u8(16).bytes(&v[row]);
        }
        Cells::DateTime(v, n) => {
            prefix!(n, 8);
            w.i32(v[row].days).u32(v[row].ticks);
        }
        Cells::DateTime2(v) => {
            w.u8(holdfast_types::sql_type::time_length(info.ty.scale) as u8 + 3);
            put_time(w, v[row].time.0, info.ty.scale);
            put_date(w, v[row].date.0);
        }
        Cells::SmallDateTime(v, n) => {
            prefix!(n, 4);
            w.u16(v[row].days).u16(v[row].minutes);
        }
        Cells::Units(v) => put_text(w, info, v.entry(row), ValueContext::Row),
        Cells::UnitsPlp(v) => put_plp_units(w, v.entry(row)),
        Cells::UnitsLong(v) => {
            put_long_head(w, ValueContext::Row, v.entry(row).len() * 2);
            put_units(w, v.entry(row));
        }
        Cells::Chars(v) => {
            scratch.clear();
            collation::encode_chars(info.ty.collation, v.entry(row), scratch);
            put_block(w, info, scratch, ValueContext::Row);
        }
        Cells::Bytes(v) => put_block(w, info, v.entry(row), ValueContext::Row),
        Cells::BytesPlp(v) => put_plp(w, v.entry(row)),
        Cells::Any(data) => {
            encode_value(w, info, &data.value(row, &info.ty), ValueContext::Row)?;
        }
    }
    Ok(())
}
