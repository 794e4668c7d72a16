//! Nested loops: for each left row the right side, opened anew with the row's bindings, or kept in memory when there are none.
//!
//! Invariants
//! 1. With bindings the right side is opened once per left row, in left order; right and full joins come only without bindings.
//! 2. Semi and anti joins stop reading the right side at the first match.

use std::collections::VecDeque;
use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::{Binding, Expr};
use holdfast_plan::physical::{JoinKind, PhysicalPlan};
use holdfast_types::batch::NO_ROW;
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::spill::Grant;
use super::{Source, drain, open, types_of};
use crate::context::ExecContext;
use crate::expression::vector::{TRUE, Vector};
use crate::expression::{evaluate, evaluate_predicate};

/// Pairs compared at once.
const PAIR_ROWS: usize = 8192;
/// Rows collected from applied right sides before they are put out.
const OUTPUT_ROWS: usize = 1024;

pub fn open_join<'p>(
    kind: JoinKind,
    left: &'p PhysicalPlan,
    right: &'p PhysicalPlan,
    bindings: &'p [Binding],
    predicate: Option<&'p Expr>,
    ctx: &ExecContext,
) -> SqlResult<Source<'p>> {
    let source = open(left, ctx)?;
    if !bindings.is_empty() {
        return Ok(Box::new(Apply {
            kind,
            left: source,
            right,
            right_types: types_of(right),
            bindings,
            predicate,
            current: None,
            ctx: ctx.clone(),
        }));
    }
    Ok(Box::new(Loops {
        kind,
        left: source,
        left_plan: left,
        right,
        predicate,
        kept: None,
        matched: Vec::new(),
        output: VecDeque::new(),
        done: false,
        _grant: Grant::new(ctx.query.budget()),
        ctx: ctx.clone(),
    }))
}

/// One left row repeated beside right rows.
fn beside(left: &Batch, row: usize, right: &Batch) -> Batch {
    left.take(&vec![row as u32; right.len]).beside(right.clone())
}

fn null_row(types: &[SqlType]) -> Batch {
    Batch { len: 1, columns: types.iter().map(|t| Arc::new(Column::all_null(t, 1))).collect() }
}

/// The right side depends on the left row.
struct Apply<'p> {
    kind: JoinKind,
    left: Source<'p>,
    right: &'p PhysicalPlan,
    right_types: Vec<SqlType>,
    bindings: &'p [Binding],
    predicate: Option<&'p Expr>,
    /// Left batch, values of the bindings over it, next row.
    current: Option<(Batch, Vec<Vector>, usize)>,
    ctx: ExecContext,
}

impl Apply<'_> {
    /// Rows of the join for one left row.
    fn row(&self, left: &Batch, values: &[Vector], row: usize, out: &mut Vec<Batch>) -> SqlResult<()> {
        let bound =
            self.bindings.iter().zip(values).map(|(b, v)| (b.slot, v.value(row, &b.value.ty))).collect();
        let ctx = self.ctx.bind(bound);
        let mut right = open(self.right, &ctx)?;
        let mut found = false;
        while let Some(b) = right.next_batch()? {
            if b.len == 0 {
                continue;
            }
            let exists_only = matches!(self.kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
            if exists_only && self.predicate.is_none() {
                found = true;
                break;
            }
            let pairs = beside(left, row, &b);
            let pairs = match self.predicate {
                None => pairs,
                Some(p) => super::scan::filter(pairs, p, &None, &self.ctx)?,
            };
            if pairs.len > 0 {
                found = true;
                if exists_only {
                    break;
                }
                out.push(pairs);
            }
        }
        match self.kind {
            JoinKind::LeftSemi if found => out.push(left.take(&[row as u32])),
            JoinKind::LeftAnti if !found => out.push(left.take(&[row as u32])),
            JoinKind::Left | JoinKind::Full if !found => {
                out.push(left.take(&[row as u32]).beside(null_row(&self.right_types)));
            }
            _ => {}
        }
        Ok(())
    }
}

impl BatchSource for Apply<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let mut out: Vec<Batch> = Vec::new();
        let mut rows = 0;
        loop {
            let (batch, values, row) = match self.current.take() {
                Some(c) => c,
                None => match self.left.next_batch()? {
                    None => break,
                    Some(b) if b.len == 0 => continue,
                    Some(b) => {
                        let values = self
                            .bindings
                            .iter()
                            .map(|x| evaluate(&x.value, &b, &self.ctx))
                            .collect::<SqlResult<Vec<_>>>()?;
                        (b, values, 0)
                    }
                },
            };
            self.ctx.check_cancel()?;
            let before = out.len();
            self.row(&batch, &values, row, &mut out)?;
            rows += out[before..].iter().map(|b| b.len).sum::<usize>();
            if row + 1 < batch.len {
                self.current = Some((batch, values, row + 1));
            }
            if rows >= OUTPUT_ROWS {
                break;
            }
        }
        if out.is_empty() {
            return Ok(None);
        }
        if out.len() == 1 {
            return Ok(out.pop());
        }
        let width = out[0].columns.len();
        let mut columns = Vec::with_capacity(width);
        for c in 0..width {
            let mut all = out[0].columns[c].as_ref().clone();
            for b in &out[1..] {
                all.append(&b.columns[c])?;
            }
            columns.push(Arc::new(all));
        }
        Ok(Some(Batch { len: rows, columns }))
    }
}

