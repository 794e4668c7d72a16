//! Single values as text: money, uniqueidentifier, floating point.
//!
//! Invariants
//! 1. Nothing here fails: every value of a type has a text.

use crate::Guid;

/// Money (units of 10^-4) with `digits` fraction digits, rounded half away from zero.
pub fn money_text(value: i64, digits: u8) -> String {
    let d = crate::Decimal::new(i128::from(value), 4);
    d.rescale(digits).unwrap_or(d).to_string()
}

/// XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX.
pub fn uuid_text(g: &Guid) -> String {
    format!(
        "{:02X}{:02X}{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}{:02X}{:02X}",
        g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]
    )
}
