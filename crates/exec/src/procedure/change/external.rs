//! INSERT of rows that come from elsewhere: those of EXEC, and what bulk loads share with it.

use std::sync::Arc;

use holdfast_engine::access::BatchSource;
use holdfast_plan::change::{Action, BoundChange, ChangeKind};
use holdfast_tsql::Span;
use holdfast_tsql::ast::{Execute, Parameter};
use holdfast_types::batch::BATCH_ROWS;
use holdfast_types::{Batch, SqlError, SqlResult, SqlType, TypeId, Value};

use super::{Change, INSERT, Rows, Runner};
use crate::context::ExecContext;
use crate::procedure::call::Argument;
use crate::procedure::memory_table::RowList;
use crate::procedure::query::convert;
use crate::procedure::run::{Fail, Scope, scope_names};
use crate::procedure::unit::{Folding, with_bind_context};
use crate::row_store::Pool;

/// Rows that INSERT … EXEC takes from the called text.
struct Captured {
    /// Each result set with its types.
    sets: Vec<(Vec<SqlType>, RowList)>,
    pool: Arc<Pool>,
    /// Why rows could not be kept.
    failure: Option<SqlError>,
    /// A result set of another width came.
    mismatch: bool,
    width: usize,
}

impl Runner<'_> {
    /// INSERT … EXEC: everything happens in the statement's transaction.
    pub(super) fn insert_execute(
        &mut self,
        bound: &Arc<BoundChange>,
        e: &Execute,
        span: Span,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let ChangeKind::InsertExternal { ordinals, .. } = &bound.kind else { return Ok(()) };
        if self.capturing.is_some() {
            return Err(SqlError::new(8164, &[]).into());
        }
        // What is called is not to run twice.
        self.refuse_followed(&bound.target.table, ordinals)?;
        self.run_change(bound, scope, INSERT, |r, change, scope| {
            let mut captured = Captured {
                sets: Vec::new(),
                pool: Arc::clone(&r.session.host.temporary_rows),
                failure: None,
                mismatch: false,
                width: ordinals.len(),
            };
            r.captured(e, span, scope, &mut captured)?;
            if let Some(e) = captured.failure {
                return Err(e.into());
            }
            if captured.mismatch {
                return Err(SqlError::new(213, &[]).state(7).at_line(span.line).into());
            }
            r.check_identity_insert(
                &bound.target,
                ordinals.iter().any(|o| Some(*o) == bound.target.identity),
            )?;
            for (types, rows) in captured.sets {
                let mut source = rows.open();
                let next = || {
                    let batch = source.next_batch()?;
                    Ok(batch.map(|b| (0..b.len).map(|i| b.row(i, &types)).collect()))
                };
                r.insert_external(bound, ordinals, &types, next, change)?;
            }
            r.touch_nothing(&bound.target, Action::Insert, change)?;
            Ok(())
        })
    }

    /// Gives a table-valued parameter its rows: those of a table variable of the same type, or those that a client sent.
    pub fn pass_table(&mut self, p: &Parameter, a: &Argument, scope: &mut Scope) -> Result<(), Fail> {
        let key = p.name.to_lowercase();
        let Some(own) = scope.tables.get(&key).cloned() else { return Ok(()) };
        let clash = |what: &str| Fail::Error(SqlError::new(206, &[&what, &p.data_type.name]).state(2));
        let Some(given) = &a.table else {
            return if a.value.is_none() { Ok(()) } else { Err(clash(a.ty.id.name())) };
        };
        if !given.from_client {
            if given.type_object != own.type_object {
                return Err(clash("table"));
            }
            scope.tables.insert(key, given.clone());
            return Ok(());
        }
        let sent = &given.definition.columns;
        if sent.is_empty() {
            return Ok(());
        }
        let columns = &own.definition.columns;
        if sent.len() != columns.len() {
            let text = format!(
                "Trying to pass a table-valued parameter with {} column(s) where the corresponding user-defined table type requires {} column(s).",
                sent.len(),
                columns.len()
            );
            return Err(SqlError::with_text(500, 16, text).into());
        }
        let rows = given.rows.values()?;
        // What the table gives itself is not taken from the client: left-out columns come as NULL.
        let taken: Vec<usize> = (0..columns.len())
            .filter(|&i| {
                let c = &columns[i];
                c.computed.is_none()
                    && c.identity.is_none()
                    && c.ty.id != TypeId::RowVersion
                    && !(sent[i].is_hidden && rows.iter().all(|r| r[i].is_null()))
            })
            .collect();
        let types: Vec<SqlType> = taken.iter().map(|&i| sent[i].ty).collect();
        let rows: Rows = rows.iter().map(|r| taken.iter().map(|&i| r[i].clone()).collect()).collect();
        let insert = super::bulk::insert_of(
            holdfast_tsql::ast::DmlTarget::Variable(p.name.clone()),
            &taken.iter().map(|&i| holdfast_tsql::ast::Ident::new(&*columns[i].name)).collect::<Vec<_>>(),
        );
        let names = scope_names(&self.session, scope, &self.temporary);
        let evaluator = Folding(self.context(scope));
        let bound =
            with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::bind_insert(&insert, cx))?
                .map_err(Fail::Compile)?;
        let ChangeKind::InsertExternal { ordinals, .. } = bound.kind.clone() else { return Ok(()) };
        self.changing(|r, work| {
            let mut change = r.new_change(&bound, work, scope);
            r.insert_external(&bound, &ordinals, &types, parts(rows), &mut change)
        })
    }

    /// Inserts rows of these types into the listed columns; `next` gives some at a time.
    pub(super) fn insert_external(
        &mut self,
        bound: &BoundChange,
        ordinals: &[usize],
        types: &[SqlType],
        mut next: impl FnMut() -> SqlResult<Option<Rows>>,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let columns = &bound.target.table.columns;
        while let Some(part) = next()? {
            change.context.check_cancel()?;
            let mut converted = Vec::with_capacity(part.len());
            for row in part {
                let mut new = Vec::with_capacity(row.len());
                for ((v, from), &o) in row.into_iter().zip(types).zip(ordinals) {
                    new.push(assigned(v, *from, columns[o].ty, &change.context)?);
                }
                converted.push(new);
            }
            // Nothing but the target's own columns can be named in OUTPUT here.
            let nothing: Vec<SqlType> = super::target_rows::plan_types(bound);
            let blank: Rows = vec![vec![Value::Null; nothing.len()]; converted.len()];
            let batch = if nothing.is_empty() {
                Batch::new(converted.len(), Vec::new())
            } else {
                Batch::from_rows(&nothing, &blank)?
            };
            self.insert_values(bound, ordinals, converted, &batch, change)?;
        }
        Ok(())
    }

    /// Runs EXEC and keeps its rows instead of sending them.
    fn captured(
        &mut self,
        e: &Execute,
        span: Span,
        scope: &mut Scope,
        captured: &mut Captured,
    ) -> Result<(), Fail> {
        let inherited = self.inherited();
        let capturing = Some(self.session.state.lock().transaction.count);
        let mut sink = CaptureSink { captured, outer: self.sink };
        let mut inner =
            Runner { kind: crate::session::DoneKind::InProc, capturing, ..inherited.over(&mut sink) };
        inner.execute(e, span, scope)
    }
}

