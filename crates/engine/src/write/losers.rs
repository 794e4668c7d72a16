//! Transactions that were open when the log ended, taken over by an open database: their locks, and their rollback.
//!
//! Invariants
//! 1. Before anybody sees the database, each loser holds an exclusive lock on every table of which it changed rows, until its
//!    last compensation is in the log. The log does not tell the keys of changed rows: the whole table is coarse and right.
//! 2. Where that is not enough, they are rolled back before the database opens: readers of row versions take no locks and
//!    there is no version of what a loser changed; and so where a table is not found or cannot be locked.
//! 3. Whoever closes the database stops the rollback first; the next opening goes on with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as Time;

use holdfast_format::catalog::SystemTables;
use holdfast_format::log::TransactionId;
use holdfast_storage::recovery::RecoveryResult;
use holdfast_storage::recovery::counts::CountChanges;
use holdfast_storage::recovery::database::{Loser, Losers};
use holdfast_storage::write::losers::{STRETCH, Takeover};
use parking_lot::{Condvar, Mutex};

use super::ghost::FIRST_USER_OBJECT;
use super::writing::Writing;
use crate::lock::{Duration, LockMode, LockOwner, LockWait, Resource};
use crate::transaction::new_owner;

/// How far a rollback is.
enum Progress {
    Waiting(Losers),
    Running,
    Ended,
}

/// The losers of one database.
pub struct TakenOver {
    writing: Arc<Writing>,
    owners: BTreeMap<TransactionId, LockOwner>,
    progress: Mutex<Progress>,
    changed: Condvar,
    cancelled: AtomicBool,
}

/// Locks all tables of a loser; `false`: one of them is not found, or somebody else holds it.
fn lock(writing: &Writing, tables: &SystemTables, loser: &Loser, owner: LockOwner) -> bool {
    let wait = LockWait { timeout: Some(Time::ZERO), ..LockWait::default() };
    let mut objects = BTreeSet::new();
    for unit in &loser.changed.units {
        let owner = tables.units.iter().find(|u| u.id == *unit).map(|u| u.owner);
        let Some(rowset) = tables.rowsets.iter().find(|r| Some(r.id) == owner) else { return false };
        objects.insert(rowset.object_id);
    }
    objects.into_iter().all(|object| {
        for rowset in tables.rowsets_of(object) {
            // What is counted while rows are taken back has its place.
            writing.rowsets.of(tables, rowset);
        }
        let resource = Resource::Object { database: writing.database_id, object };
        object >= FIRST_USER_OBJECT
            && writing.locks.acquire(owner, &resource, LockMode::X, Duration::Transaction, &wait).is_ok()
    })
}

impl TakenOver {
    /// Takes losers over; with `false`, not all they changed is locked.
    pub fn new(writing: &Arc<Writing>, tables: &SystemTables, losers: Losers) -> (Arc<Self>, bool) {
        let mut owners = BTreeMap::new();
        let mut whole = !writing.locks.versions.keeps(writing.database_id);
        for loser in &losers.list {
            let owner = new_owner();
            owners.insert(loser.transaction.id, owner);
            whole = whole && lock(writing, tables, loser, owner);
        }
        let taken = TakenOver {
            writing: Arc::clone(writing),
            owners,
            progress: Mutex::new(Progress::Waiting(losers)),
            changed: Condvar::new(),
            cancelled: AtomicBool::new(false),
        };
        (Arc::new(taken), whole)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.owners.len()
    }

    /// Rolls them back, or waits until whoever does has ended; `false`: it was stopped.
    pub fn finish(&self) -> RecoveryResult<bool> {
        self.finish_in(STRETCH, &|| true)
    }

    /// The same in stretches of so many records, between which `goes_on` is asked.
    pub fn finish_in(&self, stretch: u32, goes_on: &dyn Fn() -> bool) -> RecoveryResult<bool> {
        let losers = {
            let mut progress = self.progress.lock();
            loop {
                match std::mem::replace(&mut *progress, Progress::Running) {
                    Progress::Waiting(losers) => break losers,
                    Progress::Running => self.changed.wait(&mut progress),
                    Progress::Ended => {
                        *progress = Progress::Ended;
                        return Ok(!self.cancelled.load(Ordering::Acquire));
                    }
                }
            }
        };
        // Also when the rollback panics, or somebody would wait for ever.
        let _ended = Ended(self);
        self.writing.logged.roll_back_losers(losers, stretch, &Run { taken: self, goes_on })
    }

    /// Stops the rollback, and waits until it has stopped. The locks stay.
    pub fn cancel(&self) {
        self.give_up();
        let mut progress = self.progress.lock();
        if matches!(*progress, Progress::Waiting(_)) {
            *progress = Progress::Ended;
        }
        while matches!(*progress, Progress::Running) {
            self.changed.wait(&mut progress);
        }
    }

    /// The same without waiting.
    pub fn give_up(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Lets go of the locks of those that are left: nobody can read what they changed any more.
    pub fn release(&self) {
        for owner in self.owners.values() {
            self.writing.locks.release_all(*owner);
        }
    }
}

struct Ended<'a>(&'a TakenOver);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        *self.0.progress.lock() = Progress::Ended;
        self.0.changed.notify_all();
    }
}

/// A rollback under way.
struct Run<'a> {
    taken: &'a TakenOver,
    goes_on: &'a dyn Fn() -> bool,
}

impl Takeover for Run<'_> {
    fn counted(&self, changes: &CountChanges) {
        for (rowset, by) in &changes.rows {
            if let Some(live) = self.taken.writing.rowsets.get(*rowset) {
                live.count_rows(*by);
            }
        }
        for (rowset, pages) in &changes.ghosts {
            if let Some(live) = self.taken.writing.rowsets.get(*rowset) {
                pages.iter().for_each(|page| live.note_ghosts(*page));
            }
        }
    }

    fn ended(&self, transaction: TransactionId) {
        if let Some(owner) = self.taken.owners.get(&transaction) {
            self.taken.writing.locks.release_all(*owner);
        }
    }

    fn goes_on(&self) -> bool {
        !self.taken.cancelled.load(Ordering::Acquire) && (self.goes_on)()
    }
}
