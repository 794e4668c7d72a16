//! GROUP BY: expressions, grouping sets, and the check that everything above the grouping is grouped.

use std::collections::HashSet;

use holdfast_tsql::ast::query::{GroupBy, GroupItem, GroupWith};
use holdfast_types::{SqlError, SqlResult};

use super::{Binder, err, key_of};
use crate::expr::{Binding, Expr, ExprKind, ParamId, SubPlan, Subquery};
use crate::logical::{ColumnId, LogicalPlan};

/// More sets than this are refused, as SQL Server does.
const MAX_SETS: usize = 4096;

impl Binder<'_> {
    /// Fills the level's group list; returns the grouping sets when there are several.
    pub fn bind_group_by(&mut self, g: &GroupBy) -> SqlResult<Option<Vec<Vec<usize>>>> {
        let several = |i: &GroupItem| !matches!(i, GroupItem::Expr(_) | GroupItem::Composite(_));
        if g.all && (g.with.is_some() || g.items.iter().any(several)) {
            let text = "The CUBE and ROLLUP options are not allowed in a GROUP BY ALL clause.";
            return Err(SqlError::with_text(1028, 15, text));
        }
        if let Some(l) = self.levels.last_mut() {
            l.grouped = true;
        }
        // Each item yields a list of alternatives (sets of positions); the result is their cross product.
        let mut product: Vec<Vec<usize>> = vec![Vec::new()];
        let mut plain = true;
        for item in &g.items {
            let alternatives = self.group_item(item, &mut plain)?;
            if product.len().saturating_mul(alternatives.len()) > MAX_SETS {
                return Err(SqlError::with_text(
                    10703,
                    16,
                    "Too many grouping sets. The maximum number is 4096.",
                ));
            }
            product = product
                .iter()
                .flat_map(|p| {
                    alternatives.iter().map(move |a| {
                        let mut set = p.clone();
                        set.extend(a.iter().filter(|x| !p.contains(x)));
                        set
                    })
                })
                .collect();
        }
        if let Some(with) = g.with {
            let all = product.pop().unwrap_or_default();
            product = match with {
                GroupWith::Rollup => rollup(&all.iter().map(|&i| vec![i]).collect::<Vec<_>>()),
                GroupWith::Cube => cube(&all.iter().map(|&i| vec![i]).collect::<Vec<_>>())?,
            };
            plain = false;
        }
        if plain {
            return Ok(None);
        }
        let id = self.new_column();
        let columns: Vec<_> =
            self.levels.last().map(|l| l.group.iter().map(|g| g.0).collect()).unwrap_or_default();
        // With sets every key needs an identity of its own, for it may become NULL.
        let fresh: Vec<_> = columns.iter().map(|_| self.new_column()).collect();
        if let Some(l) = self.levels.last_mut() {
            l.grouping_id = Some(id);
            for (g, f) in l.group.iter_mut().zip(fresh) {
                g.0 = f;
            }
        }
        Ok(Some(product))
    }

    fn group_item(&mut self, item: &GroupItem, plain: &mut bool) -> SqlResult<Vec<Vec<usize>>> {
        Ok(match item {
            GroupItem::Expr(e) => vec![vec![self.group_expr(e)?]],
            GroupItem::Composite(list) => {
                let mut set = Vec::new();
                for e in list {
                    let p = self.group_expr(e)?;
                    if !set.contains(&p) {
                        set.push(p);
                    }
                }
                vec![set]
            }
            GroupItem::Empty => {
                *plain = false;
                vec![Vec::new()]
            }
            GroupItem::Rollup(items) => {
                *plain = false;
                let parts = self.group_parts(items)?;
                rollup(&parts)
            }
            GroupItem::Cube(items) => {
                *plain = false;
                let parts = self.group_parts(items)?;
                cube(&parts)?
            }
            GroupItem::GroupingSets(items) => {
                *plain = false;
                let mut sets = Vec::new();
                for i in items {
                    sets.extend(self.nested(|b| b.group_item(i, &mut false))?);
                }
                sets
            }
        })
    }

    fn group_parts(&mut self, items: &[GroupItem]) -> SqlResult<Vec<Vec<usize>>> {
        let mut parts = Vec::with_capacity(items.len());
        for i in items {
            let mut ignored = true;
            parts.push(self.nested(|b| b.group_item(i, &mut ignored))?.concat());
        }
        Ok(parts)
    }

    /// Position of a group expression in the level's list.
    fn group_expr(&mut self, e: &holdfast_tsql::ast::expression::Expr) -> SqlResult<usize> {
        let t = self.bind(e)?;
        if t.e.any(&|x| matches!(x.kind, ExprKind::Subquery(_))) {
            return err(e.span, 144, &[]);
        }
        if !t.e.any(&|x| matches!(x.kind, ExprKind::Column(_))) {
            return err(e.span, 164, &[]);
        }
        self.comparable(&t.e).map_err(|x| x.at_line(e.span.line))?;
        let key = key_of(&t.e);
        if let Some(p) = self.levels.last().and_then(|l| l.group.iter().position(|g| g.2 == key)) {
            return Ok(p);
        }
        let id = match t.e.kind {
            ExprKind::Column(id) => id,
            _ => self.new_column(),
        };
        let Some(l) = self.levels.last_mut() else {
            return Err(SqlError::not_supported("GROUP BY here"));
        };
        l.group.push((id, t.e, key));
        Ok(l.group.len() - 1)
    }

    /// Replaces group expressions by their columns; any other column is error `number`.
    #[allow(clippy::too_many_arguments)]
    pub fn settle_grouped(
        &mut self,
        e: &mut Expr,
        group: &[(ColumnId, Expr, String)],
        aggregates: &[ColumnId],
        windows: &[ColumnId],
        grouping_id: Option<ColumnId>,
        rolled: bool,
        number: i32,
    ) -> SqlResult<()> {
        if !matches!(e.kind, ExprKind::Literal(_)) {
            let key = key_of(e);
            if let Some((id, source, _)) = group.iter().find(|g| g.2 == key) {
                *e = Expr::column(*id, e.ty, source.nullable || rolled);
                return Ok(());
            }
        }
        if let ExprKind::Column(id) = e.kind {
            if aggregates.contains(&id) || windows.contains(&id) || grouping_id == Some(id) {
                return Ok(());
            }
            let name = self.column_names.get(&id).cloned().unwrap_or_default();
            return Err(SqlError::new(number, &[&name]));
        }
        let inside = match &mut e.kind {
            ExprKind::Subquery(s) => self.group_inside(s, group, rolled),
            _ => Vec::new(),
        };
        let mut result = Ok(());
        let mut nullable = false;
        e.for_each_child_mut(&mut |c| {
            if result.is_ok() {
                result = self.settle_grouped(c, group, aggregates, windows, grouping_id, rolled, number);
            }
            nullable |= c.nullable;
        });
        if let ExprKind::Subquery(s) = &mut e.kind {
            s.bindings.extend(inside);
        }
        if rolled
            && nullable
            && !matches!(e.kind, ExprKind::IsNull { .. } | ExprKind::Function { .. } | ExprKind::Coalesce(_))
        {
            e.nullable = true;
        }
        result
    }

    /// Inside a subquery of a grouped query a whole group expression stands for the group too: it becomes a slot. Answers what binds
    /// the slots to the groups' columns. A column that is still used by itself keeps its binding, which [`Self::settle_grouped`] judges.
    fn group_inside(
        &mut self,
        s: &mut Subquery,
        group: &[(ColumnId, Expr, String)],
        rolled: bool,
    ) -> Vec<Binding> {
        let SubPlan::Logical(plan) = &mut s.plan else { return Vec::new() };
        let mut added = Vec::new();
        for (id, source, _) in group.iter().filter(|g| !matches!(g.1.kind, ExprKind::Column(_))) {
            let mut inner = source.clone();
            let mut reachable = true;
            inner.rewrite(&mut |x| {
                if let ExprKind::Column(c) = x.kind {
                    let bound = |b: &&Binding| matches!(b.value.kind, ExprKind::Column(v) if v == c);
                    match s.bindings.iter().find(bound) {
                        Some(b) => x.kind = ExprKind::Parameter(b.slot),
                        None => reachable = false,
                    }
                }
            });
            if !reachable {
                continue;
            }
            let (key, nullable) = (key_of(&inner), source.nullable || rolled);
            let mut slot = None;
            every_expr(plan, &mut |x| {
                if key_of(x) == key {
                    let slot = *slot.get_or_insert_with(|| self.new_slot());
                    *x = Expr::new(ExprKind::Parameter(slot), x.ty, nullable);
                }
            });
            let column = Expr::column(*id, source.ty, nullable);
            added.extend(slot.map(|slot| Binding { slot, value: column }));
        }
        if added.is_empty() {
            return added;
        }
        let mut used = HashSet::new();
        every_expr(plan, &mut |x| {
            if let ExprKind::Parameter(slot) = x.kind {
                used.insert(slot);
            }
        });
        s.bindings.retain(|b| used.contains(&b.slot));
        added
    }

    pub fn assignments_push(&mut self, slot: ParamId, e: Expr) {
        self.assignments.push((slot, e));
    }
}

