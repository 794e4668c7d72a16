//! Evaluation of bound expressions over batches.
//!
//! Invariants
//! 1. An expression is evaluated for the rows of its batch only; a batch without rows evaluates nothing and raises nothing.
//! 2. CASE, COALESCE and the right sides of AND and OR see only the rows that reach them: an error in a branch that no row takes
//!    does not happen.
//! 3. Operands that are the same for every row stay single values ([`Vector::Const`]).
//! 4. Every kernel agrees with row-at-a-time evaluation over [`Value`]; tests compare both.
//!
//! Module map: [`vector`] results, [`arithmetic`], [`compare`], [`like`], [`collate`] how strings compare, [`convert`] conversions,
//! [`subquery`] subqueries evaluated per row, [`memo`] what is remembered of them.

pub mod arithmetic;
pub mod collate;
pub mod compare;
pub mod convert;
mod edge;
pub mod like;
pub mod memo;
pub mod subquery;
pub mod vector;

use std::sync::Arc;

use holdfast_plan::expr::{CompareOp, Expr, ExprKind, SubqueryKind};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlResult, SqlType, Value};

use crate::context::{ExecContext, FunctionArgument};
use crate::function;
use memo::ValueSet;
use vector::{FALSE, TRUE, Truth, UNKNOWN, Vector, scatter, subset, truth_of};

/// Evaluates `expr` for every row of `batch`.
pub fn evaluate(expr: &Expr, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    if batch.len == 0 {
        return Ok(Vector::column(Column::empty(&expr.ty)));
    }
    let len = batch.len;
    match &expr.kind {
        ExprKind::Literal(v) => Ok(Vector::Const(v.clone())),
        ExprKind::Column(n) => match batch.columns.get(*n) {
            Some(c) => Ok(Vector::Column(c.clone())),
            None => Err(SqlError::with_text(
                8624,
                16,
                "Internal error: the plan names a column that its input lacks.",
            )),
        },
        ExprKind::Parameter(id) => Ok(Vector::Const(ctx.parameter(*id))),
        ExprKind::Unary { op, operand } => {
            let v = evaluate(operand, batch, ctx)?;
            arithmetic::unary(*op, &v, &operand.ty, &expr.ty, len)
        }
        ExprKind::Binary { .. } => chain(expr, batch, ctx),
        ExprKind::Case { whens, otherwise } => case(expr, whens, otherwise.as_deref(), batch, ctx),
        ExprKind::Coalesce(list) => coalesce(expr, list, batch, ctx),
        ExprKind::Convert { operand, style, mode } => {
            let v = operand_of(operand, batch, ctx)?;
            let style = match style {
                Some(s) => Some((evaluate(s, batch, ctx)?, s.ty)),
                None => None,
            };
            match convert::convert(&v, &operand.ty, &expr.ty, style.as_ref(), *mode, len, ctx) {
                Err(e) if ctx.query.forgives(&e) => each_row(expr, len, ctx, |i| {
                    let one = Vector::Const(v.value(i, &operand.ty));
                    let style = style.as_ref().map(|(s, ty)| (Vector::Const(s.value(i, ty)), *ty));
                    convert::convert(&one, &operand.ty, &expr.ty, style.as_ref(), *mode, 1, ctx)
                }),
                done => done,
            }
        }
        ExprKind::Function { function, args } => function::call(*function, args, &expr.ty, batch, ctx),
        ExprKind::UserFunction { module, args } => {
            let Some(runner) = &ctx.query.modules else {
                return Err(SqlError::not_supported("A user-defined function in this place"));
            };
            let mut vectors = Vec::with_capacity(args.len());
            for a in args {
                vectors.push(match a {
                    Some(Expr { kind: ExprKind::Table(table), .. }) => {
                        Err(FunctionArgument::Table(Arc::clone(table)))
                    }
                    Some(e) => Ok((evaluate(e, batch, ctx)?, e.ty)),
                    None => Err(FunctionArgument::Default),
                });
            }
            let argument = |a: &Result<(Vector, SqlType), FunctionArgument>, row: usize| match a {
                Ok((v, t)) => FunctionArgument::Value(v.value(row, t)),
                Err(same) => same.clone(),
            };
            let mut out = Vec::with_capacity(len);
            for row in 0..len {
                ctx.check_cancel()?;
                let values = vectors.iter().map(|a| argument(a, row)).collect();
                out.push(runner.scalar(module, values)?);
            }
            Ok(Vector::column(Column::from_values(&expr.ty, &out)?))
        }
        ExprKind::Table(table) => Err(SqlError::new(137, &[&table.name])),
        ExprKind::Method { method, operand, args } => {
            function::method::call(*method, operand, args, &expr.ty, batch, ctx)
        }
        ExprKind::Subquery(s) if matches!(s.kind, SubqueryKind::Scalar) => {
            subquery::scalar(s, &expr.ty, batch, ctx)
        }
        _ => Ok(evaluate_predicate(expr, batch, ctx)?.into_vector()),
    }
}

