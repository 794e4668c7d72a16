//! Filling indexes and tables anew: what comes in any order is sorted in bounded memory ([`crate::row_store::sorter`]), and pages are
//! filled in that order (`holdfast_engine::write::{build, load}`).
//!
//! Invariants
//! 1. The statement holds Sch-M on the table.
//! 2. Rows that leave their rowset are all in the sort before the rowset goes.

use std::sync::Arc;

use holdfast_engine::access::{BOOKMARK, ReadContext};
use holdfast_engine::catalog::{Catalog, IndexKind as Kind, TableDef};
use holdfast_engine::write::WriteContext;
use holdfast_engine::write::build::{IndexBuild, SortColumn, Sorting};
use holdfast_engine::write::load::TableLoad;
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, TypeId, Value};

use super::Definition;
use crate::operator::sort_key::{KeyPart, encode_rows, put_key};
use crate::procedure::run::Fail;
use crate::row_store::Pool;
use crate::row_store::codec::{Codec, Decoder};
use crate::row_store::sorter::{Sorted, Sorter};

/// Rows, and bytes of them, that are worked on at a time.
const STEP: usize = 1024;
const STEP_BYTES: usize = 4 << 20;

/// A sort of whatever bytes under keys. In the sorter an entry is the key, the bytes, and their length.
struct EntrySort {
    parts: Vec<KeyPart>,
    sorter: Option<Sorter>,
    sorted: Option<Sorted>,
    entry: Vec<u8>,
}

impl EntrySort {
    fn new(parts: Vec<KeyPart>, pool: &Arc<Pool>) -> Self {
        EntrySort { parts, sorter: Some(Sorter::new(pool)), sorted: None, entry: Vec::new() }
    }

    /// Under a key that is made already.
    fn push_under(&mut self, key: &[u8], bytes: &[u8]) -> SqlResult<()> {
        self.entry.clear();
        self.entry.extend_from_slice(key);
        self.push_entry(bytes)
    }

    fn push_entry(&mut self, bytes: &[u8]) -> SqlResult<()> {
        self.entry.extend_from_slice(bytes);
        self.entry.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        match &mut self.sorter {
            Some(sorter) => sorter.push(&self.entry),
            None => Err(broken()),
        }
    }
}

fn broken() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: a sort was used in the wrong order.")
}

impl Sorting for EntrySort {
    fn push(&mut self, key: &[Value], bytes: &[u8]) -> SqlResult<()> {
        self.entry.clear();
        for (part, value) in self.parts.iter().zip(key) {
            put_key(part, value, &mut self.entry)?;
        }
        self.push_entry(bytes)
    }

    fn next(&mut self, out: &mut Vec<u8>) -> SqlResult<bool> {
        if let Some(sorter) = self.sorter.take() {
            self.sorted = Some(sorter.sorted()?);
        }
        self.entry.clear();
        if !self.sorted.as_mut().ok_or_else(broken)?.next(&mut self.entry)? {
            return Ok(false);
        }
        let (rest, length) = self.entry.split_last_chunk::<4>().ok_or_else(broken)?;
        let start = rest.len().checked_sub(u32::from_le_bytes(*length) as usize).ok_or_else(broken)?;
        out.extend_from_slice(&rest[start..]);
        Ok(true)
    }
}

/// Rows on their way to a new heap or clustered index, in the order of its key.
pub struct RowSort {
    sort: EntrySort,
    codec: Codec,
    /// The table's columns that are in it, and how many the table has.
    ordinals: Vec<usize>,
    width: usize,
    /// Places of the key's columns among those.
    key: Vec<usize>,
    /// Equal keys keep their order.
    taken: u64,
    buffer: Vec<u8>,
}

impl RowSort {
    /// `key`: ordinals of the clustered key's columns, with whether they descend.
    fn new(table: &TableDef, key: &[(usize, bool)], pool: &Arc<Pool>) -> Self {
        let WholeRows { ordinals, types, width } = WholeRows::of(table, false);
        let mut places = Vec::with_capacity(key.len());
        let mut parts = Vec::with_capacity(key.len());
        for (ordinal, descending) in key {
            if let Some(place) = ordinals.iter().position(|o| o == ordinal) {
                places.push(place);
                parts.push(KeyPart { ty: types[place], descending: *descending });
            }
        }
        RowSort {
            sort: EntrySort::new(parts, pool),
            codec: Codec::new(&types),
            ordinals,
            width,
            key: places,
            taken: 0,
            buffer: Vec::new(),
        }
    }

    fn push(&mut self, key: &[u8], batch: &Batch, row: usize) -> SqlResult<()> {
        self.buffer.clear();
        self.codec.encode_row(batch, row, &mut self.buffer);
        let mut whole = Vec::with_capacity(key.len() + 8);
        whole.extend_from_slice(key);
        whole.extend_from_slice(&self.taken.to_be_bytes());
        self.taken += 1;
        self.sort.push_under(&whole, &self.buffer)
    }

