//! Date and time functions.
//!
//! Invariants
//! 1. The clock is the statement's: every call in one statement gives the same instant.
//! 2. DATEDIFF counts boundaries crossed, in local time; weeks begin on Sunday whatever DATEFIRST says.
//! 3. A result outside its type's range is error 517 (DATEADD), 535 (DATEDIFF) or 289 (…FROMPARTS).
//!
//! Evidence: T-SQL reference, "Date and time functions".

use holdfast_plan::function::{DatePart, FunctionId, definition};
use holdfast_types::datetime::calendar::Moment;
use holdfast_types::datetime::text::{clock, offset};
use holdfast_types::datetime::{DAYS_TO_1900, TICKS_PER_DAY, TICKS_PER_SECOND};
use holdfast_types::{Date, DateTime2, DateTimeOffset, SqlError, SqlResult, SqlType, Time, TypeId, Value};

use super::{Call, not_yet};
use crate::context::ExecContext;
use crate::expression::arithmetic::{integer_value, type_mismatch};

const SECOND: i64 = TICKS_PER_SECOND as i64;
const DAY: i64 = TICKS_PER_DAY as i64;

fn int(v: &Value) -> SqlResult<i64> {
    integer_value(v).ok_or_else(type_mismatch)
}

fn part(v: &Value) -> SqlResult<DatePart> {
    int(v).ok().and_then(|n| u8::try_from(n).ok()).and_then(DatePart::from_number).ok_or_else(type_mismatch)
}

fn moment(v: &Value) -> SqlResult<Moment> {
    Moment::from_value(v).ok_or_else(type_mismatch)
}

fn refuse(p: DatePart, function: FunctionId, ty: &SqlType) -> SqlError {
    SqlError::new(9810, &[&p.name(), &definition(function).name.to_lowercase(), &ty.id.name()])
}

