//! A partitioned table: each partition is a stored table of its own, read in turn or merged in key order.
//!
//! Invariants
//! 1. Partitions that cannot hold rows of a range are not opened.
//! 2. A seek comes in key order: partitions follow each other where the partitioning column leads the key, else they are merged.
//! 3. Readers whose locks end with their source open all partitions first, so that the table stays locked against redefinition
//!    from the first row to the last.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_types::batch::{BATCH_ROWS, Column};
use holdfast_types::{Batch, SqlError, SqlResult, SqlType};

use super::table::{StoredIndex, StoredTable};
use super::{key, snapshot};
use crate::access::{BatchSource, KeyRange, ReadContext, ReadIntent, TableAccess};
use crate::database::partition::Partitioned;
use crate::write::TableWriter;
use crate::write::partitioned::PartitionedWriter;

/// See the file's head.
#[derive(Clone)]
pub struct PartitionedTable {
    /// All partitions at once: for indexes that are not partitioned, and for what asks about the table as a whole.
    pub whole: StoredTable,
    pub parts: Arc<[StoredTable]>,
    pub by: Arc<Partitioned>,
    /// Partitions to read, in order.
    pub only: Vec<usize>,
    pub writer: Option<Arc<PartitionedWriter>>,
}

/// The tables of the partitions of a table.
pub fn split(whole: &StoredTable) -> Vec<StoredTable> {
    let one = |n: usize| StoredTable {
        base: whole.base.get(n).cloned().into_iter().collect(),
        indexes: whole
            .indexes
            .iter()
            .map(|i| StoredIndex {
                rowsets: if i.aligned {
                    i.rowsets.get(n).cloned().into_iter().collect()
                } else {
                    i.rowsets.clone()
                },
                ..i.clone()
            })
            .collect(),
        partitioned: None,
        writer: None,
        ..whole.clone()
    };
    (0..whole.base.len()).map(one).collect()
}

/// How each partition is read.
#[derive(Clone)]
enum How {
    Scan,
    Seek { index_id: i32, range: KeyRange, backward: bool },
}

impl How {
    fn open(
        &self,
        part: &StoredTable,
        read: &ReadContext,
        columns: &[usize],
    ) -> SqlResult<Box<dyn BatchSource>> {
        match self {
            How::Scan => part.scan(read, columns),
            How::Seek { index_id, range, backward } => {
                part.seek(read, *index_id, range.clone(), columns, *backward)
            }
        }
    }
}

/// Partitions one after the other.
struct InTurn {
    parts: Arc<[StoredTable]>,
    how: How,
    read: ReadContext,
    columns: Vec<usize>,
    open: VecDeque<Box<dyn BatchSource>>,
    waiting: VecDeque<usize>,
}

impl BatchSource for InTurn {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(source) = self.open.front_mut() {
                if let Some(batch) = source.next_batch()? {
                    return Ok(Some(batch));
                }
                self.open.pop_front();
                continue;
            }
            let Some(part) = self.waiting.pop_front().and_then(|n| self.parts.get(n)) else {
                return Ok(None);
            };
            self.open.push_back(self.how.open(part, &self.read, &self.columns)?);
        }
    }
}

/// Sources one after the other.
struct Chain(VecDeque<Box<dyn BatchSource>>);

impl BatchSource for Chain {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        while let Some(source) = self.0.front_mut() {
            if let Some(batch) = source.next_batch()? {
                return Ok(Some(batch));
            }
            self.0.pop_front();
        }
        Ok(None)
    }
}

/// A source of a merge: its batch and the next row of it.
struct Input {
    source: Box<dyn BatchSource>,
    batch: Option<Batch>,
    at: usize,
}

