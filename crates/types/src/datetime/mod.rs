//! Dates and times in their storage units.
//!
//! Module map: [`calendar`] days and months, [`text`] printing parts, [`parse`] literals, [`part`] DATEADD, DATEDIFF,
//! DATEPART and their kin, [`language`] month and weekday names.
//!
//! Invariants
//! 1. `Date` counts days from 0001-01-01 (0) to 9999-12-31 (3,652,058).
//! 2. `Time` counts 100 ns ticks since midnight whatever the declared scale; values are already rounded to the scale.
//! 3. `DateTime` counts days since 1900-01-01 (may be negative) and ticks of 1/300 s since midnight.

pub mod calendar;
pub mod language;
pub mod parse;

pub mod part;
pub mod text;

pub use calendar::{DateParts, Moment};
pub use language::{DateOrder, Language};
pub use part::DatePart;

/// Days since 0001-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Date(pub i32);

/// 100 ns ticks since midnight, below 864,000,000,000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DateTime2 {
    pub date: Date,
    pub time: Time,
}

/// UTC date and time plus an offset in minutes; local = utc + offset. Compares by UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DateTimeOffset {
    pub utc: DateTime2,
    pub offset_minutes: i16,
}

/// datetime: days since 1900-01-01 and 1/300 s ticks since midnight (below 25,920,000).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct DateTime {
    pub days: i32,
    pub ticks: u32,
}

/// smalldatetime: days since 1900-01-01 and minutes since midnight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SmallDateTime {
    pub days: u16,
    pub minutes: u16,
}

/// Days from 0001-01-01 to 1900-01-01.
pub const DAYS_TO_1900: i32 = 693_595;

/// 9999-12-31.
pub const DATE_MAX: i32 = 3_652_058;

/// 1753-01-01 and 9999-12-31 as days since 1900-01-01: the range of datetime.
pub const DATETIME_DAYS_MIN: i32 = -53_690;
pub const DATETIME_DAYS_MAX: i32 = 2_958_463;

/// 100 ns ticks in a day.
pub const TICKS_PER_DAY: u64 = 864_000_000_000;

/// 100 ns ticks in a second.
pub const TICKS_PER_SECOND: u64 = 10_000_000;

impl DateTime {
    /// Milliseconds since midnight, rounded from 1/300 s as every text form shows them.
    pub const fn milliseconds(self) -> u32 {
        ((self.ticks as u64 * 10 + 1) / 3) as u32
    }

    /// The value with its time in whole milliseconds; `None` outside the years 1–9999.
    pub fn to_datetime2(self) -> Option<DateTime2> {
        let day = self.days.checked_add(DAYS_TO_1900).filter(|d| (0..=DATE_MAX).contains(d))?;
        let ticks = u64::from(self.milliseconds()) * 10_000;
        (ticks < TICKS_PER_DAY).then_some(DateTime2 { date: Date(day), time: Time(ticks) })
    }

    /// The value with its time in 100 ns, as compatibility level 130 and later convert.
    pub fn to_datetime2_exact(self) -> Option<DateTime2> {
        let coarse = self.to_datetime2()?;
        Some(DateTime2 { time: Time((u64::from(self.ticks) * 100_000 + 1) / 3), ..coarse })
    }

    /// Rounded to 1/300 s; `None` outside 1753–9999.
    pub fn from_datetime2(v: DateTime2) -> Option<DateTime> {
        let mut days = v.date.0 - DAYS_TO_1900;
        let mut ticks = (v.time.0 * 3 + 50_000) / 100_000;
        if ticks >= 25_920_000 {
            ticks = 0;
            days += 1;
        }
        (DATETIME_DAYS_MIN..=DATETIME_DAYS_MAX)
            .contains(&days)
            .then_some(DateTime { days, ticks: ticks as u32 })
    }
}

impl SmallDateTime {
    pub fn to_datetime2(self) -> Option<DateTime2> {
        (self.minutes < 1440).then(|| DateTime2 {
            date: Date(i32::from(self.days) + DAYS_TO_1900),
            time: Time(u64::from(self.minutes) * 60 * TICKS_PER_SECOND),
        })
    }

    /// Rounded to the minute (29.999 s and more go up, as datetime's own rounding makes them); `None` outside 1900–2079.
    pub fn from_datetime2(v: DateTime2) -> Option<SmallDateTime> {
        let mut days = v.date.0 - DAYS_TO_1900;
        let mut minutes = (v.time.0 + 30 * TICKS_PER_SECOND + 10_000) / (60 * TICKS_PER_SECOND);
        if minutes >= 1440 {
            minutes = 0;
            days += 1;
        }
        Some(SmallDateTime { days: u16::try_from(days).ok()?, minutes: minutes as u16 })
    }
}

