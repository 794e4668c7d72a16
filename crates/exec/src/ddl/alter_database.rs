//! ALTER DATABASE besides row versions: options, states, name, files.
//!
//! Options stand where SQL Server keeps them: recovery model, page verification and compatibility level in the boot page, the
//! others beside the instance's list of databases, as SQL Server has them in master.
//!
//! Invariants
//! 1. An option that would change nothing here though it should is refused unless it asks for what is so anyway; those of whole parts
//!    that are not here (broker, Query Store, change tracking) are kept, and a message says that they do nothing.
//! 2. A state that needs the database for itself waits until the other sessions have left it, ends them (ROLLBACK IMMEDIATE,
//!    ROLLBACK AFTER) or gives up at once (NO_WAIT, 5070).

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_base::world::SystemEntropy;
use holdfast_engine::catalog::Catalog;
use holdfast_engine::ddl::boot;
use holdfast_engine::instance::create::DEFAULT_PAGES;
use holdfast_engine::instance::files::filegroups;
use holdfast_engine::instance::{DatabaseState, TEMPDB};
use holdfast_tsql::ast::{AlterDatabase, AlterDatabaseAction, FileDefinition, Ident, Setting};
use holdfast_types::{SqlError, Value};

use super::database::Reader;
use super::modify_file;
use crate::procedure::administration::Call;
use crate::procedure::raise::integer;

pub(crate) type Many<T> = Result<T, Vec<SqlError>>;
type Termination = Option<(String, Option<i64>)>;

fn one(e: SqlError) -> Vec<SqlError> {
    vec![e]
}

/// Options with ON and OFF, and what a new database has.
const SWITCHES: &[(&str, bool)] = &[
    ("AUTO_CREATE_STATISTICS", true),
    ("AUTO_UPDATE_STATISTICS", true),
    ("AUTO_UPDATE_STATISTICS_ASYNC", false),
    ("ANSI_NULL_DEFAULT", false),
    ("ANSI_NULLS", false),
    ("ANSI_PADDING", false),
    ("ANSI_WARNINGS", false),
    ("ARITHABORT", false),
    ("CONCAT_NULL_YIELDS_NULL", false),
    ("NUMERIC_ROUNDABORT", false),
    ("QUOTED_IDENTIFIER", false),
    ("RECURSIVE_TRIGGERS", false),
    ("TRUSTWORTHY", false),
    ("DB_CHAINING", false),
    ("DATE_CORRELATION_OPTIMIZATION", false),
];

/// Options with one of several words, the first of which a new database has.
const CHOICES: &[(&str, &[&str])] = &[
    ("PARAMETERIZATION", &["SIMPLE", "FORCED"]),
    ("CURSOR_DEFAULT", &["GLOBAL", "LOCAL"]),
    ("DELAYED_DURABILITY", &["DISABLED", "ALLOWED", "FORCED"]),
];

/// Options of parts of SQL Server that are not here, OFF in a new database: kept and shown, so that scripts run; a message tells that they have no effect.
const WITHOUT_EFFECT: &[&str] = &[
    "AUTO_CLOSE",
    "AUTO_SHRINK",
    "HONOR_BROKER_PRIORITY",
    "ACCELERATED_DATABASE_RECOVERY",
    "QUERY_STORE",
    "CHANGE_TRACKING",
    "BROKER",
    "MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT",
];

/// Options inside QUERY_STORE and CHANGE_TRACKING, which are kept with them.
const INNER: &[(&str, &[&str])] = &[
    (
        "QUERY_STORE",
        &[
            "OPERATION_MODE",
            "CLEANUP_POLICY",
            "DATA_FLUSH_INTERVAL_SECONDS",
            "INTERVAL_LENGTH_MINUTES",
            "MAX_STORAGE_SIZE_MB",
            "QUERY_CAPTURE_MODE",
            "QUERY_CAPTURE_POLICY",
            "SIZE_BASED_CLEANUP_MODE",
            "MAX_PLANS_PER_QUERY",
            "WAIT_STATS_CAPTURE_MODE",
        ],
    ),
    ("CHANGE_TRACKING", &["CHANGE_RETENTION", "AUTO_CLEANUP"]),
];

