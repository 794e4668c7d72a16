//! Row estimates. Only hints: nothing depends on them for correctness.
//!
//! Invariants
//! 1. Statistics with a filter are not asked about the whole table.
//!
//! Evidence: default selectivities follow common practice (equality 1/distinct, range 30 %, range with two bounds 1 %, LIKE 10 %).

mod distribution;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::catalog::{IndexStatistics, TableDef};
use holdfast_types::datetime::DAYS_TO_1900;
use holdfast_types::{TypeId, Value};

use crate::expr::{CompareOp, Expr, ExprKind, SubPlan, SubqueryKind};
use crate::logical::{ColumnId, LogicalPlan};
use crate::physical::{JoinKind, NotedStatistics};
use distribution::Distribution;

/// Where columns come from, for statistics.
#[derive(Default)]
pub(crate) struct Estimator {
    columns: HashMap<ColumnId, (Arc<TableDef>, usize)>,
    noted: RefCell<NotedStatistics>,
}

impl Estimator {
    /// Notes the base columns of a plan and of the subqueries in it.
    pub fn learn(&mut self, plan: &mut LogicalPlan) {
        if let LogicalPlan::Get { table, columns, .. } = plan {
            for (i, c) in columns.iter().enumerate() {
                self.columns.insert(c.id, (table.clone(), i));
            }
        }
        plan.for_each_expr_mut(&mut |e| self.learn_expr(e));
        for input in plan.inputs_mut() {
            self.learn(input);
        }
    }

    /// As [`Estimator::learn`], for the subqueries of an expression.
    pub fn learn_expr(&mut self, e: &mut Expr) {
        if let ExprKind::Subquery(s) = &mut e.kind
            && let SubPlan::Logical(l) = &mut s.plan
        {
            self.learn(l);
        }
        e.for_each_child_mut(&mut |c| self.learn_expr(c));
    }

    fn source(&self, e: &Expr) -> Option<&(Arc<TableDef>, usize)> {
        match &e.kind {
            ExprKind::Column(id) => self.columns.get(id),
            ExprKind::Convert { operand, .. } => self.source(operand),
            _ => None,
        }
    }

    fn statistics(&self, e: &Expr) -> Option<&Arc<IndexStatistics>> {
        let (table, ordinal) = self.source(e)?;
        // Those with a filter say nothing of the other rows.
        let of_indexes = table
            .indexes
            .iter()
            .filter(|i| i.filter.is_none() && i.keys.first().is_some_and(|k| k.ordinal == *ordinal))
            .filter_map(|i| i.statistics.as_ref());
        let of_columns = table
            .statistics
            .iter()
            .filter(|s| s.filter.is_none() && s.columns.first() == Some(ordinal))
            .map(|s| &s.values);
        let found = of_indexes.chain(of_columns).next();
        self.noted.borrow_mut().note(table, *ordinal, found.is_some());
        found
    }

    /// Which columns were asked about.
    pub fn take_noted(&self) -> NotedStatistics {
        self.noted.take()
    }

