//! Join methods: hash on equalities, index look-ups per outer row, plain nested loops.

use holdfast_types::SqlResult;

use super::{Builder, Built, Needed, columns_of, is_volatile, join_output, unary};
use crate::expr::{Binding, CompareOp, Expr, ExprKind};
use crate::logical::{ColumnId, JoinAlgorithm, LogicalPlan};
use crate::physical::{JoinKind, PhysicalOp};

/// Per-row cost of building and probing a hash table.
const HASH_BUILD: f64 = 0.1;
const HASH_PROBE: f64 = 0.05;

/// Equality between an expression of the left side and one of the right side.
struct EquiKey {
    left: Expr,
    right: Expr,
    null_equal: bool,
}

impl Builder<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn build_join(
        &mut self,
        kind: JoinKind,
        left: &LogicalPlan,
        right: &LogicalPlan,
        predicate: Option<&Expr>,
        algorithm: Option<JoinAlgorithm>,
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let join = LogicalPlan::Join {
            kind,
            left: Box::new(left.clone()),
            right: Box::new(right.clone()),
            predicate: predicate.cloned(),
            algorithm,
        };
        let rows = self.estimator.rows(&join);
        let mut inner = needed.clone();
        if let Some(p) = predicate {
            inner.extend(columns_of(p));
        }
        let left_set = left.output_set();
        let right_set = right.output_set();
        let (keys, residual) = split(predicate, &left_set, &right_set);

        // Look-ups: the outer side is small and the inner one has an index on the keys.
        if matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti)
            && !keys.is_empty()
            && keys.iter().all(|k| !k.null_equal)
            && algorithm.is_none_or(|a| a == JoinAlgorithm::Loop)
            && let Some(built) = self.lookup_join(
                kind,
                left,
                right,
                &keys,
                predicate,
                needed,
                wanted,
                rows,
                algorithm.is_some(),
            )?
        {
            return Ok(built);
        }
        if kind == JoinKind::Inner
            && !keys.is_empty()
            && keys.iter().all(|k| !k.null_equal)
            && algorithm.is_none()
            && self.estimator.rows(right) < self.estimator.rows(left)
        {
            // The other way round: the right side drives.
            let swapped: Vec<EquiKey> = keys
                .iter()
                .map(|k| EquiKey { left: k.right.clone(), right: k.left.clone(), null_equal: false })
                .collect();
            if let Some(built) =
                self.lookup_join(kind, right, left, &swapped, predicate, needed, wanted, rows, false)?
            {
                return Ok(built);
            }
        }

        let mut l = self.build(left, &inner.intersection(&left_set).copied().collect(), wanted)?;
        let mut r = self.build(right, &inner.intersection(&right_set).copied().collect(), &[])?;
        let loops_only = keys.is_empty() || algorithm == Some(JoinAlgorithm::Loop);
        if loops_only {
            let mut kind = kind;
            if kind == JoinKind::Right {
                std::mem::swap(&mut l, &mut r);
                kind = JoinKind::Left;
            }
            let cost = l.plan.cost + r.plan.cost + l.plan.rows * r.plan.rows * 0.02;
            return self.nested_loops(kind, l, r, Vec::new(), predicate, rows, cost);
        }

        // Hash join: the smaller input is built.
        let mut keys = keys;
        let mut kind = kind;
        let swap = match kind {
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => l.plan.rows < r.plan.rows,
            JoinKind::LeftSemi | JoinKind::LeftAnti => false,
        };
        if swap {
            std::mem::swap(&mut l, &mut r);
            for k in &mut keys {
                std::mem::swap(&mut k.left, &mut k.right);
            }
            kind = match kind {
                JoinKind::Left => JoinKind::Right,
                JoinKind::Right => JoinKind::Left,
                other => other,
            };
        }
        let left_keys = keys.iter().map(|k| self.place(&k.left, &l.ids)).collect::<SqlResult<Vec<_>>>()?;
        let right_keys = keys.iter().map(|k| self.place(&k.right, &r.ids)).collect::<SqlResult<Vec<_>>>()?;
        let null_equal = keys.iter().map(|k| k.null_equal).collect();
        let mut all = l.ids.clone();
        all.extend(&r.ids);
        let residual = if residual.is_empty() { None } else { Some(self.place(&Expr::and(residual), &all)?) };
        let (ids, types) = join_output(kind, &l, &r);
        let cost = l.plan.cost + r.plan.cost + r.plan.rows * HASH_BUILD + l.plan.rows * HASH_PROBE;
        let op = PhysicalOp::HashJoin {
            kind,
            left: Box::new(l.plan),
            right: Box::new(r.plan),
            left_keys,
            right_keys,
            null_equal,
            residual,
        };
        Ok(super::plain(unary(op, types, rows, cost), ids))
    }

    /// Nested loops that seek the inner table by the join keys, when that is cheaper than hashing.
    #[allow(clippy::too_many_arguments)]
    fn lookup_join(
        &mut self,
        kind: JoinKind,
        left: &LogicalPlan,
        right: &LogicalPlan,
        keys: &[EquiKey],
        predicate: Option<&Expr>,
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
        rows: f64,
        forced: bool,
    ) -> SqlResult<Option<Built>> {
        if !seekable(right) {
            return Ok(None);
        }
        let outer_rows = self.estimator.rows(left);
        let inner_rows = self.estimator.rows(right);
        if !forced && outer_rows > 100_000.0 && outer_rows > inner_rows * 0.1 {
            return Ok(None);
        }
        let left_set = left.output_set();
        let right_set = right.output_set();
        let mut left_needed: Needed = needed.intersection(&left_set).copied().collect();
        let mut right_needed: Needed = needed.intersection(&right_set).copied().collect();
        for k in keys {
            left_needed.extend(columns_of(&k.left));
        }
        // What is not a key equality is checked on the joined row.
        let (_, residual) = split(predicate, &left_set, &right_set);
        for e in &residual {
            for id in columns_of(e) {
                if left_set.contains(&id) {
                    left_needed.insert(id);
                } else {
                    right_needed.insert(id);
                }
            }
        }
        let saved = self.next_slot;
        let mut bindings = Vec::with_capacity(keys.len());
        let mut conditions = Vec::with_capacity(keys.len());
        for k in keys {
            let slot = self.new_slot();
            let parameter = Expr::new(ExprKind::Parameter(slot), k.left.ty, true);
            conditions.push(Expr::compare(CompareOp::Equal, k.right.clone(), parameter));
            bindings.push((slot, k.left.clone()));
        }
        let inner = right.clone().filter(Expr::and(conditions));
        let r = self.build(&inner, &right_needed, &[])?;
        if !seeks(&r.plan.op) {
            self.next_slot = saved;
            return Ok(None);
        }
        let l = self.build(left, &left_needed, wanted)?;
        let lookup_cost = l.plan.cost + l.plan.rows.max(1.0) * r.plan.cost;
        if !forced {
            let r_full = self.build(right, &right_needed, &[])?;
            let hash_cost =
                l.plan.cost + r_full.plan.cost + r_full.plan.rows * HASH_BUILD + l.plan.rows * HASH_PROBE;
            if lookup_cost >= hash_cost {
                self.next_slot = saved;
                return Ok(None);
            }
        }
        let mut placed = Vec::with_capacity(bindings.len());
        for (slot, value) in bindings {
            placed.push(Binding { slot, value: self.place(&value, &l.ids)? });
        }
        let residual = if residual.is_empty() { None } else { Some(Expr::and(residual)) };
        self.nested_loops(kind, l, r, placed, residual.as_ref(), rows, lookup_cost).map(Some)
    }
}

