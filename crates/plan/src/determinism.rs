//! Whether a query gives the same rows for the same tables in every session.
//!
//! Invariants
//! 1. What is looked at was bound without folding, so every conversion that the binder put in still stands there with its types.
//! 2. Whatever is not known to be independent of the session is reported.
//!
//! Evidence: T-SQL reference, "Deterministic and nondeterministic functions" and "CAST and CONVERT" (styles).

use holdfast_tsql::ast::query::Query;
use holdfast_types::{SqlResult, SqlType, TypeId, Value};

use crate::bind::{Binder, QueryRole};
use crate::context::BindContext;
use crate::expr::{Expr, ExprKind};
use crate::function::{Volatility, definition};
use crate::logical::LogicalPlan;

/// What makes a query depend on the session or the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsteady {
    /// A conversion between text and a date or time whose outcome the session's settings decide.
    Conversion,
    /// A function in the expression of a computed column.
    Function(&'static str),
}

/// The first thing in a query, or in a computed column that it names, that depends on more than rows. Functions in the query's
/// own text are not looked at.
///
/// # Errors
/// Those of binding.
pub fn unsteady(query: &Query, cx: &BindContext<'_>) -> SqlResult<Option<Unsteady>> {
    let cx = BindContext {
        catalog: cx.catalog.clone(),
        default_schema: cx.default_schema.clone(),
        names: cx.names,
        evaluator: None,
        settings: cx.settings,
        database_collation: cx.database_collation,
        server_collation: cx.server_collation,
        first_free_slot: cx.first_free_slot,
        max_parallelism: cx.max_parallelism,
    };
    let mut binder = Binder::new(&cx);
    let mut plan = binder.bind_query(query, QueryRole::Statement)?.plan;
    let named: Vec<(i32, i32)> =
        binder.accesses.iter().flat_map(|a| a.columns.iter().map(|c| (a.object, c.0))).collect();
    let mut found = None;
    in_plan(&mut plan, &named, &mut found);
    Ok(found)
}

fn in_plan(plan: &mut LogicalPlan, named: &[(i32, i32)], found: &mut Option<Unsteady>) {
    if let LogicalPlan::Get { table, columns, computed, .. } = plan {
        for (id, e) in computed.iter() {
            let column = columns.iter().position(|c| c.id == *id).and_then(|n| table.columns.get(n));
            if column.is_some_and(|c| named.contains(&(table.object_id, c.column_id))) {
                in_expr(e, true, found);
            }
        }
    }
    plan.for_each_expr_mut(&mut |e| in_expr(e, false, found));
    for input in plan.inputs_mut() {
        in_plan(input, named, found);
    }
}

fn in_expr(e: &Expr, functions: bool, found: &mut Option<Unsteady>) {
    let here = match &e.kind {
        ExprKind::Convert { operand, style, .. } if depends(operand.ty, e.ty, style.as_deref()) => {
            Some(Unsteady::Conversion)
        }
        ExprKind::Function { function, .. } if functions => {
            let function = definition(*function);
            (function.volatility != Volatility::Pure).then_some(Unsteady::Function(function.name))
        }
        _ => None,
    };
    if found.is_none() {
        *found = here;
    }
    e.for_each_child(&mut |c| in_expr(c, functions, found));
}

/// Whether a conversion asks the session's language or order of day, month and year.
fn depends(from: SqlType, to: SqlType, style: Option<&Expr>) -> bool {
    let old = |t: SqlType| matches!(t.id, TypeId::DateTime | TypeId::SmallDateTime);
    // Text of the newer types is the same everywhere while no style asks for another.
    let asks = match (from, to) {
        (f, t) if f.id == TypeId::SqlVariant => t.id.is_character() || t.id.is_temporal(),
        (f, t) if f.id.is_character() => t.id.is_temporal(),
        (f, t) if f.id.is_temporal() && t.id.is_character() => old(f) || style.is_some(),
        _ => false,
    };
    asks && !style.is_some_and(is_steady)
}

/// Styles that read and write one form whatever the session says.
fn is_steady(style: &Expr) -> bool {
    match &style.kind {
        ExprKind::Literal(Value::Int(n)) => {
            matches!(n, 20 | 21) || *n > 100 && !matches!(n, 106 | 107 | 109 | 113 | 130)
        }
        ExprKind::Convert { operand, .. } => is_steady(operand),
        _ => false,
    }
}
