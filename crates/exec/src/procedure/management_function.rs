//! Rows of the table functions that show what databases and the server do: pages of indexes, the log, volumes.
//!
//! Invariants
//! 1. A function without rows here answers none only where there is nothing of its kind or nobody counts it ([`EMPTY`]); any other
//!    says that it is not supported.
//!
//! Evidence: arguments, columns and NULLs as the documentation of each function has them.

use std::path::Path;
use std::sync::Arc;

use holdfast_base::FileId;
use holdfast_engine::database::DatabaseCatalog;
use holdfast_engine::database::physical::{Detail, Level};
use holdfast_format::catalog::unit_type;
use holdfast_format::log::VlfHeader;
use holdfast_types::{SqlError, SqlResult, Value};

use super::state::SharedSession;
use crate::host::HostDatabase;
use crate::security::builtin;
use crate::security::model::Securable;
use crate::system_view::{ViewContext, ViewSource, dependency};

/// Plans and their executions are not kept, operations of indexes and files not counted; there are no traces, shared drives, signatures,
/// availability groups, cryptographic providers or full-text indexes.
const EMPTY: &[&str] = &[
    "dm_db_index_operational_stats",
    "dm_db_missing_index_columns",
    "dm_exec_query_plan",
    "dm_exec_text_query_plan",
    "dm_exec_plan_attributes",
    "dm_exec_cached_plan_dependent_objects",
    "dm_exec_query_statistics_xml",
    "dm_exec_query_plan_stats",
    "dm_io_virtual_file_stats",
    "fn_virtualfilestats",
    "fn_trace_getinfo",
    "fn_trace_geteventinfo",
    "fn_trace_getfilterinfo",
    "fn_validate_plan_guide",
    "fn_servershareddrives",
    "fn_check_object_signatures",
    "fn_hadr_distributed_ag_database_replica",
    "dm_cryptographic_provider_algorithms",
    "dm_cryptographic_provider_keys",
    "dm_cryptographic_provider_sessions",
    "dm_fts_index_keywords",
    "dm_fts_index_keywords_by_document",
    "dm_fts_index_keywords_by_property",
    "dm_fts_index_keywords_position_by_document",
];

type Rows = SqlResult<Vec<Vec<Value>>>;

/// `None`: not one of these.
pub fn rows(session: &SharedSession, name: &str, args: &[Value]) -> Option<Rows> {
    Some(match name {
        "dm_db_index_physical_stats" => physical(session, args),
        "dm_db_log_info" => log_info(session, args),
        "dm_os_volume_stats" => volumes(session, args),
        "dm_db_log_stats" => log_stats(session, args),
        "dm_sql_referenced_entities" => entities(session, args, dependency::referenced_entities),
        "dm_sql_referencing_entities" => entities(session, args, dependency::referencing_entities),
        "fn_builtin_permissions" => {
            let class = match args.first() {
                Some(Value::String(s)) => Some(s.to_text()),
                _ => None,
            };
            Ok(builtin::rows(class.as_deref().map(str::trim_end)))
        }
        "fn_trace_gettable" => no_file(args, 567, &[]),
        // The sessions that a server has from the start are not here, so nothing was ever written to their files.
        "fn_xe_file_target_read_file" => no_file(args, 25718, &["system_health", "AlwaysOn_health"]),
        _ if EMPTY.contains(&name) => Ok(Vec::new()),
        _ => return None,
    })
}

/// Files that nothing here writes: none by a name of which one was never written, else the error for a file that is not there.
fn no_file(args: &[Value], number: i32, never_written: &[&str]) -> Rows {
    let Some(Value::String(name)) = args.first() else { return Ok(Vec::new()) };
    let name = name.to_text();
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if never_written.iter().any(|n| file.starts_with(n)) {
        return Ok(Vec::new());
    }
    Err(SqlError::new(number, &[&name]))
}

