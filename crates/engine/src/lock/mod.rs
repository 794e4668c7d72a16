//! Locks: who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who holds locks: one transaction, or one session between transactions. 0 stands for the engine itself, which takes none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LockOwner(pub u64);

/// How long to wait for a lock and what ends the wait.
#[derive(Clone, Debug, Default)]
pub struct LockWait {
    /// `None` waits for ever; zero does not wait (1222 at once).
    pub timeout: Option<Duration>,
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
