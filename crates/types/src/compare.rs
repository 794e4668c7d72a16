//! Order and equality of two values of one type, and keys to hash them by.
//!
//! Invariants
//! 1. NULL is equal to NULL and lower than everything else here; three-valued logic is the caller's.
//! 2. `hash_key` of two values is equal exactly when `compare` says `Equal`.
//! 3. Binary values compare as if the shorter one were padded with zeros; uniqueidentifier by byte groups 10–15, 8–9, 7–6, 5–4, 3–0.
//! 4. sql_variant compares by type family first (the order of the T-SQL reference), then by value after conversion to the higher
//!    type of the family.

use std::cmp::Ordering;

use crate::collation;
use crate::conversion::{ConvertContext, Mode, convert};
use crate::{Decimal, Guid, SqlType, TypeId, Value, Variant};

/// The order in which the bytes of a uniqueidentifier count, as stored positions.
pub const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

/// Order of two uniqueidentifiers.
pub fn compare_guids(a: &Guid, b: &Guid) -> Ordering {
    GUID_ORDER.iter().map(|&i| a[i].cmp(&b[i])).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// Order of two binaries; trailing zeros do not count.
pub fn compare_binary(a: &[u8], b: &[u8]) -> Ordering {
    let trim = |s: &[u8]| s.iter().rposition(|&x| x != 0).map_or(0, |p| p + 1);
    a[..trim(a)].cmp(&b[..trim(b)])
}

/// Order of two values of type `ty`.
pub fn compare(a: &Value, b: &Value, ty: &SqlType) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bit(x), Value::Bit(y)) => x.cmp(y),
        (Value::TinyInt(x), Value::TinyInt(y)) => x.cmp(y),
        (Value::SmallInt(x), Value::SmallInt(y)) => x.cmp(y),
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        (Value::BigInt(x), Value::BigInt(y)) => x.cmp(y),
        (Value::Decimal(x), Value::Decimal(y)) => x.compare(*y),
        (Value::Money(x), Value::Money(y)) => x.cmp(y),
        (Value::SmallMoney(x), Value::SmallMoney(y)) => x.cmp(y),
        (Value::Real(x), Value::Real(y)) => compare_floats(f64::from(*x), f64::from(*y)),
        (Value::Float(x), Value::Float(y)) => compare_floats(*x, *y),
        (Value::Date(x), Value::Date(y)) => x.cmp(y),
        (Value::Time(x), Value::Time(y)) => x.cmp(y),
        (Value::DateTime2(x), Value::DateTime2(y)) => x.cmp(y),
        (Value::DateTimeOffset(x), Value::DateTimeOffset(y)) => x.utc.cmp(&y.utc),
        (Value::DateTime(x), Value::DateTime(y)) => x.cmp(y),
        (Value::SmallDateTime(x), Value::SmallDateTime(y)) => x.cmp(y),
        (Value::String(x), Value::String(y)) => collation::of(ty).compare(x.units(), y.units()),
        (Value::Binary(x), Value::Binary(y)) => compare_binary(x, y),
        (Value::Guid(x), Value::Guid(y)) => compare_guids(x, y),
        (Value::Variant(x), Value::Variant(y)) => compare_variants(x, y),
        // Values of different variants never meet under one type; a fixed order keeps sorting sane if they do.
        _ => rank(a).cmp(&rank(b)),
    }
}

/// NaN (which SQL Server never stores by itself) sorts lowest; −0 equals 0.
/// Order of two floats; what is no number comes first, so that every order is one.
pub fn compare_floats(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y).unwrap_or_else(|| y.is_nan().cmp(&x.is_nan()))
}

fn rank(v: &Value) -> u8 {
    match v {
        Value::Null => 0,
        Value::Bit(_) | Value::TinyInt(_) | Value::SmallInt(_) | Value::Int(_) | Value::BigInt(_) => 1,
        Value::Decimal(_) | Value::Money(_) | Value::SmallMoney(_) => 2,
        Value::Real(_) | Value::Float(_) => 3,
        Value::String(_) => 4,
        Value::Binary(_) => 5,
        Value::Guid(_) => 6,
        Value::Variant(_) => 8,
        _ => 7,
    }
}

