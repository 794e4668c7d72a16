//! KEYSET cursors: OPEN fixes by their keys which rows they have, FETCH reads the row as it is now.
//!
//! Invariants
//! 1. A row whose key is not there any more (deleted, or changed) is missing: @@FETCH_STATUS -2.
//! 2. Over one table the row stays when it has stopped to fulfil the query's WHERE; over several the join decides.
//! 3. What is inserted through a client's cursor over one table comes to stand at its end ([`super::cursor_block`]).
//! 4. Without a unique index under every table, and for queries that group, number or combine rows, the rows are those of OPEN,
//!    as the server makes such cursors STATIC.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexDef, IndexKey, IndexKind, ObjectDef, TableDef};
use holdfast_plan::ParamId;
use holdfast_tsql::Span;
use holdfast_tsql::ast::walk::{Met, walk_query};
use holdfast_tsql::ast::{
    ComparisonOp, Expr, ExprKind, Ident, JoinKind, NamedTable, QueryBody, SelectItem, SelectStatement,
    TableHint, TableKind, TableRef,
};
use holdfast_types::Value;

use super::cursor::Keyed;
use super::run::{Fail, Runner, Scope};
use super::unit::{Unit, VariableSlot};

/// What reads one row of a keyset.
pub struct Keyset {
    /// The query with the keys of its tables after its columns.
    pub keyed: Arc<SelectStatement>,
    /// The same for one row, whose keys are variables of `unit`.
    one: SelectStatement,
    /// That with update locks.
    locking: SelectStatement,
    /// Names are those of the database where the cursor was opened.
    database: i32,
    unit: Arc<Unit>,
    first: u32,
    /// How many columns the keys have.
    pub count: usize,
    /// The one table and the places of its key's columns.
    pub of_one: Option<((i32, i32), Vec<usize>)>,
    /// The rows of a join in no order: SQL Server reads such a cursor anew at every FETCH, which leaves out what is missing.
    pub goes_on: bool,
}

/// The tables of a FROM clause, when nothing else stands in it.
fn tables<'a>(list: &'a [TableRef], out: &mut Vec<&'a NamedTable>) -> bool {
    list.iter().all(|t| match &t.kind {
        TableKind::Named(n) => {
            out.push(n);
            n.sample.is_none() && n.system_time.is_none()
        }
        TableKind::Join { kind: JoinKind::Inner | JoinKind::Cross, left, right, .. } => {
            tables(std::slice::from_ref(left), out) && tables(std::slice::from_ref(right), out)
        }
        TableKind::Paren(inner) => tables(std::slice::from_ref(inner), out),
        _ => false,
    })
}

/// Has the tables of a FROM clause read with update locks.
fn lock(list: &mut [TableRef]) {
    for t in list {
        match &mut t.kind {
            TableKind::Named(n) => {
                n.hints.push(TableHint {
                    name: "UPDLOCK".into(),
                    arguments: Vec::new(),
                    columns: Vec::new(),
                });
            }
            TableKind::Join { left, right, .. } => {
                lock(std::slice::from_mut(left));
                lock(std::slice::from_mut(right));
            }
            TableKind::Paren(inner) => lock(std::slice::from_mut(inner)),
            _ => {}
        }
    }
}

/// Ordinals of a table's shortest way to name a row; NULLs name none.
fn key_of(table: &TableDef) -> Option<Vec<usize>> {
    let given = |k: &IndexKey| table.columns.get(k.ordinal).is_some_and(|c| !c.nullable);
    let names = |i: &&IndexDef| i.unique && !i.disabled && i.filter.is_none() && i.keys.iter().all(given);
    let unique = || table.indexes.iter().filter(names);
    let found = unique().find(|i| i.kind == IndexKind::Clustered).or_else(|| unique().next())?;
    Some(found.keys.iter().map(|k| k.ordinal).collect())
}

