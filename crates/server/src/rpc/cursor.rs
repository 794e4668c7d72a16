//! Server cursors by RPC: sp_cursoropen, sp_cursorfetch, sp_cursorclose, sp_cursoroption and the prepared forms.
//!
//! Invariants
//! 1. KEYSET and DYNAMIC cursors over a SELECT, and FORWARD_ONLY ones that are not READ_ONLY, are cursors of the session
//!    ([`super::live_cursor`]); all others are the materialised first result set of their statement: static and read-only. What the client
//!    asked for is answered with what it got (`scrollopt`, `ccopt`), as SQL Server does when it converts a cursor.
//! 2. Position 0 is before the first row, `rows + 1` after the last.
//! 3. What is no single SELECT (see [`super::cursor_text`]) gets no cursor: it is run directly and answers as a batch does, after
//!    16954, when the client allows that in `ccopt`; otherwise it is refused (16937) before anything of it is run.
//! 4. Every fetch ends with the column ROWSTAT (1 = fetched), which clients take off.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_exec::server_cursor::fetched_columns;
use holdfast_exec::session::{
    Done, DoneKind, RequestEnd, ResultColumn, ResultSink, RpcRequest, SinkResult, SqlSession, StatementText,
};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlType, Value};

use super::arguments::{integer, required_text, text};
use super::cursor_text::{Subject, subject};
use super::forward::{Capture, Forward};
use super::live_cursor::{self, Live};
use super::prepared::{ended, values};
use super::{Outcome, end_call};

/// Most open cursors of a session.
const CURSORS_MAX: usize = 4096;
/// Rows of a fetch that does not say how many.
const ROWS: i32 = 20;
/// Handles start where SQL Server's do.
const FIRST_HANDLE: i32 = 180_150_001;

pub(super) mod scroll {
    pub const KEYSET: i32 = 0x0001;
    pub const DYNAMIC: i32 = 0x0002;
    pub const FORWARD_ONLY: i32 = 0x0004;
    pub const STATIC: i32 = 0x0008;
    pub const FAST_FORWARD: i32 = 0x0010;
    pub const PARAMETERIZED: i32 = 0x1000;
    pub const AUTO_FETCH: i32 = 0x2000;
    pub const AUTO_CLOSE: i32 = 0x4000;
}

/// Code of sp_cursoroption: the cursor's name.
const CURSOR_NAME: i32 = 2;

/// Bit of `ccopt`: a statement that can have no cursor is run all the same.
const ALLOW_DIRECT: i32 = 0x2000;

pub(super) mod concurrency {
    pub const READ_ONLY: i32 = 0x0001;
    pub const SCROLL_LOCKS: i32 = 0x0002;
    pub const OPTIMISTIC: i32 = 0x0004;
    pub const OPTIMISTIC_VALUES: i32 = 0x0008;
}

pub(super) mod fetch {
    pub const FIRST: i32 = 0x0001;
    pub const NEXT: i32 = 0x0002;
    pub const PREVIOUS: i32 = 0x0004;
    pub const LAST: i32 = 0x0008;
    pub const ABSOLUTE: i32 = 0x0010;
    pub const RELATIVE: i32 = 0x0020;
    pub const REFRESH: i32 = 0x0080;
    pub const INFO: i32 = 0x0100;
    pub const PREVIOUS_NO_ADJUST: i32 = 0x0200;
    pub const SKIP_CHECKS: i32 = 0x0400;
}

pub(super) fn not_a_fetch(kind: i32) -> SqlError {
    let text = format!("sp_cursorfetch: The value of the parameter 'fetchtype' is invalid ({kind}).");
    SqlError::with_text(16_902, 16, text)
}

pub(super) enum Cursor {
    Copy(Copied),
    Live(Live),
}

pub(super) struct Copied {
    columns: Vec<ResultColumn>,
    rows: Batch,
    /// First row of the fetch buffer, from 1; see invariant 2.
    position: i64,
    /// Rows in the fetch buffer.
    fetched: i64,
}

