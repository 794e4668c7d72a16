//! UPDATE and DELETE of many rows, some at a time: what was read is kept where a grant of memory ends in a file, and what is made of it is
//! never there for more than a batch.
//!
//! Invariants
//! 1. All rows are read and locked before the first is changed, as in [`super::target_rows`].
//! 2. Some rows at a time is the same as all at once: nothing that is looked at or made for one part depends on what becomes of
//!    another. Where that is not known, all rows are held.

use std::collections::HashSet;

use holdfast_engine::access::BatchSource;
use holdfast_engine::catalog::ReferentialAction;
use holdfast_plan::change::{
    Action, BoundChange, BoundOutput, ChangeKind, Course, InsertRows, OutputInto, SetItem, SetValue,
    TargetTable,
};
use holdfast_plan::expr::{Expr, ExprKind};
use holdfast_plan::function::FunctionId;
use holdfast_plan::physical::{PhysicalOp, PhysicalPlan};
use holdfast_types::SqlResult;

use super::target_rows::{mark_at, plan_types};
use super::{Change, Runner, rows_of, writer};
use crate::operator;
use crate::operator::spool::{RowStore, Rows};
use crate::procedure::run::{Fail, Scope};

/// Whether an expression may look at rows of tables, or has one value for all rows that is made when it is met.
fn looks(e: &Expr) -> bool {
    e.any(&|e| match &e.kind {
        ExprKind::UserFunction { .. } | ExprKind::Subquery(_) | ExprKind::Table(_) => true,
        ExprKind::Function { function, .. } => *function == FunctionId::Rand,
        _ => false,
    })
}

/// Whether no row of the target comes twice.
fn comes_once(plan: &PhysicalPlan) -> bool {
    match &plan.op {
        PhysicalOp::TableScan { .. } | PhysicalOp::IndexSeek { .. } => true,
        PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. }
        | PhysicalOp::Project { input, .. }
        | PhysicalOp::Sort { input, .. }
        | PhysicalOp::Top { input, .. } => comes_once(input),
        _ => false,
    }
}

/// Whether the SET list may be worked off in parts, invariant 2.
fn sets_apart(items: &[SetItem], target: &TargetTable) -> bool {
    let reads = |item: &SetItem| match &item.value {
        SetValue::Expr(e) => looks(e),
        SetValue::Write { value, offset, length } => looks(value) || looks(offset) || looks(length),
    };
    if items.iter().any(reads) {
        return false;
    }
    let computed = target.computed.iter().filter(|c| c.stored).map(|c| c.ordinal);
    let changed: Vec<usize> =
        items.iter().filter_map(|i| i.column).chain(computed).chain(target.row_version).collect();
    // Keys may change places between rows of different parts, and rows what a filter says of them.
    let moves = |i: &holdfast_engine::catalog::IndexDef| {
        let keyed = i.keys.iter().any(|k| changed.contains(&k.ordinal));
        (i.unique || i.index_id == 1) && !i.disabled && (keyed || i.filter.is_some())
    };
    let partitioning = target.table.access.partitioned_by().map(|by| by.ordinal);
    let ids: Vec<i32> =
        changed.iter().filter_map(|&o| target.table.columns.get(o)).map(|c| c.column_id).collect();
    !target.table.indexes.iter().any(moves)
        && !partitioning.is_some_and(|o| changed.contains(&o))
        && !target.rules.referencing.iter().any(|k| k.columns.iter().any(|c| ids.contains(&c.1)))
}

/// The columns that a SET list gives values, each once.
pub(super) fn set_columns(items: &[SetItem]) -> Vec<usize> {
    let mut columns: Vec<usize> = Vec::with_capacity(items.len());
    for column in items.iter().filter_map(|i| i.column) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// Whether the plan is a seek for one row by the whole key of a unique index.
fn is_one_row(plan: &PhysicalPlan) -> bool {
    match &plan.op {
        PhysicalOp::IndexSeek { table, index_id, ranges, partitions, .. } => {
            let index = table.indexes.iter().find(|i| i.index_id == *index_id);
            partitions.is_empty()
                && matches!(ranges.as_slice(), [one] if index.is_some_and(|i| {
                    i.unique && i.filter.is_none() && one.prefix.len() == i.keys.len()
                }))
        }
        PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. }
        | PhysicalOp::Project { input, .. }
        | PhysicalOp::Top { input, .. } => is_one_row(input),
        _ => false,
    }
}

/// Whether OUTPUT rows may be made part by part, invariant 2.
fn goes_out_apart(output: &BoundOutput, target: &TargetTable) -> bool {
    let own = (target.table.database_id, target.table.object_id);
    let other = |into: &OutputInto| (into.target.table.database_id, into.target.table.object_id) != own;
    output.into.as_ref().is_none_or(other) && !output.exprs.iter().any(looks)
}

