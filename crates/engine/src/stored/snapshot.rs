//! Rows as a snapshot sees them: the pages as they are, with before-images in place of what is too new.
//!
//! Rows come in chunks. A chunk is a piece of an index in key order, or some pages of a heap. It is made of the rows that
//! stand there now and are not too new, and of the older forms of changed rows that belong there.
//!
//! Invariants
//! 1. A chunk is read while nothing of the rowset is noted in the version store, which is looked at before and after, or else
//!    under the write gate. So pages and notes belong together, and so do rows and the pieces of their large values; values whose
//!    pieces went are kept with the versions.
//! 2. Every row belongs to one chunk: by its key as the snapshot sees it, or by its address.
//! 3. Partitions are read one by one, each as a table of its own ([`super::partitioned`]); rows of a columnstore cannot be changed, so
//!    they are read as they are.
//! 4. While rows are read Sch-S keeps the table's definition; what was defined anew since a SNAPSHOT transaction's snapshot is 3961.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{Field, PageRows, Row, RowLayout, fixed_var};
use holdfast_format::{FormatError, PageSource, PageType, PageView, RecordError, btree};
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, TypeId, Value};

use super::heap_seek::{Edge, between, edges};
use super::seek::{compare_row, is_before, key_value, key_values, position, stored_key_value};
use super::table::{Locator, RowsetAccess, StoredIndex, StoredKey, StoredTable};
use crate::access::{BatchSource, Bound, KeyRange, ReadContext, ReadIntent, ReadLevel};
use crate::decode::column::{ColumnPlan, Fields, Records, Target, fill};
use crate::error::damaged;
use crate::lock::manager::Table;
use crate::lock::{Duration, LockMode, LockOwner, Resource};
use crate::version::{Before, KeptValues, Seen, Snapshot};
use crate::write::{Writing, bookmark};

/// Entries of an index, and pages of a heap, in one chunk, at most.
const CHUNK_ROWS: usize = 512;
const CHUNK_PAGES: usize = 8;

/// A row to be answered: its key in the index that is read (nothing for a heap), its address, its record.
struct Found {
    key: Vec<Value>,
    rid: Rid,
    record: Arc<[u8]>,
    /// Large values of an older record that went since.
    kept: KeptValues,
}

/// A field of a record as it was kept, if it points away. What newer versions keep of other columns of theirs is not this record's.
fn kept_field<'r>(field: Field<'r>, kept: &'r KeptValues, position: usize) -> Field<'r> {
    match kept.iter().find(|(at, _)| *at == position) {
        Some((_, value)) if matches!(field, Field::Complex(_)) => {
            value.as_deref().map_or(Field::Null, Field::Bytes)
        }
        _ => field,
    }
}

/// A record that is read with large values from elsewhere.
struct WithKept<'r> {
    row: Row<'r>,
    kept: &'r KeptValues,
}

impl Fields for WithKept<'_> {
    fn record(&self, layout: &RowLayout) -> Result<Cow<'_, [u8]>, RecordError> {
        self.row.record(layout)
    }
    fn key(&self, layout: &RowLayout, positions: &[usize], out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.row.key(layout, positions, out)
    }
    fn home(&self) -> Option<Rid> {
        self.row.home()
    }
    fn field<'s>(
        &'s self,
        layout: &RowLayout,
        position: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Field<'s>, RecordError> {
        Ok(kept_field(Fields::field(&self.row, layout, position, scratch)?, self.kept, position))
    }
}

/// What is read.
enum Place {
    /// Pages still to be read, the next last.
    Heap(Vec<PageId>),
    /// The same one by one, of a range of addresses.
    Addresses {
        pages: Vec<PageId>,
        low: Edge,
        high: Edge,
        backward: bool,
    },
    Index(Box<IndexPlace>),
}

struct IndexPlace {
    rowset: RowsetAccess,
    keys: Arc<[StoredKey]>,
    locator: Locator,
    clustered: bool,
    range: KeyRange,
    backward: bool,
    /// The key up to which rows were answered.
    last: Option<Vec<Value>>,
    done: bool,
    /// Entries of the next chunk.
    most: usize,
}

