//! ROW_NUMBER, RANK and DENSE_RANK over input sorted by partition then order, batch by batch.
//!
//! Invariants
//! 1. Nothing is kept but the last row's keys and numbers: a row goes out with the batch it came in, so that TOP above numbers
//!    only the rows it takes (`ROW_NUMBER() OVER (ORDER BY (SELECT NULL))` over a cross join of four thousand million rows).

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::function::WindowId;
use holdfast_plan::physical::{PhysicalPlan, SortKey, WindowFunction, WindowFunctionKind};
use holdfast_types::{Batch, Column, ColumnData, SqlResult, TypeId};

use super::sort_key::{KeyPart, encode_rows};
use super::{Source, evaluate_columns, open};
use crate::context::ExecContext;
use crate::expression::arithmetic::overflow;

/// Whether the functions need no more than the rows before.
pub fn streams(functions: &[WindowFunction]) -> bool {
    functions.iter().all(|f| {
        matches!(
            f.function,
            WindowFunctionKind::Ranking(WindowId::RowNumber | WindowId::Rank | WindowId::DenseRank)
        )
    })
}

pub struct Ranking<'p> {
    input: Source<'p>,
    partition: Vec<Expr>,
    order: Vec<Expr>,
    functions: &'p [WindowFunction],
    ctx: ExecContext,
    /// Encoded keys of the last row; `None` before the first.
    last: Option<(Vec<u8>, Vec<u8>)>,
    row: i64,
    rank: i64,
    dense: i64,
}

impl<'p> Ranking<'p> {
    pub fn new(
        input: &'p PhysicalPlan,
        partition: &[Expr],
        order: &[SortKey],
        functions: &'p [WindowFunction],
        ctx: &ExecContext,
    ) -> SqlResult<Self> {
        Ok(Ranking {
            input: open(input, ctx)?,
            partition: partition.to_vec(),
            order: order.iter().map(|k| k.expr.clone()).collect(),
            functions,
            ctx: ctx.clone(),
            last: None,
            row: 0,
            rank: 0,
            dense: 0,
        })
    }

    /// The keys of every row as bytes; `None` when there are no key expressions.
    fn keys(&self, exprs: &[Expr], batch: &Batch) -> SqlResult<Option<holdfast_types::batch::VarColumn<u8>>> {
        if exprs.is_empty() {
            return Ok(None);
        }
        let columns = evaluate_columns(exprs, batch, &self.ctx)?;
        let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
        let parts: Vec<KeyPart> = exprs.iter().map(|e| KeyPart { ty: e.ty, descending: false }).collect();
        Ok(Some(encode_rows(&parts, &refs, batch.len)?))
    }

    fn number(&mut self, batch: Batch) -> SqlResult<Batch> {
        let partitions = self.keys(&self.partition, &batch)?;
        let orders = self.keys(&self.order, &batch)?;
        let n = batch.len;
        let mut numbers: Vec<Vec<i64>> = vec![Vec::with_capacity(n); self.functions.len()];
        for i in 0..n {
            let partition = partitions.as_ref().map_or(&[][..], |k| k.entry(i));
            let order = orders.as_ref().map_or(&[][..], |k| k.entry(i));
            let (same_partition, same_order) = match (&self.last, i) {
                (None, 0) => (false, false),
                (Some((p, o)), 0) => (p == partition, o == order),
                _ => (
                    partitions.as_ref().is_none_or(|k| k.entry(i - 1) == partition),
                    orders.as_ref().is_none_or(|k| k.entry(i - 1) == order),
                ),
            };
            if !same_partition {
                (self.row, self.rank, self.dense) = (1, 1, 1);
            } else {
                self.row += 1;
                if !same_order {
                    self.rank = self.row;
                    self.dense += 1;
                }
            }
            for (f, out) in self.functions.iter().zip(&mut numbers) {
                out.push(match f.function {
                    WindowFunctionKind::Ranking(WindowId::Rank) => self.rank,
                    WindowFunctionKind::Ranking(WindowId::DenseRank) => self.dense,
                    _ => self.row,
                });
            }
        }
        let entry = |k: &Option<holdfast_types::batch::VarColumn<u8>>| {
            k.as_ref().map_or_else(Vec::new, |k| k.entry(n - 1).to_vec())
        };
        self.last = Some((entry(&partitions), entry(&orders)));
        let mut out = batch;
        for (f, numbers) in self.functions.iter().zip(numbers) {
            let data = match f.ty.id {
                TypeId::BigInt => ColumnData::I64(numbers),
                _ => ColumnData::I32(
                    numbers
                        .into_iter()
                        .map(|v| i32::try_from(v).map_err(|_| overflow(&f.ty)))
                        .collect::<SqlResult<_>>()?,
                ),
            };
            out.columns.push(Arc::new(Column::new(data)));
        }
        Ok(out)
    }
}

impl BatchSource for Ranking<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            match self.input.next_batch()? {
                None => return Ok(None),
                Some(b) if b.len == 0 => {}
                Some(b) => {
                    self.ctx.check_cancel()?;
                    return self.number(b).map(Some);
                }
            }
        }
    }
}
