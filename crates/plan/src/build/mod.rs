//! From a logical plan to a physical one: column ids become positions, unused columns fall away, access paths and join
//! methods are chosen.
//!
//! Invariants
//! 1. `Built::ids[i]` is the id of output column i; an id appears at most once.
//! 2. The output holds at least the needed ids that the node can make; more only where that saves a projection.
//! 3. `Built::order` is what the rows are really sorted by, never a hope.

mod access;
mod edge;
mod filtered;
mod join;
mod spool;
mod union;

use std::collections::{HashMap, HashSet};

use holdfast_types::{SqlError, SqlResult};

use crate::context::BindContext;
use crate::cost::Estimator;
use crate::expr::{Expr, ExprKind, ParamId, SubPlan};
use crate::function::WindowId;
use crate::logical::{Col, ColumnId, LogicalPlan};
use crate::physical::{
    AggregateStrategy, JoinKind, PhysicalOp, PhysicalPlan, PlanColumn, SeekRange, SortKey, WindowFunctionKind,
};

/// Rows from which a scan is worth sharing among workers.
const PARALLEL_ROWS: u64 = 50_000;

/// Rows for which a subquery is thought to be evaluated where nothing better is known.
const OUTER_ROWS: f64 = 100.0;

/// A sort order by plain columns.
pub(crate) type Order = Vec<(ColumnId, bool)>;

pub(crate) struct Built {
    pub plan: PhysicalPlan,
    pub ids: Vec<ColumnId>,
    pub order: Order,
    /// Columns known to hold one value (equality with a constant): they may be skipped in orders.
    pub constant: Vec<ColumnId>,
    /// The order's columns identify a row: further sort keys change nothing.
    pub unique_order: bool,
}

pub(crate) type Needed = HashSet<ColumnId>;

pub(crate) struct Builder<'a> {
    pub cx: &'a BindContext<'a>,
    pub estimator: Estimator,
    pub next_slot: u32,
    /// Columns (ids and types) a recursive CTE's rounds exchange.
    cte: HashMap<u32, Vec<Col>>,
    /// The inner side that is being built, if spools may help there.
    region: Option<spool::Region>,
    /// Only the first rows of what is being built are read.
    goal: bool,
    /// How many rows the expressions that are being placed are evaluated for, as far as that is known.
    outer_rows: f64,
}

fn unary(op: PhysicalOp, columns: Vec<PlanColumn>, rows: f64, cost: f64) -> PhysicalPlan {
    PhysicalPlan { op, columns, rows, cost }
}

pub(crate) fn columns_of(e: &Expr) -> Vec<ColumnId> {
    let mut v = Vec::new();
    e.columns(&mut v);
    v
}

impl<'a> Builder<'a> {
    pub fn new(cx: &'a BindContext<'a>, estimator: Estimator, next_slot: u32) -> Self {
        Builder {
            cx,
            estimator,
            next_slot,
            cte: HashMap::new(),
            region: None,
            goal: false,
            outer_rows: OUTER_ROWS,
        }
    }

    pub fn new_slot(&mut self) -> ParamId {
        let s = ParamId(self.next_slot);
        self.next_slot += 1;
        s
    }

