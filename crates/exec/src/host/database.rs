//! One open database as the binder and the system views see it: its own catalog with `sys` and `INFORMATION_SCHEMA` added.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use holdfast_engine::catalog::{Catalog, ObjectDef, TableDef, TableRules};
use holdfast_engine::database::xml_schema::TypedXml;
use holdfast_engine::instance::{BaseTable, DatabaseEntry, DatabaseState, Instance, OnlineDatabase};
use holdfast_engine::lock::{LockManager, LockOwner};
use holdfast_types::{CollationId, DateTime, NameOrder, SqlResult, SqlType, Value};

use super::Host;
use super::server_settings::ServerSettings;
use super::temporary::TEMPDB;
use crate::security::store::Principals;
use crate::security::{Reader, SecurityModel};
use crate::system_view::model::CatalogModel;
use crate::system_view::{self, BaseRows, DatabaseInfo, FileInfo, ServerCounts, SessionRow, ViewSource};

/// How often rows are read again because a transaction has ended meanwhile.
const AGAIN: usize = 10;

/// A database of a host.
pub struct HostDatabase {
    host: Weak<Host>,
    pub id: i32,
    pub name: Arc<str>,
    online: Arc<dyn OnlineDatabase>,
    /// Of the catalog snapshot.
    generation: u64,
    /// Of the temporary tables, which tempdb shows.
    temporary: u64,
    catalog: Arc<dyn Catalog>,
    /// Whose uncommitted definitions its rows show; `None`: everybody's.
    seen_by: Option<LockOwner>,
    model: OnceLock<Arc<CatalogModel>>,
    security: OnceLock<Arc<SecurityModel>>,
    this: Weak<HostDatabase>,
    _counted: Counted,
}

/// How many there are.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Counted {
    fn one() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HostDatabase {
    pub fn new(
        host: &Arc<Host>,
        id: i32,
        name: Arc<str>,
        online: Arc<dyn OnlineDatabase>,
    ) -> Arc<HostDatabase> {
        let generation = online.generation();
        let temporary = host.temporary.generation();
        let catalog = online.catalog();
        Arc::new_cyclic(|this| HostDatabase {
            generation,
            temporary,
            host: Arc::downgrade(host),
            id,
            name,
            online,
            catalog,
            seen_by: None,
            model: OnceLock::new(),
            security: OnceLock::new(),
            this: this.clone(),
            _counted: Counted::one(),
        })
    }

    /// Whether this is a view over exactly that opened database and its present catalog.
    pub fn is_over(&self, online: &Arc<dyn OnlineDatabase>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.online), Arc::as_ptr(online))
            && self.generation == online.generation()
            && (self.id != TEMPDB
                || self.host.upgrade().is_some_and(|h| h.temporary.generation() == self.temporary))
    }

    /// How many views of databases there are in the process: each holds a catalog.
    pub fn alive() -> usize {
        ALIVE.load(Ordering::Relaxed)
    }

    /// Whether the next look-up of the database gives this one.
    pub fn is_current(&self) -> bool {
        let now = self.host.upgrade().and_then(|h| h.instance.find_id(self.id)).and_then(|e| e.online().ok());
        self.seen_by.is_none() && now.is_some_and(|online| self.is_over(&online))
    }

    /// Whether its catalog is the present one of the database that it is over.
    pub fn is_present(&self) -> bool {
        self.is_over(&self.online)
    }

    pub fn online(&self) -> &Arc<dyn OnlineDatabase> {
        &self.online
    }

    /// Principals and permissions of the catalog snapshot.
    pub fn security(&self) -> SqlResult<Arc<SecurityModel>> {
        if let Some(known) = self.security.get() {
            return Ok(Arc::clone(known));
        }
        let built = Arc::new(SecurityModel::build(self.model()?, &|t| self.base_rows(t))?);
        Ok(Arc::clone(self.security.get_or_init(|| built)))
    }

    /// Rows of a base table without what others than `owner` have not committed.
    fn committed_rows(&self, table: &str, owner: LockOwner) -> SqlResult<BaseTable> {
        let Some(catalog) = self.online.stored() else { return self.online.base_table(table) };
        let Some(writing) = catalog.writing() else { return self.online.base_table(table) };
        let images = &writing.definitions.images;
        let mut again = 0;
        loop {
            let ended = images.ended();
            let (columns, rows) = self.online.base_table(table)?;
            let rows = images.committed(owner, table, rows);
            again += 1;
            // What was read of a transaction that has been rolled back meanwhile is covered by nothing.
            if images.ended() == ended || again > AGAIN {
                return Ok((columns, rows));
            }
        }
    }

    fn source(&self) -> Option<Arc<dyn ViewSource>> {
        self.this.upgrade().map(|d| d as Arc<dyn ViewSource>)
    }
}

