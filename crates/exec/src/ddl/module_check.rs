//! What CREATE and ALTER of procedures, functions and triggers look at in the body: variables (137, 1087), and columns, types and
//! counts of every statement whose tables are all there.
//!
//! Invariants
//! 1. Deferred name resolution: a statement that names a table which is not there, a temporary table, or one that the module itself
//!    makes or alters, is looked at when it runs.
//! 2. Only errors of [`counts`] refuse a module: what this server cannot do yet, and what a view inside has wrong, waits until it runs.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, TableDef};
use holdfast_plan::access::Access;
use holdfast_tsql::ast::walk::{Met, walk_statement, walk_statements};
use holdfast_tsql::ast::{
    AssignOp, CursorDeclaration, Ddl, DeclarationKind, DmlTarget, ObjectName, Parameter, SetValue, Statement,
    StatementKind, VariableUse,
};
use holdfast_types::{SqlError, SqlType};

use super::Definition;
use super::dependency::{Dependencies, Named};
use crate::procedure::change::pseudo_tables;
use crate::procedure::run::{Fail, Runner, Scope};
use crate::procedure::unit::{Layout, TableVariable, TypeScope, Unit, layout, undeclared};

/// A module's body with what its statements see.
pub struct Body<'a> {
    pub name: &'a ObjectName,
    pub parameters: &'a [Parameter],
    pub statements: &'a [Statement],
    pub uses: &'a [VariableUse],
    /// RETURN converts to it.
    pub returns: Option<SqlType>,
    /// RETURNS @t TABLE.
    pub table: Option<(&'a str, &'a holdfast_tsql::ast::TableDefinition)>,
    /// The table whose trigger this is.
    pub trigger: Option<Arc<TableDef>>,
}

/// Errors that the server tells when the module is created.
fn counts(number: i32) -> bool {
    matches!(
        number,
        107 | 109
            | 110
            | 116
            | 120
            | 121
            | 137
            | 144
            | 145
            | 147
            | 158
            | 164
            | 174
            | 189
            | 205
            | 207
            | 209
            | 213
            | 264
            | 1046
            | 1087
            | 4104
            | 8117
            | 8120
            | 8121
            | 8127
            | 8155
            | 8156
            | 8158
            | 8159
            | 10709
    )
}

/// Names that the module itself gives things to: they need not be there, or as they are, when a statement is reached.
fn defined(statements: &[Statement]) -> Vec<String> {
    let mut out = Vec::new();
    walk_statements(statements, &mut |met| match met {
        Met::Into(name) => out.push(name.name.text.to_lowercase()),
        Met::Definition(d) => match d {
            Ddl::CreateTable(t) => out.push(t.name.name.text.to_lowercase()),
            Ddl::AlterTable(t) => out.push(t.name.name.text.to_lowercase()),
            Ddl::CreateSynonym { name, .. } => out.push(name.name.text.to_lowercase()),
            Ddl::Drop(d) => out.extend(d.names.iter().map(|n| n.name.text.to_lowercase())),
            _ => {}
        },
        // Names that texts and procedures (sp_rename) may change stay as they are for the server too.
        _ => {}
    });
    out
}

struct Check<'a> {
    scope: Scope,
    /// Names of table-valued parameters, in lower case: they are all READONLY.
    read_only: Vec<String>,
    defined: Vec<String>,
    errors: Vec<SqlError>,
    name: &'a str,
    /// Of queries of cursors, whose plans the unit does not keep.
    accesses: Vec<Access>,
}

impl Definition<'_, '_> {
    /// Looks at a body.
    ///
    /// # Errors
    /// All that are found, each on its line of the module.
    pub fn check_body(&mut self, body: &Body<'_>) -> Result<Dependencies, Fail> {
        let mut named = Named::default();
        walk_statements(body.statements, &mut |met| named.see(met));
        let accesses = self.bind_body(body)?;
        // Procedures and triggers tell what they do to columns.
        let marked = body.returns.is_none() && body.table.is_none();
        Ok(self.dependencies(&named, &accesses, body.name, marked)?)
    }

