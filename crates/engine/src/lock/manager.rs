//! All locks of an instance.
//!
//! Resources and owners are spread over shards, each behind a mutex that is held for the few steps of one request; nothing
//! waits with one held. The order is: waits, then an owner's shard, then a resource's shard, then a waiter's slot.
//!
//! Invariants
//! 1. Owners of one space never wait for each other: a session and its transaction are one space.
//! 2. Owner 0 (the engine itself) takes no locks and waits for none.
//! 3. Locks of transactions stay until [`LockManager::release_all`], whatever is rolled back to a savepoint before.
//! 4. Whoever changes rows of a table holds an intent lock on the table first, and whoever asks about locks on rows while
//!    others may escalate holds an intent or schema lock on it too: then a table lock that replaces row locks cannot come into
//!    being under it unseen.
//! 5. [`LockManager::rows_are_locked_by_others`] is true from before the first change until after the end of the writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::mode::LockMode;
use super::queue::{Answer, Duration, Grant, Queue, Recorded};
use super::resource::{FastHash, Resource, hash_of};
use super::wait::Waits;
use super::{LockError, LockOwner, LockWait};
use crate::version::VersionStore;

pub(super) const SHARDS: usize = 64;
const OBJECT_COUNTERS: usize = 4096;

/// Row locks of one owner on one table after which a table lock is tried; after a failure again this many later.
pub const ESCALATION: usize = 5000;
pub const ESCALATION_RETRY: usize = 1250;

/// How a lock came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Granted {
    /// The owner held enough already.
    Held,
    Immediately,
    /// What was read before may have changed.
    AfterWait,
}

/// A table whose rows are locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    pub database: i32,
    pub object: i32,
}

impl Table {
    pub fn resource(self) -> Resource {
        Resource::Object { database: self.database, object: self.object }
    }
}

/// An owner's locks on one table.
pub(super) struct TableLocks {
    pub table: Table,
    /// The table lock, by duration.
    pub transaction: LockMode,
    pub statement: LockMode,
    /// Row locks for the transaction.
    pub rows: Vec<Resource>,
    /// The table lock that would stand for them.
    pub escalated: LockMode,
    pub next_attempt: usize,
    /// Key ranges are or will be locked.
    pub ranges: bool,
}

pub(super) struct Owner {
    pub session: u16,
    pub space: u64,
    /// Log written, to choose the victim of a deadlock.
    pub work: u64,
    pub held: Vec<Resource>,
    pub statement: Vec<Resource>,
    pub tables: Vec<TableLocks>,
}

impl Owner {
    pub fn new(owner: LockOwner) -> Self {
        let (held, statement, tables) = (Vec::new(), Vec::new(), Vec::new());
        Owner { session: 0, space: owner.0, work: 0, held, statement, tables }
    }

    pub fn table(&mut self, table: Table) -> &mut TableLocks {
        let index = self.tables.iter().position(|t| t.table == table).unwrap_or_else(|| {
            let (transaction, statement, escalated) = (LockMode::Null, LockMode::Null, LockMode::Null);
            let next_attempt = ESCALATION;
            self.tables.push(TableLocks {
                table,
                transaction,
                statement,
                rows: Vec::new(),
                escalated,
                next_attempt,
                ranges: false,
            });
            self.tables.len() - 1
        });
        &mut self.tables[index]
    }
}

pub(super) type Shard = HashMap<Resource, Queue, FastHash>;

#[derive(Default)]
pub(super) struct Counters {
    pub waits: AtomicU64,
    pub timeouts: AtomicU64,
    pub deadlocks: AtomicU64,
    pub escalations: AtomicU64,
}

