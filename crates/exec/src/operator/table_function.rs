//! Table-valued functions: built-in ones, and multi-statement functions run by the procedure interpreter.
//!
//! Invariants
//! 1. Arguments are evaluated once, when the function is opened; functions of an outer row are opened per row by nested loops.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_engine::catalog::ModuleDef;
use holdfast_plan::expr::{Expr, ExprKind};
use holdfast_plan::function::{TableFunctionId, table_functions};
use holdfast_plan::physical::{PhysicalPlan, TableFunction};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, Column, Decimal, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::{Chunks, Source, Stored, types_of};
use crate::context::{ExecContext, FunctionArgument};
use crate::expression::arithmetic::integer_value;
use crate::expression::evaluate_constant;

pub fn open_function<'p>(
    function: &'p TableFunction,
    args: &'p [Expr],
    plan: &'p PhysicalPlan,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let values: Vec<Value> = args.iter().map(|e| evaluate_constant(e, ctx)).collect::<SqlResult<_>>()?;
    let types = types_of(plan);
    match function.id {
        TableFunctionId::StringSplit => rows(&types, string_split(&values, &types)?),
        TableFunctionId::GenerateSeries => series(&values, args),
        TableFunctionId::OpenJson => {
            rows(&types, crate::function::json::open_json(function, &values, &types, ctx)?)
        }
        TableFunctionId::OpenXml => {
            rows(&types, crate::function::openxml::open_xml(function, &values, &types, ctx)?)
        }
        TableFunctionId::XmlNodes => {
            let values: Vec<(Value, SqlType)> = values.into_iter().zip(args.iter().map(|a| a.ty)).collect();
            let text = function.path.as_deref().unwrap_or_default();
            rows(&types, crate::function::xml::nodes(text, &values, ctx)?)
        }
        other => {
            let name = table_functions().find(|f| f.id == other).map_or("", |f| f.name);
            if name.starts_with("dm_exec_describe_first_result_set")
                && let Some(modules) = &ctx.query.modules
            {
                return rows(&types, modules.describe(&values)?);
            }
            match ctx.query.session.table_function(name, &values) {
                Some(found) => rows(&types, found?),
                None => Err(SqlError::not_supported(format!("The table-valued function {name}"))),
            }
        }
    }
}

fn rows<'p>(types: &[SqlType], rows: Vec<Vec<Value>>) -> SqlResult<Source<'p>> {
    Ok(Box::new(Chunks::new(Batch::from_rows(types, &rows)?)))
}

pub fn open_module<'p>(
    module: &'p Arc<ModuleDef>,
    args: &'p [Option<Expr>],
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let Some(runner) = &ctx.query.modules else {
        return Err(SqlError::not_supported("A multi-statement table-valued function in this place"));
    };
    let values = args
        .iter()
        .map(|a| {
            Ok(match a {
                None => FunctionArgument::Default,
                Some(Expr { kind: ExprKind::Table(table), .. }) => FunctionArgument::Table(Arc::clone(table)),
                Some(e) => FunctionArgument::Value(evaluate_constant(e, ctx)?),
            })
        })
        .collect::<SqlResult<Vec<_>>>()?;
    runner.table(module, values)
}

/// STRING_SPLIT: no row for NULL, one row for a text without separator.
fn string_split(args: &[Value], types: &[SqlType]) -> SqlResult<Vec<Vec<Value>>> {
    let Some(Value::String(text)) = args.first() else { return Ok(Vec::new()) };
    let separator = match args.get(1) {
        Some(Value::String(s)) if s.len() == 1 => s.units()[0],
        _ => return Err(SqlError::new(214, &[&"separator", &"nchar(1)/nvarchar(1)"])),
    };
    let ordinal = types.len() > 1;
    Ok(text
        .units()
        .split(|&u| u == separator)
        .enumerate()
        .map(|(i, part)| {
            let mut row = vec![Value::String(SqlString::new(part))];
            if ordinal {
                row.push(Value::BigInt(i as i64 + 1));
            }
            row
        })
        .collect())
}

/// GENERATE_SERIES over integers or decimals, produced as it is read.
struct Series {
    ty: SqlType,
    next: i128,
    stop: i128,
    step: i128,
}

impl BatchSource for Series {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut values = Vec::new();
        while values.len() < BATCH_ROWS * 4
            && ((self.step > 0 && self.next <= self.stop) || (self.step < 0 && self.next >= self.stop))
        {
            values.push(match self.ty.id {
                TypeId::TinyInt => Value::TinyInt(self.next as u8),
                TypeId::SmallInt => Value::SmallInt(self.next as i16),
                TypeId::Int | TypeId::Null => Value::Int(self.next as i32),
                TypeId::BigInt => Value::BigInt(self.next as i64),
                _ => Value::Decimal(Decimal::new(self.next, self.ty.scale)),
            });
            self.next += self.step;
        }
        if values.is_empty() {
            return Ok(None);
        }
        Ok(Some(Batch::from_columns(vec![Column::from_values(&self.ty, &values)?])))
    }
}

fn series<'p>(args: &[Value], exprs: &[Expr]) -> SqlResult<Source<'p>> {
    let ty = exprs.first().map_or(SqlType::INT, |e| e.ty);
    if args.iter().any(Value::is_null) {
        return Ok(Box::new(Stored::new(Arc::new(Vec::new()))));
    }
    let number = |v: &Value| -> SqlResult<i128> {
        match v {
            Value::Decimal(d) => Ok(d.mantissa),
            other => integer_value(other).map(i128::from).ok_or_else(|| SqlError::new(5373, &[])),
        }
    };
    let (Some(start), Some(stop)) = (args.first(), args.get(1)) else {
        return Err(SqlError::new(313, &[&"GENERATE_SERIES"]));
    };
    let (start, stop) = (number(start)?, number(stop)?);
    let one =
        if matches!(ty.id, TypeId::Decimal | TypeId::Numeric) { 10i128.pow(u32::from(ty.scale)) } else { 1 };
    let step = match args.get(2) {
        Some(v) => number(v)?,
        None if start <= stop => one,
        None => -one,
    };
    if step == 0 {
        return Err(SqlError::new(4199, &[&0, &3, &"generate_series"]));
    }
    Ok(Box::new(Series { ty, next: start, stop, step }))
}
