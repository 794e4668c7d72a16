//! Giving all pages of a rowset back: TRUNCATE and DROP.
//!
//! Invariants
//! 1. The catalogue forgets the pages in the user's transaction, so that a rollback has them again; they become free only
//!    after the commit, so that nobody writes into what a rollback would need.
//! 2. A crash between the two leaves pages that belong to nobody, never pages that belong to two.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_base::PageId;
use holdfast_format::catalog::unit_type;
use holdfast_format::log::{RowTarget, context};
use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, Rows, Undo, UnitId};

use super::pointers;
use super::tree::{modify, record_bytes};
use super::undo::TreeRows;
use super::writing::{DatabaseTransaction, Writing};
use crate::stored::live::LiveRowset;

/// Offset of the three pointers in a row of sysallocunits, and their length.
const POINTERS: usize = 27;

/// The catalogue row of a unit, whose pointers in memory go back with it.
struct PointerRows(TreeRows, Box<dyn Fn() + Send + Sync>);

impl Rows for PointerRows {
    fn find(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
    ) -> RecoveryResult<(PageId, u16)> {
        self.0.find(change, page, slot, key)
    }

    fn make_room(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        key: &[u8],
        growth: usize,
    ) -> RecoveryResult<(PageId, u16)> {
        self.0.make_room(change, page, slot, key, growth)
    }

    fn counted(&self, _: i64) {
        (self.1)();
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
        let mut new = old.to_vec();
        let area = new.get_mut(POINTERS..POINTERS + 18).ok_or_else(|| RecoveryError::Database {
            what: "a row of sysallocunits is cut off".to_owned(),
        })?;
        area.fill(0);
        let counts = (
            unit.used.swap(0, Ordering::Relaxed),
            unit.data.swap(0, Ordering::Relaxed),
            unit.reserved.swap(0, Ordering::Relaxed),
        );
        let rows_before = if kind == unit_type::IN_ROW { live.rows.swap(0, Ordering::Relaxed) } else { 0 };
        let back = Arc::clone(live);
        let restore = move || {
            let _changing = back.restructure();
            let unit = back.unit(kind);
            unit.set_first(first);
            unit.set_root(root);
            unit.set_first_iam(first_iam);
            unit.used.fetch_add(counts.0, Ordering::Relaxed);
            unit.data.fetch_add(counts.1, Ordering::Relaxed);
            unit.reserved.fetch_add(counts.2, Ordering::Relaxed);
            back.rows.fetch_add(rows_before, Ordering::Relaxed);
            back.counts_changed.store(true, Ordering::Relaxed);
        };
        let mut key = 8u16.to_le_bytes().to_vec();
        key.extend_from_slice(&id.to_le_bytes());
        let rows = PointerRows(TreeRows(Arc::clone(&trees.units)), Box::new(restore));
        let undo = Undo::Row { rows: Arc::new(rows), key: key.into_boxed_slice(), count: 1 };
        let mark = log.mark();
        let target = RowTarget { rowset: trees.units.access.rowset, ..RowTarget::default() };
        let of = UnitId(trees.units.live().in_row.id());
        modify(&mut change, &mut log, of, target, context::CLUSTERED, (page, slot), old, &new, undo)?;
        unit.set_first(PageId::NULL);
        unit.set_root(PageId::NULL);
        unit.set_first_iam(PageId::NULL);
        unit.set_last_used(PageId::NULL);
        *live.room.lock() = None;
        live.counts_changed.store(true, Ordering::Relaxed);
        part.after_commit(
            mark + 1,
            Box::new(move |writing| {
                let mut change = writing.logged.change()?;
                change
                    .system("DeferredDrop", None, |change, own| change.free_unit(own, UnitId(id), first_iam))
            }),
        );
    }
    live.ghosts.lock().clear();
    Ok(())
}
