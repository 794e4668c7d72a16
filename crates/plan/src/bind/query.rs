//! Query expressions: WITH, set operations, ORDER BY and FOR clauses around them, recursive CTEs.

use std::sync::Arc;

use holdfast_tsql::ast::query::{
    CommonTable, ForClause, ForXmlMode, OrderItem, Query, QueryBody, Select, SelectItem, SetOp, TableKind,
    TableRef, With,
};
use holdfast_tsql::ast::{ExprKind as AstKind, Ident};
use holdfast_types::{NameOrder, SqlError, SqlResult, SqlType, TypeId};

use super::from::From;
use super::recursion;
use super::{Binder, Coerce, Cte, OutColumn, ScopeColumn, Source, err};
use crate::expr::{Expr, ExprKind};
use crate::logical::{Col, ColumnId, LogicalPlan};
use crate::physical::{SetOpKind, SortKey};
use crate::typing;

/// What a query is for: decides whether ORDER BY needs TOP and whether assignments may stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum QueryRole {
    Statement,
    Derived,
    View,
    Subquery,
    Exists,
}

/// A bound query: its plan and its columns in order.
#[derive(Clone, Debug)]
pub(crate) struct BoundQueryPlan {
    pub plan: LogicalPlan,
    pub columns: Vec<OutColumn>,
    /// Rows come in the order asked for.
    pub ordered: bool,
}

