//! Where names without a database are looked for: in the current database, and what of master is everybody's.
//!
//! Invariants
//! 1. A procedure of master's dbo whose name begins with `sp_` is found from every database, after the system procedures and those of
//!    the database itself, and runs with the caller's database as the current one: for DB_ID, OBJECT_ID, texts that it executes.
//! 2. Names in its own statements mean master's objects, its catalog views included; only the old views (`sysobjects` …) are those of
//!    the caller's database. In one that `sp_MS_marksystemobject` has marked all names are the caller's.
//! 3. Tables and views of master's dbo with such names are found from every database, too, where the database has none.
//!
//! Evidence: what is documented of system procedures in master, and how administrators' collections of such procedures rely on it.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef, ObjectDef, SequenceDef, TableDef, TableRules, ViewUse};
use holdfast_engine::database::partition::PartitionFunction;
use holdfast_engine::database::xml_schema::TypedXml;
use holdfast_engine::instance::MASTER;
use holdfast_types::{CollationId, NameOrder, SqlResult, SqlType};

use super::state::SharedSession;
use crate::host::{Host, HostDatabase};
use crate::system_view;

/// Whether an object of that name in master may be everybody's: `sp_…` in dbo or without a schema.
pub fn is_global(schema: &str, name: &str) -> bool {
    name.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("sp_"))
        && (schema.is_empty() || schema.eq_ignore_ascii_case("dbo"))
}

/// A procedure of master that is called from another database, and where its names are looked for (`None`: there).
pub struct Global {
    pub master: Arc<HostDatabase>,
    pub module: Arc<ModuleDef>,
    pub names: Option<Arc<HostDatabase>>,
}

impl Global {
    /// The procedure by its name, if there is one and the caller is not in master (invariant 1).
    pub fn find(
        session: &SharedSession,
        schema: &str,
        name: &str,
        from: &HostDatabase,
    ) -> SqlResult<Option<Self>> {
        if from.id == MASTER || !is_global(schema, name) {
            return Ok(None);
        }
        let found = session.settled(|watch| {
            let master = session.host.database_by_id(MASTER)?;
            let catalog = watch.over(Arc::clone(&master) as Arc<dyn Catalog>, session);
            Some((master, catalog.object("dbo", name)?))
        })?;
        let Some((master, ObjectDef::Procedure(module))) = found else { return Ok(None) };
        let marked = master.find_object_id(module.object_id)?.is_some_and(|o| o.system || o.status_bit(1));
        let names = (!marked).then(|| Arc::clone(&master));
        Ok(Some(Global { master, module, names }))
    }
}

/// Master, when a table or view of that name there is everybody's (invariant 3).
pub fn everywhere(host: &Arc<Host>, schema: &str, name: &str) -> Option<Arc<HostDatabase>> {
    if !is_global(schema, name) {
        return None;
    }
    let master = host.database_by_id(MASTER)?;
    // A procedure is no table; EXECUTE finds it by itself.
    let found = matches!(master.object("dbo", name)?, ObjectDef::Table(_) | ObjectDef::View(_));
    found.then_some(master)
}

/// What the statements of a procedure of master are bound with that runs in another database.
pub struct NamesOfMaster {
    names: Arc<HostDatabase>,
    /// The database of the old views.
    current: Arc<HostDatabase>,
}

impl NamesOfMaster {
    pub fn new(names: Arc<HostDatabase>, current: Arc<HostDatabase>) -> Self {
        NamesOfMaster { names, current }
    }
}

/// Every method of the trait is passed on: those that have a body there would answer that there is nothing.
impl Catalog for NamesOfMaster {
    fn database_id(&self) -> i32 {
        self.names.id
    }
    fn database_name(&self) -> Arc<str> {
        Arc::clone(&self.names.name)
    }
    fn default_collation(&self) -> CollationId {
        self.names.default_collation()
    }
    fn names(&self) -> NameOrder {
        self.names.names()
    }
    fn compatibility_level(&self) -> u8 {
        self.names.compatibility_level()
    }
    fn object(&self, schema: &str, name: &str) -> Option<ObjectDef> {
        let old = system_view::is_compatibility_view(self.names(), schema, name);
        let database = if old { &self.current } else { &self.names };
        database.object(schema, name)
    }
    fn schema(&self, name: &str) -> Option<Arc<str>> {
        self.names.schema(name)
    }
    fn typed_xml(&self, schema: &str, name: &str, document: bool) -> SqlResult<Option<Arc<TypedXml>>> {
        self.names.typed_xml(schema, name, document)
    }
    fn user_type(&self, schema: &str, name: &str) -> Option<(SqlType, bool)> {
        self.names.user_type(schema, name)
    }
    fn table_type(&self, schema: &str, name: &str) -> SqlResult<Option<Arc<TableDef>>> {
        self.names.table_type(schema, name)
    }
    fn sequence(&self, schema: &str, name: &str) -> SqlResult<Option<SequenceDef>> {
        self.names.sequence(schema, name)
    }
    fn partition_function(&self, name: &str) -> SqlResult<Option<Arc<PartitionFunction>>> {
        self.names.partition_function(name)
    }
    fn indexed_view(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.names.indexed_view(object_id)
    }
    fn views_over(&self, object_id: i32) -> SqlResult<Arc<[ViewUse]>> {
        self.names.views_over(object_id)
    }
    fn table_by_id(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.names.table_by_id(object_id)
    }
    fn rules(&self, object_id: i32) -> SqlResult<Arc<TableRules>> {
        self.names.rules(object_id)
    }
}
