//! TYPE_INFO: how a column or parameter describes its type. A one-byte wire type, then what that type needs.
//!
//! | family | after the byte |
//! |---|---|
//! | fixed (int, bit, float, money, datetime …) | nothing |
//! | nullable fixed (INTN, FLTN …) and uniqueidentifier | u8 length |
//! | decimal | u8 length, precision, scale |
//! | date / time, datetime2, datetimeoffset | nothing / u8 scale |
//! | char, varchar, nchar, nvarchar | u16 length in bytes (0xFFFF = MAX), collation |
//! | binary, varbinary | u16 length (0xFFFF = MAX) |
//! | text, ntext / image | u32 length, collation / u32 length |
//! | sql_variant | u32 length |
//! | xml | u8 1 if a schema collection's three names follow |
//! | CLR | names (and in column metadata maximum length and assembly) |
//!
//! Invariants
//! 1. `wire` decides how values travel, `ty` what they are. They differ only for clients below 7.3 (dates as text) and 7.2
//!    (MAX types and xml as text, ntext, image), and for json and vector, which travel as text and bytes.
//!
//! Evidence: MS-TDS 2.2.5.4–2.2.5.6.

use std::sync::Arc;

use holdfast_base::{ByteReader, ByteWriter};
use holdfast_types::{CollationId, SqlType, TypeId, sql_type::MAX_LENGTH};

use crate::TdsVersion;
use crate::collation;
use crate::error::{TdsError, TdsResult};
use crate::wire;

/// Wire types.
pub mod code {
    pub const NULL: u8 = 0x1F;
    pub const INT1: u8 = 0x30;
    pub const BIT: u8 = 0x32;
    pub const INT2: u8 = 0x34;
    pub const INT4: u8 = 0x38;
    pub const DATETIM4: u8 = 0x3A;
    pub const FLT4: u8 = 0x3B;
    pub const MONEY: u8 = 0x3C;
    pub const DATETIME: u8 = 0x3D;
    pub const FLT8: u8 = 0x3E;
    pub const MONEY4: u8 = 0x7A;
    pub const INT8: u8 = 0x7F;
    pub const GUID: u8 = 0x24;
    pub const INTN: u8 = 0x26;
    pub const DECIMAL: u8 = 0x37;
    pub const NUMERIC: u8 = 0x3F;
    pub const BITN: u8 = 0x68;
    pub const DECIMALN: u8 = 0x6A;
    pub const NUMERICN: u8 = 0x6C;
    pub const FLTN: u8 = 0x6D;
    pub const MONEYN: u8 = 0x6E;
    pub const DATETIMN: u8 = 0x6F;
    pub const DATEN: u8 = 0x28;
    pub const TIMEN: u8 = 0x29;
    pub const DATETIME2N: u8 = 0x2A;
    pub const DATETIMEOFFSETN: u8 = 0x2B;
    pub const CHAR: u8 = 0x2F;
    pub const VARCHAR: u8 = 0x27;
    pub const BINARY: u8 = 0x2D;
    pub const VARBINARY: u8 = 0x25;
    pub const BIG_VARBINARY: u8 = 0xA5;
    pub const BIG_VARCHAR: u8 = 0xA7;
    pub const BIG_BINARY: u8 = 0xAD;
    pub const BIG_CHAR: u8 = 0xAF;
    pub const NVARCHAR: u8 = 0xE7;
    pub const NCHAR: u8 = 0xEF;
    pub const XML: u8 = 0xF1;
    pub const UDT: u8 = 0xF0;
    pub const TABLE: u8 = 0xF3;
    pub const TEXT: u8 = 0x23;
    pub const IMAGE: u8 = 0x22;
    pub const NTEXT: u8 = 0x63;
    pub const VARIANT: u8 = 0x62;
}

/// Names of a CLR type.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UdtName {
    pub database: String,
    pub schema: String,
    pub name: String,
    /// Assembly-qualified class name; only in column metadata.
    pub assembly: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TypeInfo {
    pub wire: u8,
    pub ty: SqlType,
    pub udt: Option<Arc<UdtName>>,
}

/// Where a TYPE_INFO stands; CLR types are written differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeContext {
    /// COLMETADATA and RETURNVALUE.
    Column,
    /// Parameters of an RPC, columns of a table-valued parameter.
    Parameter,
}

const PLP_MARK: u16 = 0xFFFF;