impl Binder<'_> {
    pub fn bind_query(&mut self, q: &Query, role: QueryRole) -> SqlResult<BoundQueryPlan> {
        self.nested(|b| b.bind_query_inner(q, role)).map_err(|e| e.at_line(q.span.line))
    }

    fn bind_query_inner(&mut self, q: &Query, role: QueryRole) -> SqlResult<BoundQueryPlan> {
        self.with_ctes(q.with.as_ref(), |b| b.bind_with_tail(q, role))
    }

    /// Binds with the CTEs of a WITH clause in scope.
    pub fn with_ctes<T>(
        &mut self,
        with: Option<&With>,
        f: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<T> {
        let ctes = self.ctes.len();
        let namespaces = self.env.namespaces.clone();
        if let Some(with) = with {
            for n in &with.namespaces {
                let prefix = n.prefix.as_ref().map_or("", |p| p.text.as_str()).to_owned();
                self.env.namespaces.retain(|o| o.0 != prefix);
                self.env.namespaces.push((prefix, n.uri.clone()));
            }
            for table in &with.tables {
                if self.ctes[ctes..].iter().any(|c| self.same(&c.table.name.text, &table.name.text)) {
                    return Err(SqlError::with_text(
                        239,
                        16,
                        format!(
                            "Duplicate common table expression name '{}' was specified.",
                            table.name.text
                        ),
                    ));
                }
                let visible = self.ctes.len();
                self.ctes.push(Cte { table: Arc::new(table.clone()), visible, recursion: None });
            }
        }
        let result = f(self);
        self.ctes.truncate(ctes);
        self.env.namespaces = namespaces;
        result
    }

    fn bind_with_tail(&mut self, q: &Query, role: QueryRole) -> SqlResult<BoundQueryPlan> {
        let serialises = matches!(q.for_clause, Some(ForClause::Xml(_) | ForClause::Json(_)));
        if role != QueryRole::Statement && !q.order_by.is_empty() && q.offset.is_none() && !serialises {
            let has_top = matches!(&q.body, QueryBody::Select(s) if s.top.is_some());
            if !has_top {
                return err(q.span, 1033, &[]);
            }
        }
        let mut bound = match &q.body {
            QueryBody::Select(s) => self.bind_select(s, q, role)?,
            QueryBody::Paren(inner) if q.order_by.is_empty() && q.offset.is_none() => {
                self.bind_query(inner, role)?
            }
            body => {
                let b = self.bind_body(body)?;
                self.order_set(b, q)?
            }
        };
        let tableless = matches!(&q.body, QueryBody::Select(s) if s.from.is_empty());
        match &q.for_clause {
            Some(ForClause::Xml(x)) if tableless && x.mode == ForXmlMode::Auto => {
                return err(q.span, 6800, &[]);
            }
            Some(ForClause::Json(j)) if tableless && !j.path => return err(q.span, 13600, &[]),
            Some(ForClause::Xml(x)) => bound = self.bind_for_xml(bound, x, role == QueryRole::Statement)?,
            Some(ForClause::Json(j)) => bound = self.bind_for_json(bound, j, role == QueryRole::Statement)?,
            Some(ForClause::Browse | ForClause::ReadOnly | ForClause::Update(_)) | None => {}
        }
        Ok(bound)
    }

    /// VALUES as a query of its own.
    pub(super) fn bind_values_query(
        &mut self,
        rows: &[Vec<holdfast_tsql::ast::expression::Expr>],
    ) -> SqlResult<BoundQueryPlan> {
        let clause = super::Clause::Select;
        self.levels.push(super::Level { is_select: true, clause, ..super::Level::default() });
        let bound = self.bind_values(rows);
        // One of its own has no query to be computed in.
        let level = self.levels.pop();
        let own = level.as_ref().is_some_and(|l| l.grouped);
        match bound {
            Ok(_) if level.is_some_and(|l| !l.windows.is_empty()) => Err(SqlError::new(4108, &[])),
            Ok(_) if own => Err(SqlError::not_supported("An aggregate in VALUES")),
            other => other,
        }
    }

    /// A body without ORDER BY: an operand of a set operation.
    fn bind_body(&mut self, body: &QueryBody) -> SqlResult<BoundQueryPlan> {
        self.nested(|b| match body {
            QueryBody::Select(s) => b.bind_select(s, &plain_query(body), QueryRole::Subquery),
            QueryBody::Paren(q) => b.bind_query(q, QueryRole::Derived),
            QueryBody::Values(rows) => b.bind_values_query(rows),
            QueryBody::Set { op, all, .. } => {
                // Left-deep chains of one operator are flattened so that a long UNION ALL needs no deep stack.
                let mut operands = Vec::new();
                let mut current = body;
                while let QueryBody::Set { op: o, all: a, left, right } = current
                    && o == op
                    && a == all
                {
                    operands.push(right.as_ref());
                    current = left;
                }
                operands.push(current);
                operands.reverse();
                let around = std::mem::replace(&mut b.in_set_operation, true);
                let bound = operands.into_iter().map(|x| b.bind_body(x)).collect::<SqlResult<Vec<_>>>();
                b.in_set_operation = around;
                let bound = bound?;
                match op {
                    SetOp::Union => b.union(bound, *all),
                    SetOp::Except => b.set_op(bound, SetOpKind::Except),
                    SetOp::Intersect => b.set_op(bound, SetOpKind::Intersect),
                }
            }
        })
    }

    /// Common types of the operands' columns, position by position.
    fn unify_columns(
        &mut self,
        operands: &[BoundQueryPlan],
        meeting: super::collate::Meeting<'_>,
    ) -> SqlResult<Vec<(SqlType, Coerce)>> {
        let width = operands.first().map_or(0, |o| o.columns.len());
        if operands.iter().any(|o| o.columns.len() != width) {
            return Err(SqlError::new(205, &[]));
        }
        (0..width)
            .map(|i| {
                let types: Vec<_> = operands.iter().map(|o| o.columns[i].offered()).collect();
                let (ty, coerce) = self.common_of(&types, meeting)?;
                coerce.resolved("SELECT", i + 1)?;
                Ok((ty, coerce))
            })
            .collect()
    }

    /// Converts an operand's columns to the common types; returns the ids in order.
    fn conform(
        &mut self,
        operand: BoundQueryPlan,
        types: &[(SqlType, Coerce)],
    ) -> (LogicalPlan, Vec<ColumnId>) {
        let mut extra = Vec::new();
        let mut ids = Vec::with_capacity(types.len());
        for (c, (ty, _)) in operand.columns.iter().zip(types) {
            if c.col.ty == *ty {
                ids.push(c.col.id);
            } else {
                let id = self.new_column();
                let value = match c.untyped {
                    true => Expr { ty: *ty, ..Expr::null() },
                    false => self.convert(c.col.expr(), *ty),
                };
                extra.push((id, value));
                ids.push(id);
            }
        }
        (operand.plan.extend(extra), ids)
    }

    fn set_columns(
        &mut self,
        operands: &[BoundQueryPlan],
        types: &[(SqlType, Coerce)],
        kind: Option<SetOpKind>,
    ) -> (Vec<Col>, Vec<OutColumn>) {
        let mut cols = Vec::with_capacity(types.len());
        let mut out = Vec::with_capacity(types.len());
        for (i, (ty, coerce)) in types.iter().enumerate() {
            let nullable = match kind {
                Some(SetOpKind::Except) => operands[0].columns[i].col.nullable,
                Some(SetOpKind::Intersect) => operands.iter().all(|o| o.columns[i].col.nullable),
                None => operands.iter().any(|o| o.columns[i].col.nullable),
            };
            let col = self.new_col(*ty, nullable);
            cols.push(col);
            let meta = operands[0].columns[i].meta.as_ref().map(|m| {
                Arc::new(super::ColumnMeta {
                    identity: false,
                    computed: false,
                    user_type: m.user_type.clone(),
                    source: None,
                })
            });
            out.push(OutColumn {
                name: operands[0].columns[i].name.clone(),
                col,
                coerce: *coerce,
                meta,
                raw: false,
                untyped: operands.iter().all(|o| o.columns[i].untyped),
            });
        }
        (cols, out)
    }

    fn union(&mut self, operands: Vec<BoundQueryPlan>, all: bool) -> SqlResult<BoundQueryPlan> {
        use super::collate::Meeting;
        let meeting = if all { Meeting::Makes("UNION ALL") } else { Meeting::Decides("UNION") };
        let types = self.unify_columns(&operands, meeting)?;
        if !all {
            check_distinct(types.iter().map(|t| &t.0))?;
        }
        let (cols, columns) = self.set_columns(&operands, &types, None);
        let inputs = operands.into_iter().map(|o| self.conform(o, &types)).collect();
        let mut plan = LogicalPlan::Concat { inputs, columns: cols.clone() };
        if !all {
            plan = LogicalPlan::Distinct { input: Box::new(plan), columns: cols };
        }
        Ok(BoundQueryPlan { plan, columns, ordered: false })
    }

    fn set_op(&mut self, operands: Vec<BoundQueryPlan>, kind: SetOpKind) -> SqlResult<BoundQueryPlan> {
        let mut operands = operands.into_iter();
        let Some(mut left) = operands.next() else {
            return Err(SqlError::new(205, &[]));
        };
        for right in operands {
            let pair = [left, right];
            let words = if kind == SetOpKind::Except { "EXCEPT" } else { "INTERSECT" };
            let types = self.unify_columns(&pair, super::collate::Meeting::Decides(words))?;
            check_distinct(types.iter().map(|t| &t.0))?;
            let (cols, columns) = self.set_columns(&pair, &types, Some(kind));
            let [l, r] = pair;
            let (lp, left_columns) = self.conform(l, &types);
            let (rp, right_columns) = self.conform(r, &types);
            let plan = LogicalPlan::SetOp {
                kind,
                left: Box::new(lp),
                right: Box::new(rp),
                left_columns,
                right_columns,
                columns: cols,
            };
            left = BoundQueryPlan { plan, columns, ordered: false };
        }
        Ok(left)
    }

    /// ORDER BY and OFFSET over a set operation or VALUES: names and positions of its columns only.
    fn order_set(&mut self, mut b: BoundQueryPlan, q: &Query) -> SqlResult<BoundQueryPlan> {
        let mut keys = Vec::with_capacity(q.order_by.len());
        for (i, item) in q.order_by.iter().enumerate() {
            let e = item.expr.unparen();
            use holdfast_tsql::ast::expression::ExprKind as K;
            let column = match &e.kind {
                K::Column(parts) if parts.len() == 1 => {
                    let mut hits = b
                        .columns
                        .iter()
                        .filter(|c| c.name.as_deref().is_some_and(|n| self.same(n, &parts[0].text)));
                    let own =
                        |name| item_position(self.env.order, &q.body, name).and_then(|i| b.columns.get(i));
                    match (hits.next(), hits.next()) {
                        (Some(c), None) => c,
                        (Some(_), Some(_)) => return err(e.span, 209, &[&parts[0].text]),
                        // A column of the first operand by its own name.
                        (None, _) => match own(parts) {
                            Some(c) => c,
                            None => return err(e.span, 207, &[&parts[0].text]),
                        },
                    }
                }
                // A qualified name stands for the item that the first operand writes the same way.
                K::Column(parts) => {
                    match item_position(self.env.order, &q.body, parts).and_then(|i| b.columns.get(i)) {
                        Some(c) => c,
                        None => return err(e.span, 104, &[]),
                    }
                }
                _ => match e.as_integer() {
                    Some(n) => match usize::try_from(n - 1).ok().and_then(|p| b.columns.get(p)) {
                        Some(c) => c,
                        None => return err(e.span, 108, &[&n]),
                    },
                    None if matches!(e.kind, K::Literal(_)) => return err(e.span, 408, &[&(i + 1)]),
                    None => {
                        // `ORDER BY a COLLATE x` over a set: the one expression allowed besides a name.
                        if let K::Collate { value, collation } = &e.kind
                            && let K::Column(parts) = &value.unparen().kind
                            && let Some(c) = b.columns.iter().find(|c| {
                                c.name
                                    .as_deref()
                                    .is_some_and(|n| parts.len() == 1 && self.same(n, &parts[0].text))
                            })
                            && let Some(id) = self.find_collation(&collation.text)
                        {
                            keys.push(SortKey {
                                expr: super::collate::relabel(c.col.expr(), id),
                                descending: item.descending,
                            });
                            continue;
                        }
                        return err(e.span, 104, &[]);
                    }
                },
            };
            let expr = column.col.expr();
            self.comparable(&expr)?;
            keys.push(SortKey { expr, descending: item.descending });
        }
        if !keys.is_empty() {
            b.plan = LogicalPlan::Sort { input: Box::new(b.plan), keys };
            b.ordered = true;
        }
        b.plan = self.bind_offset(b.plan, q)?;
        Ok(b)
    }

    pub fn bind_offset(&mut self, plan: LogicalPlan, q: &Query) -> SqlResult<LogicalPlan> {
        let Some(offset) = &q.offset else { return Ok(plan) };
        if let QueryBody::Select(s) = &q.body
            && s.top.is_some()
        {
            return err(offset.span, 10741, &[]);
        }
        let (offset, fetch) = {
            let o = self.bind_rows(offset)?;
            let f = q.fetch.as_ref().map(|f| self.bind_rows(f)).transpose()?;
            (o, f)
        };
        Ok(LogicalPlan::Offset { input: Box::new(plan), offset, fetch })
    }

    /// A row count of TOP, OFFSET or FETCH.
    /// The same where the columns of the query are in sight, which it may not use.
    fn bind_rows(&mut self, e: &holdfast_tsql::ast::expression::Expr) -> SqlResult<Expr> {
        let count = self.bind_count(e)?;
        match crate::build::columns_of(&count).into_iter().next() {
            Some(id) => {
                let name = self.column_names.get(&id).cloned().unwrap_or_default();
                let name = name.rsplit('.').next().unwrap_or_default().to_owned();
                err(e.span, 4115, &[&name])
            }
            None => Ok(count),
        }
    }

    pub fn bind_count(&mut self, e: &holdfast_tsql::ast::expression::Expr) -> SqlResult<Expr> {
        let t = self.bind(e)?;
        if !t.e.ty.id.is_integer() && t.e.ty.id != TypeId::Null {
            // TOP (10.0) and the like.
            if t.e.ty.id.is_numeric() || t.e.ty.id.is_character() {
                return err(e.span, 1060, &[]);
            }
            return err(e.span, 206, &[&t.e.ty.id.name(), &"bigint"]);
        }
        Ok(self.convert(t.e, SqlType::BIGINT))
    }

    /// A reference to the CTE at index `i`.
    pub fn bind_cte(&mut self, i: usize, label: &str) -> SqlResult<From> {
        let cte = self.ctes[i].clone();
        if let Some((id, columns)) = &cte.recursion {
            // A read of the previous round, under fresh column ids.
            let mut cols = Vec::with_capacity(columns.len());
            let mut scope = Vec::with_capacity(columns.len());
            for c in columns {
                let col = self.new_col(c.col.ty, c.col.nullable);
                self.column_names.insert(col.id, format!("{label}.{}", c.name));
                cols.push(col);
                scope.push(ScopeColumn { col, ..c.clone() });
            }
            let plan = LogicalPlan::CteRead { id: *id, columns: cols };
            let source =
                Source { name: Some(label.into()), aliased: true, columns: scope, ..Source::default() };
            return Ok(From { plan, sources: vec![source] });
        }
        let saved_levels = std::mem::take(&mut self.levels);
        let hidden = self.ctes.split_off(cte.visible);
        let result = self.nested(|b| {
            if references(&cte.table.query, (b.env.order, &cte.table.name.text)) {
                b.bind_recursive(&cte.table)
            } else {
                b.bind_query(&cte.table.query, QueryRole::View)
            }
        });
        self.ctes.truncate(cte.visible);
        self.ctes.extend(hidden);
        self.levels = saved_levels;
        self.derived(result?, label, &cte.table.columns).map(|mut f| {
            if let Some(s) = f.sources.first_mut() {
                s.name = Some(label.into());
            }
            f
        })
    }

    fn bind_recursive(&mut self, table: &CommonTable) -> SqlResult<BoundQueryPlan> {
        let name = &table.name.text;
        // Flatten the UNION ALL chain.
        let mut parts = Vec::new();
        let mut current = &table.query.body;
        while let QueryBody::Set { op: SetOp::Union, all: true, left, right } = current {
            parts.push(right.as_ref());
            current = left;
        }
        parts.push(current);
        parts.reverse();
        if parts.len() < 2 {
            return Err(SqlError::new(252, &[name]));
        }
        let (anchors, recursive): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|p| !body_references(p, (self.env.order, name)));
        if anchors.is_empty() {
            return Err(SqlError::new(246, &[name]));
        }
        if recursive.iter().any(|r| matches!(r, QueryBody::Set { .. })) {
            return Err(SqlError::new(252, &[name]));
        }
        let mut bound = anchors.into_iter().map(|a| self.bind_body(a)).collect::<SqlResult<Vec<_>>>()?;
        let anchor = if bound.len() == 1 { bound.remove(0) } else { self.union(bound, true)? };
        let id = self.next_cte;
        self.next_cte += 1;
        let mut scope = Vec::with_capacity(anchor.columns.len());
        if !table.columns.is_empty() && table.columns.len() != anchor.columns.len() {
            return Err(SqlError::new(
                if table.columns.len() < anchor.columns.len() { 8158 } else { 8159 },
                &[name],
            ));
        }
        for (i, c) in anchor.columns.iter().enumerate() {
            let column_name: Arc<str> = match table.columns.get(i) {
                Some(n) => n.text.as_str().into(),
                None => c.name.clone().unwrap_or_else(|| "".into()),
            };
            let col = Col { nullable: true, ..c.col };
            let coerce = if c.coerce == Coerce::Default { Coerce::Implicit } else { c.coerce };
            scope.push(ScopeColumn {
                name: column_name,
                col,
                coerce,
                meta: None,
                hidden: false,
                origin: None,
            });
        }
        let here = self.ctes.len();
        self.ctes.push(Cte { table: Arc::new(table.clone()), visible: here, recursion: Some((id, scope)) });
        let rounds = recursive
            .into_iter()
            .map(|r| {
                if count_references(r, (self.env.order, name)) > 1 {
                    return Err(SqlError::new(253, &[name]));
                }
                recursion::check_text(r, (self.env.order, name))?;
                let bound = self.bind_body(r)?;
                recursion::check_plan(&bound.plan, name)?;
                Ok(bound)
            })
            .collect::<SqlResult<Vec<_>>>();
        self.ctes.truncate(here);
        let mut rounds = rounds?;
        let width = anchor.columns.len();
        for r in &rounds {
            if r.columns.len() != width {
                return Err(SqlError::new(205, &[]));
            }
            for (i, (a, c)) in anchor.columns.iter().zip(&r.columns).enumerate() {
                if !recursion_types_match(&a.col.ty, &c.col.ty) {
                    let column = table
                        .columns
                        .get(i)
                        .map(|n| n.text.clone())
                        .or_else(|| a.name.as_ref().map(|n| n.to_string()));
                    return Err(SqlError::new(240, &[&column.unwrap_or_default(), name]));
                }
            }
        }
        let round = if rounds.len() == 1 { rounds.remove(0) } else { self.union(rounds, true)? };
        let types: Vec<_> = anchor.columns.iter().map(|c| (c.col.ty, c.coerce)).collect();
        let mut cols = Vec::with_capacity(width);
        let mut columns = Vec::with_capacity(width);
        for c in &anchor.columns {
            let col = self.new_col(c.col.ty, true);
            cols.push(col);
            columns.push(OutColumn { col, meta: None, raw: false, ..c.clone() });
        }
        let anchor_columns = anchor.columns.iter().map(|c| c.col.id).collect();
        let (recursive, recursive_columns) = self.conform(round, &types);
        let plan = LogicalPlan::RecursiveCte {
            id,
            anchor: Box::new(anchor.plan),
            anchor_columns,
            recursive: Box::new(recursive),
            recursive_columns,
            columns: cols,
            max_recursion: self.max_recursion,
        };
        Ok(BoundQueryPlan { plan, columns, ordered: false })
    }
}

