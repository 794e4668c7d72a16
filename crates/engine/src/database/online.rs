//! An open database of the instance: its catalog snapshot and what its pages say about the database itself.
//!
//! Invariants
//! 1. Everything here is read from the pages given; paths are those the opener gives, never those stored inside.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_base::{FileId, PageId};
use holdfast_format::file_header::FileHeader;
use holdfast_format::{FormatError, PageSource};
use holdfast_storage::recovery::RecoveryError;
use holdfast_storage::recovery::database::Losers;
use holdfast_storage::recovery::log_growth::LogGrowth;
use holdfast_storage::write::{Counts, LoggedDatabase};
use holdfast_types::{CollationId, DateTime, SqlError, SqlResult, Value};
use parking_lot::{Mutex, RwLock};

use super::DatabaseCatalog;
use crate::catalog::Catalog;
use crate::instance::log_file::forget_unnamed;
use crate::instance::{BaseTable, DatabaseIdentity, DatabaseProperties, FileProperties, OnlineDatabase};
use crate::lock::LockManager;
use crate::stored::LiveRowsets;
use crate::write::losers::TakenOver;
use crate::write::{Writing, counts};

/// Bits of the boot page's status (those of sysdatabases.status).
mod status {
    pub const BULK_LOGGED: u32 = 0x4;
    pub const SIMPLE: u32 = 0x8;
    pub const TORN_PAGE_DETECTION: u32 = 0x10;
    pub const READ_ONLY: u32 = 0x400;
    pub const CHECKSUM: u32 = 0x1_0000;
}

/// Class of sysclsobjs whose rows are filegroups.
const FILEGROUPS: i64 = 31;

/// A database over its pages.
pub struct StoredDatabase {
    id: i32,
    name: Arc<str>,
    source: Arc<dyn PageSource>,
    paths: Vec<(FileId, PathBuf)>,
    live: Arc<LiveRowsets>,
    writing: Option<Arc<Writing>>,
    current: RwLock<Snapshot>,
    generation: AtomicU64,
    /// Whoever reads the catalogue later puts it in place later.
    refreshing: Mutex<()>,
    /// Transactions of before the start that are still being rolled back.
    losers: Option<Arc<TakenOver>>,
}

/// What was read from the catalogue at one moment.
#[derive(Clone)]
struct Snapshot {
    catalog: Arc<DatabaseCatalog>,
    properties: DatabaseProperties,
}

impl StoredDatabase {
    /// Opens the database in `source` for reading; `paths` names its files (data and log) by id.
    pub fn open(
        id: i32,
        name: &str,
        source: Arc<dyn PageSource>,
        paths: &[(FileId, PathBuf)],
    ) -> Result<Self, FormatError> {
        Self::open_with(id, name, source, paths, Arc::default(), None)
    }

    /// Opens a recovered database for changes. What recovery has left open it takes over; the caller sees to it that somebody
    /// rolls it back ([`Self::losers`]).
    pub fn open_writable(
        id: i32,
        name: &str,
        logged: Arc<LoggedDatabase>,
        losers: Option<Losers>,
        paths: &[(FileId, PathBuf)],
        locks: Arc<LockManager>,
    ) -> Result<Self, FormatError> {
        let source: Arc<dyn PageSource> = Arc::clone(logged.pages()) as Arc<dyn PageSource>;
        let live: Arc<LiveRowsets> = Arc::default();
        let writing = Arc::new(Writing::new(id, Arc::clone(&logged), Arc::clone(&live), locks));
        let mut database = Self::open_with(id, name, source, paths, live, Some(Arc::clone(&writing)))?;
        let changes = logged.take_recovered_counts();
        let catalog = database.stored_catalog();
        let failed = |e: RecoveryError| FormatError::catalog(e.to_string());
        counts::free_leftovers(&logged, catalog.storage(), &changes).map_err(failed)?;
        counts::restore(&**catalog.source(), catalog.storage(), &database.live, &changes)?;
        let logs: Vec<i32> = {
            let current = database.current.read();
            current.properties.files.iter().filter(|f| f.is_log).map(|f| f.file_id).collect()
        };
        if !logs.is_empty() {
            forget_unnamed(&writing, &logs);
        }
        let counts: Arc<dyn Counts> = Arc::clone(&writing) as Arc<dyn Counts>;
        logged.set_counts(Arc::downgrade(&counts));
        if let Some(losers) = losers {
            let (taken, whole) = TakenOver::new(&writing, catalog.storage(), losers);
            if !whole {
                taken.finish().map_err(failed)?;
                database.refresh().map_err(|e| FormatError::catalog(e.to_string()))?;
            }
            database.losers = Some(taken);
        }
        Ok(database)
    }

