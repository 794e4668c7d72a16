//! SET FMTONLY ON: what a batch or procedure would answer, without any of it being done.
//!
//! Invariants
//! 1. Nothing changes but settings, the current database and what DECLARE makes: no rows, no definitions, no transactions, no variables.
//! 2. All branches are gone through once, whatever their conditions: `IF 1 = 0 SET FMTONLY OFF` is how procedures get out of it.
//!
//! Source: "SET FMTONLY". That all branches are gone through is known from how that idiom works.

use holdfast_tsql::ast::{Statement, StatementKind};

use super::run::{Fail, Flow, Runner, Scope};

impl Runner<'_> {
    pub(super) fn only_describes(&self) -> bool {
        self.session.state.lock().fmt_only
    }

    /// A statement under FMTONLY.
    pub(super) fn describe_only(&mut self, s: &Statement, scope: &mut Scope) -> Result<Flow, Fail> {
        match &s.kind {
            StatementKind::Block(list) => {
                for s in list {
                    self.described(s, scope)?;
                }
            }
            StatementKind::If { then, otherwise, .. } => {
                self.described(then, scope)?;
                if let Some(s) = otherwise {
                    self.described(s, scope)?;
                }
            }
            StatementKind::While { body, .. } => self.described(body, scope)?,
            StatementKind::TryCatch { body, .. } => {
                for s in body {
                    self.described(s, scope)?;
                }
            }
            StatementKind::Select(_)
            | StatementKind::Declare(_)
            | StatementKind::SetOption(_)
            | StatementKind::Use(_)
            | StatementKind::Execute(_) => {
                self.while_defined(|r| r.simple(s, scope))?;
            }
            StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Goto(_)
            | StatementKind::Label(_)
            | StatementKind::Return(_) => {}
            _ => self.plain_done(0)?,
        }
        Ok(Flow::Next)
    }

    /// FMTONLY may have been switched off meanwhile.
    fn described(&mut self, s: &Statement, scope: &mut Scope) -> Result<(), Fail> {
        Ok(self.statement(s, scope, None).map(|_| ())?)
    }
}
