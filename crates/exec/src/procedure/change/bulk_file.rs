//! Rows out of a data file for BULK INSERT.
//!
//! Invariants
//! 1. Plain files are counted through: a row has as many fields as the table, the last ends with the row's end and may hold
//!    field ends. In CSV files a field may stand in quotes and a row ends where its line does.
//! 2. An empty field is NULL.

use holdfast_types::{CollationId, SqlError, SqlResult};

/// How a file is written.
#[derive(Clone, Debug)]
pub struct FileFormat {
    field_end: Vec<u16>,
    row_end: Vec<u16>,
    quote: Option<u16>,
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

/// The rows of a file with their numbers.
pub struct FileRows<'f> {
    text: Vec<u16>,
    format: &'f FileFormat,
    fields: usize,
    at: usize,
    number: u64,
}

type Fields = Vec<Option<Vec<u16>>>;

impl<'f> FileRows<'f> {
    pub fn new(bytes: &[u8], format: &'f FileFormat, fields: usize, collation: CollationId) -> Self {
        let text = if format.wide || bytes.starts_with(&[0xFF, 0xFE]) {
            let body = bytes.strip_prefix(&[0xFF, 0xFE]).unwrap_or(bytes);
            body.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect()
        } else if format.utf8 || bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
            let body = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
            String::from_utf8_lossy(body).encode_utf16().collect()
        } else {
            collation.code_page().decode(bytes)
        };
        FileRows { text, format, fields, at: 0, number: 0 }
    }

    fn stands(&self, what: &[u16]) -> bool {
        !what.is_empty() && self.text[self.at..].starts_with(what)
    }

    /// The next row; `None` at the end.
    fn row(&mut self) -> SqlResult<Option<Fields>> {
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(self.fields);
        for n in 0..self.fields {
            let last = n + 1 == self.fields;
            let (value, ended) = self.field(last)?;
            out.push(value);
            if ended && !last {
                // A CSV line with too few fields.
                return Err(SqlError::new(4832, &[]));
            }
        }
        Ok(Some(out))
    }

    /// One field; whether the row ended with it.
    fn field(&mut self, last: bool) -> SqlResult<(Option<Vec<u16>>, bool)> {
        let mut value = Vec::new();
        let mut quoted = false;
        if self.format.quoted
            && let Some(q) = self.format.quote
            && self.text.get(self.at) == Some(&q)
        {
            quoted = true;
            self.at += 1;
            loop {
                match self.text.get(self.at) {
                    None => return Err(SqlError::new(4832, &[])),
                    Some(u) if *u == q && self.text.get(self.at + 1) == Some(&q) => {
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
        }
        let csv = self.format.quoted;
        let start = self.at;
        loop {
            if self.at >= self.text.len() {
                // The last row may lack its end.
                return if last || csv {
                    value.extend_from_slice(&self.text[start..]);
                    Ok((done(value, quoted), true))
                } else {
                    Err(SqlError::new(4832, &[]))
                };
            }
            if (!last || csv) && self.stands(&self.format.field_end) {
                value.extend_from_slice(&self.text[start..self.at]);
                self.at += self.format.field_end.len();
                return Ok((done(value, quoted), false));
            }
            if (last || csv) && self.stands(&self.format.row_end) {
                value.extend_from_slice(&self.text[start..self.at]);
                self.at += self.format.row_end.len();
                // "\n" stands for both ways of ending a line.
                if self.format.row_end == [0x0A] && value.last() == Some(&0x0D) {
                    value.pop();
                }
                return Ok((done(value, quoted), true));
            }
            self.at += 1;
        }
    }
}

fn done(value: Vec<u16>, quoted: bool) -> Option<Vec<u16>> {
    (quoted || !value.is_empty()).then_some(value)
}

impl Iterator for FileRows<'_> {
    type Item = SqlResult<(u64, Fields)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = self.row().transpose()?;
            self.number += 1;
            let number = self.number;
            if self.format.last_row > 0 && number > self.format.last_row {
                return None;
            }
            match row {
                // What is passed over may be a heading that is no row.
                _ if number < self.format.first_row => {}
                Ok(fields) => return Some(Ok((number, fields))),
                Err(e) => {
                    self.at = self.text.len();
                    return Some(Err(e));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, format: &FileFormat, fields: usize) -> Vec<Vec<String>> {
        FileRows::new(text.as_bytes(), format, fields, CollationId::SERVER_DEFAULT)
            .map(|r| match r {
                Ok((_, f)) => {
                    f.into_iter().map(|x| x.map_or("NULL".into(), |u| String::from_utf16_lossy(&u))).collect()
                }
                Err(e) => vec![e.number.to_string()],
            })
            .collect()
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