    fn open_with(
        id: i32,
        name: &str,
        source: Arc<dyn PageSource>,
        paths: &[(FileId, PathBuf)],
        live: Arc<LiveRowsets>,
        writing: Option<Arc<Writing>>,
    ) -> Result<Self, FormatError> {
        let snapshot = read(id, name, &source, paths, &live, &writing)?;
        Ok(StoredDatabase {
            id,
            name: name.into(),
            source,
            paths: paths.to_vec(),
            live,
            writing,
            current: RwLock::new(snapshot),
            refreshing: Mutex::new(()),
            generation: AtomicU64::new(0),
            losers: None,
        })
    }

    pub fn stored_catalog(&self) -> Arc<DatabaseCatalog> {
        Arc::clone(&self.current.read().catalog)
    }

    /// The transactions that recovery left open.
    pub fn losers(&self) -> Option<&Arc<TakenOver>> {
        self.losers.as_ref()
    }

    /// The changing side; `None` when the database is only read.
    pub fn writing(&self) -> Option<&Arc<Writing>> {
        self.writing.as_ref()
    }
}

fn read(
    id: i32,
    name: &str,
    source: &Arc<dyn PageSource>,
    paths: &[(FileId, PathBuf)],
    live: &Arc<LiveRowsets>,
    writing: &Option<Arc<Writing>>,
) -> Result<Snapshot, FormatError> {
    let (catalog, properties) = live.steady(|| {
        let source = Arc::clone(source);
        let catalog = DatabaseCatalog::open_live(id, Some(name), source, Arc::clone(live), writing.clone())?;
        let properties = properties(&catalog, paths)?;
        Ok::<_, FormatError>((catalog, properties))
    })?;
    let mut files: HashMap<i16, Vec<FileId>> = HashMap::new();
    for file in properties.files.iter().filter(|f| !f.is_log) {
        if let (Ok(group), Ok(id)) = (i16::try_from(file.filegroup_id), FileId::try_from(file.file_id)) {
            files.entry(group).or_default().push(id);
        }
    }
    let mut names = HashMap::new();
    for row in catalog.base_table("sysclsobjs")?.iter().filter(|r| r.int("class") == FILEGROUPS) {
        names.extend(i16::try_from(row.int("id")).ok().map(|id| (id, row.text("name").to_owned())));
    }
    live.set_files(files, names);
    if let Some(writing) = writing {
        writing.open_catalog(&catalog)?;
        writing.logged.set_name(name);
        // Version 611 says it in page 0 of the log file alone, which recovery has read.
        let listed = catalog.base_table("sysprufiles")?.iter().next().is_some();
        for file in properties.files.iter().filter(|f| f.is_log && listed) {
            let growth =
                LogGrowth::of_settings(file.growth.unsigned_abs(), file.percent_growth, file.max_size);
            writing.logged.log().with_writer(|w| w.set_growth_of(file.file_id, growth));
        }
    }
    Ok(Snapshot { catalog, properties })
}

