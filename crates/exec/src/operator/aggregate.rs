//! GROUP BY: hash aggregation with partial aggregation on worker threads, grouping sets, spilling, and streaming over sorted input.
//!
//! Invariants
//! 1. Groups come out in order of first appearance; over grouped input that is the input's order, which the stream strategy keeps.
//! 2. Without keys and sets there is one row even for no input; an empty grouping set likewise.
//! 3. When memory ends, rows of groups already in the table are still aggregated there; rows of other groups go to spill files by hash of
//!    their keys and are aggregated file by file afterwards, each grouping set on its own. Every pass takes at least one batch into its
//!    table, so the passes come to an end.
//! 4. DISTINCT aggregates and STRING_AGG are never computed from partial states. DISTINCT ones take what [`Dedup`] lets through of
//!    (group, value); what it put aside is added before the groups are finished.
//! 5. Texts and values that a group collects (STRING_AGG, percentiles) stay in memory: 701 when they alone exceed it.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::function::AggregateId;
use holdfast_plan::physical::{Aggregate, AggregateStrategy, PhysicalOp, PhysicalPlan};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlResult, SqlType, Value};

use super::accumulator::{Accumulator, Groups};
use super::dedup::Dedup;
use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::partition::Partitions;
use super::sort_key::{KeyPart, encode_rows};
use super::spill::{Grant, SpillReader};
use super::{Chunks, Source, open, parallel, types_of};
use crate::context::ExecContext;
use crate::expression::vector::Vector;
use crate::expression::{evaluate, evaluate_constant};

/// Groups of a streaming aggregation that are finished together.
const STREAM_GROUPS: usize = 4096;
/// Bytes of a streaming aggregation's state beyond which finished groups leave earlier.
const STREAM_BYTES: usize = 16 << 20;

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
        let state = GroupState::new(&spec, None, 0, ctx)?;
        let (input, grant) = (open(input, ctx)?, Grant::new(ctx.query.budget()));
        return Ok(Box::new(Stream { spec, input, state, done: false, grant, ctx: ctx.clone() }));
    }
    let grant = Grant::new(ctx.query.budget());
    Ok(Box::new(Hash {
        spec,
        input,
        types: Arc::from(types_of(input)),
        parallel: *parallel,
        output: None,
        pending: Vec::new(),
        grant,
        ctx: ctx.clone(),
    }))
}

/// Aggregation of one grouping set.
struct GroupState {
    /// Which set this is, and the level of the files that its rows come from.
    set: Option<usize>,
    level: u32,
    /// Positions in the group list that this set groups by; the others are NULL in the output.
    keys: Vec<usize>,
    table: KeyTable,
    key_columns: Vec<Column>,
    accumulators: Vec<Accumulator>,
    distinct: Vec<Option<Dedup>>,
    groups: usize,
    numbers: Vec<u32>,
    /// The table is full: what its reader remembers, and the rows put aside.
    full: Option<(Finder, Partitions)>,
}

