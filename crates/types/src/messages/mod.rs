//! The message table: number, severity, text with placeholders. One module per area, so that a reader finds the
//! messages of a subsystem together; `sys.messages` and RAISERROR read the same table.
//!
//! Placeholders are those of SQL Server's texts (`%d`, `%ls`, `%.*ls`, `%I64d`, `%s`, `%0*d` …); arguments fill them in order.

mod binding;
mod catalog;
mod change;
mod conversion;
mod ddl;
mod execution;
mod general;
mod locking;
mod login;
mod restore;
mod security;
mod server;
mod temporal;
mod xml;

use std::fmt::Display;

/// One row: (number, severity, text).
pub type Message = (i32, u8, &'static str);

/// All tables, searched in order.
const TABLES: &[&[Message]] = &[
    binding::MESSAGES,
    catalog::MESSAGES,
    change::MESSAGES,
    conversion::MESSAGES,
    ddl::MESSAGES,
    execution::MESSAGES,
    general::MESSAGES,
    locking::MESSAGES,
    login::MESSAGES,
    restore::MESSAGES,
    security::MESSAGES,
    server::MESSAGES,
    temporal::MESSAGES,
    xml::MESSAGES,
];

/// Severity and template of a message, if it is in the table.
pub fn lookup(number: i32) -> Option<(u8, &'static str)> {
    TABLES.iter().flat_map(|t| t.iter()).find(|m| m.0 == number).map(|m| (m.1, m.2))
}

/// The state of messages that usually come with another one than 1, as SQL Server shows them.
const STATES: &[(i32, u8)] = &[
    (137, 2),
    (195, 10),
    (206, 2),
    (235, 0),
    (242, 3),
    (257, 3),
    (306, 2),
    (468, 9),
    (529, 2),
    (537, 3),
    (8114, 5),
    (8155, 2),
    (8169, 2),
    (8170, 2),
];

/// The usual state of a message.
pub fn state(number: i32) -> u8 {
    STATES.iter().find(|s| s.0 == number).map_or(1, |s| s.1)
}

/// All messages, for `sys.messages`.
pub fn all() -> impl Iterator<Item = &'static Message> {
    TABLES.iter().flat_map(|t| t.iter())
}

/// Severity and rendered text; an unknown number is a bug of ours and renders as a severity 16 text that says so.
pub fn render(number: i32, arguments: &[&dyn Display]) -> (u8, String) {
    match lookup(number) {
        Some((severity, template)) => (severity, fill(template, arguments)),
        None => {
            let rest: Vec<String> = arguments.iter().map(|a| a.to_string()).collect();
            (16, format!("Error {number} ({})", rest.join(", ")))
        }
    }
}

/// Puts the arguments into the template's placeholders in order; surplus placeholders render as `(null)`.
pub fn fill(template: &str, arguments: &[&dyn Display]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut next = arguments.iter();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut spec = String::new();
        while let Some(&s) = chars.peek() {
            chars.next();
            spec.push(s);
            let done = spec == "S_MSG"
                || matches!(s, 'd' | 'i' | 'u' | 'x' | 'X' | 's' | 'c' | 'o' | 'f' | 'g' | 'e')
                    && !(s == 'd' && spec == "I64")
                    && !spec.ends_with("I6");
            if done {
                break;
            }
        }
        match next.next() {
            Some(a) => out.push_str(&a.to_string()),
            None => out.push_str("(null)"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_fill_in_order() {
        assert_eq!(fill("Invalid column name '%.*ls'.", &[&"x"]), "Invalid column name 'x'.");
        assert_eq!(fill("%d of %I64d (%0*d) 100%%", &[&1, &2, &3]), "1 of 2 (3) 100%");
    }

    #[test]
    fn numbers_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for m in all() {
            assert!(seen.insert(m.0), "message {} is listed twice", m.0);
        }
    }
}
