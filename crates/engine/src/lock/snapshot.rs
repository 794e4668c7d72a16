//! What system views and other sessions see of the locks: copies, each resource as it is at one moment.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration as Time;

use super::LockOwner;
use super::manager::LockManager;
use super::mode::LockMode;
use super::resource::Resource;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Granted,
    Waiting,
    /// Holds the resource and waits for a stronger mode.
    Converting,
}

impl Status {
    /// `request_status` of `sys.dm_tran_locks`.
    pub fn name(self) -> &'static str {
        match self {
            Status::Granted => "GRANT",
            Status::Waiting => "WAIT",
            Status::Converting => "CONVERT",
        }
    }
}

/// A request of an owner on a resource.
#[derive(Clone, Debug)]
pub struct LockRow {
    pub owner: LockOwner,
    pub session: u16,
    pub resource: Resource,
    pub description: String,
    pub mode: LockMode,
    pub status: Status,
    pub count: u32,
}

/// A wait under way.
#[derive(Clone, Debug)]
pub struct WaitRow {
    pub owner: LockOwner,
    pub session: u16,
    pub resource: Resource,
    pub description: String,
    pub mode: LockMode,
    pub waited: Time,
    /// Sessions that it waits for, the first holder first; 0 for an owner without session.
    pub blockers: Vec<u16>,
}

impl WaitRow {
    /// `wait_type` of `sys.dm_os_waiting_tasks`.
    pub fn kind(&self) -> String {
        let mode = match self.mode {
            LockMode::SchS => "SCH_S",
            LockMode::SchM => "SCH_M",
            LockMode::RangeSS => "RS_S",
            LockMode::RangeSU => "RS_U",
            LockMode::RangeIN => "RIn_NL",
            LockMode::RangeIS => "RIn_S",
            LockMode::RangeIU => "RIn_U",
            LockMode::RangeIX => "RIn_X",
            LockMode::RangeXS => "RX_S",
            LockMode::RangeXU => "RX_U",
            LockMode::RangeXX => "RX_X",
            other => other.name(),
        };
        format!("LCK_M_{mode}")
    }
}

/// Totals since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    pub waits: u64,
    pub timeouts: u64,
    pub deadlocks: u64,
    pub escalations: u64,
}

impl LockManager {
    pub fn describe(&self, resource: &Resource) -> String {
        match resource {
            Resource::Application { principal, hash, .. } => {
                let name = self.application_name(*hash).unwrap_or_else(|| Arc::from(""));
                let begin: String = name.chars().take(32).collect();
                format!("{principal}:[{begin}]:({:08x})", hash & 0xFFFF_FFFF)
            }
            other => other.to_string(),
        }
    }

    /// All requests, granted and waiting.
    pub fn locks(&self) -> Vec<LockRow> {
        let mut rows = Vec::new();
        for shard in &self.shards {
            for (resource, queue) in shard.lock().iter() {
                let row = |owner, mode, status, count| LockRow {
                    owner,
                    session: 0,
                    resource: *resource,
                    description: String::new(),
                    mode,
                    status,
                    count,
                };
                rows.extend(queue.grants.iter().map(|g| row(g.owner, g.mode(), Status::Granted, g.count)));
                rows.extend(queue.waiters.iter().map(|w| {
                    let status = if w.conversion { Status::Converting } else { Status::Waiting };
                    row(w.owner, w.mode, status, 0)
                }));
            }
        }
        for row in &mut rows {
            row.session = self.session(row.owner);
            row.description = self.describe(&row.resource);
        }
        rows
    }

    /// All waits under way, the oldest first.
    pub fn waiting(&self) -> Vec<WaitRow> {
        let waits = self.waits.lock();
        let mut list: Vec<_> = waits.iter().collect();
        list.sort_by_key(|(id, _)| **id);
        let mut rows = Vec::new();
        for (id, w) in list {
            let owners = self.blocking_owners(*id, &w.resource);
            if owners.is_empty() {
                // Granted, and about to say so.
                continue;
            }
            rows.push(WaitRow {
                owner: w.owner,
                session: self.session(w.owner),
                resource: w.resource,
                description: self.describe(&w.resource),
                mode: w.mode,
                waited: w.since.elapsed(),
                blockers: owners.into_iter().map(|o| self.session(o)).collect(),
            });
        }
        rows
    }

