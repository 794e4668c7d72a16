//! Data files and filegroups of a database that is open: adding and removing them.
//!
//! Invariants
//! 1. A new file is formatted, durable and listed in the state file before the catalogue names it; a file that goes is let go by
//!    the pages first, when recovery cannot meet it any more, then by the catalogue, the list and the disk. So a crash leaves at
//!    most a file that holds nothing.
//! 2. Only an empty file leaves.

use std::sync::Arc;

use holdfast_base::world::Entropy;
use holdfast_base::{FileId, Lsn, PageId};
use holdfast_disk::Operation;
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::protection::stamp_checksum;
use holdfast_format::source::PageSource;
use holdfast_types::{DateTime, NameOrder, SqlError, SqlResult};

use super::create::{NewFile, refused, write_pages};
use super::state_file::DatabaseRecord;
use super::{DatabaseEntry, FileRecord, Instance};
use crate::catalog::Catalog;
use crate::database::DatabaseCatalog;
use crate::ddl::rows::{Base, Found};
use crate::ddl::{CatalogWriter, Cell};
use crate::transaction::Transaction;
use crate::write::writing::failure;
use crate::write::{WriteContext, Writing};

/// Class of filegroups in sysclsobjs.
const DATA_SPACE: i64 = 31;
/// Status of a file that grows by a percentage, in sysprufiles and in sysfiles1.
const PERCENT: i64 = 0x20;
const OLD_PERCENT: i64 = 0x10_0000;

/// The changing side of an open database.
pub(super) fn open(found: &DatabaseEntry) -> SqlResult<(Arc<DatabaseCatalog>, Arc<Writing>)> {
    let online = found.online()?;
    let catalog = online.stored().ok_or_else(|| SqlError::new(5058, &[&"FILE", &found.name]))?;
    let writing = catalog.writing().cloned().ok_or_else(|| SqlError::new(3906, &[&found.name]))?;
    Ok((catalog, writing))
}

