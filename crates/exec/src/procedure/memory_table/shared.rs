//! Locks of tables in memory that several sessions see (`##t`): the table as a whole is locked.
//!
//! Invariants
//! 1. Who changes such a table, or reads what he is going to change, holds X on it until his transaction ends.
//! 2. Who reads committed rows waits for that, and lets go as soon as he has his copy of the table as it is then; REPEATABLE READ and
//!    SERIALIZABLE keep S, UPDLOCK keeps U, XLOCK keeps X. READ UNCOMMITTED takes nothing.
//! 3. The lock is that of the name: who makes, alters or drops a table of that name holds X on it, too, until his transaction ends. Who then
//!    has waited with a plan for a table that the name does not mean any more begins again (`REDEFINED`).
//! 4. There are no versions of its rows: SNAPSHOT reads what is committed.
//!
//! Rejected: locks of rows, which need what stored tables have (keys in ranges, escalation); such tables in tempdb's files, which would
//! cost every user of them the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::access::{ReadContext, ReadIntent, ReadLevel};
use holdfast_engine::instance::TEMPDB;
use holdfast_engine::lock::{Duration, Granted, LockManager, LockMode, Resource};
use holdfast_engine::write::WriteContext;
use holdfast_engine::write::definitions::redefined;
use holdfast_types::SqlResult;

/// The lock of a table.
pub(super) struct Shared {
    locks: Arc<LockManager>,
    name: Arc<str>,
    object: i32,
    /// The name does not mean this table.
    pub gone: AtomicBool,
}

/// What stands for a name among the locks: of no object that there is.
fn number_of(name: &str) -> i32 {
    let hash = name
        .to_lowercase()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    -1_200_000_000 - (hash % 900_000_000) as i32
}

/// Keeps everybody else from all tables of that name (`##t`) until the transaction ends (invariant 3).
pub fn lock_name(locks: &LockManager, name: &str, write: WriteContext<'_>) -> SqlResult<()> {
    let resource = Resource::Object { database: TEMPDB, object: number_of(name) };
    locks.acquire(write.transaction.owner(), &resource, LockMode::X, Duration::Transaction, write.wait)?;
    Ok(())
}

impl Shared {
    pub fn new(locks: Arc<LockManager>, name: &Arc<str>) -> Self {
        Shared { locks, name: Arc::clone(name), object: number_of(name), gone: AtomicBool::new(false) }
    }

    fn resource(&self) -> Resource {
        Resource::Object { database: TEMPDB, object: self.object }
    }

    fn still_means_it(&self) -> SqlResult<()> {
        match self.gone.load(Ordering::Acquire) {
            true => Err(redefined(TEMPDB, self.object, &self.name)),
            false => Ok(()),
        }
    }

    /// Runs `f`, which takes a copy of the rows, when the reader may see them.
    pub fn read<T>(&self, read: &ReadContext, f: impl FnOnce() -> SqlResult<T>) -> SqlResult<T> {
        let mode = match (read.intent, read.level) {
            _ if read.for_change => LockMode::X,
            (ReadIntent::Exclusive, _) => LockMode::X,
            (ReadIntent::Update, _) => LockMode::U,
            (ReadIntent::Read, ReadLevel::Uncommitted) => return f(),
            (ReadIntent::Read, _) => LockMode::S,
        };
        let resource = self.resource();
        let got = self.locks.acquire(read.owner, &resource, mode, Duration::Transaction, &read.wait)?;
        let out = self.still_means_it().and_then(|()| f());
        let keeps =
            mode != LockMode::S || matches!(read.level, ReadLevel::Repeatable | ReadLevel::Serializable);
        if !keeps && got != Granted::Held {
            self.locks.release(read.owner, &resource);
        }
        out
    }

    /// Invariant 1.
    pub fn change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let owner = write.transaction.owner();
        self.locks.acquire(owner, &self.resource(), LockMode::X, Duration::Transaction, write.wait)?;
        self.still_means_it()
    }
}
