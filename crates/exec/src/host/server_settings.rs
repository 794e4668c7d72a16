//! What the server keeps for itself beside its principals: options of sp_configure, messages of sp_addmessage, backup devices,
//! linked servers. SQL Server keeps them in master; here they lie in one private file, as the logins do.
//!
//! Invariants
//! 1. `security/server` is written whole to a file beside it, synced, renamed over the old one, and the directory synced, before a change
//!    is seen by anybody: a crash leaves the old or the new file. One that cannot be read stops the start.
//! 2. The value in use of an option is the one that was configured when the server started or at the last RECONFIGURE.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use holdfast_disk::{private_directory, write_private};
use holdfast_types::{NameOrder, SqlError, SqlResult};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::configuration;
use crate::context::DEFAULT_MEMORY_LIMIT;
use crate::security::store::StoreError;

/// Language of a message that every other one falls back to.
pub const US_ENGLISH: i32 = 1033;

/// A message that somebody added, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserMessage {
    pub number: i32,
    /// Its Windows locale (msglangid).
    pub language: i32,
    pub severity: u8,
    pub logged: bool,
    pub text: String,
}

/// A device of sp_addumpdevice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupDevice {
    pub name: String,
    /// `disk` or `tape`.
    pub kind: String,
    pub path: String,
}

/// A linked server: a row of the catalogue, nothing that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedServer {
    pub id: i32,
    pub name: String,
    pub product: String,
    pub provider: String,
    pub data_source: Option<String>,
    pub location: Option<String>,
    pub provider_string: Option<String>,
    pub catalog: Option<String>,
    /// Options of sp_serveroption by name, in lower case.
    pub options: BTreeMap<String, String>,
    pub logins: Vec<LinkedLogin>,
}

/// How a local login is known at a linked server. The remote password is not kept: nothing here could use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedLogin {
    /// `None`: all that have no row of their own.
    pub local: Option<String>,
    pub use_self: bool,
    pub remote: Option<String>,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Layout of the file.
    version: u32,
    /// Options that are not what a new server has.
    options: BTreeMap<i32, i32>,
    pub messages: Vec<UserMessage>,
    /// Messages of the server's own that sp_altermessage has changed.
    pub logging: BTreeMap<i32, bool>,
    pub devices: Vec<BackupDevice>,
    pub linked_servers: Vec<LinkedServer>,
}

const VERSION: u32 = 1;

impl ServerSettings {
    /// The configured value of an option.
    pub fn configured(&self, option: i32) -> i32 {
        let default = || configuration::find(option).map_or(0, |o| o.default);
        self.options.get(&option).copied().unwrap_or_else(default)
    }

    pub fn configure(&mut self, option: i32, value: i32) {
        match configuration::find(option).is_some_and(|o| o.default == value) {
            true => self.options.remove(&option),
            false => self.options.insert(option, value),
        };
    }

    /// A message in a language.
    pub fn message(&self, number: i32, language: i32) -> Option<&UserMessage> {
        self.messages.iter().find(|m| m.number == number && m.language == language)
    }

    /// Whether raising one of the server's own messages writes to its log.
    pub fn is_logged(&self, number: i32, severity: u8) -> bool {
        self.logging.get(&number).copied().unwrap_or(severity >= 19)
    }

    pub fn linked_server(&self, name: &str) -> Option<&LinkedServer> {
        self.linked_servers.iter().find(|s| NameOrder::instance().same(&s.name, name))
    }
}

/// The open file.
pub struct ServerStore {
    path: PathBuf,
    now: RwLock<Arc<ServerSettings>>,
    /// The value of each option that the server works with, by its place: every query asks.
    in_use: Vec<AtomicI32>,
    /// Held while a change is made, or takes effect.
    changing: Mutex<()>,
}