#[derive(Default)]
pub struct Cursors {
    pub(super) open: HashMap<i32, Cursor>,
    prepared: HashMap<i32, StatementText>,
    opened: i32,
    last_prepared: i32,
}

/// What a client asked for and what it gets.
pub(super) struct Wish {
    pub scroll: i32,
    pub concurrency: i32,
    pub rows: i32,
    /// Position of the statement's first value.
    pub first: usize,
}

/// The call that opens a cursor.
pub(super) struct Opening<'r> {
    pub statement: &'r StatementText,
    pub wish: &'r Wish,
    pub request: &'r RpcRequest,
    /// Ordinals of cursor, scrollopt, ccopt, rowcount.
    pub outputs: [usize; 4],
    /// The handle of the statement, when it is prepared with the call.
    pub prepared: Option<i32>,
}

impl Opening<'_> {
    /// The outputs of the call: the cursor's handle, what it has become, how many rows it has.
    pub(super) fn tell(&self, values: [i32; 4], sink: &mut dyn ResultSink) -> SinkResult {
        if let Some(p) = self.prepared {
            output(self.request, 0, p, sink)?;
        }
        for (ordinal, value) in self.outputs.into_iter().zip(values) {
            output(self.request, ordinal, value, sink)?;
        }
        Ok(())
    }
}

impl Wish {
    fn granted(&self) -> i32 {
        match self.scroll & 0x1F {
            s @ (scroll::FORWARD_ONLY | scroll::FAST_FORWARD) => s,
            _ => scroll::STATIC,
        }
    }
}

impl Copied {
    /// Sends rows `first..first + count` (from 0) as one result set.
    fn send(&self, first: usize, count: usize, sink: &mut dyn ResultSink) -> SinkResult {
        sink.columns(&fetched_columns(&self.columns))?;
        if count > 0 {
            let mut batch = self.rows.slice(first, count);
            batch.columns.push(Arc::new(Column::new(ColumnData::I32(vec![1; count]))));
            sink.rows(&batch)?;
        }
        let rows = Some(count as u64);
        sink.done(Done { kind: DoneKind::InProc, rows, error: false, command: 0xC1 })
    }

    /// Sends rows of the fetch buffer (from 1; 0: all) once more.
    pub(super) fn send_again(&self, row: i64, sink: &mut dyn ResultSink) -> SinkResult {
        let (at, count) = match row {
            0 => (self.position.max(1), self.fetched),
            row => (self.position.max(1) + row - 1, i64::from((1..=self.fetched).contains(&row))),
        };
        self.send((at - 1).max(0) as usize, count as usize, sink)
    }

    /// Moves to where a fetch starts and says which rows it takes.
    fn take(&mut self, kind: i32, row: i64, count: i64) -> Result<(usize, usize), SqlError> {
        let total = self.rows.len as i64;
        let mut count = count;
        let start = match kind & 0x0FFF & !fetch::SKIP_CHECKS {
            fetch::FIRST if count == 0 => 0,
            fetch::FIRST => 1,
            fetch::NEXT => self.position + self.fetched.max(i64::from(self.position == 0)),
            fetch::PREVIOUS | fetch::PREVIOUS_NO_ADJUST => {
                let s = self.position - count;
                // A block that would begin before the first row begins with it.
                if s < 1 && self.position > 1 {
                    if kind & fetch::PREVIOUS == 0 {
                        count = self.position - 1;
                    }
                    1
                } else {
                    s
                }
            }
            fetch::LAST => total - count + 1,
            fetch::ABSOLUTE if row < 0 => total + row + 1,
            fetch::ABSOLUTE => row,
            fetch::RELATIVE => self.position + row,
            fetch::REFRESH => {
                count = self.fetched;
                self.position
            }
            other => return Err(not_a_fetch(other)),
        };
        let start = if kind & fetch::LAST != 0 { start.max(1) } else { start };
        if start < 1 || total == 0 {
            self.position = 0;
            self.fetched = 0;
            return Ok((0, 0));
        }
        if start > total {
            self.position = total + 1;
            self.fetched = 0;
            return Ok((0, 0));
        }
        let n = count.min(total - start + 1).max(0);
        self.position = start;
        self.fetched = n;
        Ok(((start - 1) as usize, n as usize))
    }
}

