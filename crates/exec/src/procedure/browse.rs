//! Browse mode: SELECT … FOR BROWSE and SET NO_BROWSETABLE ON. Clients that write rows back by their keys (a .NET SqlCommandBuilder, typed
//! data sets, updatable rowsets of OLE DB) learn which table and column each column of an answer is, and which are its key.
//!
//! Invariants
//! 1. Columns count as a key only when they are the whole primary key of their table: part of one would find other rows, too.
//! 2. Key columns that a query does not ask for come behind its own, marked as hidden; where they cannot (groups, set operations, a table
//!    that stands twice), there is no key.
//!
//! Source: [MS-TDS] 2.2.7.5 and 2.2.7.23 (COLINFO, TABNAME).

use std::sync::Arc;

use holdfast_engine::catalog::{ObjectDef, TableDef};
use holdfast_plan::BoundQuery;
use holdfast_tsql::ast::query::{ForClause, JoinKind, QueryBody, SelectItem, TableKind, TableRef};
use holdfast_tsql::ast::{Expr, ExprKind, Ident, SelectStatement};

use super::query::{SELECT, Sent, result_column};
use super::run::{Fail, Runner, Scope};
use super::state::SharedSession;
use crate::session::{ColumnOrigin, ColumnSource, Origins, ResultColumn};

/// A table of FROM: what its columns are called by, and what it is.
struct Member {
    label: Ident,
    table: Arc<TableDef>,
}

fn named<'q>(t: &'q TableRef, out: &mut Vec<&'q holdfast_tsql::ast::query::NamedTable>) -> bool {
    match &t.kind {
        TableKind::Named(n) => {
            out.push(n);
            true
        }
        TableKind::Join { kind: JoinKind::Inner | JoinKind::Cross | JoinKind::Left, left, right, .. } => {
            named(left, out) && named(right, out)
        }
        TableKind::Paren(t) => named(t, out),
        _ => false,
    }
}

/// Names of a table's primary key.
fn key_of(table: &TableDef) -> Vec<Arc<str>> {
    let key = table.indexes.iter().find(|i| i.primary_key);
    let columns = key.into_iter().flat_map(|i| &i.keys);
    columns.filter_map(|k| table.columns.get(k.ordinal)).map(|c| Arc::clone(&c.name)).collect()
}

/// Whether a SELECT is in browse mode, which the session may have on; one that sets variables answers nothing.
pub(super) fn browses(q: &SelectStatement, on: bool) -> bool {
    let assigns = |i: &SelectItem| matches!(i, SelectItem::Assign { .. });
    (on || matches!(q.query.for_clause, Some(ForClause::Browse)))
        && !matches!(&q.query.body, QueryBody::Select(s) if s.items.iter().any(assigns))
}

