//! Window functions over one partition that does not fit into memory: its rows and the functions' arguments are in files, and every
//! function is computed row by row with places in them that move on.
//!
//! Invariants
//! 1. The results are those of `operator::window`, which computes whole columns.
//! 2. Both ends of a frame only move on (see there), so that a function reads each argument once for each end of its frame. Only
//!    aggregates that cannot be undone read a sliding frame anew for every row.
//! 3. In memory are a batch per place, and the candidates of MIN and MAX in a sliding frame.

use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::function::{AggregateId, WindowId};
use holdfast_plan::physical::{Aggregate, FrameBound, SortKey, WindowFunction, WindowFunctionKind};
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{Batch, Column, ColumnData, SqlError, SqlResult, SqlType, TypeId, Value};

use super::accumulator::{Accumulator, Groups, decimal_sum_result, integer_result, percentile, value_number};
use super::spool::{Cursor, Spool, SpoolWriter};
use super::window::{Marked, as_aggregate, frame_of, integers, tile};
use crate::context::ExecContext;
use crate::expression::arithmetic::{integer_value, overflow};
use crate::expression::compare;
use crate::expression::evaluate;
use crate::expression::vector::Vector;

/// Ends of peer groups that are written together.
const ENDS: usize = 4096;

/// What a function looks at in every row, with the types it wants.
fn arguments(f: &WindowFunction, order: &[SortKey]) -> SqlResult<Vec<(Expr, SqlType)>> {
    let own = |e: &Expr| (e.clone(), e.ty);
    Ok(match &f.function {
        WindowFunctionKind::Ranking(WindowId::PercentileCont | WindowId::PercentileDisc) => {
            let key = order.first().ok_or_else(|| SqlError::new(10754, &[]))?;
            std::iter::once(&key.expr).chain(&f.args).map(own).collect()
        }
        WindowFunctionKind::Ranking(WindowId::FirstValue | WindowId::LastValue) => {
            f.args.iter().map(|e| (e.clone(), f.ty)).collect()
        }
        WindowFunctionKind::Ranking(WindowId::Lag | WindowId::Lead) => {
            // The third is what rows without a neighbour get.
            f.args.iter().enumerate().map(|(i, e)| (e.clone(), if i == 2 { f.ty } else { e.ty })).collect()
        }
        _ => f.args.iter().map(own).collect(),
    })
}

/// A partition on its way to files.
pub struct LargePartition<'p> {
    functions: &'p [WindowFunction],
    order: &'p [SortKey],
    arguments: Vec<Vec<(Expr, SqlType)>>,
    rows: SpoolWriter,
    values: Vec<SpoolWriter>,
    /// The row after the last one of each group of peers.
    ends: SpoolWriter,
    open_ends: Vec<i64>,
    len: i64,
    ctx: ExecContext,
}

impl<'p> LargePartition<'p> {
    pub fn begin(
        functions: &'p [WindowFunction],
        order: &'p [SortKey],
        types: &[SqlType],
        ctx: &ExecContext,
    ) -> SqlResult<Self> {
        let budget = ctx.query.budget();
        let arguments: Vec<_> = functions.iter().map(|f| arguments(f, order)).collect::<SqlResult<_>>()?;
        let values = arguments.iter().map(|list| {
            let types: Vec<SqlType> = list.iter().map(|(_, ty)| *ty).collect();
            SpoolWriter::new(budget, &types)
        });
        Ok(LargePartition {
            functions,
            order,
            values: values.collect::<SqlResult<_>>()?,
            arguments,
            rows: SpoolWriter::new(budget, types)?,
            ends: SpoolWriter::new(budget, &[SqlType::BIGINT])?,
            open_ends: Vec::new(),
            len: 0,
            ctx: ctx.clone(),
        })
    }

    /// Adds rows of the partition.
    pub fn add(&mut self, m: &Marked) -> SqlResult<()> {
        let n = m.batch.len;
        if n == 0 {
            return Ok(());
        }
        for (out, list) in self.values.iter_mut().zip(&self.arguments) {
            let columns = list.iter().map(|(e, ty)| evaluate(e, &m.batch, &self.ctx)?.into_column(ty, n));
            out.write(&Batch { len: n, columns: columns.collect::<SqlResult<_>>()? })?;
        }
        self.rows.write(&m.batch)?;
        for (i, _) in m.peers.iter().enumerate().filter(|(_, p)| **p) {
            let row = self.len + i as i64;
            if row > 0 {
                self.open_ends.push(row);
            }
        }
        self.len += n as i64;
        if self.open_ends.len() >= ENDS {
            self.write_ends()?;
        }
        Ok(())
    }

