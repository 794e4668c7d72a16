//! Single values as text: numbers, money, uniqueidentifier, floating point; and the parsers of the simple ones.
//!
//! Invariants
//! 1. Floating-point styles: 0 = at most 6 digits, 1 = 8 digits and 2 = 16 digits always with exponent,
//!    3 = 17 digits (9 for real), 126, 128, 129 = shortest text that reads back.

use super::{ConvertContext, style};
use crate::{Guid, SqlError, SqlResult, SqlType, TypeId, Value};

/// Text of a non-string, non-binary value.
pub(super) fn value_text(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
) -> SqlResult<String> {
    let number = style.unwrap_or(0);
    Ok(match value {
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(v) => v.to_string(),
        Value::SmallInt(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::BigInt(v) => v.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Money(v) => money_style(*v, number),
        Value::SmallMoney(v) => money_style(i64::from(*v), number),
        Value::Real(v) => real_text(*v, number),
        Value::Float(v) => float_text(*v, number),
        Value::Guid(g) => uuid_text(g),
        Value::Binary(b) => match from.id {
            TypeId::HierarchyId => {
                crate::hierarchyid::to_text(b).map_err(|e| SqlError::new(6522, &[&"hierarchyid", &e]))?
            }
            TypeId::Geometry | TypeId::Geography => {
                crate::spatial::to_wkt(b, from.id == TypeId::Geography)
                    .map_err(|e| SqlError::new(6522, &[&from.id.name(), &e]))?
            }
            TypeId::Vector => super::canonical::vector_text(b)
                .ok_or_else(|| SqlError::not_supported("Conversion of this vector value"))?,
            _ => return Err(SqlError::not_supported(format!("Conversion from {from} to {to}"))),
        },
        _ if from.id.is_temporal() => style::temporal_text(value, from, to, style, ctx)?,
        _ => return Err(SqlError::not_supported(format!("Conversion from {from} to {to}"))),
    })
}

/// Money (units of 10^-4) with `digits` fraction digits, rounded half away from zero.
pub fn money_text(value: i64, digits: u8) -> String {
    let d = crate::Decimal::new(i128::from(value), 4);
    d.rescale(digits).unwrap_or(d).to_string()
}

fn money_style(value: i64, style: i32) -> String {
    match style {
        1 => {
            let plain = money_text(value, 2);
            let (sign, digits) = match plain.strip_prefix('-') {
                Some(d) => ("-", d),
                None => ("", plain.as_str()),
            };
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "00"));
            let mut grouped = String::new();
            for (i, c) in whole.chars().enumerate() {
                if i > 0 && (whole.len() - i) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(c);
            }
            format!("{sign}{grouped}.{fraction}")
        }
        2 | 126 => money_text(value, 4),
        _ => money_text(value, 2),
    }
}

/// A float in the given style.
pub fn float_text(v: f64, style: i32) -> String {
    match style {
        1 => exponent(v, 8),
        2 => exponent(v, 16),
        3 => exponent(v, 17),
        126 | 128 | 129 => shortest(&format!("{v:e}")),
        _ => general(v, 6),
    }
}

/// A real in the given style.
pub fn real_text(v: f32, style: i32) -> String {
    match style {
        3 => exponent(f64::from(v), 9),
        126 | 128 | 129 => shortest(&format!("{v:e}")),
        _ => float_text(f64::from(v), style),
    }
}

/// `d.ddde+xxx` with `digits` significant digits.
fn exponent(v: f64, digits: usize) -> String {
    let text = format!("{v:.*e}", digits - 1);
    let (mantissa, e) = text.split_once('e').unwrap_or((&text, "0"));
    let e: i32 = e.parse().unwrap_or(0);
    format!("{mantissa}e{}{:03}", if e < 0 { '-' } else { '+' }, e.abs())
}

/// C's %g with a three-digit exponent.
fn general(v: f64, digits: i32) -> String {
    if v == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{v:.*e}", digits as usize - 1);
    let (mantissa, e) = text.split_once('e').unwrap_or((&text, "0"));
    let e: i32 = e.parse().unwrap_or(0);
    let strip = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if e < -4 || e >= digits {
        format!("{}e{}{:03}", strip(mantissa), if e < 0 { '-' } else { '+' }, e.abs())
    } else {
        strip(&format!("{v:.*}", (digits - 1 - e).max(0) as usize))
    }
}

/// Rust's shortest exponent form with a three-digit exponent.
fn shortest(text: &str) -> String {
    let (mantissa, e) = text.split_once('e').unwrap_or((text, "0"));
    let e: i32 = e.parse().unwrap_or(0);
    format!("{mantissa}e{}{:03}", if e < 0 { '-' } else { '+' }, e.abs())
}

/// XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX.
pub fn uuid_text(g: &Guid) -> String {
    format!(
        "{:02X}{:02X}{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}{:02X}{:02X}",
        g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]
    )
}

/// 36 characters, optionally in braces; what follows is ignored.
pub fn parse_guid(s: &str) -> Option<Guid> {
    let s = s.trim_start_matches(' ');
    let body = match s.strip_prefix('{') {
        Some(b) if b.as_bytes().get(36) == Some(&b'}') => b,
        Some(_) => return None,
        None => s,
    };
    let t = body.as_bytes().get(..36)?;
    let mut bytes = [0u8; 16];
    let mut at = 0;
    for (i, out) in bytes.iter_mut().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            if t[at] != b'-' {
                return None;
            }
            at += 1;
        }
        let digit = |c: u8| char::from(c).to_digit(16);
        *out = (digit(t[at])? * 16 + digit(t[at + 1])?) as u8;
        at += 2;
    }
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    Some(bytes)
}
