//! Strings as sequences of UTF-16 code units, which is what T-SQL's LEN, SUBSTRING and comparisons count.
//!
//! Invariants
//! 1. Any sequence of units is legal, lone surrogates too: nothing stored is lost by passing through here.
//! 2. How the units are held does not show: strings are equal, ordered and hashed by them.
//! 3. varchar values are held decoded; their collation's code page says how many bytes they take when stored or sent.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A cheaply cloned UTF-16 string.
#[derive(Clone)]
pub struct SqlString(Units);

#[derive(Clone)]
enum Units {
    Fixed(Arc<[u16]>),
    /// With room for more: what a variable is that a loop appends to.
    Growing(Arc<Vec<u16>>),
}

impl SqlString {
    pub fn new(units: impl Into<Arc<[u16]>>) -> Self {
        SqlString(Units::Fixed(units.into()))
    }

    pub fn empty() -> Self {
        SqlString::new([])
    }

    /// Decodes UTF-16LE; an odd last byte is dropped.
    pub fn from_utf16le(bytes: &[u8]) -> Self {
        bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect()
    }

    pub fn to_utf16le(&self) -> Vec<u8> {
        self.units().iter().flat_map(|u| u.to_le_bytes()).collect()
    }

    pub fn units(&self) -> &[u16] {
        match &self.0 {
            Units::Fixed(units) => units,
            Units::Growing(units) => units,
        }
    }

    /// Appends units: in constant time per unit, on average, while nobody else holds the string.
    pub fn push(&mut self, more: &[u16]) {
        if let Units::Growing(units) = &mut self.0
            && let Some(units) = Arc::get_mut(units)
        {
            units.extend_from_slice(more);
            return;
        }
        let mut units = Vec::with_capacity((self.len() + more.len()).saturating_mul(2));
        units.extend_from_slice(self.units());
        units.extend_from_slice(more);
        self.0 = Units::Growing(Arc::new(units));
    }

    /// Number of UTF-16 units.
    pub fn len(&self) -> usize {
        self.units().len()
    }

    pub fn is_empty(&self) -> bool {
        self.units().is_empty()
    }

    /// The units without trailing blanks (U+0020), as comparisons and LEN see them.
    pub fn trim_end_blanks(&self) -> &[u16] {
        let n = self.units().iter().rposition(|&u| u != 0x20).map_or(0, |p| p + 1);
        &self.units()[..n]
    }

    /// Text with lone surrogates as U+FFFD.
    pub fn to_text(&self) -> String {
        String::from_utf16_lossy(self.units())
    }
}

impl FromIterator<u16> for SqlString {
    fn from_iter<I: IntoIterator<Item = u16>>(units: I) -> Self {
        SqlString(Units::Fixed(units.into_iter().collect()))
    }
}
impl PartialEq for SqlString {
    fn eq(&self, other: &Self) -> bool {
        self.units() == other.units()
    }
}
impl Eq for SqlString {}
impl PartialOrd for SqlString {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for SqlString {
    fn cmp(&self, other: &Self) -> Ordering {
        self.units().cmp(other.units())
    }
}
impl Hash for SqlString {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.units().hash(state);
    }
}
impl From<&str> for SqlString {
    fn from(s: &str) -> Self {
        s.encode_utf16().collect()
    }
}
impl From<String> for SqlString {
    fn from(s: String) -> Self {
        SqlString::from(s.as_str())
    }
}
impl From<Vec<u16>> for SqlString {
    fn from(v: Vec<u16>) -> Self {
        SqlString::new(v)
    }
}
impl PartialEq<str> for SqlString {
    fn eq(&self, other: &str) -> bool {
        self.units().iter().copied().eq(other.encode_utf16())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_leaves_copies_alone_and_grows_in_place() {
        let mut s = SqlString::from("ab");
        let before = s.clone();
        s.push(&[0x63]);
        let place = s.units().as_ptr();
        s.push(&[0x64]);
        assert_eq!((before, s.clone()), (SqlString::from("ab"), SqlString::from("abcd")));
        assert_eq!(s.units().as_ptr(), place, "there was room");
        let copy = s.clone();
        s.push(&[0x65]);
        assert_eq!((copy, s), (SqlString::from("abcd"), SqlString::from("abcde")));
    }
}
