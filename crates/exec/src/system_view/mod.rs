//! System views: `sys`, `INFORMATION_SCHEMA` and the compatibility views, computed from the base tables of a database and
//! from what the instance knows of itself.
//!
//! A view is a row of a table: its name, its columns in one line of text, and a function that makes its rows. Rows are made
//! when the view is opened; nothing is kept between statements except the model of a catalog snapshot (see [`model`]).
//!
//! Invariants
//! 1. Column names, order and types are those of SQL Server's documentation; tools select by name and by position.
//! 2. A view that can have no rows in Holdfast yet (availability groups, resource governor …) exists and is empty.
//! 3. Rows come from the native base tables of the database, never from a second catalog.

mod columns;
mod compatibility;
mod compatibility_more;
mod compatibility_server;
pub mod dependency;
mod empty;
mod empty_catalog;
mod empty_dynamic;
mod empty_management;
mod empty_msdb;
mod indexes;
mod information_schema;
pub mod instance_tables;
mod locks;
mod management;
pub mod model;
mod objects;
mod partitions;
mod security;
mod server;
mod server_objects;
pub mod shipped;
pub mod source;
mod spatial;
mod spt_values;
mod storage;
pub(crate) mod table;
mod xml_schema;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use holdfast_engine::catalog::TableDef;
use holdfast_types::{NameOrder, SqlResult, Value};

pub use columns::declared_columns;
pub(crate) use management::kilobytes;
pub use source::{BaseRows, DatabaseInfo, FileInfo, ServerCounts, SessionRow, TransactionRow, ViewSource};
pub use storage::{filegroup_rows, used_pages};
use table::ComputedRows;
pub use table::RowsSource;
pub(crate) use table::parse_columns;

/// Makes the rows of a view, each with one value per declared column.
pub type RowsFn = fn(&ViewContext<'_>) -> SqlResult<Vec<Vec<Value>>>;

/// A system view.
pub struct SystemView {
    /// `sys.objects`, `INFORMATION_SCHEMA.TABLES` …
    pub name: &'static str,
    /// `name type[!], …` (`!` = NOT NULL); see [`table::parse_columns`].
    pub columns: &'static str,
    pub rows: RowsFn,
}

/// What a rows function sees.
pub struct ViewContext<'a> {
    pub source: &'a dyn ViewSource,
    pub model: Arc<model::CatalogModel>,
    pub reader: Option<crate::security::Reader>,
}

const TABLES: &[&[SystemView]] = &[
    objects::VIEWS,
    columns::VIEWS,
    indexes::VIEWS,
    partitions::VIEWS,
    xml_schema::VIEWS,
    security::VIEWS,
    storage::VIEWS,
    server::VIEWS,
    server_objects::VIEWS,
    server_objects::COMPATIBILITY,
    locks::VIEWS,
    information_schema::VIEWS,
    compatibility::VIEWS,
    compatibility_more::VIEWS,
    compatibility_server::VIEWS,
    dependency::VIEWS,
    dependency::OLD,
    empty::VIEWS,
    empty_management::VIEWS,
    empty_catalog::VIEWS,
    empty_dynamic::VIEWS,
    management::VIEWS,
    spatial::VIEWS,
];

/// Views by lower-case `schema.name`.
fn registry() -> &'static HashMap<String, &'static SystemView> {
    static REGISTRY: OnceLock<HashMap<String, &'static SystemView>> = OnceLock::new();
    REGISTRY
        .get_or_init(|| TABLES.iter().flat_map(|t| t.iter()).map(|v| (v.name.to_lowercase(), v)).collect())
}

/// All views, for `sys.system_views` and the like.
pub fn all() -> impl Iterator<Item = &'static SystemView> {
    TABLES.iter().flat_map(|t| t.iter())
}

/// The view `schema.name`. Names of system views are compared as all names of the database that they are asked of.
pub fn named(names: NameOrder, schema: &str, name: &str) -> Option<&'static SystemView> {
    let view = registry().get(&format!("{}.{}", schema.to_lowercase(), name.to_lowercase()))?;
    let (own_schema, own) = view.name.split_once('.')?;
    (names.same(own_schema, schema) && names.same(own, name)).then_some(*view)
}

/// The view `schema.name` over a database, as a table the binder can use.
pub fn resolve(
    names: NameOrder,
    schema: &str,
    name: &str,
    source: &Arc<dyn ViewSource>,
) -> Option<Arc<TableDef>> {
    Some(ComputedRows::table_def(named(names, schema, name)?, Arc::clone(source)))
}

/// Whether a name means one of the views of the time before catalog views: `sysobjects`, under sys, dbo or no schema.
pub fn is_compatibility_view(names: NameOrder, schema: &str, name: &str) -> bool {
    let of = |views: &[SystemView]| {
        views.iter().any(|v| v.name.strip_prefix("sys.").is_some_and(|n| names.same(n, name)))
    };
    name.get(..3).is_some_and(|p| names.same(p, "sys"))
        && ["", "sys", "dbo"].iter().any(|s| names.same(s, schema))
        && (of(compatibility::VIEWS)
            || of(compatibility_more::VIEWS)
            || of(compatibility_server::VIEWS)
            || of(server_objects::COMPATIBILITY)
            || of(dependency::OLD))
}

/// The object id of a system view: SQL Server's own where the database lists it, else one derived from the name.
pub fn object_id(model: &model::CatalogModel, full_name: &str) -> i32 {
    let (schema, name) = full_name.split_once('.').unwrap_or(("sys", full_name));
    let schema_id = if schema == "sys" { model::SCHEMA_SYS } else { model::SCHEMA_INFORMATION_SCHEMA };
    if let Some(o) = model.system_object(schema_id, name) {
        return o.id;
    }
    let hash = full_name.bytes().fold(0x811C_9DC5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    -((hash % 1_000_000_000) as i32) - 1_000_000_000
}

/// Builds a row from anything that turns into a value.
macro_rules! row {
    ($($x:expr),* $(,)?) => { vec![$($crate::system_view::table::Cell::value($x)),*] };
}
pub(crate) use row;

#[cfg(test)]
mod tests;
