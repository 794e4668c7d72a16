//! ALTER DATABASE … COLLATE: another default collation, and with it another way of comparing names.
//!
//! Invariants
//! 1. No row moves. The base tables' indexes over names are in the order of the database's collation; they are read in their order under
//!    the new one first, and a catalogue that would have to be sorted anew is left alone with an error.
//! 2. Two names that are one under the new collation are 1505, as the unique index over them would answer.
//! 3. The rows change in one transaction and the boot page after it. As the order of all keys is the same under both collations, a crash
//!    between the two leaves a whole database with its old collation.
//!
//! What changes follows the documentation of ALTER DATABASE: columns of system tables and views, parameters and results of modules, types.
//! Columns of user tables keep theirs.

use std::cmp::Ordering;

use holdfast_types::{CollationId, DateTime, SqlError, SqlResult, SqlType, Value, compare};

use super::files::{catalogued, open};
use super::{DatabaseState, Instance};
use crate::access::KeyRange;
use crate::ddl::object::bits;
use crate::ddl::rows::{Base, Found};
use crate::ddl::{CatalogWriter, Cell, boot};
use crate::transaction::Transaction;

/// Objects below this id are the base tables.
const FIRST_OBJECT: i64 = 100;
/// Status of a computed column in syscolpars.
const COMPUTED: i64 = 0x10;

impl Instance {
    /// Gives a database another default collation. The caller has made sure that nobody uses it.
    pub fn set_collation(
        &self,
        name: &str,
        new: CollationId,
        transaction: &Transaction,
        now: DateTime,
    ) -> SqlResult<()> {
        let found = self.find(name).ok_or_else(|| SqlError::new(5011, &[&name]))?;
        let (catalog, writing) = open(&found)?;
        let old = crate::catalog::Catalog::default_collation(&*catalog);
        if catalog.version() < 655 {
            return Err(SqlError::not_supported("ALTER DATABASE COLLATE of a database of SQL Server 2005"));
        }
        drop(catalog);
        catalogued(&found, transaction, now, |w| {
            check_dependents(w)?;
            check_order(w, old, new)?;
            change_rows(w, old, new)
        })?;
        boot::set_collation(&writing, new.0)?;
        drop(writing);
        let online = found.online()?;
        online.recover_wholly()?;
        online.close()?;
        drop(online);
        *found.state.write() = DatabaseState::Offline;
        self.open_again(&found, true).map(|_| ())
    }
}

/// 5075 for what was bound under the old collation and is not bound again.
fn check_dependents(w: &CatalogWriter<'_>) -> SqlResult<()> {
    let depends = |what: &str, name: &str| Err(SqlError::new(5075, &[&what, &name]));
    for o in w.catalog.objects() {
        let bound = i64::from(o.status) & (bits::SCHEMA_BOUND | bits::DATABASE_COLLATION)
            == bits::SCHEMA_BOUND | bits::DATABASE_COLLATION;
        if !o.system && bound && matches!(&*o.kind, "C" | "V" | "FN" | "IF" | "TF") {
            return depends("object", &o.name);
        }
    }
    let columns = w.catalog.base_table("syscolpars").map_err(|e| crate::page_error(&e))?;
    for r in columns.iter().filter(|r| r.int("number") == 0 && r.int("status") & COMPUTED != 0) {
        if let Some(table) = w.catalog.object_row(r.i32("id")).filter(|o| !o.system) {
            return depends("column", &format!("{}.{}", table.name, r.text("name")));
        }
    }
    Ok(())
}

/// Invariants 1 and 2.
fn check_order(w: &CatalogWriter<'_>, old: CollationId, new: CollationId) -> SqlResult<()> {
    for table in w.catalog.base_table_names() {
        let base = w.base(&table)?;
        let columns = &base.definition.columns;
        let named = |o: usize| columns[o].ty.id.is_character() && columns[o].ty.collation == old;
        for index in base.definition.indexes.iter().filter(|i| i.keys.iter().any(|k| named(k.ordinal))) {
            // Each key column: place, direction, type under the new collation.
            let keys: Vec<(usize, bool, SqlType)> = index
                .keys
                .iter()
                .map(|k| {
                    let ty = columns[k.ordinal].ty;
                    let ty = if named(k.ordinal) { SqlType { collation: new, ..ty } } else { ty };
                    (k.ordinal, k.descending, ty)
                })
                .collect();
            let rows = w.seek(&base, index.index_id, &KeyRange::all())?;
            for pair in rows.windows(2) {
                match order(&keys, &pair[0], &pair[1]) {
                    Ordering::Less => {}
                    Ordering::Equal if index.unique => {
                        let table = format!("sys.{table}");
                        let index = index.name.as_deref().unwrap_or("");
                        return Err(SqlError::new(1505, &[&table, &index, &shown(&keys, &pair[1])]));
                    }
                    Ordering::Equal | Ordering::Greater => {
                        return Err(SqlError::not_supported(
                            "ALTER DATABASE COLLATE where the catalogue would have to be sorted anew",
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

fn order(keys: &[(usize, bool, SqlType)], a: &Found, b: &Found) -> Ordering {
    keys.iter()
        .map(|(at, descending, ty)| {
            let found = compare::compare(&a.values[*at], &b.values[*at], ty);
            if *descending { found.reverse() } else { found }
        })
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// A key as 1505 shows it.
fn shown(keys: &[(usize, bool, SqlType)], row: &Found) -> String {
    let one = |(at, _, ty): &(usize, bool, SqlType)| match &row.values[*at] {
        Value::Null => "<NULL>".to_owned(),
        v => holdfast_types::conversion::canonical_text(v, ty).unwrap_or_default(),
    };
    format!("({})", keys.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn change_rows(w: &CatalogWriter<'_>, old: CollationId, new: CollationId) -> SqlResult<()> {
    let (old, new) = (i64::from(old.0), i64::from(new.0));
    let is_old = |b: &Base, r: &Found, column: &str| b.int(r, column) as u32 == old as u32;
    let server_own = |id: i64| {
        let row = i32::try_from(id).ok().and_then(|id| w.catalog.object_row(id));
        row.map_or(id < FIRST_OBJECT, |o| o.system)
    };
    let columns = |b: &Base, r: &Found| {
        is_old(b, r, "collationid") && (b.int(r, "number") != 0 || server_own(b.int(r, "id")))
    };
    let set = |column: &'static str| move |_: &Base, _: &Found| vec![(column, Cell::Int(new))];
    w.update("syscolpars", &[], &columns, &set("collationid"))?;
    w.update("sysscalartypes", &[], &|b, r| is_old(b, r, "collationid"), &set("collationid"))?;
    // Rowsets of the base tables.
    let rowsets = w.base("sysrowsets")?;
    let own: Vec<i64> = w
        .rows("sysrowsets", &[])?
        .iter()
        .filter(|r| (1..FIRST_OBJECT).contains(&rowsets.int(r, "idmajor")))
        .map(|r| rowsets.int(r, "rowsetid"))
        .collect();
    w.update("sysrscols", &[], &|b, r| is_old(b, r, "cid") && own.contains(&b.int(r, "rsid")), &set("cid"))?;
    Ok(())
}
