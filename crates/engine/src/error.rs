//! Damage found while reading, as the statement error a client sees.

use holdfast_format::FormatError;
use holdfast_types::SqlError;

/// Severity 24 error 824 for a damaged page, 823 for one that cannot be read, 605 for a page that belongs elsewhere.
pub fn page_error(error: &FormatError) -> SqlError {
    let (number, what) = match error {
        FormatError::NoSuchPage { .. } | FormatError::Unreadable { .. } => {
            (823, "The operating system or the data files cannot supply a page")
        }
        FormatError::WrongPage { .. } => (605, "Attempt to fetch logical page failed"),
        _ => (824, "SQL Server detected a logical consistency-based I/O error"),
    };
    SqlError::with_text(number, 24, format!("{what}: {error}. Run holdfast verify or DBCC CHECKDB."))
}

/// For `map_err`.
pub(crate) fn damaged(error: FormatError) -> SqlError {
    page_error(&error)
}
