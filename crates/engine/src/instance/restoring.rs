//! Databases that are being restored, as the instance lists them: from the moment their files are chosen until they are open.
//!
//! Invariants
//! 1. `instance.json` says RESTORING before the first page is placed, and what was there before until pages have been placed: a
//!    restore that is refused, or that stops with the server, before it wrote over anything leaves the database as it was.
//! 2. A database that was not there belongs to who restores it; one that is replaced keeps its owner. The owner stands in the
//!    database's own catalogue: it is written there, in a transaction, before the database is listed as ONLINE, and lies in
//!    `instance.json` until then.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_disk::Disk;
use holdfast_storage::restore::RestoreState;
use holdfast_types::{DateTime, SqlError, SqlResult};

use super::state_file::{DatabaseRecord, Replaced, StateFile};
use super::{
    DatabaseEntry, DatabaseState, FileRecord, Instance, InstanceOptions, OnlineDatabase, attach, create,
    entry, insert, key, user_of,
};
use crate::ddl::CatalogWriter;
use crate::lock::{LockManager, LockWait};
use crate::transaction::{Transaction, new_owner};
use crate::write::WriteContext;

/// The owner's id in sysowners.
const DBO: i32 = 1;

fn state_path(options: &InstanceOptions, id: i32) -> PathBuf {
    options.data_directory.join("data").join(format!("{id}.restore"))
}

/// Whether a restore that is listed has written over nothing of what was there before: its state file comes first.
fn placed_nothing(record: &DatabaseRecord, before: &Replaced, disk: &dyn Disk, state: &Path) -> bool {
    match RestoreState::load(disk, state) {
        Ok(None) => true,
        // Of the sequence before this one, when there was one, and it is still that one's.
        Ok(Some(Some(found))) if before.restoring && before.files != record.files => {
            let found: BTreeSet<&Path> = found.files.iter().map(|f| f.path.as_path()).collect();
            before.files.iter().map(|f| f.path.as_path()).collect::<BTreeSet<_>>() == found
        }
        _ => false,
    }
}

/// Invariant 1, after the server has stopped.
pub fn take_back_what_placed_nothing(
    state: &mut StateFile,
    options: &InstanceOptions,
    disk: &dyn Disk,
) -> std::io::Result<()> {
    for record in state.records().to_vec() {
        let Some(before) = record.before.clone() else { continue };
        let untouched = placed_nothing(&record, &before, disk, &state_path(options, record.id));
        state.put(match untouched {
            true => record.taken_back(before),
            false => DatabaseRecord { before: None, ..record },
        })?;
    }
    Ok(())
}

impl Instance {
    /// Lists a database as RESTORING with its files, before the first page is placed. Replaces an entry of that name, whose
    /// database is closed; its files are as they were until the restore's state file is there. `restorer`: the SID of who will
    /// own a database that is new.
    ///
    /// # Errors
    /// 1834 when another database has one of the files, 3271 when the state file cannot be written: nothing has changed then.
    pub fn begin_restore(
        &self,
        name: &str,
        files: Vec<FileRecord>,
        restorer: Option<&[u8]>,
    ) -> SqlResult<Arc<DatabaseEntry>> {
        let mut databases = self.databases.write();
        let key = key(name);
        let old = databases.get(&key).cloned();
        for f in &files {
            let user = user_of(&databases, &f.path);
            if let Some(user) = user.filter(|u| old.as_ref().is_none_or(|o| o.name != *u)) {
                return Err(SqlError::new(1834, &[&f.path.display(), &user]));
            }
        }
        let id = match &old {
            Some(old) => old.id,
            None => (5..).find(|i| databases.values().all(|d| d.id != *i)).unwrap_or(i32::MAX),
        };
        let shown = old.as_ref().map_or_else(|| Arc::from(name), |old| Arc::clone(&old.name));
        let kept = old.as_ref().and_then(|o| self.owner_of(o));
        let record = DatabaseRecord {
            restoring: true,
            owner: kept.or_else(|| restorer.map(<[u8]>::to_vec)),
            before: old.as_ref().map(|o| self.replaced(o)),
            ..DatabaseRecord::online(id, shown.to_string(), files.clone())
        };
        let put = self.state_file.lock().put(record);
        put.map_err(|e| SqlError::new(3271, &[&"instance.json", &e.to_string()]))?;
        // Its files are about to be written over: nothing of it may be written any more.
        if let Some(DatabaseState::Online(open)) = old.map(|o| o.state()) {
            let _ = open.close();
        }
        let new = entry(id, &shown, DatabaseState::Restoring, files);
        databases.insert(key, Arc::clone(&new));
        Ok(new)
    }

    fn replaced(&self, old: &DatabaseEntry) -> Replaced {
        Replaced {
            restoring: matches!(old.state(), DatabaseState::Restoring),
            offline: matches!(old.state(), DatabaseState::Offline),
            files: old.files.read().clone(),
            owner: self.future_owner(old.id),
        }
    }

    /// Who will own a database that is being restored; `None`: who owned it in the backup, or it is not being restored.
    pub fn future_owner(&self, id: i32) -> Option<Vec<u8>> {
        self.state_file.lock().record(id).and_then(|r| r.owner.clone())
    }

