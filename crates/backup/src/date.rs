//! The 5-byte date of Microsoft Tape Format: a big-endian bit field, most significant first: year 14, month 4, day 5,
//! hour 5, minute 6, second 6 bits. All zero is "no date". Local time of the server that wrote it.
//!
//! Evidence: documented in MTF 1.00a, verified on the corpus (round trip of every date).

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MtfDate {
    pub year: u16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl MtfDate {
    pub const NONE: MtfDate = MtfDate { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };

    pub fn from_bytes(b: [u8; 5]) -> Self {
        let v = b.iter().fold(0u64, |v, &x| v << 8 | u64::from(x));
        MtfDate {
            year: (v >> 26 & 0x3FFF) as u16,
            month: (v >> 22 & 0xF) as u8,
            day: (v >> 17 & 0x1F) as u8,
            hour: (v >> 12 & 0x1F) as u8,
            minute: (v >> 6 & 0x3F) as u8,
            second: (v & 0x3F) as u8,
        }
    }

    pub fn to_bytes(self) -> [u8; 5] {
        let v = u64::from(self.year & 0x3FFF) << 26
            | u64::from(self.month & 0xF) << 22
            | u64::from(self.day & 0x1F) << 17
            | u64::from(self.hour & 0x1F) << 12
            | u64::from(self.minute & 0x3F) << 6
            | u64::from(self.second & 0x3F);
        let b = v.to_be_bytes();
        [b[3], b[4], b[5], b[6], b[7]]
    }

    /// No date is stored.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Days since 1970-01-01 of a real calendar date, `None` for no date or an impossible one.
    pub fn days_since_epoch(self) -> Option<i64> {
        let in_month = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if self.year.is_multiple_of(4)
                && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400)) =>
            {
                29
            }
            2 => 28,
            _ => return None,
        };
        if self.year == 0
            || self.day == 0
            || self.day > in_month
            || self.hour > 23
            || self.minute > 59
            || self.second > 59
        {
            return None;
        }
        // Civil calendar counted in years that begin in March, so that the leap day is the last.
        let (y, m) = (i64::from(self.year), i64::from(self.month));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let day_of_year = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(self.day) - 1;
        Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
    }

    /// Seconds since midnight.
    pub fn seconds_of_day(self) -> u32 {
        u32::from(self.hour) * 3600 + u32::from(self.minute) * 60 + u32::from(self.second)
    }

    /// Inverse of [`Self::days_since_epoch`] with seconds of the day.
    pub fn from_unix(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
        let era = days.div_euclid(146_097);
        let doe = days.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        MtfDate {
            year: (yoe + era * 400 + i64::from(month <= 2)) as u16,
            month: month as u8,
            day: (doy - (153 * mp + 2) / 5 + 1) as u8,
            hour: (rest / 3600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }
}

/// `2017-06-01 12:59:12`, or `-` for no date.
impl fmt::Display for MtfDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("-");
        }
        let MtfDate { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_calendar() {
        let d = MtfDate { year: 2017, month: 6, day: 1, hour: 12, minute: 59, second: 12 };
        assert_eq!(MtfDate::from_bytes(d.to_bytes()), d);
        assert_eq!(d.days_since_epoch(), Some(17_318));
        assert_eq!(MtfDate::from_unix(17_318 * 86_400 + 12 * 3600 + 59 * 60 + 12), d);
        assert_eq!(MtfDate { month: 2, day: 30, ..d }.days_since_epoch(), None);
        assert_eq!(MtfDate::NONE.to_string(), "-");
        for day in (0..30_000).step_by(17) {
            assert_eq!(MtfDate::from_unix(day * 86_400).days_since_epoch(), Some(day));
        }
    }
}