/// Anchor and recursive part must agree in type and size.
fn recursion_types_match(a: &SqlType, b: &SqlType) -> bool {
    b.id == TypeId::Null
        || (a.id == b.id
            && a.length == b.length
            && (!matches!(a.id, TypeId::Decimal | TypeId::Numeric)
                || (a.precision == b.precision && a.scale == b.scale)))
}

pub(crate) fn check_distinct<'t>(types: impl Iterator<Item = &'t SqlType>) -> SqlResult<()> {
    for t in types {
        if typing::not_comparable(t.id) {
            return Err(SqlError::new(421, &[&t.id.name()]));
        }
    }
    Ok(())
}

/// A query with nothing around its body, for operands.
fn plain_query(body: &QueryBody) -> Query {
    let span = match body {
        QueryBody::Select(s) => s.span,
        _ => holdfast_tsql::Span::default(),
    };
    Query {
        with: None,
        body: QueryBody::Values(Vec::new()),
        order_by: Vec::<OrderItem>::new(),
        offset: None,
        fetch: None,
        for_clause: None,
        span,
    }
}

/// Where the first operand of a set operation selects the column that `parts` names, if no wildcard hides the positions.
fn item_position(order: NameOrder, body: &QueryBody, parts: &[Ident]) -> Option<usize> {
    let mut body = body;
    let items = loop {
        match body {
            QueryBody::Set { left, .. } => body = left,
            QueryBody::Paren(q) => body = &q.body,
            QueryBody::Select(s) => break &s.items,
            QueryBody::Values(_) => return None,
        }
    };
    for (i, item) in items.iter().enumerate() {
        match item {
            SelectItem::Expr { expr, .. } => {
                if let AstKind::Column(c) = &expr.unparen().kind
                    && c.len() >= parts.len()
                    && c.iter().rev().zip(parts.iter().rev()).all(|(a, b)| order.same(&a.text, &b.text))
                {
                    return Some(i);
                }
            }
            SelectItem::Wildcard { .. } | SelectItem::Assign { .. } => return None,
        }
    }
    None
}

