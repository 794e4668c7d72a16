//! Locking key ranges while an index is read in key order at SERIALIZABLE.
//!
//! Of every page of a range the entries in range are locked, and the entry behind them, on that page or a later one. The lock on an
//! entry covers the gap before it, so nothing can be entered between what was read and the entry behind it. Then all
//! images are taken again: the same images mean that what the locks cover is what was read.
//!
//! Invariants
//! 1. An entry is named by its rowset and declared key (clustered: the whole key, and then it is also the name of the row). Entries with one
//!    declared key share a name, which excludes more and never less.
//! 2. Deleted entries are locked like others, and never are the last ones locked: they may go while the lock is held. Nor is the
//!    last one an entry that the reader's own transaction has made or removed, which a savepoint may take back.
//! 3. A look-up by a whole unique key that finds its row locks that row alone.

use std::ops::Range;
use std::sync::Arc;

use holdfast_base::Rid;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{PageRows, Row};
use holdfast_format::{FormatError, PageRef, PageSource, PageView, btree};
use holdfast_types::SqlResult;
use holdfast_types::compare::hash_key;

use super::read::{RowNames, RowReader};
use super::seek::key_value;
use super::table::{RowsetAccess, StoredKey};
use crate::access::ReadIntent;
use crate::error::damaged;
use crate::lock::resource::KEY_INFINITY;
use crate::lock::{Duration, Granted, LockMode, Resource};

/// The index whose ranges are locked.
#[derive(Clone, Copy)]
pub struct Ranged<'a> {
    pub rowset: &'a RowsetAccess,
    /// Declared key columns; of a clustered index the uniquifier too.
    pub keys: &'a [StoredKey],
    pub clustered: bool,
    pub names: &'a RowNames,
}

/// The end of an index behind its last key.
pub fn infinity(database: i32, rowset: u64) -> Resource {
    Resource::Key { database, rowset: rowset as i64, hash: KEY_INFINITY }
}

/// The name of an entry for range locks (invariant 1).
pub fn entry_resource(
    source: &dyn PageSource,
    database: i32,
    rowset: &RowsetAccess,
    keys: &[StoredKey],
    row: &Row<'_>,
) -> Result<Resource, FormatError> {
    let mut bytes = Vec::with_capacity(32);
    for k in keys {
        let value = key_value(source, row, rowset, k.position, &k.ty, false)?;
        hash_key(&value, &k.ty, &mut bytes);
    }
    Ok(Resource::key(database, rowset.rowset as i64, &bytes))
}

impl RowReader {
    /// Locks the entries of a page image in `slots` and the entry behind them; `None` when the reader has to find its place
    /// again. `unique`: at most one entry can be in the whole range.
    ///
    /// # Errors
    /// As the locks' waits; pages that cannot be read.
    pub fn range(
        &self,
        source: &dyn PageSource,
        index: Ranged<'_>,
        image: &PageRef,
        slots: Range<u16>,
        unique: bool,
    ) -> SqlResult<Option<PageRef>> {
        let (row_mode, range_mode) = match self.context.intent {
            ReadIntent::Read => (LockMode::S, LockMode::RangeSS),
            ReadIntent::Update => (LockMode::U, LockMode::RangeSU),
            ReadIntent::Exclusive => (LockMode::X, LockMode::RangeXX),
        };
        let rows = PageRows::new(PageView::new(image)).map_err(damaged)?;
        let page = rows.view().page_id();
        let mut found = false;
        for slot in slots.clone() {
            let missing = || damaged(FormatError::NoSuchSlot { page, slot });
            let row = rows.row(slot).map_err(damaged)?.ok_or_else(missing)?;
            let entry = entry_resource(source, self.table.database, index.rowset, index.keys, &row);
            found = unique && row.kind() == RowKind::Row;
            let mode = if found { row_mode } else { range_mode };
            if self.lock_waits(&entry.map_err(damaged)?, mode)? {
                return Ok(None);
            }
            if !index.clustered {
                let base = self.resource(source, index.names, Rid { page, slot }, &row).map_err(damaged)?;
                if self.lock_waits(&base, row_mode)? {
                    return Ok(None);
                }
            }
            if found {
                break;
            }
        }
        let mut seen = vec![image.clone()];
        if !found && !self.lock_behind(source, index, &mut seen, slots.end, range_mode)? {
            return Ok(None);
        }
        for image in &seen {
            let now = source.page(PageView::new(image).page_id()).map_err(damaged)?;
            if !Arc::ptr_eq(&now, image) {
                return Ok(None);
            }
        }
        Ok(Some(image.clone()))
    }

    /// Locks the entries from `slot` of the last image on, up to the first that stays (invariant 2). `false`: it had to wait.
    fn lock_behind(
        &self,
        source: &dyn PageSource,
        index: Ranged<'_>,
        seen: &mut Vec<PageRef>,
        mut slot: u16,
        mode: LockMode,
    ) -> SqlResult<bool> {
        let locks = &self.writing.locks;
        while let Some(image) = seen.last().cloned() {
            let rows = PageRows::new(PageView::new(&image)).map_err(damaged)?;
            let page = rows.view().page_id();
            while slot < rows.len() {
                let missing = || damaged(FormatError::NoSuchSlot { page, slot });
                let row = rows.row(slot).map_err(damaged)?.ok_or_else(missing)?;
                let entry = entry_resource(source, self.table.database, index.rowset, index.keys, &row);
                let entry = entry.map_err(damaged)?;
                let base = self.resource(source, index.names, Rid { page, slot }, &row).map_err(damaged)?;
                // Asked before the entry is locked here: of a clustered index it is the same resource.
                let own = matches!(locks.held(self.context.owner, &base), LockMode::X | LockMode::RangeXX);
                let mut waited = self.lock_waits(&entry, mode)?;
                if !index.clustered {
                    // What others have not committed may go again.
                    let c = &self.context;
                    waited |=
                        locks.wait_until_free(c.owner, &base, LockMode::S, &c.wait)? == Granted::AfterWait;
                }
                if waited {
                    return Ok(false);
                }
                if row.kind() == RowKind::Row && !own {
                    return Ok(true);
                }
                slot += 1;
            }
            let next = rows.view().next();
            if next.is_null() {
                break;
            }
            drop(rows);
            seen.push(btree::tree_page(source, next).map_err(damaged)?);
            slot = 0;
        }
        Ok(!self.lock_waits(&infinity(self.table.database, index.rowset.rowset), mode)?)
    }

    /// An index without pages: locks its end. `true` when that had to wait.
    ///
    /// # Errors
    /// As the locks' waits.
    pub fn lock_empty(&self, rowset: &RowsetAccess) -> SqlResult<bool> {
        let mode = match self.context.intent {
            ReadIntent::Read => LockMode::RangeSS,
            ReadIntent::Update => LockMode::RangeSU,
            ReadIntent::Exclusive => LockMode::RangeXX,
        };
        self.lock_waits(&infinity(self.table.database, rowset.rowset), mode)
    }

    fn lock_waits(&self, resource: &Resource, mode: LockMode) -> SqlResult<bool> {
        let c = &self.context;
        let granted = self.writing.locks.acquire_row(
            c.owner,
            self.table,
            resource,
            mode,
            Duration::Transaction,
            &c.wait,
        )?;
        Ok(granted == Granted::AfterWait)
    }
}
