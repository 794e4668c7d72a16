//! ALTER TABLE … SWITCH: two partitions, or tables as a whole, change their rowsets. No row is read or written.
//!
//! Invariants
//! 1. Both tables are locked against all others. The target is empty, and every row of the source is one that the target may hold:
//!    by its partition, or by the CHECK constraints that the source table trusts.
//! 2. Rowsets change places pair by pair: the heap or clustered index and each nonclustered index with its like.

use std::sync::Arc;

use holdfast_engine::access::ReadContext;
use holdfast_engine::catalog::{Catalog, IndexDef, IndexKind as Kind, TableDef};
use holdfast_engine::database::partition::{PartitionFunction, Spread};
use holdfast_engine::ddl::index::clustered_key;
use holdfast_engine::instance::files::filegroups;
use holdfast_engine::page_error;
use holdfast_tsql::ast::expression::ComparisonOp;
use holdfast_tsql::ast::{Expr, ExprKind, ObjectName, Setting};
use holdfast_types::{NameOrder, SqlError, SqlType, TypeId, Value};

use super::lower::type_text;
use super::{Definition, shown};
use crate::procedure::query::convert;
use crate::procedure::run::{Fail, Scope};
use crate::procedure::unit::Unit;

const STATEMENT: &str = "ALTER TABLE SWITCH";

/// One side of a switch.
struct Side {
    table: Arc<TableDef>,
    /// `db.dbo.t`
    name: String,
    spread: Option<Spread>,
    /// From 0.
    partition: usize,
}

impl Side {
    /// Nonclustered indexes that have rows, and the heap or clustered index first.
    fn indexes(&self) -> Vec<&IndexDef> {
        // Statistics are listed as heaps are.
        let real = |i: &&IndexDef| !i.disabled && (i.kind != Kind::Heap || i.index_id == 0);
        let mut out: Vec<&IndexDef> = self.table.indexes.iter().filter(real).collect();
        out.sort_by_key(|i| i.index_id);
        out
    }

    fn clustered(&self) -> Option<&IndexDef> {
        self.table.indexes.iter().find(|i| i.kind == Kind::Clustered)
    }
}

/// Which values of the partitioning column a condition lets pass.
#[derive(Clone)]
struct Allowed {
    partitions: Vec<bool>,
    null: bool,
}

impl Allowed {
    fn all(function: &PartitionFunction) -> Self {
        Allowed { partitions: vec![true; function.partitions()], null: true }
    }

    fn some(function: &PartitionFunction, which: impl Fn(usize) -> bool, null: bool) -> Self {
        Allowed { partitions: (0..function.partitions()).map(which).collect(), null }
    }

    fn both(mut self, other: &Allowed) -> Self {
        self.partitions.iter_mut().zip(&other.partitions).for_each(|(a, b)| *a &= b);
        self.null &= other.null;
        self
    }

    fn either(mut self, other: &Allowed) -> Self {
        self.partitions.iter_mut().zip(&other.partitions).for_each(|(a, b)| *a |= b);
        self.null |= other.null;
        self
    }
}

fn is_column(names: NameOrder, e: &Expr, column: &str) -> bool {
    matches!(&e.unparen().kind, ExprKind::Column(name)
        if name.last().is_some_and(|n| names.same(&n.text, column)))
}

/// A literal, perhaps with a sign or converted.
fn is_literal(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Literal(_) => true,
        ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => is_literal(inner),
        ExprKind::Cast { value, .. } | ExprKind::Convert { value, .. } => is_literal(value),
        _ => false,
    }
}

fn swapped(op: ComparisonOp) -> ComparisonOp {
    match op {
        ComparisonOp::Less => ComparisonOp::Greater,
        ComparisonOp::LessOrEqual => ComparisonOp::GreaterOrEqual,
        ComparisonOp::Greater => ComparisonOp::Less,
        ComparisonOp::GreaterOrEqual => ComparisonOp::LessOrEqual,
        other => other,
    }
}

