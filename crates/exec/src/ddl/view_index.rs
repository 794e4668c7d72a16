//! CREATE INDEX on a view, and what becomes of a view's indexes.
//!
//! Invariants
//! 1. The first index is unique and clustered and gives the view rows of its own; without it there are no others.
//! 2. The tables that the view is over are locked against everybody until the transaction ends: who changes them afterwards
//!    knows of the view.
//! 3. Rows come from the view's own query, as a change of a table makes them.

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, IndexKind as Kind, ModuleDef, ObjectDef, TableDef};
use holdfast_engine::ddl::index::{NewIndex, clustered_key, table_columns};
use holdfast_engine::ddl::object::bits;
use holdfast_plan::Unsteady;
use holdfast_tsql::ast::query::{NamedTable, Query, QueryBody, SelectItem};
use holdfast_tsql::ast::{CreateIndex, SelectStatement};
use holdfast_types::{SqlError, SqlResult, TypeId};

use super::constraint::{Target, index_options};
use super::index::{duplicate, map_error};
use super::lower::{bracketed, known_columns};
use super::{Definition, shown};
use crate::indexed_view::{Check, Objects, Role, Shape, parse, plain_select, summed};
use crate::procedure::run::{Fail, scope_names};
use crate::procedure::unit::{Folding, with_bind_context};

/// Names in a view's text, which is schema-bound: two parts each.
struct Bound<'c>(&'c dyn Catalog);

impl Objects for Bound<'_> {
    fn object(&self, name: &NamedTable) -> SqlResult<(i32, Option<Arc<TableDef>>)> {
        let schema = name.name.schema.as_ref().map_or("", |s| s.text.as_str());
        match self.0.object(schema, &name.name.name.text) {
            Some(ObjectDef::Table(t)) => Ok((t.object_id, Some(t))),
            Some(ObjectDef::View(v)) => Ok((v.object_id, None)),
            _ => Err(SqlError::new(208, &[&name.name])),
        }
    }
}

/// Whether a view's text is one that can be indexed, as far as the text tells.
pub fn can_be_indexed(view: &ModuleDef, catalog: &dyn Catalog) -> bool {
    let full = format!("{}.{}.{}", catalog.database_name(), view.schema_name, view.name);
    let objects = Bound(catalog);
    parse(view).is_ok_and(|v| {
        Check::new(&full, &catalog.database_name(), catalog.names(), &objects)
            .query(&v.query, &view.text, "")
            .is_ok()
    })
}

