//! Rows as bytes: a bit per column that says NULL, then the values of the others, one after the other.
//!
//! Invariants
//! 1. Fixed-width values take what their vector's entries take; decimals take the bytes that their mantissa needs after a length.
//! 2. Strings and binaries begin with their length; strings whose units all fit a byte are kept so.
//! 3. What is read is what was written, but lengths are checked all the same.

use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{
    Batch, Column, ColumnData, Date, DateTime, DateTime2, Decimal, SmallDateTime, SqlError, SqlResult,
    SqlType, Time, Value,
};
use std::sync::Arc;

use crate::operator::spill::{damaged, encode_value, value_at};

/// How a column's values are kept: the variant of its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
    Decimal,
    Utf16,
    Bytes,
    Guid,
    DateTime,
    DateTime2,
    SmallDateTime,
    Value,
}

fn kind(data: &ColumnData) -> Kind {
    match data {
        ColumnData::U8(_) => Kind::U8,
        ColumnData::I16(_) => Kind::I16,
        ColumnData::I32(_) => Kind::I32,
        ColumnData::I64(_) => Kind::I64,
        ColumnData::F32(_) => Kind::F32,
        ColumnData::F64(_) => Kind::F64,
        ColumnData::Decimal(_) => Kind::Decimal,
        ColumnData::Utf16(_) => Kind::Utf16,
        ColumnData::Bytes(_) => Kind::Bytes,
        ColumnData::Guid(_) => Kind::Guid,
        ColumnData::DateTime(_) => Kind::DateTime,
        ColumnData::DateTime2(_) => Kind::DateTime2,
        ColumnData::SmallDateTime(_) => Kind::SmallDateTime,
        ColumnData::Values(_) => Kind::Value,
    }
}

/// A number in as few bytes as it needs, seven bits each.
pub fn put_number(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes to read from.
pub struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Reader(bytes)
    }

    #[inline]
    pub fn bytes(&mut self, n: usize) -> SqlResult<&'b [u8]> {
        let (out, rest) = self.0.split_at_checked(n).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(out)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> SqlResult<[u8; N]> {
        let (out, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*out)
    }

    #[inline]
    pub fn number(&mut self) -> SqlResult<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let [b] = self.array::<1>()?;
            n |= u64::from(b & 0x7F) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        Err(damaged())
    }

    /// Everything that is left.
    pub fn rest(&self) -> &'b [u8] {
        self.0
    }
}

fn put_units(units: &[u16], out: &mut Vec<u8>) {
    let narrow = units.iter().all(|u| *u < 0x100);
    put_number((units.len() as u64) << 1 | u64::from(narrow), out);
    if narrow {
        out.extend(units.iter().map(|u| *u as u8));
    } else {
        out.reserve(units.len() * 2);
        units.iter().for_each(|u| out.extend_from_slice(&u.to_le_bytes()));
    }
}

fn put_decimal(mantissa: i128, out: &mut Vec<u8>) {
    let bytes = mantissa.to_le_bytes();
    // The bytes above say only the sign, which the last one kept says as well.
    let sign = if mantissa < 0 { 0xFF } else { 0 };
    let mut len = 16;
    while len > 1 && bytes[len - 1] == sign && (bytes[len - 2] ^ sign) < 0x80 {
        len -= 1;
    }
    out.push(len as u8);
    out.extend_from_slice(&bytes[..len]);
}

fn put_datetime(d: &DateTime, out: &mut Vec<u8>) {
    out.extend_from_slice(&d.days.to_le_bytes());
    out.extend_from_slice(&d.ticks.to_le_bytes());
}

fn put_datetime2(d: &DateTime2, out: &mut Vec<u8>) {
    out.extend_from_slice(&d.date.0.to_le_bytes());
    out.extend_from_slice(&d.time.0.to_le_bytes());
}

fn put_smalldatetime(d: &SmallDateTime, out: &mut Vec<u8>) {
    out.extend_from_slice(&d.days.to_le_bytes());
    out.extend_from_slice(&d.minutes.to_le_bytes());
}

