//! Access paths: scan or index seek for one table and the conditions on it.
//!
//! Invariants
//! 1. A condition leaves the residual predicate only when the seek implies it exactly: never for character keys.
//! 2. Seek values have the key column's type, or convert to it without changing which rows match; otherwise the condition stays residual.

use std::collections::HashMap;

use holdfast_engine::access::{BOOKMARK, ReadIntent};
use holdfast_engine::catalog::{IndexDef, IndexKey, IndexKind, TableDef};
use holdfast_types::{CollationId, SqlResult, SqlString, SqlType, TypeId, Value};

use super::{
    Builder, Built, Needed, Order, PARALLEL_ROWS, columns_of, edge, filtered, full_range, is_volatile,
    satisfies, unary,
};
use crate::expr::{CompareOp, ConvertMode, Edge, Expr, ExprKind};
use crate::logical::{Col, ColumnId, LogicalPlan};
use crate::physical::{PhysicalOp, PlanColumn, ReadHints, SeekBound, SeekKey, SeekRange};
use crate::rules::substitute;

/// Ranges one seek may have (IN lists).
const MAX_RANGES: usize = 10_000;
/// Cost of reading one page in a scan, of one row, of descending an index, of fetching a row through a nonclustered index.
const PAGE_COST: f64 = 1.0;
const ROW_COST: f64 = 0.02;
const SEEK_COST: f64 = 3.0;
const LOOKUP_COST: f64 = 3.0;

/// A way into an index.
struct Path<'t> {
    index: &'t IndexDef,
    ranges: Vec<SeekRange>,
    /// Conditions (positions) that the ranges imply exactly.
    covered: Vec<usize>,
    rows: f64,
    cost: f64,
    /// Every key of a unique index is given in full.
    full_key: bool,
    order: Order,
    backward: bool,
    constant: Vec<ColumnId>,
    unique_order: bool,
}

/// One usable condition on a key column.
enum Sarg {
    Equal(Expr),
    In(Vec<Expr>),
    IsNull,
    Low(SeekBound),
    High(SeekBound),
}