impl GroupState {
    fn new(spec: &Spec<'_>, set: Option<usize>, level: u32, ctx: &ExecContext) -> SqlResult<Self> {
        let keys: Vec<usize> = match (set, spec.sets) {
            (Some(i), Some(sets)) => sets[i].clone(),
            _ => (0..spec.group.len()).collect(),
        };
        let types: Vec<SqlType> = keys.iter().map(|&k| spec.group[k].ty).collect();
        let accumulators = spec.aggregates.iter().map(Accumulator::new).collect::<SqlResult<Vec<_>>>()?;
        let distinct = spec
            .aggregates
            .iter()
            .map(|a| match &a.argument {
                Some(e) if a.distinct || a.function == AggregateId::ApproxCountDistinct => {
                    // Without keys there is one group, whose number needs no place.
                    let pair = [SqlType::INT, e.ty];
                    Some(Dedup::new(if keys.is_empty() { &pair[1..] } else { &pair }, ctx))
                }
                _ => None,
            })
            .collect();
        let mut out = GroupState {
            set,
            level,
            key_columns: types.iter().map(Column::empty).collect(),
            table: KeyTable::new(&types),
            keys,
            accumulators,
            distinct,
            groups: 0,
            numbers: Vec::new(),
            full: None,
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

    /// Memory when the rows of a batch have been added, each with a group of its own (beside DISTINCT tables, which have grants).
    fn memory_after(&self, rows: usize) -> usize {
        let fixed = self.full.is_some() || self.keys.is_empty();
        let (table, groups) = match fixed {
            true => (self.table.memory(), self.groups),
            false => (self.table.memory_after(rows), self.groups + rows),
        };
        let widths: usize = self.accumulators.iter().map(Accumulator::width).sum();
        let collected: usize = self.accumulators.iter().map(Accumulator::collected).sum();
        table + groups * widths + collected + self.key_columns.iter().map(Column::memory).sum::<usize>()
    }

    /// From now on rows of groups that are not there are put aside.
    fn close(&mut self, types: &Arc<[SqlType]>, ctx: &ExecContext) -> SqlResult<()> {
        if self.full.is_none() && self.groups > 0 && !self.keys.is_empty() {
            let rest = Partitions::new(ctx.query.budget(), types, self.level)?;
            self.full = Some((self.table.finder(), rest));
        }
        Ok(())
    }

    /// Numbers the rows of a batch: adds groups, or puts the rows of unknown ones aside.
    fn place(&mut self, spec: &Spec<'_>, keys: &[Arc<Column>], batch: &Batch) -> SqlResult<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let Some((finder, rest)) = &mut self.full else { return self.number(keys, batch.len) };
        let columns: Vec<&Column> = self.keys.iter().map(|&k| keys[k].as_ref()).collect();
        let nulls = vec![true; columns.len()];
        self.table.find(&columns, batch.len, &nulls, finder, &mut self.numbers)?;
        if self.numbers.contains(&NO_GROUP) {
            let parts: Vec<KeyPart> =
                self.keys.iter().map(|&k| KeyPart { ty: spec.group[k].ty, descending: false }).collect();
            let encoded = encode_rows(&parts, &columns, batch.len)?;
            rest.write(batch, &encoded, (0..batch.len).filter(|&i| self.numbers[i] == NO_GROUP))?;
        }
        Ok(())
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
                (Some(seen), Some(v)) => {
                    numbers = first_of_each(seen, groups, v, &a.argument, len)?;
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
        for (seen, acc) in self.distinct.iter_mut().zip(&mut self.accumulators) {
            let Some(seen) = seen else { continue };
            while let Some(b) = seen.rest()? {
                let Some((value, group)) = b.columns.split_last() else { continue };
                let numbers: Vec<u32> = match group.first().map(|c| &c.data) {
                    Some(ColumnData::I32(g)) => g.iter().map(|&g| g as u32).collect(),
                    _ => vec![0; b.len],
                };
                acc.update(Groups::Many(&numbers), Some(&Vector::Column(Arc::clone(value))), b.len)?;
            }
        }
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
    seen: &mut Dedup,
    groups: Groups<'_>,
    value: &Vector,
    argument: &Option<Expr>,
    len: usize,
) -> SqlResult<Vec<u32>> {
    let ty = argument.as_ref().map_or(SqlType::INT, |e| e.ty);
    // A NULL never counts, so it may have a place of its own.
    let value = value.clone().into_column(&ty, len)?;
    let mut out = vec![NO_GROUP; len];
    let Groups::Many(numbers) = groups else {
        for i in seen.add(&Batch { len, columns: vec![value] })? {
            out[i as usize] = 0;
        }
        return Ok(out);
    };
    let group = Column::new(ColumnData::I32(numbers.iter().map(|&g| g as i32).collect()));
    let mut pairs = Batch { len, columns: vec![Arc::new(group), value] };
    // Rows put aside with their group come again.
    let placed: Option<Vec<u32>> = numbers
        .contains(&NO_GROUP)
        .then(|| (0..len as u32).filter(|&i| numbers[i as usize] != NO_GROUP).collect());
    if let Some(rows) = &placed {
        pairs = pairs.take(rows);
    }
    for i in seen.add(&pairs)? {
        let row = placed.as_ref().map_or(i, |p| p[i as usize]) as usize;
        out[row] = numbers[row];
    }
    Ok(out)
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

fn states(spec: &Spec<'_>, ctx: &ExecContext) -> SqlResult<Vec<GroupState>> {
    match spec.sets {
        None => Ok(vec![GroupState::new(spec, None, 0, ctx)?]),
        Some(sets) => (0..sets.len()).map(|i| GroupState::new(spec, Some(i), 0, ctx)).collect(),
    }
}

/// Adds a batch; closes the tables to new groups when the grant ends.
fn add_batch(
    spec: &Spec<'_>,
    states: &mut [GroupState],
    grant: &mut Grant,
    types: &Arc<[SqlType]>,
    batch: &Batch,
    ctx: &ExecContext,
) -> SqlResult<()> {
    let needs = |states: &[GroupState]| states.iter().map(|s| s.memory_after(batch.len)).sum();
    if !grant.resize(needs(states)) {
        for s in states.iter_mut() {
            s.close(types, ctx)?;
        }
        let collects = states.iter().flat_map(|s| &s.accumulators).any(|a| a.collected() > 0);
        if collects && !grant.resize(needs(states)) {
            return Err(SqlError::new(701, &[&"default"]));
        }
    }
    let keys = group_columns(spec, batch, ctx)?;
    let args = arguments(spec, batch, ctx)?;
    for s in states.iter_mut() {
        s.place(spec, &keys, batch)?;
        s.add(spec, &args, batch.len)?;
    }
    Ok(())
}

/// Rows of a grouping set that were put aside.
struct Pending {
    reader: SpillReader,
    set: Option<usize>,
    level: u32,
}

struct Hash<'p> {
    spec: Spec<'p>,
    input: &'p PhysicalPlan,
    /// Of the input's columns.
    types: Arc<[SqlType]>,
    parallel: bool,
    output: Option<Chunks>,
    pending: Vec<Pending>,
    /// Memory of the pass whose groups are coming out.
    grant: Grant,
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
        let mut states = states(&spec, &self.ctx)?;
        if self.parallel
            && mergeable
            && workers > 1
            && let Some(mut parts) = parallel::open_parts(self.input, &self.ctx, workers, &spec.needed())?
        {
            if parts.len() > 1 {
                return self.in_parallel(parts);
            }
            if let Some(mut only) = parts.pop() {
                self.consume(&mut states, only.as_mut())?;
                return self.finish(states);
            }
        }
        let mut source = open(self.input, &self.ctx)?;
        self.consume(&mut states, source.as_mut())?;
        self.finish(states)
    }

    /// Partial aggregation per worker, merged at the end. Used when the planner expects groups to fit; where they do not, each
    /// worker puts rows aside, which are added to the merged groups as far as these are known.
    fn in_parallel(&mut self, parts: Vec<Source<'_>>) -> SqlResult<Batch> {
        let spec = self.spec;
        let (ctx, types) = (&self.ctx, &self.types);
        let budget = ctx.query.budget();
        let results = parallel::run(parts, |mut source| {
            let mut states = states(&spec, ctx)?;
            let mut grant = Grant::new(budget);
            while let Some(batch) = source.next_batch()? {
                if batch.len > 0 {
                    add_batch(&spec, &mut states, &mut grant, types, &batch, ctx)?;
                }
            }
            Ok((states, grant))
        })?;
        let mut whole: Option<Vec<GroupState>> = None;
        let mut aside: Vec<Vec<SpillReader>> = Vec::new();
        let mut grants = Vec::new();
        for (mut part, grant) in results {
            grants.push(grant);
            aside.resize_with(part.len(), Vec::new);
            for (s, aside) in part.iter_mut().zip(&mut aside) {
                if let Some((_, rest)) = s.full.take() {
                    aside.extend(rest.finish()?.into_iter().filter(|f| f.rows() > 0));
                }
            }
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    for (a, b) in whole.iter_mut().zip(part) {
                        a.merge(b)?;
                    }
                }
            }
        }
        let mut whole = match whole {
            Some(w) => w,
            None => states(&spec, ctx)?,
        };
        drop(grants);
        self.grant.resize(whole.iter().map(|s| s.memory_after(0)).sum());
        for (s, files) in whole.iter_mut().zip(aside) {
            if files.is_empty() {
                continue;
            }
            s.close(&self.types, &self.ctx)?;
            for mut file in files {
                self.consume(std::slice::from_mut(s), &mut file)?;
            }
        }
        self.finish(whole)
    }

    /// Finishes the groups of a pass and leaves what was put aside in `self.pending`.
    fn finish(&mut self, mut states: Vec<GroupState>) -> SqlResult<Batch> {
        let mut batches = Vec::with_capacity(states.len());
        for s in &mut states {
            if let Some((_, rest)) = s.full.take() {
                let files = rest.finish()?.into_iter().filter(|f| f.rows() > 0);
                let (set, level) = (s.set, s.level + 1);
                self.pending.extend(files.map(|reader| Pending { reader, set, level }));
            }
            batches.push(s.finish(&self.spec, &self.ctx)?);
        }
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

    /// Adds the rows of a source.
    fn consume(&mut self, states: &mut [GroupState], source: &mut dyn BatchSource) -> SqlResult<()> {
        while let Some(batch) = source.next_batch()? {
            self.ctx.check_cancel()?;
            if batch.len > 0 {
                add_batch(&self.spec, states, &mut self.grant, &self.types, &batch, &self.ctx)?;
            }
        }
        Ok(())
    }
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
            self.output = None;
            self.grant.resize(0);
            let mut state = vec![GroupState::new(&self.spec, next.set, next.level, &self.ctx)?];
            self.consume(&mut state, &mut next.reader)?;
            self.output = Some(Chunks::new(self.finish(state)?));
        }
    }
}

