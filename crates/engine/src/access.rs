//! How rows come out of a table: batches from scans, and seeks by key. Implemented by stored tables (heaps and B-trees),
//! by system views and by in-memory rows in tests.
//!
//! Invariants
//! 1. A source yields batches whose columns are exactly the requested ordinals, in that order, with the types of `TableDef`.
//! 2. A seek returns the rows a scan followed by the same predicate would return, in index key order.

use std::sync::Arc;

use holdfast_types::{Batch, SqlResult, SqlType, Value};

use crate::database::partition::Partitioned;
use crate::lock::{LockOwner, LockWait};
use crate::stored::counting::StatementReads;
use crate::version::Snapshot;
use crate::write::TableWriter;

/// Ordinal of the pseudo column that names rows for a later change: VARBINARY, opaque above the engine. It carries the
/// row's place or key and a digest of its bytes, so that a change can tell whether the row is still what was read.
pub const BOOKMARK: usize = usize::MAX;

/// Type of the pseudo column.
pub const BOOKMARK_TYPE: SqlType = SqlType::binary(holdfast_types::TypeId::VarBinary, 8000);

/// What a reading statement sees of other transactions' changes, and which locks it keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadLevel {
    /// Takes no row locks and sees everything (READ UNCOMMITTED, NOLOCK; reads of the engine itself).
    #[default]
    Uncommitted,
    /// Waits for changes of others to end; keeps no lock.
    Committed,
    /// Keeps shared locks on the rows read.
    Repeatable,
    /// Keeps locks that also keep new rows out of what was read.
    Serializable,
    /// Sees row versions as of a moment (SNAPSHOT; READ COMMITTED under READ_COMMITTED_SNAPSHOT).
    Snapshot,
}

/// On whose behalf rows are read, and how.
#[derive(Clone, Debug, Default)]
pub struct ReadContext {
    /// Who holds and waits for locks; the owner's own changes are always seen.
    pub owner: LockOwner,
    pub level: ReadLevel,
    /// Take update locks (UPDLOCK) or exclusive ones (XLOCK) on the rows read and keep them.
    pub intent: ReadIntent,
    /// The rows read are those that the statement changes: waits as for update locks, which it keeps only where the level or
    /// the intent says so.
    pub for_change: bool,
    /// READPAST: leave out rows that others have locked.
    pub skip_locked: bool,
    /// TABLOCK: lock the table in place of its rows.
    pub table_lock: bool,
    /// Few rows are going to be taken, often one: the next are read, and their locks asked for, when they are asked for. Batches
    /// begin with one row, and grow only where reading on cannot be noticed.
    pub few: bool,
    /// The moment whose versions are seen: with [`ReadLevel::Snapshot`], and with [`ReadLevel::Committed`] in databases
    /// under READ_COMMITTED_SNAPSHOT.
    pub snapshot: Option<Snapshot>,
    pub wait: LockWait,
    /// The session that reads, for rows that depend on who looks at them (catalog views); 0: the server itself, which sees all.
    pub session: u16,
    /// Counts what is read.
    pub reads: Option<Arc<StatementReads>>,
}

/// Which locks a read keeps besides those of its level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReadIntent {
    #[default]
    Read,
    Update,
    Exclusive,
}

impl ReadContext {
    /// Reads what is there, without locks: for the engine itself, tools and tests.
    pub fn unlocked() -> Self {
        Self::default()
    }
}

/// A stream of batches. `None` ends it; an empty batch does not.
pub trait BatchSource: Send {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>>;
}

/// One end of a key range.
#[derive(Clone, Debug)]
pub enum Bound {
    Unbounded,
    /// Prefix of key values, in key order, already of the key columns' types.
    Included(Vec<Value>),
    Excluded(Vec<Value>),
}

impl Bound {
    /// The key values; none for an open end.
    pub fn values(&self) -> &[Value] {
        match self {
            Bound::Included(k) | Bound::Excluded(k) => k,
            Bound::Unbounded => &[],
        }
    }
}

/// A range of an index. A point look-up has equal included bounds. A prefix bound shorter than the key covers all keys
/// that begin with it. NULL compares equal to NULL here (binders add `IS NOT NULL` semantics).
#[derive(Clone, Debug)]
pub struct KeyRange {
    pub low: Bound,
    pub high: Bound,
}

