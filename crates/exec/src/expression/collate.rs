//! The one place where the executor asks how strings compare: everything else goes through these functions.
//!
//! Invariants
//! 1. Trailing blanks never matter here, except in [`equal_exact`].
//! 2. `sort_key` of two strings compares bytewise exactly as `compare` does; equal strings have equal keys.
//! 3. The collation id is that of [`SqlType::sort_collation`], which knows that `SQL_` collations order varchar in their own way.

use std::cmp::Ordering;

use holdfast_types::{CollationId, SqlType, collation};

/// The collation that values of type `ty` compare by.
pub fn of(ty: &SqlType) -> CollationId {
    ty.sort_collation()
}

/// Order of two strings under a collation.
#[inline]
pub fn compare(id: CollationId, a: &[u16], b: &[u16]) -> Ordering {
    collation::get(id).compare(a, b)
}

/// Appends the sort key of `s`.
pub fn sort_key(id: CollationId, s: &[u16], out: &mut Vec<u8>) {
    collation::get(id).sort_key(s, out);
}

/// Equality without trimming, for LIKE and the string functions that search.
pub fn equal_exact(id: CollationId, a: &[u16], b: &[u16]) -> bool {
    collation::get(id).equal_exact(a, b)
}

/// Whether comparison is by code unit, so that equal means identical (but for trailing blanks).
pub fn is_binary(id: CollationId) -> bool {
    collation::get(id).is_binary()
}

pub fn to_upper(id: CollationId, s: &[u16]) -> Vec<u16> {
    collation::get(id).to_upper(s)
}

pub fn to_lower(id: CollationId, s: &[u16]) -> Vec<u16> {
    collation::get(id).to_lower(s)
}

/// Bytes that the string takes in the collation's code page.
pub fn byte_length(id: CollationId, s: &[u16]) -> usize {
    id.code_page().encoded_len(s)
}

/// First byte of the string in the collation's code page.
pub fn first_byte(id: CollationId, s: &[u16]) -> u8 {
    id.code_page().encode(&s[..s.len().min(2)]).first().copied().unwrap_or(b'?')
}

/// The character of one byte in the collation's code page.
pub fn decode_byte(id: CollationId, b: u8) -> Vec<u16> {
    id.code_page().decode(&[b])
}

/// The collation's name.
pub fn name(id: CollationId) -> Option<String> {
    id.name()
}

/// The string in the collation's code page.
pub fn encode(id: CollationId, s: &[u16]) -> Vec<u8> {
    id.code_page().encode(s)
}

/// How many units of a string find place in a type: n of varchar(n) are bytes, of which a character may need several.
pub fn fitting(ty: &SqlType, s: &[u16]) -> usize {
    let Some(n) = ty.char_length() else { return s.len() };
    let n = n.max(0) as usize;
    let page = ty.collation.code_page();
    if ty.id.is_unicode() || page.is_single_byte() {
        return s.len().min(n);
    }
    page.fit(s, n).len()
}
