//! The T-SQL front end: text to tokens to syntax tree. Pure; never sees a catalog.
//!
//! Module map: [`ast`] the tree, [`lexer`] tokens, [`parser`] recursive descent, [`splitter`] GO batches.
//!
//! Entry points: [`parse_batch`] for a batch, [`parse_expression`] for the stored text of a default, check or computed
//! column, [`parse_query`], [`parse_object_name`].
#![forbid(unsafe_code)]

pub mod ast;
mod error;
pub mod keyword;
pub mod lexer;
pub mod parser;
mod span;
pub mod splitter;

pub use error::SyntaxError;
pub use parser::{parse_batch, parse_expression, parse_object_name, parse_query};
pub use span::Span;

/// Session settings that change what text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParseOptions {
    /// SET QUOTED_IDENTIFIER: `"x"` is an identifier (true) or a string (false).
    pub quoted_identifier: bool,
}

impl Default for ParseOptions {
    fn default() -> Self {
        ParseOptions { quoted_identifier: true }
    }
}
