//! sql_variant: `u32 length`, then base type, property length, properties, value bytes without prefix.
//!
//! Evidence: MS-TDS 2.2.5.5.4.

use std::sync::Arc;

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::{SqlString, SqlType, TypeId, Value, value::Variant};

use super::decode::scalar;
use super::encode::{kind, put_scalar, put_units};
use crate::collation;
use crate::error::{TdsError, TdsResult};
use crate::type_info::code;

/// Largest value inside a variant.
const VALUE_MAX: usize = 8000;

/// Writes a non-NULL variant with its length.
pub fn encode(w: &mut ByteWriter, value: &Value) -> TdsResult<()> {
    let Value::Variant(v) = value else { return Err(TdsError::Encode(kind(value))) };
    let (ty, value) = (&v.ty, &v.value);
    let at = w.len();
    w.u32(0);
    if value.is_null() {
        return Ok(());
    }
    let head = |w: &mut ByteWriter, base: u8, properties: u8| {
        w.u8(base).u8(properties);
    };
    match ty.id {
        TypeId::Bit => head(w, code::BIT, 0),
        TypeId::TinyInt => head(w, code::INT1, 0),
        TypeId::SmallInt => head(w, code::INT2, 0),
        TypeId::Int | TypeId::Null => head(w, code::INT4, 0),
        TypeId::BigInt => head(w, code::INT8, 0),
        TypeId::Real => head(w, code::FLT4, 0),
        TypeId::Float => head(w, code::FLT8, 0),
        TypeId::Money => head(w, code::MONEY, 0),
        TypeId::SmallMoney => head(w, code::MONEY4, 0),
        TypeId::DateTime => head(w, code::DATETIME, 0),
        TypeId::SmallDateTime => head(w, code::DATETIM4, 0),
        TypeId::UniqueIdentifier => head(w, code::GUID, 0),
        TypeId::Date => head(w, code::DATEN, 0),
        TypeId::Time => scaled(w, code::TIMEN, ty),
        TypeId::DateTime2 => scaled(w, code::DATETIME2N, ty),
        TypeId::DateTimeOffset => scaled(w, code::DATETIMEOFFSETN, ty),
        TypeId::Decimal | TypeId::Numeric => {
            let base = if ty.id == TypeId::Decimal { code::DECIMALN } else { code::NUMERICN };
            w.u8(base).u8(2).u8(ty.precision).u8(ty.scale);
        }
        TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar => {
            return character(w, at, ty, value);
        }
        TypeId::Binary | TypeId::VarBinary | TypeId::RowVersion => {
            let Value::Binary(b) = value else { return Err(TdsError::Encode(kind(value))) };
            let base = if ty.id == TypeId::VarBinary { code::BIG_VARBINARY } else { code::BIG_BINARY };
            let b = &b[..b.len().min(VALUE_MAX)];
            w.u8(base).u8(2).u16(ty.length.clamp(1, 8000) as u16).bytes(b);
            finish(w, at);
            return Ok(());
        }
        _ => return Err(TdsError::Encode(kind(value))),
    }
    put_scalar(w, ty, value)?;
    finish(w, at);
    Ok(())
}

fn scaled(w: &mut ByteWriter, base: u8, ty: &SqlType) {
    w.u8(base).u8(1).u8(ty.scale);
}

fn character(w: &mut ByteWriter, at: usize, ty: &SqlType, value: &Value) -> TdsResult<()> {
    let Value::String(s) = value else { return Err(TdsError::Encode(kind(value))) };
    let base = match ty.id {
        TypeId::Char => code::BIG_CHAR,
        TypeId::VarChar => code::BIG_VARCHAR,
        TypeId::NChar => code::NCHAR,
        _ => code::NVARCHAR,
    };
    w.u8(base).u8(7).bytes(&collation::to_wire(ty.collation));
    w.u16(ty.length.clamp(1, 8000) as u16);
    if ty.id.is_unicode() {
        put_units(w, &s.units()[..s.len().min(VALUE_MAX / 2)]);
    } else {
        let mut bytes = Vec::with_capacity(s.len());
        collation::encode_chars(ty.collation, s.units(), &mut bytes);
        bytes.truncate(VALUE_MAX);
        w.bytes(&bytes);
    }
    finish(w, at);
    Ok(())
}

fn finish(w: &mut ByteWriter, at: usize) {
    let length = (w.len() - at - 4) as u32;
    w.patch_u32(at, length);
}

/// Reads the bytes of a variant after its length.
pub fn decode(bytes: &[u8]) -> TdsResult<Value> {
    let mut r = ByteReader::new(bytes);
    let base = r.u8()?;
    let count = r.u8()?;
    let mut p = ByteReader::new(r.bytes(usize::from(count))?);
    let data = r.rest();
    let scale = |p: &mut ByteReader<'_>| match p.u8() {
        Ok(s @ 0..=7) => Ok(s),
        Ok(s) => Err(TdsError::Invalid { what: "time scale", value: s.into() }),
        Err(e) => Err(TdsError::from(e)),
    };
    let ty = match base {
        code::BIT => SqlType::BIT,
        code::INT1 => SqlType::TINYINT,
        code::INT2 => SqlType::SMALLINT,
        code::INT4 => SqlType::INT,
        code::INT8 => SqlType::BIGINT,
        code::FLT4 => SqlType::REAL,
        code::FLT8 => SqlType::FLOAT,
        code::MONEY => SqlType::MONEY,
        code::MONEY4 => SqlType::SMALLMONEY,
        code::DATETIME => SqlType::DATETIME,
        code::DATETIM4 => SqlType::SMALLDATETIME,
        code::GUID => SqlType::GUID,
        code::DATEN => SqlType::DATE,
        code::TIMEN => SqlType::time(scale(&mut p)?),
        code::DATETIME2N => SqlType::datetime2(scale(&mut p)?),
        code::DATETIMEOFFSETN => SqlType::datetimeoffset(scale(&mut p)?),
        code::DECIMALN | code::NUMERICN => {
            let (precision, scale) = (p.u8()?, p.u8()?);
            if precision == 0 || precision > 38 || scale > precision {
                return Err(TdsError::Invalid { what: "decimal precision", value: precision.into() });
            }
            if base == code::DECIMALN {
                SqlType::decimal(precision, scale)
            } else {
                SqlType::numeric(precision, scale)
            }
        }
        code::BIG_CHAR | code::BIG_VARCHAR | code::NCHAR | code::NVARCHAR => {
            let c = collation::from_wire(p.array()?);
            let id = match base {
                code::BIG_CHAR => TypeId::Char,
                code::BIG_VARCHAR => TypeId::VarChar,
                code::NCHAR => TypeId::NChar,
                _ => TypeId::NVarChar,
            };
            let ty = SqlType::character(id, p.u16()?.into(), c);
            let s = if ty.id.is_unicode() {
                SqlString::from_utf16le(data)
            } else {
                SqlString::from(collation::decode_chars(c, data))
            };
            return Ok(Value::Variant(Arc::new(Variant { ty, value: Value::String(s) })));
        }
        code::BIG_BINARY | code::BIG_VARBINARY => {
            let id = if base == code::BIG_BINARY { TypeId::Binary } else { TypeId::VarBinary };
            let ty = SqlType::binary(id, p.u16()?.into());
            return Ok(Value::Variant(Arc::new(Variant { ty, value: Value::binary(data) })));
        }
        other => return Err(TdsError::DataType(other)),
    };
    let value = scalar(&ty, data)?;
    Ok(Value::Variant(Arc::new(Variant { ty, value })))
}
