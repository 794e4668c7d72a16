//! Links between the pages of trees, checked from what each page says of itself as it streams by: sibling links agree from
//! both sides and stay on their level and in their allocation unit, and the entries of an upper level name pages of the level
//! below in the order of their links.
//!
//! The order of keys, heaps, allocation maps and large values need pages at random; that is `deep`.
//!
//! Invariants
//! 1. A later pass replaces an earlier one, as in a restore.
//! 2. Memory: 48 bytes a page of a tree or heap, [`LIMIT`] pages at most; beyond that the links are not checked, and the summary says so.
//! 3. Only what two whole, allocated pages say against each other is a finding.

use std::sync::{Mutex, PoisonError};

use holdfast_base::{PAGE_SIZE, PageId};
use holdfast_format::page::protection::restore_torn;
use holdfast_format::record::PageRows;
use holdfast_format::{PageType, PageView, btree};

use super::finding::{Finding, Findings, Severity};

/// Pages whose links are kept: of about 256 GiB of tables.
const LIMIT: usize = 1 << 25;

#[derive(Clone, Copy)]
struct Links {
    page: PageId,
    previous: PageId,
    next: PageId,
    unit: u64,
    /// When it was read, for invariant 1.
    turn: u32,
    level: u8,
    leaf_rows: bool,
}

/// What the entries of an upper-level page name.
struct Parent {
    page: PageId,
    turn: u32,
    children: Box<[PageId]>,
}

#[derive(Default)]
struct Seen {
    pages: Vec<Links>,
    parents: Vec<Parent>,
    /// More than fit.
    overflow: bool,
}

/// Collects the links of pages; shared by the workers of a pass.
#[derive(Default)]
pub struct LinkChecks {
    seen: Mutex<Seen>,
    /// Number of the pass, or of the file.
    turn: u32,
}

impl LinkChecks {
    /// The next pass begins.
    pub fn next_turn(&mut self) {
        self.turn += 1;
    }

    /// Takes note of whole pages that lie one after the other.
    pub fn note<'p>(&self, pages: impl Iterator<Item = &'p [u8; PAGE_SIZE]>) {
        let (mut links, mut parents) = (Vec::new(), Vec::new());
        for bytes in pages {
            let view = PageView::new(bytes);
            if !view.is(PageType::Data) && !view.is(PageType::Index) {
                continue;
            }
            links.push(Links {
                page: view.page_id(),
                previous: view.previous(),
                next: view.next(),
                unit: view.unit_id(),
                turn: self.turn,
                level: view.level(),
                leaf_rows: view.is(PageType::Data),
            });
            if view.is(PageType::Index) && view.level() > 0 {
                parents.extend(children(bytes).map(|children| Parent {
                    page: view.page_id(),
                    turn: self.turn,
                    children,
                }));
            }
        }
        if links.is_empty() {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.pages.len() + links.len() > LIMIT {
            seen.overflow = true;
            return;
        }
        seen.pages.append(&mut links);
        seen.parents.append(&mut parents);
    }

    /// Checks what was noted; `in_use` says whether a page is, `None` where its PFS page was not read. Gives a part of the
    /// summary.
    pub fn finish(
        self,
        name: &str,
        severity: Severity,
        in_use: &dyn Fn(PageId) -> Option<bool>,
        findings: &Findings,
    ) -> String {
        let Seen { mut pages, mut parents, overflow } =
            self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        if overflow {
            return "links between pages not checked (too many)".to_owned();
        }
        pages.retain(|p| in_use(p.page) == Some(true));
        // The latest first among those of one page. They came in runs, which a stable sort makes use of.
        pages.sort_by_key(|p| (p.page, u32::MAX - p.turn));
        pages.dedup_by_key(|p| p.page);
        let table = Table { pages, in_use };
        parents.retain(|p| table.find(p.page).is_some_and(|at| table.pages[at].turn == p.turn));
        let report = |page: PageId, text: String| {
            findings.add(Finding { severity, file: name.to_owned(), page: Some(page), offset: None, text });
        };
        for at in 0..table.pages.len() {
            table.siblings(at, &report);
        }
        for parent in &parents {
            table.children(parent, &report);
        }
        format!("links of {} pages checked", table.pages.len())
    }
}

