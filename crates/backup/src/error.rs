//! Everything that can go wrong with a backup file, with enough in each variant to answer with SQL Server's own message.
//!
//! Invariants
//! 1. Every variant names the device (file); positions are byte offsets in the file as stored.
//! 2. [`BackupError::message_number`] is total: each variant has the number a SQL Server would answer with.

use std::sync::Arc;

use thiserror::Error;

pub type BackupResult<T> = Result<T, BackupError>;

#[derive(Debug, Clone, Error)]
pub enum BackupError {
    #[error("{device}: reading at offset {offset} failed: {reason}")]
    Read { device: Arc<str>, offset: u64, reason: String },
    #[error("{device}: writing at offset {offset} failed: {reason}")]
    Write { device: Arc<str>, offset: u64, reason: String },
    #[error("{device}: the file ends at {length}, {wanted} more bytes are needed at offset {offset}")]
    Truncated { device: Arc<str>, offset: u64, wanted: u64, length: u64 },
    #[error("{device}: the file is empty")]
    Empty { device: Arc<str> },
    #[error("{device}: not a backup file: {what}")]
    Foreign { device: Arc<str>, what: &'static str },
    #[error("{device}: damaged at offset {offset}: {what}")]
    Damaged { device: Arc<str>, offset: u64, what: String },
    #[error("{device}: compressed container of version {version}, whose layout is not known")]
    UnknownContainer { device: Arc<str>, version: u32 },
    #[error("{device}: compressed piece of unknown kind 0x{tag:02X} at offset {offset}")]
    UnknownPiece { device: Arc<str>, offset: u64, tag: u8 },
    #[error("{device}: compressed piece at offset {offset} does not decompress: {what}")]
    Compression { device: Arc<str>, offset: u64, what: &'static str },
    #[error("{device}: checksum of the {what} at offset {offset} is 0x{found:08X}, stored is 0x{stored:08X}")]
    Checksum { device: Arc<str>, offset: u64, what: &'static str, stored: u32, found: u32 },
    #[error("{device}: the backup set at position {position} is incomplete")]
    Incomplete { device: Arc<str>, position: u16 },
    #[error("{device}: holds no backup set at position {position}")]
    NoSuchSet { device: Arc<str>, position: u32 },
    #[error("the media set has {families} media families but only {provided} are provided")]
    MissingFamilies { families: u16, provided: u16, missing: Vec<u16> },
    #[error("{device}: not a member of the media set of {other}")]
    OtherMediaSet { device: Arc<str>, other: Arc<str> },
    #[error("{device}: media family {family} is given twice (also as {other})")]
    SameFamily { device: Arc<str>, other: Arc<str>, family: u16 },
    #[error("{device}: the media set is protected by a password")]
    PasswordProtected { device: Arc<str> },
    #[error("{device}: the backup is encrypted{}", thumbprint_text(.thumbprint))]
    Encrypted { device: Arc<str>, thumbprint: Option<Vec<u8>> },
    #[error("{device}: the extent at offset {offset} of the data does not name its place")]
    LostExtent { device: Arc<str>, offset: u64 },
    #[error("page ({file}:{page}) of database {database} is damaged in the backup")]
    Page { database: String, file: u16, page: u32 },
    #[error("{device}: {what} is larger than the limit of {limit} bytes")]
    TooLarge { device: Arc<str>, what: &'static str, limit: u64 },
}

fn thumbprint_text(t: &Option<Vec<u8>>) -> String {
    match t {
        Some(t) => format!(
            " with the key of thumbprint 0x{}",
            t.iter().map(|b| format!("{b:02X}")).collect::<String>()
        ),
        None => String::new(),
    }
}

impl BackupError {
    /// The message number that SQL Server answers with in this situation.
    pub fn message_number(&self) -> i32 {
        match self {
            BackupError::Read { .. } | BackupError::Truncated { .. } => 3203,
            BackupError::Write { .. } => 3202,
            BackupError::Empty { .. } => 3254,
            BackupError::Foreign { .. } => 3242,
            BackupError::Damaged { .. }
            | BackupError::UnknownContainer { .. }
            | BackupError::UnknownPiece { .. }
            | BackupError::TooLarge { .. } => 3241,
            BackupError::Compression { .. } | BackupError::Checksum { .. } => 3189,
            BackupError::Incomplete { .. } => 3256,
            BackupError::NoSuchSet { .. } => 4038,
            BackupError::MissingFamilies { .. } => 3132,
            BackupError::OtherMediaSet { .. } => 3258,
            BackupError::SameFamily { .. } => 3227,
            BackupError::PasswordProtected { .. } => 3279,
            BackupError::Encrypted { .. } => 33111,
            BackupError::LostExtent { .. } => 3270,
            BackupError::Page { .. } => 3183,
        }
    }

    /// The device the error is about, when it is about one.
    pub fn device(&self) -> Option<&str> {
        match self {
            BackupError::Read { device, .. }
            | BackupError::Write { device, .. }
            | BackupError::Truncated { device, .. }
            | BackupError::Empty { device }
            | BackupError::Foreign { device, .. }
            | BackupError::Damaged { device, .. }
            | BackupError::UnknownContainer { device, .. }
            | BackupError::UnknownPiece { device, .. }
            | BackupError::Compression { device, .. }
            | BackupError::Checksum { device, .. }
            | BackupError::Incomplete { device, .. }
            | BackupError::NoSuchSet { device, .. }
            | BackupError::OtherMediaSet { device, .. }
            | BackupError::SameFamily { device, .. }
            | BackupError::PasswordProtected { device }
            | BackupError::Encrypted { device, .. }
            | BackupError::LostExtent { device, .. }
            | BackupError::TooLarge { device, .. } => Some(device),
            BackupError::MissingFamilies { .. } | BackupError::Page { .. } => None,
        }
    }

    /// Byte offset in the stored file, when the error has one.
    pub fn offset(&self) -> Option<u64> {
        match self {
            BackupError::Read { offset, .. }
            | BackupError::Write { offset, .. }
            | BackupError::Truncated { offset, .. }
            | BackupError::Damaged { offset, .. }
            | BackupError::UnknownPiece { offset, .. }
            | BackupError::Compression { offset, .. }
            | BackupError::Checksum { offset, .. }
            | BackupError::LostExtent { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}
