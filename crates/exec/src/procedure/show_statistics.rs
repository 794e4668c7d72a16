//! What statistics say: DBCC SHOW_STATISTICS, sys.dm_db_stats_properties, sys.dm_db_stats_histogram.
//!
//! Invariants
//! 1. Statistics that were never made, or whose blob is not understood, are shown as NULL, never as numbers.
//! 2. NULL of the first column is a step of the histogram, the first.
//!
//! Evidence: columns as the T-SQL reference lists them; numbers as the blob has them (docs/format/statistics.md).

use std::sync::Arc;

use holdfast_engine::catalog::{Catalog, ColumnDef, TableDef};
use holdfast_engine::database::statistics::StoredStatistics;
use holdfast_engine::database::{DatabaseCatalog, statistics::for_plans};
use holdfast_engine::decode;
use holdfast_format::statistics::{Statistics, Step};
use holdfast_tsql::ast::Dbcc;
use holdfast_types::{CollationId, SqlError, SqlResult, SqlType, TypeId, Value, Variant};

use super::administration::Call;
use super::dbcc_session::send;
use crate::host::HostDatabase;
use crate::security::model::Securable;

/// A step as it is shown.
struct Row {
    key: Value,
    range_rows: f32,
    equal_rows: f32,
    distinct_range_rows: i64,
    average_range_rows: f32,
}

/// The histogram of statistics whose first column has type `ty`.
fn rows(found: &Statistics, ty: &SqlType) -> Vec<Row> {
    // A key that cannot be read would be shown as something that it is not.
    if for_plans(found, ty).is_none() {
        return Vec::new();
    }
    let row = |step: &Step| Row {
        key: step.key.as_ref().and_then(|k| decode::value(ty, k).ok()).unwrap_or(Value::Null),
        range_rows: step.range_rows,
        equal_rows: step.equal_rows,
        distinct_range_rows: if step.average_range_rows > 0.0 {
            f64::from(step.range_rows / step.average_range_rows).round() as i64
        } else {
            0
        },
        average_range_rows: step.average_range_rows,
    };
    let null = (found.null_rows > 0.0).then_some(Row {
        key: Value::Null,
        range_rows: 0.0,
        equal_rows: found.null_rows,
        distinct_range_rows: 0,
        average_range_rows: 1.0,
    });
    null.into_iter().chain(found.steps.iter().flatten().map(row)).collect()
}

fn steps(found: &Statistics) -> usize {
    found.steps.as_ref().map_or(0, Vec::len) + usize::from(found.null_rows > 0.0)
}

fn text(length: i32) -> SqlType {
    SqlType::nvarchar(length, CollationId::SERVER_DEFAULT)
}

fn optional<T>(value: Option<T>, f: impl Fn(T) -> Value) -> Value {
    value.map_or(Value::Null, f)
}

/// DBCC SHOW_STATISTICS ('table', 'statistics or column').
pub fn show(statement: &Dbcc, arguments: &[Value], call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let one = |e: SqlError| vec![e];
    let (Some(Value::String(table)), Some(Value::String(name))) = (arguments.first(), arguments.get(1))
    else {
        return Err(one(SqlError::with_text(
            2583,
            16,
            "An incorrect number of parameters was given to the DBCC statement.",
        )));
    };
    let (database, table) = super::dbcc::found_in(call, &table.to_text()).map_err(one)?;
    let wanted = name.to_text();
    let catalog = database.online().stored();
    let catalog = catalog.ok_or_else(|| one(SqlError::new(2767, &[&wanted])))?;
    let found = find(&catalog, &table, &wanted).map_err(one)?;
    if !table.name.starts_with('#') {
        allowed(call, &database, &table, &found).map_err(one)?;
    }
    let (mut parts, mut stream) = (Vec::new(), false);
    for (option, _) in &statement.options {
        match option.as_str() {
            "NO_INFOMSGS" => {}
            "STAT_HEADER" | "DENSITY_VECTOR" | "HISTOGRAM" => parts.push(option.as_str()),
            "STATS_STREAM" => stream = true,
            other => {
                let text = format!("'{other}' is not a recognized option.");
                return Err(one(SqlError::with_text(195, 15, text)));
            }
        }
    }
    if stream {
        let blob = found.values.as_ref().map(|v| Value::Binary(v.build().into()));
        let columns = [
            ("Stats_Stream", SqlType::binary(TypeId::VarBinary, -1)),
            ("Rows", SqlType::BIGINT),
            ("Data Pages", SqlType::BIGINT),
        ];
        let row = vec![blob.unwrap_or(Value::Null), Value::Null, Value::Null];
        return send(call, &columns, &[row]).map(|_| ());
    }
    let all = parts.is_empty();
    for part in ["STAT_HEADER", "DENSITY_VECTOR", "HISTOGRAM"] {
        if !all && !parts.contains(&part) {
            continue;
        }
        match part {
            "STAT_HEADER" => header(&found, call)?,
            "DENSITY_VECTOR" => densities(&found, &table, call)?,
            _ => histogram(&found, &table, call)?,
        }
    }
    Ok(())
}

