//! Queries of dynamic cursors: planned so that every execution can begin behind any entry of one index, in either direction.
//!
//! Invariants
//! 1. Between the index and the result stand only operators that make one row of a row or leave it out, so that the rows of a part of the
//!    index are a part of the rows. Joins are such where the other side is found by a unique key.
//! 2. The order is the index's; a query's ORDER BY is one that the index serves.
//! 3. The plan ends with the values of the key's columns, which with the locator out of the bookmark name the place.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexKind, TableDef};
use holdfast_tsql::ast::query::{Query, QueryHint};
use holdfast_types::{SqlResult, Value};

use crate::access::Accesses;
use crate::bind::Base;
use crate::build::{Builder, full_range};
use crate::context::BindContext;
use crate::cost::Estimator;
use crate::entry::{Read, bind_read};
use crate::expr::ExprKind;
use crate::logical::{AccessHints, ColumnId, JoinAlgorithm, LogicalPlan};
use crate::physical::{BoundQuery, JoinKind, PhysicalOp, PhysicalPlan, Placed, SeekKey, SeekRange};
use crate::rules;

/// How much less than the plan found first another one has to cost where the query asks for no order.
const BETTER: f64 = 0.5;

/// Rows that an inner side may hold for one fetch.
const HELD: f64 = 500.0;

/// Binds and plans the query of a dynamic cursor; `None`: its rows cannot be read from a place on. `marked`: with the rows' bookmarks.
/// `only`: by this table and index and no other.
///
/// # Errors
/// Those of binding.
pub fn bind_placed(
    query: &Query,
    hints: &[QueryHint],
    cx: &BindContext<'_>,
    marked: bool,
    only: Option<(i32, i32)>,
) -> SqlResult<Option<BoundQuery>> {
    let Read { mut binder, plan, columns, ids } = bind_read(query, hints, cx, true)?;
    let visible = plan.output_set();
    let bases: Vec<Base> =
        binder.bases.iter().filter(|b| visible.contains(&b.bookmark.id)).cloned().collect();
    if bases.is_empty() || bases.iter().any(|b| !may_be_read(&b.table)) || !binder.assignments.is_empty() {
        return Ok(None);
    }
    let logical = rules::rewrite(plan, cx);
    let mut best: Option<BoundQuery> = None;
    for (base, index) in bases.iter().flat_map(|b| candidates(&b.table).into_iter().map(move |i| (b, i))) {
        let (table, mark) = (&base.table, base.bookmark.id);
        if only.is_some_and(|o| o != (table.object_id, index)) {
            continue;
        }
        let Some(key) = table.access.entry_key(index) else { continue };
        let mut logical = logical.clone();
        if !lead(&mut logical, mark) || !force(&mut logical, mark, index, best.is_none()) {
            continue;
        }
        let mut all = ids.clone();
        let mut bookmarks = Vec::new();
        for b in bases.iter().filter(|b| marked || (key.locator && b.bookmark.id == mark)) {
            bookmarks.push((b.bookmark.id, (b.table.database_id, b.table.object_id), all.len()));
            all.push(b.bookmark.id);
        }
        all.extend(key.columns.iter().filter_map(|c| base.columns.get(*c)).map(|c| c.id));
        let keys = table.indexes.iter().filter(|i| i.index_id == index).flat_map(|i| &i.keys);
        let order: Vec<(ColumnId, bool)> =
            keys.filter_map(|k| Some((base.columns.get(k.ordinal)?.id, k.descending))).collect();
        let mut estimator = Estimator::default();
        estimator.learn(&mut logical);
        let mut builder = Builder::new(cx, estimator, binder.next_slot);
        let mut plan = builder.build_exact(&logical, &all, &order)?;
        let enough = best.as_ref().map_or(f64::INFINITY, |b| b.plan.cost * BETTER);
        if !place(&mut plan, table, index) || plan.cost >= enough {
            continue;
        }
        let mark = bookmarks.iter().find(|(id, ..)| *id == mark).map(|(.., at)| *at);
        best = Some(BoundQuery {
            plan,
            columns: columns.clone(),
            assignments: Vec::new(),
            dependencies: binder.dependencies.clone(),
            sizes: binder.sizes.clone(),
            statistics: builder.estimator.take_noted(),
            accesses: Accesses::new(Vec::new()),
            bookmarks: bookmarks.into_iter().filter(|_| marked).map(|(_, of, at)| (of, at)).collect(),
            placed: Some(Placed { index_id: index, key, mark, table: Arc::clone(table) }),
        });
    }
    let accesses = Accesses::new(std::mem::take(&mut binder.accesses));
    Ok(best.map(|bound| BoundQuery { accesses, ..bound }))
}

fn may_be_read(table: &TableDef) -> bool {
    table.access.writer().is_some() && table.access.partitioned_by().is_none() && !table.access.is_part()
}

