//! What system views are computed from: the base tables of a database and what the instance tells of itself.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::instance::DatabaseIdentity;
use holdfast_engine::lock::{LockManager, LockOwner};
use holdfast_types::{CollationId, DateTime, SqlResult, Value};

use super::model::CatalogModel;
use crate::host::server_settings::ServerSettings;
use crate::security::Reader;
use crate::security::store::Principals;

/// The rows of a base table with its columns by name. Columns that the database's version does not have are absent.
#[derive(Clone, Debug, Default)]
pub struct BaseRows {
    pub columns: HashMap<String, usize>,
    pub rows: Vec<Vec<Value>>,
}

impl BaseRows {
    pub fn new(columns: &[&str], rows: Vec<Vec<Value>>) -> Self {
        BaseRows { columns: columns.iter().enumerate().map(|(i, c)| ((*c).to_owned(), i)).collect(), rows }
    }

    /// Adds rows of the same table that know other columns of it.
    pub fn append(&mut self, more: BaseRows) {
        let mut places = vec![0; more.columns.len()];
        for (name, at) in more.columns {
            let next = self.columns.len();
            let place = *self.columns.entry(name).or_insert(next);
            if let Some(p) = places.get_mut(at) {
                *p = place;
            }
        }
        for values in more.rows {
            let mut row = vec![Value::Null; self.columns.len()];
            for (value, place) in values.into_iter().zip(&places) {
                row[*place] = value;
            }
            self.rows.push(row);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = BaseRow<'_>> {
        self.rows.iter().map(|values| BaseRow { table: self, values })
    }
}

/// One base-table row, read by column name; an absent column reads as NULL (0, empty).
#[derive(Clone, Copy)]
pub struct BaseRow<'a> {
    table: &'a BaseRows,
    values: &'a [Value],
}

impl<'a> BaseRow<'a> {
    pub fn value(&self, column: &str) -> &'a Value {
        self.table.columns.get(column).and_then(|&i| self.values.get(i)).unwrap_or(&Value::Null)
    }

    pub fn integer(&self, column: &str) -> i64 {
        match self.value(column) {
            Value::Bit(b) => i64::from(*b),
            Value::TinyInt(v) => i64::from(*v),
            Value::SmallInt(v) => i64::from(*v),
            Value::Int(v) => i64::from(*v),
            Value::BigInt(v) => *v,
            _ => 0,
        }
    }

    pub fn int(&self, column: &str) -> i32 {
        self.integer(column) as i32
    }

    pub fn is_null(&self, column: &str) -> bool {
        self.value(column).is_null()
    }

    pub fn text(&self, column: &str) -> Arc<str> {
        match self.value(column) {
            Value::String(s) => Arc::from(s.to_text()),
            _ => Arc::from(""),
        }
    }

    pub fn optional_text(&self, column: &str) -> Option<Arc<str>> {
        match self.value(column) {
            Value::String(s) => Some(Arc::from(s.to_text())),
            _ => None,
        }
    }

    pub fn bytes(&self, column: &str) -> Option<&'a [u8]> {
        match self.value(column) {
            Value::Binary(b) => Some(b),
            _ => None,
        }
    }

    pub fn datetime(&self, column: &str) -> DateTime {
        match self.value(column) {
            Value::DateTime(d) => *d,
            _ => DateTime::default(),
        }
    }
}

/// A database as `sys.databases` shows it.
#[derive(Clone, Debug)]
pub struct DatabaseInfo {
    pub id: i32,
    pub name: Arc<str>,
    /// 0 ONLINE, 1 RESTORING, 2 RECOVERING, 3 RECOVERY_PENDING, 4 SUSPECT, 6 OFFLINE.
    pub state: u8,
    pub created: DateTime,
    pub compatibility_level: u8,
    pub collation: CollationId,
    /// 1 FULL, 2 BULK_LOGGED, 3 SIMPLE.
    pub recovery_model: u8,
    pub read_only: bool,
    /// Internal version (706 …).
    pub version: i32,
    /// 0 NONE, 1 TORN_PAGE_DETECTION, 2 CHECKSUM.
    pub page_verify: u8,
    pub owner_sid: Arc<[u8]>,
    /// `None` while it is not online, and of a system database without files.
    pub identity: Option<DatabaseIdentity>,
    pub allow_snapshot_isolation: bool,
    pub read_committed_snapshot: bool,
    /// Options that are not what a new database has, by name.
    pub options: Arc<holdfast_engine::instance::state_file::DatabaseOptions>,
    pub files: Vec<FileInfo>,
}

impl DatabaseInfo {
    /// Whether an option is ON; `otherwise`: what a new database has.
    pub fn is_on(&self, option: &str, otherwise: bool) -> bool {
        self.options.get(option).map_or(otherwise, |v| v == "ON")
    }

    /// MULTI_USER, SINGLE_USER or RESTRICTED_USER.
    pub fn user_access(&self) -> &str {
        self.options.get("USER_ACCESS").map_or("MULTI_USER", String::as_str)
    }
}

