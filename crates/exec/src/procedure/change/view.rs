//! Indexed views: what a change of a table does to the rows that views over it keep.
//!
//! Invariants
//! 1. Each step that changes rows of one table (a batch of an INSERT, an UPDATE, a cascade, a clause of a MERGE) carries them on
//!    to the views before anything else happens. A view names a table once and is linear in its rows, so what the step adds is
//!    the view's query over the new rows in the table's place, and what it takes away the same over the old ones; the other
//!    tables are read as they are.
//! 2. The other tables are read as SERIALIZABLE reads them, in the change's own transaction: nobody can change what was read, or
//!    add to it, before the transaction ends. So two transactions that change both sides of a join wait for each other.
//! 3. A row of the view is changed only under an exclusive lock on its whole clustered key, which is taken before the row is
//!    read. So two transactions that add to one group do so one after the other.
//! 4. Rows of the view are taken in the order of their keys: removed first, then replaced, then added, so keys may move.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_engine::access::{BOOKMARK, KeyRange, ReadContext};
use holdfast_engine::catalog::{Catalog, ColumnDef, IndexKind, ModuleDef, ObjectDef, TableDef, ViewUse};
use holdfast_engine::write::{NewRow, RowUpdate, TableWriter};
use holdfast_plan::change::{BoundChange, ChangeKind, TargetTable};
use holdfast_plan::expr::BinaryOp;
use holdfast_plan::{BoundQuery, NameResolver, VariableInfo};
use holdfast_tsql::ast::{Query, StatementKind};
use holdfast_types::{Column, SqlError, SqlResult, SqlType, TypeId, Value};

use super::{Change, Rows, Runner};
use crate::ddl::lower::bracketed;
use crate::expression::arithmetic::binary;
use crate::expression::vector::Vector;
use crate::indexed_view::{Role, Shape};
use crate::operator;
use crate::operator::sort_key::{KeyPart, encode_rows};
use crate::procedure::memory_table::MemoryTable;
use crate::procedure::query::convert;
use crate::procedure::run::{Fail, Scope, ScopeNames, scope_names};
use crate::procedure::state::option;
use crate::procedure::unit::{Folding, Names, Unit, with_bind_context};

/// What is kept of a view for the next change: its query over rows in place of one table.
pub struct ViewPlan {
    /// The table that the rows stand for.
    base: Arc<TableDef>,
    /// What the view keeps.
    view: Arc<TableDef>,
    /// Name of their database.
    database: Arc<str>,
    shape: Shape,
    /// Ordinals of the clustered key, which is unique.
    key: Vec<usize>,
    rows: MemoryTable,
    query: BoundQuery,
}

/// How many plans a session keeps.
const KEPT: usize = 64;

/// Names as the view's query sees them: one table has other rows.
struct StandIn<'n> {
    names: Names<'n>,
    base: &'n TableDef,
    rows: &'n MemoryTable,
}

impl NameResolver for StandIn<'_> {
    fn database(&self, name: &str) -> Option<Arc<dyn Catalog>> {
        self.names.database(name)
    }
    fn variable(&self, _: &str) -> Option<VariableInfo> {
        None
    }
    fn table_variable(&self, _: &str) -> Option<Arc<TableDef>> {
        None
    }
    fn temp_table(&self, _: &str) -> Option<Arc<TableDef>> {
        None
    }
    fn stand_in(&self, table: &TableDef) -> Option<Arc<TableDef>> {
        let same = table.database_id == self.base.database_id && table.object_id == self.base.object_id;
        same.then(|| Arc::clone(&self.rows.definition))
    }
}

/// SET options that changes of tables with indexed views ask for, in the order in which 1934 names them, and whether they
/// are to be on.
const ASKED: [(i32, &str, bool); 7] = [
    (option::ANSI_NULLS, "ANSI_NULLS", true),
    (option::QUOTED_IDENTIFIER, "QUOTED_IDENTIFIER", true),
    (option::CONCAT_NULL_YIELDS_NULL, "CONCAT_NULL_YIELDS_NULL", true),
    (option::ANSI_WARNINGS, "ANSI_WARNINGS", true),
    (option::ANSI_PADDING, "ANSI_PADDING", true),
    (option::ARITHABORT, "ARITHABORT", true),
    (option::NUMERIC_ROUNDABORT, "NUMERIC_ROUNDABORT", false),
];

