//! Where a row is now. Undo names rows by the page and slot they had when the record was written; since then other rows may
//! have come before them and splits may have moved them. All of that is in the log, so following it gives the exact place
//! without knowing any key.
//!
//! Invariants
//! 1. Only pages whose slots shift are followed; rows of heaps and large values stay where they are.
//! 2. Every record that moves rows goes through [`Positions::observe`], those written by undo included.
//!
//! Rejected: descending the tree by key, which needs the catalogue before the catalogue is consistent, and the collation of
//! every key column.

use std::collections::HashMap;

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::page_operation::DeleteSplit;
use holdfast_format::log::record::flag;
use holdfast_format::log::{LogRecord, LogStore, TransactionId, context, op};

use super::error::{RecoveryError, RecoveryResult};
use super::redo::rows_keep_slots;

#[derive(Clone, Copy, Debug)]
struct Row {
    record: Lsn,
    page: PageId,
    slot: u16,
}

/// Present places of the rows named by records that may have to be undone.
#[derive(Default)]
pub struct Positions {
    rows: Vec<Row>,
    by_page: HashMap<PageId, Vec<usize>>,
    by_record: HashMap<Lsn, usize>,
    /// Slot of the last insert of a transaction into a page: where a split put the rows it moved.
    last_insert: HashMap<(TransactionId, PageId), u16>,
}

impl Positions {
    /// Follows the log from `from` to its end for the records of the given transactions.
    pub fn follow(
        log: &LogStore,
        from: Lsn,
        is_loser: &dyn Fn(TransactionId) -> bool,
    ) -> RecoveryResult<Self> {
        let mut positions = Positions::default();
        log.for_each_record::<RecoveryError>(from, |record| {
            let undoable = record.flags() & (flag::TRANSACTION | flag::COMPENSATION) == flag::TRANSACTION;
            positions.observe(record, undoable && is_loser(record.transaction()))?;
            Ok(true)
        })?;
        Ok(positions)
    }

    /// Present place of the row that a record named; the place in the record where it was not followed.
    pub fn of(&self, record: Lsn, page: PageId, slot: u16) -> (PageId, u16) {
        self.by_record.get(&record).and_then(|&i| self.rows.get(i)).map_or((page, slot), |r| (r.page, r.slot))
    }

    fn shift(&mut self, page: PageId, from: u16, by: i32) {
        for &index in self.by_page.get(&page).into_iter().flatten() {
            let row = &mut self.rows[index];
            if row.slot >= from {
                row.slot = (i32::from(row.slot) + by).clamp(0, i32::from(u16::MAX)) as u16;
            }
        }
    }

    /// Moves the followed rows in `slots` of one page to another page, `to` being the place of the first of them.
    pub fn relocate(&mut self, page: PageId, slots: std::ops::Range<u32>, new_page: PageId, to: u16) {
        let Some(indexes) = self.by_page.remove(&page) else { return };
        for index in indexes {
            let row = &mut self.rows[index];
            let slot = u32::from(row.slot);
            if slots.contains(&slot) {
                row.page = new_page;
                row.slot = to.saturating_add((slot - slots.start) as u16);
            }
            let here = row.page;
            self.by_page.entry(here).or_default().push(index);
        }
    }

    fn add(&mut self, record: Lsn, page: PageId, slot: u16) {
        self.by_page.entry(page).or_default().push(self.rows.len());
        self.by_record.insert(record, self.rows.len());
        self.rows.push(Row { record, page, slot });
    }

    /// Takes note of a record; `track` when its own row may have to be found again.
    pub fn observe(&mut self, record: &LogRecord<'_>, track: bool) -> RecoveryResult<()> {
        let Some(target) = record.page_target()? else { return Ok(()) };
        let operation = record.operation();
        let followed = matches!(
            operation,
            op::INSERT_ROWS
                | op::DELETE_ROWS
                | op::EXPUNGE_ROWS
                | op::DELETE_SPLIT
                | op::MODIFY_ROW
                | op::MODIFY_COLUMNS
                | op::ROOT_CHANGE
        );
        if !followed || rows_keep_slots(record.context()) {
            return Ok(());
        }
        let (page, slot) = (target.page, target.slot);
        match operation {
            op::INSERT_ROWS => {
                let rows = record.elements()?.len().saturating_sub(2);
                if record.row_target()?.size_or_flags & 2 == 0 {
                    self.shift(page, slot, i32::try_from(rows).unwrap_or(0));
                }
                self.last_insert.insert((record.transaction(), page), slot);
            }
            op::DELETE_ROWS if record.context() != context::MARK_AS_GHOST => {
                self.shift(page, slot.saturating_add(1), -1);
            }
            op::EXPUNGE_ROWS => self.shift(page, slot.saturating_add(1), -1),
            op::DELETE_SPLIT => {
                let split = DeleteSplit::decode(record)?;
                let to = self.last_insert.get(&(record.transaction(), split.new_page)).copied().unwrap_or(0);
                self.relocate(
                    page,
                    u32::from(slot)..u32::from(slot) + u32::from(split.rows),
                    split.new_page,
                    to,
                );
            }
            _ => {}
        }
        if track {
            self.add(record.lsn(), page, slot);
        }
        Ok(())
    }

    /// Slot at which a transaction last inserted into a page.
    pub fn last_insert(&self, transaction: TransactionId, page: PageId) -> Option<u16> {
        self.last_insert.get(&(transaction, page)).copied()
    }

    /// Records that are followed, for tests.
    pub fn records(&self) -> impl Iterator<Item = Lsn> + '_ {
        self.rows.iter().map(|r| r.record)
    }
}
