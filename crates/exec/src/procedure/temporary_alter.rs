//! ALTER TABLE of temporary tables: a new table is made with the old one's rows, and takes its name.
//!
//! Invariants
//! 1. The rows come out of a query over the old table, so conversions and defaults follow the rules of every other query.
//! 2. A statement that fails leaves the old table as it was.

use std::sync::Arc;

use holdfast_engine::access::TableAccess;
use holdfast_engine::catalog::{Catalog, ColumnDef, IndexDef, TableRules};
use holdfast_engine::transaction::{Transaction, new_owner};
use holdfast_engine::write::{NewRow, WriteContext};
use holdfast_tsql::ast::{
    self, AlterTable, AlterTableAction, AlterTableDrop, ConstraintKind, StatementKind, TableDefinition,
};
use holdfast_types::{SqlError, TypeId, Value};

use super::memory_shape::held;
use super::memory_table::{MemoryShape, MemoryTable};
use super::run::{Fail, Runner, Scope};
use super::unit::TypeScope;
use crate::ddl::table::check_row_size;

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// A declared type as text, for CAST.
fn cast(value: &str, c: &ColumnDef) -> String {
    let collate = match c.ty.collation.name() {
        Some(name) if c.ty.id.is_character() => format!(" COLLATE {name}"),
        _ => String::new(),
    };
    format!("CAST({value} AS {}){collate}", c.ty)
}

