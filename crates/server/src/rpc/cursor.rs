//! Server cursors by RPC: sp_cursoropen, sp_cursorfetch, sp_cursorclose, sp_cursoroption and the prepared forms.
//!
//! Invariants
//! 1. A cursor is the materialised first result set of its statement: static and read-only. What the client asked for is
//!    answered with what it got (`scrollopt`, `ccopt`), as SQL Server does when it converts a cursor.
//! 2. Position 0 is before the first row, `rows + 1` after the last.
//! 3. What is no single SELECT (see [`super::cursor_text`]) gets no cursor: it is run directly and answers as a batch does, after
//!    16954, when the client allows that in `ccopt`; otherwise it is refused (16937) before anything of it is run.
//! 4. Every fetch ends with the column ROWSTAT (1 = fetched), which clients take off.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_exec::session::{
    Done, DoneKind, RequestEnd, ResultColumn, ResultSink, RpcRequest, SqlSession, StatementText,
};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlType, Value};

use super::arguments::{integer, required_text, text};
use super::cursor_text::gets_cursor;
use super::forward::{Capture, Forward};
use super::prepared::{ended, values};
use super::{Outcome, end_call};

/// Most open cursors of a session.
const CURSORS_MAX: usize = 4096;
/// Handles start where SQL Server's do.
const FIRST_HANDLE: i32 = 180_150_001;

mod scroll {
    pub const FORWARD_ONLY: i32 = 0x0004;
    pub const STATIC: i32 = 0x0008;
    pub const FAST_FORWARD: i32 = 0x0010;
    pub const PARAMETERIZED: i32 = 0x1000;
    pub const AUTO_FETCH: i32 = 0x2000;
    pub const AUTO_CLOSE: i32 = 0x4000;
}

/// Bit of `ccopt`: a statement that can have no cursor is run all the same.
const ALLOW_DIRECT: i32 = 0x2000;

mod fetch {
    pub const FIRST: i32 = 0x0001;
    pub const NEXT: i32 = 0x0002;
    pub const PREVIOUS: i32 = 0x0004;
    pub const LAST: i32 = 0x0008;
    pub const ABSOLUTE: i32 = 0x0010;
    pub const RELATIVE: i32 = 0x0020;
    pub const REFRESH: i32 = 0x0080;
    pub const INFO: i32 = 0x0100;
    pub const PREVIOUS_NO_ADJUST: i32 = 0x0200;
}

struct Cursor {
    columns: Vec<ResultColumn>,
    rows: Batch,
    /// First row of the fetch buffer, from 1; see invariant 2.
    position: i64,
    /// Rows in the fetch buffer.
    fetched: i64,
}

#[derive(Default)]
pub struct Cursors {
    open: HashMap<i32, Cursor>,
    prepared: HashMap<i32, StatementText>,
    opened: i32,
    last_prepared: i32,
}

/// What a client asked for and what it gets.
struct Wish {
    scroll: i32,
    concurrency: i32,
    rows: i32,
    /// Position of the statement's first value.
    first: usize,
}

impl Wish {
    fn granted(&self) -> i32 {
        match self.scroll & 0x1F {
            s @ (scroll::FORWARD_ONLY | scroll::FAST_FORWARD) => s,
            _ => scroll::STATIC,
        }
    }
}

fn row_status_column() -> ResultColumn {
    ResultColumn {
        name: Arc::from("ROWSTAT"),
        ty: SqlType::INT,
        nullable: false,
        identity: false,
        computed: true,
        updatable: false,
        user_type: None,
        source: None,
    }
}

impl Cursor {
    fn all_columns(&self) -> Vec<ResultColumn> {
        let mut out = self.columns.clone();
        out.push(row_status_column());
        out
    }

    /// Sends rows `first..first + count` (from 0) as one result set.
    fn send(
        &self,
        first: usize,
        count: usize,
        sink: &mut dyn ResultSink,
    ) -> holdfast_exec::session::SinkResult {
        sink.columns(&self.all_columns())?;
        if count > 0 {
            let mut batch = self.rows.slice(first, count);
            batch.columns.push(Arc::new(Column::new(ColumnData::I32(vec![1; count]))));
            sink.rows(&batch)?;
        }
        let rows = Some(count as u64);
        sink.done(Done { kind: DoneKind::InProc, rows, error: false, command: 0xC1 })
    }