/// Normalised keys of rows.
fn keys(rows: &Rows, ordinals: &[usize], types: &[SqlType]) -> SqlResult<Vec<Vec<u8>>> {
    let parts: Vec<KeyPart> = ordinals.iter().map(|&o| KeyPart { ty: types[o], descending: false }).collect();
    let mut columns = Vec::with_capacity(parts.len());
    for (p, &o) in parts.iter().zip(ordinals) {
        columns.push(Column::from_values(&p.ty, rows.iter().map(|r| &r[o]))?);
    }
    let refs: Vec<&Column> = columns.iter().collect();
    let encoded = encode_rows(&parts, &refs, rows.len())?;
    Ok(encoded.iter().map(<[u8]>::to_vec).collect())
}

/// `a + b` or `a - b` in the type of a view's column.
fn combined(a: &Value, b: &Value, subtract: bool, ty: &SqlType) -> SqlResult<Value> {
    if a.is_null() || b.is_null() {
        return Err(SqlError::not_supported("A sum in an indexed view that is NULL"));
    }
    let op = if subtract { BinaryOp::Subtract } else { BinaryOp::Add };
    let (a, b) = (Vector::Const(a.clone()), Vector::Const(b.clone()));
    Ok(binary(op, &a, ty, &b, ty, ty, 1)?.value(0, ty))
}

fn is_zero(v: &Value) -> bool {
    match v {
        Value::TinyInt(n) => *n == 0,
        Value::SmallInt(n) => *n == 0,
        Value::Int(n) => *n == 0,
        Value::BigInt(n) => *n == 0,
        Value::Money(n) => *n == 0,
        Value::Decimal(d) => d.mantissa == 0,
        Value::Real(x) => *x == 0.0,
        Value::Float(x) => *x == 0.0,
        _ => false,
    }
}

/// What rows of a view are to become.
#[derive(Default)]
struct Outcome {
    removed: Vec<Vec<u8>>,
    replaced: Vec<RowUpdate>,
    added: Vec<NewRow>,
}

