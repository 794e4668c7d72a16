//! Rewrites of logical plans. Each rule keeps the rows; they only make better physical plans possible.

mod fold;
mod order;
mod push;
mod unnest;

pub(crate) use push::{conjuncts, substitute};

use crate::context::BindContext;
use crate::cost::Estimator;
use crate::expr::Expr;
use crate::logical::LogicalPlan;

/// All rules, in order.
pub(crate) fn rewrite(mut plan: LogicalPlan, cx: &BindContext<'_>) -> LogicalPlan {
    fold::fold_plan(&mut plan, cx);
    unnest::unnest(&mut plan);
    let mut plan = push::push(plan, Vec::new());
    let mut estimator = Estimator::default();
    estimator.learn(&mut plan);
    order::order(&mut plan, &estimator);
    plan
}

/// The rules for an expression outside a plan.
pub(crate) fn rewrite_expr(mut e: Expr, cx: &BindContext<'_>) -> Expr {
    fold::fold_expr(&mut e, cx);
    e
}
