//! Metadata answers that functions take from a session: columns, identities, index properties.

use std::sync::Arc;

use holdfast_engine::database::DatabaseCatalog;
use holdfast_types::{CollationId, Decimal, SqlError, SqlResult, Value};

use super::memory_table::MemoryTable;
use super::state::SharedSession;
use crate::context::{ColumnInfo, ObjectInfo, SessionInfo};
use crate::security::Securable;
use crate::system_view::ViewSource;
use crate::system_view::model::ColumnRow;

/// A catalog row as COLUMNPROPERTY and COL_LENGTH need it.
pub fn column_info(row: &ColumnRow) -> ColumnInfo {
    ColumnInfo {
        column_id: row.column_id,
        name: Arc::clone(&row.name),
        ty: row.sql_type(),
        nullable: row.nullable(),
        identity: row.is_identity(),
        computed: row.is_computed(),
        sparse: row.status & 0x0100_0000 != 0,
        row_guid: row.status & 8 != 0,
        hidden: row.status & 0x2000 != 0,
        generated: row.generated(),
    }
}

pub(super) fn text(v: Option<&Value>) -> Option<String> {
    match v? {
        Value::String(s) => Some(s.to_text()),
        _ => None,
    }
}

pub(super) fn number(v: Option<&Value>) -> Option<i32> {
    match v? {
        Value::TinyInt(n) => Some(i32::from(*n)),
        Value::SmallInt(n) => Some(i32::from(*n)),
        Value::Int(n) => Some(*n),
        Value::BigInt(n) => i32::try_from(*n).ok(),
        _ => None,
    }
}

/// The object that a name of up to three parts means.
///
/// # Errors
/// Those of the wait for a transaction that is defining it.
pub fn named_object(session: &SharedSession, name: &str) -> SqlResult<Option<ObjectInfo>> {
    let Ok(name) = holdfast_tsql::parse_object_name(name) else { return Ok(None) };
    let database = match &name.database {
        Some(d) => session.database_id(&d.text),
        None => Some(session.database().0),
    };
    let Some(database) = database else { return Ok(None) };
    session.object(database, name.schema.as_ref().map_or("", |s| s.text.as_str()), &name.name.text)
}

/// CONNECTIONPROPERTY; the name in lower case.
fn connection_property(session: &SharedSession, property: &str) -> Value {
    match property {
        "net_transport" | "physical_net_transport" => Value::string("TCP"),
        "protocol_type" => Value::string("TSQL"),
        "auth_scheme" => Value::string("SQL"),
        "client_net_address" if !session.login.client_address.is_empty() => {
            Value::string(&session.login.client_address)
        }
        "local_net_address" => {
            session.login.local_address.map_or(Value::Null, |a| Value::string(&a.ip().to_string()))
        }
        "local_tcp_port" => session.login.local_address.map_or(Value::Null, |a| Value::Int(a.port().into())),
        _ => Value::Null,
    }
}

/// FILEPROPERTY of a file of the current database.
fn file_property(session: &SharedSession, name: &str, property: &str) -> Option<i32> {
    let source = session.current_database();
    let database = source.database();
    let file =
        database.files.iter().find(|f| holdfast_types::NameOrder::instance().same(&f.logical_name, name))?;
    match property.to_ascii_lowercase().as_str() {
        "isreadonly" => Some(i32::from(database.read_only)),
        "isprimaryfile" => Some(i32::from(file.file_id == 1)),
        "islogfile" => Some(i32::from(file.kind == 1)),
        "spaceused" => i32::try_from(crate::system_view::used_pages(&*source, file)?).ok(),
        _ => None,
    }
}

/// IDENT_CURRENT, IDENT_SEED and IDENT_INCR; NULL for what has no identity column.
fn identity(session: &SharedSession, function: &str, args: &[Value]) -> SqlResult<Value> {
    let Some(name) = text(args.first()) else { return Ok(Value::Null) };
    let temporary = session.temporary.get(&name.trim_matches(['[', ']']).to_lowercase());
    let object = match temporary {
        Some(_) => None,
        None => named_object(session, &name)?,
    };
    Ok(identity_of(session, function, temporary, object).unwrap_or(Value::Null))
}