/// What is so anyway: asking for it changes nothing, asking for anything else is refused.
const FIXED: &[(&str, &str)] = &[
    ("CURSOR_CLOSE_ON_COMMIT", "OFF"),
    ("ERROR_BROKER_CONVERSATIONS", ""),
    ("ENCRYPTION", "OFF"),
    ("CONTAINMENT", "NONE"),
    ("VARDECIMAL_STORAGE_FORMAT", "ON"),
    ("TORN_PAGE_DETECTION", "OFF"),
    ("TEMPORAL_HISTORY_RETENTION", "ON"),
    ("REMOTE_DATA_ARCHIVE", "OFF"),
    ("SUPPLEMENTAL_LOGGING", "OFF"),
    ("FILESTREAM", "NON_TRANSACTED_ACCESS OFF"),
];

/// ALTER DATABASE.
pub fn alter(statement: &AlterDatabase, call: &mut Call<'_>) -> Many<Option<u64>> {
    let current = call.session.current_database();
    let name = statement.name.as_ref().map_or(&*current.name, |n| n.text.as_str()).to_owned();
    let entry = call
        .session
        .host
        .instance
        .find(&name)
        .ok_or_else(|| vec![SqlError::new(5011, &[&name]), SqlError::new(5069, &[])])?;
    if entry.id <= 4 {
        system_database(entry.id, &name, &statement.action, call)?;
    }
    if call.session.state.lock().transaction.count > 0 {
        let text = "ALTER DATABASE statement not allowed within multi-statement transaction.";
        return Err(vec![SqlError::with_text(226, 16, text).state(6)]);
    }
    let done = act(&name, &statement.action, call);
    done.map(|()| None).map_err(|mut errors| {
        // The specific errors first, this one last.
        errors.push(match &statement.action {
            AlterDatabaseAction::Collate(collation) => SqlError::new(5072, &[&name, &collation.text]),
            _ => SqlError::new(5069, &[]),
        });
        errors
    })
}

/// What may be changed of a system database: options of its pages and catalogue, not whether it is there and what it is called. It
/// gets its files for it.
fn system_database(id: i32, name: &str, action: &AlterDatabaseAction, call: &Call<'_>) -> Many<()> {
    const ITS_STATE: &[&str] =
        &["OFFLINE", "EMERGENCY", "READ_ONLY", "READ_WRITE", "SINGLE_USER", "RESTRICTED_USER"];
    let never = match action {
        AlterDatabaseAction::Set { options, .. } => {
            let names = || options.iter().map(|o| o.name.as_str());
            if id == TEMPDB { names().next() } else { names().find(|o| ITS_STATE.contains(o)) }
        }
        AlterDatabaseAction::ModifyFile(_) if id != TEMPDB => None,
        AlterDatabaseAction::ModifyName(_) => Some("NAME"),
        AlterDatabaseAction::Collate(_) => Some("COLLATE"),
        _ => Some("FILE"),
    };
    if let Some(what) = never {
        return Err(vec![SqlError::new(5058, &[&what, &name]), SqlError::new(5069, &[])]);
    }
    let host = &call.session.host;
    host.database(name).and_then(|d| host.with_files(&d)).map(|_| ()).map_err(one)
}

fn act(name: &str, action: &AlterDatabaseAction, call: &mut Call<'_>) -> Many<()> {
    match action {
        AlterDatabaseAction::Set { options, termination } => set(name, options, termination, call),
        AlterDatabaseAction::ModifyName(new) => rename(name, new, call),
        AlterDatabaseAction::ModifyFile(file) => modify_file::modify(name, file, call),
        AlterDatabaseAction::Collate(collation) => collate(name, collation, call),
        AlterDatabaseAction::AddFile { log: true, files, .. } => add_log_files(name, files, call),
        AlterDatabaseAction::AddFile { files, filegroup, .. } => {
            add_files(name, files, filegroup.as_ref(), call)
        }
        AlterDatabaseAction::RemoveFile(file) => {
            let (transaction, now) = (call.session.new_transaction(), call.session.host.now());
            let instance = &call.session.host.instance;
            instance.remove_file(name, &file.text, &transaction, now).map_err(one)?;
            said(call, format!("The file '{}' has been removed.", file.text))
        }
        AlterDatabaseAction::AddFilegroup(group) => {
            if let Some(kind) = group.contains.as_deref() {
                return refused(&format!("A filegroup that contains {kind}"));
            }
            let (transaction, now) = (call.session.new_transaction(), call.session.host.now());
            call.session.host.instance.add_filegroup(name, &group.name.text, &transaction, now).map_err(one)
        }
        AlterDatabaseAction::RemoveFilegroup(group) => {
            let (transaction, now) = (call.session.new_transaction(), call.session.host.now());
            let instance = &call.session.host.instance;
            instance.remove_filegroup(name, &group.text, &transaction, now).map_err(one)?;
            said(call, format!("The filegroup '{}' has been removed.", group.text))
        }
        AlterDatabaseAction::ModifyFilegroup { name: group, action } => {
            modify_filegroup(name, &group.text, action, call)
        }
        AlterDatabaseAction::Other(_) => refused("This form of ALTER DATABASE"),
    }
}

