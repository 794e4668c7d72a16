//! Queries and expressions of statements: planned, kept, run, sent.

use std::borrow::Cow;
use std::sync::Arc;

use holdfast_plan::BoundQuery;
use holdfast_plan::expr::ConvertMode;
use holdfast_plan::physical::{BoundExpression, ResultColumnInfo};
use holdfast_tsql::Span;
use holdfast_tsql::ast::{self, Declaration, DeclarationKind, SelectStatement, SetValue, SetVariable};
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, Value};

use super::browse::browses;
use super::memory_table::RowList;
use super::redefined::{begins_again, told_to_client};
use super::run::{Fail, Runner, Scope, Stop, scope_names};
use super::state::option;
use super::unit::{Folding, Planned, with_bind_context};
use crate::context::ExecContext;
use crate::ddl::select_into::select_with_into;
use crate::expression::convert::convert_value;
use crate::expression::{evaluate_constant, evaluate_one};
use crate::operator;
use crate::session::{ColumnSource, ResultColumn};

/// CurCmd of SELECT.
pub const SELECT: u16 = 0xC1;

/// A planned column as clients see it.
pub fn result_column(c: &ResultColumnInfo) -> ResultColumn {
    ResultColumn {
        name: Arc::clone(&c.name),
        ty: c.ty,
        nullable: c.nullable,
        identity: c.identity,
        computed: c.computed,
        updatable: c.updatable,
        user_type: c.user_type.clone(),
        source: c.source.as_ref().map(|s| {
            Arc::new(ColumnSource {
                database: Arc::clone(&s.database),
                schema: Arc::clone(&s.schema),
                table: Arc::clone(&s.table),
                column: Arc::clone(&s.column),
            })
        }),
    }
}

/// Converts a value as an assignment does.
pub fn convert(value: &Value, from: SqlType, to: SqlType, context: &ExecContext) -> SqlResult<Value> {
    if value.is_null() || from == to {
        return Ok(value.clone());
    }
    convert_value(value, &from, &to, None, ConvertMode::Implicit, context)
}

/// A value as text, for messages.
pub fn value_text(value: &Value, ty: SqlType, context: &ExecContext) -> String {
    if value.is_null() {
        return "<NULL>".to_owned();
    }
    if let Value::Binary(b) = value {
        return b.iter().fold("0x".to_owned(), |s, x| s + &format!("{x:02x}"));
    }
    let to = SqlType::nvarchar(4000, holdfast_types::CollationId::SERVER_DEFAULT);
    match convert(value, ty, to, context) {
        Ok(Value::String(s)) => s.to_text().trim_end().to_owned(),
        _ => String::new(),
    }
}

/// Types that SET TEXTSIZE is about.
fn is_large(ty: &SqlType) -> bool {
    use holdfast_types::TypeId as T;
    match ty.id {
        T::Text | T::NText | T::Image => true,
        T::VarChar | T::NVarChar | T::VarBinary => ty.is_max(),
        _ => false,
    }
}

/// Large values as SET TEXTSIZE lets them out: their first `size` bytes.
fn cut(batch: &Batch, types: &[SqlType], size: i32) -> SqlResult<Batch> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let shorter = |v: Value, ty: &SqlType| match v {
        v if !is_large(ty) => v,
        Value::String(s) => {
            let units = if ty.id.is_unicode() { size / 2 } else { size };
            match s.units().get(..units) {
                Some(first) => Value::String(first.to_vec().into()),
                None => Value::String(s),
            }
        }
        Value::Binary(b) => b.get(..size).map_or(Value::Binary(Arc::clone(&b)), Value::binary),
        v => v,
    };
    let rows: Vec<Vec<Value>> = (0..batch.len)
        .map(|i| batch.row(i, types).into_iter().zip(types).map(|(v, ty)| shorter(v, ty)).collect())
        .collect();
    Batch::from_rows(types, &rows)
}

/// What of a query's answer has gone to the client.
#[derive(Default)]
pub(super) struct Sent {
    pub columns: bool,
    pub rows: u64,
    /// In browse mode: how many of the columns were asked for.
    pub browsed: Option<usize>,
}

