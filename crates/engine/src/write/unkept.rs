//! Indexes that cannot be kept up yet (XML, spatial): which changes leave them right.
//!
//! Invariants
//! 1. A change that would make such an index wrong is refused before anything of the row is written.
//! 2. A row whose indexed value is NULL has no entries in an XML index (verified: the node table of
//!    PXML_ProductModel_CatalogDescription in AdventureWorksLT2012 names the 6 rows with a value, of 128). Of spatial indexes the
//!    same is not verified, so rows of their tables neither come nor go.

use std::sync::Arc;

use holdfast_types::{SqlError, SqlResult, Value};

use super::row::Stored;

/// An index that is not kept up.
#[derive(Clone, Debug)]
pub struct Unkept {
    pub name: Arc<str>,
    /// Columns of the table that it is over.
    pub ordinals: Vec<usize>,
    /// Rows with NULL are not in it.
    pub without_nulls: bool,
}

impl Unkept {
    fn refuse(&self, table: &str) -> SqlError {
        SqlError::not_supported(format!(
            "Changing table '{table}' where its index '{}' would have to follow",
            self.name
        ))
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