/// Gives some of the rows at a time.
pub(super) fn parts(rows: Rows) -> impl FnMut() -> SqlResult<Option<Rows>> {
    let mut rows = rows.into_iter();
    move || {
        let part: Rows = rows.by_ref().take(BATCH_ROWS).collect();
        Ok((!part.is_empty()).then_some(part))
    }
}

/// A value on its way into a column: strings and bytes keep their length, which is looked at when they are put in.
pub(super) fn assigned(v: Value, from: SqlType, to: SqlType, context: &ExecContext) -> SqlResult<Value> {
    let wide = match (from.id.is_character() && to.id.is_character(), to.id) {
        (true, TypeId::Char | TypeId::VarChar) => SqlType::varchar(-1, to.collation),
        (true, TypeId::NChar | TypeId::NVarChar) => SqlType::nvarchar_max(to.collation),
        _ if from.id.is_binary() && matches!(to.id, TypeId::Binary | TypeId::VarBinary) => {
            SqlType::binary(TypeId::VarBinary, -1)
        }
        _ => to,
    };
    convert(&v, from, wide, context)
}

/// Takes rows; passes messages on.
struct CaptureSink<'a> {
    captured: &'a mut Captured,
    outer: &'a mut dyn crate::session::ResultSink,
}

impl crate::session::ResultSink for CaptureSink<'_> {
    fn columns(&mut self, columns: &[crate::session::ResultColumn]) -> crate::session::SinkResult {
        if columns.len() != self.captured.width {
            self.captured.mismatch = true;
        }
        let types: Vec<SqlType> = columns.iter().map(|c| c.ty).collect();
        let rows = RowList::new(&types, &self.captured.pool);
        self.captured.sets.push((types, rows));
        Ok(())
    }
    fn rows(&mut self, batch: &Batch) -> crate::session::SinkResult {
        let Captured { sets, failure, .. } = &mut *self.captured;
        if let (Some((_, rows)), None) = (sets.last_mut(), &failure) {
            *failure = rows.append_batch(batch).err();
        }
        Ok(())
    }
    fn done(&mut self, done: crate::session::Done) -> crate::session::SinkResult {
        if done.error { self.outer.done(done) } else { Ok(()) }
    }
    fn message(&mut self, message: &SqlError) -> crate::session::SinkResult {
        self.outer.message(message)
    }
    fn environment(&mut self, change: crate::session::EnvironmentChange) -> crate::session::SinkResult {
        self.outer.environment(change)
    }
    fn return_status(&mut self, _: i32) -> crate::session::SinkResult {
        Ok(())
    }
    fn return_value(&mut self, _: u16, _: &str, _: &SqlType, _: &Value) -> crate::session::SinkResult {
        Ok(())
    }
    fn flush(&mut self) -> crate::session::SinkResult {
        self.outer.flush()
    }
}
