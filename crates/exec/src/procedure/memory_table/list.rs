//! Rows in the order they come, any of which can be looked at: what triggers will see, what a cursor goes through.
//!
//! Invariants
//! 1. Entries are those of a table's rows (`rows`, invariant 1), so that a table can show them without copying; the id is the place.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_types::{Batch, SqlResult, SqlType, Value};

use super::rows::{Entries, ID, RowEntry, begin_row};
use super::scan::{Fill, RowScan};
use crate::operator::spill::damaged;
use crate::row_store::codec::{Codec, Decoder};
use crate::row_store::{Cursor, Pool, Tree};

/// A list of rows; a copy is a snapshot.
#[derive(Clone)]
pub struct RowList {
    codec: Codec,
    pub(super) rows: Tree,
}

impl RowList {
    /// An empty list of rows of these types.
    pub fn new(types: &[SqlType], pool: &Arc<Pool>) -> Self {
        RowList { codec: Codec::new(types), rows: Tree::new(pool, ID) }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds rows at the end.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be written.
    pub fn append(&mut self, rows: &[Vec<Value>]) -> SqlResult<()> {
        for some in rows.chunks(super::rows::STEP) {
            self.add(some.len(), |codec, i, out| codec.encode(&some[i], out))?;
        }
        Ok(())
    }

    /// Adds the rows of a batch of these types at the end.
    ///
    /// # Errors
    /// As [`RowList::append`].
    pub fn append_batch(&mut self, batch: &Batch) -> SqlResult<()> {
        self.codec.check(batch)?;
        self.add(batch.len, |codec, i, out| {
            codec.encode_row(batch, i, out);
            Ok(())
        })
    }

    fn add(
        &mut self,
        count: usize,
        values: impl Fn(&Codec, usize, &mut Vec<u8>) -> SqlResult<()>,
    ) -> SqlResult<()> {
        self.rows.pool().make_room()?;
        let first = self.rows.len() as u64;
        let mut entries = Entries::default();
        for i in 0..count {
            entries.make(|out| {
                begin_row(first + i as u64, &[], out);
                values(&self.codec, i, out)
            })?;
        }
        self.rows.insert_sorted(&entries.all())
    }

    /// All rows from the first on, as they are now.
    pub fn open(&self) -> impl BatchSource + use<> {
        let all: Vec<usize> = (0..self.codec.types().len()).collect();
        RowScan::new(&self.rows, None, None, Fill::new(&self.codec, &all))
    }

    /// The row at a place, from 0.
    ///
    /// # Errors
    /// 1105 when the spill file cannot be read.
    pub fn get(&self, place: usize) -> SqlResult<Option<Vec<Value>>> {
        let mut cursor = Cursor::new(&self.rows);
        if !cursor.find(&(place as u64).to_be_bytes())? {
            return Ok(None);
        }
        let types = self.codec.types();
        let mut decoder = Decoder::new(&self.codec, 0..types.len());
        decoder.push(RowEntry::of(cursor.entry().ok_or_else(damaged)?)?.values)?;
        let columns = decoder.take();
        let value = |(i, ty): (usize, &SqlType)| {
            columns.get(i).and_then(|c| c.as_ref()).map_or(Value::Null, |c| c.value(0, ty))
        };
        Ok(Some(types.iter().enumerate().map(value).collect()))
    }

    /// Puts another row at a place; nothing happens where there is none.
    ///
    /// # Errors
    /// As [`RowList::append`].
    pub fn set(&mut self, place: usize, row: &[Value]) -> SqlResult<()> {
        let mut entry = Vec::new();
        begin_row(place as u64, &[], &mut entry);
        self.codec.encode(row, &mut entry)?;
        if place < self.len() { self.rows.insert_sorted(&[entry]) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_row_can_be_looked_at_and_changed() {
        for limit in [0, 1 << 20] {
            let pool = Pool::new(limit, std::env::temp_dir());
            pool.set_leaf_bytes(64);
            let types = [SqlType::INT, SqlType::BIGINT];
            let row = |n: i32| vec![Value::Int(n), Value::BigInt(i64::from(n) << 33)];
            let mut list = RowList::new(&types, &pool);
            let all: Vec<Vec<Value>> = (0..1500).map(row).collect();
            list.append(&all).unwrap();
            list.append_batch(&Batch::from_rows(&types, &all).unwrap()).unwrap();
            assert_eq!(list.len(), 3000);
            let was = list.clone();
            list.set(7, &row(-1)).unwrap();
            list.set(3000, &row(-1)).unwrap();
            for place in [0, 8, 1499, 1500, 2999] {
                assert_eq!(list.get(place).unwrap(), Some(row(place as i32 % 1500)));
            }
            assert_eq!((list.get(7).unwrap(), was.get(7).unwrap()), (Some(row(-1)), Some(row(7))));
            assert_eq!((list.get(3000).unwrap(), list.len()), (None, 3000));
            drop((list, was));
            assert_eq!((pool.used(), pool.file_bytes()), (0, 0));
        }
    }
}
