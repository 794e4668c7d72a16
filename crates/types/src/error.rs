//! Statement errors: what a client sees. Numbers, severities and texts come from [`crate::messages`].

use crate::messages;

pub type SqlResult<T> = Result<T, SqlError>;

/// An error (or informational message, severity ≤ 10) as TDS carries it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Msg {number}, Level {severity}, State {state}, Line {line}: {message}")]
pub struct SqlError {
    pub number: i32,
    pub severity: u8,
    pub state: u8,
    pub message: String,
    /// 1-based line in the batch or module; 0 = not known yet (the statement runner fills it in).
    pub line: u32,
    /// Procedure name, empty outside one.
    pub procedure: String,
    /// What the same statement is told before it.
    pub before: Vec<SqlError>,
}

impl SqlError {
    /// Builds message `number` with its arguments put into the placeholders in order (see [`messages::format`]).
    pub fn new(number: i32, arguments: &[&dyn std::fmt::Display]) -> Self {
        let (severity, message) = messages::render(number, arguments);
        SqlError {
            number,
            severity,
            state: messages::state(number),
            message,
            line: 0,
            procedure: String::new(),
            before: Vec::new(),
        }
    }

    /// A free text, for numbers ≥ 50000 and for Holdfast's own messages.
    pub fn with_text(number: i32, severity: u8, message: impl Into<String>) -> Self {
        let (procedure, before) = (String::new(), Vec::new());
        SqlError { number, severity, state: 1, message: message.into(), line: 0, procedure, before }
    }

    /// The one answer to a statement or feature that is parsed but cannot be executed yet.
    pub fn not_supported(what: impl std::fmt::Display) -> Self {
        Self::with_text(40_000 + 517, 16, format!("{what} is not supported yet by Holdfast."))
    }

    #[must_use]
    pub fn state(mut self, state: u8) -> Self {
        self.state = state;
        self
    }

    /// Sets the line unless one is set already.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        if self.line == 0 {
            self.line = line;
        }
        self
    }

    /// Several errors of one statement, in order, as one; `None` when there are none.
    pub fn of_several(mut errors: Vec<SqlError>) -> Option<SqlError> {
        let mut last = errors.pop()?;
        last.before.splice(0..0, errors);
        Some(last)
    }

    /// The errors of the statement in the order in which they are told.
    pub fn in_order(mut self) -> Vec<SqlError> {
        let mut all = std::mem::take(&mut self.before);
        all.push(self);
        all
    }
}