/// Entry `i` of a vector, which is not NULL.
fn put_entry(data: &ColumnData, i: usize, out: &mut Vec<u8>) {
    match data {
        ColumnData::U8(v) => out.push(v[i]),
        ColumnData::I16(v) => out.extend_from_slice(&v[i].to_le_bytes()),
        ColumnData::I32(v) => out.extend_from_slice(&v[i].to_le_bytes()),
        ColumnData::I64(v) => out.extend_from_slice(&v[i].to_le_bytes()),
        ColumnData::F32(v) => out.extend_from_slice(&v[i].to_le_bytes()),
        ColumnData::F64(v) => out.extend_from_slice(&v[i].to_le_bytes()),
        ColumnData::Decimal(v) => put_decimal(v[i], out),
        ColumnData::Utf16(v) => put_units(v.entry(i), out),
        ColumnData::Bytes(v) => {
            put_number(v.entry(i).len() as u64, out);
            out.extend_from_slice(v.entry(i));
        }
        ColumnData::Guid(v) => out.extend_from_slice(&v[i]),
        ColumnData::DateTime(v) => put_datetime(&v[i], out),
        ColumnData::DateTime2(v) => put_datetime2(&v[i], out),
        ColumnData::SmallDateTime(v) => put_smalldatetime(&v[i], out),
        ColumnData::Values(v) => encode_value(&v[i], out),
    }
}

/// How rows of some types are kept.
#[derive(Clone, Debug)]
pub struct Codec {
    types: Arc<[SqlType]>,
    kinds: Arc<[Kind]>,
}

impl Codec {
    pub fn new(types: &[SqlType]) -> Self {
        Codec {
            types: Arc::from(types),
            kinds: types.iter().map(|t| kind(&ColumnData::for_type(t, 0))).collect(),
        }
    }

    pub fn types(&self) -> &[SqlType] {
        &self.types
    }

    /// Appends a row; what it lacks is NULL.
    ///
    /// # Errors
    /// 8624 for a value that is not of its column's type.
    pub fn encode(&self, values: &[Value], out: &mut Vec<u8>) -> SqlResult<()> {
        let nulls = out.len();
        out.resize(nulls + self.types.len().div_ceil(8), 0);
        for (i, (kind, ty)) in self.kinds.iter().zip(&*self.types).enumerate() {
            match (kind, values.get(i).unwrap_or(&Value::Null)) {
                (_, Value::Null) => out[nulls + i / 8] |= 1 << (i % 8),
                (Kind::U8, Value::Bit(x)) => out.push(u8::from(*x)),
                (Kind::U8, Value::TinyInt(x)) => out.push(*x),
                (Kind::I16, Value::SmallInt(x)) => out.extend_from_slice(&x.to_le_bytes()),
                (Kind::I32, Value::Int(x) | Value::SmallMoney(x) | Value::Date(Date(x))) => {
                    out.extend_from_slice(&x.to_le_bytes());
                }
                (Kind::I64, Value::BigInt(x) | Value::Money(x)) => out.extend_from_slice(&x.to_le_bytes()),
                (Kind::I64, Value::Time(Time(x))) => out.extend_from_slice(&x.to_le_bytes()),
                (Kind::F32, Value::Real(x)) => out.extend_from_slice(&x.to_le_bytes()),
                (Kind::F64, Value::Float(x)) => out.extend_from_slice(&x.to_le_bytes()),
                (Kind::Decimal, Value::Decimal(Decimal { mantissa, scale, .. })) if *scale == ty.scale => {
                    put_decimal(*mantissa, out);
                }
                (Kind::Utf16, Value::String(x)) => put_units(x.units(), out),
                (Kind::Bytes, Value::Binary(x)) => {
                    put_number(x.len() as u64, out);
                    out.extend_from_slice(x);
                }
                (Kind::Guid, Value::Guid(x)) => out.extend_from_slice(x),
                (Kind::DateTime, Value::DateTime(x)) => put_datetime(x, out),
                (Kind::DateTime2, Value::DateTime2(x)) => put_datetime2(x, out),
                (Kind::SmallDateTime, Value::SmallDateTime(x)) => put_smalldatetime(x, out),
                (Kind::Value, Value::DateTimeOffset(_) | Value::Variant(_)) => encode_value(&values[i], out),
                // Another scale is brought to the column's; anything else is no value of it.
                (_, other) => put_entry(&Column::from_values(ty, [other])?.data, 0, out),
            }
        }
        Ok(())
    }

