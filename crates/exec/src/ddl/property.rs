//! Extended properties: sp_addextendedproperty and its kin, and where a path of levels leads.
//!
//! Evidence: sysxprops of genuine databases: class 0 the database, 1 objects and columns, 2 parameters, 3 schemas, 7 indexes, 10
//! schema collections, 20 filegroups, 22 files; documented: 4 principals, 6 types, 8 columns of table types.

use holdfast_engine::catalog::Catalog;
use holdfast_engine::database::DatabaseCatalog;
use holdfast_types::{SqlError, SqlResult, SqlType, Value};

use super::Definition;
use super::event::Event;
use super::procedure::Arguments;
use crate::procedure::run::Fail;
use crate::security::Securable;

/// A thing that has properties: class, id, sub-id.
pub type Owner = (i32, i32, i32);

/// A level of a path: type in upper case and name.
pub type Level = (String, Option<String>);

/// Objects of a schema by the words of level 1.
const OBJECTS: &[(&str, &[&str])] = &[
    ("TABLE", &["U"]),
    ("VIEW", &["V"]),
    ("PROCEDURE", &["P", "PC"]),
    ("FUNCTION", &["FN", "IF", "TF", "FS", "FT"]),
    ("SYNONYM", &["SN"]),
    ("SEQUENCE", &["SO"]),
    ("DEFAULT", &["D"]),
    ("RULE", &["R"]),
    ("QUEUE", &["SQ"]),
    ("AGGREGATE", &["AF"]),
];

/// What is at a level below another; all of them when the name is not given.
pub fn at_level(
    catalog: &DatabaseCatalog,
    above: Option<Owner>,
    level: &Level,
) -> SqlResult<Vec<(Owner, String)>> {
    let wanted = |name: &str| level.1.as_deref().is_none_or(|n| catalog.names().same(n, name));
    let failed = |e| holdfast_engine::page_error(&e);
    let from_table =
        |table: &str, class: Option<i64>, kinds: &[&str], of: i32| -> SqlResult<Vec<(Owner, String)>> {
            let rows = catalog.base_table(table).map_err(failed)?;
            Ok(rows
                .iter()
                .filter(|r| class.is_none_or(|c| r.int("class") == c))
                .filter(|r| kinds.is_empty() || kinds.contains(&r.text("type").trim_end()))
                .filter(|r| wanted(r.text("name")))
                .map(|r| ((of, r.i32("id"), 0), r.text("name").to_owned()))
                .collect())
        };
    let kind = level.0.as_str();
    Ok(match (above, kind) {
        (None, "SCHEMA") => from_table("sysclsobjs", Some(50), &[], 3)?,
        (None, "USER" | "ROLE" | "APPLICATION ROLE") => from_table("sysowners", None, &[], 4)?,
        (None, "FILEGROUP") => from_table("sysclsobjs", Some(31), &[], 20)?,
        (None, "TRIGGER") => {
            let rows = catalog.base_table("sysschobjs").map_err(failed)?;
            rows.iter()
                .filter(|r| r.int("pclass") == 0 && r.text("type") == "TR" && wanted(r.text("name")))
                .map(|r| ((1, r.i32("id"), 0), r.text("name").to_owned()))
                .collect()
        }
        (Some((20, group, _)), "LOGICAL FILE NAME") => {
            let rows = catalog.base_table("sysprufiles").map_err(failed)?;
            rows.iter()
                .filter(|r| r.i32("grpid") == group && wanted(r.text("lname")))
                .map(|r| ((22, r.i32("fileid"), 0), r.text("lname").to_owned()))
                .collect()
        }
        (Some((3, schema, _)), "TYPE" | "TABLE_TYPE") => {
            let rows = catalog.base_table("sysscalartypes").map_err(failed)?;
            rows.iter()
                .filter(|r| (r.int("xtype") == 243) == (kind == "TABLE_TYPE"))
                .filter(|r| r.i32("schid") == schema && wanted(r.text("name")))
                .map(|r| ((6, r.i32("id"), 0), r.text("name").to_owned()))
                .collect()
        }
        (Some((3, schema, _)), _) => {
            let kinds = OBJECTS.iter().find(|o| o.0 == kind).map_or(&[][..], |o| o.1);
            let all = catalog.objects();
            let found = all.iter().filter(|o| {
                o.schema_id == schema
                    && !o.system
                    && o.parent_id == 0
                    && kinds.contains(&&*o.kind)
                    && wanted(&o.name)
            });
            found.map(|o| ((1, o.id, 0), o.name.to_string())).collect()
        }
        (Some((1, object, 0)), "COLUMN" | "PARAMETER") => {
            let number = i64::from(kind == "PARAMETER");
            let class = if number == 0 { 1 } else { 2 };
            let rows = catalog.base_table("syscolpars").map_err(failed)?;
            rows.iter()
                .filter(|r| r.i32("id") == object && r.int("number") == number && wanted(r.text("name")))
                .map(|r| ((class, object, r.i32("colid")), r.text("name").to_owned()))
                .collect()
        }
        (Some((6, ty, _)), "COLUMN") => {
            let references = catalog.base_table("syssingleobjrefs").map_err(failed)?;
            let table = references.iter().find(|r| r.int("class") == 36 && r.i32("depid") == ty);
            let Some(table) = table.map(|r| r.i32("indepid")) else { return Ok(Vec::new()) };
            let rows = catalog.base_table("syscolpars").map_err(failed)?;
            rows.iter()
                .filter(|r| r.i32("id") == table && r.int("number") == 0 && wanted(r.text("name")))
                .map(|r| ((8, table, r.i32("colid")), r.text("name").to_owned()))
                .collect()
        }
        (Some((1, object, 0)), "INDEX") => {
            let rows = catalog.base_table("sysidxstats").map_err(failed)?;
            rows.iter()
                .filter(|r| r.i32("id") == object && r.int("status") & 1 != 0 && wanted(r.text("name")))
                .map(|r| ((7, object, r.i32("indid")), r.text("name").to_owned()))
                .collect()
        }
        (Some((1, object, 0)), "CONSTRAINT" | "TRIGGER") => {
            let kinds: &[&str] = if kind == "TRIGGER" { &["TR", "TA"] } else { &["PK", "UQ", "F", "C", "D"] };
            let all = catalog.objects();
            let found =
                all.iter().filter(|o| o.parent_id == object && kinds.contains(&&*o.kind) && wanted(&o.name));
            found.map(|o| ((1, o.id, 0), o.name.to_string())).collect()
        }
        _ => Vec::new(),
    })
}