impl KeyRange {
    pub fn all() -> Self {
        KeyRange { low: Bound::Unbounded, high: Bound::Unbounded }
    }

    pub fn point(key: Vec<Value>) -> Self {
        KeyRange { low: Bound::Included(key.clone()), high: Bound::Included(key) }
    }
}

/// By what an entry of an index is told from all others, so that a reader can come back to its place when the entry has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryKey {
    /// Ordinals of columns, in key order.
    pub columns: Vec<usize>,
    /// Behind them comes what [`TableAccess::locator`] gives for the row.
    pub locator: bool,
}

/// Access to the rows of one table. All reading methods open a new, independent source. Columns are ordinals of `TableDef`,
/// or [`BOOKMARK`] where the table can be written.
pub trait TableAccess: Send + Sync {
    /// All rows, in allocation or key order of the heap/clustered index, columns by ordinal.
    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>>;

    /// Splits a full scan into at most `parts` independent sources that together yield every row once.
    fn parallel_scan(
        &self,
        read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        let _ = parts;
        Ok(vec![self.scan(read, columns)?])
    }

    /// The rows of some pages, `fraction` of all, a batch a page; which ones goes by their place, so that unchanged tables give the
    /// same ones again. `None`: pages cannot be chosen.
    fn scan_some_pages(
        &self,
        read: &ReadContext,
        columns: &[usize],
        fraction: f64,
    ) -> SqlResult<Option<Box<dyn BatchSource>>> {
        let _ = (read, columns, fraction);
        Ok(None)
    }

    /// Rows of `range` through index `index_id` (1 = clustered), in key order, or reverse key order when `backward`.
    /// Columns that the index does not hold are looked up in the heap or clustered index.
    fn seek(
        &self,
        read: &ReadContext,
        index_id: i32,
        range: KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>>;

    /// What tells the entries of an index apart (0: of the rows where there is no clustered index). A seek may begin behind such a key, given as
    /// an excluded bound. `None`: a reader cannot come back to its place in it.
    fn entry_key(&self, index_id: i32) -> Option<EntryKey> {
        let _ = index_id;
        None
    }

    /// The last value of an [`EntryKey`] with a locator, from the row's bookmark.
    fn locator(&self, bookmark: &[u8]) -> Option<Value> {
        let _ = bookmark;
        None
    }

    /// The index by whose entries the rows that bookmarks name are found, see [`TableAccess::entry_key`].
    fn row_index(&self) -> Option<i32> {
        None
    }

    /// The key of a bookmark's row in that index. A row that is not found by it may still be there.
    fn row_key(&self, bookmark: &[u8]) -> Option<Vec<Value>> {
        let _ = bookmark;
        None
    }

    /// Whether two bookmarks name one row, whatever it was at each time.
    fn is_same_row(&self, a: &[u8], b: &[u8]) -> bool {
        a == b
    }

    /// How the table is partitioned, where its partitions can be read each by itself.
    fn partitioned_by(&self) -> Option<&Arc<Partitioned>> {
        None
    }

    /// One partition (from 0) of a partitioned table.
    fn partition(&self, number: usize) -> Option<Arc<dyn TableAccess>> {
        let _ = number;
        None
    }

    /// The table without the partitions that cannot hold rows of any of these ranges over the partitioning column; `None` where
    /// all of it has to be read.
    fn within(&self, ranges: &[KeyRange]) -> Option<Arc<dyn TableAccess>> {
        let _ = ranges;
        None
    }

    /// Rows, and pages of the heap or clustered index, as they are now; `None` where they never differ from the definition.
    fn size(&self) -> Option<(u64, u64)> {
        None
    }

    /// Scans give only a part of the rows, and nothing can be sought.
    fn is_part(&self) -> bool {
        false
    }

    /// The rows themselves, where they are only in memory and may be handed on as a whole (table-valued parameters).
    fn in_memory(&self) -> Option<Arc<dyn std::any::Any + Send + Sync>> {
        None
    }

    /// How many rows, or values of one column, were changed since the database was opened.
    fn changes(&self) -> u64 {
        0
    }

    /// The side that changes rows; `None` when the rows cannot be changed (system views, read-only databases).
    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        None
    }
}