/// Evaluates a boolean expression for every row.
pub fn evaluate_predicate(expr: &Expr, batch: &Batch, ctx: &ExecContext) -> SqlResult<Truth> {
    let len = batch.len;
    if len == 0 {
        return Ok(Truth::Rows(Vec::new()));
    }
    match &expr.kind {
        ExprKind::BoolLiteral(b) => Ok(Truth::Const(truth_of(*b))),
        ExprKind::Compare { op, left, right } => {
            let l = operand_of(left, batch, ctx)?;
            let r = operand_of(right, batch, ctx)?;
            compare::compare(*op, &l, &r, (&left.ty, &right.ty), len)
        }
        ExprKind::And(terms) => connective(terms, true, batch, ctx),
        ExprKind::Or(terms) => connective(terms, false, batch, ctx),
        ExprKind::Not(operand) => Ok(evaluate_predicate(operand, batch, ctx)?.negate()),
        ExprKind::IsNull { operand, negated } => {
            let v = evaluate(operand, batch, ctx)?;
            let (yes, no) = if *negated { (FALSE, TRUE) } else { (TRUE, FALSE) };
            Ok(match &v {
                Vector::Const(c) => Truth::Const(if c.is_null() { yes } else { no }),
                Vector::Column(c) => match &c.nulls {
                    None => Truth::Const(no),
                    Some(n) => Truth::Rows(n.iter().map(|&b| if b { yes } else { no }).collect()),
                },
            })
        }
        ExprKind::Like { operand, pattern, escape, negated } => {
            let t = like(operand, pattern, escape.as_deref(), batch, ctx)?;
            Ok(if *negated { t.negate() } else { t })
        }
        ExprKind::InList { operand, list, negated } => {
            let t = in_list(expr, operand, list, batch, ctx)?;
            Ok(if *negated { t.negate() } else { t })
        }
        ExprKind::Subquery(s) if !matches!(s.kind, SubqueryKind::Scalar) => {
            subquery::predicate(s, batch, ctx)
        }
        // A bit value in a boolean place.
        _ => Ok(match evaluate(expr, batch, ctx)? {
            Vector::Const(Value::Bit(b)) => Truth::Const(truth_of(Some(b))),
            Vector::Const(_) => Truth::Const(UNKNOWN),
            Vector::Column(c) => match &c.data {
                ColumnData::U8(v) => Truth::Rows(
                    v.iter().enumerate().map(|(i, &b)| truth_of((!c.is_null(i)).then_some(b != 0))).collect(),
                ),
                _ => return Err(arithmetic::type_mismatch()),
            },
        }),
    }
}

