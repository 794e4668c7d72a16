//! Rows and indexes of a table outside databases.
//!
//! Invariants
//! 1. The tree of rows has an entry per row: its id (8 bytes, big-endian, rising in the order rows came), the ids of the filtered
//!    indexes that it does not count for, and its values (`row_store::codec`).
//! 2. The tree of an index has an entry per row that counts for it: the normalised key, then the row's id.
//! 3. After a change that failed halfway, taking back what was noted for it before it began brings everything in order: adding what is
//!    there and removing what is not there do nothing.
//! 4. When taking back itself fails, because the spill file cannot be read, the table says from then on that its rows are lost.

use std::collections::HashSet;
use std::hash::Hasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use holdfast_engine::access::BatchSource;
use holdfast_engine::catalog::{IndexDef, IndexKind};
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, Value};
use parking_lot::{Mutex, RwLock};

use super::list::RowList;
use super::scan::{self, Fill};
use super::shared::Shared;
use crate::operator::sort_key::{KeyPart, encode_rows};
use crate::operator::spill::damaged;
use crate::procedure::identity::Counter;
use crate::row_store::codec::{Codec, Decoder, Reader, put_number};
use crate::row_store::sorter::Sorter;
use crate::row_store::{Cursor, Pool, Tree};

/// Entries are taken back, read for keys and entered so many at a time.
pub(super) const STEP: usize = 1024;

/// Bytes of a row's id.
pub(super) const ID: usize = 8;

/// One index.
pub(super) struct Index {
    pub index_id: i32,
    pub unique: bool,
    pub ignore_duplicates: bool,
    clustered: bool,
    name: Arc<str>,
    constraint: Option<&'static str>,
    ordinals: Vec<usize>,
    parts: Vec<KeyPart>,
    pub keys: Tree,
}

pub(super) struct Inner {
    pub rows: Tree,
    pub indexes: Vec<Index>,
}

/// The rows, shared between the definition that plans hold and the statements that change them.
pub struct MemoryRows {
    name: Arc<str>,
    pub(super) codec: Codec,
    pub(super) inner: RwLock<Inner>,
    pub(super) next: AtomicU64,
    pub(super) identity: Option<Mutex<Counter>>,
    /// A table variable: its rows outlive a rollback.
    pub(super) lasting: bool,
    /// Invariant 4.
    lost: AtomicBool,
    pub(super) pool: Arc<Pool>,
    pub(super) this: Weak<MemoryRows>,
    /// There once several sessions may see the table.
    pub(super) shared: OnceLock<Shared>,
}

/// Entries one after the other.
#[derive(Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Entries {
    pub fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
    }

    /// Adds an entry that `f` appends.
    pub fn make<T>(&mut self, f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let out = f(&mut self.bytes);
        self.ends.push(self.bytes.len());
        out
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    pub fn all(&self) -> Vec<&[u8]> {
        (0..self.len()).map(|i| self.get(i)).collect()
    }

    /// Those that are not empty, in ascending order.
    fn sorted(&self) -> Vec<&[u8]> {
        let mut all = self.all();
        all.retain(|e| !e.is_empty());
        all.sort_unstable();
        all
    }
}

/// A row's entry in parts.
pub(super) struct RowEntry<'e> {
    pub id: u64,
    outside: Reader<'e>,
    outside_count: u64,
    pub values: &'e [u8],
}

impl<'e> RowEntry<'e> {
    pub fn of(entry: &'e [u8]) -> SqlResult<Self> {
        let (id, rest) = entry.split_first_chunk::<ID>().ok_or_else(damaged)?;
        let mut r = Reader::new(rest);
        let outside_count = r.number()?;
        let outside = Reader::new(r.rest());
        for _ in 0..outside_count {
            r.number()?;
        }
        Ok(RowEntry { id: u64::from_be_bytes(*id), outside, outside_count, values: r.rest() })
    }

