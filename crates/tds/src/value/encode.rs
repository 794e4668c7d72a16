//! One value onto the wire.

use holdfast_base::ByteWriter;
use holdfast_types::{Decimal, SqlType, Value};

use super::{text, variant};
use crate::collation;
use crate::error::{TdsError, TdsResult};
use crate::type_info::{TypeInfo, code};

/// Where a value stands: rows carry text pointers, parameters do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueContext {
    Row,
    Parameter,
}

const PLP_NULL: u64 = u64::MAX;
/// Largest chunk written into a PLP value.
const PLP_CHUNK: usize = 0x4000_0000;

/// Writes a PLP value of known length.
pub(crate) fn put_plp(w: &mut ByteWriter, data: &[u8]) {
    w.u64(data.len() as u64);
    for chunk in data.chunks(PLP_CHUNK) {
        w.u32(chunk.len() as u32).bytes(chunk);
    }
    w.u32(0);
}

/// Writes a PLP value of UTF-16 units.
pub(crate) fn put_plp_units(w: &mut ByteWriter, units: &[u16]) {
    w.u64(units.len() as u64 * 2);
    for chunk in units.chunks(PLP_CHUNK / 2) {
        w.u32(chunk.len() as u32 * 2);
        put_units(w, chunk);
    }
    w.u32(0);
}

pub(crate) fn put_units(w: &mut ByteWriter, units: &[u16]) {
    let start = w.buf.len();
    w.buf.resize(start + units.len() * 2, 0);
    for (to, u) in w.buf[start..].chunks_exact_mut(2).zip(units) {
        to.copy_from_slice(&u.to_le_bytes());
    }
}

/// A text pointer and timestamp; clients echo them in WRITETEXT, which works by name here.
const TEXT_POINTER: &[u8; 16] = b"dummy textptr\0\0\0";

/// Writes the prefix of a text, ntext or image value.
pub(crate) fn put_long_head(w: &mut ByteWriter, context: ValueContext, length: usize) {
    if context == ValueContext::Row {
        w.u8(16).bytes(TEXT_POINTER).bytes(b"dummyTS\0");
    }
    w.u32(length.min(i32::MAX as usize) as u32);
}

/// Writes NULL of a wire type.
pub fn encode_null(w: &mut ByteWriter, info: &TypeInfo, context: ValueContext) -> TdsResult<()> {
    if info.is_plp() {
        w.u64(PLP_NULL);
        return Ok(());
    }
    match info.wire {
        code::BIG_VARBINARY
        | code::BIG_VARCHAR
        | code::BIG_BINARY
        | code::BIG_CHAR
        | code::NVARCHAR
        | code::NCHAR => w.u16(0xFFFF),
        code::TEXT | code::NTEXT | code::IMAGE if context == ValueContext::Row => w.u8(0),
        code::TEXT | code::NTEXT | code::IMAGE => w.u32(u32::MAX),
        code::VARIANT => w.u32(0),
        code::NULL => w,
        code::INT1
        | code::BIT
        | code::INT2
        | code::INT4
        | code::INT8
        | code::FLT4
        | code::FLT8
        | code::MONEY
        | code::MONEY4
        | code::DATETIME
        | code::DATETIM4 => return Err(TdsError::Encode("NULL")),
        _ => w.u8(0),
    };
    Ok(())
}

/// Writes a value with its length prefix as `info` describes it.
pub fn encode_value(
    w: &mut ByteWriter,
    info: &TypeInfo,
    value: &Value,
    context: ValueContext,
) -> TdsResult<()> {
    if value.is_null() {
        return encode_null(w, info, context);
    }
    match info.wire {
        code::INT1
        | code::BIT
        | code::INT2
        | code::INT4
        | code::INT8
        | code::FLT4
        | code::FLT8
        | code::MONEY
        | code::MONEY4
        | code::DATETIME
        | code::DATETIM4 => put_scalar(w, &info.ty, value),
        code::BITN | code::INTN | code::FLTN | code::MONEYN | code::DATETIMN | code::GUID => {
            w.u8(info.fixed_length());
            put_scalar(w, &info.ty, value)
        }
        code::DECIMALN | code::NUMERICN | code::DATEN | code::TIMEN => prefixed_u8(w, info, value),
        code::DATETIME2N | code::DATETIMEOFFSETN => prefixed_u8(w, info, value),
        code::BIG_BINARY | code::BIG_VARBINARY | code::IMAGE | code::UDT => {
            let Value::Binary(b) = value else { return Err(TdsError::Encode(kind(value))) };
            put_block(w, info, b, context);
            Ok(())
        }
        code::BIG_CHAR | code::BIG_VARCHAR | code::TEXT => {
            let Value::String(s) = value else { return Err(TdsError::Encode(kind(value))) };
            let mut bytes = Vec::with_capacity(s.len());
            collation::encode_chars(info.ty.collation, s.units(), &mut bytes);
            put_block(w, info, &bytes, context);
            Ok(())
        }
        code::NCHAR | code::NVARCHAR | code::NTEXT | code::XML => {
            let owned;
            let units = match value {
                Value::String(s) => s.units(),
                other => match text::temporal_text(other, info.ty.scale) {
                    Some(t) => {
                        owned = t.encode_utf16().collect::<Vec<u16>>();
                        &owned
                    }
                    None => return Err(TdsError::Encode(kind(value))),
                },
            };
            put_text(w, info, units, context);
            Ok(())
        }
        code::VARIANT => variant::encode(w, value),
        other => Err(TdsError::DataType(other)),
    }
}

