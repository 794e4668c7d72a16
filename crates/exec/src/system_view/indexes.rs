//! Indexes, statistics, keys and constraints, partitions and allocation units.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_types::{SqlResult, Value};

use super::model::{IndexRow, Object};
use super::objects::{extend, object_row};
use super::partitions::data_spaces;
use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

macro_rules! constraint_columns {
    ($rest:literal) => {
        concat!(
            "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), ",
            "type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, ",
            "is_schema_published bit!, ", $rest
        )
    };
}

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.indexes",
        columns: "object_id int!, name sysname, index_id int!, type tinyint!, type_desc desc, is_unique bit, data_space_id int, ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit, fill_factor tinyint!, is_padded bit, is_disabled bit, is_hypothetical bit, is_ignored_in_optimization bit, allow_row_locks bit, allow_page_locks bit, has_filter bit, filter_definition nvarchar(max), compression_delay int, suppress_dup_key_messages bit, auto_created bit, optimize_for_sequential_key bit",
        rows: indexes,
    },
    SystemView {
        name: "sys.index_columns",
        columns: "object_id int!, index_id int!, index_column_id int!, column_id int!, key_ordinal tinyint!, partition_ordinal tinyint!, is_descending_key bit, is_included_column bit, column_store_order_ordinal tinyint!",
        rows: index_columns,
    },
    SystemView {
        name: "sys.stats",
        columns: "object_id int!, name sysname, stats_id int!, auto_created bit, user_created bit, no_recompute bit, has_filter bit, filter_definition nvarchar(max), is_temporary bit, is_incremental bit, has_persisted_sample bit, stats_generation_method int!, stats_generation_method_desc varchar(80)!, auto_drop bit",
        rows: stats,
    },
    SystemView {
        name: "sys.stats_columns",
        columns: "object_id int!, stats_id int!, stats_column_id int, column_id int",
        rows: stats_columns,
    },
    SystemView {
        name: "sys.key_constraints",
        columns: constraint_columns!("unique_index_id int, is_system_named bit!, is_enforced bit"),
        rows: |c| {
            Ok(c.model
                .of_kind(&["PK", "UQ"])
                .map(|k| extend(object_row(k), row![c.model.key_index(k), k.status_bit(4), true]))
                .collect())
        },
    },
    SystemView {
        name: "sys.foreign_keys",
        columns: constraint_columns!(
            "referenced_object_id int, key_index_id int, is_disabled bit!, is_not_for_replication bit!, is_not_trusted bit!, delete_referential_action tinyint, delete_referential_action_desc desc, update_referential_action tinyint, update_referential_action_desc desc, is_system_named bit!"
        ),
        rows: foreign_keys,
    },
    SystemView {
        name: "sys.foreign_key_columns",
        columns: "constraint_object_id int!, constraint_column_id int!, parent_object_id int!, parent_column_id int!, referenced_object_id int!, referenced_column_id int!",
        rows: foreign_key_columns,
    },
    SystemView {
        name: "sys.check_constraints",
        columns: constraint_columns!(
            "is_disabled bit!, is_not_for_replication bit!, is_not_trusted bit!, parent_column_id int!, definition nvarchar(max), uses_database_collation bit, is_system_named bit!"
        ),
        rows: |c| {
            Ok(c.model
                .of_kind(&["C"])
                .map(|k| {
                    let rest = row![
                        k.status_bit(0x100),
                        k.status_bit(0x200),
                        k.status_bit(0x400),
                        k.intprop,
                        c.model.text(k.id),
                        true,
                        k.status_bit(4)
                    ];
                    extend(object_row(k), rest)
                })
                .collect())
        },
    },
    SystemView {
        name: "sys.default_constraints",
        columns: constraint_columns!("parent_column_id int!, definition nvarchar(max), is_system_named bit!"),
        rows: |c| {
            Ok(c.model
                .of_kind(&["D"])
                .filter(|k| k.parent_id != 0)
                .map(|k| extend(object_row(k), row![k.intprop, c.model.text(k.id), k.status_bit(4)]))
                .collect())
        },
    },
    SystemView {
        name: "sys.partitions",
        columns: "partition_id bigint!, object_id int!, index_id int!, partition_number int!, hobt_id bigint!, rows bigint, filestream_filegroup_id smallint!, data_compression tinyint!, data_compression_desc desc, xml_compression bit, xml_compression_desc varchar(3)",
        rows: partitions,
    },
    SystemView {
        name: "sys.allocation_units",
        columns: "allocation_unit_id bigint!, type tinyint!, type_desc desc, container_id bigint!, data_space_id int, total_pages bigint!, used_pages bigint!, data_pages bigint!",
        rows: allocation_units,
    },
    SystemView {
        name: "sys.system_internals_allocation_units",
        columns: "allocation_unit_id bigint!, type tinyint!, type_desc desc, container_id bigint!, filegroup_id smallint!, total_pages bigint!, used_pages bigint!, data_pages bigint!, first_page binary(6)!, root_page binary(6)!, first_iam_page binary(6)!",
        rows: internals_allocation_units,
    },
    SystemView {
        name: "sys.dm_db_partition_stats",
        columns: "partition_id bigint, object_id int!, index_id int!, partition_number int!, in_row_data_page_count bigint, in_row_used_page_count bigint, in_row_reserved_page_count bigint, lob_used_page_count bigint, lob_reserved_page_count bigint, row_overflow_used_page_count bigint, row_overflow_reserved_page_count bigint, used_page_count bigint, reserved_page_count bigint, row_count bigint",
        rows: partition_stats,
    },
    SystemView {
        name: "sys.xml_indexes",
        columns: "object_id int!, name sysname, index_id int!, type tinyint!, type_desc desc, is_unique bit, data_space_id int!, ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit, fill_factor tinyint!, is_padded bit, is_disabled bit, is_hypothetical bit, is_ignored_in_optimization bit, allow_row_locks bit, allow_page_locks bit, has_filter bit!, filter_definition nvarchar(max), using_xml_index_id int, secondary_type char(1), secondary_type_desc desc, xml_index_type tinyint, xml_index_type_description desc, path_id int",
        rows: |c| {
            let spaces = data_spaces(c)?;
            Ok(real_indexes(c)
                .filter(|i| i.kind == 3)
                .map(|i| {
                    let mut head = index_row(c, i, &spaces);
                    head.truncate(19);
                    extend(head, row![Value::Null, Value::Null, Value::Null, 0, "PRIMARY_XML", Value::Null])
                })
                .collect())
        },
    },
];

