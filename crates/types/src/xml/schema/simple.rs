//! Values of simple types: their forms, their canonical forms, and facets.
//!
//! Invariants
//! 1. What is stored is canonical: numbers in their shortest form, `true` and `false`, offsets of zero as `Z`. A value of a list
//!    is that of its items, one of a union that of the first member type that takes it.
//!
//! Evidence: XML Schema part 2; canonical forms from the documentation of typed xml and from observed values of SQL Server.

use std::cmp::Ordering;

use super::builtin::{self, DATE, DATE_TIME, DECIMAL, DOUBLE, FLOAT, TIME};
use super::pattern::Pattern;
use super::{Collection, Component, kind};

/// Deepest derivation of a type.
const DEPTH_MAX: usize = 64;

/// A value that its type takes.
pub struct Simple {
    /// With white space as the type has it: what patterns see.
    pub lexical: String,
    pub canonical: String,
    /// Values of a list.
    pub items: Option<usize>,
}

/// What XML counts as white space.
pub const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn collapse(text: &str) -> String {
    text.split(is_space).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

fn replace_space(text: &str) -> String {
    text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect()
}

fn is_name(text: &str, colons: usize) -> bool {
    let start = |c: char| c.is_alphabetic() || c == '_' || (c == ':' && colons > 0);
    let inside = |c: char| start(c) || c.is_numeric() || matches!(c, '.' | '-' | '\u{B7}');
    text.chars().next().is_some_and(start) && text.chars().all(inside) && text.matches(':').count() <= colons
}

/// The shortest form of a decimal number.
fn decimal(text: &str, whole: bool) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (int, fraction) = match digits.split_once('.') {
        Some(_) if whole => return None,
        Some((a, b)) => (a, b),
        None => (digits, ""),
    };
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if int.len() + fraction.len() == 0 || !plain(int) || !plain(fraction) {
        return None;
    }
    let int = int.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let int = if int.is_empty() { "0" } else { int };
    let sign = if negative && !(int == "0" && fraction.is_empty()) { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{int}") } else { format!("{sign}{int}.{fraction}") })
}

/// Orders canonical decimal texts.
fn compare_decimal(a: &str, b: &str) -> Ordering {
    let split = |s: &str| {
        let negative = s.starts_with('-');
        let s = s.trim_start_matches('-');
        let (int, fraction) = s.split_once('.').unwrap_or((s, ""));
        (negative, int.to_owned(), fraction.to_owned())
    };
    let ((na, ia, fa), (nb, ib, fb)) = (split(a), split(b));
    if na != nb {
        return if na { Ordering::Less } else { Ordering::Greater };
    }
    let size = ia.len().cmp(&ib.len()).then_with(|| ia.cmp(&ib)).then_with(|| fa.cmp(&fb));
    if na { size.reverse() } else { size }
}

/// Fifteen significant digits of a double, seven of a float; plain from 1e-6 up to 1e6, with an exponent elsewhere.
fn approximate(text: &str, single: bool) -> Option<String> {
    if matches!(text, "INF" | "-INF" | "NaN") {
        return Some(text.to_owned());
    }
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() || (single && value.abs() > f64::from(f32::MAX)) {
        return None;
    }
    if value == 0.0 {
        return Some(if value.is_sign_negative() { "-0.0E0" } else { "0.0E0" }.to_owned());
    }
    let shown = format!("{value:.*e}", if single { 6 } else { 14 });
    let (mantissa, exponent) = shown.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if (-6..6).contains(&exponent) {
        let at = exponent + 1;
        let body = if at <= 0 {
            format!("0.{}{digits}", "0".repeat(at.unsigned_abs() as usize))
        } else if digits.len() <= at as usize {
            format!("{digits}{}", "0".repeat(at as usize - digits.len()))
        } else {
            format!("{}.{}", &digits[..at as usize], &digits[at as usize..])
        };
        return Some(format!("{sign}{body}"));
    }
    let rest = if digits.len() > 1 { &digits[1..] } else { "0" };
    Some(format!("{sign}{}.{rest}E{exponent}", &digits[..1]))
}

/// A point in time as numbers; parts that the type does not have are those of the first moment of 1972, a leap year.
#[derive(Clone, Debug)]
struct Moment {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    /// Digits behind the point, without zeros at the end.
    fraction: String,
    /// Minutes.
    offset: Option<i32>,
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Takes exactly `n` digits.
fn digits(text: &mut &str, n: usize) -> Option<u32> {
    let part = text.get(..n)?;
    if !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    *text = &text[n..];
    part.parse().ok()
}

fn literal(text: &mut &str, mark: char) -> Option<()> {
    *text = text.strip_prefix(mark)?;
    Some(())
}

impl Moment {
    fn read(ty: i32, source: &str) -> Option<Moment> {
        let mut text = source;
        let mut m = Moment {
            year: 1972,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            fraction: String::new(),
            offset: None,
        };
        let t = &mut text;
        let year = |t: &mut &str, m: &mut Moment| {
            m.year = i64::from(digits(t, 4)?);
            (m.year > 0).then_some(())
        };
        match ty {
            DATE_TIME | DATE => {
                year(t, &mut m)?;
                literal(t, '-')?;
                m.month = digits(t, 2)?;
                literal(t, '-')?;
                m.day = digits(t, 2)?;
            }
            builtin::YEAR_MONTH => {
                year(t, &mut m)?;
                literal(t, '-')?;
                m.month = digits(t, 2)?;
            }
            builtin::YEAR => year(t, &mut m)?,
            builtin::MONTH_DAY => {
                literal(t, '-')?;
                literal(t, '-')?;
                m.month = digits(t, 2)?;
                literal(t, '-')?;
                m.day = digits(t, 2)?;
            }
            builtin::DAY => {
                literal(t, '-')?;
                literal(t, '-')?;
                literal(t, '-')?;
                m.day = digits(t, 2)?;
            }
            builtin::MONTH => {
                literal(t, '-')?;
                literal(t, '-')?;
                m.month = digits(t, 2)?;
            }
            _ => {}
        }
        if ty == DATE_TIME {
            literal(t, 'T')?;
        }
        if matches!(ty, DATE_TIME | TIME) {
            m.hour = digits(t, 2)?;
            literal(t, ':')?;
            m.minute = digits(t, 2)?;
            literal(t, ':')?;
            m.second = digits(t, 2)?;
            if let Some(rest) = t.strip_prefix('.') {
                let n = rest.bytes().take_while(u8::is_ascii_digit).count();
                if n == 0 {
                    return None;
                }
                m.fraction = rest[..n].trim_end_matches('0').to_owned();
                *t = &rest[n..];
            }
        }
        m.offset = Self::offset(t)?;
        let midnight = m.hour == 24 && m.minute == 0 && m.second == 0 && m.fraction.is_empty();
        let in_range = (1..=12).contains(&m.month)
            && (1..=days_in(m.year, m.month)).contains(&m.day)
            && (m.hour < 24 || midnight)
            && m.minute < 60
            && m.second < 60;
        if !in_range {
            return None;
        }
        if midnight {
            m.hour = 0;
            if ty == DATE_TIME {
                m.next_day();
            }
        }
        Some(m)
    }

    fn offset(text: &mut &str) -> Option<Option<i32>> {
        if text.is_empty() {
            return Some(None);
        }
        if *text == "Z" {
            return Some(Some(0));
        }
        let sign = match text.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        *text = &text[1..];
        let hours = digits(text, 2)?;
        literal(text, ':')?;
        let minutes = digits(text, 2)?;
        if !text.is_empty() || minutes > 59 || hours > 14 || (hours == 14 && minutes > 0) {
            return None;
        }
        Some(Some(sign * (hours * 60 + minutes) as i32))
    }

    fn next_day(&mut self) {
        self.day += 1;
        if self.day > days_in(self.year, self.month) {
            self.day = 1;
            self.month += 1;
        }
        if self.month > 12 {
            self.month = 1;
            self.year += 1;
        }
    }

    fn show(&self, ty: i32) -> String {
        let mut out = match ty {
            DATE_TIME => format!("{:04}-{:02}-{:02}T", self.year, self.month, self.day),
            DATE => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
            builtin::YEAR_MONTH => format!("{:04}-{:02}", self.year, self.month),
            builtin::YEAR => format!("{:04}", self.year),
            builtin::MONTH_DAY => format!("--{:02}-{:02}", self.month, self.day),
            builtin::DAY => format!("---{:02}", self.day),
            builtin::MONTH => format!("--{:02}", self.month),
            _ => String::new(),
        };
        if matches!(ty, DATE_TIME | TIME) {
            out += &format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second);
            if !self.fraction.is_empty() {
                out += &format!(".{}", self.fraction);
            }
        }
        match self.offset {
            None => {}
            Some(0) => out.push('Z'),
            Some(m) => {
                let sign = if m < 0 { '-' } else { '+' };
                out += &format!("{sign}{:02}:{:02}", m.abs() / 60, m.abs() % 60);
            }
        }
        out
    }

    /// Nanoseconds, to be compared.
    fn instant(&self) -> i128 {
        let (y, m, d) = (self.year, i64::from(self.month), i64::from(self.day));
        // Days of the civil calendar, counted from March so that the leap day is the last of its year.
        let y = if m <= 2 { y - 1 } else { y };
        let of_year = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
        let days = y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + of_year;
        let seconds = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        let seconds = days * 86_400 + seconds - i64::from(self.offset.unwrap_or(0)) * 60;
        let nanos: String = self.fraction.chars().chain("000000000".chars()).take(9).collect();
        i128::from(seconds) * 1_000_000_000 + nanos.parse::<i128>().unwrap_or(0)
    }
}

/// A duration without its zeros.
fn duration(source: &str) -> Option<String> {
    let (sign, text) = source.strip_prefix('-').map_or(("", source), |t| ("-", t));
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((d, t)) => (d, t),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    fn parts(mut text: &str, letters: &str, out: &mut String) -> Option<()> {
        let mut letters = letters.chars();
        while !text.is_empty() {
            let n = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
            let (number, rest) = text.split_at(n);
            let letter = rest.chars().next()?;
            letters.find(|l| *l == letter)?;
            let shown = decimal(number, letter != 'S')?;
            if number.starts_with('.') || number.ends_with('.') {
                return None;
            }
            if shown != "0" {
                out.push_str(&shown);
                out.push(letter);
            }
            text = &rest[letter.len_utf8()..];
        }
        Some(())
    }
    let (mut days, mut hours) = (String::new(), String::new());
    parts(date, "YMD", &mut days)?;
    parts(time, "HMS", &mut hours)?;
    if days.is_empty() && hours.is_empty() {
        return Some("PT0S".to_owned());
    }
    let t = if hours.is_empty() { "" } else { "T" };
    Some(format!("{sign}P{days}{t}{hours}"))
}

fn base64(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !is_space(*c)).collect();
    let body = plain.trim_end_matches('=');
    let pads = plain.len() - body.len();
    let fine = plain.len().is_multiple_of(4)
        && pads <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    fine.then_some(plain)
}