    fn distribution(&self, e: &Expr) -> Option<Distribution<'_>> {
        let (table, ordinal) = self.source(e)?;
        let statistics = self.statistics(e)?;
        Distribution::new(statistics, table.columns.get(*ordinal)?.ty, table.rows() as f64)
    }

    /// Fraction of rows equal to one value of `e`.
    fn density(&self, e: &Expr) -> Option<f64> {
        if let Some(s) = self.statistics(e)
            && let Some(d) = s.densities.first()
            && *d > 0.0
        {
            return Some(d.min(1.0));
        }
        let (table, ordinal) = self.source(e)?;
        let unique =
            table.indexes.iter().any(|i| i.unique && i.keys.len() == 1 && i.keys[0].ordinal == *ordinal);
        if unique {
            return Some(1.0 / (table.rows().max(1) as f64));
        }
        if table.columns.get(*ordinal).is_some_and(|c| c.ty.id == TypeId::Bit) {
            return Some(0.5);
        }
        Some(1.0 / (table.rows().max(1) as f64).sqrt().max(1.0))
    }

    pub fn distinct(&self, e: &Expr, rows: f64) -> f64 {
        match self.density(e) {
            Some(d) => (1.0 / d).min(rows.max(1.0)),
            None if e.is_literal() => 1.0,
            None => rows.max(1.0).sqrt(),
        }
    }

    /// Fraction of rows for which a predicate holds.
    pub fn selectivity(&self, e: &Expr) -> f64 {
        match &e.kind {
            ExprKind::BoolLiteral(Some(true)) => 1.0,
            ExprKind::BoolLiteral(_) => 0.0,
            ExprKind::And(v) => self.selectivity_of_all(v).max(1e-9),
            ExprKind::Or(v) => 1.0 - v.iter().map(|x| 1.0 - self.selectivity(x)).product::<f64>(),
            ExprKind::Not(x) => (1.0 - self.selectivity(x)).clamp(0.05, 1.0),
            ExprKind::Compare { op, left, right } => {
                let (column, other) = if self.source(left).is_some() { (left, right) } else { (right, left) };
                let both = self.source(left).is_some() && self.source(right).is_some();
                match op {
                    CompareOp::Equal | CompareOp::NotDistinct if both => {
                        let a = self.density(left).unwrap_or(0.1);
                        let b = self.density(right).unwrap_or(0.1);
                        a.min(b)
                    }
                    CompareOp::Equal | CompareOp::NotDistinct => self.equal(column, other).unwrap_or(0.1),
                    CompareOp::NotEqual | CompareOp::Distinct if both => 0.9,
                    CompareOp::NotEqual | CompareOp::Distinct => {
                        let known = self.distribution(column).zip(literal(other));
                        known.map_or(0.9, |(d, v)| {
                            d.equal(v).map_or(0.9, |e| (d.not_null() - e).clamp(1e-7, 1.0))
                        })
                    }
                    _ => {
                        let op = if self.source(left).is_some() { *op } else { op.swap() };
                        let known = self.distribution(column).zip(literal(other));
                        known.and_then(|(d, v)| d.range(op, v)).unwrap_or(OPEN_RANGE)
                    }
                }
            }
            ExprKind::InList { operand, list, negated } => {
                let each = |e: &Expr| self.equal(operand, e).unwrap_or(0.05);
                let known = self.statistics(operand).is_some() && list.iter().all(|e| literal(e).is_some());
                let s = list.iter().map(each).sum::<f64>().min(if known { 1.0 } else { 0.9 });
                match (*negated, self.distribution(operand)) {
                    (true, Some(d)) if known => (d.not_null() - s).clamp(1e-7, 1.0),
                    (true, _) => 1.0 - s,
                    (false, _) => s,
                }
            }
            ExprKind::IsNull { operand, negated } => {
                let s = match self.distribution(operand) {
                    _ if !operand.nullable => 0.0,
                    Some(d) => (1.0 - d.not_null()).max(1e-7),
                    None => 0.05,
                };
                if *negated { 1.0 - s } else { s }
            }
            ExprKind::Like { negated, .. } => {
                if *negated {
                    0.9
                } else {
                    0.1
                }
            }
            ExprKind::Subquery(s) => match s.kind {
                SubqueryKind::Exists => 0.5,
                _ => 0.3,
            },
            _ => 0.5,
        }
    }

    /// Fraction of rows equal to `other`: by the histogram for a literal, else by density.
    fn equal(&self, column: &Expr, other: &Expr) -> Option<f64> {
        let known = self.distribution(column).zip(literal(other));
        known.and_then(|(d, v)| d.equal(v)).or_else(|| self.density(column))
    }

    /// Fraction of rows for which all of these hold. Two bounds of one column are one range, not two independent conditions.
    pub fn selectivity_of_all(&self, conditions: &[Expr]) -> f64 {
        let mut bounds: Vec<(ColumnId, Option<f64>, Option<f64>, f64)> = Vec::new();
        // Columns with bounds of which nothing is known, below and above.
        let mut unknown: Vec<(ColumnId, [bool; 2])> = Vec::new();
        let mut product = 1.0;
        for c in conditions {
            let side = side(c);
            let Some((column, is_low, fraction, not_null)) = side.and_then(|s| self.bound(s)) else {
                match side {
                    Some(s) => {
                        let at = unknown.iter().position(|u| u.0 == s.column).unwrap_or_else(|| {
                            unknown.push((s.column, [false; 2]));
                            unknown.len() - 1
                        });
                        unknown[at].1[usize::from(s.is_low)] = true;
                    }
                    None => product *= self.selectivity(c),
                }
                continue;
            };
            let at = bounds.iter().position(|b| b.0 == column).unwrap_or_else(|| {
                bounds.push((column, None, None, not_null));
                bounds.len() - 1
            });
            let side = if is_low { &mut bounds[at].1 } else { &mut bounds[at].2 };
            *side = Some(side.map_or(fraction, |s| s.min(fraction)));
        }
        for (_, low, high, not_null) in bounds {
            product *= match (low, high) {
                (Some(low), Some(high)) => (low + high - not_null).max(1e-7),
                (one, other) => one.or(other).unwrap_or(1.0),
            };
        }
        for (_, sides) in unknown {
            product *= if sides == [true; 2] { CLOSED_RANGE } else { OPEN_RANGE };
        }
        product
    }

    /// A bound of a column by its histogram: column, whether it is a lower one, its fraction, and that of the rows with values.
    fn bound(&self, side: Side<'_>) -> Option<(ColumnId, bool, f64, f64)> {
        let distribution = self.distribution(side.expr)?;
        let fraction = distribution.range(side.op, literal(side.value)?)?;
        Some((side.column, side.is_low, fraction, distribution.not_null()))
    }

    /// Estimated rows of one execution.
    pub fn rows(&self, plan: &LogicalPlan) -> f64 {
        use LogicalPlan as P;
        match plan {
            P::Get { table, .. } => (table.rows() as f64).max(1.0),
            P::Values { rows, .. } => rows.len() as f64,
            P::Filter { input, predicate } => self.rows(input) * self.selectivity(predicate),
            P::Extend { input, .. } | P::Sort { input, .. } | P::Window { input, .. } => self.rows(input),
            P::Join { kind, left, right, predicate, .. } => {
                let (l, r) = (self.rows(left), self.rows(right));
                let s = predicate.as_ref().map_or(1.0, |p| self.selectivity(p));
                match kind {
                    JoinKind::Inner => l * r * s,
                    JoinKind::Left => (l * r * s).max(l),
                    JoinKind::Right => (l * r * s).max(r),
                    JoinKind::Full => (l * r * s).max(l + r),
                    JoinKind::LeftSemi => l * (r * s).min(0.9),
                    JoinKind::LeftAnti => l * 0.5,
                }
            }
            P::Apply { kind, left, right, .. } => {
                let l = self.rows(left);
                match kind {
                    JoinKind::LeftSemi | JoinKind::LeftAnti => l * 0.5,
                    JoinKind::Left => l * self.rows(right).max(1.0),
                    _ => l * self.rows(right),
                }
            }
            P::Aggregate { input, group, sets, .. } => {
                if group.is_empty() {
                    return 1.0;
                }
                let rows = self.rows(input);
                let groups = group.iter().map(|(_, e)| self.distinct(e, rows)).product::<f64>().min(rows);
                groups * sets.as_ref().map_or(1.0, |s| s.len() as f64)
            }
            P::Distinct { input, columns } => {
                let rows = self.rows(input);
                columns.iter().map(|c| self.distinct(&c.expr(), rows)).product::<f64>().min(rows)
            }
            P::Top { input, count, percent, .. } => {
                let rows = self.rows(input);
                match (&count.kind, percent) {
                    (ExprKind::Literal(v), false) => number(v).unwrap_or(100.0).min(rows),
                    (ExprKind::Literal(v), true) => rows * number(v).unwrap_or(10.0) / 100.0,
                    _ => rows.min(100.0),
                }
            }
            P::Offset { input, fetch, .. } => {
                let rows = self.rows(input);
                match fetch.as_ref().map(|f| &f.kind) {
                    Some(ExprKind::Literal(v)) => number(v).unwrap_or(100.0).min(rows),
                    Some(_) => rows.min(100.0),
                    None => rows,
                }
            }
            P::Concat { inputs, .. } => inputs.iter().map(|(p, _)| self.rows(p)).sum(),
            P::SetOp { left, .. } => self.rows(left) * 0.5,
            P::RecursiveCte { anchor, .. } => self.rows(anchor) * 10.0,
            P::CteRead { .. } => 10.0,
            P::TableFunction { .. } | P::UserTableFunction { .. } => 50.0,
            P::MaxOneRow { .. } | P::ForXml { .. } | P::ForJson { .. } => 1.0,
        }
        .max(0.0)
    }
}

