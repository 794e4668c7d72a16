//! Strings as sequences of UTF-16 code units, which is what T-SQL's LEN, SUBSTRING and comparisons count.
//!
//! Invariants
//! 1. Any sequence of units is legal, lone surrogates too: nothing stored is lost by passing through here.
//! 2. varchar values are held decoded; their collation's code page says how many bytes they take when stored or sent.

use std::fmt;
use std::sync::Arc;

/// An immutable, cheaply cloned UTF-16 string.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SqlString(Arc<[u16]>);

impl SqlString {
    pub fn new(units: impl Into<Arc<[u16]>>) -> Self {
        SqlString(units.into())
    }

    pub fn empty() -> Self {
        SqlString(Arc::from([]))
    }

    /// Decodes UTF-16LE; an odd last byte is dropped.
    pub fn from_utf16le(bytes: &[u8]) -> Self {
        SqlString(bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect())
    }

    pub fn to_utf16le(&self) -> Vec<u8> {
        self.0.iter().flat_map(|u| u.to_le_bytes()).collect()
    }

    pub fn units(&self) -> &[u16] {
        &self.0
    }

    /// Number of UTF-16 units.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The units without trailing blanks (U+0020), as comparisons and LEN see them.
    pub fn trim_end_blanks(&self) -> &[u16] {
        let n = self.0.iter().rposition(|&u| u != 0x20).map_or(0, |p| p + 1);
        &self.0[..n]
    }

    /// Text with lone surrogates as U+FFFD.
    pub fn to_text(&self) -> String {
        String::from_utf16_lossy(&self.0)
    }
}

impl From<&str> for SqlString {
    fn from(s: &str) -> Self {
        SqlString(s.encode_utf16().collect())
    }
}
impl From<String> for SqlString {
    fn from(s: String) -> Self {
        SqlString::from(s.as_str())
    }
}
impl From<Vec<u16>> for SqlString {
    fn from(v: Vec<u16>) -> Self {
        SqlString(v.into())
    }
}
impl PartialEq<str> for SqlString {
    fn eq(&self, other: &str) -> bool {
        self.0.iter().copied().eq(other.encode_utf16())
    }
}
impl PartialEq<&str> for SqlString {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}
impl fmt::Display for SqlString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text())
    }
}
impl fmt::Debug for SqlString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}
