//! Why a restore stopped.

use std::path::PathBuf;

use holdfast_backup::BackupError;
use holdfast_backup::chain::ChainError;
use holdfast_base::Lsn;
use holdfast_disk::DiskError;
use holdfast_format::log::LogError;
use thiserror::Error;

use super::place::PlaceError;
use crate::recovery::RecoveryError;

#[derive(Debug, Error)]
pub enum RestoreError {
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the database version {version} of the backup is newer than the supported version {supported}")]
    Version { version: u16, supported: u16 },
    #[error("file {file} of the backup set has no target")]
    NoTarget { file: u16 },
    #[error("the log of the set ends at {found}, but should reach {wanted}")]
    LogEnds { found: Lsn, wanted: Lsn },
    #[error("the log layout of the set is impossible: {what}")]
    LogLayout { what: &'static str },
    #[error("the state of the unfinished restore at {} is not readable", .path.display())]
    State { path: PathBuf },
    #[error("the database is not in a state for this restore: {what}")]
    WrongState { what: &'static str },
    #[error("the last restore stopped before file '{file}' was whole")]
    Interrupted { file: String },
    #[error("the database holds changes that were committed after the stop point")]
    StopTooEarly,
    #[error("the backup set ended after the stop point")]
    SetAfterStop,
}

impl From<LogError> for RestoreError {
    fn from(e: LogError) -> Self {
        RestoreError::Recovery(e.into())
    }
}

impl RestoreError {
    /// SQL Server's message number for this failure.
    pub fn message_number(&self) -> i32 {
        match self {
            RestoreError::Backup(e) => e.message_number(),
            RestoreError::Place(PlaceError::Backup(e)) => e.message_number(),
            RestoreError::Place(PlaceError::Page { .. }) => 3183,
            RestoreError::Place(PlaceError::Beyond { .. } | PlaceError::NoTarget { .. }) => 3270,
            RestoreError::Place(PlaceError::Stopped) => 3204,
            RestoreError::Place(PlaceError::Disk(e)) | RestoreError::Disk(e) if e.is_out_of_space() => 3257,
            RestoreError::Place(PlaceError::Disk(_)) | RestoreError::Disk(_) => 3634,
            RestoreError::Chain(e) => e.message_number(),
            RestoreError::Version { .. } => 3169,
            RestoreError::NoTarget { .. } => 3234,
            RestoreError::WrongState { .. } => 3117,
            RestoreError::Interrupted { .. } => 4319,
            RestoreError::StopTooEarly => 4335,
            RestoreError::SetAfterStop => 4338,
            RestoreError::Recovery(_)
            | RestoreError::LogEnds { .. }
            | RestoreError::LogLayout { .. }
            | RestoreError::State { .. } => 3456,
        }
    }
}
