//! Recursive descent over the tokens of one batch.
//!
//! Invariants
//! 1. Every recursion that input can drive passes through [`Parser::nested`], so depth is bounded and too deep a text
//!    gives error 191, never a stack overflow.
//! 2. Parsing never goes back over more than a fixed number of tokens, so time is linear in the text.
//! 3. An error's line is that of the token at which parsing could not go on; at the end of the text it is the line of
//!    the last token, with that token's text, as SQL Server does.

mod admin;
mod backup;
mod check;
mod ddl;
mod dml;
mod execute;
mod expression;
mod function;
mod index;
mod module;
mod odbc;
mod permission;
mod query;
mod statement;
mod table;
mod table_source;
mod unsupported;

use crate::ast::{Batch, Expr, Ident, ObjectName, Query, VariableUse};
use crate::error::SyntaxError;
use crate::lexer::{Token, TokenKind, tokenize, tokenize_from};
use crate::{ParseOptions, Span};

pub(crate) type Parsed<T> = Result<T, Box<SyntaxError>>;

/// Nesting of parentheses, subqueries, blocks and operators chains.
const MAX_DEPTH: u32 = 200;
/// Length of left-associative chains of joins, UNION ALL and the like: these trees are deep on their left side.
const MAX_CHAIN: u32 = 1_000;
/// Height of a tree of operators: the length of a chain (`a + b + c …`), with those in its operands.
const MAX_TERMS: u32 = 4_096;

/// Parses a batch.
///
/// # Errors
/// All errors found; the first is what SQL Server reports first.
pub fn parse_batch(text: &str, options: &ParseOptions) -> Result<Batch, Vec<SyntaxError>> {
    let mut parser = match Parser::new(text, options) {
        Ok(p) => p,
        Err(e) => return Err(vec![*e]),
    };
    match parser.batch() {
        Ok(batch) => {
            let errors = check::check_batch(&batch);
            if errors.is_empty() { Ok(batch) } else { Err(errors) }
        }
        Err(e) => Err(parser.all_errors(*e)),
    }
}

/// Parses a scalar expression or a condition that stands alone: the stored text of a default, check constraint, computed
/// column or filter.
///
/// # Errors
/// The first syntax error.
pub fn parse_expression(text: &str, options: &ParseOptions) -> Result<Expr, SyntaxError> {
    let mut parser = Parser::new(text, options).map_err(|e| *e)?;
    let expr = parser.any_expression().map_err(|e| *e)?;
    parser.expect_end().map_err(|e| *e)?;
    Ok(expr)
}

/// Parses one query expression (with WITH, ORDER BY, FOR) that stands alone.
///
/// # Errors
/// The first syntax error.
pub fn parse_query(text: &str, options: &ParseOptions) -> Result<Query, SyntaxError> {
    let mut parser = Parser::new(text, options).map_err(|e| *e)?;
    let query = parser.query().map_err(|e| *e)?;
    parser.eat_symbol(';');
    parser.expect_end().map_err(|e| *e)?;
    Ok(query)
}

/// Parses a multi-part name as OBJECT_ID and EXEC take it: `db.[my schema].t`, up to four parts.
///
/// # Errors
/// The first syntax error.
pub fn parse_object_name(text: &str) -> Result<ObjectName, SyntaxError> {
    let options = ParseOptions { quoted_identifier: true };
    let mut parser = Parser::new(text, &options).map_err(|e| *e)?;
    parser.words_are_names = true;
    let name = parser.object_name().map_err(|e| *e)?;
    parser.expect_end().map_err(|e| *e)?;
    Ok(name)
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    position: usize,
    depth: u32,
    /// Height of the tallest tree of operators since the operand at hand began.
    tallest: u32,
    /// Whether parentheses may hold a condition here.
    conditions: bool,
    /// Inside a subquery.
    pub(crate) in_subquery: bool,
    /// Reserved words count as names (text given to metadata functions).
    words_are_names: bool,
    /// Uses of variables seen so far in this batch or module.
    uses: Vec<VariableUse>,
    quoted_identifier: bool,
    /// Inside CREATE PROCEDURE/FUNCTION/TRIGGER.
    in_module: bool,
}

