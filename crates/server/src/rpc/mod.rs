//! The procedures of the protocol over a plain session: prepared statements and server cursors. They are answered by
//! running statements and cursors of the session below, so the executor knows none of them.
//!
//! Module map: [`prepared`] sp_prepare … sp_unprepare, [`cursor`] sp_cursoropen … sp_cursorclose, [`cursor_text`] what gets a cursor, [`live_cursor`] cursors that see later
//! changes, [`positioned`] sp_cursor, [`forward`] sinks that
//! change what passes through them, [`arguments`] reading a call's parameters.
//!
//! Invariants
//! 1. Handles are never reused within a session; a reset or an end of the session forgets them.
//! 2. A call answers, in this order: result sets, return status, output parameters, DONEPROC.

pub mod arguments;
pub mod cursor;
pub mod cursor_text;
pub mod forward;
mod live_cursor;
mod positioned;
pub mod prepared;

use std::sync::Arc;

use holdfast_exec::server_cursor::CursorSession;
use holdfast_exec::session::{
    CancelFlag, Done, DoneKind, RequestEnd, ResultColumn, ResultSink, RpcParameter, RpcRequest, SinkResult,
    SqlSession, StatementText, TransactionRequest, Wake,
};
use holdfast_types::{SqlError, Value};

use cursor::Cursors;
use prepared::Statements;

/// A session with the protocol's procedures.
pub struct Procedures {
    inner: Box<dyn SqlSession>,
    statements: Statements,
    cursors: Cursors,
}

impl Procedures {
    pub fn new(inner: Box<dyn SqlSession>) -> Self {
        Procedures { inner, statements: Statements::default(), cursors: Cursors::default() }
    }
}

/// Name of a system procedure without its prefix parts, folded: `master..sp_Execute` is `sp_execute`.
fn bare_name(procedure: &str) -> String {
    let last = procedure.rsplit('.').next().unwrap_or(procedure);
    last.trim().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

/// What a procedure of this module answers in the end.
pub(crate) enum Outcome {
    Done(RequestEnd),
    /// The sink took no more of the answer: the request was cancelled or the client is gone.
    Unsent,
    Failed(SqlError),
}

impl From<SqlError> for Outcome {
    fn from(e: SqlError) -> Self {
        Outcome::Failed(e)
    }
}

/// Status and the end of a call.
pub(crate) fn end_call(sink: &mut dyn ResultSink, error: bool) -> SinkResult {
    sink.done(Done { kind: DoneKind::Proc, rows: None, error, command: 0xE0 })
}

impl SqlSession for Procedures {
    fn execute_batch(&mut self, text: &str, sink: &mut dyn ResultSink) -> RequestEnd {
        self.inner.execute_batch(text, sink)
    }

    fn execute_rpc(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        if bare_name(&request.procedure) == "sp_reset_connection" {
            self.reset(false);
            let told = sink.return_status(0).and_then(|()| end_call(sink, false));
            return if told.is_ok() { RequestEnd::Finished } else { RequestEnd::Disconnect };
        }
        let inner = self.inner.as_mut();
        let outcome = match bare_name(&request.procedure).as_str() {
            "sp_prepare" => self.statements.prepare(inner, request, sink),
            "sp_prepexecrpc" => self.statements.prepare_and_call(inner, request, sink),
            "sp_prepexec" => self.statements.prepare_and_execute(inner, request, sink),
            "sp_execute" => self.statements.execute(inner, request, sink),
            "sp_unprepare" => self.statements.unprepare(request, sink),
            "sp_cursoropen" => self.cursors.open(inner, request, sink),
            "sp_cursorfetch" => self.cursors.fetch(inner, request, sink),
            "sp_cursorclose" => self.cursors.close(inner, request, sink),
            "sp_cursoroption" => self.cursors.option(inner, request, sink),
            "sp_cursorprepare" => self.cursors.prepare(request, sink),
            "sp_cursorexecute" => self.cursors.execute(inner, request, sink),
            "sp_cursorprepexec" => self.cursors.prepare_and_execute(inner, request, sink),
            "sp_cursorunprepare" => self.cursors.unprepare(request, sink),
            "sp_cursor" => self.cursors.change(inner, request, sink),
            "sp_executesql" => Outcome::Done(match prepared::plain_executesql(request) {
                Some(s) => inner.execute_statement(&s, prepared::values(&s, request, 2), 2, sink),
                None => inner.execute_rpc(request, sink),
            }),
            _ => Outcome::Done(inner.execute_rpc(request, sink)),
        };
        match outcome {
            Outcome::Done(end) => end,
            Outcome::Unsent if self.inner.cancel_flag().is_cancelled() => RequestEnd::Cancelled,
            Outcome::Unsent => RequestEnd::Disconnect,
            Outcome::Failed(mut e) => {
                e.line = e.line.max(1);
                let told = sink.message(&e).is_ok() && end_call(sink, true).is_ok();
                if told { RequestEnd::Finished } else { RequestEnd::Disconnect }
            }
        }
    }

    fn execute_statement(
        &mut self,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.inner.execute_statement(statement, values, first, sink)
    }

    fn transaction(&mut self, request: &TransactionRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        self.inner.transaction(request, sink)
    }

    fn bulk_load(
        &mut self,
        columns: &[ResultColumn],
        rows: Vec<Vec<Value>>,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.inner.bulk_load(columns, rows, sink)
    }

    fn reset(&mut self, keep_transaction: bool) {
        self.statements = Statements::default();
        self.cursors = Cursors::default();
        self.inner.reset(keep_transaction);
    }

    fn cancel_flag(&self) -> CancelFlag {
        self.inner.cancel_flag()
    }

    fn database(&self) -> Arc<str> {
        self.inner.database()
    }

    fn session_id(&self) -> u16 {
        self.inner.session_id()
    }

    fn on_kill(&self, wake: Wake) {
        self.inner.on_kill(wake);
    }

    fn cursors(&mut self) -> Option<&mut dyn CursorSession> {
        self.inner.cursors()
    }

    fn describe(&mut self, text: &str) -> Result<Vec<ResultColumn>, SqlError> {
        self.inner.describe(text)
    }
}
