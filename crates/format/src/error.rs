//! What can be wrong with bytes of a data file.
//!
//! Invariants
//! 1. A [`RecordError`] knows only the offset inside the record; whoever knows the page turns it into a [`FormatError`]
//!    with [`RecordError::at`], so that every error that leaves the crate names its page.

use holdfast_base::{PageId, Truncated};
use thiserror::Error;

/// Something is wrong inside one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} at offset {offset} of the record")]
pub struct RecordError {
    /// Byte offset from the start of the record.
    pub offset: usize,
    pub what: &'static str,
}

impl RecordError {
    pub const fn new(offset: usize, what: &'static str) -> Self {
        RecordError { offset, what }
    }

    /// Adds the place.
    pub const fn at(self, page: PageId, slot: u16) -> FormatError {
        FormatError::Record { page, slot, offset: self.offset, what: self.what }
    }
}

impl From<Truncated> for RecordError {
    fn from(t: Truncated) -> Self {
        RecordError { offset: t.offset, what: "the record ends too early" }
    }
}

/// A damaged or unreadable piece of a database.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormatError {
    #[error("page {page} lies outside the files of the database")]
    NoSuchPage { page: PageId },
    #[error("page {page} cannot be read: {message}")]
    Unreadable { page: PageId, message: String },
    #[error("page {page}: {what}")]
    Page { page: PageId, what: &'static str },
    #[error("page {page} has type {found} where {expected} is expected")]
    PageType { page: PageId, found: u8, expected: &'static str },
    #[error("page {page} carries the address {found}")]
    WrongPage { page: PageId, found: PageId },
    #[error("page {page} has checksum 0x{stored:08x} but its contents give 0x{computed:08x}")]
    Checksum { page: PageId, stored: u32, computed: u32 },
    #[error("page {page} is torn: sector {sector} was not written together with the others")]
    Torn { page: PageId, sector: u8 },
    #[error("page {page} slot {slot}: {what} at offset {offset} of the record")]
    Record { page: PageId, slot: u16, offset: usize, what: &'static str },
    #[error("page {page} slot {slot} is not there")]
    NoSuchSlot { page: PageId, slot: u16 },
    #[error("large value at page {page} slot {slot}: {what}")]
    Lob { page: PageId, slot: u16, what: &'static str },
    #[error("large value: {what}")]
    LobPointer { what: &'static str },
    #[error("chain or tree through page {page}: {what}")]
    Tree { page: PageId, what: &'static str },
    #[error("system catalog: {what}")]
    Catalog { what: String },
    #[error("database version {version} is not known")]
    Version { version: u16 },
}

impl FormatError {
    pub fn catalog(what: impl Into<String>) -> Self {
        FormatError::Catalog { what: what.into() }
    }

    /// The page concerned, if one is.
    pub fn page(&self) -> Option<PageId> {
        match self {
            FormatError::NoSuchPage { page }
            | FormatError::Unreadable { page, .. }
            | FormatError::Page { page, .. }
            | FormatError::PageType { page, .. }
            | FormatError::WrongPage { page, .. }
            | FormatError::Checksum { page, .. }
            | FormatError::Torn { page, .. }
            | FormatError::Record { page, .. }
            | FormatError::NoSuchSlot { page, .. }
            | FormatError::Lob { page, .. }
            | FormatError::Tree { page, .. } => Some(*page),
            FormatError::LobPointer { .. } | FormatError::Catalog { .. } | FormatError::Version { .. } => {
                None
            }
        }
    }
}
