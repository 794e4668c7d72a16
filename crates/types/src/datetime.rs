//! Dates and times in their storage units.
//!
//! Invariants
//! 1. `Date` counts days from 0001-01-01 (0) to 9999-12-31 (3,652,058).
//! 2. `Time` counts 100 ns ticks since midnight whatever the declared scale; values are already rounded to the scale.
//! 3. `DateTime` counts days since 1900-01-01 (may be negative) and ticks of 1/300 s since midnight.

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
