//! What a session remembers between statements, and what functions may ask of it.
//!
//! Invariants
//! 1. The lock around [`State`] is never held while a plan runs or a sink is written to.
//! 2. `settings.options` is the one place of the ON/OFF options: the flags of @@OPTIONS.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use holdfast_engine::access::{ReadContext, ReadLevel};
use holdfast_engine::ddl::CatalogWriter;
use holdfast_engine::instance::DatabaseEntry;
use holdfast_engine::lock::manager::Table;
use holdfast_engine::lock::{Duration as LockDuration, LockMode, LockOwner, LockWait};
use holdfast_engine::stored::counting::StatementReads;
use holdfast_engine::transaction::{Savepoint, Transaction as OpenTransaction, new_owner};
use holdfast_engine::version::Snapshot;
use holdfast_engine::write::WriteContext;
use holdfast_engine::write::sequence::{Given, SequenceSpec};
use holdfast_tsql::ast::IsolationLevel;
use holdfast_types::datetime::Language;
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use super::change::{BulkTarget, TriggerTables, ViewPlan};
use super::memory_table::note_undo;
use super::prepared::FIRST_HANDLE;
use super::raise::MessageText;
use super::showplan::ShowPlan;
use super::user_message::message_language;
use crate::context::{CaughtError, ColumnInfo, ObjectInfo, RandState, SessionInfo, SessionSettings};
use crate::host::server_settings::US_ENGLISH;
use crate::host::temporary::{SessionTables, TEMPDB};
use crate::host::{Host, HostDatabase, configuration, properties};
use crate::security::store::Principals;
use crate::security::{Securable, SecurityContexts};
use crate::session::{CancelFlag, LoginInfo, StatementText};
use crate::system_view::ViewSource;
use crate::system_view::model::Object;

/// Bits of @@OPTIONS.
pub mod option {
    pub const IMPLICIT_TRANSACTIONS: i32 = 2;
    pub const CURSOR_CLOSE_ON_COMMIT: i32 = 4;
    pub const ANSI_WARNINGS: i32 = 8;
    pub const ANSI_PADDING: i32 = 16;
    pub const ANSI_NULLS: i32 = 32;
    pub const ARITHABORT: i32 = 64;
    pub const ARITHIGNORE: i32 = 128;
    pub const QUOTED_IDENTIFIER: i32 = 256;
    pub const NOCOUNT: i32 = 512;
    pub const ANSI_NULL_DFLT_ON: i32 = 1024;
    pub const ANSI_NULL_DFLT_OFF: i32 = 2048;
    pub const CONCAT_NULL_YIELDS_NULL: i32 = 4096;
    pub const NUMERIC_ROUNDABORT: i32 = 8192;
    pub const XACT_ABORT: i32 = 16384;
}

/// The changing part of a session.
#[derive(Clone)]
pub struct State {
    pub settings: SessionSettings,
    pub database: Arc<HostDatabase>,
    /// Another database that names without a database mean, while a procedure of master runs in this one.
    pub names: Option<Arc<HostDatabase>>,
    pub row_count: i64,
    pub error: i32,
    /// The last error that a check of the database has told of in the statement that runs: it does not fail, but @@ERROR has it.
    pub found: i32,
    pub transaction: Transaction,
    /// Errors of the CATCH blocks being run, innermost last.
    pub caught: Vec<CaughtError>,
    pub nest_level: i32,
    /// Object ids of the procedures being run, innermost last.
    pub procedures: Vec<i32>,
    /// SET ROWCOUNT; 0 = no limit.
    pub row_limit: u64,
    pub isolation: IsolationLevel,
    /// SET DEADLOCK_PRIORITY, -10 to 10.
    pub deadlock_priority: i8,
    pub no_exec: bool,
    pub parse_only: bool,
    pub fmt_only: bool,
    pub opened_cursors: super::cursor::OpenedCursors,
    /// NO_BROWSETABLE.
    pub browse: bool,
    /// SET SHOWPLAN_TEXT, ALL or XML.
    pub show_plan: Option<ShowPlan>,
    /// SET STATISTICS.
    pub statistics: Statistics,
    pub context_info: Value,
    pub session_context: HashMap<String, (Value, bool)>,
    /// Documents of sp_xml_preparedocument by handle, and the last handle given.
    pub xml_documents: (HashMap<i32, Arc<crate::function::openxml::PreparedXml>>, i32),
    /// Statements that batches have prepared by handle, and the last handle given.
    pub prepared: (HashMap<i32, StatementText>, i32),
    pub fetch_status: i32,
    /// Of the cursor opened last: rows, -1 when it is dynamic, 0 when none is open.
    pub cursor_rows: i32,
    /// @@IDENTITY and SCOPE_IDENTITY().
    pub identity: Value,
    pub scope_identity: Value,
    /// The table of SET IDENTITY_INSERT ON: database and object id, and name.
    pub identity_insert: Option<(i32, i32, String)>,
    /// Triggers being run, innermost last.
    pub triggers: Vec<RunningTrigger>,
    /// What the next bulk load message goes to.
    pub bulk: Option<BulkTarget>,
}

