//! SQL Server's native backup files (`BACKUP … TO DISK`), read and written: Microsoft Tape Format blocks, the compressed
//! `MSSQLBAK` container, configuration, stripes, chains. Pure: positioned reads come in through [`ReadAt`], no threads.
//!
//! Module map, bottom up
//! - [`checksum`], [`date`], [`compress`]: the pieces. [`device`]: a file as positioned reads.
//! - [`block`], [`label`], [`config`]: headers, media header, backup set description.
//! - [`cursor`]: forward reading, plain and compressed alike. [`media`]: one file taken apart.
//! - [`set`]: backup sets over their stripes; [`chain`]: what can be restored onto what; [`rows`]: RESTORE … ONLY.
//! - [`data`]: pages and log in batches that can be decompressed in parallel. [`writer`]: laying out files.
#![forbid(unsafe_code)]

pub mod block;
pub mod chain;
pub mod checksum;
pub mod compress;
pub mod config;
pub mod cursor;
pub mod data;
pub mod date;
pub mod device;
mod encryption;
pub mod error;
pub mod label;
pub mod media;
pub mod password;
pub mod rows;
pub mod set;
pub mod writer;

pub use config::{BackupKind, Configuration, FileInfo, FileKind, RecoveryModel, SetInfo};
pub use cursor::Container;
pub use data::{BatchReader, EXTENT, Place, RawBatch};
pub use date::MtfDate;
pub use device::{Device, ReadAt, Seeking};
pub use error::{BackupError, BackupResult};
pub use label::MediaLabel;
pub use media::{BulkStream, Media, SetMember, Vlf};
pub use set::{BackupSet, MediaSet, Source};
