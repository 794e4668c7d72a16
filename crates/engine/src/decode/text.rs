//! Single-byte and multi-byte text of a collation's code page.

use holdfast_format::RecordError;
use holdfast_types::{CollationId, SqlType};

/// Appends the UTF-16 units of text stored under `collation`.
#[inline]
pub fn decode(collation: CollationId, bytes: &[u8], out: &mut Vec<u16>) {
    collation.code_page().decode_into(bytes, out);
}

/// json (version 998) is stored in a binary form whose layout is not known.
pub fn json(bytes: &[u8]) -> Result<Vec<u16>, RecordError> {
    let _ = bytes;
    Err(RecordError::new(0, "the binary form of json is not known"))
}

/// xml is stored in a binary form.
pub fn xml(bytes: &[u8]) -> Result<Vec<u16>, RecordError> {
    use holdfast_types::xml::XmlError;
    holdfast_types::xml::decode_to_units(bytes).map_err(|error| match error {
        XmlError::Truncated { offset } => RecordError::new(offset, "an xml value ends too early"),
        XmlError::Token { offset, .. } => RecordError::new(offset, "an xml value holds an unknown token"),
        XmlError::Name { offset, .. } => RecordError::new(offset, "an xml value uses an undefined name"),
        XmlError::Value { offset } => RecordError::new(offset, "a value inside xml is out of range"),
        _ => RecordError::new(0, "the bytes are not an xml value"),
    })
}

/// Order of two strings of type `ty`; trailing blanks do not count.
pub fn compare(ty: &SqlType, a: &[u16], b: &[u16]) -> std::cmp::Ordering {
    holdfast_types::collation::of(ty).compare(a, b)
}

/// Name of a collation.
pub fn name(collation: CollationId) -> Option<String> {
    collation.name()
}
