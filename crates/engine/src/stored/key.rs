//! Comparing key values as index order has them.
//!
//! Invariants
//! 1. NULL comes first and equals NULL.
//! 2. [`is_comparable`] tells whether [`compare`] reproduces the order of an index on that type; where it says no, no seek is
//!    made.
//!
//! Evidence: orders verified on every genuine index (tests/seek.rs).

use std::cmp::Ordering;

use holdfast_types::compare::compare_floats;
use holdfast_types::{SqlType, TypeId, Value};

use crate::decode::text;

/// Order of uniqueidentifier bytes.
const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

/// The order of values of this type is known.
pub fn is_comparable(ty: &SqlType) -> bool {
    match ty.id {
        TypeId::SqlVariant
        | TypeId::Xml
        | TypeId::Json
        | TypeId::Geometry
        | TypeId::Geography
        | TypeId::Clr
        | TypeId::Vector
        | TypeId::Image
        | TypeId::Text
        | TypeId::NText => false,
        _ => true,
    }
}

fn bytes(a: &[u8], b: &[u8]) -> Ordering {
    // Binary values compare as if padded with zeros.
    let common = a.len().min(b.len());
    a[..common].cmp(&b[..common]).then_with(|| {
        let (rest, longer) = if a.len() > b.len() {
            (&a[common..], Ordering::Greater)
        } else {
            (&b[common..], Ordering::Less)
        };
        if rest.iter().all(|&x| x == 0) { Ordering::Equal } else { longer }
    })
}

/// Order of two values of type `ty`.
pub fn compare(ty: &SqlType, a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bit(a), Value::Bit(b)) => a.cmp(b),
        (Value::TinyInt(a), Value::TinyInt(b)) => a.cmp(b),
        (Value::SmallInt(a), Value::SmallInt(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::BigInt(a), Value::BigInt(b)) | (Value::Money(a), Value::Money(b)) => a.cmp(b),
        (Value::SmallMoney(a), Value::SmallMoney(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) if a.scale == b.scale => a.mantissa.cmp(&b.mantissa),
        (Value::Decimal(a), Value::Decimal(b)) => {
            compare_scaled((a.mantissa, a.scale), (b.mantissa, b.scale))
        }
        (Value::Real(a), Value::Real(b)) => compare_floats((*a).into(), (*b).into()),
        (Value::Float(a), Value::Float(b)) => compare_floats(*a, *b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::DateTime2(a), Value::DateTime2(b)) => a.cmp(b),
        (Value::DateTimeOffset(a), Value::DateTimeOffset(b)) => a.utc.cmp(&b.utc),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::SmallDateTime(a), Value::SmallDateTime(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => text::compare(ty, a.units(), b.units()),
        (Value::Binary(a), Value::Binary(b)) => bytes(a, b),
        (Value::Guid(a), Value::Guid(b)) => {
            let order = GUID_ORDER.iter().map(|&i| a[i].cmp(&b[i]));
            order.fold(Ordering::Equal, Ordering::then)
        }
        _ => Ordering::Equal,
    }
}

fn compare_scaled(a: (i128, u8), b: (i128, u8)) -> Ordering {
    let scale = a.1.max(b.1);
    let up = |(m, s): (i128, u8)| m.checked_mul(10i128.pow(u32::from(scale - s)));
    match (up(a), up(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        // Only one of two numbers below 10^38 can overflow here; the overflowing one is the larger in magnitude.
        (None, _) => {
            if a.0 > 0 {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (_, None) => {
            if b.0 > 0 {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders() {
        assert_eq!(compare(&SqlType::INT, &Value::Null, &Value::Int(-5)), Ordering::Less);
        let (mut a, mut b) = ([0u8; 16], [0u8; 16]);
        a[0] = 9;
        b[10] = 1;
        assert_eq!(compare(&SqlType::GUID, &Value::Guid(a), &Value::Guid(b)), Ordering::Less);
        assert_eq!(bytes(&[1, 0], &[1]), Ordering::Equal);
        assert_eq!(bytes(&[1], &[1, 2]), Ordering::Less);
    }
}
