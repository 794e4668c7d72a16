//! How many rows the operators of a plan really gave: for SET STATISTICS PROFILE and XML.
//!
//! Invariants
//! 1. Nothing is counted unless the query's context asks for it; then its pipelines run on one thread, so that every operator is
//!    opened by [`super::open`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_engine::access::BatchSource;
use holdfast_plan::physical::PhysicalPlan;
use holdfast_types::{Batch, SqlResult};
use parking_lot::Mutex;

use super::Source;

/// Of one operator.
#[derive(Debug, Default)]
struct Counter {
    rows: AtomicU64,
    executions: AtomicU64,
}

/// Counts of a statement's operators by the address of their plans.
#[derive(Debug, Default)]
pub struct Profile {
    counters: Mutex<HashMap<usize, Arc<Counter>>>,
}

impl Profile {
    /// Rows and executions of an operator; one that was never opened has none.
    pub fn of(&self, operator: usize) -> (u64, u64) {
        let counters = self.counters.lock();
        let of = |c: &Arc<Counter>| (c.rows.load(Ordering::Relaxed), c.executions.load(Ordering::Relaxed));
        counters.get(&operator).map_or((0, 0), of)
    }

    /// The source with its rows counted.
    pub fn counted<'p>(&self, plan: &PhysicalPlan, source: Source<'p>) -> Source<'p> {
        let key = std::ptr::from_ref(plan) as usize;
        let counter = Arc::clone(self.counters.lock().entry(key).or_default());
        counter.executions.fetch_add(1, Ordering::Relaxed);
        Box::new(Counted { source, counter })
    }
}

struct Counted<'p> {
    source: Source<'p>,
    counter: Arc<Counter>,
}

impl BatchSource for Counted<'_> {
    fn next_batch(&mut self) -> SqlResult<Option<Batch>> {
        let batch = self.source.next_batch()?;
        if let Some(b) = &batch {
            self.counter.rows.fetch_add(b.len as u64, Ordering::Relaxed);
        }
        Ok(batch)
    }
}
