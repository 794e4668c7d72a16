//! The xml type: its stored binary form, its text, and the well-formedness parser between them.
//!
//! Module map: [`binary`] stored bytes to text, [`document`] the tree, [`xquery`] queries on it, [`schema`] schema collections, [`text`] text parser with SQL Server's errors, [`encode_text`] text to bytes.
//!
//! Invariants
//! 1. Reading is iterative: no input makes it recurse. Output is bounded by [`OUTPUT_MAX`] units.
//! 2. What is written uses only name definitions, elements, attributes and nvarchar texts, the tokens genuine values use.

pub mod binary;
pub mod document;
pub mod schema;
pub mod text;
pub mod xquery;

pub use binary::decode_to_units;
pub use text::{Event, normalize, parse};

/// Longest text a binary value may expand to, in UTF-16 units (hostile name references could ask for terabytes).
pub const OUTPUT_MAX: usize = 1 << 28;

/// Deepest nesting of elements, as SQL Server has it.
pub const DEPTH_MAX: usize = 128;

/// Why bytes or a text are not an xml value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    #[error("binary xml ends at offset {offset}")]
    Truncated { offset: usize },
    #[error("binary xml: token {token:#04x} at offset {offset} is not known or not allowed here")]
    Token { token: u8, offset: usize },
    #[error("binary xml: name {index} at offset {offset} is not defined")]
    Name { index: u32, offset: usize },
    #[error("binary xml: header is not DF FF")]
    Header,
    #[error("binary xml: value at offset {offset} is out of range")]
    Value { offset: usize },
    #[error("xml value expands to more than {OUTPUT_MAX} characters")]
    TooLarge,
    /// The text is not well-formed: number, line and character as SQL Server reports them.
    #[error("XML parsing: line {line}, character {character}: error {number}")]
    Syntax { number: i32, line: u32, character: u32 },
}

impl XmlError {
    /// The statement error for it.
    pub fn to_sql(&self) -> crate::SqlError {
        match self {
            XmlError::Syntax { number, line, character } => crate::SqlError::new(*number, &[line, character]),
            other => crate::SqlError::with_text(6_000 + 354, 16, other.to_string()),
        }
    }
}

/// The binary form of an XML text (fragment or document).
pub fn encode_text(units: &[u16]) -> Result<Vec<u8>, XmlError> {
    let text = String::from_utf16_lossy(units);
    let mut w = Writer { out: vec![0xDF, 0xFF, 1, 0xB0, 4], ..Writer::default() };
    let mut in_attributes = false;
    parse(&text, |event| {
        if in_attributes && !matches!(event, Event::Attribute { .. }) {
            w.out.push(0xF5);
            in_attributes = false;
        }
        match event {
            Event::Start { prefix, local, uri } => {
                let q = w.qualified(uri, prefix, local);
                w.out.push(0xF8);
                w.number(q);
            }
            Event::Attribute { prefix, local, uri, value } => {
                let q = w.qualified(uri, prefix, local);
                w.out.push(0xF6);
                w.number(q);
                w.text(value);
                in_attributes = true;
            }
            Event::End => w.out.push(0xF7),
            Event::Text(t) => w.text(t),
            Event::Comment(t) => {
                w.out.push(0xF3);
                w.raw_text(t);
            }
            Event::Instruction { target, data } => {
                let n = w.name(target);
                w.out.push(0xF4);
                w.number(n);
                w.raw_text(data);
            }
        }
    })?;
    Ok(w.out)
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    names: std::collections::HashMap<String, u32>,
    qualified: std::collections::HashMap<(u32, u32, u32), u32>,
}

impl Writer {
    fn number(&mut self, mut n: u32) {
        while n >= 0x80 {
            self.out.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.out.push(n as u8);
    }

    fn raw_text(&mut self, t: &str) {
        let units: Vec<u16> = t.encode_utf16().collect();
        self.number(units.len() as u32);
        units.iter().for_each(|u| self.out.extend_from_slice(&u.to_le_bytes()));
    }

    fn text(&mut self, t: &str) {
        self.out.push(0x11);
        self.raw_text(t);
    }

    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        if let Some(&n) = self.names.get(name) {
            return n;
        }
        let n = self.names.len() as u32 + 1;
        self.names.insert(name.to_owned(), n);
        self.out.push(0xF0);
        self.raw_text(name);
        n
    }

    fn qualified(&mut self, uri: &str, prefix: &str, local: &str) -> u32 {
        let key = (self.name(uri), self.name(prefix), self.name(local));
        if let Some(&n) = self.qualified.get(&key) {
            return n;
        }
        let n = self.qualified.len() as u32 + 1;
        self.qualified.insert(key, n);
        self.out.push(0xEF);
        self.number(key.0);
        self.number(key.1);
        self.number(key.2);
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(s: &str) -> String {
        let units: Vec<u16> = s.encode_utf16().collect();
        String::from_utf16(&decode_to_units(&encode_text(&units).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn text_to_binary_and_back() {
        for s in [
            "",
            "plain",
            "<a/>",
            "<a b=\"1\" c=\"x&lt;&quot;\">t &amp; u<d/><!--c--><?p i?></a>",
            "<p:a xmlns:p=\"urn:x\" p:q=\"z\"><b xmlns=\"urn:y\"/></p:a>",
            "<a>é😀</a><b/>",
        ] {
            assert_eq!(round(s), s);
        }
        assert_eq!(round("<a></a>"), "<a/>");
        assert_eq!(round("<a ><![CDATA[<x>]]></a >"), "<a>&lt;x&gt;</a>");
        assert_eq!(round("<?xml version=\"1.0\"?>\n<a>\n  <b/>\n</a>"), "<a><b/></a>");
    }

    #[test]
    fn mutated_bytes_never_panic() {
        let source = "<p:a xmlns:p=\"urn:x\" p:q=\"z\"><b xmlns=\"urn:y\">text</b><!--c--></p:a>";
        let units: Vec<u16> = source.encode_utf16().collect();
        let good = encode_text(&units).unwrap();
        for at in 0..good.len() {
            assert!(decode_to_units(&good[..at]).is_err() || at == 0 || at >= 5);
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let _ = decode_to_units(&bad);
            }
            for value in 0xE9..=0xFE {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = decode_to_units(&bad);
            }
        }
    }

    #[test]
    fn syntax_errors_have_numbers_and_places() {
        let number = |s: &str| match parse(s, |_| {}) {
            Err(XmlError::Syntax { number, line, character }) => (number, line, character),
            other => panic!("{s}: {other:?}"),
        };
        assert_eq!(number("<a>").0, 9400);
        assert_eq!(number("<a></b>").0, 9436);
        assert_eq!(number("<a b=1/>").0, 9413);
        assert_eq!(number("<a>\n&nope;</a>").0, 9448);
        assert_eq!(number("<a>\n&nope;</a>").1, 2);
        assert_eq!(number("<p:a/>").0, 9459);
        assert!(parse(&"<a>".repeat(1000), |_| {}).is_err());
    }
}
