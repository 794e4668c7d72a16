//! What a type is: identity, length, precision, scale, collation — the columns of `sys.columns`.
//!
//! Invariants
//! 1. `length` is in **bytes** as `sys.columns.max_length` gives it; `MAX_LENGTH` (-1) means a MAX type, also for xml,
//!    text, ntext, image and large CLR types.
//! 2. `collation` is 0 except for character types (and text/ntext).
//! 3. For types without precision/scale both are what `sys.columns` shows (int: 10, 0; datetime: 23, 3 …).
//!
//! Evidence: xtype numbers verified on genuine files (docs/format/types.md).

/// `length` of a MAX type.
pub const MAX_LENGTH: i32 = -1;

/// The 32-bit collation id of catalogue rows; 0 = none. Bits are described in docs/format/collation.md.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, PartialOrd, Ord)]
pub struct CollationId(pub u32);

impl CollationId {
    pub const NONE: CollationId = CollationId(0);
    /// SQL_Latin1_General_CP1_CI_AS, the default of new instances.
    pub const SERVER_DEFAULT: CollationId = CollationId(0x3400_D008);
    /// Latin1_General_100_BIN2-like ordering is not implied; see the collation module for semantics.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Type identity; the discriminant is the storage `xtype` (system_type_id), with CLR types split by their utype.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum TypeId {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Decimal,
    Numeric,
    Money,
    SmallMoney,
    Real,
    Float,
    Date,
    Time,
    DateTime2,
    DateTimeOffset,
    DateTime,
    SmallDateTime,
    Char,
    VarChar,
    Text,
    NChar,
    NVarChar,
    NText,
    Binary,
    VarBinary,
    Image,
    UniqueIdentifier,
    RowVersion,
    SqlVariant,
    Xml,
    HierarchyId,
    Geometry,
    Geography,
    /// Any other CLR user-defined type: raw bytes.
    Clr,
    Json,
    Vector,
    /// The type of a bare `NULL` literal before anything gives it one (behaves as int).
    Null,
}

impl TypeId {
    /// `system_type_id` (storage xtype).
    pub const fn xtype(self) -> u8 {
        match self {
            TypeId::Bit => 104,
            TypeId::TinyInt => 48,
            TypeId::SmallInt => 52,
            TypeId::Int | TypeId::Null => 56,
            TypeId::BigInt => 127,
            TypeId::Decimal => 106,
            TypeId::Numeric => 108,
            TypeId::Money => 60,
            TypeId::SmallMoney => 122,
            TypeId::Real => 59,
            TypeId::Float => 62,
            TypeId::Date => 40,
            TypeId::Time => 41,
            TypeId::DateTime2 => 42,
            TypeId::DateTimeOffset => 43,
            TypeId::DateTime => 61,
            TypeId::SmallDateTime => 58,
            TypeId::Char => 175,
            TypeId::VarChar => 167,
            TypeId::Text => 35,
            TypeId::NChar => 239,
            TypeId::NVarChar => 231,
            TypeId::NText => 99,
            TypeId::Binary => 173,
            TypeId::VarBinary => 165,
            TypeId::Image => 34,
            TypeId::UniqueIdentifier => 36,
            TypeId::RowVersion => 189,
            TypeId::SqlVariant => 98,
            TypeId::Xml => 241,
            TypeId::HierarchyId | TypeId::Geometry | TypeId::Geography | TypeId::Clr => 240,
            TypeId::Json => 244,
            TypeId::Vector => 165,
        }
    }

