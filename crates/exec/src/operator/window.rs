//! Window functions over input sorted by partition then order.
//!
//! Invariants
//! 1. The input's rows and order are kept; one column per function is added.
//!    Complete partitions are computed together, some ten thousand rows at a time; one that does not fit into memory goes to a file
//!    (`operator::large_partition`), with the same results.
//! 2. Frames are half-open row ranges [start, end) inside the partition; both ends never move backwards from row to row.
//! 3. Without a frame an aggregate sees the whole partition, or with an order everything up to the last peer of the current row.
//! 4. Sums and counts come from running totals per partition, minima and maxima from a monotone queue: no frame is read twice, except by
//!    aggregates that cannot be undone (STDEV, STRING_AGG …) and by float sums over sliding frames.

use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::function::{AggregateId, WindowId};
use holdfast_plan::physical::{
    Aggregate, Frame, FrameBound, PhysicalPlan, SortKey, WindowFunction, WindowFunctionKind,
};
use holdfast_types::batch::{BATCH_ROWS, ColumnBuilder, NO_ROW, VarColumn};
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlResult, SqlType, TypeId, Value};

use super::accumulator::{Accumulator, Groups, decimal_sum_result, integer_result, percentile, value_number};
use super::large_partition::LargePartition;
use super::sort_key::{KeyPart, encode_rows};
use super::spill::Grant;
use super::{Chunks, Source, evaluate_columns, open, types_of};
use crate::context::ExecContext;
use crate::expression::arithmetic::{integer_value, overflow};
use crate::expression::compare;
use crate::expression::evaluate;
use crate::expression::vector::Vector;

/// Rows of complete partitions that are computed together.
const CHUNK_ROWS: usize = BATCH_ROWS * 16;

/// A batch of the input, and which of its rows begin a partition or a group of peers.
pub struct Marked {
    pub batch: Batch,
    pub partitions: Vec<bool>,
    pub peers: Vec<bool>,
}

impl Marked {
    fn memory(&self) -> usize {
        // The rows twice while they are joined into one batch, and partition and peers of each.
        self.batch.memory() * 2 + self.batch.len * 2 * size_of::<(u32, u32)>()
    }

    /// Takes the first `rows` rows away.
    pub fn split_off_front(&mut self, rows: usize) -> Marked {
        let rest = self.batch.slice(rows, self.batch.len - rows);
        let front = std::mem::replace(&mut self.batch, rest).slice(0, rows);
        let (partitions, peers) = (self.partitions.split_off(rows), self.peers.split_off(rows));
        Marked {
            batch: front,
            partitions: std::mem::replace(&mut self.partitions, partitions),
            peers: std::mem::replace(&mut self.peers, peers),
        }
    }
}

/// The sorted input with its marks.
pub struct Input<'p> {
    source: Source<'p>,
    partition: Vec<Expr>,
    order: Vec<Expr>,
    /// Keys of the last row read; `None` before the first.
    last: Option<(Vec<u8>, Vec<u8>)>,
    ctx: ExecContext,
}

impl Input<'_> {
    fn keys(&self, exprs: &[Expr], batch: &Batch) -> SqlResult<Option<VarColumn<u8>>> {
        if exprs.is_empty() {
            return Ok(None);
        }
        let columns = evaluate_columns(exprs, batch, &self.ctx)?;
        let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
        let parts: Vec<KeyPart> = exprs.iter().map(|e| KeyPart { ty: e.ty, descending: false }).collect();
        encode_rows(&parts, &refs, batch.len).map(Some)
    }

    /// The next rows.
    pub fn read(&mut self) -> SqlResult<Option<Marked>> {
        let batch = loop {
            self.ctx.check_cancel()?;
            match self.source.next_batch()? {
                None => return Ok(None),
                Some(b) if b.len == 0 => {}
                Some(b) => break b,
            }
        };
        let n = batch.len;
        let (partition, order) = (self.keys(&self.partition, &batch)?, self.keys(&self.order, &batch)?);
        let changes = |keys: &Option<VarColumn<u8>>, last: Option<&Vec<u8>>| {
            let mut out = vec![false; n];
            out[0] = last.is_none_or(|l| keys.as_ref().is_some_and(|k| k.entry(0) != &l[..]));
            if let Some(k) = keys {
                (1..n).for_each(|i| out[i] = k.entry(i) != k.entry(i - 1));
            }
            out
        };
        let partitions = changes(&partition, self.last.as_ref().map(|l| &l.0));
        let mut peers = changes(&order, self.last.as_ref().map(|l| &l.1));
        peers.iter_mut().zip(&partitions).for_each(|(p, q)| *p |= q);
        let last = |k: &Option<VarColumn<u8>>| k.as_ref().map_or_else(Vec::new, |k| k.entry(n - 1).to_vec());
        self.last = Some((last(&partition), last(&order)));
        Ok(Some(Marked { batch, partitions, peers }))
    }
}

