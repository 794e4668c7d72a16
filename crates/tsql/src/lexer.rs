//! Text to tokens.
//!
//! Invariants
//! 1. Tokens are in order, do not overlap, and end with exactly one `End` token; a lexical error is a `Bad` token, which
//!    also ends the useful part of the stream.
//! 2. Operators are single characters: T-SQL allows blanks inside `> =`, so the parser joins them.
//! 3. Every position lies on a character boundary.
//!
//! Evidence: product documentation (identifiers, constants, comments); nested comments, line continuation by backslash in
//! strings and `1e` as a float are documented there too.

use crate::Span;
use crate::error::SyntaxError;
use crate::keyword::is_reserved;

/// Longest identifier, in characters (UTF-16 units are not counted apart).
const MAX_IDENTIFIER: usize = 128;

#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// A word without delimiters; reserved words have `true`.
    Word(bool),
    /// `[x]`, `"x"`: the name.
    Quoted(String),
    /// `@x` (also a lone `@`).
    Variable,
    /// `@@x`
    Global,
    /// `'…'` or `"…"` when quoted identifiers are off; `national` for N'…'.
    String {
        value: String,
        national: bool,
    },
    Integer,
    Decimal,
    Float,
    /// Digits after the currency sign, cleaned.
    Money(String),
    Binary(Vec<u8>),
    /// `$action`, `$identity`, `$partition` …: with the dollar sign, as written.
    Dollar,
    Symbol(char),
    /// A lexical error.
    Bad(Box<SyntaxError>),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// Splits `text`; never fails (see invariant 1).
pub fn tokenize(text: &str, quoted_identifier: bool) -> Vec<Token> {
    tokenize_from(text, 0, 1, quoted_identifier)
}

/// Like [`tokenize`], from a token boundary on.
pub(crate) fn tokenize_from(text: &str, position: usize, line: u32, quoted_identifier: bool) -> Vec<Token> {
    let mut lexer = Lexer { text, position, line, quoted_identifier };
    let mut tokens = Vec::with_capacity(text.len() / 5 + 2);
    loop {
        let token = lexer.next();
        let end = matches!(token.kind, TokenKind::End);
        let bad = matches!(token.kind, TokenKind::Bad(_));
        tokens.push(token);
        if end {
            return tokens;
        }
        if bad {
            let span = Span::new(text.len() as u32, text.len() as u32, lexer.line);
            tokens.push(Token { kind: TokenKind::End, span });
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: u32,
    quoted_identifier: bool,
}

fn is_identifier_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '#'
}

fn is_identifier_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '@' | '$') || is_mark(c)
}

/// Combining marks and other joiners that Unicode counts as identifier parts but not as letters.
fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F | 0x483..=0x487 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0x900..=0x903
        | 0x93A..=0x94F | 0x203F..=0x2040 | 0x3099..=0x309A | 0xFE20..=0xFE2F)
}