/// The levels among arguments, from place `first` on.
fn levels(a: &Arguments, first: usize) -> Vec<Level> {
    (0..3)
        .map_while(|i| {
            let kind = a.text(first + 2 * i)?;
            Some((kind.trim().to_ascii_uppercase(), a.text(first + 2 * i + 1)))
        })
        .collect()
}

/// What a sql_variant holds of a value.
fn variant_of(value: Value, ty: SqlType) -> (SqlType, Value) {
    match value {
        Value::Variant(v) => (v.ty, v.value.clone()),
        Value::Null => (SqlType::INT, Value::Null),
        other => (ty, other),
    }
}

/// What a path of levels leads to, the last of which may be open, with type and name.
fn listed(catalog: &DatabaseCatalog, levels: &[Level]) -> SqlResult<Vec<(Owner, Option<(String, String)>)>> {
    if levels.is_empty() {
        return Ok(vec![((0, 0, 0), None)]);
    }
    let mut owners: Vec<(Owner, Option<(String, String)>)> = Vec::new();
    let mut above: Option<Owner> = None;
    for (i, level) in levels.iter().enumerate() {
        let found = at_level(catalog, above, level)?;
        if i + 1 == levels.len() {
            owners.extend(found.into_iter().map(|(o, name)| (o, Some((level.0.clone(), name)))));
        } else {
            // Only the last level may be left open.
            match found.into_iter().next().filter(|_| level.1.is_some()) {
                Some((owner, _)) => above = Some(owner),
                None => return Ok(Vec::new()),
            }
        }
    }
    Ok(owners)
}

/// Rows of fn_listextendedproperty.
pub fn list(catalog: &DatabaseCatalog, args: &[Value]) -> SqlResult<Vec<Vec<Value>>> {
    let text = |i: usize| match args.get(i) {
        Some(Value::String(s)) => Some(s.to_text()),
        _ => None,
    };
    let levels: Vec<Level> =
        (0..3).map_while(|i| Some((text(1 + 2 * i)?.trim().to_ascii_uppercase(), text(2 + 2 * i)))).collect();
    let name = text(0);
    let owners = listed(catalog, &levels)?;
    let (columns, rows) = catalog.base_values("sysxprops")?;
    let at = |n: &str| columns.iter().position(|c| c == n);
    let int = |row: &[Value], n: &str| match at(n).and_then(|i| row.get(i)) {
        Some(Value::TinyInt(v)) => i32::from(*v),
        Some(Value::Int(v)) => *v,
        _ => 0,
    };
    let mut out = Vec::new();
    for (owner, shown) in owners {
        for row in &rows {
            if (int(row, "class"), int(row, "id"), int(row, "subid")) != owner {
                continue;
            }
            let own = at("name").and_then(|i| row.get(i)).cloned().unwrap_or_default();
            let fits = match (&name, &own) {
                (Some(n), Value::String(s)) => catalog.names().same(n, &s.to_text()),
                _ => true,
            };
            if fits {
                let value = at("value").and_then(|i| row.get(i)).cloned().unwrap_or_default();
                let part = |v: Option<&String>| v.map_or(Value::Null, |s| Value::string(s));
                out.push(vec![
                    part(shown.as_ref().map(|s| &s.0)),
                    part(shown.as_ref().map(|s| &s.1)),
                    own,
                    value,
                ]);
            }
        }
    }
    Ok(out)
}

