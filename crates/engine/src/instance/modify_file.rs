//! Names and places of files: ALTER DATABASE … MODIFY FILE with NEWNAME and FILENAME.
//!
//! Invariants
//! 1. A new name is in the catalogue, the file's header and the state file; when a crash comes between, the catalogue's counts.
//! 2. A new place counts from the next opening of the database on (SQL Server's does, too). Until then the state file has both, so
//!    that dropping the database removes the files that it has.

use std::path::PathBuf;

use holdfast_base::FileId;
use holdfast_types::{DateTime, NameOrder, SqlError, SqlResult};

use super::files::{catalogued, open};
use super::state_file::FileRecord;
use super::{DatabaseEntry, DatabaseState, Instance};
use crate::ddl::{CatalogWriter, Cell};
use crate::transaction::Transaction;
use crate::write::writing::failure;

/// Status of a file that grows by a percentage: in sysprufiles, and in sysfiles1.
const PERCENT: i64 = 0x20;
const OLD_PERCENT: i64 = 0x10_0000;

/// What the catalogue says of a file, as far as it changes.
#[derive(Clone, Default)]
pub struct FileChange {
    pub name: Option<String>,
    /// Pages.
    pub size: Option<i32>,
    /// Pages; -1 without limit.
    pub max_size: Option<i32>,
    /// Pages, or percent.
    pub growth: Option<(u32, bool)>,
}

/// Enters it. Version 611 has no sysprufiles: sizes stand in the files' headers alone.
///
/// # Errors
/// Those of writing rows.
pub fn change_row(w: &CatalogWriter<'_>, file: i32, change: &FileChange) -> SqlResult<()> {
    let flag =
        |status: i64, bit: i64, percent: bool| Cell::Int(status & !bit | if percent { bit } else { 0 });
    if w.has("sysprufiles") {
        w.update("sysprufiles", &[file.into()], &|_, _| true, &|base, row| {
            let mut cells = Vec::new();
            cells.extend(change.name.as_deref().map(|n| ("lname", Cell::Owned(n.to_owned()))));
            cells.extend(change.size.map(|n| ("size", Cell::Int(n.into()))));
            cells.extend(change.max_size.map(|n| ("maxsize", Cell::Int(n.into()))));
            if let Some((n, percent)) = change.growth {
                cells.push(("growth", Cell::Int(n.into())));
                cells.push(("status", flag(base.int(row, "status"), PERCENT, percent)));
            }
            cells
        })?;
    }
    if w.has("sysfiles1") && (change.name.is_some() || change.growth.is_some()) {
        w.update("sysfiles1", &[], &|b, r| b.int(r, "fileid") == i64::from(file), &|base, row| {
            let mut cells = Vec::new();
            cells.extend(change.name.as_deref().map(|n| ("name", Cell::Owned(n.to_owned()))));
            if let Some((_, percent)) = change.growth {
                cells.push(("status", flag(base.int(row, "status"), OLD_PERCENT, percent)));
            }
            cells
        })?;
    }
    Ok(())
}

impl Instance {
    /// NEWNAME of a file of an open database.
    ///
    /// # Errors
    /// 1828 when another file has the name; what writing the log and the state file answers.
    pub fn rename_file(
        &self,
        name: &str,
        file: FileId,
        new: &str,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, writing) = open(&found)?;
        let there = found.online()?.properties().files;
        let same = |n: &str| NameOrder::instance().same(n, new);
        if there.iter().any(|f| f.file_id != i32::from(file) && same(&f.logical_name)) {
            return Err(SqlError::new(1828, &[&new]));
        }
        drop(catalog);
        let change = FileChange { name: Some(new.to_owned()), ..FileChange::default() };
        catalogued(&found, transaction, now, |w| change_row(w, i32::from(file), &change))?;
        if there.iter().any(|f| f.file_id == i32::from(file) && f.is_log) {
            writing.logged.log().with_writer(|w| w.set_name_of(file, new)).map_err(|e| failure(&e))?;
        } else {
            let mut change = writing.logged.change().map_err(|e| failure(&e))?;
            change.set_file_name(file, new).map_err(|e| failure(&e))?;
        }
        let mut files = found.files.read().clone();
        for f in files.iter_mut().filter(|f| f.file_id == file) {
            new.clone_into(&mut f.logical_name);
        }
        self.relist(&found, files)?;
        found.online()?.refresh()
    }

    /// FILENAME: where a file of a database, which may be open or offline, will be.
    ///
    /// # Errors
    /// 5041 when the database has no file of that name, 1834 when another one has that path, 5123 when the state file cannot be written.
    pub fn move_file(&self, name: &str, logical: &str, path: PathBuf) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        if matches!(found.state(), DatabaseState::Restoring) {
            return Err(SqlError::new(5052, &[&"ALTER DATABASE", &"RESTORING"]));
        }
        let file = self.file_named(&found, logical)?;
        for other in self.databases() {
            let uses = |f: &FileRecord| f.path == path && (other.id, f.file_id) != (found.id, file);
            let will = self.moved_files(other.id);
            let same = |m: (&FileId, &PathBuf)| *m.1 == path && (other.id, *m.0) != (found.id, file);
            if other.files.read().iter().any(uses) || will.iter().any(same) {
                return Err(SqlError::new(1834, &[&path.display(), &other.name]));
            }
        }
        self.state_file.lock().move_file(found.id, file, path).map_err(|e| unwritten(&e))
    }

    /// Number of the file that has a name in a database.
    fn file_named(&self, found: &DatabaseEntry, logical: &str) -> SqlResult<FileId> {
        let same = |n: &str| NameOrder::instance().same(n, logical);
        let file = found.files.read().iter().find(|f| same(&f.logical_name)).map(|f| f.file_id);
        file.ok_or_else(|| SqlError::new(5041, &[&logical]))
    }

    /// Files of a database that will be elsewhere when it is next opened.
    pub fn moved_files(&self, id: i32) -> std::collections::BTreeMap<FileId, PathBuf> {
        self.state_file.lock().moves(id)
    }

    /// A closed database is about to be opened: its files are where they were to be moved to.
    pub(super) fn take_moves(&self, found: &DatabaseEntry) -> SqlResult<()> {
        let mut state = self.state_file.lock();
        if state.take_moves(found.id).map_err(|e| unwritten(&e))?
            && let Some(record) = state.record(found.id)
        {
            found.files.write().clone_from(&record.files);
        }
        Ok(())
    }
}

fn unwritten(e: &std::io::Error) -> SqlError {
    SqlError::with_text(5123, 16, e.to_string())
}
