//! Pipelines over worker threads: a scan split in parts, with the filters, projections and hash-join probes above it.
//!
//! Invariants
//! 1. The parts together yield exactly the rows of the plan, in no particular order.
//! 2. The build side of a join in a pipeline is built once and only read by the parts.
//! 3. The first error of any worker is the error of the whole; the others stop at their next batch.
//! 4. Columns that nobody above looks at may come out empty: what is looked at flows down from the aggregation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::access::BatchSource;
use holdfast_plan::expr::Expr;
use holdfast_plan::physical::{JoinKind, PhysicalOp, PhysicalPlan};
use holdfast_types::{Batch, SqlError, SqlResult};

use super::Source;
use super::hash_join::{Built, Probe};
use super::scan::{Keep, Scan, within};
use super::simple::Project;
use crate::context::ExecContext;

/// Whether the plan is a pipeline over a parallel scan.
fn splits(plan: &PhysicalPlan) -> bool {
    match &plan.op {
        PhysicalOp::TableScan { .. } => true,
        PhysicalOp::Filter { input, predicate } => plain(predicate) && splits(input),
        PhysicalOp::Project { input, exprs } => exprs.iter().all(plain) && splits(input),
        PhysicalOp::HashJoin { kind, left, left_keys, residual, .. } => {
            matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti)
                && left_keys.iter().all(plain)
                && residual.as_ref().is_none_or(plain)
                && splits(left)
        }
        _ => false,
    }
}

/// Expressions that run the same in any thread: no subqueries, no user code.
fn plain(e: &Expr) -> bool {
    use holdfast_plan::expr::ExprKind;
    !e.any(&|x| matches!(x.kind, ExprKind::Subquery(_) | ExprKind::UserFunction { .. }))
}

/// Opens the plan as independent parts of which only the columns `needed` will be looked at; `None` when it is no such pipeline.
pub fn open_parts<'p>(
    plan: &'p PhysicalPlan,
    ctx: &ExecContext,
    parts: usize,
    needed: &[usize],
) -> SqlResult<Option<Vec<Source<'p>>>> {
    if ctx.query.profile.is_some() || !splits(plan) {
        return Ok(None);
    }
    Ok(Some(open_split(plan, ctx, parts, needed.to_vec())?))
}

/// Marks of the needed columns of a plan; `None` when all are.
fn keep_of(plan: &PhysicalPlan, needed: &[usize]) -> Keep {
    let mut keep = vec![false; plan.columns.len()];
    for &c in needed {
        if let Some(k) = keep.get_mut(c) {
            *k = true;
        }
    }
    keep.contains(&false).then(|| keep.into())
}

fn open_split<'p>(
    plan: &'p PhysicalPlan,
    ctx: &ExecContext,
    parts: usize,
    mut needed: Vec<usize>,
) -> SqlResult<Vec<Source<'p>>> {
    let keep = keep_of(plan, &needed);
    Ok(match &plan.op {
        PhysicalOp::TableScan { table, columns, predicate, partitions, read, .. } => {
            within(table, partitions, ctx)?
                .parallel_scan(&ctx.query.read_with(read), columns, parts)?
                .into_iter()
                .map(|s| Box::new(Scan::new(s, predicate.as_ref(), ctx).keeping(keep.clone())) as Source<'p>)
                .collect()
        }
        PhysicalOp::Filter { input, predicate } => {
            predicate.columns(&mut needed);
            open_split(input, ctx, parts, needed)?
                .into_iter()
                .map(|s| Box::new(Scan::new(s, Some(predicate), ctx).keeping(keep.clone())) as Source<'p>)
                .collect()
        }
        PhysicalOp::Project { input, exprs } => {
            needed.clear();
            exprs.iter().for_each(|e| e.columns(&mut needed));
            open_split(input, ctx, parts, needed)?
                .into_iter()
                .map(|s| Box::new(Project::new(s, exprs, ctx)) as Source<'p>)
                .collect()
        }
        PhysicalOp::HashJoin { left, left_keys, residual, .. } => {
            match Built::build(plan, ctx)? {
                Some(built) => {
                    let built = Arc::new(built);
                    left_keys.iter().chain(residual).for_each(|e| e.columns(&mut needed));
                    needed.retain(|c| *c < left.columns.len());
                    open_split(left, ctx, parts, needed)?
                        .into_iter()
                        .map(|s| {
                            let probe = Probe::new(Arc::clone(&built), s, ctx);
                            Box::new(probe.keeping(keep.clone())) as Source<'p>
                        })
                        .collect()
                }
                // Too big for memory: the ordinary operator spills.
                None => vec![super::hash_join::open_join(plan, ctx)?],
            }
        }
        _ => vec![super::open(plan, ctx)?],
    })
}

/// A source that ends early when another worker failed.
struct Stoppable<'p, 's> {
    input: Source<'p>,
    stop: &'s AtomicBool,
}

impl BatchSource for Stoppable<'_, '_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.input.next_batch()
    }
}

/// Runs `work` on every part, each in its own thread (the last one in this thread).
pub fn run<'p, R: Send>(
    parts: Vec<Source<'p>>,
    work: impl Fn(Box<dyn BatchSource + '_>) -> SqlResult<R> + Sync,
) -> SqlResult<Vec<R>> {
    let stop = AtomicBool::new(false);
    let guarded = |input: Source<'p>| {
        let result = work(Box::new(Stoppable { input, stop: &stop }));
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        result
    };
    let mut parts = parts;
    let Some(own) = parts.pop() else { return Ok(Vec::new()) };
    std::thread::scope(|scope| {
        let guarded = &guarded;
        let handles: Vec<_> = parts.into_iter().map(|p| scope.spawn(move || guarded(p))).collect();
        let mine = guarded(own);
        let mut out = Vec::with_capacity(handles.len() + 1);
        let mut failure = None;
        for h in handles {
            match h.join() {
                Ok(Ok(r)) => out.push(r),
                Ok(Err(e)) => failure = failure.or(Some(e)),
                Err(_) => {
                    failure = failure.or_else(|| {
                        Some(SqlError::with_text(8624, 16, "Internal error: a worker thread failed."))
                    });
                }
            }
        }
        out.push(mine?);
        match failure {
            Some(e) => Err(e),
            None => Ok(out),
        }
    })
}