    /// Builds with exactly these columns in this order.
    pub fn build_exact(
        &mut self,
        plan: &LogicalPlan,
        columns: &[ColumnId],
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<PhysicalPlan> {
        let needed: Needed = columns.iter().copied().collect();
        let built = self.build(plan, &needed, wanted)?;
        self.shape(built, columns)
    }

    /// Projects to exactly these columns unless they are so already.
    fn shape(&self, built: Built, columns: &[ColumnId]) -> SqlResult<PhysicalPlan> {
        if built.ids == columns {
            return Ok(built.plan);
        }
        let mut exprs = Vec::with_capacity(columns.len());
        let mut out = Vec::with_capacity(columns.len());
        for id in columns {
            let p = position(&built.ids, *id)?;
            let c = built.plan.columns[p];
            exprs.push(Expr::column(p, c.ty, c.nullable));
            out.push(c);
        }
        let (rows, cost) = (built.plan.rows, built.plan.cost);
        Ok(unary(PhysicalOp::Project { input: Box::new(built.plan), exprs }, out, rows, cost))
    }

    /// Column ids -> positions, subqueries -> physical plans.
    pub fn place(&mut self, e: &Expr, ids: &[ColumnId]) -> SqlResult<Expr> {
        let mut copy = e.clone();
        self.place_in(&mut copy, ids)?;
        Ok(copy)
    }

    /// As [`Builder::place`], for so many rows.
    fn place_for(&mut self, e: &Expr, ids: &[ColumnId], rows: f64) -> SqlResult<Expr> {
        let before = std::mem::replace(&mut self.outer_rows, rows);
        let placed = self.place(e, ids);
        self.outer_rows = before;
        placed
    }

    fn place_in(&mut self, e: &mut Expr, ids: &[ColumnId]) -> SqlResult<()> {
        if let ExprKind::Column(c) = &mut e.kind {
            *c = position(ids, *c)?;
            return Ok(());
        }
        let mut result = Ok(());
        e.for_each_child_mut(&mut |c| {
            if result.is_ok() {
                result = self.place_in(c, ids);
            }
        });
        result?;
        if let ExprKind::Subquery(s) = &mut e.kind
            && let SubPlan::Logical(l) = &s.plan
        {
            // Values of outer rows that some query further out hands down: not the same for every row of the statement.
            if s.bindings.is_empty() && !spool::outer_slots(l, self.cx.first_free_slot).is_empty() {
                s.volatile = true;
            }
            s.steady = !s.volatile && spool::is_steady(l);
            let exists = matches!(s.kind, crate::expr::SubqueryKind::Exists);
            let mut columns = Vec::new();
            if !exists {
                l.output(&mut columns);
            }
            let region = (!s.bindings.is_empty()).then(|| spool::Region {
                executions: self.outer_rows,
                slots: s.bindings.iter().map(|b| b.slot).collect(),
            });
            let physical = self.in_region(region, |b| {
                b.with_goal(exists, |b| match exists {
                    true => Ok(b.build(l, &Needed::new(), &[])?.plan),
                    false => b.build_exact(l, &columns, &[]),
                })
            })?;
            s.plan = SubPlan::Physical(Box::new(physical));
        }
        Ok(())
    }

    fn place_keys(&mut self, keys: &[SortKey], ids: &[ColumnId]) -> SqlResult<Vec<SortKey>> {
        keys.iter()
            .map(|k| Ok(SortKey { expr: self.place(&k.expr, ids)?, descending: k.descending }))
            .collect()
    }

    /// Builds a node. `wanted` is an order that would save a sort above; it may be ignored.
    pub fn build(
        &mut self,
        plan: &LogicalPlan,
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        use LogicalPlan as P;
        self.cx.check_cancel()?;
        let rows = self.estimator.rows(plan);
        match plan {
            P::Get { .. } => self.build_access(plan, &[], needed, wanted),
            P::Filter { .. } => {
                let built = self.build_filter(plan, needed, wanted)?;
                self.or_spool(plan, built, needed, wanted)
            }
            P::Values { columns, rows: values } => {
                let keep: Vec<usize> =
                    (0..columns.len()).filter(|&i| needed.contains(&columns[i].id)).collect();
                let mut out = Vec::with_capacity(values.len());
                for row in values {
                    out.push(keep.iter().map(|&i| self.place(&row[i], &[])).collect::<SqlResult<Vec<_>>>()?);
                }
                let types = keep
                    .iter()
                    .map(|&i| PlanColumn { ty: columns[i].ty, nullable: columns[i].nullable })
                    .collect();
                Ok(plain(
                    unary(PhysicalOp::Values { rows: out }, types, rows, rows),
                    keep.iter().map(|&i| columns[i].id).collect(),
                ))
            }
            P::Extend { input, exprs } => self.build_extend(input, exprs, needed, wanted),
            P::Join { kind, left, right, predicate, algorithm } => {
                let built =
                    self.build_join(*kind, left, right, predicate.as_ref(), *algorithm, needed, wanted)?;
                self.or_spool(plan, built, needed, wanted)
            }
            P::Apply { kind, left, right, bindings, predicate } => {
                let mut left_needed = needed.clone();
                let mut right_needed = needed.clone();
                for b in bindings {
                    left_needed.extend(columns_of(&b.value));
                }
                if let Some(p) = predicate {
                    left_needed.extend(columns_of(p));
                    right_needed.extend(columns_of(p));
                }
                let l = self.build(left, &left_needed, wanted)?;
                let around = self.region.as_ref().map_or(1.0, |r| r.executions.max(1.0));
                let region = spool::Region {
                    executions: l.plan.rows.max(1.0) * around,
                    slots: bindings.iter().map(|b| b.slot).collect(),
                };
                let goal = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
                let r = self
                    .in_region(Some(region), |b| b.with_goal(goal, |b| b.build(right, &right_needed, &[])))?;
                let bindings = bindings
                    .iter()
                    .map(|b| Ok(crate::expr::Binding { slot: b.slot, value: self.place(&b.value, &l.ids)? }))
                    .collect::<SqlResult<Vec<_>>>()?;
                let cost = l.plan.cost + l.plan.rows * (r.plan.cost + 1.0);
                self.nested_loops(*kind, l, r, bindings, predicate.as_ref(), rows, cost)
            }
            P::Aggregate { .. } => self.build_aggregate(plan, needed, rows),
            P::Distinct { input, columns } => {
                let ids: Vec<ColumnId> = columns.iter().map(|c| c.id).collect();
                let input = self.build_exact(input, &ids, &[])?;
                let types = input.columns.clone();
                let cost = input.cost + input.rows;
                Ok(plain(unary(PhysicalOp::Distinct { input: Box::new(input) }, types, rows, cost), ids))
            }
            P::Sort { input, keys } => self.build_sort(input, keys, None, needed, rows),
            P::Top { input, count, percent, ties } => {
                let count_expr = self.place(count, &[])?;
                if let P::Sort { input: inner, keys } = input.as_ref()
                    && !percent
                    && ties.is_none()
                {
                    return self.build_sort(inner, keys, Some(count_expr), needed, rows);
                }
                let mut inner_needed = needed.clone();
                if let Some(keys) = ties {
                    for k in keys {
                        inner_needed.extend(columns_of(&k.expr));
                    }
                }
                let built = self.with_goal(!percent, |b| b.build(input, &inner_needed, wanted))?;
                let ties = ties.as_ref().map(|k| self.place_keys(k, &built.ids)).transpose()?;
                Ok(self.wrap(built, rows, |i| PhysicalOp::Top {
                    input: i,
                    count: count_expr,
                    percent: *percent,
                    ties,
                }))
            }
            P::Offset { input, offset, fetch } => {
                let o = self.place(offset, &[])?;
                let f = fetch.as_ref().map(|f| self.place(f, &[])).transpose()?;
                let built = self.build(input, needed, wanted)?;
                Ok(self.wrap(built, rows, |i| PhysicalOp::Offset { input: i, offset: o, fetch: f }))
            }
            P::Concat { inputs, columns } => {
                let keep: Vec<usize> =
                    (0..columns.len()).filter(|&i| needed.contains(&columns[i].id)).collect();
                if let [(only, ids)] = inputs.as_slice() {
                    // A mere narrowing.
                    let ids: Vec<ColumnId> = keep.iter().map(|&i| ids[i]).collect();
                    let built = self.build(only, &ids.iter().copied().collect(), wanted)?;
                    let same = keep.iter().zip(&ids).all(|(&i, id)| columns[i].id == *id);
                    let shaped = self.shape(built, &ids)?;
                    let _ = same;
                    return Ok(plain(shaped, keep.iter().map(|&i| columns[i].id).collect()));
                }
                let mut built = Vec::with_capacity(inputs.len());
                for (p, ids) in inputs {
                    let ids: Vec<ColumnId> = keep.iter().map(|&i| ids[i]).collect();
                    built.push(self.build_exact(p, &ids, &[])?);
                }
                let types = keep
                    .iter()
                    .map(|&i| PlanColumn { ty: columns[i].ty, nullable: columns[i].nullable })
                    .collect();
                let cost = built.iter().map(|b| b.cost).sum();
                Ok(plain(
                    unary(PhysicalOp::Concat { inputs: built }, types, rows, cost),
                    keep.iter().map(|&i| columns[i].id).collect(),
                ))
            }
            P::SetOp { kind, left, right, left_columns, right_columns, columns } => {
                let l = self.build_exact(left, left_columns, &[])?;
                let r = self.build_exact(right, right_columns, &[])?;
                let types = columns.iter().map(|c| PlanColumn { ty: c.ty, nullable: c.nullable }).collect();
                let cost = l.cost + r.cost + l.rows + r.rows;
                let op = PhysicalOp::SetOp { kind: *kind, left: Box::new(l), right: Box::new(r) };
                Ok(plain(unary(op, types, rows, cost), columns.iter().map(|c| c.id).collect()))
            }
            P::Window { .. } => self.build_window(plan, needed, wanted, rows),
            P::RecursiveCte {
                id,
                anchor,
                anchor_columns,
                recursive,
                recursive_columns,
                columns,
                max_recursion,
            } => {
                self.cte.insert(*id, columns.clone());
                let a = self.build_exact(anchor, anchor_columns, &[])?;
                let r = self.build_exact(recursive, recursive_columns, &[])?;
                let types = columns.iter().map(|c| PlanColumn { ty: c.ty, nullable: true }).collect();
                let cost = a.cost + r.cost * 10.0;
                let op = PhysicalOp::RecursiveCte {
                    id: *id,
                    anchor: Box::new(a),
                    recursive: Box::new(r),
                    max_recursion: *max_recursion,
                };
                Ok(plain(unary(op, types, rows, cost), columns.iter().map(|c| c.id).collect()))
            }
            P::CteRead { id, columns } => {
                let types = columns.iter().map(|c| PlanColumn { ty: c.ty, nullable: true }).collect();
                Ok(plain(
                    unary(PhysicalOp::CteRead { id: *id }, types, rows, rows),
                    columns.iter().map(|c| c.id).collect(),
                ))
            }
            P::TableFunction { function, args, columns } => {
                let args = args.iter().map(|a| self.place(a, &[])).collect::<SqlResult<Vec<_>>>()?;
                let types = columns.iter().map(|c| PlanColumn { ty: c.ty, nullable: c.nullable }).collect();
                let op = PhysicalOp::TableFunction { function: function.clone(), args };
                Ok(plain(unary(op, types, rows, rows), columns.iter().map(|c| c.id).collect()))
            }
            P::UserTableFunction { module, args, columns } => {
                let args = args
                    .iter()
                    .map(|a| a.as_ref().map(|a| self.place(a, &[])).transpose())
                    .collect::<SqlResult<Vec<_>>>()?;
                let types = columns.iter().map(|c| PlanColumn { ty: c.ty, nullable: c.nullable }).collect();
                let op = PhysicalOp::UserTableFunction { module: module.clone(), args };
                Ok(plain(unary(op, types, rows, rows), columns.iter().map(|c| c.id).collect()))
            }
            P::MaxOneRow { input } => {
                let built = self.build(input, needed, &[])?;
                let mut built = self.wrap(built, 1.0, |i| PhysicalOp::MaxOneRow { input: i });
                for c in &mut built.plan.columns {
                    c.nullable = true;
                }
                Ok(built)
            }
            P::ForXml { input, input_columns, options, column } => {
                let input = self.build_exact(input, input_columns, &[])?;
                let cost = input.cost + input.rows;
                let op = PhysicalOp::ForXml { input: Box::new(input), options: options.clone() };
                Ok(plain(
                    unary(op, vec![PlanColumn { ty: column.ty, nullable: true }], 1.0, cost),
                    vec![column.id],
                ))
            }
            P::ForJson { input, input_columns, options, column } => {
                let input = self.build_exact(input, input_columns, &[])?;
                let cost = input.cost + input.rows;
                let op = PhysicalOp::ForJson { input: Box::new(input), options: options.clone() };
                Ok(plain(
                    unary(op, vec![PlanColumn { ty: column.ty, nullable: true }], 1.0, cost),
                    vec![column.id],
                ))
            }
        }
    }

    /// An operator that keeps columns and order.
    fn wrap(&self, built: Built, rows: f64, make: impl FnOnce(Box<PhysicalPlan>) -> PhysicalOp) -> Built {
        let columns = built.plan.columns.clone();
        let cost = built.plan.cost + built.plan.rows * 0.1;
        Built { plan: unary(make(Box::new(built.plan)), columns, rows, cost), ..built }
    }

    fn build_filter(
        &mut self,
        plan: &LogicalPlan,
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let mut conjuncts = Vec::new();
        let mut current = plan;
        while let LogicalPlan::Filter { input, predicate } = current {
            match &predicate.kind {
                ExprKind::And(v) => conjuncts.extend(v.iter().cloned()),
                _ => conjuncts.push(predicate.clone()),
            }
            current = input;
        }
        let rows = self.estimator.rows(plan);
        // Conditions without columns decide once for all rows.
        let (startup, conjuncts): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|c| {
            columns_of(c).is_empty()
                && !is_volatile(c)
                && !c.any(&|x| matches!(x.kind, ExprKind::Subquery(_)))
        });
        let mut built = if matches!(current, LogicalPlan::Get { .. }) {
            let normal = self.build_access(current, &conjuncts, needed, wanted)?;
            match self.or_union(current, &conjuncts, needed, wanted, &normal)? {
                Some(union) => union,
                None => normal,
            }
        } else {
            let mut inner = needed.clone();
            for c in &conjuncts {
                inner.extend(columns_of(c));
            }
            let built = self.build(current, &inner, wanted)?;
            if conjuncts.is_empty() {
                built
            } else {
                let predicate = self.place_for(&Expr::and(conjuncts), &built.ids, built.plan.rows)?;
                self.wrap(built, rows, |i| PhysicalOp::Filter { input: i, predicate })
            }
        };
        let startup: Vec<Expr> =
            startup.into_iter().filter(|s| !matches!(s.kind, ExprKind::BoolLiteral(Some(true)))).collect();
        if !startup.is_empty() {
            let predicate = self.place(&Expr::and(startup), &[])?;
            built = self.wrap(built, rows, |i| PhysicalOp::StartupFilter { input: i, predicate });
        }
        Ok(built)
    }