/// What an upper-level page's entries name; `None` when they cannot be read: its own finding, or the deep check's.
fn children(bytes: &[u8; PAGE_SIZE]) -> Option<Box<[PageId]>> {
    let mut whole = *bytes;
    restore_torn(&mut whole).ok()?;
    let rows = PageRows::new(PageView::new(&whole)).ok()?;
    (0..rows.len()).map(|slot| btree::child_at(&rows, slot).ok()).collect()
}

/// Pages in order of their address.
struct Table<'a> {
    pages: Vec<Links>,
    in_use: &'a dyn Fn(PageId) -> Option<bool>,
}

impl Table<'_> {
    /// A page that is linked and was not noted: it is free, or it has a finding of its own, or its file is not among those read.
    fn missing(&self, page: PageId) -> bool {
        (self.in_use)(page) == Some(false)
    }

    fn find(&self, page: PageId) -> Option<usize> {
        self.pages.binary_search_by_key(&page, |p| p.page).ok()
    }

    /// The same, where the page is often at `likely`.
    fn find_near(&self, likely: usize, page: PageId) -> Option<usize> {
        match self.pages.get(likely) {
            Some(p) if p.page == page => Some(likely),
            _ => self.find(page),
        }
    }

    /// What a page and those it links say of each other.
    fn siblings(&self, at: usize, report: &impl Fn(PageId, String)) {
        let own = self.pages[at];
        if !own.next.is_null() {
            match self.find_near(at + 1, own.next) {
                None if self.missing(own.next) => {
                    report(own.page, format!("the page behind it, {}, is not in use", own.next));
                }
                None => {}
                Some(next) => {
                    let next = self.pages[next];
                    if next.previous != own.page {
                        let text = format!(
                            "page {} follows it but names {} as the one before",
                            next.page, next.previous
                        );
                        report(own.page, text);
                    } else if (next.unit, next.level, next.leaf_rows) != (own.unit, own.level, own.leaf_rows)
                    {
                        report(
                            own.page,
                            format!("page {} follows it but belongs to another index or level", next.page),
                        );
                    }
                }
            }
        }
        if !own.previous.is_null() {
            match self.find_near(at.wrapping_sub(1), own.previous) {
                None if self.missing(own.previous) => {
                    report(own.page, format!("the page before it, {}, is not in use", own.previous));
                }
                Some(before) if self.pages[before].next != own.page => {
                    let before = self.pages[before];
                    let text =
                        format!("page {} comes before it but names {} as the next", before.page, before.next);
                    report(own.page, text);
                }
                None | Some(_) => {}
            }
        }
    }

    /// What a page's entries say of the level below.
    fn children(&self, parent: &Parent, report: &impl Fn(PageId, String)) {
        let Some(own) = self.find(parent.page).map(|at| self.pages[at]) else { return };
        let mut before: Option<Links> = None;
        for &page in &parent.children {
            let Some(child) = self.find(page).map(|at| self.pages[at]) else {
                if self.missing(page) {
                    report(own.page, format!("an entry leads to page {page}, which is not in use"));
                }
                before = None;
                continue;
            };
            if child.unit != own.unit || child.level.checked_add(1) != Some(own.level) {
                report(own.page, format!("an entry leads to page {page} of another index or level"));
                before = None;
                continue;
            }
            if let Some(before) = before
                && before.next != page
            {
                let text = format!(
                    "its entries lead to {} and then to {page}, but {} names {} as the next",
                    before.page, before.page, before.next
                );
                report(own.page, text);
            }
            before = Some(child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that says this of itself: (page, type, level, previous, next).
    fn page(of: (u32, u8, u8, u32, u32)) -> [u8; PAGE_SIZE] {
        let mut bytes = [0; PAGE_SIZE];
        let pointer = |page: u32| {
            let mut raw = [0; 6];
            raw[..4].copy_from_slice(&page.to_le_bytes());
            raw[4] = u8::from(page > 0);
            raw
        };
        (bytes[0], bytes[1], bytes[3]) = (1, of.1, of.2);
        bytes[8..14].copy_from_slice(&pointer(of.3));
        bytes[16..22].copy_from_slice(&pointer(of.4));
        bytes[24] = 40;
        bytes[32..38].copy_from_slice(&pointer(of.0));
        bytes
    }

    /// An upper-level page whose entries lead to `children`.
    fn upper(number: u32, level: u8, children: &[u32]) -> [u8; PAGE_SIZE] {
        let mut bytes = page((number, 2, level, 0, 0));
        // Entries of an index record's status byte, a key of four bytes, and the child.
        bytes[14] = 11;
        bytes[22] = children.len() as u8;
        for (slot, child) in children.iter().enumerate() {
            let at = 96 + 11 * slot;
            bytes[at] = 0x06;
            bytes[at + 5..at + 9].copy_from_slice(&child.to_le_bytes());
            bytes[at + 9] = 1;
            let end = PAGE_SIZE - 2 * slot;
            bytes[end - 2..end].copy_from_slice(&(at as u16).to_le_bytes());
        }
        bytes
    }

    fn check(pages: &[[u8; PAGE_SIZE]]) -> Vec<String> {
        let links = LinkChecks::default();
        links.note(pages.iter());
        let findings = Findings::default();
        // Pages from 90 on are free, those of other files unknown.
        let in_use = |p: PageId| (p.file == 1).then_some(p.page < 90);
        links.finish("file", Severity::Damage, &in_use, &findings);
        findings.take().0.into_iter().map(|f| format!("{}: {}", f.page.unwrap().page, f.text)).collect()
    }

    #[test]
    fn what_agrees_is_no_finding() {
        let tree = [
            upper(20, 1, &[10, 11, 12]),
            page((10, 1, 0, 0, 11)),
            page((11, 1, 0, 10, 12)),
            page((12, 1, 0, 11, 0)),
            // Free pages may say anything.
            page((95, 1, 0, 11, 12)),
        ];
        assert_eq!(check(&tree), Vec::<String>::new());
    }

    #[test]
    fn what_disagrees_is_found() {
        let found = check(&[page((10, 1, 0, 0, 11)), page((11, 1, 0, 12, 0)), page((12, 1, 0, 0, 11))]);
        assert_eq!(found, ["10: page (1:11) follows it but names (1:12) as the one before"]);
        let found = check(&[page((10, 1, 0, 0, 99))]);
        assert_eq!(found, ["10: the page behind it, (1:99), is not in use"]);
        let found = check(&[page((10, 1, 0, 0, 11)), page((11, 2, 0, 10, 0))]);
        assert_eq!(found, ["10: page (1:11) follows it but belongs to another index or level"]);
        let found = check(&[
            upper(20, 1, &[10, 12, 11]),
            page((10, 1, 0, 0, 11)),
            page((11, 1, 0, 10, 12)),
            page((12, 1, 0, 11, 0)),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        let found = check(&[upper(20, 2, &[10]), page((10, 1, 0, 0, 0))]);
        assert_eq!(found, ["20: an entry leads to page (1:10) of another index or level"]);
        // The highest level there can be has no level above it.
        let found = check(&[upper(20, 1, &[10]), page((10, 1, 255, 0, 0))]);
        assert_eq!(found, ["20: an entry leads to page (1:10) of another index or level"]);
    }

    #[test]
    fn a_later_pass_counts() {
        let mut links = LinkChecks::default();
        links.note([page((10, 1, 0, 0, 11)), page((11, 1, 0, 7, 0))].iter());
        links.next_turn();
        links.note([page((11, 1, 0, 10, 0))].iter());
        let findings = Findings::default();
        let said = links.finish("file", Severity::Damage, &|_| Some(true), &findings);
        assert_eq!((said.as_str(), findings.take().0.len()), ("links of 2 pages checked", 0));
    }
}