fn identity_of(
    session: &SharedSession,
    function: &str,
    temporary: Option<MemoryTable>,
    object: Option<ObjectInfo>,
) -> Option<Value> {
    let (now, last, increment, seed) = match temporary {
        Some(table) => {
            let column = table.definition.columns.iter().find_map(|c| c.identity.as_ref())?;
            let whole = super::identity::whole;
            (whole(&table.rows.last_identity()), None, whole(&column.increment)?, whole(&column.seed)?)
        }
        None => {
            let object = object?;
            let database = session.host.database_by_id(object.database_id)?;
            let (last, increment, seed) = database.identity_of(object.object_id).ok()??;
            use holdfast_engine::catalog::Catalog;
            let table = database.table_by_id(object.object_id).ok().flatten();
            let now = table
                .and_then(|t| t.access.writer())
                .and_then(|w| w.current_identity().ok())
                .and_then(|v| super::identity::whole(&v));
            (now, last, increment, seed)
        }
    };
    let value = match function {
        "IDENT_CURRENT" => now.or(last).unwrap_or(seed),
        "IDENT_SEED" => seed,
        _ => increment,
    };
    Some(Value::Decimal(Decimal::new(value, 0)))
}

/// Functions by upper-case name; `None` for those this does not know.
///
/// # Errors
/// Those of the wait for a transaction that is defining what the function is asked of.
pub fn other(session: &SharedSession, function: &str, args: &[Value]) -> SqlResult<Option<Value>> {
    Ok(match function {
        "IDENT_CURRENT" | "IDENT_SEED" | "IDENT_INCR" => Some(identity(session, function, args)?),
        "INDEX_COL" => {
            let object = match text(args.first()) {
                Some(name) => named_object(session, &name)?,
                None => None,
            };
            let found = || {
                let object = object?;
                let (index, key) = (number(args.get(1))?, number(args.get(2))?);
                let database = session.host.database_by_id(object.database_id)?;
                database.index_column_name(object.object_id, index, key).ok()?
            };
            Some(found().map_or(Value::Null, |name| Value::string(&name)))
        }
        "HAS_PERMS_BY_NAME" => {
            Some(crate::security::functions::has_perms_by_name(session, args)?.unwrap_or(Value::Null))
        }
        "XML_SCHEMA_NAMESPACE" => Some(crate::function::xml_schema_text::call(session, args)?),
        _ => unnamed(session, function, args),
    })
}

/// Those that look up no names of objects.
fn unnamed(session: &SharedSession, function: &str, args: &[Value]) -> Option<Value> {
    match function {
        // There are no assemblies (sys.assemblies).
        "ASSEMBLYPROPERTY" => Some(Value::Null),
        // No policy is evaluated here.
        "FN_SYSPOLICY_IS_AUTOMATION_ENABLED" => Some(Value::Bit(false)),
        "INDEXPROPERTY" => {
            let found = || {
                let (object, index, property) =
                    (number(args.first())?, text(args.get(1))?, text(args.get(2))?);
                session.current_database().index_property(object, &index, &property).ok()?
            };
            Some(found().unwrap_or(Value::Null))
        }
        "STATS_DATE" => {
            let (Some(object), Some(statistics)) = (number(args.first()), number(args.get(1))) else {
                return Some(Value::Null);
            };
            let catalog = session.current_database().online().stored()?;
            let date = catalog.statistics_date(object, statistics).ok()?;
            Some(date.map_or(Value::Null, Value::DateTime))
        }
        "SESSIONPROPERTY" => {
            use super::state::option as o;
            let flag = match text(args.first())?.trim().to_ascii_uppercase().as_str() {
                "ANSI_NULLS" => o::ANSI_NULLS,
                "ANSI_PADDING" => o::ANSI_PADDING,
                "ANSI_WARNINGS" => o::ANSI_WARNINGS,
                "ARITHABORT" => o::ARITHABORT,
                "CONCAT_NULL_YIELDS_NULL" => o::CONCAT_NULL_YIELDS_NULL,
                "NUMERIC_ROUNDABORT" => o::NUMERIC_ROUNDABORT,
                "QUOTED_IDENTIFIER" => o::QUOTED_IDENTIFIER,
                _ => return Some(Value::Null),
            };
            let value = Value::Int(i32::from(session.has(flag)));
            Some(Value::Variant(Arc::new(holdfast_types::Variant {
                ty: holdfast_types::SqlType::INT,
                value,
            })))
        }
        "APPLOCK_MODE" => session.application_lock_mode(args),
        "APPLOCK_TEST" => session.application_lock_test(args),
        "@@CURSOR_ROWS" => Some(Value::Int(session.state.lock().cursor_rows)),
        "@@DBTS" => {
            let last = session.current_database().online().last_row_version().ok().flatten()?;
            Some(Value::binary(&last.to_be_bytes()))
        }
        "CONNECTIONPROPERTY" => Some(connection_property(session, &text(args.first())?)),
        "FILEPROPERTY" => {
            let found = match (text(args.first()), text(args.get(1))) {
                (Some(file), Some(property)) => file_property(session, &file, &property),
                _ => None,
            };
            Some(found.map_or(Value::Null, Value::Int))
        }
        _ => super::property::property(session, function, args)
            .or_else(|| crate::security::functions::other(session, function, args)),
    }
}

