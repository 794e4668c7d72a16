//! Transactions that were open when the log ended, taken over by an open database: their locks, and their rollback.
//!
//! Invariants
//! 1. Before anybody sees the database, every table of which losers changed rows is locked exclusively, until the last
//!    compensation of the last of them is in the log. The log does not tell the keys of changed rows: the whole table is coarse and right.
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
    /// Whether all are rolled back.
    Ended(bool),
}

/// A table that losers changed.
struct Locked {
    /// One for each table: several losers may have changed different rows of it.
    owner: LockOwner,
    by: BTreeSet<TransactionId>,
}

/// The losers of one database.
pub struct TakenOver {
    writing: Arc<Writing>,
    count: usize,
    /// By object.
    locked: Mutex<BTreeMap<i32, Locked>>,
    progress: Mutex<Progress>,
    changed: Condvar,
    cancelled: AtomicBool,
}

/// Tables that losers changed, with those who did; `None`: one of them is not found.
fn tables_of(
    writing: &Writing,
    tables: &SystemTables,
    losers: &[Loser],
) -> Option<BTreeMap<i32, BTreeSet<TransactionId>>> {
    let mut found: Option<BTreeMap<i32, BTreeSet<TransactionId>>> = Some(BTreeMap::new());
    for (loser, unit) in losers.iter().flat_map(|l| l.changed.units.iter().map(move |u| (l, *u))) {
        let owner = tables.units.iter().find(|u| u.id == unit).map(|u| u.owner);
        let Some(rowset) = tables.rowsets.iter().find(|r| Some(r.id) == owner) else {
            found = None;
            continue;
        };
        // What is counted while rows are taken back has its place.
        writing.rowsets.of(tables, rowset);
        match &mut found {
            Some(all) if rowset.object_id >= FIRST_USER_OBJECT => {
                all.entry(rowset.object_id).or_default().insert(loser.transaction.id);
            }
            _ => found = None,
        }
    }
    found
}

impl TakenOver {
    /// Takes losers over; with `false`, not all they changed is locked.
    pub fn new(writing: &Arc<Writing>, tables: &SystemTables, losers: Losers) -> (Arc<Self>, bool) {
        let wait = LockWait { timeout: Some(Time::ZERO), ..LockWait::default() };
        let found = tables_of(writing, tables, &losers.list);
        let mut whole = found.is_some() && !writing.locks.versions.keeps(writing.database_id);
        let mut locked = BTreeMap::new();
        for (object, by) in found.unwrap_or_default() {
            let owner = new_owner();
            let resource = Resource::Object { database: writing.database_id, object };
            let got = writing.locks.acquire(owner, &resource, LockMode::X, Duration::Transaction, &wait);
            whole &= got.is_ok();
            locked.insert(object, Locked { owner, by });
        }
        let taken = TakenOver {
            writing: Arc::clone(writing),
            count: losers.list.len(),
            locked: Mutex::new(locked),
            progress: Mutex::new(Progress::Waiting(losers)),
            changed: Condvar::new(),
            cancelled: AtomicBool::new(false),
        };
        (Arc::new(taken), whole)
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count
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
                    Progress::Ended(whole) => {
                        *progress = Progress::Ended(whole);
                        return Ok(whole);
                    }
                }
            }
        };
        // Also when the rollback panics, or somebody would wait for ever.
        let mut ended = Ended { taken: self, whole: false };
        let done = self.writing.logged.roll_back_losers(losers, stretch, &Run { taken: self, goes_on });
        ended.whole = matches!(done, Ok(true));
        done
    }

    /// Whether all are rolled back.
    pub fn has_finished(&self) -> bool {
        matches!(*self.progress.lock(), Progress::Ended(true))
    }

    /// Stops the rollback, and waits until it has stopped. The locks stay. When all are rolled back already nothing happens.
    pub fn cancel(&self) {
        self.give_up();
        let mut progress = self.progress.lock();
        if matches!(*progress, Progress::Waiting(_)) {
            *progress = Progress::Ended(false);
        }
        while matches!(*progress, Progress::Running) {
            self.changed.wait(&mut progress);
        }
    }

    /// The same without waiting.
    pub fn give_up(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Lets go of the locks of those that are left. What they changed must not be readable any more
    /// ([`Writing::leave_open`]).
    pub fn release(&self) {
        for table in std::mem::take(&mut *self.locked.lock()).into_values() {
            self.writing.locks.release_all(table.owner);
        }
    }
}

struct Ended<'a> {
    taken: &'a TakenOver,
    whole: bool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.taken.writing.logged.stop("the rollback of what was open ended unexpectedly");
        }
        *self.taken.progress.lock() = Progress::Ended(self.whole);
        self.taken.changed.notify_all();
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
        self.taken.locked.lock().retain(|_, table| {
            let last = table.by.remove(&transaction) && table.by.is_empty();
            if last {
                self.taken.writing.locks.release_all(table.owner);
            }
            !last
        });
    }

    fn goes_on(&self) -> bool {
        !self.taken.cancelled.load(Ordering::Acquire) && (self.goes_on)()
    }
}
