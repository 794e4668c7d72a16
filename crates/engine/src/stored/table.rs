//! A stored table: its rowsets (one per partition) and indexes, and the plans that turn them into batches.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::catalog::SystemTables;
use holdfast_format::record::layout::column_status;
use holdfast_format::record::{Field, RowLayout};
use holdfast_format::{FormatError, PageSource, allocation::iam};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::live::{LiveRowset, LiveRowsets};
use super::read::{RowNames, RowReader};
use super::scan::{PageList, PageScan};
use super::way::Ways;
use super::{heap_seek, sample, seek, snapshot};
use crate::access::{
    BOOKMARK, BOOKMARK_TYPE, BatchSource, EntryKey, KeyRange, ReadContext, ReadIntent, TableAccess,
};
use crate::database::partition::Partitioned;
use crate::decode::column::{BookmarkPlace, BookmarkPlan, ColumnPlan};
use crate::error::damaged;
use crate::write::{StoredWriter, TableWriter, Writing, bookmark};

/// The pages of a database and its storage catalog.
#[derive(Clone)]
pub struct Store {
    /// Name of the database, for messages.
    pub database: Arc<str>,
    pub source: Arc<dyn PageSource>,
    pub tables: Arc<SystemTables>,
    pub live: Arc<LiveRowsets>,
    /// `None`: the database is only read.
    pub writing: Option<Arc<Writing>>,
    /// The moment before the catalogue was read ([`crate::write::definitions`]).
    pub as_of: u64,
}

/// One rowset: a heap or B-tree, of one partition.
#[derive(Clone, Debug)]
pub struct RowsetAccess {
    pub rowset: u64,
    pub layout: Arc<RowLayout>,
    /// Where its pages begin.
    pub live: Arc<LiveRowset>,
    /// Heap: rows in allocation order.
    pub heap: bool,
    /// Per table column: position in the layout.
    pub positions: Arc<[Option<usize>]>,
    /// Per table column: what records older than the column hold.
    pub missing: Arc<[Value]>,
    pub compression: u8,
    /// Of a partitioned table's heap or clustered index: which one it is, from 0.
    pub partition: Option<u16>,
}

impl RowsetAccess {
    /// Null for a rowset without pages.
    pub fn root(&self) -> PageId {
        self.live.in_row.root()
    }

    pub fn first_iam(&self) -> PageId {
        self.live.in_row.first_iam()
    }
}

/// A key column of an index.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Position in the index rowset's layout.
    pub position: usize,
    pub ty: SqlType,
    pub descending: bool,
    /// Position in the table's columns; `None` for the row locator and the uniquifier.
    pub ordinal: Option<usize>,
}

/// An index that can be sought.
#[derive(Clone, Debug)]
pub struct StoredIndex {
    pub index_id: i32,
    pub name: Arc<str>,
    /// Leaf rows are the table's rows.
    pub clustered: bool,
    /// Key columns as declared, in key order; of a clustered index with the uniquifier.
    pub keys: Arc<[StoredKey]>,
    /// The key by which any two entries are told apart: of an index that is not unique, with what names the row. A reader that
    /// comes back to its place comes back by this one.
    pub entry_keys: Arc<[StoredKey]>,
    /// No two entries have the same key.
    pub unique: bool,
    /// One per partition.
    pub rowsets: Vec<RowsetAccess>,
    /// Layout positions of the row locator in the leaf: a RID, or the clustered key.
    pub locator: Locator,
    /// The order can be reproduced, so seeks are allowed.
    pub usable: bool,
    /// Partitioned as its table is.
    pub aligned: bool,
}