/// Rows about a table's statistics, for those who may read the table: histograms show values of its columns.
fn of_statistics(
    session: &SharedSession,
    args: &[Value],
    rows: impl FnOnce(&DatabaseCatalog, &[Value]) -> SqlResult<Vec<Vec<Value>>>,
) -> SqlResult<Vec<Vec<Value>>> {
    let database = session.current_database();
    let object = args.first().and_then(super::raise::integer).and_then(|n| i32::try_from(n).ok());
    let (Some(catalog), Some(object)) = (database.online().stored(), object) else { return Ok(Vec::new()) };
    if !session.may(&database, Securable::Object(object), "SL")? {
        return Ok(Vec::new());
    }
    rows(&catalog, args)
}

/// Table-valued functions over server state that have rows here.
pub fn table_function(
    session: &SharedSession,
    name: &str,
    args: &[Value],
) -> Option<SqlResult<Vec<Vec<Value>>>> {
    let name = name.strip_prefix("sys.").unwrap_or(name);
    match name {
        "fn_my_permissions" => Some(crate::security::functions::my_permissions(session, args)),
        "dm_exec_sql_text" | "fn_get_sql" => {
            let row = match args.first() {
                Some(Value::Binary(handle)) if handle.len() >= 2 => {
                    let id = u16::from_le_bytes([handle[0], handle[1]]);
                    if id != session.id && !session.security.has_server("VWSS") {
                        let denied = SqlError::new(300, &[&"VIEW SERVER STATE", &"server", &"master"]);
                        return Some(Err(denied));
                    }
                    session.host.sessions.text(id)
                }
                _ => None,
            };
            let rows = row
                .map(|t| vec![Value::Null, Value::Null, Value::Null, Value::Bit(false), Value::string(&t)])
                .into_iter()
                .collect();
            Some(Ok(rows))
        }
        "fn_listextendedproperty" => match session.current_database().online().stored() {
            Some(catalog) => Some(crate::ddl::property::list(&catalog, args)),
            None => Some(Ok(Vec::new())),
        },
        "dm_db_stats_properties" => Some(of_statistics(session, args, super::show_statistics::properties)),
        "dm_db_stats_histogram" => Some(of_statistics(session, args, super::show_statistics::histogram_rows)),
        "dm_db_incremental_stats_properties" => Some(Ok(Vec::new())),
        "dm_exec_input_buffer" => {
            let id = args.first().and_then(super::raise::integer).and_then(|n| u16::try_from(n).ok());
            if id.is_some_and(|id| id != session.id) && !session.security.has_server("VWSS") {
                return Some(Err(SqlError::new(300, &[&"VIEW SERVER STATE", &"server", &"master"])));
            }
            let text = id.and_then(|id| session.host.sessions.text(id));
            let row =
                |t: Arc<str>| vec![Value::string("Language Event"), Value::SmallInt(0), Value::string(&t)];
            Some(Ok(text.map(row).into_iter().collect()))
        }
        "fn_helpcollations" => {
            let row = |(name, id): (String, CollationId)| {
                let about = super::collation_text::description(&name, id);
                vec![Value::string(&name), Value::string(&about)]
            };
            Some(Ok(CollationId::all().map(row).collect()))
        }
        _ => super::management_function::rows(session, name, args),
    }
}
