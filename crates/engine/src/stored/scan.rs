//! Pages to batches.
//!
//! Invariants
//! 1. Batches hold whole pages' rows: about [`BATCH_ROWS`] rows, more when the last page overshoots; of a sample, one page's.
//! 2. Nothing is allocated per plain row; compressed rows keep one small vector each while their page is decoded.
//! 3. A page split while the scan goes on puts rows on a page that is not in the list; it is found by the sibling link of the
//!    page in the list and read right behind it.
//! 4. Scans that share a list take runs of it in turn, so that none waits for a slower one; a scan that has a list for itself
//!    reads it in order.
//! 5. The list is made after the table's lock is had: rows that came while that was waited for are in it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_base::PageId;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{FixedVar, PageRows, Row, RowLayout};
use holdfast_format::{FormatError, PageRef, PageSource, PageType, PageView};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlResult, SqlType};

use super::large::steady;
use super::live::LiveRowset;
use super::read::{RowNames, RowReader};
use crate::access::BatchSource;
use crate::decode::column::{ColumnPlan, Records, Target, fill};
use crate::decode::uniform::UniformPage;
use crate::error::damaged;

/// Layout and column plans of one rowset.
pub type RowsetPlan = Arc<(Arc<RowLayout>, Vec<ColumnPlan>)>;

/// Pages of a run.
const RUN: usize = 64;

/// The pages of a table, handed out in runs.
pub struct PageList {
    /// (rowset, page)
    pages: Vec<(usize, PageId)>,
    /// Per rowset whose pages are leaves of a tree, linked with each other: what learns of deleted rows there.
    trees: Vec<Option<Arc<LiveRowset>>>,
    next: AtomicUsize,
    /// A batch has the rows of one page.
    apart: bool,
}

impl PageList {
    pub fn new(pages: Vec<(usize, PageId)>, trees: Vec<Option<Arc<LiveRowset>>>) -> Self {
        PageList { pages, trees, next: AtomicUsize::new(0), apart: false }
    }

    /// Some of the pages of a table, which are read one by one; siblings that are not among them are no splits.
    pub fn some(pages: Vec<(usize, PageId)>) -> Self {
        PageList { apart: true, ..Self::new(pages, Vec::new()) }
    }

    /// Runs in the list, at least one.
    pub fn runs(&self) -> usize {
        self.pages.len().div_ceil(RUN).max(1)
    }

    fn claim(&self) -> Range<usize> {
        let start = self.next.fetch_add(RUN, Ordering::Relaxed).min(self.pages.len());
        start..(start + RUN).min(self.pages.len())
    }
}

/// Pages read one after the other.
pub struct PageScan {
    source: Arc<dyn PageSource>,
    plans: Vec<RowsetPlan>,
    types: Arc<[SqlType]>,
    list: Arc<PageList>,
    run: Range<usize>,
    /// Asks for the locks of rows; `None` when none are to be asked for.
    locking: Locking,
    /// A page that splits have put behind the last one read: (rowset, page, place of the next page in the list).
    behind: Option<(usize, PageId, usize)>,
    /// The page whose rows are read one by one, and the next slot: (rowset, page, slot).
    within: Option<(usize, PageId, u16)>,
}

/// Who asks for locks, and how the rows of each rowset are named.
pub type Locking = Option<(Arc<RowReader>, Arc<[RowNames]>)>;

impl PageScan {
    pub fn new(
        source: Arc<dyn PageSource>,
        plans: Vec<RowsetPlan>,
        types: Arc<[SqlType]>,
        list: Arc<PageList>,
        locking: Locking,
    ) -> Self {
        PageScan { source, plans, types, list, run: 0..0, locking, behind: None, within: None }
    }

    /// The next page, and the place in the list of the one behind it.
    fn next_page(&mut self) -> Option<(usize, PageId, usize)> {
        if let Some(behind) = self.behind.take() {
            return Some(behind);
        }
        if self.run.is_empty() {
            self.run = self.list.claim();
        }
        let at = self.run.next()?;
        let (rowset, page) = self.list.pages.get(at).copied()?;
        Some((rowset, page, at + 1))
    }

    /// Invariant 3.
    fn note_behind(&mut self, rowset: usize, view: PageView<'_>, next: usize) {
        let link = view.next();
        if link.is_null() || self.list.trees.get(rowset).is_none_or(Option::is_none) {
            return;
        }
        let listed = self.list.pages.get(next).filter(|(r, _)| *r == rowset).map(|(_, page)| *page);
        if listed != Some(link) {
            self.behind = Some((rowset, link, next));
        }
    }

    fn page(&self, rowset: usize, at: PageId) -> SqlResult<PageRef> {
        match &self.locking {
            Some((reader, names)) if rowset < names.len() => reader.page(&*self.source, &names[rowset], at),
            _ => self.source.page(at).map_err(damaged),
        }
    }

