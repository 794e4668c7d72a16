//! Sessions of an instance as the protocol layer drives them, and the factory that opens them.
//!
//! Invariants
//! 1. A batch with an error found before it runs (syntax, undeclared variables, unknown columns) runs nothing.
//! 2. A missing table is no such error: its statement fails when it is reached (deferred name resolution).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_tsql::ast::{DeclarationKind, InsertSource, ObjectName, SetValue, Statement, StatementKind};
use holdfast_types::datetime::Language;
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, TypeId, Value};
use parking_lot::Mutex;

use super::administration::Administration;
use super::cache::UnitCache;
use super::call::{Argument, EXECUTE, Returned};
use super::cursor::Cursor;
use super::memory_table::MemoryTable;
use super::query::{plain_column, result_column};
use super::redefined::told_to_client;
use super::run::{Fail, Runner, Scope, Shared, Stop, request_end};
use super::state::{SharedSession, State};
use super::system;
use super::unit::Unit;
use crate::collect::Collected;
use crate::ddl::select_into::select_with_into;
use crate::host::{Host, SessionState, configuration};
use crate::row_store::Pool;
use crate::server_cursor::CursorSession;
use crate::session::{
    CancelFlag, Done, DoneKind, EnvironmentChange, LoginInfo, RequestEnd, ResultColumn, ResultSink,
    RpcParameter, RpcRequest, RpcValue, SessionFactory, SqlSession, StatementText, TransactionRequest,
};

/// Opens sessions of one instance.
pub struct InstanceSessions {
    host: Arc<Host>,
    shared: Arc<Shared>,
}

impl InstanceSessions {
    pub fn new(host: Arc<Host>, administration: Arc<dyn Administration>) -> Arc<Self> {
        let shared = Arc::new(Shared {
            administration,
            units: UnitCache::default(),
            keeping_statistics: Default::default(),
        });
        Arc::new(InstanceSessions { host, shared })
    }

    /// A session without a network: for the command line and tests.
    ///
    /// # Errors
    /// 18456 when there is no such login, 4060 and 4064 when the database cannot be opened for it.
    pub fn open_session(&self, login: LoginInfo) -> Result<InstanceSession, SqlError> {
        let refused = SqlError::new(18456, &[&login.login]);
        let Some(known) = self.host.logins.read().login(&login.login).cloned() else { return Err(refused) };
        let asked = !login.database.is_empty();
        let name = if asked { login.database.clone() } else { known.default_database };
        // What the client asks for, else what its login has.
        let language =
            Language::from_name(&login.language).or_else(|| Language::from_name(&known.default_language));
        let cannot_open = || match asked {
            true => SqlError::new(4060, &[&name]),
            false => SqlError::new(4064, &[]),
        };
        let database = self.host.database(&name).map_err(|_| cannot_open())?;
        self.host.check_access(database.id, 0)?;
        let cancel = login.cancel.clone();
        let limit = self.host.settings.in_use(configuration::USER_CONNECTIONS);
        let entered = self.host.sessions.enter(
            limit,
            SessionState {
                login: login.clone(),
                login_time: self.host.now(),
                database_id: database.id,
                running: false,
                text: "".into(),
                command: "AWAITING COMMAND".into(),
                open_transactions: 0,
                percent_complete: 0.0,
                cancel: cancel.clone(),
            },
        );
        let Some(id) = entered else {
            let text =
                "Could not connect because the maximum number of user connections has already been reached.";
            return Err(SqlError::with_text(17_809, 20, text));
        };
        let home = Arc::clone(&database.name);
        let made = SharedSession::new(Arc::clone(&self.host), id, login, database, cancel).and_then(|s| {
            if !s.security.has_server("COSQ") {
                return Err(refused);
            }
            s.need_access(&s.current_database()).map_err(|_| cannot_open())?;
            Ok(s)
        });
        let session = match made {
            Ok(session) => Arc::new(session),
            Err(e) => {
                self.host.sessions.leave(id);
                return Err(e);
            }
        };
        self.host.sessions.attach(id, &session);
        if let Some(language) = language {
            session.state.lock().speak(language);
        }
        Ok(InstanceSession {
            language,
            session,
            shared: Arc::clone(&self.shared),
            cursors: Arc::new(Mutex::new(HashMap::new())),
            home,
        })
    }
}

