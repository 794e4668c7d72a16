//! Number encodings of compressed records: excess integers, and decimals as decimal digits (also the 2005 "vardecimal"
//! storage format).
//!
//! Excess integer: n bytes, big-endian, hold value + 2^(8n−1), with the fewest bytes; no bytes is 0.
//! Vardecimal: bit 7 of byte 0 is the sign (1 positive), bits 0–6 the exponent + 64; then groups of 10 bits, each three
//! decimal digits, most significant first, one digit before the point; trailing zero bytes are dropped; no bytes is 0.
//!
//! Invariants
//! 1. `encode_*` followed by `decode_*` gives the value back, and the encoding is the shortest.
//!
//! Evidence: excess integers read from a published page dump; vardecimal from public descriptions only.

use crate::error::RecordError;

/// Decodes up to 8 bytes.
pub fn decode_excess(bytes: &[u8]) -> Result<i64, RecordError> {
    if bytes.len() > 8 {
        return Err(RecordError::new(0, "a compressed integer is longer than 8 bytes"));
    }
    if bytes.is_empty() {
        return Ok(0);
    }
    let raw = bytes.iter().fold(0u64, |acc, &b| acc << 8 | u64::from(b));
    Ok((raw as i64).wrapping_sub((1u64 << (8 * bytes.len() - 1)) as i64))
}

/// The shortest form.
pub fn encode_excess(value: i64) -> Vec<u8> {
    if value == 0 {
        return Vec::new();
    }
    let bytes = (1..8usize)
        .find(|n| {
            let half = 1i64 << (8 * n - 1);
            (-half..half).contains(&value)
        })
        .unwrap_or(8);
    let raw = (value as u64).wrapping_add(1u64 << (8 * bytes - 1));
    raw.to_be_bytes()[8 - bytes..].to_vec()
}

/// The value as an integer mantissa of the given scale.
pub fn decode_vardecimal(bytes: &[u8], scale: u8) -> Result<i128, RecordError> {
    let Some((&first, groups)) = bytes.split_first() else { return Ok(0) };
    if groups.len() > 17 {
        return Err(RecordError::new(0, "a compressed decimal is too long"));
    }
    let exponent = i32::from(first & 0x7F) - 64;
    let (mut mantissa, mut digits, mut zeros) = (0u128, 0i32, 0u32);
    let (mut buffer, mut held) = (0u32, 0u32);
    let mut push = |group: u32| -> Result<(), RecordError> {
        if group > 999 {
            return Err(RecordError::new(1, "a digit group of a compressed decimal exceeds 999"));
        }
        // Zeros wait until another digit follows: 39 digits of three-digit groups would not fit when the last is padding.
        for digit in [group / 100, group / 10 % 10, group % 10] {
            if digit == 0 {
                zeros += 1;
                continue;
            }
            let scaled = 10u128.checked_pow(zeros + 1).and_then(|p| mantissa.checked_mul(p));
            mantissa = scaled
                .and_then(|m| m.checked_add(u128::from(digit)))
                .ok_or(RecordError::new(1, "a compressed decimal has too many digits"))?;
            digits += zeros as i32 + 1;
            zeros = 0;
        }
        Ok(())
    };
    for &byte in groups {
        buffer = buffer << 8 | u32::from(byte);
        held += 8;
        if held >= 10 {
            held -= 10;
            push(buffer >> held & 0x3FF)?;
            buffer &= (1 << held) - 1;
        }
    }
    if held > 0 && buffer != 0 {
        push(buffer << (10 - held) & 0x3FF)?;
    }
    let shift = i32::from(scale) + exponent - (digits - 1);
    let power = 10u128.checked_pow(shift.unsigned_abs().min(60));
    let overflow = RecordError::new(0, "a compressed decimal is out of range");
    let magnitude = if mantissa == 0 {
        0
    } else if shift >= 0 {
        mantissa.checked_mul(power.ok_or(overflow)?).ok_or(overflow)?
    } else {
        mantissa / power.unwrap_or(u128::MAX)
    };
    let value = i128::try_from(magnitude).map_err(|_| overflow)?;
    Ok(if first & 0x80 != 0 { value } else { -value })
}

/// The shortest form of mantissa × 10^-scale.
pub fn encode_vardecimal(mantissa: i128, scale: u8) -> Vec<u8> {
    if mantissa == 0 {
        return Vec::new();
    }
    let mut digits: Vec<u32> =
        mantissa.unsigned_abs().to_string().bytes().map(|b| u32::from(b - b'0')).collect();
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    while !digits.len().is_multiple_of(3) {
        digits.push(0);
    }
    let sign = if mantissa > 0 { 0x80 } else { 0 };
    let mut out = vec![sign | (exponent + 64) as u8 & 0x7F];
    let (mut buffer, mut held) = (0u32, 0u32);
    for group in digits.chunks_exact(3) {
        buffer = buffer << 10 | (group[0] * 100 + group[1] * 10 + group[2]);
        held += 10;
        while held >= 8 {
            held -= 8;
            out.push((buffer >> held) as u8);
            buffer &= (1 << held) - 1;
        }
    }
    if held > 0 {
        out.push((buffer << (8 - held)) as u8);
    }
    while out.len() > 1 && out.last() == Some(&0) {
        out.pop();
    }
    out
}

/// Mantissa of the uncompressed form: sign byte, then the magnitude.
pub fn decode_decimal(bytes: &[u8]) -> Result<i128, RecordError> {
    let Some((&sign, magnitude)) = bytes.split_first() else {
        return Err(RecordError::new(0, "a decimal has no bytes"));
    };
    if magnitude.len() > 16 {
        return Err(RecordError::new(0, "a decimal is longer than 17 bytes"));
    }
    let mut raw = [0u8; 16];
    raw[..magnitude.len()].copy_from_slice(magnitude);
    let value = i128::try_from(u128::from_le_bytes(raw))
        .map_err(|_| RecordError::new(1, "a decimal exceeds 38 digits"))?;
    Ok(if sign == 0 { -value } else { value })
}

/// The uncompressed form in `size` bytes; the magnitude must fit.
pub fn encode_decimal(mantissa: i128, size: u16, out: &mut Vec<u8>) {
    out.push(u8::from(mantissa >= 0));
    let bytes = mantissa.unsigned_abs().to_le_bytes();
    out.extend_from_slice(&bytes[..usize::from(size).saturating_sub(1).min(16)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_integers_round_trip() {
        for v in [0, 1, -1, 127, 128, -128, -129, 32767, 65536, i64::MAX, i64::MIN, -5_000_000_000] {
            let b = encode_excess(v);
            assert_eq!(decode_excess(&b), Ok(v), "{v}");
        }
        assert_eq!(encode_excess(1), [0x81]);
        assert_eq!(encode_excess(-1), [0x7F]);
        assert_eq!(encode_excess(300), [0x81, 0x2C]);
        assert!(decode_excess(&[0; 9]).is_err());
    }

    #[test]
    fn vardecimals_round_trip() {
        let biggest = 10i128.pow(38) - 1;
        for (m, s) in [(0, 2), (123_456, 3), (-1, 38), (1000, 0), (biggest, 0), (-biggest, 38), (999_000, 5)]
        {
            let b = encode_vardecimal(m, s);
            assert_eq!(decode_vardecimal(&b, s), Ok(m), "{m} scale {s}: {b:02x?}");
        }
        assert!(decode_vardecimal(&[0xC0; 30], 2).is_err());
    }
}
