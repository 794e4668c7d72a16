//! Key ranges: what serializable readers and the writers of their tables ask of the lock manager.
//!
//! A lock on an index key in a range mode also covers the gap before that key, up to the key in front of it. Readers lock every
//! key of their range and the first one behind it; whoever enters a key asks for RangeI-N on the key that follows it.
//!
//! Invariants
//! 1. [`LockManager::ranges_are_locked`] is true from before the first range lock on a table until after the last is released.
//! 2. Writers look at it under the write gate of their database. A reader that is the first of its transaction passes through
//!    that gate after it has entered, so no writer that did not see it is still at work when the reader takes its first page.

use std::sync::atomic::{AtomicU32, Ordering};

use super::manager::{LockManager, Owner, Table};
use super::mode::LockMode;
use super::queue::{Answer, Duration};
use super::resource::Resource;
use super::{LockError, LockOwner, LockWait};

impl LockManager {
    fn range_counter(&self, table: Table) -> &AtomicU32 {
        &self.ranges[Self::slot_of(table.database, table.object)]
    }

    /// Makes known that the owner's transaction is going to lock key ranges of a table. `true`: for the first time.
    pub fn enter_ranges(&self, owner: LockOwner, table: Table) -> bool {
        let mut owners = self.owner_shard(owner);
        let o = owners.entry(owner.0).or_insert_with(|| Owner::new(owner));
        let locks = o.table(table);
        if locks.ranges {
            return false;
        }
        locks.ranges = true;
        self.range_counter(table).fetch_add(1, Ordering::SeqCst);
        true
    }

    pub(super) fn leave_ranges(&self, table: Table) {
        self.range_counter(table).fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether key ranges of the table (or of one that shares its counter) may be locked by anybody.
    pub fn ranges_are_locked(&self, table: Table) -> bool {
        self.range_counter(table).load(Ordering::SeqCst) != 0
    }

    /// Waits until a lock that was refused would be given, and takes none. In the order of arrival, as [`LockManager::acquire`]
    /// does: also behind those who only wait.
    ///
    /// # Errors
    /// As [`LockManager::acquire`].
    pub fn wait_in_turn(
        &self,
        owner: LockOwner,
        resource: &Resource,
        mode: LockMode,
        wait: &LockWait,
    ) -> Result<(), LockError> {
        let space = self.space(owner);
        self.wait(owner, space, resource, mode, Duration::Statement, false, wait).map(drop)
    }

    /// [`LockManager::acquire_row`] for the transaction, only if that needs no wait.
    pub fn try_row(&self, owner: LockOwner, table: Table, row: &Resource, mode: LockMode) -> bool {
        if owner.0 == 0 {
            return true;
        }
        let (_, answer, _) = self.ask(owner, Some(table), row, mode, Duration::Transaction);
        answer != Answer::MustWait
    }
}
