//! New rows: defaults, identity, row versions, computed columns, and what every row must obey by itself.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, IndexDef, TableDef};
use holdfast_engine::write::NewRow;
use holdfast_plan::change::{Action, InsertRows, SetItem, SetValue, TargetTable, null_not_allowed};
use holdfast_types::{Batch, SqlError, SqlResult, SqlString, SqlType, Value};

use super::fit::fit;
use super::{Change, Rows, Runner, writer};
use crate::expression::vector::{FALSE, TRUE, Vector};
use crate::expression::{evaluate, evaluate_one, evaluate_predicate};
use crate::procedure::query::convert;
use crate::procedure::run::{Fail, Scope, scope_names};
use crate::procedure::unit::{Folding, with_bind_context};

impl Runner<'_> {
    /// `db.schema.table` for 2628.
    fn full_name(&self, target: &TargetTable) -> String {
        let t = &target.table;
        format!("{}.{}.{}", self.database_name(t.database_id), t.schema_name, t.name)
    }

    /// Checks SET IDENTITY_INSERT against whether a value is given.
    pub(super) fn check_identity_insert(&self, target: &TargetTable, given: bool) -> Result<(), Fail> {
        if target.identity.is_none() || target.is_view {
            return Ok(());
        }
        let on = {
            let state = self.session.state.lock();
            let t = &target.table;
            state.identity_insert.as_ref().is_some_and(|(d, o, _)| (*d, *o) == (t.database_id, t.object_id))
        };
        let lasting = target.table.name.starts_with('@');
        match (given, on) {
            (true, false) if !lasting => Err(SqlError::new(544, &[&target.table.name]).into()),
            (true, false) => Err(SqlError::new(8101, &[&target.table.name]).into()),
            (false, true) => Err(SqlError::new(545, &[&target.table.name]).into()),
            _ => Ok(()),
        }
    }

    /// Values of the listed columns for every row of a batch, by row.
    pub(super) fn listed_values(
        &self,
        list: &InsertRows,
        batch: &Batch,
        change: &Change<'_>,
    ) -> SqlResult<(Vec<usize>, Rows)> {
        let mut vectors: Vec<(Vector, SqlType)> = Vec::with_capacity(list.values.len());
        for (_, e) in &list.values {
            vectors.push((evaluate(e, batch, &change.context)?, e.ty));
        }
        let rows = (0..batch.len).map(|i| vectors.iter().map(|(v, t)| v.value(i, t)).collect()).collect();
        Ok((list.ordinals(), rows))
    }

    /// Whole rows out of values for some columns. With `stored`, also all that the table keeps: identity, row version,
    /// computed columns; and the rows are checked.
    pub(super) fn whole_rows(
        &self,
        target: &TargetTable,
        ordinals: &[usize],
        listed: Rows,
        change: &mut Change<'_>,
        stored: bool,
    ) -> SqlResult<Vec<NewRow>> {
        let columns = &target.table.columns;
        let count = listed.len();
        let mut rows: Rows = Vec::with_capacity(count);
        let name = || self.full_name(target);
        for values in listed {
            let mut row = vec![Value::Null; columns.len()];
            for (v, &o) in values.into_iter().zip(ordinals) {
                row[o] = fit(v, &columns[o], &name, change.ansi_warnings)?;
            }
            rows.push(row);
        }
        let plain = Batch::new(count, Vec::new());
        for (o, default) in target.defaults.iter().enumerate() {
            let Some(default) = default else { continue };
            let given = ordinals.contains(&o);
            if (given && !change.default_for_null) || Some(o) == target.identity {
                continue;
            }
            let e = default.as_ref().map_err(Clone::clone)?;
            let v = evaluate(e, &plain, &change.context)?;
            for (i, row) in rows.iter_mut().enumerate().filter(|(_, r)| !given || r[o].is_null()) {
                row[o] = fit(v.value(i, &e.ty), &columns[o], &name, change.ansi_warnings)?;
            }
        }
        self.begin_period(target, &mut rows, change);
        if stored {
            let writer = writer(target)?;
            if let Some(o) = target.identity {
                writer.lock_to_change(change.write())?;
                for row in &mut rows {
                    if ordinals.contains(&o) {
                        writer.note_identity(&row[o], false)?;
                    } else {
                        row[o] = writer.next_identity()?;
                    }
                }
                if let Some(last) = rows.last() {
                    change.identity = Some(last[o].clone());
                }
            }
            if let Some(o) = target.row_version {
                for row in &mut rows {
                    row[o] = Value::binary(&writer.next_row_version()?.to_be_bytes());
                }
            }
        } else if let Some(o) = target.identity
            && !ordinals.contains(&o)
        {
            // What an INSTEAD OF trigger sees.
            for row in &mut rows {
                row[o] = crate::procedure::identity::value_of(0, &columns[o].ty)?;
            }
        }
        self.settle(target, rows, change, stored, Action::Insert, None)
    }

    /// Computed columns, NOT NULL, checks and filters of rows whose other values are in place. `changed`: what an UPDATE set.
    pub(super) fn settle(
        &self,
        target: &TargetTable,
        mut rows: Rows,
        change: &Change<'_>,
        stored: bool,
        action: Action,
        changed: Option<&[usize]>,
    ) -> SqlResult<Vec<NewRow>> {
        let columns = &target.table.columns;
        let types: Vec<SqlType> = target.types();
        let wanted = |c: &holdfast_plan::change::BoundComputed| {
            c.stored
                || !stored
                || change.all_computed
                || !target.checks.is_empty()
                || target.triggers.iter().any(|t| !t.def.disabled)
        };
        if !rows.is_empty() && target.computed.iter().any(wanted) {
            let batch = Batch::from_rows(&types, &rows)?;
            for c in target.computed.iter().filter(|c| wanted(c)) {
                let v = evaluate(&c.value, &batch, &change.context)?;
                let name = || self.full_name(target);
                for (i, row) in rows.iter_mut().enumerate() {
                    row[c.ordinal] =
                        fit(v.value(i, &c.value.ty), &columns[c.ordinal], &name, change.ansi_warnings)?;
                }
            }
        }
        if !stored {
            return Ok(rows
                .into_iter()
                .map(|values| NewRow { values, outside_indexes: Vec::new() })
                .collect());
        }
        for (o, c) in columns.iter().enumerate() {
            let left = changed.is_some_and(|changed| !changed.contains(&o));
            if c.nullable || left || (c.computed.is_some() && !c.persisted) {
                continue;
            }
            if rows.iter().any(|r| r[o].is_null()) {
                let database = self.database_name(target.table.database_id);
                return Err(null_not_allowed(&target.table, &database, &c.name, action));
            }
        }
        let concerned =
            |used: &[usize]| changed.is_none_or(|c| used.is_empty() || used.iter().any(|u| c.contains(u)));
        let checks: Vec<_> = target.checks.iter().filter(|c| c.of_view || concerned(&c.columns)).collect();
        let mut outside: Vec<Vec<i32>> = vec![Vec::new(); rows.len()];
        if !rows.is_empty() && (!checks.is_empty() || !target.filters.is_empty()) {
            let batch = Batch::from_rows(&types, &rows)?;
            for check in checks {
                let truth = evaluate_predicate(&check.condition, &batch, &change.context)?;
                if check.of_view && (0..batch.len).any(|i| truth.at(i) != TRUE) {
                    return Err(SqlError::new(550, &[]));
                }
                if (0..batch.len).any(|i| truth.at(i) == FALSE) {
                    return Err(self.check_failed(target, check, change));
                }
            }
            for (index, condition) in &target.filters {
                let truth = evaluate_predicate(condition, &batch, &change.context)?;
                for (i, list) in outside.iter_mut().enumerate() {
                    if truth.at(i) != TRUE {
                        list.push(*index);
                    }
                }
            }
        }
        Ok(rows
            .into_iter()
            .zip(outside)
            .map(|(values, outside_indexes)| NewRow { values, outside_indexes })
            .collect())
    }

    /// Rows that a table has, or is to have, with the computed columns that it keeps and the filtered indexes that they are not
    /// in. They obey the table's rules already.
    pub(crate) fn settled_rows(
        &mut self,
        table: &Arc<TableDef>,
        catalog: &Arc<dyn Catalog>,
        mut rows: Rows,
        scope: &Scope,
    ) -> Result<Vec<NewRow>, Fail> {
        let kept = |i: &IndexDef| i.filter.is_some() && !i.disabled;
        let computed = |(o, c): (usize, &ColumnDef)| {
            c.computed.is_some()
                && (c.persisted
                    || table
                        .indexes
                        .iter()
                        .any(|i| i.keys.iter().any(|k| k.ordinal == o) || i.included.contains(&o)))
        };
        let mut outside: Vec<Vec<i32>> = vec![Vec::new(); rows.len()];
        if !rows.is_empty()
            && (table.indexes.iter().any(kept) || table.columns.iter().enumerate().any(computed))
        {
            let names = scope_names(&self.session, scope, &self.temporary);
            let evaluator = Folding(self.context(scope));
            let target = with_bind_context(&names.names(), &evaluator, |cx| {
                holdfast_plan::bind_target(table, Some(catalog), cx)
            })?
            .map_err(Fail::Compile)?;
            let context = self.context(scope);
            let types = target.types();
            let name = || self.full_name(&target);
            let batch = Batch::from_rows(&types, &rows)?;
            for c in target.computed.iter().filter(|c| c.stored) {
                let v = evaluate(&c.value, &batch, &context)?;
                for (i, row) in rows.iter_mut().enumerate() {
                    row[c.ordinal] = fit(v.value(i, &c.value.ty), &table.columns[c.ordinal], &name, true)?;
                }
            }
            let batch = Batch::from_rows(&types, &rows)?;
            for (index, condition) in &target.filters {
                let truth = evaluate_predicate(condition, &batch, &context)?;
                for (_, list) in outside.iter_mut().enumerate().filter(|(i, _)| truth.at(*i) != TRUE) {
                    list.push(*index);
                }
            }
        }
        Ok(rows
            .into_iter()
            .zip(outside)
            .map(|(values, outside_indexes)| NewRow { values, outside_indexes })
            .collect())
    }

    /// Rows with the computed columns that only indexes hold; nothing for tables without such.
    pub(super) fn indexed_values(
        &self,
        target: &TargetTable,
        rows: &Rows,
        context: &crate::context::ExecContext,
    ) -> SqlResult<Rows> {
        let columns = &target.table.columns;
        let apart: Vec<_> =
            target.computed.iter().filter(|c| c.stored && !columns[c.ordinal].persisted).collect();
        if apart.is_empty() || rows.is_empty() {
            return Ok(Rows::new());
        }
        let mut out = rows.clone();
        let batch = Batch::from_rows(&target.types(), rows)?;
        for c in apart {
            let v = evaluate(&c.value, &batch, context)?;
            let name = || self.full_name(target);
            for (i, row) in out.iter_mut().enumerate() {
                row[c.ordinal] = fit(v.value(i, &c.value.ty), &columns[c.ordinal], &name, true)?;
            }
        }
        Ok(out)
    }

    fn check_failed(
        &self,
        target: &TargetTable,
        check: &holdfast_plan::change::BoundCheck,
        change: &Change<'_>,
    ) -> SqlError {
        let column = check.column.as_ref().map(|c| format!(", column '{c}'")).unwrap_or_default();
        let t = &target.table;
        if check.rule {
            let (database, column) = (self.database_name(t.database_id), check.column.as_deref());
            let table = format!("{}.{}", t.schema_name, t.name);
            return SqlError::new(513, &[&database, &table, &column.unwrap_or("")]).state(0);
        }
        let text = format!(
            "The {} statement conflicted with the CHECK constraint \"{}\". The conflict occurred in database \"{}\", table \"{}.{}\"{column}.",
            change.verb,
            check.name,
            self.database_name(t.database_id),
            t.schema_name,
            t.name
        );
        SqlError::with_text(547, 16, text).state(0)
    }

    /// The rows that a SET list makes of `old`; also sets variables.
    pub(super) fn set_rows(
        &mut self,
        items: &[SetItem],
        target: &TargetTable,
        batch: &Batch,
        old: &Rows,
        change: &mut Change<'_>,
        scope: &mut Scope,
    ) -> Result<Rows, Fail> {
        let columns = &target.table.columns;
        let mut new = old.clone();
        if items.iter().any(|i| i.variable.is_some()) {
            // Row by row: each sees the variables that the ones before set.
            for (i, row) in new.iter_mut().enumerate() {
                let one = batch.slice(i, 1);
                for item in items {
                    let SetValue::Expr(e) = &item.value else {
                        return Err(SqlError::not_supported("WRITE together with variables in SET").into());
                    };
                    let now = self.with_variables(change, scope);
                    let mut value = evaluate_one(e, &one, &now)?;
                    let mut from = e.ty;
                    if let Some(o) = item.column {
                        let name = || self.full_name(target);
                        value = fit(value, &columns[o], &name, change.ansi_warnings)?;
                        from = columns[o].ty;
                        row[o] = value.clone();
                    }
                    if let Some((slot, ty)) = item.variable {
                        let value = convert(&value, from, ty, &now)?;
                        drop(now);
                        scope.assign(slot, value)?;
                    }
                }
            }
            return Ok(new);
        }
        for item in items {
            let Some(o) = item.column else { continue };
            match &item.value {
                SetValue::Expr(e) => {
                    let v = evaluate(e, batch, &change.context)?;
                    let name = || self.full_name(target);
                    for (i, row) in new.iter_mut().enumerate() {
                        row[o] = fit(v.value(i, &e.ty), &columns[o], &name, change.ansi_warnings)?;
                    }
                }
                SetValue::Write { value, offset, length } => {
                    let v = evaluate(value, batch, &change.context)?;
                    let at = evaluate(offset, batch, &change.context)?;
                    let len = evaluate(length, batch, &change.context)?;
                    for (i, row) in new.iter_mut().enumerate() {
                        let (at, len) = (at.value(i, &offset.ty), len.value(i, &length.ty));
                        row[o] = written(&row[o], v.value(i, &value.ty), &at, &len)?;
                    }
                }
            }
        }
        Ok(new)
    }

    fn with_variables(&self, change: &Change<'_>, scope: &Scope) -> crate::context::ExecContext {
        crate::context::ExecContext::new(Arc::clone(&change.context.query), Arc::clone(&scope.frame))
    }
}

