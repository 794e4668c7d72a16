//! Index spool: an inner side that is opened for every outer row looks its rows up in a hash table of them.
//!
//! Invariants
//! 1. The input is read as it is, with the condition over it, until that has read [`SCANS`] times its rows; then it is read once more
//!    and kept. What is opened a few times only, or stops at its first row, never pays for a table.
//! 2. Kept rows are charged to the query's budget. Where they do not fit, or a key of some row cannot be computed, the input goes on
//!    being read: an error of a row comes only when a reader meets that row.
//! 3. What is kept belongs to the values of outer slots below the spool, and is thrown away when they are others.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::{Expr, ParamId};
use holdfast_plan::physical::{PhysicalOp, PhysicalPlan};
use holdfast_types::batch::NO_ROW;
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, Value};
use parking_lot::Mutex;

use super::hash_join::members;
use super::hash_table::{Finder, KeyTable, NO_GROUP};
use super::scan::{Scan, filter};
use super::spill::Grant;
use super::{Chunks, Source, evaluate_columns, open, types_of};
use crate::context::ExecContext;

/// How many times an input is read before it is kept.
const SCANS: u64 = 2;
/// Bytes of the table per row, until it is made.
const ROW_BYTES: usize = 24;

/// One spool within one execution of a statement.
#[derive(Default)]
pub struct State {
    /// Of the slots that the input depends on.
    depends: Vec<Value>,
    /// Rows read of the input, and how many it has once it was read to its end.
    read: u64,
    size: Option<u64>,
    kept: Option<Arc<Kept>>,
    /// It could not be kept.
    never: bool,
}

/// The rows by their keys.
struct Kept {
    rows: Batch,
    table: KeyTable,
    finder: Mutex<Finder>,
    starts: Vec<u32>,
    members: Vec<u32>,
    _grant: Grant,
}

struct Spec<'p> {
    input: &'p PhysicalPlan,
    keys: &'p [Expr],
    values: &'p [Expr],
    residual: Option<&'p Expr>,
    condition: &'p Expr,
    depends: &'p [ParamId],
}

pub fn open_spool<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    let PhysicalOp::IndexSpool { id, input, keys, values, residual, condition, depends } = &plan.op else {
        return Err(SqlError::with_text(8624, 16, "Internal error: not an index spool."));
    };
    let spec = Spec { input, keys, values, residual: residual.as_ref(), condition, depends };
    let shared = ctx.query.spool(*id);
    let mut state = shared.lock();
    let depends: Vec<Value> = spec.depends.iter().map(|p| ctx.parameter(*p)).collect();
    if state.depends != depends {
        *state = State { depends, ..State::default() };
    }
    let size = state.size.unwrap_or(spec.input.rows.max(1.0) as u64).max(1);
    if state.kept.is_none() && !state.never && state.read >= SCANS * size {
        match Kept::build(&spec, ctx) {
            Ok(Some(kept)) => state.kept = Some(Arc::new(kept)),
            Ok(None) => state.never = true,
            // Of a row that nobody may ever have met.
            Err(e) if e.severity == 16 => state.never = true,
            Err(e) => return Err(e),
        }
    }
    let Some(kept) = state.kept.clone() else {
        drop(state);
        let counted = Counted { source: open(spec.input, ctx)?, rows: 0, ended: false, state: shared };
        return Ok(Box::new(Scan::new(Box::new(counted), Some(spec.condition), ctx)));
    };
    drop(state);
    let found = kept.find(spec.values, ctx)?;
    let found = match spec.residual {
        Some(p) if found.len > 0 => filter(found, p, &None, ctx)?,
        _ => found,
    };
    Ok(Box::new(Chunks::new(found)))
}

impl Kept {
    /// `None` when the rows do not fit into memory.
    fn build(spec: &Spec<'_>, ctx: &ExecContext) -> SqlResult<Option<Kept>> {
        let mut grant = Grant::new(ctx.query.budget());
        let mut source = open(spec.input, ctx)?;
        let (mut batches, mut bytes, mut len) = (Vec::new(), 0, 0);
        while let Some(b) = source.next_batch()? {
            ctx.check_cancel()?;
            len += b.len;
            // Twice, while the batches become one.
            bytes += 2 * b.memory() + b.len * ROW_BYTES;
            if !grant.resize(bytes) || len >= NO_ROW as usize {
                return Ok(None);
            }
            batches.push(b);
        }
        drop(source);
        let rows = Batch::concat(&types_of(spec.input), &batches)?;
        drop(batches);
        let types: Vec<SqlType> = spec.keys.iter().map(|e| e.ty).collect();
        let mut table = KeyTable::new(&types);
        let keys = evaluate_columns(spec.keys, &rows, ctx)?;
        let refs: Vec<&Column> = keys.iter().map(|c| c.as_ref()).collect();
        let mut numbers = Vec::new();
        table.insert_all(&refs, rows.len, &vec![false; refs.len()], &mut numbers)?;
        let (starts, members) = members(&numbers, table.len());
        let finder = Mutex::new(table.finder());
        let bytes = rows.memory() + table.memory() + 4 * (starts.len() + members.len());
        if !grant.resize(bytes) {
            return Ok(None);
        }
        Ok(Some(Kept { rows, table, finder, starts, members, _grant: grant }))
    }

    /// The rows whose keys are equal to the values.
    fn find(&self, values: &[Expr], ctx: &ExecContext) -> SqlResult<Batch> {
        if self.members.is_empty() {
            return Ok(self.rows.take(&[]));
        }
        let one = Batch { len: 1, columns: Vec::new() };
        let values = evaluate_columns(values, &one, ctx)?;
        let refs: Vec<&Column> = values.iter().map(|c| c.as_ref()).collect();
        let mut numbers = Vec::with_capacity(1);
        self.table.find(&refs, 1, &vec![false; refs.len()], &mut self.finder.lock(), &mut numbers)?;
        let rows: &[u32] = match numbers.first() {
            Some(&g) if g != NO_GROUP => {
                &self.members[self.starts[g as usize] as usize..self.starts[g as usize + 1] as usize]
            }
            _ => &[],
        };
        Ok(self.rows.take(rows))
    }
}

/// Counts what is read of an input.
struct Counted<'p> {
    source: Source<'p>,
    rows: u64,
    ended: bool,
    state: Arc<Mutex<State>>,
}

impl BatchSource for Counted<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let batch = self.source.next_batch()?;
        match &batch {
            Some(b) => self.rows += b.len as u64,
            None => self.ended = true,
        }
        Ok(batch)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        // An opening counts as a row, so that an empty input becomes an empty table.
        state.read += self.rows + 1;
        if self.ended {
            state.size = Some(self.rows);
        }
    }
}