    fn build_extend(
        &mut self,
        input: &LogicalPlan,
        exprs: &[(ColumnId, Expr)],
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let used: Vec<&(ColumnId, Expr)> = exprs.iter().filter(|(id, _)| needed.contains(id)).collect();
        let mut inner: Needed =
            needed.iter().copied().filter(|id| !exprs.iter().any(|(e, _)| e == id)).collect();
        for (_, e) in &used {
            inner.extend(columns_of(e));
        }
        let built = self.build(input, &inner, wanted)?;
        if used.is_empty() {
            return Ok(built);
        }
        let mut out = Vec::new();
        let mut types = Vec::new();
        let mut ids = Vec::new();
        for (p, id) in built.ids.iter().enumerate() {
            if needed.contains(id) {
                let c = built.plan.columns[p];
                out.push(Expr::column(p, c.ty, c.nullable));
                types.push(c);
                ids.push(*id);
            }
        }
        for (id, e) in used {
            let placed = self.place_for(e, &built.ids, built.plan.rows)?;
            types.push(PlanColumn { ty: placed.ty, nullable: placed.nullable });
            out.push(placed);
            ids.push(*id);
        }
        let (rows, cost) = (built.plan.rows, built.plan.cost + built.plan.rows * 0.1);
        let order: Order = built.order.iter().take_while(|(id, _)| ids.contains(id)).copied().collect();
        let unique_order = built.unique_order && order.len() == built.order.len();
        Ok(Built {
            plan: unary(PhysicalOp::Project { input: Box::new(built.plan), exprs: out }, types, rows, cost),
            order,
            unique_order,
            constant: built.constant,
            ids,
        })
    }

