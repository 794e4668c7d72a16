//! sp_prepare, sp_prepexec, sp_prepexecrpc, sp_execute, sp_unprepare: a handle stands for a statement and its parameter declarations, or
//! for a procedure (ODBC's `{call p(?)}`: sp_prepexecrpc is sent the procedure's name and its arguments by position).

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_exec::session::{
    Done, DoneKind, RequestEnd, ResultSink, RpcParameter, RpcRequest, RpcValue, SqlSession, StatementText,
};
use holdfast_types::{SqlError, SqlType, Value};

use super::arguments::{integer, required_text, text};
use super::forward::Forward;
use super::{Outcome, end_call};

/// Most statements of a session.
const STATEMENTS_MAX: usize = 65_536;

#[derive(Clone)]
enum Prepared {
    Statement(StatementText),
    /// Its name.
    Procedure(Arc<str>),
}

#[derive(Default)]
pub struct Statements {
    by_handle: HashMap<i32, Prepared>,
    last: i32,
}

/// Ends a call whose sink may be closed.
pub(crate) fn ended(result: Result<(), holdfast_exec::session::SinkClosed>, end: RequestEnd) -> Outcome {
    if result.is_err() && end == RequestEnd::Finished { Outcome::Unsent } else { Outcome::Done(end) }
}

impl Statements {
    fn add(&mut self, prepared: Prepared) -> Result<i32, SqlError> {
        if self.by_handle.len() >= STATEMENTS_MAX {
            return Err(SqlError::with_text(
                701,
                17,
                "There are too many prepared statements in this session.",
            ));
        }
        self.last = self.last.wrapping_add(1).max(1);
        self.by_handle.insert(self.last, prepared);
        Ok(self.last)
    }

    fn find(&self, request: &RpcRequest) -> Result<(i32, &Prepared), SqlError> {
        let handle = integer(request, 0, "handle").unwrap_or(0);
        match self.by_handle.get(&handle) {
            Some(s) => Ok((handle, s)),
            None => Err(SqlError::new(8179, &[&handle]).state(2)),
        }
    }

    fn read(request: &RpcRequest) -> Result<StatementText, SqlError> {
        Ok(StatementText {
            declarations: text(request, 1, "params").unwrap_or_default().into(),
            text: required_text(request, 2, "stmt")?.into(),
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
        let handle = match self.add(Prepared::Statement(statement)) {
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
        let handle = match self.add(Prepared::Statement(statement.clone())) {
            Ok(h) => h,
            Err(e) => return e.into(),
        };
        let mut forward = Forward::new(sink);
        let end = session.execute_statement(&statement, values(&statement, request, 3), 3, &mut forward);
        let name = handle_name(request);
        let told = forward.finish(|s| s.return_value(0, &name, &SqlType::INT, &Value::Int(handle)));
        ended(told, end)
    }

    /// `sp_prepexecrpc @handle OUT, @procedure, values …`
    pub(crate) fn prepare_and_call(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let procedure: Arc<str> = match required_text(request, 1, "RPCCall") {
            Ok(name) => name.into(),
            Err(e) => return e.into(),
        };
        if let Some(old) = integer(request, 0, "handle") {
            self.by_handle.remove(&old);
        }
        let handle = match self.add(Prepared::Procedure(Arc::clone(&procedure))) {
            Ok(h) => h,
            Err(e) => return e.into(),
        };
        let name = handle_name(request);
        call(session, &procedure, request, 2, sink, |s| {
            s.return_value(0, &name, &SqlType::INT, &Value::Int(handle))
        })
    }

    pub(crate) fn execute(
        &mut self,
        session: &mut dyn SqlSession,
        request: &RpcRequest,
        sink: &mut dyn ResultSink,
    ) -> Outcome {
        let statement = match self.find(request) {
            Ok((_, Prepared::Statement(s))) => s,
            Ok((_, Prepared::Procedure(name))) => {
                let name = Arc::clone(name);
                return call(session, &name, request, 1, sink, |_| Ok(()));
            }
            Err(e) => return e.into(),
        };
        let mut forward = Forward::new(sink);
        let end = session.execute_statement(statement, values(statement, request, 1), 1, &mut forward);
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

/// Calls a procedure with the parameters from `first` on; `outputs` writes further output parameters.
fn call(
    session: &mut dyn SqlSession,
    procedure: &str,
    request: &RpcRequest,
    first: usize,
    sink: &mut dyn ResultSink,
    outputs: impl FnOnce(&mut dyn ResultSink) -> Result<(), holdfast_exec::session::SinkClosed>,
) -> Outcome {
    let parameters = request.parameters.get(first..).unwrap_or_default().to_vec();
    let inner = RpcRequest { procedure: procedure.to_owned(), parameters };
    let mut forward = Forward::from_place(sink, u16::try_from(first).unwrap_or(0));
    let end = session.execute_rpc(&inner, &mut forward);
    ended(forward.finish(outputs), end)
}

/// The values of a statement: the parameters from `first` on, if it takes any.
pub(crate) fn values<'r>(
    statement: &StatementText,
    request: &'r RpcRequest,
    first: usize,
) -> &'r [RpcParameter] {
    match request.parameters.get(first..) {
        Some(values) if !statement.declarations.trim().is_empty() => values,
        _ => &[],
    }
}

/// The statement of a call of sp_executesql whose parameters stand where they are declared; other calls are for the executor to read
/// (or to refuse).
pub(super) fn plain_executesql(request: &RpcRequest) -> Option<StatementText> {
    let text_at = |at: usize, names: [&str; 2]| {
        let p = request.parameters.get(at)?;
        let named = p.name.is_empty() || names.iter().any(|n| p.name.eq_ignore_ascii_case(n));
        match &p.value {
            RpcValue::Scalar(Value::String(s)) if named && !p.default && p.ty.id.is_unicode() => {
                Some(s.to_text())
            }
            _ => None,
        }
    };
    if !request.procedure.eq_ignore_ascii_case("sp_executesql") {
        return None;
    }
    let text: Arc<str> = text_at(0, ["@stmt", "@statement"])?.into();
    if request.parameters.len() == 1 {
        return Some(StatementText::plain(text));
    }
    let declarations = text_at(1, ["@params", "@parameters"])?.into();
    let statement = StatementText { text, declarations };
    let takes_values = !statement.declarations.trim().is_empty() || request.parameters.len() == 2;
    takes_values.then_some(statement)
}

/// The output parameter keeps the name it was sent with.
fn handle_name(request: &RpcRequest) -> String {
    request.parameters.first().map_or_else(String::new, |p| p.name.clone())
}

/// The statement with its parameters declared as variables, so that it can be described.
pub(crate) fn with_declarations(s: &StatementText) -> String {
    if s.declarations.trim().is_empty() {
        return s.text.to_string();
    }
    format!("DECLARE {}\n{}", s.declarations.replace(" OUTPUT", "").replace(" output", ""), s.text)
}
