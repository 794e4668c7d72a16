//! DBCC commands of maintenance scripts: space of logs, VLFs, checks of a part of a database, counts of pages, old ways to rebuild.
//!
//! Invariants
//! 1. A check of one table or of the catalogue looks at the whole database, as CHECKDB does, and tells what concerns it.
//! 2. Rebuilding and reorganising are done by the statements that replaced these commands ([`translated`]).
//!
//! Evidence: columns and texts as the T-SQL reference shows them.

use std::sync::Arc;

use holdfast_engine::check::{Finding, Report};
use holdfast_tsql::ast::Dbcc;
use holdfast_types::{CollationId, Decimal, SqlError, SqlResult, SqlType, Value};

use super::administration::Call;
use super::dbcc::{completed, info};
use super::dbcc_session::send;
use crate::ddl::lower::bracketed;
use crate::function::string::parse_name;
use crate::host::HostDatabase;

type Done = Result<Option<u64>, Vec<SqlError>>;

fn text_of(v: Option<&Value>) -> Option<String> {
    match v {
        Some(Value::String(s)) => Some(s.to_text()),
        Some(other) => super::raise::integer(other).map(|n| n.to_string()),
        None => None,
    }
}

/// The commands of this file; `None` for others.
pub fn run(statement: &Dbcc, arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> Option<Done> {
    let one = |e: SqlError| vec![e];
    let done = match statement.command.as_str() {
        "SQLPERF" => performance(arguments, call),
        "LOGINFO" => log_info(arguments, call),
        "CHECKTABLE" => check_table(arguments, quiet, call).map(|()| None),
        "CHECKCATALOG" => check_catalog(arguments, quiet, call).map(|()| None),
        "CHECKFILEGROUP" => check_filegroup(quiet, call).map(|()| None),
        "UPDATEUSAGE" => update_usage(arguments, call).map(|()| None).map_err(one),
        "CLEANTABLE" => clean_table(arguments, call).map(|()| None).map_err(one),
        _ => return None,
    };
    if done.is_ok() && !quiet {
        completed(call);
    }
    Some(done)
}

/// The statement that does what an old command did; `None` for other commands.
///
/// # Errors
/// 2583 when arguments are missing.
pub fn translated(statement: &Dbcc, arguments: &[Value]) -> Option<SqlResult<String>> {
    let wrong = || {
        let text = "An incorrect number of parameters was given to the DBCC statement.";
        SqlError::with_text(2583, 16, text)
    };
    let index = |at: usize| match text_of(arguments.get(at)).filter(|n| !n.is_empty()) {
        Some(name) => bracketed(&name),
        None => "ALL".to_owned(),
    };
    let fill = |at: usize| match arguments.get(at).and_then(super::raise::integer) {
        Some(n) if n > 0 => format!(" WITH (FILLFACTOR = {n})"),
        _ => String::new(),
    };
    match statement.command.as_str() {
        "DBREINDEX" => Some(
            text_of(arguments.first())
                .ok_or_else(wrong)
                .map(|table| format!("ALTER INDEX {} ON {} REBUILD{}", index(1), quoted(&table), fill(2))),
        ),
        "INDEXDEFRAG" => Some(
            text_of(arguments.get(1))
                .ok_or_else(wrong)
                .map(|table| format!("ALTER INDEX {} ON {} REORGANIZE", index(2), quoted(&table))),
        ),
        _ => None,
    }
}

/// A name of one to three parts, each in brackets.
fn quoted(name: &str) -> String {
    let parts = parse_name(name).unwrap_or_else(|| vec![name.to_owned()]);
    let each = parts.iter().map(|p| if p.is_empty() { String::new() } else { bracketed(p) });
    each.collect::<Vec<_>>().join(".")
}

/// SQLPERF (LOGSPACE), and clearing counters of which there are none.
fn performance(arguments: &[Value], call: &mut Call<'_>) -> Done {
    let what = text_of(arguments.first()).unwrap_or_default();
    if text_of(arguments.get(1)).is_some_and(|w| w.eq_ignore_ascii_case("CLEAR")) {
        return Ok(None);
    }
    if !what.eq_ignore_ascii_case("LOGSPACE") {
        return Err(vec![SqlError::not_supported(format!("DBCC SQLPERF ({what})"))]);
    }
    let columns = [
        ("Database Name", SqlType::nvarchar(128, CollationId::SERVER_DEFAULT)),
        ("Log Size (MB)", SqlType::REAL),
        ("Log Space Used (%)", SqlType::REAL),
        ("Status", SqlType::INT),
    ];
    let mut rows = Vec::new();
    for entry in call.session.host.instance.databases() {
        let Some(database) = call.session.host.database_by_id(entry.id) else { continue };
        let Some(used) = database.online().stored().and_then(|c| c.writing().map(|w| w.log_use())) else {
            continue;
        };
        let percent = used.size.saturating_sub(used.free) as f64 * 100.0 / used.size.max(1) as f64;
        rows.push(vec![
            Value::string(&database.name),
            Value::Real((used.size as f64 / 1_048_576.0) as f32),
            Value::Real(percent as f32),
            Value::Int(0),
        ]);
    }
    send(call, &columns, &rows).map(Some)
}

/// The database that a command names; the present one without.
pub(super) fn named(arguments: &[Value], call: &Call<'_>) -> Result<Arc<HostDatabase>, Vec<SqlError>> {
    let host = &call.session.host;
    match text_of(arguments.first()).as_deref() {
        None | Some("" | "0") => Ok(call.session.current_database()),
        Some(name) => match name.parse::<i32>() {
            Ok(id) => host.database_by_id(id).ok_or_else(|| vec![SqlError::new(911, &[&name])]),
            Err(_) => host.database(name).map_err(|e| vec![e]),
        },
    }
}

fn log_info(arguments: &[Value], call: &mut Call<'_>) -> Done {
    let database = named(arguments, call)?;
    let columns = [
        ("RecoveryUnitId", SqlType::INT),
        ("FileId", SqlType::INT),
        ("FileSize", SqlType::BIGINT),
        ("StartOffset", SqlType::BIGINT),
        ("FSeqNo", SqlType::INT),
        ("Status", SqlType::INT),
        ("Parity", SqlType::TINYINT),
        ("CreateLSN", SqlType::numeric(25, 0)),
    ];
    let rows: Vec<Vec<Value>> = super::management_function::vlfs(&database)
        .into_iter()
        .map(|(file, v, active)| {
            let l = v.create_lsn;
            let lsn = i128::from(l.vlf) * 1_000_000_000_000_000
                + i128::from(l.block) * 100_000
                + i128::from(l.slot);
            vec![
                Value::Int(0),
                Value::Int(i32::from(file)),
                Value::BigInt(v.size as i64),
                Value::BigInt(v.offset as i64),
                Value::Int(v.sequence as i32),
                Value::Int(if active { 2 } else { 0 }),
                Value::TinyInt(v.parity),
                Value::Decimal(Decimal::new(lsn, 0)),
            ]
        })
        .collect();
    send(call, &columns, &rows).map(Some)
}

fn report(call: &Call<'_>, name: &str) -> Result<Report, Vec<SqlError>> {
    let database = call.session.host.instance.online(name).map_err(|e| vec![e])?;
    database.check().map_err(|e| vec![e])
}

fn tell<'f>(findings: impl Iterator<Item = &'f Finding>, call: &mut Call<'_>) -> u64 {
    let mut count = 0;
    for f in findings {
        count += 1;
        if count <= 200 {
            let _ = call.sink.message(&SqlError::with_text(8928, 16, format!("{f}.")));
        }
    }
    if count > 0 {
        call.session.state.lock().found = 8928;
    }
    count
}