    /// Who owns a database, whatever its state; `None` when it cannot be told.
    fn owner_of(&self, found: &DatabaseEntry) -> Option<Vec<u8>> {
        match found.state() {
            DatabaseState::Online(open) => Some(open.properties().owner_sid).filter(|sid| !sid.is_empty()),
            DatabaseState::Restoring => self.future_owner(found.id),
            DatabaseState::Offline | DatabaseState::RecoveryPending(_) => {
                let files = found.files.read();
                let primary = files.iter().find(|f| !f.is_log && f.file_id == 1)?;
                attach::owner(&*self.opener.disk(), &primary.path)
            }
        }
    }

    /// Takes [`Self::begin_restore`] back before anything was written over: the database is as it was before.
    ///
    /// # Errors
    /// When the state file cannot be written; the database then stays RESTORING.
    pub fn take_back_restore(&self, before: &DatabaseEntry, was: &DatabaseState) -> std::io::Result<()> {
        let files = before.files.read().clone();
        {
            let mut state = self.state_file.lock();
            let listed = state.record(before.id).cloned();
            let (record, replaced) = match listed.and_then(|r| r.before.clone().map(|b| (r, b))) {
                Some(found) => found,
                None => return Ok(()),
            };
            state.put(record.taken_back(replaced))?;
        }
        let state = match was {
            DatabaseState::Online(_) | DatabaseState::RecoveryPending(_) => {
                match self.opener.open(before.id, &before.name, &files) {
                    Ok(online) => DatabaseState::Online(online),
                    Err(reason) => DatabaseState::RecoveryPending(reason),
                }
            }
            closed => closed.clone(),
        };
        insert(&mut self.databases.write(), entry(before.id, &before.name, state, files));
        Ok(())
    }

    /// Whether [`Self::take_back_restore`] may still be called for a restore that has failed.
    pub fn has_placed_nothing(&self, id: i32) -> bool {
        let record = self.state_file.lock().record(id).cloned();
        let Some((record, before)) = record.and_then(|r| r.before.clone().map(|b| (r, b))) else {
            return false;
        };
        placed_nothing(&record, &before, &*self.opener.disk(), &self.restore_state_path(id))
    }

    /// Pages of the full backup have been placed: what was there before is gone.
    ///
    /// # Errors
    /// 3271 when the state file cannot be written.
    pub fn restore_has_placed(&self, id: i32) -> SqlResult<()> {
        let mut state = self.state_file.lock();
        let Some(record) = state.record(id).filter(|r| r.before.is_some()).cloned() else { return Ok(()) };
        let put = state.put(DatabaseRecord { before: None, ..record });
        put.map_err(|e| SqlError::new(3271, &[&"instance.json", &e.to_string()]))
    }

    /// Removes a database whose first restore failed, with the files that it was being placed in.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub fn discard_restore(&self, name: &str) -> std::io::Result<()> {
        let Some(found) = self.find(name) else { return Ok(()) };
        let disk = self.opener.disk();
        create::remove_files(&*disk, &found.files.read());
        holdfast_storage::restore::discard(&*disk, &self.restore_state_path(found.id));
        self.remove(name)
    }

    /// Where the storage layer keeps what it needs between the steps of a restore sequence.
    pub fn restore_state_path(&self, id: i32) -> PathBuf {
        state_path(&self.options, id)
    }

    /// Opens a database whose restore has finished, gives it to its owner (invariant 2) and lists it as ONLINE.
    ///
    /// # Errors
    /// The opener's reason, or why the owner cannot be written; the database then stays RESTORING.
    pub fn finish_restore(&self, name: &str) -> Result<Arc<dyn OnlineDatabase>, String> {
        let found = self.find(name).ok_or_else(|| format!("there is no database '{name}'"))?;
        let files = found.files.read().clone();
        let mut database = self.opener.open(found.id, &found.name, &files)?;
        let owner = self.future_owner(found.id);
        if let Some(owner) = owner.filter(|o| *o != database.properties().owner_sid) {
            let writable = database.stored().is_some_and(|c| c.writing().is_some());
            if writable {
                give(&database, &self.locks, owner).map_err(|e| e.message)?;
            } else if database.stored().is_some() {
                // A read-only database has an owner all the same.
                drop(database);
                let open = self.opener.open_writable(found.id, &found.name, &files)?;
                give(&open, &self.locks, owner).and_then(|()| open.close()).map_err(|e| e.message)?;
                drop(open);
                database = self.opener.open(found.id, &found.name, &files)?;
            }
        }
        let record = DatabaseRecord::online(found.id, found.name.to_string(), files);
        self.state_file.lock().put(record).map_err(|e| e.to_string())?;
        *found.state.write() = DatabaseState::Online(Arc::clone(&database));
        Ok(database)
    }
}

/// Writes the owner into a database's catalogue.
fn give(database: &Arc<dyn OnlineDatabase>, locks: &Arc<LockManager>, owner: Vec<u8>) -> SqlResult<()> {
    let Some(catalog) = database.stored() else { return Ok(()) };
    let transaction = Transaction::with_locks(new_owner(), Arc::clone(locks));
    let wait = LockWait::default();
    let writer = CatalogWriter::new(
        catalog,
        WriteContext { transaction: &transaction, wait: &wait },
        DateTime::default(),
    );
    let done = writer.set_principal_sid(DBO, owner);
    drop(writer);
    match done {
        Ok(()) => transaction.commit()?,
        Err(e) => {
            transaction.rollback()?;
            return Err(e);
        }
    }
    database.refresh()
}
