//! The holders of one resource and those who wait for it.
//!
//! Invariants
//! 1. Any two grants of different spaces are of modes that do not exclude each other.
//! 2. A request is granted at once when it agrees with all grants and with all who wait; so nobody waits for ever behind
//!    newcomers. Who holds the resource already (a conversion) only has to agree with the grants, and waits before all others.
//! 3. After every release those who can be granted are granted, in order.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use smallvec::SmallVec;

use super::LockOwner;
use super::mode::LockMode;

/// How long a lock is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duration {
    /// Until [`super::LockManager::release_statement`].
    Statement,
    /// Until [`super::LockManager::release_all`], or as many releases as there were requests.
    Transaction,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub owner: LockOwner,
    pub space: u64,
    pub transaction: LockMode,
    pub statement: LockMode,
    /// Requests for the transaction.
    pub count: u32,
}

impl Grant {
    pub fn mode(&self) -> LockMode {
        self.transaction.union(self.statement)
    }
}

/// What became of a waiter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Waiting,
    Granted(Recorded),
    Victim,
}

/// Whether the owner holds the resource for the first time, per duration: it then takes note of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Recorded {
    pub transaction: bool,
    pub statement: bool,
}

/// Where a waiting thread sleeps.
pub(super) struct Slot {
    pub fate: Mutex<Fate>,
    pub wake: Condvar,
}

impl Slot {
    pub fn new() -> Arc<Self> {
        Arc::new(Slot { fate: Mutex::new(Fate::Waiting), wake: Condvar::new() })
    }

    pub fn settle(&self, fate: Fate) {
        *self.fate.lock() = fate;
        self.wake.notify_all();
    }
}

#[derive(Clone)]
pub(super) struct Waiter {
    pub id: u64,
    pub owner: LockOwner,
    pub space: u64,
    pub mode: LockMode,
    pub duration: Duration,
    /// Its space holds the resource already.
    pub conversion: bool,
    /// Wants a lock; otherwise only to know that nothing stands against one.
    pub keep: bool,
    pub slot: Arc<Slot>,
}

/// Answer to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// What was held is enough, or now is.
    Held(Recorded),
    Granted(Recorded),
    MustWait,
}

