//! Ways of seeking: what a seek in an index for given columns needs to know of the table, found out once and kept with it.
//!
//! Invariants
//! 1. A way holds nothing that changes while its table's definition stands: where a rowset's pages begin is asked of what is live.
//! 2. Ways belong to one [`StoredTable`]: a copy of it, which may have other rowsets or count its pages, begins without any.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult, SqlType};
use parking_lot::RwLock;

use super::read::RowNames;
use super::table::{Locator, RowsetAccess, StoredIndex, StoredKey, StoredTable};
use crate::database::partition::Partitioned;
use crate::decode::column::ColumnPlan;

/// How many ways are kept; those of further statements are made each time.
const KEPT: usize = 64;

/// An index and the columns asked for through it.
pub(super) struct Way {
    pub types: Arc<[SqlType]>,
    pub keys: Arc<[StoredKey]>,
    /// By which places are found again, see [`StoredIndex::entry_keys`].
    pub entry_keys: Arc<[StoredKey]>,
    pub locator: Locator,
    pub clustered: bool,
    /// No two entries have the same key.
    pub unique: bool,
    /// In key order, as far as the partitions have one.
    pub partitions: Vec<Partition>,
    pub lookup: Option<Lookup>,
}

/// A rowset of the index with the plans for the columns it holds.
pub(super) struct Partition {
    pub rowset: RowsetAccess,
    pub plans: Vec<ColumnPlan>,
    pub names: RowNames,
}

/// Where rows are when the index does not hold all columns.
pub(super) struct Lookup {
    pub base: Vec<(RowsetAccess, Vec<ColumnPlan>, RowNames)>,
    pub keys: Arc<[StoredKey]>,
    /// Of each declared key column of the index: its place there and in the base row, to see that a row found is still the
    /// one the entry stood for.
    pub entry_keys: Vec<(usize, usize)>,
    /// Rows may go while their entries are read.
    pub may_vanish: bool,
    /// Which of the base's rowsets a clustered key belongs to: the place of the partitioning column in it.
    pub spread: Option<(usize, Arc<Partitioned>)>,
}

/// The ways of a table that were gone.
#[derive(Default)]
pub struct Ways(RwLock<Vec<Known>>);

struct Known {
    index_id: i32,
    columns: Box<[usize]>,
    way: Arc<Way>,
}

impl Clone for Ways {
    /// Without any (invariant 2).
    fn clone(&self) -> Self {
        Ways::default()
    }
}

impl Ways {
    /// # Errors
    /// 308 for an index that the table does not have; 40517 for an index or columns that cannot be read.
    pub(super) fn get(&self, table: &StoredTable, index_id: i32, columns: &[usize]) -> SqlResult<Arc<Way>> {
        let is = |k: &&Known| k.index_id == index_id && *k.columns == *columns;
        if let Some(known) = self.0.read().iter().find(is) {
            return Ok(Arc::clone(&known.way));
        }
        let way = Arc::new(Way::new(table, index_id, columns)?);
        let mut all = self.0.write();
        if all.len() < KEPT && !all.iter().any(|k| is(&k)) {
            all.push(Known { index_id, columns: columns.into(), way: Arc::clone(&way) });
        }
        Ok(way)
    }
}

impl Way {
    fn new(table: &StoredTable, index_id: i32, columns: &[usize]) -> SqlResult<Way> {
        let index = table.indexes.iter().find(|i| i.index_id == index_id);
        let index = index.ok_or_else(|| {
            SqlError::with_text(
                308,
                16,
                format!("Index {index_id} on table '{}' does not exist.", table.name),
            )
        })?;
        if !index.usable {
            return Err(SqlError::not_supported(format!(
                "Seeking in index '{}' of table '{}', whose sort order cannot be reproduced,",
                index.name, table.name
            )));
        }
        let held =
            |r: &RowsetAccess| columns.iter().all(|&c| r.positions.get(c).copied().flatten().is_some());
        let covered = index.clustered || index.rowsets.iter().all(held);
        let mut partitions = Vec::with_capacity(index.rowsets.len());
        for rowset in &index.rowsets {
            let plans = if covered { table.plans(rowset, columns)? } else { Vec::new() };
            let names = RowNames::of_index(table, index, rowset);
            partitions.push(Partition { rowset: rowset.clone(), plans, names });
        }
        Ok(Way {
            types: columns.iter().map(|&c| table.type_of(c)).collect(),
            keys: Arc::clone(&index.keys),
            entry_keys: Arc::clone(&index.entry_keys),
            locator: index.locator.clone(),
            clustered: index.clustered,
            unique: index.unique,
            partitions,
            lookup: if covered { None } else { Some(Lookup::new(table, index, columns)?) },
        })
    }
}

impl Lookup {
    fn new(table: &StoredTable, index: &StoredIndex, columns: &[usize]) -> SqlResult<Lookup> {
        let mut base = Vec::with_capacity(table.base.len());
        for rowset in &table.base {
            base.push((rowset.clone(), table.plans(rowset, columns)?, RowNames::of_base(table, rowset)));
        }
        let keys = table.indexes.iter().find(|i| i.clustered).map(|i| i.keys.clone()).unwrap_or_default();
        let positions = table.base.first().map(|b| &*b.positions).unwrap_or_default();
        let entry_keys = index
            .keys
            .iter()
            .filter_map(|k| Some((k.position, positions.get(k.ordinal?).copied().flatten()?)))
            .collect();
        let spread = table
            .partitioned
            .as_ref()
            .and_then(|by| Some((keys.iter().position(|k| k.ordinal == Some(by.ordinal))?, Arc::clone(by))));
        Ok(Lookup { base, keys, entry_keys, may_vanish: table.store.writing.is_some(), spread })
    }
}