impl Runner<'_> {
    /// 1934: the session's SET options do not suit the indexed views over a table.
    pub(crate) fn refuse_options(&self, verb: &str) -> Result<(), Fail> {
        let options = self.session.state.lock().settings.options;
        let wrong: Vec<&str> = ASKED
            .iter()
            .filter(|(bit, _, on)| (options & bit != 0) != *on)
            // Warnings turn it on.
            .filter(|(bit, ..)| *bit != option::ARITHABORT || options & option::ANSI_WARNINGS == 0)
            .map(|a| a.1)
            .collect();
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Fail::Compile(SqlError::new(1934, &[&verb, &wrong.join(", ")]))),
        }
    }

    /// The same for the tables that a change names; those that cascades and histories come to are asked about when their
    /// rows change.
    pub(super) fn check_view_options(&self, bound: &BoundChange) -> Result<(), Fail> {
        let into = bound.output.iter().filter_map(|o| o.into.as_ref()).map(|i| &i.target);
        match std::iter::once(&bound.target).chain(into).any(|t| asks_for_options(t)) {
            true => self.refuse_options(verb(bound)),
            false => Ok(()),
        }
    }

    /// Carries what one step has done to a table's rows on to the views over it (invariant 1). `changed`: what an UPDATE set.
    pub(super) fn carry_to_views(
        &mut self,
        target: &TargetTable,
        old: &Rows,
        new: &Rows,
        changed: Option<&[usize]>,
        change: &Change<'_>,
    ) -> Result<(), Fail> {
        for of in target.views.iter().filter(|v| concerns(v, &target.table, changed)) {
            self.refuse_options(change.verb)?;
            let plan = self.view_plan(target, of.view, change)?;
            let gone = self.view_rows(&plan, old, change)?;
            let come = self.view_rows(&plan, new, change)?;
            let done = if plan.shape.grouped {
                grouped(&plan, gone, come, change)
            } else {
                row_by_row(&plan, gone, come, change)
            };
            apply(&plan, done?, change)?;
            self.keep_view_plan(of.view, plan);
        }
        Ok(())
    }

    fn view_plan(&mut self, target: &TargetTable, view: i32, change: &Change<'_>) -> Result<ViewPlan, Fail> {
        let key = self.view_plan_key(&target.table, view);
        let kept = self.session.view_plans.lock().remove(&key);
        match kept {
            Some(plan) => Ok(plan),
            None => self.make_view_plan(target, view, change),
        }
    }

    /// SET options decide what a text means, so each has plans of its own.
    fn view_plan_key(&self, base: &Arc<TableDef>, view: i32) -> (usize, i32, i32) {
        (Arc::as_ptr(base) as usize, view, self.session.state.lock().settings.options)
    }

    fn keep_view_plan(&self, view: i32, plan: ViewPlan) {
        let key = self.view_plan_key(&plan.base, view);
        let mut kept = self.session.view_plans.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, plan);
    }

    fn make_view_plan(
        &mut self,
        target: &TargetTable,
        view: i32,
        change: &Change<'_>,
    ) -> Result<ViewPlan, Fail> {
        let base = &target.table;
        let missing = || SqlError::new(208, &[&view]);
        let database = self.session.host.database_by_id(base.database_id).ok_or_else(missing)?;
        let kept = database.indexed_view(view)?.ok_or_else(missing)?;
        let module: Arc<ModuleDef> = match database.object(&kept.schema_name, &kept.name) {
            Some(ObjectDef::View(module)) if module.object_id == view => module,
            _ => return Err(missing().into()),
        };
        let shape = Shape::of(&module)?;
        let clustered = kept.indexes.iter().find(|i| i.kind == IndexKind::Clustered && i.unique);
        let key: Vec<usize> =
            clustered.map(|i| i.keys.iter().map(|k| k.ordinal).collect()).unwrap_or_default();
        if key.is_empty() || shape.roles.len() != kept.columns.len() {
            let name = format!("Changing what the view '{}.{}' is over", kept.schema_name, kept.name);
            return Err(SqlError::not_supported(name).into());
        }
        // Columns that no page holds are computed from the others here, too.
        let column = |c: &ColumnDef| ColumnDef {
            identity: None,
            default: None,
            computed: c.computed.clone().filter(|_| !c.persisted),
            ..c.clone()
        };
        let mut rows = MemoryTable::new(
            &base.name,
            base.columns.iter().map(column).collect(),
            &self.session.host.temporary_rows,
        );
        // The text may name columns with their table's schema.
        rows.definition =
            Arc::new(TableDef { schema_name: base.schema_name.clone(), ..(*rows.definition).clone() });
        let query = self.bind_view(&database.name, &kept, base, &rows, change)?;
        let database = Arc::clone(&database.name);
        Ok(ViewPlan { base: Arc::clone(base), view: kept, database, shape, key, rows, query })
    }

    /// The view's query over `rows` in place of those of `base`.
    fn bind_view(
        &self,
        database: &str,
        view: &TableDef,
        base: &TableDef,
        rows: &MemoryTable,
        change: &Change<'_>,
    ) -> Result<BoundQuery, Fail> {
        let text = format!(
            "select * from {}.{}.{}",
            bracketed(database),
            bracketed(&view.schema_name),
            bracketed(&view.name)
        );
        let query = parsed(&text)?;
        let scope = Scope::new(
            Unit::new("", Vec::new(), Vec::new(), Default::default()),
            &self.session.host.temporary_rows,
        );
        let outer: ScopeNames = scope_names(&self.session, &scope, &self.temporary);
        let evaluator = Folding(change.context.clone());
        let names = outer.names();
        let bound = with_bind_context(&names, &evaluator, |cx| {
            let names = StandIn { names: outer.names(), base, rows };
            let cx = holdfast_plan::BindContext {
                catalog: Arc::clone(&cx.catalog),
                default_schema: Arc::clone(&cx.default_schema),
                names: &names,
                evaluator: cx.evaluator,
                settings: cx.settings,
                database_collation: cx.database_collation,
                server_collation: cx.server_collation,
                first_free_slot: cx.first_free_slot,
                max_parallelism: 1,
            };
            holdfast_plan::bind_query(&query, &[], &cx)
        })?;
        bound.map_err(Fail::Compile)
    }

    /// What the view makes of some rows of the table, in the types of the view's columns.
    fn view_rows(&self, plan: &ViewPlan, rows: &Rows, change: &Change<'_>) -> Result<Rows, Fail> {
        if rows.is_empty() {
            return Ok(Rows::new());
        }
        plan.rows.rows.append(rows)?;
        let read = self.read_view(plan, change);
        plan.rows.rows.clear();
        Ok(read?)
    }

    fn read_view(&self, plan: &ViewPlan, change: &Change<'_>) -> SqlResult<Rows> {
        let scope = Scope::new(
            Unit::new("", Vec::new(), Vec::new(), Default::default()),
            &self.session.host.temporary_rows,
        );
        let context = self.serializable_context(&scope, change.work.owner(), change.wait.clone());
        let from: Vec<SqlType> = plan.query.plan.columns.iter().map(|c| c.ty).collect();
        let to: Vec<SqlType> = plan.view.columns.iter().map(|c| c.ty).collect();
        let mut out = Rows::new();
        let mut source = operator::open(&plan.query.plan, &context)?;
        while let Some(batch) = source.next_batch()? {
            change.context.check_cancel()?;
            for i in 0..batch.len {
                let mut row = batch.row(i, &from);
                for (value, (from, to)) in row.iter_mut().zip(from.iter().zip(&to)) {
                    if from != to {
                        *value = convert(value, *from, *to, &context)?;
                    }
                }
                out.push(row);
            }
        }
        Ok(out)
    }
}

