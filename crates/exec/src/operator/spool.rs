//! Rows that are read more than once: in memory as long as a grant lasts, else in a temporary file that is read from any place.
//!
//! Invariants
//! 1. Readers do not disturb each other: each has its own place.
//! 2. What is in memory is charged until the last reader of it is gone.

use std::fs::File;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use super::spill::{Grant, MemoryBudget, SpillWriter, read_batch_at};

/// A file that is being written.
pub struct SpoolWriter {
    out: SpillWriter,
    types: Arc<[SqlType]>,
    /// First row and place of every batch.
    index: Vec<(u64, u64)>,
}

impl SpoolWriter {
    pub fn new(budget: &Arc<MemoryBudget>, types: &[SqlType]) -> SqlResult<Self> {
        let types: Arc<[SqlType]> = Arc::from(types);
        Ok(SpoolWriter { out: SpillWriter::new(budget, Arc::clone(&types))?, types, index: Vec::new() })
    }

    pub fn write(&mut self, batch: &Batch) -> SqlResult<()> {
        if batch.len > 0 {
            self.index.push((self.out.rows(), self.out.position()));
            self.out.write(batch)?;
        }
        Ok(())
    }

    pub fn finish(self) -> SqlResult<Arc<Spool>> {
        let rows = self.out.rows();
        Ok(Arc::new(Spool { file: self.out.into_file()?, types: self.types, index: self.index, rows }))
    }
}

/// A written file.
#[derive(Debug)]
pub struct Spool {
    file: File,
    types: Arc<[SqlType]>,
    index: Vec<(u64, u64)>,
    rows: u64,
}

impl Spool {
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, n: usize) -> SqlResult<Option<Batch>> {
        match self.index.get(n) {
            Some(&(_, at)) => read_batch_at(&self.file, at, &self.types).map(Some),
            None => Ok(None),
        }
    }
}

/// A place in a file: single values by row, cheap where rows come one after the other.
pub struct Cursor {
    spool: Arc<Spool>,
    /// The batch at hand, and its first row.
    at: Option<(u64, Batch)>,
}

impl Cursor {
    pub fn new(spool: &Arc<Spool>) -> Self {
        Cursor { spool: Arc::clone(spool), at: None }
    }

    /// The batch of a row, and the row's place in it.
    pub fn find(&mut self, row: u64) -> SqlResult<(&Batch, usize)> {
        let here = self.at.as_ref().is_some_and(|(first, b)| row >= *first && row - first < b.len as u64);
        if !here {
            let n = self.spool.index.partition_point(|(first, _)| *first <= row);
            let n = n.checked_sub(1).ok_or_else(beyond)?;
            let batch = self.spool.batch(n)?.ok_or_else(beyond)?;
            self.at = Some((self.spool.index[n].0, batch));
        }
        match &self.at {
            Some((first, b)) if row - first < b.len as u64 => Ok((b, (row - first) as usize)),
            _ => Err(beyond()),
        }
    }

    pub fn value(&mut self, row: u64, column: usize) -> SqlResult<Value> {
        let ty = self.spool.types[column];
        let (batch, i) = self.find(row)?;
        Ok(batch.columns[column].value(i, &ty))
    }

    pub fn is_null(&mut self, row: u64, column: usize) -> SqlResult<bool> {
        let (batch, i) = self.find(row)?;
        Ok(batch.columns[column].is_null(i))
    }
}

fn beyond() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: a row beyond the end of a spill file is read.")
}

/// Rows on their way to be kept.
pub struct RowStore {
    types: Vec<SqlType>,
    budget: Arc<MemoryBudget>,
    grant: Grant,
    bytes: usize,
    batches: Vec<Batch>,
    file: Option<SpoolWriter>,
}

impl RowStore {
    pub fn new(types: &[SqlType], budget: &Arc<MemoryBudget>) -> Self {
        RowStore {
            types: types.to_vec(),
            budget: Arc::clone(budget),
            grant: Grant::new(budget),
            bytes: 0,
            batches: Vec::new(),
            file: None,
        }
    }