/// What the statement tells besides.
pub(super) fn said(call: &mut Call<'_>, text: String) -> Many<()> {
    // A client that is gone is noticed at the next DONE.
    let _ = call.sink.message(&SqlError::with_text(0, 10, text));
    Ok(())
}

/// ADD FILE … [TO FILEGROUP …].
fn add_files(name: &str, files: &[FileDefinition], group: Option<&Ident>, call: &mut Call<'_>) -> Many<()> {
    let host = Arc::clone(&call.session.host);
    let online = host.instance.online(name).map_err(one)?;
    let catalog = online.stored().ok_or_else(|| one(SqlError::new(5058, &[&"FILE", &name])))?;
    let groups = filegroups(&catalog).map_err(one)?;
    let names = catalog.names();
    drop(catalog);
    let found = match group {
        Some(g) if g.text.eq_ignore_ascii_case("DEFAULT") => groups.iter().find(|f| f.2),
        Some(g) => groups.iter().find(|f| names.same(&f.1, &g.text)),
        None => groups.iter().find(|f| f.0 == 1),
    };
    let id = found.map(|g| g.0).ok_or_else(|| {
        let shown = group.map_or("PRIMARY", |g| g.text.as_str());
        one(SqlError::new(1921, &[&"filegroup", &shown]))
    })?;
    let mut reader = Reader { call };
    let mut new = Vec::new();
    for f in files {
        let mut file = reader.file(f, &host.instance, false, 2, DEFAULT_PAGES).map_err(one)?;
        file.filegroup = u16::try_from(id).unwrap_or(1);
        new.push(file);
    }
    for file in &new {
        let (transaction, now) = (call.session.new_transaction(), host.now());
        host.instance.add_file(name, file, &transaction, now, &SystemEntropy).map_err(one)?;
    }
    Ok(())
}

/// ADD LOG FILE …
fn add_log_files(name: &str, files: &[FileDefinition], call: &mut Call<'_>) -> Many<()> {
    let host = Arc::clone(&call.session.host);
    let mut reader = Reader { call };
    let mut new = Vec::new();
    for f in files {
        new.push(reader.file(f, &host.instance, true, 0, DEFAULT_PAGES).map_err(one)?);
    }
    for file in &new {
        let (transaction, now) = (call.session.new_transaction(), host.now());
        host.instance.add_log_file(name, file, &transaction, now, &SystemEntropy).map_err(one)?;
    }
    Ok(())
}

/// MODIFY FILEGROUP: DEFAULT or NAME = …
fn modify_filegroup(name: &str, group: &str, action: &str, call: &mut Call<'_>) -> Many<()> {
    let (transaction, now) = (call.session.new_transaction(), call.session.host.now());
    let instance = &call.session.host.instance;
    let action = action.trim().trim_end_matches(';').trim();
    if action.eq_ignore_ascii_case("DEFAULT") {
        instance.modify_filegroup(name, group, None, &transaction, now).map_err(one)?;
        return said(call, "The filegroup property 'DEFAULT' has been set.".to_owned());
    }
    let (word, value) = action.split_once('=').unwrap_or((action, ""));
    if word.trim().eq_ignore_ascii_case("NAME") && !value.trim().is_empty() {
        let value = value.trim();
        let plain = value.strip_prefix('[').and_then(|v| v.strip_suffix(']'));
        let plain = plain.or_else(|| value.strip_prefix('"').and_then(|v| v.strip_suffix('"')));
        let new = plain.map_or_else(|| value.to_owned(), |v| v.replace("]]", "]"));
        instance.modify_filegroup(name, group, Some(&new), &transaction, now).map_err(one)?;
        return said(call, format!("The filegroup name '{new}' has been set."));
    }
    refused(&format!("ALTER DATABASE MODIFY FILEGROUP … {action}"))
}

