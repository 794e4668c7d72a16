//! Making and removing databases: CREATE DATABASE, DROP DATABASE, attach and detach.
//!
//! Invariants
//! 1. A database that is being made or removed is listed in the state file as to be discarded before its first file is
//!    touched; the next start removes the files of such a record. So a crash leaves the whole database or nothing of it.
//! 2. A file that was there before is never overwritten: making a database fails (5170) when one of its names is taken.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use holdfast_base::world::Entropy;
use holdfast_base::{FileId, PAGE_SIZE};
use holdfast_disk::{Disk, DiskError, Operation};
use holdfast_format::page::PageBytes;
use holdfast_generator::database::{CHECKPOINT, Database, FileSpec, NewDatabase, empty_data_file};
use holdfast_generator::fixed::Identity;
use holdfast_generator::template::Version;
use holdfast_storage::recovery::FilePages;
use holdfast_storage::recovery::log_writer::vlf_header_bytes;
use holdfast_storage::restore::log_files::{LogFileFacts, log_header_page};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType};

use super::state_file::DatabaseRecord;
use super::{DatabaseEntry, DatabaseState, FileRecord, Instance, OnlineDatabase, entry, key, user_of};

/// A file as CREATE DATABASE wants it.
#[derive(Clone, Debug)]
pub struct NewFile {
    pub log: bool,
    /// 1 PRIMARY; 0 for log files.
    pub filegroup: u16,
    pub logical_name: String,
    pub path: PathBuf,
    /// Pages.
    pub size: u32,
    /// Pages; `None` unlimited.
    pub max_size: Option<u32>,
    /// Pages or percent.
    pub growth: u32,
    pub percent: bool,
}

/// A database as CREATE DATABASE wants it.
#[derive(Clone, Debug)]
pub struct NewDatabaseOptions {
    pub name: String,
    pub collation: CollationId,
    /// Data files first, the primary one at the head; then log files.
    pub files: Vec<NewFile>,
    /// Filegroups besides PRIMARY: id, name, whether it is the default one.
    pub filegroups: Vec<(u16, String, bool)>,
    pub compatibility_level: u16,
    /// Bits of the boot page's status.
    pub status: u32,
}

/// Pages of a new data file when nothing else is said: 8 MiB, as model has since 2016.
pub const DEFAULT_PAGES: u32 = 1024;
/// Growth when nothing else is said: 64 MiB.
pub const DEFAULT_GROWTH: u32 = 8192;
/// Smallest primary file: room for the catalogue (3 MiB).
pub const LEAST_PRIMARY_PAGES: u32 = 384;
/// Smallest log file and smallest further data file.
pub const LEAST_PAGES: u32 = 64;

/// 5123, or 5149 for space: the operating system's refusal.
pub(super) fn refused(e: &DiskError) -> SqlError {
    let number = if e.operation == Operation::Resize { 5149 } else { 5123 };
    SqlError::new(number, &[&format!("{}({})", e.code, e.message), &e.path.display()])
}

/// The bytes of a data file's pages, written in runs.
pub(super) fn write_pages<'a>(
    disk: &dyn Disk,
    path: &std::path::Path,
    size: u32,
    pages: impl Iterator<Item = (u32, &'a PageBytes)>,
) -> Result<(), DiskError> {
    let file = disk.create(path)?;
    file.allocate(u64::from(size) * PAGE_SIZE as u64)?;
    let mut run: Vec<u8> = Vec::new();
    let mut start = 0;
    for (number, bytes) in pages {
        let next = start + (run.len() / PAGE_SIZE) as u32;
        if number != next || run.len() >= 1 << 20 {
            if !run.is_empty() {
                file.write_at(u64::from(start) * PAGE_SIZE as u64, &run)?;
            }
            run.clear();
            start = number;
        }
        run.extend_from_slice(bytes);
    }
    if !run.is_empty() {
        file.write_at(u64::from(start) * PAGE_SIZE as u64, &run)?;
    }
    file.sync()
}

