//! Types and attributes of the namespaces that every collection knows without declaring them.
//!
//! Evidence: ids as in sys.sysxmlcomponent of every genuine database; forms of values from XML Schema part 2.

pub const XSD: &str = "http://www.w3.org/2001/XMLSchema";
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
pub const SQL_TYPES: &str = "http://schemas.microsoft.com/sqlserver/2004/sqltypes";

pub const ANY_TYPE: i32 = 6;
pub const ANY_SIMPLE_TYPE: i32 = 11;
pub const STRING: i32 = 15;
pub const BOOLEAN: i32 = 16;
pub const FLOAT: i32 = 17;
pub const DOUBLE: i32 = 18;
pub const DECIMAL: i32 = 19;
pub const DURATION: i32 = 20;
pub const DATE_TIME: i32 = 21;
pub const TIME: i32 = 22;
pub const DATE: i32 = 23;
pub const YEAR_MONTH: i32 = 24;
pub const YEAR: i32 = 25;
pub const MONTH_DAY: i32 = 26;
pub const DAY: i32 = 27;
pub const MONTH: i32 = 28;
pub const HEX: i32 = 29;
pub const BASE64: i32 = 30;
pub const ANY_URI: i32 = 31;
pub const QNAME: i32 = 32;
pub const NORMALIZED: i32 = 100;
pub const TOKEN: i32 = 101;
pub const LANGUAGE: i32 = 102;
pub const NAME: i32 = 103;
pub const NCNAME: i32 = 104;
pub const ID: i32 = 105;
pub const IDREF: i32 = 106;
pub const ENTITY: i32 = 107;
pub const NMTOKEN: i32 = 108;
pub const INTEGER: i32 = 109;
pub const POSITIVE: i32 = 121;

/// Types of the XML Schema namespace: NOTATION is not among them, SQL Server does not take it.
pub const TYPES: &[(&str, i32)] = &[
    ("anyType", ANY_TYPE),
    ("anySimpleType", ANY_SIMPLE_TYPE),
    ("string", STRING),
    ("boolean", BOOLEAN),
    ("float", FLOAT),
    ("double", DOUBLE),
    ("decimal", DECIMAL),
    ("duration", DURATION),
    ("dateTime", DATE_TIME),
    ("time", TIME),
    ("date", DATE),
    ("gYearMonth", YEAR_MONTH),
    ("gYear", YEAR),
    ("gMonthDay", MONTH_DAY),
    ("gDay", DAY),
    ("gMonth", MONTH),
    ("hexBinary", HEX),
    ("base64Binary", BASE64),
    ("anyURI", ANY_URI),
    ("QName", QNAME),
    ("normalizedString", NORMALIZED),
    ("token", TOKEN),
    ("language", LANGUAGE),
    ("Name", NAME),
    ("NCName", NCNAME),
    ("ID", ID),
    ("IDREF", IDREF),
    ("ENTITY", ENTITY),
    ("NMTOKEN", NMTOKEN),
    ("integer", INTEGER),
    ("nonPositiveInteger", 110),
    ("negativeInteger", 111),
    ("long", 112),
    ("int", 113),
    ("short", 114),
    ("byte", 115),
    ("nonNegativeInteger", 116),
    ("unsignedLong", 117),
    ("unsignedInt", 118),
    ("unsignedShort", 119),
    ("unsignedByte", 120),
    ("positiveInteger", POSITIVE),
    ("IDREFS", 200),
    ("ENTITIES", 201),
    ("NMTOKENS", 202),
];

/// Attributes of the xml namespace with their types; that of `xml:space` has an enumeration ([`SPACE`]).
pub const ATTRIBUTES: &[(&str, i32, i32)] =
    &[("lang", 260, LANGUAGE), ("base", 261, ANY_URI), ("space", SPACE, TOKEN)];
pub const SPACE: i32 = 262;

/// The type of that name.
pub fn type_named(name: &str) -> Option<i32> {
    TYPES.iter().find(|t| t.0 == name).map(|t| t.1)
}

pub fn type_name(id: i32) -> Option<&'static str> {
    TYPES.iter().find(|t| t.1 == id).map(|t| t.0)
}

/// The item type of a built-in list.
pub fn item_of(id: i32) -> Option<i32> {
    match id {
        200 => Some(IDREF),
        201 => Some(ENTITY),
        202 => Some(NMTOKEN),
        _ => None,
    }
}

/// The primitive type a built-in type comes from.
pub fn primitive(id: i32) -> i32 {
    match id {
        NORMALIZED..=NMTOKEN => STRING,
        INTEGER..=POSITIVE => DECIMAL,
        other => other,
    }
}

/// Least and greatest value of the integer types, as decimal texts.
pub fn bounds(id: i32) -> (Option<&'static str>, Option<&'static str>) {
    match id {
        110 => (None, Some("0")),
        111 => (None, Some("-1")),
        112 => (Some("-9223372036854775808"), Some("9223372036854775807")),
        113 => (Some("-2147483648"), Some("2147483647")),
        114 => (Some("-32768"), Some("32767")),
        115 => (Some("-128"), Some("127")),
        116 => (Some("0"), None),
        117 => (Some("0"), Some("18446744073709551615")),
        118 => (Some("0"), Some("4294967295")),
        119 => (Some("0"), Some("65535")),
        120 => (Some("0"), Some("255")),
        POSITIVE => (Some("1"), None),
        _ => (None, None),
    }
}
