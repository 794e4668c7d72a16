//! Conversions between types: CAST, CONVERT with styles, and the implicit ones.
//!
//! Module map: [`matrix`] which conversions exist, [`text`] values to text, [`style`] dates to text by style,
//! [`number`] and [`temporal`] conversions to numbers and dates, [`bytes`] to and from binary, [`canonical`] the text of dumps.
//!
//! Invariants
//! 1. NULL converts to NULL whatever the types (the matrix is still checked by the caller with [`check`]).
//! 2. Every failure is SQL Server's own error; silent truncation happens only where SQL Server truncates.

pub mod bytes;
pub mod canonical;
pub mod matrix;
pub mod number;
pub mod style;
pub mod temporal;
pub mod text;

use std::sync::Arc;

pub use canonical::canonical_text;
pub use matrix::{ConversionKind, check, conversion_kind};
pub use text::{float_text, money_text, real_text, uuid_text};

use crate::datetime::{DateOrder, Language};
use crate::{SqlError, SqlResult, SqlString, SqlType, TypeId, Value, Variant};

/// What conversions depend on besides value and types.
#[derive(Clone, Copy, Debug)]
pub struct ConvertContext {
    pub date_order: DateOrder,
    pub language: Language,
    pub compatibility_level: u8,
}

impl Default for ConvertContext {
    fn default() -> Self {
        ConvertContext {
            date_order: DateOrder::Mdy,
            language: Language::US_ENGLISH,
            compatibility_level: 150,
        }
    }
}

/// Who asked for the conversion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Implicit,
    Explicit,
}

/// Type name as conversion messages write it: decimal is numeric there.
pub(crate) fn message_name(ty: &SqlType) -> &'static str {
    match ty.id {
        TypeId::Decimal | TypeId::Numeric => "numeric",
        id => id.name(),
    }
}

/// Error 8115 with the source's name.
pub(crate) fn overflow(from: &SqlType, to: &SqlType) -> SqlError {
    let state = match to.id {
        TypeId::Decimal | TypeId::Numeric => 8,
        id if id.is_character() => 5,
        _ => 2,
    };
    SqlError::new(8115, &[&message_name(from), &message_name(to)]).state(state)
}

/// Error 8115 as it speaks of values that were already numbers of the target's kind.
pub(crate) fn expression_overflow(to: &SqlType) -> SqlError {
    SqlError::new(8115, &[&"expression", &message_name(to)]).state(2)
}

/// Error 8114.
pub(crate) fn failed(from: &SqlType, to: &SqlType) -> SqlError {
    SqlError::new(8114, &[&message_name(from), &message_name(to)])
}

/// Converts `value` of type `from` to type `to`. `style` is CONVERT's third argument, `None` for CAST.
pub fn convert(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
    mode: Mode,
) -> SqlResult<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    check(from, to, mode)?;
    if let Value::Variant(v) = value {
        if to.id == TypeId::SqlVariant {
            return Ok(value.clone());
        }
        return convert(&v.value, &v.ty, to, style, ctx, Mode::Explicit);
    }
    match to.id {
        TypeId::SqlVariant => Ok(Value::Variant(Arc::new(Variant { ty: *from, value: value.clone() }))),
        TypeId::Char | TypeId::VarChar | TypeId::Text | TypeId::NChar | TypeId::NVarChar | TypeId::NText => {
            to_character(value, from, to, style, ctx)
        }
        TypeId::Binary | TypeId::VarBinary | TypeId::Image | TypeId::RowVersion => {
            bytes::to_binary(value, from, to, style)
        }
        TypeId::Date
        | TypeId::Time
        | TypeId::DateTime
        | TypeId::DateTime2
        | TypeId::SmallDateTime
        | TypeId::DateTimeOffset => temporal::convert(value, from, to, style, ctx),
        TypeId::UniqueIdentifier => to_guid(value, from, to),
        TypeId::Xml => to_xml(value, from, style),
        TypeId::Json => match value {
            Value::String(_) => Ok(value.clone()),
            _ => Err(SqlError::not_supported(format!("Conversion from {from} to json"))),
        },
        TypeId::HierarchyId => match value {
            Value::String(s) => crate::hierarchyid::from_text(&s.to_text())
                .map(|b| Value::binary(&b))
                .map_err(|e| SqlError::new(6522, &[&"hierarchyid", &e])),
            Value::Binary(_) => Ok(value.clone()),
            _ => Err(SqlError::new(206, &[&message_name(from), &message_name(to)])),
        },
        TypeId::Geometry | TypeId::Geography if matches!(value, Value::String(_)) => {
            let Value::String(s) = value else { return Ok(value.clone()) };
            let geography = to.id == TypeId::Geography;
            let shape = crate::spatial::geometry::parse(&s.to_text())
                .map_err(|e| SqlError::new(6522, &[&to.id.name(), &e]))?;
            let valid = crate::spatial::measure::is_valid(&shape);
            let srid = if geography { 4326 } else { 0 };
            Ok(Value::binary(&crate::spatial::geometry::encode(srid, &shape, geography, valid)))
        }
        TypeId::Geometry | TypeId::Geography | TypeId::Clr | TypeId::Vector => match value {
            Value::Binary(_) => Ok(value.clone()),
            _ => Err(SqlError::not_supported(format!("Conversion from {from} to {to}"))),
        },
        _ => number::convert(value, from, to, ctx),
    }
}