impl DateTimeOffset {
    /// Local date and time; `None` when that leaves the years 1–9999.
    pub fn local(self) -> Option<DateTime2> {
        self.utc.add_ticks(i64::from(self.offset_minutes) * 60 * TICKS_PER_SECOND as i64)
    }

    pub fn from_local(local: DateTime2, offset_minutes: i16) -> Option<DateTimeOffset> {
        let utc = local.add_ticks(-(i64::from(offset_minutes) * 60 * TICKS_PER_SECOND as i64))?;
        Some(DateTimeOffset { utc, offset_minutes })
    }
}

impl Time {
    /// Rounded to `scale` digits of a second; true when that reached midnight of the next day (the time is then 0).
    pub fn round(self, scale: u8) -> (Time, bool) {
        let unit = 10u64.pow(7 - u32::from(scale.min(7)));
        let ticks = (self.0 + unit / 2) / unit * unit;
        if ticks >= TICKS_PER_DAY { (Time(0), true) } else { (Time(ticks), false) }
    }

    pub const fn from_hms(hour: u32, minute: u32, second: u32, ticks: u32) -> Time {
        Time((hour as u64 * 3600 + minute as u64 * 60 + second as u64) * TICKS_PER_SECOND + ticks as u64)
    }
}

impl DateTime2 {
    /// Rounded to `scale` digits of a second; the last instant of 9999 is cut instead.
    pub fn round(self, scale: u8) -> DateTime2 {
        match self.time.round(scale) {
            (time, false) => DateTime2 { time, ..self },
            (_, true) if self.date.0 >= DATE_MAX => {
                let unit = 10u64.pow(7 - u32::from(scale.min(7)));
                DateTime2 { date: self.date, time: Time(self.time.0 / unit * unit) }
            }
            (time, true) => DateTime2 { date: Date(self.date.0 + 1), time },
        }
    }

    /// 100 ns ticks since 0001-01-01.
    pub const fn ticks(self) -> i64 {
        self.date.0 as i64 * TICKS_PER_DAY as i64 + self.time.0 as i64
    }

    pub fn from_ticks(ticks: i64) -> Option<DateTime2> {
        let day = ticks.div_euclid(TICKS_PER_DAY as i64);
        let date = i32::try_from(day).ok().filter(|d| (0..=DATE_MAX).contains(d))?;
        Some(DateTime2 { date: Date(date), time: Time(ticks.rem_euclid(TICKS_PER_DAY as i64) as u64) })
    }

    pub fn add_ticks(self, ticks: i64) -> Option<DateTime2> {
        DateTime2::from_ticks(self.ticks().checked_add(ticks)?)
    }

    /// From a clock's seconds and nanoseconds since 1970-01-01 UTC, cut to 100 ns.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Option<DateTime2> {
        const DAYS_TO_1970: i64 = 719_162;
        let day = i32::try_from(seconds.div_euclid(86_400).checked_add(DAYS_TO_1970)?).ok()?;
        let second = seconds.rem_euclid(86_400) as u64;
        (0..=DATE_MAX).contains(&day).then(|| DateTime2 {
            date: Date(day),
            time: Time(second * TICKS_PER_SECOND + u64::from(nanoseconds / 100)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetime_rounds_to_three_hundredths() {
        let at = |ms: u64| {
            DateTime::from_datetime2(DateTime2 { date: Date(DAYS_TO_1900), time: Time(ms * 10_000) }).unwrap()
        };
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|m| at(m).milliseconds()),
            [0, 0, 3, 3, 3, 7, 7, 7, 7, 10]
        );
        assert_eq!(at(998).milliseconds(), 997);
        assert_eq!(at(86_399_999), DateTime { days: 1, ticks: 0 });
    }

    #[test]
    fn smalldatetime_rounds_at_half_a_minute() {
        let at = |ms: u64| {
            SmallDateTime::from_datetime2(DateTime2 { date: Date(DAYS_TO_1900), time: Time(ms * 10_000) })
                .unwrap()
                .minutes
        };
        assert_eq!((at(29_998), at(29_999), at(30_000)), (0, 1, 1));
    }

    #[test]
    fn unix_clock() {
        let d = DateTime2::from_unix(0, 0).unwrap();
        assert_eq!(text::date(d.date), "1970-01-01");
        assert_eq!(text::date(DateTime2::from_unix(-1, 0).unwrap().date), "1969-12-31");
    }
}
