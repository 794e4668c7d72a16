//! Comparison: of single values, and kernels over columns.
//!
//! Invariants
//! 1. Both sides have one type (the binder converted them); strings compare by the collation of that type.
//! 2. Strings ignore trailing blanks, binary strings trailing zero bytes, datetimeoffsets compare by UTC.
//! 3. NULL makes a comparison unknown, except for IS [NOT] DISTINCT FROM.

use std::cmp::Ordering;

use holdfast_plan::expr::CompareOp;
use holdfast_types::compare::compare_floats;
use holdfast_types::{ColumnData, Guid, SqlResult, SqlType, TypeId, Value, Variant};

use super::arithmetic::type_mismatch;
use super::collate;
use super::vector::{FALSE, TRUE, Truth, UNKNOWN, Vector};

/// Order in which the bytes of a uniqueidentifier matter.
pub const GUID_ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];

pub fn guid_order(a: &Guid, b: &Guid) -> Ordering {
    GUID_ORDER.iter().map(|&i| a[i]).cmp(GUID_ORDER.iter().map(|&i| b[i]))
}

pub fn trim_zeros(mut s: &[u8]) -> &[u8] {
    while let [head @ .., 0] = s {
        s = head;
    }
    s
}

pub fn binary_order(a: &[u8], b: &[u8]) -> Ordering {
    trim_zeros(a).cmp(trim_zeros(b))
}

/// Order of two non-NULL values of type `ty`.
pub fn order(a: &Value, b: &Value, ty: &SqlType) -> SqlResult<Ordering> {
    Ok(match (a, b) {
        (Value::Bit(x), Value::Bit(y)) => x.cmp(y),
        (Value::TinyInt(x), Value::TinyInt(y)) => x.cmp(y),
        (Value::SmallInt(x), Value::SmallInt(y)) => x.cmp(y),
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        (Value::BigInt(x), Value::BigInt(y)) | (Value::Money(x), Value::Money(y)) => x.cmp(y),
        (Value::SmallMoney(x), Value::SmallMoney(y)) => x.cmp(y),
        (Value::Decimal(x), Value::Decimal(y)) if x.scale == y.scale => x.mantissa.cmp(&y.mantissa),
        (Value::Decimal(x), Value::Decimal(y)) => {
            let wide = |m: i128, s: u8| {
                ethnum::I256::from(m) * ethnum::I256::from(10).pow(u32::from(38 - s.min(38)))
            };
            wide(x.mantissa, x.scale).cmp(&wide(y.mantissa, y.scale))
        }
        (Value::Real(x), Value::Real(y)) => float_order(f64::from(*x), f64::from(*y)),
        (Value::Float(x), Value::Float(y)) => float_order(*x, *y),
        (Value::Date(x), Value::Date(y)) => x.cmp(y),
        (Value::Time(x), Value::Time(y)) => x.cmp(y),
        (Value::DateTime2(x), Value::DateTime2(y)) => x.cmp(y),
        (Value::DateTimeOffset(x), Value::DateTimeOffset(y)) => x.utc.cmp(&y.utc),
        (Value::DateTime(x), Value::DateTime(y)) => x.cmp(y),
        (Value::SmallDateTime(x), Value::SmallDateTime(y)) => x.cmp(y),
        (Value::String(x), Value::String(y)) => collate::compare(ty.sort_collation(), x.units(), y.units()),
        (Value::Binary(x), Value::Binary(y)) => binary_order(x, y),
        (Value::Guid(x), Value::Guid(y)) => guid_order(x, y),
        (Value::Variant(x), Value::Variant(y)) => variant_order(x, y)?,
        _ => return Err(type_mismatch()),
    })
}

fn float_order(a: f64, b: f64) -> Ordering {
    compare_floats(a, b)
}

/// Order of any two values: NULL first.
pub fn order_with_nulls(a: &Value, b: &Value, ty: &SqlType) -> SqlResult<Ordering> {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ok(Ordering::Equal),
        (true, false) => Ok(Ordering::Less),
        (false, true) => Ok(Ordering::Greater),
        (false, false) => order(a, b, ty),
    }
}

/// Families of sql_variant, lowest first (T-SQL reference, "Comparing sql_variant values").
pub fn variant_family(ty: &SqlType) -> u8 {
    if ty.id.is_binary() {
        1
    } else if ty.id == holdfast_types::TypeId::UniqueIdentifier {
        2
    } else if ty.id.is_character() {
        3
    } else if ty.id.is_exact_numeric() {
        4
    } else if ty.id.is_numeric() {
        5
    } else {
        6
    }
}

