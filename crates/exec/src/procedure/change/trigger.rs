//! DML triggers.
//!
//! Invariants
//! 1. A trigger runs in the transaction of its statement, one level deeper, with XACT_ABORT on; when it ends the transaction,
//!    the batch ends with 3609; when it leaves one that cannot be committed, with 3616 (and the transaction ends).
//! 2. A trigger whose own statement changes its table does not fire itself again; an INSTEAD OF trigger's changes of its own
//!    table are carried out.
//! 3. What stands in for triggers of a partitioned view (`plan::bind::change::partitioned_view`) is part of the statement: its errors are
//!    the statement's, and nothing else of a trigger shows.
//! 4. Tables `inserted` and `deleted` are kept by the session and used again, so that plans over them can be.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, ModuleDef, TableDef};
use holdfast_engine::transaction::Transaction as Work;
use holdfast_plan::change::{Action, BoundTrigger, TargetTable, partitioned_view};
use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{Ddl, ExecuteAsPrincipal, ModuleBody, StatementKind};
use holdfast_types::SqlError;

use super::{Runner, Touched};
use crate::host::configuration;
use crate::procedure::cache::UnitKey;
use crate::procedure::memory_table::MemoryTable;
use crate::procedure::run::{Fail, Scope, Stop};
use crate::procedure::state::{RunningTrigger, option};
use crate::procedure::unit::{Layout, TypeScope, Unit, layout, syntax_error};
use crate::row_store::Pool;

const NO_PARTITION: &str = "The attempted insert or update of the partitioned view failed because the value of the partitioning column does not belong to any of the partitions.";

/// Pairs of `inserted` and `deleted` not in use, by the table's address.
pub type TriggerTables = HashMap<usize, Vec<(Arc<TableDef>, MemoryTable, MemoryTable)>>;

/// `inserted` and `deleted` of a table, without rows.
pub fn pseudo_tables(table: &TableDef, pool: &Arc<Pool>) -> (MemoryTable, MemoryTable) {
    let columns: Vec<ColumnDef> = table
        .columns
        .iter()
        .map(|c| ColumnDef { identity: None, computed: None, default: None, nullable: true, ..c.clone() })
        .collect();
    let inserted = MemoryTable::new("inserted", columns.clone(), pool);
    (inserted, MemoryTable::new("deleted", columns, pool))
}

