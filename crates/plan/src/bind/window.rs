//! Window functions: ranking, offset and windowed aggregates with their partitions, orders and frames.

use holdfast_tsql::Span;
use holdfast_tsql::ast::expression as ast;
use holdfast_types::{SqlError, SqlResult, SqlType, TypeId};

use super::{Binder, Clause, Coerce, Typed, WindowSpec, err, key_of};
use crate::expr::{Expr, ExprKind};
use crate::function::{AggregateId, WindowId};
use crate::physical::{Frame, FrameBound, SortKey, WindowFunction, WindowFunctionKind};

impl Binder<'_> {
    fn check_window_place(&mut self, span: Span) -> SqlResult<()> {
        match self.levels.last() {
            Some(l) if !l.is_select => Err(SqlError::new(4108, &[]).at_line(span.line)),
            Some(l) if l.in_window || l.in_aggregate => err(span, 4109, &[]),
            Some(l) if matches!(l.clause, Clause::Select | Clause::OrderBy) => Ok(()),
            _ => err(span, 4108, &[]),
        }
    }

    /// The OVER clause with a named window's parts filled in.
    fn resolve_over(&mut self, over: &ast::OverClause) -> SqlResult<ast::OverClause> {
        let mut result = over.clone();
        let mut hops = 0;
        while let Some(name) = result.window.take() {
            hops += 1;
            let found = self.levels.last().and_then(|l| {
                l.named_windows.iter().find(|(n, _)| self.same(n, &name.text)).map(|(_, o)| o.clone())
            });
            let Some(base) = found.filter(|_| hops < 32) else {
                return Err(SqlError::with_text(5362, 16, format!("Window '{}' is undefined.", name.text))
                    .at_line(over.span.line));
            };
            if result.partition_by.is_empty() {
                result.partition_by = base.partition_by;
            }
            if result.order_by.is_empty() {
                result.order_by = base.order_by;
            }
            if result.frame.is_none() {
                result.frame = base.frame;
            }
            result.window = base.window;
        }
        Ok(result)
    }

    pub(super) fn bind_window_parts(
        &mut self,
        over: &ast::OverClause,
    ) -> SqlResult<(Vec<Expr>, Vec<SortKey>)> {
        if let Some(l) = self.levels.last_mut() {
            l.in_window = true;
        }
        let result = (|| {
            let mut partition = Vec::with_capacity(over.partition_by.len());
            for p in &over.partition_by {
                let t = self.bind(p)?;
                self.comparable(&t.e)?;
                if !super::query::is_constant(&t.e)
                    && !partition.iter().any(|x: &Expr| key_of(x) == key_of(&t.e))
                {
                    partition.push(t.e);
                }
            }
            let mut order = Vec::with_capacity(over.order_by.len());
            for o in &over.order_by {
                if o.expr.as_integer().is_some() {
                    return err(o.expr.span, 5308, &[]);
                }
                let t = self.bind(&o.expr)?;
                self.comparable(&t.e)?;
                if t.e.is_literal() {
                    return err(o.expr.span, 5309, &[]);
                }
                // ORDER BY (SELECT NULL) and other constants order nothing.
                let constant = match &t.e.kind {
                    ExprKind::Subquery(s) => s.bindings.is_empty() && !s.volatile,
                    ExprKind::Literal(_) => true,
                    _ => false,
                };
                if constant && over.order_by.len() == 1 {
                    continue;
                }
                order.push(SortKey { expr: t.e, descending: o.descending });
            }
            Ok((partition, order))
        })();
        if let Some(l) = self.levels.last_mut() {
            l.in_window = false;
        }
        result
    }

    pub(super) fn add_window(
        &mut self,
        partition: Vec<Expr>,
        order: Vec<SortKey>,
        function: WindowFunction,
        coerce: Coerce,
    ) -> Typed {
        let key = format!("{:?}|{:?}", partition.iter().map(key_of).collect::<Vec<_>>(), order);
        let (ty, nullable) = (function.ty, function.nullable);
        let id = self.new_column();
        if let Some(l) = self.levels.last_mut() {
            match l.windows.iter_mut().find(|w| w.key == key) {
                Some(w) => w.functions.push((id, function)),
                None => l.windows.push(WindowSpec { key, partition, order, functions: vec![(id, function)] }),
            }
        }
        Typed::with(Expr::column(id, ty, nullable), coerce)
    }

    fn bind_frame(
        &mut self,
        over: &ast::OverClause,
        has_order: bool,
        span: Span,
    ) -> SqlResult<Option<Frame>> {
        let Some(f) = &over.frame else {
            return Ok(has_order.then_some(Frame {
                rows: false,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
            }));
        };
        if over.order_by.is_empty() {
            return Err(SqlError::with_text(
                10756,
                15,
                "Window frame with ROWS or RANGE must have an ORDER BY clause.",
            )
            .at_line(span.line));
        }
        let mut bound = |b: &ast::FrameBound| -> SqlResult<FrameBound> {
            let number = |e: &ast::Expr| match e.as_integer() {
                Some(n) if n >= 0 => Ok(n as u64),
                _ => Err(SqlError::with_text(
                    4194,
                    15,
                    "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.",
                )),
            };
            Ok(match b {
                ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
                ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
                ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
                ast::FrameBound::Preceding(e) => FrameBound::Preceding(number(e)?),
                ast::FrameBound::Following(e) => FrameBound::Following(number(e)?),
            })
        };
        let start = bound(&f.start)?;
        let end = f.end.as_ref().map_or(Ok(FrameBound::CurrentRow), &mut bound)?;
        let counted = |b: FrameBound| matches!(b, FrameBound::Preceding(_) | FrameBound::Following(_));
        if f.range && (counted(start) || counted(end)) {
            return Err(SqlError::with_text(
                4194,
                16,
                "RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.",
            )
            .at_line(span.line));
        }
        Ok(Some(Frame { rows: !f.range, start, end }))
    }

    pub fn bind_ranking(
        &mut self,
        id: WindowId,
        call: &ast::FunctionCall,
        over: &ast::OverClause,
        span: Span,
    ) -> SqlResult<Typed> {
        self.check_window_place(span)?;
        let over = self.resolve_over(over)?;
        let name = id.name().to_ascii_lowercase();
        let percentile = matches!(id, WindowId::PercentileCont | WindowId::PercentileDisc);
        if over.order_by.is_empty() && !percentile {
            return err(span, 4112, &[&call.name.name.text]);
        }
        let (min, max) = match id {
            WindowId::NTile
            | WindowId::FirstValue
            | WindowId::LastValue
            | WindowId::PercentileCont
            | WindowId::PercentileDisc => (1, 1),
            WindowId::Lag | WindowId::Lead => (1, 3),
            _ => (0, 0),
        };
        let n = call.arguments.len();
        if n < min || n > max {
            return if min == max {
                err(span, 174, &[&name, &min])
            } else {
                err(span, 10755, &[&name.to_ascii_uppercase(), &min, &max])
            };
        }
        let framed = matches!(id, WindowId::FirstValue | WindowId::LastValue);
        if over.frame.is_some() && !framed {
            return err(span, 10752, &[&name.to_ascii_uppercase()]);
        }
        let percentiles = matches!(id, WindowId::PercentileCont | WindowId::PercentileDisc);
        if !percentiles && !call.within_group.is_empty() {
            return err(span, 10757, &[&name.to_ascii_lowercase()]);
        }
        if let Some(l) = self.levels.last_mut() {
            l.in_window = true;
        }
        let bound = call.arguments.iter().map(|a| self.bind(a)).collect::<SqlResult<Vec<_>>>();
        let within = call
            .within_group
            .iter()
            .map(|o| Ok((self.bind(&o.expr)?, o.descending)))
            .collect::<SqlResult<Vec<_>>>();
        if let Some(l) = self.levels.last_mut() {
            l.in_window = false;
        }
        let bound = bound?;
        let within = within?;
        let (partition, mut order) = self.bind_window_parts(&over)?;
        let mut coerce = Coerce::Default;
        let mut args = Vec::with_capacity(bound.len());
        let first = bound.first().map(|t| (t.e.ty, t.e.nullable, t.coerce));
        for (i, t) in bound.into_iter().enumerate() {
            args.push(match (id, i) {
                (WindowId::NTile, _) | (WindowId::Lag | WindowId::Lead, 1) => {
                    self.coerce_to(t, SqlType::BIGINT)?
                }
                (WindowId::Lag | WindowId::Lead, 2) => {
                    let ty = first.map_or(SqlType::INT, |f| f.0);
                    self.coerce_to(t, ty)?
                }
                (WindowId::PercentileCont | WindowId::PercentileDisc, _) => {
                    self.coerce_to(t, SqlType::FLOAT)?
                }
                _ => t.e,
            });
        }
        let (ty, nullable) = match id {
            WindowId::RowNumber | WindowId::Rank | WindowId::DenseRank | WindowId::NTile => {
                (SqlType::BIGINT, true)
            }
            WindowId::PercentRank | WindowId::CumeDist => (SqlType::FLOAT, false),
            WindowId::PercentileCont => (SqlType::FLOAT, true),
            WindowId::PercentileDisc => (within.first().map_or(SqlType::FLOAT, |w| w.0.e.ty), true),
            _ => {
                let f = first.unwrap_or((SqlType::INT, true, Coerce::Default));
                coerce = f.2;
                (if f.0.id == TypeId::Null { SqlType::INT } else { f.0 }, true)
            }
        };
        if percentile {
            let Some((t, descending)) = within.into_iter().next() else {
                return Err(SqlError::with_text(
                    10754,
                    15,
                    format!("The function '{}' must have a WITHIN GROUP clause.", name.to_ascii_uppercase()),
                )
                .at_line(span.line));
            };
            let expr = if id == WindowId::PercentileCont { self.coerce_to(t, SqlType::FLOAT)? } else { t.e };
            args.push(expr.clone());
            order = vec![SortKey { expr, descending }];
        }
        let frame = if framed { self.bind_frame(&over, true, span)? } else { None };
        let function = WindowFunction {
            function: WindowFunctionKind::Ranking(id),
            args,
            frame,
            ignore_nulls: call.nulls == Some(ast::NullTreatment::Ignore),
            ty,
            nullable,
        };
        Ok(self.add_window(partition, order, function, coerce))
    }

    pub fn bind_windowed_aggregate(
        &mut self,
        id: AggregateId,
        call: &ast::FunctionCall,
        over: &ast::OverClause,
        span: Span,
    ) -> SqlResult<Typed> {
        self.check_window_place(span)?;
        let over = self.resolve_over(over)?;
        if call.quantifier == Some(ast::SetQuantifier::Distinct) {
            return Err(SqlError::with_text(
                10759,
                15,
                "Use of DISTINCT is not allowed with the OVER clause.",
            )
            .at_line(span.line));
        }
        if id == AggregateId::StringAgg {
            return err(span, 4113, &[&id.name()]);
        }
        if let Some(l) = self.levels.last_mut() {
            l.in_window = true;
        }
        let parts = self.aggregate_parts(id, call, span);
        if let Some(l) = self.levels.last_mut() {
            l.in_window = false;
        }
        let (aggregate, coerce) = parts?;
        let (partition, order) = self.bind_window_parts(&over)?;
        let frame = self.bind_frame(&over, !over.order_by.is_empty(), span)?;
        let mut args: Vec<Expr> = aggregate.argument.into_iter().collect();
        args.extend(aggregate.argument2);
        let nullable = aggregate.nullable;
        let function = WindowFunction {
            function: WindowFunctionKind::Aggregate(id),
            args,
            frame,
            ignore_nulls: false,
            ty: aggregate.ty,
            nullable,
        };
        Ok(self.add_window(partition, order, function, coerce))
    }
}
