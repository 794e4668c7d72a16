//! sp_rename.
//!
//! Invariants
//! 1. A key constraint and its index have one name; whichever is renamed, both are.
//! 2. What a schema-bound text names (checks, computed columns, views WITH SCHEMABINDING) is not renamed: 15336.

use std::sync::Arc;

use holdfast_tsql::ast::ObjectName;
use holdfast_types::{NameOrder, SqlError};

use super::procedure::Arguments;
use super::{Definition, event};
use crate::procedure::run::Fail;
use crate::security::Securable;

/// Kinds of objects that can be renamed.
const KINDS: &[&str] = &["U", "V", "P", "FN", "IF", "TF", "TR", "SN", "SO", "C", "D", "F", "PK", "UQ", "R"];

/// The table of `table.column`, `schema.table.column`.
fn parent(name: &ObjectName) -> Option<ObjectName> {
    let mut table = ObjectName::one(name.schema.clone()?);
    table.schema.clone_from(&name.database);
    Some(table)
}

impl Definition<'_, '_> {
    pub fn rename(&mut self, a: &Arguments) -> Result<(), Fail> {
        let (old, new, kind) = (a.text(0), a.text(1), a.text(2));
        let none = || "(null)".to_owned();
        let shown_kind = kind.clone().unwrap_or_else(none);
        let database = self.database.name.to_string();
        let missing = |old: &str| Fail::Error(SqlError::new(15225, &[&old, &database, &shown_kind]));
        let old = old.ok_or_else(|| missing("(null)"))?;
        let Some(new) = new.filter(|n| n.encode_utf16().count() <= 128) else {
            return Err(SqlError::new(15224, &[&"null or too long"]).into());
        };
        let name = holdfast_tsql::parse_object_name(&old).map_err(|_| SqlError::new(15253, &[&old]))?;
        let upper = kind.map(|k| k.trim().to_ascii_uppercase());
        match upper.as_deref() {
            None => {
                if self.rename_object(&name, &new)? {
                    return self.caution();
                }
                if self.rename_column(&name, &new)? || self.rename_index(&name, &new)? {
                    return self.caution();
                }
                Err(missing(&old))
            }
            Some("OBJECT") => match self.rename_object(&name, &new)? {
                true => self.caution(),
                false => Err(missing(&old)),
            },
            Some(k @ ("COLUMN" | "INDEX" | "STATISTICS")) => {
                let done = if k == "COLUMN" {
                    self.rename_column(&name, &new)?
                } else {
                    self.rename_index(&name, &new)?
                };
                if done { self.caution() } else { Err(SqlError::new(15248, &[&k]).into()) }
            }
            Some("USERDATATYPE") => {
                self.runner.may_redefine(&self.database)?;
                let schema = name.schema.as_ref().map(|s| s.text.as_str());
                let catalog = self.catalog()?;
                let found = catalog.type_named(schema, &name.name.text).filter(|t| t.0 > 256);
                let (id, _, _) = found.ok_or_else(|| missing(&old))?;
                if catalog.type_named(schema.or(Some("dbo")), &new).is_some() {
                    return Err(SqlError::new(15335, &[&new, &"USERDATATYPE"]).into());
                }
                self.writer()?.rename("sysscalartypes", &[id.into()], "name", &new)?;
                self.caution()
            }
            Some("DATABASE") => Err(SqlError::not_supported("sp_rename of a database").into()),
            Some(other) => Err(SqlError::new(15249, &[&other]).into()),
        }
    }

    fn caution(&mut self) -> Result<(), Fail> {
        self.runner.sink.message(&SqlError::new(15477, &[]))?;
        Ok(())
    }

    /// Whether something schema-bound names the object (or one of its columns).
    pub fn is_bound_to(&self, id: i32, column: Option<i32>) -> Result<bool, Fail> {
        let catalog = self.catalog()?;
        let rows = catalog.base_table("sysmultiobjrefs").map_err(|e| holdfast_engine::page_error(&e))?;
        Ok(rows.iter().filter(|r| r.int("class") == 1 && r.i32("indepid") == id).any(|r| {
            let by = r.i32("depid");
            match column {
                Some(c) => r.i32("indepsubid") == c,
                // A table's own checks and computed columns do not name it.
                None => by != id && catalog.object_row(by).is_none_or(|o| o.parent_id != id),
            }
        }))
    }

