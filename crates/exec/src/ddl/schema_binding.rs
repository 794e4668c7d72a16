//! What views and functions may not be: temporary, the making of a table, or schema-bound to what is not named whole.
//!
//! Invariants
//! 1. A schema-bound text names its tables in two parts (4512), and columns one by one (1054): what it means cannot change
//!    with the reader or with a new column. Common tables, variables and built-in row sources have one part.
//! 2. `*` under EXISTS stands for no column and is let pass, as in COUNT(*).

use holdfast_tsql::ast::walk::{Met, walk_query, walk_statements};
use holdfast_tsql::ast::{
    ObjectName, Query, QueryBody, Select, SelectItem, Statement, TableKind, TableRef, With,
};
use holdfast_types::SqlError;

/// 4103 and 1074.
pub fn refuse_temporary(name: &ObjectName, function: bool) -> Result<(), SqlError> {
    match name.name.text.starts_with('#') {
        true if function => Err(SqlError::new(1074, &[])),
        true => Err(SqlError::new(4103, &[&name.name.text])),
        false => Ok(()),
    }
}

/// 156: a view makes no table.
pub fn refuse_into(body: &QueryBody) -> Result<(), SqlError> {
    let mut body = body;
    // INTO stands in the first SELECT of a chain of set operations.
    loop {
        body = match body {
            QueryBody::Set { left, .. } => left,
            QueryBody::Paren(q) => &q.body,
            QueryBody::Select(s) if s.into.is_some() => {
                return Err(SqlError::new(156, &[&"into"]).at_line(s.span.line));
            }
            QueryBody::Select(_) | QueryBody::Values(_) => return Ok(()),
        };
    }
}

/// The text of a schema-bound module.
pub enum Bound<'a> {
    Query(&'a Query),
    Statements(&'a [Statement]),
}

/// Invariant 1; `what` is "view" or "function", `shown` its name in two parts.
pub fn check(bound: &Bound<'_>, what: &str, shown: &str) -> Result<(), SqlError> {
    let mut refused = None;
    let mut see = |met: Met<'_>| {
        if let Met::Rows(name) = met
            && (name.schema.is_none() || name.database.is_some())
            && refused.is_none()
        {
            refused = Some(SqlError::new(4512, &[&what, &shown, name]).state(3));
        }
    };
    match bound {
        Bound::Query(q) => {
            if let Some(line) = star_of_query(q) {
                return Err(SqlError::new(1054, &[&"*"]).at_line(line));
            }
            walk_query(q, &mut see);
        }
        Bound::Statements(list) => walk_statements(list, &mut see),
    }
    refused.map_or(Ok(()), Err)
}

/// The line of the first `*` in a select list.
fn star_of_query(q: &Query) -> Option<u32> {
    star_of_with(q.with.as_ref()).or_else(|| star_of_body(&q.body))
}

fn star_of_with(with: Option<&With>) -> Option<u32> {
    with.iter().flat_map(|w| &w.tables).find_map(|t| star_of_query(&t.query))
}

fn star_of_body(body: &QueryBody) -> Option<u32> {
    match body {
        QueryBody::Select(s) => star_of_select(s),
        QueryBody::Set { left, right, .. } => star_of_body(left).or_else(|| star_of_body(right)),
        QueryBody::Paren(q) => star_of_query(q),
        QueryBody::Values(_) => None,
    }
}

fn star_of_select(s: &Select) -> Option<u32> {
    let own = s.items.iter().find_map(|i| match i {
        SelectItem::Wildcard { span, .. } => Some(span.line),
        SelectItem::Expr { .. } | SelectItem::Assign { .. } => None,
    });
    own.or_else(|| s.from.iter().find_map(star_of_table))
}

fn star_of_table(t: &TableRef) -> Option<u32> {
    match &t.kind {
        TableKind::Derived { query, .. } => star_of_query(query),
        TableKind::Join { left, right, .. } | TableKind::Apply { left, right, .. } => {
            star_of_table(left).or_else(|| star_of_table(right))
        }
        TableKind::Paren(inner) => star_of_table(inner),
        _ => None,
    }
}
