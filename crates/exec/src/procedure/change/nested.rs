//! INSERT … SELECT … FROM (INSERT | UPDATE | DELETE | MERGE … OUTPUT …): the rows of the inner change's OUTPUT become rows of the
//! outer table.
//!
//! Invariants
//! 1. Both changes are one statement: what fails in the outer one takes the inner one back.
//! 2. The outer statement is bound over an empty table of the OUTPUT's columns before the inner one runs.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::change::{BoundChange, TargetTable};
use holdfast_tsql::ast::query::{TableKind, TableRef};
use holdfast_tsql::ast::{
    Delete, DmlTarget, Ident, Insert, InsertSource, Merge, Query, QueryBody, StatementKind, Update, With,
};
use holdfast_types::SqlError;

use super::{INSERT, Runner, refuse_output, temporal};
use crate::procedure::memory_table::MemoryTable;
use crate::procedure::query::plain_column;
use crate::procedure::run::{Fail, Scope, scope_names};
use crate::procedure::unit::{Folding, with_bind_context};
use crate::row_store::Pool;

/// The name under which the outer statement reads the inner one's rows; no variable has it.
const SOURCE: &str = "@(change)";

/// A change that is the only source of an INSERT's rows.
pub(super) struct Nested<'i> {
    query: &'i Query,
    change: &'i StatementKind,
    alias: Option<&'i Ident>,
    columns: &'i [Ident],
}

/// The change in the FROM clause of an INSERT's query.
pub(super) fn nested(i: &Insert) -> Option<Nested<'_>> {
    let InsertSource::Query(query) = &i.source else { return None };
    let QueryBody::Select(s) = &query.body else { return None };
    let [TableRef { kind: TableKind::Paren(inner), .. }] = s.from.as_slice() else { return None };
    let TableKind::Change { change, alias, columns } = &inner.kind else { return None };
    Some(Nested { query, change, alias: alias.as_ref(), columns })
}

/// Clauses that the outer SELECT may not have.
fn check_outer(n: &Nested<'_>) -> Result<(), SqlError> {
    let QueryBody::Select(s) = &n.query.body else { return Ok(()) };
    let clause = match () {
        () if s.distinct => return Err(SqlError::new(10722, &[])),
        () if s.top.is_some() || n.query.offset.is_some() => "TOP or OFFSET",
        () if s.group_by.is_some() => "GROUP BY",
        () if s.having.is_some() => "HAVING",
        () if !n.query.order_by.is_empty() => "ORDER BY",
        () => return Ok(()),
    };
    Err(SqlError::new(10717, &[&clause]))
}

/// What the table that gets the rows may not have.
fn check_target(i: &Insert, target: &TargetTable) -> Result<(), SqlError> {
    let name = match &i.target {
        DmlTarget::Named { name, .. } => name.to_string(),
        DmlTarget::Variable(v) => v.clone(),
        DmlTarget::Rowset(_) => String::new(),
    };
    if target.is_view {
        return Err(SqlError::new(354, &[&name]));
    }
    if target.triggers.iter().any(|t| !t.def.disabled) {
        return Err(SqlError::new(355, &[&name]));
    }
    let mut keys = target.rules.foreign_keys.iter().chain(&target.rules.referencing);
    match keys.find(|k| !k.disabled) {
        Some(key) => Err(SqlError::new(356, &[&name, &key.name])),
        None => Ok(()),
    }
}

fn not_a_change() -> Fail {
    Fail::Compile(SqlError::new(10716, &[]))
}

/// An empty table of the columns of the inner OUTPUT clause.
fn output_table(n: &Nested<'_>, inner: &BoundChange, pool: &Arc<Pool>) -> Result<MemoryTable, SqlError> {
    let label = n.alias.map_or("", |a| a.text.as_str());
    let Some(output) = inner.output.first() else { return Err(SqlError::new(10716, &[])) };
    if inner.output.iter().any(|o| o.into.is_some()) {
        return Err(SqlError::new(10720, &[]));
    }
    if inner.current_of.is_some() {
        return Err(SqlError::new(10721, &[]));
    }
    if !n.columns.is_empty() && n.columns.len() != output.columns.len() {
        let number = if n.columns.len() < output.columns.len() { 8158 } else { 8159 };
        return Err(SqlError::new(number, &[&label]));
    }
    let mut columns = Vec::with_capacity(output.columns.len());
    for (i, c) in output.columns.iter().enumerate() {
        let name = n.columns.get(i).map_or(&*c.name, |n| n.text.as_str());
        if name.is_empty() {
            return Err(SqlError::new(8155, &[&(i + 1), &label]));
        }
        columns.push(plain_column(name, i, c.ty, c.nullable));
    }
    Ok(MemoryTable::new(label, columns, pool))
}