fn check_table(arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let one = |e: SqlError| vec![e];
    let Some(Value::String(name)) = arguments.first() else {
        return Err(one(SqlError::new(102, &[&")"])));
    };
    if let Some(option) = text_of(arguments.get(1)).filter(|o| o.to_ascii_uppercase().starts_with("REPAIR")) {
        return Err(one(SqlError::not_supported(format!(
            "DBCC CHECKTABLE with {}",
            option.to_ascii_uppercase()
        ))));
    }
    let (database, table) = super::dbcc::table_in(call, &name.to_text()).map_err(one)?;
    if !quiet {
        info(call, 2536, format!("DBCC results for '{}'.", table.name));
    }
    let found = report(call, &database.name)?;
    let full = format!("{}.{}", table.schema_name, table.name);
    let own = found.findings.iter().filter(|f| f.object.as_deref() == Some(full.as_str()));
    let errors = tell(own, call);
    if !quiet {
        let (rows, pages) = (table.rows(), table.pages());
        info(call, 2593, format!("There are {rows} rows in {pages} pages for object \"{}\".", table.name));
    }
    if errors > 0 {
        let text = format!(
            "CHECKTABLE found 0 allocation errors and {errors} consistency errors in table '{}' (object ID {}).",
            table.name, table.object_id
        );
        info(call, 8990, text);
    }
    Ok(())
}