/// `c.WRITE(value, offset, length)`.
fn written(old: &Value, new: Value, offset: &Value, length: &Value) -> SqlResult<Value> {
    let number = |v: &Value| match v {
        Value::BigInt(n) => Some(*n),
        _ => None,
    };
    let (offset, length) = (number(offset), number(length));
    let range = |len: usize, cut: bool| -> SqlResult<(usize, usize)> {
        let at = match offset {
            None => return Ok((len, len)),
            Some(n) => usize::try_from(n).ok().filter(|n| *n <= len),
        };
        let Some(at) = at else {
            return Err(SqlError::with_text(
                7133,
                16,
                "Offset or length specified in a WRITE clause is not in the range of the data.",
            ));
        };
        let end = match length {
            // NULL as value cuts at the offset.
            _ if cut => len,
            None => len,
            Some(n) => match usize::try_from(n) {
                Ok(n) => at.saturating_add(n).min(len),
                Err(_) => {
                    return Err(SqlError::with_text(
                        7135,
                        16,
                        format!(
                            "Deletion length {n} is not in the range of available text, ntext, or image data."
                        ),
                    ));
                }
            },
        };
        Ok((at, end))
    };
    match (old, new) {
        (Value::Null, _) => Err(SqlError::with_text(
            6852,
            16,
            "Cannot call the WRITE clause on a column with the NULL value.",
        )),
        (Value::String(s), new) => {
            let (at, end) = range(s.units().len(), new.is_null())?;
            let mut units = s.units()[..at].to_vec();
            if let Value::String(n) = &new {
                units.extend_from_slice(n.units());
            }
            units.extend_from_slice(&s.units()[end..]);
            Ok(Value::String(SqlString::new(units)))
        }
        (Value::Binary(b), new) => {
            let (at, end) = range(b.len(), new.is_null())?;
            let mut bytes = b[..at].to_vec();
            if let Value::Binary(n) = &new {
                bytes.extend_from_slice(n);
            }
            bytes.extend_from_slice(&b[end..]);
            Ok(Value::binary(&bytes))
        }
        (other, _) => Ok(other.clone()),
    }
}