impl Definition<'_, '_> {
    pub fn switch(
        &mut self,
        table: &Arc<TableDef>,
        partition: Option<&Expr>,
        target: &ObjectName,
        target_partition: Option<&Expr>,
        options: &[Setting],
    ) -> Result<(), Fail> {
        if let Some(o) = options.first() {
            return Err(SqlError::not_supported(format!("{STATEMENT} WITH ({})", o.name)).into());
        }
        if let Some(d) = &target.database
            && !NameOrder::instance().same(&d.text, &self.database.name)
        {
            let args: [&dyn std::fmt::Display; 4] =
                [&table.name, &self.database.name, &target.name.text, &d.text];
            return Err(SqlError::new(4948, &args).into());
        }
        let mut local = target.clone();
        local.database = None;
        let other = self.table(&local).map_err(|_| SqlError::new(4902, &[&shown(target)]))?;
        // Documented: partitions of a versioned table may come, and those of its history go; the rest would break the history.
        let versioned = |t: &TableDef| t.temporal.history.is_some() || t.temporal.history_of.is_some();
        if let Some(t) = [table, &other].into_iter().find(|t| versioned(t)) {
            let what = format!("{STATEMENT} of the system-versioned table '{}' or its history", t.name);
            return Err(SqlError::not_supported(what).into());
        }
        for t in [table, &other] {
            // Rows that change their table without being read would stay in views, or be missing from them.
            if !self.catalog()?.views_over(t.object_id)?.is_empty() {
                let what = format!("{STATEMENT} of the table '{}', which has indexed views,", t.name);
                return Err(SqlError::not_supported(what).into());
            }
        }
        self.lock(other.object_id)?;
        let source = self.side(table, partition)?;
        let target = self.side(&other, target_partition)?;
        self.check_columns(&source, &target)?;
        let pairs = self.pairs(&source, &target)?;
        self.check_rowsets(&source, &pairs.iter().map(|p| p.0).collect::<Vec<_>>())?;
        self.check_rowsets(&target, &pairs.iter().map(|p| p.1).collect::<Vec<_>>())?;
        self.check_references(&source, &target)?;
        self.check_rows(&source, &target)?;
        self.exchange(&source, &target, &pairs)
    }

    fn side(&mut self, table: &Arc<TableDef>, partition: Option<&Expr>) -> Result<Side, Fail> {
        let catalog = self.catalog()?;
        let name = format!("{}.{}.{}", self.database.name, table.schema_name, table.name);
        let base = i32::from(table.indexes.iter().any(|i| i.kind == Kind::Clustered));
        let spread = match table.access.partitioned_by() {
            Some(_) => catalog.spread_of(table.object_id, base).map_err(|e| page_error(&e))?,
            None => None,
        };
        let number = match partition {
            None => None,
            Some(e) => match self.value(e, SqlType::INT)? {
                Value::Int(n) => Some(n),
                _ => return Err(SqlError::new(4957, &[&STATEMENT, &"table", &name]).into()),
            },
        };
        let partition = match (&spread, number) {
            (Some(_), None) => return Err(SqlError::new(4911, &[&name]).into()),
            (Some(s), Some(n)) => {
                let found = usize::try_from(n).ok().filter(|n| (1..=s.function.partitions()).contains(n));
                found.ok_or_else(|| SqlError::new(4950, &[&n, &name]))? - 1
            }
            (None, Some(n)) => {
                let warning = SqlError::new(4903, &[&n, &name]);
                self.runner.info(4903, 10, 1, warning.message.clone())?;
                0
            }
            (None, None) => 0,
        };
        Ok(Side { table: Arc::clone(table), name, spread, partition })
    }

