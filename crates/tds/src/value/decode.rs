//! One value from the wire.

use holdfast_base::ByteReader;
use holdfast_types::{
    Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, SqlString, SqlType, Time, TypeId,
    Value,
};

use super::encode::ValueContext;
use super::variant;
use crate::collation;
use crate::error::{TdsError, TdsResult};
use crate::type_info::{TypeInfo, code};

const PLP_NULL: u64 = u64::MAX;
const PLP_UNKNOWN: u64 = u64::MAX - 1;
/// Ticks of 100 ns in a day.
const DAY_TICKS: u64 = 864_000_000_000;
const DATE_MAX: i32 = 3_652_058;

/// Reads a PLP value; `None` is NULL.
pub fn read_plp(r: &mut ByteReader<'_>) -> TdsResult<Option<Vec<u8>>> {
    let total = r.u64()?;
    if total == PLP_NULL {
        return Ok(None);
    }
    let mut out = Vec::new();
    loop {
        let n = r.u32()? as usize;
        if n == 0 {
            break;
        }
        out.extend_from_slice(r.bytes(n)?);
    }
    if total != PLP_UNKNOWN && total != out.len() as u64 {
        return Err(TdsError::Invalid { what: "length of a chunked value", value: total as i64 });
    }
    Ok(Some(out))
}

/// Reads a value as `info` describes it.
pub fn decode_value(r: &mut ByteReader<'_>, info: &TypeInfo, context: ValueContext) -> TdsResult<Value> {
    if info.is_plp() {
        return Ok(match read_plp(r)? {
            None => Value::Null,
            Some(bytes) => block_value(info, &bytes),
        });
    }
    let length = match info.wire {
        code::NULL => return Ok(Value::Null),
        code::INT1 | code::BIT => 1,
        code::INT2 => 2,
        code::INT4 | code::FLT4 | code::MONEY4 | code::DATETIM4 => 4,
        code::INT8 | code::FLT8 | code::MONEY | code::DATETIME => 8,
        code::BIG_VARBINARY
        | code::BIG_VARCHAR
        | code::BIG_BINARY
        | code::BIG_CHAR
        | code::NVARCHAR
        | code::NCHAR => match r.u16()? {
            0xFFFF => return Ok(Value::Null),
            n => usize::from(n),
        },
        code::TEXT | code::NTEXT | code::IMAGE => match long_length(r, context)? {
            Some(n) => n,
            None => return Ok(Value::Null),
        },
        code::VARIANT => match r.u32()? {
            0 => return Ok(Value::Null),
            n => return variant::decode(r.bytes(n as usize)?),
        },
        code::CHAR | code::VARCHAR | code::BINARY | code::VARBINARY => match r.u8()? {
            0xFF => return Ok(Value::Null),
            n => usize::from(n),
        },
        _ => match r.u8()? {
            0 => return Ok(Value::Null),
            n => usize::from(n),
        },
    };
    let bytes = r.bytes(length)?;
    match info.wire {
        code::BIG_VARBINARY
        | code::BIG_VARCHAR
        | code::BIG_BINARY
        | code::BIG_CHAR
        | code::NVARCHAR
        | code::NCHAR
        | code::TEXT
        | code::NTEXT
        | code::IMAGE
        | code::CHAR
        | code::VARCHAR
        | code::BINARY
        | code::VARBINARY => Ok(block_value(info, bytes)),
        _ => scalar(&info.ty, bytes),
    }
}

fn long_length(r: &mut ByteReader<'_>, context: ValueContext) -> TdsResult<Option<usize>> {
    if context == ValueContext::Row {
        let pointer = r.u8()?;
        if pointer == 0 {
            return Ok(None);
        }
        r.skip(usize::from(pointer) + 8)?;
    }
    Ok(match r.u32()? {
        u32::MAX => None,
        n => Some(n as usize),
    })
}

fn block_value(info: &TypeInfo, bytes: &[u8]) -> Value {
    match info.ty.id {
        TypeId::NVarChar | TypeId::NChar | TypeId::NText => Value::String(SqlString::from_utf16le(bytes)),
        // A byte order mark may lead xml.
        TypeId::Xml => {
            Value::String(SqlString::from_utf16le(bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(bytes)))
        }
        TypeId::VarChar | TypeId::Char | TypeId::Text => {
            Value::String(SqlString::from(collation::decode_chars(info.ty.collation, bytes)))
        }
        _ => Value::binary(bytes),
    }
}