pub struct Window<'p> {
    input: Input<'p>,
    input_types: Vec<SqlType>,
    order: &'p [SortKey],
    functions: &'p [WindowFunction],
    /// Rows read and not yet computed: complete partitions, then one that may go on.
    waiting: VecDeque<Marked>,
    /// How many rows of them belong to complete partitions, and how many there are.
    complete: usize,
    rows: usize,
    bytes: usize,
    ended: bool,
    output: Option<Source<'p>>,
    grant: Grant,
    ctx: ExecContext,
}

impl<'p> Window<'p> {
    pub fn new(
        input: &'p PhysicalPlan,
        partition: &'p [Expr],
        order: &'p [SortKey],
        functions: &'p [WindowFunction],
        ctx: &ExecContext,
    ) -> SqlResult<Self> {
        let marked = Input {
            source: open(input, ctx)?,
            partition: partition.to_vec(),
            order: order.iter().map(|k| k.expr.clone()).collect(),
            last: None,
            ctx: ctx.clone(),
        };
        Ok(Window {
            input: marked,
            input_types: types_of(input),
            order,
            functions,
            waiting: VecDeque::new(),
            complete: 0,
            rows: 0,
            bytes: 0,
            ended: false,
            output: None,
            grant: Grant::new(ctx.query.budget()),
            ctx: ctx.clone(),
        })
    }

    /// Opens the next output; `None` at the end.
    fn advance(&mut self) -> SqlResult<Option<Source<'p>>> {
        loop {
            if self.ended || self.complete >= CHUNK_ROWS {
                let rows = if self.ended { self.rows } else { self.complete };
                return if rows == 0 { Ok(None) } else { self.compute(rows).map(Some) };
            }
            if !self.grant.resize(self.bytes) && self.rows > 0 {
                return if self.complete > 0 { self.compute(self.complete) } else { self.large() }.map(Some);
            }
            match self.input.read()? {
                None => self.ended = true,
                Some(m) => self.keep(m),
            }
        }
    }

    fn keep(&mut self, m: Marked) {
        if let Some(start) = m.partitions.iter().rposition(|&p| p) {
            self.complete = self.rows + start;
        }
        self.rows += m.batch.len;
        self.bytes += m.memory();
        self.waiting.push_back(m);
    }

    /// Computes the first `rows` rows of those that wait.
    fn compute(&mut self, rows: usize) -> SqlResult<Source<'p>> {
        let (mut batches, mut partitions, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        let mut missing = rows;
        while let Some(mut m) = self.waiting.pop_front() {
            if m.batch.len > missing {
                let front = m.split_off_front(missing);
                self.waiting.push_front(m);
                m = front;
            }
            if m.batch.len == 0 {
                break;
            }
            missing -= m.batch.len;
            batches.push(m.batch);
            partitions.extend(m.partitions);
            peers.extend(m.peers);
        }
        self.rows -= rows;
        self.complete = 0;
        self.bytes = self.waiting.iter().map(Marked::memory).sum();
        let whole = Batch::concat(&self.input_types, &batches)?;
        drop(batches);
        let layout = Layout {
            len: rows,
            partition: runs(&partitions),
            peers: runs(&peers),
            ordered: !self.order.is_empty(),
        };
        let mut out = whole.clone();
        for f in self.functions {
            self.ctx.check_cancel()?;
            out.columns.push(Arc::new(function(f, &whole, &layout, self.order, &self.ctx)?));
        }
        Ok(Box::new(Chunks::new(out)))
    }

    /// The partition that waits does not fit into memory.
    fn large(&mut self) -> SqlResult<Source<'p>> {
        let mut file = LargePartition::begin(self.functions, self.order, &self.input_types, &self.ctx)?;
        for m in std::mem::take(&mut self.waiting) {
            file.add(&m)?;
        }
        (self.complete, self.rows, self.bytes) = (0, 0, 0);
        self.grant.resize(0);
        loop {
            let Some(mut m) = self.input.read()? else {
                self.ended = true;
                break;
            };
            match m.partitions.iter().position(|&p| p) {
                None => file.add(&m)?,
                Some(start) => {
                    file.add(&m.split_off_front(start))?;
                    self.keep(m);
                    break;
                }
            }
        }
        Ok(Box::new(file.finish()?))
    }
}