fn variant_order(a: &Variant, b: &Variant) -> SqlResult<Ordering> {
    let by_family = variant_family(&a.ty).cmp(&variant_family(&b.ty));
    if by_family != Ordering::Equal {
        return Ok(by_family);
    }
    if a.ty.id == b.ty.id {
        return order(&a.value, &b.value, &a.ty);
    }
    let (x, y) = (variant_normal(a), variant_normal(b));
    order(&x, &y, &a.ty)
}

/// The value in its family's widest type, so that values of one family compare.
pub fn variant_normal(v: &Variant) -> Value {
    use holdfast_types::{DateTime2, Decimal, Time};
    let decimal = |m: i128, s: u8| Value::Decimal(Decimal::new(m, s));
    match &v.value {
        Value::Bit(x) => decimal(i128::from(*x), 0),
        Value::TinyInt(x) => decimal(i128::from(*x), 0),
        Value::SmallInt(x) => decimal(i128::from(*x), 0),
        Value::Int(x) => decimal(i128::from(*x), 0),
        Value::BigInt(x) => decimal(i128::from(*x), 0),
        Value::Money(x) => decimal(i128::from(*x), 4),
        Value::SmallMoney(x) => decimal(i128::from(*x), 4),
        Value::Real(x) => Value::Float(f64::from(*x)),
        Value::Date(d) => Value::DateTime2(DateTime2 { date: *d, time: Time(0) }),
        Value::Time(t) => Value::DateTime2(DateTime2 {
            date: holdfast_types::Date(holdfast_types::datetime::DAYS_TO_1900),
            time: *t,
        }),
        Value::DateTime(d) => Value::DateTime2(DateTime2 {
            date: holdfast_types::Date(d.days + holdfast_types::datetime::DAYS_TO_1900),
            time: Time((u64::from(d.ticks) * 100_000 + 1) / 3),
        }),
        Value::SmallDateTime(d) => Value::DateTime2(DateTime2 {
            date: holdfast_types::Date(i32::from(d.days) + holdfast_types::datetime::DAYS_TO_1900),
            time: Time(u64::from(d.minutes) * 600_000_000),
        }),
        Value::DateTimeOffset(d) => Value::DateTime2(d.utc),
        other => other.clone(),
    }
}

fn holds(op: CompareOp, o: Ordering) -> bool {
    match op {
        CompareOp::Equal | CompareOp::NotDistinct => o == Ordering::Equal,
        CompareOp::NotEqual | CompareOp::Distinct => o != Ordering::Equal,
        CompareOp::Less => o == Ordering::Less,
        CompareOp::LessOrEqual => o != Ordering::Greater,
        CompareOp::Greater => o == Ordering::Greater,
        CompareOp::GreaterOrEqual => o != Ordering::Less,
    }
}

/// `a op b` for single values.
pub fn compare_values(op: CompareOp, a: &Value, b: &Value, ty: &SqlType) -> SqlResult<u8> {
    Ok(match (a.is_null(), b.is_null()) {
        (false, false) => {
            if holds(op, order(a, b, ty)?) {
                TRUE
            } else {
                FALSE
            }
        }
        (x, y) => match op {
            CompareOp::NotDistinct if x && y => TRUE,
            CompareOp::NotDistinct => FALSE,
            CompareOp::Distinct if x && y => FALSE,
            CompareOp::Distinct => TRUE,
            _ => UNKNOWN,
        },
    })
}

/// Runs `f(left, right) -> bool` over rows with the operator resolved outside the loop.
macro_rules! loops {
    ($op:expr, $pairs:expr, |$x:ident, $y:ident| $ord:expr, $eq:expr) => {{
        let b = |t: bool| if t { TRUE } else { FALSE };
        match $op {
            CompareOp::Equal | CompareOp::NotDistinct => $pairs.map(|($x, $y)| b($eq)).collect::<Vec<u8>>(),
            CompareOp::NotEqual | CompareOp::Distinct => $pairs.map(|($x, $y)| b(!($eq))).collect(),
            CompareOp::Less => $pairs.map(|($x, $y)| b($ord == Ordering::Less)).collect(),
            CompareOp::LessOrEqual => $pairs.map(|($x, $y)| b($ord != Ordering::Greater)).collect(),
            CompareOp::Greater => $pairs.map(|($x, $y)| b($ord == Ordering::Greater)).collect(),
            CompareOp::GreaterOrEqual => $pairs.map(|($x, $y)| b($ord != Ordering::Less)).collect(),
        }
    }};
}

