//! Key ranges that serializable readers have locked, as writers meet them.
//!
//! Invariants
//! 1. While ranges of the table are locked by anybody, whoever enters a key holds RangeI-N on the key behind its place, and whoever
//!    removes an entry of a nonclustered index holds its key exclusively, from before the change until after it. (A row's
//!    own lock does the latter for the clustered index.)
//! 2. A key entered into a range that the writer's own transaction has locked is locked as part of that range.
//! 3. Nothing waits under the gate: [`StoredWriter::enter`] leaves it, waits, and begins again.

use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_format::{FormatError, btree};
use holdfast_storage::recovery::RecoveryError;
use holdfast_storage::write::{Change, LogTransaction};
use holdfast_types::{SqlError, SqlResult, Value};
use parking_lot::MutexGuard;

use super::WriteContext;
use super::row::Stored;
use super::table::{Base, Index, StoredWriter};
use super::tree::Tree;
use super::writing::{DatabaseTransaction, failure};
use crate::access::Bound;
use crate::lock::{LockManager, LockMode, LockOwner, Resource};
use crate::stored::range::{entry_resource, infinity};
use crate::stored::seek;

/// An entry that a change brings or takes.
pub(super) struct Entry<'a> {
    tree: &'a Tree,
    /// What is known of its key before it is stored: without a row address or uniquifier.
    key: Vec<Value>,
    /// Key columns by which its lock is named.
    named: usize,
    enters: bool,
}

/// Locks for one change; given back when dropped (what the transaction held before keeps the union until it ends).
pub(super) struct Held<'a> {
    locks: &'a LockManager,
    owner: LockOwner,
    resources: Vec<Resource>,
    /// The base row goes into an own range, and its whole key is not known yet.
    base_in_range: bool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for resource in &self.resources {
            self.locks.release(self.owner, resource);
        }
    }
}

/// The gate, entered for one change.
pub(super) struct Entered<'a> {
    // Dropped in this order: the change, its log, the locks.
    pub change: Change<'a>,
    pub log: MutexGuard<'a, LogTransaction>,
    pub held: Option<Held<'a>>,
}

fn unreadable(tree: &Tree) -> impl Fn(FormatError) -> SqlError {
    let page = tree.access.root();
    move |error| failure(&RecoveryError::Unreadable { page, error })
}

