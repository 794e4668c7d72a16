//! Index spools: an inner side that is opened for every outer row and finds its rows by no index keeps them in a hash table.
//!
//! Invariants
//! 1. The rows under a spool are the same for every outer row: all conditions on values of the outer row were lifted out of them,
//!    nothing volatile is left, and no table is read that a round of a recursion changes or whose reads lock other than ordinary ones.
//! 2. Lifted conditions are conjuncts, so their order does not matter to the rows; those that are not equalities are checked on the
//!    rows that the equalities find.
//! 3. Values of queries further out may remain below a spool ([`PhysicalOp::IndexSpool`] names them): it is emptied when they change.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_types::SqlResult;

use super::{Builder, Built, Needed, columns_of, is_volatile, plain, satisfies, unary};
use crate::expr::{CompareOp, Expr, ExprKind, ParamId, SubPlan};
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::{JoinKind, PhysicalOp, ReadHints, SeekKey};

/// Inner sides that cost less are opened anew.
const MIN_COST: f64 = 2.0;
/// What keeping the rows of an input costs beside reading it once.
const KEEP_ROW: f64 = 0.2;

/// An inner side that is being built.
pub(super) struct Region {
    /// How often it is thought to be opened.
    pub executions: f64,
    /// Slots that are set from the outer row.
    pub slots: Vec<ParamId>,
}

impl Builder<'_> {
    /// Builds what is opened for every outer row.
    pub(super) fn in_region<T>(
        &mut self,
        region: Option<Region>,
        build: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let before = (std::mem::replace(&mut self.region, region), self.goal);
        let built = build(self);
        (self.region, self.goal) = before;
        built
    }

    /// Builds under an operator that reads all rows of its input, or only some first ones.
    pub(super) fn with_goal<T>(
        &mut self,
        goal: bool,
        build: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let before = std::mem::replace(&mut self.goal, goal);
        let built = build(self);
        self.goal = before;
        built
    }

    /// The node as it was built, or over a spool where that is cheaper in all executions together.
    pub(super) fn or_spool(
        &mut self,
        plan: &LogicalPlan,
        normal: Built,
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
    ) -> SqlResult<Built> {
        let Some(region) = self.region.take() else { return Ok(normal) };
        // What a TOP above leaves unread of a seek is not in its cost.
        let seeks = finds(&normal.plan.op, &region.slots);
        let stops = seeks && self.goal && satisfies(&normal, wanted);
        let spooled = match stops {
            true => Ok(None),
            false => self.spooled(plan, &normal, needed, &region, seeks),
        };
        self.region = Some(region);
        Ok(spooled?.unwrap_or(normal))
    }

    fn spooled(
        &mut self,
        plan: &LogicalPlan,
        normal: &Built,
        needed: &Needed,
        region: &Region,
        seeks: bool,
    ) -> SqlResult<Option<Built>> {
        if normal.plan.cost < MIN_COST {
            return Ok(None);
        }
        let first = self.cx.first_free_slot;
        let outer = outer_slots(plan, first);
        if !region.slots.iter().any(|s| outer.contains(&s.0)) {
            return Ok(None);
        }
        let mut lifted = Vec::new();
        let free = lift(plan.clone(), &outer, &mut lifted);
        let mut depends: Vec<u32> = outer_slots(&free, first).into_iter().collect();
        depends.sort_unstable();
        if region.slots.iter().any(|s| depends.contains(&s.0)) || !is_steady(&free) {
            return Ok(None);
        }
        // Conditions without columns decide once for all rows.
        let (startup, lifted): (Vec<Expr>, Vec<Expr>) =
            lifted.into_iter().partition(|e| columns_of(e).is_empty());
        let (mut keys, mut rest) = (Vec::new(), Vec::new());
        for term in &lifted {
            match key(term) {
                Some(k) => keys.push(k),
                None => rest.push(term.clone()),
            }
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let output = free.output_set();
        let mut inner: Needed = needed.intersection(&output).copied().collect();
        inner.extend(lifted.iter().flat_map(columns_of).filter(|id| output.contains(id)));
        let saved = self.next_slot;
        let built = self.build(&free, &inner, &[])?;
        let executions = region.executions.max(1.0);
        let found = 1.0 + normal.plan.rows * 0.05;
        let once = built.plan.cost * 2.0 + built.plan.rows * KEEP_ROW;
        let (kept, anew) = (once + executions * found, executions * normal.plan.cost);
        // Estimates of how often an inner side is opened are often wrong. A spool whose input costs no more than what it stands for
        // loses nothing, since it is not filled before that has been read twice.
        let harmless = !seeks && built.plan.cost <= normal.plan.cost * 1.5 && found < normal.plan.cost;
        if !harmless && kept * 10.0 > anew {
            self.next_slot = saved;
            return Ok(None);
        }
        let condition = self.place(&Expr::and(lifted), &built.ids)?;
        let residual = if rest.is_empty() { None } else { Some(self.place(&Expr::and(rest), &built.ids)?) };
        let mut placed = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (k, v) in keys {
            placed.0.push(self.place(&k, &built.ids)?);
            placed.1.push(self.place(&v, &[])?);
        }
        let op = PhysicalOp::IndexSpool {
            id: new_id(),
            input: Box::new(built.plan),
            keys: placed.0,
            values: placed.1,
            residual,
            condition,
            depends: depends.into_iter().map(ParamId).collect(),
        };
        let types = match &op {
            PhysicalOp::IndexSpool { input, .. } => input.columns.clone(),
            _ => Vec::new(),
        };
        let cost = found + once / executions;
        let mut spooled = plain(unary(op, types, normal.plan.rows, cost), built.ids);
        if !startup.is_empty() {
            let predicate = self.place(&Expr::and(startup), &[])?;
            spooled =
                self.wrap(spooled, normal.plan.rows, |input| PhysicalOp::StartupFilter { input, predicate });
        }
        Ok(Some(spooled))
    }
}

