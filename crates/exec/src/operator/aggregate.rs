//! GROUP BY: hash aggregation with partial aggregation on worker threads, grouping sets, spilling, and streaming over sorted input.
//!
//! Invariants
//! 1. Groups come out in order of first appearance; over grouped input that is the input's order, which the stream strategy keeps.
//! 2. Without keys and sets there is one row even for no input; an empty grouping set likewise.
//! 3. When memory ends, rows of groups already in the table are still aggregated there; rows of other groups go to spill files by hash of
//!    their keys and are aggregated file by file afterwards.
//! 4. DISTINCT aggregates and STRING_AGG are never computed from partial states.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::function::AggregateId;
use holdfast_plan::physical::{Aggregate, AggregateStrategy, PhysicalOp, PhysicalPlan};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlResult, SqlType, Value};

use super::accumulator::{Accumulator, Groups};
use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::sort_key::{KeyPart, encode_rows};
use super::spill::{Grant, SpillReader, SpillWriter};
use super::{Chunks, Source, open, parallel, types_of};
use crate::context::ExecContext;
use crate::expression::vector::Vector;
use crate::expression::{evaluate, evaluate_constant};

/// Groups of a streaming aggregation that are finished together.
const STREAM_GROUPS: usize = 4096;
/// Spill files per level.
const PARTITIONS: usize = 16;
/// Levels of spilling after which memory is taken regardless.
const MAX_LEVEL: u32 = 4;

/// The plan's parts.
#[derive(Clone, Copy)]
struct Spec<'p> {
    group: &'p [Expr],
    aggregates: &'p [Aggregate],
    sets: Option<&'p [Vec<usize>]>,
}

impl Spec<'_> {
    /// Columns of the input that anything here looks at.
    fn needed(&self) -> Vec<usize> {
        let mut out = Vec::new();
        self.group.iter().for_each(|e| e.columns(&mut out));
        for a in self.aggregates {
            a.argument.iter().chain(&a.argument2).for_each(|e| e.columns(&mut out));
            a.order.iter().for_each(|k| k.expr.columns(&mut out));
        }
        out
    }
}

pub fn open_aggregate<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    let PhysicalOp::Aggregate { input, strategy, group, aggregates, grouping_sets, parallel } = &plan.op
    else {
        return Err(SqlError::with_text(8624, 16, "Internal error: not an aggregation."));
    };
    let spec = Spec { group, aggregates, sets: grouping_sets.as_deref() };
    if *strategy == AggregateStrategy::Stream && spec.sets.is_none() && !group.is_empty() {
        let state = GroupState::new(&spec, None)?;
        return Ok(Box::new(Stream { spec, input: open(input, ctx)?, state, done: false, ctx: ctx.clone() }));
    }
    Ok(Box::new(Hash {
        spec,
        input,
        parallel: *parallel,
        output: None,
        pending: Vec::new(),
        ctx: ctx.clone(),
    }))
}

/// Aggregation of one grouping set.
struct GroupState {
    /// Positions in the group list that this set groups by; the others are NULL in the output.
    keys: Vec<usize>,
    table: KeyTable,
    key_columns: Vec<Column>,
    accumulators: Vec<Accumulator>,
    distinct: Vec<Option<KeyTable>>,
    groups: usize,
    numbers: Vec<u32>,
}

impl GroupState {
    fn new(spec: &Spec<'_>, set: Option<&[usize]>) -> SqlResult<Self> {
        let keys: Vec<usize> = set.map_or_else(|| (0..spec.group.len()).collect(), <[usize]>::to_vec);
        let types: Vec<SqlType> = keys.iter().map(|&k| spec.group[k].ty).collect();
        let accumulators = spec.aggregates.iter().map(Accumulator::new).collect::<SqlResult<Vec<_>>>()?;
        let distinct = spec
            .aggregates
            .iter()
            .map(|a| match &a.argument {
                Some(e) if a.distinct || a.function == AggregateId::ApproxCountDistinct => {
                    Some(KeyTable::new(&[SqlType::INT, e.ty]))
                }
                _ => None,
            })
            .collect();
        let mut out = GroupState {
            key_columns: types.iter().map(Column::empty).collect(),
            table: KeyTable::new(&types),
            keys,
            accumulators,
            distinct,
            groups: 0,
            numbers: Vec::new(),
        };
        if out.keys.is_empty() {
            out.grow(1);
        }
        Ok(out)
    }

