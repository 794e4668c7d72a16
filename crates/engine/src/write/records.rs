//! Rows made into records before anything is locked, many in one buffer.
//!
//! Invariants
//! 1. A record made here is byte for byte what [`super::row::record`] makes of the same values.
//! 2. A row that would have to leave something outside its record is refused by [`Records::finish`] or [`Records::value`]; it goes
//!    in as values.

use std::sync::Arc;

use holdfast_format::record::layout::{Placement, xtype};
use holdfast_format::record::writer::RecordShape;
use holdfast_format::record::{RowLayout, status};
use holdfast_types::storage_form::encode_into;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::row::{self, LARGEST_IN_ROW, MAX_ROW};

/// Where a column's value stands.
#[derive(Clone, Copy)]
struct Column {
    ty: SqlType,
    at: Placement,
    /// Longest value.
    length: usize,
    /// text, ntext, image: never in the record.
    outside: bool,
}

/// How the rows of a table become records.
pub struct RecordPlan {
    /// Fixed part, number of columns and NULL bits of a row in which everything is NULL.
    empty: Vec<u8>,
    /// Where the NULL bits stand in it.
    nulls: usize,
    /// By the table's columns; `None`: not stored.
    columns: Vec<Option<Column>>,
}

impl RecordPlan {
    /// `positions`: where the table's columns are in the layout. `None`: rows of this layout are not made here.
    pub fn new(layout: &RowLayout, types: &[SqlType], positions: &[Option<usize>]) -> Option<Self> {
        if layout.compression != 0 || layout.has_sparse() {
            return None;
        }
        let end = row::fixed_length(layout, RecordShape::Data);
        let bits = layout.columns.iter().map(|c| c.leaf.null_bit).max().unwrap_or(0);
        let mut empty = vec![0u8; usize::from(end)];
        empty[0] = status::NULL_BITMAP;
        empty[2..4].copy_from_slice(&end.to_le_bytes());
        empty.extend_from_slice(&bits.to_le_bytes());
        let nulls = empty.len();
        empty.resize(nulls + usize::from(bits).div_ceil(8), 0);
        for column in &layout.columns {
            let bit = usize::from(column.leaf.null_bit);
            // A uniquifier that is not there is empty, not NULL.
            if bit > 0 && !column.is_uniquifier() {
                empty[nulls + (bit - 1) / 8] |= 1 << ((bit - 1) % 8);
            }
        }
        let mut columns = Vec::with_capacity(positions.len());
        for (ordinal, position) in positions.iter().enumerate() {
            columns.push(match position {
                None => None,
                Some(p) => {
                    let column = layout.columns.get(*p)?;
                    if column.leaf.offset == 0 {
                        return None;
                    }
                    let outside = matches!(column.xtype, xtype::TEXT | xtype::NTEXT | xtype::IMAGE);
                    let length = if column.is_large() { usize::MAX } else { usize::from(column.length) };
                    Some(Column { ty: *types.get(ordinal)?, at: column.leaf, length, outside })
                }
            });
        }
        Some(RecordPlan { empty, nulls, columns })
    }
}

/// Records made by a plan.
pub struct Records {
    plan: Arc<RecordPlan>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Variable values of the row that is being made, and where each stands there, by its number.
    variable: Vec<u8>,
    places: Vec<(u32, u32)>,
    scratch: Vec<u8>,
}

impl Records {
    pub fn new(plan: Arc<RecordPlan>) -> Self {
        let (bytes, ends, variable) = (Vec::new(), Vec::new(), Vec::new());
        Records { plan, bytes, ends, variable, places: Vec::new(), scratch: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Forgets the records, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(0) };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or(&[])
    }

    fn start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// A new row begins: every column is NULL.
    pub fn begin(&mut self) {
        let start = self.start();
        self.bytes.truncate(start);
        self.bytes.extend_from_slice(&self.plan.empty);
        self.variable.clear();
        self.places.clear();
    }