/// Writes all files of a new database and makes them durable.
fn write_files(disk: &dyn Disk, new: &NewDatabase) -> SqlResult<()> {
    let failed = |e: DiskError| refused(&e);
    let built = Database::create(new, &[]).map_err(|e| SqlError::with_text(1803, 16, e.to_string()))?;
    let mut data: BTreeMap<FileId, Arc<dyn holdfast_disk::DiskFile>> = BTreeMap::new();
    for f in new.files.iter().filter(|f| !f.log) {
        let path = std::path::Path::new(&f.physical_name);
        if f.id == 1 {
            write_pages(disk, path, built.file_pages, built.pages()).map_err(failed)?;
        } else {
            let pages = empty_data_file(new, f).map_err(|e| SqlError::with_text(1803, 16, e.to_string()))?;
            write_pages(disk, path, f.size, pages.iter().map(|(n, p)| (*n, p))).map_err(failed)?;
        }
        data.insert(f.id, disk.open(path, true).map_err(failed)?);
    }
    let internal = |e: &dyn std::fmt::Display| SqlError::with_text(1803, 16, e.to_string());
    let mut pages = FilePages::new(data, 64, None).map_err(|e| internal(&e))?;
    for (n, f) in new.files.iter().filter(|f| f.log).enumerate() {
        let path = std::path::Path::new(&f.physical_name);
        let file = disk.create(path).map_err(failed)?;
        let size = u64::from(f.size) * PAGE_SIZE as u64;
        file.allocate(size).map_err(failed)?;
        let facts = LogFileFacts {
            file_id: f.id,
            name: f.logical_name.clone(),
            max_size: f.max_size.map_or(0x1000_0000, |m| i32::try_from(m).unwrap_or(i32::MAX)),
            growth: f.growth,
            sector_size: 512,
            file_guid: f.guid,
            lsn: CHECKPOINT,
        };
        let page = log_header_page(&mut pages, &facts, size).map_err(|e| internal(&e))?;
        file.write_at(0, page.as_slice()).map_err(failed)?;
        for vlf in holdfast_generator::log::headers(f.size, (n == 0).then_some(CHECKPOINT.vlf)) {
            file.write_at(vlf.offset, &vlf_header_bytes(&vlf, 0)).map_err(failed)?;
            if vlf.sequence != 0 {
                let (block, _) = holdfast_generator::log::first_block(
                    new.version,
                    CHECKPOINT,
                    new.identity.created_stored(),
                );
                file.write_at(vlf.block_offset(CHECKPOINT.block), &block).map_err(failed)?;
            }
        }
        file.sync().map_err(failed)?;
    }
    let mut folders: Vec<PathBuf> = new
        .files
        .iter()
        .filter_map(|f| std::path::Path::new(&f.physical_name).parent().map(std::path::Path::to_path_buf))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        disk.sync_directory(&folder).map_err(failed)?;
    }
    Ok(())
}

impl NewDatabaseOptions {
    pub(super) fn records(&self) -> Vec<FileRecord> {
        let each = self.files.iter().enumerate().map(|(i, f)| FileRecord {
            file_id: file_id(&self.files, i),
            is_log: f.log,
            logical_name: f.logical_name.clone(),
            path: f.path.clone(),
        });
        each.collect()
    }
}

/// The primary file has id 1, the first log file 2, the others follow in order, as the server numbers them.
fn file_id(files: &[NewFile], index: usize) -> u16 {
    let first_log = files.iter().position(|f| f.log).unwrap_or(files.len());
    let id = match index {
        0 => 1,
        i if i == first_log => 2,
        i if i < first_log => i + 2,
        i => i + 1,
    };
    u16::try_from(id).unwrap_or(u16::MAX)
}

impl Instance {
    /// Makes a database and opens it. `created` is local time in seconds since 1970.
    ///
    /// # Errors
    /// 1801 when the name is taken, 5170 when a file is there, 5123 when one cannot be made.
    pub fn create_database(
        &self,
        new: &NewDatabaseOptions,
        created: i64,
        entropy: &dyn Entropy,
    ) -> SqlResult<Arc<DatabaseEntry>> {
        let disk = self.opener.disk();
        let records = new.records();
        let id = self.reserve(&new.name, &records)?;
        match self.build(id, new, &records, created, entropy) {
            Ok(online) => self.list(id, &new.name, DatabaseState::Online(online), records),
            Err(e) => {
                self.discard(&*disk, id, &new.name, &records)?;
                Err(e)
            }
        }
    }

