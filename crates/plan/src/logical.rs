//! Logical plans: what the binder makes and the rules rewrite. Columns are identified by ids unique within a statement.

/// Placeholder shape until the binder lands; the executor never sees it.
#[derive(Clone, Debug)]
pub enum LogicalPlan {
    Empty,
}
