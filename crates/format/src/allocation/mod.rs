//! Allocation maps: which extents and pages of a data file are in use, and by whom.
//!
//! Module map: this file the interval arithmetic and the bit maps (GAM, SGAM, differential, minimally logged, IAM);
//! [`pfs`] the per-page bytes; [`iam`] the chains of an allocation unit.
//!
//! ```text
//! interval n = pages 511232·n …          PFS n = page 8088·n (page 1 for n = 0), covers 8,088 pages from 8088·n
//! n = 0: GAM 2, SGAM 3, DCM 6, BCM 7     n ≥ 1: GAM +0, SGAM +1, DCM +6, BCM +7
//! map page: slot 0 at 96 (94-byte header record), slot 1 at 190: `00 00 38 1F` and 63,904 bits
//! ```
//!
//! Invariants
//! 1. Bit e of a map of interval n stands for the extent whose first page is 511232·n + 8·e; least significant bit first.
//! 2. Every read is bounded by the page; a map whose records are not where they must be is an error.
//!
//! Evidence: docs/format/allocation.md. Only the first interval occurs in genuine files of the corpus.

pub mod iam;
pub mod pfs;

use holdfast_base::{FileId, PageId};

use crate::error::FormatError;
use crate::page::{PageBytes, PageHeader, PageType, PageView, header::FIXED_PAGE_OBJECT};
use crate::source::PageSource;

/// Pages per extent.
pub const EXTENT_PAGES: u32 = 8;
/// Extents one map page covers.
pub const INTERVAL_EXTENTS: u32 = 63_904;
/// Pages one map page covers.
pub const INTERVAL_PAGES: u32 = INTERVAL_EXTENTS * EXTENT_PAGES;
/// Pages one PFS page covers.
pub const PFS_PAGES: u32 = 8_088;
/// Bytes of a bit map.
pub const BITMAP_BYTES: usize = INTERVAL_EXTENTS as usize / 8;
/// First four bytes of a bitmap record.
const BITMAP_PROLOGUE: [u8; 4] = [0, 0, 0x38, 0x1F];
/// First four bytes of a map's header record.
const HEADER_PROLOGUE: [u8; 4] = [0, 0, 0x5E, 0];

/// The four maps of an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapKind {
    /// Bit 1: the extent is free.
    Gam,
    /// Bit 1: a mixed extent that may have a free page.
    Sgam,
    /// Bit 1: changed since the last full backup.
    Differential,
    /// Bit 1: changed by a minimally logged operation since the last log backup.
    MinimalLog,
}

impl MapKind {
    pub const ALL: [MapKind; 4] = [MapKind::Gam, MapKind::Sgam, MapKind::Differential, MapKind::MinimalLog];

    pub const fn page_type(self) -> PageType {
        match self {
            MapKind::Gam => PageType::Gam,
            MapKind::Sgam => PageType::Sgam,
            MapKind::Differential => PageType::DifferentialMap,
            MapKind::MinimalLog => PageType::MinimalLogMap,
        }
    }

    /// Page number of this map for interval `interval`.
    pub const fn page_number(self, interval: u32) -> u32 {
        let offset = match self {
            MapKind::Gam => 0,
            MapKind::Sgam => 1,
            MapKind::Differential => 6,
            MapKind::MinimalLog => 7,
        };
        match (interval, self) {
            (0, MapKind::Gam) => 2,
            (0, MapKind::Sgam) => 3,
            _ => interval.saturating_mul(INTERVAL_PAGES).saturating_add(offset),
        }
    }
}

/// Interval a page lies in.
pub const fn interval_of(page: u32) -> u32 {
    page / INTERVAL_PAGES
}

/// Bit number of a page's extent in its interval.
pub const fn extent_in_interval(page: u32) -> u32 {
    page % INTERVAL_PAGES / EXTENT_PAGES
}

/// Address of the map page that describes `page`.
pub const fn map_page(kind: MapKind, page: PageId) -> PageId {
    PageId::new(page.file, kind.page_number(interval_of(page.page)))
}

/// Address of the PFS page that describes `page`.
pub const fn pfs_page(page: PageId) -> PageId {
    let number = page.page / PFS_PAGES * PFS_PAGES;
    PageId::new(page.file, if number == 0 { 1 } else { number })
}

/// The page type a fixed position of a data file must have.
pub fn fixed_page_type(page: PageId) -> Option<PageType> {
    match page.page {
        0 => return Some(PageType::FileHeader),
        9 if page.file == 1 => return Some(PageType::Boot),
        _ => {}
    }
    if page.page == 1 || (page.page > 0 && page.page.is_multiple_of(PFS_PAGES)) {
        return Some(PageType::Pfs);
    }
    let interval = interval_of(page.page);
    MapKind::ALL.into_iter().find(|k| k.page_number(interval) == page.page).map(MapKind::page_type)
}

/// A bit map page.
#[derive(Clone, Copy, Debug)]
pub struct ExtentMap<'a> {
    bits: &'a [u8],
}

