//! Attaching files of another server: what the primary file says about its database, and a new log where there is none.
//!
//! Invariants
//! 1. A log is only made anew for a database that was closed cleanly; otherwise changes could be lost unseen.
//! 2. The new log begins above every LSN of the data files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_base::{FileId, Lsn, PAGE_SIZE, PageId};
use holdfast_disk::{Disk, DiskFile};
use holdfast_format::boot::{BOOT_PAGE, BootPage};
use holdfast_format::file_header::FileHeader;
use holdfast_format::log::LogTime;
use holdfast_format::page::PageType;
use holdfast_format::page::protection::restore_torn;
use holdfast_format::{PageSource, PageView};
use holdfast_storage::recovery::checkpoint::{highest_known_lsn, set_checkpoint};
use holdfast_storage::recovery::log_writer::{LogShape, vlf_header_bytes};
use holdfast_storage::recovery::{FilePages, PageStore};
use holdfast_storage::restore::log_files::{LogFileFacts, log_header_page};

use crate::database::DatabaseCatalog;
use crate::ddl::boot::CLOSED_CLEANLY;

/// A file as the database's own catalog names it.
#[derive(Clone, Debug)]
pub struct ListedFile {
    pub file_id: u16,
    pub is_log: bool,
    pub logical_name: String,
    /// The path on the server it comes from.
    pub stored_path: String,
}

/// What the primary file says.
#[derive(Clone, Debug)]
pub struct AttachedFacts {
    pub version: u16,
    pub name: String,
    pub closed_cleanly: bool,
    pub files: Vec<ListedFile>,
}

/// Pages of a file straight from disk, without a cache.
struct FileSource {
    files: BTreeMap<FileId, Arc<dyn DiskFile>>,
}

impl PageSource for FileSource {
    fn page(&self, id: PageId) -> Result<holdfast_format::PageRef, holdfast_format::FormatError> {
        let absent = holdfast_format::FormatError::Page { page: id, what: "the file is not at hand" };
        let file = self.files.get(&id.file).ok_or(absent)?;
        let mut page = [0u8; PAGE_SIZE];
        file.read_at(u64::from(id.page) * PAGE_SIZE as u64, &mut page)
            .map_err(|_| holdfast_format::FormatError::Page { page: id, what: "the page cannot be read" })?;
        let _ = restore_torn(&mut page);
        Ok(Arc::new(page))
    }

    fn files(&self) -> Vec<FileId> {
        self.files.keys().copied().collect()
    }

    fn page_count(&self, file: FileId) -> u32 {
        let length = self.files.get(&file).and_then(|f| f.length().ok()).unwrap_or(0);
        u32::try_from(length / PAGE_SIZE as u64).unwrap_or(u32::MAX)
    }
}

/// The file id that a file's first page gives; `None` when it is no database file.
pub fn file_id(disk: &dyn Disk, path: &Path) -> Option<u16> {
    let file = disk.open(path, false).ok()?;
    let mut page = [0u8; PAGE_SIZE];
    file.read_at(0, &mut page).ok()?;
    // Files of before 2005 protect their pages by torn bits.
    let _ = restore_torn(&mut page);
    let view = PageView::new(&page);
    view.is(PageType::FileHeader).then(|| FileHeader::read(&page).ok().map(|h| h.file_id)).flatten()
}

/// What the files of one database have in common; `None` when it is no database file.
pub fn binding(disk: &dyn Disk, path: &Path) -> Option<[u8; 16]> {
    let mut page = [0u8; PAGE_SIZE];
    disk.open(path, false).ok()?.read_at(0, &mut page).ok()?;
    let _ = restore_torn(&mut page);
    FileHeader::read(&page).ok().map(|h| h.binding_id)
}

