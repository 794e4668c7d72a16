//! DBCC and KILL.

use super::{Parsed, Parser};
use crate::ast::{Dbcc, Expr, StatementKind};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(crate) fn dbcc(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let command = self.upper_word()?;
        let mut dbcc = Dbcc { command, arguments: Vec::new(), options: Vec::new() };
        if self.eat_symbol('(') && !self.eat_symbol(')') {
            dbcc.arguments = self.list(Self::dbcc_argument)?;
            self.expect_symbol(')')?;
        }
        if self.eat_word("WITH") {
            dbcc.options = self.list(|p| {
                let name = p.upper_word()?;
                let value = if p.eat_symbol('=') { Some(p.setting_value()?) } else { None };
                Ok((name, value))
            })?;
        }
        Ok(StatementKind::Dbcc(dbcc))
    }

    /// A constant, a variable or a (dotted) word as a string.
    fn dbcc_argument(&mut self) -> Parsed<Expr> {
        match self.token().kind {
            TokenKind::Word(_) if self.is_word("NULL") => self.expr(),
            TokenKind::Word(_) | TokenKind::Quoted(_) => self.setting_value(),
            _ => self.expr(),
        }
    }

    pub(crate) fn kill(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.is_words(&["QUERY", "NOTIFICATION"]) {
            self.position -= 1;
            return self.unsupported(3);
        }
        let stats_job = self.eat_words(&["STATS", "JOB"]);
        let what = self.expr()?;
        let with_status_only = self.eat_words(&["WITH", "STATUSONLY"]) || self.eat_words(&["WITH", "COMMIT"]);
        Ok(StatementKind::Kill { what, with_status_only, stats_job })
    }
}
