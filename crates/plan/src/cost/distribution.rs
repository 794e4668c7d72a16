//! How the values of a column are distributed, by its histogram.
//!
//! Invariants
//! 1. Fractions are of all rows of the table, NULLs included, and never 0: an estimate of nothing would make any plan look free.
//! 2. A value whose place among the keys is not known gives no answer.
//! 3. Rows that came since the statistics were made are taken to be spread like the others; values beyond the last step have some of
//!    them too, as those of growing keys do.

use std::cmp::Ordering;

use holdfast_engine::catalog::{HistogramStep, IndexStatistics};
use holdfast_engine::stored::key;
use holdfast_types::{SqlType, Value};

use super::number;
use crate::expr::CompareOp;

const LEAST: f64 = 1e-7;

pub(super) struct Distribution<'s> {
    ty: SqlType,
    steps: &'s [HistogramStep],
    /// Rows of the histogram, and rows with NULL among them.
    total: f64,
    null: f64,
    /// Part of the table's rows that the statistics know.
    known: f64,
    density: f64,
}

impl<'s> Distribution<'s> {
    pub fn new(statistics: &'s IndexStatistics, ty: SqlType, rows: f64) -> Option<Self> {
        let total: f64 = statistics.histogram.iter().map(|h| h.equal_rows + h.range_rows).sum();
        if total <= 0.0 {
            return None;
        }
        let first = statistics.histogram.first()?;
        let null = if first.high_key.is_null() { first.equal_rows } else { 0.0 };
        let steps = statistics.histogram.get(usize::from(first.high_key.is_null())..).unwrap_or_default();
        let known = if rows > total { total / rows } else { 1.0 };
        let density = statistics.densities.first().copied().unwrap_or(0.1);
        Some(Distribution { ty, steps, total, null, known, density })
    }

    /// Part of the rows that have a value.
    pub fn not_null(&self) -> f64 {
        1.0 - self.null / self.total
    }

    fn order(&self, a: &Value, b: &Value) -> Option<Ordering> {
        match (a, b) {
            (Value::String(_), Value::String(_))
            | (Value::Binary(_), Value::Binary(_))
            | (Value::Guid(_), Value::Guid(_)) => Some(key::compare(&self.ty, a, b)),
            _ => number(a)?.partial_cmp(&number(b)?),
        }
    }

    /// Rows below `x`, rows equal to it, and whether it lies beyond the last step.
    fn place(&self, x: &Value) -> Option<(f64, f64, bool)> {
        let mut below = 0.0;
        let mut previous: Option<&Value> = None;
        for step in self.steps {
            match self.order(&step.high_key, x)? {
                Ordering::Less => below += step.equal_rows + step.range_rows,
                Ordering::Equal => return Some((below + step.range_rows, step.equal_rows, false)),
                Ordering::Greater => {
                    let Some(previous) = previous else { return Some((0.0, 0.0, false)) };
                    let part = match (number(previous), number(x), number(&step.high_key)) {
                        (Some(low), Some(x), Some(high)) if high > low => (x - low) / (high - low),
                        _ => 0.5,
                    };
                    let equal = step.range_rows / step.distinct_range_rows.max(1.0);
                    return Some((below + step.range_rows * part.clamp(0.0, 1.0), equal, false));
                }
            }
            previous = Some(&step.high_key);
        }
        Some((below, 0.0, true))
    }

    /// Fraction of rows equal to a value.
    pub fn equal(&self, x: &Value) -> Option<f64> {
        let (_, equal, _) = self.place(x)?;
        // A value that the statistics have not met may have come since.
        let fraction = if equal > 0.0 { equal / self.total } else { self.density.min(1.0 - self.known) };
        Some(fraction.clamp(LEAST, 1.0))
    }

