//! sp_cursor_list, sp_describe_cursor and its kin: what cursors a scope and its session have, as rows of a cursor.
//!
//! Invariants
//! 1. What they give back is an ordinary STATIC cursor over rows that are told as a query.
//!
//! Evidence: columns and codes as documented for the four procedures.

use holdfast_tsql::ParseOptions;
use holdfast_tsql::ast::{CursorDeclaration, CursorName, Ident, ObjectName, SelectStatement};
use holdfast_types::{SqlError, SqlType, TypeId, Value};

use super::call::{Argument, Returned};
use super::cursor::Cursor;
use super::raise::integer;
use super::run::{Fail, Runner, Scope};
use super::unit::{Layout, Unit, syntax_error};
use crate::ddl::procedure::places;

/// Columns with their types, as sp_cursor_list and sp_describe_cursor give them.
const CURSORS: &[(&str, &str)] = &[
    ("reference_name", "sysname"),
    ("cursor_name", "sysname"),
    ("cursor_scope", "smallint"),
    ("status", "smallint"),
    ("model", "smallint"),
    ("concurrency", "smallint"),
    ("scrollable", "smallint"),
    ("open_status", "smallint"),
    ("cursor_rows", "decimal(10, 0)"),
    ("fetch_status", "smallint"),
    ("column_count", "smallint"),
    ("row_count", "decimal(10, 0)"),
    ("last_operation", "smallint"),
    ("cursor_handle", "int"),
];

const COLUMNS: &[(&str, &str)] = &[
    ("column_name", "sysname"),
    ("ordinal_position", "int"),
    ("column_characteristics_flags", "int"),
    ("column_size", "int"),
    ("data_type_sql", "smallint"),
    ("column_precision", "tinyint"),
    ("column_scale", "tinyint"),
    ("order_position", "int"),
    ("order_direction", "varchar(1)"),
    ("hidden_column", "smallint"),
    ("columnid", "int"),
    ("objectid", "int"),
    ("dbid", "int"),
    ("dbname", "sysname"),
];

const TABLES: &[(&str, &str)] = &[
    ("table_owner", "sysname"),
    ("table_name", "sysname"),
    ("optimizer_hint", "smallint"),
    ("lock_type", "smallint"),
    ("server_name", "sysname"),
    ("objectid", "int"),
    ("dbid", "int"),
    ("dbname", "sysname"),
];

fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

/// A query that gives these rows.
fn query(columns: &[(&str, &str)], rows: &[Vec<String>]) -> String {
    let list: Vec<String> =
        columns.iter().map(|(name, ty)| format!("CONVERT({ty}, [{name}]) AS [{name}]")).collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("[{name}]")).collect();
    let (values, none) = match rows {
        [] => (format!("({})", vec!["NULL"; columns.len()].join(", ")), " WHERE 1 = 0"),
        rows => (rows.iter().map(|r| format!("({})", r.join(", "))).collect::<Vec<_>>().join(", "), ""),
    };
    format!("SELECT {} FROM (VALUES {values}) AS v ({}){none}", list.join(", "), names.join(", "))
}

/// What the caller's scope calls a cursor: name, and 1 for what is of the scope, 2 of the session.
struct Reference {
    name: String,
    scope: i16,
    cursor: Cursor,
}

