//! Rows that found no place in memory, in temporary files by hash of their keys: what aggregation, joins, DISTINCT and set operations
//! share when a grant ends.
//!
//! Invariants
//! 1. Rows with equal keys (as `operator::sort_key` encodes them) are in the same part.
//! 2. Another level divides the rows of one part anew.
//! 3. Rows wait until a batch of them has come together, so that parts do not consist of crumbs however often they are divided.
//! 4. The parts of one level share a file, made when the first batch has come together: an operator may divide thousands of times at
//!    once (a set of grouping sets each), and a process has few files.

use std::sync::Arc;

use holdfast_types::batch::{BATCH_ROWS, VarColumn};
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::spill::{MemoryBudget, SpillReader, SpillWriter};

/// Parts per level.
pub const PARTITIONS: usize = 16;
/// Bytes of rows that wait for one part.
const WAITING_BYTES: usize = 64 << 10;

struct Part {
    waiting: Vec<Column>,
    /// Rows that wait, and rows that were written.
    rows: usize,
    written: u64,
    /// Where its batches begin in the file.
    places: Vec<u64>,
}

/// See the module description.
pub struct Partitions {
    parts: Vec<Part>,
    budget: Arc<MemoryBudget>,
    out: Option<SpillWriter>,
    types: Arc<[SqlType]>,
    level: u32,
    picked: Vec<Vec<u32>>,
}

impl Partitions {
    pub fn new(budget: &Arc<MemoryBudget>, types: &Arc<[SqlType]>, level: u32) -> SqlResult<Self> {
        let part = |_| Part {
            waiting: types.iter().map(Column::empty).collect(),
            rows: 0,
            written: 0,
            places: Vec::new(),
        };
        Ok(Partitions {
            parts: (0..PARTITIONS).map(part).collect(),
            budget: Arc::clone(budget),
            out: None,
            types: Arc::clone(types),
            level,
            picked: vec![Vec::new(); PARTITIONS],
        })
    }

    fn flush(&mut self, n: usize) -> SqlResult<()> {
        let part = &mut self.parts[n];
        if part.rows == 0 {
            return Ok(());
        }
        let empty = self.types.iter().map(Column::empty).collect();
        let columns = std::mem::replace(&mut part.waiting, empty);
        let batch = Batch { len: part.rows, columns: columns.into_iter().map(Arc::new).collect() };
        let out = match &mut self.out {
            Some(out) => out,
            none => none.insert(SpillWriter::new(&self.budget, Arc::clone(&self.types))?),
        };
        part.places.push(out.position());
        part.written += part.rows as u64;
        part.rows = 0;
        out.write(&batch)
    }

    pub fn level(&self) -> u32 {
        self.level
    }

    /// Puts rows of a batch aside; `keys` has an entry for every row of the batch.
    pub fn write(
        &mut self,
        batch: &Batch,
        keys: &VarColumn<u8>,
        rows: impl Iterator<Item = usize>,
    ) -> SqlResult<()> {
        for row in rows {
            self.picked[partition_of(keys.entry(row), self.level)].push(row as u32);
        }
        for n in 0..PARTITIONS {
            let (part, rows) = (&mut self.parts[n], &mut self.picked[n]);
            if rows.is_empty() {
                continue;
            }
            for (waiting, c) in part.waiting.iter_mut().zip(&batch.columns) {
                match c.len() == batch.len {
                    true => waiting.append_take(c, rows)?,
                    // Nobody looks at it, and it came without its rows.
                    false => waiting.append_nulls(rows.len()),
                }
            }
            part.rows += rows.len();
            rows.clear();
            if part.rows >= BATCH_ROWS
                || part.waiting.iter().map(Column::memory).sum::<usize>() > WAITING_BYTES
            {
                self.flush(n)?;
            }
        }
        Ok(())
    }

    /// What was put aside, part by part; some may be empty.
    pub fn finish(mut self) -> SqlResult<Vec<SpillReader>> {
        for n in 0..PARTITIONS {
            self.flush(n)?;
        }
        let out = match self.out {
            Some(out) => out,
            None => SpillWriter::new(&self.budget, Arc::clone(&self.types))?,
        };
        let file = Arc::new(out.into_file()?);
        let types = self.types;
        let part = |p: Part| SpillReader::of_places(&file, p.places, &types, p.written);
        Ok(self.parts.into_iter().map(part).collect())
    }
}

/// Which of the parts of a level a key belongs to.
fn partition_of(key: &[u8], level: u32) -> usize {
    let mut h = 0xcbf2_9ce4_8422_2325u64 ^ u64::from(level).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for &b in key {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    (h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) as usize >> 40 & (PARTITIONS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::sort_key::{KeyPart, encode_rows};
    use holdfast_types::Value;

    /// Writes numbers and reads the files back.
    fn divide(numbers: &[i32], level: u32) -> Vec<Vec<Value>> {
        let budget = MemoryBudget::new(0, std::env::temp_dir());
        let types: Arc<[SqlType]> = Arc::from(vec![SqlType::INT]);
        let mut out = Partitions::new(&budget, &types, level).unwrap();
        for chunk in numbers.chunks(700) {
            let rows: Vec<Vec<Value>> = chunk.iter().map(|&n| vec![Value::Int(n)]).collect();
            let batch = Batch::from_rows(&types, &rows).unwrap();
            let part = [KeyPart { ty: SqlType::INT, descending: false }];
            let keys = encode_rows(&part, &[&batch.columns[0]], batch.len).unwrap();
            out.write(&batch, &keys, 0..batch.len).unwrap();
        }
        let mut files = Vec::new();
        for mut reader in out.finish().unwrap() {
            let mut rows = Vec::new();
            while let Some(b) = reader.next_batch().unwrap() {
                rows.extend((0..b.len).map(|i| b.columns[0].value(i, &SqlType::INT)));
            }
            assert_eq!(reader.rows(), rows.len() as u64);
            files.push(rows);
        }
        files
    }

    #[test]
    fn equal_keys_share_a_file_and_levels_divide_anew() {
        let numbers: Vec<i32> = (0..40_000).map(|n| n % 20_000).collect();
        let files = divide(&numbers, 0);
        assert_eq!(files.iter().map(Vec::len).sum::<usize>(), numbers.len());
        let mut sets: Vec<std::collections::HashSet<i32>> = Vec::new();
        for file in &files {
            let set: std::collections::HashSet<i32> =
                file.iter().map(|v| if let Value::Int(n) = v { *n } else { panic!("{v:?}") }).collect();
            assert_eq!(set.len() * 2, file.len());
            assert!(file.len() > 1500 && file.len() < 3500, "{}", file.len());
            assert!(sets.iter().all(|s| s.is_disjoint(&set)));
            sets.push(set);
        }
        let first: Vec<i32> = sets[0].iter().copied().collect();
        let again = divide(&first, 1);
        assert!(again.iter().all(|f| f.len() * 8 < first.len()), "{:?}", again.iter().map(Vec::len));
    }
}
