//! Table functions that show what the server and its databases do: `sys.dm_…` and `sys.fn_…`.
//!
//! Invariants
//! 1. Names, order and types of columns are those of SQL Server's documentation; `!` marks a column that is never NULL.
//! 2. What has no rows here yet is declared all the same: whoever runs them says so.

use holdfast_types::{CollationId, SqlType, TypeId};

use super::ArgRule;
use super::table::{TableFunctionDef, TableFunctionId};

const I: ArgRule = ArgRule::Int;
const N: ArgRule = ArgRule::NString;
const B: ArgRule = ArgRule::Binary;

macro_rules! functions {
    ($($name:literal ($($arg:expr),*) [$min:literal] $columns:literal;)*) => {
        &[$(TableFunctionDef {
            id: TableFunctionId::Named($name),
            name: $name,
            sys: true,
            min_args: $min,
            max_args: {
                const ARGS: &[ArgRule] = &[$($arg),*];
                ARGS.len() as u8
            },
            args: &[$($arg),*],
            columns: |c| columns($columns, c),
        }),*]
    };
}

pub static MANAGEMENT: &[TableFunctionDef] = functions! {
    "dm_db_index_operational_stats" (I, I, I, I) [4] "database_id smallint, object_id int, index_id int, partition_number int, hobt_id bigint, leaf_insert_count bigint, leaf_delete_count bigint, leaf_update_count bigint, leaf_ghost_count bigint, nonleaf_insert_count bigint, nonleaf_delete_count bigint, nonleaf_update_count bigint, leaf_allocation_count bigint, nonleaf_allocation_count bigint, leaf_page_merge_count bigint, nonleaf_page_merge_count bigint, range_scan_count bigint, singleton_lookup_count bigint, forwarded_fetch_count bigint, lob_fetch_in_pages bigint, lob_fetch_in_bytes bigint, lob_orphan_create_count bigint, lob_orphan_insert_count bigint, row_overflow_fetch_in_pages bigint, row_overflow_fetch_in_bytes bigint, column_value_push_off_row_count bigint, column_value_pull_in_row_count bigint, row_lock_count bigint, row_lock_wait_count bigint, row_lock_wait_in_ms bigint, page_lock_count bigint, page_lock_wait_count bigint, page_lock_wait_in_ms bigint, index_lock_promotion_attempt_count bigint, index_lock_promotion_count bigint, page_latch_wait_count bigint, page_latch_wait_in_ms bigint, page_io_latch_wait_count bigint, page_io_latch_wait_in_ms bigint, tree_page_latch_wait_count bigint, tree_page_latch_wait_in_ms bigint, tree_page_io_latch_wait_count bigint, tree_page_io_latch_wait_in_ms bigint, page_compression_attempt_count bigint, page_compression_success_count bigint, version_generated_inrow bigint, version_generated_offrow bigint, ghost_version_inrow bigint, ghost_version_offrow bigint, insert_over_ghost_version_inrow bigint, insert_over_ghost_version_offrow bigint";
    "dm_db_log_stats" (I) [1] "database_id int!, recovery_model nvarchar(60), log_min_lsn nvarchar(24), log_end_lsn nvarchar(24), current_vlf_sequence_number bigint, current_vlf_size_mb float, total_vlf_count bigint, total_log_size_mb float, active_vlf_count bigint, active_log_size_mb float, log_truncation_holdup_reason nvarchar(60), log_backup_time datetime, log_backup_lsn nvarchar(24), log_since_last_log_backup_mb float, log_checkpoint_lsn nvarchar(24), log_since_last_checkpoint_mb float, log_recovery_lsn nvarchar(24), log_recovery_size_mb float, recovery_vlf_count bigint";
    "dm_db_missing_index_columns" (I) [1] "column_id int!, column_name sysname, column_usage varchar(20)";
    "dm_exec_text_query_plan" (B, I, I) [3] "dbid smallint, objectid int, number smallint, encrypted bit!, query_plan nvarchar(max)";
    "dm_exec_plan_attributes" (B) [1] "attribute varchar(128)!, value sql_variant, is_cache_key bit!";
    "dm_exec_cached_plan_dependent_objects" (B) [1] "usecounts int!, memory_object_address varbinary(8)!, cacheobjtype nvarchar(50)!";
    "dm_exec_query_statistics_xml" (I) [1] "session_id smallint, request_id int, sql_handle varbinary(64), plan_handle varbinary(64), query_plan xml";
    "dm_exec_query_plan_stats" (B) [1] "dbid smallint, objectid int, number smallint, encrypted bit!, query_plan xml";
    "dm_exec_describe_first_result_set" (N, N, I) [3] "is_hidden bit, column_ordinal int, name sysname, is_nullable bit, system_type_id int, system_type_name nvarchar(256), max_length smallint, precision tinyint, scale tinyint, collation_name sysname, user_type_id int, user_type_database sysname, user_type_schema sysname, user_type_name sysname, assembly_qualified_type_name nvarchar(4000), xml_collection_id int, xml_collection_database sysname, xml_collection_schema sysname, xml_collection_name sysname, is_xml_document bit, is_case_sensitive bit, is_fixed_length_clr_type bit, source_server sysname, source_database sysname, source_schema sysname, source_table sysname, source_column sysname, is_identity_column bit, is_part_of_unique_key bit, is_updateable bit, is_computed_column bit, is_sparse_column_set bit, ordinal_in_order_by_list smallint, order_by_list_length smallint, order_by_is_descending smallint, error_number int, error_severity int, error_state int, error_message nvarchar(4000), error_type int, error_type_desc nvarchar(60)";
    "dm_exec_describe_first_result_set_for_object" (I, I) [2] "is_hidden bit, column_ordinal int, name sysname, is_nullable bit, system_type_id int, system_type_name nvarchar(256), max_length smallint, precision tinyint, scale tinyint, collation_name sysname, user_type_id int, user_type_database sysname, user_type_schema sysname, user_type_name sysname, assembly_qualified_type_name nvarchar(4000), xml_collection_id int, xml_collection_database sysname, xml_collection_schema sysname, xml_collection_name sysname, is_xml_document bit, is_case_sensitive bit, is_fixed_length_clr_type bit, source_server sysname, source_database sysname, source_schema sysname, source_table sysname, source_column sysname, is_identity_column bit, is_part_of_unique_key bit, is_updateable bit, is_computed_column bit, is_sparse_column_set bit, ordinal_in_order_by_list smallint, order_by_list_length smallint, order_by_is_descending smallint, error_number int, error_severity int, error_state int, error_message nvarchar(4000), error_type int, error_type_desc nvarchar(60)";
    "dm_os_volume_stats" (I, I) [2] "database_id int!, file_id int!, volume_mount_point nvarchar(512), volume_id nvarchar(512), logical_volume_name nvarchar(512), file_system_type nvarchar(512), total_bytes bigint!, available_bytes bigint!, supports_compression tinyint, supports_alternate_streams tinyint, supports_sparse_files tinyint, is_read_only tinyint, is_compressed tinyint, incurs_seek_penalty tinyint";
    "dm_db_log_info" (I) [1] "database_id int!, file_id smallint!, vlf_begin_offset bigint!, vlf_size_mb float!, vlf_sequence_number bigint!, vlf_active bit!, vlf_status int!, vlf_parity tinyint!, vlf_first_lsn nvarchar(24), vlf_create_lsn nvarchar(24), vlf_encryptor_thumbprint varbinary(20)";
    "fn_virtualfilestats" (I, I) [2] "DbId smallint!, FileId smallint!, TimeStamp bigint!, NumberReads bigint!, BytesRead bigint!, IoStallReadMS bigint!, NumberWrites bigint!, BytesWritten bigint!, IoStallWriteMS bigint!, IoStallMS bigint!, BytesOnDisk bigint!, FileHandle varbinary(8)!";
    "fn_builtin_permissions" (N) [1] "class_desc nvarchar(60), permission_name nvarchar(60), type varchar(4), covering_permission_name nvarchar(60), parent_class_desc nvarchar(60), parent_covering_permission_name nvarchar(60)";
    "fn_trace_getinfo" (I) [1] "traceid int!, property int!, value sql_variant";
    "fn_trace_geteventinfo" (I) [1] "eventid int, columnid int";
    "fn_trace_getfilterinfo" (I) [1] "columnid int, logical_operator int, comparison_operator int, value sql_variant";
    "fn_trace_gettable" (N, I) [2] "TextData nvarchar(max), BinaryData varbinary(max), DatabaseID int, TransactionID bigint, LineNumber int, NTUserName nvarchar(256), NTDomainName nvarchar(256), HostName nvarchar(256), ClientProcessID int, ApplicationName nvarchar(256), LoginName nvarchar(256), SPID int, Duration bigint, StartTime datetime, EndTime datetime, Reads bigint, Writes bigint, CPU int, Permissions bigint, Severity int, EventSubClass int, ObjectID int, Success int, IndexID int, IntegerData int, ServerName nvarchar(256), EventClass int, ObjectType int, NestLevel int, State int, Error int, Mode int, Handle int, ObjectName nvarchar(256), DatabaseName nvarchar(256), FileName nvarchar(256), OwnerName nvarchar(256), RoleName nvarchar(256), TargetUserName nvarchar(256), DBUserName nvarchar(256), LoginSid varbinary(max), TargetLoginName nvarchar(256), TargetLoginSid varbinary(max), ColumnPermissions int, LinkedServerName nvarchar(256), ProviderName nvarchar(256), MethodName nvarchar(256), RowCounts bigint, RequestID int, XactSequence bigint, EventSequence bigint, BigintData1 bigint, BigintData2 bigint, GUID uniqueidentifier, IntegerData2 int, ObjectID2 bigint, Type int, OwnerID int, ParentName nvarchar(256), IsSystem int, Offset int, SourceDatabaseID int, SqlHandle varbinary(max), SessionLoginName nvarchar(256), PlanHandle varbinary(max), GroupID int";
    "fn_xe_file_target_read_file" (N, N, N, I) [4] "module_guid uniqueidentifier!, package_guid uniqueidentifier!, object_name nvarchar(60)!, event_data nvarchar(max)!, file_name nvarchar(260)!, file_offset bigint!, timestamp_utc datetime2!";
    "fn_validate_plan_guide" (I) [1] "msgnum int!, severity tinyint!, state tinyint!, message nvarchar(2048)!";
    "fn_servershareddrives" () [0] "DriveName nchar(1)";
    "fn_get_sql" (B) [1] "dbid smallint, objectid int, number smallint, encrypted bit!, text nvarchar(max)";
    "fn_check_object_signatures" (N, B) [2] "type nvarchar(120), entity_id int, entity_name sysname, is_signed int, is_signature_valid int";
    "fn_hadr_distributed_ag_database_replica" (N, N) [2] "group_database_id uniqueidentifier";
    "dm_cryptographic_provider_algorithms" (I) [1] "algorithm_id int!, algorithm_tag nvarchar(60), key_type nvarchar(128), key_length int";
    "dm_cryptographic_provider_keys" (I) [1] "key_id int, key_name nvarchar(512), key_thumbprint varbinary(32), algorithm_id int, algorithm_tag nvarchar(60), key_type nvarchar(256), key_length int";
    "dm_cryptographic_provider_sessions" (I) [1] "provider_id int, session_handle varbinary(8), identity nvarchar(128), spid smallint";
    "dm_fts_index_keywords" (I, I) [2] "keyword varbinary(128)!, display_term nvarchar(4000), column_id int, document_count int";
    "dm_fts_index_keywords_by_document" (I, I) [2] "keyword varbinary(128)!, display_term nvarchar(4000), column_id int, document_id bigint, occurrence_count int";
    "dm_fts_index_keywords_by_property" (I, I) [2] "keyword varbinary(128)!, display_term nvarchar(4000), column_id int, document_id bigint, property_id int";
    "dm_fts_index_keywords_position_by_document" (I, I) [2] "keyword varbinary(128)!, display_term nvarchar(4000), column_id int, document_id bigint, position int";
    "dm_sql_referenced_entities" (N, N) [2] "referencing_minor_id int!, referenced_server_name sysname, referenced_database_name sysname, referenced_schema_name sysname, referenced_entity_name sysname, referenced_minor_name sysname, referenced_id int, referenced_minor_id int!, referenced_class tinyint, referenced_class_desc nvarchar(60), is_caller_dependent bit!, is_ambiguous bit!, is_selected bit!, is_updated bit!, is_select_all bit!, is_all_columns_found bit!, is_insert_all bit!, is_incomplete bit!";
    "dm_sql_referencing_entities" (N, N) [2] "referencing_schema_name sysname, referencing_entity_name sysname, referencing_id int, referencing_class tinyint, referencing_class_desc nvarchar(60), is_caller_dependent bit!";
    "dm_exec_cursors" (I) [1] "session_id int!, cursor_id int!, name nvarchar(256), properties nvarchar(256)!, sql_handle varbinary(64)!, statement_start_offset int!, statement_end_offset int!, plan_generation_num bigint!, creation_time datetime!, is_open bit!, is_async_population bit!, is_close_on_commit bit!, fetch_status int!, fetch_buffer_size int!, fetch_buffer_start int!, ansi_position int!, worker_time bigint!, reads bigint!, writes bigint!, dormant_duration bigint!";
    "dm_db_page_info" (I, I, I, N) [4] "database_id int, file_id int, page_id int, page_header_version int, page_type int, page_type_desc nvarchar(64), page_type_flag_bits nvarchar(64), page_type_flag_bits_desc nvarchar(64), page_flag_bits nvarchar(64), page_flag_bits_desc nvarchar(256), page_lsn nvarchar(64), page_level int, object_id int, index_id int, partition_id bigint, alloc_unit_id bigint, is_encrypted bit, has_checksum bit, checksum int, is_iam_page bit, is_mixed_extent bit, has_ghost_records bit, has_version_records bit, has_persisted_version_records bit, pfs_page_id int, pfs_is_allocated bit, pfs_alloc_percent int, pfs_status nvarchar(64), pfs_status_desc nvarchar(64), gam_page_id int, gam_status bit, gam_status_desc nvarchar(64), sgam_page_id int, sgam_status bit, sgam_status_desc nvarchar(64), diff_map_page_id int, diff_status bit, diff_status_desc nvarchar(64), ml_map_page_id int, ml_status bit, ml_status_desc nvarchar(64), prev_page_file_id smallint, prev_page_page_id int, next_page_file_id smallint, next_page_page_id int, fixed_length smallint, slot_count smallint, ghost_rec_count smallint, free_bytes smallint, free_bytes_offset int, reserved_bytes smallint, reserved_bytes_by_xdes_id smallint, xdes_id nvarchar(64)";
};

