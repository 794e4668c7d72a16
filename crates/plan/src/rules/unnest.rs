//! Subqueries in WHERE become semi and anti joins where the correlated conditions can be lifted out of them.
//!
//! Invariants
//! 1. Only conditions that stand as conjuncts of a filter are touched: there, unknown and false mean the same.
//! 2. NOT IN becomes an anti join only when neither side can be NULL.
//! 3. A subquery whose parameters are used anywhere but in liftable conditions stays an expression.

use std::collections::HashMap;

use super::push::conjuncts;
use crate::expr::{CompareOp, Expr, ExprKind, ParamId, SubPlan, Subquery, SubqueryKind};
use crate::logical::LogicalPlan;
use crate::physical::JoinKind;

pub(super) fn unnest(plan: &mut LogicalPlan) {
    for input in plan.inputs_mut() {
        unnest(input);
    }
    let LogicalPlan::Filter { input, predicate } = plan else { return };
    let mut list = Vec::new();
    conjuncts(std::mem::replace(predicate, Expr::null()), &mut list);
    let mut current = std::mem::replace(input.as_mut(), LogicalPlan::one_row());
    let mut rest = Vec::new();
    let mut joins = Vec::new();
    for e in list {
        match convert(&e) {
            Some(j) => joins.push(j),
            None => rest.push(e),
        }
    }
    if !rest.is_empty() {
        current = current.filter(Expr::and(rest));
    }
    for (kind, right, predicate) in joins {
        current = LogicalPlan::Join {
            kind,
            left: Box::new(current),
            right: Box::new(right),
            predicate: Some(predicate),
            algorithm: None,
        };
    }
    *plan = current;
}

fn convert(e: &Expr) -> Option<(JoinKind, LogicalPlan, Expr)> {
    let (negated, inner) = match &e.kind {
        ExprKind::Not(x) => (true, x.as_ref()),
        _ => (false, e),
    };
    let ExprKind::Subquery(s) = &inner.kind else { return None };
    if s.volatile {
        return None;
    }
    let SubPlan::Logical(plan) = &s.plan else { return None };
    let kind = if negated { JoinKind::LeftAnti } else { JoinKind::LeftSemi };
    let (stripped, mut terms) = match &s.kind {
        SubqueryKind::Scalar => return None,
        SubqueryKind::Exists => {
            // Nothing to gain without correlation: it is evaluated once.
            if s.bindings.is_empty() {
                return None;
            }
            (strip(plan), Vec::new())
        }
        SubqueryKind::Quantified { left, op: CompareOp::Equal, all: false } => {
            let mut columns = Vec::new();
            plan.output(&mut columns);
            let [id] = columns.as_slice() else { return None };
            let LogicalPlan::Concat { inputs, columns } = plan.as_ref() else { return None };
            let ([(inner, ids)], [col]) = (inputs.as_slice(), columns.as_slice()) else { return None };
            if ids.first() != Some(id) || !left.any(&|x| matches!(x.kind, ExprKind::Column(_))) {
                return None;
            }
            if negated && (left.nullable || col.nullable) {
                return None;
            }
            (inner.clone(), vec![Expr::compare(CompareOp::Equal, left.as_ref().clone(), col.expr())])
        }
        SubqueryKind::Quantified { .. } => return None,
    };
    let mut lifted = Vec::new();
    let free = lift(stripped, s, &mut lifted)?;
    let values: HashMap<ParamId, &Expr> = s.bindings.iter().map(|b| (b.slot, &b.value)).collect();
    for mut l in lifted {
        l.rewrite(&mut |x| {
            if let ExprKind::Parameter(p) = x.kind
                && let Some(v) = values.get(&p)
            {
                let ty = x.ty;
                *x = (*v).clone();
                x.ty = ty;
            }
        });
        terms.push(l);
    }
    if terms.is_empty() {
        return None;
    }
    Some((kind, free, Expr::and(terms)))
}