    pub fn push(&mut self, batch: Batch) -> SqlResult<()> {
        if batch.len == 0 {
            return Ok(());
        }
        if let Some(file) = &mut self.file {
            return file.write(&batch);
        }
        self.bytes += batch.memory();
        self.batches.push(batch);
        if !self.grant.resize(self.bytes) {
            let mut file = SpoolWriter::new(&self.budget, &self.types)?;
            for b in self.batches.drain(..) {
                file.write(&b)?;
            }
            self.grant.resize(0);
            self.file = Some(file);
        }
        Ok(())
    }

    pub fn finish(self) -> SqlResult<Rows> {
        Ok(Rows(Arc::new(match self.file {
            Some(file) => Kept::File(file.finish()?),
            None => Kept::Memory(self.batches, self.grant),
        })))
    }
}

#[derive(Debug)]
enum Kept {
    Memory(Vec<Batch>, #[allow(dead_code, reason = "held as long as the rows are")] Grant),
    File(Arc<Spool>),
}

/// Kept rows; copies share them.
#[derive(Clone, Debug)]
pub struct Rows(Arc<Kept>);

impl Rows {
    pub fn is_empty(&self) -> bool {
        match &*self.0 {
            Kept::Memory(batches, _) => batches.is_empty(),
            Kept::File(spool) => spool.rows() == 0,
        }
    }

    pub fn len(&self) -> usize {
        match &*self.0 {
            Kept::Memory(batches, _) => batches.iter().map(|b| b.len).sum(),
            Kept::File(spool) => spool.rows() as usize,
        }
    }

    /// The batches, if they are in memory.
    pub fn in_memory(&self) -> Option<&[Batch]> {
        match &*self.0 {
            Kept::Memory(batches, _) => Some(batches),
            Kept::File(_) => None,
        }
    }

    /// All rows from the first on.
    pub fn open(&self) -> RowsReader {
        RowsReader { rows: self.clone(), next: 0 }
    }
}

pub struct RowsReader {
    rows: Rows,
    next: usize,
}

impl BatchSource for RowsReader {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let n = self.next;
        self.next += 1;
        match &*self.rows.0 {
            Kept::Memory(batches, _) => Ok(batches.get(n).cloned()),
            Kept::File(spool) => spool.batch(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_any_place_by_several_readers() {
        let batch = |from: i32| {
            let rows: Vec<Vec<Value>> = (from..from + 10).map(|n| vec![Value::Int(n)]).collect();
            Batch::from_rows(&[SqlType::INT], &rows).unwrap()
        };
        let budget = MemoryBudget::new(100, std::env::temp_dir());
        let mut out = SpoolWriter::new(&budget, &[SqlType::INT]).unwrap();
        (0..5).for_each(|n| out.write(&batch(n * 10)).unwrap());
        let spool = out.finish().unwrap();
        let (mut a, mut b) = (Cursor::new(&spool), Cursor::new(&spool));
        for row in [0u64, 49, 7, 10, 9, 31] {
            assert_eq!(a.value(row, 0).unwrap(), Value::Int(row as i32));
            assert_eq!(b.value(49 - row, 0).unwrap(), Value::Int(49 - row as i32));
        }
        assert!(a.value(50, 0).is_err());
        for batches in [1, 5] {
            let mut store = RowStore::new(&[SqlType::INT], &budget);
            (0..batches).for_each(|n| store.push(batch(n * 10)).unwrap());
            let rows = store.finish().unwrap();
            assert_eq!(budget.used() > 0, batches == 1, "what does not fit is in a file");
            let (mut x, mut y) = (rows.open(), rows.open());
            for n in 0..batches {
                for reader in [&mut x, &mut y] {
                    let b = reader.next_batch().unwrap().unwrap();
                    assert_eq!((b.len, b.columns[0].value(0, &SqlType::INT)), (10, Value::Int(n * 10)));
                }
            }
            assert!(x.next_batch().unwrap().is_none());
        }
        assert_eq!(budget.used(), 0);
    }
}
