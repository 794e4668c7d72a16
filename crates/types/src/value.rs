//! One SQL value. The type (length, precision, collation) is carried beside it, never inside, except in sql_variant.
//!
//! Invariants
//! 1. The variant matches the `TypeId`: decimal and numeric share `Decimal`; all character types are `String`; xml and
//!    json are `String` in text form; all binary types, rowversion, hierarchyid, spatial and CLR types are `Binary`.
//! 2. char/nchar/binary values are already padded to the declared length.

use std::sync::Arc;

use crate::{Date, DateTime, DateTime2, DateTimeOffset, Decimal, SmallDateTime, SqlString, SqlType, Time};

/// uniqueidentifier in its 16 stored bytes (first three groups little-endian).
pub type Guid = [u8; 16];

#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    #[default]
    Null,
    Bit(bool),
    TinyInt(u8),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Decimal(Decimal),
    /// money: units of 10^-4.
    Money(i64),
    /// smallmoney: units of 10^-4.
    SmallMoney(i32),
    Real(f32),
    Float(f64),
    Date(Date),
    Time(Time),
    DateTime2(DateTime2),
    DateTimeOffset(DateTimeOffset),
    DateTime(DateTime),
    SmallDateTime(SmallDateTime),
    String(SqlString),
    Binary(Arc<[u8]>),
    Guid(Guid),
    Variant(Arc<Variant>),
}

/// A sql_variant: a non-NULL value with its own type.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub ty: SqlType,
    pub value: Value,
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn string(s: &str) -> Value {
        Value::String(SqlString::from(s))
    }

    pub fn binary(b: &[u8]) -> Value {
        Value::Binary(Arc::from(b))
    }
}
