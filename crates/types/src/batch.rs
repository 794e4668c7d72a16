//! Column batches: the unit in which operators exchange rows.
//!
//! Invariants
//! 1. Every column of a batch has `len` entries; a NULL entry has its null bit set and any filler value.
//! 2. The vector's variant is a function of the column's `TypeId` (see [`ColumnData::for_type`]), never of the data.
//! 3. `nulls`, when present, has one entry per row; absent means that no row is NULL.
//! 4. A column does not know its type: `I32` may hold int, date or smallmoney. Whoever reads single values passes the type.

// The macros below serve Copy and Clone vectors alike.
#![allow(clippy::clone_on_copy)]

use std::sync::Arc;

use crate::{
    Date, DateTime, DateTime2, Decimal, Guid, SmallDateTime, SqlError, SqlResult, SqlString, SqlType, Time,
    TypeId, Value,
};

/// Rows per batch that operators aim at.
pub const BATCH_ROWS: usize = 1024;

/// The row index that [`Column::take_or_null`] turns into NULL (the missing side of an outer join).
pub const NO_ROW: u32 = u32::MAX;

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
    DateTime(Vec<DateTime>),
    DateTime2(Vec<DateTime2>),
    SmallDateTime(Vec<SmallDateTime>),
    /// Everything else (datetimeoffset, sql_variant).
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

    /// Room for `rows` entries of `units_per_row` units on average.
    pub fn with_capacity(rows: usize, units_per_row: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        VarColumn { data: Vec::with_capacity(rows.saturating_mul(units_per_row)), offsets }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn entry(&self, row: usize) -> &[T] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.offsets.windows(2).map(|w| &self.data[w[0] as usize..w[1] as usize])
    }
}

impl<T: Copy> VarColumn<T> {
    #[inline]
    pub fn push(&mut self, entry: &[T]) {
        self.data.extend_from_slice(entry);
        self.offsets.push(self.data.len() as u32);
    }

    fn truncate(&mut self, rows: usize) {
        if let Some(end) = self.offsets.get(rows) {
            self.data.truncate(*end as usize);
            self.offsets.truncate(rows + 1);
        }
    }

    fn take(&self, rows: &[u32]) -> Self {
        let total: usize =
            rows.iter().map(|&r| (self.offsets[r as usize + 1] - self.offsets[r as usize]) as usize).sum();
        let mut out =
            VarColumn { data: Vec::with_capacity(total), offsets: Vec::with_capacity(rows.len() + 1) };
        out.offsets.push(0);
        for &r in rows {
            out.push(self.entry(r as usize));
        }
        out
    }

    fn take_or_filler(&self, rows: &[u32]) -> Self {
        let mut out = VarColumn::with_capacity(rows.len(), 8);
        for &r in rows {
            out.push(if r == NO_ROW { &[] } else { self.entry(r as usize) });
        }
        out
    }

    fn slice(&self, offset: usize, len: usize) -> Self {
        let base = self.offsets[offset];
        let end = self.offsets[offset + len];
        VarColumn {
            data: self.data[base as usize..end as usize].to_vec(),
            offsets: self.offsets[offset..=offset + len].iter().map(|o| o - base).collect(),
        }
    }

    fn append(&mut self, other: &Self) {
        let base = self.data.len() as u32;
        self.data.extend_from_slice(&other.data);
        self.offsets.extend(other.offsets[1..].iter().map(|o| o + base));
    }
}

impl<T> Default for VarColumn<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs one expression for fixed-width vectors and another for variable-length ones.
macro_rules! each {
    ($data:expr, $v:ident => $fixed:expr, $w:ident => $var:expr) => {
        match $data {
            ColumnData::U8($v) => $fixed,
            ColumnData::I16($v) => $fixed,
            ColumnData::I32($v) => $fixed,
            ColumnData::I64($v) => $fixed,
            ColumnData::F32($v) => $fixed,
            ColumnData::F64($v) => $fixed,
            ColumnData::Decimal($v) => $fixed,
            ColumnData::Guid($v) => $fixed,
            ColumnData::DateTime($v) => $fixed,
            ColumnData::DateTime2($v) => $fixed,
            ColumnData::SmallDateTime($v) => $fixed,
            ColumnData::Values($v) => $fixed,
            ColumnData::Utf16($w) => $var,
            ColumnData::Bytes($w) => $var,
        }
    };
}