/// AND and OR: later terms are evaluated for the rows that are not decided yet. A term is tried on all rows when most of them need it,
/// and again on those only should that fail.
fn connective(terms: &[Expr], and: bool, batch: &Batch, ctx: &ExecContext) -> SqlResult<Truth> {
    let decided = if and { FALSE } else { TRUE };
    let mut acc = Truth::Const(TRUE - decided);
    for term in terms {
        let open: Vec<u32> = match &acc {
            Truth::Const(t) if *t == decided => return Ok(acc),
            Truth::Const(_) => {
                acc = acc.combine(evaluate_predicate(term, batch, ctx)?, and);
                continue;
            }
            Truth::Rows(r) => {
                let undecided = r.iter().filter(|&&t| t != decided).count();
                if undecided == 0 {
                    return Ok(acc);
                }
                if undecided * 2 > batch.len
                    && !has_effects(term)
                    && let Ok(t) = evaluate_predicate(term, batch, ctx)
                {
                    acc = acc.combine(t, and);
                    continue;
                }
                (0..batch.len as u32).filter(|&i| r[i as usize] != decided).collect()
            }
        };
        let mut needed = Vec::new();
        term.columns(&mut needed);
        let part = subset(batch, &open, &needed);
        let t = evaluate_predicate(term, &part, ctx)?;
        let Truth::Rows(rows) = &mut acc else { continue };
        for (i, &r) in open.iter().enumerate() {
            let slot = &mut rows[r as usize];
            *slot = if and { (*slot).min(t.at(i)) } else { (*slot).max(t.at(i)) };
        }
    }
    Ok(acc)
}

/// Subqueries and user functions are too dear to evaluate for rows that do not need them.
fn has_effects(e: &Expr) -> bool {
    e.any(&|x| matches!(x.kind, ExprKind::Subquery(_) | ExprKind::UserFunction { .. }))
}

fn case(
    expr: &Expr,
    whens: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    batch: &Batch,
    ctx: &ExecContext,
) -> SqlResult<Vector> {
    let ty = &expr.ty;
    let mut pieces: Vec<(Vec<u32>, Vector)> = Vec::new();
    let mut open: Option<Vec<u32>> = None;
    for (condition, result) in whens {
        let truth = match &open {
            None => evaluate_predicate(condition, batch, ctx)?,
            Some(rows) => {
                let mut needed = Vec::new();
                condition.columns(&mut needed);
                evaluate_predicate(condition, &subset(batch, rows, &needed), ctx)?
            }
        };
        let (taken, left): (Vec<u32>, Vec<u32>) = match (&open, &truth) {
            (None, Truth::Const(TRUE)) => return evaluate(result, batch, ctx),
            (None, Truth::Const(_)) => continue,
            (None, Truth::Rows(r)) => (0..batch.len as u32).partition(|&i| r[i as usize] == TRUE),
            (Some(rows), t) => {
                let mut taken = Vec::new();
                let mut left = Vec::new();
                for (i, &row) in rows.iter().enumerate() {
                    if t.at(i) == TRUE { taken.push(row) } else { left.push(row) }
                }
                (taken, left)
            }
        };
        if taken.len() == batch.len {
            return evaluate(result, batch, ctx);
        }
        if !taken.is_empty() {
            let v = evaluate_rows(result, batch, &taken, ctx)?;
            pieces.push((taken, v));
        }
        let done = left.is_empty();
        open = Some(left);
        if done {
            break;
        }
    }
    if let Some(e) = otherwise {
        match &open {
            None => return evaluate(e, batch, ctx),
            Some(rows) if !rows.is_empty() => {
                let v = evaluate_rows(e, batch, rows, ctx)?;
                pieces.push((rows.clone(), v));
            }
            Some(_) => {}
        }
    }
    if pieces.is_empty() {
        return Ok(Vector::Const(Value::Null));
    }
    scatter(ty, batch.len, pieces)
}

/// Evaluates `expr` for the given rows only.
fn evaluate_rows(expr: &Expr, batch: &Batch, rows: &[u32], ctx: &ExecContext) -> SqlResult<Vector> {
    let mut needed = Vec::new();
    expr.columns(&mut needed);
    evaluate(expr, &subset(batch, rows, &needed), ctx)
}