/// The moment as a value of the result type.
fn value(m: Moment, ty: &SqlType, error: i32) -> SqlResult<Value> {
    m.to_value(ty).ok_or_else(|| SqlError::new(error, &[&ty.id.name()]))
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    let ty = c.ty;
    let now = c.ctx.query.now;
    let local = || Moment { local: now.local().unwrap_or_default(), offset_minutes: now.offset_minutes };
    let utc = || Moment { local: now.utc, offset_minutes: 0 };
    Ok(match c.function {
        FunctionId::GetDate
        | FunctionId::SysDateTime
        | FunctionId::SysDateTimeOffset
        | FunctionId::CurrentDate => value(local(), ty, 517)?,
        FunctionId::GetUtcDate | FunctionId::SysUtcDateTime => value(utc(), ty, 517)?,
        FunctionId::CurrentTimeZone if now.offset_minutes == 0 => {
            Value::string("(UTC) Coordinated Universal Time")
        }
        FunctionId::CurrentTimeZone => Value::string(&format!("(UTC{})", offset(now.offset_minutes))),
        FunctionId::CurrentTimeZoneId => Value::string("UTC"),
        FunctionId::DateAdd => {
            let p = part(&a[0])?;
            let n = int(&a[1])?;
            add(p, n, &a[2], ty, c)?
        }
        FunctionId::DateDiff | FunctionId::DateDiffBig => {
            let n = difference(part(&a[0])?, moment(&a[1])?, moment(&a[2])?)?;
            if c.function == FunctionId::DateDiff {
                Value::Int(i32::try_from(n).map_err(|_| SqlError::new(535, &[&"datediff", &"datediff"]))?)
            } else {
                Value::BigInt(n)
            }
        }
        FunctionId::DatePart => {
            let p = part(&a[0])?;
            check_part(p, &c.types[1], c.function)?;
            Value::Int(date_part(p, moment(&a[1])?, c.ctx))
        }
        FunctionId::DateName => {
            let p = part(&a[0])?;
            check_part(p, &c.types[1], c.function)?;
            let m = moment(&a[1])?;
            let language = c.ctx.query.settings.conversion_language.0;
            Value::string(&match p {
                DatePart::Month => {
                    language.months[(m.local.date.parts().month as usize - 1) % 12].to_string()
                }
                DatePart::WeekDay => language.days[m.local.date.weekday() as usize % 7].to_string(),
                DatePart::TzOffset => offset(m.offset_minutes),
                _ => date_part(p, m, c.ctx).to_string(),
            })
        }
        FunctionId::Year => Value::Int(moment(&a[0])?.local.date.parts().year),
        FunctionId::Month => Value::Int(moment(&a[0])?.local.date.parts().month as i32),
        FunctionId::Day => Value::Int(moment(&a[0])?.local.date.parts().day as i32),
        FunctionId::DateTrunc => {
            let p = part(&a[0])?;
            let m = moment(&a[1])?;
            let out = truncate(p, m.local, c.ctx).ok_or_else(|| refuse(p, c.function, ty))?;
            value(Moment { local: out, ..m }, ty, 517)?
        }
        FunctionId::DateBucket => bucket(c)?,
        FunctionId::EoMonth => {
            let Value::Date(d) = a[0] else { return Ok(Value::Null) };
            let months = match a.get(1) {
                None => 0,
                Some(v) => int(v)?,
            };
            let moved = d.add_months(months).ok_or_else(|| SqlError::new(517, &[&"date"]))?;
            Value::Date(moved.end_of_month())
        }
        FunctionId::DateFromParts => {
            let d = date_from(&a[0], &a[1], &a[2])?.ok_or_else(|| SqlError::new(289, &[&"date"]))?;
            Value::Date(d)
        }
        FunctionId::AgentDateTime => {
            let bad = || SqlError::new(242, &[&"nvarchar", &"datetime"]);
            let (date, time) = (int(&a[0])?, int(&a[1])?);
            let part = |n: i64| i32::try_from(n).map(Value::Int).map_err(|_| bad());
            let d = date_from(&part(date / 10_000)?, &part(date / 100 % 100)?, &part(date % 100)?)?
                .ok_or_else(bad)?;
            let t = time_from(&part(time / 10_000)?, &part(time / 100 % 100)?, &part(time % 100)?, 0)?;
            value(Moment::new(d, t.ok_or_else(bad)?), ty, 242)?
        }
        FunctionId::DateTimeFromParts => {
            let bad = || SqlError::new(289, &[&"datetime"]);
            let d = date_from(&a[0], &a[1], &a[2])?.ok_or_else(bad)?;
            let ms = int(&a[6])?;
            let t = time_from(&a[3], &a[4], &a[5], ms * 10_000)?
                .filter(|_| (0..1000).contains(&ms))
                .ok_or_else(bad)?;
            value(Moment::new(d, t), ty, 289)?
        }
        FunctionId::SmallDateTimeFromParts => {
            let bad = || SqlError::new(289, &[&"smalldatetime"]);
            let d = date_from(&a[0], &a[1], &a[2])?.ok_or_else(bad)?;
            let t = time_from(&a[3], &a[4], &Value::Int(0), 0)?.ok_or_else(bad)?;
            value(Moment::new(d, t), ty, 289)?
        }
        FunctionId::TimeFromParts => {
            let bad = || SqlError::new(289, &[&"time"]);
            let t =
                time_from(&a[0], &a[1], &a[2], fraction(&a[3], &a[4])?.ok_or_else(bad)?)?.ok_or_else(bad)?;
            Value::Time(t)
        }
        FunctionId::DateTime2FromParts => {
            let bad = || SqlError::new(289, &[&"datetime2"]);
            let d = date_from(&a[0], &a[1], &a[2])?.ok_or_else(bad)?;
            let t =
                time_from(&a[3], &a[4], &a[5], fraction(&a[6], &a[7])?.ok_or_else(bad)?)?.ok_or_else(bad)?;
            value(Moment::new(d, t), ty, 289)?
        }
        FunctionId::DateTimeOffsetFromParts => {
            let bad = || SqlError::new(289, &[&"datetimeoffset"]);
            let d = date_from(&a[0], &a[1], &a[2])?.ok_or_else(bad)?;
            let t =
                time_from(&a[3], &a[4], &a[5], fraction(&a[6], &a[9])?.ok_or_else(bad)?)?.ok_or_else(bad)?;
            let (h, m) = (int(&a[7])?, int(&a[8])?);
            let minutes = h * 60 + m;
            if minutes.abs() > 840 || m.abs() > 59 || (h != 0 && m != 0 && h.signum() != m.signum()) {
                return Err(bad());
            }
            value(Moment { local: DateTime2 { date: d, time: t }, offset_minutes: minutes as i16 }, ty, 289)?
        }
        FunctionId::SwitchOffset => {
            let Value::DateTimeOffset(d) = a[0] else { return Err(type_mismatch()) };
            Value::DateTimeOffset(DateTimeOffset { offset_minutes: zone_offset(&a[1])?, ..d })
        }
        FunctionId::ToDateTimeOffset => {
            let m = moment(&a[0])?;
            value(Moment { local: m.local, offset_minutes: zone_offset(&a[1])? }, ty, 517)?
        }
        FunctionId::AtTimeZone => at_time_zone(c)?,
        FunctionId::IsDate => Value::Int(i32::from(match &a[0] {
            Value::DateTime(_) | Value::SmallDateTime(_) => true,
            Value::String(_) => super::converts(&a[0], &c.types[0], &SqlType::DATETIME, c.ctx),
            _ => false,
        })),
        other => return Err(not_yet(other)),
    })
}

