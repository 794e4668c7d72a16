//! Sorting: in memory by normalised keys, with spilled runs and a merge when memory ends, and the best-n form for TOP.
//!
//! Invariants
//! 1. Equal keys keep the order of the input (the sort is stable also across runs).
//! 2. Best-n keeps at most about twice n rows.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{PhysicalPlan, SortKey};
use holdfast_types::batch::{BATCH_ROWS, VarColumn};
use holdfast_types::{Batch, Column, ColumnData, SqlResult, SqlType, TypeId};

use super::sort_key::{KeyPart, encode_rows, sort_rows};
use super::spill::{Grant, SpillReader, SpillWriter};
use super::{Source, Stored, open, types_of};
use crate::context::ExecContext;
use crate::expression::arithmetic::integer_value;
use crate::expression::{evaluate, evaluate_constant};

/// Normalised keys of a batch.
pub fn keys_of(keys: &[SortKey], batch: &Batch, ctx: &ExecContext) -> SqlResult<VarColumn<u8>> {
    let parts: Vec<KeyPart> =
        keys.iter().map(|k| KeyPart { ty: k.expr.ty, descending: k.descending }).collect();
    let columns: Vec<Arc<Column>> = keys
        .iter()
        .map(|k| evaluate(&k.expr, batch, ctx)?.into_column(&k.expr.ty, batch.len))
        .collect::<SqlResult<_>>()?;
    let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
    encode_rows(&parts, &refs, batch.len)
}

pub fn open_sort<'p>(
    input: &'p PhysicalPlan,
    keys: &'p [SortKey],
    top: Option<&'p Expr>,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let limit = match top {
        Some(e) => integer_value(&evaluate_constant(e, ctx)?).and_then(|n| usize::try_from(n).ok()),
        None => None,
    };
    if limit == Some(0) {
        return Ok(Box::new(Stored::new(Arc::new(Vec::new()))));
    }
    Ok(Box::new(Sort { input, keys, limit, output: None, ctx: ctx.clone() }))
}

struct Sort<'p> {
    input: &'p PhysicalPlan,
    keys: &'p [SortKey],
    limit: Option<usize>,
    output: Option<Source<'p>>,
    ctx: ExecContext,
}

impl BatchSource for Sort<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.output.is_none() {
            self.output = Some(match self.limit {
                Some(n) => self.best(n)?,
                None => self.sort_all()?,
            });
        }
        match &mut self.output {
            Some(o) => o.next_batch(),
            None => Ok(None),
        }
    }
}

impl<'p> Sort<'p> {
    /// Best n: rows beyond the n-th so far are dropped whenever twice as many have come together.
    fn best(&self, n: usize) -> SqlResult<Source<'p>> {
        let types = types_of(self.input);
        let mut source = open(self.input, &self.ctx)?;
        let mut kept: Vec<Batch> = Vec::new();
        let mut rows = 0;
        let mut bound: Option<Vec<u8>> = None;
        let threshold = n.saturating_mul(2).max(BATCH_ROWS * 4);
        while let Some(b) = source.next_batch()? {
            self.ctx.check_cancel()?;
            if b.len == 0 {
                continue;
            }
            let b = match &bound {
                None => b,
                Some(limit) => {
                    let keys = keys_of(self.keys, &b, &self.ctx)?;
                    let good: Vec<u32> =
                        (0..b.len as u32).filter(|&i| keys.entry(i as usize) < &limit[..]).collect();
                    if good.is_empty() {
                        continue;
                    }
                    b.take(&good)
                }
            };
            rows += b.len;
            kept.push(b);
            if rows >= threshold {
                let (batch, last) = self.cut(&types, &kept, n)?;
                rows = batch.len;
                bound = last;
                kept = vec![batch];
            }
        }
        let (batch, _) = self.cut(&types, &kept, n)?;
        Ok(Box::new(super::Chunks::new(batch)))
    }

    /// The first n rows in order, and the key of the n-th if there are so many.
    fn cut(&self, types: &[SqlType], kept: &[Batch], n: usize) -> SqlResult<(Batch, Option<Vec<u8>>)> {
        let whole = Batch::concat(types, kept)?;
        let keys = keys_of(self.keys, &whole, &self.ctx)?;
        let mut order = sort_rows(&keys);
        order.truncate(n);
        let last =
            if order.len() == n { order.last().map(|&r| keys.entry(r as usize).to_vec()) } else { None };
        Ok((whole.take(&order), last))
    }

    fn sort_all(&self) -> SqlResult<Source<'p>> {
        let types = types_of(self.input);
        let mut source = open(self.input, &self.ctx)?;
        let mut grant = Grant::new(self.ctx.query.budget());
        let mut batches = Vec::new();
        let mut bytes = 0;
        let mut runs: Vec<SpillReader> = Vec::new();
        while let Some(b) = source.next_batch()? {
            self.ctx.check_cancel()?;
            if b.len == 0 {
                continue;
            }
            // The rows, their keys and the copy that sorting makes.
            let more = b.memory() * 2 + b.len * 32;
            if !grant.resize(bytes + more) && !batches.is_empty() {
                runs.push(self.write_run(&types, &batches)?);
                batches.clear();
                bytes = 0;
                grant.resize(0);
            }
            bytes += more;
            grant.resize(bytes);
            batches.push(b);
        }
        if runs.is_empty() {
            return Ok(Box::new(InMemory { batches: self.sorted(&types, &batches)?, _grant: grant }));
        }
        if !batches.is_empty() {
            runs.push(self.write_run(&types, &batches)?);
        }
        drop(grant);
        Ok(Box::new(Merge::new(runs, types)?))
    }

    fn sorted(&self, types: &[SqlType], batches: &[Batch]) -> SqlResult<Sorted> {
        let whole = Batch::concat(types, batches)?;
        let order = sort_rows(&keys_of(self.keys, &whole, &self.ctx)?);
        Ok(Sorted { whole, order, at: 0 })
    }

    /// A sorted run: rows with their key as a last column.
    fn write_run(&self, types: &[SqlType], batches: &[Batch]) -> SqlResult<SpillReader> {
        let whole = Batch::concat(types, batches)?;
        let keys = keys_of(self.keys, &whole, &self.ctx)?;
        let order = sort_rows(&keys);
        let mut with_key = whole;
        with_key.columns.push(Arc::new(Column::new(ColumnData::Bytes(keys))));
        let mut all = types.to_vec();
        all.push(SqlType::binary(TypeId::VarBinary, -1));
        let mut out = SpillWriter::new(self.ctx.query.budget(), Arc::from(all))?;
        for rows in order.chunks(BATCH_ROWS) {
            out.write(&with_key.take(rows))?;
        }
        out.finish()
    }
}

