//! Whole columns of a page into batch vectors: one pass over the page's records per column, no allocation per row.
//!
//! Invariants
//! 1. Every column of a target gets exactly one entry per record, so that all have the same length afterwards.
//! 2. A record without the column (added later) gives the stored default, or NULL.

use holdfast_format::record::{Field, FixedVar, RowLayout, row::Row, row::sparse_field};
use holdfast_format::{FormatError, PageSource, RecordError, lob};
use holdfast_types::batch::ColumnData;
use holdfast_types::{Column, Date, DateTime, SmallDateTime, SqlType, Time, TypeId, Value};

use super::{array, date, datetime, datetime2, text, ticks, value};
use holdfast_base::{PageId, Rid};
use std::borrow::Cow;
use std::sync::Arc;

use crate::write::bookmark;

/// How one requested column is found in the records of a rowset.
#[derive(Clone, Debug)]
pub struct ColumnPlan {
    pub ty: SqlType,
    /// Position in the layout; `None` = the rowset does not hold the column.
    pub position: Option<usize>,
    /// What a record gives that is older than the column.
    pub missing: Value,
    /// The pseudo column that names rows.
    pub bookmark: Option<Arc<BookmarkPlan>>,
}

/// What a bookmark is made of besides the record's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookmarkPlan {
    pub place: BookmarkPlace,
    /// The row's partition, which follows at the end.
    pub partition: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookmarkPlace {
    Rid,
    /// Positions of the key columns in the layout.
    Key(Vec<usize>),
}

/// Records of one page that can tell their fields.
pub trait Fields {
    /// The record, as it can be read without its page.
    fn record(&self, layout: &RowLayout) -> Result<Cow<'_, [u8]>, RecordError>;
    /// Its key fields in the form of a bookmark.
    fn key(&self, layout: &RowLayout, positions: &[usize], out: &mut Vec<u8>) -> Result<(), RecordError>;
    /// The address a moved row belongs to.
    fn home(&self) -> Option<Rid>;

    fn field<'s>(
        &'s self,
        layout: &RowLayout,
        position: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Field<'s>, RecordError>;
}

impl Fields for FixedVar<'_> {
    fn record(&self, _: &RowLayout) -> Result<Cow<'_, [u8]>, RecordError> {
        Ok(Cow::Borrowed(self.bytes()))
    }
    fn key(&self, layout: &RowLayout, positions: &[usize], out: &mut Vec<u8>) -> Result<(), RecordError> {
        bookmark::key_fields(&Row::Plain(*self), layout, positions, false, out)
    }
    fn home(&self) -> Option<Rid> {
        self.back_pointer()
    }

    #[inline]
    fn field<'s>(
        &'s self,
        layout: &RowLayout,
        position: usize,
        _scratch: &'s mut Vec<u8>,
    ) -> Result<Field<'s>, RecordError> {
        let Some(column) = layout.columns.get(position) else { return Ok(Field::Missing) };
        if column.leaf.offset == 0 && column.is_sparse() {
            return sparse_field(self, column);
        }
        FixedVar::field(self, &column.leaf)
    }
}

impl Fields for Row<'_> {
    fn record(&self, layout: &RowLayout) -> Result<Cow<'_, [u8]>, RecordError> {
        self.standalone(layout)
    }
    fn key(&self, layout: &RowLayout, positions: &[usize], out: &mut Vec<u8>) -> Result<(), RecordError> {
        bookmark::key_fields(self, layout, positions, false, out)
    }
    fn home(&self) -> Option<Rid> {
        self.back_pointer()
    }

    fn field<'s>(
        &'s self,
        layout: &RowLayout,
        position: usize,
        scratch: &'s mut Vec<u8>,
    ) -> Result<Field<'s>, RecordError> {
        Row::field(self, layout, position, false, scratch)
    }
}

/// The records of a page with their slots.
pub struct Records<'r, R> {
    pub source: &'r dyn PageSource,
    pub layout: &'r RowLayout,
    pub page: PageId,
    pub rows: &'r [(u16, R)],
}

/// A column being filled.
pub struct Target {
    pub data: ColumnData,
    nulls: Option<Vec<bool>>,
}

impl Target {
    pub fn new(ty: &SqlType, capacity: usize) -> Self {
        Target { data: ColumnData::for_type(ty, capacity), nulls: None }
    }

