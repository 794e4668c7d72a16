//! The statement runner: control flow, errors, TRY…CATCH.
//!
//! Invariants
//! 1. Exactly one of three things follows an error: the nearest TRY of a calling level takes it, or it is reported and the
//!    next statement runs, or it is reported and the batch ends ([`Ends`]).
//! 2. An error of binding is not caught by a TRY of its own level (deferred name resolution fails while the statement is
//!    compiled), only by one around the procedure or dynamic batch.
//! 3. @@ERROR and @@ROWCOUNT are set after every statement that sets them, and by nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::host::HostDatabase;
use crate::host::temporary::SessionTables;
use holdfast_engine::catalog::TableDef;
use holdfast_plan::expr::ParamId;
use holdfast_tsql::ast::backup::BackupWhat;
use holdfast_tsql::ast::{self, Statement, StatementKind};
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::administration::{self, Administration};
use super::cursor::Cursor;
use super::memory_table::MemoryTable;
use super::showplan::has_plan;
use super::state::{SharedSession, option};
use super::statistics;
use super::surroundings::Surroundings;
use super::unit::{Names, Unit};
use crate::context::CaughtError;
use crate::row_store::Pool;
use crate::session::{Done, DoneKind, RequestEnd, ResultSink, SinkClosed, StatementText};

/// Where control goes after a statement.
#[derive(Debug)]
pub enum Flow {
    Next,
    Break,
    Continue,
    /// With the value of RETURN.
    Return(Option<Value>),
    Goto(String),
}

/// Why running stops before the end of the text.
#[derive(Debug)]
pub enum Stop {
    /// On its way to a CATCH block; `compile` is the level whose own TRY does not take it.
    Caught {
        error: SqlError,
        compile: Option<u32>,
    },
    /// The batch is over; the error was reported.
    Batch,
    /// The procedure or text is over, whose statement names what is not there; who called it goes on. Reported.
    Module,
    Cancelled,
    Disconnect,
}

/// How a statement failed.
#[derive(Debug)]
pub enum Fail {
    Error(SqlError),
    /// While it was bound.
    Compile(SqlError),
    /// RAISERROR: never ends the batch.
    Raised(SqlError),
    /// THROW: always does.
    Thrown(SqlError),
    /// Several errors of which all but the last are only reported.
    Many(Vec<SqlError>),
    Stop(Stop),
}

impl From<SqlError> for Fail {
    fn from(e: SqlError) -> Self {
        Fail::Error(e)
    }
}

impl From<SinkClosed> for Fail {
    fn from(_: SinkClosed) -> Self {
        Fail::Stop(Stop::Disconnect)
    }
}

impl From<Stop> for Fail {
    fn from(s: Stop) -> Self {
        Fail::Stop(s)
    }
}

/// What one run of a text holds: variables, tables, place in the call chain.
pub struct Scope {
    pub unit: Arc<Unit>,
    /// Values of variables; what is being run shares them, see [`Scope::set`].
    pub frame: Arc<Vec<Value>>,
    /// Table variables and table-valued parameters by lower-case name.
    pub tables: HashMap<String, MemoryTable>,
    /// Cursor variables and local cursors by lower-case name.
    pub cursors: HashMap<String, Cursor>,
    /// Name for messages; empty outside modules.
    pub procedure: Arc<str>,
    /// Distinguishes runs, for plans over tables in memory.
    pub run: u64,
    /// Set in a function: RETURN converts to it.
    pub returns: Option<SqlType>,
    /// Added to line numbers.
    pub line_base: u32,
    /// The table whose trigger this is.
    pub trigger: Option<Arc<TableDef>>,
    /// Temporary tables made here; they go with a procedure or dynamic batch.
    /// Temporary tables made here, each with the caller's table of that name.
    pub temporaries: Vec<(String, Option<MemoryTable>)>,
    /// The module that this is the text of: database and object id.
    pub module: Option<(i32, i32)>,
    /// Schema of the module: where it looks for names first.
    pub schema: Option<Arc<str>>,
    /// The database of its names, where that is not the one it runs in.
    pub names: Option<Arc<HostDatabase>>,
    /// ANSI_NULLS and QUOTED_IDENTIFIER as they were when the module was created: it runs under them.
    pub created_under: Option<(bool, bool)>,
    /// Severity of the worst error that was reported here: a procedure's status tells it.
    pub worst: u8,
}

