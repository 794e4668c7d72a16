//! Values to records.
//!
//! Invariants
//! 1. A record built here decodes to the same values (tests/write.rs).
//! 2. Records of compressed rowsets are made for a page without compression information; who puts one on a page with it
//!    fits it to the page (`PageRows::fitted`).
//! 3. A record is at most [`MAX_ROW`] bytes; what does not fit goes out of the row by the caller.

use std::ops::Deref;

use holdfast_format::RecordError;
use holdfast_format::record::layout::xtype;
use holdfast_format::record::writer::{RecordShape, build};
use holdfast_format::record::{Field, RowLayout, compressed};
use holdfast_types::storage_form::{StorageFormError, encode_into};
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId, Value};
use smallvec::SmallVec;

/// Longest value of a MAX type that stays in its row, in bytes.
pub const LARGEST_IN_ROW: usize = 8000;
/// Longest record of a table, without version tag.
pub const MAX_ROW: usize = 8060;

/// Bytes of a field. Most are short, and a row has many: those need no memory of their own.
pub type FieldBytes = SmallVec<[u8; SHORT]>;
const SHORT: usize = 24;

/// A stored field: NULL, or its bytes; `complex` when they are a pointer to where the value is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub bytes: Option<FieldBytes>,
    pub complex: bool,
    /// A bit column's value is a bit.
    pub bit: bool,
}

impl Stored {
    pub fn null() -> Self {
        Self::default()
    }

    pub fn plain(bytes: impl Into<FieldBytes>) -> Self {
        Stored { bytes: Some(bytes.into()), complex: false, bit: false }
    }

    pub fn pointer(bytes: impl Into<FieldBytes>) -> Self {
        Stored { bytes: Some(bytes.into()), complex: true, bit: false }
    }

    pub fn field(&self) -> Field<'_> {
        match &self.bytes {
            None => Field::Null,
            Some(b) if self.bit => Field::Bit(b.first().is_some_and(|v| v & 1 == 1)),
            Some(b) if self.complex => Field::Complex(b),
            Some(b) => Field::Bytes(b),
        }
    }
}

/// A value in its stored form.
pub fn stored(ty: &SqlType, value: &Value) -> SqlResult<Stored> {
    stored_with(ty, value, &mut Vec::new())
}

/// The same; `scratch` is for whoever stores several.
pub(super) fn stored_with(ty: &SqlType, value: &Value, scratch: &mut Vec<u8>) -> SqlResult<Stored> {
    if value.is_null() {
        return Ok(Stored::null());
    }
    scratch.clear();
    encode_into(ty, value, scratch).map_err(|e| cannot_store(&e))?;
    let short = scratch.len() <= SHORT;
    let bytes = if short { scratch.as_slice().into() } else { std::mem::take(scratch).into() };
    Ok(Stored { bytes: Some(bytes), complex: false, bit: ty.id.xtype() == xtype::BIT })
}

pub(super) fn cannot_store(e: &StorageFormError) -> SqlError {
    SqlError::with_text(8624, 16, format!("Internal error: a value cannot be stored: {e}."))
}

/// Fixed-size character and binary values are stored at their full length, `size` bytes.
pub(crate) fn pad<B: Deref<Target = [u8]> + Extend<u8>>(id: TypeId, size: usize, bytes: &mut B) {
    let with: &[u8] = match id {
        TypeId::Char => b" ",
        TypeId::NChar => &[b' ', 0],
        TypeId::Binary => &[0],
        _ => return,
    };
    let missing = size.saturating_sub(bytes.len());
    bytes.extend(with.iter().copied().cycle().take(missing));
}

/// The record of stored fields in the order of the layout's columns.
pub fn record(layout: &RowLayout, fields: &[Stored], shape: RecordShape) -> SqlResult<Vec<u8>> {
    let fields: Vec<Field<'_>> = fields.iter().map(Stored::field).collect();
    record_of(layout, &fields, shape).map_err(|e| {
        SqlError::with_text(8624, 16, format!("Internal error: a row cannot be stored: {}.", e.what))
    })
}

/// The record of fields, in the form that the rowset's records have.
pub fn record_of(
    layout: &RowLayout,
    fields: &[Field<'_>],
    shape: RecordShape,
) -> Result<Vec<u8>, RecordError> {
    if layout.compression == 0 {
        build(layout, fields, shape)
    } else {
        compressed::build_row(layout, fields, shape)
    }
}

/// Length of the fixed part of the rowset's records, which pages carry as pminlen.
pub fn fixed_length(layout: &RowLayout, shape: RecordShape) -> u16 {
    let start = if shape == RecordShape::Data { 4 } else { 1 };
    let internal = matches!(shape, RecordShape::IndexInternal(_));
    let places = layout.columns.iter().map(|c| if internal { c.internal } else { c.leaf });
    let end =
        places.filter(|p| p.offset > 0).map(|p| p.offset.unsigned_abs() + p.size).max().unwrap_or(start);
    end.max(start) + if internal { 6 } else { 0 }
}
