//! Statistics that the server makes, and keeps up to date, by itself: what a plan would know of its columns.
//!
//! Invariants
//! 1. They are made in a transaction of their own that waits for no lock: whatever it would have to wait for, it gives up, and
//!    the query is planned without them. So it can be in no deadlock, also beside the session's own transaction.
//! 2. A query never fails because of them, and never sees a plan that needs them.
//! 3. One session at a time makes those of a table; others plan with what is there.
//! 4. Nothing is made in databases that are only read, of tables with few rows or very many pages, nor of columns that no page
//!    holds. ALTER DATABASE … SET AUTO_CREATE_STATISTICS, AUTO_UPDATE_STATISTICS and NORECOMPUTE are asked.
//!
//! Evidence: name and thresholds as documented; bit 0x2000 of sysidxstats in genuine databases (docs/format/statistics.md).

use std::sync::Arc;
use std::time::Duration;

use holdfast_engine::catalog::{Catalog, IndexKind, TableDef};
use holdfast_engine::database::statistics::bit;
use holdfast_engine::ddl::{defined, watch};
use holdfast_engine::lock::{LockMode, LockWait};
use holdfast_engine::stored::key::is_comparable;
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_plan::physical::{NotedStatistics, STATISTICS_FROM, changes_to_recompute};
use holdfast_tsql::Span;
use holdfast_types::{SqlError, TypeId};

use super::Definition;
use crate::host::HostDatabase;
use crate::procedure::run::{Fail, Runner, Scope};

/// All pages are listed before some of them are read, so tables of more (32 GB) are left to UPDATE STATISTICS.
const TO_PAGES: u64 = 4_000_000;
/// First compatibility level with the lower threshold for large tables.
const ROOT_SINCE: u8 = 130;

/// What is to be made for one column.
enum Work {
    Create(i32),
    Update(i32),
}