struct SnapshotRows {
    source: Arc<dyn PageSource>,
    writing: Arc<Writing>,
    owner: LockOwner,
    snapshot: Snapshot,
    base: RowsetAccess,
    base_keys: Arc<[StoredKey]>,
    plans: Vec<ColumnPlan>,
    types: Arc<[SqlType]>,
    place: Place,
    /// Until all is read.
    _definition: Option<DefinitionLock>,
}

/// Sch-S on a table: its definition stays what it is.
struct DefinitionLock {
    writing: Arc<Writing>,
    owner: LockOwner,
    resource: Resource,
}

impl Drop for DefinitionLock {
    fn drop(&mut self) {
        self.writing.locks.release(self.owner, &self.resource);
    }
}

/// Keeps the definition of a table whose row versions are read, if it still is what was planned with (invariant 4).
///
/// # Errors
/// 3961 under SNAPSHOT when it was changed after the snapshot was taken; the one that has the statement planned again.
fn keep_definition(
    table: &StoredTable,
    writing: &Arc<Writing>,
    context: &ReadContext,
    snapshot: &Snapshot,
) -> SqlResult<Option<DefinitionLock>> {
    let owner = context.owner;
    if owner.0 == 0 {
        return Ok(None);
    }
    let resource = Table { database: writing.database_id, object: table.object_id }.resource();
    let own = writing.locks.held(owner, &resource) == LockMode::SchM;
    writing.locks.acquire(owner, &resource, LockMode::SchS, Duration::Transaction, &context.wait)?;
    let lock = DefinitionLock { writing: Arc::clone(writing), owner, resource };
    if context.level == ReadLevel::Snapshot
        && !own
        && writing.definitions.changed_since_snapshot(table.object_id, snapshot.number())
    {
        return Err(SqlError::new(3961, &[&table.store.database]));
    }
    writing.still_defined(table.object_id, &table.name, table.store.as_of, owner)?;
    Ok(Some(lock))
}

/// The snapshot that a reader of the table sees; `None` where it sees the rows as they are.
///
/// # Errors
/// 3952: the database keeps no versions for it.
pub fn seen<'c>(table: &StoredTable, context: &'c ReadContext) -> SqlResult<Option<&'c Snapshot>> {
    let Some(writing) = &table.store.writing else { return Ok(None) };
    if context.intent != ReadIntent::Read {
        return Ok(None);
    }
    let keeping = writing.locks.versions.keeping(writing.database_id);
    match (context.level, &context.snapshot) {
        (ReadLevel::Snapshot, Some(snapshot)) if keeping.snapshot => Ok(Some(snapshot)),
        (ReadLevel::Committed, Some(snapshot)) if keeping.read_committed => Ok(Some(snapshot)),
        (ReadLevel::Snapshot, _) => Err(SqlError::new(3952, &[&table.store.database])),
        _ => Ok(None),
    }
}

