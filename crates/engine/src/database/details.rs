//! What a schema script needs beyond definitions: constraints, foreign keys, triggers, extended properties, sequences.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use holdfast_format::FormatError;

use super::{DatabaseCatalog, ObjectRow, modules};
use crate::catalog::TableRules;
pub use crate::catalog::{ConstraintDef, ForeignKeyDef, ReferentialAction, TriggerDef};
use crate::ddl::module::trigger_event;
use crate::decode::variant;
use holdfast_types::Value;

const SYSTEM_NAMED: u32 = 4;
const DISABLED: u32 = 0x100;
const NOT_FOR_REPLICATION: u32 = 0x200;
const NOT_TRUSTED: u32 = 0x400;

impl DatabaseCatalog {
    /// Foreign keys of all tables, in id order.
    pub fn foreign_keys(&self) -> Result<Vec<ForeignKeyDef>, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "syssingleobjrefs", "depid")?;
        let mut out = Vec::new();
        for object in self.objects().into_iter().filter(|o| &*o.kind == "F") {
            let mut key = ForeignKeyDef {
                object_id: object.id,
                name: object.name.clone(),
                table_id: object.parent_id,
                referenced_table_id: 0,
                columns: Vec::new(),
                on_update: ReferentialAction::from_bits(object.status >> 12),
                on_delete: ReferentialAction::from_bits(object.status >> 14),
                disabled: object.status & DISABLED != 0,
                not_trusted: object.status & NOT_TRUSTED != 0,
                not_for_replication: object.status & NOT_FOR_REPLICATION != 0,
                system_named: object.status & SYSTEM_NAMED != 0,
            };
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for row in map.get(&i64::from(object.id)).into_iter().flatten().filter_map(|&i| table.row(i)) {
                let part = (row.int("depsubid"), row.i32("indepsubid"));
                match row.int("class") {
                    27 => key.referenced_table_id = row.i32("indepid"),
                    28 => here.push(part),
                    29 => there.push(part),
                    _ => {}
                }
            }
            here.sort_unstable();
            there.sort_unstable();
            key.columns = here.iter().zip(&there).map(|(h, t)| (h.1, t.1)).collect();
            out.push(key);
        }
        Ok(out)
    }

    /// Check (`C`) or default (`D`) constraints of all tables, in id order.
    pub fn constraints(&self, kind: &str) -> Result<Vec<ConstraintDef>, FormatError> {
        let mut out = Vec::new();
        for object in self.objects().into_iter().filter(|o| &*o.kind == kind && o.parent_id != 0) {
            let Some(text) = self.text(1, object.id, 0)? else { continue };
            out.push(ConstraintDef {
                object_id: object.id,
                name: object.name.clone(),
                table_id: object.parent_id,
                column_id: object.intprop,
                text,
                disabled: object.status & DISABLED != 0,
                not_trusted: object.status & NOT_TRUSTED != 0,
                not_for_replication: object.status & NOT_FOR_REPLICATION != 0,
                system_named: object.status & SYSTEM_NAMED != 0,
            });
        }
        Ok(out)
    }

    /// Everything that changes of a table or view must obey.
    pub fn table_rules(&self, object_id: i32) -> Result<Arc<TableRules>, FormatError> {
        if let Some(all) = self.rules.get() {
            return Ok(all.get(&object_id).cloned().unwrap_or_default());
        }
        let mut all: HashMap<i32, TableRules> = HashMap::new();
        for check in self.constraints("C")? {
            all.entry(check.table_id).or_default().checks.push(check);
        }
        for key in self.foreign_keys()? {
            let key = Arc::new(key);
            all.entry(key.table_id).or_default().foreign_keys.push(Arc::clone(&key));
            all.entry(key.referenced_table_id).or_default().referencing.push(key);
        }
        for object in self.objects().into_iter().filter(|o| &*o.kind == "TR" && o.parent_id != 0) {
            let Some(trigger) = self.trigger(object)? else { continue };
            all.entry(object.parent_id).or_default().triggers.push(trigger);
        }
        for rule in self.objects().into_iter().filter(|o| &*o.kind == "R") {
            let Some(text) = self.text(1, rule.id, 0)? else { continue };
            let columns = self.base_table("syscolpars")?;
            for c in columns.iter().filter(|c| c.i32("chk") == rule.id && c.int("number") == 0) {
                let bound = (c.i32("colid"), rule.name.clone(), text.clone());
                all.entry(c.i32("id")).or_default().bound.push(bound);
            }
        }
        let all = all.into_iter().map(|(id, rules)| (id, Arc::new(rules))).collect();
        let all = self.rules.get_or_init(|| all);
        Ok(all.get(&object_id).cloned().unwrap_or_default())
    }

    fn trigger(&self, object: &ObjectRow) -> Result<Option<TriggerDef>, FormatError> {
        let Some(module) = modules::module(self, object)? else { return Ok(None) };
        let (mut first, mut last) = (Vec::new(), Vec::new());
        let (table, map) = self.catalogs.group(&self.store, "sysobjvalues", "objid")?;
        for row in map.get(&i64::from(object.id)).into_iter().flatten().filter_map(|&i| table.row(i)) {
            if row.int("valclass") != trigger_event::CLASS {
                continue;
            }
            match variant::inner(row.bytes("value")) {
                Ok(Value::Int(trigger_event::FIRST)) => first.push(row.i32("subobjid")),
                Ok(Value::Int(trigger_event::LAST)) => last.push(row.i32("subobjid")),
                _ => {}
            }
        }
        Ok(Some(TriggerDef { module, disabled: object.status & DISABLED != 0, first, last }))
    }

    /// Triggers of the database itself, in id order.
    pub fn database_triggers(&self) -> Result<Vec<TriggerDef>, FormatError> {
        self.triggers_that(|o| o.on_database)
    }

    /// Triggers ON ALL SERVER, in id order; only master has any.
    pub fn server_triggers(&self) -> Result<Vec<TriggerDef>, FormatError> {
        self.triggers_that(|o| o.on_server)
    }

    /// One of either by its number.
    pub fn trigger_of_no_table(&self, id: i32) -> Result<Option<TriggerDef>, FormatError> {
        match self.objects.get(&id).filter(|o| o.on_database || o.on_server) {
            Some(object) => self.trigger(object),
            None => Ok(None),
        }
    }

    fn triggers_that(&self, are: impl Fn(&ObjectRow) -> bool) -> Result<Vec<TriggerDef>, FormatError> {
        let mut found: Vec<&ObjectRow> = self.objects.values().filter(|o| are(o)).collect();
        found.sort_by_key(|o| o.id);
        let mut out = Vec::new();
        for object in found {
            out.extend(self.trigger(object)?);
        }
        Ok(out)
    }

    /// Names of user-named default constraints by (table, column id).
    pub fn default_constraints(&self) -> Result<HashMap<(i32, i32), Arc<str>>, FormatError> {
        let mut out = HashMap::new();
        for object in self.objects().into_iter().filter(|o| &*o.kind == "D" && o.parent_id != 0) {
            if object.status & SYSTEM_NAMED == 0 {
                out.insert((object.parent_id, object.intprop), object.name.clone());
            }
        }
        Ok(out)
    }

    /// Indexes of a table that ALTER INDEX disabled (not those whose order cannot be reproduced).
    pub fn disabled_indexes(&self, table_id: i32) -> HashSet<i32> {
        let Ok((table, map)) = self.catalogs.group(&self.store, "sysidxstats", "id") else {
            return HashSet::new();
        };
        map.get(&i64::from(table_id))
            .into_iter()
            .flatten()
            .filter_map(|&i| table.row(i))
            .filter(|r| r.int("status") & super::tables::index_bit::DISABLED != 0)
            .map(|r| r.i32("indid"))
            .collect()
    }
}
