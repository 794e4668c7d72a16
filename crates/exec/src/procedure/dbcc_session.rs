//! DBCC commands that tell about sessions and the instance: USEROPTIONS, OPENTRAN, INPUTBUFFER, trace flags.
//!
//! Invariants
//! 1. Trace flags are kept for TRACESTATUS and change nothing: no flag that this server knows has a meaning of its own.
//!
//! Evidence: columns and texts as the T-SQL reference shows them.

use std::collections::BTreeMap;

use holdfast_tsql::ast::{Dbcc, IsolationLevel};
use holdfast_types::{Batch, CollationId, SqlError, SqlResult, SqlType, Value};

use super::administration::Call;
use super::dbcc::{completed, info};
use super::state::option;
use crate::session::ResultColumn;

fn text_type(length: i32) -> SqlType {
    SqlType::nvarchar(length, CollationId::SERVER_DEFAULT)
}

/// A column of a result set that no table stands behind.
pub(super) fn column(name: &str, ty: SqlType) -> ResultColumn {
    ResultColumn {
        name: name.into(),
        ty,
        nullable: true,
        identity: false,
        computed: false,
        updatable: false,
        user_type: None,
        source: None,
    }
}

pub(super) fn send(
    call: &mut Call<'_>,
    columns: &[(&str, SqlType)],
    rows: &[Vec<Value>],
) -> Result<u64, Vec<SqlError>> {
    let described: Vec<ResultColumn> = columns.iter().map(|(name, ty)| column(name, *ty)).collect();
    let types: Vec<SqlType> = columns.iter().map(|c| c.1).collect();
    let batch = Batch::from_rows(&types, rows).map_err(|e| vec![e])?;
    // A client that is gone is noticed by the runner at the next DONE.
    let _ = call.sink.columns(&described).and_then(|()| call.sink.rows(&batch));
    Ok(rows.len() as u64)
}

/// The commands of this file; `None` for others.
pub fn run(
    statement: &Dbcc,
    arguments: &[Value],
    quiet: bool,
    call: &mut Call<'_>,
) -> Option<Result<Option<u64>, Vec<SqlError>>> {
    let counted = |r: Result<u64, Vec<SqlError>>| r.map(Some);
    let done = match statement.command.as_str() {
        "USEROPTIONS" => counted(user_options(call)),
        "OPENTRAN" => open_transaction(call).map(|()| None),
        "INPUTBUFFER" => counted(input_buffer(arguments, call)),
        "TRACEON" | "TRACEOFF" => trace(arguments, statement.command == "TRACEON", call).map(|()| None),
        "TRACESTATUS" => return Some(counted(trace_status(arguments, call))),
        _ => return None,
    };
    if done.is_ok() && !quiet {
        completed(call);
    }
    Some(done)
}

fn user_options(call: &mut Call<'_>) -> Result<u64, Vec<SqlError>> {
    let (settings, isolation) = {
        let state = call.session.state.lock();
        (state.settings.clone(), state.isolation)
    };
    let order = settings.date_format.name();
    let versions = call.session.host.instance.locks.versions.keeping(call.session.current_database().id);
    let level = match isolation {
        IsolationLevel::ReadUncommitted => "read uncommitted",
        IsolationLevel::ReadCommitted if versions.read_committed => "read committed snapshot",
        IsolationLevel::ReadCommitted => "read committed",
        IsolationLevel::RepeatableRead => "repeatable read",
        IsolationLevel::Serializable => "serializable",
        IsolationLevel::Snapshot => "snapshot",
    };
    let mut rows: Vec<(String, String)> = vec![
        ("textsize".into(), settings.text_size.to_string()),
        ("language".into(), settings.language.to_string()),
        ("dateformat".into(), order.into()),
        ("datefirst".into(), settings.date_first.to_string()),
        ("lock_timeout".into(), settings.lock_timeout_ms.to_string()),
    ];
    for (flag, name) in [
        (option::IMPLICIT_TRANSACTIONS, "implicit_transactions"),
        (option::CURSOR_CLOSE_ON_COMMIT, "cursor_close_on_commit"),
        (option::QUOTED_IDENTIFIER, "quoted_identifier"),
        (option::NOCOUNT, "nocount"),
        (option::XACT_ABORT, "xact_abort"),
        (option::ARITHABORT, "arithabort"),
        (option::ANSI_NULL_DFLT_ON, "ansi_null_dflt_on"),
        (option::ANSI_NULL_DFLT_OFF, "ansi_null_dflt_off"),
        (option::ANSI_WARNINGS, "ansi_warnings"),
        (option::ANSI_PADDING, "ansi_padding"),
        (option::ANSI_NULLS, "ansi_nulls"),
        (option::CONCAT_NULL_YIELDS_NULL, "concat_null_yields_null"),
        (option::NUMERIC_ROUNDABORT, "numeric_roundabort"),
    ] {
        if settings.options & flag != 0 {
            rows.push((name.into(), "SET".into()));
        }
    }
    rows.push(("isolation level".into(), level.into()));
    let rows: Vec<Vec<Value>> =
        rows.iter().map(|(name, value)| vec![Value::string(name), Value::string(value)]).collect();
    send(call, &[("Set Option", text_type(128)), ("Value", text_type(128))], &rows)
}