/// Fraction of rows on one side of a value that is not known, and between two of them: who gives both ends means few rows.
const OPEN_RANGE: f64 = 0.3;
const CLOSED_RANGE: f64 = 0.01;

/// One bound of a column.
#[derive(Clone, Copy)]
struct Side<'e> {
    column: ColumnId,
    expr: &'e Expr,
    /// As if the column stood on the left.
    op: CompareOp,
    is_low: bool,
    value: &'e Expr,
}

fn side(condition: &Expr) -> Option<Side<'_>> {
    let ExprKind::Compare { op, left, right } = &condition.kind else { return None };
    let (column, expr, op, value) = match (&left.kind, &right.kind) {
        (ExprKind::Column(id), _) => (*id, left, *op, right),
        (_, ExprKind::Column(id)) => (*id, right, op.swap(), left),
        _ => return None,
    };
    let is_low = match op {
        CompareOp::Greater | CompareOp::GreaterOrEqual => true,
        CompareOp::Less | CompareOp::LessOrEqual => false,
        _ => return None,
    };
    Some(Side { column, expr, op, is_low, value })
}

fn literal(e: &Expr) -> Option<&Value> {
    match &e.kind {
        ExprKind::Literal(v) if !v.is_null() => Some(v),
        _ => None,
    }
}