impl SessionFactory for InstanceSessions {
    fn open(&self, login: LoginInfo, said: &mut dyn ResultSink) -> Result<Box<dyn SqlSession>, SqlError> {
        let session = self.open_session(login)?;
        if self.host.logon_triggers.load(Ordering::Relaxed) {
            session.fire_at_logon()?;
        }
        if let Some(language) = session.language {
            let (new, old) = (Arc::from(language.0.name), Arc::from(""));
            // Nobody who only listens to what is said at login fails.
            let _ = said.environment(EnvironmentChange::Language { new, old });
        }
        Ok(Box::new(session))
    }
    fn server_name(&self) -> Arc<str> {
        self.host.instance.options.server_name.as_str().into()
    }
    fn product_version(&self) -> (u8, u8, u16) {
        let (major, minor, build, _) = self.host.instance.options.product_version;
        (major, minor, build)
    }
    fn default_collation(&self) -> CollationId {
        self.host.instance.options.collation
    }
    fn listening(&self, address: std::net::SocketAddr) {
        self.host.listeners.lock().push((address, self.host.now()));
    }
}

/// The procedure that a client calls by a text, which may end in a number: `sp_columns_rowset;2`.
fn called(text: &str) -> SqlResult<ObjectName> {
    let numbered = text.rsplit_once(';').and_then(|(name, n)| Some((name, n.trim().parse::<i64>().ok()?)));
    let (name, number) = numbered.unwrap_or((text, 1));
    let missing = |_| SqlError::with_text(2812, 16, format!("Could not find stored procedure '{text}'."));
    let name = holdfast_tsql::parse_object_name(name).map_err(missing)?;
    match number {
        1 => Ok(name),
        n => system::numbered(&name, n).ok_or_else(|| SqlError::not_supported("Numbered procedures")),
    }
}

/// One session.
pub struct InstanceSession {
    session: Arc<SharedSession>,
    shared: Arc<Shared>,
    cursors: Arc<Mutex<HashMap<String, Cursor>>>,
    /// Database and language of the login.
    home: Arc<str>,
    language: Option<Language>,
}

impl std::ops::Drop for InstanceSession {
    fn drop(&mut self) {
        // What is left open is rolled back before its locks go.
        let open = std::mem::take(&mut self.session.state.lock().transaction);
        drop(open);
        self.forget_temporary_procedures();
        self.session.host.instance.locks.release_all(self.session.owner);
        self.session.host.sessions.leave(self.session.id);
    }
}

impl InstanceSession {
    pub fn shared_session(&self) -> &Arc<SharedSession> {
        &self.session
    }

    /// What triggers of the logon say goes to the server's log.
    fn fire_at_logon(&self) -> Result<(), SqlError> {
        let mut said = Collected::new();
        let host = &self.session.host;
        host.sessions.update(self.session.id, |s| s.running = true);
        let fired = self.runner(&mut said, DoneKind::Done).fire_at_logon();
        host.sessions.update(self.session.id, |s| s.running = false);
        for message in &said.messages {
            host.error_log.write(host.now(), "Logon", &message.message);
        }
        fired
    }

    fn forget_temporary_procedures(&self) {
        let mut nowhere = super::function_call::Nowhere;
        self.runner(&mut nowhere, DoneKind::Done).forget_temporary_procedures();
    }

