//! Why recovery stopped. Every variant names the log record or the page.

use holdfast_base::{Lsn, PageId};
use holdfast_disk::DiskError;
use holdfast_format::FormatError;
use holdfast_format::log::{Context, LogError, Operation};
use thiserror::Error;

pub type RecoveryResult<T> = Result<T, RecoveryError>;

/// What keeps a log from being reused (log_reuse_wait).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogWait {
    Nothing = 0,
    Checkpoint = 1,
    LogBackup = 2,
    ActiveTransaction = 4,
}

impl LogWait {
    pub const fn name(self) -> &'static str {
        match self {
            LogWait::Nothing => "NOTHING",
            LogWait::Checkpoint => "CHECKPOINT",
            LogWait::LogBackup => "LOG_BACKUP",
            LogWait::ActiveTransaction => "ACTIVE_TRANSACTION",
        }
    }
}

#[derive(Debug, Clone, Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("log record {lsn}: {error}")]
    Page { lsn: Lsn, error: FormatError },
    #[error("page {page} cannot be read: {error}")]
    Unreadable { page: PageId, error: FormatError },
    #[error(
        "log record {lsn} changes page {page} from LSN {expected}, but the page carries {found}: the log has a gap or belongs to another database"
    )]
    Gap { lsn: Lsn, page: PageId, expected: Lsn, found: Lsn },
    #[error(
        "log record {lsn} of operation {operation} in context {context} is not known; recovery cannot pass over it"
    )]
    UnknownOperation { lsn: Lsn, operation: Operation, context: Context },
    #[error("log record {lsn} ({operation}) on page {page} slot {slot}: {what}")]
    Mismatch { lsn: Lsn, operation: Operation, page: PageId, slot: u16, what: &'static str },
    #[error("log record {lsn} names page {page}, which is outside the files of the database")]
    NoSuchFile { lsn: Lsn, page: PageId },
    #[error("log record {lsn} ({operation}) of an unfinished transaction cannot be undone")]
    CannotUndo { lsn: Lsn, operation: Operation },
    #[error("the log file has no room left and cannot grow: {what}")]
    LogFull { what: &'static str },
    /// The record was not appended and nothing has changed: the statement fails, the database goes on.
    #[error("the log has no room: {what}")]
    NoLogSpace { what: String },
    #[error("The transaction log for database '{database}' is full due to '{}'.", .wait.name())]
    FullLog { database: String, wait: LogWait },
    #[error("an earlier failure stopped all changes of the database: {what}")]
    Stopped { what: String },
    #[error("no space left in the files of the database, and none of them can grow: {what}")]
    NoSpace { what: String },
    #[error(
        "the log ends at {end} ({flaw}), but {what}: it is damaged, or belongs to another state of the data files"
    )]
    LogEndsEarly { end: Lsn, flaw: String, what: String },
    #[error("the database files do not fit recovery: {what}")]
    Database { what: String },
}
