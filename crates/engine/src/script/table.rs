//! CREATE TABLE and CREATE INDEX.

use std::fmt::Write;

use holdfast_types::{CollationId, SqlResult, TypeId, Value};

use super::quote;
use crate::catalog::{Catalog, ColumnDef, IndexDef, IndexKind, TableDef};
use crate::database::DatabaseCatalog;
use crate::ddl::table::column_bits;
use crate::decode::text;
use crate::error::damaged;

/// An exact number as T-SQL writes it.
pub fn number(value: &Value) -> String {
    match value {
        Value::TinyInt(v) => v.to_string(),
        Value::SmallInt(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::BigInt(v) => v.to_string(),
        Value::Decimal(d) => {
            let digits = d.mantissa.unsigned_abs().to_string();
            let scale = usize::from(d.scale);
            let sign = if d.mantissa < 0 { "-" } else { "" };
            if scale == 0 {
                return format!("{sign}{digits}");
            }
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        _ => String::new(),
    }
}

fn type_text(catalog: &DatabaseCatalog, column: &ColumnDef) -> String {
    if let Some(user) = &column.user_type {
        return match user.split_once('.') {
            Some((schema, name)) => format!("{}.{}", quote(schema), quote(name)),
            None => quote(user),
        };
    }
    let mut out = match column.ty.id {
        TypeId::Float if column.ty.precision == 53 => "float".to_owned(),
        _ => column.ty.to_string(),
    };
    let collation = column.ty.collation;
    if collation != CollationId::NONE
        && collation != catalog.default_collation()
        && let Some(name) = text::name(collation)
    {
        let _ = write!(out, " COLLATE {name}");
    }
    out
}

fn column_line(
    catalog: &DatabaseCatalog,
    table: &TableDef,
    column: &ColumnDef,
    default_name: Option<&str>,
) -> String {
    let mut line = format!("    {} ", quote(&column.name));
    if let Some(expression) = &column.computed {
        let _ = write!(line, "AS {}", super::in_parentheses(expression));
        if column.persisted {
            line.push_str(" PERSISTED");
            if !column.nullable {
                line.push_str(" NOT NULL");
            }
        }
        return line;
    }
    line.push_str(&type_text(catalog, column));
    const COLUMN_SET: i64 = 0x0200_0000;
    let mut stored = catalog.catalogs.columns_of(table.object_id, 0);
    let status = stored.find(|c| c.i32("colid") == column.column_id).map_or(0, |c| c.int("status"));
    if status & COLUMN_SET != 0 {
        line.push_str(" COLUMN_SET FOR ALL_SPARSE_COLUMNS");
        return line;
    }
    if column.is_sparse {
        line.push_str(" SPARSE");
    }
    if let Some(identity) = &column.identity {
        let _ = write!(line, " IDENTITY({},{})", number(&identity.seed), number(&identity.increment));
    }
    if column.is_row_guid {
        line.push_str(" ROWGUIDCOL");
    }
    for (bit, words) in [(column_bits::ROW_START, "ROW START"), (column_bits::ROW_END, "ROW END")] {
        if status & bit != 0 {
            let hidden = if column.is_hidden { " HIDDEN" } else { "" };
            let _ = write!(line, " GENERATED ALWAYS AS {words}{hidden}");
        }
    }
    line.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
    // A bound default is an object of its own; the text of a constraint begins with a parenthesis.
    if let Some(default) = column.default.as_ref().filter(|d| d.starts_with('(')) {
        if let Some(name) = default_name {
            let _ = write!(line, " CONSTRAINT {}", quote(name));
        }
        let _ = write!(line, " DEFAULT {default}");
    }
    line
}

fn key_list(table: &TableDef, index: &IndexDef) -> String {
    let keys = index.keys.iter().filter_map(|k| {
        let name = quote(&table.columns.get(k.ordinal)?.name);
        Some(if k.descending { format!("{name} DESC") } else { name })
    });
    keys.collect::<Vec<_>>().join(", ")
}

fn kind_text(index: &IndexDef) -> &'static str {
    if index.kind == IndexKind::Clustered { "CLUSTERED" } else { "NONCLUSTERED" }
}

/// CREATE TABLE with primary key and unique constraints.
pub fn create(catalog: &DatabaseCatalog, table: &TableDef, out: &mut String) -> SqlResult<()> {
    let _ = writeln!(
        out,
        "CREATE TABLE {}.{} (\n{}\n){};\nGO",
        quote(&table.schema_name),
        quote(&table.name),
        body(catalog, table)?,
        compression(catalog, table.object_id, table.indexes.first().map_or(0, |i| i.index_id))
    );
    Ok(())
}

/// ` WITH (DATA_COMPRESSION = …)` of an index whose first partition is compressed.
fn compression(catalog: &DatabaseCatalog, object: i32, index: i32) -> &'static str {
    let mut rowsets = catalog.storage().rowsets_of(object);
    match rowsets.find(|r| r.index_id == index).map_or(0, |r| r.compression) {
        1 => " WITH (DATA_COMPRESSION = ROW)",
        2 => " WITH (DATA_COMPRESSION = PAGE)",
        _ => "",
    }
}