    /// Takes the rows of a batch of the stored columns.
    fn take(&mut self, batch: &Batch) -> SqlResult<()> {
        self.codec.check(batch)?;
        if self.key.is_empty() {
            return (0..batch.len).try_for_each(|row| self.push(&[], batch, row));
        }
        let columns: Vec<&Column> = self.key.iter().map(|&k| &*batch.columns[k]).collect();
        let keys = encode_rows(&self.sort.parts, &columns, batch.len)?;
        (0..batch.len).try_for_each(|row| self.push(keys.entry(row), batch, row))
    }

    /// The next rows, whole; none at the end.
    fn rows(&mut self) -> SqlResult<Vec<Vec<Value>>> {
        let mut decoder = Decoder::new(&self.codec, 0..self.ordinals.len());
        let (mut count, mut bytes) = (0, 0);
        while count < STEP && bytes < STEP_BYTES {
            self.buffer.clear();
            if !self.sort.next(&mut self.buffer)? {
                break;
            }
            decoder.push(&self.buffer)?;
            (count, bytes) = (count + 1, bytes + self.buffer.len());
        }
        let columns = decoder.take();
        let types = self.codec.types();
        let mut out = vec![vec![Value::Null; self.width]; count];
        for ((&ordinal, ty), column) in self.ordinals.iter().zip(types).zip(&columns) {
            let Some(column) = column else { continue };
            for (row, whole) in out.iter_mut().enumerate() {
                if let Some(place) = whole.get_mut(ordinal) {
                    *place = column.value(row, ty);
                }
            }
        }
        Ok(out)
    }
}

/// Rows of a table as they are read: all columns that are stored, and with marks what names each row.
pub struct WholeRows {
    pub ordinals: Vec<usize>,
    types: Vec<SqlType>,
    width: usize,
}

impl WholeRows {
    pub fn of(table: &TableDef, marked: bool) -> Self {
        let stored = |i: &usize| table.columns[*i].computed.is_none() || table.columns[*i].persisted;
        let mut ordinals: Vec<usize> = (0..table.columns.len()).filter(stored).collect();
        let mut types: Vec<SqlType> = ordinals.iter().map(|&i| table.columns[i].ty).collect();
        if marked {
            ordinals.push(BOOKMARK);
            types.push(SqlType::binary(TypeId::VarBinary, 8000));
        }
        WholeRows { ordinals, types, width: table.columns.len() }
    }

    pub fn take(&self, batch: &Batch, rows: &mut Vec<Vec<Value>>, marks: &mut Vec<Vec<u8>>) {
        for i in 0..batch.len {
            let mut row = vec![Value::Null; self.width];
            for (&at, value) in self.ordinals.iter().zip(batch.row(i, &self.types)) {
                match (row.get_mut(at), value) {
                    (Some(place), value) => *place = value,
                    (None, Value::Binary(mark)) => marks.push(mark.to_vec()),
                    (None, _) => {}
                }
            }
            rows.push(row);
        }
    }
}

/// Ordinals of the columns of a table's clustered key; none for a heap.
pub fn clustered_ordinals(table: &TableDef) -> Vec<(usize, bool)> {
    let index = table.indexes.iter().find(|i| i.kind == Kind::Clustered);
    index.map(|i| i.keys.iter().map(|k| (k.ordinal, k.descending)).collect()).unwrap_or_default()
}

impl Definition<'_, '_> {
    fn pool(&self) -> &Arc<Pool> {
        &self.runner.session.host.temporary_rows
    }

    pub fn reading(&self) -> ReadContext {
        ReadContext { owner: self.transaction.owner(), wait: self.wait.clone(), ..ReadContext::default() }
    }

    /// What FILLFACTOR an index has; 0 is 100.
    fn fill_factor(&self, object: i32, index: i32) -> Result<u8, Fail> {
        let writer = self.writer()?;
        let base = writer.base("sysidxstats")?;
        let rows = writer.rows("sysidxstats", &[object.into(), index.into()])?;
        Ok(rows.first().map_or(0, |r| base.int(r, "fillfact") as u8))
    }

