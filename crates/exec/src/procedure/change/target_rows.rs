//! Reading and locking the rows that UPDATE and DELETE change.

use std::collections::HashSet;

use holdfast_engine::catalog::{Catalog, ColumnDef};
use holdfast_plan::change::{Action, BoundChange, ChangeKind};
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use super::parts::{course, set_columns};
use super::{Change, Rows, Runner, rows_of, writer};
use crate::context::ExecContext;
use crate::operator;
use crate::operator::placed::{From, Place};
use crate::procedure::cursor::nothing_changed;
use crate::procedure::run::{Fail, Scope};

/// Rows read for a change: one bookmark, the target's columns and the plan's row each.
#[derive(Default)]
pub(super) struct Read {
    pub bookmarks: Vec<Vec<u8>>,
    pub old: Rows,
    pub batches: Vec<Batch>,
}

impl Runner<'_> {
    /// UPDATE and DELETE.
    pub(super) fn change_rows(
        &mut self,
        bound: &BoundChange,
        change: &mut Change<'_>,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let action = match bound.kind {
            ChangeKind::Update(_) => Action::Update,
            _ => Action::Delete,
        };
        if course(bound).in_parts {
            return self.change_in_parts(bound, change, scope);
        }
        let target = &bound.target;
        let instead = target.instead_of(action).is_some() && !self.inside_trigger_of(target);
        let read = match &bound.current_of {
            Some((name, global)) => self.cursor_row(bound, name, *global, change, scope)?,
            None if instead => self.read_rows(bound, change)?,
            None => self.read_and_lock(bound, change)?,
        };
        let plan_rows = Batch::concat(&plan_types(bound), &read.batches)?;
        let count = if bound.bookmark.is_some() { read.bookmarks.len() } else { read.old.len() };
        change.count = count as u64;
        match &bound.kind {
            ChangeKind::Update(items) => {
                let changed = set_columns(items);
                let new = self.set_rows(items, target, &plan_rows, &read.old, change, scope)?;
                if instead {
                    let new: Rows = self
                        .settle(target, new, change, false, action, Some(&changed))?
                        .into_iter()
                        .map(|r| r.values)
                        .collect();
                    self.put_out(bound, action, Some(&read.old), Some(&new), &plan_rows, change)?;
                    self.touch(target, action, &read.old, &new, &changed, count as u64, change)?;
                } else if !items.iter().any(|i| i.column.is_some()) {
                    // Only variables were set.
                } else {
                    let old = if bound.output.is_empty() { Rows::new() } else { read.old.clone() };
                    let mark = read.bookmarks.first().filter(|_| bound.current_of.is_some()).cloned();
                    let new = self.update_locked(target, read.bookmarks, read.old, new, changed, change)?;
                    self.put_out(bound, action, Some(&old), Some(&new), &plan_rows, change)?;
                    if let Some((name, global)) = &bound.current_of {
                        // So that the row may be changed again before the next FETCH.
                        let same = |now: &Read| now.old.iter().position(|r| new.first() == Some(r));
                        let mut now = match &mark {
                            Some(mark) => self.read_row(bound, mark, change)?,
                            None => Read::default(),
                        };
                        if same(&now).is_none() {
                            // It may have gone elsewhere with its key.
                            now = self.read_rows(bound, change)?;
                        }
                        let same = same(&now);
                        if let Some(mark) = same.and_then(|n| now.bookmarks.get(n)) {
                            let table = (target.table.database_id, target.table.object_id);
                            self.move_bookmark(name, *global, table, mark, scope)?;
                        }
                    }
                }
            }
            _ => {
                self.put_out(bound, action, Some(&read.old), None, &plan_rows, change)?;
                if instead {
                    self.touch(target, action, &read.old, &Rows::new(), &[], count as u64, change)?;
                } else {
                    self.delete_locked(target, read.bookmarks, read.old, change)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the rows of the plan, each target row once.
    fn read_rows(&mut self, bound: &BoundChange, change: &Change<'_>) -> SqlResult<Read> {
        self.read_rows_in(bound, &change.context)
    }

    fn read_rows_in(&mut self, bound: &BoundChange, context: &ExecContext) -> SqlResult<Read> {
        let limit = self.session.state.lock().row_limit;
        let types = bound.target.types();
        let mut read = Read::default();
        let (once, mut seen) = (course(bound).comes_once, HashSet::<Vec<u8>>::new());
        let mut count = 0u64;
        let mut source = operator::open(&bound.plan, context)?;
        while let Some(batch) = source.next_batch()? {
            context.check_cancel()?;
            if limit > 0 && count >= limit {
                break;
            }
            let mut batch = batch;
            if let Some(at) = bound.bookmark {
                let mut keep: Vec<u32> = Vec::with_capacity(batch.len);
                for i in 0..batch.len {
                    // NULL where an outer join found no row of the target.
                    let Some(mark) = mark_at(&batch, at, i) else { continue };
                    if once || seen.insert(mark.clone()) {
                        read.bookmarks.push(mark);
                        keep.push(i as u32);
                    }
                }
                if keep.len() < batch.len {
                    batch = batch.take(&keep);
                }
            }
            if limit > 0 && count + batch.len as u64 > limit {
                let keep = (limit - count) as usize;
                batch = batch.slice(0, keep);
                read.bookmarks.truncate(count as usize + keep);
            }
            count += batch.len as u64;
            if !bound.old.is_empty() {
                read.old.extend(rows_of(&batch, &bound.old, &types));
            }
            read.batches.push(batch);
        }
        Ok(read)
    }

    /// Reads the row that a bookmark names, where it is found by its key.
    fn read_row(&mut self, bound: &BoundChange, mark: &[u8], change: &Change<'_>) -> SqlResult<Read> {
        let key = bound.target.table.access.row_key(mark).filter(|_| bound.placed);
        match key {
            Some(key) => {
                let place = Place { from: From::At(key), against: false, locks: false };
                self.read_rows_in(bound, &change.context.at(place))
            }
            None => Ok(Read::default()),
        }
    }

    /// Reads the rows and locks them; reads again while others change them in between.
    fn read_and_lock(&mut self, bound: &BoundChange, change: &Change<'_>) -> Result<Read, Fail> {
        let writer = writer(&bound.target)?;
        loop {
            let read = self.read_rows(bound, change)?;
            let mut same = true;
            for b in &read.bookmarks {
                same &= self.lock_row(&*writer, change, b)?;
            }
            if same {
                return Ok(read);
            }
            self.check_conflict(&bound.target.table)?;
            change.context.check_cancel()?;
        }
    }
}

/// The bookmark in a row of a batch.
pub(super) fn mark_at(batch: &Batch, column: usize, row: usize) -> Option<Vec<u8>> {
    match batch.columns.get(column)?.value(row, &MARK) {
        Value::Binary(b) => Some(b.to_vec()),
        _ => None,
    }
}

const MARK: SqlType = SqlType::binary(holdfast_types::TypeId::VarBinary, 8000);

/// Types of the plan's columns.
pub(super) fn plan_types(bound: &BoundChange) -> Vec<SqlType> {
    bound.plan.columns.iter().map(|c| c.ty).collect()
}

impl Runner<'_> {
    /// The row under a cursor, for WHERE CURRENT OF.
    fn cursor_row(
        &mut self,
        bound: &BoundChange,
        name: &str,
        global: bool,
        change: &Change<'_>,
        scope: &mut Scope,
    ) -> Result<Read, Fail> {
        let table = &bound.target.table;
        let id = (table.database_id, table.object_id);
        let position = self.cursor_position(name, global, id, scope)?;
        if let ChangeKind::Update(items) = &bound.kind
            && !position.updatable.is_empty()
        {
            let names = self.session.current_database().names();
            let set = items.iter().filter_map(|i| table.columns.get(i.column?));
            let listed = |c: &ColumnDef| position.updatable.iter().any(|n| names.same(n, &c.name));
            if !set.into_iter().all(listed) {
                let text = "The cursor has a FOR UPDATE list and the requested column to be updated is not in this list.";
                return Err(SqlError::with_text(16_932, 16, text).into());
            }
        }
        let writer = writer(&bound.target)?;
        let same = |read: &Read| read.bookmarks.iter().position(|b| *b == position.bookmark);
        let mut read = self.read_row(bound, &position.bookmark, change)?;
        if same(&read).is_none() {
            read = self.read_rows(bound, change)?;
        }
        let at = same(&read);
        let same = self.lock_row(&*writer, change, &position.bookmark);
        let Some(at) = at.filter(|_| matches!(same, Ok(true))) else {
            if !read.bookmarks.iter().any(|b| table.access.is_same_row(b, &position.bookmark)) {
                return Err(nothing_changed().into());
            }
            let text = "Optimistic concurrency check failed. The row was modified outside of this cursor.";
            let conflict = SqlError::with_text(16_934, 16, text);
            return Err(Fail::Many(vec![nothing_changed(), conflict]));
        };
        let all = Batch::concat(&plan_types(bound), &read.batches)?;
        Ok(Read {
            bookmarks: vec![position.bookmark],
            old: read.old.into_iter().skip(at).take(1).collect(),
            batches: vec![all.slice(at, 1)],
        })
    }
}
