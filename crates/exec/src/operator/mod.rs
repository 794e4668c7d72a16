//! Physical operators: each is a [`BatchSource`] over the sources below it.
//!
//! Invariants
//! 1. Opening a plan evaluates what must be evaluated once (TOP counts, seek bounds, startup filters); rows flow only on `next_batch`.
//! 2. Operators borrow the plan; an inner plan is opened anew for every outer row with a context whose slots are set.
//! 3. Whatever an operator keeps is charged to the query's memory budget; sorting, hashing, windows and spooling go to spill files
//!    beyond it. A single value, FOR XML and FOR JSON have to fit.
//! 4. The cancel flag is looked at for every batch read from a table.
//!
//! Module map: [`scan`] tables and indexes, [`simple`] filter, project, top, concat…, [`hash_join`], [`merge_join`], [`nested_loops`], [`index_spool`],
//! [`aggregate`] with [`accumulator`], [`sort`], [`set_op`], [`window`], [`recursive`], [`table_function`], [`serialize`] FOR XML and FOR JSON,
//! [`parallel`] pipelines over worker threads, [`placed`] seeks from a cursor's place on, [`profile`] what they really gave, [`hash_table`],
//! [`dedup`], [`sort_key`], [`spill`], [`partition`], [`spool`] what they are made of.

pub mod accumulator;
pub mod aggregate;
pub mod dedup;
pub mod hash_join;
pub mod hash_table;
pub mod index_spool;
pub mod large_partition;
pub mod merge_join;
pub mod nested_loops;
pub mod parallel;
pub mod partition;
pub mod placed;
pub mod profile;
pub mod ranking;
pub mod recursive;
pub mod scan;
pub mod serialize;
mod serialize_explicit;
pub mod set_op;
pub mod simple;
pub mod sort;
pub mod sort_key;
pub mod spill;
pub mod spool;
pub mod table_function;
pub mod window;

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{PhysicalOp, PhysicalPlan};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, Column, SqlResult, SqlType};

use crate::context::ExecContext;
use crate::expression::evaluate;

/// Rows of an opened plan.
pub type Source<'p> = Box<dyn BatchSource + 'p>;

/// Opens a plan: the entry of the executor.
pub fn open<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    ctx.check_cancel()?;
    let source = open_operator(plan, ctx)?;
    Ok(match &ctx.query.profile {
        Some(profile) => profile.counted(plan, source),
        None => source,
    })
}

