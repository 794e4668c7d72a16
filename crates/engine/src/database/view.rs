//! Indexed views: which views keep their rows, as tables, and over which tables they are.
//!
//! Invariants
//! 1. A view keeps its rows while it has a clustered index that is not disabled; without one it is text only.
//! 2. What a view depends on is what the catalogue lists as schema-bound (`sysmultiobjrefs` class 1): every table with sub-id 0
//!    and every column that it names with its id.
//!
//! Evidence: docs/format/catalog.md, "Indexed views"; `vProductAndDescription` of AdventureWorksLT2012 (869).

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_types::SqlResult;

use super::tables::{self, index_bit};
use super::{DatabaseCatalog, ObjectRow};
use crate::catalog::{TableDef, ViewUse};
use crate::error::damaged;

/// Class of schema-bound references.
const SCHEMA_BOUND: i64 = 1;

impl DatabaseCatalog {
    /// A view as a table, whether it keeps rows or not: for who gives it its first index.
    pub fn view_as_table(&self, id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        let Some(row) = self.object_row(id).filter(|o| &*o.kind == "V") else { return Ok(None) };
        if let Some(known) = self.views.lock().get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        let built = Arc::new(tables::build(self, row).map_err(damaged)?);
        self.views.lock().insert(id, Arc::clone(&built));
        Ok(Some(built))
    }

    /// Invariant 1.
    pub(super) fn kept_by_view(&self, id: i32) -> SqlResult<Option<Arc<TableDef>>> {
        match self.object_row(id).filter(|o| &*o.kind == "V") {
            Some(row) if self.keeps_rows(row).map_err(damaged)? => self.view_as_table(id),
            _ => Ok(None),
        }
    }

    fn keeps_rows(&self, view: &ObjectRow) -> Result<bool, FormatError> {
        let (table, map) = self.catalogs.group(&self.store, "sysidxstats", "id")?;
        let rows = map.get(&i64::from(view.id)).into_iter().flatten().filter_map(|&i| table.row(i));
        let off = index_bit::DISABLED | index_bit::HYPOTHETICAL;
        Ok(rows.into_iter().any(|r| r.i32("indid") == 1 && r.int("status") & off == 0))
    }

    /// Ids of the views that keep their rows.
    pub fn indexed_views(&self) -> SqlResult<Vec<i32>> {
        let mut out = Vec::new();
        for view in self.objects().into_iter().filter(|o| &*o.kind == "V") {
            if self.keeps_rows(view).map_err(damaged)? {
                out.push(view.id);
            }
        }
        Ok(out)
    }

    /// Ids of the objects that a schema-bound object names.
    pub fn bound_to(&self, object: i32) -> SqlResult<Vec<i32>> {
        let references = self.base_table("sysmultiobjrefs").map_err(damaged)?;
        let mut out: Vec<i32> = references
            .iter()
            .filter(|r| r.int("class") == SCHEMA_BOUND && r.i32("depid") == object)
            .map(|r| r.i32("indepid"))
            .collect();
        out.sort_unstable();
        out.dedup();
        Ok(out)
    }

    pub(super) fn views_of_table(&self, table: i32) -> SqlResult<Arc<[ViewUse]>> {
        let all = match self.views_over.get() {
            Some(all) => all,
            None => {
                let read = self.read_views_over()?;
                self.views_over.get_or_init(|| read)
            }
        };
        Ok(all.get(&table).cloned().unwrap_or_default())
    }

    fn read_views_over(&self) -> SqlResult<HashMap<i32, Arc<[ViewUse]>>> {
        let views = self.indexed_views()?;
        if views.is_empty() {
            return Ok(HashMap::new());
        }
        let mut out: HashMap<i32, Vec<ViewUse>> = HashMap::new();
        for r in self.base_table("sysmultiobjrefs").map_err(damaged)?.iter() {
            let view = r.i32("depid");
            if r.int("class") != SCHEMA_BOUND || !views.contains(&view) {
                continue;
            }
            let uses = out.entry(r.i32("indepid")).or_default();
            let place = match uses.iter().position(|u| u.view == view) {
                Some(place) => place,
                None => {
                    uses.push(ViewUse { view, columns: Vec::new() });
                    uses.len() - 1
                }
            };
            let column = r.i32("indepsubid");
            if column != 0 {
                uses[place].columns.push(column);
            }
        }
        // The same order in every session, so that two changes of one table come to its views in one order.
        out.values_mut().for_each(|uses| uses.sort_by_key(|u| u.view));
        Ok(out.into_iter().map(|(table, uses)| (table, uses.into())).collect())
    }
}