fn fixed<T: Copy>(
    op: CompareOp,
    a: &[T],
    b: Result<&[T], T>,
    cmp: impl Fn(T, T) -> Ordering + Copy,
) -> Vec<u8> {
    match b {
        Ok(b) => loops!(op, a.iter().zip(b), |x, y| cmp(*x, *y), cmp(*x, *y) == Ordering::Equal),
        Err(c) => loops!(op, a.iter().map(|x| (x, c)), |x, y| cmp(*x, y), cmp(*x, y) == Ordering::Equal),
    }
}

/// `left op right`, both of type `ty`, over `len` rows; decimals may differ in their scales.
pub fn compare(
    op: CompareOp,
    left: &Vector,
    right: &Vector,
    (ty, other): (&SqlType, &SqlType),
    len: usize,
) -> SqlResult<Truth> {
    if ty.scale != other.scale && matches!(ty.id, TypeId::Decimal | TypeId::Numeric) {
        if let (Vector::Const(a), Vector::Const(b)) = (left, right) {
            return Ok(Truth::Const(compare_values(op, a, b, ty)?));
        }
        let pairs = (0..len).map(|i| compare_values(op, &left.value(i, ty), &right.value(i, other), ty));
        return Ok(Truth::Rows(pairs.collect::<SqlResult<_>>()?));
    }
    let (left, right, op) = match (left, right) {
        (Vector::Const(a), Vector::Const(b)) => return Ok(Truth::Const(compare_values(op, a, b, ty)?)),
        // A constant goes right.
        (Vector::Const(_), Vector::Column(_)) => (right, left, op.swap()),
        _ => (left, right, op),
    };
    let null_aware = matches!(op, CompareOp::Distinct | CompareOp::NotDistinct);
    let Vector::Column(a) = left else { return Err(type_mismatch()) };
    if let Vector::Const(Value::Null) = right {
        if !null_aware {
            return Ok(Truth::Const(UNKNOWN));
        }
        let on_null = if op == CompareOp::NotDistinct { TRUE } else { FALSE };
        return Ok(Truth::Rows(
            (0..len).map(|i| if a.is_null(i) { on_null } else { TRUE - on_null }).collect(),
        ));
    }
    macro_rules! kernel {
        ($x:expr, $variant:ident, $pattern:pat => $value:expr, $cmp:expr) => {
            match right {
                Vector::Column(b) => match &b.data {
                    ColumnData::$variant(y) => fixed(op, $x, Ok(y), $cmp),
                    _ => return Err(type_mismatch()),
                },
                Vector::Const($pattern) => fixed(op, $x, Err($value), $cmp),
                Vector::Const(_) => return Err(type_mismatch()),
            }
        };
    }
    let mut rows = match &a.data {
        ColumnData::U8(x) => {
            let c = match right {
                Vector::Const(Value::Bit(b)) => Some(u8::from(*b)),
                Vector::Const(Value::TinyInt(b)) => Some(*b),
                Vector::Const(_) => return Err(type_mismatch()),
                Vector::Column(_) => None,
            };
            match (c, right) {
                (Some(c), _) => fixed(op, x, Err(c), |p, q| p.cmp(&q)),
                (None, Vector::Column(b)) => match &b.data {
                    ColumnData::U8(y) => fixed(op, x, Ok(y), |p, q| p.cmp(&q)),
                    _ => return Err(type_mismatch()),
                },
                _ => return Err(type_mismatch()),
            }
        }
        ColumnData::I16(x) => kernel!(x, I16, Value::SmallInt(v) => *v, |p, q| p.cmp(&q)),
        ColumnData::I32(x) => match right {
            Vector::Const(Value::Date(d)) => fixed(op, x, Err(d.0), |p, q| p.cmp(&q)),
            _ => kernel!(x, I32, Value::Int(v) | Value::SmallMoney(v) => *v, |p, q| p.cmp(&q)),
        },
        ColumnData::I64(x) => match right {
            Vector::Const(Value::Time(t)) => fixed(op, x, Err(t.0 as i64), |p, q| p.cmp(&q)),
            _ => kernel!(x, I64, Value::BigInt(v) | Value::Money(v) => *v, |p, q| p.cmp(&q)),
        },
        ColumnData::F32(x) => {
            kernel!(x, F32, Value::Real(v) => *v, |p: f32, q: f32| float_order(p.into(), q.into()))
        }
        ColumnData::F64(x) => kernel!(x, F64, Value::Float(v) => *v, float_order),
        ColumnData::Decimal(x) => match right {
            Vector::Const(Value::Decimal(d)) if d.scale == ty.scale => {
                fixed(op, x, Err(d.mantissa), |p: i128, q: i128| p.cmp(&q))
            }
            Vector::Const(_) => return generic(op, left, right, ty, len),
            Vector::Column(b) => match &b.data {
                ColumnData::Decimal(y) => fixed(op, x, Ok(y), |p: i128, q: i128| p.cmp(&q)),
                _ => return Err(type_mismatch()),
            },
        },
        ColumnData::DateTime(x) => kernel!(x, DateTime, Value::DateTime(v) => *v, |p, q| p.cmp(&q)),
        ColumnData::DateTime2(x) => kernel!(x, DateTime2, Value::DateTime2(v) => *v, |p, q| p.cmp(&q)),
        ColumnData::SmallDateTime(x) => {
            kernel!(x, SmallDateTime, Value::SmallDateTime(v) => *v, |p, q| p.cmp(&q))
        }
        ColumnData::Guid(x) => kernel!(x, Guid, Value::Guid(v) => *v, |p: Guid, q: Guid| guid_order(&p, &q)),
        ColumnData::Utf16(x) => {
            let c = ty.sort_collation();
            match right {
                Vector::Const(Value::String(s)) => {
                    let s = s.trim_end_blanks();
                    let pairs = x.iter().map(|e| (e, s));
                    loops!(op, pairs, |p, q| string_order(c, p, q), string_equal(c, p, q))
                }
                Vector::Column(b) => match &b.data {
                    ColumnData::Utf16(y) => {
                        let pairs = x.iter().zip(y.iter());
                        loops!(op, pairs, |p, q| string_order(c, p, q), string_equal(c, p, q))
                    }
                    _ => return Err(type_mismatch()),
                },
                Vector::Const(_) => return Err(type_mismatch()),
            }
        }
        ColumnData::Bytes(x) => match right {
            Vector::Const(Value::Binary(s)) => {
                let pairs = x.iter().map(|e| (e, &s[..]));
                loops!(op, pairs, |p, q| binary_order(p, q), binary_order(p, q) == Ordering::Equal)
            }
            Vector::Column(b) => match &b.data {
                ColumnData::Bytes(y) => {
                    let pairs = x.iter().zip(y.iter());
                    loops!(op, pairs, |p, q| binary_order(p, q), binary_order(p, q) == Ordering::Equal)
                }
                _ => return Err(type_mismatch()),
            },
            Vector::Const(_) => return Err(type_mismatch()),
        },
        ColumnData::Values(_) => return generic(op, left, right, ty, len),
    };
    fix_nulls(op, &mut rows, left, right, null_aware);
    Ok(Truth::Rows(rows))
}

