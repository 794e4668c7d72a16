//! Giving all pages of a rowset back: TRUNCATE and DROP.
//!
//! Invariants
//! 1. The catalogue forgets the pages in the user's transaction, so that a rollback has them again; they become free only
//!    with the commit, so that nobody writes into what a rollback would need.
//! 2. Freeing is part of the transaction, in one go with its COMMIT record: whoever takes one of the pages logs that behind
//!    the commit, so a crash either finds all of it or takes all of it back. No page is lost or belongs to two.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_base::PageId;
use holdfast_format::catalog::unit_type;
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_storage::recovery::undo::UNIT_POINTERS;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, Change, Rows, Undo, UnitId, What};

use super::pointers;
use super::tree::record_bytes;
use super::undo::TreeRows;
use super::writing::{DatabaseTransaction, Emptied, Writing};
use crate::stored::live::LiveRowset;

/// The catalogue row of a unit, whose pointers in memory go back with it.
struct PointerRows {
    row: TreeRows,
    live: Arc<LiveRowset>,
    kind: u8,
    restore: Box<dyn Fn() + Send + Sync>,
}

impl Rows for PointerRows {
    fn find(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
    ) -> RecoveryResult<(PageId, u16)> {
        // What the unit has got since goes: nobody else has seen it.
        let unit = self.live.unit(self.kind);
        let since = unit.first_iam();
        if !since.is_null() {
            let id = UnitId(unit.id());
            change.system("DeferredDrop", None, |change, own| change.free_unit(own, id, since))?;
            unit.set_first_iam(PageId::NULL);
        }
        // A checkpoint may have written the counts of the emptied unit.
        change.log_unit_again(UnitId(unit.id()))?;
        self.row.find(change, page, slot, key)
    }

    fn make_room(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
        growth: usize,
    ) -> RecoveryResult<(PageId, u16)> {
        self.row.make_room(change, page, slot, key, growth)
    }

    fn stretches(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
        rows: u16,
    ) -> RecoveryResult<Vec<(PageId, u16, u16)>> {
        self.row.stretches(change, page, slot, key, rows)
    }

    fn counted(&self, _: i64) {
        (self.restore)();
    }
}

/// Empties a rowset.
pub fn empty(
    writing: &Arc<Writing>,
    part: &DatabaseTransaction,
    live: &Arc<LiveRowset>,
) -> RecoveryResult<()> {
    let trees = writing.trees()?;
    let mut log = part.log.lock();
    let mut change = writing.logged.change()?;
    let _changing = live.restructure();
    for kind in [unit_type::IN_ROW, unit_type::LOB, unit_type::ROW_OVERFLOW] {
        let unit = live.unit(kind);
        let (id, first, root, first_iam) = (unit.id(), unit.first(), unit.root(), unit.first_iam());
        if id == 0 || first_iam.is_null() {
            continue;
        }
        let (page, slot) = pointers::row_of(&trees.units, &change, id)?;
        let image = change.page(page)?;
        let fail = |error| RecoveryError::Unreadable { page, error };
        let page_rows = PageRows::new(PageView::new(&image)).map_err(fail)?;
        let old = record_bytes(&page_rows, slot).map_err(fail)?;
        let pointers = old.get(UNIT_POINTERS).ok_or_else(|| RecoveryError::Database {
            what: "a row of sysallocunits is cut off".to_owned(),
        })?;
        let counts = (
            unit.used.swap(0, Ordering::Relaxed),
            unit.data.swap(0, Ordering::Relaxed),
            unit.reserved.swap(0, Ordering::Relaxed),
        );
        let rows_before = if kind == unit_type::IN_ROW { live.rows.swap(0, Ordering::Relaxed) } else { 0 };
        if rows_before != 0 {
            change.log_rows(&mut log, live.rowset, -rows_before)?;
        }
        let back = Arc::clone(live);
        let restore = move || {
            let _changing = back.restructure();
            let unit = back.unit(kind);
            unit.set_first(first);
            unit.set_root(root);
            unit.set_first_iam(first_iam);
            unit.forget_room();
            *back.room.lock() = None;
            unit.used.store(counts.0, Ordering::Relaxed);
            unit.data.store(counts.1, Ordering::Relaxed);
            unit.reserved.store(counts.2, Ordering::Relaxed);
            back.rows.fetch_add(rows_before, Ordering::Relaxed);
            back.counts_changed.store(true, Ordering::Relaxed);
        };
        let mut key = 8u16.to_le_bytes().to_vec();
        key.extend_from_slice(&id.to_le_bytes());
        let row = TreeRows(Arc::clone(&trees.units));
        let rows = PointerRows { row, live: Arc::clone(live), kind, restore: Box::new(restore) };
        let undo = Undo::Row { rows: Arc::new(rows), key: key.into_boxed_slice(), count: 1 };
        let mark = log.mark();
        let row = RowTarget {
            rowset: trees.units.access.rowset,
            offset: UNIT_POINTERS.start as u16,
            size_or_flags: UNIT_POINTERS.len() as u16,
            ..RowTarget::default()
        };
        let elements: &[&[u8]] = &[pointers, &[0; UNIT_POINTERS.end - UNIT_POINTERS.start], &[], &[]];
        let what = What {
            operation: op::MODIFY_ROW,
            context: context::CLUSTERED,
            page,
            slot,
            unit: UnitId(trees.units.live().in_row.id()),
            body: Body::Row { row, elements },
        };
        change.log(&mut log, what, undo)?;
        unit.set_first(PageId::NULL);
        unit.set_root(PageId::NULL);
        unit.set_first_iam(PageId::NULL);
        unit.forget_room();
        *live.room.lock() = None;
        live.counts_changed.store(true, Ordering::Relaxed);
        part.give_back(mark + 1, Emptied { unit: UnitId(id), first_iam });
    }
    live.ghosts.lock().clear();
    Ok(())
}
