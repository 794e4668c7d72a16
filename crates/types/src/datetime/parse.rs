//! Date and time literals as SQL Server reads them: ISO 8601, ODBC escapes, unseparated digits, numeric dates in the
//! session's order, month names, 12- and 24-hour clocks, UTC offsets.
//!
//! Invariants
//! 1. datetime and smalldatetime read `9999-99-99` in the order of DATEFORMAT's last two parts (dmy makes it year-day-month)
//!    where no `T` and time follow; the newer types always read year-month-day, and so do ODBC's escapes.
//! 2. Two-digit years below 50 belong to 20xx, others to 19xx.
//! 3. No date means 1900-01-01, no time means midnight; the empty string means both.

use super::{DAYS_TO_1900, Date, DateOrder, DateTime2, Language, Moment, TICKS_PER_SECOND, Time};

/// What reading depends on.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    pub order: DateOrder,
    pub language: Language,
    /// datetime and smalldatetime (see invariant 1).
    pub classic: bool,
}

/// What the text held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub moment: Moment,
    pub has_date: bool,
    pub has_offset: bool,
    /// The second fraction had more than three digits (datetime refuses that).
    pub long_fraction: bool,
}

/// Why the text is no date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseDateError {
    /// Not a date or time (error 241).
    Syntax,
    /// A date that does not exist (error 242 for datetime, 241 for the newer types).
    Range,
}

type Result<T> = std::result::Result<T, ParseDateError>;
use ParseDateError::{Range, Syntax};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Value and number of digits.
    Number(u32, usize),
    /// Fraction digits after a point or colon are read from the digits as text, so numbers keep them.
    Word(String),
    Mark(char),
    Blank,
}

/// Two-digit years: the cutoff is 2049.
fn century(year: u32) -> u32 {
    if year < 50 { 2000 + year } else { 1900 + year }
}

pub fn parse(text: &str, options: &ParseOptions) -> Result<Parsed> {
    let text = text.trim_matches([' ', '\t', '\r', '\n', '\u{A0}', '\u{3000}']);
    let inner = odbc(text)?;
    // ODBC's escapes are written year, month, day.
    let escaped = ParseOptions { order: DateOrder::Ymd, ..*options };
    let options = if inner.len() == text.len() { options } else { &escaped };
    let text = inner;
    if text.is_empty() {
        return Ok(finish(None, Time(0), None, false));
    }
    if text.len() > 200 {
        return Err(Syntax);
    }
    let tokens = tokenize(text)?;
    Reader { tokens: &tokens, at: 0, options }.read()
}

/// Strips `{ts '…'}`, `{d '…'}` and `{t '…'}`.
fn odbc(text: &str) -> Result<&str> {
    let Some(body) = text.strip_prefix('{') else { return Ok(text) };
    let body = body.strip_suffix('}').ok_or(Syntax)?.trim();
    let rest = ["ts", "d", "t"]
        .iter()
        .find_map(|p| body.get(..p.len()).filter(|h| h.eq_ignore_ascii_case(p)).map(|h| &body[h.len()..]))
        .ok_or(Syntax)?;
    let rest = rest.trim().strip_prefix('\'').and_then(|r| r.strip_suffix('\'')).ok_or(Syntax)?;
    Ok(rest.trim())
}

fn tokenize(text: &str) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_digit() {
            let n = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if n > 9 {
                return Err(Syntax);
            }
            out.push(Token::Number(rest[..n].parse().map_err(|_| Syntax)?, n));
            rest = &rest[n..];
        } else if c.is_alphabetic() {
            let n = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            out.push(Token::Word(rest[..n].to_owned()));
            rest = &rest[n..];
        } else if c.is_whitespace() {
            if out.last() != Some(&Token::Blank) {
                out.push(Token::Blank);
            }
            rest = &rest[c.len_utf8()..];
        } else if "-/.:,+".contains(c) {
            out.push(Token::Mark(c));
            rest = &rest[c.len_utf8()..];
        } else {
            return Err(Syntax);
        }
    }
    Ok(out)
}

