//! Decimal operators with SQL Server's result precision and scale.
//!
//! | operator | precision | scale |
//! |---|---|---|
//! | + − | max(s1, s2) + max(p1−s1, p2−s2) + 1 | max(s1, s2) |
//! | × | p1 + p2 + 1 | s1 + s2 |
//! | ÷ | p1 − s1 + s2 + scale | max(6, s1 + p2 + 1) |
//! | % | min(p1−s1, p2−s2) + max(s1, s2) | max(s1, s2) |
//! | union, CASE, COALESCE | max(s1, s2) + max(p1−s1, p2−s2) | max(s1, s2) |
//!
//! Beyond 38 digits: for × and ÷ the scale shrinks to make room for the integral part, but not below min(scale, 6); for
//! the others to 38 − max(p1−s1, p2−s2).
//!
//! Evidence: T-SQL reference, "Precision, scale, and length"; 256-bit intermediates make every result exact before rounding.

use std::cmp::Ordering;

use ethnum::{I256, U256};

use super::{Decimal, max_mantissa, pow10};
use crate::{SqlError, SqlResult, SqlType, TypeId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Precision and scale of a numeric type as an operand of decimal arithmetic; `None` for other types.
pub fn operand(ty: &SqlType) -> Option<(u8, u8)> {
    Some(match ty.id {
        TypeId::Decimal | TypeId::Numeric => (ty.precision, ty.scale),
        TypeId::Bit => (1, 0),
        TypeId::TinyInt => (3, 0),
        TypeId::SmallInt => (5, 0),
        TypeId::Int | TypeId::Null => (10, 0),
        TypeId::BigInt => (19, 0),
        TypeId::Money => (19, 4),
        TypeId::SmallMoney => (10, 4),
        _ => return None,
    })
}

/// The type of `a op b` for decimal operands (anything [`operand`] accepts; other types count as decimal(38,0)).
pub fn result_type(op: Operator, a: &SqlType, b: &SqlType) -> SqlType {
    let (p1, s1) = operand(a).unwrap_or((38, 0));
    let (p2, s2) = operand(b).unwrap_or((38, 0));
    let (p1, s1, p2, s2) = (u32::from(p1), u32::from(s1), u32::from(p2), u32::from(s2));
    let integral = (p1 - s1).max(p2 - s2);
    let scale = s1.max(s2);
    let (precision, scale) = match op {
        Operator::Add | Operator::Subtract => cap_sum(integral + scale + 1, scale, integral),
        Operator::Remainder => {
            let integral = (p1 - s1).min(p2 - s2);
            cap_sum(integral + scale, scale, integral)
        }
        Operator::Multiply => cap_product(p1 + p2 + 1, s1 + s2),
        Operator::Divide => {
            let scale = 6.max(s1 + p2 + 1);
            cap_product(p1 - s1 + s2 + scale, scale)
        }
    };
    SqlType::numeric(precision as u8, scale as u8)
}

/// The common type of two decimal operands in UNION, CASE and comparisons.
pub fn union_type(a: &SqlType, b: &SqlType) -> SqlType {
    let (p1, s1) = operand(a).unwrap_or((38, 0));
    let (p2, s2) = operand(b).unwrap_or((38, 0));
    let integral = u32::from((p1 - s1).max(p2 - s2));
    let scale = u32::from(s1.max(s2));
    let (precision, scale) = cap_sum(integral + scale, scale, integral);
    SqlType::numeric((precision as u8).max(1), scale as u8)
}

fn cap_sum(precision: u32, scale: u32, integral: u32) -> (u32, u32) {
    if precision <= 38 { (precision.max(1), scale) } else { (38, scale.min(38 - integral.min(38))) }
}

fn cap_product(precision: u32, scale: u32) -> (u32, u32) {
    if precision <= 38 {
        return (precision, scale);
    }
    let integral = precision - scale;
    if integral < 32 { (38, scale.min(38 - integral)) } else { (38, scale.min(6)) }
}

fn overflow() -> SqlError {
    SqlError::new(8115, &[&"numeric", &"numeric"])
}

fn wide(v: i128) -> I256 {
    I256::from(v)
}

/// Rounds `mantissa` × 10^-`from` half away from zero to the result type.
fn finish(mantissa: I256, from: u32, ty: &SqlType) -> SqlResult<Decimal> {
    let to = u32::from(ty.scale);
    let mut m = mantissa;
    if from > to {
        let divisor = ten(from - to);
        let (q, r) = (m / divisor, m % divisor);
        m = if r.unsigned_abs() * U256::new(2) >= divisor.unsigned_abs() {
            q + I256::new(1) * m.signum()
        } else {
            q
        };
    } else if to > from {
        m = m.checked_mul(ten(to - from)).ok_or_else(overflow)?;
    }
    if m.unsigned_abs() > wide(max_mantissa(ty.precision)).unsigned_abs() {
        return Err(overflow());
    }
    Ok(Decimal::new(m.as_i128(), ty.scale))
}

/// 10^`n`, n ≤ 76.
fn ten(n: u32) -> I256 {
    I256::new(10).pow(n.min(76))
}

fn aligned(a: Decimal, b: Decimal) -> (I256, I256, u32) {
    let scale = u32::from(a.scale.max(b.scale));
    let up = |d: Decimal| wide(d.mantissa) * ten(scale - u32::from(d.scale));
    (up(a), up(b), scale)
}

pub fn compare(a: Decimal, b: Decimal) -> Ordering {
    if a.scale == b.scale {
        return a.mantissa.cmp(&b.mantissa);
    }
    let (x, y, _) = aligned(a, b);
    x.cmp(&y)
}

/// a + b as type `ty` (from [`result_type`]).
pub fn add(a: Decimal, b: Decimal, ty: &SqlType) -> SqlResult<Decimal> {
    if a.scale == b.scale && a.scale == ty.scale {
        let sum = a.mantissa.checked_add(b.mantissa).ok_or_else(overflow)?;
        return if sum.unsigned_abs() <= max_mantissa(ty.precision).unsigned_abs() {
            Ok(Decimal::new(sum, ty.scale))
        } else {
            Err(overflow())
        };
    }
    let (x, y, scale) = aligned(a, b);
    finish(x + y, scale, ty)
}

pub fn subtract(a: Decimal, b: Decimal, ty: &SqlType) -> SqlResult<Decimal> {
    add(a, b.negate(), ty)
}

pub fn multiply(a: Decimal, b: Decimal, ty: &SqlType) -> SqlResult<Decimal> {
    finish(wide(a.mantissa) * wide(b.mantissa), u32::from(a.scale) + u32::from(b.scale), ty)
}

/// a / b, truncated to the scale of `ty`; error 8134 when `b` is zero.
pub fn divide(a: Decimal, b: Decimal, ty: &SqlType) -> SqlResult<Decimal> {
    if b.mantissa == 0 {
        return Err(SqlError::new(8134, &[]));
    }
    let divisor = U256::from(b.mantissa.unsigned_abs());
    let dividend = U256::from(a.mantissa.unsigned_abs());
    let limit = wide(max_mantissa(ty.precision)).unsigned_abs();
    let mut shift = i32::from(ty.scale) + i32::from(b.scale) - i32::from(a.scale);
    let (mut quotient, mut rest);
    if shift < 0 {
        // Shift is at least −38 and the divisor below 10^38: the product fits.
        quotient = dividend / (divisor * ten(shift.unsigned_abs()).unsigned_abs());
    } else {
        quotient = dividend / divisor;
        rest = dividend % divisor;
        while shift > 0 {
            let step = shift.min(38);
            let factor = ten(step.unsigned_abs()).unsigned_abs();
            let part = rest * factor;
            quotient = quotient
                .checked_mul(factor)
                .and_then(|q| q.checked_add(part / divisor))
                .filter(|q| *q <= limit)
                .ok_or_else(overflow)?;
            rest = part % divisor;
            shift -= step;
        }
    }
    if quotient > limit {
        return Err(overflow());
    }
    let magnitude = quotient.as_i128();
    let negative = a.is_negative() != b.is_negative();
    Ok(Decimal::new(if negative { -magnitude } else { magnitude }, ty.scale))
}

/// a % b with the sign of `a`.
pub fn remainder(a: Decimal, b: Decimal, ty: &SqlType) -> SqlResult<Decimal> {
    if b.mantissa == 0 {
        return Err(SqlError::new(8134, &[]));
    }
    let (x, y, scale) = aligned(a, b);
    finish(x % y, scale, ty)
}

/// money × money, rounded half away from zero.
pub fn money_multiply(a: i64, b: i64) -> SqlResult<i64> {
    let product = i128::from(a) * i128::from(b);
    let d = Decimal::new(product, 8).rescale(4).ok_or_else(money_overflow)?;
    i64::try_from(d.mantissa).map_err(|_| money_overflow())
}

/// money ÷ money, truncated.
pub fn money_divide(a: i64, b: i64) -> SqlResult<i64> {
    if b == 0 {
        return Err(SqlError::new(8134, &[]));
    }
    i64::try_from(i128::from(a) * 10_000 / i128::from(b)).map_err(|_| money_overflow())
}

fn money_overflow() -> SqlError {
    SqlError::new(8115, &[&"expression", &"money"])
}

/// ROUND of T-SQL: to `digits` (negative: before the point), or truncation; scale stays.
pub fn round(d: Decimal, digits: i32, truncate: bool) -> Option<Decimal> {
    if digits >= i32::from(d.scale) {
        return Some(d);
    }
    let drop = i32::from(d.scale) - digits;
    if drop > 38 {
        return Some(Decimal::new(0, d.scale));
    }
    let unit = pow10(drop as u8);
    let (q, r) = (d.mantissa / unit, d.mantissa % unit);
    let up = !truncate && r.unsigned_abs() >= (unit as u128).div_ceil(2);
    let q = if up { q + d.mantissa.signum() } else { q };
    let mantissa = q.checked_mul(unit)?;
    (mantissa.unsigned_abs() < 10u128.pow(38)).then_some(Decimal::new(mantissa, d.scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(p: u8, s: u8) -> SqlType {
        SqlType::numeric(p, s)
    }

    #[test]
    fn result_types_of_the_reference() {
        let r = |op, a, b| {
            let x = result_type(op, &a, &b);
            (x.precision, x.scale)
        };
        assert_eq!(r(Operator::Add, t(5, 2), t(6, 3)), (7, 3));
        assert_eq!(r(Operator::Multiply, t(5, 2), t(6, 3)), (12, 5));
        assert_eq!(r(Operator::Divide, t(2, 1), t(2, 1)), (8, 6));
        assert_eq!(r(Operator::Remainder, t(5, 2), t(6, 3)), (6, 3));
        assert_eq!(r(Operator::Multiply, t(38, 10), t(38, 10)), (38, 6));
        assert_eq!(r(Operator::Divide, t(38, 10), t(38, 10)), (38, 6));
        assert_eq!(r(Operator::Add, t(38, 10), t(38, 10)), (38, 10));
        assert_eq!(r(Operator::Multiply, t(20, 10), t(20, 10)), (38, 17));
        assert_eq!(r(Operator::Divide, SqlType::INT, t(3, 1)), (17, 6));
        assert_eq!(union_type(&t(5, 2), &t(4, 3)).precision, 6);
    }

    #[test]
    fn division_truncates() {
        let ty = result_type(Operator::Divide, &t(2, 1), &t(2, 1));
        assert_eq!(divide(Decimal::new(20, 1), Decimal::new(30, 1), &ty).unwrap().to_string(), "0.666666");
        assert_eq!(divide(Decimal::new(-20, 1), Decimal::new(30, 1), &ty).unwrap().to_string(), "-0.666666");
        assert_eq!(divide(Decimal::new(1, 0), Decimal::ZERO, &ty).unwrap_err().number, 8134);
        assert_eq!(money_divide(20_000, 30_000), Ok(6_666));
    }

    #[test]
    fn overflow_is_8115() {
        let big = Decimal::new(max_mantissa(38), 0);
        assert_eq!(add(big, big, &t(38, 0)).unwrap_err().number, 8115);
        assert_eq!(multiply(big, big, &t(38, 0)).unwrap_err().number, 8115);
        assert_eq!(divide(big, Decimal::new(1, 38), &t(38, 6)).unwrap_err().number, 8115);
    }

    #[test]
    fn round_like_tsql() {
        let d = Decimal::new(123_456, 2);
        assert_eq!(round(d, 1, false), Some(Decimal::new(123_460, 2)));
        assert_eq!(round(d, -2, false), Some(Decimal::new(120_000, 2)));
        assert_eq!(round(d, 1, true), Some(Decimal::new(123_450, 2)));
        assert_eq!(round(d, -10, false), Some(Decimal::new(0, 2)));
    }

    proptest! {
        /// Where 128 bits suffice, 256-bit results equal plain integer arithmetic.
        #[test]
        fn equals_integer_arithmetic(a in -1_000_000_000_000_i64..1_000_000_000_000, b in -1_000_000_000_i64..1_000_000_000, s1 in 0u8..6, s2 in 0u8..6) {
            let (x, y) = (Decimal::new(a.into(), s1), Decimal::new(b.into(), s2));
            let (tx, ty) = (t(13, s1), t(10, s2));
            let s = s1.max(s2);
            let (ax, by) = (i128::from(a) * pow10(s - s1), i128::from(b) * pow10(s - s2));
            prop_assert_eq!(add(x, y, &result_type(Operator::Add, &tx, &ty)).unwrap().mantissa, ax + by);
            prop_assert_eq!(subtract(x, y, &result_type(Operator::Subtract, &tx, &ty)).unwrap().mantissa, ax - by);
            prop_assert_eq!(multiply(x, y, &result_type(Operator::Multiply, &tx, &ty)).unwrap().mantissa, i128::from(a) * i128::from(b));
            prop_assert_eq!(compare(x, y), ax.cmp(&by));
            if b != 0 {
                let rt = result_type(Operator::Divide, &tx, &ty);
                let shift = rt.scale + s2 - s1;
                prop_assert_eq!(divide(x, y, &rt).unwrap().mantissa, i128::from(a) * pow10(shift) / i128::from(b));
                prop_assert_eq!(remainder(x, y, &t(38, s)).unwrap().mantissa, ax % by);
            }
        }

        #[test]
        fn text_round_trips(m in -max_mantissa(38)..max_mantissa(38), scale in 0u8..=38) {
            let d = Decimal::new(m, scale);
            prop_assert_eq!(super::super::parse(&d.to_string(), 38, scale), Ok(d));
        }
    }
}
