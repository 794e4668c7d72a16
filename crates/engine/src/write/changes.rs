//! What the calls of [`TableWriter`] do: rows come, change and go, in the base and in every index.
//!
//! Invariants: those of [`super::table`], whose pieces these are made of.

use std::sync::Arc;

use holdfast_base::Rid;
use holdfast_format::catalog::object::SYSCOLPARS;
use holdfast_storage::write::Change;
use holdfast_types::{SqlResult, Value};

use super::records::{self, Records};
use super::row::Stored;
use super::table::{Ahead, Base, From, Index, StoredWriter, fields_of};
use super::writing::{DatabaseTransaction, failure};
use super::{NewRow, RowUpdate, TableWriter, WriteContext, bookmark, bulk};
use crate::lock::LockMode;

/// A row of an update whose old entries are gone and whose new ones are to come.
pub(super) struct Pending<'r> {
    fields: Vec<Stored>,
    old: Vec<Stored>,
    rid: Option<Rid>,
    outside: &'r [i32],
}

/// What an update of some columns touches.
pub(super) struct Touched<'w> {
    pub(super) rekeyed: bool,
    pub(super) indexes: Vec<&'w Index>,
}

impl StoredWriter {
    pub(super) fn insert_rows(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64> {
        self.check()?;
        self.lock_table(write, LockMode::IX)?;
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let mut records = self.record_plan().map(Records::new);
        let (mut rest, mut left_out) = (rows, 0);
        while !rest.is_empty() {
            // Until the table may have been locked instead of its rows.
            let mut some = 64;
            if let Some(records) =
                records.as_mut().filter(|_| rest.len() >= bulk::MANY && self.is_alone(write))
            {
                let entered = self.append_rows(write, part, rest, records)?;
                rest = &rest[entered..];
                // One row that cannot be a record.
                some = 1;
            }
            for row in rest.iter().take(some) {
                self.check_nulls(&row.values, None, "INSERT")?;
                for index in &self.unkept {
                    index.check_insert(&self.name, &row.values)?;
                }
                let entered =
                    self.insert_locked(write, part, self.fields(row, None)?, &row.outside_indexes)?;
                left_out += u64::from(!entered);
            }
            rest = rest.get(some..).unwrap_or(&[]);
        }
        Ok(rows.len() as u64 - left_out)
    }

    /// Locks what a new row needs, and enters it; `false` when an index WITH IGNORE_DUP_KEY has left it out.
    fn insert_locked(
        &self,
        write: WriteContext<'_>,
        part: &DatabaseTransaction,
        fields: Vec<Stored>,
        outside: &[i32],
    ) -> SqlResult<bool> {
        self.enter_row(write, part, fields, outside, !self.ignoring.is_empty())
    }

    fn enter_row(
        &self,
        write: WriteContext<'_>,
        part: &DatabaseTransaction,
        mut fields: Vec<Stored>,
        outside: &[i32],
        may_be_left_out: bool,
    ) -> SqlResult<bool> {
        let record = self.ready(&fields).map_err(|e| failure(&e))?;
        let mut ahead = Ahead { record, ..Ahead::default() };
        if let Base::Tree { tree, unique: true, .. } = &self.base {
            let (key, raw) = Self::key_of(tree, &fields).map_err(|e| failure(&e))?;
            self.lock_row(write, &self.key_resource(tree, &key))?;
            let walked = tree.walk(&**self.writing.logged.pages(), &key, None);
            ahead.way = walked.map_err(|e| crate::page_error(&e))?.map(|(_, way)| way);
            ahead.key = Some((key, raw));
        }
        self.lock_keys(write, &fields, outside)?;
        let mut at = self.enter(write, part, &|_| {
            self.entries_in(&fields, true, self.indexes.iter().filter(|i| !outside.contains(&i.index_id)))
        })?;
        if may_be_left_out && self.is_there(&at.change, &fields, outside)? {
            return Ok(false);
        }
        self.insert_row(write, &mut at.change, &mut at.log, &mut fields, &[], outside, ahead)?;
        self.settle_range(write, at.held.as_ref(), &fields)?;
        Ok(true)
    }

    /// Whether an index WITH IGNORE_DUP_KEY has the row's key already.
    fn is_there(&self, change: &Change<'_>, fields: &[Stored], outside: &[i32]) -> SqlResult<bool> {
        let failed = |e| failure(&e);
        if let Base::Tree { tree, unique: true, .. } = &self.base
            && self.ignoring.contains(&1)
        {
            let (key, _) = Self::key_of(tree, fields).map_err(failed)?;
            if self.exists(change, tree, &key).map_err(failed)? {
                return Ok(true);
            }
        }
        let asked = self.indexes.iter().filter(|i| self.ignoring.contains(&i.index_id));
        for index in asked.filter(|i| !outside.contains(&i.index_id)) {
            let (mut key, _) = self.entry_key(change.source(), index, fields, None).map_err(failed)?;
            key.truncate(index.declared);
            if self.exists(change, &index.tree, &key).map_err(failed)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn put_records(&self, write: WriteContext<'_>, records: &Records) -> SqlResult<()> {
        self.check()?;
        if self.record_plan().is_none() {
            return Err(records::refused());
        }
        self.lock_table(write, LockMode::IX)?;
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        if self.is_alone(write) {
            return self.append(write, part, records, &|_| &[]);
        }
        for at in 0..records.len() {
            let fields = fields_of(self.layout(), records.get(at), &[]).map_err(|e| failure(&e))?;
            // A table with indexes that leave rows out takes no records.
            self.insert_locked(write, part, fields, &[])?;
        }
        Ok(())
    }

    pub(super) fn update_rows(
        &self,
        write: WriteContext<'_>,
        rows: &[RowUpdate],
        changed: &[usize],
    ) -> SqlResult<()> {
        let rows: Vec<(&[u8], &RowUpdate)> = rows.iter().map(|r| (r.bookmark.as_slice(), r)).collect();
        let touched = self.touched(changed);
        let pending = self.take_out(write, &rows, changed, &touched)?;
        self.put_in(write, pending, &touched)
    }

    /// What an update of these columns touches.
    pub(super) fn touched(&self, changed: &[usize]) -> Touched<'_> {
        let moved = self.changed_positions(changed);
        let rekeyed = match &self.base {
            Base::Tree { tree, .. } => tree.keys.iter().any(|k| moved.contains(&k.position)),
            Base::Heap(_) => false,
        };
        let indexes = self
            .indexes
            .iter()
            .filter(|i| {
                rekeyed
                    || i.filtered
                    || i.fields.iter().any(|f| matches!(f, From::Base(p) if moved.contains(p)))
            })
            .collect();
        Touched { rekeyed, indexes }
    }

    /// The first half of an update: everything old goes out of the indexes whose keys change. Everything new goes in only when
    /// that is done for all rows, because keys may change places.
    pub(super) fn take_out<'r>(
        &self,
        write: WriteContext<'_>,
        rows: &[(&[u8], &'r RowUpdate)],
        changed: &[usize],
        touched: &Touched<'_>,
    ) -> SqlResult<Vec<Pending<'r>>> {
        self.check()?;
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let in_place = self.may_stay_in_place(touched);
        let (rekeyed, touched) = (touched.rekeyed, &touched.indexes);
        let mut pending = Vec::new();
        for (mark, RowUpdate { row, old: before, .. }) in rows {
            self.check_nulls(&row.values, Some(changed), "UPDATE")?;
            let (_, place) = bookmark::open(mark).map_err(|e| crate::page_error(&e))?;
            if in_place && self.update_in_place(write, part, place, row, changed)? {
                continue;
            }
            let (mut current, way) = self.locked(part, place)?.ok_or_else(Self::gone)?;
            self.lock_moved(write, &current)?;
            current.fields.extend(self.apart_fields(Some(before))?);
            for index in &self.unkept {
                let old = (current.fields.as_slice(), self.positions.as_slice());
                index.check_update(&self.name, changed, rekeyed, old, &row.values)?;
            }
            let new = self.fields(row, Some((&current.fields, changed)))?;
            if rekeyed && let Base::Tree { tree, unique: true, .. } = &self.base {
                let (key, _) = Self::key_of(tree, &new).map_err(|e| failure(&e))?;
                self.lock_row(write, &self.key_resource(tree, &key))?;
            }
            if touched.iter().any(|i| i.unique) {
                self.lock_keys(write, &current.fields, &[])?;
                self.lock_keys(write, &new, &row.outside_indexes)?;
            }
            let ready = if rekeyed { None } else { self.ready(&new).map_err(|e| failure(&e))? };
            let mut at =
                self.enter(write, part, &|_| self.entries_out(&current.fields, touched.iter().copied()))?;
            let (change, log) = (&mut at.change, &mut *at.log);
            for index in touched {
                self.delete_entry(change, log, index, &current.fields, current.rid)
                    .map_err(|e| failure(&e))?;
            }
            if rekeyed {
                self.delete_base(write, change, log, &current).map_err(|e| failure(&e))?;
                let (old, rid, outside) = (current.fields, current.rid, row.outside_indexes.as_slice());
                pending.push(Pending { fields: new, old, rid, outside });
                continue;
            }
            let mut fields = new;
            let mut later = Vec::new();
            let record = match ready {
                Some(record) => record,
                None => self
                    .settling()
                    .settle_over(change, log, &mut fields, &current.fields, Some(&mut later))
                    .map_err(|e| failure(&e))?,
            };
            match (&self.base, current.rid) {
                (Base::Heap(heap), Some(rid)) => {
                    let found = heap.find(change, rid).map_err(|e| failure(&e))?.ok_or_else(Self::gone)?;
                    let owner = write.transaction.owner();
                    let is_free = |rid: Rid| {
                        !self.writing.locks.would_wait(owner, &self.rid_resource(rid), LockMode::X)
                    };
                    self.note(write, &rid.to_bytes(), Some(&current.record));
                    heap.replace(change, log, rid, &found, &record, &is_free).map_err(|e| failure(&e))?;
                }
                (Base::Tree { tree, .. }, _) => {
                    let (key, raw) = Self::key_of(tree, &fields).map_err(|e| failure(&e))?;
                    self.note(write, &raw, Some(&current.record));
                    if self.object_id == SYSCOLPARS {
                        // Identity marks are written into the row outside of the transaction: no bytes of it may be what a
                        // rollback goes by.
                        let place = tree.find(change.source(), &key).map_err(|e| crate::page_error(&e))?;
                        let place = place.filter(|p| p.found && !p.ghost).ok_or_else(Self::gone)?;
                        tree.delete(change, log, place, &raw).map_err(|e| failure(&e))?;
                        tree.insert(change, log, &key, &raw, &record, None).map_err(|e| failure(&e))?;
                    } else {
                        tree.replace(change, log, &key, &raw, &record, way.as_ref())
                            .map_err(|e| failure(&e))?;
                    }
                }
                (Base::Heap(_), None) => return Err(Self::gone()),
            }
            let old = (current.fields.as_slice(), current.rid);
            self.drop_large(write, change, log, old, &fields).map_err(|e| failure(&e))?;
            self.settling().overwrite(change, log, &later).map_err(|e| failure(&e))?;
            if !touched.is_empty() {
                let (rid, outside) = (current.rid, row.outside_indexes.as_slice());
                pending.push(Pending { fields, old: Vec::new(), rid, outside });
            }
        }
        Ok(pending)
    }

    /// The second half of an update.
    pub(super) fn put_in(
        &self,
        write: WriteContext<'_>,
        pending: Vec<Pending<'_>>,
        touched: &Touched<'_>,
    ) -> SqlResult<()> {
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let (rekeyed, touched) = (touched.rekeyed, &touched.indexes);
        for Pending { mut fields, old, rid, outside } in pending {
            let mut at = self.enter(write, part, &|_| {
                let entered = touched.iter().copied().filter(|i| !outside.contains(&i.index_id));
                self.entries_in(&fields, rekeyed, entered)
            })?;
            let (change, log) = (&mut at.change, &mut *at.log);
            if rekeyed {
                self.insert_row(write, change, log, &mut fields, &old, outside, Ahead::default())?;
                self.settle_range(write, at.held.as_ref(), &fields)?;
                // The row goes on under another name with the pieces that it still leads to.
                self.keep_large(write, change, (&old, rid), |_| true).map_err(|e| failure(&e))?;
                self.drop_large(write, change, log, (&old, rid), &fields).map_err(|e| failure(&e))?;
                continue;
            }
            for index in touched.iter().filter(|i| !outside.contains(&i.index_id)) {
                self.insert_entry(change, log, index, &fields, rid)?;
            }
        }
        Ok(())
    }

    /// Takes a row out that an update moves to another partition: its new fields, large values whole, and the old ones, whose
    /// large values are still to go ([`StoredWriter::forget_large`]).
    pub(super) fn leave(
        &self,
        write: WriteContext<'_>,
        mark: &[u8],
        (row, before): (&NewRow, &[Value]),
        changed: &[usize],
    ) -> SqlResult<(Vec<Stored>, (Vec<Stored>, Option<Rid>))> {
        self.check()?;
        self.check_nulls(&row.values, Some(changed), "UPDATE")?;
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let (_, place) = bookmark::open(mark).map_err(|e| crate::page_error(&e))?;
        let (current, new) = {
            let change = self.gate()?;
            let mut current =
                self.current(&change, place).map_err(|e| failure(&e))?.ok_or_else(Self::gone)?;
            current.fields.extend(self.apart_fields(Some(before))?);
            let mut new = self.fields(row, Some((&current.fields, changed)))?;
            for field in new.iter_mut().filter(|f| f.complex) {
                let pointer = field.bytes.take().unwrap_or_default();
                let whole = holdfast_format::lob::read(change.source(), &pointer);
                *field = match whole.map_err(|e| crate::page_error(&e))? {
                    Some(bytes) => Stored::plain(bytes),
                    None => Stored::null(),
                };
            }
            (current, new)
        };
        for index in &self.unkept {
            let old = (current.fields.as_slice(), self.positions.as_slice());
            index.check_update(&self.name, changed, true, old, &row.values)?;
        }
        self.lock_keys(write, &current.fields, &[])?;
        let mut at = self.enter(write, part, &|_| self.entries_out(&current.fields, self.indexes.iter()))?;
        let (change, log) = (&mut at.change, &mut *at.log);
        for index in &self.indexes {
            self.delete_entry(change, log, index, &current.fields, current.rid).map_err(|e| failure(&e))?;
        }
        self.delete_base(write, change, log, &current).map_err(|e| failure(&e))?;
        Ok((new, (current.fields, current.rid)))
    }

    /// Enters a row that has left another partition.
    pub(super) fn arrive(
        &self,
        write: WriteContext<'_>,
        fields: Vec<Stored>,
        outside: &[i32],
    ) -> SqlResult<()> {
        let joined = self.writing.join(write.transaction)?;
        self.enter_row(write, joined.part()?, fields, outside, false).map(|_| ())
    }

    /// Removes the large values of a row that has left.
    pub(super) fn forget_large(
        &self,
        write: WriteContext<'_>,
        old: &[Stored],
        rid: Option<Rid>,
    ) -> SqlResult<()> {
        if !old.iter().any(|f| f.complex) {
            return Ok(());
        }
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let mut log = part.log.lock();
        let mut change = self.gate()?;
        self.drop_large(write, &mut change, &mut log, (old, rid), &[]).map_err(|e| failure(&e))
    }

    pub(super) fn delete_rows(
        &self,
        write: WriteContext<'_>,
        bookmarks: &[Vec<u8>],
        old: &[Vec<Value>],
    ) -> SqlResult<()> {
        self.check()?;
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        for (n, mark) in bookmarks.iter().enumerate() {
            let apart = self.apart_fields(old.get(n).map(Vec::as_slice))?;
            let (_, place) = bookmark::open(mark).map_err(|e| crate::page_error(&e))?;
            let unique = self.indexes.iter().any(|i| i.unique);
            if unique || matches!(self.base, Base::Heap(_)) {
                let (mut current, _) = self.locked(part, place)?.ok_or_else(Self::gone)?;
                self.lock_moved(write, &current)?;
                current.fields.extend_from_slice(&apart);
                if unique {
                    self.lock_keys(write, &current.fields, &[])?;
                }
            }
            let mut at = self.enter(write, part, &|change| {
                let mut current =
                    self.current(change, place).map_err(|e| failure(&e))?.ok_or_else(Self::gone)?;
                current.fields.extend_from_slice(&apart);
                self.entries_out(&current.fields, self.indexes.iter())
            })?;
            let (change, log) = (&mut at.change, &mut *at.log);
            let mut current = self.current(change, place).map_err(|e| failure(&e))?.ok_or_else(Self::gone)?;
            current.fields.extend(apart);
            for index in &self.unkept {
                index.check_delete(&self.name, &current.fields, &self.positions)?;
            }
            for index in &self.indexes {
                self.delete_entry(change, log, index, &current.fields, current.rid)
                    .map_err(|e| failure(&e))?;
            }
            self.delete_base(write, change, log, &current).map_err(|e| failure(&e))?;
            let old = (current.fields.as_slice(), current.rid);
            self.drop_large(write, change, log, old, &[]).map_err(|e| failure(&e))?;
        }
        Ok(())
    }

    pub(super) fn empty(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.check()?;
        if let Some(index) = self.unkept.first() {
            return Err(index.refuse(&self.name));
        }
        self.lock_table(write, LockMode::SchM)?;
        self.release_pages(write)?;
        if let Some(identity) = &self.identity
            && let Some(last) = self.writing.identities.begin_again(self.object_id, identity)
        {
            self.writing.join(write.transaction)?.part()?.begin_again(self.object_id, last);
        }
        Ok(())
    }

    /// Gives the pages of the table and its indexes back; the caller has it locked.
    pub(super) fn release_pages(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let joined = self.writing.join(write.transaction)?;
        let part = joined.part()?;
        let mut all = vec![match &self.base {
            Base::Heap(h) => Arc::clone(&h.access.live),
            Base::Tree { tree, .. } => Arc::clone(tree.live()),
        }];
        all.extend(self.indexes.iter().map(|i| Arc::clone(i.tree.live())));
        for live in all {
            super::release::empty(&self.writing, part, &live).map_err(|e| failure(&e))?;
        }
        Ok(())
    }
}
