//! Analysis: which transactions are open at the end of the log.
//!
//! Invariants
//! 1. The table is complete when the walk began at or before the oldest BEGIN of an open transaction, or saw the list of
//!    open transactions of a checkpoint.
//! 2. A transaction that was seen to end is not opened again by a checkpoint's list that was made before.
//! 3. What is known of a transaction's changes ([`Changed`]) is complete or says that it is not.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use holdfast_base::Lsn;
use holdfast_format::catalog::unit_type::FIRST_NUMBERED;
use holdfast_format::log::record::flag;
use holdfast_format::log::transaction::{BeginTransaction, BranchId, PrepareTransaction, open_at_checkpoint};
use holdfast_format::log::{LogRecord, TransactionId, context, op};
use holdfast_format::page::header::FIXED_PAGE_OBJECT;

use super::counts::CountChanges;
use crate::write::UNDO_ROOM;

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

/// What a transaction has changed, as far as that decides who takes it back and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changed {
    /// Allocation units of rows and large values.
    pub units: BTreeSet<u64>,
    /// Also something that is no row of a user table (catalogue, allocation, headers), or something that the walk has not seen.
    pub other: bool,
    /// Bytes and number of the records that are to be taken back, or more.
    pub bytes: u64,
    pub records: u64,
}

impl Changed {
    pub fn unseen() -> Self {
        Changed { other: true, ..Self::default() }
    }

    fn note(&mut self, record: &LogRecord<'_>) -> RecoveryResult<()> {
        if let Some(target) = record.page_target()? {
            let unit = u64::from(target.object_part) << 16 | u64::from(target.index_part) << 48;
            let of_rows = match record.operation() {
                op::INSERT_ROWS | op::DELETE_ROWS | op::MODIFY_ROW | op::MODIFY_COLUMNS => true,
                // Rows that came together and were taken back; otherwise it is a page split.
                op::DELETE_SPLIT => record.is_compensation(),
                _ => false,
            };
            // Ids of the catalogue's units are made of its low object ids.
            if of_rows && (unit >= FIRST_NUMBERED || target.object_part > FIXED_PAGE_OBJECT) {
                self.units.insert(unit);
            } else {
                self.other = true;
            }
        } else {
            // Counts that TRUNCATE changed are taken back, too; locks and savepoints leave nothing.
            self.other |= record.operation() == op::HOBT_DELTA;
        }
        if !record.is_compensation() {
            self.bytes += record.bytes().len() as u64;
            self.records += 1;
        } else if record.operation() != op::DELETE_SPLIT && record.page_target()?.is_some() {
            // What it took back is not taken back again; that was no shorter than this, but for the room that was kept for it.
            self.bytes = self.bytes.saturating_sub((record.bytes().len() as u64).saturating_sub(UNDO_ROOM));
            self.records = self.records.saturating_sub(1);
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Entry {
    transaction: OpenTransaction,
    changed: Changed,
    /// It is part of a transaction over several databases and was made ready to be committed.
    branch: Option<BranchId>,
}

impl Entry {
    fn new(transaction: OpenTransaction, changed: Changed) -> Self {
        Entry { transaction, changed, branch: None }
    }
}

/// The table of open transactions.
#[derive(Clone, Debug, Default)]
pub struct TransactionTable {
    open: BTreeMap<TransactionId, Entry>,
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
        let entry = |t: OpenTransaction| (t.id, Entry::new(t, Changed::unseen()));
        TransactionTable { open: open.into_iter().map(entry).collect(), highest, ..Self::default() }
    }

    pub fn open(&self) -> impl Iterator<Item = &OpenTransaction> {
        self.open.values().map(|e| &e.transaction)
    }

    /// What an open transaction has changed.
    pub fn changed(&self, id: TransactionId) -> Option<&Changed> {
        self.open.get(&id).map(|e| &e.changed)
    }

    /// Whether it has changed nothing but rows of tables: whoever keeps others from those can take it back later.
    pub fn changed_only_rows(&self, id: TransactionId) -> bool {
        self.open.get(&id).is_some_and(|e| !e.changed.other && !e.transaction.system)
    }

    /// Open parts of transactions over several databases that were made ready to be committed.
    pub fn prepared(&self) -> impl Iterator<Item = (&OpenTransaction, BranchId)> {
        self.open.values().filter_map(|e| e.branch.map(|branch| (&e.transaction, branch)))
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
                let transaction = OpenTransaction { id, begin: lsn, last: lsn, system };
                self.open.insert(id, Entry::new(transaction, Changed::default()));
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
                        let transaction =
                            OpenTransaction { id: t.id, begin: t.begin, last: t.last, system: false };
                        self.open.entry(t.id).or_insert(Entry::new(transaction, Changed::unseen()));
                    }
                }
            }
            _ if record.flags() & flag::TRANSACTION != 0 && !id.is_none() => {
                let entry = self.open.entry(id).or_insert_with(|| {
                    let unseen = OpenTransaction { id, begin: Lsn::ZERO, last: lsn, system: false };
                    Entry::new(unseen, Changed::unseen())
                });
                entry.transaction.last = lsn;
                if record.operation() == op::PREP_XACT {
                    entry.branch = PrepareTransaction::decode(record)?.branch;
                } else if record.is_compensation() {
                    // It was being rolled back, so it was never decided that it is committed.
                    entry.branch = None;
                }
                system = entry.transaction.system;
                if !system {
                    entry.changed.note(record)?;
                }
            }
            _ => {}
        }
        self.highest = self.highest.max(id);
        self.counts.observe(record, system)
    }
}
