//! Data types as written.

use crate::Span;
use crate::ast::name::ObjectName;

/// `decimal(10, 2)`, `nvarchar(max)`, `dbo.MyType`, `xml(DOCUMENT s.c)`, `cursor`, `CREATE PROC p @c CURSOR VARYING`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataType {
    /// Names of several words are normalised: `double precision` is `float`, `national char varying` is `nvarchar`,
    /// `character varying` is `varchar`, `binary varying` is `varbinary`; other synonyms stay (see [`DataType::builtin`]).
    pub name: ObjectName,
    pub arguments: Vec<TypeArgument>,
    pub xml: Option<XmlType>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeArgument {
    Number(i64),
    Max,
}

/// The schema collection of a typed xml.
#[derive(Clone, Debug, PartialEq)]
pub struct XmlType {
    /// DOCUMENT (true) or CONTENT (false, also the default).
    pub document: bool,
    pub collection: ObjectName,
}

impl DataType {
    /// The lower-case name of the built-in type this means (synonyms resolved: `integer` -> `int`, `dec` -> `decimal`,
    /// `character` -> `char`, `timestamp` -> `timestamp`), or `None` when it must be a user-defined type. The schema
    /// `sys` is accepted before a built-in name.
    pub fn builtin(&self) -> Option<&'static str> {
        if self.name.database.is_some() || self.name.server.is_some() {
            return None;
        }
        if let Some(s) = &self.name.schema
            && !s.is("sys")
        {
            return None;
        }
        builtin_type(&self.name.name.text)
    }
}

const BUILTIN: &[(&str, &str)] = &[
    ("bigint", "bigint"),
    ("binary", "binary"),
    ("bit", "bit"),
    ("char", "char"),
    ("character", "char"),
    ("cursor", "cursor"),
    ("date", "date"),
    ("datetime", "datetime"),
    ("datetime2", "datetime2"),
    ("datetimeoffset", "datetimeoffset"),
    ("dec", "decimal"),
    ("decimal", "decimal"),
    ("float", "float"),
    ("geography", "geography"),
    ("geometry", "geometry"),
    ("hierarchyid", "hierarchyid"),
    ("image", "image"),
    ("int", "int"),
    ("integer", "int"),
    ("json", "json"),
    ("money", "money"),
    ("nchar", "nchar"),
    ("ntext", "ntext"),
    ("numeric", "numeric"),
    ("nvarchar", "nvarchar"),
    ("real", "real"),
    ("rowversion", "timestamp"),
    ("smalldatetime", "smalldatetime"),
    ("smallint", "smallint"),
    ("smallmoney", "smallmoney"),
    ("sql_variant", "sql_variant"),
    ("sysname", "sysname"),
    ("table", "table"),
    ("text", "text"),
    ("time", "time"),
    ("timestamp", "timestamp"),
    ("tinyint", "tinyint"),
    ("uniqueidentifier", "uniqueidentifier"),
    ("varbinary", "varbinary"),
    ("varchar", "varchar"),
    ("vector", "vector"),
    ("xml", "xml"),
];

/// Canonical lower-case name of a built-in type name or synonym.
pub fn builtin_type(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(n, _)| name.eq_ignore_ascii_case(n)).map(|(_, c)| *c)
}
