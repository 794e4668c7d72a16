//! Identifiers and multi-part names.

use std::fmt;

use crate::Span;

/// One identifier, with the delimiters removed and doubled delimiters undone.
#[derive(Clone, Debug, Default)]
pub struct Ident {
    pub text: String,
    /// Written as `[x]` or `"x"`.
    pub quoted: bool,
    pub span: Span,
}

impl Ident {
    pub fn new(text: impl Into<String>) -> Self {
        Ident { text: text.into(), quoted: false, span: Span::default() }
    }

    /// ASCII case-insensitive comparison, for words of the language (never for catalog names).
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// Equality of text only: where it was written does not matter.
impl PartialEq for Ident {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// `text`, bracketed when it is not a regular identifier.
impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quoted { write!(f, "[{}]", self.text.replace(']', "]]")) } else { f.write_str(&self.text) }
    }
}

/// `server.database.schema.name`; a part left empty (`db..t`) is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectName {
    pub server: Option<Ident>,
    pub database: Option<Ident>,
    pub schema: Option<Ident>,
    pub name: Ident,
    pub span: Span,
}

impl ObjectName {
    pub fn one(name: Ident) -> Self {
        let span = name.span;
        ObjectName { server: None, database: None, schema: None, name, span }
    }

    /// True for a name of one part.
    pub fn is_simple(&self) -> bool {
        self.server.is_none() && self.database.is_none() && self.schema.is_none()
    }

    /// True for the one-part name `word` (ASCII case-insensitive).
    pub fn is(&self, word: &str) -> bool {
        self.is_simple() && self.name.is(word)
    }
}

/// Parts joined by dots without delimiters, as messages show names.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.server, &self.database, &self.schema];
        let mut started = false;
        for part in parts {
            match part {
                Some(p) => {
                    write!(f, "{}.", p.text)?;
                    started = true;
                }
                None if started => f.write_str(".")?,
                None => {}
            }
        }
        f.write_str(&self.name.text)
    }
}
