//! Rows to tables: INSERT as a whole, and the steps that updates and deletes share with cascades.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_engine::write::{NewRow, RowUpdate};
use holdfast_plan::change::{Action, BoundChange, ChangeKind, TargetTable};
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use super::{Change, Rows, Runner, Touched, writer};
use crate::operator;
use crate::operator::spool::RowStore;
use crate::procedure::memory_table::RowList;
use crate::procedure::run::{Fail, Scope};

impl Runner<'_> {
    /// INSERT of the rows of a query or VALUES.
    pub(super) fn insert_rows(
        &mut self,
        bound: &BoundChange,
        change: &mut Change<'_>,
        _scope: &mut Scope,
    ) -> Result<(), Fail> {
        let ChangeKind::Insert(list) = &bound.kind else { return Ok(()) };
        self.check_identity_insert(&bound.target, list.identity_given)?;
        let limit = self.session.state.lock().row_limit;
        let mut source = operator::open(&bound.plan, &change.context)?;
        if bound.reads_target {
            // The rows must not be met again as they come in.
            let types: Vec<SqlType> = bound.plan.columns.iter().map(|c| c.ty).collect();
            let mut all = RowStore::new(&types, change.context.query.budget());
            while let Some(b) = source.next_batch()? {
                change.context.check_cancel()?;
                all.push(b)?;
            }
            drop(source);
            let mut all = all.finish()?.open();
            while let Some(b) = all.next_batch()? {
                change.context.check_cancel()?;
                self.insert_batch(bound, list, limited(b, limit, change.count), change)?;
            }
        } else {
            while let Some(b) = source.next_batch()? {
                change.context.check_cancel()?;
                self.insert_batch(bound, list, limited(b, limit, change.count), change)?;
                if limit > 0 && change.count >= limit {
                    break;
                }
            }
        }
        self.touch_nothing(&bound.target, Action::Insert, change)?;
        Ok(())
    }

    fn insert_batch(
        &mut self,
        bound: &BoundChange,
        list: &holdfast_plan::change::InsertRows,
        batch: Batch,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        if batch.len == 0 {
            return Ok(());
        }
        let (ordinals, values) = self.listed_values(list, &batch, change)?;
        self.insert_values(bound, &ordinals, values, &batch, change)
    }

    /// Puts rows in, through an INSTEAD OF trigger where there is one.
    pub(super) fn insert_values(
        &mut self,
        bound: &BoundChange,
        ordinals: &[usize],
        values: Rows,
        batch: &Batch,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let target = &bound.target;
        let instead = target.instead_of(Action::Insert).is_some() && !self.inside_trigger_of(target);
        let rows = self.whole_rows(target, ordinals, values, change, !instead)?;
        let count = rows.len() as u64;
        if instead {
            let inserted: Rows = rows.into_iter().map(|r| r.values).collect();
            self.put_out(bound, Action::Insert, None, Some(&inserted), batch, change)?;
            self.touch(target, Action::Insert, &Rows::new(), &inserted, &[], count, change)?;
            change.count += count;
            return Ok(());
        }
        let carries = !target.views.is_empty() && target.table.indexes.iter().any(|i| i.ignore_duplicates);
        let needs_rows = !bound.output.is_empty() || !target.after(Action::Insert).is_empty() || carries;
        let stored = if needs_rows && rows.len() > 1 && target.table.indexes.iter().any(|i| i.unique) {
            // One by one, so that rows that IGNORE_DUP_KEY leaves out are known.
            let mut kept = Vec::with_capacity(rows.len());
            for (n, row) in rows.into_iter().enumerate() {
                let one = [row];
                if self.store(target, &one, change)? == 1 {
                    let [row] = one;
                    kept.push((n, row));
                }
            }
            kept
        } else {
            let stored = self.store(target, &rows, change)?;
            if stored < count && rows.len() == 1 {
                Vec::new()
            } else {
                rows.into_iter().enumerate().collect()
            }
        };
        if let Some(watched) = &mut self.watched
            && watched.table == (target.table.database_id, target.table.object_id)
        {
            watched.rows.extend(stored.iter().map(|(_, r)| r.values.clone()));
        }
        if needs_rows {
            let positions: Vec<u32> = stored.iter().map(|(n, _)| *n as u32).collect();
            let inserted: Rows = stored.into_iter().map(|(_, r)| r.values).collect();
            let batch = batch.take(&positions);
            self.put_out(bound, Action::Insert, None, Some(&inserted), &batch, change)?;
            let n = inserted.len() as u64;
            self.touch(target, Action::Insert, &Rows::new(), &inserted, &[], n, change)?;
        }
        Ok(())
    }

    /// Inserts whole rows and looks after their foreign keys; counts them.
    fn store(
        &mut self,
        target: &Arc<TargetTable>,
        rows: &[NewRow],
        change: &mut Change<'_>,
    ) -> Result<u64, Fail> {
        let stored = writer(target)?.insert(change.write(), rows)?;
        if stored < rows.len() as u64 {
            change.duplicates_ignored = true;
        }
        change.count += stored;
        if !target.views.is_empty() && stored > 0 {
            if stored < rows.len() as u64 {
                // Which of them came in is not known here: whoever may meet this gives them one by one.
                return Err(SqlError::not_supported("Leaving rows out of a table with indexed views").into());
            }
            let new: Rows = rows.iter().map(|r| r.values.clone()).collect();
            self.carry_to_views(target, &Rows::new(), &new, None, change)?;
        }
        self.check_references(target, rows.iter().map(|r| &r.values), None, change)?;
        Ok(stored)
    }

    /// Inserts rows that OUTPUT … INTO or MERGE made; the caller counts.
    pub(super) fn store_uncounted(
        &mut self,
        target: &Arc<TargetTable>,
        rows: &[NewRow],
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let before = change.count;
        self.store(target, rows, change)?;
        change.count = before;
        Ok(())
    }

    /// Replaces locked rows by `new`, whose other columns are settled here.
    pub(super) fn update_locked(
        &mut self,
        target: &Arc<TargetTable>,
        bookmarks: Vec<Vec<u8>>,
        old: Rows,
        mut new: Rows,
        mut changed: Vec<usize>,
        change: &mut Change<'_>,
    ) -> Result<Rows, Fail> {
        let writer = writer(target)?;
        let asked = changed.clone();
        if let Some((start, end)) = target.table.temporal.period {
            self.begin_period(target, &mut new, change);
            changed.extend([start, end]);
        }
        self.keep_history(target, &old, change)?;
        if let Some(o) = target.row_version {
            for row in &mut new {
                row[o] = Value::binary(&writer.next_row_version()?.to_be_bytes());
            }
            changed.push(o);
        }
        changed.extend(target.computed.iter().filter(|c| c.stored).map(|c| c.ordinal));
        let rows = self.settle(target, new, change, true, Action::Update, Some(&changed))?;
        let before = self.indexed_values(target, &old, &change.context)?;
        // Entries stay where they are while what they hold is the same.
        changed.retain(|&o| {
            let alike = |(b, n): (&Vec<Value>, &NewRow)| b.get(o) == n.values.get(o);
            !is_apart(target, o) || !before.iter().zip(&rows).all(alike)
        });
        let mut before = before.into_iter();
        let updates: Vec<RowUpdate> = bookmarks
            .into_iter()
            .zip(rows)
            .map(|(bookmark, row)| RowUpdate { bookmark, row, old: before.next().unwrap_or_default() })
            .collect();
        if !updates.is_empty() {
            writer.update(change.write(), &updates, &changed)?;
        }
        let new: Rows = updates.into_iter().map(|u| u.row.values).collect();
        self.carry_to_views(target, &old, &new, Some(&changed), change)?;
        self.check_references(target, new.iter(), Some(&changed), change)?;
        if fires(target, Action::Update) {
            let count = new.len() as u64;
            self.touch(target, Action::Update, &old, &new, &asked, count, change)?;
        }
        self.look_after_references(target, &old, Some(&new), &changed, change)?;
        Ok(new)
    }

    /// Removes locked rows.
    pub(super) fn delete_locked(
        &mut self,
        target: &Arc<TargetTable>,
        bookmarks: Vec<Vec<u8>>,
        old: Rows,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let count = bookmarks.len() as u64;
        self.keep_history(target, &old, change)?;
        if !bookmarks.is_empty() {
            let before = self.indexed_values(target, &old, &change.context)?;
            writer(target)?.delete(change.write(), &bookmarks, &before)?;
            self.carry_to_views(target, &old, &Rows::new(), None, change)?;
        }
        if fires(target, Action::Delete) {
            self.touch(target, Action::Delete, &old, &Rows::new(), &[], count, change)?;
        }
        self.look_after_references(target, &old, None, &[], change)?;
        Ok(())
    }

    /// Keeps what triggers will want to see.
    ///
    /// # Errors
    /// 1105 when it finds no room.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn touch(
        &self,
        target: &Arc<TargetTable>,
        action: Action,
        deleted: &Rows,
        inserted: &Rows,
        changed: &[usize],
        count: u64,
        change: &mut Change<'_>,
    ) -> SqlResult<()> {
        if !fires(target, action) {
            return Ok(());
        }
        let same = |t: &Touched| {
            t.action == action
                && t.target.table.object_id == target.table.object_id
                && t.target.table.database_id == target.table.database_id
        };
        let at = match change.touched.iter().position(same) {
            Some(at) => at,
            None => {
                let none = RowList::new(&target.types(), &self.session.host.temporary_rows);
                change.touched.push(Touched {
                    target: Arc::clone(target),
                    action,
                    deleted: none.clone(),
                    inserted: none,
                    changed: Vec::new(),
                    count: 0,
                });
                change.touched.len() - 1
            }
        };
        let t = &mut change.touched[at];
        t.deleted.append(deleted)?;
        t.inserted.append(inserted)?;
        t.count += count;
        for c in changed {
            if !t.changed.contains(c) {
                t.changed.push(*c);
            }
        }
        Ok(())
    }

    /// Triggers fire for a statement that met no row, too.
    pub(super) fn touch_nothing(
        &self,
        target: &Arc<TargetTable>,
        action: Action,
        change: &mut Change<'_>,
    ) -> SqlResult<()> {
        self.touch(target, action, &Rows::new(), &Rows::new(), &[], 0, change)
    }
}

/// A computed column that only indexes hold.
fn is_apart(target: &TargetTable, ordinal: usize) -> bool {
    let held = target.table.columns.get(ordinal).is_some_and(|c| c.persisted);
    !held && target.computed.iter().any(|c| c.stored && c.ordinal == ordinal)
}

/// Whether any trigger of the table wants to see an action's rows.
pub(super) fn fires(target: &TargetTable, action: Action) -> bool {
    target.triggers.iter().any(|t| !t.def.disabled && t.fires_for(action))
}

/// SET ROWCOUNT.
fn limited(batch: Batch, limit: u64, sent: u64) -> Batch {
    let left = usize::try_from(limit.saturating_sub(sent)).unwrap_or(usize::MAX);
    if limit > 0 && batch.len > left { batch.slice(0, left) } else { batch }
}
