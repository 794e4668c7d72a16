//! A session's transaction: what ties the changes in several databases and in memory together.
//!
//! Invariants
//! 1. A transaction that is dropped without having ended is rolled back.
//! 2. [`Transaction::commit`] returns after the log of every participant is durable.
//! 3. Locks go when all participants have ended, also those that only reading took.
//! 4. Of changes in several databases all stay or none, whenever the server stops: each part is made ready to be committed
//!    and durable, then [`Decisions`] says durably that all are committed, then each is.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use holdfast_format::log::transaction::BranchId;
use holdfast_types::{DateTime2, SqlError, SqlResult};
use parking_lot::Mutex;

use crate::decision::{Branch, Decisions, GlobalId, Undecided};

use crate::lock::{LockManager, LockOwner};

/// A place that takes part: one database's log, or the tables in memory of a session.
pub trait Participant: Send + Sync {
    /// Identifies the place, so that it joins once.
    fn place(&self) -> usize;
    /// Makes the changes durable and visible, and lets go of locks.
    fn commit(&self) -> SqlResult<()>;
    /// What a transaction over several databases needs of this one; `None`: nothing that a crash could keep.
    fn durable(&self) -> Option<&dyn DurableParticipant> {
        None
    }
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

/// A place whose changes are in a log.
pub trait DurableParticipant {
    /// Where it stands what becomes of transactions over several databases.
    fn decisions(&self) -> Option<Arc<Decisions>>;
    /// Makes the changes durable without ending; they can still be rolled back. The answer is what its commit gives back.
    fn prepare(&self, branch: BranchId) -> SqlResult<Branch>;
    /// Ends what was prepared, after it was decided. An error leaves it to the recovery of the database, which is stopped.
    fn commit_prepared(&self) -> SqlResult<()>;
    /// Stops the database: what has become of the transaction can only be known when it is opened again.
    fn doubt(&self, why: &str);
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
    /// It has changed a catalogue.
    defines: AtomicBool,
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
            defines: AtomicBool::new(false),
        }
    }

    /// It is going to change a catalogue.
    pub fn defines(&self) {
        self.defines.store(true, Ordering::Relaxed);
    }

    /// Whether names may mean something else to it than to others.
    pub fn has_defined(&self) -> bool {
        self.defines.load(Ordering::Relaxed)
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

    /// The participant of a place, if it takes part already.
    pub fn takes_part(&self, place: usize) -> Option<Arc<dyn Participant>> {
        self.participants.lock().iter().find(|p| p.place() == place).cloned()
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
        let all = std::mem::take(&mut *self.participants.lock());
        let durable: Vec<&dyn DurableParticipant> = all.iter().filter_map(|p| p.durable()).collect();
        let (stays, result) = match durable.len() {
            0 | 1 => {
                let result = commit_one(&all);
                (result.is_ok(), result)
            }
            _ => match decide(&all, &durable) {
                Ok((decisions, id)) => (true, commit_decided(&all, &decisions, id)),
                Err(e) => (false, Err(e)),
            },
        };
        if let Some(locks) = &self.locks {
            if stays {
                locks.versions.commit(self.owner);
            } else {
                locks.versions.roll_back(self.owner);
            }
        }
        if !stays {
            all.iter().for_each(|p| p.taken_back());
        }
        self.release_locks();
        result
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

fn commit_one(all: &[Arc<dyn Participant>]) -> SqlResult<()> {
    // What can fail first, before what is in memory only.
    let (durable, memory): (Vec<_>, Vec<_>) = all.iter().partition(|p| p.durable().is_some());
    for p in durable {
        if let Err(e) = p.commit() {
            memory.iter().rev().try_for_each(|p| p.rollback())?;
            return Err(e);
        }
    }
    memory.iter().try_for_each(|p| p.commit())
}

/// The first steps of invariant 4. After an error nothing stays, unless the databases were stopped.
fn decide(
    all: &[Arc<dyn Participant>],
    durable: &[&dyn DurableParticipant],
) -> SqlResult<(Arc<Decisions>, GlobalId)> {
    let roll_back = || {
        let mut result = Ok(());
        for p in all.iter().rev() {
            result = result.and(p.rollback());
        }
        result
    };
    let Some(decisions) = durable.iter().find_map(|p| p.decisions()) else {
        roll_back()?;
        return Err(undecided("there is no place to keep the decision"));
    };
    let id = decisions.new_id();
    let mut branches = Vec::with_capacity(durable.len());
    for (n, p) in durable.iter().enumerate() {
        match p.prepare(id.branch(n)) {
            Ok(branch) => branches.push(branch),
            Err(e) => {
                roll_back()?;
                return Err(e);
            }
        }
    }
    match decisions.decide(id, branches) {
        Ok(()) => Ok((decisions, id)),
        Err(Undecided::No(what)) => {
            roll_back()?;
            Err(undecided(&what))
        }
        Err(Undecided::InDoubt(what)) => {
            durable.iter().for_each(|p| p.doubt(&what));
            all.iter().rev().filter(|p| p.durable().is_none()).try_for_each(|p| p.rollback())?;
            let text = format!(
                "Whether a transaction over several databases was committed is known when the server starts again: {what}."
            );
            Err(SqlError::with_text(9001, 21, text))
        }
    }
}

/// The last step.
fn commit_decided(all: &[Arc<dyn Participant>], decisions: &Decisions, id: GlobalId) -> SqlResult<()> {
    let mut result = Ok(());
    for p in all {
        let done = match p.durable() {
            Some(durable) => durable.commit_prepared(),
            None => p.commit(),
        };
        result = result.and(done);
    }
    match result {
        Ok(()) => {
            decisions.settled(id);
            Ok(())
        }
        // The file stays: the recovery of that database reads it.
        Err(e) => {
            let text =
                format!("The transaction is committed, but one of its databases has stopped. {}", e.message);
            Err(SqlError::with_text(e.number, e.severity, text))
        }
    }
}

fn undecided(what: &str) -> SqlError {
    let text = format!("The transaction over several databases was rolled back: {what}.");
    SqlError::with_text(3933, 16, text)
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Invariant 1. A failed rollback has made its database refuse further work, which is where it is reported.
        let _ = self.rollback();
    }
}
