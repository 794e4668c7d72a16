//! Pages to batches.
//!
//! Invariants
//! 1. Batches hold whole pages' rows: about [`BATCH_ROWS`] rows, more when the last page overshoots.
//! 2. Nothing is allocated per plain row; compressed rows keep one small vector each while their page is decoded.
//! 3. Scans that share a list take runs of it in turn, so that none waits for a slower one; a scan that has a list for itself
//!    reads it in order.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_base::PageId;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{FixedVar, PageRows, Row, RowLayout};
use holdfast_format::{FormatError, PageSource, PageType, PageView};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlResult, SqlType};

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
    next: AtomicUsize,
}

impl PageList {
    pub fn new(pages: Vec<(usize, PageId)>) -> Self {
        PageList { pages, next: AtomicUsize::new(0) }
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
}

impl PageScan {
    pub fn new(
        source: Arc<dyn PageSource>,
        plans: Vec<RowsetPlan>,
        types: Arc<[SqlType]>,
        list: Arc<PageList>,
    ) -> Self {
        PageScan { source, plans, types, list, run: 0..0 }
    }

    fn next_page(&mut self) -> Option<(usize, PageId)> {
        if self.run.is_empty() {
            self.run = self.list.claim();
        }
        let at = self.run.next()?;
        self.list.pages.get(at).copied()
    }

    fn read(&mut self) -> Result<Option<Batch>, FormatError> {
        let mut targets: Vec<Target> =
            self.types.iter().map(|ty| Target::new(ty, BATCH_ROWS + BATCH_ROWS / 4)).collect();
        let (mut rows, mut ended) = (0, false);
        while rows < BATCH_ROWS {
            let Some((rowset, at)) = self.next_page() else {
                ended = true;
                break;
            };
            let Some(plan) = self.plans.get(rowset) else { continue };
            let page = self.source.page(at)?;
            let view = PageView::new(&page);
            view.expect_id(at)?;
            rows += fill_page(&*self.source, view, &plan.0, &plan.1, &mut targets)?;
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
        self.read().map_err(damaged)
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