    fn runner<'s>(&self, sink: &'s mut dyn ResultSink, kind: DoneKind) -> Runner<'s> {
        Runner {
            session: Arc::clone(&self.session),
            shared: Arc::clone(&self.shared),
            sink,
            kind,
            tries: 0,
            level: 0,
            capturing: None,
            compiling: false,
            module: None,
            command: None,
            temporary: Arc::clone(&self.session.temporary),
            cursors: Arc::clone(&self.cursors),
            surroundings: Default::default(),
            watched: None,
        }
    }

    /// Cursors that outlive their batch, by lower-case name.
    pub(super) fn global_cursors(&self) -> &Mutex<HashMap<String, Cursor>> {
        &self.cursors
    }

    /// Marks the session as running for the DMVs while `f` runs, and leaves no half-finished state behind.
    pub(super) fn request(
        &self,
        text: &Arc<str>,
        sink: &mut dyn ResultSink,
        f: impl FnOnce(&mut dyn ResultSink) -> RequestEnd,
    ) -> RequestEnd {
        let (host, id) = (&self.session.host, self.session.id);
        host.sessions.count_request();
        host.sessions.update(id, |s| {
            s.running = true;
            s.text = Arc::clone(text);
            s.command = "SELECT".into();
        });
        let mut end = if self.session.is_killed() { RequestEnd::Disconnect } else { f(sink) };
        // A sink refuses rows of a cancelled request as those of a lost client; the connection knows of the latter itself.
        if end == RequestEnd::Disconnect && self.session.cancel.is_cancelled() {
            end = RequestEnd::Cancelled;
        }
        if self.session.is_killed() {
            self.session.abandon_transaction();
            // The last thing that its client hears; who is gone already need not be told.
            let _ = Self::refuse(sink, DoneKind::Done, &[SqlError::new(596, &[]).at_line(1)]);
            end = RequestEnd::Disconnect;
        }
        let count = {
            let mut state = self.session.state.lock();
            state.caught.clear();
            state.procedures.clear();
            state.nest_level = 0;
            state.transaction.count
        };
        let database = self.session.current_database().id;
        host.sessions.update(id, |s| {
            s.running = false;
            s.command = "AWAITING COMMAND".into();
            s.open_transactions = count;
            s.database_id = database;
        });
        end
    }

    /// Sends errors and one DONE.
    fn refuse(sink: &mut dyn ResultSink, kind: DoneKind, errors: &[SqlError]) -> RequestEnd {
        for e in errors {
            if sink.message(&told_to_client(e.clone())).is_err() {
                return RequestEnd::Disconnect;
            }
        }
        let done = Done { kind, rows: None, error: true, command: 0 };
        if sink.done(done).is_err() { RequestEnd::Disconnect } else { RequestEnd::Finished }
    }

    /// A database that was dropped or restored under the session is looked up again.
    fn refresh_database(&self) {
        let current = self.session.current_database();
        if let Some(now) = self.session.host.database_by_id(current.id)
            && !Arc::ptr_eq(&now, &current)
        {
            self.session.state.lock().database = now;
        }
    }

    fn run_batch(&self, text: &Arc<str>, sink: &mut dyn ResultSink) -> RequestEnd {
        self.refresh_database();
        let mut runner = self.runner(sink, DoneKind::Done);
        let timed = self.session.state.lock().statistics.time;
        let clock = Arc::clone(&self.session.host.clock);
        let (began, busy) = (clock.monotonic(), if timed { super::statistics::processor_ms() } else { 0 });
        let found = match runner.load_simple(text) {
            Some(found) => Ok(found),
            None => runner.load_batch(text, &"".into()).map(|unit| (unit, Vec::new())),
        };
        let (unit, values) = match found {
            Ok(found) => found,
            Err(errors) => {
                if let Some(e) = errors.first() {
                    self.session.state.lock().error = e.number;
                }
                return Self::refuse(runner.sink, DoneKind::Done, &errors);
            }
        };
        if self.session.state.lock().parse_only && !turns_off_parse_only(&unit.statements) {
            return RequestEnd::Finished;
        }
        let mut scope = Scope::new(Arc::clone(&unit), &self.session.host.temporary_rows);
        super::simple::set_values(&mut scope, values);
        let mut errors = Vec::new();
        runner.compiling = true;
        compile(&mut runner, &unit.statements, &scope, &mut errors);
        runner.compiling = false;
        if !errors.is_empty() {
            self.session.state.lock().error = errors[0].number;
            return Self::refuse(runner.sink, DoneKind::Done, &errors);
        }
        if timed && runner.tell_compile_time(busy, clock.monotonic().saturating_sub(began)).is_err() {
            return RequestEnd::Disconnect;
        }
        let shown = self.session.state.lock().show_plan;
        let is_set = |s: &Statement| matches!(s.kind, StatementKind::SetOption(_));
        if let Some(how) = shown.filter(|_| !unit.statements.iter().all(is_set)) {
            let shown = runner.show_plans(&unit.statements, &mut scope, how);
            return match shown {
                Ok(()) => RequestEnd::Finished,
                Err(Fail::Stop(stop)) => self.end_of_batch(&mut runner, Err(stop)),
                Err(fail) => Self::refuse(runner.sink, DoneKind::Done, &errors_of(fail)),
            };
        }
        let result = runner.run(&mut scope);
        self.end_of_batch(&mut runner, result)
    }

    fn end_of_batch(&self, runner: &mut Runner<'_>, result: Result<super::run::Flow, Stop>) -> RequestEnd {
        let result = match result {
            Err(Stop::Caught { error, .. }) => match runner.report(&error) {
                Ok(()) => Err(Stop::Batch),
                Err(stop) => Err(stop),
            },
            other => other,
        };
        // The transaction of a cancelled batch stays open, unless XACT_ABORT says otherwise.
        let cancelled =
            matches!(result, Err(Stop::Cancelled | Stop::Disconnect)) && self.session.cancel.is_cancelled();
        if cancelled && self.session.has(super::state::option::XACT_ABORT) && runner.roll_back_all().is_err()
        {
            return RequestEnd::Disconnect;
        }
        if self.session.state.lock().transaction.doomed {
            let text = "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.";
            let error = SqlError::with_text(3998, 16, text).at_line(1);
            if runner.roll_back_all().is_err() || runner.report(&error).is_err() {
                return RequestEnd::Disconnect;
            }
        }
        request_end(result)
    }

    fn run_procedure(&self, request: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        let name = match called(&request.procedure) {
            Ok(name) => name,
            Err(e) => return Self::refuse(sink, DoneKind::Proc, &[e]),
        };
        self.run_call(&request.parameters, 0, sink, |runner, arguments| {
            runner.call(&name, arguments, Default::default())
        })
    }

    /// Runs a call with a client's parameters and answers it. `first`: the place of the first of them in the client's request.
    pub(super) fn run_call(
        &self,
        parameters: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
        call: impl FnOnce(&mut Runner<'_>, &mut [Argument]) -> Result<Returned, Fail>,
    ) -> RequestEnd {
        self.refresh_database();
        if self.session.state.lock().show_plan.is_some() {
            let refused = SqlError::not_supported("Showing the plans of a remote procedure call");
            return Self::refuse(sink, DoneKind::Proc, &[refused]);
        }
        let pool = &self.session.host.temporary_rows;
        let made = |(i, p): (usize, &RpcParameter)| argument(p, first + i + 1, pool);
        let arguments: SqlResult<Vec<Argument>> = parameters.iter().enumerate().map(made).collect();
        let mut arguments = match arguments {
            Ok(arguments) => arguments,
            Err(e) => return Self::refuse(sink, DoneKind::Proc, &[e]),
        };
        let mut runner = self.runner(sink, DoneKind::InProc);
        match call(&mut runner, &mut arguments) {
            Ok(returned) => {
                let end = Done { kind: DoneKind::Proc, rows: None, error: false, command: EXECUTE };
                let mut outputs = Vec::with_capacity(returned.outputs.len());
                if !returned.outputs.is_empty() {
                    let scope = Scope::new(
                        Unit::new("", Vec::new(), Vec::new(), Default::default()),
                        &self.session.host.temporary_rows,
                    );
                    for (i, ty, value) in &returned.outputs {
                        let wanted = parameters.get(*i).map_or(*ty, |p| output_type(p, ty));
                        outputs.push((*i, wanted, runner.passed_value(value, *ty, wanted, &scope)));
                    }
                }
                let send = || -> Result<(), crate::session::SinkClosed> {
                    runner.sink.return_status(returned.status)?;
                    for (i, wanted, value) in outputs {
                        let name = parameters.get(i).map_or("", |p| p.name.as_str());
                        match value {
                            Ok(value) => {
                                let place = u16::try_from(first + i).unwrap_or(u16::MAX);
                                runner.sink.return_value(place, name, &wanted, &value)?;
                            }
                            Err(e) => runner.sink.message(&e.at_line(1))?,
                        }
                    }
                    runner.sink.done(end)
                };
                if send().is_err() {
                    RequestEnd::Disconnect
                } else {
                    self.end_of_batch(&mut runner, Ok(super::run::Flow::Next))
                }
            }
            Err(Fail::Stop(stop)) => {
                let end = self.end_of_batch(&mut runner, Err(stop));
                let done = Done { kind: DoneKind::Proc, rows: None, error: true, command: EXECUTE };
                if end == RequestEnd::Finished && runner.sink.done(done).is_err() {
                    return RequestEnd::Disconnect;
                }
                end
            }
            Err(fail) => {
                let errors = errors_of(fail);
                if let Some(e) = errors.last() {
                    self.session.state.lock().error = e.number;
                }
                match Self::refuse(runner.sink, DoneKind::Proc, &errors) {
                    RequestEnd::Finished => self.end_of_batch(&mut runner, Ok(super::run::Flow::Next)),
                    end => end,
                }
            }
        }
    }
}