/// Aggregation of grouped input: finished groups leave together.
struct Stream<'p> {
    spec: Spec<'p>,
    input: Source<'p>,
    state: GroupState,
    done: bool,
    grant: Grant,
    ctx: ExecContext,
}

impl BatchSource for Stream<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        while !self.done {
            let Some(batch) = self.input.next_batch()? else {
                self.done = true;
                let out = self.flush()?;
                return Ok((out.len > 0).then_some(out));
            };
            self.ctx.check_cancel()?;
            if batch.len == 0 {
                continue;
            }
            let distinct: usize = self.state.distinct.iter().flatten().map(Dedup::memory).sum();
            let bytes = self.state.memory_after(0);
            if self.state.groups > STREAM_GROUPS || bytes + distinct > STREAM_BYTES {
                // Only the last group can go on; with the first row of another one all are complete.
                let next = self.next_group(&batch)?;
                if next < batch.len {
                    self.add(&batch.slice(0, next))?;
                    let out = self.flush()?;
                    self.add(&batch.slice(next, batch.len - next))?;
                    return Ok(Some(out));
                }
            }
            self.add(&batch)?;
        }
        Ok(None)
    }
}

impl Stream<'_> {
    fn add(&mut self, batch: &Batch) -> SqlResult<()> {
        if batch.len == 0 {
            return Ok(());
        }
        // Groups are few; what one of them collects is not.
        if !self.grant.resize(self.state.memory_after(0))
            && self.state.accumulators.iter().any(|a| a.collected() > 0)
        {
            return Err(SqlError::new(701, &[&"default"]));
        }
        let keys = group_columns(&self.spec, batch, &self.ctx)?;
        let args = arguments(&self.spec, batch, &self.ctx)?;
        self.state.place(&self.spec, &keys, batch)?;
        self.state.add(&self.spec, &args, batch.len)
    }

    /// The first row of the batch whose group is not there yet.
    fn next_group(&self, batch: &Batch) -> SqlResult<usize> {
        let keys = group_columns(&self.spec, batch, &self.ctx)?;
        let columns: Vec<&Column> = keys.iter().map(|c| c.as_ref()).collect();
        let (table, mut numbers) = (&self.state.table, Vec::new());
        table.find(&columns, batch.len, &vec![true; columns.len()], &mut table.finder(), &mut numbers)?;
        Ok(numbers.iter().position(|&g| g == NO_GROUP).unwrap_or(batch.len))
    }

    /// Puts out all groups.
    fn flush(&mut self) -> SqlResult<Batch> {
        let fresh = GroupState::new(&self.spec, None, 0, &self.ctx)?;
        let mut full = std::mem::replace(&mut self.state, fresh);
        full.finish(&self.spec, &self.ctx)
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
