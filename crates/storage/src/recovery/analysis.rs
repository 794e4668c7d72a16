//! Analysis: which transactions are open at the end of the log.
//!
//! Invariants
//! 1. The table is complete when the walk began at or before the oldest BEGIN of an open transaction, or saw the list of
//!    open transactions of a checkpoint.
//! 2. A transaction that was seen to end is not opened again by a checkpoint's list that was made before.

use std::collections::{BTreeMap, HashSet};

use holdfast_base::Lsn;
use holdfast_format::log::record::flag;
use holdfast_format::log::transaction::{BeginTransaction, open_at_checkpoint};
use holdfast_format::log::{LogRecord, TransactionId, context, op};

use super::counts::CountChanges;
use super::error::RecoveryResult;

/// An open transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenTransaction {
    pub id: TransactionId,
    /// Its BEGIN_XACT; zero when the log at hand does not reach back to it.
    pub begin: Lsn,
    /// Its last record: the first one to undo.
    pub last: Lsn,
    /// A system transaction nested in another (page split, allocation): undone physically.
    pub system: bool,
}

/// The table of open transactions.
#[derive(Clone, Debug, Default)]
pub struct TransactionTable {
    open: BTreeMap<TransactionId, OpenTransaction>,
    /// Ended since the last BEGIN_CKPT (invariant 2).
    ended: HashSet<TransactionId>,
    highest: TransactionId,
    last_checkpoint: Lsn,
    /// What changed in the counts of rows and pages.
    pub counts: CountChanges,
}

impl TransactionTable {
    pub fn new() -> Self {
        Self::default()
    }

    /// A table that begins with what an earlier pass left open.
    pub fn with_open(open: impl IntoIterator<Item = OpenTransaction>, highest: TransactionId) -> Self {
        TransactionTable { open: open.into_iter().map(|t| (t.id, t)).collect(), highest, ..Self::default() }
    }

    pub fn open(&self) -> impl Iterator<Item = &OpenTransaction> {
        self.open.values()
    }

    pub fn is_open(&self, id: TransactionId) -> bool {
        self.open.contains_key(&id)
    }

    /// Highest transaction id seen.
    pub fn highest(&self) -> TransactionId {
        self.highest
    }

    /// The last BEGIN_CKPT seen, zero if none.
    pub fn last_checkpoint(&self) -> Lsn {
        self.last_checkpoint
    }

    pub fn close(&mut self, id: TransactionId) {
        self.open.remove(&id);
    }

    /// Takes note of a record.
    pub fn observe(&mut self, record: &LogRecord<'_>) -> RecoveryResult<()> {
        let id = record.transaction();
        let lsn = record.lsn();
        let mut system = false;
        match record.operation() {
            op::BEGIN_XACT => {
                system = BeginTransaction::is_system(record)?;
                self.open.insert(id, OpenTransaction { id, begin: lsn, last: lsn, system });
            }
            op::COMMIT_XACT | op::ABORT_XACT => {
                self.open.remove(&id);
                self.ended.insert(id);
            }
            op::BEGIN_CKPT => {
                self.ended.clear();
                self.last_checkpoint = lsn;
            }
            op::XACT_CKPT if record.context() == context::NULL => {
                for t in open_at_checkpoint(record)? {
                    if !t.id.is_none() && !self.ended.contains(&t.id) {
                        let entry = OpenTransaction { id: t.id, begin: t.begin, last: t.last, system: false };
                        self.open.entry(t.id).or_insert(entry);
                    }
                }
            }
            _ if record.flags() & flag::TRANSACTION != 0 && !id.is_none() => {
                let unknown = OpenTransaction { id, begin: Lsn::ZERO, last: lsn, system: false };
                let entry = self.open.entry(id).or_insert(unknown);
                entry.last = lsn;
                system = entry.system;
            }
            _ => {}
        }
        self.highest = self.highest.max(id);
        self.counts.observe(record, system)
    }
}