/// The errors of a statement that is not run by a text.
pub fn errors_of(fail: Fail) -> Vec<SqlError> {
    let errors = match fail {
        Fail::Error(e) | Fail::Compile(e) | Fail::Raised(e) | Fail::Thrown(e) => vec![e],
        Fail::Many(v) => v,
        Fail::Stop(_) => Vec::new(),
    };
    errors.into_iter().map(|e| e.at_line(1)).collect()
}

/// The type an output goes back in: a decimal in the digits that the client bound, old large values as the new ones.
fn output_type(p: &RpcParameter, own: &SqlType) -> SqlType {
    let is_decimal = |id: TypeId| matches!(id, TypeId::Decimal | TypeId::Numeric);
    match own.id {
        id if is_decimal(id) && is_decimal(p.ty.id) => p.ty,
        TypeId::Text => SqlType { length: -1, ..SqlType::varchar(1, own.collation) },
        TypeId::NText => SqlType::nvarchar_max(own.collation),
        TypeId::Image => SqlType::binary(TypeId::VarBinary, -1),
        _ => *own,
    }
}

/// A value at its type's fixed length: clients may send less of it.
fn padded(value: &Value, ty: &SqlType) -> Value {
    let length = usize::try_from(ty.length).unwrap_or(0);
    match (value, ty.id) {
        (Value::Binary(b), TypeId::Binary) if b.len() < length => {
            let mut all = b.to_vec();
            all.resize(length, 0);
            Value::binary(&all)
        }
        (Value::String(s), TypeId::Char | TypeId::NChar)
            if s.len() < ty.char_length().map_or(0, |n| n as usize) =>
        {
            let mut all = s.units().to_vec();
            all.resize(ty.char_length().map_or(0, |n| n as usize), 0x20);
            Value::String(all.into())
        }
        _ => value.clone(),
    }
}

