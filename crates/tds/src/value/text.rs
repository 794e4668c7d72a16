//! Dates and times as text, for clients of protocol versions that do not know the types.

use std::fmt::Write;

use holdfast_types::{Date, DateTime2, DateTimeOffset, Time, Value};

/// Ticks of 100 ns in a day.
const DAY_TICKS: i64 = 864_000_000_000;

/// Year, month, day of a day number since 0001-01-01.
fn civil(days: i32) -> (i32, u32, u32) {
    // Days since 0000-03-01 of the proleptic Gregorian calendar, in eras of 400 years.
    let z = i64::from(days) + 306;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

fn put_date(out: &mut String, d: Date) {
    let (y, m, day) = civil(d.0);
    let _ = write!(out, "{y:04}-{m:02}-{day:02}");
}

fn put_time(out: &mut String, t: Time, scale: u8) {
    let seconds = t.0 / 10_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if scale > 0 {
        let fraction = t.0 % 10_000_000 / 10u64.pow(7 - u32::from(scale.min(7)));
        let _ = write!(out, ".{fraction:0width$}", width = usize::from(scale.min(7)));
    }
}

fn put_offset(out: &mut String, v: &DateTimeOffset, scale: u8) {
    let ticks = v.utc.time.0 as i64 + i64::from(v.offset_minutes) * 600_000_000;
    let local = DateTime2 {
        date: Date(v.utc.date.0.saturating_add(ticks.div_euclid(DAY_TICKS) as i32)),
        time: Time(ticks.rem_euclid(DAY_TICKS) as u64),
    };
    put_date(out, local.date);
    out.push(' ');
    put_time(out, local.time, scale);
    let sign = if v.offset_minutes < 0 { '-' } else { '+' };
    let m = v.offset_minutes.unsigned_abs();
    let _ = write!(out, " {sign}{:02}:{:02}", m / 60, m % 60);
}

/// The text of a date or time value; `None` for every other kind.
pub fn temporal_text(value: &Value, scale: u8) -> Option<String> {
    let mut out = String::new();
    match value {
        Value::Date(d) => put_date(&mut out, *d),
        Value::Time(t) => put_time(&mut out, *t, scale),
        Value::DateTime2(v) => {
            put_date(&mut out, v.date);
            out.push(' ');
            put_time(&mut out, v.time, scale);
        }
        Value::DateTimeOffset(v) => put_offset(&mut out, v, scale),
        _ => return None,
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let date = |d| temporal_text(&Value::Date(Date(d)), 0).unwrap();
        assert_eq!(date(0), "0001-01-01");
        assert_eq!(date(693_595), "1900-01-01");
        assert_eq!(date(730_178), "2000-02-29");
        assert_eq!(date(3_652_058), "9999-12-31");
        let utc = DateTime2 { date: Date(693_595), time: Time(600_000_000) };
        let v = Value::DateTimeOffset(DateTimeOffset { utc, offset_minutes: -90 });
        assert_eq!(temporal_text(&v, 3).unwrap(), "1899-12-31 22:31:00.000 -01:30");
    }
}
