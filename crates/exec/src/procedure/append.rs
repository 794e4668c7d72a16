//! Appending to a variable: `SET @s += x`, `SET @s = @s + x + y` and the same in a SELECT, without copying what the variable has.
//!
//! Invariants
//! 1. Only strings of unlimited length are appended to, and only what does not look at the variable itself: the outcome is that of
//!    the concatenation.
//! 2. What is appended is evaluated once, in order, before the variable changes.

use holdfast_plan::expr::{BinaryOp, Expr, ExprKind, ParamId};
use holdfast_types::{Batch, SqlError, SqlResult, Value};

use super::run::Scope;
use crate::context::ExecContext;
use crate::expression::evaluate_one;

/// Units that a string may have: 2 GB.
const MAX_UNITS: usize = 1 << 30;

/// What `e` appends to the variable, in order, when that is all it does.
fn appended(e: &Expr, slot: ParamId) -> Option<Vec<&Expr>> {
    let ty = e.ty;
    if !ty.id.is_character() || !ty.is_max() {
        return None;
    }
    let alike = |x: &Expr| x.ty.id == ty.id && x.ty.is_max() && x.ty.collation == ty.collation;
    let mut parts = Vec::new();
    let mut at = e;
    while let ExprKind::Binary { op: BinaryOp::Concat, left, right } = &at.kind {
        parts.push(right.as_ref());
        at = left;
        if !alike(at) {
            return None;
        }
    }
    let itself = |p: &ParamId| *p == slot;
    let looks = |x: &Expr| match &x.kind {
        ExprKind::Parameter(p) => itself(p),
        ExprKind::Subquery(_) => true,
        _ => false,
    };
    let ours = matches!(&at.kind, ExprKind::Parameter(p) if itself(p));
    let fits = ours && !parts.is_empty() && parts.iter().all(|p| p.ty.id.is_character() && !p.any(&looks));
    parts.reverse();
    fits.then_some(parts)
}

impl Scope {
    /// Gives the variable the value of `e` by appending; `false` when that is no appending.
    pub fn append(&mut self, slot: ParamId, e: &Expr, row: &Batch, context: ExecContext) -> SqlResult<bool> {
        if !context.query.settings.concat_null_yields_null {
            return Ok(false);
        }
        let Some(parts) = appended(e, slot) else { return Ok(false) };
        let mut values = Vec::with_capacity(parts.len());
        for p in parts {
            values.push(evaluate_one(p, row, &context)?);
        }
        // The context holds the variables, too: only one may, for them to grow in place.
        drop(context);
        let Some(place) = self.place(slot) else { return Ok(false) };
        if values.iter().any(Value::is_null) {
            *place = Value::Null;
        }
        let Value::String(s) = place else { return Ok(true) };
        for v in &values {
            let Value::String(more) = v else { return Err(crate::expression::arithmetic::type_mismatch()) };
            if s.len() + more.len() > MAX_UNITS {
                return Err(SqlError::new(701, &[&"default"]));
            }
            s.push(more.units());
        }
        Ok(true)
    }
}
