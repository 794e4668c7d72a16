//! Rows of stored tables: heaps and B-trees over pages.
//!
//! Module map: [`table`] the [`crate::access::TableAccess`] of a table, [`scan`] pages to batches, [`seek`] ranges of an
//! index, `heap_seek` rows of a heap from an address on, [`key`] comparing key columns, [`snapshot`] rows as a snapshot sees them, [`partitioned`] tables of several partitions, [`counting`] how much is read, [`live`] what changes while the database is open, [`read`] rows that others may be changing, [`range`] key
//! ranges that nobody may add to, [`room`] pages for large values, [`sample`] a part of a table.
//!
//! Invariants
//! 1. A heap row is returned once: forwarded rows where they lie, stubs skipped; ghosts never.
//! 2. A clustered index is scanned in key order, page by page as the level above lists them; upper levels are read once.
//! 3. An index whose order depends on a collation that cannot be compared is never used for a seek.

pub mod counting;
mod heap_seek;
pub mod key;
mod large;
pub mod live;
pub mod partitioned;
pub(crate) mod probe;
pub mod range;
pub mod read;
pub mod room;
pub mod sample;
pub mod scan;
pub mod seek;
pub mod snapshot;
pub mod table;
pub(crate) mod way;

pub use live::{LiveRowset, LiveRowsets};
pub use table::{RowsetAccess, Store, StoredIndex, StoredTable};
