//! Values in their stored bytes (data records, index records, sql_variant), without record framing.
//!
//! | type | bytes |
//! |---|---|
//! | bit, tinyint, smallint, int, bigint | 1, 1, 2, 4, 8; little-endian, signed except tinyint |
//! | decimal, numeric | 5, 9, 13 or 17: sign byte (1 = not negative), then magnitude |
//! | money, smallmoney | 8, 4: signed, units of 10^-4 |
//! | real, float | IEEE 754 |
//! | datetime | u32 ticks of 1/300 s, then i32 days since 1900-01-01 |
//! | smalldatetime | u16 minutes, u16 days since 1900-01-01 |
//! | date | 3: days since 0001-01-01 |
//! | time(n) | 3, 4 or 5: count of 10^-n s |
//! | datetime2(n), datetimeoffset(n) | time, date (UTC), for the latter i16 offset in minutes |
//! | character types | code page of the collation, or UTF-16LE |
//! | sql_variant | see [`crate::variant`]; xml: see [`crate::xml`] |
//!
//! Invariants
//! 1. Any bytes yield a value or a [`StorageFormError`], never a panic; out-of-range dates and times are errors.
//! 2. `encode_value(ty, decode_value(ty, bytes))` gives `bytes` back for every value SQL Server writes, except xml, whose
//!    binary form may be written differently.
//! 3. Bit columns (shared bytes) and LOB pointers are the caller's: this module sees one byte, or the LOB's content.
//!
//! Evidence: docs/format/types.md.

use crate::batch::{ColumnBuilder, ColumnData};
use crate::datetime::{DATE_MAX, DATETIME_DAYS_MAX, DATETIME_DAYS_MIN, TICKS_PER_DAY};
use crate::sql_type::{decimal_length, time_length};
use crate::variant;
use crate::xml::XmlError;
use crate::{
    Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, SqlString, SqlType, Time, TypeId,
    Value,
};

/// Why stored bytes are not a value of their type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageFormError {
    #[error("{ty} value of {length} bytes")]
    Length { ty: &'static str, length: usize },
    #[error("{ty} value out of range")]
    Range { ty: &'static str },
    #[error("sql_variant: base type {xtype} or its properties are not valid")]
    Variant { xtype: u8 },
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("the stored form of json is not known")]
    Json,
    #[error("a value of another type than {ty}")]
    Mismatch { ty: &'static str },
}

type Result<T> = std::result::Result<T, StorageFormError>;

fn exact<const N: usize>(ty: &SqlType, bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| StorageFormError::Length { ty: ty.id.name(), length: bytes.len() })
}

fn range(ty: &SqlType) -> StorageFormError {
    StorageFormError::Range { ty: ty.id.name() }
}

/// The value that `bytes` are as type `ty`. NULL has no bytes and never comes here.
pub fn decode_value(ty: &SqlType, bytes: &[u8]) -> Result<Value> {
    Ok(match ty.id {
        TypeId::Bit => Value::Bit(exact::<1>(ty, bytes)?[0] & 1 != 0),
        TypeId::TinyInt => Value::TinyInt(exact::<1>(ty, bytes)?[0]),
        TypeId::SmallInt => Value::SmallInt(i16::from_le_bytes(exact(ty, bytes)?)),
        TypeId::Int | TypeId::Null => Value::Int(i32::from_le_bytes(exact(ty, bytes)?)),
        TypeId::BigInt => Value::BigInt(i64::from_le_bytes(exact(ty, bytes)?)),
        TypeId::Decimal | TypeId::Numeric => {
            Value::Decimal(Decimal::new(decode_decimal(ty, bytes)?, ty.scale))
        }
        TypeId::Money => Value::Money(i64::from_le_bytes(exact(ty, bytes)?)),
        TypeId::SmallMoney => Value::SmallMoney(i32::from_le_bytes(exact(ty, bytes)?)),
        TypeId::Real => Value::Real(f32::from_le_bytes(exact(ty, bytes)?)),
        TypeId::Float => Value::Float(f64::from_le_bytes(exact(ty, bytes)?)),
        TypeId::Date => Value::Date(decode_date(ty, bytes)?),
        TypeId::Time => Value::Time(decode_time(ty, bytes)?),
        TypeId::DateTime2 => Value::DateTime2(decode_datetime2(ty, bytes)?),
        TypeId::DateTimeOffset => Value::DateTimeOffset(decode_offset(ty, bytes)?),
        TypeId::DateTime => Value::DateTime(decode_datetime(ty, bytes)?),
        TypeId::SmallDateTime => Value::SmallDateTime(decode_smalldatetime(ty, bytes)?),
        TypeId::Char | TypeId::VarChar | TypeId::Text => {
            Value::String(SqlString::from(ty.collation.code_page().decode(bytes)))
        }
        TypeId::NChar | TypeId::NVarChar | TypeId::NText => Value::String(SqlString::from_utf16le(bytes)),
        TypeId::Binary
        | TypeId::VarBinary
        | TypeId::Image
        | TypeId::RowVersion
        | TypeId::HierarchyId
        | TypeId::Geometry
        | TypeId::Geography
        | TypeId::Clr
        | TypeId::Vector => Value::binary(bytes),
        TypeId::UniqueIdentifier => Value::Guid(exact(ty, bytes)?),
        TypeId::SqlVariant => Value::Variant(variant::decode(bytes)?.into()),
        TypeId::Xml => Value::String(SqlString::from(crate::xml::decode_to_units(bytes)?)),
        TypeId::Json => return Err(StorageFormError::Json),
    })
}