/// Builds a vector of the same variant from each arm's result.
macro_rules! map_each {
    ($data:expr, $v:ident => $fixed:expr, $w:ident => $var:expr) => {
        match $data {
            ColumnData::U8($v) => ColumnData::U8($fixed),
            ColumnData::I16($v) => ColumnData::I16($fixed),
            ColumnData::I32($v) => ColumnData::I32($fixed),
            ColumnData::I64($v) => ColumnData::I64($fixed),
            ColumnData::F32($v) => ColumnData::F32($fixed),
            ColumnData::F64($v) => ColumnData::F64($fixed),
            ColumnData::Decimal($v) => ColumnData::Decimal($fixed),
            ColumnData::Guid($v) => ColumnData::Guid($fixed),
            ColumnData::DateTime($v) => ColumnData::DateTime($fixed),
            ColumnData::DateTime2($v) => ColumnData::DateTime2($fixed),
            ColumnData::SmallDateTime($v) => ColumnData::SmallDateTime($fixed),
            ColumnData::Values($v) => ColumnData::Values($fixed),
            ColumnData::Utf16($w) => ColumnData::Utf16($var),
            ColumnData::Bytes($w) => ColumnData::Bytes($var),
        }
    };
}

/// Runs `$body` with both vectors when they are of the same variant, `$other` when not.
macro_rules! both {
    ($a:expr, $b:expr, $x:ident, $y:ident => $fixed:expr, $var:expr, else $other:expr) => {
        match ($a, $b) {
            (ColumnData::U8($x), ColumnData::U8($y)) => $fixed,
            (ColumnData::I16($x), ColumnData::I16($y)) => $fixed,
            (ColumnData::I32($x), ColumnData::I32($y)) => $fixed,
            (ColumnData::I64($x), ColumnData::I64($y)) => $fixed,
            (ColumnData::F32($x), ColumnData::F32($y)) => $fixed,
            (ColumnData::F64($x), ColumnData::F64($y)) => $fixed,
            (ColumnData::Decimal($x), ColumnData::Decimal($y)) => $fixed,
            (ColumnData::Guid($x), ColumnData::Guid($y)) => $fixed,
            (ColumnData::DateTime($x), ColumnData::DateTime($y)) => $fixed,
            (ColumnData::DateTime2($x), ColumnData::DateTime2($y)) => $fixed,
            (ColumnData::SmallDateTime($x), ColumnData::SmallDateTime($y)) => $fixed,
            (ColumnData::Values($x), ColumnData::Values($y)) => $fixed,
            (ColumnData::Utf16($x), ColumnData::Utf16($y)) => $var,
            (ColumnData::Bytes($x), ColumnData::Bytes($y)) => $var,
            _ => $other,
        }
    };
}

fn mismatch() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: a column holds values of another type than declared.")
}

