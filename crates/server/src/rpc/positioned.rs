//! sp_cursor: changes of rows of a cursor's fetch buffer, as statements WHERE CURRENT OF.
//!
//! Invariants
//! 1. The call's parameters go by their places: a column may be called as one of them.
//! 2. Values are named after the columns of the base table or of the result, or stand where the result's columns do; or there is one text,
//!    which is the statement or its end.
//! 3. A change of several rows ends with the first one that fails.
//! 4. ABSOLUTE counts rows of a keyset from its first one; those that are not in the buffer are refused.
//!
//! Source: sp_cursor as documented; the calls of Microsoft's JDBC and ODBC drivers.

use holdfast_exec::server_cursor::{CursorConcurrency, CursorModel, CursorState, CursorTable};
use holdfast_exec::session::{
    Done, DoneKind, RequestEnd, ResultSink, RpcParameter, RpcRequest, RpcValue, SqlSession, StatementText,
};
use holdfast_tsql::ast::{Ident, ObjectName};
use holdfast_types::{SqlError, SqlType, TypeId, Value};

use super::cursor::{Cursor, Cursors};
use super::forward::Quiet;
use super::live_cursor::{Live, not_open};
use super::prepared::ended;
use super::{Outcome, end_call};

mod operation {
    pub const UPDATE: i32 = 0x01;
    pub const DELETE: i32 = 0x02;
    pub const INSERT: i32 = 0x04;
    pub const REFRESH: i32 = 0x08;
    pub const LOCK: i32 = 0x10;
    pub const SET_POSITION: i32 = 0x20;
    pub const ABSOLUTE: i32 = 0x40;
}

/// The first value of a call.
const FIRST_VALUE: usize = 4;

fn whole(request: &RpcRequest, at: usize) -> i32 {
    match request.parameters.get(at).map(|p| &p.value) {
        Some(RpcValue::Scalar(Value::Int(v))) => *v,
        Some(RpcValue::Scalar(Value::SmallInt(v))) => i32::from(*v),
        Some(RpcValue::Scalar(Value::TinyInt(v))) => i32::from(*v),
        Some(RpcValue::Scalar(Value::BigInt(v))) => i32::try_from(*v).unwrap_or(-1),
        _ => 0,
    }
}

fn text_of(p: &RpcParameter) -> Option<String> {
    match &p.value {
        RpcValue::Scalar(Value::String(s)) => Some(s.to_text()),
        _ => None,
    }
}

/// 16902.
fn not_valid(parameter: &str) -> SqlError {
    let text = format!("sp_cursor: The value of the parameter '{parameter}' is invalid.");
    SqlError::with_text(16_902, 16, text)
}

fn read_only() -> SqlError {
    SqlError::with_text(16_929, 16, "The cursor is READ ONLY.")
}

