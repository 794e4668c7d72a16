//! Built-in table functions.

use holdfast_types::{CollationId, SqlType, TypeId};

use super::ArgRule;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TableFunctionId {
    /// (string, separator [, enable_ordinal]) → value [, ordinal bigint].
    StringSplit,
    /// (json [, path]) → key nvarchar(4000) Latin1_General_BIN2, value nvarchar(max), type tinyint; or the WITH schema's columns.
    OpenJson,
    OpenXml,
    /// (start, stop [, step]) → value.
    GenerateSeries,
    /// x.nodes('path') → one xml column; context is the argument.
    XmlNodes,
    /// (level0type … level2name) → objtype, objname, name, value.
    FnListExtendedProperty,
    FnHelpCollations,
    FnMyPermissions,
    DmExecSqlText,
    DmExecQueryPlan,
    DmExecInputBuffer,
    DmDbIndexPhysicalStats,
    DmIoVirtualFileStats,
    DmDbStatsProperties,
    DmDbStatsHistogram,
    DmDbIncrementalStatsProperties,
    /// One of [`super::management`], by its name.
    Named(&'static str),
}

pub struct TableFunctionDef {
    pub id: TableFunctionId,
    /// Lower-case name, without the schema.
    pub name: &'static str,
    /// Lives in schema sys (called `sys.name`); otherwise called bare.
    pub sys: bool,
    pub min_args: u8,
    pub max_args: u8,
    pub args: &'static [ArgRule],
    /// Output columns; STRING_SPLIT, OPENJSON and GENERATE_SERIES are refined by the binder.
    pub columns: fn(CollationId) -> Vec<(&'static str, SqlType, bool)>,
}

const N: ArgRule = ArgRule::NString;

fn nv(n: i32, c: CollationId) -> SqlType {
    SqlType::nvarchar(n, c)
}

pub static TABLE_FUNCTIONS: &[TableFunctionDef] = &[
    TableFunctionDef {
        id: TableFunctionId::StringSplit,
        name: "string_split",
        sys: false,
        min_args: 2,
        max_args: 3,
        args: &[ArgRule::String, ArgRule::String, ArgRule::Int],
        columns: |c| vec![("value", nv(4000, c), true), ("ordinal", SqlType::BIGINT, true)],
    },
    TableFunctionDef {
        id: TableFunctionId::OpenJson,
        name: "openjson",
        sys: false,
        min_args: 1,
        max_args: 2,
        args: &[N, N],
        columns: |c| {
            vec![
                ("key", nv(4000, c), false),
                ("value", SqlType::nvarchar_max(c), true),
                ("type", SqlType::TINYINT, false),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::OpenXml,
        name: "openxml",
        sys: false,
        min_args: 2,
        max_args: 3,
        args: &[ArgRule::Int, N, ArgRule::Int],
        // The edge table.
        columns: |c| {
            let long = SqlType::nvarchar_max(c);
            vec![
                ("id", SqlType::BIGINT, true),
                ("parentid", SqlType::BIGINT, true),
                ("nodetype", SqlType::INT, true),
                ("localname", long, true),
                ("prefix", long, true),
                ("namespaceuri", long, true),
                ("datatype", long, true),
                ("prev", SqlType::BIGINT, true),
                ("text", SqlType { id: TypeId::NText, ..long }, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::GenerateSeries,
        name: "generate_series",
        sys: false,
        min_args: 2,
        max_args: 3,
        args: &[ArgRule::Common],
        columns: |_| vec![("value", SqlType::INT, true)],
    },
    TableFunctionDef {
        id: TableFunctionId::FnListExtendedProperty,
        name: "fn_listextendedproperty",
        sys: false,
        min_args: 7,
        max_args: 7,
        args: &[N],
        columns: |c| {
            vec![
                ("objtype", nv(128, c), true),
                ("objname", nv(128, c), true),
                ("name", nv(128, c), false),
                ("value", SqlType::VARIANT, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::FnHelpCollations,
        name: "fn_helpcollations",
        sys: false,
        min_args: 0,
        max_args: 0,
        args: &[],
        columns: |c| vec![("name", nv(128, c), false), ("description", nv(1000, c), true)],
    },
    TableFunctionDef {
        id: TableFunctionId::FnMyPermissions,
        name: "fn_my_permissions",
        sys: false,
        min_args: 2,
        max_args: 2,
        args: &[N],
        columns: |c| {
            vec![
                ("entity_name", nv(128, c), false),
                ("subentity_name", nv(128, c), true),
                ("permission_name", nv(60, c), true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmExecSqlText,
        name: "dm_exec_sql_text",
        sys: true,
        min_args: 1,
        max_args: 1,
        args: &[ArgRule::Binary],
        columns: |c| {
            vec![
                ("dbid", SqlType::SMALLINT, true),
                ("objectid", SqlType::INT, true),
                ("number", SqlType::SMALLINT, true),
                ("encrypted", SqlType::BIT, false),
                ("text", SqlType::nvarchar_max(c), true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmExecQueryPlan,
        name: "dm_exec_query_plan",
        sys: true,
        min_args: 1,
        max_args: 1,
        args: &[ArgRule::Binary],
        columns: |_| {
            vec![
                ("dbid", SqlType::SMALLINT, true),
                ("objectid", SqlType::INT, true),
                ("number", SqlType::SMALLINT, true),
                ("encrypted", SqlType::BIT, false),
                ("query_plan", SqlType::XML, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmExecInputBuffer,
        name: "dm_exec_input_buffer",
        sys: true,
        min_args: 2,
        max_args: 2,
        args: &[ArgRule::Int],
        columns: |c| {
            vec![
                ("event_type", nv(256, c), true),
                ("parameters", SqlType::SMALLINT, true),
                ("event_info", SqlType::nvarchar_max(c), true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmDbIndexPhysicalStats,
        name: "dm_db_index_physical_stats",
        sys: true,
        min_args: 5,
        max_args: 5,
        args: &[ArgRule::Int, ArgRule::Int, ArgRule::Int, ArgRule::Int, N],
        columns: |c| {
            vec![
                ("database_id", SqlType::SMALLINT, true),
                ("object_id", SqlType::INT, true),
                ("index_id", SqlType::INT, true),
                ("partition_number", SqlType::INT, true),
                ("index_type_desc", nv(60, c), true),
                ("alloc_unit_type_desc", nv(60, c), true),
                ("index_depth", SqlType::TINYINT, true),
                ("index_level", SqlType::TINYINT, true),
                ("avg_fragmentation_in_percent", SqlType::FLOAT, true),
                ("fragment_count", SqlType::BIGINT, true),
                ("avg_fragment_size_in_pages", SqlType::FLOAT, true),
                ("page_count", SqlType::BIGINT, true),
                ("avg_page_space_used_in_percent", SqlType::FLOAT, true),
                ("record_count", SqlType::BIGINT, true),
                ("ghost_record_count", SqlType::BIGINT, true),
                ("version_ghost_record_count", SqlType::BIGINT, true),
                ("min_record_size_in_bytes", SqlType::INT, true),
                ("max_record_size_in_bytes", SqlType::INT, true),
                ("avg_record_size_in_bytes", SqlType::FLOAT, true),
                ("forwarded_record_count", SqlType::BIGINT, true),
                ("compressed_page_count", SqlType::BIGINT, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmIoVirtualFileStats,
        name: "dm_io_virtual_file_stats",
        sys: true,
        min_args: 2,
        max_args: 2,
        args: &[ArgRule::Int],
        columns: |_| {
            vec![
                ("database_id", SqlType::SMALLINT, false),
                ("file_id", SqlType::SMALLINT, false),
                ("sample_ms", SqlType::BIGINT, false),
                ("num_of_reads", SqlType::BIGINT, false),
                ("num_of_bytes_read", SqlType::BIGINT, false),
                ("io_stall_read_ms", SqlType::BIGINT, false),
                ("num_of_writes", SqlType::BIGINT, false),
                ("num_of_bytes_written", SqlType::BIGINT, false),
                ("io_stall_write_ms", SqlType::BIGINT, false),
                ("io_stall", SqlType::BIGINT, false),
                ("size_on_disk_bytes", SqlType::BIGINT, false),
                ("file_handle", SqlType::binary(holdfast_types::TypeId::VarBinary, 8), false),
                ("io_stall_queued_read_ms", SqlType::BIGINT, false),
                ("io_stall_queued_write_ms", SqlType::BIGINT, false),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmDbStatsProperties,
        name: "dm_db_stats_properties",
        sys: true,
        min_args: 2,
        max_args: 2,
        args: &[ArgRule::Int],
        columns: |_| {
            vec![
                ("object_id", SqlType::INT, false),
                ("stats_id", SqlType::INT, false),
                ("last_updated", SqlType::datetime2(7), true),
                ("rows", SqlType::BIGINT, true),
                ("rows_sampled", SqlType::BIGINT, true),
                ("steps", SqlType::INT, true),
                ("unfiltered_rows", SqlType::BIGINT, true),
                ("modification_counter", SqlType::BIGINT, true),
                ("persisted_sample_percent", SqlType::FLOAT, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmDbStatsHistogram,
        name: "dm_db_stats_histogram",
        sys: true,
        min_args: 2,
        max_args: 2,
        args: &[ArgRule::Int],
        columns: |_| {
            vec![
                ("object_id", SqlType::INT, false),
                ("stats_id", SqlType::INT, false),
                ("step_number", SqlType::INT, false),
                ("range_high_key", SqlType::VARIANT, true),
                ("range_rows", SqlType::REAL, true),
                ("equal_rows", SqlType::REAL, true),
                ("distinct_range_rows", SqlType::BIGINT, true),
                ("average_range_rows", SqlType::REAL, true),
            ]
        },
    },
    TableFunctionDef {
        id: TableFunctionId::DmDbIncrementalStatsProperties,
        name: "dm_db_incremental_stats_properties",
        sys: true,
        min_args: 2,
        max_args: 2,
        args: &[ArgRule::Int],
        columns: |_| {
            vec![
                ("object_id", SqlType::INT, false),
                ("stats_id", SqlType::INT, false),
                ("partition_number", SqlType::INT, false),
                ("last_updated", SqlType::datetime2(7), true),
                ("rows", SqlType::BIGINT, true),
                ("rows_sampled", SqlType::BIGINT, true),
                ("steps", SqlType::INT, true),
                ("unfiltered_rows", SqlType::BIGINT, true),
                ("modification_counter", SqlType::BIGINT, true),
            ]
        },
    },
];

/// All table functions.
pub fn all() -> impl Iterator<Item = &'static TableFunctionDef> {
    TABLE_FUNCTIONS.iter().chain(super::management::MANAGEMENT)
}

/// Finds a table function; `sys` says it was called as `sys.name`, which those named fn_… need not be.
pub fn find(name: &str, sys: bool) -> Option<&'static TableFunctionDef> {
    all().find(|f| f.name.eq_ignore_ascii_case(name) && (f.sys == sys || f.name.starts_with("fn_")))
}
