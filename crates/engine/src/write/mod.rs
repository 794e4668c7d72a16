//! Changing rows: what the statement layer calls.
//!
//! Module map: [`table`] rows of a stored table with all its indexes, `changes` what is done with them; [`tree`] B-trees, [`heap`] heaps, [`large`] values out of
//! the row, `settle` which of them; `entry` entries of indexes; [`row`] values to records; [`partitioned`] rows to their partitions; [`records`] many rows as records, [`bulk`] entering them; [`bookmark`] what names a row; [`build`] filling a new index from sorted entries, [`load`] a new heap or clustered index; [`undo`] finding rows again; [`ghost`] clearing deleted rows away; `range` key ranges that readers have locked; [`identity`]; [`sequence`]; [`counts`] and [`losers`] after recovery; [`definitions`] which of them changed, [`images`] the catalogue without uncommitted ones; [`release`]
//! giving pages back; [`pointers`] where pages begin; [`writing`] what an open database needs for it.
//! Implemented by stored tables and by tables in memory.
//!
//! Invariants
//! 1. Everything done under a [`Transaction`] is taken back by its rollback, to a savepoint or as a whole.
//! 2. A call either does all of what it was asked or answers an error; after an error the statement layer rolls back to the
//!    savepoint it took before the statement.
//! 3. Constraints other than uniqueness and NOT NULL, triggers, computed columns and identity choice belong to the caller;
//!    keeping every index equal to its table belongs here.

pub mod bookmark;
pub mod build;
pub mod bulk;
mod changes;
pub mod counts;
pub mod definitions;
mod entry;
pub mod ghost;
pub mod heap;
pub mod identity;
pub mod images;
mod in_place;
pub mod large;
pub mod load;
pub mod losers;
pub mod modifications;
pub mod object_id;
pub mod partitioned;
pub mod pointers;
mod range;
pub mod records;
pub mod release;
pub mod row;
pub mod row_version;
pub mod sequence;
mod settle;
pub mod table;
pub mod tree;
pub mod undo;
pub mod unkept;
pub mod writing;

pub use records::{RecordPlan, Records};
pub use table::StoredWriter;
pub use writing::{CatalogTrees, Writing};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_types::{SqlResult, Value};

use crate::lock::LockWait;
use crate::transaction::Transaction;

/// On whose behalf rows are changed.
#[derive(Clone, Copy)]
pub struct WriteContext<'a> {
    pub transaction: &'a Transaction,
    pub wait: &'a LockWait,
}

/// A row to be stored: a value for every column of the table definition, of the column's own type. Columns that are
/// computed and neither persisted nor part of an index may be NULL here.
#[derive(Clone, Debug, Default)]
pub struct NewRow {
    pub values: Vec<Value>,
    /// Filtered indexes whose condition is not true for this row.
    pub outside_indexes: Vec<i32>,
}

/// A row to be replaced.
#[derive(Clone, Debug)]
pub struct RowUpdate {
    /// From the pseudo column [`crate::access::BOOKMARK`].
    pub bookmark: Vec<u8>,
    pub row: NewRow,
    /// What the row is now, with the computed columns that only indexes hold; empty for tables without such.
    pub old: Vec<Value>,
}

/// What became of a row since it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowState {
    Unchanged,
    /// Another transaction has changed or removed it since: the statement reads again.
    Changed,
}

/// Row versions of tables that keep no count of their own; a new database begins at 2001, too.
static NEXT_ROW_VERSION: AtomicU64 = AtomicU64::new(2001);