impl Catalog for HostDatabase {
    fn database_id(&self) -> i32 {
        self.id
    }
    fn database_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
    fn is_read_only(&self) -> bool {
        self.online().properties().read_only
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

    /// The database's own objects first; then system views. The compatibility views (`sysobjects` …) are found under dbo and
    /// without a schema, too.
    fn object(&self, schema: &str, name: &str) -> Option<ObjectDef> {
        let names = self.names();
        let system_schema = names.same(schema, "sys") || names.same(schema, "INFORMATION_SCHEMA");
        let source = self.source()?;
        if system_schema && let Some(view) = system_view::resolve(names, schema, name, &source) {
            return Some(ObjectDef::Table(view));
        }
        if let Some(own) = self.catalog.object(schema, name) {
            return Some(own);
        }
        let old_view = name.get(..3).is_some_and(|p| names.same(p, "sys"));
        if old_view && (schema.is_empty() || names.same(schema, "dbo")) {
            let view = system_view::resolve(names, "sys", name, &source);
            // Some tables of msdb begin so, too.
            let found = view.or_else(|| system_view::instance_tables::resolve(names, name, &source));
            return found.map(ObjectDef::Table);
        }
        if schema.is_empty() || names.same(schema, "dbo") {
            return system_view::instance_tables::resolve(names, name, &source).map(ObjectDef::Table);
        }
        None
    }

    fn schema(&self, name: &str) -> Option<Arc<str>> {
        self.catalog.schema(name)
    }
    fn typed_xml(&self, schema: &str, name: &str, document: bool) -> SqlResult<Option<Arc<TypedXml>>> {
        self.catalog.typed_xml(schema, name, document)
    }
    fn user_type(&self, schema: &str, name: &str) -> Option<(SqlType, bool)> {
        self.catalog.user_type(schema, name)
    }
    fn table_type(&self, schema: &str, name: &str) -> SqlResult<Option<Arc<TableDef>>> {
        self.catalog.table_type(schema, name)
    }
    fn sequence(&self, schema: &str, name: &str) -> SqlResult<Option<holdfast_engine::catalog::SequenceDef>> {
        self.catalog.sequence(schema, name)
    }
    fn partition_function(
        &self,
        name: &str,
    ) -> SqlResult<Option<Arc<holdfast_engine::database::partition::PartitionFunction>>> {
        self.catalog.partition_function(name)
    }
    fn indexed_view(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.catalog.indexed_view(object_id)
    }
    fn views_over(&self, object_id: i32) -> SqlResult<Arc<[holdfast_engine::catalog::ViewUse]>> {
        self.catalog.views_over(object_id)
    }
    fn table_by_id(&self, object_id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        self.catalog.table_by_id(object_id)
    }
    fn rules(&self, object_id: i32) -> SqlResult<Arc<TableRules>> {
        self.catalog.rules(object_id)
    }
}

/// A listed database for `sys.databases`, whatever its state.
pub fn database_info(entry: &DatabaseEntry, fallback: CollationId, instance: &Instance) -> DatabaseInfo {
    let locks = &instance.locks;
    let keeping = locks.versions.keeping(entry.id);
    let state = entry.state();
    let properties = match &state {
        DatabaseState::Online(d) => d.properties(),
        _ => Default::default(),
    };
    let online = state.number() == 0;
    let files = if properties.files.is_empty() {
        entry
            .files
            .read()
            .iter()
            .map(|f| FileInfo {
                file_id: i32::from(f.file_id),
                kind: u8::from(f.is_log),
                data_space_id: i32::from(!f.is_log),
                logical_name: f.logical_name.as_str().into(),
                physical_name: f.path.display().to_string().into(),
                size: 0,
                max_size: -1,
                growth: 0,
                percent_growth: false,
                guid: None,
            })
            .collect()
    } else {
        properties
            .files
            .iter()
            .map(|f| FileInfo {
                file_id: f.file_id,
                kind: u8::from(f.is_log),
                data_space_id: f.filegroup_id,
                logical_name: f.logical_name.as_str().into(),
                physical_name: f.path.display().to_string().into(),
                size: f.size,
                max_size: f.max_size,
                growth: f.growth,
                percent_growth: f.percent_growth,
                guid: f.guid,
            })
            .collect()
    };
    DatabaseInfo {
        id: entry.id,
        name: Arc::clone(&entry.name),
        state: state.number(),
        created: properties.created,
        compatibility_level: properties.compatibility_level,
        collation: if online { properties.collation } else { fallback },
        recovery_model: if online { properties.recovery_model } else { 1 },
        read_only: properties.read_only,
        version: properties.version,
        page_verify: properties.page_verify,
        owner_sid: properties.owner_sid.into(),
        identity: properties.identity,
        allow_snapshot_isolation: keeping.snapshot,
        read_committed_snapshot: keeping.read_committed,
        options: Arc::new(instance.database_options(entry.id)),
        files,
    }
}

impl ViewSource for HostDatabase {
    fn database(&self) -> DatabaseInfo {
        let host = self.host.upgrade();
        let entry = host.as_ref().and_then(|h| h.instance.find_id(self.id).map(|e| (h, e)));
        let fallback = self.catalog.default_collation();
        match entry {
            Some((h, e)) => database_info(&e, fallback, &h.instance),
            // Dropped while a statement still reads it.
            None => DatabaseInfo {
                id: self.id,
                name: Arc::clone(&self.name),
                state: 6,
                created: DateTime::default(),
                compatibility_level: self.catalog.compatibility_level(),
                collation: fallback,
                recovery_model: 3,
                read_only: false,
                version: 0,
                page_verify: 0,
                owner_sid: Arc::from([]),
                identity: None,
                allow_snapshot_isolation: false,
                read_committed_snapshot: false,
                options: Arc::default(),
                files: Vec::new(),
            },
        }
    }

