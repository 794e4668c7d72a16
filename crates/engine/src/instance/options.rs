//! Options and states of a database as a whole: ALTER DATABASE … SET of what does not stand in its pages, READ_ONLY, OFFLINE.
//!
//! Invariants
//! 1. Closing and opening belong together: a database that does not open again is listed with the reason, never lost.
//! 2. The caller has made sure that nobody uses a database that is closed here.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult};

use super::state_file::{DatabaseOptions, DatabaseRecord};
use super::{DatabaseEntry, DatabaseState, Instance, OnlineDatabase};
use crate::ddl::boot;

/// Bit of the boot page's status.
const READ_ONLY: u32 = 0x400;

impl Instance {
    /// Options of a database that are not what a new one has.
    pub fn database_options(&self, id: i32) -> DatabaseOptions {
        self.state_file.lock().options(id)
    }

    /// Sets an option; `None`: what a new database has.
    pub fn set_database_option(&self, id: i32, name: &str, value: Option<&str>) -> SqlResult<()> {
        let failed = |e: std::io::Error| SqlError::with_text(5123, 16, e.to_string());
        self.state_file.lock().set_option(id, name, value).map_err(failed)
    }

    fn named(&self, name: &str) -> SqlResult<Arc<DatabaseEntry>> {
        self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))
    }

    fn record_offline(&self, entry: &DatabaseEntry, offline: bool) -> SqlResult<()> {
        let record = DatabaseRecord {
            offline,
            ..DatabaseRecord::online(entry.id, entry.name.to_string(), entry.files.read().clone())
        };
        self.state_file.lock().put(record).map_err(|e| SqlError::with_text(5123, 16, e.to_string()))
    }

    /// SET OFFLINE.
    pub fn take_offline(&self, name: &str) -> SqlResult<()> {
        let entry = self.named(name)?;
        let state = entry.state();
        match &state {
            DatabaseState::Online(open) => open.close()?,
            // It would come online half restored.
            DatabaseState::Restoring => {
                return Err(SqlError::new(5052, &[&"ALTER DATABASE", &"RESTORING"]));
            }
            DatabaseState::RecoveryPending(_) | DatabaseState::Offline => {}
        }
        self.record_offline(&entry, true)?;
        *entry.state.write() = DatabaseState::Offline;
        Ok(())
    }

    /// SET ONLINE.
    pub fn bring_online(&self, name: &str) -> SqlResult<()> {
        let entry = self.named(name)?;
        if matches!(entry.state(), DatabaseState::Online(_)) {
            return Ok(());
        }
        if matches!(entry.state(), DatabaseState::Restoring) {
            return Err(SqlError::new(5052, &[&"ALTER DATABASE", &"RESTORING"]));
        }
        self.take_moves(&entry)?;
        self.record_offline(&entry, false)?;
        self.open_again(&entry, false).map(|_| ())
    }

    /// Opens the files of a database that is closed.
    pub(super) fn open_again(
        &self,
        entry: &DatabaseEntry,
        writable: bool,
    ) -> SqlResult<Arc<dyn OnlineDatabase>> {
        let files = entry.files.read().clone();
        let opened = if writable {
            self.opener.open_writable(entry.id, &entry.name, &files)
        } else {
            self.opener.open(entry.id, &entry.name, &files)
        };
        match opened {
            Ok(online) => {
                *entry.state.write() = DatabaseState::Online(Arc::clone(&online));
                Ok(online)
            }
            Err(reason) => {
                *entry.state.write() = DatabaseState::RecoveryPending(reason);
                Err(SqlError::new(945, &[&entry.name]))
            }
        }
    }

    /// SET READ_ONLY and READ_WRITE.
    pub fn set_read_only(&self, name: &str, read_only: bool) -> SqlResult<()> {
        let entry = self.named(name)?;
        let online = entry.online()?;
        if online.properties().read_only == read_only {
            return Ok(());
        }
        if read_only {
            let catalog = online.stored().ok_or_else(|| SqlError::new(5058, &[&"READ_ONLY", &name]))?;
            let writing = catalog.writing().ok_or_else(|| SqlError::new(3906, &[&name]))?;
            // Files that are only read are not recovered.
            online.recover_wholly()?;
            boot::set_status(writing, READ_ONLY, 0)?;
            online.close()?;
            drop((catalog, online));
            *entry.state.write() = DatabaseState::Offline;
            return self.open_again(&entry, false).map(|_| ());
        }
        online.close()?;
        drop(online);
        *entry.state.write() = DatabaseState::Offline;
        let online = self.open_again(&entry, true)?;
        let catalog = online.stored().ok_or_else(|| SqlError::new(5058, &[&"READ_WRITE", &name]))?;
        let writing = catalog.writing().ok_or_else(|| SqlError::new(3906, &[&name]))?;
        boot::set_status(writing, 0, READ_ONLY)?;
        online.refresh()
    }
}