impl Runner<'_> {
    pub fn alter_temporary(&mut self, a: &AlterTable, scope: &mut Scope) -> Result<(), Fail> {
        let shown = a.name.name.text.as_str();
        let _alone = self.alone_with(&shown.to_lowercase())?;
        let Some(old) = self.find_temporary(&a.name) else {
            return Err(SqlError::new(4902, &[&shown]).into());
        };
        match &a.action {
            AlterTableAction::Add { definition, .. } => self.add_temporary(a, &old, definition, scope)?,
            AlterTableAction::Drop(list) => {
                let shape = self.without(shown, &old, list)?;
                let texts: Vec<String> = shape.columns.iter().map(|c| quoted(&c.name)).collect();
                self.rebuild(&a.name, &old, shape, &texts, scope)?;
            }
            AlterTableAction::AlterColumn { column, .. } => {
                let unit = Arc::clone(&scope.unit);
                let database = self.session.current_database();
                let types = TypeScope {
                    // tempdb's, which is the instance's.
                    collation: self.session.host.instance.options.collation,
                    catalog: database as Arc<dyn Catalog>,
                    schema: self.session.default_schema(),
                    text: &unit.text,
                };
                let single = TableDefinition { columns: vec![column.clone()], ..TableDefinition::default() };
                let Some(new) = types.plain_columns(&single)?.pop() else { return Ok(()) };
                let mut shape = old.shape();
                let names = self.session.current_database().names();
                let Some(at) = shape.columns.iter().position(|c| names.same(&c.name, &new.name)) else {
                    return Err(SqlError::new(
                        4924,
                        &[&"ALTER TABLE ALTER COLUMN", &column.name.text, &shown],
                    )
                    .into());
                };
                if new.ty.id == TypeId::RowVersion {
                    return Err(SqlError::new(4927, &[&column.name.text, &"timestamp"]).into());
                }
                let kept = &mut shape.columns[at];
                kept.ty = new.ty;
                kept.nullable = new.nullable && kept.identity.is_none();
                check_row_size(shown, &held(&shape.columns))?;
                let texts: Vec<String> = shape
                    .columns
                    .iter()
                    .enumerate()
                    .map(|(i, c)| if i == at { cast(&quoted(&c.name), c) } else { quoted(&c.name) })
                    .collect();
                self.rebuild(&a.name, &old, shape, &texts, scope)?;
            }
            AlterTableAction::CheckConstraint { enable, all, names, .. } => {
                let mut rules = TableRules::clone(&old.rules);
                for check in &mut rules.checks {
                    if *all || names.iter().any(|n| n.is(&check.name)) {
                        check.disabled = !enable;
                    }
                }
                let new = MemoryTable { rules: Arc::new(rules), ..old };
                self.replace_temporary(&a.name, new)?;
            }
            AlterTableAction::Rebuild { .. } => {}
            _ => {
                return Err(SqlError::not_supported("This form of ALTER TABLE of a temporary table").into());
            }
        }
        self.plain_done(0)
    }

    fn add_temporary(
        &mut self,
        a: &AlterTable,
        old: &MemoryTable,
        definition: &TableDefinition,
        scope: &mut Scope,
    ) -> Result<(), Fail> {
        let shown = a.name.name.text.as_str();
        let unit = Arc::clone(&scope.unit);
        let database = self.session.current_database();
        let types = TypeScope {
            // tempdb's, which is the instance's.
            collation: self.session.host.instance.options.collation,
            catalog: database as Arc<dyn Catalog>,
            schema: self.session.default_schema(),
            text: &unit.text,
        };
        let from = old.shape();
        let first = from.columns.len();
        for c in &definition.columns {
            if from.columns.iter().any(|x| types.catalog.names().same(&x.name, &c.name.text)) {
                return Err(SqlError::new(2705, &[&c.name.text, &shown]).state(4).into());
            }
        }
        let shape = types.shape_onto(from, shown, definition)?;
        let empty = old.rows.is_empty();
        let mut texts: Vec<String> = shape.columns[..first].iter().map(|c| quoted(&c.name)).collect();
        for (c, declared) in shape.columns[first..].iter().zip(&definition.columns) {
            let with_values = declared
                .constraints
                .iter()
                .any(|k| matches!(k.kind, ConstraintKind::Default { with_values: true, .. }));
            texts.push(match (&c.default, &c.computed) {
                (_, Some(text)) => text.to_string(),
                (Some(text), _) if !c.nullable || with_values => cast(text, c),
                _ if c.identity.is_some() || c.ty.id == TypeId::RowVersion => "NULL".to_owned(),
                _ if !c.nullable && !empty => {
                    return Err(SqlError::new(4901, &[&c.name, &shown]).into());
                }
                _ => cast("NULL", c),
            });
        }
        self.rebuild(&a.name, old, shape, &texts, scope)
    }

    /// A filtered index on a table that has rows: the table is made anew, each row counting for the index or not.
    pub(super) fn add_filtered_index(
        &mut self,
        table: &ast::ObjectName,
        old: &MemoryTable,
        index: IndexDef,
        scope: &Scope,
    ) -> Result<(), Fail> {
        let mut shape = old.shape();
        shape.indexes.push(index);
        let texts: Vec<String> = shape.columns.iter().map(|c| quoted(&c.name)).collect();
        self.rebuild(table, old, shape, &texts, scope)
    }

    /// ALTER INDEX: trees in memory are always as good as rebuilt; an index that is missing is said.
    pub(super) fn alter_temporary_index(&mut self, a: &ast::AlterIndex) -> Result<(), Fail> {
        let Some(table) = self.find_temporary(&a.table) else {
            return Err(SqlError::new(1088, &[&a.table.name.text]).state(9).into());
        };
        if let Some(name) = &a.name
            && !table.definition.indexes.iter().any(|i| i.name.as_deref().is_some_and(|n| name.is(n)))
        {
            let text = format!("Cannot find index '{}'.", name.text);
            return Err(SqlError::with_text(2727, 11, text).into());
        }
        match a.action.as_str() {
            "REBUILD" | "REORGANIZE" | "SET" => self.plain_done(0),
            other => {
                let what = format!("ALTER INDEX … {other} of a temporary table");
                Err(SqlError::not_supported(what).into())
            }
        }
    }

    /// What is left when columns and constraints go.
    fn without(
        &self,
        shown: &str,
        old: &MemoryTable,
        list: &[AlterTableDrop],
    ) -> Result<MemoryShape, SqlError> {
        let mut shape = old.shape();
        for item in list {
            match item {
                AlterTableDrop::Constraint { name, if_exists, .. } => {
                    let before = (shape.indexes.len(), shape.rules.checks.len(), shape.default_names.len());
                    shape.indexes.retain(|i| {
                        !((i.primary_key || i.unique_constraint)
                            && i.name.as_deref().is_some_and(|n| name.is(n)))
                    });
                    let mut rules = TableRules::clone(&shape.rules);
                    rules.checks.retain(|c| !name.is(&c.name));
                    shape.rules = Arc::new(rules);
                    if let Some(at) = shape.default_names.iter().position(|d| name.is(&d.1)) {
                        let id = shape.default_names.remove(at).0;
                        shape.columns.iter_mut().filter(|c| c.column_id == id).for_each(|c| c.default = None);
                    }
                    let after = (shape.indexes.len(), shape.rules.checks.len(), shape.default_names.len());
                    if before == after && !if_exists {
                        return Err(SqlError::new(3728, &[&name.text]));
                    }
                }
                AlterTableDrop::Column { name, if_exists } => {
                    let at = shape.columns.iter().position(|c| name.is(&c.name));
                    let Some(at) = at else {
                        if *if_exists {
                            continue;
                        }
                        return Err(SqlError::new(4924, &[&"ALTER TABLE DROP COLUMN", &name.text, &shown]));
                    };
                    let id = shape.columns[at].column_id;
                    let used = shape.indexes.iter().any(|i| i.keys.iter().any(|k| k.ordinal == at))
                        || shape.default_names.iter().any(|d| d.0 == id)
                        || shape.rules.checks.iter().any(|c| c.column_id == id);
                    if used {
                        return Err(SqlError::new(4922, &[&"ALTER TABLE DROP COLUMN", &name.text]));
                    }
                    shape.columns.remove(at);
                    for key in shape.indexes.iter_mut().flat_map(|i| &mut i.keys) {
                        key.ordinal -= usize::from(key.ordinal > at);
                    }
                }
                AlterTableDrop::Index { name } => {
                    shape.indexes.retain(|i| !i.name.as_deref().is_some_and(|n| name.is(n)));
                }
                AlterTableDrop::Period => {
                    return Err(SqlError::not_supported("PERIOD FOR SYSTEM_TIME of a temporary table"));
                }
            }
        }
        Ok(shape)
    }

    /// Makes the new table, fills it with what `texts` say of the old one's rows, and gives it the name.
    fn rebuild(
        &mut self,
        table: &ast::ObjectName,
        old: &MemoryTable,
        shape: MemoryShape,
        texts: &[String],
        scope: &Scope,
    ) -> Result<(), Fail> {
        let shown = table.name.text.as_str();
        // Behind the columns comes, for each filtered index, whether the row counts for it.
        let filtered: Vec<(i32, String)> = shape
            .indexes
            .iter()
            .filter_map(|i| {
                i.filter.as_ref().map(|f| (i.index_id, format!("CASE WHEN {f} THEN 1 ELSE 0 END")))
            })
            .collect();
        let asked: Vec<String> = texts.iter().chain(filtered.iter().map(|f| &f.1)).cloned().collect();
        let rows = if old.rows.is_empty() { Vec::new() } else { self.rows_like(&asked, shown, scope)? };
        let rows = rows.into_iter().map(|mut values| {
            let counts = values.split_off(texts.len().min(values.len()));
            let outside =
                filtered.iter().zip(&counts).filter(|(_, v)| **v != Value::Int(1)).map(|(f, _)| f.0);
            NewRow { outside_indexes: outside.collect(), values }
        });
        let rows: Vec<NewRow> = rows.collect();
        let checks: Vec<(Arc<str>, Arc<str>)> = shape
            .rules
            .checks
            .iter()
            .filter(|c| !c.disabled && old.rules.checks.iter().all(|o| o.name != c.name))
            .map(|c| (c.name.clone(), c.text.clone()))
            .collect();
        let new = MemoryTable::of(&old.definition.name, shape, &self.session.host.temporary_rows);
        fill(&new, old, rows, &self.session.lock_wait())?;
        self.replace_temporary(table, new)?;
        for (name, text) in checks {
            // NULL passes a check.
            let refuted =
                self.rows_like(&[format!("CASE WHEN NOT ({text}) THEN 1 ELSE 0 END")], shown, scope)?;
            let broken = refuted.iter().any(|r| r.first() == Some(&Value::Int(1)));
            if broken {
                self.replace_temporary(table, old.clone())?;
                let text = format!(
                    "The ALTER TABLE statement conflicted with the CHECK constraint \"{name}\". The conflict occurred in database \"tempdb\", table \"dbo.{shown}\"."
                );
                return Err(SqlError::with_text(547, 16, text).state(0).into());
            }
        }
        Ok(())
    }

    /// Rows of a query over a temporary table.
    fn rows_like(&mut self, list: &[String], table: &str, scope: &Scope) -> Result<Vec<Vec<Value>>, Fail> {
        let text = format!("SELECT {} FROM {}", list.join(", "), quoted(table));
        let options = holdfast_tsql::ParseOptions::default();
        let parsed = holdfast_tsql::parse_batch(&text, &options).ok();
        let query = parsed.and_then(|b| b.statements.into_iter().next()).and_then(|s| match s.kind {
            StatementKind::Select(q) => Some(q),
            _ => None,
        });
        let Some(query) = query else {
            return Err(SqlError::not_supported("This form of ALTER TABLE of a temporary table").into());
        };
        let bound = self.bind_fresh(&query, scope)?;
        Ok(self.rows_of(&bound, scope)?.1)
    }
}

