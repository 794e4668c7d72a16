//! The two steps of committing a transaction over several databases: made ready in each, then committed in each.
//!
//! Invariants
//! 1. After [`LogTransaction`] was prepared its part can be committed whatever happens: everything it takes is in the log,
//!    durable, and there is room in the log for the rest. It can still be rolled back, until somebody has decided that all
//!    parts are committed.
//! 2. After that decision nothing is taken back: what fails stops the database, and its next recovery commits the part
//!    ([`crate::recovery::database::Outcomes`]).
//! 3. Pages that the commit gives back are named in the log before it and freed right behind it, in transactions of their
//!    own: a recovery that is cut anywhere frees what is left.

use holdfast_base::{Lsn, PageId};
use holdfast_format::allocation::iam::{self, Iam};
use holdfast_format::log::transaction::{BranchId, PrepareTransaction};
use holdfast_format::log::write::prepare_transaction;
use holdfast_format::log::{TransactionId, op};
use holdfast_format::page::PageView;

use super::log::RECORD_ROOM;
use super::{LogTransaction, LoggedDatabase, UnitId};
use crate::recovery::counts::leftover_record;
use crate::recovery::{RecoveryError, RecoveryResult};

/// Id that master has in every instance. Who decides about transactions over several databases is master there.
const MASTER: u16 = 1;
/// Log that freeing an extent or a single page takes: its byte in the PFS and its bit in a map.
const FREE_ROOM: u64 = 2 * (104 + RECORD_ROOM);
/// Log for the note of a unit whose pages are given back, and for the transaction that does it.
const UNIT_ROOM: u64 = 4 * (128 + RECORD_ROOM);

impl LoggedDatabase {
    /// Makes a transaction ready to be committed as the part `branch` of one over several databases; `emptied` is what its
    /// commit gives back. Returns when that is durable. The transaction must have changed something.
    ///
    /// # Errors
    /// When the log is full, or a map of what is given back cannot be read; the transaction goes on. Others stop the database.
    pub fn prepare(
        &self,
        transaction: &mut LogTransaction,
        branch: BranchId,
        emptied: &[(UnitId, PageId)],
    ) -> RecoveryResult<()> {
        let mut room = 0;
        for &(_, first_iam) in emptied {
            room += UNIT_ROOM + FREE_ROOM * self.pieces(first_iam)?;
        }
        let lsn = {
            let mut change = self.change()?;
            let what = PrepareTransaction {
                partner: TransactionId::NONE,
                partner_database: MASTER,
                partner_lsn: Lsn::ZERO,
                begin: transaction.begin,
                time: change.time(),
                branch: Some(branch),
            };
            let bytes = prepare_transaction(transaction.id, transaction.last, &what);
            transaction.last = change.append_promising(&bytes, room)?;
            transaction.promised += room;
            if let Some(open) = change.state.open.get_mut(&transaction.id) {
                open.last = transaction.last;
            }
            transaction.last
        };
        self.log.flush_to(lsn).inspect_err(|e| self.stop(&e.to_string()))
    }

    /// Extents, single pages and IAM pages of a chain.
    fn pieces(&self, first_iam: PageId) -> RecoveryResult<u64> {
        let unreadable = |error| RecoveryError::Unreadable { page: first_iam, error };
        let mut count = 0;
        for (at, image) in iam::chain(&self.pages, first_iam).map_err(unreadable)? {
            let map = Iam::read(PageView::new(&image), at).map_err(unreadable)?;
            let singles = map.single_pages.iter().filter(|p| !p.is_null()).count();
            count += 1 + singles as u64 + map.extent_starts().count() as u64;
        }
        Ok(count)
    }

    /// Commits a part after it has been decided.
    pub fn commit_prepared(
        &self,
        transaction: &mut LogTransaction,
        emptied: &[(UnitId, PageId)],
    ) -> RecoveryResult<()> {
        let lsn = {
            let mut change = self.change()?;
            for (unit, first_iam) in emptied {
                let note = leftover_record(unit.0, *first_iam);
                change.fatal(self.log.append(&note))?;
            }
            let room = std::mem::take(&mut transaction.promised);
            let lsn = change.end(transaction, op::COMMIT_XACT)?;
            for &(unit, first_iam) in emptied {
                // The transaction is committed: where this fails, pages are left that nobody owns.
                let _ = change.free_leftover(unit, first_iam, PageId::NULL);
            }
            self.log.release(room);
            lsn
        };
        transaction.entries.clear();
        transaction.kept = 0;
        self.log.flush_to(lsn).inspect_err(|e| self.stop(&e.to_string()))
    }
}
