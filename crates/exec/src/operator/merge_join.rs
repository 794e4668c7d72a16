//! Merge join over inputs sorted ascending by their keys.
//!
//! Invariants
//! 1. Rows of one key on both sides form a block; within a block every pair is considered, so many-to-many joins are right.
//! 2. A NULL key matches nothing; such rows are unmatched rows of their side.
//! 3. Output comes in key order.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{JoinKind, PhysicalPlan};
use holdfast_types::batch::{BATCH_ROWS, NO_ROW, VarColumn};
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::sort_key::{KeyPart, encode_rows};
use super::{Source, evaluate_columns, open, types_of};
use crate::context::ExecContext;
use crate::expression::evaluate_predicate;
use crate::expression::vector::TRUE;

pub fn open_join<'p>(
    kind: JoinKind,
    left: &'p PhysicalPlan,
    right: &'p PhysicalPlan,
    left_keys: &'p [Expr],
    right_keys: &'p [Expr],
    residual: Option<&'p Expr>,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    Ok(Box::new(MergeJoin {
        kind,
        left: Side::new(open(left, ctx)?, left_keys, types_of(left), ctx),
        right: Side::new(open(right, ctx)?, right_keys, types_of(right), ctx),
        residual,
        output: VecDeque::new(),
        ctx: ctx.clone(),
    }))
}

/// Rows of one key (several batches' worth if need be).
struct Block {
    key: Vec<u8>,
    null: bool,
    rows: Batch,
}

struct Side<'p> {
    source: Source<'p>,
    keys: &'p [Expr],
    types: Vec<SqlType>,
    /// Current batch, its normalised keys, which rows have a NULL key, next row.
    batch: Option<(Batch, VarColumn<u8>, Vec<bool>, usize)>,
    block: Option<Block>,
    ctx: ExecContext,
}

impl<'p> Side<'p> {
    fn new(source: Source<'p>, keys: &'p [Expr], types: Vec<SqlType>, ctx: &ExecContext) -> Self {
        Side { source, keys, types, batch: None, block: None, ctx: ctx.clone() }
    }

    fn fill(&mut self) -> SqlResult<bool> {
        loop {
            if self.batch.as_ref().is_some_and(|(b, _, _, at)| *at < b.len) {
                return Ok(true);
            }
            let Some(b) = self.source.next_batch()? else {
                self.batch = None;
                return Ok(false);
            };
            self.ctx.check_cancel()?;
            if b.len == 0 {
                continue;
            }
            let columns = evaluate_columns(self.keys, &b, &self.ctx)?;
            let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
            let parts: Vec<KeyPart> =
                self.keys.iter().map(|e| KeyPart { ty: e.ty, descending: false }).collect();
            let keys = encode_rows(&parts, &refs, b.len)?;
            let nulls = (0..b.len).map(|i| refs.iter().any(|c| c.is_null(i))).collect();
            self.batch = Some((b, keys, nulls, 0));
        }
    }

    /// The block at hand, read if need be; `None` at the end.
    fn block(&mut self) -> SqlResult<Option<&Block>> {
        if self.block.is_none() {
            if !self.fill()? {
                return Ok(None);
            }
            let mut pieces = Vec::new();
            let mut key: Vec<u8> = Vec::new();
            let mut null = false;
            while self.fill()? {
                let Some((b, keys, nulls, at)) = &mut self.batch else { break };
                if pieces.is_empty() {
                    key = keys.entry(*at).to_vec();
                    null = nulls[*at];
                }
                let start = *at;
                while *at < b.len && keys.entry(*at) == key {
                    *at += 1;
                }
                if *at == start {
                    break;
                }
                pieces.push(b.slice(start, *at - start));
                if *at < b.len {
                    break;
                }
            }
            self.block = Some(Block { key, null, rows: Batch::concat(&self.types, &pieces)? });
        }
        Ok(self.block.as_ref())
    }
}

struct MergeJoin<'p> {
    kind: JoinKind,
    left: Side<'p>,
    right: Side<'p>,
    residual: Option<&'p Expr>,
    output: VecDeque<Batch>,
    ctx: ExecContext,
}

fn nulls_for(types: &[SqlType], len: usize) -> Batch {
    Batch { len, columns: types.iter().map(|t| Arc::new(Column::all_null(t, len))).collect() }
}

