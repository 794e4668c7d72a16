//! Stored statistics as the catalog has them: of indexes and of columns, for the optimiser and for whoever shows them.
//!
//! Invariants
//! 1. A blob that cannot be read gives no statistics, never wrong ones.
//! 2. NULL is the first step of a histogram, as SQL Server shows it; the blob has its rows apart.
//!
//! Evidence: docs/format/statistics.md.

use std::sync::Arc;

use holdfast_format::FormatError;
use holdfast_format::statistics::{CLASS, Statistics, Step};
use holdfast_types::{DateTime, SqlType, Value};

use super::DatabaseCatalog;
use crate::catalog::{ColumnDef, ColumnStatistics, HistogramStep, IndexStatistics};
use crate::decode;

/// A datetime counts 300ths of a second.
const TICKS_A_DAY: u32 = 86_400 * 300;

/// Bits of sysidxstats.status.
pub mod bit {
    pub const INDEX: i64 = 1;
    pub const STATISTICS: i64 = 2;
    pub const AUTOMATIC: i64 = 0x2000;
    pub const NO_RECOMPUTE: i64 = 0x4000;
    pub const FILTERED: i64 = 0x2_0000;
}

/// Statistics as they stand in the catalog: of an index, of columns that somebody named, or made by the server.
#[derive(Clone, Debug)]
pub struct StoredStatistics {
    pub id: i32,
    pub name: String,
    pub status: i64,
    /// Ids of the columns, in their order.
    pub columns: Vec<i32>,
    pub filter: Option<Arc<str>>,
    /// Changes of the first column that were counted when they were made.
    pub changes: i64,
    /// `None` before they were made, or where the blob is not understood.
    pub values: Option<Statistics>,
}

impl StoredStatistics {
    pub fn is_index(&self) -> bool {
        self.status & bit::INDEX != 0
    }

    /// When they were made.
    pub fn updated(&self) -> Option<DateTime> {
        let (ticks, days) = self.values.as_ref()?.updated;
        Some(DateTime { days, ticks }).filter(|d| ticks < TICKS_A_DAY && d.to_datetime2().is_some())
    }
}

impl DatabaseCatalog {
    /// All statistics of a table, by their ids.
    pub fn statistics(&self, object_id: i32) -> Result<Vec<StoredStatistics>, FormatError> {
        let key = i64::from(object_id);
        let (indexes, of_indexes) = self.catalogs.group(&self.store, "sysidxstats", "id")?;
        let (columns, of_columns) = self.catalogs.group(&self.store, "sysiscols", "idmajor")?;
        let (values, of_values) = self.catalogs.group(&self.store, "sysobjvalues", "objid")?;
        let mut out = Vec::new();
        for row in of_indexes.get(&key).into_iter().flatten().filter_map(|&i| indexes.row(i)) {
            let (id, status) = (row.i32("indid"), row.int("status"));
            if id == 0 || status & bit::STATISTICS == 0 {
                continue;
            }
            let mut listed: Vec<(i64, i32)> = of_columns
                .get(&key)
                .into_iter()
                .flatten()
                .filter_map(|&i| columns.row(i))
                .filter(|c| c.i32("idminor") == id && c.int("status") & 0x10 == 0)
                .map(|c| {
                    let place = c.int("tinyprop1");
                    (if place > 0 { place } else { c.int("subid") }, c.i32("intprop"))
                })
                .collect();
            listed.sort_unstable();
            let value = of_values
                .get(&key)
                .into_iter()
                .flatten()
                .filter_map(|&i| values.row(i))
                .find(|v| v.int("valclass") == CLASS && v.i32("subobjid") == id && v.int("valnum") == 0);
            out.push(StoredStatistics {
                id,
                name: row.text("name").to_owned(),
                status,
                columns: listed.into_iter().map(|c| c.1).collect(),
                filter: self.text(66, object_id, id)?,
                changes: value.as_ref().map_or(0, |v| match decode::variant::inner(v.bytes("value")) {
                    Ok(Value::BigInt(n)) => n,
                    _ => 0,
                }),
                values: value.and_then(|v| Statistics::parse(v.bytes("imageval"))),
            });
        }
        out.sort_by_key(|s| s.id);
        Ok(out)
    }

