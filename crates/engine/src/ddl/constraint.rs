//! Constraints in the catalog: keys, checks, defaults, foreign keys.
//!
//! Evidence: rows of genuine databases; names that the server gives carry the object id in hexadecimal.

use holdfast_types::SqlResult;

use super::object::{NewObject, bits};
use super::rows::{CatalogWriter, Cell, FIRST_OF_2012};
use crate::database::details::ReferentialAction;

/// Characters of table and column names in a generated name, together.
const NAMED: usize = 14;
const TABLE_PART: usize = 9;

/// `CK__authors__au_id__108B795B`: at most nine characters of the table, column and table fourteen together, the id.
pub fn generated_name(prefix: &str, table: &str, column: Option<&str>, id: i32) -> String {
    let cut = |s: &str, n: usize| s.chars().take(n).collect::<String>();
    let table = cut(table, TABLE_PART);
    let column = cut(column.unwrap_or(""), NAMED.saturating_sub(table.chars().count()));
    format!("{prefix}__{table}__{column}__{id:08X}")
}

/// `PK__jobs__6E32B6A5DA4408BA`: at most eight characters of the table, a number made of the key's columns, and one of its own.
pub fn generated_key_name(prefix: &str, table: &str, columns: &[&str], salt: u64) -> String {
    let table: String = table.chars().take(8).collect();
    let mix = |mut h: u32, b: u8| {
        h ^= u32::from(b);
        h = h.wrapping_mul(0x0100_0193);
        h
    };
    let of_columns = columns
        .iter()
        .flat_map(|c| c.to_lowercase().into_bytes().into_iter().chain([0]))
        .fold(0x811C_9DC5, mix);
    let own = salt.to_le_bytes().into_iter().fold(0x811C_9DC5, mix);
    format!("{prefix}__{table}__{of_columns:08X}{own:08X}")
}

/// A foreign key to be entered.
#[derive(Clone, Debug)]
pub struct NewForeignKey {
    pub name: String,
    pub system_named: bool,
    pub schema_id: i32,
    pub table: i32,
    pub referenced: i32,
    /// Index of the referenced table whose key it is.
    pub key_index: i32,
    /// (column here, column there).
    pub columns: Vec<(i32, i32)>,
    pub on_delete: ReferentialAction,
    pub on_update: ReferentialAction,
    pub not_for_replication: bool,
    pub not_trusted: bool,
    /// Column that it was declared at; 0 for the table.
    pub column: i32,
}

fn action(a: ReferentialAction) -> i64 {
    match a {
        ReferentialAction::NoAction => 0,
        ReferentialAction::Cascade => 1,
        ReferentialAction::SetNull => 2,
        ReferentialAction::SetDefault => 3,
    }
}