impl Runner<'_> {
    /// Number under which plans of this scope are kept: 0 when they may outlive it.
    pub fn keep_under(&self, scope: &Scope) -> u64 {
        if scope.tables.is_empty() && self.temporary.is_empty() { 0 } else { scope.run }
    }

    /// Whether a table in memory is still what names mean here.
    pub fn is_alive(&self, scope: &Scope, id: i32) -> bool {
        scope.tables.values().any(|t| t.definition.object_id == id) || self.temporary.has_id(id)
    }

    pub fn plan_query(&mut self, q: &SelectStatement, scope: &Scope) -> Result<Arc<BoundQuery>, Fail> {
        let node = std::ptr::from_ref(q) as usize;
        let run = self.keep_under(scope);
        let schema = scope.schema(&self.session);
        if let Some(Planned::Query(found)) =
            scope.unit.kept(node, &self.session, &schema, run, &|id| self.is_alive(scope, id))
        {
            self.authorize(&found.accesses, scope)?;
            if self.compiling || !found.statistics.look() || !self.keep_statistics(&found.statistics, scope) {
                return Ok(found);
            }
        }
        let mut bound = self.bind_fresh(q, scope)?;
        self.authorize(&bound.accesses, scope)?;
        if !self.compiling && bound.statistics.look() && self.keep_statistics(&bound.statistics, scope) {
            bound = self.bind_fresh(q, scope)?;
            // What was made is there now; what could not be made is not tried again for this plan.
            bound.statistics.look();
        }
        scope.unit.keep(node, Planned::Query(Arc::clone(&bound)), &self.session, schema, run);
        Ok(bound)
    }

    /// Plans a query that is not a node of the scope's unit; nothing is kept, and permissions are the caller's affair.
    pub fn bind_fresh(&mut self, q: &SelectStatement, scope: &Scope) -> Result<Arc<BoundQuery>, Fail> {
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound = with_bind_context(&names.names(), &evaluator, |cx| {
            holdfast_plan::bind_query(&q.query, &q.options, cx)
        })?;
        Ok(Arc::new(bound.map_err(Fail::Compile)?))
    }

    /// As `bind_fresh`, the query of a cursor.
    pub fn bind_cursor(&mut self, q: &SelectStatement, scope: &Scope) -> Result<Arc<BoundQuery>, Fail> {
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound = with_bind_context(&names.names(), &evaluator, |cx| {
            holdfast_plan::bind_cursor(&q.query, &q.options, cx)
        })?;
        Ok(Arc::new(bound.map_err(Fail::Compile)?))
    }

    /// As `bind_cursor`, of a node that the scope's unit knows: the plan is kept.
    pub(super) fn plan_cursor(
        &mut self,
        q: &SelectStatement,
        scope: &Scope,
    ) -> Result<Arc<BoundQuery>, Fail> {
        let node = std::ptr::from_ref(q) as usize;
        let run = self.keep_under(scope);
        let schema = scope.schema(&self.session);
        let found = scope.unit.kept(node, &self.session, &schema, run, &|id| self.is_alive(scope, id));
        if let Some(Planned::Query(found)) = found {
            self.authorize(&found.accesses, scope)?;
            return Ok(found);
        }
        let bound = self.bind_cursor(q, scope)?;
        self.authorize(&bound.accesses, scope)?;
        scope.unit.keep(node, Planned::Query(Arc::clone(&bound)), &self.session, schema, run);
        Ok(bound)
    }

    fn plan_expression(
        &mut self,
        e: &ast::Expr,
        target: Option<SqlType>,
        condition: bool,
        scope: &Scope,
    ) -> Result<Arc<BoundExpression>, Fail> {
        self.plan_made(e, || Cow::Borrowed(e), target, condition, scope)
    }

    /// Plans an expression that is made of a node of the scope's unit, always in the same way, and keeps the plan for that node.
    fn plan_made<'e>(
        &mut self,
        node: &ast::Expr,
        e: impl FnOnce() -> Cow<'e, ast::Expr>,
        target: Option<SqlType>,
        condition: bool,
        scope: &Scope,
    ) -> Result<Arc<BoundExpression>, Fail> {
        let node = std::ptr::from_ref(node) as usize;
        let run = self.keep_under(scope);
        let schema = scope.schema(&self.session);
        if let Some(Planned::Expression(found)) =
            scope.unit.kept(node, &self.session, &schema, run, &|id| self.is_alive(scope, id))
        {
            self.authorize(&found.accesses, scope)?;
            return Ok(found);
        }
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let e = e();
        let bound = with_bind_context(&names.names(), &evaluator, |cx| {
            if condition {
                holdfast_plan::bind_condition(&e, cx)
            } else {
                holdfast_plan::bind_expression(&e, target, cx)
            }
        })?;
        let bound = Arc::new(bound.map_err(Fail::Compile)?);
        scope.unit.keep(node, Planned::Expression(Arc::clone(&bound)), &self.session, schema, run);
        self.authorize(&bound.accesses, scope)?;
        Ok(bound)
    }

    /// Plans a condition ahead of its use.
    pub fn plan_condition(&mut self, e: &ast::Expr, scope: &Scope) -> Result<(), Fail> {
        self.plan_expression(e, None, true, scope).map(|_| ())
    }

    /// Plans a value ahead of its use.
    pub fn plan_value(&mut self, e: &ast::Expr, target: Option<SqlType>, scope: &Scope) -> Result<(), Fail> {
        self.plan_expression(e, target, false, scope).map(|_| ())
    }

    /// IF and WHILE: unknown is false.
    pub fn condition(&mut self, e: &ast::Expr, scope: &Scope) -> Result<bool, Fail> {
        let bound = self.plan_expression(e, None, true, scope)?;
        let context = self.context_of(bound.plain, scope);
        let truth = crate::expression::evaluate_predicate(&bound.expr, &Batch::one_row(), &context)?;
        // A condition is a statement without rows.
        let mut state = self.session.state.lock();
        (state.error, state.row_count) = (0, 0);
        Ok(truth.at(0) == crate::expression::vector::TRUE)
    }

    /// A value with the type that the expression has.
    pub fn value(&mut self, e: &ast::Expr, scope: &Scope) -> Result<(Value, SqlType), Fail> {
        let bound = self.plan_expression(e, None, false, scope)?;
        let context = self.context_of(bound.plain, scope);
        let v = evaluate_constant(&bound.expr, &context)?;
        Ok((v, bound.expr.ty))
    }

    /// A value converted as an assignment to `target` does.
    pub fn value_as(&mut self, e: &ast::Expr, target: SqlType, scope: &Scope) -> Result<Value, Fail> {
        let bound = self.plan_expression(e, Some(target), false, scope)?;
        let context = self.context_of(bound.plain, scope);
        Ok(evaluate_constant(&bound.expr, &context)?)
    }

    /// SELECT as a statement.
    pub fn select(&mut self, q: &SelectStatement, span: Span, scope: &mut Scope) -> Result<(), Fail> {
        let (fmt_only, browse) = {
            let state = self.session.state.lock();
            (state.fmt_only, state.browse)
        };
        if let Some(into) = select_with_into(&q.query.body).and_then(|s| s.into.as_ref()) {
            self.not_doomed()?;
            if fmt_only {
                return self.plain_done(SELECT);
            }
            return self.select_into(q, &into.table, span, scope);
        }
        if (browse || q.query.for_clause.is_some()) && browses(q, browse) {
            return self.select_browsed(q, scope);
        }
        let bound = self.plan_query(q, scope)?;
        if !bound.dependencies.is_empty() && !fmt_only {
            self.begin_implicitly()?;
        }
        if !bound.assignments.is_empty() && fmt_only {
            return self.plain_done(SELECT);
        }
        if !bound.assignments.is_empty() {
            return self.select_assign(&bound, scope);
        }
        let context = self.context(scope);
        self.may_answer()?;
        if fmt_only {
            self.tell_columns(&bound, None)?;
            return self.counted(0, SELECT, true);
        }
        let (mut bound, mut context) = (bound, context);
        let mut sent = Sent::default();
        let mut kept = self.kept_definitions();
        while let Err(fail) = self.send(&bound, &context, &mut sent) {
            if sent.columns {
                return Err(match fail {
                    Fail::Error(e) => told_to_client(e).into(),
                    other => other,
                });
            }
            self.begin_again(&mut kept, fail)?;
            bound = self.plan_query(q, scope)?;
            context = self.context(scope);
        }
        self.warn_of_nulls(&context)?;
        self.counted(sent.rows, SELECT, true)
    }

    /// Tells the client what columns a query has; in browse mode, how many of them it asked for.
    pub(super) fn tell_columns(&mut self, bound: &BoundQuery, browsed: Option<usize>) -> Result<(), Fail> {
        let columns: Vec<ResultColumn> = bound.columns.iter().map(result_column).collect();
        self.sink.columns(&columns)?;
        if let Some(own) = browsed {
            let origins = self.origins(bound, own);
            self.sink.origins(&origins)?;
        }
        Ok(())
    }

    /// Sends what a query answers. The columns come with the first rows: until then the query may turn out to be planned for a
    /// definition that somebody has changed, and be planned again. An error comes after the columns, as clients expect.
    pub(super) fn send(
        &mut self,
        bound: &BoundQuery,
        context: &ExecContext,
        sent: &mut Sent,
    ) -> Result<(), Fail> {
        let done = self.send_batches(bound, context, sent);
        let told = match &done {
            Ok(()) => true,
            Err(Fail::Error(e)) => !begins_again(e),
            Err(_) => false,
        };
        if told && !sent.columns {
            sent.columns = true;
            self.tell_columns(bound, sent.browsed)?;
        }
        done
    }

    fn send_batches(
        &mut self,
        bound: &BoundQuery,
        context: &ExecContext,
        sent: &mut Sent,
    ) -> Result<(), Fail> {
        let (limit, text_size) = {
            let state = self.session.state.lock();
            (state.row_limit, state.settings.text_size)
        };
        // Nearly nobody sets it: every query comes by here.
        let types = match text_size < i32::MAX && bound.plan.columns.iter().any(|c| is_large(&c.ty)) {
            true => bound.plan.columns.iter().map(|c| c.ty).collect(),
            false => Vec::new(),
        };
        let mut source = operator::open(&bound.plan, context)?;
        while let Some(mut batch) = source.next_batch()? {
            if !types.is_empty() {
                batch = cut(&batch, &types, text_size)?;
            }
            if self.session.cancel.is_cancelled() {
                return Err(Stop::Cancelled.into());
            }
            if limit > 0 && sent.rows + batch.len as u64 > limit {
                batch = batch.slice(0, (limit - sent.rows) as usize);
            }
            if batch.len > 0 {
                if !sent.columns {
                    sent.columns = true;
                    self.tell_columns(bound, sent.browsed)?;
                }
                self.sink.rows(&batch)?;
                sent.rows += batch.len as u64;
            }
            if limit > 0 && sent.rows >= limit {
                break;
            }
        }
        Ok(())
    }

    /// 8153 after aggregates that left out NULLs.
    pub fn warn_of_nulls(&mut self, context: &ExecContext) -> Result<(), Fail> {
        if context.query.null_eliminated() && self.session.has(option::ANSI_WARNINGS) {
            let text = "Warning: Null value is eliminated by an aggregate or other SET operation.";
            self.info(8153, 10, 1, text.to_owned())?;
        }
        let (divided, overflowed) = context.query.forgiven();
        if self.session.has(option::ARITHIGNORE) {
            return Ok(());
        }
        if overflowed {
            self.info(3606, 10, 0, "Arithmetic overflow occurred.".to_owned())?;
        }
        if divided {
            self.info(3607, 10, 0, "Division by zero occurred.".to_owned())?;
        }
        Ok(())
    }

    fn select_assign(&mut self, bound: &BoundQuery, scope: &mut Scope) -> Result<(), Fail> {
        let context = self.context(scope);
        let limit = self.session.state.lock().row_limit;
        let mut rows = 0u64;
        {
            let mut source = operator::open(&bound.plan, &context)?;
            'rows: while let Some(batch) = source.next_batch()? {
                for i in 0..batch.len {
                    if limit > 0 && rows >= limit {
                        break 'rows;
                    }
                    let row = batch.slice(i, 1);
                    for (slot, e) in &bound.assignments {
                        let now = |scope: &Scope| {
                            ExecContext::new(Arc::clone(&context.query), Arc::clone(&scope.frame))
                        };
                        if !e.ty.is_max() || !scope.append(*slot, e, &row, now(scope))? {
                            let v = evaluate_one(e, &row, &now(scope))?;
                            scope.assign(*slot, v)?;
                        }
                    }
                    rows += 1;
                }
            }
        }
        self.warn_of_nulls(&context)?;
        let mut state = self.session.state.lock();
        state.row_count = i64::try_from(rows).unwrap_or(i64::MAX);
        state.error = 0;
        Ok(())
    }

    /// All rows of a query as values, with its columns.
    pub fn rows_of(
        &mut self,
        bound: &BoundQuery,
        scope: &Scope,
    ) -> Result<(Vec<ResultColumnInfo>, Vec<Vec<Value>>), Fail> {
        let rows = self.rows_under(bound, &self.context(scope))?;
        Ok((bound.columns.clone(), rows))
    }

    /// The rows of a query, kept where there is room for them.
    pub fn list_of(&self, bound: &BoundQuery, scope: &Scope) -> Result<RowList, Fail> {
        let types: Vec<SqlType> = bound.plan.columns.iter().map(|c| c.ty).collect();
        let mut rows = RowList::new(&types, &self.session.host.temporary_rows);
        let context = self.context(scope);
        let mut source = operator::open(&bound.plan, &context)?;
        while let Some(batch) = source.next_batch()? {
            context.check_cancel()?;
            rows.append_batch(&batch)?;
        }
        Ok(rows)
    }

    pub fn rows_under(&self, bound: &BoundQuery, context: &ExecContext) -> SqlResult<Vec<Vec<Value>>> {
        let types: Vec<SqlType> = bound.plan.columns.iter().map(|c| c.ty).collect();
        let mut rows = Vec::new();
        let mut source = operator::open(&bound.plan, context)?;
        while let Some(batch) = source.next_batch()? {
            rows.extend((0..batch.len).map(|i| batch.row(i, &types)));
        }
        Ok(rows)
    }

    // ---- variables ----

    pub fn declare(&mut self, list: &[Declaration], scope: &mut Scope) -> Result<(), Fail> {
        for d in list {
            match &d.kind {
                DeclarationKind::Scalar { initial, .. } => {
                    let Some(v) = scope.unit.layout.variables.get(&d.name.to_lowercase()).cloned() else {
                        continue;
                    };
                    // A declaration is not an assignment: in a loop the variable keeps its value without an initialiser.
                    if let Some(e) = initial {
                        let value = self.value_as(e, v.ty, scope)?;
                        scope.assign(v.slot, value)?;
                        let mut state = self.session.state.lock();
                        state.row_count = 1;
                        state.error = 0;
                    }
                }
                DeclarationKind::Cursor | DeclarationKind::Table(_) => {}
            }
        }
        Ok(())
    }

    pub fn set_variable(&mut self, s: &SetVariable, scope: &mut Scope) -> Result<(), Fail> {
        let name = s.name.to_lowercase();
        match &s.value {
            SetValue::Cursor(c) => return self.set_cursor(&name, c, scope),
            SetValue::Expr { value, .. } if scope.unit.layout.cursors.contains(&name) => {
                return self.copy_cursor(&name, value, scope);
            }
            SetValue::Expr { op, value } => {
                let Some(v) = scope.unit.layout.variables.get(&name).cloned() else {
                    return Err(Fail::Compile(SqlError::new(137, &[&s.name])));
                };
                let bound = match compound(*op) {
                    None => self.plan_expression(value, Some(v.ty), false, scope)?,
                    Some(binary) => self.plan_compound(&s.name, binary, value, v.ty, scope)?,
                };
                let long = bound.expr.ty.is_max();
                if !long
                    || !scope.append(
                        v.slot,
                        &bound.expr,
                        &Batch::one_row(),
                        self.context_of(bound.plain, scope),
                    )?
                {
                    let context = self.context_of(bound.plain, scope);
                    scope.assign(v.slot, evaluate_constant(&bound.expr, &context)?)?;
                }
            }
            SetValue::Member { member, arguments: Some(arguments), .. } if member.text == "modify" => {
                let names = scope_names(&self.session, scope, &self.temporary);
                let evaluator = Folding(self.context(scope));
                let bound = with_bind_context(&names.names(), &evaluator, |cx| {
                    holdfast_plan::bind_modify(&s.name, arguments, member.span, cx)
                })?
                .map_err(Fail::Compile)?;
                self.authorize(&bound.accesses, scope)?;
                let Some(v) = scope.unit.layout.variables.get(&name).cloned() else {
                    return Err(Fail::Compile(SqlError::new(137, &[&s.name])));
                };
                if scope.frame[v.slot.0 as usize].is_null() {
                    let text =
                        format!("Mutator 'modify()' on '{}' cannot be called on a null value.", s.name);
                    return Err(SqlError::with_text(5302, 16, text).into());
                }
                let context = self.context(scope);
                let new = evaluate_constant(&bound.expr, &context)?;
                scope.assign(v.slot, new)?;
            }
            SetValue::Member { .. } => {
                return Err(SqlError::not_supported("SET of a member of a variable").into());
            }
        }
        let mut state = self.session.state.lock();
        state.row_count = 1;
        state.error = 0;
        Ok(())
    }

    /// `@v op= e` as `@v op (e)`.
    fn plan_compound(
        &mut self,
        name: &str,
        op: ast::BinaryOp,
        value: &ast::Expr,
        ty: SqlType,
        scope: &Scope,
    ) -> Result<Arc<BoundExpression>, Fail> {
        let span = value.span;
        let whole = || {
            let left = Box::new(ast::Expr::new(ast::ExprKind::Variable(name.to_owned()), span));
            let right = Box::new(ast::Expr::new(ast::ExprKind::Paren(Box::new(value.clone())), span));
            Cow::Owned(ast::Expr::new(ast::ExprKind::Binary { op, left, right }, span))
        };
        self.plan_made(value, whole, Some(ty), false, scope)
    }
}

