//! What depends on what: sys.sql_expression_dependencies, sys.sql_dependencies, sys.sysdepends, and the INFORMATION_SCHEMA views of the use
//! of tables, columns and domains.
//!
//! Invariants
//! 1. References that are bound, and what names meant when a module was made, are rows of `sysmultiobjrefs` (classes 1 and 0); names as
//!    the texts have them are rows of `syssoftobjrefs`, whether or not there is such an object now.
//!
//! Evidence: docs/format/catalog.md.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_engine::ddl::module::{AMBIGUOUS, reference_use};
use holdfast_types::{SqlResult, Value};

use super::model::Object;
use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.sql_expression_dependencies",
        columns: "referencing_id int!, referencing_minor_id int!, referencing_class tinyint, referencing_class_desc desc, is_schema_bound_reference bit!, referenced_class tinyint, referenced_class_desc desc, referenced_server_name sysname, referenced_database_name sysname, referenced_schema_name sysname, referenced_entity_name sysname, referenced_id int, referenced_minor_id int!, is_caller_dependent bit!, is_ambiguous bit!",
        rows: expression_dependencies,
    },
    SystemView {
        name: "sys.sql_dependencies",
        columns: "class tinyint!, class_desc desc, object_id int!, column_id int!, referenced_major_id int!, referenced_minor_id int!, is_selected bit!, is_updated bit!, is_select_all bit!",
        rows: sql_dependencies,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.VIEW_TABLE_USAGE",
        columns: "VIEW_CATALOG nvarchar(128), VIEW_SCHEMA nvarchar(128), VIEW_NAME sysname!, TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!",
        rows: view_tables,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.VIEW_COLUMN_USAGE",
        columns: "VIEW_CATALOG nvarchar(128), VIEW_SCHEMA nvarchar(128), VIEW_NAME sysname!, TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, COLUMN_NAME sysname",
        rows: view_columns,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.COLUMN_DOMAIN_USAGE",
        columns: "DOMAIN_CATALOG nvarchar(128), DOMAIN_SCHEMA nvarchar(128), DOMAIN_NAME sysname!, TABLE_CATALOG nvarchar(128), TABLE_SCHEMA nvarchar(128), TABLE_NAME sysname!, COLUMN_NAME sysname",
        rows: column_domains,
    },
    SystemView {
        name: "INFORMATION_SCHEMA.DOMAIN_CONSTRAINTS",
        columns: "CONSTRAINT_CATALOG nvarchar(128), CONSTRAINT_SCHEMA nvarchar(128), CONSTRAINT_NAME sysname!, DOMAIN_CATALOG nvarchar(128), DOMAIN_SCHEMA nvarchar(128), DOMAIN_NAME sysname!, IS_DEFERRABLE varchar(2)!, INITIALLY_DEFERRED varchar(2)!",
        rows: domain_constraints,
    },
];

/// The view of the time before catalog views.
pub const OLD: &[SystemView] = &[SystemView {
    name: "sys.sysdepends",
    columns: "id int!, depid int!, number smallint, depnumber smallint, status smallint, deptype tinyint!, depdbid smallint, depsiteid smallint, selall bit!, resultobj bit!, readobj bit!",
    rows: old_dependencies,
}];

/// A reference to an object or column of this database.
struct Reference {
    bound: bool,
    from: (i32, i32),
    to: (i32, i32),
    status: i64,
}

fn references(c: &ViewContext<'_>) -> SqlResult<Vec<Reference>> {
    let rows = c.source.base_rows("sysmultiobjrefs")?;
    let of = rows.iter().filter(|r| matches!(r.int("class"), 0 | 1)).map(|r| Reference {
        bound: r.int("class") == 1,
        from: (r.int("depid"), r.int("depsubid")),
        to: (r.int("indepid"), r.int("indepsubid")),
        status: i64::from(r.int("status")),
    });
    Ok(of.collect())
}

fn expression_dependencies(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for r in references(c)?.iter().filter(|r| r.bound) {
        let (Some(a), Some(b)) = (c.model.object(r.from.0), c.model.object(r.to.0)) else { continue };
        if a.system {
            continue;
        }
        rows.push(row![
            r.from.0,
            r.from.1,
            1,
            "OBJECT_OR_COLUMN",
            true,
            1,
            "OBJECT_OR_COLUMN",
            Value::Null,
            Value::Null,
            c.model.schema_name(b.schema_id),
            &b.name,
            r.to.0,
            r.to.1,
            false,
            false
        ]);
    }
    for n in names(c)? {
        rows.push(row![
            n.from,
            0,
            1,
            "OBJECT_OR_COLUMN",
            false,
            1,
            "OBJECT_OR_COLUMN",
            n.server,
            n.database,
            n.schema,
            n.name,
            n.id.filter(|_| !n.caller_dependent),
            0,
            n.caller_dependent,
            n.ambiguous
        ]);
    }
    Ok(rows)
}

