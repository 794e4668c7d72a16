//! Recursive common table expressions, round by round.
//!
//! Invariants
//! 1. The recursive member sees only the rows of the round before.
//! 2. More rounds than the limit (0 = no limit) are error 530.
//! 3. The rows of two rounds are kept, in a file when they do not fit into memory.

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::PhysicalPlan;
use holdfast_types::{Batch, SqlError, SqlResult};

use super::spool::{RowStore, Rows, RowsReader};
use super::{open, types_of};
use crate::context::ExecContext;

pub struct Recursion<'p> {
    id: u32,
    anchor: &'p PhysicalPlan,
    recursive: &'p PhysicalPlan,
    limit: u32,
    round: u32,
    /// Those of the last round, and how far they have gone out.
    rows: Option<(Rows, RowsReader)>,
    ctx: ExecContext,
}

impl<'p> Recursion<'p> {
    pub fn new(
        id: u32,
        anchor: &'p PhysicalPlan,
        recursive: &'p PhysicalPlan,
        limit: u32,
        ctx: &ExecContext,
    ) -> SqlResult<Self> {
        Ok(Recursion { id, anchor, recursive, limit, round: 0, rows: None, ctx: ctx.clone() })
    }
}

impl Recursion<'_> {
    fn keep(&self, plan: &PhysicalPlan, ctx: &ExecContext) -> SqlResult<Rows> {
        let mut out = RowStore::new(&types_of(self.anchor), self.ctx.query.budget());
        let mut source = open(plan, ctx)?;
        while let Some(b) = source.next_batch()? {
            self.ctx.check_cancel()?;
            out.push(b)?;
        }
        out.finish()
    }
}

impl BatchSource for Recursion<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        loop {
            let next = match &mut self.rows {
                None => self.keep(self.anchor, &self.ctx)?,
                Some((rows, reader)) => {
                    if let Some(b) = reader.next_batch()? {
                        return Ok(Some(b));
                    }
                    if rows.is_empty() {
                        return Ok(None);
                    }
                    let ctx = self.ctx.with_cte(self.id, rows.clone());
                    let next = self.keep(self.recursive, &ctx)?;
                    self.round += 1;
                    if !next.is_empty() && self.limit > 0 && self.round > self.limit {
                        return Err(SqlError::new(530, &[&self.limit]));
                    }
                    next
                }
            };
            let reader = next.open();
            self.rows = Some((next, reader));
        }
    }
}
