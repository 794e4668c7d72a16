//! Tables outside databases: table variables, table-valued parameters, temporary tables, `inserted` and `deleted` of triggers.
//!
//! Module map: this file what such a table is, [`rows`] its rows and indexes, [`list`] rows without a table, [`scan`] reading them, [`writer`] changing them, [`undo`]
//! taking changes back.
//!
//! Invariants
//! 1. Every row has a value for every column, already converted to the column's type.
//! 2. A scan or seek sees the rows as they were when it was opened.
//! 3. A key of a unique index stands for one row; keys are normalised (see `operator::sort_key`), so their order is the index's.
//! 4. Changes of temporary tables are taken back with their transaction; those of table variables only with their statement.
//! 5. Rows and keys lie in a [`crate::row_store`], whose memory is bounded.

mod list;
mod rows;
mod scan;
mod shared;
mod undo;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use holdfast_engine::access::TableAccess;
use holdfast_engine::catalog::{ColumnDef, IndexDef, IndexKind, TableDef, TableRules};
use holdfast_engine::lock::LockManager;
use holdfast_types::{NameOrder, SqlResult, SqlType};
use parking_lot::Mutex;

use super::identity::Counter;
use crate::row_store::Pool;
use crate::system_view::model::TEMPORARY_ID;
pub use list::RowList;
use rows::Index;
pub use rows::MemoryRows;
use shared::Shared;
pub use shared::lock_name;
pub use undo::{keep_variables, note_undo};

/// Database id of tempdb, where such tables live.
const TEMPDB: i32 = 2;

/// A table in memory: its definition for the binder and its rows.
#[derive(Clone)]
pub struct MemoryTable {
    pub definition: Arc<TableDef>,
    pub rows: Arc<MemoryRows>,
    pub rules: Arc<TableRules>,
    pub default_names: Arc<[(i32, Arc<str>)]>,
    /// The object of the table type that it was declared with; 0: none.
    pub type_object: i32,
    /// The rows of a table-valued parameter as a client sent them.
    pub from_client: bool,
    /// The rows are there as long as something has the table.
    pub life: Arc<Life>,
}