impl BatchSource for Window<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(o) = &mut self.output
                && let Some(b) = o.next_batch()?
            {
                return Ok(Some(b));
            }
            self.output = None;
            self.output = self.advance()?;
            if self.output.is_none() {
                return Ok(None);
            }
        }
    }
}

/// Partition and peer group of every row.
struct Layout {
    len: usize,
    /// First row of the row's partition, and the row after its last.
    partition: Vec<(u32, u32)>,
    /// The same for its peers; rows without an order are all peers.
    peers: Vec<(u32, u32)>,
    ordered: bool,
}

fn runs(changes: &[bool]) -> Vec<(u32, u32)> {
    let mut out = vec![(0, 0); changes.len()];
    let mut start = 0;
    for end in 1..=changes.len() {
        if end == changes.len() || changes[end] {
            out[start..end].fill((start as u32, end as u32));
            start = end;
        }
    }
    out
}

/// The frame of a row of the partition `first..last`, among its peers.
pub fn frame_of(
    row: usize,
    (first, last): (usize, usize),
    peers: (usize, usize),
    ordered: bool,
    frame: Option<&Frame>,
) -> (usize, usize) {
    let Some(f) = frame else {
        return if ordered { (first, peers.1) } else { (first, last) };
    };
    let back = |n: u64| row.saturating_sub(usize::try_from(n).unwrap_or(usize::MAX)).max(first);
    let forth = |n: u64| row.saturating_add(usize::try_from(n).unwrap_or(usize::MAX));
    let start = match f.start {
        FrameBound::UnboundedPreceding => first,
        FrameBound::Preceding(n) => back(n),
        FrameBound::CurrentRow if f.rows => row,
        FrameBound::CurrentRow => peers.0,
        FrameBound::Following(n) => forth(n).min(last),
        FrameBound::UnboundedFollowing => last,
    };
    let end = match f.end {
        FrameBound::UnboundedPreceding => first,
        FrameBound::Preceding(n) => match usize::try_from(n) {
            Ok(n) if row >= first + n => row - n + 1,
            _ => first,
        },
        FrameBound::CurrentRow if f.rows => row + 1,
        FrameBound::CurrentRow => peers.1,
        FrameBound::Following(n) => forth(n).saturating_add(1).min(last),
        FrameBound::UnboundedFollowing => last,
    };
    (start, end.max(start))
}

impl Layout {
    /// The frame of a row.
    fn frame(&self, row: usize, frame: Option<&Frame>) -> (usize, usize) {
        let pair = |(a, b): (u32, u32)| (a as usize, b as usize);
        frame_of(row, pair(self.partition[row]), pair(self.peers[row]), self.ordered, frame)
    }
}

fn function(
    f: &WindowFunction,
    batch: &Batch,
    layout: &Layout,
    order: &[SortKey],
    ctx: &ExecContext,
) -> SqlResult<Column> {
    match &f.function {
        WindowFunctionKind::Ranking(id) => ranking(*id, f, batch, layout, order, ctx),
        WindowFunctionKind::Aggregate(id) => aggregate(*id, f, batch, layout, ctx),
    }
}

