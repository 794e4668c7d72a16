//! One backup file taken apart: its label and its backup sets, with the places of the bulk data.
//!
//! Invariants
//! 1. Only metadata is held; pages and log stay in the file. Memory is bounded by the number of VLFs and files.
//! 2. Damage after the label does not hide what stands before it: `problem` says where reading stopped, and a set that
//!    did not reach its end is not `complete`.

mod set_blocks;
mod walk;

pub use set_blocks::{SetMap, SetMapEntry, SetStart, Vlf, VolumeInfo};

use crate::config::{Configuration, SetInfo};
use crate::cursor::Container;
use crate::device::Device;
use crate::error::{BackupError, BackupResult};
use crate::label::MediaLabel;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BulkKind {
    /// MQDA: 64 KiB extents.
    Pages,
    /// MQTL: log blocks of one VLF.
    Log,
}

/// A run of pages or log bytes inside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkStream {
    pub kind: BulkKind,
    pub compressed: bool,
    /// Bytes of a compressed record's header; 0 in plain files.
    pub record_header: usize,
    /// Stored offset of the first byte of data (plain) or of the first record (compressed).
    pub stored_start: u64,
    /// Stored offset behind the last one.
    pub stored_end: u64,
    /// Uncompressed bytes, without the two bytes that lead it.
    pub length: u64,
    /// Stream checksum (WITH CHECKSUM) as stored.
    pub checksum: Option<u32>,
}

/// A backup set as one file holds it (the whole set, or one stripe of it).
#[derive(Clone, Debug)]
pub struct SetMember {
    /// Stored offset of the SSET.
    pub offset: u64,
    pub start: SetStart,
    pub volume: Option<VolumeInfo>,
    /// MSCI: what was known before the data.
    pub leading: Option<Configuration>,
    /// MSLS: final.
    pub trailing: Option<Configuration>,
    /// Page data in file order: one per pass.
    pub pages: Vec<BulkStream>,
    /// The log file's VLFs in file order; those with log carry their stream.
    pub vlfs: Vec<Vlf>,
    /// Set map of the end-of-set block.
    pub map: Option<SetMap>,
    /// The final configuration and the filemark after it were reached.
    pub complete: bool,
}

impl SetMember {
    /// Refuses a set whose own password (PASSWORD) is not the one given.
    pub fn check_password(&self, given: Option<&str>, device: &std::sync::Arc<str>) -> BackupResult<()> {
        if crate::password::accepts(self.start.password_digest.as_ref(), given) {
            return Ok(());
        }
        Err(BackupError::PasswordProtected { device: device.clone() })
    }

    /// The final configuration, or the leading one of a file that is cut short.
    pub fn configuration(&self) -> Option<&Configuration> {
        self.trailing.as_ref().or(self.leading.as_ref())
    }

    pub fn info(&self) -> Option<&SetInfo> {
        self.configuration().map(|c| &c.set)
    }
}

/// One backup file.
#[derive(Clone, Debug)]
pub struct Media {
    pub device: Device,
    pub container: Container,
    pub label: MediaLabel,
    pub sets: Vec<SetMember>,
    /// What stopped the reading before the end of the file, if anything did.
    pub problem: Option<BackupError>,
}

impl Media {
    /// Reads the file's structure. Fails only when there is no usable media header.
    pub fn open(device: Device) -> BackupResult<Self> {
        walk::walk(device)
    }

    /// Refuses a file whose media password (MEDIAPASSWORD) is not the one given.
    pub fn check_password(&self, given: Option<&str>) -> BackupResult<()> {
        if crate::password::accepts(self.label.password_digest.as_ref(), given) {
            return Ok(());
        }
        Err(BackupError::PasswordProtected { device: self.device.name().clone() })
    }

    pub fn is_compressed(&self) -> bool {
        self.container == Container::Compressed
    }

    /// The set at a position (1-based, HEADERONLY column Position; FILE = n).
    pub fn set(&self, position: u32) -> BackupResult<&SetMember> {
        self.sets
            .iter()
            .find(|s| u32::from(s.start.position) == position)
            .ok_or_else(|| BackupError::NoSuchSet { device: self.device.name().clone(), position })
    }
}