impl Definition<'_, '_> {
    /// What the levels name, and how messages show it.
    fn owner_of_property(&self, levels: &[Level]) -> Result<(Owner, String), Fail> {
        if levels.is_empty() {
            return Ok(((0, 0, 0), "object specified".to_owned()));
        }
        let catalog = self.catalog()?;
        let shown = levels.iter().filter_map(|l| l.1.clone()).collect::<Vec<_>>().join(".");
        let mut owner = None;
        for level in levels {
            // Before schemas were told from users, level 0 was a user.
            let as_schema = (owner.is_none() && level.0 == "USER" && levels.len() > 1)
                .then(|| ("SCHEMA".to_owned(), level.1.clone()));
            let found = at_level(&catalog, owner, as_schema.as_ref().unwrap_or(level))?;
            let found = found.into_iter().next().filter(|_| level.1.is_some());
            owner = Some(found.ok_or_else(|| SqlError::new(15135, &[&shown]))?.0);
        }
        Ok((owner.unwrap_or((0, 0, 0)), shown))
    }

    /// Properties are for who may alter what they describe.
    fn may_describe(&self, (class, id, _): Owner) -> Result<(), Fail> {
        let on = match class {
            0 => Securable::Database,
            1 | 2 | 7 => Securable::Object(id),
            3 => Securable::Schema(id),
            4 => Securable::Principal(id),
            6 => Securable::Type(id),
            _ => return self.runner.may_redefine(&self.database),
        };
        self.runner.may_change(&self.database, on)
    }

    fn put_property(&mut self, a: &Arguments, there: bool) -> Result<(), Fail> {
        let name = a.text(0).ok_or_else(|| SqlError::new(15600, &[&"sp_addextendedproperty"]))?;
        let (owner, shown) = self.owner_of_property(&levels(a, 2))?;
        self.may_describe(owner)?;
        let writer = self.writer()?;
        let (value, ty) = a.value(1);
        let (ty, value) = variant_of(value, ty);
        let bytes = match &value {
            Value::String(s) => 2 * s.units().len(),
            Value::Binary(b) => b.len(),
            _ => 0,
        };
        if bytes > 7500 {
            return Err(SqlError::new(15097, &[]).into());
        }
        let key = [i64::from(owner.0), i64::from(owner.1), i64::from(owner.2)];
        let base = writer.base("sysxprops")?;
        let found = writer.rows("sysxprops", &key)?.iter().any(|r| self.same(&base.text(r, "name"), &name));
        match (found, there) {
            (true, false) => Err(SqlError::new(15233, &[&name, &shown]).into()),
            (false, true) => Err(SqlError::new(15217, &[&name, &shown]).into()),
            _ => writer.set_property(owner, &name, Some((ty, value))).map(|_| ()).map_err(Fail::from),
        }
    }

    pub fn add_property(&mut self, a: &Arguments) -> Result<(), Fail> {
        self.put_property(a, false)?;
        self.told_property("CREATE_EXTENDED_PROPERTY", a, 2);
        Ok(())
    }

    pub fn update_property(&mut self, a: &Arguments) -> Result<(), Fail> {
        self.put_property(a, true)?;
        self.told_property("ALTER_EXTENDED_PROPERTY", a, 2);
        Ok(())
    }

    /// Tells triggers of the database.
    fn told_property(&mut self, name: &str, a: &Arguments, first: usize) {
        if !self.watched {
            return;
        }
        let levels = levels(a, first);
        let part = |i: usize| levels.get(i).map(|l| (l.1.clone().unwrap_or_default(), l.0.clone()));
        let none = (String::new(), String::new());
        let schema = part(0).filter(|l| l.1 == "SCHEMA").map(|l| l.0);
        let (object, kind) = part(levels.len().saturating_sub(1)).unwrap_or_else(|| none.clone());
        let target = if levels.len() > 2 { part(1).unwrap_or(none) } else { none };
        let mut e = Event::of(name, Some(schema.as_deref().unwrap_or("")), &object, &kind)
            .below(&target.0, &target.1)
            .with("PropertyName", &a.text(0).unwrap_or_default());
        if first == 2 {
            e = e.with("PropertyValue", &a.text(1).unwrap_or_default());
        }
        e.by_procedure = true;
        self.events.push(e);
    }

    pub fn drop_property(&mut self, a: &Arguments) -> Result<(), Fail> {
        let name = a.text(0).ok_or_else(|| SqlError::new(15600, &[&"sp_dropextendedproperty"]))?;
        let (owner, shown) = self.owner_of_property(&levels(a, 1))?;
        self.may_describe(owner)?;
        if !self.writer()?.set_property(owner, &name, None)? {
            return Err(SqlError::new(15217, &[&name, &shown]).into());
        }
        self.told_property("DROP_EXTENDED_PROPERTY", a, 1);
        Ok(())
    }
}