/// What the session wants to be told about its statements.
#[derive(Clone, Default)]
pub struct Statistics {
    pub io: bool,
    pub time: bool,
    /// PROFILE and XML: plans with the rows that they gave.
    pub show_rows: bool,
    pub show_xml: bool,
    /// Counts the rows of the statement being run.
    pub profile: Option<Arc<crate::operator::profile::Profile>>,
    /// Counts the reads of the statement being run.
    pub reads: Option<Arc<StatementReads>>,
}

/// The session's transaction.
#[derive(Clone, Default)]
pub struct Transaction {
    /// @@TRANCOUNT.
    pub count: i32,
    pub doomed: bool,
    /// One statement's own: it ends with the statement.
    pub autocommit: bool,
    /// Name of the outermost BEGIN TRANSACTION.
    pub name: Option<String>,
    pub savepoints: Vec<(String, Savepoint)>,
    /// What ENVCHANGE tells the client.
    pub descriptor: u64,
    /// What its statements change and lock; there exactly while `count` is above 0.
    pub open: Option<Arc<OpenTransaction>>,
    /// What a transaction at level SNAPSHOT sees, from its first statement on.
    pub snapshot: Option<Snapshot>,
    /// Whether it used its first table as a snapshot: one that did not cannot become one any more.
    pub began_as_snapshot: Option<bool>,
}

/// A trigger being run.
#[derive(Clone)]
pub struct RunningTrigger {
    pub object_id: i32,
    /// COLUMNS_UPDATED().
    pub columns: Arc<[u8]>,
    /// EVENTDATA().
    pub event: Option<Arc<str>>,
    /// No trigger, but what carries out a statement on a partitioned view.
    pub stand_in: bool,
}

/// A session as everything below it sees it.
pub struct SharedSession {
    pub host: Arc<Host>,
    pub id: u16,
    pub login: LoginInfo,
    pub cancel: CancelFlag,
    /// Holds what outlives transactions: application locks of the session.
    pub owner: LockOwner,
    /// KILL: nothing more is run.
    killed: AtomicBool,
    /// Ends the connection of a session that is killed.
    wake: Mutex<Option<crate::session::Wake>>,
    pub state: Mutex<State>,
    pub temporary: Arc<SessionTables>,
    /// Names in tempdb of the temporary procedures that the session has made.
    pub temporary_procedures: Mutex<Vec<String>>,
    /// `inserted` and `deleted` of triggers, kept for the next time.
    pub trigger_tables: Mutex<TriggerTables>,
    /// Queries of indexed views over the rows of a change, by the address of the table's definition and the view.
    pub view_plans: Mutex<HashMap<(usize, i32, i32), ViewPlan>>,
    /// Who the session is.
    pub security: SecurityContexts,
    random: Mutex<RandState>,
}

impl SharedSession {
    pub fn new(
        host: Arc<Host>,
        id: u16,
        login: LoginInfo,
        database: Arc<HostDatabase>,
        cancel: CancelFlag,
    ) -> SqlResult<Self> {
        let security = SecurityContexts::new(Arc::clone(&host.logins), &login.login)?;
        let user_options = host.settings.in_use(configuration::USER_OPTIONS);
        let state = Mutex::new(State::new(database, user_options));
        let owner = new_owner();
        host.instance.locks.enter(owner, id, owner);
        // Two sessions that never give RAND a seed draw different numbers.
        let now = host.clock.now_utc().as_nanos() as i64;
        let random = Mutex::new(RandState::seeded(now ^ i64::from(id) << 20));
        let temporary = SessionTables::new(Arc::clone(&host.temporary), id, Arc::clone(&host.clock));
        Ok(SharedSession {
            temporary,
            temporary_procedures: Mutex::default(),
            host,
            id,
            login,
            cancel,
            owner,
            killed: AtomicBool::new(false),
            wake: Mutex::default(),
            state,
            trigger_tables: Mutex::default(),
            view_plans: Mutex::default(),
            security,
            random,
        })
    }

