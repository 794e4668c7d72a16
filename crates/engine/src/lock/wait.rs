//! Waiting for a lock, and finding who waits for whom in a circle.
//!
//! Invariants
//! 1. A thread that waits is in the queue of its resource and in the list of waits; a search for deadlocks follows every new wait,
//!    so the last one to close a circle finds it. Waits look again every second, for edges that a grant has made.
//! 2. A circle is believed when a second walk finds each of its waits unchanged: none of them moved in between, so all of them
//!    stood at one moment.
//! 3. The victim is the one of lowest priority, then of least work, then the youngest; one victim per circle.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration as Time, Instant};

use super::manager::LockManager;
use super::mode::LockMode;
use super::queue::{Duration, Fate, Recorded, Slot, Waiter};
use super::resource::{FastHash, Resource};
use super::{LockError, LockOwner, LockWait};

/// How often a waiting thread looks whether its client has cancelled.
const CANCEL_TICK: Time = Time::from_millis(20);
const SEARCH_TICK: Time = Time::from_secs(1);

/// A wait under way.
pub(super) struct Wait {
    pub owner: LockOwner,
    pub space: u64,
    pub resource: Resource,
    pub mode: LockMode,
    pub since: Instant,
    priority: i8,
    /// Circles through it were looked for: what still waits may wait long.
    pub settled: bool,
}

pub(super) type Waits = HashMap<u64, Wait, FastHash>;

impl LockManager {
    /// Waits in the queue. `None`: a grant came in between, with nothing to note.
    pub(super) fn wait(
        &self,
        owner: LockOwner,
        space: u64,
        resource: &Resource,
        mode: LockMode,
        duration: Duration,
        keep: bool,
        wait: &LockWait,
    ) -> Result<Option<Recorded>, LockError> {
        if wait.timeout == Some(Time::ZERO) {
            // An entry made for the request may be empty by now.
            let mut shard = self.shard(resource);
            self.settle(&mut shard, resource);
            self.counters.timeouts.fetch_add(1, Ordering::Relaxed);
            return Err(LockError::Timeout);
        }
        let id = self.next_wait.fetch_add(1, Ordering::Relaxed);
        let slot = Slot::new();
        let since = Instant::now();
        {
            let mut shard = self.shard(resource);
            let queue = shard.entry(*resource).or_default();
            let conversion = queue.holds(space);
            let waiter =
                Waiter { id, owner, space, mode, duration, conversion, keep, slot: Arc::clone(&slot) };
            queue.wait(waiter);
            // The holders may have gone since the request was refused.
            queue.grant_waiters();
            self.settle(&mut shard, resource);
        }
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        let entry =
            Wait { owner, space, resource: *resource, mode, since, priority: wait.priority, settled: false };
        self.waits.lock().insert(id, entry);
        *self.waited.lock().entry(self.session(owner)).or_default() += 1;
        let result = self.sleep(id, resource, &slot, since, wait);
        self.waits.lock().remove(&id);
        match result {
            Ok(recorded) => Ok(Some(recorded)),
            Err(LockError::Deadlock { .. }) => {
                let session = self.owner_shard(owner).get(&owner.0).map_or(0, |o| o.session);
                Err(LockError::Deadlock { session })
            }
            Err(e) => Err(e),
        }
    }

    fn sleep(
        &self,
        id: u64,
        resource: &Resource,
        slot: &Slot,
        since: Instant,
        wait: &LockWait,
    ) -> Result<Recorded, LockError> {
        let deadline = wait.timeout.and_then(|t| since.checked_add(t));
        let tick = if wait.cancel.is_some() { CANCEL_TICK } else { SEARCH_TICK };
        let mut next_search = since;
        loop {
            if *slot.fate.lock() == Fate::Waiting && Instant::now() >= next_search {
                self.search(id);
                next_search = Instant::now() + SEARCH_TICK;
            }
            let now = Instant::now();
            let mut fate = slot.fate.lock();
            if *fate == Fate::Waiting {
                let left = deadline.map_or(tick, |d| d.saturating_duration_since(now).min(tick));
                slot.wake.wait_for(&mut fate, left);
            }
            match *fate {
                Fate::Granted(recorded) => return Ok(recorded),
                Fate::Victim => return Err(LockError::Deadlock { session: 0 }),
                Fate::Waiting => {}
            }
            drop(fate);
            let reason = if wait.is_cancelled() {
                LockError::Cancelled
            } else if deadline.is_some_and(|d| Instant::now() >= d) {
                LockError::Timeout
            } else {
                continue;
            };
            if self.withdraw(id, resource) {
                if reason == LockError::Timeout {
                    self.counters.timeouts.fetch_add(1, Ordering::Relaxed);
                }
                return Err(reason);
            }
            // Settled in the meantime: the next round sees how.
        }
    }