    /// What the statements that could be bound do to objects.
    fn bind_body(&mut self, body: &Body<'_>) -> Result<Vec<Access>, Fail> {
        let name = body.name.name.text.as_str();
        let types = TypeScope {
            collation: self.database.default_collation(),
            catalog: Arc::clone(&self.database) as Arc<dyn Catalog>,
            schema: self.schema_of_types(),
            text: self.source(),
        };
        let mut base = Layout::default();
        if let Some((variable, definition)) = body.table {
            let Ok(shape) = types.shape(variable, definition) else { return Ok(Vec::new()) };
            base.tables.insert(variable.to_lowercase(), TableVariable { shape });
        }
        let layout = match layout(body.parameters, body.statements, &types, base) {
            Ok(layout) => layout,
            Err(e) if e.number == 2715 => return Err(Fail::Many(vec![of_module(e, name)])),
            // What is not supported yet is told when the module runs.
            Err(_) => return Ok(Vec::new()),
        };
        let unknown = undeclared(body.uses, &layout);
        if !unknown.is_empty() {
            return Err(Fail::Many(unknown.into_iter().map(|e| of_module(e, name)).collect()));
        }
        let unit = Unit::new(self.source(), body.parameters.to_vec(), Vec::new(), layout);
        let mut scope = Scope::new(unit, &self.runner.session.host.temporary_rows);
        scope.returns = body.returns;
        scope.schema = body.name.schema.as_ref().map(|s| s.text.as_str().into());
        if let Some(table) = &body.trigger {
            let (inserted, deleted) = pseudo_tables(table, &self.runner.session.host.temporary_rows);
            scope.tables.insert("inserted".into(), inserted);
            scope.tables.insert("deleted".into(), deleted);
            scope.trigger = Some(Arc::clone(table));
        }
        let defined = defined(body.statements);
        let read_only =
            body.parameters.iter().filter(|p| p.readonly).map(|p| p.name.to_lowercase()).collect();
        let mut check = Check { scope, read_only, defined, errors: Vec::new(), name, accesses: Vec::new() };
        let compiling = std::mem::replace(&mut self.runner.compiling, true);
        check.list(self.runner, body.statements);
        self.runner.compiling = compiling;
        if !check.errors.is_empty() {
            return Err(Fail::Many(check.errors));
        }
        check.accesses.extend(check.scope.unit.accesses());
        Ok(check.accesses)
    }
}

pub fn of_module(e: SqlError, name: &str) -> SqlError {
    SqlError { procedure: name.to_owned(), ..e }
}