/// Decodes straight into a column: no allocation per value for the common types.
pub fn decode_into(ty: &SqlType, bytes: &[u8], column: &mut ColumnBuilder) -> Result<()> {
    match (ty.id, column.data()) {
        (TypeId::Bit, ColumnData::U8(v)) => v.push(exact::<1>(ty, bytes)?[0] & 1),
        (TypeId::TinyInt, ColumnData::U8(v)) => v.push(exact::<1>(ty, bytes)?[0]),
        (TypeId::SmallInt, ColumnData::I16(v)) => v.push(i16::from_le_bytes(exact(ty, bytes)?)),
        (TypeId::Int | TypeId::SmallMoney | TypeId::Null, ColumnData::I32(v)) => {
            v.push(i32::from_le_bytes(exact(ty, bytes)?));
        }
        (TypeId::Date, ColumnData::I32(v)) => v.push(decode_date(ty, bytes)?.0),
        (TypeId::BigInt | TypeId::Money, ColumnData::I64(v)) => v.push(i64::from_le_bytes(exact(ty, bytes)?)),
        (TypeId::Time, ColumnData::I64(v)) => v.push(decode_time(ty, bytes)?.0 as i64),
        (TypeId::Real, ColumnData::F32(v)) => v.push(f32::from_le_bytes(exact(ty, bytes)?)),
        (TypeId::Float, ColumnData::F64(v)) => v.push(f64::from_le_bytes(exact(ty, bytes)?)),
        (TypeId::Decimal | TypeId::Numeric, ColumnData::Decimal(v)) => v.push(decode_decimal(ty, bytes)?),
        (TypeId::DateTime, ColumnData::DateTime(v)) => v.push(decode_datetime(ty, bytes)?),
        (TypeId::DateTime2, ColumnData::DateTime2(v)) => v.push(decode_datetime2(ty, bytes)?),
        (TypeId::SmallDateTime, ColumnData::SmallDateTime(v)) => v.push(decode_smalldatetime(ty, bytes)?),
        (TypeId::UniqueIdentifier, ColumnData::Guid(v)) => v.push(exact(ty, bytes)?),
        (TypeId::Char | TypeId::VarChar | TypeId::Text, ColumnData::Utf16(v)) => {
            ty.collation.code_page().decode_into(bytes, &mut v.data);
            v.offsets.push(v.data.len() as u32);
        }
        (TypeId::NChar | TypeId::NVarChar | TypeId::NText, ColumnData::Utf16(v)) => {
            v.data.extend(bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])));
            v.offsets.push(v.data.len() as u32);
        }
        (TypeId::SqlVariant | TypeId::Xml | TypeId::Json | TypeId::DateTimeOffset, _) => {
            let value = decode_value(ty, bytes)?;
            return column.push(&value).map_err(|_| StorageFormError::Mismatch { ty: ty.id.name() });
        }
        (_, ColumnData::Bytes(v)) => v.push(bytes),
        _ => return Err(StorageFormError::Mismatch { ty: ty.id.name() }),
    }
    column.pushed();
    Ok(())
}

/// The stored bytes of a non-NULL value of type `ty`.
pub fn encode_value(ty: &SqlType, value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    encode_into(ty, value, &mut out)?;
    Ok(out)
}

