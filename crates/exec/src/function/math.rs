//! Mathematical functions and bit functions.
//!
//! Invariants
//! 1. A float result that is not finite is error 3623 (domain) or 8115 (overflow), never a value.
//!
//! Evidence: T-SQL reference, "Mathematical functions".

use std::f64::consts::PI;

use holdfast_plan::function::FunctionId;
use holdfast_types::{Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

use super::{Call, not_yet};
use crate::expression::arithmetic::{
    divide_rounded, integer_value, overflow, power_of_ten, shift_value, type_mismatch,
};
use crate::expression::compare::order;
use crate::operator::accumulator::value_number;

fn float(v: f64, ty: &SqlType) -> SqlResult<Value> {
    if v.is_nan() {
        return Err(SqlError::new(3623, &[]));
    }
    if v.is_infinite() {
        return Err(overflow(ty));
    }
    Ok(Value::Float(v))
}

/// A float as a value of numeric type `ty`.
fn from_float(v: f64, ty: &SqlType) -> SqlResult<Value> {
    if !v.is_finite() {
        return Err(overflow(ty));
    }
    Ok(match ty.id {
        TypeId::Int | TypeId::Null => {
            if v.abs() >= 2_147_483_648.0 {
                return Err(SqlError::new(232, &[&"int", &format!("{v:.6}")]).state(3));
            }
            Value::Int(v as i32)
        }
        TypeId::BigInt => {
            if v.abs() >= 9.223_372_036_854_775e18 {
                return Err(overflow(ty));
            }
            Value::BigInt(v as i64)
        }
        TypeId::Money => {
            let m = (v * 10_000.0).round();
            if m.abs() >= 9.223_372_036_854_775e18 {
                return Err(overflow(ty));
            }
            Value::Money(m as i64)
        }
        TypeId::Decimal | TypeId::Numeric => {
            let m = (v * 10f64.powi(i32::from(ty.scale))).round();
            if m.abs() >= 10f64.powi(i32::from(ty.precision)) {
                return Err(overflow(ty));
            }
            Value::Decimal(Decimal::new(m as i128, ty.scale))
        }
        _ => Value::Float(v),
    })
}

/// An exact number with its scale.
fn exact(v: &Value) -> Option<(i128, u8)> {
    Some(match v {
        Value::Decimal(d) => (d.mantissa, d.scale),
        Value::Money(x) => (i128::from(*x), 4),
        Value::SmallMoney(x) => (i128::from(*x), 4),
        other => (i128::from(integer_value(other)?), 0),
    })
}

/// A mantissa of the given scale as a value of exact type `ty`.
fn from_exact(m: i128, scale: u8, ty: &SqlType) -> SqlResult<Value> {
    let to = match ty.id {
        TypeId::Money => 4,
        TypeId::Decimal | TypeId::Numeric => ty.scale,
        _ => 0,
    };
    let m = if to >= scale {
        m.checked_mul(power_of_ten(u32::from(to - scale))).ok_or_else(|| overflow(ty))?
    } else {
        divide_rounded(m, power_of_ten(u32::from(scale - to)))
    };
    Ok(match ty.id {
        TypeId::Int | TypeId::Null => Value::Int(i32::try_from(m).map_err(|_| overflow(ty))?),
        TypeId::BigInt => Value::BigInt(i64::try_from(m).map_err(|_| overflow(ty))?),
        TypeId::Money => Value::Money(i64::try_from(m).map_err(|_| overflow(ty))?),
        TypeId::Decimal | TypeId::Numeric => {
            if m.abs() >= power_of_ten(u32::from(ty.precision)) {
                return Err(overflow(ty));
            }
            Value::Decimal(Decimal::new(m, to))
        }
        _ => Value::Float(m as f64),
    })
}

fn round(c: &Call<'_>) -> SqlResult<Value> {
    let digits = integer_value(&c.args[1]).ok_or_else(type_mismatch)?.clamp(-400, 400) as i32;
    let truncate = c.args.get(2).and_then(integer_value).is_some_and(|n| n != 0);
    if let Some((m, scale)) = exact(&c.args[0]) {
        let drop = i32::from(scale) - digits;
        if drop <= 0 {
            return from_exact(m, scale, c.ty);
        }
        if drop > 38 {
            return from_exact(0, 0, c.ty);
        }
        let f = power_of_ten(drop as u32);
        let q = if truncate { m / f } else { divide_rounded(m, f) };
        return from_exact(q.checked_mul(f).ok_or_else(|| overflow(c.ty))?, scale, c.ty);
    }
    let x = value_number(&c.args[0])?;
    let f = 10f64.powi(digits);
    if f == 0.0 {
        return from_float(0.0, c.ty);
    }
    if !f.is_finite() || !(x * f).is_finite() {
        return from_float(x, c.ty);
    }
    let y = x * f;
    let y = if truncate { y.trunc() } else { y.round() };
    // Dividing by an exact power keeps digits that multiplying by its inverse would lose.
    from_float(if digits < 0 { y * 10f64.powi(-digits) } else { y / f }, c.ty)
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    let ty = c.ty;
    let x = |i: usize| value_number(&a[i]);
    Ok(match c.function {
        FunctionId::Abs => match exact(&a[0]) {
            Some((m, s)) => from_exact(m.checked_abs().ok_or_else(|| overflow(ty))?, s, ty)?,
            None => from_float(x(0)?.abs(), ty)?,
        },
        FunctionId::Sign => match exact(&a[0]) {
            Some((m, _)) => from_exact(m.signum(), 0, ty)?,
            None => {
                let v = x(0)?;
                from_float(if v == 0.0 { 0.0 } else { v.signum() }, ty)?
            }
        },
        FunctionId::Ceiling | FunctionId::Floor => match exact(&a[0]) {
            Some((m, s)) => {
                let f = power_of_ten(u32::from(s));
                let down = m.div_euclid(f);
                let up = c.function == FunctionId::Ceiling && m.rem_euclid(f) != 0;
                from_exact(down + i128::from(up), 0, ty)?
            }
            None if c.function == FunctionId::Ceiling => from_float(x(0)?.ceil(), ty)?,
            None => from_float(x(0)?.floor(), ty)?,
        },
        FunctionId::Round => round(c)?,
        FunctionId::Power => {
            let (base, exponent) = (x(0)?, x(1)?);
            if base == 0.0 && exponent < 0.0 {
                return Err(SqlError::new(8134, &[]));
            }
            let v = base.powf(exponent);
            if v.is_nan() {
                return Err(SqlError::new(3623, &[]));
            }
            match (ty.id, exact(&a[0])) {
                // Whole results of exact bases stay exact.
                (TypeId::Int | TypeId::BigInt, Some((m, 0)))
                    if exponent >= 0.0 && exponent.fract() == 0.0 =>
                {
                    let p = (exponent < 1000.0).then(|| m.checked_pow(exponent as u32)).flatten();
                    // POWER tells the value that the type does not hold.
                    let beyond = || SqlError::new(232, &[&ty.id.name(), &format!("{v:.6}")]).state(3);
                    match p {
                        Some(p) => from_exact(p, 0, ty).map_err(|_| beyond())?,
                        None => return Err(beyond()),
                    }
                }
                _ => from_float(v, ty)?,
            }
        }
        FunctionId::Sqrt => float(x(0)?.sqrt(), ty)?,
        FunctionId::Square => float(x(0)? * x(0)?, ty)?,
        FunctionId::Exp => float(x(0)?.exp(), ty)?,
        FunctionId::Log | FunctionId::Log10 if x(0)? <= 0.0 => return Err(SqlError::new(3623, &[])),
        FunctionId::Log => match a.get(1) {
            None => float(x(0)?.ln(), ty)?,
            Some(_) if x(1)? <= 0.0 || x(1)? == 1.0 => return Err(SqlError::new(3623, &[])),
            Some(_) => float(x(0)?.ln() / x(1)?.ln(), ty)?,
        },
        FunctionId::Log10 => float(x(0)?.log10(), ty)?,
        FunctionId::Pi => Value::Float(PI),
        FunctionId::Sin => float(x(0)?.sin(), ty)?,
        FunctionId::Cos => float(x(0)?.cos(), ty)?,
        FunctionId::Tan => float(x(0)?.tan(), ty)?,
        FunctionId::Cot => float(1.0 / x(0)?.tan(), ty)?,
        FunctionId::Asin => float(x(0)?.asin(), ty)?,
        FunctionId::Acos => float(x(0)?.acos(), ty)?,
        FunctionId::Atan => float(x(0)?.atan(), ty)?,
        FunctionId::Atn2 if x(0)? == 0.0 && x(1)? == 0.0 => return Err(SqlError::new(3623, &[])),
        FunctionId::Atn2 => float(x(0)?.atan2(x(1)?), ty)?,
        FunctionId::Degrees => from_float(x(0)? * 180.0 / PI, ty)?,
        FunctionId::Radians => from_float(x(0)? * PI / 180.0, ty)?,
        FunctionId::Rand => Value::Float(c.ctx.query.session.rand(a.first().and_then(integer_value))),
        FunctionId::Greatest | FunctionId::Least => {
            let mut best = Value::Null;
            for v in a.iter().filter(|v| !v.is_null()) {
                let take = best.is_null() || {
                    let o = order(v, &best, ty)?;
                    if c.function == FunctionId::Greatest { o.is_gt() } else { o.is_lt() }
                };
                if take {
                    best = v.clone();
                }
            }
            best
        }
        FunctionId::BitCount => Value::BigInt(match &a[0] {
            Value::Binary(b) => b.iter().map(|x| i64::from(x.count_ones())).sum(),
            v => bits(v)?.0.count_ones().into(),
        }),
        FunctionId::GetBit => {
            let (value, width) = bits(&a[0])?;
            let at = offset(&a[1], width)?;
            Value::Bit(value >> at & 1 == 1)
        }
        FunctionId::SetBit => {
            let (value, width) = bits(&a[0])?;
            let at = offset(&a[1], width)?;
            let on = a.get(2).and_then(integer_value).unwrap_or(1) != 0;
            let v = if on { value | 1 << at } else { value & !(1 << at) };
            match &a[0] {
                Value::TinyInt(_) => Value::TinyInt(v as u8),
                Value::SmallInt(_) => Value::SmallInt(v as i16),
                Value::Int(_) => Value::Int(v as i32),
                _ => Value::BigInt(v as i64),
            }
        }
        FunctionId::LeftShift | FunctionId::RightShift => {
            let n = integer_value(&a[1]).ok_or_else(type_mismatch)?;
            shift_value(&a[0], n, c.function == FunctionId::LeftShift)?
        }
        other => return Err(not_yet(other)),
    })
}

/// The bits of an integer and their number.
fn bits(v: &Value) -> SqlResult<(u64, u32)> {
    Ok(match v {
        Value::Bit(b) => (u64::from(*b), 1),
        Value::TinyInt(x) => (u64::from(*x), 8),
        Value::SmallInt(x) => (u64::from(*x as u16), 16),
        Value::Int(x) => (u64::from(*x as u32), 32),
        Value::BigInt(x) => (*x as u64, 64),
        _ => return Err(type_mismatch()),
    })
}

fn offset(v: &Value, width: u32) -> SqlResult<u32> {
    integer_value(v)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n < width)
        .ok_or_else(|| SqlError::new(9840, &[&"bit"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ExecContext;

    fn run(function: FunctionId, args: &[Value], ty: SqlType) -> SqlResult<Value> {
        let types = vec![SqlType::INT; args.len()];
        call(&Call { function, args, types: &types, ty: &ty, ctx: &ExecContext::plain() })
    }

    #[test]
    fn rounding() {
        let d = |m, s| Value::Decimal(Decimal::new(m, s));
        let ty = SqlType::decimal(8, 4);
        let r = |v, n| run(FunctionId::Round, &[v, Value::Int(n)], ty).unwrap();
        assert_eq!(r(d(1_239_994, 4), 3), d(1_239_990, 4));
        assert_eq!(r(d(1_239_995, 4), 3), d(1_240_000, 4));
        assert_eq!(r(d(-155, 1), 0), d(-160_000, 4));
        let t = run(FunctionId::Round, &[d(15_075, 2), Value::Int(0), Value::Int(1)], SqlType::decimal(5, 2));
        assert_eq!(t.unwrap(), d(15_000, 2));
        assert_eq!(
            run(FunctionId::Round, &[Value::Int(748), Value::Int(-2)], SqlType::INT).unwrap(),
            Value::Int(700)
        );
        assert_eq!(
            run(FunctionId::Round, &[Value::Float(2.345), Value::Int(1)], SqlType::FLOAT).unwrap(),
            Value::Float(2.3)
        );
    }

    #[test]
    fn signs_floors_powers() {
        let d = Value::Decimal(Decimal::new(-12_345, 2));
        let ty = SqlType::decimal(5, 0);
        assert_eq!(
            run(FunctionId::Floor, std::slice::from_ref(&d), ty).unwrap(),
            Value::Decimal(Decimal::new(-124, 0))
        );
        assert_eq!(run(FunctionId::Ceiling, &[d], ty).unwrap(), Value::Decimal(Decimal::new(-123, 0)));
        assert_eq!(
            run(FunctionId::Power, &[Value::Int(2), Value::Float(10.0)], SqlType::INT).unwrap(),
            Value::Int(1024)
        );
        assert_eq!(
            run(FunctionId::Power, &[Value::Int(2), Value::Float(40.0)], SqlType::INT).unwrap_err().number,
            232
        );
        assert_eq!(run(FunctionId::Sqrt, &[Value::Float(-1.0)], SqlType::FLOAT).unwrap_err().number, 3623);
        assert_eq!(run(FunctionId::Abs, &[Value::Int(i32::MIN)], SqlType::INT).unwrap_err().number, 8115);
    }
}
