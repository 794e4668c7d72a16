//! How plans read tables outside databases and statements change them.
//!
//! Invariants
//! 1. A change asks the pool for room, looks at everything that may refuse it, notes how it is taken back, and only then changes
//!    anything. An update has to take old keys out before it can look at the new ones: what it then refuses is taken back.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_engine::access::{BatchSource, Bound, EntryKey, KeyRange, ReadContext, TableAccess};
use holdfast_engine::write::{NewRow, RowState, RowUpdate, TableWriter, WriteContext};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{SqlError, SqlResult, Value};

use super::rows::{Entries, ID, MemoryRows, NewKeys, RowEntry, begin_row, digest};
use super::scan::{Fill, KeyScan, RowScan, marked};
use super::undo::Note;
use crate::row_store::{Cursor, Tree};

/// Fewer rows are read by one thread.
const WORTH_THREADS: usize = 32 * 1024;

/// The first byte string after all that begin with `prefix`; `None`: there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < 0xFF {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

/// The rows between two bounds by their ids: the first entry, and the first behind the last.
fn row_bounds(range: &KeyRange) -> (Option<Box<[u8]>>, Option<Box<[u8]>>) {
    let id = |bound: &Bound, behind: bool| {
        let Some(Value::Binary(id)) = bound.values().first() else { return None };
        if behind { successor(id).map(Vec::into_boxed_slice) } else { Some(id.to_vec().into()) }
    };
    let excludes = |bound: &Bound| matches!(bound, Bound::Excluded(_));
    (id(&range.low, excludes(&range.low)), id(&range.high, !excludes(&range.high)))
}

/// Rows that cost a scan as much as a page of a file would.
const ROWS_OF_A_PAGE: u64 = 100;

impl TableAccess for MemoryRows {
    fn in_memory(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.this.upgrade().map(|rows| rows as Arc<dyn Any + Send + Sync>)
    }

    fn size(&self) -> Option<(u64, u64)> {
        let rows = self.len() as u64;
        Some((rows, rows / ROWS_OF_A_PAGE))
    }

    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        self.locked(read, || self.ordered(columns))
    }

    fn parallel_scan(
        &self,
        read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        if self.shared.get().is_some() {
            return Ok(vec![self.scan(read, columns)?]);
        }
        if parts < 2 || self.len() < WORTH_THREADS {
            return Ok(vec![self.ordered(columns)?]);
        }
        self.check()?;
        let rows = self.inner.read().rows.clone();
        let mut ends = rows.dividers(parts);
        let mut from = None;
        let mut out: Vec<Box<dyn BatchSource>> = Vec::with_capacity(parts);
        for to in ends.drain(..).map(Some).chain([None]) {
            let fill = Fill::new(&self.codec, columns);
            out.push(Box::new(RowScan::new(&rows, std::mem::replace(&mut from, to.clone()), to, fill)));
        }
        Ok(out)
    }

    fn entry_key(&self, index_id: i32) -> Option<EntryKey> {
        if index_id == 0 {
            return Some(EntryKey { columns: Vec::new(), locator: true });
        }
        let inner = self.inner.read();
        let index = inner.indexes.iter().find(|i| i.index_id == index_id)?;
        Some(EntryKey { columns: index.ordinals().to_vec(), locator: !index.unique })
    }

    fn locator(&self, bookmark: &[u8]) -> Option<Value> {
        bookmark.get(..ID).map(Value::binary)
    }

    fn row_index(&self) -> Option<i32> {
        Some(0)
    }

    fn row_key(&self, bookmark: &[u8]) -> Option<Vec<Value>> {
        self.locator(bookmark).map(|id| vec![id])
    }

    fn is_same_row(&self, a: &[u8], b: &[u8]) -> bool {
        a.get(..ID) == b.get(..ID)
    }

    fn seek(
        &self,
        read: &ReadContext,
        index_id: i32,
        range: KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        self.locked(read, || self.sought(read, index_id, range, columns, backward))
    }

    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        self.this.upgrade().map(|t| t as Arc<dyn TableWriter>)
    }
}

impl MemoryRows {
    /// Runs `f` when the reader may see the rows.
    fn locked<T>(&self, read: &ReadContext, f: impl FnOnce() -> SqlResult<T>) -> SqlResult<T> {
        match self.shared.get() {
            Some(shared) => shared.read(read, f),
            None => f(),
        }
    }