    fn check_columns(&self, source: &Side, target: &Side) -> Result<(), Fail> {
        let (a, b) = (&source.table.columns, &target.table.columns);
        if a.len() != b.len() {
            return Err(SqlError::new(4943, &[&source.name, &a.len(), &target.name, &b.len()]).into());
        }
        for (n, (x, y)) in a.iter().zip(b).enumerate() {
            if !self.same(&x.name, &y.name) {
                let args: [&dyn std::fmt::Display; 5] =
                    [&x.name, &(n + 1), &source.name, &y.name, &target.name];
                return Err(SqlError::new(4942, &args).into());
            }
            let form = |t: &SqlType| (t.id, t.length, t.precision, t.scale);
            if form(&x.ty) != form(&y.ty) {
                let (s, t) = (type_text(&x.ty), type_text(&y.ty));
                let args: [&dyn std::fmt::Display; 5] = [&x.name, &s, &source.name, &t, &target.name];
                return Err(SqlError::new(4944, &args).into());
            }
            if x.ty.collation != y.ty.collation {
                return Err(SqlError::new(4945, &[&x.name, &source.name, &target.name]).into());
            }
            if x.nullable != y.nullable {
                return Err(SqlError::new(4985, &[&x.name, &source.name, &target.name]).into());
            }
            if x.computed != y.computed || x.persisted != y.persisted || x.is_sparse != y.is_sparse {
                let what = format!(
                    "{STATEMENT} between tables whose column '{}' is not computed or kept alike",
                    x.name
                );
                return Err(SqlError::not_supported(what).into());
            }
        }
        Ok(())
    }

    /// The indexes that belong together: (source, target) by id.
    fn pairs(&self, source: &Side, target: &Side) -> Result<Vec<(i32, i32)>, Fail> {
        match (source.clustered(), target.clustered()) {
            (Some(i), None) => {
                let index = i.name.as_deref().unwrap_or("");
                return Err(SqlError::new(4913, &[&source.name, &index, &target.name]).into());
            }
            (None, Some(i)) => {
                let index = i.name.as_deref().unwrap_or("");
                return Err(SqlError::new(4913, &[&target.name, &index, &source.name]).into());
            }
            _ => {}
        }
        let (have, wanted) = (source.indexes(), target.indexes());
        let mut free = have.clone();
        let mut out = Vec::new();
        for t in wanted {
            let alike = |s: &&IndexDef| match t.kind {
                Kind::Heap => s.kind == Kind::Heap,
                Kind::Clustered => {
                    let key =
                        |side: &Side| clustered_key(&side.table).map(|k| self.ordinals(side, &k.columns));
                    s.kind == t.kind && s.unique == t.unique && key(source) == key(target)
                }
                Kind::Nonclustered => {
                    s.kind == t.kind
                        && s.unique == t.unique
                        && s.keys == t.keys
                        && s.included == t.included
                        && s.filter == t.filter
                }
                _ => false,
            };
            let found = free.iter().position(alike).map(|n| free.remove(n));
            let missing = || {
                let name = t.name.as_deref().unwrap_or("");
                SqlError::new(4947, &[&source.name, &name, &target.name])
            };
            out.push((found.ok_or_else(missing)?, t));
        }
        if let Some(i) = free.first() {
            let name = i.name.as_deref().unwrap_or("");
            let what = format!("{STATEMENT} of a table whose index '{name}' the target table does not have");
            return Err(SqlError::not_supported(what).into());
        }
        let writer = self.writer()?;
        for (s, t) in &out {
            let mut places = Vec::new();
            for (side, i) in [(source, s), (target, t)] {
                let place = writer.placement_of(side.table.object_id, i.index_id);
                if place.partitions.is_some() != side.spread.is_some() {
                    let name = i.name.as_deref().unwrap_or("");
                    let args: [&dyn std::fmt::Display; 5] =
                        [&STATEMENT, &"table", &side.name, &"index", &name];
                    return Err(SqlError::new(7733, &args).into());
                }
                places.push(place.each().get(side.partition).copied().unwrap_or((1, 0)));
            }
            let [(from, a), (to, b)] = places[..] else { continue };
            if from != to {
                let groups = filegroups(&*self.catalog()?)?;
                let group = |id: i16| {
                    groups.iter().find(|g| g.0 == i32::from(id)).map_or(String::new(), |g| g.1.clone())
                };
                let args: [&dyn std::fmt::Display; 6] =
                    [&"table", &source.name, &group(from), &"table", &target.name, &group(to)];
                return Err(SqlError::new(4940, &args).into());
            }
            if a != b {
                return Err(SqlError::new(11406, &[]).into());
            }
        }
        Ok(out.into_iter().map(|(s, t)| (s.index_id, t.index_id)).collect())
    }

