//! A session's transaction: what ties the changes in several databases and in memory together.
//!
//! Invariants
//! 1. A transaction that is dropped without having ended is rolled back.
//! 2. [`Transaction::commit`] returns after the log of every participant is durable.
//! 3. Locks go when all participants have ended, also those that only reading took.

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use holdfast_types::{DateTime2, SqlResult};
use parking_lot::Mutex;

use crate::lock::{LockManager, LockOwner};

/// A place that takes part: one database's log, or the tables in memory of a session.
pub trait Participant: Send + Sync {
    /// Identifies the place, so that it joins once.
    fn place(&self) -> usize;
    /// Makes the changes durable and visible, and lets go of locks.
    fn commit(&self) -> SqlResult<()>;
    /// Takes back everything and lets go of locks.
    fn rollback(&self) -> SqlResult<()>;
    /// A mark of how far the changes are.
    fn savepoint(&self) -> u64;
    /// Takes back what was changed since the mark (0: everything); the transaction goes on and keeps its locks.
    fn rollback_to(&self, mark: u64) -> SqlResult<()>;
    /// After all participants took something back: what was read of changes that are gone is read again.
    fn taken_back(&self) {}
    /// For the implementation to find itself again.
    fn as_any(&self) -> &dyn Any;
}

static NEXT_OWNER: AtomicU64 = AtomicU64::new(1);

/// A new owner of locks, never given before in this process.
pub fn new_owner() -> LockOwner {
    LockOwner(NEXT_OWNER.fetch_add(1, Ordering::Relaxed))
}

/// How far each participant was.
#[derive(Clone, Debug, Default)]
pub struct Savepoint(Vec<(usize, u64)>);

/// An open transaction.
pub struct Transaction {
    owner: LockOwner,
    participants: Mutex<Vec<Arc<dyn Participant>>>,
    locks: Option<Arc<LockManager>>,
    started: Instant,
    time: OnceLock<DateTime2>,
}

impl Transaction {
    /// Without locks: for the engine itself and for tables that nobody else sees.
    pub fn new(owner: LockOwner) -> Self {
        Self::make(owner, None)
    }

    /// A transaction that lets go of its owner's locks when it ends.
    pub fn with_locks(owner: LockOwner, locks: Arc<LockManager>) -> Self {
        Self::make(owner, Some(locks))
    }

    fn make(owner: LockOwner, locks: Option<Arc<LockManager>>) -> Self {
        Transaction {
            owner,
            participants: Mutex::new(Vec::new()),
            locks,
            started: Instant::now(),
            time: OnceLock::new(),
        }
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    /// The moment at which it began, in UTC: the same whenever it is asked. `at` tells what time it was that long ago.
    pub fn time(&self, at: impl FnOnce(Duration) -> DateTime2) -> DateTime2 {
        *self.time.get_or_init(|| at(self.started.elapsed()))
    }

    fn release_locks(&self) {
        if let Some(locks) = &self.locks {
            locks.release_all(self.owner);
        }
    }

    pub fn owner(&self) -> LockOwner {
        self.owner
    }

    /// Whether anything took part yet, that is whether there may be changes.
    pub fn has_changes(&self) -> bool {
        !self.participants.lock().is_empty()
    }

    /// The participant of a place, made by `join` the first time.
    pub fn participant(
        &self,
        place: usize,
        join: impl FnOnce() -> SqlResult<Arc<dyn Participant>>,
    ) -> SqlResult<Arc<dyn Participant>> {
        let mut all = self.participants.lock();
        if let Some(found) = all.iter().find(|p| p.place() == place) {
            return Ok(Arc::clone(found));
        }
        let new = join()?;
        all.push(Arc::clone(&new));
        Ok(new)
    }

    pub fn savepoint(&self) -> Savepoint {
        Savepoint(self.participants.lock().iter().map(|p| (p.place(), p.savepoint())).collect())
    }

    /// Takes back what was changed since the savepoint.
    pub fn rollback_to(&self, savepoint: &Savepoint) -> SqlResult<()> {
        let all = self.participants.lock().clone();
        for p in all.iter().rev() {
            let mark = savepoint.0.iter().find(|(place, _)| *place == p.place()).map_or(0, |m| m.1);
            p.rollback_to(mark)?;
        }
        all.iter().for_each(|p| p.taken_back());
        Ok(())
    }

    /// Ends the transaction; its changes stay.
    pub fn commit(&self) -> SqlResult<()> {
        let result = self.commit_participants();
        if let Some(locks) = &self.locks {
            locks.versions.commit(self.owner);
        }
        self.release_locks();
        result
    }

    fn commit_participants(&self) -> SqlResult<()> {
        let all = std::mem::take(&mut *self.participants.lock());
        // One after the other: changes in several databases are not one atomic unit across a crash.
        for (index, p) in all.iter().enumerate() {
            if let Err(e) = p.commit() {
                for rest in all.iter().skip(index + 1) {
                    rest.rollback()?;
                }
                return Err(e);
            }
        }
        Ok(())
    }

    /// Ends the transaction; nothing of it stays.
    pub fn rollback(&self) -> SqlResult<()> {
        let all = std::mem::take(&mut *self.participants.lock());
        let mut result = Ok(());
        for p in all.iter().rev() {
            result = result.and(p.rollback());
        }
        if let Some(locks) = &self.locks {
            locks.versions.roll_back(self.owner);
        }
        all.iter().for_each(|p| p.taken_back());
        self.release_locks();
        result
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Invariant 1. A failed rollback has made its database refuse further work, which is where it is reported.
        let _ = self.rollback();
    }
}
