//! Seeks in an index whose key is converted for the comparison: `bigint_key = 9000000000` (a numeric), `datetime_key >= @datetime2`.
//!
//! Invariants
//! 1. Only conversions that keep the order of the key's values are listed; exact ones keep different values different.
//! 2. The bound is found when the plan runs (`exec::expression::edge`): the value of the key's type at which the comparison begins or
//!    ceases to hold. A key that the conversion would have refused is not converted by a seek that does not reach it.
//!
//! Source: the documentation of data type precedence; that SQL Server seeks in such cases is described in "Implicit Conversions that
//! cause Index Scans" (sqlskills.com).

use holdfast_types::{SqlType, TypeId};

use crate::expr::{ConvertMode, Edge, Expr, ExprKind};
use crate::typing::as_decimal;

/// What a conversion keeps of the values before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Widening {
    /// Order and difference.
    Exact,
    /// Order only: several values may become one.
    Order,
}

fn is_decimal(t: TypeId) -> bool {
    matches!(t, TypeId::Decimal | TypeId::Numeric)
}

/// Digits before and behind the point that hold every value of an exact numeric type.
fn digits(t: &SqlType) -> Option<(u8, u8)> {
    let (precision, scale) = as_decimal(t).filter(|_| !matches!(t.id, TypeId::Bit | TypeId::Null))?;
    Some((precision.saturating_sub(scale), scale))
}

/// Digits behind the second of a type of date or time; 100 ns have 7.
fn fraction(t: &SqlType) -> Option<u8> {
    Some(match t.id {
        TypeId::Date | TypeId::SmallDateTime => 0,
        // Three hundredths of a second: three digits tell them apart.
        TypeId::DateTime => 3,
        TypeId::DateTime2 | TypeId::DateTimeOffset => t.scale,
        _ => return None,
    })
}

/// What the conversion of a key to a type keeps; `None`: not even its order, or nothing is known of it.
pub fn widening(key: &SqlType, to: &SqlType) -> Option<Widening> {
    let exact = |yes: bool| Some(if yes { Widening::Exact } else { Widening::Order });
    if let (Some((before, behind)), Some((b, s))) = (digits(key), digits(to)) {
        return exact(s >= behind && (b >= before || matches!(to.id, TypeId::Money | TypeId::SmallMoney)));
    }
    if digits(key).is_some() || key.id == TypeId::Real {
        return match to.id {
            TypeId::Float => {
                exact(matches!(key.id, TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::Real))
            }
            TypeId::Real => exact(matches!(key.id, TypeId::TinyInt | TypeId::SmallInt)),
            _ => None,
        };
    }
    let (from, until) = (fraction(key)?, fraction(to)?);
    match to.id {
        TypeId::DateTime | TypeId::DateTime2 | TypeId::DateTimeOffset => exact(until >= from),
        _ => None,
    }
}

/// Whether a decimal has more digits behind the point than a decimal key.
pub fn is_finer(value: &SqlType, key: &SqlType) -> bool {
    is_decimal(value.id) && is_decimal(key.id) && value.scale > key.scale
}

/// The key's value at an edge of a value, which has the type that the key is converted to for the comparison.
pub fn value(v: &Expr, key: &SqlType, edge: Edge) -> Expr {
    let kind = ExprKind::Convert { operand: Box::new(v.clone()), style: None, mode: ConvertMode::Edge(edge) };
    Expr::new(kind, *key, true)
}

/// Whether two decimals that no common scale holds are compared: hash tables do not find them.
pub fn differ_in_scale(a: &SqlType, b: &SqlType) -> bool {
    is_decimal(a.id) && is_decimal(b.id) && a.scale != b.scale
}
