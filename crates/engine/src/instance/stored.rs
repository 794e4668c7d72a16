//! What opens databases over files: data files behind the page cache.

use std::sync::Arc;

use holdfast_disk::Disk;
use holdfast_format::PageSource;
use holdfast_storage::PageCache;

use super::{DatabaseOpener, FileRecord, OnlineDatabase};
use crate::database::StoredDatabase;
use crate::lock::LockManager;

/// Opens databases through one page cache.
pub struct StoredOpener {
    pub disk: Arc<dyn Disk>,
    pub cache: Arc<PageCache>,
    pub locks: Arc<LockManager>,
}

impl StoredOpener {
    pub fn new(disk: Arc<dyn Disk>, cache: Arc<PageCache>) -> Self {
        StoredOpener { disk, cache, locks: Arc::default() }
    }
}

impl DatabaseOpener for StoredOpener {
    fn open(&self, id: i32, name: &str, files: &[FileRecord]) -> Result<Arc<dyn OnlineDatabase>, String> {
        let mut data = Vec::new();
        for f in files.iter().filter(|f| !f.is_log) {
            data.push((f.file_id, self.disk.open(&f.path, true).map_err(|e| e.to_string())?));
        }
        if data.is_empty() {
            return Err("it has no data file".into());
        }
        let pages: Arc<dyn PageSource> = self.cache.attach(data).map_err(|e| e.to_string())?;
        let paths: Vec<_> = files.iter().map(|f| (f.file_id, f.path.clone())).collect();
        let database = StoredDatabase::open(id, name, pages, &paths).map_err(|e| e.to_string())?;
        Ok(Arc::new(database))
    }

    fn locks(&self) -> Arc<LockManager> {
        Arc::clone(&self.locks)
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }
}
