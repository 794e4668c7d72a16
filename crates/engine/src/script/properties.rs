//! Extended properties as calls of sp_addextendedproperty.
//!
//! Evidence: classes and ids of sysxprops as sys.extended_properties documents them.

use std::fmt::Write;

use holdfast_types::canonical::canonical_text;
use holdfast_types::{CollationId, SqlResult, SqlType, Value};

use super::literal;
use crate::database::DatabaseCatalog;
use crate::database::ObjectRow;

/// A level of the hierarchy that a property hangs on: type and name.
type Level = (&'static str, String);

pub fn properties(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    let (names, rows) = catalog.base_values("sysxprops")?;
    let at = |name: &str| names.iter().position(|n| n == name);
    let (Some(class), Some(id), Some(subid), Some(name), Some(value)) =
        (at("class"), at("id"), at("subid"), at("name"), at("value"))
    else {
        return Ok(());
    };
    for row in &rows {
        let number = |at: usize| match row.get(at) {
            Some(Value::TinyInt(n)) => i32::from(*n),
            Some(Value::Int(n)) => *n,
            _ => 0,
        };
        let text = row.get(name).map(|v| match v {
            Value::String(s) => s.to_text(),
            _ => String::new(),
        });
        let text = text.unwrap_or_default();
        // Written by the installation of a database, not by its owner.
        if text.starts_with("microsoft_database_tools_support") {
            continue;
        }
        let (class, id, subid) = (number(class), number(id), number(subid));
        let Some(levels) = levels(catalog, class, id, subid) else {
            let _ = writeln!(out, "-- extended property {text} of class {class}, id {id} is not scripted");
            continue;
        };
        let _ = write!(out, "EXEC sys.sp_addextendedproperty @name = {}", literal(&text));
        let _ = write!(out, ", @value = {}", constant(row.get(value).unwrap_or(&Value::Null)));
        for (n, (kind, name)) in levels.iter().enumerate() {
            let _ = write!(out, ", @level{n}type = N'{kind}', @level{n}name = {}", literal(name));
        }
        out.push_str(";\nGO\n");
    }
    Ok(())
}

/// A value as T-SQL writes it. A sql_variant of another type than text, number or bytes is written as text.
fn constant(value: &Value) -> String {
    let c = CollationId::SERVER_DEFAULT;
    let inner = match value {
        Value::Variant(v) => (&v.value, v.ty),
        other => (other, SqlType::nvarchar(4000, c)),
    };
    match inner {
        (Value::Null, _) => "NULL".to_owned(),
        (Value::Bit(b), _) => u8::from(*b).to_string(),
        (
            Value::TinyInt(_) | Value::SmallInt(_) | Value::Int(_) | Value::BigInt(_) | Value::Decimal(_),
            _,
        ) => super::table::number(inner.0),
        (Value::Binary(b), _) => b.iter().fold("0x".to_owned(), |s, b| format!("{s}{b:02X}")),
        (v, ty) => literal(&canonical_text(v, &ty).unwrap_or_default()),
    }
}

fn kind_of(object: &ObjectRow) -> Option<&'static str> {
    Some(match &*object.kind {
        "U" => "TABLE",
        "V" => "VIEW",
        "P" | "PC" => "PROCEDURE",
        "FN" | "IF" | "TF" | "FS" | "FT" => "FUNCTION",
        "AF" => "AGGREGATE",
        "SN" => "SYNONYM",
        "SO" => "SEQUENCE",
        "SQ" => "QUEUE",
        "R" => "RULE",
        _ => return None,
    })
}

fn schema(catalog: &DatabaseCatalog, id: i32) -> Level {
    ("SCHEMA", catalog.schema_name(id).to_string())
}

fn levels(catalog: &DatabaseCatalog, class: i32, id: i32, subid: i32) -> Option<Vec<Level>> {
    let column = |number: i16| {
        let mut columns = catalog.catalogs.columns_of(id, number);
        columns.find(|c| c.i32("colid") == subid).map(|c| c.text("name").to_owned())
    };
    match class {
        0 => Some(Vec::new()),
        3 => Some(vec![schema(catalog, id)]),
        6 => {
            let ty = catalog.catalogs.type_row(id)?;
            Some(vec![schema(catalog, ty.schema_id), ("TYPE", ty.name.to_string())])
        }
        1 | 2 | 7 => {
            let object = catalog.object_row(id)?;
            let Some(kind) = kind_of(object) else {
                // A constraint or trigger hangs on its table.
                let parent = catalog.object_row(object.parent_id)?;
                let own = if &*object.kind == "TR" { "TRIGGER" } else { "CONSTRAINT" };
                let table = (kind_of(parent)?, parent.name.to_string());
                return Some(vec![schema(catalog, parent.schema_id), table, (own, object.name.to_string())]);
            };
            let mut out = vec![schema(catalog, object.schema_id), (kind, object.name.to_string())];
            match class {
                1 if subid != 0 => out.push(("COLUMN", column(0)?)),
                2 => out.push(("PARAMETER", column(1)?)),
                7 => {
                    let (table, map) = catalog.catalogs.group(&catalog.store, "sysidxstats", "id").ok()?;
                    let mut rows = map.get(&i64::from(id))?.iter().filter_map(|&i| table.row(i));
                    let row = rows.find(|r| r.i32("indid") == subid)?;
                    out.push(("INDEX", row.text("name").to_owned()));
                }
                _ => {}
            }
            Some(out)
        }
        _ => None,
    }
}