/// Removes what does not matter for existence.
fn strip(plan: &LogicalPlan) -> LogicalPlan {
    match plan {
        LogicalPlan::Extend { input, .. }
        | LogicalPlan::Sort { input, .. }
        | LogicalPlan::Distinct { input, .. } => strip(input),
        LogicalPlan::Concat { inputs, .. } if inputs.len() == 1 => strip(&inputs[0].0),
        LogicalPlan::Top { input, count, percent: false, .. } if matches!(&count.kind, ExprKind::Literal(holdfast_types::Value::BigInt(n)) if *n >= 1) => {
            strip(input)
        }
        other => other.clone(),
    }
}

/// Takes the conditions that use the subquery's parameters out of the plan; `None` when they are used elsewhere.
fn lift(plan: LogicalPlan, s: &Subquery, lifted: &mut Vec<Expr>) -> Option<LogicalPlan> {
    match plan {
        LogicalPlan::Filter { input, predicate } => {
            let mut list = Vec::new();
            conjuncts(predicate, &mut list);
            let mut keep = Vec::new();
            for e in list {
                if !uses(&e, s) {
                    keep.push(e);
                } else if e.any(&|x| matches!(x.kind, ExprKind::Subquery(_))) {
                    return None;
                } else {
                    lifted.push(e);
                }
            }
            let input = lift(*input, s, lifted)?;
            Some(if keep.is_empty() { input } else { input.filter(Expr::and(keep)) })
        }
        LogicalPlan::Extend { input, exprs } => {
            if exprs.iter().any(|(_, e)| uses(e, s)) {
                return None;
            }
            let input = lift(*input, s, lifted)?;
            Some(LogicalPlan::Extend { input: Box::new(input), exprs })
        }
        LogicalPlan::Join { kind: JoinKind::Inner, left, right, predicate, algorithm } => {
            let mut keep = Vec::new();
            if let Some(p) = predicate {
                let mut list = Vec::new();
                conjuncts(p, &mut list);
                for e in list {
                    if !uses(&e, s) {
                        keep.push(e);
                    } else if e.any(&|x| matches!(x.kind, ExprKind::Subquery(_))) {
                        return None;
                    } else {
                        lifted.push(e);
                    }
                }
            }
            let left = Box::new(lift(*left, s, lifted)?);
            let right = Box::new(lift(*right, s, lifted)?);
            let predicate = if keep.is_empty() { None } else { Some(Expr::and(keep)) };
            Some(LogicalPlan::Join { kind: JoinKind::Inner, left, right, predicate, algorithm })
        }
        LogicalPlan::Join {
            kind: kind @ (JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti),
            left,
            right,
            predicate,
            algorithm,
        } => {
            if predicate.as_ref().is_some_and(|p| uses(p, s)) || plan_uses(&right, s) {
                return None;
            }
            let left = Box::new(lift(*left, s, lifted)?);
            Some(LogicalPlan::Join { kind, left, right, predicate, algorithm })
        }
        other => {
            if plan_uses(&other, s) {
                return None;
            }
            Some(other)
        }
    }
}

fn uses(e: &Expr, s: &Subquery) -> bool {
    e.any(&|x| match &x.kind {
        ExprKind::Parameter(p) => s.bindings.iter().any(|b| b.slot == *p),
        ExprKind::Subquery(inner) => match &inner.plan {
            SubPlan::Logical(l) => plan_uses(l, s),
            SubPlan::Physical(_) => true,
        },
        _ => false,
    })
}

fn plan_uses(plan: &LogicalPlan, s: &Subquery) -> bool {
    let mut found = false;
    let mut copy = plan.clone();
    let mut stack = vec![&mut copy];
    while let Some(p) = stack.pop() {
        p.for_each_expr_mut(&mut |e| found |= uses(e, s));
        stack.extend(p.inputs_mut());
    }
    found
}