fn check_catalog(arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let database = named(arguments, call)?;
    if !quiet {
        info(call, 2536, format!("DBCC results for '{}'.", database.name));
    }
    let found = report(call, &database.name)?;
    // Base tables stand in schema sys; one that cannot be read at all is named alone.
    let catalog =
        |f: &&Finding| f.object.as_deref().is_some_and(|o| o.starts_with("sys.") || !o.contains('.'));
    let errors = tell(found.findings.iter().filter(catalog), call);
    if errors > 0 {
        info(call, 8989, format!("CHECKCATALOG found {errors} errors in database '{}'.", database.name));
    }
    Ok(())
}

fn check_filegroup(quiet: bool, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let name = Arc::clone(&call.session.current_database().name);
    if !quiet {
        info(call, 2536, format!("DBCC results for '{name}'."));
    }
    let found = report(call, &name)?;
    let allocation = found.findings.iter().filter(|f| f.object.is_none()).count();
    let all = tell(found.findings.iter(), call);
    if !quiet || all > 0 {
        let consistency = all - allocation as u64 + found.suppressed;
        let text = format!(
            "CHECKFILEGROUP found {allocation} allocation errors and {consistency} consistency errors in database '{name}'."
        );
        info(call, 8989, text);
    }
    Ok(())
}

/// UPDATEUSAGE (database [, table]): counts of pages as the maps have them.
fn update_usage(arguments: &[Value], call: &mut Call<'_>) -> SqlResult<()> {
    let database = named(arguments, call).map_err(|mut e| e.remove(0))?;
    let table = match arguments.get(1) {
        Some(Value::String(s)) => Some(super::dbcc::table(call, &s.to_text())?.object_id),
        _ => None,
    };
    let catalog = database.online().stored().ok_or_else(|| {
        SqlError::not_supported(format!("DBCC UPDATEUSAGE in the system database '{}'", database.name))
    })?;
    for c in catalog.recount(table)? {
        let object = catalog.object_row(c.object_id).map_or_else(String::new, |o| o.name.to_string());
        let text = format!(
            "DBCC UPDATEUSAGE: Usage counts updated for table '{object}' (index ID {}, partition {}):\n        USED pages ({}): changed from ({}) to ({}) pages.\n        RSVD pages ({}): changed from ({}) to ({}) pages.",
            c.index_id, c.partition, c.unit, c.used.0, c.used.1, c.unit, c.reserved.0, c.reserved.1
        );
        info(call, 7909, text);
    }
    Ok(())
}

/// CLEANTABLE (database, table): values of dropped columns go when their rows are written anew, which a rebuild does.
fn clean_table(arguments: &[Value], call: &mut Call<'_>) -> SqlResult<()> {
    let name = text_of(arguments.get(1)).ok_or_else(|| {
        SqlError::with_text(2583, 16, "An incorrect number of parameters was given to the DBCC statement.")
    })?;
    let (database, table) = super::dbcc::table_in(call, &name)?;
    let catalog = database.online().stored();
    let dropped = catalog.is_some_and(|c| {
        let mut rowsets = c.storage().base_rowsets(table.object_id);
        rowsets.any(|r| c.storage().layout(r.id).is_some_and(|l| l.columns.iter().any(|x| x.is_dropped())))
    });
    if dropped {
        return Err(SqlError::not_supported(
            "DBCC CLEANTABLE of a table with dropped columns (ALTER TABLE … REBUILD does it)",
        ));
    }
    Ok(())
}
