//! Normalised keys: rows of sort columns as byte strings whose order under memcmp is the order asked for.
//!
//! Invariants
//! 1. Each column starts with a byte 0 (NULL) or 1; a descending column has all its bytes inverted, so that NULL comes last there.
//! 2. Variable-length parts are escaped (0 becomes 0 255) and end with 0 0: a prefix sorts before its extension, and no key is a prefix
//!    of another with different values.
//! 3. Equal values give equal bytes: strings by collation sort key, -0.0 as 0.0, binary without trailing zeros.

use holdfast_types::batch::VarColumn;
use holdfast_types::{Column, ColumnData, Decimal, SqlError, SqlResult, SqlType, Value};

use crate::expression::collate;
use crate::expression::compare::{GUID_ORDER, trim_zeros, variant_family, variant_normal};

/// A column of a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyPart {
    pub ty: SqlType,
    pub descending: bool,
}

/// Encodes the rows of `columns` (one per part).
pub fn encode_rows(parts: &[KeyPart], columns: &[&Column], len: usize) -> SqlResult<VarColumn<u8>> {
    // One part of fixed width is the usual case and needs no per-row dispatch.
    let mut pieces = Vec::with_capacity(parts.len());
    for (p, c) in parts.iter().zip(columns) {
        pieces.push(encode_column(p, c, len)?);
    }
    if pieces.len() == 1 {
        return Ok(pieces.remove(0));
    }
    let total: usize = pieces.iter().map(|p| p.data.len()).sum();
    if total > u32::MAX as usize {
        return Err(SqlError::new(701, &[&"default"]));
    }
    let mut out = VarColumn { data: Vec::with_capacity(total), offsets: Vec::with_capacity(len + 1) };
    out.offsets.push(0);
    for i in 0..len {
        for p in &pieces {
            out.data.extend_from_slice(p.entry(i));
        }
        out.offsets.push(out.data.len() as u32);
    }
    Ok(out)
}

fn encode_column(part: &KeyPart, c: &Column, len: usize) -> SqlResult<VarColumn<u8>> {
    let mut out = VarColumn::with_capacity(len, 9);
    let mut scratch = Vec::new();
    macro_rules! fixed {
        ($v:expr, $f:expr) => {
            for (i, x) in $v.iter().enumerate() {
                let start = out.data.len();
                if c.is_null(i) {
                    out.data.push(0);
                } else {
                    out.data.push(1);
                    out.data.extend_from_slice(&$f(x));
                }
                finish(&mut out, start, part.descending);
            }
        };
    }
    match &c.data {
        ColumnData::U8(v) => fixed!(v, |x: &u8| [*x]),
        ColumnData::I16(v) => fixed!(v, |x: &i16| ((*x as u16) ^ 0x8000).to_be_bytes()),
        ColumnData::I32(v) => fixed!(v, |x: &i32| ((*x as u32) ^ 0x8000_0000).to_be_bytes()),
        ColumnData::I64(v) => fixed!(v, |x: &i64| ((*x as u64) ^ (1 << 63)).to_be_bytes()),
        ColumnData::F32(v) => fixed!(v, |x: &f32| float_bits(f64::from(*x)).to_be_bytes()),
        ColumnData::F64(v) => fixed!(v, |x: &f64| float_bits(*x).to_be_bytes()),
        ColumnData::Decimal(v) => fixed!(v, |x: &i128| ((*x as u128) ^ (1 << 127)).to_be_bytes()),
        ColumnData::Guid(v) => fixed!(v, |x: &[u8; 16]| GUID_ORDER.map(|i| x[i])),
        ColumnData::DateTime(v) => fixed!(v, |x: &holdfast_types::DateTime| {
            (u64::from((x.days as u32) ^ 0x8000_0000) << 32 | u64::from(x.ticks)).to_be_bytes()
        }),
        ColumnData::SmallDateTime(v) => fixed!(v, |x: &holdfast_types::SmallDateTime| {
            (u32::from(x.days) << 16 | u32::from(x.minutes)).to_be_bytes()
        }),
        ColumnData::DateTime2(v) => fixed!(v, |x: &holdfast_types::DateTime2| datetime2_key(*x)),
        ColumnData::Utf16(v) => {
            for (i, s) in v.iter().enumerate() {
                let start = out.data.len();
                if c.is_null(i) {
                    out.data.push(0);
                } else {
                    out.data.push(1);
                    scratch.clear();
                    collate::sort_key(part.ty.sort_collation(), s, &mut scratch);
                    escape(&scratch, &mut out.data);
                }
                finish(&mut out, start, part.descending);
            }
        }
        ColumnData::Bytes(v) => {
            for (i, s) in v.iter().enumerate() {
                let start = out.data.len();
                if c.is_null(i) {
                    out.data.push(0);
                } else {
                    out.data.push(1);
                    escape(trim_zeros(s), &mut out.data);
                }
                finish(&mut out, start, part.descending);
            }
        }
        ColumnData::Values(v) => {
            for (i, x) in v.iter().enumerate() {
                let start = out.data.len();
                if c.is_null(i) {
                    out.data.push(0);
                } else {
                    encode_value(x, &part.ty, &mut out.data)?;
                }
                finish(&mut out, start, part.descending);
            }
        }
    }
    if out.data.len() > u32::MAX as usize {
        return Err(SqlError::new(701, &[&"default"]));
    }
    Ok(out)
}