impl<'a> ExtentMap<'a> {
    /// Reads slot 1 of a GAM, SGAM, DCM, BCM or IAM page.
    pub fn read(view: PageView<'a>, at: PageId) -> Result<Self, FormatError> {
        let record = view.record(1).ok_or(FormatError::NoSuchSlot { page: at, slot: 1 })?;
        if record.get(..4) != Some(&BITMAP_PROLOGUE[..]) {
            return Err(FormatError::Page { page: at, what: "the bitmap record does not begin as it must" });
        }
        let bits = record
            .get(4..4 + BITMAP_BYTES)
            .ok_or(FormatError::Page { page: at, what: "the bitmap record is cut off" })?;
        Ok(ExtentMap { bits })
    }

    /// Bit of extent `extent` of the interval.
    pub fn is_set(&self, extent: u32) -> bool {
        self.bits.get(extent as usize / 8).is_some_and(|b| b >> (extent % 8) & 1 == 1)
    }

    /// Numbers of the set bits, ascending.
    pub fn set_extents(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.bits.iter().enumerate().filter(|(_, b)| **b != 0).flat_map(|(index, byte)| {
            let byte = *byte;
            (0..8u32).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| index as u32 * 8 + bit)
        })
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bits
    }
}

/// Extents of a file that are nobody's, as its GAM pages have them; 0 of a file that is not there.
///
/// # Errors
/// A GAM page that cannot be read.
pub fn free_extents(source: &dyn PageSource, file: FileId) -> Result<u32, FormatError> {
    let size = source.page_count(file);
    let mut free = 0;
    for interval in 0..size.div_ceil(INTERVAL_PAGES) {
        let at = PageId::new(file, MapKind::Gam.page_number(interval));
        let image = source.page(at)?;
        let set = ExtentMap::read(PageView::new(&image), at)?.set_extents();
        free += set.filter(|e| interval * INTERVAL_PAGES + e * EXTENT_PAGES < size).count() as u32;
    }
    Ok(free)
}

/// Sets or clears a bit of a map page in place.
pub fn set_extent(page: &mut PageBytes, at: PageId, extent: u32, value: bool) -> Result<(), FormatError> {
    let view = PageView::new(page);
    ExtentMap::read(view, at)?;
    let offset = view.slot_offset(1).ok_or(FormatError::NoSuchSlot { page: at, slot: 1 })?;
    if extent >= INTERVAL_EXTENTS {
        return Err(FormatError::Page { page: at, what: "an extent number is out of range" });
    }
    let byte = &mut page[offset + 4 + extent as usize / 8];
    let mask = 1u8 << (extent % 8);
    if value {
        *byte |= mask
    } else {
        *byte &= !mask
    }
    Ok(())
}

/// A map page with all bits equal to `fill`, protection not stamped.
pub fn build_map(kind: MapKind, file: FileId, interval: u32, fill: bool) -> PageBytes {
    let id = PageId::new(file, kind.page_number(interval));
    let mut page = [0u8; holdfast_base::PAGE_SIZE];
    write_map(&mut page, id, kind.page_type(), u64::from(FIXED_PAGE_OBJECT) << 16, fill);
    page
}

/// Lays out header, slots and both records of a map page.
pub(crate) fn write_map(page: &mut PageBytes, id: PageId, kind: PageType, unit_id: u64, fill: bool) {
    let header = PageHeader {
        slot_count: 2,
        free_count: 6,
        free_data: 8182,
        ..PageHeader::new(id, kind, unit_id, 90)
    };
    page.fill(0);
    header.encode(page);
    page[96..100].copy_from_slice(&HEADER_PROLOGUE);
    page[190..194].copy_from_slice(&BITMAP_PROLOGUE);
    if fill {
        page[194..194 + BITMAP_BYTES].fill(0xFF);
    }
    page[8190..8192].copy_from_slice(&96u16.to_le_bytes());
    page[8188..8190].copy_from_slice(&190u16.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_the_fixed_pages() {
        assert_eq!(MapKind::Gam.page_number(0), 2);
        assert_eq!(MapKind::MinimalLog.page_number(0), 7);
        assert_eq!(MapKind::Sgam.page_number(2), 1_022_465);
        assert_eq!(pfs_page(PageId::new(1, 8087)), PageId::new(1, 1));
        assert_eq!(pfs_page(PageId::new(1, 8088)), PageId::new(1, 8088));
        assert_eq!(fixed_page_type(PageId::new(3, 9)), None);
        assert_eq!(fixed_page_type(PageId::new(1, 511_232)), Some(PageType::Gam));
    }

    #[test]
    fn bits_round_trip() {
        let mut page = build_map(MapKind::Gam, 1, 0, true);
        let at = PageId::new(1, 2);
        set_extent(&mut page, at, 77, false).expect("sets");
        let map = ExtentMap::read(PageView::new(&page), at).expect("reads");
        assert!(!map.is_set(77) && map.is_set(78));
        assert_eq!(map.set_extents().count(), INTERVAL_EXTENTS as usize - 1);
        assert!(set_extent(&mut page, at, INTERVAL_EXTENTS, true).is_err());
    }
}
