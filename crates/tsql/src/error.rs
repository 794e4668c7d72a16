//! Syntax errors with SQL Server's numbers and texts. Independent of the message table of the layers above; they turn
//! this into a statement error by number, text and line.

/// A syntax error; severity 15 and state 1 unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Msg {number}, Level {severity}, State {state}, Line {line}: {message}")]
pub struct SyntaxError {
    pub number: i32,
    pub severity: u8,
    pub state: u8,
    /// 1-based line in the text that was parsed.
    pub line: u32,
    pub message: String,
    /// Where in the text, as byte offset.
    pub offset: u32,
}
