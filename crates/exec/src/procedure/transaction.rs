//! BEGIN, COMMIT, ROLLBACK and SAVE: count, names and messages of transactions, and the open transaction behind them.
//!
//! Invariants
//! 1. A transaction is open while the count is not 0; nested BEGINs only count.
//! 2. Ending the open transaction (its log, its locks) comes before the client is told, and never under the session's lock.

use holdfast_tsql::ast::NameOrVariable;
use holdfast_types::{SqlError, Value};

use super::run::{Fail, Runner, Scope, Stop, next_run};
use super::state::Transaction;
use crate::session::EnvironmentChange;

/// CurCmd values.
const BEGIN: u16 = 0xD4;
const COMMIT: u16 = 0xD5;
const ROLLBACK: u16 = 0xD2;

impl Runner<'_> {
    fn transaction_name(&self, name: &NameOrVariable, scope: &Scope) -> String {
        match name {
            NameOrVariable::Name(n) => n.text.clone(),
            NameOrVariable::Variable(v) => {
                let slot = scope.unit.layout.variables.get(&v.to_lowercase());
                match slot.and_then(|s| scope.frame.get(s.slot.0 as usize)) {
                    Some(Value::String(s)) => s.to_text(),
                    _ => String::new(),
                }
            }
        }
    }

    pub fn begin_transaction(&mut self, name: Option<&NameOrVariable>, scope: &Scope) -> Result<(), Fail> {
        let name = name.map(|n| self.transaction_name(n, scope));
        self.begin(name)?;
        self.plain_done(BEGIN)
    }

    pub fn begin(&mut self, name: Option<String>) -> Result<(), Fail> {
        let new = self.session.open_transaction().is_none().then(|| self.session.new_transaction());
        let started = {
            let mut state = self.session.state.lock();
            let t = &mut state.transaction;
            t.count += 1;
            if t.count == 1 {
                t.name = name;
                t.open = new;
                t.descriptor = next_run() << 8 | 1;
                Some(t.descriptor)
            } else {
                None
            }
        };
        if let Some(d) = started {
            self.sink.environment(EnvironmentChange::BeginTransaction(d))?;
        }
        Ok(())
    }

    pub fn commit_transaction(&mut self) -> Result<(), Fail> {
        self.commit()?;
        self.plain_done(COMMIT)
    }

    pub fn commit(&mut self) -> Result<(), Fail> {
        let ended = {
            let mut state = self.session.state.lock();
            let t = &mut state.transaction;
            if t.count == 0 {
                let text = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(SqlError::with_text(3902, 16, text).into());
            }
            if t.doomed {
                let text = "The current transaction cannot be committed and cannot support operations that write to the log \
                            file. Roll back the transaction.";
                return Err(SqlError::with_text(3930, 16, text).into());
            }
            t.count -= 1;
            (t.count == 0).then(|| std::mem::take(t))
        };
        if let Some(t) = ended {
            if let Some(open) = &t.open {
                open.commit()?;
            }
            self.sink.environment(EnvironmentChange::CommitTransaction(t.descriptor))?;
        }
        Ok(())
    }

    pub fn rollback_transaction(&mut self, name: Option<&NameOrVariable>, scope: &Scope) -> Result<(), Fail> {
        let name = name.map(|n| self.transaction_name(n, scope));
        self.rollback(name)?;
        self.plain_done(ROLLBACK)
    }

    pub fn rollback(&mut self, name: Option<String>) -> Result<(), Fail> {
        let ended = {
            let mut state = self.session.state.lock();
            let t = &mut state.transaction;
            if t.count == 0 {
                let text = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(SqlError::with_text(3903, 16, text).into());
            }
            if let Some(n) = &name
                && t.name.as_deref() != Some(n.as_str())
            {
                // To a savepoint: the transaction goes on.
                let Some(at) = t.savepoints.iter().rposition(|s| s.0 == *n) else {
                    let text =
                        format!("Cannot roll back {n}. No transaction or savepoint of that name was found.");
                    return Err(SqlError::with_text(6401, 16, text).into());
                };
                if t.doomed {
                    let text = "The current transaction cannot be committed and cannot be rolled back to a savepoint. Roll back \
                                the entire transaction.";
                    return Err(SqlError::with_text(3931, 16, text).into());
                }
                t.savepoints.truncate(at + 1);
                let mark = t.savepoints[at].1.clone();
                let open = t.open.clone();
                drop(state);
                if let Some(open) = open {
                    open.rollback_to(&mark)?;
                }
                return Ok(());
            }
            std::mem::take(t)
        };
        if let Some(open) = &ended.open {
            open.rollback()?;
        }
        self.sink.environment(EnvironmentChange::RollbackTransaction(ended.descriptor))?;
        Ok(())
    }

    pub fn save_transaction(&mut self, name: &NameOrVariable, scope: &Scope) -> Result<(), Fail> {
        let name = self.transaction_name(name, scope);
        self.save(name)?;
        self.plain_done(0)
    }

    pub fn save(&mut self, name: String) -> Result<(), Fail> {
        let Some(open) = self.session.open_transaction() else {
            let text = "Cannot issue SAVE TRANSACTION when there is no active transaction.";
            return Err(SqlError::with_text(628, 16, text).into());
        };
        let mark = open.savepoint();
        self.session.state.lock().transaction.savepoints.push((name, mark));
        Ok(())
    }

    /// After an error under XACT_ABORT, and for what is left at the end of a batch.
    pub fn roll_back_all(&mut self) -> Result<(), Stop> {
        let t: Transaction = std::mem::take(&mut self.session.state.lock().transaction);
        if t.count > 0 {
            // A failed rollback has made its database refuse further work; the session is told at its next statement.
            let _ = t.open.map(|open| open.rollback());
            let change = EnvironmentChange::RollbackTransaction(t.descriptor);
            self.sink.environment(change).map_err(|_| Stop::Disconnect)?;
        }
        Ok(())
    }
}
