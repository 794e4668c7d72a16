//! Looking names up while other transactions are defining things.
//!
//! Catalogue snapshots show what open transactions have made, dropped, altered or renamed. Whoever meets such a name waits for
//! that transaction by Sch-S on what the name stands for or has stood for, and looks again
//! ([`holdfast_engine::write::definitions`]); the transaction itself sees what it has done.
//!
//! Invariants
//! 1. While nobody defines anything a look-up costs two loads: of the count of those who do, and of the number of the snapshot,
//!    which whoever looks up takes care of ([`SharedSession::take_present`]).
//! 2. Nothing is waited for while names are being looked up: what was made of them is thrown away, then the wait begins, so that
//!    nothing but locks of the session's own is held meanwhile, which the search for deadlocks knows.
//! 3. Names that are looked up for the second time are those of the present snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_engine::catalog::{Catalog, ObjectDef, SequenceDef, TableDef, TableRules, ViewUse};
use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::database::partition::PartitionFunction;
use holdfast_engine::database::xml_schema::TypedXml;
use holdfast_engine::lock::{LockManager, LockMode, LockOwner, Resource};
use holdfast_engine::write::definitions::Name;
use holdfast_plan::{NameResolver, VariableInfo};
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType};
use parking_lot::Mutex;

use super::state::SharedSession;

/// How often a look-up begins again because a transaction that defined something has ended meanwhile.
const AGAIN: usize = 10;

/// What was met of other transactions' definitions during a look-up.
struct Met {
    locks: Arc<LockManager>,
    owner: LockOwner,
    first: Mutex<Option<Resource>>,
}

/// A look-up of names.
pub struct Watch {
    /// `None`: nobody defines anything.
    met: Option<Arc<Met>>,
}

impl Watch {
    /// The catalog with its names watched.
    pub fn over(&self, catalog: Arc<dyn Catalog>, session: &SharedSession) -> Arc<dyn Catalog> {
        let Some(met) = &self.met else { return catalog };
        let database = session.host.database_by_id(catalog.database_id());
        let Some(stored) = database.and_then(|d| d.online().stored()) else { return catalog };
        Arc::new(Watched { catalog, stored, met: Arc::clone(met) })
    }

    /// The name was looked up in a database, without [`Watch::over`].
    pub fn see(&self, stored: &DatabaseCatalog, looked_up: Option<(Name, Option<Resource>)>) {
        if let (Some(met), Some((name, found))) = (&self.met, looked_up) {
            met.see(stored, &name, found);
        }
    }

    /// Whether anybody defines something.
    pub fn is_needed(&self) -> bool {
        self.met.is_some()
    }
}

impl Met {
    fn see(&self, stored: &DatabaseCatalog, name: &Name, found: Option<Resource>) {
        let Some(writing) = stored.writing() else { return };
        let mut first = self.first.lock();
        if first.is_none() {
            *first = writing.definitions.unsettled(&self.locks, self.owner, name, found);
        }
    }
}

impl SharedSession {
    /// Looks names up in catalogs that `look` takes as they are then, again and again until no other transaction is about to change
    /// what they mean.
    ///
    /// # Errors
    /// 1222, 1205 and those of a wait that is cancelled.
    pub fn settled<T>(&self, mut look: impl FnMut(&Watch) -> T) -> SqlResult<T> {
        let locks = &self.host.instance.locks;
        // The transaction's work counts where a victim of a deadlock is chosen.
        let owner = || self.open_transaction().map_or(self.owner, |t| t.owner());
        let mut again = 0;
        loop {
            // A snapshot that is the present one after nobody was defining holds what is committed.
            if locks.defining.load(Ordering::SeqCst) == 0 {
                return Ok(look(&Watch { met: None }));
            }
            let ended = locks.defined.load(Ordering::SeqCst);
            let first = Mutex::new(None);
            let met = Arc::new(Met { locks: Arc::clone(locks), owner: owner(), first });
            let found = look(&Watch { met: Some(Arc::clone(&met)) });
            let first = *met.first.lock();
            match first {
                Some(resource) => {
                    locks
                        .wait_until_free(met.owner, &resource, LockMode::SchS, &self.lock_wait())
                        .map_err(SqlError::from)?;
                }
                // What was found of a transaction that has been rolled back since is not there any more.
                None if again < AGAIN && locks.defined.load(Ordering::SeqCst) != ended => again += 1,
                None => return Ok(found),
            }
        }
    }
}