fn open_operator<'p>(plan: &'p PhysicalPlan, ctx: &ExecContext) -> SqlResult<Source<'p>> {
    Ok(match &plan.op {
        PhysicalOp::TableScan { table, columns, predicate, partitions, read, .. } => {
            let read = ctx.query.read_with(read);
            let access = scan::within(table, partitions, ctx)?;
            Box::new(scan::Scan::new(access.scan(&read, columns)?, predicate.as_ref(), ctx))
        }
        PhysicalOp::IndexSeek { placed: true, .. } if ctx.place.is_some() => placed::open_seek(plan, ctx)?,
        PhysicalOp::IndexSeek {
            table,
            index_id,
            ranges,
            columns,
            predicate,
            backward,
            partitions,
            read,
            ..
        } => {
            let access = scan::within(table, partitions, ctx)?;
            let place = (table, access);
            scan::open_seek(place, *index_id, ranges, columns, predicate.as_ref(), *backward, read, ctx)?
        }
        PhysicalOp::Values { rows } => Box::new(simple::Values::new(rows, &plan.columns, ctx)),
        PhysicalOp::Filter { input, predicate } => {
            Box::new(scan::Scan::new(open(input, ctx)?, Some(predicate), ctx))
        }
        PhysicalOp::StartupFilter { input, predicate } => simple::open_startup_filter(input, predicate, ctx)?,
        PhysicalOp::Project { input, exprs } => Box::new(simple::Project::new(open(input, ctx)?, exprs, ctx)),
        PhysicalOp::IndexSpool { .. } => index_spool::open_spool(plan, ctx)?,
        PhysicalOp::HashJoin { .. } => hash_join::open_join(plan, ctx)?,
        PhysicalOp::MergeJoin { kind, left, right, left_keys, right_keys, residual } => {
            merge_join::open_join(*kind, left, right, left_keys, right_keys, residual.as_ref(), ctx)?
        }
        PhysicalOp::NestedLoops { kind, left, right, bindings, predicate } => {
            nested_loops::open_join(*kind, left, right, bindings, predicate.as_ref(), ctx)?
        }
        PhysicalOp::Aggregate { .. } => aggregate::open_aggregate(plan, ctx)?,
        PhysicalOp::Distinct { input } => Box::new(set_op::Distinct::new(input, ctx)?),
        PhysicalOp::Sort { input, keys, top } => sort::open_sort(input, keys, top.as_ref(), ctx)?,
        PhysicalOp::Top { input, count, percent, ties } => {
            simple::open_top(input, count, *percent, ties.as_deref(), ctx)?
        }
        PhysicalOp::Offset { input, offset, fetch } => {
            simple::open_offset(input, offset, fetch.as_ref(), ctx)?
        }
        PhysicalOp::Concat { inputs } => Box::new(simple::Concat::new(inputs, ctx)),
        PhysicalOp::SetOp { kind, left, right } => {
            Box::new(set_op::SetOperation::new(*kind, left, right, ctx)?)
        }
        PhysicalOp::Window { input, partition, order, functions } if ranking::streams(functions) => {
            Box::new(ranking::Ranking::new(input, partition, order, functions, ctx)?)
        }
        PhysicalOp::Window { input, partition, order, functions } => {
            Box::new(window::Window::new(input, partition, order, functions, ctx)?)
        }
        PhysicalOp::RecursiveCte { id, anchor, recursive, max_recursion } => {
            Box::new(recursive::Recursion::new(*id, anchor, recursive, *max_recursion, ctx)?)
        }
        PhysicalOp::CteRead { id } => Box::new(ctx.cte(*id)?.open()),
        PhysicalOp::TableFunction { function, args } => {
            table_function::open_function(function, args, plan, ctx)?
        }
        PhysicalOp::UserTableFunction { module, args } => table_function::open_module(module, args, ctx)?,
        PhysicalOp::MaxOneRow { input } => simple::open_max_one_row(input, ctx)?,
        PhysicalOp::ForXml { input, options } => serialize::open_xml(input, options, plan, ctx)?,
        PhysicalOp::ForJson { input, options } => serialize::open_json(input, options, plan, ctx)?,
    })
}

/// Batches kept in memory.
pub struct Stored {
    batches: Arc<Vec<Batch>>,
    next: usize,
}

impl Stored {
    pub fn new(batches: Arc<Vec<Batch>>) -> Self {
        Stored { batches, next: 0 }
    }

    pub fn one(batch: Batch) -> Self {
        Self::new(Arc::new(vec![batch]))
    }
}

impl BatchSource for Stored {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let out = self.batches.get(self.next).cloned();
        self.next += 1;
        Ok(out)
    }
}

/// Types of a plan's output.
pub fn types_of(plan: &PhysicalPlan) -> Vec<SqlType> {
    plan.columns.iter().map(|c| c.ty).collect()
}

/// Evaluates expressions to columns.
pub fn evaluate_columns(exprs: &[Expr], batch: &Batch, ctx: &ExecContext) -> SqlResult<Vec<Arc<Column>>> {
    exprs.iter().map(|e| evaluate(e, batch, ctx)?.into_column(&e.ty, batch.len)).collect()
}

/// Cuts a big batch into batches of the usual size.
pub struct Chunks {
    batch: Batch,
    at: usize,
}

impl Chunks {
    pub fn new(batch: Batch) -> Self {
        Chunks { batch, at: 0 }
    }
}

impl BatchSource for Chunks {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.at >= self.batch.len {
            return Ok(None);
        }
        let n = (self.batch.len - self.at).min(BATCH_ROWS * 4);
        let out = self.batch.slice(self.at, n);
        self.at += n;
        Ok(Some(out))
    }
}
