//! Statements that are recognised by their first words only, and how their end is found: a semicolon, the end of the
//! batch, or a word on a new line that begins another statement (outside parentheses).

use super::{Parsed, Parser};
use crate::ast::StatementKind;
use crate::lexer::TokenKind;

/// Words that begin statements often enough to end an unknown one when they come first on a line.
const STARTS: &[&str] = &[
    "ALTER",
    "BACKUP",
    "BEGIN",
    "BREAK",
    "BULK",
    "CHECKPOINT",
    "CLOSE",
    "COMMIT",
    "CONTINUE",
    "CREATE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DENY",
    "DROP",
    "ELSE",
    "END",
    "EXEC",
    "EXECUTE",
    "FETCH",
    "GOTO",
    "GRANT",
    "IF",
    "INSERT",
    "KILL",
    "MERGE",
    "OPEN",
    "PRINT",
    "RAISERROR",
    "RECONFIGURE",
    "RESTORE",
    "RETURN",
    "REVERT",
    "REVOKE",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "TRUNCATE",
    "UPDATE",
    "USE",
    "WAITFOR",
    "WHILE",
];

impl Parser<'_> {
    /// True at a word that begins a statement.
    pub(crate) fn at_statement_word(&self) -> bool {
        self.is_one_of(STARTS)
    }

    /// Skips to the end of the statement; the text from the current token.
    pub(crate) fn rest_of_statement(&mut self) -> String {
        let start = self.span();
        let mut depth = 0u32;
        let mut any = false;
        let mut last_line = start.line;
        loop {
            let line = self.span().line;
            match self.token().kind {
                TokenKind::End | TokenKind::Bad(_) => break,
                TokenKind::Symbol(';') if depth == 0 => break,
                TokenKind::Symbol('(') => depth += 1,
                TokenKind::Symbol(')') => match depth.checked_sub(1) {
                    Some(d) => depth = d,
                    None => break,
                },
                TokenKind::Word(_)
                    if depth == 0 && (line > last_line || !any) && self.at_statement_word() =>
                {
                    let set = self.is_word("SET")
                        && !matches!(self.token_at(1).kind, TokenKind::Variable)
                        && !self
                            .is_one_of_at(1, &["NOCOUNT", "ANSI_NULLS", "QUOTED_IDENTIFIER", "XACT_ABORT"]);
                    let execute_as = self.is_one_of(&["EXEC", "EXECUTE"]) && self.is_word_at(1, "AS");
                    if !set && !execute_as {
                        break;
                    }
                }
                TokenKind::Word(_) if depth == 0 && self.at_block_end() => break,
                _ => {}
            }
            last_line = self.span().line;
            any = true;
            self.advance();
        }
        if any { self.since(start).text(self.text).to_owned() } else { String::new() }
    }

    /// The statement's name is its first `words` words.
    pub(crate) fn unsupported(&mut self, words: usize) -> Parsed<StatementKind> {
        self.unsupported_after(0, words)
    }

    /// Like [`Parser::unsupported`] when `consumed` of the name's words lie behind the current token.
    pub(crate) fn unsupported_after(&mut self, consumed: usize, words: usize) -> Parsed<StatementKind> {
        self.position = self.position.saturating_sub(consumed);
        let mut name = Vec::new();
        for _ in 0..words {
            if let TokenKind::Word(_) = self.token().kind {
                name.push(self.upper_word()?);
            }
        }
        self.rest_of_statement();
        Ok(StatementKind::Unsupported { name: name.join(" ") })
    }

    /// CREATE, ALTER or DROP of something that is not modelled; that word lies behind the current token. The kind is one
    /// word, or two when the second is a word of the language too.
    pub(crate) fn unsupported_create(&mut self, verb: &str) -> Parsed<StatementKind> {
        const SECOND: &[&str] = &[
            "SESSION",
            "KEY",
            "CATALOG",
            "INDEX",
            "STOPLIST",
            "GROUP",
            "POLICY",
            "TYPE",
            "SOURCE",
            "TABLE",
            "FORMAT",
            "LIBRARY",
            "LANGUAGE",
            "MODEL",
            "POOL",
            "GOVERNOR",
            "NOTIFICATION",
            "AUDIT",
            "CONFIGURATION",
            "MASTER",
            "ENCRYPTION",
            "SPECIFICATION",
            "PRIORITY",
            "SERVICE",
            "BINDING",
            "CLASSIFICATION",
            "SCHEMA",
            "PROVIDER",
            "LIST",
            "COLLECTION",
            "FUNCTION",
            "SCHEME",
            "SIGNATURE",
        ];
        const KINDS: &[&str] = &[
            "ASSEMBLY",
            "AGGREGATE",
            "ASYMMETRIC",
            "AVAILABILITY",
            "BROKER",
            "CERTIFICATE",
            "COLUMN",
            "CONTRACT",
            "CREDENTIAL",
            "CRYPTOGRAPHIC",
            "DATABASE",
            "ENDPOINT",
            "EVENT",
            "EXTERNAL",
            "FEDERATION",
            "FULLTEXT",
            "MASTER",
            "MESSAGE",
            "PARTITION",
            "QUEUE",
            "REMOTE",
            "RESOURCE",
            "ROUTE",
            "SEARCH",
            "SECURITY",
            "SERVER",
            "SERVICE",
            "SELECTIVE",
            "SENSITIVITY",
            "SIGNATURE",
            "SYMMETRIC",
            "WORKLOAD",
            "XML",
            "COUNTER",
            "DEFAULT",
            "RULE",
            "MATERIALIZED",
        ];
        if !self.is_one_of(KINDS) {
            return Err(self.unexpected());
        }
        let mut name = vec![verb.to_owned(), self.upper_word()?];
        while self.is_one_of(SECOND) && name.len() < 5 {
            name.push(self.upper_word()?);
        }
        self.rest_of_statement();
        Ok(StatementKind::Unsupported { name: name.join(" ") })
    }
}
