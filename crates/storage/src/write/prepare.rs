//! The two steps of committing a transaction over several databases: made ready in each, then committed in each.
//!
//! Invariants
//! 1. After [`LogTransaction`] was prepared its part can be committed whatever happens: everything it takes is in the log,
//!    durable. It can still be rolled back, until somebody has decided that all parts are committed.
//! 2. After that decision nothing is taken back: what fails stops the database, and its next recovery commits the part
//!    ([`crate::recovery::database::Outcomes`]).

use holdfast_base::Lsn;
use holdfast_format::log::transaction::{BranchId, PrepareTransaction};
use holdfast_format::log::write::prepare_transaction;
use holdfast_format::log::{TransactionId, op};

use super::{Change, LogTransaction, LoggedDatabase};
use crate::recovery::RecoveryResult;

/// Id that master has in every instance. Who decides about transactions over several databases is master there.
const MASTER: u16 = 1;

impl LoggedDatabase {
    /// Makes a transaction ready to be committed as the part `branch` of one over several databases. Returns when that is
    /// durable. The transaction must have changed something.
    ///
    /// # Errors
    /// When the log is full; the transaction goes on. Others stop the database.
    pub fn prepare(&self, transaction: &mut LogTransaction, branch: BranchId) -> RecoveryResult<()> {
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
            transaction.last = change.append_promising(&bytes, 0)?;
            if let Some(open) = change.state.open.get_mut(&transaction.id) {
                open.last = transaction.last;
            }
            transaction.last
        };
        self.log.flush_to(lsn).inspect_err(|e| self.stop(&e.to_string()))
    }

    /// Commits a part after it has been decided; `last` as in [`Self::commit_after`].
    pub fn commit_prepared(
        &self,
        transaction: &mut LogTransaction,
        last: impl FnOnce(&mut Change<'_>, &mut LogTransaction) -> RecoveryResult<()>,
    ) -> RecoveryResult<()> {
        let done = (|| {
            let lsn = {
                let mut change = self.change()?;
                change.take_back(|change| last(change, transaction))?;
                change.end(transaction, op::COMMIT_XACT)?
            };
            transaction.entries.clear();
            transaction.kept = 0;
            self.log.flush_to(lsn)
        })();
        done.inspect_err(|e| self.stop(&e.to_string()))
    }
}
