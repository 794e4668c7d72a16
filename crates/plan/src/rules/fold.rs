//! Constant folding: expressions of literals become literals, conditions that are always true or false vanish.
//!
//! Invariants
//! 1. Only functions that depend on nothing but their arguments are folded.
//! 2. An evaluation that fails leaves the expression, so that the error comes when (and if) the row is reached.

use holdfast_types::Value;

use crate::context::BindContext;
use crate::expr::{Expr, ExprKind, SubPlan};
use crate::function::{Volatility, definition};
use crate::logical::LogicalPlan;

pub(super) fn fold_plan(plan: &mut LogicalPlan, cx: &BindContext<'_>) {
    plan.for_each_expr_mut(&mut |e| fold_expr(e, cx));
    for input in plan.inputs_mut() {
        fold_plan(input, cx);
    }
}

pub(super) fn fold_expr(e: &mut Expr, cx: &BindContext<'_>) {
    e.for_each_child_mut(&mut |c| fold_expr(c, cx));
    if let ExprKind::Subquery(s) = &mut e.kind
        && let SubPlan::Logical(l) = &mut s.plan
    {
        // Subqueries get all the rules on their own.
        let plan = std::mem::replace(l.as_mut(), LogicalPlan::one_row());
        **l = super::rewrite(plan, cx);
        return;
    }
    if e.is_boolean() {
        fold_condition(e);
        return;
    }
    let Some(evaluator) = cx.evaluator else { return };
    let foldable = match &e.kind {
        ExprKind::Convert { operand, style, .. } => {
            operand.is_literal() && style.as_ref().is_none_or(|s| s.is_literal())
        }
        ExprKind::Unary { operand, .. } => operand.is_literal(),
        ExprKind::Binary { left, right, .. } => left.is_literal() && right.is_literal(),
        ExprKind::Function { function, args } => {
            let d = definition(*function);
            d.volatility == Volatility::Pure && !args.is_empty() && args.iter().all(Expr::is_literal)
        }
        _ => false,
    };
    if foldable && let Some(v) = evaluator.evaluate(e) {
        let (ty, nullable) = (e.ty, e.nullable || v.is_null());
        *e = Expr::literal(v, ty);
        e.nullable = nullable;
    }
}

fn fold_condition(e: &mut Expr) {
    match &mut e.kind {
        ExprKind::Compare { op, left, right } => {
            if let (ExprKind::Literal(Value::Int(a)), ExprKind::Literal(Value::Int(b))) =
                (&left.kind, &right.kind)
            {
                use crate::expr::CompareOp as C;
                let r = match op {
                    C::Equal | C::NotDistinct => a == b,
                    C::NotEqual | C::Distinct => a != b,
                    C::Less => a < b,
                    C::LessOrEqual => a <= b,
                    C::Greater => a > b,
                    C::GreaterOrEqual => a >= b,
                };
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(r)), false);
            }
        }
        ExprKind::And(v) => {
            v.retain(|t| !matches!(t.kind, ExprKind::BoolLiteral(Some(true))));
            if v.iter().any(|t| matches!(t.kind, ExprKind::BoolLiteral(Some(false)))) {
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(false)), false);
            } else if v.is_empty() {
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(true)), false);
            } else if v.len() == 1 {
                let one = v.remove(0);
                *e = one;
            }
        }
        ExprKind::Or(v) => {
            v.retain(|t| !matches!(t.kind, ExprKind::BoolLiteral(Some(false))));
            if v.iter().any(|t| matches!(t.kind, ExprKind::BoolLiteral(Some(true)))) {
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(true)), false);
            } else if v.is_empty() {
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(false)), false);
            } else if v.len() == 1 {
                let one = v.remove(0);
                *e = one;
            } else {
                or_to_in(e);
            }
        }
        ExprKind::IsNull { operand, negated } => {
            if let ExprKind::Literal(v) = &operand.kind {
                let r = v.is_null() != *negated;
                *e = Expr::boolean(ExprKind::BoolLiteral(Some(r)), false);
            }
        }
        _ => {}
    }
}

/// `a = 1 OR a = 2` -> `a IN (1, 2)`, which an index can seek.
fn or_to_in(e: &mut Expr) {
    let ExprKind::Or(terms) = &e.kind else { return };
    let mut operand: Option<&Expr> = None;
    let mut list = Vec::new();
    for t in terms {
        match &t.kind {
            ExprKind::Compare { op: crate::expr::CompareOp::Equal, left, right }
                if matches!(left.kind, ExprKind::Column(_))
                    && matches!(right.kind, ExprKind::Literal(_) | ExprKind::Parameter(_)) =>
            {
                let same = operand.is_none_or(|o| {
                    matches!((&o.kind, &left.kind), (ExprKind::Column(a), ExprKind::Column(b)) if a == b)
                        && o.ty == left.ty
                });
                if !same {
                    return;
                }
                operand = Some(left);
                list.push(right.as_ref().clone());
            }
            ExprKind::InList { operand: o2, list: l2, negated: false }
                if matches!(o2.kind, ExprKind::Column(_)) =>
            {
                let same = operand.is_none_or(|o| {
                    matches!((&o.kind, &o2.kind), (ExprKind::Column(a), ExprKind::Column(b)) if a == b)
                        && o.ty == o2.ty
                });
                if !same {
                    return;
                }
                operand = Some(o2);
                list.extend(l2.iter().cloned());
            }
            _ => return,
        }
    }
    let Some(operand) = operand.cloned() else { return };
    let nullable = e.nullable;
    *e = Expr::boolean(ExprKind::InList { operand: Box::new(operand), list, negated: false }, nullable);
}
