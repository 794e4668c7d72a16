//! Entry points: a parsed query or expression in, a physical plan or bound expression out.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, TableDef};
use holdfast_tsql::Span;
use holdfast_tsql::ast::dml::{Delete, Insert, Merge, Update};
use holdfast_tsql::ast::expression::Expr as AstExpr;
use holdfast_tsql::ast::query::{Query, QueryHint};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType};

use crate::access::Accesses;
use crate::bind::{Binder, QueryRole};
use crate::build::Builder;
use crate::change::{BoundChange, TargetTable};
use crate::context::{BindContext, BindSettings, NameResolver, VariableInfo};
use crate::cost::Estimator;
use crate::expr::Expr;
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::{BoundExpression, BoundQuery, ResultColumnInfo};
use crate::rules;

/// Binds and plans a query.
pub fn bind_query(query: &Query, hints: &[QueryHint], cx: &BindContext<'_>) -> SqlResult<BoundQuery> {
    bind_rows(query, hints, cx, false)
}

/// Binds and plans the query of a cursor: its rows carry the bookmarks of the tables behind them where they have any.
pub fn bind_cursor(query: &Query, hints: &[QueryHint], cx: &BindContext<'_>) -> SqlResult<BoundQuery> {
    bind_rows(query, hints, cx, true)
}

/// What OPTION (…) says to the binder.
fn take_hints(binder: &mut Binder<'_>, hints: &[QueryHint]) -> SqlResult<()> {
    for h in hints {
        if h.name == "MAXRECURSION"
            && let Some(n) = h.arguments.first().and_then(AstExpr::as_integer)
        {
            binder.max_recursion = u32::try_from(n).ok().filter(|n| *n <= 32_767).ok_or_else(|| {
                SqlError::with_text(310, 15, format!("The value {n} specified for the MAXRECURSION option exceeds the allowed maximum of 32767."))
            })?;
        }
    }
    Ok(())
}

pub(crate) fn changing<'a>(hints: &[QueryHint], cx: &'a BindContext<'a>) -> SqlResult<Binder<'a>> {
    let mut binder = Binder::new(cx);
    take_hints(&mut binder, hints)?;
    Ok(binder)
}

/// What binding came to, with all names that were not found. A table that is not there says more than columns do.
fn named<T>(bound: SqlResult<T>, unbound: Option<Vec<SqlError>>) -> SqlResult<T> {
    if bound.as_ref().is_err_and(|e| e.number == 208) {
        return bound;
    }
    match SqlError::of_several(unbound.unwrap_or_default()) {
        Some(e) => Err(e),
        None => bound,
    }
}

/// A query that is bound; how it is run is still to be chosen.
pub(crate) struct Read<'a> {
    pub binder: Binder<'a>,
    pub plan: LogicalPlan,
    /// What the client sees, and which columns of the plan these are.
    pub columns: Vec<ResultColumnInfo>,
    pub ids: Vec<ColumnId>,
}

/// Binds a query; of a cursor's the tables' bookmarks are kept.
pub(crate) fn bind_read<'a>(
    query: &Query,
    hints: &[QueryHint],
    cx: &'a BindContext<'a>,
    cursor: bool,
) -> SqlResult<Read<'a>> {
    let mut binder = Binder::new(cx);
    (binder.changing, binder.cursor) = (cursor, cursor);
    take_hints(&mut binder, hints)?;
    binder.unbound = Some(Vec::new());
    let bound = binder.bind_query(query, QueryRole::Statement);
    let bound = named(bound, binder.unbound.take())?;
    let columns: Vec<ResultColumnInfo> = bound
        .columns
        .iter()
        .map(|c| {
            let meta = c.meta.as_deref();
            ResultColumnInfo {
                name: c.name.clone().unwrap_or_else(|| "".into()),
                ty: c.col.ty,
                nullable: c.col.nullable,
                identity: meta.is_some_and(|m| m.identity),
                computed: meta.is_some_and(|m| m.computed),
                updatable: meta.is_some_and(|m| m.source.is_some() && !m.computed && !m.identity),
                user_type: meta.and_then(|m| m.user_type.clone()),
                source: meta.and_then(|m| m.source.clone()),
            }
        })
        .collect();
    let ids = bound.columns.iter().map(|c| c.col.id).collect();
    Ok(Read { binder, plan: bound.plan, columns, ids })
}

