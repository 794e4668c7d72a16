//! One SELECT: FROM, WHERE, grouping, the select list, windows, DISTINCT, ORDER BY, TOP.

use std::sync::Arc;

use holdfast_tsql::ast::expression::ExprKind as AstKind;
use holdfast_tsql::ast::query::{AssignOp, Query, Select, SelectItem};
use holdfast_types::{SqlError, SqlResult, SqlType};

use super::query::{BoundQueryPlan, check_distinct};
use super::{Binder, Clause, Level, OutColumn, QueryRole, Typed, at, err, key_of};
use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::logical::{Col, LogicalPlan};
use crate::physical::SortKey;

/// A select item before grouping is settled.
pub(crate) struct Item {
    pub name: Option<Arc<str>>,
    pub typed: Typed,
    pub meta: Option<Arc<super::ColumnMeta>>,
    pub assign: Option<crate::expr::ParamId>,
    key: String,
}

/// An aggregate over the rows that `counts` marks with 1.
fn counted_only(mut a: crate::physical::Aggregate, counts: Option<Col>) -> crate::physical::Aggregate {
    let Some(col) = counts else { return a };
    let value = a.argument.take().unwrap_or_else(|| Expr::int(1));
    let ty = value.ty;
    let condition = Expr::compare(crate::expr::CompareOp::Equal, col.expr(), Expr::int(1));
    let whens = vec![(condition, value)];
    a.argument = Some(Expr::new(ExprKind::Case { whens, otherwise: None }, ty, true));
    a
}

/// Columns of a select list.
const MOST_ITEMS: usize = 4096;

