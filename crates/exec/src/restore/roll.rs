//! The storage side of one restore step: pages to their files, log rolled over them, recovery at the end.

use std::collections::BTreeMap;
use std::path::Path;

use holdfast_backup::chain::Progress;
use holdfast_backup::config::flags;
use holdfast_backup::{BackupSet, Configuration, FileKind};
use holdfast_base::PAGE_SIZE;
use holdfast_base::world::{Clock, Entropy, SystemEntropy};
use holdfast_disk::{Disk, DiskError, Operation, RealDisk};
use holdfast_engine::instance::{FileRecord, Instance};
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::log::LogTime;
use holdfast_storage::restore::{
    Identity, PlaceError, RestoreError, RestoreOptions, RestoreState, RestoreTarget, check_set,
    recover as finish, restore_set,
};
use holdfast_types::{DateTime, SqlError, SqlResult};

use super::devices::os_text;
use super::errors::message;
use crate::host::local_datetime;

/// One step: a full, differential or log backup set over files.
pub struct Roll<'a> {
    pub set: &'a BackupSet,
    pub configuration: &'a Configuration,
    pub files: &'a [FileRecord],
    /// Files of the database that is replaced.
    pub replaced: &'a [FileRecord],
    /// The state between steps.
    pub state: &'a Path,
    /// Highest database version that is taken.
    pub newest_version: i32,
    /// CHECKSUM / NO_CHECKSUM when given; otherwise a set with checksums is verified, one without is not: as SQL Server does.
    pub verify: Option<bool>,
    pub continue_after_error: bool,
    pub stop_at: Option<DateTime>,
    pub workers: usize,
    pub database: &'a str,
}

/// What was done, for the messages.
#[derive(Debug, Default)]
pub struct Rolled {
    /// Pages (data) or 8 KiB units of log, per file id.
    pub pages: BTreeMap<u16, u64>,
    pub damaged: usize,
    /// STOPAT was reached.
    pub stopped: bool,
}

impl Roll<'_> {
    /// Everything that can fail without a byte of the files that are there being written over: what the set is, whether each
    /// file can be made or written and the state be kept. Leaves nothing behind.
    ///
    /// # Errors
    /// The messages, as [`Self::run`] would answer them.
    pub fn prepare(&self) -> Result<(), Vec<SqlError>> {
        check_set(self.set, self.options()).map_err(|e| self.failure(&e))?;
        for f in self.files {
            self.probe(&f.path).map_err(|e| self.failure(&RestoreError::Disk(e)))?;
        }
        let new = self.state.with_extension("restore.new");
        let written = RealDisk.create(&new).and_then(|file| {
            file.write_at(0, &[0; PAGE_SIZE])?;
            file.sync()
        });
        if RealDisk.exists(&new) {
            // Written over by the state itself.
            let _ = RealDisk.remove(&new);
        }
        written.map_err(|e| self.failure(&RestoreError::Disk(e)))
    }

    /// Whether a file can be written; one that is there stays as it is.
    fn probe(&self, path: &Path) -> Result<(), DiskError> {
        const EISDIR: i32 = 21;
        const EINVAL: i32 = 22;
        match std::fs::metadata(path) {
            Ok(m) if !m.is_file() => {
                let code = if m.is_dir() { EISDIR } else { EINVAL };
                let error = std::io::Error::from_raw_os_error(code);
                Err(DiskError::new(path, Operation::Create, 0, &error))
            }
            Ok(_) => RealDisk.open(path, true).map(drop),
            Err(_) => {
                RealDisk.create(path)?;
                RealDisk.remove(path)
            }
        }
    }

    fn options(&self) -> RestoreOptions {
        RestoreOptions {
            newest_version: u16::try_from(self.newest_version).unwrap_or(u16::MAX),
            verify: self.verify.unwrap_or_else(|| self.configuration.set.has(flags::CHECKSUMS)),
            continue_after_error: self.continue_after_error,
            workers: self.workers,
            // Days before 1900 lie before every commit.
            stop_at: self.stop_at.map(|t| match u32::try_from(t.days) {
                Ok(days) => LogTime { days, ticks: t.ticks },
                Err(_) => LogTime::default(),
            }),
        }
    }

    /// Runs the step and leaves the database restoring; `progress` gets bytes done and in all, and answers whether to go on.
    pub fn run(&self, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<Rolled, Vec<SqlError>> {
        let target = RestoreTarget {
            database: self.database.to_owned(),
            files: self.files.iter().map(|f| (f.file_id, f.path.clone())).collect(),
            state: self.state.to_owned(),
            journals: (self.files.iter().chain(self.replaced))
                .filter(|f| !f.is_log && f.file_id == 1)
                .map(|f| Instance::journal_path(&f.path))
                .collect(),
        };
        let done = restore_set(&RealDisk, self.set, &target, self.options(), progress);
        let done = done.map_err(|e| self.failure(&e))?;
        let mut pages = done.pages;
        let logs = self.configuration.files.iter().filter(|f| f.kind == FileKind::Log);
        pages.extend(logs.map(|f| (f.id as u16, u64::from(f.backup_pages))));
        Ok(Rolled { pages, damaged: done.damaged.len(), stopped: done.stopped })
    }

    /// The messages for a failure. A file that cannot be made or given its size is a failure of the plan.
    fn failure(&self, e: &RestoreError) -> Vec<SqlError> {
        let (RestoreError::Disk(d) | RestoreError::Place(PlaceError::Disk(d))) = e else {
            return vec![restore_message(e, self.database)];
        };
        let (path, reason) = (d.path.display().to_string(), os_text(d.code, &d.message));
        let first = match d.operation {
            Operation::Create | Operation::Open | Operation::Remove => SqlError::new(5123, &[&reason, &path]),
            Operation::Resize => SqlError::new(5149, &[&reason, &path]),
            _ => return vec![restore_message(e, self.database)],
        };
        let Some(file) = self.files.iter().find(|f| f.path == d.path) else { return vec![first] };
        vec![first, SqlError::new(3156, &[&file.logical_name, &path]), SqlError::new(3119, &[])]
    }
}