    fn write_ends(&mut self) -> SqlResult<()> {
        let ends = Column::new(ColumnData::I64(std::mem::take(&mut self.open_ends)));
        self.ends.write(&Batch { len: ends.len(), columns: vec![Arc::new(ends)] })
    }

    /// The rows with the functions' results.
    pub fn finish(mut self) -> SqlResult<Output<'p>> {
        self.open_ends.push(self.len);
        self.write_ends()?;
        let len = self.len as usize;
        let mut functions = Vec::with_capacity(self.functions.len());
        for ((f, values), list) in self.functions.iter().zip(self.values).zip(self.arguments) {
            let ty = list.first().map_or(SqlType::INT, |(_, ty)| *ty);
            functions.push(Function::new(f, ty, &values.finish()?, self.order, len)?);
        }
        Ok(Output {
            functions,
            rows: Cursor::new(&self.rows.finish()?),
            ends: Cursor::new(&self.ends.finish()?),
            group: 0,
            peers: (0, 0),
            next: 0,
            len,
            ctx: self.ctx,
        })
    }
}

/// The partition again, with the functions' results.
pub struct Output<'p> {
    functions: Vec<Function<'p>>,
    rows: Cursor,
    ends: Cursor,
    /// Groups of peers begun so far, and the rows of the last of them.
    group: u64,
    peers: (usize, usize),
    next: usize,
    len: usize,
    ctx: ExecContext,
}

/// A row, its peers, and which group of peers that is, from 1 on.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    peers: (usize, usize),
    group: u64,
}

impl BatchSource for Output<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.next >= self.len {
            return Ok(None);
        }
        self.ctx.check_cancel()?;
        let mut out = self.rows.find(self.next as u64)?.0.clone();
        let mut places = Vec::with_capacity(out.len);
        for row in self.next..self.next + out.len {
            while row >= self.peers.1 {
                let end = integer_value(&self.ends.value(self.group, 0)?).unwrap_or_default();
                self.peers = (self.peers.1, end as usize);
                self.group += 1;
            }
            places.push(Place { row, peers: self.peers, group: self.group });
        }
        for f in &mut self.functions {
            self.ctx.check_cancel()?;
            out.columns.push(Arc::new(f.column(&places)?));
        }
        self.next += out.len;
        Ok(Some(out))
    }
}

/// What a function remembers from row to row.
enum State {
    /// Ranks, COUNT(*): nothing.
    Nothing,
    Constant(Value),
    Value {
        here: Cursor,
        there: Cursor,
    },
    /// FIRST_VALUE and LAST_VALUE: where the last one was found, for IGNORE NULLS.
    Found {
        values: Cursor,
        last: Option<usize>,
    },
    /// Sum and count of the rows `start..end`.
    Sum {
        enter: Cursor,
        leave: Cursor,
        start: usize,
        end: usize,
        sum: i128,
        count: i64,
    },
    Float {
        values: Cursor,
        start: usize,
        end: usize,
        sum: f64,
        count: i64,
    },
    /// Candidates, from the best on.
    Extreme {
        values: Cursor,
        queue: VecDeque<(usize, Value)>,
        end: usize,
    },
    /// Any aggregate of the rows `start..end`, and its value.
    Any {
        values: Cursor,
        accumulator: Accumulator,
        start: usize,
        end: usize,
        value: Option<Value>,
    },
}

struct Function<'p> {
    f: &'p WindowFunction,
    /// Type of the first argument.
    ty: SqlType,
    aggregate: Option<Aggregate>,
    ordered: bool,
    len: usize,
    state: State,
}