    fn master(&self) -> Option<Arc<dyn ViewSource>> {
        let master = self.host.upgrade()?.database_by_id(holdfast_engine::instance::MASTER)?;
        master.online.stored()?;
        Some(master)
    }

    fn reserved_pages(&self, file: i32) -> Option<i64> {
        let catalog = self.online.stored()?;
        let (source, file) = (catalog.source(), u16::try_from(file).ok()?);
        let free = holdfast_format::allocation::free_extents(&**source, file).ok()?;
        let size = i64::from(source.page_count(file));
        Some((size - i64::from(free) * i64::from(holdfast_format::allocation::EXTENT_PAGES)).max(0))
    }

    fn log_use(&self) -> Option<holdfast_engine::write::writing::LogUse> {
        self.online.stored()?.writing().map(|w| w.log_use())
    }

    fn committed(&self, owner: LockOwner) -> Option<Arc<dyn ViewSource>> {
        let catalog = self.online.stored()?;
        let writing = catalog.writing()?;
        // What was built of an older snapshot may hold what has been rolled back since.
        let nobody = writing.locks.defining.load(Ordering::SeqCst) == 0 && self.is_present();
        let own = || self.is_present() && !writing.definitions.images.are_of_others(owner);
        if self.seen_by.is_some() || nobody || own() {
            return None;
        }
        Some(Arc::new_cyclic(|this| HostDatabase {
            host: self.host.clone(),
            id: self.id,
            name: Arc::clone(&self.name),
            online: Arc::clone(&self.online),
            generation: self.generation,
            temporary: self.temporary,
            catalog: Arc::clone(&self.catalog),
            seen_by: Some(owner),
            model: OnceLock::new(),
            security: OnceLock::new(),
            this: this.clone(),
            _counted: Counted::one(),
        }))
    }

    fn definers(&self) -> (usize, u64) {
        let count =
            |l: Arc<LockManager>| (l.defining.load(Ordering::SeqCst), l.defined.load(Ordering::SeqCst));
        self.locks().map_or((0, 0), count)
    }

