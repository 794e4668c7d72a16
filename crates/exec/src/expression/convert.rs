//! Conversions: kernels for the common numeric widenings and for strings that keep their text, the rest value by value.
//!
//! Invariants
//! 1. TRY conversions turn every conversion error into NULL; the others raise it.
//! 2. A NULL converts to NULL whatever the types are.

use std::sync::Arc;

use holdfast_plan::expr::ConvertMode;
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::conversion::{self, ConvertContext, Mode};
use holdfast_types::{Column, ColumnData, Decimal, SqlError, SqlResult, SqlType, TypeId, Value};

use super::arithmetic::{integer_value, power_of_ten};
use super::vector::Vector;
use crate::context::ExecContext;

/// Converts a vector from type `from` to type `to`.
pub fn convert(
    v: &Vector,
    from: &SqlType,
    to: &SqlType,
    style: Option<&(Vector, SqlType)>,
    mode: ConvertMode,
    len: usize,
    ctx: &ExecContext,
) -> SqlResult<Vector> {
    if style.is_none()
        && !matches!(mode, ConvertMode::Edge(_))
        && let Some(done) = fast(v, from, to)
    {
        return Ok(done);
    }
    let style_at = |row: usize| -> Option<i32> {
        style.map(|(s, t)| integer_value(&s.value(row, t)).and_then(|n| i32::try_from(n).ok()).unwrap_or(0))
    };
    let one = |value: &Value, row: usize| -> SqlResult<Value> {
        match convert_value(value, from, to, style_at(row), mode, ctx) {
            Ok(v) => Ok(v),
            Err(e) if mode == ConvertMode::Try && is_conversion_error(&e) => Ok(Value::Null),
            Err(e) => Err(e),
        }
    };
    match v {
        Vector::Const(c) if style.is_none_or(|(s, _)| s.is_const()) => Ok(Vector::Const(one(c, 0)?)),
        _ => {
            let mut out = ColumnBuilder::new(*to, len);
            for row in 0..len {
                if v.is_null(row) {
                    out.push_null();
                } else {
                    out.push(&one(&v.value(row, from), row)?)?;
                }
            }
            Ok(Vector::column(out.finish()))
        }
    }
}

/// Errors that say "this value cannot become that type", as opposed to "these types never convert".
pub fn is_conversion_error(e: &SqlError) -> bool {
    matches!(
        e.number,
        220 | 232
            | 234
            | 241
            | 242
            | 244
            | 245
            | 248
            | 295
            | 296
            | 517
            | 8114
            | 8115
            | 8169
            | 9807
            | 9819
            | 6355
            | 9400..=9500
    )
}