/// A table, possibly filtered: something a seek can serve.
fn seekable(p: &LogicalPlan) -> bool {
    match p {
        LogicalPlan::Get { table, .. } => !table.indexes.is_empty(),
        LogicalPlan::Filter { input, .. } => seekable(input),
        _ => false,
    }
}

fn seeks(op: &PhysicalOp) -> bool {
    match op {
        PhysicalOp::IndexSeek { ranges, .. } => ranges.iter().any(|r| !r.prefix.is_empty()),
        PhysicalOp::Filter { input, .. } | PhysicalOp::StartupFilter { input, .. } => seeks(&input.op),
        _ => false,
    }
}

/// Key equalities and the rest.
fn split(
    predicate: Option<&Expr>,
    left: &std::collections::HashSet<ColumnId>,
    right: &std::collections::HashSet<ColumnId>,
) -> (Vec<EquiKey>, Vec<Expr>) {
    let mut keys = Vec::new();
    let mut rest = Vec::new();
    let Some(p) = predicate else { return (keys, rest) };
    let terms: &[Expr] = match &p.kind {
        ExprKind::And(v) => v,
        ExprKind::BoolLiteral(Some(true)) => &[],
        _ => std::slice::from_ref(p),
    };
    for t in terms {
        if let ExprKind::Compare { op: op @ (CompareOp::Equal | CompareOp::NotDistinct), left: a, right: b } =
            &t.kind
            && !is_volatile(t)
        {
            let (ca, cb) = (columns_of(a), columns_of(b));
            let null_equal = *op == CompareOp::NotDistinct;
            if !ca.is_empty() && !cb.is_empty() {
                if ca.iter().all(|c| left.contains(c)) && cb.iter().all(|c| right.contains(c)) {
                    keys.push(EquiKey { left: a.as_ref().clone(), right: b.as_ref().clone(), null_equal });
                    continue;
                }
                if ca.iter().all(|c| right.contains(c)) && cb.iter().all(|c| left.contains(c)) {
                    keys.push(EquiKey { left: b.as_ref().clone(), right: a.as_ref().clone(), null_equal });
                    continue;
                }
            }
        }
        rest.push(t.clone());
    }
    (keys, rest)
}
