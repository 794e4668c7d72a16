//! How many pages a statement reads of which table (SET STATISTICS IO).
//!
//! Invariants
//! 1. A page is counted each time it is asked for, as SQL Server's logical reads are; whether it was in memory is not known here.
//! 2. A table that is not counted costs nothing: counting replaces the source of pages of a copy of the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_base::PageId;
use holdfast_format::{FormatError, PageRef, PageSource};
use parking_lot::Mutex;

use super::table::{Store, StoredTable};

/// Page types of large values.
const LARGE: std::ops::RangeInclusive<u8> = 3..=4;
/// Where a page says its type.
const TYPE_AT: usize = 1;

/// Reads of one table.
#[derive(Debug, Default)]
pub struct TableReads {
    pub scans: AtomicU64,
    pub pages: AtomicU64,
    /// Pages of large values.
    pub large: AtomicU64,
}

/// A table's name, its reads, and the copy of it that counts them.
struct Counted {
    key: (usize, i32),
    /// First rowset of what is read: partitions are read each by itself.
    rowset: u64,
    name: Arc<str>,
    reads: Arc<TableReads>,
    table: Arc<StoredTable>,
}

/// Reads of a statement.
#[derive(Default)]
pub struct StatementReads(Mutex<Vec<Counted>>);

impl std::fmt::Debug for StatementReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatementReads({})", self.0.lock().len())
    }
}

/// What SET STATISTICS IO tells of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    pub table: Arc<str>,
    pub scans: u64,
    pub pages: u64,
    pub large: u64,
}

impl StatementReads {
    /// In the order in which tables were first read.
    pub fn list(&self) -> Vec<Reads> {
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let all = self.0.lock();
        all.iter()
            .enumerate()
            .filter(|(n, c)| !all.iter().take(*n).any(|b| b.key == c.key))
            .map(|(_, c)| c)
            .map(|c| Reads {
                table: Arc::clone(&c.name),
                scans: load(&c.reads.scans),
                pages: load(&c.reads.pages),
                large: load(&c.reads.large),
            })
            .collect()
    }

    /// The copy of a table that counts; one more scan of it begins.
    pub(super) fn table(&self, table: &StoredTable) -> Arc<StoredTable> {
        let key = (Arc::as_ptr(&table.store) as usize, table.object_id);
        let mut all = self.0.lock();
        let rowset = table.base.first().map_or(0, |b| b.rowset);
        let at = all.iter().position(|c| c.key == key && c.rowset == rowset).unwrap_or_else(|| {
            let same = all.iter().find(|c| c.key == key).map(|c| Arc::clone(&c.reads));
            let reads = same.unwrap_or_default();
            let source = CountingPages { inner: Arc::clone(&table.store.source), reads: Arc::clone(&reads) };
            let store = Store { source: Arc::new(source), ..(*table.store).clone() };
            let copy = StoredTable { store: Arc::new(store), ..table.clone() };
            all.push(Counted { key, rowset, name: Arc::clone(&table.name), reads, table: Arc::new(copy) });
            all.len() - 1
        });
        all[at].reads.scans.fetch_add(1, Ordering::Relaxed);
        Arc::clone(&all[at].table)
    }
}

struct CountingPages {
    inner: Arc<dyn PageSource>,
    reads: Arc<TableReads>,
}

impl PageSource for CountingPages {
    fn page(&self, id: PageId) -> Result<PageRef, FormatError> {
        let page = self.inner.page(id)?;
        let large = LARGE.contains(&page[TYPE_AT]);
        let counter = if large { &self.reads.large } else { &self.reads.pages };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(page)
    }

    fn files(&self) -> Vec<holdfast_base::FileId> {
        self.inner.files()
    }

    fn page_count(&self, file: holdfast_base::FileId) -> u32 {
        self.inner.page_count(file)
    }
}