fn empty_buffer() -> SqlError {
    SqlError::with_text(16_931, 16, "There are no rows in the current fetch buffer.")
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn name_of(t: &CursorTable) -> String {
    match t.table.starts_with('#') {
        true => quoted(&t.table),
        false => format!("{}.{}.{}", quoted(&t.database), quoted(&t.schema), quoted(&t.table)),
    }
}

/// The type that a value is declared with.
fn declared(ty: &SqlType) -> String {
    match ty.id {
        TypeId::Text => "varchar(max)".into(),
        TypeId::NText => "nvarchar(max)".into(),
        TypeId::Image | TypeId::Clr => "varbinary(max)".into(),
        TypeId::Null => "int".into(),
        TypeId::Char
        | TypeId::VarChar
        | TypeId::NChar
        | TypeId::NVarChar
        | TypeId::Binary
        | TypeId::VarBinary
            if ty.length == 0 =>
        {
            format!("{}(1)", ty.id.name())
        }
        _ => ty.to_string(),
    }
}

/// Values for columns.
struct Given {
    columns: Vec<String>,
    /// What stands for each in a statement: a parameter, or DEFAULT.
    values: Vec<String>,
    parameters: Vec<RpcParameter>,
    declarations: String,
}

impl Given {
    fn read(parameters: &[RpcParameter], table: &CursorTable, state: &CursorState) -> Result<Self, SqlError> {
        let mut given = Given {
            columns: Vec::new(),
            values: Vec::new(),
            parameters: Vec::new(),
            declarations: String::new(),
        };
        for (at, p) in parameters.iter().enumerate() {
            let column = match p.name.trim_start_matches('@') {
                "" => state.columns.get(at).ok_or_else(|| not_valid("value")).map(|c| c.name.to_string())?,
                name => name.to_owned(),
            };
            given.columns.push(quoted(&base_column(&column, table, state)));
            if p.default {
                given.values.push("DEFAULT".into());
                continue;
            }
            if matches!(p.value, RpcValue::Table { .. }) {
                return Err(not_valid("value"));
            }
            let name = format!("@p{at}");
            if !given.declarations.is_empty() {
                given.declarations.push_str(", ");
            }
            given.declarations.push_str(&format!("{name} {}", declared(&p.ty)));
            given.parameters.push(RpcParameter { name: name.clone(), output: false, ..p.clone() });
            given.values.push(name);
        }
        Ok(given)
    }
}

/// Whether a column of the result comes from a table.
fn is_of(source: &holdfast_exec::session::ColumnSource, table: &CursorTable) -> bool {
    (&source.database, &source.schema, &source.table) == (&table.database, &table.schema, &table.table)
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// What a column is called in its table, when the result calls it otherwise.
fn base_column(name: &str, table: &CursorTable, state: &CursorState) -> String {
    let own = || state.columns.iter().filter_map(|c| Some((c, c.source.as_ref()?)));
    let of_table = || own().filter(|(_, s)| is_of(s, table));
    if of_table().any(|(_, s)| same(&s.column, name)) {
        return name.to_owned();
    }
    let renamed = of_table().find(|(c, _)| same(&c.name, name));
    renamed.map_or_else(|| name.to_owned(), |(_, s)| s.column.to_string())
}

/// The table that a change is of: the one named, else the one that has all the columns.
fn target<'s>(
    named: &str,
    values: &[RpcParameter],
    state: &'s CursorState,
) -> Result<&'s CursorTable, SqlError> {
    let tables = || state.tables.iter();
    if named.trim().is_empty() {
        let has = |t: &&CursorTable| {
            values.iter().filter(|p| !p.name.is_empty()).all(|p| {
                let name = p.name.trim_start_matches('@');
                state.columns.iter().any(|c| {
                    c.source
                        .as_ref()
                        .is_some_and(|s| is_of(s, t) && (same(&s.column, name) || same(&c.name, name)))
                })
            })
        };
        return tables().find(has).or_else(|| tables().next()).ok_or_else(read_only);
    }
    let name = holdfast_tsql::parse_object_name(named).map_err(|_| not_valid("table"))?;
    let fits = |part: &Option<Ident>, own: &str| part.as_ref().is_none_or(|p| same(&p.text, own));
    let ObjectName { database, schema, name, .. } = name;
    let found = tables()
        .find(|t| same(&name.text, &t.table) && fits(&schema, &t.schema) && fits(&database, &t.database));
    found.ok_or_else(|| {
        let text = "The cursor does not include the table being modified or the table is not updatable through the cursor.";
        SqlError::with_text(16_933, 16, text)
    })
}

/// Whether a text begins with a word.
fn begins_with(text: &str, word: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    text[..end].eq_ignore_ascii_case(word)
}

/// The statement of an UPDATE or INSERT, but for the row that it is of.
fn statement(
    kind: i32,
    named: &str,
    values: &[RpcParameter],
    state: &CursorState,
) -> Result<(String, Given), SqlError> {
    let table = target(named, values, state)?;
    let name = name_of(table);
    let whole = match values {
        [one] if one.name.is_empty() => text_of(one).map(|t| t.trim().to_owned()),
        _ => None,
    };
    if let Some(text) = whole {
        let nothing = Given::read(&[], table, state)?;
        let text = match kind {
            operation::UPDATE if begins_with(&text, "UPDATE") => text,
            operation::UPDATE if begins_with(&text, "SET") => format!("UPDATE {name} {text}"),
            operation::UPDATE => format!("UPDATE {name} SET {text}"),
            _ if begins_with(&text, "INSERT") => text,
            _ if begins_with(&text, "VALUES") || begins_with(&text, "DEFAULT") => {
                format!("INSERT INTO {name} {text}")
            }
            _ if text.starts_with('(') => format!("INSERT INTO {name} VALUES {text}"),
            _ => format!("INSERT INTO {name} VALUES ({text})"),
        };
        return Ok((text, nothing));
    }
    let given = Given::read(values, table, state)?;
    let text = match kind {
        operation::UPDATE if given.columns.is_empty() => return Err(not_valid("value")),
        operation::UPDATE => {
            let set = given.columns.iter().zip(&given.values).map(|(c, v)| format!("{c} = {v}"));
            format!("UPDATE {name} SET {}", set.collect::<Vec<_>>().join(", "))
        }
        _ if given.columns.is_empty() => format!("INSERT INTO {name} DEFAULT VALUES"),
        _ => {
            format!("INSERT INTO {name} ({}) VALUES ({})", given.columns.join(", "), given.values.join(", "))
        }
    };
    Ok((text, given))
}

