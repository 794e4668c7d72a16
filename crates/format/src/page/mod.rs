//! The 8 KiB page: header, slot array, records. [`PageView`] reads; [`edit::PageEditor`] writes; [`protection`] checksums
//! and torn bits; [`check`] verifies what can be verified within one page.
//!
//! ```text
//! 0      96                    m_freeData          8192 - 2n          8192
//! | header | records …          | free …            | slot n-1 … slot 0 |
//! ```
//!
//! Invariants
//! 1. Slot i is the u16 at 8190 − 2·i: the byte offset of its record; 0 = empty slot (heaps and LOB pages only).
//! 2. No record lies below offset 96 or inside the slot array; every read here checks that.
//!
//! Evidence: docs/format/page.md; verified on every page of the genuine corpus.

pub mod check;
pub mod edit;
pub mod header;
pub mod protection;

pub use edit::PageEditor;
pub use header::{PageHeader, PageType, flag};

use holdfast_base::{Lsn, PAGE_SIZE, PageId, SlotNumber};

use crate::error::FormatError;

/// The bytes of a page.
pub type PageBytes = [u8; PAGE_SIZE];

/// Bytes of the page header.
pub const HEADER_SIZE: usize = 96;

/// Allocation unit of sysfiles1, whose records are padded to multiples of four bytes: those of its pages and of its IAM page.
pub const PADDED_UNIT: u64 = 8 << 16;

/// Whether a data page is one of sysfiles1.
#[inline]
pub(crate) fn is_padded(page: &PageBytes) -> bool {
    // The object's part of the unit first: hardly another page has it.
    page[24..28] == [8, 0, 0, 0] && page[6..8] == [0, 0] && page[1] == PageType::Data as u8
}

/// Read access to a page. Copy: it is a reference.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    bytes: &'a PageBytes,
}

impl<'a> PageView<'a> {
    #[inline]
    pub const fn new(bytes: &'a PageBytes) -> Self {
        PageView { bytes }
    }

    pub const fn bytes(&self) -> &'a PageBytes {
        self.bytes
    }

    #[inline]
    const fn u16_at(&self, offset: usize) -> u16 {
        u16::from_le_bytes([self.bytes[offset], self.bytes[offset + 1]])
    }

    #[inline]
    const fn u32_at(&self, offset: usize) -> u32 {
        u32::from_le_bytes([
            self.bytes[offset],
            self.bytes[offset + 1],
            self.bytes[offset + 2],
            self.bytes[offset + 3],
        ])
    }

    const fn pointer_at(&self, offset: usize) -> PageId {
        PageId::new(self.u16_at(offset + 4), self.u32_at(offset))
    }

    pub fn header(&self) -> PageHeader {
        PageHeader::decode(self.bytes)
    }

    /// The raw page type; see [`PageType`].
    #[inline]
    pub const fn page_type(&self) -> u8 {
        self.bytes[1]
    }

    #[inline]
    pub const fn is(&self, ty: PageType) -> bool {
        self.bytes[1] == ty as u8
    }

    pub const fn type_flags(&self) -> u8 {
        self.bytes[2]
    }

    /// The page begins its records with a compression information structure.
    pub const fn is_page_compressed(&self) -> bool {
        self.bytes[2] & header::TYPE_FLAG_COMPRESSED != 0
    }

    pub const fn level(&self) -> u8 {
        self.bytes[3]
    }

    pub const fn flags(&self) -> u16 {
        self.u16_at(4)
    }

    pub const fn previous(&self) -> PageId {
        self.pointer_at(8)
    }

    /// Size of the fixed part of records; authoritative on index pages only.
    pub const fn pminlen(&self) -> u16 {
        self.u16_at(14)
    }

    pub const fn next(&self) -> PageId {
        self.pointer_at(16)
    }

    #[inline]
    pub const fn slot_count(&self) -> u16 {
        self.u16_at(22)
    }

    #[inline]
    pub const fn free_count(&self) -> u16 {
        self.u16_at(28)
    }

    #[inline]
    pub const fn free_data(&self) -> u16 {
        self.u16_at(30)
    }

    #[inline]
    pub const fn page_id(&self) -> PageId {
        self.pointer_at(32)
    }

    #[inline]
    pub fn lsn(&self) -> Lsn {
        Lsn::new(self.u32_at(40), self.u32_at(44), self.u16_at(48))
    }

    #[inline]
    pub const fn ghost_count(&self) -> u16 {
        self.u16_at(58)
    }

    /// Id of the allocation unit the page belongs to (pages of SQL Server 2000 carry object and index ids instead).
    pub fn unit_id(&self) -> u64 {
        (u64::from(self.u16_at(6)) << 48) | (u64::from(self.u32_at(24)) << 16)
    }

    /// First byte of the slot array, clamped to the header's end.
    #[inline]
    pub const fn slot_array_start(&self) -> usize {
        let start = PAGE_SIZE.saturating_sub(2 * self.slot_count() as usize);
        if start < HEADER_SIZE { HEADER_SIZE } else { start }
    }

    /// Offset of a slot's record; `None` when there is no such slot, it is empty, or it points outside the records' area.
    #[inline]
    pub const fn slot_offset(&self, slot: SlotNumber) -> Option<usize> {
        if slot >= self.slot_count() {
            return None;
        }
        let position = PAGE_SIZE.saturating_sub(2 * (slot as usize + 1));
        if position < HEADER_SIZE {
            return None;
        }
        let offset = self.u16_at(position) as usize;
        if offset < HEADER_SIZE || offset >= self.slot_array_start() {
            return None;
        }
        Some(offset)
    }

    /// The slot holds 0: no record, on purpose.
    #[inline]
    pub const fn slot_is_empty(&self, slot: SlotNumber) -> bool {
        let position = PAGE_SIZE.saturating_sub(2 * (slot as usize + 1));
        slot < self.slot_count() && position >= HEADER_SIZE && self.u16_at(position) == 0
    }

    /// Bytes from the slot's record to the slot array; the record's own length is inside it.
    #[inline]
    pub fn record(&self, slot: SlotNumber) -> Option<&'a [u8]> {
        let offset = self.slot_offset(slot)?;
        self.bytes.get(offset..self.slot_array_start())
    }

    /// Like [`PageView::record`], an error when absent.
    #[inline]
    pub fn require_record(&self, slot: SlotNumber) -> Result<&'a [u8], FormatError> {
        self.record(slot).ok_or(FormatError::NoSuchSlot { page: self.page_id(), slot })
    }

    /// Fails unless the page has the type wanted.
    pub fn expect(&self, at: PageId, ty: PageType) -> Result<(), FormatError> {
        if self.is(ty) {
            Ok(())
        } else {
            Err(FormatError::PageType { page: at, found: self.page_type(), expected: ty.name() })
        }
    }

    /// Fails unless the page says it is `at`.
    pub fn expect_id(&self, at: PageId) -> Result<(), FormatError> {
        if self.page_id() == at {
            Ok(())
        } else {
            Err(FormatError::WrongPage { page: at, found: self.page_id() })
        }
    }
}