/// Appends the stored bytes of a non-NULL value of type `ty`. After an error `out` may hold a part of them.
pub fn encode_into(ty: &SqlType, value: &Value, out: &mut Vec<u8>) -> Result<()> {
    match (ty.id, value) {
        (TypeId::Bit, Value::Bit(b)) => out.push(u8::from(*b)),
        (TypeId::TinyInt, Value::TinyInt(v)) => out.push(*v),
        (TypeId::SmallInt, Value::SmallInt(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::Int | TypeId::Null, Value::Int(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::BigInt, Value::BigInt(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::Decimal | TypeId::Numeric, Value::Decimal(d)) => encode_decimal(ty, *d, out)?,
        (TypeId::Money, Value::Money(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::SmallMoney, Value::SmallMoney(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::Real, Value::Real(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::Float, Value::Float(v)) => out.extend_from_slice(&v.to_le_bytes()),
        (TypeId::Date, Value::Date(d)) => encode_date(*d, out),
        (TypeId::Time, Value::Time(t)) => encode_time(ty, *t, out),
        (TypeId::DateTime2, Value::DateTime2(d)) => {
            encode_time(ty, d.time, out);
            encode_date(d.date, out);
        }
        (TypeId::DateTimeOffset, Value::DateTimeOffset(d)) => {
            encode_time(ty, d.utc.time, out);
            encode_date(d.utc.date, out);
            out.extend_from_slice(&d.offset_minutes.to_le_bytes());
        }
        (TypeId::DateTime, Value::DateTime(d)) => {
            out.extend_from_slice(&d.ticks.to_le_bytes());
            out.extend_from_slice(&d.days.to_le_bytes());
        }
        (TypeId::SmallDateTime, Value::SmallDateTime(d)) => {
            out.extend_from_slice(&d.minutes.to_le_bytes());
            out.extend_from_slice(&d.days.to_le_bytes());
        }
        (TypeId::Char | TypeId::VarChar | TypeId::Text, Value::String(s)) => {
            ty.collation.code_page().encode_into(s.units(), out);
        }
        (TypeId::NChar | TypeId::NVarChar | TypeId::NText, Value::String(s)) => {
            out.extend(s.units().iter().flat_map(|u| u.to_le_bytes()));
        }
        (TypeId::Xml, Value::String(s)) => out.extend(crate::xml::encode_text(s.units())?),
        (TypeId::Json, _) => return Err(StorageFormError::Json),
        (TypeId::UniqueIdentifier, Value::Guid(g)) => out.extend_from_slice(g),
        (TypeId::SqlVariant, Value::Variant(v)) => out.extend(variant::encode(v)?),
        (_, Value::Binary(b)) => out.extend_from_slice(b),
        _ => return Err(StorageFormError::Mismatch { ty: ty.id.name() }),
    }
    Ok(())
}

fn decode_decimal(ty: &SqlType, bytes: &[u8]) -> Result<i128> {
    let length = || StorageFormError::Length { ty: ty.id.name(), length: bytes.len() };
    let (sign, magnitude) = bytes.split_first().ok_or_else(length)?;
    let mut wide = [0u8; 16];
    wide.get_mut(..magnitude.len()).ok_or_else(length)?.copy_from_slice(magnitude);
    let magnitude = u128::from_le_bytes(wide);
    if magnitude >= 10u128.pow(38) {
        return Err(range(ty));
    }
    Ok(if *sign == 0 { -(magnitude as i128) } else { magnitude as i128 })
}

fn encode_decimal(ty: &SqlType, d: Decimal, out: &mut Vec<u8>) -> Result<()> {
    let d = if d.scale == ty.scale { d } else { d.rescale(ty.scale).ok_or_else(|| range(ty))? };
    let size = decimal_length(ty.precision) as usize;
    let magnitude = d.mantissa.unsigned_abs().to_le_bytes();
    if magnitude[size - 1..].iter().any(|&b| b != 0) {
        return Err(range(ty));
    }
    out.push(u8::from(d.mantissa >= 0));
    out.extend_from_slice(&magnitude[..size - 1]);
    Ok(())
}

fn decode_date(ty: &SqlType, bytes: &[u8]) -> Result<Date> {
    let b = exact::<3>(ty, bytes)?;
    let days = i32::from_le_bytes([b[0], b[1], b[2], 0]);
    if days > DATE_MAX { Err(range(ty)) } else { Ok(Date(days)) }
}

fn encode_date(d: Date, out: &mut Vec<u8>) {
    out.extend_from_slice(&d.0.to_le_bytes()[..3]);
}

/// 100 ns ticks in one unit of time(`scale`).
fn unit_ticks(scale: u8) -> u64 {
    10u64.pow(7 - u32::from(scale.min(7)))
}

fn decode_time(ty: &SqlType, bytes: &[u8]) -> Result<Time> {
    if bytes.len() != time_length(ty.scale) as usize {
        return Err(StorageFormError::Length { ty: ty.id.name(), length: bytes.len() });
    }
    let mut wide = [0u8; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let ticks = u64::from_le_bytes(wide).saturating_mul(unit_ticks(ty.scale));
    if ticks >= TICKS_PER_DAY { Err(range(ty)) } else { Ok(Time(ticks)) }
}

fn encode_time(ty: &SqlType, t: Time, out: &mut Vec<u8>) {
    let units = t.0 / unit_ticks(ty.scale);
    out.extend_from_slice(&units.to_le_bytes()[..time_length(ty.scale) as usize]);
}

fn decode_datetime2(ty: &SqlType, bytes: &[u8]) -> Result<DateTime2> {
    let n = time_length(ty.scale) as usize;
    if bytes.len() != n + 3 {
        return Err(StorageFormError::Length { ty: ty.id.name(), length: bytes.len() });
    }
    Ok(DateTime2 { time: decode_time(ty, &bytes[..n])?, date: decode_date(ty, &bytes[n..])? })
}

fn decode_offset(ty: &SqlType, bytes: &[u8]) -> Result<DateTimeOffset> {
    let n = time_length(ty.scale) as usize + 3;
    if bytes.len() != n + 2 {
        return Err(StorageFormError::Length { ty: ty.id.name(), length: bytes.len() });
    }
    let offset_minutes = i16::from_le_bytes([bytes[n], bytes[n + 1]]);
    if offset_minutes.unsigned_abs() > 14 * 60 {
        return Err(range(ty));
    }
    Ok(DateTimeOffset { utc: decode_datetime2(ty, &bytes[..n])?, offset_minutes })
}

fn decode_datetime(ty: &SqlType, bytes: &[u8]) -> Result<DateTime> {
    let b = exact::<8>(ty, bytes)?;
    let ticks = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let days = i32::from_le_bytes([b[4], b[5], b[6], b[7]]);
    if ticks >= 25_920_000 || !(DATETIME_DAYS_MIN..=DATETIME_DAYS_MAX).contains(&days) {
        return Err(range(ty));
    }
    Ok(DateTime { days, ticks })
}

fn decode_smalldatetime(ty: &SqlType, bytes: &[u8]) -> Result<SmallDateTime> {
    let b = exact::<4>(ty, bytes)?;
    let minutes = u16::from_le_bytes([b[0], b[1]]);
    if minutes >= 1440 {
        return Err(range(ty));
    }
    Ok(SmallDateTime { minutes, days: u16::from_le_bytes([b[2], b[3]]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CollationId;

    fn types() -> Vec<SqlType> {
        let c = CollationId::SERVER_DEFAULT;
        vec![
            SqlType::BIT,
            SqlType::TINYINT,
            SqlType::SMALLINT,
            SqlType::INT,
            SqlType::BIGINT,
            SqlType::decimal(9, 2),
            SqlType::decimal(38, 10),
            SqlType::MONEY,
            SqlType::SMALLMONEY,
            SqlType::REAL,
            SqlType::FLOAT,
            SqlType::DATE,
            SqlType::time(0),
            SqlType::time(7),
            SqlType::datetime2(3),
            SqlType::datetimeoffset(7),
            SqlType::DATETIME,
            SqlType::SMALLDATETIME,
            SqlType::GUID,
            SqlType::varchar(20, c),
            SqlType::nvarchar(20, c),
            SqlType::binary(TypeId::VarBinary, 8),
            SqlType::VARIANT,
            SqlType::XML,
        ]
    }

    /// Invariant 1, over pseudo-random bytes of every length.
    #[test]
    fn hostile_bytes_never_panic() {
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        for round in 0..400usize {
            for ty in types() {
                let len = round % 24;
                let bytes: Vec<u8> = (0..len)
                    .map(|_| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        (state >> 11) as u8
                    })
                    .collect();
                let mut column = ColumnBuilder::new(ty, 1);
                let direct = decode_into(&ty, &bytes, &mut column);
                match decode_value(&ty, &bytes) {
                    Ok(v) => {
                        direct.unwrap();
                        let through = column.finish().value(0, &ty);
                        assert!(through == v || format!("{through:?}") == format!("{v:?}"), "{ty}: {v:?}");
                        let _ = encode_value(&ty, &v);
                    }
                    Err(_) => assert!(direct.is_err(), "{ty}"),
                }
            }
        }
    }

    #[test]
    fn known_values() {
        let d = decode_value(&SqlType::decimal(5, 2), &[0, 0x39, 0x30, 0, 0]).unwrap();
        assert_eq!(d, Value::Decimal(Decimal::new(-12345, 2)));
        assert_eq!(encode_value(&SqlType::decimal(5, 2), &d).unwrap(), [0, 0x39, 0x30, 0, 0]);
        let t = decode_value(&SqlType::time(3), &[0x10, 0x27, 0, 0]).unwrap();
        assert_eq!(t, Value::Time(Time(100_000_000)));
        let o = Value::DateTimeOffset(DateTimeOffset {
            utc: DateTime2 { date: Date(737_000), time: Time(36_000_000_000) },
            offset_minutes: -330,
        });
        let ty = SqlType::datetimeoffset(7);
        assert_eq!(decode_value(&ty, &encode_value(&ty, &o).unwrap()).unwrap(), o);
        assert!(decode_value(&SqlType::INT, &[1, 2]).is_err());
        assert!(decode_value(&SqlType::DATE, &[0xFF, 0xFF, 0xFF]).is_err());
    }
}
