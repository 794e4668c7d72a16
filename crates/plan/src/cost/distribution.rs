//! How the values of a column are distributed, by its histogram.
//!
//! Invariants
//! 1. Fractions are of all rows of the table, NULLs included, and never 0: an estimate of nothing would make any plan look free.
//! 2. A value whose place among the keys is not known gives no answer.
//! 3. Rows that came since the statistics were made are taken to have values beyond the last step, as those of growing keys have.

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
        let (_, equal, beyond) = self.place(x)?;
        let fraction = if beyond && self.known < 1.0 {
            self.density.min(1.0 - self.known)
        } else {
            equal / self.total * self.known
        };
        Some(fraction.clamp(LEAST, 1.0))
    }

    /// Fraction of rows for which `column op x` holds; `None` for what is no range.
    pub fn range(&self, op: CompareOp, x: &Value) -> Option<f64> {
        let (below, equal, _) = self.place(x)?;
        let values = self.total - self.null;
        let new = 1.0 - self.known;
        let fraction = match op {
            CompareOp::Less => below / self.total * self.known,
            CompareOp::LessOrEqual => (below + equal) / self.total * self.known,
            CompareOp::Greater => (values - below - equal) / self.total * self.known + new,
            CompareOp::GreaterOrEqual => (values - below) / self.total * self.known + new,
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
    fn new_rows_lie_beyond_the_last_step() {
        let s = statistics();
        let d = Distribution::new(&s, SqlType::INT, 2_000.0).expect("steps");
        assert!(about(d.equal(&Value::Int(100)), 0.25));
        assert!(about(d.equal(&Value::Int(300)), 0.01));
        assert!(about(d.range(CompareOp::Greater, &Value::Int(200)), 0.5));
    }
}