    /// Whether the row counts for an index.
    fn counts_for(&self, index_id: i32) -> SqlResult<bool> {
        let mut r = Reader::new(self.outside.rest());
        for _ in 0..self.outside_count {
            if r.number()? == u64::from(index_id as u32) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Appends what comes before a row's values.
pub(super) fn begin_row(id: u64, outside: &[i32], out: &mut Vec<u8>) {
    out.extend_from_slice(&id.to_be_bytes());
    put_number(outside.len() as u64, out);
    outside.iter().for_each(|i| put_number(u64::from(*i as u32), out));
}

/// The id at the beginning of a row's entry.
fn cut_id(entry: &[u8]) -> &[u8] {
    entry.get(..ID).unwrap_or(entry)
}

/// What tells a row from what it was or will be.
pub(super) fn digest(entry: &[u8]) -> u64 {
    let mut hash = std::hash::DefaultHasher::new();
    hash.write(entry.get(ID..).unwrap_or(&[]));
    hash.finish()
}

/// The id at the end of an index's entry.
pub(super) fn id_of_key(entry: &[u8]) -> SqlResult<u64> {
    entry.last_chunk::<ID>().map(|id| u64::from_be_bytes(*id)).ok_or_else(damaged)
}

/// The key of an index's entry, without the row's id.
pub(super) fn key_alone(entry: &[u8]) -> &[u8] {
    &entry[..entry.len().saturating_sub(ID)]
}

impl Index {
    pub fn new(i: &IndexDef, types: &[SqlType], ignore_duplicates: bool, pool: &Arc<Pool>) -> Self {
        Index {
            index_id: i.index_id,
            unique: i.unique,
            ignore_duplicates,
            clustered: i.kind == IndexKind::Clustered,
            name: i.name.clone().unwrap_or_else(|| "".into()),
            constraint: if i.primary_key {
                Some("PRIMARY KEY")
            } else if i.unique_constraint {
                Some("UNIQUE KEY")
            } else {
                None
            },
            ordinals: i.keys.iter().map(|k| k.ordinal).collect(),
            parts: i
                .keys
                .iter()
                .map(|k| KeyPart { ty: types[k.ordinal], descending: k.descending })
                .collect(),
            keys: Tree::of_keys(pool),
        }
    }

    /// The entries of rows; an empty one for a row that does not count.
    pub fn entries_of(&self, codec: &Codec, rows: &Entries) -> SqlResult<Entries> {
        let mut decoder = Decoder::new(codec, self.ordinals.iter().copied());
        let mut counts = Vec::with_capacity(rows.len());
        for i in 0..rows.len() {
            let row = RowEntry::of(rows.get(i))?;
            decoder.push(row.values)?;
            counts.push(if row.counts_for(self.index_id)? { Some(row.id) } else { None });
        }
        let columns = decoder.take();
        let key: Option<Vec<&Column>> =
            self.ordinals.iter().map(|o| columns.get(*o).and_then(|c| c.as_deref())).collect();
        let keys = encode_rows(&self.parts, &key.ok_or_else(damaged)?, rows.len())?;
        let mut out = Entries::default();
        for (key, id) in keys.iter().zip(counts) {
            out.make(|b| {
                if let Some(id) = id {
                    b.extend_from_slice(key);
                    b.extend_from_slice(&id.to_be_bytes());
                }
            });
        }
        Ok(out)
    }

    /// Takes out the entries of some rows and enters those of others; what is among both is there afterwards, even if it was not before
    /// (`rows`, invariant 3).
    fn replace(&mut self, gone: &Entries, come: &Entries) -> SqlResult<()> {
        let (old, new) = (gone.sorted(), come.sorted());
        let leaving: Vec<&[u8]> = old.iter().copied().filter(|e| new.binary_search(e).is_err()).collect();
        self.keys.remove_sorted(&leaving)?;
        self.keys.insert_sorted(&new)
    }

    /// Ordinals of the key's columns.
    pub fn ordinals(&self) -> &[usize] {
        &self.ordinals
    }

    /// The normalised form of values for the first columns of the key, and for the row's id behind all of them.
    pub fn prefix(&self, values: &[Value]) -> SqlResult<Vec<u8>> {
        let n = values.len().min(self.parts.len());
        let mut columns = Vec::with_capacity(n);
        for (p, v) in self.parts.iter().zip(values) {
            columns.push(Column::from_values(&p.ty, [v])?);
        }
        let refs: Vec<&Column> = columns.iter().collect();
        let mut prefix = encode_rows(&self.parts[..n], &refs, 1)?.entry(0).to_vec();
        if let Some(Value::Binary(id)) = values.get(self.parts.len()) {
            prefix.extend_from_slice(id);
        }
        Ok(prefix)
    }
}

impl Inner {
    /// The entries of the rows that there are of some, whose ids ascend.
    pub fn find(&self, ids: impl Iterator<Item = u64>) -> SqlResult<Entries> {
        let mut cursor = Cursor::new(&self.rows);
        let mut out = Entries::default();
        for id in ids {
            if cursor.find(&id.to_be_bytes())?
                && let Some(e) = cursor.entry()
            {
                out.push(e);
            }
        }
        Ok(out)
    }

    /// Takes rows out and puts others in, whose ids ascend, without looking at uniqueness.
    pub fn replace(&mut self, codec: &Codec, gone: &Entries, come: &Entries) -> SqlResult<()> {
        for i in &mut self.indexes {
            let (old, new) = (i.entries_of(codec, gone)?, i.entries_of(codec, come)?);
            i.replace(&old, &new)?;
        }
        self.exchange(gone, come)
    }

    /// The same in the tree of rows alone.
    fn exchange(&mut self, gone: &Entries, come: &Entries) -> SqlResult<()> {
        let come_ids: Vec<&[u8]> = come.all().into_iter().map(cut_id).collect();
        let mut gone: Vec<&[u8]> = gone.all().into_iter().map(cut_id).collect();
        // What comes takes the place of what it stands for.
        gone.retain(|id| come_ids.binary_search(id).is_err());
        self.rows.remove_sorted(&gone)?;
        self.rows.insert_sorted(&come.all())
    }

    /// Takes everything out.
    pub fn clear(&mut self, pool: &Arc<Pool>) {
        self.rows = Tree::new(pool, ID);
        self.indexes.iter_mut().for_each(|i| i.keys = Tree::of_keys(pool));
    }

    /// The index whose order is that of scans.
    fn clustered(&self) -> Option<&Index> {
        self.indexes.iter().find(|i| i.clustered)
    }
}

/// Keys of unique indexes that come with a statement's rows.
pub(super) struct NewKeys<'k> {
    seen: Vec<HashSet<&'k [u8]>>,
    places: Vec<Cursor>,
}

impl<'k> NewKeys<'k> {
    pub fn new(inner: &Inner) -> Self {
        NewKeys {
            seen: inner.indexes.iter().map(|_| HashSet::new()).collect(),
            places: inner.indexes.iter().map(|i| Cursor::new(&i.keys)).collect(),
        }
    }

    /// Looks for the keys of row `n` in the unique indexes, and takes note of them when they are new. `keys`: the entries of
    /// each index; one that is empty or told to `pass` is not looked for. Answers the place of the first index that has the key.
    pub fn meet(
        &mut self,
        inner: &Inner,
        keys: &'k [Entries],
        n: usize,
        pass: impl Fn(usize) -> bool,
    ) -> SqlResult<Option<usize>> {
        let looked = |x: usize, i: &Index| i.unique && !keys[x].get(n).is_empty() && !pass(x);
        for (x, _) in inner.indexes.iter().enumerate().filter(|(x, i)| looked(*x, i)) {
            let key = key_alone(keys[x].get(n));
            if self.seen[x].contains(key) || self.places[x].find(key)? {
                return Ok(Some(x));
            }
        }
        if keys.iter().any(|k| k.len() > 1) {
            for (x, _) in inner.indexes.iter().enumerate().filter(|(x, i)| looked(*x, i)) {
                self.seen[x].insert(key_alone(keys[x].get(n)));
            }
        }
        Ok(None)
    }
}

impl MemoryRows {
    pub(super) fn new(
        name: &str,
        types: &[SqlType],
        indexes: Vec<Index>,
        identity: Option<Mutex<Counter>>,
        pool: &Arc<Pool>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| MemoryRows {
            name: name.into(),
            codec: Codec::new(types),
            inner: RwLock::new(Inner { rows: Tree::new(pool, ID), indexes }),
            next: AtomicU64::new(1),
            identity,
            lasting: name.starts_with('@'),
            lost: AtomicBool::new(false),
            pool: Arc::clone(pool),
            this: this.clone(),
            shared: OnceLock::new(),
        })
    }

    /// Invariant 4.
    pub(super) fn check(&self) -> SqlResult<()> {
        if !self.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        let text = format!(
            "The rows of the table '{}' are lost: a change could not be taken back because the temporary spill file could not be read.",
            self.name
        );
        Err(SqlError::with_text(1105, 17, text))
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Adds whole rows that no statement takes back: parameters, rows of triggers.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be written.
    pub fn append(&self, new: &[Vec<Value>]) -> SqlResult<()> {
        for some in new.chunks(STEP) {
            self.append_with(some.len(), |i, out| self.codec.encode(&some[i], out))?;
        }
        Ok(())
    }

    /// Adds the rows of a batch of the table's columns likewise.
    ///
    /// # Errors
    /// As [`MemoryRows::append`].
    pub fn append_batch(&self, batch: &Batch) -> SqlResult<()> {
        self.codec.check(batch)?;
        self.append_with(batch.len, |i, out| {
            self.codec.encode_row(batch, i, out);
            Ok(())
        })
    }

    fn append_with(
        &self,
        count: usize,
        values: impl Fn(usize, &mut Vec<u8>) -> SqlResult<()>,
    ) -> SqlResult<()> {
        self.check()?;
        self.pool.make_room()?;
        let first = self.next.fetch_add(count as u64, Ordering::Relaxed);
        let mut entries = Entries::default();
        for i in 0..count {
            entries.make(|out| {
                begin_row(first + i as u64, &[], out);
                values(i, out)
            })?;
        }
        self.inner.write().replace(&self.codec, &Entries::default(), &entries)
    }

    /// Shows the rows of a list in place of its own; the table has no indexes.
    pub fn show(&self, list: &RowList) {
        let mut inner = self.inner.write();
        inner.rows = list.rows.clone();
        self.next.store(list.len() as u64, Ordering::Relaxed);
    }

    /// The identity value last given; NULL before the first.
    pub fn last_identity(&self) -> Value {
        self.identity.as_ref().map_or(Value::Null, |c| c.lock().current())
    }

    pub fn clear(&self) {
        self.inner.write().clear(&self.pool);
        self.lost.store(false, Ordering::Relaxed);
    }

    pub fn len(&self) -> usize {
        self.inner.read().rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be read.
    pub fn values(&self) -> SqlResult<Vec<Vec<Value>>> {
        let types = self.codec.types();
        let mut out = Vec::with_capacity(self.len());
        let mut source = self.all()?;
        while let Some(batch) = source.next_batch()? {
            out.extend((0..batch.len).map(|i| batch.row(i, types)));
        }
        Ok(out)
    }

    /// All rows as batches of all columns.
    pub fn all(&self) -> SqlResult<Box<dyn BatchSource>> {
        let all: Vec<usize> = (0..self.codec.types().len()).collect();
        self.ordered(&all)
    }

    /// The rows in the order a scan yields them.
    pub(super) fn ordered(&self, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        self.check()?;
        let inner = self.inner.read();
        let fill = Fill::new(&self.codec, columns);
        Ok(match inner.clustered() {
            Some(i) => Box::new(scan::KeyScan::new(&i.keys, &inner.rows, None, None, false, fill)),
            None => Box::new(scan::RowScan::new(&inner.rows, None, None, fill)),
        })
    }

    pub(super) fn ignoring_duplicates(&self) -> Vec<i32> {
        let inner = self.inner.read();
        inner.indexes.iter().filter(|i| i.ignore_duplicates).map(|i| i.index_id).collect()
    }

    /// Makes an index of the rows there are.
    ///
    /// # Errors
    /// 1505 for a duplicate key.
    pub(super) fn add_index(&self, index: &IndexDef, ignore_duplicates: bool) -> SqlResult<()> {
        self.check()?;
        let mut new = Index::new(index, self.codec.types(), ignore_duplicates, &self.pool);
        let mut inner = self.inner.write();
        let mut sorter = Sorter::new(&self.pool);
        let mut cursor = Cursor::new(&inner.rows);
        cursor.seek_first()?;
        let mut some = Entries::default();
        loop {
            let last = match cursor.entry() {
                Some(e) => {
                    some.push(e);
                    cursor.advance()?;
                    false
                }
                None => true,
            };
            if last || some.len() == STEP {
                let entries = new.entries_of(&self.codec, &std::mem::take(&mut some))?;
                for e in entries.all().into_iter().filter(|e| !e.is_empty()) {
                    sorter.push(e)?;
                }
            }
            if last {
                break;
            }
        }
        new.keys = sorter.finish()?;
        if new.unique
            && let Some(id) = first_duplicate(&new.keys)?
        {
            let row = inner.find([id].into_iter())?;
            let key = if row.is_empty() { String::new() } else { self.key_text(&new, row.get(0))? };
            let text = format!(
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.{}' and the index name '{}'. The duplicate key value is {key}.",
                self.name, new.name,
            );
            return Err(SqlError::with_text(1505, 16, text));
        }
        inner.indexes.push(new);
        Ok(())
    }

    pub(super) fn drop_index(&self, id: i32) {
        self.inner.write().indexes.retain(|i| i.index_id != id);
    }

    /// `(1, abc)` for messages.
    fn key_text(&self, index: &Index, entry: &[u8]) -> SqlResult<String> {
        let mut decoder = Decoder::new(&self.codec, index.ordinals.iter().copied());
        decoder.push(RowEntry::of(entry)?.values)?;
        let columns = decoder.take();
        let context = crate::context::ExecContext::plain();
        let part = |&o: &usize| {
            let ty = self.codec.types()[o];
            let value = columns.get(o).and_then(|c| c.as_ref()).map_or(Value::Null, |c| c.value(0, &ty));
            crate::procedure::query::value_text(&value, ty, &context)
        };
        let parts: Vec<String> = index.ordinals.iter().map(part).collect();
        Ok(format!("({})", parts.join(", ")))
    }

    pub(super) fn duplicate(&self, index: &Index, entry: &[u8]) -> SqlResult<SqlError> {
        let key = self.key_text(index, entry)?;
        let object = format!("dbo.{}", self.name);
        Ok(match index.constraint {
            Some(kind) => SqlError::new(2627, &[&kind, &index.name, &object, &key]),
            None => SqlError::new(2601, &[&object, &index.name, &key]),
        })
    }

    /// Enters rows with their index entries, which were looked at before. `keys`: as in [`NewKeys::meet`].
    pub(super) fn enter(&self, inner: &mut Inner, rows: &[&[u8]], keys: &[Vec<&[u8]>]) -> SqlResult<()> {
        inner.rows.insert_sorted(rows)?;
        for (index, keys) in inner.indexes.iter_mut().zip(keys) {
            index.keys.insert_sorted(keys)?;
        }
        Ok(())
    }

    /// Puts rows in the place of others with the same ids; of the index entries only those that differ.
    pub(super) fn replace_rows(
        &self,
        inner: &mut Inner,
        gone: &Entries,
        come: &Entries,
        keys: &[(Entries, Entries)],
    ) -> SqlResult<()> {
        // Rows first: taking back takes out the keys of the rows that it finds.
        inner.exchange(gone, come)?;
        for (index, (old, new)) in inner.indexes.iter_mut().zip(keys) {
            let differing = |n: &usize| old.get(*n) != new.get(*n) && !new.get(*n).is_empty();
            let mut some: Vec<&[u8]> = (0..new.len()).filter(differing).map(|n| new.get(n)).collect();
            some.sort_unstable();
            index.keys.insert_sorted(&some)?;
        }
        Ok(())
    }
}

/// The row with the lower id of the first two that have the same key.
fn first_duplicate(keys: &Tree) -> SqlResult<Option<u64>> {
    let mut cursor = Cursor::new(keys);
    cursor.seek_first()?;
    let mut before: Vec<u8> = Vec::new();
    while let Some(e) = cursor.entry() {
        if before.len() == e.len() && key_alone(&before) == key_alone(e) {
            return id_of_key(&before).map(Some);
        }
        before.clear();
        before.extend_from_slice(e);
        cursor.advance()?;
    }
    Ok(None)
}
