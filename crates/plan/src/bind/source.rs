//! Texts that expand inside a query: views and inline functions, bound in their own surroundings.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ModuleDef};
use holdfast_tsql::ast::{self, Ddl, FunctionReturns, Ident, Query, StatementKind};
use holdfast_tsql::{ParseOptions, SyntaxError};
use holdfast_types::{NameOrder, SqlError, SqlResult};

use super::query::BoundQueryPlan;
use super::{Binder, Env, MAX_MODULE_DEPTH, QueryRole, TableArgument};
use crate::context::{BindSettings, VariableInfo};

fn syntax(e: SyntaxError) -> SqlError {
    SqlError::with_text(e.number, e.severity, e.message).state(e.state).at_line(e.line)
}

/// Parses a text that is one query.
pub(crate) fn parse_query(text: &str, quoted_identifier: bool) -> SqlResult<Query> {
    holdfast_tsql::parse_query(text, &ParseOptions { quoted_identifier }).map_err(syntax)
}

/// The query inside CREATE VIEW or an inline function, with the view's column list.
pub(in crate::bind) fn module_query(module: &ModuleDef) -> SqlResult<(Query, Vec<Ident>)> {
    let options = ParseOptions { quoted_identifier: module.quoted_identifier };
    let batch = holdfast_tsql::parse_batch(&module.text, &options).map_err(|mut v| {
        if v.is_empty() { SqlError::new(102, &[&module.name]) } else { syntax(v.swap_remove(0)) }
    })?;
    for s in batch.statements {
        if let StatementKind::Ddl(ddl) = s.kind {
            match *ddl {
                Ddl::CreateView(v) => return Ok((v.query, v.columns)),
                Ddl::CreateFunction(f) => {
                    if let FunctionReturns::Inline(q) = f.returns {
                        return Ok((q, Vec::new()));
                    }
                }
                _ => {}
            }
        }
    }
    Err(SqlError::new(4413, &[&module.name]))
}

/// The default of a function's parameter, as its text has it.
pub(super) fn parameter_default(
    order: NameOrder,
    module: &ModuleDef,
    name: &str,
) -> SqlResult<Option<ast::Expr>> {
    let options = ParseOptions { quoted_identifier: module.quoted_identifier };
    let batch = holdfast_tsql::parse_batch(&module.text, &options).map_err(|mut v| {
        if v.is_empty() { SqlError::new(102, &[&module.name]) } else { syntax(v.swap_remove(0)) }
    })?;
    for s in batch.statements {
        if let StatementKind::Ddl(ddl) = s.kind
            && let Ddl::CreateFunction(f) = *ddl
        {
            let found = f.parameters.into_iter().find(|p| order.same(&p.name, name));
            return Ok(found.and_then(|p| p.default));
        }
    }
    Ok(None)
}

/// A view keeps the columns it was made with, by their places, whatever `*` means by now.
pub(super) fn kept_columns(
    q: &mut BoundQueryPlan,
    named: Vec<Ident>,
    module: &ModuleDef,
) -> SqlResult<Vec<Ident>> {
    if !named.is_empty() || module.columns.is_empty() {
        return Ok(named);
    }
    if q.columns.len() < module.columns.len() {
        let text = format!(
            "View or function '{}' has more column names specified than columns defined.",
            module.name
        );
        return Err(SqlError::with_text(4502, 16, text));
    }
    q.columns.truncate(module.columns.len());
    Ok(module.columns.iter().map(|c| Ident::new(&*c.name)).collect())
}

impl Binder<'_> {
    /// Binds a module's query in the module's database, schema and settings. Returns the plan and the view's column list.
    pub fn bind_module(
        &mut self,
        module: &Arc<ModuleDef>,
        catalog: Arc<dyn Catalog>,
        parameters: Vec<(Arc<str>, VariableInfo)>,
        tables: Vec<(Arc<str>, TableArgument)>,
    ) -> SqlResult<(BoundQueryPlan, Vec<Ident>)> {
        if self.module_depth >= MAX_MODULE_DEPTH {
            return Err(SqlError::with_text(
                217,
                16,
                "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).",
            ));
        }
        self.depends_on(module.database_id, module.object_id);
        let (query, columns) = module_query(module)?;
        let env = Env {
            order: catalog.names(),
            catalog,
            schema: module.schema_name.clone(),
            settings: BindSettings {
                quoted_identifier: module.quoted_identifier,
                ansi_nulls: module.ansi_nulls,
                ..self.env.settings
            },
            parameters: Some(parameters),
            tables,
            namespaces: Vec::new(),
        };
        let saved_env = std::mem::replace(&mut self.env, env);
        let unbound = self.unbound.take();
        let saved_levels = std::mem::take(&mut self.levels);
        let saved_ctes = std::mem::take(&mut self.ctes);
        let through = self.through.replace((module.database_id, module.object_id));
        self.module_depth += 1;
        let result = self.nested(|b| b.bind_query(&query, QueryRole::View));
        self.module_depth -= 1;
        self.through = through;
        self.env = saved_env;
        self.unbound = unbound;
        self.levels = saved_levels;
        self.ctes = saved_ctes;
        match result {
            Ok(plan) => Ok((plan, columns)),
            Err(mut e) => {
                if e.procedure.is_empty() {
                    e.procedure = module.name.to_string();
                }
                Err(e)
            }
        }
    }
}
