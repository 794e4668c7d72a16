//! Whether a query asks only for rows that a filtered index has.
//!
//! Invariants
//! 1. Only what follows from one condition of the query by comparing literals counts; a doubt is a no. Variables prove nothing: a
//!    kept plan is used for other values, too.
//! 2. Texts are compared only where both conditions compare by the same collation.
//!
//! Evidence: conditions of filtered indexes are conjunctions of comparisons with constants, IN lists and IS [NOT] NULL.

use std::cmp::Ordering;

use holdfast_engine::stored::key;
use holdfast_types::{SqlType, TypeId, Value};

use crate::expr::{CompareOp, Expr, ExprKind};
use crate::logical::ColumnId;

/// Whether `filter` holds for every row for which all `conditions` hold.
pub(super) fn implied(filter: &Expr, conditions: &[Expr]) -> bool {
    match &filter.kind {
        ExprKind::And(parts) => parts.iter().all(|p| implied(p, conditions)),
        _ => conditions.iter().any(|c| follows(filter, c)),
    }
}

/// A column, or one that is only made wider.
fn column(e: &Expr) -> Option<ColumnId> {
    match &e.kind {
        ExprKind::Column(id) => Some(*id),
        ExprKind::Convert { operand, .. } if is_whole(&e.ty) && is_whole(&operand.ty) => column(operand),
        _ => None,
    }
}

fn is_whole(ty: &SqlType) -> bool {
    matches!(ty.id, TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt)
}

fn literal(e: &Expr) -> Option<&Value> {
    match &e.kind {
        ExprKind::Literal(v) if !v.is_null() => Some(v),
        ExprKind::Convert { operand, .. } if is_whole(&e.ty) && is_whole(&operand.ty) => literal(operand),
        _ => None,
    }
}

/// `column op literal`, whichever way round it was written.
fn comparison(e: &Expr) -> Option<(ColumnId, CompareOp, &Value, SqlType)> {
    let ExprKind::Compare { op, left, right } = &e.kind else { return None };
    match (column(left), column(right)) {
        (Some(id), None) => Some((id, *op, literal(right)?, left.ty)),
        (None, Some(id)) => Some((id, op.swap(), literal(left)?, right.ty)),
        _ => None,
    }
}

/// `column IN (literals)`.
fn list(e: &Expr) -> Option<(ColumnId, Vec<&Value>, SqlType)> {
    let ExprKind::InList { operand, list, negated: false } = &e.kind else { return None };
    let values: Option<Vec<&Value>> = list.iter().map(literal).collect();
    Some((column(operand)?, values?, operand.ty))
}

/// The column of which the condition is never true for NULL.
fn rejects_null(e: &Expr) -> Option<ColumnId> {
    match &e.kind {
        ExprKind::Compare { op, left, right }
            if !matches!(op, CompareOp::NotDistinct | CompareOp::Distinct) =>
        {
            column(left).or_else(|| column(right))
        }
        ExprKind::InList { operand, negated: false, .. } => column(operand),
        ExprKind::Like { operand, negated: false, .. } => column(operand),
        ExprKind::IsNull { operand, negated: true } => column(operand),
        _ => None,
    }
}

fn order(a: &Value, b: &Value, of: &SqlType, other: &SqlType) -> Option<Ordering> {
    match (a, b) {
        (Value::String(_), Value::String(_)) if of.collation == other.collation => {
            Some(key::compare(of, a, b))
        }
        (Value::String(_), Value::String(_)) => None,
        _ if std::mem::discriminant(a) == std::mem::discriminant(b) && key::is_comparable(of) => {
            Some(key::compare(of, a, b))
        }
        // Of different types only whole numbers: fractions and moments are not what they are as floating point numbers.
        _ => Some(whole(a)?.cmp(&whole(b)?)),
    }
}

fn whole(v: &Value) -> Option<i64> {
    Some(match v {
        Value::Bit(b) => i64::from(*b),
        Value::TinyInt(n) => i64::from(*n),
        Value::SmallInt(n) => i64::from(*n),
        Value::Int(n) => i64::from(*n),
        Value::BigInt(n) => *n,
        _ => return None,
    })
}

/// Whether `column op value` holds for a value that stands so to it.
fn holds(op: CompareOp, to: Ordering) -> bool {
    match op {
        CompareOp::Equal => to == Ordering::Equal,
        CompareOp::NotEqual => to != Ordering::Equal,
        CompareOp::Less => to == Ordering::Less,
        CompareOp::LessOrEqual => to != Ordering::Greater,
        CompareOp::Greater => to == Ordering::Greater,
        CompareOp::GreaterOrEqual => to != Ordering::Less,
        CompareOp::NotDistinct | CompareOp::Distinct => false,
    }
}

