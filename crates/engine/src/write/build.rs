//! Building a nonclustered index from the rows that a table has: entries are sorted, then leaves are filled one behind the other.
//!
//! Invariants
//! 1. The caller holds a lock that keeps others from reading and changing the table until its transaction ends, so the tree is this
//!    transaction's alone ([`super::bulk`], invariant 1), and rows are read without locks.
//! 2. Entries come back from the sort in the order of the tree's keys. What does not is an error: no tree is made out of order.
//! 3. Two entries of a unique index with the same key stand beside each other in that order.
//! 4. What is held in memory beside the sort is a few pages.

use std::cmp::Ordering;

use holdfast_base::Rid;
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::writer::RecordShape;
use holdfast_format::record::{Field, PageRows, Row, RowLayout};
use holdfast_format::{FormatError, PageSource, allocation::iam, btree};
use holdfast_storage::recovery::RecoveryError;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::bulk::Numbers;
use super::row::{self, LARGEST_IN_ROW, MAX_ROW, Stored};
use super::table::{Base, From, Index, LONGEST_NONCLUSTERED_KEY, StoredWriter, fields_of, internal};
use super::tree::{Tree, standalone};
use super::writing::failure;
use super::{TableWriter, WriteContext, bookmark};
use crate::lock::LockError;
use crate::stored::key;
use crate::stored::live::Reading;
use crate::stored::table::RowsetAccess;

/// Rows looked up under one gate.
const STEP: usize = 64;
/// Bytes of entries that are entered under one gate: some pages.
pub(super) const STEP_BYTES: usize = 1 << 16;
/// Bytes of a page for rows and their slots.
pub(super) const PAGE_ROOM: usize = 8096;

/// Bytes of a leaf that FILLFACTOR leaves free.
pub(super) fn kept_free(fill: u8) -> usize {
    match fill {
        1..=99 => PAGE_ROOM * usize::from(100 - fill) / 100,
        _ => 0,
    }
}

/// A column by which entries are sorted.
#[derive(Clone, Copy, Debug)]
pub struct SortColumn {
    pub ty: SqlType,
    pub descending: bool,
}

/// Brings entries into order, in bounded memory. Who runs statements has such.
pub trait Sorting {
    /// Takes an entry under the values of its sort columns.
    fn push(&mut self, key: &[Value], entry: &[u8]) -> SqlResult<()>;

    /// Appends the next entry in order to `out`; `false` at the end. Nothing comes in any more after the first.
    fn next(&mut self, out: &mut Vec<u8>) -> SqlResult<bool>;
}

/// Makes a sort by some columns.
pub type NewSorting<'a> = &'a dyn Fn(&[SortColumn]) -> Box<dyn Sorting>;

/// One partition of the table, or all of it.
struct Part<'w> {
    writer: &'w StoredWriter,
    index: &'w Index,
    /// The first part whose entries are in the same tree: an index need not be partitioned as its table is.
    tree: usize,
    base: &'w RowsetAccess,
    /// Keys may be longer than allowed.
    long_keys: bool,
    _reading: Reading,
}

/// An index in the making.
pub struct IndexBuild<'w> {
    parts: Vec<Part<'w>>,
    sorting: Box<dyn Sorting>,
    key: Vec<Value>,
    entry: Vec<u8>,
}

fn unreadable(error: FormatError) -> SqlError {
    crate::page_error(&error)
}

impl<'w> Part<'w> {
    fn new(writer: &'w StoredWriter, index_id: i32) -> SqlResult<Self> {
        writer.check()?;
        let index = writer.indexes.iter().find(|i| i.index_id == index_id);
        let index = index.ok_or_else(|| SqlError::not_supported("Filling this kind of index"))?;
        let base = match &writer.base {
            Base::Heap(heap) => &heap.access,
            Base::Tree { tree, .. } => &tree.access,
        };
        let long_keys = index.tree.longest_key() > LONGEST_NONCLUSTERED_KEY;
        let reading = writer.base_live().read();
        Ok(Part { writer, index, tree: 0, base, long_keys, _reading: reading })
    }

