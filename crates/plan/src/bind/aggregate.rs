//! Aggregates of a query, aggregates that belong to an outer query, GROUPING and GROUPING_ID.

use holdfast_tsql::Span;
use holdfast_tsql::ast::expression as ast;
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::{Binder, Clause, Coerce, Typed, err, key_of};
use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::function::AggregateId;
use crate::physical::{Aggregate, SortKey};
use crate::typing;

impl Binder<'_> {
    /// An aggregate of the current query.
    pub(super) fn bind_aggregate(
        &mut self,
        id: AggregateId,
        call: &ast::FunctionCall,
        span: Span,
    ) -> SqlResult<Typed> {
        let Some(level) = self.levels.last() else {
            return err(span, 147, &[]);
        };
        if !level.is_select {
            return Err(SqlError::not_supported("An aggregate here").at_line(span.line));
        }
        if matches!(level.clause, Clause::Where | Clause::Having | Clause::Select)
            && !level.in_aggregate
            && let Some(t) = self.bind_outer_aggregate(id, call, span)
        {
            return t;
        }
        let Some(level) = self.levels.last() else {
            return err(span, 147, &[]);
        };
        match level.clause {
            Clause::Where => return err(span, 147, &[]),
            Clause::On => return err(span, 1015, &[]),
            Clause::GroupBy => return err(span, 144, &[]),
            _ => {}
        }
        if level.in_aggregate {
            return err(span, 130, &[]);
        }
        if let Some(l) = self.levels.last_mut() {
            l.in_aggregate = true;
        }
        let built = self.aggregate_parts(id, call, span);
        if let Some(l) = self.levels.last_mut() {
            l.in_aggregate = false;
        }
        let (aggregate, coerce) = built?;
        let key = format!("{aggregate:?}");
        let (ty, nullable) = (aggregate.ty, aggregate.nullable);
        let existing = self.levels.last().and_then(|l| l.aggregates.iter().find(|a| a.2 == key).map(|a| a.0));
        let column = match existing {
            Some(c) => c,
            None => {
                let c = self.new_column();
                if let Some(l) = self.levels.last_mut() {
                    l.aggregates.push((c, aggregate, key));
                    l.grouped = true;
                }
                c
            }
        };
        Ok(Typed::with(Expr::column(column, ty, nullable), coerce))
    }

    /// Whether the arguments of an aggregate use columns of the query on top (and not only of outer ones); `None` when they
    /// cannot be bound there. Nothing that the trial binds is kept.
    fn uses_own_columns(&mut self, call: &ast::FunctionCall) -> Option<bool> {
        let kept: Vec<_> = self.levels.iter().map(|l| (l.outer.len(), l.memo.clone())).collect();
        let was = self.levels.last_mut().map(|l| std::mem::replace(&mut l.in_aggregate, true));
        let unbound = self.unbound.take();
        let bound = call.arguments.iter().map(|a| self.bind(a)).collect::<SqlResult<Vec<_>>>();
        self.unbound = unbound;
        for (level, (outer, memo)) in self.levels.iter_mut().zip(kept) {
            level.outer.truncate(outer);
            level.memo = memo;
        }
        if let (Some(l), Some(was)) = (self.levels.last_mut(), was) {
            l.in_aggregate = was;
        }
        let bound = bound.ok()?;
        Some(bound.iter().any(|t| t.e.any(&|e| matches!(e.kind, ExprKind::Column(_)))))
    }

    /// An aggregate over columns of an outer query only belongs to that query, if it stands where aggregates may.
    /// `None` when this is not one; one without columns (`COUNT(*)`) belongs to the query it stands in.
    fn bind_outer_aggregate(
        &mut self,
        id: AggregateId,
        call: &ast::FunctionCall,
        span: Span,
    ) -> Option<SqlResult<Typed>> {
        if self.levels.len() < 2 || call.arguments.is_empty() || self.uses_own_columns(call)? {
            return None;
        }
        for owner in (0..self.levels.len() - 1).rev() {
            if !self.levels[owner].is_select {
                continue;
            }
            let above = self.levels.split_off(owner + 1);
            let own = self.uses_own_columns(call);
            if own != Some(true) {
                self.levels.extend(above);
                own?;
                continue;
            }
            let level = &self.levels[owner];
            let allowed = !level.in_aggregate
                && matches!(level.clause, Clause::Select | Clause::Having | Clause::OrderBy);
            let bound = if allowed { self.bind_aggregate(id, call, span) } else { err(span, 147, &[]) };
            self.levels.extend(above);
            return Some(bound.map(|t| {
                let ExprKind::Column(made) = t.e.kind else { return t };
                let column = super::ScopeColumn {
                    name: "".into(),
                    col: crate::logical::Col { id: made, ty: t.e.ty, nullable: t.e.nullable },
                    coerce: t.coerce,
                    meta: None,
                    hidden: false,
                    origin: None,
                };
                self.reference(owner, &column)
            }));
        }
        None
    }

    /// Argument checks and the result type; shared with windowed aggregates.
    pub fn aggregate_parts(
        &mut self,
        id: AggregateId,
        call: &ast::FunctionCall,
        span: Span,
    ) -> SqlResult<(Aggregate, Coerce)> {
        let name = id.name();
        let distinct = call.quantifier == Some(ast::SetQuantifier::Distinct);
        let mut order = Vec::new();
        let ordered = matches!(
            id,
            AggregateId::StringAgg | AggregateId::ApproxPercentileCont | AggregateId::ApproxPercentileDisc
        );
        if !ordered && !call.within_group.is_empty() {
            return err(span, 10757, &[&name.to_ascii_lowercase()]);
        }
        if ordered && distinct {
            return Err(SqlError::new(156, &[&"distinct"]).at_line(span.line));
        }
        for item in &call.within_group {
            let t = self.bind(&item.expr)?;
            order.push(SortKey { expr: t.e, descending: item.descending });
        }
        if call.star {
            if !matches!(id, AggregateId::Count | AggregateId::CountBig) || call.arguments.len() > 1 {
                return Err(SqlError::with_text(102, 15, "Incorrect syntax near '*'.").at_line(span.line));
            }
            let ty = if id == AggregateId::Count { SqlType::INT } else { SqlType::BIGINT };
            let a = Aggregate {
                function: id,
                argument: None,
                argument2: None,
                distinct: false,
                order,
                ty,
                nullable: false,
            };
            return Ok((a, Coerce::Default));
        }
        let wanted = if id == AggregateId::StringAgg { 2 } else { 1 };
        if call.arguments.len() != wanted {
            return err(span, 174, &[&name, &wanted]);
        }
        if matches!(call.arguments[0].unparen().kind, ast::ExprKind::Literal(ast::Literal::Null)) {
            return err(span, 8117, &[&"NULL", &name.to_ascii_lowercase()]);
        }
        let t = self.bind(&call.arguments[0])?;
        if t.e.any(&|e| matches!(&e.kind, ExprKind::Subquery(_))) {
            return err(span, 130, &[]);
        }
        let mut coerce = t.coerce;
        let at_id = t.e.ty.id;
        let invalid = || SqlError::new(8117, &[&at_id.name(), &name.to_ascii_lowercase()]).at_line(span.line);
        let mut argument2 = None;
        let (argument, ty, nullable) = match id {
            AggregateId::Count | AggregateId::CountBig | AggregateId::ApproxCountDistinct => {
                if matches!(at_id, TypeId::Text | TypeId::NText | TypeId::Image)
                    || (distinct && typing::not_comparable(at_id))
                {
                    return Err(invalid());
                }
                coerce = Coerce::Default;
                (t.e, if id == AggregateId::Count { SqlType::INT } else { SqlType::BIGINT }, false)
            }
            AggregateId::Sum | AggregateId::Avg => {
                let ty = sum_type(&t.e.ty, id == AggregateId::Avg).ok_or_else(invalid)?;
                let argument = match at_id {
                    TypeId::TinyInt | TypeId::SmallInt => self.convert(t.e, SqlType::INT),
                    TypeId::SmallMoney => self.convert(t.e, SqlType::MONEY),
                    TypeId::Real => self.convert(t.e, SqlType::FLOAT),
                    _ => t.e,
                };
                (argument, ty, true)
            }
            AggregateId::Min | AggregateId::Max | AggregateId::Any => {
                if typing::not_comparable(at_id) || at_id == TypeId::Bit {
                    return Err(invalid());
                }
                let ty = if at_id == TypeId::Null { SqlType::INT } else { t.e.ty };
                (t.e, ty, true)
            }
            AggregateId::StDev | AggregateId::StDevP | AggregateId::Var | AggregateId::VarP => {
                if !at_id.is_numeric() || at_id == TypeId::Bit {
                    return Err(invalid());
                }
                (self.convert(t.e, SqlType::FLOAT), SqlType::FLOAT, true)
            }
            AggregateId::StringAgg => {
                let unicode = at_id.is_unicode();
                let collation = if t.e.ty.collation.is_none() { self.collation() } else { t.e.ty.collation };
                let max = t.e.ty.is_max();
                let argument = if at_id.is_character() {
                    t.e
                } else {
                    self.coerce_to(t, SqlType::nvarchar(4000, collation))?
                };
                let unicode = unicode || argument.ty.id.is_unicode();
                let ty = match (unicode, max) {
                    (true, true) => SqlType::nvarchar_max(collation),
                    (true, false) => SqlType::nvarchar(4000, collation),
                    (false, true) => SqlType::varchar(-1, collation),
                    (false, false) => SqlType::varchar(8000, collation),
                };
                let s = self.bind(&call.arguments[1])?;
                argument2 = Some(
                    self.coerce_to(s, SqlType { length: if ty.is_max() { -1 } else { ty.length }, ..ty })?,
                );
                (argument, ty, true)
            }
            AggregateId::ChecksumAgg => (self.coerce_to(t, SqlType::INT)?, SqlType::INT, true),
            AggregateId::ApproxPercentileCont | AggregateId::ApproxPercentileDisc => {
                let Some(key) = order.first() else {
                    return err(span, 10754, &[&id.name()]);
                };
                argument2 = Some(self.coerce_to(t, SqlType::FLOAT)?);
                let values = Typed::new(key.expr.clone());
                if id == AggregateId::ApproxPercentileCont {
                    (self.coerce_to(values, SqlType::FLOAT)?, SqlType::FLOAT, true)
                } else {
                    let ty = values.e.ty;
                    (values.e, ty, true)
                }
            }
        };
        let distinct = distinct && !matches!(id, AggregateId::Min | AggregateId::Max);
        Ok((
            Aggregate { function: id, argument: Some(argument), argument2, distinct, order, ty, nullable },
            coerce,
        ))
    }

    /// GROUPING(x), GROUPING_ID(x, …) over the current grouping sets.
    pub(super) fn bind_grouping(&mut self, call: &ast::FunctionCall, span: Span) -> SqlResult<Typed> {
        let single = call.name.name.is("GROUPING");
        let mut keys = Vec::new();
        for a in &call.arguments {
            keys.push(key_of(&self.bind(a)?.e));
        }
        if single && keys.len() != 1 {
            return err(span, 174, &[&"GROUPING", &1]);
        }
        let level = self.levels.last();
        let groups: Vec<String> =
            level.map(|l| l.group.iter().map(|g| g.2.clone()).collect()).unwrap_or_default();
        let id = level.and_then(|l| l.grouping_id);
        let n = groups.len();
        let all = keys.is_empty();
        let mut positions = Vec::new();
        for (i, k) in keys.iter().enumerate() {
            match groups.iter().position(|g| g == k) {
                Some(p) => positions.push(p),
                None => return err(span, 8161, &[&(i + 1), &call.name.name.text.to_ascii_uppercase()]),
            }
        }
        if all {
            positions = (0..n).collect();
        }
        let ty = if single { SqlType::TINYINT } else { SqlType::INT };
        let Some(id) = id else {
            return Ok(Typed::new(self.convert(Expr::int(0), ty)));
        };
        // Bit of group i (of n, most significant first), moved to its place in the result.
        let source = Expr::column(id, SqlType::INT, false);
        let mut sum: Option<Expr> = None;
        let m = positions.len();
        for (j, p) in positions.into_iter().enumerate() {
            let shift = 1i32.checked_shl((n - 1 - p) as u32).unwrap_or(0).max(1);
            let place = 1i32.checked_shl((m - 1 - j) as u32).unwrap_or(0).max(1);
            let node = |op, l, r| {
                Expr::new(ExprKind::Binary { op, left: Box::new(l), right: Box::new(r) }, SqlType::INT, false)
            };
            let bit = node(
                BinaryOp::BitAnd,
                node(BinaryOp::Divide, source.clone(), Expr::int(shift)),
                Expr::int(1),
            );
            let term = node(BinaryOp::Multiply, bit, Expr::int(place));
            sum = Some(match sum {
                Some(s) => node(BinaryOp::Add, s, term),
                None => term,
            });
        }
        let e = sum.unwrap_or_else(|| Expr::int(0));
        Ok(Typed::new(self.convert(e, ty)))
    }
}

/// Result type of SUM and AVG.
fn sum_type(t: &SqlType, average: bool) -> Option<SqlType> {
    Some(match t.id {
        TypeId::TinyInt | TypeId::SmallInt | TypeId::Int => SqlType::INT,
        TypeId::BigInt => SqlType::BIGINT,
        TypeId::Decimal | TypeId::Numeric => {
            let scale = if average { t.scale.max(6) } else { t.scale };
            SqlType { id: t.id, ..SqlType::decimal(38, scale) }
        }
        TypeId::Money | TypeId::SmallMoney => SqlType::MONEY,
        TypeId::Real | TypeId::Float => SqlType::FLOAT,
        _ => return None,
    })
}
