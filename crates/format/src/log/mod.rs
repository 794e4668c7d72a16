//! The transaction log as a pure codec: virtual log files (VLFs), blocks, records, and the walk over them.
//!
//! A log file is page 0, then VLFs one after the other to the end of the file. A VLF is an 8 KiB header and then blocks; a
//! block is one to 120 sectors of 512 bytes and holds records. There is no list of VLFs and no pointer to the end: the order
//! is that of the VLFs' sequence numbers, and the end is the first block that is not valid ([`store::BlockCursor`]). Backups
//! carry the same blocks without VLF headers.
//!
//! Module map: [`operation`] names and numbers; [`vlf`] VLF headers; [`block`] blocks and sector marks; [`record`] the common,
//! page and row headers and the variable elements; [`page_operation`] and [`transaction`] the fixed parts of single
//! operations; [`store`] log bytes from a file or a backup and the walk over their blocks; [`write`](mod@write) builders.
//!
//! Invariants
//! 1. Decoding never panics and never reads outside its input; every error names the LSN or the byte offset.
//! 2. A genuine block that is taken apart and put together again has the same bytes.
//!
//! Evidence: docs/format/log.md.

pub mod block;
pub mod operation;
pub mod page_operation;
pub mod record;
pub mod store;
pub mod transaction;
pub mod vlf;
pub mod write;

#[cfg(test)]
mod tests;

use holdfast_base::{Lsn, Truncated};
use thiserror::Error;

pub use block::{BlockFlaw, BlockHeader, BlockVersion, LogBlock, SECTOR};
pub use operation::{Context, Operation, context, operation as op};
pub use record::{LogRecord, LogTime, PageTarget, RowTarget, TransactionId};
pub use store::{BlockCursor, EndOfLog, LogBytes, LogSegment, LogStore};
pub use vlf::VlfHeader;

/// What can be wrong with log bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    #[error("log record {lsn}: {what} at offset {offset} of the record")]
    Record { lsn: Lsn, offset: usize, what: &'static str },
    #[error("log block {lsn}: {flaw}")]
    Block { lsn: Lsn, flaw: BlockFlaw },
    #[error("log block {lsn}: {flaw}, though it was durable when the block at {by} was written")]
    Hole { lsn: Lsn, flaw: BlockFlaw, by: Lsn },
    #[error("virtual log file at byte {offset} of the log file: {what}")]
    Vlf { offset: u64, what: &'static str },
    #[error("log record {lsn} is not in the log at hand")]
    Missing { lsn: Lsn },
    #[error("the log cannot be read at byte {offset}: {message}")]
    Read { offset: u64, message: String },
}

impl LogError {
    pub(crate) const fn record(lsn: Lsn, offset: usize, what: &'static str) -> Self {
        LogError::Record { lsn, offset, what }
    }

    pub(crate) fn short(lsn: Lsn) -> impl Fn(Truncated) -> LogError {
        move |t| LogError::Record { lsn, offset: t.offset, what: "the record ends too early" }
    }
}