fn check_part(p: DatePart, ty: &SqlType, function: FunctionId) -> SqlResult<()> {
    let time_part = matches!(
        p,
        DatePart::Hour
            | DatePart::Minute
            | DatePart::Second
            | DatePart::Millisecond
            | DatePart::Microsecond
            | DatePart::Nanosecond
    );
    let bad = match ty.id {
        TypeId::Date => time_part || p == DatePart::TzOffset,
        TypeId::Time => !time_part,
        TypeId::DateTime | TypeId::SmallDateTime => p == DatePart::TzOffset,
        _ => false,
    };
    if bad { Err(refuse(p, function, ty)) } else { Ok(()) }
}

fn date_from(y: &Value, m: &Value, d: &Value) -> SqlResult<Option<Date>> {
    let (y, m, d) = (int(y)?, int(m)?, int(d)?);
    Ok(match (i32::try_from(y), u32::try_from(m), u32::try_from(d)) {
        (Ok(y), Ok(m), Ok(d)) => Date::from_ymd(y, m, d),
        _ => None,
    })
}

fn time_from(h: &Value, m: &Value, s: &Value, ticks: i64) -> SqlResult<Option<Time>> {
    let (h, m, s) = (int(h)?, int(m)?, int(s)?);
    let good =
        (0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s) && (0..SECOND).contains(&ticks);
    Ok(good.then(|| Time((((h * 60 + m) * 60 + s) * SECOND + ticks) as u64)))
}

/// A fraction of `scale` digits in ticks.
fn fraction(n: &Value, scale: &Value) -> SqlResult<Option<i64>> {
    let (n, scale) = (int(n)?, int(scale)?);
    if !(0..=7).contains(&scale) || n < 0 || n >= 10i64.pow(scale as u32) {
        return Ok(None);
    }
    Ok(Some(n * 10i64.pow(7 - scale as u32)))
}

/// `±hh:mm` text or minutes.
fn zone_offset(v: &Value) -> SqlResult<i16> {
    let bad = || SqlError::new(9812, &[]);
    let minutes = match v {
        Value::String(s) => {
            let t = s.to_text();
            let (sign, rest) = match t.split_at_checked(1) {
                Some(("+", r)) => (1, r),
                Some(("-", r)) => (-1, r),
                _ => return Err(bad()),
            };
            let (h, m) = rest.trim_end().split_once(':').ok_or_else(bad)?;
            let (h, m): (i64, i64) = (h.parse().map_err(|_| bad())?, m.parse().map_err(|_| bad())?);
            if m > 59 {
                return Err(bad());
            }
            sign * (h * 60 + m)
        }
        other => int(other)?,
    };
    i16::try_from(minutes).ok().filter(|m| m.abs() <= 840).ok_or_else(bad)
}