impl Runner<'_> {
    /// Runs one of the procedures about cursors; `None`: it is another procedure.
    pub fn cursor_procedure(
        &mut self,
        name: &ObjectName,
        arguments: &[Argument],
        scope: &mut Scope,
    ) -> Result<Option<Returned>, Fail> {
        let bare = name.name.text.to_lowercase();
        let parameters: &[&str] = match bare.as_str() {
            "sp_cursor_list" => &["@cursor_return", "@cursor_scope"],
            "sp_describe_cursor" | "sp_describe_cursor_columns" | "sp_describe_cursor_tables" => {
                &["@cursor_return", "@cursor_source", "@cursor_identity"]
            }
            _ => return Ok(None),
        };
        let places = places(&bare, parameters, arguments)?;
        let mut given = Vec::new();
        for (p, place) in parameters.iter().zip(&places) {
            let Some(at) = *place else {
                let text = format!(
                    "Procedure or function '{bare}' expects parameter '{p}', which was not supplied."
                );
                return Err(SqlError::with_text(201, 16, text).state(4).into());
            };
            given.push(&arguments[at]);
        }
        if !given[0].cursor {
            let text = format!(
                "The variable '{}' is not a cursor variable, but it is used in a place where a cursor variable is expected.",
                given[0].target.as_deref().unwrap_or("")
            );
            return Err(SqlError::with_text(16_948, 16, text).into());
        }
        let text = |a: &Argument| match &a.value {
            Some(Value::String(s)) => s.to_text(),
            _ => String::new(),
        };
        let rows = if bare == "sp_cursor_list" {
            let wanted = given[1].value.as_ref().and_then(integer).unwrap_or(0);
            if !(1..=3).contains(&wanted) {
                let text = "The value of the parameter @cursor_scope is invalid. It must be 1, 2 or 3.";
                return Err(SqlError::with_text(16_902, 16, text).into());
            }
            let all = self.references(scope);
            let chosen = all.iter().filter(|r| i64::from(r.scope) & wanted != 0);
            query(CURSORS, &chosen.map(cursor_row).collect::<Vec<_>>())
        } else {
            let (source, identity) = (text(given[1]).to_lowercase(), text(given[2]).to_lowercase());
            let all = self.references(scope);
            let found = all.iter().find(|r| {
                let fits = match source.as_str() {
                    "local" => r.scope == 1 && !r.name.starts_with('@'),
                    "variable" => r.name.starts_with('@'),
                    "global" => r.scope == 2,
                    _ => false,
                };
                fits && r.name == identity
            });
            let found = found.ok_or_else(|| {
                let text = format!("A cursor with the name '{}' does not exist.", text(given[2]));
                Fail::Error(SqlError::with_text(16_916, 16, text))
            })?;
            match bare.as_str() {
                "sp_describe_cursor" => query(CURSORS, &[cursor_row(found)]),
                "sp_describe_cursor_columns" => query(COLUMNS, &self.column_rows(found)?),
                _ => query(TABLES, &self.table_rows(found)?),
            }
        };
        let cursor = self.cursor_of(&rows)?;
        Ok(Some(Returned { cursors: vec![(places[0].unwrap_or(0), cursor)], ..Returned::status(0) }))
    }

    fn references(&self, scope: &Scope) -> Vec<Reference> {
        let own = scope.cursors.iter().map(|(n, c)| (n.clone(), 1, c.clone())).collect::<Vec<_>>();
        let global = self.cursors.lock();
        let global = global.iter().map(|(n, c)| (n.clone(), 2, c.clone()));
        let mut out: Vec<Reference> = own
            .into_iter()
            .chain(global)
            .map(|(name, scope, cursor)| Reference { name, scope, cursor })
            .collect();
        out.sort_by(|a, b| (a.scope, &a.name).cmp(&(b.scope, &b.name)));
        out
    }

    /// An open cursor over the rows of a query.
    fn cursor_of(&mut self, text: &str) -> Result<Cursor, Fail> {
        let options = ParseOptions { quoted_identifier: true };
        let parsed = holdfast_tsql::parse_query(text, &options).map_err(syntax_error)?;
        let declaration = CursorDeclaration {
            name: Ident::new(""),
            options: vec!["STATIC".to_owned(), "SCROLL".to_owned()],
            query: SelectStatement { query: parsed, options: Vec::new() },
        };
        let mut inner = Scope::new(
            Unit::new(text, Vec::new(), Vec::new(), Layout::default()),
            &self.session.host.temporary_rows,
        );
        self.set_cursor("@c", &declaration, &mut inner)?;
        self.open_cursor(&CursorName::Variable("@c".to_owned()), &mut inner)?;
        inner
            .cursors
            .remove("@c")
            .ok_or_else(|| SqlError::with_text(16_916, 16, "A cursor does not exist.").into())
    }

    fn column_rows(&self, r: &Reference) -> Result<Vec<Vec<String>>, Fail> {
        let columns = r.cursor.columns().ok_or_else(closed)?;
        let mut out = Vec::new();
        for (i, c) in columns.iter().enumerate() {
            let size = c.ty.length;
            let fixed = !matches!(
                c.ty.id,
                TypeId::VarChar
                    | TypeId::NVarChar
                    | TypeId::VarBinary
                    | TypeId::Text
                    | TypeId::NText
                    | TypeId::Image
            );
            // Bits: 1 bookmark, 2 fixed length, 4 nullable, 8 row version, 16 updatable.
            let flags = i32::from(fixed) << 1
                | i32::from(c.nullable) << 2
                | i32::from(c.ty.id == TypeId::RowVersion) << 3
                | i32::from(c.updatable) << 4;
            let (precision, scale) = precision(&c.ty);
            out.push(vec![
                literal(&c.name),
                i.to_string(),
                flags.to_string(),
                size.to_string(),
                data_type(c.ty.id).to_string(),
                precision.to_string(),
                scale.to_string(),
                "0".to_owned(),
                "NULL".to_owned(),
                "0".to_owned(),
                "-1".to_owned(),
                "0".to_owned(),
                "0".to_owned(),
                "NULL".to_owned(),
            ]);
        }
        Ok(out)
    }

    fn table_rows(&self, r: &Reference) -> Result<Vec<Vec<String>>, Fail> {
        let columns = r.cursor.columns().ok_or_else(closed)?;
        let mut seen: Vec<(std::sync::Arc<str>, std::sync::Arc<str>, std::sync::Arc<str>)> = Vec::new();
        for s in columns.iter().filter_map(|c| c.source.as_ref()) {
            let key = (s.database.clone(), s.schema.clone(), s.table.clone());
            if !seen.contains(&key) {
                seen.push(key);
            }
        }
        let server = &self.session.host.instance.options.server_name;
        let row =
            |(database, schema, table): &(std::sync::Arc<str>, std::sync::Arc<str>, std::sync::Arc<str>)| {
                let found = self.session.host.database(database).ok();
                let id = found.as_ref().map_or(0, |d| d.id);
                let object = found
                    .and_then(|d| d.find_object(schema, table, schema).ok().flatten())
                    .map_or(0, |o| o.id);
                vec![
                    literal(schema),
                    literal(table),
                    "0".to_owned(),
                    "0".to_owned(),
                    literal(server),
                    object.to_string(),
                    id.to_string(),
                    literal(database),
                ]
            };
        Ok(seen.iter().map(row).collect())
    }
}

fn closed() -> Fail {
    Fail::Error(SqlError::with_text(16_917, 16, "Cursor is not open."))
}

fn cursor_row(r: &Reference) -> Vec<String> {
    let told = r.cursor.told();
    vec![
        literal(&r.name),
        literal(&r.name),
        r.scope.to_string(),
        r.cursor.status().to_string(),
        told.model.to_string(),
        told.concurrency.to_string(),
        i32::from(told.scrollable).to_string(),
        i32::from(told.columns.is_some()).to_string(),
        told.rows.to_string(),
        told.fetch_status.to_string(),
        told.columns.unwrap_or(0).to_string(),
        told.affected.to_string(),
        told.last_operation.to_string(),
        told.handle.to_string(),
    ]
}

/// Precision and scale of numbers and moments; others have none.
fn precision(ty: &SqlType) -> (u8, u8) {
    if ty.id.is_numeric() || ty.id.is_temporal() { (ty.precision, ty.scale) } else { (0, 0) }
}

/// The type's number in the catalog.
fn data_type(id: TypeId) -> u8 {
    id.xtype()
}
