//! What a table asks of its rows, bound: defaults, computed columns, checks, filters of indexes, triggers.
//!
//! Invariants
//! 1. Expressions are over a row of the table: column i of the table is position i.

use std::borrow::Cow;
use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, ModuleDef, ObjectDef, TableDef, TriggerDef};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{Ddl, QueryBody, StatementKind, TableKind, TableRef};
use holdfast_types::{SqlError, SqlResult, TypeId};

use super::{Binder, Coerce, ScopeColumn, Source, Typed};
use crate::build::Builder;
use crate::change::{BoundCheck, BoundComputed, BoundTrigger, TargetTable};
use crate::cost::Estimator;
use crate::expr::Expr;
use crate::logical::{Col, ColumnId};
use crate::rules::rewrite_expr;

impl Binder<'_> {
    /// Binds everything that changes of a table must obey.
    pub fn bind_target_table(
        &mut self,
        table: &Arc<TableDef>,
        catalog: Option<&Arc<dyn Catalog>>,
        is_view: bool,
    ) -> SqlResult<TargetTable> {
        self.depends_on(table.database_id, table.object_id);
        let rules = self.cx.names.rules(table)?;
        let ids: Vec<ColumnId> = (0..table.columns.len()).collect();
        let scope = row_scope(&table.columns);
        let outer = catalog.or(Some(&self.env.catalog)).cloned();
        let catalog = outer.as_ref();
        let mut slots = self.next_slot;
        let cx = self.cx;
        let mut placed = |b: &mut Self, e: Expr| -> SqlResult<Expr> {
            let mut e = rewrite_expr(e, cx);
            let mut estimator = Estimator::default();
            estimator.learn_expr(&mut e);
            let mut builder = Builder::new(cx, estimator, b.next_slot);
            let e = builder.place(&e, &ids)?;
            slots = slots.max(builder.next_slot);
            Ok(e)
        };
        let mut defaults = Vec::with_capacity(table.columns.len());
        let mut computed = Vec::new();
        for (ordinal, c) in table.columns.iter().enumerate() {
            let default = c.default.as_deref().and_then(default_text).map(|text| {
                let text = text.as_ref();
                let t = self.bind_row_text(text, Vec::new(), catalog)?;
                let e = self.assign(t, c.ty)?;
                placed(self, e)
            });
            defaults.push(default);
            let Some(text) = c.computed.as_deref() else { continue };
            let stored = c.persisted || in_an_index(table, ordinal);
            let bound = self
                .bind_row_text(text, scope.clone(), catalog)
                .and_then(|t| self.assign(t, c.ty))
                .and_then(|e| placed(self, e));
            match bound {
                Ok(value) => computed.push(BoundComputed { ordinal, value, stored }),
                Err(e) if stored => return Err(e),
                // Nothing that is written needs it.
                Err(_) => {}
            }
        }
        let mut checks = Vec::new();
        for check in rules.checks.iter().filter(|c| !c.disabled) {
            let e = self.bind_row_condition(&check.text, scope.clone(), catalog)?;
            let column = table.columns.iter().find(|c| c.column_id == check.column_id);
            let condition = placed(self, e)?;
            let mut columns = Vec::new();
            condition.columns(&mut columns);
            checks.push(BoundCheck {
                name: check.name.clone(),
                column: column.map(|c| c.name.clone()),
                condition,
                columns,
                of_view: false,
                rule: false,
            });
        }
        for (column, name, text) in &rules.bound {
            let Some(c) = table.columns.iter().find(|c| c.column_id == *column) else { continue };
            let Some(condition) = rule_over(text, &c.name) else { continue };
            let e = self.bind_row_condition(&condition, scope.clone(), catalog)?;
            let condition = placed(self, e)?;
            let mut columns = Vec::new();
            condition.columns(&mut columns);
            let (name, column) = (name.clone(), Some(c.name.clone()));
            checks.push(BoundCheck { name, column, condition, columns, of_view: false, rule: true });
        }
        let mut filters = Vec::new();
        for index in table.indexes.iter().filter(|i| !i.disabled) {
            if let Some(text) = &index.filter {
                let e = self.bind_row_condition(text, scope.clone(), catalog)?;
                filters.push((index.index_id, placed(self, e)?));
            }
        }
        let triggers = rules.triggers.iter().filter_map(trigger).collect();
        let views = match catalog.filter(|c| c.database_id() == table.database_id && !is_view) {
            Some(c) => c.views_over(table.object_id)?,
            None => Arc::default(),
        };
        Ok(TargetTable {
            table: Arc::clone(table),
            is_view,
            defaults,
            computed,
            checks,
            filters,
            triggers,
            identity: table.columns.iter().position(|c| c.identity.is_some()),
            row_version: table.columns.iter().position(is_row_version),
            views,
            rules,
            full_name: super::super::temporal::full_name(table, catalog).into(),
        })
    }

    /// WITH CHECK OPTION of the view through which `target` is changed: rows must stay in the view.
    pub(super) fn add_check_option(
        &mut self,
        view: &Arc<ModuleDef>,
        catalog: &Arc<dyn Catalog>,
        target: &mut TargetTable,
    ) -> SqlResult<()> {
        let options = ParseOptions { quoted_identifier: view.quoted_identifier };
        let Ok(batch) = holdfast_tsql::parse_batch(&view.text, &options) else { return Ok(()) };
        let found = batch.statements.into_iter().find_map(|s| match s.kind {
            StatementKind::Ddl(d) => match *d {
                Ddl::CreateView(v) => Some(v),
                _ => None,
            },
            _ => None,
        });
        let Some(v) = found.filter(|v| v.check_option) else { return Ok(()) };
        let refuse = || {
            SqlError::not_supported(format!(
                "Changing rows through the view '{}' WITH CHECK OPTION",
                view.name
            ))
        };
        let QueryBody::Select(select) = &v.query.body else { return Err(refuse()) };
        let [TableRef { kind: TableKind::Named(named), .. }] = select.from.as_slice() else {
            return Err(refuse());
        };
        let schema = named.name.schema.as_ref().map_or(&*view.schema_name, |s| s.text.as_str());
        let base = catalog.object(schema, &named.name.name.text);
        if !matches!(base, Some(ObjectDef::Table(t)) if t.object_id == target.table.object_id) {
            return Err(refuse());
        }
        let Some(filter) = &select.filter else { return Ok(()) };
        let label = named.alias.as_ref().map_or(&named.name.name.text, |a| &a.text);
        let source = Source {
            name: Some(label.as_str().into()),
            schema: Some(target.table.schema_name.clone()),
            aliased: named.alias.is_some(),
            columns: row_scope(&target.table.columns),
            ..Source::default()
        };
        let condition = self.over_row(source, Some(catalog), |b| b.bind_condition(filter))?;
        let mut condition = rewrite_expr(condition, self.cx);
        let mut estimator = Estimator::default();
        estimator.learn_expr(&mut condition);
        let ids: Vec<ColumnId> = (0..target.table.columns.len()).collect();
        let mut builder = Builder::new(self.cx, estimator, self.next_slot);
        let condition = builder.place(&condition, &ids)?;
        target.checks.push(BoundCheck {
            name: view.name.clone(),
            column: None,
            condition,
            columns: Vec::new(),
            of_view: true,
            rule: false,
        });
        Ok(())
    }

    /// The text of a computed column, over columns that need no table yet.
    pub fn bind_computed(&mut self, text: &str, columns: &[ColumnDef]) -> SqlResult<Typed> {
        self.bind_row_text(text, row_scope(columns), None)
    }
}

