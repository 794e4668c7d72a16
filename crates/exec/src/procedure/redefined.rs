//! Statements that are begun again because somebody has changed a definition between their plan and their lock
//! ([`holdfast_engine::write::definitions`]).
//!
//! Invariants
//! 1. What is begun again has told the client nothing but its columns.
//! 2. While it runs again the definition is kept by Sch-S, so that it is not changed once more; its own locks go with that,
//!    because session and transaction are one space.

use std::sync::Arc;

use holdfast_engine::lock::{Duration, LockManager, LockMode, LockOwner, Resource};
use holdfast_engine::write::definitions::{REDEFINED, object_of};
use holdfast_types::SqlError;

use super::run::{Fail, Runner};

/// Tables of one statement that may be met in turn.
const AGAIN: usize = 10;

/// Definitions that are kept until the statement has ended.
pub struct Kept {
    locks: Arc<LockManager>,
    owner: LockOwner,
    resources: Vec<Resource>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        for resource in &self.resources {
            self.locks.release(self.owner, resource);
        }
    }
}

/// What a client is told when that does not help, or when rows have been sent.
pub fn told_to_client(e: SqlError) -> SqlError {
    if e.number != REDEFINED {
        return e;
    }
    SqlError::with_text(8624, 16, format!("Internal error: {}", e.message))
}

impl Runner<'_> {
    pub fn kept_definitions(&self) -> Kept {
        let locks = Arc::clone(&self.session.host.instance.locks);
        Kept { locks, owner: self.session.owner, resources: Vec::new() }
    }

    /// Keeps the definition that has changed and looks it up again; other errors, and more than a statement can meet, go on.
    pub fn begin_again(&mut self, kept: &mut Kept, fail: Fail) -> Result<(), Fail> {
        match fail {
            Fail::Error(e) => match object_of(&e).filter(|_| kept.resources.len() < AGAIN) {
                Some(resource) => {
                    let (mode, wait) = (LockMode::SchS, self.session.lock_wait());
                    kept.locks
                        .acquire(kept.owner, &resource, mode, Duration::Transaction, &wait)
                        .map_err(SqlError::from)?;
                    kept.resources.push(resource);
                    self.look_again();
                    Ok(())
                }
                None => Err(told_to_client(e).into()),
            },
            other => Err(other),
        }
    }

    /// Runs what plans and reads until no definition changes under it.
    pub fn while_defined<T>(&mut self, mut f: impl FnMut(&mut Self) -> Result<T, Fail>) -> Result<T, Fail> {
        let mut kept = None;
        loop {
            match f(self) {
                Ok(done) => return Ok(done),
                Err(fail) => {
                    let mut now = kept.take().unwrap_or_else(|| self.kept_definitions());
                    self.begin_again(&mut now, fail)?;
                    kept = Some(now);
                }
            }
        }
    }
}
