//! sql_variant in its stored form: base type number, version 1, the base type's properties, the value's own bytes.
//!
//! | base types | properties |
//! |---|---|
//! | bit, integers, money, real, float, datetime, smalldatetime, date, uniqueidentifier | none |
//! | decimal, numeric | precision u8, scale u8; the magnitude may be shorter than declared |
//! | binary, varbinary | maximum length u16 |
//! | character types | maximum length in bytes u16, collation id u32 |
//! | time, datetime2, datetimeoffset | scale u8 |
//!
//! Invariants
//! 1. A variant never holds a variant, a MAX type, xml or a CLR type.

use holdfast_base::{ByteReader, ByteWriter};

use crate::storage_form::{StorageFormError, decode_value, encode_value};
use crate::value::Variant;
use crate::{CollationId, SqlType, TypeId};

/// Decodes stored bytes.
pub fn decode(bytes: &[u8]) -> Result<Variant, StorageFormError> {
    let xtype = bytes.first().copied().unwrap_or(0);
    let bad = || StorageFormError::Variant { xtype };
    let mut r = ByteReader::new(bytes);
    let ty = read_type(&mut r).ok_or_else(bad)?;
    let value = decode_value(&ty, r.rest())?;
    Ok(Variant { ty, value })
}

fn read_type(r: &mut ByteReader<'_>) -> Option<SqlType> {
    let xtype = r.u8().ok()?;
    if r.u8().ok()? != 1 {
        return None;
    }
    Some(match xtype {
        104 => SqlType::BIT,
        48 => SqlType::TINYINT,
        52 => SqlType::SMALLINT,
        56 => SqlType::INT,
        127 => SqlType::BIGINT,
        60 => SqlType::MONEY,
        122 => SqlType::SMALLMONEY,
        59 => SqlType::REAL,
        62 => SqlType::FLOAT,
        61 => SqlType::DATETIME,
        58 => SqlType::SMALLDATETIME,
        40 => SqlType::DATE,
        36 => SqlType::GUID,
        106 | 108 => {
            let (precision, scale) = (r.u8().ok()?, r.u8().ok()?);
            if !(1..=38).contains(&precision) || scale > precision {
                return None;
            }
            if xtype == 106 { SqlType::decimal(precision, scale) } else { SqlType::numeric(precision, scale) }
        }
        165 => SqlType::binary(TypeId::VarBinary, i32::from(r.u16().ok()?)),
        173 => SqlType::binary(TypeId::Binary, i32::from(r.u16().ok()?)),
        167 | 175 | 231 | 239 => {
            let length = i32::from(r.u16().ok()?);
            let collation = CollationId(r.u32().ok()?);
            let id = match xtype {
                167 => TypeId::VarChar,
                175 => TypeId::Char,
                231 => TypeId::NVarChar,
                _ => TypeId::NChar,
            };
            SqlType::character(id, length, collation)
        }
        41..=43 => {
            let scale = r.u8().ok()?;
            if scale > 7 {
                return None;
            }
            match xtype {
                41 => SqlType::time(scale),
                42 => SqlType::datetime2(scale),
                _ => SqlType::datetimeoffset(scale),
            }
        }
        _ => return None,
    })
}

/// The stored bytes of a variant.
pub fn encode(v: &Variant) -> Result<Vec<u8>, StorageFormError> {
    let ty = &v.ty;
    let mut w = ByteWriter::new();
    w.u8(ty.id.xtype()).u8(1);
    match ty.id {
        TypeId::Decimal | TypeId::Numeric => {
            w.u8(ty.precision).u8(ty.scale);
        }
        TypeId::Binary | TypeId::VarBinary if (0..=8000).contains(&ty.length) => {
            w.u16(ty.length as u16);
        }
        TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar
            if (0..=8000).contains(&ty.length) =>
        {
            w.u16(ty.length as u16).u32(ty.collation.0);
        }
        TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => {
            w.u8(ty.scale);
        }
        TypeId::Bit
        | TypeId::TinyInt
        | TypeId::SmallInt
        | TypeId::Int
        | TypeId::BigInt
        | TypeId::Money
        | TypeId::SmallMoney
        | TypeId::Real
        | TypeId::Float
        | TypeId::DateTime
        | TypeId::SmallDateTime
        | TypeId::Date
        | TypeId::UniqueIdentifier => {}
        _ => return Err(StorageFormError::Variant { xtype: ty.id.xtype() }),
    }
    w.bytes(&encode_value(ty, &v.value)?);
    Ok(w.buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decimal, Value};

    #[test]
    fn round_trips() {
        let c = CollationId::SERVER_DEFAULT;
        for (ty, value) in [
            (SqlType::INT, Value::Int(-5)),
            (SqlType::numeric(12, 3), Value::Decimal(Decimal::new(-123_456, 3))),
            (SqlType::nvarchar(20, c), Value::string("añb")),
            (SqlType::varchar(20, c), Value::string("añb")),
            (SqlType::binary(TypeId::VarBinary, 5), Value::binary(&[1, 2])),
            (SqlType::time(2), Value::Time(crate::Time(360_000_100_000))),
        ] {
            let v = Variant { ty, value };
            assert_eq!(decode(&encode(&v).unwrap()).unwrap(), v);
        }
        assert_eq!(encode(&Variant { ty: SqlType::INT, value: Value::Int(1) }).unwrap(), [56, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn a_short_decimal_magnitude_is_read() {
        let v = decode(&[108, 1, 10, 2, 0, 0x39, 0x30]).unwrap();
        assert_eq!(v.value, Value::Decimal(Decimal::new(-12345, 2)));
        assert!(decode(&[98, 1, 98, 1]).is_err());
        assert!(decode(&[]).is_err());
    }
}