/// Whether an index finds rows by equality with a value of the outer row.
fn finds(op: &PhysicalOp, slots: &[ParamId]) -> bool {
    let sought = |k: &SeekKey| match k {
        SeekKey::Equal(e) => e.any(&|x| matches!(&x.kind, ExprKind::Parameter(p) if slots.contains(p))),
        SeekKey::IsNull => false,
    };
    match op {
        PhysicalOp::IndexSeek { ranges, .. } => ranges.iter().any(|r| r.prefix.iter().any(sought)),
        PhysicalOp::Filter { input, .. }
        | PhysicalOp::StartupFilter { input, .. }
        | PhysicalOp::Project { input, .. }
        | PhysicalOp::NestedLoops { left: input, .. } => finds(&input.op, slots),
        PhysicalOp::Concat { inputs } => inputs.iter().all(|i| finds(&i.op, slots)),
        _ => false,
    }
}

/// Names a spool among all plans of the process.
fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An equality between rows of the inner side and values of the outer row.
fn key(term: &Expr) -> Option<(Expr, Expr)> {
    let ExprKind::Compare { op: CompareOp::Equal, left, right } = &term.kind else { return None };
    let subquery = |e: &Expr| e.any(&|x| matches!(x.kind, ExprKind::Subquery(_)));
    let parameter = |e: &Expr| e.any(&|x| matches!(x.kind, ExprKind::Parameter(_)));
    if is_volatile(term) || subquery(term) {
        return None;
    }
    [(left, right), (right, left)].into_iter().find_map(|(k, v)| {
        let fits = !columns_of(k).is_empty() && !parameter(k) && columns_of(v).is_empty() && parameter(v);
        fits.then(|| (k.as_ref().clone(), v.as_ref().clone()))
    })
}

