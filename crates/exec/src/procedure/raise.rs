//! PRINT, RAISERROR, THROW, WAITFOR.

use std::time::{Duration, Instant};

use holdfast_tsql::Span;
use holdfast_tsql::ast::{self, RaisError, Throw, WaitFor};
use holdfast_types::{CollationId, SqlError, SqlType, TypeId, Value};

use super::run::{Fail, Runner, Scope, Stop};
use super::surroundings::now;
use crate::context::SessionInfo;

/// Lowest number that RAISERROR takes.
const FIRST_RAISED: i32 = 13_000;

/// Longest text of a message, in characters.
const MESSAGE_MAX: usize = 2047;

impl Runner<'_> {
    pub fn print(&mut self, e: &ast::Expr, span: Span, scope: &Scope) -> Result<(), Fail> {
        let value = self.value_as(e, SqlType::nvarchar(4000, CollationId::SERVER_DEFAULT), scope)?;
        let text = match value {
            Value::String(s) => s.to_text(),
            _ => String::new(),
        };
        let mut message = SqlError::with_text(0, 0, if text.is_empty() { " ".into() } else { text }).state(1);
        message.line = span.line + if scope.procedure.is_empty() { scope.line_base } else { 0 };
        message.procedure = scope.procedure.to_string();
        self.sink.message(&message)?;
        self.cleared();
        Ok(())
    }

    pub fn raiserror(&mut self, r: &RaisError, span: Span, scope: &Scope) -> Result<(), Fail> {
        let (message, _) = self.value(&r.message, scope)?;
        let severity = integer(&self.value(&r.severity, scope)?.0).unwrap_or(0);
        let state = integer(&self.value(&r.state, scope)?.0).unwrap_or(1);
        let mut arguments = Vec::with_capacity(r.arguments.len());
        for a in &r.arguments {
            arguments.push(self.value(a, scope)?.0);
        }
        // A message of the table brings its own severity when -1 is asked for.
        let (number, found) = match &message {
            Value::String(s) => (50_000, MessageText::plain(&s.to_text())),
            Value::Null => (50_000, MessageText::plain("")),
            other => {
                let n = integer(other).unwrap_or(0);
                let number = i32::try_from(n).unwrap_or(0);
                if number < FIRST_RAISED || number == 50_000 {
                    return Err(SqlError::new(2732, &[&n, &FIRST_RAISED, &i32::MAX]).into());
                }
                let Some(found) = self.session.message(number) else {
                    let mut e = SqlError::new(18_054, &[&number, &severity, &state]);
                    e.severity = (severity.clamp(0, 18) as u8).max(11);
                    return Err(Fail::Raised(e.at_line(span.line)));
                };
                (number, found)
            }
        };
        if r.log && !self.session.security.has_server("ALTR") {
            return Err(SqlError::new(2778, &[&"RAISERROR"]).into());
        }
        let text = found.render(&arguments)?;
        let severity = if severity == -1 { i64::from(found.severity) } else { severity };
        // Another negative severity counts as 0; above 18 WITH LOG is needed.
        let severity = severity.clamp(0, 25) as u8;
        if severity > 18 && !r.log {
            let text = "Error severity levels greater than 18 can only be specified by members of the sysadmin role, using \
                        the WITH LOG option.";
            return Err(SqlError::with_text(2754, 16, text).into());
        }
        let state = if state < 0 { 1 } else { state.min(255) as u8 };
        let mut error = SqlError::with_text(number, severity, text).state(state).at_line(span.line);
        if r.log || found.logged {
            self.log_error(&error);
        }
        if severity <= 10 {
            error.procedure = scope.procedure.to_string();
            if scope.procedure.is_empty() {
                error.line += scope.line_base;
            }
            self.sink.message(&error)?;
            if r.no_wait {
                self.sink.flush()?;
            }
            self.cleared();
            if r.set_error {
                self.session.state.lock().error = number;
            }
            return Ok(());
        }
        Err(Fail::Raised(error))
    }

    pub fn throw(&mut self, t: Option<&Throw>, span: Span, scope: &Scope) -> Result<(), Fail> {
        let Some(t) = t else {
            let caught = self.session.state.lock().caught.last().cloned();
            let Some(c) = caught else {
                let text = "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW \
                            statement inside a CATCH block, or add error parameters to the THROW statement.";
                return Err(Fail::Compile(SqlError::with_text(10_704, 15, text).at_line(span.line)));
            };
            let mut error = SqlError::with_text(c.number, c.severity, c.message.to_string()).state(c.state);
            error.line = c.line;
            error.procedure = c.procedure.map(|p| p.to_string()).unwrap_or_default();
            return Err(Fail::Thrown(error));
        };
        let number = integer(&self.value(&t.number, scope)?.0).unwrap_or(0);
        let message =
            self.value_as(&t.message, SqlType::nvarchar(2048, CollationId::SERVER_DEFAULT), scope)?;
        let state = integer(&self.value(&t.state, scope)?.0).unwrap_or(1);
        let Ok(number) = i32::try_from(number) else { return Err(out_of_range(number)) };
        if number < 50_000 {
            return Err(out_of_range(i64::from(number)));
        }
        let text = match message {
            Value::String(s) => s.to_text(),
            _ => String::new(),
        };
        let error = SqlError::with_text(number, 16, text).state(state.clamp(0, 255) as u8).at_line(span.line);
        Err(Fail::Thrown(error))
    }

    /// A datetime as it is, all else as text.
    fn wait_time(&mut self, e: &ast::Expr, scope: &Scope) -> Result<Value, Fail> {
        let (value, ty) = self.value(e, scope)?;
        if matches!(ty.id, TypeId::DateTime | TypeId::SmallDateTime) {
            return Ok(value);
        }
        self.value_as(e, SqlType::nvarchar(100, CollationId::SERVER_DEFAULT), scope)
    }

    pub fn wait_for(&mut self, w: &WaitFor, scope: &Scope) -> Result<(), Fail> {
        let wait = match w {
            WaitFor::Delay(e) => {
                let v = self.wait_time(e, scope)?;
                clock_time(&v).ok_or_else(|| bad_time(&v))?
            }
            WaitFor::Time(e) => {
                let v = self.wait_time(e, scope)?;
                let at = clock_time(&v).ok_or_else(|| bad_time(&v))?;
                let day = Duration::from_secs(86_400);
                let here = now(&self.session);
                let local = (here.utc.time.0 as i64 + i64::from(here.offset_minutes) * 600_000_000)
                    .rem_euclid(864_000_000_000);
                let current = Duration::from_nanos(local as u64 * 100);
                if at > current { at - current } else { at + day - current }
            }
            WaitFor::Other(_) => return Err(SqlError::not_supported("WAITFOR of a message queue").into()),
        };
        self.sink.flush()?;
        let end = Instant::now() + wait;
        loop {
            if self.session.cancel.is_cancelled() {
                return Err(Stop::Cancelled.into());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
        self.cleared();
        Ok(())
    }
}

fn out_of_range(number: i64) -> Fail {
    let text = format!(
        "Error number {number} in the THROW statement is outside the valid range. Specify an error number in the valid range \
         of 50000 to 2147483647."
    );
    Fail::Error(SqlError::with_text(35_100, 16, text).state(10))
}

fn bad_time(v: &Value) -> Fail {
    let shown = match v {
        Value::String(s) => s.to_text(),
        _ => String::new(),
    };
    Fail::Error(SqlError::with_text(
        148,
        15,
        format!("Incorrect time syntax in time string '{shown}' used with WAITFOR."),
    ))
}

/// `hh:mm[:ss[.fff]]`, or the time of a datetime.
fn clock_time(v: &Value) -> Option<Duration> {
    let of_day = match v {
        Value::DateTime(d) => d.to_datetime2()?.time,
        Value::SmallDateTime(d) => d.to_datetime2()?.time,
        Value::String(s) => return clock_text(&s.to_text()),
        _ => return None,
    };
    Some(Duration::from_nanos(of_day.0 * 100))
}

fn clock_text(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':');
    let hours: u64 = parts.next()?.trim().parse().ok()?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let seconds: f64 = match parts.next() {
        Some(p) => p.parse().ok()?,
        None => 0.0,
    };
    if hours > 23 || minutes > 59 || !(0.0..60.0).contains(&seconds) || parts.next().is_some() {
        return None;
    }
    Some(Duration::from_secs(hours * 3600 + minutes * 60) + Duration::from_secs_f64(seconds))
}