/// Statistics are shown to who may alter the table, and to who may read their columns and those of their filter.
fn allowed(
    call: &Call<'_>,
    database: &Arc<HostDatabase>,
    table: &TableDef,
    found: &StoredStatistics,
) -> SqlResult<()> {
    let session = call.session;
    if session.may(database, Securable::Object(table.object_id), "AL")? {
        return Ok(());
    }
    // Stored filters write columns in brackets.
    let filter = found.filter.as_deref().unwrap_or_default();
    let of_filter = |name: &str| filter.contains(&format!("[{}]", name.replace(']', "]]")));
    let used = |c: &&ColumnDef| found.columns.contains(&c.column_id) || of_filter(&c.name);
    for c in table.columns.iter().filter(used) {
        if !session.may(database, Securable::Column(table.object_id, c.column_id), "SL")? {
            let user = crate::security::functions::current_user(session).1;
            return Err(SqlError::new(2557, &[&user, &"SHOW_STATISTICS", &table.name]));
        }
    }
    Ok(())
}

/// Statistics by name; a column stands for those that the server made of it.
fn find(catalog: &DatabaseCatalog, table: &TableDef, wanted: &str) -> SqlResult<StoredStatistics> {
    let names = catalog.names();
    let all = catalog.statistics(table.object_id).map_err(|e| holdfast_engine::page_error(&e))?;
    let column = table.columns.iter().find(|c| names.same(&c.name, wanted)).map(|c| c.column_id);
    let made = |s: &&StoredStatistics| {
        s.status & holdfast_engine::database::statistics::bit::AUTOMATIC != 0
            && column.is_some()
            && s.columns.first().copied() == column
    };
    let found = all.iter().find(|s| names.same(&s.name, wanted)).or_else(|| all.iter().find(made));
    found.cloned().ok_or_else(|| SqlError::new(2767, &[&wanted]))
}

fn header(found: &StoredStatistics, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let columns = [
        ("Name", text(128)),
        ("Updated", text(20)),
        ("Rows", SqlType::BIGINT),
        ("Rows Sampled", SqlType::BIGINT),
        ("Steps", SqlType::SMALLINT),
        ("Density", SqlType::REAL),
        ("Average key length", SqlType::REAL),
        ("String Index", text(3)),
        ("Filter Expression", text(-1)),
        ("Unfiltered Rows", SqlType::BIGINT),
        ("Persisted Sample Percent", SqlType::FLOAT),
    ];
    let context = crate::context::ExecContext::plain();
    let updated = found
        .updated()
        .map(|d| Value::string(&super::query::value_text(&Value::DateTime(d), SqlType::DATETIME, &context)));
    let v = found.values.as_ref();
    let big = |n: u64| Value::BigInt(i64::try_from(n).unwrap_or(i64::MAX));
    let row = vec![
        Value::string(&found.name),
        updated.unwrap_or(Value::Null),
        optional(v, |v| big(v.rows)),
        optional(v, |v| big(v.rows_sampled)),
        optional(v, |v| Value::SmallInt(steps(v) as i16)),
        optional(v, |v| Value::Real(v.range_density)),
        optional(v, |v| Value::Real(v.average_key_length)),
        optional(v, |v| Value::string(if v.strings.is_some() { "YES" } else { "NO " })),
        optional(found.filter.as_deref(), Value::string),
        optional(v, |v| big(v.unfiltered_rows.unwrap_or(v.rows))),
        optional(v, |v| Value::Float(v.sample_percent.unwrap_or(0.0))),
    ];
    send(call, &columns, &[row]).map(|_| ())
}