/// Changes rows of one table.
pub trait TableWriter: Send + Sync {
    /// Inserts rows and keeps every index. 2627 or 2601 for a key that exists, 515 for NULL in a NOT NULL column; with
    /// `ignore` (indexes WITH IGNORE_DUP_KEY) such rows are left out. Answers how many were inserted.
    fn insert(&self, write: WriteContext<'_>, rows: &[NewRow]) -> SqlResult<u64>;

    /// How rows of this table are made into records by who has many; `None`: they come as values only.
    fn record_plan(&self) -> Option<Arc<RecordPlan>> {
        None
    }

    /// Inserts rows that were made by the plan, none of them with a NULL where the table wants a value.
    fn insert_records(&self, write: WriteContext<'_>, records: &Records) -> SqlResult<()> {
        let _ = (write, records);
        Err(records::refused())
    }

    /// Keeps all others from reading and changing the table until the transaction ends (TABLOCK).
    fn lock_all(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let _ = write;
        Ok(())
    }

    /// Keeps others from defining or emptying the table until the transaction ends: before identity values are taken, which
    /// TRUNCATE and its rollback give again.
    fn lock_to_change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let _ = write;
        Ok(())
    }

    /// Locks a row exclusively until the transaction ends and tells whether it still is what was read.
    fn lock(&self, write: WriteContext<'_>, bookmark: &[u8]) -> SqlResult<RowState>;

    /// Whether somebody else has committed a change of the row that a snapshot does not see, be it that it was changed back.
    fn changed_since(&self, write: WriteContext<'_>, bookmark: &[u8], snapshot: u64) -> SqlResult<bool> {
        let _ = (write, bookmark, snapshot);
        Ok(false)
    }

    /// Locks a whole clustered key exclusively until the transaction ends, whether a row has it or not.
    fn lock_key(&self, write: WriteContext<'_>, key: &[Value]) -> SqlResult<()> {
        let _ = (write, key);
        Err(holdfast_types::SqlError::not_supported("Locking a key of this table"))
    }

    /// Whether an update leaves columns that it does not name as they are stored, so that rows may come with NULL in their place.
    fn leaves_other_columns(&self) -> bool {
        false
    }

    /// Replaces rows that were locked before. `changed` are the ordinals whose values may differ; uniqueness is checked when
    /// all are in place.
    fn update(&self, write: WriteContext<'_>, rows: &[RowUpdate], changed: &[usize]) -> SqlResult<()>;

    /// Removes rows that were locked before. `old`: what they are, as in [`RowUpdate`].
    fn delete(&self, write: WriteContext<'_>, bookmarks: &[Vec<u8>], old: &[Vec<Value>]) -> SqlResult<()>;

    /// The writers of its partitions, or of the whole: what [`load::TableLoad`] fills and [`build::IndexBuild`] reads. None for
    /// tables in memory.
    fn stored_parts(&self) -> Vec<&StoredWriter> {
        Vec::new()
    }

    /// Which of them a row belongs to.
    fn part_of(&self, values: &[Value]) -> usize {
        let _ = values;
        0
    }

    /// Removes all rows by giving their pages back; identity starts again at its seed.
    fn truncate(&self, write: WriteContext<'_>) -> SqlResult<()>;

    /// Removes all rows of some partitions (from 0) in the same way; identity goes on.
    fn truncate_partitions(&self, write: WriteContext<'_>, partitions: &[usize]) -> SqlResult<()> {
        let _ = (write, partitions);
        Err(holdfast_types::SqlError::not_supported("TRUNCATE of partitions of this table"))
    }

    /// Moves rows to a partition (from 0) whatever the partition function says: for boundaries that come or go.
    fn move_rows(&self, write: WriteContext<'_>, rows: &[RowUpdate], to: usize) -> SqlResult<()> {
        let _ = (write, rows, to);
        Err(holdfast_types::SqlError::not_supported("Moving rows between partitions of this table"))
    }

    /// The next identity value; never given again, whatever becomes of the transaction.
    fn next_identity(&self) -> SqlResult<Value>;

    /// Takes note of an identity value given explicitly (SET IDENTITY_INSERT ON) or reseeds (DBCC CHECKIDENT).
    fn note_identity(&self, value: &Value, reseed: bool) -> SqlResult<()>;

    /// The next value for a rowversion column, rising in the whole database.
    fn next_row_version(&self) -> SqlResult<u64> {
        Ok(NEXT_ROW_VERSION.fetch_add(1, Ordering::Relaxed))
    }

    /// The last identity value given, NULL before the first (IDENT_CURRENT).
    fn current_identity(&self) -> SqlResult<Value>;
}