/// The lock manager of an instance.
pub struct LockManager {
    pub(super) shards: Box<[Mutex<Shard>]>,
    pub(super) owners: Box<[Mutex<HashMap<u64, Owner, FastHash>>]>,
    /// Who waits, by number of the wait. Holding it makes the search for deadlocks one at a time.
    pub(super) waits: Mutex<Waits>,
    pub(super) next_wait: AtomicU64,
    /// Grants under which rows of tables may change, by a hash of the table.
    writers: Box<[AtomicU32]>,
    /// Transactions that lock key ranges of tables, by the same hash.
    pub(super) ranges: Box<[AtomicU32]>,
    /// Names of application locks, by the hash in the resource.
    names: Mutex<HashMap<u64, Arc<str>>>,
    pub(super) counters: Counters,
    /// Row versions: the other half of what transactions see of each other.
    pub versions: Arc<VersionStore>,
    /// Open transactions that define something, in all databases ([`crate::write::definitions`]).
    pub defining: AtomicUsize,
    /// How many of those have ended: counted before their locks go.
    pub defined: AtomicU64,
    /// How often sessions have waited.
    pub(super) waited: Mutex<HashMap<u16, u64>>,
}

impl Default for LockManager {
    fn default() -> Self {
        Self::new()
    }
}

impl LockManager {
    pub fn new() -> Self {
        LockManager {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            owners: (0..SHARDS).map(|_| Mutex::default()).collect(),
            waits: Mutex::default(),
            next_wait: AtomicU64::new(1),
            writers: (0..OBJECT_COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            ranges: (0..OBJECT_COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            names: Mutex::default(),
            counters: Counters::default(),
            versions: VersionStore::new(),
            defining: AtomicUsize::new(0),
            defined: AtomicU64::new(0),
            waited: Mutex::default(),
        }
    }

    pub(super) fn shard(&self, resource: &Resource) -> MutexGuard<'_, Shard> {
        // Other bits of the hash than those that the table inside uses.
        self.shards[(hash_of(resource) >> 40) as usize % SHARDS].lock()
    }

    pub(super) fn owner_shard(&self, owner: LockOwner) -> MutexGuard<'_, HashMap<u64, Owner, FastHash>> {
        self.owners[owner.0 as usize % SHARDS].lock()
    }

    /// Place of a table in the counters.
    pub(super) fn slot_of(database: i32, object: i32) -> usize {
        let hash = (database as u32).wrapping_mul(0x9E37_79B1) ^ (object as u32).wrapping_mul(0x85EB_CA77);
        (hash >> 16) as usize % OBJECT_COUNTERS
    }

    fn writer_counter(&self, database: i32, object: i32) -> &AtomicU32 {
        &self.writers[Self::slot_of(database, object)]
    }

    /// Keeps the count of writers (invariant 5) and removes a queue that is empty. Called under the shard's mutex after
    /// every change.
    pub(super) fn settle(&self, shard: &mut Shard, resource: &Resource) {
        let Some(queue) = shard.get_mut(resource) else { return };
        if let Resource::Object { database, object } = *resource {
            let now = queue.grants.iter().filter(|g| g.mode().stops_readers(LockMode::U)).count() as u32;
            let counter = self.writer_counter(database, object);
            if now > queue.writers {
                counter.fetch_add(now - queue.writers, Ordering::SeqCst);
            } else if now < queue.writers {
                counter.fetch_sub(queue.writers - now, Ordering::SeqCst);
            }
            queue.writers = now;
        }
        if queue.is_empty() {
            shard.remove(resource);
        }
    }

    /// Makes an owner known: the session it works for, and the space it shares with that session's other owners.
    pub fn enter(&self, owner: LockOwner, session: u16, space: LockOwner) {
        let mut owners = self.owner_shard(owner);
        let o = owners.entry(owner.0).or_insert_with(|| Owner::new(owner));
        o.session = session;
        o.space = space.0;
    }

    /// Adds to the work of an owner: of two in a deadlock the one with less work dies.
    pub fn note_work(&self, owner: LockOwner, bytes: u64) {
        if let Some(o) = self.owner_shard(owner).get_mut(&owner.0) {
            o.work += bytes;
        }
    }

