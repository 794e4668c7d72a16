//! DROP of everything that has a name in a database.

use holdfast_engine::ddl::rows::Found;
use holdfast_tsql::ast::{Drop, ObjectName, TriggerTarget};
use holdfast_types::SqlError;

use super::{Definition, shown};
use crate::procedure::run::Fail;

/// Object kinds that a DROP takes, and what messages call them.
const KINDS: &[(&str, &[&str], &str)] = &[
    ("TABLE", &["U"], "table"),
    ("VIEW", &["V"], "view"),
    ("PROCEDURE", &["P", "PC", "RF"], "procedure"),
    ("PROC", &["P", "PC", "RF"], "procedure"),
    ("FUNCTION", &["FN", "IF", "TF", "FS", "FT"], "function"),
    ("TRIGGER", &["TR", "TA"], "trigger"),
    ("SYNONYM", &["SN"], "synonym"),
    ("SEQUENCE", &["SO"], "sequence object"),
    ("DEFAULT", &["D"], "default"),
    ("RULE", &["R"], "rule"),
];

impl Definition<'_, '_> {
    pub fn drop(&mut self, d: &Drop) -> Result<(), Fail> {
        if let Some((_, kinds, what)) = KINDS.iter().find(|k| k.0 == d.kind) {
            if let Some(on @ (TriggerTarget::Database | TriggerTarget::AllServer)) = &d.trigger_on {
                return self.drop_database_triggers(&d.names, d.if_exists, on);
            }
            for (i, name) in d.names.iter().enumerate() {
                if i > 0 {
                    // What the one before needed is gone.
                    self.refresh()?;
                }
                self.drop_object(name, kinds, what, d)?;
            }
            return Ok(());
        }
        match d.kind.as_str() {
            "INDEX" => {
                for (name, on) in d.names.iter().zip(&d.on) {
                    self.drop_index(name, on.as_ref(), d)?;
                }
                Ok(())
            }
            "STATISTICS" => {
                for name in &d.names {
                    self.drop_statistics(name)?;
                }
                Ok(())
            }
            "PARTITION FUNCTION" | "PARTITION SCHEME" => self.drop_partitioning(d),
            "XML SCHEMA COLLECTION" => self.drop_xml_schema_collection(d),
            "SCHEMA" | "TYPE" | "USER" | "ROLE" | "APPLICATION ROLE" => {
                for name in &d.names {
                    self.drop_other(&d.kind, name, d.if_exists)?;
                }
                Ok(())
            }
            "FULLTEXT CATALOG" => Err(SqlError::new(7609, &[]).into()),
            other => Err(SqlError::not_supported(format!("DROP {other}")).into()),
        }
    }

    fn drop_object(&mut self, name: &ObjectName, kinds: &[&str], what: &str, d: &Drop) -> Result<(), Fail> {
        let missing = || {
            let state = if what == "table" || what == "procedure" { 5 } else { 7 };
            Fail::Error(SqlError::new(3701, &[&"drop", &what, &shown(name)]).state(state))
        };
        let Some((id, kind)) = self.find(name)? else {
            return if d.if_exists { Ok(()) } else { Err(missing()) };
        };
        if !kinds.contains(&kind.as_str()) {
            let other = KINDS.iter().find(|k| k.1.contains(&kind.as_str()));
            return Err(match other {
                Some((statement, _, is)) => {
                    let all = format!("DROP {statement}");
                    SqlError::new(3705, &[&d.kind, &shown(name), &shown(name), is, &all]).into()
                }
                None => missing(),
            });
        }
        self.check_not_bound(id, &format!("DROP {}", d.kind), name)?;
        if kind == "V" && self.catalog()?.indexed_views()?.contains(&id) {
            self.lock_under_view(id)?;
        }
        if kind == "TR" {
            // Whoever changes rows of its table is done, or runs without it.
            let parent = self.catalog()?.object_row(id).map_or(0, |o| o.parent_id);
            if parent != 0 {
                self.lock(parent)?;
            }
        }
        self.lock(id)?;
        if kind == "U" {
            self.check_droppable(id)?;
            let catalog = self.catalog()?;
            let keys = catalog.foreign_keys().map_err(|e| holdfast_engine::page_error(&e))?;
            if keys.iter().any(|k| k.referenced_table_id == id && k.table_id != id) {
                return Err(SqlError::new(3726, &[&shown(name)]).into());
            }
            self.writer()?.remove_table(id)?;
            return Ok(());
        }
        if kind == "D" || kind == "R" {
            let writer = self.writer()?;
            let base = writer.base("syscolpars")?;
            let used =
                |r: &Found| base.int(r, "dflt") == i64::from(id) || base.int(r, "chk") == i64::from(id);
            if writer.rows("syscolpars", &[])?.iter().any(used) {
                return Err(SqlError::new(3716, &[&what, &shown(name), &"column"]).into());
            }
        }
        self.remove_view_indexes(id)?;
        let writer = self.writer()?;
        // Triggers of a view go with it.
        let children: Vec<i32> =
            writer.catalog.objects().iter().filter(|o| o.parent_id == id).map(|o| o.id).collect();
        for child in children {
            writer.remove_object(child)?;
        }
        Ok(writer.remove_object(id)?)
    }

