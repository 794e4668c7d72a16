//! Finding rows again for rollback.

use std::sync::Arc;

use holdfast_base::PageId;
use holdfast_format::page::{PageType, PageView};
use holdfast_format::record::PageRows;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::{Change, Rows};
use holdfast_types::Value;

use super::bookmark;
use super::tree::Tree;
use crate::stored::live::LiveRowset;

/// Entries of a B-tree, by their key fields.
pub struct TreeRows(pub Arc<Tree>);

impl Tree {
    /// Key values of stored key fields.
    pub fn key_of_fields(&self, fields: &[u8]) -> RecoveryResult<Vec<Value>> {
        let broken = || RecoveryError::Database { what: "a key cannot be read back".to_owned() };
        let parts = bookmark::split_fields(fields).ok_or_else(broken)?;
        if parts.len() != self.keys.len() {
            return Err(broken());
        }
        let mut out = Vec::with_capacity(parts.len());
        for (part, key) in parts.into_iter().zip(self.keys.iter()) {
            out.push(match part {
                None => Value::Null,
                // An absent uniquifier is 0.
                Some([]) if key.ordinal.is_none() && key.ty.id == holdfast_types::TypeId::Int => {
                    Value::Int(0)
                }
                Some(bytes) => crate::decode::value(&key.ty, bytes).map_err(|_| broken())?,
            });
        }
        Ok(out)
    }
}

impl Rows for TreeRows {
    fn find(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        fields: &[u8],
    ) -> RecoveryResult<(PageId, u16)> {
        let tree = &self.0;
        let key = tree.key_of_fields(fields)?;
        let fail = |error| RecoveryError::Unreadable { page, error };
        // Most rows are where they were.
        let image = change.page(page)?;
        let view = PageView::new(&image);
        if slot < view.slot_count() && view.lsn().vlf > 0 {
            let rows = PageRows::new(view).map_err(fail)?;
            if let Some(row) = rows.row(slot).map_err(fail)?
                && tree.key_of(change.source(), &row, false).map_err(fail)? == key
            {
                return Ok((page, slot));
            }
        }
        let place = tree.find_entry(change.source(), &key).map_err(fail)?.filter(|p| p.found);
        let place = place.ok_or_else(|| RecoveryError::Database {
            what: format!("a row to be rolled back in rowset {} is not there", tree.access.rowset),
        })?;
        Ok((place.page, place.slot))
    }

    fn make_room(
        &self,
        change: &mut Change<'_>,
        _page: PageId,
        _slot: u16,
        fields: &[u8],
        growth: usize,
    ) -> RecoveryResult<(PageId, u16)> {
        let tree = &self.0;
        let key = tree.key_of_fields(fields)?;
        let nobody = change.database().begin(0, "");
        for _ in 0..64 {
            let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
            let missing =
                || RecoveryError::Database { what: "a row to be rolled back is not there".to_owned() };
            let place =
                tree.find(change.source(), &key).map_err(fail)?.filter(|p| p.found).ok_or_else(missing)?;
            let image = change.page(place.page)?;
            if usize::from(PageView::new(&image).free_count()) >= growth {
                return Ok((place.page, place.slot));
            }
            let rows = PageRows::new(PageView::new(&place.image)).map_err(fail)?;
            let record = super::tree::record_bytes(&rows, place.slot).map_err(fail)?.to_vec();
            drop(rows);
            tree.split(change, &nobody, &place, &record)?;
        }
        Err(RecoveryError::Database { what: "no room for a row to be rolled back".to_owned() })
    }

    fn stretches(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        _slot: u16,
        fields: &[u8],
        rows: u16,
    ) -> RecoveryResult<Vec<(PageId, u16, u16)>> {
        let tree = &self.0;
        let key = tree.key_of_fields(fields)?;
        let fail = |error| RecoveryError::Unreadable { page, error };
        let other = || RecoveryError::Database {
            what: format!("rows to be rolled back in rowset {} are not its last", tree.access.rowset),
        };
        let place = tree.find_entry(change.source(), &key).map_err(fail)?.filter(|p| p.found);
        let place = place.ok_or_else(other)?;
        let (mut at, mut from, mut left) = (place.page, place.slot, rows);
        let mut out = Vec::new();
        loop {
            let image = change.page(at)?;
            let view = PageView::new(&image);
            let here = view.slot_count().saturating_sub(from);
            if here > 0 {
                out.push((at, from, here));
            }
            left = left.checked_sub(here).ok_or_else(other)?;
            if view.next().is_null() {
                return if left == 0 { Ok(out) } else { Err(other()) };
            }
            (at, from) = (view.next(), 0);
        }
    }

    fn identity(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.0) as usize)
    }

    fn counted(&self, rows: i64) {
        self.0.live().count_rows(rows);
    }
}

/// Rows of heaps and pieces of large values: they stay where they are.
pub struct FixedRows(pub Arc<LiveRowset>);

impl Rows for FixedRows {
    fn find(
        &self,
        change: &mut Change<'_>,
        page: PageId,
        slot: u16,
        _: &[u8],
    ) -> RecoveryResult<(PageId, u16)> {
        if PageView::new(&*change.page(page)?).is(PageType::TextMix) {
            // It may be empty afterwards.
            self.0.note_ghosts(page);
        }
        Ok((page, slot))
    }

    fn make_room(
        &self,
        _: &mut Change<'_>,
        page: PageId,
        _: u16,
        _: &[u8],
        _: usize,
    ) -> RecoveryResult<(PageId, u16)> {
        // Bytes that a row gives up are kept for it until its transaction ends.
        Err(RecoveryError::Database { what: format!("page {page} has no room for a row to be rolled back") })
    }

    fn stretches(
        &self,
        _: &mut Change<'_>,
        page: PageId,
        slot: u16,
        _: &[u8],
        rows: u16,
    ) -> RecoveryResult<Vec<(PageId, u16, u16)>> {
        Ok(vec![(page, slot, rows)])
    }

    fn identity(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.0) as usize)
    }

    fn counted(&self, rows: i64) {
        self.0.count_rows(rows);
    }
}