    /// 15336: something schema-bound names the object (or one of its columns).
    fn check_free_of_bindings(&self, id: i32, column: Option<i32>, shown: &str) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let bound = self.is_bound_to(id, column)?;
        let filtered = match (column, catalog.table(id)?) {
            (Some(c), Some(table)) => {
                let name = table.columns.iter().find(|x| x.column_id == c).map(|x| &*x.name);
                let names = |f: &str| name.is_some_and(|n| self.names_column(f, n));
                table.indexes.iter().any(|i| i.filter.as_deref().is_some_and(names))
            }
            _ => false,
        };
        if bound || filtered {
            return Err(SqlError::new(15336, &[&shown]).into());
        }
        Ok(())
    }

    fn rename_object(&mut self, name: &ObjectName, new: &str) -> Result<bool, Fail> {
        if name.database.as_ref().is_some_and(|d| !NameOrder::instance().same(&d.text, &self.database.name)) {
            return Ok(false);
        }
        let Some((id, kind)) = self.find(name)? else { return Ok(false) };
        if !KINDS.contains(&kind.as_str()) {
            return Ok(false);
        }
        let row = self.catalog()?.object_row(id).map(|o| (o.schema_id, o.parent_id, o.name.to_string()));
        let (schema, parent, present) = row.ok_or_else(|| SqlError::new(15165, &[&name.name.text]))?;
        self.runner.may_change(&self.database, Securable::Object(if parent == 0 { id } else { parent }))?;
        if parent == 0 {
            // It is made anew under another name.
            self.runner.may_change(&self.database, Securable::Schema(schema))?;
        }
        let same = self.same(&present, new);
        if !same && self.writer()?.find_named(schema, new)?.is_some() {
            return Err(SqlError::new(15335, &[&new, &"object"]).into());
        }
        self.check_free_of_bindings(id, None, &super::shown(name))?;
        self.renamed((schema, &present, event::kind_name(&kind)), ("", ""), name, new)?;
        self.lock(if parent == 0 { id } else { parent })?;
        self.set_object_name(id, new)?;
        if matches!(kind.as_str(), "PK" | "UQ") {
            let writer = self.writer()?;
            let base = writer.base("syssingleobjrefs")?;
            let index = writer.rows("syssingleobjrefs", &[93, id.into()])?;
            let index = match index.first() {
                Some(row) => Some(base.int(row, "indepid")),
                // Before 2012 the two are known by their name.
                None => {
                    let indexes = writer.base("sysidxstats")?;
                    let rows = writer.rows("sysidxstats", &[parent.into()])?;
                    let found = rows.iter().find(|r| indexes.text(r, "name") == present);
                    found.map(|r| indexes.int(r, "indid"))
                }
            };
            if let Some(index) = index {
                writer.rename("sysidxstats", &[parent.into(), index], "name", new)?;
            }
        }
        Ok(true)
    }

    /// Tells triggers of the database: schema, name and type of what gets another name, and what it belongs to.
    fn renamed(
        &mut self,
        (schema, object, kind): (i32, &str, &str),
        (target, target_kind): (&str, &str),
        name: &ObjectName,
        new: &str,
    ) -> Result<(), Fail> {
        if self.watched {
            let schema = self.catalog()?.schema_name(schema);
            let mut e = event::Event::of("RENAME", Some(&schema), object, kind).below(target, target_kind);
            e = e.with("NewObjectName", new);
            let param = |p: &str| {
                if p.is_empty() {
                    "<Param/>".to_owned()
                } else {
                    format!("<Param>{}</Param>", event::escaped(p))
                }
            };
            let third = if target.is_empty() { "" } else { kind };
            let parameters = [super::shown(name).as_str(), new, third].map(param).concat();
            e.details.push(("Parameters", parameters));
            e.by_procedure = true;
            self.events.push(e);
        }
        Ok(())
    }

    fn set_object_name(&self, id: i32, new: &str) -> Result<(), Fail> {
        let writer = self.writer()?;
        writer.rename("sysschobjs", &[id.into()], "name", new).map_err(|e| match e.number {
            // Somebody else has entered it since the name was looked for.
            2601 => SqlError::new(15335, &[&new, &"object"]),
            _ => e,
        })?;
        Ok(writer.touch(id)?)
    }

    fn rename_column(&mut self, name: &ObjectName, new: &str) -> Result<bool, Fail> {
        let Some(table) = parent(name) else { return Ok(false) };
        let Some((id, kind)) = self.find(&table)? else { return Ok(false) };
        if kind != "U" {
            return Ok(false);
        }
        let Some(definition) = self.catalog()?.table(id)? else { return Ok(false) };
        let named = |n: &str| definition.columns.iter().find(|c| self.same(&c.name, n));
        let Some(column) = named(&name.name.text) else { return Ok(false) };
        self.runner.may_change(&self.database, Securable::Object(id))?;
        if named(new).is_some_and(|c| c.column_id != column.column_id) {
            return Err(SqlError::new(15335, &[&new, &"COLUMN"]).into());
        }
        self.check_free_of_bindings(id, Some(column.column_id), &super::shown(name))?;
        let schema = self.catalog()?.object_row(id).map_or(1, |o| o.schema_id);
        let target = (&*definition.name, "TABLE");
        self.renamed((schema, &column.name, "COLUMN"), target, name, new)?;
        self.lock(id)?;
        if definition.temporal.history_of.is_some() {
            return Err(SqlError::new(13759, &[&self.versioned_name(&definition)]).into());
        }
        let mut renamed = vec![(id, column.column_id)];
        if let Some(history) = self.history_of(&definition)? {
            let same = history.columns.iter().find(|c| self.same(&c.name, &column.name));
            renamed.extend(same.map(|c| (history.object_id, c.column_id)));
        }
        let writer = self.writer()?;
        for (table, column) in renamed {
            writer.rename("syscolpars", &[table.into(), 0, column.into()], "name", new)?;
            writer.touch(table)?;
        }
        Ok(true)
    }

    fn rename_index(&mut self, name: &ObjectName, new: &str) -> Result<bool, Fail> {
        let Some(table) = parent(name) else { return Ok(false) };
        let Some((id, _)) = self.find(&table)? else { return Ok(false) };
        let Some(index) = self.index_named(id, &name.name.text)? else { return Ok(false) };
        self.runner.may_change(&self.database, Securable::Object(id))?;
        if self.index_named(id, new)?.is_some_and(|other| other != index) {
            return Err(SqlError::new(15335, &[&new, &"INDEX"]).into());
        }
        let row = self.catalog()?.object_row(id).map(|o| (o.schema_id, Arc::clone(&o.name)));
        if let Some((schema, target)) = row {
            self.renamed((schema, &name.name.text, "INDEX"), (&target, "TABLE"), name, new)?;
        }
        self.lock(id)?;
        let writer = self.writer()?;
        writer.rename("sysidxstats", &[id.into(), index.into()], "name", new)?;
        let base = writer.base("syssingleobjrefs")?;
        let of_table: Vec<i32> =
            writer.catalog.objects().iter().filter(|o| o.parent_id == id).map(|o| o.id).collect();
        let key = writer.rows("syssingleobjrefs", &[93])?.iter().find_map(|r| {
            let key = base.int(r, "depid") as i32;
            (of_table.contains(&key) && base.int(r, "indepid") == i64::from(index)).then_some(key)
        });
        // Before 2012 the two are known by their name.
        let names = holdfast_engine::catalog::Catalog::names(&*writer.catalog);
        let keys = writer.catalog.objects().into_iter();
        let mut keys = keys.filter(|o| o.parent_id == id && matches!(&*o.kind, "PK" | "UQ"));
        let by_name = keys.find(|o| names.same(&o.name, &name.name.text)).map(|o| o.id);
        if let Some(key) = key.or(by_name) {
            self.set_object_name(key, new)?;
        }
        Ok(true)
    }
}