#[derive(Default)]
pub(super) struct Queue {
    pub grants: SmallVec<[Grant; 2]>,
    pub waiters: Vec<Waiter>,
    /// Grants on a table under which rows may change, as last counted.
    pub writers: u32,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.waiters.is_empty()
    }

    fn position(&self, owner: LockOwner) -> Option<usize> {
        self.grants.iter().position(|g| g.owner == owner)
    }

    /// What the owner would hold with `mode` added.
    fn target(&self, owner: LockOwner, mode: LockMode) -> LockMode {
        self.position(owner).map_or(mode, |i| self.grants[i].mode().union(mode))
    }

    pub fn holds(&self, space: u64) -> bool {
        self.grants.iter().any(|g| g.space == space)
    }

    /// Whether grants of others stand against a mode.
    pub fn conflicts(&self, space: u64, mode: LockMode) -> bool {
        self.grants.iter().any(|g| g.space != space && g.mode().conflicts(mode))
    }

    fn record(&mut self, owner: LockOwner, space: u64, mode: LockMode, duration: Duration) -> Recorded {
        let index = self.position(owner).unwrap_or_else(|| {
            let (transaction, statement) = (LockMode::Null, LockMode::Null);
            self.grants.push(Grant { owner, space, transaction, statement, count: 0 });
            self.grants.len() - 1
        });
        let g = &mut self.grants[index];
        let mut recorded = Recorded::default();
        match duration {
            Duration::Transaction => {
                recorded.transaction = g.count == 0;
                g.transaction = g.transaction.union(mode);
                g.count += 1;
            }
            Duration::Statement => {
                recorded.statement = g.statement == LockMode::Null;
                g.statement = g.statement.union(mode);
            }
        }
        recorded
    }

    /// Grants a request that need not wait.
    pub fn request(&mut self, owner: LockOwner, space: u64, mode: LockMode, duration: Duration) -> Answer {
        if self.grants.is_empty() && self.waiters.is_empty() {
            return Answer::Granted(self.record(owner, space, mode, duration));
        }
        let held = self.position(owner).map(|i| self.grants[i].mode());
        let target = held.map_or(mode, |h| h.union(mode));
        if held == Some(target) {
            return Answer::Held(self.record(owner, space, mode, duration));
        }
        if self.conflicts(space, target) {
            return Answer::MustWait;
        }
        // Invariant 2.
        let queued = |w: &Waiter| w.space != space && w.mode.conflicts(target);
        if !self.holds(space) && self.waiters.iter().any(queued) {
            return Answer::MustWait;
        }
        Answer::Granted(self.record(owner, space, mode, duration))
    }

    pub fn wait(&mut self, waiter: Waiter) {
        if waiter.conversion {
            let after = self.waiters.iter().take_while(|w| w.conversion).count();
            self.waiters.insert(after, waiter);
        } else {
            self.waiters.push(waiter);
        }
    }

    /// Takes a waiter out; `None` when it was settled before.
    pub fn withdraw(&mut self, id: u64) -> Option<Waiter> {
        let index = self.waiters.iter().position(|w| w.id == id)?;
        Some(self.waiters.remove(index))
    }

    /// Grants what can be granted (invariant 3).
    pub fn grant_waiters(&mut self) {
        let mut i = 0;
        while i < self.waiters.len() {
            let w = &self.waiters[i];
            let target = self.target(w.owner, w.mode);
            let before = &self.waiters[..i];
            let blocked = self.conflicts(w.space, target)
                || (!w.conversion && before.iter().any(|b| b.space != w.space && b.mode.conflicts(target)));
            if blocked {
                i += 1;
                continue;
            }
            let w = self.waiters.remove(i);
            let recorded =
                if w.keep { self.record(w.owner, w.space, w.mode, w.duration) } else { Recorded::default() };
            w.slot.settle(Fate::Granted(recorded));
        }
    }

    /// Spaces that a waiter waits for; nothing when it waits no more.
    pub fn blockers(&self, id: u64, out: &mut Vec<u64>) {
        let Some(index) = self.waiters.iter().position(|w| w.id == id) else { return };
        let w = &self.waiters[index];
        let target = self.target(w.owner, w.mode);
        let mut add = |space: u64| {
            if space != w.space && !out.contains(&space) {
                out.push(space);
            }
        };
        for g in self.grants.iter().filter(|g| g.mode().conflicts(target)) {
            add(g.space);
        }
        if !w.conversion {
            for b in self.waiters[..index].iter().filter(|b| b.mode.conflicts(target)) {
                add(b.space);
            }
        }
    }

    /// Lets go of one request for the transaction; `true` when it was the last.
    pub fn release(&mut self, owner: LockOwner) -> Option<bool> {
        let index = self.position(owner)?;
        let g = &mut self.grants[index];
        if g.count == 0 {
            return None;
        }
        g.count -= 1;
        if g.count > 0 {
            return Some(false);
        }
        self.drop_part(index, Duration::Transaction);
        Some(true)
    }

    /// Lets go of everything of one duration.
    pub fn release_part(&mut self, owner: LockOwner, duration: Duration) {
        if let Some(index) = self.position(owner) {
            self.drop_part(index, duration);
        }
    }

    fn drop_part(&mut self, index: usize, duration: Duration) {
        let g = &mut self.grants[index];
        match duration {
            Duration::Transaction => {
                g.transaction = LockMode::Null;
                g.count = 0;
            }
            Duration::Statement => g.statement = LockMode::Null,
        }
        if g.mode() == LockMode::Null {
            self.grants.swap_remove(index);
        }
        if !self.waiters.is_empty() {
            self.grant_waiters();
        }
    }
}