/// The tile of row `at` of `size` rows in `k` tiles.
pub fn tile(k: i64, size: i64, at: i64) -> i64 {
    let (small, larger) = (size / k, size % k);
    // The first `larger` tiles have one row more.
    let boundary = larger * (small + 1);
    if at < boundary { at / (small + 1) + 1 } else { larger + (at - boundary) / small.max(1) + 1 }
}

/// An integer column of the function's type (bigint for the ranking functions).
pub fn integers(ty: &SqlType, values: impl Iterator<Item = i64>) -> SqlResult<Column> {
    Ok(Column::new(match ty.id {
        TypeId::BigInt => ColumnData::I64(values.collect()),
        _ => ColumnData::I32(
            values.map(|v| i32::try_from(v).map_err(|_| overflow(ty))).collect::<SqlResult<_>>()?,
        ),
    }))
}

fn ranking(
    id: WindowId,
    f: &WindowFunction,
    batch: &Batch,
    layout: &Layout,
    order: &[SortKey],
    ctx: &ExecContext,
) -> SqlResult<Column> {
    let n = layout.len;
    let part = |r: usize| (layout.partition[r].0 as usize, layout.partition[r].1 as usize);
    let peer = |r: usize| (layout.peers[r].0 as usize, layout.peers[r].1 as usize);
    match id {
        WindowId::RowNumber => integers(&f.ty, (0..n).map(|r| (r - part(r).0 + 1) as i64)),
        WindowId::Rank => integers(&f.ty, (0..n).map(|r| (peer(r).0 - part(r).0 + 1) as i64)),
        WindowId::DenseRank => {
            let mut rank = 0;
            integers(
                &f.ty,
                (0..n).map(|r| {
                    if part(r).0 == r {
                        rank = 1;
                    } else if peer(r).0 == r {
                        rank += 1;
                    }
                    rank
                }),
            )
        }
        WindowId::NTile => {
            let tiles = argument(f, 0, batch, ctx)?;
            let ty = f.args.first().map_or(SqlType::INT, |e| e.ty);
            let mut out = Vec::with_capacity(n);
            for r in 0..n {
                let k = integer_value(&tiles.value(r, &ty))
                    .filter(|k| *k > 0)
                    .ok_or_else(|| SqlError::new(4116, &[]))?;
                let (first, last) = part(r);
                out.push(tile(k, (last - first) as i64, (r - first) as i64));
            }
            integers(&f.ty, out.into_iter())
        }
        WindowId::PercentRank => Ok(Column::new(ColumnData::F64(
            (0..n)
                .map(|r| {
                    let (first, last) = part(r);
                    let others = (last - first - 1) as f64;
                    if others == 0.0 { 0.0 } else { (peer(r).0 - first) as f64 / others }
                })
                .collect(),
        ))),
        WindowId::CumeDist => Ok(Column::new(ColumnData::F64(
            (0..n)
                .map(|r| {
                    let (first, last) = part(r);
                    (peer(r).1 - first) as f64 / (last - first) as f64
                })
                .collect(),
        ))),
        WindowId::Lag | WindowId::Lead => shifted(id == WindowId::Lead, f, batch, layout, ctx),
        WindowId::FirstValue | WindowId::LastValue => {
            let column = argument(f, 0, batch, ctx)?.into_column(&f.ty, n)?;
            let mut rows = Vec::with_capacity(n);
            for r in 0..n {
                let (start, end) = layout.frame(r, f.frame.as_ref());
                let pick = |i: &usize| !f.ignore_nulls || !column.is_null(*i);
                let found = if id == WindowId::FirstValue {
                    (start..end).find(pick)
                } else {
                    (start..end).rev().find(pick)
                };
                rows.push(found.map_or(NO_ROW, |i| i as u32));
            }
            Ok(column.take_or_null(&rows))
        }
        WindowId::PercentileCont | WindowId::PercentileDisc => {
            let Some(key) = order.first() else { return Err(SqlError::new(10754, &[])) };
            let fraction = argument(f, 0, batch, ctx)?;
            let fraction_type = f.args.first().map_or(SqlType::FLOAT, |e| e.ty);
            let values = evaluate(&key.expr, batch, ctx)?;
            let mut out = ColumnBuilder::new(f.ty, n);
            let mut r = 0;
            while r < n {
                let (first, last) = part(r);
                let list: Vec<Value> =
                    (first..last).map(|i| values.value(i, &key.expr.ty)).filter(|v| !v.is_null()).collect();
                let share = value_number(&fraction.value(r, &fraction_type))?;
                if !(0.0..=1.0).contains(&share) {
                    return Err(SqlError::new(4199, &[&share, &1, &id.name()]));
                }
                let v = percentile(&list, share, id == WindowId::PercentileDisc)?;
                for _ in first..last {
                    out.push(&v)?;
                }
                r = last;
            }
            Ok(out.finish())
        }
    }
}