impl Binder<'_> {
    pub fn bind_select(&mut self, s: &Select, q: &Query, role: QueryRole) -> SqlResult<BoundQueryPlan> {
        self.levels.push(Level { is_select: true, ..Level::default() });
        let height = self.levels.len();
        let result = self.bind_select_inner(s, q, role);
        self.levels.truncate(height);
        self.levels.pop();
        result.map_err(|e| e.at_line(s.span.line))
    }

    fn bind_select_inner(&mut self, s: &Select, q: &Query, role: QueryRole) -> SqlResult<BoundQueryPlan> {
        if s.into.is_some() && role != QueryRole::Statement {
            return err(s.span, 156, &[&"INTO"]);
        }
        let from = self.bind_from(&s.from)?;
        let mut plan = from.plan;
        if let Some(l) = self.levels.last_mut() {
            l.sources = from.sources;
            l.named_windows = s.windows.iter().map(|(n, o)| (n.text.clone(), o.clone())).collect();
        }
        let mut counts = None;
        if let Some(filter) = &s.filter {
            self.set_clause(Clause::Where);
            let predicate = self.bind_condition(filter)?;
            if s.group_by.as_ref().is_some_and(|g| g.all) {
                // GROUP BY ALL: all rows make groups, those of the condition count in them.
                let col = self.new_col(SqlType::INT, false);
                let whens = vec![(predicate, Expr::int(1))];
                let marked = ExprKind::Case { whens, otherwise: Some(Box::new(Expr::int(0))) };
                plan = plan.extend(vec![(col.id, Expr::new(marked, SqlType::INT, false))]);
                counts = Some(col);
            } else {
                plan = plan.filter(predicate);
            }
        }
        let sets = match &s.group_by {
            Some(g) => {
                self.set_clause(Clause::GroupBy);
                self.bind_group_by(g)?
            }
            None => None,
        };
        if s.having.is_some()
            && let Some(l) = self.levels.last_mut()
        {
            l.grouped = true;
        }
        self.set_clause(Clause::Select);
        let mark = self.sequence_mark();
        let mut items = self.bind_items(&s.items)?;
        if items.len() > MOST_ITEMS {
            return err(s.span, 1056, &[&MOST_ITEMS]);
        }
        self.check_sequences(mark, s, q, role)?;
        self.set_clause(Clause::Having);
        let mut having = s.having.as_ref().map(|h| self.bind_condition(h)).transpose()?;
        self.set_clause(Clause::OrderBy);
        let mut keys = self.bind_order(s, q, &items, role)?;
        self.set_clause(Clause::Other);
        let top = match &s.top {
            Some(t) if t.with_ties && q.order_by.is_empty() => return err(s.span, 1062, &[]),
            Some(t) => {
                let saved =
                    self.levels.last_mut().map(|l| std::mem::take(&mut l.sources)).unwrap_or_default();
                let count = if t.percent {
                    let c = self.bind(&t.count)?;
                    self.coerce_to(c, SqlType::FLOAT)
                } else {
                    self.bind_count(&t.count)
                };
                if let Some(l) = self.levels.last_mut() {
                    l.sources = saved;
                }
                Some((at(t.count.span, count)?, t.percent, t.with_ties))
            }
            None => None,
        };

        let level = self.levels.last_mut().map(std::mem::take).unwrap_or_default();
        let Level { sources, aggregates, mut windows, group, grouped, grouping_id, outer, memo, .. } = level;
        // Later correlated references still belong to this level's collectors.
        if let Some(l) = self.levels.last_mut() {
            l.is_select = true;
            l.outer = outer;
            l.memo = memo;
            l.sources = sources;
        }

        if grouped || !group.is_empty() {
            let aggregate_ids: Vec<_> = aggregates.iter().map(|a| a.0).collect();
            let window_ids: Vec<_> = windows.iter().flat_map(|w| w.functions.iter().map(|f| f.0)).collect();
            let rolled = sets.is_some();
            let rewrite = |b: &mut Self, e: &mut Expr, number: i32| {
                b.settle_grouped(e, &group, &aggregate_ids, &window_ids, grouping_id, rolled, number)
            };
            for i in &mut items {
                rewrite(self, &mut i.typed.e, 8120)?;
            }
            if let Some(h) = &mut having {
                rewrite(self, h, 8121)?;
            }
            for k in &mut keys {
                rewrite(self, &mut k.expr, 8127)?;
            }
            for w in &mut windows {
                for e in w.partition.iter_mut().chain(w.order.iter_mut().map(|k| &mut k.expr)) {
                    rewrite(self, e, 8120)?;
                }
                for e in w.functions.iter_mut().flat_map(|f| f.1.args.iter_mut()) {
                    rewrite(self, e, 8120)?;
                }
            }
            plan = LogicalPlan::Aggregate {
                input: Box::new(plan),
                group: group.into_iter().map(|(id, e, _)| (id, e)).collect(),
                aggregates: aggregates.into_iter().map(|(id, a, _)| (id, counted_only(a, counts))).collect(),
                sets,
                grouping: grouping_id,
            };
        }
        if let Some(h) = having {
            plan = plan.filter(h);
        }
        for w in windows {
            plan = LogicalPlan::Window {
                input: Box::new(plan),
                partition: w.partition,
                order: w.order,
                functions: w.functions,
            };
        }

        // The select list.
        let assigning = items.iter().any(|i| i.assign.is_some());
        if assigning {
            if items.iter().any(|i| i.assign.is_none()) {
                return err(s.span, 141, &[]);
            }
            if role != QueryRole::Statement {
                return Err(SqlError::with_text(102, 15, "Incorrect syntax near '='."));
            }
        }
        let mut extra = Vec::new();
        let mut columns = Vec::with_capacity(items.len());
        for i in items {
            let (ty, nullable) = (i.typed.e.ty, i.typed.e.nullable);
            if !assigning && ty.id.is_character() {
                i.typed.coerce.resolved("SELECT", columns.len() + 1)?;
            }
            super::xml::no_node(&ty)?;
            let ty = if ty.id == holdfast_types::TypeId::Null { SqlType::INT } else { ty };
            let col = match &i.typed.e.kind {
                ExprKind::Column(id) if ty == i.typed.e.ty => Col { id: *id, ty, nullable },
                _ => {
                    let col = self.new_col(ty, nullable);
                    let mut e = i.typed.e.clone();
                    e.ty = ty;
                    if let Some(p) = i.assign {
                        self.assignments_push(p, e);
                    } else {
                        extra.push((col.id, e));
                    }
                    col
                }
            };
            if let Some(p) = i.assign {
                if let ExprKind::Column(_) = i.typed.e.kind {
                    self.assignments_push(p, i.typed.e.clone());
                }
                continue;
            }
            columns.push(OutColumn {
                name: i.name,
                col,
                coerce: i.typed.coerce,
                meta: i.meta,
                raw: i.typed.raw,
                untyped: i.typed.e.ty.id == holdfast_types::TypeId::Null,
            });
        }
        if !extra.is_empty() {
            // Sort keys equal to an item use the item's column.
            for k in &mut keys {
                let key = key_of(&k.expr);
                if let Some((id, e)) = extra.iter().find(|(_, e)| key_of(e) == key) {
                    k.expr = Expr::column(*id, e.ty, e.nullable);
                }
            }
        }
        plan = plan.extend(extra);
        if s.distinct {
            check_distinct(columns.iter().map(|c| &c.col.ty))?;
            let mut distinct: Vec<Col> = Vec::new();
            for c in &columns {
                if !distinct.iter().any(|d| d.id == c.col.id) {
                    distinct.push(c.col);
                }
            }
            for k in &keys {
                let mut used = Vec::new();
                k.expr.columns(&mut used);
                let direct =
                    matches!(k.expr.kind, ExprKind::Column(id) if distinct.iter().any(|d| d.id == id));
                let derived = !used.is_empty() && used.iter().all(|u| distinct.iter().any(|d| d.id == *u));
                if !direct && !derived {
                    return err(q.span, 145, &[]);
                }
            }
            plan = LogicalPlan::Distinct { input: Box::new(plan), columns: distinct };
        }
        let ordered = !keys.is_empty();
        let ties = top.as_ref().is_some_and(|t| t.2).then(|| keys.clone());
        // Without TOP or OFFSET the order of a view or subquery means nothing.
        if ordered {
            plan = LogicalPlan::Sort { input: Box::new(plan), keys };
        }
        if let Some((count, percent, _)) = top {
            plan = LogicalPlan::Top { input: Box::new(plan), count, percent, ties };
        }
        plan = self.bind_offset(plan, q)?;
        Ok(BoundQueryPlan { plan, columns, ordered })
    }

    pub fn bind_items(&mut self, list: &[SelectItem]) -> SqlResult<Vec<Item>> {
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            match item {
                SelectItem::Wildcard { qualifier, span } => {
                    let sources = self.levels.last().map(|l| l.sources.clone()).unwrap_or_default();
                    if sources.is_empty() {
                        return err(*span, 263, &[]);
                    }
                    let mut any = false;
                    let order = self.env.order;
                    for source in sources.iter().filter(|x| x.answers_to(order, qualifier)) {
                        any = true;
                        for c in source.columns.iter().filter(|c| !c.hidden) {
                            self.note_column(c);
                            let typed = Typed::with(c.col.expr(), c.coerce);
                            let key = key_of(&typed.e);
                            items.push(Item {
                                name: Some(c.name.clone()),
                                typed,
                                meta: c.meta.clone(),
                                assign: None,
                                key,
                            });
                        }
                    }
                    if !any {
                        let text = qualifier.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".");
                        return err(*span, 107, &[&text]);
                    }
                }
                SelectItem::Expr { expr, alias } => {
                    let typed = self.bind(expr)?;
                    let mut name: Option<Arc<str>> = alias.as_ref().map(|a| a.text.as_str().into());
                    let mut meta = None;
                    if let AstKind::Column(parts) = &expr.unparen().kind {
                        // In the case that the query writes it in, whatever the column's own is.
                        let property = parts.len() > 1 && matches!(typed.e.kind, ExprKind::Method { .. });
                        if name.is_none() && !property {
                            name = parts.last().map(|p| p.text.as_str().into());
                        }
                        if let ExprKind::Column(id) = typed.e.kind {
                            let column = self.levels.last().and_then(|l| {
                                l.sources.iter().flat_map(|x| &x.columns).find(|c| c.col.id == id)
                            });
                            meta = column.and_then(|c| c.meta.clone());
                        }
                    }
                    let key = key_of(&typed.e);
                    items.push(Item { name, typed, meta, assign: None, key });
                }
                SelectItem::Assign { variable, op, expr, span } => {
                    let Some(info) = self.variable(variable) else {
                        return err(*span, 137, &[variable]);
                    };
                    let mut t = self.bind(expr)?;
                    let binary = match op {
                        AssignOp::Set => None,
                        AssignOp::Add => Some(BinaryOp::Add),
                        AssignOp::Subtract => Some(BinaryOp::Subtract),
                        AssignOp::Multiply => Some(BinaryOp::Multiply),
                        AssignOp::Divide => Some(BinaryOp::Divide),
                        AssignOp::Modulo => Some(BinaryOp::Modulo),
                        AssignOp::BitAnd => Some(BinaryOp::BitAnd),
                        AssignOp::BitOr => Some(BinaryOp::BitOr),
                        AssignOp::BitXor => Some(BinaryOp::BitXor),
                        AssignOp::Concat => Some(BinaryOp::Concat),
                    };
                    if let Some(op) = binary {
                        let v = self.bind_variable(variable, *span)?;
                        t = at(*span, self.binary(op, v, t))?;
                    }
                    let e = at(*span, self.coerce_to(t, info.ty))?;
                    let typed = Typed::new(e);
                    let key = key_of(&typed.e);
                    items.push(Item { name: None, typed, meta: None, assign: Some(info.slot), key });
                }
            }
        }
        Ok(items)
    }

    /// ORDER BY of a plain SELECT: aliases and positions of the select list, or expressions over the sources.
    fn bind_order(
        &mut self,
        s: &Select,
        q: &Query,
        items: &[Item],
        role: QueryRole,
    ) -> SqlResult<Vec<SortKey>> {
        let _ = role;
        let mut keys: Vec<SortKey> = Vec::with_capacity(q.order_by.len());
        for (i, item) in q.order_by.iter().enumerate() {
            let e = &item.expr;
            let bare = e.unparen();
            let mut expr = None;
            if let Some(n) =
                bare.as_integer().filter(|_| matches!(bare.kind, AstKind::Literal(_) | AstKind::Unary { .. }))
            {
                match usize::try_from(n - 1).ok().and_then(|p| items.get(p)) {
                    Some(it) => expr = Some(it.typed.e.clone()),
                    None => return err(e.span, 108, &[&n]),
                }
            } else if let AstKind::Column(parts) = &bare.kind
                && parts.len() == 1
            {
                let order = self.env.order;
                let mut hits =
                    items.iter().filter(|x| x.name.as_deref().is_some_and(|n| order.same(n, &parts[0].text)));
                if let Some(first) = hits.next() {
                    if hits.any(|h| h.key != first.key) {
                        return err(e.span, 209, &[&parts[0].text]);
                    }
                    expr = Some(first.typed.e.clone());
                }
            } else if matches!(bare.kind, AstKind::Literal(_)) {
                return err(e.span, 408, &[&(i + 1)]);
            } else if let AstKind::Collate { value, collation } = &bare.kind
                && let AstKind::Column(parts) = &value.unparen().kind
                && parts.len() == 1
                && let Some(it) =
                    items.iter().find(|x| x.name.as_deref().is_some_and(|n| self.same(n, &parts[0].text)))
            {
                let Some(id) = self.find_collation(&collation.text) else {
                    return err(e.span, 448, &[&collation.text]);
                };
                expr = Some(super::collate::relabel(it.typed.e.clone(), id));
            }
            let expr = match expr {
                Some(x) => x,
                None => {
                    let bound = self.bind(e)?;
                    if bound.e.ty.id.is_character() {
                        at(e.span, bound.coerce.resolved("ORDER BY", i + 1))?;
                    }
                    bound.e
                }
            };
            if s.distinct {
                let key = key_of(&expr);
                let mut used = Vec::new();
                expr.columns(&mut used);
                let item_columns: Vec<String> = items.iter().map(|x| x.key.clone()).collect();
                let listed = item_columns.contains(&key)
                    || (!used.is_empty()
                        && used.iter().all(|u| item_columns.contains(&format!("Column({u})"))));
                if !listed {
                    return err(e.span, 145, &[]);
                }
            }
            at(e.span, self.comparable(&expr))?;
            if keys.iter().any(|k| key_of(&k.expr) == key_of(&expr)) {
                continue;
            }
            keys.push(SortKey { expr, descending: item.descending });
        }
        Ok(keys)
    }
}