impl ColumnData {
    /// An empty vector of the variant that holds `ty`, with room for `capacity` rows.
    pub fn for_type(ty: &SqlType, capacity: usize) -> ColumnData {
        match ty.id {
            TypeId::Bit | TypeId::TinyInt => ColumnData::U8(Vec::with_capacity(capacity)),
            TypeId::SmallInt => ColumnData::I16(Vec::with_capacity(capacity)),
            TypeId::Int | TypeId::Date | TypeId::SmallMoney | TypeId::Null => {
                ColumnData::I32(Vec::with_capacity(capacity))
            }
            TypeId::BigInt | TypeId::Money | TypeId::Time => ColumnData::I64(Vec::with_capacity(capacity)),
            TypeId::Real => ColumnData::F32(Vec::with_capacity(capacity)),
            TypeId::Float => ColumnData::F64(Vec::with_capacity(capacity)),
            TypeId::Decimal | TypeId::Numeric => ColumnData::Decimal(Vec::with_capacity(capacity)),
            TypeId::Char
            | TypeId::VarChar
            | TypeId::Text
            | TypeId::NChar
            | TypeId::NVarChar
            | TypeId::NText
            | TypeId::Xml
            | TypeId::Json => ColumnData::Utf16(VarColumn::with_capacity(capacity, 8)),
            TypeId::Binary
            | TypeId::VarBinary
            | TypeId::Image
            | TypeId::RowVersion
            | TypeId::HierarchyId
            | TypeId::Geometry
            | TypeId::Geography
            | TypeId::Clr
            | TypeId::Vector => ColumnData::Bytes(VarColumn::with_capacity(capacity, 8)),
            TypeId::UniqueIdentifier => ColumnData::Guid(Vec::with_capacity(capacity)),
            TypeId::DateTime => ColumnData::DateTime(Vec::with_capacity(capacity)),
            TypeId::DateTime2 => ColumnData::DateTime2(Vec::with_capacity(capacity)),
            TypeId::SmallDateTime => ColumnData::SmallDateTime(Vec::with_capacity(capacity)),
            TypeId::DateTimeOffset | TypeId::SqlVariant => ColumnData::Values(Vec::with_capacity(capacity)),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        each!(self, v => v.len(), w => w.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the entries from `len` on.
    pub fn truncate(&mut self, len: usize) {
        each!(self, v => v.truncate(len), w => w.truncate(len));
    }

    /// An empty vector of the same variant.
    pub fn new_like(&self) -> ColumnData {
        map_each!(self, _v => Vec::new(), _w => VarColumn::new())
    }

    /// Appends `count` filler values.
    pub fn push_filler(&mut self, count: usize) {
        each!(self,
            v => v.resize_with(v.len() + count, Default::default),
            w => { let end = w.data.len() as u32; w.offsets.resize(w.offsets.len() + count, end) })
    }

    /// Appends a non-NULL value of type `ty`.
    #[inline]
    pub fn push(&mut self, ty: &SqlType, value: &Value) -> SqlResult<()> {
        match (self, value) {
            (ColumnData::U8(v), Value::Bit(x)) => v.push(u8::from(*x)),
            (ColumnData::U8(v), Value::TinyInt(x)) => v.push(*x),
            (ColumnData::I16(v), Value::SmallInt(x)) => v.push(*x),
            (ColumnData::I32(v), Value::Int(x) | Value::SmallMoney(x)) => v.push(*x),
            (ColumnData::I32(v), Value::Date(x)) => v.push(x.0),
            (ColumnData::I64(v), Value::BigInt(x) | Value::Money(x)) => v.push(*x),
            (ColumnData::I64(v), Value::Time(x)) => v.push(x.0 as i64),
            (ColumnData::F32(v), Value::Real(x)) => v.push(*x),
            (ColumnData::F64(v), Value::Float(x)) => v.push(*x),
            (ColumnData::Decimal(v), Value::Decimal(x)) => v.push(rescale(x, ty.scale)?),
            (ColumnData::Utf16(v), Value::String(x)) => {
                check_size(v.data.len(), x.len())?;
                v.push(x.units())
            }
            (ColumnData::Bytes(v), Value::Binary(x)) => {
                check_size(v.data.len(), x.len())?;
                v.push(x)
            }
            (ColumnData::Guid(v), Value::Guid(x)) => v.push(*x),
            (ColumnData::DateTime(v), Value::DateTime(x)) => v.push(*x),
            (ColumnData::DateTime2(v), Value::DateTime2(x)) => v.push(*x),
            (ColumnData::SmallDateTime(v), Value::SmallDateTime(x)) => v.push(*x),
            (ColumnData::Values(v), Value::DateTimeOffset(_) | Value::Variant(_)) => v.push(value.clone()),
            _ => return Err(mismatch()),
        }
        Ok(())
    }

    /// The value at `row`, which must not be NULL, as type `ty`.
    #[inline]
    pub fn value(&self, row: usize, ty: &SqlType) -> Value {
        match self {
            ColumnData::U8(v) if ty.id == TypeId::Bit => Value::Bit(v[row] != 0),
            ColumnData::U8(v) => Value::TinyInt(v[row]),
            ColumnData::I16(v) => Value::SmallInt(v[row]),
            ColumnData::I32(v) => match ty.id {
                TypeId::Date => Value::Date(Date(v[row])),
                TypeId::SmallMoney => Value::SmallMoney(v[row]),
                _ => Value::Int(v[row]),
            },
            ColumnData::I64(v) => match ty.id {
                TypeId::Money => Value::Money(v[row]),
                TypeId::Time => Value::Time(Time(v[row] as u64)),
                _ => Value::BigInt(v[row]),
            },
            ColumnData::F32(v) => Value::Real(v[row]),
            ColumnData::F64(v) => Value::Float(v[row]),
            ColumnData::Decimal(v) => Value::Decimal(Decimal::new(v[row], ty.scale)),
            ColumnData::Utf16(v) => Value::String(SqlString::new(v.entry(row))),
            ColumnData::Bytes(v) => Value::Binary(Arc::from(v.entry(row))),
            ColumnData::Guid(v) => Value::Guid(v[row]),
            ColumnData::DateTime(v) => Value::DateTime(v[row]),
            ColumnData::DateTime2(v) => Value::DateTime2(v[row]),
            ColumnData::SmallDateTime(v) => Value::SmallDateTime(v[row]),
            ColumnData::Values(v) => v[row].clone(),
        }
    }

    fn take(&self, rows: &[u32]) -> ColumnData {
        map_each!(self, v => rows.iter().map(|&r| v[r as usize].clone()).collect(), w => w.take(rows))
    }

    fn take_or_filler(&self, rows: &[u32]) -> ColumnData {
        map_each!(self,
            v => rows.iter().map(|&r| if r == NO_ROW { Default::default() } else { v[r as usize].clone() }).collect(),
            w => w.take_or_filler(rows))
    }

    fn slice(&self, offset: usize, len: usize) -> ColumnData {
        map_each!(self, v => v[offset..offset + len].to_vec(), w => w.slice(offset, len))
    }

    fn append(&mut self, other: &ColumnData) -> SqlResult<()> {
        both!(&mut *self, other, x, y => x.extend_from_slice(y), { check_size(x.data.len(), y.data.len())?; x.append(y) }, else return Err(mismatch()));
        Ok(())
    }

    fn append_take(&mut self, other: &ColumnData, rows: &[u32]) -> SqlResult<()> {
        both!(&mut *self, other, x, y => x.extend(rows.iter().map(|&r| y[r as usize].clone())),
            for &r in rows {
                let e = y.entry(r as usize);
                check_size(x.data.len(), e.len())?;
                x.push(e);
            },
            else return Err(mismatch()));
        Ok(())
    }

    /// Bytes of memory the vector takes, roughly.
    pub fn memory(&self) -> usize {
        fn width<T>(v: &[T]) -> usize {
            size_of_val(v)
        }
        match self {
            ColumnData::Utf16(w) => w.data.len() * 2 + w.offsets.len() * 4,
            ColumnData::Bytes(w) => w.data.len() + w.offsets.len() * 4,
            other => each!(other, v => width(v), _w => 0),
        }
    }
}

/// Offsets are 32 bits wide: a column stays below 2^32 units.
#[inline]
fn check_size(now: usize, more: usize) -> SqlResult<()> {
    if now + more > u32::MAX as usize { Err(SqlError::new(701, &[&"default"])) } else { Ok(()) }
}

fn rescale(d: &Decimal, scale: u8) -> SqlResult<i128> {
    if d.scale == scale {
        return Ok(d.mantissa);
    }
    if d.scale < scale {
        10i128
            .checked_pow(u32::from(scale - d.scale))
            .and_then(|f| d.mantissa.checked_mul(f))
            .ok_or_else(mismatch)
    } else {
        let f = 10i128.checked_pow(u32::from(d.scale - scale)).ok_or_else(mismatch)?;
        let (q, r) = (d.mantissa / f, d.mantissa % f);
        Ok(if r.unsigned_abs() * 2 >= f.unsigned_abs() { q + d.mantissa.signum() } else { q })
    }
}

/// A column: values plus a null mask (`None` = no NULLs).
#[derive(Clone, Debug)]
pub struct Column {
    pub data: ColumnData,
    /// One entry per row when present; `true` = NULL.
    pub nulls: Option<Vec<bool>>,
}

impl Column {
    /// A column without NULLs.
    pub fn new(data: ColumnData) -> Self {
        Column { data, nulls: None }
    }

    /// Drops the mask when no row is NULL.
    pub fn with_nulls(data: ColumnData, nulls: Vec<bool>) -> Self {
        let nulls = if nulls.contains(&true) { Some(nulls) } else { None };
        Column { data, nulls }
    }

    /// An empty column for `ty`.
    pub fn empty(ty: &SqlType) -> Self {
        Column::new(ColumnData::for_type(ty, 0))
    }

    /// `len` times NULL.
    pub fn all_null(ty: &SqlType, len: usize) -> Self {
        let mut data = ColumnData::for_type(ty, len);
        data.push_filler(len);
        Column { data, nulls: Some(vec![true; len]) }
    }

    /// `len` times `value`.
    pub fn constant(ty: &SqlType, value: &Value, len: usize) -> SqlResult<Self> {
        if value.is_null() {
            return Ok(Self::all_null(ty, len));
        }
        let mut one = ColumnData::for_type(ty, 1);
        one.push(ty, value)?;
        let data = map_each!(&one, v => vec![v[0].clone(); len], w => {
            let mut out = VarColumn::with_capacity(len, w.data.len());
            check_size(0, w.data.len().saturating_mul(len))?;
            for _ in 0..len {
                out.push(&w.data);
            }
            out
        });
        Ok(Column::new(data))
    }

    /// Builds a column from single values.
    pub fn from_values<'a>(ty: &SqlType, values: impl IntoIterator<Item = &'a Value>) -> SqlResult<Self> {
        let mut b = ColumnBuilder::new(*ty, 0);
        for v in values {
            b.push(v)?;
        }
        Ok(b.finish())
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|n| n[row])
    }

    /// The value at `row` as type `ty`.
    #[inline]
    pub fn value(&self, row: usize, ty: &SqlType) -> Value {
        if self.is_null(row) { Value::Null } else { self.data.value(row, ty) }
    }

    /// Rows `rows`, in that order; repetition is allowed.
    pub fn take(&self, rows: &[u32]) -> Column {
        let nulls = self.nulls.as_ref().map(|n| rows.iter().map(|&r| n[r as usize]).collect::<Vec<_>>());
        let data = self.data.take(rows);
        match nulls {
            Some(n) => Column::with_nulls(data, n),
            None => Column::new(data),
        }
    }

    /// Like [`Column::take`], with NULL for every [`NO_ROW`].
    pub fn take_or_null(&self, rows: &[u32]) -> Column {
        let nulls = rows.iter().map(|&r| r == NO_ROW || self.is_null(r as usize)).collect();
        Column::with_nulls(self.data.take_or_filler(rows), nulls)
    }

    pub fn slice(&self, offset: usize, len: usize) -> Column {
        let data = self.data.slice(offset, len);
        match &self.nulls {
            Some(n) => Column::with_nulls(data, n[offset..offset + len].to_vec()),
            None => Column::new(data),
        }
    }

    fn extend_nulls(&mut self, before: usize, other: impl Iterator<Item = bool>) {
        self.nulls.get_or_insert_with(|| vec![false; before]).extend(other);
    }

    /// Appends all rows of `other`, which must be of the same variant.
    pub fn append(&mut self, other: &Column) -> SqlResult<()> {
        let before = self.len();
        self.data.append(&other.data)?;
        match (&mut self.nulls, &other.nulls) {
            (None, None) => {}
            (_, Some(n)) => self.extend_nulls(before, n.iter().copied()),
            (Some(n), None) => n.resize(before + other.len(), false),
        }
        Ok(())
    }

    /// Appends the given rows of `other`.
    pub fn append_take(&mut self, other: &Column, rows: &[u32]) -> SqlResult<()> {
        let before = self.len();
        self.data.append_take(&other.data, rows)?;
        match (&mut self.nulls, &other.nulls) {
            (None, None) => {}
            (_, Some(n)) => self.extend_nulls(before, rows.iter().map(|&r| n[r as usize])),
            (Some(n), None) => n.resize(before + rows.len(), false),
        }
        Ok(())
    }

    /// Appends `count` NULLs.
    pub fn append_nulls(&mut self, count: usize) {
        let before = self.len();
        self.data.push_filler(count);
        self.extend_nulls(before, std::iter::repeat_n(true, count));
    }

    /// Bytes of memory the column takes, roughly.
    pub fn memory(&self) -> usize {
        self.data.memory() + self.nulls.as_ref().map_or(0, Vec::len)
    }
}

/// Builds a column value by value.
#[derive(Clone, Debug)]
pub struct ColumnBuilder {
    ty: SqlType,
    column: Column,
}

impl ColumnBuilder {
    pub fn new(ty: SqlType, capacity: usize) -> Self {
        ColumnBuilder { ty, column: Column::new(ColumnData::for_type(&ty, capacity)) }
    }