    /// Name as T-SQL and the catalog write it.
    pub const fn name(self) -> &'static str {
        match self {
            TypeId::Bit => "bit",
            TypeId::TinyInt => "tinyint",
            TypeId::SmallInt => "smallint",
            TypeId::Int | TypeId::Null => "int",
            TypeId::BigInt => "bigint",
            TypeId::Decimal => "decimal",
            TypeId::Numeric => "numeric",
            TypeId::Money => "money",
            TypeId::SmallMoney => "smallmoney",
            TypeId::Real => "real",
            TypeId::Float => "float",
            TypeId::Date => "date",
            TypeId::Time => "time",
            TypeId::DateTime2 => "datetime2",
            TypeId::DateTimeOffset => "datetimeoffset",
            TypeId::DateTime => "datetime",
            TypeId::SmallDateTime => "smalldatetime",
            TypeId::Char => "char",
            TypeId::VarChar => "varchar",
            TypeId::Text => "text",
            TypeId::NChar => "nchar",
            TypeId::NVarChar => "nvarchar",
            TypeId::NText => "ntext",
            TypeId::Binary => "binary",
            TypeId::VarBinary => "varbinary",
            TypeId::Image => "image",
            TypeId::UniqueIdentifier => "uniqueidentifier",
            TypeId::RowVersion => "timestamp",
            TypeId::SqlVariant => "sql_variant",
            TypeId::Xml => "xml",
            TypeId::HierarchyId => "hierarchyid",
            TypeId::Geometry => "geometry",
            TypeId::Geography => "geography",
            TypeId::Clr => "clr",
            TypeId::Json => "json",
            TypeId::Vector => "vector",
        }
    }

    pub const fn is_character(self) -> bool {
        matches!(
            self,
            TypeId::Char | TypeId::VarChar | TypeId::Text | TypeId::NChar | TypeId::NVarChar | TypeId::NText
        )
    }

    /// nchar, nvarchar, ntext.
    pub const fn is_unicode(self) -> bool {
        matches!(self, TypeId::NChar | TypeId::NVarChar | TypeId::NText)
    }

    pub const fn is_binary(self) -> bool {
        matches!(self, TypeId::Binary | TypeId::VarBinary | TypeId::Image | TypeId::RowVersion)
    }

    pub const fn is_integer(self) -> bool {
        matches!(self, TypeId::Bit | TypeId::TinyInt | TypeId::SmallInt | TypeId::Int | TypeId::BigInt)
    }

    pub const fn is_exact_numeric(self) -> bool {
        self.is_integer()
            || matches!(self, TypeId::Decimal | TypeId::Numeric | TypeId::Money | TypeId::SmallMoney)
    }

    pub const fn is_numeric(self) -> bool {
        self.is_exact_numeric() || matches!(self, TypeId::Real | TypeId::Float)
    }

    pub const fn is_temporal(self) -> bool {
        matches!(
            self,
            TypeId::Date
                | TypeId::Time
                | TypeId::DateTime2
                | TypeId::DateTimeOffset
                | TypeId::DateTime
                | TypeId::SmallDateTime
        )
    }

    /// Data type precedence; the higher number wins when two types meet (T-SQL reference, "Data type precedence").
    pub const fn precedence(self) -> u8 {
        match self {
            TypeId::Null => 0,
            TypeId::Binary => 1,
            TypeId::VarBinary => 2,
            TypeId::Char => 3,
            TypeId::VarChar => 4,
            TypeId::NChar => 5,
            TypeId::NVarChar => 6,
            TypeId::UniqueIdentifier => 7,
            TypeId::RowVersion => 8,
            TypeId::Image => 9,
            TypeId::Text => 10,
            TypeId::NText => 11,
            TypeId::Bit => 12,
            TypeId::TinyInt => 13,
            TypeId::SmallInt => 14,
            TypeId::Int => 15,
            TypeId::BigInt => 16,
            TypeId::SmallMoney => 17,
            TypeId::Money => 18,
            TypeId::Decimal | TypeId::Numeric => 19,
            TypeId::Real => 20,
            TypeId::Float => 21,
            TypeId::Time => 22,
            TypeId::Date => 23,
            TypeId::SmallDateTime => 24,
            TypeId::DateTime => 25,
            TypeId::DateTime2 => 26,
            TypeId::DateTimeOffset => 27,
            TypeId::Json => 28,
            TypeId::Xml => 29,
            TypeId::SqlVariant => 30,
            TypeId::Vector => 31,
            TypeId::HierarchyId => 32,
            TypeId::Geometry => 33,
            TypeId::Geography => 34,
            TypeId::Clr => 35,
        }
    }
}

/// A complete type. See the module's invariants for units.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SqlType {
    pub id: TypeId,
    /// Bytes; -1 = MAX.
    pub length: i32,
    pub precision: u8,
    pub scale: u8,
    pub collation: CollationId,
}

/// Storage bytes of decimal(p): 5, 9, 13 or 17.
pub const fn decimal_length(precision: u8) -> i32 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// Storage bytes of time(scale).
pub const fn time_length(scale: u8) -> i32 {
    match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    }
}

impl SqlType {
    const fn plain(id: TypeId, length: i32, precision: u8, scale: u8) -> Self {
        SqlType { id, length, precision, scale, collation: CollationId::NONE }
    }