/// How far the sequence of a database has got; `None` when no step has finished.
pub fn progress(state: &Path) -> Option<Progress> {
    RestoreState::load(&RealDisk, state).ok()??.map(|s| s.progress)
}

/// Which database's primary data file this is; `None` when it cannot be told.
pub fn family(primary: &Path) -> Option<[u8; 16]> {
    let file = RealDisk.open(primary, false).ok()?;
    let mut boot = Box::new([0u8; PAGE_SIZE]);
    file.read_at(u64::from(BOOT_PAGE.page) * PAGE_SIZE as u64, boot.as_mut()).ok()?;
    // Whose it is stands in a part of the page that torn-page bits do not reach.
    let _ = holdfast_format::page::protection::restore_torn(&mut boot);
    BootPage::read(&boot).ok().map(|b| b.family_guid)
}

/// Finishes a sequence of restores: undo, checkpoint, a new identity. Nothing is left to do when a stop came after it.
pub fn recover(state: &Path, name: &str, clock: &dyn Clock) -> SqlResult<()> {
    if !RealDisk.exists(state) {
        return Ok(());
    }
    let now = local_datetime(clock);
    let identity = Identity {
        name: name.to_owned(),
        binding_id: SystemEntropy.guid(),
        fork: SystemEntropy.guid(),
        log_file_guid: SystemEntropy.guid(),
        time: LogTime { days: now.days as u32, ticks: now.ticks },
    };
    finish(&RealDisk, state, &identity).map(|_| ()).map_err(|e| restore_message(&e, name))
}

/// The message for a failure of the storage layer; what its text has no room for follows in brackets.
fn restore_message(e: &RestoreError, database: &str) -> SqlError {
    let with_detail = |mut m: SqlError| {
        m.message = format!("{} [{e}]", m.message);
        m
    };
    match e {
        RestoreError::Backup(b) | RestoreError::Place(PlaceError::Backup(b)) => message(b),
        RestoreError::Place(PlaceError::Page { page, .. }) => {
            with_detail(SqlError::new(3183, &[&page.file, &page.page, &database]))
        }
        RestoreError::Place(PlaceError::Stopped) => SqlError::new(3204, &[]),
        RestoreError::Interrupted { file } => SqlError::new(4319, &[file]),
        RestoreError::Chain(c) => chain_message(c, database),
        RestoreError::Disk(d) | RestoreError::Place(PlaceError::Disk(d)) => {
            SqlError::new(3634, &[&os_text(d.code, &d.message), &d.operation, &d.path.display()])
        }
        // It ends the statement, not the connection.
        RestoreError::Recovery(_) => {
            let mut m = with_detail(SqlError::new(3456, &[]));
            m.severity = 16;
            m
        }
        other => with_detail(SqlError::new(other.message_number(), &[])),
    }
}

fn chain_message(e: &holdfast_backup::chain::ChainError, name: &str) -> SqlError {
    use holdfast_backup::chain::ChainError as C;
    match e {
        C::OtherDatabase => SqlError::new(3154, &[&name]),
        C::TooRecent { first, needed } => SqlError::new(4305, &[&first.to_decimal(), &needed.to_decimal()]),
        C::TooEarly { last, needed } => SqlError::new(4326, &[&last.to_decimal(), &needed.to_decimal()]),
        other => SqlError::new(other.message_number(), &[]),
    }
}