/// A value of a built-in type that is no list.
fn of_builtin(id: i32, text: &str) -> Option<Simple> {
    let lexical = match id {
        builtin::STRING | builtin::ANY_SIMPLE_TYPE | builtin::ANY_TYPE => text.to_owned(),
        builtin::NORMALIZED => replace_space(text),
        _ => collapse(text),
    };
    let l = lexical.as_str();
    let canonical = match id {
        builtin::BOOLEAN => match l {
            "1" | "true" => "true".to_owned(),
            "0" | "false" => "false".to_owned(),
            _ => return None,
        },
        FLOAT | DOUBLE => approximate(l, id == FLOAT)?,
        DECIMAL => decimal(l, false)?,
        builtin::INTEGER..=builtin::POSITIVE => {
            let n = decimal(l, true)?;
            let (least, most) = builtin::bounds(id);
            let low = least.is_some_and(|b| compare_decimal(&n, b) == Ordering::Less);
            let high = most.is_some_and(|b| compare_decimal(&n, b) == Ordering::Greater);
            if low || high {
                return None;
            }
            n
        }
        builtin::DURATION => duration(l)?,
        DATE_TIME..=builtin::MONTH => Moment::read(id, l)?.show(id),
        builtin::HEX => {
            if !l.len().is_multiple_of(2) || !l.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            l.to_ascii_uppercase()
        }
        builtin::BASE64 => base64(l)?,
        builtin::LANGUAGE => {
            let mut parts = l.split('-');
            let first = parts
                .next()
                .is_some_and(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
            let rest = |p: &str| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric());
            if !first || !parts.all(rest) {
                return None;
            }
            lexical.clone()
        }
        builtin::NAME | builtin::QNAME if !is_name(l, if id == builtin::NAME { usize::MAX } else { 1 }) => {
            return None;
        }
        builtin::NCNAME | builtin::ID | builtin::IDREF | builtin::ENTITY if !is_name(l, 0) => return None,
        builtin::NMTOKEN if !is_name(&format!("_{l}"), usize::MAX) || l.is_empty() => return None,
        _ => lexical.clone(),
    };
    Some(Simple { lexical, canonical, items: None })
}

