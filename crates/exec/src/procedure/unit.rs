//! A text ready to run: its statements, the slots of its variables, and the plans of its statements as they were needed.
//!
//! Invariants
//! 1. Slots are given to all variables of a text (parameters first) before anything is bound, so plans can be kept.
//! 2. A kept plan is used only while the databases it reads are the very ones it was made for, with the same catalog, under the
//!    same settings. What a transaction has planned after it defined something is its own.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use holdfast_engine::catalog::{Catalog, TableDef, TableRules};
use holdfast_engine::database::xml_schema::TypedXml;
use holdfast_engine::lock::LockOwner;
use holdfast_plan::access::Access;
use holdfast_plan::change::BoundChange;
use holdfast_plan::physical::BoundExpression;
use holdfast_plan::{
    BindContext, BindSettings, BoundQuery, ConstantEvaluator, NameResolver, ParamId, VariableInfo,
};
use holdfast_tsql::ast::{
    self, Batch as AstBatch, DeclarationKind, ExecuteAsPrincipal, Parameter, Statement, StatementKind,
    VariableUse,
};
use holdfast_tsql::{ParseOptions, SyntaxError};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use super::memory_table::{MemoryShape, MemoryTable};
use super::names::{NamesOfMaster, everywhere};
use super::settled::{Watch, WatchedNames};
use super::state::{SharedSession, State, option};
use crate::context::ExecContext;
use crate::expression::evaluate_constant;
use crate::host::HostDatabase;

/// A syntax error as clients see it.
pub fn syntax_error(e: SyntaxError) -> SqlError {
    SqlError::with_text(e.number, e.severity, e.message).state(e.state).at_line(e.line)
}

/// A variable's place and type.
#[derive(Clone, Debug)]
pub struct VariableSlot {
    pub slot: ParamId,
    pub ty: SqlType,
}

/// A variable of type TABLE.
#[derive(Clone, Default)]
pub struct TableVariable {
    pub shape: MemoryShape,
}

/// Names of a text. Keys are lower case with the @.
#[derive(Clone, Default)]
pub struct Layout {
    pub variables: HashMap<String, VariableSlot>,
    pub tables: HashMap<String, TableVariable>,
    pub cursors: Vec<String>,
    /// Variables of typed xml.
    pub typed_xml: Vec<(ParamId, Arc<TypedXml>)>,
    pub frame_size: u32,
}

/// What was planned for a node of the tree.
#[derive(Clone)]
pub enum Planned {
    Query(Arc<BoundQuery>),
    Change(Arc<BoundChange>),
    Expression(Arc<BoundExpression>),
}

struct Kept {
    planned: Planned,
    database: Weak<HostDatabase>,
    /// Where names were looked for.
    names: Weak<HostDatabase>,
    others: Vec<(i32, Weak<HostDatabase>)>,
    options: i32,
    /// Where names without a schema were looked for first.
    schema: Arc<str>,
    /// What may not be known to depend on tables in memory belongs to one run (0: may outlive it).
    run: u64,
    /// Tables in memory that take part: the plan lives as long as they do.
    memory: Vec<i32>,
    /// The transaction that had defined something when the plan was made: it is nobody else's.
    definer: Option<LockOwner>,
}

/// The current database, the one where names are looked for, and @@OPTIONS.
fn where_names_are(session: &SharedSession) -> (Arc<HostDatabase>, Arc<HostDatabase>, i32) {
    of_state(&session.state.lock())
}

/// The same with the present catalogs.
fn where_names_are_now(session: &SharedSession) -> (Arc<HostDatabase>, Arc<HostDatabase>, i32) {
    {
        let state = session.state.lock();
        if state.has_present() {
            return of_state(&state);
        }
    }
    session.look_again();
    where_names_are(session)
}

fn of_state(state: &State) -> (Arc<HostDatabase>, Arc<HostDatabase>, i32) {
    let names = state.names.as_ref().unwrap_or(&state.database);
    (Arc::clone(&state.database), Arc::clone(names), state.settings.options)
}

/// A text with its plans.
pub struct Unit {
    pub parameters: Vec<Parameter>,
    pub statements: Vec<Statement>,
    pub layout: Layout,
    /// The text that the statements' spans point into.
    pub text: Arc<str>,
    /// WITH EXECUTE AS of a module.
    pub execute_as: Option<ExecuteAsPrincipal>,
    /// Where the values of `parameters` go; `None` for tables and cursors.
    pub slots: Vec<Option<VariableSlot>>,
    plans: Mutex<HashMap<usize, Kept>>,
}

