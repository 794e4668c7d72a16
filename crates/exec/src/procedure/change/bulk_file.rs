//! Rows out of a data file for BULK INSERT.
//!
//! Invariants
//! 1. Plain files are counted through: a row has as many fields as the table, the last ends with the row's end and may hold
//!    field ends. In CSV files a field may stand in quotes and a row ends where its line does.
//! 2. An empty field is NULL.
//! 3. A row that the text at hand does not hold whole is not looked at before the rest of it is there, unless there is none.

use std::borrow::Cow;

use holdfast_types::{SqlError, SqlResult};

/// How a file is written.
#[derive(Clone, Debug)]
pub struct FileFormat {
    pub(super) field_end: Vec<u16>,
    pub(super) row_end: Vec<u16>,
    pub(super) quote: Option<u16>,
    quoted: bool,
    pub wide: bool,
    pub utf8: bool,
    /// From 1.
    pub first_row: u64,
    /// 0: to the end.
    pub last_row: u64,
}

impl Default for FileFormat {
    fn default() -> Self {
        FileFormat {
            field_end: units("\t"),
            row_end: units("\n"),
            quote: Some(u16::from(b'"')),
            quoted: false,
            wide: false,
            utf8: false,
            first_row: 1,
            last_row: 0,
        }
    }
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// `\t`, `\n`, `\r`, `\0`, `\\` and `0x0A0D` in a terminator.
fn terminator(text: &str) -> Vec<u16> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
        && hex.len() % 2 == 0
        && !hex.is_empty()
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return (0..hex.len())
            .step_by(2)
            .filter_map(|i| u16::from_str_radix(&hex[i..i + 2], 16).ok())
            .collect();
    }
    let mut out = Vec::new();
    let mut chars = text.chars();
    let mut buffer = [0u16; 2];
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('0') => '\0',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        };
        out.extend_from_slice(c.encode_utf16(&mut buffer));
    }
    out
}

impl FileFormat {
    pub fn set_field_end(&mut self, text: &str) {
        self.field_end = terminator(text);
    }
    pub fn set_row_end(&mut self, text: &str) {
        self.row_end = terminator(text);
    }
    pub fn set_quote(&mut self, text: &str) {
        self.quote = text.encode_utf16().next();
    }
    /// FORMAT = 'CSV': commas and quotes.
    pub fn csv(&mut self) {
        self.quoted = true;
        if self.field_end == units("\t") {
            self.field_end = units(",");
        }
    }
}

/// A character of a file.
pub trait Character: Copy + Eq + Send {
    /// An ASCII character.
    fn of(ascii: u8) -> Self;
    fn from_units(units: &[u16]) -> Vec<Self>;
}

impl Character for u8 {
    fn of(ascii: u8) -> Self {
        ascii
    }
    fn from_units(units: &[u16]) -> Vec<Self> {
        units.iter().map(|u| *u as u8).collect()
    }
}

impl Character for u16 {
    fn of(ascii: u8) -> Self {
        u16::from(ascii)
    }
    fn from_units(units: &[u16]) -> Vec<Self> {
        units.to_vec()
    }
}

/// A field as the file has it; `None`: NULL.
pub type Field<'t, U> = Option<Cow<'t, [U]>>;

/// What comes next in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// A row, with its number in the file.
    Row(u64),
    /// Not the whole of a row: the text from [`FileRows::at`] on has to be continued.
    More,
    End,
}

/// The rows of a file with their numbers.
pub struct FileRows<U: Clone> {
    field_end: Vec<U>,
    row_end: Vec<U>,
    /// CSV.
    quote: Option<U>,
    quoted: bool,
    first_row: u64,
    last_row: u64,
    fields: usize,
    /// Where the text goes on.
    pub at: usize,
    number: u64,
    /// The row being read has come to the end of the text.
    met_end: bool,
}

impl<U: Character> FileRows<U> {
    pub fn new(format: &FileFormat, fields: usize) -> Self {
        FileRows {
            field_end: U::from_units(&format.field_end),
            row_end: U::from_units(&format.row_end),
            quote: format.quote.and_then(|q| U::from_units(&[q]).first().copied()),
            quoted: format.quoted,
            first_row: format.first_row,
            last_row: format.last_row,
            fields,
            at: 0,
            number: 0,
            met_end: false,
        }
    }

