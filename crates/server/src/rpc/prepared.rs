//! sp_prepare, sp_prepexec, sp_execute, sp_unprepare: a handle stands for a statement and its parameter declarations.

use std::collections::HashMap;

use holdfast_exec::session::{Done, DoneKind, RequestEnd, ResultSink, RpcRequest, SqlSession};
use holdfast_types::{SqlError, SqlType, Value};

use super::arguments::{executesql, integer, required_text, text};
use super::forward::Forward;
use super::{Outcome, end_call};

/// Most statements of a session.
const STATEMENTS_MAX: usize = 65_536;

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub text: String,
    pub declarations: String,
}

#[derive(Default)]
pub struct Statements {
    by_handle: HashMap<i32, Statement>,
    last: i32,
}

/// Ends a call whose sink may be closed.
pub(crate) fn ended(result: Result<(), holdfast_exec::session::SinkClosed>, end: RequestEnd) -> Outcome {
    if result.is_err() && end == RequestEnd::Finished { Outcome::Unsent } else { Outcome::Done(end) }
}

impl Statements {
    fn add(&mut self, statement: Statement) -> Result<i32, SqlError> {
        if self.by_handle.len() >= STATEMENTS_MAX {
            return Err(SqlError::with_text(
                701,
                17,
                "There are too many prepared statements in this session.",
            ));
        }
        self.last = self.last.wrapping_add(1).max(1);
        self.by_handle.insert(self.last, statement);
        Ok(self.last)
    }

    fn find(&self, request: &RpcRequest) -> Result<(i32, &Statement), SqlError> {
        let handle = integer(request, 0, "handle").unwrap_or(0);
        match self.by_handle.get(&handle) {
            Some(s) => Ok((handle, s)),
            None => Err(SqlError::new(8179, &[&handle]).state(2)),
        }
    }

    fn read(request: &RpcRequest) -> Result<Statement, SqlError> {
        Ok(Statement {
            declarations: text(request, 1, "params").unwrap_or_default(),
            text: required_text(request, 2, "stmt")?,
        })
    }

    pub(crate) fn prepare(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let statement = match Self::read(request) {
            Ok(s) => s,
            Err(e) => return e.into(),
        };
        // Option 1 asks for the columns. A statement that cannot be described before it runs has none to show.
        let described = if integer(request, 3, "options").unwrap_or(0) & 1 != 0 {
            session.describe(&with_declarations(&statement)).ok().filter(|c| !c.is_empty())
        } else {
            None
        };
        let handle = match self.add(statement) {
            Ok(h) => h,
            Err(e) => return e.into(),
        };
        let mut answer = || {
            if let Some(columns) = &described {
                sink.columns(columns)?;
                sink.done(Done { kind: DoneKind::InProc, rows: Some(0), error: false, command: 0xC1 })?;
            }
            sink.return_status(0)?;
            sink.return_value(0, &handle_name(request), &SqlType::INT, &Value::Int(handle))?;
            end_call(sink, false)
        };
        ended(answer(), RequestEnd::Finished)
    }

    pub(crate) fn prepare_and_execute(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let statement = match Self::read(request) {
            Ok(s) => s,
            Err(e) => return e.into(),
        };
        // A handle passed in is replaced by the new one.
        if let Some(old) = integer(request, 0, "handle") {
            self.by_handle.remove(&old);
        }
        let values = request.parameters.get(3..).unwrap_or(&[]);
        let call = executesql(&statement.text, &statement.declarations, values);
        let handle = match self.add(statement) {
            Ok(h) => h,
            Err(e) => return e.into(),
        };
        // There the statement is parameter 0, here the handle.
        let mut forward = Forward::new(sink, 1);
        let end = session.execute_rpc(&call, &mut forward);
        let name = handle_name(request);
        let told = forward.finish(|s| s.return_value(0, &name, &SqlType::INT, &Value::Int(handle)));
        ended(told, end)
    }

    pub(crate) fn execute(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let statement = match self.find(request) {
            Ok((_, s)) => s,
            Err(e) => return e.into(),
        };
        let values = request.parameters.get(1..).unwrap_or(&[]);
        let call = executesql(&statement.text, &statement.declarations, values);
        let mut forward = Forward::new(sink, -1);
        let end = session.execute_rpc(&call, &mut forward);
        ended(forward.finish(|_| Ok(())), end)
    }

    pub(crate) fn unprepare(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> Outcome {
        let handle = match self.find(request) {
            Ok((h, _)) => h,
            Err(e) => return e.into(),
        };
        self.by_handle.remove(&handle);
        let told = sink.return_status(0).and_then(|()| end_call(sink, false));
        ended(told, RequestEnd::Finished)
    }
}

/// The output parameter keeps the name it was sent with.
fn handle_name(request: &RpcRequest) -> String {
    request.parameters.first().map_or_else(String::new, |p| p.name.clone())
}

/// The statement with its parameters declared as variables, so that it can be described.
pub(crate) fn with_declarations(s: &Statement) -> String {
    if s.declarations.trim().is_empty() {
        return s.text.clone();
    }
    format!("DECLARE {}\n{}", s.declarations.replace(" OUTPUT", "").replace(" output", ""), s.text)
}