/// Ticks of one unit of the parts that have a fixed length.
fn unit_ticks(p: DatePart) -> Option<i64> {
    Some(match p {
        DatePart::Day | DatePart::DayOfYear | DatePart::WeekDay => DAY,
        DatePart::Week => 7 * DAY,
        DatePart::Hour => 3600 * SECOND,
        DatePart::Minute => 60 * SECOND,
        DatePart::Second => SECOND,
        DatePart::Millisecond => SECOND / 1000,
        DatePart::Microsecond => 10,
        _ => return None,
    })
}

fn add(p: DatePart, n: i64, v: &Value, ty: &SqlType, c: &Call<'_>) -> SqlResult<Value> {
    let out_of_range = || SqlError::new(517, &[&ty.id.name()]);
    // datetime counts 1/300 s: adding to its exact ticks keeps them.
    if let (Value::DateTime(d), Some(unit)) = (v, unit_ticks(p))
        && unit >= SECOND
    {
        let seconds = n.checked_mul(unit / SECOND).ok_or_else(out_of_range)?;
        let total = i64::from(d.days) * 86_400 + i64::from(d.ticks / 300);
        let total = total.checked_add(seconds).ok_or_else(out_of_range)?;
        let days = total.div_euclid(86_400);
        if !(-53_690..=2_958_463).contains(&days) {
            return Err(out_of_range());
        }
        let ticks = total.rem_euclid(86_400) as u32 * 300 + d.ticks % 300;
        return Ok(Value::DateTime(holdfast_types::DateTime { days: days as i32, ticks }));
    }
    let m = moment(v)?;
    check_part(p, ty, c.function)?;
    let local = match p {
        DatePart::Year | DatePart::Quarter | DatePart::Month => {
            let factor = match p {
                DatePart::Year => 12,
                DatePart::Quarter => 3,
                _ => 1,
            };
            let months = n.checked_mul(factor).ok_or_else(out_of_range)?;
            DateTime2 { date: m.local.date.add_months(months).ok_or_else(out_of_range)?, time: m.local.time }
        }
        // To the nearest 100.
        DatePart::Nanosecond => {
            m.local.add_ticks(n.saturating_add(50).div_euclid(100)).ok_or_else(out_of_range)?
        }
        _ => {
            let unit = unit_ticks(p).ok_or_else(|| refuse(p, c.function, ty))?;
            let ticks = n.checked_mul(unit).ok_or_else(out_of_range)?;
            if ty.id == TypeId::Time {
                // A time wraps around midnight.
                let t = (m.local.time.0 as i64 + ticks % DAY).rem_euclid(DAY);
                DateTime2 { date: m.local.date, time: Time(t as u64) }
            } else {
                m.local.add_ticks(ticks).ok_or_else(out_of_range)?
            }
        }
    };
    value(Moment { local, ..m }, ty, 517)
}

fn difference(p: DatePart, from: Moment, to: Moment) -> SqlResult<i64> {
    // Values with an offset compare by UTC, the others as they are.
    let zoned = from.offset_minutes != 0 || to.offset_minutes != 0;
    let at = |m: Moment| if zoned { m.utc().unwrap_or(m.local) } else { m.local };
    let (x, y) = (at(from), at(to));
    let months = |d: DateTime2| {
        let p = d.date.parts();
        i64::from(p.year) * 12 + i64::from(p.month) - 1
    };
    let overflow = || SqlError::new(535, &[&"datediff", &"datediff"]);
    Ok(match p {
        DatePart::Year => i64::from(y.date.parts().year) - i64::from(x.date.parts().year),
        DatePart::Quarter => months(y) / 3 - months(x) / 3,
        DatePart::Month => months(y) - months(x),
        DatePart::Day | DatePart::DayOfYear | DatePart::WeekDay => i64::from(y.date.0) - i64::from(x.date.0),
        // 0001-01-01 was a Monday: the day before it began a week.
        DatePart::Week => (i64::from(y.date.0) + 1).div_euclid(7) - (i64::from(x.date.0) + 1).div_euclid(7),
        DatePart::IsoWeek => i64::from(y.date.0).div_euclid(7) - i64::from(x.date.0).div_euclid(7),
        DatePart::Nanosecond => (y.ticks() - x.ticks()).checked_mul(100).ok_or_else(overflow)?,
        DatePart::TzOffset => return Err(SqlError::new(9806, &[&"tzoffset", &"datediff"])),
        _ => {
            let unit = unit_ticks(p).ok_or_else(overflow)?;
            y.ticks().div_euclid(unit) - x.ticks().div_euclid(unit)
        }
    })
}