/// [`StoredIndex::entry_keys`] of a nonclustered index with these declared keys.
pub(crate) fn entry_keys(
    declared: &[StoredKey],
    unique: bool,
    layout: &RowLayout,
    locator: &Locator,
    clustered: Option<&StoredIndex>,
) -> Vec<StoredKey> {
    let mut keys = declared.to_vec();
    if unique {
        return keys;
    }
    let mut add = |position: usize, ty: SqlType, ordinal: Option<usize>| {
        if keys.iter().all(|k| k.position != position) {
            let descending = layout.columns.get(position).is_some_and(|c| c.is_descending());
            keys.push(StoredKey { position, ty, descending, ordinal });
        }
    };
    match (locator, clustered) {
        (Locator::Rid(position), _) => {
            add(*position, SqlType { id: TypeId::Binary, length: 8, ..SqlType::NULL }, None);
        }
        (Locator::Key(positions), Some(clustered)) => {
            for (position, key) in positions.iter().zip(clustered.keys.iter()) {
                add(*position, key.ty, key.ordinal);
            }
        }
        _ => {}
    }
    keys
}

/// How a nonclustered leaf names its row.
#[derive(Clone, Debug)]
pub enum Locator {
    /// Clustered: the row is here.
    Row,
    /// Position of the 8-byte RID.
    Rid(usize),
    /// Position of each clustered key column, in clustered key order.
    Key(Arc<[usize]>),
}

/// A read that goes on, in a database that is also changed.
struct Guard(Option<super::live::Reading>);

impl Guard {
    fn over(self, source: Box<dyn BatchSource>) -> Box<dyn BatchSource> {
        match self.0 {
            Some(reading) => Box::new(Guarded { source, _reading: reading }),
            None => source,
        }
    }
}

struct Guarded {
    source: Box<dyn BatchSource>,
    _reading: super::live::Reading,
}

impl BatchSource for Guarded {
    fn next_batch(&mut self) -> SqlResult<Option<holdfast_types::Batch>> {
        self.source.next_batch()
    }
}

/// A table's rows.
#[derive(Clone)]
pub struct StoredTable {
    pub store: Arc<Store>,
    pub object_id: i32,
    pub name: Arc<str>,
    pub types: Vec<SqlType>,
    /// Names of the columns, for messages.
    pub names: Vec<Arc<str>>,
    /// Per column: computed and not stored.
    pub computed: Vec<bool>,
    pub base: Vec<RowsetAccess>,
    pub indexes: Vec<StoredIndex>,
    /// How the rowsets of the base share the rows, where they are read together.
    pub partitioned: Option<Arc<Partitioned>>,
    pub writer: Option<Arc<StoredWriter>>,
    /// LOCK_ESCALATION = DISABLE.
    pub keeps_row_locks: bool,
    /// Values of MAX types lie on pages of their own, however short.
    pub large_out_of_row: bool,
    pub ways: Ways,
}

impl StoredTable {
    /// Says that the table is being read, so that no page is taken out of its trees; see [`live::LiveRowset::read`].
    fn reading(&self) -> Guard {
        let written = self.store.writing.is_some();
        Guard(self.base.first().filter(|_| written).map(|rowset| rowset.live.read()))
    }

    /// 926 after a failure of the log or the files: memory may hold what was never acknowledged.
    fn usable(&self) -> SqlResult<()> {
        match &self.writer {
            Some(w) if w.writing.logged.has_failed() => Err(SqlError::new(926, &[&w.writing.logged.name()])),
            Some(w) => w.writing.readable(),
            None => Ok(()),
        }
    }

    pub(super) fn source(&self) -> &dyn PageSource {
        &*self.store.source
    }

