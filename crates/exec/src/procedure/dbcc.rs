//! DBCC: the consistency check, identity values, and the commands that only free memory; smaller files: `dbcc_shrink`, `dbcc_views`, `dbcc_indexes`, `dbcc_info`.
//!
//! Invariants
//! 1. CHECKDB looks at a moment at which nobody changes a page; changes wait until it has ended.
//! 2. It reports, and notes in the boot page when it found nothing; a REPAIR option is refused.

use std::sync::Arc;

use holdfast_engine::access::ReadContext;
use holdfast_engine::catalog::{Catalog, ObjectDef, TableDef};
use holdfast_engine::check::Report;
use holdfast_tsql::ast::Dbcc;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::administration::Call;
use super::redefined::{begins_again, told_to_client};
use crate::function::string::parse_name;
use crate::host::HostDatabase;
use crate::security::Securable;

pub fn info(call: &mut Call<'_>, number: i32, text: String) {
    // A client that is gone is noticed by the runner at the next DONE.
    let _ = call.sink.message(&SqlError::with_text(number, 10, text));
}

/// 2528, which ends every DBCC command that nobody asked to be silent.
pub const COMPLETED: &str =
    "DBCC execution completed. If DBCC printed error messages, contact your system administrator.";

pub fn completed(call: &mut Call<'_>) {
    info(call, 2528, COMPLETED.to_owned());
}

/// Runs a DBCC statement.
pub fn run(statement: &Dbcc, call: &mut Call<'_>) -> Result<Option<u64>, Vec<SqlError>> {
    let mut arguments = Vec::with_capacity(statement.arguments.len());
    for a in &statement.arguments {
        arguments.push((call.evaluate)(a).map_err(|e| vec![e])?);
    }
    let has = |name: &str| statement.options.iter().any(|(o, _)| o.eq_ignore_ascii_case(name));
    match statement.command.as_str() {
        "CHECKDB" | "CHECKALLOC" => {
            let logical = statement.command == "CHECKDB" && has("EXTENDED_LOGICAL_CHECKS");
            check(&statement.command, &arguments, has("NO_INFOMSGS"), logical, call)
        }
        "CHECKIDENT" => check_identity(&arguments, has("NO_INFOMSGS"), call).map_err(|e| vec![e]),
        "SHOW_STATISTICS" => {
            super::show_statistics::show(statement, &arguments, call)?;
            if !has("NO_INFOMSGS") {
                completed(call);
            }
            Ok(None)
        }
        "DBINFO" => super::dbcc_info::run(&arguments, has("TABLERESULTS"), has("NO_INFOMSGS"), call),
        "SHRINKFILE" => super::dbcc_shrink::file(&arguments, has("NO_INFOMSGS"), call),
        "SHRINKDATABASE" => super::dbcc_shrink::database(&arguments, has("NO_INFOMSGS"), call),
        "FREEPROCCACHE" | "DROPCLEANBUFFERS" | "FREESYSTEMCACHE" | "FREESESSIONCACHE" => {
            if !has("NO_INFOMSGS") {
                completed(call);
            }
            Ok(None)
        }
        other => super::dbcc_session::run(statement, &arguments, has("NO_INFOMSGS"), call)
            .or_else(|| super::dbcc_maintenance::run(statement, &arguments, has("NO_INFOMSGS"), call))
            .unwrap_or_else(|| Err(vec![SqlError::not_supported(format!("DBCC {other}"))])),
    }
}

/// How often a look begins again because a definition changed under it.
const AGAIN: usize = 100;