/// Facts from boot page, file headers and file catalog.
pub fn properties(
    catalog: &DatabaseCatalog,
    paths: &[(FileId, PathBuf)],
) -> Result<DatabaseProperties, FormatError> {
    let boot = &catalog.storage().boot;
    let source = &**catalog.source();
    let mut files = Vec::new();
    for row in catalog.base_table("sysprufiles")?.iter() {
        let file_id = row.i32("fileid");
        let is_log = row.int("filetype") == 1;
        let id = FileId::try_from(file_id).unwrap_or(0);
        let header = if is_log {
            None
        } else {
            source.page(PageId::new(id, 0)).ok().and_then(|page| FileHeader::read(&page).ok())
        };
        let guid = match row.value("fileguid") {
            holdfast_format::catalog::BaseValue::Guid(g) => Some(*g),
            _ => None,
        };
        files.push(FileProperties {
            file_id,
            is_log,
            filegroup_id: row.i32("grpid"),
            logical_name: row.text("lname").to_owned(),
            path: path_of(paths, id, row.text("pname")),
            size: header.as_ref().map_or(row.i32("size"), |h| h.size as i32),
            max_size: row.i32("maxsize"),
            growth: row.i32("growth"),
            percent_growth: row.int("status") & 0x20 != 0,
            guid,
        });
    }
    if files.is_empty() {
        // Version 611 has only sysfiles1; sizes come from the file headers.
        for row in catalog.base_table("sysfiles1")?.iter() {
            let file_id = row.i32("fileid");
            let id = FileId::try_from(file_id).unwrap_or(0);
            let is_log = row.int("status") & 0x40 != 0;
            let header = source.page(PageId::new(id, 0)).ok().and_then(|page| FileHeader::read(&page).ok());
            let header = header.filter(|_| !is_log).unwrap_or_default();
            files.push(FileProperties {
                file_id,
                is_log,
                filegroup_id: i32::from(header.filegroup_id),
                logical_name: row.text("name").trim_end().to_owned(),
                path: path_of(paths, id, row.text("filename").trim_end()),
                size: header.size as i32,
                max_size: header.max_size,
                growth: header.growth as i32,
                percent_growth: row.int("status") & 0x10_0000 != 0,
                guid: (!is_log).then_some(header.file_guid),
            });
        }
    }
    let primary = source.page(PageId::new(1, 0)).ok().and_then(|page| FileHeader::read(&page).ok());
    let owner_sid = catalog
        .base_table("sysowners")?
        .iter()
        .find(|r| r.i32("id") == 1)
        .map(|r| r.bytes("sid").to_vec())
        .unwrap_or_default();
    Ok(DatabaseProperties {
        created: DateTime { days: boot.created.days, ticks: boot.created.ticks },
        compatibility_level: catalog.compatibility_level(),
        collation: CollationId(boot.collation),
        recovery_model: match boot.status {
            s if s & status::SIMPLE != 0 => 3,
            s if s & status::BULK_LOGGED != 0 => 2,
            _ => 1,
        },
        read_only: boot.status & status::READ_ONLY != 0,
        version: i32::from(boot.version),
        page_verify: match boot.status {
            s if s & status::CHECKSUM != 0 => 2,
            s if s & status::TORN_PAGE_DETECTION != 0 => 1,
            _ => 0,
        },
        owner_sid,
        identity: Some(DatabaseIdentity {
            binding: primary.map(|h| h.binding_id).unwrap_or_default(),
            family: boot.family_guid,
            recovery_fork: boot.recovery_fork_guid,
        }),
        files,
    })
}

/// Where a file is now; the stored name when the opener does not say.
fn path_of(paths: &[(FileId, PathBuf)], id: FileId, stored: &str) -> PathBuf {
    paths.iter().find(|(file, _)| *file == id).map_or_else(|| PathBuf::from(stored), |(_, path)| path.clone())
}

impl OnlineDatabase for StoredDatabase {
    fn catalog(&self) -> Arc<dyn Catalog> {
        self.stored_catalog()
    }

    fn base_table(&self, name: &str) -> SqlResult<BaseTable> {
        self.stored_catalog().base_values(name)
    }

    fn properties(&self) -> DatabaseProperties {
        let mut properties = self.current.read().properties.clone();
        // Files grow without a change of the catalogue.
        for file in &mut properties.files {
            let pages = match (&self.writing, FileId::try_from(file.file_id)) {
                (Some(writing), _) if file.is_log => writing.logged.log().pages_of(file.file_id),
                (Some(_), Ok(id)) if !file.is_log => Some(self.source.page_count(id)),
                _ => None,
            };
            if let Some(pages) = pages.filter(|&n| n > 0) {
                file.size = i32::try_from(pages).unwrap_or(i32::MAX);
            }
        }
        properties
    }

    fn stored(&self) -> Option<Arc<DatabaseCatalog>> {
        Some(self.stored_catalog())
    }

    fn family(&self) -> Option<[u8; 16]> {
        Some(self.stored_catalog().storage().boot.family_guid)
    }