    /// The entry of a row, where all of it is in the row and stays in the entry.
    fn plain_entry(
        &self,
        row: &Row<'_>,
        address: &[u8; 8],
        scratch: &mut Vec<Vec<u8>>,
    ) -> SqlResult<Option<Vec<u8>>> {
        let (layout, base) = (self.index.tree.layout(), &self.base.layout);
        if self.long_keys {
            return Ok(None);
        }
        scratch.resize_with(self.index.fields.len(), Vec::new);
        let mut fields = Vec::with_capacity(self.index.fields.len());
        let mut plain = 0;
        for ((from, column), scratch) in self.index.fields.iter().zip(&layout.columns).zip(scratch) {
            let field = match from {
                From::Nothing => Field::Null,
                From::Rid => Field::Bytes(address),
                From::Base(position) if *position >= base.columns.len() => return Ok(None),
                From::Base(position) => {
                    let field = row.field(base, *position, false, scratch);
                    match field.map_err(|e| failure(&internal(e.what)))? {
                        // Older than the column, which may have a default.
                        Field::Complex(_) | Field::Missing => return Ok(None),
                        field => field,
                    }
                }
            };
            if let Field::Bytes(bytes) = field {
                if column.is_large() && bytes.len() > LARGEST_IN_ROW {
                    return Ok(None);
                }
                plain += bytes.len();
            }
            fields.push(field);
        }
        if plain > MAX_ROW {
            return Ok(None);
        }
        let record = row::record_of(layout, &fields, RecordShape::IndexLeaf);
        let record = record.map_err(|e| failure(&internal(e.what)))?;
        Ok(Some(record).filter(|r| r.len() <= MAX_ROW))
    }

    /// All fields of a row.
    fn fields(&self, rows: &PageRows<'_>, slot: u16) -> SqlResult<Vec<Stored>> {
        let record = standalone(rows, slot, &self.base.layout).map_err(unreadable)?;
        let absent = self.writer.absent().map_err(|e| failure(&e))?;
        fields_of(&self.base.layout, &record, absent).map_err(|e| failure(&e))
    }

    /// Makes the entry of a row from its fields; values of it may go to pages of the index.
    fn settled_entry(
        &self,
        write: WriteContext<'_>,
        fields: &[Stored],
        rid: Option<Rid>,
    ) -> SqlResult<Vec<u8>> {
        let writer = self.writer;
        let source = &**writer.writing.logged.pages();
        let mut entry = writer.whole_entry(source, self.index, fields, rid)?;
        let joined = writer.writing.join(write.transaction)?;
        let mut log = joined.part()?.log.lock();
        let mut change = writer.gate()?;
        writer.entry_record(&mut change, &mut log, self.index, &mut entry)
    }

    fn entry_row<'e>(&self, entry: &'e [u8]) -> SqlResult<Row<'e>> {
        entry_row(self.index.tree.layout(), entry)
    }
}

fn entry_row<'e>(layout: &RowLayout, entry: &'e [u8]) -> SqlResult<Row<'e>> {
    let pminlen = row::fixed_length(layout, RecordShape::IndexLeaf);
    Row::parse(entry, true, pminlen).map_err(|e| failure(&internal(e.what)))
}

impl<'w> IndexBuild<'w> {
    /// # Errors
    /// When the table or the index cannot be changed.
    pub fn new(table: &'w dyn TableWriter, index_id: i32, sorting: NewSorting<'_>) -> SqlResult<Self> {
        let mut parts: Vec<Part<'w>> = Vec::new();
        for writer in table.stored_parts() {
            let mut part = Part::new(writer, index_id)?;
            let rowset = part.index.tree.access.rowset;
            let same = parts.iter().position(|p| p.index.tree.access.rowset == rowset);
            part.tree = same.unwrap_or(parts.len());
            parts.push(part);
        }
        let Some(first) = parts.first() else {
            return Err(SqlError::not_supported("An index on this table"));
        };
        // The tree goes first where there are several, so that one sort does for all.
        let mut columns = Vec::new();
        if parts.len() > 1 {
            columns.push(SortColumn { ty: SqlType::INT, descending: false });
        }
        let keys = first.index.tree.keys.iter();
        columns.extend(keys.map(|k| SortColumn { ty: k.ty, descending: k.descending }));
        Ok(IndexBuild { sorting: sorting(&columns), parts, key: Vec::new(), entry: Vec::new() })
    }

    fn push(&mut self, number: usize, record: &[u8]) -> SqlResult<()> {
        let Some(part) = self.parts.get(number) else { return Err(failure(&internal("no such partition"))) };
        let tree = &part.index.tree;
        self.key.clear();
        if self.parts.len() > 1 {
            self.key.push(Value::Int(part.tree as i32));
        }
        let source = &**part.writer.writing.logged.pages();
        self.key.extend(tree.key_of(source, &part.entry_row(record)?, false).map_err(unreadable)?);
        self.entry.clear();
        self.entry.extend_from_slice(&(part.tree as u32).to_le_bytes());
        self.entry.extend_from_slice(record);
        self.sorting.push(&self.key, &self.entry)
    }