impl CatalogWriter<'_> {
    /// The object of a PRIMARY KEY or UNIQUE constraint over an index.
    pub fn add_key_constraint(
        &self,
        id: i32,
        schema_id: i32,
        table: i32,
        name: &str,
        primary: bool,
        system_named: bool,
        index: i32,
    ) -> SqlResult<()> {
        let new = NewObject {
            name,
            schema_id,
            kind: if primary { "PK" } else { "UQ" },
            parent_id: table,
            status: if system_named { bits::SYSTEM_NAMED } else { 0 },
            intprop: 0,
        };
        self.add_object(id, &new)?;
        // Before 2012 the index is known by the name alone.
        if self.catalog.version() < FIRST_OF_2012 {
            return Ok(());
        }
        self.add_reference(93, (id, 0), (index, 0))
    }

    /// A CHECK constraint. `column` 0: of the table.
    pub fn add_check(
        &self,
        id: i32,
        schema_id: i32,
        table: i32,
        name: &str,
        column: i32,
        text: &str,
        depends_on: &[i32],
        status: i64,
    ) -> SqlResult<()> {
        let new = NewObject {
            name,
            schema_id,
            kind: "C ",
            parent_id: table,
            status: status | bits::SCHEMA_BOUND | bits::DATABASE_COLLATION,
            intprop: column,
        };
        self.add_object(id, &new)?;
        self.add_text(1, id, 0, text)?;
        for c in depends_on {
            self.add_dependency(1, id, (table, *c))?;
        }
        Ok(())
    }

    /// A DEFAULT constraint of a column.
    pub fn add_default(
        &self,
        id: i32,
        schema_id: i32,
        table: i32,
        name: &str,
        column: i32,
        text: &str,
        system_named: bool,
    ) -> SqlResult<()> {
        let new = NewObject {
            name,
            schema_id,
            kind: "D ",
            parent_id: table,
            status: bits::SCHEMA_BOUND | if system_named { bits::SYSTEM_NAMED } else { 0 },
            intprop: column,
        };
        self.add_object(id, &new)?;
        self.add_text(1, id, 0, text)?;
        self.set_column_default(table, column, id)
    }

    /// The default constraint (or bound default) of a column; 0 for none.
    pub fn set_column_default(&self, table: i32, column: i32, default: i32) -> SqlResult<()> {
        let key = [i64::from(table), 0, i64::from(column)];
        self.update("syscolpars", &key, &|_, _| true, &|_, _| vec![("dflt", Cell::Int(default.into()))])
            .map(|_| ())
    }

    /// Binds a default or rule (`dflt`, `chk`) to a column, or unbinds it with 0.
    pub fn bind_to_column(&self, table: i32, column: i32, field: &'static str, object: i32) -> SqlResult<()> {
        let key = [i64::from(table), 0, i64::from(column)];
        self.update("syscolpars", &key, &|_, _| true, &|_, _| vec![(field, Cell::Int(object.into()))])
            .map(|_| ())
    }

    /// Binds a default or rule to a type; with `columns` also to the type's columns that have the type's present one. Answers
    /// the tables of those columns.
    pub fn bind_to_type(
        &self,
        user_type: i32,
        field: &'static str,
        object: i32,
        columns: bool,
    ) -> SqlResult<Vec<i32>> {
        let base = self.base("sysscalartypes")?;
        let present =
            self.rows("sysscalartypes", &[user_type.into()])?.first().map_or(0, |r| base.int(r, field));
        self.update("sysscalartypes", &[user_type.into()], &|_, _| true, &|_, _| {
            vec![(field, Cell::Int(object.into()))]
        })?;
        if !columns {
            return Ok(Vec::new());
        }
        let base = self.base("syscolpars")?;
        let mut tables = Vec::new();
        for row in self.rows("syscolpars", &[])? {
            let of_type = base.int(&row, "utype") == i64::from(user_type) && base.int(&row, "number") == 0;
            if of_type && base.int(&row, field) == present {
                let table = base.int(&row, "id") as i32;
                self.bind_to_column(table, base.int(&row, "colid") as i32, field, object)?;
                tables.push(table);
            }
        }
        Ok(tables)
    }

    pub fn add_foreign_key(&self, id: i32, key: &NewForeignKey) -> SqlResult<()> {
        let status = action(key.on_update) << 12
            | action(key.on_delete) << 14
            | if key.system_named { bits::SYSTEM_NAMED } else { 0 }
            | if key.not_for_replication { bits::NOT_FOR_REPLICATION | bits::NOT_TRUSTED } else { 0 }
            | if key.not_trusted { bits::NOT_TRUSTED } else { 0 };
        let new = NewObject {
            name: &key.name,
            schema_id: key.schema_id,
            kind: "F ",
            parent_id: key.table,
            status,
            intprop: key.column,
        };
        self.add_object(id, &new)?;
        self.add_reference(27, (id, 0), (key.referenced, key.key_index))?;
        for (n, (here, there)) in key.columns.iter().enumerate() {
            let place = n as i32 + 1;
            self.add_reference(28, (id, place), (key.table, *here))?;
            self.add_reference(29, (id, place), (key.referenced, *there))?;
        }
        self.touch(key.table)?;
        if key.referenced != key.table {
            self.touch(key.referenced)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of a genuine pubs.
    #[test]
    fn names_are_the_servers() {
        let name = |p, t, c, id| generated_name(p, t, Some(c), id);
        assert_eq!(name("CK", "authors", "au_id", 277_576_027), "CK__authors__au_id__108B795B");
        assert_eq!(name("CK", "publishers", "pub_id", 357_576_312), "CK__publisher__pub_i__15502E78");
        assert_eq!(name("DF", "titles", "pubdate", 453_576_654), "DF__titles__pubdate__1B0907CE");
        assert_eq!(name("FK", "titleauthor", "title_id", 517_576_882), "FK__titleauth__title__1ED998B2");
        assert_eq!(name("FK", "discounts", "stor_id", 677_577_452), "FK__discounts__stor___286302EC");
        assert_eq!(name("CK", "Item", "item_price", 667_149_422), "CK__Item__item_price__27C3E46E");
        let key = generated_key_name("PK", "CustomerAndSuppliers", &["cust_id"], 1);
        assert!(key.starts_with("PK__Customer__") && key.len() == 30, "{key}");
    }
}