impl ServerStore {
    /// Reads the file of a data directory; an absent one is a new server's.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn open(data_directory: &Path) -> Result<Self, StoreError> {
        let directory = data_directory.join("security");
        private_directory(&directory)
            .map_err(|source| StoreError::File { path: directory.clone(), source })?;
        let path = directory.join("server");
        let format = |reason: String| StoreError::Format { path: path.clone(), reason };
        let found = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| format(e.to_string()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                ServerSettings { version: VERSION, ..ServerSettings::default() }
            }
            Err(source) => return Err(StoreError::File { path, source }),
        };
        if found.version != VERSION {
            return Err(format(format!("layout {} is not known to this build", found.version)));
        }
        let in_use = configuration::all().map(|o| AtomicI32::new(found.configured(o.id))).collect();
        Ok(ServerStore { path, now: RwLock::new(Arc::new(found)), in_use, changing: Mutex::new(()) })
    }

    pub fn read(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.now.read())
    }

    /// The value of an option that the server works with.
    pub fn in_use(&self, option: i32) -> i32 {
        let place = configuration::place(option).and_then(|place| self.in_use.get(place));
        place.map_or(0, |value| value.load(Ordering::Relaxed))
    }

    /// Bytes that the operators of one query may hold: a quarter of 'max server memory', as a query of SQL Server's default
    /// workload group has it, but never more than [`DEFAULT_MEMORY_LIMIT`] nor less than 'min memory per query'.
    pub fn query_memory(&self) -> usize {
        let option = |id| usize::try_from(self.in_use(id)).unwrap_or(0);
        let quarter = option(configuration::MAX_SERVER_MEMORY).saturating_mul(1 << 20) / 4;
        let least = option(configuration::MIN_MEMORY_PER_QUERY).saturating_mul(1 << 10);
        quarter.min(DEFAULT_MEMORY_LIMIT).max(least)
    }

    /// Bytes that rows of all tables outside databases may take in memory: a quarter of 'max server memory', but never more than
    /// [`DEFAULT_MEMORY_LIMIT`].
    pub fn temporary_memory(&self) -> usize {
        let most = usize::try_from(self.in_use(configuration::MAX_SERVER_MEMORY)).unwrap_or(0);
        (most.saturating_mul(1 << 20) / 4).min(DEFAULT_MEMORY_LIMIT)
    }

    /// RECONFIGURE: what was configured takes effect, as far as it can while the server runs.
    pub fn reconfigure(&self) {
        let _alone = self.changing.lock();
        let configured = self.read();
        for (option, value) in configuration::all().zip(&self.in_use).filter(|(o, _)| o.dynamic) {
            value.store(configured.configured(option.id), Ordering::Relaxed);
        }
    }

    /// Changes what there is, all or nothing (invariant 1).
    ///
    /// # Errors
    /// Those of `f`; 3634 when the file cannot be written.
    pub fn change<T>(&self, f: impl FnOnce(&mut ServerSettings) -> SqlResult<T>) -> SqlResult<T> {
        let _alone = self.changing.lock();
        let mut changed = ServerSettings::clone(&self.now.read());
        let out = f(&mut changed)?;
        let written = serde_json::to_vec_pretty(&changed)
            .map_err(std::io::Error::other)
            .and_then(|bytes| write_private(&self.path, &bytes));
        written.map_err(|e| SqlError::new(3634, &[&e, &"writing", &self.path.display()]))?;
        *self.now.write() = Arc::new(changed);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_configured_is_there_again_and_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let store = ServerStore::open(dir.path()).unwrap();
        store
            .change(|s| {
                s.configure(configuration::NESTED_TRIGGERS, 0);
                s.configure(configuration::USER_CONNECTIONS, 7);
                Ok(())
            })
            .unwrap();
        assert_eq!(store.in_use(configuration::NESTED_TRIGGERS), 1);
        store.reconfigure();
        assert_eq!(store.in_use(configuration::NESTED_TRIGGERS), 0);
        // Takes a restart.
        assert_eq!(store.in_use(configuration::USER_CONNECTIONS), 0);
        let again = ServerStore::open(dir.path()).unwrap();
        assert_eq!(again.in_use(configuration::USER_CONNECTIONS), 7);
        assert_eq!(again.query_memory(), DEFAULT_MEMORY_LIMIT);
        assert_eq!(again.read().configured(configuration::NESTED_TRIGGERS), 0);
    }

    #[test]
    fn memory_of_a_query_follows_the_options() {
        let dir = tempfile::tempdir().unwrap();
        let store = ServerStore::open(dir.path()).unwrap();
        for (most, least, bytes) in
            [(128, 1024, 32 << 20), (1024, 1024, 256 << 20), (128, 100 << 10, 100 << 20)]
        {
            store
                .change(|s| {
                    s.configure(configuration::MAX_SERVER_MEMORY, most);
                    s.configure(configuration::MIN_MEMORY_PER_QUERY, least);
                    Ok(())
                })
                .unwrap();
            store.reconfigure();
            assert_eq!(store.query_memory(), bytes);
        }
    }

    #[test]
    fn a_damaged_file_stops_the_start() {
        let dir = tempfile::tempdir().unwrap();
        drop(ServerStore::open(dir.path()).unwrap());
        for bad in ["", "{", "{\"version\": 9}", "{\"version\": 1, \"strange\": 2}"] {
            std::fs::write(dir.path().join("security/server"), bad).unwrap();
            assert!(ServerStore::open(dir.path()).is_err(), "{bad:?}");
        }
    }
}