/// Week of the year: week 1 holds January 1st, weeks begin on DATEFIRST.
fn week(d: Date, date_first: u8) -> i32 {
    let p = d.parts();
    let first = Date::from_ymd(p.year, 1, 1).unwrap_or(d);
    let shift = |d: Date| (d.weekday() as i32 + 8 - i32::from(date_first)).rem_euclid(7);
    ((d.0 - first.0) + shift(first)) / 7 + 1
}

pub fn date_part(p: DatePart, m: Moment, ctx: &ExecContext) -> i32 {
    let d = m.local.date.parts();
    let (h, minute, s, ticks) = clock(m.local.time);
    let first = ctx.query.settings.date_first;
    match p {
        DatePart::Year => d.year,
        DatePart::Quarter => (d.month as i32 - 1) / 3 + 1,
        DatePart::Month => d.month as i32,
        DatePart::DayOfYear => m.local.date.day_of_year() as i32,
        DatePart::Day => d.day as i32,
        DatePart::Week => week(m.local.date, first),
        DatePart::WeekDay => (m.local.date.weekday() as i32 + 8 - i32::from(first)).rem_euclid(7) + 1,
        DatePart::IsoWeek => m.local.date.iso_week() as i32,
        DatePart::Hour => h as i32,
        DatePart::Minute => minute as i32,
        DatePart::Second => s as i32,
        DatePart::Millisecond => (ticks / 10_000) as i32,
        DatePart::Microsecond => (ticks / 10) as i32,
        DatePart::Nanosecond => (ticks * 100) as i32,
        DatePart::TzOffset => i32::from(m.offset_minutes),
    }
}

fn truncate(p: DatePart, d: DateTime2, ctx: &ExecContext) -> Option<DateTime2> {
    let parts = d.date.parts();
    let midnight = |date: Date| DateTime2 { date, time: Time(0) };
    Some(match p {
        DatePart::Year => midnight(Date::from_ymd(parts.year, 1, 1)?),
        DatePart::Quarter => midnight(Date::from_ymd(parts.year, (parts.month - 1) / 3 * 3 + 1, 1)?),
        DatePart::Month => midnight(Date::from_ymd(parts.year, parts.month, 1)?),
        DatePart::Week => {
            let back = (d.date.weekday() as i32 + 8 - i32::from(ctx.query.settings.date_first)).rem_euclid(7);
            midnight(d.date.add_days(-i64::from(back))?)
        }
        DatePart::IsoWeek => midnight(d.date.add_days(-i64::from(d.date.weekday()))?),
        DatePart::Day | DatePart::DayOfYear => midnight(d.date),
        DatePart::WeekDay | DatePart::TzOffset | DatePart::Nanosecond => return None,
        _ => {
            let unit = unit_ticks(p)? as u64;
            DateTime2 { date: d.date, time: Time(d.time.0 / unit * unit) }
        }
    })
}

