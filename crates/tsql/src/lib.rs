//! The T-SQL front end: text to tokens to syntax tree. Pure; never sees a catalog.
//!
//! Module map: [`ast`] the tree, `lexer` tokens, `parser` recursive descent, `splitter` GO batches, [`error`].
//!
//! Entry points: `parse_batch(text, &ParseOptions) -> Result<Batch, Vec<SyntaxError>>`, `parse_expression` for the stored text of a default, check or computed
//! column.
#![forbid(unsafe_code)]

pub mod ast;
mod error;
mod span;

pub use error::SyntaxError;
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