fn bind_rows(
    query: &Query,
    hints: &[QueryHint],
    cx: &BindContext<'_>,
    cursor: bool,
) -> SqlResult<BoundQuery> {
    let Read { mut binder, plan, columns, mut ids } = bind_read(query, hints, cx, cursor)?;
    let assignments = std::mem::take(&mut binder.assignments);
    let mut bookmarks = Vec::new();
    if cursor {
        let visible = plan.output_set();
        for base in binder.bases.iter().filter(|b| visible.contains(&b.bookmark.id)) {
            if base.table.access.writer().is_some() {
                bookmarks.push(((base.table.database_id, base.table.object_id), ids.len()));
                ids.push(base.bookmark.id);
            }
        }
    }
    for (_, e) in &assignments {
        e.columns(&mut ids);
    }
    let next_slot = binder.next_slot;
    let dependencies = std::mem::take(&mut binder.dependencies);
    let sizes = std::mem::take(&mut binder.sizes);
    let accesses = Accesses::new(std::mem::take(&mut binder.accesses));
    let mut logical = rules::rewrite(plan, cx);
    let mut estimator = Estimator::default();
    estimator.learn(&mut logical);
    let mut builder = Builder::new(cx, estimator, next_slot);
    if assignments.is_empty() {
        let plan = builder.build_exact(&logical, &ids, &[])?;
        return Ok(BoundQuery {
            plan,
            columns,
            assignments: Vec::new(),
            dependencies,
            sizes,
            statistics: builder.estimator.take_noted(),
            accesses,
            bookmarks,
            placed: None,
        });
    }
    ids.sort_unstable();
    ids.dedup();
    let plan = builder.build_exact(&logical, &ids, &[])?;
    let assignments = assignments
        .into_iter()
        .map(|(p, e)| Ok((p, builder.place(&rules::rewrite_expr(e, cx), &ids)?)))
        .collect::<SqlResult<Vec<_>>>()?;
    let statistics = builder.estimator.take_noted();
    Ok(BoundQuery {
        plan,
        columns: Vec::new(),
        assignments,
        dependencies,
        sizes,
        statistics,
        accesses,
        bookmarks,
        placed: None,
    })
}

/// Binds a value expression outside a query (SET, PRINT, EXEC arguments), converted to `target` if given.
pub fn bind_expression(
    e: &AstExpr,
    target: Option<SqlType>,
    cx: &BindContext<'_>,
) -> SqlResult<BoundExpression> {
    let mut binder = Binder::new(cx);
    let typed = binder.bind(e)?;
    let expr = match target {
        Some(ty) => binder.coerce_to(typed, ty).map_err(|x| x.at_line(e.span.line))?,
        None => typed.e,
    };
    finish(expr, binder, cx)
}

/// What a variable holds after its method modify().
pub fn bind_modify(
    variable: &str,
    arguments: &[AstExpr],
    span: Span,
    cx: &BindContext<'_>,
) -> SqlResult<BoundExpression> {
    let mut binder = Binder::new(cx);
    let target = binder.bind_variable(variable, span)?.e;
    let expr = binder.bind_modify(target, arguments, span)?;
    finish(expr, binder, cx)
}

/// Binds a condition outside a query (IF, WHILE).
pub fn bind_condition(e: &AstExpr, cx: &BindContext<'_>) -> SqlResult<BoundExpression> {
    let mut binder = Binder::new(cx);
    let expr = binder.bind_condition(e)?;
    finish(expr, binder, cx)
}

/// Binds and plans INSERT.
pub fn bind_insert(i: &Insert, cx: &BindContext<'_>) -> SqlResult<BoundChange> {
    changing(&i.options, cx)?.bind_insert(i)
}

/// Binds and plans UPDATE.
pub fn bind_update(u: &Update, cx: &BindContext<'_>) -> SqlResult<BoundChange> {
    changing(&u.options, cx)?.bind_update(u)
}

/// Binds and plans DELETE.
pub fn bind_delete(d: &Delete, cx: &BindContext<'_>) -> SqlResult<BoundChange> {
    changing(&d.options, cx)?.bind_delete(d)
}

/// Binds and plans MERGE.
pub fn bind_merge(m: &Merge, cx: &BindContext<'_>) -> SqlResult<BoundChange> {
    changing(&m.options, cx)?.bind_merge(m)
}

/// What a table asks of its rows, for changes that no statement names: cascades, bulk loads.
pub fn bind_target(
    table: &Arc<TableDef>,
    catalog: Option<&Arc<dyn Catalog>>,
    cx: &BindContext<'_>,
) -> SqlResult<TargetTable> {
    Binder::new(cx).bind_target_table(table, catalog, false)
}

/// The type of a computed column over the other columns, and whether it may be NULL.
pub fn computed_type(
    text: &str,
    columns: &[ColumnDef],
    catalog: &Arc<dyn Catalog>,
    collation: CollationId,
    settings: BindSettings,
) -> SqlResult<(SqlType, bool)> {
    struct Nothing;
    impl NameResolver for Nothing {
        fn database(&self, _: &str) -> Option<Arc<dyn Catalog>> {
            None
        }
        fn variable(&self, _: &str) -> Option<VariableInfo> {
            None
        }
        fn table_variable(&self, _: &str) -> Option<Arc<TableDef>> {
            None
        }
        fn temp_table(&self, _: &str) -> Option<Arc<TableDef>> {
            None
        }
    }
    let cx = BindContext {
        catalog: Arc::clone(catalog),
        default_schema: "dbo".into(),
        names: &Nothing,
        evaluator: None,
        settings,
        database_collation: collation,
        server_collation: collation,
        first_free_slot: 0,
        max_parallelism: 1,
    };
    let mut binder = Binder::new(&cx);
    let typed = binder.bind_computed(text, columns)?;
    Ok((typed.e.ty, typed.e.nullable))
}

fn finish(expr: Expr, binder: Binder<'_>, cx: &BindContext<'_>) -> SqlResult<BoundExpression> {
    let mut expr = rules::rewrite_expr(expr, cx);
    let mut estimator = Estimator::default();
    estimator.learn_expr(&mut expr);
    let mut builder = Builder::new(cx, estimator, binder.next_slot);
    let expr = builder.place(&expr, &[])?;
    let plain = expr.is_plain();
    let accesses = Accesses::new(binder.accesses);
    Ok(BoundExpression { expr, plain, accesses })
}