    fn build_aggregate(&mut self, plan: &LogicalPlan, needed: &Needed, rows: f64) -> SqlResult<Built> {
        let LogicalPlan::Aggregate { input, group, aggregates, sets, grouping } = plan else {
            return Err(SqlError::not_supported("This aggregate"));
        };
        let mut inner = Needed::new();
        for (_, e) in group {
            inner.extend(columns_of(e));
        }
        let used: Vec<_> = aggregates.iter().filter(|(id, _)| needed.contains(id)).collect();
        for (_, a) in &used {
            for e in a.argument.iter().chain(&a.argument2).chain(a.order.iter().map(|k| &k.expr)) {
                inner.extend(columns_of(e));
            }
        }
        let wanted: Order = group
            .iter()
            .filter_map(|(_, e)| if let ExprKind::Column(id) = e.kind { Some((id, false)) } else { None })
            .collect();
        let plain_groups = wanted.len() == group.len();
        let built = self.with_goal(false, |b| b.build(input, &inner, &[]))?;
        let stream = sets.is_none() && plain_groups && !group.is_empty() && {
            // Any order of the group columns as a prefix will do.
            let n = group.len();
            let free: Vec<_> = built.order.iter().filter(|(id, _)| !built.constant.contains(id)).collect();
            let covered =
                |id: &ColumnId| built.constant.contains(id) || free.iter().take(n).any(|(o, _)| o == id);
            let prefix_ok = free
                .iter()
                .take(wanted.iter().filter(|(id, _)| !built.constant.contains(id)).count())
                .all(|(o, _)| wanted.iter().any(|(w, _)| w == o));
            wanted.iter().all(|(id, _)| covered(id)) && prefix_ok
        };
        let mut ids = Vec::new();
        let mut types = Vec::new();
        let mut keys = Vec::new();
        for (id, e) in group {
            let placed = self.place(e, &built.ids)?;
            ids.push(*id);
            types.push(PlanColumn { ty: placed.ty, nullable: placed.nullable || sets.is_some() });
            keys.push(placed);
        }
        let mut placed_aggregates = Vec::new();
        for (id, a) in used {
            let mut a = a.clone();
            if let Some(e) = &mut a.argument {
                *e = self.place(e, &built.ids)?;
            }
            if let Some(e) = &mut a.argument2 {
                *e = self.place(e, &built.ids)?;
            }
            a.order = self.place_keys(&a.order, &built.ids)?;
            ids.push(*id);
            types.push(PlanColumn { ty: a.ty, nullable: a.nullable });
            placed_aggregates.push(a);
        }
        if sets.is_some() {
            types.push(PlanColumn { ty: holdfast_types::SqlType::INT, nullable: false });
            ids.push(grouping.unwrap_or(usize::MAX));
        }
        let parallel = self.cx.max_parallelism > 1 && built.plan.rows >= PARALLEL_ROWS as f64;
        let cost = built.plan.cost + built.plan.rows;
        let op = PhysicalOp::Aggregate {
            input: Box::new(built.plan),
            strategy: if stream { AggregateStrategy::Stream } else { AggregateStrategy::Hash },
            group: keys,
            aggregates: placed_aggregates,
            grouping_sets: sets.clone(),
            parallel,
        };
        Ok(plain(unary(op, types, rows, cost), ids))
    }