    /// # Errors
    /// 8624 when the batch's columns are not of these types.
    pub fn check(&self, batch: &Batch) -> SqlResult<()> {
        let fits = |(k, c): (&Kind, &Arc<Column>)| *k == kind(&c.data);
        if batch.columns.len() >= self.kinds.len() && self.kinds.iter().zip(&batch.columns).all(fits) {
            return Ok(());
        }
        let text = "Internal error: a column holds values of another type than declared.";
        Err(SqlError::with_text(8624, 16, text))
    }

    /// Appends row `row` of a batch that [`Codec::check`] has let pass.
    pub fn encode_row(&self, batch: &Batch, row: usize, out: &mut Vec<u8>) {
        let nulls = out.len();
        out.resize(nulls + self.types.len().div_ceil(8), 0);
        for i in 0..self.types.len() {
            match batch.columns.get(i) {
                Some(c) if !c.is_null(row) => put_entry(&c.data, row, out),
                _ => out[nulls + i / 8] |= 1 << (i % 8),
            }
        }
    }
}

/// Makes columns of rows.
pub struct Decoder {
    codec: Codec,
    /// The builder of each column of the rows; `None`: not asked for. Shorter than the rows when the last are not.
    builders: Vec<Option<ColumnBuilder>>,
}

impl Decoder {
    /// For the columns of these ordinals.
    pub fn new(codec: &Codec, ordinals: impl Iterator<Item = usize>) -> Self {
        let mut builders: Vec<Option<ColumnBuilder>> = Vec::new();
        for o in ordinals.filter(|o| *o < codec.types.len()) {
            if builders.len() <= o {
                builders.resize_with(o + 1, || None);
            }
            builders[o] = Some(ColumnBuilder::new(codec.types[o], 0));
        }
        Decoder { codec: codec.clone(), builders }
    }

    /// Takes the row's values.
    ///
    /// # Errors
    /// 1105 when these are not the bytes of a row.
    pub fn push(&mut self, row: &[u8]) -> SqlResult<()> {
        let mut r = Reader(row);
        let nulls = r.bytes(self.codec.types.len().div_ceil(8))?;
        for (i, builder) in self.builders.iter_mut().enumerate() {
            let kind = self.codec.kinds[i];
            if nulls[i / 8] & 1 << (i % 8) != 0 {
                if let Some(b) = builder {
                    b.push_null();
                }
                continue;
            }
            match builder {
                None => skip(&mut r, kind, &self.codec.types[i])?,
                Some(b) => {
                    take(&mut r, kind, &self.codec.types[i], b)?;
                    b.pushed();
                }
            }
        }
        Ok(())
    }

    /// The columns since the last time, by ordinal.
    pub fn take(&mut self) -> Vec<Option<Arc<Column>>> {
        self.builders.iter_mut().map(|b| b.as_mut().map(|b| Arc::new(b.take()))).collect()
    }
}

fn width(kind: Kind) -> Option<usize> {
    Some(match kind {
        Kind::U8 => 1,
        Kind::I16 => 2,
        Kind::I32 | Kind::F32 | Kind::SmallDateTime => 4,
        Kind::I64 | Kind::F64 | Kind::DateTime => 8,
        Kind::DateTime2 => 12,
        Kind::Guid => 16,
        Kind::Decimal | Kind::Utf16 | Kind::Bytes | Kind::Value => return None,
    })
}