/// Calls `f` on every expression of a plan from the leaves up, those in subqueries' plans included.
fn every_expr(plan: &mut LogicalPlan, f: &mut dyn FnMut(&mut Expr)) {
    plan.for_each_expr_mut(&mut |e| {
        e.rewrite(&mut |x| {
            if let ExprKind::Subquery(s) = &mut x.kind
                && let SubPlan::Logical(p) = &mut s.plan
            {
                every_expr(p, f);
            }
            f(x);
        });
    });
    for input in plan.inputs_mut() {
        every_expr(input, f);
    }
}

fn rollup(parts: &[Vec<usize>]) -> Vec<Vec<usize>> {
    (0..=parts.len()).rev().map(|n| merge(parts[..n].iter())).collect()
}

fn cube(parts: &[Vec<usize>]) -> SqlResult<Vec<Vec<usize>>> {
    if parts.len() > 12 {
        return Err(SqlError::with_text(10703, 16, "Too many grouping sets. The maximum number is 4096."));
    }
    let n = parts.len();
    Ok((0..1usize << n)
        .rev()
        .map(|mask| {
            merge(parts.iter().enumerate().filter(|(i, _)| mask & (1 << (n - 1 - i)) != 0).map(|(_, p)| p))
        })
        .collect())
}

fn merge<'p>(parts: impl Iterator<Item = &'p Vec<usize>>) -> Vec<usize> {
    let mut out = Vec::new();
    for p in parts.flatten() {
        if !out.contains(p) {
            out.push(*p);
        }
    }
    out
}
