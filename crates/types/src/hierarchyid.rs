//! hierarchyid: stored bits to path text and back.
//!
//! A bit string, most significant bit first, padded with zeros to a byte. Each part of a label is a prefix-coded number
//! and a terminator bit: 1 ends the level, 0 says that a dotted part follows (the number stored is then one higher).
//! In the patterns below `x` are number bits, the rest is literal.
//!
//! Invariants
//! 1. Byte-wise order of values is tree order.
//! 2. The root is the empty value; paths begin and end with '/'.
//!
//! Evidence: [MS-SSCLRT] and its examples (test below).

use thiserror::Error;

/// Longest value SQL Server keeps.
const BYTES_MAX: usize = 892;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HierarchyIdError {
    #[error("hierarchyid value is not valid at bit {bit}")]
    Bits { bit: usize },
    #[error("the path is not a valid hierarchyid text")]
    Text,
    #[error("the hierarchyid is longer than 892 bytes")]
    TooLong,
    #[error("24008: SqlHierarchyId.GetDescendant failed because a child given is not a child of 'this'.")]
    NoChild,
    #[error("24006: SqlHierarchyId.GetDescendant failed because 'child1' must be less than 'child2'.")]
    Order,
}

/// (smallest number, pattern).
const PATTERNS: [(i64, &str); 13] = [
    (-281_479_271_682_120, "000100xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxx"),
    (-4_294_971_464, "000101xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxx"),
    (-4168, "000110xxxxx0xxx0x1xxx"),
    (-72, "0010xx0x1xxx"),
    (-8, "00111xxx"),
    (0, "01xx"),
    (4, "100xx"),
    (8, "101xxx"),
    (16, "110xx0x1xxx"),
    (80, "1110xxx0xxx0x1xxx"),
    (1104, "11110xxxxx0xxx0x1xxx"),
    (5200, "111110xxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxx"),
    (4_294_972_496, "111111xxxxxxxxxxxxxx0xxxxxxxxxxxxxxxxxxxxx0xxxxxx0xxx0x1xxx"),
];

/// `/1/2.1/` of stored bytes.
pub fn to_text(bytes: &[u8]) -> Result<String, HierarchyIdError> {
    if bytes.len() > BYTES_MAX {
        return Err(HierarchyIdError::TooLong);
    }
    let bit = |i: usize| bytes.get(i / 8).is_some_and(|b| b >> (7 - i % 8) & 1 == 1);
    let total = bytes.len() * 8;
    let mut out = String::from("/");
    let (mut at, mut dotted) = (0, false);
    while (at..total).any(bit) {
        let (number, used) = number_at(&bit, at, total).ok_or(HierarchyIdError::Bits { bit: at })?;
        at += used;
        let last = bit(at);
        at += 1;
        out.push_str(&(if last { number } else { number - 1 }).to_string());
        out.push(if last { '/' } else { '.' });
        dotted = !last;
    }
    if dotted { Err(HierarchyIdError::Bits { bit: at }) } else { Ok(out) }
}

/// The number whose pattern stands at bit `at`, and its length in bits.
fn number_at(bit: &impl Fn(usize) -> bool, at: usize, total: usize) -> Option<(i64, usize)> {
    PATTERNS.iter().find_map(|(base, pattern)| {
        if at + pattern.len() >= total {
            return None;
        }
        let mut ordinal = 0i64;
        for (i, p) in pattern.bytes().enumerate() {
            let b = bit(at + i);
            match p {
                b'x' => ordinal = ordinal << 1 | i64::from(b),
                b'1' if b => {}
                b'0' if !b => {}
                _ => return None,
            }
        }
        Some((base + ordinal, pattern.len()))
    })
}

/// Stored bytes of a path text.
pub fn from_text(text: &str) -> Result<Vec<u8>, HierarchyIdError> {
    let inner = text.strip_prefix('/').ok_or(HierarchyIdError::Text)?;
    if inner.is_empty() {
        return Ok(Vec::new());
    }
    let inner = inner.strip_suffix('/').ok_or(HierarchyIdError::Text)?;
    let mut bits: Vec<bool> = Vec::new();
    for level in inner.split('/') {
        let parts: Vec<&str> = level.split('.').collect();
        for (i, part) in parts.iter().enumerate() {
            let last = i + 1 == parts.len();
            let digits = part.strip_prefix('-').unwrap_or(part);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(HierarchyIdError::Text);
            }
            let number: i64 = part.parse().map_err(|_| HierarchyIdError::Text)?;
            let number = if last { number } else { number.checked_add(1).ok_or(HierarchyIdError::Text)? };
            push_number(number, &mut bits)?;
            bits.push(last);
            if bits.len() > BYTES_MAX * 8 {
                return Err(HierarchyIdError::TooLong);
            }
        }
    }
    Ok(bits
        .chunks(8)
        .map(|c| c.iter().enumerate().fold(0u8, |b, (i, &x)| b | u8::from(x) << (7 - i)))
        .collect())
}