/// A name and how it is compared.
pub(super) type Named<'a> = (NameOrder, &'a str);

/// Whether a query's FROM clauses name `name` (one part).
fn references(q: &Query, name: Named<'_>) -> bool {
    body_references(&q.body, name)
}

fn body_references(b: &QueryBody, name: Named<'_>) -> bool {
    count_references(b, name) > 0
}

fn count_references(b: &QueryBody, name: Named<'_>) -> usize {
    match b {
        QueryBody::Select(s) => {
            s.from.iter().map(|t| table_references(t, name)).sum::<usize>() + select_subqueries(s, name)
        }
        QueryBody::Set { left, right, .. } => count_references(left, name) + count_references(right, name),
        QueryBody::Paren(q) => count_references(&q.body, name),
        QueryBody::Values(_) => 0,
    }
}

/// References inside EXISTS and IN of WHERE (where SQL Server allows none but must still see them).
fn select_subqueries(s: &Select, name: Named<'_>) -> usize {
    use holdfast_tsql::ast::expression::{Expr, ExprKind as K};
    fn walk(e: &Expr, name: Named<'_>, depth: usize) -> usize {
        if depth > 100 {
            return 0;
        }
        match &e.kind {
            K::And(v) | K::Or(v) => v.iter().map(|x| walk(x, name, depth + 1)).sum(),
            K::Not(x) | K::Paren(x) => walk(x, name, depth + 1),
            K::Exists(q) | K::InSubquery { query: q, .. } | K::Subquery(q) => count_references(&q.body, name),
            K::Comparison { left, right, .. } => walk(left, name, depth + 1) + walk(right, name, depth + 1),
            _ => 0,
        }
    }
    s.filter.as_ref().map_or(0, |f| walk(f, name, 0))
}

fn table_references(t: &TableRef, name: Named<'_>) -> usize {
    match &t.kind {
        TableKind::Named(n) => usize::from(n.name.is_simple() && name.0.same(&n.name.name.text, name.1)),
        TableKind::Derived { query, .. } => {
            // A WITH inside may hide the name; names are checked when bound.
            count_references(&query.body, name)
        }
        TableKind::Join { left, right, .. } | TableKind::Apply { left, right, .. } => {
            table_references(left, name) + table_references(right, name)
        }
        TableKind::Paren(x) => table_references(x, name),
        TableKind::Pivot(p) => table_references(&p.input, name),
        TableKind::Unpivot(u) => table_references(&u.input, name),
        _ => 0,
    }
}

/// Whether an expression is a plain constant.
pub(crate) fn is_constant(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Literal(_))
}