/// Whether a value is no float that no arithmetic gives: such values have no place in the order of an index.
pub fn is_number(v: &Value) -> bool {
    match v {
        Value::Real(x) => x.is_finite(),
        Value::Float(x) => x.is_finite(),
        Value::Variant(v) => is_number(&v.value),
        _ => true,
    }
}

/// 8023: a parameter that no value of its type is (`place` from 1).
fn not_valid(place: usize, p: &RpcParameter) -> SqlError {
    let text = format!(
        "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. Parameter {place} \
         (\"{}\"): The supplied value is not a valid instance of data type {}. Check the source data for invalid values. An \
         example of an invalid value is data of numeric type with scale greater than precision.",
        p.name,
        p.ty.id.name()
    );
    SqlError::with_text(8023, 16, text)
}

/// A parameter of an RPC as an argument of a call; `place` counts from 1.
///
/// # Errors
/// 1105 when a table's rows find no room, 8023 for a value that is no number.
fn argument(p: &RpcParameter, place: usize, pool: &Arc<Pool>) -> SqlResult<Argument> {
    // Some clients (tiberius) leave the @ out.
    let name = (!p.name.is_empty()).then(|| format!("@{}", p.name.trim_start_matches('@')));
    let mut a =
        Argument { name, value: None, ty: p.ty, output: p.output, table: None, target: None, cursor: false };
    match &p.value {
        RpcValue::Scalar(v) if !is_number(v) => return Err(not_valid(place, p)),
        RpcValue::Scalar(_) if p.default => {}
        RpcValue::Scalar(v) => a.value = Some(padded(v, &p.ty)),
        RpcValue::Table { columns, rows, type_name } => {
            if !rows.iter().flatten().all(is_number) {
                return Err(not_valid(place, p));
            }
            // Columns that the client leaves to their defaults are told from others by being computed.
            let definition = |(i, c): (usize, &crate::session::ResultColumn)| {
                let plain = plain_column(&c.name, i, c.ty, c.nullable);
                holdfast_engine::catalog::ColumnDef { is_hidden: c.computed, ..plain }
            };
            let mut table =
                MemoryTable::new(type_name, columns.iter().enumerate().map(definition).collect(), pool);
            table.from_client = true;
            table.rows.append(rows)?;
            a.table = Some(table);
        }
    }
    Ok(a)
}