fn coalesce(expr: &Expr, list: &[Expr], batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    let mut pieces: Vec<(Vec<u32>, Vector)> = Vec::new();
    let mut open: Option<Vec<u32>> = None;
    for e in list {
        let v = match &open {
            None => evaluate(e, batch, ctx)?,
            Some(rows) => evaluate_rows(e, batch, rows, ctx)?,
        };
        let nulls: Option<&[bool]> = match &v {
            Vector::Const(Value::Null) => continue,
            Vector::Const(_) => None,
            Vector::Column(c) => c.nulls.as_deref(),
        };
        let all: Vec<u32> = open.take().unwrap_or_else(|| (0..batch.len as u32).collect());
        let Some(nulls) = nulls else {
            if pieces.is_empty() {
                return Ok(v);
            }
            pieces.push((all, v));
            break;
        };
        let mut rows = Vec::with_capacity(all.len());
        let mut keep = Vec::with_capacity(all.len());
        let mut left = Vec::new();
        for (i, &row) in all.iter().enumerate() {
            if nulls[i] {
                left.push(row);
            } else {
                rows.push(row);
                keep.push(i as u32);
            }
        }
        if let Vector::Column(c) = &v {
            pieces.push((rows, Vector::column(c.take(&keep))));
        }
        if left.is_empty() {
            break;
        }
        open = Some(left);
    }
    if pieces.is_empty() {
        return Ok(Vector::Const(Value::Null));
    }
    scatter(&expr.ty, batch.len, pieces)
}

fn like(
    operand: &Expr,
    pattern: &Expr,
    escape: Option<&Expr>,
    batch: &Batch,
    ctx: &ExecContext,
) -> SqlResult<Truth> {
    let len = batch.len;
    let v = evaluate(operand, batch, ctx)?;
    let p = evaluate(pattern, batch, ctx)?;
    let e = match escape {
        Some(e) => Some(evaluate(e, batch, ctx)?),
        None => None,
    };
    let escape_unit = |row: usize| -> SqlResult<Option<Option<u16>>> {
        match (&e, escape) {
            (Some(e), Some(x)) => match e.value(row, &x.ty) {
                Value::String(s) if s.len() == 1 => Ok(Some(Some(s.units()[0]))),
                Value::Null => Ok(None),
                other => Err(SqlError::new(506, &[&function::text_of(&other), &"LIKE"])),
            },
            _ => Ok(Some(None)),
        }
    };
    let collation = operand.ty.sort_collation();
    let ignore_blanks = !operand.ty.id.is_unicode();
    if let Vector::Const(Value::Null) = p {
        return Ok(Truth::Const(UNKNOWN));
    }
    if let (Vector::Const(Value::String(p)), true) = (&p, e.as_ref().is_none_or(Vector::is_const)) {
        let Some(escape) = escape_unit(0)? else { return Ok(Truth::Const(UNKNOWN)) };
        let compiled = like::Pattern::new(p.units(), escape, collation);
        return Ok(match &v {
            Vector::Const(Value::String(s)) => {
                Truth::Const(truth_of(Some(compiled.matches(s.units(), ignore_blanks))))
            }
            Vector::Const(_) => Truth::Const(UNKNOWN),
            Vector::Column(c) => {
                let ColumnData::Utf16(s) = &c.data else { return Err(arithmetic::type_mismatch()) };
                Truth::Rows(
                    s.iter()
                        .enumerate()
                        .map(|(i, x)| truth_of((!c.is_null(i)).then(|| compiled.matches(x, ignore_blanks))))
                        .collect(),
                )
            }
        });
    }
    let mut out = Vec::with_capacity(len);
    for row in 0..len {
        out.push(match (v.value(row, &operand.ty), p.value(row, &pattern.ty), escape_unit(row)?) {
            (Value::String(s), Value::String(p), Some(e)) => {
                truth_of(Some(like::Pattern::new(p.units(), e, collation).matches(s.units(), ignore_blanks)))
            }
            _ => UNKNOWN,
        });
    }
    Ok(Truth::Rows(out))
}

/// Lists longer than this are looked up in a set.
const LIST_AS_SET: usize = 8;

fn in_list(node: &Expr, operand: &Expr, list: &[Expr], batch: &Batch, ctx: &ExecContext) -> SqlResult<Truth> {
    let v = evaluate(operand, batch, ctx)?;
    if list.len() > LIST_AS_SET
        && let Some(set) = list_set(node, &operand.ty, list, ctx)?
    {
        return set.contains(&v, &operand.ty, batch.len);
    }
    let mut acc = Truth::Const(FALSE);
    for e in list {
        if acc == Truth::Const(TRUE) {
            break;
        }
        let item = evaluate(e, batch, ctx)?;
        acc = acc
            .combine(compare::compare(CompareOp::Equal, &v, &item, (&operand.ty, &e.ty), batch.len)?, false);
    }
    Ok(acc)
}

