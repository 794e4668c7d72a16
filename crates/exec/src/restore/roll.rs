//! The storage side of one restore step: pages to their files, log rolled over them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use holdfast_backup::config::flags;
use holdfast_backup::{BackupSet, Configuration, FileKind};
use holdfast_base::world::{Clock, Entropy, SystemClock, SystemEntropy};
use holdfast_disk::RealDisk;
use holdfast_engine::instance::FileRecord;
use holdfast_format::log::LogTime;
use holdfast_storage::restore::{
    self as storage, Identity, PlaceError, RestoreError, RestoreOptions, RestoreTarget, discard, restore_set,
};
use holdfast_types::{SqlError, SqlResult};

use super::database::chain_message;
use super::errors::message;

/// One step: a full, differential or log backup set over files.
pub struct Roll<'a> {
    pub set: &'a BackupSet,
    pub configuration: &'a Configuration,
    pub files: &'a [FileRecord],
    /// Make the files (full backup).
    pub create: bool,
    /// CHECKSUM / NO_CHECKSUM when given.
    pub verify: Option<bool>,
    pub continue_after_error: bool,
    pub workers: usize,
    pub database: &'a str,
    /// Undo what is open and make the database ready to open.
    pub recover: bool,
}

/// What was done, for the messages.
#[derive(Debug, Default)]
pub struct Rolled {
    /// Pages (data) or 8 KiB units of log, per file id.
    pub pages: BTreeMap<u16, u64>,
    pub damaged: usize,
}

impl Roll<'_> {
    /// Runs the step; `progress` gets bytes done and in all, and answers whether to go on.
    pub fn run(&self, progress: &mut dyn FnMut(u64, u64) -> bool) -> SqlResult<Rolled> {
        if self.verify == Some(true) && !self.configuration.set.has(flags::CHECKSUMS) {
            return Err(SqlError::new(3187, &[]));
        }
        let state = state_path(self.files);
        let target = RestoreTarget {
            database: self.database.to_owned(),
            files: self.files.iter().map(|f| (f.file_id, f.path.clone())).collect(),
            state: state.clone(),
        };
        let options = RestoreOptions {
            newest_version: u16::MAX,
            verify: self.verify != Some(false),
            continue_after_error: self.continue_after_error,
            workers: self.workers,
            ..RestoreOptions::default()
        };
        let done = restore_set(&RealDisk, self.set, &target, options, progress).map_err(|e| {
            if self.create {
                discard(&RealDisk, &state);
            }
            restore_message(&e, self.database)
        })?;
        let mut pages = done.pages;
        let logs = self.configuration.files.iter().filter(|f| f.kind == FileKind::Log);
        pages.extend(logs.map(|f| (f.id as u16, u64::from(f.backup_pages))));
        if self.recover {
            recover(self.files, self.database)?;
        }
        Ok(Rolled { pages, damaged: done.damaged.len() })
    }
}

/// The state file of a restore lies beside the primary data file.
fn state_path(files: &[FileRecord]) -> PathBuf {
    let primary = files.iter().filter(|f| !f.is_log).min_by_key(|f| f.file_id);
    primary.map_or_else(PathBuf::new, |f| f.path.with_added_extension("restore"))
}

/// Finishes a sequence of restores: undo, and ready to open.
pub fn recover(files: &[FileRecord], database: &str) -> SqlResult<()> {
    let now = SystemClock::new(0).now_utc();
    // 25,567 days from 1900-01-01 to 1970-01-01; the log counts 1/300 seconds.
    let days = u32::try_from(now.as_secs() / 86_400).unwrap_or(0) + 25_567;
    let ticks = u32::try_from(now.as_secs() % 86_400 * 300).unwrap_or(0) + now.subsec_millis() * 3 / 10;
    let identity = Identity {
        name: database.to_owned(),
        binding_id: SystemEntropy.guid(),
        fork: SystemEntropy.guid(),
        log_file_guid: SystemEntropy.guid(),
        time: LogTime { days, ticks },
    };
    storage::recover(&RealDisk, &state_path(files), &identity).map_err(|e| restore_message(&e, database))?;
    Ok(())
}

fn restore_message(e: &RestoreError, database: &str) -> SqlError {
    match e {
        RestoreError::Backup(b) => message(b),
        RestoreError::Place(p) => place_message(p, database),
        RestoreError::Disk(d) => SqlError::new(3271, &[&"", &d.to_string()]),
        RestoreError::Chain(c) => chain_message(c, database),
        other => SqlError::with_text(
            other.message_number(),
            16,
            format!("The log of database '{database}' cannot be applied: {other}."),
        ),
    }
}

fn place_message(e: &PlaceError, database: &str) -> SqlError {
    match e {
        PlaceError::Backup(b) => message(b),
        PlaceError::Page { page, .. } => {
            let mut m = SqlError::new(3183, &[&page.file, &page.page, &database]);
            m.message = format!("{} [{e}]", m.message);
            m
        }
        PlaceError::Stopped => SqlError::new(3204, &[]),
        PlaceError::Disk(d) => SqlError::new(3271, &[&"", &d.to_string()]),
        PlaceError::Beyond { .. } | PlaceError::NoTarget { .. } => {
            let mut m = SqlError::new(3270, &[]);
            m.message = format!("{} [{e}]", m.message);
            m
        }
    }
}