    /// Makes the files of a database and opens it.
    pub(super) fn build(
        &self,
        id: i32,
        new: &NewDatabaseOptions,
        records: &[FileRecord],
        created: i64,
        entropy: &dyn Entropy,
    ) -> SqlResult<Arc<dyn OnlineDatabase>> {
        let mut identity = Identity::random(&new.name, created, &mut || entropy.guid());
        let files: Vec<FileSpec> = new
            .files
            .iter()
            .zip(records)
            .map(|(f, r)| FileSpec {
                id: r.file_id,
                log: f.log,
                filegroup: f.filegroup,
                logical_name: f.logical_name.clone(),
                physical_name: f.path.to_string_lossy().into_owned(),
                guid: entropy.guid(),
                size: f.size,
                max_size: f.max_size,
                growth: f.growth,
                percent: f.percent,
            })
            .collect();
        if let Some(first) = files.first() {
            identity.data_file = first.guid;
        }
        let names = holdfast_types::collation::of(&SqlType::sysname(new.collation));
        let spec = NewDatabase {
            version: Version::V706,
            identity,
            collation: new.collation.0,
            name_order: Arc::new(move |a, b| names.compare(a, b)),
            status: new.status,
            compatibility: new.compatibility_level,
            database_id: u16::try_from(id).unwrap_or(u16::MAX),
            files,
            filegroups: new.filegroups.clone(),
            backed_up: false,
        };
        write_files(&*self.opener.disk(), &spec)?;
        self.opener
            .open(id, &new.name, records)
            .map_err(|e| SqlError::with_text(1803, 16, format!("The new database does not open: {e}")))
    }

    /// Takes name, id and files (invariant 1).
    fn reserve(&self, name: &str, files: &[FileRecord]) -> SqlResult<i32> {
        let mut databases = self.databases.write();
        if databases.contains_key(&key(name)) {
            return Err(SqlError::new(1801, &[&name]));
        }
        let disk = self.opener.disk();
        for (i, f) in files.iter().enumerate() {
            let shown = f.path.display();
            if let Some(user) = user_of(&databases, &f.path) {
                return Err(SqlError::new(1834, &[&shown, &user]));
            }
            if files.iter().take(i).any(|o| o.path == f.path) || disk.exists(&f.path) {
                return Err(SqlError::new(5170, &[&shown]));
            }
        }
        let id = (5..).find(|i| databases.values().all(|d| d.id != *i)).unwrap_or(i32::MAX);
        self.put(DatabaseRecord {
            discard: true,
            ..DatabaseRecord::online(id, name.to_owned(), files.to_vec())
        })?;
        // Nobody can enter before it is whole.
        databases.insert(key(name), entry(id, name, DatabaseState::Offline, files.to_vec()));
        Ok(id)
    }

    pub(super) fn put(&self, record: DatabaseRecord) -> SqlResult<()> {
        self.state_file.lock().put(record).map_err(|e| SqlError::with_text(5123, 16, e.to_string()))
    }

    /// Lists a whole database.
    fn list(
        &self,
        id: i32,
        name: &str,
        state: DatabaseState,
        files: Vec<FileRecord>,
    ) -> SqlResult<Arc<DatabaseEntry>> {
        self.put(DatabaseRecord::online(id, name.to_owned(), files.clone()))?;
        let new = entry(id, name, state, files);
        self.databases.write().insert(key(name), Arc::clone(&new));
        Ok(new)
    }

    fn discard(&self, disk: &dyn Disk, id: i32, name: &str, files: &[FileRecord]) -> SqlResult<()> {
        self.databases.write().remove(&key(name));
        remove_files(disk, files);
        self.state_file.lock().remove(id).map_err(|e| SqlError::with_text(5123, 16, e.to_string()))
    }

