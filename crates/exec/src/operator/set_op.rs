//! DISTINCT, INTERSECT and EXCEPT: rows as keys, NULL equal to NULL.
//!
//! Invariants
//! 1. Rows come out in order of first appearance (of the left side for set operations) as long as memory lasts.
//! 2. The right side's rows are a table. When it is full it is only read: right rows that it does not know, and then left rows that it
//!    does not know, go to files by hash, and each pair of files is an operation of its own.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::{PhysicalPlan, SetOpKind};
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use super::dedup::{Dedup, whole_rows};
use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::partition::Partitions;
use super::spill::{Grant, SpillReader};
use super::{Source, open, types_of};
use crate::context::ExecContext;

fn refs(batch: &Batch) -> Vec<&Column> {
    batch.columns.iter().map(Arc::as_ref).collect()
}

pub struct Distinct<'p> {
    input: Option<Source<'p>>,
    rows: Dedup,
    ctx: ExecContext,
}

impl<'p> Distinct<'p> {
    pub fn new(input: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Self> {
        let rows = Dedup::new(&types_of(input), ctx);
        Ok(Distinct { input: Some(open(input, ctx)?), rows, ctx: ctx.clone() })
    }
}

impl BatchSource for Distinct<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        while let Some(input) = &mut self.input {
            self.ctx.check_cancel()?;
            match input.next_batch()? {
                None => self.input = None,
                Some(b) => {
                    let rows = self.rows.add(&b)?;
                    if !rows.is_empty() {
                        return Ok(Some(if rows.len() == b.len { b } else { b.take(&rows) }));
                    }
                }
            }
        }
        self.rows.rest()
    }
}

/// A left and a right file of the same hash.
struct Pair {
    left: SpillReader,
    right: SpillReader,
    level: u32,
}

/// One table of right rows, and the left rows that go past it.
struct Pass<'p> {
    left: Source<'p>,
    table: KeyTable,
    finder: Finder,
    /// Right rows that came out already (INTERSECT).
    taken: Vec<bool>,
    /// Rows that the table had no place for.
    rest: Option<(Partitions, Vec<SpillReader>)>,
    _grant: Grant,
}

pub struct SetOperation<'p> {
    kind: SetOpKind,
    types: Arc<[SqlType]>,
    nulls: Vec<bool>,
    /// Both sides, until the first pass.
    start: Option<(Source<'p>, &'p PhysicalPlan)>,
    pass: Option<Pass<'p>>,
    pending: Vec<Pair>,
    /// Rows of EXCEPT that came out already.
    seen: Option<Dedup>,
    ctx: ExecContext,
}

impl<'p> SetOperation<'p> {
    pub fn new(
        kind: SetOpKind,
        left: &'p PhysicalPlan,
        right: &'p PhysicalPlan,
        ctx: &ExecContext,
    ) -> SqlResult<Self> {
        let types = types_of(left);
        Ok(SetOperation {
            kind,
            nulls: vec![true; types.len()],
            start: Some((open(left, ctx)?, right)),
            pass: None,
            pending: Vec::new(),
            seen: (kind == SetOpKind::Except).then(|| Dedup::new(&types, ctx)),
            types: Arc::from(types),
            ctx: ctx.clone(),
        })
    }

    fn build(&self, left: Source<'p>, right: &mut dyn BatchSource, level: u32) -> SqlResult<Pass<'p>> {
        let budget = self.ctx.query.budget();
        // The other half is for the rows that come out.
        let most = budget.limit() / 2;
        let mut grant = Grant::new(budget);
        let mut table = KeyTable::new(&self.types);
        let mut numbers = Vec::new();
        let mut full: Option<(Finder, Partitions)> = None;
        while let Some(b) = right.next_batch()? {
            self.ctx.check_cancel()?;
            if full.is_none() {
                let bytes = table.memory_after(b.len);
                if (bytes > most || !grant.resize(bytes)) && !table.is_empty() {
                    full = Some((table.finder(), Partitions::new(budget, &self.types, level)?));
                }
            }
            match &mut full {
                None => table.insert(&refs(&b), b.len, &self.nulls, &mut numbers)?,
                Some((finder, rest)) => {
                    table.find(&refs(&b), b.len, &self.nulls, finder, &mut numbers)?;
                    let unknown = (0..b.len).filter(|&i| numbers[i] == NO_GROUP);
                    rest.write(&b, &whole_rows(&self.types, &b)?, unknown)?;
                }
            }
        }
        let rest = match full {
            None => None,
            Some((_, right)) => Some((Partitions::new(budget, &self.types, level)?, right.finish()?)),
        };
        Ok(Pass { left, finder: table.finder(), taken: vec![false; table.len()], table, rest, _grant: grant })
    }

    /// The rows of a left batch that come out now.
    fn look_up(&mut self, b: &Batch) -> SqlResult<Vec<u32>> {
        let Some(pass) = &mut self.pass else { return Ok(Vec::new()) };
        let mut numbers = Vec::new();
        pass.table.find(&refs(b), b.len, &self.nulls, &mut pass.finder, &mut numbers)?;
        let unknown = (0..b.len).filter(|&i| numbers[i] == NO_GROUP);
        match (&mut pass.rest, self.kind) {
            (Some((rest, _)), _) => rest.write(b, &whole_rows(&self.types, b)?, unknown)?,
            (None, SetOpKind::Except) => return Ok(unknown.map(|i| i as u32).collect()),
            (None, SetOpKind::Intersect) => {}
        }
        if self.kind == SetOpKind::Except {
            return Ok(Vec::new());
        }
        let first = |g: u32| g != NO_GROUP && !std::mem::replace(&mut pass.taken[g as usize], true);
        let mut first = first;
        Ok((0..b.len as u32).filter(|&i| first(numbers[i as usize])).collect())
    }

    /// Begins the next pass; `false` when there is none.
    fn next_pass(&mut self) -> SqlResult<bool> {
        if let Some((left, right)) = self.start.take() {
            let mut right = open(right, &self.ctx)?;
            self.pass = Some(self.build(left, right.as_mut(), 0)?);
            return Ok(true);
        }
        if let Some(Pass { rest: Some((left, right)), .. }) = self.pass.take() {
            let level = left.level() + 1;
            let pairs = left.finish()?.into_iter().zip(right);
            let needs_right = self.kind == SetOpKind::Intersect;
            self.pending.extend(
                pairs
                    .filter(|(l, r)| l.rows() > 0 && (!needs_right || r.rows() > 0))
                    .map(|(left, right)| Pair { left, right, level }),
            );
        }
        let Some(mut pair) = self.pending.pop() else { return Ok(false) };
        self.pass = Some(self.build(Box::new(pair.left), &mut pair.right, pair.level)?);
        Ok(true)
    }
}

impl BatchSource for SetOperation<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            self.ctx.check_cancel()?;
            let next = match &mut self.pass {
                Some(pass) => pass.left.next_batch()?,
                None => None,
            };
            let Some(b) = next else {
                if self.next_pass()? {
                    continue;
                }
                return match &mut self.seen {
                    Some(seen) => seen.rest(),
                    None => Ok(None),
                };
            };
            let rows = self.look_up(&b)?;
            if rows.is_empty() {
                continue;
            }
            let b = if rows.len() == b.len { b } else { b.take(&rows) };
            let Some(seen) = &mut self.seen else { return Ok(Some(b)) };
            let rows = seen.add(&b)?;
            if !rows.is_empty() {
                return Ok(Some(if rows.len() == b.len { b } else { b.take(&rows) }));
            }
        }
    }
}
