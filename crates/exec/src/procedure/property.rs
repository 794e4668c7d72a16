//! Metadata functions over what the current database is made of: files, filegroups, types, keys of indexes; and of collations.
//!
//! Invariants
//! 1. What does not exist, and a property that nobody knows, is NULL, never an error.
//! 2. The numbers are those that the views over the same things show (`sys.database_files`, `sys.filegroups`, `sys.types`).

use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_types::{CollationId, NameOrder, SqlType, TypeId, Value, Variant};

use super::metadata::{number, text};
use super::state::SharedSession;
use crate::system_view::{ViewSource, filegroup_rows};

/// ComparisonStyle of COLLATIONPROPERTY: NORM_IGNORECASE, NORM_IGNORENONSPACE, NORM_IGNOREKANATYPE, NORM_IGNOREWIDTH.
const IGNORE: [i32; 4] = [1, 2, 0x1_0000, 0x2_0000];

fn variant(ty: SqlType, value: Value) -> Value {
    Value::Variant(Arc::new(Variant { ty, value }))
}

fn collation_property(name: &str, property: &str) -> Option<Value> {
    let id = CollationId::from_name(name)?;
    let value = match property.to_ascii_lowercase().as_str() {
        "codepage" => i32::from(id.code_page_number()),
        "lcid" => i32::try_from(id.lcid() & 0xFFFF).ok()?,
        "comparisonstyle" if id.is_binary() || id.is_binary2() => 0,
        "comparisonstyle" => {
            let ignored = [id.ignores_case(), id.ignores_accents(), id.ignores_kana(), id.ignores_width()];
            IGNORE.iter().zip(ignored).filter(|(_, on)| *on).map(|(bit, _)| bit).sum()
        }
        "version" => return Some(variant(SqlType::TINYINT, Value::TinyInt(id.version()))),
        // As results and parameters carry it.
        "tdscollation" => {
            let bytes = Value::binary(&id.to_tds());
            return Some(variant(SqlType::binary(TypeId::Binary, 5), bytes));
        }
        _ => return None,
    };
    Some(variant(SqlType::INT, Value::Int(value)))
}

/// TYPEPROPERTY of a system type or of one of the current database.
fn type_property(session: &SharedSession, name: &str, property: &str) -> Option<i32> {
    use crate::context::SessionInfo;
    let name = holdfast_tsql::parse_object_name(name).ok()?;
    let schema = match &name.schema {
        Some(s) => Some(session.schema_id(&s.text)?),
        None => None,
    };
    let model = session.current_database().model().ok()?;
    // A name without schema means a system type before it means one of the database.
    let mut found = model
        .types
        .iter()
        .filter(|t| model.names.same(&t.name, &name.name.text) && schema.is_none_or(|s| s == t.schema_id));
    let row = found.clone().find(|t| t.id <= 256).or_else(|| found.next())?;
    let one_of = |types: &[TypeId]| types.iter().any(|t| t.xtype() == row.xtype);
    let unicode = one_of(&[TypeId::NChar, TypeId::NVarChar]);
    let strings = unicode
        || one_of(&[TypeId::Char, TypeId::VarChar, TypeId::Binary, TypeId::VarBinary, TypeId::RowVersion]);
    match property.to_ascii_lowercase().as_str() {
        "allowsnull" => Some(i32::from(row.status & 1 == 0)),
        "ownerid" if row.id > 256 => Some(1),
        "precision" if row.precision != 0 => Some(i32::from(row.precision)),
        "precision" if unicode && row.length > 0 => Some(row.length / 2),
        "precision" => Some(row.length),
        "scale" if row.precision == 0 => None,
        "scale" => Some(i32::from(row.scale)),
        "usesansitrim" if strings => Some(1),
        _ => None,
    }
}

fn index_key_property(session: &SharedSession, args: &[Value]) -> Option<i32> {
    let (object, index, key) = (number(args.first())?, number(args.get(1))?, number(args.get(2))?);
    let property = text(args.get(3))?;
    let model = session.current_database().model().ok()?;
    let columns = model.index_columns_of(object, index);
    let column = columns.iter().find(|c| i32::from(c.key_ordinal) == key && key > 0)?;
    match property.to_ascii_lowercase().as_str() {
        "columnid" => Some(column.column_id),
        "isdescending" => Some(i32::from(column.status & 4 != 0)),
        _ => None,
    }
}

fn file_group_property(session: &SharedSession, name: &str, property: &str) -> Option<i32> {
    let database = session.current_database();
    let groups = filegroup_rows(&*database).ok()?;
    let group = groups.iter().find(|g| database.names().same(&g.name, name))?;
    match property.to_ascii_lowercase().as_str() {
        "isreadonly" => Some(i32::from(group.read_only)),
        "isuserdefinedfg" => Some(i32::from(group.id != 1)),
        "isdefault" => Some(i32::from(group.default)),
        _ => None,
    }
}

/// Functions by upper-case name; `None` for those this does not know.
pub fn property(session: &SharedSession, function: &str, args: &[Value]) -> Option<Value> {
    let name = || text(args.first());
    let both = || text(args.first()).zip(text(args.get(1)));
    let int = |v: Option<i32>| v.map_or(Value::Null, Value::Int);
    let string = |v: Option<Arc<str>>| v.map_or(Value::Null, |s| Value::string(&s));
    let database = session.current_database();
    let file_id = || {
        let name = name()?;
        database
            .database()
            .files
            .iter()
            .find(|f| NameOrder::instance().same(&f.logical_name, &name))
            .map(|f| f.file_id)
    };
    Some(match function {
        "FILE_ID" => file_id().and_then(|n| i16::try_from(n).ok()).map_or(Value::Null, Value::SmallInt),
        "FILE_IDEX" => int(file_id()),
        "FILE_NAME" => string(number(args.first()).and_then(|id| {
            database.database().files.iter().find(|f| f.file_id == id).map(|f| Arc::clone(&f.logical_name))
        })),
        "FILEGROUP_ID" => int(name().and_then(|n| {
            let groups = filegroup_rows(&*database).ok()?;
            groups.iter().find(|g| database.names().same(&g.name, &n)).map(|g| g.id)
        })),
        "FILEGROUP_NAME" => string(number(args.first()).and_then(|id| {
            let groups = filegroup_rows(&*database).ok()?;
            groups.into_iter().find(|g| g.id == id).map(|g| g.name)
        })),
        "FILEGROUPPROPERTY" => int(both().and_then(|(n, p)| file_group_property(session, &n, &p))),
        "TYPEPROPERTY" => int(both().and_then(|(n, p)| type_property(session, &n, &p))),
        "INDEXKEY_PROPERTY" => int(index_key_property(session, args)),
        "COLLATIONPROPERTY" => both().and_then(|(n, p)| collation_property(&n, &p)).unwrap_or(Value::Null),
        // The process of the client, as the text that fits char(10).
        "HOST_ID" => Value::string(&format!("{:<10}", session.login.client_process_id)),
        // There are no catalogs of full text, keys and certificates, availability groups or tracked changes.
        "FULLTEXTCATALOGPROPERTY"
        | "CERT_ID"
        | "ASYMKEY_ID"
        | "KEY_ID"
        | "FN_HADR_IS_PRIMARY_REPLICA"
        | "CHANGE_TRACKING_CURRENT_VERSION"
        | "CHANGE_TRACKING_MIN_VALID_VERSION" => Value::Null,
        // A database outside of availability groups is backed up where it is.
        "FN_HADR_BACKUP_IS_PREFERRED_REPLICA" => Value::Bit(true),
        _ => return None,
    })
}
