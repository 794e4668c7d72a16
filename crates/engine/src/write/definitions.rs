//! Which definitions have changed, so that nobody works on with one that he took before.
//!
//! A statement takes the definition of a table and then waits for its lock on it; meanwhile another session may give the table
//! an index, or new rowsets. Whoever has the lock asks here whether his definition is still the one, and plans again if not.
//!
//! Invariants
//! 1. Who changes an object holds Sch-M on it, and notes it before the first change, after every statement before the
//!    catalogue is read again, and after a rollback. So a catalogue read between shows as older than the object.
//! 2. What is known of a catalogue is as old as the moment before it was read.
//! 3. Catalogue snapshots show what open transactions have defined. Who defines, alters, renames or drops something that
//!    names stand for holds Sch-M on it from before the change of its row, and a name that is taken from something is noted
//!    with it ([`Definitions::leave_name`]) before that, until the transaction has ended. So whoever looks a name up knows by
//!    locks alone whether what he found, or did not find, is settled ([`Definitions::unsettled`]).
//! 4. While no transaction has defined anything ([`LockManager::defining`] is 0), a snapshot that is the present one holds
//!    only what is committed: the count goes down after the snapshot of a rollback is in place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_types::{NameKey, SqlError};
use parking_lot::Mutex;

use super::images::Images;
use crate::lock::{LockManager, LockMode, LockOwner, Resource};

/// Number of the error that says so; it never reaches a client as it is.
pub const REDEFINED: i32 = -1;

/// A name as statements look it up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Name {
    Schema(NameKey),
    /// With the schema's id.
    Object(i32, NameKey),
    UserType(i32, NameKey),
}

/// Changes of definitions of one database, counted, and names that are about to be free.
#[derive(Default)]
pub struct Definitions {
    count: AtomicU64,
    /// By object: the count, and the moment among row versions.
    changed: Mutex<HashMap<i32, (u64, u64)>>,
    /// Names that open transactions have taken from something, with those transactions and that.
    left: Mutex<HashMap<Name, Vec<(LockOwner, Resource)>>>,
    /// Rows of the catalogue as they were before open transactions changed them.
    pub images: Images,
}

impl Definitions {
    /// The moment as of which a catalogue is, taken before it is read.
    pub fn now(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// The object's definition changes; snapshots with smaller numbers than `version` are older than that.
    pub fn note(&self, object: i32, version: u64) {
        let mut changed = self.changed.lock();
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        changed.insert(object, (count, version));
    }

    /// Something is about to lose its name, by DROP or otherwise; `owner` has Sch-M on it.
    pub fn leave_name(&self, name: Name, owner: LockOwner, had: Resource) {
        let mut left = self.left.lock();
        let of_name = left.entry(name).or_default();
        if !of_name.contains(&(owner, had)) {
            of_name.push((owner, had));
        }
    }

    /// A transaction has ended: what it did to names is settled.
    pub fn settle(&self, owner: LockOwner) {
        self.images.end(owner);
        self.left.lock().retain(|_, of_name| {
            of_name.retain(|(by, _)| *by != owner);
            !of_name.is_empty()
        });
    }

    /// What another transaction is changing of that which a name stands for (`found`) or has stood for: whoever looked the name
    /// up waits for Sch-S on it and looks again. `owner` is who looks.
    pub fn unsettled(
        &self,
        locks: &LockManager,
        owner: LockOwner,
        name: &Name,
        found: Option<Resource>,
    ) -> Option<Resource> {
        let waits = |r: &Resource| locks.would_wait(owner, r, LockMode::SchS);
        if let Some(found) = found.filter(waits) {
            return Some(found);
        }
        let left = self.left.lock().get(name).cloned().unwrap_or_default();
        left.into_iter().map(|(_, had)| had).find(waits)
    }

    /// The moment of the last change; 0: none since the database was opened.
    pub fn version(&self, object: i32) -> u64 {
        self.changed.lock().get(&object).map_or(0, |c| c.1)
    }

    /// Whether it has changed since a snapshot was taken.
    pub fn changed_since_snapshot(&self, object: i32, number: u64) -> bool {
        self.now() != 0 && self.changed.lock().get(&object).is_some_and(|c| c.1 > number)
    }

    /// Whether it has changed since a moment.
    pub fn changed_since(&self, object: i32, moment: u64) -> bool {
        self.now() != moment && self.changed.lock().get(&object).is_some_and(|c| c.0 > moment)
    }
}

/// The statement is to be planned and run again, while a lock keeps the definition ([`object_of`]).
pub fn redefined(database: i32, object: i32, table: &str) -> SqlError {
    let text = format!("The definition of '{table}' was changed while the statement began. Run it again.");
    let mut e = SqlError::with_text(REDEFINED, 16, text);
    e.procedure = format!("{database} {object}");
    e
}

/// What an error of [`redefined`] is about.
pub fn object_of(e: &SqlError) -> Option<Resource> {
    let (database, object) = e.procedure.split_once(' ').filter(|_| e.number == REDEFINED)?;
    Some(Resource::Object { database: database.parse().ok()?, object: object.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_old() {
        let d = Definitions::default();
        let before = d.now();
        d.note(5, 7);
        let between = d.now();
        d.note(6, 8);
        assert!(d.changed_since(5, before) && d.changed_since(6, before) && !d.changed_since(7, before));
        assert!(!d.changed_since(5, between) && d.changed_since(6, between));
        assert!(!d.changed_since(5, d.now()));
        assert!(
            d.changed_since_snapshot(5, 6)
                && !d.changed_since_snapshot(5, 7)
                && !d.changed_since_snapshot(9, 0)
        );
    }
}