    /// The next row of a heap, locked alone: slots keep their rows, so the place is found again by its number.
    fn read_one(&mut self, reader: &RowReader, names: &[RowNames]) -> SqlResult<Option<Batch>> {
        loop {
            let (rowset, at, slot) = match self.within.take() {
                Some(within) => within,
                None => match self.next_page() {
                    Some((rowset, at, _)) => (rowset, at, 0),
                    None => return Ok(None),
                },
            };
            let (Some(plan), Some(names)) = (self.plans.get(rowset), names.get(rowset)) else { continue };
            let image = self.source.page(at).map_err(damaged)?;
            let view = PageView::new(&image);
            view.expect_id(at).map_err(damaged)?;
            if slot >= view.slot_count() {
                // Slots behind the last may be those of rows on their way out.
                if reader.usable(&*self.source, names, &image, slot..slot.saturating_add(64))?.is_none() {
                    self.within = Some((rowset, at, slot));
                }
                continue;
            }
            let Some(image) = reader.usable(&*self.source, names, &image, slot..slot + 1)? else {
                self.within = Some((rowset, at, slot));
                continue;
            };
            self.within = Some((rowset, at, slot + 1));
            let view = PageView::new(&image);
            let rows = PageRows::new(view).map_err(damaged)?;
            let row = rows.row(slot).map_err(damaged)?;
            let Some(row) = row.filter(|r| matches!(r.kind(), RowKind::Row | RowKind::Forwarded)) else {
                continue;
            };
            let mut targets: Vec<Target> = self.types.iter().map(|ty| Target::new(ty, 1)).collect();
            let rows = [(slot, row)];
            let filled = steady(&*self.source, view, &mut targets, |source, targets| {
                let records = Records { source, layout: &plan.0, page: at, rows: &rows };
                plan.1.iter().zip(targets).try_for_each(|(plan, target)| fill(&records, plan, target))
            });
            if filled.map_err(damaged)?.is_none() {
                self.within = Some((rowset, at, slot));
                continue;
            }
            let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
            return Ok(Some(Batch::new(1, columns)));
        }
    }

    fn read(&mut self) -> SqlResult<Option<Batch>> {
        let (enough, room) =
            if self.list.apart { (1, 64) } else { (BATCH_ROWS, BATCH_ROWS + BATCH_ROWS / 4) };
        let mut targets: Vec<Target> = self.types.iter().map(|ty| Target::new(ty, room)).collect();
        let (mut rows, mut ended) = (0, false);
        while rows < enough {
            let Some((rowset, at, next)) = self.next_page() else {
                ended = true;
                break;
            };
            let Some(plan) = self.plans.get(rowset) else { continue };
            let plan = Arc::clone(plan);
            let (page, filled) = loop {
                let page = self.page(rowset, at)?;
                let view = PageView::new(&page);
                view.expect_id(at).map_err(damaged)?;
                let filled = steady(&*self.source, view, &mut targets, |source, targets| {
                    fill_page(source, view, &plan.0, &plan.1, targets)
                });
                if let Some(filled) = filled.map_err(damaged)? {
                    break (page, filled);
                }
            };
            let view = PageView::new(&page);
            rows += filled;
            self.note_behind(rowset, view, next);
            if view.ghost_count() > 0
                && let Some(live) = self.list.trees.get(rowset).and_then(Option::as_ref)
            {
                live.note_ghosts(at);
            }
        }
        if rows == 0 && ended {
            return Ok(None);
        }
        let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
        Ok(Some(Batch::new(rows, columns)))
    }
}

impl BatchSource for PageScan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if let Some((reader, names)) = self.locking.clone()
            && reader.one_by_one()
        {
            return self.read_one(&reader, &names);
        }
        self.read()
    }
}

/// Appends the rows of a data page; gives their number.
pub fn fill_page(
    source: &dyn PageSource,
    view: PageView<'_>,
    layout: &RowLayout,
    plans: &[ColumnPlan],
    targets: &mut [Target],
) -> Result<usize, FormatError> {
    let page = view.page_id();
    if !view.is(PageType::Data) {
        return Err(FormatError::PageType { page, found: view.page_type(), expected: "data" });
    }
    if layout.compression == 0 && !view.is_page_compressed() {
        let mut places = Vec::new();
        if let Some(uniform) = UniformPage::recognise(view, &mut places) {
            return fill_uniform(source, page, &uniform, layout, plans, targets);
        }
    }
    let page_rows = PageRows::new(view)?;
    let mut rows: Vec<(u16, Row<'_>)> = Vec::with_capacity(usize::from(view.slot_count()));
    for slot in 0..page_rows.len() {
        if let Some(row) = page_rows.row(slot)?
            && matches!(row.kind(), RowKind::Row | RowKind::Forwarded)
        {
            rows.push((slot, row));
        }
    }
    let records = Records { source, layout, page, rows: &rows };
    for (plan, target) in plans.iter().zip(targets) {
        fill(&records, plan, target)?;
    }
    Ok(rows.len())
}

/// Fixed columns by strided copies; the records are parsed only when another column is asked for.
fn fill_uniform(
    source: &dyn PageSource,
    page: PageId,
    uniform: &UniformPage<'_>,
    layout: &RowLayout,
    plans: &[ColumnPlan],
    targets: &mut [Target],
) -> Result<usize, FormatError> {
    let mut parsed: Option<Vec<(u16, FixedVar<'_>)>> = None;
    for (plan, target) in plans.iter().zip(targets) {
        if let Some(column) = plan.position.and_then(|p| layout.columns.get(p))
            && uniform.fill(&column.leaf, plan, target)?
        {
            continue;
        }
        let rows = match &parsed {
            Some(rows) => rows,
            None => parsed.insert(uniform.records()?),
        };
        fill(&Records { source, layout, page, rows }, plan, target)?;
    }
    Ok(uniform.len())
}