/// A source for a reader that sees a snapshot; `None` where the rows may be read as they are.
pub fn open(
    table: &StoredTable,
    context: &ReadContext,
    sought: Option<(i32, &KeyRange, bool)>,
    columns: &[usize],
) -> SqlResult<Option<Box<dyn BatchSource>>> {
    let Some(writing) = &table.store.writing else { return Ok(None) };
    let Some(snapshot) = seen(table, context)? else { return Ok(None) };
    let [base] = table.base.as_slice() else { return Ok(None) };
    // Columnstore.
    if base.compression > 2 {
        return Ok(None);
    }
    let definition = keep_definition(table, writing, context, snapshot)?;
    let clustered = table.indexes.iter().find(|i| i.clustered);
    let index_place = |index: &StoredIndex, range: &KeyRange, backward: bool| -> SqlResult<Place> {
        if !index.usable {
            return Err(SqlError::not_supported(format!(
                "Reading a snapshot by index '{}' of table '{}', whose sort order cannot be reproduced,",
                index.name, table.name
            )));
        }
        let [rowset] = index.rowsets.as_slice() else {
            return Err(SqlError::not_supported("Reading a snapshot by a partitioned index"));
        };
        Ok(Place::Index(Box::new(IndexPlace {
            rowset: rowset.clone(),
            keys: Arc::clone(&index.entry_keys),
            locator: index.locator.clone(),
            clustered: index.clustered,
            range: range.clone(),
            backward,
            last: None,
            done: rowset.root().is_null(),
            most: if context.few { 1 } else { CHUNK_ROWS },
        })))
    };
    let place = match (sought, clustered) {
        (Some((0, range, backward)), _) => {
            let (low, high) = edges(range)?;
            let mut pages = table.row_pages(base).map_err(damaged)?;
            pages.retain(|p| {
                low.is_none_or(|(at, _)| *p >= at.page) && high.is_none_or(|(at, _)| *p <= at.page)
            });
            pages.sort_unstable();
            if !backward {
                pages.reverse();
            }
            Place::Addresses { pages, low, high, backward }
        }
        (Some((id, range, backward)), _) => {
            let index = table.indexes.iter().find(|i| i.index_id == id).ok_or_else(|| {
                let text = format!("Index {id} on table '{}' does not exist.", table.name);
                SqlError::with_text(308, 16, text)
            })?;
            index_place(index, range, backward)?
        }
        (None, Some(index)) => index_place(index, &KeyRange::all(), false)?,
        (None, None) => {
            let mut pages = table.row_pages(base).map_err(damaged)?;
            pages.reverse();
            Place::Heap(pages)
        }
    };
    Ok(Some(Box::new(SnapshotRows {
        source: Arc::clone(&table.store.source),
        writing: Arc::clone(writing),
        owner: context.owner,
        snapshot: snapshot.clone(),
        base: base.clone(),
        base_keys: clustered.map(|i| i.keys.clone()).unwrap_or_default(),
        plans: table.plans(base, columns)?,
        types: columns.iter().map(|&c| table.type_of(c)).collect(),
        place,
        _definition: definition,
    })))
}

fn parse(record: &[u8]) -> Result<Row<'_>, FormatError> {
    Row::parse(record, false, 0).map_err(|e| FormatError::Catalog { what: e.what.to_owned() })
}

impl SnapshotRows {
    fn rowset(&self) -> (i32, i64) {
        (self.writing.database_id, self.base.rowset as i64)
    }

    /// Invariant 1.
    fn consistent<T>(&self, read: impl Fn() -> Result<T, FormatError>) -> SqlResult<T> {
        let versions = &self.writing.locks.versions;
        let (database, rowset) = self.rowset();
        let before = versions.notes(database, rowset);
        if !versions.has_versions(database, rowset) {
            let found = read();
            if versions.notes(database, rowset) == before {
                return found.map_err(damaged);
            }
        }
        let gate = self.writing.logged.change().map_err(|e| crate::write::writing::failure(&e))?;
        let found = read().map_err(damaged);
        drop(gate);
        found
    }

    /// The row as the snapshot sees it, if that is what stands there now.
    fn current(&self, row: &[u8], record: &[u8]) -> bool {
        let (database, rowset) = self.rowset();
        let versions = &self.writing.locks.versions;
        matches!(
            versions.visible(database, rowset, row, Some(record), self.snapshot.number(), self.owner),
            Seen::Current(Some(_))
        )
    }

    /// Rows that the snapshot sees in an older form.
    fn older(&self) -> Vec<(Arc<[u8]>, Before)> {
        let (database, rowset) = self.rowset();
        let versions = &self.writing.locks.versions;
        let (rows, _) = versions.noted_since(database, rowset, 0);
        let mut older: Vec<(Arc<[u8]>, Before)> = rows
            .into_iter()
            .filter_map(|row| {
                match versions.visible(database, rowset, &row, None, self.snapshot.number(), self.owner) {
                    Seen::Before(before) => Some((row, before)),
                    _ => None,
                }
            })
            .collect();
        older.sort_by(|a, b| a.0.cmp(&b.0));
        older.dedup_by(|a, b| a.0 == b.0);
        older
    }

    /// The row's record as it can be read without its page, which is how versions are kept.
    fn record(&self, row: &Row<'_>, at: Rid) -> Result<Vec<u8>, FormatError> {
        let bytes = row.standalone(&self.base.layout).map_err(|e| e.at(at.page, at.slot))?;
        Ok(bytes.into_owned())
    }