fn string<'b>(r: &mut Reader<'b>) -> SqlResult<(&'b [u8], bool)> {
    let head = r.number()?;
    let narrow = head & 1 == 1;
    let units = usize::try_from(head >> 1).map_err(|_| damaged())?;
    let len = if narrow { units } else { units.checked_mul(2).ok_or_else(damaged)? };
    Ok((r.bytes(len)?, narrow))
}

#[inline]
fn skip(r: &mut Reader<'_>, kind: Kind, ty: &SqlType) -> SqlResult<()> {
    let n = match (kind, width(kind)) {
        (_, Some(n)) => n,
        (Kind::Decimal, _) => usize::from(r.array::<1>()?[0]),
        (Kind::Utf16, _) => return string(r).map(|_| ()),
        (Kind::Bytes, _) => usize::try_from(r.number()?).map_err(|_| damaged())?,
        _ => value_at(r.0, ty)?.1,
    };
    r.bytes(n).map(|_| ())
}

#[inline]
fn take(r: &mut Reader<'_>, kind: Kind, ty: &SqlType, b: &mut ColumnBuilder) -> SqlResult<()> {
    let limit = |now: usize, more: usize| {
        if now + more > u32::MAX as usize { Err(SqlError::new(701, &[&"default"])) } else { Ok(()) }
    };
    match (kind, b.data()) {
        (Kind::U8, ColumnData::U8(v)) => v.push(r.array::<1>()?[0]),
        (Kind::I16, ColumnData::I16(v)) => v.push(i16::from_le_bytes(r.array()?)),
        (Kind::I32, ColumnData::I32(v)) => v.push(i32::from_le_bytes(r.array()?)),
        (Kind::I64, ColumnData::I64(v)) => v.push(i64::from_le_bytes(r.array()?)),
        (Kind::F32, ColumnData::F32(v)) => v.push(f32::from_le_bytes(r.array()?)),
        (Kind::F64, ColumnData::F64(v)) => v.push(f64::from_le_bytes(r.array()?)),
        (Kind::Decimal, ColumnData::Decimal(v)) => {
            let len = usize::from(r.array::<1>()?[0]);
            let bytes = r.bytes(len)?;
            let last = *bytes.last().filter(|_| len <= 16).ok_or_else(damaged)?;
            let mut all = if last >= 0x80 { [0xFF; 16] } else { [0; 16] };
            all[..len].copy_from_slice(bytes);
            v.push(i128::from_le_bytes(all));
        }
        (Kind::Utf16, ColumnData::Utf16(v)) => {
            let (bytes, narrow) = string(r)?;
            limit(v.data.len(), bytes.len())?;
            if narrow {
                v.data.extend(bytes.iter().map(|b| u16::from(*b)));
            } else {
                v.data.extend(bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])));
            }
            v.offsets.push(v.data.len() as u32);
        }
        (Kind::Bytes, ColumnData::Bytes(v)) => {
            let len = usize::try_from(r.number()?).map_err(|_| damaged())?;
            limit(v.data.len(), len)?;
            v.push(r.bytes(len)?);
        }
        (Kind::Guid, ColumnData::Guid(v)) => v.push(r.array()?),
        (Kind::DateTime, ColumnData::DateTime(v)) => {
            let days = i32::from_le_bytes(r.array()?);
            v.push(DateTime { days, ticks: u32::from_le_bytes(r.array()?) });
        }
        (Kind::DateTime2, ColumnData::DateTime2(v)) => {
            let date = Date(i32::from_le_bytes(r.array()?));
            v.push(DateTime2 { date, time: Time(u64::from_le_bytes(r.array()?)) });
        }
        (Kind::SmallDateTime, ColumnData::SmallDateTime(v)) => {
            let days = u16::from_le_bytes(r.array()?);
            v.push(SmallDateTime { days, minutes: u16::from_le_bytes(r.array()?) });
        }
        (Kind::Value, ColumnData::Values(v)) => {
            let (value, len) = value_at(r.0, ty)?;
            r.bytes(len)?;
            v.push(value);
        }
        _ => return Err(damaged()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_types::{CollationId, DateTimeOffset, TypeId, Variant};

    fn rows() -> (Vec<SqlType>, Vec<Vec<Value>>) {
        let c = CollationId::SERVER_DEFAULT;
        let types = vec![
            SqlType::INT,
            SqlType::nvarchar(20, c),
            SqlType::decimal(38, 3),
            SqlType::BIT,
            SqlType::VARIANT,
            SqlType::binary(TypeId::VarBinary, 30),
            SqlType::datetimeoffset(7),
            SqlType::DATETIME,
            SqlType::datetime2(7),
            SqlType::FLOAT,
            SqlType::BIGINT,
        ];
        let variant = |ty, value| Value::Variant(Arc::new(Variant { ty, value }));
        let at = DateTime2 { date: Date(730_000), time: Time(77) };
        let mut rows = vec![
            vec![
                Value::Int(-5),
                Value::string("abc"),
                Value::Decimal(Decimal::new(-123_456, 3)),
                Value::Bit(true),
                variant(SqlType::nvarchar(5, c), Value::string("é")),
                Value::binary(&[0, 1, 0]),
                Value::DateTimeOffset(DateTimeOffset { utc: at, offset_minutes: -90 }),
                Value::DateTime(DateTime { days: -3, ticks: 99 }),
                Value::DateTime2(at),
                Value::Float(-0.5),
                Value::BigInt(i64::MIN),
            ],
            vec![Value::Null; types.len()],
        ];
        let numbers = [0, 1, -1, 127, 128, -128, -129, 255, 32_767, -32_769, i128::MAX / 10, i128::MIN / 10];
        for (n, m) in numbers.into_iter().enumerate() {
            let mut row = rows[n % 2].clone();
            row[1] = Value::string(["", "ß", "ẞŁ", "plain"][n % 4]);
            row[2] = Value::Decimal(Decimal::new(m, 3));
            rows.push(row);
        }
        (types, rows)
    }

    #[test]
    fn rows_come_back() {
        let (types, rows) = rows();
        let codec = Codec::new(&types);
        let batch = Batch::from_rows(&types, &rows).unwrap();
        let all: Vec<usize> = (0..types.len()).collect();
        for wanted in [&all[..], &[1, 3], &[10], &[5, 9], &[]] {
            let mut d = Decoder::new(&codec, wanted.iter().copied());
            for (i, row) in rows.iter().enumerate() {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                codec.encode(row, &mut a).unwrap();
                codec.encode_row(&batch, i, &mut b);
                assert_eq!(a, b);
                d.push(&a).unwrap();
            }
            let columns = d.take();
            for &w in wanted {
                let c = columns[w].as_ref().unwrap();
                for (i, row) in rows.iter().enumerate() {
                    assert_eq!(c.value(i, &types[w]), row[w]);
                }
            }
        }
    }

    #[test]
    fn other_scales_fit_and_other_types_do_not() {
        let codec = Codec::new(&[SqlType::decimal(10, 3)]);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        codec.encode(&[Value::Decimal(Decimal::new(12, 1))], &mut a).unwrap();
        codec.encode(&[Value::Decimal(Decimal::new(1200, 3))], &mut b).unwrap();
        assert_eq!(a, b);
        assert_eq!(codec.encode(&[Value::Int(1)], &mut a).unwrap_err().number, 8624);
    }

    #[test]
    fn cut_rows_are_an_error() {
        let (types, rows) = rows();
        let codec = Codec::new(&types);
        let mut whole = Vec::new();
        codec.encode(&rows[0], &mut whole).unwrap();
        for n in 0..whole.len() {
            let mut d = Decoder::new(&codec, 0..types.len());
            assert_eq!(d.push(&whole[..n]).unwrap_err().number, 1105);
        }
    }
}
