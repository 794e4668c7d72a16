//! An instance: a data directory and its databases, by name and id, with their states.
//!
//! Layout of the directory: `data/` database files, `system/` those of system databases, `backup/` default place of backups, `instance.json` which databases there
//! are (see [`state_file`]), `decisions/` about transactions over several databases (see [`crate::decision`]). The server adds its own files (logins, certificate).
//!
//! Invariants
//! 1. Names are unique without regard to case; ids are never given twice while a database exists; 1–4 are the system
//!    databases master, tempdb, model, msdb.
//! 2. `instance.json` is replaced atomically and synced before a change is acknowledged; it never names files of a restore
//!    that has not finished as ONLINE.
//! 3. The files of a database that was being made or removed when the server stopped are removed at the next start.
//! 4. A database that cannot be opened stays listed, as RECOVERY_PENDING, with the reason; the others start. Only a master
//!    that cannot be opened stops the start.

pub mod attach;
mod collation;
pub mod create;
pub mod files;
pub mod log_file;
pub mod modify_file;
pub mod options;
mod restoring;
pub mod shipped;
pub mod state_file;
pub mod stored;
mod system;
mod system_files;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_disk::{Disk, RealDisk};
use holdfast_types::{CollationId, DateTime, NameKey, NameOrder, SqlError, SqlResult, Value};
use parking_lot::{Mutex, RwLock};

use crate::catalog::Catalog;
use crate::lock::LockManager;
use crate::version::Keeping;
pub use state_file::FileRecord;
pub use state_file::RowVersions;
use state_file::StateFile;
pub use stored::StoredOpener;
pub use system::SystemDatabase;
pub use system_files::{MASTER, MODEL, MSDB, TEMPDB};

/// Rows of a base table: column names, then rows.
pub type BaseTable = (Vec<String>, Vec<Vec<Value>>);

/// What an open database offers above its files.
pub trait OnlineDatabase: Send + Sync {
    /// The current catalog snapshot.
    fn catalog(&self) -> Arc<dyn Catalog>;
    /// All rows of a system base table; empty when this version has no such table.
    fn base_table(&self, name: &str) -> SqlResult<BaseTable>;
    /// What the boot page and file headers say.
    fn properties(&self) -> DatabaseProperties;
    /// Writes every changed page; recovery after a crash begins here.
    fn checkpoint(&self) -> SqlResult<()> {
        Ok(())
    }
    /// Looks for faults in pages, maps and tables, at a moment at which nothing changes.
    fn check(&self) -> SqlResult<crate::check::Report> {
        Ok(crate::check::Report::default())
    }
    /// Why the database may not be used any more until the server starts again: its log or its files failed, and what memory
    /// holds was never acknowledged.
    fn failed(&self) -> Option<String> {
        None
    }
    /// Waits until the transactions are rolled back that were open when its log ended: before its files are left alone.
    fn recover_wholly(&self) -> SqlResult<()> {
        Ok(())
    }
    /// Makes everything durable and writes nothing more (detach, rename, drop).
    fn close(&self) -> SqlResult<()> {
        Ok(())
    }
    /// The catalog of a database that is stored in pages, for data definition; `None` for system databases without files.
    fn stored(&self) -> Option<Arc<crate::database::DatabaseCatalog>> {
        None
    }
    /// Family GUID: the same for all copies of one database; `None` for system databases.
    fn family(&self) -> Option<[u8; 16]> {
        None
    }
    /// The last rowversion value given (@@DBTS); `None` where nothing can be changed.
    fn last_row_version(&self) -> SqlResult<Option<u64>> {
        Ok(None)
    }
    /// Counts the snapshots of the catalog: another number means that definitions may have changed.
    fn generation(&self) -> u64 {
        0
    }
    /// Reads the catalog again, after it was changed.
    fn refresh(&self) -> SqlResult<()> {
        Ok(())
    }
}

/// Facts of an open database.
#[derive(Clone, Debug, Default)]
pub struct DatabaseProperties {
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
    pub owner_sid: Vec<u8>,
    /// `None` without files.
    pub identity: Option<DatabaseIdentity>,
    pub files: Vec<FileProperties>,
}

/// What tells databases and their copies apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatabaseIdentity {
    /// In the headers of its files; a restored copy gets its own.
    pub binding: [u8; 16],
    /// The same for all copies.
    pub family: [u8; 16],
    /// The fork of the log that the database is on.
    pub recovery_fork: [u8; 16],
}