    fn build_sort(
        &mut self,
        input: &LogicalPlan,
        keys: &[SortKey],
        top: Option<Expr>,
        needed: &Needed,
        rows: f64,
    ) -> SqlResult<Built> {
        let mut inner = needed.clone();
        for k in keys {
            inner.extend(columns_of(&k.expr));
        }
        let wanted: Order = keys
            .iter()
            .map_while(
                |k| if let ExprKind::Column(id) = k.expr.kind { Some((id, k.descending)) } else { None },
            )
            .collect();
        let all_plain = wanted.len() == keys.len();
        let order: &[_] = if all_plain { &wanted } else { &[] };
        let goal = top.is_some() && all_plain;
        let built = self.with_goal(goal, |b| b.build(input, &inner, order))?;
        if all_plain && satisfies(&built, &wanted) {
            return Ok(match top {
                Some(count) => self.wrap(built, rows, |i| PhysicalOp::Top {
                    input: i,
                    count,
                    percent: false,
                    ties: None,
                }),
                None => built,
            });
        }
        let placed = self.place_keys(keys, &built.ids)?;
        let n = built.plan.rows.max(2.0);
        let columns = built.plan.columns.clone();
        let cost = built.plan.cost + n * n.log2() * 0.05;
        Ok(Built {
            plan: unary(
                PhysicalOp::Sort { input: Box::new(built.plan), keys: placed, top },
                columns,
                rows,
                cost,
            ),
            ids: built.ids,
            order: wanted,
            constant: built.constant,
            unique_order: false,
        })
    }