impl TypeInfo {
    /// The description a server gives for a column or output value. Columns that cannot be NULL get the fixed wire types
    /// from 7.3 on, where a NULL could still be told by the row's bitmap.
    pub fn for_column(ty: &SqlType, nullable: bool, version: TdsVersion) -> TypeInfo {
        let fixed = !nullable && version.has_73();
        let pick = |f: u8, n: u8| if fixed { f } else { n };
        let mut udt = None;
        let wire = match ty.id {
            TypeId::Bit => pick(code::BIT, code::BITN),
            TypeId::TinyInt => pick(code::INT1, code::INTN),
            TypeId::SmallInt => pick(code::INT2, code::INTN),
            TypeId::Int => pick(code::INT4, code::INTN),
            TypeId::Null => code::INTN,
            TypeId::BigInt => pick(code::INT8, code::INTN),
            TypeId::Decimal => code::DECIMALN,
            TypeId::Numeric => code::NUMERICN,
            TypeId::Money => pick(code::MONEY, code::MONEYN),
            TypeId::SmallMoney => pick(code::MONEY4, code::MONEYN),
            TypeId::Real => pick(code::FLT4, code::FLTN),
            TypeId::Float => pick(code::FLT8, code::FLTN),
            TypeId::DateTime => pick(code::DATETIME, code::DATETIMN),
            TypeId::SmallDateTime => pick(code::DATETIM4, code::DATETIMN),
            TypeId::Date | TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset if !version.has_73() => {
                code::NVARCHAR
            }
            TypeId::Date => code::DATEN,
            TypeId::Time => code::TIMEN,
            TypeId::DateTime2 => code::DATETIME2N,
            TypeId::DateTimeOffset => code::DATETIMEOFFSETN,
            TypeId::VarChar if ty.is_max() && !version.has_72() => code::TEXT,
            TypeId::NVarChar | TypeId::Json if ty.is_max() && !version.has_72() => code::NTEXT,
            TypeId::VarBinary if ty.is_max() && !version.has_72() => code::IMAGE,
            TypeId::Xml if !version.has_72() => code::NTEXT,
            TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr if !version.has_72() => {
                code::IMAGE
            }
            TypeId::Char => code::BIG_CHAR,
            TypeId::VarChar => code::BIG_VARCHAR,
            TypeId::Text => code::TEXT,
            TypeId::NChar => code::NCHAR,
            TypeId::NVarChar | TypeId::Json => code::NVARCHAR,
            TypeId::NText => code::NTEXT,
            TypeId::Binary | TypeId::RowVersion => code::BIG_BINARY,
            TypeId::VarBinary | TypeId::Vector => code::BIG_VARBINARY,
            TypeId::Image => code::IMAGE,
            TypeId::UniqueIdentifier => code::GUID,
            TypeId::SqlVariant => code::VARIANT,
            TypeId::Xml => code::XML,
            TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr => {
                udt = Some(Arc::new(system_udt(ty.id)));
                code::UDT
            }
        };
        TypeInfo { wire, ty: *ty, udt }
    }

    /// The description a client gives for a parameter: always nullable.
    pub fn for_parameter(ty: &SqlType, version: TdsVersion) -> TypeInfo {
        Self::for_column(ty, true, version)
    }

    /// Values are sent in chunks (partially length-prefixed).
    pub fn is_plp(&self) -> bool {
        match self.wire {
            code::XML | code::UDT => true,
            code::BIG_VARBINARY | code::BIG_VARCHAR | code::NVARCHAR => self.wire_length() == PLP_MARK,
            _ => false,
        }
    }

    /// text, ntext, image: rows carry a text pointer.
    pub fn is_long(&self) -> bool {
        matches!(self.wire, code::TEXT | code::NTEXT | code::IMAGE)
    }

    /// The u16 length of character and binary types.
    pub(crate) fn wire_length(&self) -> u16 {
        match self.ty.id {
            TypeId::Date => 20,
            TypeId::Time => 32,
            TypeId::DateTime2 => 54,
            TypeId::DateTimeOffset => 68,
            _ if self.ty.length == MAX_LENGTH => PLP_MARK,
            TypeId::NVarChar | TypeId::NChar => self.ty.length.clamp(2, 8000) as u16,
            _ => self.ty.length.clamp(1, 8000) as u16,
        }
    }

    /// The u8 length of nullable fixed types.
    pub(crate) fn fixed_length(&self) -> u8 {
        match self.ty.id {
            TypeId::Bit | TypeId::TinyInt => 1,
            TypeId::SmallInt => 2,
            TypeId::Int | TypeId::Null | TypeId::Real | TypeId::SmallMoney | TypeId::SmallDateTime => 4,
            TypeId::UniqueIdentifier => 16,
            _ => 8,
        }
    }

