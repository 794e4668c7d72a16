//! CHECKDB: the entries of indexes over computed columns that no row holds, against what the rows give. Indexes over what stands in the
//! rows are compared page by page (`engine::check::indexes`).
//!
//! Invariants
//! 1. Both are read in one transaction under a shared lock on the table, as in `dbcc_views`.

use std::collections::HashMap;

use holdfast_engine::access::KeyRange;
use holdfast_engine::catalog::{IndexDef, IndexKind, TableDef};
use holdfast_types::{SqlError, SqlResult, SqlType};

use super::administration::Call;
use super::dbcc_views::{comparable, count, unchanging};
use crate::ddl::lower::bracketed;
use crate::host::HostDatabase;

/// 8951 and 8952 for every index that is not what its table says.
pub fn check(database: &HostDatabase, call: &Call<'_>) -> SqlResult<Vec<SqlError>> {
    let Some(catalog) = database.online().stored() else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for object in catalog.objects().into_iter().filter(|o| &*o.kind == "U") {
        let Some(table) = catalog.table(object.id)? else { continue };
        for index in table.indexes.iter().filter(|i| is_checked(&table, i)) {
            let mut rows: HashMap<Vec<u8>, i64> = HashMap::new();
            compare(database, &table, index, call, &mut rows)?;
            let name = index.name.as_deref().unwrap_or("");
            let named: [&dyn std::fmt::Display; 4] = [&table.name, &table.object_id, &name, &index.index_id];
            if rows.values().any(|n| *n < 0) {
                out.push(SqlError::new(8951, &named));
            }
            if rows.values().any(|n| *n > 0) {
                out.push(SqlError::new(8952, &named));
            }
        }
    }
    Ok(out)
}

fn is_checked(table: &TableDef, index: &IndexDef) -> bool {
    let computed = |o: usize| table.columns.get(o).is_some_and(|c| c.computed.is_some() && !c.persisted);
    index.kind == IndexKind::Nonclustered
        && !index.disabled
        && index.filter.is_none()
        && index.keys.iter().map(|k| k.ordinal).chain(index.included.iter().copied()).any(computed)
}

/// Counts the entries that rows ask for down and those of the index up.
fn compare(
    database: &HostDatabase,
    table: &TableDef,
    index: &IndexDef,
    call: &Call<'_>,
    rows: &mut HashMap<Vec<u8>, i64>,
) -> SqlResult<()> {
    let mut ordinals: Vec<usize> = index.keys.iter().map(|k| k.ordinal).collect();
    ordinals.extend(index.included.iter().copied().filter(|o| !index.keys.iter().any(|k| k.ordinal == *o)));
    let (_own, read) = unchanging(call);
    let columns = ordinals.iter().filter_map(|&o| table.columns.get(o));
    let list: Vec<String> = columns.clone().map(|c| bracketed(&c.name)).collect();
    let types: Vec<SqlType> = columns.map(|c| c.ty).collect();
    let parts = [&database.name, &table.schema_name, &table.name].map(|n| bracketed(n));
    let text = format!("select {} from {} with (index (0))", list.join(", "), parts.join("."));
    count(&text, -1, &read, call, rows)?;
    let mut source = table.access.seek(&read, index.index_id, KeyRange::all(), &ordinals, false)?;
    while let Some(batch) = source.next_batch()? {
        for row in comparable(&batch, &types)? {
            *rows.entry(row).or_default() += 1;
        }
        rows.retain(|_, n| *n != 0);
    }
    Ok(())
}