/// Both statements, and the table that stands between them.
struct Bound {
    inner: Arc<BoundChange>,
    outer: Arc<BoundChange>,
    table: MemoryTable,
}

impl Runner<'_> {
    pub(super) fn insert_nested(
        &mut self,
        i: &Insert,
        n: &Nested<'_>,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let bound = self.bind_nested(i, n, scope)?;
        let done = self.carry_out_nested(n, &bound, scope)?;
        self.tell(&bound.outer, done, INSERT)
    }

    /// Whether an INSERT can be bound, before it runs.
    pub fn check_insert(&mut self, i: &Insert, scope: &Scope) -> Result<(), Fail> {
        match nested(i) {
            Some(n) => self.bind_nested(i, &n, scope).map(|_| ()),
            None => self.plan_insert(i, scope).map(|_| ()),
        }
    }

    fn bind_nested(&mut self, i: &Insert, n: &Nested<'_>, scope: &Scope) -> Result<Bound, Fail> {
        check_outer(n).map_err(Fail::Compile)?;
        let inner = match (n.change, &i.with) {
            (StatementKind::Insert(x), None) => self.plan_insert(x, scope)?,
            (StatementKind::Update(x), None) => self.plan_update(x, scope)?,
            (StatementKind::Delete(x), None) => self.plan_delete(x, scope)?,
            (StatementKind::Merge(x), None) => self.plan_merge(x, scope)?,
            (change, Some(with)) => self.bind_with(change, with, scope)?,
            _ => return Err(not_a_change()),
        };
        let table = output_table(n, &inner, &self.session.host.temporary_rows).map_err(Fail::Compile)?;
        refuse_output(&inner)?;
        temporal::refuse_history(&inner)?;
        let mut outer = i.clone();
        if let InsertSource::Query(q) = &mut outer.source
            && let QueryBody::Select(s) = &mut q.body
            && let Some(from) = s.from.first_mut()
        {
            let alias = n.alias.cloned();
            from.kind = TableKind::Variable { name: SOURCE.to_owned(), alias, hints: Vec::new() };
        }
        let names = scope_names(&self.session, scope, &self.temporary).with_table(SOURCE, &table);
        let evaluator = Folding(self.context(scope));
        let outer =
            with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::bind_insert(&outer, cx))?
                .map_err(Fail::Compile)?;
        check_target(i, &outer.target).map_err(Fail::Compile)?;
        temporal::refuse_history(&outer)?;
        self.authorize(&outer.accesses, scope)?;
        Ok(Bound { inner, outer: Arc::new(outer), table })
    }

    /// The inner change with the statement's common table expressions.
    fn bind_with(
        &mut self,
        change: &StatementKind,
        with: &With,
        scope: &Scope,
    ) -> Result<Arc<BoundChange>, Fail> {
        let with = || Some(with.clone());
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound = with_bind_context(&names.names(), &evaluator, |cx| match change {
            StatementKind::Insert(x) => {
                Some(holdfast_plan::bind_insert(&Insert { with: with(), ..(**x).clone() }, cx))
            }
            StatementKind::Update(x) => {
                Some(holdfast_plan::bind_update(&Update { with: with(), ..(**x).clone() }, cx))
            }
            StatementKind::Delete(x) => {
                Some(holdfast_plan::bind_delete(&Delete { with: with(), ..(**x).clone() }, cx))
            }
            StatementKind::Merge(x) => {
                Some(holdfast_plan::bind_merge(&Merge { with: with(), ..(**x).clone() }, cx))
            }
            _ => None,
        })?;
        let bound = bound.ok_or_else(not_a_change)?.map_err(Fail::Compile)?;
        self.authorize(&bound.accesses, scope)?;
        Ok(Arc::new(bound))
    }

    fn carry_out_nested(
        &mut self,
        n: &Nested<'_>,
        bound: &Bound,
        scope: &mut Scope,
    ) -> Result<super::Done, Fail> {
        let Bound { inner, outer, table } = bound;
        self.changing(|r, _| {
            r.surroundings.parts = true;
            let inside = r.carry_out(inner, scope, |r, change, scope| match n.change {
                StatementKind::Merge(_) => r.merge_rows(inner, change, scope),
                StatementKind::Insert(_) => r.insert_rows(inner, change, scope),
                _ => r.change_rows(inner, change, scope),
            });
            r.surroundings.parts = false;
            let (output, _, _) = inside?;
            for rows in output {
                let mut rows = rows.open();
                while let Some(batch) = rows.next_batch()? {
                    table.rows.append_batch(&batch)?;
                }
            }
            r.carry_out(outer, scope, |r, change, scope| r.insert_rows(outer, change, scope))
        })
    }
}