    fn build_window(
        &mut self,
        plan: &LogicalPlan,
        needed: &Needed,
        wanted_above: &[(ColumnId, bool)],
        rows: f64,
    ) -> SqlResult<Built> {
        let LogicalPlan::Window { input, partition, order, functions } = plan else {
            return Err(SqlError::not_supported("This window"));
        };
        let used: Vec<_> = functions.iter().filter(|(id, _)| needed.contains(id)).collect();
        let mut inner: Needed =
            needed.iter().copied().filter(|id| !functions.iter().any(|(f, _)| f == id)).collect();
        if used.is_empty() {
            return self.build(input, &inner, &[]);
        }
        let mut keys: Vec<SortKey> =
            partition.iter().map(|e| SortKey { expr: e.clone(), descending: false }).collect();
        keys.extend(order.iter().cloned());
        for e in keys.iter().map(|k| &k.expr).chain(used.iter().flat_map(|(_, f)| &f.args)) {
            inner.extend(columns_of(e));
        }
        let wanted: Order = keys
            .iter()
            .map_while(
                |k| if let ExprKind::Column(id) = k.expr.kind { Some((id, k.descending)) } else { None },
            )
            .collect();
        let all_plain = wanted.len() == keys.len();
        let mut built = self.build(input, &inner, if all_plain { &wanted } else { &[] })?;
        let sorted = keys.is_empty() || (all_plain && satisfies(&built, &wanted));
        if !sorted {
            let placed = self.place_keys(&keys, &built.ids)?;
            let n = built.plan.rows.max(2.0);
            let columns = built.plan.columns.clone();
            let (r, cost) = (built.plan.rows, built.plan.cost + n * n.log2() * 0.05);
            built.plan = unary(
                PhysicalOp::Sort { input: Box::new(built.plan), keys: placed, top: None },
                columns,
                r,
                cost,
            );
            built.order = wanted;
            built.unique_order = false;
        }
        let partition = partition.iter().map(|e| self.place(e, &built.ids)).collect::<SqlResult<Vec<_>>>()?;
        let order_keys = self.place_keys(order, &built.ids)?;
        let mut ids = built.ids.clone();
        let mut types = built.plan.columns.clone();
        let mut placed = Vec::with_capacity(used.len());
        for (id, f) in used {
            let mut f = f.clone();
            for a in &mut f.args {
                *a = self.place(a, &built.ids)?;
            }
            ids.push(*id);
            types.push(PlanColumn { ty: f.ty, nullable: f.nullable });
            placed.push(f);
        }
        // Rows come in the order of a ROW_NUMBER over all of them, too.
        let numbered = partition.is_empty()
            && wanted_above.first().is_some_and(|(id, descending)| {
                !descending
                    && ids.iter().skip(built.ids.len()).zip(&placed).any(|(i, f)| {
                        i == id && matches!(f.function, WindowFunctionKind::Ranking(WindowId::RowNumber))
                    })
            });
        if numbered {
            built.order = wanted_above[..1].to_vec();
            built.unique_order = true;
        }
        let cost = built.plan.cost + built.plan.rows;
        let op = PhysicalOp::Window {
            input: Box::new(built.plan),
            partition,
            order: order_keys,
            functions: placed,
        };
        Ok(Built {
            plan: unary(op, types, rows, cost),
            ids,
            order: built.order,
            constant: built.constant,
            unique_order: built.unique_order,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn nested_loops(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: Built,
        bindings: Vec<crate::expr::Binding>,
        predicate: Option<&Expr>,
        rows: f64,
        cost: f64,
    ) -> SqlResult<Built> {
        let mut all = left.ids.clone();
        all.extend(&right.ids);
        let predicate = predicate.map(|p| self.place(p, &all)).transpose()?;
        let (ids, types) = join_output(kind, &left, &right);
        let op = PhysicalOp::NestedLoops {
            kind,
            left: Box::new(left.plan),
            right: Box::new(right.plan),
            bindings,
            predicate,
        };
        let keeps_order =
            matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti);
        let filters = matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        Ok(Built {
            plan: unary(op, types, rows, cost),
            ids,
            order: if keeps_order { left.order } else { Vec::new() },
            constant: if keeps_order { left.constant } else { Vec::new() },
            unique_order: filters && left.unique_order,
        })
    }
}

/// Output ids and types of a join.
pub(crate) fn join_output(kind: JoinKind, left: &Built, right: &Built) -> (Vec<ColumnId>, Vec<PlanColumn>) {
    let mut ids = left.ids.clone();
    let mut types = left.plan.columns.clone();
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        types.iter_mut().for_each(|c| c.nullable = true);
    }
    if !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        ids.extend(&right.ids);
        let extended = matches!(kind, JoinKind::Left | JoinKind::Full);
        types
            .extend(right.plan.columns.iter().map(|c| PlanColumn { nullable: c.nullable || extended, ..*c }));
    }
    (ids, types)
}