pub fn integer(v: &Value) -> Option<i64> {
    match v {
        Value::Bit(b) => Some(i64::from(*b)),
        Value::TinyInt(n) => Some(i64::from(*n)),
        Value::SmallInt(n) => Some(i64::from(*n)),
        Value::Int(n) => Some(i64::from(*n)),
        Value::BigInt(n) => Some(*n),
        _ => None,
    }
}

/// A message as a session sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText {
    pub severity: u8,
    /// Raising it writes to the server's log.
    pub logged: bool,
    pub text: String,
    /// The version in the session's language, where that is another one. Its places are numbered: `%1!`.
    pub localized: Option<String>,
}

impl MessageText {
    fn plain(text: &str) -> Self {
        MessageText { severity: 0, logged: false, text: text.to_owned(), localized: None }
    }

    /// One of the server's own messages.
    pub fn own(number: i32) -> Option<Self> {
        let (severity, text) = holdfast_types::messages::lookup(number)?;
        Some(MessageText { severity, logged: severity >= 19, ..Self::plain(text) })
    }

    /// The text with its arguments.
    ///
    /// # Errors
    /// Those of [`format_message`].
    pub fn render(&self, arguments: &[Value]) -> Result<String, SqlError> {
        match &self.localized {
            None => format_message(&self.text, arguments),
            Some(localized) => {
                let parts = parts(&self.text, arguments)?;
                let pieces: Vec<&str> =
                    parts.iter().filter(|(filled, _)| *filled).map(|(_, p)| p.as_str()).collect();
                Ok(shortened(numbered(localized, &pieces)))
            }
        }
    }
}

