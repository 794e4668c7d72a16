//! Predicate push-down: every condition moves as near to its tables as it may; outer joins whose missing side is filtered away
//! become inner ones.
//!
//! Invariants
//! 1. Volatile conditions stay where they were written.
//! 2. Nothing moves through TOP, OFFSET or a window that would see fewer rows for it.

use std::collections::{HashMap, HashSet};

use crate::build::{columns_of, is_volatile};
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::JoinKind;

/// The terms of a conjunction.
pub(crate) fn conjuncts(e: Expr, out: &mut Vec<Expr>) {
    match e.kind {
        ExprKind::And(v) => v.into_iter().for_each(|x| conjuncts(x, out)),
        ExprKind::BoolLiteral(Some(true)) => {}
        _ => out.push(e),
    }
}

fn wrap(plan: LogicalPlan, predicates: Vec<Expr>) -> LogicalPlan {
    if predicates.is_empty() { plan } else { plan.filter(Expr::and(predicates)) }
}

fn within(e: &Expr, set: &HashSet<ColumnId>) -> bool {
    columns_of(e).iter().all(|c| set.contains(c))
}

/// Replaces columns by expressions.
pub(crate) fn substitute(e: &Expr, map: &HashMap<ColumnId, Expr>) -> Expr {
    let mut e = e.clone();
    e.rewrite(&mut |x| {
        if let ExprKind::Column(id) = x.kind
            && let Some(r) = map.get(&id)
        {
            let ty = x.ty;
            *x = r.clone();
            // A relabelled column keeps its label.
            if x.ty != ty && matches!(x.kind, ExprKind::Column(_)) {
                x.ty = ty;
            }
        }
    });
    e
}

/// Whether a NULL in any of `columns` keeps the condition from being true.
fn rejects_null(e: &Expr, columns: &HashSet<ColumnId>) -> bool {
    let direct = |x: &Expr| match &x.kind {
        ExprKind::Column(c) => columns.contains(c),
        ExprKind::Convert { operand, .. } => {
            matches!(operand.kind, ExprKind::Column(c) if columns.contains(&c))
        }
        _ => false,
    };
    match &e.kind {
        ExprKind::Compare { op, left, right } => {
            !matches!(op, CompareOp::Distinct | CompareOp::NotDistinct) && (direct(left) || direct(right))
        }
        ExprKind::IsNull { operand, negated: true }
        | ExprKind::InList { operand, .. }
        | ExprKind::Like { operand, .. } => direct(operand),
        ExprKind::And(v) => v.iter().any(|x| rejects_null(x, columns)),
        ExprKind::Or(v) => v.iter().all(|x| rejects_null(x, columns)),
        _ => false,
    }
}

/// Adds `b = constant` for `a = b AND a = constant`.
fn close_equalities(list: &mut Vec<Expr>) {
    let mut added = Vec::new();
    for e in list.iter() {
        let ExprKind::Compare { op: CompareOp::Equal, left, right } = &e.kind else { continue };
        let (ExprKind::Column(a), ExprKind::Column(b)) = (&left.kind, &right.kind) else { continue };
        if left.ty != right.ty {
            continue;
        }
        for c in list.iter() {
            let ExprKind::Compare { op: CompareOp::Equal, left: l, right: r } = &c.kind else { continue };
            let ExprKind::Column(x) = l.kind else { continue };
            if !matches!(r.kind, ExprKind::Literal(_) | ExprKind::Parameter(_)) || l.ty != left.ty {
                continue;
            }
            let target = if x == *a {
                right
            } else if x == *b {
                left
            } else {
                continue;
            };
            added.push(Expr::compare(CompareOp::Equal, target.as_ref().clone(), r.as_ref().clone()));
        }
    }
    for e in added {
        let key = format!("{:?}", e.kind);
        if !list.iter().any(|x| format!("{:?}", x.kind) == key) {
            list.push(e);
        }
    }
}