impl Cursors {
    /// `sp_cursoropen @cursor OUT, @stmt, @scrollopt OUT, @ccopt OUT, @rowcount OUT [, @paramdef, values …]`
    pub(crate) fn open(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let stmt = match required_text(request, 1, "stmt") {
            Ok(s) => s,
            Err(e) => return e.into(),
        };
        let wish = Wish {
            scroll: integer(request, 2, "scrollopt").unwrap_or(1),
            concurrency: integer(request, 3, "ccopt").unwrap_or(0),
            rows: integer(request, 4, "rowcount").unwrap_or(0),
            first: 6,
        };
        let declarations = if wish.scroll & scroll::PARAMETERIZED != 0 {
            text(request, 5, "paramdef").unwrap_or_default()
        } else {
            String::new()
        };
        let statement = StatementText { text: stmt.into(), declarations: declarations.into() };
        let outputs = [0, 2, 3, 4];
        let call = Opening { statement: &statement, wish: &wish, request, outputs, prepared: None };
        self.run(session, &call, sink)
    }

    /// Runs the statement and answers the open.
    fn run(
        &mut self,
        session: &mut dyn SqlSession,
        call: &Opening<'_>,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let Opening { statement, wish, request, prepared, .. } = *call;
        if self.open.len() >= CURSORS_MAX {
            return SqlError::with_text(16_950, 16, "There are too many open cursors in this session.")
                .into();
        }
        let subject = subject(&statement.text, session);
        if subject == Subject::Query && live_cursor::is_wanted(wish) && session.cursors().is_some() {
            return self.open_live(session, call, sink);
        }
        if subject == Subject::Nothing {
            if wish.concurrency & ALLOW_DIRECT == 0 {
                return SqlError::new(16937, &[]).into();
            }
            if sink.message(&SqlError::new(16954, &[]).at_line(1)).is_err() {
                return Outcome::Unsent;
            }
            let mut forward = Forward::new(sink);
            let given = values(statement, request, wish.first);
            let end = session.execute_statement(statement, given, wish.first, &mut forward);
            if end != RequestEnd::Finished {
                return Outcome::Done(end);
            }
            let told = forward.finish(|sink| match prepared {
                Some(p) => output(request, 0, p, sink),
                None => Ok(()),
            });
            return ended(told, end);
        }
        let mut capture = Capture::new(sink);
        let given = values(statement, request, wish.first);
        let end = session.execute_statement(statement, given, wish.first, &mut capture);
        let Capture { columns, batches, failed, .. } = capture;
        if end != RequestEnd::Finished {
            return Outcome::Done(end);
        }
        let columns = match columns {
            Some(c) if !failed => c,
            _ => return SqlError::new(16937, &[]).into(),
        };
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let rows = match Batch::concat(&types, &batches) {
            Ok(b) => b,
            Err(e) => return e.into(),
        };
        let total = rows.len;
        let mut cursor = Copied { columns, rows, position: 0, fetched: 0 };
        let (first, count) = if wish.scroll & scroll::AUTO_FETCH != 0 {
            match cursor.take(fetch::FIRST, 0, i64::from(wish.rows.max(1))) {
                Ok(r) => r,
                Err(e) => return e.into(),
            }
        } else {
            (0, 0)
        };
        let closes = wish.scroll & scroll::AUTO_CLOSE != 0
            && wish.scroll & scroll::AUTO_FETCH != 0
            && first + count >= total;
        let handle = if closes { 0 } else { self.next_handle() };
        let mut answer = || {
            cursor.send(first, count, sink)?;
            sink.return_status(0)?;
            let values = [handle, wish.granted(), 1, i32::try_from(total).unwrap_or(-1)];
            call.tell(values, sink)?;
            end_call(sink, false)
        };
        let told = answer();
        if handle != 0 {
            self.open.insert(handle, Cursor::Copy(cursor));
        }
        ended(told, RequestEnd::Finished)
    }

