//! Nested loops: for each left row the right side, opened anew with the row's bindings, or kept in memory when there are none.
//!
//! Invariants
//! 1. With bindings the right side is opened once per left row, in left order; right and full joins come only without bindings.
//! 2. Semi and anti joins stop reading the right side at the first match.
//! 3. A right side without bindings is kept once, in memory or in a file, and read for every left row. Pairs come out as they are
//!    made: no more of them are in memory than [`PAIR_ROWS`] and, where left rows are wide, than fit into [`PAIR_BYTES`].

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::{Binding, Expr};
use holdfast_plan::physical::{JoinKind, PhysicalPlan};
use holdfast_types::batch::NO_ROW;
use holdfast_types::{Batch, Column, ColumnData, SqlResult, SqlType};

use super::spool::{RowStore, Rows, RowsReader};
use super::{Source, open, types_of};
use crate::context::ExecContext;
use crate::expression::vector::{TRUE, Vector};
use crate::expression::{evaluate, evaluate_predicate};

/// Pairs compared at once.
const PAIR_ROWS: usize = 8192;
/// Bytes of left rows in pairs compared at once, if one pair does not take more.
const PAIR_BYTES: usize = 32 << 20;
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
            enough: if ctx.place.is_some() { 1 } else { OUTPUT_ROWS },
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
        open: None,
        tail: None,
        done: false,
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
    /// Rows that the next batch waits for: at a cursor's place only the first one may be wanted.
    enough: usize,
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
            if rows >= self.enough {
                break;
            }
        }
        self.enough = (self.enough * 2).min(OUTPUT_ROWS);
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

/// Rows of the right side, for every left row again.
struct Right {
    rows: Rows,
    /// All of them, when they are few: then several left rows are compared at once.
    few: Option<Batch>,
}

/// A left batch that is being joined.
struct Open {
    left: Batch,
    /// Rows that are done.
    at: usize,
    /// Rows that found a partner.
    has: Vec<bool>,
    /// How far row `at` has come in the right side.
    part: Option<Place>,
    /// Right rows that the widest left row may be compared with at once.
    room: usize,
}

/// A place among the rows of the right side.
struct Place {
    reader: RowsReader,
    batch: Batch,
    /// Rows of the batch that are done, and right rows up to them.
    at: usize,
    before: usize,
}

/// At least the bytes of the widest row.
fn widest(batch: &Batch) -> usize {
    let width = |c: &Column| match &c.data {
        ColumnData::Utf16(v) => 2 * v.iter().map(<[u16]>::len).max().unwrap_or(0),
        ColumnData::Bytes(v) => v.iter().map(<[u8]>::len).max().unwrap_or(0),
        ColumnData::Values(_) => c.memory(),
        _ => 16,
    };
    batch.columns.iter().map(|c| width(c)).sum()
}

/// The right side is the same for every row.
struct Loops<'p> {
    kind: JoinKind,
    left: Source<'p>,
    left_plan: &'p PhysicalPlan,
    right: &'p PhysicalPlan,
    predicate: Option<&'p Expr>,
    kept: Option<Right>,
    matched: Vec<bool>,
    open: Option<Open>,
    /// Right rows without a partner, once the left side is at its end.
    tail: Option<(RowsReader, usize)>,
    done: bool,
    ctx: ExecContext,
}

