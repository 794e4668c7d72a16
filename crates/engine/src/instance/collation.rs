//! ALTER DATABASE … COLLATE: another default collation, and with it another way of comparing names.
//!
//! Invariants
//! 1. No row moves. The base tables' indexes over names are in the order of the database's collation; everything in their trees, separators of
//!    upper levels and ghosts too, is compared under the new one first, and a catalogue that would have to be sorted anew is left alone with an error.
//! 2. Two names that are one under the new collation are 1505, as the unique index over them would answer.
//! 3. The rows change in one transaction and the boot page after it. As the order of all keys is the same under both collations, a crash
//!    between the two leaves a whole database that compares names as before; what is changed next goes by the collation of the rows.
//!
//! What changes follows the documentation of ALTER DATABASE: columns of system tables and views, parameters and results of modules, types.
//! Columns of user tables keep theirs.

use std::cmp::Ordering;

use holdfast_base::PageId;
use holdfast_format::record::PageRows;
use holdfast_format::{FormatError, PageSource, PageView, btree};
use holdfast_types::{CollationId, DateTime, SqlError, SqlResult, SqlType, Value, compare};

use super::files::{catalogued, open};
use super::{DatabaseState, Instance};
use crate::access::KeyRange;
use crate::database::{DatabaseCatalog, tables};
use crate::ddl::object::bits;
use crate::ddl::rows::{Base, Found};
use crate::ddl::{CatalogWriter, Cell, boot};
use crate::stored::key;
use crate::stored::seek::key_values;
use crate::stored::table::{RowsetAccess, StoredKey};
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
        if catalog.version() < 655 {
            return Err(SqlError::not_supported("ALTER DATABASE COLLATE of a database of SQL Server 2005"));
        }
        drop(catalog);
        catalogued(&found, transaction, now, |w| {
            check_dependents(w)?;
            let old = of_rows(w)?;
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

/// The collation that the rows of the catalogue say. It is the database's, but where a crash came between them and the boot page.
fn of_rows(w: &CatalogWriter<'_>) -> SqlResult<CollationId> {
    let base = w.base("sysschobjs")?;
    let name = base.ordinal("name").and_then(|at| base.definition.columns.get(at));
    Ok(name.map_or(CollationId::NONE, |c| c.ty.collation))
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
    let mut sorted = true;
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
            let mut rows = w.seek(&base, index.index_id, KeyRange::all())?;
            rows.sort_by(|a, b| order(&keys, a, b));
            if let Some(pair) = rows.windows(2).find(|p| index.unique && order(&keys, &p[0], &p[1]).is_eq()) {
                let table = format!("sys.{table}");
                let index = index.name.as_deref().unwrap_or("");
                return Err(SqlError::new(1505, &[&table, &index, &shown(&keys, &pair[1])]));
            }
        }
        sorted &= trees_ascend(&w.catalog, &table, old, new).map_err(|e| crate::page_error(&e))?;
    }
    if !sorted {
        let what = "ALTER DATABASE COLLATE where the catalogue would have to be sorted anew";
        return Err(SqlError::not_supported(what));
    }
    Ok(())
}

/// Whether all entries of a base table's trees ascend under the new collation.
fn trees_ascend(
    catalog: &DatabaseCatalog,
    table: &str,
    old: CollationId,
    new: CollationId,
) -> Result<bool, FormatError> {
    let object = catalog.base_table_id(table).and_then(|id| catalog.object_row(id));
    let Some(object) = object else { return Ok(true) };
    let stored = tables::storage(catalog, object)?;
    for index in &stored.indexes {
        let mut keys = index.keys.to_vec();
        let mut named = false;
        for k in keys.iter_mut().filter(|k| k.ty.id.is_character() && k.ty.collation == old) {
            k.ty.collation = new;
            named = true;
        }
        for rowset in index.rowsets.iter().filter(|r| named && !r.root().is_null()) {
            let mut walk = Walk {
                source: &**catalog.source(),
                rowset,
                keys: &keys,
                clustered: index.clustered,
                last: None,
            };
            if !walk.below(rowset.root(), 0)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Goes through a tree from left to right: before what lies below it, the separator.
struct Walk<'t> {
    source: &'t dyn PageSource,
    rowset: &'t RowsetAccess,
    keys: &'t [StoredKey],
    clustered: bool,
    last: Option<Vec<Value>>,
}

impl Walk<'_> {
    fn below(&mut self, at: PageId, depth: usize) -> Result<bool, FormatError> {
        if depth > btree::MAX_DEPTH {
            return Err(FormatError::Tree { page: at, what: "the tree is too deep" });
        }
        let page = btree::tree_page(self.source, at)?;
        let view = PageView::new(&page);
        let leaf = btree::is_leaf(view, self.clustered);
        // The first separator of a level's first page stands for everything that is less: it has no key.
        let first = usize::from(!leaf && view.previous().is_null());
        let rows = PageRows::new(view)?;
        for slot in 0..rows.len() {
            if usize::from(slot) >= first
                && let Some(row) = rows.row(slot)?
            {
                let next = key_values(self.source, &row, self.rowset, self.keys, !leaf)?;
                if self.last.as_ref().is_some_and(|last| self.order(last, &next).is_gt()) {
                    return Ok(false);
                }
                self.last = Some(next);
            }
            if !leaf && !self.below(btree::child_at(&rows, slot)?, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn order(&self, a: &[Value], b: &[Value]) -> Ordering {
        let each = self.keys.iter().zip(a.iter().zip(b)).map(|(k, (a, b))| {
            let found = key::compare(&k.ty, a, b);
            if k.descending { found.reverse() } else { found }
        });
        each.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
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