    fn grow(&mut self, groups: usize) {
        self.groups = groups;
        for a in &mut self.accumulators {
            a.resize(groups);
        }
    }

    fn memory(&self) -> usize {
        let widths: usize = self.accumulators.iter().map(Accumulator::width).sum();
        self.table.memory()
            + self.groups * widths
            + self.key_columns.iter().map(Column::memory).sum::<usize>()
            + self.distinct.iter().flatten().map(KeyTable::memory).sum::<usize>()
    }

    /// Numbers the rows of a batch by `keys` (evaluated group columns), adding groups.
    fn number(&mut self, keys: &[Arc<Column>], len: usize) -> SqlResult<()> {
        let mut numbers = std::mem::take(&mut self.numbers);
        let columns: Vec<&Column> = self.keys.iter().map(|&k| keys[k].as_ref()).collect();
        let result = self.table.insert(&columns, len, &vec![true; columns.len()], &mut numbers);
        if result.is_ok() && self.table.len() > self.groups {
            let mut fresh = Vec::with_capacity(self.table.len() - self.groups);
            let mut next = self.groups as u32;
            for (i, &g) in numbers.iter().enumerate() {
                if g == next {
                    fresh.push(i as u32);
                    next += 1;
                }
            }
            for (own, &k) in self.key_columns.iter_mut().zip(&self.keys) {
                own.append_take(&keys[k], &fresh)?;
            }
            self.grow(next as usize);
        }
        self.numbers = numbers;
        result
    }

    /// Adds a batch whose rows are numbered in `self.numbers` (or all belong to group 0).
    fn add(&mut self, spec: &Spec<'_>, arguments: &[Arguments], len: usize) -> SqlResult<()> {
        let groups = if self.keys.is_empty() { Groups::One } else { Groups::Many(&self.numbers) };
        for (k, a) in spec.aggregates.iter().enumerate() {
            let acc = &mut self.accumulators[k];
            let args = &arguments[k];
            let numbers;
            let groups = match (&mut self.distinct[k], &args.value) {
                (Some(table), Some(v)) => {
                    numbers = first_of_each(table, groups, v, &a.argument, len)?;
                    Groups::Many(&numbers)
                }
                _ => groups,
            };
            if a.function == AggregateId::StringAgg {
                let (Some(v), Some((s, st))) = (&args.value, &args.second) else { continue };
                acc.update_text(groups, v, s, st, args.order.as_ref(), len)?;
            } else {
                acc.update(groups, args.value.as_ref(), len)?;
            }
        }
        Ok(())
    }

    /// Adds the groups of a partial state.
    fn merge(&mut self, mut other: GroupState) -> SqlResult<()> {
        let map: Vec<u32> = if self.keys.is_empty() {
            vec![0; other.groups]
        } else {
            let mut all: Vec<Arc<Column>> = Vec::new();
            let width = self.keys.iter().max().map_or(0, |m| m + 1);
            let empty = Arc::new(Column::new(ColumnData::U8(Vec::new())));
            all.resize(width, empty);
            for (c, &k) in std::mem::take(&mut other.key_columns).into_iter().zip(&self.keys) {
                all[k] = Arc::new(c);
            }
            self.number(&all, other.groups)?;
            self.numbers.clone()
        };
        for (a, b) in self.accumulators.iter_mut().zip(&mut other.accumulators) {
            a.merge(b, &map)?;
        }
        Ok(())
    }

    /// The output rows of this set.
    fn finish(&mut self, spec: &Spec<'_>, ctx: &ExecContext) -> SqlResult<Batch> {
        let n = self.groups;
        let mut columns: Vec<Option<Arc<Column>>> = vec![None; spec.group.len()];
        for (c, &k) in std::mem::take(&mut self.key_columns).into_iter().zip(&self.keys) {
            columns[k] = Some(Arc::new(c));
        }
        let mut out: Vec<Arc<Column>> = columns
            .into_iter()
            .zip(spec.group)
            .map(|(c, e)| c.unwrap_or_else(|| Arc::new(Column::all_null(&e.ty, n))))
            .collect();
        for (a, acc) in spec.aggregates.iter().zip(&mut self.accumulators) {
            if acc.null_seen() {
                ctx.query.note_null_eliminated();
            }
            let fraction = match &a.argument2 {
                Some(e)
                    if matches!(
                        a.function,
                        AggregateId::ApproxPercentileCont | AggregateId::ApproxPercentileDisc
                    ) =>
                {
                    Some(super::accumulator::value_number(&evaluate_constant(e, ctx)?)?)
                }
                _ => None,
            };
            let descending = a.order.first().is_some_and(|k| k.descending);
            out.push(Arc::new(acc.finish(n, fraction, descending)?));
        }
        if spec.sets.is_some() {
            let bits = (0..spec.group.len()).fold(0i32, |b, k| b << 1 | i32::from(!self.keys.contains(&k)));
            out.push(Arc::new(Column::new(ColumnData::I32(vec![bits; n]))));
        }
        Ok(Batch { len: n, columns: out })
    }
}

