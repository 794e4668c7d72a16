//! Log files of a database that is open: adding and removing them.
//!
//! Invariants
//! 1. A new file has its header and those of its VLFs, durable, and is listed in the state file, before the catalogue names it;
//!    log goes into it only when the catalogue does. A crash before that leaves a listed file that holds no log, which the next
//!    opening lets go of.
//! 2. A file that holds log that is needed stays (5042); one that goes is let go by the log first, then by the catalogue, the list
//!    and the disk.

use std::sync::Arc;

use holdfast_base::world::Entropy;
use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskResult, Operation};
use holdfast_format::boot::BOOT_PAGE;
use holdfast_format::log::VlfHeader;
use holdfast_format::page::flag;
use holdfast_format::{PageSource, PageView};
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::restore::log_files::{LogFileFacts, log_header_page_of};
use holdfast_types::{DateTime, SqlError, SqlResult};

use super::create::{NewFile, refused};
use super::files::{catalogued, list_file, open, unlist_file};
use super::{FileRecord, Instance};
use crate::database::DatabaseCatalog;
use crate::transaction::Transaction;
use crate::write::Writing;
use crate::write::writing::failure;

/// What the catalogue and page 0 of a log file have for no limit: 2 TiB.
const UNLIMITED: u32 = 0x1000_0000;

/// Makes a log file that holds no log.
fn make(
    disk: &dyn Disk,
    catalog: &DatabaseCatalog,
    writing: &Writing,
    id: FileId,
    new: &NewFile,
    guid: [u8; 16],
) -> SqlResult<DiskResult<()>> {
    let damaged = |e| crate::page_error(&e);
    let first = catalog.source().page(PageId::new(1, 0)).map_err(damaged)?;
    let boot = catalog.source().page(BOOT_PAGE).map_err(damaged)?;
    let shape =
        LogShape::of_database(writing.logged.version(), PageView::new(&first).flags() & flag::CHECKSUM != 0);
    let end = writing.logged.log().with_writer(|w| w.end());
    let facts = LogFileFacts {
        file_id: id,
        name: new.logical_name.clone(),
        max_size: new.max_size.map_or(UNLIMITED as i32, |m| i32::try_from(m).unwrap_or(i32::MAX)),
        growth: new.growth,
        sector_size: 512,
        file_guid: guid,
        lsn: end,
    };
    let size = u64::from(new.size) * PAGE_SIZE as u64;
    let header = log_header_page_of(&first, &boot, &facts, size)
        .map_err(|e| SqlError::with_text(1803, 16, e.to_string()))?;
    Ok((|| {
        let file = disk.create(&new.path)?;
        file.allocate(size)?;
        file.write_at(0, header.as_slice())?;
        for vlf in holdfast_generator::log::headers(new.size, None) {
            let vlf = VlfHeader { format: shape.vlf_format, create_lsn: end, ..vlf };
            file.write_at(vlf.offset, &vlf_header_bytes(&vlf, shape.fill))?;
        }
        file.sync()?;
        match new.path.parent() {
            Some(folder) => disk.sync_directory(folder),
            None => Ok(()),
        }
    })())
}

impl Instance {
    /// ADD LOG FILE.
    pub fn add_log_file(
        &self,
        name: &str,
        new: &NewFile,
        transaction: &Transaction,
        now: DateTime,
        entropy: &dyn Entropy,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, writing) = open(&found)?;
        let id = self.new_file(&found, new)?;
        let guid = entropy.guid();
        let disk = self.opener.disk();
        if let Err(e) = make(&*disk, &catalog, &writing, id, new, guid)? {
            // It was not there before, unless somebody else has just made it.
            if e.operation != Operation::Create {
                let _ = disk.remove(&new.path);
            }
            return Err(refused(&e));
        }
        drop(catalog);
        let before = found.files.read().clone();
        let mut files = before.clone();
        files.push(FileRecord {
            file_id: id,
            is_log: true,
            logical_name: new.logical_name.clone(),
            path: new.path.clone(),
        });
        // Invariant 1.
        let entered = (|| {
            self.relist(&found, files)?;
            let file = disk.open(&new.path, true).map_err(|e| refused(&e))?;
            let limited = NewFile { max_size: new.max_size.or(Some(UNLIMITED)), filegroup: 0, ..new.clone() };
            catalogued(&found, transaction, now, |w| list_file(w, id, &limited, guid))?;
            Ok(file)
        })();
        match entered {
            Ok(file) => {
                writing.logged.add_log_file(file).map_err(|e| failure(&e))?;
                found.online()?.refresh()
            }
            Err(e) => {
                // When the log failed it is in doubt whether the catalogue names the file: then it stays.
                if writing.logged.stopped().is_none() {
                    self.relist(&found, before)?;
                    let _ = disk.remove(&new.path);
                }
                Err(e)
            }
        }
    }

    /// REMOVE FILE of a log file that is not the first; the caller holds `changing_files`.
    pub(super) fn remove_log_file(
        &self,
        name: &str,
        id: FileId,
        logical: &str,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (_, writing) = open(&found)?;
        let disk = self.opener.disk();
        if !writing.logged.remove_log_file(id).map_err(|e| failure(&e))? {
            return Err(SqlError::new(5042, &[&"file", &logical]));
        }
        let mut files = found.files.read().clone();
        let gone = files.iter().position(|f| f.file_id == id).map(|at| files.remove(at));
        if let Err(e) = catalogued(&found, transaction, now, |w| unlist_file(w, id)) {
            if let Some(Ok(file)) = gone.as_ref().map(|f| disk.open(&f.path, true)) {
                writing.logged.add_log_file(file).map_err(|e| failure(&e))?;
            }
            return Err(e);
        }
        self.relist(&found, files)?;
        if let Some(gone) = gone {
            // What stays on the disk is nobody's.
            let _ = disk.remove(&gone.path);
        }
        found.online()?.refresh()
    }
}

/// Lets go of log files that the catalogue does not name (invariant 1).
pub(crate) fn forget_unnamed(writing: &Arc<Writing>, named: &[i32]) {
    writing.logged.log().with_writer(|w| {
        for id in w.file_ids() {
            if !named.contains(&i32::from(id)) {
                // One that holds log stays until that is not needed any more.
                w.remove_file(id);
            }
        }
    });
}