impl MergeJoin<'_> {
    fn left_alone(&mut self, rows: Batch) {
        match self.kind {
            JoinKind::Left | JoinKind::Full => {
                let n = rows.len;
                self.output.push_back(rows.beside(nulls_for(&self.right.types, n)));
            }
            JoinKind::LeftAnti => self.output.push_back(rows),
            _ => {}
        }
    }

    fn right_alone(&mut self, rows: Batch) {
        if matches!(self.kind, JoinKind::Right | JoinKind::Full) {
            self.output.push_back(nulls_for(&self.left.types, rows.len).beside(rows));
        }
    }

    fn matching(&mut self, left: Batch, right: Batch) -> SqlResult<()> {
        let Some(residual) = self.residual else {
            match self.kind {
                JoinKind::LeftSemi => self.output.push_back(left),
                JoinKind::LeftAnti => {}
                _ => self.pairs(&left, &right),
            }
            return Ok(());
        };
        let mut left_has = vec![false; left.len];
        let mut right_has = vec![false; right.len];
        let (mut l, mut r) = (Vec::new(), Vec::new());
        for (i, has) in left_has.iter_mut().enumerate() {
            self.ctx.check_cancel()?;
            let pairs = left.take(&vec![i as u32; right.len]).beside(right.clone());
            let t = evaluate_predicate(residual, &pairs, &self.ctx)?;
            for (k, partner) in right_has.iter_mut().enumerate() {
                if t.at(k) == TRUE {
                    *has = true;
                    *partner = true;
                    l.push(i as u32);
                    r.push(k as u32);
                }
            }
            if !*has && matches!(self.kind, JoinKind::Left | JoinKind::Full) {
                l.push(i as u32);
                r.push(NO_ROW);
            }
        }
        match self.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => {
                let want = self.kind == JoinKind::LeftSemi;
                let rows: Vec<u32> = (0..left.len as u32).filter(|&i| left_has[i as usize] == want).collect();
                self.output.push_back(left.take(&rows));
            }
            _ => {
                self.output.push_back(left.take(&l).beside(right.take_or_null(&r)));
                let alone: Vec<u32> = (0..right.len as u32).filter(|&i| !right_has[i as usize]).collect();
                if !alone.is_empty() {
                    self.right_alone(right.take(&alone));
                }
            }
        }
        Ok(())
    }

    fn pairs(&mut self, left: &Batch, right: &Batch) {
        let step = (BATCH_ROWS * 8 / right.len.max(1)).max(1);
        let mut at = 0;
        while at < left.len {
            let n = step.min(left.len - at);
            let l: Vec<u32> = (at..at + n).flat_map(|i| std::iter::repeat_n(i as u32, right.len)).collect();
            let r: Vec<u32> = (0..n).flat_map(|_| 0..right.len as u32).collect();
            self.output.push_back(left.take(&l).beside(right.take(&r)));
            at += n;
        }
    }
}

impl BatchSource for MergeJoin<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            // Blocks are often single rows: several become one batch.
            let rows: usize = self.output.iter().map(|b| b.len).sum();
            if rows >= BATCH_ROWS {
                return self.flush();
            }
            let order = match (self.left.block()?, self.right.block()?) {
                (None, None) => return self.flush(),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(l), Some(_)) if l.null => Ordering::Less,
                (Some(_), Some(r)) if r.null => Ordering::Greater,
                (Some(l), Some(r)) => l.key.cmp(&r.key),
            };
            let left = if order == Ordering::Greater { None } else { self.left.block.take() };
            let right = if order == Ordering::Less { None } else { self.right.block.take() };
            match (left, right) {
                (Some(l), Some(r)) => self.matching(l.rows, r.rows)?,
                (Some(l), None) => self.left_alone(l.rows),
                (None, Some(r)) => self.right_alone(r.rows),
                (None, None) => {}
            }
        }
    }
}

impl MergeJoin<'_> {
    fn flush(&mut self) -> SqlResult<Option<Batch>> {
        let mut batches: Vec<Batch> = self.output.drain(..).filter(|b| b.len > 0).collect();
        if batches.len() <= 1 {
            return Ok(batches.pop());
        }
        let types: Vec<SqlType> = match self.kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => self.left.types.clone(),
            _ => self.left.types.iter().chain(&self.right.types).copied().collect(),
        };
        Batch::concat(&types, &batches).map(Some)
    }
}
