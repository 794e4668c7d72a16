//! LIKE and PATINDEX patterns: `%`, `_`, `[set]`, `[^set]`, escape character.
//!
//! Invariants
//! 1. Matching takes O(length × pattern) steps: only the last `%` is ever retried.
//! 2. A `[` without its `]` matches nothing.
//! 3. Under collations that know supplementary characters `_` and `[^…]` take a surrogate pair as one; a pair inside of a set is taken
//!    as its two halves.

use holdfast_types::CollationId;

use super::collate;
use crate::function::supplementary::is_pair;

#[derive(Clone, Debug)]
enum Token {
    /// One literal unit (or surrogate pair part).
    Unit(u16),
    Any,
    Sequence,
    Set {
        negated: bool,
        items: Vec<(u16, u16)>,
    },
    /// A malformed set: never matches.
    Never,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    tokens: Vec<Token>,
    collation: CollationId,
    /// `abc%` without wildcards inside, all ASCII: compared at once.
    binary: bool,
    /// Surrogate pairs are one character.
    pairs: bool,
}

const PERCENT: u16 = b'%' as u16;
const UNDERSCORE: u16 = b'_' as u16;
const OPEN: u16 = b'[' as u16;
const CLOSE: u16 = b']' as u16;
const CARET: u16 = b'^' as u16;
const DASH: u16 = b'-' as u16;

impl Pattern {
    pub fn new(pattern: &[u16], escape: Option<u16>, collation: CollationId) -> Pattern {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut i = 0;
        while i < pattern.len() {
            let u = pattern[i];
            if Some(u) == escape {
                i += 1;
                match pattern.get(i) {
                    Some(&next) => tokens.push(Token::Unit(next)),
                    None => tokens.push(Token::Never),
                }
            } else if u == PERCENT {
                if !matches!(tokens.last(), Some(Token::Sequence)) {
                    tokens.push(Token::Sequence);
                }
            } else if u == UNDERSCORE {
                tokens.push(Token::Any);
            } else if u == OPEN {
                i = read_set(pattern, i + 1, escape, &mut tokens);
                continue;
            } else {
                tokens.push(Token::Unit(u));
            }
            i += 1;
        }
        let pairs = collation.supplementary();
        Pattern { tokens, collation, binary: collate::is_binary(collation), pairs }
    }

    fn unit_equal(&self, a: u16, b: u16) -> bool {
        a == b || (!self.binary && collate::equal_exact(self.collation, &[a], &[b]))
    }

    fn in_range(&self, u: u16, low: u16, high: u16) -> bool {
        if low == high {
            return self.unit_equal(u, low);
        }
        if self.binary {
            return (low..=high).contains(&u);
        }
        use std::cmp::Ordering;
        collate::compare(self.collation, &[u], &[low]) != Ordering::Less
            && collate::compare(self.collation, &[u], &[high]) != Ordering::Greater
    }

    fn token_matches(&self, t: &Token, u: u16) -> bool {
        match t {
            Token::Unit(x) => self.unit_equal(*x, u),
            Token::Any => true,
            Token::Set { negated, items } => items.iter().any(|&(l, h)| self.in_range(u, l, h)) != *negated,
            Token::Sequence | Token::Never => false,
        }
    }

