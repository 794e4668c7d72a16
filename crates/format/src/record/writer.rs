//! Building plain records from values.
//!
//! Invariants
//! 1. A built record parses back to the same fields.
//! 2. Null bits behind the last column are 0, bytes of NULL fixed columns are 0, trailing empty or NULL variable columns
//!    are left out: the canonical form. Genuine records may differ in exactly these respects.
//!    Before a sparse vector none is left out, so that it is never taken for one of them.
//! 3. [`Parts`] keeps every byte of a genuine record, so that taking one apart and putting it together changes nothing.

use super::fixed_var::FixedVar;
use super::layout::{Placement, RowLayout};
use super::{Field, sparse, status};
use crate::error::RecordError;

/// What kind of record to build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordShape {
    /// A row of a heap or clustered index: 4-byte prologue.
    Data,
    /// A leaf entry of a nonclustered index: 1-byte prologue.
    IndexLeaf,
    /// An entry of an upper level with its child pointer.
    IndexInternal([u8; 6]),
}

/// Builds a record; `fields` are in the order of the layout's columns.
pub fn build(layout: &RowLayout, fields: &[Field<'_>], shape: RecordShape) -> Result<Vec<u8>, RecordError> {
    let internal = matches!(shape, RecordShape::IndexInternal(_));
    let place = |i: usize| -> &Placement {
        if internal { &layout.columns[i].internal } else { &layout.columns[i].leaf }
    };
    if fields.len() != layout.columns.len() {
        return Err(RecordError::new(0, "as many values as columns are needed"));
    }
    let start = if shape == RecordShape::Data { 4 } else { 1 };
    let fixed_end = (0..fields.len())
        .filter(|&i| place(i).offset > 0)
        .map(|i| usize::from(place(i).offset.unsigned_abs()) + usize::from(place(i).size))
        .max()
        .unwrap_or(start)
        .max(start);
    let mut out = vec![0u8; fixed_end];
    let columns = (0..fields.len()).map(|i| place(i).null_bit).max().unwrap_or(0);
    let mut nulls = vec![0u8; usize::from(columns).div_ceil(8)];
    let mut variable: Vec<(&[u8], bool)> = Vec::new();
    let mut sparse_fields = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let at = place(i);
        if at.offset == 0 && layout.columns[i].is_sparse() && shape == RecordShape::Data {
            let id = u16::try_from(layout.columns[i].column_id);
            // A dropped column's number is beyond; it has no value any more.
            if let Ok(id) = id {
                sparse_fields.push((id, *field));
            }
            continue;
        }
        if at.offset == 0 && !matches!(shape, RecordShape::Data) {
            continue;
        }
        let (bytes, complex): (&[u8], bool) = match *field {
            Field::Null | Field::Missing => {
                if at.null_bit > 0 {
                    nulls[usize::from(at.null_bit - 1) / 8] |= 1 << ((at.null_bit - 1) % 8);
                }
                continue;
            }
            Field::Bit(bit) => {
                let offset = usize::from(at.offset.unsigned_abs());
                if at.offset > 0 && bit {
                    out[offset] |= 1 << (at.bit & 7);
                }
                continue;
            }
            Field::Bytes(bytes) => (bytes, false),
            Field::Complex(bytes) => (bytes, true),
        };
        if at.offset > 0 {
            let offset = usize::from(at.offset.unsigned_abs());
            if bytes.len() != usize::from(at.size) {
                return Err(RecordError::new(offset, "a fixed value does not have its column's size"));
            }
            out[offset..offset + bytes.len()].copy_from_slice(bytes);
        } else {
            let index = usize::from(at.offset.unsigned_abs()).saturating_sub(1);
            if variable.len() <= index {
                variable.resize(index + 1, (&[], false));
            }
            variable[index] = (bytes, complex);
        }
    }
    let vector = sparse::build(&sparse_fields)?;
    if let Some(vector) = &vector {
        let columns = layout.columns.iter().map(|c| c.leaf.offset).min().unwrap_or(0);
        variable.resize(usize::from(columns.min(0).unsigned_abs()), (&[], false));
        variable.push((vector, true));
    }
    while variable.last().is_some_and(|v| v.0.is_empty()) {
        variable.pop();
    }
    let with_bitmap = match shape {
        RecordShape::Data => true,
        RecordShape::IndexLeaf => columns > 0,
        RecordShape::IndexInternal(_) => layout.columns.iter().any(|c| {
            c.internal.offset != 0 && c.internal.null_bit > 0 && !c.is_not_null() && !c.is_uniquifier()
        }),
    };
    if let RecordShape::IndexInternal(child) = shape {
        out.extend_from_slice(&child);
    }
    out[0] = if shape == RecordShape::Data { 0 } else { 0x06 };
    if shape == RecordShape::Data {
        let end = u16::try_from(out.len()).map_err(|_| RecordError::new(2, "the record is too long"))?;
        out[2..4].copy_from_slice(&end.to_le_bytes());
    }
    if with_bitmap {
        out[0] |= status::NULL_BITMAP;
        out.extend_from_slice(&columns.to_le_bytes());
        out.extend_from_slice(&nulls);
    }
    if !variable.is_empty() {
        out[0] |= status::VARIABLE;
        out.extend_from_slice(&(variable.len() as u16).to_le_bytes());
        let mut end = out.len() + 2 * variable.len();
        for (bytes, complex) in &variable {
            end += bytes.len();
            let raw = u16::try_from(end).ok().filter(|e| *e < 0x8000);
            let raw = raw.ok_or(RecordError::new(0, "the record is too long"))?;
            out.extend_from_slice(&(raw | u16::from(*complex) << 15).to_le_bytes());
        }
        for (bytes, _) in &variable {
            out.extend_from_slice(bytes);
        }
    }
    Ok(out)
}