/// Conversions that need no look at the single values, or only a cheap one.
fn fast(v: &Vector, from: &SqlType, to: &SqlType) -> Option<Vector> {
    if let Vector::Const(Value::Null) = v {
        return Some(Vector::Const(Value::Null));
    }
    let same_text = match (from.id, to.id) {
        (TypeId::Char | TypeId::VarChar, TypeId::VarChar) => from.collation == to.collation || to.is_max(),
        (TypeId::NChar | TypeId::NVarChar | TypeId::Char | TypeId::VarChar, TypeId::NVarChar) => true,
        _ => false,
    };
    let fits = to.is_max() || (!from.is_max() && from.char_length() <= to.char_length());
    if same_text && fits {
        return Some(v.clone());
    }
    if from.id == to.id && !from.id.is_character() && !from.id.is_binary() && from.scale == to.scale {
        let narrower = matches!(from.id, TypeId::Decimal | TypeId::Numeric) && to.precision < from.precision;
        if !narrower {
            return Some(v.clone());
        }
    }
    let Vector::Column(c) = v else { return None };
    let data = match (&c.data, to.id) {
        (ColumnData::U8(x), TypeId::SmallInt) => ColumnData::I16(x.iter().map(|&v| i16::from(v)).collect()),
        (ColumnData::U8(x), TypeId::Int) => ColumnData::I32(x.iter().map(|&v| i32::from(v)).collect()),
        (ColumnData::U8(x), TypeId::BigInt) => ColumnData::I64(x.iter().map(|&v| i64::from(v)).collect()),
        (ColumnData::I16(x), TypeId::Int) => ColumnData::I32(x.iter().map(|&v| i32::from(v)).collect()),
        (ColumnData::I16(x), TypeId::BigInt) => ColumnData::I64(x.iter().map(|&v| i64::from(v)).collect()),
        (ColumnData::I32(x), TypeId::BigInt) if from.id == TypeId::Int => {
            ColumnData::I64(x.iter().map(|&v| i64::from(v)).collect())
        }
        (ColumnData::I32(x), TypeId::Float) if from.id == TypeId::Int => {
            ColumnData::F64(x.iter().map(|&v| f64::from(v)).collect())
        }
        (ColumnData::I64(x), TypeId::Float) if from.id == TypeId::BigInt => {
            ColumnData::F64(x.iter().map(|&v| v as f64).collect())
        }
        (ColumnData::F32(x), TypeId::Float) => ColumnData::F64(x.iter().map(|&v| f64::from(v)).collect()),
        // Ten thousandths; no integer of at most 32 bits is too big.
        (ColumnData::U8(x), TypeId::Money) if from.id == TypeId::TinyInt => money(x),
        (ColumnData::I16(x), TypeId::Money) => money(x),
        (ColumnData::I32(x), TypeId::Money) if from.id == TypeId::Int => money(x),
        (ColumnData::I32(x), TypeId::Money) if from.id == TypeId::SmallMoney => {
            ColumnData::I64(x.iter().map(|&v| i64::from(v)).collect())
        }
        (_, TypeId::Decimal | TypeId::Numeric) if exact_digits(from).is_some() => {
            let (digits, scale) = exact_digits(from)?;
            if to.scale < scale || to.precision.saturating_sub(to.scale) < digits {
                return None;
            }
            let f = power_of_ten(u32::from(to.scale - scale));
            ColumnData::Decimal(match &c.data {
                ColumnData::U8(x) => x.iter().map(|&v| i128::from(v) * f).collect(),
                ColumnData::I16(x) => x.iter().map(|&v| i128::from(v) * f).collect(),
                ColumnData::I32(x) => x.iter().map(|&v| i128::from(v) * f).collect(),
                ColumnData::I64(x) => x.iter().map(|&v| i128::from(v) * f).collect(),
                _ => return None,
            })
        }
        (ColumnData::Decimal(x), TypeId::Float) => {
            ColumnData::F64(x.iter().map(|&v| Decimal::new(v, from.scale).to_f64()).collect())
        }
        (ColumnData::I64(x), TypeId::Float) if from.id == TypeId::Money => {
            ColumnData::F64(x.iter().map(|&v| Decimal::new(i128::from(v), 4).to_f64()).collect())
        }
        (ColumnData::Decimal(x), TypeId::Decimal | TypeId::Numeric)
            if to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale =>
        {
            let f = power_of_ten(u32::from(to.scale - from.scale));
            ColumnData::Decimal(x.iter().map(|&v| v.wrapping_mul(f)).collect())
        }
        _ => return None,
    };
    Some(Vector::Column(Arc::new(Column { data, nulls: c.nulls.clone() })))
}

fn money<T: Copy + Into<i64>>(x: &[T]) -> ColumnData {
    ColumnData::I64(x.iter().map(|&v| v.into() * 10_000).collect())
}

/// Digits before the point and scale of the types whose vectors are integers to be multiplied.
fn exact_digits(ty: &SqlType) -> Option<(u8, u8)> {
    Some(match ty.id {
        TypeId::TinyInt => (3, 0),
        TypeId::SmallInt => (5, 0),
        TypeId::Int => (10, 0),
        TypeId::BigInt => (19, 0),
        TypeId::SmallMoney => (6, 4),
        TypeId::Money => (15, 4),
        _ => return None,
    })
}

/// Converts one value.
pub fn convert_value(
    v: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    mode: ConvertMode,
    ctx: &ExecContext,
) -> SqlResult<Value> {
    if v.is_null() {
        return Ok(Value::Null);
    }
    if let ConvertMode::Edge(at) = mode {
        return super::edge::edge(v, from, to, at, ctx);
    }
    let settings = &ctx.query.settings;
    let context = ConvertContext {
        date_order: settings.date_format,
        language: settings.conversion_language,
        compatibility_level: settings.compatibility_level,
    };
    let mode = if mode == ConvertMode::Implicit { Mode::Implicit } else { Mode::Explicit };
    conversion::convert(v, from, to, style, &context, mode)
}
