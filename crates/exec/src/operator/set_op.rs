//! DISTINCT, INTERSECT and EXCEPT: rows as keys, NULL equal to NULL.
//!
//! Invariants
//! 1. Rows come out in order of first appearance (of the left side for set operations).

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::{PhysicalPlan, SetOpKind};
use holdfast_types::{Batch, Column, SqlError, SqlResult};

use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::spill::Grant;
use super::{Source, open, types_of};
use crate::context::ExecContext;

fn refs(batch: &Batch) -> Vec<&Column> {
    batch.columns.iter().map(Arc::as_ref).collect()
}

fn charge(grant: &mut Grant, table: &KeyTable) -> SqlResult<()> {
    if grant.resize(table.memory()) { Ok(()) } else { Err(SqlError::new(701, &[&"default"])) }
}

pub struct Distinct<'p> {
    input: Source<'p>,
    table: KeyTable,
    nulls: Vec<bool>,
    numbers: Vec<u32>,
    grant: Grant,
    ctx: ExecContext,
}

impl<'p> Distinct<'p> {
    pub fn new(input: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Self> {
        let types = types_of(input);
        Ok(Distinct {
            input: open(input, ctx)?,
            nulls: vec![true; types.len()],
            table: KeyTable::new(&types),
            numbers: Vec::new(),
            grant: Grant::new(ctx.query.budget()),
            ctx: ctx.clone(),
        })
    }
}

/// Rows whose number is seen for the first time, given how many numbers there were before.
fn fresh(numbers: &[u32], before: usize) -> Vec<u32> {
    let mut next = before as u32;
    let mut out = Vec::new();
    for (i, &g) in numbers.iter().enumerate() {
        if g == next {
            out.push(i as u32);
            next += 1;
        }
    }
    out
}

impl BatchSource for Distinct<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            self.ctx.check_cancel()?;
            let Some(b) = self.input.next_batch()? else { return Ok(None) };
            let before = self.table.len();
            self.table.insert(&refs(&b), b.len, &self.nulls, &mut self.numbers)?;
            let rows = fresh(&self.numbers, before);
            if rows.is_empty() {
                continue;
            }
            charge(&mut self.grant, &self.table)?;
            return Ok(Some(if rows.len() == b.len { b } else { b.take(&rows) }));
        }
    }
}

pub struct SetOperation<'p> {
    kind: SetOpKind,
    left: Source<'p>,
    right: &'p PhysicalPlan,
    built: Option<(KeyTable, Finder)>,
    seen: KeyTable,
    nulls: Vec<bool>,
    grant: Grant,
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
            left: open(left, ctx)?,
            right,
            built: None,
            nulls: vec![true; types.len()],
            seen: KeyTable::new(&types),
            grant: Grant::new(ctx.query.budget()),
            ctx: ctx.clone(),
        })
    }
}

impl BatchSource for SetOperation<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.built.is_none() {
            let mut table = KeyTable::new(&types_of(self.right));
            let mut source = open(self.right, &self.ctx)?;
            let mut numbers = Vec::new();
            while let Some(b) = source.next_batch()? {
                self.ctx.check_cancel()?;
                table.insert(&refs(&b), b.len, &self.nulls, &mut numbers)?;
                charge(&mut self.grant, &table)?;
            }
            let finder = table.finder();
            self.built = Some((table, finder));
        }
        let want = self.kind == SetOpKind::Intersect;
        let mut numbers = Vec::new();
        loop {
            self.ctx.check_cancel()?;
            let Some(b) = self.left.next_batch()? else { return Ok(None) };
            let Some((table, finder)) = &mut self.built else { return Ok(None) };
            table.find(&refs(&b), b.len, &self.nulls, finder, &mut numbers)?;
            let rows: Vec<u32> =
                (0..b.len as u32).filter(|&i| (numbers[i as usize] != NO_GROUP) == want).collect();
            if rows.is_empty() {
                continue;
            }
            let b = b.take(&rows);
            let before = self.seen.len();
            self.seen.insert(&refs(&b), b.len, &self.nulls, &mut numbers)?;
            let rows = fresh(&numbers, before);
            if !rows.is_empty() {
                return Ok(Some(b.take(&rows)));
            }
        }
    }
}
