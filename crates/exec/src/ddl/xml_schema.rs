//! CREATE, ALTER and DROP XML SCHEMA COLLECTION, and the collections that columns name.
//!
//! Invariants
//! 1. Who uses a collection holds Sch-S on its id until he is done, who alters or drops it Sch-M.
//! 2. A collection that columns use only gets what leaves their values right.

use std::sync::Arc;

use holdfast_engine::lock::LockMode;
use holdfast_engine::page_error;
use holdfast_tsql::ast::{Drop, Expr, ObjectName};
use holdfast_types::xml::schema::Collection;
use holdfast_types::{SqlError, SqlResult, TypeId, Value};

use super::{Definition, shown};
use crate::procedure::run::Fail;

/// The collection that every database has.
const SYSTEM: i32 = 1;

impl Definition<'_, '_> {
    /// The id of a collection: in the schema named, else in the one of the module or user, else in dbo.
    fn xml_collection(&self, name: &ObjectName) -> SqlResult<Option<i32>> {
        let catalog = self.catalog()?;
        let find =
            |schema: &str| catalog.xml_collection_named(schema, &name.name.text).map_err(|e| page_error(&e));
        match &name.schema {
            Some(schema) => find(&schema.text),
            None => match find(&self.schema_of_types())? {
                None => find("dbo"),
                found => Ok(found),
            },
        }
    }

    /// The collection of a column, which stays until the transaction ends.
    ///
    /// # Errors
    /// 6314 when there is none of this name.
    pub fn xml_collection_for_use(&self, name: &ObjectName) -> SqlResult<i32> {
        let missing = || SqlError::new(6314, &[&shown(name)]);
        let id = self.xml_collection(name)?.ok_or_else(missing)?;
        self.hold(id, LockMode::SchS)?;
        // It may have gone meanwhile.
        if self.xml_collection(name)? == Some(id) { Ok(id) } else { Err(missing()) }
    }

    fn xml_content(&self, id: i32) -> SqlResult<Arc<Collection>> {
        let found = self.catalog()?.xml_collection(id).map_err(|e| page_error(&e))?;
        found.ok_or_else(|| SqlError::new(6311, &[]))
    }

    /// The text that a statement takes its schemas from.
    fn xml_source(&mut self, source: &Expr) -> Result<String, Fail> {
        let scope = self.scope;
        let (value, ty) = self.runner.value(source, scope)?;
        match value {
            Value::Null => Err(SqlError::new(6361, &[]).into()),
            Value::String(text) if ty.id.is_character() || ty.id == TypeId::Xml => Ok(text.to_text()),
            _ => Err(SqlError::new(6352, &[]).into()),
        }
    }

    pub fn xml_schema_collection(
        &mut self,
        alter: bool,
        name: &ObjectName,
        source: &Expr,
    ) -> Result<(), Fail> {
        let text = self.xml_source(source)?;
        let (id, old) = if alter {
            let missing = || SqlError::new(6347, &[&shown(name)]);
            let id = self.xml_collection(name)?.ok_or_else(missing)?;
            if id == SYSTEM {
                return Err(SqlError::new(6339, &[&shown(name)]).into());
            }
            self.lock(id)?;
            (Ok(id), self.xml_content(id)?)
        } else {
            let schema = self.schema_of(name)?;
            let schema_name = self.catalog()?.schema_name(schema);
            let taken = self.catalog()?.xml_collection_named(&schema_name, &name.name.text);
            if taken.map_err(|e| page_error(&e))?.is_some() {
                return Err(SqlError::new(6348, &[&shown(name)]).into());
            }
            (Err(schema), Arc::default())
        };
        let writer = self.writer()?;
        let new = old.with_schemas(&text, writer.next_xml_component()?)?;
        let id = match id {
            Ok(id) => {
                if (old.is_lax() || new.is_lax()) && self.user_of_collection(id)?.is_some() {
                    let what =
                        "ALTER XML SCHEMA COLLECTION of one that takes content laxly and that columns use";
                    return Err(SqlError::not_supported(what).into());
                }
                writer.touch_xml_collection(id)?;
                id
            }
            Err(schema) => {
                let id = writer.add_xml_collection(schema, &name.name.text)?;
                self.lock(id)?;
                id
            }
        };
        Ok(writer.extend_xml_collection(id, &old, &new)?)
    }

    /// The object with a column or parameter of the collection's type.
    fn user_of_collection(&self, id: i32) -> SqlResult<Option<String>> {
        let catalog = self.catalog()?;
        let columns = catalog.base_table("syscolpars").map_err(|e| page_error(&e))?;
        let user = columns.iter().find(|c| c.i32("xmlns") == id).map(|c| c.i32("id"));
        Ok(user.map(|object| match catalog.object_row(object) {
            Some(o) => format!("{}.{}", catalog.schema_name(o.schema_id), o.name),
            None => object.to_string(),
        }))
    }

    pub fn drop_xml_schema_collection(&mut self, d: &Drop) -> Result<(), Fail> {
        for name in &d.names {
            let Some(id) = self.xml_collection(name)? else {
                if d.if_exists {
                    continue;
                }
                return Err(SqlError::new(6314, &[&shown(name)]).into());
            };
            if id == SYSTEM {
                return Err(SqlError::new(6339, &[&shown(name)]).into());
            }
            self.lock(id)?;
            if let Some(by) = self.user_of_collection(id)? {
                return Err(SqlError::new(6328, &[&shown(name), &"object", &by]).into());
            }
            let content = self.xml_content(id)?;
            self.writer()?.remove_xml_collection(id, &content)?;
            self.refresh()?;
        }
        Ok(())
    }
}
