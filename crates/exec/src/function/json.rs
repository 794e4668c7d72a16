//! JSON functions over the text itself: values are spans of it, so that JSON_QUERY and JSON_MODIFY keep the original text.
//!
//! Invariants
//! 1. Nesting deeper than [`MAX_DEPTH`] is an error, never a stack overflow.
//! 2. Lax paths answer NULL (or no rows) to what is not there; strict paths raise 13608.
//! 3. Texts that are no JSON raise 13609 with the offending character and its position.
//!
//! Evidence: T-SQL reference, "JSON functions", "OPENJSON".

use holdfast_plan::expr::ConvertMode;
use holdfast_plan::function::FunctionId;
use holdfast_plan::physical::TableFunction;
use holdfast_types::base64::{base64, unbase64};
use holdfast_types::{CollationId, SqlError, SqlResult, SqlString, SqlType, TypeId, Value};

use super::{Call, not_yet, text_of};
use crate::context::ExecContext;
use crate::expression::arithmetic::integer_value;
use crate::expression::convert::convert_value;

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    String,
    Number,
    Bool,
    Array,
    Object,
}

impl Kind {
    /// The `type` column of OPENJSON.
    fn code(self) -> u8 {
        match self {
            Kind::Null => 0,
            Kind::String => 1,
            Kind::Number => 2,
            Kind::Bool => 3,
            Kind::Array => 4,
            Kind::Object => 5,
        }
    }
}

/// A value in a text: where it begins and ends.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

struct Scanner<'a> {
    text: &'a [u16],
    at: usize,
}

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

impl<'a> Scanner<'a> {
    fn new(text: &'a [u16], at: usize) -> Self {
        Scanner { text, at }
    }

    fn bad(&self) -> SqlError {
        let c = self.text.get(self.at).map_or(String::new(), |&u| String::from_utf16_lossy(&[u]));
        SqlError::new(13609, &[&c, &self.at])
    }

    fn blanks(&mut self) {
        while let Some(0x20 | 0x09 | 0x0A | 0x0D) = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).map(|&u| u8::try_from(u).unwrap_or(255))
    }

    fn expect(&mut self, c: u8) -> SqlResult<()> {
        if self.peek() == Some(c) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    fn word(&mut self, w: &str) -> SqlResult<()> {
        for c in w.bytes() {
            self.expect(c)?;
        }
        Ok(())
    }

    fn string(&mut self) -> SqlResult<()> {
        self.expect(b'"')?;
        loop {
            match self.text.get(self.at) {
                None => return Err(self.bad()),
                Some(&QUOTE) => {
                    self.at += 1;
                    return Ok(());
                }
                Some(&BACKSLASH) => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
                                    return Err(self.bad());
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.bad()),
                    }
                }
                Some(&u) if u < 0x20 => return Err(self.bad()),
                Some(_) => self.at += 1,
            }
        }
    }

    fn digits(&mut self) -> SqlResult<()> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.bad());
        }
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> SqlResult<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads one value of any kind; `visit` sees the members of the outermost object or array: key span (objects) and value.
    fn value(&mut self, depth: usize, visit: &mut dyn FnMut(Option<Span>, Span) -> bool) -> SqlResult<Span> {
        if depth > MAX_DEPTH {
            return Err(SqlError::new(13606, &[&MAX_DEPTH]));
        }
        self.blanks();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => {
                self.string()?;
                Kind::String
            }
            Some(b't') => {
                self.word("true")?;
                Kind::Bool
            }
            Some(b'f') => {
                self.word("false")?;
                Kind::Bool
            }
            Some(b'n') => {
                self.word("null")?;
                Kind::Null
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(open @ (b'{' | b'[')) => {
                let close = if open == b'{' { b'}' } else { b']' };
                self.at += 1;
                self.blanks();
                if self.peek() == Some(close) {
                    self.at += 1;
                } else {
                    loop {
                        self.blanks();
                        let key = if open == b'{' {
                            let key_start = self.at;
                            self.string()?;
                            let span = Span { kind: Kind::String, start: key_start, end: self.at };
                            self.blanks();
                            self.expect(b':')?;
                            Some(span)
                        } else {
                            None
                        };
                        let member = self.value(depth + 1, &mut |_, _| true)?;
                        if !visit(key, member) {
                            return Ok(Span { kind: Kind::Object, start, end: self.at });
                        }
                        self.blanks();
                        match self.peek() {
                            Some(b',') => self.at += 1,
                            Some(c) if c == close => {
                                self.at += 1;
                                break;
                            }
                            _ => return Err(self.bad()),
                        }
                    }
                }
                if open == b'{' { Kind::Object } else { Kind::Array }
            }
            _ => return Err(self.bad()),
        };
        Ok(Span { kind, start, end: self.at })
    }
}