fn open_transaction(call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let host = std::sync::Arc::clone(&call.session.host);
    let database = call.session.current_database();
    let oldest = host
        .sessions
        .rows(host.now())
        .into_iter()
        .filter(|s| s.database_id == database.id)
        .filter_map(|s| s.transaction.clone().map(|t| (s, t)))
        .min_by_key(|(_, t)| t.id);
    match oldest {
        None => info(call, 7969, "No active open transactions.".to_owned()),
        Some((s, t)) => {
            let context = crate::context::ExecContext::plain();
            let started = super::query::value_text(&Value::DateTime(t.started), SqlType::DATETIME, &context);
            let text = format!(
                "Transaction information for database '{}'.\n\nOldest active transaction:\n    SPID (server process ID): {}\n    UID (user ID) : -1\n    Name          : {}\n    Start time    : {started}\n    SID           : 0x01",
                database.name, s.session_id, t.name
            );
            info(call, 7970, text);
        }
    }
    Ok(())
}

fn input_buffer(arguments: &[Value], call: &mut Call<'_>) -> Result<u64, Vec<SqlError>> {
    let id = arguments.first().and_then(super::raise::integer).unwrap_or(0);
    let Some(text) = u16::try_from(id).ok().and_then(|id| call.session.host.sessions.text(id)) else {
        let text = format!("Invalid SPID {id} specified.");
        return Err(vec![SqlError::with_text(7955, 16, text)]);
    };
    let columns =
        [("EventType", text_type(30)), ("Parameters", SqlType::SMALLINT), ("EventInfo", text_type(4000))];
    let shown: String = text.chars().take(4000).collect();
    send(call, &columns, &[vec![Value::string("Language Event"), Value::SmallInt(0), Value::string(&shown)]])
}

/// Flags given; -1 says that they are meant for all sessions.
fn flags(arguments: &[Value]) -> SqlResult<(Vec<i32>, bool)> {
    let mut out = Vec::new();
    let mut global = false;
    for a in arguments {
        match super::raise::integer(a) {
            Some(-1) => global = true,
            Some(n) if (1..=32_767).contains(&n) => out.push(n as i32),
            _ => {
                return Err(SqlError::with_text(
                    2560,
                    16,
                    "Parameter 1 is incorrect for this DBCC statement.",
                ));
            }
        }
    }
    Ok((out, global))
}

fn trace(arguments: &[Value], on: bool, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let (flags, global) = flags(arguments).map_err(|e| vec![e])?;
    let mut all = call.session.host.trace_flags.lock();
    let owner = if global { 0 } else { call.session.id };
    for flag in flags {
        if on {
            all.insert((owner, flag));
        } else {
            all.remove(&(owner, flag));
        }
    }
    Ok(())
}

fn trace_status(arguments: &[Value], call: &mut Call<'_>) -> Result<u64, Vec<SqlError>> {
    let (asked, _) = flags(arguments).map_err(|e| vec![e])?;
    let id = call.session.id;
    let mut rows: BTreeMap<i32, (bool, bool)> = asked.iter().map(|f| (*f, (false, false))).collect();
    for (owner, flag) in call.session.host.trace_flags.lock().iter() {
        if (*owner == 0 || *owner == id) && (asked.is_empty() || asked.contains(flag)) {
            let row = rows.entry(*flag).or_default();
            if *owner == 0 { row.0 = true } else { row.1 = true }
        }
    }
    let rows: Vec<Vec<Value>> = rows
        .into_iter()
        .map(|(flag, (global, own))| {
            let bit = |b: bool| Value::SmallInt(i16::from(b));
            vec![Value::SmallInt(flag as i16), bit(global || own), bit(global), bit(own)]
        })
        .collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let columns = [
        ("TraceFlag", SqlType::SMALLINT),
        ("Status", SqlType::SMALLINT),
        ("Global", SqlType::SMALLINT),
        ("Session", SqlType::SMALLINT),
    ];
    send(call, &columns, &rows)
}