impl Loops<'_> {
    /// Reads the right side.
    fn keep(&mut self) -> SqlResult<()> {
        if self.kept.is_some() {
            return Ok(());
        }
        let types = types_of(self.right);
        let budget = self.ctx.query.budget();
        let mut rows = RowStore::new(&types, budget);
        let mut source = open(self.right, &self.ctx)?;
        while let Some(b) = source.next_batch()? {
            self.ctx.check_cancel()?;
            rows.push(b)?;
        }
        let rows = rows.finish()?;
        self.matched = match self.kind {
            JoinKind::Right | JoinKind::Full => vec![false; rows.len()],
            _ => Vec::new(),
        };
        let few = match rows.in_memory() {
            Some(batches) if rows.len() <= PAIR_ROWS => Some(Batch::concat(&types, batches)?),
            _ => None,
        };
        self.kept = Some(Right { rows, few });
        Ok(())
    }

    fn exists_only(&self) -> bool {
        matches!(self.kind, JoinKind::LeftSemi | JoinKind::LeftAnti)
    }

    fn outer_left(&self) -> bool {
        matches!(self.kind, JoinKind::Left | JoinKind::Full)
    }

    /// Pairs of `rows` left rows from `open.at` on with a right batch, whose first row is row `offset` of the right side.
    fn pairs(
        &mut self,
        open: &mut Open,
        rows: usize,
        right: &Batch,
        offset: usize,
    ) -> SqlResult<(Vec<u32>, Vec<u32>)> {
        let (left, at) = (&open.left, open.at);
        let l: Vec<u32> = (at..at + rows).flat_map(|r| std::iter::repeat_n(r as u32, right.len)).collect();
        let r: Vec<u32> = (0..rows).flat_map(|_| 0..right.len as u32).collect();
        let (l, r) = match self.predicate {
            None => (l, r),
            Some(p) => {
                let pairs = left.take(&l).beside(right.take(&r));
                let t = evaluate_predicate(p, &pairs, &self.ctx)?;
                (0..pairs.len).filter(|&i| t.at(i) == TRUE).map(|i| (l[i], r[i])).unzip()
            }
        };
        l.iter().for_each(|&i| open.has[i as usize] = true);
        if !self.matched.is_empty() {
            r.iter().for_each(|&i| self.matched[offset + i as usize] = true);
        }
        Ok((l, r))
    }

    /// Left rows beside NULLs.
    fn without_partner(&self, left: Batch) -> Batch {
        let nulls = types_of(self.right).iter().map(|t| Arc::new(Column::all_null(t, left.len))).collect();
        let len = left.len;
        left.beside(Batch { len, columns: nulls })
    }

    /// The next rows of the join with an open left batch; `None` when it is done.
    fn step(&mut self, open: &mut Open) -> SqlResult<Option<Batch>> {
        self.ctx.check_cancel()?;
        let (exists_only, outer_left) = (self.exists_only(), self.outer_left());
        let n = open.left.len;
        let right = match self.kept.take() {
            Some(r) => r,
            None => return Ok(None),
        };
        let out = match &right.few {
            Some(batch) if batch.len == 0 => {
                open.at = n;
                outer_left.then(|| self.without_partner(open.left.clone()))
            }
            Some(batch) if batch.len <= open.room => {
                let rows = (PAIR_ROWS.min(open.room) / batch.len).max(1).min(n - open.at);
                let (l, r) = self.pairs(open, rows, batch, 0)?;
                // Left rows without a partner keep their place in the order.
                let (l, r) = if outer_left { with_missing(l, r, &open.has, open.at, rows) } else { (l, r) };
                open.at += rows;
                (!exists_only && !l.is_empty()).then(|| {
                    let right_rows = if outer_left { batch.take_or_null(&r) } else { batch.take(&r) };
                    open.left.take(&l).beside(right_rows)
                })
            }
            _ => {
                let start = || Place { reader: right.rows.open(), batch: Batch::default(), at: 0, before: 0 };
                let mut place = open.part.take().unwrap_or_else(start);
                let found = exists_only && open.has[open.at];
                while place.at >= place.batch.len && !found {
                    match place.reader.next_batch()? {
                        Some(batch) => (place.batch, place.at) = (batch, 0),
                        None => break,
                    }
                }
                if place.at < place.batch.len && !found {
                    let len = (place.batch.len - place.at).min(open.room);
                    let batch = match len == place.batch.len {
                        true => place.batch.clone(),
                        false => place.batch.slice(place.at, len),
                    };
                    let (l, r) = self.pairs(open, 1, &batch, place.before)?;
                    place.at += len;
                    place.before += len;
                    open.part = Some(place);
                    (!exists_only && !l.is_empty()).then(|| open.left.take(&l).beside(batch.take(&r)))
                } else {
                    let row = open.at;
                    open.at += 1;
                    (outer_left && !open.has[row])
                        .then(|| self.without_partner(open.left.take(&[row as u32])))
                }
            }
        };
        self.kept = Some(right);
        Ok(Some(out.unwrap_or_default()))
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
        self.keep()?;
        loop {
            if let Some(mut open) = self.open.take() {
                if open.at < open.left.len {
                    let out = self.step(&mut open)?;
                    self.open = Some(open);
                    match out {
                        Some(b) if b.len > 0 => return Ok(Some(b)),
                        _ => continue,
                    }
                }
                if self.exists_only() {
                    let want = self.kind == JoinKind::LeftSemi;
                    let rows: Vec<u32> =
                        (0..open.left.len as u32).filter(|&i| open.has[i as usize] == want).collect();
                    if !rows.is_empty() {
                        return Ok(Some(open.left.take(&rows)));
                    }
                }
            }
            if let Some((rows, at)) = &mut self.tail {
                let Some(b) = rows.next_batch()? else { return Ok(None) };
                let lonely: Vec<u32> =
                    (0..b.len as u32).filter(|&i| !self.matched[*at + i as usize]).collect();
                *at += b.len;
                if lonely.is_empty() {
                    continue;
                }
                let types = types_of(self.left_plan);
                let columns = types.iter().map(|t| Arc::new(Column::all_null(t, lonely.len()))).collect();
                return Ok(Some(Batch { len: lonely.len(), columns }.beside(b.take(&lonely))));
            }
            if self.done {
                return Ok(None);
            }
            match self.left.next_batch()? {
                Some(b) if b.len == 0 => {}
                Some(left) => {
                    let has = vec![false; left.len];
                    let room = (PAIR_BYTES / widest(&left).max(1)).clamp(1, PAIR_ROWS);
                    self.open = Some(Open { left, at: 0, has, part: None, room });
                }
                None => {
                    self.done = true;
                    if !self.matched.is_empty() {
                        self.tail = self.kept.as_ref().map(|right| (right.rows.open(), 0));
                    }
                }
            }
        }
    }
}