/// DATE_BUCKET: the start of the bucket of `n` parts since the origin (1900-01-01 unless given).
fn bucket(c: &Call<'_>) -> SqlResult<Value> {
    let p = part(&c.args[0])?;
    let n = int(&c.args[1])?;
    if n <= 0 {
        return Err(SqlError::new(9834, &[&"number"]));
    }
    let m = moment(&c.args[2])?;
    let origin = match c.args.get(3) {
        Some(v) => moment(v)?.local,
        None => DateTime2 { date: Date(DAYS_TO_1900), time: Time(0) },
    };
    let bad = || SqlError::new(517, &[&c.ty.id.name()]);
    let start = match p {
        DatePart::Year | DatePart::Quarter | DatePart::Month => {
            let step = n
                .checked_mul(match p {
                    DatePart::Year => 12,
                    DatePart::Quarter => 3,
                    _ => 1,
                })
                .ok_or_else(bad)?;
            let count = |d: DateTime2| i64::from(d.date.parts().year) * 12 + i64::from(d.date.parts().month);
            let mut k = (count(m.local) - count(origin)).div_euclid(step);
            let at = |k: i64| -> Option<DateTime2> {
                Some(DateTime2 { date: origin.date.add_months(k.checked_mul(step)?)?, time: origin.time })
            };
            if at(k).is_some_and(|d| d > m.local) {
                k -= 1;
            }
            at(k).ok_or_else(bad)?
        }
        _ => {
            let unit =
                unit_ticks(p).ok_or_else(|| refuse(p, c.function, c.ty))?.checked_mul(n).ok_or_else(bad)?;
            let k = (m.local.ticks() - origin.ticks()).div_euclid(unit);
            origin.add_ticks(k * unit).ok_or_else(bad)?
        }
    };
    value(Moment { local: start, ..m }, c.ty, 517)
}

