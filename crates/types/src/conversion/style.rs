//! Dates and times to text by CONVERT style.
//!
//! Invariants
//! 1. date shows no time, time shows no date, whatever the style; a style without any part of the type is error 8114.
//! 2. datetime and smalldatetime show milliseconds after a colon in styles 9, 13, 14, 109, 113, 114, 130, 131; the newer types
//!    show their own number of digits after a point.

use super::{ConvertContext, failed, message_name};
use crate::datetime::{Date, Moment, Time, text};
use crate::{SqlError, SqlResult, SqlType, TypeId, Value};

pub(super) fn temporal_text(
    value: &Value,
    from: &SqlType,
    to: &SqlType,
    style: Option<i32>,
    ctx: &ConvertContext,
) -> SqlResult<String> {
    let out_of_range = || SqlError::new(242, &[&message_name(from), &message_name(to)]);
    let classic = matches!(from.id, TypeId::DateTime | TypeId::SmallDateTime);
    let style = style.unwrap_or(if classic { 0 } else { 121 });
    let mut m = Moment::from_value(value).ok_or_else(out_of_range)?;
    let mut zone = (from.id == TypeId::DateTimeOffset).then(|| text::offset(m.offset_minutes));
    if style == 127 && zone.is_some() {
        m = Moment { local: m.utc().ok_or_else(out_of_range)?, offset_minutes: 0 };
        zone = Some("Z".to_owned());
    }
    let has_date = from.id != TypeId::Time;
    let has_time = from.id != TypeId::Date;
    let d = has_date.then(|| date_text(m.local.date, style, ctx)).flatten();
    let shape = ClockShape { classic, scale: if classic { 3 } else { from.scale }, style };
    let t = has_time.then(|| clock_text(m.local.time, &shape)).flatten();
    if !is_valid(style) {
        return Err(SqlError::new(281, &[&style, &from.id.name()]));
    }
    let mut out = match (d, t) {
        (Some(d), Some(t)) => format!("{d}{}{t}", if matches!(style, 126 | 127) { "T" } else { " " }),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Err(failed(from, to)),
    };
    if !has_date {
        out = out.trim_start().to_owned();
    }
    if let (Some(zone), true) = (zone, shows_clock(style)) {
        if !matches!(style, 126 | 127) {
            out.push(' ');
        }
        out.push_str(&zone);
    }
    Ok(out)
}

fn is_valid(style: i32) -> bool {
    matches!(style, 0..=14 | 20..=25 | 100..=114 | 120 | 121 | 126 | 127 | 130 | 131)
}

fn shows_clock(style: i32) -> bool {
    matches!(
        style,
        0 | 8 | 9 | 13 | 14 | 20
            ..=22 | 24 | 25 | 100 | 108 | 109 | 113 | 114 | 120 | 121 | 126 | 127 | 130 | 131
    )
}

fn date_text(date: Date, style: i32, ctx: &ConvertContext) -> Option<String> {
    let p = date.parts();
    let (y, m, d) = (p.year, p.month, p.day);
    let yy = y % 100;
    let name = ctx.language.0.short_months[(m as usize - 1).min(11)];
    Some(match style {
        0 | 100 | 9 | 109 => format!("{name} {d:>2} {y:04}"),
        1 => format!("{m:02}/{d:02}/{yy:02}"),
        101 => format!("{m:02}/{d:02}/{y:04}"),
        2 => format!("{yy:02}.{m:02}.{d:02}"),
        102 => format!("{y:04}.{m:02}.{d:02}"),
        3 => format!("{d:02}/{m:02}/{yy:02}"),
        103 => format!("{d:02}/{m:02}/{y:04}"),
        4 => format!("{d:02}.{m:02}.{yy:02}"),
        104 => format!("{d:02}.{m:02}.{y:04}"),
        5 => format!("{d:02}-{m:02}-{yy:02}"),
        105 => format!("{d:02}-{m:02}-{y:04}"),
        6 => format!("{d:02} {name} {yy:02}"),
        106 => format!("{d:02} {name} {y:04}"),
        7 => format!("{name} {d:02}, {yy:02}"),
        107 => format!("{name} {d:02}, {y:04}"),
        10 => format!("{m:02}-{d:02}-{yy:02}"),
        110 => format!("{m:02}-{d:02}-{y:04}"),
        11 => format!("{yy:02}/{m:02}/{d:02}"),
        111 => format!("{y:04}/{m:02}/{d:02}"),
        12 => format!("{yy:02}{m:02}{d:02}"),
        112 => format!("{y:04}{m:02}{d:02}"),
        13 | 113 => format!("{d:02} {name} {y:04}"),
        20 | 120 | 21 | 121 | 23 | 25 | 126 | 127 => format!("{y:04}-{m:02}-{d:02}"),
        22 => format!("{m:02}/{d:02}/{yy:02}"),
        130 => {
            let (y, m, d) = hijri(date);
            format!("{d:>2} {} {y:04}", HIJRI_MONTHS[(m as usize - 1).min(11)])
        }
        131 => {
            let (y, m, d) = hijri(date);
            format!("{d:>2}/{m:02}/{y:04}")
        }
        _ => return None,
    })
}