fn finish(date: Option<Date>, time: Time, offset: Option<i16>, long_fraction: bool) -> Parsed {
    Parsed {
        moment: Moment {
            local: DateTime2 { date: date.unwrap_or(Date(DAYS_TO_1900)), time },
            offset_minutes: offset.unwrap_or(0),
        },
        has_date: date.is_some(),
        has_offset: offset.is_some(),
        long_fraction,
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    options: &'a ParseOptions,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn blanks(&mut self) {
        while self.peek(0) == Some(&Token::Blank) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<(u32, usize)> {
        match self.peek(0) {
            Some(&Token::Number(v, n)) => {
                self.at += 1;
                Ok((v, n))
            }
            _ => Err(Syntax),
        }
    }

    fn mark(&mut self, c: char) -> bool {
        let hit = self.peek(0) == Some(&Token::Mark(c));
        self.at += usize::from(hit);
        hit
    }

    fn word(&mut self, accepted: &[&str]) -> bool {
        let hit = matches!(self.peek(0), Some(Token::Word(w)) if accepted.iter().any(|a| w.eq_ignore_ascii_case(a)));
        self.at += usize::from(hit);
        hit
    }

    fn read(mut self) -> Result<Parsed> {
        let (mut date, mut time, mut offset, mut long) = (None, None, None, false);
        while self.at < self.tokens.len() {
            self.blanks();
            if self.at >= self.tokens.len() {
                break;
            }
            if time.is_none() && self.is_time() {
                let (t, l) = self.time()?;
                time = Some(t);
                long = l;
                offset = self.offset()?;
            } else if date.is_none() {
                date = Some(self.date()?);
                // The T of ISO 8601.
                if matches!(self.peek(0), Some(Token::Word(w)) if w.eq_ignore_ascii_case("t")) {
                    self.at += 1;
                    if !self.is_time() {
                        return Err(Syntax);
                    }
                }
            } else {
                return Err(Syntax);
            }
        }
        Ok(finish(date, time.unwrap_or(Time(0)), offset, long))
    }

    /// A number followed by a colon, or by AM/PM.
    fn is_time(&self) -> bool {
        let Some(Token::Number(..)) = self.peek(0) else { return false };
        let next = if self.peek(1) == Some(&Token::Blank) { self.peek(2) } else { self.peek(1) };
        match next {
            Some(Token::Mark(':')) => true,
            Some(Token::Word(w)) => w.eq_ignore_ascii_case("am") || w.eq_ignore_ascii_case("pm"),
            _ => false,
        }
    }

    fn time(&mut self) -> Result<(Time, bool)> {
        let (mut hour, _) = self.number()?;
        let (mut minute, mut second, mut ticks, mut long) = (0, 0, 0, false);
        if self.mark(':') {
            minute = self.number()?.0;
            if self.mark(':') {
                second = self.number()?.0;
                if self.mark('.') {
                    let (v, n) = self.number()?;
                    (ticks, long) = (fraction(v, n, &mut second), n > 3);
                } else if self.peek(0) == Some(&Token::Mark(':')) {
                    self.at += 1;
                    // hh:mm:ss:mmm counts milliseconds.
                    let (v, n) = self.number()?;
                    if n > 3 {
                        return Err(Syntax);
                    }
                    ticks = v * 10_000;
                }
            }
        }
        self.blanks();
        if self.word(&["am"]) {
            if hour > 12 {
                return Err(Syntax);
            }
            hour %= 12;
        } else if self.word(&["pm"]) {
            if hour == 0 {
                return Err(Syntax);
            }
            if hour < 12 {
                hour += 12;
            }
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(if self.options.classic { Range } else { Syntax });
        }
        let t = Time::from_hms(hour, minute, second, ticks);
        if t.0 >= super::TICKS_PER_DAY { Err(Range) } else { Ok((t, long)) }
    }

    /// `Z` or ±hh:mm after a time.
    fn offset(&mut self) -> Result<Option<i16>> {
        let start = self.at;
        self.blanks();
        if self.word(&["z"]) {
            return Ok(Some(0));
        }
        let sign = match self.peek(0) {
            Some(Token::Mark('+')) => 1,
            Some(Token::Mark('-')) => -1,
            _ => {
                self.at = start;
                return Ok(None);
            }
        };
        self.at += 1;
        let (h, _) = self.number()?;
        if !self.mark(':') {
            return Err(Syntax);
        }
        let (m, n) = self.number()?;
        if n != 2 || m > 59 || h * 60 + m > 14 * 60 {
            return Err(Syntax);
        }
        Ok(Some(sign * (h * 60 + m) as i16))
    }

    fn date(&mut self) -> Result<Date> {
        if matches!(self.peek(0), Some(Token::Word(_))) {
            return self.named(None);
        }
        let (first, n) = self.number()?;
        // What follows decides between unseparated, named and numeric dates.
        let start = self.at;
        self.blanks();
        self.mark(',');
        while self.mark('-') || self.mark('/') || self.mark('.') {}
        self.blanks();
        let month = matches!(self.peek(0), Some(Token::Word(w)) if self.options.language.month_from_name(w).is_some());
        if month {
            return self.named(Some((first, n)));
        }
        self.at = start;
        let separator = match self.peek(0) {
            Some(&Token::Mark(c @ ('-' | '/' | '.'))) => c,
            _ => return unseparated(first, n),
        };
        self.at += 1;
        self.blanks();
        let (second, n2) = self.number()?;
        self.blanks();
        if !self.mark(separator) && !self.mark('-') && !self.mark('/') && !self.mark('.') {
            return Err(Syntax);
        }
        self.blanks();
        let (third, n3) = self.number()?;
        self.numeric([(first, n), (second, n2), (third, n3)])
    }

    fn numeric(&self, p: [(u32, usize); 3]) -> Result<Date> {
        let year = |(v, n): (u32, usize)| if n <= 2 { century(v) } else { v };
        if p.iter().any(|x| x.1 > 4 || x.1 == 3) || p.iter().filter(|x| x.1 == 4).count() > 1 {
            return Err(Syntax);
        }
        use DateOrder::{Dmy, Dym, Mdy, Myd, Ydm, Ymd};
        let order = self.options.order;
        let (y, m, d) = if p[0].1 == 4 {
            // ISO 8601 with its T says what is what.
            let iso = matches!(self.peek(0), Some(Token::Word(w)) if w.eq_ignore_ascii_case("t"));
            let swapped = self.options.classic && !iso && matches!(order, Dmy | Ydm | Dym);
            if swapped { (p[0], p[2], p[1]) } else { (p[0], p[1], p[2]) }
        } else if p[2].1 == 4 {
            match order {
                Mdy | Myd | Ymd => (p[2], p[0], p[1]),
                Dmy | Dym | Ydm => (p[2], p[1], p[0]),
            }
        } else if p[1].1 == 4 {
            match order {
                Mdy | Myd | Ymd => (p[1], p[0], p[2]),
                Dmy | Dym | Ydm => (p[1], p[2], p[0]),
            }
        } else {
            match order {
                Mdy => (p[2], p[0], p[1]),
                Dmy => (p[2], p[1], p[0]),
                Ymd => (p[0], p[1], p[2]),
                Ydm => (p[0], p[2], p[1]),
                Myd => (p[1], p[0], p[2]),
                Dym => (p[1], p[2], p[0]),
            }
        };
        Date::from_ymd(year(y) as i32, m.0, d.0).ok_or(Range)
    }

    /// A date with a month name, standing at the name; `before` is a number read before it.
    fn named(&mut self, before: Option<(u32, usize)>) -> Result<Date> {
        let Some(Token::Word(w)) = self.peek(0) else { return Err(Syntax) };
        let month = self.options.language.month_from_name(w).ok_or(Syntax)?;
        self.at += 1;
        let mut numbers: Vec<(u32, usize)> = before.into_iter().collect();
        while numbers.len() < 2 {
            let start = self.at;
            loop {
                self.blanks();
                if !(self.mark(',') || self.mark('-') || self.mark('/') || self.mark('.')) {
                    break;
                }
            }
            if self.is_time() || !matches!(self.peek(0), Some(Token::Number(..))) {
                self.at = start;
                break;
            }
            numbers.push(self.number()?);
        }
        self.blanks();
        self.mark(',');
        let year = |(v, n): (u32, usize)| (if n <= 2 { century(v) } else { v }) as i32;
        let (y, d) = match numbers[..] {
            [(v, 4)] => (v as i32, 1),
            [(v, n)] if n <= 2 => (century(v) as i32, 1),
            [a, b] if a.1 == 4 => (year(a), b.0),
            [a, b] => (year(b), a.0),
            _ => return Err(Syntax),
        };
        Date::from_ymd(y, month, d).ok_or(Range)
    }
}

/// yyyymmdd, yymmdd, yyyy.
fn unseparated(v: u32, digits: usize) -> Result<Date> {
    let (y, m, d) = match digits {
        8 => (v / 10_000, v / 100 % 100, v % 100),
        6 => (century(v / 10_000), v / 100 % 100, v % 100),
        4 => (v, 1, 1),
        _ => return Err(Syntax),
    };
    Date::from_ymd(y as i32, m, d).ok_or(Range)
}

/// Fraction digits as 100 ns ticks, rounded at the eighth digit (a carry goes to the second).
fn fraction(value: u32, digits: usize, second: &mut u32) -> u32 {
    if digits <= 7 {
        return value * 10u32.pow(7 - digits as u32);
    }
    let divisor = 10u32.pow(digits as u32 - 7);
    let ticks = (value + divisor / 2) / divisor;
    if ticks >= TICKS_PER_SECOND as u32 {
        if *second < 59 {
            *second += 1;
            return 0;
        }
        return TICKS_PER_SECOND as u32 - 1;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datetime::text;

    fn with(order: DateOrder, classic: bool, s: &str) -> Result<String> {
        let o = ParseOptions { order, language: Language::US_ENGLISH, classic };
        parse(s, &o).map(|p| {
            let d = p.moment.local;
            let mut t = format!("{} {}", text::date(d.date), text::time(d.time, 7));
            if p.has_offset {
                t.push_str(&text::offset(p.moment.offset_minutes));
            }
            t
        })
    }

    fn mdy(s: &str) -> String {
        with(DateOrder::Mdy, true, s).unwrap_or_else(|e| panic!("{s}: {e:?}"))
    }

    #[test]
    fn forms() {
        for s in [
            "2024-04-15",
            "20240415",
            "240415",
            "4/15/2024",
            "4-15-24",
            "4.15.24",
            "15 Apr 2024",
            "April 15, 2024",
            "Apr 15 2024",
            "15-apr-24",
            "2024 April 15",
            "{d '2024-04-15'}",
            "2024/4/15",
            " 2024-04-15 ",
            "APRIL 15 24",
        ] {
            assert_eq!(mdy(s), "2024-04-15 00:00:00.0000000", "{s}");
        }
        assert_eq!(mdy("Apr 2024"), "2024-04-01 00:00:00.0000000");
        assert_eq!(mdy("2024"), "2024-01-01 00:00:00.0000000");
        assert_eq!(mdy(""), "1900-01-01 00:00:00.0000000");
        assert_eq!(mdy("2024-04-15T13:14:15.123"), "2024-04-15 13:14:15.1230000");
        assert_eq!(mdy("20240415 1:02PM"), "2024-04-15 13:02:00.0000000");
        assert_eq!(mdy("20240415 12 am"), "2024-04-15 00:00:00.0000000");
        assert_eq!(mdy("14:30:15:007"), "1900-01-01 14:30:15.0070000");
        assert_eq!(mdy("14:30 4/15/2024"), "2024-04-15 14:30:00.0000000");
        assert_eq!(mdy("{ts '2024-04-15 01:02:03.5'}"), "2024-04-15 01:02:03.5000000");
        assert_eq!(mdy("Apr 15 2024  1:02PM"), "2024-04-15 13:02:00.0000000");
        assert_eq!(
            with(DateOrder::Mdy, false, "2024-04-15 01:02:03.1234567 +05:30").unwrap(),
            "2024-04-15 01:02:03.1234567+05:30"
        );
        assert_eq!(mdy("1/1/49"), "2049-01-01 00:00:00.0000000");
        assert_eq!(mdy("1/1/50"), "1950-01-01 00:00:00.0000000");
    }

    #[test]
    fn orders() {
        assert_eq!(with(DateOrder::Dmy, true, "2024-04-05").unwrap(), "2024-05-04 00:00:00.0000000");
        assert_eq!(with(DateOrder::Dmy, false, "2024-04-05").unwrap(), "2024-04-05 00:00:00.0000000");
        assert_eq!(with(DateOrder::Dmy, true, "05/04/2024").unwrap(), "2024-04-05 00:00:00.0000000");
        assert_eq!(with(DateOrder::Ymd, true, "24-04-05").unwrap(), "2024-04-05 00:00:00.0000000");
    }

    #[test]
    fn refusals() {
        for s in
            ["x", "2024-13", "12:", "2024-04-15T", "1.5", "--", "2024-04-15 1:2:3.", "99999999999", "4/15"]
        {
            assert!(with(DateOrder::Mdy, true, s).is_err(), "{s}");
        }
        assert_eq!(with(DateOrder::Mdy, true, "2024-02-30"), Err(Range));
        assert_eq!(with(DateOrder::Mdy, true, "13/13/2024"), Err(Range));
        assert_eq!(with(DateOrder::Mdy, true, "25:00"), Err(Range));
    }
}