fn fix_nulls(op: CompareOp, rows: &mut [u8], left: &Vector, right: &Vector, null_aware: bool) {
    if !null_aware {
        for nulls in [left.nulls(), right.nulls()].into_iter().flatten() {
            rows.iter_mut().zip(nulls).for_each(|(t, &n)| {
                if n {
                    *t = UNKNOWN;
                }
            });
        }
        return;
    }
    if left.nulls().is_none() && right.nulls().is_none() {
        return;
    }
    let same = if op == CompareOp::NotDistinct { TRUE } else { FALSE };
    for (i, t) in rows.iter_mut().enumerate() {
        match (left.is_null(i), right.is_null(i)) {
            (false, false) => {}
            (true, true) => *t = same,
            _ => *t = TRUE - same,
        }
    }
}

fn string_equal(c: holdfast_types::CollationId, a: &[u16], b: &[u16]) -> bool {
    // Identical strings are equal under every collation.
    a == b || collate::compare(c, a, b) == Ordering::Equal
}

fn string_order(c: holdfast_types::CollationId, a: &[u16], b: &[u16]) -> Ordering {
    collate::compare(c, a, b)
}

/// Row by row through [`Value`], for whatever has no kernel; also what tests compare the kernels with.
pub fn generic(op: CompareOp, left: &Vector, right: &Vector, ty: &SqlType, len: usize) -> SqlResult<Truth> {
    let mut out = Vec::with_capacity(len);
    for i in 0..len {
        out.push(compare_values(op, &left.value(i, ty), &right.value(i, ty), ty)?);
    }
    Ok(Truth::Rows(out))
}
