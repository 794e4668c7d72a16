//! Operators of a few lines each: VALUES, projection, startup filter, TOP, OFFSET/FETCH, UNION ALL, the one-row check.

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{PhysicalPlan, PlanColumn, SortKey};
use holdfast_types::batch::ColumnBuilder;
use holdfast_types::{Batch, Column, SqlError, SqlResult, Value};
use std::sync::Arc;

use super::sort_key::{KeyPart, encode_rows};
use super::spool::RowStore;
use super::{Chunks, Source, Stored, evaluate_columns, open, types_of};
use crate::context::ExecContext;
use crate::expression::arithmetic::integer_value;
use crate::expression::vector::TRUE;
use crate::expression::{evaluate_constant, evaluate_predicate};

/// Literal rows.
pub struct Values<'p> {
    rows: &'p [Vec<Expr>],
    columns: &'p [PlanColumn],
    ctx: ExecContext,
    done: bool,
}

impl<'p> Values<'p> {
    pub fn new(rows: &'p [Vec<Expr>], columns: &'p [PlanColumn], ctx: &ExecContext) -> Self {
        Values { rows, columns, ctx: ctx.clone(), done: false }
    }
}

impl BatchSource for Values<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.done || self.rows.is_empty() {
            return Ok(None);
        }
        self.done = true;
        let mut builders: Vec<ColumnBuilder> =
            self.columns.iter().map(|c| ColumnBuilder::new(c.ty, self.rows.len())).collect();
        for row in self.rows {
            for (b, e) in builders.iter_mut().zip(row) {
                b.push(&evaluate_constant(e, &self.ctx)?)?;
            }
        }
        let columns = builders.into_iter().map(|b| Arc::new(b.finish())).collect();
        Ok(Some(Batch { len: self.rows.len(), columns }))
    }
}

pub struct Project<'p> {
    input: Source<'p>,
    exprs: &'p [Expr],
    ctx: ExecContext,
}

impl<'p> Project<'p> {
    pub fn new(input: Source<'p>, exprs: &'p [Expr], ctx: &ExecContext) -> Self {
        Project { input, exprs, ctx: ctx.clone() }
    }
}

impl BatchSource for Project<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let Some(b) = self.input.next_batch()? else { return Ok(None) };
        let columns = evaluate_columns(self.exprs, &b, &self.ctx)?;
        Ok(Some(Batch { len: b.len, columns }))
    }
}

pub fn open_startup_filter<'p>(
    input: &'p PhysicalPlan,
    predicate: &'p Expr,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    if evaluate_predicate(predicate, &Batch::one_row(), ctx)?.at(0) == TRUE {
        open(input, ctx)
    } else {
        Ok(Box::new(Stored::new(Arc::new(Vec::new()))))
    }
}

/// UNION ALL: an input is opened when the one before it has ended.
pub struct Concat<'p> {
    inputs: std::slice::Iter<'p, PhysicalPlan>,
    current: Option<Source<'p>>,
    ctx: ExecContext,
}

impl<'p> Concat<'p> {
    pub fn new(inputs: &'p [PhysicalPlan], ctx: &ExecContext) -> Self {
        Concat { inputs: inputs.iter(), current: None, ctx: ctx.clone() }
    }
}

impl BatchSource for Concat<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(s) = &mut self.current
                && let Some(b) = s.next_batch()?
            {
                return Ok(Some(b));
            }
            let Some(next) = self.inputs.next() else { return Ok(None) };
            self.current = Some(open(next, &self.ctx)?);
        }
    }
}

/// Skips `skip` rows, then passes `limit`.
struct Limit<'p> {
    input: Source<'p>,
    skip: u64,
    limit: u64,
}

impl BatchSource for Limit<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        while self.limit > 0 {
            let Some(b) = self.input.next_batch()? else { return Ok(None) };
            if b.len as u64 <= self.skip {
                self.skip -= b.len as u64;
                continue;
            }
            let start = self.skip as usize;
            self.skip = 0;
            let n = ((b.len - start) as u64).min(self.limit);
            self.limit -= n;
            return Ok(Some(b.slice(start, n as usize)));
        }
        Ok(None)
    }
}

/// TOP … WITH TIES: the input is ordered by the keys.
struct Ties<'p> {
    input: Source<'p>,
    limit: u64,
    keys: &'p [SortKey],
    last: Option<Vec<u8>>,
    done: bool,
    ctx: ExecContext,
}