    /// The plan for reading `columns` out of `rowset`.
    pub(super) fn plans(&self, rowset: &RowsetAccess, columns: &[usize]) -> SqlResult<Vec<ColumnPlan>> {
        if rowset.compression > 2 {
            return Err(SqlError::not_supported(format!(
                "Reading the columnstore index of table '{}'",
                self.name
            )));
        }
        columns
            .iter()
            .map(|&ordinal| {
                if ordinal == BOOKMARK {
                    return self.bookmark_plan(rowset);
                }
                // Entries of indexes may hold what rows do not.
                let held = rowset.positions.get(ordinal).copied().flatten().is_some();
                let (Some(ty), false) = (self.types.get(ordinal), self.is_computed(ordinal) && !held) else {
                    let name = self.names.get(ordinal).map_or("", |n| n);
                    return Err(SqlError::not_supported(format!(
                        "Reading the computed column '{name}' of table '{}' from storage",
                        self.name
                    )));
                };
                let position = rowset.positions.get(ordinal).copied().flatten();
                let physical = position.and_then(|p| rowset.layout.columns.get(p));
                let reason = match physical {
                    None => Some("a column set"),
                    Some(c) if c.status & column_status::FILESTREAM != 0 => Some("a FILESTREAM column"),
                    Some(_) if ty.id == TypeId::Json => Some("a json column in binary form"),
                    Some(_) => None,
                };
                if let Some(reason) = reason {
                    let name = self.names.get(ordinal).map_or("", |n| n);
                    let table = &self.name;
                    return Err(SqlError::not_supported(format!(
                        "Reading {reason} ('{name}' of table '{table}')"
                    )));
                }
                let missing = rowset.missing.get(ordinal).cloned().unwrap_or_default();
                Ok(ColumnPlan { ty: *ty, position, missing, bookmark: None })
            })
            .collect()
    }

    fn bookmark_plan(&self, rowset: &RowsetAccess) -> SqlResult<ColumnPlan> {
        let place = match self.base.first() {
            Some(base) if base.heap => BookmarkPlace::Rid,
            _ => match self.indexes.iter().find(|i| i.clustered) {
                Some(index) => BookmarkPlace::Key(index.keys.iter().map(|k| k.position).collect()),
                None => {
                    let what = format!("Changing table '{}', whose rows have no key,", self.name);
                    return Err(SqlError::not_supported(what));
                }
            },
        };
        let bookmark = Some(Arc::new(BookmarkPlan { place, partition: rowset.partition }));
        Ok(ColumnPlan { ty: BOOKMARK_TYPE, position: None, missing: Value::Null, bookmark })
    }

    /// Type of a column asked for.
    pub(super) fn type_of(&self, ordinal: usize) -> SqlType {
        if ordinal == BOOKMARK {
            BOOKMARK_TYPE
        } else {
            self.types.get(ordinal).copied().unwrap_or(SqlType::NULL)
        }
    }

    fn is_computed(&self, ordinal: usize) -> bool {
        self.computed.get(ordinal).copied().unwrap_or(false)
    }

    /// The pages that hold rows of a rowset, in scan order.
    pub fn row_pages(&self, rowset: &RowsetAccess) -> Result<Vec<PageId>, FormatError> {
        if rowset.heap {
            iam::unit_pages(self.source(), rowset.first_iam())
        } else {
            rowset.live.stable(|| holdfast_format::btree::leaf_ids(self.source(), rowset.root(), true))
        }
    }

    /// `fraction`: of the pages, each in a batch of its own; `None`: all.
    fn open_scan(
        &self,
        read: &ReadContext,
        columns: &[usize],
        parts: usize,
        fraction: Option<f64>,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        if self.base.is_empty() {
            return Err(SqlError::not_supported(format!(
                "Reading table '{}', which keeps no rows in data pages (memory-optimized or external),",
                self.name
            )));
        }
        let mut work: Vec<(usize, PageId)> = Vec::new();
        let mut plans = Vec::with_capacity(self.base.len());
        // First the lock, then the list: what comes while this waits is in pages that an older list does not have.
        let reader = RowReader::open(self, read)?.map(Arc::new);
        for (index, rowset) in self.base.iter().enumerate() {
            plans.push(Arc::new((rowset.layout.clone(), self.plans(rowset, columns)?)));
            work.extend(self.row_pages(rowset).map_err(damaged)?.into_iter().map(|page| (index, page)));
        }
        let types: Arc<[SqlType]> = columns.iter().map(|&c| self.type_of(c)).collect();
        let tree = |r: &RowsetAccess| (!r.heap).then(|| Arc::clone(&r.live));
        let trees = self.base.iter().map(tree).collect();
        // No more parts than there are runs of pages to share.
        let list = Arc::new(match fraction {
            Some(fraction) => PageList::some(sample::pages(work, fraction)),
            None => PageList::new(work, trees),
        });
        let parts = parts.clamp(1, list.runs());
        let names: Arc<[RowNames]> = self.base.iter().map(|r| RowNames::of_base(self, r)).collect();
        let sources = (0..parts)
            .map(|_| {
                let source = self.store.source.clone();
                let locking = reader.clone().map(|r| (r, Arc::clone(&names)));
                Box::new(PageScan::new(source, plans.clone(), types.clone(), list.clone(), locking))
                    as Box<dyn BatchSource>
            })
            .collect();
        Ok(sources)
    }
}