    /// Before a change.
    fn lock_to_change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.shared.get().map_or(Ok(()), |shared| shared.change(write))
    }

    fn sought(
        &self,
        read: &ReadContext,
        index_id: i32,
        range: KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        self.check()?;
        let inner = self.inner.read();
        let most = if read.few { 1 } else { BATCH_ROWS };
        if index_id == 0 {
            let (from, to) = row_bounds(&range);
            let scan = RowScan::new(&inner.rows, from, to, Fill::new(&self.codec, columns));
            return Ok(Box::new(scan.beginning_with(most, backward)));
        }
        let Some(index) = inner.indexes.iter().find(|t| t.index_id == index_id) else {
            return Err(SqlError::not_supported("A seek in an index that was dropped"));
        };
        let (mut from, mut to, mut nothing) = (None, None, false);
        match &range.low {
            Bound::Unbounded => {}
            Bound::Included(v) => from = Some(index.prefix(v)?),
            Bound::Excluded(v) => {
                from = successor(&index.prefix(v)?);
                nothing = from.is_none();
            }
        }
        match &range.high {
            Bound::Unbounded => {}
            Bound::Included(v) => to = successor(&index.prefix(v)?),
            Bound::Excluded(v) => to = Some(index.prefix(v)?),
        }
        let fill = Fill::new(&self.codec, columns);
        if nothing {
            let none = Tree::new(&self.pool, ID);
            return Ok(Box::new(RowScan::new(&none, None, None, fill)));
        }
        let scan = KeyScan::new(&index.keys, &inner.rows, from, to, backward, fill);
        Ok(Box::new(scan.beginning_with(most)))
    }
}

impl TableWriter for MemoryRows {
    fn insert(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.lock_to_change(write)?;
        self.check()?;
        self.pool.make_room()?;
        let mut inner = self.inner.write();
        let first = self.next.fetch_add(rows.len() as u64, Ordering::Relaxed);
        let mut entries = Entries::default();
        for (n, r) in rows.iter().enumerate() {
            entries.make(|out| {
                begin_row(first + n as u64, &r.outside_indexes, out);
                self.codec.encode(&r.values, out)
            })?;
        }
        let keys: Vec<Entries> =
            inner.indexes.iter().map(|i| i.entries_of(&self.codec, &entries)).collect::<SqlResult<_>>()?;
        let mut taken: Vec<usize> = Vec::with_capacity(rows.len());
        if inner.indexes.iter().any(|i| i.unique) {
            let mut new = NewKeys::new(&inner);
            for n in 0..rows.len() {
                match new.meet(&inner, &keys, n, |_| false)?.map(|x| &inner.indexes[x]) {
                    None => taken.push(n),
                    Some(index) if index.ignore_duplicates => {}
                    Some(index) => return Err(self.duplicate(index, entries.get(n))?),
                }
            }
        } else {
            taken.extend(0..rows.len());
        }
        self.note(write.transaction, Note::Came(first, first + rows.len() as u64 - 1))?;
        let some: Vec<&[u8]> = taken.iter().map(|&n| entries.get(n)).collect();
        let keys: Vec<Vec<&[u8]>> = keys
            .iter()
            .map(|k| {
                let mut some: Vec<&[u8]> =
                    taken.iter().map(|&n| k.get(n)).filter(|e| !e.is_empty()).collect();
                some.sort_unstable();
                some
            })
            .collect();
        self.enter(&mut inner, &some, &keys)?;
        Ok(taken.len() as u64)
    }

    fn lock(&self, write: WriteContext<'_>, bookmark: &[u8]) -> SqlResult<RowState> {
        self.lock_to_change(write)?;
        self.check()?;
        let Some((id, was)) = marked(bookmark) else { return Ok(RowState::Changed) };
        let mut cursor = Cursor::new(&self.inner.read().rows);
        let same = cursor.find(&id.to_be_bytes())? && cursor.entry().is_some_and(|e| digest(e) == was);
        Ok(if same { RowState::Unchanged } else { RowState::Changed })
    }