/// Group numbers of the rows whose (group, value) was not seen before; [`NO_GROUP`] for the others.
fn first_of_each(
    table: &mut KeyTable,
    groups: Groups<'_>,
    value: &Vector,
    argument: &Option<Expr>,
    len: usize,
) -> SqlResult<Vec<u32>> {
    let ty = argument.as_ref().map_or(SqlType::INT, |e| e.ty);
    let column = value.clone().into_column(&ty, len)?;
    let numbers: Vec<i32> = match groups {
        Groups::One => vec![0; len],
        Groups::Many(g) => g.iter().map(|&g| g as i32).collect(),
    };
    let group_column = Column::new(ColumnData::I32(numbers.clone()));
    let mut known = table.len() as u32;
    let mut pairs = Vec::new();
    // A NULL never counts, so it may keep a number of its own.
    table.insert(&[&group_column, &column], len, &[true, true], &mut pairs)?;
    Ok(pairs
        .iter()
        .zip(numbers)
        .map(|(&p, g)| {
            if p == known {
                known += 1;
                g as u32
            } else {
                NO_GROUP
            }
        })
        .collect())
}

/// Evaluated arguments of one aggregate.
struct Arguments {
    value: Option<Vector>,
    second: Option<(Vector, SqlType)>,
    order: Option<holdfast_types::batch::VarColumn<u8>>,
}

fn arguments(spec: &Spec<'_>, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vec<Arguments>> {
    spec.aggregates
        .iter()
        .map(|a| {
            let value = match &a.argument {
                Some(e) => Some(evaluate(e, batch, ctx)?),
                None => None,
            };
            let second = match &a.argument2 {
                Some(e) => Some((evaluate(e, batch, ctx)?, e.ty)),
                None => None,
            };
            let order = if a.order.is_empty() || a.function != AggregateId::StringAgg {
                None
            } else {
                let parts: Vec<KeyPart> =
                    a.order.iter().map(|k| KeyPart { ty: k.expr.ty, descending: k.descending }).collect();
                let columns: Vec<Arc<Column>> = a
                    .order
                    .iter()
                    .map(|k| evaluate(&k.expr, batch, ctx)?.into_column(&k.expr.ty, batch.len))
                    .collect::<SqlResult<_>>()?;
                let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
                Some(encode_rows(&parts, &refs, batch.len)?)
            };
            Ok(Arguments { value, second, order })
        })
        .collect()
}

fn group_columns(spec: &Spec<'_>, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vec<Arc<Column>>> {
    super::evaluate_columns(spec.group, batch, ctx)
}

fn states(spec: &Spec<'_>) -> SqlResult<Vec<GroupState>> {
    match spec.sets {
        None => Ok(vec![GroupState::new(spec, None)?]),
        Some(sets) => sets.iter().map(|s| GroupState::new(spec, Some(s))).collect(),
    }
}

fn add_batch(spec: &Spec<'_>, states: &mut [GroupState], batch: &Batch, ctx: &ExecContext) -> SqlResult<()> {
    let keys = group_columns(spec, batch, ctx)?;
    let args = arguments(spec, batch, ctx)?;
    for s in states.iter_mut() {
        if !s.keys.is_empty() {
            s.number(&keys, batch.len)?;
        }
        s.add(spec, &args, batch.len)?;
    }
    Ok(())
}

/// Rows that found no place in memory, by hash of their keys.
struct Overflow {
    files: Vec<SpillWriter>,
    finder: Finder,
    level: u32,
}

struct Pending {
    reader: SpillReader,
    level: u32,
}