impl Unit {
    pub fn new(
        text: &str,
        parameters: Vec<Parameter>,
        statements: Vec<Statement>,
        layout: Layout,
    ) -> Arc<Self> {
        Self::of_module(text, parameters, statements, layout, None)
    }

    /// The text of a module.
    pub fn of_module(
        text: &str,
        parameters: Vec<Parameter>,
        statements: Vec<Statement>,
        layout: Layout,
        execute_as: Option<ExecuteAsPrincipal>,
    ) -> Arc<Self> {
        let slots =
            parameters.iter().map(|p| layout.variables.get(&p.name.to_lowercase()).cloned()).collect();
        Arc::new(Unit {
            execute_as,
            slots,
            parameters,
            statements,
            layout,
            text: text.into(),
            plans: Mutex::new(HashMap::new()),
        })
    }

    /// The plan kept for a node (by its address), if it still fits.
    pub fn kept(
        &self,
        node: usize,
        session: &SharedSession,
        schema: &Arc<str>,
        run: u64,
        alive: &dyn Fn(i32) -> bool,
    ) -> Option<Planned> {
        let (database, names, options) = where_names_are_now(session);
        let plans = self.plans.lock();
        let kept = plans.get(&node)?;
        let same = |w: &Weak<HostDatabase>, d: &Arc<HostDatabase>| std::ptr::eq(w.as_ptr(), Arc::as_ptr(d));
        let fits = kept.options == options
            && (Arc::ptr_eq(&kept.schema, schema) || kept.schema == *schema)
            && (kept.run == 0 || kept.run == run)
            && same(&kept.database, &database)
            && same(&kept.names, &names)
            && kept.memory.iter().all(|id| alive(*id))
            && (kept.definer.is_none() || kept.definer == session.definer())
            && match &kept.planned {
                Planned::Query(q) => q.sizes.still_fit(),
                Planned::Change(c) => c.sizes.still_fit(),
                Planned::Expression(_) => true,
            }
            && kept
                .others
                .iter()
                .all(|(id, w)| session.host.database_by_id(*id).is_some_and(|d| same(w, &d)));
        fits.then(|| kept.planned.clone())
    }

    /// What all plans kept do to objects.
    pub fn accesses(&self) -> Vec<Access> {
        let plans = self.plans.lock();
        let of = |k: &Kept| match &k.planned {
            Planned::Query(q) => q.accesses.list.clone(),
            Planned::Change(c) => c.accesses.list.clone(),
            Planned::Expression(e) => e.accesses.list.clone(),
        };
        plans.values().flat_map(of).collect()
    }

    /// Lets go of plans for databases that are not there any more as they were. (A plan over system views keeps the database's view
    /// alive that it was made with, so that alone says nothing.)
    pub fn forget_outdated(&self) {
        let there = |w: &Weak<HostDatabase>| w.upgrade().is_some_and(|d| d.is_current());
        let old: Vec<Kept> = {
            let mut plans = self.plans.lock();
            plans
                .extract_if(|_, k| {
                    !(there(&k.database) && there(&k.names) && k.others.iter().all(|(_, w)| there(w)))
                })
                .map(|(_, k)| k)
                .collect()
        };
        drop(old);
    }

    /// Keeps a plan. `run` is 0 unless the plan reads tables that live in memory.
    pub fn keep(&self, node: usize, planned: Planned, session: &SharedSession, schema: Arc<str>, run: u64) {
        let (database, names, options) = where_names_are(session);
        let mut others = Vec::new();
        let mut memory = Vec::new();
        let dependencies: &[(i32, i32)] = match &planned {
            Planned::Query(q) => &q.dependencies,
            Planned::Change(c) => &c.dependencies,
            Planned::Expression(_) => &[],
        };
        let run = if matches!(planned, Planned::Expression(_)) { run } else { 0 };
        {
            for (id, object) in dependencies {
                if *object < 0 && *id == 2 {
                    memory.push(*object);
                    continue;
                }
                if *id != database.id
                    && !others.iter().any(|(o, _)| o == id)
                    && let Some(d) = session.host.database_by_id(*id)
                {
                    others.push((*id, Arc::downgrade(&d)));
                }
            }
        }
        let (database, names) = (Arc::downgrade(&database), Arc::downgrade(&names));
        let definer = session.definer();
        let kept = Kept { planned, database, names, others, options, schema, run, memory, definer };
        self.plans.lock().insert(node, kept);
    }
}

