//! Page allocation inside the one data file being made.
//!
//! Invariants
//! 1. Extents that hold a PFS page or the maps of an interval are never given to a unit.
//! 2. A unit's IAM pages, and the first eight pages of system units, are single pages of mixed extents; all else uniform.

use std::collections::BTreeMap;

use holdfast_base::PageId;
use holdfast_format::allocation::pfs::fullness;
use holdfast_format::allocation::{
    MapKind, build_map, iam, interval_of, map_page, pfs, pfs_page, set_extent,
};
use holdfast_format::page::PageBytes;

use crate::{GeneratorError, Result};

pub const FILE: u16 = 1;
const EXTENT: u32 = 8;
const PFS_INTERVAL: u32 = 8088;
const MAP_INTERVAL: u32 = 511_232;
const SINGLE_PAGES: usize = 8;

/// PFS bits.
mod bits {
    pub const IAM: u8 = 0x10;
    pub const MIXED: u8 = 0x20;
    pub const ALLOCATED: u8 = 0x40;
}

/// How a unit takes its first pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Mixed,
    Uniform,
}

/// Pages of one allocation unit.
#[derive(Clone, Debug)]
pub struct Unit {
    pub id: u64,
    pub style: Style,
    pub single: Vec<u32>,
    /// First pages of its uniform extents, ascending.
    pub extents: Vec<u32>,
    used: u32,
    /// IAM pages in chain order.
    pub iam: Vec<u32>,
}

#[derive(Clone, Debug)]
pub struct Space {
    file: u16,
    /// Least pages of the file.
    least: u32,
    /// Free single pages of the current mixed extent.
    mixed: Vec<u32>,
    next_extent: u32,
    /// PFS byte of each page so far.
    pfs: Vec<u8>,
    /// Allocated extents by number.
    allocated: Vec<bool>,
}

fn is_reserved(extent: u32) -> bool {
    extent == 0
        || (extent * EXTENT).is_multiple_of(PFS_INTERVAL)
        || (extent * EXTENT).is_multiple_of(MAP_INTERVAL)
}

impl Default for Space {
    fn default() -> Self {
        Self::new()
    }
}

impl Space {
    /// Of a further data file: only its own fixed pages are taken.
    pub fn of_file(file: u16) -> Self {
        let mut s = Space {
            file,
            least: 8,
            mixed: Vec::new(),
            next_extent: 1,
            pfs: Vec::new(),
            allocated: vec![true],
        };
        for page in [0, 1, 2, 3, 6, 7] {
            s.set(page, 0x44);
        }
        s
    }

    /// Of the primary file, with its fixed pages taken.
    pub fn new() -> Self {
        let mut s = Space {
            file: FILE,
            least: 1024,
            mixed: [15, 14, 13, 12, 11, 10, 8].to_vec(),
            next_extent: 2,
            pfs: Vec::new(),
            allocated: vec![true, true],
        };
        for page in [0, 1, 2, 3, 6, 7] {
            s.set(page, 0x44);
        }
        s.set(9, 0x64);
        s
    }

    fn set(&mut self, page: u32, byte: u8) {
        let at = page as usize;
        if self.pfs.len() <= at {
            self.pfs.resize(at + 1, 0);
        }
        self.pfs[at] = byte;
    }

    fn extent(&mut self) -> Result<u32> {
        while is_reserved(self.next_extent) {
            self.next_extent += 1;
        }
        let extent = self.next_extent;
        if extent > u32::MAX / EXTENT - 2 {
            return Err(GeneratorError::TooLarge);
        }
        self.next_extent += 1;
        self.allocated.resize(extent as usize + 1, false);
        self.allocated[extent as usize] = true;
        Ok(extent * EXTENT)
    }

    fn single(&mut self, byte: u8) -> Result<u32> {
        if self.mixed.is_empty() {
            let first = self.extent()?;
            self.mixed = (first..first + EXTENT).rev().collect();
        }
        let page = self.mixed.pop().ok_or(GeneratorError::TooLarge)?;
        self.set(page, byte | bits::MIXED | bits::ALLOCATED);
        Ok(page)
    }

    pub fn unit(&mut self, id: u64, style: Style) -> Result<Unit> {
        let iam = vec![self.single(bits::IAM)?];
        Ok(Unit { id, style, single: Vec::new(), extents: Vec::new(), used: 0, iam })
    }

    /// The unit's next page.
    pub fn page(&mut self, unit: &mut Unit) -> Result<PageId> {
        if unit.style == Style::Mixed && unit.single.len() < SINGLE_PAGES {
            let page = self.single(0)?;
            unit.single.push(page);
            return Ok(PageId::new(FILE, page));
        }
        if unit.used.is_multiple_of(EXTENT) {
            let first = self.extent()?;
            let intervals = unit.extents.last().map(|e| interval_of(*e));
            if intervals.is_some_and(|i| i != interval_of(first)) {
                let page = self.single(bits::IAM)?;
                unit.iam.push(page);
            }
            unit.extents.push(first);
        }
        let page = unit.extents.last().copied().unwrap_or(0) + unit.used % EXTENT;
        unit.used += 1;
        self.set(page, bits::ALLOCATED);
        Ok(PageId::new(FILE, page))
    }