static RUNS: AtomicU64 = AtomicU64::new(1);

/// A number no other run has.
pub fn next_run() -> u64 {
    RUNS.fetch_add(1, Ordering::Relaxed)
}

impl Scope {
    pub fn new(unit: Arc<Unit>, pool: &Arc<Pool>) -> Self {
        let frame = vec![Value::Null; unit.layout.frame_size as usize];
        let tables = unit
            .layout
            .tables
            .iter()
            .map(|(name, t)| (name.clone(), MemoryTable::of(name, t.shape.clone(), pool)))
            .collect();
        Scope {
            unit,
            frame: Arc::new(frame),
            tables,
            cursors: HashMap::new(),
            procedure: "".into(),
            run: next_run(),
            returns: None,
            line_base: 0,
            trigger: None,
            temporaries: Vec::new(),
            module: None,
            schema: None,
            names: None,
            created_under: None,
            worst: 0,
        }
    }
}

impl Scope {
    /// Gives a variable a value.
    pub fn set(&mut self, slot: ParamId, value: Value) {
        if let Some(place) = self.place(slot) {
            *place = value;
        }
    }

    /// Gives a variable a value that it may not take: one of typed xml has to fit its schemas.
    ///
    /// # Errors
    /// 69xx for xml that does not fit.
    pub fn assign(&mut self, slot: ParamId, value: Value) -> SqlResult<()> {
        let value = match self.unit.layout.typed_xml.iter().find(|t| t.0 == slot) {
            Some((_, typed)) => typed.check(&value)?,
            None => value,
        };
        self.set(slot, value);
        Ok(())
    }

    /// Where a variable's value is.
    pub fn place(&mut self, slot: ParamId) -> Option<&mut Value> {
        Arc::make_mut(&mut self.frame).get_mut(slot.0 as usize)
    }

    /// Where names without a schema are looked for first.
    pub fn schema(&self, session: &SharedSession) -> Arc<str> {
        self.schema.clone().unwrap_or_else(|| session.default_schema())
    }
}

/// Parts of the server that runners share.
pub struct Shared {
    pub administration: Arc<dyn Administration>,
    pub units: super::cache::UnitCache,
    /// Tables (database and object id) whose statistics some session is making by itself.
    pub keeping_statistics: parking_lot::Mutex<std::collections::HashSet<(i32, i32)>>,
}

/// Runs statements for a session.
pub struct Runner<'s> {
    pub session: Arc<SharedSession>,
    pub shared: Arc<Shared>,
    pub sink: &'s mut dyn ResultSink,
    pub kind: DoneKind,
    /// TRY blocks around the current statement, in all levels.
    pub tries: u32,
    /// Depth of the call chain.
    pub level: u32,
    /// Rows go to an INSERT … EXEC, which began with so many transactions open.
    pub capturing: Option<i32>,
    /// Plans are made ahead of their use: nobody is asked for permission yet.
    pub compiling: bool,
    /// The module whose text is being run: database and object id.
    pub module: Option<(i32, i32)>,
    /// The EXECUTE being run.
    pub command: Option<(Arc<Unit>, holdfast_tsql::Span)>,
    /// Temporary tables of the session, by lower-case name.
    pub temporary: Arc<SessionTables>,
    /// Global (batch-surviving) cursors.
    pub cursors: Arc<parking_lot::Mutex<HashMap<String, Cursor>>>,
    pub surroundings: Surroundings,
    /// What a keyset cursor wants to know of an INSERT through it.
    pub watched: Option<super::cursor_block::Watched>,
}

/// What a runner hands on to one that sends its answers somewhere else.
pub struct Inherited {
    session: Arc<SharedSession>,
    shared: Arc<Shared>,
    kind: DoneKind,
    tries: u32,
    level: u32,
    capturing: Option<i32>,
    compiling: bool,
    module: Option<(i32, i32)>,
    temporary: Arc<SessionTables>,
    cursors: Arc<parking_lot::Mutex<HashMap<String, Cursor>>>,
}