    /// Forgets the entries from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.data.truncate(length);
        if let Some(nulls) = &mut self.nulls {
            nulls.truncate(length);
        }
    }

    /// The null flags of the first `length` rows, to be extended by those of the rows after them.
    pub(super) fn null_flags(&mut self, length: usize) -> &mut Vec<bool> {
        let nulls = self.nulls.get_or_insert_with(|| vec![false; length]);
        nulls.resize(length, false);
        nulls
    }

    fn push_null(&mut self) {
        let length = self.data.len();
        self.null_flags(length).push(true);
        self.data.push_filler(1);
    }

    fn push_value(&mut self, ty: &SqlType, value: &Value) -> Result<(), RecordError> {
        if value.is_null() {
            self.push_null();
            return Ok(());
        }
        self.data.push(ty, value).map_err(|_| {
            RecordError::new(0, "a value does not have its column's type or the batch is too large")
        })
    }

    /// The finished column.
    pub fn finish(mut self) -> Column {
        let length = self.data.len();
        match self.nulls.take() {
            Some(mut nulls) => {
                nulls.resize(length, false);
                Column::with_nulls(self.data, nulls)
            }
            None => Column::new(self.data),
        }
    }
}

/// Runs `$store` for each record that has bytes; NULLs and missing columns are dealt with here.
macro_rules! each_field {
    ($records:expr, $plan:expr, $position:expr, $target:expr, $variant:path, |$vector:ident, $bytes:ident| $store:expr) => {{
        let mut scratch = Vec::new();
        for (slot, record) in $records.rows {
            let fail = |e: RecordError| e.at($records.page, *slot);
            match record.field($records.layout, $position, &mut scratch).map_err(fail)? {
                Field::Bytes($bytes) => {
                    if let $variant($vector) = &mut $target.data {
                        $store.map_err(fail)?
                    } else {
                        return Err(fail(RecordError::new(0, "a column has another vector than its type")));
                    }
                }
                Field::Null => $target.push_null(),
                Field::Missing => $target.push_value(&$plan.ty, &$plan.missing).map_err(fail)?,
                Field::Bit(bit) => $target.push_value(&$plan.ty, &Value::Bit(bit)).map_err(fail)?,
                Field::Complex(pointer) => match lob::read($records.source, pointer)? {
                    None => $target.push_null(),
                    Some(long) => {
                        let $bytes: &[u8] = &long;
                        if let $variant($vector) = &mut $target.data {
                            $store.map_err(fail)?
                        }
                    }
                },
            }
        }
    }};
}

/// Appends one entry per record to `target`.
pub fn fill<R: Fields>(
    records: &Records<'_, R>,
    plan: &ColumnPlan,
    target: &mut Target,
) -> Result<(), FormatError> {
    if let Some(bookmark) = &plan.bookmark {
        return fill_bookmarks(records, bookmark, target);
    }
    let Some(position) = plan.position else {
        for (slot, _) in records.rows {
            target.push_value(&plan.ty, &plan.missing).map_err(|e| e.at(records.page, *slot))?;
        }
        return Ok(());
    };
    let scale = plan.ty.scale;
    let collation = plan.ty.collation;
    match plan.ty.id {
        TypeId::Bit => each_field!(records, plan, position, target, ColumnData::U8, |v, b| {
            array::<1>(b).map(|a| v.push(a[0] & 1))
        }),
        TypeId::TinyInt => each_field!(records, plan, position, target, ColumnData::U8, |v, b| {
            array::<1>(b).map(|a| v.push(a[0]))
        }),
        TypeId::SmallInt => each_field!(records, plan, position, target, ColumnData::I16, |v, b| {
            array(b).map(|a| v.push(i16::from_le_bytes(a)))
        }),
        TypeId::Int | TypeId::SmallMoney | TypeId::Null => {
            each_field!(records, plan, position, target, ColumnData::I32, |v, b| {
                array(b).map(|a| v.push(i32::from_le_bytes(a)))
            })
        }
        TypeId::Date => each_field!(records, plan, position, target, ColumnData::I32, |v, b| {
            date(b).map(|d| v.push(Date(d).0))
        }),
        TypeId::BigInt | TypeId::Money => {
            each_field!(records, plan, position, target, ColumnData::I64, |v, b| {
                array(b).map(|a| v.push(i64::from_le_bytes(a)))
            })
        }
        TypeId::Time => each_field!(records, plan, position, target, ColumnData::I64, |v, b| {
            ticks(b, scale).map(|t| v.push(Time(t).0 as i64))
        }),
        TypeId::Real => each_field!(records, plan, position, target, ColumnData::F32, |v, b| {
            array(b).map(|a| v.push(f32::from_le_bytes(a)))
        }),
        TypeId::Float => each_field!(records, plan, position, target, ColumnData::F64, |v, b| {
            array(b).map(|a| v.push(f64::from_le_bytes(a)))
        }),
        TypeId::Decimal | TypeId::Numeric => {
            each_field!(records, plan, position, target, ColumnData::Decimal, |v, b| {
                holdfast_format::record::number::decode_decimal(b).map(|m| v.push(m))
            })
        }
        TypeId::UniqueIdentifier => each_field!(records, plan, position, target, ColumnData::Guid, |v, b| {
            array(b).map(|a| v.push(a))
        }),
        TypeId::DateTime => each_field!(records, plan, position, target, ColumnData::DateTime, |v, b| {
            datetime(b).map(|d: DateTime| v.push(d))
        }),
        TypeId::DateTime2 => each_field!(records, plan, position, target, ColumnData::DateTime2, |v, b| {
            datetime2(b, scale).map(|d| v.push(d))
        }),
        TypeId::SmallDateTime => {
            each_field!(records, plan, position, target, ColumnData::SmallDateTime, |v, b| {
                array::<4>(b).map(|a| {
                    v.push(SmallDateTime {
                        minutes: u16::from_le_bytes([a[0], a[1]]),
                        days: u16::from_le_bytes([a[2], a[3]]),
                    });
                })
            })
        }
        TypeId::NChar | TypeId::NVarChar | TypeId::NText => {
            each_field!(records, plan, position, target, ColumnData::Utf16, |v, b| {
                v.data.extend(b.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])));
                close(&mut v.offsets, v.data.len())
            })
        }
        TypeId::Char | TypeId::VarChar | TypeId::Text => {
            each_field!(records, plan, position, target, ColumnData::Utf16, |v, b| {
                text::decode(collation, b, &mut v.data);
                close(&mut v.offsets, v.data.len())
            })
        }
        TypeId::Binary
        | TypeId::VarBinary
        | TypeId::Image
        | TypeId::RowVersion
        | TypeId::HierarchyId
        | TypeId::Geometry
        | TypeId::Geography
        | TypeId::Clr
        | TypeId::Vector => each_field!(records, plan, position, target, ColumnData::Bytes, |v, b| {
            v.data.extend_from_slice(b);
            close(&mut v.offsets, v.data.len())
        }),
        TypeId::Xml | TypeId::Json => {
            each_field!(records, plan, position, target, ColumnData::Utf16, |v, b| {
                value(&plan.ty, b).and_then(|x| match x {
                    Value::String(s) => {
                        v.data.extend_from_slice(s.units());
                        close(&mut v.offsets, v.data.len())
                    }
                    _ => Err(RecordError::new(0, "an xml value is not text")),
                })
            })
        }
        TypeId::DateTimeOffset | TypeId::SqlVariant => {
            let mut scratch = Vec::new();
            for (slot, record) in records.rows {
                let fail = |e: RecordError| e.at(records.page, *slot);
                let decoded = match record.field(records.layout, position, &mut scratch).map_err(fail)? {
                    Field::Bytes(b) => value(&plan.ty, b).map_err(fail)?,
                    Field::Complex(p) => match lob::read(records.source, p)? {
                        Some(long) => value(&plan.ty, &long).map_err(fail)?,
                        None => Value::Null,
                    },
                    Field::Missing => plan.missing.clone(),
                    Field::Null => Value::Null,
                    Field::Bit(bit) => Value::Bit(bit),
                };
                target.push_value(&plan.ty, &decoded).map_err(fail)?;
            }
        }
    }
    Ok(())
}