impl Builder<'_> {
    pub(super) fn build_access(
        &mut self,
        get: &LogicalPlan,
        conjuncts: &[Expr],
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let LogicalPlan::Get { table, columns, bookmark, computed, filters, hints } = get else {
            return self.build(get, needed, wanted);
        };
        let is_computed = |id: &ColumnId| computed.iter().any(|(c, _)| c == id);
        if needed.iter().any(is_computed) || conjuncts.iter().flat_map(columns_of).any(|id| is_computed(&id))
        {
            return self.build_computed(get, conjuncts, needed, wanted);
        }
        let mut used: Vec<usize> = Vec::new();
        let mut want_id = |id: ColumnId| {
            if let Some(p) = columns.iter().position(|c| c.id == id)
                && !used.contains(&p)
            {
                used.push(p);
            }
        };
        needed.iter().copied().for_each(&mut want_id);
        let select: Vec<usize> = {
            let mut v = used.clone();
            v.sort_unstable();
            v
        };
        let mut want_id = |id: ColumnId| {
            if let Some(p) = columns.iter().position(|c| c.id == id)
                && !used.contains(&p)
            {
                used.push(p);
            }
        };
        conjuncts.iter().flat_map(columns_of).for_each(&mut want_id);
        used.sort_unstable();

        let total = (table.rows() as f64).max(1.0);
        let pages = (table.pages() as f64).max(total / 100.0).max(1.0);
        let scan_cost = pages * PAGE_COST + total * ROW_COST;
        let out_rows = self.estimator.selectivity_of_all(conjuncts) * total;
        let sort_cost = |rows: f64| {
            let n = rows.max(2.0);
            n * n.log2() * 0.05
        };

        let keeps_locks = hints.read.intent != ReadIntent::Read;
        let mut best: Option<(f64, Path<'_>)> = None;
        if !hints.force_scan {
            for index in &table.indexes {
                if !usable(index) || hints.index.is_some_and(|h| h != index.index_id) {
                    continue;
                }
                // An index that has only some rows serves a query that asks for no others.
                let mut part = 1.0;
                if index.filter.is_some() {
                    let filter = filters.iter().find(|f| f.0 == index.index_id);
                    let filter = filter.map(|f| crate::rules::rewrite_expr(f.1.clone(), self.cx));
                    let Some(filter) = filter.filter(|f| filtered::implied(f, conjuncts)) else { continue };
                    part = match &index.statistics {
                        Some(s) => s.rows / total,
                        None => self.estimator.selectivity(&filter),
                    }
                    .clamp(1.0 / total, 1.0);
                }
                let (total, pages) = ((total * part).max(1.0), (pages * part).max(1.0));
                let Some(mut path) = self.path(table, index, columns, conjuncts, &used, total, pages) else {
                    continue;
                };
                let sorted = self.orient(&mut path, wanted, &columns_sorted(table, columns));
                let narrows_nothing = path.ranges.is_empty();
                if narrows_nothing {
                    // A whole-index scan pays only for its order or for being narrower.
                    let narrow = index.kind == IndexKind::Nonclustered
                        && (covers(index, table, &used) || index.filter.is_some())
                        && path.cost < scan_cost * 0.4;
                    if (!sorted || wanted.is_empty()) && !narrow {
                        continue;
                    }
                    path.ranges.push(full_range());
                }
                let mut cost = path.cost;
                if !wanted.is_empty() && !sorted {
                    cost += sort_cost(path.rows.min(out_rows));
                }
                // In a table of a few rows a scan is no dearer, but it waits for and locks rows that nobody asked for.
                if path.full_key {
                    cost = cost.min(scan_cost * 0.5);
                }
                // A part of the clustered index is no dearer than all of it.
                if path.index.kind == IndexKind::Clustered && !narrows_nothing && table.rows() < PARALLEL_ROWS
                {
                    cost = cost.min(scan_cost * 0.95);
                }
                // The more so where locks are kept: neither a scan nor a sort may meet more rows than it must.
                if keeps_locks && (!narrows_nothing || !wanted.is_empty()) && (sorted || wanted.is_empty()) {
                    cost = cost.min(scan_cost * 0.6);
                }
                if hints.force_seek || hints.index.is_some() {
                    cost = cost.min(1.0);
                }
                if best.as_ref().is_none_or(|(c, _)| cost < *c) {
                    best = Some((cost, path));
                }
            }
        }
        let scan_total = scan_cost + if wanted.is_empty() { 0.0 } else { sort_cost(out_rows) };
        let chosen = match best {
            Some((cost, path)) if cost < scan_total => Some(path),
            _ => None,
        };

        let covered: Vec<usize> = chosen.as_ref().map(|p| p.covered.clone()).unwrap_or_default();
        let residual: Vec<Expr> = conjuncts
            .iter()
            .enumerate()
            .filter(|(i, _)| !covered.contains(i))
            .map(|(_, c)| c.clone())
            .collect();
        // Columns only needed by covered conditions fall away.
        let mut out: Vec<usize> = select;
        for id in residual.iter().flat_map(columns_of) {
            if let Some(p) = columns.iter().position(|c| c.id == id)
                && !out.contains(&p)
            {
                out.push(p);
            }
        }
        out.sort_unstable();
        let mut ids: Vec<ColumnId> = out.iter().map(|&i| columns[i].id).collect();
        let mut types: Vec<PlanColumn> =
            out.iter().map(|&i| PlanColumn { ty: columns[i].ty, nullable: columns[i].nullable }).collect();
        let mut read = ReadHints { changes: false, ..hints.read };
        if let Some(mark) = bookmark
            && needed.contains(&mark.id)
        {
            out.push(BOOKMARK);
            read.changes = hints.read.changes;
            ids.push(mark.id);
            types.push(PlanColumn { ty: mark.ty, nullable: mark.nullable });
        }
        let predicate = if residual.is_empty() {
            None
        } else {
            Some(self.place_for(&Expr::and(residual), &ids, total)?)
        };
        let partitions = self.partition_ranges(table, columns, conjuncts)?;
        Ok(match chosen {
            Some(path) => {
                let mut ranges = Vec::with_capacity(path.ranges.len());
                for r in &path.ranges {
                    ranges.push(self.place_range(r)?);
                }
                let order: Order = path.order;
                let op = PhysicalOp::IndexSeek {
                    table: table.clone(),
                    index_id: path.index.index_id,
                    ranges,
                    columns: out,
                    predicate,
                    backward: path.backward,
                    partitions,
                    read,
                    placed: false,
                };
                Built {
                    plan: unary(
                        op,
                        types,
                        out_rows.max(if path.unique_order { 0.0 } else { out_rows }).min(path.rows.max(1.0)),
                        path.cost,
                    ),
                    ids,
                    order,
                    constant: path.constant,
                    unique_order: path.unique_order,
                }
            }
            None => {
                let parallel = self.cx.max_parallelism > 1 && table.rows() >= PARALLEL_ROWS;
                let op = PhysicalOp::TableScan {
                    table: table.clone(),
                    columns: out,
                    predicate,
                    parallel,
                    partitions,
                    read,
                };
                Built {
                    plan: unary(op, types, out_rows, scan_cost),
                    ids,
                    order: Vec::new(),
                    constant: Vec::new(),
                    unique_order: false,
                }
            }
        })
    }

    /// A table of which computed columns are asked for that no page holds.
    fn build_computed(
        &mut self,
        get: &LogicalPlan,
        conjuncts: &[Expr],
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let LogicalPlan::Get { table, columns, bookmark, computed, filters, hints } = get else {
            return self.build(get, needed, wanted);
        };
        let made: HashMap<ColumnId, Expr> = computed.iter().cloned().collect();
        let conjuncts: Vec<Expr> = conjuncts.iter().map(|c| substitute(c, &made)).collect();
        let asked: Vec<&(ColumnId, Expr)> = computed.iter().filter(|(id, _)| needed.contains(id)).collect();
        let mut stored: Needed = needed.iter().copied().filter(|id| !made.contains_key(id)).collect();
        stored.extend(asked.iter().flat_map(|(_, e)| columns_of(e)));
        let plain = LogicalPlan::Get {
            table: table.clone(),
            columns: columns.clone(),
            bookmark: *bookmark,
            computed: Vec::new(),
            filters: filters.clone(),
            hints: hints.clone(),
        };
        let mut built = self.build_access(&plain, &conjuncts, &stored, wanted)?;
        if asked.is_empty() {
            return Ok(built);
        }
        let mut exprs: Vec<Expr> =
            built.plan.columns.iter().enumerate().map(|(p, c)| Expr::column(p, c.ty, c.nullable)).collect();
        let mut types = built.plan.columns.clone();
        let inner = built.ids.clone();
        for (id, e) in asked {
            exprs.push(self.place(e, &inner)?);
            types.push(PlanColumn { ty: e.ty, nullable: e.nullable });
            built.ids.push(*id);
        }
        let (rows, cost) = (built.plan.rows, built.plan.cost);
        built.plan = unary(PhysicalOp::Project { input: Box::new(built.plan), exprs }, types, rows, cost);
        Ok(built)
    }

    /// What the conditions say about the column by which a table is partitioned.
    fn partition_ranges(
        &mut self,
        table: &TableDef,
        columns: &[Col],
        conjuncts: &[Expr],
    ) -> SqlResult<Vec<SeekRange>> {
        let Some(by) = table.access.partitioned_by() else { return Ok(Vec::new()) };
        // As if there were an index on it.
        let index = IndexDef {
            index_id: 0,
            name: None,
            kind: IndexKind::Clustered,
            unique: false,
            primary_key: false,
            unique_constraint: false,
            ignore_duplicates: false,
            disabled: false,
            keys: vec![IndexKey { ordinal: by.ordinal, descending: false }],
            included: Vec::new(),
            filter: None,
            statistics: None,
        };
        let path = self.path(table, &index, columns, conjuncts, &[], 1.0, 1.0);
        let ranges = path.map(|p| p.ranges).unwrap_or_default();
        ranges.iter().map(|r| self.place_range(r)).collect()
    }

    fn place_range(&mut self, r: &SeekRange) -> SqlResult<SeekRange> {
        let mut out = r.clone();
        for k in &mut out.prefix {
            if let SeekKey::Equal(e) = k {
                *e = self.place(e, &[])?;
            }
        }
        for b in [&mut out.low, &mut out.high].into_iter().flatten() {
            b.value = self.place(&b.value, &[])?;
        }
        Ok(out)
    }

    /// The best use of `index` for these conditions; no ranges when none applies.
    #[allow(clippy::too_many_arguments)]
    fn path<'t>(
        &self,
        table: &TableDef,
        index: &'t IndexDef,
        columns: &[Col],
        conjuncts: &[Expr],
        used: &[usize],
        total: f64,
        pages: f64,
    ) -> Option<Path<'t>> {
        let mut prefix_sets: Vec<Vec<SeekKey>> = vec![Vec::new()];
        let mut covered = Vec::new();
        let mut constant = Vec::new();
        let mut selectivity = 1.0;
        let mut low: Option<SeekBound> = None;
        let mut high: Option<SeekBound> = None;
        let mut descending = false;
        let mut matched = 0usize;
        let mut null_in_key = false;
        for key in &index.keys {
            let col = columns.get(key.ordinal)?;
            let column_ty = table.columns.get(key.ordinal)?.ty;
            let mut equal: Option<(usize, Vec<SeekKey>, bool)> = None;
            let mut bounds: Vec<(usize, bool, SeekBound, bool)> = Vec::new();
            for (i, c) in conjuncts.iter().enumerate() {
                let exact = !column_ty.id.is_character();
                for (sarg, exact_match) in sargs(c, col.id, &column_ty) {
                    match sarg {
                        Sarg::Equal(v) if equal.as_ref().is_none_or(|e| e.1.len() > 1) => {
                            equal = Some((i, vec![SeekKey::Equal(v)], exact && exact_match));
                        }
                        Sarg::IsNull if equal.is_none() => {
                            null_in_key = true;
                            equal = Some((i, vec![SeekKey::IsNull], true));
                        }
                        Sarg::In(list) if equal.is_none() => {
                            equal = Some((
                                i,
                                list.into_iter().map(SeekKey::Equal).collect(),
                                exact && exact_match,
                            ));
                        }
                        Sarg::Low(b) => bounds.push((i, true, b, exact && exact_match)),
                        Sarg::High(b) => bounds.push((i, false, b, exact && exact_match)),
                        _ => {}
                    }
                }
            }
            if let Some((i, values, exact)) = equal
                && prefix_sets.len().saturating_mul(values.len()) <= MAX_RANGES
            {
                selectivity *= self.estimator.selectivity(&conjuncts[i]);
                if values.len() == 1 && prefix_sets.len() == 1 {
                    constant.push(col.id);
                }
                prefix_sets = prefix_sets
                    .iter()
                    .flat_map(|p| {
                        values.iter().map(move |v| {
                            let mut p = p.clone();
                            p.push(v.clone());
                            p
                        })
                    })
                    .collect();
                if exact {
                    covered.push(i);
                }
                matched += 1;
                continue;
            }
            let mut bounding = Vec::new();
            for (i, is_low, b, exact) in bounds {
                let slot = if is_low { &mut low } else { &mut high };
                // One bound per side; further ones stay residual.
                if slot.is_none() {
                    *slot = Some(b);
                    if !covered.contains(&i) {
                        bounding.push(conjuncts[i].clone());
                    }
                    // BETWEEN arrives as two conditions; a condition giving both bounds (LIKE) is never exact.
                    if exact {
                        covered.push(i);
                    }
                }
            }
            selectivity *= self.estimator.selectivity_of_all(&bounding);
            descending = key.descending;
            break;
        }
        let ranged = low.is_some() || high.is_some();
        let full_key = matched == index.keys.len() && index.unique && !null_in_key;
        if full_key && prefix_sets.len() == 1 {
            selectivity = selectivity.min(1.0 / total);
        }
        // Statistics of the whole prefix beat the product of single columns.
        if let Some(s) = &index.statistics
            && matched > 1
            && let Some(d) = s.densities.get(matched - 1)
        {
            selectivity = selectivity.min(1.0).min((d * prefix_sets.len() as f64).max(1.0 / total));
        }
        let rows = (total * selectivity).max(if full_key { 1.0 } else { 0.1 });
        let covering = covers(index, table, used);
        let seeks = prefix_sets.len() as f64;
        let width = if index.kind == IndexKind::Clustered {
            pages / total
        } else {
            (pages / total)
                * ((index.keys.len() + index.included.len() + 1) as f64 / table.columns.len().max(1) as f64)
                    .min(1.0)
        };
        let cost = seeks * SEEK_COST
            + rows * (width * PAGE_COST + ROW_COST)
            + if covering { 0.0 } else { rows * LOOKUP_COST };
        let no_condition = matched == 0 && !ranged;
        let ranges = if no_condition {
            Vec::new()
        } else {
            prefix_sets
                .into_iter()
                .map(|prefix| SeekRange {
                    prefix,
                    low: low.clone(),
                    high: high.clone(),
                    descending,
                    exclude_null: ranged,
                })
                .collect()
        };
        let mut order: Order =
            index.keys.iter().filter_map(|k| columns.get(k.ordinal).map(|c| (c.id, k.descending))).collect();
        let mut unique_order = index.unique;
        // Entries with equal keys stand in the order of the clustered key, which tells their rows; those of rows outside databases in
        // the order in which these came.
        let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered && i.unique);
        if index.kind == IndexKind::Nonclustered
            && !index.unique
            && table.access.in_memory().is_none()
            && let Some(clustered) = clustered.filter(|c| c.keys.iter().all(|k| !k.descending))
        {
            let locator = clustered.keys.iter().filter_map(|k| columns.get(k.ordinal).map(|c| c.id));
            let more: Order =
                locator.filter(|id| order.iter().all(|(o, _)| o != id)).map(|id| (id, false)).collect();
            order.extend(more);
            unique_order = true;
        }
        Some(Path {
            index,
            ranges,
            covered,
            rows,
            cost,
            full_key,
            order,
            backward: false,
            constant,
            unique_order,
        })
    }

    /// Turns the path around when that gives the wanted order. True when the order fits.
    fn orient(&self, path: &mut Path<'_>, wanted: &[(ColumnId, bool)], comparable: &[ColumnId]) -> bool {
        // Only columns whose sort in the index is the sort of ORDER BY may promise an order.
        let keep = path.order.iter().take_while(|(id, _)| comparable.contains(id)).count();
        if keep < path.order.len() {
            path.order.truncate(keep);
            path.unique_order = false;
        }
        let probe = |path: &Path<'_>| Built {
            plan: unary(PhysicalOp::Values { rows: Vec::new() }, Vec::new(), 0.0, 0.0),
            ids: Vec::new(),
            order: path.order.clone(),
            constant: path.constant.clone(),
            unique_order: path.unique_order,
        };
        if wanted.is_empty() || satisfies(&probe(path), wanted) {
            return true;
        }
        let reversed: Order = path.order.iter().map(|(id, d)| (*id, !d)).collect();
        let forward = std::mem::replace(&mut path.order, reversed);
        if satisfies(&probe(path), wanted) {
            path.backward = true;
            return true;
        }
        path.order = forward;
        false
    }
}