/// Rows about an object of the current database, named by the first argument.
fn entities(session: &SharedSession, args: &[Value], rows: fn(&ViewContext<'_>, &str, &str) -> Rows) -> Rows {
    let text = |at: usize| match args.get(at) {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    };
    let (Some(name), Some(class)) = (text(0), text(1)) else { return Ok(Vec::new()) };
    let source = session.current_database();
    // Who may not see definitions is told of none.
    if !session.may(&source, Securable::Database, "VW")? {
        return Ok(Vec::new());
    }
    let view = ViewContext { model: source.model()?, source: &*source, reader: None };
    rows(&view, &name, &class.to_ascii_uppercase())
}

fn number(args: &[Value], at: usize) -> Option<i32> {
    args.get(at).and_then(super::raise::integer).and_then(|n| i32::try_from(n).ok())
}

/// 297 and 300 are what SQL Server says to who may not see the state of a database or of the server.
fn allowed(session: &SharedSession, database: &Arc<HostDatabase>) -> SqlResult<()> {
    if session.security.has_server("VWSS") || session.may(database, Securable::Database, "VWDS")? {
        return Ok(());
    }
    Err(SqlError::new(262, &[&"VIEW DATABASE STATE", &database.name]))
}

/// The database that an argument names by its id; the current one for NULL and 0.
fn database(session: &SharedSession, args: &[Value]) -> SqlResult<Option<Arc<HostDatabase>>> {
    let found = match number(args, 0) {
        None | Some(0) => Some(session.current_database()),
        Some(id) => session.host.database_by_id(id),
    };
    if let Some(found) = &found {
        allowed(session, found)?;
    }
    Ok(found)
}

fn physical(session: &SharedSession, args: &[Value]) -> Rows {
    let detail = match args.get(4) {
        None | Some(Value::Null) => Detail::Limited,
        Some(Value::String(s)) => match s.to_text().to_ascii_uppercase().as_str() {
            "DEFAULT" | "NULL" | "LIMITED" => Detail::Limited,
            "SAMPLED" => Detail::Sampled,
            "DETAILED" => Detail::Detailed,
            _ => return Err(SqlError::new(2561, &[&5])),
        },
        Some(_) => return Err(SqlError::new(2561, &[&5])),
    };
    let databases: Vec<Arc<HostDatabase>> = match number(args, 0) {
        None | Some(0) => {
            let all = session.host.instance.databases();
            all.iter().filter_map(|d| session.host.database_by_id(d.id)).collect()
        }
        Some(id) => session.host.database_by_id(id).into_iter().collect(),
    };
    let object = number(args, 1).filter(|n| *n != 0);
    let index = number(args, 2).filter(|n| *n >= 0);
    let partition = number(args, 3).filter(|n| *n > 0);
    let mut out = Vec::new();
    for database in databases {
        let Some(catalog) = database.online().stored() else { continue };
        allowed(session, &database)?;
        let tables: Vec<i32> = match object {
            Some(id) if catalog.object_row(id).is_none() => {
                let text = format!("Could not find table or object ID {id}. Check system catalog.");
                return Err(SqlError::with_text(2573, 16, text));
            }
            Some(id) => vec![id],
            None => {
                catalog.objects().iter().filter(|o| matches!(&*o.kind, "U" | "V")).map(|o| o.id).collect()
            }
        };
        for table in tables {
            let levels = catalog.physical(table, index, partition, detail);
            let levels = levels.map_err(|e| holdfast_engine::page_error(&e))?;
            out.extend(levels.iter().map(|l| level_row(&catalog, database.id, table, l, detail)));
        }
    }
    Ok(out)
}

fn level_row(catalog: &DatabaseCatalog, database: i32, table: i32, l: &Level, detail: Detail) -> Vec<Value> {
    let kind = catalog
        .table(table)
        .ok()
        .flatten()
        .and_then(|t| t.indexes.iter().find(|i| i.index_id == l.index_id).map(|i| i.kind));
    use holdfast_engine::catalog::IndexKind as K;
    let kind = match kind {
        Some(K::Clustered) => "CLUSTERED INDEX",
        Some(K::Nonclustered) => "NONCLUSTERED INDEX",
        Some(K::Xml) => "XML INDEX",
        Some(K::Spatial) => "SPATIAL INDEX",
        Some(K::Columnstore) => "COLUMNSTORE INDEX",
        Some(K::Heap) => "HEAP",
        None if l.index_id == 0 => "HEAP",
        None => "CLUSTERED INDEX",
    };
    let unit = match l.unit {
        unit_type::LOB => "LOB_DATA",
        unit_type::ROW_OVERFLOW => "ROW_OVERFLOW_DATA",
        _ => "IN_ROW_DATA",
    };
    let of_records = |f: &dyn Fn(&holdfast_engine::database::physical::Records) -> Value| {
        l.records.as_ref().map_or(Value::Null, f)
    };
    let in_row = l.unit == unit_type::IN_ROW;
    let fragments = l.fragments.filter(|_| l.level == 0);
    // A heap of which only some pages were looked at has no fragmentation, as the documentation has it.
    let unknown = l.index_id == 0 && in_row && detail == Detail::Sampled;
    let percent = match l.fragments {
        _ if unknown => Value::Null,
        Some((percent, _)) => Value::Float(percent),
        None => Value::Float(0.0),
    };
    let average = fragments.filter(|f| f.1 > 0).map(|f| l.pages as f64 / f.1 as f64);
    vec![
        Value::SmallInt(database as i16),
        Value::Int(table),
        Value::Int(l.index_id),
        Value::Int(l.partition),
        Value::string(kind),
        Value::string(unit),
        Value::TinyInt(l.depth),
        Value::TinyInt(l.level),
        percent,
        fragments.map_or(Value::Null, |f| Value::BigInt(f.1)),
        average.map_or(Value::Null, Value::Float),
        Value::BigInt(l.pages),
        of_records(&|r| Value::Float(r.space_used)),
        of_records(&|r| Value::BigInt(r.count)),
        of_records(&|r| Value::BigInt(r.ghosts)),
        of_records(&|_| Value::BigInt(0)),
        of_records(&|r| Value::Int(r.shortest)),
        of_records(&|r| Value::Int(r.longest)),
        of_records(&|r| Value::Float(r.average)),
        if l.index_id == 0 && in_row { of_records(&|r| Value::BigInt(r.forwarded)) } else { Value::Null },
        of_records(&|r| Value::BigInt(r.compressed_pages)),
    ]
}

/// The VLFs of a database's log: those of a database without a log of its own are none.
pub fn vlfs(database: &HostDatabase) -> Vec<(FileId, VlfHeader, bool)> {
    let catalog = database.online().stored();
    catalog.and_then(|c| c.writing().map(|w| w.vlfs())).unwrap_or_default()
}

fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1_048_576.0 * 100.0).round() / 100.0
}

