//! One view over plain and compressed rows of a page.
//!
//! Invariants
//! 1. [`Row::field`] of the same logical row gives the same bytes whichever form the row is stored in.
//! 2. The scratch buffers are reused: reading a plain row allocates nothing.

use std::borrow::Cow;
use std::sync::Arc;

use holdfast_base::Rid;

use super::compressed::{CdRecord, CdSlot, CdType, expand};
use super::layout::{PhysicalColumn, RowLayout};
use super::page_compression::CompressionInfo;
use super::{Field, FixedVar, RecordType, sparse, status};
use crate::error::{FormatError, RecordError};
use crate::page::{HEADER_SIZE, PageType, PageView};

/// What a slot holds, for a reader of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    /// A row that belongs here.
    Row,
    /// A row that belongs to another slot of the heap.
    Forwarded,
    /// Only a pointer to where the row is.
    Stub,
    /// Deleted, not cleaned up yet.
    Ghost,
}

/// A row of a page, leaf or non-leaf.
#[derive(Clone, Debug)]
pub enum Row<'a> {
    Plain(FixedVar<'a>),
    Compressed { record: CdRecord<'a>, slots: Vec<CdSlot>, info: Option<Arc<CompressionInfo>> },
}

impl<'a> Row<'a> {
    pub fn kind(&self) -> RowKind {
        match self {
            Row::Plain(r) => match r.record_type() {
                RecordType::Forwarded => RowKind::Forwarded,
                RecordType::Stub => RowKind::Stub,
                RecordType::Primary | RecordType::Index => RowKind::Row,
                _ => RowKind::Ghost,
            },
            Row::Compressed { record, .. } => match record.record_type() {
                CdType::Forwarded => RowKind::Forwarded,
                CdType::Stub => RowKind::Stub,
                CdType::Primary | CdType::Index => RowKind::Row,
                _ => RowKind::Ghost,
            },
        }
    }

    /// A record without compression information of its page.
    pub fn parse(bytes: &'a [u8], index_page: bool, pminlen: u16) -> Result<Self, RecordError> {
        parse(bytes, index_page, pminlen, None)
    }

    /// The record's own bytes in a form that can be read without its page: see [`Row::parse`].
    pub fn standalone(&self, layout: &RowLayout) -> Result<Cow<'a, [u8]>, RecordError> {
        Ok(match self {
            Row::Plain(r) => Cow::Borrowed(r.bytes()),
            Row::Compressed { record, info: None, .. } => Cow::Borrowed(record.whole()),
            Row::Compressed { record, info: Some(info), .. } => {
                Cow::Owned(info.decode(layout, record.whole())?)
            }
        })
    }

    /// The address that a forwarded row belongs to.
    pub fn back_pointer(&self) -> Option<Rid> {
        match self {
            Row::Plain(r) => r.back_pointer(),
            Row::Compressed { record, .. } => record.back_pointer(),
        }
    }

    /// The value of the column at `position` of the layout; bytes that had to be rebuilt are in `scratch`.
    pub fn field<'s>(
        &self,
        layout: &RowLayout,
        position: usize,
        internal: bool,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Field<'s>, RecordError>
    where
        'a: 's,
    {
        let Some(column) = layout.columns.get(position) else { return Ok(Field::Missing) };
        match self {
            Row::Plain(record) => {
                let place = if internal { &column.internal } else { &column.leaf };
                if place.offset == 0 && column.is_sparse() {
                    return sparse_field(record, column);
                }
                record.field(place)
            }
            Row::Compressed { record, slots, info } => {
                compressed_field(record, slots, info.as_deref(), column, position, scratch)
            }
        }
    }
}

/// A sparse column: look into the last variable column when it is a sparse vector (in forwarded records the one before the way back).
pub fn sparse_field<'a>(record: &FixedVar<'a>, column: &PhysicalColumn) -> Result<Field<'a>, RecordError> {
    for index in (0..record.variable_count()).rev().take(2) {
        if let Some((data, true)) = record.variable(index)?
            && sparse::is_vector(data)
        {
            return Ok(match sparse::find(data, column.column_id)? {
                Field::Bytes(bytes) if column.xtype == super::layout::xtype::BIT => {
                    Field::Bit(bytes.first().is_some_and(|b| b & 1 == 1))
                }
                field => field,
            });
        }
    }
    Ok(Field::Null)
}