fn densities(found: &StoredStatistics, table: &TableDef, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let columns = [("All density", SqlType::REAL), ("Average Length", SqlType::REAL), ("Columns", text(-1))];
    let name = |id: &i32| table.columns.iter().find(|c| c.column_id == *id).map(|c| c.name.to_string());
    let mut names: Vec<String> = found.columns.iter().filter_map(name).collect();
    // The entries of an index end in the key of the table.
    if found.is_index()
        && let Some(base) = table.indexes.iter().find(|i| i.index_id == 1)
    {
        for key in &base.keys {
            let name = table.columns.get(key.ordinal).map(|c| c.name.to_string()).unwrap_or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut rows = Vec::new();
    if let Some(v) = &found.values {
        let mut length = 0.0;
        for (n, (density, own)) in v.densities.iter().zip(&v.lengths).enumerate() {
            length += own;
            let prefix = names.get(..=n).unwrap_or(&names).join(", ");
            rows.push(vec![Value::Real(*density), Value::Real(length), Value::string(&prefix)]);
        }
    }
    send(call, &columns, &rows).map(|_| ())
}

fn histogram(found: &StoredStatistics, table: &TableDef, call: &mut Call<'_>) -> Result<(), Vec<SqlError>> {
    let first = found.columns.first().and_then(|id| table.columns.iter().find(|c| c.column_id == *id));
    let ty = first.map_or(SqlType::INT, |c| c.ty);
    let columns = [
        ("RANGE_HI_KEY", ty),
        ("RANGE_ROWS", SqlType::REAL),
        ("EQ_ROWS", SqlType::REAL),
        ("DISTINCT_RANGE_ROWS", SqlType::BIGINT),
        ("AVG_RANGE_ROWS", SqlType::REAL),
    ];
    let rows: Vec<Vec<Value>> = found
        .values
        .iter()
        .flat_map(|v| rows(v, &ty))
        .map(|r| {
            vec![
                r.key,
                Value::Real(r.range_rows),
                Value::Real(r.equal_rows),
                Value::BigInt(r.distinct_range_rows),
                Value::Real(r.average_range_rows),
            ]
        })
        .collect();
    send(call, &columns, &rows).map(|_| ())
}

/// The statistics that a function is asked for: (object, statistics).
fn asked(catalog: &DatabaseCatalog, args: &[Value]) -> SqlResult<Option<(Arc<TableDef>, StoredStatistics)>> {
    let number = |i: usize| args.get(i).and_then(super::raise::integer).and_then(|n| i32::try_from(n).ok());
    let (Some(object), Some(id)) = (number(0), number(1)) else { return Ok(None) };
    let Some(table) = catalog.table(object)? else { return Ok(None) };
    let all = catalog.statistics(object).map_err(|e| holdfast_engine::page_error(&e))?;
    Ok(all.into_iter().find(|s| s.id == id).map(|s| (table, s)))
}

/// Rows of sys.dm_db_stats_properties.
pub fn properties(catalog: &DatabaseCatalog, args: &[Value]) -> SqlResult<Vec<Vec<Value>>> {
    let Some((table, found)) = asked(catalog, args)? else { return Ok(Vec::new()) };
    let v = found.values.as_ref();
    let big = |n: u64| Value::BigInt(i64::try_from(n).unwrap_or(i64::MAX));
    let column = found.columns.first().copied().unwrap_or(0);
    let changes =
        catalog.modifications(table.object_id, column).map_err(|e| holdfast_engine::page_error(&e))?;
    Ok(vec![vec![
        Value::Int(table.object_id),
        Value::Int(found.id),
        optional(found.updated().and_then(|d| d.to_datetime2()), Value::DateTime2),
        optional(v, |v| big(v.rows)),
        optional(v, |v| big(v.rows_sampled)),
        optional(v, |v| Value::Int(steps(v) as i32)),
        optional(v, |v| big(v.unfiltered_rows.unwrap_or(v.rows))),
        optional(v, |_| Value::BigInt((changes - found.changes).max(0))),
        optional(v, |v| Value::Float(v.sample_percent.unwrap_or(0.0))),
    ]])
}

/// Rows of sys.dm_db_stats_histogram.
pub fn histogram_rows(catalog: &DatabaseCatalog, args: &[Value]) -> SqlResult<Vec<Vec<Value>>> {
    let Some((table, found)) = asked(catalog, args)? else { return Ok(Vec::new()) };
    let first = found.columns.first().and_then(|id| table.columns.iter().find(|c| c.column_id == *id));
    let (Some(column), Some(values)) = (first, &found.values) else { return Ok(Vec::new()) };
    let variant = |value: Value| match value {
        Value::Null => Value::Null,
        value => Value::Variant(Arc::new(Variant { ty: column.ty, value })),
    };
    Ok(rows(values, &column.ty)
        .into_iter()
        .enumerate()
        .map(|(n, r)| {
            vec![
                Value::Int(table.object_id),
                Value::Int(found.id),
                Value::Int(n as i32 + 1),
                variant(r.key),
                Value::Real(r.range_rows),
                Value::Real(r.equal_rows),
                Value::BigInt(r.distinct_range_rows),
                Value::Real(r.average_range_rows),
            ]
        })
        .collect())
}