fn lsn(lsn: holdfast_base::Lsn) -> Value {
    Value::string(&format!("{:08x}:{:08x}:{:04x}", lsn.vlf, lsn.block, lsn.slot))
}

fn log_info(session: &SharedSession, args: &[Value]) -> Rows {
    let Some(database) = database(session, args)? else { return Ok(Vec::new()) };
    Ok(vlfs(&database)
        .into_iter()
        .map(|(file, v, active)| {
            vec![
                Value::Int(database.id),
                Value::SmallInt(file as i16),
                Value::BigInt(v.offset as i64),
                Value::Float(megabytes(v.size)),
                Value::BigInt(i64::from(v.sequence)),
                Value::Bit(active),
                Value::Int(if active { 2 } else { 0 }),
                Value::TinyInt(v.parity),
                Value::Null,
                if v.create_lsn == holdfast_base::Lsn::ZERO { Value::Null } else { lsn(v.create_lsn) },
                Value::Null,
            ]
        })
        .collect())
}

fn log_stats(session: &SharedSession, args: &[Value]) -> Rows {
    let Some(database) = database(session, args)? else { return Ok(Vec::new()) };
    let vlfs = vlfs(&database);
    let Some(newest) = vlfs.iter().max_by_key(|v| v.1.sequence) else { return Ok(Vec::new()) };
    let size = |active: bool| vlfs.iter().filter(|v| v.2 || !active).map(|v| v.1.size).sum::<u64>();
    let active = vlfs.iter().filter(|v| v.2).count();
    let model = match database.online().properties().recovery_model {
        1 => "FULL",
        2 => "BULK_LOGGED",
        _ => "SIMPLE",
    };
    let mut row = vec![Value::Int(database.id), Value::string(model), Value::Null, Value::Null];
    row.extend([
        Value::BigInt(i64::from(newest.1.sequence)),
        Value::Float(megabytes(newest.1.size)),
        Value::BigInt(vlfs.len() as i64),
        Value::Float(megabytes(size(false))),
        Value::BigInt(active as i64),
        Value::Float(megabytes(size(true))),
    ]);
    // What holds the log up, and where backups and checkpoints were, is not told here.
    row.resize(19, Value::Null);
    Ok(vec![row])
}

fn volumes(session: &SharedSession, args: &[Value]) -> Rows {
    if !session.security.has_server("VWSS") {
        return Err(SqlError::new(300, &[&"VIEW SERVER STATE", &"server", &"master"]));
    }
    let (Some(id), Some(file)) = (number(args, 0), number(args, 1)) else { return Ok(Vec::new()) };
    let Some(database) = session.host.database_by_id(id) else { return Ok(Vec::new()) };
    let properties = database.online().properties();
    let Some(file) = properties.files.iter().find(|f| f.file_id == file) else { return Ok(Vec::new()) };
    let directory = file.path.parent().unwrap_or(Path::new("/"));
    let Ok((total, available)) = holdfast_disk::volume_space(directory) else { return Ok(Vec::new()) };
    Ok(vec![vec![
        Value::Int(id),
        Value::Int(file.file_id),
        Value::string("/"),
        Value::Null,
        Value::string(""),
        Value::Null,
        Value::BigInt(i64::try_from(total).unwrap_or(i64::MAX)),
        Value::BigInt(i64::try_from(available).unwrap_or(i64::MAX)),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::TinyInt(0),
        Value::Null,
        Value::Null,
    ]])
}
