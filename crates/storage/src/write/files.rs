//! Files that come to an open database, and that leave it.
//!
//! Invariants
//! 1. A file is formatted and durable before it comes; it is empty when it leaves, and recovery would begin behind the last
//!    record that names it. So its number may be given again.
//! 2. A log file leaves when the log does not go on in it and nothing it holds is needed.

use std::sync::Arc;

use holdfast_base::FileId;
use holdfast_disk::DiskFile;

use super::LoggedDatabase;
use crate::recovery::{RecoveryError, RecoveryResult};
use crate::restore::log_files::table;

/// Checkpoints made for a file to leave: what makes it empty may come while the first goes on.
const CHECKPOINTS: usize = 3;

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

    /// A log file comes: its header and those of its VLFs are durable.
    pub fn add_log_file(&self, file: Arc<dyn DiskFile>) -> RecoveryResult<()> {
        let vlfs = table(&file)?;
        self.log.with_writer(|w| w.add_file(file, vlfs));
        Ok(())
    }

    /// A log file leaves; `false` when it holds log that is needed.
    ///
    /// # Errors
    /// Those of the checkpoint.
    pub fn remove_log_file(&self, id: FileId) -> RecoveryResult<bool> {
        let _one = self.checkpointing.lock();
        self.checkpoint_alone()?;
        Ok(self.log.with_writer(|w| w.remove_file(id)))
    }

    /// A file leaves the database; `false` when something is in it, or when recovery might still meet it in the log because a
    /// transaction is open.
    ///
    /// # Errors
    /// Those of the checkpoints.
    pub fn remove_data_file(&self, id: FileId) -> RecoveryResult<bool> {
        // No other checkpoint holds pages of the file meanwhile.
        let _one = self.checkpointing.lock();
        for _ in 0..CHECKPOINTS {
            let begin = self.checkpoint_alone()?;
            let mut change = self.change()?;
            if !change.is_empty_file(id)? {
                return Ok(false);
            }
            // Recovery would begin with this checkpoint, and nothing of the file has been changed since it began.
            if change.state.recovery_start == begin && !self.pages.is_changed(id) {
                self.pages.remove_file(id);
                self.data.write().remove(&id);
                change.forget_files();
                return Ok(true);
            }
        }
        Ok(false)
    }
}