/// Whether a table has indexed views over it, a filtered index, or an index over a computed column.
fn asks_for_options(target: &TargetTable) -> bool {
    let columns = &target.table.columns;
    let mut keys = target.table.indexes.iter().filter(|i| !i.disabled).flat_map(|i| &i.keys);
    let stored = target.table.object_id > 0 && !target.is_view;
    let computed = stored && keys.any(|k| columns.get(k.ordinal).is_some_and(|c| c.computed.is_some()));
    let filtered = stored && target.table.indexes.iter().any(|i| !i.disabled && i.filter.is_some());
    !target.views.is_empty() || computed || filtered
}

/// The statement as 1934 names it.
pub(super) fn verb(bound: &BoundChange) -> &'static str {
    match bound.kind {
        ChangeKind::Insert(_) | ChangeKind::InsertExternal { .. } => "INSERT",
        ChangeKind::Delete => "DELETE",
        ChangeKind::Update(_) => "UPDATE",
        ChangeKind::Merge { .. } => "MERGE",
    }
}

/// Whether a change can be seen in a view.
fn concerns(of: &ViewUse, table: &TableDef, changed: Option<&[usize]>) -> bool {
    let Some(changed) = changed else { return true };
    table.columns.iter().enumerate().any(|(ordinal, c)| {
        // A computed column changes with others.
        of.columns.contains(&c.column_id) && (changed.contains(&ordinal) || c.computed.is_some())
    })
}

fn parsed(text: &str) -> SqlResult<Query> {
    let batch = holdfast_tsql::parse_batch(text, &Default::default()).ok();
    let first = batch.and_then(|b| b.statements.into_iter().next());
    match first.map(|s| s.kind) {
        Some(StatementKind::Select(select)) => Ok(select.query),
        _ => Err(SqlError::new(102, &[&text])),
    }
}

impl ViewPlan {
    fn types(&self) -> Vec<SqlType> {
        self.view.columns.iter().map(|c| c.ty).collect()
    }

    fn writer(&self) -> SqlResult<Arc<dyn TableWriter>> {
        let name = || format!("Changing the view '{}.{}'", self.view.schema_name, self.view.name);
        self.view.access.writer().ok_or_else(|| SqlError::not_supported(name()))
    }

    /// The row with the key of `like`, locked (invariant 3): what names it, and its values.
    fn locked(&self, like: &[Value], change: &Change<'_>) -> SqlResult<Option<(Vec<u8>, Vec<Value>)>> {
        let key: Vec<Value> = self.key.iter().map(|&o| like[o].clone()).collect();
        self.writer()?.lock_key(change.write(), &key)?;
        // Nobody changes it now, so no further lock is needed to read it.
        let read =
            ReadContext { owner: change.work.owner(), wait: change.wait.clone(), ..ReadContext::default() };
        let mut columns: Vec<usize> = (0..self.view.columns.len()).collect();
        columns.push(BOOKMARK);
        let mut types = self.types();
        types.push(SqlType::binary(TypeId::VarBinary, 8000));
        let mut source = self.view.access.seek(&read, 1, KeyRange::point(key), &columns, false)?;
        while let Some(batch) = source.next_batch()? {
            if batch.len == 0 {
                continue;
            }
            let mut row = batch.row(0, &types);
            if let Some(Value::Binary(mark)) = row.pop() {
                return Ok(Some((mark.to_vec(), row)));
            }
        }
        Ok(None)
    }

    /// The view does not have a row that the change says it has.
    fn torn(&self) -> SqlError {
        SqlError::new(8646, &[&1, &self.view.object_id, &self.database])
    }
}