/// Family of a base type in sql_variant comparisons; the higher one is greater.
pub fn variant_family(id: TypeId) -> u8 {
    match id {
        TypeId::DateTime2
        | TypeId::DateTimeOffset
        | TypeId::DateTime
        | TypeId::SmallDateTime
        | TypeId::Date
        | TypeId::Time => 6,
        TypeId::Float | TypeId::Real => 5,
        TypeId::Decimal
        | TypeId::Numeric
        | TypeId::Money
        | TypeId::SmallMoney
        | TypeId::BigInt
        | TypeId::Int
        | TypeId::SmallInt
        | TypeId::TinyInt
        | TypeId::Bit
        | TypeId::Null => 4,
        TypeId::NVarChar | TypeId::NChar | TypeId::VarChar | TypeId::Char => 3,
        TypeId::VarBinary | TypeId::Binary => 2,
        TypeId::UniqueIdentifier => 1,
        _ => 0,
    }
}

/// Order of two variants.
pub fn compare_variants(a: &Variant, b: &Variant) -> Ordering {
    let (x, y) = (variant_family(a.ty.id), variant_family(b.ty.id));
    if x != y {
        return x.cmp(&y);
    }
    if a.ty.id == b.ty.id && a.ty.collation == b.ty.collation {
        return compare(&a.value, &b.value, &a.ty);
    }
    match x {
        4 => match (exact(&a.value), exact(&b.value)) {
            (Some(p), Some(q)) => p.compare(q),
            _ => Ordering::Equal,
        },
        5 | 6 => {
            let target = if x == 5 { SqlType::FLOAT } else { SqlType::datetimeoffset(7) };
            let up = |v: &Variant| {
                convert(&v.value, &v.ty, &target, None, &ConvertContext::default(), Mode::Explicit)
                    .unwrap_or(Value::Null)
            };
            compare(&up(a), &up(b), &target)
        }
        3 => {
            // Strings of different collations order by LCID, version, flags and sort order before their text.
            let order = a.ty.collation.to_tds().cmp(&b.ty.collation.to_tds());
            order.then_with(|| {
                let unicode = if a.ty.id.is_unicode() { &a.ty } else { &b.ty };
                compare(&a.value, &b.value, unicode)
            })
        }
        _ => compare(&a.value, &b.value, &a.ty),
    }
}

fn exact(v: &Value) -> Option<Decimal> {
    Some(match v {
        Value::Bit(x) => Decimal::new(i128::from(*x), 0),
        Value::TinyInt(x) => Decimal::new(i128::from(*x), 0),
        Value::SmallInt(x) => Decimal::new(i128::from(*x), 0),
        Value::Int(x) => Decimal::new(i128::from(*x), 0),
        Value::BigInt(x) => Decimal::new(i128::from(*x), 0),
        Value::Decimal(d) => *d,
        Value::Money(x) => Decimal::new(i128::from(*x), 4),
        Value::SmallMoney(x) => Decimal::new(i128::from(*x), 4),
        _ => return None,
    })
}

