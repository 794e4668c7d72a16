//! Making files smaller: what is free at their end goes back to the disk.
//!
//! Invariants
//! 1. Nothing that recovery might meet lies in what goes: a data file is cut right behind a checkpoint from which recovery would
//!    begin, with no page of that part changed since, and the gate stays closed until it is cut. The new size is durable in
//!    the log first.
//! 2. Extents of the part that goes are free in the GAM, those of mixed extents that held nothing too: when the file grows
//!    again they are as those of a file that was never larger.
//! 3. Of a log file VLFs go that hold no log that is needed; two stay at least, and what was promised keeps its room.

use holdfast_base::{FileId, PAGE_SIZE, PageId};
use holdfast_format::allocation::{
    EXTENT_PAGES, ExtentMap, MapKind, extent_in_interval, fixed_page_type, map_page, pfs,
};
use holdfast_format::page::PageView;
use holdfast_format::source::PageSource;

use super::space::is_map_extent;
use super::{Change, LoggedDatabase};
use crate::recovery::{RecoveryError, RecoveryResult};

/// Checkpoints made for a part of a file to go: what keeps it may go while the first goes on.
const CHECKPOINTS: usize = 3;

/// What became of a file, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shrunk {
    pub size: u32,
    /// In use.
    pub used: u32,
    /// It could not be made as small as its contents allow: a transaction is open, or the log goes on at its end.
    pub held: bool,
}

/// How an extent is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Free,
    /// Mixed, and none of its pages is in use.
    EmptyMixed,
    /// Only maps lie in it, which come again when the file grows over them.
    Maps,
    Taken,
}

impl LoggedDatabase {
    /// Cuts a data file behind its last extent in use, but not below `least` pages.
    pub fn shrink_data_file(&self, id: FileId, least: u32) -> RecoveryResult<Shrunk> {
        let _one = self.checkpointing.lock();
        let mut shrunk = Shrunk { size: 0, used: 0, held: true };
        for _ in 0..CHECKPOINTS {
            let begin = self.checkpoint_alone()?;
            let mut change = self.change()?;
            let (end, used) = change.end_of_use(id)?;
            let size = change.source().page_count(id);
            let new = end.max(least).max(1).next_multiple_of(EXTENT_PAGES);
            shrunk = Shrunk { size, used, held: new < size };
            if !shrunk.held {
                break;
            }
            // Invariant 1.
            if change.state.recovery_start != begin || self.pages.is_changed_from(id, new) {
                continue;
            }
            change.shrink_to(id, new)?;
            self.log.flush()?;
            let disk = self.data.read().get(&id).cloned();
            self.pages.shrunk(id, new);
            change.forget_files();
            if let Some(disk) = disk {
                disk.set_length(u64::from(new) * PAGE_SIZE as u64)?;
                disk.sync()?;
            }
            shrunk = Shrunk { size: new, used, held: false };
            break;
        }
        Ok(shrunk)
    }

    /// Pages of a data file that are in use, its maps among them.
    pub fn use_of_file(&self, id: FileId) -> RecoveryResult<u32> {
        Ok(self.change()?.end_of_use(id)?.1)
    }

    /// Takes what holds no log that is needed off the end of a log file, but not below `least` pages. Where the log goes on
    /// at the end, it is moved to the front first.
    pub fn shrink_log_file(&self, id: FileId, least: u32) -> RecoveryResult<Shrunk> {
        let _one = self.checkpointing.lock();
        let mut shrunk = Shrunk { size: 0, used: 0, held: true };
        for _ in 0..CHECKPOINTS {
            self.checkpoint_alone()?;
            let done = self.log.with_writer(|w| {
                let (size, held) = w.shrink_to(id, least)?;
                RecoveryResult::Ok((size, held, held && w.go_to_front(id)?))
            });
            // What the file holds is in doubt then.
            let (size, held, moved) = done.inspect_err(|e| self.stop(&e.to_string()))?;
            shrunk = Shrunk { size, used: size, held };
            if !moved {
                break;
            }
        }
        Ok(shrunk)
    }
}

impl Change<'_> {
    fn use_of(&self, file: FileId, first: u32) -> RecoveryResult<Use> {
        let at = PageId::new(file, first);
        let is_set = |kind| -> RecoveryResult<bool> {
            let map = map_page(kind, at);
            let image = self.page(map)?;
            let bits = ExtentMap::read(PageView::new(&image), map)
                .map_err(|error| RecoveryError::Unreadable { page: map, error })?;
            Ok(bits.is_set(extent_in_interval(first)))
        };
        if is_map_extent(file, first) {
            for page in first..first + EXTENT_PAGES {
                let id = PageId::new(file, page);
                if first == 0 || fixed_page_type(id).is_none() && self.is_taken(id)? {
                    return Ok(Use::Taken);
                }
            }
            return Ok(Use::Maps);
        }
        if is_set(MapKind::Gam)? {
            return Ok(Use::Free);
        }
        if !is_set(MapKind::Sgam)? {
            return Ok(Use::Taken);
        }
        for page in first..first + EXTENT_PAGES {
            if self.is_taken(PageId::new(file, page))? {
                return Ok(Use::Taken);
            }
        }
        Ok(Use::EmptyMixed)
    }

    fn is_taken(&self, page: PageId) -> RecoveryResult<bool> {
        Ok(self.pfs_byte(page)? & pfs::ALLOCATED != 0)
    }

    /// Whether nobody uses anything of a file.
    pub fn is_empty_file(&self, file: FileId) -> RecoveryResult<bool> {
        Ok(self.end_of_use(file)?.0 <= EXTENT_PAGES)
    }

    /// Page behind the last extent in use, and pages of all that are.
    fn end_of_use(&self, file: FileId) -> RecoveryResult<(u32, u32)> {
        let size = self.source().page_count(file);
        let (mut end, mut used) = (0, 0);
        for first in (0..size).step_by(EXTENT_PAGES as usize) {
            match self.use_of(file, first)? {
                Use::Taken => (end, used) = (first + EXTENT_PAGES, used + EXTENT_PAGES),
                Use::Maps => used += EXTENT_PAGES,
                Use::Free | Use::EmptyMixed => {}
            }
        }
        Ok((end, used))
    }

    /// The file has `new` pages from now on; invariant 2.
    fn shrink_to(&mut self, file: FileId, new: u32) -> RecoveryResult<()> {
        let size = self.source().page_count(file);
        self.system("ShrinkFile", None, |change, own| {
            for first in (new..size).step_by(EXTENT_PAGES as usize) {
                // The maps of an interval that goes wholly go with it.
                let kept = map_page(MapKind::Gam, PageId::new(file, first)).page < new;
                if kept && change.use_of(file, first)? == Use::EmptyMixed {
                    let first = PageId::new(file, first);
                    change.extent_bit(own, MapKind::Sgam, first, false)?;
                    change.extent_bit(own, MapKind::Gam, first, true)?;
                }
            }
            change.set_size(own, file, new)
        })
    }
}
