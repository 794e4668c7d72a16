//! The log of an open database: appending, and group commit.
//!
//! Invariants
//! 1. [`Log::flush_to`] returns only when the record is durable. Whoever comes first syncs for all who came meanwhile.
//! 2. After a failed write or sync nothing is appended or called durable any more: what the file holds is unknown.

use holdfast_base::Lsn;
use holdfast_format::log::BlockVersion;
use parking_lot::{Condvar, Mutex};

use crate::recovery::{LogWriter, RecoveryError, RecoveryResult};

struct Durable {
    /// Every record up to here is durable.
    lsn: Lsn,
    /// Somebody is syncing.
    busy: bool,
    failed: Option<RecoveryError>,
}

pub struct Log {
    writer: Mutex<LogWriter>,
    durable: Mutex<Durable>,
    changed: Condvar,
    version: BlockVersion,
}

impl Log {
    /// `writer` stands behind a durable end of the log.
    pub fn new(writer: LogWriter) -> Self {
        let version = writer.version();
        let durable = Durable { lsn: writer.last(), busy: false, failed: None };
        Log { writer: Mutex::new(writer), durable: Mutex::new(durable), changed: Condvar::new(), version }
    }

    pub fn version(&self) -> BlockVersion {
        self.version
    }

    /// Appends a record; it is not durable yet.
    pub fn append(&self, record: &[u8]) -> RecoveryResult<Lsn> {
        let done = self.writer.lock().append(record);
        done.inspect_err(|e| self.fail(e))
    }

    /// Ends the present block, so that the next record begins a new one.
    pub fn end_block(&self) -> RecoveryResult<()> {
        let done = self.writer.lock().write_block();
        done.inspect_err(|e| self.fail(e))
    }

    /// LSN of the last record appended.
    pub fn last(&self) -> Lsn {
        self.writer.lock().last()
    }

    /// Place of the end of the log and sizes of its virtual log files, for growth decisions and views.
    pub fn with_writer<T>(&self, f: impl FnOnce(&mut LogWriter) -> T) -> T {
        f(&mut self.writer.lock())
    }

    fn fail(&self, error: &RecoveryError) {
        let mut durable = self.durable.lock();
        durable.failed.get_or_insert_with(|| error.clone());
        self.changed.notify_all();
    }

    /// Invariant 1.
    pub fn flush_to(&self, lsn: Lsn) -> RecoveryResult<()> {
        let mut durable = self.durable.lock();
        loop {
            if durable.lsn >= lsn {
                return Ok(());
            }
            if let Some(error) = &durable.failed {
                return Err(RecoveryError::Stopped { what: error.to_string() });
            }
            if durable.busy {
                self.changed.wait(&mut durable);
                continue;
            }
            durable.busy = true;
            drop(durable);
            let done = self.sync();
            durable = self.durable.lock();
            durable.busy = false;
            match done {
                Ok(reached) => durable.lsn = durable.lsn.max(reached),
                Err(e) => {
                    durable.failed.get_or_insert(e);
                }
            }
            self.changed.notify_all();
        }
    }

    fn sync(&self) -> RecoveryResult<Lsn> {
        let (file, reached) = {
            let mut writer = self.writer.lock();
            (writer.hand_over()?, writer.last())
        };
        if let Some(file) = file {
            file.sync()?;
        }
        Ok(reached)
    }

    /// Makes everything appended so far durable.
    pub fn flush(&self) -> RecoveryResult<()> {
        let last = self.last();
        if last.is_zero() { Ok(()) } else { self.flush_to(last) }
    }
}
