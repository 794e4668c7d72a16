//! The proleptic Gregorian calendar on day counts, and the common shape of all temporal values.
//!
//! Invariants
//! 1. `Date::from_ymd` and `Date::parts` are inverse over the whole range of `Date`.

use super::{DATE_MAX, Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
use crate::{SqlType, TypeId, Value};

/// Year 1–9999, month 1–12, day 1–31.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct DateParts {
    pub year: i32,
    pub month: u32,
    pub day: u32,
}

pub const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub const fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Date {
    /// `None` when the date does not exist or lies outside 0001–9999.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Date> {
        if !(1..=9999).contains(&year)
            || !(1..=12).contains(&month)
            || day == 0
            || day > days_in_month(year, month)
        {
            return None;
        }
        // Years counted from March, so that the leap day is the last one.
        let y = i64::from(year) - i64::from(month <= 2);
        let m = (i64::from(month) + 9) % 12;
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + i64::from(day) - 1;
        Some(Date((days - 306) as i32))
    }

    pub fn parts(self) -> DateParts {
        let z = i64::from(self.0.clamp(0, DATE_MAX)) + 306;
        let era = z / 146_097;
        let doe = z % 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
        DateParts { year: (yoe + era * 400 + i64::from(month <= 2)) as i32, month, day }
    }

    /// 0 = Monday … 6 = Sunday. 0001-01-01 was a Monday.
    pub const fn weekday(self) -> u32 {
        self.0.rem_euclid(7) as u32
    }

    /// 1–366.
    pub fn day_of_year(self) -> u32 {
        let p = self.parts();
        Date::from_ymd(p.year, 1, 1).map_or(1, |first| (self.0 - first.0) as u32 + 1)
    }

    /// ISO 8601 week number, 1–53.
    pub fn iso_week(self) -> u32 {
        // The week belongs to the year of its Thursday.
        let thursday = Date(self.0 - self.weekday() as i32 + 3);
        if thursday.0 > DATE_MAX {
            return 52;
        }
        (thursday.day_of_year() - 1) / 7 + 1
    }

    /// Adds months; the day is cut to the length of the month.
    pub fn add_months(self, months: i64) -> Option<Date> {
        let p = self.parts();
        let total = (i64::from(p.year) * 12 + i64::from(p.month) - 1).checked_add(months)?;
        let (year, month) = (i32::try_from(total.div_euclid(12)).ok()?, total.rem_euclid(12) as u32 + 1);
        Date::from_ymd(year, month, p.day.min(days_in_month(year, month)))
    }

    pub fn add_days(self, days: i64) -> Option<Date> {
        let d = i64::from(self.0).checked_add(days)?;
        (0..=i64::from(DATE_MAX)).contains(&d).then_some(Date(d as i32))
    }

    /// The last day of the month.
    pub fn end_of_month(self) -> Date {
        let p = self.parts();
        Date(self.0 + (days_in_month(p.year, p.month) - p.day) as i32)
    }
}

/// Any temporal value as local date, time and offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moment {
    pub local: DateTime2,
    pub offset_minutes: i16,
}

impl Moment {
    pub const fn new(date: Date, time: Time) -> Moment {
        Moment { local: DateTime2 { date, time }, offset_minutes: 0 }
    }

    /// Times have the date 1900-01-01, dates the time 00:00.
    pub fn from_value(value: &Value) -> Option<Moment> {
        let local = match value {
            Value::Date(d) => DateTime2 { date: *d, time: Time(0) },
            Value::Time(t) => DateTime2 { date: Date(super::DAYS_TO_1900), time: *t },
            Value::DateTime2(d) => *d,
            Value::DateTime(d) => d.to_datetime2()?,
            Value::SmallDateTime(d) => d.to_datetime2()?,
            Value::DateTimeOffset(d) => {
                return Some(Moment { local: d.local()?, offset_minutes: d.offset_minutes });
            }
            _ => return None,
        };
        Some(Moment { local, offset_minutes: 0 })
    }

    pub fn utc(self) -> Option<DateTime2> {
        DateTimeOffset::from_local(self.local, self.offset_minutes).map(|d| d.utc)
    }

    /// The moment as a value of temporal type `ty`, rounded to its scale; `None` outside the type's range.
    pub fn to_value(self, ty: &SqlType) -> Option<Value> {
        Some(match ty.id {
            TypeId::Date => Value::Date(self.local.date),
            TypeId::Time => Value::Time(self.local.time.round(ty.scale).0),
            TypeId::DateTime2 => Value::DateTime2(self.local.round(ty.scale)),
            TypeId::DateTime => Value::DateTime(DateTime::from_datetime2(self.local)?),
            TypeId::SmallDateTime => Value::SmallDateTime(SmallDateTime::from_datetime2(self.local)?),
            TypeId::DateTimeOffset => {
                let local = self.local.round(ty.scale);
                Value::DateTimeOffset(DateTimeOffset::from_local(local, self.offset_minutes)?)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_is_its_own_inverse() {
        let mut expected = DateParts { year: 1, month: 1, day: 1 };
        for day in 0..=DATE_MAX {
            let p = Date(day).parts();
            assert_eq!(p, expected);
            assert_eq!(Date::from_ymd(p.year, p.month, p.day), Some(Date(day)));
            expected.day += 1;
            if expected.day > days_in_month(expected.year, expected.month) {
                expected = DateParts { day: 1, month: expected.month + 1, ..expected };
                if expected.month > 12 {
                    expected = DateParts { year: expected.year + 1, month: 1, day: 1 };
                }
            }
        }
        assert_eq!(Date::from_ymd(1900, 1, 1), Some(Date(super::super::DAYS_TO_1900)));
        assert_eq!(
            Date::from_ymd(1753, 1, 1).unwrap().0,
            super::super::DAYS_TO_1900 + super::super::DATETIME_DAYS_MIN
        );
        assert_eq!(Date::from_ymd(2023, 2, 29), None);
    }

    #[test]
    fn weeks() {
        let d = |y, m, d| Date::from_ymd(y, m, d).unwrap();
        assert_eq!(d(2024, 2, 29).weekday(), 3);
        assert_eq!(d(2021, 1, 3).iso_week(), 53);
        assert_eq!(d(2021, 1, 4).iso_week(), 1);
        assert_eq!(d(2024, 12, 30).iso_week(), 1);
        assert_eq!(d(2024, 1, 31).add_months(1), Some(d(2024, 2, 29)));
        assert_eq!(d(2024, 2, 10).end_of_month(), d(2024, 2, 29));
    }
}
