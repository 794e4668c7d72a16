//! A stored database's catalog: names to definitions, read from its base tables.
//!
//! Module map: [`rows`] base tables by name, [`tables`] columns, indexes and storage of a table, [`writer`] its changing side, [`temporal`] its period and history, [`view`] indexed views, [`modules`] views,
//! procedures and functions, [`online`] the database as the instance sees it, [`partition`] functions and schemes, [`statistics`], [`details`] constraints and other things a schema script needs.
//!
//! Invariants
//! 1. A [`DatabaseCatalog`] is a snapshot: base tables are read once each and kept; definitions are built on first use.
//! 2. Names are equal when the database collation says so.
//!
//! Evidence: docs/format/catalog.md; tests/corpus.rs opens every data file of the corpus.

pub mod details;
pub mod modules;
pub mod online;
pub mod partition;
pub mod physical;
pub mod rows;
pub mod statistics;
pub mod tables;
pub mod temporal;
pub mod view;
pub mod writer;
pub mod xml_schema;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use holdfast_format::catalog::{BaseTable, SystemTables};
use holdfast_format::{FormatError, PageSource};
use holdfast_types::{CollationId, NameKey, NameOrder, SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use crate::catalog::{Catalog, ObjectDef, SequenceDef, TableDef, TableRules, ViewUse};
use crate::ddl::object::CLASS_OF_SERVER;
use crate::error::damaged;
use crate::lock::Resource;
use crate::stored::{LiveRowsets, Store};
use crate::write::definitions::Name;
use crate::write::sequence::{Given, SequenceSpec};
use crate::write::{Writing, sequence};
pub use online::StoredDatabase;
use rows::Catalogs;

/// A row of sysschobjs that is an object of the database (system objects' names left out).
#[derive(Clone, Debug)]
pub struct ObjectRow {
    pub id: i32,
    pub name: Arc<str>,
    pub schema_id: i32,
    /// `U`, `V`, `P`, `FN`, `IF`, `TF`, `TR`, `PK`, `UQ`, `F`, `C`, `D`, `SN`, `SO`, `TT` …
    pub kind: Arc<str>,
    pub parent_id: i32,
    /// A trigger of the database itself: it has no schema and no table.
    pub on_database: bool,
    /// A trigger ON ALL SERVER (in master only).
    pub on_server: bool,
    pub status: u32,
    pub intprop: i32,
    /// Shipped with the server.
    pub system: bool,
    pub created: holdfast_types::DateTime,
    pub modified: holdfast_types::DateTime,
}

/// The catalog of one database.
pub struct DatabaseCatalog {
    id: i32,
    name: Arc<str>,
    pub(crate) store: Arc<Store>,
    pub(crate) catalogs: Catalogs,
    collation: CollationId,
    names: NameOrder,
    /// Schemas by id.
    schemas: HashMap<i32, Arc<str>>,
    objects: HashMap<i32, ObjectRow>,
    /// (schema id, name) of objects that names can stand for.
    by_name: HashMap<(i32, NameKey), i32>,
    built: Mutex<HashMap<i32, Option<ObjectDef>>>,
    /// What views keep, built on first use.
    views: Mutex<HashMap<i32, Arc<TableDef>>>,
    /// Indexed views by the tables that they are over, read on first use.
    views_over: OnceLock<HashMap<i32, Arc<[ViewUse]>>>,
    /// Rules by table or view, read on first use.
    rules: OnceLock<HashMap<i32, Arc<TableRules>>>,
    /// XML schema collections by id, read on first use.
    xml: Mutex<HashMap<i32, Arc<holdfast_types::xml::schema::Collection>>>,
}

/// Kinds of objects a name in a statement can stand for.
const NAMED: [&str; 11] = ["U", "V", "P", "FN", "IF", "TF", "SN", "FS", "FT", "PC", "IT"];

impl DatabaseCatalog {
    /// Reads the catalog of the database in `source`. `name` replaces the name in the boot page.
    pub fn open(id: i32, name: Option<&str>, source: Arc<dyn PageSource>) -> Result<Arc<Self>, FormatError> {
        Self::open_live(id, name, source, Arc::default(), None)
    }

    /// The same of a database that is open for changes, or whose rowsets are known from an earlier snapshot.
    pub fn open_live(
        id: i32,
        name: Option<&str>,
        source: Arc<dyn PageSource>,
        live: Arc<LiveRowsets>,
        writing: Option<Arc<Writing>>,
    ) -> Result<Arc<Self>, FormatError> {
        let as_of = writing.as_ref().map_or(0, |w| w.definitions.now());
        let tables = SystemTables::open_again(&*source, Arc::clone(&live.decoded))?;
        let name: Arc<str> = name.unwrap_or(&tables.boot.name).into();
        let tables = Arc::new(tables);
        let store = Arc::new(Store { database: Arc::clone(&name), source, tables, live, writing, as_of });
        let catalogs = Catalogs::open(&store)?;
        let collation = CollationId(store.tables.boot.collation);
        let mut catalog = DatabaseCatalog {
            id,
            name,
            catalogs,
            collation,
            names: NameOrder::of(collation),
            schemas: HashMap::new(),
            objects: HashMap::new(),
            by_name: HashMap::new(),
            built: Mutex::new(HashMap::new()),
            views: Mutex::new(HashMap::new()),
            views_over: OnceLock::new(),
            rules: OnceLock::new(),
            xml: Mutex::default(),
            store,
        };
        catalog.read_schemas()?;
        catalog.read_objects()?;
        Ok(Arc::new(catalog))
    }

    fn read_schemas(&mut self) -> Result<(), FormatError> {
        for row in self.base_table("sysclsobjs")?.iter() {
            if row.int("class") == 50 {
                self.schemas.insert(row.i32("id"), row.text("name").into());
            }
        }
        for (id, name) in [(1, "dbo"), (3, "INFORMATION_SCHEMA"), (4, "sys")] {
            self.schemas.entry(id).or_insert_with(|| name.into());
        }
        Ok(())
    }

    fn read_objects(&mut self) -> Result<(), FormatError> {
        let moment = |m: Option<holdfast_format::boot::StoredDateTime>| {
            m.map_or_else(holdfast_types::DateTime::default, |m| holdfast_types::DateTime {
                days: m.days,
                ticks: m.ticks,
            })
        };
        for row in self.base_table("sysschobjs")?.iter() {
            let id = row.i32("id");
            let trigger = row.text("type").trim_end() == "TR";
            let on_database = trigger && row.int("pclass") == 0;
            let on_server = trigger && row.int("pclass") == i64::from(CLASS_OF_SERVER);
            if id < 0 || row.int("nsclass") != 0 && !on_database && !on_server {
                continue;
            }
            let object = ObjectRow {
                id,
                name: row.text("name").into(),
                schema_id: row.i32("nsid"),
                kind: row.text("type").trim_end().into(),
                parent_id: row.i32("pid"),
                on_database,
                on_server,
                status: row.int("status") as u32,
                intprop: row.i32("intprop"),
                system: row.int("status") & 1 != 0 || row.i32("nsid") == 4,
                created: moment(row.datetime("created")),
                modified: moment(row.datetime("modified")),
            };
            if NAMED.contains(&&*object.kind) {
                self.by_name.insert((object.schema_id, self.names.key(&object.name)), id);
            }
            self.objects.insert(id, object);
        }
        Ok(())
    }

    /// Storage side of the catalog: units, rowsets, layouts, boot page.
    pub fn storage(&self) -> &SystemTables {
        &self.store.tables
    }

    pub fn source(&self) -> &Arc<dyn PageSource> {
        &self.store.source
    }

    /// Internal version (611 … 957).
    pub fn version(&self) -> u16 {
        self.store.tables.boot.version
    }

    /// The rows of a base table by name (`sysschobjs`); empty when this version has no such table. Read once.
    pub fn base_table(&self, name: &str) -> Result<Arc<BaseTable>, FormatError> {
        self.catalogs.table(&self.store, name)
    }

    /// Object id of a base table; `None` when this version has no such table.
    pub fn base_table_id(&self, name: &str) -> Option<i32> {
        self.catalogs.table_id(name)
    }

    /// An alias, CLR or built-in type by name: id, type, whether NULL is allowed.
    pub fn type_named(&self, schema: Option<&str>, name: &str) -> Option<(i32, SqlType, bool)> {
        let schema_id = match schema {
            Some(s) => Some(self.schema_id(s)?),
            None => None,
        };
        let found = self
            .catalogs
            .types()
            .into_iter()
            .find(|t| schema_id.is_none_or(|s| s == t.schema_id) && self.names.same(&t.name, name))?;
        Some((found.id, found.ty, found.nullable))
    }

    /// The object that holds columns and indexes of a table type: (type id, object id).
    pub fn table_type_object(&self, schema: &str, name: &str) -> SqlResult<Option<(i32, i32)>> {
        let schema_id = if schema.is_empty() { None } else { self.schema_id(schema) };
        if !schema.is_empty() && schema_id.is_none() {
            return Ok(None);
        }
        let found = self.catalogs.types().into_iter().find(|t| {
            t.table && schema_id.is_none_or(|s| s == t.schema_id) && self.names.same(&t.name, name)
        });
        let Some(found) = found else { return Ok(None) };
        let references = self.base_table("syssingleobjrefs").map_err(damaged)?;
        let object = references.iter().find(|r| r.int("class") == 36 && r.i32("depid") == found.id);
        Ok(object.map(|r| (found.id, r.i32("indepid"))))
    }

    /// A schema's id.
    pub fn schema_number(&self, name: &str) -> Option<i32> {
        self.schema_id(name)
    }

    /// Gives values of a sequence; they belong to no transaction, unless `through` says so.
    pub fn give_sequence_values(
        &self,
        object: i32,
        count: i128,
        through: Option<&dyn Fn(&SequenceSpec, i128) -> SqlResult<()>>,
    ) -> SqlResult<Given> {
        let writing = self.writing().ok_or_else(|| SqlError::new(3906, &[&self.name]))?;
        writing.sequences.give(writing, self, object, count, through)
    }

    /// A sequence and the value last given.
    pub fn sequence_state(&self, object: i32) -> SqlResult<(SequenceSpec, Option<i128>)> {
        let writing = self.writing().ok_or_else(|| SqlError::new(3906, &[&self.name]))?;
        writing.sequences.current(writing, self, object)
    }

    /// The changing side; `None` when the database is only read.
    pub fn writing(&self) -> Option<&Arc<Writing>> {
        self.store.writing.as_ref()
    }

    /// Names of the base tables of this version.
    pub fn base_table_names(&self) -> Vec<String> {
        self.catalogs.names()
    }

    /// The rows of a base table as SQL values: column names, then rows.
    pub fn base_values(&self, name: &str) -> SqlResult<(Vec<String>, Vec<Vec<Value>>)> {
        rows::base_values(self, name)
    }

    /// All objects of the database, base tables and system objects too, in id order.
    pub fn objects(&self) -> Vec<&ObjectRow> {
        let mut all: Vec<&ObjectRow> = self.objects.values().collect();
        all.sort_by_key(|o| o.id);
        all
    }

    /// What an object's name is looked up by ([`crate::write::definitions`]), and the object that has it. `schema` empty: dbo.
    pub fn object_named(&self, schema: &str, name: &str) -> Option<(Name, Option<Resource>)> {
        let schema = if schema.is_empty() { 1 } else { self.schema_id(schema)? };
        let key = self.names.key(name);
        // Triggers, sequences and the like are not in the list of what queries name.
        let other = || {
            let same = |o: &&ObjectRow| o.schema_id == schema && self.names.same(&o.name, name);
            self.objects.values().find(same).map(|o| o.id)
        };
        let found = self.by_name.get(&(schema, key.clone())).copied().or_else(other);
        let found = found.map(|object| Resource::Object { database: self.id, object });
        Some((Name::Object(schema, key), found))
    }

    /// The same of a type; `schema` empty: the one that look-ups without a schema find.
    pub fn type_name(&self, schema: &str, name: &str) -> Option<(Name, Option<Resource>)> {
        let named = (!schema.is_empty()).then_some(schema);
        let id = self.type_named(named, name).map(|t| t.0).filter(|id| *id > 256);
        let found = id.map(|user_type| Resource::UserType { database: self.id, user_type });
        let schema = if schema.is_empty() { 1 } else { self.schema_id(schema)? };
        Some((Name::UserType(schema, self.names.key(name)), found))
    }

    /// The same of a schema.
    pub fn schema_named(&self, name: &str) -> (Name, Option<Resource>) {
        let found = self.schema_id(name).map(|schema| Resource::Schema { database: self.id, schema });
        (Name::Schema(self.names.key(name)), found)
    }

    pub fn object_row(&self, id: i32) -> Option<&ObjectRow> {
        self.objects.get(&id)
    }

    pub fn schema_name(&self, id: i32) -> Arc<str> {
        self.schemas.get(&id).cloned().unwrap_or_else(|| Arc::from(""))
    }

    /// Schemas in id order.
    pub fn schemas(&self) -> Vec<(i32, Arc<str>)> {
        let mut all: Vec<_> = self.schemas.iter().map(|(id, name)| (*id, name.clone())).collect();
        all.sort();
        all
    }

    fn schema_id(&self, name: &str) -> Option<i32> {
        self.schemas.iter().find(|(_, n)| self.names.same(n, name)).map(|(id, _)| *id)
    }

    /// The definition of an object by id, built on first use.
    pub fn definition(&self, id: i32) -> SqlResult<Option<ObjectDef>> {
        if let Some(known) = self.built.lock().get(&id) {
            return Ok(known.clone());
        }
        let Some(row) = self.objects.get(&id) else { return Ok(None) };
        let built = match &*row.kind {
            "U" | "IT" | "S" | "TT" => {
                Some(ObjectDef::Table(Arc::new(tables::build(self, row).map_err(damaged)?)))
            }
            "SN" => modules::synonym(self, row).map_err(damaged)?.map(|s| ObjectDef::Synonym(Arc::new(s))),
            _ => modules::build(self, row).map_err(damaged)?,
        };
        self.built.lock().insert(id, built.clone());
        Ok(built)
    }

    /// The user tables, in id order.
    pub fn user_tables(&self) -> SqlResult<Vec<Arc<TableDef>>> {
        let mut out = Vec::new();
        for object in self.objects() {
            if &*object.kind == "U"
                && let Some(ObjectDef::Table(table)) = self.definition(object.id)?
            {
                out.push(table);
            }
        }
        Ok(out)
    }

    /// A base table, internal table or user table by object id, or what an indexed view keeps.
    pub fn table(&self, id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        match self.definition(id)? {
            Some(ObjectDef::Table(table)) => Ok(Some(table)),
            Some(ObjectDef::View(_)) => self.indexed_view(id),
            _ => Ok(None),
        }
    }

    /// Name look-up that tells damage from absence; [`Catalog::object`] cannot.
    pub fn find_object(&self, schema: &str, name: &str) -> SqlResult<Option<ObjectDef>> {
        let schema_id = if schema.is_empty() { Some(1) } else { self.schema_id(schema) };
        let Some(schema_id) = schema_id else { return Ok(None) };
        let key = (schema_id, self.names.key(name));
        match self.by_name.get(&key) {
            Some(id) => self.definition(*id),
            None => Ok(None),
        }
    }
}

impl Catalog for DatabaseCatalog {
    fn database_id(&self) -> i32 {
        self.id
    }

    fn database_name(&self) -> Arc<str> {
        self.name.clone()
    }

    fn default_collation(&self) -> CollationId {
        self.collation
    }

    fn names(&self) -> NameOrder {
        self.names
    }

    fn compatibility_level(&self) -> u8 {
        u8::try_from(self.store.tables.boot.compatibility_level).unwrap_or(100)
    }

    fn object(&self, schema: &str, name: &str) -> Option<ObjectDef> {
        self.find_object(schema, name).ok().flatten()
    }

    fn schema(&self, name: &str) -> Option<Arc<str>> {
        self.schema_id(name).and_then(|id| self.schemas.get(&id).cloned())
    }

    fn typed_xml(
        &self,
        schema: &str,
        name: &str,
        document: bool,
    ) -> SqlResult<Option<Arc<xml_schema::TypedXml>>> {
        let id = self.xml_collection_named(schema, name).map_err(damaged)?;
        Ok(id.and_then(|id| self.typed_xml_of(id, document)))
    }

    fn user_type(&self, schema: &str, name: &str) -> Option<(SqlType, bool)> {
        let schema_id = if schema.is_empty() { None } else { Some(self.schema_id(schema)?) };
        self.catalogs.user_type(self.names, schema_id, name)
    }

    fn table_type(&self, schema: &str, name: &str) -> SqlResult<Option<Arc<TableDef>>> {
        match self.table_type_object(schema, name)? {
            Some((_, object)) => self.table(object),
            None => Ok(None),
        }
    }

    fn sequence(&self, schema: &str, name: &str) -> SqlResult<Option<SequenceDef>> {
        let schema_id = if schema.is_empty() { Some(1) } else { self.schema_id(schema) };
        let found = self
            .objects
            .values()
            .find(|o| &*o.kind == "SO" && Some(o.schema_id) == schema_id && self.names.same(&o.name, name));
        let Some(found) = found else { return Ok(None) };
        let (_, ty) = sequence::stored_type(self, found.id)?;
        Ok(Some(SequenceDef { object_id: found.id, ty }))
    }

    fn partition_function(&self, name: &str) -> SqlResult<Option<Arc<partition::PartitionFunction>>> {
        let all = self.partition_functions().map_err(damaged)?;
        Ok(all.into_iter().find(|f| self.names.same(&f.name, name)))
    }

    fn table_by_id(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.table(object_id)
    }

    fn indexed_view(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.kept_by_view(object_id)
    }

    fn views_over(&self, object_id: i32) -> SqlResult<Arc<[ViewUse]>> {
        self.views_of_table(object_id)
    }

    fn rules(&self, object_id: i32) -> SqlResult<Arc<TableRules>> {
        self.table_rules(object_id).map_err(damaged)
    }
}
