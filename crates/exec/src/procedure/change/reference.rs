//! Foreign keys: rows that must exist, and what happens to those that referenced changed or removed ones.
//!
//! Invariants
//! 1. Both directions are looked at after the change, so keys that move between rows of one statement are found.
//! 2. A key with a NULL in it references nothing.

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_engine::access::{BOOKMARK, KeyRange, ReadContext, ReadLevel};
use holdfast_engine::catalog::{ForeignKeyDef, IndexKind, ReferentialAction, TableDef};
use holdfast_plan::change::TargetTable;
use holdfast_types::{Batch, Column, SqlError, SqlResult, SqlType, Value};

use super::{Change, Rows, Runner, writer};
use crate::expression::evaluate;
use crate::operator::sort_key::{KeyPart, encode_rows};
use crate::procedure::run::{Fail, Scope, scope_names};
use crate::procedure::unit::{Folding, Unit, with_bind_context};

/// Normalised keys of rows, `None` where one holds a NULL.
fn keys<'r>(
    rows: impl Iterator<Item = &'r Vec<Value>> + Clone,
    ordinals: &[usize],
    types: &[SqlType],
) -> SqlResult<Vec<Option<Vec<u8>>>> {
    let len = rows.clone().count();
    let parts: Vec<KeyPart> = ordinals.iter().map(|&o| KeyPart { ty: types[o], descending: false }).collect();
    let mut columns = Vec::with_capacity(parts.len());
    for (p, &o) in parts.iter().zip(ordinals) {
        columns.push(Column::from_values(&p.ty, rows.clone().map(|r| &r[o]))?);
    }
    let refs: Vec<&Column> = columns.iter().collect();
    let encoded = encode_rows(&parts, &refs, len)?;
    Ok(encoded
        .iter()
        .enumerate()
        .map(|(i, k)| (!columns.iter().any(|c| c.is_null(i))).then(|| k.to_vec()))
        .collect())
}

/// Ordinals of columns by id.
fn ordinals(table: &TableDef, ids: impl Iterator<Item = i32>) -> Option<Vec<usize>> {
    ids.map(|id| table.columns.iter().position(|c| c.column_id == id)).collect()
}

/// A way to rows by a key: the index whose leading keys are these columns, and for each of them its place in the key.
fn index_on(table: &TableDef, columns: &[usize]) -> Option<(i32, Vec<usize>)> {
    table
        .indexes
        .iter()
        .filter(|i| {
            matches!(i.kind, IndexKind::Clustered | IndexKind::Nonclustered)
                && !i.disabled
                && i.filter.is_none()
                && i.keys.len() >= columns.len()
        })
        .find_map(|i| {
            let order: Option<Vec<usize>> = i.keys[..columns.len()]
                .iter()
                .map(|k| columns.iter().position(|c| *c == k.ordinal))
                .collect();
            order.map(|o| (i.index_id, o))
        })
}