/// Collects declarations in textual order, each with its place in its DECLARE, from 1.
fn declarations<'a>(statements: &'a [Statement], out: &mut Vec<(usize, &'a ast::Declaration)>) {
    for s in statements {
        match &s.kind {
            StatementKind::Declare(list) => out.extend(list.iter().enumerate().map(|(i, d)| (i + 1, d))),
            StatementKind::Block(list) => declarations(list, out),
            StatementKind::If { then, otherwise, .. } => {
                declarations(std::slice::from_ref(&**then), out);
                if let Some(o) = otherwise {
                    declarations(std::slice::from_ref(&**o), out);
                }
            }
            StatementKind::While { body, .. } => declarations(std::slice::from_ref(&**body), out),
            StatementKind::TryCatch { body, handler } => {
                declarations(body, out);
                declarations(handler, out);
            }
            _ => {}
        }
    }
}

/// Whether parameters or variables have types that a database defines.
pub fn names_types(parameters: &[Parameter], statements: &[Statement]) -> bool {
    let mut found = Vec::new();
    declarations(statements, &mut found);
    let defined = |(_, d): &(usize, &ast::Declaration)| match &d.kind {
        DeclarationKind::Scalar { data_type, .. } => data_type.builtin().is_none(),
        DeclarationKind::Cursor => false,
        // Its columns may have such types.
        DeclarationKind::Table(_) => true,
    };
    parameters.iter().any(|p| p.data_type.builtin().is_none()) || found.iter().any(defined)
}

/// Types of variables: resolved in the session's database.
pub struct TypeScope<'a> {
    pub catalog: Arc<dyn Catalog>,
    pub collation: CollationId,
    /// Where types are looked for that are named without a schema, before dbo: the module's own, else the caller's default.
    pub schema: Arc<str>,
    /// The text that spans point into.
    pub text: &'a str,
}

impl TypeScope<'_> {
    pub fn resolve(&self, dt: &ast::DataType) -> SqlResult<(SqlType, bool)> {
        holdfast_plan::resolve_type(dt, &*self.catalog, &self.schema, self.collation, false).map_err(|e| {
            if e.number == 243 {
                return SqlError::new(2715, &[&1, &dt.name]).at_line(dt.span.line);
            }
            e
        })
    }
}

impl TypeScope<'_> {
    /// What values of a type have to fit; `None` for all but `xml(collection)`.
    ///
    /// # Errors
    /// 6314 when there is no such collection.
    pub fn typed_xml(&self, dt: &ast::DataType) -> SqlResult<Option<Arc<TypedXml>>> {
        let Some(x) = &dt.xml else { return Ok(None) };
        let name = &x.collection.name.text;
        let find = |schema: &str| self.catalog.typed_xml(schema, name, x.document);
        let found = match &x.collection.schema {
            Some(schema) => find(&schema.text)?,
            None => match find(&self.schema)? {
                None => find("dbo")?,
                found => found,
            },
        };
        found.map(Some).ok_or_else(|| SqlError::new(6314, &[&x.collection]).at_line(dt.span.line))
    }

    /// What a variable of a table type is made of; `None` for other types.
    pub fn table_shape(&self, dt: &ast::DataType) -> SqlResult<Option<MemoryShape>> {
        if dt.builtin().is_some() {
            return Ok(None);
        }
        let name = &dt.name.name.text;
        let found = match &dt.name.schema {
            Some(schema) => self.catalog.table_type(&schema.text, name)?,
            None => match self.catalog.table_type(&self.schema, name)? {
                None if self.catalog.user_type(&self.schema, name).is_none() => {
                    self.catalog.table_type("dbo", name)?
                }
                found => found,
            },
        };
        let Some(found) = found else { return Ok(None) };
        let rules = self.catalog.rules(found.object_id)?;
        Ok(Some(MemoryShape::of_type(&found, rules)))
    }
}

/// An unknown type of the parameter, variable or column at place `at` of its list, from 1.
pub fn of_place(e: SqlError, at: usize) -> SqlError {
    if e.number != 2715 {
        return e;
    }
    SqlError { message: e.message.replacen("#1:", &format!("#{at}:"), 1), ..e }
}

