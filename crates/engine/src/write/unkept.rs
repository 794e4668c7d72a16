//! Indexes that cannot be kept up (XML, spatial): which changes leave them right.
//!
//! Invariants
//! 1. A change that would make such an index wrong is refused before anything of the row is written, with an error that the
//!    statement layer understands: it disables the index and runs the statement again (docs/decisions/0021).
//! 2. A row whose indexed value is NULL has no entries in an XML index (verified: the node table of
//!    PXML_ProductModel_CatalogDescription in AdventureWorksLT2012 names the 6 rows with a value, of 128). Of spatial indexes the
//!    same is not verified, so rows of their tables neither come nor go.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult, Value};

use super::row::Stored;

/// An index that is not kept up.
#[derive(Clone, Debug)]
pub struct Unkept {
    pub database: i32,
    pub table: i32,
    pub index: i32,
    pub name: Arc<str>,
    /// Columns of the table that it is over.
    pub ordinals: Vec<usize>,
    /// Rows with NULL are not in it.
    pub without_nulls: bool,
}

/// Number of the error that names an index in the way of a change; it never reaches a client as it is.
pub const IN_THE_WAY: i32 = -2;

/// The index that an error of [`IN_THE_WAY`] is about: database, table, index id.
pub fn in_the_way(e: &SqlError) -> Option<(i32, i32, i32)> {
    let mut parts = e.procedure.split(' ').filter(|_| e.number == IN_THE_WAY).map(|p| p.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

impl Unkept {
    pub fn refuse(&self, table: &str) -> SqlError {
        let text = format!("Changing table '{table}' where its index '{}' would have to follow", self.name);
        let mut e = SqlError::with_text(IN_THE_WAY, 16, text);
        e.procedure = format!("{} {} {}", self.database, self.table, self.index);
        e
    }

    /// A new row.
    pub fn check_insert(&self, table: &str, values: &[Value]) -> SqlResult<()> {
        let empty = self.ordinals.iter().all(|&o| values.get(o).is_none_or(Value::is_null));
        if self.without_nulls && empty { Ok(()) } else { Err(self.refuse(table)) }
    }

    /// A row that goes; `positions`: of the table's columns among its stored fields.
    pub fn check_delete(&self, table: &str, fields: &[Stored], positions: &[Option<usize>]) -> SqlResult<()> {
        if self.without_nulls && self.is_null(fields, positions) { Ok(()) } else { Err(self.refuse(table)) }
    }

    /// A row that changes in the columns `changed`; `rekeyed`: it gets another place.
    pub fn check_update(
        &self,
        table: &str,
        changed: &[usize],
        rekeyed: bool,
        old: (&[Stored], &[Option<usize>]),
        new: &[Value],
    ) -> SqlResult<()> {
        if !rekeyed && !self.ordinals.iter().any(|o| changed.contains(o)) {
            return Ok(());
        }
        self.check_delete(table, old.0, old.1)?;
        self.check_insert(table, new)
    }

    fn is_null(&self, fields: &[Stored], positions: &[Option<usize>]) -> bool {
        self.ordinals.iter().all(|&o| {
            let position = positions.get(o).copied().flatten();
            position.and_then(|p| fields.get(p)).is_none_or(|f| f.bytes.is_none())
        })
    }
}
