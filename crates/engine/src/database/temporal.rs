//! System-versioned tables as the catalog has them.
//!
//! Evidence: the table Employees of the genuine database TSQLV4 (version 852); docs/format/catalog.md.

use holdfast_format::FormatError;

use super::DatabaseCatalog;
use crate::catalog::{ColumnDef, Temporal};
use crate::ddl::temporal::{HISTORY_REFERENCE, PERIOD_VALUE};

/// Period, history and what a table is the history of.
pub fn of(catalog: &DatabaseCatalog, object: i32, columns: &[ColumnDef]) -> Result<Temporal, FormatError> {
    let mut out = Temporal::default();
    let key = i64::from(object);
    let (table, map) = catalog.catalogs.group(&catalog.store, "sysobjvalues", "objid")?;
    let ordinal = |id: i32| columns.iter().position(|c| c.column_id == id);
    for row in map.get(&key).into_iter().flatten().filter_map(|&i| table.row(i)) {
        if row.int("valclass") == PERIOD_VALUE
            && let (Some(start), Some(end)) = (ordinal(row.i32("subobjid")), ordinal(row.i32("valnum")))
        {
            out.period = Some((start, end));
        }
    }
    let (table, map) = catalog.catalogs.group(&catalog.store, "syssingleobjrefs", "depid")?;
    let of_class = |rows: Option<&Vec<usize>>, column: &str| {
        let rows = rows.into_iter().flatten().filter_map(|&i| table.row(i));
        rows.filter(|r| r.int("class") == i64::from(HISTORY_REFERENCE)).map(|r| r.i32(column)).next()
    };
    out.history_of = of_class(map.get(&key), "indepid");
    let (_, map) = catalog.catalogs.group(&catalog.store, "syssingleobjrefs", "indepid")?;
    out.history = of_class(map.get(&key), "depid");
    Ok(out)
}