    /// Takes the entries of all rows.
    ///
    /// # Errors
    /// Those of the pages and of the sort; 1946.
    pub fn read(&mut self, write: WriteContext<'_>) -> SqlResult<()> {
        let mut scratch = Vec::new();
        for number in 0..self.parts.len() {
            let Some(part) = self.parts.get(number) else { continue };
            let (writer, base) = (part.writer, part.base);
            let source = &**writer.writing.logged.pages();
            let pages = match base.heap {
                true => iam::unit_pages(source, base.first_iam()),
                false => base.live.stable(|| btree::leaf_ids(source, base.root(), true)),
            };
            for page in pages.map_err(unreadable)? {
                if write.wait.is_cancelled() {
                    return Err(LockError::Cancelled.into());
                }
                self.read_page(write, number, source, page, &mut scratch).map_err(|e| writer.named(e))?;
            }
        }
        Ok(())
    }

    fn read_page(
        &mut self,
        write: WriteContext<'_>,
        number: usize,
        source: &dyn PageSource,
        page: holdfast_base::PageId,
        scratch: &mut Vec<Vec<u8>>,
    ) -> SqlResult<()> {
        let image = source.page(page).map_err(unreadable)?;
        let view = PageView::new(&image);
        view.expect_id(page).map_err(unreadable)?;
        if !view.is(PageType::Data) {
            let found = view.page_type();
            return Err(unreadable(FormatError::PageType { page, found, expected: "data" }));
        }
        let rows = PageRows::new(view).map_err(unreadable)?;
        for slot in 0..rows.len() {
            let Some(row) = rows.row(slot).map_err(unreadable)? else { continue };
            if !matches!(row.kind(), RowKind::Row | RowKind::Forwarded) {
                continue;
            }
            let rid = row.back_pointer().unwrap_or(Rid { page, slot });
            let Some(part) = self.parts.get(number) else { continue };
            let record = match part.plain_entry(&row, &rid.to_bytes(), scratch)? {
                Some(record) => record,
                None => {
                    part.settled_entry(write, &part.fields(&rows, slot)?, part.base.heap.then_some(rid))?
                }
            };
            self.push(number, &record)?;
        }
        Ok(())
    }

    /// Takes the entries of some rows, as far as they are still there. `rows`: what they are, with the computed columns that only
    /// indexes hold.
    ///
    /// # Errors
    /// As [`IndexBuild::read`].
    pub fn add(&mut self, write: WriteContext<'_>, marks: &[Vec<u8>], rows: &[Vec<Value>]) -> SqlResult<()> {
        for (step, some) in marks.chunks(STEP).enumerate() {
            let mut found = Vec::with_capacity(some.len());
            for mark in some {
                let (number, mark) = match self.parts.len() {
                    1 => (0, &**mark),
                    _ => bookmark::partition(mark).map_err(unreadable)?,
                };
                let Some(part) = self.parts.get(number) else {
                    return Err(failure(&internal("no such partition")));
                };
                let (_, place) = bookmark::open(mark).map_err(unreadable)?;
                let change = part.writer.gate()?;
                found.push((number, part.writer.current(&change, place).map_err(|e| failure(&e))?));
            }
            for (n, (number, current)) in found.into_iter().enumerate() {
                let (Some(mut current), Some(part)) = (current, self.parts.get(number)) else { continue };
                let writer = part.writer;
                let whole = rows.get(step * STEP + n).map(Vec::as_slice);
                current.fields.extend(writer.apart_fields(whole)?);
                let record = part.settled_entry(write, &current.fields, current.rid);
                self.push(number, &record.map_err(|e| writer.named(e))?)?;
            }
        }
        Ok(())
    }

    /// Fills the index with the entries taken. `fill`: percent of a leaf that they take; 0 is 100.
    ///
    /// # Errors
    /// 2601 or 2627 for two entries with the key of a unique index; those of the sort and of the pages.
    pub fn enter(mut self, write: WriteContext<'_>, fill: u8) -> SqlResult<()> {
        let keep = kept_free(fill);
        let mut entries = Entries::default();
        let mut last: Option<(usize, Vec<u8>)> = None;
        let mut more = true;
        while more {
            if write.wait.is_cancelled() {
                return Err(LockError::Cancelled.into());
            }
            entries.clear();
            while more && entries.size() < STEP_BYTES {
                more = self.sorting.next(&mut entries.bytes)?;
                if more {
                    entries.end();
                }
            }
            let mut from = 0;
            while from < entries.len() {
                let (tree, _) = tree_and_record(entries.get(from))?;
                let mut some = Vec::new();
                while from < entries.len() {
                    let (other, record) = tree_and_record(entries.get(from))?;
                    if other != tree {
                        break;
                    }
                    some.push(record);
                    from += 1;
                }
                let part = self.parts.get(tree).ok_or_else(|| failure(&internal("no such partition")))?;
                let before = last.as_ref().filter(|l| l.0 == tree).map(|l| &*l.1);
                part.in_order(before, &some)?;
                part.append(write, &some, keep).map_err(|e| part.writer.named(e))?;
                last = some.last().map(|entry| (tree, entry.to_vec()));
            }
        }
        Ok(())
    }
}

