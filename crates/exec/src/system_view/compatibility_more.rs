//! The rest of SQL Server 2000's views: keys, constraints, members, logins, files of all databases; and views of one row or of
//! what another view has.
//!
//! Invariants
//! 1. Columns as the documentation of the compatibility views lists them; what has no meaning any more is NULL or 0.

use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.sysindexkeys",
        columns: "id int!, indid smallint, colid smallint, keyno smallint",
        rows: index_keys,
    },
    SystemView {
        name: "sys.sysconstraints",
        columns: "constid int!, id int!, colid smallint, spare1 tinyint, status int, actions int, error int",
        rows: constraints,
    },
    SystemView {
        name: "sys.sysreferences",
        columns: "constid int!, fkeyid int!, rkeyid int!, rkeyindid smallint, keycnt smallint, forkeys varbinary(32), refkeys varbinary(32), fkeydbid smallint, rkeydbid smallint, fkey1 smallint, fkey2 smallint, fkey3 smallint, fkey4 smallint, fkey5 smallint, fkey6 smallint, fkey7 smallint, fkey8 smallint, fkey9 smallint, fkey10 smallint, fkey11 smallint, fkey12 smallint, fkey13 smallint, fkey14 smallint, fkey15 smallint, fkey16 smallint, rkey1 smallint, rkey2 smallint, rkey3 smallint, rkey4 smallint, rkey5 smallint, rkey6 smallint, rkey7 smallint, rkey8 smallint, rkey9 smallint, rkey10 smallint, rkey11 smallint, rkey12 smallint, rkey13 smallint, rkey14 smallint, rkey15 smallint, rkey16 smallint",
        rows: references,
    },
    SystemView {
        name: "sys.sysmembers",
        columns: "memberuid smallint!, groupuid smallint!",
        rows: |c| {
            Ok(super::security::role_members(c)?
                .into_iter()
                .map(|mut r| {
                    r.swap(0, 1);
                    r
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.sysaltfiles",
        columns: "fileid smallint, groupid smallint, size int!, maxsize int!, growth int!, status int, perf int, dbid smallint, name sysname!, filename nvarchar(260)",
        rows: all_files,
    },
    SystemView {
        name: "sys.resource_governor_configuration",
        columns: "classifier_function_id int!, is_enabled bit!, max_outstanding_io_per_volume int!",
        rows: |_| Ok(vec![row![0, false, 0]]),
    },
    SystemView {
        name: "sys.dm_resource_governor_configuration",
        columns: "classifier_function_id int!, is_reconfiguration_pending bit!, max_outstanding_io_per_volume int!",
        rows: |_| Ok(vec![row![0, false, 0]]),
    },
    SystemView {
        name: "sys.column_xml_schema_collection_usages",
        columns: "object_id int!, column_id int!, xml_collection_id int!",
        rows: |c| {
            let columns = c.model.user_objects().flat_map(|o| c.model.columns_of(o.id));
            let typed = columns.filter(|x| x.xml_collection != 0);
            Ok(typed.map(|x| row![x.object_id, x.column_id, x.xml_collection]).collect())
        },
    },
    SystemView {
        name: "sys.parameter_type_usages",
        columns: "object_id int!, parameter_id int!, user_type_id int!",
        rows: |c| {
            let parameters = c.model.user_objects().flat_map(|o| c.model.parameters_of(o.id));
            let own = parameters.filter(|p| p.user_type > 256);
            Ok(own.map(|p| row![p.object_id, p.column_id, p.user_type]).collect())
        },
    },
    SystemView {
        name: "sys.dm_db_log_space_usage",
        columns: "database_id int, total_log_size_in_bytes bigint, used_log_space_in_bytes bigint, used_log_space_in_percent real, log_space_in_bytes_since_last_backup bigint",
        rows: |c| {
            let id = c.source.database().id;
            let used = c.source.log_use();
            Ok(used
                .map(|u| {
                    let taken = u.size.saturating_sub(u.free);
                    let percent = taken as f64 * 100.0 / u.size.max(1) as f64;
                    vec![
                        Value::Int(id),
                        Value::BigInt(u.size as i64),
                        Value::BigInt(taken as i64),
                        Value::Real(percent as f32),
                        Value::BigInt(u.written as i64),
                    ]
                })
                .into_iter()
                .collect())
        },
    },
];

fn index_keys(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for i in c.model.indexes.iter().filter(|i| i.index_id > 0 && c.model.object(i.object_id).is_some()) {
        let columns = c.model.index_columns_of(i.object_id, i.index_id).iter();
        for (n, x) in columns.filter(|x| x.status & 0x10 == 0).enumerate() {
            let place = if x.key_ordinal > 0 { i32::from(x.key_ordinal) } else { n as i32 + 1 };
            rows.push(row![x.object_id, x.index_id, x.column_id, place]);
        }
    }
    Ok(rows)
}

/// Status: 1 primary key, 2 unique, 3 foreign key, 4 check, 5 default; 16 of a column, 32 of the table.
fn constraints(c: &ViewContext<'_>) -> Rows {
    let kinds = ["PK", "UQ", "F", "C", "D"];
    Ok(c.model
        .of_kind(&kinds)
        .filter(|k| k.parent_id != 0)
        .map(|k| {
            let kind = kinds.iter().position(|x| *x == &*k.kind).map_or(0, |p| p as i32 + 1);
            let column = if matches!(kind, 4 | 5) { k.intprop } else { 0 };
            let place = if column > 0 { 16 } else { 32 };
            row![k.id, k.parent_id, column, 0, kind | place, 4096, 0]
        })
        .collect())
}

fn references(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for k in c.model.of_kind(&["F"]) {
        let (table, index, pairs) = c.model.foreign_key(k.id);
        let mut r = row![k.id, k.parent_id, table, index, pairs.len() as i32, Value::Null, Value::Null, 0, 0];
        let column = |n: usize, own: bool| pairs.get(n).map_or(0, |p| if own { p.0 } else { p.1 });
        for own in [true, false] {
            r.extend((0..16).map(|n| Value::Int(column(n, own))));
        }
        rows.push(r);
    }
    Ok(rows)
}

fn all_files(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for d in c.source.databases() {
        for f in &d.files {
            let status =
                2 | if f.kind == 1 { 0x40 } else { 0 } | if f.percent_growth { 0x10_0000 } else { 0 };
            rows.push(row![
                f.file_id,
                f.data_space_id,
                f.size,
                f.max_size,
                f.growth,
                status,
                0,
                d.id,
                f.logical_name.clone(),
                f.physical_name.clone()
            ]);
        }
    }
    Ok(rows)
}