/// Looks with a database's present definitions, again when they change meanwhile.
fn settled(
    call: &Call<'_>,
    name: &str,
    look: fn(&HostDatabase, &Call<'_>) -> SqlResult<Vec<SqlError>>,
) -> SqlResult<Vec<SqlError>> {
    let mut tries = 0;
    loop {
        tries += 1;
        match look(&*call.session.host.database(name)?, call) {
            // 208: what was listed has been dropped since.
            Err(e) if (begins_again(&e) || e.number == 208) && tries < AGAIN => {}
            done => return done.map_err(told_to_client),
        }
    }
}

fn check(
    command: &str,
    arguments: &[Value],
    quiet: bool,
    logical: bool,
    call: &mut Call<'_>,
) -> Result<Option<u64>, Vec<SqlError>> {
    let one = |e: SqlError| vec![e];
    let words: Vec<String> = arguments
        .iter()
        .map(|a| match a {
            Value::String(s) => s.to_text(),
            other => super::raise::integer(other).map_or_else(String::new, |n| n.to_string()),
        })
        .collect();
    if let Some(repair) = words.iter().skip(1).find(|w| w.to_ascii_uppercase().starts_with("REPAIR")) {
        return Err(one(SqlError::not_supported(format!(
            "DBCC {command} with {}",
            repair.to_ascii_uppercase()
        ))));
    }
    let current = call.session.current_database();
    let name: Arc<str> = match words.first().map(String::as_str) {
        None | Some("" | "0") => Arc::clone(&current.name),
        Some(word) => match word.parse::<i32>() {
            Ok(id) => call
                .session
                .host
                .instance
                .find_id(id)
                .map(|d| Arc::clone(&d.name))
                .ok_or_else(|| one(SqlError::new(911, &[&word])))?,
            Err(_) => word.into(),
        },
    };
    let database = call.session.host.instance.online(&name).map_err(one)?;
    if !quiet {
        info(call, 2536, format!("DBCC results for '{name}'."));
    }
    let report: Report = database.check().map_err(one)?;
    // Findings that name no object are about maps and page headers.
    let (allocation, consistency): (Vec<_>, Vec<_>) =
        report.findings.iter().partition(|f| f.object.is_none());
    let mut errors: Vec<SqlError> = report
        .findings
        .iter()
        .take(200)
        .map(|f| SqlError::with_text(f.number, 16, format!("{f}.")))
        .collect();
    let mut views = Vec::new();
    if logical && report.findings.is_empty() {
        views = settled(call, &name, super::dbcc_views::check).map_err(one)?;
    }
    if report.findings.is_empty() {
        views.extend(settled(call, &name, super::dbcc_indexes::check).map_err(one)?);
    }
    errors.extend(views.iter().cloned());
    for e in &errors {
        let _ = call.sink.message(e);
    }
    if let Some(last) = errors.last() {
        call.session.state.lock().found = last.number;
    }
    let text = format!(
        "{command} found {} allocation errors and {} consistency errors in database '{name}'.",
        allocation.len(),
        consistency.len() as u64 + report.suppressed + views.len() as u64
    );
    if !quiet || !errors.is_empty() {
        info(call, 8989, text);
    }
    // A database that is only read keeps what its boot page says.
    if command == "CHECKDB"
        && errors.is_empty()
        && let Some(catalog) = database.stored()
        && let Some(writing) = catalog.writing()
    {
        let when = call.session.host.now();
        holdfast_engine::ddl::boot::set_last_good_check(writing, when).map_err(one)?;
    }
    if !quiet {
        completed(call);
    }
    Ok(None)
}

/// A table or indexed view by a name of up to three parts.
pub(super) fn table(call: &Call<'_>, name: &str) -> SqlResult<Arc<TableDef>> {
    table_in(call, name).map(|(_, table)| table)
}

/// The same, and the database that it is in.
pub(super) fn table_in(call: &Call<'_>, name: &str) -> SqlResult<(Arc<HostDatabase>, Arc<TableDef>)> {
    let (database, table) = found_in(call, name)?;
    // Rights in the current database have been asked for; in another one its owners' are needed.
    if database.id != call.session.current_database().id
        && !call.session.may(&database, Securable::Database, "CL").unwrap_or(false)
    {
        return Err(no_table(name));
    }
    Ok((database, table))
}

fn no_table(name: &str) -> SqlError {
    SqlError::with_text(
        2501,
        16,
        format!("Cannot find a table or object with the name \"{name}\". Check the system catalog."),
    )
}

/// A table or indexed view that the caller sees, whatever it may do with it.
pub(super) fn found_in(call: &Call<'_>, name: &str) -> SqlResult<(Arc<HostDatabase>, Arc<TableDef>)> {
    let missing = || no_table(name);
    let parts = parse_name(name).ok_or_else(missing)?;
    let current = call.session.current_database();
    if let Some(last) = parts.last().filter(|p| p.starts_with('#'))
        && let Some(table) = call.session.temporary.get(&last.to_lowercase())
    {
        return Ok((current, table.definition));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (database, schema, object) = match parts.as_slice() {
        [object] => ("", "dbo", *object),
        [schema, object] => ("", *schema, *object),
        [database, schema, object] => (*database, *schema, *object),
        _ => return Err(missing()),
    };
    let schema = if schema.is_empty() { "dbo" } else { schema };
    let database = match database {
        "" => current,
        name => call.session.host.database(name).map_err(|e| if e.number == 911 { missing() } else { e })?,
    };
    let found = match database.object(schema, object) {
        Some(ObjectDef::Table(table)) => Some(table),
        Some(ObjectDef::View(view)) => database.indexed_view(view.object_id)?,
        _ => None,
    };
    let seen = found.filter(|table| call.session.sees(&database, table.object_id));
    seen.map(|table| (database, table)).ok_or_else(missing)
}

/// CHECKIDENT ('t' [, NORESEED | RESEED [, value]]).
fn check_identity(arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> SqlResult<Option<u64>> {
    let name = match arguments.first() {
        Some(Value::String(s)) => s.to_text(),
        _ => return Err(SqlError::new(102, &[&")"])),
    };
    let table = table(call, &name)?;
    let Some(ordinal) = table.columns.iter().position(|c| c.identity.is_some()) else {
        return Err(SqlError::with_text(7997, 16, format!("'{name}' does not contain an identity column.")));
    };
    let writer = table
        .access
        .writer()
        .ok_or_else(|| SqlError::not_supported(format!("DBCC CHECKIDENT of '{name}', which is only read")))?;
    let number = |v: &Value| super::raise::integer(v);
    let current = writer.current_identity()?;
    let types: [SqlType; 1] = [table.columns[ordinal].ty];
    let mut rows = table.access.scan(&ReadContext::unlocked(), &[ordinal])?;
    let mut highest: Option<(i64, Value)> = None;
    while let Some(batch) = rows.next_batch()? {
        for i in 0..batch.len {
            if let Some(value) = batch.row(i, &types).pop()
                && let Some(n) = number(&value)
                && highest.as_ref().is_none_or(|(h, _)| n > *h)
            {
                highest = Some((n, value));
            }
        }
    }
    let reseed = match arguments.get(1) {
        Some(Value::String(s)) => !s.to_text().eq_ignore_ascii_case("NORESEED"),
        _ => true,
    };
    match (reseed, arguments.get(2)) {
        (true, Some(value)) => {
            let n = number(value).ok_or_else(|| SqlError::new(102, &[&","]))?;
            let wanted = match types[0].id {
                holdfast_types::TypeId::TinyInt => u8::try_from(n).ok().map(Value::TinyInt),
                holdfast_types::TypeId::SmallInt => i16::try_from(n).ok().map(Value::SmallInt),
                holdfast_types::TypeId::Int => i32::try_from(n).ok().map(Value::Int),
                holdfast_types::TypeId::BigInt => Some(Value::BigInt(n)),
                _ => Some(Value::Decimal(holdfast_types::Decimal::new(i128::from(n), 0))),
            };
            let wanted = wanted.ok_or_else(|| {
                SqlError::with_text(
                    7997,
                    16,
                    format!("The new identity value {n} is outside the column's type."),
                )
            })?;
            writer.note_identity(&wanted, true)?;
        }
        // Only ever forwards: values given are not given again.
        (true, None) => {
            if let Some((h, value)) = &highest
                && number(&current).is_none_or(|c| c < *h)
            {
                // Others may have come further meanwhile.
                writer.note_identity(value, false)?;
            }
        }
        (false, _) => {}
    }
    if !quiet {
        let shown = |v: Option<i64>| v.map_or_else(|| "NULL".to_owned(), |n| n.to_string());
        let identity = shown(number(&current));
        // With a value of its own the column does not matter.
        let text = match arguments.get(2) {
            Some(_) => format!("Checking identity information: current identity value '{identity}'."),
            None => format!(
                "Checking identity information: current identity value '{identity}', current column value '{}'.",
                shown(highest.map(|h| h.0))
            ),
        };
        info(call, 7998, text);
        completed(call);
    }
    Ok(None)
}
