//! Rewrites of logical plans. Each rule keeps the rows; they only make better physical plans possible.

mod fold;

use crate::context::BindContext;
use crate::expr::Expr;
use crate::logical::{ColumnId, LogicalPlan};

/// All rules, in order.
pub(crate) fn rewrite(mut plan: LogicalPlan, cx: &BindContext<'_>, next_column: ColumnId) -> LogicalPlan {
    let _ = next_column;
    fold::fold_plan(&mut plan, cx);
    plan
}

/// The rules for an expression outside a plan.
pub(crate) fn rewrite_expr(mut e: Expr, cx: &BindContext<'_>) -> Expr {
    fold::fold_expr(&mut e, cx);
    e
}
