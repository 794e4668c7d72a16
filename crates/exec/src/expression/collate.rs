//! The one place where the executor asks how strings compare: everything else goes through these functions.
//!
//! Invariants
//! 1. Trailing blanks never matter here (LIKE handles its own).
//! 2. `sort_key` of two strings compares bytewise exactly as `compare` does; equal strings have equal keys.

use std::cmp::Ordering;

use holdfast_types::CollationId;

fn trim(mut s: &[u16]) -> &[u16] {
    while let [head @ .., 0x20] = s {
        s = head;
    }
    s
}

fn fold(u: u16) -> u16 {
    match u {
        0x61..=0x7A => u - 32,
        0x80.. => {
            let Some(c) = char::from_u32(u32::from(u)) else { return u };
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(x), None) => u16::try_from(u32::from(x)).unwrap_or(u),
                _ => u,
            }
        }
        _ => u,
    }
}

/// Order of two strings under a collation.
pub fn compare(collation: CollationId, a: &[u16], b: &[u16]) -> Ordering {
    let (a, b) = (trim(a), trim(b));
    if is_binary(collation) {
        return a.cmp(b);
    }
    let folded = a.iter().map(|&u| fold(u)).cmp(b.iter().map(|&u| fold(u)));
    if collation.ignores_case() { folded } else { folded.then_with(|| b.cmp(a)) }
}

/// Appends the sort key of `s`.
pub fn sort_key(collation: CollationId, s: &[u16], out: &mut Vec<u8>) {
    let s = trim(s);
    if is_binary(collation) {
        s.iter().for_each(|u| out.extend_from_slice(&u.to_be_bytes()));
        return;
    }
    s.iter().for_each(|&u| out.extend_from_slice(&fold(u).to_be_bytes()));
    if !collation.ignores_case() {
        out.extend_from_slice(&[0, 0]);
        s.iter().for_each(|u| out.extend_from_slice(&(!u).to_be_bytes()));
    }
}

/// Equality without trimming, for LIKE and the string functions that search.
pub fn equal_exact(collation: CollationId, a: &[u16], b: &[u16]) -> bool {
    if a == b {
        return true;
    }
    collation.ignores_case()
        && !is_binary(collation)
        && a.iter().map(|&u| fold(u)).eq(b.iter().map(|&u| fold(u)))
}

/// Whether comparison is by code unit, so that equal means identical (but for trailing blanks).
pub fn is_binary(collation: CollationId) -> bool {
    collation.is_binary() || collation.is_binary2()
}

pub fn to_upper(collation: CollationId, s: &[u16]) -> Vec<u16> {
    let _ = collation;
    s.iter().map(|&u| fold(u)).collect()
}

pub fn to_lower(collation: CollationId, s: &[u16]) -> Vec<u16> {
    let _ = collation;
    s.iter()
        .map(|&u| match u {
            0x41..=0x5A => u + 32,
            0x80.. => {
                let Some(c) = char::from_u32(u32::from(u)) else { return u };
                let mut lower = c.to_lowercase();
                match (lower.next(), lower.next()) {
                    (Some(x), None) => u16::try_from(u32::from(x)).unwrap_or(u),
                    _ => u,
                }
            }
            _ => u,
        })
        .collect()
}

/// Bytes that the string takes in the collation's code page.
pub fn byte_length(collation: CollationId, s: &[u16]) -> usize {
    collation.code_page().encoded_len(s)
}

/// First byte of the string in the collation's code page.
pub fn first_byte(collation: CollationId, s: &[u16]) -> u8 {
    collation.code_page().encode(&s[..s.len().min(2)]).first().copied().unwrap_or(b'?')
}

/// The character of one byte in the collation's code page.
pub fn decode_byte(collation: CollationId, b: u8) -> Vec<u16> {
    collation.code_page().decode(&[b])
}

/// The collation's name.
pub fn name(collation: CollationId) -> Option<String> {
    collation.name()
}

/// The string in the collation's code page.
pub fn encode(collation: CollationId, s: &[u16]) -> Vec<u8> {
    collation.code_page().encode(s)
}