/// A view without groups: each row of it comes from one row of the table.
fn row_by_row(plan: &ViewPlan, gone: Rows, come: Rows, change: &Change<'_>) -> SqlResult<Outcome> {
    let types = plan.types();
    let mut by_key: BTreeMap<Vec<u8>, (Option<Vec<Value>>, Vec<Vec<Value>>)> = BTreeMap::new();
    for (key, row) in keys(&gone, &plan.key, &types)?.into_iter().zip(gone) {
        if by_key.entry(key).or_default().0.replace(row).is_some() {
            return Err(plan.torn());
        }
    }
    for (key, row) in keys(&come, &plan.key, &types)?.into_iter().zip(come) {
        by_key.entry(key).or_default().1.push(row);
    }
    let mut out = Outcome::default();
    for (_, (old, new)) in by_key {
        let mut new = new.into_iter();
        if let Some(old) = old {
            let first = new.next();
            if first.as_ref() != Some(&old) {
                let (bookmark, _) = plan.locked(&old, change)?.ok_or_else(|| plan.torn())?;
                match first {
                    Some(values) => {
                        out.replaced.push(RowUpdate { bookmark, row: plain(values), old: Vec::new() })
                    }
                    None => out.removed.push(bookmark),
                }
            }
        }
        out.added.extend(new.map(plain));
    }
    Ok(out)
}

fn plain(values: Vec<Value>) -> NewRow {
    NewRow { values, outside_indexes: Vec::new() }
}

/// A view of groups: counts and sums of those that the rows belong to.
fn grouped(plan: &ViewPlan, gone: Rows, come: Rows, change: &Change<'_>) -> SqlResult<Outcome> {
    let types = plan.types();
    let roles = &plan.shape.roles;
    let places = |wanted: fn(&Role) -> bool| -> Vec<usize> {
        roles.iter().enumerate().filter(|(_, r)| wanted(r)).map(|(i, _)| i).collect()
    };
    let (values, sums) = (places(|r| *r == Role::Value), places(|r| *r != Role::Value));
    let counted = roles.iter().position(|r| *r == Role::Rows).ok_or_else(|| plan.torn())?;
    // What becomes of each group, as a row of the view.
    let mut net: BTreeMap<Vec<u8>, Vec<Value>> = BTreeMap::new();
    for (key, row) in keys(&come, &values, &types)?.into_iter().zip(come) {
        if net.insert(key, row).is_some() {
            // The query has two groups where the view has one.
            return Err(plan.torn());
        }
    }
    for (key, row) in keys(&gone, &values, &types)?.into_iter().zip(gone) {
        match net.get_mut(&key) {
            Some(sum) => {
                for &i in &sums {
                    sum[i] = combined(&sum[i], &row[i], true, &types[i])?;
                }
            }
            None => {
                let mut less = row;
                for &i in &sums {
                    let zero = combined(&less[i], &less[i], true, &types[i])?;
                    less[i] = combined(&zero, &less[i], true, &types[i])?;
                }
                net.insert(key, less);
            }
        }
    }
    let mut out = Outcome::default();
    for (key, delta) in net {
        if sums.iter().all(|&i| is_zero(&delta[i])) {
            continue;
        }
        let found = plan.locked(&delta, change)?;
        // Where the clustered key is shorter than the group, the row may be another group's.
        let own = match found {
            Some((mark, row)) => {
                let there = keys(&vec![row.clone()], &values, &types)?;
                (there.first() == Some(&key)).then_some((mark, row))
            }
            None => None,
        };
        let Some((bookmark, mut row)) = own else {
            if !matches!(delta[counted], Value::BigInt(n) if n > 0) {
                return Err(plan.torn());
            }
            out.added.push(plain(delta));
            continue;
        };
        for &i in &sums {
            row[i] = combined(&row[i], &delta[i], false, &types[i])?;
        }
        match row[counted] {
            Value::BigInt(n) if n > 0 => {
                out.replaced.push(RowUpdate { bookmark, row: plain(row), old: Vec::new() })
            }
            Value::BigInt(0) => out.removed.push(bookmark),
            _ => return Err(plan.torn()),
        }
    }
    Ok(out)
}

/// Invariant 4.
fn apply(plan: &ViewPlan, done: Outcome, change: &Change<'_>) -> SqlResult<()> {
    let writer = plan.writer()?;
    if !done.removed.is_empty() {
        writer.delete(change.write(), &done.removed, &[])?;
    }
    if !done.replaced.is_empty() {
        let all: Vec<usize> = (0..plan.view.columns.len()).collect();
        writer.update(change.write(), &done.replaced, &all)?;
    }
    if !done.added.is_empty() {
        writer.insert(change.write(), &done.added)?;
    }
    Ok(())
}