/// The expression of a default: that of a constraint as it is, that of CREATE DEFAULT out of its text.
fn default_text(text: &str) -> Option<Cow<'_, str>> {
    if text.is_empty() {
        return None;
    }
    let words = text.get(..text.len().min(2000)).unwrap_or(text).to_ascii_uppercase();
    if text.starts_with('(') || !words.contains("CREATE") {
        return Some(Cow::Borrowed(text));
    }
    match only_ddl(text) {
        Some(Ddl::CreateDefault { value, .. }) => Some(Cow::Owned(value.span.text(text).to_owned())),
        _ => Some(Cow::Borrowed(text)),
    }
}

/// The condition of CREATE RULE with a column in the place of its variable.
fn rule_over(text: &str, column: &str) -> Option<String> {
    let Some(Ddl::CreateRule { condition, variable, .. }) = only_ddl(text) else { return None };
    let quoted = format!("[{}]", column.replace(']', "]]"));
    let (mut out, mut from) = (String::new(), condition.span.start as usize);
    for v in variable {
        out.push_str(text.get(from..v.start as usize)?);
        out.push_str(&quoted);
        from = v.end as usize;
    }
    out.push_str(text.get(from..condition.span.end as usize)?);
    Some(out)
}

fn only_ddl(text: &str) -> Option<Ddl> {
    let batch = holdfast_tsql::parse_batch(text, &ParseOptions { quoted_identifier: true }).ok()?;
    batch.statements.into_iter().find_map(|s| match s.kind {
        StatementKind::Ddl(d) => Some(*d),
        _ => None,
    })
}

/// Columns of a row under their ordinals.
fn row_scope(columns: &[ColumnDef]) -> Vec<ScopeColumn> {
    let column = |(i, c): (usize, &ColumnDef)| ScopeColumn {
        name: c.name.clone(),
        col: Col { id: i, ty: c.ty, nullable: c.nullable },
        coerce: Coerce::Implicit,
        meta: None,
        hidden: c.is_hidden,
        origin: None,
    };
    columns.iter().enumerate().map(column).collect()
}

pub(super) fn is_row_version(c: &ColumnDef) -> bool {
    c.ty.id == TypeId::RowVersion
}

fn in_an_index(table: &TableDef, ordinal: usize) -> bool {
    table.indexes.iter().any(|i| i.keys.iter().any(|k| k.ordinal == ordinal) || i.included.contains(&ordinal))
}

/// What a trigger's text says in its header; `None` for a text that is no such trigger.
fn trigger(def: &TriggerDef) -> Option<BoundTrigger> {
    let header = parse_trigger(&def.module).ok()?;
    let has = |word: &str| header.1.iter().any(|e| e == word);
    Some(BoundTrigger {
        def: def.clone(),
        instead_of: header.0,
        insert: has("INSERT"),
        update: has("UPDATE"),
        delete: has("DELETE"),
    })
}

fn parse_trigger(module: &ModuleDef) -> SqlResult<(bool, Vec<String>)> {
    let options = ParseOptions { quoted_identifier: module.quoted_identifier };
    let batch = holdfast_tsql::parse_batch(&module.text, &options)
        .map_err(|_| SqlError::new(102, &[&module.name]))?;
    for s in batch.statements {
        if let StatementKind::Ddl(d) = s.kind
            && let Ddl::CreateTrigger(t) = *d
        {
            return Ok((t.instead_of, t.events));
        }
    }
    Err(SqlError::new(102, &[&module.name]))
}
