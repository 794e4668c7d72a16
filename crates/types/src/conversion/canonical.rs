//! The canonical text of values, by which dumps of different readers are compared.
//!
//! Invariants
//! 1. Depends on nothing but value and type: no language, no style, no session.
//!
//! Evidence: docs/format/types.md, "Text of values".

use super::bytes::hex;
use super::{money_text, uuid_text};
use crate::datetime::text;
use crate::{SqlType, TypeId, Value};

/// Text of a non-NULL value; `None` for NULL and for values that do not fit their type.
pub fn canonical_text(value: &Value, ty: &SqlType) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bit(v) => u8::from(*v).to_string(),
        Value::TinyInt(v) => v.to_string(),
        Value::SmallInt(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::BigInt(v) => v.to_string(),
        Value::Decimal(d) => d.to_string(),
        Value::Money(v) => money_text(*v, 4),
        Value::SmallMoney(v) => money_text(i64::from(*v), 4),
        Value::Real(v) => float(&format!("{v:e}")),
        Value::Float(v) => float(&format!("{v:e}")),
        Value::Date(d) => text::date(*d),
        Value::Time(t) => text::time(*t, ty.scale),
        Value::DateTime2(d) => format!("{} {}", text::date(d.date), text::time(d.time, ty.scale)),
        Value::DateTimeOffset(d) => {
            let l = d.local()?;
            format!(
                "{} {}{}",
                text::date(l.date),
                text::time(l.time, ty.scale),
                text::offset(d.offset_minutes)
            )
        }
        Value::DateTime(d) => {
            let v = d.to_datetime2()?;
            format!("{} {}", text::date(v.date), text::time(v.time, 3))
        }
        Value::SmallDateTime(d) => {
            let v = d.to_datetime2()?;
            format!("{} {}", text::date(v.date), text::time(v.time, 0))
        }
        Value::String(s) => s.to_text(),
        Value::Binary(b) => match ty.id {
            TypeId::HierarchyId => {
                crate::hierarchyid::to_text(b).ok().unwrap_or_else(|| format!("0x{}", hex(b)))
            }
            TypeId::Vector => vector_text(b).unwrap_or_else(|| format!("0x{}", hex(b))),
            _ => format!("0x{}", hex(b)),
        },
        Value::Guid(g) => uuid_text(g),
        Value::Variant(v) => {
            let base = &v.ty;
            let declared = match base.id {
                TypeId::Decimal | TypeId::Numeric => format!("({},{})", base.precision, base.scale),
                TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => format!("({})", base.scale),
                TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar => {
                    format!("({})", base.char_length().unwrap_or(0))
                }
                TypeId::Binary | TypeId::VarBinary => format!("({})", base.length),
                _ => String::new(),
            };
            format!("{}{declared}:{}", base.id.name(), canonical_text(&v.value, base)?)
        }
    })
}

/// `1.5e0`, `nan`, `inf`.
fn float(text: &str) -> String {
    match text {
        "NaN" => "nan".to_owned(),
        other => other.to_owned(),
    }
}

/// `[f1,f2,…]` of a stored vector: A9 01, u16 dimensions, u32 0, reals.
pub fn vector_text(b: &[u8]) -> Option<String> {
    let rest = b.strip_prefix(&[0xA9, 0x01])?;
    let n = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
    let data = rest.get(6..)?;
    if data.len() != n * 4 {
        return None;
    }
    let parts: Vec<String> = data
        .chunks_exact(4)
        .map(|c| float(&format!("{:e}", f32::from_le_bytes([c[0], c[1], c[2], c[3]]))))
        .collect();
    Some(format!("[{}]", parts.join(",")))
}
