//! INSERT, UPDATE, DELETE, MERGE and TRUNCATE.
//!
//! Module map: [`rows`] new rows and what every row must obey, [`fit`] values into columns, [`apply`] rows to tables,
//! [`target_rows`] reading and locking the rows to change, [`parts`] some of them at a time, [`merge`], [`nested`] changes as sources,
//! [`reference`] foreign keys and cascades, [`trigger`],
//! [`output`], [`temporal`] periods and history, [`view`] indexed views, [`external`] rows of EXEC, [`bulk`], [`bulk_load`],
//! [`bulk_file`], [`bulk_text`] and [`bulk_row`] bulk loads.
//!
//! Invariants
//! 1. All rows to change are read before the first is changed (no row is met twice), then locked, and read again when one of
//!    them has changed since.
//! 2. Everything that constraints look at besides the row itself is looked at after the change.
//! 3. Triggers fire after all cascades, the statement's own table first.

mod apply;
mod bulk;
mod bulk_file;
mod bulk_load;
mod bulk_row;
mod bulk_text;
mod external;
pub(crate) mod fit;
mod merge;
mod nested;
mod output;
mod parts;
mod reference;
mod rows;
mod target_rows;
mod temporal;
mod trigger;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_engine::catalog::Catalog;
use holdfast_engine::lock::LockWait;
use holdfast_engine::transaction::Transaction as Work;
use holdfast_engine::write::{TableWriter, WriteContext};
use holdfast_plan::BindContext;
use holdfast_plan::change::{Action, BoundChange, ChangeKind, TargetTable};
use holdfast_tsql::Span;
use holdfast_tsql::ast::{
    Delete, DmlTarget, Insert, InsertSource, IsolationLevel, Merge, ObjectName, Update,
};
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, Value};

use parking_lot::Mutex;

use super::memory_table::RowList;
use super::run::{Fail, Runner, Scope, scope_names};
use super::unit::{Folding, Planned, with_bind_context};
use crate::context::{ExecContext, SessionInfo};
use crate::operator::spool::{RowStore, Rows as KeptRows};
pub use bulk::BulkTarget;
pub use temporal::end_of_time;
pub use trigger::{TriggerTables, is_updated, pseudo_tables};
pub use view::ViewPlan;

/// CurCmd values.
const INSERT: u16 = 0xC3;
const DELETE: u16 = 0xC4;
const UPDATE: u16 = 0xC5;
const MERGE: u16 = 0x117;

/// Rows of a table.
type Rows = Vec<Vec<Value>>;

/// What was done to one table, for its triggers.
struct Touched {
    target: Arc<TargetTable>,
    action: Action,
    deleted: RowList,
    inserted: RowList,
    /// Ordinals of the columns that were set.
    changed: Vec<usize>,
    count: u64,
}

/// OUTPUT rows of each clause, rows changed, and whether duplicates were ignored.
type Done = (Vec<KeptRows>, u64, bool);

/// A change being carried out.
struct Change<'c> {
    work: &'c Arc<Work>,
    /// The statement, for messages.
    verb: &'static str,
    wait: LockWait,
    context: ExecContext,
    ansi_warnings: bool,
    /// Rows of each OUTPUT clause.
    output: Vec<RowStore>,
    touched: Vec<Touched>,
    /// Rows changed by the statement itself.
    count: u64,
    /// The last identity value given.
    identity: Option<Value>,
    /// Tables that cascades have come to.
    targets: HashMap<(i32, i32), Arc<TargetTable>>,
    duplicates_ignored: bool,
    /// OUTPUT may ask for computed columns that are not stored.
    all_computed: bool,
    /// A bulk load that gives columns their default where NULL comes.
    default_for_null: bool,
    /// How often rows were not what had been read when they were to be locked.
    missed: Mutex<HashMap<Vec<u8>, u32>>,
}

/// Others who change a row in between do so a few times; whoever has locked it once sees it unchanged.
const MISSED_AT_MOST: u32 = 100;