    /// Columns of a key as places in their table.
    fn ordinals(&self, side: &Side, key: &[(i32, bool)]) -> Vec<(Option<usize>, bool)> {
        let place = |id: i32| side.table.columns.iter().position(|c| c.column_id == id);
        key.iter().map(|(id, descending)| (place(*id), *descending)).collect()
    }

    fn check_rows(&mut self, source: &Side, target: &Side) -> Result<(), Fail> {
        if self.is_filled(target)? {
            return Err(match target.spread {
                Some(_) => SqlError::new(4904, &[&(target.partition + 1), &target.name]).into(),
                None => SqlError::new(4905, &[&target.name]).into(),
            });
        }
        let catalog = self.catalog()?;
        let rules = |t: &TableDef| catalog.table_rules(t.object_id).map_err(|e| page_error(&e));
        let (own, theirs) = (rules(&source.table)?, rules(&target.table)?);
        for check in theirs.checks.iter().filter(|c| !c.disabled) {
            if !own.checks.iter().any(|c| c.text == check.text && !c.disabled && !c.not_trusted) {
                return Err(SqlError::new(4970, &[&target.name, &check.name, &source.name]).into());
            }
        }
        let Some(to) = &target.spread else { return Ok(()) };
        let column = target.table.columns.iter().position(|c| c.column_id == to.column_id);
        let Some(column) = column.and_then(|n| source.table.columns.get(n)) else { return Ok(()) };
        let mut allowed = Allowed::all(&to.function);
        allowed.null = column.nullable;
        for check in own.checks.iter().filter(|c| !c.disabled && !c.not_trusted) {
            let Ok(e) = holdfast_tsql::parse_expression(&check.text, &Default::default()) else { continue };
            allowed = allowed.both(&self.allowed(&e, &column.name, &to.function)?);
        }
        if let Some(from) = &source.spread {
            let by = source.table.columns.iter().find(|c| c.column_id == from.column_id);
            if by.is_some_and(|c| c.column_id == column.column_id) {
                allowed = allowed.both(&within(&from.function, source.partition, &to.function));
            }
        }
        let null_fits = !allowed.null || to.function.partition_of(&Value::Null) == target.partition;
        let fits = allowed.partitions.iter().enumerate().all(|(n, a)| !a || n == target.partition);
        if fits && null_fits {
            return Ok(());
        }
        Err(match source.spread {
            Some(_) => SqlError::new(4972, &[&source.name, &target.name]).into(),
            None => SqlError::new(4982, &[&source.name, &(target.partition + 1), &target.name]).into(),
        })
    }