fn to_guid(value: &Value, from: &SqlType, to: &SqlType) -> SqlResult<Value> {
    match value {
        Value::Guid(_) => Ok(value.clone()),
        Value::String(s) => {
            text::parse_guid(&s.to_text()).map(Value::Guid).ok_or_else(|| SqlError::new(8169, &[]))
        }
        Value::Binary(b) => {
            let mut g = [0u8; 16];
            let n = b.len().min(16);
            g[..n].copy_from_slice(&b[..n]);
            Ok(Value::Guid(g))
        }
        _ => Err(SqlError::new(529, &[&message_name(from), &message_name(to)])),
    }
}

fn to_xml(value: &Value, from: &SqlType, style: Option<i32>) -> SqlResult<Value> {
    let units = match value {
        Value::String(s) if from.id == TypeId::Xml => return Ok(Value::String(s.clone())),
        Value::String(s) => {
            let units = s.units().to_vec();
            check_encoding(&units, from.id.is_unicode())?;
            units
        }
        Value::Binary(b) => match b.get(..2) {
            Some([0xFF, 0xFE]) => SqlString::from_utf16le(&b[2..]).units().to_vec(),
            Some([0xDF, 0xFF]) => crate::xml::decode_to_units(b).map_err(|e| e.to_sql())?,
            _ if b.get(1) == Some(&0) => SqlString::from_utf16le(b).units().to_vec(),
            _ => String::from_utf8_lossy(b).encode_utf16().collect(),
        },
        _ => return Err(SqlError::not_supported(format!("Conversion from {from} to xml"))),
    };
    let preserve = style.is_some_and(|s| s & 1 != 0);
    let text = crate::xml::normalize(&units, preserve).map_err(|e| e.to_sql())?;
    Ok(Value::String(SqlString::from(text)))
}

/// 9402: a text that declares an encoding of units of another size than it has.
fn check_encoding(units: &[u16], wide: bool) -> SqlResult<()> {
    let head = String::from_utf16_lossy(&units[..units.len().min(200)]);
    let Some(end) = head.strip_prefix("<?xml").and_then(|rest| rest.find("?>")).map(|n| n + 5) else {
        return Ok(());
    };
    let declared = head[..end].split_once("encoding").and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|q| matches!(q, '"' | '\''))?;
        rest[1..].split(quote).next()
    });
    let Some(declared) = declared else { return Ok(()) };
    let declares_wide = ["utf-16", "ucs-2", "utf-16le"].iter().any(|n| declared.eq_ignore_ascii_case(n));
    if declares_wide == wide {
        return Ok(());
    }
    Err(SqlError::new(9402, &[&1, &(head[..end].chars().count() + 2)]))
}

/// To a character type: text of the value, then code page, truncation and padding of the target.
fn to_character(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
) -> SqlResult<Value> {
    if let (Value::Binary(b), false) = (
        value,
        matches!(
            from.id,
            TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Vector | TypeId::Clr
        ),
    ) {
        let units = bytes::to_units(b, to, style)?;
        return Ok(Value::String(fit(SqlString::from(units), to)));
    }
    if let Value::String(s) = value {
        let same_page = from.id.is_character()
            && !from.id.is_unicode()
            && from.collation.code_page_number() == to.collation.code_page_number();
        if to.id.is_unicode() || same_page {
            return Ok(Value::String(fit(s.clone(), to)));
        }
        let page = to.collation.code_page();
        let coded = if s.units().iter().all(|&u| u < 0x80) {
            s.clone()
        } else {
            SqlString::from(page.decode(&page.encode(s.units())))
        };
        return Ok(Value::String(fit(coded, to)));
    }
    let s = text::value_text(value, from, to, style, ctx)?;
    if let Some(limit) = to.char_length()
        && s.chars().count() > limit.max(0) as usize
    {
        match from.id {
            TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::Null if !to.id.is_unicode() => {
                return Ok(Value::String(fit(SqlString::from("*"), to)));
            }
            TypeId::Money | TypeId::SmallMoney => return Err(SqlError::new(234, &[&message_name(to)])),
            TypeId::UniqueIdentifier => return Err(SqlError::new(8170, &[])),
            _ if from.id.is_integer() => return Err(expression_overflow(to)),
            _ if from.id.is_numeric() => return Err(overflow(from, to)),
            _ => {}
        }
    }
    Ok(Value::String(fit(SqlString::from(s), to)))
}

/// Cuts to the target's length and pads char and nchar with blanks.
pub fn fit(s: SqlString, to: &SqlType) -> SqlString {
    let Some(limit) = to.char_length() else { return s };
    let limit = limit.max(0) as usize;
    if matches!(to.id, TypeId::Text | TypeId::NText) {
        return s;
    }
    let fixed = matches!(to.id, TypeId::Char | TypeId::NChar);
    let used = if to.id.is_unicode() { s.len() } else { to.collation.code_page().encoded_len(s.units()) };
    if used == limit || (used < limit && !fixed) {
        return s;
    }
    let mut units = if used <= limit {
        s.units().to_vec()
    } else if to.id.is_unicode() {
        s.units()[..limit].to_vec()
    } else {
        to.collation.code_page().fit(s.units(), limit).to_vec()
    };
    if fixed {
        let used =
            if to.id.is_unicode() { units.len() } else { to.collation.code_page().encoded_len(&units) };
        units.extend(std::iter::repeat_n(0x20, limit - used.min(limit)));
    }
    SqlString::from(units)
}

/// Whether assigning `s` to a column of type `to` would cut anything but trailing blanks (errors 8152 and 2628).
pub fn would_truncate(s: &SqlString, to: &SqlType) -> bool {
    let Some(limit) = to.char_length() else { return false };
    let kept = s.trim_end_blanks();
    let used = if to.id.is_unicode() { kept.len() } else { to.collation.code_page().encoded_len(kept) };
    used > limit.max(0) as usize
}

#[cfg(test)]
mod tests;
