//! Recursive common table expressions, round by round.
//!
//! Invariants
//! 1. The recursive member sees only the rows of the round before.
//! 2. More rounds than the limit (0 = no limit) are error 530.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::PhysicalPlan;
use holdfast_types::{Batch, SqlError, SqlResult};

use super::{drain, open};
use crate::context::ExecContext;

pub struct Recursion<'p> {
    id: u32,
    anchor: &'p PhysicalPlan,
    recursive: &'p PhysicalPlan,
    limit: u32,
    round: u32,
    rows: Arc<Vec<Batch>>,
    at: usize,
    started: bool,
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
        Ok(Recursion {
            id,
            anchor,
            recursive,
            limit,
            round: 0,
            rows: Arc::new(Vec::new()),
            at: 0,
            started: false,
            ctx: ctx.clone(),
        })
    }
}

impl BatchSource for Recursion<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if !self.started {
            self.started = true;
            self.rows = Arc::new(drain(open(self.anchor, &self.ctx)?.as_mut())?);
        }
        loop {
            if let Some(b) = self.rows.get(self.at) {
                self.at += 1;
                return Ok(Some(b.clone()));
            }
            if self.rows.is_empty() {
                return Ok(None);
            }
            let ctx = self.ctx.with_cte(self.id, Arc::clone(&self.rows));
            let next = drain(open(self.recursive, &ctx)?.as_mut())?;
            self.round += 1;
            if !next.is_empty() && self.limit > 0 && self.round > self.limit {
                return Err(SqlError::new(530, &[&self.limit]));
            }
            self.rows = Arc::new(next);
            self.at = 0;
        }
    }
}