fn real_indexes<'a>(c: &'a ViewContext<'_>) -> impl Iterator<Item = &'a IndexRow> {
    c.model.indexes.iter().filter(|i| i.is_index() && c.model.object(i.object_id).is_some())
}

pub(super) fn kind_desc(kind: u8) -> &'static str {
    match kind {
        0 => "HEAP",
        1 => "CLUSTERED",
        2 => "NONCLUSTERED",
        3 => "XML",
        4 => "SPATIAL",
        5 => "CLUSTERED COLUMNSTORE",
        6 => "NONCLUSTERED COLUMNSTORE",
        7 => "NONCLUSTERED HASH",
        _ => "UNKNOWN",
    }
}

fn index_row(c: &ViewContext<'_>, i: &IndexRow, spaces: &HashMap<(i32, i32), i32>) -> Vec<Value> {
    let filtered = i.has(0x20000);
    row![
        i.object_id,
        if i.index_id == 0 { None } else { i.name.clone() },
        i.index_id,
        i32::from(i.kind),
        kind_desc(i.kind),
        i.has(8),
        spaces.get(&(i.object_id, i.index_id)).copied().unwrap_or(1),
        i.has(4),
        i.has(0x20),
        i.has(0x40),
        i32::from(i.fill_factor),
        i.has(0x10),
        i.has(0x80),
        i.has(0x100),
        false,
        !i.has(0x200),
        !i.has(0x400),
        filtered,
        filtered.then(|| c.model.filter_text(i.object_id, i.index_id)).flatten(),
        Value::Null,
        false,
        false,
        false
    ]
}

fn indexes(c: &ViewContext<'_>) -> Rows {
    let spaces = data_spaces(c)?;
    Ok(real_indexes(c).map(|i| index_row(c, i, &spaces)).collect())
}

fn index_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    // A heap has a row for the column by which it is partitioned.
    for i in real_indexes(c) {
        for x in c.model.index_columns_of(i.object_id, i.index_id) {
            let included = x.status & 0x10 != 0;
            rows.push(row![
                x.object_id,
                x.index_id,
                x.position,
                x.column_id,
                if included { 0 } else { i32::from(x.key_ordinal) },
                i32::from(x.partition_ordinal),
                x.status & 4 != 0,
                included,
                0
            ]);
        }
    }
    Ok(rows)
}

/// Index statistics and column statistics: rows of sysidxstats with bit 1 (value 2).
fn with_stats<'a>(c: &'a ViewContext<'_>) -> impl Iterator<Item = &'a IndexRow> {
    c.model.indexes.iter().filter(|i| i.index_id > 0 && i.has(2) && c.model.object(i.object_id).is_some())
}

fn stats(c: &ViewContext<'_>) -> Rows {
    Ok(with_stats(c)
        .map(|i| {
            let auto = i.has(0x2000);
            row![
                i.object_id,
                i.name.clone(),
                i.index_id,
                auto,
                !i.has(1) && !auto,
                i.has(0x4000),
                i.has(0x20000),
                c.model.filter_text(i.object_id, i.index_id),
                false,
                false,
                false,
                0,
                "Sort based statistics",
                false
            ]
        })
        .collect())
}