/// Ids of columns whose index order is their ORDER BY order (all types that compare).
fn columns_sorted(table: &TableDef, columns: &[Col]) -> Vec<ColumnId> {
    columns
        .iter()
        .zip(&table.columns)
        .filter(|(_, d)| !crate::typing::not_comparable(d.ty.id) && d.ty.id != TypeId::SqlVariant)
        .map(|(c, _)| c.id)
        .collect()
}

fn usable(index: &IndexDef) -> bool {
    matches!(index.kind, IndexKind::Clustered | IndexKind::Nonclustered)
        && !index.disabled
        && !index.keys.is_empty()
}

/// Whether the index holds all these columns.
fn covers(index: &IndexDef, table: &TableDef, used: &[usize]) -> bool {
    if index.kind == IndexKind::Clustered {
        return true;
    }
    let clustered = table.indexes.iter().find(|i| i.kind == IndexKind::Clustered);
    used.iter().all(|u| {
        index.keys.iter().any(|k| k.ordinal == *u)
            || index.included.contains(u)
            || clustered.is_some_and(|c| c.keys.iter().any(|k| k.ordinal == *u))
    })
}

/// SQL_… collations sort varchar and nvarchar differently.
fn is_sql_collation(c: CollationId) -> bool {
    c.0 >> 24 != 0
}

