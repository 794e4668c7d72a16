//! EXECUTE: procedures of databases, system procedures, texts, sp_executesql.
//!
//! Invariants
//! 1. A called text sees none of its caller's variables; SET options it changes are restored at its end, the database too.
//! 2. A call answers, in this order: what its statements answer, return status, DONEPROC.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef, ObjectDef, SynonymDef};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::Span;
use holdfast_tsql::ast::{
    Execute, ExecuteArgument, ExecuteTarget, Expr, ExprKind, FunctionCall, Ident, ObjectName, Parameter,
};
use holdfast_types::{CollationId, NameOrder, SqlError, SqlResult, SqlType, Value};

use super::administration;
use super::cursor::{self, Cursor};
use super::function_call::parse_function;
use super::load::load_text;
use super::memory_table::MemoryTable;
use super::names::{Global, is_global};
use super::query::convert;
use super::raise::integer;
use super::run::{Fail, Flow, MAX_NESTING, NO_LINE, Runner, Scope, Stop};
use super::unit::Unit;
use crate::host::HostDatabase;
use crate::session::{Done, DoneKind, StatementText};

/// CurCmd of EXECUTE.
pub const EXECUTE: u16 = 0xE0;

/// An argument with its value.
#[derive(Clone)]
pub struct Argument {
    /// With the @; `None` = by position.
    pub name: Option<String>,
    /// `None` = DEFAULT.
    pub value: Option<Value>,
    pub ty: SqlType,
    pub output: bool,
    /// Rows of a table-valued parameter.
    pub table: Option<MemoryTable>,
    /// Where the output goes: the caller's variable.
    pub target: Option<String>,
    /// It is a variable for a cursor.
    pub cursor: bool,
}

/// What came back from a call.
pub struct Returned {
    pub status: i32,
    /// Index of the argument, type and value, for those passed as OUTPUT.
    pub outputs: Vec<(usize, SqlType, Value)>,
    /// Index of the argument and the cursor that its parameter refers to.
    pub cursors: Vec<(usize, Cursor)>,
}

impl Returned {
    /// What a call without outputs gives back.
    pub fn status(status: i32) -> Self {
        Returned { status, outputs: Vec::new(), cursors: Vec::new() }
    }
}

/// Errors of a call itself are those of the procedure, on no line of it.
fn in_procedure(error: SqlError, name: &str) -> SqlError {
    SqlError { procedure: name.to_owned(), line: NO_LINE, ..error }
}

/// 201.
fn not_supplied(procedure: &str, parameter: &str) -> SqlError {
    let text = format!(
        "Procedure or function '{procedure}' expects parameter '{parameter}', which was not supplied."
    );
    in_procedure(SqlError::with_text(201, 16, text).state(4), procedure)
}

/// 8145, 8144.
fn misplaced(argument: Option<&str>, procedure: &str) -> SqlError {
    let error = match argument {
        Some(n) => {
            SqlError::with_text(8145, 16, format!("{n} is not a parameter for procedure {procedure}."))
        }
        None => {
            let text = format!("Procedure or function {procedure} has too many arguments specified.");
            SqlError::with_text(8144, 16, text).state(2)
        }
    };
    in_procedure(error, procedure)
}

/// Status of a procedure that ends without RETURN: 0, or 10 less the severity of the worst error in it.
fn status_after(worst: u8) -> i32 {
    if worst > 10 { 10 - i32::from(worst) } else { 0 }
}

