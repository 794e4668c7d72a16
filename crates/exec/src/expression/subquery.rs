//! Subqueries that were not turned into joins: opened per row, or once when nothing of the row enters them.
//!
//! Invariants
//! 1. Without bindings the result is kept for the frame it was computed in (not across frames: an outer plan may have set other slots).
//! 2. A scalar subquery with two rows is error 512; with none, NULL.
//! 3. EXISTS stops at the first row.
//! 4. What a steady subquery gave for some outer values is remembered (per frame as well) while outer values come again.

use std::sync::Arc;

use holdfast_plan::expr::{CompareOp, ParamId, SubPlan, Subquery, SubqueryKind};
use holdfast_plan::physical::PhysicalPlan;
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, Value};

use parking_lot::Mutex;

use super::memo::{Memo, ValueSet};
use super::vector::{FALSE, TRUE, Truth, UNKNOWN, Vector, truth_of};
use super::{compare, evaluate};
use crate::context::ExecContext;
use crate::operator::open;

fn physical(s: &Subquery) -> SqlResult<&PhysicalPlan> {
    match &s.plan {
        SubPlan::Physical(p) => Ok(p),
        SubPlan::Logical(_) => {
            Err(SqlError::with_text(8624, 16, "Internal error: a subquery was not planned."))
        }
    }
}

/// Values of the bindings for the rows of a batch.
struct Bound<'a> {
    values: Vec<(ParamId, Vector, SqlType)>,
    memo: Option<Arc<Mutex<Memo>>>,
    ctx: &'a ExecContext,
}

impl<'a> Bound<'a> {
    fn new(s: &Subquery, batch: &Batch, ctx: &'a ExecContext) -> SqlResult<Self> {
        let mut values = Vec::with_capacity(s.bindings.len());
        for b in &s.bindings {
            values.push((b.slot, evaluate(&b.value, batch, ctx)?, b.value.ty));
        }
        let remembers = s.steady && !s.bindings.is_empty();
        Ok(Bound { values, memo: remembers.then(|| ctx.memo(key(s))), ctx })
    }

    /// The context of a row.
    fn context(&self, row: usize) -> ExecContext {
        self.ctx.bind(self.values.iter().map(|(slot, v, t)| (*slot, v.value(row, t))).collect())
    }

    /// The result for a row, perhaps one that an earlier row had.
    fn result(&self, row: usize, compute: impl FnOnce(&ExecContext) -> SqlResult<Value>) -> SqlResult<Value> {
        self.ctx.check_cancel()?;
        let bound: Vec<(ParamId, Value)> =
            self.values.iter().map(|(slot, v, t)| (*slot, v.value(row, t))).collect();
        let Some(memo) = &self.memo else { return compute(&self.ctx.bind(bound)) };
        if let Some(v) = memo.lock().find(&bound) {
            return Ok(v);
        }
        let v = compute(&self.ctx.bind(bound.clone()))?;
        memo.lock().add(bound, &v);
        Ok(v)
    }
}

fn key(s: &Subquery) -> usize {
    std::ptr::from_ref(s) as usize
}

fn keeps(s: &Subquery) -> bool {
    s.bindings.is_empty() && !s.volatile
}