/// Puts the pieces into the places `%1!` to `%n!` of a localized text.
fn numbered(template: &str, pieces: &[&str]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let place = after[..digits].parse::<usize>().ok().filter(|_| after[digits..].starts_with('!'));
        match place.and_then(|p| p.checked_sub(1)) {
            Some(p) => {
                out.push_str(pieces.get(p).copied().unwrap_or("(null)"));
                rest = &after[digits + 1..];
            }
            None => {
                out.push('%');
                rest = after.strip_prefix('%').unwrap_or(after);
            }
        }
    }
    out + rest
}

/// A text as long as messages may be.
fn shortened(text: String) -> String {
    if text.chars().count() > MESSAGE_MAX {
        return text.chars().take(MESSAGE_MAX - 3).collect::<String>() + "...";
    }
    text
}

/// Fills a RAISERROR template: `%[flags][width][.precision][h|l|I64]type`, type one of d i o s u x X.
///
/// # Errors
/// 2786 when an argument's type does not fit its place, 2787 for a bad specification.
pub fn format_message(template: &str, arguments: &[Value]) -> Result<String, SqlError> {
    let parts = parts(template, arguments)?;
    Ok(shortened(parts.into_iter().map(|(_, text)| text).collect()))
}

/// What a filled template is made of, and which of it came from arguments.
fn parts(template: &str, arguments: &[Value]) -> Result<Vec<(bool, String)>, SqlError> {
    let mut parts = Vec::new();
    let mut out = String::new();
    let mut next = arguments.iter();
    let mut used = 0;
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut spec = Spec::default();
        let mut written = chars.clone();
        while let Some(&f) = chars.peek() {
            match f {
                '-' => spec.left = true,
                '+' => spec.plus = true,
                '0' => spec.zero = true,
                '#' => spec.alternate = true,
                ' ' => spec.blank = true,
                _ => break,
            }
            chars.next();
        }
        spec.width = measure(&mut chars, &mut next, &mut used)?;
        if chars.peek() == Some(&'.') {
            chars.next();
            spec.precision = Some(measure(&mut chars, &mut next, &mut used)?.unwrap_or(0));
        }
        while let Some('h' | 'l' | 'I' | '6' | '4') = chars.peek() {
            chars.next();
        }
        let Some(kind) = chars.next() else { return Err(bad_specification(template)) };
        if !matches!(kind, 'd' | 'i' | 'u' | 'o' | 'x' | 'X' | 's') {
            let length = written.clone().count() - chars.clone().count();
            let written: String = written.by_ref().take(length).collect();
            return Err(bad_specification(&format!("%{written}")));
        }
        used += 1;
        let piece = match next.next() {
            None | Some(Value::Null) => "(null)".to_owned(),
            Some(v) => spec.piece(kind, v).ok_or_else(|| {
                let text = format!(
                    "The data type of substitution parameter {used} does not match the expected type of the format specification."
                );
                SqlError::with_text(2786, 16, text)
            })?,
        };
        parts.push((false, std::mem::take(&mut out)));
        let mut padded = String::new();
        spec.pad(&piece, &mut padded);
        parts.push((true, padded));
    }
    parts.push((false, out));
    Ok(parts)
}