    pub(super) fn next_handle(&mut self) -> i32 {
        self.opened = self.opened.wrapping_add(2) & 0x00FF_FFFF;
        FIRST_HANDLE + self.opened
    }

    pub(super) fn missing(procedure: &str, handle: i32) -> Outcome {
        SqlError::new(16909, &[&procedure, &format!("{handle:x}")]).into()
    }

    /// `sp_cursorfetch @cursor, @fetchtype, @rownum OUT, @nrows OUT`
    pub(crate) fn fetch(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        let Some(cursor) = self.open.get_mut(&handle) else { return Self::missing("sp_cursorfetch", handle) };
        let kind = integer(request, 1, "fetchtype").unwrap_or(fetch::NEXT);
        if kind & fetch::INFO != 0 {
            let (at, total) = match cursor {
                Cursor::Copy(c) if c.position > c.rows.len as i64 => (-1, c.rows.len as i64),
                Cursor::Copy(c) => (c.position, c.rows.len as i64),
                Cursor::Live(l) => l.position(session),
            };
            let mut answer = || {
                sink.return_status(0)?;
                output(request, 2, i32::try_from(at).unwrap_or(-1), sink)?;
                output(request, 3, i32::try_from(total).unwrap_or(-1), sink)?;
                end_call(sink, false)
            };
            return ended(answer(), RequestEnd::Finished);
        }
        let row = i64::from(integer(request, 2, "rownum").unwrap_or(0));
        let count = i64::from(integer(request, 3, "nrows").unwrap_or(ROWS).max(0));
        let cursor = match cursor {
            Cursor::Copy(c) => c,
            Cursor::Live(l) => return l.fetch(session, kind, row, count, sink),
        };
        let (first, count) = match cursor.take(kind, row, count) {
            Ok(r) => r,
            Err(e) => return e.into(),
        };
        let mut answer = || {
            cursor.send(first, count, sink)?;
            sink.return_status(0)?;
            end_call(sink, false)
        };
        ended(answer(), RequestEnd::Finished)
    }

    pub(crate) fn close(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        let closed: Vec<Cursor> = match handle {
            -1 => self.open.drain().map(|(_, c)| c).collect(),
            _ => match self.open.remove(&handle) {
                Some(c) => vec![c],
                None => return Self::missing("sp_cursorclose", handle),
            },
        };
        for cursor in closed {
            if let Cursor::Live(l) = cursor {
                l.close(session);
            }
        }
        ended(sink.return_status(0).and_then(|()| end_call(sink, false)), RequestEnd::Finished)
    }

    /// `sp_cursoroption @cursor, @code, @value`: a name is for WHERE CURRENT OF; text pointers are not answered, whatever is asked for.
    pub(crate) fn option(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        match self.open.get(&handle) {
            None => return Self::missing("sp_cursoroption", handle),
            Some(Cursor::Live(l)) if integer(request, 1, "code") == Some(CURSOR_NAME) => {
                let name = match required_text(request, 2, "value") {
                    Ok(name) => name,
                    Err(e) => return e.into(),
                };
                if let Err(e) = l.name(session, &name) {
                    return e.into();
                }
            }
            Some(_) => {}
        }
        ended(sink.return_status(0).and_then(|()| end_call(sink, false)), RequestEnd::Finished)
    }

    fn keep(&mut self, statement: StatementText) -> i32 {
        self.last_prepared = self.last_prepared.wrapping_add(1).max(1);
        self.prepared.insert(self.last_prepared, statement);
        self.last_prepared
    }

