//! Conversions to bit, integers, decimal, money and floating point.
//!
//! Invariants
//! 1. decimal and float become integers by truncation, money by rounding.
//! 2. An empty or blank string is 0 for integers, money and float, and an error for decimal.

use super::{ConvertContext, bytes, expression_overflow, failed, message_name, overflow};
use crate::decimal::{self, Decimal, ParseDecimalError, max_mantissa};
use crate::{DateTime, SqlError, SqlResult, SqlType, TypeId, Value};

/// A number in its widest exact or approximate form.
enum Number {
    Exact(Decimal),
    Float(f64),
}

pub(super) fn convert(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    _ctx: &ConvertContext,
) -> SqlResult<Value> {
    let number = match value {
        Value::Bit(v) => exact(i128::from(*v)),
        Value::TinyInt(v) => exact(i128::from(*v)),
        Value::SmallInt(v) => exact(i128::from(*v)),
        Value::Int(v) => exact(i128::from(*v)),
        Value::BigInt(v) => exact(i128::from(*v)),
        Value::Decimal(d) => Number::Exact(*d),
        Value::Money(v) => Number::Exact(Decimal::new(i128::from(*v), 4)),
        Value::SmallMoney(v) => Number::Exact(Decimal::new(i128::from(*v), 4)),
        Value::Real(v) => Number::Float(if to.id == TypeId::Float { f64::from(*v) } else { widen(*v) }),
        Value::Float(v) => Number::Float(*v),
        Value::String(s) => return from_text(&s.to_text(), from, to),
        Value::Binary(b) => return bytes::to_number(b, from, to),
        Value::DateTime(d) => days(i64::from(d.days), d.ticks, to),
        Value::SmallDateTime(d) => days(i64::from(d.days), u32::from(d.minutes) * 18_000, to),
        _ => return Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
    };
    from_number(number, from, to)
}

fn exact(v: i128) -> Number {
    Number::Exact(Decimal::new(v, 0))
}

/// A real as the decimal digits it shows, so that 0.1 (real) becomes decimal 0.1.
fn widen(v: f32) -> f64 {
    f64::from(v)
}

/// datetime as a number of days; integers round at noon.
fn days(days: i64, ticks: u32, to: &SqlType) -> Number {
    if to.id.is_integer() {
        return exact(i128::from(days) + i128::from(ticks >= 12_960_000));
    }
    Number::Float(days as f64 + f64::from(ticks) / 25_920_000.0)
}

fn from_number(number: Number, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    match to.id {
        TypeId::Bit => Ok(Value::Bit(match number {
            Number::Exact(d) => d.mantissa != 0,
            Number::Float(f) => f != 0.0,
        })),
        TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::Null | TypeId::BigInt => {
            let n = match number {
                Number::Exact(d) if matches!(from.id, TypeId::Money | TypeId::SmallMoney) => {
                    d.rescale(0).map_or(0, |d| d.mantissa)
                }
                Number::Exact(d) => d.to_integer(),
                Number::Float(f) => {
                    if !f.is_finite() || f.abs() >= 1e30 {
                        return Err(float_overflow(f, to));
                    }
                    let n = f.trunc() as i128;
                    return integer(n, to).ok_or_else(|| float_overflow(f, to));
                }
            };
            integer(n, to).ok_or_else(|| match (from.id, to.id) {
                (_, TypeId::TinyInt | TypeId::SmallInt)
                    if from.id.is_integer() && from.id != TypeId::BigInt =>
                {
                    SqlError::new(220, &[&to.id.name(), &n]).state(if to.id == TypeId::TinyInt {
                        2
                    } else {
                        1
                    })
                }
                (TypeId::Decimal | TypeId::Numeric, _) => overflow(from, to),
                _ => expression_overflow(to),
            })
        }
        TypeId::Decimal | TypeId::Numeric => {
            let d = match number {
                Number::Exact(d) => d.fit(to.precision, to.scale),
                Number::Float(f) => {
                    Decimal::from_f64(f, to.scale).and_then(|d| d.fit(to.precision, to.scale))
                }
            };
            d.map(Value::Decimal).ok_or_else(|| overflow(from, to))
        }
        TypeId::Money | TypeId::SmallMoney => {
            let d = match number {
                Number::Exact(d) => d.rescale(4),
                Number::Float(f) => Decimal::from_f64(f, 4),
            };
            d.and_then(|d| money(d.mantissa, to)).ok_or_else(|| match number {
                Number::Float(f) => float_overflow(f, to),
                Number::Exact(_) if from.id.is_integer() => overflow(from, to),
                Number::Exact(_) => expression_overflow(to),
            })
        }
        TypeId::Float => Ok(Value::Float(match number {
            Number::Exact(d) => d.to_f64(),
            Number::Float(f) => f,
        })),
        TypeId::Real => {
            let f = match number {
                Number::Exact(d) => d.to_f64(),
                Number::Float(f) => f,
            };
            let r = f as f32;
            if r.is_infinite() && f.is_finite() { Err(float_overflow(f, to)) } else { Ok(Value::Real(r)) }
        }
        _ => Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
    }
}

