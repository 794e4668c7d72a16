//! Tables held in memory: table variables, table-valued parameters, temporary tables.
//!
//! Invariants
//! 1. Every row has a value for every column, already converted to the column's type.
//! 2. A scan sees the rows as they were when it was opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use holdfast_engine::access::{BatchSource, KeyRange, ReadContext, TableAccess};
use holdfast_engine::catalog::{ColumnDef, IndexDef, IndexKind, TableDef};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};
use parking_lot::RwLock;

/// Database id of tempdb, where such tables live.
const TEMPDB: i32 = 2;

/// The rows, shared between the definition that plans hold and the statements that change them.
pub struct MemoryRows {
    types: Vec<SqlType>,
    rows: RwLock<Arc<Vec<Vec<Value>>>>,
}

/// A table in memory: its definition for the binder and its rows.
#[derive(Clone)]
pub struct MemoryTable {
    pub definition: Arc<TableDef>,
    pub rows: Arc<MemoryRows>,
}

static NEXT_ID: AtomicI32 = AtomicI32::new(-1);

impl MemoryTable {
    pub fn new(name: &str, columns: Vec<ColumnDef>) -> Self {
        let rows = Arc::new(MemoryRows {
            types: columns.iter().map(|c| c.ty).collect(),
            rows: RwLock::new(Arc::new(Vec::new())),
        });
        let heap = IndexDef {
            index_id: 0,
            name: None,
            kind: IndexKind::Heap,
            unique: false,
            primary_key: false,
            unique_constraint: false,
            disabled: false,
            keys: Vec::new(),
            included: Vec::new(),
            filter: None,
            statistics: None,
        };
        let definition = TableDef {
            database_id: TEMPDB,
            // Distinct, so that no two tables look alike to a cache.
            object_id: NEXT_ID.fetch_sub(1, Ordering::Relaxed),
            schema_name: "dbo".into(),
            name: name.into(),
            columns,
            indexes: vec![heap],
            row_count: 100,
            page_count: 1,
            access: Arc::clone(&rows) as Arc<dyn TableAccess>,
        };
        MemoryTable { definition: Arc::new(definition), rows }
    }
}

impl MemoryRows {
    pub fn append(&self, new: Vec<Vec<Value>>) {
        Arc::make_mut(&mut *self.rows.write()).extend(new);
    }

    pub fn clear(&self) {
        *self.rows.write() = Arc::new(Vec::new());
    }

    pub fn len(&self) -> usize {
        self.rows.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows as batches.
    pub fn batches(&self) -> SqlResult<Vec<Batch>> {
        let rows = Arc::clone(&self.rows.read());
        rows.chunks(BATCH_ROWS).map(|c| Batch::from_rows(&self.types, c)).collect()
    }
}

struct Scan {
    rows: Arc<Vec<Vec<Value>>>,
    next: usize,
    columns: Vec<usize>,
    types: Vec<SqlType>,
}

impl BatchSource for Scan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.next >= self.rows.len() {
            return Ok(None);
        }
        let end = (self.next + BATCH_ROWS).min(self.rows.len());
        let part: Vec<Vec<Value>> = self.rows[self.next..end]
            .iter()
            .map(|r| self.columns.iter().map(|&c| r.get(c).cloned().unwrap_or_default()).collect())
            .collect();
        self.next = end;
        Batch::from_rows(&self.types, &part).map(Some)
    }
}

impl TableAccess for MemoryRows {
    fn scan(&self, _read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        let types = columns.iter().map(|&c| self.types.get(c).copied().unwrap_or(SqlType::NULL)).collect();
        let rows = Arc::clone(&self.rows.read());
        Ok(Box::new(Scan { rows, next: 0, columns: columns.to_vec(), types }))
    }

    fn seek(
        &self,
        _: &ReadContext,
        _: i32,
        _: &KeyRange,
        _: &[usize],
        _: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        Err(SqlError::not_supported("A seek in a table that has no index"))
    }
}
