//! IAM chains: the pages of one allocation unit.
//!
//! | offset in slot 0 | size | meaning |
//! |---|---|---|
//! | 4 | 4 | position in the chain |
//! | 40 | 6 | first page of the interval described |
//! | 46 | 8 × 6 | single pages from mixed extents (first page of the chain only) |
//!
//! Invariants
//! 1. Following a chain visits at most as many pages as the files have; a cycle is an error.
//! 2. [`unit_pages`] yields only pages that the PFS says are allocated, in chain order: single pages, then extents.

use holdfast_base::{ByteReader, PAGE_SIZE, PageId};

use super::{EXTENT_PAGES, ExtentMap, INTERVAL_PAGES, pfs, pfs::PfsMap, pfs_page, write_map};
use crate::error::FormatError;
use crate::page::{PADDED_UNIT, PageBytes, PageHeader, PageType, PageView};
use crate::source::{PageRef, PageSource};

/// Single-page slots of an IAM page.
pub const SINGLE_PAGES: usize = 8;

/// A decoded IAM page.
#[derive(Clone, Debug)]
pub struct Iam<'a> {
    pub sequence: u32,
    pub status: u32,
    /// First page of the interval.
    pub interval: PageId,
    pub single_pages: [PageId; SINGLE_PAGES],
    pub extents: ExtentMap<'a>,
    pub next: PageId,
}

impl<'a> Iam<'a> {
    pub fn read(view: PageView<'a>, at: PageId) -> Result<Self, FormatError> {
        view.expect(at, PageType::Iam)?;
        let record = view.record(0).ok_or(FormatError::NoSuchSlot { page: at, slot: 0 })?;
        let cut = |_| FormatError::Page { page: at, what: "the IAM header record is cut off" };
        let mut reader = ByteReader::at(record, 4);
        let sequence = reader.u32().map_err(cut)?;
        reader.seek(18);
        let status = reader.u32().map_err(cut)?;
        reader.seek(40);
        let interval = PageId::from_bytes(reader.array().map_err(cut)?);
        let mut single_pages = [PageId::NULL; SINGLE_PAGES];
        for page in &mut single_pages {
            *page = PageId::from_bytes(reader.array().map_err(cut)?);
        }
        if !interval.page.is_multiple_of(INTERVAL_PAGES) {
            return Err(FormatError::Page {
                page: at,
                what: "the IAM interval does not begin where one can",
            });
        }
        Ok(Iam {
            sequence,
            status,
            interval,
            single_pages,
            extents: ExtentMap::read(view, at)?,
            next: view.next(),
        })
    }

    /// First pages of the extents that belong to the unit.
    pub fn extent_starts(&self) -> impl Iterator<Item = PageId> + use<'a> {
        let base = self.interval;
        self.extents
            .set_extents()
            .map(move |extent| PageId::new(base.file, base.page.saturating_add(extent * EXTENT_PAGES)))
    }
}

/// An empty IAM page, protection not stamped.
pub fn build(id: PageId, unit_id: u64, interval: PageId, sequence: u32) -> PageBytes {
    let mut page = [0u8; PAGE_SIZE];
    write_map(&mut page, id, PageType::Iam, unit_id, false);
    page[100..104].copy_from_slice(&sequence.to_le_bytes());
    page[136..142].copy_from_slice(&interval.to_bytes());
    if unit_id == PADDED_UNIT {
        pad(&mut page);
    }
    page
}

/// Puts the bitmap of an empty IAM page where that of sysfiles1 is: behind the padding of the row before it.
pub fn pad(page: &mut PageBytes) {
    const FROM: usize = 190;
    const LENGTH: usize = 4 + 7988;
    page.copy_within(FROM..FROM + LENGTH, FROM + 2);
    page[FROM..FROM + 2].fill(0);
    page[PAGE_SIZE - 4..PAGE_SIZE - 2].copy_from_slice(&(FROM as u16 + 2).to_le_bytes());
    let header = PageHeader::decode(page);
    PageHeader { free_count: 4, free_data: 8184, ..header }.encode(page);
}

/// Sets single-page slot `slot` of an IAM page.
pub fn set_single_page(
    page: &mut PageBytes,
    at: PageId,
    slot: usize,
    target: PageId,
) -> Result<(), FormatError> {
    let offset = PageView::new(page).slot_offset(0).ok_or(FormatError::NoSuchSlot { page: at, slot: 0 })?;
    let start = offset + 46 + 6 * slot;
    if slot >= SINGLE_PAGES || start + 6 > PAGE_SIZE {
        return Err(FormatError::Page { page: at, what: "a single-page slot number is out of range" });
    }
    page[start..start + 6].copy_from_slice(&target.to_bytes());
    Ok(())
}

/// The IAM pages of a unit, in chain order.
pub fn chain(source: &dyn PageSource, first: PageId) -> Result<Vec<(PageId, PageRef)>, FormatError> {
    let limit: u64 = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
    let mut pages = Vec::new();
    let mut at = first;
    while !at.is_null() {
        if pages.len() as u64 > limit {
            return Err(FormatError::Tree { page: first, what: "the IAM chain does not end" });
        }
        let page = source.page(at)?;
        let view = PageView::new(&page);
        view.expect_id(at)?;
        view.expect(at, PageType::Iam)?;
        let next = view.next();
        pages.push((at, page));
        at = next;
    }
    Ok(pages)
}

/// Reads PFS bytes, keeping the last PFS page.
#[derive(Default)]
pub struct PfsReader {
    held: Option<(PageId, PageRef)>,
}

impl PfsReader {
    pub fn byte(&mut self, source: &dyn PageSource, page: PageId) -> Result<u8, FormatError> {
        let at = pfs_page(page);
        let pfs = match &self.held {
            Some((id, pfs)) if *id == at => pfs,
            _ => &self.held.insert((at, source.page(at)?)).1,
        };
        Ok(PfsMap::read(PageView::new(pfs), at)?.byte(page.page))
    }
}

/// All allocated pages of a unit except its IAM pages.
pub fn unit_pages(source: &dyn PageSource, first_iam: PageId) -> Result<Vec<PageId>, FormatError> {
    let mut out = Vec::new();
    let mut reader = PfsReader::default();
    for (at, page) in chain(source, first_iam)? {
        let iam = Iam::read(PageView::new(&page), at)?;
        let singles = iam.single_pages.into_iter().filter(|p| !p.is_null());
        let count = source.page_count(iam.interval.file);
        let extents = iam
            .extent_starts()
            .flat_map(|start| (0..EXTENT_PAGES).map(move |i| PageId::new(start.file, start.page + i)))
            .filter(|page| page.page < count);
        for page in singles.chain(extents) {
            if reader.byte(source, page)? & (pfs::ALLOCATED | pfs::IAM) == pfs::ALLOCATED {
                out.push(page);
            }
        }
    }
    Ok(out)
}
