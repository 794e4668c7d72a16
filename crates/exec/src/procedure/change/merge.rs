//! MERGE: each row of source and target joined takes the first clause that fits it.
//!
//! Invariants
//! 1. A row of the target is updated or deleted once at most (8672).
//! 2. Deletes come before updates and these before inserts, so that keys may move between rows.
//! 3. The joined rows are kept by clause where a grant of memory ends in a file, and worked off in parts where that is the same as all at
//!    once ([`super::parts`], invariant 2).

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::change::{
    Action, BoundChange, ChangeKind, MergeAction, MergeClause, MergeWhen, TargetTable,
};
use holdfast_types::{Batch, SqlError, SqlResult, Value};

use super::parts::{Act, acts_apart};
use super::target_rows::{mark_at, plan_types};
use super::{Change, Rows, Runner, rows_of, writer};
use crate::expression::vector::TRUE;
use crate::expression::{evaluate_constant, evaluate_predicate};
use crate::operator;
use crate::operator::spool::{RowStore, Rows as KeptRows};
use crate::procedure::run::{Fail, Scope};

fn act(action: &MergeAction) -> Act<'_> {
    match action {
        MergeAction::Insert(list) => Act::Insert(list),
        MergeAction::Update(items) => Act::Update(items),
        MergeAction::Delete => Act::Delete,
    }
}

fn action(action: &MergeAction) -> Action {
    match action {
        MergeAction::Insert(_) => Action::Insert,
        MergeAction::Update(_) => Action::Update,
        MergeAction::Delete => Action::Delete,
    }
}

impl Runner<'_> {
    pub(super) fn merge_rows(
        &mut self,
        bound: &BoundChange,
        change: &mut Change<'_>,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let ChangeKind::Merge { clauses, .. } = &bound.kind else { return Ok(()) };
        let target = &bound.target;
        // They take all that the statement does, or nothing (5316).
        let triggered = [Action::Insert, Action::Update, Action::Delete];
        let triggered = triggered.iter().any(|a| target.instead_of(*a).is_some());
        let instead = triggered && !self.inside_trigger_of(target);
        let taken = self.merge_read(bound, change)?;
        let types = plan_types(bound);
        for pass in [Action::Delete, Action::Update, Action::Insert] {
            for (clause, rows) in clauses.iter().zip(&taken).filter(|(c, _)| action(&c.action) == pass) {
                let mut source = rows.open();
                if rows.is_empty() || acts_apart(target, &bound.output, &act(&clause.action)) {
                    // Triggers want to know of an action that met no row, too.
                    let mut next = Some(source.next_batch()?.unwrap_or_else(|| Batch::empty(&types)));
                    while let Some(batch) = next {
                        change.context.check_cancel()?;
                        self.merge_batch(bound, clause, &batch, instead, change, scope)?;
                        next = source.next_batch()?;
                    }
                    continue;
                }
                let mut batches = Vec::new();
                while let Some(batch) = source.next_batch()? {
                    batches.push(batch);
                }
                let all = Batch::concat(&types, &batches)?;
                self.merge_batch(bound, clause, &all, instead, change, scope)?;
            }
        }
        // Each trigger begins with @@ROWCOUNT of the whole statement.
        let id = (target.table.database_id, target.table.object_id);
        for t in &mut change.touched {
            if (t.target.table.database_id, t.target.table.object_id) == id {
                t.count = change.count;
            }
        }
        Ok(())
    }

    /// Does to rows what their clause says.
    fn merge_batch(
        &mut self,
        bound: &BoundChange,
        clause: &MergeClause,
        batch: &Batch,
        instead: bool,
        change: &mut Change<'_>,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let target: &Arc<TargetTable> = &bound.target;
        let types = target.types();
        match &clause.action {
            MergeAction::Delete => {
                let old = rows_of(batch, &bound.old, &types);
                self.put_out(bound, Action::Delete, Some(&old), None, batch, change)?;
                let count = old.len() as u64;
                change.count += count;
                if instead {
                    self.touch(target, Action::Delete, &old, &Rows::new(), &[], count, change)?;
                    return Ok(());
                }
                self.delete_locked(target, marks(bound, batch), old, change)
            }
            MergeAction::Update(items) => {
                let old = rows_of(batch, &bound.old, &types);
                let new = self.set_rows(items, target, batch, &old, change, scope)?;
                let mut changed: Vec<usize> = items.iter().filter_map(|i| i.column).collect();
                changed.sort_unstable();
                changed.dedup();
                let count = old.len() as u64;
                change.count += count;
                if instead {
                    let new = self.settle(target, new, change, false, Action::Update, Some(&changed))?;
                    let new: Rows = new.into_iter().map(|r| r.values).collect();
                    self.put_out(bound, Action::Update, Some(&old), Some(&new), batch, change)?;
                    self.touch(target, Action::Update, &old, &new, &changed, count, change)?;
                    return Ok(());
                }
                let before = if bound.output.is_empty() { Rows::new() } else { old.clone() };
                let new = self.update_locked(target, marks(bound, batch), old, new, changed, change)?;
                self.put_out(bound, Action::Update, Some(&before), Some(&new), batch, change)
            }
            MergeAction::Insert(list) => {
                self.check_identity_insert(target, list.identity_given)?;
                if batch.len > 0 {
                    let (ordinals, values) = self.listed_values(list, batch, change)?;
                    self.insert_values(bound, &ordinals, values, batch, change)?;
                }
                Ok(self.touch_nothing(target, Action::Insert, change)?)
            }
        }
    }

    /// The joined rows of each clause, with the target's rows locked.
    fn merge_read(&mut self, bound: &BoundChange, change: &Change<'_>) -> Result<Vec<KeptRows>, Fail> {
        let ChangeKind::Merge { clauses, marker, limit } = &bound.kind else {
            return Err(SqlError::not_supported("This change as a MERGE").into());
        };
        let writer = match bound.target.is_view {
            true => None,
            false => Some(writer(&bound.target)?),
        };
        let limit = match limit {
            Some(e) => match evaluate_constant(e, &change.context)? {
                Value::BigInt(n) => u64::try_from(n).ok(),
                _ => None,
            },
            None => None,
        };
        let types = plan_types(bound);
        loop {
            let mut kept: Vec<RowStore> =
                clauses.iter().map(|_| RowStore::new(&types, change.context.query.budget())).collect();
            let mut seen: HashSet<Vec<u8>> = HashSet::new();
            let mut count = 0u64;
            let mut source = operator::open(&bound.plan, &change.context)?;
            while let Some(batch) = source.next_batch()? {
                change.context.check_cancel()?;
                let mut taken: Vec<Vec<u32>> = vec![Vec::new(); clauses.len()];
                for (i, clause) in
                    clauses_of(bound, clauses, *marker, &batch, change)?.into_iter().enumerate()
                {
                    if limit.is_some_and(|l| count >= l) {
                        break;
                    }
                    let Some(n) = clause else { continue };
                    if let Some(mark) = bookmark_of(bound, &batch, i)
                        && !seen.insert(mark)
                    {
                        return Err(SqlError::new(8672, &[]).into());
                    }
                    taken[n].push(i as u32);
                    count += 1;
                }
                for (store, rows) in kept.iter_mut().zip(taken).filter(|(_, rows)| !rows.is_empty()) {
                    store.push(batch.take(&rows))?;
                }
                if limit.is_some_and(|l| count >= l) {
                    break;
                }
            }
            drop(source);
            let kept = kept.into_iter().map(RowStore::finish).collect::<SqlResult<Vec<_>>>()?;
            let mut same = true;
            if let Some(writer) = &writer {
                for rows in &kept {
                    let mut rows = rows.open();
                    while let Some(batch) = rows.next_batch()? {
                        for mark in marks(bound, &batch) {
                            same &= self.lock_row(&**writer, change, &mark)?;
                        }
                    }
                }
            }
            if same {
                return Ok(kept);
            }
            self.check_conflict(&bound.target.table)?;
            change.context.check_cancel()?;
        }
    }
}

