//! A database's schema as T-SQL that recreates it: schemas, types, sequences, tables, indexes, keys, constraints, modules.
//!
//! Module map: [`table`] CREATE TABLE with its columns and inline keys; this file the order of things.
//!
//! Invariants
//! 1. Every batch ends with `GO`; modules stand as stored, each in its own batch with its SET options.
//! 2. Order: schemas, alias types, sequences, tables, defaults and checks, indexes, foreign keys, then modules so that what a
//!    module names comes before it where the catalog knows it.
//! 3. What cannot be scripted is said in a comment, never left out silently.

mod properties;
mod table;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use holdfast_types::SqlResult;

use crate::database::{DatabaseCatalog, ObjectRow, details::ReferentialAction};
use crate::error::damaged;

/// A name in brackets.
pub fn quote(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// A text literal.
pub fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

fn full_name(catalog: &DatabaseCatalog, object: &ObjectRow) -> String {
    format!("{}.{}", quote(&catalog.schema_name(object.schema_id)), quote(&object.name))
}

/// The whole script.
pub fn schema(catalog: &DatabaseCatalog) -> SqlResult<String> {
    let mut out = String::new();
    schemas(catalog, &mut out);
    types(catalog, &mut out)?;
    xml_collections(catalog, &mut out)?;
    sequences(catalog, &mut out)?;
    let objects = catalog.objects();
    let tables: Vec<&ObjectRow> =
        objects.iter().copied().filter(|o| &*o.kind == "U" && o.schema_id != 4).collect();
    for object in &tables {
        if let Some(table) = catalog.table(object.id)? {
            table::create(catalog, &table, &mut out)?;
        }
    }
    checks(catalog, &mut out)?;
    for object in &tables {
        if let Some(table) = catalog.table(object.id)? {
            table::indexes(catalog, &table, &mut out);
        }
    }
    foreign_keys(catalog, &mut out)?;
    for object in objects.iter().filter(|o| &*o.kind == "SN" && !o.system) {
        if let Some(crate::catalog::ObjectDef::Synonym(synonym)) = catalog.definition(object.id)? {
            let _ =
                writeln!(out, "CREATE SYNONYM {} FOR {};\nGO", full_name(catalog, object), synonym.target);
        }
    }
    versioning(catalog, &mut out)?;
    modules(catalog, &mut out)?;
    properties::properties(catalog, &mut out)?;
    Ok(out)
}

fn schemas(catalog: &DatabaseCatalog, out: &mut String) {
    for (id, name) in catalog.schemas() {
        // Fixed schemas and those of fixed roles exist in every database.
        if id > 4 && !(16_384..16_400).contains(&id) {
            let _ = writeln!(out, "CREATE SCHEMA {};\nGO", quote(&name));
        }
    }
}

fn types(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    let objects = catalog.objects();
    for ty in catalog.catalogs.types() {
        if ty.id > 256 {
            let name = format!("{}.{}", quote(&catalog.schema_name(ty.schema_id)), quote(&ty.name));
            let null = if ty.nullable { "NULL" } else { "NOT NULL" };
            // The columns of a table type belong to an object of their own, named after it.
            let prefix = format!("TT_{}_", ty.name);
            let columns = objects.iter().find(|o| &*o.kind == "TT" && o.name.starts_with(&prefix));
            if let Some(table) = columns.map(|o| catalog.table(o.id)).transpose()?.flatten() {
                let _ =
                    writeln!(out, "CREATE TYPE {name} AS TABLE (\n{}\n);\nGO", table::body(catalog, &table)?);
            } else if ty.ty.id == holdfast_types::TypeId::Clr {
                let _ = writeln!(out, "-- type {name} is a CLR type and is not scripted");
            } else {
                let _ = writeln!(out, "CREATE TYPE {name} FROM {} {null};\nGO", ty.ty);
            }
        }
    }
    Ok(())
}

fn xml_collections(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    let all = catalog.xml_collections().map_err(damaged)?;
    for c in all.iter().filter(|c| c.id >= holdfast_types::xml::schema::FIRST_ID) {
        let name = format!("{}.{}", quote(&catalog.schema_name(c.schema_id)), quote(&c.name));
        let _ = writeln!(
            out,
            "-- XML schema collection {name} is not scripted; columns of it are written as xml"
        );
    }
    Ok(())
}

/// SYSTEM_VERSIONING, once both tables are there.
fn versioning(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    for table in catalog.user_tables()? {
        let history = table.temporal.history.and_then(|id| catalog.object_row(id));
        let (Some(history), Some(object)) = (history, catalog.object_row(table.object_id)) else { continue };
        let _ = writeln!(
            out,
            "ALTER TABLE {} SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = {}));\nGO",
            full_name(catalog, object),
            full_name(catalog, history)
        );
    }
    Ok(())
}

/// Sequences: start, increment, minimum, maximum and current value in the sequence's own width.
fn sequences(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysobjvalues", "objid").map_err(damaged)?;
    for object in catalog.objects().into_iter().filter(|o| &*o.kind == "SO" && !o.system) {
        let rows = map.get(&i64::from(object.id)).into_iter().flatten().filter_map(|&i| table.row(i));
        let Some(row) = rows.into_iter().find(|r| r.int("valclass") == 63) else {
            let _ = writeln!(out, "-- sequence {} has no definition", full_name(catalog, object));
            continue;
        };
        let kind = row.int("valnum") as u32;
        let ty = crate::database::rows::sql_type(kind as u8, 0, 0, (kind >> 8) as u8, (kind >> 16) as u8, 0);
        let bytes = match crate::decode::variant::inner(row.bytes("value")) {
            Ok(holdfast_types::Value::Binary(b)) => b,
            _ => continue,
        };
        let width = usize::try_from(ty.length).unwrap_or(0);
        let part = |i: usize| {
            bytes
                .get(i * width..(i + 1) * width)
                .and_then(|b| crate::decode::value(&ty, b).ok())
                .map_or_else(String::new, |v| table::number(&v))
        };
        let cycle = if object.status & 0x100 != 0 { "CYCLE" } else { "NO CYCLE" };
        let _ = writeln!(
            out,
            "CREATE SEQUENCE {} AS {ty} START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} {cycle};\nGO",
            full_name(catalog, object),
            part(0),
            part(1),
            part(2),
            part(3),
        );
    }
    Ok(())
}

/// An expression in parentheses, unless one pair already spans it.
fn in_parentheses(text: &str) -> String {
    let mut depth = 0i32;
    let mut quoted = None;
    let spans = text.starts_with('(')
        && text.char_indices().all(|(at, c)| {
            match (quoted, c) {
                (None, '\'' | '"') => quoted = Some(c),
                (None, '[') => quoted = Some(']'),
                (Some(q), c) if c == q => quoted = None,
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            depth > 0 || at + c.len_utf8() == text.len()
        });
    if spans { text.to_owned() } else { format!("({text})") }
}

fn checks(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    for check in catalog.constraints("C").map_err(damaged)? {
        let Some(table) = catalog.object_row(check.table_id).filter(|t| t.schema_id != 4) else { continue };
        let with = if check.not_trusted { "WITH NOCHECK " } else { "" };
        let name = full_name(catalog, table);
        let _ = writeln!(
            out,
            "ALTER TABLE {name} {with}ADD CONSTRAINT {} CHECK{} {};",
            quote(&check.name),
            if check.not_for_replication { " NOT FOR REPLICATION" } else { "" },
            in_parentheses(&check.text)
        );
        if check.disabled {
            let _ = writeln!(out, "ALTER TABLE {name} NOCHECK CONSTRAINT {};", quote(&check.name));
        }
        out.push_str("GO\n");
    }
    Ok(())
}

fn action(name: &str, action: ReferentialAction) -> String {
    match action {
        ReferentialAction::NoAction => String::new(),
        ReferentialAction::Cascade => format!(" {name} CASCADE"),
        ReferentialAction::SetNull => format!(" {name} SET NULL"),
        ReferentialAction::SetDefault => format!(" {name} SET DEFAULT"),
    }
}

fn foreign_keys(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    for key in catalog.foreign_keys().map_err(damaged)? {
        let (Some(here), Some(there)) =
            (catalog.object_row(key.table_id), catalog.object_row(key.referenced_table_id))
        else {
            let _ = writeln!(out, "-- foreign key {} names a table that is not there", quote(&key.name));
            continue;
        };
        let column = |object: i32, id: i32| {
            let mut columns = catalog.catalogs.columns_of(object, 0);
            columns.find(|c| c.i32("colid") == id).map_or_else(String::new, |c| quote(c.text("name")))
        };
        let list =
            |f: &dyn Fn(&(i32, i32)) -> String| key.columns.iter().map(f).collect::<Vec<_>>().join(", ");
        let name = full_name(catalog, here);
        let with = if key.not_trusted { "WITH NOCHECK " } else { "" };
        let _ = writeln!(
            out,
            "ALTER TABLE {name} {with}ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}{}{};",
            quote(&key.name),
            list(&|c| column(key.table_id, c.0)),
            full_name(catalog, there),
            list(&|c| column(key.referenced_table_id, c.1)),
            action("ON DELETE", key.on_delete),
            action("ON UPDATE", key.on_update),
            if key.not_for_replication { " NOT FOR REPLICATION" } else { "" },
        );
        if key.disabled {
            let _ = writeln!(out, "ALTER TABLE {name} NOCHECK CONSTRAINT {};", quote(&key.name));
        }
        out.push_str("GO\n");
    }
    Ok(())
}

/// Modules in an order in which what one names comes before it.
fn modules(catalog: &DatabaseCatalog, out: &mut String) -> SqlResult<()> {
    let wanted = ["V", "FN", "IF", "TF", "P", "TR"];
    let objects: Vec<&ObjectRow> =
        catalog.objects().into_iter().filter(|o| wanted.contains(&&*o.kind) && !o.system).collect();
    let ids: HashSet<i32> = objects.iter().map(|o| o.id).collect();
    let mut needs: HashMap<i32, Vec<i32>> = HashMap::new();
    for name in ["sysmultiobjrefs", "syssoftobjrefs"] {
        for row in catalog.base_table(name).map_err(damaged)?.iter() {
            let (from, to) = (row.i32("depid"), row.i32("indepid"));
            if from != to && ids.contains(&from) && ids.contains(&to) && row.int("class") <= 1 {
                needs.entry(from).or_default().push(to);
            }
        }
    }
    // Triggers and procedures come after what they may use; within a rank, what is named comes first.
    let rank = |o: &ObjectRow| match &*o.kind {
        "TR" => 3,
        "P" => 2,
        "V" => 1,
        _ => 0,
    };
    let mut order: Vec<&ObjectRow> = objects.clone();
    order.sort_by_key(|o| (rank(o), o.id));
    let by_id: HashMap<i32, &ObjectRow> = objects.iter().map(|o| (o.id, *o)).collect();
    let mut done: HashSet<i32> = HashSet::new();
    for first in order {
        // Depth-first with an explicit stack; a cycle is cut where it closes.
        let mut stack = vec![(first.id, false)];
        let mut open: HashSet<i32> = HashSet::new();
        while let Some((id, expanded)) = stack.pop() {
            if done.contains(&id) {
                continue;
            }
            if expanded {
                done.insert(id);
                if let Some(object) = by_id.get(&id) {
                    module(catalog, object, out)?;
                }
            } else if open.insert(id) {
                stack.push((id, true));
                stack.extend(needs.get(&id).into_iter().flatten().map(|&n| (n, false)));
            }
        }
    }
    Ok(())
}

fn module(catalog: &DatabaseCatalog, object: &ObjectRow, out: &mut String) -> SqlResult<()> {
    let text = match catalog.module_text(object).map_err(damaged)? {
        Some(found) if !found.encrypted => found.text,
        found => {
            let why = if found.is_some() { "is encrypted" } else { "is not written in T-SQL" };
            let _ = writeln!(out, "-- {} {why}", full_name(catalog, object));
            return Ok(());
        }
    };
    let on = |bit: u32| if object.status & bit != 0 { "ON" } else { "OFF" };
    let _ = writeln!(out, "SET ANSI_NULLS {};\nSET QUOTED_IDENTIFIER {};\nGO", on(0x4_0000), on(0x8_0000));
    out.push_str(text.trim());
    out.push_str("\nGO\n");
    if let Some(kept) = catalog.view_as_table(object.id)? {
        table::indexes(catalog, &kept, out);
    }
    if &*object.kind == "TR"
        && object.status & 0x100 != 0
        && let Some(table) = catalog.object_row(object.parent_id)
    {
        let table = full_name(catalog, table);
        let _ = writeln!(out, "DISABLE TRIGGER {} ON {table};\nGO", full_name(catalog, object));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::in_parentheses;

    #[test]
    fn one_pair_of_parentheses_is_enough() {
        assert_eq!(in_parentheses("[a]>(0)"), "([a]>(0))");
        assert_eq!(in_parentheses("([a]>(0))"), "([a]>(0))");
        assert_eq!(in_parentheses("(1)=[b] AND (2)"), "((1)=[b] AND (2))");
        assert_eq!(in_parentheses("([a)b]='(')"), "([a)b]='(')");
    }
}