    /// Fills a new nonclustered index with the table's rows.
    pub fn fill(&mut self, object: i32, index: i32, filter: Option<&str>) -> Result<(), Fail> {
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&self.database.name]))?;
        let apart = table.indexes.iter().filter(|i| i.index_id == index).any(|i| {
            let mut over = i.keys.iter().map(|k| k.ordinal).chain(i.included.iter().copied());
            over.any(|o| table.columns.get(o).is_some_and(|c| c.computed.is_some() && !c.persisted))
        });
        let fill = self.fill_factor(object, index)?;
        let pool = Arc::clone(self.pool());
        let sorting = |columns: &[SortColumn]| {
            let part = |c: &SortColumn| KeyPart { ty: c.ty, descending: c.descending };
            Box::new(EntrySort::new(columns.iter().map(part).collect(), &pool)) as Box<dyn Sorting>
        };
        let mut build = IndexBuild::new(&*writer, index, &sorting)?;
        let transaction = Arc::clone(&self.transaction);
        let wait = self.wait.clone();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        if filter.is_some() || apart {
            self.fill_from_values(&table, index, &mut |marks, rows| build.add(write, marks, rows))?;
        } else {
            build.read(write)?;
        }
        Ok(build.enter(write, fill)?)
    }

    /// Gives the rows that are in an index: what names each, and what it is with the computed columns that only indexes hold.
    fn fill_from_values(
        &mut self,
        table: &Arc<TableDef>,
        index: i32,
        take: &mut dyn FnMut(&[Vec<u8>], &[Vec<Value>]) -> SqlResult<()>,
    ) -> Result<(), Fail> {
        let columns = WholeRows::of(table, true);
        let mut source = table.access.scan(&self.reading(), &columns.ordinals)?;
        while let Some(batch) = source.next_batch()? {
            let (mut rows, mut marks) = (Vec::with_capacity(batch.len), Vec::with_capacity(batch.len));
            columns.take(&batch, &mut rows, &mut marks);
            let catalog = Arc::clone(&self.database) as Arc<dyn Catalog>;
            let rows = self.runner.settled_rows(table, &catalog, rows, self.scope)?;
            let pairs = rows.into_iter().zip(marks);
            let inside = pairs.filter(|(r, _)| !r.outside_indexes.contains(&index));
            let (marks, values): (Vec<_>, Vec<_>) = inside.map(|(r, m)| (m, r.values)).unzip();
            take(&marks, &values)?;
        }
        Ok(())
    }

    /// The rows of a table, by the key of the clustered index that they are to come to.
    pub fn sorted_rows(&mut self, table: &TableDef, key: &[(usize, bool)]) -> Result<RowSort, Fail> {
        let mut sort = RowSort::new(table, key, self.pool());
        let mut source = table.access.scan(&self.reading(), &sort.ordinals)?;
        while let Some(batch) = source.next_batch()? {
            if self.runner.session.cancel.is_cancelled() {
                return Err(SqlError::from(holdfast_engine::lock::LockError::Cancelled).into());
            }
            sort.take(&batch)?;
        }
        Ok(sort)
    }

    /// The same of rows that are given whole.
    pub fn sort_rows(&mut self, table: &TableDef, rows: &[Vec<Value>]) -> Result<RowSort, Fail> {
        let mut sort = RowSort::new(table, &clustered_ordinals(table), self.pool());
        let types = sort.codec.types().to_vec();
        for some in rows.chunks(STEP) {
            let pick = |row: &Vec<Value>| sort.ordinals.iter().map(|&o| row[o].clone()).collect();
            let some: Vec<Vec<Value>> = some.iter().map(pick).collect();
            sort.take(&Batch::from_rows(&types, &some)?)?;
        }
        Ok(sort)
    }

    /// Puts rows into a table that was just made, and their entries into its nonclustered indexes.
    pub fn load(&mut self, object: i32, mut rows: RowSort) -> Result<(), Fail> {
        let table = self.catalog()?.table(object)?.ok_or_else(|| SqlError::new(4902, &[&object]))?;
        let writer = table.access.writer().ok_or_else(|| SqlError::new(3906, &[&self.database.name]))?;
        let base = table.indexes.iter().find(|i| i.kind == Kind::Clustered).map_or(0, |i| i.index_id);
        let fill = self.fill_factor(object, base)?;
        let transaction = Arc::clone(&self.transaction);
        let wait = self.wait.clone();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        let mut load = TableLoad::new(&*writer, write, fill)?;
        loop {
            let some = rows.rows()?;
            if some.is_empty() {
                break;
            }
            if self.runner.session.cancel.is_cancelled() {
                return Err(SqlError::from(holdfast_engine::lock::LockError::Cancelled).into());
            }
            let catalog = Arc::clone(&self.database) as Arc<dyn Catalog>;
            for row in self.runner.settled_rows(&table, &catalog, some, self.scope)? {
                load.push(write, &row)?;
            }
        }
        load.finish(write)?;
        for index in table.indexes.iter().filter(|i| i.kind == Kind::Nonclustered && !i.disabled) {
            self.fill(object, index.index_id, index.filter.as_deref())?;
        }
        Ok(())
    }
}