/// A name in a text with what it means now.
struct Name {
    from: i32,
    server: Option<Arc<str>>,
    database: Option<Arc<str>>,
    schema: Option<Arc<str>>,
    name: Arc<str>,
    id: Option<i32>,
    caller_dependent: bool,
    ambiguous: bool,
}

fn names(c: &ViewContext<'_>) -> SqlResult<Vec<Name>> {
    let here = c.source.database().name;
    let mut out = Vec::new();
    for r in c.source.base_rows("syssoftobjrefs")?.iter() {
        let from = r.int("depid");
        let Some(object) = c.model.object(from).filter(|_| r.int("depclass") == 1) else { continue };
        let part = |column: &str| -> Option<Arc<str>> {
            let text = r.text(column);
            (!text.is_empty()).then_some(text)
        };
        let (server, database) = (part("indepserver"), part("indepdb"));
        let (schema, name) = (part("indepschema"), r.text("indepname"));
        let outside = server.is_some() || database.as_ref().is_some_and(|d| *d != here);
        let found = if outside { None } else { meant(c, object, schema.as_deref(), &name) };
        // Which procedure an EXECUTE without a schema calls depends on who runs it.
        let caller_dependent = schema.is_none() && found.is_some_and(|o| matches!(&*o.kind, "P" | "PC"));
        out.push(Name {
            from,
            server,
            database,
            schema,
            name,
            id: found.map(|o| o.id),
            caller_dependent,
            ambiguous: i64::from(r.int("status")) & AMBIGUOUS != 0,
        });
    }
    Ok(out)
}

fn meant<'a>(c: &'a ViewContext<'_>, from: &Object, schema: Option<&str>, name: &str) -> Option<&'a Object> {
    match schema {
        Some(schema) => c.model.object_named(c.model.schema_id(schema)?, name),
        None => c.model.object_named(from.schema_id, name).or_else(|| c.model.object_named(1, name)),
    }
}

fn sql_dependencies(c: &ViewContext<'_>) -> Rows {
    let rows = references(c)?.into_iter().map(|r| {
        let class = if r.bound {
            "OBJECT_OR_COLUMN_REFERENCE_SCHEMA_BOUND"
        } else {
            "OBJECT_OR_COLUMN_REFERENCE_NON_SCHEMA_BOUND"
        };
        let has = |bit: i64| r.status & bit != 0;
        row![
            i32::from(r.bound),
            class,
            r.from.0,
            r.from.1,
            r.to.0,
            r.to.1,
            has(reference_use::SELECTED),
            has(reference_use::UPDATED),
            has(reference_use::SELECT_ALL)
        ]
    });
    Ok(rows.collect())
}

fn old_dependencies(c: &ViewContext<'_>) -> Rows {
    let rows = references(c)?.into_iter().map(|r| {
        let has = |bit: i64| r.status & bit != 0;
        let status = i32::from(has(reference_use::SELECT_ALL)) * 2
            + i32::from(has(reference_use::UPDATED)) * 4
            + i32::from(has(reference_use::SELECTED)) * 8;
        row![
            r.from.0,
            r.to.0,
            r.from.1,
            r.to.1,
            status,
            i32::from(r.bound),
            0,
            0,
            has(reference_use::SELECT_ALL),
            has(reference_use::UPDATED),
            has(reference_use::SELECTED)
        ]
    });
    Ok(rows.collect())
}

/// Views with the tables and columns that their texts name, each once.
fn view_uses(c: &ViewContext<'_>) -> SqlResult<BTreeSet<(i32, i32, i32)>> {
    let is = |id: i32, kinds: &[&str]| c.model.object(id).is_some_and(|o| kinds.contains(&&*o.kind));
    Ok(references(c)?
        .into_iter()
        .filter(|r| is(r.from.0, &["V"]) && is(r.to.0, &["U", "V"]))
        .map(|r| (r.from.0, r.to.0, r.to.1))
        .collect())
}

fn view_tables(c: &ViewContext<'_>) -> Rows {
    let catalog = c.source.database().name;
    let pairs: BTreeSet<(i32, i32)> = view_uses(c)?.into_iter().map(|u| (u.0, u.1)).collect();
    let row = |(view, table): (i32, i32)| {
        let (v, t) = (c.model.object(view)?, c.model.object(table)?);
        let (vs, ts) = (c.model.schema_name(v.schema_id), c.model.schema_name(t.schema_id));
        Some(row![&catalog, vs, &v.name, &catalog, ts, &t.name])
    };
    Ok(pairs.into_iter().filter_map(row).collect())
}

fn view_columns(c: &ViewContext<'_>) -> Rows {
    let catalog = c.source.database().name;
    let row = |(view, table, column): (i32, i32, i32)| {
        let (v, t) = (c.model.object(view)?, c.model.object(table)?);
        let column = c.model.column(table, column)?;
        let (vs, ts) = (c.model.schema_name(v.schema_id), c.model.schema_name(t.schema_id));
        Some(row![&catalog, vs, &v.name, &catalog, ts, &t.name, &column.name])
    };
    Ok(view_uses(c)?.into_iter().filter_map(row).collect())
}

