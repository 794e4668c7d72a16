//! Allocation maps against each other and against the pages.
//!
//! Invariants
//! 1. Every allocated page belongs to exactly one allocation unit, is an IAM page of one, or is a fixed page of its file.
//! 2. While something is being defined, pages without an owner are not called faults: they may be what it drops.
//! 3. A unit's extents are not free in the GAM; a page of a mixed extent says so in the PFS.

use std::collections::HashMap;

use holdfast_base::{FileId, PageId};
use holdfast_format::allocation::{
    EXTENT_PAGES, ExtentMap, MapKind, fixed_page_type, iam, interval_of, map_page, pfs, pfs::PfsMap, pfs_page,
};
use holdfast_format::catalog::{AllocationUnit, SystemTables};
use holdfast_format::file_header::FileHeader;
use holdfast_format::page::check::check_page;
use holdfast_format::page::{PageView, flag, protection};
use holdfast_format::{FormatError, PageSource, PageType};

use super::{Finding, Progress, Report};

/// Who owns each page: index into `SystemTables::units` + 1, 0 for nobody.
#[derive(Debug, Default)]
pub struct Owners {
    pages: HashMap<FileId, Vec<u32>>,
}

impl Owners {
    fn claim(&mut self, page: PageId, owner: u32) -> Option<u32> {
        let slot = self.pages.get_mut(&page.file)?.get_mut(page.page as usize)?;
        let old = std::mem::replace(slot, owner);
        (old != 0).then_some(old)
    }

    /// Index of the unit that owns the page.
    pub fn owner(&self, page: PageId) -> Option<usize> {
        let owner = *self.pages.get(&page.file)?.get(page.page as usize)?;
        owner.checked_sub(1).map(|o| o as usize)
    }
}

/// Checks all files; gives the owners for the structure check.
pub fn check(
    source: &dyn PageSource,
    tables: Option<&SystemTables>,
    defining: bool,
    report: &mut Report,
    progress: Progress<'_>,
) -> Owners {
    let mut owners = Owners::default();
    for file in source.files() {
        owners.pages.insert(file, vec![0; source.page_count(file) as usize]);
    }
    if let Some(tables) = tables {
        for (index, unit) in tables.units.iter().enumerate() {
            if let Err(error) = claim_unit(source, unit, index, &mut owners, report) {
                report.error(None, &error);
            }
        }
    }
    let total = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
    let mut done = 0;
    for file in source.files() {
        check_file(source, file, tables, &owners, defining, report, &mut done, total, progress);
    }
    owners
}