/// A file of an open database.
#[derive(Clone, Debug, Default)]
pub struct FileProperties {
    pub file_id: i32,
    pub is_log: bool,
    pub filegroup_id: i32,
    pub logical_name: String,
    pub path: PathBuf,
    /// Pages of 8 KiB.
    pub size: i32,
    /// Pages; -1 unlimited.
    pub max_size: i32,
    pub growth: i32,
    pub percent_growth: bool,
    pub guid: Option<[u8; 16]>,
}

/// State of a database; the numbers are those of sys.databases.
#[derive(Clone)]
pub enum DatabaseState {
    Online(Arc<dyn OnlineDatabase>),
    /// Between restores WITH NORECOVERY.
    Restoring,
    /// Could not be opened; why.
    RecoveryPending(String),
    Offline,
}

impl DatabaseState {
    pub fn number(&self) -> u8 {
        match self {
            DatabaseState::Online(d) if d.failed().is_some() => 4,
            DatabaseState::Online(_) => 0,
            DatabaseState::Restoring => 1,
            DatabaseState::RecoveryPending(_) => 3,
            DatabaseState::Offline => 6,
        }
    }
}

/// A listed database.
pub struct DatabaseEntry {
    pub id: i32,
    pub name: Arc<str>,
    state: RwLock<DatabaseState>,
    /// Files as listed; the state file's truth.
    pub files: RwLock<Vec<FileRecord>>,
    /// Held while a RESTORE works on this database.
    pub exclusive: Mutex<()>,
}

impl DatabaseEntry {
    pub fn state(&self) -> DatabaseState {
        self.state.read().clone()
    }

    /// The open database.
    ///
    /// # Errors
    /// 927 in the middle of a restore, 945 when it could not be opened, 942 offline, 926 after a failure of its files.
    pub fn online(&self) -> SqlResult<Arc<dyn OnlineDatabase>> {
        match &*self.state.read() {
            DatabaseState::Online(d) if d.failed().is_some() => Err(SqlError::new(926, &[&self.name])),
            DatabaseState::Online(d) => Ok(Arc::clone(d)),
            DatabaseState::Restoring => Err(SqlError::new(927, &[&self.name])),
            DatabaseState::RecoveryPending(_) => Err(SqlError::new(945, &[&self.name])),
            DatabaseState::Offline => Err(SqlError::new(942, &[&self.name])),
        }
    }
}

/// Opens a database from its files; given by the layer that owns files and recovery.
pub trait DatabaseOpener: Send + Sync {
    /// `files`: data and log files with their ids. Recovers if needed. The error is a text for the log.
    fn open(&self, id: i32, name: &str, files: &[FileRecord]) -> Result<Arc<dyn OnlineDatabase>, String>;

    /// As `open`, for changes even though the database says that it is read-only.
    fn open_writable(
        &self,
        id: i32,
        name: &str,
        files: &[FileRecord],
    ) -> Result<Arc<dyn OnlineDatabase>, String> {
        self.open(id, name, files)
    }

    /// The locks of everything opened here: one lock manager, so that deadlocks across databases are found.
    fn locks(&self) -> Arc<LockManager>;

    /// Where files are made and removed.
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(RealDisk)
    }

    /// A database is gone for good.
    fn forget(&self, id: i32) {
        let _ = id;
    }

    /// Tells where decisions about transactions over several databases are kept, before anything is opened.
    ///
    /// # Errors
    /// When those that are there cannot be read: what they were about cannot be opened rightly.
    fn decide_in(&self, directory: &Path) -> Result<(), String> {
        let _ = directory;
        Ok(())
    }
}

/// Configuration of an instance.
#[derive(Clone, Debug)]
pub struct InstanceOptions {
    pub data_directory: PathBuf,
    pub server_name: String,
    /// The version that tools compare, e.g. (15, 0, 4000, 0).
    pub product_version: (u8, u8, u16, u16),
    /// Highest internal database version accepted by RESTORE and attach.
    pub database_version: i32,
    pub collation: CollationId,
}

impl InstanceOptions {
    /// Defaults over a directory: presents itself as version 16 and takes databases up to SQL Server 2022 (957).
    pub fn new(data_directory: impl Into<PathBuf>) -> Self {
        InstanceOptions {
            data_directory: data_directory.into(),
            server_name: "holdfast".into(),
            product_version: (16, 0, 1000, 0),
            database_version: 957,
            collation: CollationId::SERVER_DEFAULT,
        }
    }

    /// `16.0.1000.0`
    pub fn version_text(&self) -> String {
        let (a, b, c, d) = self.product_version;
        format!("{a}.{b}.{c}.{d}")
    }
}