    fn base_rows(&self, table: &str) -> SqlResult<Arc<BaseRows>> {
        let (columns, rows) = match self.seen_by {
            Some(owner) => self.committed_rows(table, owner)?,
            None => self.online.base_table(table)?,
        };
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut rows = BaseRows::new(&names, rows);
        if self.id == TEMPDB
            && let Some(host) = self.host.upgrade()
            && let Some(of_temporary_tables) = host.temporary.base_rows(table)
        {
            rows.append(of_temporary_tables);
        }
        Ok(Arc::new(rows))
    }

    fn sequence_state(
        &self,
        object_id: i32,
    ) -> Option<(holdfast_engine::write::sequence::SequenceSpec, Option<i128>)> {
        self.online.stored()?.sequence_state(object_id).ok()
    }

    fn model(&self) -> SqlResult<Arc<CatalogModel>> {
        if let Some(known) = self.model.get() {
            return Ok(Arc::clone(known));
        }
        let rows = |t: &str| self.base_rows(t);
        let (id, names, collation) = (self.id, self.names(), self.catalog.default_collation());
        let computed = |objects: &mut Vec<_>, columns: &mut Vec<_>| {
            system_view::shipped::add(id, names, collation, objects, columns);
        };
        let built = Arc::new(CatalogModel::build(names, &rows, self.online.family(), &computed)?);
        Ok(Arc::clone(self.model.get_or_init(|| built)))
    }

    fn databases(&self) -> Vec<DatabaseInfo> {
        let Some(host) = self.host.upgrade() else { return Vec::new() };
        let fallback = host.instance.options.collation;
        host.instance.databases().iter().map(|e| database_info(e, fallback, &host.instance)).collect()
    }
    fn moved_files(&self, database: i32) -> std::collections::BTreeMap<u16, std::path::PathBuf> {
        self.host.upgrade().map(|h| h.instance.moved_files(database)).unwrap_or_default()
    }
    fn sessions(&self) -> Vec<SessionRow> {
        self.host.upgrade().map_or_else(Vec::new, |h| h.sessions.rows(h.now()))
    }
    fn locks(&self) -> Option<Arc<LockManager>> {
        self.host.upgrade().map(|h| Arc::clone(&h.instance.locks))
    }
    fn principals(&self) -> Arc<Principals> {
        self.host.upgrade().map_or_else(Arc::default, |h| h.logins.read())
    }
    fn settings(&self) -> Arc<ServerSettings> {
        self.host.upgrade().map_or_else(Arc::default, |h| h.settings.read())
    }
    fn counts(&self) -> ServerCounts {
        self.host.upgrade().map_or_else(ServerCounts::default, |h| h.sessions.counts())
    }
    fn configured(&self, option: i32) -> (i32, i32) {
        let values = |h: Arc<Host>| (h.settings.read().configured(option), h.settings.in_use(option));
        self.host.upgrade().map_or((0, 0), values)
    }
    fn reader(&self, session: u16) -> Option<Reader> {
        let session = self.host.upgrade()?.sessions.find(session)?;
        Some(Reader::new(session, self.this.upgrade()?))
    }
    fn server_name(&self) -> Arc<str> {
        self.host.upgrade().map_or_else(|| "".into(), |h| h.instance.options.server_name.as_str().into())
    }
    fn product_version(&self) -> Arc<str> {
        self.host.upgrade().map_or_else(|| "".into(), |h| h.instance.options.version_text().into())
    }
    fn listeners(&self) -> Vec<(std::net::SocketAddr, DateTime)> {
        self.host.upgrade().map_or_else(Vec::new, |h| h.listeners.lock().clone())
    }
    fn started(&self) -> DateTime {
        self.host.upgrade().map_or_else(DateTime::default, |h| h.started())
    }
    fn now(&self) -> DateTime {
        self.host.upgrade().map_or_else(DateTime::default, |h| h.now())
    }
    fn server_property(&self, name: &str) -> Option<Value> {
        super::properties::server_property(&*self.host.upgrade()?, name).map(|p| p.1)
    }
    fn collation_name(&self, id: CollationId) -> Arc<str> {
        id.name().unwrap_or_default().into()
    }
}