impl Runner<'_> {
    fn table_named(&self, n: &NamedTable, scope: &Scope) -> Option<Arc<TableDef>> {
        if n.name.name.text.starts_with('#') {
            use holdfast_plan::NameResolver;
            let names = super::run::scope_names(&self.session, scope, &self.temporary);
            return names.names().temp_table(&n.name.name.text);
        }
        let database = match &n.name.database {
            Some(d) => self.session.host.database(&d.text).ok()?,
            None => self.session.names_database(),
        };
        match self.find_object(database, &n.name).ok()?.1 {
            Some(ObjectDef::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// How the rows of a cursor's query are found again; `None`: they are those of OPEN (invariant 4).
    pub(super) fn keyset_of(&self, query: &SelectStatement, scope: &Scope) -> Option<Keyset> {
        let QueryBody::Select(select) = &query.query.body else { return None };
        let mut named = Vec::new();
        let plain = query.query.with.is_none()
            && query.query.offset.is_none()
            && query.query.for_clause.is_none()
            && !select.distinct
            && select.into.is_none()
            && select.group_by.is_none()
            && select.having.is_none()
            && tables(&select.from, &mut named)
            && !named.is_empty();
        let mut numbers = false;
        walk_query(&query.query, &mut |met| numbers |= matches!(met, Met::Call(c) if c.over.is_some()));
        if !plain || numbers {
            return None;
        }
        let unit = &scope.unit;
        let mut layout = unit.layout.clone();
        let (first, span) = (layout.frame_size, Span::default());
        let (mut items, mut conditions) = (Vec::new(), Vec::new());
        let mut of_one = None;
        for n in &named {
            let table = self.table_named(n, scope)?;
            let mut label: Vec<Ident> = match &n.alias {
                Some(alias) => vec![alias.clone()],
                None => n.name.schema.iter().chain([&n.name.name]).cloned().collect(),
            };
            let key = key_of(&table)?;
            of_one = Some(((table.database_id, table.object_id), key.clone()));
            for ordinal in key {
                let column = &table.columns[ordinal];
                label.push(Ident { quoted: true, ..Ident::new(&*column.name) });
                let expr = Expr { kind: ExprKind::Column(label.clone()), span };
                label.pop();
                let variable = format!("@\u{1}key{}", items.len());
                let slot = ParamId(layout.frame_size);
                layout.frame_size += 1;
                layout.variables.insert(variable.clone(), VariableSlot { slot, ty: column.ty });
                let value = Expr { kind: ExprKind::Variable(variable), span };
                let (left, right) = (Box::new(expr.clone()), Box::new(value));
                let same = ExprKind::Comparison { op: ComparisonOp::Equal, left, right };
                conditions.push(Expr { kind: same, span });
                items.push(SelectItem::Expr { expr, alias: None });
            }
        }
        let count = items.len();
        let with_items = |filter: Option<Expr>| {
            let mut query = query.clone();
            if let QueryBody::Select(s) = &mut query.query.body {
                s.items.extend(items.iter().cloned());
                s.filter = filter;
            }
            query
        };
        let keyed = Arc::new(with_items(select.filter.clone()));
        if named.len() > 1 {
            conditions.extend(select.filter.clone());
        }
        let condition = match conditions.len() {
            1 => conditions.pop(),
            _ => Some(Expr { kind: ExprKind::And(conditions), span }),
        };
        let mut one = with_items(condition);
        one.query.order_by.clear();
        if let QueryBody::Select(s) = &mut one.query.body {
            s.top = None;
        }
        let mut locking = one.clone();
        if let QueryBody::Select(s) = &mut locking.query.body {
            lock(&mut s.from);
        }
        let unit = Unit::new(&unit.text, unit.parameters.clone(), Vec::new(), layout);
        let database = self.session.names_database().id;
        let goes_on = named.len() > 1 && query.query.order_by.is_empty() && select.top.is_none();
        let of_one = of_one.filter(|_| named.len() == 1);
        Some(Keyset { keyed, one, locking, database, unit, first, count, of_one, goes_on })
    }

    /// A row of a keyset as it is now; `None`: it is missing (invariant 1).
    pub(super) fn keyset_row(
        &mut self,
        keyed: &Keyed,
        columns: usize,
        scope: &Scope,
    ) -> Result<Option<Vec<Value>>, Fail> {
        let keyset = &keyed.keyset;
        let mut inner = Scope::new(Arc::clone(&keyset.unit), &self.session.host.temporary_rows);
        let mut frame = (*keyed.frame).clone();
        frame.resize(keyset.first as usize, Value::Null);
        frame.extend(keyed.row.iter().skip(columns).take(keyset.count).cloned());
        inner.frame = Arc::new(frame);
        inner.tables = scope.tables.clone();
        inner.trigger = scope.trigger.clone();
        inner.module = scope.module;
        inner.schema = scope.schema.clone();
        let query = if keyed.locks.is_some() { &keyset.locking } else { &keyset.one };
        self.with_names_of(keyset.database, |runner| {
            let bound = runner.plan_cursor(query, &inner)?;
            let rows = runner.rows_under(&bound, &runner.context_held(&inner, keyed.locks.as_ref()))?;
            Ok(rows.into_iter().next())
        })
    }
}