pub(super) fn refused(what: &str) -> Many<()> {
    Err(one(SqlError::not_supported(what)))
}

fn word(o: &Setting, call: &mut Call<'_>) -> Many<String> {
    // `FILESTREAM (NON_TRANSACTED_ACCESS = OFF)`: one option within the option.
    if let (None, [inner]) = (&o.value, &*o.nested) {
        return Ok(format!("{} {}", inner.name, word(inner, call)?));
    }
    let value = match &o.value {
        Some(e) => (call.evaluate)(e).map_err(one)?,
        None => Value::Null,
    };
    Ok(match &value {
        Value::String(s) => s.to_text().to_ascii_uppercase(),
        other => integer(other).map(|n| n.to_string()).unwrap_or_default(),
    })
}

fn set(name: &str, options: &[Setting], termination: &Termination, call: &mut Call<'_>) -> Many<()> {
    let host = Arc::clone(&call.session.host);
    let instance = &host.instance;
    for o in options {
        let value = word(o, call)?;
        let id = instance.find(name).map_or(0, |d| d.id);
        let unknown = || vec![SqlError::new(5058, &[&o.name, &name])];
        match o.name.as_str() {
            "ONLINE" => {
                instance.bring_online(name).map_err(one)?;
                continue;
            }
            "OFFLINE" => {
                alone(id, termination, call)?;
                instance.take_offline(name).map_err(one)?;
                continue;
            }
            "READ_ONLY" | "READ_WRITE" => {
                let read_only = o.name == "READ_ONLY";
                let state = instance.online(name).map_err(one)?;
                if state.properties().read_only != read_only {
                    drop(state);
                    alone(id, termination, call)?;
                    instance.set_read_only(name, read_only).map_err(one)?;
                }
                continue;
            }
            "SINGLE_USER" => {
                alone(id, termination, call)?;
                instance.set_database_option(id, "USER_ACCESS", Some("SINGLE_USER")).map_err(one)?;
                continue;
            }
            "RESTRICTED_USER" => {
                instance.set_database_option(id, "USER_ACCESS", Some("RESTRICTED_USER")).map_err(one)?;
                continue;
            }
            "MULTI_USER" => {
                instance.set_database_option(id, "USER_ACCESS", None).map_err(one)?;
                continue;
            }
            _ => {}
        }
        if without_effect(id, o, &value, call)? {
            continue;
        }
        // They let one database's owner into others.
        if matches!(o.name.as_str(), "TRUSTWORTHY" | "DB_CHAINING")
            && !call.session.security.is_unrestricted()
        {
            return Err(vec![SqlError::new(15247, &[])]);
        }
        if let Some((_, usual)) = SWITCHES.iter().find(|s| s.0 == o.name) {
            let on = match value.as_str() {
                "ON" => true,
                "OFF" => false,
                _ => return Err(vec![SqlError::new(102, &[&o.name])]),
            };
            if on && matches!(o.name.as_str(), "TRUSTWORTHY" | "DB_CHAINING") {
                let text = format!(
                    "The option {} is kept and shown; databases do not trust each other in Holdfast.",
                    o.name
                );
                said(call, text)?;
            }
            let stored = (on != *usual).then_some(if on { "ON" } else { "OFF" });
            instance.set_database_option(id, &o.name, stored).map_err(one)?;
            continue;
        }
        if let Some((_, words)) = CHOICES.iter().find(|c| c.0 == o.name) {
            if !words.contains(&value.as_str()) {
                return Err(vec![SqlError::new(102, &[&o.name])]);
            }
            let stored = Some(value.as_str()).filter(|v| Some(v) != words.first());
            instance.set_database_option(id, &o.name, stored).map_err(one)?;
            continue;
        }
        if FIXED.iter().any(|f| f.0 == o.name) {
            if FIXED.contains(&(o.name.as_str(), value.as_str())) {
                continue;
            }
            return refused(format!("{} {value}", o.name).trim());
        }
        if o.name == "TARGET_RECOVERY_TIME" {
            let n: i32 = value.parse().map_err(|_| unknown())?;
            // A checkpoint is made at least once a minute.
            if n != 0 && n < 60 && n != 1 {
                return refused("A TARGET_RECOVERY_TIME below one minute");
            }
            let stored = if n == 60 || n == 1 { None } else { Some(value.as_str()) };
            instance.set_database_option(id, &o.name, stored).map_err(one)?;
            continue;
        }
        in_boot_page(name, &o.name, &value, call)?;
    }
    Ok(())
}