/// The bookmark of a joined row; rows of a view have none.
fn bookmark_of(bound: &BoundChange, batch: &Batch, row: usize) -> Option<Vec<u8>> {
    bound.bookmark.filter(|_| !bound.target.is_view).and_then(|b| mark_at(batch, b, row))
}

fn marks(bound: &BoundChange, batch: &Batch) -> Vec<Vec<u8>> {
    (0..batch.len).filter_map(|i| bookmark_of(bound, batch, i)).collect()
}

/// The clause that each row of a batch takes.
fn clauses_of(
    bound: &BoundChange,
    clauses: &[MergeClause],
    marker: usize,
    batch: &Batch,
    change: &Change<'_>,
) -> SqlResult<Vec<Option<usize>>> {
    let mut out = vec![None; batch.len];
    for (n, c) in clauses.iter().enumerate() {
        // A condition is asked only of rows of its clause's kind.
        let mut rows: Vec<u32> =
            (0..batch.len as u32).filter(|&i| kind(batch, bound, marker, i as usize) == c.when).collect();
        if let Some(e) = &c.condition {
            let truth = evaluate_predicate(e, &batch.take(&rows), &change.context)?;
            rows = rows.into_iter().enumerate().filter(|(i, _)| truth.at(*i) == TRUE).map(|r| r.1).collect();
        }
        for i in rows {
            out[i as usize].get_or_insert(n);
        }
    }
    Ok(out)
}

/// Which clauses a joined row is for.
fn kind(all: &Batch, bound: &BoundChange, marker: usize, row: usize) -> MergeWhen {
    let target = bound.bookmark.is_some_and(|b| all.columns.get(b).is_some_and(|c| !c.is_null(row)));
    let source = all.columns.get(marker).is_some_and(|c| !c.is_null(row));
    match (target, source) {
        (true, true) => MergeWhen::Matched,
        (false, _) => MergeWhen::NotMatchedByTarget,
        (true, false) => MergeWhen::NotMatchedBySource,
    }
}
