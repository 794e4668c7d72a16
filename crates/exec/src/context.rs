//! What one execution of a statement carries: session, parameter frame, memory budget, cancel flag.
//!
//! Invariants
//! 1. A [`QueryContext`] lives as long as one statement; the clock's value in it does not move.
//! 2. Frames form a chain: an inner plan sees the slots of the plans around it, the innermost first.
//! 3. Nothing here is changed while operators run, except the caches of subquery results, which are per frame.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use holdfast_engine::access::{BatchSource, ReadContext, ReadIntent, ReadLevel};
use holdfast_engine::catalog::{ModuleDef, TableDef};
use holdfast_engine::lock::{LockOwner, LockWait};
use holdfast_engine::transaction::Transaction;
use holdfast_plan::expr::ParamId;
use holdfast_plan::physical::ReadHints;
pub use holdfast_types::datetime::{DateOrder, Language};
use holdfast_types::{CollationId, DateTimeOffset, NameOrder, SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use crate::expression::memo::{Memo, ValueSet};
use crate::operator::placed::Place;
use crate::operator::spill::MemoryBudget;
use crate::operator::spool::Rows;
use crate::procedure::raise::MessageText;
use crate::session::CancelFlag;

/// SET options and other session state that expressions look at.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionSettings {
    /// 1 = Monday … 7 = Sunday (us_english default 7).
    pub date_first: u8,
    pub date_format: DateOrder,
    pub language: Arc<str>,
    /// The same for month names and the order of dates.
    pub conversion_language: Language,
    /// Of the current database.
    pub compatibility_level: u8,
    pub ansi_nulls: bool,
    pub ansi_warnings: bool,
    pub arith_abort: bool,
    pub concat_null_yields_null: bool,
    pub text_size: i32,
    pub lock_timeout_ms: i32,
    /// Bits of @@OPTIONS.
    pub options: i32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        SessionSettings {
            date_first: 7,
            date_format: DateOrder::Mdy,
            language: Arc::from("us_english"),
            conversion_language: Language::US_ENGLISH,
            compatibility_level: 150,
            ansi_nulls: true,
            ansi_warnings: true,
            arith_abort: true,
            concat_null_yields_null: true,
            text_size: 2_147_483_647,
            lock_timeout_ms: -1,
            options: 5496,
        }
    }
}

/// The error a CATCH block handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtError {
    pub number: i32,
    pub severity: u8,
    pub state: u8,
    pub line: u32,
    pub procedure: Option<Arc<str>>,
    pub message: Arc<str>,
}

/// An object as metadata functions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    pub database_id: i32,
    pub object_id: i32,
    pub schema_id: i32,
    pub schema_name: Arc<str>,
    pub name: Arc<str>,
    /// `sys.objects.type`: `U`, `V`, `P`, `FN`, `IF`, `TF`, `PK`, `F`, `D`, `C`, `S`, …
    pub object_type: Arc<str>,
    pub parent_object_id: i32,
    pub is_ms_shipped: bool,
    pub definition: Option<Arc<str>>,
}

/// A column as COL_LENGTH, COL_NAME and COLUMNPROPERTY need it.
#[derive(Clone, Debug)]
pub struct ColumnInfo {
    pub column_id: i32,
    pub name: Arc<str>,
    pub ty: SqlType,
    pub nullable: bool,
    pub identity: bool,
    pub computed: bool,
    pub sparse: bool,
    pub row_guid: bool,
    pub hidden: bool,
    /// 1 GENERATED ALWAYS AS ROW START, 2 AS ROW END, else 0.
    pub generated: i32,
}

/// What functions ask of the session, the server and the catalogs. Every method has an answer for "knows nothing".
/// The generator behind RAND: L'Ecuyer's two combined linear congruential generators. Verified by the values that the
/// documentation shows for RAND(100) and its two successors, and by the well-known ones of RAND(0), RAND(1) and RAND(2).
#[derive(Clone, Copy, Debug)]
pub struct RandState {
    first: i64,
    second: i64,
}

impl RandState {
    pub fn seeded(seed: i64) -> Self {
        let first = if seed == 0 { 12_345 } else { seed.rem_euclid(2_147_483_563).max(1) };
        RandState { first, second: 67_890 }
    }

