//! Locks: who holds what, and who waits for whom.
//!
//! Module map: [`mode`] the modes and what they exclude, [`resource`] what can be locked, `queue` the holders and waiters of one
//! resource, [`manager`] all of them with escalation, `range` key ranges, `wait` waiting and deadlocks, [`snapshot`] what the system views show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time;

use holdfast_types::SqlError;

pub mod manager;
pub mod mode;
mod queue;
mod range;
pub mod resource;
pub mod snapshot;
#[cfg(test)]
mod tests;
mod wait;

pub use manager::{Granted, LockManager};
pub use mode::LockMode;
pub use queue::Duration;
pub use resource::Resource;

/// Who holds locks: one transaction, or one session between transactions. 0 stands for the engine itself, which takes none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LockOwner(pub u64);

/// How long to wait for a lock and what ends the wait.
#[derive(Clone, Debug, Default)]
pub struct LockWait {
    /// `None` waits for ever; zero does not wait (1222 at once).
    pub timeout: Option<time::Duration>,
    /// DEADLOCK_PRIORITY, -10 to 10: the lowest dies.
    pub priority: i8,
    /// Set when the client cancels.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl LockWait {
    pub fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|c| c.load(Ordering::Relaxed))
    }
}

/// Why a lock was not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LockError {
    #[error("lock wait timed out")]
    Timeout,
    /// The session of the owner, as far as it was told ([`LockManager::enter`]).
    #[error("session {session} was chosen as the victim of a deadlock")]
    Deadlock { session: u16 },
    #[error("lock wait cancelled")]
    Cancelled,
}

impl From<LockError> for SqlError {
    fn from(e: LockError) -> SqlError {
        match e {
            LockError::Timeout => SqlError::new(1222, &[]).state(51),
            LockError::Deadlock { session } => SqlError::new(1205, &[&session, &"lock"]).state(51),
            // As a statement that is cancelled at any other place.
            LockError::Cancelled => {
                SqlError::with_text(3617, 11, "The statement was terminated by the client.")
            }
        }
    }
}