fn claim_unit(
    source: &dyn PageSource,
    unit: &AllocationUnit,
    index: usize,
    owners: &mut Owners,
    report: &mut Report,
) -> Result<(), FormatError> {
    let owner = index as u32 + 1;
    let mut pfs_reader = iam::PfsReader::default();
    for (place, (at, page)) in iam::chain(source, unit.first_iam)?.into_iter().enumerate() {
        let decoded = iam::Iam::read(PageView::new(&page), at)?;
        if decoded.sequence as usize != place {
            report.page(at, 100, format!("IAM page number {} stands at place {place}", decoded.sequence));
        }
        if owners.claim(at, owner).is_some() {
            report.page(at, 0, "the IAM page belongs to two allocation units");
        }
        for single in decoded.single_pages.into_iter().filter(|p| !p.is_null()) {
            if owners.claim(single, owner).is_some() {
                report.page(single, 0, "the page belongs to two allocation units");
            }
            // A single page that was freed may stay listed only until its slot is reused; it must not be in use elsewhere.
            if pfs_reader.byte(source, single)? & pfs::ALLOCATED == 0 {
                report.page(single, 0, "the page is listed in an IAM but not allocated");
            }
        }
        for start in decoded.extent_starts() {
            let gam_at = map_page(MapKind::Gam, start);
            let gam = source.page(gam_at)?;
            let map = ExtentMap::read(PageView::new(&gam), gam_at)?;
            if map.is_set(holdfast_format::allocation::extent_in_interval(start.page)) {
                report.page(start, 0, "the extent belongs to an allocation unit but is free in the GAM");
            }
            for offset in 0..EXTENT_PAGES {
                let page = PageId::new(start.file, start.page.saturating_add(offset));
                if owners.claim(page, owner).is_some() {
                    report.page(page, 0, "the page belongs to two allocation units");
                }
            }
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)]
fn check_file(
    source: &dyn PageSource,
    file: FileId,
    tables: Option<&SystemTables>,
    owners: &Owners,
    defining: bool,
    report: &mut Report,
    done: &mut u64,
    total: u64,
    progress: Progress<'_>,
) {
    let count = source.page_count(file);
    match source.page(PageId::new(file, 0)).and_then(|page| FileHeader::read(&page)) {
        Ok(header) if header.file_id != file => {
            report.page(PageId::new(file, 0), 0, format!("the file header says file {}", header.file_id));
        }
        Ok(_) => {}
        Err(error) => report.error(None, &error),
    }
    check_maps(source, file, report);
    if tables.is_some() && !defining {
        check_leaks(source, file, owners, report);
    }
    let mut held: Option<(PageId, Option<holdfast_format::PageRef>)> = None;
    for number in 0..count {
        let at = PageId::new(file, number);
        *done += 1;
        if number % 1024 == 0 {
            progress(*done, total);
        }
        let pfs_at = pfs_page(at);
        if held.as_ref().is_none_or(|(id, _)| *id != pfs_at) {
            let page = source.page(pfs_at);
            if let Err(error) = &page {
                report.error(None, error);
            }
            held = Some((pfs_at, page.ok()));
        }
        let Some((_, Some(pfs_held))) = &held else { continue };
        let byte = match PfsMap::read(PageView::new(pfs_held), pfs_at) {
            Ok(map) => map.byte(number),
            Err(error) => {
                if number == pfs_at.page || number == 1 {
                    report.error(None, &error);
                }
                continue;
            }
        };
        let fixed = fixed_page_type(at);
        if byte & pfs::ALLOCATED == 0 {
            if fixed.is_some() {
                report.page(at, 0, "a fixed page of the file is not allocated");
            }
            continue;
        }
        report.pages_checked += 1;
        check_one(source, at, byte, fixed, tables, owners, defining, report);
    }
    progress(*done, total);
}

/// GAM and SGAM: no extent is free and mixed at once.
fn check_maps(source: &dyn PageSource, file: FileId, report: &mut Report) {
    let count = source.page_count(file);
    for interval in 0..=interval_of(count.saturating_sub(1)) {
        let read = |kind: MapKind| {
            let at = PageId::new(file, kind.page_number(interval));
            source.page(at).map(|page| (at, page))
        };
        match (read(MapKind::Gam), read(MapKind::Sgam)) {
            (Ok((gam_at, gam)), Ok((sgam_at, sgam))) => {
                let maps = (
                    ExtentMap::read(PageView::new(&gam), gam_at),
                    ExtentMap::read(PageView::new(&sgam), sgam_at),
                );
                if let (Ok(gam), Ok(sgam)) = maps {
                    for extent in sgam.set_extents().filter(|e| gam.is_set(*e)).take(100) {
                        report.page(
                            sgam_at,
                            194 + extent as usize / 8,
                            format!("extent {extent} is free and mixed at once"),
                        );
                    }
                }
            }
            (gam, sgam) => {
                for error in [gam.err(), sgam.err()].into_iter().flatten() {
                    report.error(None, &error);
                }
            }
        }
    }
}

/// Extents that are taken but belong to nobody and hold no page that is in use.
fn check_leaks(source: &dyn PageSource, file: FileId, owners: &Owners, report: &mut Report) {
    let count = source.page_count(file);
    let mut reader = iam::PfsReader::default();
    for interval in 0..=interval_of(count.saturating_sub(1)) {
        let at = |kind: MapKind| PageId::new(file, kind.page_number(interval));
        let (gam_at, sgam_at) = (at(MapKind::Gam), at(MapKind::Sgam));
        // What cannot be read is told elsewhere.
        let (Ok(gam), Ok(sgam)) = (source.page(gam_at), source.page(sgam_at)) else { continue };
        let maps =
            (ExtentMap::read(PageView::new(&gam), gam_at), ExtentMap::read(PageView::new(&sgam), sgam_at));
        let (Ok(gam), Ok(sgam)) = maps else { continue };
        let first = interval * holdfast_format::allocation::INTERVAL_PAGES;
        let extents = (count - first).min(holdfast_format::allocation::INTERVAL_PAGES) / EXTENT_PAGES;
        for extent in 0..extents {
            if gam.is_set(extent) || sgam.is_set(extent) {
                continue;
            }
            let start = PageId::new(file, first + extent * EXTENT_PAGES);
            let used = (0..EXTENT_PAGES).any(|offset| {
                let page = PageId::new(file, start.page + offset);
                owners.owner(page).is_some()
                    || fixed_page_type(page).is_some()
                    || reader.byte(source, page).map_or(true, |byte| byte & pfs::ALLOCATED != 0)
            });
            if !used {
                let text = "the extent is marked allocated in the GAM, but no SGAM or IAM has allocated it";
                report.add(Finding {
                    page: Some(start),
                    offset: 0,
                    object: None,
                    what: text.to_owned(),
                    number: 8905,
                });
            }
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn check_one(
    source: &dyn PageSource,
    at: PageId,
    byte: u8,
    fixed: Option<PageType>,
    tables: Option<&SystemTables>,
    owners: &Owners,
    defining: bool,
    report: &mut Report,
) {
    let page = match source.page(at) {
        Ok(page) => page,
        Err(error) => return report.error(None, &error),
    };
    let view = PageView::new(&page);
    if view.flags() & flag::CHECKSUM != 0
        && let Err(error) = protection::verify(&page)
    {
        report.error(None, &error);
        return;
    }
    let mut findings = Vec::new();
    check_page(view, at, &mut findings);
    for finding in findings {
        report.page(finding.page, finding.offset, finding.what);
    }
    if let Some(kind) = fixed {
        if !view.is(kind) {
            report.page(
                at,
                1,
                format!("a {} page is expected here, type {} found", kind.name(), view.page_type()),
            );
        }
        return;
    }
    if (byte & pfs::IAM != 0) != view.is(PageType::Iam) {
        report.page(at, 1, "the PFS and the page disagree whether this is an IAM page");
    }
    let Some(tables) = tables else { return };
    match owners.owner(at).and_then(|o| tables.units.get(o)) {
        None if defining => {}
        None => report.page(at, 0, "the page is allocated but belongs to no allocation unit"),
        Some(unit) => {
            if view.unit_id() != unit.id && !carries_object_id(view, unit, tables) {
                report.page(
                    at,
                    6,
                    format!("the page names allocation unit {:#x}, not {:#x}", view.unit_id(), unit.id),
                );
            }
        }
    }
}

/// Pages last written before an upgrade from SQL Server 2000 carry object and index ids instead of the unit's.
fn carries_object_id(view: PageView<'_>, unit: &AllocationUnit, tables: &SystemTables) -> bool {
    let header = view.header();
    tables
        .rowsets
        .iter()
        .find(|r| r.id == unit.owner)
        .is_some_and(|r| r.object_id.unsigned_abs() == header.object_id)
}
