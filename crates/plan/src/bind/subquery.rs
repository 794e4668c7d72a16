//! Subqueries in expressions.

use holdfast_tsql::Span;
use holdfast_tsql::ast::expression as ast;
use holdfast_tsql::ast::query::Query;
use holdfast_types::{SqlError, SqlResult, TypeId};

use super::collate::{Meeting, merge, relabel};
use super::query::BoundQueryPlan;
use super::scalar::negate;
use super::{Binder, QueryRole, Typed, err};
use crate::expr::{Binding, CompareOp, Expr, ExprKind, SubPlan, Subquery, SubqueryKind};
use crate::function::{Volatility, definition};
use crate::logical::{Col, LogicalPlan};
use crate::typing;

impl Binder<'_> {
    fn bind_inner_query(&mut self, q: &Query, role: QueryRole) -> SqlResult<(BoundQueryPlan, Vec<Binding>)> {
        let changing = std::mem::replace(&mut self.changing, false);
        let bound = self.collecting(|b| b.bind_query(q, role));
        self.changing = changing;
        bound
    }

    pub fn bind_scalar_subquery(&mut self, q: &Query, span: Span) -> SqlResult<Typed> {
        let (mut bound, bindings) = self.bind_inner_query(q, QueryRole::Subquery)?;
        if bound.columns.len() != 1 {
            return err(span, 116, &[]);
        }
        let column = bound.columns.remove(0);
        let mut t = Typed::with(
            subquery(SubqueryKind::Scalar, only(bound.plan, column.col), bindings, column.col.ty, true),
            column.coerce,
        );
        t.raw = column.raw;
        Ok(t)
    }

    pub fn bind_exists(&mut self, q: &Query) -> SqlResult<Expr> {
        let (bound, bindings) = self.bind_inner_query(q, QueryRole::Exists)?;
        Ok(subquery(SubqueryKind::Exists, bound.plan, bindings, holdfast_types::SqlType::BIT, false))
    }

    pub fn bind_in_subquery(&mut self, value: &ast::Expr, q: &Query, negated: bool) -> SqlResult<Expr> {
        let e = self.bind_quantified(CompareOp::Equal, false, value, q)?;
        Ok(if negated { negate(e) } else { e })
    }

    pub fn bind_quantified(
        &mut self,
        op: CompareOp,
        all: bool,
        value: &ast::Expr,
        q: &Query,
    ) -> SqlResult<Expr> {
        let left = self.bind(value)?;
        let (bound, bindings) = self.bind_inner_query(q, QueryRole::Subquery)?;
        if bound.columns.len() != 1 {
            return err(q.span, 116, &[]);
        }
        let column = &bound.columns[0];
        let mut ty = self
            .common_of(&[(left.e.ty, left.coerce), (column.col.ty, column.coerce)], Meeting::Makes(""))?
            .0;
        if typing::not_comparable(ty.id) {
            return Err(SqlError::new(402, &[&left.e.ty.id.name(), &column.col.ty.id.name(), &"equal to"]));
        }
        if ty.id.is_character() {
            let (collation, _) = merge(
                (left.e.ty.collation, left.coerce),
                (column.col.ty.collation, column.coerce),
                Meeting::Decides("equal to"),
            )?;
            if !collation.is_none() {
                ty.collation = collation;
            }
        }
        // The inner column takes the common type in its own plan.
        let (plan, col) = if column.col.ty == ty || same_compare(&column.col.ty, &ty) {
            (bound.plan, column.col)
        } else {
            let col = self.new_col(ty, column.col.nullable);
            let e = relabel(self.convert(column.col.expr(), ty), ty.collation);
            (bound.plan.extend(vec![(col.id, e)]), col)
        };
        let left_expr = if same_compare(&left.e.ty, &ty) {
            left.e
        } else {
            relabel(self.convert(left.e, ty), ty.collation)
        };
        let nullable = left_expr.nullable || col.nullable;
        let kind = SubqueryKind::Quantified { left: Box::new(left_expr), op, all };
        Ok(subquery(kind, only(plan, col), bindings, holdfast_types::SqlType::BIT, nullable))
    }
}

/// Whether two types compare without conversion.
fn same_compare(a: &holdfast_types::SqlType, b: &holdfast_types::SqlType) -> bool {
    if a.collation != b.collation {
        return false;
    }
    match (a.id, b.id) {
        (TypeId::Char | TypeId::VarChar, TypeId::Char | TypeId::VarChar)
        | (TypeId::NChar | TypeId::NVarChar, TypeId::NChar | TypeId::NVarChar) => true,
        (TypeId::Decimal | TypeId::Numeric, TypeId::Decimal | TypeId::Numeric) => a.scale == b.scale,
        (x, y) => x == y,
    }
}

/// The plan narrowed to one column, so that it is the plan's only output.
fn only(plan: LogicalPlan, col: Col) -> LogicalPlan {
    LogicalPlan::Concat { inputs: vec![(plan, vec![col.id])], columns: vec![col] }
}

fn subquery(
    kind: SubqueryKind,
    plan: LogicalPlan,
    bindings: Vec<Binding>,
    ty: holdfast_types::SqlType,
    nullable: bool,
) -> Expr {
    let volatile = is_volatile(&plan);
    let s = Subquery { kind, plan: SubPlan::Logical(Box::new(plan)), bindings, volatile, steady: false };
    Expr::new(ExprKind::Subquery(Box::new(s)), ty, nullable)
}

/// Whether a plan uses a function that may differ from row to row.
fn is_volatile(plan: &LogicalPlan) -> bool {
    let mut found = false;
    let mut copy = plan.clone();
    let mut stack = vec![&mut copy];
    while let Some(p) = stack.pop() {
        p.for_each_expr_mut(&mut |e| {
            found |= e.any(&|x| match &x.kind {
                ExprKind::Function { function, .. } => definition(*function).volatility == Volatility::Row,
                ExprKind::Subquery(s) => s.volatile,
                _ => false,
            });
        });
        stack.extend(p.inputs_mut());
    }
    found
}