fn turns_off_parse_only(statements: &[Statement]) -> bool {
    statements.iter().any(|s| {
        matches!(&s.kind, StatementKind::SetOption(holdfast_tsql::ast::SetOption::Flags { names, on: false })
            if names.iter().any(|n| n == "PARSEONLY"))
    })
}

/// Binds what can be bound before the batch runs (invariant 1). `false`: what follows must wait.
fn compile(
    runner: &mut Runner<'_>,
    statements: &[Statement],
    scope: &Scope,
    errors: &mut Vec<SqlError>,
) -> bool {
    for s in statements {
        let (result, go_on) = match &s.kind {
            // Names behind these mean something that is not there yet.
            StatementKind::Use(_)
            | StatementKind::Ddl(_)
            | StatementKind::Execute(_)
            | StatementKind::SetOption(_)
            | StatementKind::Restore(_) => return false,
            StatementKind::Select(q) => {
                if select_with_into(&q.query.body).is_some_and(|s| s.into.is_some()) {
                    return false;
                }
                (runner.plan_query(q, scope).map(|_| ()), true)
            }
            StatementKind::Insert(i) => {
                let called = matches!(i.source, InsertSource::Execute(_));
                (runner.check_insert(i, scope), !called)
            }
            StatementKind::Update(u) => (runner.plan_update(u, scope).map(|_| ()), true),
            StatementKind::Delete(d) => (runner.plan_delete(d, scope).map(|_| ()), true),
            StatementKind::Merge(m) => (runner.plan_merge(m, scope).map(|_| ()), true),
            StatementKind::Block(list) => (Ok(()), compile(runner, list, scope, errors)),
            StatementKind::TryCatch { body, handler } => {
                (Ok(()), compile(runner, body, scope, errors) && compile(runner, handler, scope, errors))
            }
            StatementKind::If { condition, then, otherwise } => {
                let r = runner.plan_condition(condition, scope);
                let mut go_on = compile(runner, std::slice::from_ref(&**then), scope, errors);
                if let Some(o) = otherwise {
                    go_on &= compile(runner, std::slice::from_ref(&**o), scope, errors);
                }
                (r, go_on)
            }
            StatementKind::While { condition, body } => {
                let r = runner.plan_condition(condition, scope);
                (r, compile(runner, std::slice::from_ref(&**body), scope, errors))
            }
            StatementKind::Declare(list) => {
                let mut r = Ok(());
                for d in list {
                    if let DeclarationKind::Scalar { initial: Some(e), .. } = &d.kind
                        && let Some(v) = scope.unit.layout.variables.get(&d.name.to_lowercase()).cloned()
                        && r.is_ok()
                    {
                        r = runner.plan_value(e, Some(v.ty), scope);
                    }
                }
                (r, true)
            }
            StatementKind::SetVariable(v) => match &v.value {
                SetValue::Expr { op: holdfast_tsql::ast::AssignOp::Set, value } => {
                    match scope.unit.layout.variables.get(&v.name.to_lowercase()).cloned() {
                        Some(slot) => (runner.plan_value(value, Some(slot.ty), scope), true),
                        None => (Ok(()), true),
                    }
                }
                _ => (Ok(()), true),
            },
            _ => (Ok(()), true),
        };
        match result {
            Err(Fail::Compile(e)) if !deferred(e.number) => {
                errors.extend(e.in_order().into_iter().map(|e| e.at_line(s.span.line)));
            }
            // Another transaction is defining what the statement names. It is reached, or the batch ends here.
            Err(Fail::Error(e)) => {
                if e.number == 1222 {
                    errors.push(e.at_line(s.span.line));
                }
                return false;
            }
            _ => {}
        }
        if !go_on {
            return false;
        }
    }
    true
}

