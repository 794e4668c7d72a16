//! Where a unit's pages begin, in the catalogue (sysallocunits) and in memory, and its counts.
//!
//! Invariants
//! 1. A pointer in memory changes only together with the logged change of the catalogue row.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_base::PageId;
use holdfast_format::catalog::unit_type;
use holdfast_format::log::{context, op};
use holdfast_format::page::PageView;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::space::Taken;
use holdfast_storage::write::{Body, Change, LogTransaction, Undo, UnitId, What};
use holdfast_types::Value;

use super::tree::Tree;
use crate::stored::live::{LiveRowset, LiveUnit};

/// Offsets of the pointers in a row of sysallocunits.
const FIRST: u32 = 27;
const ROOT: u32 = 33;
const FIRST_IAM: u32 = 39;

/// Changes pointers of the in-row unit of `tree`'s rowset.
pub fn set(
    tree: &Tree,
    change: &mut Change<'_>,
    own: &mut LogTransaction,
    first: Option<PageId>,
    root: Option<PageId>,
    first_iam: Option<PageId>,
) -> RecoveryResult<()> {
    set_of(
        tree.pointers.as_deref().unwrap_or(tree),
        change,
        own,
        tree.live(),
        unit_type::IN_ROW,
        first,
        root,
        first_iam,
    )
}

/// The same for any rowset; `pointers` is the tree of sysallocunits.
#[allow(clippy::too_many_arguments)]
pub fn set_of(
    pointers: &Tree,
    change: &mut Change<'_>,
    own: &mut LogTransaction,
    live: &Arc<LiveRowset>,
    kind: u8,
    first: Option<PageId>,
    root: Option<PageId>,
    first_iam: Option<PageId>,
) -> RecoveryResult<()> {
    let unit = live.unit(kind);
    let changes =
        [(FIRST, first, unit.first()), (ROOT, root, unit.root()), (FIRST_IAM, first_iam, unit.first_iam())];
    for (offset, new, old) in changes {
        let Some(new) = new.filter(|n| *n != old) else { continue };
        let (page, slot) = row_of(pointers, change, unit.id())?;
        let mut rest = vec![0u8; 0x60 - 0x30];
        rest[8..16].copy_from_slice(&live.rowset.to_le_bytes());
        rest[16..24].copy_from_slice(&unit.id().to_le_bytes());
        rest[24..30].copy_from_slice(&new.to_bytes());
        rest[32..38].copy_from_slice(&old.to_bytes());
        rest[40..44].copy_from_slice(&offset.to_le_bytes());
        let what = What {
            operation: op::ROOT_CHANGE,
            context: context::CLUSTERED,
            page,
            slot,
            unit: UnitId(pointers.live().in_row.id()),
            body: Body::Page { rest: &rest, elements: false },
        };
        let back = Arc::clone(live);
        let undo = Undo::Call(Arc::new(move || set_live(back.unit(kind), offset, old)));
        change.log(own, what, undo)?;
        set_live(unit, offset, new);
    }
    Ok(())
}

fn set_live(unit: &LiveUnit, offset: u32, to: PageId) {
    match offset {
        FIRST => unit.set_first(to),
        ROOT => unit.set_root(to),
        _ => unit.set_first_iam(to),
    }
}

/// Where the catalogue row of a unit is.
pub fn row_of(pointers: &Tree, change: &Change<'_>, unit: u64) -> RecoveryResult<(PageId, u16)> {
    let fail = |error| RecoveryError::Unreadable { page: pointers.access.root(), error };
    let place = pointers.find_entry(change.source(), &[Value::BigInt(unit as i64)]).map_err(fail)?;
    let place = place.filter(|p| p.found && !p.ghost);
    let place = place.ok_or_else(|| RecoveryError::Database {
        what: format!("sysallocunits has no row of allocation unit {unit}"),
    })?;
    debug_assert!(place.slot < PageView::new(&place.image).slot_count());
    Ok((place.page, place.slot))
}

/// Pages came to (or left) a unit; `data` of them hold rows.
pub fn count(live: &LiveRowset, unit: &LiveUnit, taken: Taken, data: i64) {
    unit.used.fetch_add(taken.used, Ordering::Relaxed);
    unit.reserved.fetch_add(taken.reserved, Ordering::Relaxed);
    unit.data.fetch_add(data, Ordering::Relaxed);
    live.counts_changed.store(true, Ordering::Relaxed);
}
