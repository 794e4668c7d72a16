//! Hash join: the right side is built, the left side probes.
//!
//! Invariants
//! 1. Output columns: left, then right; semi and anti joins only left. Unmatched rows of outer joins have NULLs on the other side.
//! 2. A NULL key matches nothing unless `null_equal` says so for that key.
//! 3. When the build side does not fit, both sides go to spill files by hash of their keys and are joined pair by pair, each pair again
//!    by this operator (a pair that cannot be split further takes the memory it needs).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{JoinKind, PhysicalOp, PhysicalPlan};
use holdfast_types::batch::{BATCH_ROWS, NO_ROW};
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType};

use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::partition::Partitions;
use super::scan::Keep;
use super::sort_key::{KeyPart, encode_rows};
use super::spill::{Grant, SpillReader};
use super::{Source, Stored, evaluate_columns, open, parallel, types_of};
use crate::context::ExecContext;
use crate::expression::evaluate_predicate;
use crate::expression::vector::TRUE;

/// Levels of spilling.
const MAX_LEVEL: u32 = 3;

/// What the join is, borrowed from the plan.
#[derive(Clone, Copy)]
struct Spec<'p> {
    kind: JoinKind,
    left_keys: &'p [Expr],
    right_keys: &'p [Expr],
    null_equal: &'p [bool],
    residual: Option<&'p Expr>,
    left: &'p PhysicalPlan,
    right: &'p PhysicalPlan,
}

fn spec(plan: &PhysicalPlan) -> SqlResult<Spec<'_>> {
    match &plan.op {
        PhysicalOp::HashJoin { kind, left, right, left_keys, right_keys, null_equal, residual } => Ok(Spec {
            kind: *kind,
            left_keys,
            right_keys,
            null_equal,
            residual: residual.as_ref(),
            left,
            right,
        }),
        _ => Err(SqlError::with_text(8624, 16, "Internal error: not a hash join.")),
    }
}

/// The build side in memory.
pub struct Built<'p> {
    spec: Spec<'p>,
    rows: Batch,
    table: KeyTable,
    /// Rows of group g: `members[starts[g]..starts[g + 1]]`.
    starts: Vec<u32>,
    members: Vec<u32>,
    /// Every group has one row: `members` maps groups to rows directly.
    unique: bool,
    /// Moreover no row is left out: group numbers are row numbers.
    identical: bool,
    /// For right and full joins: which build rows found a partner.
    matched: Vec<AtomicBool>,
    _grants: Vec<Grant>,
}

/// What building came to.
enum Build<'p> {
    Done(Box<Built<'p>>),
    /// Batches read so far; more may follow in the source.
    TooBig(Vec<Batch>),
}

impl<'p> Built<'p> {
    /// Builds the right side of a join plan with several threads where it is a pipeline; `None` when it does not fit into
    /// memory.
    pub fn build(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Option<Built<'p>>> {
        let spec = spec(plan)?;
        let all: Vec<usize> = (0..spec.right.columns.len()).collect();
        let parts = parallel::open_parts(spec.right, ctx, ctx.query.workers, &all)?;
        let Some(parts) = parts.filter(|p| p.len() > 1) else {
            let mut source = open(spec.right, ctx)?;
            return Ok(match Self::read(spec, source.as_mut(), ctx, false)? {
                Build::Done(b) => Some(*b),
                Build::TooBig(_) => None,
            });
        };
        let read = parallel::run(parts, |mut source| {
            let mut grant = Grant::new(ctx.query.budget());
            let (batches, fits) = Self::collect(source.as_mut(), &mut grant, ctx, false)?;
            Ok((batches, grant, fits))
        })?;
        let (mut batches, mut grants) = (Vec::new(), Vec::new());
        for (part, grant, fits) in read {
            if !fits {
                return Ok(None);
            }
            batches.extend(part);
            grants.push(grant);
        }
        Self::finish(spec, batches, grants, ctx).map(Some)
    }