fn argument(f: &WindowFunction, index: usize, batch: &Batch, ctx: &ExecContext) -> SqlResult<Vector> {
    match f.args.get(index) {
        Some(e) => evaluate(e, batch, ctx),
        None => Err(SqlError::with_text(8624, 16, "Internal error: a window function lacks an argument.")),
    }
}

fn shifted(
    lead: bool,
    f: &WindowFunction,
    batch: &Batch,
    layout: &Layout,
    ctx: &ExecContext,
) -> SqlResult<Column> {
    let n = layout.len;
    let column = argument(f, 0, batch, ctx)?.into_column(&f.args.first().map_or(f.ty, |e| e.ty), n)?;
    let offsets = match f.args.get(1) {
        Some(e) => Some((evaluate(e, batch, ctx)?, e.ty)),
        None => None,
    };
    let mut rows = Vec::with_capacity(n);
    for r in 0..n {
        let offset = match &offsets {
            None => Some(1),
            Some((v, t)) => integer_value(&v.value(r, t)),
        };
        let offset = match offset {
            Some(o) if o >= 0 => o as usize,
            _ => return Err(SqlError::new(8730, &[&if lead { "Lead" } else { "Lag" }])),
        };
        let (first, last) = (layout.partition[r].0 as usize, layout.partition[r].1 as usize);
        let found = if !f.ignore_nulls || offset == 0 {
            if lead {
                r.checked_add(offset).filter(|&i| i < last)
            } else {
                r.checked_sub(offset).filter(|&i| i >= first)
            }
        } else {
            let mut candidates: Box<dyn Iterator<Item = usize>> =
                if lead { Box::new(r + 1..last) } else { Box::new((first..r).rev()) };
            candidates.by_ref().filter(|&i| !column.is_null(i)).nth(offset - 1)
        };
        rows.push(found.map_or(NO_ROW, |i| i as u32));
    }
    let Some(default) = f.args.get(2) else { return Ok(column.take_or_null(&rows)) };
    let default_column = evaluate(default, batch, ctx)?.into_column(&f.ty, n)?;
    // Rows without a neighbour take the default: both columns back to back, then one gather.
    let mut both = column.as_ref().clone();
    both.append(&default_column)?;
    let picks: Vec<u32> =
        rows.iter().enumerate().map(|(r, &i)| if i == NO_ROW { (n + r) as u32 } else { i }).collect();
    Ok(both.take(&picks))
}

