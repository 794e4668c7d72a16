//! Databases over files: what opens them and what the instance asks of them.

use std::path::PathBuf;
use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_disk::Disk;
use holdfast_format::PageSource;
use holdfast_format::file_header::FileHeader;
use holdfast_storage::PageCache;
use holdfast_types::{CollationId, DateTime, SqlResult};

use super::{BaseTable, DatabaseOpener, DatabaseProperties, FileProperties, FileRecord, OnlineDatabase};
use crate::catalog::Catalog;
use crate::database::DatabaseCatalog;

/// Bits of the boot page's status word (those of sysdatabases.status).
mod status {
    pub const BULK_LOGGED: u32 = 4;
    pub const SIMPLE: u32 = 8;
    pub const TORN_PAGE_DETECTION: u32 = 0x10;
    pub const READ_ONLY: u32 = 0x400;
    pub const CHECKSUM: u32 = 0x1_0000;
}

/// An open database over its files.
pub struct StoredDatabase {
    catalog: Arc<DatabaseCatalog>,
    files: Vec<FileProperties>,
}

impl StoredDatabase {
    /// The catalog with its storage side.
    pub fn stored_catalog(&self) -> &Arc<DatabaseCatalog> {
        &self.catalog
    }
}

/// Opens databases through one page cache.
pub struct StoredOpener {
    pub disk: Arc<dyn Disk>,
    pub cache: Arc<PageCache>,
}

impl StoredOpener {
    pub fn new(disk: Arc<dyn Disk>, cache: Arc<PageCache>) -> Self {
        StoredOpener { disk, cache }
    }
}

impl DatabaseOpener for StoredOpener {
    fn open(&self, id: i32, name: &str, files: &[FileRecord]) -> Result<Arc<dyn OnlineDatabase>, String> {
        let mut data = Vec::new();
        let mut lengths = Vec::new();
        for f in files {
            if f.is_log && !self.disk.exists(&f.path) {
                lengths.push(0);
                continue;
            }
            let file = self.disk.open(&f.path, !f.is_log).map_err(|e| e.to_string())?;
            lengths.push(file.length().map_err(|e| e.to_string())?);
            if !f.is_log {
                data.push((f.file_id, file));
            }
        }
        if data.is_empty() {
            return Err("it has no data file".into());
        }
        let pages = self.cache.attach(data).map_err(|e| e.to_string())?;
        let properties: Vec<FileProperties> = files
            .iter()
            .zip(lengths)
            .map(|(f, length)| file_properties(&*pages, f, length))
            .collect::<Result<_, String>>()?;
        let catalog =
            DatabaseCatalog::open(id, Some(name), pages as Arc<dyn PageSource>).map_err(|e| e.to_string())?;
        Ok(Arc::new(StoredDatabase { catalog, files: properties }))
    }
}

/// Properties from page 0 of a data file; a log file's come from the list.
fn file_properties(pages: &dyn PageSource, f: &FileRecord, length: u64) -> Result<FileProperties, String> {
    let mut out = FileProperties {
        file_id: i32::from(f.file_id),
        is_log: f.is_log,
        filegroup_id: i32::from(!f.is_log),
        logical_name: f.logical_name.clone(),
        path: PathBuf::from(&f.path),
        size: (length / 8192) as i32,
        max_size: -1,
        ..FileProperties::default()
    };
    if !f.is_log {
        let page = pages.page(PageId::new(f.file_id, 0)).map_err(|e| e.to_string())?;
        let header = FileHeader::read(&page).map_err(|e| e.to_string())?;
        out.filegroup_id = i32::from(header.filegroup_id);
        out.max_size = header.max_size;
        out.growth = header.growth as i32;
        out.percent_growth = header.status & 0x10_0000 != 0;
        out.guid = Some(header.file_guid);
    }
    Ok(out)
}

impl OnlineDatabase for StoredDatabase {
    fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::clone(&self.catalog) as Arc<dyn Catalog>
    }

    fn base_table(&self, name: &str) -> SqlResult<BaseTable> {
        self.catalog.base_values(name)
    }

    fn family(&self) -> Option<[u8; 16]> {
        Some(self.catalog.storage().boot.family_guid)
    }

    fn properties(&self) -> DatabaseProperties {
        let boot = &self.catalog.storage().boot;
        let has = |bit: u32| boot.status & bit != 0;
        DatabaseProperties {
            created: DateTime { days: boot.created.days, ticks: boot.created.ticks },
            compatibility_level: boot.compatibility_level.min(255) as u8,
            collation: CollationId(boot.collation),
            recovery_model: match (has(status::SIMPLE), has(status::BULK_LOGGED)) {
                (true, _) => 3,
                (_, true) => 2,
                _ => 1,
            },
            read_only: has(status::READ_ONLY),
            version: i32::from(boot.version),
            page_verify: match (has(status::CHECKSUM), has(status::TORN_PAGE_DETECTION)) {
                (true, _) => 2,
                (_, true) => 1,
                _ => 0,
            },
            owner_sid: vec![1],
            files: self.files.clone(),
        }
    }
}
