//! Date parts and the functions over them: DATEADD, DATEDIFF, DATEPART, DATENAME, DATETRUNC, the …FROMPARTS constructors.
//!
//! Invariants
//! 1. Every function answers an out-of-range result with SQL Server's own error (517, 535, 289, 9810), never by wrapping.
//! 2. Weeks of DATEDIFF begin on Sunday whatever DATEFIRST says; those of DATEPART(week) follow DATEFIRST.

use super::{Date, DateTime2, Language, Moment, TICKS_PER_DAY, TICKS_PER_SECOND, Time, calendar, text};
use crate::{SqlError, SqlResult, SqlType, TypeId, Value};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum DatePart {
    Year,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    Weekday,
    IsoWeek,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    TzOffset,
}

impl DatePart {
    /// By name or abbreviation, in any case.
    pub fn from_name(name: &str) -> Option<DatePart> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" | "yy" | "yyyy" => DatePart::Year,
            "quarter" | "qq" | "q" => DatePart::Quarter,
            "month" | "mm" | "m" => DatePart::Month,
            "dayofyear" | "dy" | "y" => DatePart::DayOfYear,
            "day" | "dd" | "d" => DatePart::Day,
            "week" | "wk" | "ww" => DatePart::Week,
            "weekday" | "dw" | "w" => DatePart::Weekday,
            "iso_week" | "isowk" | "isoww" => DatePart::IsoWeek,
            "hour" | "hh" => DatePart::Hour,
            "minute" | "mi" | "n" => DatePart::Minute,
            "second" | "ss" | "s" => DatePart::Second,
            "millisecond" | "ms" => DatePart::Millisecond,
            "microsecond" | "mcs" => DatePart::Microsecond,
            "nanosecond" | "ns" => DatePart::Nanosecond,
            "tzoffset" | "tz" => DatePart::TzOffset,
            _ => return None,
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            DatePart::Year => "year",
            DatePart::Quarter => "quarter",
            DatePart::Month => "month",
            DatePart::DayOfYear => "dayofyear",
            DatePart::Day => "day",
            DatePart::Week => "week",
            DatePart::Weekday => "weekday",
            DatePart::IsoWeek => "iso_week",
            DatePart::Hour => "hour",
            DatePart::Minute => "minute",
            DatePart::Second => "second",
            DatePart::Millisecond => "millisecond",
            DatePart::Microsecond => "microsecond",
            DatePart::Nanosecond => "nanosecond",
            DatePart::TzOffset => "tzoffset",
        }
    }

    /// Length of a clock part in 100 ns ticks; `None` for calendar parts. A nanosecond is 0 ticks here.
    const fn ticks(self) -> Option<i64> {
        Some(match self {
            DatePart::Hour => 3600 * TICKS_PER_SECOND as i64,
            DatePart::Minute => 60 * TICKS_PER_SECOND as i64,
            DatePart::Second => TICKS_PER_SECOND as i64,
            DatePart::Millisecond => 10_000,
            DatePart::Microsecond => 10,
            DatePart::Nanosecond => 0,
            _ => return None,
        })
    }
}

fn unsupported(part: DatePart, function: &str, ty: TypeId) -> SqlError {
    SqlError::new(9810, &[&part.name(), &function, &ty.name()])
}

fn type_of(value: &Value) -> Option<SqlType> {
    Some(match value {
        Value::Date(_) => SqlType::DATE,
        Value::Time(_) => SqlType::time(7),
        Value::DateTime2(_) => SqlType::datetime2(7),
        Value::DateTimeOffset(_) => SqlType::datetimeoffset(7),
        Value::DateTime(_) => SqlType::DATETIME,
        Value::SmallDateTime(_) => SqlType::SMALLDATETIME,
        _ => return None,
    })
}

fn not_temporal(function: &str) -> SqlError {
    SqlError::new(8116, &[&"sql_variant", &1, &function])
}

