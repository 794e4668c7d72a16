//! The bounds of seeks whose key is converted for the comparison (`plan::build::edge`).
//!
//! Invariants
//! 1. The values of a key's type are numbered in their order. As the conversion keeps it, the comparison holds from one number on: that
//!    is looked for, first near the value converted back.
//! 2. A key that cannot be converted is beyond everything on its side of the middle.

use std::cmp::Ordering;

use holdfast_plan::expr::{ConvertMode, Edge};
use holdfast_types::datetime::{DATE_MAX, DATETIME_DAYS_MAX, DATETIME_DAYS_MIN, DAYS_TO_1900};
use holdfast_types::{
    Date, DateTime, DateTime2, Decimal, SmallDateTime, SqlError, SqlResult, SqlType, Time, TypeId, Value,
};

use super::compare::order;
use super::convert::{convert_value, is_conversion_error};
use crate::context::ExecContext;

const TICKS_PER_DAY: i128 = 864_000_000_000;
const THREE_HUNDREDTHS_PER_DAY: i128 = 25_920_000;
const MINUTES_PER_DAY: i128 = 1440;
/// 2000-01-01, which every type of dates has.
const MIDDLE: i32 = DAYS_TO_1900 + 36_524;

/// The numbered values of one type.
struct Domain {
    ty: SqlType,
    min: i128,
    max: i128,
    middle: i128,
}

