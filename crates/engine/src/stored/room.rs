//! Pages of large values that may have room, of one allocation unit.
//!
//! Invariants
//! 1. What is noted is a hint: who wants a page looks whether it still is the unit's and has the room. What is not noted is only not
//!    used again before the database is opened anew.
//! 2. A page that is given back is forgotten under the same gate.

use std::collections::BTreeSet;

use holdfast_base::PageId;
use holdfast_format::page::{PageType, PageView};

/// Pages with some room that are noted at most; empty ones all are.
const MOST: usize = 512;

/// Free bytes with which a page is noted as one that has room.
const SOME: u16 = 800;
/// Slots of a page that is asked for more.
pub const SLOTS_MAX: u16 = 1000;

/// See the module.
#[derive(Debug, Default)]
pub struct LargeRoom {
    /// The maps were asked.
    pub known: bool,
    empty: Pages,
    some: Pages,
}

#[derive(Debug, Default)]
struct Pages {
    pages: BTreeSet<PageId>,
    /// Where the next look begins: pages that are kept for somebody's rollback are passed, not forgotten.
    next: Option<PageId>,
}

impl Pages {
    fn next(&mut self) -> Option<PageId> {
        let behind = self.next.and_then(|at| self.pages.range(at..).next());
        let page = behind.or_else(|| self.pages.first()).copied()?;
        self.next = Some(PageId::new(page.file, page.page + 1));
        Some(page)
    }
}

impl LargeRoom {
    /// A page to try, another one at each call; there are [`Self::count`] of them.
    pub fn next(&mut self, empty: bool) -> Option<PageId> {
        if empty { self.empty.next() } else { self.some.next() }
    }

    pub fn count(&self, empty: bool) -> usize {
        if empty { self.empty.pages.len() } else { self.some.pages.len() }
    }

    /// Notes a page as it is now.
    pub fn note(&mut self, page: PageId, view: PageView<'_>) {
        if !view.is(PageType::TextMix) {
            return;
        }
        match view.slot_count() {
            0 => self.note_empty(page),
            slots if view.free_count() >= SOME && slots < SLOTS_MAX => self.note_some(page),
            _ => self.forget(page),
        }
    }

    /// The page holds nothing.
    pub fn note_empty(&mut self, page: PageId) {
        self.some.pages.remove(&page);
        self.empty.pages.insert(page);
    }

    /// It has room beside what it holds.
    pub fn note_some(&mut self, page: PageId) {
        self.empty.pages.remove(&page);
        if self.some.pages.len() < MOST && self.some.pages.insert(page) {
            // What was there a moment ago is in memory, and what comes next goes beside it.
            self.some.next = Some(page);
        }
    }

    /// It is full, or gone.
    pub fn forget(&mut self, page: PageId) {
        self.empty.pages.remove(&page);
        self.some.pages.remove(&page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_met_and_none_twice_running() {
        let page = |n| PageId::new(1, n);
        let mut room = LargeRoom::default();
        assert_eq!(room.next(true), None);
        for n in [9, 3, 6] {
            room.note_empty(page(n));
        }
        let met: Vec<_> = (0..4).filter_map(|_| room.next(true)).map(|p| p.page).collect();
        assert_eq!(met, [3, 6, 9, 3]);
        room.note_some(page(6));
        room.forget(page(3));
        assert_eq!((room.count(true), room.count(false)), (1, 1));
        assert_eq!((room.next(true), room.next(false)), (Some(page(9)), Some(page(6))));
        for n in 100..2000 {
            room.note_some(page(n));
        }
        assert_eq!(room.count(false), MOST);
    }
}
