//! Upper and lower case, one unit to one unit, as Windows' simple mapping does it.
//!
//! Invariants
//! 1. The length never changes; supplementary characters stay as they are.
//!
//! Evidence: Unicode simple case mapping, less what newer Unicode versions added (Georgian capitals, Cherokee small letters)
//! and what Windows leaves alone (dotless i and long s outside Turkic collations, micro sign).

use crate::sql_type::CollationId;

/// Turkish and Azeri: i ↔ İ, ı ↔ I.
pub fn is_turkic(id: CollationId) -> bool {
    matches!(id.language(), 0x1A | 0x63)
}

pub fn map(s: &[u16], turkic: bool, upper: bool) -> Vec<u16> {
    s.iter().map(|&u| unit(u, turkic, upper)).collect()
}

fn unit(u: u16, turkic: bool, upper: bool) -> u16 {
    match (u, upper) {
        (0x69, true) if turkic => 0x130,
        (0x131, true) => {
            if turkic {
                0x49
            } else {
                u
            }
        }
        (0x49, false) if turkic => 0x131,
        (0x130, false) => {
            if turkic {
                0x69
            } else {
                u
            }
        }
        (0x61..=0x7A, true) => u - 32,
        (0x41..=0x5A, false) => u + 32,
        (0..=0x7F, _) => u,
        (
            0xB5
            | 0x17F
            | 0x1E9E
            | 0x10A0..=0x10FF
            | 0x13A0..=0x13FF
            | 0x1C80..=0x1CBF
            | 0xAB70..=0xABBF
            | 0xD800..=0xDFFF,
            _,
        ) => u,
        _ => {
            let Some(c) = char::from_u32(u32::from(u)) else { return u };
            let single = |mut i: Box<dyn Iterator<Item = char>>| match (i.next(), i.next()) {
                (Some(x), None) => u16::try_from(u32::from(x)).unwrap_or(u),
                _ => u,
            };
            if upper { single(Box::new(c.to_uppercase())) } else { single(Box::new(c.to_lowercase())) }
        }
    }
}