impl<'p> Function<'p> {
    fn new(
        f: &'p WindowFunction,
        ty: SqlType,
        values: &Arc<Spool>,
        order: &[SortKey],
        len: usize,
    ) -> SqlResult<Self> {
        let cursor = || Cursor::new(values);
        let mut aggregate = None;
        let state = match &f.function {
            WindowFunctionKind::Ranking(id) => match id {
                WindowId::RowNumber
                | WindowId::Rank
                | WindowId::DenseRank
                | WindowId::PercentRank
                | WindowId::CumeDist => State::Nothing,
                WindowId::NTile | WindowId::Lag | WindowId::Lead => {
                    State::Value { here: cursor(), there: cursor() }
                }
                WindowId::FirstValue | WindowId::LastValue => State::Found { values: cursor(), last: None },
                WindowId::PercentileCont | WindowId::PercentileDisc => {
                    State::Constant(percentile_of(*id, cursor(), order, len)?)
                }
            },
            WindowFunctionKind::Aggregate(id) => {
                let spec = as_aggregate(f, *id);
                let any = State::Any {
                    values: cursor(),
                    accumulator: fresh(&spec)?,
                    start: 0,
                    end: 0,
                    value: None,
                };
                aggregate = Some(spec);
                let whole = f.frame.is_none() && order.is_empty();
                let sum =
                    || State::Sum { enter: cursor(), leave: cursor(), start: 0, end: 0, sum: 0, count: 0 };
                match id {
                    _ if whole => any,
                    AggregateId::Count | AggregateId::CountBig if f.args.is_empty() => State::Nothing,
                    AggregateId::Count | AggregateId::CountBig => sum(),
                    AggregateId::Sum | AggregateId::Avg if matches!(ty.id, TypeId::Float | TypeId::Real) => {
                        State::Float { values: cursor(), start: 0, end: 0, sum: 0.0, count: 0 }
                    }
                    AggregateId::Sum | AggregateId::Avg => sum(),
                    AggregateId::Min | AggregateId::Max => {
                        State::Extreme { values: cursor(), queue: VecDeque::new(), end: 0 }
                    }
                    _ => any,
                }
            }
        };
        Ok(Function { f, ty, aggregate, ordered: !order.is_empty(), len, state })
    }

    /// The results of some rows.
    fn column(&mut self, places: &[Place]) -> SqlResult<Column> {
        let ty = self.f.ty;
        if let WindowFunctionKind::Ranking(id) = &self.f.function {
            let n = self.len;
            match id {
                WindowId::RowNumber => return integers(&ty, places.iter().map(|p| p.row as i64 + 1)),
                WindowId::Rank => return integers(&ty, places.iter().map(|p| p.peers.0 as i64 + 1)),
                WindowId::DenseRank => return integers(&ty, places.iter().map(|p| p.group as i64)),
                WindowId::PercentRank => {
                    let share = |p: &Place| if n == 1 { 0.0 } else { p.peers.0 as f64 / (n - 1) as f64 };
                    return Ok(Column::new(ColumnData::F64(places.iter().map(share).collect())));
                }
                WindowId::CumeDist => {
                    let share = |p: &Place| p.peers.1 as f64 / n as f64;
                    return Ok(Column::new(ColumnData::F64(places.iter().map(share).collect())));
                }
                WindowId::NTile => {
                    let tiles = places.iter().map(|p| self.tile(p.row)).collect::<SqlResult<Vec<_>>>()?;
                    return integers(&ty, tiles.into_iter());
                }
                _ => {}
            }
        }
        let mut out = ColumnBuilder::new(ty, places.len());
        for p in places {
            let value = match &self.f.function {
                WindowFunctionKind::Ranking(id) => self.neighbour(*id, p)?,
                WindowFunctionKind::Aggregate(id) => self.aggregate(*id, p)?,
            };
            out.push(&value)?;
        }
        Ok(out.finish())
    }

    fn tile(&mut self, row: usize) -> SqlResult<i64> {
        let State::Value { here, .. } = &mut self.state else { return Err(mixed_up()) };
        let k = integer_value(&here.value(row as u64, 0)?).filter(|k| *k > 0);
        Ok(tile(k.ok_or_else(|| SqlError::new(4116, &[]))?, self.len as i64, row as i64))
    }

    fn frame(&self, p: &Place) -> (usize, usize) {
        frame_of(p.row, (0, self.len), p.peers, self.ordered, self.f.frame.as_ref())
    }