    /// The next number, between 0 and 1.
    pub fn next_number(&mut self) -> f64 {
        self.first = self.first * 40_014 % 2_147_483_563;
        self.second = self.second * 40_692 % 2_147_483_399;
        let z = self.first - self.second;
        (if z < 1 { z + 2_147_483_562 } else { z }) as f64 * 4.656_613e-10
    }
}

pub trait SessionInfo: Send + Sync {
    /// RAND: the next number of the session, or the first one after a seed.
    fn rand(&self, seed: Option<i64>) -> f64 {
        RandState::seeded(seed.unwrap_or(1)).next_number()
    }
    fn settings(&self) -> SessionSettings {
        SessionSettings::default()
    }
    fn session_id(&self) -> u16 {
        0
    }
    fn login_name(&self) -> Arc<str> {
        Arc::from("sa")
    }
    fn original_login(&self) -> Arc<str> {
        self.login_name()
    }
    fn user_name(&self) -> Arc<str> {
        Arc::from("dbo")
    }
    fn host_name(&self) -> Arc<str> {
        Arc::from("")
    }
    fn application_name(&self) -> Arc<str> {
        Arc::from("")
    }
    fn database(&self) -> (i32, Arc<str>) {
        (1, Arc::from("master"))
    }
    fn default_schema(&self) -> Arc<str> {
        Arc::from("dbo")
    }
    fn default_collation(&self) -> CollationId {
        CollationId::SERVER_DEFAULT
    }
    /// @@VERSION.
    fn version_text(&self) -> Arc<str> {
        Arc::from("Holdfast")
    }
    fn server_name(&self) -> Arc<str> {
        Arc::from("holdfast")
    }
    fn row_count(&self) -> i64 {
        0
    }
    fn last_error(&self) -> i32 {
        0
    }
    fn transaction_count(&self) -> i32 {
        0
    }
    /// 1 committable, -1 doomed, 0 none.
    fn transaction_state(&self) -> i16 {
        0
    }
    fn nest_level(&self) -> i32 {
        0
    }
    fn fetch_status(&self) -> i32 {
        0
    }
    fn procedure_id(&self) -> i32 {
        0
    }
    fn identity(&self, scope_only: bool) -> Value {
        let _ = scope_only;
        Value::Null
    }
    /// The next value of a sequence, never given again.
    fn next_sequence_value(&self, database_id: i32, object_id: i32) -> SqlResult<Value> {
        let _ = (database_id, object_id);
        Err(SqlError::not_supported("A sequence here"))
    }
    /// COLUMNS_UPDATED() of the trigger being run.
    fn trigger_columns(&self) -> Option<Arc<[u8]>> {
        None
    }
    /// EVENTDATA() of the trigger being run, when that is one of the database.
    fn event_data(&self) -> Option<Arc<str>> {
        None
    }
    /// How many triggers are being run, or how many times this one is.
    fn trigger_nest_level(&self, object_id: Option<i32>) -> i32 {
        let _ = object_id;
        0
    }
    fn caught_error(&self) -> Option<CaughtError> {
        None
    }
    /// A message of sys.messages.
    fn message(&self, number: i32) -> Option<MessageText> {
        MessageText::own(number)
    }
    /// What sp_xml_preparedocument gave a handle for.
    fn xml_document(&self, handle: i32) -> Option<Arc<crate::function::openxml::PreparedXml>> {
        let _ = handle;
        None
    }
    fn session_context(&self, key: &str) -> Value {
        let _ = key;
        Value::Null
    }
    fn context_info(&self) -> Value {
        Value::Null
    }