    pub fn encode(&self, w: &mut ByteWriter, context: TypeContext, version: TdsVersion) {
        w.u8(self.wire);
        match self.wire {
            code::BITN | code::INTN | code::FLTN | code::MONEYN | code::DATETIMN | code::GUID => {
                w.u8(self.fixed_length());
            }
            code::DECIMALN | code::NUMERICN => {
                w.u8(holdfast_types::sql_type::decimal_length(self.ty.precision) as u8);
                w.u8(self.ty.precision).u8(self.ty.scale);
            }
            code::TIMEN | code::DATETIME2N | code::DATETIMEOFFSETN => {
                w.u8(self.ty.scale);
            }
            code::BIG_CHAR | code::BIG_VARCHAR | code::NCHAR | code::NVARCHAR => {
                w.u16(self.wire_length()).bytes(&self.wire_collation());
            }
            code::BIG_BINARY | code::BIG_VARBINARY => {
                w.u16(self.wire_length());
            }
            code::TEXT => {
                w.u32(0x7FFF_FFFF).bytes(&self.wire_collation());
            }
            code::NTEXT => {
                w.u32(0x7FFF_FFFE).bytes(&self.wire_collation());
            }
            code::IMAGE => {
                w.u32(0x7FFF_FFFF);
            }
            code::VARIANT => {
                w.u32(8009);
            }
            code::XML => {
                w.u8(0);
            }
            code::UDT => {
                let empty = UdtName::default();
                let names = self.udt.as_deref().unwrap_or(&empty);
                if context == TypeContext::Column {
                    w.u16(if self.ty.is_max() { PLP_MARK } else { self.ty.length.clamp(1, 8000) as u16 });
                }
                wire::put_b_varchar(w, &names.database);
                wire::put_b_varchar(w, &names.schema);
                wire::put_b_varchar(w, &names.name);
                if context == TypeContext::Column {
                    wire::put_us_varchar(w, &names.assembly);
                }
            }
            _ => {}
        }
        let _ = version;
    }

    fn wire_collation(&self) -> collation::WireCollation {
        let c = self.ty.collation;
        collation::to_wire(if c.is_none() { CollationId::SERVER_DEFAULT } else { c })
    }

    pub fn decode(r: &mut ByteReader<'_>, context: TypeContext) -> TdsResult<TypeInfo> {
        let wire = r.u8()?;
        let mut udt = None;
        let ty = match wire {
            code::NULL => SqlType::NULL,
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
            code::BITN | code::INTN | code::FLTN | code::MONEYN | code::DATETIMN | code::GUID => {
                let length = r.u8()?;
                nullable_fixed(wire, length)?
            }
            code::DECIMAL | code::NUMERIC | code::DECIMALN | code::NUMERICN => {
                let _length = r.u8()?;
                let (precision, scale) = (r.u8()?, r.u8()?);
                if precision == 0 || precision > 38 || scale > precision {
                    return Err(TdsError::Invalid { what: "decimal precision", value: precision.into() });
                }
                if matches!(wire, code::DECIMAL | code::DECIMALN) {
                    SqlType::decimal(precision, scale)
                } else {
                    SqlType::numeric(precision, scale)
                }
            }
            code::DATEN => SqlType::DATE,
            code::TIMEN => SqlType::time(scale(r)?),
            code::DATETIME2N => SqlType::datetime2(scale(r)?),
            code::DATETIMEOFFSETN => SqlType::datetimeoffset(scale(r)?),
            code::CHAR => SqlType::character(TypeId::Char, r.u8()?.into(), CollationId::NONE),
            code::VARCHAR => SqlType::character(TypeId::VarChar, r.u8()?.into(), CollationId::NONE),
            code::BINARY => SqlType::binary(TypeId::Binary, r.u8()?.into()),
            code::VARBINARY => SqlType::binary(TypeId::VarBinary, r.u8()?.into()),
            code::BIG_VARBINARY => SqlType::binary(TypeId::VarBinary, short_length(r, true)?),
            code::BIG_BINARY => SqlType::binary(TypeId::Binary, short_length(r, false)?),
            code::BIG_VARCHAR => character(r, TypeId::VarChar, true)?,
            code::BIG_CHAR => character(r, TypeId::Char, false)?,
            code::NVARCHAR => character(r, TypeId::NVarChar, true)?,
            code::NCHAR => character(r, TypeId::NChar, false)?,
            code::TEXT | code::NTEXT => {
                let _length = r.u32()?;
                let c = collation::from_wire(r.array()?);
                let id = if wire == code::TEXT { TypeId::Text } else { TypeId::NText };
                SqlType::character(id, 16, c)
            }
            code::IMAGE => {
                let _length = r.u32()?;
                SqlType::IMAGE
            }
            code::VARIANT => {
                let _length = r.u32()?;
                SqlType::VARIANT
            }
            code::XML => {
                if r.u8()? != 0 {
                    wire::b_varchar(r)?;
                    wire::b_varchar(r)?;
                    wire::us_varchar(r)?;
                }
                SqlType::XML
            }
            code::UDT => {
                let length = if context == TypeContext::Column { r.u16()? } else { PLP_MARK };
                let mut names = UdtName {
                    database: wire::b_varchar(r)?,
                    schema: wire::b_varchar(r)?,
                    name: wire::b_varchar(r)?,
                    assembly: String::new(),
                };
                if context == TypeContext::Column {
                    names.assembly = wire::us_varchar(r)?;
                }
                let id = match names.name.to_ascii_lowercase().as_str() {
                    "hierarchyid" => TypeId::HierarchyId,
                    "geometry" => TypeId::Geometry,
                    "geography" => TypeId::Geography,
                    _ => TypeId::Clr,
                };
                udt = Some(Arc::new(names));
                let length = if length == PLP_MARK { MAX_LENGTH } else { i32::from(length) };
                SqlType { id, length, ..SqlType::GEOMETRY }
            }
            other => return Err(TdsError::DataType(other)),
        };
        Ok(TypeInfo { wire, ty, udt })
    }
}