/// What is done to rows of a target.
pub(super) enum Act<'a> {
    Insert(&'a InsertRows),
    Update(&'a [SetItem]),
    Delete,
}

/// Whether something may be done to rows of the target in parts, invariant 2.
pub(super) fn acts_apart(target: &TargetTable, output: &[BoundOutput], act: &Act<'_>) -> bool {
    let own = target.table.object_id;
    let action =
        match act {
            Act::Insert(list) if !list.values.iter().any(|v| looks(&v.1)) => Action::Insert,
            Act::Update(items) if sets_apart(items, target) => Action::Update,
            // Rows that go for others' sake are looked for when all have gone.
            Act::Delete
                if target.rules.referencing.iter().all(|k| {
                    k.disabled || (k.on_delete == ReferentialAction::NoAction && k.table_id != own)
                }) =>
            {
                Action::Delete
            }
            _ => return false,
        };
    let rules = target.checks.iter().map(|c| &c.condition).chain(target.filters.iter().map(|f| &f.1));
    output.iter().all(|o| goes_out_apart(o, target))
        && !target.is_view
        && target.views.is_empty()
        && target.instead_of(action).is_none()
        && !target.rules.foreign_keys.iter().any(|k| k.referenced_table_id == own)
        && !rules.chain(target.computed.iter().map(|c| &c.value)).any(looks)
}

/// Whether a change may be done in parts, invariant 2.
fn goes_in_parts(bound: &BoundChange) -> bool {
    let act = match &bound.kind {
        ChangeKind::Update(items) => Act::Update(items),
        ChangeKind::Delete => Act::Delete,
        _ => return false,
    };
    bound.bookmark.is_some() && bound.current_of.is_none() && acts_apart(&bound.target, &bound.output, &act)
}

/// How the rows of a change are worked off; one row is not worth a store.
pub(super) fn course(bound: &BoundChange) -> Course {
    *bound.course.get_or_init(|| Course {
        in_parts: !is_one_row(&bound.plan) && goes_in_parts(bound),
        comes_once: comes_once(&bound.plan),
    })
}

impl Runner<'_> {
    /// UPDATE and DELETE in parts.
    pub(super) fn change_in_parts(
        &mut self,
        bound: &BoundChange,
        change: &mut Change<'_>,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let (target, types) = (&bound.target, bound.target.types());
        let rows = loop {
            let rows = self.keep_rows(bound, change)?;
            if self.lock_rows(bound, &rows, change)? {
                break rows;
            }
            self.check_conflict(&target.table)?;
            change.context.check_cancel()?;
        };
        change.count = rows.len() as u64;
        // First of all that is touched, and also when there is no row.
        let none = super::Rows::new();
        match &bound.kind {
            ChangeKind::Update(items) => {
                let changed = set_columns(items);
                if !changed.is_empty() {
                    self.touch(target, Action::Update, &none, &none, &changed, 0, change)?;
                }
            }
            _ => self.touch_nothing(target, Action::Delete, change)?,
        }
        let mut parts = rows.open();
        while let Some(batch) = parts.next_batch()? {
            change.context.check_cancel()?;
            let marks = (0..batch.len).filter_map(|i| mark_at(&batch, bound.bookmark?, i)).collect();
            let old = if bound.old.is_empty() { Vec::new() } else { rows_of(&batch, &bound.old, &types) };
            match &bound.kind {
                ChangeKind::Update(items) => {
                    let changed = set_columns(items);
                    let new = self.set_rows(items, target, &batch, &old, change, scope)?;
                    if !changed.is_empty() {
                        let before = if bound.output.is_empty() { super::Rows::new() } else { old.clone() };
                        let new = self.update_locked(target, marks, old, new, changed, change)?;
                        self.put_out(bound, Action::Update, Some(&before), Some(&new), &batch, change)?;
                    }
                }
                _ => {
                    self.put_out(bound, Action::Delete, Some(&old), None, &batch, change)?;
                    self.delete_locked(target, marks, old, change)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of the plan, each row of the target once.
    fn keep_rows(&self, bound: &BoundChange, change: &Change<'_>) -> SqlResult<Rows> {
        let limit = self.session.state.lock().row_limit;
        let mut kept = RowStore::new(&plan_types(bound), change.context.query.budget());
        let mut seen: Option<HashSet<Vec<u8>>> = (!course(bound).comes_once).then(HashSet::new);
        let mut count = 0u64;
        let mut source = operator::open(&bound.plan, &change.context)?;
        while let Some(mut batch) = source.next_batch()? {
            change.context.check_cancel()?;
            if limit > 0 && count >= limit {
                break;
            }
            let is_new = |i: &u32| {
                // NULL where an outer join found no row of the target.
                let mark = bound.bookmark.and_then(|at| mark_at(&batch, at, *i as usize));
                match (mark, &mut seen) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some(mark), Some(seen)) => seen.insert(mark),
                }
            };
            let fresh: Vec<u32> = (0..batch.len as u32).filter(is_new).collect();
            if fresh.len() < batch.len {
                batch = batch.take(&fresh);
            }
            if limit > 0 && count + batch.len as u64 > limit {
                batch = batch.slice(0, (limit - count) as usize);
            }
            count += batch.len as u64;
            kept.push(batch)?;
        }
        kept.finish()
    }

    /// Locks the rows; `false` when one of them is not what was read any more.
    fn lock_rows(&self, bound: &BoundChange, rows: &Rows, change: &Change<'_>) -> SqlResult<bool> {
        let writer = writer(&bound.target)?;
        let mut source = rows.open();
        let mut same = true;
        while let Some(batch) = source.next_batch()? {
            for i in 0..batch.len {
                if let Some(mark) = bound.bookmark.and_then(|at| mark_at(&batch, at, i)) {
                    same &= self.lock_row(&*writer, change, &mark)?;
                }
            }
        }
        Ok(same)
    }
}