/// The right side is the same for every row.
struct Loops<'p> {
    kind: JoinKind,
    left: Source<'p>,
    left_plan: &'p PhysicalPlan,
    right: &'p PhysicalPlan,
    predicate: Option<&'p Expr>,
    kept: Option<Batch>,
    matched: Vec<bool>,
    output: VecDeque<Batch>,
    done: bool,
    _grant: Grant,
    ctx: ExecContext,
}

impl Loops<'_> {
    fn join(&mut self, left: &Batch, right: &Batch) -> SqlResult<()> {
        let mut has = vec![false; left.len];
        let exists_only = matches!(self.kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let outer_left = matches!(self.kind, JoinKind::Left | JoinKind::Full);
        let outer_right = matches!(self.kind, JoinKind::Right | JoinKind::Full);
        let step = (PAIR_ROWS / right.len.max(1)).max(1);
        let mut at = 0;
        while at < left.len && right.len > 0 {
            self.ctx.check_cancel()?;
            let rows = step.min(left.len - at);
            let l: Vec<u32> =
                (at..at + rows).flat_map(|r| std::iter::repeat_n(r as u32, right.len)).collect();
            let r: Vec<u32> = (0..rows).flat_map(|_| 0..right.len as u32).collect();
            let kept: Option<Vec<u32>> = match self.predicate {
                None => None,
                Some(p) => {
                    let pairs = left.take(&l).beside(right.take(&r));
                    let t = evaluate_predicate(p, &pairs, &self.ctx)?;
                    Some((0..pairs.len as u32).filter(|&i| t.at(i as usize) == TRUE).collect())
                }
            };
            let (l, r): (Vec<u32>, Vec<u32>) = match kept {
                None => (l, r),
                Some(k) => {
                    (k.iter().map(|&i| l[i as usize]).collect(), k.iter().map(|&i| r[i as usize]).collect())
                }
            };
            l.iter().for_each(|&i| has[i as usize] = true);
            if outer_right {
                r.iter().for_each(|&i| self.matched[i as usize] = true);
            }
            if !exists_only {
                // Left rows without a partner keep their place in the order.
                let (l, r) = if outer_left { with_missing(l, r, &has, at, rows) } else { (l, r) };
                if !l.is_empty() {
                    let right_rows = if outer_left { right.take_or_null(&r) } else { right.take(&r) };
                    self.output.push_back(left.take(&l).beside(right_rows));
                }
            }
            at += rows;
        }
        if exists_only {
            let want = self.kind == JoinKind::LeftSemi;
            let rows: Vec<u32> = (0..left.len as u32).filter(|&i| has[i as usize] == want).collect();
            if !rows.is_empty() {
                self.output.push_back(left.take(&rows));
            }
        } else if right.len == 0 && outer_left {
            let nulls = Batch {
                len: left.len,
                columns: types_of(self.right)
                    .iter()
                    .map(|t| Arc::new(Column::all_null(t, left.len)))
                    .collect(),
            };
            self.output.push_back(left.clone().beside(nulls));
        }
        Ok(())
    }
}

/// Adds (row, no row) for the rows of `at..at + rows` that have no pair.
fn with_missing(l: Vec<u32>, r: Vec<u32>, has: &[bool], at: usize, rows: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut left, mut right) = (Vec::with_capacity(l.len()), Vec::with_capacity(r.len()));
    let mut pairs = l.into_iter().zip(r).peekable();
    for (row, &found) in has.iter().enumerate().skip(at).take(rows) {
        if !found {
            left.push(row as u32);
            right.push(NO_ROW);
        }
        while let Some(&(x, y)) = pairs.peek() {
            if x as usize != row {
                break;
            }
            left.push(x);
            right.push(y);
            pairs.next();
        }
    }
    (left, right)
}

impl BatchSource for Loops<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(b) = self.output.pop_front() {
                return Ok(Some(b));
            }
            if self.done {
                return Ok(None);
            }
            let right = match &self.kept {
                Some(r) => r.clone(),
                None => {
                    let batches = drain(open(self.right, &self.ctx)?.as_mut())?;
                    let r = Batch::concat(&types_of(self.right), &batches)?;
                    self.matched = vec![false; r.len];
                    self.kept = Some(r.clone());
                    r
                }
            };
            match self.left.next_batch()? {
                Some(b) if b.len == 0 => {}
                Some(b) => self.join(&b, &right)?,
                None => {
                    self.done = true;
                    if matches!(self.kind, JoinKind::Right | JoinKind::Full) {
                        let rows: Vec<u32> =
                            (0..right.len as u32).filter(|&i| !self.matched[i as usize]).collect();
                        if !rows.is_empty() {
                            let left = Batch {
                                len: rows.len(),
                                columns: types_of(self.left_plan)
                                    .iter()
                                    .map(|t| Arc::new(Column::all_null(t, rows.len())))
                                    .collect(),
                            };
                            self.output.push_back(left.beside(right.take(&rows)));
                        }
                    }
                }
            }
        }
    }
}