/// Bits of a float in the order of the values, and back.
fn turned(bits: i32) -> i32 {
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

/// 100 ns in the last digit of a scale.
fn quantum(scale: u8) -> i128 {
    10i128.pow(u32::from(7 - scale.min(7)))
}

impl Domain {
    fn of(ty: &SqlType) -> Option<Domain> {
        let per_day = TICKS_PER_DAY / quantum(ty.scale);
        let (min, max, middle): (i128, i128, i128) = match ty.id {
            TypeId::TinyInt => (0, u8::MAX.into(), 0),
            TypeId::SmallInt => (i16::MIN.into(), i16::MAX.into(), 0),
            TypeId::Int | TypeId::SmallMoney => (i32::MIN.into(), i32::MAX.into(), 0),
            TypeId::BigInt | TypeId::Money => (i64::MIN.into(), i64::MAX.into(), 0),
            TypeId::Decimal | TypeId::Numeric => {
                let most = 10i128.pow(u32::from(ty.precision.min(38))) - 1;
                (-most, most, 0)
            }
            TypeId::Real => {
                let most = i128::from(turned(f32::MAX.to_bits() as i32));
                (i128::from(turned(f32::MIN.to_bits() as i32)), most, 0)
            }
            TypeId::Date => (0, DATE_MAX.into(), MIDDLE.into()),
            TypeId::SmallDateTime => {
                (0, i128::from(u16::MAX) * MINUTES_PER_DAY + MINUTES_PER_DAY - 1, 36_524 * MINUTES_PER_DAY)
            }
            TypeId::DateTime => (
                i128::from(DATETIME_DAYS_MIN) * THREE_HUNDREDTHS_PER_DAY,
                (i128::from(DATETIME_DAYS_MAX) + 1) * THREE_HUNDREDTHS_PER_DAY - 1,
                36_524 * THREE_HUNDREDTHS_PER_DAY,
            ),
            TypeId::DateTime2 => (0, (i128::from(DATE_MAX) + 1) * per_day - 1, i128::from(MIDDLE) * per_day),
            _ => return None,
        };
        Some(Domain { ty: *ty, min, max, middle })
    }

    fn number(&self, v: &Value) -> Option<i128> {
        Some(match v {
            Value::TinyInt(n) => (*n).into(),
            Value::SmallInt(n) => (*n).into(),
            Value::Int(n) | Value::SmallMoney(n) => (*n).into(),
            Value::BigInt(n) | Value::Money(n) => (*n).into(),
            Value::Decimal(d) => d.mantissa,
            Value::Real(x) => turned(x.to_bits() as i32).into(),
            Value::Date(d) => d.0.into(),
            Value::SmallDateTime(d) => i128::from(d.days) * MINUTES_PER_DAY + i128::from(d.minutes),
            Value::DateTime(d) => i128::from(d.days) * THREE_HUNDREDTHS_PER_DAY + i128::from(d.ticks),
            Value::DateTime2(d) => {
                (i128::from(d.date.0) * TICKS_PER_DAY + i128::from(d.time.0)) / quantum(self.ty.scale)
            }
            _ => return None,
        })
    }

    /// `n` lies between [`Domain::min`] and [`Domain::max`], so that no cast cuts anything.
    fn value(&self, n: i128) -> Value {
        match self.ty.id {
            TypeId::TinyInt => Value::TinyInt(n as u8),
            TypeId::SmallInt => Value::SmallInt(n as i16),
            TypeId::Int => Value::Int(n as i32),
            TypeId::SmallMoney => Value::SmallMoney(n as i32),
            TypeId::BigInt => Value::BigInt(n as i64),
            TypeId::Money => Value::Money(n as i64),
            TypeId::Real => Value::Real(f32::from_bits(turned(n as i32) as u32)),
            TypeId::Date => Value::Date(Date(n as i32)),
            TypeId::SmallDateTime => Value::SmallDateTime(SmallDateTime {
                days: (n / MINUTES_PER_DAY) as u16,
                minutes: (n % MINUTES_PER_DAY) as u16,
            }),
            TypeId::DateTime => Value::DateTime(DateTime {
                days: n.div_euclid(THREE_HUNDREDTHS_PER_DAY) as i32,
                ticks: n.rem_euclid(THREE_HUNDREDTHS_PER_DAY) as u32,
            }),
            TypeId::DateTime2 => {
                let ticks = n * quantum(self.ty.scale);
                Value::DateTime2(DateTime2 {
                    date: Date((ticks / TICKS_PER_DAY) as i32),
                    time: Time((ticks % TICKS_PER_DAY) as u64),
                })
            }
            _ => Value::Decimal(Decimal::new(n, self.ty.scale)),
        }
    }

    /// The smallest number from which on `holds` does (invariant 1).
    fn first(&self, near: i128, holds: &dyn Fn(i128) -> SqlResult<bool>) -> SqlResult<Option<i128>> {
        let near = near.clamp(self.min, self.max);
        // Numbers where it does not hold, and where it does.
        let (mut below, mut from) = (self.min - 1, self.max + 1);
        let mut step: i128 = 1;
        if holds(near)? {
            from = near;
            while from > self.min {
                let n = from.saturating_sub(step).max(self.min);
                if !holds(n)? {
                    below = n;
                    break;
                }
                from = n;
                step = step.saturating_mul(2);
            }
        } else {
            below = near;
            while below < self.max {
                let n = below.saturating_add(step).min(self.max);
                if holds(n)? {
                    from = n;
                    break;
                }
                below = n;
                step = step.saturating_mul(2);
            }
        }
        while from - below > 1 && from > self.min {
            let n = below + (from - below) / 2;
            if holds(n)? { from = n } else { below = n }
        }
        Ok((from <= self.max).then_some(from))
    }
}

/// The key's value at an edge of a value of type `from`; NULL where there is none.
///
/// # Errors
/// Types that [`holdfast_plan`] makes no such seeks for; errors of conversions that are none of their values.
pub fn edge(v: &Value, from: &SqlType, key: &SqlType, edge: Edge, ctx: &ExecContext) -> SqlResult<Value> {
    if v.is_null() {
        return Ok(Value::Null);
    }
    let Some(domain) = Domain::of(key) else {
        return Err(SqlError::not_supported(format!("A seek for a {from} in a key of type {key}")));
    };
    // Decimals compare whatever their digits are.
    let wider = match from.id {
        TypeId::Decimal | TypeId::Numeric => {
            let scale = match key.id {
                TypeId::Money | TypeId::SmallMoney => 4,
                TypeId::Decimal | TypeId::Numeric => key.scale,
                _ => 0,
            };
            SqlType::decimal(38, scale)
        }
        _ => *from,
    };
    let against = |n: i128| -> SqlResult<Ordering> {
        match convert_value(&domain.value(n), key, &wider, None, ConvertMode::Implicit, ctx) {
            Ok(x) => order(&x, v, &wider),
            Err(e) if is_conversion_error(&e) && n < domain.middle => Ok(Ordering::Less),
            Err(e) if is_conversion_error(&e) => Ok(Ordering::Greater),
            Err(e) => Err(e),
        }
    };
    let near = match convert_value(v, from, key, None, ConvertMode::Explicit, ctx) {
        Ok(x) => domain.number(&x).unwrap_or(domain.middle),
        Err(e) if is_conversion_error(&e) => domain.middle,
        Err(e) => return Err(e),
    };
    let at_least = |n: i128| Ok(against(n)? != Ordering::Less);
    let above = |n: i128| Ok(against(n)? == Ordering::Greater);
    let before = |first: Option<i128>| match first {
        Some(n) => (n > domain.min).then(|| n - 1),
        None => Some(domain.max),
    };
    let found = match edge {
        Edge::Exact => {
            let first = domain.first(near, &at_least)?;
            match first {
                Some(n) if against(n)? == Ordering::Equal => Some(n),
                _ => None,
            }
        }
        Edge::AtLeast => domain.first(near, &at_least)?,
        Edge::Above => domain.first(near, &above)?,
        Edge::AtMost => before(domain.first(near, &above)?),
        Edge::Below => before(domain.first(near, &at_least)?),
    };
    Ok(found.map_or(Value::Null, |n| domain.value(n)))
}
