//! Changing the catalog: rows of the system base tables, written through the same writers as any table's rows, so that data
//! definition is logged, transactional and recovered like everything else.
//!
//! Module map: [`boot`] fields of the boot page; [`rows`] base tables by name and cells by column; [`layout`] where columns lie in records; [`object`] ids,
//! objects and names; [`table`] tables and columns; [`index`] rowsets and indexes; [`constraint`] keys, checks, defaults, foreign
//! keys; [`module`] views, procedures, functions, triggers, synonyms, types; [`principal`] schemas, users, roles, permissions,
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
pub mod principal;
pub mod rows;
pub mod table;

use std::any::Any;
use std::sync::Arc;

use holdfast_types::SqlResult;

use crate::instance::OnlineDatabase;
use crate::transaction::{Participant, Transaction};
pub use rows::{CatalogWriter, Cell};

/// Has the catalog read again when a transaction that changed it goes back.
struct Snapshots {
    database: Arc<dyn OnlineDatabase>,
}

impl Participant for Snapshots {
    fn place(&self) -> usize {
        // Beside the database's own place, which is the address of something else.
        Arc::as_ptr(&self.database).cast::<()>() as usize
    }
    fn commit(&self) -> SqlResult<()> {
        Ok(())
    }
    fn rollback(&self) -> SqlResult<()> {
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
        // A catalog that cannot be read any more is reported by whoever needs it next.
        let _ = self.database.refresh();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Ties the catalog's snapshots to a transaction that changes it.
pub fn watch(database: &Arc<dyn OnlineDatabase>, transaction: &Transaction) -> SqlResult<()> {
    let new = Snapshots { database: Arc::clone(database) };
    let place = new.place();
    transaction.participant(place, || Ok(Arc::new(new))).map(|_| ())
}
