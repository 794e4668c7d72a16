//! Pages to batches.
//!
//! Invariants
//! 1. Batches hold whole pages' rows: about [`BATCH_ROWS`] rows, more when the last page overshoots.
//! 2. Nothing is allocated per plain row; compressed rows keep one small vector each while their page is decoded.

use std::sync::Arc;

use holdfast_base::{PAGE_SIZE, PageId};
use holdfast_format::page::HEADER_SIZE;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{FixedVar, PageRows, Row, RowLayout, status};
use holdfast_format::{FormatError, PageSource, PageType, PageView};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlResult, SqlType};

use crate::access::BatchSource;
use crate::decode::column::{ColumnPlan, FixedRow, Records, Target, fill};
use crate::error::damaged;

/// Layout and column plans of one rowset.
pub type RowsetPlan = Arc<(Arc<RowLayout>, Vec<ColumnPlan>)>;

/// A list of pages read one after the other.
pub struct PageScan {
    source: Arc<dyn PageSource>,
    plans: Vec<RowsetPlan>,
    types: Arc<[SqlType]>,
    /// (rowset, page), in reverse so that the next is last.
    work: Vec<(usize, PageId)>,
}

impl PageScan {
    pub fn new(
        source: Arc<dyn PageSource>,
        plans: Vec<RowsetPlan>,
        types: Arc<[SqlType]>,
        mut work: Vec<(usize, PageId)>,
    ) -> Self {
        work.reverse();
        PageScan { source, plans, types, work }
    }

    fn read(&mut self) -> Result<Option<Batch>, FormatError> {
        let mut targets: Vec<Target> =
            self.types.iter().map(|ty| Target::new(ty, BATCH_ROWS + BATCH_ROWS / 4)).collect();
        let mut rows = 0;
        while rows < BATCH_ROWS {
            let Some((rowset, at)) = self.work.pop() else { break };
            let Some(plan) = self.plans.get(rowset) else { continue };
            let page = self.source.page(at)?;
            let view = PageView::new(&page);
            view.expect_id(at)?;
            rows += fill_page(&*self.source, view, &plan.0, &plan.1, &mut targets)?;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
        Ok(Some(Batch::new(rows, columns)))
    }
}

impl BatchSource for PageScan {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        // An exhausted list ends the scan even when the last pages were empty.
        while !self.work.is_empty() {
            if let Some(batch) = self.read().map_err(damaged)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

/// Type bits of a forwarded row.
const FORWARDED: u8 = 0x02;

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
        let bytes = view.bytes();
        let limit = view.slot_array_start();
        let count = usize::from(view.slot_count()).min((PAGE_SIZE - HEADER_SIZE) / 2);
        let mut rows: Vec<(u16, FixedRow<'_>)> = Vec::with_capacity(count);
        let mut plain = true;
        for slot in 0..count {
            let at = PAGE_SIZE - 2 * (slot + 1);
            let offset = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
            if offset == 0 {
                continue;
            }
            let slot = slot as u16;
            let record = bytes
                .get(offset..limit)
                .filter(|r| offset >= HEADER_SIZE && !r.is_empty())
                .ok_or(FormatError::NoSuchSlot { page, slot })?;
            match record[0] & (status::COMPRESSED | status::TYPE_MASK) {
                0 | FORWARDED => rows.push((slot, FixedRow(record))),
                kind if kind & status::COMPRESSED != 0 => {
                    plain = false;
                    break;
                }
                _ => {}
            }
        }
        if plain && plans.iter().all(|p| p.is_fixed(layout)) {
            let records = Records { source, layout, page, rows: &rows };
            for (plan, target) in plans.iter().zip(targets) {
                fill(&records, plan, target)?;
            }
            return Ok(rows.len());
        }
        if plain {
            let mut parsed: Vec<(u16, FixedVar<'_>)> = Vec::with_capacity(rows.len());
            for (slot, record) in &rows {
                parsed.push((*slot, FixedVar::parse_data(record.0).map_err(|e| e.at(page, *slot))?));
            }
            let records = Records { source, layout, page, rows: &parsed };
            for (plan, target) in plans.iter().zip(targets) {
                fill(&records, plan, target)?;
            }
            return Ok(parsed.len());
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