/// Columns, primary key and unique constraints, a line each.
pub fn body(catalog: &DatabaseCatalog, table: &TableDef) -> SqlResult<String> {
    let defaults = catalog.default_constraints().map_err(damaged)?;
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|c| {
            let name = defaults.get(&(table.object_id, c.column_id)).map(|n| &**n);
            column_line(catalog, table, c, name)
        })
        .collect();
    if let Some((start, end)) = table.temporal.period {
        let names = [start, end].map(|o| quote(&table.columns[o].name));
        lines.push(format!("    PERIOD FOR SYSTEM_TIME ({}, {})", names[0], names[1]));
    }
    for index in &table.indexes {
        if index.primary_key || index.unique_constraint {
            let what = if index.primary_key { "PRIMARY KEY" } else { "UNIQUE" };
            let name = index.name.as_deref().unwrap_or("");
            let keys = key_list(table, index);
            lines.push(format!("    CONSTRAINT {} {what} {} ({keys})", quote(name), kind_text(index)));
        }
    }
    Ok(lines.join(",\n"))
}

/// CREATE INDEX for indexes that are not constraints.
pub fn indexes(catalog: &DatabaseCatalog, table: &TableDef, out: &mut String) {
    let disabled = catalog.disabled_indexes(table.object_id);
    for index in &table.indexes {
        if index.kind == IndexKind::Heap || index.primary_key || index.unique_constraint {
            continue;
        }
        let name = quote(index.name.as_deref().unwrap_or(""));
        let on = format!("{}.{}", quote(&table.schema_name), quote(&table.name));
        if !matches!(index.kind, IndexKind::Clustered | IndexKind::Nonclustered) {
            let _ = writeln!(out, "-- index {name} on {on} ({:?}) is not scripted", index.kind);
            continue;
        }
        let unique = if index.unique { "UNIQUE " } else { "" };
        let _ = write!(
            out,
            "CREATE {unique}{} INDEX {name} ON {on} ({})",
            kind_text(index),
            key_list(table, index)
        );
        if !index.included.is_empty() {
            let names: Vec<String> =
                index.included.iter().filter_map(|&o| table.columns.get(o)).map(|c| quote(&c.name)).collect();
            let _ = write!(out, " INCLUDE ({})", names.join(", "));
        }
        if let Some(filter) = &index.filter {
            let _ = write!(out, " WHERE {filter}");
        }
        out.push_str(compression(catalog, table.object_id, index.index_id));
        out.push_str(";\nGO\n");
        if disabled.contains(&index.index_id) {
            let _ = writeln!(out, "ALTER INDEX {name} ON {on} DISABLE;\nGO");
        }
    }
}