fn column_domains(c: &ViewContext<'_>) -> Rows {
    let catalog = c.source.database().name;
    let mut rows = Vec::new();
    for o in c.model.of_kind(&["U", "V"]) {
        for x in c.model.columns_of(o.id).iter().filter(|x| x.user_type > 256) {
            let Some(t) = c.model.type_row(x.user_type) else { continue };
            let (ds, ts) = (c.model.schema_name(t.schema_id), c.model.schema_name(o.schema_id));
            rows.push(row![&catalog, ds, &t.name, &catalog, ts, &o.name, &x.name]);
        }
    }
    Ok(rows)
}

/// Rules that are bound to types.
fn domain_constraints(c: &ViewContext<'_>) -> Rows {
    let catalog = c.source.database().name;
    let mut rows = Vec::new();
    for t in c.source.base_rows("sysscalartypes")?.iter() {
        let Some(rule) = c.model.object(t.int("chk")) else { continue };
        let (rs, ds) = (c.model.schema_name(rule.schema_id), c.model.schema_name(t.int("schid")));
        rows.push(row![&catalog, rs, &rule.name, &catalog, ds, t.text("name"), "NO", "NO"]);
    }
    Ok(rows)
}

/// Whether messages mean this kind of thing by a class of the two functions below.
fn is_of_class(o: &Object, class: &str) -> bool {
    match class {
        "OBJECT" => !o.system,
        "DATABASE_DDL_TRIGGER" => &*o.kind == "TR" && o.parent_id == 0,
        _ => false,
    }
}

/// `schema.name` as an object of the database; a trigger of the database has no schema.
fn entity<'a>(c: &'a ViewContext<'_>, name: &str, class: &str) -> Option<&'a Object> {
    let name = holdfast_tsql::parse_object_name(name).ok()?;
    let found = match &name.schema {
        Some(schema) => c.model.object_named(c.model.schema_id(&schema.text)?, &name.name.text)?,
        None if class == "OBJECT" => return None,
        None => c.model.object_named(0, &name.name.text)?,
    };
    is_of_class(found, class).then_some(found)
}

/// sys.dm_sql_referenced_entities: what an object names, and the columns where what it names is there.
pub fn referenced_entities(c: &ViewContext<'_>, name: &str, class: &str) -> Rows {
    let Some(from) = entity(c, name, class) else { return Ok(Vec::new()) };
    let all = references(c)?;
    let own: Vec<&Reference> = all.iter().filter(|r| r.from.0 == from.id).collect();
    let mut rows = Vec::new();
    let mut add = |n: &Name, column: i32, minor: Option<Arc<str>>, bits: i64| {
        let has = |bit: i64| bits & bit != 0;
        rows.push(row![
            0,
            n.server.clone(),
            n.database.clone(),
            n.schema.clone(),
            &n.name,
            minor,
            n.id.filter(|_| !n.caller_dependent),
            column,
            1u8,
            "OBJECT_OR_COLUMN",
            n.caller_dependent,
            n.ambiguous,
            has(reference_use::SELECTED),
            has(reference_use::UPDATED),
            has(reference_use::SELECT_ALL),
            n.id.is_some(),
            false,
            n.id.is_none()
        ]);
    };
    let bound = own.iter().filter(|r| r.bound && r.to.1 == 0).filter_map(|r| {
        let o = c.model.object(r.to.0)?;
        Some(Name {
            from: from.id,
            server: None,
            database: None,
            schema: Some(c.model.schema_name(o.schema_id)),
            name: Arc::clone(&o.name),
            id: Some(o.id),
            caller_dependent: false,
            ambiguous: false,
        })
    });
    let named = names(c)?.into_iter().filter(|n| n.from == from.id);
    for n in bound.chain(named) {
        let of = || own.iter().filter(|r| Some(r.to.0) == n.id);
        add(&n, 0, None, of().fold(0, |bits, r| bits | r.status));
        for r in of().filter(|r| r.to.1 > 0) {
            let column = c.model.column(r.to.0, r.to.1).map(|x| Arc::clone(&x.name));
            add(&n, r.to.1, column, r.status);
        }
    }
    Ok(rows)
}

/// sys.dm_sql_referencing_entities: what names an object.
pub fn referencing_entities(c: &ViewContext<'_>, name: &str, class: &str) -> Rows {
    let Some(to) = entity(c, name, class) else { return Ok(Vec::new()) };
    let mut found: BTreeSet<(i32, bool)> =
        references(c)?.iter().filter(|r| r.bound && r.to.0 == to.id).map(|r| (r.from.0, false)).collect();
    found.extend(names(c)?.iter().filter(|n| n.id == Some(to.id)).map(|n| (n.from, n.caller_dependent)));
    let row = |(id, caller_dependent): (i32, bool)| {
        let o = c.model.object(id)?;
        // Constraints are their tables'.
        let schema = c.model.schema_name(o.schema_id);
        Some(row![schema, &o.name, o.id, 1u8, "OBJECT_OR_COLUMN", caller_dependent])
    };
    Ok(found.into_iter().filter_map(row).collect())
}