/// DATEADD(`part`, `number`, `value`); the result has the type of `value`.
pub fn date_add(part: DatePart, number: i64, value: &Value, ty: &SqlType) -> SqlResult<Value> {
    let overflow = || SqlError::new(517, &[&ty.id.name()]);
    let m = Moment::from_value(value).ok_or_else(|| not_temporal("dateadd"))?;
    let refuse = || unsupported(part, "dateadd", ty.id);
    let date = m.local.date;
    let calendar = match part {
        DatePart::Year => date.add_months(number.checked_mul(12).ok_or_else(overflow)?),
        DatePart::Quarter => date.add_months(number.checked_mul(3).ok_or_else(overflow)?),
        DatePart::Month => date.add_months(number),
        DatePart::Week => date.add_days(number.checked_mul(7).ok_or_else(overflow)?),
        DatePart::Day | DatePart::DayOfYear | DatePart::Weekday => date.add_days(number),
        DatePart::IsoWeek | DatePart::TzOffset => return Err(refuse()),
        _ => Some(date),
    };
    let local = match part.ticks() {
        None if ty.id == TypeId::Time => return Err(refuse()),
        None => DateTime2 { date: calendar.ok_or_else(overflow)?, ..m.local },
        Some(_) if ty.id == TypeId::Date => return Err(refuse()),
        Some(unit) => {
            if matches!(part, DatePart::Microsecond | DatePart::Nanosecond)
                && matches!(ty.id, TypeId::DateTime | TypeId::SmallDateTime)
            {
                return Err(refuse());
            }
            // Nanoseconds round to the nearest 100.
            let ticks = if unit == 0 {
                (number + 50 * number.signum()) / 100
            } else {
                number.checked_mul(unit).ok_or_else(overflow)?
            };
            if ty.id == TypeId::Time {
                let t = (m.local.time.0 as i64).wrapping_add(ticks).rem_euclid(TICKS_PER_DAY as i64);
                return Ok(Value::Time(Time(t as u64).round(ty.scale).0));
            }
            m.local.add_ticks(ticks).ok_or_else(overflow)?
        }
    };
    Moment { local, ..m }.to_value(ty).ok_or_else(overflow)
}

/// Number of `part` boundaries between two temporal values. `big`: DATEDIFF_BIG, else the result must fit int.
pub fn date_diff(part: DatePart, from: &Value, to: &Value, big: bool) -> SqlResult<i64> {
    let function = if big { "datediff_big" } else { "datediff" };
    let (a, b) = (Moment::from_value(from), Moment::from_value(to));
    let (Some(a), Some(b)) = (a.and_then(Moment::utc), b.and_then(Moment::utc)) else {
        return Err(not_temporal(function));
    };
    let id = type_of(from).map_or(TypeId::DateTime2, |t| t.id);
    let months = |d: Date| {
        let p = d.parts();
        i64::from(p.year) * 12 + i64::from(p.month) - 1
    };
    let days = i64::from(b.date.0) - i64::from(a.date.0);
    let result = match part {
        DatePart::Year => i64::from(b.date.parts().year - a.date.parts().year),
        DatePart::Quarter => months(b.date).div_euclid(3) - months(a.date).div_euclid(3),
        DatePart::Month => months(b.date) - months(a.date),
        DatePart::Week => {
            // Day 6 was a Sunday.
            (i64::from(b.date.0) + 1).div_euclid(7) - (i64::from(a.date.0) + 1).div_euclid(7)
        }
        DatePart::Day | DatePart::DayOfYear | DatePart::Weekday => days,
        DatePart::IsoWeek | DatePart::TzOffset => return Err(unsupported(part, function, id)),
        DatePart::Nanosecond => {
            let n = (i128::from(b.ticks()) - i128::from(a.ticks())) * 100;
            i64::try_from(n).map_err(|_| SqlError::new(535, &[&function, &function]))?
        }
        _ => {
            let unit = part.ticks().unwrap_or(1);
            b.ticks().div_euclid(unit) - a.ticks().div_euclid(unit)
        }
    };
    if !big && i32::try_from(result).is_err() {
        return Err(SqlError::new(535, &[&function, &function]));
    }
    Ok(result)
}