struct Hash<'p> {
    spec: Spec<'p>,
    input: &'p PhysicalPlan,
    parallel: bool,
    output: Option<Chunks>,
    pending: Vec<Pending>,
    ctx: ExecContext,
}

impl Hash<'_> {
    fn first_pass(&mut self) -> SqlResult<Batch> {
        let spec = self.spec;
        let mergeable = spec.aggregates.iter().all(|a| {
            !a.distinct
                && !matches!(
                    a.function,
                    AggregateId::StringAgg | AggregateId::ApproxCountDistinct | AggregateId::Any
                )
        });
        let workers = self.ctx.query.workers;
        if self.parallel
            && mergeable
            && workers > 1
            && let Some(mut parts) = parallel::open_parts(self.input, &self.ctx, workers, &spec.needed())?
        {
            if parts.len() > 1 {
                return self.in_parallel(parts);
            }
            if let Some(mut only) = parts.pop() {
                return self.consume(only.as_mut(), 0);
            }
        }
        let mut source = open(self.input, &self.ctx)?;
        self.consume(source.as_mut(), 0)
    }

    /// Partial aggregation per worker, merged at the end. Used when the planner expects groups to fit.
    fn in_parallel(&self, parts: Vec<Source<'_>>) -> SqlResult<Batch> {
        let spec = self.spec;
        let ctx = &self.ctx;
        let budget = ctx.query.budget();
        let results = parallel::run(parts, |mut source| {
            let mut states = states(&spec)?;
            let mut grant = Grant::new(budget);
            let mut batches = 0u32;
            while let Some(batch) = source.next_batch()? {
                if batch.len == 0 {
                    continue;
                }
                add_batch(&spec, &mut states, &batch, ctx)?;
                batches += 1;
                if batches.is_multiple_of(64) && !grant.resize(states.iter().map(GroupState::memory).sum()) {
                    return Err(SqlError::new(701, &[&"default"]));
                }
            }
            Ok(states)
        })?;
        let mut results = results.into_iter();
        let mut whole = match results.next() {
            Some(s) => s,
            None => states(&spec)?,
        };
        for part in results {
            for (a, b) in whole.iter_mut().zip(part) {
                a.merge(b)?;
            }
        }
        self.finish(&mut whole)
    }

    fn finish(&self, states: &mut [GroupState]) -> SqlResult<Batch> {
        let batches =
            states.iter_mut().map(|s| s.finish(&self.spec, &self.ctx)).collect::<SqlResult<Vec<_>>>()?;
        let types: Vec<SqlType> = self
            .spec
            .group
            .iter()
            .map(|e| e.ty)
            .chain(self.spec.aggregates.iter().map(|a| a.ty))
            .chain(self.spec.sets.map(|_| SqlType::INT))
            .collect();
        Batch::concat(&types, &batches)
    }

    /// Aggregates a source in memory as far as it goes; the rest is left in `self.pending`.
    fn consume(&mut self, source: &mut dyn BatchSource, level: u32) -> SqlResult<Batch> {
        let spec = self.spec;
        let mut states = states(&spec)?;
        let mut grant = Grant::new(self.ctx.query.budget());
        let mut overflow: Option<Overflow> = None;
        let can_spill = spec.sets.is_none() && !spec.group.is_empty() && level < MAX_LEVEL;
        while let Some(batch) = source.next_batch()? {
            self.ctx.check_cancel()?;
            if batch.len == 0 {
                continue;
            }
            match &mut overflow {
                None => {
                    add_batch(&spec, &mut states, &batch, &self.ctx)?;
                    let bytes = states.iter().map(GroupState::memory).sum();
                    if !grant.resize(bytes) && can_spill {
                        let types: Arc<[SqlType]> = Arc::from(types_of(self.input));
                        let files = (0..PARTITIONS)
                            .map(|_| SpillWriter::new(self.ctx.query.budget(), Arc::clone(&types)))
                            .collect::<SqlResult<_>>()?;
                        overflow = Some(Overflow { files, finder: states[0].table.finder(), level });
                    }
                }
                Some(o) => {
                    let state = &mut states[0];
                    let keys = group_columns(&spec, &batch, &self.ctx)?;
                    let columns: Vec<&Column> = keys.iter().map(|c| c.as_ref()).collect();
                    let mut numbers = Vec::new();
                    let nulls = vec![true; columns.len()];
                    state.table.find(&columns, batch.len, &nulls, &mut o.finder, &mut numbers)?;
                    spill_unknown(o, &spec, &columns, &numbers, &batch)?;
                    state.numbers = numbers;
                    let args = arguments(&spec, &batch, &self.ctx)?;
                    state.add(&spec, &args, batch.len)?;
                }
            }
        }
        if let Some(o) = overflow {
            for f in o.files {
                if f.rows() > 0 {
                    self.pending.push(Pending { reader: f.finish()?, level: level + 1 });
                }
            }
        }
        self.finish(&mut states)
    }
}