    pub(super) fn space(&self, owner: LockOwner) -> u64 {
        self.owner_shard(owner).get(&owner.0).map_or(owner.0, |o| o.space)
    }

    /// Locks a resource until the end of the statement or transaction.
    ///
    /// # Errors
    /// When the wait ends without the lock.
    pub fn acquire(
        &self,
        owner: LockOwner,
        resource: &Resource,
        mode: LockMode,
        duration: Duration,
        wait: &LockWait,
    ) -> Result<Granted, LockError> {
        self.acquire_in(owner, None, resource, mode, duration, wait)
    }

    /// Locks a row of a table: nothing to do when the owner's lock on the table is enough; with many such locks a lock on the
    /// table is tried instead. The owner holds an intent lock on the table already.
    ///
    /// # Errors
    /// As [`LockManager::acquire`].
    pub fn acquire_row(
        &self,
        owner: LockOwner,
        table: Table,
        row: &Resource,
        mode: LockMode,
        duration: Duration,
        wait: &LockWait,
    ) -> Result<Granted, LockError> {
        self.acquire_in(owner, Some(table), row, mode, duration, wait)
    }

    fn acquire_in(
        &self,
        owner: LockOwner,
        table: Option<Table>,
        resource: &Resource,
        mode: LockMode,
        duration: Duration,
        wait: &LockWait,
    ) -> Result<Granted, LockError> {
        if owner.0 == 0 {
            return Ok(Granted::Held);
        }
        let (space, answer, mut many) = self.ask(owner, table, resource, mode, duration);
        let granted = match answer {
            Answer::Held(_) => Granted::Held,
            Answer::Granted(_) => Granted::Immediately,
            Answer::MustWait => {
                let recorded = self.wait(owner, space, resource, mode, duration, true, wait)?;
                if let Some(recorded) = recorded {
                    let mut owners = self.owner_shard(owner);
                    let o = owners.entry(owner.0).or_insert_with(|| Owner::new(owner));
                    many = note(o, table, resource, mode, duration, recorded);
                }
                Granted::AfterWait
            }
        };
        if many && let Some(t) = table {
            self.escalate(owner, t);
        }
        Ok(granted)
    }

    /// Asks for a lock without waiting for it: the owner's space, the answer, and whether a table lock should be tried.
    pub(super) fn ask(
        &self,
        owner: LockOwner,
        table: Option<Table>,
        resource: &Resource,
        mode: LockMode,
        duration: Duration,
    ) -> (u64, Answer, bool) {
        let mut owners = self.owner_shard(owner);
        let o = owners.entry(owner.0).or_insert_with(|| Owner::new(owner));
        let space = o.space;
        if let Some(t) = table
            && let Some(t) = o.tables.iter().find(|l| l.table == t)
        {
            let held = match duration {
                Duration::Transaction => t.transaction,
                Duration::Statement => t.transaction.union(t.statement),
            };
            if held.covers_rows(mode) {
                return (space, Answer::Held(Recorded::default()), false);
            }
        }
        let mut shard = self.shard(resource);
        let answer = shard.entry(*resource).or_default().request(owner, space, mode, duration);
        let mut many = false;
        if let Answer::Held(r) | Answer::Granted(r) = answer {
            if matches!(resource, Resource::Object { .. }) {
                self.settle(&mut shard, resource);
            }
            drop(shard);
            many = note(o, table, resource, mode, duration, r);
        }
        (space, answer, many)
    }

    /// Waits until nothing stands against a lock, and takes none.
    ///
    /// # Errors
    /// As [`LockManager::acquire`].
    pub fn wait_until_free(
        &self,
        owner: LockOwner,
        resource: &Resource,
        mode: LockMode,
        wait: &LockWait,
    ) -> Result<Granted, LockError> {
        if !self.would_wait(owner, resource, mode) {
            return Ok(Granted::Immediately);
        }
        let space = self.space(owner);
        self.wait(owner, space, resource, mode, Duration::Statement, false, wait)?;
        Ok(Granted::AfterWait)
    }

