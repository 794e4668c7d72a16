//! Column batches: the unit in which operators exchange rows.
//!
//! Invariants
//! 1. Every column of a batch has `len` entries; a NULL entry has its null bit set and any filler value.
//! 2. The vector's variant is a function of the column's `TypeId` (see [`ColumnData`]), never of the data.

use std::sync::Arc;

use crate::{Guid, Value};

/// Rows per batch that operators aim at.
pub const BATCH_ROWS: usize = 1024;

/// A vector of values of one type.
#[derive(Clone, Debug)]
pub enum ColumnData {
    /// bit (0/1) and tinyint.
    U8(Vec<u8>),
    /// smallint.
    I16(Vec<i16>),
    /// int, date (days), smallmoney.
    I32(Vec<i32>),
    /// bigint, money, time (ticks).
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// decimal mantissas; the scale is the column type's.
    Decimal(Vec<i128>),
    /// All character types, xml and json: UTF-16 units.
    Utf16(VarColumn<u16>),
    /// All binary types.
    Bytes(VarColumn<u8>),
    Guid(Vec<Guid>),
    /// Everything else (datetime family except date and time, sql_variant).
    Values(Vec<Value>),
}

/// Variable-length entries back to back: entry i is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug)]
pub struct VarColumn<T> {
    pub data: Vec<T>,
    pub offsets: Vec<u32>,
}

impl<T> VarColumn<T> {
    pub fn new() -> Self {
        VarColumn { data: Vec::new(), offsets: vec![0] }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn entry(&self, row: usize) -> &[T] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub fn push(&mut self, entry: &[T])
    where
        T: Copy,
    {
        self.data.extend_from_slice(entry);
        self.offsets.push(self.data.len() as u32);
    }
}

impl<T> Default for VarColumn<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A column: values plus a null mask (`None` = no NULLs).
#[derive(Clone, Debug)]
pub struct Column {
    pub data: ColumnData,
    /// One entry per row when present; `true` = NULL.
    pub nulls: Option<Vec<bool>>,
}

/// A batch of rows. Columns are shared so that projections do not copy.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub len: usize,
    pub columns: Vec<Arc<Column>>,
}
