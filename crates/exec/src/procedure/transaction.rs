//! BEGIN, COMMIT, ROLLBACK and SAVE, and the frame around every statement that changes something.
//!
//! Invariants
//! 1. A session has one transaction at most; nested BEGINs only count. Outside one, a changing statement has its own, which
//!    ends with it.
//! 2. A changing statement that fails leaves nothing behind: it goes back to the savepoint taken before it.
//! 3. Nothing of a transaction that cannot be committed is: the statement that leaves its own one so fails.
//! 4. The state's lock is not held while a transaction commits or rolls back.

use std::sync::Arc;

use holdfast_engine::transaction::Transaction as Work;
use holdfast_tsql::ast::NameOrVariable;
use holdfast_types::{SqlError, Value};

use super::memory_table::keep_variables;
use super::run::{Fail, Runner, Scope, Stop, next_run};
use super::state::{Transaction, option};
use crate::session::EnvironmentChange;

/// CurCmd values.
const BEGIN: u16 = 0xD4;
const COMMIT: u16 = 0xD5;
const ROLLBACK: u16 = 0xD2;

/// 3930.
fn doomed() -> SqlError {
    SqlError::new(3930, &[])
}

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
                t.descriptor = next_run() << 8 | 1;
                t.open = new;
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
                return Err(SqlError::new(3902, &[]).into());
            }
            if t.doomed {
                return Err(doomed().into());
            }
            if self.capturing.is_some_and(|before| t.count <= before) {
                return Err(SqlError::new(3916, &[]).into());
            }
            t.count -= 1;
            (t.count == 0).then(|| std::mem::take(t))
        };
        if let Some(t) = ended {
            self.close_cursors(&t);
            let done = t.open.as_ref().map_or(Ok(()), |work| work.commit());
            if done.is_err() {
                self.look_again();
            }
            if !t.autocommit {
                // Either way the client's transaction has ended.
                self.sink.environment(match &done {
                    Ok(()) => EnvironmentChange::CommitTransaction(t.descriptor),
                    Err(_) => EnvironmentChange::RollbackTransaction(t.descriptor),
                })?;
            }
            done?;
        }
        Ok(())
    }

    pub fn rollback_transaction(&mut self, name: Option<&NameOrVariable>, scope: &Scope) -> Result<(), Fail> {
        let name = name.map(|n| self.transaction_name(n, scope));
        self.rollback(name)?;
        self.plain_done(ROLLBACK)
    }

    pub fn rollback(&mut self, name: Option<String>) -> Result<(), Fail> {
        let mut back_to = None;
        let ended = {
            let mut state = self.session.state.lock();
            let t = &mut state.transaction;
            if t.count == 0 {
                return Err(SqlError::new(3903, &[]).into());
            }
            if let Some(n) = &name
                && t.name.as_deref() != Some(n.as_str())
            {
                // To a savepoint: the transaction goes on.
                let Some(at) = t.savepoints.iter().rposition(|s| s.0 == *n) else {
                    return Err(SqlError::new(6401, &[n]).into());
                };
                if t.doomed {
                    return Err(SqlError::new(3931, &[]).into());
                }
                t.savepoints.truncate(at + 1);
                back_to = Some((t.open.clone(), t.savepoints[at].1.clone()));
                None
            } else if self.capturing.is_some() {
                return Err(SqlError::new(3915, &[]).into());
            } else {
                Some(std::mem::take(t))
            }
        };
        if let Some((Some(work), savepoint)) = back_to {
            work.rollback_to(&savepoint)?;
            self.look_again();
        }
        if let Some(t) = ended {
            self.close_cursors(&t);
            self.undo(&t)?;
            if !t.autocommit {
                self.sink.environment(EnvironmentChange::RollbackTransaction(t.descriptor))?;
            }
        }
        Ok(())
    }

    /// CURSOR_CLOSE_ON_COMMIT: with the transaction that ends, be it how it may.
    fn close_cursors(&self, t: &Transaction) {
        if t.autocommit || !self.session.has(super::state::option::CURSOR_CLOSE_ON_COMMIT) {
            return;
        }
        let opened = std::mem::take(&mut self.session.state.lock().opened_cursors);
        opened.close_all();
    }

    fn undo(&mut self, t: &Transaction) -> Result<(), SqlError> {
        let result = t.open.as_ref().map_or(Ok(()), |work| work.rollback());
        self.look_again();
        result
    }

    /// The session's database with its present catalog: what was defined may have been taken back.
    pub fn look_again(&mut self) {
        self.session.look_again();
    }

    pub fn save_transaction(&mut self, name: &NameOrVariable, scope: &Scope) -> Result<(), Fail> {
        let name = self.transaction_name(name, scope);
        self.save(name)?;
        self.plain_done(0)
    }

    pub fn save(&mut self, name: String) -> Result<(), Fail> {
        let mut state = self.session.state.lock();
        let t = &mut state.transaction;
        let Some(work) = t.open.clone() else {
            return Err(SqlError::new(628, &[]).into());
        };
        if t.doomed {
            return Err(doomed().into());
        }
        t.savepoints.push((name, work.savepoint()));
        Ok(())
    }

    /// After an error under XACT_ABORT, and for what is left at the end of a batch.
    pub fn roll_back_all(&mut self) -> Result<(), Stop> {
        let t: Transaction = std::mem::take(&mut self.session.state.lock().transaction);
        if t.count > 0 {
            // A rollback that fails has made its database refuse further work, which is where it is reported.
            let _ = self.undo(&t);
            if !t.autocommit {
                let change = EnvironmentChange::RollbackTransaction(t.descriptor);
                self.sink.environment(change).map_err(|_| Stop::Disconnect)?;
            }
        }
        Ok(())
    }

    /// SET IMPLICIT_TRANSACTIONS: the first statement that works on data begins a transaction.
    pub fn begin_implicitly(&mut self) -> Result<(), Fail> {
        if self.session.has(option::IMPLICIT_TRANSACTIONS) && self.session.state.lock().transaction.count == 0
        {
            self.begin(None)?;
        }
        Ok(())
    }

    /// 3930 in a transaction that can only be rolled back.
    pub fn not_doomed(&self) -> Result<(), Fail> {
        if self.session.state.lock().transaction.doomed { Err(doomed().into()) } else { Ok(()) }
    }

    /// Runs a statement that changes something within the session's transaction or one of its own (invariants 1 and 2).
    pub fn changing<T>(
        &mut self,
        f: impl FnOnce(&mut Self, &Arc<Work>) -> Result<T, Fail>,
    ) -> Result<T, Fail> {
        self.begin_implicitly()?;
        let new = self.session.open_transaction().is_none().then(|| self.session.new_transaction());
        let (work, own) = {
            let mut state = self.session.state.lock();
            let t = &mut state.transaction;
            if t.doomed {
                return Err(doomed().into());
            }
            match (&t.open, new) {
                (Some(work), _) => (Arc::clone(work), false),
                (None, Some(work)) => {
                    t.count = 1;
                    t.autocommit = true;
                    t.open = Some(Arc::clone(&work));
                    (work, true)
                }
                // Nobody but this thread opens transactions of the session.
                (None, None) => return Err(SqlError::new(628, &[]).into()),
            }
        };
        let savepoint = work.savepoint();
        let result = f(self, &work);
        // A trigger or called text may have ended the transaction, or left it so that it cannot be committed.
        let (still, lost) = {
            let t = &self.session.state.lock().transaction;
            let still = t.open.as_ref().is_some_and(|w| Arc::ptr_eq(w, &work));
            (still, still && t.doomed)
        };
        match result.and_then(|v| if lost { Err(doomed().into()) } else { Ok(v) }) {
            Ok(v) => {
                if !self.surroundings.parts {
                    keep_variables(&work);
                }
                if own && still {
                    self.session.state.lock().transaction = Transaction::default();
                    if let Err(e) = work.commit() {
                        self.look_again();
                        return Err(e.into());
                    }
                }
                Ok(v)
            }
            Err(e) => {
                if still {
                    work.rollback_to(&savepoint)?;
                    if own {
                        self.session.state.lock().transaction = Transaction::default();
                        work.rollback()?;
                    }
                }
                Err(e)
            }
        }
    }
}