fn stats_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for i in with_stats(c) {
        let keys = c.model.index_columns_of(i.object_id, i.index_id).iter().filter(|x| x.status & 0x10 == 0);
        for (n, x) in keys.enumerate() {
            rows.push(row![i.object_id, i.index_id, n as i32 + 1, x.column_id]);
        }
    }
    Ok(rows)
}

/// Delete and update actions: bits 14–15 and 12–13 of the status.
pub(super) fn actions(k: &Object) -> ((i32, &'static str), (i32, &'static str)) {
    let name = |n: i32| ["NO_ACTION", "CASCADE", "SET_NULL", "SET_DEFAULT"][n as usize & 3];
    let (delete, update) = ((k.status >> 14) & 3, (k.status >> 12) & 3);
    ((delete, name(delete)), (update, name(update)))
}

fn foreign_keys(c: &ViewContext<'_>) -> Rows {
    Ok(c.model
        .of_kind(&["F"])
        .map(|k| {
            let (table, index, _) = c.model.foreign_key(k.id);
            let (delete, update) = actions(k);
            let rest = row![
                table,
                index,
                k.status_bit(0x100),
                k.status_bit(0x200),
                k.status_bit(0x400),
                delete.0,
                delete.1,
                update.0,
                update.1,
                k.status_bit(4)
            ];
            extend(object_row(k), rest)
        })
        .collect())
}

fn foreign_key_columns(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    for k in c.model.of_kind(&["F"]) {
        let (table, _, pairs) = c.model.foreign_key(k.id);
        for (n, (parent, referenced)) in pairs.into_iter().enumerate() {
            rows.push(row![k.id, n as i32 + 1, k.parent_id, parent, table, referenced]);
        }
    }
    Ok(rows)
}

fn compression(level: i32) -> &'static str {
    ["NONE", "ROW", "PAGE", "COLUMNSTORE", "COLUMNSTORE_ARCHIVE"].get(level as usize).unwrap_or(&"NONE")
}

fn partitions(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysrowsets")?
        .iter()
        .filter(|r| c.model.object(r.int("idmajor")).is_some())
        .map(|r| {
            let level = r.int("cmprlevel");
            row![
                r.integer("rowsetid"),
                r.int("idmajor"),
                r.int("idminor"),
                r.int("numpart").max(1),
                r.integer("rowsetid"),
                r.integer("rcrows"),
                r.int("fgidfs"),
                level,
                compression(level),
                false,
                "OFF"
            ]
        })
        .collect())
}

fn unit_desc(kind: i32) -> &'static str {
    match kind {
        1 => "IN_ROW_DATA",
        2 => "LOB_DATA",
        3 => "ROW_OVERFLOW_DATA",
        _ => "DROPPED",
    }
}

fn allocation_units(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysallocunits")?
        .iter()
        .map(|r| {
            row![
                r.integer("auid"),
                r.int("type"),
                unit_desc(r.int("type")),
                r.integer("ownerid"),
                r.int("fgid"),
                r.integer("pcreserved"),
                r.integer("pcused"),
                r.integer("pcdata")
            ]
        })
        .collect())
}

fn internals_allocation_units(c: &ViewContext<'_>) -> Rows {
    Ok(c.source
        .base_rows("sysallocunits")?
        .iter()
        .map(|r| {
            let page = |column: &str| r.bytes(column).map(Arc::<[u8]>::from);
            row![
                r.integer("auid"),
                r.int("type"),
                unit_desc(r.int("type")),
                r.integer("ownerid"),
                r.int("fgid"),
                r.integer("pcreserved"),
                r.integer("pcused"),
                r.integer("pcdata"),
                page("pgfirst"),
                page("pgroot"),
                page("pgfirstiam")
            ]
        })
        .collect())
}

fn partition_stats(c: &ViewContext<'_>) -> Rows {
    let units = c.source.base_rows("sysallocunits")?;
    let mut by_owner: std::collections::HashMap<i64, [[i64; 3]; 3]> = Default::default();
    for r in units.iter() {
        let kind = r.int("type");
        if (1..=3).contains(&kind) {
            let sum = &mut by_owner.entry(r.integer("ownerid")).or_default()[kind as usize - 1];
            for (n, column) in ["pcdata", "pcused", "pcreserved"].iter().enumerate() {
                sum[n] += r.integer(column);
            }
        }
    }
    Ok(c.source
        .base_rows("sysrowsets")?
        .iter()
        .filter(|r| c.model.object(r.int("idmajor")).is_some())
        .map(|r| {
            let id = r.integer("rowsetid");
            let [row_data, lob, overflow] = by_owner.get(&id).copied().unwrap_or_default();
            row![
                id,
                r.int("idmajor"),
                r.int("idminor"),
                r.int("numpart").max(1),
                row_data[0],
                row_data[1],
                row_data[2],
                lob[1],
                lob[2],
                overflow[1],
                overflow[2],
                row_data[1] + lob[1] + overflow[1],
                row_data[2] + lob[2] + overflow[2],
                r.integer("rcrows")
            ]
        })
        .collect())
}
