//! Indexes that are made on filled tables, and tables that are written anew.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration as Time;

use holdfast_engine::catalog::{IndexDef, IndexKind, TableDef};
use holdfast_engine::ddl::CatalogWriter;
use holdfast_engine::ddl::index::{NewIndex, Placement, clustered_key, table_columns};
use holdfast_engine::instance::OnlineDatabase;
use holdfast_engine::lock::manager::Table;
use holdfast_engine::lock::{Duration, LockMode, LockWait};
use holdfast_engine::stored::key;
use holdfast_engine::transaction::Transaction;
use holdfast_engine::write::build::{IndexBuild, SortColumn, Sorting};
use holdfast_engine::write::load::TableLoad;
use holdfast_engine::write::{NewRow, WriteContext};
use holdfast_types::{DateTime, SqlError, SqlResult, TypeId, Value};

use super::world::{Model, Random, World};

/// A sort of few entries.
struct MemorySort {
    columns: Vec<SortColumn>,
    entries: Vec<(Vec<Value>, Vec<u8>)>,
    begun: bool,
}

fn compare(columns: &[SortColumn], a: &[Value], b: &[Value]) -> Ordering {
    for (c, (a, b)) in columns.iter().zip(a.iter().zip(b)) {
        let order = key::compare(&c.ty, a, b);
        if order.is_ne() {
            return if c.descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

impl Sorting for MemorySort {
    fn push(&mut self, key: &[Value], entry: &[u8]) -> SqlResult<()> {
        self.entries.push((key.to_vec(), entry.to_vec()));
        Ok(())
    }

    fn next(&mut self, out: &mut Vec<u8>) -> SqlResult<bool> {
        if !self.begun {
            self.begun = true;
            let columns = &self.columns;
            self.entries.sort_by(|a, b| compare(columns, &b.0, &a.0));
        }
        let Some((_, entry)) = self.entries.pop() else { return Ok(false) };
        out.extend_from_slice(&entry);
        Ok(true)
    }
}

fn sorting(columns: &[SortColumn]) -> Box<dyn Sorting> {
    Box::new(MemorySort { columns: columns.to_vec(), entries: Vec::new(), begun: false })
}

impl World {
    /// Fills a new nonclustered index.
    pub fn fill_index(
        &self,
        table: &TableDef,
        write: WriteContext<'_>,
        index: i32,
        fill: u8,
    ) -> SqlResult<()> {
        let writer = table.access.writer().expect("writable");
        let mut build = IndexBuild::new(&*writer, index, &sorting)?;
        build.read(write)?;
        build.enter(write, fill)
    }

    /// Puts the rows of a model into a table that was just made, and fills its indexes.
    fn load(&self, table: &TableDef, write: WriteContext<'_>, model: &Model, fill: u8) -> SqlResult<()> {
        let writer = table.access.writer().expect("writable");
        let mut rows: Vec<Vec<Value>> = model.rows.iter().map(|r| model.whole(table, r)).collect();
        let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
        let keys = clustered.map_or(&[][..], |i| &i.keys);
        let columns: Vec<SortColumn> = keys
            .iter()
            .map(|k| SortColumn { ty: table.columns[k.ordinal].ty, descending: k.descending })
            .collect();
        let of = |row: &Vec<Value>| keys.iter().map(|k| row[k.ordinal].clone()).collect::<Vec<_>>();
        rows.sort_by(|a, b| compare(&columns, &of(a), &of(b)));
        let mut load = TableLoad::new(&*writer, write, fill)?;
        for values in rows {
            load.push(write, &NewRow { values, outside_indexes: Vec::new() })?;
        }
        load.finish(write)?;
        let others = table.indexes.iter().filter(|i| i.kind == IndexKind::Nonclustered);
        others.into_iter().try_for_each(|i| self.fill_index(table, write, i.index_id, fill))
    }

    fn again(&self, table: &TableDef) -> Arc<TableDef> {
        self.database.refresh().expect("refreshes");
        self.database.stored_catalog().table(table.object_id).expect("table").expect("there")
    }

    /// Makes an index on a table, or writes the table anew. Answers what was done; nothing for tables that are not for that.
    pub fn define(
        &self,
        table: &Arc<TableDef>,
        transaction: &Transaction,
        random: &mut Random,
    ) -> SqlResult<Option<&'static str>> {
        let real = |i: &&IndexDef| i.kind != IndexKind::Heap || i.index_id == 0;
        let odd = |i: &IndexDef| {
            let kind = matches!(i.kind, IndexKind::Heap | IndexKind::Clustered | IndexKind::Nonclustered);
            !kind || i.disabled || i.filter.is_some()
        };
        if table.indexes.iter().filter(real).any(odd)
            || table.columns.iter().any(|c| c.is_sparse || c.computed.is_some())
            || table.access.partitioned_by().is_some()
        {
            return Ok(None);
        }
        let wait = LockWait { timeout: Some(Time::ZERO), ..LockWait::default() };
        let write = WriteContext { transaction, wait: &wait };
        let resource = Table { database: 5, object: table.object_id }.resource();
        let (mode, whole) = (LockMode::SchM, Duration::Transaction);
        self.locks.acquire(transaction.owner(), &resource, mode, whole, &wait)?;
        let model = Model::read(self, table);
        let compression =
            if self.database.stored_catalog().version() >= 661 { random.below(3) as u8 } else { 0 };
        let fill = [0, 50, 90, 1][random.below(4)];
        let (columns, key) = (table_columns(table), clustered_key(table));
        if random.below(3) == 0 {
            let writer = CatalogWriter::new(self.database.stored_catalog(), write, DateTime::default());
            for i in table.indexes.iter().filter(real) {
                let id = |ordinal: usize| table.columns[ordinal].column_id;
                let mut place = writer.placement_of(table.object_id, i.index_id);
                place.compression = compression;
                let index = NewIndex {
                    clustered: i.kind == IndexKind::Clustered,
                    unique: i.unique,
                    keys: i.keys.iter().map(|k| (id(k.ordinal), k.descending)).collect(),
                    included: i.included.iter().map(|&o| id(o)).collect(),
                    ..NewIndex::named("", place)
                };
                if i.kind == IndexKind::Nonclustered {
                    writer.replace_rowset(table.object_id, i.index_id, &columns, &index, key.as_ref())?;
                } else {
                    writer.replace_base(table.object_id, i.index_id, &columns, &index, key.as_ref())?;
                }
            }
            drop(writer);
            self.load(&self.again(table), write, &model, fill)?;
            return Ok(Some("rebuild"));
        }
        let fits = |o: &usize| {
            let ty = &table.columns[*o].ty;
            key::is_comparable(ty) && !ty.is_max() && ty.length <= 400 && ty.id != TypeId::Image
        };
        let Some(&first) = model.stored.iter().filter(|o| fits(o)).nth(random.below(3)) else {
            return Ok(None);
        };
        let others = model.stored.iter().filter(|o| **o != first && !located(table, **o));
        let text = |o: usize| matches!(table.columns[o].ty.id, TypeId::Text | TypeId::NText | TypeId::Image);
        let included: Vec<i32> = others
            .filter(|o| !text(**o) && random.below(3) == 0)
            .map(|&o| table.columns[o].column_id)
            .collect();
        let writer = CatalogWriter::new(self.database.stored_catalog(), write, DateTime::default());
        let index = NewIndex {
            unique: random.below(3) == 0,
            keys: vec![(table.columns[first].column_id, random.below(2) == 0)],
            included,
            ..NewIndex::named("made", Placement { compression, ..Placement::on(1) })
        };
        let id = writer.add_index(table.object_id, &columns, &index, key.as_ref())?;
        drop(writer);
        self.fill_index(&self.again(table), write, id, fill)?;
        Ok(Some("index"))
    }
}

fn located(table: &TableDef, ordinal: usize) -> bool {
    let clustered = table.indexes.iter().filter(|i| i.kind == IndexKind::Clustered);
    clustered.flat_map(|i| &i.keys).any(|k| k.ordinal == ordinal)
}

/// What a definition may say on the way.
pub fn may_fail(e: &SqlError) -> bool {
    matches!(e.number, 2601 | 2627 | 1222 | 1946 | 511)
}
