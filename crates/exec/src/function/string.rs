//! String functions. Lengths and positions count UTF-16 units (but see [`super::supplementary`]); trailing blanks count for everything but LEN.
//!
//! Invariants
//! 1. Searching (CHARINDEX, REPLACE, PATINDEX, TRANSLATE) compares by the collation of the first string argument.
//! 2. Results are cut to the length of the result type, as assignment would.
//!
//! Evidence: T-SQL reference, "String functions".

use holdfast_plan::function::FunctionId;
use holdfast_types::{CollationId, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::{Call, not_yet};
use crate::expression::arithmetic::integer_value;
use crate::expression::collate;
use crate::expression::like::Pattern;
use crate::procedure::raise;

/// The longest string a function makes, in units.
const MAX_UNITS: usize = 1 << 27;

pub fn units(v: &Value) -> SqlResult<&[u16]> {
    match v {
        Value::String(s) => Ok(s.units()),
        _ => Err(crate::expression::arithmetic::type_mismatch()),
    }
}

fn int(v: &Value) -> SqlResult<i64> {
    integer_value(v).ok_or_else(crate::expression::arithmetic::type_mismatch)
}

/// A string value cut to the result type's length.
pub fn string(mut s: Vec<u16>, ty: &SqlType) -> Value {
    let n = collate::fitting(ty, &s);
    s.truncate(n);
    Value::String(SqlString::from(s))
}

/// A string value from a piece of another.
fn piece(s: &[u16], ty: &SqlType) -> Value {
    Value::String(SqlString::new(&s[..collate::fitting(ty, s)]))
}

pub fn number(ty: &SqlType, n: usize) -> Value {
    if ty.id == TypeId::BigInt { Value::BigInt(n as i64) } else { Value::Int(n as i32) }
}

/// 0-based position of `needle` in `s` from `from` on.
pub fn find(collation: CollationId, s: &[u16], needle: &[u16], from: usize) -> Option<usize> {
    if needle.is_empty() || needle.len() > s.len() {
        return None;
    }
    let first = needle[0];
    let ascii = first < 0x80 && !first.is_ascii_alphabetic_unit();
    (from..=s.len() - needle.len()).find(|&i| {
        // A plain sign can only equal itself: most positions are out at once.
        if ascii && s[i] != first && s[i] < 0x80 {
            return false;
        }
        let part = &s[i..i + needle.len()];
        part == needle || collate::equal_exact(collation, part, needle)
    })
}

trait AsciiUnit {
    fn is_ascii_alphabetic_unit(&self) -> bool;
}
impl AsciiUnit for u16 {
    fn is_ascii_alphabetic_unit(&self) -> bool {
        u8::try_from(*self).is_ok_and(|b| b.is_ascii_alphabetic())
    }
}

fn is_blank(u: u16) -> bool {
    u == 0x20
}

fn trim_start(s: &[u16], set: &[u16]) -> usize {
    s.iter().position(|u| !set.contains(u)).unwrap_or(s.len())
}

fn trim_end(s: &[u16], set: &[u16]) -> usize {
    s.iter().rposition(|u| !set.contains(u)).map_or(0, |p| p + 1)
}

/// 1-based start and length cut to `len` units, as SUBSTRING does; `None` when the length is negative.
pub fn range(start: i64, length: i64, len: usize) -> Option<(usize, usize)> {
    if length < 0 {
        return None;
    }
    let end = start.saturating_add(length).clamp(1, len as i64 + 1);
    let start = start.clamp(1, len as i64 + 1);
    Some((start as usize - 1, end.max(start) as usize - 1))
}

/// The character or binary form of an argument of STRING_OR_BINARY functions.
enum Data<'a> {
    Units(&'a [u16]),
    Bytes(&'a [u8]),
}

fn data(v: &Value) -> SqlResult<Data<'_>> {
    match v {
        Value::String(s) => Ok(Data::Units(s.units())),
        Value::Binary(b) => Ok(Data::Bytes(b)),
        _ => Err(crate::expression::arithmetic::type_mismatch()),
    }
}

/// Bytes that one value takes when stored (DATALENGTH).
pub fn data_length(v: &Value, ty: &SqlType) -> i64 {
    match v {
        Value::Null => 0,
        Value::Bit(_) | Value::TinyInt(_) => 1,
        Value::SmallInt(_) => 2,
        Value::Int(_) | Value::SmallMoney(_) | Value::Real(_) | Value::SmallDateTime(_) => 4,
        Value::BigInt(_) | Value::Money(_) | Value::Float(_) | Value::DateTime(_) => 8,
        Value::Date(_) => 3,
        Value::Decimal(_) | Value::Time(_) | Value::DateTime2(_) | Value::DateTimeOffset(_) => {
            i64::from(ty.length)
        }
        Value::Guid(_) => 16,
        Value::String(s) if ty.id.is_unicode() || matches!(ty.id, TypeId::Xml | TypeId::Json) => {
            s.len() as i64 * 2
        }
        Value::String(s) => collate::byte_length(ty.collation, s.units()) as i64,
        Value::Binary(b) => b.len() as i64,
        Value::Variant(x) => data_length(&x.value, &x.ty),
    }
}

fn unsigned(v: &Value) -> SqlResult<Option<usize>> {
    Ok(usize::try_from(int(v)?).ok())
}

fn too_long() -> SqlError {
    SqlError::new(701, &[&"default"])
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    if let Some(value) = super::supplementary::call(c)? {
        return Ok(value);
    }
    let a = c.args;
    let ty = c.ty;
    let collation = c.types.first().map_or(CollationId::NONE, SqlType::sort_collation);
    let page = c.types.first().map_or(CollationId::NONE, |t| t.collation);
    Ok(match c.function {
        FunctionId::Ascii => match units(&a[0])?.first() {
            None => Value::Null,
            Some(_) => Value::Int(i32::from(collate::first_byte(page, units(&a[0])?))),
        },
        FunctionId::Unicode => units(&a[0])?.first().map_or(Value::Null, |&u| Value::Int(i32::from(u))),
        FunctionId::Char => match u8::try_from(int(&a[0])?) {
            // One byte of a longer character is no character.
            Ok(b) if b > 127 && ty.collation.is_utf8() => Value::Null,
            Ok(b) => Value::String(SqlString::from(collate::decode_byte(ty.collation, b))),
            Err(_) => Value::Null,
        },
        FunctionId::NChar => match u16::try_from(int(&a[0])?) {
            Ok(u) => Value::String(SqlString::new(&[u][..])),
            Err(_) => Value::Null,
        },
        FunctionId::CharIndex => {
            let from = a.get(2).map(int).transpose()?.unwrap_or(1).max(1) as usize - 1;
            let at = match (data(&a[0])?, data(&a[1])?) {
                (Data::Units(needle), Data::Units(s)) => find(c.types[1].sort_collation(), s, needle, from),
                (Data::Bytes(needle), Data::Bytes(s)) if !needle.is_empty() => s
                    .get(from..)
                    .and_then(|t| t.windows(needle.len()).position(|w| w == needle))
                    .map(|p| p + from),
                _ => None,
            };
            number(ty, at.map_or(0, |p| p + 1))
        }
        FunctionId::PatIndex => {
            let pattern = Pattern::new(units(&a[0])?, None, c.types[1].sort_collation());
            number(ty, pattern.find(units(&a[1])?))
        }
        FunctionId::Concat => {
            let mut out = Vec::new();
            for v in a.iter().filter(|v| !v.is_null()) {
                out.extend_from_slice(units(v)?);
            }
            string(out, ty)
        }
        FunctionId::ConcatWs => {
            let separator = if a[0].is_null() { &[][..] } else { units(&a[0])? };
            let mut out = Vec::new();
            for (i, v) in a[1..].iter().filter(|v| !v.is_null()).enumerate() {
                if i > 0 {
                    out.extend_from_slice(separator);
                }
                out.extend_from_slice(units(v)?);
            }
            string(out, ty)
        }
        FunctionId::Soundex => string(soundex(units(&a[0])?), ty),
        FunctionId::Difference => {
            let (x, y) = (soundex(units(&a[0])?), soundex(units(&a[1])?));
            Value::Int(x.iter().zip(&y).filter(|(p, q)| p == q).count() as i32)
        }
        FunctionId::Left | FunctionId::Right => {
            let s = units(&a[0])?;
            let Some(n) = unsigned(&a[1])? else {
                let left = c.function == FunctionId::Left;
                return Err(if left { SqlError::new(537, &[]) } else { SqlError::new(536, &[&"RIGHT"]) });
            };
            let n = n.min(s.len());
            if c.function == FunctionId::Left { piece(&s[..n], ty) } else { piece(&s[s.len() - n..], ty) }
        }
        FunctionId::Substring => match data(&a[0])? {
            Data::Units(s) => {
                let (x, y) =
                    range(int(&a[1])?, int(&a[2])?, s.len()).ok_or_else(|| SqlError::new(537, &[]))?;
                piece(&s[x..y], ty)
            }
            Data::Bytes(s) => {
                let (x, y) =
                    range(int(&a[1])?, int(&a[2])?, s.len()).ok_or_else(|| SqlError::new(537, &[]))?;
                Value::binary(&s[x..y])
            }
        },
        FunctionId::Len => match data(&a[0])? {
            Data::Units(s) => number(ty, s.iter().rposition(|&u| !is_blank(u)).map_or(0, |p| p + 1)),
            Data::Bytes(s) => number(ty, s.len()),
        },
        FunctionId::DataLength => {
            let n = data_length(&a[0], &c.types[0]);
            if ty.id == TypeId::BigInt { Value::BigInt(n) } else { Value::Int(n as i32) }
        }
        FunctionId::Lower => string(collate::to_lower(collation, units(&a[0])?), ty),
        FunctionId::Upper => string(collate::to_upper(collation, units(&a[0])?), ty),
        FunctionId::LTrim => {
            let s = units(&a[0])?;
            let set = a.get(1).map_or(Ok(&[0x20][..]), units)?;
            piece(&s[trim_start(s, set)..], ty)
        }
        FunctionId::RTrim => {
            let s = units(&a[0])?;
            let set = a.get(1).map_or(Ok(&[0x20][..]), units)?;
            piece(&s[..trim_end(s, set)], ty)
        }
        FunctionId::Trim => {
            let s = units(&a[0])?;
            let set = a.get(1).map_or(Ok(&[0x20][..]), units)?;
            let mode = a.get(2).map_or(Ok(3), int)?;
            let start = if mode & 1 != 0 { trim_start(s, set) } else { 0 };
            let end = if mode & 2 != 0 { trim_end(s, set) } else { s.len() };
            piece(&s[start.min(end)..end], ty)
        }
        FunctionId::QuoteName => {
            let s = units(&a[0])?;
            let quote = match a.get(1) {
                Some(v) => units(v)?.first().copied().unwrap_or(u16::from(b'[')),
                None => u16::from(b'['),
            };
            if s.len() > 128 {
                return Ok(Value::Null);
            }
            let (open, close) = match u8::try_from(quote).unwrap_or(0) {
                b'[' | b']' => (b'[', b']'),
                b'(' | b')' => (b'(', b')'),
                b'<' | b'>' => (b'<', b'>'),
                b'{' | b'}' => (b'{', b'}'),
                q @ (b'\'' | b'"' | b'`') => (q, q),
                _ => return Ok(Value::Null),
            };
            let mut out = vec![u16::from(open)];
            for &u in s {
                out.push(u);
                if u == u16::from(close) {
                    out.push(u);
                }
            }
            out.push(u16::from(close));
            string(out, ty)
        }
        FunctionId::Replace => {
            let (s, from, to) = (units(&a[0])?, units(&a[1])?, units(&a[2])?);
            let mut out = Vec::with_capacity(s.len());
            let mut at = 0;
            while let Some(p) = find(collation, s, from, at) {
                out.extend_from_slice(&s[at..p]);
                out.extend_from_slice(to);
                at = p + from.len();
                if out.len() > MAX_UNITS {
                    return Err(too_long());
                }
            }
            out.extend_from_slice(&s[at..]);
            string(out, ty)
        }
        FunctionId::Replicate => {
            let Some(n) = unsigned(&a[1])? else { return Ok(Value::Null) };
            let limit = ty.char_length().map_or(MAX_UNITS, |n| n.max(0) as usize);
            let data = data(&a[0])?;
            let length = match &data {
                Data::Units(s) => s.len(),
                Data::Bytes(s) => s.len(),
            };
            if ty.is_max() && length.saturating_mul(n) > MAX_UNITS {
                return Err(too_long());
            }
            match data {
                Data::Units(s) => {
                    let n = if s.is_empty() { 0 } else { n.min(limit / s.len() + 1) };
                    string(s.repeat(n), ty)
                }
                Data::Bytes(s) => {
                    let n = if s.is_empty() { 0 } else { n.min(limit / s.len() + 1) };
                    Value::Binary(s.repeat(n).into())
                }
            }
        }
        FunctionId::Reverse => string(units(&a[0])?.iter().rev().copied().collect(), ty),
        FunctionId::Space => match unsigned(&a[0])? {
            None => Value::Null,
            Some(n) => string(vec![0x20; n.min(8000)], ty),
        },
        FunctionId::StrFn => str_function(c)?,
        FunctionId::StringEscape => {
            if !units(&a[1])?.iter().copied().eq("json".encode_utf16()) {
                return Err(SqlError::new(13603, &[&"STRING_ESCAPE"]));
            }
            let mut out = Vec::new();
            super::json::escape(units(&a[0])?, &mut out);
            string(out, ty)
        }
        FunctionId::Stuff => {
            if a[..3].iter().any(Value::is_null) {
                return Ok(Value::Null);
            }
            let (start, length) = (int(&a[1])?, int(&a[2])?);
            match data(&a[0])? {
                Data::Units(s) => {
                    let Some((x, y)) = stuff_range(start, length, s.len()) else { return Ok(Value::Null) };
                    let mut out = s[..x].to_vec();
                    if !a[3].is_null() {
                        out.extend_from_slice(units(&a[3])?);
                    }
                    out.extend_from_slice(&s[y..]);
                    string(out, ty)
                }
                Data::Bytes(s) => {
                    let Some((x, y)) = stuff_range(start, length, s.len()) else { return Ok(Value::Null) };
                    let mut out = s[..x].to_vec();
                    if let Value::Binary(b) = &a[3] {
                        out.extend_from_slice(b);
                    }
                    out.extend_from_slice(&s[y..]);
                    Value::Binary(out.into())
                }
            }
        }
        FunctionId::Translate => {
            let (s, from, to) = (units(&a[0])?, units(&a[1])?, units(&a[2])?);
            if from.len() != to.len() {
                return Err(SqlError::new(9828, &[&"TRANSLATE"]));
            }
            let out = s
                .iter()
                .map(|&u| {
                    let hit =
                        from.iter().position(|&f| f == u || collate::equal_exact(collation, &[f], &[u]));
                    hit.map_or(u, |i| to[i])
                })
                .collect();
            string(out, ty)
        }
        FunctionId::ParseName => {
            if a.iter().any(Value::is_null) {
                return Ok(Value::Null);
            }
            let parts = parse_name(&SqlString::new(units(&a[0])?).to_text());
            match (parts, int(&a[1])?) {
                (Some(p), n @ 1..=4) => match p.iter().rev().nth(n as usize - 1) {
                    Some(s) if !s.is_empty() => Value::string(s),
                    _ => Value::Null,
                },
                _ => Value::Null,
            }
        }
        FunctionId::FormatMessage => format_message(c)?,
        other => return Err(not_yet(other)),
    })
}

/// STUFF: `None` (NULL) when the start is outside the string or a count is negative.
pub fn stuff_range(start: i64, length: i64, len: usize) -> Option<(usize, usize)> {
    if start < 1 || length < 0 || start > len as i64 {
        return None;
    }
    let x = start as usize - 1;
    let y = start.saturating_add(length).min(len as i64 + 1) as usize - 1;
    Some((x, y.max(x)))
}

fn soundex(s: &[u16]) -> Vec<u16> {
    let code = |c: u8| match c {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        b'H' | b'W' => 0,
        _ => b'0',
    };
    let mut letters = s.iter().map(|&u| u8::try_from(u).unwrap_or(0).to_ascii_uppercase());
    let Some(first) = letters.next().filter(u8::is_ascii_alphabetic) else { return vec![u16::from(b'0'); 4] };
    let mut out = vec![u16::from(first)];
    let mut last = code(first);
    for c in letters {
        if !c.is_ascii_alphabetic() || out.len() == 4 {
            break;
        }
        let k = code(c);
        if k == 0 {
            continue;
        }
        if k != b'0' && k != last {
            out.push(u16::from(k));
        }
        last = k;
    }
    out.resize(4, u16::from(b'0'));
    out
}

fn str_function(c: &Call<'_>) -> SqlResult<Value> {
    let Value::Float(x) = c.args[0] else { return Err(crate::expression::arithmetic::type_mismatch()) };
    let length = c.args.get(1).map_or(Ok(10), int)?;
    let decimals = c.args.get(2).map_or(Ok(0), int)?.clamp(0, 16) as usize;
    if !(1..=8000).contains(&length) {
        return Ok(Value::Null);
    }
    let length = length as usize;
    let whole = format!("{x:.0}").len();
    if whole > length {
        return Ok(string(vec![u16::from(b'*'); length], c.ty));
    }
    // The fraction shrinks to what fits; half rounds away from zero.
    let room = length.saturating_sub(whole + 1).min(decimals);
    let scale = 10f64.powi(room as i32);
    let rounded = if (x * scale).is_finite() { (x * scale).round() / scale } else { x };
    let text = format!("{rounded:.room$}");
    Ok(string(format!("{text:>length$}").encode_utf16().collect(), c.ty))
}

/// Splits a name of up to four parts, brackets and double quotes removed.
pub fn parse_name(s: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut chars = s.chars().peekable();
    while let Some(ch) = chars.next() {
        match ch {
            '.' => parts.push(std::mem::take(&mut part)),
            '[' | '"' if part.is_empty() => {
                let close = if ch == '[' { ']' } else { '"' };
                loop {
                    let inner = chars.next()?;
                    if inner == close {
                        if chars.peek() == Some(&close) {
                            chars.next();
                        } else {
                            break;
                        }
                    }
                    part.push(inner);
                }
            }
            other => part.push(other),
        }
    }
    parts.push(part);
    (parts.len() <= 4 && parts.iter().all(|p| p.encode_utf16().count() <= 128)).then_some(parts)
}

fn format_message(c: &Call<'_>) -> SqlResult<Value> {
    let text = match &c.args[0] {
        Value::Null => return Ok(Value::Null),
        Value::String(s) => raise::format_message(&s.to_text(), &c.args[1..])?,
        other => {
            let number = integer_value(other).and_then(|n| i32::try_from(n).ok());
            match number.and_then(|n| c.ctx.query.session.message(n)) {
                Some(message) => message.render(&c.args[1..])?,
                None => return Ok(Value::Null),
            }
        }
    };
    Ok(string(text.encode_utf16().collect(), c.ty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ExecContext;

    fn run(function: FunctionId, args: &[Value]) -> Value {
        let ctx = ExecContext::plain();
        let text = SqlType::nvarchar(4000, CollationId::SERVER_DEFAULT);
        let types: Vec<SqlType> =
            args.iter().map(|v| if matches!(v, Value::String(_)) { text } else { SqlType::BIGINT }).collect();
        let ty = match function {
            FunctionId::CharIndex | FunctionId::PatIndex | FunctionId::Len | FunctionId::Difference => {
                SqlType::INT
            }
            _ => text,
        };
        call(&Call { function, args, types: &types, ty: &ty, ctx: &ctx }).unwrap()
    }

    fn s(x: &str) -> Value {
        Value::string(x)
    }

    fn n(x: i64) -> Value {
        Value::BigInt(x)
    }

    #[test]
    fn pieces() {
        assert_eq!(run(FunctionId::Substring, &[s("abcdef"), n(2), n(3)]), s("bcd"));
        assert_eq!(run(FunctionId::Substring, &[s("abcdef"), n(0), n(3)]), s("ab"));
        assert_eq!(run(FunctionId::Substring, &[s("abc"), n(5), n(3)]), s(""));
        assert_eq!(run(FunctionId::Left, &[s("abc"), n(5)]), s("abc"));
        assert_eq!(run(FunctionId::Right, &[s("abc"), n(2)]), s("bc"));
        assert_eq!(run(FunctionId::Stuff, &[s("abcdef"), n(2), n(3), s("ijklmn")]), s("aijklmnef"));
        assert_eq!(run(FunctionId::Stuff, &[s("abc"), n(4), n(0), s("x")]), Value::Null);
        assert_eq!(run(FunctionId::Len, &[s("ab  ")]), Value::Int(2));
        assert_eq!(run(FunctionId::Trim, &[s("  ab ")]), s("ab"));
    }

    #[test]
    fn searching_and_replacing() {
        assert_eq!(run(FunctionId::CharIndex, &[s("B"), s("abcb")]), Value::Int(2));
        assert_eq!(run(FunctionId::CharIndex, &[s("b"), s("abcb"), n(3)]), Value::Int(4));
        assert_eq!(run(FunctionId::CharIndex, &[s(""), s("abc")]), Value::Int(0));
        assert_eq!(run(FunctionId::Replace, &[s("aXbx"), s("x"), s("--")]), s("a--b--"));
        assert_eq!(run(FunctionId::Translate, &[s("2*[3+4]"), s("[]"), s("()")]), s("2*(3+4)"));
    }

    #[test]
    fn names_and_sounds() {
        assert_eq!(run(FunctionId::QuoteName, &[s("a]b")]), s("[a]]b]"));
        assert_eq!(run(FunctionId::ParseName, &[s("srv.[my db].dbo.t"), n(3)]), s("my db"));
        assert_eq!(run(FunctionId::ParseName, &[s("db..t"), n(2)]), Value::Null);
        assert_eq!(run(FunctionId::Soundex, &[s("Smith")]), s("S530"));
        assert_eq!(run(FunctionId::Difference, &[s("Smithers"), s("Smythers")]), Value::Int(4));
        assert_eq!(run(FunctionId::StrFn, &[Value::Float(123.45), n(6), n(1)]), s(" 123.5"));
        assert_eq!(run(FunctionId::StrFn, &[Value::Float(123.45), n(2), n(2)]), s("**"));
    }
}