/// The whole text as one value, checked to its end.
pub fn parse(text: &[u16]) -> SqlResult<Span> {
    let mut s = Scanner::new(text, 0);
    let span = s.value(0, &mut |_, _| true)?;
    s.blanks();
    if s.at < text.len() {
        return Err(s.bad());
    }
    Ok(span)
}

/// Members of an object or array: (key, value).
fn members(text: &[u16], span: Span) -> SqlResult<Vec<(Option<Span>, Span)>> {
    let mut out = Vec::new();
    Scanner::new(text, span.start).value(0, &mut |k, v| {
        out.push((k, v));
        true
    })?;
    Ok(out)
}

/// The text of a string value without quotes and escapes.
pub fn unescape(text: &[u16], span: Span) -> Vec<u16> {
    let inner = &text[span.start + 1..span.end - 1];
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    while i < inner.len() {
        if inner[i] != BACKSLASH {
            out.push(inner[i]);
            i += 1;
            continue;
        }
        i += 1;
        match inner.get(i).and_then(|&u| u8::try_from(u).ok()) {
            Some(b'n') => out.push(10),
            Some(b't') => out.push(9),
            Some(b'r') => out.push(13),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'u') => {
                let hex = inner.get(i + 1..i + 5).map(String::from_utf16_lossy).unwrap_or_default();
                out.push(u16::from_str_radix(&hex, 16).unwrap_or(0xFFFD));
                i += 4;
            }
            _ => out.push(inner.get(i).copied().unwrap_or(BACKSLASH)),
        }
        i += 1;
    }
    out
}