impl Change<'_> {
    fn write(&self) -> WriteContext<'_> {
        WriteContext { transaction: self.work, wait: &self.wait }
    }
}

/// The side of a table that changes rows.
fn writer(target: &TargetTable) -> SqlResult<Arc<dyn TableWriter>> {
    target
        .table
        .access
        .writer()
        .ok_or_else(|| SqlError::not_supported(format!("Changing rows of the table '{}'", target.table.name)))
}

impl Runner<'_> {
    /// The plan of a changing statement, kept or new.
    fn plan_change<N>(
        &mut self,
        node: &N,
        scope: &Scope,
        bind: impl Fn(&N, &BindContext<'_>) -> SqlResult<BoundChange>,
    ) -> Result<Arc<BoundChange>, Fail> {
        let address = std::ptr::from_ref(node) as usize;
        let schema = scope.schema(&self.session);
        if let Some(Planned::Change(found)) =
            scope.unit.kept(address, &self.session, &schema, scope.run, &|id| self.is_alive(scope, id))
        {
            self.authorize(&found.accesses, scope)?;
            return Ok(found);
        }
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound = with_bind_context(&names.names(), &evaluator, |cx| bind(node, cx))?;
        let bound = Arc::new(bound.map_err(Fail::Compile)?);
        refuse_output(&bound)?;
        scope.unit.keep(address, Planned::Change(Arc::clone(&bound)), &self.session, schema, scope.run);
        self.authorize(&bound.accesses, scope)?;
        Ok(bound)
    }

    pub fn plan_insert(&mut self, i: &Insert, scope: &Scope) -> Result<Arc<BoundChange>, Fail> {
        self.plan_change(i, scope, holdfast_plan::bind_insert)
    }

    pub fn plan_update(&mut self, u: &Update, scope: &Scope) -> Result<Arc<BoundChange>, Fail> {
        self.plan_change(u, scope, holdfast_plan::bind_update)
    }

    pub fn plan_delete(&mut self, d: &Delete, scope: &Scope) -> Result<Arc<BoundChange>, Fail> {
        self.plan_change(d, scope, holdfast_plan::bind_delete)
    }

    pub fn plan_merge(&mut self, m: &Merge, scope: &Scope) -> Result<Arc<BoundChange>, Fail> {
        self.plan_change(m, scope, holdfast_plan::bind_merge)
    }

    pub fn insert(&mut self, i: &Insert, span: Span, scope: &mut Scope) -> Result<(), Fail> {
        if let Some(nested) = nested::nested(i) {
            return self.insert_nested(i, &nested, scope);
        }
        let bound = self.plan_insert(i, scope)?;
        if let InsertSource::Execute(e) = &i.source {
            return self.insert_execute(&bound, e, span, scope);
        }
        let locks_table = matches!(&i.target, DmlTarget::Named { hints, .. }
            if hints.iter().any(|h| matches!(h.name.as_str(), "TABLOCK" | "TABLOCKX")));
        self.run_change(&bound, scope, INSERT, |r, change, scope| {
            if locks_table {
                writer(&bound.target)?.lock_all(change.write())?;
            }
            r.insert_rows(&bound, change, scope)
        })
    }

    pub fn update(&mut self, u: &Update, scope: &mut Scope) -> Result<(), Fail> {
        let bound = self.plan_update(u, scope)?;
        self.run_change(&bound, scope, UPDATE, |r, change, scope| r.change_rows(&bound, change, scope))
    }

    pub fn delete(&mut self, d: &Delete, scope: &mut Scope) -> Result<(), Fail> {
        let bound = self.plan_delete(d, scope)?;
        self.run_change(&bound, scope, DELETE, |r, change, scope| r.change_rows(&bound, change, scope))
    }

    pub fn merge(&mut self, m: &Merge, scope: &mut Scope) -> Result<(), Fail> {
        let bound = self.plan_merge(m, scope)?;
        self.run_change(&bound, scope, MERGE, |r, change, scope| r.merge_rows(&bound, change, scope))
    }

    /// Carries out a change with all that belongs to it: transaction, triggers, OUTPUT, counts.
    fn run_change(
        &mut self,
        bound: &Arc<BoundChange>,
        scope: &mut Scope,
        command: u16,
        f: impl FnOnce(&mut Self, &mut Change<'_>, &mut Scope) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        refuse_output(bound)?;
        temporal::refuse_history(bound)?;
        let done = self.carry_out(bound, scope, f)?;
        self.tell(bound, done, command)
    }

    /// The change itself, in its transaction.
    fn carry_out(
        &mut self,
        bound: &Arc<BoundChange>,
        scope: &mut Scope,
        f: impl FnOnce(&mut Self, &mut Change<'_>, &mut Scope) -> Result<(), Fail>,
    ) -> Result<Done, Fail> {
        self.refuse_parameter(bound, scope)?;
        self.refuse_read_only(&bound.target)?;
        self.check_view_options(bound)?;
        self.changing(|r, work| {
            let mut change = r.new_change(bound, work, scope);
            f(r, &mut change, scope)?;
            r.finish_change(change)
        })
    }

    /// What a change has to say: its OUTPUT rows and its count.
    fn tell(&mut self, bound: &BoundChange, done: Done, command: u16) -> Result<(), Fail> {
        let (output, count, ignored) = done;
        if ignored {
            self.info(3604, 0, 1, "Duplicate key was ignored.".to_owned())?;
        }
        for (clause, batches) in bound.output.iter().zip(output) {
            if clause.into.is_some() {
                continue;
            }
            let columns: Vec<_> = clause.columns.iter().map(super::query::result_column).collect();
            self.may_answer()?;
            self.sink.columns(&columns)?;
            let mut batches = batches.open();
            while let Some(b) = batches.next_batch()? {
                self.sink.rows(&b)?;
            }
        }
        self.counted(count, command, true)
    }

    /// 3906: the database is read-only.
    fn refuse_read_only(&self, target: &TargetTable) -> Result<(), Fail> {
        let table = &target.table;
        if table.object_id <= 0 || table.access.writer().is_some() {
            return Ok(());
        }
        let database = self.session.host.database_by_id(table.database_id);
        match database.filter(|d| d.online().properties().read_only) {
            Some(d) => Err(SqlError::new(3906, &[&d.name]).into()),
            None => Ok(()),
        }
    }

    /// 10700: a table-valued parameter is READONLY.
    fn refuse_parameter(&self, bound: &BoundChange, scope: &Scope) -> Result<(), Fail> {
        let object = bound.target.table.object_id;
        let parameters = scope.unit.parameters.iter().filter(|p| p.readonly);
        let mut passed = parameters.filter_map(|p| Some((p, scope.tables.get(&p.name.to_lowercase())?)));
        match passed.find(|(_, t)| t.definition.object_id == object) {
            Some((p, _)) => Err(Fail::Compile(SqlError::new(10700, &[&p.name]))),
            None => Ok(()),
        }
    }

    /// A row that was read is not what it was any more. Reading again helps, unless the transaction would only see the same
    /// old row.
    fn check_conflict(&self, table: &holdfast_engine::catalog::TableDef) -> Result<(), SqlError> {
        if self.session.state.lock().isolation != IsolationLevel::Snapshot {
            return Ok(());
        }
        let database = self.session.database_name(table.database_id).unwrap_or_default();
        let name = format!("{}.{}", table.schema_name, table.name);
        Err(SqlError::new(3960, &[&name, &database]))
    }

    /// Locks a row that was read; `false` when it is not what was read, or not what the transaction's snapshot may change.
    fn lock_row(
        &self,
        writer: &dyn holdfast_engine::write::TableWriter,
        change: &Change<'_>,
        bookmark: &[u8],
    ) -> Result<bool, SqlError> {
        if writer.lock(change.write(), bookmark)? != holdfast_engine::write::RowState::Unchanged {
            let mut missed = change.missed.lock();
            let times = missed.entry(bookmark.to_vec()).or_insert(0);
            *times += 1;
            if *times >= MISSED_AT_MOST {
                // What is read there is not found by its key.
                let text = "A row that was read is not found by its key. The table or index is damaged; run DBCC CHECKDB.";
                return Err(SqlError::with_text(8646, 21, text));
            }
            return Ok(false);
        }
        let snapshot = {
            let state = self.session.state.lock();
            let held = state.transaction.snapshot.as_ref().map(|s| s.number());
            held.filter(|_| state.isolation == IsolationLevel::Snapshot)
        };
        match snapshot {
            Some(number) => Ok(!writer.changed_since(change.write(), bookmark, number)?),
            None => Ok(true),
        }
    }

    fn new_change<'c>(&self, bound: &BoundChange, work: &'c Arc<Work>, scope: &Scope) -> Change<'c> {
        let mut context = self.context(scope);
        // Nobody else has the new context yet.
        if let Some(query) = Arc::get_mut(&mut context.query) {
            query.read_current();
        }
        let output = bound.output.iter().map(|clause| {
            let types: Vec<SqlType> = clause.exprs.iter().map(|e| e.ty).collect();
            RowStore::new(&types, context.query.budget())
        });
        Change {
            output: output.collect(),
            work,
            verb: view::verb(bound),
            wait: self.session.lock_wait(),
            context,
            ansi_warnings: self.session.has(super::state::option::ANSI_WARNINGS),
            touched: Vec::new(),
            count: 0,
            identity: None,
            targets: HashMap::new(),
            duplicates_ignored: false,
            all_computed: !bound.output.is_empty(),
            default_for_null: false,
            missed: Mutex::default(),
        }
    }

    /// Identity functions, then triggers.
    fn finish_change(&mut self, change: Change<'_>) -> Result<Done, Fail> {
        self.warn_of_nulls(&change.context)?;
        if let Some(v) = &change.identity {
            let n = super::identity::whole(v).unwrap_or_default();
            let value = Value::Decimal(holdfast_types::Decimal::new(n, 0));
            let mut state = self.session.state.lock();
            state.identity = value.clone();
            state.scope_identity = value;
        }
        let Change { work, touched, count, output, duplicates_ignored, .. } = change;
        for t in touched {
            self.fire_after(t, work)?;
        }
        let output = output.into_iter().map(RowStore::finish).collect::<SqlResult<_>>()?;
        Ok((output, count, duplicates_ignored))
    }

    /// TRUNCATE TABLE.
    pub fn truncate(
        &mut self,
        name: &ObjectName,
        partitions: &[(holdfast_tsql::ast::Expr, Option<holdfast_tsql::ast::Expr>)],
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let target = self.named_table(name, scope)?;
        self.need_alter((target.table.database_id, target.table.object_id), &target.table.name, 7)?;
        if target.table.temporal.is_versioned() {
            return Err(SqlError::new(13545, &[&target.full_name]).into());
        }
        if target.rules.referencing.iter().any(|k| k.table_id != target.table.object_id) {
            return Err(SqlError::new(4712, &[&target.table.name]).into());
        }
        if let Some(of) = target.views.first() {
            // Rows that go without being read cannot be taken out of a view.
            let database = self.session.host.database_by_id(target.table.database_id);
            let view = database.and_then(|d| d.indexed_view(of.view).ok().flatten());
            let view = view.map_or_else(|| of.view.to_string(), |v| v.name.to_string());
            return Err(SqlError::new(3729, &[&"TRUNCATE TABLE", name, &view]).state(2).into());
        }
        let chosen = self.chosen_partitions(&target.table, partitions, scope)?;
        self.refuse_read_only(&target)?;
        let writer = writer(&target)?;
        self.changing(|r, work| {
            let wait = r.session.lock_wait();
            let write = WriteContext { transaction: work, wait: &wait };
            match &chosen {
                Some(some) => writer.truncate_partitions(write, some)?,
                None => writer.truncate(write)?,
            }
            Ok(())
        })?;
        self.plain_done(0)
    }

    /// The partitions (from 0) that WITH (PARTITIONS (…)) names; `None`: all.
    fn chosen_partitions(
        &mut self,
        table: &holdfast_engine::catalog::TableDef,
        partitions: &[(holdfast_tsql::ast::Expr, Option<holdfast_tsql::ast::Expr>)],
        scope: &Scope,
    ) -> Result<Option<Vec<usize>>, Fail> {
        if partitions.is_empty() {
            return Ok(None);
        }
        let Some(by) = table.access.partitioned_by() else {
            return Err(SqlError::new(7729, &[&"truncate", &"table", &"table", &table.name]).into());
        };
        let count = by.rowsets.len();
        let mut out = Vec::new();
        for (from, to) in partitions {
            let mut number = |e| -> Result<usize, Fail> {
                let found = match self.value_as(e, SqlType::INT, scope)? {
                    Value::Int(n) => n,
                    _ => 0,
                };
                let within = usize::try_from(found).ok().filter(|n| (1..=count).contains(n));
                within.ok_or_else(|| SqlError::new(7722, &[&found, &"table", &table.name, &count]).into())
            };
            let first = number(from)?;
            let last = to.as_ref().map_or(Ok(first), number)?;
            if first > last {
                return Err(SqlError::new(7728, &[&first, &last]).into());
            }
            out.extend(first - 1..last);
        }
        out.sort_unstable();
        out.dedup();
        Ok(Some(out))
    }

    /// A table by its name, with its rules.
    pub fn named_table(&mut self, name: &ObjectName, scope: &Scope) -> Result<Arc<TargetTable>, Fail> {
        let insert = Insert {
            with: None,
            top: None,
            target: holdfast_tsql::ast::DmlTarget::Named { name: name.clone(), hints: Vec::new() },
            columns: Vec::new(),
            output: Vec::new(),
            source: InsertSource::DefaultValues,
            options: Vec::new(),
        };
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound =
            with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::bind_insert(&insert, cx))?
                .map_err(|e| match e.number {
                    208 => Fail::Error(SqlError::new(4701, &[name]).at_line(name.span.line)),
                    _ => Fail::Compile(e),
                })?;
        if bound.target.is_view {
            return Err(SqlError::new(4701, &[name]).into());
        }
        Ok(Arc::clone(&bound.target))
    }

    /// Name of a database for messages.
    fn database_name(&self, id: i32) -> String {
        if id == 2 {
            return "tempdb".to_owned();
        }
        self.session.host.database_by_id(id).map_or_else(String::new, |d| d.name.to_string())
    }
}

