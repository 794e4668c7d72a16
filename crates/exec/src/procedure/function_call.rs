//! User-defined functions: scalar and multi-statement ones run here, one call at a time, without a client.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_engine::catalog::{Catalog, ModuleDef};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{CreateFunction, Ddl, FunctionReturns, ModuleBody, StatementKind};
use holdfast_types::{Batch, SqlError, SqlResult, Value};
use parking_lot::Mutex;

use super::cache::UnitKey;
use super::cursor::Cursor;
use super::query::convert;
use super::run::{Fail, Flow, MAX_NESTING, Runner, Scope, Shared, Stop};
use super::state::SharedSession;
use super::state::option;
use super::unit::{Layout, TableVariable, TypeScope, Unit, layout, syntax_error};
use crate::context::{FunctionArgument, ModuleRunner};
use crate::host::temporary::SessionTables;
use crate::operator::Stored;
use crate::session::{Done, DoneKind, EnvironmentChange, ResultColumn, ResultSink, SinkResult};

/// Runs functions for one statement.
pub struct FunctionRunner {
    pub session: Arc<SharedSession>,
    pub shared: Arc<Shared>,
    pub temporary: Arc<SessionTables>,
    pub cursors: Arc<Mutex<HashMap<String, Cursor>>>,
    pub level: u32,
    /// State of the calling scope's cursors.
    pub local_cursors: HashMap<String, i16>,
}

/// Functions send nothing.
pub struct Nowhere;

impl ResultSink for Nowhere {
    fn columns(&mut self, _: &[ResultColumn]) -> SinkResult {
        Ok(())
    }
    fn rows(&mut self, _: &Batch) -> SinkResult {
        Ok(())
    }
    fn done(&mut self, _: Done) -> SinkResult {
        Ok(())
    }
    fn message(&mut self, _: &SqlError) -> SinkResult {
        Ok(())
    }
    fn environment(&mut self, _: EnvironmentChange) -> SinkResult {
        Ok(())
    }
    fn return_status(&mut self, _: i32) -> SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &holdfast_types::SqlType, _: &Value) -> SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> SinkResult {
        Ok(())
    }
}

/// The definition of a function.
pub(super) fn parse_function(module: &ModuleDef) -> SqlResult<CreateFunction> {
    let options = ParseOptions { quoted_identifier: module.quoted_identifier };
    let batch = holdfast_tsql::parse_batch(&module.text, &options).map_err(|mut v| {
        if v.is_empty() { SqlError::new(102, &[&""]) } else { syntax_error(v.swap_remove(0)) }
    })?;
    match batch.statements.into_iter().next().map(|s| s.kind) {
        Some(StatementKind::Ddl(d)) => match *d {
            Ddl::CreateFunction(f) => Ok(*f),
            _ => Err(SqlError::not_supported(format!("The function {}", module.name))),
        },
        _ => Err(SqlError::not_supported(format!("The function {}", module.name))),
    }
}