    /// Takes a waiter out of its queue; `false` when its fate was decided before.
    fn withdraw(&self, id: u64, resource: &Resource) -> bool {
        let mut shard = self.shard(resource);
        let Some(queue) = shard.get_mut(resource) else { return false };
        let found = queue.withdraw(id).is_some();
        // Those behind it may have waited for it alone.
        queue.grant_waiters();
        self.settle(&mut shard, resource);
        found
    }

    pub(super) fn blockers(&self, id: u64, resource: &Resource) -> Vec<u64> {
        let mut out = Vec::new();
        if let Some(queue) = self.shard(resource).get(resource) {
            queue.blockers(id, &mut out);
        }
        out
    }

    /// Looks for circles through a wait and breaks them.
    fn search(&self, start: u64) {
        let mut waits = self.waits.lock();
        self.break_circles(&waits, start);
        if let Some(wait) = waits.get_mut(&start) {
            wait.settled = true;
        }
    }

    fn break_circles(&self, waits: &Waits, start: u64) {
        let Some(space) = waits.get(&start).map(|w| w.space) else { return };
        loop {
            let Some(circle) = self.circle(waits, space) else { return };
            if !self.stands(waits, &circle) {
                // Something moved: walk again.
                continue;
            }
            let victim = circle.iter().min_by_key(|id| {
                let w = &waits[*id];
                let work = self.owner_shard(w.owner).get(&w.owner.0).map_or(0, |o| o.work);
                (w.priority, work, std::cmp::Reverse(w.owner))
            });
            let Some(victim) = victim else { return };
            let resource = waits[victim].resource;
            let mut shard = self.shard(&resource);
            if let Some(queue) = shard.get_mut(&resource)
                && let Some(waiter) = queue.withdraw(*victim)
            {
                self.counters.deadlocks.fetch_add(1, Ordering::Relaxed);
                waiter.slot.settle(Fate::Victim);
                queue.grant_waiters();
            }
            self.settle(&mut shard, &resource);
            if *victim == start {
                return;
            }
        }
    }

    /// The waits of a circle through a space, in the order in which each waits for the next. Depth first over spaces.
    fn circle(&self, waits: &Waits, start: u64) -> Option<Vec<u64>> {
        struct Step {
            /// Waits of the space with whom they wait for, not walked yet.
            edges: Vec<(u64, u64)>,
            /// The wait that leads to the next step.
            by: u64,
        }
        let step = |space: u64| {
            let mut edges = Vec::new();
            for (id, w) in waits.iter().filter(|(_, w)| w.space == space) {
                edges.extend(self.blockers(*id, &w.resource).into_iter().map(|blocker| (*id, blocker)));
            }
            Step { edges, by: 0 }
        };
        let mut visited = vec![start];
        let mut path = vec![step(start)];
        while let Some(top) = path.last_mut() {
            let Some((by, blocker)) = top.edges.pop() else {
                path.pop();
                continue;
            };
            top.by = by;
            if blocker == start {
                return Some(path.iter().map(|s| s.by).collect());
            }
            if !visited.contains(&blocker) {
                visited.push(blocker);
                path.push(step(blocker));
            }
        }
        None
    }

    /// Whether each wait of a circle still waits for the space of the next (invariant 2).
    fn stands(&self, waits: &Waits, circle: &[u64]) -> bool {
        circle.iter().enumerate().all(|(i, id)| {
            let next = waits[&circle[(i + 1) % circle.len()]].space;
            self.blockers(*id, &waits[id].resource).contains(&next)
        })
    }
}