/// How a condition sees the key column.
#[derive(Clone, Copy, PartialEq)]
enum KeySide {
    /// As it is, or through a conversion that keeps order and equality.
    Same,
    /// An integer seen as a wider one.
    Integer,
    /// Through another conversion that keeps the order.
    Widened(edge::Widening),
}

fn key_side(e: &Expr, id: ColumnId, ty: &SqlType) -> Option<KeySide> {
    match &e.kind {
        ExprKind::Column(c) if *c == id => {
            if e.ty.id == ty.id && e.ty.collation == ty.collation {
                return Some(KeySide::Same);
            }
            let strings = e.ty.id.is_character() && ty.id.is_character() && e.ty.collation == ty.collation;
            if strings && e.ty.id.is_unicode() == ty.id.is_unicode() {
                return Some(KeySide::Same);
            }
            // varchar seen as nvarchar: same order under Windows collations only.
            if strings && !is_sql_collation(ty.collation) {
                return Some(KeySide::Same);
            }
            let decimals = matches!(e.ty.id, TypeId::Decimal | TypeId::Numeric)
                && matches!(ty.id, TypeId::Decimal | TypeId::Numeric);
            let binaries = e.ty.id.is_binary() && ty.id.is_binary() && ty.id != TypeId::RowVersion;
            (decimals || binaries).then_some(KeySide::Same)
        }
        ExprKind::Convert { operand, mode: ConvertMode::Implicit, .. } if matches!(operand.kind, ExprKind::Column(c) if c == id) =>
        {
            if ty.id.is_integer() && e.ty.id.is_integer() && ty.id != TypeId::Bit {
                return Some(KeySide::Integer);
            }
            edge::widening(ty, &e.ty).map(KeySide::Widened)
        }
        _ => None,
    }
}