    /// KILL: ends what runs. When nothing runs, [`SharedSession::abandon_transaction`] is left to the caller.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        self.cancel.cancel();
    }

    pub fn on_kill(&self, wake: crate::session::Wake) {
        *self.wake.lock() = Some(wake);
    }

    /// Ends the connection of a session that was killed: what the session holds goes with it. When a request runs its client is told
    /// first, unless it does not listen.
    pub fn end_connection(&self, running: bool) {
        if let Some(wake) = &*self.wake.lock() {
            wake(running);
        }
    }

    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }

    /// Rolls back what is open, when nobody is left to be told.
    pub fn abandon_transaction(&self) {
        // Dropping rolls back. A failed rollback has made its database refuse further work.
        let open = std::mem::take(&mut self.state.lock().transaction);
        drop(open);
    }

    /// A transaction of this session: the one that BEGIN TRANSACTION opens, or that of one statement. It lets go of its locks
    /// when it ends, also when it is dropped.
    pub fn new_transaction(&self) -> Arc<OpenTransaction> {
        let owner = new_owner();
        let locks = &self.host.instance.locks;
        locks.enter(owner, self.id, self.owner);
        Arc::new(OpenTransaction::with_locks(owner, Arc::clone(locks)))
    }

    /// The open transaction, if there is one.
    pub fn open_transaction(&self) -> Option<Arc<OpenTransaction>> {
        self.state.lock().transaction.open.clone()
    }

    /// Changes logins, server roles or permissions at the server; a rollback of the session's transaction takes that back.
    pub fn change_principals<T>(&self, f: impl FnOnce(&mut Principals) -> SqlResult<T>) -> SqlResult<T> {
        let (out, (before, after)) = self.host.logins.change_knowing(f)?;
        let Some(work) = self.open_transaction() else { return Ok(out) };
        let store = Arc::clone(&self.host.logins);
        let back = move || {
            let _ = store.change(|now| {
                now.take_back(&before, &after);
                Ok(())
            });
        };
        note_undo(&work, Box::new(back))?;
        Ok(out)
    }

    /// How this session waits for locks now.
    pub fn lock_wait(&self) -> LockWait {
        let state = self.state.lock();
        let timeout = u64::try_from(state.settings.lock_timeout_ms).ok().map(Duration::from_millis);
        LockWait { timeout, priority: state.deadlock_priority, cancel: Some(self.cancel.shared()) }
    }

    pub fn has(&self, flag: i32) -> bool {
        self.state.lock().settings.options & flag != 0
    }

    /// Whether it is this server's own name (@@SERVERNAME).
    pub fn is_own_server(&self, name: &str) -> bool {
        NameOrder::instance().same(&self.host.instance.options.server_name, name)
    }

    pub fn current_database(&self) -> Arc<HostDatabase> {
        Arc::clone(&self.state.lock().database)
    }

    /// Where names without a database are looked for: the current database, but in a procedure of master that was called from
    /// another one (see [`super::names`]).
    pub fn names_database(&self) -> Arc<HostDatabase> {
        let state = self.state.lock();
        Arc::clone(state.names.as_ref().unwrap_or(&state.database))
    }

    /// Takes the present catalog of the databases where names are looked for.
    pub fn look_again(&self) {
        let current = self.current_database();
        if let Some(now) = self.host.database_by_id(current.id)
            && !Arc::ptr_eq(&now, &current)
        {
            self.state.lock().database = now;
        }
        let names = self.state.lock().names.clone();
        if let Some(names) = names
            && let Some(now) = self.host.database_by_id(names.id)
        {
            self.state.lock().names = Some(now);
        }
    }

    /// Whether the catalog in which names are looked up is the present one.
    pub fn has_present(&self) -> bool {
        self.state.lock().has_present()
    }

    /// The same where it has changed.
    pub fn take_present(&self) {
        if !self.has_present() {
            self.look_again();
        }
    }

    /// The owner of the open transaction when names may mean something else to it than to others.
    pub fn definer(&self) -> Option<LockOwner> {
        let state = self.state.lock();
        state.transaction.open.as_ref().filter(|t| t.has_defined()).map(|t| t.owner())
    }

    /// Where names without a schema are looked for first.
    pub fn default_schema(&self) -> Arc<str> {
        static DBO: LazyLock<Arc<str>> = LazyLock::new(|| "dbo".into());
        if self.security.is_unrestricted() {
            return Arc::clone(&DBO);
        }
        match self.user_token(&self.current_database()) {
            Ok(token) => Arc::clone(&token.default_schema),
            Err(_) => Arc::clone(&DBO),
        }
    }

    /// Whether an object's metadata may be shown.
    pub(super) fn sees(&self, database: &Arc<HostDatabase>, object: i32) -> bool {
        if self.security.is_unrestricted() {
            return true;
        }
        let Ok(token) = self.user_token(database) else { return false };
        token.is_dbo || database.security().is_ok_and(|m| m.sees(&token, object))
    }

    /// Notes that the session's transaction uses tables.
    ///
    /// # Errors
    /// 3951 under SNAPSHOT when it has begun under another level.
    pub fn note_use(&self) -> SqlResult<()> {
        let mut state = self.state.lock();
        if state.transaction.open.is_none() {
            return Ok(());
        }
        let snapshot = state.isolation == IsolationLevel::Snapshot;
        let began = *state.transaction.began_as_snapshot.get_or_insert(snapshot);
        if snapshot && !began {
            return Err(SqlError::new(3951, &[&state.database.name]));
        }
        Ok(())
    }

    /// How statements that begin now read. Outside a transaction the owner is 0: the statement finds its own when it needs one.
    pub fn read_context(&self) -> ReadContext {
        let wait = self.lock_wait();
        let mut state = self.state.lock();
        let versions = &self.host.instance.locks.versions;
        let snapshot = match state.isolation {
            IsolationLevel::Snapshot if state.transaction.open.is_some() => {
                let kept = state.transaction.snapshot.get_or_insert_with(|| versions.snapshot());
                Some(kept.clone())
            }
            IsolationLevel::Snapshot => Some(versions.snapshot()),
            IsolationLevel::ReadCommitted if versions.serves_read_committed() => Some(versions.snapshot()),
            _ => None,
        };
        let owner = state.transaction.open.as_ref().map_or(LockOwner(0), |w| w.owner());
        let level = match state.isolation {
            IsolationLevel::ReadUncommitted => ReadLevel::Uncommitted,
            IsolationLevel::ReadCommitted => ReadLevel::Committed,
            IsolationLevel::RepeatableRead => ReadLevel::Repeatable,
            IsolationLevel::Snapshot => ReadLevel::Snapshot,
            IsolationLevel::Serializable => ReadLevel::Serializable,
        };
        let reads = state.statistics.reads.clone();
        ReadContext { owner, level, wait, snapshot, session: self.id, reads, ..ReadContext::default() }
    }

    /// Gives values of a sequence, in the session's transaction when that has changed it; waits while another's has.
    pub fn give_sequence_values(&self, database_id: i32, object_id: i32, count: i128) -> SqlResult<Given> {
        let database = self.host.database_by_id(database_id);
        let catalog = database.and_then(|d| d.online().stored());
        let catalog = catalog.ok_or_else(|| SqlError::not_supported("A sequence of a system database"))?;
        let changed = catalog.writing().and_then(|w| w.sequences.changed_by(object_id).map(|o| (w, o)));
        let Some((writing, owner)) = changed else {
            return catalog.give_sequence_values(object_id, count, None);
        };
        let wait = self.lock_wait();
        if let Some(work) = self.open_transaction().filter(|t| t.owner() == owner) {
            let now = self.host.now();
            let through = |spec: &SequenceSpec, last: i128| {
                let write = WriteContext { transaction: &work, wait: &wait };
                CatalogWriter::new(Arc::clone(&catalog), write, now).set_sequence_value(object_id, spec, last)
            };
            return catalog.give_sequence_values(object_id, count, Some(&through));
        }
        let resource = Table { database: database_id, object: object_id }.resource();
        let own = new_owner();
        let locks = &self.host.instance.locks;
        let waited = locks.acquire(own, &resource, LockMode::SchS, LockDuration::Transaction, &wait);
        locks.release_all(own);
        waited?;
        writing.sequences.settled(object_id);
        catalog.give_sequence_values(object_id, count, None)
    }

    fn object_of(&self, database: &HostDatabase, o: &Object) -> Option<ObjectInfo> {
        let model = database.model().ok()?;
        Some(ObjectInfo {
            database_id: database.id,
            object_id: o.id,
            schema_id: o.schema_id,
            schema_name: model.schema_name(o.schema_id),
            name: Arc::clone(&o.name),
            object_type: Arc::clone(&o.kind),
            parent_object_id: o.parent_id,
            is_ms_shipped: o.system,
            definition: None,
        })
    }
}