/// Takes a table's rows away when nothing has the table any more: plans that are kept know its definition for long after.
pub struct Life(Arc<MemoryRows>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// What a table in memory is made of.
#[derive(Clone, Default)]
pub struct MemoryShape {
    pub columns: Vec<ColumnDef>,
    /// Without heap entry.
    pub indexes: Vec<IndexDef>,
    pub rules: Arc<TableRules>,
    /// Indexes WITH IGNORE_DUP_KEY.
    pub ignore_duplicates: Vec<i32>,
    /// Names of default constraints by column id.
    pub default_names: Vec<(i32, Arc<str>)>,
    /// The object of the table type; 0: none.
    pub type_object: i32,
}

impl MemoryShape {
    /// A table like those of a table type.
    pub fn of_type(table: &TableDef, rules: Arc<TableRules>) -> Self {
        let mut columns = table.columns.clone();
        for identity in columns.iter_mut().filter_map(|c| c.identity.as_mut()) {
            identity.last = None;
        }
        let indexes = table.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned();
        MemoryShape {
            columns,
            indexes: indexes.map(|i| IndexDef { statistics: None, ..i }).collect(),
            rules,
            type_object: table.object_id,
            ..MemoryShape::default()
        }
    }
}

static NEXT_ID: AtomicU32 = AtomicU32::new(0);

/// An object id for something in memory: negative and far from those of system objects.
pub fn next_object_id() -> i32 {
    let n = NEXT_ID.fetch_add(1, Ordering::Relaxed) % 1_100_000_000;
    TEMPORARY_ID - n as i32
}

impl MemoryTable {
    /// Several sessions may see it from now on.
    pub fn share(&self, locks: &Arc<LockManager>) {
        let _ = self.rows.shared.set(Shared::new(Arc::clone(locks), &self.definition.name));
    }

    /// Whether its name means it, from now on.
    pub fn set_named(&self, named: bool) {
        if let Some(shared) = self.rows.shared.get() {
            shared.gone.store(!named, Ordering::Release);
        }
    }

    /// A table without indexes and rules.
    pub fn new(name: &str, columns: Vec<ColumnDef>, pool: &Arc<Pool>) -> Self {
        Self::of(name, MemoryShape { columns, ..MemoryShape::default() }, pool)
    }

    /// A table whose rows share the memory of `pool`.
    pub fn of(name: &str, shape: MemoryShape, pool: &Arc<Pool>) -> Self {
        let MemoryShape { columns, mut indexes, rules, ignore_duplicates, default_names, type_object } =
            shape;
        let identity =
            columns.iter().find_map(|c| c.identity.as_ref().map(|i| Mutex::new(Counter::new(i, c.ty))));
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let made = |i: &IndexDef| Index::new(i, &types, ignore_duplicates.contains(&i.index_id), pool);
        let trees: Vec<Index> = indexes.iter().map(made).collect();
        if indexes.iter().all(|i| i.kind != IndexKind::Clustered) {
            indexes.insert(0, IndexDef::heap());
        }
        let rows = MemoryRows::new(name, &types, trees, identity, pool);
        let definition = TableDef {
            database_id: TEMPDB,
            // Distinct, so that no two tables look alike to a cache.
            object_id: next_object_id(),
            schema_name: "dbo".into(),
            name: name.into(),
            columns,
            indexes,
            statistics: Vec::new(),
            row_count: 100,
            page_count: 1,
            temporal: Default::default(),
            access: Arc::clone(&rows) as Arc<dyn TableAccess>,
        };
        MemoryTable {
            definition: Arc::new(definition),
            life: Arc::new(Life(Arc::clone(&rows))),
            rows,
            rules,
            default_names: default_names.into(),
            type_object,
            from_client: false,
        }
    }

    /// The table of a caller, as the parameter that this table stands for; `None` when it is not in memory.
    pub fn taking(&self, definition: &Arc<TableDef>) -> Option<MemoryTable> {
        let rows = match definition.access.in_memory() {
            Some(rows) => rows.downcast::<MemoryRows>().ok()?,
            None => return None,
        };
        Some(MemoryTable { definition: Arc::clone(definition), rows, ..self.clone() })
    }

    /// The same rows under a definition with one more index.
    pub fn with_index(&self, index: IndexDef, ignore_duplicates: bool) -> SqlResult<MemoryTable> {
        let shape_indexes: Vec<IndexDef> =
            self.definition.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned().collect();
        self.rows.add_index(&index, ignore_duplicates)?;
        let mut indexes = shape_indexes;
        let heap_left =
            index.kind != IndexKind::Clustered && !indexes.iter().any(|i| i.kind == IndexKind::Clustered);
        indexes.push(index);
        if heap_left {
            indexes.insert(0, IndexDef::heap());
        }
        Ok(self.redefined(indexes))
    }

    /// The same rows under a definition without an index; `None` when there is none of that name.
    pub fn without_index(&self, names: NameOrder, name: &str) -> Option<MemoryTable> {
        let found = self
            .definition
            .indexes
            .iter()
            .find(|i| i.name.as_deref().is_some_and(|n| names.same(n, name)))?;
        let id = found.index_id;
        self.rows.drop_index(id);
        let mut indexes: Vec<IndexDef> =
            self.definition.indexes.iter().filter(|i| i.index_id != id).cloned().collect();
        if indexes.iter().all(|i| i.kind != IndexKind::Clustered && i.kind != IndexKind::Heap) {
            indexes.insert(0, IndexDef::heap());
        }
        Some(self.redefined(indexes))
    }

    fn redefined(&self, indexes: Vec<IndexDef>) -> MemoryTable {
        let d = &self.definition;
        let definition = TableDef {
            database_id: d.database_id,
            object_id: next_object_id(),
            schema_name: d.schema_name.clone(),
            name: d.name.clone(),
            columns: d.columns.clone(),
            indexes,
            statistics: Vec::new(),
            row_count: d.row_count,
            page_count: d.page_count,
            temporal: Default::default(),
            access: Arc::clone(&d.access),
        };
        MemoryTable {
            definition: Arc::new(definition),
            rows: Arc::clone(&self.rows),
            rules: Arc::clone(&self.rules),
            default_names: Arc::clone(&self.default_names),
            type_object: self.type_object,
            from_client: self.from_client,
            life: Arc::clone(&self.life),
        }
    }

    /// What this table is made of, to be changed and made anew.
    pub fn shape(&self) -> MemoryShape {
        let d = &self.definition;
        MemoryShape {
            columns: d.columns.clone(),
            indexes: d.indexes.iter().filter(|i| i.kind != IndexKind::Heap).cloned().collect(),
            rules: Arc::clone(&self.rules),
            ignore_duplicates: self.rows.ignoring_duplicates(),
            default_names: self.default_names.to_vec(),
            type_object: self.type_object,
        }
    }
}

#[cfg(test)]
mod tests;