/// Pushes `predicates` (conditions on the plan's output) into it.
pub(super) fn push(plan: LogicalPlan, predicates: Vec<Expr>) -> LogicalPlan {
    // Conditions without columns decide for the whole input: best where they are. Volatile ones must not move.
    let (stay, mut movable): (Vec<Expr>, Vec<Expr>) = predicates.into_iter().partition(|p| {
        is_volatile(p) || (columns_of(p).is_empty() && !matches!(p.kind, ExprKind::BoolLiteral(Some(true))))
    });
    let result = match plan {
        LogicalPlan::Filter { input, predicate } => {
            conjuncts(predicate, &mut movable);
            push(*input, movable)
        }
        LogicalPlan::Extend { input, exprs } => {
            let made: HashMap<ColumnId, Expr> = exprs.iter().cloned().collect();
            let mut above = Vec::new();
            let mut below = Vec::new();
            for p in movable {
                let used: Vec<_> = columns_of(&p).into_iter().filter_map(|c| made.get(&c)).collect();
                let simple = used.iter().all(|e| match &e.kind {
                    ExprKind::Column(_) | ExprKind::Literal(_) => true,
                    ExprKind::Convert { operand, .. } => {
                        matches!(operand.kind, ExprKind::Column(_) | ExprKind::Literal(_))
                    }
                    _ => false,
                });
                if used.is_empty() {
                    below.push(p);
                } else if simple {
                    below.push(substitute(&p, &made));
                } else {
                    above.push(p);
                }
            }
            wrap(LogicalPlan::Extend { input: Box::new(push(*input, below)), exprs }, above)
        }
        LogicalPlan::Join { kind, left, right, predicate, algorithm } => {
            push_join(kind, *left, *right, predicate, algorithm, movable)
        }
        LogicalPlan::Apply { kind, left, right, bindings, predicate } => {
            let ls = left.output_set();
            let rs = right.output_set();
            let (mut to_left, mut to_right, mut above) = (Vec::new(), Vec::new(), Vec::new());
            for p in movable {
                if within(&p, &ls) {
                    to_left.push(p);
                } else if kind == JoinKind::Inner && within(&p, &rs) {
                    to_right.push(p);
                } else {
                    above.push(p);
                }
            }
            let plan = LogicalPlan::Apply {
                kind,
                left: Box::new(push(*left, to_left)),
                right: Box::new(push(*right, to_right)),
                bindings,
                predicate,
            };
            wrap(plan, above)
        }
        LogicalPlan::Aggregate { input, group, aggregates, sets, grouping } => {
            let keys: HashMap<ColumnId, Expr> = group.iter().cloned().collect();
            let ids: HashSet<ColumnId> = keys.keys().copied().collect();
            let (mut below, mut above) = (Vec::new(), Vec::new());
            for p in movable {
                if sets.is_none() && !group.is_empty() && within(&p, &ids) {
                    below.push(substitute(&p, &keys));
                } else {
                    above.push(p);
                }
            }
            let input = Box::new(push(*input, below));
            wrap(LogicalPlan::Aggregate { input, group, aggregates, sets, grouping }, above)
        }
        LogicalPlan::Distinct { input, columns } => {
            LogicalPlan::Distinct { input: Box::new(push(*input, movable)), columns }
        }
        LogicalPlan::Sort { input, keys } => {
            LogicalPlan::Sort { input: Box::new(push(*input, movable)), keys }
        }
        LogicalPlan::Window { input, partition, order, functions } => {
            let keys: HashSet<ColumnId> = partition
                .iter()
                .filter_map(|e| if let ExprKind::Column(c) = e.kind { Some(c) } else { None })
                .collect();
            let (below, above): (Vec<Expr>, Vec<Expr>) = movable.into_iter().partition(|p| within(p, &keys));
            wrap(
                LogicalPlan::Window { input: Box::new(push(*input, below)), partition, order, functions },
                above,
            )
        }
        LogicalPlan::Concat { inputs, columns } => {
            let inputs = inputs
                .into_iter()
                .map(|(p, ids)| {
                    let map: HashMap<ColumnId, Expr> = columns
                        .iter()
                        .zip(&ids)
                        .map(|(c, id)| (c.id, Expr::column(*id, c.ty, true)))
                        .collect();
                    let own = movable.iter().map(|e| substitute(e, &map)).collect();
                    (push(p, own), ids)
                })
                .collect();
            LogicalPlan::Concat { inputs, columns }
        }
        LogicalPlan::SetOp { kind, left, right, left_columns, right_columns, columns } => {
            let map_to = |ids: &[ColumnId]| -> HashMap<ColumnId, Expr> {
                columns.iter().zip(ids).map(|(c, id)| (c.id, Expr::column(*id, c.ty, true))).collect()
            };
            let (lm, rm) = (map_to(&left_columns), map_to(&right_columns));
            let l = push(*left, movable.iter().map(|e| substitute(e, &lm)).collect());
            let r = push(*right, movable.iter().map(|e| substitute(e, &rm)).collect());
            LogicalPlan::SetOp {
                kind,
                left: Box::new(l),
                right: Box::new(r),
                left_columns,
                right_columns,
                columns,
            }
        }
        mut other => {
            for input in other.inputs_mut() {
                let inner = std::mem::replace(input, LogicalPlan::one_row());
                *input = push(inner, Vec::new());
            }
            wrap(other, movable)
        }
    };
    wrap(result, stay)
}