fn aggregate(
    id: AggregateId,
    f: &WindowFunction,
    batch: &Batch,
    layout: &Layout,
    ctx: &ExecContext,
) -> SqlResult<Column> {
    let n = layout.len;
    let argument = match f.args.first() {
        Some(e) => Some((evaluate_columns(std::slice::from_ref(e), batch, ctx)?.remove(0), e.ty)),
        None => None,
    };
    let spec = as_aggregate(f, id);
    let whole = f.frame.is_none() && !layout.ordered;
    if whole {
        return whole_partitions(&spec, argument.as_ref(), layout);
    }
    match id {
        AggregateId::Count | AggregateId::CountBig => {
            let mut totals = Vec::with_capacity(n + 1);
            totals.push(0i64);
            for r in 0..n {
                let counts = argument.as_ref().is_none_or(|(c, _)| !c.is_null(r));
                totals.push(totals[r] + i64::from(counts));
            }
            integers(
                &f.ty,
                (0..n).map(|r| {
                    let (s, e) = layout.frame(r, f.frame.as_ref());
                    totals[e] - totals[s]
                }),
            )
        }
        AggregateId::Sum | AggregateId::Avg => match &argument {
            Some((c, t)) if exact(c).is_some() => exact_sums(id, c, t, f, layout),
            Some((c, t)) if matches!(t.id, TypeId::Float | TypeId::Real) => float_sums(id, c, t, f, layout),
            _ => recomputed(&spec, argument.as_ref(), f, layout),
        },
        AggregateId::Min | AggregateId::Max => match &argument {
            Some((c, t)) => extremes(id == AggregateId::Min, c, t, f, layout),
            None => recomputed(&spec, None, f, layout),
        },
        _ => recomputed(&spec, argument.as_ref(), f, layout),
    }
}

/// One result per partition, repeated for its rows.
fn whole_partitions(
    spec: &Aggregate,
    argument: Option<&(Arc<Column>, SqlType)>,
    layout: &Layout,
) -> SqlResult<Column> {
    let mut groups = Vec::with_capacity(layout.len);
    let mut count = 0u32;
    for (r, p) in layout.partition.iter().enumerate() {
        if p.0 as usize == r {
            count += 1;
        }
        groups.push(count - 1);
    }
    let mut acc = Accumulator::new(spec)?;
    acc.resize(count as usize);
    let vector = argument.map(|(c, _)| Vector::Column(Arc::clone(c)));
    acc.update(Groups::Many(&groups), vector.as_ref(), layout.len)?;
    Ok(acc.finish(count as usize, None, false)?.take(&groups))
}

/// Exact numbers as wide integers.
fn exact(c: &Column) -> Option<Vec<i128>> {
    Some(match &c.data {
        ColumnData::U8(v) => v.iter().map(|&x| i128::from(x)).collect(),
        ColumnData::I16(v) => v.iter().map(|&x| i128::from(x)).collect(),
        ColumnData::I32(v) => v.iter().map(|&x| i128::from(x)).collect(),
        ColumnData::I64(v) => v.iter().map(|&x| i128::from(x)).collect(),
        ColumnData::Decimal(v) => v.clone(),
        _ => return None,
    })
}

/// An aggregate over a frame as one over a group.
pub(super) fn as_aggregate(f: &WindowFunction, id: AggregateId) -> Aggregate {
    Aggregate {
        function: id,
        argument: f.args.first().cloned(),
        argument2: f.args.get(1).cloned(),
        distinct: false,
        order: Vec::new(),
        ty: f.ty,
        nullable: f.nullable,
    }
}

fn exact_sums(
    id: AggregateId,
    c: &Column,
    ty: &SqlType,
    f: &WindowFunction,
    layout: &Layout,
) -> SqlResult<Column> {
    let n = layout.len;
    let values = exact(c).unwrap_or_default();
    let mut sums = Vec::with_capacity(n + 1);
    let mut counts = Vec::with_capacity(n + 1);
    // Sums go over all partitions and may leave the range, which their differences do not: modulo 2^128 those are exact. Whether
    // one does is told by its size.
    let mut sizes = Vec::with_capacity(n + 1);
    sums.push(0i128);
    sizes.push(0f64);
    counts.push(0i64);
    for r in 0..n {
        let present = !c.is_null(r);
        let v = if present { values[r] } else { 0 };
        sums.push(sums[r].wrapping_add(v));
        sizes.push(sizes[r] + v as f64);
        counts.push(counts[r] + i64::from(present));
    }
    let average = id == AggregateId::Avg;
    let mut out = ColumnBuilder::new(f.ty, n);
    for r in 0..n {
        let (s, e) = layout.frame(r, f.frame.as_ref());
        if (sizes[e] - sizes[s]).abs() > 1.5e38 {
            return Err(overflow(&f.ty));
        }
        let (sum, count) = (sums[e].wrapping_sub(sums[s]), counts[e] - counts[s]);
        out.push(&if matches!(ty.id, TypeId::Decimal | TypeId::Numeric) {
            decimal_sum_result(sum, count, average, ty, &f.ty)?
        } else {
            integer_result(sum, count, average, &f.ty)?
        })?;
    }
    Ok(out.finish())
}

