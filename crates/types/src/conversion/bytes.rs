//! Conversions to and from binary.
//!
//! Invariants
//! 1. Integers and money are big-endian and right-aligned: a longer binary gets zeros on the left, a shorter one loses the left.
//! 2. Everything else is left-aligned: a longer binary gets zeros on the right, a shorter one loses the right.
//!
//! Evidence: decimal is precision, scale, 0, sign, magnitude in multiples of four bytes; the date types carry a scale
//! byte (except date) before their stored bytes [documented by examples in the T-SQL reference].

use super::{failed, message_name};
use crate::storage_form::{decode_value, encode_value};
use crate::{DateTime, Decimal, SmallDateTime, SqlError, SqlResult, SqlType, TypeId, Value};

fn limit(to: &SqlType) -> Option<usize> {
    match to.id {
        TypeId::Image => None,
        TypeId::RowVersion => Some(8),
        _ if to.is_max() => None,
        _ => Some(to.length.max(0) as usize),
    }
}

fn is_fixed(to: &SqlType) -> bool {
    matches!(to.id, TypeId::Binary | TypeId::RowVersion)
}

fn left(mut b: Vec<u8>, to: &SqlType) -> Value {
    if let Some(n) = limit(to)
        && (b.len() > n || is_fixed(to))
    {
        b.resize(n, 0);
    }
    Value::binary(&b)
}

fn right(b: &[u8], to: &SqlType) -> Value {
    match limit(to) {
        Some(n) if b.len() > n => Value::binary(&b[b.len() - n..]),
        Some(n) if is_fixed(to) => {
            let mut out = vec![0u8; n - b.len()];
            out.extend_from_slice(b);
            Value::binary(&out)
        }
        _ => Value::binary(b),
    }
}

pub(super) fn to_binary(value: &Value, from: &SqlType, to: &SqlType, style: Option<i32>) -> SqlResult<Value> {
    Ok(match value {
        Value::Binary(b) => left(b.to_vec(), to),
        Value::String(s) => {
            let bytes = match style.unwrap_or(0) {
                0 if from.id.is_unicode() || from.id == TypeId::Xml => s.to_utf16le(),
                0 => from.collation.code_page().encode(s.units()),
                n @ (1 | 2) => parse_hex(&s.to_text(), n == 1).ok_or_else(|| failed(from, to))?,
                n => return Err(SqlError::new(281, &[&n, &message_name(from)])),
            };
            left(bytes, to)
        }
        Value::Bit(v) => right(&[u8::from(*v)], to),
        Value::TinyInt(v) => right(&[*v], to),
        Value::SmallInt(v) => right(&v.to_be_bytes(), to),
        Value::Int(v) => right(&v.to_be_bytes(), to),
        Value::BigInt(v) => right(&v.to_be_bytes(), to),
        Value::Money(v) => right(&v.to_be_bytes(), to),
        Value::SmallMoney(v) => right(&v.to_be_bytes(), to),
        Value::Real(v) => right(&v.to_be_bytes(), to),
        Value::Float(v) => right(&v.to_be_bytes(), to),
        Value::DateTime(d) => right(&[d.days.to_be_bytes(), d.ticks.to_be_bytes()].concat(), to),
        Value::SmallDateTime(d) => right(&[d.days.to_be_bytes(), d.minutes.to_be_bytes()].concat(), to),
        Value::Decimal(d) => {
            let magnitude = d.mantissa.unsigned_abs().to_le_bytes();
            let used = match from.precision {
                0..=9 => 4,
                10..=19 => 8,
                20..=28 => 12,
                _ => 16,
            };
            let mut out = vec![from.precision, from.scale, 0, u8::from(d.mantissa >= 0)];
            out.extend_from_slice(&magnitude[..used]);
            left(out, to)
        }
        Value::Guid(g) => left(g.to_vec(), to),
        Value::Date(_) | Value::Time(_) | Value::DateTime2(_) | Value::DateTimeOffset(_) => {
            let stored = encode_value(from, value).map_err(|_| failed(from, to))?;
            let mut out = if from.id == TypeId::Date { Vec::new() } else { vec![from.scale] };
            out.extend_from_slice(&stored);
            left(out, to)
        }
        Value::Null | Value::Variant(_) => return Err(failed(from, to)),
    })
}

/// Hexadecimal digits, with `0x` when the style demands it.
fn parse_hex(s: &str, prefix: bool) -> Option<Vec<u8>> {
    let s = s.trim_end_matches(' ');
    let s = if prefix { s.strip_prefix("0x").or_else(|| s.strip_prefix("0X"))? } else { s };
    if s.len() % 2 != 0 || !s.is_ascii() {
        return None;
    }
    s.as_bytes()
        .chunks(2)
        .map(|c| Some((char::from(c[0]).to_digit(16)? * 16 + char::from(c[1]).to_digit(16)?) as u8))
        .collect()
}

/// Upper-case hexadecimal digits.
pub fn hex(b: &[u8]) -> String {
    use std::fmt::Write;
    b.iter().fold(String::with_capacity(b.len() * 2), |mut s, x| {
        let _ = write!(s, "{x:02X}");
        s
    })
}