    /// Batches of the build side, and whether that was all: it is not when memory ended.
    fn collect(
        source: &mut dyn BatchSource,
        grant: &mut Grant,
        ctx: &ExecContext,
        force: bool,
    ) -> SqlResult<(Vec<Batch>, bool)> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        while let Some(b) = source.next_batch()? {
            ctx.check_cancel()?;
            if b.len == 0 {
                continue;
            }
            // Rows, and about 24 bytes per row in the table.
            bytes += b.memory() + b.len * 24;
            batches.push(b);
            if !grant.resize(bytes) && !force {
                return Ok((batches, false));
            }
        }
        Ok((batches, true))
    }

    fn read(
        spec: Spec<'p>,
        source: &mut dyn BatchSource,
        ctx: &ExecContext,
        force: bool,
    ) -> SqlResult<Build<'p>> {
        let mut grant = Grant::new(ctx.query.budget());
        let (batches, fits) = Self::collect(source, &mut grant, ctx, force)?;
        if !fits {
            return Ok(Build::TooBig(batches));
        }
        Self::finish(spec, batches, vec![grant], ctx).map(|b| Build::Done(Box::new(b)))
    }

    fn finish(
        spec: Spec<'p>,
        batches: Vec<Batch>,
        grants: Vec<Grant>,
        ctx: &ExecContext,
    ) -> SqlResult<Built<'p>> {
        let types = types_of(spec.right);
        let rows = Batch::concat(&types, &batches)?;
        drop(batches);
        if rows.len >= NO_ROW as usize {
            return Err(SqlError::new(701, &[&"default"]));
        }
        let key_types: Vec<SqlType> = spec.right_keys.iter().map(|e| e.ty).collect();
        let mut table = KeyTable::new(&key_types);
        let keys = evaluate_columns(spec.right_keys, &rows, ctx)?;
        let refs: Vec<&Column> = keys.iter().map(|c| c.as_ref()).collect();
        let mut numbers = Vec::new();
        table.insert_all(&refs, rows.len, &null_flags(&spec), &mut numbers)?;
        let groups = table.len();
        let (starts, members) = members(&numbers, groups);
        let unique = members.len() == groups;
        let identical = unique && groups == rows.len;
        let matched = if matches!(spec.kind, JoinKind::Right | JoinKind::Full) {
            (0..rows.len).map(|_| AtomicBool::new(false)).collect()
        } else {
            Vec::new()
        };
        Ok(Built { spec, rows, table, starts, members, unique, identical, matched, _grants: grants })
    }

    fn group(&self, g: u32) -> &[u32] {
        if g == NO_GROUP {
            return &[];
        }
        &self.members[self.starts[g as usize] as usize..self.starts[g as usize + 1] as usize]
    }

    /// Build rows that found no partner, with NULLs on the left.
    fn unmatched(&self) -> Batch {
        let rows: Vec<u32> = (0..self.rows.len as u32)
            .filter(|&r| !self.matched[r as usize].load(Ordering::Relaxed))
            .collect();
        let left: Vec<Arc<Column>> =
            self.spec.left.columns.iter().map(|c| Arc::new(Column::all_null(&c.ty, rows.len()))).collect();
        Batch { len: rows.len(), columns: left }.beside(self.rows.take(&rows))
    }
}

/// Rows by their groups: those of group g are `members[starts[g]..starts[g + 1]]`, in order.
pub(super) fn members(numbers: &[u32], groups: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; groups + 1];
    for &g in numbers {
        if g != NO_GROUP {
            starts[g as usize + 1] += 1;
        }
    }
    for g in 0..groups {
        starts[g + 1] += starts[g];
    }
    let mut members = vec![0u32; starts[groups] as usize];
    let mut next = starts.clone();
    for (row, &g) in numbers.iter().enumerate() {
        if g != NO_GROUP {
            let slot = &mut next[g as usize];
            members[*slot as usize] = row as u32;
            *slot += 1;
        }
    }
    (starts, members)
}

fn null_flags(spec: &Spec<'_>) -> Vec<bool> {
    (0..spec.left_keys.len()).map(|k| spec.null_equal.get(k).copied().unwrap_or(false)).collect()
}

/// The probing side.
pub struct Probe<'p> {
    built: Arc<Built<'p>>,
    left: Source<'p>,
    finder: Finder,
    null_equal: Vec<bool>,
    numbers: Vec<u32>,
    /// A left batch with many matches is joined in pieces: the batch and the next left row.
    open: Option<(Batch, usize)>,
    tail: bool,
    /// Columns of the left and of the right side that are looked at; `None` = all.
    keep: Option<(Vec<bool>, Vec<bool>)>,
    ctx: ExecContext,
}

/// Joined rows put out at once, at most about this many.
const OUTPUT_ROWS: usize = BATCH_ROWS * 8;

impl<'p> Probe<'p> {
    pub fn new(built: Arc<Built<'p>>, left: Source<'p>, ctx: &ExecContext) -> Self {
        let finder = built.table.finder();
        let null_equal = null_flags(&built.spec);
        let tail = matches!(built.spec.kind, JoinKind::Right | JoinKind::Full);
        let numbers = Vec::new();
        Probe { built, left, finder, null_equal, numbers, open: None, tail, keep: None, ctx: ctx.clone() }
    }

    /// Leaves columns empty that nobody looks at.
    #[must_use]
    pub fn keeping(mut self, keep: Keep) -> Self {
        let width = self.built.spec.left.columns.len();
        // A residual looks at columns of its own.
        self.keep = keep
            .filter(|_| self.built.spec.residual.is_none())
            .map(|k| (k[..width.min(k.len())].to_vec(), k[width.min(k.len())..].to_vec()));
        self
    }