impl Collection {
    /// The built-in primitive type that a simple type comes from; a list's is that of its items.
    pub(super) fn primitive_of(&self, mut id: i32) -> i32 {
        for _ in 0..DEPTH_MAX {
            if let Some(item) = builtin::item_of(id) {
                return builtin::primitive(item);
            }
            match self.get(id) {
                Some(c) if c.kind == kind::LIST && !c.placed.is_empty() => id = c.placed[0].placed,
                Some(c) if c.base != 0 => id = c.base,
                Some(_) => return builtin::STRING,
                None => return builtin::primitive(id),
            }
        }
        builtin::STRING
    }

    /// The built-in type that is nearest up the derivation.
    pub(super) fn built_in_base(&self, mut id: i32) -> i32 {
        for _ in 0..DEPTH_MAX {
            match self.get(id) {
                Some(c) if c.base != 0 => id = c.base,
                Some(_) => return 0,
                None => return id,
            }
        }
        0
    }

    /// The value as a type (a built-in or simple one, or a complex one with simple content) has it; `None` when it is none of it.
    pub(super) fn simple_value(&self, ty: i32, text: &str) -> Option<Simple> {
        self.simple_at(ty, text, 0)
    }

    fn simple_at(&self, ty: i32, text: &str, depth: usize) -> Option<Simple> {
        if depth > DEPTH_MAX {
            return None;
        }
        let list = |item: i32| -> Option<Simple> {
            let lexical = collapse(text);
            let words = lexical.split(' ').filter(|w| !w.is_empty());
            let items: Option<Vec<String>> =
                words.map(|w| self.simple_at(item, w, depth + 1).map(|s| s.canonical)).collect();
            let items = items?;
            Some(Simple { lexical, canonical: items.join(" "), items: Some(items.len()) })
        };
        let Some(c) = self.get(ty) else {
            return match builtin::item_of(ty) {
                Some(item) => list(item).filter(|s| s.items != Some(0)),
                None => of_builtin(ty, text),
            };
        };
        let value = match c.kind {
            kind::LIST if !c.placed.is_empty() => list(c.placed[0].placed)?,
            kind::UNION => return c.placed.iter().find_map(|m| self.simple_at(m.placed, text, depth + 1)),
            _ if c.base != 0 => {
                let spaced = match c.facets.iter().find(|f| f.kind == "WS").map(|f| f.value.as_str()) {
                    Some("collapse") => collapse(text),
                    Some("replace") => replace_space(text),
                    _ => text.to_owned(),
                };
                self.simple_at(c.base, &spaced, depth + 1)?
            }
            _ => return None,
        };
        self.facets_take(c, &value, depth).then_some(value)
    }