impl Inherited {
    pub fn over(self, sink: &mut dyn ResultSink) -> Runner<'_> {
        Runner {
            session: self.session,
            shared: self.shared,
            sink,
            kind: self.kind,
            tries: self.tries,
            level: self.level,
            capturing: self.capturing,
            compiling: self.compiling,
            module: self.module,
            command: None,
            temporary: self.temporary,
            cursors: self.cursors,
            surroundings: Surroundings::default(),
            watched: None,
        }
    }
}

/// Deepest nesting of modules, as SQL Server has it.
pub const MAX_NESTING: u32 = 32;

impl Runner<'_> {
    /// Taken before the sink is lent to whoever stands between.
    pub fn inherited(&self) -> Inherited {
        Inherited {
            session: Arc::clone(&self.session),
            shared: Arc::clone(&self.shared),
            kind: self.kind,
            tries: self.tries,
            level: self.level,
            capturing: self.capturing,
            compiling: self.compiling,
            module: self.module,
            temporary: Arc::clone(&self.temporary),
            cursors: Arc::clone(&self.cursors),
        }
    }

    /// Runs a whole scope. Labels in the outermost list are reached from everywhere in it.
    pub fn run(&mut self, scope: &mut Scope) -> Result<Flow, Stop> {
        let unit = Arc::clone(&scope.unit);
        match self.list(&unit.statements, scope, None)? {
            Flow::Goto(_) | Flow::Break | Flow::Continue | Flow::Next => Ok(Flow::Next),
            flow @ Flow::Return(_) => Ok(flow),
        }
    }

    /// Statements in order; with `enter`, from the label of that name.
    fn list(&mut self, list: &[Statement], scope: &mut Scope, enter: Option<String>) -> Result<Flow, Stop> {
        let mut enter = enter;
        let mut i = match &enter {
            Some(label) => match list.iter().position(|s| holds_label(s, label)) {
                Some(i) => i,
                None => return Ok(Flow::Goto(enter.unwrap_or_default())),
            },
            None => 0,
        };
        while i < list.len() {
            let flow = self.statement(&list[i], scope, enter.take())?;
            match flow {
                Flow::Next => i += 1,
                Flow::Goto(label) => match list.iter().position(|s| holds_label(s, &label)) {
                    Some(at) => {
                        i = at;
                        enter = Some(label);
                    }
                    None => return Ok(Flow::Goto(label)),
                },
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    pub(super) fn statement(
        &mut self,
        s: &Statement,
        scope: &mut Scope,
        enter: Option<String>,
    ) -> Result<Flow, Stop> {
        if self.session.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        match self.dispatch(s, scope, enter) {
            Ok(flow) => Ok(flow),
            Err(fail) => self.failed(fail, s, scope),
        }
    }

    fn dispatch(&mut self, s: &Statement, scope: &mut Scope, enter: Option<String>) -> Result<Flow, Fail> {
        let (no_exec, describes) = {
            let state = self.session.state.lock();
            (state.no_exec, state.fmt_only)
        };
        if no_exec && !matches!(s.kind, StatementKind::SetOption(_)) {
            return Ok(Flow::Next);
        }
        if describes {
            return self.describe_only(s, scope);
        }
        match &s.kind {
            StatementKind::Block(list) => Ok(self.list(list, scope, enter)?),
            StatementKind::If { condition, then, otherwise } => {
                if let Some(label) = enter {
                    let inside = if holds_label(then, &label) { Some(then) } else { otherwise.as_ref() };
                    return match inside {
                        Some(s) => Ok(self.statement(s, scope, Some(label))?),
                        None => Ok(Flow::Next),
                    };
                }
                // Chains of ELSE IF are walked, not descended into.
                let (mut condition, mut then, mut otherwise) = (condition, then, otherwise);
                loop {
                    if self.while_defined(|r| r.condition(condition, scope))? {
                        return Ok(self.statement(then, scope, None)?);
                    }
                    match otherwise.as_deref().map(|s| (s, &s.kind)) {
                        Some((_, StatementKind::If { condition: c, then: t, otherwise: o })) => {
                            (condition, then, otherwise) = (c, t, o);
                        }
                        Some((s, _)) => return Ok(self.statement(s, scope, None)?),
                        None => return Ok(Flow::Next),
                    }
                }
            }
            StatementKind::While { condition, body } => self.while_loop(condition, body, scope, enter),
            StatementKind::TryCatch { body, handler } => self.try_catch(body, handler, scope),
            StatementKind::Break => Ok(Flow::Break),
            StatementKind::Continue => Ok(Flow::Continue),
            StatementKind::Goto(label) => Ok(Flow::Goto(label.text.to_lowercase())),
            StatementKind::Label(_) => Ok(Flow::Next),
            StatementKind::Return(value) => self.return_statement(value.as_ref(), scope),
            StatementKind::Update(_) | StatementKind::Merge(_) => {
                // What is begun again sets its variables again, from what they were.
                let before = Arc::clone(&scope.frame);
                self.while_defined(|r| {
                    scope.frame = Arc::clone(&before);
                    r.simple(s, scope)
                })?;
                Ok(Flow::Next)
            }
            _ => {
                self.while_defined(|r| r.simple(s, scope))?;
                Ok(Flow::Next)
            }
        }
    }

    fn while_loop(
        &mut self,
        condition: &ast::Expr,
        body: &Statement,
        scope: &mut Scope,
        enter: Option<String>,
    ) -> Result<Flow, Fail> {
        let mut enter = enter;
        while enter.is_some() || self.while_defined(|r| r.condition(condition, scope))? {
            match self.statement(body, scope, enter.take())? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                // A label inside the body is reached without testing the condition.
                Flow::Goto(label) if holds_label(body, &label) => enter = Some(label),
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn return_statement(&mut self, value: Option<&ast::Expr>, scope: &mut Scope) -> Result<Flow, Fail> {
        let Some(e) = value else { return Ok(Flow::Return(None)) };
        let target = scope.returns.unwrap_or(SqlType::INT);
        let v = self.value_as(e, target, scope)?;
        Ok(Flow::Return(Some(v)))
    }

    fn try_catch(
        &mut self,
        body: &[Statement],
        handler: &[Statement],
        scope: &mut Scope,
    ) -> Result<Flow, Fail> {
        self.tries += 1;
        let r = self.list(body, scope, None);
        self.tries -= 1;
        let error = match r {
            Ok(flow) => return Ok(flow),
            Err(Stop::Caught { error, compile }) if compile != Some(self.level) => error,
            Err(Stop::Caught { error, compile }) if self.tries == 0 => {
                // Nothing further out takes it.
                self.report(&error)?;
                let abort = self.session.has(option::XACT_ABORT) || rolls_back(error.number);
                if abort {
                    self.roll_back_all()?;
                }
                // What is not there ends the text that names it; who called that goes on.
                return Err(if compile.is_some() && !abort { Stop::Module } else { Stop::Batch }.into());
            }
            Err(other) => return Err(other.into()),
        };
        {
            let mut state = self.session.state.lock();
            state.error = error.number;
            state.caught.push(CaughtError {
                number: error.number,
                severity: error.severity,
                state: error.state,
                line: error.line,
                procedure: (!error.procedure.is_empty()).then(|| error.procedure.as_str().into()),
                message: error.message.as_str().into(),
            });
            let options = state.settings.options;
            let abort = options & option::XACT_ABORT != 0
                || rolls_back(error.number)
                || arithmetic_aborts(options, error.number);
            if abort && state.transaction.count > 0 {
                state.transaction.doomed = true;
            }
        }
        let r = self.list(handler, scope, None);
        self.session.state.lock().caught.pop();
        Ok(r?)
    }

    /// What follows an error.
    fn failed(&mut self, fail: Fail, s: &Statement, scope: &mut Scope) -> Result<Flow, Stop> {
        let (mut error, compile, raised, thrown) = match fail {
            Fail::Stop(stop) => return Err(stop),
            Fail::Error(e) => (e, None, false, false),
            Fail::Compile(e) => (e, Some(self.level), false, false),
            Fail::Raised(e) => (e, None, true, false),
            Fail::Thrown(e) => (e, None, false, true),
            Fail::Many(mut list) => {
                let Some(last) = list.pop() else { return Ok(Flow::Next) };
                for mut e in list {
                    self.locate(&mut e, s, scope);
                    if self.tries == 0 || e.severity <= 10 {
                        self.sink.message(&e).map_err(|_| Stop::Disconnect)?;
                    }
                }
                (last, None, false, false)
            }
        };
        if self.session.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        for mut e in std::mem::take(&mut error.before) {
            self.locate(&mut e, s, scope);
            if self.tries == 0 {
                self.sink.message(&e).map_err(|_| Stop::Disconnect)?;
            }
        }
        self.locate(&mut error, s, scope);
        {
            let mut state = self.session.state.lock();
            state.error = error.number;
            state.row_count = 0;
        }
        if error.severity >= 20 {
            self.report(&error)?;
            return Err(Stop::Disconnect);
        }
        if self.tries > 0 && error.severity > 10 {
            return Err(Stop::Caught { error, compile });
        }
        self.sink.message(&error).map_err(|_| Stop::Disconnect)?;
        scope.worst = scope.worst.max(error.severity);
        let abort = (self.session.has(option::XACT_ABORT) && !raised && error.severity > 10)
            || rolls_back(error.number)
            || !raised && arithmetic_aborts(self.session.state.lock().settings.options, error.number);
        let goes_on = !abort && !thrown && !raised && compile.is_none() && !ends_batch(error.number);
        if goes_on && is_change(&s.kind) && error.severity > 10 && !is_refusal(error.number) {
            let (number, note) = match error.message.contains("converting IDENTITY to") {
                true => (3606, "Arithmetic overflow occurred."),
                false => (3621, "The statement has been terminated."),
            };
            let note = SqlError::with_text(number, 0, note).state(0).at_line(error.line);
            self.sink.message(&note).map_err(|_| Stop::Disconnect)?;
        }
        self.ended_badly()?;
        if abort {
            self.roll_back_all()?;
        }
        if !abort && !thrown && (compile.is_some() || is_unbound(error.number)) {
            return Err(Stop::Module);
        }
        if abort || thrown || ends_batch(error.number) {
            return Err(Stop::Batch);
        }
        Ok(Flow::Next)
    }

    fn locate(&self, error: &mut SqlError, s: &Statement, scope: &Scope) {
        if error.line == 0 {
            error.line = s.span.line;
        }
        if error.line == NO_LINE {
            error.line = 0;
        }
        if error.procedure.is_empty() && !scope.procedure.is_empty() {
            error.procedure = scope.procedure.to_string();
        } else if scope.procedure.is_empty() && error.procedure.is_empty() {
            error.line += scope.line_base;
        }
    }

    /// Sends an error and the DONE of its statement.
    pub fn report(&mut self, error: &SqlError) -> Result<(), Stop> {
        self.sink.message(error).map_err(|_| Stop::Disconnect)?;
        self.ended_badly()
    }

    fn ended_badly(&mut self) -> Result<(), Stop> {
        let done = Done { kind: self.kind, rows: None, error: true, command: 0 };
        self.sink.done(done).map_err(|_| Stop::Disconnect)
    }

    /// After a statement that counts rows.
    pub fn counted(&mut self, rows: u64, command: u16, shown: bool) -> Result<(), Fail> {
        {
            let mut state = self.session.state.lock();
            state.row_count = i64::try_from(rows).unwrap_or(i64::MAX);
            state.error = 0;
        }
        let rows = (shown && !self.session.has(option::NOCOUNT)).then_some(rows);
        Ok(self.sink.done(Done { kind: self.kind, rows, error: false, command })?)
    }

    /// After a statement without a count that DONE ends.
    pub fn plain_done(&mut self, command: u16) -> Result<(), Fail> {
        self.cleared();
        Ok(self.sink.done(Done { kind: self.kind, rows: None, error: false, command })?)
    }

    /// After a statement that only resets @@ERROR and @@ROWCOUNT.
    pub fn cleared(&mut self) {
        let mut state = self.session.state.lock();
        state.row_count = 0;
        state.error = 0;
    }

    /// An informational message.
    pub fn info(&mut self, number: i32, severity: u8, state: u8, text: String) -> Result<(), Fail> {
        let message = SqlError::with_text(number, severity, text).state(state);
        Ok(self.sink.message(&message)?)
    }

    pub(super) fn simple(&mut self, s: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        let wanted = self.session.state.lock().statistics.clone();
        if (wanted.show_rows || wanted.show_xml) && self.capturing.is_none() && has_plan(&s.kind) {
            return self.profiled(&wanted, s, scope);
        }
        self.timed(&wanted, s, scope)
    }

    /// Runs a statement and tells what it read and how long it took, as the session wants it.
    pub(super) fn timed(
        &mut self,
        wanted: &super::state::Statistics,
        s: &Statement,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        if !(wanted.io || wanted.time) || !statistics::is_measured(&s.kind) {
            return self.plain(s, scope);
        }
        self.measured(wanted, |runner| runner.plain(s, scope))
    }

    fn plain(&mut self, s: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        match &s.kind {
            StatementKind::Select(q) => self.select(q, s.span, scope),
            StatementKind::Declare(list) => self.declare(list, scope),
            StatementKind::SetVariable(v) => self.set_variable(v, scope),
            StatementKind::SetOption(o) => self.set_option(o, scope),
            StatementKind::Print(e) => self.print(e, s.span, scope),
            StatementKind::RaisError(r) => self.raiserror(r, s.span, scope),
            StatementKind::Throw(t) => self.throw(t.as_deref(), s.span, scope),
            StatementKind::Execute(e) => self.execute(e, s.span, scope),
            StatementKind::Use(name) => self.use_database(&name.text, s.span.line),
            StatementKind::BeginTransaction { distributed: true, .. } => {
                Err(SqlError::not_supported("BEGIN DISTRIBUTED TRANSACTION").into())
            }
            StatementKind::BeginTransaction { name, .. } => self.begin_transaction(name.as_ref(), scope),
            StatementKind::CommitTransaction { .. } => self.commit_transaction(),
            StatementKind::RollbackTransaction { name } => self.rollback_transaction(name.as_ref(), scope),
            StatementKind::SaveTransaction { name } => self.save_transaction(name, scope),
            StatementKind::WaitFor(w) => self.wait_for(w, scope),
            StatementKind::DeclareCursor(c) => self.declare_cursor(c, scope),
            StatementKind::OpenCursor(c) => self.open_cursor(c, scope),
            StatementKind::Fetch(f) => self.fetch(f, scope),
            StatementKind::CloseCursor(c) => self.close_cursor(c, scope),
            StatementKind::DeallocateCursor(c) => self.deallocate_cursor(c, scope),
            StatementKind::ExecuteAs(e) => self.execute_as(e, scope),
            StatementKind::Revert { cookie } => self.revert(cookie.as_ref(), scope),
            StatementKind::Insert(i) => self.insert(i, s.span, scope),
            StatementKind::Update(u) => self.update(u, scope),
            StatementKind::Delete(d) => self.delete(d, scope),
            StatementKind::Merge(m) => self.merge(m, scope),
            StatementKind::BulkInsert { table, file, options } => {
                self.bulk_insert(table, file, options, scope)
            }
            StatementKind::InsertBulk { table, columns, options } => {
                self.insert_bulk(table, columns, options, scope)
            }
            StatementKind::Truncate { table, partitions } => self.truncate(table, partitions, scope),
            StatementKind::Ddl(d) => self.ddl(d, s, scope),
            StatementKind::Permission(p) => self.permit(p, s, scope),
            StatementKind::Dbcc(d) if matches!(d.command.as_str(), "DBREINDEX" | "INDEXDEFRAG") => {
                self.rebuild_by_dbcc(d, scope)
            }
            StatementKind::Backup(b) if matches!(b.what, BackupWhat::Key(_) | BackupWhat::Certificate(_)) => {
                let what = match &b.what {
                    BackupWhat::Key(words) => words.as_str(),
                    _ => "CERTIFICATE",
                };
                Err(SqlError::not_supported(format!("BACKUP {what}")).into())
            }
            StatementKind::Backup(_)
            | StatementKind::Restore(_)
            | StatementKind::Dbcc(_)
            | StatementKind::Kill { .. }
            | StatementKind::Checkpoint(_)
            | StatementKind::Reconfigure { .. }
            | StatementKind::Shutdown { .. } => self.administration(&s.kind, scope),
            // What servers without the full-text component answer.
            StatementKind::Unsupported { name } if name.contains(" FULLTEXT ") => {
                Err(SqlError::new(7609, &[]).into())
            }
            other => Err(SqlError::not_supported(other.name()).into()),
        }
    }

    /// DBCC commands that a statement has replaced.
    fn rebuild_by_dbcc(&mut self, d: &ast::Dbcc, scope: &mut Scope) -> Result<(), Fail> {
        let context = self.context(scope);
        let mut arguments = Vec::with_capacity(d.arguments.len());
        for a in &d.arguments {
            let names = scope_names(&self.session, scope, &self.temporary);
            let evaluator = super::unit::Folding(context.clone());
            let bound = super::unit::with_bind_context(&names.names(), &evaluator, |cx| {
                holdfast_plan::bind_expression(a, None, cx)
            })??;
            arguments.push(crate::expression::evaluate_constant(&bound.expr, &context)?);
        }
        if let Some(text) = super::dbcc_maintenance::translated(d, &arguments) {
            self.run_text(&StatementText::plain(text?), &mut [])?;
        }
        if !d.options.iter().any(|(o, _)| o.eq_ignore_ascii_case("NO_INFOMSGS")) {
            self.sink.message(&SqlError::with_text(2528, 10, super::dbcc::COMPLETED))?;
        }
        self.plain_done(0)
    }

    /// Statements of the server layer.
    pub fn administration(&mut self, kind: &StatementKind, scope: &mut Scope) -> Result<(), Fail> {
        let rows = self.administer(kind, scope)?;
        let found = std::mem::take(&mut self.session.state.lock().found);
        if found != 0 {
            // Clients go by the end of the statement, scripts by @@ERROR.
            let mut state = self.session.state.lock();
            (state.error, state.row_count) = (found, 0);
            drop(state);
            return Ok(self.ended_badly()?);
        }
        match rows {
            Some(rows) => self.counted(rows, 0xC1, true),
            None => self.plain_done(0),
        }
    }

    /// The same without saying that it is done; answers how many rows were sent.
    pub fn administer(&mut self, kind: &StatementKind, scope: &mut Scope) -> Result<Option<u64>, Fail> {
        self.administer_or_ask(kind, false, scope)
    }

    /// Whether the session may do it, without doing it.
    pub fn ask_to_administer(&mut self, kind: &StatementKind, scope: &mut Scope) -> Result<(), Fail> {
        self.administer_or_ask(kind, true, scope).map(|_| ())
    }

    fn administer_or_ask(
        &mut self,
        kind: &StatementKind,
        only_permission: bool,
        scope: &mut Scope,
    ) -> Result<Option<u64>, Fail> {
        let administration = Arc::clone(&self.shared.administration);
        let session = Arc::clone(&self.session);
        let context = self.context(scope);
        let names = scope_names(&session, scope, &self.temporary);
        let mut evaluate = |e: &ast::Expr| -> holdfast_types::SqlResult<Value> {
            let evaluator = super::unit::Folding(context.clone());
            let bound = super::unit::with_bind_context(&names.names(), &evaluator, |cx| {
                holdfast_plan::bind_expression(e, None, cx)
            })??;
            // Nobody is asked for permission here, so nothing is read here.
            if !bound.accesses.list.is_empty() {
                return Err(SqlError::not_supported("Reading tables in an argument of this statement"));
            }
            crate::expression::evaluate_constant(&bound.expr, &context)
        };
        session.need_for(kind, &mut evaluate).map_err(Fail::Many)?;
        if only_permission {
            return Ok(None);
        }
        let mut call = administration::Call { evaluate: &mut evaluate, session: &session, sink: self.sink };
        administration.run(kind, &mut call).map_err(Fail::Many)
    }
}

/// Copies of what names resolve to, so that nothing of the scope stays borrowed.
pub struct ScopeNames {
    session: Arc<SharedSession>,
    unit: Arc<Unit>,
    tables: HashMap<String, MemoryTable>,
    trigger: Option<Arc<TableDef>>,
    schema: Arc<str>,
}

impl ScopeNames {
    pub fn names(&self) -> Names<'_> {
        Names {
            session: &self.session,
            layout: &self.unit.layout,
            tables: &self.tables,
            trigger: self.trigger.as_ref(),
            schema: &self.schema,
        }
    }

    /// With one more table in memory.
    pub fn with_table(mut self, name: &str, table: &MemoryTable) -> Self {
        self.tables.insert(name.to_owned(), table.clone());
        self
    }
}

pub fn scope_names(session: &Arc<SharedSession>, scope: &Scope, temporary: &SessionTables) -> ScopeNames {
    let mut tables = scope.tables.clone();
    tables.extend(temporary.all());
    ScopeNames {
        session: Arc::clone(session),
        unit: Arc::clone(&scope.unit),
        tables,
        trigger: scope.trigger.clone(),
        schema: scope.schema(session),
    }
}

/// True when the label stands in the statement where a GOTO may reach it.
fn holds_label(s: &Statement, label: &str) -> bool {
    match &s.kind {
        StatementKind::Label(l) => l.text.eq_ignore_ascii_case(label) || l.text.to_lowercase() == label,
        StatementKind::Block(list) => list.iter().any(|s| holds_label(s, label)),
        StatementKind::If { then, otherwise, .. } => {
            holds_label(then, label) || otherwise.as_ref().is_some_and(|o| holds_label(o, label))
        }
        StatementKind::While { body, .. } => holds_label(body, label),
        _ => false,
    }
}

/// Line of errors that are of a procedure's call, on no line of it: clients are told 0.
pub(super) const NO_LINE: u32 = u32::MAX;

/// Names that are found by nobody when a statement is bound.
fn is_unbound(number: i32) -> bool {
    matches!(number, 207 | 208 | 4104)
}

/// ARITHABORT ON with ANSI_WARNINGS OFF: an error of arithmetic ends the batch and its transaction. (Documented at SET ARITHABORT.)
fn arithmetic_aborts(options: i32, number: i32) -> bool {
    options & option::ARITHABORT != 0
        && options & option::ANSI_WARNINGS == 0
        && matches!(number, 220 | 8115 | 8134)
}

/// Errors that end the batch whatever the settings: failed conversions of strings, missing objects at run time, lock and
/// deadlock victims, nesting, wrong databases.
fn ends_batch(number: i32) -> bool {
    matches!(
        number,
        191 | 205
            | 206
            | 207
            | 208
            | 217
            | 235
            | 236
            | 241
            | 242
            | 244
            | 245
            | 248
            | 257
            | 293
            | 295
            | 296
            | 529
            | 911
            | 916
            | 927
            | 942
            | 945
            | 1067
            | 1205
            | 1913
            | 3609
            | 3616
            | 3930
            | 3951
            | 3960
            | 4104
            | 8114
            | 9402
            | 9455
            | 10314
    )
}

/// Errors that end the batch and its transaction: failed conversions, deadlock victims, update conflicts of snapshots, nesting too deep, triggers that ended
/// the transaction. In a TRY they leave the transaction uncommittable.
fn rolls_back(number: i32) -> bool {
    matches!(
        number,
        217 | 235
            | 236
            | 241
            | 242
            | 244
            | 245
            | 248
            | 293
            | 295
            | 296
            | 1205
            | 3609
            | 3616
            | 3951
            | 3960
            | 8114
            | 9402
            | 9455
    )
}

/// Refusals come before the statement begins: there is nothing to terminate.
fn is_refusal(number: i32) -> bool {
    matches!(number, 229 | 230 | 262 | 297 | 300 | 544 | 545 | 1088 | 2812 | 4834)
}

fn is_change(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge(_)
            | StatementKind::BulkInsert { .. }
    )
}

/// How a request ended, from how its outermost text did.
pub fn request_end(result: Result<Flow, Stop>) -> RequestEnd {
    match result {
        Ok(_) | Err(Stop::Batch | Stop::Module | Stop::Caught { .. }) => RequestEnd::Finished,
        Err(Stop::Cancelled) => RequestEnd::Cancelled,
        Err(Stop::Disconnect) => RequestEnd::Disconnect,
    }
}