    fn not_null(&mut self, at: &Placement) {
        if let Some(bit) = usize::from(at.null_bit).checked_sub(1) {
            let byte = self.start() + self.plan.nulls + bit / 8;
            self.bytes[byte] &= !(1 << (bit % 8));
        }
    }

    /// Sets a column to its stored bytes, of which fixed columns have exactly their size. False: it is not stored in records.
    pub fn set(&mut self, ordinal: usize, stored: &[u8]) -> bool {
        let Some(Some(column)) = self.plan.columns.get(ordinal).copied() else { return false };
        let at = column.at;
        if column.outside || column.length == usize::MAX && stored.len() > LARGEST_IN_ROW {
            return false;
        }
        if at.offset < 0 {
            let index = usize::from(at.offset.unsigned_abs()) - 1;
            if self.places.len() <= index {
                self.places.resize(index + 1, (0, 0));
            }
            let start = self.variable.len() as u32;
            self.variable.extend_from_slice(stored);
            self.places[index] = (start, self.variable.len() as u32);
        } else {
            let offset = self.start() + usize::from(at.offset.unsigned_abs());
            if at.is_bit {
                if stored.first().is_some_and(|b| b & 1 == 1) {
                    self.bytes[offset] |= 1 << (at.bit & 7);
                }
            } else if stored.len() == usize::from(at.size) {
                self.bytes[offset..offset + stored.len()].copy_from_slice(stored);
            } else {
                return false;
            }
        }
        self.not_null(&at);
        true
    }

    /// Sets a column to a value of its type. False: the row has to go in as values.
    pub fn value(&mut self, ordinal: usize, value: &Value) -> SqlResult<bool> {
        let Some(Some(column)) = self.plan.columns.get(ordinal).copied() else { return Ok(true) };
        if value.is_null() {
            return Ok(true);
        }
        if column.outside {
            return Ok(false);
        }
        let mut stored = std::mem::take(&mut self.scratch);
        stored.clear();
        let done = encode_into(&column.ty, value, &mut stored).map_err(|e| row::cannot_store(&e));
        let size = usize::from(column.at.size);
        if column.at.offset > 0 && size > 0 {
            row::pad(column.ty.id, size, &mut stored);
        }
        let set = done.map(|()| self.set(ordinal, &stored));
        self.scratch = stored;
        set
    }

    /// The row is complete. False: it does not fit into a record and is gone.
    pub fn finish(&mut self) -> bool {
        let start = self.start();
        while self.places.last().is_some_and(|(a, b)| a == b) {
            self.places.pop();
        }
        let count = self.places.len();
        if count > 0 {
            let total = self.bytes.len() - start + 2 + 2 * count + self.variable.len();
            if total > MAX_ROW {
                self.bytes.truncate(start);
                return false;
            }
            self.bytes[start] |= status::VARIABLE;
            self.bytes.extend_from_slice(&(count as u16).to_le_bytes());
            let mut end = self.bytes.len() - start + 2 * count;
            for (a, b) in &self.places {
                end += (b - a) as usize;
                self.bytes.extend_from_slice(&(end as u16).to_le_bytes());
            }
            for (a, b) in &self.places {
                self.bytes.extend_from_slice(&self.variable[*a as usize..*b as usize]);
            }
        }
        if self.bytes.len() - start > MAX_ROW {
            self.bytes.truncate(start);
            return false;
        }
        self.ends.push(self.bytes.len());
        true
    }

    /// Adds a row of values. False: it has to go in as values.
    pub fn push(&mut self, values: &[Value]) -> SqlResult<bool> {
        self.begin();
        for (ordinal, value) in values.iter().enumerate() {
            if !self.value(ordinal, value)? {
                return Ok(false);
            }
        }
        Ok(self.finish())
    }
}

/// What a table says that cannot take records.
pub fn refused() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: records for a table that takes rows as values only.")
}