    fn take_left(&self, batch: &Batch, rows: &[u32]) -> Batch {
        batch.take_kept(rows, self.keep.as_ref().map(|k| k.0.as_slice()))
    }

    fn take_right(&self, rows: &[u32]) -> Batch {
        self.built.rows.take_kept(rows, self.keep.as_ref().map(|k| k.1.as_slice()))
    }

    fn look_up(&mut self, batch: &Batch) -> SqlResult<()> {
        let keys = evaluate_columns(self.built.spec.left_keys, batch, &self.ctx)?;
        let refs: Vec<&Column> = keys.iter().map(|c| c.as_ref()).collect();
        self.built.table.find(&refs, batch.len, &self.null_equal, &mut self.finder, &mut self.numbers)
    }

    /// Joins rows of `batch` from `from` on; returns the output and the row to go on with.
    fn join(&mut self, batch: &Batch, from: usize) -> SqlResult<(Batch, usize)> {
        let built = Arc::clone(&self.built);
        let spec = &built.spec;
        if spec.residual.is_none() {
            match spec.kind {
                JoinKind::LeftSemi | JoinKind::LeftAnti => {
                    let want = spec.kind == JoinKind::LeftSemi;
                    let rows: Vec<u32> = self
                        .numbers
                        .iter()
                        .enumerate()
                        .filter(|(_, g)| (**g != NO_GROUP) == want)
                        .map(|(i, _)| i as u32)
                        .collect();
                    let out =
                        if rows.len() == batch.len { batch.clone() } else { self.take_left(batch, &rows) };
                    return Ok((out, batch.len));
                }
                // Every row finds its one partner, as with most foreign keys.
                JoinKind::Inner if built.identical && !self.numbers.contains(&NO_GROUP) => {
                    let right = self.take_right(&self.numbers);
                    return Ok((batch.clone().beside(right), batch.len));
                }
                JoinKind::Inner if built.unique => {
                    let mut left = Vec::with_capacity(batch.len);
                    let mut right = Vec::with_capacity(batch.len);
                    for (i, &g) in self.numbers.iter().enumerate() {
                        if g != NO_GROUP {
                            left.push(i as u32);
                            right.push(built.members[g as usize]);
                        }
                    }
                    let l =
                        if left.len() == batch.len { batch.clone() } else { self.take_left(batch, &left) };
                    return Ok((l.beside(self.take_right(&right)), batch.len));
                }
                _ => {}
            }
        }
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut at = from;
        let outer = matches!(spec.kind, JoinKind::Left | JoinKind::Full);
        while at < batch.len && left.len() < OUTPUT_ROWS {
            let rows = built.group(self.numbers[at]);
            left.extend(std::iter::repeat_n(at as u32, rows.len()));
            right.extend_from_slice(rows);
            if rows.is_empty() && outer && spec.residual.is_none() {
                left.push(at as u32);
                right.push(NO_ROW);
            }
            at += 1;
        }
        if let Some(residual) = spec.residual {
            let pairs = batch.take(&left).beside(built.rows.take(&right));
            let truth = evaluate_predicate(residual, &pairs, &self.ctx)?;
            let kept: Vec<usize> = (0..left.len()).filter(|&i| truth.at(i) == TRUE).collect();
            if let JoinKind::LeftSemi | JoinKind::LeftAnti = spec.kind {
                let mut has = vec![false; batch.len];
                kept.iter().for_each(|&i| has[left[i] as usize] = true);
                let want = spec.kind == JoinKind::LeftSemi;
                let rows: Vec<u32> = (from..at).filter(|&r| has[r] == want).map(|r| r as u32).collect();
                return Ok((batch.take(&rows), at));
            }
            let (l, r) = (left, right);
            left = Vec::with_capacity(kept.len());
            right = Vec::with_capacity(kept.len());
            if outer {
                let mut kept = kept.into_iter().peekable();
                for row in from..at {
                    let before = left.len();
                    while let Some(&i) = kept.peek() {
                        if l[i] as usize != row {
                            break;
                        }
                        left.push(l[i]);
                        right.push(r[i]);
                        kept.next();
                    }
                    if left.len() == before {
                        left.push(row as u32);
                        right.push(NO_ROW);
                    }
                }
            } else {
                for i in kept {
                    left.push(l[i]);
                    right.push(r[i]);
                }
            }
        }
        for &r in &right {
            if r != NO_ROW && self.tail {
                built.matched[r as usize].store(true, Ordering::Relaxed);
            }
        }
        let right_rows = if outer { built.rows.take_or_null(&right) } else { self.take_right(&right) };
        Ok((self.take_left(batch, &left).beside(right_rows), at))
    }
}