    /// `sp_cursorprepare @handle OUT, @params, @stmt, @options, @scrollopt OUT, @ccopt OUT`
    pub(crate) fn prepare(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let stmt = match required_text(request, 2, "stmt") {
            Ok(s) => s,
            Err(e) => return e.into(),
        };
        let scroll = integer(request, 4, "scrollopt").unwrap_or(1);
        let concurrency = integer(request, 5, "ccopt").unwrap_or(0);
        let wish = Wish { scroll, concurrency, rows: 0, first: 0 };
        // What it becomes shows when it is opened.
        let granted = match live_cursor::is_wanted(&wish) {
            true => (scroll & 0x1F, live_cursor::concurrency_of(&wish)),
            false => (wish.granted(), concurrency::READ_ONLY),
        };
        let declarations = text(request, 1, "params").unwrap_or_default();
        let handle = self.keep(StatementText { text: stmt.into(), declarations: declarations.into() });
        let mut answer = || {
            sink.return_status(0)?;
            output(request, 0, handle, sink)?;
            output(request, 4, granted.0, sink)?;
            output(request, 5, granted.1, sink)?;
            end_call(sink, false)
        };
        ended(answer(), RequestEnd::Finished)
    }

    /// `sp_cursorexecute @handle, @cursor OUT, @scrollopt OUT, @ccopt OUT, @rowcount OUT, values …`
    pub(crate) fn execute(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let handle = integer(request, 0, "handle").unwrap_or(0);
        let Some(statement) = self.prepared.get(&handle).cloned() else {
            return SqlError::new(8179, &[&handle]).state(2).into();
        };
        let wish = Wish {
            scroll: integer(request, 2, "scrollopt").unwrap_or(1),
            concurrency: integer(request, 3, "ccopt").unwrap_or(0),
            rows: integer(request, 4, "rowcount").unwrap_or(0),
            first: 5,
        };
        let outputs = [1, 2, 3, 4];
        let call = Opening { statement: &statement, wish: &wish, request, outputs, prepared: None };
        self.run(session, &call, sink)
    }

    /// `sp_cursorprepexec @handle OUT, @cursor OUT, @params, @stmt, @scrollopt OUT, @ccopt OUT, @rowcount OUT, values …`
    pub(crate) fn prepare_and_execute(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let stmt = match required_text(request, 3, "stmt") {
            Ok(s) => s,
            Err(e) => return e.into(),
        };
        let declarations = text(request, 2, "params").unwrap_or_default();
        let statement = StatementText { text: stmt.into(), declarations: declarations.into() };
        let wish = Wish {
            scroll: integer(request, 4, "scrollopt").unwrap_or(1),
            concurrency: integer(request, 5, "ccopt").unwrap_or(0),
            rows: integer(request, 6, "rowcount").unwrap_or(0),
            first: 7,
        };
        let handle = self.keep(statement.clone());
        let outputs = [1, 4, 5, 6];
        let call = Opening { statement: &statement, wish: &wish, request, outputs, prepared: Some(handle) };
        self.run(session, &call, sink)
    }

    pub(crate) fn unprepare(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = integer(request, 0, "handle").unwrap_or(0);
        if self.prepared.remove(&handle).is_none() {
            return SqlError::new(8179, &[&handle]).state(2).into();
        }
        ended(sink.return_status(0).and_then(|()| end_call(sink, false)), RequestEnd::Finished)
    }
}

/// An output parameter under the name it was sent with. What was not sent, or not as an output, gets none: Microsoft's JDBC driver takes the
/// second one for the rows, since it asks for nothing but those and the cursor.
fn output(request: &RpcRequest, ordinal: usize, value: i32, sink: &mut dyn ResultSink) -> SinkResult {
    match request.parameters.get(ordinal) {
        Some(p) if p.output => sink.return_value(ordinal as u16, &p.name, &SqlType::INT, &Value::Int(value)),
        _ => Ok(()),
    }
}
