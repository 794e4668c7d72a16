//! Pages and extents of an open database: who gets which, written to PFS, GAM, SGAM and IAM pages as the log has it.
//!
//! Invariants
//! 1. A page is given out when its PFS byte says free and its extent belongs to the unit (uniform) or is mixed (IAM pages).
//! 2. What is kept here is only what the maps on the pages say; it is read when first needed and follows every change.
//! 3. Extents that hold allocation maps are never given to a unit.
//! 4. The PFS says of a page whether it has ghost records, and its header whether it says so of any.
//! 5. The differential map has the bit of every extent in which a page changed since the last full backup; the map pages
//!    themselves are marked by nobody.

use std::collections::{BTreeMap, HashMap};

use holdfast_base::{FileId, PageId};
use holdfast_format::allocation::iam::{self, Iam};
use holdfast_format::allocation::pfs::{self, PfsMap};
use holdfast_format::allocation::{
    EXTENT_PAGES, ExtentMap, INTERVAL_PAGES, MapKind, extent_in_interval, fixed_page_type, free_extents,
    interval_of, map_page, pfs_page,
};
use holdfast_format::log::{Context, RowTarget, context, op};
use holdfast_format::page::header::TYPE_FLAG_COMPRESSED;
use holdfast_format::page::{PageType, PageView};
use holdfast_format::source::PageSource;

use super::{Body, Change, LogTransaction, Undo, UnitId, What};
use crate::recovery::{RecoveryError, RecoveryResult};

/// Bits of a bitmap row before its first extent: the row header of four bytes.
const BITMAP_HEADER_BITS: u32 = 32;

/// Bit of a PFS byte: the page has ghost records.
const GHOSTS_BIT: u32 = pfs::GHOSTS.trailing_zeros();
/// Type flag of a PFS page some page of which has ghost records.
const PFS_HAS_GHOSTS: u8 = 1;

#[derive(Default)]
pub(crate) struct Space {
    units: HashMap<UnitId, UnitSpace>,
    /// Differential bits, by file and interval.
    differential: HashMap<(FileId, u32), Vec<u8>>,
    /// Extent from which to look for a free one.
    next_extent: HashMap<FileId, u32>,
    /// Free pages of mixed extents that are known.
    mixed: BTreeMap<FileId, Vec<u32>>,
    mixed_known: bool,
    /// How the files share what is given out, and extents until it is reckoned anew.
    shares: HashMap<FileId, Share>,
    until_counted: u32,
}

impl Space {
    /// The file is to be counted anew.
    pub(super) fn forget_share(&mut self, file: FileId) {
        self.shares.remove(&file);
    }
}

/// See [`Change::proportional`].
#[derive(Clone, Copy, Default)]
struct Share {
    free: i64,
    credit: i64,
}

/// Extents given out between two looks at how full the files are.
const COUNT_EVERY: u32 = 128;

/// What the IAM pages of a unit and the PFS say about it.
struct UnitSpace {
    first_iam: PageId,
    /// IAM page of each interval.
    iams: HashMap<(FileId, u32), PageId>,
    last_iam: PageId,
    /// Pages of its own extents that are not in use, the next one last.
    free: Vec<PageId>,
}

/// Pages that allocation took or gave back, for the unit's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub used: i64,
    pub reserved: i64,
}

fn damaged(error: holdfast_format::FormatError) -> RecoveryError {
    let page = match &error {
        holdfast_format::FormatError::NoSuchPage { page } => *page,
        _ => PageId::NULL,
    };
    RecoveryError::Unreadable { page, error }
}

/// The extent holds a PFS page or maps.
pub(super) fn is_map_extent(file: FileId, first: u32) -> bool {
    first == 0 || (first..first + EXTENT_PAGES).any(|p| fixed_page_type(PageId::new(file, p)).is_some())
}

