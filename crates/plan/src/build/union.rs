//! OR over columns of different indexes: one seek per term, their rows one after the other.
//!
//! Invariants
//! 1. A row comes from the first term that holds for it: later terms are read under the condition that none before them is true, so
//!    nothing has to be taken out afterwards.
//! 2. Only reads without hints are taken apart, and only such whose rows are not named for a change.

use holdfast_types::SqlResult;

use super::{Builder, Built, Needed, is_volatile, plain, seeks, unary};
use crate::expr::{CompareOp, Expr, ExprKind};
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::{PhysicalOp, ReadHints};

/// Terms of an OR that become seeks of their own.
const MAX_TERMS: usize = 16;

impl Builder<'_> {
    /// The table under the conditions by several seeks, where that is cheaper than `normal`.
    pub(super) fn or_union(
        &mut self,
        get: &LogicalPlan,
        conjuncts: &[Expr],
        needed: &Needed,
        wanted: &[(ColumnId, bool)],
        normal: &Built,
    ) -> SqlResult<Option<Built>> {
        let LogicalPlan::Get { table, hints, bookmark, .. } = get else { return Ok(None) };
        let named = bookmark.is_some_and(|b| needed.contains(&b.id));
        let hinted = hints.read != ReadHints::default() || hints.force_scan || hints.index.is_some();
        if table.indexes.is_empty() || named || hinted {
            return Ok(None);
        }
        let mut ids: Vec<ColumnId> = needed.iter().copied().collect();
        ids.retain(|id| get.output_set().contains(id));
        ids.sort_unstable();
        let n = normal.plan.rows.max(2.0);
        let sort = if wanted.is_empty() { 0.0 } else { n * n.log2() * 0.05 };
        let mut best: Option<Built> = None;
        for (at, term) in conjuncts.iter().enumerate() {
            let ExprKind::Or(terms) = &term.kind else { continue };
            if terms.len() > MAX_TERMS || terms.iter().any(is_volatile) {
                continue;
            }
            let mut inputs = Vec::with_capacity(terms.len());
            let (mut rows, mut cost) = (0.0, sort);
            for (i, t) in terms.iter().enumerate() {
                let mut all: Vec<Expr> = Vec::with_capacity(conjuncts.len() + i);
                match &t.kind {
                    ExprKind::And(parts) => all.extend(parts.iter().cloned()),
                    _ => all.push(t.clone()),
                }
                all.extend(conjuncts.iter().enumerate().filter(|(c, _)| *c != at).map(|(_, c)| c.clone()));
                all.extend(terms[..i].iter().cloned().map(not_true));
                let built = self.build_access(get, &all, needed, &[])?;
                if !seeks(&built.plan.op) {
                    break;
                }
                rows += built.plan.rows;
                cost += built.plan.cost;
                inputs.push(self.shape(built, &ids)?);
            }
            let cheaper = cost < best.as_ref().unwrap_or(normal).plan.cost;
            if inputs.len() == terms.len() && cheaper {
                let types = inputs[0].columns.clone();
                best = Some(plain(unary(PhysicalOp::Concat { inputs }, types, rows, cost), ids.clone()));
            }
        }
        Ok(best)
    }
}

/// Holds where the condition is false or unknown.
fn not_true(e: Expr) -> Expr {
    let kind = ExprKind::Case { whens: vec![(e, Expr::int(1))], otherwise: Some(Box::new(Expr::int(0))) };
    let case = Expr::new(kind, holdfast_types::SqlType::INT, false);
    Expr::compare(CompareOp::Equal, case, Expr::int(0))
}