/// Whether it is one of the options that are only kept, and keeps it.
fn without_effect(id: i32, o: &Setting, value: &str, call: &mut Call<'_>) -> Many<bool> {
    let instance = Arc::clone(&call.session.host.instance);
    let keep = |name: &str, value: Option<&str>| instance.set_database_option(id, name, value).map_err(one);
    let (name, on) = match o.name.as_str() {
        "ENABLE_BROKER" | "NEW_BROKER" => ("BROKER", true),
        "DISABLE_BROKER" => ("BROKER", false),
        name => match (WITHOUT_EFFECT.iter().find(|w| **w == name), value) {
            (None, _) => return Ok(false),
            (Some(name), "ON") => (*name, true),
            (Some(name), "OFF") => (*name, false),
            // There is nothing to clear.
            (Some(&"QUERY_STORE"), "CLEAR" | "CLEAR ALL" | "ALL") => return Ok(true),
            // Options alone change those of what is on.
            (Some(name), _) if !o.nested.is_empty() => {
                let was_on = instance.database_options(id).contains_key(*name);
                (*name, was_on || *name == "QUERY_STORE")
            }
            _ => return Err(vec![SqlError::new(102, &[&o.name])]),
        },
    };
    for inner in &o.nested {
        let known = INNER.iter().any(|(of, names)| *of == name && names.contains(&inner.name.as_str()));
        if !known {
            return Err(vec![SqlError::new(102, &[&inner.name])]);
        }
        if inner.name == "QUERY_CAPTURE_POLICY" {
            let mut parts = Vec::with_capacity(inner.nested.len());
            for part in &*inner.nested {
                let unit = part.nested.first().map_or("", |u| u.name.as_str());
                parts.push(format!("{} {} {unit}", part.name, word(part, call)?));
            }
            keep(&format!("{name}.{}", inner.name), Some(&parts.join(", ")))?;
            continue;
        }
        let mut text = word(inner, call)?;
        if let (Some(_), [unit]) = (&inner.value, &*inner.nested) {
            text = format!("{text} {}", unit.name);
        }
        keep(&format!("{name}.{}", inner.name), Some(&text))?;
    }
    keep(name, on.then_some("ON"))?;
    if !on {
        for (_, names) in INNER.iter().filter(|i| i.0 == name) {
            for inner in *names {
                keep(&format!("{name}.{inner}"), None)?;
            }
        }
        return Ok(true);
    }
    said(call, format!("The option {} is kept and shown; it has no effect in Holdfast.", o.name))?;
    Ok(true)
}

/// RECOVERY, PAGE_VERIFY, COMPATIBILITY_LEVEL.
fn in_boot_page(name: &str, option: &str, value: &str, call: &mut Call<'_>) -> Many<()> {
    let online = call.session.host.instance.online(name).map_err(one)?;
    let catalog = online.stored().ok_or_else(|| vec![SqlError::new(5058, &[&option, &name])])?;
    let writing = catalog.writing().ok_or_else(|| vec![SqlError::new(3906, &[&name])])?;
    // Bits of the boot page's status: 4 bulk-logged, 8 simple, 0x10 torn pages, 0x10000 checksums.
    let (set, clear) = match (option, value) {
        ("RECOVERY", "SIMPLE") => (8, 4),
        ("RECOVERY", "BULK_LOGGED") => (4, 8),
        ("RECOVERY", "FULL") => (0, 4 | 8),
        ("PAGE_VERIFY", "CHECKSUM") => (0x1_0000, 0x10),
        ("PAGE_VERIFY", "NONE" | "TORN_PAGE_DETECTION") => {
            // Less protection is nothing that anybody needs: what has a checksum keeps it.
            let text = format!("PAGE_VERIFY {value} is kept and shown; pages that have a checksum keep it.");
            said(call, text)?;
            if value == "NONE" { (0, 0x1_0010) } else { (0x10, 0x1_0000) }
        }
        ("COMPATIBILITY_LEVEL", level) => {
            let level = level.parse::<u16>().ok().filter(|l| (80..=160).contains(l) && l % 10 == 0);
            let level = level.ok_or_else(|| vec![SqlError::new(5058, &[&option, &name])])?;
            boot::set_compatibility(writing, level).map_err(one)?;
            return online.refresh().map_err(one);
        }
        _ => return refused(format!("ALTER DATABASE SET {option} {value}").trim()),
    };
    boot::set_status(writing, set, clear).map_err(one)?;
    online.refresh().map_err(one)
}

