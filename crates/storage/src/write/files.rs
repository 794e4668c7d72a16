//! Data files that come to an open database, and that leave it.
//!
//! Invariants
//! 1. A file is formatted and durable before it comes; it is empty when it leaves, and a checkpoint has written what the log
//!    says of it, so that recovery has nothing to do there.

use std::sync::Arc;

use holdfast_base::FileId;
use holdfast_disk::DiskFile;

use super::LoggedDatabase;
use crate::recovery::{RecoveryError, RecoveryResult};

impl LoggedDatabase {
    /// A formatted file comes to the database.
    pub fn add_data_file(&self, id: FileId, file: Arc<dyn DiskFile>) -> RecoveryResult<()> {
        let mut change = self.change()?;
        let unreadable = |error| RecoveryError::Unreadable { page: holdfast_base::PageId::new(id, 0), error };
        self.pages.add_file(id, Arc::clone(&file)).map_err(unreadable)?;
        self.data.write().insert(id, file);
        change.forget_files();
        Ok(())
    }

    /// A file leaves the database; `false` when something is in it.
    pub fn remove_data_file(&self, id: FileId) -> RecoveryResult<bool> {
        self.checkpoint()?;
        let mut change = self.change()?;
        if !change.is_empty_file(id)? {
            return Ok(false);
        }
        self.pages.remove_file(id);
        self.data.write().remove(&id);
        change.forget_files();
        Ok(true)
    }
}