fn keeping(versions: RowVersions) -> Keeping {
    Keeping {
        snapshot: versions.allow_snapshot_isolation,
        read_committed: versions.read_committed_snapshot,
        pending: false,
    }
}

/// All databases over one data directory.
pub struct Instance {
    pub options: InstanceOptions,
    databases: RwLock<BTreeMap<NameKey, Arc<DatabaseEntry>>>,
    state_file: Mutex<StateFile>,
    opener: Arc<dyn DatabaseOpener>,
    pub locks: Arc<LockManager>,
    /// One change of a database's files and filegroups at a time.
    changing_files: Mutex<()>,
    /// One system database gets its files at a time.
    making_system: Mutex<()>,
    /// Names of databases that a statement works on as a whole.
    occupied: Mutex<HashSet<NameKey>>,
}

/// A database is worked on as a whole, until this is dropped.
pub struct Occupied<'i> {
    instance: &'i Instance,
    name: NameKey,
}

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        self.instance.occupied.lock().remove(&self.name);
    }
}

impl Instance {
    /// Opens (or makes) an instance over its data directory. The caller holds the directory's lock. `report` is told of
    /// databases that do not open.
    ///
    /// # Errors
    /// When the directory or its state file cannot be made, read or understood.
    pub fn open(
        options: InstanceOptions,
        opener: Arc<dyn DatabaseOpener>,
        report: &mut dyn FnMut(&str),
    ) -> std::io::Result<Arc<Self>> {
        for folder in ["data", "backup", system_files::FOLDER] {
            create_private(&options.data_directory.join(folder))?;
        }
        let mut state = StateFile::open(&options.data_directory)?;
        opener.decide_in(&options.data_directory.join("decisions")).map_err(std::io::Error::other)?;
        let mut databases = BTreeMap::new();
        for (id, name) in [(MASTER, "master"), (TEMPDB, "tempdb"), (MODEL, "model"), (MSDB, "msdb")] {
            let system: Arc<dyn OnlineDatabase> = Arc::new(SystemDatabase::new(id, name, options.collation));
            insert(&mut databases, entry(id, name, DatabaseState::Online(system), Vec::new()));
        }
        for record in state.records().iter().filter(|r| r.discard).cloned().collect::<Vec<_>>() {
            create::remove_files(&*opener.disk(), &record.files);
            state.remove(record.id)?;
        }
        restoring::take_back_what_placed_nothing(&mut state, &options, &*opener.disk())?;
        // Before the databases open: readers of versions see no locks.
        for (id, versions) in state.row_versions() {
            opener.locks().versions.keep(*id, keeping(*versions));
        }
        let opened = state.records().iter().filter(|r| !r.restoring && !r.offline);
        for id in opened.map(|r| r.id).collect::<Vec<_>>() {
            state.take_moves(id)?;
        }
        for record in state.records() {
            let found = if record.restoring {
                DatabaseState::Restoring
            } else if record.offline {
                DatabaseState::Offline
            } else {
                match opener.open(record.id, &record.name, &record.files) {
                    Ok(d) => DatabaseState::Online(d),
                    // An empty one in its place would hide what people keep in it.
                    Err(reason) if record.id == MASTER => {
                        let path = record.files.first().map(|f| f.path.display().to_string());
                        return Err(std::io::Error::other(format!(
                            "the system database 'master' ({}) could not be opened: {reason}",
                            path.unwrap_or_default()
                        )));
                    }
                    Err(reason) => {
                        report(&format!("database '{}' could not be opened: {reason}", record.name));
                        DatabaseState::RecoveryPending(reason)
                    }
                }
            };
            insert(&mut databases, entry(record.id, &record.name, found, record.files.clone()));
        }
        Ok(Arc::new(Instance {
            options,
            databases: RwLock::new(databases),
            state_file: Mutex::new(state),
            locks: opener.locks(),
            opener,
            changing_files: Mutex::new(()),
            making_system: Mutex::new(()),
            occupied: Mutex::default(),
        }))
    }