impl BatchSource for Probe<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            let (batch, from) = match self.open.take() {
                Some(o) => o,
                None => match self.left.next_batch()? {
                    Some(b) if b.len == 0 => continue,
                    Some(b) => {
                        self.look_up(&b)?;
                        (b, 0)
                    }
                    None => {
                        if self.tail {
                            self.tail = false;
                            let rest = self.built.unmatched();
                            if rest.len > 0 {
                                return Ok(Some(rest));
                            }
                        }
                        return Ok(None);
                    }
                },
            };
            self.ctx.check_cancel()?;
            let (out, next) = self.join(&batch, from)?;
            if next < batch.len {
                self.open = Some((batch, next));
            }
            if out.len > 0 {
                return Ok(Some(out));
            }
        }
    }
}

/// Opens a hash join; spills when the build side does not fit.
pub fn open_join<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    let spec = spec(plan)?;
    let mut right = open(spec.right, ctx)?;
    match Built::read(spec, right.as_mut(), ctx, false)? {
        Build::Done(built) => {
            let empty_end = built.rows.len == 0
                && matches!(spec.kind, JoinKind::Inner | JoinKind::LeftSemi | JoinKind::Right);
            if empty_end {
                return Ok(Box::new(Stored::new(Arc::new(Vec::new()))));
            }
            Ok(Box::new(Probe::new(Arc::from(built), open(spec.left, ctx)?, ctx)))
        }
        Build::TooBig(read) => {
            let mut left = open(spec.left, ctx)?;
            let mut chained = Chained { first: Stored::new(Arc::new(read)), second: right.as_mut() };
            let pairs = partition(&spec, left.as_mut(), &mut chained, 0, ctx)?;
            Ok(Box::new(Spilled { spec, pairs, current: None, ctx: ctx.clone() }))
        }
    }
}

/// Batches already read, then the rest of their source.
struct Chained<'s, 'p> {
    first: Stored,
    second: &'s mut (dyn BatchSource + 'p),
}

impl BatchSource for Chained<'_, '_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        match self.first.next_batch()? {
            Some(b) => Ok(Some(b)),
            None => self.second.next_batch(),
        }
    }
}

struct Pair {
    left: SpillReader,
    right: SpillReader,
    level: u32,
}

/// Writes both sides to files by hash of their keys.
fn partition(
    spec: &Spec<'_>,
    left: &mut dyn BatchSource,
    right: &mut dyn BatchSource,
    level: u32,
    ctx: &ExecContext,
) -> SqlResult<Vec<Pair>> {
    let r = split(right, spec.right_keys, &types_of(spec.right), level, ctx)?;
    let l = split(left, spec.left_keys, &types_of(spec.left), level, ctx)?;
    Ok(l.into_iter().zip(r).map(|(left, right)| Pair { left, right, level: level + 1 }).collect())
}

fn split(
    source: &mut dyn BatchSource,
    keys: &[Expr],
    types: &[SqlType],
    level: u32,
    ctx: &ExecContext,
) -> SqlResult<Vec<SpillReader>> {
    let types: Arc<[SqlType]> = Arc::from(types);
    let mut files = Partitions::new(ctx.query.budget(), &types, level)?;
    let parts: Vec<KeyPart> = keys.iter().map(|e| KeyPart { ty: e.ty, descending: false }).collect();
    while let Some(b) = source.next_batch()? {
        ctx.check_cancel()?;
        if b.len == 0 {
            continue;
        }
        let columns = evaluate_columns(keys, &b, ctx)?;
        let refs: Vec<&Column> = columns.iter().map(|c| c.as_ref()).collect();
        files.write(&b, &encode_rows(&parts, &refs, b.len)?, 0..b.len)?;
    }
    files.finish()
}

struct Spilled<'p> {
    spec: Spec<'p>,
    pairs: Vec<Pair>,
    current: Option<Probe<'p>>,
    ctx: ExecContext,
}

impl BatchSource for Spilled<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            if let Some(p) = &mut self.current {
                if let Some(b) = p.next_batch()? {
                    return Ok(Some(b));
                }
                self.current = None;
            }
            let Some(mut pair) = self.pairs.pop() else { return Ok(None) };
            let force = pair.level >= MAX_LEVEL;
            match Built::read(self.spec, &mut pair.right, &self.ctx, force)? {
                Build::Done(built) => {
                    self.current = Some(Probe::new(Arc::from(built), Box::new(pair.left), &self.ctx));
                }
                Build::TooBig(_) => {
                    pair.right.rewind()?;
                    let more = partition(&self.spec, &mut pair.left, &mut pair.right, pair.level, &self.ctx)?;
                    self.pairs.extend(more);
                }
            }
        }
    }
}