/// Has the table with this bookmark lead all joins that it is in, each by loops; false where it cannot.
fn lead(plan: &mut LogicalPlan, mark: ColumnId) -> bool {
    if let LogicalPlan::Join { kind, left, right, algorithm, .. } = plan {
        if right.output_set().contains(&mark) {
            *kind = match kind {
                JoinKind::Inner => JoinKind::Inner,
                JoinKind::Right => JoinKind::Left,
                _ => return false,
            };
            std::mem::swap(left, right);
        }
        algorithm.get_or_insert(JoinAlgorithm::Loop);
        return lead(left, mark);
    }
    if let LogicalPlan::Apply { left, .. } = plan {
        return lead(left, mark);
    }
    plan.inputs_mut().into_iter().all(|input| lead(input, mark))
}

/// Has the table be read by an index; false where its hints ask for another one. `first`: nothing else was found.
fn force(plan: &mut LogicalPlan, mark: ColumnId, index: i32, first: bool) -> bool {
    let Some(hints) = hints_of(plan, mark) else { return false };
    if hints.index.is_some_and(|i| i != index) || (hints.force_scan && !first) {
        return false;
    }
    (hints.index, hints.force_scan) = ((index != 0).then_some(index), index == 0);
    true
}

/// The ways through a table, its own order first; 0 is that of a heap.
fn candidates(table: &TableDef) -> Vec<i32> {
    let usable = |kind: IndexKind| {
        let of = table.indexes.iter().filter(move |i| i.kind == kind);
        of.filter(|i| !i.disabled && i.filter.is_none() && !i.keys.is_empty()).map(|i| i.index_id)
    };
    let mut out: Vec<i32> = usable(IndexKind::Clustered).collect();
    if out.is_empty() {
        out.push(0);
    }
    out.extend(usable(IndexKind::Nonclustered));
    out
}

/// The hints of the table with this bookmark.
fn hints_of(plan: &mut LogicalPlan, mark: ColumnId) -> Option<&mut AccessHints> {
    if let LogicalPlan::Get { bookmark: Some(b), hints, .. } = plan {
        return (b.id == mark).then_some(hints);
    }
    plan.inputs_mut().into_iter().find_map(|input| hints_of(input, mark))
}

/// Has the plan begin at a place of the index; false where something other than invariant 1 allows stands above it, or another one is read.
pub(crate) fn place(plan: &mut PhysicalPlan, of: &Arc<TableDef>, index: i32) -> bool {
    match &mut plan.op {
        PhysicalOp::Project { input, .. }
        | PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. } => place(input, of, index),
        PhysicalOp::NestedLoops {
            kind: JoinKind::LeftSemi | JoinKind::LeftAnti,
            left,
            right,
            bindings,
            ..
        } => (!bindings.is_empty() || right.rows <= HELD) && place(left, of, index),
        PhysicalOp::NestedLoops { kind: JoinKind::Inner | JoinKind::Left, left, right, .. } => {
            gives_one_row(right) && place(left, of, index)
        }
        PhysicalOp::IndexSeek { table, index_id, partitions, placed, .. } => {
            *placed = Arc::ptr_eq(table, of) && *index_id == index && partitions.is_empty();
            *placed
        }
        PhysicalOp::TableScan { table, columns, predicate, partitions, read, .. } => {
            let own = index == 0
                || table.indexes.iter().any(|i| i.index_id == index && i.kind == IndexKind::Clustered);
            if !own || !Arc::ptr_eq(table, of) || !partitions.is_empty() {
                return false;
            }
            plan.op = PhysicalOp::IndexSeek {
                table: Arc::clone(table),
                index_id: index,
                ranges: vec![full_range()],
                columns: std::mem::take(columns),
                predicate: predicate.take(),
                backward: false,
                partitions: Vec::new(),
                read: *read,
                placed: true,
            };
            true
        }
        _ => false,
    }
}

/// Whether an inner side never gives more than one row.
fn gives_one_row(plan: &PhysicalPlan) -> bool {
    match &plan.op {
        PhysicalOp::Project { input, .. }
        | PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. } => gives_one_row(input),
        PhysicalOp::IndexSeek { table, index_id, ranges, .. } => {
            let index = table.indexes.iter().find(|i| i.index_id == *index_id && i.unique);
            let whole = |r: &SeekRange, n: usize| {
                r.prefix.len() == n && r.prefix.iter().all(|k| matches!(k, SeekKey::Equal(_)))
            };
            ranges.len() == 1 && index.is_some_and(|i| whole(&ranges[0], i.keys.len()))
        }
        PhysicalOp::MaxOneRow { .. } => true,
        PhysicalOp::Aggregate { group, grouping_sets, .. } => group.is_empty() && grouping_sets.is_none(),
        PhysicalOp::Top { count, percent: false, ties: None, .. } => {
            matches!(count.kind, ExprKind::Literal(Value::BigInt(1)))
        }
        _ => false,
    }
}