/// A value on a number line, for histograms and counts.
pub(crate) fn number(v: &Value) -> Option<f64> {
    Some(match v {
        Value::Bit(b) => f64::from(u8::from(*b)),
        Value::TinyInt(n) => f64::from(*n),
        Value::SmallInt(n) => f64::from(*n),
        Value::Int(n) => f64::from(*n),
        Value::BigInt(n) => *n as f64,
        Value::Decimal(d) => d.mantissa as f64 / 10f64.powi(i32::from(d.scale)),
        Value::Money(n) => *n as f64 / 10_000.0,
        Value::SmallMoney(n) => f64::from(*n) / 10_000.0,
        Value::Real(f) => f64::from(*f),
        Value::Float(f) => *f,
        Value::Date(d) => f64::from(d.0),
        Value::DateTime(d) => f64::from(d.days + DAYS_TO_1900) + f64::from(d.ticks) / 25_920_000.0,
        Value::SmallDateTime(d) => {
            f64::from(i32::from(d.days) + DAYS_TO_1900) + f64::from(d.minutes) / 1440.0
        }
        Value::DateTime2(d) => f64::from(d.date.0) + d.time.0 as f64 / 864e9,
        Value::DateTimeOffset(d) => f64::from(d.utc.date.0) + d.utc.time.0 as f64 / 864e9,
        Value::Time(t) => t.0 as f64,
        _ => return None,
    })
}