/// A list of constants as a set, made once: for the statement where they are literals, else for the frame whose parameters it has.
fn list_set(node: &Expr, ty: &SqlType, list: &[Expr], ctx: &ExecContext) -> SqlResult<Option<Arc<ValueSet>>> {
    let key = std::ptr::from_ref(node) as usize;
    let whole = list.iter().all(Expr::is_literal);
    if let Some(set) = ctx.value_set(key, whole).filter(|s| s.is_of(list)) {
        return Ok(Some(set));
    }
    if !whole && !list.iter().all(Expr::is_plain) {
        return Ok(None);
    }
    let values = list.iter().map(|e| evaluate_constant(e, ctx)).collect::<SqlResult<Vec<_>>>()?;
    let set = ValueSet::of_values(values, ty, ctx)?.map(Arc::new);
    if let Some(set) = &set {
        ctx.keep_value_set(key, whole, Arc::clone(set));
    }
    Ok(set)
}

/// `a + b + c …`, whose tree is as deep on the left as it is long.
fn chain(expr: &Expr, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    let mut nodes = Vec::new();
    let mut first = expr;
    while let ExprKind::Binary { left, .. } = &first.kind {
        nodes.push(first);
        first = left;
    }
    let mut l = operand_of(first, batch, ctx)?;
    while let Some(node) = nodes.pop() {
        let ExprKind::Binary { op, left, right } = &node.kind else { continue };
        let r = operand_of(right, batch, ctx)?;
        l = match arithmetic::binary(*op, &l, &left.ty, &r, &right.ty, &node.ty, batch.len) {
            Err(e) if ctx.query.forgives(&e) => each_row(node, batch.len, ctx, |i| {
                let one = |v: &Vector, ty| Vector::Const(v.value(i, ty));
                let (a, b) = (one(&l, &left.ty), one(&r, &right.ty));
                arithmetic::binary(*op, &a, &left.ty, &b, &right.ty, &node.ty, 1)
            })?,
            done => done?,
        };
    }
    Ok(l)
}

/// Evaluates what an operator works on. A number of a single row is a single value: nothing of it needs memory of its own.
fn operand_of(expr: &Expr, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    if let (1, ExprKind::Column(n)) = (batch.len, &expr.kind)
        && (expr.ty.id.is_numeric() || expr.ty.id.is_temporal())
        && let Some(column) = batch.columns.get(*n)
    {
        return Ok(Vector::Const(column.value(0, &expr.ty)));
    }
    evaluate(expr, batch, ctx)
}

/// Evaluates an expression that uses no columns, once.
pub fn evaluate_constant(expr: &Expr, ctx: &ExecContext) -> SqlResult<Value> {
    if let ExprKind::Literal(v) = &expr.kind {
        return Ok(v.clone());
    }
    Ok(evaluate(expr, &Batch::one_row(), ctx)?.value(0, &expr.ty))
}

/// Evaluates an expression over the only row of `row`.
pub fn evaluate_one(expr: &Expr, row: &Batch, ctx: &ExecContext) -> SqlResult<Value> {
    Ok(evaluate(expr, row, ctx)?.value(0, &expr.ty))
}

/// Row by row, where an error of arithmetic makes NULL of a value and not an end of the statement.
fn each_row(
    expr: &Expr,
    len: usize,
    ctx: &ExecContext,
    f: impl Fn(usize) -> SqlResult<Vector>,
) -> SqlResult<Vector> {
    let mut values = Vec::with_capacity(len);
    for i in 0..len {
        values.push(match f(i) {
            Ok(v) => v.value(0, &expr.ty),
            Err(e) if ctx.query.forgives(&e) => {
                ctx.query.forgive(&e);
                Value::Null
            }
            Err(e) => return Err(e),
        });
    }
    Ok(Vector::column(Column::from_values(&expr.ty, values.iter())?))
}
