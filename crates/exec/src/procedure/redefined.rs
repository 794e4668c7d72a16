//! Statements that are begun again because somebody has changed a definition between their plan and their lock
//! ([`holdfast_engine::write::definitions`]).
//!
//! A statement that changes what an XML or spatial index is over begins again, too, without that index
//! ([`holdfast_engine::write::unkept`], docs/decisions/0021).
//!
//! Invariants
//! 1. What is begun again has told the client nothing.
//! 2. While it runs again the definition is kept by Sch-S, so that it is not changed once more; its own locks go with that,
//!    because session and transaction are one space.

use std::sync::Arc;

use holdfast_engine::catalog::{IndexDef, IndexKind, TableDef};
use holdfast_engine::lock::{Duration, LockManager, LockMode, LockOwner, Resource};
use holdfast_engine::write::definitions::{REDEFINED, object_of};
use holdfast_engine::write::unkept::{IN_THE_WAY, Unkept, in_the_way};
use holdfast_tsql::Span;
use holdfast_types::SqlError;

use super::run::{Fail, Runner, Scope};
use super::unit::Unit;

/// Tables of one statement that may be met in turn.
const AGAIN: usize = 10;

/// Definitions that are kept until the statement has ended.
pub struct Kept {
    locks: Arc<LockManager>,
    owner: LockOwner,
    resources: Vec<Resource>,
    /// Indexes that were disabled for the statement.
    disabled: usize,
}

impl Drop for Kept {
    fn drop(&mut self) {
        for resource in &self.resources {
            self.locks.release(self.owner, resource);
        }
    }
}

/// What a client is told when that does not help, or when rows have been sent.
pub fn told_to_client(e: SqlError) -> SqlError {
    if e.number == IN_THE_WAY {
        return SqlError::not_supported(e.message);
    }
    if e.number != REDEFINED {
        return e;
    }
    SqlError::with_text(8624, 16, format!("Internal error: {}", e.message))
}

/// A statement that fails with this is begun again.
pub fn begins_again(e: &SqlError) -> bool {
    in_the_way(e).is_some() || object_of(e).is_some()
}

impl Runner<'_> {
    pub fn kept_definitions(&self) -> Kept {
        let locks = Arc::clone(&self.session.host.instance.locks);
        Kept { locks, owner: self.session.owner, resources: Vec::new(), disabled: 0 }
    }

    /// Keeps the definition that has changed and looks it up again; other errors, and more than a statement can meet, go on.
    pub fn begin_again(&mut self, kept: &mut Kept, fail: Fail) -> Result<(), Fail> {
        match fail {
            Fail::Error(e) if in_the_way(&e).is_some() && kept.disabled < AGAIN => {
                kept.disabled += 1;
                let (database, table, index) = in_the_way(&e).unwrap_or_default();
                self.disable_in_the_way(database, table, index)
            }
            Fail::Error(e) => match object_of(&e).filter(|_| kept.resources.len() < AGAIN) {
                Some(resource) => {
                    let (mode, wait) = (LockMode::SchS, self.session.lock_wait());
                    kept.locks
                        .acquire(kept.owner, &resource, mode, Duration::Transaction, &wait)
                        .map_err(SqlError::from)?;
                    kept.resources.push(resource);
                    self.look_again();
                    Ok(())
                }
                None => Err(told_to_client(e).into()),
            },
            other => Err(other),
        }
    }

    /// Disables an index that a change cannot keep up, with those over the same column, and says so.
    fn disable_in_the_way(&mut self, database: i32, table: i32, index: i32) -> Result<(), Fail> {
        let missing = || SqlError::new(911, &[&database]);
        let database = self.session.host.database_by_id(database).ok_or_else(missing)?;
        let scope = Scope::new(
            Unit::new("", Vec::new(), Vec::new(), Default::default()),
            &self.session.host.temporary_rows,
        );
        let done = self.defining(&database, Span::default(), &scope, |work| {
            work.lock(table)?;
            let mut names = Vec::new();
            let Some(t) = work.catalog()?.table(table)? else { return Ok(names) };
            let off = work.catalog()?.disabled_indexes(table);
            let Some(chosen) = t.indexes.iter().find(|i| i.index_id == index) else { return Ok(names) };
            for i in t.indexes.iter().filter(|i| {
                matches!(i.kind, IndexKind::Xml | IndexKind::Spatial)
                    && !off.contains(&i.index_id)
                    && i.keys == chosen.keys
                    && i.included == chosen.included
            }) {
                work.writer()?.disable_internal(table, i.index_id)?;
                let name = i.name.as_deref().unwrap_or_default();
                names.push((name.to_owned(), format!("{}.{}", t.schema_name, t.name), i.kind));
            }
            Ok(names)
        })?;
        for (name, table, kind) in done {
            let kind = if kind == IndexKind::Xml { "XML" } else { "Spatial" };
            let text = format!(
                "Warning: {kind} index '{name}' on table '{table}' was disabled, because the statement changes rows that it is over. \
                 Rebuild it with ALTER INDEX ... REBUILD on SQL Server."
            );
            self.info(0, 10, 1, text)?;
        }
        self.look_again();
        Ok(())
    }

    /// Begins again at once without an index that rows with values for these columns may have to be in.
    pub fn refuse_followed(&self, table: &TableDef, ordinals: &[usize]) -> Result<(), Fail> {
        let followed = |i: &&IndexDef| match i.kind {
            IndexKind::Xml => i.keys.iter().any(|k| ordinals.contains(&k.ordinal)),
            IndexKind::Spatial => true,
            _ => false,
        };
        let mut found = table.indexes.iter().filter(followed).peekable();
        if found.peek().is_none() {
            return Ok(());
        }
        let Some(database) = self.session.host.database_by_id(table.database_id) else { return Ok(()) };
        let online = database.online();
        let off = online.stored().map(|c| c.disabled_indexes(table.object_id)).unwrap_or_default();
        match found.find(|i| !off.contains(&i.index_id)) {
            Some(i) => {
                let unkept = Unkept {
                    database: table.database_id,
                    table: table.object_id,
                    index: i.index_id,
                    name: i.name.clone().unwrap_or_else(|| "".into()),
                    ordinals: i.keys.iter().map(|k| k.ordinal).collect(),
                    without_nulls: i.kind == IndexKind::Xml,
                };
                Err(unkept.refuse(&table.name).into())
            }
            None => Ok(()),
        }
    }

    /// Runs what plans and reads until no definition changes under it.
    pub fn while_defined<T>(&mut self, mut f: impl FnMut(&mut Self) -> Result<T, Fail>) -> Result<T, Fail> {
        let mut kept = None;
        loop {
            match f(self) {
                Ok(done) => return Ok(done),
                Err(fail) => {
                    let mut now = kept.take().unwrap_or_else(|| self.kept_definitions());
                    self.begin_again(&mut now, fail)?;
                    kept = Some(now);
                }
            }
        }
    }
}