/// A value for an integer key: those outside the key's range match nothing, which TRY_CONVERT's NULL expresses.
fn integer_value(v: &Expr, ty: &SqlType) -> Expr {
    let e = crate::bind::fold_integer(v.clone(), *ty);
    if e.ty == *ty && e.is_literal() {
        return e;
    }
    let kind = ExprKind::Convert { operand: Box::new(v.clone()), style: None, mode: ConvertMode::Try };
    Expr::new(kind, *ty, true)
}

/// A seek value of the key's type, or `None` when converting could change the result.
fn seek_value(v: &Expr, ty: &SqlType) -> Option<Expr> {
    if v.ty.id == TypeId::SqlVariant {
        return None;
    }
    if matches!(ty.id, TypeId::Decimal | TypeId::Numeric) {
        if v.ty.scale == ty.scale {
            return Some(v.clone());
        }
        if v.ty.scale > ty.scale {
            return None;
        }
        let wide = SqlType { id: ty.id, ..SqlType::decimal(38, ty.scale) };
        let nullable = v.nullable;
        let e = match &v.kind {
            ExprKind::Literal(Value::Decimal(d)) => {
                let m = d
                    .mantissa
                    .checked_mul(10i128.checked_pow(u32::from(ty.scale - d.scale.min(ty.scale)))?)?;
                Expr::literal(Value::Decimal(holdfast_types::Decimal::new(m, ty.scale)), wide)
            }
            _ => Expr::new(
                ExprKind::Convert { operand: Box::new(v.clone()), style: None, mode: ConvertMode::Try },
                wide,
                nullable,
            ),
        };
        return Some(e);
    }
    if v.ty.id == ty.id
        || (v.ty.id.is_character() && ty.id.is_character())
        || (v.ty.id.is_binary() && ty.id.is_binary())
    {
        // Values of time carry 100 ns ticks whatever their scale, so a finer value still compares rightly.
        return Some(v.clone());
    }
    None
}

