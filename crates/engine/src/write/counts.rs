//! Counts of rows and pages after recovery: the log tells by how much rows changed, pages are counted in the maps.
//!
//! Invariants
//! 1. Only what the log touched is counted anew; leaf pages of tables and heaps are not read for it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use holdfast_base::PageId;
use holdfast_format::allocation::iam::{self, Iam};
use holdfast_format::allocation::{EXTENT_PAGES, pfs};
use holdfast_format::catalog::{SystemTables, unit_type};
use holdfast_format::{FormatError, PageSource, PageView, btree, record::PageRows};
use holdfast_storage::recovery::RecoveryResult;
use holdfast_storage::recovery::counts::CountChanges;
use holdfast_storage::write::{LoggedDatabase, UnitId};

use crate::stored::LiveRowsets;
use crate::stored::live::LiveUnit;

/// Pages of an allocation unit as its maps have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    pub used: i64,
    pub reserved: i64,
    /// IAM pages among the used ones.
    pub maps: i64,
}

/// Counts the pages of the unit whose IAM chain begins at `first`.
pub fn pages(source: &dyn PageSource, first: PageId) -> Result<Pages, FormatError> {
    let mut found = Pages::default();
    let mut reader = iam::PfsReader::default();
    for (at, image) in iam::chain(source, first)? {
        let page = Iam::read(PageView::new(&image), at)?;
        found.maps += 1;
        found.used += 1;
        found.reserved += 1;
        for single in page.single_pages.into_iter().filter(|p| !p.is_null()) {
            found.reserved += 1;
            found.used += i64::from(reader.byte(source, single)? & pfs::ALLOCATED != 0);
        }
        for start in page.extent_starts() {
            found.reserved += i64::from(EXTENT_PAGES);
            for offset in 0..EXTENT_PAGES {
                let id = PageId::new(start.file, start.page + offset);
                found.used += i64::from(reader.byte(source, id)? & pfs::ALLOCATED != 0);
            }
        }
    }
    Ok(found)
}

/// Pages above the leaves of a tree.
pub fn upper_pages(source: &dyn PageSource, root: PageId, clustered: bool) -> Result<i64, FormatError> {
    let (mut count, mut first) = (0, root);
    for _ in 0..btree::MAX_DEPTH {
        if first.is_null() {
            return Ok(count);
        }
        let image = btree::tree_page(source, first)?;
        if btree::is_leaf(PageView::new(&image), clustered) {
            return Ok(count);
        }
        let below = btree::child_at(&PageRows::new(PageView::new(&image))?, 0)?;
        let mut at = first;
        while !at.is_null() {
            count += 1;
            at = PageView::new(&*btree::tree_page(source, at)?).next();
        }
        first = below;
    }
    Err(FormatError::Tree { page: root, what: "the tree is too deep" })
}

/// Frees what rolled back transactions had put into units that they had emptied.
pub fn free_leftovers(
    logged: &LoggedDatabase,
    tables: &SystemTables,
    changes: &CountChanges,
) -> RecoveryResult<()> {
    for &(unit, first_iam) in &changes.leftovers {
        let present = tables.units.iter().find(|u| u.id == unit).map_or(PageId::NULL, |u| u.first_iam);
        logged.change()?.free_leftover(UnitId(unit), first_iam, present)?;
    }
    Ok(())
}

/// The pages of a unit as its maps have them, and how many of them are leaves or hold rows of a heap.
fn measured(
    source: &dyn PageSource,
    unit: &LiveUnit,
    kind: u8,
    index: i32,
) -> Result<(Pages, i64), FormatError> {
    let found = pages(source, unit.first_iam())?;
    let data = match (kind, index) {
        (unit_type::IN_ROW, 0) => found.used - found.maps,
        (unit_type::IN_ROW, index) => found.used - found.maps - upper_pages(source, unit.root(), index == 1)?,
        _ => 0,
    };
    Ok((found, data))
}