fn prefixed_u8(w: &mut ByteWriter, info: &TypeInfo, value: &Value) -> TdsResult<()> {
    let at = w.len();
    w.u8(0);
    put_scalar(w, &info.ty, value)?;
    w.buf[at] = (w.len() - at - 1) as u8;
    Ok(())
}

/// Bytes with the prefix of the wire type.
pub(crate) fn put_block(w: &mut ByteWriter, info: &TypeInfo, bytes: &[u8], context: ValueContext) {
    if info.is_plp() {
        put_plp(w, bytes);
    } else if info.is_long() {
        put_long_head(w, context, bytes.len());
        w.bytes(bytes);
    } else {
        // A u16 length; 0xFFFF would mean NULL. Values are at most 8,000 bytes by their types.
        let n = bytes.len().min(0xFFFE);
        w.u16(n as u16).bytes(&bytes[..n]);
    }
}

pub(crate) fn put_text(w: &mut ByteWriter, info: &TypeInfo, units: &[u16], context: ValueContext) {
    if info.is_plp() {
        put_plp_units(w, units);
    } else if info.is_long() {
        put_long_head(w, context, units.len() * 2);
        put_units(w, units);
    } else {
        let n = units.len().min(0x7FFF);
        w.u16(n as u16 * 2);
        put_units(w, &units[..n]);
    }
}

/// Fixed-width values without any prefix.
pub(crate) fn put_scalar(w: &mut ByteWriter, ty: &SqlType, value: &Value) -> TdsResult<()> {
    match value {
        Value::Bit(b) => w.u8(u8::from(*b)),
        Value::TinyInt(v) => w.u8(*v),
        Value::SmallInt(v) => w.i16(*v),
        Value::Int(v) | Value::SmallMoney(v) => w.i32(*v),
        Value::BigInt(v) => w.i64(*v),
        // High half first.
        Value::Money(v) => w.i32((*v >> 32) as i32).u32(*v as u32),
        Value::Real(v) => w.f32(*v),
        Value::Float(v) => w.f64(*v),
        Value::Guid(g) => w.bytes(g),
        Value::DateTime(d) => w.i32(d.days).u32(d.ticks),
        Value::SmallDateTime(d) => w.u16(d.days).u16(d.minutes),
        Value::Date(d) => put_date(w, d.0),
        Value::Time(t) => put_time(w, t.0, ty.scale),
        Value::DateTime2(d) => {
            put_time(w, d.time.0, ty.scale);
            put_date(w, d.date.0)
        }
        Value::DateTimeOffset(d) => {
            put_time(w, d.utc.time.0, ty.scale);
            put_date(w, d.utc.date.0);
            w.i16(d.offset_minutes)
        }
        Value::Decimal(d) => put_decimal(w, ty, d)?,
        _ => return Err(TdsError::Encode(kind(value))),
    };
    Ok(())
}

pub(crate) fn put_date(w: &mut ByteWriter, days: i32) -> &mut ByteWriter {
    let b = days.max(0).to_le_bytes();
    w.bytes(&b[..3])
}

pub(crate) fn put_time(w: &mut ByteWriter, ticks: u64, scale: u8) -> &mut ByteWriter {
    let scale = scale.min(7);
    let v = (ticks / 10u64.pow(7 - u32::from(scale))).to_le_bytes();
    w.bytes(&v[..holdfast_types::sql_type::time_length(scale) as usize])
}

/// Sign and magnitude in the type's width.
pub(crate) fn put_decimal<'w>(
    w: &'w mut ByteWriter,
    ty: &SqlType,
    d: &Decimal,
) -> TdsResult<&'w mut ByteWriter> {
    let mantissa = if d.scale == ty.scale {
        d.mantissa
    } else {
        rescale(d, ty.scale).ok_or(TdsError::Encode("decimal"))?
    };
    let width = holdfast_types::sql_type::decimal_length(ty.precision) as usize - 1;
    let magnitude = mantissa.unsigned_abs().to_le_bytes();
    if magnitude[width..].iter().any(|&b| b != 0) {
        return Err(TdsError::Encode("decimal"));
    }
    Ok(w.u8(u8::from(mantissa >= 0)).bytes(&magnitude[..width]))
}

/// The mantissa at another scale; extra digits are cut.
fn rescale(d: &Decimal, scale: u8) -> Option<i128> {
    if scale >= d.scale {
        d.mantissa.checked_mul(10i128.checked_pow(u32::from(scale - d.scale))?)
    } else {
        Some(d.mantissa / 10i128.checked_pow(u32::from(d.scale - scale))?)
    }
}

/// Names a value's kind for errors.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Bit(_) => "bit",
        Value::TinyInt(_) => "tinyint",
        Value::SmallInt(_) => "smallint",
        Value::Int(_) => "int",
        Value::BigInt(_) => "bigint",
        Value::Decimal(_) => "decimal",
        Value::Money(_) => "money",
        Value::SmallMoney(_) => "smallmoney",
        Value::Real(_) => "real",
        Value::Float(_) => "float",
        Value::Date(_) => "date",
        Value::Time(_) => "time",
        Value::DateTime2(_) => "datetime2",
        Value::DateTimeOffset(_) => "datetimeoffset",
        Value::DateTime(_) => "datetime",
        Value::SmallDateTime(_) => "smalldatetime",
        Value::String(_) => "a string",
        Value::Binary(_) => "a binary string",
        Value::Guid(_) => "uniqueidentifier",
        Value::Variant(_) => "sql_variant",
    }
}