/// Rows in sorted order, gathered a piece at a time.
struct Sorted {
    whole: Batch,
    order: Vec<u32>,
    at: usize,
}

struct InMemory {
    batches: Sorted,
    _grant: Grant,
}

impl BatchSource for InMemory {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let s = &mut self.batches;
        if s.at >= s.order.len() {
            return Ok(None);
        }
        let n = (s.order.len() - s.at).min(BATCH_ROWS * 4);
        let rows = &s.order[s.at..s.at + n];
        s.at += n;
        Ok(Some(s.whole.take(rows)))
    }
}

/// One run in a merge.
struct Run {
    reader: SpillReader,
    batch: Option<Batch>,
    row: usize,
}

impl Run {
    fn key(&self) -> Option<&[u8]> {
        let b = self.batch.as_ref()?;
        match &b.columns.last()?.data {
            ColumnData::Bytes(k) => Some(k.entry(self.row)),
            _ => None,
        }
    }

    fn advance(&mut self) -> SqlResult<()> {
        self.row += 1;
        if self.batch.as_ref().is_none_or(|b| self.row >= b.len) {
            self.batch = self.reader.next_batch()?;
            self.row = 0;
        }
        Ok(())
    }
}

/// Merges sorted runs; of equal keys the earlier run's come first.
struct Merge {
    runs: Vec<Run>,
    types: Vec<SqlType>,
}

impl Merge {
    fn new(readers: Vec<SpillReader>, types: Vec<SqlType>) -> SqlResult<Self> {
        let mut runs = Vec::with_capacity(readers.len());
        for mut reader in readers {
            let batch = reader.next_batch()?;
            runs.push(Run { reader, batch, row: 0 });
        }
        Ok(Merge { runs, types })
    }
}

impl BatchSource for Merge {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut columns: Vec<Column> = self.types.iter().map(Column::empty).collect();
        let mut len = 0;
        while len < BATCH_ROWS {
            let mut best: Option<usize> = None;
            for (i, r) in self.runs.iter().enumerate() {
                if let Some(k) = r.key()
                    && best.and_then(|b| self.runs[b].key()).is_none_or(|b| k < b)
                {
                    best = Some(i);
                }
            }
            let Some(i) = best else { break };
            let run = &mut self.runs[i];
            if let Some(b) = &run.batch {
                for (own, c) in columns.iter_mut().zip(&b.columns) {
                    own.append_take(c, &[run.row as u32])?;
                }
            }
            len += 1;
            run.advance()?;
        }
        if len == 0 {
            return Ok(None);
        }
        Ok(Some(Batch { len, columns: columns.into_iter().map(Arc::new).collect() }))
    }
}