impl BatchSource for Ties<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.done {
            return Ok(None);
        }
        let Some(b) = self.input.next_batch()? else { return Ok(None) };
        if self.limit >= b.len as u64 && self.last.is_none() && self.limit > b.len as u64 {
            self.limit -= b.len as u64;
            return Ok(Some(b));
        }
        let parts: Vec<KeyPart> =
            self.keys.iter().map(|k| KeyPart { ty: k.expr.ty, descending: k.descending }).collect();
        let columns: Vec<Arc<Column>> = self
            .keys
            .iter()
            .map(|k| crate::expression::evaluate(&k.expr, &b, &self.ctx)?.into_column(&k.expr.ty, b.len))
            .collect::<SqlResult<_>>()?;
        let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
        let keys = encode_rows(&parts, &refs, b.len)?;
        let mut n = 0;
        if self.last.is_none() {
            n = (self.limit as usize).min(b.len);
            if n == 0 {
                self.done = true;
                return Ok(None);
            }
            self.limit -= n as u64;
            self.last = Some(keys.entry(n - 1).to_vec());
        }
        while n < b.len && Some(keys.entry(n)) == self.last.as_deref() {
            n += 1;
        }
        self.done = n < b.len;
        Ok(Some(b.slice(0, n)))
    }
}

/// A row count of TOP, OFFSET or FETCH.
fn row_count(e: &Expr, ctx: &ExecContext, error: i32) -> SqlResult<u64> {
    let v = evaluate_constant(e, ctx)?;
    match integer_value(&v) {
        Some(n) => u64::try_from(n).map_err(|_| SqlError::new(error, &[])),
        None => Err(SqlError::new(if error == 127 { 1060 } else { error }, &[])),
    }
}

pub fn open_top<'p>(
    input: &'p PhysicalPlan,
    count: &'p Expr,
    percent: bool,
    ties: Option<&'p [SortKey]>,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let (source, limit): (Source<'p>, u64) = if percent {
        let share = match evaluate_constant(count, ctx)? {
            Value::Float(f) if (0.0..=100.0).contains(&f) => f,
            Value::Null => return Err(SqlError::new(1060, &[])),
            _ => return Err(SqlError::new(1031, &[])),
        };
        let mut store = RowStore::new(&types_of(input), ctx.query.budget());
        let mut source = open(input, ctx)?;
        while let Some(batch) = source.next_batch()? {
            ctx.check_cancel()?;
            store.push(batch)?;
        }
        let rows = store.finish()?;
        let n = (rows.len() as f64 * share / 100.0).ceil() as u64;
        (Box::new(rows.open()), n)
    } else {
        let n = row_count(count, ctx, 127)?;
        if n == 0 {
            return Ok(Box::new(Stored::new(Arc::new(Vec::new()))));
        }
        (open(input, ctx)?, n)
    };
    Ok(match ties {
        None => Box::new(Limit { input: source, skip: 0, limit }),
        Some(keys) => {
            Box::new(Ties { input: source, limit, keys, last: None, done: false, ctx: ctx.clone() })
        }
    })
}

pub fn open_offset<'p>(
    input: &'p PhysicalPlan,
    offset: &'p Expr,
    fetch: Option<&'p Expr>,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let skip = row_count(offset, ctx, 10742)?;
    let limit = match fetch {
        None => u64::MAX,
        Some(f) => match row_count(f, ctx, 10744)? {
            0 => return Err(SqlError::new(10744, &[])),
            n => n,
        },
    };
    Ok(Box::new(Limit { input: open(input, ctx)?, skip, limit }))
}

pub fn open_max_one_row<'p>(input: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    let mut source = open(input, ctx)?;
    let mut found: Option<Batch> = None;
    while let Some(b) = source.next_batch()? {
        if b.len + usize::from(found.is_some()) > 1 {
            return Err(SqlError::new(512, &[]));
        }
        if b.len == 1 {
            found = Some(b);
        }
    }
    let batch = match found {
        Some(b) => b,
        None => Batch {
            len: 1,
            columns: types_of(input).iter().map(|t| Arc::new(Column::all_null(t, 1))).collect(),
        },
    };
    Ok(Box::new(Chunks::new(batch)))
}
