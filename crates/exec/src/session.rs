//! The boundary between a connection (or the command line) and the executor: what a request is, and where its answers go.
//!
//! Invariants
//! 1. A [`ResultSink`] gets, per result set, one `columns`, any number of `rows`, then one `done`; messages may come anywhere.
//! 2. Every statement that SQL Server answers with a DONE token calls `done` exactly once, also after an error.
//! 3. The sink may block (back-pressure) and may refuse (`SinkClosed`): the statement then ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_types::{Batch, CollationId, SqlError, SqlType, Value};

use crate::server_cursor::CursorSession;

/// The client is gone or its request was cancelled; nothing more can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client no longer takes results")]
pub struct SinkClosed;

pub type SinkResult = Result<(), SinkClosed>;

/// One column of a result set as clients see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultColumn {
    /// Empty when the expression has no name.
    pub name: Arc<str>,
    pub ty: SqlType,
    pub nullable: bool,
    pub identity: bool,
    pub computed: bool,
    /// Comes straight from a table column that could be updated.
    pub updatable: bool,
    /// Alias or CLR type name (`hierarchyid` …), when the type is one.
    pub user_type: Option<Arc<str>>,
    /// Base table parts (database, schema, table) and column, when the column comes straight from one.
    pub source: Option<Arc<ColumnSource>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSource {
    pub database: Arc<str>,
    pub schema: Arc<str>,
    pub table: Arc<str>,
    pub column: Arc<str>,
}

/// Where the columns of an answer come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// The parts of each table's name; empty when the client knows them from the open of the cursor.
    pub tables: Vec<Vec<Arc<str>>>,
    pub columns: Vec<ColumnOrigin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// Number of the table from 1; 0 for what is computed.
    pub table: usize,
    /// A column of the table's whole key.
    pub key: bool,
    /// It was not asked for.
    pub hidden: bool,
    /// What it is called in the table, when that is another name.
    pub base_name: Option<Arc<str>>,
}

/// Which DONE token ends a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoneKind {
    /// A statement of a batch.
    Done,
    /// A statement inside a procedure, RPC or dynamic batch.
    InProc,
    /// The end of a procedure or RPC.
    Proc,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Done {
    pub kind: DoneKind,
    /// Rows affected; `None` when the statement has no count or NOCOUNT is on.
    pub rows: Option<u64>,
    /// The statement failed.
    pub error: bool,
    /// TDS CurCmd value (0xC1 SELECT, 0xC3 INSERT, 0xC4 DELETE, 0xC5 UPDATE, 0xE0 EXECUTE …), 0 if none.
    pub command: u16,
}

/// State the client library tracks.
#[derive(Clone, Debug, PartialEq)]
pub enum EnvironmentChange {
    Database { new: Arc<str>, old: Arc<str> },
    Language { new: Arc<str>, old: Arc<str> },
    Collation(CollationId),
    BeginTransaction(u64),
    CommitTransaction(u64),
    RollbackTransaction(u64),
}

/// Receives everything a request answers. Implemented by the TDS connection, by the shell and by tests.
pub trait ResultSink {
    fn columns(&mut self, columns: &[ResultColumn]) -> SinkResult;
    /// The same of a cursor through which those that are updatable can be changed.
    fn changeable_columns(&mut self, columns: &[ResultColumn]) -> SinkResult {
        self.columns(columns)
    }
    /// Behind the columns, in browse mode and of cursors: where they come from.
    fn origins(&mut self, origins: &Origins) -> SinkResult {
        let _ = origins;
        Ok(())
    }
    fn rows(&mut self, batch: &Batch) -> SinkResult;
    fn done(&mut self, done: Done) -> SinkResult;
    /// Informational when severity ≤ 10, else an error.
    fn message(&mut self, message: &SqlError) -> SinkResult;
    fn environment(&mut self, change: EnvironmentChange) -> SinkResult;
    /// RETURN value of a procedure.
    fn return_status(&mut self, status: i32) -> SinkResult;
    /// An output parameter after an RPC.
    fn return_value(&mut self, ordinal: u16, name: &str, ty: &SqlType, value: &Value) -> SinkResult;
    /// Sends what is buffered (RAISERROR WITH NOWAIT, STATS messages).
    fn flush(&mut self) -> SinkResult;
}

/// Set by an attention; looked at between batches of rows.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }
    pub fn clear(&self) {
        self.0.store(false, Ordering::Release);
    }
    /// The flag itself, for whoever waits below this layer.
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a login gave the session.
#[derive(Clone, Debug, Default)]
pub struct LoginInfo {
    pub login: String,
    pub host_name: String,
    pub application: String,
    pub client_interface: String,
    /// Database asked for; empty = the login's default (master).
    pub database: String,
    pub language: String,
    pub client_address: String,
    /// Where the client found the server.
    pub local_address: Option<std::net::SocketAddr>,
    pub packet_size: u32,
    /// Negotiated TDS version, for @@ and DMV answers.
    pub tds_version: u32,
    pub encrypted: bool,
    pub client_process_id: u32,
    /// Ends what runs in the session, also while it is being opened.
    pub cancel: CancelFlag,
}

