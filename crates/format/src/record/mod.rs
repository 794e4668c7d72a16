//! Records: rows on data pages and entries on index pages.
//!
//! Module map: [`fixed_var`] the plain form, [`layout`] where each column lies, [`writer`] building plain records,
//! [`compressed`] the ROW/PAGE compressed form with [`page_compression`], [`number`] and [`scsu`] its value encodings,
//! [`sparse`] sparse columns, [`row`] one view over plain and compressed rows.
//!
//! Invariants
//! 1. Parsing never reads outside the slice it is given; a bad offset is a [`crate::RecordError`].
//! 2. A record's kind is bits 1–3 of its first byte when bit 0 is clear; bit 0 set means the compressed form.
//!
//! Evidence: docs/format/record.md.

pub mod compressed;
pub mod fixed_var;
pub mod layout;
pub mod number;
pub mod page_compression;
pub mod row;
pub mod scsu;
pub mod sparse;
pub mod writer;

pub use fixed_var::{FixedVar, RecordType};
pub use layout::{PhysicalColumn, Placement, RowLayout};
pub use row::{PageRows, Row};

use crate::error::RecordError;

/// Bits of the first byte of a plain record.
pub mod status {
    pub const COMPRESSED: u8 = 0x01;
    pub const TYPE_MASK: u8 = 0x0E;
    pub const NULL_BITMAP: u8 = 0x10;
    pub const VARIABLE: u8 = 0x20;
    pub const VERSION_TAG: u8 = 0x40;
}

/// Whether a record's first byte says that it lies away from the address it belongs to.
pub fn is_forwarded(first: u8) -> bool {
    if first & status::COMPRESSED != 0 {
        return compressed::is_forwarded(first);
    }
    RecordType::of(first) == RecordType::Forwarded
}

/// Bytes of the version tag behind a record.
pub const VERSION_TAG_SIZE: usize = 14;

/// Bytes of a forwarding stub.
pub const STUB_SIZE: usize = 9;

/// What a record says about one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    Null,
    /// The record is older than the column: its value is the column's stored default, or NULL.
    Missing,
    Bit(bool),
    /// The value's bytes in the type's own encoding.
    Bytes(&'a [u8]),
    /// A pointer to a value kept elsewhere (text pointer, inline root, row-overflow pointer).
    Complex(&'a [u8]),
}

/// Length in bytes of the record at the start of `bytes`. `pminlen` is used for index pages only.
pub fn record_length(bytes: &[u8], index_page: bool, pminlen: u16) -> Result<usize, RecordError> {
    let first = *bytes.first().ok_or(RecordError::new(0, "the record is empty"))?;
    if first & status::COMPRESSED != 0 {
        return compressed::CdRecord::parse(bytes, &mut Vec::new()).map(|r| r.length());
    }
    match RecordType::of(first) {
        RecordType::Stub => Ok(STUB_SIZE),
        RecordType::Lob => crate::lob::record_length(bytes),
        _ if index_page => FixedVar::parse_index(bytes, pminlen).map(|r| r.length()),
        _ => FixedVar::parse_data(bytes).map(|r| r.length()),
    }
}