/// Slots (of the planner's own) that a plan reads and nothing inside it sets.
pub(super) fn outer_slots(plan: &LogicalPlan, first: u32) -> HashSet<u32> {
    fn walk(e: &mut Expr, used: &mut HashSet<u32>, set: &mut HashSet<u32>) {
        match &mut e.kind {
            ExprKind::Parameter(p) => {
                used.insert(p.0);
            }
            ExprKind::Subquery(s) => {
                set.extend(s.bindings.iter().map(|b| b.slot.0));
                if let SubPlan::Logical(l) = &mut s.plan {
                    collect(l, used, set);
                }
            }
            _ => {}
        }
        e.for_each_child_mut(&mut |c| walk(c, used, set));
    }
    fn collect(plan: &mut LogicalPlan, used: &mut HashSet<u32>, set: &mut HashSet<u32>) {
        if let LogicalPlan::Apply { bindings, .. } = plan {
            set.extend(bindings.iter().map(|b| b.slot.0));
        }
        plan.for_each_expr_mut(&mut |e| walk(e, used, set));
        for input in plan.inputs_mut() {
            collect(input, used, set);
        }
    }
    let (mut used, mut set) = (HashSet::new(), HashSet::new());
    collect(&mut plan.clone(), &mut used, &mut set);
    used.retain(|slot| *slot >= first && !set.contains(slot));
    used
}

/// Whether a condition reads one of the slots, and may be moved.
fn liftable(e: &Expr, slots: &HashSet<u32>) -> bool {
    e.any(&|x| matches!(x.kind, ExprKind::Parameter(p) if slots.contains(&p.0)))
        && !e.any(&|x| matches!(x.kind, ExprKind::Subquery(_)))
        && !is_volatile(e)
}

fn split(predicate: Expr, slots: &HashSet<u32>, lifted: &mut Vec<Expr>) -> Option<Expr> {
    let mut list = Vec::new();
    crate::rules::conjuncts(predicate, &mut list);
    let (up, stay): (Vec<Expr>, Vec<Expr>) = list.into_iter().partition(|e| liftable(e, slots));
    lifted.extend(up);
    (!stay.is_empty()).then(|| Expr::and(stay))
}

/// Takes the conditions on the slots out of a plan as far as filters and joins go.
fn lift(plan: LogicalPlan, slots: &HashSet<u32>, lifted: &mut Vec<Expr>) -> LogicalPlan {
    match plan {
        LogicalPlan::Filter { input, predicate } => {
            let stay = split(predicate, slots, lifted);
            let input = lift(*input, slots, lifted);
            match stay {
                Some(p) => input.filter(p),
                None => input,
            }
        }
        LogicalPlan::Extend { input, exprs } => {
            LogicalPlan::Extend { input: Box::new(lift(*input, slots, lifted)), exprs }
        }
        LogicalPlan::Join { kind: JoinKind::Inner, left, right, predicate, algorithm } => {
            let predicate = predicate.and_then(|p| split(p, slots, lifted));
            let left = Box::new(lift(*left, slots, lifted));
            let right = Box::new(lift(*right, slots, lifted));
            LogicalPlan::Join { kind: JoinKind::Inner, left, right, predicate, algorithm }
        }
        LogicalPlan::Join {
            kind: kind @ (JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti),
            left,
            right,
            predicate,
            algorithm,
        } => {
            let left = Box::new(lift(*left, slots, lifted));
            LogicalPlan::Join { kind, left, right, predicate, algorithm }
        }
        other => other,
    }
}

/// Whether a plan gives the same rows whenever it is opened within a statement, and locks no more than a reader does.
pub(super) fn is_steady(plan: &LogicalPlan) -> bool {
    fn expression(e: &Expr) -> bool {
        !is_volatile(e)
            && !e.any(&|x| match &x.kind {
                ExprKind::Subquery(s) => !matches!(&s.plan, SubPlan::Logical(l) if is_steady(l)),
                _ => false,
            })
    }
    let own = match plan {
        LogicalPlan::Get { hints, .. } => hints.read == ReadHints::default() && !hints.force_seek,
        LogicalPlan::CteRead { .. } | LogicalPlan::UserTableFunction { .. } => false,
        _ => true,
    };
    let mut steady = own && plan.inputs().into_iter().all(is_steady);
    if steady {
        let mut copy = plan.clone();
        copy.for_each_expr_mut(&mut |e| steady &= expression(e));
    }
    steady
}