    /// Moves to where a fetch starts and says which rows it takes.
    fn take(&mut self, kind: i32, row: i64, count: i64) -> Result<(usize, usize), SqlError> {
        let total = self.rows.len as i64;
        let start = match kind & 0x0FFF {
            fetch::FIRST => 1,
            fetch::NEXT => self.position + self.fetched.max(i64::from(self.position == 0)),
            fetch::PREVIOUS | fetch::PREVIOUS_NO_ADJUST => {
                let s = self.position - count;
                // A block that would begin before the first row begins with it.
                if s < 1 && self.position > 1 && kind & fetch::PREVIOUS != 0 { 1 } else { s }
            }
            fetch::LAST => total - count + 1,
            fetch::ABSOLUTE if row < 0 => total + row + 1,
            fetch::ABSOLUTE => row,
            fetch::RELATIVE => self.position + row,
            fetch::REFRESH => self.position,
            other => {
                return Err(SqlError::with_text(
                    16_902,
                    16,
                    format!("sp_cursorfetch: The value of the parameter 'fetchtype' is invalid ({other})."),
                ));
            }
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
        self.run(session, &statement, &wish, request, [0, 2, 3, 4], None, sink)
    }

    /// Runs the statement and answers the open. `outputs`: ordinals of cursor, scrollopt, ccopt, rowcount.
    #[allow(clippy::too_many_arguments)]
    fn run(
        &mut self,
        session: &mut dyn SqlSession,
        statement: &StatementText,
        wish: &Wish,
        request: &RpcRequest,
        outputs: [usize; 4],
        prepared: Option<i32>,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        if self.open.len() >= CURSORS_MAX {
            return SqlError::with_text(16_950, 16, "There are too many open cursors in this session.")
                .into();
        }
        if !gets_cursor(&statement.text, session) {
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
        let mut cursor = Cursor { columns, rows, position: 0, fetched: 0 };
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
            if let Some(p) = prepared {
                output(request, 0, p, sink)?;
            }
            for (ordinal, value) in outputs.into_iter().zip(values) {
                output(request, ordinal, value, sink)?;
            }
            end_call(sink, false)
        };
        let told = answer();
        if handle != 0 {
            self.open.insert(handle, cursor);
        }
        ended(told, RequestEnd::Finished)
    }

    fn next_handle(&mut self) -> i32 {
        self.opened = self.opened.wrapping_add(2) & 0x00FF_FFFF;
        FIRST_HANDLE + self.opened
    }

    fn missing(procedure: &str, handle: i32) -> Outcome {
        SqlError::new(16909, &[&procedure, &format!("{handle:x}")]).into()
    }

    /// `sp_cursorfetch @cursor, @fetchtype, @rownum OUT, @nrows OUT`
    pub(crate) fn fetch(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        let Some(cursor) = self.open.get_mut(&handle) else { return Self::missing("sp_cursorfetch", handle) };
        let kind = integer(request, 1, "fetchtype").unwrap_or(fetch::NEXT);
        if kind & fetch::INFO != 0 {
            let (at, total) = (cursor.position, cursor.rows.len);
            let mut answer = || {
                sink.return_status(0)?;
                output(request, 2, i32::try_from(at).unwrap_or(-1), sink)?;
                output(request, 3, i32::try_from(total).unwrap_or(-1), sink)?;
                end_call(sink, false)
            };
            return ended(answer(), RequestEnd::Finished);
        }
        let row = i64::from(integer(request, 2, "rownum").unwrap_or(0));
        let count = i64::from(integer(request, 3, "nrows").unwrap_or(1).max(0));
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

    pub(crate) fn close(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        if handle == -1 {
            self.open.clear();
        } else if self.open.remove(&handle).is_none() {
            return Self::missing("sp_cursorclose", handle);
        }
        ended(sink.return_status(0).and_then(|()| end_call(sink, false)), RequestEnd::Finished)
    }

    /// Names and text-pointer options change nothing in a materialised cursor.
    pub(crate) fn option(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = integer(request, 0, "cursor").unwrap_or(0);
        if !self.open.contains_key(&handle) {
            return Self::missing("sp_cursoroption", handle);
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
        let wish = Wish { scroll, concurrency: 0, rows: 0, first: 0 };
        let declarations = text(request, 1, "params").unwrap_or_default();
        let handle = self.keep(StatementText { text: stmt.into(), declarations: declarations.into() });
        let mut answer = || {
            sink.return_status(0)?;
            output(request, 0, handle, sink)?;
            output(request, 4, wish.granted(), sink)?;
            output(request, 5, 1, sink)?;
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
        self.run(session, &statement, &wish, request, [1, 2, 3, 4], None, sink)
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
        self.run(session, &statement, &wish, request, [1, 4, 5, 6], Some(handle), sink)
    }

    pub(crate) fn unprepare(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = integer(request, 0, "handle").unwrap_or(0);
        if self.prepared.remove(&handle).is_none() {
            return SqlError::new(8179, &[&handle]).state(2).into();
        }
        ended(sink.return_status(0).and_then(|()| end_call(sink, false)), RequestEnd::Finished)
    }
}

/// An output parameter under the name it was sent with; a parameter that was not sent gets none.
fn output(
    request: &RpcRequest,
    ordinal: usize,
    value: i32,
    sink: &mut dyn ResultSink,
) -> holdfast_exec::session::SinkResult {
    match request.parameters.get(ordinal) {
        Some(p) => sink.return_value(ordinal as u16, &p.name, &SqlType::INT, &Value::Int(value)),
        None => Ok(()),
    }
}
