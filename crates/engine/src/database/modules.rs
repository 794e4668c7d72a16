//! Views, procedures, functions and triggers: their text and parameters.
//!
//! Invariants
//! 1. The text is the stored one, byte for byte; that of an encrypted module is decrypted to run it, and shown to nobody.

use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_format::catalog::base_table::BaseRow;
use holdfast_format::module_text::{self, ModuleText, TextPlace};
use holdfast_types::Value;

use super::tables::{column_bit, column_type, columns};
use super::{DatabaseCatalog, ObjectRow};
use crate::catalog::{ModuleDef, ObjectDef, ParameterDef, SynonymDef, TableTypeName};
use crate::ddl::table::TABLE_TYPE;
use crate::decode::variant;

const ANSI_NULLS: u32 = 0x4_0000;
const QUOTED_IDENTIFIER: u32 = 0x8_0000;

impl DatabaseCatalog {
    /// A text of sysobjvalues: class, object, sub-object; the first value number.
    pub fn text(&self, class: i64, object: i32, sub_object: i32) -> Result<Option<Arc<str>>, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "sysobjvalues", "objid")?;
        let rows = map.get(&i64::from(object)).into_iter().flatten().filter_map(|&i| table.row(i));
        for row in rows {
            if row.int("valclass") != class || row.i32("subobjid") != sub_object || row.int("valnum") != 0 {
                continue;
            }
            if row.value("imageval").is_null() {
                // Short texts (synonym targets) are a string inside the variant.
                if let Ok(Value::String(s)) = variant::inner(row.bytes("value")) {
                    return Ok(Some(s.to_text().into()));
                }
                continue;
            }
            let bytes = row.bytes("imageval");
            let form = variant::inner(row.bytes("value")).ok();
            let form = if form == Some(Value::Int(2)) { module_text::SINGLE_BYTE } else { 1 };
            let text = module_text::plain(bytes, form);
            return Ok(Some(text.into()));
        }
        Ok(None)
    }

    /// The CREATE text of a module, decrypted where it must be; `None` when the object has none.
    pub fn module_text(&self, object: &ObjectRow) -> Result<Option<ModuleText>, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "sysobjvalues", "objid")?;
        let rows = map.get(&i64::from(object.id)).into_iter().flatten().filter_map(|&i| table.row(i));
        // Procedures have it under the procedure's number.
        let mut found = rows
            .filter(|r| r.int("valclass") == 1 && r.int("valnum") == 0 && (0..2).contains(&r.int("subobjid")))
            .filter(|r| !r.value("imageval").is_null())
            .collect::<Vec<_>>();
        found.sort_by_key(|r| r.int("subobjid"));
        Ok(found.first().map(|row| {
            let form = match variant::inner(row.bytes("value")) {
                Ok(Value::Int(n)) => i64::from(n),
                _ => 1,
            };
            let place = TextPlace {
                family: self.storage().boot.family_guid,
                object: object.id,
                number: row.i32("subobjid") as i16,
            };
            module_text::decode(row.bytes("imageval"), form, &place)
        }))
    }

    /// Parameters in order; the return value of a scalar function comes first with an empty name.
    pub fn parameters(&self, object_id: i32) -> Vec<ParameterDef> {
        let mut out: Vec<ParameterDef> = self
            .catalogs
            .columns_of(object_id, 1)
            .map(|row| ParameterDef {
                name: row.text("name").into(),
                parameter_id: row.i32("colid"),
                ty: column_type(&row),
                output: row.int("status") & column_bit::OUTPUT != 0,
                default: None,
                has_default: false,
                table_type: self.table_type_of(&row),
            })
            .collect();
        out.sort_by_key(|p| p.parameter_id);
        out
    }
}

impl DatabaseCatalog {
    /// The table type of a parameter's row.
    fn table_type_of(&self, row: &BaseRow<'_>) -> Option<TableTypeName> {
        if row.int("xtype") != i64::from(TABLE_TYPE) {
            return None;
        }
        let found = self.catalogs.types().into_iter().find(|t| t.table && t.id == row.i32("utype"))?;
        let schema = self.schema_name(found.schema_id);
        let object_id = self.table_type_object(&schema, &found.name).ok()??.1;
        Some(TableTypeName { schema, name: Arc::clone(&found.name), object_id })
    }
}

/// Text and settings of a module object.
pub fn module(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<Option<Arc<ModuleDef>>, FormatError> {
    let Some(found) = catalog.module_text(object)? else { return Ok(None) };
    Ok(Some(Arc::new(ModuleDef {
        database_id: catalog.id,
        object_id: object.id,
        schema_name: catalog.schema_name(object.schema_id),
        name: object.name.clone(),
        text: found.text.into(),
        encrypted: found.encrypted,
        ansi_nulls: object.status & ANSI_NULLS != 0,
        quoted_identifier: object.status & QUOTED_IDENTIFIER != 0,
        columns: columns(catalog, object.id)?,
        parameters: catalog.parameters(object.id),
    })))
}

/// The definition of a module object.
pub fn build(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<Option<ObjectDef>, FormatError> {
    let Some(module) = module(catalog, object)? else { return Ok(None) };
    Ok(Some(match &*object.kind {
        "V" => ObjectDef::View(module),
        "IF" => ObjectDef::InlineFunction(module),
        "FN" => ObjectDef::ScalarFunction(module),
        "TF" => ObjectDef::TableFunction(module),
        "P" => ObjectDef::Procedure(module),
        _ => return Ok(None),
    }))
}

/// A synonym; `None` when its target is not there.
pub fn synonym(catalog: &DatabaseCatalog, object: &ObjectRow) -> Result<Option<SynonymDef>, FormatError> {
    let target = match catalog.text(4, object.id, 0)? {
        Some(text) => Some(text),
        None => catalog.text(1, object.id, 0)?,
    };
    Ok(target.map(|target| SynonymDef {
        database_id: catalog.id,
        object_id: object.id,
        schema_name: catalog.schema_name(object.schema_id),
        name: Arc::clone(&object.name),
        target,
    }))
}