/// A fixed-width value of exactly `bytes`.
pub(crate) fn scalar(ty: &SqlType, bytes: &[u8]) -> TdsResult<Value> {
    let mut r = ByteReader::new(bytes);
    let v = match ty.id {
        TypeId::Bit => Value::Bit(r.u8()? != 0),
        TypeId::TinyInt => Value::TinyInt(r.u8()?),
        TypeId::SmallInt => Value::SmallInt(r.i16()?),
        TypeId::Int => Value::Int(r.i32()?),
        TypeId::BigInt => Value::BigInt(r.i64()?),
        TypeId::SmallMoney => Value::SmallMoney(r.i32()?),
        TypeId::Money => {
            let high = i64::from(r.i32()?);
            Value::Money(high << 32 | i64::from(r.u32()?))
        }
        TypeId::Real => Value::Real(r.f32()?),
        TypeId::Float => Value::Float(r.f64()?),
        TypeId::UniqueIdentifier => Value::Guid(r.array()?),
        TypeId::DateTime => {
            let (days, ticks) = (r.i32()?, r.u32()?);
            if ticks >= 25_920_000 || !(-53_690..=2_958_463).contains(&days) {
                return Err(TdsError::Invalid { what: "datetime", value: days.into() });
            }
            Value::DateTime(DateTime { days, ticks })
        }
        TypeId::SmallDateTime => {
            let (days, minutes) = (r.u16()?, r.u16()?);
            if minutes >= 1440 {
                return Err(TdsError::Invalid { what: "smalldatetime", value: minutes.into() });
            }
            Value::SmallDateTime(SmallDateTime { days, minutes })
        }
        TypeId::Date => Value::Date(read_date(&mut r)?),
        TypeId::Time => Value::Time(read_time(&mut r, bytes.len(), ty.scale)?),
        TypeId::DateTime2 => {
            let time = read_time(&mut r, bytes.len().saturating_sub(3), ty.scale)?;
            Value::DateTime2(DateTime2 { date: read_date(&mut r)?, time })
        }
        TypeId::DateTimeOffset => {
            let time = read_time(&mut r, bytes.len().saturating_sub(5), ty.scale)?;
            let date = read_date(&mut r)?;
            let offset_minutes = r.i16()?;
            if !(-840..=840).contains(&offset_minutes) {
                return Err(TdsError::Invalid { what: "time zone offset", value: offset_minutes.into() });
            }
            Value::DateTimeOffset(DateTimeOffset { utc: DateTime2 { date, time }, offset_minutes })
        }
        TypeId::Decimal | TypeId::Numeric => Value::Decimal(read_decimal(&mut r, ty.scale)?),
        _ => return Err(TdsError::DataType(ty.id.xtype())),
    };
    if !r.is_empty() {
        return Err(TdsError::Invalid { what: "length of a value", value: bytes.len() as i64 });
    }
    Ok(v)
}

fn read_date(r: &mut ByteReader<'_>) -> TdsResult<Date> {
    let b = r.bytes(3)?;
    let days = i32::from_le_bytes([b[0], b[1], b[2], 0]);
    if days > DATE_MAX {
        return Err(TdsError::Invalid { what: "date", value: days.into() });
    }
    Ok(Date(days))
}

fn read_time(r: &mut ByteReader<'_>, width: usize, scale: u8) -> TdsResult<Time> {
    if !(3..=5).contains(&width) {
        return Err(TdsError::Invalid { what: "length of a time", value: width as i64 });
    }
    let mut b = [0u8; 8];
    b[..width].copy_from_slice(r.bytes(width)?);
    let raw = u64::from_le_bytes(b);
    // At most 2^40 · 10^7 fits.
    let ticks = raw * 10u64.pow(7 - u32::from(scale.min(7)));
    if ticks >= DAY_TICKS {
        return Err(TdsError::Invalid { what: "time", value: raw as i64 });
    }
    Ok(Time(ticks))
}

fn read_decimal(r: &mut ByteReader<'_>, scale: u8) -> TdsResult<Decimal> {
    let sign = r.u8()?;
    let rest = r.rest();
    if rest.len() > 16 {
        return Err(TdsError::Invalid { what: "length of a decimal", value: rest.len() as i64 });
    }
    let mut b = [0u8; 16];
    b[..rest.len()].copy_from_slice(rest);
    let magnitude = u128::from_le_bytes(b);
    if magnitude >= 10u128.pow(38) {
        return Err(TdsError::Invalid { what: "decimal", value: i64::MAX });
    }
    let mantissa = magnitude as i128;
    Ok(Decimal::new(if sign == 0 { -mantissa } else { mantissa }, scale))
}