impl Cursors {
    /// `sp_cursor @cursor, @optype, @rownum, @table, values …`
    pub(crate) fn change(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let handle = whole(request, 0);
        let (flags, row) = (whole(request, 1), whole(request, 2));
        let kind = flags & !(operation::SET_POSITION | operation::ABSOLUTE);
        let positions = flags & operation::SET_POSITION != 0;
        let Some(cursor) = self.open.get(&handle) else { return Self::missing("sp_cursor", handle) };
        match (kind, flags & operation::ABSOLUTE != 0) {
            (operation::UPDATE | operation::DELETE, _) => {}
            (operation::INSERT | operation::REFRESH | operation::LOCK, false) => {}
            (0, false) if positions => {}
            (_, true) => {
                let text =
                    "sp_cursor: optype: You can only specify ABSOLUTE in conjunction with DELETE or UPDATE.";
                return SqlError::with_text(16_904, 16, text).into();
            }
            _ => return not_valid("optype").into(),
        }
        let live = match cursor {
            Cursor::Live(live) => live,
            Cursor::Copy(copy) => {
                let again = match kind {
                    operation::REFRESH => copy.send_again(i64::from(row), sink),
                    0 => Ok(()),
                    _ => return read_only().into(),
                };
                let told = again.and_then(|()| sink.return_status(0)).and_then(|()| end_call(sink, false));
                return ended(told, RequestEnd::Finished);
            }
        };
        let Some(state) = live.state(session) else { return not_open().into() };
        let changes = matches!(kind, operation::UPDATE | operation::DELETE | operation::INSERT);
        if changes && state.concurrency == CursorConcurrency::ReadOnly {
            return read_only().into();
        }
        let Ok(mut row) = usize::try_from(row) else { return not_valid("rownum").into() };
        if flags & operation::ABSOLUTE != 0 && state.model == CursorModel::Keyset && row > 0 {
            let begin = usize::try_from(state.position).unwrap_or(0).max(1);
            // What is before the buffer is as little in it as what is behind.
            row = (row + 1).checked_sub(begin).filter(|r| *r > 0).unwrap_or(usize::MAX);
        }
        match kind {
            operation::REFRESH | operation::LOCK => {
                let (lock, row) = (kind == operation::LOCK, Some(row).filter(|r| *r > 0));
                match session.cursors() {
                    Some(cursors) => Outcome::Done(cursors.reread_rows(&live.name, row, lock, sink)),
                    None => not_open().into(),
                }
            }
            0 => match choose(live, row.max(1), session) {
                Ok(()) => finished(None, sink),
                Err(e) => e.into(),
            },
            _ => {
                let named = request.parameters.get(3).and_then(text_of).unwrap_or_default();
                let values = request.parameters.get(FIRST_VALUE..).unwrap_or_default();
                change_rows(session, live, &state, Change { kind, row, named: &named, values }, sink)
            }
        }
    }
}

struct Change<'r> {
    kind: i32,
    /// From 1; 0: all rows of the buffer.
    row: usize,
    named: &'r str,
    values: &'r [RpcParameter],
}

fn choose(live: &Live, row: usize, session: &mut dyn SqlSession) -> Result<(), SqlError> {
    session.cursors().ok_or_else(not_open)?.choose_row(&live.name, row)
}

/// The end of a call; `changed`: so many rows, which Microsoft's ODBC driver compares with what it asked for.
fn finished(changed: Option<(u64, u16)>, sink: &mut dyn ResultSink) -> Outcome {
    let mut answer = || {
        if let Some((rows, command)) = changed {
            sink.done(Done { kind: DoneKind::InProc, rows: Some(rows), error: false, command })?;
        }
        sink.return_status(0)?;
        end_call(sink, false)
    };
    ended(answer(), RequestEnd::Finished)
}

fn change_rows(
    session: &mut dyn SqlSession,
    live: &Live,
    state: &CursorState,
    change: Change<'_>,
    sink: &mut dyn ResultSink,
) -> Outcome {
    let made = match change.kind {
        operation::DELETE => target(change.named, &[], state).and_then(|table| {
            Ok((format!("DELETE FROM {}", name_of(table)), Given::read(&[], table, state)?))
        }),
        kind => statement(kind, change.named, change.values, state),
    };
    let (mut text, given) = match made {
        Ok(made) => made,
        Err(e) => return e.into(),
    };
    let rows = match (change.kind, change.row) {
        (operation::INSERT, _) => 0..1,
        (_, 0) if state.fetched == 0 => return empty_buffer().into(),
        (_, 0) => 1..state.fetched + 1,
        (_, row) => row..row.saturating_add(1),
    };
    if change.kind != operation::INSERT {
        text.push_str(&format!(" WHERE CURRENT OF GLOBAL {}", quoted(&live.name)));
    }
    let run = StatementText { text: text.into(), declarations: given.declarations.into() };
    let mut changed = 0;
    for row in rows {
        if change.kind != operation::INSERT
            && let Err(e) = choose(live, row, session)
        {
            return e.into();
        }
        let mut quiet = Quiet::new(sink);
        let (given, first) = (&given.parameters, FIRST_VALUE);
        let end = match session.cursors() {
            Some(cursors) if change.kind == operation::INSERT => {
                cursors.insert_row(&live.name, &run, given, first, &mut quiet)
            }
            _ => session.execute_statement(&run, given, first, &mut quiet),
        };
        let failed = quiet.failed;
        if end != RequestEnd::Finished {
            return Outcome::Done(end);
        }
        if failed {
            return ended(end_call(sink, true), RequestEnd::Finished);
        }
        changed += 1;
    }
    let command = match change.kind {
        operation::UPDATE => 0xC5,
        operation::DELETE => 0xC4,
        _ => 0xC3,
    };
    finished(Some((changed, command)), sink)
}