fn bad_specification(spec: &str) -> SqlError {
    SqlError::with_text(2787, 16, format!("Invalid format specification: '{spec}'."))
}

/// Digits, or `*` for an argument.
fn measure<'a>(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    arguments: &mut impl Iterator<Item = &'a Value>,
    used: &mut usize,
) -> Result<Option<usize>, SqlError> {
    if chars.peek() == Some(&'*') {
        chars.next();
        *used += 1;
        let n = arguments.next().and_then(integer).unwrap_or(0);
        return Ok(Some(usize::try_from(n).unwrap_or(0).min(4000)));
    }
    let mut n: Option<usize> = None;
    while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        n = Some(n.unwrap_or(0).saturating_mul(10).saturating_add(d as usize).min(4000));
    }
    Ok(n)
}

#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    zero: bool,
    alternate: bool,
    blank: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    fn piece(&self, kind: char, v: &Value) -> Option<String> {
        if kind == 's' {
            let Value::String(s) = v else { return None };
            let text = s.to_text();
            return Some(match self.precision {
                Some(p) => text.chars().take(p).collect(),
                None => text,
            });
        }
        let n = integer(v)?;
        let wide = matches!(v, Value::BigInt(_));
        let unsigned = if wide { n as u64 } else { u64::from(n as i32 as u32) };
        let digits = match kind {
            'u' => unsigned.to_string(),
            'o' => format!("{unsigned:o}"),
            'x' => format!("{unsigned:x}"),
            'X' => format!("{unsigned:X}"),
            _ => n.unsigned_abs().to_string(),
        };
        let digits = match self.precision {
            Some(p) if digits.len() < p => format!("{}{digits}", "0".repeat(p - digits.len())),
            _ => digits,
        };
        let prefix = match kind {
            'd' | 'i' if n < 0 => "-",
            'd' | 'i' if self.plus => "+",
            'd' | 'i' if self.blank => " ",
            'o' if self.alternate => "0",
            'x' if self.alternate => "0x",
            'X' if self.alternate => "0X",
            _ => "",
        };
        let width = self.width.unwrap_or(0);
        if self.zero && !self.left && self.precision.is_none() && prefix.len() + digits.len() < width {
            let zeros = width - prefix.len() - digits.len();
            return Some(format!("{prefix}{}{digits}", "0".repeat(zeros)));
        }
        Some(format!("{prefix}{digits}"))
    }

    fn pad(&self, piece: &str, out: &mut String) {
        let length = piece.chars().count();
        let blanks = " ".repeat(self.width.unwrap_or(0).saturating_sub(length));
        if self.left {
            out.push_str(piece);
            out.push_str(&blanks);
        } else {
            out.push_str(&blanks);
            out.push_str(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(template: &str, arguments: &[Value]) -> String {
        format_message(template, arguments).unwrap_or_else(|e| format!("!{}", e.number))
    }

    #[test]
    fn templates() {
        assert_eq!(f("%d of %s%%", &[Value::Int(-3), Value::string("x")]), "-3 of x%");
        assert_eq!(f("[%5d|%-5d|%05d|%+d]", &vec![Value::Int(42); 4]), "[   42|42   |00042|+42]");
        assert_eq!(
            f("[%7.3s|%*d]", &[Value::string("abcde"), Value::Int(4), Value::Int(7)]),
            "[    abc|   7]"
        );
        assert_eq!(f("%x %#X %o %u", &vec![Value::Int(-1); 4]), "ffffffff 0XFFFFFFFF 37777777777 4294967295");
        assert_eq!(f("%I64d %s", &[Value::BigInt(1 << 40)]), "1099511627776 (null)");
        assert_eq!(f("%d", &[Value::string("x")]), "!2786");
        assert_eq!(f("%q", &[]), "!2787");
    }

    #[test]
    fn localized_texts_number_their_places() {
        let message = MessageText {
            severity: 16,
            logged: false,
            text: "%s has %d".into(),
            localized: Some("%2! bei %1! (100%%, %3!)".into()),
        };
        let text = message.render(&[Value::string("x"), Value::Int(7)]).unwrap();
        assert_eq!(text, "7 bei x (100%, (null))");
    }

    #[test]
    fn times() {
        assert_eq!(clock_time(&Value::string("00:00:01.5")), Some(Duration::from_millis(1500)));
        assert_eq!(clock_time(&Value::string("24:00")), None);
    }
}