/// Gives slots to parameters and variables.
///
/// # Errors
/// Unknown types (2715) and the like.
pub fn layout(
    parameters: &[Parameter],
    statements: &[Statement],
    types: &TypeScope<'_>,
    mut layout: Layout,
) -> SqlResult<Layout> {
    let add = |layout: &mut Layout, name: &str, dt: &ast::DataType, line: u32| -> SqlResult<()> {
        if dt.builtin() == Some("cursor") {
            layout.cursors.push(name.to_lowercase());
            return Ok(());
        }
        let (ty, _) = types.resolve(dt).map_err(|e| e.at_line(line))?;
        let slot = ParamId(layout.frame_size);
        layout.frame_size += 1;
        if let Some(typed) = types.typed_xml(dt).map_err(|e| e.at_line(line))? {
            layout.typed_xml.push((slot, typed));
        }
        layout.variables.insert(name.to_lowercase(), VariableSlot { slot, ty });
        Ok(())
    };
    for (i, p) in parameters.iter().enumerate() {
        let line = |e: SqlError| of_place(e, i + 1).at_line(p.span.line);
        if let Some(shape) = types.table_shape(&p.data_type)? {
            if !p.readonly {
                return Err(SqlError::new(352, &[&p.name]).at_line(p.span.line));
            }
            layout.tables.insert(p.name.to_lowercase(), TableVariable { shape });
            continue;
        }
        if p.readonly {
            types.resolve(&p.data_type).map_err(line)?;
            return Err(SqlError::new(346, &[&p.name]).at_line(p.span.line));
        }
        add(&mut layout, &p.name, &p.data_type, p.span.line).map_err(line)?;
    }
    let mut found = Vec::new();
    declarations(statements, &mut found);
    for (at, d) in found {
        match &d.kind {
            DeclarationKind::Scalar { data_type, initial } => {
                if let Some(shape) = types.table_shape(data_type)? {
                    if initial.is_some() {
                        return Err(SqlError::new(206, &[&"int", &data_type.name]).at_line(d.span.line));
                    }
                    layout.tables.insert(d.name.to_lowercase(), TableVariable { shape });
                    continue;
                }
                add(&mut layout, &d.name, data_type, d.span.line).map_err(|e| of_place(e, at))?;
            }
            DeclarationKind::Cursor => layout.cursors.push(d.name.to_lowercase()),
            DeclarationKind::Table(definition) => {
                let shape = types.shape(&d.name, definition).map_err(|e| e.at_line(d.span.line))?;
                layout.tables.insert(d.name.to_lowercase(), TableVariable { shape });
            }
        }
    }
    Ok(layout)
}

/// Errors 137 and 1087 for variables that nothing declares.
pub fn undeclared(uses: &[VariableUse], layout: &Layout) -> Vec<SqlError> {
    let mut out = Vec::new();
    for u in uses {
        let name = u.name.to_lowercase();
        let table = layout.tables.contains_key(&name);
        if u.table && !table {
            let text = format!("Must declare the table variable \"{}\".", u.name);
            out.push(SqlError::with_text(1087, 15, text).state(2).at_line(u.span.line));
        } else if !u.table
            && !table
            && !layout.variables.contains_key(&name)
            && !layout.cursors.contains(&name)
        {
            out.push(SqlError::new(137, &[&u.name]).state(2).at_line(u.span.line));
        }
    }
    out
}

/// Names as statements of one scope see them.
pub struct Names<'a> {
    pub session: &'a SharedSession,
    pub layout: &'a Layout,
    pub tables: &'a HashMap<String, MemoryTable>,
    pub trigger: Option<&'a Arc<TableDef>>,
    pub schema: &'a Arc<str>,
}