fn follows(filter: &Expr, condition: &Expr) -> bool {
    if let ExprKind::IsNull { operand, negated } = &filter.kind {
        let Some(id) = column(operand) else { return false };
        return if *negated {
            rejects_null(condition) == Some(id)
        } else {
            matches!(&condition.kind, ExprKind::IsNull { operand, negated: false } if column(operand) == Some(id))
        };
    }
    // Each value that the condition allows must be one that the filter takes.
    let allowed = |id: ColumnId, takes: &dyn Fn(&Value, &SqlType) -> bool| {
        if let Some((of, values, ty)) = list(condition) {
            return of == id && values.iter().all(|v| takes(v, &ty));
        }
        matches!(comparison(condition), Some((of, CompareOp::Equal, v, ty)) if of == id && takes(v, &ty))
    };
    if let Some((id, values, ty)) = list(filter) {
        let one_of =
            |v: &Value, of: &SqlType| values.iter().any(|x| order(v, x, &ty, of) == Some(Ordering::Equal));
        return allowed(id, &one_of);
    }
    let Some((id, op, bound, ty)) = comparison(filter) else { return false };
    if allowed(id, &|v, of| order(v, bound, &ty, of).is_some_and(|o| holds(op, o))) {
        return true;
    }
    let Some((of, asked, v, other)) = comparison(condition).filter(|c| c.0 == id) else { return false };
    debug_assert_eq!(of, id);
    let Some(to) = order(v, bound, &ty, &other) else { return false };
    use CompareOp::{Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    match (op, asked) {
        (NotEqual, NotEqual) => to == Ordering::Equal,
        (NotEqual, Less) | (LessOrEqual | Less, Less) | (LessOrEqual, LessOrEqual) => to != Ordering::Greater,
        (NotEqual | Less, LessOrEqual) => to == Ordering::Less,
        (NotEqual, Greater) | (GreaterOrEqual | Greater, Greater) | (GreaterOrEqual, GreaterOrEqual) => {
            to != Ordering::Less
        }
        (NotEqual | Greater, GreaterOrEqual) => to == Ordering::Greater,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expr;

    fn value(n: i32) -> Expr {
        Expr { kind: ExprKind::Literal(Value::Int(n)), ty: SqlType::INT, nullable: false }
    }

    fn column_of(id: usize) -> Expr {
        Expr::column(id, SqlType::INT, true)
    }

    fn compare(id: usize, op: CompareOp, n: i32) -> Expr {
        let kind = ExprKind::Compare { op, left: Box::new(column_of(id)), right: Box::new(value(n)) };
        Expr { kind, ty: SqlType::BIT, nullable: true }
    }

    /// By all values near the bounds: what is said to follow does.
    #[test]
    fn nothing_follows_that_does_not() {
        use CompareOp::*;
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        let mut found = 0;
        for filter in all {
            for asked in all {
                for n in 3..=7 {
                    let says = implied(&compare(1, filter, 5), &[compare(1, asked, n)]);
                    let is_so =
                        (0..=10).filter(|v: &i32| holds(asked, v.cmp(&n))).all(|v| holds(filter, v.cmp(&5)));
                    assert!(!says || is_so, "{asked:?} {n} does not mean {filter:?} 5");
                    found += usize::from(says);
                }
            }
        }
        assert!(found > 40, "{found}");
        assert!(!implied(&compare(1, Equal, 5), &[compare(2, Equal, 5)]));
        assert!(!implied(&compare(1, Equal, 5), &[]));
    }

    #[test]
    fn moments_and_fractions_are_compared_exactly() {
        use holdfast_types::{Date, DateTime2, Decimal, Time};
        let at = |ticks| Value::DateTime2(DateTime2 { date: Date(738_885), time: Time(ticks) });
        let ty = SqlType { id: TypeId::DateTime2, scale: 7, ..SqlType::NULL };
        // 100 ns apart, which no floating point number of days tells.
        assert_eq!(order(&at(1), &at(2), &ty, &ty), Some(Ordering::Less));
        let day = Value::Date(Date(738_885));
        assert_eq!(order(&day, &at(0), &ty, &ty), None);
        let number = |mantissa, scale| Value::Decimal(Decimal::new(mantissa, scale));
        let ty = SqlType::decimal(38, 18);
        let (a, b) = (number(1, 1), number(100_000_000_000_000_001, 18));
        assert_eq!(order(&a, &b, &ty, &ty), Some(Ordering::Less));
        assert_eq!(order(&Value::Int(5), &Value::BigInt(5), &ty, &ty), Some(Ordering::Equal));
    }

    #[test]
    fn a_comparison_means_not_null() {
        let not_null = Expr {
            kind: ExprKind::IsNull { operand: Box::new(column_of(1)), negated: true },
            ty: SqlType::BIT,
            nullable: false,
        };
        assert!(implied(&not_null, &[compare(1, CompareOp::Less, 5)]));
        assert!(!implied(&not_null, &[compare(2, CompareOp::Less, 5)]));
        assert!(!implied(&not_null, &[compare(1, CompareOp::NotDistinct, 5)]));
    }
}