    /// ALLOW_SNAPSHOT_ISOLATION and READ_COMMITTED_SNAPSHOT of a database. Comes back when all transactions have ended that
    /// were changing something in it before, or when `give_up` says so.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub fn set_row_versions(
        &self,
        id: i32,
        versions: RowVersions,
        give_up: &dyn Fn() -> bool,
    ) -> std::io::Result<bool> {
        let store = &self.locks.versions;
        let before = store.keeping(id);
        store.keep(id, Keeping { pending: true, ..before });
        let writers = self.locks.writers_of(id);
        while self.locks.writers_of(id).iter().any(|w| writers.contains(w)) {
            if give_up() {
                store.keep(id, before);
                return Ok(false);
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        self.state_file.lock().set_row_versions(id, versions)?;
        store.keep(id, keeping(versions));
        Ok(true)
    }

    pub fn data_directory(&self) -> PathBuf {
        self.options.data_directory.join("data")
    }

    /// Where database files are made and found.
    pub fn disk(&self) -> Arc<dyn Disk> {
        self.opener.disk()
    }

    pub fn backup_directory(&self) -> PathBuf {
        self.options.data_directory.join("backup")
    }

    /// All databases by id.
    pub fn databases(&self) -> Vec<Arc<DatabaseEntry>> {
        let mut all: Vec<_> = self.databases.read().values().cloned().collect();
        all.sort_by_key(|d| d.id);
        all
    }

    pub fn find(&self, name: &str) -> Option<Arc<DatabaseEntry>> {
        self.databases.read().get(&key(name)).cloned()
    }

    pub fn find_id(&self, id: i32) -> Option<Arc<DatabaseEntry>> {
        self.databases.read().values().find(|d| d.id == id).cloned()
    }

    /// The open database of a name.
    ///
    /// # Errors
    /// 911 when there is none, else those of [`DatabaseEntry::online`].
    pub fn online(&self, name: &str) -> SqlResult<Arc<dyn OnlineDatabase>> {
        self.find(name).ok_or_else(|| SqlError::new(911, &[&name]))?.online()
    }

    /// Keeps others from restoring, dropping or detaching a database, or one of that name that is being made; `None`: somebody
    /// has it.
    pub fn occupy(&self, name: &str) -> Option<Occupied<'_>> {
        let name = key(name);
        let new = self.occupied.lock().insert(name.clone());
        // Made only when it is had: dropping it gives the name back.
        new.then(|| Occupied { instance: self, name })
    }

    /// Whether a statement works on the database as a whole.
    pub fn is_occupied(&self, name: &str) -> bool {
        self.occupied.lock().contains(&key(name))
    }

    /// Where the pages of a database are written before they are written over, by the path of its primary data file: the
    /// whole name is part of it, so that no two databases share one.
    pub fn journal_path(primary: &Path) -> PathBuf {
        let mut name = primary.as_os_str().to_owned();
        name.push(".journal");
        PathBuf::from(name)
    }

    /// Forgets a database (its files are the caller's).
    pub fn remove(&self, name: &str) -> std::io::Result<()> {
        let mut databases = self.databases.write();
        if let Some(found) = databases.remove(&key(name)) {
            self.state_file.lock().remove(found.id)?;
            self.opener.forget(found.id);
        }
        Ok(())
    }

    /// Closes every open database: their files are complete without a recovery.
    pub fn close(&self) -> Vec<SqlError> {
        let close = |d: &Arc<DatabaseEntry>| match d.state() {
            DatabaseState::Online(open) => open.close().err(),
            _ => None,
        };
        self.databases().iter().filter_map(close).collect()
    }

    /// The database that uses a file, if any does.
    pub fn user_of_file(&self, path: &Path) -> Option<Arc<str>> {
        user_of(&self.databases.read(), path)
    }
}

/// The database that uses a file, however the path to it is written.
fn user_of(databases: &BTreeMap<NameKey, Arc<DatabaseEntry>>, path: &Path) -> Option<Arc<str>> {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let wanted = identity(path);
    let same = |other: &Path| other == path || wanted.is_some() && identity(other) == wanted;
    // Its journal, too.
    let uses = |f: &FileRecord| same(&f.path) || !f.is_log && same(&Instance::journal_path(&f.path));
    let user = databases.values().find(|d| d.files.read().iter().any(uses))?;
    Some(Arc::clone(&user.name))
}

fn entry(id: i32, name: &str, state: DatabaseState, files: Vec<FileRecord>) -> Arc<DatabaseEntry> {
    Arc::new(DatabaseEntry {
        id,
        name: name.into(),
        state: RwLock::new(state),
        files: RwLock::new(files),
        exclusive: Mutex::new(()),
    })
}

/// Names of databases are compared as the instance does.
fn key(name: &str) -> NameKey {
    NameOrder::instance().key(name)
}

fn insert(databases: &mut BTreeMap<NameKey, Arc<DatabaseEntry>>, e: Arc<DatabaseEntry>) {
    databases.insert(key(&e.name), e);
}

/// Makes a folder that only its owner can enter.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests;