impl StoredTable {
    /// Rows that are locked one by one are read by key where they have one: their slots change while they are read.
    fn one_by_one(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Option<Box<dyn BatchSource>>> {
        if read.intent == ReadIntent::Read || self.store.writing.is_none() {
            return Ok(None);
        }
        match self.indexes.iter().find(|i| i.clustered && i.usable) {
            Some(index) => seek::open(self, read, index.index_id, KeyRange::all(), columns, false).map(Some),
            None => Ok(None),
        }
    }
}

/// The table that counts its reads and how it is read, when somebody wants to know.
fn counted(table: &StoredTable, read: &ReadContext) -> Option<(Arc<StoredTable>, ReadContext)> {
    let reads = read.reads.as_ref()?;
    Some((reads.table(table), ReadContext { reads: None, ..read.clone() }))
}

impl TableAccess for StoredTable {
    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        if let Some((counted, read)) = counted(self, read) {
            return counted.scan(&read, columns);
        }
        self.usable()?;
        let reading = self.reading();
        if let Some(seen) = snapshot::open(self, read, None, columns)? {
            return Ok(reading.over(seen));
        }
        if let Some(keyed) = self.one_by_one(read, columns)? {
            return Ok(reading.over(keyed));
        }
        let mut sources = self.open_scan(read, columns, 1, None)?;
        let source = sources.pop();
        let source = source.ok_or_else(|| SqlError::not_supported("Scanning a table without storage"))?;
        Ok(reading.over(source))
    }

    fn parallel_scan(
        &self,
        read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        if let Some((counted, read)) = counted(self, read) {
            return counted.parallel_scan(&read, columns, parts);
        }
        self.usable()?;
        let reading = self.reading();
        if let Some(seen) = snapshot::open(self, read, None, columns)? {
            return Ok(vec![reading.over(seen)]);
        }
        if let Some(keyed) = self.one_by_one(read, columns)? {
            return Ok(vec![reading.over(keyed)]);
        }
        let sources = self.open_scan(read, columns, parts, None)?;
        Ok(sources.into_iter().map(|s| self.reading().over(s)).collect())
    }

    fn scan_some_pages(
        &self,
        read: &ReadContext,
        columns: &[usize],
        fraction: f64,
    ) -> SqlResult<Option<Box<dyn BatchSource>>> {
        self.usable()?;
        let reading = self.reading();
        if snapshot::seen(self, read)?.is_some() || read.intent != ReadIntent::Read {
            return Ok(None);
        }
        let source = self.open_scan(read, columns, 1, Some(fraction))?.pop();
        Ok(source.map(|s| reading.over(s)))
    }