impl NameResolver for Names<'_> {
    fn database(&self, name: &str) -> Option<Arc<dyn Catalog>> {
        self.session.host.database(name).ok().map(|d| d as Arc<dyn Catalog>)
    }
    fn closed(&self, name: &str) -> Option<SqlError> {
        self.session.host.instance.find(name)?;
        self.session.host.instance.online(name).err()
    }
    fn linked_server(&self, name: &str) -> bool {
        self.session.host.settings.read().linked_server(name).is_some()
    }
    fn own_server(&self, name: &str) -> bool {
        self.session.is_own_server(name)
    }
    fn everywhere(&self, schema: &str, name: &str) -> Option<Arc<dyn Catalog>> {
        everywhere(&self.session.host, schema, name).map(|d| d as Arc<dyn Catalog>)
    }
    fn variable(&self, name: &str) -> Option<VariableInfo> {
        let v = self.layout.variables.get(&name.to_lowercase())?;
        Some(VariableInfo { slot: v.slot, ty: v.ty })
    }
    fn table_variable(&self, name: &str) -> Option<Arc<TableDef>> {
        let name = name.to_lowercase();
        if let Some(t) = self.tables.get(&name) {
            return Some(Arc::clone(&t.definition));
        }
        let t = self.layout.tables.get(&name)?;
        Some(MemoryTable::of(&name, t.shape.clone(), &self.session.host.temporary_rows).definition)
    }
    fn table_variable_type(&self, name: &str) -> Option<i32> {
        let name = name.to_lowercase();
        let declared = || self.layout.tables.get(&name).map(|t| t.shape.type_object);
        self.tables.get(&name).map(|t| t.type_object).or_else(declared).filter(|id| *id != 0)
    }
    fn temp_table(&self, name: &str) -> Option<Arc<TableDef>> {
        self.tables.get(&name.to_lowercase()).map(|t| Arc::clone(&t.definition))
    }
    fn trigger_table(&self, name: &str) -> Option<Arc<TableDef>> {
        self.trigger?;
        self.tables.get(name).map(|t| Arc::clone(&t.definition))
    }
    fn trigger_target(&self) -> Option<Arc<TableDef>> {
        self.trigger.cloned()
    }
    fn rules(&self, table: &TableDef) -> SqlResult<Arc<TableRules>> {
        if table.object_id < 0 {
            let found = self.tables.values().find(|t| t.definition.object_id == table.object_id);
            return Ok(found.map(|t| Arc::clone(&t.rules)).unwrap_or_default());
        }
        match self.session.host.database_by_id(table.database_id) {
            Some(d) => d.rules(table.object_id),
            None => Ok(Arc::default()),
        }
    }
}

/// Folds constants while planning.
pub struct Folding(pub ExecContext);

impl ConstantEvaluator for Folding {
    fn evaluate(&self, expr: &holdfast_plan::Expr) -> Option<Value> {
        let value = evaluate_constant(expr, &self.0).ok();
        // What is forgiven is told by the statement that meets it.
        value.filter(|_| self.0.query.forgiven() == (false, false))
    }

    fn check_cancel(&self) -> SqlResult<()> {
        self.0.check_cancel()
    }
}

/// Settings that binding depends on.
pub fn bind_settings(state: &State) -> BindSettings {
    let has = |flag| state.settings.options & flag != 0;
    BindSettings {
        quoted_identifier: has(option::QUOTED_IDENTIFIER),
        ansi_nulls: has(option::ANSI_NULLS),
        ansi_warnings: has(option::ANSI_WARNINGS),
        concat_null_yields_null: has(option::CONCAT_NULL_YIELDS_NULL),
        arithabort: has(option::ARITHABORT),
        numeric_roundabort: has(option::NUMERIC_ROUNDABORT),
    }
}

/// Runs `f` with a binding context for the session's current database, again when it has met what another transaction was defining
/// and that has ended.
///
/// # Errors
/// Those of the wait for it.
pub fn with_bind_context<T>(
    names: &Names<'_>,
    evaluator: &dyn ConstantEvaluator,
    mut f: impl FnMut(&BindContext<'_>) -> T,
) -> SqlResult<T> {
    names.session.settled(|watch| bind_watched(names, evaluator, watch, &mut f))
}

fn bind_watched<T>(
    names: &Names<'_>,
    evaluator: &dyn ConstantEvaluator,
    watch: &Watch,
    f: &mut impl FnMut(&BindContext<'_>) -> T,
) -> T {
    names.session.take_present();
    let (catalog, settings) = {
        let state = names.session.state.lock();
        let database = Arc::clone(&state.database);
        let catalog: Arc<dyn Catalog> = match &state.names {
            Some(names) => Arc::new(NamesOfMaster::new(Arc::clone(names), database)),
            None => database,
        };
        (catalog, bind_settings(&state))
    };
    let catalog = watch.over(catalog, names.session);
    let watched = WatchedNames { names, session: names.session, watch };
    let database_collation = catalog.default_collation();
    let context = BindContext {
        catalog,
        default_schema: Arc::clone(names.schema),
        names: if watch.is_needed() { &watched } else { names },
        evaluator: Some(evaluator),
        settings,
        database_collation,
        server_collation: names.session.host.instance.options.collation,
        first_free_slot: names.layout.frame_size,
        max_parallelism: 2,
    };
    f(&context)
}

/// Parses a batch under the session's settings.
pub fn parse(text: &str, session: &SharedSession) -> Result<AstBatch, Vec<SqlError>> {
    let options = ParseOptions { quoted_identifier: session.has(option::QUOTED_IDENTIFIER) };
    holdfast_tsql::parse_batch(text, &options).map_err(|v| v.into_iter().map(syntax_error).collect())
}