impl Change<'_> {
    fn bit(
        &mut self,
        transaction: Option<&mut LogTransaction>,
        context: Context,
        map: PageId,
        unit: UnitId,
        bit: u32,
        value: bool,
    ) -> RecoveryResult<()> {
        let mut rest = u16::try_from(bit).unwrap_or(u16::MAX).to_le_bytes().to_vec();
        rest.extend_from_slice(&1u16.to_le_bytes());
        rest.extend_from_slice(&u16::from(value).to_le_bytes());
        let body = Body::Page { rest: &rest, elements: true };
        let slot = u16::from(context != context::PFS);
        let what = What { operation: op::SET_BITS, context, page: map, slot, unit, body };
        match transaction {
            Some(t) => self.log(t, what, Undo::InPlace)?,
            None => self.log_outside(what)?,
        };
        Ok(())
    }

    pub(super) fn extent_bit(
        &mut self,
        transaction: &mut LogTransaction,
        kind: MapKind,
        first: PageId,
        value: bool,
    ) -> RecoveryResult<()> {
        let context = if kind == MapKind::Gam { context::GAM } else { context::SGAM };
        let bit = extent_in_interval(first.page) + BITMAP_HEADER_BITS;
        self.bit(Some(transaction), context, map_page(kind, first), UnitId::FIXED, bit, value)
    }

    /// Sets the PFS byte of a page.
    fn set_pfs(&mut self, transaction: &mut LogTransaction, page: PageId, new: u8) -> RecoveryResult<()> {
        let at = pfs_page(page);
        let old = self.pfs_byte(page)?;
        if old == new {
            return Ok(());
        }
        let row = RowTarget {
            rowset: 0,
            offset: 4 + (page.page % holdfast_format::allocation::PFS_PAGES) as u16,
            size_or_flags: 1,
            space_bits: 0,
        };
        let body = Body::Row { row, elements: &[&[old], &[new], &[]] };
        let what = What {
            operation: op::MODIFY_ROW,
            context: context::PFS,
            page: at,
            slot: 0,
            unit: UnitId::FIXED,
            body,
        };
        self.log(transaction, what, Undo::InPlace)?;
        Ok(())
    }

    /// The PFS bytes of an extent's pages become 0.
    fn clear_pfs(&mut self, transaction: &mut LogTransaction, first: PageId) -> RecoveryResult<()> {
        let mut old = [0u8; EXTENT_PAGES as usize];
        for (byte, page) in old.iter_mut().zip(first.page..) {
            *byte = self.pfs_byte(PageId::new(first.file, page))?;
        }
        if old == [0; EXTENT_PAGES as usize] {
            return Ok(());
        }
        let row = RowTarget {
            rowset: 0,
            offset: 4 + (first.page % holdfast_format::allocation::PFS_PAGES) as u16,
            size_or_flags: EXTENT_PAGES as u16,
            space_bits: 0,
        };
        let new = [0; EXTENT_PAGES as usize];
        let body = Body::Row { row, elements: &[&old, &new, &[]] };
        let what = What {
            operation: op::MODIFY_ROW,
            context: context::PFS,
            page: pfs_page(first),
            slot: 0,
            unit: UnitId::FIXED,
            body,
        };
        self.log(transaction, what, Undo::InPlace)?;
        Ok(())
    }

    /// Whether the page is in use.
    pub fn is_allocated(&self, page: PageId) -> RecoveryResult<bool> {
        Ok(self.pfs_byte(page)? & pfs::ALLOCATED != 0)
    }

    pub(crate) fn pfs_byte(&self, page: PageId) -> RecoveryResult<u8> {
        let at = pfs_page(page);
        let image = self.page(at)?;
        Ok(PfsMap::read(PageView::new(&image), at).map_err(damaged)?.byte(page.page))
    }

    /// Notes how full a heap or LOB page is, when that changed its class.
    pub fn note_fullness(&mut self, page: PageId, used: usize) -> RecoveryResult<()> {
        let old = self.pfs_byte(page)?;
        let new = old & !pfs::FULLNESS | pfs::fullness(used);
        if new == old {
            return Ok(());
        }
        let offset = 4 + (page.page % holdfast_format::allocation::PFS_PAGES) as u16;
        let mut rest = offset.to_le_bytes().to_vec();
        rest.extend_from_slice(&[new, old]);
        let body = Body::Page { rest: &rest, elements: false };
        let what = What {
            operation: op::SET_FREE_SPACE,
            context: context::PFS,
            page: pfs_page(page),
            slot: 0,
            unit: UnitId::FIXED,
            body,
        };
        self.log_outside(what)?;
        Ok(())
    }

    /// Invariant 4: the page has got its first ghost record, or lost its last one. Genuine logs have SET_BITS right behind that
    /// change, outside of transactions, and MODIFY_HEADER where the map's header changes: before its first such page, and when the
    /// last one was `expunged`.
    pub(super) fn note_ghosts(&mut self, page: PageId, ghosts: bool, expunged: bool) -> RecoveryResult<()> {
        let at = pfs_page(page);
        let image = self.page(at)?;
        let map = PfsMap::read(PageView::new(&image), at).map_err(damaged)?;
        if (map.byte(page.page) & pfs::GHOSTS != 0) == ghosts {
            return Ok(());
        }
        let old = PageView::new(&image).type_flags();
        let last = expunged && map.bytes().iter().filter(|b| **b & pfs::GHOSTS != 0).take(2).count() == 1;
        drop(image);
        let new = match ghosts {
            true => old | PFS_HAS_GHOSTS,
            false if last => old & !PFS_HAS_GHOSTS,
            false => old,
        };
        let header = |change: &mut Self| {
            let row = RowTarget { offset: 2, ..RowTarget::default() };
            let body = Body::Row { row, elements: &[&[old], &[new]] };
            let (operation, context) = (op::MODIFY_HEADER, context::PFS);
            change.log_outside(What { operation, context, page: at, slot: 0, unit: UnitId::FIXED, body })
        };
        if ghosts && new != old {
            header(self)?;
        }
        let bit = (4 + page.page % holdfast_format::allocation::PFS_PAGES) * 8 + GHOSTS_BIT;
        self.bit(None, context::PFS, at, UnitId::FIXED, bit, ghosts)?;
        if !ghosts && new != old {
            header(self)?;
        }
        Ok(())
    }

    /// Has the PFS say what is so, where a crash or somebody else's file left it otherwise.
    pub fn correct_ghosts(&mut self, page: PageId) -> RecoveryResult<()> {
        let ghosts = PageView::new(&*self.page(page)?).ghost_count() > 0;
        self.hint(|change| change.note_ghosts(page, ghosts, true))
    }

    /// Invariant 5: the page is about to change.
    pub(super) fn touch(&mut self, page: PageId) -> RecoveryResult<()> {
        if matches!(fixed_page_type(page), Some(PageType::DifferentialMap | PageType::MinimalLogMap)) {
            return Ok(());
        }
        let key = (page.file, interval_of(page.page));
        let map = map_page(MapKind::Differential, page);
        if !self.state.space.differential.contains_key(&key) {
            let image = self.page(map)?;
            let bits = ExtentMap::read(PageView::new(&image), map).map_err(damaged)?.bytes().to_vec();
            self.state.space.differential.insert(key, bits);
        }
        let extent = extent_in_interval(page.page);
        let Some(byte) =
            self.state.space.differential.get_mut(&key).and_then(|b| b.get_mut(extent as usize / 8))
        else {
            return Ok(());
        };
        let mask = 1u8 << (extent % 8);
        if *byte & mask != 0 {
            return Ok(());
        }
        self.bit(None, context::DIFF_MAP, map, UnitId::FIXED, extent + BITMAP_HEADER_BITS, true)?;
        if let Some(byte) =
            self.state.space.differential.get_mut(&key).and_then(|b| b.get_mut(extent as usize / 8))
        {
            *byte |= mask;
        }
        Ok(())
    }

    /// Reads what the maps say about a unit.
    fn unit_space(&mut self, unit: UnitId, first_iam: PageId) -> RecoveryResult<()> {
        if self.state.space.units.get(&unit).is_some_and(|u| u.first_iam == first_iam) {
            return Ok(());
        }
        let source = self.source();
        let mut found =
            UnitSpace { first_iam, iams: HashMap::new(), last_iam: PageId::NULL, free: Vec::new() };
        let mut reader = iam::PfsReader::default();
        for (at, image) in iam::chain(source, first_iam).map_err(damaged)? {
            let page = Iam::read(PageView::new(&image), at).map_err(damaged)?;
            found.iams.insert((page.interval.file, interval_of(page.interval.page)), at);
            found.last_iam = at;
            for start in page.extent_starts() {
                for i in 0..EXTENT_PAGES {
                    let id = PageId::new(start.file, start.page + i);
                    if reader.byte(source, id).map_err(damaged)? & pfs::ALLOCATED == 0 {
                        found.free.push(id);
                    }
                }
            }
        }
        found.free.reverse();
        self.state.space.units.insert(unit, found);
        Ok(())
    }

    /// A free extent of one of the files, taken out of the GAM. The files grow when there is none.
    fn take_extent(&mut self, transaction: &mut LogTransaction, files: &[FileId]) -> RecoveryResult<PageId> {
        for round in 0..2 {
            for file in self.proportional(files)? {
                if let Some(first) = self.find_extent(file)? {
                    self.extent_bit(transaction, MapKind::Gam, first, false)?;
                    self.state.space.next_extent.insert(file, first.page / EXTENT_PAGES + 1);
                    return Ok(first);
                }
            }
            if round == 0 {
                self.grow_any(files)?;
            }
        }
        Err(RecoveryError::NoSpace { what: "the files have grown but hold no free extent".to_owned() })
    }

    /// The files in the order in which to ask them for the next extent: each gets a share of the extents that goes by how many
    /// it has free.
    fn proportional(&mut self, files: &[FileId]) -> RecoveryResult<Vec<FileId>> {
        let [_, _, ..] = files else { return Ok(files.to_vec()) };
        if self.state.space.until_counted == 0 {
            // Each filegroup is counted anew when it is met.
            self.state.space.shares.clear();
            self.state.space.until_counted = COUNT_EVERY;
        }
        if files.iter().any(|f| !self.state.space.shares.contains_key(f)) {
            for &file in files {
                // None of a file that has just left the database.
                let free = free_extents(self.source(), file).map_err(damaged)?.into();
                self.state.space.shares.insert(file, Share { free, credit: 0 });
            }
        }
        self.state.space.until_counted -= 1;
        let shares = &mut self.state.space.shares;
        let mut total = 0;
        for file in files {
            let share = shares.entry(*file).or_default();
            share.credit += share.free;
            total += share.free;
        }
        let mut order = files.to_vec();
        order.sort_by_key(|f| std::cmp::Reverse(shares.get(f).map_or(0, |s| s.credit)));
        if let Some(share) = order.first().and_then(|f| shares.get_mut(f)) {
            share.credit -= total;
        }
        Ok(order)
    }

    /// What is known of the files' space is forgotten: one is gone, or a new one has come.
    pub(super) fn forget_files(&mut self) {
        self.state.space = Space::default();
    }

    fn find_extent(&mut self, file: FileId) -> RecoveryResult<Option<PageId>> {
        let count = self.source().page_count(file) / EXTENT_PAGES;
        let start = self.state.space.next_extent.get(&file).copied().unwrap_or(0).min(count);
        for (from, to) in [(start, count), (0, start)] {
            let mut extent = from;
            while extent < to {
                let first = PageId::new(file, extent * EXTENT_PAGES);
                let map = map_page(MapKind::Gam, first);
                let image = self.page(map)?;
                let bits = ExtentMap::read(PageView::new(&image), map).map_err(damaged)?;
                let interval_end =
                    ((interval_of(first.page) + 1).saturating_mul(INTERVAL_PAGES) / EXTENT_PAGES).min(to);
                while extent < interval_end {
                    let first = PageId::new(file, extent * EXTENT_PAGES);
                    if bits.is_set(extent_in_interval(first.page)) && !is_map_extent(file, first.page) {
                        return Ok(Some(first));
                    }
                    extent += 1;
                }
            }
        }
        Ok(None)
    }

    /// A single page of a mixed extent, for IAM pages.
    fn take_mixed(&mut self, transaction: &mut LogTransaction, files: &[FileId]) -> RecoveryResult<PageId> {
        if !self.state.space.mixed_known {
            self.find_mixed(files)?;
        }
        let known = files.iter().find_map(|f| {
            self.state.space.mixed.get_mut(f).and_then(Vec::pop).map(|page| PageId::new(*f, page))
        });
        let page = match known {
            Some(page) => page,
            None => {
                let first = self.take_extent(transaction, files)?;
                self.extent_bit(transaction, MapKind::Sgam, first, true)?;
                let rest = (first.page + 1..first.page + EXTENT_PAGES).rev().collect();
                self.state.space.mixed.insert(first.file, rest);
                first
            }
        };
        let extent = page.page / EXTENT_PAGES * EXTENT_PAGES;
        let left = self.state.space.mixed.get(&page.file);
        if !left.is_some_and(|l| l.iter().any(|p| p / EXTENT_PAGES * EXTENT_PAGES == extent)) {
            self.extent_bit(transaction, MapKind::Sgam, PageId::new(page.file, extent), false)?;
        }
        Ok(page)
    }

    fn find_mixed(&mut self, files: &[FileId]) -> RecoveryResult<()> {
        self.state.space.mixed_known = true;
        for &file in files {
            let count = self.source().page_count(file);
            if count == 0 {
                continue;
            }
            let mut free = Vec::new();
            let mut reader = iam::PfsReader::default();
            for interval in 0..=interval_of(count.saturating_sub(1)) {
                let map = PageId::new(file, MapKind::Sgam.page_number(interval));
                let image = self.page(map)?;
                let bits = ExtentMap::read(PageView::new(&image), map).map_err(damaged)?;
                for extent in bits.set_extents() {
                    let first = interval * INTERVAL_PAGES + extent * EXTENT_PAGES;
                    for page in (first..first + EXTENT_PAGES).filter(|p| *p < count) {
                        let id = PageId::new(file, page);
                        let byte = reader.byte(self.source(), id).map_err(damaged)?;
                        if byte & pfs::ALLOCATED == 0 && fixed_page_type(id).is_none() {
                            free.push(page);
                        }
                    }
                }
            }
            free.reverse();
            self.state.space.mixed.insert(file, free);
        }
        Ok(())
    }

    /// An IAM page for the interval of `first`; linked behind the last one of the unit.
    fn add_iam(
        &mut self,
        transaction: &mut LogTransaction,
        unit: UnitId,
        files: &[FileId],
        first: PageId,
        last: PageId,
        sequence: u32,
    ) -> RecoveryResult<PageId> {
        let page = self.take_mixed(transaction, files)?;
        self.set_pfs(transaction, page, pfs::ALLOCATED | pfs::MIXED | pfs::IAM)?;
        let interval = PageId::new(first.file, interval_of(first.page) * INTERVAL_PAGES);
        self.format_page(
            transaction,
            page,
            unit,
            Format { kind: PageType::Iam, previous: last, interval, pminlen: 90, ..Format::default() },
        )?;
        if sequence > 0 {
            let body = Body::Row {
                row: RowTarget { rowset: 0, offset: 4, size_or_flags: 4, space_bits: 0 },
                elements: &[&0u32.to_le_bytes(), &sequence.to_le_bytes(), &[]],
            };
            let what = What { operation: op::MODIFY_ROW, context: context::IAM, page, slot: 0, unit, body };
            self.log(transaction, what, Undo::InPlace)?;
        }
        if !last.is_null() {
            self.set_link(transaction, last, unit, context::IAM, Link::Next, page)?;
        }
        Ok(page)
    }

    /// Takes a page for a unit. `first_iam` is null for a unit without pages and names the new IAM page afterwards. The page
    /// still has to be formatted.
    pub fn allocate(
        &mut self,
        transaction: &mut LogTransaction,
        unit: UnitId,
        files: &[FileId],
        first_iam: &mut PageId,
        fullness: u8,
    ) -> RecoveryResult<(PageId, Taken)> {
        let mut taken = Taken { used: 1, reserved: 0 };
        if !first_iam.is_null() {
            self.unit_space(unit, *first_iam)?;
        }
        let known = self.state.space.units.get_mut(&unit).filter(|_| !first_iam.is_null());
        let page = match known.and_then(|u| u.free.pop()) {
            Some(page) => page,
            None => {
                let first = self.take_extent(transaction, files)?;
                taken.reserved += i64::from(EXTENT_PAGES);
                let key = (first.file, interval_of(first.page));
                let known = self.state.space.units.get(&unit).filter(|_| !first_iam.is_null());
                let iam = match known.and_then(|u| u.iams.get(&key)).copied() {
                    Some(iam) => iam,
                    None => {
                        let (last, count) =
                            known.map_or((PageId::NULL, 0), |u| (u.last_iam, u.iams.len() as u32));
                        let iam = self.add_iam(transaction, unit, files, first, last, count)?;
                        taken.used += 1;
                        taken.reserved += 1;
                        if first_iam.is_null() {
                            *first_iam = iam;
                            self.state.space.units.insert(
                                unit,
                                UnitSpace {
                                    first_iam: iam,
                                    iams: HashMap::new(),
                                    last_iam: iam,
                                    free: Vec::new(),
                                },
                            );
                        }
                        iam
                    }
                };
                let bit = extent_in_interval(first.page) + BITMAP_HEADER_BITS;
                self.bit(Some(transaction), context::IAM, iam, unit, bit, true)?;
                if let Some(space) = self.state.space.units.get_mut(&unit) {
                    if space.iams.insert(key, iam).is_none() {
                        space.last_iam = iam;
                    }
                    space.free.extend(
                        (first.page + 1..first.page + EXTENT_PAGES).rev().map(|p| PageId::new(first.file, p)),
                    );
                }
                first
            }
        };
        self.set_pfs(transaction, page, pfs::ALLOCATED | fullness)?;
        Ok((page, taken))
    }

    /// Reads the maps again: changes of them were taken back.
    pub(super) fn forget_space(&mut self) {
        self.state.space.units.clear();
        self.state.space.mixed.clear();
        self.state.space.mixed_known = false;
    }

    /// Gives everything of a unit back: pages, extents, IAM pages. Others may take them as soon as the gate is open, so this
    /// belongs right before the end of a transaction ([`super::LoggedDatabase::commit_after`]).
    pub fn free_unit(
        &mut self,
        transaction: &mut LogTransaction,
        unit: UnitId,
        first_iam: PageId,
    ) -> RecoveryResult<()> {
        self.state.space.units.remove(&unit);
        let chain = iam::chain(self.source(), first_iam).map_err(damaged)?;
        for (at, image) in chain {
            let page = Iam::read(PageView::new(&image), at).map_err(damaged)?;
            for single in page.single_pages.into_iter().filter(|p| !p.is_null()) {
                self.free_mixed(transaction, single)?;
            }
            let starts: Vec<PageId> = page.extent_starts().collect();
            for first in starts {
                self.clear_pfs(transaction, first)?;
                self.extent_bit(transaction, MapKind::Gam, first, true)?;
                let next = self.state.space.next_extent.entry(first.file).or_insert(0);
                *next = (*next).min(first.page / EXTENT_PAGES);
            }
            self.free_mixed(transaction, at)?;
        }
        Ok(())
    }

    /// Frees what a rolled back transaction had put into an emptied unit, if it is still there.
    pub fn free_leftover(&mut self, unit: UnitId, first_iam: PageId, present: PageId) -> RecoveryResult<()> {
        if first_iam.page >= self.source().page_count(first_iam.file) {
            return Ok(());
        }
        let image = self.page(first_iam)?;
        let view = PageView::new(&image);
        let in_use = self.pfs_byte(first_iam)? & pfs::ALLOCATED != 0
            && view.is(PageType::Iam)
            && view.unit_id() == unit.0;
        let chain = iam::chain(self.source(), present).map_err(damaged)?;
        if !in_use || chain.iter().any(|(at, _)| *at == first_iam) {
            return Ok(());
        }
        self.take_back(|change| {
            change.system("DeferredDrop", None, |change, own| change.free_unit(own, unit, first_iam))
        })
    }

    /// The page lies in an extent that belongs to its unit alone.
    pub fn is_own_page(&self, page: PageId) -> RecoveryResult<bool> {
        Ok(self.pfs_byte(page)? & (pfs::ALLOCATED | pfs::MIXED) == pfs::ALLOCATED)
    }

    /// Whether the extent of a page is one of a unit's own.
    pub fn has_extent(&mut self, unit: UnitId, first_iam: PageId, page: PageId) -> RecoveryResult<bool> {
        self.unit_space(unit, first_iam)?;
        let key = (page.file, interval_of(page.page));
        let Some(at) = self.state.space.units.get(&unit).and_then(|u| u.iams.get(&key)).copied() else {
            return Ok(false);
        };
        let image = self.page(at)?;
        let iam = Iam::read(PageView::new(&image), at).map_err(damaged)?;
        Ok(iam.extents.is_set(extent_in_interval(page.page)))
    }

    /// Gives one page of a unit's own extents back, and the extent when it was the last one in use there; the counts change
    /// by what is answered.
    pub fn free_page(
        &mut self,
        transaction: &mut LogTransaction,
        unit: UnitId,
        first_iam: PageId,
        page: PageId,
    ) -> RecoveryResult<Taken> {
        self.unit_space(unit, first_iam)?;
        // Recovery counts the pages of the unit anew.
        self.log_unit(unit)?;
        self.set_pfs(transaction, page, 0)?;
        let first = PageId::new(page.file, page.page / EXTENT_PAGES * EXTENT_PAGES);
        let mut in_use = false;
        for other in first.page..first.page + EXTENT_PAGES {
            in_use |= self.pfs_byte(PageId::new(first.file, other))? & pfs::ALLOCATED != 0;
        }
        let iam = self.state.space.units.get(&unit).and_then(|u| {
            let key = (first.file, interval_of(first.page));
            u.iams.get(&key).copied()
        });
        let mut given = Taken { used: -1, reserved: 0 };
        match iam.filter(|_| !in_use) {
            Some(iam) => {
                let bit = extent_in_interval(first.page) + BITMAP_HEADER_BITS;
                self.bit(Some(transaction), context::IAM, iam, unit, bit, false)?;
                self.extent_bit(transaction, MapKind::Gam, first, true)?;
                let next = self.state.space.next_extent.entry(first.file).or_insert(0);
                *next = (*next).min(first.page / EXTENT_PAGES);
                given.reserved = -i64::from(EXTENT_PAGES);
                let extent = first.page..first.page + EXTENT_PAGES;
                if let Some(space) = self.state.space.units.get_mut(&unit) {
                    space.free.retain(|p| p.file != first.file || !extent.contains(&p.page));
                }
            }
            None => {
                if let Some(space) = self.state.space.units.get_mut(&unit) {
                    space.free.push(page);
                }
            }
        }
        Ok(given)
    }

    fn free_mixed(&mut self, transaction: &mut LogTransaction, page: PageId) -> RecoveryResult<()> {
        self.set_pfs(transaction, page, 0)?;
        let first = PageId::new(page.file, page.page / EXTENT_PAGES * EXTENT_PAGES);
        let image = self.page(map_page(MapKind::Sgam, first))?;
        let map = ExtentMap::read(PageView::new(&image), map_page(MapKind::Sgam, first)).map_err(damaged)?;
        if !map.is_set(extent_in_interval(first.page)) {
            self.extent_bit(transaction, MapKind::Sgam, first, true)?;
        }
        if self.state.space.mixed_known {
            self.state.space.mixed.entry(page.file).or_default().push(page.page);
        }
        Ok(())
    }

    /// Formats a page that was taken.
    pub fn format_page(
        &mut self,
        transaction: &mut LogTransaction,
        page: PageId,
        unit: UnitId,
        format: Format,
    ) -> RecoveryResult<()> {
        self.format_compressed_page(transaction, page, unit, format, &[])
    }

    /// The same with compression information before the records; empty: none.
    pub fn format_compressed_page(
        &mut self,
        transaction: &mut LogTransaction,
        page: PageId,
        unit: UnitId,
        format: Format,
        information: &[u8],
    ) -> RecoveryResult<()> {
        let mut rest = vec![0u8; 0x20];
        rest[0] = format.kind as u8;
        rest[1] = format.type_flags;
        if !information.is_empty() {
            rest[1] |= TYPE_FLAG_COMPRESSED;
        }
        rest[2] = format.level;
        rest[4..10].copy_from_slice(&format.previous.to_bytes());
        rest[10..12].copy_from_slice(&format.pminlen.to_le_bytes());
        rest[12..18].copy_from_slice(&format.next.to_bytes());
        rest[20..26].copy_from_slice(&format.interval.to_bytes());
        self.database.pages.create(page).map_err(damaged)?;
        let context = match format.kind {
            PageType::Data if format.heap => context::HEAP,
            PageType::Data => context::CLUSTERED,
            PageType::Index if format.level == 0 => context::INDEX_LEAF,
            PageType::Index => context::INDEX_INTERIOR,
            PageType::TextTree => context::TEXT_TREE,
            PageType::TextMix => context::TEXT_MIX,
            PageType::Iam => context::IAM,
            PageType::Pfs => context::PFS,
            _ => context::GAM,
        };
        let body = if information.is_empty() {
            Body::Page { rest: &rest, elements: true }
        } else {
            Body::Format { rest: &rest, information }
        };
        let what = What { operation: op::FORMAT_PAGE, context, page, slot: 0xFFFF, unit, body };
        self.log(transaction, what, Undo::InPlace)?;
        Ok(())
    }

    /// Changes the sibling link of a page.
    pub fn set_link(
        &mut self,
        transaction: &mut LogTransaction,
        page: PageId,
        unit: UnitId,
        context: Context,
        link: Link,
        to: PageId,
    ) -> RecoveryResult<()> {
        let image = self.page(page)?;
        let view = PageView::new(&image);
        let (offset, old) = match link {
            Link::Previous => (8, view.previous()),
            Link::Next => (16, view.next()),
        };
        let (old, new) = (old.to_bytes(), to.to_bytes());
        let row = RowTarget { rowset: 0, offset, size_or_flags: 6, space_bits: 0 };
        let body = Body::Row { row, elements: &[&old, &new, &[], &[]] };
        let what = What { operation: op::MODIFY_HEADER, context, page, slot: 0, unit, body };
        self.log(transaction, what, Undo::InPlace)?;
        Ok(())
    }
}

/// A sibling link of the page header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    Previous,
    Next,
}

/// How a page is formatted.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub kind: PageType,
    pub type_flags: u8,
    pub level: u8,
    pub previous: PageId,
    pub next: PageId,
    pub pminlen: u16,
    /// IAM pages: first page of the interval.
    pub interval: PageId,
    /// Data page of a heap.
    pub heap: bool,
}

impl Default for Format {
    fn default() -> Self {
        Format {
            kind: PageType::Data,
            type_flags: 0,
            level: 0,
            previous: PageId::NULL,
            next: PageId::NULL,
            pminlen: 0,
            interval: PageId::NULL,
            heap: false,
        }
    }
}
