//! Walking a B-tree: from the root to a leaf, along the leaves, and entry by entry.
//!
//! Invariants
//! 1. A clustered index's leaf is recognised by page type 1, a nonclustered one's by type 2 and level 0; `m_level` above data
//!    pages may be 0 in old trees and is not trusted there.
//! 2. Descent is bounded by [`MAX_DEPTH`], a walk along siblings by the number of pages of the files.
//! 3. The first entry of the leftmost page of a non-leaf level stands for minus infinity: its key is never looked at.
//!
//! Evidence: docs/format/btree.md; every tree of the genuine corpus.

use std::cmp::Ordering;

use holdfast_base::PageId;

use crate::error::FormatError;
use crate::page::{PageType, PageView};
use crate::record::compressed::CdSlot;
use crate::record::{PageRows, Row};
use crate::source::{PageRef, PageSource};

/// Levels a tree may have.
pub const MAX_DEPTH: usize = 32;

/// The page is a leaf of a tree of the given kind.
pub fn is_leaf(view: PageView<'_>, clustered: bool) -> bool {
    if clustered { view.is(PageType::Data) } else { view.is(PageType::Index) && view.level() == 0 }
}

/// Reads a page of a tree: its address and type are checked.
pub fn tree_page(source: &dyn PageSource, at: PageId) -> Result<PageRef, FormatError> {
    let page = source.page(at)?;
    let view = PageView::new(&page);
    view.expect_id(at)?;
    if !view.is(PageType::Data) && !view.is(PageType::Index) {
        return Err(FormatError::PageType { page: at, found: view.page_type(), expected: "data or index" });
    }
    Ok(page)
}

/// The child an upper-level row points to.
pub fn child_of(row: &Row<'_>) -> Result<PageId, crate::error::RecordError> {
    match row {
        Row::Plain(record) => record.child(),
        Row::Compressed { record, slots, .. } => {
            let bytes = match slots.last() {
                Some(CdSlot::Short(a, z) | CdSlot::Long(a, z)) => record.range(*a, *z),
                _ => &[],
            };
            let mut raw = [0u8; 6];
            let n = bytes.len().min(6);
            raw[..n].copy_from_slice(&bytes[..n]);
            Ok(PageId::from_bytes(raw))
        }
    }
}

/// Child of slot `slot` of a non-leaf page.
pub fn child_at(rows: &PageRows<'_>, slot: u16) -> Result<PageId, FormatError> {
    let at = rows.view().page_id();
    let row = rows.row(slot)?.ok_or(FormatError::NoSuchSlot { page: at, slot })?;
    child_of(&row).map_err(|e| e.at(at, slot))
}

/// Descends to a leaf, taking at each level the slot that `choose` picks.
pub fn descend(
    source: &dyn PageSource,
    root: PageId,
    clustered: bool,
    mut choose: impl FnMut(&PageRows<'_>) -> Result<u16, FormatError>,
) -> Result<(PageId, PageRef), FormatError> {
    let mut at = root;
    for _ in 0..MAX_DEPTH {
        let page = tree_page(source, at)?;
        let view = PageView::new(&page);
        if is_leaf(view, clustered) {
            return Ok((at, page));
        }
        if view.is(PageType::Data) {
            return Err(FormatError::Tree { page: at, what: "a data page inside a nonclustered index" });
        }
        let rows = PageRows::new(view)?;
        if rows.is_empty() {
            return Err(FormatError::Tree { page: at, what: "an upper level page is empty" });
        }
        let slot = choose(&rows)?;
        at = child_at(&rows, slot)?;
    }
    Err(FormatError::Tree { page: root, what: "the tree is too deep" })
}

/// The leftmost leaf.
pub fn first_leaf(source: &dyn PageSource, root: PageId, clustered: bool) -> Result<PageId, FormatError> {
    descend(source, root, clustered, |_| Ok(0)).map(|leaf| leaf.0)
}

/// The rightmost leaf.
pub fn last_leaf(source: &dyn PageSource, root: PageId, clustered: bool) -> Result<PageId, FormatError> {
    descend(source, root, clustered, |rows| Ok(rows.len() - 1)).map(|leaf| leaf.0)
}

/// Picks the slot of a non-leaf page whose subtree may hold the first row that is not before the target.
/// `before(slot)` says how the entry's key compares with the target.
pub fn choose_child(
    rows: &PageRows<'_>,
    mut compare: impl FnMut(u16) -> Result<Ordering, FormatError>,
) -> Result<u16, FormatError> {
    // Entries below `low` are known to be less than the target; slot 0 counts as minus infinity (Invariant 3).
    let (mut low, mut high) = (1u16, rows.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if compare(middle)? == Ordering::Less { low = middle + 1 } else { high = middle }
    }
    Ok(low - 1)
}

/// The leaves from `first` along their next pointers. Reads each page once.
pub struct LeafChain<'s> {
    source: &'s dyn PageSource,
    next: PageId,
    left: u64,
    backward: bool,
}

impl<'s> LeafChain<'s> {
    pub fn new(source: &'s dyn PageSource, first: PageId, backward: bool) -> Self {
        let left = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
        LeafChain { source, next: first, left, backward }
    }
}

impl Iterator for LeafChain<'_> {
    type Item = Result<(PageId, PageRef), FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next.is_null() {
            return None;
        }
        let at = std::mem::replace(&mut self.next, PageId::NULL);
        if self.left == 0 {
            return Some(Err(FormatError::Tree { page: at, what: "the chain of pages does not end" }));
        }
        self.left -= 1;
        Some(tree_page(self.source, at).map(|page| {
            let view = PageView::new(&page);
            self.next = if self.backward { view.previous() } else { view.next() };
            (at, page)
        }))
    }
}

/// All leaves of a tree in key order.
pub fn leaves<'s>(
    source: &'s dyn PageSource,
    root: PageId,
    clustered: bool,
) -> Result<LeafChain<'s>, FormatError> {
    let first = if root.is_null() { PageId::NULL } else { first_leaf(source, root, clustered)? };
    Ok(LeafChain::new(source, first, false))
}

/// Addresses of all leaves in key order, from the upper levels alone: a tree of two levels or more has its leaves' pages
/// not read at all.
pub fn leaf_ids(source: &dyn PageSource, root: PageId, clustered: bool) -> Result<Vec<PageId>, FormatError> {
    if root.is_null() {
        return Ok(Vec::new());
    }
    // Going down the left edge gives the number of levels, so that the last level is never fetched.
    let mut depth = 0usize;
    descend(source, root, clustered, |_| {
        depth += 1;
        Ok(0)
    })?;
    let limit: u64 = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
    let mut level = vec![root];
    for _ in 0..depth {
        let mut below = Vec::new();
        for at in level {
            let page = tree_page(source, at)?;
            let view = PageView::new(&page);
            view.expect(at, PageType::Index)?;
            let rows = PageRows::new(view)?;
            for slot in 0..rows.len() {
                below.push(child_at(&rows, slot)?);
            }
            if below.len() as u64 > limit {
                return Err(FormatError::Tree { page: root, what: "the tree has more pages than the files" });
            }
        }
        level = below;
    }
    Ok(level)
}