    /// Fraction of rows for which `column op x` holds; `None` for what is no range.
    pub fn range(&self, op: CompareOp, x: &Value) -> Option<f64> {
        let (below, equal, beyond) = self.place(x)?;
        let values = self.total - self.null;
        // At the end of what the statistics know, half of what has come since is taken to lie behind it.
        let last = beyond || below + equal >= values;
        let new = if last { (1.0 - self.known) / 2.0 } else { 0.0 };
        let fraction = match op {
            CompareOp::Less => below / self.total - new,
            CompareOp::LessOrEqual => (below + equal) / self.total - new,
            CompareOp::Greater => (values - below - equal) / self.total + new,
            CompareOp::GreaterOrEqual => (values - below) / self.total + new,
            _ => return None,
        };
        Some(fraction.clamp(LEAST, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(high_key: Value, range_rows: f64, equal_rows: f64, distinct_range_rows: f64) -> HistogramStep {
        HistogramStep { high_key, equal_rows, range_rows, distinct_range_rows }
    }

    fn statistics() -> IndexStatistics {
        IndexStatistics {
            rows: 1_000.0,
            densities: vec![0.01],
            histogram: vec![
                step(Value::Null, 0.0, 100.0, 0.0),
                step(Value::Int(0), 0.0, 10.0, 0.0),
                step(Value::Int(100), 90.0, 500.0, 9.0),
                step(Value::Int(200), 290.0, 10.0, 29.0),
            ],
        }
    }

    fn about(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-6)
    }

    #[test]
    fn values_are_found_in_and_between_steps() {
        let s = statistics();
        let d = Distribution::new(&s, SqlType::INT, 1_000.0).expect("steps");
        assert!(about(d.equal(&Value::Int(100)), 0.5));
        assert!(about(d.equal(&Value::Int(50)), 0.01));
        assert!(about(d.equal(&Value::Int(7_000)), LEAST));
        assert!(about(Some(d.not_null()), 0.9));
        assert!(about(d.range(CompareOp::Less, &Value::Int(50)), 0.055));
        assert!(about(d.range(CompareOp::Greater, &Value::Int(100)), 0.3));
        assert!(about(d.range(CompareOp::GreaterOrEqual, &Value::Int(-5)), 0.9));
        assert_eq!(d.equal(&Value::string("x")), None);
    }

    #[test]
    fn new_rows_are_spread_like_the_old_and_lie_beyond_the_last_step() {
        let s = statistics();
        let d = Distribution::new(&s, SqlType::INT, 2_000.0).expect("steps");
        assert!(about(d.equal(&Value::Int(100)), 0.5));
        assert!(about(d.equal(&Value::Int(300)), 0.01));
        assert!(about(d.range(CompareOp::Greater, &Value::Int(100)), 0.3));
        assert!(about(d.range(CompareOp::Greater, &Value::Int(200)), 0.25));
        // Three rows that have become many: each value is still a third of them.
        let few = IndexStatistics {
            rows: 3.0,
            densities: vec![1.0 / 3.0],
            histogram: (1..=3).map(|n| step(Value::Int(n), 0.0, 1.0, 0.0)).collect(),
        };
        let d = Distribution::new(&few, SqlType::INT, 1e6).expect("steps");
        assert!(about(d.equal(&Value::Int(1)), 1.0 / 3.0));
        assert!(about(d.range(CompareOp::LessOrEqual, &Value::Int(2)), 2.0 / 3.0));
    }

    #[test]
    fn dates_of_all_types_stand_on_one_line() {
        use holdfast_types::{Date, DateTime, DateTime2, SmallDateTime, Time};
        // The first of January 2024, by days from 0001 and from 1900.
        let (days, since_1900) = (738_885, 45_290);
        let noon = Time(432_000_000_000);
        let all = [
            Value::DateTime(DateTime { days: since_1900, ticks: 12_960_000 }),
            Value::SmallDateTime(SmallDateTime { days: since_1900 as u16, minutes: 720 }),
            Value::DateTime2(DateTime2 { date: Date(days), time: noon }),
        ];
        for v in &all {
            assert!(about(number(v), f64::from(days) + 0.5), "{v:?}");
        }
        assert!(about(number(&Value::Date(Date(days))), f64::from(days)));
    }
}
