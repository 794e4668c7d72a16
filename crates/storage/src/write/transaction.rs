//! A transaction of one database as the log sees it: its records, and taking them back.
//!
//! Invariants
//! 1. BEGIN_XACT is written with the first change; a transaction that changed nothing leaves nothing.
//! 2. Every record of the transaction that changes a page has an undo entry, in order; those of nested system transactions
//!    have none, because they stay.
//! 3. Of the records themselves, [`KEPT_RECORDS`] bytes stay in memory; those of a larger transaction are read from the log
//!    when they are taken back, which is kept from the first record of the oldest open transaction on.
//! 4. Rollback finds rows anew through [`Rows`]; pages and slots of the log are only where they were.

use std::sync::Arc;

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::{LogBlock, TransactionId};

use super::Change;
use super::undo_list::UndoList;
use crate::recovery::RecoveryResult;

/// Finds rows for rollback, and keeps what the layer above counts.
pub trait Rows: Send + Sync {
    /// Where the row is now that was at `page` and `slot`. `key` is what was given with the change.
    fn find(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
    ) -> RecoveryResult<(PageId, u16)>;

    /// Makes room on the row's page, so that it can grow back; the answer is where the row is then.
    fn make_room(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
        growth: usize,
    ) -> RecoveryResult<(PageId, u16)>;

    /// Where rows are now that were entered together at `page` from `slot` on, behind all others of their table; `key` is that
    /// of the first. They are still its last: the stretches of them on single pages, in their order.
    fn stretches(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
        rows: u16,
    ) -> RecoveryResult<Vec<(PageId, u16, u16)>>;

    /// A row was put back (1) or taken out again (-1).
    fn counted(&self, rows: i64);

    /// Two that answer the same number do the same; `None`: nobody else does what this one does. The number is good as long as one
    /// of them is kept.
    fn identity(&self) -> Option<usize> {
        None
    }
}

/// How a change is taken back.
#[derive(Clone)]
pub enum Undo {
    /// The record names a place that does not move: allocation maps, headers, catalogue pointers.
    InPlace,
    /// A row; its key or address as the layer above wrote it, and by how much its table's row count changed.
    Row { rows: Arc<dyn Rows>, key: Box<[u8]>, count: i8 },
    /// Rows entered together by one record, behind all others of their table; the key of the first. The transaction keeps
    /// others out of the table until it ends.
    Rows { rows: Arc<dyn Rows>, key: Box<[u8]> },
    /// As in place; this runs as well when the change is taken back: memory follows the pages.
    Call(Arc<dyn Fn() + Send + Sync>),
}

/// Bytes of records that a transaction keeps in memory.
pub(super) const KEPT_RECORDS: usize = 4 << 20;

pub(super) struct Entry {
    pub lsn: Lsn,
    /// `None`: it is in the log.
    pub record: Option<Box<[u8]>>,
    pub undo: Undo,
    /// Log kept for taking this back.
    pub promise: u64,
}

/// What the log knows of a transaction.
pub struct LogTransaction {
    pub id: TransactionId,
    pub(super) begin: Lsn,
    pub(super) last: Lsn,
    pub(super) entries: UndoList,
    /// Bytes of records in the entries.
    pub(super) kept: usize,
    /// The block of the log that was read last for taking back.
    pub(super) block: Option<LogBlock>,
    pub(super) session: u32,
    pub(super) name: String,
    /// Log kept for taking back all of it.
    pub(super) promised: u64,
    /// Bytes are kept free on pages until the transaction ends, for rows that shrank.
    pub(super) reserved: bool,
}

impl LogTransaction {
    /// LSN of BEGIN_XACT; zero before the first change.
    pub fn begin(&self) -> Lsn {
        self.begin
    }

    /// How many changes there are to take back; a savepoint.
    pub fn mark(&self) -> usize {
        self.entries.len()
    }
}
