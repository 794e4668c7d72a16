//! decimal/numeric: an `i128` mantissa with a scale. 10^38 − 1 < 2^127, so every value of decimal(38) fits.
//!
//! Module map: [`arithmetic`] operators with SQL Server's result types, [`text`] parsing and printing.
//!
//! Invariants
//! 1. |mantissa| < 10^38; scale ≤ 38. Precision is a property of the type, not of the value.
//! 2. Rescaling rounds half away from zero; division truncates.

pub mod arithmetic;
pub mod text;

use std::cmp::Ordering;

pub use arithmetic::{Operator, add, divide, multiply, remainder, result_type, subtract, union_type};
pub use text::{ParseDecimalError, parse, parse_literal};

/// value = mantissa × 10^-scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    pub mantissa: i128,
    pub scale: u8,
}

/// 10^`n`; `n` ≤ 38.
pub const fn pow10(n: u8) -> i128 {
    10i128.pow(n as u32)
}

/// Largest mantissa of decimal(`precision`).
pub const fn max_mantissa(precision: u8) -> i128 {
    pow10(if precision > 38 { 38 } else { precision }) - 1
}

impl Decimal {
    pub const ZERO: Decimal = Decimal { mantissa: 0, scale: 0 };

    pub const fn new(mantissa: i128, scale: u8) -> Self {
        Decimal { mantissa, scale }
    }

    /// The value with another scale, rounded half away from zero; `None` beyond 38 digits.
    pub fn rescale(self, scale: u8) -> Option<Decimal> {
        if scale >= self.scale {
            let mantissa = self.mantissa.checked_mul(pow10_checked(scale - self.scale)?)?;
            return (mantissa.unsigned_abs() < 10u128.pow(38)).then_some(Decimal { mantissa, scale });
        }
        let divisor = pow10_checked(self.scale - scale)?;
        let (q, r) = (self.mantissa / divisor, self.mantissa % divisor);
        let up = r.unsigned_abs() >= (divisor as u128).div_ceil(2);
        Some(Decimal { mantissa: if up { q + self.mantissa.signum() } else { q }, scale })
    }

    /// The value with another scale, digits beyond it cut off.
    pub fn truncate(self, scale: u8) -> Option<Decimal> {
        if scale >= self.scale {
            return self.rescale(scale);
        }
        Some(Decimal { mantissa: self.mantissa / pow10_checked(self.scale - scale)?, scale })
    }

    /// The value as decimal(`precision`, `scale`), or `None` when it does not fit.
    pub fn fit(self, precision: u8, scale: u8) -> Option<Decimal> {
        let d = self.rescale(scale)?;
        (d.mantissa.unsigned_abs() <= max_mantissa(precision).unsigned_abs()).then_some(d)
    }

    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    pub const fn negate(self) -> Decimal {
        Decimal { mantissa: -self.mantissa, scale: self.scale }
    }

    /// Nearest double.
    pub fn to_f64(self) -> f64 {
        // Both operands are exact doubles here, so the division rounds once.
        if self.mantissa.unsigned_abs() < 1 << 53 && self.scale <= 22 {
            return self.mantissa as f64 / 10f64.powi(i32::from(self.scale));
        }
        // Through text: dividing two rounded doubles would round twice.
        if self.scale == 0 { self.mantissa as f64 } else { self.to_string().parse().unwrap_or(f64::NAN) }
    }

    /// The double rounded to `scale` digits; `None` when it is not finite or has more than 38 digits.
    pub fn from_f64(value: f64, scale: u8) -> Option<Decimal> {
        if !value.is_finite() || value.abs() >= 1e38 {
            return None;
        }
        // Exact decimal expansion to 17 significant digits, then rounded to the scale as SQL Server does.
        let text = format!("{value:.16e}");
        let (digits, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let mantissa: i128 = digits.replace('.', "").parse().ok()?;
        let have = 16 - exponent;
        if have <= i32::from(scale) {
            let up = u8::try_from(i32::from(scale) - have).ok()?;
            let mantissa = mantissa.checked_mul(pow10_checked(up)?)?;
            return (mantissa.unsigned_abs() < 10u128.pow(38)).then_some(Decimal { mantissa, scale });
        }
        let down = have - i32::from(scale);
        if down > 18 {
            return Some(Decimal { mantissa: 0, scale });
        }
        let down = down as u8;
        let d = Decimal { mantissa, scale: down }.rescale(0)?;
        Some(Decimal { mantissa: d.mantissa, scale })
    }

    /// Whole part, towards zero.
    pub fn to_integer(self) -> i128 {
        self.truncate(0).map_or(0, |d| d.mantissa)
    }

    pub fn compare(self, other: Decimal) -> Ordering {
        arithmetic::compare(self, other)
    }
}

fn pow10_checked(n: u8) -> Option<i128> {
    (n <= 38).then(|| pow10(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescale_rounds_half_away() {
        assert_eq!(Decimal::new(125, 2).rescale(1), Some(Decimal::new(13, 1)));
        assert_eq!(Decimal::new(-125, 2).rescale(1), Some(Decimal::new(-13, 1)));
        assert_eq!(Decimal::new(124, 2).rescale(1), Some(Decimal::new(12, 1)));
        assert_eq!(Decimal::new(max_mantissa(38), 0).rescale(1), None);
        assert_eq!(Decimal::new(99, 1).fit(1, 0), None);
    }

    #[test]
    fn doubles() {
        assert_eq!(Decimal::from_f64(1.005, 2), Some(Decimal::new(100, 2)));
        assert_eq!(Decimal::from_f64(-2.5, 0), Some(Decimal::new(-3, 0)));
        assert_eq!(Decimal::from_f64(1e-30, 5), Some(Decimal::new(0, 5)));
        assert_eq!(Decimal::from_f64(1e37, 5), None);
        assert_eq!(Decimal::new(-12345, 3).to_f64(), -12.345);
    }
}