    fn seek(
        &self,
        read: &ReadContext,
        index_id: i32,
        range: KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        if let Some((counted, read)) = counted(self, read) {
            return counted.seek(&read, index_id, range, columns, backward);
        }
        self.usable()?;
        let reading = self.reading();
        if let Some(seen) = snapshot::open(self, read, Some((index_id, &range, backward)), columns)? {
            return Ok(reading.over(seen));
        }
        if index_id == 0 {
            return Ok(reading.over(heap_seek::open(self, read, &range, columns, backward)?));
        }
        Ok(reading.over(seek::open(self, read, index_id, range, columns, backward)?))
    }

    fn entry_key(&self, index_id: i32) -> Option<EntryKey> {
        let [base] = self.base.as_slice() else { return None };
        if index_id == 0 {
            let rows = base.heap && base.compression <= 2;
            return rows.then(|| EntryKey { columns: Vec::new(), locator: true });
        }
        let index = self.indexes.iter().find(|i| i.index_id == index_id && i.usable)?;
        if base.compression > 2 || index.rowsets.len() != 1 {
            return None;
        }
        let columns: Vec<usize> = index.entry_keys.iter().map_while(|k| k.ordinal).collect();
        // What is no column of the table is the last part of the key.
        let locator = match index.entry_keys.len() - columns.len() {
            0 => false,
            // Compressed rows keep numbers in other forms.
            1 if base.heap || base.compression == 0 => true,
            _ => return None,
        };
        Some(EntryKey { columns, locator })
    }

    fn locator(&self, bookmark: &[u8]) -> Option<Value> {
        let [base] = self.base.as_slice() else { return None };
        let (_, place) = bookmark::open(bookmark).ok()?;
        if base.heap {
            return Some(Value::binary(place));
        }
        // The uniquifier of a clustered index is the last field of its key; one that is not there is 0.
        match *bookmark::split_fields(place)?.last()? {
            None | Some([]) => Some(Value::Int(0)),
            Some(bytes) => Some(Value::Int(i32::from_le_bytes(bytes.try_into().ok()?))),
        }
    }

    fn row_index(&self) -> Option<i32> {
        let [base] = self.base.as_slice() else { return None };
        let index = if base.heap { 0 } else { self.indexes.iter().find(|i| i.clustered)?.index_id };
        self.entry_key(index).map(|_| index)
    }

    fn row_key(&self, bookmark: &[u8]) -> Option<Vec<Value>> {
        let [base] = self.base.as_slice() else { return None };
        let (_, place) = bookmark::open(bookmark).ok()?;
        if base.heap {
            return Some(vec![Value::binary(place)]);
        }
        let keys = &self.indexes.iter().find(|i| i.clustered)?.keys;
        let fields = bookmark::split_fields(place)?;
        let value = |(key, field): (&StoredKey, &Option<&[u8]>)| {
            let field = match field {
                None if key.ordinal.is_none() => Field::Bytes(&[]),
                None => Field::Null,
                Some(bytes) if key.ty.id == TypeId::Bit => Field::Bit(bytes.first() == Some(&1)),
                Some(bytes) => Field::Bytes(bytes),
            };
            seek::stored_key_value(self.source(), &key.ty, field).ok()
        };
        (keys.len() == fields.len()).then(|| keys.iter().zip(&fields).map(value).collect())?
    }

    fn is_same_row(&self, a: &[u8], b: &[u8]) -> bool {
        matches!((bookmark::open(a), bookmark::open(b)), (Ok((_, x)), Ok((_, y))) if x == y)
    }

    fn size(&self) -> Option<(u64, u64)> {
        self.store.writing.as_ref()?;
        let count = |n: &std::sync::atomic::AtomicI64| {
            n.load(std::sync::atomic::Ordering::Relaxed).max(0).unsigned_abs()
        };
        Some(self.base.iter().fold((0, 0), |(rows, pages), b| {
            (rows + count(&b.live.rows), pages + count(&b.live.in_row.used))
        }))
    }

    fn changes(&self) -> u64 {
        self.base.iter().map(|b| b.live.modifications.since()).sum()
    }

    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        self.writer.clone().map(|w| w as Arc<dyn TableWriter>)
    }
}
