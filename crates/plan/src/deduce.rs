//! Types that the surroundings of undeclared parameters give them, for sp_describe_undeclared_parameters.
//!
//! Invariants
//! 1. Undeclared parameters are bound as variables of the type NULL, so that nothing before this file knows of them; what converts
//!    or compares them tells their type.
//! 2. Expressions are looked at before the rules rewrite them, since these fold conversions and turn comparisons into seeks.
//! 3. A parameter that stands in several places gets the type of the first.

use holdfast_tsql::ast::dml::{Delete, Insert, Merge, Update};
use holdfast_tsql::ast::expression::Expr as AstExpr;
use holdfast_tsql::ast::query::Query;
use holdfast_types::{SqlResult, SqlType, TypeId};

use crate::bind::{Binder, QueryRole};
use crate::context::BindContext;
use crate::entry::changing;
use crate::expr::{Expr, ExprKind, ParamId, SubPlan};
use crate::logical::{ColumnId, LogicalPlan};

/// A part of a batch in which parameters may stand.
pub enum Inferred<'a> {
    Query(&'a Query),
    Insert(&'a Insert),
    Update(&'a Update),
    Delete(&'a Delete),
    Merge(&'a Merge),
    /// A value, converted to a type if given.
    Value(&'a AstExpr, Option<SqlType>),
    Condition(&'a AstExpr),
}

/// What is known while a statement with undeclared parameters is bound.
#[derive(Debug, Default)]
pub(crate) struct Deduction {
    unknown: Vec<ParamId>,
    found: Vec<(ParamId, SqlType)>,
}

impl Deduction {
    fn note(&mut self, e: &Expr, ty: SqlType) {
        if let ExprKind::Parameter(p) = e.kind
            && self.unknown.contains(&p)
            && ty.id != TypeId::Null
            && !self.found.iter().any(|(o, _)| *o == p)
        {
            self.found.push((p, ty));
        }
    }

    pub fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Convert { operand, .. } => self.note(operand, e.ty),
            ExprKind::Compare { left, right, .. } => {
                self.note(left, right.ty);
                self.note(right, left.ty);
            }
            ExprKind::Like { operand, pattern, .. } => self.note(pattern, operand.ty),
            ExprKind::InList { operand, list, .. } => {
                for item in list {
                    self.note(item, operand.ty);
                }
            }
            _ => {}
        }
        e.for_each_child(&mut |c| self.expr(c));
        if let ExprKind::Subquery(s) = &e.kind
            && let SubPlan::Logical(plan) = &s.plan
        {
            self.plan(&mut plan.clone());
        }
    }

    pub fn plan(&mut self, plan: &mut LogicalPlan) {
        plan.for_each_expr_mut(&mut |e| self.expr(e));
        for input in plan.inputs_mut() {
            self.plan(input);
        }
    }

    /// A column of a query goes to a place of a type: what it is made of may be a parameter alone.
    fn column(&mut self, plan: &LogicalPlan, column: ColumnId, ty: SqlType) {
        if let LogicalPlan::Extend { exprs, .. } = plan {
            for (_, e) in exprs.iter().filter(|(id, _)| *id == column) {
                match &e.kind {
                    ExprKind::Convert { operand, .. } => self.note(operand, ty),
                    _ => self.note(e, ty),
                }
            }
        }
        for input in plan.inputs() {
            self.column(input, column, ty);
        }
    }
}

impl Binder<'_> {
    /// A value goes to a place of a type.
    pub(crate) fn deduce_from(&mut self, e: &Expr, ty: SqlType) {
        if let Some(d) = &mut self.deduction {
            d.note(e, ty);
        }
    }

    pub(crate) fn deduce_column(&mut self, plan: &LogicalPlan, column: ColumnId, ty: SqlType) {
        if let Some(d) = &mut self.deduction {
            d.column(plan, column, ty);
        }
    }
}

/// Types of `unknown`, which are variables that were declared with the type NULL.
///
/// # Errors
/// Those of binding.
pub fn infer_parameters(
    part: &Inferred<'_>,
    unknown: &[ParamId],
    cx: &BindContext<'_>,
) -> SqlResult<Vec<(ParamId, SqlType)>> {
    let mut binder = match part {
        Inferred::Insert(_) | Inferred::Update(_) | Inferred::Delete(_) | Inferred::Merge(_) => {
            changing(&[], cx)?
        }
        _ => Binder::new(cx),
    };
    binder.deduction = Some(Deduction { unknown: unknown.to_vec(), found: Vec::new() });
    let (mut plan, mut expr) = (None, None);
    match part {
        Inferred::Query(q) => plan = Some(binder.bind_query(q, QueryRole::Statement)?.plan),
        // Plans of changes are looked at where their parts come together.
        Inferred::Insert(i) => drop(binder.bind_insert(i)?),
        Inferred::Update(u) => drop(binder.bind_update(u)?),
        Inferred::Delete(d) => drop(binder.bind_delete(d)?),
        Inferred::Merge(m) => drop(binder.bind_merge(m)?),
        Inferred::Value(e, target) => {
            let typed = binder.bind(e)?;
            expr = Some(match target {
                Some(ty) => binder.coerce_to(typed, *ty).map_err(|x| x.at_line(e.span.line))?,
                None => typed.e,
            });
        }
        Inferred::Condition(e) => expr = Some(binder.bind_condition(e)?),
    }
    let mut deduction = binder.deduction.take().unwrap_or_default();
    if let Some(plan) = &mut plan {
        deduction.plan(plan);
    }
    if let Some(expr) = &expr {
        deduction.expr(expr);
    }
    Ok(deduction.found)
}