fn sized(ty: &str) -> Option<(&str, &str)> {
    let (name, rest) = ty.split_once('(')?;
    Some((name, rest.strip_suffix(')')?))
}

/// `None`: no type of that name is used here.
fn type_of(ty: &str, c: CollationId) -> Option<SqlType> {
    let (name, size) = sized(ty).unwrap_or((ty, ""));
    let length = size.parse().unwrap_or(-1);
    Some(match name {
        "bit" => SqlType::BIT,
        "tinyint" => SqlType::TINYINT,
        "smallint" => SqlType::SMALLINT,
        "int" => SqlType::INT,
        "bigint" => SqlType::BIGINT,
        "float" => SqlType::FLOAT,
        "datetime" => SqlType::DATETIME,
        "datetime2" => SqlType::datetime2(7),
        "xml" => SqlType::XML,
        "sql_variant" => SqlType::VARIANT,
        "uniqueidentifier" => SqlType::GUID,
        "sysname" => SqlType::nvarchar(128, c),
        "varchar" => SqlType::varchar(length, c),
        "nchar" => SqlType { id: TypeId::NChar, ..SqlType::nvarchar(length, c) },
        "binary" => SqlType::binary(TypeId::Binary, length),
        "varbinary" => SqlType::binary(TypeId::VarBinary, length),
        "nvarchar" if length < 0 => SqlType::nvarchar_max(c),
        "nvarchar" => SqlType::nvarchar(length, c),
        _ => return None,
    })
}

fn columns(line: &'static str, c: CollationId) -> Vec<(&'static str, SqlType, bool)> {
    line.split(", ")
        .filter_map(|column| column.split_once(' '))
        .map(|(name, ty)| {
            (name, type_of(ty.trim_end_matches('!'), c).unwrap_or(SqlType::NULL), !ty.ends_with('!'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_type_that_is_known() {
        for f in MANAGEMENT {
            let columns = (f.columns)(CollationId::SERVER_DEFAULT);
            assert!(!columns.is_empty(), "{}", f.name);
            for (name, ty, _) in columns {
                assert_ne!(ty.id, TypeId::Null, "{}.{name}", f.name);
            }
            assert_eq!(usize::from(f.max_args), f.args.len(), "{}", f.name);
        }
        let ty = type_of("nvarchar(60)", CollationId::SERVER_DEFAULT);
        assert_eq!(ty.map(|t| t.length), Some(120));
        assert_eq!(columns("a int!, b sysname", CollationId::SERVER_DEFAULT).len(), 2);
    }
}