    /// Notes how full a heap page is.
    pub fn set_fullness(&mut self, page: PageId, used: usize) {
        if let Some(byte) = self.pfs.get_mut(page.page as usize) {
            *byte = *byte & !7 | fullness(used);
        }
    }

    /// The unit's IAM pages. Single pages stand in the first one; extents in the one of their interval.
    pub fn iam_pages(&self, unit: &Unit) -> Result<Vec<(u32, PageBytes)>> {
        let mut intervals: Vec<u32> = unit.extents.iter().map(|e| interval_of(*e)).collect();
        intervals.dedup();
        if intervals.is_empty() {
            intervals.push(0);
        }
        let mut out = Vec::new();
        for (sequence, (&page, &interval)) in unit.iam.iter().zip(&intervals).enumerate() {
            let at = PageId::new(FILE, page);
            let mut bytes =
                iam::build(at, unit.id, PageId::new(FILE, interval * MAP_INTERVAL), sequence as u32);
            if sequence == 0 {
                for (slot, single) in unit.single.iter().enumerate() {
                    iam::set_single_page(&mut bytes, at, slot, PageId::new(FILE, *single))?;
                }
            }
            for extent in unit.extents.iter().filter(|e| interval_of(**e) == interval) {
                set_extent(&mut bytes, at, extent % MAP_INTERVAL / EXTENT, true)?;
            }
            let link =
                |to: Option<&u32>| PageId::new(u16::from(to.is_some()), to.copied().unwrap_or(0)).to_bytes();
            bytes[8..14].copy_from_slice(&link(sequence.checked_sub(1).and_then(|i| unit.iam.get(i))));
            bytes[16..22].copy_from_slice(&link(unit.iam.get(sequence + 1)));
            out.push((page, bytes));
        }
        Ok(out)
    }

    /// Pages counted for sysallocunits: (used, reserved), IAM pages included.
    pub fn counts(unit: &Unit) -> (u64, u64) {
        let fixed = (unit.iam.len() + unit.single.len()) as u64;
        (fixed + u64::from(unit.used), fixed + unit.extents.len() as u64 * u64::from(EXTENT))
    }

    /// The size that is wanted, a multiple of eight.
    pub fn set_file_pages(&mut self, pages: u32) {
        self.least = pages.next_multiple_of(EXTENT);
    }

    /// Pages of the file, a multiple of eight, at least what was wanted.
    pub fn file_pages(&self) -> u32 {
        (self.next_extent * EXTENT).max(self.least)
    }

    /// First pages of the extents a full backup holds: allocated ones, those with PFS pages and those with maps.
    pub fn backup_extents(&self) -> Vec<u32> {
        (0..self.file_pages() / EXTENT)
            .filter(|&e| self.allocated.get(e as usize).copied().unwrap_or(false) || is_reserved(e))
            .map(|e| e * EXTENT)
            .collect()
    }

    /// GAM, SGAM, differential, minimally-logged and PFS pages of the whole file.
    pub fn map_pages(&self) -> Result<BTreeMap<u32, PageBytes>> {
        let mut pages = BTreeMap::new();
        let size = self.file_pages();
        for interval in 0..=interval_of(size - 1) {
            for kind in MapKind::ALL {
                pages.insert(
                    kind.page_number(interval),
                    build_map(kind, self.file, interval, kind == MapKind::Gam),
                );
            }
        }
        let mut mark = |kind, extent: u32, value| -> Result<()> {
            let page = PageId::new(self.file, extent * EXTENT);
            let at = map_page(kind, page);
            if let Some(bytes) = pages.get_mut(&at.page) {
                set_extent(bytes, at, page.page % MAP_INTERVAL / EXTENT, value)?;
            }
            Ok(())
        };
        for extent in (0..self.allocated.len()).filter(|e| self.allocated[*e]) {
            mark(MapKind::Gam, extent as u32, false)?;
        }
        // Only the current mixed extent has pages left.
        if let Some(free) = self.mixed.first() {
            mark(MapKind::Sgam, free / EXTENT, true)?;
        }
        for first in (0..size).step_by(PFS_INTERVAL as usize) {
            let at = pfs_page(PageId::new(self.file, first));
            let mut bytes = pfs::build(self.file, first);
            for page in first..(first + PFS_INTERVAL).min(size) {
                let fixed = MapKind::ALL.iter().any(|k| k.page_number(interval_of(page)) == page);
                let byte = match self.pfs.get(page as usize) {
                    _ if page == at.page || fixed => 0x44,
                    Some(b) => *b,
                    None => 0,
                };
                if byte != 0 {
                    pfs::set_byte(&mut bytes, PageId::new(self.file, page), byte)?;
                }
            }
            pages.insert(at.page, bytes);
        }
        Ok(pages)
    }
}