/// What is sorted: the number of the tree (4 bytes), and the record.
fn tree_and_record(entry: &[u8]) -> SqlResult<(usize, &[u8])> {
    let entry = entry.split_first_chunk::<4>();
    let (tree, record) = entry.ok_or_else(|| failure(&internal("a sorted entry is cut off")))?;
    Ok((u32::from_le_bytes(*tree) as usize, record))
}

/// Byte strings one behind the other.
#[derive(Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Entries {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What was put behind the last one is one more.
    fn end(&mut self) {
        self.ends.push(self.bytes.len());
    }

    pub fn push(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
        self.end();
    }

    pub fn get(&self, n: usize) -> &[u8] {
        let start = n.checked_sub(1).and_then(|n| self.ends.get(n)).copied().unwrap_or(0);
        let end = self.ends.get(n).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or(&[])
    }
}

impl Part<'_> {
    /// Invariants 2 and 3.
    fn in_order(&self, before: Option<&[u8]>, entries: &[&[u8]]) -> SqlResult<()> {
        let tree = &*self.index.tree;
        let is_uniquifier = |p: usize| tree.layout().columns.get(p).is_some_and(|c| c.is_uniquifier());
        let plain = tree.keys.iter().all(|k| !is_uniquifier(k.position));
        let numbers = if plain { Numbers::of(tree) } else { None };
        let key_of = |entry: &[u8]| {
            let source = &**self.writer.writing.logged.pages();
            tree.key_of(source, &entry_row(tree.layout(), entry)?, false).map_err(unreadable)
        };
        let mut last = before;
        let mut last_key = match (&numbers, before) {
            (None, Some(entry)) => Some(key_of(entry)?),
            _ => None,
        };
        for entry in entries {
            let mut order = Ordering::Greater;
            if let Some(numbers) = &numbers {
                order = last.map_or(order, |last| numbers.compare(entry, last));
            } else {
                let key = key_of(entry)?;
                order = last_key.as_ref().map_or(order, |last| compare(tree, &key, last));
                last_key = Some(key);
            }
            match order {
                Ordering::Greater => {}
                Ordering::Equal if self.index.unique => {
                    let key = key_of(entry)?;
                    let declared = &key[..self.index.declared.min(key.len())];
                    return Err(self.writer.duplicate(
                        &self.index.name,
                        self.index.constraint,
                        tree,
                        declared,
                    ));
                }
                _ => {
                    let what = format!("entries of index '{}' were sorted in another order", self.index.name);
                    return Err(failure(&RecoveryError::Database { what }));
                }
            }
            last = Some(entry);
        }
        Ok(())
    }

    /// Puts entries behind all that the tree has.
    fn append(&self, write: WriteContext<'_>, entries: &[&[u8]], keep: usize) -> SqlResult<()> {
        let (writer, tree) = (self.writer, &self.index.tree);
        let joined = writer.writing.join(write.transaction)?;
        let mut log = joined.part()?.log.lock();
        let mut change = writer.gate()?;
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let row = self.entry_row(first)?;
            let key = tree.key_of(change.source(), &row, false).map_err(unreadable)?;
            let mut fields = Vec::new();
            bookmark::key_fields(&row, tree.layout(), &tree.positions(), false, &mut fields)
                .map_err(|e| failure(&internal(e.what)))?;
            // As many as a page can hold at most.
            let mut bytes = 0;
            let fits = rest.iter().take_while(|r| {
                bytes += r.len() + 2;
                bytes <= PAGE_ROOM
            });
            let some = rest.get(..fits.count().max(1)).unwrap_or(rest);
            let count = tree.append(&mut change, &mut log, &key, &fields, some, keep, &|_| Ok(()));
            let count = count.map_err(|e| failure(&e))?;
            if count == 0 {
                let what = format!("index '{}' was not empty when it was filled", self.index.name);
                return Err(failure(&RecoveryError::Database { what }));
            }
            rest = rest.get(count..).unwrap_or(&[]);
        }
        Ok(())
    }
}

/// Order of two keys of a tree.
pub(super) fn compare(tree: &Tree, a: &[Value], b: &[Value]) -> Ordering {
    for (k, (x, y)) in tree.keys.iter().zip(a.iter().zip(b)) {
        let order = key::compare(&k.ty, x, y);
        if order != Ordering::Equal {
            return if k.descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}