fn is_blank(c: char) -> bool {
    c <= ' '
        || matches!(c, '\u{7F}'..='\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\u{FEFF}')
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '\u{A2}'..='\u{A5}' | '\u{9F2}' | '\u{9F3}' | '\u{E3F}' | '\u{17DB}' | '\u{20A0}'..='\u{20BF}' | '\u{FDFC}' | '\u{FE69}' | '\u{FF04}' | '\u{FFE0}' | '\u{FFE1}' | '\u{FFE5}' | '\u{FFE6}')
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_at(&self, n: usize) -> Option<char> {
        self.rest().chars().nth(n)
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += c.len_utf8();
        if c == '\n' || (c == '\r' && self.peek() != Some('\n')) {
            self.line += 1;
        }
        Some(c)
    }

    fn bump_while(&mut self, f: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&f) {
            self.bump();
        }
    }

    fn error(&self, start: usize, line: u32, number: i32, state: u8, message: String) -> TokenKind {
        TokenKind::Bad(Box::new(SyntaxError {
            number,
            severity: 15,
            state,
            line,
            message,
            offset: start as u32,
        }))
    }

    /// Skips blanks and comments; an unclosed comment is an error.
    fn skip_blanks(&mut self) -> Option<TokenKind> {
        loop {
            self.bump_while(is_blank);
            let rest = self.rest();
            if rest.starts_with("--") {
                self.bump_while(|c| c != '\n' && c != '\r');
            } else if rest.starts_with("/*") {
                let (start, line) = (self.position, self.line);
                let mut depth = 0usize;
                loop {
                    let rest = self.rest();
                    if rest.starts_with("/*") {
                        depth += 1;
                        self.position += 2;
                    } else if rest.starts_with("*/") {
                        depth -= 1;
                        self.position += 2;
                        if depth == 0 {
                            break;
                        }
                    } else if self.bump().is_none() {
                        let text = "Missing end comment mark '*/'.".to_owned();
                        return Some(self.error(start, line, 113, 1, text));
                    }
                }
            } else {
                return None;
            }
        }
    }

    fn next(&mut self) -> Token {
        if let Some(bad) = self.skip_blanks() {
            let end = self.text.len() as u32;
            return Token { kind: bad, span: Span::new(end, end, self.line) };
        }
        let (start, line) = (self.position, self.line);
        let kind = self.kind(start, line);
        Token { kind, span: Span::new(start as u32, self.position as u32, line) }
    }

    fn kind(&mut self, start: usize, line: u32) -> TokenKind {
        let Some(c) = self.peek() else { return TokenKind::End };
        match c {
            '\'' => self.string(start, line, '\'', false),
            '"' if !self.quoted_identifier => self.string(start, line, '"', false),
            '"' => self.quoted(start, line, '"'),
            '[' => self.quoted(start, line, ']'),
            'N' | 'n' if self.rest()[1..].starts_with('\'') => {
                self.bump();
                self.string(start, line, '\'', true)
            }
            '@' => self.variable(start, line),
            '0' if self.rest().len() > 1 && matches!(self.rest().as_bytes()[1], b'x' | b'X') => self.binary(),
            '0'..='9' => self.number(),
            '.' if self.peek_at(1).is_some_and(|d| d.is_ascii_digit()) => self.number(),
            '$' if self.peek_at(1).is_some_and(|d| d.is_alphabetic() || d == '_') => {
                self.bump();
                self.bump_while(is_identifier_part);
                TokenKind::Dollar
            }
            c if is_currency(c) => self.money(),
            c if is_identifier_start(c) => {
                self.bump_while(is_identifier_part);
                let word = &self.text[start..self.position];
                if word.len() > MAX_IDENTIFIER && word.chars().count() > MAX_IDENTIFIER {
                    return self.too_long(start, line, word);
                }
                TokenKind::Word(is_reserved(word))
            }
            c => {
                self.bump();
                TokenKind::Symbol(c)
            }
        }
    }

    fn too_long(&self, start: usize, line: u32, word: &str) -> TokenKind {
        let shown: String = word.chars().take(MAX_IDENTIFIER).collect();
        let text = format!(
            "The identifier that starts with '{shown}' is too long. Maximum length is {MAX_IDENTIFIER}."
        );
        self.error(start, line, 103, 4, text)
    }

    fn string(&mut self, start: usize, line: u32, delimiter: char, national: bool) -> TokenKind {
        self.bump();
        let mut value = String::new();
        let content = self.position;
        loop {
            match self.bump() {
                None => {
                    let shown: String = self.text[content..].chars().take(2000).collect();
                    let text = format!("Unclosed quotation mark after the character string '{shown}'.");
                    return self.error(start, line, 105, 1, text);
                }
                Some(c) if c == delimiter => {
                    if self.peek() != Some(delimiter) {
                        return TokenKind::String { value, national };
                    }
                    self.bump();
                    value.push(delimiter);
                }
                Some('\\') if matches!(self.peek(), Some('\n' | '\r')) => {
                    if self.bump() == Some('\r') && self.peek() == Some('\n') {
                        self.bump();
                    }
                }
                Some(c) => value.push(c),
            }
        }
    }

    fn quoted(&mut self, start: usize, line: u32, close: char) -> TokenKind {
        self.bump();
        let mut name = String::new();
        let content = self.position;
        loop {
            match self.bump() {
                None => {
                    let shown: String = self.text[content..].chars().take(2000).collect();
                    let text = format!("Unclosed quotation mark after the character string '{shown}'.");
                    return self.error(start, line, 105, 1, text);
                }
                Some(c) if c == close => {
                    if self.peek() == Some(close) {
                        self.bump();
                        name.push(close);
                        continue;
                    }
                    if name.len() > MAX_IDENTIFIER && name.chars().count() > MAX_IDENTIFIER {
                        return self.too_long(start, line, &name);
                    }
                    if name.is_empty() {
                        let text = "An object or column name is missing or empty. For SELECT INTO statements, verify \
                                    each column has a name. For other statements, look for empty alias names. Aliases \
                                    defined as \"\" or [] are not allowed. Change the alias to a valid name."
                            .to_owned();
                        return self.error(start, line, 1038, 4, text);
                    }
                    return TokenKind::Quoted(name);
                }
                Some(c) => name.push(c),
            }
        }
    }

    fn variable(&mut self, start: usize, line: u32) -> TokenKind {
        self.bump();
        let global = self.peek() == Some('@');
        self.bump_while(is_identifier_part);
        let word = &self.text[start..self.position];
        if word.len() > MAX_IDENTIFIER && word.chars().count() > MAX_IDENTIFIER {
            return self.too_long(start, line, word);
        }
        if global { TokenKind::Global } else { TokenKind::Variable }
    }

    fn binary(&mut self) -> TokenKind {
        self.position += 2;
        let mut digits = Vec::new();
        loop {
            match self.peek() {
                Some(c) if c.is_ascii_hexdigit() => {
                    self.bump();
                    digits.push(c.to_digit(16).unwrap_or(0) as u8);
                }
                Some('\\') if matches!(self.peek_at(1), Some('\n' | '\r')) => {
                    self.bump();
                    if self.bump() == Some('\r') && self.peek() == Some('\n') {
                        self.bump();
                    }
                }
                _ => break,
            }
        }
        if digits.len() % 2 == 1 {
            digits.insert(0, 0);
        }
        TokenKind::Binary(digits.chunks_exact(2).map(|d| d[0] << 4 | d[1]).collect())
    }

    fn number(&mut self) -> TokenKind {
        let mut kind = TokenKind::Integer;
        self.bump_while(|c| c.is_ascii_digit());
        if self.peek() == Some('.') {
            kind = TokenKind::Decimal;
            self.bump();
            self.bump_while(|c| c.is_ascii_digit());
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let signed = matches!(self.peek_at(1), Some('+' | '-'));
            let after = self.peek_at(if signed { 2 } else { 1 });
            let digits = after.is_some_and(|c| c.is_ascii_digit());
            // `1e` alone is a float too; `1else` is a number and a word.
            let ends = !after.is_some_and(is_identifier_part);
            if digits || ends {
                kind = TokenKind::Float;
                self.bump();
                if signed && digits {
                    self.bump();
                }
                self.bump_while(|c| c.is_ascii_digit());
            }
        }
        kind
    }

    fn money(&mut self) -> TokenKind {
        self.bump();
        let mark = (self.position, self.line);
        self.bump_while(|c| c == ' ' || c == '\t');
        let mut text = String::new();
        if let Some(sign @ ('+' | '-')) = self.peek() {
            self.bump();
            if sign == '-' {
                text.push('-');
            }
        }
        let digits = self.position;
        self.bump_while(|c| c.is_ascii_digit() || c == ',');
        // A comma that no digit follows belongs to the list around the literal.
        while self.position > digits && self.text[..self.position].ends_with(',') {
            self.position -= 1;
        }
        if self.peek() == Some('.') {
            self.bump();
            self.bump_while(|c| c.is_ascii_digit());
        }
        if self.position == digits {
            (self.position, self.line) = mark;
            return TokenKind::Money("0".into());
        }
        text.extend(self.text[digits..self.position].chars().filter(|c| *c != ','));
        TokenKind::Money(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokenize(text, true).into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn literals() {
        let k = kinds(
            "1 1.5 .5 1. 1e3 1.5E-2 1e 0xABC 0x N'a''b' $1,234.5 £-3 'x' \"q\"\"r\" [a]]b] @v @@g $action",
        );
        use TokenKind::*;
        let string = |v: &str, n| String { value: v.into(), national: n };
        assert_eq!(
            k,
            vec![
                Integer,
                Decimal,
                Decimal,
                Decimal,
                Float,
                Float,
                Float,
                Binary(vec![0x0a, 0xbc]),
                Binary(vec![]),
                string("a'b", true),
                Money("1234.5".into()),
                Money("-3".into()),
                string("x", false),
                Quoted("q\"r".into()),
                Quoted("a]b".into()),
                Variable,
                Global,
                Dollar,
                End
            ]
        );
    }

    #[test]
    fn lines_and_nested_comments() {
        let t = tokenize("a\r\n/* x /* y\n */ z */ b -- c\n'p\nq' d", true);
        let lines: Vec<u32> = t.iter().map(|t| t.span.line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 5]);
    }

    #[test]
    fn errors() {
        let number = |text: &str| match &kinds(text)[0] {
            TokenKind::Bad(e) => (e.number, e.line),
            other => panic!("{other:?}"),
        };
        assert_eq!(number("\n'abc"), (105, 2));
        assert_eq!(number("/* /* */"), (113, 1));
        assert_eq!(number(&"x".repeat(129)), (103, 1));
        assert_eq!(number("[]"), (1038, 1));
    }

    #[test]
    fn quoted_identifier_off_makes_strings() {
        let t = tokenize("\"a'b\"", false);
        assert_eq!(t[0].kind, TokenKind::String { value: "a'b".into(), national: false });
    }
}