/// Every method of the trait is passed on: those that have a body there would answer that there is nothing.
struct Watched {
    catalog: Arc<dyn Catalog>,
    /// As it is now: at least as young as what the names are looked up in.
    stored: Arc<DatabaseCatalog>,
    met: Arc<Met>,
}

impl Watched {
    fn see(&self, looked_up: Option<(Name, Option<Resource>)>) {
        if let Some((name, found)) = looked_up {
            self.met.see(&self.stored, &name, found);
        }
    }
}

impl Catalog for Watched {
    fn database_id(&self) -> i32 {
        self.catalog.database_id()
    }
    fn database_name(&self) -> Arc<str> {
        self.catalog.database_name()
    }
    fn default_collation(&self) -> CollationId {
        self.catalog.default_collation()
    }
    fn names(&self) -> NameOrder {
        self.catalog.names()
    }
    fn compatibility_level(&self) -> u8 {
        self.catalog.compatibility_level()
    }
    fn is_read_only(&self) -> bool {
        self.catalog.is_read_only()
    }
    fn object(&self, schema: &str, name: &str) -> Option<ObjectDef> {
        self.see(self.stored.object_named(schema, name));
        self.catalog.object(schema, name)
    }
    fn schema(&self, name: &str) -> Option<Arc<str>> {
        self.see(Some(self.stored.schema_named(name)));
        self.catalog.schema(name)
    }
    fn typed_xml(&self, schema: &str, name: &str, document: bool) -> SqlResult<Option<Arc<TypedXml>>> {
        self.catalog.typed_xml(schema, name, document)
    }
    fn user_type(&self, schema: &str, name: &str) -> Option<(SqlType, bool)> {
        self.see(self.stored.type_name(schema, name));
        self.catalog.user_type(schema, name)
    }
    fn table_type(&self, schema: &str, name: &str) -> SqlResult<Option<Arc<TableDef>>> {
        self.see(self.stored.type_name(schema, name));
        self.catalog.table_type(schema, name)
    }
    fn sequence(&self, schema: &str, name: &str) -> SqlResult<Option<SequenceDef>> {
        self.see(self.stored.object_named(schema, name));
        self.catalog.sequence(schema, name)
    }
    fn partition_function(&self, name: &str) -> SqlResult<Option<Arc<PartitionFunction>>> {
        self.catalog.partition_function(name)
    }
    fn indexed_view(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.catalog.indexed_view(object_id)
    }
    fn views_over(&self, object_id: i32) -> SqlResult<Arc<[ViewUse]>> {
        self.catalog.views_over(object_id)
    }
    fn table_by_id(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.catalog.table_by_id(object_id)
    }
    fn rules(&self, object_id: i32) -> SqlResult<Arc<TableRules>> {
        self.catalog.rules(object_id)
    }
}

/// Names of a statement, those in other databases watched, too. Every method of the trait is passed on.
pub struct WatchedNames<'a> {
    pub names: &'a dyn NameResolver,
    pub session: &'a SharedSession,
    pub watch: &'a Watch,
}

impl NameResolver for WatchedNames<'_> {
    fn database(&self, name: &str) -> Option<Arc<dyn Catalog>> {
        self.names.database(name).map(|c| self.watch.over(c, self.session))
    }
    fn closed(&self, name: &str) -> Option<SqlError> {
        self.names.closed(name)
    }
    fn everywhere(&self, schema: &str, name: &str) -> Option<Arc<dyn Catalog>> {
        self.names.everywhere(schema, name).map(|c| self.watch.over(c, self.session))
    }
    fn linked_server(&self, name: &str) -> bool {
        self.names.linked_server(name)
    }
    fn own_server(&self, name: &str) -> bool {
        self.names.own_server(name)
    }
    fn variable(&self, name: &str) -> Option<VariableInfo> {
        self.names.variable(name)
    }
    fn table_variable(&self, name: &str) -> Option<Arc<TableDef>> {
        self.names.table_variable(name)
    }
    fn table_variable_type(&self, name: &str) -> Option<i32> {
        self.names.table_variable_type(name)
    }
    fn temp_table(&self, name: &str) -> Option<Arc<TableDef>> {
        self.names.temp_table(name)
    }
    fn trigger_table(&self, name: &str) -> Option<Arc<TableDef>> {
        self.names.trigger_table(name)
    }
    fn stand_in(&self, table: &TableDef) -> Option<Arc<TableDef>> {
        self.names.stand_in(table)
    }
    fn trigger_target(&self) -> Option<Arc<TableDef>> {
        self.names.trigger_target()
    }
    fn rules(&self, table: &TableDef) -> SqlResult<Arc<TableRules>> {
        self.names.rules(table)
    }
}