    /// How names in a database are compared.
    fn names(&self, database_id: i32) -> NameOrder {
        let _ = database_id;
        NameOrder::of(self.default_collation())
    }
    fn database_id(&self, name: &str) -> Option<i32> {
        let (id, current) = self.database();
        NameOrder::instance().same(&current, name).then_some(id)
    }
    fn database_name(&self, id: i32) -> Option<Arc<str>> {
        let (current, name) = self.database();
        (current == id).then_some(name)
    }
    /// `schema` empty: the caller's default, then dbo, then sys.
    ///
    /// # Errors
    /// Those of the wait for a transaction that is defining it.
    fn object(&self, database_id: i32, schema: &str, name: &str) -> SqlResult<Option<ObjectInfo>> {
        let _ = (database_id, schema, name);
        Ok(None)
    }
    fn object_by_id(&self, database_id: i32, object_id: i32) -> Option<ObjectInfo> {
        let _ = (database_id, object_id);
        None
    }
    /// Whether the table has an index, trigger, key … as OBJECTPROPERTY names it; `None` for properties it does not know.
    fn object_property(&self, object: &ObjectInfo, property: &str) -> Option<Value> {
        let _ = (object, property);
        None
    }
    fn columns(&self, database_id: i32, object_id: i32) -> Vec<ColumnInfo> {
        let _ = (database_id, object_id);
        Vec::new()
    }
    fn schema_id(&self, name: &str) -> Option<i32> {
        match name.to_ascii_lowercase().as_str() {
            "dbo" => Some(1),
            "guest" => Some(2),
            "information_schema" => Some(3),
            "sys" => Some(4),
            _ => None,
        }
    }
    fn schema_name(&self, id: i32) -> Option<Arc<str>> {
        match id {
            1 => Some(Arc::from("dbo")),
            2 => Some(Arc::from("guest")),
            3 => Some(Arc::from("INFORMATION_SCHEMA")),
            4 => Some(Arc::from("sys")),
            _ => None,
        }
    }
    /// A user-defined type's id (system types are known without).
    fn user_type_id(&self, schema: &str, name: &str) -> Option<i32> {
        let _ = (schema, name);
        None
    }
    fn user_type_name(&self, id: i32) -> Option<Arc<str>> {
        let _ = id;
        None
    }
    fn principal_id(&self, name: &str) -> Option<i32> {
        name.eq_ignore_ascii_case("dbo").then_some(1)
    }
    fn principal_name(&self, id: i32) -> Option<Arc<str>> {
        (id == 1).then(|| Arc::from("dbo"))
    }
    /// SERVERPROPERTY; name in any case. `None`: no such property.
    fn server_property(&self, name: &str) -> Option<(SqlType, Value)> {
        let _ = name;
        None
    }
    /// DATABASEPROPERTYEX.
    fn database_property(&self, database_id: i32, name: &str) -> Option<(SqlType, Value)> {
        let _ = (database_id, name);
        None
    }
    /// INDEXPROPERTY, STATS_DATE, IDENT_CURRENT, FILEPROPERTY and the like: by function name in upper case.
    ///
    /// # Errors
    /// Those of the wait for a transaction that is defining what is asked of.
    fn other(&self, function: &str, args: &[Value]) -> SqlResult<Option<Value>> {
        let _ = (function, args);
        Ok(None)
    }
    /// Rows of the table-valued functions that show server or catalog state (`sys.dm_…`, fn_listextendedproperty …), by name in lower case.
    fn table_function(&self, name: &str, args: &[Value]) -> Option<SqlResult<Vec<Vec<Value>>>> {
        let _ = (name, args);
        None
    }
}

/// What a user-defined function is called with.
#[derive(Clone)]
pub enum FunctionArgument {
    /// DEFAULT.
    Default,
    Value(Value),
    /// Of a table-valued parameter.
    Table(Arc<TableDef>),
}

/// Runs user-defined functions; implemented by the procedure interpreter.
pub trait ModuleRunner: Send + Sync {
    fn scalar(&self, module: &Arc<ModuleDef>, args: Vec<FunctionArgument>) -> SqlResult<Value>;
    fn table(&self, module: &Arc<ModuleDef>, args: Vec<FunctionArgument>) -> SqlResult<Box<dyn BatchSource>>;
    /// CURSOR_STATUS of a cursor of the scope (`local`, variables among them) or the session; `None` when there is none.
    fn cursor_status(&self, local: bool, name: &str) -> Option<i16>;
    /// Rows of sys.dm_exec_describe_first_result_set (text, parameters, …) and …_for_object (id, …).
    fn describe(&self, args: &[Value]) -> SqlResult<Vec<Vec<Value>>>;
}

/// A session that knows nothing but the defaults, for tests and tools.
#[derive(Debug, Default)]
pub struct PlainSession;
impl SessionInfo for PlainSession {}

/// Opens a transaction for one statement.
pub type OpenOwn = Box<dyn Fn() -> Arc<Transaction> + Send + Sync>;

