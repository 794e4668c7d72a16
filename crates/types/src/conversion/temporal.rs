//! Conversions to the six temporal types.

use super::{ConvertContext, bytes, message_name, number};
use crate::datetime::parse::{ParseDateError, ParseOptions, parse};
use crate::datetime::{DateOrder, Moment};
use crate::{SqlError, SqlResult, SqlType, TypeId, Value};

pub(super) fn convert(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
) -> SqlResult<Value> {
    let range = || SqlError::new(242, &[&message_name(from), &message_name(to)]);
    match value {
        Value::String(s) => from_text(&s.to_text(), from, to, style, ctx),
        Value::Binary(b) => bytes::to_temporal(b, from, to),
        Value::DateTime(d)
            if ctx.compatibility_level >= 130
                && !matches!(to.id, TypeId::DateTime | TypeId::SmallDateTime) =>
        {
            let local = d.to_datetime2_exact().ok_or_else(range)?;
            Moment { local, offset_minutes: 0 }.to_value(to).ok_or_else(range)
        }
        Value::DateTime(_) if to.id == TypeId::DateTime => Ok(value.clone()),
        _ if from.id.is_temporal() => {
            Moment::from_value(value).and_then(|m| m.to_value(to)).ok_or_else(range)
        }
        _ => {
            let overflow = || SqlError::new(8115, &[&"expression", &message_name(to)]);
            let d = number::datetime_from_number(value).ok_or_else(overflow)?;
            if to.id == TypeId::DateTime {
                return Ok(Value::DateTime(d));
            }
            d.to_datetime2()
                .and_then(|local| Moment { local, offset_minutes: 0 }.to_value(to))
                .ok_or_else(overflow)
        }
    }
}

/// The order that a style prescribes for numeric dates.
fn style_order(style: i32) -> Option<DateOrder> {
    Some(match style {
        1 | 101 | 10 | 110 | 22 | 0 | 100 | 7 | 107 | 9 | 109 => DateOrder::Mdy,
        3..=6 | 103..=106 | 13 | 113 | 130 | 131 => DateOrder::Dmy,
        2 | 102 | 11 | 111 | 12 | 112 | 20 | 120 | 21 | 121 | 23 | 25 | 126 | 127 => DateOrder::Ymd,
        _ => return None,
    })
}

fn from_text(
    s: &str,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
) -> SqlResult<Value> {
    let classic = matches!(to.id, TypeId::DateTime | TypeId::SmallDateTime);
    let syntax = || {
        if to.id == TypeId::SmallDateTime { SqlError::new(295, &[]) } else { SqlError::new(241, &[]) }
    };
    let range = || {
        if classic {
            SqlError::new(242, &[&message_name(from), &message_name(to)])
        } else {
            SqlError::new(241, &[])
        }
    };
    if matches!(style, Some(130 | 131)) {
        return Err(SqlError::not_supported("Conversion from a Hijri date"));
    }
    let prescribed = style.filter(|&s| s != 0).and_then(style_order);
    let options =
        ParseOptions { order: prescribed.unwrap_or(ctx.date_order), language: ctx.language, classic };
    let parsed = match parse(s, &options) {
        Ok(p) => p,
        Err(e) => {
            return Err(match (e, style) {
                (ParseDateError::Syntax, Some(n)) if n >= 120 && prescribed.is_some() => {
                    SqlError::new(9807, &[&n])
                }
                (ParseDateError::Syntax, _) => syntax(),
                (ParseDateError::Range, _) => range(),
            });
        }
    };
    if classic && (parsed.long_fraction || (parsed.has_offset && parsed.moment.offset_minutes != 0)) {
        return Err(syntax());
    }
    parsed.moment.to_value(to).ok_or_else(range)
}