impl Runner<'_> {
    pub(super) fn execute_as_it_is(
        &mut self,
        e: &Execute,
        span: Span,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        self.command = Some((Arc::clone(&scope.unit), span));
        let returned = match &e.target {
            ExecuteTarget::Text { parts, arguments, at, as_user } => {
                if at.is_some() {
                    return Err(SqlError::not_supported("EXECUTE … AT a linked server").into());
                }
                if !arguments.is_empty() {
                    return Err(SqlError::not_supported("EXECUTE of a text with arguments").into());
                }
                let mut text = String::new();
                for p in parts {
                    let ty = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
                    if let Value::String(s) = self.value_as(p, ty, scope)? {
                        text.push_str(&s.to_text());
                    }
                }
                let before = self.session.security.enter();
                let result = match self.become_named(as_user.as_ref(), scope) {
                    Ok(()) => self.run_text(&StatementText::plain(text), &mut []),
                    Err(e) => Err(e),
                };
                self.session.security.leave(before);
                result?;
                return Ok(());
            }
            // None can be made here; one of a restored database is not the first of its name.
            ExecuteTarget::Procedure { number: Some(n), name, .. }
                if *n != 1 && super::system::numbered(name, *n).is_none() =>
            {
                return Err(SqlError::not_supported("Numbered procedures").into());
            }
            ExecuteTarget::Procedure { name, arguments: given, .. }
                if self.execute_function(e, name, given, span, scope)?.is_some() =>
            {
                return Ok(());
            }
            ExecuteTarget::Procedure { name, number, arguments, .. } => {
                let numbered = number.filter(|n| *n != 1).and_then(|n| super::system::numbered(name, n));
                let name = numbered.as_ref().unwrap_or(name);
                let mut arguments = self.arguments(arguments, scope)?;
                let returned = match self.cursor_procedure(name, &arguments, scope)? {
                    Some(returned) => returned,
                    None => self.call(name, &mut arguments, span)?,
                };
                (returned, arguments)
            }
            ExecuteTarget::Variable { name, arguments } => {
                let slot = scope.unit.layout.variables.get(&name.to_lowercase());
                let text = match slot.and_then(|s| scope.frame.get(s.slot.0 as usize)) {
                    Some(Value::String(s)) => s.to_text(),
                    _ => String::new(),
                };
                let procedure = holdfast_tsql::parse_object_name(&text).map_err(|_| {
                    SqlError::with_text(2812, 16, format!("Could not find stored procedure '{text}'."))
                })?;
                let mut arguments = self.arguments(arguments, scope)?;
                self.call(&procedure, &mut arguments, span).map(|r| (r, arguments))?
            }
        };
        let (returned, arguments) = returned;
        self.take_outputs(e, &returned, &arguments, scope)?;
        self.sink.return_status(returned.status)?;
        // The end of a procedure within a batch.
        self.sink.done(Done { kind: DoneKind::Proc, rows: None, error: false, command: EXECUTE })?;
        Ok(())
    }

    fn arguments(&mut self, list: &[ExecuteArgument], scope: &Scope) -> Result<Vec<Argument>, Fail> {
        let mut out = Vec::with_capacity(list.len());
        let mut named = false;
        for (i, a) in list.iter().enumerate() {
            named |= a.name.is_some();
            if named && a.name.is_none() {
                let text = format!(
                    "Must pass parameter number {} and subsequent parameters as '@name = value'. After the form '@name = value' \
                     has been used, all subsequent parameters must be passed in the form '@name = value'.",
                    i + 1
                );
                return Err(SqlError::with_text(119, 15, text).into());
            }
            let mut argument = Argument {
                name: a.name.clone(),
                value: None,
                ty: SqlType::NULL,
                output: a.output,
                table: None,
                target: None,
                cursor: false,
            };
            match &a.value.kind {
                ExprKind::Default => {}
                ExprKind::Variable(v) if scope.unit.layout.cursors.contains(&v.to_lowercase()) => {
                    if scope.cursors.contains_key(&v.to_lowercase()) {
                        return Err(cursor::already_allocated(v).into());
                    }
                    if !a.output {
                        return Err(cursor::not_valid(v).into());
                    }
                    argument.cursor = true;
                }
                ExprKind::Variable(v) if scope.tables.contains_key(&v.to_lowercase()) => {
                    argument.table = scope.tables.get(&v.to_lowercase()).cloned();
                }
                _ => {
                    let (value, ty) = self.value(&a.value, scope)?;
                    argument.value = Some(value);
                    argument.ty = ty;
                }
            }
            if let ExprKind::Variable(v) = &a.value.kind {
                argument.target = a.output.then(|| v.clone());
            } else if a.output {
                let text = "Cannot use the OUTPUT option when passing a constant to a stored procedure.";
                return Err(SqlError::with_text(179, 15, text).into());
            }
            out.push(argument);
        }
        Ok(out)
    }

    fn take_outputs(
        &mut self,
        e: &Execute,
        returned: &Returned,
        arguments: &[Argument],
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let context = self.context(scope);
        for (i, ty, value) in &returned.outputs {
            let Some(target) = arguments.get(*i).and_then(|a| a.target.as_ref()) else { continue };
            let Some(v) = scope.unit.layout.variables.get(&target.to_lowercase()).cloned() else { continue };
            scope.assign(v.slot, convert(value, *ty, v.ty, &context)?)?;
        }
        for (i, cursor) in &returned.cursors {
            if let Some(target) = arguments.get(*i).and_then(|a| a.target.as_ref()) {
                scope.cursors.insert(target.to_lowercase(), cursor.clone());
            }
        }
        if let Some(name) = &e.return_variable
            && let Some(v) = scope.unit.layout.variables.get(&name.to_lowercase()).cloned()
        {
            scope.assign(v.slot, convert(&Value::Int(returned.status), SqlType::INT, v.ty, &context)?)?;
        }
        Ok(())
    }

    /// The server that a name names, when it is not this one.
    fn other_server<'n>(&self, name: &'n ObjectName) -> Option<&'n Ident> {
        name.server.as_ref().filter(|s| !self.session.is_own_server(&s.text))
    }

    /// Calls a procedure by name.
    pub fn call(
        &mut self,
        name: &ObjectName,
        arguments: &mut [Argument],
        span: Span,
    ) -> Result<Returned, Fail> {
        self.call_through(name, None, arguments, span)
    }

    /// What a synonym stands for, and the synonym's id for what is reached through it (`plan::bind::synonym`).
    ///
    /// # Errors
    /// 5313 when its target is no name.
    fn past_synonym(
        &self,
        synonym: &SynonymDef,
        database: &HostDatabase,
        name: &ObjectName,
    ) -> SqlResult<ObjectName> {
        let invalid = || SqlError::new(5313, &[&name]).at_line(name.span.line);
        let mut target = holdfast_tsql::parse_object_name(&synonym.target).map_err(|_| invalid())?;
        target.span = name.span;
        if target.database.is_none() && database.id != self.session.current_database().id {
            target.database = Some(Ident::new(&*database.name));
        }
        Ok(target)
    }

    /// [`Self::call`], through a synonym.
    fn call_through(
        &mut self,
        name: &ObjectName,
        through: Option<(i32, i32)>,
        arguments: &mut [Argument],
        span: Span,
    ) -> Result<Returned, Fail> {
        if let Some(server) = self.other_server(name) {
            if self.session.host.settings.read().linked_server(&server.text).is_some() {
                return Err(SqlError::not_supported("EXECUTE on a linked server").into());
            }
            return Err(SqlError::new(7202, &[&server.text]).state(2).into());
        }
        let database = match &name.database {
            Some(d) => {
                let database = self.session.host.database(&d.text)?;
                self.session.need_access(&database)?;
                database
            }
            None => self.session.current_database(),
        };
        let bare = name.name.text.to_lowercase();
        let schema = name.schema.as_ref().map_or("", |s| s.text.as_str());
        let system = schema.is_empty() || ["sys", "dbo"].iter().any(|s| database.names().same(schema, s));
        if system && bare == "sp_executesql" {
            // `otherdb.sys.sp_executesql`: the text runs there.
            return match name.database {
                Some(_) => self.within(database, |runner| runner.execute_sql(arguments)),
                None => self.execute_sql(arguments),
            };
        }
        if system && super::prepared::is_prepared_call(&bare) {
            return self.prepared_call(&bare, arguments);
        }
        // Under FMTONLY those that do something are not called: what is found by no name comes to an end behind this.
        let acts = system && !self.only_describes();
        if acts && bare == "sp_setapprole" {
            return self.set_application_role(arguments);
        }
        if acts && bare == "sp_unsetapprole" {
            return self.unset_application_role(arguments);
        }
        if acts && bare == "sp_set_session_context" {
            return self.set_session_context(arguments);
        }
        if acts && bare == "sp_xml_preparedocument" {
            return self.prepare_xml(arguments);
        }
        if acts && bare == "sp_xml_removedocument" {
            return self.remove_xml(arguments);
        }
        if system && bare == "sp_describe_first_result_set" {
            return self.describe_first_result_set(arguments);
        }
        if system && bare == "sp_describe_parameter_encryption" {
            return self.describe_parameter_encryption(arguments);
        }
        if system && bare == "sp_describe_undeclared_parameters" {
            return self.describe_undeclared_parameters(arguments);
        }
        if acts && bare == "sp_sequence_get_range" {
            return self.sequence_range(arguments);
        }
        if acts && let Some(procedure) = crate::ddl::procedure::find(&bare) {
            self.run_definition(procedure, arguments, &database, span)?;
            return Ok(Returned::status(0));
        }
        if acts && let Some(procedure) = super::server_procedure::find(&bare) {
            return self.server_procedure(procedure, arguments);
        }
        if system && let Some(text) = super::system::procedure_text(&bare) {
            let loaded = self.load_system(&bare, text, &database)?;
            return self.run_procedure(&loaded, &bare, None, database, arguments);
        }
        if acts && super::system::changes(&bare) {
            return Err(SqlError::not_supported(&bare).into());
        }
        if bare.starts_with('#')
            && let Some(module) = self.session.temporary_procedure(&name.name.text)
        {
            let current = self.session.current_database();
            let loaded = self.load(&module, &current)?;
            return self.run_in(&loaded, &name.name.text, Some(&module), (current, None), arguments);
        }
        let mut database = database;
        if name.database.is_none() && !is_global(schema, &bare) {
            database = self.session.names_database();
        }
        let (database, found) = self.find_object(database, name)?;
        if found.is_none()
            && let Some(global) = Global::find(&self.session, schema, &name.name.text, &database)?
        {
            return self.call_global(&global, database, arguments);
        }
        if found.is_none() && &*database.name == "msdb" && super::system::of_agent(&bare) {
            return Err(SqlError::not_supported(&bare).into());
        }
        match found {
            Some(ObjectDef::Procedure(module)) => {
                let what = (module.object_id, &module.schema_name, &module.name);
                self.need_execute(&database, what, through.or(self.module))?;
                let loaded = self.load(&module, &database)?;
                let name = Arc::clone(&module.name);
                self.run_procedure(&loaded, &name, Some(&module), database, arguments)
            }
            Some(ObjectDef::Synonym(_)) if through.is_some() => Err(SqlError::new(5313, &[&name]).into()),
            Some(ObjectDef::Synonym(synonym)) => {
                let what = (synonym.object_id, &synonym.schema_name, &synonym.name);
                self.need_execute(&database, what, self.module)?;
                let target = self.past_synonym(&synonym, &database, name)?;
                self.call_through(&target, Some((synonym.database_id, synonym.object_id)), arguments, span)
            }
            Some(_) => {
                let text = format!(
                    "The request for procedure '{}' failed because '{}' is not a procedure object.",
                    name.name.text, name.name.text
                );
                Err(SqlError::with_text(2809, 16, text).into())
            }
            None => self.call_administration(&bare, name, arguments, span),
        }
    }

    /// `EXEC @x = f …` of a scalar function: its value goes into the variable. `None`: the name finds no such function.
    fn execute_function(
        &mut self,
        e: &Execute,
        name: &ObjectName,
        given: &[ExecuteArgument],
        span: Span,
        scope: &mut Scope,
    ) -> Result<Option<()>, Fail> {
        if self.other_server(name).is_some() {
            return Ok(None);
        }
        let database = match &name.database {
            Some(d) => self.session.host.database(&d.text)?,
            None => self.session.current_database(),
        };
        let (mut database, mut found) = self.find_object(database, name)?;
        let mut called = None;
        if let Some(ObjectDef::Synonym(synonym)) = &found {
            let target = self.past_synonym(synonym, &database, name)?;
            called = Some((
                Arc::clone(&database.name),
                Arc::clone(&synonym.schema_name),
                Arc::clone(&synonym.name),
            ));
            match self.look_up(&target)? {
                Some(behind) => (database, found) = behind,
                None => return Ok(None),
            }
        }
        let Some(ObjectDef::ScalarFunction(module)) = found else { return Ok(None) };
        let called = called.unwrap_or_else(|| {
            (Arc::clone(&database.name), Arc::clone(&module.schema_name), Arc::clone(&module.name))
        });
        let parameters = parse_function(&module)?.parameters;
        let mut arguments = vec![Expr { kind: ExprKind::Default, span }; parameters.len()];
        for (i, a) in given.iter().enumerate() {
            let at = match &a.name {
                Some(n) => parameters.iter().position(|p| database.names().same(&p.name, n)),
                None => (i < parameters.len()).then_some(i),
            };
            match at {
                Some(at) => arguments[at] = a.value.clone(),
                None => return Err(misplaced(a.name.as_deref(), &module.name).into()),
            }
        }
        for (argument, p) in arguments.iter().zip(&parameters) {
            if argument.kind == ExprKind::Default && p.default.is_none() {
                return Err(not_supplied(&module.name, &p.name).into());
            }
        }
        let part = |text: &str| Ident { text: text.to_owned(), ..name.name.clone() };
        let name = ObjectName {
            server: None,
            database: Some(part(&called.0)),
            schema: Some(part(&called.1)),
            name: part(&called.2),
            span: name.span,
        };
        let call = FunctionCall::plain(name, arguments);
        let (value, ty) = self.value(&Expr { kind: ExprKind::Function(Box::new(call)), span }, scope)?;
        if let Some(target) = &e.return_variable
            && let Some(v) = scope.unit.layout.variables.get(&target.to_lowercase()).cloned()
        {
            let context = self.context(scope);
            scope.assign(v.slot, convert(&value, ty, v.ty, &context)?)?;
        }
        self.sink.return_status(0)?;
        self.sink.done(Done { kind: DoneKind::Proc, rows: None, error: false, command: EXECUTE })?;
        Ok(Some(()))
    }

    /// The object that a procedure's name finds, and the database with the catalog that it is of.
    pub(super) fn find_object(
        &self,
        database: Arc<HostDatabase>,
        name: &ObjectName,
    ) -> SqlResult<(Arc<HostDatabase>, Option<ObjectDef>)> {
        let own = self.session.default_schema();
        self.session.settled(|watch| {
            // It may be a new one after a wait.
            let now = self.session.host.database_by_id(database.id);
            let now = now.unwrap_or_else(|| Arc::clone(&database));
            let catalog = watch.over(Arc::clone(&now) as Arc<dyn Catalog>, &self.session);
            let text = &name.name.text;
            let found = match &name.schema {
                Some(s) => catalog.object(&s.text, text),
                None => catalog
                    .object(&own, text)
                    .or_else(|| catalog.object("dbo", text))
                    .or_else(|| catalog.object("", text)),
            };
            (now, found)
        })
    }

    /// What a name means where it is called, and its database; `None` for one of another server.
    pub(super) fn look_up(
        &mut self,
        name: &ObjectName,
    ) -> Result<Option<(Arc<HostDatabase>, Option<ObjectDef>)>, Fail> {
        if self.other_server(name).is_some() {
            return Ok(None);
        }
        let database = match &name.database {
            Some(d) => self.session.host.database(&d.text)?,
            None => self.session.current_database(),
        };
        self.session.need_access(&database)?;
        let (database, found) = self.find_object(database, name)?;
        if let Some(ObjectDef::Synonym(synonym)) = &found {
            let target = self.past_synonym(synonym, &database, name)?;
            let behind = match &target.database {
                Some(d) => self.session.host.database(&d.text)?,
                None => self.session.current_database(),
            };
            self.session.need_access(&behind)?;
            return Ok(Some(self.find_object(behind, &target)?));
        }
        Ok(Some((database, found)))
    }

    /// Names and types of a procedure's parameters, those that are no tables; `None` when there is no such procedure to be looked into.
    pub(super) fn procedure_parameters(
        &mut self,
        name: &ObjectName,
    ) -> Result<Option<Vec<(String, SqlType)>>, Fail> {
        let Some((database, found)) = self.look_up(name)? else { return Ok(None) };
        let unit = match found {
            Some(ObjectDef::Procedure(module)) => self.load(&module, &database)?,
            _ => {
                let bare = name.name.text.to_lowercase();
                let Some(text) = super::system::procedure_text(&bare) else { return Ok(None) };
                self.load_system(&bare, text, &database)?
            }
        };
        let typed = unit.parameters.iter().filter(|p| !p.readonly).filter_map(|p| {
            let v = unit.layout.variables.get(&p.name.to_lowercase())?;
            Some((p.name.clone(), v.ty))
        });
        Ok(Some(typed.collect()))
    }

    /// Does something with another database as the current one.
    pub fn within<T>(
        &mut self,
        database: Arc<HostDatabase>,
        f: impl FnOnce(&mut Self) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        let (before, names) = {
            let mut state = self.session.state.lock();
            (std::mem::replace(&mut state.database, database), std::mem::take(&mut state.names))
        };
        let result = f(self);
        let host = &self.session.host;
        // Opened anew, perhaps: what was defined in between is known.
        let again = |d: Arc<HostDatabase>| host.database_by_id(d.id).unwrap_or(d);
        let (before, names) = (again(before), names.map(again));
        let mut state = self.session.state.lock();
        state.database = before;
        state.names = names;
        result
    }

    /// A procedure of master, in the database it is called from.
    fn call_global(
        &mut self,
        global: &Global,
        database: Arc<HostDatabase>,
        arguments: &mut [Argument],
    ) -> Result<Returned, Fail> {
        let module = &global.module;
        self.session.need_access(&global.master)?;
        let what = (module.object_id, &module.schema_name, &module.name);
        self.need_execute(&global.master, what, self.module)?;
        let options = ParseOptions { quoted_identifier: module.quoted_identifier };
        let types = global.names.as_ref().unwrap_or(&database);
        let of = if global.names.is_some() { "\u{1}module of master" } else { "\u{1}module" };
        let unit = load_text(
            &module.text,
            &options,
            (types, &database, of),
            &module.schema_name,
            &self.shared.units,
        )?;
        let name = Arc::clone(&module.name);
        self.run_in(&unit, &name, Some(module), (database, global.names.clone()), arguments)
    }

    /// System procedures of the server layer; 2812 otherwise.
    fn call_administration(
        &mut self,
        bare: &str,
        name: &ObjectName,
        arguments: &[Argument],
        span: Span,
    ) -> Result<Returned, Fail> {
        if self.only_describes() {
            return Ok(Returned::status(0));
        }
        let values: Vec<(Option<String>, Value)> =
            arguments.iter().map(|a| (a.name.clone(), a.value.clone().unwrap_or_default())).collect();
        let administration = Arc::clone(&self.shared.administration);
        let session = Arc::clone(&self.session);
        let mut evaluate =
            |_: &holdfast_tsql::ast::Expr| -> holdfast_types::SqlResult<Value> { Ok(Value::Null) };
        let mut call = administration::Call { evaluate: &mut evaluate, session: &session, sink: self.sink };
        match administration.procedure(bare, &values, &mut call) {
            Some(Ok(status)) => Ok(Returned::status(status)),
            // Those two tell of an error by their code, too.
            Some(Err(errors)) if matches!(bare, "sp_getapplock" | "sp_releaseapplock") && self.tries == 0 => {
                for e in errors {
                    self.report(&e.at_line(span.line))?;
                }
                Ok(Returned::status(super::application_lock::WRONG))
            }
            Some(Err(errors)) => Err(Fail::Many(errors)),
            None => {
                let text = format!("Could not find stored procedure '{name}'.");
                Err(SqlError::with_text(2812, 16, text).state(62).at_line(span.line).into())
            }
        }
    }

    pub(super) fn load(
        &mut self,
        module: &Arc<ModuleDef>,
        database: &Arc<HostDatabase>,
    ) -> Result<Arc<Unit>, Fail> {
        let options = ParseOptions { quoted_identifier: module.quoted_identifier };
        let place = (database, database, "\u{1}module");
        load_text(&module.text, &options, place, &module.schema_name, &self.shared.units)
    }

    fn load_system(&mut self, _: &str, text: &str, database: &Arc<HostDatabase>) -> Result<Arc<Unit>, Fail> {
        let options = ParseOptions { quoted_identifier: true };
        let place = (database, database, "\u{1}module");
        load_text(&text.into(), &options, place, &"dbo".into(), &self.shared.units)
    }

    fn run_procedure(
        &mut self,
        unit: &Arc<Unit>,
        name: &str,
        module: Option<&ModuleDef>,
        database: Arc<HostDatabase>,
        arguments: &mut [Argument],
    ) -> Result<Returned, Fail> {
        self.run_in(unit, name, module, (database, None), arguments)
    }

    /// `place`: the current database, and where names are looked for if not there.
    fn run_in(
        &mut self,
        unit: &Arc<Unit>,
        name: &str,
        module: Option<&ModuleDef>,
        place: (Arc<HostDatabase>, Option<Arc<HostDatabase>>),
        arguments: &mut [Argument],
    ) -> Result<Returned, Fail> {
        let (database, names) = place;
        let object_id = module.map_or(0, |m| m.object_id);
        // Parameters are named as the module's database has it; those of the server's own procedures as the instance has it.
        let named = module.filter(|_| arguments.iter().any(|a| a.name.is_some()));
        let order = named
            .and_then(|m| self.session.host.database_by_id(m.database_id))
            .map_or_else(NameOrder::instance, |d| d.names());
        let mut scope = Scope::new(Arc::clone(unit), &self.session.host.temporary_rows);
        scope.procedure = name.into();
        scope.names = names;
        scope.module = module.map(|m| (m.database_id, m.object_id));
        scope.schema = module.map(|m| Arc::clone(&m.schema_name));
        scope.created_under = module.map(|m| (m.ansi_nulls, m.quoted_identifier));
        let mut passed: Vec<Option<usize>> = vec![None; unit.parameters.len()];
        for (i, a) in arguments.iter().enumerate() {
            let at = match &a.name {
                Some(n) => unit.parameters.iter().position(|p| order.same(&p.name, n)),
                None => (i < unit.parameters.len()).then_some(i),
            };
            let Some(at) = at else {
                return Err(misplaced(a.name.as_deref(), name).into());
            };
            if passed[at].replace(i).is_some() {
                let text =
                    format!("The parameter '{}' was supplied multiple times.", unit.parameters[at].name);
                return Err(SqlError::with_text(8143, 16, text).into());
            }
        }
        for ((p, from), slot) in unit.parameters.iter().zip(&passed).zip(&unit.slots) {
            let argument = from.map(|i| &arguments[i]);
            if p.readonly {
                if let Some(a) = argument {
                    self.pass_table(p, a, &mut scope)?;
                }
                continue;
            }
            if !unit.layout.cursors.is_empty() && unit.layout.cursors.contains(&p.name.to_lowercase()) {
                match argument {
                    Some(a) if a.cursor => {}
                    Some(a) if a.value.is_some() || a.table.is_some() => {
                        return Err(SqlError::new(206, &[&a.ty.id.name(), &"cursor"]).state(2).into());
                    }
                    Some(_) => {}
                    None => return Err(not_supplied(name, &p.name).into()),
                }
                continue;
            }
            if argument.is_some_and(|a| a.cursor) {
                return Err(
                    cursor::not_valid(argument.and_then(|a| a.target.as_deref()).unwrap_or("")).into()
                );
            }
            let Some(v) = slot else { continue };
            let value = match argument.and_then(|a| a.value.as_ref().map(|v| (v, a.ty))) {
                Some((value, ty)) => self.passed_value(value, ty, v.ty, &scope).map_err(|e| {
                    if matches!(e.number, 220 | 235 | 241..=245 | 248 | 8114 | 8115 | 8169) {
                        let to = v.ty.id.name();
                        let text = format!("Error converting data type {} to {to}.", ty.id.name());
                        return in_procedure(SqlError::with_text(8114, 16, text).state(5), name);
                    }
                    e
                })?,
                None => match &p.default {
                    Some(d) => self.value_as(d, v.ty, &scope)?,
                    None => return Err(not_supplied(name, &p.name).into()),
                },
            };
            scope.assign(v.slot, value)?;
            if argument.is_some_and(|a| a.output) && !p.output {
                let text = format!(
                    "The formal parameter \"{}\" was not declared as an OUTPUT parameter, but the actual parameter passed in \
                     requested output.",
                    p.name
                );
                return Err(SqlError::with_text(8162, 16, text).state(2).into());
            }
        }
        let flow = match self.nested_run(&mut scope, object_id, Some(database)) {
            Err(Fail::Stop(Stop::Module)) => return Ok(Returned::status(status_after(scope.worst))),
            flow => flow?,
        };
        let status = match flow {
            Flow::Return(Some(v)) => integer(&v).and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
            _ => status_after(scope.worst),
        };
        let mut outputs = Vec::new();
        for (slot, from) in unit.slots.iter().zip(&passed) {
            if let (Some(i), Some(v)) = (from, slot)
                && arguments[*i].output
            {
                outputs.push((*i, v.ty, scope.frame[v.slot.0 as usize].clone()));
            }
        }
        outputs.sort_by_key(|o| o.0);
        let cursors = returned_cursors(&unit.parameters, &passed, arguments, &scope);
        Ok(Returned { status, outputs, cursors })
    }

    /// Runs a scope one level deeper and puts settings back afterwards (invariant 1).
    pub fn nested_run(
        &mut self,
        scope: &mut Scope,
        object_id: i32,
        database: Option<Arc<HostDatabase>>,
    ) -> Result<Flow, Fail> {
        if self.level >= MAX_NESTING {
            let text =
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).";
            return Err(SqlError::with_text(217, 16, text).into());
        }
        let saved_identity;
        // Settings that stand beside the others.
        let saved_beside;
        let (saved_settings, saved_database, saved_names, before, saved_limit) = {
            let mut state = self.session.state.lock();
            let names = std::mem::replace(&mut state.names, scope.names.clone());
            let saved = (
                state.settings.clone(),
                Arc::clone(&state.database),
                names,
                state.transaction.count,
                state.row_limit,
            );
            saved_beside = (
                (state.isolation, state.identity_insert.clone(), state.deadlock_priority),
                (state.fmt_only, state.no_exec),
            );
            state.nest_level += 1;
            state.procedures.push(object_id);
            saved_identity = std::mem::take(&mut state.scope_identity);
            if let Some(d) = database {
                state.database = d;
            }
            if let Some((ansi_nulls, quoted_identifier)) = scope.created_under {
                state.set_option(super::state::option::ANSI_NULLS, ansi_nulls);
                state.set_option(super::state::option::QUOTED_IDENTIFIER, quoted_identifier);
            }
            saved
        };
        let kind = std::mem::replace(&mut self.kind, DoneKind::InProc);
        let module = std::mem::replace(&mut self.module, scope.module);
        let context = self.session.security.enter();
        let r = match self.become_module(scope) {
            Ok(()) => {
                self.level += 1;
                let r = self.run(scope);
                self.level -= 1;
                r.map_err(Fail::Stop)
            }
            Err(e) => Err(e.into()),
        };
        self.session.security.leave(context);
        self.module = module;
        self.kind = kind;
        let (after, is_trigger) = {
            let mut state = self.session.state.lock();
            state.nest_level -= 1;
            state.procedures.pop();
            state.scope_identity = saved_identity;
            state.settings = saved_settings;
            // SET ROWCOUNT ends with the procedure, too.
            state.row_limit = saved_limit;
            (
                (state.isolation, state.identity_insert, state.deadlock_priority),
                (state.fmt_only, state.no_exec),
            ) = saved_beside;
            // What was defined in between stays known.
            let host = &self.session.host;
            state.database = host.database_by_id(saved_database.id).unwrap_or(saved_database);
            state.names = saved_names.map(|n| host.database_by_id(n.id).unwrap_or(n));
            (state.transaction.count, state.triggers.last().is_some_and(|t| t.object_id == object_id))
        };
        let made = std::mem::take(&mut scope.temporaries);
        if !made.is_empty() {
            for (name, hidden) in made.into_iter().rev() {
                self.temporary.remove(&name);
                if let Some(hidden) = hidden {
                    self.temporary.insert(name, hidden);
                }
            }
            self.look_again();
        }
        // Where transactions begin by themselves, nobody expects to be told.
        let implicit = before == 0 && self.session.has(super::state::option::IMPLICIT_TRANSACTIONS);
        if after == before || is_trigger || implicit {
            return r;
        }
        let text = format!(
            "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count = \
             {before}, current count = {after}."
        );
        let error = in_procedure(SqlError::with_text(266, 16, text).state(2), &scope.procedure);
        match r {
            Ok(_) => Err(error.into()),
            // Behind the error that ended the module.
            Err(Fail::Stop(Stop::Module)) => {
                self.report(&SqlError { line: 0, ..error })?;
                Err(Fail::Stop(Stop::Module))
            }
            other => other,
        }
    }

    /// sp_set_session_context @key, @value, @read_only
    fn set_session_context(&mut self, arguments: &[Argument]) -> Result<Returned, Fail> {
        let find = |name: &str, at: usize| -> Option<&Argument> {
            let named = |a: &&Argument| a.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name));
            arguments.iter().find(named).or_else(|| arguments.get(at).filter(|a| a.name.is_none()))
        };
        let given = |a: Option<&Argument>| a.and_then(|a| a.value.clone()).unwrap_or(Value::Null);
        let Value::String(key) = given(find("@key", 0)) else {
            let text = "Procedure or function 'sp_set_session_context' expects parameter '@key', which was not supplied.";
            return Err(SqlError::with_text(201, 16, text).into());
        };
        let value = match (given(find("@value", 1)), find("@value", 1)) {
            (value @ (Value::Null | Value::Variant(_)), _) | (value, None) => value,
            (value, Some(a)) => Value::Variant(Arc::new(holdfast_types::Variant { ty: a.ty, value })),
        };
        let read_only = integer(&given(find("@read_only", 2))).is_some_and(|n| n != 0);
        let name = key.to_text().to_lowercase();
        let mut state = self.session.state.lock();
        if state.session_context.get(&name).is_some_and(|(_, fixed)| *fixed) {
            let text = format!(
                "Cannot set key '{}' in the session context. The key has been set as read_only for this session.",
                key.to_text()
            );
            return Err(SqlError::with_text(15_664, 16, text).into());
        }
        state.session_context.insert(name, (value, read_only));
        Ok(Returned::status(0))
    }

    // ---- texts ----

    /// sp_executesql @statement, @parameter_definition, arguments…
    pub fn execute_sql(&mut self, arguments: &mut [Argument]) -> Result<Returned, Fail> {
        let text = |a: Option<&Argument>| match a.and_then(|a| a.value.as_ref()) {
            Some(Value::String(s)) => Some(s.to_text()),
            _ => None,
        };
        let named = |n: &[&str], at: usize, list: &[Argument]| -> Option<usize> {
            list.iter()
                .position(|a| a.name.as_ref().is_some_and(|x| n.iter().any(|n| x.eq_ignore_ascii_case(n))))
                .or_else(|| (list.len() > at && list[at].name.is_none()).then_some(at))
        };
        let statement = named(&["@stmt", "@statement"], 0, arguments);
        let unicode = |a: &Argument| a.ty.id.is_unicode() || a.value.as_ref().is_none_or(Value::is_null);
        let wrong = |parameter: &str| {
            let e = SqlError::new(214, &[&parameter, &"ntext/nchar/nvarchar"]).at_line(1);
            SqlError { procedure: "sp_executesql".into(), ..e }
        };
        if !statement.is_none_or(|i| unicode(&arguments[i])) {
            return Err(wrong("@statement").state(2).into());
        }
        let Some(sql) = text(statement.map(|i| &arguments[i])) else {
            return Ok(Returned::status(0));
        };
        let definition = named(&["@params", "@parameters"], 1, arguments).filter(|i| Some(*i) != statement);
        if !definition.is_none_or(|i| unicode(&arguments[i])) {
            return Err(wrong("@params").state(3).into());
        }
        let parameters = text(definition.map(|i| &arguments[i])).unwrap_or_default();
        let first = definition.map_or(1, |i| i + 1).max(statement.map_or(1, |i| i + 1));
        let skipped = first.min(arguments.len());
        let statement = StatementText { text: sql.into(), declarations: parameters.into() };
        let mut returned = self.execute_text(&statement, &mut arguments[skipped..])?;
        for o in &mut returned.outputs {
            o.0 += skipped;
        }
        for c in &mut returned.cursors {
            c.0 += skipped;
        }
        Ok(returned)
    }

    /// A value in the type of the parameter it is for. Most have it already, and making a context would cost more than all the rest.
    pub fn passed_value(&self, value: &Value, from: SqlType, to: SqlType, scope: &Scope) -> SqlResult<Value> {
        if value.is_null() || from == to {
            return Ok(value.clone());
        }
        convert(value, from, to, &self.context(scope))
    }

    /// Runs a text as sp_executesql does, which is a level of its own around the text's.
    pub fn execute_text(
        &mut self,
        statement: &StatementText,
        arguments: &mut [Argument],
    ) -> Result<Returned, Fail> {
        self.session.state.lock().nest_level += 1;
        let returned = self.run_text(statement, arguments);
        self.session.state.lock().nest_level -= 1;
        returned
    }

    /// Runs a text as EXEC ('…') does. Ends without DONEPROC; the caller sends it.
    pub fn run_text(
        &mut self,
        statement: &StatementText,
        arguments: &mut [Argument],
    ) -> Result<Returned, Fail> {
        let unit = match self.load_batch(&statement.text, &statement.declarations) {
            Ok(loaded) => loaded,
            Err(mut errors) => {
                // Syntax errors of the inner text are the statement's own errors to the caller.
                let last = errors.pop().unwrap_or_else(|| SqlError::new(102, &[&""]));
                for e in &errors {
                    self.sink.message(e)?;
                }
                return Err(Fail::Error(last));
            }
        };
        let mut scope = Scope::new(Arc::clone(&unit), &self.session.host.temporary_rows);
        let list = &unit.parameters;
        let mut passed = vec![None; list.len()];
        for (i, a) in arguments.iter().enumerate() {
            let at = match &a.name {
                Some(n) => list.iter().position(|p| NameOrder::instance().same(&p.name, n)),
                None => (i < list.len()).then_some(i),
            };
            let Some(at) = at else {
                let text = "Procedure or function  has too many arguments specified.";
                return Err(SqlError::with_text(8144, 16, text).state(2).into());
            };
            passed[at] = Some(i);
            let p = &list[at];
            if p.readonly {
                self.pass_table(p, a, &mut scope)?;
                continue;
            }
            if a.cursor && !scope.unit.layout.cursors.contains(&p.name.to_lowercase()) {
                return Err(cursor::not_valid(a.target.as_deref().unwrap_or("")).into());
            }
            if let Some(v) = &unit.slots[at] {
                let value = a.value.as_ref().unwrap_or(&Value::Null);
                scope.assign(v.slot, self.passed_value(value, a.ty, v.ty, &scope)?)?;
            }
        }
        for ((p, from), slot) in list.iter().zip(&passed).zip(&unit.slots) {
            if from.is_none() && !p.readonly && p.data_type.builtin() != Some("cursor") {
                let Some(d) = &p.default else {
                    let shown: String = list
                        .iter()
                        .map(|p| format!("{} {}", p.name, p.data_type.name))
                        .collect::<Vec<_>>()
                        .join(",");
                    let text = format!(
                        "The parameterized query '({shown}){}' expects the parameter '{}', which was not supplied.",
                        statement.text.chars().take(100).collect::<String>(),
                        p.name
                    );
                    return Err(SqlError::with_text(8178, 16, text).into());
                };
                if let Some(v) = slot {
                    scope.assign(v.slot, self.value_as(d, v.ty, &scope)?)?;
                }
            }
        }
        match self.nested_run(&mut scope, 0, None) {
            Err(Fail::Stop(Stop::Module)) => {
                return Ok(Returned::status(self.session.state.lock().error));
            }
            flow => flow?,
        };
        // What @@ERROR is at the end of the text.
        let status = self.session.state.lock().error;
        let mut outputs = Vec::new();
        for (slot, from) in unit.slots.iter().zip(&passed) {
            if let (Some(i), Some(v)) = (from, slot)
                && arguments[*i].output
            {
                outputs.push((*i, v.ty, scope.frame[v.slot.0 as usize].clone()));
            }
        }
        let cursors = returned_cursors(list, &passed, arguments, &scope);
        Ok(Returned { status, outputs, cursors })
    }
}

/// The cursors that parameters refer to at the end of a call, for the arguments that are variables for them.
fn returned_cursors(
    parameters: &[Parameter],
    passed: &[Option<usize>],
    arguments: &[Argument],
    scope: &Scope,
) -> Vec<(usize, Cursor)> {
    let of = |(p, from): (&Parameter, &Option<usize>)| {
        let i = (*from)?;
        if !(arguments[i].cursor && p.output) {
            return None;
        }
        Some((i, scope.cursors.get(&p.name.to_lowercase())?.clone()))
    };
    parameters.iter().zip(passed).filter_map(of).collect()
}

/// Turns a stop that crossed a call into the caller's failure.
impl From<Fail> for Stop {
    fn from(f: Fail) -> Self {
        match f {
            Fail::Stop(s) => s,
            _ => Stop::Batch,
        }
    }
}