/// Appends `s` with the characters escaped that JSON strings may not hold.
pub fn escape(s: &[u16], out: &mut Vec<u16>) {
    let ascii = |out: &mut Vec<u16>, t: &str| out.extend(t.encode_utf16());
    for &u in s {
        match u {
            0x22 => ascii(out, "\\\""),
            0x5C => ascii(out, "\\\\"),
            0x2F => ascii(out, "\\/"),
            8 => ascii(out, "\\b"),
            9 => ascii(out, "\\t"),
            10 => ascii(out, "\\n"),
            12 => ascii(out, "\\f"),
            13 => ascii(out, "\\r"),
            0..=0x1F => ascii(out, &format!("\\u{u:04x}")),
            _ => out.push(u),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(Vec<u16>),
    Index(usize),
}

#[derive(Clone, Debug)]
struct Path {
    append: bool,
    strict: bool,
    steps: Vec<Step>,
}

fn bad_path(text: &str, at: usize) -> SqlError {
    let c = text.chars().nth(at).map_or(String::new(), |c| c.to_string());
    SqlError::new(13607, &[&c, &at])
}

fn parse_path(text: &str) -> SqlResult<Path> {
    let mut rest = text.trim();
    let mut append = false;
    let mut strict = false;
    loop {
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match word.to_ascii_lowercase().as_str() {
            "append" => append = true,
            "lax" => strict = false,
            "strict" => strict = true,
            _ => break,
        }
        rest = tail.trim_start();
    }
    let chars: Vec<char> = rest.chars().collect();
    let offset = text.chars().count() - chars.len().min(text.chars().count());
    if chars.first() != Some(&'$') {
        return Err(bad_path(text, offset));
    }
    let mut i = 1;
    let mut steps = Vec::new();
    while i < chars.len() {
        match chars[i] {
            '.' => {
                i += 1;
                let mut key: Vec<u16> = Vec::new();
                if chars.get(i) == Some(&'"') {
                    i += 1;
                    loop {
                        match chars.get(i) {
                            None => return Err(bad_path(text, offset + i)),
                            Some('"') => break,
                            // The escapes of a document's own keys.
                            Some('\\') => {
                                i += 1;
                                match chars.get(i) {
                                    Some('u') => {
                                        let digits: String =
                                            chars.get(i + 1..i + 5).unwrap_or(&[]).iter().collect();
                                        let unit = u16::from_str_radix(&digits, 16).ok();
                                        let unit =
                                            unit.filter(|_| digits.len() == 4 && !digits.starts_with('+'));
                                        key.push(unit.ok_or_else(|| bad_path(text, offset + i))?);
                                        i += 4;
                                    }
                                    Some('b') => key.push(8),
                                    Some('f') => key.push(12),
                                    Some('n') => key.push(10),
                                    Some('r') => key.push(13),
                                    Some('t') => key.push(9),
                                    Some(c) => key.extend(c.encode_utf16(&mut [0; 2]).iter()),
                                    None => {}
                                }
                            }
                            Some(c) => key.extend(c.encode_utf16(&mut [0; 2]).iter()),
                        }
                        i += 1;
                    }
                    i += 1;
                } else {
                    while let Some(c) =
                        chars.get(i).filter(|c| c.is_alphanumeric() || **c == '_' || **c == '$')
                    {
                        key.extend(c.encode_utf16(&mut [0; 2]).iter());
                        i += 1;
                    }
                    if key.is_empty() {
                        return Err(bad_path(text, offset + i));
                    }
                }
                steps.push(Step::Key(key));
            }
            '[' => {
                let start = i + 1;
                while chars.get(i).is_some_and(|c| *c != ']') {
                    i += 1;
                }
                let digits: String = chars.get(start..i).unwrap_or(&[]).iter().collect();
                let n = digits.trim().parse().map_err(|_| bad_path(text, offset + start))?;
                steps.push(Step::Index(n));
                i += 1;
            }
            ' ' => i += 1,
            _ => return Err(bad_path(text, offset + i)),
        }
    }
    Ok(Path { append, strict, steps })
}

/// Follows one step; `None` when it leads nowhere.
fn step(text: &[u16], span: Span, step: &Step) -> SqlResult<Option<Span>> {
    let mut found = None;
    match (step, span.kind) {
        (Step::Key(key), Kind::Object) => {
            let mut scanner = Scanner::new(text, span.start);
            scanner.value(0, &mut |k, v| {
                let same = k.is_some_and(|k| {
                    let raw = &text[k.start + 1..k.end - 1];
                    raw == &key[..] || (raw.contains(&BACKSLASH) && unescape(text, k) == *key)
                });
                if same {
                    found = Some(v);
                }
                !same
            })?;
        }
        (Step::Index(n), Kind::Array) => {
            let mut i = 0;
            Scanner::new(text, span.start).value(0, &mut |_, v| {
                if i == *n {
                    found = Some(v);
                }
                i += 1;
                i <= *n
            })?;
        }
        _ => {}
    }
    Ok(found)
}

fn navigate(text: &[u16], root: Span, path: &Path) -> SqlResult<Option<Span>> {
    let mut at = root;
    for s in &path.steps {
        match step(text, at, s)? {
            Some(next) => at = next,
            None if path.strict => return Err(SqlError::new(13608, &[])),
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn units(v: &Value) -> SqlResult<&[u16]> {
    super::string::units(v)
}

fn text(s: Vec<u16>) -> Value {
    Value::String(SqlString::from(s))
}

fn path_of(v: Option<&Value>) -> SqlResult<Path> {
    match v {
        None => parse_path("$"),
        Some(v) => parse_path(&SqlString::new(units(v)?).to_text()),
    }
}

/// A scalar span as text: strings without quotes, `None` for null.
fn scalar_text(t: &[u16], s: Span) -> Option<Vec<u16>> {
    match s.kind {
        Kind::Null => None,
        Kind::String => Some(unescape(t, s)),
        _ => Some(t[s.start..s.end].to_vec()),
    }
}

pub fn call(c: &Call<'_>) -> SqlResult<Value> {
    let a = c.args;
    if matches!(c.function, FunctionId::JsonObject | FunctionId::JsonArray) {
        return construct(c);
    }
    if a[0].is_null() || (a.len() > 1 && a[1].is_null()) {
        return Ok(Value::Null);
    }
    let t = units(&a[0])?;
    Ok(match c.function {
        FunctionId::IsJson => {
            let good = match (parse(t), a.get(1)) {
                (Err(_), _) => false,
                (Ok(s), None) => matches!(s.kind, Kind::Object | Kind::Array),
                (Ok(s), Some(kind)) => match text_of(kind).to_ascii_uppercase().as_str() {
                    "VALUE" => true,
                    "ARRAY" => s.kind == Kind::Array,
                    "OBJECT" => s.kind == Kind::Object,
                    _ => !matches!(s.kind, Kind::Object | Kind::Array),
                },
            };
            Value::Int(i32::from(good))
        }
        FunctionId::JsonValue => {
            let path = path_of(a.get(1))?;
            match navigate(t, parse(t)?, &path)? {
                None => Value::Null,
                Some(s) if matches!(s.kind, Kind::Object | Kind::Array) => {
                    if path.strict {
                        return Err(SqlError::new(13623, &[]));
                    }
                    Value::Null
                }
                Some(s) => match scalar_text(t, s) {
                    None => Value::Null,
                    Some(v) if v.len() > 4000 => {
                        if path.strict {
                            return Err(SqlError::new(13625, &[]));
                        }
                        Value::Null
                    }
                    Some(v) => text(v),
                },
            }
        }
        FunctionId::JsonQuery => {
            let path = path_of(a.get(1))?;
            match navigate(t, parse(t)?, &path)? {
                Some(s) if matches!(s.kind, Kind::Object | Kind::Array) => text(t[s.start..s.end].to_vec()),
                Some(_) if path.strict => return Err(SqlError::new(13624, &[])),
                _ => Value::Null,
            }
        }
        FunctionId::JsonPathExists => {
            let path = Path { strict: false, ..path_of(a.get(1))? };
            Value::Int(match parse(t) {
                Ok(root) => i32::from(navigate(t, root, &path)?.is_some()),
                Err(_) => 0,
            })
        }
        FunctionId::JsonModify => modify(t, &path_of(a.get(1))?, &a[2], &c.types[2])?,
        other => return Err(not_yet(other)),
    })
}

/// A value as JSON text: numbers and bits bare, JSON (arrays and objects made by JSON functions) as it is, the rest as strings.
pub fn write_value(v: &Value, ty: &SqlType, out: &mut Vec<u16>, ctx: Option<&ExecContext>) -> SqlResult<()> {
    let ascii = |out: &mut Vec<u16>, t: &str| out.extend(t.encode_utf16());
    match v {
        Value::Null => ascii(out, "null"),
        Value::Bit(b) => ascii(out, if *b { "true" } else { "false" }),
        Value::Variant(x) => return write_value(&x.value, &x.ty, out, ctx),
        Value::String(s) if ty.id == TypeId::Json => out.extend_from_slice(s.units()),
        Value::String(s) => {
            out.push(QUOTE);
            escape(s.units(), out);
            out.push(QUOTE);
        }
        Value::Binary(b) => {
            out.push(QUOTE);
            ascii(out, &base64(b, false));
            out.push(QUOTE);
        }
        Value::Decimal(d) => ascii(out, &d.to_string()),
        Value::Money(m) => ascii(out, &holdfast_types::Decimal::new(i128::from(*m), 4).to_string()),
        Value::SmallMoney(m) => ascii(out, &holdfast_types::Decimal::new(i128::from(*m), 4).to_string()),
        Value::Float(f) => ascii(out, &scientific(*f, 15)),
        Value::Real(f) => ascii(out, &scientific(f64::from(*f), 7)),
        other => match integer_value(other) {
            Some(n) => ascii(out, &n.to_string()),
            None => {
                let s = super::text_in_iso(other, ty, ctx)?;
                out.push(QUOTE);
                ascii(out, &s);
                out.push(QUOTE);
            }
        },
    }
    Ok(())
}

/// `1.500000000000000e+000`, as FOR JSON and FOR XML write floats.
pub fn scientific(f: f64, digits: usize) -> String {
    let s = format!("{f:.digits$e}");
    match s.split_once('e') {
        Some((m, e)) => {
            let e: i32 = e.parse().unwrap_or(0);
            format!("{m}e{}{:03}", if e < 0 { '-' } else { '+' }, e.abs())
        }
        None => s,
    }
}

/// Text of a literal value to be put into a document.
fn new_value(v: &Value, ty: &SqlType) -> SqlResult<Vec<u16>> {
    let mut out = Vec::new();
    write_value(v, ty, &mut out, None)?;
    Ok(out)
}

fn modify(t: &[u16], path: &Path, v: &Value, ty: &SqlType) -> SqlResult<Value> {
    let root = parse(t)?;
    let Some((last, before)) = path.steps.split_last() else {
        if !path.append {
            return Err(SqlError::new(13607, &[&"$", &0]));
        }
        return match root.kind {
            Kind::Array => Ok(text(appended(t, root, &new_value(v, ty)?)?)),
            _ => Ok(text(t.to_vec())),
        };
    };
    let parent = match navigate(t, root, &Path { steps: before.to_vec(), ..path.clone() })? {
        Some(p) => p,
        None => return Ok(text(t.to_vec())),
    };
    let found = step(t, parent, last)?;
    let splice = |start: usize, end: usize, middle: &[u16]| -> Value {
        let mut out = t[..start].to_vec();
        out.extend_from_slice(middle);
        out.extend_from_slice(&t[end..]);
        text(out)
    };
    if path.append {
        let array = match found {
            Some(s) if s.kind == Kind::Array => s,
            Some(_) => return Ok(text(t.to_vec())),
            None => {
                let mut fresh = vec![u16::from(b'[')];
                fresh.extend(new_value(v, ty)?);
                fresh.push(u16::from(b']'));
                return insert_member(t, parent, last, &fresh);
            }
        };
        return Ok(text(appended(t, array, &new_value(v, ty)?)?));
    }
    match found {
        Some(s) if v.is_null() && !path.strict && matches!(last, Step::Key(_)) => {
            // Removing a member takes its key and one comma with it.
            let list = members(t, parent)?;
            let i = list.iter().position(|(_, m)| m.start == s.start).unwrap_or(0);
            let key_start = list[i].0.map_or(s.start, |k| k.start);
            let (start, end) = if i + 1 < list.len() {
                (key_start, list[i + 1].0.map_or(s.end, |k| k.start))
            } else if i > 0 {
                (list[i - 1].1.end, s.end)
            } else {
                (key_start, s.end)
            };
            Ok(splice(start, end, &[]))
        }
        Some(s) => Ok(splice(s.start, s.end, &new_value(v, ty)?)),
        None if path.strict => Err(SqlError::new(13608, &[])),
        None if v.is_null() => Ok(text(t.to_vec())),
        None => insert_member(t, parent, last, &new_value(v, ty)?),
    }
}

/// The document with a value more at the end of an array.
fn appended(t: &[u16], array: Span, value: &[u16]) -> SqlResult<Vec<u16>> {
    let mut out = t[..array.end - 1].to_vec();
    if !members(t, array)?.is_empty() {
        out.push(u16::from(b','));
    }
    out.extend_from_slice(value);
    out.extend_from_slice(&t[array.end - 1..]);
    Ok(out)
}

fn insert_member(t: &[u16], parent: Span, last: &Step, value: &[u16]) -> SqlResult<Value> {
    let (Step::Key(key), Kind::Object) = (last, parent.kind) else { return Ok(text(t.to_vec())) };
    let empty = members(t, parent)?.is_empty();
    let mut out = t[..parent.end - 1].to_vec();
    if !empty {
        out.push(u16::from(b','));
    }
    out.push(QUOTE);
    escape(key, &mut out);
    out.push(QUOTE);
    out.push(u16::from(b':'));
    out.extend_from_slice(value);
    out.extend_from_slice(&t[parent.end - 1..]);
    Ok(text(out))
}

/// JSON_OBJECT and JSON_ARRAY; the last argument says what NULL does.
fn construct(c: &Call<'_>) -> SqlResult<Value> {
    let object = c.function == FunctionId::JsonObject;
    let Some((flag, values)) = c.args.split_last() else {
        return Ok(Value::string(if object { "{}" } else { "[]" }));
    };
    let keep_nulls = integer_value(flag) == Some(1);
    let mut out = vec![u16::from(if object { b'{' } else { b'[' })];
    let mut first = true;
    let mut i = 0;
    while i < values.len() {
        let at = if object { i + 1 } else { i };
        let Some(v) = values.get(at) else { break };
        if !v.is_null() || keep_nulls {
            if !first {
                out.push(u16::from(b','));
            }
            first = false;
            if object {
                if values[i].is_null() {
                    return Err(SqlError::new(13653, &[]));
                }
                let key = match &values[i] {
                    Value::String(s) => s.clone(),
                    other => SqlString::from(text_of(other)),
                };
                out.push(QUOTE);
                escape(key.units(), &mut out);
                out.push(QUOTE);
                out.push(u16::from(b':'));
            }
            write_value(v, &c.types[at], &mut out, Some(c.ctx))?;
        }
        i = at + 1;
    }
    out.push(u16::from(if object { b'}' } else { b']' }));
    Ok(text(out))
}

/// Rows of OPENJSON, with the default columns or those of its WITH clause.
pub fn open_json(
    function: &TableFunction,
    args: &[Value],
    types: &[SqlType],
    ctx: &ExecContext,
) -> SqlResult<Vec<Vec<Value>>> {
    let Some(Value::String(s)) = args.first() else { return Ok(Vec::new()) };
    let t = s.units();
    let path = match args.get(1) {
        Some(Value::Null) => return Ok(Vec::new()),
        other => path_of(other)?,
    };
    let Some(at) = navigate(t, parse(t)?, &path)? else { return Ok(Vec::new()) };
    if function.schema.is_empty() {
        let mut rows = Vec::new();
        for (i, (k, v)) in members(t, at)?.into_iter().enumerate() {
            let key = k.map_or_else(|| i.to_string().encode_utf16().collect(), |k| unescape(t, k));
            rows.push(vec![
                text(key),
                scalar_text(t, v).map_or(Value::Null, text),
                Value::TinyInt(v.kind.code()),
            ]);
        }
        return Ok(rows);
    }
    let paths = function
        .schema
        .iter()
        .map(|c| match &c.path {
            Some(p) => parse_path(p),
            None => Ok(Path {
                append: false,
                strict: false,
                steps: vec![Step::Key(c.name.encode_utf16().collect())],
            }),
        })
        .collect::<SqlResult<Vec<_>>>()?;
    let objects: Vec<Span> = match at.kind {
        Kind::Array => members(t, at)?.into_iter().map(|m| m.1).collect(),
        Kind::Object => vec![at],
        _ => Vec::new(),
    };
    let source = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
    let mut rows = Vec::with_capacity(objects.len());
    for o in objects {
        let mut row = Vec::with_capacity(types.len());
        for ((column, path), ty) in function.schema.iter().zip(&paths).zip(types) {
            let found = navigate(t, o, path)?;
            let nested = found.is_some_and(|f| matches!(f.kind, Kind::Object | Kind::Array));
            let v = match found {
                Some(f) if column.as_json == nested => {
                    if column.as_json {
                        Some(t[f.start..f.end].to_vec())
                    } else {
                        scalar_text(t, f)
                    }
                }
                Some(_) if path.strict => {
                    return Err(SqlError::new(if column.as_json { 13624 } else { 13623 }, &[]));
                }
                _ => None,
            };
            row.push(match v {
                None => Value::Null,
                // As FOR JSON writes it.
                Some(v) if ty.id.is_binary() => {
                    let bytes = unbase64(&String::from_utf16_lossy(&v));
                    let bytes = bytes.ok_or_else(|| SqlError::new(9803, &[&ty.id.name()]))?;
                    let from = SqlType::binary(TypeId::VarBinary, -1);
                    convert_value(&Value::binary(&bytes), &from, ty, None, ConvertMode::Explicit, ctx)?
                }
                Some(v) => convert_value(&text(v), &source, ty, None, ConvertMode::Explicit, ctx)?,
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(function: FunctionId, args: &[Value]) -> SqlResult<Value> {
        let ty = SqlType::nvarchar_max(CollationId::SERVER_DEFAULT);
        let types: Vec<SqlType> =
            args.iter().map(|v| if matches!(v, Value::Int(_)) { SqlType::INT } else { ty }).collect();
        call(&Call { function, args, types: &types, ty: &ty, ctx: &ExecContext::plain() })
    }

    fn s(x: &str) -> Value {
        Value::string(x)
    }

    const DOC: &str = r#"{"a": {"b": [1, "x\ty", null, {"c": true}]}, "k y": 2}"#;

    #[test]
    fn reading() {
        let v = |p: &str| run(FunctionId::JsonValue, &[s(DOC), s(p)]).unwrap();
        assert_eq!(v("$.a.b[0]"), s("1"));
        assert_eq!(v("$.a.b[1]"), s("x\ty"));
        assert_eq!(v("$.a.b[2]"), Value::Null);
        assert_eq!(v("$.a.b[3].c"), s("true"));
        assert_eq!(v("$.\"k y\""), s("2"));
        assert_eq!(v("$.a"), Value::Null);
        assert_eq!(run(FunctionId::JsonValue, &[s(DOC), s("strict $.z")]).unwrap_err().number, 13608);
        assert_eq!(run(FunctionId::JsonValue, &[s("{bad"), s("$.z")]).unwrap_err().number, 13609);
        assert_eq!(run(FunctionId::JsonQuery, &[s(DOC), s("$.a.b[3]")]).unwrap(), s(r#"{"c": true}"#));
        assert_eq!(run(FunctionId::IsJson, &[s("[1,]")]).unwrap(), Value::Int(0));
        let deep = "[".repeat(100_000);
        assert_eq!(run(FunctionId::IsJson, &[s(&deep)]).unwrap(), Value::Int(0));
    }

    #[test]
    fn modifying() {
        let m = |d: &str, p: &str, v: Value| run(FunctionId::JsonModify, &[s(d), s(p), v]).unwrap();
        assert_eq!(m(r#"{"a":1}"#, "$.a", Value::Int(2)), s(r#"{"a":2}"#));
        assert_eq!(m(r#"{"a":1}"#, "$.b", s("x\"")), s(r#"{"a":1,"b":"x\""}"#));
        assert_eq!(m(r#"{"a":1,"b":2}"#, "$.a", Value::Null), s(r#"{"b":2}"#));
        assert_eq!(m(r#"{"a":1,"b":2}"#, "$.b", Value::Null), s(r#"{"a":1}"#));
        assert_eq!(m(r#"{"a":[1]}"#, "append $.a", Value::Int(2)), s(r#"{"a":[1,2]}"#));
    }

    #[test]
    fn constructing() {
        let o = run(FunctionId::JsonObject, &[s("a"), Value::Int(1), s("b"), Value::Null, Value::Int(0)])
            .unwrap();
        assert_eq!(o, s(r#"{"a":1}"#));
        let a = run(FunctionId::JsonArray, &[s("a/b"), Value::Null, Value::Int(1)]).unwrap();
        assert_eq!(a, s(r#"["a\/b",null]"#));
    }
}