fn fill_bookmarks<R: Fields>(
    records: &Records<'_, R>,
    plan: &BookmarkPlan,
    target: &mut Target,
) -> Result<(), FormatError> {
    for (slot, row) in records.rows {
        let fail = |e: RecordError| e.at(records.page, *slot);
        let ColumnData::Bytes(v) = &mut target.data else {
            return Err(fail(RecordError::new(0, "a bookmark has another vector than bytes")));
        };
        let record = row.record(records.layout).map_err(|e| e.at(records.page, *slot))?;
        v.data.extend_from_slice(&bookmark::digest(&record).to_le_bytes());
        match &plan.place {
            BookmarkPlace::Rid => {
                let own = Rid { page: records.page, slot: *slot };
                v.data.extend_from_slice(&row.home().unwrap_or(own).to_bytes());
            }
            BookmarkPlace::Key(positions) => row.key(records.layout, positions, &mut v.data).map_err(fail)?,
        }
        if let Some(partition) = plan.partition {
            v.data.extend_from_slice(&partition.to_le_bytes());
        }
        close(&mut v.offsets, v.data.len()).map_err(fail)?;
    }
    Ok(())
}

/// Ends a variable-length entry; offsets are 32 bits wide.
fn close(offsets: &mut Vec<u32>, end: usize) -> Result<(), RecordError> {
    offsets
        .push(u32::try_from(end).map_err(|_| RecordError::new(0, "a batch of large values is too large"))?);
    Ok(())
}

/// One field as a value.
pub fn field_value(source: &dyn PageSource, ty: &SqlType, field: Field<'_>) -> Result<Value, FormatError> {
    let unplaced = |e: RecordError| FormatError::Catalog { what: e.what.to_owned() };
    Ok(match field {
        Field::Null | Field::Missing => Value::Null,
        Field::Bit(bit) => Value::Bit(bit),
        Field::Bytes(bytes) => value(ty, bytes).map_err(unplaced)?,
        Field::Complex(pointer) => match lob::read(source, pointer)? {
            Some(bytes) => value(ty, &bytes).map_err(unplaced)?,
            None => Value::Null,
        },
    })
}
