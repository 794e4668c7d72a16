//! A stored table: its rowsets (one per partition) and indexes, and the plans that turn them into batches.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::catalog::SystemTables;
use holdfast_format::record::RowLayout;
use holdfast_format::record::layout::column_status;
use holdfast_format::{FormatError, PageSource, allocation::iam};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};

use super::scan::{PageList, PageScan};
use super::seek;
use crate::access::{BatchSource, KeyRange, ReadContext, TableAccess};
use crate::decode::column::ColumnPlan;
use crate::error::damaged;

/// The pages of a database and its storage catalog.
pub struct Store {
    pub source: Arc<dyn PageSource>,
    pub tables: SystemTables,
}

/// One rowset: a heap or B-tree, of one partition.
#[derive(Clone, Debug)]
pub struct RowsetAccess {
    pub rowset: u64,
    pub layout: Arc<RowLayout>,
    /// Null for a rowset without pages.
    pub root: PageId,
    pub first_iam: PageId,
    /// Heap: rows in allocation order.
    pub heap: bool,
    /// Per table column: position in the layout.
    pub positions: Vec<Option<usize>>,
    /// Per table column: what records older than the column hold.
    pub missing: Vec<Value>,
    pub compression: u8,
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
    /// All key columns in key order, locator included where it is part of the key.
    pub keys: Vec<StoredKey>,
    /// One per partition.
    pub rowsets: Vec<RowsetAccess>,
    /// Layout positions of the row locator in the leaf: a RID, or the clustered key.
    pub locator: Locator,
    /// The order can be reproduced, so seeks are allowed.
    pub usable: bool,
}

/// How a nonclustered leaf names its row.
#[derive(Clone, Debug)]
pub enum Locator {
    /// Clustered: the row is here.
    Row,
    /// Position of the 8-byte RID.
    Rid(usize),
    /// Position of each clustered key column, in clustered key order.
    Key(Vec<usize>),
}

/// A table's rows.
pub struct StoredTable {
    pub store: Arc<Store>,
    pub name: Arc<str>,
    pub types: Vec<SqlType>,
    /// Names of the columns, for messages.
    pub names: Vec<Arc<str>>,
    /// Per column: computed and not stored.
    pub computed: Vec<bool>,
    pub base: Vec<RowsetAccess>,
    pub indexes: Vec<StoredIndex>,
}

impl StoredTable {
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
                let (Some(ty), false) = (self.types.get(ordinal), self.is_computed(ordinal)) else {
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
                Ok(ColumnPlan { ty: *ty, position, missing })
            })
            .collect()
    }

    fn is_computed(&self, ordinal: usize) -> bool {
        self.computed.get(ordinal).copied().unwrap_or(false)
    }

    /// The pages that hold rows of a rowset, in scan order.
    pub fn row_pages(&self, rowset: &RowsetAccess) -> Result<Vec<PageId>, FormatError> {
        if rowset.heap {
            iam::unit_pages(self.source(), rowset.first_iam)
        } else {
            holdfast_format::btree::leaf_ids(self.source(), rowset.root, true)
        }
    }

    fn open_scan(&self, columns: &[usize], parts: usize) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        if self.base.is_empty() {
            return Err(SqlError::not_supported(format!(
                "Reading table '{}', which keeps no rows in data pages (memory-optimized or external),",
                self.name
            )));
        }
        let mut work: Vec<(usize, PageId)> = Vec::new();
        let mut plans = Vec::with_capacity(self.base.len());
        for (index, rowset) in self.base.iter().enumerate() {
            plans.push(Arc::new((rowset.layout.clone(), self.plans(rowset, columns)?)));
            work.extend(self.row_pages(rowset).map_err(damaged)?.into_iter().map(|page| (index, page)));
        }
        let types: Arc<[SqlType]> =
            columns.iter().map(|&c| self.types.get(c).copied().unwrap_or(SqlType::NULL)).collect();
        // No more parts than there are runs of pages to share.
        let list = Arc::new(PageList::new(work));
        let parts = parts.clamp(1, list.runs());
        let sources = (0..parts)
            .map(|_| {
                let source = self.store.source.clone();
                Box::new(PageScan::new(source, plans.clone(), types.clone(), list.clone()))
                    as Box<dyn BatchSource>
            })
            .collect();
        Ok(sources)
    }
}

impl TableAccess for StoredTable {
    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        let _ = read;
        let mut sources = self.open_scan(columns, 1)?;
        sources.pop().ok_or_else(|| SqlError::not_supported("Scanning a table without storage"))
    }

    fn parallel_scan(
        &self,
        _read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        self.open_scan(columns, parts)
    }

    fn seek(
        &self,
        _read: &ReadContext,
        index_id: i32,
        range: &KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        seek::open(self, index_id, range, columns, backward)
    }
}