fn float_sums(
    id: AggregateId,
    c: &Column,
    ty: &SqlType,
    f: &WindowFunction,
    layout: &Layout,
) -> SqlResult<Column> {
    let value = |r: usize| -> Option<f64> {
        match &c.data {
            _ if c.is_null(r) => None,
            ColumnData::F64(v) => Some(v[r]),
            ColumnData::F32(v) => Some(f64::from(v[r])),
            _ => None,
        }
    };
    let mut out = ColumnBuilder::new(f.ty, layout.len);
    let (mut start, mut end, mut sum, mut count) = (0, 0, 0.0, 0i64);
    for r in 0..layout.len {
        let (s, e) = layout.frame(r, f.frame.as_ref());
        // A growing frame only adds; any other is summed anew, since subtraction would lose digits.
        if s != start || e < end || s >= end {
            (start, end, sum, count) = (s, s, 0.0, 0);
        }
        while end < e {
            if let Some(x) = value(end) {
                sum += x;
                count += 1;
            }
            end += 1;
        }
        let v = if id == AggregateId::Avg { sum / count as f64 } else { sum };
        out.push(&match (count, ty.id, f.ty.id) {
            (0, _, _) => Value::Null,
            (_, _, TypeId::Real) => Value::Real(v as f32),
            _ => Value::Float(v),
        })?;
    }
    Ok(out.finish())
}

/// Minimum or maximum of every frame: a queue of rows whose values get worse from front to back.
fn extremes(min: bool, c: &Column, ty: &SqlType, f: &WindowFunction, layout: &Layout) -> SqlResult<Column> {
    let mut queue: VecDeque<usize> = VecDeque::new();
    let mut rows = Vec::with_capacity(layout.len);
    let mut end = 0;
    let mut partition = u32::MAX;
    for r in 0..layout.len {
        let (s, e) = layout.frame(r, f.frame.as_ref());
        if layout.partition[r].0 != partition {
            partition = layout.partition[r].0;
            queue.clear();
            end = partition as usize;
        }
        end = end.max(s.min(e));
        while end < e {
            if !c.is_null(end) {
                let v = c.value(end, ty);
                while let Some(&back) = queue.back() {
                    let o = compare::order(&c.value(back, ty), &v, ty)?;
                    if (min && o.is_ge()) || (!min && o.is_le()) {
                        queue.pop_back();
                    } else {
                        break;
                    }
                }
                queue.push_back(end);
            }
            end += 1;
        }
        while queue.front().is_some_and(|&i| i < s) {
            queue.pop_front();
        }
        rows.push(if e > s { queue.front().map_or(NO_ROW, |&i| i as u32) } else { NO_ROW });
    }
    Ok(c.take_or_null(&rows))
}

/// Any aggregate, frame by frame.
fn recomputed(
    spec: &Aggregate,
    argument: Option<&(Arc<Column>, SqlType)>,
    f: &WindowFunction,
    layout: &Layout,
) -> SqlResult<Column> {
    let mut out = ColumnBuilder::new(f.ty, layout.len);
    let mut last: Option<((usize, usize), Value)> = None;
    for r in 0..layout.len {
        let frame = layout.frame(r, f.frame.as_ref());
        if last.as_ref().is_none_or(|(x, _)| *x != frame) {
            let mut acc = Accumulator::new(spec)?;
            acc.resize(1);
            let n = frame.1 - frame.0;
            let vector = argument.map(|(c, _)| Vector::column(c.slice(frame.0, n)));
            acc.update(Groups::One, vector.as_ref(), n)?;
            last = Some((frame, acc.finish(1, None, false)?.value(0, &f.ty)));
        }
        if let Some((_, v)) = &last {
            out.push(v)?;
        }
    }
    Ok(out.finish())
}
