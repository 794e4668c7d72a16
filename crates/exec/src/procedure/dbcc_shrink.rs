//! DBCC SHRINKFILE and SHRINKDATABASE: what is free at the end of files goes back to the disk.
//!
//! Invariants
//! 1. No page is moved: a size that would need it, NOTRUNCATE and EMPTYFILE are refused, after what could be given back was.
//! 2. A log file keeps the log that is needed (9008 tells so).
//!
//! Evidence: arguments, columns and messages as the T-SQL reference has them.

use std::sync::Arc;

use holdfast_base::{FileId, PageId};
use holdfast_engine::instance::FileProperties;
use holdfast_engine::instance::modify_file::FileChange;
use holdfast_engine::write::writing::failure;
use holdfast_format::PageSource;
use holdfast_format::file_header::FileHeader;
use holdfast_storage::write::shrink::Shrunk;
use holdfast_types::{NameOrder, SqlError, SqlResult, SqlType, TypeId, Value};

use super::administration::Call;
use super::dbcc::{completed, info};
use super::dbcc_session::send;
use super::raise::integer;
use crate::ddl::alter_database::Many;
use crate::ddl::modify_file::list_file;

/// Pages of a mebibyte.
const MEBIBYTE: i64 = 128;

/// A file as it is afterwards.
struct Done {
    database: i32,
    file: i32,
    size: u32,
    least: u32,
    used: u32,
}

/// How far a file is to go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// As far as it goes without moving anything.
    Free,
    /// To the size it was made with.
    Made,
    Pages(u32),
    /// So that this many percent of it are free, and not below the size it was made with.
    Percent(u32),
}

fn word(value: &Value) -> String {
    match value {
        Value::String(s) => s.to_text(),
        other => integer(other).map_or_else(String::new, |n| n.to_string()),
    }
}

/// The last word of what may stand behind a size; `true`: TRUNCATEONLY.
fn truncates(words: &[String], command: &str) -> SqlResult<bool> {
    let mut only = false;
    for w in words {
        match w.to_ascii_uppercase().as_str() {
            "TRUNCATEONLY" => only = true,
            other @ ("NOTRUNCATE" | "EMPTYFILE") => {
                return Err(SqlError::not_supported(format!("DBCC {command} with {other}")));
            }
            other => return Err(SqlError::new(102, &[&other])),
        }
    }
    Ok(only)
}

