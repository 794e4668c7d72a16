//! How the pages of heaps and indexes lie and how full they are (sys.dm_db_index_physical_stats).
//!
//! Invariants
//! 1. Nothing is changed, and no lock is taken: numbers of a table that is being changed are those of some moment.
//! 2. LIMITED reads no leaf of a tree and no page of a heap: what only they could tell is `None`.
//!
//! Evidence: the meaning of fragments as the T-SQL reference explains it: a fragment is a run of leaves in key order (of extents, for
//! a heap) that lie one after the other; a leaf is out of order when the next one in key order is not the next one of the index
//! in its file.

use std::collections::HashMap;

use holdfast_base::PageId;
use holdfast_format::allocation::EXTENT_PAGES;
use holdfast_format::allocation::iam;
use holdfast_format::catalog::{Rowset, unit_type};
use holdfast_format::page::HEADER_SIZE;
use holdfast_format::record::row::RowKind;
use holdfast_format::record::{PageRows, record_length};
use holdfast_format::{FormatError, PageSource, PageView, btree};

use super::DatabaseCatalog;
use crate::stored::live::LiveRowset;

/// Bytes of a page that records and slots share.
const ROOM: f64 = (8192 - HEADER_SIZE) as f64;
/// Leaves from which SAMPLED looks at one in a hundred.
const SAMPLED_FROM: usize = 10_000;
const SAMPLE: usize = 100;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Limited,
    Sampled,
    Detailed,
}

/// A level of an index, a heap, or the pages of its large values.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub index_id: i32,
    pub partition: i32,
    /// See [`unit_type`].
    pub unit: u8,
    pub depth: u8,
    pub level: u8,
    pub pages: i64,
    /// Fragmentation in percent, fragments.
    pub fragments: Option<(f64, i64)>,
    pub records: Option<Records>,
}

/// What the records of the pages tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Records {
    pub space_used: f64,
    pub count: i64,
    pub ghosts: i64,
    pub shortest: i32,
    pub longest: i32,
    pub average: f64,
    /// Heaps only.
    pub forwarded: i64,
    pub compressed_pages: i64,
}

impl DatabaseCatalog {
    /// The levels of a table's heap and indexes, or of one index.
    pub fn physical(
        &self,
        object_id: i32,
        index: Option<i32>,
        partition: Option<i32>,
        detail: Detail,
    ) -> Result<Vec<Level>, FormatError> {
        let tables = &self.store.tables;
        let mut rowsets: Vec<&Rowset> = tables.rowsets_of(object_id).collect();
        rowsets.sort_by_key(|r| (r.index_id, r.partition));
        let mut out = Vec::new();
        for rowset in rowsets {
            let number = rowset.partition.max(1);
            if index.is_some_and(|i| i != rowset.index_id) || partition.is_some_and(|p| p != number) {
                continue;
            }
            let live = self.store.live.of(tables, rowset);
            self.rowset_levels(&live, number, detail, &mut out)?;
        }
        Ok(out)
    }

    fn rowset_levels(
        &self,
        live: &LiveRowset,
        partition: i32,
        detail: Detail,
        out: &mut Vec<Level>,
    ) -> Result<(), FormatError> {
        let source = &**self.source();
        let index_id = live.index_id;
        let plain = Level {
            index_id,
            partition,
            unit: unit_type::IN_ROW,
            depth: 1,
            level: 0,
            pages: 0,
            fragments: Some((0.0, 0)),
            records: None,
        };
        if index_id == 0 {
            let pages = unit_pages(source, live.in_row.first_iam())?;
            let records = match detail {
                Detail::Limited => None,
                _ => Some(records(source, &sampled(&pages, detail), pages.len(), false)?),
            };
            let fragments = Some(extents(&pages));
            out.push(Level { pages: pages.len() as i64, fragments, records, ..plain.clone() });
        } else {
            let levels = live.stable(|| levels(source, live.in_row.root(), index_id == 1))?;
            let depth = levels.len().max(1) as u8;
            let mut all = plain.clone();
            all.depth = if levels.is_empty() { 0 } else { depth };
            if levels.is_empty() {
                out.push(all);
            }
            for (level, pages) in levels.iter().rev().enumerate() {
                if level > 0 && detail != Detail::Detailed {
                    break;
                }
                let looked = sampled(pages, detail);
                let records = match detail {
                    Detail::Limited => None,
                    _ => Some(records(source, &looked, pages.len(), true)?),
                };
                out.push(Level {
                    depth,
                    level: level as u8,
                    pages: pages.len() as i64,
                    fragments: Some(order(pages)),
                    records,
                    ..plain.clone()
                });
            }
        }
        for unit in [unit_type::LOB, unit_type::ROW_OVERFLOW] {
            if live.unit(unit).id() == 0 || live.unit(unit).first_iam().is_null() {
                continue;
            }
            let pages = unit_pages(source, live.unit(unit).first_iam())?;
            let records = match detail {
                Detail::Limited => None,
                _ => Some(records(source, &sampled(&pages, detail), pages.len(), false)?),
            };
            out.push(Level { unit, pages: pages.len() as i64, fragments: None, records, ..plain.clone() });
        }
        Ok(())
    }
}

fn unit_pages(source: &dyn PageSource, first: PageId) -> Result<Vec<PageId>, FormatError> {
    if first.is_null() { Ok(Vec::new()) } else { iam::unit_pages(source, first) }
}