/// Puts rows into a new table; an identity column that is new counts through them, one that was there goes on.
fn fill(
    new: &MemoryTable,
    old: &MemoryTable,
    mut rows: Vec<NewRow>,
    wait: &holdfast_engine::lock::LockWait,
) -> Result<(), Fail> {
    let Some(writer) = TableAccess::writer(&*new.rows) else { return Ok(()) };
    let columns = &new.definition.columns;
    let fresh = |c: &ColumnDef| old.definition.columns.iter().all(|o| o.column_id != c.column_id);
    for row in &mut rows {
        for (c, v) in columns.iter().zip(row.values.iter_mut()) {
            if c.identity.is_some() && fresh(c) {
                *v = writer.next_identity()?;
            } else if c.ty.id == TypeId::RowVersion && fresh(c) {
                *v = Value::binary(&writer.next_row_version()?.to_be_bytes());
            } else if v.is_null() && !c.nullable && c.ty.id != TypeId::RowVersion {
                let table = format!("tempdb.dbo.{}", new.definition.name);
                let text = format!(
                    "Cannot insert the value NULL into column '{}', table '{table}'; column does not allow nulls. UPDATE fails.",
                    c.name
                );
                return Err(SqlError::with_text(515, 16, text).state(2).into());
            }
        }
    }
    let last = old.rows.last_identity();
    if !last.is_null() && columns.iter().any(|c| c.identity.is_some() && !fresh(c)) {
        writer.note_identity(&last, false)?;
    }
    let work = Transaction::new(new_owner());
    writer.insert(WriteContext { transaction: &work, wait }, &rows)?;
    work.commit()?;
    Ok(())
}