fn push_join(
    kind: JoinKind,
    left: LogicalPlan,
    right: LogicalPlan,
    predicate: Option<Expr>,
    algorithm: Option<crate::logical::JoinAlgorithm>,
    above: Vec<Expr>,
) -> LogicalPlan {
    let ls = left.output_set();
    let rs = right.output_set();
    let rejects_left = above.iter().any(|p| rejects_null(p, &ls));
    let rejects_right = above.iter().any(|p| rejects_null(p, &rs));
    let kind = match kind {
        JoinKind::Left if rejects_right => JoinKind::Inner,
        JoinKind::Right if rejects_left => JoinKind::Inner,
        JoinKind::Full => match (rejects_left, rejects_right) {
            (true, true) => JoinKind::Inner,
            (true, false) => JoinKind::Left,
            (false, true) => JoinKind::Right,
            _ => JoinKind::Full,
        },
        k => k,
    };
    let mut on = Vec::new();
    if let Some(p) = predicate {
        conjuncts(p, &mut on);
    }
    let (mut to_left, mut to_right, mut keep_on, mut keep_above) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    match kind {
        JoinKind::Inner => {
            on.extend(above);
            close_equalities(&mut on);
            for p in on {
                if is_volatile(&p) {
                    keep_on.push(p);
                } else if within(&p, &ls) {
                    to_left.push(p);
                } else if within(&p, &rs) {
                    to_right.push(p);
                } else {
                    keep_on.push(p);
                }
            }
        }
        JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti => {
            for p in above {
                if within(&p, &ls) { to_left.push(p) } else { keep_above.push(p) }
            }
            for p in on {
                if is_volatile(&p) {
                    keep_on.push(p);
                } else if within(&p, &rs) {
                    to_right.push(p);
                } else if kind == JoinKind::LeftSemi && within(&p, &ls) {
                    to_left.push(p);
                } else {
                    keep_on.push(p);
                }
            }
        }
        JoinKind::Right => {
            for p in above {
                if within(&p, &rs) { to_right.push(p) } else { keep_above.push(p) }
            }
            for p in on {
                if !is_volatile(&p) && within(&p, &ls) { to_left.push(p) } else { keep_on.push(p) }
            }
        }
        JoinKind::Full => {
            keep_above = above;
            keep_on = on;
        }
    }
    let predicate = if keep_on.is_empty() { None } else { Some(Expr::and(keep_on)) };
    let plan = LogicalPlan::Join {
        kind,
        left: Box::new(push(left, to_left)),
        right: Box::new(push(right, to_right)),
        predicate,
        algorithm,
    };
    wrap(plan, keep_above)
}
