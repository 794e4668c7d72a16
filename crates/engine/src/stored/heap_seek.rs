//! Rows of a heap from one address on, in the order of addresses: what a cursor comes back to.
//!
//! Invariants
//! 1. A row stands at its home address, wherever it has gone since: stubs are followed, rows that have come from elsewhere are passed by.
//!    A scan meets them where they lie ([`super::scan`]); a place among rows has to be one that stays.
//! 2. The pages of the heap are listed anew when one has been read to its end: pages that came meanwhile are read.

use std::sync::Arc;

use holdfast_base::{PageId, Rid};
use holdfast_format::{PageType, PageView, allocation::iam};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlResult, SqlType, Value};

use super::read::{RowNames, RowReader};
use super::seek::heap_row;
use super::table::{RowsetAccess, Store, StoredTable};
use crate::access::{BatchSource, Bound, KeyRange, ReadContext};
use crate::decode::column::{ColumnPlan, Target};
use crate::error::damaged;

/// Slots behind a page's last one that rows on their way out may have had.
const BEYOND: u16 = 64;

/// One end of a range of addresses; `None`: open. The flag: the address itself belongs to it.
pub(super) type Edge = Option<(Rid, bool)>;

/// The ends of a range of rows of a heap.
pub(super) fn edges(range: &KeyRange) -> SqlResult<(Edge, Edge)> {
    let edge = |bound: &Bound| -> SqlResult<Edge> {
        match bound {
            Bound::Included(v) | Bound::Excluded(v) => match v.first() {
                Some(Value::Binary(b)) => {
                    let rid = crate::write::bookmark::rid(b).map_err(damaged)?;
                    Ok(Some((rid, matches!(bound, Bound::Included(_)))))
                }
                _ => Ok(None),
            },
            Bound::Unbounded => Ok(None),
        }
    };
    Ok((edge(&range.low)?, edge(&range.high)?))
}

/// Whether an address lies between two edges.
pub(super) fn between(rid: Rid, low: &Edge, high: &Edge) -> bool {
    low.is_none_or(|(at, with)| rid > at || (with && rid == at))
        && high.is_none_or(|(at, with)| rid < at || (with && rid == at))
}

struct HeapRows {
    store: Arc<Store>,
    types: Vec<SqlType>,
    base: RowsetAccess,
    plans: Vec<ColumnPlan>,
    names: RowNames,
    reader: Option<RowReader>,
    low: Edge,
    high: Edge,
    backward: bool,
    /// The page that is read, and its next slot; backward: one above that.
    at: Option<(PageId, u16)>,
    begun: bool,
    most: usize,
}

/// Opens a seek among the rows of a heap.
pub(super) fn open(
    table: &StoredTable,
    read: &ReadContext,
    range: &KeyRange,
    columns: &[usize],
    backward: bool,
) -> SqlResult<Box<dyn BatchSource>> {
    let [base] = table.base.as_slice() else {
        return Err(holdfast_types::SqlError::not_supported("A place among the rows of a partitioned heap"));
    };
    let (low, high) = edges(range)?;
    Ok(Box::new(HeapRows {
        store: Arc::clone(&table.store),
        types: columns.iter().map(|&c| table.type_of(c)).collect(),
        plans: table.plans(base, columns)?,
        names: RowNames::of_base(table, base),
        reader: RowReader::open(table, read)?,
        base: base.clone(),
        low,
        high,
        backward,
        at: None,
        begun: false,
        most: if read.few { 1 } else { BATCH_ROWS },
    }))
}

impl HeapRows {
    /// The place before the first slot of the range, or behind its last one.
    fn begin(&self) -> SqlResult<Option<(PageId, u16)>> {
        let edge = if self.backward { self.high } else { self.low };
        let Some((rid, with)) = edge else { return self.neighbour(None) };
        let source = &*self.store.source;
        if rid.page.page >= source.page_count(rid.page.file) {
            // And the file has been made smaller.
            return self.neighbour(Some(rid.page));
        }
        let image = source.page(rid.page).map_err(damaged)?;
        let view = PageView::new(&image);
        if !view.is(PageType::Data) || view.unit_id() != self.base.live.in_row.id() {
            // The heap has given the page back.
            return self.neighbour(Some(rid.page));
        }
        // The slot behind it (forward), or the one that it is below (backward).
        let beyond = u16::from(self.backward == with);
        Ok(Some((rid.page, rid.slot.saturating_add(beyond))))
    }

    /// The first slot of the next page behind this one, or of all.
    fn neighbour(&self, from: Option<PageId>) -> SqlResult<Option<(PageId, u16)>> {
        let source = &*self.store.source;
        let pages = iam::unit_pages(source, self.base.first_iam()).map_err(damaged)?.into_iter();
        Ok(match self.backward {
            false => pages.filter(|p| from.is_none_or(|f| *p > f)).min().map(|p| (p, 0)),
            true => match pages.filter(|p| from.is_none_or(|f| *p < f)).max() {
                Some(page) => {
                    let image = source.page(page).map_err(damaged)?;
                    Some((page, PageView::new(&image).slot_count().saturating_add(BEYOND)))
                }
                None => None,
            },
        })
    }

    /// Moves to the next slot, which is answered; `None`: there are no more.
    fn next_slot(&mut self) -> SqlResult<Option<Rid>> {
        if !self.begun {
            self.begun = true;
            self.at = self.begin()?;
        }
        loop {
            let Some((page, slot)) = self.at else { return Ok(None) };
            let rid = if self.backward {
                slot.checked_sub(1).map(|slot| Rid { page, slot })
            } else {
                let image = self.store.source.page(page).map_err(damaged)?;
                let end = PageView::new(&image).slot_count().saturating_add(BEYOND);
                (slot < end).then_some(Rid { page, slot })
            };
            let Some(rid) = rid else {
                self.at = self.neighbour(Some(page))?;
                continue;
            };
            self.at = Some((page, if self.backward { rid.slot } else { rid.slot + 1 }));
            let end = if self.backward { (&self.low, &None) } else { (&None, &self.high) };
            if !between(rid, end.0, end.1) {
                self.at = None;
                return Ok(None);
            }
            return Ok(Some(rid));
        }
    }
}

impl BatchSource for HeapRows {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut targets: Vec<Target> = self.types.iter().map(|ty| Target::new(ty, 1)).collect();
        let one = self.reader.as_ref().is_some_and(|r| !r.may_read_on());
        let most = if one { 1 } else { self.most };
        self.most = (self.most * 2).min(BATCH_ROWS);
        let mut count = 0;
        while count < most
            && let Some(rid) = self.next_slot()?
        {
            let asking = self.reader.as_ref().map(|r| (r, &self.names));
            let source = &*self.store.source;
            count +=
                usize::from(heap_row(source, rid, &self.base, &self.plans, &mut targets, asking, &|_| true)?);
        }
        if count == 0 {
            return Ok(None);
        }
        let columns = targets.into_iter().map(|t| Arc::new(t.finish())).collect();
        Ok(Some(Batch::new(count, columns)))
    }
}
