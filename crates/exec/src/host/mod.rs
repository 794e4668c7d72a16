//! The instance as sessions see it: databases with their system views, sessions, logins, properties.
//!
//! Module map: [`database`] a database with system views and metadata, [`sessions`] who is connected,
//! [`server_settings`] what the server keeps for itself, [`configuration`] the options of sp_configure, [`error_log`] its log,
//! [`temporary`] temporary tables of all sessions, [`properties`] SERVERPROPERTY and DATABASEPROPERTYEX, [`metadata`] what OBJECT_ID and its kin ask.
//!
//! Invariants
//! 1. A [`HostDatabase`] is bound to one opened database; after a RESTORE the next look-up gives a new one.

pub mod configuration;
pub mod database;
mod determinism;
pub mod error_log;
pub mod metadata;
pub mod properties;
pub mod server_settings;
pub mod sessions;
pub mod temporary;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use holdfast_base::world::{Clock, SystemEntropy};
use holdfast_engine::instance::{Instance, MASTER, MSDB, OnlineDatabase};
use holdfast_types::{DateTime, SqlError, SqlResult};
use parking_lot::Mutex;

pub use database::HostDatabase;
pub use sessions::{SessionRegistry, SessionState};

use crate::operator::spill;
use crate::row_store::Pool;
use crate::security::LoginStore;
use crate::security::store::StoreError;

/// What all sessions of a server share.
pub struct Host {
    pub instance: Arc<Instance>,
    pub sessions: SessionRegistry,
    pub clock: Arc<dyn Clock>,
    pub temporary: Arc<temporary::TemporaryTables>,
    started: DateTime,
    /// The server's principals.
    pub logins: Arc<LoginStore>,
    /// Options, messages, devices and linked servers.
    pub settings: server_settings::ServerStore,
    pub error_log: error_log::ErrorLog,
    /// Where operators put rows that find no place in memory.
    pub spill_directory: Arc<Path>,
    /// Memory of tables outside databases.
    pub temporary_rows: Arc<Pool>,
    /// Off: who connects fires no logon triggers, so that one that lets nobody in can be dropped.
    pub logon_triggers: AtomicBool,
    /// Trace flags by session; 0 stands for all.
    pub trace_flags: Mutex<BTreeSet<(u16, i32)>>,
    /// Addresses that clients connect to, and since when.
    pub listeners: Mutex<Vec<(std::net::SocketAddr, DateTime)>>,
    /// Views over opened databases, by database id.
    views: Mutex<HashMap<i32, Arc<HostDatabase>>>,
}

impl Host {
    /// A host with the principals that the instance's data directory holds.
    ///
    /// # Errors
    /// When their file cannot be read.
    pub fn open(instance: Arc<Instance>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let started = local_datetime(&*clock);
        let logins = Arc::new(LoginStore::open(&instance.options.data_directory)?);
        let settings = server_settings::ServerStore::open(&instance.options.data_directory)?;
        let error_log = error_log::ErrorLog::new(&instance.options.data_directory);
        let spill_directory = instance.options.data_directory.join("spill");
        spill::prepare_directory(&spill_directory)
            .map_err(|source| StoreError::File { path: spill_directory.clone(), source })?;
        let temporary_rows = Pool::new(settings.temporary_memory(), &*spill_directory);
        Ok(Arc::new(Host {
            instance,
            sessions: SessionRegistry::default(),
            clock,
            temporary: Arc::default(),
            started,
            listeners: Mutex::default(),
            logins,
            settings,
            error_log,
            spill_directory: Arc::from(spill_directory),
            temporary_rows,
            logon_triggers: AtomicBool::new(true),
            trace_flags: Mutex::default(),
            views: Mutex::new(HashMap::new()),
        }))
    }

    pub fn started(&self) -> DateTime {
        self.started
    }

    /// Local time now as datetime.
    pub fn now(&self) -> DateTime {
        local_datetime(&*self.clock)
    }

    /// The sessions but `except` that are in a database or have a transaction open in it: none may be while it is closed.
    pub fn users_of(&self, database: i32, except: u16) -> Vec<u16> {
        let mut all = self.sessions.in_database(database, except);
        let holding = self.instance.locks.sessions_in(database).into_iter().filter(|s| *s != except);
        all.extend(holding);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// 924: a database in SINGLE_USER mode that another session is in.
    pub fn check_access(&self, database: i32, session: u16) -> SqlResult<()> {
        let options = self.instance.database_options(database);
        let single = options.get("USER_ACCESS").is_some_and(|a| a == "SINGLE_USER");
        if single && self.sessions.uses_database(database, session) {
            let name = self.instance.find_id(database).map_or_else(String::new, |d| d.name.to_string());
            return Err(SqlError::new(924, &[&name]));
        }
        Ok(())
    }

    /// An open database by name.
    ///
    /// # Errors
    /// 911, 927, 942, 945.
    pub fn database(self: &Arc<Self>, name: &str) -> SqlResult<Arc<HostDatabase>> {
        let entry = self.instance.find(name).ok_or_else(|| SqlError::new(911, &[&name]))?;
        let online = entry.online()?;
        Ok(self.view(entry.id, &entry.name, online))
    }

    /// An open database by id.
    pub fn database_by_id(self: &Arc<Self>, id: i32) -> Option<Arc<HostDatabase>> {
        let entry = self.instance.find_id(id)?;
        let online = entry.online().ok()?;
        Some(self.view(entry.id, &entry.name, online))
    }

    /// A system database with files of its own, which it is given now if it has none: something is about to be defined in it.
    ///
    /// # Errors
    /// 5170 and 5123; those of [`Host::database`].
    pub fn with_files(self: &Arc<Self>, database: &Arc<HostDatabase>) -> SqlResult<Arc<HostDatabase>> {
        let keeps = (MASTER..=MSDB).contains(&database.id);
        if !keeps || database.online().stored().is_some() {
            return Ok(Arc::clone(database));
        }
        let utc = self.clock.now_utc();
        let created = utc.as_secs() as i64 + i64::from(self.clock.local_offset_minutes(utc)) * 60;
        self.instance.make_system_database(database.id, self.now(), created, &SystemEntropy)?;
        self.database_by_id(database.id).ok_or_else(|| SqlError::new(911, &[&database.name]))
    }

    fn view(
        self: &Arc<Self>,
        id: i32,
        name: &Arc<str>,
        online: Arc<dyn OnlineDatabase>,
    ) -> Arc<HostDatabase> {
        let mut views = self.views.lock();
        if let Some(known) = views.get(&id)
            && known.is_over(&online)
        {
            return Arc::clone(known);
        }
        let new = HostDatabase::new(self, id, Arc::clone(name), online);
        views.insert(id, Arc::clone(&new));
        new
    }
}

/// The clock's local time in datetime's units: days since 1900 and 1/300 s.
pub fn local_datetime(clock: &dyn Clock) -> DateTime {
    let utc = clock.now_utc();
    let offset = i64::from(clock.local_offset_minutes(utc)) * 60_000;
    let ms = utc.as_millis() as i64 + offset;
    let days = ms.div_euclid(86_400_000);
    let ticks = (ms.rem_euclid(86_400_000) * 3 + 5) / 10;
    // 1970-01-01 is day 25,567 of datetime.
    if ticks >= 25_920_000 {
        return DateTime { days: days as i32 + 25_568, ticks: 0 };
    }
    DateTime { days: days as i32 + 25_567, ticks: ticks as u32 }
}
