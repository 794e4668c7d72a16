//! decimal/numeric: an `i128` mantissa with a scale. 10^38 − 1 < 2^127, so every value of decimal(38) fits.
//!
//! Invariants
//! 1. |mantissa| < 10^38; scale ≤ 38. Precision is a property of the type, not of the value.

/// value = mantissa × 10^-scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    pub mantissa: i128,
    pub scale: u8,
}

impl Decimal {
    pub const fn new(mantissa: i128, scale: u8) -> Self {
        Decimal { mantissa, scale }
    }
}