impl Runner<'_> {
    /// Whether the innermost trigger being run is one of this table.
    pub(super) fn inside_trigger_of(&self, target: &TargetTable) -> bool {
        let state = self.session.state.lock();
        let Some(running) = state.triggers.last() else { return false };
        target.triggers.iter().any(|t| t.instead_of && t.def.module.object_id == running.object_id)
    }

    /// Whether triggers of the database fire themselves (RECURSIVE_TRIGGERS).
    pub fn triggers_recur(&self, database: i32) -> bool {
        let options = self.session.host.instance.database_options(database);
        options.get("RECURSIVE_TRIGGERS").is_some_and(|v| v == "ON")
    }

    /// Fires the triggers of what was done to one table.
    pub(super) fn fire_after(&mut self, t: Touched, work: &Arc<Work>) -> Result<(), Fail> {
        let target = Arc::clone(&t.target);
        let mut list: Vec<&BoundTrigger> = match target.instead_of(t.action) {
            Some(instead) if !self.inside_trigger_of(&target) => vec![instead],
            _ => target.after(t.action),
        };
        if list.iter().any(|x| self.is_running(x.def.module.object_id))
            && !self.triggers_recur(target.table.database_id)
        {
            list.retain(|x| !self.is_running(x.def.module.object_id));
        }
        // Without nested triggers, what a trigger does fires none but those that stand in for it.
        let nested = self.session.host.settings.in_use(configuration::NESTED_TRIGGERS) != 0;
        if !nested && self.session.state.lock().triggers.iter().any(|t| !t.stand_in) {
            list.retain(|x| x.instead_of);
        }
        if list.is_empty() {
            return Ok(());
        }
        let (table, inserted, deleted) = self.trigger_tables(&target);
        let result = self.fire_all(&t, &list, &inserted, &deleted, work);
        inserted.rows.clear();
        deleted.rows.clear();
        let mut kept = self.session.trigger_tables.lock();
        kept.entry(Arc::as_ptr(&table) as usize).or_default().push((table, inserted, deleted));
        result
    }

    fn fire_all(
        &mut self,
        t: &Touched,
        list: &[&BoundTrigger],
        inserted: &MemoryTable,
        deleted: &MemoryTable,
        work: &Arc<Work>,
    ) -> Result<(), Fail> {
        inserted.rows.show(&t.inserted);
        deleted.rows.show(&t.deleted);
        let columns = updated_columns(&t.target.table, t.action, &t.changed);
        for trigger in list {
            self.session.state.lock().row_count = i64::try_from(t.count).unwrap_or(i64::MAX);
            self.fire(trigger, &t.target, inserted, deleted, &columns, work)?;
        }
        Ok(())
    }

    pub fn is_running(&self, id: i32) -> bool {
        let state = self.session.state.lock();
        state.triggers.iter().rev().find(|t| !t.stand_in).is_some_and(|t| t.object_id == id)
    }

    fn trigger_tables(&self, target: &TargetTable) -> (Arc<TableDef>, MemoryTable, MemoryTable) {
        let table = &target.table;
        let mut kept = self.session.trigger_tables.lock();
        if let Some(found) = kept.get_mut(&(Arc::as_ptr(table) as usize)).and_then(Vec::pop) {
            return found;
        }
        drop(kept);
        let (inserted, deleted) = pseudo_tables(table, &self.session.host.temporary_rows);
        (Arc::clone(table), inserted, deleted)
    }

    fn fire(
        &mut self,
        trigger: &BoundTrigger,
        target: &TargetTable,
        inserted: &MemoryTable,
        deleted: &MemoryTable,
        columns: &Arc<[u8]>,
        work: &Arc<Work>,
    ) -> Result<(), Fail> {
        let object_id = trigger.def.module.object_id;
        let stand_in = object_id == target.table.object_id;
        let running = RunningTrigger { object_id, columns: Arc::clone(columns), event: None, stand_in };
        let prepare = |scope: &mut Scope| {
            scope.trigger = Some(Arc::clone(&target.table));
            scope.tables.insert("inserted".into(), inserted.clone());
            scope.tables.insert("deleted".into(), deleted.clone());
        };
        if !stand_in {
            // What stands in for a view's trigger catches its own errors; triggers of its tables are not in a TRY for that.
            let caught = self.session.state.lock().triggers.last().is_some_and(|t| t.stand_in);
            self.tries -= u32::from(caught);
            let result = self.run_trigger(&trigger.def.module, running, work, prepare);
            self.tries += u32::from(caught);
            return result;
        }
        // A partitioned view's own: what fails in it is the statement.
        self.tries += 1;
        let result = self.run_trigger(&trigger.def.module, running, work, prepare);
        self.tries -= 1;
        match result {
            Err(Fail::Stop(Stop::Caught { error, .. })) if error.procedure.is_empty() => {
                Err(Fail::Error(match (error.number, error.state) {
                    (50000, partitioned_view::NO_MEMBER) => SqlError::with_text(4457, 16, NO_PARTITION),
                    (50000, partitioned_view::UNCLEAR) => SqlError::not_supported(
                        "Changing rows of a partitioned view that a join finds several times, or not at all,",
                    ),
                    _ => SqlError { line: 0, ..error },
                }))
            }
            other => other,
        }
    }

    /// Runs the text of a trigger (invariant 1).
    pub fn run_trigger(
        &mut self,
        module: &Arc<ModuleDef>,
        running: RunningTrigger,
        work: &Arc<Work>,
        prepare: impl FnOnce(&mut Scope),
    ) -> Result<(), Fail> {
        let Some(database) = self.session.host.database_by_id(module.database_id) else {
            return Err(SqlError::new(208, &[&module.name]).into());
        };
        let unit = self.trigger_unit(module, &database)?;
        let mut scope = Scope::new(unit, &self.session.host.temporary_rows);
        scope.procedure = Arc::clone(&module.name);
        scope.module = Some((module.database_id, module.object_id));
        scope.schema = Some(&module.schema_name).filter(|s| !s.is_empty()).cloned();
        prepare(&mut scope);
        // What stands in for triggers of a partitioned view bears the view's number.
        let stand_in = scope.trigger.as_ref().is_some_and(|t| t.object_id == module.object_id);
        if stand_in {
            scope.procedure = "".into();
        }
        let of_definition = running.event.is_some();
        let saved = {
            let mut state = self.session.state.lock();
            state.triggers.push(running);
            let saved = state.settings.clone();
            if !stand_in {
                state.set_option(option::XACT_ABORT, true);
            }
            state.set_option(option::ANSI_NULLS, module.ansi_nulls);
            state.set_option(option::QUOTED_IDENTIFIER, module.quoted_identifier);
            saved
        };
        let result = self.nested_run(&mut scope, module.object_id, Some(database));
        let (ended, doomed) = {
            let mut state = self.session.state.lock();
            state.triggers.pop();
            state.settings = saved;
            let t = &state.transaction;
            (!t.open.as_ref().is_some_and(|w| Arc::ptr_eq(w, work)), t.doomed)
        };
        match result {
            // A CATCH of the trigger took the error, but what it left cannot be committed.
            Ok(_) if doomed => Err(SqlError::new(3616, &[]).into()),
            Ok(_) if ended => Err(SqlError::new(3609, &[]).state(1 + u8::from(of_definition)).into()),
            Ok(_) => Ok(()),
            Err(Fail::Stop(Stop::Caught { error, compile })) => {
                // On its way to a CATCH: nothing of the transaction can be kept.
                let mut state = self.session.state.lock();
                if state.transaction.count > 0 && !stand_in {
                    state.transaction.doomed = true;
                }
                drop(state);
                Err(Fail::Stop(Stop::Caught { error, compile }))
            }
            // Whatever ends a trigger ends the batch that fired it.
            Err(Fail::Stop(Stop::Module)) => Err(Fail::Stop(Stop::Batch)),
            Err(e) => Err(e),
        }
    }

    fn trigger_unit(
        &mut self,
        module: &Arc<ModuleDef>,
        database: &Arc<crate::host::HostDatabase>,
    ) -> Result<Arc<Unit>, Fail> {
        let key = UnitKey {
            text: Arc::clone(&module.text),
            parameters: format!("\u{1}trigger {}", self.session.id).into(),
            options: i32::from(module.quoted_identifier),
            database: Arc::as_ptr(database) as usize,
        };
        if let Some(unit) = self.shared.units.find(&key) {
            return Ok(unit);
        }
        let options = ParseOptions { quoted_identifier: module.quoted_identifier };
        let batch = holdfast_tsql::parse_batch(&module.text, &options).map_err(|mut v| {
            if v.is_empty() { SqlError::new(102, &[&module.name]) } else { syntax_error(v.swap_remove(0)) }
        })?;
        let (statements, execute_as) = statements_of(batch.statements)
            .ok_or_else(|| SqlError::not_supported(format!("The trigger {} of an assembly", module.name)))?;
        let types = TypeScope {
            catalog: Arc::clone(database) as Arc<dyn Catalog>,
            collation: database.default_collation(),
            schema: Arc::clone(&module.schema_name),
            text: &module.text,
        };
        let layout = layout(&[], &statements, &types, Layout::default())?;
        let unit = Unit::of_module(&module.text, Vec::new(), statements, layout, execute_as);
        self.shared.units.keep(key, &unit);
        Ok(unit)
    }
}

