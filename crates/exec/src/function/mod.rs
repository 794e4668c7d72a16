//! Built-in scalar functions, by area.
//!
//! Invariants
//! 1. Arguments arrive converted as the function's definition asks; a function whose nullability is `Propagate` never sees NULL.
//! 2. A function over constants only is computed once per batch, except those that differ per row.
//!
//! Module map: [`string`], [`supplementary`], [`math`], [`date`], [`format`], [`json`], [`openxml`], [`hash`], [`metadata`], [`system`], [`method`] methods of xml and
//! CLR values, [`sequence`].

pub mod date;
pub mod format;
mod gzip;
pub mod hash;
pub mod json;
pub mod math;
pub mod metadata;
pub mod method;
pub mod openxml;
pub mod sequence;
pub mod spatial;
pub mod string;
pub mod supplementary;
pub mod system;
pub mod xml;
pub mod xml_schema_text;

use holdfast_plan::expr::{ConvertMode, Expr};
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
    let run = implementation(function);
    let mut values: Vec<Value> = vec![Value::Null; vectors.len()];
    let one = |row: usize, values: &mut Vec<Value>| -> SqlResult<Value> {
        for ((slot, v), t) in values.iter_mut().zip(&vectors).zip(&types) {
            *slot = v.value(row, t);
        }
        if propagate && values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        run(&Call { function, args: values, types: &types, ty, ctx })
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

type Implementation = fn(&Call<'_>) -> SqlResult<Value>;

/// The module that implements a function.
fn implementation(f: FunctionId) -> Implementation {
    use FunctionId as F;
    match f as u16 {
        n if n <= F::FormatMessage as u16 => {
            if f == F::Format {
                format::call
            } else {
                string::call
            }
        }
        n if n <= F::RightShift as u16 => math::call,
        n if n <= F::IsDate as u16 => date::call,
        n if n == F::Parse as u16 || n == F::TryParse as u16 => format::call,
        n if n <= F::SqlVariantProperty as u16 => system::call,
        n if n <= F::JsonArray as u16 => json::call,
        n if n <= F::VarBinToHexStr as u16 => hash::call,
        _ => match f {
            F::ServerProperty
            | F::ConnectionProperty
            | F::FullTextServiceProperty
            | F::ScopeIdentity
            | F::SuserSname
            | F::SuserName
            | F::SuserId
            | F::SuserSid
            | F::UserName
            | F::UserId
            | F::User
            | F::CurrentUser
            | F::SessionUser
            | F::SystemUser
            | F::OriginalLogin
            | F::DatabasePrincipalId => system::call,
            _ if (f as u16) < F::AppName as u16 => metadata::call,
            _ => system::call,
        },
    }
}

/// Evaluates a function for one row.
pub fn scalar(call: &Call<'_>) -> SqlResult<Value> {
    implementation(call.function)(call)
}

/// The answer of a function that is not there yet.
pub fn not_yet(function: FunctionId) -> SqlError {
    SqlError::not_supported(format!("The function {}", definition(function).name))
}

/// Whether a value converts to a type.
pub fn converts(v: &Value, from: &SqlType, to: &SqlType, ctx: &ExecContext) -> bool {
    crate::expression::convert::convert_value(v, from, to, None, ConvertMode::Explicit, ctx)
        .is_ok_and(|v| !v.is_null())
}

/// Whether a value is a number.
pub fn is_number(v: &Value) -> bool {
    matches!(
        v,
        Value::Bit(_)
            | Value::TinyInt(_)
            | Value::SmallInt(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Decimal(_)
            | Value::Money(_)
            | Value::SmallMoney(_)
            | Value::Real(_)
            | Value::Float(_)
    )
}

/// A value as messages show it.
pub fn text_of(v: &Value) -> String {
    match v {
        Value::String(s) => s.to_text(),
        Value::Null => "NULL".to_string(),
        Value::Variant(x) => text_of(&x.value),
        other => {
            let ty = system::type_of(other).unwrap_or(SqlType::INT);
            holdfast_types::conversion::canonical_text(other, &ty).unwrap_or_default()
        }
    }
}

/// A temporal or other value in the ISO form that JSON and XML use.
pub fn text_in_iso(v: &Value, ty: &SqlType, _ctx: Option<&ExecContext>) -> SqlResult<String> {
    use holdfast_types::datetime::calendar::Moment;
    use holdfast_types::datetime::text;
    use holdfast_types::{TypeId, datetime::text::time};
    Ok(match v {
        Value::Guid(g) => holdfast_types::conversion::uuid_text(g),
        _ => {
            let Some(m) = Moment::from_value(v) else {
                return Err(crate::expression::arithmetic::type_mismatch());
            };
            let scale = match ty.id {
                TypeId::DateTime => 3,
                TypeId::SmallDateTime => 0,
                _ => ty.scale,
            };
            // Zeros at the end of the fraction are left out.
            let clock = {
                let full = time(m.local.time, scale);
                match full.split_once('.') {
                    Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole.to_string(),
                    Some(_) => full.trim_end_matches('0').to_string(),
                    None => full,
                }
            };
            match v {
                Value::Date(d) => text::date(*d),
                Value::Time(_) => clock,
                Value::DateTimeOffset(d) if d.offset_minutes == 0 => {
                    format!("{}T{clock}Z", text::date(m.local.date))
                }
                Value::DateTimeOffset(d) => {
                    format!("{}T{clock}{}", text::date(m.local.date), text::offset(d.offset_minutes))
                }
                _ => format!("{}T{clock}", text::date(m.local.date)),
            }
        }
    })
}