fn float_overflow(f: f64, to: &SqlType) -> SqlError {
    SqlError::new(232, &[&message_name(to), &format!("{f:.6}")])
}

fn integer(n: i128, to: &SqlType) -> Option<Value> {
    Some(match to.id {
        TypeId::TinyInt => Value::TinyInt(u8::try_from(n).ok()?),
        TypeId::SmallInt => Value::SmallInt(i16::try_from(n).ok()?),
        TypeId::BigInt => Value::BigInt(i64::try_from(n).ok()?),
        TypeId::Bit => Value::Bit(n != 0),
        _ => Value::Int(i32::try_from(n).ok()?),
    })
}

fn money(units: i128, to: &SqlType) -> Option<Value> {
    Some(match to.id {
        TypeId::SmallMoney => Value::SmallMoney(i32::try_from(units).ok()?),
        _ => Value::Money(i64::try_from(units).ok()?),
    })
}

const SPACE: [char; 5] = [' ', '\t', '\r', '\n', '\u{A0}'];

fn from_text(s: &str, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    let t = s.trim_matches(SPACE);
    let bad = || SqlError::new(245, &[&from.id.name(), &s, &to.id.name()]);
    match to.id {
        TypeId::Bit => match t.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bit(true)),
            "false" | "" => Ok(Value::Bit(false)),
            _ => match digits(t) {
                Some((_, magnitude)) => Ok(Value::Bit(magnitude.bytes().any(|b| b != b'0'))),
                None => Err(bad()),
            },
        },
        TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::Null | TypeId::BigInt => {
            if t.is_empty() {
                return integer(0, to).ok_or_else(bad);
            }
            let Some((negative, magnitude)) = digits(t) else {
                return Err(if to.id == TypeId::BigInt { failed(from, to) } else { bad() });
            };
            let n: Option<i128> = magnitude.parse().ok().map(|n: i128| if negative { -n } else { n });
            n.and_then(|n| integer(n, to)).ok_or_else(|| match to.id {
                TypeId::TinyInt => SqlError::new(244, &[&from.id.name(), &s, &"INT1"]),
                TypeId::SmallInt => SqlError::new(244, &[&from.id.name(), &s, &"INT2"]),
                TypeId::BigInt => expression_overflow(to),
                _ => SqlError::new(248, &[&from.id.name(), &s]),
            })
        }
        TypeId::Decimal | TypeId::Numeric => match decimal::parse(s, to.precision, to.scale) {
            Ok(d) => Ok(Value::Decimal(d)),
            Err(ParseDecimalError::Invalid) => Err(failed(from, to)),
            Err(ParseDecimalError::Overflow) => Err(overflow(from, to)),
        },
        TypeId::Money | TypeId::SmallMoney => money_from_text(t, to),
        TypeId::Float | TypeId::Real => {
            if t.is_empty() {
                return from_number(Number::Float(0.0), from, to);
            }
            let f = float_from_text(t).ok_or_else(|| failed(from, to))?;
            if f.is_infinite() {
                return Err(overflow(from, to));
            }
            from_number(Number::Float(f), from, to)
        }
        _ => Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
    }
}

