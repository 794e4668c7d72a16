//! Parts of dates and times as text; whole styles are in [`crate::conversion`].

use super::{Date, TICKS_PER_SECOND, Time};

/// Hour, minute, second, 100 ns ticks.
pub const fn clock(t: Time) -> (u32, u32, u32, u32) {
    let s = (t.0 / TICKS_PER_SECOND) as u32;
    (s / 3600, s / 60 % 60, s % 60, (t.0 % TICKS_PER_SECOND) as u32)
}

/// YYYY-MM-DD.
pub fn date(d: Date) -> String {
    let p = d.parts();
    format!("{:04}-{:02}-{:02}", p.year, p.month, p.day)
}

/// HH:MM:SS and `scale` digits of a second, further ones cut off.
pub fn time(t: Time, scale: u8) -> String {
    let (h, m, s, ticks) = clock(t);
    let mut out = format!("{h:02}:{m:02}:{s:02}");
    if scale > 0 {
        let fraction = format!("{ticks:07}");
        out.push('.');
        out.push_str(&fraction[..usize::from(scale.min(7))]);
    }
    out
}

/// ±HH:MM.
pub fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let m = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", m / 60, m % 60)
}
