//! The canonical text of a value: one text for each value whatever the settings, for dumps and for comparing readers.
//!
//! The form is that of docs/format/types.md, section "Text of values".

use std::fmt::Write;

use crate::conversion::{money_text, uuid_text};
use crate::datetime::text as when;
use crate::{SqlType, TypeId, Value};

/// `0x` and upper-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("0x");
    for b in bytes {
        let _ = write!(out, "{b:02X}");
    }
    out
}

/// The text of a value; `None` for NULL.
pub fn canonical_text(value: &Value, ty: &SqlType) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::TinyInt(v) => v.to_string(),
        Value::SmallInt(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::BigInt(v) => v.to_string(),
        Value::Decimal(d) => {
            let exact = d.rescale(ty.scale).unwrap_or(*d);
            exact.to_string()
        }
        Value::Money(v) => money_text(*v, 4),
        Value::SmallMoney(v) => money_text(i64::from(*v), 4),
        Value::Real(v) => float(f64::from(*v), format!("{v:e}")),
        Value::Float(v) => float(*v, format!("{v:e}")),
        Value::Date(d) => when::date(*d),
        Value::Time(t) => when::time(*t, ty.scale),
        Value::DateTime2(v) => format!("{} {}", when::date(v.date), when::time(v.time, ty.scale)),
        Value::DateTimeOffset(v) => {
            let local = v.local().unwrap_or(v.utc);
            format!(
                "{} {}{}",
                when::date(local.date),
                when::time(local.time, ty.scale),
                when::offset(v.offset_minutes)
            )
        }
        Value::DateTime(v) => match v.to_datetime2() {
            Some(v) => format!("{} {}", when::date(v.date), when::time(v.time, 3)),
            None => format!("{} days {} ticks", v.days, v.ticks),
        },
        Value::SmallDateTime(v) => match v.to_datetime2() {
            Some(v) => format!("{} {}", when::date(v.date), when::time(v.time, 3)),
            None => format!("{} days {} minutes", v.days, v.minutes),
        },
        Value::String(s) => s.to_text(),
        Value::Binary(b) => hex(b),
        Value::Guid(g) => uuid_text(g),
        Value::Variant(v) => {
            let inner = canonical_text(&v.value, &v.ty).unwrap_or_default();
            let name = match v.ty.id {
                TypeId::Decimal | TypeId::Numeric => {
                    format!("{}({},{})", v.ty.id.name(), v.ty.precision, v.ty.scale)
                }
                TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => {
                    format!("{}({})", v.ty.id.name(), v.ty.scale)
                }
                id => id.name().to_owned(),
            };
            format!("{name}:{inner}")
        }
    })
}

/// Shortest digits as d[.ddd]e[-]x; nan, inf, -inf.
fn float(v: f64, text: String) -> String {
    if v.is_nan() {
        "nan".into()
    } else if v.is_infinite() {
        if v > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Date, DateTime, Decimal};

    #[test]
    fn texts_are_those_of_reference_dumps() {
        let text = |v: Value, t: SqlType| canonical_text(&v, &t).unwrap();
        assert_eq!(text(Value::Float(0.0), SqlType::FLOAT), "0e0");
        assert_eq!(text(Value::Float(-0.0), SqlType::FLOAT), "-0e0");
        assert_eq!(text(Value::Real(1.5), SqlType::REAL), "1.5e0");
        assert_eq!(text(Value::Decimal(Decimal::new(-5, 1)), SqlType::decimal(9, 2)), "-0.50");
        assert_eq!(text(Value::Money(-12_345), SqlType::MONEY), "-1.2345");
        assert_eq!(text(Value::Date(Date(0)), SqlType::DATE), "0001-01-01");
        let dt = Value::DateTime(DateTime { days: 0, ticks: 2 });
        assert_eq!(text(dt, SqlType::DATETIME), "1900-01-01 00:00:00.007");
        assert_eq!(text(Value::binary(&[0xab, 1]), SqlType::binary(TypeId::VarBinary, 5)), "0xAB01");
    }
}