/// DATEPART(`part`, `value`); `date_first` 1 = Monday … 7 = Sunday.
pub fn date_part(part: DatePart, value: &Value, date_first: u8) -> SqlResult<i32> {
    let m = Moment::from_value(value).ok_or_else(|| not_temporal("datepart"))?;
    let id = type_of(value).map_or(TypeId::DateTime2, |t| t.id);
    let refuse = || Err(unsupported(part, "datepart", id));
    let is_clock = part.ticks().is_some();
    if (id == TypeId::Date && is_clock) || (id == TypeId::Time && !is_clock) {
        return refuse();
    }
    let date = m.local.date;
    let p = date.parts();
    let (h, minute, s, ticks) = text::clock(m.local.time);
    // datetime keeps 1/300 s: its finer parts come from the rounded milliseconds.
    Ok(match part {
        DatePart::Year => p.year,
        DatePart::Quarter => (p.month as i32 + 2) / 3,
        DatePart::Month => p.month as i32,
        DatePart::DayOfYear => date.day_of_year() as i32,
        DatePart::Day => p.day as i32,
        DatePart::Week => {
            let first = Date::from_ymd(p.year, 1, 1).unwrap_or_default();
            let lead = weekday(first, date_first) as i32 - 1;
            (date.day_of_year() as i32 - 1 + lead) / 7 + 1
        }
        DatePart::Weekday => weekday(date, date_first) as i32,
        DatePart::IsoWeek => date.iso_week() as i32,
        DatePart::Hour => h as i32,
        DatePart::Minute => minute as i32,
        DatePart::Second => s as i32,
        DatePart::Millisecond => (ticks / 10_000) as i32,
        DatePart::Microsecond => (ticks / 10) as i32,
        DatePart::Nanosecond => (ticks * 100) as i32,
        DatePart::TzOffset => match value {
            Value::DateTimeOffset(d) => i32::from(d.offset_minutes),
            Value::DateTime2(_) => 0,
            _ => return refuse(),
        },
    })
}

/// 1–7 counted from the session's first day of the week.
pub fn weekday(date: Date, date_first: u8) -> u32 {
    (date.weekday() + 8 - u32::from(date_first.clamp(1, 7))) % 7 + 1
}

/// DATENAME: names of months and weekdays, ±HH:MM for the offset, digits for the rest.
pub fn date_name(part: DatePart, value: &Value, date_first: u8, language: Language) -> SqlResult<String> {
    let n = date_part(part, value, date_first)?;
    let m = Moment::from_value(value).unwrap_or_default();
    Ok(match part {
        DatePart::Month => language.0.months[(n - 1).clamp(0, 11) as usize].to_owned(),
        DatePart::Weekday => language.0.days[m.local.date.weekday() as usize].to_owned(),
        DatePart::TzOffset => text::offset(n as i16),
        _ => n.to_string(),
    })
}

/// DATETRUNC(`part`, `value`).
pub fn date_trunc(part: DatePart, value: &Value, ty: &SqlType, date_first: u8) -> SqlResult<Value> {
    let m = Moment::from_value(value).ok_or_else(|| not_temporal("datetrunc"))?;
    let refuse = || unsupported(part, "datetrunc", ty.id);
    let overflow = || SqlError::new(517, &[&ty.id.name()]);
    let is_clock = part.ticks().is_some();
    if (ty.id == TypeId::Date && is_clock) || (ty.id == TypeId::Time && !is_clock) {
        return Err(refuse());
    }
    let date = m.local.date;
    let p = date.parts();
    let start = |d: Option<Date>| Some(DateTime2 { date: d?, time: Time(0) });
    let local = match part {
        DatePart::Year => start(Date::from_ymd(p.year, 1, 1)),
        DatePart::Quarter => start(Date::from_ymd(p.year, (p.month - 1) / 3 * 3 + 1, 1)),
        DatePart::Month => start(Date::from_ymd(p.year, p.month, 1)),
        DatePart::Day | DatePart::DayOfYear => start(Some(date)),
        DatePart::Week => start(date.add_days(1 - i64::from(weekday(date, date_first)))),
        DatePart::IsoWeek => start(date.add_days(-i64::from(date.weekday()))),
        DatePart::Weekday | DatePart::TzOffset | DatePart::Nanosecond => return Err(refuse()),
        _ => {
            let unit = part.ticks().unwrap_or(1) as u64;
            Some(DateTime2 { date, time: Time(m.local.time.0 / unit * unit) })
        }
    };
    Moment { local: local.ok_or_else(overflow)?, ..m }.to_value(ty).ok_or_else(overflow)
}