/// Windows zone names of the most used zones, with their IANA names.
const ZONES: &[(&str, &str)] = &[
    ("UTC", "UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Romance Standard Time", "Europe/Paris"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("FLE Standard Time", "Europe/Kyiv"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("India Standard Time", "Asia/Kolkata"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("Central Standard Time", "America/Chicago"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Mountain Standard Time", "America/Denver"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
];

/// AT TIME ZONE: a value with an offset moves to the zone, one without is taken to be in it.
fn at_time_zone(c: &Call<'_>) -> SqlResult<Value> {
    let Value::String(zone) = &c.args[1] else { return Ok(Value::Null) };
    let zone_name = zone.to_text();
    let bad = || SqlError::new(9820, &[&zone_name]);
    let iana = ZONES.iter().find(|z| z.0.eq_ignore_ascii_case(zone_name.trim_end())).ok_or_else(bad)?.1;
    let tz = jiff::tz::TimeZone::get(iana).map_err(|_| bad())?;
    const TO_1970: i64 = 719_162 * 86_400;
    let seconds = |d: DateTime2| d.ticks().div_euclid(SECOND) - TO_1970;
    let m = moment(&c.args[0])?;
    if matches!(c.args[0], Value::DateTimeOffset(_)) {
        let utc = m.utc().ok_or_else(bad)?;
        let at = jiff::Timestamp::from_second(seconds(utc)).map_err(|_| bad())?;
        let minutes = (tz.to_offset(at).seconds() / 60) as i16;
        return value_of(DateTimeOffset { utc, offset_minutes: minutes }, c.ty);
    }
    let p = m.local.date.parts();
    let (h, minute, s, _) = clock(m.local.time);
    let civil = jiff::civil::DateTime::new(
        p.year as i16,
        p.month as i8,
        p.day as i8,
        h as i8,
        minute as i8,
        s as i8,
        0,
    )
    .map_err(|_| bad())?;
    // A skipped time moves on by what was skipped, a repeated one is standard time (the later instant).
    let minutes = |o: jiff::tz::Offset| (o.seconds() / 60) as i16;
    let ambiguous = tz.to_ambiguous_timestamp(civil);
    let chosen = match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset,
        jiff::tz::AmbiguousOffset::Gap { before, after } => {
            let skipped = Moment { local: m.local, offset_minutes: minutes(before) };
            let utc = skipped.utc().ok_or_else(bad)?;
            return value_of(DateTimeOffset { utc, offset_minutes: minutes(after) }, c.ty);
        }
        jiff::tz::AmbiguousOffset::Fold { after, .. } => after,
    };
    value(Moment { local: m.local, offset_minutes: minutes(chosen) }, c.ty, 517)
}

fn value_of(d: DateTimeOffset, ty: &SqlType) -> SqlResult<Value> {
    let local = d.local().ok_or_else(|| SqlError::new(517, &[&ty.id.name()]))?;
    value(Moment { local, offset_minutes: d.offset_minutes }, ty, 517)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(function: FunctionId, args: &[Value], ty: SqlType) -> SqlResult<Value> {
        let types: Vec<SqlType> = args
            .iter()
            .map(|v| match v {
                Value::Date(_) => SqlType::DATE,
                Value::DateTime2(_) => SqlType::datetime2(7),
                Value::DateTime(_) => SqlType::DATETIME,
                _ => SqlType::INT,
            })
            .collect();
        call(&Call { function, args, types: &types, ty: &ty, ctx: &ExecContext::plain() })
    }

    fn date(y: i32, m: u32, d: u32) -> Value {
        Value::Date(Date::from_ymd(y, m, d).unwrap())
    }

    fn p(part: DatePart) -> Value {
        Value::TinyInt(part as u8)
    }

    #[test]
    fn adding_and_differences() {
        let add =
            |part, n, v| run(FunctionId::DateAdd, &[p(part), Value::BigInt(n), v], SqlType::DATE).unwrap();
        assert_eq!(add(DatePart::Month, 1, date(2024, 1, 31)), date(2024, 2, 29));
        assert_eq!(add(DatePart::Year, -1, date(2024, 2, 29)), date(2023, 2, 28));
        assert_eq!(add(DatePart::Week, 2, date(2024, 1, 1)), date(2024, 1, 15));
        let diff = |part, a, b| run(FunctionId::DateDiff, &[p(part), a, b], SqlType::INT).unwrap();
        assert_eq!(diff(DatePart::Year, date(2023, 12, 31), date(2024, 1, 1)), Value::Int(1));
        assert_eq!(diff(DatePart::Month, date(2024, 1, 31), date(2024, 2, 1)), Value::Int(1));
        // Saturday to Sunday crosses a week boundary, Sunday to Monday does not.
        assert_eq!(diff(DatePart::Week, date(2024, 1, 6), date(2024, 1, 7)), Value::Int(1));
        assert_eq!(diff(DatePart::Week, date(2024, 1, 7), date(2024, 1, 8)), Value::Int(0));
        assert_eq!(diff(DatePart::Quarter, date(2024, 3, 31), date(2024, 4, 1)), Value::Int(1));
        let far = run(
            FunctionId::DateDiff,
            &[p(DatePart::Second), date(1900, 1, 1), date(2024, 1, 1)],
            SqlType::INT,
        );
        assert_eq!(far.unwrap_err().number, 535);
    }

    #[test]
    fn parts_and_ends() {
        let part = |x, v| run(FunctionId::DatePart, &[p(x), v], SqlType::INT).unwrap();
        assert_eq!(part(DatePart::WeekDay, date(2024, 1, 7)), Value::Int(1));
        assert_eq!(part(DatePart::Week, date(2024, 1, 7)), Value::Int(2));
        assert_eq!(part(DatePart::IsoWeek, date(2021, 1, 3)), Value::Int(53));
        assert_eq!(part(DatePart::DayOfYear, date(2024, 12, 31)), Value::Int(366));
        let end = run(FunctionId::EoMonth, &[date(2024, 1, 31), Value::Int(1)], SqlType::DATE).unwrap();
        assert_eq!(end, date(2024, 2, 29));
        let bad =
            run(FunctionId::DateFromParts, &[Value::Int(2023), Value::Int(2), Value::Int(29)], SqlType::DATE);
        assert_eq!(bad.unwrap_err().number, 289);
    }

    #[test]
    fn zones() {
        let noon = Value::DateTime2(DateTime2 {
            date: Date::from_ymd(2024, 7, 1).unwrap(),
            time: Time(12 * 3600 * TICKS_PER_SECOND),
        });
        let zone = Value::string("Pacific Standard Time");
        let out = run(FunctionId::AtTimeZone, &[noon, zone], SqlType::datetimeoffset(7)).unwrap();
        let Value::DateTimeOffset(d) = out else { panic!("{out:?}") };
        assert_eq!(d.offset_minutes, -420);
        assert_eq!(
            run(
                FunctionId::AtTimeZone,
                &[date(2024, 1, 1), Value::string("Nowhere")],
                SqlType::datetimeoffset(7)
            )
            .unwrap_err()
            .number,
            9820
        );
    }
}
