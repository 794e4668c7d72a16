//! How often values of a table's columns were changed: what tells that statistics are out of date.
//!
//! Invariants
//! 1. Every row that is inserted or deleted counts for all columns, an update for the columns that it sets; what is rolled back
//!    stays counted, as in SQL Server.
//! 2. A count is what the catalogue had when the database was opened (`sysrscols.rcmodified`) and what came since.
//! 3. Checkpoints write them beside the counts of rows (COUNT_DELTA of kind 2), in databases of 2012 and later. They are hints:
//!    a count that is lost in a crash does no harm.
//!
//! Evidence: in genuine databases `rcmodified` less the value that stands with the statistics is 0 right after they were made.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_base::{ByteReader, PageId};
use holdfast_format::PageSource;
use holdfast_format::page::PageView;
use holdfast_format::record::PageRows;
use holdfast_storage::recovery::{RecoveryError, RecoveryResult};
use holdfast_storage::write::Change;
use holdfast_types::Value;
use parking_lot::Mutex;

use super::ghost::FIRST_USER_OBJECT;
use super::tree::{Tree, record_bytes};
use super::writing::count_delta;
use crate::stored::live::LiveRowset;

/// Changes counted at the rowset that holds a table's rows.
#[derive(Debug, Default)]
pub struct Modifications {
    counted: Mutex<Counted>,
    /// See [`Self::since`]: every use of a kept plan asks for it.
    since: AtomicU64,
}

#[derive(Debug, Default)]
struct Counted {
    /// By column, as the catalogue had them.
    before: HashMap<i32, i64>,
    /// Since then: for all columns, and for some.
    rows: i64,
    columns: HashMap<i32, i64>,
    /// The most of those.
    most: i64,
    /// The catalogue does not have them yet.
    unsaved: bool,
}

/// Kind of a COUNT_DELTA for a row of sysrscols, and offsets in the row: physical column, count.
const KIND: u32 = 2;
const COLUMN: usize = 16;
const COUNT: usize = 20;

impl Modifications {
    pub fn rows(&self, object: i32, count: usize) {
        if object >= FIRST_USER_OBJECT {
            let mut counted = self.counted.lock();
            counted.rows += count as i64;
            counted.unsaved = true;
            self.sum_up(&counted);
        }
    }

    pub fn columns(&self, object: i32, columns: impl Iterator<Item = i32>, count: usize) {
        if object < FIRST_USER_OBJECT {
            return;
        }
        let mut counted = self.counted.lock();
        counted.unsaved = true;
        for column in columns {
            let changes = counted.columns.entry(column).or_default();
            *changes += count as i64;
            let changes = *changes;
            counted.most = counted.most.max(changes);
        }
        self.sum_up(&counted);
    }

    fn sum_up(&self, counted: &Counted) {
        self.since.store((counted.rows + counted.most).max(0).unsigned_abs(), Ordering::Relaxed);
    }

    /// Rows that came or went since, and the most changes of one column besides.
    pub fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    /// The count of a column (by its physical id); `stored` reads what the catalogue has, which is asked for once.
    pub fn of(&self, column: i32, stored: impl FnOnce() -> i64) -> i64 {
        let mut counted = self.counted.lock();
        let since = counted.rows + counted.columns.get(&column).copied().unwrap_or(0);
        *counted.before.entry(column).or_insert_with(stored) + since
    }
}

/// Writes the counts of a rowset into the rows of sysrscols; those of a table that is being dropped stay as they are.
pub fn write(change: &mut Change<'_>, tree: &Tree, live: &LiveRowset) -> RecoveryResult<()> {
    if !std::mem::take(&mut live.modifications.counted.lock().unsaved) {
        return Ok(());
    }
    let fail = |error| RecoveryError::Unreadable { page: tree.access.root(), error };
    let mut places: Vec<(PageId, u16)> = Vec::new();
    let prefix = [Value::BigInt(live.rowset as i64)];
    tree.for_prefix(change.source(), &prefix, |_, page, slot, ghost| {
        if !ghost {
            places.push((page, slot));
        }
        Ok(true)
    })
    .map_err(fail)?;
    for place in places {
        let found = {
            let image = change.source().page(place.0).map_err(fail)?;
            let rows = PageRows::new(PageView::new(&image)).map_err(fail)?;
            let record = record_bytes(&rows, place.1).map_err(fail)?;
            let column = ByteReader::at(record, COLUMN).u32().ok();
            column.zip(ByteReader::at(record, COUNT).u64().ok())
        };
        let Some((column, stored)) = found else { continue };
        let count = live.modifications.of(column as i32, || stored as i64).max(0).unsigned_abs();
        if count != stored {
            let values = [(count, COUNT as u32)];
            count_delta(change, tree, place, KIND, live.rowset, Some(column), &values)?;
        }
    }
    Ok(())
}