impl FunctionRunner {
    fn runner<'s>(&self, sink: &'s mut dyn ResultSink) -> Runner<'s> {
        Runner {
            session: Arc::clone(&self.session),
            shared: Arc::clone(&self.shared),
            sink,
            kind: DoneKind::InProc,
            // As if a TRY stood around the call: an error comes back as a value and is the statement's.
            tries: 1,
            level: self.level + 1,
            capturing: None,
            compiling: false,
            module: None,
            command: None,
            temporary: Arc::clone(&self.temporary),
            cursors: Arc::clone(&self.cursors),
            surroundings: Default::default(),
            watched: None,
        }
    }

    fn run(
        &self,
        module: &Arc<ModuleDef>,
        args: Vec<FunctionArgument>,
    ) -> SqlResult<(Flow, Scope, CreateFunction)> {
        if self.level >= MAX_NESTING {
            let text =
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).";
            return Err(SqlError::with_text(217, 16, text));
        }
        let function = parse_function(module)?;
        let Some(database) = self.session.host.database_by_id(module.database_id) else {
            return Err(SqlError::new(208, &[&module.name]));
        };
        let types = TypeScope {
            catalog: Arc::clone(&database) as Arc<dyn Catalog>,
            collation: database.default_collation(),
            schema: Arc::clone(&module.schema_name),
            text: &module.text,
        };
        let mut base = Layout::default();
        let mut returns = None;
        let statements = match &function.returns {
            FunctionReturns::Scalar { data_type, body: ModuleBody::Statements(s) } => {
                returns = Some(types.resolve(data_type)?.0);
                s
            }
            FunctionReturns::Table { variable, definition, body } => {
                let shape = types.shape(variable, definition)?;
                base.tables.insert(variable.to_lowercase(), TableVariable { shape });
                body
            }
            _ => return Err(SqlError::not_supported(format!("The function {} of an assembly", module.name))),
        };
        let key = UnitKey {
            text: Arc::clone(&module.text),
            parameters: "\u{1}function".into(),
            options: 0,
            database: Arc::as_ptr(&database) as usize,
        };
        let unit = match self.shared.units.find(&key) {
            Some(unit) => unit,
            None => {
                let layout = layout(&function.parameters, statements, &types, base)?;
                let unit = Unit::of_module(
                    &module.text,
                    function.parameters.clone(),
                    statements.clone(),
                    layout,
                    function.options.execute_as.clone(),
                );
                self.shared.units.keep(key, &unit);
                unit
            }
        };
        let mut sink = Nowhere;
        let mut runner = self.runner(&mut sink);
        let mut scope = Scope::new(unit, &self.session.host.temporary_rows);
        scope.procedure = Arc::clone(&module.name);
        scope.module = Some((module.database_id, module.object_id));
        scope.schema = Some(Arc::clone(&module.schema_name));
        scope.returns = returns;
        runner.module = scope.module;
        let context = runner.context(&scope);
        let unit = Arc::clone(&scope.unit);
        for (i, p) in unit.parameters.iter().enumerate() {
            if let Some(FunctionArgument::Table(table)) = args.get(i) {
                let key = p.name.to_lowercase();
                let given = scope.tables.get(&key).and_then(|own| own.taking(table));
                let given = given.ok_or_else(|| SqlError::new(206, &[&"table", &p.data_type.name]))?;
                scope.tables.insert(key, given);
                continue;
            }
            let Some(v) = scope.unit.layout.variables.get(&p.name.to_lowercase()).cloned() else { continue };
            let value = match args.get(i) {
                Some(FunctionArgument::Value(value)) => convert(value, v.ty, v.ty, &context)?,
                _ => match &p.default {
                    Some(d) => runner.value_as(d, v.ty, &scope).map_err(error_of)?,
                    None => {
                        let text = format!(
                            "An insufficient number of arguments were supplied for the procedure or function {}.",
                            module.name
                        );
                        return Err(SqlError::with_text(313, 16, text));
                    }
                },
            };
            scope.assign(v.slot, value)?;
        }
        let options;
        // The function's statements work in its database and leave no trace in @@ROWCOUNT and @@ERROR.
        let saved = {
            let mut state = self.session.state.lock();
            let saved =
                (Arc::clone(&state.database), state.row_count, state.error, std::mem::take(&mut state.names));
            options = state.settings.options;
            state.set_option(option::ANSI_NULLS, module.ansi_nulls);
            state.set_option(option::QUOTED_IDENTIFIER, module.quoted_identifier);
            state.database = database;
            state.nest_level += 1;
            saved
        };
        let context = self.session.security.enter();
        let became = runner.become_module(&scope);
        let r = match became {
            Ok(()) => runner.run(&mut scope),
            Err(error) => Err(Stop::Caught { error, compile: None }),
        };
        self.session.security.leave(context);
        {
            let mut state = self.session.state.lock();
            (state.database, state.row_count, state.error, state.names) = saved;
            state.set_option(option::ANSI_NULLS, options & option::ANSI_NULLS != 0);
            state.set_option(option::QUOTED_IDENTIFIER, options & option::QUOTED_IDENTIFIER != 0);
            state.nest_level -= 1;
        }
        match r {
            Ok(flow) => Ok((flow, scope, function)),
            Err(Stop::Caught { error, .. }) => Err(error),
            Err(Stop::Cancelled) => Err(crate::context::cancelled()),
            Err(_) => {
                let text = format!("The function {} could not be run.", module.name);
                Err(SqlError::with_text(40_518, 16, text))
            }
        }
    }
}

pub(super) fn error_of(f: Fail) -> SqlError {
    match f {
        Fail::Error(e) | Fail::Compile(e) | Fail::Raised(e) | Fail::Thrown(e) => e,
        Fail::Many(mut v) => v.pop().unwrap_or_else(crate::context::cancelled),
        Fail::Stop(_) => crate::context::cancelled(),
    }
}

impl ModuleRunner for FunctionRunner {
    fn cursor_status(&self, local: bool, name: &str) -> Option<i16> {
        let name = name.to_lowercase();
        if local {
            return self.local_cursors.get(&name).copied();
        }
        self.cursors.lock().get(&name).map(Cursor::status)
    }
    fn describe(&self, args: &[Value]) -> SqlResult<Vec<Vec<Value>>> {
        let mut sink = Nowhere;
        let mut runner = self.runner(&mut sink);
        match args.first() {
            Some(Value::String(text)) => {
                let parameters = match args.get(1) {
                    Some(Value::String(p)) => p.to_text(),
                    _ => String::new(),
                };
                Ok(runner.described_rows(|r| r.describe_text(&text.to_text(), &parameters)))
            }
            Some(Value::Int(id)) => Ok(runner.described_rows(|r| r.describe_object(*id))),
            _ => Ok(Vec::new()),
        }
    }
    fn scalar(&self, module: &Arc<ModuleDef>, args: Vec<FunctionArgument>) -> SqlResult<Value> {
        // RETURNS NULL ON NULL INPUT: the body does not run.
        let null = args.iter().any(|a| matches!(a, FunctionArgument::Value(Value::Null)));
        if null && parse_function(module)?.options.null_on_null_input {
            return Ok(Value::Null);
        }
        let (flow, _, _) = self.run(module, args)?;
        match flow {
            Flow::Return(Some(v)) => Ok(v),
            _ => Ok(Value::Null),
        }
    }

    fn table(&self, module: &Arc<ModuleDef>, args: Vec<FunctionArgument>) -> SqlResult<Box<dyn BatchSource>> {
        let (_, scope, function) = self.run(module, args)?;
        let FunctionReturns::Table { variable, .. } = &function.returns else {
            return Err(SqlError::not_supported(format!("The function {}", module.name)));
        };
        match scope.tables.get(&variable.to_lowercase()) {
            Some(t) => t.rows.all(),
            None => Ok(Box::new(Stored::new(Arc::default()))),
        }
    }
}
