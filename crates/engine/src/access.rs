//! How rows come out of a table: batches from scans, and seeks by key. Implemented by stored tables (heaps and B-trees),
//! by system views and by in-memory rows in tests.
//!
//! Invariants
//! 1. A source yields batches whose columns are exactly the requested ordinals, in that order, with the types of `TableDef`.
//! 2. A seek returns the rows a scan followed by the same predicate would return, in index key order.

use holdfast_types::{Batch, SqlResult, Value};

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

/// Access to the rows of one table. All methods open a new, independent source.
pub trait TableAccess: Send + Sync {
    /// All rows, in allocation or key order of the heap/clustered index, columns by ordinal.
    fn scan(&self, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>>;

    /// Splits a full scan into at most `parts` independent sources that together yield every row once.
    fn parallel_scan(&self, columns: &[usize], parts: usize) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        let _ = parts;
        Ok(vec![self.scan(columns)?])
    }

    /// Rows of `range` through index `index_id` (1 = clustered), in key order, or reverse key order when `backward`.
    /// Columns that the index does not hold are looked up in the heap or clustered index.
    fn seek(
        &self,
        index_id: i32,
        range: &KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>>;
}
