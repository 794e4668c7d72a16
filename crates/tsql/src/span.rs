//! Positions in a batch's text.
//!
//! Invariants
//! 1. `start..end` are byte offsets into the UTF-8 text and lie on character boundaries; `line` is 1-based and is the
//!    line of `start`. Line breaks are LF, CR LF and lone CR.

/// A piece of the source text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub line: u32,
}

impl Span {
    pub const fn new(start: u32, end: u32, line: u32) -> Self {
        Span { start, end, line }
    }

    /// From the start of `self` to the end of `last`.
    #[must_use]
    pub fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.start), line: self.line }
    }

    /// The piece of `source`; empty when the span does not belong to it.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}