impl Runner<'_> {
    /// A SELECT in browse mode. Its plan is not kept.
    pub(super) fn select_browsed(&mut self, q: &SelectStatement, scope: &mut Scope) -> Result<(), Fail> {
        let mut bound = self.bind_fresh(q, scope)?;
        let own = bound.columns.len();
        if let Some(extended) = self.with_keys(q, &bound)?
            && let Ok(with_keys) = self.bind_fresh(&extended, scope)
        {
            bound = with_keys;
        }
        self.authorize(&bound.accesses, scope)?;
        self.may_answer()?;
        if self.only_describes() {
            self.tell_columns(&bound, Some(own))?;
            return self.counted(0, SELECT, true);
        }
        let context = self.context(scope);
        let mut sent = Sent { browsed: Some(own), ..Sent::default() };
        self.send(&bound, &context, &mut sent)?;
        self.warn_of_nulls(&context)?;
        self.counted(sent.rows, SELECT, true)
    }

    /// The query with the key columns that it does not ask for; `None`: there are none, or they cannot be added.
    fn with_keys(
        &mut self,
        q: &SelectStatement,
        bound: &BoundQuery,
    ) -> Result<Option<SelectStatement>, Fail> {
        let QueryBody::Select(select) = &q.query.body else { return Ok(None) };
        let plain = !select.distinct && select.group_by.is_none() && select.having.is_none();
        let mut tables = Vec::new();
        if !plain || !select.from.iter().all(|t| named(t, &mut tables)) {
            return Ok(None);
        }
        let mut members: Vec<Member> = Vec::new();
        for n in tables {
            let Some((_, Some(ObjectDef::Table(table)))) = self.look_up(&n.name)? else { return Ok(None) };
            if members.iter().any(|m| m.table.object_id == table.object_id) {
                return Ok(None);
            }
            let label = n.alias.clone().unwrap_or_else(|| n.name.name.clone());
            members.push(Member { label, table });
        }
        let asked = |m: &Member, column: &str| {
            bound.columns.iter().filter_map(|c| c.source.as_ref()).any(|s| {
                *s.table == *m.table.name && *s.schema == *m.table.schema_name && *s.column == *column
            })
        };
        let mut added = Vec::new();
        for m in &members {
            for column in key_of(&m.table).iter().filter(|c| !asked(m, c)) {
                let name = vec![m.label.clone(), Ident::new(column.to_string())];
                let expr = Expr::new(ExprKind::Column(name), select.span);
                added.push(SelectItem::Expr { expr, alias: None });
            }
        }
        if added.is_empty() {
            return Ok(None);
        }
        let mut extended = q.clone();
        if let QueryBody::Select(select) = &mut extended.query.body {
            select.items.extend(added);
        }
        Ok(Some(extended))
    }

    /// Where the columns of an answer come from; those from `own` on are hidden.
    pub(super) fn origins(&self, bound: &BoundQuery, own: usize) -> Origins {
        let columns: Vec<ResultColumn> = bound.columns.iter().map(result_column).collect();
        let mut origins = column_origins(&columns, &self.session);
        for c in origins.columns.iter_mut().skip(own) {
            c.hidden = true;
        }
        origins
    }
}

/// Where columns come from; which of them are a key goes by whether the whole key is among them.
pub(super) fn column_origins(all: &[ResultColumn], session: &SharedSession) -> Origins {
    let mut tables: Vec<(Vec<Arc<str>>, Vec<Arc<str>>)> = Vec::new();
    let here = session.current_database();
    let mut columns = Vec::with_capacity(all.len());
    for c in all {
        let Some(s) = &c.source else {
            columns.push(ColumnOrigin { table: 0, key: false, hidden: false, base_name: None });
            continue;
        };
        let mut name = vec![Arc::clone(&s.schema), Arc::clone(&s.table)];
        if *s.database != *here.name {
            name.insert(0, Arc::clone(&s.database));
        }
        let at = match tables.iter().position(|t| t.0 == name) {
            Some(at) => at,
            None => {
                let of_table = |column: &str| {
                    let same = |o: &ColumnSource| {
                        (&o.database, &o.schema, &o.table) == (&s.database, &s.schema, &s.table)
                            && *o.column == *column
                    };
                    all.iter().filter_map(|c| c.source.as_ref()).any(|o| same(o))
                };
                let mut key = primary_key(session, s);
                if !key.iter().all(|column| of_table(column)) {
                    key.clear();
                }
                tables.push((name, key));
                tables.len() - 1
            }
        };
        columns.push(ColumnOrigin {
            table: at + 1,
            key: tables[at].1.contains(&s.column),
            hidden: false,
            base_name: (*c.name != *s.column).then(|| Arc::clone(&s.column)),
        });
    }
    Origins { tables: tables.into_iter().map(|t| t.0).collect(), columns }
}

fn primary_key(session: &SharedSession, of: &ColumnSource) -> Vec<Arc<str>> {
    use holdfast_engine::catalog::Catalog;
    let Ok(database) = session.host.database(&of.database) else { return Vec::new() };
    match database.object(&of.schema, &of.table) {
        Some(ObjectDef::Table(t)) => key_of(&t),
        _ => Vec::new(),
    }
}