/// EOMONTH(`date`, `months`).
pub fn end_of_month(date: Date, months: i64) -> SqlResult<Date> {
    Ok(date.add_months(months).ok_or_else(|| SqlError::new(517, &[&"date"]))?.end_of_month())
}

fn from_parts_error(ty: &str) -> SqlError {
    SqlError::new(289, &[&ty])
}

/// DATEFROMPARTS.
pub fn date_from_parts(year: i32, month: i32, day: i32) -> SqlResult<Date> {
    let (month, day) = (u32::try_from(month).unwrap_or(0), u32::try_from(day).unwrap_or(0));
    Date::from_ymd(year, month, day).ok_or_else(|| from_parts_error("date"))
}

/// TIMEFROMPARTS: `fraction` in units of 10^-`precision` s.
pub fn time_from_parts(
    hour: i32,
    minute: i32,
    second: i32,
    fraction: i32,
    precision: i32,
    ty: &str,
) -> SqlResult<Time> {
    let bad = || from_parts_error(ty);
    if !(0..=7).contains(&precision) {
        return Err(SqlError::new(10760, &[]));
    }
    let limit = 10i32.pow(precision as u32);
    if !(0..24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0..60).contains(&second)
        || !(0..limit).contains(&fraction)
    {
        return Err(bad());
    }
    let ticks = fraction as u32 * 10u32.pow(7 - precision as u32);
    Ok(Time::from_hms(hour as u32, minute as u32, second as u32, ticks))
}

/// DATETIMEFROMPARTS, SMALLDATETIMEFROMPARTS (second and millisecond 0), DATETIME2FROMPARTS through [`time_from_parts`].
pub fn moment_from_parts(date: Date, time: Time, offset_minutes: i16, ty: &SqlType) -> SqlResult<Value> {
    Moment { local: DateTime2 { date, time }, offset_minutes }
        .to_value(ty)
        .ok_or_else(|| from_parts_error(ty.id.name()))
}

/// SWITCHOFFSET: the same instant shown at another offset.
pub fn switch_offset(value: &Value, offset_minutes: i32) -> SqlResult<Value> {
    let offset = valid_offset(offset_minutes, "switchoffset")?;
    let utc = Moment::from_value(value).and_then(Moment::utc).ok_or_else(|| not_temporal("switchoffset"))?;
    let moved = super::DateTimeOffset { utc, offset_minutes: offset };
    moved.local().ok_or_else(|| SqlError::new(517, &[&"datetimeoffset"]))?;
    Ok(Value::DateTimeOffset(moved))
}

/// TODATETIMEOFFSET: the same local time with an offset.
pub fn to_datetime_offset(value: &Value, offset_minutes: i32) -> SqlResult<Value> {
    let offset = valid_offset(offset_minutes, "todatetimeoffset")?;
    let local = Moment::from_value(value).ok_or_else(|| not_temporal("todatetimeoffset"))?.local;
    super::DateTimeOffset::from_local(local, offset)
        .map(Value::DateTimeOffset)
        .ok_or_else(|| SqlError::new(517, &[&"datetimeoffset"]))
}

