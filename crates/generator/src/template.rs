//! The catalogue rows of an empty database, carried as text (`data/system-706.tsv`, `data/system-904.tsv`): facts read from
//! genuine new databases, without their user objects, statistics, paths and owner.
//!
//! Lines: `table <name> <object id> <columns…>`, then its rows, separated by tabs; `\N` is NULL, `\\ \t \n \r \0` escapes.

use crate::{GeneratorError, Result};

/// Internal version whose layout a database is made in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// SQL Server 2012: what CREATE DATABASE makes (docs/decisions/0020-new-databases.md).
    V706,
    /// SQL Server 2019: what the sample backup is.
    V904,
}

impl Version {
    pub const fn number(self) -> u16 {
        match self {
            Version::V706 => 706,
            Version::V904 => 904,
        }
    }

    /// Collation of the names in the carried rows, as id.
    pub const fn template_collation(self) -> u32 {
        match self {
            // SQL_Latin1_General_CP1_CI_AS
            Version::V706 => 872_468_488,
            // Latin1_General_CI_AS
            Version::V904 => 53_256,
        }
    }

    const fn rows(self) -> &'static str {
        match self {
            Version::V706 => include_str!("../data/system-706.tsv"),
            Version::V904 => include_str!("../data/system-904.tsv"),
        }
    }
}

/// One base table with its rows as text.
#[derive(Clone, Debug)]
pub struct BaseTable {
    pub id: i32,
    pub name: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

impl BaseTable {
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column)
    }
}

/// Rowset of sysfiles1, whose columns have the same collation in every database.
const SYSFILES1: &str = "524288";

#[derive(Clone, Debug)]
pub struct Template {
    version: Version,
    pub tables: Vec<BaseTable>,
}

fn unescape(s: &str) -> Option<String> {
    if s == "\\N" {
        return None;
    }
    let mut out = String::with_capacity(s.len());
    let mut chars = s.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('t') => '\t',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('0') => '\0',
            Some(other) => other,
            None => '\\',
        });
    }
    Some(out)
}

impl Template {
    pub fn load(version: Version) -> Result<Self> {
        let mut tables: Vec<BaseTable> = Vec::new();
        for (number, line) in version.rows().split('\n').enumerate().filter(|(_, l)| !l.is_empty()) {
            let bad = |what: &str| GeneratorError::Template(format!("line {}: {what}", number + 1));
            let mut cells = line.split('\t');
            if let Some(rest) = line.strip_prefix("table\t") {
                let mut cells = rest.split('\t');
                let name = cells.next().ok_or_else(|| bad("no name"))?.to_owned();
                let id = cells.next().and_then(|s| s.parse().ok()).ok_or_else(|| bad("no id"))?;
                tables.push(BaseTable {
                    id,
                    name,
                    columns: cells.map(str::to_owned).collect(),
                    rows: Vec::new(),
                });
                continue;
            }
            let table = tables.last_mut().ok_or_else(|| bad("a row before any table"))?;
            let row: Vec<Option<String>> = cells.by_ref().map(unescape).collect();
            if row.len() != table.columns.len() {
                return Err(bad("as many cells as columns are needed"));
            }
            table.rows.push(row);
        }
        Ok(Template { version, tables })
    }

    /// Gives every character column of the catalogue the database's collation.
    pub fn set_collation(&mut self, collation: u32) -> Result<()> {
        let (old, new) = (self.version.template_collation().to_string(), collation.to_string());
        for (table, column) in
            [("sysrscols", "cid"), ("syscolpars", "collationid"), ("sysscalartypes", "collationid")]
        {
            let table = self.table_mut(table)?;
            let at = table.position(column);
            let at = at.ok_or_else(|| GeneratorError::Template(format!("no column {column}")))?;
            let ours = table.rows.iter_mut().filter(|r| r[0].as_deref() != Some(SYSFILES1));
            for cell in ours.filter_map(|r| r.get_mut(at)) {
                if cell.as_deref() == Some(old.as_str()) {
                    *cell = Some(new.clone());
                }
            }
        }
        Ok(())
    }

    /// Sets a cell of the rows in which `key` has `value`.
    pub fn set(&mut self, table: &str, key: (&str, &str), column: &str, value: &str) -> Result<()> {
        let t = self.table_mut(table)?;
        let missing = |c: &str| GeneratorError::Template(format!("{table} has no column {c}"));
        let by = t.position(key.0).ok_or_else(|| missing(key.0))?;
        let at = t.position(column).ok_or_else(|| missing(column))?;
        for row in t.rows.iter_mut().filter(|r| r[by].as_deref() == Some(key.1)) {
            row[at] = Some(value.to_owned());
        }
        Ok(())
    }

    pub fn table(&self, name: &str) -> Result<&BaseTable> {
        let missing = || GeneratorError::Template(format!("no table {name}"));
        self.tables.iter().find(|t| t.name == name).ok_or_else(missing)
    }

    pub fn table_mut(&mut self, name: &str) -> Result<&mut BaseTable> {
        let missing = || GeneratorError::Template(format!("no table {name}"));
        self.tables.iter_mut().find(|t| t.name == name).ok_or_else(missing)
    }

    /// Appends a row of `(column, text)`; columns not named are NULL.
    pub fn add(&mut self, table: &str, cells: &[(&str, String)]) -> Result<()> {
        let t = self.table_mut(table)?;
        let mut row = vec![None; t.columns.len()];
        for (column, value) in cells {
            let at = t.position(column);
            let at = at.ok_or_else(|| GeneratorError::Template(format!("{table} has no column {column}")))?;
            row[at] = Some(value.clone());
        }
        t.rows.push(row);
        Ok(())
    }

    /// Appends a row in column order; `None` is NULL.
    pub fn add_row(&mut self, table: &str, cells: &[&dyn std::fmt::Display]) -> Result<()> {
        let t = self.table_mut(table)?;
        let mut row: Vec<Option<String>> = cells.iter().map(|c| Some(c.to_string())).collect();
        row.resize(t.columns.len(), None);
        t.rows.push(row);
        Ok(())
    }

    /// A numeric cell.
    pub fn number(row: &[Option<String>], at: usize) -> i64 {
        row.get(at).and_then(|c| c.as_deref()).and_then(|s| s.parse().ok()).unwrap_or(0)
    }
}
