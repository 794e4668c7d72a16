//! Changing the catalog: rows of the system base tables, written through the same writers as any table's rows, so that data
//! definition is logged, transactional and recovered like everything else.
//!
//! Module map: [`boot`] fields of the boot page; [`rows`] base tables by name and cells by column; [`layout`] where columns lie in records; [`object`] ids,
//! objects and names; [`table`] tables and columns; [`index`] rowsets and indexes; [`rowset_columns`] what the catalogue says of columns of rowsets, by version; [`constraint`] keys, checks, defaults, foreign
//! keys; [`temporal`] periods and versioning; [`module`] views, procedures, functions, triggers, synonyms, types; [`partition`] partition functions and schemes; [`principal`] schemas, users, roles, permissions,
//! extended properties.
//!
//! Invariants
//! 1. Rows are those that the server itself writes for the same statement (docs/format/catalog.md, compared with genuine
//!    databases by tests); columns that a version lacks are left out.
//! 2. A [`CatalogWriter`] works on one snapshot. Who needs what it wrote takes a new one
//!    ([`crate::instance::OnlineDatabase::refresh`]).

pub mod boot;
pub mod constraint;
pub mod index;
pub mod layout;
pub mod module;
pub mod object;
pub mod partition;
pub mod principal;
pub mod rows;
mod rowset_columns;
pub mod table;
pub mod temporal;
pub mod xml_schema;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_types::SqlResult;
use parking_lot::Mutex;

use crate::instance::OnlineDatabase;
use crate::lock::{LockManager, LockOwner};
use crate::transaction::{Participant, Transaction};
pub use rows::{CatalogWriter, Cell};

/// Has the catalog read again when a transaction that changed it goes back, and tells until it has ended that it defines.
struct Snapshots {
    database: Arc<dyn OnlineDatabase>,
    owner: LockOwner,
    /// Counted in [`LockManager::defining`] as long as this is there, which is longer than the transaction's locks.
    locks: Option<Arc<LockManager>>,
    /// Objects that the transaction defines, under Sch-M, and the versions that their definitions had before.
    objects: Mutex<Vec<(i32, u64)>>,
    /// All of the transaction goes back.
    whole: AtomicBool,
}

impl Snapshots {
    fn join(database: &Arc<dyn OnlineDatabase>, owner: LockOwner) -> Self {
        let catalog = database.stored();
        let writing = catalog.as_ref().and_then(|c| c.writing());
        let locks = writing.map(|w| Arc::clone(&w.locks));
        if let Some(writing) = writing {
            writing.locks.defining.fetch_add(1, Ordering::SeqCst);
            writing.definitions.images.begin(owner);
        }
        Snapshots {
            database: Arc::clone(database),
            owner,
            locks,
            objects: Mutex::default(),
            whole: AtomicBool::new(false),
        }
    }

    fn place_of(database: &Arc<dyn OnlineDatabase>) -> usize {
        // Beside the database's own place, which is the address of something else.
        Arc::as_ptr(database).cast::<()>() as usize
    }

    /// Before the locks go: names are free, or are what they were.
    fn settle(&self) {
        let catalog = self.database.stored();
        if let Some(writing) = catalog.as_ref().and_then(|c| c.writing()) {
            writing.definitions.settle(self.owner);
            writing.locks.defined.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn note_all(&self) {
        let catalog = self.database.stored();
        if let Some(writing) = catalog.as_ref().and_then(|c| c.writing()) {
            let version = writing.locks.versions.moment();
            // What has gone back altogether is for snapshots what it was.
            let back = self.whole.load(Ordering::SeqCst);
            for (object, before) in self.objects.lock().iter() {
                writing.definitions.note(*object, if back { *before } else { version });
            }
        }
    }

    fn add(&self, object: i32) {
        let catalog = self.database.stored();
        let before = catalog.as_ref().and_then(|c| c.writing()).map_or(0, |w| w.definitions.version(object));
        let mut objects = self.objects.lock();
        if !objects.iter().any(|o| o.0 == object) {
            objects.push((object, before));
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        if let Some(locks) = &self.locks {
            locks.defining.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Participant for Snapshots {
    fn place(&self) -> usize {
        Self::place_of(&self.database)
    }
    fn commit(&self) -> SqlResult<()> {
        self.settle();
        Ok(())
    }
    fn rollback(&self) -> SqlResult<()> {
        self.whole.store(true, Ordering::SeqCst);
        Ok(())
    }
    fn savepoint(&self) -> u64 {
        0
    }
    fn rollback_to(&self, _: u64) -> SqlResult<()> {
        Ok(())
    }
    fn taken_back(&self) {
        if let Some(catalog) = self.database.stored()
            && let Some(writing) = catalog.writing()
        {
            writing.sequences.taken_back();
        }
        self.note_all();
        // A catalog that cannot be read any more is reported by whoever needs it next.
        let _ = self.database.refresh();
        if self.whole.load(Ordering::SeqCst) {
            self.settle();
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Ties the catalog's snapshots to a transaction that changes it.
pub fn watch(database: &Arc<dyn OnlineDatabase>, transaction: &Transaction) -> SqlResult<()> {
    watched(database, transaction, |_| ())
}

fn watched(
    database: &Arc<dyn OnlineDatabase>,
    transaction: &Transaction,
    f: impl FnOnce(&Snapshots),
) -> SqlResult<()> {
    transaction.defines();
    let join = || -> SqlResult<Arc<dyn Participant>> {
        Ok(Arc::new(Snapshots::join(database, transaction.owner())))
    };
    let part = transaction.participant(Snapshots::place_of(database), join)?;
    if let Some(snapshots) = part.as_any().downcast_ref() {
        f(snapshots);
    }
    Ok(())
}

/// The transaction has Sch-M on an object and is going to define it ([`crate::write::definitions`]).
pub fn defines(database: &Arc<dyn OnlineDatabase>, transaction: &Transaction, object: i32) -> SqlResult<()> {
    watched(database, transaction, |snapshots| {
        snapshots.add(object);
        snapshots.note_all();
    })
}

/// A statement that defines has done its part: reads the catalog again.
pub fn defined(database: &Arc<dyn OnlineDatabase>, transaction: &Transaction) -> SqlResult<()> {
    watched(database, transaction, Snapshots::note_all)?;
    database.refresh()
}
