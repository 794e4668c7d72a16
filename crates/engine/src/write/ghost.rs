//! Clearing deleted entries away.
//!
//! Invariants
//! 1. A ghost goes only when no transaction can want it back: every change of its page was made by transactions that have
//!    ended. That is so when the page's last change is older than the first record of the oldest open transaction.
//! 2. Pages are never given back here: a scan may stand on them.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::log::{RowTarget, context, op};
use holdfast_format::page::PageType;
use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_format::record::row::RowKind;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Body, What};

use super::writing::Writing;
use crate::stored::live::LiveRowset;

/// Clears what can be cleared; answers how many entries went.
pub fn clean(writing: &Arc<Writing>) -> RecoveryResult<u64> {
    let mut gone = 0;
    for live in writing.rowsets.with_ghosts() {
        let pages = std::mem::take(&mut *live.ghosts.lock());
        let mut later = Vec::new();
        for page in pages {
            match clean_page(writing, &live, page)? {
                Some(n) => gone += n,
                None => later.push(page),
            }
        }
        live.ghosts.lock().extend(later);
    }
    Ok(gone)
}

/// `None`: the page has ghosts that may still be wanted.
fn clean_page(writing: &Writing, live: &LiveRowset, page: PageId) -> RecoveryResult<Option<u64>> {
    let mut change = writing.logged.change()?;
    let image = change.page(page)?;
    let view = PageView::new(&image);
    let fail = |error| RecoveryError::Unreadable { page, error };
    let unit = holdfast_storage::write::UnitId(live.in_row.id());
    // The page may have gone to somebody else since (TRUNCATE).
    let header = holdfast_format::page::PageHeader::decode(&image);
    let ours = header.object_id == unit.object_part() && header.index_id == unit.index_part();
    if !ours || view.ghost_count() == 0 || !matches!(view.page_type(), 1 | 2) {
        return Ok(Some(0));
    }
    if change.oldest_open().is_some_and(|oldest| view.lsn() >= oldest) {
        return Ok(None);
    }
    let rows = PageRows::new(view).map_err(fail)?;
    let mut ghosts = Vec::new();
    for slot in 0..rows.len() {
        if rows.row(slot).map_err(fail)?.is_some_and(|r| r.kind() == RowKind::Ghost) {
            ghosts.push(slot);
        }
    }
    let context = if view.is(PageType::Data) { context::CLUSTERED } else { context::INDEX_LEAF };
    let count = ghosts.len() as u64;
    for slot in ghosts.into_iter().rev() {
        let row = RowTarget { rowset: live.rowset, ..RowTarget::default() };
        let body = Body::Row { row, elements: &[] };
        change.log_outside(What { operation: op::EXPUNGE_ROWS, context, page, slot, unit, body })?;
    }
    Ok(Some(count))
}
