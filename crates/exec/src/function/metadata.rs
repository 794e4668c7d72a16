//! Metadata functions: objects, schemas, databases, columns, types and their properties.
//!
//! Invariants
//! 1. Names may be quoted and have several parts; a part left out is the session's current database or default schema.
//! 2. What does not exist is NULL, as SQL Server answers, never an error.

use std::sync::Arc;

use holdfast_plan::function::{FunctionId, definition};
use holdfast_types::{SqlResult, SqlType, TypeId, Value, Variant};

use super::string::parse_name;
use super::{Call, not_yet};
use crate::context::{ColumnInfo, ObjectInfo, SessionInfo};
use crate::expression::arithmetic::integer_value;

fn text(v: &Value) -> Option<String> {
    match v {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

fn int(v: &Value) -> Option<i32> {
    integer_value(v).and_then(|n| i32::try_from(n).ok())
}

fn name(s: Option<Arc<str>>) -> Value {
    s.map_or(Value::Null, |s| Value::string(&s))
}

/// Resolves a name of up to three parts (or four, the first being this server).
fn find_object(session: &dyn SessionInfo, full: &str) -> SqlResult<Option<ObjectInfo>> {
    let parts = parse_name(full.trim_end()).unwrap_or_default();
    let mut rev = parts.iter().rev();
    let Some(object) = rev.next().filter(|o| !o.is_empty()) else { return Ok(None) };
    let schema = rev.next().map_or("", String::as_str);
    let database = match rev.next().map(String::as_str) {
        None | Some("") => Some(session.database().0),
        Some(d) => session.database_id(d),
    };
    let Some(database) = database else { return Ok(None) };
    session.object(database, schema, object)
}

/// The two-character type codes that OBJECT_ID's second argument filters by.
fn type_matches(object: &ObjectInfo, wanted: &str) -> bool {
    object.object_type.trim_end().eq_ignore_ascii_case(wanted.trim())
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    let session: &dyn SessionInfo = c.ctx.query.session.as_ref();
    let current = || session.database().0;
    let object = |id: &Value, db: Option<&Value>| -> Option<ObjectInfo> {
        let db = match db {
            Some(v) => int(v)?,
            None => current(),
        };
        session.object_by_id(db, int(id)?)
    };
    Ok(match c.function {
        FunctionId::ObjectId => {
            let found = match text(&a[0]) {
                Some(name) => find_object(session, &name)?,
                None => None,
            };
            let wanted = a.get(1).and_then(text);
            match found {
                Some(o) if wanted.as_deref().is_none_or(|w| type_matches(&o, w)) => Value::Int(o.object_id),
                _ => Value::Null,
            }
        }
        FunctionId::ObjectName => object(&a[0], a.get(1)).map_or(Value::Null, |o| Value::string(&o.name)),
        FunctionId::ObjectSchemaName => {
            object(&a[0], a.get(1)).map_or(Value::Null, |o| Value::string(&o.schema_name))
        }
        FunctionId::ObjectDefinition => name(object(&a[0], None).and_then(|o| o.definition)),
        FunctionId::ObjectProperty => {
            let (Some(o), Some(p)) = (object(&a[0], None), text(&a[1])) else { return Ok(Value::Null) };
            let v = object_property(session, &o, &p);
            int(&v).map_or(Value::Null, Value::Int)
        }
        FunctionId::ObjectPropertyEx => {
            let (Some(o), Some(p)) = (object(&a[0], None), text(&a[1])) else { return Ok(Value::Null) };
            if p.eq_ignore_ascii_case("BaseType") {
                let ty = SqlType::character(TypeId::Char, 2, session.default_collation());
                let padded = format!("{:<2}", o.object_type.trim_end());
                return Ok(Value::Variant(Arc::new(Variant { ty, value: Value::string(&padded) })));
            }
            match object_property(session, &o, &p) {
                Value::Null => Value::Null,
                v => Value::Variant(Arc::new(Variant {
                    ty: super::system::type_of(&v).unwrap_or(SqlType::INT),
                    value: v,
                })),
            }
        }
        FunctionId::SchemaId => match a.first() {
            None => session.schema_id(&session.default_schema()).map_or(Value::Null, Value::Int),
            Some(v) => text(v).and_then(|n| session.schema_id(&n)).map_or(Value::Null, Value::Int),
        },
        FunctionId::SchemaName => match a.first() {
            None => Value::string(&session.default_schema()),
            Some(v) => name(int(v).and_then(|n| session.schema_name(n))),
        },
        FunctionId::DbId => {
            let id = match a.first() {
                None => Some(current()),
                Some(v) => text(v).and_then(|n| session.database_id(&n)),
            };
            id.and_then(|n| i16::try_from(n).ok()).map_or(Value::Null, Value::SmallInt)
        }
        FunctionId::DbName => match a.first() {
            None => Value::string(&session.database().1),
            Some(v) => match int(v) {
                Some(0) => Value::string(&session.database().1),
                Some(n) => name(session.database_name(n)),
                None => Value::Null,
            },
        },
        FunctionId::OriginalDbName => Value::string(&session.database().1),
        FunctionId::ColName => {
            let column = int(&a[0])
                .zip(int(&a[1]))
                .and_then(|(t, k)| session.columns(current(), t).into_iter().find(|x| x.column_id == k));
            name(column.map(|x| x.name))
        }
        FunctionId::ColLength => {
            let column = match text(&a[0]).zip(text(&a[1])) {
                Some((t, k)) => find_object(session, &t)?.and_then(|o| {
                    let names = session.names(o.database_id);
                    let mut columns = session.columns(o.database_id, o.object_id).into_iter();
                    columns.find(|x| names.same(&x.name, &k))
                }),
                None => None,
            };
            column.and_then(|x| i16::try_from(x.ty.length).ok()).map_or(Value::Null, Value::SmallInt)
        }
        FunctionId::ColumnProperty => {
            let (Some(id), Some(column), Some(p)) = (int(&a[0]), text(&a[1]), text(&a[2])) else {
                return Ok(Value::Null);
            };
            let names = session.names(current());
            match session.columns(current(), id).into_iter().find(|x| names.same(&x.name, &column)) {
                Some(x) => column_property(&x, &p),
                None => Value::Null,
            }
        }
        FunctionId::TypeIdFn => {
            let Some(parts) = text(&a[0]).and_then(|n| parse_name(&n)) else { return Ok(Value::Null) };
            let mut rev = parts.iter().rev();
            let (t, schema) = (rev.next().map_or("", String::as_str), rev.next().map_or("", String::as_str));
            let user = session.user_type_id(schema, t);
            let system = if schema.is_empty() || session.names(current()).same(schema, "sys") {
                system_type_id(t)
            } else {
                None
            };
            system.or(user).map_or(Value::Null, Value::Int)
        }
        FunctionId::TypeName => match int(&a[0]) {
            Some(id) => match SYSTEM_TYPES.iter().find(|t| t.1 == id) {
                Some(t) => Value::string(t.0),
                None => name(session.user_type_name(id)),
            },
            None => Value::Null,
        },
        FunctionId::DatabasePropertyEx | FunctionId::DatabaseProperty => {
            let found = text(&a[0])
                .zip(text(&a[1]))
                .and_then(|(d, p)| session.database_property(session.database_id(&d)?, &p));
            match found {
                Some((_, Value::Null)) | None => Value::Null,
                Some((_, v)) if c.function == FunctionId::DatabaseProperty => {
                    int(&v).map_or(Value::Null, Value::Int)
                }
                Some((ty, value)) => Value::Variant(Arc::new(Variant { ty, value })),
            }
        }
        // Names that nobody has are NULL.
        FunctionId::HasDbAccess
        | FunctionId::IsSrvRoleMember
        | FunctionId::IsMember
        | FunctionId::IsRoleMember
        | FunctionId::HasPermsByName => session.other(definition(c.function).name, a)?.unwrap_or(Value::Null),
        other => match session.other(definition(other).name, a)? {
            Some(v) => v,
            None => return Err(not_yet(other)),
        },
    })
}

fn object_property(session: &dyn SessionInfo, o: &ObjectInfo, property: &str) -> Value {
    let t = o.object_type.trim_end();
    let is = |codes: &[&str]| Value::Int(i32::from(codes.contains(&t)));
    match property.to_ascii_lowercase().as_str() {
        "isusertable" => is(&["U"]),
        "istable" => is(&["U", "S", "IT"]),
        "isview" => is(&["V"]),
        "isprocedure" => is(&["P", "X", "PC", "RF"]),
        "isscalarfunction" => is(&["FN", "FS"]),
        "istablefunction" => is(&["TF", "IF", "FT"]),
        "isinlinefunction" => is(&["IF"]),
        "istrigger" => is(&["TR", "TA"]),
        "isprimarykey" => is(&["PK"]),
        "isuniquecnst" => is(&["UQ"]),
        "isforeignkey" => is(&["F"]),
        "ischeckcnst" => is(&["C"]),
        "isdefaultcnst" => Value::Int(i32::from(t == "D" && o.parent_object_id != 0)),
        "isdefault" => Value::Int(i32::from(t == "D" && o.parent_object_id == 0)),
        "isconstraint" if t == "D" => Value::Int(i32::from(o.parent_object_id != 0)),
        "isconstraint" => is(&["PK", "UQ", "F", "C", "EC"]),
        "issystemtable" => is(&["S"]),
        "isrule" => is(&["R"]),
        "isqueue" => is(&["SQ"]),
        "ismsshipped" => Value::Int(i32::from(o.is_ms_shipped)),
        "schemaid" => Value::Int(o.schema_id),
        "ownerid" => Value::Int(1),
        _ => session.object_property(o, property).unwrap_or(Value::Null),
    }
}

fn column_property(x: &ColumnInfo, property: &str) -> Value {
    let bit = |b: bool| Value::Int(i32::from(b));
    match property.to_ascii_lowercase().as_str() {
        "columnid" => Value::Int(x.column_id),
        "allowsnull" => bit(x.nullable),
        "isidentity" => bit(x.identity),
        "iscomputed" => bit(x.computed),
        "issparse" => bit(x.sparse),
        "isrowguidcol" => bit(x.row_guid),
        "ishidden" => bit(x.hidden),
        "generatedalwaystype" => Value::Int(x.generated),
        "precision" if x.ty.id.is_character() => x.ty.char_length().map_or(Value::Int(-1), Value::Int),
        "precision" if x.ty.precision == 0 => Value::Int(x.ty.length),
        "precision" => Value::Int(i32::from(x.ty.precision)),
        "scale" if x.ty.id.is_numeric() || x.ty.id.is_temporal() => Value::Int(i32::from(x.ty.scale)),
        "charmaxlen" if x.ty.id.is_character() || x.ty.id.is_binary() => {
            x.ty.char_length().map_or(Value::Int(-1), Value::Int)
        }
        "usesansitrim" if x.ty.id.is_character() || x.ty.id.is_binary() => Value::Int(1),
        "isfulltextindexed" | "isindexable" | "iscolumnset" | "isxmlindexable" | "isidnotforrepl" => {
            bit(false)
        }
        "systemdatatypeid" => Value::Int(i32::from(x.ty.id.xtype())),
        _ => Value::Null,
    }
}

/// System types: name and user_type_id.
const SYSTEM_TYPES: &[(&str, i32)] = &[
    ("image", 34),
    ("text", 35),
    ("uniqueidentifier", 36),
    ("date", 40),
    ("time", 41),
    ("datetime2", 42),
    ("datetimeoffset", 43),
    ("tinyint", 48),
    ("smallint", 52),
    ("int", 56),
    ("smalldatetime", 58),
    ("real", 59),
    ("money", 60),
    ("datetime", 61),
    ("float", 62),
    ("sql_variant", 98),
    ("ntext", 99),
    ("bit", 104),
    ("decimal", 106),
    ("numeric", 108),
    ("smallmoney", 122),
    ("bigint", 127),
    ("hierarchyid", 128),
    ("geometry", 129),
    ("geography", 130),
    ("varbinary", 165),
    ("varchar", 167),
    ("binary", 173),
    ("char", 175),
    ("timestamp", 189),
    ("nvarchar", 231),
    ("nchar", 239),
    ("xml", 241),
    ("sysname", 256),
];

fn system_type_id(name: &str) -> Option<i32> {
    let name = match name.to_ascii_lowercase().as_str() {
        "rowversion" => "timestamp".to_string(),
        "dec" => "decimal".to_string(),
        "integer" => "int".to_string(),
        other => other.to_string(),
    };
    SYSTEM_TYPES.iter().find(|t| t.0 == name).map(|t| t.1)
}
