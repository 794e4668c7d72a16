//! Stored bytes to SQL values.
//!
//! Module map: this file single values; [`column`] whole columns into batch vectors; [`uniform`] the same for pages of rows of one shape; [`variant`] sql_variant; [`text`] code
//! pages of collations.
//!
//! Invariants
//! 1. Decoding never panics: bytes that are too short or out of range give a [`RecordError`].
//! 2. char, nchar and binary values come out at their declared length: records hold them padded.
//!
//! Evidence: docs/format/types.md.

pub mod column;
pub mod text;
pub mod uniform;
pub mod variant;

use std::sync::Arc;

use holdfast_format::RecordError;
use holdfast_format::record::number::decode_decimal;
use holdfast_types::datetime::DAYS_TO_1900;
use holdfast_types::{
    Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, SqlString, SqlType, Time, TypeId,
    Value,
};

/// Fixed bytes, or the error that the value is too short.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], RecordError> {
    let mut out = [0u8; N];
    out.copy_from_slice(bytes.get(..N).ok_or(RecordError::new(0, "a value is shorter than its type"))?);
    Ok(out)
}

/// Little-endian unsigned integer of at most 8 bytes.
fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |acc, &b| acc << 8 | u64::from(b))
}

/// 100 ns ticks of a stored time of the given scale.
pub(crate) fn ticks(bytes: &[u8], scale: u8) -> Result<u64, RecordError> {
    let factor = 10u64.pow(7u32.saturating_sub(u32::from(scale)));
    let ticks = unsigned(bytes).checked_mul(factor).filter(|t| *t < 864_000_000_000);
    ticks.ok_or(RecordError::new(0, "a time is out of range"))
}

pub(crate) fn date(bytes: &[u8]) -> Result<i32, RecordError> {
    let days = unsigned(&array::<3>(bytes)?);
    i32::try_from(days).ok().filter(|d| *d <= 3_652_058).ok_or(RecordError::new(0, "a date is out of range"))
}

pub(crate) fn datetime(bytes: &[u8]) -> Result<DateTime, RecordError> {
    let raw = array::<8>(bytes)?;
    let ticks = u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    let days = i32::from_le_bytes([raw[4], raw[5], raw[6], raw[7]]);
    if ticks >= 25_920_000 || !(-DAYS_TO_1900..=2_958_463).contains(&days) {
        return Err(RecordError::new(0, "a datetime is out of range"));
    }
    Ok(DateTime { days, ticks })
}

fn split_time(bytes: &[u8], scale: u8) -> Result<(&[u8], &[u8]), RecordError> {
    let size = holdfast_types::sql_type::time_length(scale) as usize;
    bytes.split_at_checked(size).ok_or(RecordError::new(0, "a time is shorter than its type"))
}

pub(crate) fn datetime2(bytes: &[u8], scale: u8) -> Result<DateTime2, RecordError> {
    let (time, rest) = split_time(bytes, scale)?;
    Ok(DateTime2 { date: Date(date(rest)?), time: Time(ticks(time, scale)?) })
}

/// A non-NULL value from its stored bytes (LOB pointers already followed).
pub fn value(ty: &SqlType, bytes: &[u8]) -> Result<Value, RecordError> {
    Ok(match ty.id {
        TypeId::Bit => Value::Bit(array::<1>(bytes)?[0] & 1 == 1),
        TypeId::TinyInt => Value::TinyInt(array::<1>(bytes)?[0]),
        TypeId::SmallInt => Value::SmallInt(i16::from_le_bytes(array(bytes)?)),
        TypeId::Int | TypeId::Null => Value::Int(i32::from_le_bytes(array(bytes)?)),
        TypeId::BigInt => Value::BigInt(i64::from_le_bytes(array(bytes)?)),
        TypeId::Decimal | TypeId::Numeric => Value::Decimal(Decimal::new(decode_decimal(bytes)?, ty.scale)),
        TypeId::Money => Value::Money(i64::from_le_bytes(array(bytes)?)),
        TypeId::SmallMoney => Value::SmallMoney(i32::from_le_bytes(array(bytes)?)),
        TypeId::Real => Value::Real(f32::from_le_bytes(array(bytes)?)),
        TypeId::Float => Value::Float(f64::from_le_bytes(array(bytes)?)),
        TypeId::Date => Value::Date(Date(date(bytes)?)),
        TypeId::Time => Value::Time(Time(ticks(split_time(bytes, ty.scale)?.0, ty.scale)?)),
        TypeId::DateTime2 => Value::DateTime2(datetime2(bytes, ty.scale)?),
        TypeId::DateTimeOffset => {
            let (offset_at, utc) = (bytes.len().saturating_sub(2), datetime2(bytes, ty.scale)?);
            let offset_minutes = i16::from_le_bytes(array(bytes.get(offset_at..).unwrap_or(&[]))?);
            Value::DateTimeOffset(DateTimeOffset { utc, offset_minutes })
        }
        TypeId::DateTime => Value::DateTime(datetime(bytes)?),
        TypeId::SmallDateTime => {
            let raw = array::<4>(bytes)?;
            Value::SmallDateTime(SmallDateTime {
                minutes: u16::from_le_bytes([raw[0], raw[1]]),
                days: u16::from_le_bytes([raw[2], raw[3]]),
            })
        }
        TypeId::Char | TypeId::VarChar | TypeId::Text => {
            let mut units = Vec::with_capacity(bytes.len());
            text::decode(ty.collation, bytes, &mut units);
            Value::String(SqlString::from(units))
        }
        TypeId::NChar | TypeId::NVarChar | TypeId::NText => Value::String(SqlString::from_utf16le(bytes)),
        TypeId::Xml => Value::String(SqlString::from(text::xml(bytes)?)),
        TypeId::Json => Value::String(SqlString::from(text::json(bytes)?)),
        TypeId::Binary
        | TypeId::VarBinary
        | TypeId::Image
        | TypeId::RowVersion
        | TypeId::HierarchyId
        | TypeId::Geometry
        | TypeId::Geography
        | TypeId::Clr
        | TypeId::Vector => Value::Binary(Arc::from(bytes)),
        TypeId::UniqueIdentifier => Value::Guid(array(bytes)?),
        TypeId::SqlVariant => variant::decode(bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_absurd_bytes_are_errors() {
        for ty in [SqlType::INT, SqlType::DATETIME, SqlType::datetime2(7), SqlType::GUID, SqlType::DATE] {
            assert!(value(&ty, &[1]).is_err(), "{ty}");
        }
        assert!(value(&SqlType::DATETIME, &[0xFF; 8]).is_err());
        assert!(value(&SqlType::DATE, &[0xFF; 3]).is_err());
        assert!(value(&SqlType::time(7), &[0xFF; 5]).is_err());
    }

    #[test]
    fn samples() {
        assert_eq!(value(&SqlType::INT, &[1, 0, 0, 0]), Ok(Value::Int(1)));
        assert_eq!(value(&SqlType::time(0), &[60, 0, 0]), Ok(Value::Time(Time(600_000_000))));
        assert_eq!(
            value(&SqlType::decimal(9, 2), &[0, 0x39, 0x30, 0, 0]),
            Ok(Value::Decimal(Decimal::new(-12345, 2)))
        );
    }
}
