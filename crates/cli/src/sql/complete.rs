//! Completion with Tab: statement words, the shell's own commands, and the names of the database.

use rustyline::completion::{Completer, Pair};
use rustyline::{Context, Helper, Highlighter, Hinter, Validator};

const WORDS: &[&str] = &[
    "ALTER",
    "AND",
    "AS",
    "BACKUP",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COMMIT",
    "CONVERT",
    "COUNT",
    "CREATE",
    "CROSS",
    "DATABASE",
    "DECLARE",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXEC",
    "EXISTS",
    "FROM",
    "FULL",
    "FUNCTION",
    "GO",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PRINT",
    "PROCEDURE",
    "RESTORE",
    "RIGHT",
    "ROLLBACK",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TOP",
    "TRANSACTION",
    "UNION",
    "UPDATE",
    "USE",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WHILE",
    "WITH",
];

const COMMANDS: &[&str] = &[
    ":error",
    ":exit",
    ":help",
    ":list",
    ":listvar",
    ":on error",
    ":out",
    ":quit",
    ":r",
    ":reset",
    ":setvar",
    ":timing",
];

#[derive(Default, Helper, Highlighter, Hinter, Validator)]
pub struct Names {
    /// Databases, schemas, objects and columns.
    pub names: Vec<String>,
}

/// Where the word before the cursor begins.
fn word_start(line: &str, position: usize) -> usize {
    let head = line.get(..position).unwrap_or(line);
    let stop = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '$' | ':'));
    head.rfind(stop).map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8))
}

impl Names {
    fn matches(&self, word: &str) -> Vec<String> {
        let starts = |n: &str| n.get(..word.len()).is_some_and(|h| h.eq_ignore_ascii_case(word));
        if word.is_empty() {
            return Vec::new();
        }
        if word.starts_with(':') {
            return COMMANDS.iter().filter(|c| starts(c)).map(|c| (*c).to_owned()).collect();
        }
        let lower = word.chars().all(|c| !c.is_uppercase());
        let words = WORDS.iter().filter(|w| starts(w));
        let mut out: Vec<String> =
            words.map(|w| if lower { w.to_lowercase() } else { (*w).to_owned() }).collect();
        out.extend(self.names.iter().filter(|n| starts(n)).cloned());
        out.dedup();
        out
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let start = word_start(line, position);
        let word = line.get(start..position).unwrap_or("");
        let pairs = self.matches(word).into_iter().map(|m| Pair { display: m.clone(), replacement: m });
        Ok((start, pairs.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_complete() {
        let names = Names { names: vec!["Orders".into(), "OrderLines".into()] };
        assert_eq!(word_start("select * from dbo.Ord", 21), 18);
        assert_eq!(word_start("sel", 3), 0);
        assert_eq!(names.matches("ord"), ["order", "Orders", "OrderLines"]);
        assert_eq!(names.matches("SEL"), ["SELECT"]);
        assert_eq!(names.matches(":se"), [":setvar"]);
        assert!(names.matches("").is_empty());
    }
}