/// Errors that wait until the statement is reached: objects that may come into being, and what is not supported yet.
fn deferred(number: i32) -> bool {
    matches!(number, 208 | 911 | 916 | 927 | 942 | 945 | 2812 | 40_517)
}

impl SqlSession for InstanceSession {
    fn execute_batch(&mut self, text: &str, sink: &mut dyn ResultSink) -> RequestEnd {
        let text: Arc<str> = text.into();
        self.request(&text, sink, |sink| self.run_batch(&text, sink))
    }

    fn execute_rpc(&mut self, request: &RpcRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        let text = match request.parameters.first().map(|p| &p.value) {
            Some(RpcValue::Scalar(Value::String(s))) if request.procedure.ends_with("sp_executesql") => {
                s.to_text()
            }
            _ => request.procedure.clone(),
        };
        self.request(&text.into(), sink, |sink| self.run_procedure(request, sink))
    }

    fn execute_statement(
        &mut self,
        statement: &StatementText,
        values: &[RpcParameter],
        first: usize,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.request(&statement.text, sink, |sink| {
            self.run_call(values, first, sink, |runner, arguments| runner.execute_text(statement, arguments))
        })
    }

    fn transaction(&mut self, request: &TransactionRequest, sink: &mut dyn ResultSink) -> RequestEnd {
        let mut runner = self.runner(sink, DoneKind::Done);
        let named = |n: &String| (!n.is_empty()).then(|| n.clone());
        let result = match request {
            TransactionRequest::Begin { name, isolation } => {
                runner.set_isolation(*isolation);
                runner.begin(named(name))
            }
            TransactionRequest::Commit { begin_next, .. } => {
                runner.commit().and_then(|()| match begin_next {
                    Some(isolation) => {
                        runner.set_isolation(*isolation);
                        runner.begin(None)
                    }
                    None => Ok(()),
                })
            }
            TransactionRequest::Rollback { name, begin_next } => {
                runner.rollback(named(name)).and_then(|()| match begin_next {
                    Some(isolation) => {
                        runner.set_isolation(*isolation);
                        runner.begin(None)
                    }
                    None => Ok(()),
                })
            }
            TransactionRequest::Save { name } => runner.save(name.clone()),
        };
        let result = result.and_then(|()| runner.plain_done(0));
        match result {
            Ok(()) => RequestEnd::Finished,
            Err(Fail::Stop(stop)) => request_end(Err(stop)),
            Err(Fail::Error(e)) => Self::refuse(runner.sink, DoneKind::Done, &[e.at_line(1)]),
            Err(_) => RequestEnd::Finished,
        }
    }