    /// Whether others hold locks that stand against this one.
    pub fn would_wait(&self, owner: LockOwner, resource: &Resource, mode: LockMode) -> bool {
        if owner.0 == 0 {
            return false;
        }
        let conflicting = {
            let shard = self.shard(resource);
            let Some(queue) = shard.get(resource) else { return false };
            queue.grants.iter().any(|g| g.owner != owner && g.mode().conflicts(mode))
        };
        if !conflicting {
            return false;
        }
        let space = self.space(owner);
        self.shard(resource).get(resource).is_some_and(|q| q.conflicts(space, mode))
    }

    /// Whether others than the owner may have rows of a table locked so that a lock `wanted` on them (S, U or X) would wait.
    pub fn rows_are_locked_by_others(
        &self,
        database: i32,
        object: i32,
        owner: LockOwner,
        wanted: LockMode,
    ) -> bool {
        if self.writer_counter(database, object).load(Ordering::SeqCst) == 0 {
            return false;
        }
        let space = self.space(owner);
        let resource = Resource::Object { database, object };
        let shard = self.shard(&resource);
        let stops = |g: &Grant| g.space != space && g.mode().stops_readers(wanted);
        shard.get(&resource).is_some_and(|q| q.grants.iter().any(stops))
    }

    /// Whether somebody holds Sch-M on an object: its rows in the catalogue may be changed and changed back.
    pub fn is_being_defined(&self, database: i32, object: i32) -> bool {
        let resource = Resource::Object { database, object };
        let shard = self.shard(&resource);
        shard.get(&resource).is_some_and(|q| q.grants.iter().any(|g| g.mode() == LockMode::SchM))
    }

    /// The strongest mode in which the owner holds a resource.
    pub fn held(&self, owner: LockOwner, resource: &Resource) -> LockMode {
        let shard = self.shard(resource);
        let grant = shard.get(resource).and_then(|q| q.grants.iter().find(|g| g.owner == owner));
        grant.map_or(LockMode::Null, |g| g.mode())
    }

    /// Takes back one request for the transaction; `false` when there was none.
    pub fn release(&self, owner: LockOwner, resource: &Resource) -> bool {
        let mut owners = self.owner_shard(owner);
        let Some(o) = owners.get_mut(&owner.0) else { return false };
        let released = {
            let mut shard = self.shard(resource);
            let released = shard.get_mut(resource).and_then(|q| q.release(owner));
            self.settle(&mut shard, resource);
            released
        };
        if released == Some(true) {
            for list in std::iter::once(&mut o.held).chain(o.tables.iter_mut().map(|t| &mut t.rows)) {
                if let Some(at) = list.iter().rposition(|r| r == resource) {
                    list.swap_remove(at);
                    break;
                }
            }
            if let Resource::Object { database, object } = *resource {
                o.table(Table { database, object }).transaction = LockMode::Null;
            }
        }
        released.is_some()
    }

    /// From now on no table lock is tried in place of the owner's row locks on a table (LOCK_ESCALATION = DISABLE).
    pub fn keep_row_locks(&self, owner: LockOwner, table: Table) {
        if let Some(o) = self.owner_shard(owner).get_mut(&owner.0) {
            o.table(table).next_attempt = usize::MAX;
        }
    }

    /// Lets go of what was locked until the end of the statement.
    pub fn release_statement(&self, owner: LockOwner) {
        let list = {
            let mut owners = self.owner_shard(owner);
            let Some(o) = owners.get_mut(&owner.0) else { return };
            for t in &mut o.tables {
                t.statement = LockMode::Null;
            }
            std::mem::take(&mut o.statement)
        };
        self.release_list(owner, &list, Duration::Statement);
    }