impl State {
    /// Takes a language with its days and dates; answers the name of the one before.
    pub fn speak(&mut self, language: Language) -> Arc<str> {
        self.settings.conversion_language = language;
        self.settings.date_first = language.0.date_first;
        self.settings.date_format = language.0.date_order;
        std::mem::replace(&mut self.settings.language, Arc::from(language.0.name))
    }

    /// `options`: bits of @@OPTIONS that 'user options' turns on for everybody.
    pub fn new(database: Arc<HostDatabase>, options: i32) -> Self {
        let mut state = State {
            settings: SessionSettings::default(),
            database,
            names: None,
            row_count: 0,
            error: 0,
            found: 0,
            transaction: Transaction::default(),
            caught: Vec::new(),
            nest_level: 0,
            procedures: Vec::new(),
            row_limit: 0,
            isolation: IsolationLevel::ReadCommitted,
            deadlock_priority: 0,
            no_exec: false,
            parse_only: false,
            fmt_only: false,
            opened_cursors: Default::default(),
            browse: false,
            show_plan: None,
            statistics: Statistics::default(),
            context_info: Value::Null,
            session_context: HashMap::new(),
            xml_documents: (HashMap::new(), -1),
            prepared: (HashMap::new(), FIRST_HANDLE),
            fetch_status: 0,
            cursor_rows: 0,
            identity: Value::Null,
            scope_identity: Value::Null,
            identity_insert: None,
            triggers: Vec::new(),
            bulk: None,
        };
        state.set_option(options, true);
        state
    }