    /// The fields of the next row that is asked for. `more`: the text does not end here.
    pub fn next_row<'t>(
        &mut self,
        text: &'t [U],
        more: bool,
        out: &mut Vec<Field<'t, U>>,
    ) -> SqlResult<Next> {
        loop {
            if self.at >= text.len() {
                return Ok(if more { Next::More } else { Next::End });
            }
            let start = self.at;
            self.met_end = false;
            let row = self.row(text, out);
            if self.met_end && more {
                self.at = start;
                return Ok(Next::More);
            }
            self.number += 1;
            let number = self.number;
            if self.last_row > 0 && number > self.last_row {
                return Ok(Next::End);
            }
            match row {
                // What is passed over may be a heading that is no row.
                _ if number < self.first_row => {}
                Ok(()) => return Ok(Next::Row(number)),
                Err(e) => {
                    self.at = text.len();
                    return Err(e);
                }
            }
        }
    }

    fn row<'t>(&mut self, text: &'t [U], out: &mut Vec<Field<'t, U>>) -> SqlResult<()> {
        out.clear();
        for n in 0..self.fields {
            let last = n + 1 == self.fields;
            let (value, ended) =
                if self.quoted { self.csv_field(text)? } else { (self.plain_field(text, last)?, last) };
            out.push(value);
            if ended && !last {
                // A CSV line with too few fields.
                return Err(SqlError::new(4832, &[]));
            }
        }
        Ok(())
    }

    /// A field that ends with the row when it is the last, with a field end otherwise.
    fn plain_field<'t>(&mut self, text: &'t [U], last: bool) -> SqlResult<Field<'t, U>> {
        let start = self.at;
        let end = if last { &self.row_end } else { &self.field_end };
        let found = end.first().and_then(|first| {
            let mut at = start;
            loop {
                at += text[at..].iter().position(|u| u == first)?;
                if text[at..].starts_with(end) {
                    return Some(at);
                }
                at += 1;
            }
        });
        match found {
            Some(at) => {
                self.at = at + end.len();
                let value = &text[start..at];
                let value = if last { without_return(value, end) } else { value };
                Ok((!value.is_empty()).then_some(Cow::Borrowed(value)))
            }
            // The last row may lack its end.
            None if last => {
                self.met_end = true;
                self.at = text.len();
                Ok((start < text.len()).then(|| Cow::Borrowed(&text[start..])))
            }
            None => {
                // Nothing behind it is a row either.
                self.met_end = true;
                self.at = text.len();
                Err(SqlError::new(4832, &[]))
            }
        }
    }

    fn stands(&self, text: &[U], what: &[U]) -> bool {
        !what.is_empty() && text[self.at..].starts_with(what)
    }

    /// One field of a CSV file; whether the row ended with it.
    fn csv_field<'t>(&mut self, text: &'t [U]) -> SqlResult<(Field<'t, U>, bool)> {
        let mut quoted: Option<Vec<U>> = None;
        if let Some(q) = self.quote
            && text.get(self.at) == Some(&q)
        {
            let mut value = Vec::new();
            self.at += 1;
            loop {
                match text.get(self.at) {
                    None => {
                        self.met_end = true;
                        return Err(SqlError::new(4832, &[]));
                    }
                    Some(u) if *u == q && text.get(self.at + 1) == Some(&q) => {
                        value.push(q);
                        self.at += 2;
                    }
                    Some(u) if *u == q => {
                        self.at += 1;
                        break;
                    }
                    Some(u) => {
                        value.push(*u);
                        self.at += 1;
                    }
                }
            }
            quoted = Some(value);
        }
        let start = self.at;
        let (rest, ended) = loop {
            if self.at >= text.len() {
                self.met_end = true;
                break (&text[start..], true);
            }
            if self.stands(text, &self.field_end) {
                let rest = &text[start..self.at];
                self.at += self.field_end.len();
                break (rest, false);
            }
            if self.stands(text, &self.row_end) {
                let rest = without_return(&text[start..self.at], &self.row_end);
                self.at += self.row_end.len();
                break (rest, true);
            }
            self.at += 1;
        };
        let value = match quoted {
            Some(mut value) => {
                value.extend_from_slice(rest);
                Some(Cow::Owned(value))
            }
            None => (!rest.is_empty()).then_some(Cow::Borrowed(rest)),
        };
        Ok((value, ended))
    }
}

/// A line feed stands for both ways of ending a line.
fn without_return<'v, U: Character>(value: &'v [U], row_end: &[U]) -> &'v [U] {
    match value.split_last() {
        Some((last, rest)) if row_end == [U::of(0x0A)] && *last == U::of(0x0D) => rest,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same whatever the characters' size, and however the text comes in pieces.
    fn rows(text: &str, format: &FileFormat, fields: usize) -> Vec<Vec<String>> {
        let narrow = text.as_bytes();
        let wide: Vec<u16> = narrow.iter().map(|b| u16::from(*b)).collect();
        let units = |u: &[u16]| String::from_utf16_lossy(u);
        let found = all(&wide, wide.len(), format, fields, &units);
        let bytes = |u: &[u8]| String::from_utf8_lossy(u).into_owned();
        for piece in 1..=narrow.len() {
            assert_eq!(found, all(narrow, piece, format, fields, &bytes), "in pieces of {piece}");
        }
        found
    }

    fn all<U: Character>(
        text: &[U],
        piece: usize,
        format: &FileFormat,
        fields: usize,
        shown: &dyn Fn(&[U]) -> String,
    ) -> Vec<Vec<String>> {
        let mut rows = FileRows::new(format, fields);
        let (mut out, mut begin, mut end) = (Vec::new(), 0, 0);
        loop {
            let (whole, mut row) = (&text[begin..end], Vec::new());
            match rows.next_row(whole, end < text.len(), &mut row) {
                Ok(Next::Row(_)) => {
                    out.push(row.iter().map(|f| f.as_ref().map_or("NULL".into(), |u| shown(u))).collect())
                }
                Ok(Next::More) => {
                    begin += std::mem::take(&mut rows.at);
                    end = (end + piece).min(text.len());
                }
                Ok(Next::End) => return out,
                Err(e) => {
                    out.push(vec![e.number.to_string()]);
                    return out;
                }
            }
        }
    }

    #[test]
    fn fields_and_rows() {
        let mut f = FileFormat::default();
        assert_eq!(rows("a\tb\r\n\tc\n", &f, 2), [["a", "b"], ["NULL", "c"]]);
        assert_eq!(rows("a\tb\tc", &f, 2), [["a", "b\tc"]]);
        assert_eq!(rows("a", &f, 2), [["4832"]]);
        f.set_field_end("|;");
        f.set_row_end("0x23");
        f.first_row = 2;
        assert_eq!(rows("h|;h#1|;2#", &f, 2), [["1", "2"]]);
        let mut csv = FileFormat::default();
        csv.csv();
        assert_eq!(rows("1,\"a,\"\"b\"\"\n\"\n2,\n", &csv, 2), [["1", "a,\"b\"\n"], ["2", "NULL"]]);
        csv.last_row = 1;
        assert_eq!(rows("1,\"\"\n2,x\n", &csv, 2), [["1", ""]]);
    }
}