    /// Lets go of everything; the owner is forgotten.
    pub fn release_all(&self, owner: LockOwner) {
        let Some(o) = self.owner_shard(owner).remove(&owner.0) else { return };
        // Rows before tables: while a row is locked, its table is known to be written.
        self.release_list(owner, &o.statement, Duration::Statement);
        for t in &o.tables {
            self.release_list(owner, &t.rows, Duration::Transaction);
        }
        self.release_list(owner, &o.held, Duration::Transaction);
        for t in o.tables.iter().filter(|t| t.ranges) {
            self.leave_ranges(t.table);
        }
    }

    fn release_list(&self, owner: LockOwner, list: &[Resource], duration: Duration) {
        for resource in list.iter().rev() {
            let mut shard = self.shard(resource);
            if let Some(queue) = shard.get_mut(resource) {
                queue.release_part(owner, duration);
            }
            self.settle(&mut shard, resource);
        }
    }

    /// Tries a lock on the table in place of the owner's row locks.
    fn escalate(&self, owner: LockOwner, table: Table) {
        let rows = {
            let mut owners = self.owner_shard(owner);
            let Some(o) = owners.get_mut(&owner.0) else { return };
            let space = o.space;
            let locks = o.table(table);
            let mode = locks.escalated;
            let resource = table.resource();
            let mut shard = self.shard(&resource);
            let queue = shard.entry(resource).or_default();
            let answer = queue.request(owner, space, mode, Duration::Transaction);
            self.settle(&mut shard, &resource);
            drop(shard);
            match answer {
                Answer::MustWait => {
                    locks.next_attempt = locks.rows.len() + ESCALATION_RETRY;
                    return;
                }
                Answer::Held(r) | Answer::Granted(r) => {
                    locks.transaction = locks.transaction.union(mode);
                    locks.next_attempt = ESCALATION;
                    let rows = std::mem::take(&mut locks.rows);
                    if r.transaction {
                        o.held.push(resource);
                    }
                    rows
                }
            }
        };
        self.counters.escalations.fetch_add(1, Ordering::Relaxed);
        self.release_list(owner, &rows, Duration::Transaction);
    }

    /// The resource of an application lock. Names compare exactly.
    pub fn application(&self, database: i32, principal: i32, name: &str) -> Resource {
        let hash = super::resource::hash_bytes(name.as_bytes());
        let mut names = self.names.lock();
        // The names only serve the views; those of locks that nobody holds any more go when there are many.
        if names.len() >= 4096 {
            let mut used = std::collections::HashSet::new();
            for shard in &self.shards {
                used.extend(shard.lock().keys().filter_map(|r| match r {
                    Resource::Application { hash, .. } => Some(*hash),
                    _ => None,
                }));
            }
            names.retain(|hash, _| used.contains(hash));
        }
        names.entry(hash).or_insert_with(|| name.into());
        Resource::Application { database, principal, hash }
    }

    pub(super) fn application_name(&self, hash: u64) -> Option<Arc<str>> {
        self.names.lock().get(&hash).cloned()
    }
}

/// Enters a grant into the owner's lists. `true`: there are so many locks on rows of the table that a table lock should be tried.
fn note(
    o: &mut Owner,
    table: Option<Table>,
    resource: &Resource,
    mode: LockMode,
    duration: Duration,
    recorded: Recorded,
) -> bool {
    if recorded.statement {
        o.statement.push(*resource);
    }
    if let Resource::Object { database, object } = *resource {
        let locks = o.table(Table { database, object });
        match duration {
            Duration::Transaction => locks.transaction = locks.transaction.union(mode),
            Duration::Statement => locks.statement = locks.statement.union(mode),
        }
    }
    let Some(table) = table else {
        if recorded.transaction {
            o.held.push(*resource);
        }
        return false;
    };
    if duration == Duration::Statement {
        return false;
    }
    let locks = o.table(table);
    locks.escalated = locks.escalated.union(mode.escalated());
    if recorded.transaction {
        locks.rows.push(*resource);
    }
    locks.rows.len() >= locks.next_attempt
}