/// SHRINKFILE ({ name | id } [, size in MB] [, TRUNCATEONLY]).
pub fn file(arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> Many<Option<u64>> {
    let one = |e: SqlError| vec![e];
    let Some(named) = arguments.first() else { return Err(one(SqlError::new(102, &[&")"]))) };
    let current = call.session.current_database();
    let online = call.session.host.instance.online(&current.name).map_err(one)?;
    let files = online.properties().files;
    let (name, id) = (word(named), integer(named));
    let found = match (named, id) {
        (Value::String(_), _) => files.iter().find(|f| NameOrder::instance().same(&f.logical_name, &name)),
        (_, Some(id)) => files.iter().find(|f| i64::from(f.file_id) == id),
        _ => None,
    };
    let Some(found) = found else {
        let text = match named {
            Value::String(_) => {
                format!(
                    "Could not locate file '{name}' for database '{}' in sys.database_files.",
                    current.name
                )
            }
            _ => format!(
                "Could not locate file ID {name} for database '{}' in sys.database_files.",
                current.name
            ),
        };
        let number = if matches!(named, Value::String(_)) { 8985 } else { 8984 };
        return Err(one(SqlError::with_text(
            number,
            16,
            format!("{text} The file either does not exist, or was dropped."),
        )));
    };
    let rest: Vec<String> = arguments.iter().skip(1).map(word).collect();
    let size = rest.first().and_then(|w| w.parse::<i64>().ok());
    let only =
        truncates(rest.get(usize::from(size.is_some())..).unwrap_or(&[]), "SHRINKFILE").map_err(one)?;
    let target = match size {
        // The size counts for nothing beside TRUNCATEONLY, but for log files.
        Some(_) if only && !found.is_log => Target::Free,
        Some(n) if n >= 0 => Target::Pages(u32::try_from(n.saturating_mul(MEBIBYTE)).unwrap_or(u32::MAX)),
        Some(_) => return Err(one(SqlError::new(102, &[&"-"]))),
        None if only => Target::Free,
        None => Target::Made,
    };
    let (done, moving) = shrink(&current.name, found, target, call)?;
    report(&[done], quiet, call)?;
    match moving {
        Some(e) => Err(one(e)),
        None => Ok(Some(1)),
    }
}

/// SHRINKDATABASE ({ name | id | 0 } [, percent] [, TRUNCATEONLY]).
pub fn database(arguments: &[Value], quiet: bool, call: &mut Call<'_>) -> Many<Option<u64>> {
    let one = |e: SqlError| vec![e];
    let host = Arc::clone(&call.session.host);
    let named = arguments.first().map(word).unwrap_or_default();
    let found = match named.parse::<i32>() {
        Ok(0) => Some(call.session.current_database().id),
        Ok(id) => Some(id),
        Err(_) => host.instance.find(&named).map(|d| d.id),
    };
    let found = found.and_then(|id| host.instance.find_id(id));
    let entry = found.ok_or_else(|| one(SqlError::new(911, &[&named])))?;
    let rest: Vec<String> = arguments.iter().skip(1).map(word).collect();
    let percent = rest.first().and_then(|w| w.parse::<u32>().ok());
    let only = truncates(rest.get(usize::from(percent.is_some())..).unwrap_or(&[]), "SHRINKDATABASE")
        .map_err(one)?;
    let target = match percent {
        Some(n) if n > 99 => return Err(one(SqlError::new(102, &[&n]))),
        _ if only => Target::Free,
        n => Target::Percent(n.unwrap_or(0)),
    };
    let files = entry.online().map_err(one)?.properties().files;
    let (mut all, mut refused) = (Vec::new(), None);
    for file in &files {
        let before = file.size;
        let (done, moving) = shrink(&entry.name, file, target, call)?;
        refused = refused.or(moving);
        // Files that stay as they are are not shown.
        if i64::from(done.size) < i64::from(before) {
            all.push(done);
        }
    }
    let count = all.len() as u64;
    report(&all, quiet, call)?;
    match refused {
        Some(e) => Err(one(e)),
        None => Ok(Some(count)),
    }
}

/// Makes one file smaller; and what is refused of it, because pages would have to be moved.
fn shrink(
    database: &str,
    file: &FileProperties,
    target: Target,
    call: &mut Call<'_>,
) -> Many<(Done, Option<SqlError>)> {
    let one = |e: SqlError| vec![e];
    let online = call.session.host.instance.online(database).map_err(one)?;
    let catalog = online.stored().ok_or_else(|| one(SqlError::new(5058, &[&"FILE", &database])))?;
    let writing = catalog.writing().ok_or_else(|| one(SqlError::new(3906, &[&database])))?;
    let id = FileId::try_from(file.file_id).unwrap_or(0);
    let failed = |e| one(failure(&e));
    let before = u32::try_from(file.size).unwrap_or(0);
    let page = catalog.source().page(PageId::new(id, 0)).ok().filter(|_| !file.is_log);
    // What is asked of a log file is as small as it can be.
    let made = page.and_then(|p| FileHeader::read(&p).ok()).map_or(0, |h| h.min_size);
    let least = match target {
        Target::Free => 0,
        Target::Made => made,
        Target::Pages(n) => n,
        Target::Percent(percent) if !file.is_log => {
            let used = writing.logged.use_of_file(id).map_err(failed)?;
            let with = u64::from(used) * 100 / u64::from(100 - percent.min(99));
            u32::try_from(with).unwrap_or(u32::MAX).max(made)
        }
        Target::Percent(_) => 0,
    };
    let shrunk: Shrunk = if file.is_log {
        writing.logged.shrink_log_file(id, least).map_err(failed)?
    } else {
        writing.logged.shrink_data_file(id, least).map_err(failed)?
    };
    if shrunk.held && file.is_log {
        let text = format!(
            "Cannot shrink log file {id} ({}) because the logical log file located at the end of the file is in use.",
            file.logical_name
        );
        info(call, 9008, text);
    } else if shrunk.held {
        let text = format!("Could not adjust the space allocation for file '{}'.", file.logical_name);
        return Err(one(SqlError::with_text(3140, 16, text)));
    }
    if shrunk.size < before {
        let size = i32::try_from(shrunk.size).unwrap_or(i32::MAX);
        let change = FileChange { size: Some(size), ..FileChange::default() };
        list_file(file.file_id, &change, &catalog, call)?;
        drop(catalog);
        online.refresh().map_err(one)?;
    }
    let wanted = least.max(shrunk.used).next_multiple_of(8);
    let moving = !file.is_log && target != Target::Free && wanted < shrunk.size;
    let refused = moving.then(|| {
        SqlError::not_supported(format!(
            "Moving pages of file '{}' ({} of its {} pages are in use), without which it becomes no smaller,",
            file.logical_name, shrunk.used, shrunk.size
        ))
    });
    let used = if file.is_log { shrunk.size } else { shrunk.used };
    let least = if file.is_log { shrunk.size } else { made };
    let database = call.session.host.instance.find(database).map_or(0, |d| d.id);
    Ok((Done { database, file: file.file_id, size: shrunk.size, least, used }, refused))
}

fn report(files: &[Done], quiet: bool, call: &mut Call<'_>) -> Many<()> {
    let int = SqlType { id: TypeId::Int, length: 4, ..SqlType::NULL };
    let columns = [
        ("DbId", SqlType { id: TypeId::SmallInt, length: 2, ..SqlType::NULL }),
        ("FileId", int),
        ("CurrentSize", int),
        ("MinimumSize", int),
        ("UsedPages", int),
        ("EstimatedPages", int),
    ];
    let number = |n: u32| Value::Int(i32::try_from(n).unwrap_or(i32::MAX));
    let row = |d: &Done| {
        vec![
            Value::SmallInt(i16::try_from(d.database).unwrap_or(i16::MAX)),
            Value::Int(d.file),
            number(d.size),
            number(d.least),
            number(d.used),
            number(d.used),
        ]
    };
    let rows: Vec<Vec<Value>> = files.iter().map(row).collect();
    send(call, &columns, &rows)?;
    if !quiet {
        completed(call);
    }
    Ok(())
}