/// Where the parser was.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: &ParseOptions) -> Parsed<Self> {
        if u32::try_from(text.len()).is_err() {
            return Err(error(103, 15, 1, Span::new(0, 0, 1), "The batch is too long.".to_owned()));
        }
        Ok(Parser {
            text,
            tokens: tokenize(text, options.quoted_identifier),
            position: 0,
            depth: 0,
            tallest: 0,
            conditions: false,
            in_subquery: false,
            words_are_names: false,
            uses: Vec::new(),
            quoted_identifier: options.quoted_identifier,
            in_module: false,
        })
    }

    // ---- looking ----

    pub(crate) fn token(&self) -> &Token {
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    pub(crate) fn token_at(&self, n: usize) -> &Token {
        &self.tokens[(self.position + n).min(self.tokens.len() - 1)]
    }

    pub(crate) fn span(&self) -> Span {
        self.token().span
    }

    /// Span of the token before the current one.
    pub(crate) fn last_span(&self) -> Span {
        if self.position == 0 { Span::new(0, 0, 1) } else { self.tokens[self.position - 1].span }
    }

    /// From `start` to the last token consumed.
    pub(crate) fn since(&self, start: Span) -> Span {
        start.to(self.last_span())
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.position)
    }

    pub(crate) fn reset(&mut self, mark: Mark) {
        self.position = mark.0;
    }

    pub(crate) fn advance(&mut self) {
        if self.position < self.tokens.len() - 1 {
            self.position += 1;
        }
    }

    pub(crate) fn at_end(&self) -> bool {
        matches!(self.token().kind, TokenKind::End)
    }

    fn word_of(&self, token: &Token) -> &'a str {
        if matches!(token.kind, TokenKind::Word(_)) { token.span.text(self.text) } else { "" }
    }

    /// The current token's text when it is an undelimited word, else empty.
    pub(crate) fn word(&self) -> &'a str {
        self.word_of(self.token())
    }

    pub(crate) fn word_at(&self, n: usize) -> &'a str {
        self.word_of(self.token_at(n))
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.word().eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_word_at(&self, n: usize, word: &str) -> bool {
        self.word_at(n).eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_one_of(&self, words: &[&str]) -> bool {
        let w = self.word();
        !w.is_empty() && words.iter().any(|x| x.eq_ignore_ascii_case(w))
    }

    /// True when the next words are exactly these.
    pub(crate) fn is_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, w)| self.is_word_at(i, w))
    }

    pub(crate) fn is_symbol(&self, c: char) -> bool {
        self.token().kind == TokenKind::Symbol(c)
    }

    pub(crate) fn is_symbol_at(&self, n: usize, c: char) -> bool {
        self.token_at(n).kind == TokenKind::Symbol(c)
    }

    // ---- consuming ----

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let hit = self.is_word(word);
        if hit {
            self.advance();
        }
        hit
    }

    pub(crate) fn eat_words(&mut self, words: &[&str]) -> bool {
        let hit = self.is_words(words);
        if hit {
            for _ in words {
                self.advance();
            }
        }
        hit
    }

    /// Consumes the first of these words that is there.
    pub(crate) fn eat_one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let hit = words.iter().find(|w| self.is_word(w)).copied();
        if hit.is_some() {
            self.advance();
        }
        hit
    }

    pub(crate) fn eat_symbol(&mut self, c: char) -> bool {
        let hit = self.is_symbol(c);
        if hit {
            self.advance();
        }
        hit
    }

    pub(crate) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(crate) fn expect_words(&mut self, words: &[&str]) -> Parsed<()> {
        words.iter().try_for_each(|w| self.expect_word(w))
    }

    pub(crate) fn expect_symbol(&mut self, c: char) -> Parsed<()> {
        if self.eat_symbol(c) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(crate) fn expect_end(&mut self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// `ON` or `OFF`.
    pub(crate) fn on_off(&mut self) -> Parsed<bool> {
        if self.eat_word("ON") {
            Ok(true)
        } else if self.eat_word("OFF") {
            Ok(false)
        } else {
            Err(self.unexpected())
        }
    }

    /// Runs `f` one level deeper (invariant 1).
    pub(crate) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let r = f(self);
        self.depth -= 1;
        r
    }

    pub(crate) fn too_deep(&self) -> Box<SyntaxError> {
        let text = "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller \
                    queries.";
        error(191, 15, 1, self.span(), text.to_owned())
    }

    /// `f` separated by commas, at least one.
    pub(crate) fn list<T>(&mut self, mut f: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut out = vec![f(self)?];
        while self.eat_symbol(',') {
            out.push(f(self)?);
        }
        Ok(out)
    }

    /// `( f, f … )`
    pub(crate) fn paren_list<T>(&mut self, f: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect_symbol('(')?;
        let out = self.list(f)?;
        self.expect_symbol(')')?;
        Ok(out)
    }

    // ---- names ----

    /// True when the current token may be a name.
    pub(crate) fn is_ident(&self) -> bool {
        self.is_ident_at(0)
    }

    pub(crate) fn is_ident_at(&self, n: usize) -> bool {
        match &self.token_at(n).kind {
            TokenKind::Word(reserved) => !reserved || self.words_are_names,
            TokenKind::Quoted(_) => true,
            _ => false,
        }
    }

    pub(crate) fn ident(&mut self) -> Parsed<Ident> {
        if !self.is_ident() {
            return Err(self.unexpected());
        }
        Ok(self.take_ident())
    }

    /// The current word or quoted name as an identifier, reserved or not.
    pub(crate) fn take_ident(&mut self) -> Ident {
        let span = self.span();
        let ident = match &self.token().kind {
            TokenKind::Quoted(name) => Ident { text: name.clone(), quoted: true, span },
            _ => Ident { text: span.text(self.text).to_owned(), quoted: false, span },
        };
        self.advance();
        ident
    }

    /// Any word, reserved too (option names, permissions).
    pub(crate) fn any_word(&mut self) -> Parsed<Ident> {
        match self.token().kind {
            TokenKind::Word(_) | TokenKind::Quoted(_) => Ok(self.take_ident()),
            _ => Err(self.unexpected()),
        }
    }

    /// An upper-cased word.
    pub(crate) fn upper_word(&mut self) -> Parsed<String> {
        match self.token().kind {
            TokenKind::Word(_) => {
                let w = self.word().to_ascii_uppercase();
                self.advance();
                Ok(w)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A name or a string taken as a name (aliases).
    pub(crate) fn ident_or_string(&mut self) -> Parsed<Ident> {
        let span = self.span();
        if let TokenKind::String { value, .. } = &self.token().kind {
            let ident = Ident { text: value.clone(), quoted: true, span };
            self.advance();
            return Ok(ident);
        }
        self.ident()
    }

    /// Parts of a dotted name; empty parts (`db..t`) are empty identifiers. At most `max` parts.
    pub(crate) fn name_parts(&mut self, max: usize) -> Parsed<Vec<Ident>> {
        let mut parts = Vec::with_capacity(2);
        let start = self.span();
        if self.is_symbol('.') {
            // `.t` and `..t`: leading parts left out.
            parts.push(Ident { text: String::new(), quoted: false, span: start });
        } else {
            parts.push(self.ident()?);
        }
        while self.is_symbol('.') {
            if parts.len() >= max {
                let name = self.since(start).text(self.text).to_owned();
                return Err(error(
                    117,
                    15,
                    1,
                    start,
                    format!(
                        "The object name '{name}' contains more than the maximum number of prefixes. The maximum is {}.",
                        max - 1
                    ),
                ));
            }
            self.advance();
            if self.is_symbol('.') {
                parts.push(Ident { text: String::new(), quoted: false, span: self.span() });
            } else if matches!(self.token().kind, TokenKind::Word(true)) && !self.words_are_names {
                return Err(self.unexpected());
            } else {
                parts.push(self.ident()?);
            }
        }
        Ok(parts)
    }

    pub(crate) fn object_name(&mut self) -> Parsed<ObjectName> {
        let start = self.span();
        let parts = self.name_parts(4)?;
        Ok(object_name_of(parts, self.since(start)))
    }

    pub(crate) fn string(&mut self) -> Parsed<String> {
        if let TokenKind::String { value, .. } = &self.token().kind {
            let value = value.clone();
            self.advance();
            return Ok(value);
        }
        Err(self.unexpected())
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self.token().kind, TokenKind::String { .. })
    }

    pub(crate) fn is_variable(&self) -> bool {
        matches!(self.token().kind, TokenKind::Variable)
    }

    pub(crate) fn variable(&mut self) -> Parsed<String> {
        if !self.is_variable() {
            return Err(self.unexpected());
        }
        let v = self.span().text(self.text).to_owned();
        self.advance();
        Ok(v)
    }

    /// A variable that is read or assigned: recorded, so that undeclared ones can be reported.
    pub(crate) fn used_variable(&mut self) -> Parsed<String> {
        let span = self.span();
        let name = self.variable()?;
        self.uses.push(VariableUse { name: name.clone(), table: false, span });
        Ok(name)
    }

    pub(crate) fn used_table_variable(&mut self) -> Parsed<String> {
        let span = self.span();
        let name = self.variable()?;
        self.uses.push(VariableUse { name: name.clone(), table: true, span });
        Ok(name)
    }

    /// SET QUOTED_IDENTIFIER changes the reading of the text behind it, at parse time.
    pub(crate) fn switch_quoted_identifier(&mut self, on: bool) {
        if on == self.quoted_identifier {
            return;
        }
        self.quoted_identifier = on;
        let from = self.span();
        self.tokens.truncate(self.position);
        self.tokens.extend(tokenize_from(self.text, from.start as usize, from.line, on));
    }

    /// Skips from `(` to its `)`.
    pub(crate) fn skip_parentheses(&mut self) -> Parsed<()> {
        self.expect_symbol('(')?;
        let mut depth = 1u32;
        while depth > 0 {
            match self.token().kind {
                TokenKind::Symbol('(') => depth += 1,
                TokenKind::Symbol(')') => depth -= 1,
                TokenKind::End | TokenKind::Bad(_) => return Err(self.unexpected()),
                _ => {}
            }
            self.advance();
        }
        Ok(())
    }

    /// A bare unsigned integer.
    pub(crate) fn integer(&mut self) -> Parsed<i64> {
        if self.token().kind != TokenKind::Integer {
            return Err(self.unexpected());
        }
        let n = self.span().text(self.text).parse().unwrap_or(i64::MAX);
        self.advance();
        Ok(n)
    }

    // ---- errors ----

    /// The error for the current token.
    pub(crate) fn unexpected(&self) -> Box<SyntaxError> {
        self.unexpected_at(self.position)
    }

    fn unexpected_at(&self, position: usize) -> Box<SyntaxError> {
        let token = &self.tokens[position.min(self.tokens.len() - 1)];
        match &token.kind {
            TokenKind::Bad(e) => e.clone(),
            TokenKind::End => {
                let Some(last) = position.checked_sub(1).and_then(|p| self.tokens.get(p)) else {
                    return error(102, 15, 1, token.span, near(""));
                };
                error(102, 15, 1, last.span, near(&self.shown(last)))
            }
            TokenKind::Word(true) => {
                let word = token.span.text(self.text);
                if word.eq_ignore_ascii_case("with") {
                    return error(
                        319,
                        15,
                        1,
                        token.span,
                        format!(
                            "Incorrect syntax near the keyword '{word}'. If this statement is a common table expression, \
                             an xmlnamespaces clause or a change tracking context clause, the previous statement must be \
                             terminated with a semicolon."
                        ),
                    );
                }
                error(156, 15, 1, token.span, format!("Incorrect syntax near the keyword '{word}'."))
            }
            _ => error(102, 15, 1, token.span, near(&self.shown(token))),
        }
    }

    /// A token as messages show it.
    fn shown(&self, token: &Token) -> String {
        match &token.kind {
            TokenKind::Quoted(s) | TokenKind::String { value: s, .. } => s.chars().take(2000).collect(),
            _ => token.span.text(self.text).chars().take(2000).collect(),
        }
    }

    /// What the current token is shown as.
    pub(crate) fn shown_token(&self) -> String {
        if self.at_end() && self.position > 0 {
            return self.shown(&self.tokens[self.position - 1]);
        }
        self.shown(self.token())
    }

    /// A lexical error is followed by 102 for its text, as SQL Server does for an unclosed string.
    fn all_errors(&self, first: SyntaxError) -> Vec<SyntaxError> {
        let mut errors = vec![first];
        if errors[0].number == 105 {
            let text =
                errors[0].message.split_once('\'').map_or("", |(_, t)| t.trim_end_matches("'.")).to_owned();
            let mut second = errors[0].clone();
            second.number = 102;
            second.message = near(&text);
            errors.push(second);
        }
        errors
    }
}

fn near(text: &str) -> String {
    format!("Incorrect syntax near '{text}'.")
}

pub(crate) fn error(number: i32, severity: u8, state: u8, span: Span, message: String) -> Box<SyntaxError> {
    Box::new(SyntaxError { number, severity, state, line: span.line, message, offset: span.start })
}

/// Parts to a name; the last part is the object.
pub(crate) fn object_name_of(mut parts: Vec<Ident>, span: Span) -> ObjectName {
    let filled = |i: Option<Ident>| i.filter(|i| !i.text.is_empty());
    let name = parts.pop().unwrap_or_default();
    let schema = filled(parts.pop());
    let database = filled(parts.pop());
    let server = filled(parts.pop());
    ObjectName { server, database, schema, name, span }
}