impl StoredWriter {
    /// The gate for a change of rows; `entries` tells what it enters and removes.
    ///
    /// # Errors
    /// As the waits for locked ranges; those of the gate.
    pub(super) fn enter<'a>(
        &'a self,
        write: WriteContext<'_>,
        part: &'a DatabaseTransaction,
        entries: &dyn Fn(&Change<'_>) -> SqlResult<Vec<Entry<'a>>>,
    ) -> SqlResult<Entered<'a>> {
        let locks = &*self.writing.locks;
        loop {
            let log = part.log.lock();
            let change = self.gate()?;
            if !locks.ranges_are_locked(self.table()) {
                return Ok(Entered { change, log, held: None });
            }
            let entries = entries(&change)?;
            match self.take_ranges(write, &change, &entries)? {
                Ok(held) => return Ok(Entered { change, log, held: Some(held) }),
                Err((resource, mode)) => {
                    drop(change);
                    drop(log);
                    locks.wait_in_turn(write.transaction.owner(), &resource, mode, write.wait)?;
                }
            }
        }
    }

    /// Invariants 1 and 2; the inner error is what stands in the way.
    fn take_ranges(
        &self,
        write: WriteContext<'_>,
        change: &Change<'_>,
        entries: &[Entry<'_>],
    ) -> SqlResult<Result<Held<'_>, (Resource, LockMode)>> {
        let (locks, owner) = (&*self.writing.locks, write.transaction.owner());
        let mut held = Held { locks, owner, resources: Vec::new(), base_in_range: false };
        for entry in entries {
            let own = self.key_resource(entry.tree, &entry.key[..entry.named.min(entry.key.len())]);
            if !entry.enters {
                if !locks.try_row(owner, self.table(), &own, LockMode::X) {
                    return Ok(Err((own, LockMode::X)));
                }
                held.resources.push(own);
                continue;
            }
            let next = self.behind(change, entry).map_err(unreadable(entry.tree))?;
            let in_own_range = locks.held(owner, &next).is_range();
            if !locks.try_row(owner, self.table(), &next, LockMode::RangeIN) {
                return Ok(Err((next, LockMode::RangeIN)));
            }
            held.resources.push(next);
            if !in_own_range {
                continue;
            }
            if entry.key.len() < entry.named {
                held.base_in_range = true;
            } else if !locks.try_row(owner, self.table(), &own, LockMode::RangeSS) {
                return Ok(Err((own, LockMode::RangeSS)));
            }
        }
        Ok(Ok(held))
    }

    /// The name of the first entry behind all that begin with the entry's key.
    fn behind(&self, change: &Change<'_>, entry: &Entry<'_>) -> Result<Resource, FormatError> {
        let (source, tree) = (change.source(), entry.tree);
        let database = self.writing.database_id;
        let end = infinity(database, tree.access.rowset);
        let bound = Bound::Excluded(entry.key.clone());
        let place = seek::position(source, &tree.access, &tree.keys, tree.clustered, &bound, true)?;
        let Some((_, mut image, mut slot)) = place else { return Ok(end) };
        loop {
            let rows = PageRows::new(PageView::new(&image))?;
            if slot < rows.len() {
                let page = rows.view().page_id();
                let row = rows.row(slot)?.ok_or(FormatError::NoSuchSlot { page, slot })?;
                let keys = &tree.keys[..entry.named.min(tree.keys.len())];
                return entry_resource(source, database, &tree.access, keys, &row);
            }
            let next = rows.view().next();
            if next.is_null() {
                return Ok(end);
            }
            drop(rows);
            image = btree::tree_page(source, next)?;
            slot = 0;
        }
    }

    /// What entering a row brings.
    pub(super) fn entries_in<'a>(
        &'a self,
        fields: &[Stored],
        base: bool,
        indexes: impl Iterator<Item = &'a Index>,
    ) -> SqlResult<Vec<Entry<'a>>> {
        let mut out = Vec::new();
        if let (Base::Tree { tree, unique, .. }, true) = (&self.base, base) {
            let (mut key, _) = Self::key_of(tree, fields).map_err(|e| failure(&e))?;
            let named = key.len();
            if !unique {
                key.pop();
            }
            out.push(Entry { tree, key, named, enters: true });
        }
        for index in indexes {
            out.push(self.index_entry(index, fields, true)?);
        }
        Ok(out)
    }

    /// What removing a row's entries takes.
    pub(super) fn entries_out<'a>(
        &'a self,
        fields: &[Stored],
        indexes: impl Iterator<Item = &'a Index>,
    ) -> SqlResult<Vec<Entry<'a>>> {
        indexes.map(|index| self.index_entry(index, fields, false)).collect()
    }

    fn index_entry<'a>(&'a self, index: &'a Index, fields: &[Stored], enters: bool) -> SqlResult<Entry<'a>> {
        let source = &**self.writing.logged.pages();
        let (mut key, _) = self.entry_key(source, index, fields, None).map_err(|e| failure(&e))?;
        key.truncate(index.declared);
        Ok(Entry { tree: &index.tree, key, named: index.declared, enters })
    }

    /// Invariant 2 for a base row whose key was completed while it was stored.
    pub(super) fn settle_range(
        &self,
        write: WriteContext<'_>,
        held: Option<&Held<'_>>,
        fields: &[Stored],
    ) -> SqlResult<()> {
        let (Base::Tree { tree, .. }, true) = (&self.base, held.is_some_and(|h| h.base_in_range)) else {
            return Ok(());
        };
        let (key, _) = Self::key_of(tree, fields).map_err(|e| failure(&e))?;
        let resource = self.key_resource(tree, &key);
        // The row is locked exclusively already: only another key with the same hash can stand in the way.
        if !self.writing.locks.try_row(write.transaction.owner(), self.table(), &resource, LockMode::RangeSS)
        {
            return Err(SqlError::new(1222, &[]).state(51));
        }
        Ok(())
    }
}