/// The operator of a compound assignment.
fn compound(op: ast::AssignOp) -> Option<ast::BinaryOp> {
    Some(match op {
        ast::AssignOp::Set => return None,
        ast::AssignOp::Add => ast::BinaryOp::Add,
        ast::AssignOp::Subtract => ast::BinaryOp::Subtract,
        ast::AssignOp::Multiply => ast::BinaryOp::Multiply,
        ast::AssignOp::Divide => ast::BinaryOp::Divide,
        ast::AssignOp::Modulo => ast::BinaryOp::Modulo,
        ast::AssignOp::BitAnd => ast::BinaryOp::BitAnd,
        ast::AssignOp::BitOr => ast::BinaryOp::BitOr,
        ast::AssignOp::BitXor => ast::BinaryOp::BitXor,
        ast::AssignOp::Concat => ast::BinaryOp::Concat,
    })
}

/// A column of a table in memory.
pub fn plain_column(
    name: &str,
    index: usize,
    ty: SqlType,
    nullable: bool,
) -> holdfast_engine::catalog::ColumnDef {
    holdfast_engine::catalog::ColumnDef {
        name: name.into(),
        column_id: index as i32 + 1,
        ty,
        nullable,
        user_type: None,
        identity: None,
        is_row_guid: false,
        is_sparse: false,
        is_hidden: false,
        computed: None,
        persisted: false,
        default: None,
        typed_xml: None,
    }
}