    /// What a trusted condition says about the column; everything where it is not understood.
    fn allowed(&mut self, e: &Expr, column: &str, f: &PartitionFunction) -> Result<Allowed, Fail> {
        let names = self.names();
        let mut compare = |op: ComparisonOp, value: &Expr| -> Result<Allowed, Fail> {
            // What is no constant says nothing.
            let Some(value) = self.compared(value, f.ty) else { return Ok(Allowed::all(f)) };
            let at = f.partition_of(&value);
            // A boundary is the last value of its partition, or the first.
            let boundary = f.boundary_at(&value).is_ok();
            let first = if boundary && !f.right { at + 1 } else { at };
            let last = if boundary && f.right { at.checked_sub(1) } else { Some(at) };
            Ok(match op {
                ComparisonOp::Equal => Allowed::some(f, |n| n == at, true),
                ComparisonOp::Less => Allowed::some(f, |n| last.is_some_and(|l| n <= l), true),
                ComparisonOp::LessOrEqual => Allowed::some(f, |n| n <= at, true),
                ComparisonOp::Greater => Allowed::some(f, |n| n >= first, true),
                ComparisonOp::GreaterOrEqual => Allowed::some(f, |n| n >= at, true),
                ComparisonOp::NotEqual | ComparisonOp::OuterLeft => Allowed::all(f),
            })
        };
        Ok(match &e.kind {
            ExprKind::Paren(inner) => self.allowed(inner, column, f)?,
            ExprKind::And(list) => {
                let mut out = Allowed::all(f);
                for x in list {
                    out = out.both(&self.allowed(x, column, f)?);
                }
                out
            }
            ExprKind::Or(list) => {
                let mut out = Allowed::some(f, |_| false, false);
                for x in list {
                    out = out.either(&self.allowed(x, column, f)?);
                }
                out
            }
            ExprKind::Comparison { op, left, right } if is_column(names, left, column) => {
                compare(*op, right)?
            }
            ExprKind::Comparison { op, left, right } if is_column(names, right, column) => {
                compare(swapped(*op), left)?
            }
            ExprKind::Between { value, low, high, negated: false } if is_column(names, value, column) => {
                compare(ComparisonOp::GreaterOrEqual, low)?.both(&compare(ComparisonOp::LessOrEqual, high)?)
            }
            ExprKind::InList { value, list, negated: false } if is_column(names, value, column) => {
                let mut out = Allowed::some(f, |_| false, true);
                for x in list {
                    out = out.either(&compare(ComparisonOp::Equal, x)?);
                }
                out
            }
            ExprKind::IsNull { value, negated } if is_column(names, value, column) => {
                Allowed::some(f, |_| *negated, !negated)
            }
            _ => Allowed::all(f),
        })
    }

    /// A constant as a value of the column's type, when comparing the two is comparing values of that type, and it is not NULL.
    fn compared(&mut self, e: &Expr, ty: SqlType) -> Option<Value> {
        if !is_literal(e) {
            return None;
        }
        // Plans are kept by the address of their node, and this one goes with the constraint's text.
        let scope = Scope::new(
            Unit::new("", Vec::new(), Vec::new(), Default::default()),
            &self.runner.session.host.temporary_rows,
        );
        let (given, own) = self.runner.value(e, &scope).ok()?;
        let narrow = |t: &SqlType| matches!(t.id, TypeId::Char | TypeId::VarChar);
        let fits = match (ty.id.is_character(), own.id.is_character()) {
            (true, true) => narrow(&own) || !narrow(&ty),
            // The text would be converted, row by row.
            (true, false) => false,
            (false, _) => true,
        };
        if !fits || given.is_null() {
            return None;
        }
        let context = self.runner.context(&scope);
        let value = convert(&given, own, ty, &context).ok()?;
        // What the column's type cannot hold, like 10.5 for int, is compared in another type.
        let exact = own.id.is_character() || {
            let back = convert(&value, ty, own, &context).ok()?;
            back == given
        };
        exact.then_some(value)
    }

