//! TABLESAMPLE: a part of a table's rows, chosen by groups that are as large as its pages; and which pages statistics look at.
//!
//! Invariants
//! 1. Rows are taken or left in runs of as many as a page holds on average, so rows that lie together come together.
//! 2. With a seed, the same rows of an unchanged table are taken every time; without one, each scan draws its own.
//! 3. The whole table is read, under the locks and versions of an ordinary scan: sampling changes what is given, not what is seen.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use holdfast_types::{Batch, SqlError, SqlResult};

use crate::access::{BatchSource, KeyRange, ReadContext, TableAccess};
use crate::write::TableWriter;

/// How much of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleSize {
    Percent(f64),
    Rows(u64),
}

/// A table of which scans give a part.
pub struct SampledTable {
    inner: Arc<dyn TableAccess>,
    size: SampleSize,
    seed: Option<u64>,
    /// Rows and pages of its definition, for tables that do not count them.
    known: (u64, u64),
}

impl SampledTable {
    pub fn new(inner: Arc<dyn TableAccess>, size: SampleSize, seed: Option<u64>, known: (u64, u64)) -> Self {
        SampledTable { inner, size, seed, known }
    }
}

struct Sampled {
    inner: Box<dyn BatchSource>,
    /// Rows of a group, and the next row's number.
    group: u64,
    row: u64,
    seed: u64,
    /// A group is taken when its number, mixed, is below this.
    below: u64,
}

/// A finaliser of splitmix64: every bit of the input moves every bit of the answer.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// A fraction of a list of pages, the first one always among them.
pub fn pages<T>(all: Vec<T>, fraction: f64) -> Vec<T> {
    let below = (fraction.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
    let places = 0u64..;
    let taken = |n: u64| n == 0 || below == u64::MAX || mixed(n.wrapping_add(0x9E37_79B9_7F4A_7C15)) < below;
    all.into_iter().zip(places).filter(|(_, n)| taken(*n)).map(|(page, _)| page).collect()
}

impl BatchSource for Sampled {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let Some(batch) = self.inner.next_batch()? else { return Ok(None) };
        if self.below == u64::MAX {
            return Ok(Some(batch));
        }
        let first = self.row;
        self.row += batch.len as u64;
        let taken = |i: &u32| {
            let group = (first + u64::from(*i)) / self.group;
            mixed(group.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_add(self.seed)) < self.below
        };
        let rows: Vec<u32> = (0..u32::try_from(batch.len).unwrap_or(u32::MAX)).filter(taken).collect();
        Ok(Some(if rows.len() == batch.len { batch } else { batch.take(&rows) }))
    }
}

impl TableAccess for SampledTable {
    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        let inner = self.inner.scan(read, columns)?;
        let (rows, pages) = self.inner.size().unwrap_or(self.known);
        let part = match self.size {
            SampleSize::Percent(p) => p / 100.0,
            SampleSize::Rows(n) => n as f64 / (rows as f64).max(1.0),
        };
        // A cast saturates: all of it is `u64::MAX`.
        let below = (part.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        let seed = mixed(self.seed.unwrap_or_else(|| RandomState::new().hash_one(0u8)));
        Ok(Box::new(Sampled { inner, group: (rows / pages.max(1)).max(1), row: 0, seed, below }))
    }

    fn seek(
        &self,
        _: &ReadContext,
        _: i32,
        _: KeyRange,
        _: &[usize],
        _: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        Err(SqlError::with_text(8624, 16, "Internal error: a sampled table was to be sought."))
    }

    fn is_part(&self) -> bool {
        true
    }

    fn size(&self) -> Option<(u64, u64)> {
        self.inner.size()
    }

    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        self.inner.writer()
    }
}
