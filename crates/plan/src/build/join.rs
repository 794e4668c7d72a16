//! Join methods: hash on equalities, index look-ups per outer row, plain nested loops.

use holdfast_types::SqlResult;

use super::{Builder, Built, Needed, columns_of, edge, is_volatile, join_output, seeks, unary};
use crate::expr::{Binding, CompareOp, Expr, ExprKind};
use crate::logical::{Col, ColumnId, JoinAlgorithm, LogicalPlan};
use crate::physical::{JoinKind, PhysicalOp};

/// Per-row cost of building and probing a hash table.
const HASH_BUILD: f64 = 0.1;
const HASH_PROBE: f64 = 0.05;
/// What a hash table costs before its first row. A few look-ups are cheaper, however small the other table is; they also wait for and
/// lock no rows that nobody asked for.
const HASH_START: f64 = 12.0;

/// Cost of comparing a pair of rows.
const PAIR: f64 = 0.02;

/// Rows that a join without keys may hold without asking which side is the smaller.
const HELD_ROWS: f64 = 10_000.0;

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

        // Each side is built once: a side that is a join of joins would double its cost with every level.
        let l_needed: Needed = inner.intersection(&left_set).copied().collect();
        let r_needed: Needed = inner.intersection(&right_set).copied().collect();
        let mut l = self.build(left, &l_needed, wanted)?;
        let mut r = self.build(right, &r_needed, &[])?;

        // Look-ups: the outer side is small and the inner one has an index on the keys.
        if matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti)
            && !keys.is_empty()
            && keys.iter().all(|k| !k.null_equal)
            && algorithm.is_none_or(|a| a == JoinAlgorithm::Loop)
        {
            let found =
                self.lookup_join((left, &l), (right, &r), &keys, &residual, needed, algorithm.is_some())?;
            if let Some(found) = found {
                return self.finish_lookup(kind, l, found, &residual, rows);
            }
        }
        if matches!(kind, JoinKind::Inner | JoinKind::Right)
            && !keys.is_empty()
            && keys.iter().all(|k| !k.null_equal)
            && (algorithm.is_none() || kind == JoinKind::Right && algorithm == Some(JoinAlgorithm::Loop))
            && (kind == JoinKind::Right || self.estimator.rows(right) < self.estimator.rows(left))
        {
            // The other way round: the right side drives.
            let swapped: Vec<EquiKey> = keys
                .iter()
                .map(|k| EquiKey { left: k.right.clone(), right: k.left.clone(), null_equal: false })
                .collect();
            let ordered = match seekable(left) && seekable(right) && !wanted.is_empty() {
                true => Some(self.build(right, &r_needed, wanted)?),
                false => None,
            };
            let outer = ordered.as_ref().unwrap_or(&r);
            let forced = algorithm.is_some();
            let found = self.lookup_join((right, outer), (left, &l), &swapped, &residual, needed, forced)?;
            if let Some(found) = found {
                let kind = if kind == JoinKind::Right { JoinKind::Left } else { kind };
                return self.finish_lookup(kind, ordered.unwrap_or(r), found, &residual, rows);
            }
        }
        if kind == JoinKind::LeftSemi && residual.is_empty() && algorithm.is_none() {
            let found = self.semi_lookup((left, &l), right, &keys, needed)?;
            if let Some((outer, found)) = found {
                return self.finish_lookup(JoinKind::Inner, outer, found, &[], rows);
            }
        }

        if keys.is_empty() && algorithm.is_none_or(|a| a == JoinAlgorithm::Loop) {
            let forced = algorithm.is_some();
            let wide = match predicate {
                Some(p) => self.wide_lookup(kind, (left, &l), (right, &r), p, needed, forced)?,
                None => None,
            };
            if let Some(found) = wide {
                return self.finish_lookup(kind, l, found, &[], rows);
            }
            if kind == JoinKind::Inner && !forced {
                let wide = match predicate {
                    Some(p) => self.wide_lookup(kind, (right, &r), (left, &l), p, needed, false)?,
                    None => None,
                };
                if let Some(found) = wide {
                    return self.finish_lookup(kind, r, found, &[], rows);
                }
            }
        }

        let loops_only = keys.is_empty() || algorithm == Some(JoinAlgorithm::Loop);
        if loops_only {
            let mut kind = kind;
            if kind == JoinKind::Right {
                std::mem::swap(&mut l, &mut r);
                kind = JoinKind::Left;
            }
            // The right side is held: of two big ones the smaller.
            if kind == JoinKind::Inner
                && algorithm.is_none()
                && r.plan.rows > HELD_ROWS
                && l.plan.rows < r.plan.rows
            {
                std::mem::swap(&mut l, &mut r);
            }
            let cost = l.plan.cost + r.plan.cost + l.plan.rows * r.plan.rows * PAIR;
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
        let cost =
            HASH_START + l.plan.cost + r.plan.cost + r.plan.rows * HASH_BUILD + l.plan.rows * HASH_PROBE;
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

    /// Nested loops that seek the inner table by the join keys, when that is cheaper than hashing. Both sides come as they were
    /// built without regard to the join.
    fn lookup_join(
        &mut self,
        (left, l): (&LogicalPlan, &Built),
        (right, r_full): (&LogicalPlan, &Built),
        keys: &[EquiKey],
        residual: &[Expr],
        needed: &Needed,
        forced: bool,
    ) -> SqlResult<Option<Lookup>> {
        if !seekable(right) {
            return Ok(None);
        }
        let outer_rows = self.estimator.rows(left);
        let inner_rows = self.estimator.rows(right);
        if !forced && outer_rows > 100_000.0 && outer_rows > inner_rows * 0.1 {
            return Ok(None);
        }
        // What is not a key equality is checked on the joined row.
        let right_set = right.output_set();
        let mut right_needed: Needed = needed.intersection(&right_set).copied().collect();
        right_needed.extend(residual.iter().flat_map(columns_of).filter(|id| right_set.contains(id)));
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
        // A spool here would be a hash join, which is weighed below.
        let r = self.in_region(None, |b| b.build(&inner, &right_needed, &[]))?;
        let cost = l.plan.cost + l.plan.rows.max(1.0) * r.plan.cost;
        let hash_cost = HASH_START
            + l.plan.cost
            + r_full.plan.cost
            + r_full.plan.rows * HASH_BUILD
            + l.plan.rows * HASH_PROBE;
        if !seeks(&r.plan.op) || (!forced && cost >= hash_cost) {
            self.next_slot = saved;
            return Ok(None);
        }
        let mut placed = Vec::with_capacity(bindings.len());
        for (slot, value) in bindings {
            placed.push(Binding { slot, value: self.place(&value, &l.ids)? });
        }
        Ok(Some(Lookup { inner: r, bindings: placed, cost }))
    }

    /// A semi join the other way round: each value of the right side once, and a look-up of the left table for it. (Rows of the left
    /// side then come once: each is equal to one value at most.)
    fn semi_lookup(
        &mut self,
        (left, l): (&LogicalPlan, &Built),
        right: &LogicalPlan,
        keys: &[EquiKey],
        needed: &Needed,
    ) -> SqlResult<Option<(Built, Lookup)>> {
        if keys.is_empty() || !seekable(left) || self.estimator.rows(right) >= self.estimator.rows(left) {
            return Ok(None);
        }
        let mut columns: Vec<Col> = Vec::with_capacity(keys.len());
        for k in keys {
            let ExprKind::Column(id) = k.right.kind else { return Ok(None) };
            if k.null_equal || columns.iter().any(|c| c.id == id) {
                return Ok(None);
            }
            columns.push(Col { id, ty: k.right.ty, nullable: k.right.nullable });
        }
        let ids: Needed = columns.iter().map(|c| c.id).collect();
        let distinct = LogicalPlan::Distinct { input: Box::new(right.clone()), columns };
        let outer = self.build(&distinct, &ids, &[])?;
        let swapped: Vec<EquiKey> = keys
            .iter()
            .map(|k| EquiKey { left: k.right.clone(), right: k.left.clone(), null_equal: false })
            .collect();
        let found = self.lookup_join((&distinct, &outer), (left, l), &swapped, &[], needed, false)?;
        Ok(found.map(|f| (outer, f)))
    }

    /// Nested loops that seek the inner table by whatever the condition says of its keys, equalities or not: ranges between values of
    /// the outer row, OR over several keys.
    fn wide_lookup(
        &mut self,
        kind: JoinKind,
        (left, l): (&LogicalPlan, &Built),
        (right, r_full): (&LogicalPlan, &Built),
        predicate: &Expr,
        needed: &Needed,
        forced: bool,
    ) -> SqlResult<Option<Lookup>> {
        let kinds = [JoinKind::Inner, JoinKind::Left, JoinKind::LeftSemi, JoinKind::LeftAnti];
        let subquery = predicate.any(&|x| matches!(x.kind, ExprKind::Subquery(_)));
        if !kinds.contains(&kind) || !seekable(right) || is_volatile(predicate) || subquery {
            return Ok(None);
        }
        let (left_set, right_set) = (left.output_set(), right.output_set());
        let saved = self.next_slot;
        let mut slots = std::collections::BTreeMap::new();
        let mut condition = predicate.clone();
        condition.rewrite(&mut |x| {
            if let ExprKind::Column(id) = x.kind
                && left_set.contains(&id)
            {
                let (slot, _) = *slots.entry(id).or_insert_with(|| (self.new_slot(), (x.ty, x.nullable)));
                // The type stays that of the place: its collation is the one to compare by.
                *x = Expr::new(ExprKind::Parameter(slot), x.ty, true);
            }
        });
        let right_needed: Needed = needed.intersection(&right_set).copied().collect();
        let inner = right.clone().filter(condition);
        let r = self.in_region(None, |b| b.build(&inner, &right_needed, &[]))?;
        let cost = l.plan.cost + l.plan.rows.max(1.0) * r.plan.cost;
        let pairs = l.plan.cost + r_full.plan.cost + l.plan.rows * r_full.plan.rows * PAIR;
        if slots.is_empty() || !seeks(&r.plan.op) || (!forced && cost >= pairs) {
            self.next_slot = saved;
            return Ok(None);
        }
        let mut bindings = Vec::with_capacity(slots.len());
        for (id, (slot, (ty, nullable))) in slots {
            bindings.push(Binding { slot, value: self.place(&Expr::column(id, ty, nullable), &l.ids)? });
        }
        Ok(Some(Lookup { inner: r, bindings, cost }))
    }

    fn finish_lookup(
        &mut self,
        kind: JoinKind,
        outer: Built,
        found: Lookup,
        residual: &[Expr],
        rows: f64,
    ) -> SqlResult<Built> {
        let residual = if residual.is_empty() { None } else { Some(Expr::and(residual.to_vec())) };
        self.nested_loops(kind, outer, found.inner, found.bindings, residual.as_ref(), rows, found.cost)
    }
}

/// The inner side of a join that is opened for every outer row.
struct Lookup {
    inner: Built,
    bindings: Vec<Binding>,
    cost: f64,
}

/// A table, possibly filtered: something a seek can serve.
fn seekable(p: &LogicalPlan) -> bool {
    match p {
        LogicalPlan::Get { table, .. } => !table.indexes.is_empty(),
        LogicalPlan::Filter { input, .. } => seekable(input),
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
            && !edge::differ_in_scale(&a.ty, &b.ty)
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
