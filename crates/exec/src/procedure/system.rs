//! System procedures that are written in T-SQL over the system views. The texts run in the caller's database.

/// Names (lower case) and texts.
const PROCEDURES: &[(&str, &str)] = &[];

/// The text of a system procedure.
pub fn procedure_text(name: &str) -> Option<&'static str> {
    PROCEDURES.iter().find(|(n, _)| *n == name).map(|(_, t)| *t)
}