/// One statement's surroundings.
pub struct QueryContext {
    pub session: Arc<dyn SessionInfo>,
    pub settings: SessionSettings,
    pub modules: Option<Arc<dyn ModuleRunner>>,
    budget: OnceLock<Arc<MemoryBudget>>,
    /// What the budget is made of when an operator first asks, and where rows go beyond it.
    memory: (usize, Option<Arc<Path>>),
    pub cancel: CancelFlag,
    /// What reads see and lock; see [`QueryContext::reading`].
    read: ReadContext,
    own: Option<OpenOwn>,
    opened: OnceLock<(Arc<Transaction>, ReadContext)>,
    /// Local time at the start of the statement, with its offset.
    pub now: DateTimeOffset,
    /// Worker threads a query may use.
    pub workers: usize,
    /// Counts what operators give.
    pub profile: Option<Arc<crate::operator::profile::Profile>>,
    random: AtomicU64,
    null_eliminated: AtomicBool,
    /// Divisions by zero and overflows that became NULL.
    divided: AtomicBool,
    overflowed: AtomicBool,
    /// Documents that nodes() opened.
    pub xml: crate::function::xml::Documents,
    /// Rows that index spools keep, by the spools' ids.
    spools: Mutex<HashMap<u64, Arc<Mutex<crate::operator::index_spool::State>>>>,
    /// Values of sequences that the statement has taken.
    pub sequences: crate::function::sequence::StatementSequences,
}

/// Memory of a query without other configuration: 512 MB.
pub const DEFAULT_MEMORY_LIMIT: usize = 512 << 20;

/// Processors this process may use.
pub static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));

impl QueryContext {
    pub fn new(session: Arc<dyn SessionInfo>, now: DateTimeOffset) -> Self {
        let settings = session.settings();
        Self::with_parts(session, settings, now, CancelFlag::new(), ReadContext::unlocked())
    }

    /// As `new`, with what most statements have besides.
    pub fn with_parts(
        session: Arc<dyn SessionInfo>,
        settings: SessionSettings,
        now: DateTimeOffset,
        cancel: CancelFlag,
        read: ReadContext,
    ) -> Self {
        QueryContext {
            session,
            settings,
            modules: None,
            budget: OnceLock::new(),
            memory: (DEFAULT_MEMORY_LIMIT, None),
            cancel,
            read,
            own: None,
            opened: OnceLock::new(),
            now,
            workers: *PROCESSORS,
            profile: None,
            random: AtomicU64::new(0x9E37_79B9_7F4A_7C15 ^ u64::from(now.utc.date.0 as u32) ^ now.utc.time.0),
            null_eliminated: AtomicBool::new(false),
            divided: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            xml: Default::default(),
            spools: Mutex::default(),
            sequences: Default::default(),
        }
    }

    /// What reads see and lock. Outside a transaction the statement has one of its own from its first read on, which lets go
    /// of its locks with it.
    pub fn reading(&self) -> &ReadContext {
        let Some(open) = &self.own else { return &self.read };
        if self.read.level == ReadLevel::Uncommitted {
            return &self.read;
        }
        let (_, read) = self.opened.get_or_init(|| {
            let transaction = open();
            let read = ReadContext { owner: transaction.owner(), ..self.read.clone() };
            (transaction, read)
        });
        read
    }

    /// Statements that change rows look at what is there now, also where READ COMMITTED reads versions.
    pub fn read_current(&mut self) {
        if self.read.level == ReadLevel::Committed {
            self.read.snapshot = None;
        }
    }

    /// Reads keep what they have seen as it is until the transaction of `owner` ends, and see what is there now.
    pub fn read_serializable(&mut self, owner: LockOwner, wait: LockWait) {
        self.read = ReadContext {
            owner,
            level: ReadLevel::Serializable,
            wait,
            snapshot: None,
            intent: ReadIntent::Read,
            skip_locked: false,
            table_lock: false,
            for_change: false,
            ..self.read.clone()
        };
        self.own = None;
    }