    pub fn ty(&self) -> &SqlType {
        &self.ty
    }

    pub fn len(&self) -> usize {
        self.column.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn push(&mut self, value: &Value) -> SqlResult<()> {
        if value.is_null() {
            self.push_null();
            return Ok(());
        }
        self.column.data.push(&self.ty, value)?;
        if let Some(n) = &mut self.column.nulls {
            n.push(false);
        }
        Ok(())
    }

    pub fn push_null(&mut self) {
        self.column.append_nulls(1);
    }

    /// Appends UTF-16 units to a character column.
    pub fn push_units(&mut self, units: &[u16]) -> SqlResult<()> {
        let ColumnData::Utf16(v) = &mut self.column.data else { return Err(mismatch()) };
        check_size(v.data.len(), units.len())?;
        v.push(units);
        if let Some(n) = &mut self.column.nulls {
            n.push(false);
        }
        Ok(())
    }

    /// Appends bytes to a binary column.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> SqlResult<()> {
        let ColumnData::Bytes(v) = &mut self.column.data else { return Err(mismatch()) };
        check_size(v.data.len(), bytes.len())?;
        v.push(bytes);
        if let Some(n) = &mut self.column.nulls {
            n.push(false);
        }
        Ok(())
    }

    /// The typed vector, for decoders that append to it directly. Whoever appends here calls [`ColumnBuilder::pushed`] after.
    pub fn data(&mut self) -> &mut ColumnData {
        &mut self.column.data
    }

