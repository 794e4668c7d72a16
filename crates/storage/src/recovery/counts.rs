//! Row and page counts across a crash. Between checkpoints they live in memory only; the log tells by how much the rows of a
//! rowset changed since the catalogue had them, and whose pages must be counted anew.
//!
//! Invariants
//! 1. A record changes the number of rows by what it says itself, whatever becomes of its transaction: a rollback's
//!    compensation records take it back.
//! 2. COUNT_DELTA writes the rows of a rowset into the catalogue: what was counted before it is in there.
//! 3. The checkpoint at the end of recovery carries on what is not in the catalogue yet ([`CountChanges::records`]).

use std::collections::{BTreeMap, BTreeSet};

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::page_operation::{CountDelta, DeleteSplit};
use holdfast_format::log::transaction::HobtDelta;
use holdfast_format::log::write::{RecordHeader, count_change};
use holdfast_format::log::{LogRecord, TransactionId, context, op};
use holdfast_format::record::is_forwarded;

use super::error::RecoveryResult;
use super::redo::is_ghost;

/// Fixed length of HOBT_DELTA as Holdfast writes it.
const OWN_LENGTH: u16 = 0x50;
/// Kind of a COUNT_DELTA that writes rows.
const ROWS: u32 = 1;

/// What the counts in the catalogue do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountChanges {
    /// Rows by rowset.
    pub rows: BTreeMap<u64, i64>,
    /// Allocation units that got pages.
    pub units: BTreeSet<u64>,
    /// IAM chains that units had got in transactions that were rolled back, to be freed when the database opens. The log
    /// names each before the change that takes its owner away, and every checkpoint of a recovery names it again.
    pub leftovers: BTreeSet<(u64, PageId)>,
    /// Pages on which rows were marked as deleted, or that lost pieces of large values, by rowset: to be cleared once the database is
    /// open. So are pages of heaps and of large values that a rollback has changed: the PFS does not have how full they are.
    pub ghosts: BTreeMap<u64, BTreeSet<PageId>>,
}

/// A record that says: the IAM chain at `page`, which the unit had, belongs to nobody and is to be freed.
pub fn leftover_record(unit: u64, page: PageId) -> Vec<u8> {
    lone_count(0, i64::from(page.file) << 32 | i64::from(page.page), unit)
}

/// A change of counts that belongs to no transaction.
pub fn lone_count(rowset: u64, rows: i64, unit: u64) -> Vec<u8> {
    let header = RecordHeader {
        previous: Lsn::ZERO,
        flags: 0,
        transaction: TransactionId::NONE,
        operation: op::HOBT_DELTA,
        context: context::NULL,
    };
    count_change(&header, rowset, rows, unit)
}

/// A forwarded row is counted where its stub is.
fn is_counted(row: &[u8]) -> bool {
    row.first().is_none_or(|&b| !is_forwarded(b))
}

impl CountChanges {
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.units.is_empty() && self.leftovers.is_empty()
    }

    /// Takes note of a record; `system`: its transaction is a nested system one, which only moves rows.
    pub fn observe(&mut self, record: &LogRecord<'_>, system: bool) -> RecoveryResult<()> {
        let leaf = matches!(record.context(), context::HEAP | context::CLUSTERED | context::INDEX_LEAF);
        let heap = record.context() == context::HEAP;
        self.observe_ghosts(record)?;
        let rows = match record.operation() {
            op::FORMAT_PAGE => {
                if let Some(page) = record.page_target()? {
                    self.units.insert(u64::from(page.object_part) << 16 | u64::from(page.index_part) << 48);
                }
                return Ok(());
            }
            op::COUNT_DELTA => {
                let count = CountDelta::decode(record)?;
                if count.kind == ROWS {
                    self.rows.remove(&count.rowset);
                }
                return Ok(());
            }
            op::HOBT_DELTA => {
                let delta = HobtDelta::decode(record)?;
                if delta.unit_id != 0 {
                    self.units.insert(delta.unit_id);
                    if delta.rows != 0 {
                        let page = PageId::new((delta.rows >> 32) as u16, delta.rows as u32);
                        self.leftovers.insert((delta.unit_id, page));
                    }
                    return Ok(());
                }
                if record.fixed_length() < OWN_LENGTH {
                    return Ok(());
                }
                let rows = self.rows.entry(delta.rowset).or_default();
                // A checkpoint's list holds all that came before it.
                *rows = if record.transaction().is_none() { delta.rows } else { *rows + delta.rows };
                return Ok(());
            }
            _ if system => return Ok(()),
            op::DELETE_SPLIT if leaf => {
                if let Some(rowset) = DeleteSplit::loser(record)? {
                    let rows = DeleteSplit::decode(record)?.rows;
                    *self.rows.entry(rowset).or_default() -= i64::from(rows);
                }
                return Ok(());
            }
            op::INSERT_ROWS if leaf => {
                let rows = record.elements()?.rows();
                if heap { rows.filter(|r| is_counted(r)).count() as i64 } else { rows.len() as i64 }
            }
            op::DELETE_ROWS if record.context() == context::MARK_AS_GHOST => -1,
            op::DELETE_ROWS if leaf => {
                let forwarded = heap && record.elements()?.first().is_some_and(|r| !is_counted(r));
                if forwarded { 0 } else { -1 }
            }
            _ => return Ok(()),
        };
        *self.rows.entry(record.row_target()?.rowset).or_default() += rows;
        Ok(())
    }

    fn observe_ghosts(&mut self, record: &LogRecord<'_>) -> RecoveryResult<()> {
        let ghosts = match record.operation() {
            op::DELETE_ROWS if matches!(record.context(), context::TEXT_MIX | context::TEXT_TREE) => true,
            op::INSERT_ROWS | op::DELETE_ROWS | op::MODIFY_ROW if record.is_compensation() => {
                matches!(record.context(), context::HEAP | context::TEXT_MIX | context::MARK_AS_GHOST)
            }
            op::DELETE_ROWS => record.context() == context::MARK_AS_GHOST,
            // What the PFS says may not have followed.
            op::EXPUNGE_ROWS => true,
            op::INSERT_ROWS if record.row_target()?.size_or_flags & 2 != 0 => true,
            // Rows that a page split moves.
            op::INSERT_ROWS if matches!(record.context(), context::CLUSTERED | context::INDEX_LEAF) => {
                record.elements()?.rows().any(|r| r.first().is_some_and(|&b| is_ghost(b)))
            }
            _ => false,
        };
        if ghosts && let Some(target) = record.page_target()? {
            self.ghosts.entry(record.row_target()?.rowset).or_default().insert(target.page);
        }
        Ok(())
    }

    /// Records that carry on what the catalogue does not have.
    pub fn records(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let rows = self.rows.iter().filter(|(_, by)| **by != 0);
        let rows = rows.map(|(&rowset, &by)| lone_count(rowset, by, 0));
        let units = self.units.iter().map(|&unit| lone_count(0, 0, unit));
        let leftovers = self.leftovers.iter().map(|&(unit, page)| leftover_record(unit, page));
        rows.chain(units).chain(leftovers)
    }
}
