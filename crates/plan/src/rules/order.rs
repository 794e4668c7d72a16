//! Join order: chains of inner joins are taken apart and put together again, smallest intermediate result first.
//!
//! Invariants
//! 1. Joins with hints keep their place; outer, semi and anti joins are leaves whose inside is ordered on its own.
//! 2. Every condition is applied once, at the first join where all its columns are there.

use std::collections::HashSet;

use super::push::conjuncts;
use crate::build::columns_of;
use crate::cost::Estimator;
use crate::expr::Expr;
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::JoinKind;

pub(super) fn order(plan: &mut LogicalPlan, estimator: &Estimator) {
    if let LogicalPlan::Join { kind: JoinKind::Inner, algorithm: None, .. } = plan {
        let taken = std::mem::replace(plan, LogicalPlan::one_row());
        let mut leaves = Vec::new();
        let mut terms = Vec::new();
        flatten(taken, &mut leaves, &mut terms);
        for l in &mut leaves {
            order(l, estimator);
        }
        *plan = if leaves.len() > 2 { arrange(leaves, terms, estimator) } else { rebuild(leaves, terms) };
        return;
    }
    for input in plan.inputs_mut() {
        order(input, estimator);
    }
}

fn flatten(plan: LogicalPlan, leaves: &mut Vec<LogicalPlan>, terms: &mut Vec<Expr>) {
    match plan {
        LogicalPlan::Join { kind: JoinKind::Inner, left, right, predicate, algorithm: None } => {
            if let Some(p) = predicate {
                conjuncts(p, terms);
            }
            flatten(*left, leaves, terms);
            flatten(*right, leaves, terms);
        }
        other => leaves.push(other),
    }
}

fn join(left: LogicalPlan, right: LogicalPlan, terms: Vec<Expr>) -> LogicalPlan {
    let predicate = if terms.is_empty() { None } else { Some(Expr::and(terms)) };
    LogicalPlan::Join {
        kind: JoinKind::Inner,
        left: Box::new(left),
        right: Box::new(right),
        predicate,
        algorithm: None,
    }
}

/// As written.
fn rebuild(leaves: Vec<LogicalPlan>, mut terms: Vec<Expr>) -> LogicalPlan {
    let mut iter = leaves.into_iter();
    let Some(mut current) = iter.next() else { return LogicalPlan::one_row() };
    for next in iter {
        let mut have = current.output_set();
        have.extend(next.output_set());
        let now = take(&mut terms, &have);
        current = join(current, next, now);
    }
    if terms.is_empty() { current } else { current.filter(Expr::and(terms)) }
}

fn take(terms: &mut Vec<Expr>, have: &HashSet<ColumnId>) -> Vec<Expr> {
    let (now, later): (Vec<Expr>, Vec<Expr>) =
        std::mem::take(terms).into_iter().partition(|t| columns_of(t).iter().all(|c| have.contains(c)));
    *terms = later;
    now
}

/// A condition that is not applied yet.
struct Term {
    condition: Expr,
    columns: Vec<ColumnId>,
    selectivity: f64,
}

fn arrange(leaves: Vec<LogicalPlan>, terms: Vec<Expr>, estimator: &Estimator) -> LogicalPlan {
    let mut rest: Vec<(LogicalPlan, f64, HashSet<ColumnId>)> = leaves
        .into_iter()
        .map(|l| {
            let rows = estimator.rows(&l);
            let out = l.output_set();
            (l, rows, out)
        })
        .collect();
    let mut terms: Vec<Term> = terms
        .into_iter()
        .map(|t| Term { columns: columns_of(&t), selectivity: estimator.selectivity(&t), condition: t })
        .collect();
    let Some(first) = (0..rest.len()).min_by(|&a, &b| rest[a].1.total_cmp(&rest[b].1)) else {
        return LogicalPlan::one_row();
    };
    let (mut current, mut rows, mut have) = rest.remove(first);
    while !rest.is_empty() {
        // Terms that join what there is to one more leaf: what of them is not there yet.
        let open: Vec<(&Term, Vec<ColumnId>)> = terms
            .iter()
            .filter(|t| t.columns.iter().any(|c| have.contains(c)))
            .map(|t| (t, t.columns.iter().copied().filter(|c| !have.contains(c)).collect()))
            .filter(|(_, missing): &(_, Vec<ColumnId>)| !missing.is_empty())
            .collect();
        let mut best: Option<(usize, f64, bool)> = None;
        for (i, (_, r, out)) in rest.iter().enumerate() {
            let mut result = rows * r;
            let mut connected = false;
            for (t, missing) in &open {
                if missing.iter().all(|c| out.contains(c)) {
                    result *= t.selectivity;
                    connected = true;
                }
            }
            let better = match best {
                None => true,
                Some((_, cost, was)) => (connected && !was) || (connected == was && result < cost),
            };
            if better {
                best = Some((i, result, connected));
            }
        }
        let Some((i, result, _)) = best else { break };
        let (next, _, out) = rest.remove(i);
        have.extend(out);
        let (now, later): (Vec<Term>, Vec<Term>) =
            terms.into_iter().partition(|t| t.columns.iter().all(|c| have.contains(c)));
        terms = later;
        current = join(current, next, conditions(now));
        rows = result.max(1.0);
    }
    if terms.is_empty() { current } else { current.filter(Expr::and(conditions(terms))) }
}

fn conditions(terms: Vec<Term>) -> Vec<Expr> {
    terms.into_iter().map(|t| t.condition).collect()
}