    /// Brings the null mask up to the length of the vector: what was appended through [`ColumnBuilder::data`] is not NULL.
    pub fn pushed(&mut self) {
        let len = self.column.data.len();
        if let Some(n) = &mut self.column.nulls {
            n.resize(len, false);
        }
    }

    pub fn finish(self) -> Column {
        self.column
    }

    /// The column so far; the builder starts anew.
    pub fn take(&mut self) -> Column {
        let fresh = Column::new(ColumnData::for_type(&self.ty, self.column.len()));
        std::mem::replace(&mut self.column, fresh)
    }
}

/// A batch of rows. Columns are shared so that projections do not copy.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub len: usize,
    pub columns: Vec<Arc<Column>>,
}

impl Batch {
    pub fn new(len: usize, columns: Vec<Arc<Column>>) -> Self {
        Batch { len, columns }
    }

    /// Columns of equal length; the length of the batch is theirs.
    pub fn from_columns(columns: Vec<Column>) -> Self {
        Batch {
            len: columns.first().map_or(0, Column::len),
            columns: columns.into_iter().map(Arc::new).collect(),
        }
    }

    /// No rows, columns of the given types.
    pub fn empty(types: &[SqlType]) -> Self {
        Batch { len: 0, columns: types.iter().map(|t| Arc::new(Column::empty(t))).collect() }
    }

