//! Locks of tables in memory that several sessions see (`##t`): the table as a whole is locked.
//!
//! Invariants
//! 1. Who changes such a table, or reads what he is going to change, holds X on it until his transaction ends.
//! 2. Who reads committed rows waits for that, and lets go as soon as he has his copy of the table as it is then; REPEATABLE READ and
//!    SERIALIZABLE keep S, UPDLOCK keeps U, XLOCK keeps X. READ UNCOMMITTED takes nothing.
//! 3. There are no versions of its rows: SNAPSHOT reads what is committed.
//!
//! Rejected: locks of rows, which need what stored tables have (keys in ranges, escalation); such tables in tempdb's files, which would
//! cost every user of them the log.

use std::sync::Arc;

use holdfast_engine::access::{ReadContext, ReadIntent, ReadLevel};
use holdfast_engine::instance::TEMPDB;
use holdfast_engine::lock::{Duration, Granted, LockManager, LockMode, Resource};
use holdfast_engine::write::WriteContext;
use holdfast_types::SqlResult;

/// The lock of a table.
pub(super) struct Shared {
    locks: Arc<LockManager>,
    resource: Resource,
}

impl Shared {
    pub fn new(locks: Arc<LockManager>, object: i32) -> Self {
        Shared { locks, resource: Resource::Object { database: TEMPDB, object } }
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
        let got = self.locks.acquire(read.owner, &self.resource, mode, Duration::Transaction, &read.wait)?;
        let out = f();
        let keeps =
            mode != LockMode::S || matches!(read.level, ReadLevel::Repeatable | ReadLevel::Serializable);
        if !keeps && got != Granted::Held {
            self.locks.release(read.owner, &self.resource);
        }
        out
    }

    /// Invariant 1.
    pub fn change(&self, write: WriteContext<'_>) -> SqlResult<()> {
        let owner = write.transaction.owner();
        self.locks.acquire(owner, &self.resource, LockMode::X, Duration::Transaction, write.wait)?;
        Ok(())
    }
}
