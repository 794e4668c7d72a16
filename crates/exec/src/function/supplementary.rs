//! String functions under collations that know supplementary characters (_SC, _140_): they count characters, not UTF-16 units.
//!
//! Invariants
//! 1. Strings without surrogate pairs are left to [`super::string`]: there the two counts agree.
//! 2. A surrogate without its other half is a character of its own.
//!
//! Evidence: documentation, "Collation and Unicode support" (supplementary characters) and the pages of the functions.

use holdfast_plan::function::FunctionId;
use holdfast_types::{CollationId, SqlError, SqlResult, SqlString, Value};

use super::Call;
use super::string::{self, find, string, units};
use crate::expression::arithmetic::integer_value;
use crate::expression::collate;
use crate::expression::like::Pattern;

fn is_high(u: u16) -> bool {
    (0xD800..0xDC00).contains(&u)
}

fn is_low(u: u16) -> bool {
    (0xDC00..0xE000).contains(&u)
}

/// Whether the unit at `i` begins a surrogate pair.
pub fn is_pair(s: &[u16], i: usize) -> bool {
    s.get(i).copied().is_some_and(is_high) && s.get(i + 1).copied().is_some_and(is_low)
}

/// Where characters begin, and the end of the string.
fn bounds(s: &[u16]) -> Vec<usize> {
    let mut out = Vec::with_capacity(s.len() + 1);
    let mut i = 0;
    while i < s.len() {
        out.push(i);
        i += if is_pair(s, i) { 2 } else { 1 };
    }
    out.push(s.len());
    out
}

/// How many characters lie before the unit `at`.
fn characters_before(s: &[u16], at: usize) -> usize {
    bounds(s).partition_point(|&b| b < at)
}

fn has_pairs(s: &[u16]) -> bool {
    (0..s.len()).any(|i| is_pair(s, i))
}

/// The value of a call whose answer differs by counting characters; `None`: it does not.
pub fn call(c: &Call<'_>) -> SqlResult<Option<Value>> {
    let collation = |i: usize| c.types.get(i).map_or(CollationId::NONE, |t| t.sort_collation());
    if c.function == FunctionId::NChar {
        let wide = c.args.first().and_then(integer_value).and_then(|n| u32::try_from(n).ok());
        let made = wide.filter(|n| *n > 0xFFFF && c.ty.collation.supplementary()).and_then(char::from_u32);
        return Ok(made.map(|ch| Value::String(SqlString::new(ch.encode_utf16(&mut [0; 2])))));
    }
    if c.function == FunctionId::Translate && collation(0).supplementary() {
        return translate(c, collation(0));
    }
    let searched = usize::from(matches!(c.function, FunctionId::CharIndex | FunctionId::PatIndex));
    let Some(Value::String(text)) = c.args.get(searched) else { return Ok(None) };
    let s = text.units();
    if !collation(searched).supplementary() || !has_pairs(s) {
        return Ok(None);
    }
    let int = |i: usize| c.args.get(i).and_then(integer_value);
    let number = |n: usize| string::number(c.ty, n);
    let b = bounds(s);
    let count = b.len() - 1;
    Ok(Some(match c.function {
        FunctionId::Unicode => match String::from_utf16_lossy(&s[..b[1]]).chars().next() {
            Some(ch) if is_pair(s, 0) => Value::Int(ch as i32),
            _ => return Ok(None),
        },
        FunctionId::Len => {
            let end = s.iter().rposition(|&u| u != 0x20).map_or(0, |p| p + 1);
            number(characters_before(s, end))
        }
        FunctionId::CharIndex => {
            let Value::String(needle) = &c.args[0] else { return Ok(None) };
            let from = int(2).unwrap_or(1).max(1) as usize - 1;
            let mut at = b.get(from).copied();
            let found = loop {
                let Some(start) = at else { break None };
                match find(collation(1), s, needle.units(), start) {
                    // Half a character is none.
                    Some(p) if b.binary_search(&p).is_err() => at = Some(p + 1),
                    other => break other,
                }
            };
            number(found.map_or(0, |p| characters_before(s, p) + 1))
        }
        FunctionId::PatIndex => {
            let at = Pattern::new(units(&c.args[0])?, None, collation(1)).find(s);
            number(if at == 0 { 0 } else { characters_before(s, at - 1) + 1 })
        }
        FunctionId::Left | FunctionId::Right => {
            // A negative length is the plain function's error.
            let Some(n) = int(1).and_then(|n| usize::try_from(n).ok()) else { return Ok(None) };
            let n = n.min(count);
            let part = if c.function == FunctionId::Left { &s[..b[n]] } else { &s[b[count - n]..] };
            string(part.to_vec(), c.ty)
        }
        FunctionId::Substring => {
            let (Some(start), Some(length)) = (int(1), int(2)) else { return Ok(None) };
            let Some((x, y)) = string::range(start, length, count) else { return Ok(None) };
            string(s[b[x]..b[y]].to_vec(), c.ty)
        }
        FunctionId::Reverse => {
            string(b.windows(2).rev().flat_map(|w| s[w[0]..w[1]].iter().copied()).collect(), c.ty)
        }
        FunctionId::Stuff => {
            let (Some(start), Some(length)) = (int(1), int(2)) else { return Ok(None) };
            let Some((x, y)) = string::stuff_range(start, length, count) else {
                return Ok(Some(Value::Null));
            };
            let mut out = s[..b[x]].to_vec();
            if let Value::String(put) = &c.args[3] {
                out.extend_from_slice(put.units());
            }
            out.extend_from_slice(&s[b[y]..]);
            string(out, c.ty)
        }
        _ => return Ok(None),
    }))
}

/// TRANSLATE by characters; `None` where no string has a pair.
fn translate(c: &Call<'_>, collation: CollationId) -> SqlResult<Option<Value>> {
    let [Value::String(s), Value::String(from), Value::String(to)] = c.args else { return Ok(None) };
    let (s, from, to) = (s.units(), from.units(), to.units());
    if ![s, from, to].into_iter().any(has_pairs) {
        return Ok(None);
    }
    let characters =
        |s: &'_ [u16]| -> Vec<Vec<u16>> { bounds(s).windows(2).map(|w| s[w[0]..w[1]].to_vec()).collect() };
    let (from, to) = (characters(from), characters(to));
    if from.len() != to.len() {
        return Err(SqlError::new(9828, &[&"TRANSLATE"]));
    }
    let mut out = Vec::with_capacity(s.len());
    for one in characters(s) {
        let hit = from.iter().position(|f| *f == one || collate::equal_exact(collation, f, &one));
        out.extend(hit.map_or(one, |i| to[i].clone()));
    }
    Ok(Some(string(out, c.ty)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_halves() {
        let s: Vec<u16> = "a\u{1F600}b".encode_utf16().chain([0xD83D]).collect();
        assert_eq!(bounds(&s), [0, 1, 3, 4, 5]);
        assert_eq!(characters_before(&s, 3), 2);
        assert!(has_pairs(&s) && !has_pairs(&s[2..]));
    }
}