impl Runner<'_> {
    pub(super) fn table_of(&self, database: i32, id: i32) -> SqlResult<Arc<TableDef>> {
        use holdfast_engine::catalog::Catalog;
        let found = match self.session.host.database_by_id(database) {
            Some(d) => d.table_by_id(id)?,
            None => None,
        };
        found.ok_or_else(|| SqlError::not_supported("A foreign key to a table that is not there"))
    }

    fn reading(&self, change: &Change<'_>) -> ReadContext {
        ReadContext {
            owner: change.work.owner(),
            level: ReadLevel::Committed,
            wait: change.wait.clone(),
            ..ReadContext::default()
        }
    }

    /// Every key of new rows must exist in the table it references. `changed`: what an UPDATE set.
    pub(super) fn check_references<'r>(
        &mut self,
        target: &TargetTable,
        rows: impl Iterator<Item = &'r Vec<Value>> + Clone,
        changed: Option<&[usize]>,
        change: &Change<'_>,
    ) -> Result<(), Fail> {
        for key in target.rules.foreign_keys.iter().filter(|k| !k.disabled) {
            let table = &target.table;
            let Some(here) = ordinals(table, key.columns.iter().map(|c| c.0)) else { continue };
            if changed.is_some_and(|c| !here.iter().any(|h| c.contains(h))) {
                continue;
            }
            let referenced = self.table_of(table.database_id, key.referenced_table_id)?;
            let Some(there) = ordinals(&referenced, key.columns.iter().map(|c| c.1)) else { continue };
            let types = target.types();
            let mut seen = HashSet::new();
            for (row, k) in rows.clone().zip(keys(rows.clone(), &here, &types)?) {
                let Some(k) = k else { continue };
                if !seen.insert(k) {
                    continue;
                }
                let wanted: Vec<Value> = here.iter().map(|&o| row[o].clone()).collect();
                if !self.exists(&referenced, &there, &wanted, change)? {
                    let kind = if key.referenced_table_id == key.table_id {
                        "FOREIGN KEY SAME TABLE"
                    } else {
                        "FOREIGN KEY"
                    };
                    return Err(self.conflict(change, kind, key, &referenced, &there).into());
                }
            }
        }
        Ok(())
    }

    /// 547; cascades speak of the statement that began them.
    fn conflict(
        &self,
        change: &Change<'_>,
        kind: &str,
        key: &ForeignKeyDef,
        table: &TableDef,
        columns: &[usize],
    ) -> SqlError {
        let column = match columns {
            [one] => format!(", column '{}'", table.columns[*one].name),
            _ => String::new(),
        };
        let text = format!(
            "The {} statement conflicted with the {kind} constraint \"{}\". The conflict occurred in database \"{}\", table \"{}.{}\"{column}.",
            change.verb,
            key.name,
            self.database_name(table.database_id),
            table.schema_name,
            table.name
        );
        SqlError::with_text(547, 16, text).state(0)
    }

    /// Whether a table has a row with these values.
    fn exists(
        &self,
        table: &TableDef,
        columns: &[usize],
        values: &[Value],
        change: &Change<'_>,
    ) -> SqlResult<bool> {
        let read = self.reading(change);
        if let Some((index, order)) = index_on(table, columns) {
            let key: Vec<Value> = order.iter().map(|&i| values[i].clone()).collect();
            let mut source = table.access.seek(&read, index, KeyRange::point(key), &columns[..1], false)?;
            while let Some(b) = source.next_batch()? {
                if b.len > 0 {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let types: Vec<SqlType> = table.columns.iter().map(|c| c.ty).collect();
        let whole: Vec<usize> = (0..columns.len()).collect();
        let picked: Vec<SqlType> = columns.iter().map(|&c| types[c]).collect();
        let wanted = [values.to_vec()];
        let wanted = keys(wanted.iter(), &whole, &picked)?.pop().flatten();
        let mut source = table.access.scan(&read, columns)?;
        while let Some(b) = source.next_batch()? {
            let rows: Rows = (0..b.len).map(|i| b.row(i, &picked)).collect();
            if keys(rows.iter(), &whole, &picked)?.contains(&wanted) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Which of some keys a table has in these columns; without an index it is read once for all of them.
    fn are_held(
        &self,
        table: &TableDef,
        columns: &[usize],
        lost: &[(Vec<Value>, Option<Vec<Value>>)],
        change: &Change<'_>,
    ) -> SqlResult<Vec<bool>> {
        if index_on(table, columns).is_some() {
            return lost.iter().map(|(values, _)| self.exists(table, columns, values, change)).collect();
        }
        let picked: Vec<SqlType> = columns.iter().map(|&c| table.columns[c].ty).collect();
        let whole: Vec<usize> = (0..columns.len()).collect();
        let wanted = keys(lost.iter().map(|l| &l.0), &whole, &picked)?;
        let mut held = HashSet::new();
        let mut source = table.access.scan(&self.reading(change), columns)?;
        let asked: HashSet<&[u8]> = wanted.iter().flatten().map(Vec::as_slice).collect();
        while let Some(b) = source.next_batch()? {
            let rows: Rows = (0..b.len).map(|i| b.row(i, &picked)).collect();
            let found = keys(rows.iter(), &whole, &picked)?;
            held.extend(found.into_iter().flatten().filter(|k| asked.contains(k.as_slice())));
        }
        Ok(wanted.iter().map(|k| k.as_ref().is_some_and(|k| held.contains(k))).collect())
    }

    /// What becomes of rows that reference `old` rows, which are gone (`new` is `None`) or have other values now.
    pub(super) fn look_after_references(
        &mut self,
        target: &Arc<TargetTable>,
        old: &Rows,
        new: Option<&Rows>,
        changed: &[usize],
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        if old.is_empty() {
            return Ok(());
        }
        let referencing: Vec<Arc<ForeignKeyDef>> =
            target.rules.referencing.iter().filter(|k| !k.disabled).cloned().collect();
        for key in referencing {
            let Some(there) = ordinals(&target.table, key.columns.iter().map(|c| c.1)) else { continue };
            if new.is_some() && !there.iter().any(|t| changed.contains(t)) {
                continue;
            }
            let types = target.types();
            let before = keys(old.iter(), &there, &types)?;
            let after = match new {
                Some(rows) => keys(rows.iter(), &there, &types)?,
                None => vec![None; before.len()],
            };
            // Old keys that are no longer the row's, with the new values to pass on.
            let mut lost: Vec<(Vec<Value>, Option<Vec<Value>>)> = Vec::new();
            let mut seen = HashSet::new();
            for (i, (b, a)) in before.into_iter().zip(after).enumerate() {
                let Some(b) = b else { continue };
                if Some(&b) == a.as_ref() || !seen.insert(b) {
                    continue;
                }
                let pick = |r: &Vec<Value>| there.iter().map(|&o| r[o].clone()).collect::<Vec<_>>();
                lost.push((pick(&old[i]), new.map(|n| pick(&n[i]))));
            }
            if !lost.is_empty() {
                self.pass_on(target, &key, &there, lost, new.is_some(), change)?;
            }
        }
        Ok(())
    }

    fn pass_on(
        &mut self,
        target: &Arc<TargetTable>,
        key: &Arc<ForeignKeyDef>,
        there: &[usize],
        lost: Vec<(Vec<Value>, Option<Vec<Value>>)>,
        updated: bool,
        change: &mut Change<'_>,
    ) -> Result<(), Fail> {
        let child = self.table_of(target.table.database_id, key.table_id)?;
        let Some(here) = ordinals(&child, key.columns.iter().map(|c| c.0)) else { return Ok(()) };
        let rule = if updated { key.on_update } else { key.on_delete };
        if rule == ReferentialAction::NoAction {
            let kind =
                if key.referenced_table_id == key.table_id { "SAME TABLE REFERENCE" } else { "REFERENCE" };
            let held = self.are_held(&child, &here, &lost, change)?;
            for ((values, _), held) in lost.iter().zip(held) {
                if held && !self.exists(&target.table, there, values, change)? {
                    return Err(self.conflict(change, kind, key, &child, &here).into());
                }
            }
            return Ok(());
        }
        let bound = self.cascade_target(&child, change)?;
        let (bookmarks, old, which) = self.referencing_rows(&bound, &here, &lost, change)?;
        if bookmarks.is_empty() {
            return Ok(());
        }
        if rule == ReferentialAction::Cascade && !updated {
            return self.delete_locked(&bound, bookmarks, old, change);
        }
        let mut new = old.clone();
        for (row, &n) in new.iter_mut().zip(&which) {
            for (i, &o) in here.iter().enumerate() {
                row[o] = match rule {
                    ReferentialAction::Cascade => {
                        lost[n].1.as_ref().map_or(Value::Null, |values| values[i].clone())
                    }
                    ReferentialAction::SetDefault => match &bound.defaults[o] {
                        Some(Ok(e)) => evaluate(e, &Batch::one_row(), &change.context)?.value(0, &e.ty),
                        Some(Err(e)) => return Err(e.clone().into()),
                        None => Value::Null,
                    },
                    _ => Value::Null,
                };
            }
        }
        self.update_locked(&bound, bookmarks, old, new, here, change)?;
        Ok(())
    }

    /// Rows of a table that hold one of the lost keys: bookmarks, values, and which key.
    #[allow(clippy::type_complexity)]
    fn referencing_rows(
        &mut self,
        child: &Arc<TargetTable>,
        here: &[usize],
        lost: &[(Vec<Value>, Option<Vec<Value>>)],
        change: &Change<'_>,
    ) -> Result<(Vec<Vec<u8>>, Rows, Vec<usize>), Fail> {
        let table = &child.table;
        let read = self.reading(change);
        // Columns that no page holds stay NULL; what is written anew is computed anew.
        let mut columns: Vec<usize> = (0..table.columns.len())
            .filter(|&i| table.columns[i].computed.is_none() || table.columns[i].persisted)
            .collect();
        let stored = columns.clone();
        columns.push(BOOKMARK);
        let mark = columns.len() - 1;
        let types = child.types();
        let key_types: Vec<SqlType> = here.iter().map(|&o| types[o]).collect();
        let positions: Vec<usize> = (0..here.len()).collect();
        let wanted: Vec<Option<Vec<u8>>> = keys(lost.iter().map(|l| &l.0), &positions, &key_types)?;
        let writer = writer(child)?;
        loop {
            let mut bookmarks = Vec::new();
            let mut old: Rows = Vec::new();
            let mut which = Vec::new();
            let mut take = |b: &Batch, known: Option<usize>| -> SqlResult<()> {
                let mut rows: Rows = Vec::with_capacity(b.len);
                for i in 0..b.len {
                    let mut row = vec![Value::Null; types.len()];
                    for (p, &o) in stored.iter().enumerate() {
                        row[o] = b.columns[p].value(i, &types[o]);
                    }
                    rows.push(row);
                }
                let found = match known {
                    Some(_) => Vec::new(),
                    None => keys(rows.iter(), here, &types)?,
                };
                for (i, row) in rows.into_iter().enumerate() {
                    let n = match known {
                        Some(n) => Some(n),
                        None => {
                            found[i].as_ref().and_then(|k| wanted.iter().position(|w| w.as_ref() == Some(k)))
                        }
                    };
                    let Some(n) = n else { continue };
                    if let Some(b) = super::target_rows::mark_at(b, mark, i) {
                        bookmarks.push(b);
                        old.push(row);
                        which.push(n);
                    }
                }
                Ok(())
            };
            match index_on(table, here) {
                Some((index, order)) => {
                    for (n, (values, _)) in lost.iter().enumerate() {
                        let key: Vec<Value> = order.iter().map(|&i| values[i].clone()).collect();
                        let mut source =
                            table.access.seek(&read, index, KeyRange::point(key), &columns, false)?;
                        while let Some(b) = source.next_batch()? {
                            take(&b, Some(n))?;
                        }
                    }
                }
                None => {
                    let mut source = table.access.scan(&read, &columns)?;
                    while let Some(b) = source.next_batch()? {
                        take(&b, None)?;
                    }
                }
            }
            let mut same = true;
            for b in &bookmarks {
                same &= self.lock_row(&*writer, change, b)?;
            }
            if same {
                return Ok((bookmarks, old, which));
            }
        }
    }

    /// The rules of a table that a cascade comes to.
    pub(super) fn cascade_target(
        &mut self,
        table: &Arc<TableDef>,
        change: &mut Change<'_>,
    ) -> Result<Arc<TargetTable>, Fail> {
        let id = (table.database_id, table.object_id);
        if let Some(known) = change.targets.get(&id) {
            return Ok(Arc::clone(known));
        }
        let unit = Unit::new("", Vec::new(), Vec::new(), Default::default());
        let scope = Scope::new(unit, &self.session.host.temporary_rows);
        let names = scope_names(&self.session, &scope, &self.temporary);
        let evaluator = Folding(change.context.clone());
        let catalog = self
            .session
            .host
            .database_by_id(table.database_id)
            .map(|d| d as Arc<dyn holdfast_engine::catalog::Catalog>);
        let bound = with_bind_context(&names.names(), &evaluator, |cx| {
            holdfast_plan::bind_target(table, catalog.as_ref(), cx)
        })??;
        let bound = Arc::new(bound);
        change.targets.insert(id, Arc::clone(&bound));
        Ok(bound)
    }
}