impl Input {
    /// Makes sure that there is a next row; `false` at the end.
    fn fill(&mut self) -> SqlResult<bool> {
        while self.batch.as_ref().is_none_or(|b| self.at >= b.len) {
            self.at = 0;
            self.batch = self.source.next_batch()?;
            if self.batch.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Sources that are in key order, merged.
struct Merge {
    inputs: Vec<Input>,
    /// Key columns: place in the rows, type, and whether they descend.
    keys: Vec<(usize, SqlType, bool)>,
    backward: bool,
    /// Columns asked for; key columns that were not follow.
    types: Vec<SqlType>,
    /// Hands on rows as they come, because each row read ahead would be locked.
    at_once: bool,
}

impl Merge {
    fn order(&self, a: (&Batch, usize), b: (&Batch, usize)) -> Ordering {
        for (column, ty, descending) in &self.keys {
            let (Some(x), Some(y)) = (a.0.columns.get(*column), b.0.columns.get(*column)) else { continue };
            let order = key::compare(ty, &x.value(a.1, ty), &y.value(b.1, ty));
            if order != Ordering::Equal {
                return if *descending != self.backward { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    /// The input whose row comes first, and where in its batch the rows end that come before those of all others.
    fn run(&self) -> Option<(usize, usize)> {
        let row = |n: usize| self.inputs.get(n).and_then(|i| Some((i.batch.as_ref()?, i.at)));
        let before = |a: usize, b: usize| match (row(a), row(b)) {
            (Some(a), Some(b)) => self.order(a, b) == Ordering::Less,
            _ => false,
        };
        let (mut first, mut second): (Option<usize>, Option<usize>) = (None, None);
        for n in 0..self.inputs.len() {
            if first.is_none_or(|f| before(n, f)) {
                (first, second) = (Some(n), first);
            } else if second.is_none_or(|s| before(n, s)) {
                second = Some(n);
            }
        }
        let first = first?;
        let (batch, from) = row(first)?;
        let other = second.and_then(row);
        let mut end = from + 1;
        while end < batch.len && other.is_none_or(|o| self.order((batch, end), o) != Ordering::Greater) {
            end += 1;
        }
        Some((first, end))
    }
}

impl BatchSource for Merge {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut out: Option<Vec<Column>> = None;
        let mut len = 0;
        while len < BATCH_ROWS {
            let mut n = 0;
            while let Some(input) = self.inputs.get_mut(n) {
                if input.fill()? {
                    n += 1;
                } else {
                    self.inputs.remove(n);
                }
            }
            let Some((first, end)) = self.run() else { break };
            let Some(input) = self.inputs.get_mut(first) else { break };
            let Some(batch) = &input.batch else { break };
            let rows: Vec<u32> = (input.at..end).map(|r| r as u32).collect();
            let columns = out.get_or_insert_with(|| {
                let empty = |c: &Arc<Column>| Column::new(c.data.new_like());
                batch.columns.iter().take(self.types.len()).map(empty).collect()
            });
            for (column, from) in columns.iter_mut().zip(&batch.columns) {
                column.append_take(from, &rows)?;
            }
            len += rows.len();
            input.at = end;
            if self.at_once {
                break;
            }
        }
        let columns = out.unwrap_or_default().into_iter().map(Arc::new).collect();
        Ok((len > 0).then(|| Batch::new(len, columns)))
    }
}

impl PartitionedTable {
    fn in_turn(
        &self,
        which: impl Iterator<Item = usize>,
        how: How,
        read: &ReadContext,
        columns: &[usize],
    ) -> SqlResult<InTurn> {
        let parts = Arc::clone(&self.parts);
        let (waiting, open) = (which.collect(), VecDeque::new());
        let mut out = InTurn { parts, how, read: read.clone(), columns: columns.to_vec(), open, waiting };
        // Locks that are taken to change rows stay until the transaction ends (invariant 3).
        if read.intent == ReadIntent::Read {
            for n in std::mem::take(&mut out.waiting) {
                if let Some(part) = self.parts.get(n) {
                    out.open.push_back(out.how.open(part, read, columns)?);
                }
            }
        }
        Ok(out)
    }

    fn merged(
        &self,
        which: &[usize],
        index: &StoredIndex,
        how: &How,
        read: &ReadContext,
        columns: &[usize],
    ) -> SqlResult<Merge> {
        let mut all = columns.to_vec();
        let mut keys = Vec::new();
        // Entries with equal keys stand in the order of the clustered key.
        let rest = self.whole.indexes.iter().filter(|i| i.clustered && !index.clustered);
        for k in index.keys.iter().chain(rest.flat_map(|i| i.keys.iter())) {
            // What follows tells apart rows of equal keys.
            let Some(ordinal) = k.ordinal else { break };
            let place = all.iter().position(|c| *c == ordinal).unwrap_or_else(|| {
                all.push(ordinal);
                all.len() - 1
            });
            keys.push((place, k.ty, k.descending));
        }
        let mut inputs = Vec::new();
        for part in which.iter().filter_map(|n| self.parts.get(*n)) {
            inputs.push(Input { source: how.open(part, read, &all)?, batch: None, at: 0 });
        }
        Ok(Merge {
            inputs,
            keys,
            backward: matches!(how, How::Seek { backward: true, .. }),
            types: columns.iter().map(|&c| self.whole.type_of(c)).collect(),
            at_once: read.intent != ReadIntent::Read,
        })
    }
}

impl TableAccess for PartitionedTable {
    fn is_same_row(&self, a: &[u8], b: &[u8]) -> bool {
        self.whole.is_same_row(a, b)
    }

    fn scan(&self, read: &ReadContext, columns: &[usize]) -> SqlResult<Box<dyn BatchSource>> {
        Ok(Box::new(self.in_turn(self.only.iter().copied(), How::Scan, read, columns)?))
    }

    fn parallel_scan(
        &self,
        read: &ReadContext,
        columns: &[usize],
        parts: usize,
    ) -> SqlResult<Vec<Box<dyn BatchSource>>> {
        let each = parts.div_ceil(self.only.len().max(1)).max(1);
        let mut out: Vec<Chain> = Vec::new();
        let mut n = 0;
        for part in self.only.iter().filter_map(|n| self.parts.get(*n)) {
            for source in part.parallel_scan(read, columns, each)? {
                if out.len() < parts.max(1) {
                    out.push(Chain(VecDeque::new()));
                }
                let at = n % out.len();
                out[at].0.push_back(source);
                n += 1;
            }
        }
        if out.is_empty() {
            out.push(Chain(VecDeque::new()));
        }
        Ok(out.into_iter().map(|c| Box::new(c) as Box<dyn BatchSource>).collect())
    }

    fn scan_some_pages(
        &self,
        read: &ReadContext,
        columns: &[usize],
        fraction: f64,
    ) -> SqlResult<Option<Box<dyn BatchSource>>> {
        let mut chain = VecDeque::new();
        for part in self.only.iter().filter_map(|n| self.parts.get(*n)) {
            match part.scan_some_pages(read, columns, fraction)? {
                Some(source) => chain.push_back(source),
                None => return Ok(None),
            }
        }
        Ok(Some(Box::new(Chain(chain))))
    }

    fn seek(
        &self,
        read: &ReadContext,
        index_id: i32,
        range: KeyRange,
        columns: &[usize],
        backward: bool,
    ) -> SqlResult<Box<dyn BatchSource>> {
        let index = self.whole.indexes.iter().find(|i| i.index_id == index_id);
        let index = index.ok_or_else(|| {
            let text = format!("Index {index_id} on table '{}' does not exist.", self.whole.name);
            SqlError::with_text(308, 16, text)
        })?;
        // Versions of rows are kept by partition, also where the index is not.
        if !index.aligned && snapshot::seen(&self.whole, read)?.is_none() {
            return self.whole.seek(read, index_id, range, columns, backward);
        }
        let keys: Vec<(Option<usize>, bool)> = index.keys.iter().map(|k| (k.ordinal, k.descending)).collect();
        let within = self.by.within(&keys, &range);
        let which: Vec<usize> = self.only.iter().copied().filter(|n| within.contains(n)).collect();
        let how = How::Seek { index_id, range, backward };
        if let [one] = which.as_slice()
            && let Some(part) = self.parts.get(*one)
        {
            return how.open(part, read, columns);
        }
        if let Some((ordinal, descending)) = keys.first()
            && *ordinal == Some(self.by.ordinal)
        {
            return Ok(if *descending == backward {
                Box::new(self.in_turn(which.into_iter(), how, read, columns)?)
            } else {
                Box::new(self.in_turn(which.into_iter().rev(), how, read, columns)?)
            });
        }
        Ok(Box::new(self.merged(&which, index, &how, read, columns)?))
    }

    fn size(&self) -> Option<(u64, u64)> {
        self.whole.size()
    }

    fn changes(&self) -> u64 {
        self.whole.changes()
    }

    fn writer(&self) -> Option<Arc<dyn TableWriter>> {
        self.writer.clone().map(|w| w as Arc<dyn TableWriter>)
    }

    fn partitioned_by(&self) -> Option<&Arc<Partitioned>> {
        Some(&self.by)
    }

    fn partition(&self, number: usize) -> Option<Arc<dyn TableAccess>> {
        let one =
            || Arc::new(PartitionedTable { only: vec![number], ..self.clone() }) as Arc<dyn TableAccess>;
        self.parts.get(number).map(|_| one())
    }

    fn within(&self, ranges: &[KeyRange]) -> Option<Arc<dyn TableAccess>> {
        let key = [(Some(self.by.ordinal), false)];
        let mut only: Vec<usize> = ranges.iter().flat_map(|r| self.by.within(&key, r)).collect();
        only.retain(|n| self.only.contains(n));
        only.sort_unstable();
        only.dedup();
        (only.len() < self.only.len())
            .then(|| Arc::new(PartitionedTable { only, ..self.clone() }) as Arc<dyn TableAccess>)
    }
}