/// Appends bytes that are equal for equal values (invariant 2) and begin differently for NULL.
pub fn hash_key(v: &Value, ty: &SqlType, out: &mut Vec<u8>) {
    if v.is_null() {
        out.push(0);
        return;
    }
    out.push(1);
    match v {
        Value::Null => {}
        Value::Bit(x) => out.push(u8::from(*x)),
        Value::TinyInt(x) => out.push(*x),
        Value::SmallInt(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::Int(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::BigInt(x) | Value::Money(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::SmallMoney(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::Decimal(d) => decimal_key(*d, out),
        Value::Real(x) => float_key(f64::from(*x), out),
        Value::Float(x) => float_key(*x, out),
        Value::Date(d) => out.extend_from_slice(&d.0.to_le_bytes()),
        Value::Time(t) => out.extend_from_slice(&t.0.to_le_bytes()),
        Value::DateTime2(d) => out.extend_from_slice(&d.ticks().to_le_bytes()),
        Value::DateTimeOffset(d) => out.extend_from_slice(&d.utc.ticks().to_le_bytes()),
        Value::DateTime(d) => {
            out.extend_from_slice(&d.days.to_le_bytes());
            out.extend_from_slice(&d.ticks.to_le_bytes());
        }
        Value::SmallDateTime(d) => {
            out.extend_from_slice(&d.days.to_le_bytes());
            out.extend_from_slice(&d.minutes.to_le_bytes());
        }
        Value::String(s) => collation::of(ty).sort_key(s.units(), out),
        Value::Binary(b) => {
            let n = b.iter().rposition(|&x| x != 0).map_or(0, |p| p + 1);
            out.extend_from_slice(&b[..n]);
        }
        Value::Guid(g) => out.extend_from_slice(g),
        Value::Variant(x) => {
            out.push(variant_family(x.ty.id));
            match variant_family(x.ty.id) {
                4 => {
                    if let Some(d) = exact(&x.value) {
                        decimal_key(d, out);
                    }
                }
                6 => {
                    let target = SqlType::datetimeoffset(7);
                    let v =
                        convert(&x.value, &x.ty, &target, None, &ConvertContext::default(), Mode::Explicit);
                    hash_key(&v.unwrap_or(Value::Null), &target, out);
                }
                3 => {
                    out.extend_from_slice(&x.ty.collation.to_tds());
                    collation::get(x.ty.collation).sort_key(
                        match &x.value {
                            Value::String(s) => s.units(),
                            _ => &[],
                        },
                        out,
                    );
                }
                _ => hash_key(&x.value, &x.ty, out),
            }
        }
    }
}

/// Mantissa without trailing zeros, and the scale that leaves.
fn decimal_key(d: Decimal, out: &mut Vec<u8>) {
    let (mut m, mut scale) = (d.mantissa, i16::from(d.scale));
    if m == 0 {
        scale = 0;
    }
    while m != 0 && m % 10 == 0 {
        m /= 10;
        scale -= 1;
    }
    out.extend_from_slice(&m.to_le_bytes());
    out.extend_from_slice(&scale.to_le_bytes());
}

fn float_key(x: f64, out: &mut Vec<u8>) {
    let x = if x == 0.0 {
        0.0
    } else if x.is_nan() {
        f64::NAN
    } else {
        x
    };
    out.extend_from_slice(&x.to_bits().to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(v: &Value, ty: &SqlType) -> Vec<u8> {
        let mut out = Vec::new();
        hash_key(v, ty, &mut out);
        out
    }

    fn variant(ty: SqlType, value: Value) -> Value {
        Value::Variant(Variant { ty, value }.into())
    }

    #[test]
    fn keys_agree_with_comparison() {
        let c = crate::CollationId::SERVER_DEFAULT;
        let v = [
            variant(SqlType::INT, Value::Int(1)),
            variant(SqlType::decimal(5, 2), Value::Decimal(Decimal::new(100, 2))),
            variant(SqlType::MONEY, Value::Money(10_000)),
            variant(SqlType::FLOAT, Value::Float(1.0)),
            variant(SqlType::nvarchar(5, c), Value::string("a")),
            variant(SqlType::varchar(5, c), Value::string("A ")),
            variant(SqlType::DATE, Value::Date(crate::Date(crate::datetime::DAYS_TO_1900))),
            variant(SqlType::DATETIME, Value::DateTime(crate::DateTime { days: 0, ticks: 0 })),
            variant(SqlType::GUID, Value::Guid([1; 16])),
            Value::Null,
        ];
        for a in &v {
            for b in &v {
                let e = compare(a, b, &SqlType::VARIANT).is_eq();
                assert_eq!(key(a, &SqlType::VARIANT) == key(b, &SqlType::VARIANT), e, "{a:?} {b:?}");
                assert_eq!(compare(a, b, &SqlType::VARIANT), compare(b, a, &SqlType::VARIANT).reverse());
            }
        }
    }

    #[test]
    fn orders() {
        let mut low = [0xFFu8; 16];
        let mut high = [0u8; 16];
        low[10] = 0;
        high[10] = 1;
        assert_eq!(compare_guids(&low, &high), Ordering::Less);
        assert_eq!(compare_binary(&[1, 0, 0], &[1]), Ordering::Equal);
        assert_eq!(compare(&Value::Float(-0.0), &Value::Float(0.0), &SqlType::FLOAT), Ordering::Equal);
        assert_eq!(key(&Value::Float(-0.0), &SqlType::FLOAT), key(&Value::Float(0.0), &SqlType::FLOAT));
    }
}