fn push_number(number: i64, bits: &mut Vec<bool>) -> Result<(), HierarchyIdError> {
    let (base, pattern) = PATTERNS.iter().rev().find(|p| p.0 <= number).ok_or(HierarchyIdError::Text)?;
    let ordinal = number - base;
    let mut left = pattern.bytes().filter(|&p| p == b'x').count();
    if ordinal >> left != 0 {
        return Err(HierarchyIdError::Text);
    }
    for p in pattern.bytes() {
        bits.push(match p {
            b'x' => {
                left -= 1;
                ordinal >> left & 1 == 1
            }
            other => other == b'1',
        });
    }
    Ok(())
}

/// A path between two children of `parent` (either may be missing), as GetDescendant makes it: the nearest free number, or one
/// level of dots more where there is none between.
pub fn descendant(
    parent: &str,
    first: Option<&str>,
    second: Option<&str>,
) -> Result<String, HierarchyIdError> {
    let numbers = |child: Option<&str>| -> Result<Option<Vec<i64>>, HierarchyIdError> {
        let Some(child) = child else { return Ok(None) };
        let label = child.strip_prefix(parent).and_then(|l| l.strip_suffix('/'));
        let label = label.filter(|l| !l.is_empty() && !l.contains('/')).ok_or(HierarchyIdError::NoChild)?;
        label
            .split('.')
            .map(|n| n.parse().map_err(|_| HierarchyIdError::Text))
            .collect::<Result<_, _>>()
            .map(Some)
    };
    let step = |n: i64, by: i64| n.checked_add(by).ok_or(HierarchyIdError::Text);
    let made = match (numbers(first)?, numbers(second)?) {
        (None, None) => vec![1],
        (Some(a), None) => vec![step(a[0], 1)?],
        (None, Some(b)) => vec![step(b[0], -1)?],
        (Some(a), Some(b)) => {
            if a >= b {
                return Err(HierarchyIdError::Order);
            }
            let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
            let mut made = a[..same].to_vec();
            match (a.get(same), b.get(same)) {
                (None, Some(y)) => made.push(step(*y, -1)?),
                (Some(x), Some(y)) if y - x >= 2 => made.push(step(*x, 1)?),
                (Some(x), _) => {
                    made.push(*x);
                    made.push(match a.get(same + 1) {
                        Some(z) => step(*z, 1)?,
                        None => 1,
                    });
                }
                (None, None) => return Err(HierarchyIdError::Order),
            }
            made
        }
    };
    let label: Vec<String> = made.iter().map(i64::to_string).collect();
    Ok(format!("{parent}{}/", label.join(".")))
}

/// Number of levels below the root.
pub fn level(bytes: &[u8]) -> Result<usize, HierarchyIdError> {
    Ok(to_text(bytes)?.matches('/').count() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_lie_between() {
        let d = |a: Option<&str>, b: Option<&str>| descendant("/1/", a, b).unwrap();
        assert_eq!(d(None, None), "/1/1/");
        assert_eq!(d(Some("/1/1/"), None), "/1/2/");
        assert_eq!(d(None, Some("/1/1/")), "/1/0/");
        assert_eq!(d(Some("/1/1/"), Some("/1/3/")), "/1/2/");
        assert_eq!(d(Some("/1/1/"), Some("/1/2/")), "/1/1.1/");
        assert_eq!(d(Some("/1/1.1/"), Some("/1/2/")), "/1/1.2/");
        assert_eq!(d(Some("/1/1/"), Some("/1/1.1/")), "/1/1.0/");
        assert_eq!(d(Some("/1/1.1/"), Some("/1/1.2/")), "/1/1.1.1/");
        assert_eq!(descendant("/1/", Some("/2/1/"), None), Err(HierarchyIdError::NoChild));
        assert_eq!(descendant("/", Some("/2/"), Some("/1/")), Err(HierarchyIdError::Order));
    }

    #[test]
    fn round_trips_in_tree_order() {
        let paths = [
            "/",
            "/-5000/",
            "/-100/",
            "/-9/",
            "/-1/",
            "/0/",
            "/0.5/",
            "/1/",
            "/1/1/",
            "/1/2.1/",
            "/1.1/",
            "/1.5/",
            "/2/",
            "/3/",
            "/4/",
            "/7/",
            "/8/",
            "/16/",
            "/79/",
            "/80/",
            "/1103/",
            "/1104/",
            "/5199/",
            "/5200/",
            "/5000000000/",
        ];
        let mut last: Option<Vec<u8>> = None;
        for p in paths {
            let b = from_text(p).unwrap();
            assert_eq!(to_text(&b).unwrap(), p);
            if let Some(l) = &last {
                assert!(l < &b, "{p}");
            }
            last = Some(b);
        }
        assert_eq!(from_text("/1/").unwrap(), [0x58]);
        assert_eq!(from_text("/").unwrap(), []);
        assert!(from_text("1/").is_err() && from_text("/a/").is_err() && from_text("//").is_err());
        assert_eq!(level(&from_text("/1/2.1/").unwrap()), Ok(2));
    }

    #[test]
    fn any_two_bytes_are_read_or_refused() {
        for v in 0..=u16::MAX {
            if let Ok(t) = to_text(&v.to_be_bytes()) {
                let _ = from_text(&t);
            }
        }
    }
}
