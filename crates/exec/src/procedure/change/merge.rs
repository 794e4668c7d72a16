//! MERGE: each row of source and target joined takes the first clause that fits it.
//!
//! Invariants
//! 1. A row of the target is updated or deleted once at most (8672).
//! 2. Deletes come before updates and these before inserts, so that keys may move between rows.

use std::collections::HashSet;

use holdfast_engine::write::RowState;
use holdfast_plan::change::{Action, BoundChange, ChangeKind, MergeAction, MergeWhen};
use holdfast_types::{Batch, SqlError, Value};

use super::target_rows::{mark_at, plan_types};
use super::{Change, Rows, Runner, rows_of, writer};
use crate::expression::vector::TRUE;
use crate::expression::{evaluate_constant, evaluate_predicate};
use crate::operator;
use crate::procedure::run::{Fail, Scope};

/// Rows of the joined plan that one clause takes.
#[derive(Default)]
struct Taken {
    rows: Vec<u32>,
    bookmarks: Vec<Vec<u8>>,
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
        let (all, taken) = self.merge_read(bound, change)?;
        let types = target.types();
        for pass in [Action::Delete, Action::Update, Action::Insert] {
            for (clause, taken) in clauses.iter().zip(&taken) {
                let batch = all.take(&taken.rows);
                match (&clause.action, pass) {
                    (MergeAction::Delete, Action::Delete) => {
                        let old = rows_of(&batch, &bound.old, &types);
                        self.put_out(bound, Action::Delete, Some(&old), None, &batch, change)?;
                        let count = old.len() as u64;
                        change.count += count;
                        if instead {
                            self.touch(target, Action::Delete, old, Rows::new(), Vec::new(), count, change);
                            continue;
                        }
                        self.delete_locked(target, taken.bookmarks.clone(), old, change)?;
                    }
                    (MergeAction::Update(items), Action::Update) => {
                        let old = rows_of(&batch, &bound.old, &types);
                        let new = self.set_rows(items, target, &batch, &old, change, scope)?;
                        let mut changed: Vec<usize> = items.iter().filter_map(|i| i.column).collect();
                        changed.sort_unstable();
                        changed.dedup();
                        let count = old.len() as u64;
                        change.count += count;
                        if instead {
                            let new =
                                self.settle(target, new, change, false, Action::Update, Some(&changed))?;
                            let new: Rows = new.into_iter().map(|r| r.values).collect();
                            self.put_out(bound, Action::Update, Some(&old), Some(&new), &batch, change)?;
                            self.touch(target, Action::Update, old, new, changed, count, change);
                            continue;
                        }
                        let before = if bound.output.is_empty() { Rows::new() } else { old.clone() };
                        let marks = taken.bookmarks.clone();
                        let new = self.update_locked(target, marks, old, new, changed, change)?;
                        self.put_out(bound, Action::Update, Some(&before), Some(&new), &batch, change)?;
                    }
                    (MergeAction::Insert(list), Action::Insert) => {
                        self.check_identity_insert(target, list.identity_given)?;
                        if batch.len > 0 {
                            let (ordinals, values) = self.listed_values(list, &batch, change)?;
                            self.insert_values(bound, &ordinals, values, &batch, change)?;
                        }
                        self.touch_nothing(target, Action::Insert, change);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The joined rows, sorted out by clause, with the target's rows locked.
    fn merge_read(&mut self, bound: &BoundChange, change: &Change<'_>) -> Result<(Batch, Vec<Taken>), Fail> {
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
        loop {
            let mut batches = Vec::new();
            let mut source = operator::open(&bound.plan, &change.context)?;
            while let Some(b) = source.next_batch()? {
                change.context.check_cancel()?;
                batches.push(b);
            }
            drop(source);
            let all = Batch::concat(&plan_types(bound), &batches)?;
            let mut conditions = Vec::with_capacity(clauses.len());
            for c in clauses {
                // A condition is asked only of rows of its clause's kind.
                let rows: Vec<u32> = (0..all.len as u32)
                    .filter(|&i| kind(&all, bound, *marker, i as usize) == c.when)
                    .collect();
                let mut holds = HashSet::new();
                match &c.condition {
                    None => holds.extend(rows),
                    Some(e) => {
                        let part = all.take(&rows);
                        let truth = evaluate_predicate(e, &part, &change.context)?;
                        holds.extend(
                            rows.iter().enumerate().filter(|(n, _)| truth.at(*n) == TRUE).map(|(_, r)| *r),
                        );
                    }
                }
                conditions.push(holds);
            }
            let mut taken: Vec<Taken> = clauses.iter().map(|_| Taken::default()).collect();
            let mut seen: HashSet<Vec<u8>> = HashSet::new();
            let mut count = 0u64;
            for i in 0..all.len as u32 {
                if limit.is_some_and(|l| count >= l) {
                    break;
                }
                let Some(n) = conditions.iter().position(|c| c.contains(&i)) else { continue };
                // Rows of a view have none.
                let bookmark = bound.bookmark.filter(|_| !bound.target.is_view);
                if let Some(mark) = bookmark.and_then(|b| mark_at(&all, b, i as usize)) {
                    if !seen.insert(mark.clone()) {
                        return Err(SqlError::new(8672, &[]).into());
                    }
                    taken[n].bookmarks.push(mark);
                }
                taken[n].rows.push(i);
                count += 1;
            }
            let mut same = true;
            for mark in taken.iter().flat_map(|t| &t.bookmarks) {
                if let Some(writer) = &writer {
                    same &= writer.lock(change.write(), mark)? == RowState::Unchanged;
                }
            }
            if same {
                return Ok((all, taken));
            }
            self.check_conflict(&bound.target.table)?;
        }
    }
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