    fn last_row_version(&self) -> SqlResult<Option<u64>> {
        self.writing.as_ref().map(|w| w.row_versions.last(w)).transpose()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn refresh(&self) -> SqlResult<()> {
        let _one = self.refreshing.lock();
        let new = read(self.id, &self.name, &self.source, &self.paths, &self.live, &self.writing)
            .map_err(|e| crate::page_error(&e))?;
        if let Some(writing) = &self.writing {
            let now = |object| super::tables::identity_column(&new.catalog, object);
            writing.identities.reconcile(writing, now);
        }
        *self.current.write() = new;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn checkpoint(&self) -> SqlResult<()> {
        match &self.writing {
            Some(writing) => {
                writing.logged.checkpoint().map(|_| ()).map_err(|e| crate::write::writing::failure(&e))
            }
            None => Ok(()),
        }
    }

    fn check(&self) -> SqlResult<crate::check::Report> {
        // Between two stretches of a rollback large values and moved rows are there by half.
        self.recover_wholly()?;
        let look = || {
            // Asked while nothing changes: whoever has changed something still holds locks on it.
            let beside = match &self.writing {
                Some(writing) => crate::check::Beside {
                    busy: writing.locks.changed_objects(self.id),
                    defining: writing.locks.defining.load(Ordering::SeqCst) > 0,
                },
                None => Default::default(),
            };
            crate::check::check_beside(&self.source, &beside, &mut |_, _| {})
        };
        match &self.writing {
            Some(writing) => writing.logged.quiet(look).map_err(|e| crate::write::writing::failure(&e)),
            None => Ok(look()),
        }
    }

    fn failed(&self) -> Option<String> {
        self.writing.as_ref().filter(|w| w.logged.has_failed()).and_then(|w| w.logged.stopped())
    }

    fn recover_wholly(&self) -> SqlResult<()> {
        let Some(losers) = &self.losers else { return Ok(()) };
        match losers.finish() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let text = "Transactions that were open when the log of the database ended have not been rolled back.";
                Err(SqlError::with_text(3414, 16, text))
            }
            Err(e) => Err(crate::write::writing::failure(&e)),
        }
    }

    fn close(&self) -> SqlResult<()> {
        match &self.writing {
            Some(writing) => {
                writing.ending.close();
                if let Some(losers) = &self.losers {
                    losers.cancel();
                }
                // While something is open, its log is needed. Where it cannot be noted, the database is not attached without its
                // log, and that is all.
                let rolled_back = self.losers.as_ref().is_none_or(|l| l.has_finished());
                if rolled_back && !writing.logged.has_open_transactions() {
                    let _ = crate::ddl::boot::set_closed(writing, true);
                }
                let done = writing.logged.checkpoint();
                writing.logged.close("it was closed");
                self.leave_losers();
                done.map(|_| ()).map_err(|e| crate::write::writing::failure(&e))
            }
            None => Ok(()),
        }
    }
}

impl StoredDatabase {
    /// Before anything is changed the files say that they are in use: without their log they are not whole from here on.
    pub fn in_use(&self) -> SqlResult<()> {
        let Some(writing) = &self.writing else { return Ok(()) };
        let failed = |e| crate::write::writing::failure(&e);
        if crate::ddl::boot::set_closed(writing, false).map_err(failed)? {
            writing.logged.checkpoint().map_err(failed)?;
        }
        Ok(())
    }
}

impl Drop for StoredDatabase {
    fn drop(&mut self) {
        if let (Some(losers), Some(writing)) = (&self.losers, &self.writing) {
            // Nobody writes behind an opening that comes after this one.
            losers.cancel();
            writing.logged.close("it was closed");
            self.leave_losers();
        }
    }
}

impl StoredDatabase {
    /// Lets go of what keeps others from what losers changed, which nobody may read from here on.
    fn leave_losers(&self) {
        if let (Some(losers), Some(writing)) = (&self.losers, &self.writing) {
            if !losers.has_finished() {
                writing.leave_open();
            }
            losers.release();
        }
    }
}

/// All rows of a base table as values; for tests and tools.
pub fn rows_of(database: &dyn OnlineDatabase, table: &str) -> SqlResult<Vec<Vec<Value>>> {
    database.base_table(table).map(|t| t.1)
}
