//! Decimals from and to text.

use std::fmt;

use super::{Decimal, max_mantissa};

/// Why a text is not a decimal of the wanted type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseDecimalError {
    /// Not a number (error 8114).
    Invalid,
    /// Too many digits before the point (error 8115).
    Overflow,
}

/// Parses sign, digits and point, surrounded by blanks, as decimal(`precision`, `scale`); further digits are rounded.
pub fn parse(text: &str, precision: u8, scale: u8) -> Result<Decimal, ParseDecimalError> {
    let t = text.trim_matches([' ', '\t', '\r', '\n', '\u{A0}']);
    let (negative, t) = match t.as_bytes().first() {
        Some(b'-') => (true, t[1..].trim_start_matches(' ')),
        Some(b'+') => (false, t[1..].trim_start_matches(' ')),
        _ => (false, t),
    };
    let mut mantissa: i128 = 0;
    let (mut fraction, mut point, mut digits, mut round) = (0u8, false, 0usize, None);
    let mut overflow = false;
    for c in t.bytes() {
        match c {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                digits += 1;
                if point && fraction == scale {
                    round.get_or_insert(c >= b'5');
                    continue;
                }
                fraction += u8::from(point);
                match mantissa.checked_mul(10).and_then(|m| m.checked_add(i128::from(c - b'0'))) {
                    Some(m) => mantissa = m,
                    None => overflow = true,
                }
            }
            _ => return Err(ParseDecimalError::Invalid),
        }
    }
    if digits == 0 {
        return Err(ParseDecimalError::Invalid);
    }
    let up = 10i128.pow(u32::from(scale.min(38) - fraction));
    let mantissa = mantissa.checked_mul(up).and_then(|m| m.checked_add(i128::from(round == Some(true))));
    match mantissa {
        Some(m) if !overflow && m <= max_mantissa(precision) => {
            Ok(Decimal::new(if negative { -m } else { m }, scale))
        }
        _ => Err(ParseDecimalError::Overflow),
    }
}

/// A literal with a point (or too large for int): value and precision; the scale is the number of digits after the point.
/// `None` beyond 38 digits (error 1007).
pub fn parse_literal(text: &str) -> Option<(Decimal, u8)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let scale = u8::try_from(fraction.len()).ok().filter(|&s| s <= 38)?;
    let precision = u8::try_from(whole.len() + fraction.len()).ok().filter(|&p| p <= 38)?.max(1);
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some((Decimal::new(mantissa, scale), precision))
}

/// Plain digits with exactly `scale` fraction digits; never "-0".
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if scale == 0 {
            return f.pad(&format!("{sign}{digits}"));
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        f.pad(&format!("{sign}{whole}.{fraction}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing() {
        assert_eq!(parse(" -12.345 ", 5, 2), Ok(Decimal::new(-1235, 2)));
        assert_eq!(parse(".5", 5, 2), Ok(Decimal::new(50, 2)));
        assert_eq!(parse("5.", 5, 2), Ok(Decimal::new(500, 2)));
        assert_eq!(parse("1e5", 5, 2), Err(ParseDecimalError::Invalid));
        assert_eq!(parse("", 5, 2), Err(ParseDecimalError::Invalid));
        assert_eq!(parse("1000", 5, 2), Err(ParseDecimalError::Overflow));
        assert_eq!(parse("999.999", 5, 2), Err(ParseDecimalError::Overflow));
        assert_eq!(parse(&"9".repeat(60), 38, 0), Err(ParseDecimalError::Overflow));
    }

    #[test]
    fn literals() {
        assert_eq!(parse_literal("0.10"), Some((Decimal::new(10, 2), 2)));
        assert_eq!(parse_literal("001.50"), Some((Decimal::new(150, 2), 3)));
        assert_eq!(parse_literal("0.0"), Some((Decimal::new(0, 1), 1)));
        assert_eq!(parse_literal(&"1".repeat(39)), None);
    }

    #[test]
    fn printing() {
        assert_eq!(Decimal::new(-5, 3).to_string(), "-0.005");
        assert_eq!(Decimal::new(0, 2).to_string(), "0.00");
        assert_eq!(Decimal::new(12345, 0).to_string(), "12345");
    }
}