/// Binary to character units: the bytes themselves, or digits in styles 1 and 2.
pub(super) fn to_units(b: &[u8], to: &SqlType, style: Option<i32>) -> SqlResult<Vec<u16>> {
    Ok(match style.unwrap_or(0) {
        1 => format!("0x{}", hex(b)).encode_utf16().collect(),
        2 => hex(b).encode_utf16().collect(),
        0 if to.id.is_unicode() => {
            let mut units: Vec<u16> = b.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            if b.len() % 2 == 1 {
                units.push(u16::from(b[b.len() - 1]));
            }
            units
        }
        0 => to.collation.code_page().decode(b),
        n => return Err(SqlError::new(281, &[&n, &"varbinary"])),
    })
}

/// The last `N` bytes, zeros on the left.
fn tail<const N: usize>(b: &[u8]) -> [u8; N] {
    let mut out = [0u8; N];
    let n = b.len().min(N);
    out[N - n..].copy_from_slice(&b[b.len() - n..]);
    out
}

pub(super) fn to_number(b: &[u8], from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    Ok(match to.id {
        TypeId::Bit => Value::Bit(b.iter().any(|&x| x != 0)),
        TypeId::TinyInt => Value::TinyInt(tail::<1>(b)[0]),
        TypeId::SmallInt => Value::SmallInt(i16::from_be_bytes(tail(b))),
        TypeId::Int | TypeId::Null => Value::Int(i32::from_be_bytes(tail(b))),
        TypeId::BigInt => Value::BigInt(i64::from_be_bytes(tail(b))),
        TypeId::Money => Value::Money(i64::from_be_bytes(tail(b))),
        TypeId::SmallMoney => Value::SmallMoney(i32::from_be_bytes(tail(b))),
        TypeId::Decimal | TypeId::Numeric => {
            let (Some(&scale), Some(&sign), Some(magnitude)) = (b.get(1), b.get(3), b.get(4..)) else {
                return Err(failed(from, to));
            };
            let mut wide = [0u8; 16];
            let n = magnitude.len().min(16);
            wide[..n].copy_from_slice(&magnitude[..n]);
            let m = u128::from_le_bytes(wide);
            if scale > 38 || m >= 10u128.pow(38) {
                return Err(failed(from, to));
            }
            let m = if sign == 0 { -(m as i128) } else { m as i128 };
            let d = Decimal::new(m, scale)
                .fit(to.precision, to.scale)
                .ok_or_else(|| super::overflow(from, to))?;
            Value::Decimal(d)
        }
        _ => return Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
    })
}

/// Management Studio scripts these types as literals that are padded with zero bytes (`CAST(0x5B950A00 AS Date)`).
fn unpadded(b: &[u8], size: usize) -> &[u8] {
    match b.split_at_checked(size) {
        Some((value, padding)) if padding.iter().all(|&x| x == 0) => value,
        _ => b,
    }
}

pub(super) fn to_temporal(b: &[u8], from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    let bad = || SqlError::new(241, &[]);
    match to.id {
        TypeId::DateTime => {
            let t: [u8; 8] = tail(b);
            let days = i32::from_be_bytes([t[0], t[1], t[2], t[3]]);
            let ticks = u32::from_be_bytes([t[4], t[5], t[6], t[7]]);
            let v = DateTime { days, ticks };
            let in_range = (crate::datetime::DATETIME_DAYS_MIN..=crate::datetime::DATETIME_DAYS_MAX)
                .contains(&days)
                && ticks < 25_920_000;
            if in_range {
                Ok(Value::DateTime(v))
            } else {
                Err(SqlError::new(8115, &[&"expression", &"datetime"]))
            }
        }
        TypeId::SmallDateTime => {
            let t: [u8; 4] = tail(b);
            let v = SmallDateTime {
                days: u16::from_be_bytes([t[0], t[1]]),
                minutes: u16::from_be_bytes([t[2], t[3]]),
            };
            if v.minutes < 1440 { Ok(Value::SmallDateTime(v)) } else { Err(bad()) }
        }
        TypeId::Date => decode_value(to, unpadded(b, 3)).map_err(|_| bad()),
        _ => {
            let (&scale, rest) = b.split_first().ok_or_else(bad)?;
            if scale > 7 {
                return Err(bad());
            }
            let stored = match to.id {
                TypeId::Time => SqlType::time(scale),
                TypeId::DateTime2 => SqlType::datetime2(scale),
                _ => SqlType::datetimeoffset(scale),
            };
            let size = match (to.id, scale) {
                (TypeId::Time, 0..=2) => 3,
                (TypeId::Time, 3..=4) => 4,
                (TypeId::Time, _) => 5,
                (TypeId::DateTime2, 0..=2) => 6,
                (TypeId::DateTime2, 3..=4) => 7,
                (TypeId::DateTime2, _) => 8,
                (_, 0..=2) => 8,
                (_, 3..=4) => 9,
                _ => 10,
            };
            let v = decode_value(&stored, unpadded(rest, size)).map_err(|_| bad())?;
            let m = crate::datetime::Moment::from_value(&v).ok_or_else(bad)?;
            let _ = from;
            m.to_value(to).ok_or_else(bad)
        }
    }
}
