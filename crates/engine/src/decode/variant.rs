//! sql_variant: `xtype, version (1), properties, value bytes`.
//!
//! | base types | properties |
//! |---|---|
//! | decimal, numeric | precision, scale |
//! | binary, varbinary | u16 maximum length |
//! | character types | u16 maximum length in bytes, u32 collation |
//! | time, datetime2, datetimeoffset | scale |
//! | others | none |
//!
//! Invariants
//! 1. A variant never holds a variant, a LOB or a MAX type.

use std::sync::Arc;

use holdfast_base::ByteReader;
use holdfast_format::RecordError;
use holdfast_types::value::Variant;
use holdfast_types::{CollationId, SqlType, TypeId, Value};

use super::value;

/// The simple type of an xtype, `None` for one that needs properties or cannot be in a variant.
fn simple(xtype: u8) -> Option<SqlType> {
    Some(match xtype {
        48 => SqlType::TINYINT,
        52 => SqlType::SMALLINT,
        56 => SqlType::INT,
        127 => SqlType::BIGINT,
        104 => SqlType::BIT,
        60 => SqlType::MONEY,
        122 => SqlType::SMALLMONEY,
        59 => SqlType::REAL,
        62 => SqlType::FLOAT,
        61 => SqlType::DATETIME,
        58 => SqlType::SMALLDATETIME,
        40 => SqlType::DATE,
        36 => SqlType::GUID,
        _ => return None,
    })
}

/// Decodes to [`Value::Variant`]; no bytes at all is NULL.
pub fn decode(bytes: &[u8]) -> Result<Value, RecordError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = ByteReader::new(bytes);
    let xtype = reader.u8()?;
    reader.skip(1)?;
    let ty = if let Some(ty) = simple(xtype) {
        ty
    } else {
        match xtype {
            106 | 108 => {
                let (precision, scale) = (reader.u8()?, reader.u8()?);
                if xtype == 106 {
                    SqlType::decimal(precision, scale)
                } else {
                    SqlType::numeric(precision, scale)
                }
            }
            165 | 173 => {
                let id = if xtype == 165 { TypeId::VarBinary } else { TypeId::Binary };
                SqlType::binary(id, i32::from(reader.u16()?))
            }
            167 | 175 | 231 | 239 => {
                let id = match xtype {
                    167 => TypeId::VarChar,
                    175 => TypeId::Char,
                    231 => TypeId::NVarChar,
                    _ => TypeId::NChar,
                };
                let length = i32::from(reader.u16()?);
                SqlType::character(id, length, CollationId(reader.u32()?))
            }
            41 => SqlType::time(reader.u8()?),
            42 => SqlType::datetime2(reader.u8()?),
            43 => SqlType::datetimeoffset(reader.u8()?),
            _ => return Err(RecordError::new(0, "a sql_variant holds an unknown type")),
        }
    };
    if ty.scale > 38 {
        return Err(RecordError::new(2, "a sql_variant has an impossible scale"));
    }
    let value = value(&ty, reader.rest())?;
    Ok(Value::Variant(Arc::new(Variant { ty, value })))
}

/// The value inside a stored sql_variant.
pub fn inner(bytes: &[u8]) -> Result<Value, RecordError> {
    Ok(match decode(bytes)? {
        Value::Variant(v) => v.value.clone(),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples() {
        assert_eq!(inner(&[56, 1, 7, 0, 0, 0]), Ok(Value::Int(7)));
        assert_eq!(inner(&[231, 1, 20, 0, 8, 208, 0, 52, b'a', 0]), Ok(Value::string("a")));
        assert_eq!(inner(&[]), Ok(Value::Null));
        assert!(inner(&[98, 1]).is_err());
        assert!(inner(&[56]).is_err());
    }
}