    /// 3729: something schema-bound refers to the object.
    pub(super) fn check_not_bound(&self, id: i32, verb: &str, name: &ObjectName) -> Result<(), Fail> {
        let catalog = self.catalog()?;
        let rows = catalog.base_table("sysmultiobjrefs").map_err(|e| holdfast_engine::page_error(&e))?;
        for r in rows.iter().filter(|r| r.int("class") == 1 && r.i32("indepid") == id) {
            let Some(by) = catalog.object_row(r.i32("depid")) else { continue };
            if by.id == id || by.parent_id == id {
                continue;
            }
            return Err(SqlError::new(3729, &[&verb, &shown(name), &by.name]).into());
        }
        Ok(())
    }

    /// The foreign key that refers to the columns of an index: its name, and its table.
    pub(super) fn key_over(
        &self,
        table: i32,
        index: i32,
    ) -> Result<Option<(std::sync::Arc<str>, i32)>, Fail> {
        let catalog = self.catalog()?;
        let failed = |e| Fail::Error(holdfast_engine::page_error(&e));
        let references = catalog.base_table("syssingleobjrefs").map_err(failed)?;
        let by = references
            .iter()
            .find(|r| r.int("class") == 27 && r.i32("indepid") == table && r.i32("indepsubid") == index);
        let Some(by) = by.map(|r| r.i32("depid")) else { return Ok(None) };
        let keys = catalog.foreign_keys().map_err(failed)?;
        Ok(keys.iter().find(|k| k.object_id == by).map(|k| (k.name.clone(), k.table_id)))
    }

    fn drop_index(&mut self, name: &ObjectName, on: Option<&ObjectName>, d: &Drop) -> Result<(), Fail> {
        // The old form names the table in front: DROP INDEX t.i.
        let old;
        let table_name = match (on, &name.schema) {
            (Some(t), _) => t,
            (None, Some(table)) => {
                let mut t = ObjectName::one(table.clone());
                t.schema.clone_from(&name.database);
                old = t;
                &old
            }
            (None, None) => return Err(SqlError::new(159, &[]).into()),
        };
        let full = format!("{}.{}", shown(table_name), name.name.text);
        let missing = || Fail::Error(SqlError::new(3701, &[&"drop", &"index", &full]).state(6));
        let Some((object, kind)) = self.find(table_name)?.filter(|f| f.1 == "U" || f.1 == "V") else {
            return if d.if_exists { Ok(()) } else { Err(missing()) };
        };
        let found = match kind.as_str() {
            "V" => self.catalog()?.view_as_table(object)?,
            _ => self.catalog()?.table(object)?,
        };
        let Some(table) = found else { return Err(missing()) };
        let found =
            table.indexes.iter().find(|i| i.name.as_deref().is_some_and(|n| self.same(n, &name.name.text)));
        let Some(index) = found else {
            return if d.if_exists { Ok(()) } else { Err(missing()) };
        };
        if index.primary_key || index.unique_constraint {
            let kind = if index.primary_key { "PRIMARY KEY" } else { "UNIQUE KEY" };
            return Err(SqlError::new(3723, &[&full, &kind]).into());
        }
        if self.key_over(object, index.index_id)?.is_some() {
            return Err(SqlError::new(3723, &[&full, &"FOREIGN KEY"]).into());
        }
        if kind == "V" {
            self.lock_under_view(object)?;
        }
        self.lock(object)?;
        if kind == "V" && index.index_id == 1 {
            // Its rows go, and the other indexes have none without them.
            return self.remove_view_indexes(object);
        }
        if index.index_id == 1 {
            // The heap lies where the index does.
            let place = self.base_placement(&table)?;
            let primary = |to: &holdfast_tsql::ast::Ident| to.is("PRIMARY") || to.is("default");
            let stays = |to: &holdfast_tsql::ast::Ident| {
                place.partitions.is_none() && place.filegroup == 1 && primary(to)
            };
            if d.moves_to.as_ref().is_some_and(|(to, spread)| *spread || !stays(to)) {
                return Err(SqlError::not_supported("DROP INDEX with MOVE TO another place").into());
            }
            return self.rewrite(&table, None);
        }
        let id = index.index_id;
        Ok(self.writer()?.remove_index(object, id)?)
    }
}