    fn facets_take(&self, c: &Component, value: &Simple, depth: usize) -> bool {
        let primitive = self.primitive_of(c.id);
        let length = || match (value.items, primitive) {
            (Some(n), _) => n,
            (None, builtin::HEX) => value.canonical.len() / 2,
            (None, builtin::BASE64) => {
                let body = value.canonical.trim_end_matches('=').len();
                body * 6 / 8
            }
            _ => value.lexical.chars().count(),
        };
        let of = |kind: &'static str| c.facets.iter().filter(move |f| f.kind == kind);
        // Several patterns, or values of an enumeration, of one type are ways to be right.
        let any = |kind: &'static str, takes: &dyn Fn(&str) -> bool| {
            of(kind).next().is_none() || of(kind).any(|f| takes(&f.value))
        };
        if !any("PT", &|p| Pattern::read(p).is_some_and(|p| p.matches(&value.lexical))) {
            return false;
        }
        let same = |e: &str| match self.base_value(c, e, depth) {
            Some(e) => e.canonical == value.canonical,
            None => false,
        };
        if !any("EU", &same) {
            return false;
        }
        c.facets.iter().all(|f| {
            let number = || f.value.trim().parse::<usize>().ok();
            match f.kind.as_str() {
                "LG" => number() == Some(length()),
                "LN" => number().is_some_and(|n| length() >= n),
                "LX" => number().is_some_and(|n| length() <= n),
                "DT" => number().is_some_and(|n| {
                    value.canonical.bytes().filter(u8::is_ascii_digit).count()
                        <= n + usize::from(value.canonical.trim_start_matches('-').starts_with("0."))
                }),
                "DF" => {
                    number().is_some_and(|n| value.canonical.split_once('.').map_or(0, |p| p.1.len()) <= n)
                }
                "IN" | "IX" | "EN" | "EX" => {
                    let bound = self.base_value(c, &f.value, depth);
                    let order = bound.and_then(|b| order(primitive, &value.canonical, &b.canonical));
                    match f.kind.as_str() {
                        "IN" => order.is_some_and(Ordering::is_ge),
                        "IX" => order.is_some_and(Ordering::is_le),
                        "EN" => order.is_some_and(Ordering::is_gt),
                        _ => order.is_some_and(Ordering::is_lt),
                    }
                }
                _ => true,
            }
        })
    }

    /// A facet's value, as the type that the facet restricts has it.
    pub(super) fn base_value(&self, c: &Component, text: &str, depth: usize) -> Option<Simple> {
        match c.placed.first() {
            Some(item) if c.kind == kind::LIST => self.simple_at(item.placed, text, depth + 1),
            _ => self.simple_at(c.base, text, depth + 1),
        }
    }
}

/// Orders two canonical values of a primitive type; `None` where the type has no order that is known here.
pub(super) fn order(primitive: i32, a: &str, b: &str) -> Option<Ordering> {
    match primitive {
        DECIMAL => Some(compare_decimal(a, b)),
        FLOAT | DOUBLE => {
            let number = |s: &str| s.replace("INF", "inf").parse::<f64>().ok();
            number(a)?.partial_cmp(&number(b)?)
        }
        DATE_TIME..=builtin::MONTH => {
            Some(Moment::read(primitive, a)?.instant().cmp(&Moment::read(primitive, b)?.instant()))
        }
        _ => None,
    }
}