    fn bulk_load(
        &mut self,
        columns: &[ResultColumn],
        rows: Vec<Vec<Value>>,
        sink: &mut dyn ResultSink,
    ) -> RequestEnd {
        self.request(&"INSERT BULK".into(), sink, |sink| {
            let mut runner = self.runner(sink, DoneKind::Done);
            match runner.bulk_rows(columns, rows) {
                Ok(()) => RequestEnd::Finished,
                Err(Fail::Stop(stop)) => self.end_of_batch(&mut runner, Err(stop)),
                Err(fail) => {
                    let errors = match fail {
                        Fail::Error(e) | Fail::Compile(e) | Fail::Raised(e) | Fail::Thrown(e) => vec![e],
                        Fail::Many(v) => v,
                        Fail::Stop(_) => Vec::new(),
                    };
                    let errors: Vec<SqlError> = errors.into_iter().map(|e| e.at_line(1)).collect();
                    Self::refuse(runner.sink, DoneKind::Done, &errors)
                }
            }
        })
    }

    fn reset(&mut self, keep_transaction: bool) {
        let transaction = self.session.state.lock().transaction.clone();
        let database =
            self.session.host.database(&self.home).unwrap_or_else(|_| self.session.current_database());
        let mut state = State::new(database, self.session.host.settings.in_use(configuration::USER_OPTIONS));
        if keep_transaction {
            state.transaction = transaction.clone();
        }
        if let Some(language) = self.language {
            state.speak(language);
        }
        self.session.security.reset();
        let old = std::mem::replace(&mut *self.session.state.lock(), state);
        drop(transaction);
        // Without the transaction kept, this is its last hold: it is rolled back.
        drop(old);
        let locks = &self.session.host.instance.locks;
        locks.release_all(self.session.owner);
        locks.enter(self.session.owner, self.session.id, self.session.owner);
        self.session.temporary.clear();
        if !keep_transaction {
            self.forget_temporary_procedures();
        }
        self.cursors.lock().clear();
    }

    fn cancel_flag(&self) -> CancelFlag {
        self.session.cancel.clone()
    }

    fn database(&self) -> Arc<str> {
        Arc::clone(&self.session.current_database().name)
    }

    fn session_id(&self) -> u16 {
        self.session.id
    }

    fn on_kill(&self, wake: crate::session::Wake) {
        self.session.on_kill(wake);
    }

    fn cursors(&mut self) -> Option<&mut dyn CursorSession> {
        Some(self)
    }

    fn describe(&mut self, text: &str) -> Result<Vec<ResultColumn>, SqlError> {
        self.refresh_database();
        let mut nowhere = super::function_call::Nowhere;
        let mut runner = self.runner(&mut nowhere, DoneKind::Done);
        let unit = runner.load_batch(&text.into(), &"".into()).map_err(|mut v| v.swap_remove(0))?;
        let scope = Scope::new(Arc::clone(&unit), &self.session.host.temporary_rows);
        match first_select(&unit.statements) {
            Some(q) => match runner.plan_query(q, &scope) {
                Ok(bound) => Ok(bound.columns.iter().map(result_column).collect()),
                Err(Fail::Error(e) | Fail::Compile(e)) => Err(e),
                Err(_) => Ok(Vec::new()),
            },
            None => Ok(Vec::new()),
        }
    }
}

/// The first statement that answers rows.
pub(super) fn first_select(statements: &[Statement]) -> Option<&holdfast_tsql::ast::SelectStatement> {
    statements.iter().find_map(|s| match &s.kind {
        StatementKind::Select(q) => {
            let assigns = select_with_into(&q.query.body).is_some_and(|s| {
                s.into.is_some()
                    || s.items.iter().any(|i| matches!(i, holdfast_tsql::ast::SelectItem::Assign { .. }))
            });
            (!assigns).then_some(&**q)
        }
        StatementKind::Block(list) => first_select(list),
        StatementKind::If { then, otherwise, .. } => first_select(std::slice::from_ref(&**then))
            .or_else(|| otherwise.as_ref().and_then(|o| first_select(std::slice::from_ref(&**o)))),
        StatementKind::TryCatch { body, .. } => first_select(body),
        _ => None,
    })
}