/// Invariant 2.
fn alone(database: i32, termination: &Termination, call: &mut Call<'_>) -> Many<()> {
    let session = call.session;
    let users = || session.host.users_of(database, session.id);
    let used = || !users().is_empty();
    let name = session.host.instance.find_id(database).map_or_else(String::new, |d| d.name.to_string());
    let grace = match termination {
        Some((word, _)) if word == "NO_WAIT" => {
            return if used() { Err(one(SqlError::new(5070, &[&name]))) } else { Ok(()) };
        }
        Some((word, _)) if word == "ROLLBACK IMMEDIATE" => Some(Duration::ZERO),
        Some((_, seconds)) => {
            Some(Duration::from_secs(seconds.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)))
        }
        None => None,
    };
    let began = Instant::now();
    while used() {
        if session.cancel.is_cancelled() {
            return Err(one(crate::context::cancelled()));
        }
        if grace.is_some_and(|g| began.elapsed() >= g) {
            let text =
                "Nonqualified transactions are being rolled back. Estimated rollback completion: 100%.";
            // A client that is gone is noticed at the next DONE.
            let _ = call.sink.message(&SqlError::with_text(5060, 10, text));
            for id in users() {
                session.host.sessions.kill(id);
            }
            let end = Instant::now();
            while used() {
                if session.cancel.is_cancelled() || end.elapsed() > Duration::from_secs(30) {
                    return Err(one(SqlError::new(5070, &[&name])));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// MODIFY NAME.
pub fn rename(name: &str, new: &Ident, call: &mut Call<'_>) -> Many<()> {
    let host = Arc::clone(&call.session.host);
    let instance = &host.instance;
    let entry = instance.find(name).ok_or_else(|| one(SqlError::new(5011, &[&name])))?;
    if instance.find(&new.text).is_some_and(|d| d.id != entry.id) {
        return Err(one(SqlError::new(1801, &[&new.text]).state(3)));
    }
    if !host.users_of(entry.id, call.session.id).is_empty() {
        return Err(one(SqlError::new(5030, &[])));
    }
    let DatabaseState::Online(online) = entry.state() else {
        return Err(one(SqlError::new(5052, &[&"ALTER DATABASE", &"OFFLINE"])));
    };
    if let Some(writing) = online.stored().as_ref().and_then(|c| c.writing()) {
        boot::set_name(writing, &new.text).map_err(one)?;
    }
    drop(online);
    instance.rename_database(name, &new.text).map_err(one)?;
    let text = format!("The database name '{}' has been set.", new.text);
    let _ = call.sink.message(&SqlError::with_text(5075, 10, text));
    Ok(())
}

/// COLLATE: the default of new columns and the way names are compared.
fn collate(name: &str, collation: &Ident, call: &mut Call<'_>) -> Many<()> {
    let host = Arc::clone(&call.session.host);
    let wanted = holdfast_types::CollationId::from_name(&collation.text)
        .ok_or_else(|| one(SqlError::new(448, &[&collation.text])))?;
    let entry = host.instance.find(name).ok_or_else(|| one(SqlError::new(5011, &[&name])))?;
    let Some(_occupied) = host.instance.occupy(name) else {
        return Err(one(SqlError::new(5030, &[])));
    };
    if host.instance.online(name).map_err(one)?.properties().collation == wanted {
        return Ok(());
    }
    if !host.users_of(entry.id, call.session.id).is_empty() {
        return Err(one(SqlError::new(5030, &[])));
    }
    let (transaction, now) = (call.session.new_transaction(), host.now());
    host.instance.set_collation(name, wanted, &transaction, now).map_err(one)
}
