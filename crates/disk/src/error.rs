//! Why an operation on a file failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub type DiskResult<T> = Result<T, DiskError>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Create,
    Open,
    Read,
    Write,
    Sync,
    Resize,
    Rename,
    Remove,
    List,
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Create => "create",
            Operation::Open => "open",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Sync => "sync",
            Operation::Resize => "resize",
            Operation::Rename => "rename",
            Operation::Remove => "remove",
            Operation::List => "list",
            Operation::Lock => "lock",
        })
    }
}

/// A failed operation: what, where, why.
#[derive(Debug, Clone, Error)]
#[error("cannot {operation} {} at byte {offset}: {message}", .path.display())]
pub struct DiskError {
    pub path: PathBuf,
    pub operation: Operation,
    pub offset: u64,
    pub kind: io::ErrorKind,
    /// Operating system error number, 0 when there is none.
    pub code: i32,
    pub message: String,
}

impl DiskError {
    pub fn new(path: &Path, operation: Operation, offset: u64, error: &io::Error) -> Self {
        DiskError {
            path: path.to_owned(),
            operation,
            offset,
            kind: error.kind(),
            code: error.raw_os_error().unwrap_or(0),
            message: error.to_string(),
        }
    }

    pub fn is_out_of_space(&self) -> bool {
        self.kind == io::ErrorKind::StorageFull || self.kind == io::ErrorKind::QuotaExceeded
    }
}
