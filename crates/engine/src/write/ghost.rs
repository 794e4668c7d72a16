//! Clearing deleted entries away, and the pages that they and large values leave empty.
//!
//! Invariants
//! 1. A ghost goes only when no transaction can want it back: every change of its page was made by transactions that have
//!    ended. That is so when the page's last change is older than the first record of the oldest open transaction.
//! 2. A leaf whose rows are all such ghosts leaves the tree with them, in one system transaction, when nobody reads the table:
//!    readers hold page numbers. Whoever begins to read meanwhile waits for the tree ([`LiveRowset::stable`]). Pages of
//!    system tables stay, because the catalogue is read without saying so.
//! 3. An emptied page of large values goes under the same condition as a ghost, whoever reads: pieces are read by those who look
//!    afterwards whether the row still leads there. The first page of its unit stays, since the catalogue names it.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::catalog::unit_type;
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::PageType;
use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_format::record::row::RowKind;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, Change, UnitId, What};

use super::pointers;
use super::writing::Writing;
use crate::stored::live::LiveRowset;

/// How often a page that could leave its tree waits for readers to end before only its entries go.
const PATIENCE: u8 = 50;
/// Object ids below belong to system tables.
pub(crate) const FIRST_USER_OBJECT: i32 = 100;

/// Clears what can be cleared; answers how many entries went.
pub fn clean(writing: &Arc<Writing>) -> RecoveryResult<u64> {
    let mut gone = 0;
    for live in writing.rowsets.with_ghosts() {
        let pages = std::mem::take(&mut *live.ghosts.lock());
        for (page, tries) in pages {
            match clean_page(writing, &live, page, tries >= PATIENCE)? {
                Cleaned::Gone(n) => gone += n,
                Cleaned::Wanted => live.note_ghosts(page),
                Cleaned::Read => *live.ghosts.lock().entry(page).or_default() = tries + 1,
            }
        }
    }
    Ok(gone)
}

/// What became of the ghosts of a page.
enum Cleaned {
    Gone(u64),
    /// They may still be wanted.
    Wanted,
    /// The page can leave its tree once nobody reads it.
    Read,
}

fn clean_page(
    writing: &Writing,
    live: &LiveRowset,
    page: PageId,
    impatient: bool,
) -> RecoveryResult<Cleaned> {
    let mut change = writing.logged.change()?;
    let image = change.page(page)?;
    let view = PageView::new(&image);
    let fail = |error| RecoveryError::Unreadable { page, error };
    let unit = holdfast_storage::write::UnitId(live.in_row.id());
    // The page may have gone to somebody else since (TRUNCATE).
    let header = holdfast_format::page::PageHeader::decode(&image);
    let ours = header.object_id == unit.object_part() && header.index_id == unit.index_part();
    if view.is(PageType::TextMix) || view.is(PageType::TextTree) {
        return clean_large(&mut change, live, page, view);
    }
    if ours && live.index_id == 0 && view.is(PageType::Data) && change.is_allocated(page)? {
        // The PFS is not told by rollbacks in a recovery.
        change.note_fullness(page, 8096 - usize::from(view.free_count()).min(8096))?;
    }
    if ours && matches!(view.page_type(), 1 | 2) && change.is_allocated(page)? {
        change.correct_ghosts(page)?;
    }
    if !ours || view.ghost_count() == 0 || !matches!(view.page_type(), 1 | 2) {
        return Ok(Cleaned::Gone(0));
    }
    if change.oldest_open().is_some_and(|oldest| view.lsn() >= oldest) {
        return Ok(Cleaned::Wanted);
    }
    let rows = PageRows::new(view).map_err(fail)?;
    let mut ghosts = Vec::new();
    for slot in 0..rows.len() {
        if rows.row(slot).map_err(fail)?.is_some_and(|r| r.kind() == RowKind::Ghost) {
            ghosts.push(slot);
        }
    }
    let all = ghosts.len() == usize::from(rows.len());
    if all && live.object_id() >= FIRST_USER_OBJECT && !change.is_reserved(page) {
        let tree = live.tree.lock().upgrade();
        if let Some(tree) = tree.filter(|t| std::ptr::eq(Arc::as_ptr(t.live()), live)) {
            // Before looking for readers: whoever is not seen now finds the tree as it is afterwards.
            let _changing = live.restructure();
            let read = writing.rowsets.is_read(live.object_id());
            match tree.droppable(&change, page)? {
                Some(place) if !read => {
                    tree.drop_leaf(&mut change, page, place)?;
                    return Ok(Cleaned::Gone(ghosts.len() as u64));
                }
                Some(_) if !impatient => return Ok(Cleaned::Read),
                _ => {}
            }
        }
    }
    let context = if view.is(PageType::Data) { context::CLUSTERED } else { context::INDEX_LEAF };
    let count = ghosts.len() as u64;
    for slot in ghosts.into_iter().rev() {
        let row = RowTarget { rowset: live.rowset, ..RowTarget::default() };
        let body = Body::Row { row, elements: &[] };
        change.log_outside(What { operation: op::EXPUNGE_ROWS, context, page, slot, unit, body })?;
    }
    Ok(Cleaned::Gone(count))
}

/// A page of large values: the PFS gets to know how full it is, which rollbacks in a recovery do not tell, and an empty one is given back.
fn clean_large(
    change: &mut Change<'_>,
    live: &LiveRowset,
    page: PageId,
    view: PageView<'_>,
) -> RecoveryResult<Cleaned> {
    let kinds = [unit_type::LOB, unit_type::ROW_OVERFLOW].map(|kind| live.unit(kind));
    let own = kinds.into_iter().find(|u| u.id() != 0 && u.id() == view.unit_id());
    let Some(unit) = own.filter(|u| !u.first_iam().is_null()) else { return Ok(Cleaned::Gone(0)) };
    let (id, first_iam) = (UnitId(unit.id()), unit.first_iam());
    if !change.is_own_page(page)? || !change.has_extent(id, first_iam, page)? {
        return Ok(Cleaned::Gone(0));
    }
    if view.is(PageType::TextMix) {
        change.note_fullness(page, 8096 - usize::from(view.free_count()).min(8096))?;
    }
    unit.room.lock().note(page, view);
    if view.slot_count() > 0 || [unit.first(), unit.root()].contains(&page) {
        return Ok(Cleaned::Gone(0));
    }
    if change.is_reserved(page) || change.oldest_open().is_some_and(|oldest| view.lsn() >= oldest) {
        return Ok(Cleaned::Wanted);
    }
    let taken =
        change.system("DeallocLobPage", None, |change, own| change.free_page(own, id, first_iam, page))?;
    pointers::count(live, unit, taken, 0);
    unit.room.lock().forget(page);
    Ok(Cleaned::Gone(1))
}