    pub const NULL: SqlType = Self::plain(TypeId::Null, 4, 10, 0);
    pub const BIT: SqlType = Self::plain(TypeId::Bit, 1, 1, 0);
    pub const TINYINT: SqlType = Self::plain(TypeId::TinyInt, 1, 3, 0);
    pub const SMALLINT: SqlType = Self::plain(TypeId::SmallInt, 2, 5, 0);
    pub const INT: SqlType = Self::plain(TypeId::Int, 4, 10, 0);
    pub const BIGINT: SqlType = Self::plain(TypeId::BigInt, 8, 19, 0);
    pub const MONEY: SqlType = Self::plain(TypeId::Money, 8, 19, 4);
    pub const SMALLMONEY: SqlType = Self::plain(TypeId::SmallMoney, 4, 10, 4);
    pub const REAL: SqlType = Self::plain(TypeId::Real, 4, 24, 0);
    pub const FLOAT: SqlType = Self::plain(TypeId::Float, 8, 53, 0);
    pub const DATE: SqlType = Self::plain(TypeId::Date, 3, 10, 0);
    pub const DATETIME: SqlType = Self::plain(TypeId::DateTime, 8, 23, 3);
    pub const SMALLDATETIME: SqlType = Self::plain(TypeId::SmallDateTime, 4, 16, 0);
    pub const GUID: SqlType = Self::plain(TypeId::UniqueIdentifier, 16, 0, 0);
    pub const ROWVERSION: SqlType = Self::plain(TypeId::RowVersion, 8, 0, 0);
    pub const VARIANT: SqlType = Self::plain(TypeId::SqlVariant, 8016, 0, 0);
    pub const XML: SqlType = Self::plain(TypeId::Xml, MAX_LENGTH, 0, 0);
    /// What nodes() yields: a place inside a document, of use to the xml methods only (error 493 elsewhere).
    pub const XML_NODE: SqlType = Self::plain(TypeId::Xml, MAX_LENGTH, 0, 1);
    pub const IMAGE: SqlType = Self::plain(TypeId::Image, 16, 0, 0);
    pub const HIERARCHYID: SqlType = Self::plain(TypeId::HierarchyId, 892, 0, 0);
    pub const GEOMETRY: SqlType = Self::plain(TypeId::Geometry, MAX_LENGTH, 0, 0);
    pub const GEOGRAPHY: SqlType = Self::plain(TypeId::Geography, MAX_LENGTH, 0, 0);

    pub const fn decimal(precision: u8, scale: u8) -> Self {
        Self::plain(TypeId::Decimal, decimal_length(precision), precision, scale)
    }

    pub const fn numeric(precision: u8, scale: u8) -> Self {
        Self::plain(TypeId::Numeric, decimal_length(precision), precision, scale)
    }

    pub const fn time(scale: u8) -> Self {
        let p = if scale == 0 { 8 } else { 9 + scale };
        Self::plain(TypeId::Time, time_length(scale), p, scale)
    }

    pub const fn datetime2(scale: u8) -> Self {
        let p = if scale == 0 { 19 } else { 20 + scale };
        Self::plain(TypeId::DateTime2, time_length(scale) + 3, p, scale)
    }

    pub const fn datetimeoffset(scale: u8) -> Self {
        let p = if scale == 0 { 26 } else { 27 + scale };
        Self::plain(TypeId::DateTimeOffset, time_length(scale) + 5, p, scale)
    }

    /// A character type; `length` in bytes or [`MAX_LENGTH`].
    pub const fn character(id: TypeId, length: i32, collation: CollationId) -> Self {
        SqlType { id, length, precision: 0, scale: 0, collation }
    }

    /// nvarchar(`chars`).
    pub const fn nvarchar(chars: i32, collation: CollationId) -> Self {
        Self::character(TypeId::NVarChar, chars * 2, collation)
    }

    pub const fn nvarchar_max(collation: CollationId) -> Self {
        Self::character(TypeId::NVarChar, MAX_LENGTH, collation)
    }

    /// varchar(`bytes`).
    pub const fn varchar(bytes: i32, collation: CollationId) -> Self {
        Self::character(TypeId::VarChar, bytes, collation)
    }

    /// nvarchar(128), the type of names.
    pub const fn sysname(collation: CollationId) -> Self {
        Self::nvarchar(128, collation)
    }

    /// binary or varbinary of `length` bytes or [`MAX_LENGTH`].
    pub const fn binary(id: TypeId, length: i32) -> Self {
        Self::plain(id, length, 0, 0)
    }

    pub const fn is_max(&self) -> bool {
        self.length == MAX_LENGTH
    }

    /// Length in characters for character types (UTF-16 units for Unicode ones), `None` for MAX.
    pub const fn char_length(&self) -> Option<i32> {
        if self.length == MAX_LENGTH {
            None
        } else if self.id.is_unicode() {
            Some(self.length / 2)
        } else {
            Some(self.length)
        }
    }
}

/// `varchar(50)`, `decimal(18,2)`, `nvarchar(max)`, `datetime2(7)` …
impl std::fmt::Display for SqlType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id.name())?;
        match self.id {
            TypeId::Char | TypeId::VarChar | TypeId::NChar | TypeId::NVarChar => match self.char_length() {
                Some(n) => write!(f, "({n})"),
                None => f.write_str("(max)"),
            },
            TypeId::Binary | TypeId::VarBinary if self.is_max() => f.write_str("(max)"),
            TypeId::Binary | TypeId::VarBinary => write!(f, "({})", self.length),
            TypeId::Decimal | TypeId::Numeric => write!(f, "({},{})", self.precision, self.scale),
            TypeId::Time | TypeId::DateTime2 | TypeId::DateTimeOffset => write!(f, "({})", self.scale),
            _ => Ok(()),
        }
    }
}