/// Writes the rows without a group to the files.
fn spill_unknown(
    o: &mut Overflow,
    spec: &Spec<'_>,
    columns: &[&Column],
    numbers: &[u32],
    batch: &Batch,
) -> SqlResult<()> {
    let parts: Vec<KeyPart> = spec.group.iter().map(|e| KeyPart { ty: e.ty, descending: false }).collect();
    let keys = encode_rows(&parts, columns, batch.len)?;
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
    for (i, &g) in numbers.iter().enumerate() {
        if g == NO_GROUP {
            rows[partition_of(keys.entry(i), o.level)].push(i as u32);
        }
    }
    for (file, rows) in o.files.iter_mut().zip(rows) {
        if !rows.is_empty() {
            file.write(&batch.take(&rows))?;
        }
    }
    Ok(())
}

/// Which of the spill files of a level a key belongs to.
pub fn partition_of(key: &[u8], level: u32) -> usize {
    let mut h = 0xcbf2_9ce4_8422_2325u64 ^ u64::from(level).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for &b in key {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    (h ^ (h >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) as usize >> 40 & (PARTITIONS - 1)
}

impl BatchSource for SpillReader {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        SpillReader::next_batch(self)
    }
}

impl BatchSource for Hash<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.output.is_none() {
            let batch = self.first_pass()?;
            self.output = Some(Chunks::new(batch));
        }
        loop {
            if let Some(o) = &mut self.output
                && let Some(b) = o.next_batch()?
            {
                return Ok(Some(b));
            }
            let Some(mut next) = self.pending.pop() else { return Ok(None) };
            let batch = self.consume(&mut next.reader, next.level)?;
            self.output = Some(Chunks::new(batch));
        }
    }
}

/// Aggregation of grouped input: finished groups leave, the last one stays open.
struct Stream<'p> {
    spec: Spec<'p>,
    input: Source<'p>,
    state: GroupState,
    done: bool,
    ctx: ExecContext,
}

impl BatchSource for Stream<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        while !self.done {
            let Some(batch) = self.input.next_batch()? else {
                self.done = true;
                let fresh = GroupState::new(&self.spec, None)?;
                let mut state = std::mem::replace(&mut self.state, fresh);
                let out = state.finish(&self.spec, &self.ctx)?;
                return Ok((out.len > 0).then_some(out));
            };
            self.ctx.check_cancel()?;
            if batch.len == 0 {
                continue;
            }
            add_batch(&self.spec, std::slice::from_mut(&mut self.state), &batch, &self.ctx)?;
            let plain = self.state.distinct.iter().all(Option::is_none);
            if self.state.groups > STREAM_GROUPS && plain {
                return self.flush().map(Some);
            }
        }
        Ok(None)
    }
}

impl Stream<'_> {
    /// Puts out all groups but the last.
    fn flush(&mut self) -> SqlResult<Batch> {
        let last = self.state.groups - 1;
        let mut fresh = GroupState::new(&self.spec, None)?;
        let keys: Vec<Arc<Column>> =
            self.state.key_columns.iter().map(|c| Arc::new(c.take(&[last as u32]))).collect();
        fresh.number(&keys, 1)?;
        let mut map = vec![NO_GROUP; self.state.groups];
        map[last] = 0;
        for (a, b) in fresh.accumulators.iter_mut().zip(&mut self.state.accumulators) {
            a.merge(b, &map)?;
        }
        let mut full = std::mem::replace(&mut self.state, fresh);
        let all = full.finish(&self.spec, &self.ctx)?;
        Ok(all.slice(0, last))
    }
}

/// A value that stands for "no rows": what an aggregate without groups gives over nothing.
pub fn empty_result(a: &Aggregate) -> Value {
    match a.function {
        AggregateId::Count => Value::Int(0),
        AggregateId::CountBig | AggregateId::ApproxCountDistinct => Value::BigInt(0),
        _ => Value::Null,
    }
}
