//! NEXT VALUE FOR.
//!
//! Invariants
//! 1. All uses of one sequence give one row the same value: each has its number in the row, by which the executor finds the
//!    row's value again. Rows of VALUES count anew.
//! 2. With OVER the value goes by the row's place in that order, which ROW_NUMBER gives.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_engine::catalog::Catalog;
use holdfast_tsql::Span;
use holdfast_tsql::ast::expression as ast;
use holdfast_tsql::ast::name::ObjectName;
use holdfast_tsql::ast::query::{Query, Select};
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::{Binder, Clause, Coerce, QueryRole, Typed, err};
use crate::access::AccessKind;
use crate::expr::{Expr, ExprKind};
use crate::function::{FunctionId, WindowId};
use crate::physical::{WindowFunction, WindowFunctionKind};

/// Uses of sequences met so far.
#[derive(Debug, Default)]
pub(crate) struct SequenceUses {
    /// In the present row, by (database, object).
    row: HashMap<(i32, i32), i32>,
    pub total: usize,
    /// Those without OVER.
    plain: usize,
}

impl SequenceUses {
    /// What every row uses (its defaults), so that each row of VALUES counts on from there.
    pub fn of_every_row(&self) -> HashMap<(i32, i32), i32> {
        self.row.clone()
    }

    /// A row of VALUES begins.
    pub fn begin_row(&mut self, of_every_row: &HashMap<(i32, i32), i32>) {
        self.row.clone_from(of_every_row);
    }
}

/// Expressions that may leave operands unevaluated.
pub(super) fn is_conditional(e: &ast::Expr) -> bool {
    use ast::ExprKind as K;
    match &e.kind {
        K::SimpleCase { .. } | K::SearchedCase { .. } | K::Iif { .. } | K::Coalesce(_) | K::NullIf(..) => {
            true
        }
        K::Function(call) => {
            call.name.is_simple() && (call.name.name.is("ISNULL") || call.name.name.is("CHOOSE"))
        }
        _ => false,
    }
}

impl Binder<'_> {
    pub(super) fn bind_next_value(
        &mut self,
        name: &ObjectName,
        over: Option<&ast::OverClause>,
        span: Span,
    ) -> SqlResult<Typed> {
        let clause = self.levels.last().filter(|l| l.is_select).map(|l| l.clause);
        if matches!(
            clause,
            Some(Clause::Where | Clause::On | Clause::GroupBy | Clause::Having | Clause::OrderBy)
        ) || self.levels.last().is_some_and(|l| l.in_window || l.in_aggregate)
        {
            return err(span, 11720, &[]);
        }
        if self.module_depth > 0 {
            return err(span, 11719, &[]);
        }
        let catalog: Arc<dyn Catalog> = match &name.database {
            Some(d) => {
                let found = self.cx.names.database(&d.text);
                found.ok_or_else(|| SqlError::new(911, &[&d.text]).at_line(span.line))?
            }
            None => Arc::clone(&self.env.catalog),
        };
        let schema: Arc<str> = match &name.schema {
            Some(s) => s.text.as_str().into(),
            None => Arc::clone(&self.env.schema),
        };
        let Some(found) = catalog.sequence(&schema, &name.name.text)? else {
            let number = if catalog.object(&schema, &name.name.text).is_some() { 11726 } else { 208 };
            return err(span, number, &[name]);
        };
        let (database, object) = (catalog.database_id(), found.object_id);
        self.depends_on(database, object);
        self.note(AccessKind::Update, (database, object), &schema, &Arc::from(name.name.text.as_str()));
        let place = match over {
            Some(over) => self.place_in_order(over, span)?,
            None => {
                self.sequences.plain += 1;
                Expr::literal(Value::BigInt(0), SqlType::BIGINT)
            }
        };
        self.sequences.total += 1;
        let uses = self.sequences.row.entry((database, object)).or_default();
        let number = *uses;
        *uses += 1;
        let args = vec![Expr::int(database), Expr::int(object), Expr::int(number), place];
        let kind = ExprKind::Function { function: FunctionId::NextValueFor, args };
        Ok(Typed::with(Expr::new(kind, found.ty, false), Coerce::Default))
    }

    /// The row's number in the order of OVER.
    fn place_in_order(&mut self, over: &ast::OverClause, span: Span) -> SqlResult<Expr> {
        if over.order_by.is_empty() || !over.partition_by.is_empty() || over.frame.is_some() {
            return err(span, 102, &[&"OVER"]);
        }
        let (partition, order) = self.bind_window_parts(over)?;
        let function = WindowFunction {
            function: WindowFunctionKind::Ranking(WindowId::RowNumber),
            args: Vec::new(),
            frame: None,
            ignore_nulls: false,
            ty: SqlType::BIGINT,
            nullable: true,
        };
        Ok(self.add_window(partition, order, function, Coerce::Default).e)
    }

    /// What may not stand around a select list that uses sequences; `before`: the uses when it began.
    pub(super) fn check_sequences(
        &self,
        before: (usize, usize),
        s: &Select,
        q: &Query,
        role: QueryRole,
    ) -> SqlResult<()> {
        if self.sequences.total == before.0 {
            return Ok(());
        }
        let number = if self.in_set_operation || s.distinct {
            11721
        } else if role != QueryRole::Statement {
            11719
        } else if s.top.is_some() || q.offset.is_some() {
            11739
        } else if !q.order_by.is_empty() && self.sequences.plain != before.1 {
            11723
        } else {
            return Ok(());
        };
        err(s.span, number, &[])
    }

    pub(super) fn sequence_mark(&self) -> (usize, usize) {
        (self.sequences.total, self.sequences.plain)
    }
}