/// The single value of a plan with one column.
fn single(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Value> {
    let ty = plan.columns.first().map_or(SqlType::NULL, |c| c.ty);
    let mut source = open(plan, ctx)?;
    let mut found = None;
    while let Some(b) = source.next_batch()? {
        if b.len + usize::from(found.is_some()) > 1 {
            return Err(SqlError::new(512, &[]));
        }
        if b.len == 1 {
            found = Some(b.columns.first().map_or(Value::Null, |c| c.value(0, &ty)));
        }
    }
    Ok(found.unwrap_or(Value::Null))
}

pub fn scalar(s: &Subquery, ty: &SqlType, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    let plan = physical(s)?;
    if keeps(s) {
        if let Some(v) = ctx.cached(key(s)) {
            return Ok(Vector::Const(v));
        }
        let v = single(plan, ctx)?;
        ctx.keep(key(s), v.clone());
        return Ok(Vector::Const(v));
    }
    let bound = Bound::new(s, batch, ctx)?;
    let mut out = Vec::with_capacity(batch.len);
    for row in 0..batch.len {
        out.push(bound.result(row, |ctx| single(plan, ctx))?);
    }
    Ok(Vector::column(Column::from_values(ty, &out)?))
}

fn exists(plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<bool> {
    let mut source = open(plan, ctx)?;
    while let Some(b) = source.next_batch()? {
        if b.len > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `left op ANY/ALL (rows)`: ANY is the OR over all rows, ALL the AND.
fn quantified(
    plan: &PhysicalPlan,
    left: &Value,
    ty: &SqlType,
    op: CompareOp,
    all: bool,
    ctx: &ExecContext,
) -> SqlResult<u8> {
    let mut acc = if all { TRUE } else { FALSE };
    let other = plan.columns.first().map_or(ty, |c| &c.ty);
    let mut source = open(plan, ctx)?;
    while let Some(b) = source.next_batch()? {
        if b.len == 0 {
            continue;
        }
        let Some(c) = b.columns.first() else { continue };
        let t = compare::compare(
            op,
            &Vector::Const(left.clone()),
            &Vector::Column(c.clone()),
            (ty, other),
            b.len,
        )?;
        for row in 0..b.len {
            acc = if all { acc.min(t.at(row)) } else { acc.max(t.at(row)) };
        }
        if acc == if all { FALSE } else { TRUE } {
            break;
        }
    }
    Ok(acc)
}

fn truth_value(t: u8) -> Value {
    match t {
        TRUE => Value::Bit(true),
        FALSE => Value::Bit(false),
        _ => Value::Null,
    }
}

fn value_truth(v: &Value) -> u8 {
    match v {
        Value::Bit(true) => TRUE,
        Value::Bit(false) => FALSE,
        _ => UNKNOWN,
    }
}

pub fn predicate(s: &Subquery, batch: &Batch, ctx: &ExecContext) -> SqlResult<Truth> {
    let plan = physical(s)?;
    match &s.kind {
        SubqueryKind::Scalar => Err(super::arithmetic::type_mismatch()),
        SubqueryKind::Exists => {
            if keeps(s) {
                if let Some(v) = ctx.cached(key(s)) {
                    return Ok(Truth::Const(value_truth(&v)));
                }
                let t = truth_of(Some(exists(plan, ctx)?));
                ctx.keep(key(s), truth_value(t));
                return Ok(Truth::Const(t));
            }
            let bound = Bound::new(s, batch, ctx)?;
            let mut out = Vec::with_capacity(batch.len);
            for row in 0..batch.len {
                let found = bound.result(row, |ctx| Ok(truth_value(truth_of(Some(exists(plan, ctx)?)))))?;
                out.push(value_truth(&found));
            }
            Ok(Truth::Rows(out))
        }
        SubqueryKind::Quantified { left, op, all } => {
            let l = evaluate(left, batch, ctx)?;
            if keeps(s) {
                if let Vector::Const(v) = &l {
                    return Ok(Truth::Const(quantified(plan, v, &left.ty, *op, *all, ctx)?));
                }
                if *op == CompareOp::Equal && !*all {
                    let set = match ctx.value_set(key(s), false) {
                        Some(set) => Some(set),
                        None => ValueSet::read(plan, &left.ty, ctx)?.map(Arc::new),
                    };
                    if let Some(set) = set {
                        ctx.keep_value_set(key(s), false, Arc::clone(&set));
                        return set.contains(&l, &left.ty, batch.len);
                    }
                }
                return uncorrelated(plan, &l, &left.ty, *op, *all, batch.len, ctx);
            }
            let bound = Bound::new(s, batch, ctx)?;
            let mut out = Vec::with_capacity(batch.len);
            for row in 0..batch.len {
                ctx.check_cancel()?;
                out.push(quantified(
                    plan,
                    &l.value(row, &left.ty),
                    &left.ty,
                    *op,
                    *all,
                    &bound.context(row),
                )?);
            }
            Ok(Truth::Rows(out))
        }
    }
}

/// The plan's rows are the same for every row at hand: read once, compared with each.
fn uncorrelated(
    plan: &PhysicalPlan,
    left: &Vector,
    ty: &SqlType,
    op: CompareOp,
    all: bool,
    len: usize,
    ctx: &ExecContext,
) -> SqlResult<Truth> {
    let mut batches = Vec::new();
    let mut source = open(plan, ctx)?;
    while let Some(b) = source.next_batch()? {
        batches.push(b);
    }
    let types: Vec<SqlType> = plan.columns.iter().map(|c| c.ty).collect();
    let whole = Batch::concat(&types, &batches)?;
    let Some(column) = whole.columns.first() else { return Err(super::arithmetic::type_mismatch()) };
    let mut out = Vec::with_capacity(len);
    for row in 0..len {
        let mut acc = if all { TRUE } else { FALSE };
        if whole.len > 0 {
            let v = Vector::Const(left.value(row, ty));
            let t = compare::compare(
                op,
                &v,
                &Vector::Column(column.clone()),
                (ty, types.first().unwrap_or(ty)),
                whole.len,
            )?;
            for i in 0..whole.len {
                acc = if all { acc.min(t.at(i)) } else { acc.max(t.at(i)) };
            }
        }
        out.push(acc);
    }
    Ok(Truth::Rows(out))
}