/// Reads the primary file. The error is a text for the message.
pub fn read_primary(disk: &dyn Disk, path: &Path) -> Result<AttachedFacts, String> {
    let file = disk.open(path, false).map_err(|e| e.to_string())?;
    let source = FileSource { files: BTreeMap::from([(1, file)]) };
    let page = source.page(BOOT_PAGE).map_err(|e| e.to_string())?;
    let boot = BootPage::read(&page).map_err(|e| e.to_string())?;
    let catalog = DatabaseCatalog::open(0, None, Arc::new(source)).map_err(|e| e.to_string())?;
    let mut files = Vec::new();
    for row in catalog.base_table("sysprufiles").map_err(|e| e.to_string())?.iter() {
        files.push(ListedFile {
            file_id: u16::try_from(row.i32("fileid")).unwrap_or(0),
            is_log: row.int("filetype") == 1,
            logical_name: row.text("lname").to_owned(),
            stored_path: row.text("pname").to_owned(),
        });
    }
    if files.is_empty() {
        for row in catalog.base_table("sysfiles1").map_err(|e| e.to_string())?.iter() {
            files.push(ListedFile {
                file_id: u16::try_from(row.i32("fileid")).unwrap_or(0),
                is_log: row.int("status") & 0x40 != 0,
                logical_name: row.text("name").trim_end().to_owned(),
                stored_path: row.text("filename").trim_end().to_owned(),
            });
        }
    }
    Ok(AttachedFacts {
        version: boot.version,
        name: boot.name.clone(),
        closed_cleanly: boot.status & CLOSED_CLEANLY != 0,
        files,
    })
}

/// The SID of the owner in a database that is not open; `None` when its primary file cannot be read.
pub fn owner(disk: &dyn Disk, primary: &Path) -> Option<Vec<u8>> {
    let file = disk.open(primary, false).ok()?;
    let catalog = DatabaseCatalog::open(0, None, Arc::new(FileSource { files: BTreeMap::from([(1, file)]) }));
    let owners = catalog.ok()?.base_table("sysowners").ok()?;
    let sid = owners.iter().find(|r| r.i32("id") == 1).map(|r| r.bytes("sid").to_vec());
    sid.filter(|sid| !sid.is_empty())
}

/// Pages of a rebuilt log: 504 KiB, as the server makes it.
const REBUILT_PAGES: u32 = 63;

/// Makes a new log for data files that were closed cleanly. The error is a text for the message.
pub fn rebuild_log(
    disk: &dyn Disk,
    data: &[(FileId, PathBuf)],
    log: (FileId, &str, &Path),
    file_guid: [u8; 16],
    time: LogTime,
) -> Result<(), String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let mut files = BTreeMap::new();
    for (id, path) in data {
        files.insert(*id, disk.open(path, true).map_err(|e| text(&e))?);
    }
    let ids: Vec<FileId> = files.keys().copied().collect();
    let mut pages = FilePages::new(files, 64, None).map_err(|e| text(&e))?;
    let boot = BootPage::read(pages.page(BOOT_PAGE).map_err(|e| text(&e))?).map_err(|e| text(&e))?;
    if boot.status & CLOSED_CLEANLY == 0 {
        return Err("the database was not closed cleanly, so its log is needed".into());
    }
    let highest = highest_known_lsn(&mut pages, &ids).map_err(|e| text(&e))?.max(boot.checkpoint_lsn);
    let start = Lsn::new(highest.vlf.checked_add(1).ok_or("log sequence numbers are used up")?, 16, 1);
    let shape = LogShape::of_database(boot.version, true);
    let (id, name, path) = log;
    let file = disk.create(path).map_err(|e| text(&e))?;
    let size = u64::from(REBUILT_PAGES) * PAGE_SIZE as u64;
    file.allocate(size).map_err(|e| text(&e))?;
    set_checkpoint(pages.page_mut(BOOT_PAGE).map_err(|e| text(&e))?, start).map_err(|e| text(&e))?;
    let facts = LogFileFacts {
        file_id: id,
        name: name.to_owned(),
        max_size: 0x1000_0000,
        growth: 8192,
        sector_size: 512,
        file_guid,
        lsn: start,
    };
    let header = log_header_page(&mut pages, &facts, size).map_err(|e| text(&e))?;
    file.write_at(0, header.as_slice()).map_err(|e| text(&e))?;
    for vlf in holdfast_generator::log::headers(REBUILT_PAGES, Some(start.vlf)) {
        let vlf = holdfast_format::log::VlfHeader { format: shape.vlf_format, ..vlf };
        file.write_at(vlf.offset, &vlf_header_bytes(&vlf, shape.fill)).map_err(|e| text(&e))?;
        if vlf.sequence != 0 {
            let (block, _) = holdfast_generator::log::first_block_of(boot.version, start, time);
            file.write_at(vlf.block_offset(start.block), &block).map_err(|e| text(&e))?;
        }
    }
    file.sync().map_err(|e| text(&e))?;
    if let Some(folder) = path.parent() {
        disk.sync_directory(folder).map_err(|e| text(&e))?;
    }
    // The log is durable before the data files name it.
    pages.flush().map_err(|e| text(&e))
}
