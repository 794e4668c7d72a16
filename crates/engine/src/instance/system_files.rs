//! Files of system databases: made when the first definition in one of them needs them, by the code of CREATE DATABASE.
//!
//! Invariants
//! 1. A system database without files holds nothing of its own ([`super::SystemDatabase`]). Once it has files they are listed in the state
//!    file like any database's and opened at every start; nothing ever takes an empty one in their place.
//! 2. While they are being made the record says that they are to be discarded, so a crash leaves the whole database or none.
//! 3. guest may connect to each of them but model, as everybody who logs in relies on.
//! 4. tempdb's record says all the time that it is to be discarded: every start begins with an empty one.

use std::sync::Arc;

use holdfast_base::world::Entropy;
use holdfast_types::{DateTime, SqlError, SqlResult};

use super::create::{self, NewDatabaseOptions, NewFile};
use super::state_file::DatabaseRecord;
use super::{DatabaseState, Instance, OnlineDatabase};
use crate::ddl::CatalogWriter;
use crate::lock::LockWait;
use crate::transaction::{Transaction, new_owner};
use crate::write::WriteContext;

pub const MASTER: i32 = 1;
pub const TEMPDB: i32 = 2;
pub const MODEL: i32 = 3;
pub const MSDB: i32 = 4;

/// Where the files lie: apart from those of users, so that a copy of somebody's master restored under another name does not
/// meet them.
pub const FOLDER: &str = "system";

/// Page checksums.
const CHECKSUMS: u32 = 0x1_0000;
/// SIMPLE recovery.
const SIMPLE: u32 = 8;
/// The level at which the system databases run, with files or without.
const COMPATIBILITY: u16 = 150;
/// Pages of the data file and of the log file, and what they grow by in percent: 4 MiB, 2 MiB, as SQL Server ships them small.
const DATA_PAGES: u32 = 512;
const LOG_PAGES: u32 = 256;
const GROWTH: u32 = 10;
/// The user that everybody without one is.
const GUEST: i32 = 2;
const DBO: i32 = 1;

/// Id, name of the database, logical name and file name of data and log, as SQL Server calls them.
const FILES: &[(i32, &str, (&str, &str), (&str, &str))] = &[
    (MASTER, "master", ("master", "master.mdf"), ("mastlog", "mastlog.ldf")),
    (TEMPDB, "tempdb", ("tempdev", "tempdb.mdf"), ("templog", "templog.ldf")),
    (MODEL, "model", ("modeldev", "model.mdf"), ("modellog", "modellog.ldf")),
    (MSDB, "msdb", ("MSDBData", "MSDBData.mdf"), ("MSDBLog", "MSDBLog.ldf")),
];

impl Instance {
    /// Gives a system database files, if it has none yet. `now` is local time, `created` the same in seconds since 1970.
    ///
    /// # Errors
    /// 5170 when a file of the name is there, 5123 when one cannot be made.
    pub fn make_system_database(
        &self,
        id: i32,
        now: DateTime,
        created: i64,
        entropy: &dyn Entropy,
    ) -> SqlResult<()> {
        let _one = self.making_system.lock();
        let Some((_, name, data, log)) = FILES.iter().find(|f| f.0 == id) else {
            return Err(SqlError::new(911, &[&id]));
        };
        let found = self.find_id(id).ok_or_else(|| SqlError::new(911, &[name]))?;
        if found.online()?.stored().is_some() {
            return Ok(());
        }
        let folder = self.options.data_directory.join(FOLDER);
        let file = |(logical, path): &(&str, &str), log: bool, size| NewFile {
            log,
            filegroup: u16::from(!log),
            logical_name: (*logical).to_owned(),
            path: folder.join(path),
            size,
            max_size: None,
            growth: GROWTH,
            percent: true,
        };
        let new = NewDatabaseOptions {
            name: (*name).to_owned(),
            collation: self.options.collation,
            files: vec![file(data, false, DATA_PAGES), file(log, true, LOG_PAGES)],
            filegroups: Vec::new(),
            compatibility_level: COMPATIBILITY,
            status: if id == MODEL { CHECKSUMS } else { CHECKSUMS | SIMPLE },
        };
        let disk = self.opener.disk();
        if let Some(taken) = new.files.iter().find(|f| disk.exists(&f.path)) {
            return Err(SqlError::new(5170, &[&taken.path.display()]));
        }
        let files = new.records();
        let record = |discard| DatabaseRecord {
            discard,
            ..DatabaseRecord::online(id, (*name).to_owned(), files.clone())
        };
        self.put(record(true))?;
        let made = self.build(id, &new, &files, created, entropy).and_then(|online| {
            if id != MODEL {
                self.admit_guest(&online, now)?;
            }
            if id != TEMPDB {
                self.put(record(false))?;
            }
            Ok(online)
        });
        match made {
            Ok(online) => {
                *found.files.write() = files;
                *found.state.write() = DatabaseState::Online(online);
                Ok(())
            }
            Err(e) => {
                create::remove_files(&*disk, &files);
                self.state_file
                    .lock()
                    .remove(id)
                    .map_err(|e| SqlError::with_text(5123, 16, e.to_string()))?;
                Err(e)
            }
        }
    }

    /// GRANT CONNECT TO guest.
    fn admit_guest(&self, online: &Arc<dyn OnlineDatabase>, now: DateTime) -> SqlResult<()> {
        let Some(catalog) = online.stored() else { return Ok(()) };
        let transaction = Transaction::with_locks(new_owner(), Arc::clone(&self.locks));
        let wait = LockWait::default();
        let write = WriteContext { transaction: &transaction, wait: &wait };
        let writer = CatalogWriter::new(catalog, write, now);
        writer.add_permission((0, 0, 0), GUEST, DBO, "CO", "G")?;
        transaction.commit()?;
        online.refresh()
    }
}