    /// How often the values of a table's column were changed; 0 for a column that no page holds.
    pub fn modifications(&self, object_id: i32, column_id: i32) -> Result<i64, FormatError> {
        let tables = &self.store.tables;
        let (stored, by_rowset) = self.catalogs.group(&self.store, "sysrscols", "rsid")?;
        let mut sum = 0;
        for rowset in tables.base_rowsets(object_id) {
            let Some(layout) = tables.layout(rowset.id) else { continue };
            let column = layout.position_of(column_id).and_then(|p| layout.columns.get(p));
            let Some(physical) = column.map(|c| c.physical_id) else { continue };
            let before = || {
                let rows = by_rowset.get(&(rowset.id as i64)).into_iter().flatten();
                let row = rows.filter_map(|&i| stored.row(i)).find(|r| r.i32("hbcolid") == physical);
                row.map_or(0, |r| r.int("rcmodified"))
            };
            sum += self.store.live.of(tables, rowset).modifications.of(physical, before);
        }
        Ok(sum)
    }

    /// When statistics were made last.
    pub fn statistics_date(&self, object_id: i32, statistics: i32) -> Result<Option<DateTime>, FormatError> {
        Ok(self
            .statistics(object_id)?
            .iter()
            .find(|s| s.id == statistics)
            .and_then(StoredStatistics::updated))
    }
}

/// The statistics of a table's columns and of its indexes, by their ids, for plans.
pub(super) fn of_table(
    catalog: &DatabaseCatalog,
    object_id: i32,
    columns: &[ColumnDef],
) -> Result<Vec<ColumnStatistics>, FormatError> {
    let mut out = Vec::new();
    for stored in catalog.statistics(object_id)? {
        let ordinals: Option<Vec<usize>> =
            stored.columns.iter().map(|id| columns.iter().position(|c| c.column_id == *id)).collect();
        let (Some(ordinals), Some(values)) = (ordinals, &stored.values) else { continue };
        let Some(first) = ordinals.first() else { continue };
        if let Some(values) = for_plans(values, &columns[*first].ty) {
            let (id, filter) = (stored.id, stored.filter);
            out.push(ColumnStatistics { id, columns: ordinals, filter, values: Arc::new(values) });
        }
    }
    Ok(out)
}

/// Statistics whose first column has type `ty`, with values for keys.
pub fn for_plans(found: &Statistics, ty: &SqlType) -> Option<IndexStatistics> {
    let steps = found.steps.as_deref().unwrap_or_default();
    let mut histogram = Vec::with_capacity(steps.len() + 1);
    if found.null_rows > 0.0 {
        histogram.push(HistogramStep {
            high_key: Value::Null,
            equal_rows: f64::from(found.null_rows),
            range_rows: 0.0,
            distinct_range_rows: 0.0,
        });
    }
    for step in steps {
        histogram.push(plan_step(step, ty)?);
    }
    Some(IndexStatistics {
        rows: found.rows as f64,
        densities: found.densities.iter().map(|d| f64::from(*d)).collect(),
        histogram,
    })
}

fn plan_step(step: &Step, ty: &SqlType) -> Option<HistogramStep> {
    let high_key = match &step.key {
        None => Value::Null,
        Some(bytes) => decode::value(ty, bytes).ok()?,
    };
    let (rows, average) = (f64::from(step.range_rows), f64::from(step.average_range_rows));
    let distinct_range_rows = if average > 0.0 { (rows / average).round() } else { 0.0 };
    Some(HistogramStep {
        high_key,
        equal_rows: f64::from(step.equal_rows),
        range_rows: rows,
        distinct_range_rows,
    })
}