    /// One row without columns: the input of a SELECT without FROM.
    pub fn one_row() -> Self {
        Batch { len: 1, columns: Vec::new() }
    }

    /// Builds a batch from rows of values.
    pub fn from_rows(types: &[SqlType], rows: &[Vec<Value>]) -> SqlResult<Self> {
        let mut columns = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            columns.push(Arc::new(Column::from_values(ty, rows.iter().map(|r| &r[i]))?));
        }
        Ok(Batch { len: rows.len(), columns })
    }

    /// The values of one row.
    pub fn row(&self, row: usize, types: &[SqlType]) -> Vec<Value> {
        self.columns.iter().zip(types).map(|(c, t)| c.value(row, t)).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Rows `rows`, in that order.
    pub fn take(&self, rows: &[u32]) -> Batch {
        Batch { len: rows.len(), columns: self.columns.iter().map(|c| Arc::new(c.take(rows))).collect() }
    }

    /// Rows `rows` in the columns that `keep` marks; the others are empty and must not be touched.
    pub fn take_kept(&self, rows: &[u32], keep: Option<&[bool]>) -> Batch {
        let Some(keep) = keep else { return self.take(rows) };
        let mut nothing = None;
        let columns = self.columns.iter().enumerate().map(|(i, c)| {
            if keep.get(i).is_none_or(|k| *k) {
                return Arc::new(c.take(rows));
            }
            let empty = nothing.get_or_insert_with(|| Arc::new(Column::new(ColumnData::U8(Vec::new()))));
            Arc::clone(empty)
        });
        Batch { len: rows.len(), columns: columns.collect() }
    }

    /// Like [`Batch::take`], with all columns NULL for every [`NO_ROW`].
    pub fn take_or_null(&self, rows: &[u32]) -> Batch {
        Batch {
            len: rows.len(),
            columns: self.columns.iter().map(|c| Arc::new(c.take_or_null(rows))).collect(),
        }
    }

    pub fn slice(&self, offset: usize, len: usize) -> Batch {
        if offset == 0 && len == self.len {
            return self.clone();
        }
        Batch { len, columns: self.columns.iter().map(|c| Arc::new(c.slice(offset, len))).collect() }
    }

    /// Columns by position, shared.
    pub fn select(&self, columns: &[usize]) -> Batch {
        Batch { len: self.len, columns: columns.iter().map(|&c| Arc::clone(&self.columns[c])).collect() }
    }

    /// The columns of `self` followed by those of `other`, which has as many rows.
    #[must_use]
    pub fn beside(mut self, other: Batch) -> Batch {
        self.columns.extend(other.columns);
        self
    }

    /// All rows of all batches in one; `types` gives the columns when there is no batch.
    pub fn concat(types: &[SqlType], batches: &[Batch]) -> SqlResult<Batch> {
        if let [one] = batches {
            return Ok(one.clone());
        }
        let len = batches.iter().map(|b| b.len).sum();
        let mut columns = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            let mut c = Column::new(match batches.first() {
                Some(b) => b.columns[i].data.new_like(),
                None => ColumnData::for_type(ty, 0),
            });
            for b in batches {
                c.append(&b.columns[i])?;
            }
            columns.push(Arc::new(c));
        }
        Ok(Batch { len, columns })
    }

    /// Bytes of memory the batch takes, roughly.
    pub fn memory(&self) -> usize {
        self.columns.iter().map(|c| c.memory()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(v: &[Option<i32>]) -> Column {
        let values: Vec<Value> = v.iter().map(|x| x.map_or(Value::Null, Value::Int)).collect();
        Column::from_values(&SqlType::INT, &values).unwrap()
    }

    fn back(c: &Column) -> Vec<Option<i32>> {
        (0..c.len())
            .map(|i| match c.value(i, &SqlType::INT) {
                Value::Int(x) => Some(x),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn take_slice_append_keep_nulls() {
        let c = ints(&[Some(1), None, Some(3), Some(4)]);
        assert_eq!(back(&c.take(&[3, 1, 1])), [Some(4), None, None]);
        assert!(c.take(&[0, 2]).nulls.is_none());
        assert_eq!(back(&c.take_or_null(&[0, NO_ROW])), [Some(1), None]);
        assert_eq!(back(&c.slice(1, 2)), [None, Some(3)]);
        let mut d = ints(&[Some(9)]);
        d.append(&c).unwrap();
        d.append(&ints(&[Some(8)])).unwrap();
        d.append_nulls(1);
        d.append_take(&c, &[1, 0]).unwrap();
        assert_eq!(back(&d), [Some(9), Some(1), None, Some(3), Some(4), Some(8), None, None, Some(1)]);
    }

    #[test]
    fn variable_length_columns() {
        let ty = SqlType::nvarchar(10, crate::CollationId::SERVER_DEFAULT);
        let v = [Value::string("ab"), Value::Null, Value::string(""), Value::string("cde")];
        let c = Column::from_values(&ty, &v).unwrap();
        assert_eq!(c.take(&[3, 1, 0]).value(0, &ty), Value::string("cde"));
        assert!(c.take(&[3, 1, 0]).is_null(1));
        assert_eq!(c.slice(2, 2).value(1, &ty), Value::string("cde"));
        let mut d = c.slice(0, 1);
        d.append(&c).unwrap();
        assert_eq!(d.value(4, &ty), Value::string("cde"));
        assert_eq!(Column::constant(&ty, &v[0], 3).unwrap().value(2, &ty), v[0]);
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        assert!(Column::from_values(&SqlType::INT, &[Value::string("x")]).is_err());
        let d = Column::from_values(&SqlType::decimal(5, 2), &[Value::Decimal(Decimal::new(15, 1))]).unwrap();
        assert_eq!(d.value(0, &SqlType::decimal(5, 2)), Value::Decimal(Decimal::new(150, 2)));
    }

    #[test]
    fn concat_of_nothing_has_columns() {
        let b = Batch::concat(&[SqlType::INT, SqlType::FLOAT], &[]).unwrap();
        assert_eq!((b.len, b.columns.len()), (0, 2));
    }
}
