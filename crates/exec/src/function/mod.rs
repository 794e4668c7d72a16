//! Built-in scalar functions, by area.
//!
//! Invariants
//! 1. Arguments arrive converted as the function's definition asks; a function whose nullability is `Propagate` never sees NULL.
//! 2. A function over constants only is computed once per batch, except those that differ per row.
//!
//! Module map: [`string`], [`math`], [`date`], [`conversion`], [`json`], [`hash`], [`metadata`], [`system`], [`method`] methods of xml and CLR values.

pub mod json;
pub mod method;

use holdfast_plan::expr::Expr;
use holdfast_plan::function::{FunctionId, Nullability, Volatility, definition};
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use crate::context::ExecContext;
use crate::expression::evaluate;
use crate::expression::vector::Vector;

/// A call with its evaluated arguments for one row.
pub struct Call<'a> {
    pub function: FunctionId,
    pub args: &'a [Value],
    /// Types of the arguments.
    pub types: &'a [SqlType],
    /// Type of the result.
    pub ty: &'a SqlType,
    pub ctx: &'a ExecContext,
}

/// Evaluates a function over a batch.
pub fn call(
    function: FunctionId,
    args: &[Expr],
    ty: &SqlType,
    batch: &Batch,
    ctx: &ExecContext,
) -> SqlResult<Vector> {
    let mut vectors = Vec::with_capacity(args.len());
    for a in args {
        vectors.push(evaluate(a, batch, ctx)?);
    }
    let types: Vec<SqlType> = args.iter().map(|a| a.ty).collect();
    let def = definition(function);
    let propagate = matches!(def.nullability, Nullability::Propagate | Nullability::PropagateOr);
    let mut values: Vec<Value> = vec![Value::Null; vectors.len()];
    let one = |row: usize, values: &mut Vec<Value>| -> SqlResult<Value> {
        for ((slot, v), t) in values.iter_mut().zip(&vectors).zip(&types) {
            *slot = v.value(row, t);
        }
        if propagate && values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        scalar(&Call { function, args: values, types: &types, ty, ctx })
    };
    if def.volatility != Volatility::Row && vectors.iter().all(Vector::is_const) {
        return Ok(Vector::Const(one(0, &mut values)?));
    }
    let mut out = ColumnBuilder::new(*ty, batch.len);
    for row in 0..batch.len {
        out.push(&one(row, &mut values)?)?;
    }
    Ok(Vector::column(out.finish()))
}

/// Evaluates a function for one row.
pub fn scalar(call: &Call<'_>) -> SqlResult<Value> {
    Err(not_yet(call.function))
}

/// The answer of a function that is not there yet.
pub fn not_yet(function: FunctionId) -> SqlError {
    SqlError::not_supported(format!("The function {}", definition(function).name))
}

/// A value as messages show it.
pub fn text_of(v: &Value) -> String {
    match v {
        Value::String(s) => s.to_text(),
        Value::Null => "NULL".to_string(),
        Value::Int(x) => x.to_string(),
        Value::BigInt(x) => x.to_string(),
        other => format!("{other:?}"),
    }
}