    /// How one table is read: what the session asks, with the table's hints over it.
    pub fn read_with(&self, hints: &ReadHints) -> Cow<'_, ReadContext> {
        let versions = self.read.level == ReadLevel::Snapshot;
        if *hints == ReadHints::default() || (versions && hints.is_only_for_change()) {
            return Cow::Borrowed(self.reading());
        }
        let mut read = self.reading().clone();
        if hints.changes && read.level == ReadLevel::Uncommitted && read.owner.0 != 0 {
            // What is changed is never what others have not committed.
            read.level = ReadLevel::Committed;
        }
        if let Some(level) = hints.level {
            read.level = level;
        }
        let keeps = matches!(read.level, ReadLevel::Repeatable | ReadLevel::Serializable);
        if hints.changes && keeps && hints.intent == ReadIntent::Read {
            // Two statements that read the same rows to change them would each keep the other from it.
            read.intent = ReadIntent::Update;
        }
        if hints.intent != ReadIntent::Read {
            read.intent = hints.intent;
            // Such a read looks at what is there now, whatever versions the session sees.
            if read.level == ReadLevel::Uncommitted {
                read.level = ReadLevel::Committed;
            }
        }
        read.skip_locked |= hints.skip_locked;
        read.table_lock |= hints.table_lock;
        if hints.changes && hints.table_lock {
            read.intent = ReadIntent::Exclusive;
        }
        read.for_change = hints.changes && read.intent == ReadIntent::Read;
        if hints.no_wait {
            read.wait.timeout = Some(std::time::Duration::ZERO);
        }
        Cow::Owned(read)
    }

    /// What an index spool has come to.
    pub(crate) fn spool(&self, id: u64) -> Arc<Mutex<crate::operator::index_spool::State>> {
        Arc::clone(self.spools.lock().entry(id).or_default())
    }

    /// Memory of the statement's operators.
    pub fn budget(&self) -> &Arc<MemoryBudget> {
        self.budget.get_or_init(|| {
            let (limit, directory) = &self.memory;
            MemoryBudget::new(*limit, directory.as_ref().map_or_else(std::env::temp_dir, |d| d.to_path_buf()))
        })
    }

    /// An aggregate left out a NULL: the statement ends with warning 8153 when ANSI_WARNINGS is on.
    /// Whether an error of arithmetic makes its value NULL: with ARITHABORT and ANSI_WARNINGS off.
    pub fn forgives(&self, e: &SqlError) -> bool {
        !self.settings.arith_abort && !self.settings.ansi_warnings && matches!(e.number, 8134 | 8115 | 220)
    }

    /// Takes note of such an error.
    pub fn forgive(&self, e: &SqlError) {
        let which = if e.number == 8134 { &self.divided } else { &self.overflowed };
        which.store(true, Ordering::Relaxed);
    }

    /// Whether there were divisions by zero, and overflows.
    pub fn forgiven(&self) -> (bool, bool) {
        (self.divided.load(Ordering::Relaxed), self.overflowed.load(Ordering::Relaxed))
    }

    pub fn note_null_eliminated(&self) {
        self.null_eliminated.store(true, Ordering::Relaxed);
    }

    pub fn null_eliminated(&self) -> bool {
        self.null_eliminated.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn with_budget(mut self, budget: Arc<MemoryBudget>) -> Self {
        self.budget = OnceLock::from(budget);
        self
    }

    /// How much memory the operators have, and where rows go that find no place in it.
    #[must_use]
    pub fn with_memory(mut self, limit: usize, directory: Arc<Path>) -> Self {
        self.memory = (limit, Some(directory));
        self
    }

    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelFlag) -> Self {
        self.cancel = cancel;
        self
    }

    #[must_use]
    pub fn with_read(mut self, read: ReadContext) -> Self {
        self.read = read;
        self
    }

    /// Where the statement gets a transaction of its own.
    #[must_use]
    pub fn with_own(mut self, open: OpenOwn) -> Self {
        self.own = Some(open);
        self
    }

    #[must_use]
    pub fn with_modules(mut self, modules: Arc<dyn ModuleRunner>) -> Self {
        self.modules = Some(modules);
        self
    }

    /// Seeds NEWID and RAND.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        self.random.store(seed, Ordering::Relaxed);
        self
    }

    /// The next pseudo-random number (splitmix64); for RAND, NEWID and sampling, never for secrets.
    pub fn next_random(&self) -> u64 {
        let mut z = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Parameter slots set at one level.
#[derive(Debug, Default)]
pub struct Frame {
    parent: Option<Arc<Frame>>,
    /// A root frame holds slot i at position i; inner frames hold (slot, value) pairs.
    root: Arc<Vec<Value>>,
    bound: Vec<(ParamId, Value)>,
    /// Results of uncorrelated subqueries, by the address of their node.
    cache: Mutex<HashMap<usize, Value>>,
    /// Results of correlated ones by their outer values, likewise.
    memos: Mutex<HashMap<usize, Arc<Mutex<Memo>>>>,
    /// Values that IN looks among, likewise.
    sets: Mutex<HashMap<usize, Arc<ValueSet>>>,
}

/// Rows that CteRead yields: those of the round before.
#[derive(Debug)]
struct CteScope {
    id: u32,
    rows: Rows,
    parent: Option<Arc<CteScope>>,
}

/// Everything an operator or expression needs besides its plan. Cheap to clone.
#[derive(Clone)]
pub struct ExecContext {
    pub query: Arc<QueryContext>,
    frame: Arc<Frame>,
    ctes: Option<Arc<CteScope>>,
    /// Where a plan that may begin anywhere begins.
    pub place: Option<Arc<Place>>,
}

impl ExecContext {
    /// `parameters`: slot i of the frame at position i.
    pub fn new(query: Arc<QueryContext>, parameters: impl Into<Arc<Vec<Value>>>) -> Self {
        let frame = Arc::new(Frame { root: parameters.into(), ..Frame::default() });
        ExecContext { query, frame, ctes: None, place: None }
    }

    /// A context for tests and tools.
    pub fn plain() -> Self {
        Self::new(Arc::new(QueryContext::new(Arc::new(PlainSession), DateTimeOffset::default())), Vec::new())
    }

    /// The same context with slots set.
    #[must_use]
    pub fn bind(&self, bound: Vec<(ParamId, Value)>) -> Self {
        let frame = Frame { parent: Some(Arc::clone(&self.frame)), bound, ..Frame::default() };
        let (ctes, place) = (self.ctes.clone(), self.place.clone());
        ExecContext { query: Arc::clone(&self.query), frame: Arc::new(frame), ctes, place }
    }

    /// The same context for a plan that begins at a place.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        ExecContext { place: Some(Arc::new(place)), ..self.clone() }
    }

    /// The same context with the rows that a recursive member reads.
    #[must_use]
    pub fn with_cte(&self, id: u32, rows: Rows) -> Self {
        let mut out = self.bind(Vec::new());
        out.ctes = Some(Arc::new(CteScope { id, rows, parent: self.ctes.clone() }));
        out
    }

    pub fn cte(&self, id: u32) -> SqlResult<Rows> {
        let mut at = self.ctes.as_ref();
        while let Some(s) = at {
            if s.id == id {
                return Ok(s.rows.clone());
            }
            at = s.parent.as_ref();
        }
        Err(SqlError::with_text(
            8624,
            16,
            "Internal error: a recursive member is read outside its recursion.",
        ))
    }

    pub fn parameter(&self, id: ParamId) -> Value {
        let mut at = Some(&self.frame);
        while let Some(f) = at {
            if let Some((_, v)) = f.bound.iter().find(|(p, _)| *p == id) {
                return v.clone();
            }
            if let Some(v) = f.root.get(id.0 as usize) {
                return v.clone();
            }
            at = f.parent.as_ref();
        }
        Value::Null
    }

    pub(crate) fn cached(&self, node: usize) -> Option<Value> {
        self.frame.cache.lock().get(&node).cloned()
    }

    pub(crate) fn keep(&self, node: usize, value: Value) {
        self.frame.cache.lock().insert(node, value);
    }

    pub(crate) fn memo(&self, node: usize) -> Arc<Mutex<Memo>> {
        let make = || Arc::new(Mutex::new(Memo::new(self.query.budget())));
        Arc::clone(self.frame.memos.lock().entry(node).or_insert_with(make))
    }

    /// The frame of the statement's variables, or the innermost one.
    fn frame(&self, whole: bool) -> &Frame {
        let mut at = &self.frame;
        while let Some(parent) = at.parent.as_ref().filter(|_| whole) {
            at = parent;
        }
        at
    }

    /// A set of values by its node: of the whole statement or of the frame.
    pub(crate) fn value_set(&self, node: usize, whole: bool) -> Option<Arc<ValueSet>> {
        self.frame(whole).sets.lock().get(&node).cloned()
    }

    pub(crate) fn keep_value_set(&self, node: usize, whole: bool, set: Arc<ValueSet>) {
        self.frame(whole).sets.lock().insert(node, set);
    }

    /// Called once per batch by operators: ends the query when it was cancelled.
    #[inline]
    pub fn check_cancel(&self) -> SqlResult<()> {
        if self.query.cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }
}

/// The error a cancelled query ends with; it never reaches the client as an error.
pub fn cancelled() -> SqlError {
    SqlError::with_text(3617, 11, "The statement was terminated by the client.")
}