/// Sign and digits of an integer text.
fn digits(t: &str) -> Option<(bool, &str)> {
    let (negative, d) = match t.as_bytes().first()? {
        b'-' => (true, &t[1..]),
        b'+' => (false, &t[1..]),
        _ => (false, t),
    };
    let d = d.trim_start_matches(' ');
    (!d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())).then(|| {
        let short = d.trim_start_matches('0');
        (negative, if short.is_empty() { "0" } else { short })
    })
}

/// Digits, point and exponent; no words such as NaN.
fn float_from_text(t: &str) -> Option<f64> {
    if !t.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E' | b'd' | b'D')) {
        return None;
    }
    let mut t = t.replace(['d', 'D'], "e");
    // SQL Server reads "1e" as 1.
    if t.ends_with(['e', 'E']) {
        t.push('0');
    }
    t.parse().ok()
}

/// Sign, currency sign, digits with commas, point.
fn money_from_text(t: &str, to: &SqlType) -> SqlResult<Value> {
    let bad = || SqlError::new(235, &[]);
    let mut rest = t;
    let (mut negative, mut signed, mut currency) = (false, false, false);
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        (negative, signed, rest) = (true, true, inner);
    }
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        let Some(c) = trimmed.chars().next() else {
            rest = trimmed;
            break;
        };
        if !signed && (c == '-' || c == '+') {
            (signed, negative) = (true, c == '-');
        } else if !currency && is_currency(c) {
            currency = true;
        } else {
            rest = trimmed;
            break;
        }
        rest = &trimmed[c.len_utf8()..];
    }
    if rest.is_empty() {
        return money(0, to).ok_or_else(bad);
    }
    let plain = rest.replace(',', "");
    if !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(bad());
    }
    match decimal::parse(&plain, 38, 4) {
        Ok(d) => {
            money(if negative { -d.mantissa } else { d.mantissa }, to).ok_or_else(|| SqlError::new(236, &[]))
        }
        Err(ParseDecimalError::Overflow) => Err(SqlError::new(236, &[])),
        Err(ParseDecimalError::Invalid) if plain == "." => money(0, to).ok_or_else(bad),
        Err(ParseDecimalError::Invalid) => Err(bad()),
    }
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{9F2}' | '\u{9F3}' | '\u{E3F}' | '\u{17DB}' | '\u{20A0}'..='\u{20BF}' | '\u{FDFC}' | '\u{FE69}' | '\u{FF04}' | '\u{FFE0}' | '\u{FFE1}' | '\u{FFE5}' | '\u{FFE6}')
}

/// A number of days since 1900-01-01 as datetime.
pub(super) fn datetime_from_number(value: &Value) -> Option<DateTime> {
    let days = match value {
        Value::Bit(v) => f64::from(u8::from(*v)),
        Value::TinyInt(v) => f64::from(*v),
        Value::SmallInt(v) => f64::from(*v),
        Value::Int(v) => f64::from(*v),
        Value::BigInt(v) => *v as f64,
        Value::Decimal(d) => d.to_f64(),
        Value::Money(v) => *v as f64 / 10_000.0,
        Value::SmallMoney(v) => f64::from(*v) / 10_000.0,
        Value::Real(v) => f64::from(*v),
        Value::Float(v) => *v,
        _ => return None,
    };
    if !(-60_000.0..3_000_000.0).contains(&days) {
        return None;
    }
    let (mut whole, mut ticks) = (days.floor() as i32, ((days - days.floor()) * 25_920_000.0).round() as u32);
    if ticks >= 25_920_000 {
        (whole, ticks) = (whole + 1, 0);
    }
    (crate::datetime::DATETIME_DAYS_MIN..=crate::datetime::DATETIME_DAYS_MAX)
        .contains(&whole)
        .then_some(DateTime { days: whole, ticks })
}

/// Checks a mantissa against a decimal type; used by arithmetic on column batches.
pub fn fits(mantissa: i128, ty: &SqlType) -> bool {
    mantissa.unsigned_abs() <= max_mantissa(ty.precision).unsigned_abs()
}