impl Definition<'_, '_> {
    pub fn create_view_index(&mut self, c: &CreateIndex, id: i32) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let missing = || Fail::Compile(SqlError::new(1088, &[&shown(&c.table)]));
        let table = catalog.view_as_table(id)?.ok_or_else(missing)?;
        let row = catalog.object_row(id).ok_or_else(missing)?.clone();
        let Some(ObjectDef::View(module)) = catalog.definition(id)? else { return Err(missing()) };
        let name = format!("{}.{}", table.schema_name, table.name);
        let full = format!("{}.{name}", self.database.name);
        if i64::from(row.status) & bits::SCHEMA_BOUND == 0 {
            return Err(SqlError::new(1939, &[&"index", &table.name]).into());
        }
        self.lock_under_view(id)?;
        self.lock(id)?;
        let clustered = c.clustered == Some(true);
        let first = table.indexes.iter().find(|i| i.kind == Kind::Clustered);
        let again = first.is_some_and(|i| i.name.as_deref().is_some_and(|n| self.same(n, &c.name.text)));
        match first {
            Some(first) if clustered && !again => {
                let first = first.name.as_deref().unwrap_or("");
                return Err(SqlError::new(1902, &[&"view", &name, &first]).into());
            }
            None if clustered && !c.unique => return Err(SqlError::new(1941, &[&name]).into()),
            None if !clustered => return Err(SqlError::new(1940, &[&"index", &name]).into()),
            _ => {}
        }
        if c.filter.is_some() {
            return Err(SqlError::new(10610, &[&"index", &c.name.text, &name, &"indexes"]).into());
        }
        let mut index = NewIndex {
            clustered,
            unique: c.unique,
            ..NewIndex::named(&c.name.text, self.base_placement(&table)?.uncompressed())
        };
        let target = Target {
            object: id,
            schema_id: row.schema_id,
            name: name.clone(),
            known: known_columns(&table),
            clustered: clustered_key(&table),
            place: index.place.clone(),
            keys: Vec::new(),
        };
        if let Some(on) = &c.on {
            index.place = self.placement(Some(on), &target.known)?;
            if index.place.partitions.is_some() {
                return Err(SqlError::not_supported("A view on a partition scheme").into());
            }
        }
        index.keys = self.key_columns(&target, &c.name.text, &c.columns)?;
        index.included = self.included(&target, &index.keys, &c.include)?;
        index_options(&mut index, &c.options)?;
        if index.ignore_duplicates {
            return Err(SqlError::new(1990, &[]).into());
        }
        self.check_view_flags(&row, &module)?;
        self.runner.refuse_options("CREATE INDEX")?;
        for key in &index.keys {
            let column = table.columns.iter().find(|x| x.column_id == key.0);
            if let Some(column) = column.filter(|x| matches!(x.ty.id, TypeId::Float | TypeId::Real)) {
                return Err(SqlError::new(1901, &[&c.name.text, &name, &column.name]).into());
            }
        }
        if clustered {
            self.check_view(&module, &table, &index, &full)?;
        }
        match (self.index_named(id, &c.name.text)?, drop_existing(c)) {
            (Some(old), true) if old != 1 && !clustered => self.writer()?.remove_index(id, old)?,
            (Some(_), true) => return Err(SqlError::not_supported("DROP_EXISTING on a view").into()),
            (Some(_), false) => return Err(SqlError::new(1913, &[&c.name.text, &"view", &name]).into()),
            (None, _) => {}
        }
        if !clustered {
            self.refresh()?;
            self.make_index(id, &index)?;
            return Ok(());
        }
        self.writer()?.add_index(id, &table_columns(&table), &index, None)?;
        self.refresh()?;
        let rows = self.rows_of_view(&table)?;
        // The one that was looked at before has no key yet.
        let made = self.catalog()?.table(id)?.unwrap_or_else(|| Arc::clone(&table));
        let rows = self.sort_rows(&made, &rows)?;
        self.load(id, rows).map_err(|f| map_error(f, &|e| duplicate(e, &name, &index.name)))?;
        self.statistics_of_index(id, 1)
    }

    /// 1935: the view was made under other SET options than its index wants.
    fn check_view_flags(
        &self,
        row: &holdfast_engine::database::ObjectRow,
        view: &ModuleDef,
    ) -> Result<(), Fail> {
        let off: Vec<&str> = [(view.ansi_nulls, "ANSI_NULLS"), (view.quoted_identifier, "QUOTED_IDENTIFIER")]
            .iter()
            .filter(|(on, _)| !on)
            .map(|o| o.1)
            .collect();
        match off.is_empty() {
            true => Ok(()),
            false => Err(SqlError::new(1935, &[&row.name, &off.join(", ")]).into()),
        }
    }

    /// What the text, the columns and the key have to be.
    fn check_view(
        &mut self,
        module: &ModuleDef,
        table: &TableDef,
        index: &NewIndex,
        full: &str,
    ) -> Result<(), Fail> {
        let text = parse(module)?;
        let large = |t: TypeId| matches!(t, TypeId::Text | TypeId::NText | TypeId::Image | TypeId::Xml);
        {
            let catalog = self.catalog()?;
            let objects = Bound(&*catalog);
            let mut check = Check::new(full, &self.database.name, self.names(), &objects);
            check.query(&text.query, &module.text, &index.name)?;
        }
        match self.unsteady(&text.query)? {
            Some(Unsteady::Conversion) => return Err(SqlError::new(1963, &[&"index", &full]).into()),
            Some(Unsteady::Function(name)) => {
                return Err(SqlError::new(1949, &[&"index", &full, &name.to_ascii_lowercase()]).into());
            }
            None => {}
        }
        if table.columns.iter().any(|c| large(c.ty.id)) {
            return Err(SqlError::new(1942, &[&"index", &full]).into());
        }
        let shape = Shape::of(module)?;
        if shape.grouped {
            for (column, _) in table.columns.iter().zip(&shape.roles).filter(|(_, r)| **r == Role::Value) {
                if matches!(column.ty.id, TypeId::Float | TypeId::Real) {
                    return Err(SqlError::new(1962, &[&"index", &full, &column.name]).into());
                }
            }
            let is_value = |id: i32| {
                let place = table.columns.iter().position(|c| c.column_id == id);
                place.is_some_and(|p| shape.roles.get(p) == Some(&Role::Value))
            };
            if !index.keys.iter().all(|k| is_value(k.0)) {
                return Err(SqlError::new(8661, &[&index.name, &full]).into());
            }
            if self.sums_null(&text.query)? {
                return Err(SqlError::new(8662, &[&index.name, &full]).state(0).into());
            }
        }
        Ok(())
    }

    /// What makes a view's rows depend on more than rows, as far as types tell.
    fn unsteady(&mut self, query: &Query) -> Result<Option<Unsteady>, Fail> {
        let names = scope_names(&self.runner.session, self.scope, &self.runner.temporary);
        let evaluator = Folding(self.runner.context(self.scope));
        let found = with_bind_context(&names.names(), &evaluator, |cx| holdfast_plan::unsteady(query, cx))?;
        found.map_err(Fail::Compile)
    }

    /// Whether something that the view sums may be NULL.
    fn sums_null(&mut self, query: &Query) -> Result<bool, Fail> {
        let Some(select) = plain_select(query) else { return Ok(false) };
        let items: Vec<SelectItem> =
            summed(select).into_iter().map(|e| SelectItem::Expr { expr: e.clone(), alias: None }).collect();
        if items.is_empty() {
            return Ok(false);
        }
        let select = holdfast_tsql::ast::query::Select { items, group_by: None, ..select.clone() };
        let query = Query { body: QueryBody::Select(Box::new(select)), ..query.clone() };
        let bound = self.runner.bind_fresh(&SelectStatement { query, options: Vec::new() }, self.scope)?;
        Ok(bound.columns.iter().any(|c| c.nullable))
    }

    /// What the query of a view gives now, also where the session's transaction reads an older state.
    pub fn rows_of_view(&mut self, view: &TableDef) -> Result<Vec<Vec<holdfast_types::Value>>, Fail> {
        self.current_rows_by_query(&format!(
            "select * from {}.{}.{}",
            bracketed(&self.database.name),
            bracketed(&view.schema_name),
            bracketed(&view.name)
        ))
    }

    /// Locks what a view with rows is over: its changes do not go there any more. Before the view, because changes come from
    /// their table to the view.
    pub fn lock_under_view(&mut self, view: i32) -> Result<(), Fail> {
        for over in self.catalog()?.bound_to(view)? {
            self.lock(over)?;
        }
        Ok(())
    }

    /// Removes all indexes of a view, and with them its rows.
    pub fn remove_view_indexes(&mut self, view: i32) -> Result<(), Fail> {
        let Some(table) = self.catalog()?.view_as_table(view)? else { return Ok(()) };
        if table.indexes.is_empty() {
            return Ok(());
        }
        self.lock_under_view(view)?;
        let writer = self.writer()?;
        for index in &table.indexes {
            writer.remove_index(view, index.index_id)?;
        }
        Ok(())
    }
}

/// WITH (DROP_EXISTING = ON).
pub fn drop_existing(c: &CreateIndex) -> bool {
    c.options.iter().any(|o| {
        o.name == "DROP_EXISTING"
            && o.value
                .as_ref()
                .is_none_or(|v| super::table::word(v).is_none_or(|w| w.eq_ignore_ascii_case("ON")))
    })
}
