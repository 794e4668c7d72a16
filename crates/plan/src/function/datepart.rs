//! Date parts of DATEADD, DATEDIFF, DATEPART, DATENAME, DATETRUNC and DATE_BUCKET, with their abbreviations.

/// A date part; the number is what plans carry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum DatePart {
    Year = 0,
    Quarter,
    Month,
    DayOfYear,
    Day,
    Week,
    WeekDay,
    IsoWeek,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    TzOffset,
}

const NAMES: &[(&str, DatePart)] = &[
    ("year", DatePart::Year),
    ("yy", DatePart::Year),
    ("yyyy", DatePart::Year),
    ("quarter", DatePart::Quarter),
    ("qq", DatePart::Quarter),
    ("q", DatePart::Quarter),
    ("month", DatePart::Month),
    ("mm", DatePart::Month),
    ("m", DatePart::Month),
    ("dayofyear", DatePart::DayOfYear),
    ("dy", DatePart::DayOfYear),
    ("y", DatePart::DayOfYear),
    ("day", DatePart::Day),
    ("dd", DatePart::Day),
    ("d", DatePart::Day),
    ("week", DatePart::Week),
    ("wk", DatePart::Week),
    ("ww", DatePart::Week),
    ("weekday", DatePart::WeekDay),
    ("dw", DatePart::WeekDay),
    ("w", DatePart::WeekDay),
    ("iso_week", DatePart::IsoWeek),
    ("isowk", DatePart::IsoWeek),
    ("isoww", DatePart::IsoWeek),
    ("hour", DatePart::Hour),
    ("hh", DatePart::Hour),
    ("minute", DatePart::Minute),
    ("mi", DatePart::Minute),
    ("n", DatePart::Minute),
    ("second", DatePart::Second),
    ("ss", DatePart::Second),
    ("s", DatePart::Second),
    ("millisecond", DatePart::Millisecond),
    ("ms", DatePart::Millisecond),
    ("microsecond", DatePart::Microsecond),
    ("mcs", DatePart::Microsecond),
    ("nanosecond", DatePart::Nanosecond),
    ("ns", DatePart::Nanosecond),
    ("tzoffset", DatePart::TzOffset),
    ("tz", DatePart::TzOffset),
];

impl DatePart {
    pub fn parse(name: &str) -> Option<DatePart> {
        NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|&(_, p)| p)
    }

    pub fn from_number(n: u8) -> Option<DatePart> {
        NAMES.iter().find(|(_, p)| *p as u8 == n).map(|&(_, p)| p)
    }

    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, p)| *p == self).map_or("", |&(n, _)| n)
    }
}
