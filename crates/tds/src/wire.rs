//! Small pieces shared by all messages: counted UTF-16 strings.

use holdfast_base::{ByteReader, ByteWriter};

use crate::error::TdsResult;

/// `count` UTF-16LE units as text; lone surrogates become U+FFFD.
pub fn ucs2(r: &mut ByteReader<'_>, count: usize) -> TdsResult<String> {
    let bytes = r.bytes(count.saturating_mul(2))?;
    Ok(decode_ucs2(bytes))
}

pub fn decode_ucs2(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// B_VARCHAR: one-byte count of units.
pub fn b_varchar(r: &mut ByteReader<'_>) -> TdsResult<String> {
    let n = r.u8()?;
    ucs2(r, usize::from(n))
}

/// US_VARCHAR: two-byte count of units.
pub fn us_varchar(r: &mut ByteReader<'_>) -> TdsResult<String> {
    let n = r.u16()?;
    ucs2(r, usize::from(n))
}

fn clipped(text: &str, limit: usize) -> Vec<u16> {
    let mut units: Vec<u16> = text.encode_utf16().take(limit + 1).collect();
    if units.len() > limit {
        units.truncate(limit);
        // Never leave half a surrogate pair behind.
        if units.last().is_some_and(|u| (0xD800..0xDC00).contains(u)) {
            units.pop();
        }
    }
    units
}

/// Writes a B_VARCHAR, cut at 255 units.
pub fn put_b_varchar(w: &mut ByteWriter, text: &str) {
    let units = clipped(text, 255);
    w.u8(units.len() as u8);
    for u in units {
        w.u16(u);
    }
}

/// Writes a US_VARCHAR, cut at 65,535 units.
pub fn put_us_varchar(w: &mut ByteWriter, text: &str) {
    let units = clipped(text, 65_535);
    w.u16(units.len() as u16);
    for u in units {
        w.u16(u);
    }
}

/// Writes UTF-16LE units without a count.
pub fn put_ucs2(w: &mut ByteWriter, text: &str) {
    for u in text.encode_utf16() {
        w.u16(u);
    }
}