struct ClockShape {
    classic: bool,
    scale: u8,
    style: i32,
}

fn clock_text(time: Time, shape: &ClockShape) -> Option<String> {
    let (h, mi, s, ticks) = text::clock(time);
    let (h12, half) = (if h % 12 == 0 { 12 } else { h % 12 }, if h < 12 { "AM" } else { "PM" });
    let digits = |separator: char| {
        if shape.scale == 0 {
            return String::new();
        }
        let all = format!("{ticks:07}");
        format!("{separator}{}", &all[..usize::from(shape.scale.min(7))])
    };
    let point = || digits('.');
    let colon = || digits(if shape.classic { ':' } else { '.' });
    Some(match shape.style {
        0 | 100 => format!("{h12:>2}:{mi:02}{half}"),
        9 | 109 | 130 | 131 => format!("{h12:>2}:{mi:02}:{s:02}{}{half}", colon()),
        8 | 24 | 108 | 20 | 120 => format!("{h:02}:{mi:02}:{s:02}"),
        22 => format!("{h12:>2}:{mi:02}:{s:02} {half}"),
        13 | 113 | 14 | 114 => format!("{h:02}:{mi:02}:{s:02}{}", colon()),
        21 | 25 | 121 => format!("{h:02}:{mi:02}:{s:02}{}", point()),
        126 | 127 => {
            // datetime leaves out milliseconds that are zero.
            let fraction = if shape.classic && ticks == 0 { String::new() } else { point() };
            format!("{h:02}:{mi:02}:{s:02}{fraction}")
        }
        _ => return None,
    })
}

const HIJRI_MONTHS: [&str; 12] = [
    "محرم",
    "صفر",
    "ربيع الاول",
    "ربيع الثاني",
    "جمادى الاولى",
    "جمادى الثانية",
    "رجب",
    "شعبان",
    "رمضان",
    "شوال",
    "ذو القعدة",
    "ذو الحجة",
];

/// The tabular Islamic calendar ("Kuwaiti algorithm"): year, month, day.
fn hijri(date: Date) -> (i64, i64, i64) {
    // Julian day number of 0001-01-01 is 1,721,426.
    let jd = i64::from(date.0) + 1_721_426;
    let mut l = jd - 1_948_440 + 10_632;
    let n = (l - 1).div_euclid(10_631);
    l = l - 10_631 * n + 354;
    let j = ((10_985 - l) / 5316) * ((50 * l) / 17_719) + (l / 5670) * ((43 * l) / 15_238);
    l = l - ((30 - j) / 15) * ((17_719 * j) / 50) - (j / 16) * ((15_238 * j) / 43) + 29;
    let m = (24 * l) / 709;
    (30 * n + j - 30, m.clamp(1, 12), l - (709 * m) / 24)
}

/// Text of a temporal value in a style, for callers outside conversions (PRINT, error texts).
pub fn text_of(value: &Value, ty: &SqlType, style: i32, ctx: &ConvertContext) -> SqlResult<String> {
    temporal_text(value, ty, &SqlType::nvarchar(100, crate::CollationId::NONE), Some(style), ctx)
}