pub(crate) fn plain(plan: PhysicalPlan, ids: Vec<ColumnId>) -> Built {
    Built { plan, ids, order: Vec::new(), constant: Vec::new(), unique_order: false }
}

/// Whether rows come in the wanted order.
pub(crate) fn satisfies(built: &Built, wanted: &[(ColumnId, bool)]) -> bool {
    let wanted: Vec<_> = wanted.iter().filter(|(id, _)| !built.constant.contains(id)).collect();
    let have: Vec<_> = built.order.iter().filter(|(id, _)| !built.constant.contains(id)).collect();
    if wanted.is_empty() {
        return true;
    }
    if wanted.len() <= have.len() {
        return wanted.iter().zip(&have).all(|(w, h)| w == h);
    }
    built.unique_order && have.iter().zip(&wanted).all(|(h, w)| h == w)
}

/// Whether a table is found by keys of an index.
pub(crate) fn seeks(op: &PhysicalOp) -> bool {
    match op {
        PhysicalOp::IndexSeek { ranges, .. } => {
            ranges.iter().any(|r| !r.prefix.is_empty() || r.low.is_some() || r.high.is_some())
        }
        PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. }
        | PhysicalOp::Project { input, .. } => seeks(&input.op),
        PhysicalOp::Concat { inputs } => inputs.iter().all(|i| seeks(&i.op)),
        _ => false,
    }
}

fn position(ids: &[ColumnId], id: ColumnId) -> SqlResult<usize> {
    ids.iter().position(|x| *x == id).ok_or_else(|| {
        SqlError::with_text(
            8624,
            16,
            "Internal Query Processor Error: The query processor could not produce a query plan.",
        )
    })
}

pub(crate) fn is_volatile(e: &Expr) -> bool {
    use crate::function::{Volatility, definition};
    e.any(&|x| match &x.kind {
        ExprKind::Function { function, .. } => definition(*function).volatility == Volatility::Row,
        ExprKind::Subquery(s) => s.volatile,
        ExprKind::UserFunction { .. } => true,
        _ => false,
    })
}

/// The whole index.
pub(crate) fn full_range() -> SeekRange {
    SeekRange { prefix: Vec::new(), low: None, high: None, descending: false, exclude_null: false }
}