    fn heap_chunk(&self, pages: &[PageId]) -> Result<Vec<Found>, FormatError> {
        let mut out = Vec::new();
        for &page in pages {
            let image = self.source.page(page)?;
            let view = PageView::new(&image);
            view.expect_id(page)?;
            view.expect(page, PageType::Data)?;
            let rows = PageRows::new(view)?;
            for slot in 0..rows.len() {
                let Some(row) = rows.row(slot)? else { continue };
                let rid = Rid { page, slot };
                let record = match row.kind() {
                    RowKind::Row => self.record(&row, rid)?,
                    RowKind::Stub => match self.heap_record(rid)? {
                        Some(record) => record,
                        None => continue,
                    },
                    RowKind::Forwarded | RowKind::Ghost => continue,
                };
                if self.current(&rid.to_bytes(), &record) {
                    out.push(Found { key: Vec::new(), rid, record: record.into(), kept: Vec::new() });
                }
            }
        }
        for (row, Before { record, kept }) in self.older() {
            let rid = bookmark::rid(&row)?;
            if pages.contains(&rid.page) {
                out.push(Found { key: Vec::new(), rid, record, kept });
            }
        }
        Ok(out)
    }

    /// The record of a heap's row by its home address.
    fn heap_record(&self, rid: Rid) -> Result<Option<Vec<u8>>, FormatError> {
        let mut at = rid;
        for _ in 0..2 {
            let image = self.source.page(at.page)?;
            let view = PageView::new(&image);
            let rows = PageRows::new(view)?;
            if !view.is(PageType::Data) || at.slot >= rows.len() {
                return Ok(None);
            }
            let Some(row) = rows.row(at.slot)? else { return Ok(None) };
            match row.kind() {
                RowKind::Stub => {
                    let bytes = view.require_record(at.slot)?;
                    at = fixed_var::stub_target(bytes).map_err(|e| e.at(at.page, at.slot))?;
                }
                RowKind::Row | RowKind::Forwarded => return self.record(&row, at).map(Some),
                RowKind::Ghost => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The record of a clustered index's row by its key.
    fn keyed_record(&self, wanted: &[Value]) -> Result<Option<Vec<u8>>, FormatError> {
        let (source, base) = (&*self.source, &self.base);
        let bound = Bound::Included(wanted.to_vec());
        let Some((_, mut image, mut slot)) = position(source, base, &self.base_keys, true, &bound, true)?
        else {
            return Ok(None);
        };
        loop {
            let next = {
                let rows = PageRows::new(PageView::new(&image))?;
                if slot < rows.len() {
                    let Some(row) = rows.row(slot)? else { return Ok(None) };
                    let same = compare_row(source, &row, base, &self.base_keys, wanted, false)?;
                    let there = same == Ordering::Equal && row.kind() == RowKind::Row;
                    let at = Rid { page: rows.view().page_id(), slot };
                    return if there { self.record(&row, at).map(Some) } else { Ok(None) };
                }
                rows.view().next()
            };
            if next.is_null() {
                return Ok(None);
            }
            image = btree::tree_page(source, next)?;
            slot = 0;
        }
    }

    /// The key that a base row has in the index.
    fn index_key(
        &self,
        place: &IndexPlace,
        rid: Rid,
        record: &[u8],
        kept: &KeptValues,
    ) -> Result<Vec<Value>, FormatError> {
        let row = parse(record)?;
        let (source, base) = (&*self.source, &self.base);
        if place.clustered {
            return key_values(source, &row, base, &place.keys, false);
        }
        let with_kept = WithKept { row, kept };
        place
            .keys
            .iter()
            .map(|k| {
                let column = match k.ordinal {
                    Some(ordinal) => base.positions.get(ordinal).copied().flatten(),
                    None => self.base_keys.iter().find(|b| b.ordinal.is_none()).map(|b| b.position),
                };
                match column {
                    Some(position) => {
                        let mut scratch = Vec::new();
                        let field = with_kept.field(&base.layout, position, &mut scratch);
                        let field = field.map_err(|e| FormatError::Catalog { what: e.what.to_owned() })?;
                        stored_key_value(source, &k.ty, field)
                    }
                    None if k.ty.id != TypeId::Int => Ok(Value::binary(&rid.to_bytes())),
                    None => Err(FormatError::catalog("a key column of an index is not in its table")),
                }
            })
            .collect()
    }

    /// Name and record of the base row of an index entry.
    fn base_row(
        &self,
        place: &IndexPlace,
        entry: &Row<'_>,
    ) -> Result<Option<(Vec<u8>, Rid, Vec<u8>)>, FormatError> {
        let source = &*self.source;
        let name = |record: &[u8]| -> Result<Vec<u8>, FormatError> {
            let positions: Vec<usize> = self.base_keys.iter().map(|k| k.position).collect();
            let mut name = Vec::new();
            bookmark::key_fields(&parse(record)?, &self.base.layout, &positions, false, &mut name)
                .map_err(|e| FormatError::Catalog { what: e.what.to_owned() })?;
            Ok(name)
        };
        Ok(match &place.locator {
            Locator::Row => {
                let record = self.record(entry, Rid::default())?;
                Some((name(&record)?, Rid::default(), record))
            }
            Locator::Rid(position) => {
                let mut scratch = Vec::new();
                let field = entry.field(&place.rowset.layout, *position, false, &mut scratch);
                let Ok(Field::Bytes(bytes)) = field else {
                    return Err(FormatError::catalog("an index entry has no row address"));
                };
                let rid = bookmark::rid(bytes)?;
                self.heap_record(rid)?.map(|record| (rid.to_bytes().to_vec(), rid, record))
            }
            Locator::Key(positions) => {
                let mut wanted = Vec::with_capacity(positions.len());
                for (position, k) in positions.iter().zip(self.base_keys.iter()) {
                    wanted.push(key_value(source, entry, &place.rowset, *position, &k.ty, false)?);
                }
                match self.keyed_record(&wanted)? {
                    Some(record) => Some((name(&record)?, Rid::default(), record)),
                    None => None,
                }
            }
        })
    }

    /// The next rows of an index in key order, the key up to which they go, and whether that is the end.
    fn index_chunk(&self, place: &IndexPlace) -> Result<(Vec<Found>, Option<Vec<Value>>, bool), FormatError> {
        let source = &*self.source;
        let (rowset, keys, backward) = (&place.rowset, &place.keys, place.backward);
        let first = match &place.last {
            Some(last) => Bound::Excluded(last.clone()),
            None if backward => place.range.high.clone(),
            None => place.range.low.clone(),
        };
        let end = if backward { &place.range.low } else { &place.range.high };
        let mut out = Vec::new();
        let mut reached = None;
        let mut complete = true;
        let mut seen = 0;
        let mut at = position(source, rowset, keys, place.clustered, &first, !backward)?;
        'pages: while let Some((_, image, mut slot)) = at.take() {
            let rows = PageRows::new(PageView::new(&image))?;
            loop {
                if backward {
                    let Some(s) = slot.checked_sub(1) else { break };
                    slot = s;
                } else if slot >= rows.len() {
                    break;
                }
                let Some(row) = rows.row(slot)? else { break };
                if !backward {
                    slot += 1;
                }
                let before = is_before(end, backward, !backward, |k| {
                    compare_row(source, &row, rowset, keys, k, false)
                })?;
                if before == backward {
                    break 'pages;
                }
                if row.kind() != RowKind::Row {
                    continue;
                }
                let key = key_values(source, &row, rowset, keys, false)?;
                if let Some((name, rid, record)) = self.base_row(place, &row)?
                    && self.current(&name, &record)
                {
                    out.push(Found { key: key.clone(), rid, record: record.into(), kept: Vec::new() });
                }
                seen += 1;
                if seen >= place.most {
                    reached = Some(key);
                    complete = false;
                    break 'pages;
                }
            }
            let next = if backward { rows.view().previous() } else { rows.view().next() };
            if !next.is_null() {
                let image = btree::tree_page(source, next)?;
                let slot = if backward { PageView::new(&image).slot_count() } else { 0 };
                at = Some((next, image, slot));
            }
        }
        let order = |a: &[Value], b: &[Value]| -> Ordering {
            for ((x, y), k) in a.iter().zip(b).zip(keys.iter()) {
                let o = super::key::compare(&k.ty, x, y);
                if o != Ordering::Equal {
                    return if k.descending { o.reverse() } else { o };
                }
            }
            Ordering::Equal
        };
        for (row, Before { record, kept }) in self.older() {
            let rid = if self.base.heap { bookmark::rid(&row)? } else { Rid::default() };
            let key = self.index_key(place, rid, &record, &kept)?;
            let before =
                |bound: &Bound, low: bool, open: bool| is_before(bound, low, open, |k| Ok(order(&key, k)));
            let inside = !before(&place.range.low, true, false)? && before(&place.range.high, false, true)?;
            let after_last = place.last.as_ref().is_none_or(|last| {
                let o = order(&key, last);
                if backward { o == Ordering::Less } else { o == Ordering::Greater }
            });
            let up_to = reached.as_ref().is_none_or(|r: &Vec<Value>| {
                let o = order(&key, r);
                if backward { o != Ordering::Less } else { o != Ordering::Greater }
            });
            if inside && after_last && up_to {
                out.push(Found { key, rid, record, kept });
            }
        }
        out.sort_by(|a, b| if backward { order(&b.key, &a.key) } else { order(&a.key, &b.key) });
        Ok((out, reached, complete))
    }

    fn batch(&self, found: &[Found]) -> Result<Batch, FormatError> {
        let mut targets: Vec<Target> = self.types.iter().map(|ty| Target::new(ty, found.len())).collect();
        for row in found {
            let rows = [(row.rid.slot, WithKept { row: parse(&row.record)?, kept: &row.kept })];
            let records =
                Records { source: &*self.source, layout: &self.base.layout, page: row.rid.page, rows: &rows };
            for (plan, target) in self.plans.iter().zip(targets.iter_mut()) {
                fill(&records, plan, target)?;
            }
        }
        let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
        Ok(Batch::new(found.len(), columns))
    }

    /// Whether a column that is read has its value on pages of its own.
    fn is_large(&self, row: &Found) -> Result<bool, FormatError> {
        let variable = |p: usize| self.base.layout.columns.get(p).is_some_and(|c| c.leaf.offset <= 0);
        let mut positions = self.plans.iter().filter_map(|p| p.position).filter(|p| variable(*p)).peekable();
        if positions.peek().is_none() {
            return Ok(false);
        }
        let (parsed, mut scratch) = (WithKept { row: parse(&row.record)?, kept: &row.kept }, Vec::new());
        Ok(positions
            .any(|p| matches!(parsed.field(&self.base.layout, p, &mut scratch), Ok(Field::Complex(_)))))
    }

    /// The rows found as a batch, where that has to be made as long as they are found: the pieces of a large value may go with the
    /// next change of its row.
    fn large(&self, found: &[Found]) -> Result<Option<Batch>, FormatError> {
        for row in found {
            if self.is_large(row)? {
                return self.batch(found).map(Some);
            }
        }
        Ok(None)
    }
}

impl BatchSource for SnapshotRows {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            let (found, large) = match &mut self.place {
                Place::Heap(pages) => {
                    if pages.is_empty() {
                        return Ok(None);
                    }
                    let from = pages.len().saturating_sub(CHUNK_PAGES);
                    let chunk: Vec<PageId> = pages.drain(from..).rev().collect();
                    self.consistent(|| {
                        let found = self.heap_chunk(&chunk)?;
                        let large = self.large(&found)?;
                        Ok((found, large))
                    })?
                }
                Place::Addresses { pages, low, high, backward } => {
                    let Some(page) = pages.pop() else { return Ok(None) };
                    let (low, high, backward) = (*low, *high, *backward);
                    self.consistent(|| {
                        let mut found = self.heap_chunk(&[page])?;
                        found.retain(|f| between(f.rid, &low, &high));
                        found.sort_by_key(|f| f.rid);
                        if backward {
                            found.reverse();
                        }
                        let large = self.large(&found)?;
                        Ok((found, large))
                    })?
                }
                Place::Index(place) => {
                    if place.done {
                        return Ok(None);
                    }
                    let Place::Index(place) = &self.place else { return Ok(None) };
                    let (found, reached, complete, large) = self.consistent(|| {
                        let (found, reached, complete) = self.index_chunk(place)?;
                        let large = self.large(&found)?;
                        Ok((found, reached, complete, large))
                    })?;
                    if let Place::Index(place) = &mut self.place {
                        place.last = reached;
                        place.done = complete;
                        place.most = (place.most * 2).min(CHUNK_ROWS);
                    }
                    (found, large)
                }
            };
            if !found.is_empty() {
                return match large {
                    None => self.batch(&found).map_err(damaged).map(Some),
                    read => Ok(read),
                };
            }
        }
    }
}