    /// LAG, LEAD, FIRST_VALUE, LAST_VALUE, percentiles.
    fn neighbour(&mut self, id: WindowId, p: &Place) -> SqlResult<Value> {
        let (start, end) = self.frame(p);
        let (row, len, f) = (p.row, self.len, self.f);
        match &mut self.state {
            State::Constant(v) => Ok(v.clone()),
            State::Value { here, there } => {
                let lead = id == WindowId::Lead;
                let offset = match f.args.len() {
                    0 | 1 => Some(1),
                    _ => integer_value(&here.value(row as u64, 1)?),
                };
                let offset = offset
                    .and_then(|o| usize::try_from(o).ok())
                    .ok_or_else(|| SqlError::new(8730, &[&if lead { "Lead" } else { "Lag" }]))?;
                let found = if !f.ignore_nulls || offset == 0 {
                    if lead { row.checked_add(offset).filter(|&i| i < len) } else { row.checked_sub(offset) }
                } else {
                    let (mut at, mut missing) = (row, offset);
                    loop {
                        let next = if lead { Some(at + 1).filter(|&i| i < len) } else { at.checked_sub(1) };
                        let Some(i) = next else { break None };
                        at = i;
                        if !there.is_null(i as u64, 0)? {
                            missing -= 1;
                            if missing == 0 {
                                break Some(i);
                            }
                        }
                    }
                };
                match found {
                    Some(i) => there.value(i as u64, 0),
                    None if f.args.len() > 2 => here.value(row as u64, 2),
                    None => Ok(Value::Null),
                }
            }
            State::Found { values, last } => {
                if start >= end {
                    return Ok(Value::Null);
                }
                let first = id == WindowId::FirstValue;
                let mut at = if first { start } else { end - 1 };
                if f.ignore_nulls {
                    // Between the end of the frame and what was found before there are only NULLs; the frame may have left it.
                    if first {
                        at = last.filter(|&l| l > at).unwrap_or(at);
                        while at < end && values.is_null(at as u64, 0)? {
                            at += 1;
                        }
                        *last = Some(at);
                    } else {
                        let known = last.filter(|&l| l >= start && l < end).unwrap_or(start);
                        while at > known && values.is_null(at as u64, 0)? {
                            at -= 1;
                        }
                        *last = Some(at);
                    }
                    if at >= end {
                        return Ok(Value::Null);
                    }
                }
                values.value(at as u64, 0)
            }
            _ => Err(mixed_up()),
        }
    }

    fn aggregate(&mut self, id: AggregateId, p: &Place) -> SqlResult<Value> {
        let (s, e) = self.frame(p);
        let (ty, result) = (self.ty, self.f.ty);
        let average = id == AggregateId::Avg;
        match &mut self.state {
            State::Nothing => count_value((e - s) as i64, &result),
            State::Sum { enter, leave, start, end, sum, count } => {
                // An empty frame may lie beyond rows that never entered.
                while *end < e {
                    if let Some(x) = exact(enter, *end)? {
                        *sum = sum.checked_add(x).ok_or_else(|| overflow(&result))?;
                        *count += 1;
                    }
                    *end += 1;
                }
                while *start < s.min(*end) {
                    if let Some(x) = exact(leave, *start)? {
                        *sum -= x;
                        *count -= 1;
                    }
                    *start += 1;
                }
                match id {
                    AggregateId::Count | AggregateId::CountBig => count_value(*count, &result),
                    _ if matches!(ty.id, TypeId::Decimal | TypeId::Numeric) => {
                        decimal_sum_result(*sum, *count, average, &ty, &result)
                    }
                    _ => integer_result(*sum, *count, average, &result),
                }
            }
            State::Float { values, start, end, sum, count } => {
                if s != *start || e < *end || s >= *end {
                    (*start, *end, *sum, *count) = (s, s, 0.0, 0);
                }
                while *end < e {
                    let v = values.value(*end as u64, 0)?;
                    if !v.is_null() {
                        *sum += value_number(&v)?;
                        *count += 1;
                    }
                    *end += 1;
                }
                let v = if average { *sum / *count as f64 } else { *sum };
                Ok(match (*count, result.id) {
                    (0, _) => Value::Null,
                    (_, TypeId::Real) => Value::Real(v as f32),
                    _ => Value::Float(v),
                })
            }
            State::Extreme { values, queue, end } => {
                let min = id == AggregateId::Min;
                // Where frames never leave their first row, the best is all that counts.
                let fixed =
                    self.f.frame.as_ref().is_none_or(|f| matches!(f.start, FrameBound::UnboundedPreceding));
                *end = (*end).max(s.min(e));
                while *end < e {
                    let v = values.value(*end as u64, 0)?;
                    if !v.is_null() {
                        while let Some((_, back)) = queue.back() {
                            let o = compare::order(back, &v, &ty)?;
                            if (min && o.is_ge()) || (!min && o.is_le()) {
                                queue.pop_back();
                            } else {
                                break;
                            }
                        }
                        if !fixed || queue.is_empty() {
                            queue.push_back((*end, v));
                        }
                    }
                    *end += 1;
                }
                while queue.front().is_some_and(|(i, _)| *i < s) {
                    queue.pop_front();
                }
                Ok(if e > s { queue.front().map_or(Value::Null, |(_, v)| v.clone()) } else { Value::Null })
            }
            State::Any { values, accumulator, start, end, value } => {
                let Some(spec) = &self.aggregate else { return Err(mixed_up()) };
                if s != *start || e < *end {
                    (*start, *end, *value) = (s, s, None);
                    *accumulator = fresh(spec)?;
                }
                if let Some(v) = value
                    && *end == e
                {
                    return Ok(v.clone());
                }
                while *end < e {
                    let (rows, vector) = match &spec.argument {
                        None => (e - *end, None),
                        Some(_) => {
                            let (batch, i) = values.find(*end as u64)?;
                            let rows = (batch.len - i).min(e - *end);
                            (rows, Some(Vector::column(batch.columns[0].slice(i, rows))))
                        }
                    };
                    accumulator.update(Groups::One, vector.as_ref(), rows)?;
                    *end += rows;
                }
                let v = accumulator.clone().finish(1, None, false)?.value(0, &result);
                *value = Some(v.clone());
                Ok(v)
            }
            _ => Err(mixed_up()),
        }
    }
}