/// Names of the built-in CLR types.
fn system_udt(id: TypeId) -> UdtName {
    let (name, class) = match id {
        TypeId::HierarchyId => ("hierarchyid", "SqlHierarchyId"),
        TypeId::Geometry => ("geometry", "SqlGeometry"),
        TypeId::Geography => ("geography", "SqlGeography"),
        _ => ("", ""),
    };
    let assembly = if class.is_empty() {
        String::new()
    } else {
        format!(
            "Microsoft.SqlServer.Types.{class}, Microsoft.SqlServer.Types, Version=11.0.0.0, \
             Culture=neutral, PublicKeyToken=89845dcd8080cc91"
        )
    };
    UdtName { database: "master".into(), schema: "sys".into(), name: name.into(), assembly }
}

fn nullable_fixed(wire: u8, length: u8) -> TdsResult<SqlType> {
    Ok(match (wire, length) {
        (code::BITN, 1) => SqlType::BIT,
        (code::INTN, 1) => SqlType::TINYINT,
        (code::INTN, 2) => SqlType::SMALLINT,
        (code::INTN, 4) => SqlType::INT,
        (code::INTN, 8) => SqlType::BIGINT,
        (code::FLTN, 4) => SqlType::REAL,
        (code::FLTN, 8) => SqlType::FLOAT,
        (code::MONEYN, 4) => SqlType::SMALLMONEY,
        (code::MONEYN, 8) => SqlType::MONEY,
        (code::DATETIMN, 4) => SqlType::SMALLDATETIME,
        (code::DATETIMN, 8) => SqlType::DATETIME,
        (code::GUID, 16) => SqlType::GUID,
        // Some clients describe a NULL of these types with length 0.
        (code::INTN, 0) => SqlType::INT,
        (code::GUID, 0) => SqlType::GUID,
        _ => return Err(TdsError::Invalid { what: "length of a fixed type", value: length.into() }),
    })
}

fn scale(r: &mut ByteReader<'_>) -> TdsResult<u8> {
    match r.u8()? {
        s @ 0..=7 => Ok(s),
        s => Err(TdsError::Invalid { what: "time scale", value: s.into() }),
    }
}

fn short_length(r: &mut ByteReader<'_>, may_be_max: bool) -> TdsResult<i32> {
    match r.u16()? {
        PLP_MARK if may_be_max => Ok(MAX_LENGTH),
        n => Ok(i32::from(n)),
    }
}

fn character(r: &mut ByteReader<'_>, id: TypeId, may_be_max: bool) -> TdsResult<SqlType> {
    let length = short_length(r, may_be_max)?;
    let c = collation::from_wire(r.array()?);
    Ok(SqlType::character(id, length, c))
}