/// Brings the counts in memory to what recovery found.
pub fn restore(
    source: &dyn PageSource,
    tables: &SystemTables,
    live: &LiveRowsets,
    changes: &CountChanges,
) -> Result<(), FormatError> {
    for (id, pages) in &changes.ghosts {
        if let Some(rowset) = tables.rowsets.iter().find(|r| r.id == *id) {
            let live = live.of(tables, rowset);
            pages.iter().for_each(|page| live.note_ghosts(*page));
        }
    }
    // What the log says of a rowset that is gone by now must not be taken for another one's.
    live.seen(changes.rows.keys().next_back().copied().unwrap_or(0));
    let of_units = tables.units.iter().filter(|u| changes.units.contains(&u.id)).map(|u| u.owner);
    let touched: BTreeSet<u64> = of_units.chain(changes.rows.keys().copied()).collect();
    for rowset in tables.rowsets.iter().filter(|r| touched.contains(&r.id)) {
        let live = live.of(tables, rowset);
        live.count_rows(changes.rows.get(&rowset.id).copied().unwrap_or(0));
        for kind in [unit_type::IN_ROW, unit_type::LOB, unit_type::ROW_OVERFLOW] {
            let unit = live.unit(kind);
            if unit.id() == 0 {
                continue;
            }
            let (found, data) = measured(source, unit, kind, rowset.index_id)?;
            unit.used.store(found.used, Ordering::Relaxed);
            unit.reserved.store(found.reserved, Ordering::Relaxed);
            unit.data.store(data, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// A count of pages that was not what the maps say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub object_id: i32,
    pub index_id: i32,
    /// From 1.
    pub partition: i32,
    pub unit: &'static str,
    /// Before and after.
    pub used: (i64, i64),
    pub reserved: (i64, i64),
}

impl crate::database::DatabaseCatalog {
    /// Counts the pages of all units anew, or of one table's (DBCC UPDATEUSAGE), while nobody changes a page.
    pub fn recount(&self, table: Option<i32>) -> holdfast_types::SqlResult<Vec<Correction>> {
        let writing = self.writing().ok_or_else(|| {
            holdfast_types::SqlError::new(3906, &[&crate::catalog::Catalog::database_name(self)])
        })?;
        let source = &**self.source();
        let look = || -> Result<Vec<Correction>, FormatError> {
            let mut out = Vec::new();
            let wanted = |id: i32| table.is_none_or(|t| t == id);
            for rowset in self.storage().rowsets.iter().filter(|r| wanted(r.object_id)) {
                let live = self.store.live.of(self.storage(), rowset);
                for (kind, name) in [
                    (unit_type::IN_ROW, "In-row Data"),
                    (unit_type::LOB, "LOB Data"),
                    (unit_type::ROW_OVERFLOW, "Row-overflow Data"),
                ] {
                    let unit = live.unit(kind);
                    if unit.id() == 0 || unit.first_iam().is_null() {
                        continue;
                    }
                    let (found, data) = measured(source, unit, kind, rowset.index_id)?;
                    let before = unit.data.swap(data, Ordering::Relaxed);
                    let used = (unit.used.swap(found.used, Ordering::Relaxed), found.used);
                    let reserved = (unit.reserved.swap(found.reserved, Ordering::Relaxed), found.reserved);
                    let differs = used.0 != used.1 || reserved.0 != reserved.1;
                    if differs || before != data {
                        live.counts_changed.store(true, Ordering::Relaxed);
                    }
                    if differs {
                        let (object_id, index_id) = (rowset.object_id, rowset.index_id);
                        let partition = rowset.partition.max(1);
                        out.push(Correction { object_id, index_id, partition, unit: name, used, reserved });
                    }
                }
            }
            Ok(out)
        };
        let found = writing.logged.quiet(look).map_err(|e| super::writing::failure(&e))?;
        found.map_err(|e| crate::page_error(&e))
    }
}
