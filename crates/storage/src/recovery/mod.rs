//! Recovery: the one pass over log records that makes data files consistent. Crash recovery, the log inside a full backup,
//! log backups and standby copies differ only in where the log comes from ([`holdfast_format::log::LogStore`]) and where to
//! stop ([`StopPoint`]).
//!
//! Module map: [`analysis`] open transactions; [`redo`] one record on one page; [`forward`] the walk; [`position`] where
//! rows went since; [`undo`] roll back with compensation records; [`log_writer`] appending to log files, [`log_growth`] making them larger; [`pages`] pages
//! being changed; [`counts`] of rows and pages; [`journal`] against torn pages; [`checkpoint`] the end; [`database`] all of it over the files of a database.
//!
//! Invariants
//! 1. Redo applies every record, of winners and losers alike; undo then takes back the losers (docs/design/recovery.md).
//! 2. A record that is not understood stops everything, unless it is known to touch no page.
//! 3. A changed page reaches its file only after the log that describes the change is durable.

pub mod analysis;
pub mod checkpoint;
pub mod counts;
pub mod database;
mod error;
pub mod forward;
pub mod journal;
pub mod log_growth;
pub mod log_writer;
pub mod pages;
pub mod position;
pub mod redo;
pub mod undo;

pub use analysis::{Changed, OpenTransaction, TransactionTable};
pub use error::{LogWait, RecoveryError, RecoveryResult};
pub use forward::roll_forward;
pub use log_writer::LogWriter;
pub use pages::{FilePages, PageStore, Protection, Spread};

use holdfast_base::{Lsn, PageId};
use holdfast_format::log::transaction::EndTransaction;
use holdfast_format::log::{EndOfLog, LogRecord, LogTime, op};

/// Where to stop rolling forward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StopPoint {
    #[default]
    EndOfLog,
    /// Before the first commit that is later than this time.
    Time(LogTime),
    /// Before the record with this LSN.
    Before(Lsn),
    /// After the record with this LSN.
    After(Lsn),
}

impl StopPoint {
    fn reached(&self, record: &LogRecord<'_>) -> RecoveryResult<bool> {
        Ok(match *self {
            StopPoint::EndOfLog => false,
            StopPoint::Time(time) => {
                record.operation() == op::COMMIT_XACT && EndTransaction::decode(record)?.time > time
            }
            StopPoint::Before(lsn) => record.lsn() >= lsn,
            StopPoint::After(lsn) => record.lsn() > lsn,
        })
    }
}

/// What rolling forward did.
#[derive(Clone, Copy, Debug)]
pub struct RollForward {
    /// Where the log ended, or the record at which the stop point was reached.
    pub end: EndOfLog,
    pub stopped: bool,
    pub records: u64,
    /// Records that changed a page.
    pub applied: u64,
    /// Time of the last commit, if there was one.
    pub last_commit: Option<LogTime>,
    /// Highest LSN that a page carried when a record came to it, and that page. A page is in its file only after its log is.
    pub newest: (Lsn, PageId),
}