/// The pages of each level, from the root down.
fn levels(source: &dyn PageSource, root: PageId, clustered: bool) -> Result<Vec<Vec<PageId>>, FormatError> {
    let mut out = Vec::new();
    let mut level = if root.is_null() { Vec::new() } else { vec![root] };
    let limit: u64 = source.files().iter().map(|f| u64::from(source.page_count(*f))).sum();
    while let Some(first) = level.first() {
        let leaf = btree::is_leaf(PageView::new(&*btree::tree_page(source, *first)?), clustered);
        if leaf {
            out.push(level);
            return Ok(out);
        }
        let mut below = Vec::new();
        for at in &level {
            let page = btree::tree_page(source, *at)?;
            let rows = PageRows::new(PageView::new(&page))?;
            for slot in 0..rows.len() {
                below.push(btree::child_at(&rows, slot)?);
            }
        }
        if below.len() as u64 > limit || out.len() > btree::MAX_DEPTH {
            return Err(FormatError::Tree { page: root, what: "the tree has more pages than the files" });
        }
        out.push(std::mem::replace(&mut level, below));
    }
    Ok(out)
}

fn sampled(pages: &[PageId], detail: Detail) -> Vec<PageId> {
    let step = if detail == Detail::Sampled && pages.len() >= SAMPLED_FROM { SAMPLE } else { 1 };
    pages.iter().copied().step_by(step).collect()
}

/// Leaves out of order in percent, and fragments.
fn order(pages: &[PageId]) -> (f64, i64) {
    let mut sorted = pages.to_vec();
    sorted.sort_unstable();
    let rank: HashMap<PageId, usize> = sorted.into_iter().enumerate().map(|(i, p)| (p, i)).collect();
    let pairs = || pages.windows(2);
    let behind = |p: &[PageId]| p[0].file == p[1].file && p[1].page == p[0].page.wrapping_add(1);
    let fragments = pairs().filter(|p| !behind(p)).count() + usize::from(!pages.is_empty());
    let next = |p: &&[PageId]| rank.get(&p[1]).zip(rank.get(&p[0])).is_some_and(|(b, a)| *b == *a + 1);
    let wrong = pairs().filter(|p| !next(p)).count();
    (if pages.is_empty() { 0.0 } else { wrong as f64 * 100.0 / pages.len() as f64 }, fragments as i64)
}

/// Extents out of order in percent, and runs of extents.
fn extents(pages: &[PageId]) -> (f64, i64) {
    let mut all: Vec<(u16, u32)> = pages.iter().map(|p| (p.file, p.page / EXTENT_PAGES)).collect();
    all.dedup();
    let apart = all.windows(2).filter(|w| w[0].0 != w[1].0 || w[1].1 != w[0].1 + 1).count();
    let fragments = apart + usize::from(!all.is_empty());
    (if all.is_empty() { 0.0 } else { apart as f64 * 100.0 / all.len() as f64 }, fragments as i64)
}

/// What the records of these pages tell; `of` pages there are in all.
fn records(source: &dyn PageSource, pages: &[PageId], of: usize, tree: bool) -> Result<Records, FormatError> {
    let mut found = Records { shortest: i32::MAX, ..Records::default() };
    let (mut used, mut bytes) = (0.0, 0u64);
    for at in pages {
        let page = source.page(*at)?;
        let view = PageView::new(&page);
        used += ROOM - f64::from(view.free_count());
        found.compressed_pages += i64::from(view.is_page_compressed());
        let index = view.is(holdfast_format::PageType::Index);
        let large = !index && !view.is(holdfast_format::PageType::Data);
        let rows = if large { None } else { Some(PageRows::new(view)?) };
        for slot in 0..view.slot_count() {
            let Some(record) = view.record(slot) else { continue };
            // Records of large values have a form of their own: they are counted, not measured.
            let Some(rows) = &rows else {
                found.count += 1;
                continue;
            };
            let length = record_length(record, index, view.pminlen()).map_err(|e| e.at(*at, slot))?;
            match rows.row(slot)?.map(|r| r.kind()) {
                Some(RowKind::Ghost) => {
                    found.ghosts += 1;
                    continue;
                }
                Some(RowKind::Stub) if !tree => {
                    found.forwarded += 1;
                }
                Some(_) => {}
                None => continue,
            }
            found.count += 1;
            found.shortest = found.shortest.min(length as i32);
            found.longest = found.longest.max(length as i32);
            bytes += length as u64;
        }
    }
    if found.longest == 0 {
        found.shortest = 0;
    }
    if !pages.is_empty() {
        found.space_used = used * 100.0 / (ROOM * pages.len() as f64);
        found.average = if found.count > 0 { bytes as f64 / found.count as f64 } else { 0.0 };
        let scale = |n: i64| (n as f64 * of as f64 / pages.len() as f64).round() as i64;
        found.count = scale(found.count);
        found.ghosts = scale(found.ghosts);
        found.forwarded = scale(found.forwarded);
        found.compressed_pages = scale(found.compressed_pages);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(pages: &[u32]) -> Vec<PageId> {
        pages.iter().map(|p| PageId::new(1, *p)).collect()
    }

    #[test]
    fn fragments_are_runs_and_gaps_are_no_disorder() {
        assert_eq!(order(&[]), (0.0, 0));
        assert_eq!(order(&ids(&[10])), (0.0, 1));
        assert_eq!(order(&ids(&[10, 11, 12, 20])), (0.0, 2));
        assert_eq!(order(&ids(&[10, 12, 11, 13])), (75.0, 4));
        assert_eq!(extents(&ids(&[8, 9, 15, 16, 32])), (100.0 / 3.0, 2));
    }
}
