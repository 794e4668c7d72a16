//! What the recursive part of a common table expression must not have.
//!
//! Source: "WITH common_table_expression", guidelines for recursive expressions: no DISTINCT, TOP or OFFSET, GROUP BY, HAVING, aggregates
//! (aggregates with OVER may stand there), outer joins (OUTER APPLY may), references in subqueries.

use holdfast_tsql::ast::query::{JoinKind, Query, QueryBody, Select, SelectItem, TableKind, TableRef};
use holdfast_tsql::ast::walk::{Met, walk_expr};
use holdfast_types::{SqlError, SqlResult};

use super::query::Named;
use crate::logical::LogicalPlan;

/// Messages 460 to 462 and 465.
pub(super) fn check_text(body: &QueryBody, name: Named<'_>) -> SqlResult<()> {
    match body {
        QueryBody::Select(s) => check_select(s, name),
        QueryBody::Paren(q) => check_query(q, name),
        QueryBody::Set { .. } | QueryBody::Values(_) => Ok(()),
    }
}

fn check_query(q: &Query, name: Named<'_>) -> SqlResult<()> {
    if q.offset.is_some() || q.fetch.is_some() {
        return Err(SqlError::new(461, &[&name.1]));
    }
    check_text(&q.body, name)
}

fn check_select(s: &Select, name: Named<'_>) -> SqlResult<()> {
    if s.distinct {
        return Err(SqlError::new(460, &[&name.1]));
    }
    if s.top.is_some() {
        return Err(SqlError::new(461, &[&name.1]));
    }
    s.from.iter().try_for_each(|t| check_table(t, name))?;
    let items = s.items.iter().filter_map(|i| match i {
        SelectItem::Expr { expr, .. } | SelectItem::Assign { expr, .. } => Some(expr),
        SelectItem::Wildcard { .. } => None,
    });
    items.chain(&s.filter).chain(&s.having).try_for_each(|e| check_expr(e, name))
}

fn check_table(t: &TableRef, name: Named<'_>) -> SqlResult<()> {
    match &t.kind {
        TableKind::Join { kind, left, right, on, .. } => {
            if matches!(kind, JoinKind::Left | JoinKind::Right | JoinKind::Full) {
                return Err(SqlError::new(462, &[&name.1]));
            }
            check_table(left, name)?;
            check_table(right, name)?;
            on.iter().try_for_each(|e| check_expr(e, name))
        }
        TableKind::Apply { left, right, .. } => {
            check_table(left, name)?;
            check_table(right, name)
        }
        TableKind::Paren(t) => check_table(t, name),
        _ => Ok(()),
    }
}

fn check_expr(e: &holdfast_tsql::ast::Expr, name: Named<'_>) -> SqlResult<()> {
    let mut found = false;
    walk_expr(e, &mut |met| {
        found |= matches!(met, Met::Rows(n) if n.is_simple() && name.0.same(&n.name.text, name.1));
    });
    if found { Err(SqlError::new(465, &[])) } else { Ok(()) }
}

/// Message 467, of the bound part: whether its own rows are grouped.
pub(super) fn check_plan(plan: &LogicalPlan, name: &str) -> SqlResult<()> {
    let mut plan = plan;
    loop {
        plan = match plan {
            LogicalPlan::Aggregate { .. } => return Err(SqlError::new(467, &[&name])),
            LogicalPlan::Filter { input, .. }
            | LogicalPlan::Extend { input, .. }
            | LogicalPlan::Sort { input, .. }
            | LogicalPlan::Window { input, .. } => input,
            _ => return Ok(()),
        };
    }
}