impl Check<'_> {
    fn list(&mut self, runner: &mut Runner<'_>, statements: &[Statement]) {
        statements.iter().for_each(|s| self.statement(runner, s));
    }

    fn statement(&mut self, runner: &mut Runner<'_>, s: &Statement) {
        match &s.kind {
            StatementKind::Block(list) => return self.list(runner, list),
            StatementKind::TryCatch { body, handler } => {
                self.list(runner, body);
                return self.list(runner, handler);
            }
            StatementKind::If { .. } => return self.conditional(runner, s),
            StatementKind::While { condition, body } => {
                let result = runner.plan_condition(condition, &self.scope);
                self.take(runner, result, s);
                return self.statement(runner, body);
            }
            _ => {}
        }
        let target = match &s.kind {
            StatementKind::Insert(i) => Some(&i.target),
            StatementKind::Update(u) => Some(&u.target),
            StatementKind::Delete(d) => Some(&d.target),
            StatementKind::Merge(m) => Some(&m.target),
            _ => None,
        };
        if let Some(DmlTarget::Variable(v)) = target
            && self.read_only.contains(&v.to_lowercase())
        {
            let e = SqlError::new(10700, &[v]).at_line(s.span.line);
            return self.errors.push(of_module(e, self.name));
        }
        let scope = &self.scope;
        let accesses = &mut self.accesses;
        let result = match &s.kind {
            StatementKind::Select(q) => runner.plan_query(q, scope).map(|_| ()),
            StatementKind::Insert(i) => runner.check_insert(i, scope),
            StatementKind::Update(u) => runner.plan_update(u, scope).map(|_| ()),
            StatementKind::Delete(d) => runner.plan_delete(d, scope).map(|_| ()),
            StatementKind::Merge(m) => runner.plan_merge(m, scope).map(|_| ()),
            StatementKind::DeclareCursor(c) => check_cursor(runner, c, scope, accesses),
            StatementKind::Print(e) => runner.plan_value(e, None, scope),
            StatementKind::Return(Some(e)) => runner.plan_value(e, scope.returns, scope),
            StatementKind::Declare(list) => {
                let initial = list.iter().filter_map(|d| match &d.kind {
                    DeclarationKind::Scalar { initial: Some(e), .. } => Some((&d.name, e)),
                    _ => None,
                });
                let mut result = Ok(());
                for (name, e) in initial {
                    let ty = scope.unit.layout.variables.get(&name.to_lowercase()).map(|v| v.ty);
                    result = result.and_then(|()| runner.plan_value(e, ty, scope));
                }
                result
            }
            StatementKind::SetVariable(v) => match &v.value {
                SetValue::Expr { op: AssignOp::Set, value } => {
                    match scope.unit.layout.variables.get(&v.name.to_lowercase()).map(|v| v.ty) {
                        Some(ty) => runner.plan_value(value, Some(ty), scope),
                        None => Ok(()),
                    }
                }
                SetValue::Cursor(c) => check_cursor(runner, c, scope, accesses),
                _ => Ok(()),
            },
            _ => Ok(()),
        };
        self.take(runner, result, s);
    }

    /// Chains of ELSE IF are walked, not descended into.
    fn conditional(&mut self, runner: &mut Runner<'_>, s: &Statement) {
        let mut next = Some(s);
        while let Some(s) = next.take() {
            let StatementKind::If { condition, then, otherwise } = &s.kind else {
                return self.statement(runner, s);
            };
            let result = runner.plan_condition(condition, &self.scope);
            self.take(runner, result, s);
            self.statement(runner, then);
            next = otherwise.as_deref();
        }
    }

    fn take(&mut self, runner: &Runner<'_>, result: Result<(), Fail>, s: &Statement) {
        let Err(Fail::Compile(e)) = result else { return };
        if counts(e.number) && e.procedure.is_empty() && !self.is_deferred(runner, s) {
            let each = e.in_order().into_iter().map(|e| of_module(e.at_line(s.span.line), self.name));
            self.errors.extend(each);
        }
    }

    /// Invariant 1.
    fn is_deferred(&self, runner: &Runner<'_>, s: &Statement) -> bool {
        let session = &runner.session;
        let schema = self.scope.schema(session);
        let here = session.names_database();
        let known = |name: &ObjectName| {
            let text = name.name.text.as_str();
            if name.server.is_some() || text.starts_with('#') || self.defined.contains(&text.to_lowercase()) {
                return false;
            }
            if name.is_simple() && self.scope.tables.contains_key(&text.to_lowercase()) {
                return true;
            }
            let catalog = match &name.database {
                Some(d) => match session.host.database(&d.text) {
                    Ok(d) => d,
                    Err(_) => return false,
                },
                None => Arc::clone(&here),
            };
            match &name.schema {
                Some(s) => catalog.object(&s.text, text).is_some(),
                None => catalog.object(&schema, text).or_else(|| catalog.object("", text)).is_some(),
            }
        };
        let mut deferred = false;
        let mut see = |met: Met<'_>| {
            deferred |= match met {
                Met::Rows(name) | Met::Target(name) => !known(name),
                // The built-in ones have one part.
                Met::TableFunction(name) => !name.is_simple() && !known(name),
                _ => false,
            };
        };
        match &s.kind {
            // The statements inside are looked at by themselves.
            StatementKind::If { condition, .. } | StatementKind::While { condition, .. } => {
                holdfast_tsql::ast::walk::walk_expr(condition, &mut see);
            }
            _ => walk_statement(s, &mut see),
        }
        deferred
    }
}

fn check_cursor(
    runner: &mut Runner<'_>,
    c: &CursorDeclaration,
    scope: &Scope,
    accesses: &mut Vec<Access>,
) -> Result<(), Fail> {
    accesses.extend(runner.bind_cursor(&c.query, scope)?.accesses.list.iter().cloned());
    Ok(())
}