fn statements_of(
    statements: Vec<holdfast_tsql::ast::Statement>,
) -> Option<(Vec<holdfast_tsql::ast::Statement>, Option<ExecuteAsPrincipal>)> {
    for s in statements {
        if let StatementKind::Ddl(d) = s.kind
            && let Ddl::CreateTrigger(t) = *d
            && let ModuleBody::Statements(list) = t.body
        {
            return Some((list, t.options.execute_as));
        }
    }
    None
}

/// COLUMNS_UPDATED(): bit (id - 1) of the bytes from the left, lowest bit first. An INSERT sets all columns.
fn updated_columns(table: &TableDef, action: Action, changed: &[usize]) -> Arc<[u8]> {
    let highest = table.columns.iter().map(|c| c.column_id).max().unwrap_or(0).max(1) as usize;
    let mut bytes = vec![0u8; highest.div_ceil(8)];
    let mut set = |ordinal: usize| {
        if let Some(c) = table.columns.get(ordinal) {
            let bit = (c.column_id - 1).max(0) as usize;
            bytes[bit / 8] |= 1 << (bit % 8);
        }
    };
    match action {
        Action::Insert => (0..table.columns.len()).for_each(set),
        Action::Update => changed.iter().copied().for_each(&mut set),
        Action::Delete => {}
    }
    bytes.into()
}

/// Whether a column's bit is set.
pub fn is_updated(columns: &[u8], column_id: i32) -> bool {
    let bit = (column_id - 1).max(0) as usize;
    columns.get(bit / 8).is_some_and(|b| b & (1 << (bit % 8)) != 0)
}
