//! Making data files larger: by their growth setting, with the map pages that the new part needs.
//!
//! Invariants
//! 1. The space is there on disk before the log says so; without it the statement fails and nothing has changed.
//! 2. Every extent of the new part is free in the GAM, every PFS and map page in it is formatted, before any of it is used.

use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_format::allocation::{
    BITMAP_BYTES, EXTENT_PAGES, ExtentMap, INTERVAL_PAGES, MapKind, PFS_PAGES, extent_in_interval,
    fixed_page_type, interval_of, map_page, pfs,
};
use holdfast_format::file_header::FileHeader;
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::{PageType, PageView};
use holdfast_format::source::PageSource;
use holdfast_format::{FormatError, PageBytes};

use super::space::Format;
use super::{Body, Change, LogTransaction, Undo, UnitId, What};
use crate::recovery::{RecoveryError, RecoveryResult};

/// Status bit of a file whose growth is a percentage.
const PERCENT_GROWTH: u32 = 0x10_0000;
/// Largest data file: 16 TiB.
const MAX_PAGES: u64 = 0x7FFF_FFF8;

impl Change<'_> {
    /// Grows the first of the files that can.
    pub(super) fn grow_any(&mut self, files: &[FileId]) -> RecoveryResult<()> {
        let mut last = RecoveryError::NoSpace { what: "autogrowth is off".to_owned() };
        for &file in files {
            if self.source().page_count(file) == 0 {
                // It has just left the database.
                continue;
            }
            match self.grow(file) {
                Ok(()) => {
                    // It has more free than it was counted with.
                    self.state.space.forget_share(file);
                    return Ok(());
                }
                Err(e @ RecoveryError::NoSpace { .. }) => last = e,
                Err(e) => return Err(e),
            }
        }
        Err(last)
    }

    fn header(&self, file: FileId) -> RecoveryResult<FileHeader> {
        let at = PageId::new(file, 0);
        let image = self.page(at)?;
        FileHeader::read(&image).map_err(|error| RecoveryError::Unreadable { page: at, error })
    }

    fn grow(&mut self, file: FileId) -> RecoveryResult<()> {
        let header = self.header(file)?;
        let size = u64::from(self.source().page_count(file));
        let step = if header.status & PERCENT_GROWTH != 0 {
            size * u64::from(header.growth) / 100
        } else {
            u64::from(header.growth)
        };
        let step = step.next_multiple_of(u64::from(EXTENT_PAGES));
        let limit = match header.max_size {
            m if m <= 0 => MAX_PAGES,
            m => u64::from(m.unsigned_abs()).min(MAX_PAGES),
        };
        let new = (size + step).min(limit) / u64::from(EXTENT_PAGES) * u64::from(EXTENT_PAGES);
        if header.growth == 0 || new <= size {
            return Err(RecoveryError::NoSpace {
                what: format!("file {file} may not grow beyond {size} pages"),
            });
        }
        self.grow_to(file, u32::try_from(new).unwrap_or(u32::MAX))
    }

    /// Makes a file `new` pages large.
    pub fn grow_to(&mut self, file: FileId, new: u32) -> RecoveryResult<()> {
        let old = self.source().page_count(file);
        // Invariant 1.
        let disk = self
            .database
            .data
            .read()
            .get(&file)
            .cloned()
            .ok_or(RecoveryError::NoSpace { what: format!("there is no file {file}") })?;
        disk.allocate(u64::from(new) * PAGE_SIZE as u64)
            .map_err(|e| RecoveryError::NoSpace { what: e.to_string() })?;
        let grown = self.system("GrowFile", None, |change, own| {
            change.database.pages.grown(file, new);
            for page in old..new {
                let id = PageId::new(file, page);
                match fixed_page_type(id) {
                    Some(PageType::Pfs) => change.new_pfs(own, id)?,
                    Some(
                        kind @ (PageType::Gam
                        | PageType::Sgam
                        | PageType::DifferentialMap
                        | PageType::MinimalLogMap),
                    ) => {
                        change.new_map(own, id, kind)?;
                    }
                    _ => {}
                }
            }
            change.free_extents(own, file, old, new)?;
            change.set_size(own, file, new)
        });
        grown.inspect_err(|_| self.database.pages.limit(file, old))
    }

    fn rows(
        &mut self,
        own: &mut LogTransaction,
        page: PageId,
        kind: PageType,
        pminlen: u16,
        rows: &[&[u8]],
    ) -> RecoveryResult<()> {
        self.format_page(own, page, UnitId::FIXED, Format { kind, pminlen, ..Format::default() })?;
        let mut elements = rows.to_vec();
        elements.extend([&[][..], &[][..]]);
        let body = Body::Row { row: RowTarget::default(), elements: &elements };
        let operation = op::INSERT_ROWS;
        let what = What { operation, context: context::GAM, page, slot: 0, unit: UnitId::FIXED, body };
        self.log(own, what, Undo::InPlace)?;
        Ok(())
    }

    fn new_pfs(&mut self, own: &mut LogTransaction, page: PageId) -> RecoveryResult<()> {
        let mut row = vec![0u8; 4 + PFS_PAGES as usize];
        row[2..4].copy_from_slice(&[0x9C, 0x1F]);
        // The page itself and the maps of an interval that begins here.
        for other in page.page..page.page + EXTENT_PAGES {
            if fixed_page_type(PageId::new(page.file, other)).is_some() {
                row[4 + (other % PFS_PAGES) as usize] = pfs::ALLOCATED | 4;
            }
        }
        self.rows(own, page, PageType::Pfs, 0, &[&row])
    }

    fn new_map(&mut self, own: &mut LogTransaction, page: PageId, kind: PageType) -> RecoveryResult<()> {
        let mut head = [0u8; 94];
        head[2] = 0x5E;
        let mut bits = vec![0u8; 4 + BITMAP_BYTES];
        bits[2..4].copy_from_slice(&[0x38, 0x1F]);
        if kind == PageType::Gam {
            bits[4..].fill(0xFF);
            // The extent of the maps is in use.
            bits[4] &= !1;
        }
        self.rows(own, page, kind, 90, &[&head, &bits])
    }

    /// Sets the GAM bits of new extents where they are not set yet.
    fn free_extents(
        &mut self,
        own: &mut LogTransaction,
        file: FileId,
        old: u32,
        new: u32,
    ) -> RecoveryResult<()> {
        // A last extent that is not whole is nobody's to give out: what it holds is known to the maps already.
        let mut from = old.next_multiple_of(EXTENT_PAGES);
        while from < new {
            let to = ((interval_of(from) + 1).saturating_mul(INTERVAL_PAGES)).min(new);
            let map = map_page(MapKind::Gam, PageId::new(file, from));
            let image = self.page(map)?;
            let bits = ExtentMap::read(PageView::new(&image), map)
                .map_err(|error| RecoveryError::Unreadable { page: map, error })?;
            let first = extent_in_interval(from) as usize / 8;
            let last = (extent_in_interval(to - 1) as usize / 8 + 1).min(BITMAP_BYTES);
            let before = bits.bytes().get(first..last).unwrap_or(&[]).to_vec();
            let mut after = before.clone();
            let mut page = from;
            while page < to {
                let in_use =
                    (page..page + EXTENT_PAGES).any(|p| fixed_page_type(PageId::new(file, p)).is_some());
                if !in_use {
                    let extent = extent_in_interval(page) as usize;
                    if let Some(byte) = after.get_mut(extent / 8 - first) {
                        *byte |= 1 << (extent % 8);
                    }
                }
                page += EXTENT_PAGES;
            }
            if before != after {
                let row = RowTarget {
                    rowset: 0,
                    offset: (4 + first) as u16,
                    size_or_flags: before.len() as u16,
                    space_bits: 0,
                };
                let body = Body::Row { row, elements: &[&before, &after, &[]] };
                let what = What {
                    operation: op::MODIFY_ROW,
                    context: context::GAM,
                    page: map,
                    slot: 1,
                    unit: UnitId::FIXED,
                    body,
                };
                self.log(own, what, Undo::InPlace)?;
            }
            from = to;
        }
        Ok(())
    }

    /// Sets how large a file may become (pages, -1 without limit) and by how much it grows (pages, or percent).
    pub fn set_limits(
        &mut self,
        file: FileId,
        max_size: Option<i32>,
        growth: Option<(u32, bool)>,
    ) -> RecoveryResult<()> {
        self.system("ModifyFile", None, |change, own| {
            change.set_header(own, file, &|header| {
                if let Some(n) = max_size {
                    header.max_size = n;
                }
                if let Some((n, percent)) = growth {
                    header.growth = n;
                    header.status =
                        header.status & !PERCENT_GROWTH | if percent { PERCENT_GROWTH } else { 0 };
                }
            })
        })
    }

    /// Writes the size into the file header.
    pub(super) fn set_size(
        &mut self,
        own: &mut LogTransaction,
        file: FileId,
        pages: u32,
    ) -> RecoveryResult<()> {
        self.set_header(own, file, &|header| header.size = pages)
    }

    /// Sets the logical name of a file.
    pub fn set_file_name(&mut self, file: FileId, name: &str) -> RecoveryResult<()> {
        self.system("ModifyFile", None, |change, own| {
            change.change_header(own, file, &|page| FileHeader::rename(page, name))
        })
    }

    fn set_header(
        &mut self,
        own: &mut LogTransaction,
        file: FileId,
        set: &dyn Fn(&mut FileHeader),
    ) -> RecoveryResult<()> {
        self.change_header(own, file, &|page| {
            let mut header = FileHeader::read(page)?;
            set(&mut header);
            header.write(page)
        })
    }

    fn change_header(
        &mut self,
        own: &mut LogTransaction,
        file: FileId,
        set: &dyn Fn(&mut PageBytes) -> Result<(), FormatError>,
    ) -> RecoveryResult<()> {
        let at = PageId::new(file, 0);
        let broken = |error| RecoveryError::Unreadable { page: at, error };
        let image = self.page(at)?;
        let mut changed = *image;
        set(&mut changed).map_err(broken)?;
        let row_of = |page: &PageBytes| -> RecoveryResult<Vec<u8>> {
            let bytes = PageView::new(page).require_record(0).map_err(broken)?;
            let record =
                holdfast_format::record::FixedVar::parse_data(bytes).map_err(|e| broken(e.at(at, 0)))?;
            Ok(record.bytes().to_vec())
        };
        let (old, new) = (row_of(&image)?, row_of(&changed)?);
        if old == new {
            return Ok(());
        }
        let row = RowTarget::default();
        let body = Body::Row { row, elements: &[&old, &new, &[], &[]] };
        let what = What {
            operation: op::FILE_HDR_MODIFY,
            context: context::FILE_HEADER,
            page: at,
            slot: 0,
            unit: UnitId::FIXED,
            body,
        };
        self.log(own, what, Undo::InPlace)?;
        Ok(())
    }
}