/// What a comparison with a value says about the key; the flag tells whether the seek implies it exactly.
fn compared(side: KeySide, op: CompareOp, value: &Expr, ty: &SqlType) -> Vec<(Sarg, bool)> {
    let low = |value: Expr, inclusive| Sarg::Low(SeekBound { value, inclusive });
    let high = |value: Expr, inclusive| Sarg::High(SeekBound { value, inclusive });
    let how = match side {
        KeySide::Integer if op == CompareOp::Equal => {
            return vec![(Sarg::Equal(integer_value(value, ty)), true)];
        }
        KeySide::Integer => Some(edge::Widening::Exact),
        KeySide::Widened(how) => Some(how),
        // A decimal with more digits behind the point than the key has.
        KeySide::Same => edge::is_finer(&value.ty, ty).then_some(edge::Widening::Exact),
    };
    let Some(how) = how else {
        let Some(v) = seek_value(value, ty) else { return Vec::new() };
        return match op {
            CompareOp::Equal => vec![(Sarg::Equal(v), true)],
            CompareOp::Greater => vec![(low(v, false), true)],
            CompareOp::GreaterOrEqual => vec![(low(v, true), true)],
            CompareOp::Less => vec![(high(v, false), true)],
            CompareOp::LessOrEqual => vec![(high(v, true), true)],
            _ => Vec::new(),
        };
    };
    let at = |edge| edge::value(value, ty, edge);
    match op {
        CompareOp::Equal if how == edge::Widening::Exact => vec![(Sarg::Equal(at(Edge::Exact)), true)],
        CompareOp::Equal => {
            vec![(low(at(Edge::AtLeast), true), false), (high(at(Edge::AtMost), true), false)]
        }
        CompareOp::Greater => vec![(low(at(Edge::Above), true), true)],
        CompareOp::GreaterOrEqual => vec![(low(at(Edge::AtLeast), true), true)],
        CompareOp::Less => vec![(high(at(Edge::Below), true), true)],
        CompareOp::LessOrEqual => vec![(high(at(Edge::AtMost), true), true)],
        _ => Vec::new(),
    }
}