    /// Whether the whole of `s` matches; `ignore_blanks` lets trailing blanks of `s` go unmatched.
    pub fn matches(&self, s: &[u16], ignore_blanks: bool) -> bool {
        let t = &self.tokens;
        let (mut i, mut p) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            if p == t.len() {
                if i == s.len() || (ignore_blanks && s[i..].iter().all(|&u| u == 0x20)) {
                    return true;
                }
            } else if let Token::Sequence = t[p] {
                if p + 1 == t.len() {
                    return true;
                }
                retry = Some((i, p + 1));
                p += 1;
                continue;
            } else if i < s.len() && self.token_matches(&t[p], s[i]) {
                let whole = matches!(t[p], Token::Any | Token::Set { negated: true, .. });
                i += if whole && self.pairs && is_pair(s, i) { 2 } else { 1 };
                p += 1;
                continue;
            }
            match retry {
                Some((start, token)) if start < s.len() => {
                    retry = Some((start + 1, token));
                    i = start + 1;
                    p = token;
                }
                _ => return false,
            }
        }
    }

    /// 1-based position at which the pattern first matches, 0 when nowhere (PATINDEX).
    pub fn find(&self, s: &[u16]) -> usize {
        let open_start = matches!(self.tokens.first(), Some(Token::Sequence));
        if !open_start {
            return usize::from(self.matches(s, false));
        }
        let rest = Pattern { tokens: self.tokens[1..].to_vec(), ..self.clone() };
        if rest.tokens.is_empty() {
            return 1;
        }
        let half = |i: usize| self.pairs && i > 0 && is_pair(s, i - 1);
        (0..=s.len()).find(|&i| !half(i) && rest.matches(&s[i..], false)).map_or(0, |i| i + 1)
    }
}

/// Reads a set after its `[`; returns the position after the `]`.
fn read_set(pattern: &[u16], mut i: usize, escape: Option<u16>, tokens: &mut Vec<Token>) -> usize {
    let negated = pattern.get(i) == Some(&CARET);
    if negated {
        i += 1;
    }
    let mut items = Vec::new();
    let mut first = true;
    loop {
        let Some(&u) = pattern.get(i) else {
            tokens.push(Token::Never);
            return pattern.len();
        };
        if u == CLOSE && !first {
            break;
        }
        first = false;
        let low = if Some(u) == escape {
            i += 1;
            match pattern.get(i) {
                Some(&v) => v,
                None => continue,
            }
        } else {
            u
        };
        i += 1;
        let range_end = pattern.get(i + 1).copied().filter(|&e| pattern.get(i) == Some(&DASH) && e != CLOSE);
        if let Some(high) = range_end {
            items.push((low, high));
            i += 2;
        } else {
            items.push((low, low));
        }
    }
    tokens.push(Token::Set { negated, items });
    i + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(s: &str, p: &str, escape: Option<char>) -> bool {
        let units = |s: &str| s.encode_utf16().collect::<Vec<u16>>();
        Pattern::new(&units(p), escape.map(|c| c as u16), CollationId::SERVER_DEFAULT)
            .matches(&units(s), false)
    }

    #[test]
    fn wildcards() {
        assert!(like("abc", "a%", None));
        assert!(like("ABC", "a_c", None));
        assert!(!like("ab", "a_c", None));
        assert!(like("abcabd", "%ab_", None));
        assert!(like("", "%", None));
        assert!(!like("", "_", None));
        assert!(like("5%", "5[%]", None));
        assert!(like("5%", "5!%", Some('!')));
        assert!(!like("5x", "5!%", Some('!')));
        assert!(like("b1", "[a-c][0-9]", None));
        assert!(!like("d1", "[a-c]%", None));
        assert!(like("d1", "[^a-c]%", None));
        assert!(like("a]", "a[]]", None));
        assert!(like("a-b", "a[-]b", None));
        assert!(!like("a", "[a", None));
        assert!(like("mississippi", "%iss%pp%", None));
        assert!(!like("mississippi", "%iss%ppp%", None));
    }

    #[test]
    fn positions() {
        let units = |s: &str| s.encode_utf16().collect::<Vec<u16>>();
        let find =
            |s: &str, p: &str| Pattern::new(&units(p), None, CollationId::SERVER_DEFAULT).find(&units(s));
        assert_eq!(find("interesting data", "%ter%"), 3);
        assert_eq!(find("abc123", "%[0-9]%"), 4);
        assert_eq!(find("abc", "b%"), 0);
        assert_eq!(find("abc", "%z%"), 0);
        assert_eq!(find("xabc", "%c"), 4);
    }
}
