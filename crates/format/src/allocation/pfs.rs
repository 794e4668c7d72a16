//! PFS: one byte per page.
//!
//! | bits | meaning |
//! |---|---|
//! | 0–2 | fullness (heap and LOB pages): 0 empty, 1 ≤ 50 %, 2 ≤ 80 %, 3 ≤ 95 %, 4 ≤ 100 % |
//! | 0x08 | has ghost records |
//! | 0x10 | IAM page |
//! | 0x20 | in a mixed extent |
//! | 0x40 | allocated |
//!
//! Invariants
//! 1. A page is in use exactly when bit 0x40 is set; the lower bits of a freed page mean nothing.

use holdfast_base::{FileId, PAGE_SIZE, PageId};

use super::{PFS_PAGES, pfs_page};
use crate::error::FormatError;
use crate::page::{PageBytes, PageHeader, PageType, PageView, header::FIXED_PAGE_OBJECT};

pub const FULLNESS: u8 = 0x07;
pub const GHOSTS: u8 = 0x08;
pub const IAM: u8 = 0x10;
pub const MIXED: u8 = 0x20;
pub const ALLOCATED: u8 = 0x40;

const PROLOGUE: [u8; 4] = [0, 0, 0x9C, 0x1F];

/// The bytes of a PFS page.
#[derive(Clone, Copy, Debug)]
pub struct PfsMap<'a> {
    bytes: &'a [u8],
    first: u32,
}

impl<'a> PfsMap<'a> {
    pub fn read(view: PageView<'a>, at: PageId) -> Result<Self, FormatError> {
        view.expect(at, PageType::Pfs)?;
        let record = view.record(0).ok_or(FormatError::NoSuchSlot { page: at, slot: 0 })?;
        if record.get(..4) != Some(&PROLOGUE[..]) {
            return Err(FormatError::Page { page: at, what: "the PFS record does not begin as it must" });
        }
        let bytes = record
            .get(4..4 + PFS_PAGES as usize)
            .ok_or(FormatError::Page { page: at, what: "the PFS record is cut off" })?;
        Ok(PfsMap { bytes, first: at.page / PFS_PAGES * PFS_PAGES })
    }

    /// The byte of a page; 0 for one that this PFS page does not cover.
    pub fn byte(&self, page: u32) -> u8 {
        page.checked_sub(self.first).and_then(|i| self.bytes.get(i as usize)).copied().unwrap_or(0)
    }

    /// First page covered.
    pub const fn first(&self) -> u32 {
        self.first
    }

    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Changes the byte of `target` in its PFS page.
pub fn set_byte(pfs: &mut PageBytes, target: PageId, value: u8) -> Result<(), FormatError> {
    let at = pfs_page(target);
    let view = PageView::new(pfs);
    PfsMap::read(view, at)?;
    let offset = view.slot_offset(0).ok_or(FormatError::NoSuchSlot { page: at, slot: 0 })?;
    pfs[offset + 4 + (target.page % PFS_PAGES) as usize] = value;
    Ok(())
}

/// The fullness code for `used` of the 8,096 bytes of a page.
pub const fn fullness(used: usize) -> u8 {
    match used * 100 {
        0 => 0,
        1..=404_800 => 1,
        404_801..=647_680 => 2,
        647_681..=769_120 => 3,
        _ => 4,
    }
}

/// An empty PFS page for the interval that begins at `first` (a multiple of 8088), protection not stamped.
pub fn build(file: FileId, first: u32) -> PageBytes {
    let mut page = [0u8; PAGE_SIZE];
    let id = pfs_page(PageId::new(file, first));
    let header = PageHeader {
        slot_count: 1,
        free_count: 2,
        free_data: 8188,
        ..PageHeader::new(id, PageType::Pfs, u64::from(FIXED_PAGE_OBJECT) << 16, 0)
    };
    header.encode(&mut page);
    page[96..100].copy_from_slice(&PROLOGUE);
    page[8190..8192].copy_from_slice(&96u16.to_le_bytes());
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let mut page = build(1, 8088);
        set_byte(&mut page, PageId::new(1, 8090), ALLOCATED | 2).expect("sets");
        let map = PfsMap::read(PageView::new(&page), PageId::new(1, 8088)).expect("reads");
        assert_eq!((map.byte(8090), map.byte(8091), map.byte(5)), (0x42, 0, 0));
        assert_eq!((fullness(0), fullness(4048), fullness(4049), fullness(8096)), (0, 1, 2, 4));
    }
}