    fn update(&self, write: WriteContext<'_>, rows: &[RowUpdate], _changed: &[usize]) -> SqlResult<()> {
        self.lock_to_change(write)?;
        self.check()?;
        self.pool.make_room()?;
        // Of a row that is given twice the last counts.
        let by_id: BTreeMap<u64, usize> =
            rows.iter().enumerate().filter_map(|(n, r)| Some((marked(&r.bookmark)?.0, n))).collect();
        let mut inner = self.inner.write();
        let old = inner.find(by_id.keys().copied())?;
        if old.is_empty() {
            return Ok(());
        }
        let mut new = Entries::default();
        // The new rows in the order in which they are given, as places in `new`.
        let mut given: Vec<(usize, usize)> = Vec::with_capacity(old.len());
        for e in old.all() {
            let id = RowEntry::of(e)?.id;
            let Some(&n) = by_id.get(&id) else { continue };
            let row = &rows[n].row;
            given.push((n, new.len()));
            new.make(|out| {
                begin_row(id, &row.outside_indexes, out);
                self.codec.encode(&row.values, out)
            })?;
        }
        given.sort_unstable();
        let (mut old_keys, mut new_keys) = (Vec::new(), Vec::new());
        for i in &inner.indexes {
            old_keys.push(i.entries_of(&self.codec, &old)?);
            new_keys.push(i.entries_of(&self.codec, &new)?);
        }
        let mut were = Tree::new(&self.pool, ID);
        were.insert_sorted(&old.all())?;
        self.note(write.transaction, Note::Were(were))?;
        let same = |x: usize, n: usize| old_keys[x].get(n) == new_keys[x].get(n);
        // All old keys go before new ones come: keys may change places.
        for (x, i) in inner.indexes.iter_mut().enumerate() {
            let leaving = (0..old.len()).filter(|n| !same(x, *n)).map(|n| old_keys[x].get(n));
            let mut leaving: Vec<&[u8]> = leaving.filter(|e| !e.is_empty()).collect();
            leaving.sort_unstable();
            i.keys.remove_sorted(&leaving)?;
        }
        if inner.indexes.iter().any(|i| i.unique) {
            let mut met = NewKeys::new(&inner);
            for (_, n) in given {
                if let Some(x) = met.meet(&inner, &new_keys, n, |x| same(x, n))? {
                    return Err(self.duplicate(&inner.indexes[x], new.get(n))?);
                }
            }
        }
        let keys: Vec<(Entries, Entries)> = old_keys.into_iter().zip(new_keys).collect();
        self.replace_rows(&mut inner, &old, &new, &keys)
    }

    fn delete(&self, write: WriteContext<'_>, bookmarks: &[Vec<u8>], _old: &[Vec<Value>]) -> SqlResult<()> {
        self.lock_to_change(write)?;
        self.check()?;
        self.pool.make_room()?;
        let mut ids: Vec<u64> = bookmarks.iter().filter_map(|b| marked(b)).map(|m| m.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut inner = self.inner.write();
        let old = inner.find(ids.into_iter())?;
        let mut were = Tree::new(&self.pool, ID);
        were.insert_sorted(&old.all())?;
        self.note(write.transaction, Note::Were(were))?;
        inner.replace(&self.codec, &old, &Entries::default())
    }

    fn truncate(&self, write: WriteContext<'_>) -> SqlResult<()> {
        self.lock_to_change(write)?;
        self.check()?;
        let mut inner = self.inner.write();
        let keys = inner.indexes.iter().map(|i| (i.index_id, i.keys.clone())).collect();
        let stood = self.identity.as_ref().map(|c| c.lock().clone());
        self.note(write.transaction, Note::All(inner.rows.clone(), keys, stood))?;
        inner.clear(&self.pool);
        drop(inner);
        if let Some(c) = &self.identity {
            c.lock().restart();
        }
        Ok(())
    }

    fn next_identity(&self) -> SqlResult<Value> {
        match &self.identity {
            Some(c) => c.lock().take_next(),
            None => Ok(Value::Null),
        }
    }

    fn note_identity(&self, value: &Value, reseed: bool) -> SqlResult<()> {
        if let Some(c) = &self.identity {
            c.lock().note(value, reseed);
        }
        Ok(())
    }

    fn current_identity(&self) -> SqlResult<Value> {
        Ok(self.last_identity())
    }
}