    /// Removes a database and its files. The caller has made sure that nobody uses it. Files of one that is offline or does not open stay
    /// (documented at DROP DATABASE): where it is said to have some, another's may be ([`Self::move_file`]).
    pub fn drop_database(&self, name: &str) -> SqlResult<()> {
        let found = self.find(name).ok_or_else(|| SqlError::new(3701, &[&"drop", &"database", &name]))?;
        let files = found.files.read().clone();
        if matches!(found.state(), DatabaseState::Offline | DatabaseState::RecoveryPending(_)) {
            return self.discard(&*self.opener.disk(), found.id, &found.name, &[]);
        }
        self.put(DatabaseRecord {
            discard: true,
            ..DatabaseRecord::online(found.id, found.name.to_string(), files.clone())
        })?;
        let was = std::mem::replace(&mut *found.state.write(), DatabaseState::Offline);
        if let DatabaseState::Online(open) = was {
            // Its files go away in any case.
            let _ = open.close();
        }
        let disk = self.opener.disk();
        let state = self.restore_state_path(found.id);
        if disk.exists(&state) {
            // Gone already is as good.
            let _ = disk.remove(&state);
        }
        self.discard(&*disk, found.id, &found.name, &files)
    }

    /// Closes a database cleanly and forgets it; its files stay. Answers them.
    pub fn detach_database(&self, name: &str) -> SqlResult<Vec<FileRecord>> {
        let found = self.find(name).ok_or_else(|| SqlError::new(15010, &[&name]))?;
        let online = found.online()?;
        online.recover_wholly()?;
        online.close()?;
        let files = found.files.read().clone();
        // Closed cleanly: its journal is empty.
        remove_journals(&*self.opener.disk(), &files);
        *found.state.write() = DatabaseState::Offline;
        self.databases.write().remove(&key(name));
        self.state_file.lock().remove(found.id).map_err(|e| SqlError::with_text(5123, 16, e.to_string()))?;
        Ok(files)
    }

    /// Lists and opens a database whose files are there.
    ///
    /// # Errors
    /// 1801, 1834; 1813 with the opener's reason.
    pub fn attach_database(&self, name: &str, files: Vec<FileRecord>) -> SqlResult<Arc<DatabaseEntry>> {
        let id = {
            let mut databases = self.databases.write();
            if databases.contains_key(&key(name)) {
                return Err(SqlError::new(1801, &[&name]));
            }
            for f in &files {
                if let Some(user) = user_of(&databases, &f.path) {
                    return Err(SqlError::new(1834, &[&f.path.display(), &user]));
                }
            }
            let id = (5..).find(|i| databases.values().all(|d| d.id != *i)).unwrap_or(i32::MAX);
            databases.insert(key(name), entry(id, name, DatabaseState::Offline, files.clone()));
            id
        };
        match self.opener.open(id, name, &files) {
            Ok(online) => self.list(id, name, DatabaseState::Online(online), files),
            Err(reason) => {
                self.databases.write().remove(&key(name));
                let mut e = SqlError::new(1813, &[&name]);
                e.message = format!("{} [{reason}]", e.message);
                Err(e)
            }
        }
    }

    /// Gives a database another name. The caller has made sure that nobody uses it.
    pub fn rename_database(&self, name: &str, new: &str) -> SqlResult<()> {
        let found = self.find(name).ok_or_else(|| SqlError::new(911, &[&name]))?;
        let files = found.files.read().clone();
        {
            let databases = self.databases.read();
            if databases.get(&key(new)).is_some_and(|d| d.id != found.id) {
                return Err(SqlError::new(1801, &[&new]));
            }
        }
        let online = found.online()?;
        online.close()?;
        self.put(DatabaseRecord::online(found.id, new.to_owned(), files.clone()))?;
        drop(online);
        *found.state.write() = DatabaseState::Offline;
        self.databases.write().remove(&key(name));
        let state = match self.opener.open(found.id, new, &files) {
            Ok(d) => DatabaseState::Online(d),
            Err(reason) => DatabaseState::RecoveryPending(reason),
        };
        self.databases.write().insert(key(new), entry(found.id, new, state, files));
        Ok(())
    }
}

/// Removes the page journals of a database: what they hold must not be put back over other contents.
pub(super) fn remove_journals(disk: &dyn Disk, files: &[FileRecord]) {
    for f in files.iter().filter(|f| !f.is_log && f.file_id == 1) {
        let journal = Instance::journal_path(&f.path);
        if disk.exists(&journal) {
            let _ = disk.remove(&journal);
        }
    }
}

/// Removes the files of a database that was being made or dropped; one that is not there is as good.
pub(super) fn remove_files(disk: &dyn Disk, files: &[FileRecord]) {
    remove_journals(disk, files);
    for f in files {
        if disk.exists(&f.path) {
            let _ = disk.remove(&f.path);
        }
    }
}