/// A remote procedure call with parameters in order.
#[derive(Clone, Debug)]
pub struct RpcRequest {
    /// Procedure name as sent (multi-part allowed); well-known numbers are already turned into their names
    /// (`sp_executesql`, `sp_prepexec`, `sp_cursoropen` …).
    pub procedure: String,
    pub parameters: Vec<RpcParameter>,
}

/// A statement with parameters, as a client prepared it or gives it to `sp_executesql`.
#[derive(Clone, Debug)]
pub struct StatementText {
    pub text: Arc<str>,
    /// `@a int, @b nvarchar(10) OUTPUT`; without any, the statement takes no values.
    pub declarations: Arc<str>,
}

impl StatementText {
    /// A statement that takes no values.
    pub fn plain(text: impl Into<Arc<str>>) -> Self {
        StatementText { text: text.into(), declarations: "".into() }
    }
}

#[derive(Clone, Debug)]
pub struct RpcParameter {
    /// With the `@`; empty when positional.
    pub name: String,
    pub ty: SqlType,
    pub value: RpcValue,
    pub output: bool,
    /// The client asked for the parameter's default.
    pub default: bool,
}

#[derive(Clone, Debug)]
pub enum RpcValue {
    Scalar(Value),
    /// Table-valued parameter: its declared type name and its rows.
    Table {
        type_name: String,
        columns: Vec<ResultColumn>,
        rows: Vec<Vec<Value>>,
    },
}

/// Transaction-manager requests of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionRequest {
    Begin { name: String, isolation: u8 },
    Commit { name: String, begin_next: Option<u8> },
    Rollback { name: String, begin_next: Option<u8> },
    Save { name: String },
}

/// Why a request ended other than by its own last DONE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestEnd {
    /// Ran to its end (errors were reported through the sink).
    Finished,
    /// The cancel flag was seen; the caller acknowledges the attention.
    Cancelled,
    /// A severity ≥ 20 error or a closed sink: the connection must go.
    Disconnect,
}

/// See [`SqlSession::on_kill`].
pub type Wake = Box<dyn Fn(bool) + Send + Sync>;

/// A session as the protocol layer drives it.
pub trait SqlSession: Send {
    /// Runs a language batch.
    fn execute_batch(&mut self, text: &str, sink: &mut dyn ResultSink) -> RequestEnd;
    /// Runs an RPC, the sp_execute… and sp_cursor… families included. `is_last` of several in one request.
    fn execute_rpc(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd;
    /// Runs a statement as `sp_executesql` does, with values for its declared parameters. Outputs are told with their place in the
    /// client's request, where `values` begin at `first`.
    fn execute_statement(
        &mut self,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    fn transaction(&mut self, request: &TransactionRequest, sink: &mut dyn ResultSink) -> RequestEnd;
    /// sp_reset_connection: back to the state after login; `keep_transaction` for RESETCONNECTIONSKIPTRAN.
    fn reset(&mut self, keep_transaction: bool);
    /// The rows that an INSERT BULK announced.
    fn bulk_load(
        &mut self,
        columns: &[ResultColumn],
        rows: Vec<Vec<Value>>,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd;
    fn cancel_flag(&self) -> CancelFlag;
    fn database(&self) -> Arc<str>;
    fn session_id(&self) -> u16;
    /// What ends the connection when the session is killed; told whether a request runs.
    fn on_kill(&self, _wake: Wake) {}
    /// Server cursors that see later changes; `None`: there are none here.
    fn cursors(&mut self) -> Option<&mut dyn CursorSession> {
        None
    }
    /// Bound result columns of a batch without running it (sp_describe_first_result_set, SET FMTONLY).
    fn describe(&mut self, text: &str) -> Result<Vec<ResultColumn>, SqlError>;
}

/// Makes sessions for logins that were authenticated; the server owns one.
pub trait SessionFactory: Send + Sync {
    /// Fails with 4060 (cannot open database) and the like; messages to send after the login go to `sink`.
    fn open(&self, login: LoginInfo, sink: &mut dyn ResultSink) -> Result<Box<dyn SqlSession>, SqlError>;
    /// Name and number shown in LOGINACK and error tokens.
    fn server_name(&self) -> Arc<str>;
    /// major, minor, build as SERVERPROPERTY('ProductVersion') shows it.
    fn product_version(&self) -> (u8, u8, u16);
    fn default_collation(&self) -> CollationId;
    /// Told of every address that clients may connect to.
    fn listening(&self, _address: std::net::SocketAddr) {}
}