    /// Whether the catalogs in which names are looked up are the present ones.
    pub fn has_present(&self) -> bool {
        self.database.is_present() && self.names.as_ref().is_none_or(|n| n.is_present())
    }

    /// Sets or clears a bit of @@OPTIONS and what follows from it.
    pub fn set_option(&mut self, flag: i32, on: bool) {
        let s = &mut self.settings;
        if on {
            s.options |= flag;
        } else {
            s.options &= !flag;
        }
        s.ansi_nulls = s.options & option::ANSI_NULLS != 0;
        s.ansi_warnings = s.options & option::ANSI_WARNINGS != 0;
        s.arith_abort = s.options & option::ARITHABORT != 0;
        s.concat_null_yields_null = s.options & option::CONCAT_NULL_YIELDS_NULL != 0;
    }
}

impl SessionInfo for SharedSession {
    fn rand(&self, seed: Option<i64>) -> f64 {
        let mut random = self.random.lock();
        if let Some(seed) = seed {
            *random = RandState::seeded(seed);
        }
        random.next_number()
    }
    fn settings(&self) -> SessionSettings {
        self.state.lock().settings.clone()
    }
    fn session_id(&self) -> u16 {
        self.id
    }
    fn login_name(&self) -> Arc<str> {
        self.security.login_name()
    }
    fn original_login(&self) -> Arc<str> {
        self.security.original_name()
    }
    fn default_schema(&self) -> Arc<str> {
        SharedSession::default_schema(self)
    }
    fn user_name(&self) -> Arc<str> {
        crate::security::functions::current_user(self).1
    }
    fn host_name(&self) -> Arc<str> {
        self.login.host_name.as_str().into()
    }
    fn application_name(&self) -> Arc<str> {
        self.login.application.as_str().into()
    }
    fn database(&self) -> (i32, Arc<str>) {
        let d = self.current_database();
        (d.id, Arc::clone(&d.name))
    }
    fn default_collation(&self) -> CollationId {
        use holdfast_engine::catalog::Catalog;
        self.current_database().default_collation()
    }
    fn version_text(&self) -> Arc<str> {
        properties::version_text(&self.host)
    }
    fn server_name(&self) -> Arc<str> {
        self.host.instance.options.server_name.as_str().into()
    }
    fn row_count(&self) -> i64 {
        self.state.lock().row_count
    }
    fn last_error(&self) -> i32 {
        self.state.lock().error
    }
    fn transaction_count(&self) -> i32 {
        self.state.lock().transaction.count
    }
    fn transaction_state(&self) -> i16 {
        let t = &self.state.lock().transaction;
        match (t.count, t.doomed) {
            (0, _) => 0,
            (_, true) => -1,
            _ => 1,
        }
    }
    fn nest_level(&self) -> i32 {
        self.state.lock().nest_level
    }
    fn fetch_status(&self) -> i32 {
        self.state.lock().fetch_status
    }
    fn procedure_id(&self) -> i32 {
        self.state.lock().procedures.last().copied().unwrap_or(0)
    }
    fn identity(&self, scope_only: bool) -> Value {
        let state = self.state.lock();
        if scope_only { state.scope_identity.clone() } else { state.identity.clone() }
    }
    fn next_sequence_value(&self, database_id: i32, object_id: i32) -> SqlResult<Value> {
        let given = self.give_sequence_values(database_id, object_id, 1)?;
        super::identity::value_of(given.first, &given.spec.ty)
    }
    fn trigger_columns(&self) -> Option<Arc<[u8]>> {
        self.state.lock().triggers.last().map(|t| Arc::clone(&t.columns))
    }
    fn event_data(&self) -> Option<Arc<str>> {
        self.state.lock().triggers.last().and_then(|t| t.event.clone())
    }
    fn trigger_nest_level(&self, object_id: Option<i32>) -> i32 {
        let state = self.state.lock();
        let counts = |t: &&RunningTrigger| !t.stand_in && object_id.is_none_or(|id| id == t.object_id);
        state.triggers.iter().filter(counts).count() as i32
    }
    fn caught_error(&self) -> Option<CaughtError> {
        self.state.lock().caught.last().cloned()
    }
    fn message(&self, number: i32) -> Option<MessageText> {
        let settings = self.host.settings.read();
        if let Some(own) = MessageText::own(number) {
            return Some(MessageText { logged: settings.is_logged(number, own.severity), ..own });
        }
        let language = message_language(self.state.lock().settings.conversion_language);
        let english = settings.message(number, US_ENGLISH)?;
        let localized = settings.message(number, language).filter(|_| language != US_ENGLISH);
        Some(MessageText {
            severity: english.severity,
            logged: english.logged,
            text: english.text.clone(),
            localized: localized.map(|m| m.text.clone()),
        })
    }
    fn xml_document(&self, handle: i32) -> Option<Arc<crate::function::openxml::PreparedXml>> {
        self.state.lock().xml_documents.0.get(&handle).cloned()
    }
    fn session_context(&self, key: &str) -> Value {
        self.state.lock().session_context.get(&key.to_lowercase()).map_or(Value::Null, |(v, _)| v.clone())
    }
    fn context_info(&self) -> Value {
        self.state.lock().context_info.clone()
    }
    fn names(&self, database_id: i32) -> NameOrder {
        use holdfast_engine::catalog::Catalog;
        self.host.database_by_id(database_id).map_or_else(NameOrder::instance, |d| d.names())
    }
    fn database_id(&self, name: &str) -> Option<i32> {
        self.host.instance.find(name).map(|d: Arc<DatabaseEntry>| d.id)
    }
    fn database_name(&self, id: i32) -> Option<Arc<str>> {
        self.host.instance.find_id(id).map(|d| Arc::clone(&d.name))
    }
    fn object(&self, database_id: i32, schema: &str, name: &str) -> SqlResult<Option<ObjectInfo>> {
        let of_id = || self.host.database_by_id(database_id);
        if database_id == TEMPDB && name.starts_with('#') {
            let id = match self.temporary.get(&name.to_lowercase()) {
                Some(table) => Some(table.definition.object_id),
                None => self.temporary_procedure(name).map(|p| p.object_id),
            };
            let (Some(id), Some(database)) = (id, of_id()) else { return Ok(None) };
            let found = database.find_object_id(id).ok().flatten();
            return Ok(found.and_then(|o| self.object_of(&database, &o)));
        }
        let home = SharedSession::default_schema(self);
        let found = self.settled(|watch| {
            let database = of_id()?;
            if let Some(stored) = database.online().stored().filter(|_| watch.is_needed()) {
                let first = if schema.is_empty() { &home } else { schema };
                watch.see(&stored, stored.object_named(first, name));
                if schema.is_empty() {
                    watch.see(&stored, stored.object_named("", name));
                }
            }
            let mut o = database.find_object(schema, name, &home).ok()?;
            if o.is_none() {
                o = database.find_shipped(schema, name).ok()?;
            }
            Some((database, o?))
        })?;
        let Some((database, o)) = found else { return Ok(None) };
        // A database may list procedures that are not here.
        if o.system && o.is_procedure() && !super::system::is_there(&o.name) {
            return Ok(None);
        }
        if !self.sees(&database, o.id) {
            return Ok(None);
        }
        Ok(self.object_of(&database, &o))
    }
    fn object_by_id(&self, database_id: i32, object_id: i32) -> Option<ObjectInfo> {
        let database = self.host.database_by_id(database_id)?;
        let o = database.find_object_id(object_id).ok()??;
        if !self.sees(&database, o.id) {
            return None;
        }
        let mut info = self.object_of(&database, &o)?;
        use holdfast_engine::catalog::{Catalog, ObjectDef};
        info.definition = match database.object(&info.schema_name, &info.name) {
            Some(
                ObjectDef::View(m)
                | ObjectDef::InlineFunction(m)
                | ObjectDef::ScalarFunction(m)
                | ObjectDef::TableFunction(m)
                | ObjectDef::Procedure(m),
            ) if self.may(&database, Securable::Object(object_id), "VW").unwrap_or(false) => {
                (!m.encrypted).then(|| Arc::clone(&m.text))
            }
            None if self.may(&database, Securable::Object(object_id), "VW").unwrap_or(false) => {
                database.model().ok()?.text(object_id)
            }
            _ => None,
        };
        Some(info)
    }
    fn object_property(&self, object: &ObjectInfo, property: &str) -> Option<Value> {
        let database = self.host.database_by_id(object.database_id)?;
        let o = database.find_object_id(object.object_id).ok()??;
        database.object_property(&o, property).ok()?
    }
    fn columns(&self, database_id: i32, object_id: i32) -> Vec<ColumnInfo> {
        let Some(database) = self.host.database_by_id(database_id) else { return Vec::new() };
        if !self.sees(&database, object_id) {
            return Vec::new();
        }
        let rows = database.object_columns(object_id).unwrap_or_default();
        rows.iter().map(super::metadata::column_info).collect()
    }
    fn user_type_id(&self, schema: &str, name: &str) -> Option<i32> {
        let catalog = self.current_database().online().stored()?;
        let schema = Some(schema).filter(|s| !s.is_empty());
        catalog.type_named(schema, name).map(|t| t.0)
    }
    fn user_type_name(&self, id: i32) -> Option<Arc<str>> {
        self.current_database().model().ok()?.types.iter().find(|t| t.id == id).map(|t| Arc::clone(&t.name))
    }
    fn schema_id(&self, name: &str) -> Option<i32> {
        self.current_database().model().ok()?.schema_id(name)
    }
    fn schema_name(&self, id: i32) -> Option<Arc<str>> {
        let name = self.current_database().model().ok()?.schema_name(id);
        (!name.is_empty()).then_some(name)
    }
    fn principal_id(&self, name: &str) -> Option<i32> {
        self.current_database().principal_id(name).ok()?
    }
    fn principal_name(&self, id: i32) -> Option<Arc<str>> {
        self.current_database().principal_name(id).ok()?
    }
    fn server_property(&self, name: &str) -> Option<(SqlType, Value)> {
        properties::server_property(&self.host, name)
    }
    fn database_property(&self, database_id: i32, name: &str) -> Option<(SqlType, Value)> {
        properties::database_property(&self.host, database_id, name)
    }
    fn other(&self, function: &str, args: &[Value]) -> SqlResult<Option<Value>> {
        super::metadata::other(self, function, args)
    }
    fn table_function(&self, name: &str, args: &[Value]) -> Option<SqlResult<Vec<Vec<Value>>>> {
        super::metadata::table_function(self, name, args)
    }
}