fn finish(out: &mut VarColumn<u8>, start: usize, descending: bool) {
    if descending {
        out.data[start..].iter_mut().for_each(|b| *b = !*b);
    }
    out.offsets.push(out.data.len() as u32);
}

/// Bits in the order of [`holdfast_types::compare::compare_floats`].
fn float_bits(x: f64) -> u64 {
    if x.is_nan() {
        return 0;
    }
    let b = if x == 0.0 { 0 } else { x.to_bits() };
    if b >> 63 == 1 { !b } else { b | 1 << 63 }
}

fn datetime2_key(d: holdfast_types::DateTime2) -> [u8; 12] {
    let mut out = [0u8; 12];
    out[..4].copy_from_slice(&((d.date.0 as u32) ^ 0x8000_0000).to_be_bytes());
    out[4..].copy_from_slice(&d.time.0.to_be_bytes());
    out
}

fn escape(s: &[u8], out: &mut Vec<u8>) {
    for &b in s {
        out.push(b);
        if b == 0 {
            out.push(255);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

/// Appends the key of one value.
pub fn put_key(part: &KeyPart, v: &Value, out: &mut Vec<u8>) -> SqlResult<()> {
    let start = out.len();
    // What most keys are needs no column made of it.
    match v {
        Value::Int(x) => {
            out.push(1);
            out.extend_from_slice(&((*x as u32) ^ 0x8000_0000).to_be_bytes());
        }
        Value::BigInt(x) => {
            out.push(1);
            out.extend_from_slice(&((*x as u64) ^ (1 << 63)).to_be_bytes());
        }
        Value::String(s) => {
            out.push(1);
            let mut key = Vec::new();
            collate::sort_key(part.ty.sort_collation(), s.units(), &mut key);
            escape(&key, out);
        }
        Value::Binary(b) => {
            out.push(1);
            escape(trim_zeros(b), out);
        }
        other => encode_value(other, &part.ty, out)?,
    }
    if part.descending {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
    Ok(())
}

/// Appends the ascending key of one value of type `ty`.
pub fn encode_value(v: &Value, ty: &SqlType, out: &mut Vec<u8>) -> SqlResult<()> {
    match v {
        Value::Null => {
            out.push(0);
            return Ok(());
        }
        Value::DateTimeOffset(d) => {
            out.push(1);
            out.extend_from_slice(&datetime2_key(d.utc));
            return Ok(());
        }
        Value::Variant(x) => {
            out.push(1);
            let family = variant_family(&x.ty);
            out.push(family);
            match variant_normal(x) {
                Value::Decimal(d) => out.extend_from_slice(&decimal_key(d)),
                other => {
                    let ty = match &other {
                        Value::Float(_) => SqlType::FLOAT,
                        Value::DateTime2(_) => SqlType::datetime2(7),
                        _ => x.ty,
                    };
                    encode_value(&other, &ty, out)?;
                }
            }
            return Ok(());
        }
        _ => {}
    }
    let one = Column::from_values(ty, [v])?;
    let key = encode_column(&KeyPart { ty: *ty, descending: false }, &one, 1)?;
    out.extend_from_slice(&key.data);
    Ok(())
}

/// Exact numbers of any scale: whole part, then 38 digits of fraction.
fn decimal_key(d: Decimal) -> [u8; 32] {
    let f = 10i128.pow(u32::from(d.scale.min(38)));
    let whole = d.mantissa.div_euclid(f);
    let fraction = d.mantissa.rem_euclid(f) * 10i128.pow(u32::from(38 - d.scale.min(38)));
    let mut out = [0u8; 32];
    out[..16].copy_from_slice(&((whole as u128) ^ (1 << 127)).to_be_bytes());
    out[16..].copy_from_slice(&(fraction as u128).to_be_bytes());
    out
}

/// The first eight bytes of a key as a number that orders the same way.
#[inline]
pub fn prefix(key: &[u8]) -> u64 {
    let mut a = [0u8; 8];
    let n = key.len().min(8);
    a[..n].copy_from_slice(&key[..n]);
    u64::from_be_bytes(a)
}

/// Row numbers in key order; equal keys keep their order.
pub fn sort_rows(keys: &VarColumn<u8>) -> Vec<u32> {
    // When the leading NULL byte is the same everywhere, the eight bytes after it say more.
    let lead = keys.iter().next().and_then(|k| k.first().copied());
    let skip = usize::from(lead.is_some() && keys.iter().all(|k| k.first().copied() == lead));
    let mut order: Vec<(u64, u32)> =
        keys.iter().enumerate().map(|(i, k)| (prefix(k.get(skip..).unwrap_or(&[])), i as u32)).collect();
    order.sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| keys.entry(a.1 as usize).cmp(keys.entry(b.1 as usize))).then(a.1.cmp(&b.1))
    });
    order.into_iter().map(|(_, r)| r).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::compare::order_with_nulls;
    use proptest::prelude::*;

    fn keys(ty: SqlType, descending: bool, v: &[Value]) -> VarColumn<u8> {
        let c = Column::from_values(&ty, v).unwrap();
        encode_rows(&[KeyPart { ty, descending }], &[&c], v.len()).unwrap()
    }

    proptest! {
        #[test]
        fn keys_order_as_values(raw in proptest::collection::vec(proptest::option::of(any::<i64>()), 1..20), descending: bool) {
            let v: Vec<Value> = raw.iter().map(|x| x.map_or(Value::Null, Value::BigInt)).collect();
            check(SqlType::BIGINT, descending, &v)?;
            let v: Vec<Value> = raw.iter().map(|x| x.map_or(Value::Null, |x| Value::Int(x as i32 % 5))).collect();
            check(SqlType::INT, descending, &v)?;
            let v: Vec<Value> = raw.iter().map(|x| x.map_or(Value::Null, |x| Value::Float(x as f64 / 1e12))).collect();
            check(SqlType::FLOAT, descending, &v)?;
            let ty = SqlType::decimal(38, 4);
            let v: Vec<Value> = raw.iter().map(|x| x.map_or(Value::Null, |x| Value::Decimal(Decimal::new(i128::from(x), 4)))).collect();
            check(ty, descending, &v)?;
        }

        #[test]
        fn string_keys_order_as_strings(raw in proptest::collection::vec("[a-cA-C ]{0,4}", 1..20), descending: bool) {
            let v: Vec<Value> = raw.iter().map(|s| Value::string(s)).collect();
            check(SqlType::nvarchar(10, holdfast_types::CollationId::SERVER_DEFAULT), descending, &v)?;
        }
    }

    fn check(ty: SqlType, descending: bool, v: &[Value]) -> Result<(), TestCaseError> {
        let k = keys(ty, descending, v);
        for (i, value) in v.iter().enumerate() {
            let mut one = Vec::new();
            put_key(&KeyPart { ty, descending }, value, &mut one).unwrap();
            prop_assert_eq!(&one[..], k.entry(i));
        }
        for i in 0..v.len() {
            for j in 0..v.len() {
                let mut expected = order_with_nulls(&v[i], &v[j], &ty).unwrap();
                if descending {
                    expected = expected.reverse();
                }
                prop_assert_eq!(k.entry(i).cmp(k.entry(j)), expected, "{:?} {:?}", &v[i], &v[j]);
            }
        }
        let sorted = sort_rows(&k);
        for w in sorted.windows(2) {
            let (a, b) = (k.entry(w[0] as usize), k.entry(w[1] as usize));
            prop_assert!(a < b || (a == b && w[0] < w[1]));
        }
        Ok(())
    }
}