/// A record taken apart, with all its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts {
    pub status_a: u8,
    /// The fixed part behind the status byte (data records: with status B and the length field).
    pub fixed: Vec<u8>,
    pub column_count: u16,
    pub null_bitmap: Vec<u8>,
    pub variable: Vec<(Vec<u8>, bool)>,
    pub version_tag: Vec<u8>,
}

impl Parts {
    pub fn of(record: &FixedVar<'_>) -> Result<Self, RecordError> {
        let bytes = record.bytes();
        let fixed_end = usize::from(record.fixed_end());
        let bitmap_bytes = usize::from(record.column_count()).div_ceil(8);
        let bitmap_at = fixed_end + 2;
        let null_bitmap = if record.has_null_bitmap() {
            bytes[bitmap_at..bitmap_at + bitmap_bytes].to_vec()
        } else {
            Vec::new()
        };
        let mut variable = Vec::new();
        for index in 0..record.variable_count() {
            if let Some((data, complex)) = record.variable(index)? {
                variable.push((data.to_vec(), complex));
            }
        }
        Ok(Parts {
            status_a: record.status(),
            fixed: bytes[1..fixed_end].to_vec(),
            column_count: record.column_count(),
            null_bitmap,
            variable,
            version_tag: record.version_tag().unwrap_or(&[]).to_vec(),
        })
    }

    pub fn assemble(&self) -> Vec<u8> {
        let mut out = vec![self.status_a];
        out.extend_from_slice(&self.fixed);
        if self.status_a & status::NULL_BITMAP != 0 {
            out.extend_from_slice(&self.column_count.to_le_bytes());
            out.extend_from_slice(&self.null_bitmap);
        }
        if self.status_a & status::VARIABLE != 0 {
            out.extend_from_slice(&(self.variable.len() as u16).to_le_bytes());
            let mut end = out.len() + 2 * self.variable.len();
            for (bytes, complex) in &self.variable {
                end += bytes.len();
                out.extend_from_slice(&(end as u16 | u16::from(*complex) << 15).to_le_bytes());
            }
            for (bytes, _) in &self.variable {
                out.extend_from_slice(bytes);
            }
        }
        out.extend_from_slice(&self.version_tag);
        out
    }
}