/// Changes the catalogue in a transaction of its own.
pub(super) fn catalogued(
    found: &DatabaseEntry,
    transaction: &Transaction,
    now: DateTime,
    f: impl FnOnce(&CatalogWriter<'_>) -> SqlResult<()>,
) -> SqlResult<()> {
    let (catalog, _) = open(found)?;
    let wait = crate::lock::LockWait::default();
    let writer = CatalogWriter::new(catalog, WriteContext { transaction, wait: &wait }, now);
    let done = f(&writer);
    drop(writer);
    match done {
        Ok(()) => transaction.commit()?,
        Err(e) => {
            transaction.rollback()?;
            return Err(e);
        }
    }
    Ok(())
}

/// [`catalogued`], and what is known of the database in memory follows.
fn catalogued_and_known(
    found: &DatabaseEntry,
    transaction: &Transaction,
    now: DateTime,
    f: impl FnOnce(&CatalogWriter<'_>) -> SqlResult<()>,
) -> SqlResult<()> {
    catalogued(found, transaction, now, f)?;
    found.online()?.refresh()
}

/// Filegroups: id, name, whether it is the default one.
pub fn filegroups(catalog: &DatabaseCatalog) -> SqlResult<Vec<(i32, String, bool)>> {
    let rows = catalog.base_table("sysclsobjs").map_err(|e| crate::page_error(&e))?;
    let groups = rows.iter().filter(|r| r.int("class") == DATA_SPACE && r.text("type").trim() == "FG");
    Ok(groups.map(|r| (r.i32("id"), r.text("name").to_owned(), r.int("status") & 1 != 0)).collect())
}

/// Place of the LSN in a page.
const LSN_AT: std::ops::Range<usize> = 40..50;

impl Instance {
    pub(super) fn relist(&self, found: &DatabaseEntry, files: Vec<FileRecord>) -> SqlResult<()> {
        self.put(DatabaseRecord::online(found.id, found.name.to_string(), files.clone()))?;
        *found.files.write() = files;
        Ok(())
    }

    /// The number for a new file, when its name and path are free.
    pub(super) fn new_file(&self, found: &DatabaseEntry, new: &NewFile) -> SqlResult<FileId> {
        let there = found.online()?.properties().files;
        if there.iter().any(|f| NameOrder::instance().same(&f.logical_name, &new.logical_name)) {
            return Err(SqlError::new(1828, &[&new.logical_name]));
        }
        let shown = new.path.display();
        for other in self.databases() {
            if other.files.read().iter().any(|f| f.path == new.path) {
                return Err(SqlError::new(1834, &[&shown, &other.name]));
            }
        }
        if self.opener.disk().exists(&new.path) {
            return Err(SqlError::new(5170, &[&shown]));
        }
        let files = found.files.read();
        let used = |id: u16| {
            files.iter().any(|f| f.file_id == id) || there.iter().any(|f| f.file_id == i32::from(id))
        };
        Ok((3..FileId::MAX).find(|id| !used(*id)).unwrap_or(FileId::MAX))
    }

    /// ADD FILE: a data file for a filegroup that is there.
    pub fn add_file(
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
        let disk = self.opener.disk();
        let mut files = found.files.read().clone();
        let guid = entropy.guid();
        let damaged = |e| crate::page_error(&e);
        let first = catalog.source().page(PageId::new(1, 0)).map_err(damaged)?;
        let header = FileHeader {
            file_id: id,
            filegroup_id: new.filegroup,
            size: new.size,
            max_size: new.max_size.map_or(-1, |m| i32::try_from(m).unwrap_or(i32::MAX)),
            growth: new.growth,
            min_size: new.size,
            status: if new.percent { OLD_PERCENT as u32 } else { 0 },
            backup_lsn: Lsn::ZERO,
            first_update_lsn: Lsn::ZERO,
            differential_base_lsn: Lsn::ZERO,
            differential_base_guid: [0; 16],
            file_guid: guid,
            name: new.logical_name.clone(),
            ..FileHeader::read(&first).map_err(damaged)?
        };
        let mut page = *first;
        header.write_new(&mut page).map_err(damaged)?;
        stamp_checksum(&mut page);
        let mut pages = holdfast_generator::database::empty_map_pages(id, new.size)
            .map_err(|e| SqlError::with_text(1803, 16, e.to_string()))?;
        for page in pages.values_mut() {
            // That of a new database, which the log of this one may not have reached: its changes would pass for done.
            page[LSN_AT].fill(0);
            stamp_checksum(page);
        }
        pages.insert(0, page);
        // Invariant 1.
        let failed = |e| refused(&e);
        let written = write_pages(&*disk, &new.path, new.size, pages.iter().map(|(n, p)| (*n, p)));
        if let Err(e) = written {
            // It was not there before, unless somebody else has just made it.
            if e.operation != Operation::Create {
                let _ = disk.remove(&new.path);
            }
            return Err(failed(e));
        }
        if let Some(folder) = new.path.parent() {
            disk.sync_directory(folder).map_err(failed)?;
        }
        let before = files.clone();
        files.push(FileRecord {
            file_id: id,
            is_log: false,
            logical_name: new.logical_name.clone(),
            path: new.path.clone(),
        });
        let entered = (|| {
            self.relist(&found, files)?;
            let file = disk.open(&new.path, true).map_err(failed)?;
            writing.logged.add_data_file(id, file).map_err(|e| failure(&e))?;
            drop(catalog);
            catalogued(&found, transaction, now, |w| list_file(w, id, new, guid))
        })();
        if let Err(e) = entered {
            // When the log failed it is in doubt whether the catalogue names the file: then it stays for the recovery to come. It
            // stays, too, while recovery might meet it.
            if writing.logged.stopped().is_none() && matches!(writing.logged.remove_data_file(id), Ok(true)) {
                self.relist(&found, before)?;
                let _ = disk.remove(&new.path);
            }
            return Err(e);
        }
        found.online()?.refresh()
    }

    /// REMOVE FILE.
    pub fn remove_file(
        &self,
        name: &str,
        logical: &str,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, writing) = open(&found)?;
        let there = found.online()?.properties().files;
        let file = there.iter().find(|f| NameOrder::instance().same(&f.logical_name, logical));
        let file = file.ok_or_else(|| SqlError::new(5009, &[]))?;
        let first_log = there.iter().filter(|f| f.is_log).map(|f| f.file_id).min();
        if file.file_id == 1 || Some(file.file_id) == first_log {
            return Err(SqlError::new(5020, &[]));
        }
        let id = FileId::try_from(file.file_id).unwrap_or(0);
        if file.is_log {
            drop((catalog, writing));
            return self.remove_log_file(name, id, &file.logical_name, transaction, now);
        }
        let default = filegroups(&catalog)?.into_iter().find(|g| g.2).map_or(1, |g| g.0);
        let same = there.iter().filter(|f| !f.is_log && f.filegroup_id == file.filegroup_id).count();
        if file.filegroup_id == default && same == 1 {
            return Err(SqlError::new(5031, &[&file.logical_name]));
        }
        drop(catalog);
        if !writing.logged.remove_data_file(id).map_err(|e| failure(&e))? {
            return Err(SqlError::new(5042, &[&"file", &file.logical_name]));
        }
        let disk = self.opener.disk();
        let mut files = found.files.read().clone();
        let gone = files.iter().position(|f| f.file_id == id).map(|at| files.remove(at));
        let left = catalogued(&found, transaction, now, |w| unlist_file(w, id));
        if let Err(e) = left {
            if let Some(Ok(file)) = gone.as_ref().map(|f| disk.open(&f.path, true)) {
                writing.logged.add_data_file(id, file).map_err(|e| failure(&e))?;
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

    /// ADD FILEGROUP.
    pub fn add_filegroup(
        &self,
        name: &str,
        group: &str,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, _) = open(&found)?;
        let there = filegroups(&catalog)?;
        if there.iter().any(|g| catalog.names().same(&g.1, group)) {
            return Err(SqlError::new(5035, &[&group]));
        }
        let id = there.iter().map(|g| g.0).filter(|id| *id < i32::from(i16::MAX)).max().unwrap_or(1) + 1;
        drop(catalog);
        catalogued_and_known(&found, transaction, now, |w| {
            w.insert(
                "sysclsobjs",
                &[
                    ("class", Cell::Int(DATA_SPACE)),
                    ("id", id.into()),
                    ("name", group.into()),
                    ("status", 0.into()),
                    ("type", "FG".into()),
                    ("intprop", 0.into()),
                    ("created", Cell::Moment(now)),
                    ("modified", Cell::Moment(now)),
                ],
            )?;
            if w.has("sysphfg") {
                w.insert(
                    "sysphfg",
                    &[
                        ("dbfragid", 1.into()),
                        ("phfgid", id.into()),
                        ("fgid", id.into()),
                        ("type", "FG".into()),
                        ("status", 0.into()),
                        ("name", group.into()),
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// REMOVE FILEGROUP.
    pub fn remove_filegroup(
        &self,
        name: &str,
        group: &str,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, _) = open(&found)?;
        let (id, shown, default) = named(&catalog, group)?;
        let files = found.online()?.properties().files;
        if id == 1 || default || files.iter().any(|f| !f.is_log && f.filegroup_id == id) {
            return Err(SqlError::new(5042, &[&"filegroup", &shown]));
        }
        let used = catalog.base_table("sysallocunits").map_err(|e| crate::page_error(&e))?;
        let schemes = catalog.partition_schemes().map_err(|e| crate::page_error(&e))?;
        let mut places = schemes.iter().flat_map(|s| s.groups.iter().chain(&s.next_used));
        if used.iter().any(|u| u.i32("fgid") == id) || places.any(|g| i32::from(*g) == id) {
            return Err(SqlError::new(5042, &[&"filegroup", &shown]));
        }
        drop(catalog);
        catalogued_and_known(&found, transaction, now, |w| {
            w.delete("sysclsobjs", &[DATA_SPACE, i64::from(id)], &|_, _| true)?;
            if w.has("sysphfg") {
                w.delete("sysphfg", &[], &|b, r| b.int(r, "fgid") == i64::from(id))?;
            }
            Ok(())
        })
    }

    /// MODIFY FILEGROUP … DEFAULT, or NAME = `new_name`.
    pub fn modify_filegroup(
        &self,
        name: &str,
        group: &str,
        new_name: Option<&str>,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let _alone = self.changing_files.lock();
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, _) = open(&found)?;
        let (id, shown, default) = named(&catalog, group)?;
        if let Some(new_name) = new_name {
            if filegroups(&catalog)?.iter().any(|g| g.0 != id && catalog.names().same(&g.1, new_name)) {
                return Err(SqlError::new(5035, &[&new_name]));
            }
            drop(catalog);
            return catalogued_and_known(&found, transaction, now, |w| {
                let cells = |_: &Base, _: &Found| vec![("name", Cell::Owned(new_name.to_owned()))];
                w.update("sysclsobjs", &[DATA_SPACE, i64::from(id)], &|_, _| true, &cells)?;
                if w.has("sysphfg") {
                    let own = |b: &Base, r: &Found| b.int(r, "fgid") == i64::from(id);
                    w.update("sysphfg", &[], &own, &cells)?;
                }
                Ok(())
            });
        }
        if default {
            return Err(SqlError::new(5045, &[&"DEFAULT"]));
        }
        let files = found.online()?.properties().files;
        if !files.iter().any(|f| !f.is_log && f.filegroup_id == id) {
            return Err(SqlError::new(5050, &[&shown]));
        }
        drop(catalog);
        catalogued_and_known(&found, transaction, now, |w| {
            let is_group = |b: &Base, r: &Found| b.text(r, "type").trim() == "FG";
            w.update("sysclsobjs", &[DATA_SPACE], &is_group, &|b, r| {
                let bit = i64::from(b.int(r, "id") == i64::from(id));
                vec![("status", Cell::Int(b.int(r, "status") & !1 | bit))]
            })
            .map(|_| ())
        })
    }
}

fn named(catalog: &DatabaseCatalog, group: &str) -> SqlResult<(i32, String, bool)> {
    let found = filegroups(catalog)?.into_iter().find(|g| catalog.names().same(&g.1, group));
    found.ok_or_else(|| SqlError::new(1921, &[&"filegroup", &group]))
}

/// The rows that name a file.
pub(super) fn list_file(w: &CatalogWriter<'_>, id: FileId, new: &NewFile, guid: [u8; 16]) -> SqlResult<()> {
    let path = new.path.to_string_lossy();
    let status = if new.log { 0x42 } else { 2 };
    if w.has("sysfiles1") {
        w.insert(
            "sysfiles1",
            &[
                ("status", Cell::Int(status | if new.percent { OLD_PERCENT } else { 0 })),
                ("fileid", i32::from(id).into()),
                ("name", Cell::Text(&new.logical_name)),
                ("filename", Cell::Text(&path)),
            ],
        )?;
    }
    if !w.has("sysprufiles") {
        return Ok(());
    }
    w.insert(
        "sysprufiles",
        &[
            ("dbfragid", 1.into()),
            ("fileid", i32::from(id).into()),
            ("grpid", i32::from(new.filegroup).into()),
            ("status", Cell::Int(0x200 | if new.percent { PERCENT } else { 0 })),
            ("filetype", i32::from(new.log).into()),
            ("filestate", 0.into()),
            ("size", Cell::Int(new.size.into())),
            ("maxsize", Cell::Int(new.max_size.map_or(-1, i64::from))),
            ("growth", Cell::Int(new.growth.into())),
            ("lname", Cell::Text(&new.logical_name)),
            ("pname", Cell::Text(&path)),
            ("fileguid", Cell::Guid(guid)),
            ("internalstatus", 0.into()),
            ("forkvc", 0.into()),
        ],
    )
}

/// And goes.
pub(super) fn unlist_file(w: &CatalogWriter<'_>, id: FileId) -> SqlResult<()> {
    w.delete("sysprufiles", &[i64::from(id)], &|_, _| true)?;
    if w.has("sysfiles1") {
        w.delete("sysfiles1", &[], &|b, r| b.int(r, "fileid") == i64::from(id))?;
    }
    Ok(())
}
