//! Built-in functions: names, argument rules and result types. The executor implements them by [`FunctionId`].
//!
//! Invariants
//! 1. The binder converts every argument as its [`ArgRule`] says before building the call; implementations see only those types.
//! 2. Functions with a date part take it as first argument: a tinyint literal holding [`DatePart`] as a number.
//! 3. `Volatility::Statement` functions give one value per statement (GETDATE); `Row` functions may differ per row (NEWID).
//! 4. With nullability `Propagate`, a NULL argument gives NULL and the implementation need not look.

mod aggregate;
mod datepart;
mod management;
mod scalar;
mod table;

pub use aggregate::{AggregateId, WindowId};
pub use datepart::DatePart;
pub use scalar::{FUNCTIONS, FunctionId};
pub use table::{TableFunctionDef, TableFunctionId, all as table_functions, find as find_table_function};

use holdfast_types::{CollationId, SqlType, TypeId};

/// What an argument is converted to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgRule {
    /// As it is.
    Any,
    Int,
    BigInt,
    Float,
    /// Numeric as it is; strings and others become float.
    Numeric,
    /// char/varchar/nchar/nvarchar as they are; anything else becomes varchar (text/ntext their varchar/nvarchar(max) forms).
    String,
    /// nvarchar (max when the source is).
    NString,
    /// varbinary as it is; anything else is converted to varbinary.
    Binary,
    /// String as it is, or binary as it is; anything else becomes varchar.
    StringOrBinary,
    /// Temporal types as they are; anything else becomes datetime (strings: datetimeoffset where a part of it could matter, else datetime2).
    Temporal,
    Date,
    DateTime,
    Time,
    DateTime2,
    DateTimeOffset,
    Guid,
    Variant,
    /// To the first argument's type.
    First,
    /// To the common type of all arguments (the result type).
    Common,
    /// A date part keyword.
    DatePart,
}

/// How the result type follows from the (converted) arguments' types.
#[derive(Clone, Copy)]
pub enum ResultRule {
    Fixed(SqlType),
    /// nvarchar(n) / varchar(n) of the database's collation.
    NVarChar(i32),
    VarChar(i32),
    /// nvarchar(max).
    NVarCharMax,
    /// The first argument's type.
    First,
    /// Common type of all arguments.
    Common,
    /// From all argument types and the database's collation.
    Derive(fn(&[SqlType], CollationId) -> SqlType),
    /// Needs the argument expressions; worked out in the binder by function id.
    Special,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nullability {
    Never,
    Always,
    /// Nullable (and NULL) exactly if an argument is.
    Propagate,
    /// NULL if an argument is, and for some values too.
    PropagateOr,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Volatility {
    /// Same arguments, same result.
    Pure,
    /// One value per statement: clock, session and catalog state.
    Statement,
    /// May differ from row to row.
    Row,
}

/// One built-in scalar function.
pub struct FunctionDef {
    pub id: FunctionId,
    /// Upper-case name.
    pub name: &'static str,
    pub min_args: u8,
    /// 255: any number.
    pub max_args: u8,
    /// By position; the last repeats.
    pub args: &'static [ArgRule],
    pub result: ResultRule,
    pub nullability: Nullability,
    pub volatility: Volatility,
}

/// Methods of xml and CLR values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MethodId {
    /// xml: (xquery literal, target type is the node's type).
    XmlValue,
    XmlQuery,
    XmlExist,
    /// Only where a variable or column is being set.
    XmlModify,
    /// hierarchyid, geometry, geography.
    ToText,
    Parse,
    HierarchyGetLevel,
    HierarchyGetAncestor,
    HierarchyGetDescendant,
    HierarchyGetReparentedValue,
    HierarchyIsDescendantOf,
    HierarchyGetRoot,
    StAsText,
    StAsBinary,
    AsTextZm,
    StSrid,
    StX,
    StY,
    Lat,
    Long,
    Z,
    M,
    StGeometryType,
    StIsEmpty,
    StGeomFromText,
    Point,
    /// What needs the shape itself.
    Spatial(SpatialOp),
}

/// Measures, relations and parts of geometry and geography values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SpatialOp {
    Area,
    Length,
    Distance,
    Contains,
    Within,
    Intersects,
    Disjoint,
    Equals,
    Centroid,
    Envelope,
    ConvexHull,
    IsValid,
    MakeValid,
    IsClosed,
    Dimension,
    NumPoints,
    PointN,
    StartPoint,
    EndPoint,
    NumGeometries,
    GeometryN,
    NumInteriorRing,
    ExteriorRing,
    InteriorRingN,
}

impl SpatialOp {
    /// Arguments of a method.
    pub fn arguments(self) -> usize {
        use SpatialOp as S;
        match self {
            S::Distance | S::Contains | S::Within | S::Intersects | S::Disjoint | S::Equals => 1,
            S::PointN | S::GeometryN | S::InteriorRingN => 1,
            _ => 0,
        }
    }
}

impl FunctionDef {
    /// Rule of argument `index`.
    pub fn arg_rule(&self, index: usize) -> ArgRule {
        self.args.get(index).or(self.args.last()).copied().unwrap_or(ArgRule::Any)
    }
}

/// Finds a scalar function by name, case-insensitively.
pub fn find(name: &str) -> Option<&'static FunctionDef> {
    FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(name))
}

/// The definition of `id`.
pub fn definition(id: FunctionId) -> &'static FunctionDef {
    // The table is generated in the order of the enum.
    &FUNCTIONS[id as usize]
}

/// varchar/nvarchar of the same family as `t` with `chars` characters (`None`, or too many: max stays max only if the source was).
pub(crate) fn string_like(t: &SqlType, chars: Option<i32>) -> SqlType {
    let unicode = t.id.is_unicode() || t.id == TypeId::Xml;
    let id = if unicode { TypeId::NVarChar } else { TypeId::VarChar };
    let limit = if unicode { 4000 } else { 8000 };
    match chars {
        None => SqlType::character(id, -1, t.collation),
        Some(n) => {
            let n = n.clamp(1, limit);
            SqlType::character(id, if unicode { n * 2 } else { n }, t.collation)
        }
    }
}