fn valid_offset(minutes: i32, function: &str) -> SqlResult<i16> {
    i16::try_from(minutes)
        .ok()
        .filter(|m| m.unsigned_abs() <= 14 * 60)
        .ok_or_else(|| SqlError::new(9812, &[&function]))
}

/// Days of a month, for callers that build dates.
pub use calendar::days_in_month;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DateTime, DateTimeOffset};

    fn dt2(y: i32, m: u32, d: u32, h: u32, mi: u32, s: u32) -> Value {
        Value::DateTime2(DateTime2 {
            date: Date::from_ymd(y, m, d).unwrap(),
            time: Time::from_hms(h, mi, s, 0),
        })
    }

    #[test]
    fn adding() {
        let ty = SqlType::datetime2(7);
        let a = dt2(2024, 1, 31, 10, 0, 0);
        assert_eq!(date_add(DatePart::Month, 1, &a, &ty), Ok(dt2(2024, 2, 29, 10, 0, 0)));
        assert_eq!(date_add(DatePart::Hour, -11, &a, &ty), Ok(dt2(2024, 1, 30, 23, 0, 0)));
        assert_eq!(date_add(DatePart::Year, 9999, &a, &ty).unwrap_err().number, 517);
        assert_eq!(
            date_add(DatePart::Hour, 1, &Value::Date(Date(5)), &SqlType::DATE).unwrap_err().number,
            9810
        );
        let t = Value::Time(Time::from_hms(23, 0, 0, 0));
        assert_eq!(
            date_add(DatePart::Hour, 2, &t, &SqlType::time(7)),
            Ok(Value::Time(Time::from_hms(1, 0, 0, 0)))
        );
        let d = Value::DateTime(DateTime { days: 0, ticks: 1 });
        assert_eq!(
            date_add(DatePart::Millisecond, 2, &d, &SqlType::DATETIME),
            Ok(Value::DateTime(DateTime { days: 0, ticks: 2 }))
        );
    }

    #[test]
    fn boundaries() {
        let (a, b) = (dt2(2023, 12, 31, 23, 59, 59), dt2(2024, 1, 1, 0, 0, 0));
        for part in [
            DatePart::Year,
            DatePart::Quarter,
            DatePart::Month,
            DatePart::Day,
            DatePart::Hour,
            DatePart::Second,
        ] {
            assert_eq!(date_diff(part, &a, &b, false), Ok(1), "{part:?}");
        }
        // 2023-12-31 was a Sunday: the week began there.
        assert_eq!(date_diff(DatePart::Week, &a, &b, false), Ok(0));
        assert_eq!(date_diff(DatePart::Week, &dt2(2023, 12, 30, 0, 0, 0), &a, false), Ok(1));
        let far = dt2(1900, 1, 1, 0, 0, 0);
        assert_eq!(date_diff(DatePart::Millisecond, &far, &b, false).unwrap_err().number, 535);
        assert!(date_diff(DatePart::Millisecond, &far, &b, true).is_ok());
    }

    #[test]
    fn parts_and_names() {
        let v = dt2(2024, 7, 4, 1, 2, 3);
        assert_eq!(date_part(DatePart::Week, &v, 7), Ok(27));
        assert_eq!(date_part(DatePart::Weekday, &v, 7), Ok(5));
        assert_eq!(date_part(DatePart::Weekday, &v, 1), Ok(4));
        assert_eq!(date_name(DatePart::Weekday, &v, 7, Language::US_ENGLISH).unwrap(), "Thursday");
        assert_eq!(
            date_name(DatePart::Month, &v, 7, Language::from_name("german").unwrap()).unwrap(),
            "Juli"
        );
        let o = DateTimeOffset::from_local(DateTime2::default(), 0).unwrap();
        assert_eq!(
            date_name(DatePart::TzOffset, &Value::DateTimeOffset(o), 7, Language::US_ENGLISH).unwrap(),
            "+00:00"
        );
        assert_eq!(date_part(DatePart::Hour, &Value::Date(Date(0)), 7).unwrap_err().number, 9810);
    }
}