/// What a condition says about the key column; the flag tells whether the seek implies the condition exactly.
fn sargs(c: &Expr, id: ColumnId, ty: &SqlType) -> Vec<(Sarg, bool)> {
    if is_volatile(c) {
        return Vec::new();
    }
    let is_value =
        |v: &Expr| columns_of(v).is_empty() && !v.any(&|x| matches!(x.kind, ExprKind::Subquery(_)));
    match &c.kind {
        ExprKind::Compare { op, left, right } => {
            let (op, side, value) = match (key_side(left, id, ty), key_side(right, id, ty)) {
                (Some(side), None) => (*op, side, right),
                (None, Some(side)) => (op.swap(), side, left),
                _ => return Vec::new(),
            };
            if is_value(value) { compared(side, op, value, ty) } else { Vec::new() }
        }
        ExprKind::IsNull { operand, negated: false } => match key_side(operand, id, ty) {
            Some(_) => vec![(Sarg::IsNull, true)],
            None => Vec::new(),
        },
        ExprKind::InList { operand, list, negated: false } => {
            let Some(side) = key_side(operand, id, ty) else { return Vec::new() };
            let mut values = Vec::with_capacity(list.len());
            for v in list {
                if !is_value(v) {
                    return Vec::new();
                }
                match compared(side, CompareOp::Equal, v, ty).pop() {
                    Some((Sarg::Equal(v), true)) => values.push(v),
                    _ => return Vec::new(),
                }
            }
            vec![(Sarg::In(values), true)]
        }
        ExprKind::Like { operand, pattern, escape: None, negated: false } => {
            if key_side(operand, id, ty) != Some(KeySide::Same) {
                return Vec::new();
            }
            let ExprKind::Literal(Value::String(p)) = &pattern.kind else { return Vec::new() };
            like_bounds(p, pattern.ty).into_iter().map(|s| (s, false)).collect()
        }
        _ => Vec::new(),
    }
}

/// Bounds from the leading plain letters and digits of a LIKE pattern. Only characters whose order is beyond doubt take part.
fn like_bounds(pattern: &SqlString, ty: SqlType) -> Vec<Sarg> {
    let plain = |u: u16| u8::try_from(u).is_ok_and(|b| b.is_ascii_alphanumeric());
    let prefix: Vec<u16> = pattern.units().iter().copied().take_while(|&u| plain(u)).collect();
    let Some(&last) = prefix.last() else { return Vec::new() };
    let low = Expr::literal(Value::String(SqlString::from(prefix.clone())), ty);
    let mut out = vec![Sarg::Low(SeekBound { value: low, inclusive: true })];
    // The next letter or digit ends the range; the last of its kind leaves it open.
    let next = match last as u8 {
        b @ (b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y') => Some(u16::from(b) + 1),
        _ => None,
    };
    if let Some(n) = next {
        let mut end = prefix;
        if let Some(l) = end.last_mut() {
            *l = n;
        }
        let high = Expr::literal(Value::String(SqlString::from(end)), ty);
        out.push(Sarg::High(SeekBound { value: high, inclusive: false }));
    }
    out
}