    /// Whether the session waits for a lock that it cannot have now, and is in no deadlock.
    pub fn session_waits(&self, session: u16) -> bool {
        let waits = self.waits.lock();
        waits.iter().any(|(id, w)| {
            w.settled
                && self.session(w.owner) == session
                && !self.blocking_owners(*id, &w.resource).is_empty()
        })
    }

    /// Owners who may be changing rows in a database now.
    pub fn writers_of(&self, database: i32) -> Vec<LockOwner> {
        let mut owners = Vec::new();
        for shard in &self.shards {
            for (resource, queue) in shard.lock().iter() {
                if matches!(resource, Resource::Object { database: d, .. } if *d == database) {
                    owners.extend(queue.grants.iter().filter(|g| g.mode().writes()).map(|g| g.owner));
                }
            }
        }
        owners
    }

    /// Objects of a database that somebody has a lock for changes on.
    pub fn changed_objects(&self, database: i32) -> HashSet<i32> {
        let mut out = HashSet::new();
        for shard in &self.shards {
            for (resource, queue) in shard.lock().iter() {
                if let Resource::Object { database: d, object, .. } = resource
                    && *d == database
                    && queue.grants.iter().any(|g| g.mode().writes() || g.mode() == LockMode::SchM)
                {
                    out.insert(*object);
                }
            }
        }
        out
    }

    /// The sessions that hold something in a database, whatever database they are in themselves.
    pub fn sessions_in(&self, database: i32) -> Vec<u16> {
        let mut owners = Vec::new();
        for shard in &self.shards {
            for (resource, queue) in shard.lock().iter() {
                if matches!(resource, Resource::Object { database: d, .. } if *d == database) {
                    owners.extend(queue.grants.iter().map(|g| g.owner));
                }
            }
        }
        // The engine's own owners have none.
        let mut sessions: Vec<u16> =
            owners.into_iter().map(|o| self.session(o)).filter(|s| *s != 0).collect();
        sessions.sort_unstable();
        sessions.dedup();
        sessions
    }

    /// How often sessions of this number have waited so far.
    pub fn session_wait_count(&self, session: u16) -> u64 {
        self.waited.lock().get(&session).copied().unwrap_or(0)
    }

    /// The session an owner works for, 0 when unknown.
    pub fn session(&self, owner: LockOwner) -> u16 {
        self.owner_shard(owner).get(&owner.0).map_or(0, |o| o.session)
    }

    fn blocking_owners(&self, id: u64, resource: &Resource) -> Vec<LockOwner> {
        let spaces = self.blockers(id, resource);
        let shard = self.shard(resource);
        let Some(queue) = shard.get(resource) else { return Vec::new() };
        let mut owners = Vec::new();
        for space in spaces {
            let holder = queue.grants.iter().filter(|g| g.space == space).map(|g| g.owner);
            let waiter = queue.waiters.iter().filter(|w| w.space == space).map(|w| w.owner);
            owners.extend(holder.chain(waiter).take(1));
        }
        owners
    }

    pub fn totals(&self) -> Totals {
        let c = &self.counters;
        Totals {
            waits: c.waits.load(Ordering::Relaxed),
            timeouts: c.timeouts.load(Ordering::Relaxed),
            deadlocks: c.deadlocks.load(Ordering::Relaxed),
            escalations: c.escalations.load(Ordering::Relaxed),
        }
    }

    /// Nothing is held and nobody waits: what must be true when all sessions have gone.
    pub fn is_idle(&self) -> bool {
        self.waits.lock().is_empty() && self.shards.iter().all(|s| s.lock().is_empty())
    }
}