/// A file of a database.
#[derive(Clone, Debug)]
pub struct FileInfo {
    pub file_id: i32,
    /// 0 ROWS, 1 LOG.
    pub kind: u8,
    pub data_space_id: i32,
    pub logical_name: Arc<str>,
    pub physical_name: Arc<str>,
    /// Pages of 8 KiB.
    pub size: i32,
    /// Pages; -1 unlimited.
    pub max_size: i32,
    /// Pages, or percent when `percent_growth`.
    pub growth: i32,
    pub percent_growth: bool,
    pub guid: Option<[u8; 16]>,
}

/// A connected session as the DMVs show it.
#[derive(Clone, Debug)]
pub struct SessionRow {
    pub session_id: i16,
    pub login_time: DateTime,
    pub login: Arc<str>,
    pub host: Arc<str>,
    pub program: Arc<str>,
    pub client_interface: Arc<str>,
    pub host_process_id: i32,
    pub client_address: Arc<str>,
    pub local_address: Option<std::net::SocketAddr>,
    pub database_id: i32,
    pub running: bool,
    /// Text of the running (or last) batch.
    pub text: Arc<str>,
    pub command: Arc<str>,
    pub open_transactions: i32,
    /// 1 read uncommitted … 5 snapshot.
    pub isolation: i16,
    pub encrypted: bool,
    pub percent_complete: f32,
    pub transaction: Option<TransactionRow>,
    /// SET LOCK_TIMEOUT, in milliseconds; -1 for ever.
    pub lock_timeout: i32,
    pub deadlock_priority: i32,
}

/// What a server counts for its performance counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerCounts {
    pub logins: i64,
    pub requests: i64,
}

/// A session's open transaction.
#[derive(Clone, Debug)]
pub struct TransactionRow {
    pub id: i64,
    pub name: Arc<str>,
    pub started: DateTime,
    /// What the client knows it by.
    pub descriptor: u64,
}

/// Everything a system view may ask. Implemented by the instance for each of its databases, and by tests.
pub trait ViewSource: Send + Sync {
    /// This database, as `sys.databases` shows it.
    fn database(&self) -> DatabaseInfo;
    /// The same without what other transactions than the one of `owner` have defined and not committed; `None`: there is nothing of
    /// that kind.
    fn committed(&self, owner: LockOwner) -> Option<Arc<dyn ViewSource>> {
        let _ = owner;
        None
    }
    /// Changes when a transaction begins to define something, or ends after it.
    fn definers(&self) -> (usize, u64) {
        (0, 0)
    }
    /// master, where what is of the server lies; `None` where nothing of that kind has been defined.
    fn master(&self) -> Option<Arc<dyn ViewSource>> {
        None
    }
    /// Rows of a base table (`sysschobjs` …); empty when the database's version has no such table.
    fn base_rows(&self, table: &str) -> SqlResult<Arc<BaseRows>>;
    /// A sequence and the value last given, where the database gives values.
    fn sequence_state(
        &self,
        object_id: i32,
    ) -> Option<(holdfast_engine::write::sequence::SequenceSpec, Option<i128>)> {
        let _ = object_id;
        None
    }
    /// Pages of a data file in extents that are in use; `None` when that is not known.
    fn reserved_pages(&self, file: i32) -> Option<i64> {
        let _ = file;
        None
    }
    /// How full the database's log is; `None` where it has none of its own.
    fn log_use(&self) -> Option<holdfast_engine::write::writing::LogUse> {
        None
    }
    /// The catalog model of the current snapshot, built once by [`CatalogModel::build`].
    fn model(&self) -> SqlResult<Arc<CatalogModel>>;
    /// All databases of the instance.
    fn databases(&self) -> Vec<DatabaseInfo>;
    /// Files of a database that will be elsewhere when it is next opened.
    fn moved_files(&self, database: i32) -> std::collections::BTreeMap<u16, std::path::PathBuf>;
    fn sessions(&self) -> Vec<SessionRow>;
    /// The lock manager; `None` where there is none.
    fn locks(&self) -> Option<Arc<LockManager>> {
        None
    }
    /// The server's logins, roles and permissions.
    fn principals(&self) -> Arc<Principals>;
    /// What the server keeps for itself: options, messages, devices, linked servers.
    fn settings(&self) -> Arc<ServerSettings> {
        Arc::default()
    }
    /// Configured value and value in use of an option of the server.
    fn configured(&self, option: i32) -> (i32, i32) {
        let value = crate::host::configuration::find(option).map_or(0, |o| o.default);
        (value, value)
    }
    /// What the server has counted since its start.
    fn counts(&self) -> ServerCounts {
        ServerCounts::default()
    }
    /// Who reads, by the session's number; `None`: the server itself.
    fn reader(&self, session: u16) -> Option<Reader> {
        let _ = session;
        None
    }
    /// Server name (`SERVERPROPERTY('ServerName')`).
    fn server_name(&self) -> Arc<str>;
    /// `15.0.4000.0` style version shown to tools.
    fn product_version(&self) -> Arc<str>;
    /// Time the instance started, local.
    fn started(&self) -> DateTime;
    /// Addresses that clients connect to, and since when.
    fn listeners(&self) -> Vec<(std::net::SocketAddr, DateTime)> {
        Vec::new()
    }
    fn now(&self) -> DateTime;
    /// A SERVERPROPERTY by name (lower case).
    fn server_property(&self, name: &str) -> Option<Value>;
    /// Name of a collation; empty for none.
    fn collation_name(&self, id: CollationId) -> Arc<str>;
}