    fn is_filled(&self, side: &Side) -> Result<bool, Fail> {
        let whole = &side.table.access;
        let access = whole.partition(side.partition).unwrap_or_else(|| Arc::clone(whole));
        let read = ReadContext { owner: self.transaction.owner(), ..ReadContext::default() };
        let stored = (0..side.table.columns.len())
            .find(|&i| side.table.columns[i].computed.is_none() || side.table.columns[i].persisted);
        let columns: Vec<usize> = stored.into_iter().collect();
        let mut source = access.scan(&read, &columns)?;
        while let Some(batch) = source.next_batch()? {
            if batch.len > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_references(&self, source: &Side, target: &Side) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let rules = |t: &TableDef| catalog.table_rules(t.object_id).map_err(|e| page_error(&e));
        let (own, theirs) = (rules(&source.table)?, rules(&target.table)?);
        if let Some(k) = own.referencing.first() {
            return Err(SqlError::new(4967, &[&source.name, &k.name]).into());
        }
        for k in theirs.foreign_keys.iter().filter(|k| !k.disabled) {
            let pairs = |side: &Side, k: &holdfast_engine::catalog::ForeignKeyDef| -> Vec<_> {
                let place = |id: i32| side.table.columns.iter().position(|c| c.column_id == id);
                k.columns.iter().map(|(own, other)| (place(*own), *other)).collect()
            };
            let alike = |o: &&Arc<holdfast_engine::catalog::ForeignKeyDef>| {
                o.referenced_table_id == k.referenced_table_id
                    && pairs(source, o) == pairs(target, k)
                    && !o.disabled
                    && !o.not_trusted
            };
            if !own.foreign_keys.iter().any(|o| alike(&o)) {
                return Err(SqlError::new(4968, &[&target.name, &k.name, &source.name]).into());
            }
        }
        if theirs.bound.iter().any(|b| !own.bound.contains(b)) {
            let what = format!("{STATEMENT} into table '{}', which has bound rules,", target.table.name);
            return Err(SqlError::not_supported(what).into());
        }
        Ok(())
    }

    /// Every rowset of both sides takes part, or rows and index entries would part.
    fn check_rowsets(&self, side: &Side, paired: &[i32]) -> Result<(), Fail> {
        let writer = self.writer()?;
        let object = side.table.object_id;
        let refused = |why: &str| {
            let what = format!("{STATEMENT} of table '{}', {why},", side.table.name);
            Err(SqlError::not_supported(what).into())
        };
        let real = side.table.indexes.iter().filter(|i| i.kind != Kind::Heap || i.index_id == 0);
        for index in real {
            let rowsets = writer.partitions_of(object, index.index_id).len();
            if rowsets > 0 && !paired.contains(&index.index_id) {
                return refused("which has an index whose entries cannot go along");
            }
            if rowsets > 1 && side.spread.is_none() {
                return refused("whose partition scheme is not understood");
            }
        }
        Ok(())
    }

    fn exchange(&mut self, source: &Side, target: &Side, pairs: &[(i32, i32)]) -> Result<(), Fail> {
        let ids = |a: &Side, b: &Side| -> Vec<(i32, i32)> {
            let both = a.table.columns.iter().zip(&b.table.columns);
            both.map(|(x, y)| (x.column_id, y.column_id)).filter(|(x, y)| x != y).collect()
        };
        let writer = self.writer()?;
        for (from, to) in pairs {
            let of = |side: &Side, index: i32| {
                let all = writer.partitions_of(side.table.object_id, index);
                all.get(side.partition)
                    .copied()
                    .ok_or_else(|| SqlError::new(4950, &[&(side.partition + 1), &side.name]))
            };
            let ((a, n), (b, m)) = (of(source, *from)?, of(target, *to)?);
            writer.place_rowset(a, target.table.object_id, *to, m)?;
            writer.place_rowset(b, source.table.object_id, *from, n)?;
            if *to < 2 {
                writer.rename_rowset_columns(a, &ids(source, target))?;
                writer.rename_rowset_columns(b, &ids(target, source))?;
            }
        }
        Ok(())
    }
}

/// The partitions of `to` that values of a partition of `from` can be in.
fn within(from: &PartitionFunction, partition: usize, to: &PartitionFunction) -> Allowed {
    let low = partition.checked_sub(1).and_then(|n| from.values.get(n));
    let high = from.values.get(partition);
    // The first value behind a boundary is its own, or that of the partition behind.
    let first = low.map_or(0, |v| {
        let at = to.partition_of(v);
        if from.right {
            at
        } else if !to.right && to.boundary_at(v).is_ok() {
            at + 1
        } else {
            at
        }
    });
    let last = high.map_or(to.values.len(), |v| {
        let at = to.partition_of(v);
        if !from.right {
            at
        } else if to.right && to.boundary_at(v).is_ok() {
            at.saturating_sub(1)
        } else {
            at
        }
    });
    let null = from.partition_of(&Value::Null) == partition;
    Allowed::some(to, |n| (first..=last).contains(&n), null)
}