fn fresh(spec: &Aggregate) -> SqlResult<Accumulator> {
    let mut out = Accumulator::new(spec)?;
    out.resize(1);
    Ok(out)
}

fn mixed_up() -> SqlError {
    SqlError::with_text(8624, 16, "Internal error: a window function has the state of another.")
}

fn count_value(count: i64, ty: &SqlType) -> SqlResult<Value> {
    Ok(match ty.id {
        TypeId::BigInt => Value::BigInt(count),
        _ => Value::Int(i32::try_from(count).map_err(|_| overflow(ty))?),
    })
}

/// The number of a row; 0 where only its presence counts.
fn exact(values: &mut Cursor, row: usize) -> SqlResult<Option<i128>> {
    let (batch, i) = values.find(row as u64)?;
    let c = &batch.columns[0];
    if c.is_null(i) {
        return Ok(None);
    }
    Ok(Some(match &c.data {
        ColumnData::U8(v) => i128::from(v[i]),
        ColumnData::I16(v) => i128::from(v[i]),
        ColumnData::I32(v) => i128::from(v[i]),
        ColumnData::I64(v) => i128::from(v[i]),
        ColumnData::Decimal(v) => v[i],
        _ => 0,
    }))
}

/// PERCENTILE_CONT and PERCENTILE_DISC of the partition: its rows are in the order of the values, NULLs at one end.
fn percentile_of(id: WindowId, mut values: Cursor, order: &[SortKey], len: usize) -> SqlResult<Value> {
    let share = value_number(&values.value(0, 1)?)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(SqlError::new(4199, &[&share, &1, &id.name()]));
    }
    let mut nulls = 0;
    for row in 0..len as u64 {
        nulls += usize::from(values.is_null(row, 0)?);
    }
    let first = if order.first().is_some_and(|k| k.descending) { 0 } else { nulls };
    let count = len - nulls;
    if count == 0 {
        return Ok(Value::Null);
    }
    let discrete = id == WindowId::PercentileDisc;
    let at = share * (count - 1) as f64;
    let (low, high) = match discrete {
        true => {
            let i = ((share * count as f64).ceil() as usize).clamp(1, count) - 1;
            (i, i)
        }
        false => (at.floor() as usize, at.ceil() as usize),
    };
    let pair = [values.value((first + low) as u64, 0)?, values.value((first + high) as u64, 0)?];
    // Of two values the share between them is what is left of the place in the whole list.
    percentile(&pair, if discrete { 0.0 } else { at - low as f64 }, discrete)
}