/// 334: OUTPUT to the client from a table with triggers.
fn refuse_output(bound: &BoundChange) -> Result<(), Fail> {
    let sends = bound.output.iter().any(|o| o.into.is_none());
    let actions: &[Action] = match &bound.kind {
        ChangeKind::Insert(_) | ChangeKind::InsertExternal { .. } => &[Action::Insert],
        ChangeKind::Update(_) => &[Action::Update],
        ChangeKind::Delete => &[Action::Delete],
        ChangeKind::Merge { .. } => &[Action::Insert, Action::Update, Action::Delete],
    };
    let fires =
        bound.target.triggers.iter().any(|t| !t.def.disabled && actions.iter().any(|a| t.fires_for(*a)));
    if sends && fires {
        return Err(Fail::Compile(SqlError::new(334, &[&bound.target.table.name])));
    }
    Ok(())
}

/// Rows of a batch by columns of these types; NULL stands for a column that nobody asks for.
fn rows_of(batch: &Batch, positions: &[Option<usize>], types: &[SqlType]) -> Rows {
    let columns: Vec<_> = positions.iter().map(|p| p.and_then(|p| batch.columns.get(p))).collect();
    let value = |i, (column, ty): (&Option<&Arc<Column>>, _)| column.map_or(Value::Null, |c| c.value(i, ty));
    (0..batch.len).map(|i| columns.iter().zip(types).map(|c| value(i, c)).collect()).collect()
}