impl Runner<'_> {
    /// Makes what a plan would know and does not; `true`: something was made, so that another plan may be better.
    pub fn keep_statistics(&mut self, noted: &NotedStatistics, scope: &Scope) -> bool {
        if self.surroundings.keeping_statistics {
            return false;
        }
        self.surroundings.keeping_statistics = true;
        let mut made = false;
        for (table, ordinal, found) in &noted.columns {
            made |= self.keep_statistics_of(table, *ordinal, *found, scope).unwrap_or(false);
        }
        self.surroundings.keeping_statistics = false;
        if made {
            self.look_again();
        }
        made
    }

    fn keep_statistics_of(
        &mut self,
        table: &TableDef,
        ordinal: usize,
        found: bool,
        scope: &Scope,
    ) -> Result<bool, Fail> {
        let (rows, pages) = (table.rows(), table.pages());
        let Some(column) = table.columns.get(ordinal) else { return Ok(false) };
        if rows < STATISTICS_FROM || pages > TO_PAGES {
            return Ok(false);
        }
        // The least that any threshold asks for; most plans end here.
        if found && table.access.changes() == 0 {
            return Ok(false);
        }
        let held = column.computed.is_none() || column.persisted;
        if !held || !is_comparable(&column.ty) || matches!(column.ty.id, TypeId::Xml | TypeId::Clr) {
            return Ok(false);
        }
        let Some(database) = self.session.host.database_by_id(table.database_id) else { return Ok(false) };
        let Some(catalog) = database.online().stored().filter(|c| c.writing().is_some()) else {
            return Ok(false);
        };
        let options = self.session.host.instance.database_options(database.id);
        let on = |name: &str| options.get(name).is_none_or(|v| v == "ON");
        let failed = |e| Fail::Error(holdfast_engine::page_error(&e));
        let all = catalog.statistics(table.object_id).map_err(failed)?;
        let of_column =
            all.iter().find(|s| s.filter.is_none() && s.columns.first() == Some(&column.column_id));
        let work = match of_column {
            None if on("AUTO_CREATE_STATISTICS") => Work::Create(column.column_id),
            Some(s) if s.status & bit::NO_RECOMPUTE == 0 && on("AUTO_UPDATE_STATISTICS") => {
                let index = table.indexes.iter().find(|i| i.index_id == s.id);
                let plain = index.is_none_or(|i| {
                    !i.disabled && matches!(i.kind, IndexKind::Clustered | IndexKind::Nonclustered)
                });
                let changes = catalog.modifications(table.object_id, column.column_id).map_err(failed)?;
                let since = u64::try_from(changes.saturating_sub(s.changes)).unwrap_or(0);
                let limit = changes_to_recompute(rows, catalog.compatibility_level() >= ROOT_SINCE);
                if !plain || (s.values.is_some() && since < limit) {
                    return Ok(false);
                }
                Work::Update(s.id)
            }
            _ => return Ok(false),
        };
        let key = (table.database_id, table.object_id);
        if !self.shared.keeping_statistics.lock().insert(key) {
            return Ok(false);
        }
        let result = self.by_itself(&database, scope, |definition| {
            definition.hold(key.1, LockMode::SchS)?;
            definition.keep_column(key.1, &work)
        });
        self.shared.keeping_statistics.lock().remove(&key);
        result
    }

    /// Runs a change of the catalogue that belongs to no statement (invariant 1).
    fn by_itself(
        &mut self,
        database: &Arc<HostDatabase>,
        scope: &Scope,
        f: impl FnOnce(&mut Definition<'_, '_>) -> Result<bool, Fail>,
    ) -> Result<bool, Fail> {
        let online = Arc::clone(database.online());
        let locks = Arc::clone(&self.session.host.instance.locks);
        let owner = new_owner();
        // A space of its own: what the session holds keeps it off like anybody else.
        locks.enter(owner, self.session.id, owner);
        let transaction = Arc::new(Transaction::with_locks(owner, locks));
        let wait = LockWait { timeout: Some(Duration::ZERO), ..self.session.lock_wait() };
        watch(&online, &transaction)?;
        let as_of = online.stored().and_then(|c| c.writing().map(|w| w.definitions.now())).unwrap_or(0);
        let mut work = Definition {
            runner: self,
            scope,
            span: Span::default(),
            transaction: Arc::clone(&transaction),
            wait,
            database: Arc::clone(database),
            watched: false,
            events: Vec::new(),
            module: None,
            as_of,
        };
        let result = f(&mut work).and_then(|made| {
            defined(&online, &transaction)?;
            transaction.commit()?;
            Ok(made)
        });
        if result.is_err() {
            transaction.rollback()?;
        }
        result
    }
}

impl Definition<'_, '_> {
    /// Makes the statistics, if nobody has meanwhile.
    fn keep_column(&mut self, object: i32, work: &Work) -> Result<bool, Fail> {
        let Some(table) = self.catalog()?.table(object)? else { return Ok(false) };
        let id = match work {
            Work::Update(id) => *id,
            Work::Create(column) => {
                let all = self.statistics_of(object)?;
                if all.iter().any(|s| s.filter.is_none() && s.columns.first() == Some(column)) {
                    return Ok(true);
                }
                let name = format!("_WA_Sys_{column:08X}_{object:08X}");
                let id = self.writer()?.add_statistics(object, &name, &[*column], None, false)?;
                self.writer()?.set_index_status(object, id, bit::AUTOMATIC, 0)?;
                self.refresh()?;
                id
            }
        };
        self.make_default_statistics(&table, id)?;
        Ok(true)
    }

    /// A column goes or gets another type: statistics that the server made of it go with it.
    ///
    /// # Errors
    /// 5074 for those that somebody else made.
    pub(super) fn let_go_of_statistics(
        &self,
        table: &TableDef,
        name: &str,
        id: i32,
    ) -> Result<Vec<SqlError>, Fail> {
        let mut errors = Vec::new();
        for s in self.statistics_of(table.object_id)? {
            let filters = s.filter.as_deref().is_some_and(|f| self.names_column(f, name));
            if s.is_index() || !(s.columns.contains(&id) || filters) {
                continue;
            }
            if s.status & bit::AUTOMATIC != 0 {
                self.writer()?.remove_index(table.object_id, s.id)?;
            } else {
                errors.push(SqlError::new(5074, &[&"statistics", &s.name, &"column", &name]));
            }
        }
        Ok(errors)
    }
}