fn compressed_field<'s, 'a: 's>(
    record: &CdRecord<'a>,
    slots: &[CdSlot],
    info: Option<&CompressionInfo>,
    column: &PhysicalColumn,
    position: usize,
    scratch: &'s mut Vec<u8>,
) -> Result<Field<'s>, RecordError> {
    let Some(slot) = slots.get(position) else { return Ok(Field::Missing) };
    let is_bit = column.xtype == super::layout::xtype::BIT;
    let stored: &[u8] = match *slot {
        CdSlot::Null => return Ok(Field::Null),
        CdSlot::True => return Ok(Field::Bit(true)),
        CdSlot::Empty if is_bit => return Ok(Field::Bit(false)),
        CdSlot::Empty => &[],
        CdSlot::Complex(a, z) => return Ok(Field::Complex(record.range(a, z))),
        CdSlot::Short(a, z) | CdSlot::Long(a, z) => record.range(a, z),
        CdSlot::Symbol(symbol) => {
            info.ok_or(RecordError::new(0, "a symbol on a page without a dictionary"))?.entry(symbol)?
        }
    };
    scratch.clear();
    if let Some(info) = info {
        let mut resolved = Vec::new();
        info.resolve(position, stored, &mut resolved)?;
        expand(column, &resolved, scratch)?;
    } else {
        expand(column, stored, scratch)?;
    }
    Ok(Field::Bytes(scratch))
}

/// The rows of one data or index page.
#[derive(Clone, Debug)]
pub struct PageRows<'a> {
    view: PageView<'a>,
    index_page: bool,
    pminlen: u16,
    info: Option<Arc<CompressionInfo>>,
}

impl<'a> PageRows<'a> {
    /// Prepares a page; reads the compression information when there is one.
    pub fn new(view: PageView<'a>) -> Result<Self, FormatError> {
        let info = if view.is_page_compressed() {
            let parsed = CompressionInfo::parse(&view.bytes()[HEADER_SIZE..]);
            Some(Arc::new(parsed.map_err(|e| FormatError::Page { page: view.page_id(), what: e.what })?))
        } else {
            None
        };
        Ok(PageRows { view, index_page: view.is(PageType::Index), pminlen: view.pminlen(), info })
    }

    pub const fn view(&self) -> PageView<'a> {
        self.view
    }

    pub const fn len(&self) -> u16 {
        self.view.slot_count()
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row in a slot; `None` for an empty slot.
    pub fn row(&self, slot: u16) -> Result<Option<Row<'a>>, FormatError> {
        if self.view.slot_is_empty(slot) {
            return Ok(None);
        }
        let bytes = self.view.require_record(slot)?;
        self.parse(bytes).map(Some).map_err(|e| e.at(self.view.page_id(), slot))
    }

    /// The fixed part of the plain record in a slot (status bytes included), without a look at what follows it. `None`: there is no
    /// such record, it is compressed or only points elsewhere, or its fixed part does not lie within the page.
    #[inline]
    pub fn fixed_part(&self, slot: u16) -> Option<&'a [u8]> {
        let bytes = self.view.record(slot)?;
        let first = *bytes.first()?;
        let plain = first & status::COMPRESSED == 0
            && !matches!(RecordType::of(first), RecordType::Stub | RecordType::Lob);
        if !plain {
            return None;
        }
        let end =
            if self.index_page { self.pminlen } else { u16::from_le_bytes([*bytes.get(2)?, *bytes.get(3)?]) };
        bytes.get(..usize::from(end))
    }

    /// The bytes of the page's compression information; empty when it has none.
    pub fn information(&self) -> &'a [u8] {
        let size = self.info.as_ref().map_or(0, |info| info.size);
        self.view.bytes().get(HEADER_SIZE..HEADER_SIZE + size).unwrap_or(&[])
    }

    /// A record made for no page in particular as it has to stand on this one.
    pub fn fitted<'r>(&self, layout: &RowLayout, record: &'r [u8]) -> Result<Cow<'r, [u8]>, FormatError> {
        match &self.info {
            Some(info) if record.first().is_some_and(|b| b & status::COMPRESSED != 0) => info
                .encode(layout, record)
                .map(Cow::Owned)
                .map_err(|e| FormatError::Page { page: self.view.page_id(), what: e.what }),
            _ => Ok(Cow::Borrowed(record)),
        }
    }

    /// Parses the record at the start of `bytes` as this page's records are.
    pub fn parse(&self, bytes: &'a [u8]) -> Result<Row<'a>, RecordError> {
        parse(bytes, self.index_page, self.pminlen, self.info.as_ref())
    }
}

fn parse<'a>(
    bytes: &'a [u8],
    index_page: bool,
    pminlen: u16,
    info: Option<&Arc<CompressionInfo>>,
) -> Result<Row<'a>, RecordError> {
    if bytes.first().is_some_and(|b| b & status::COMPRESSED != 0) {
        let mut slots = Vec::new();
        let record = CdRecord::parse(bytes, &mut slots)?;
        return Ok(Row::Compressed { record, slots, info: info.cloned() });
    }
    if bytes.first().is_some_and(|b| RecordType::of(*b) == RecordType::Stub) {
        return FixedVar::parse_stub(bytes).map(Row::Plain);
    }
    if index_page {
        FixedVar::parse_index(bytes, pminlen).map(Row::Plain)
    } else {
        FixedVar::parse_data(bytes).map(Row::Plain)
    }
}
