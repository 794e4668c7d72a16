//! Databases, files, filegroups.

use std::sync::Arc;

use holdfast_engine::database::partition::SCHEME_TYPE;
use holdfast_engine::instance::DatabaseIdentity;
use holdfast_types::{SqlResult, Value};

use super::source::{DatabaseInfo, FileInfo, ViewSource};
use super::{SystemView, ViewContext, row};

type Rows = SqlResult<Vec<Vec<Value>>>;

const DATABASES: &str = "name sysname!, database_id int!, source_database_id int, owner_sid varbinary(85), create_date datetime!, compatibility_level tinyint!, collation_name sysname, user_access tinyint, user_access_desc desc, is_read_only bit, is_auto_close_on bit!, is_auto_shrink_on bit, state tinyint, state_desc desc, is_in_standby bit, is_cleanly_shutdown bit, is_supplemental_logging_enabled bit, snapshot_isolation_state tinyint, snapshot_isolation_state_desc desc, is_read_committed_snapshot_on bit, recovery_model tinyint, recovery_model_desc desc, page_verify_option tinyint, page_verify_option_desc desc, is_auto_create_stats_on bit, is_auto_create_stats_incremental_on bit, is_auto_update_stats_on bit, is_auto_update_stats_async_on bit, is_ansi_null_default_on bit, is_ansi_nulls_on bit, is_ansi_padding_on bit, is_ansi_warnings_on bit, is_arithabort_on bit, is_concat_null_yields_null_on bit, is_numeric_roundabort_on bit, is_quoted_identifier_on bit, is_recursive_triggers_on bit, is_cursor_close_on_commit_on bit, is_local_cursor_default bit, is_fulltext_enabled bit, is_trustworthy_on bit, is_db_chaining_on bit, is_parameterization_forced bit, is_master_key_encrypted_by_server bit!, is_query_store_on bit, is_published bit!, is_subscribed bit!, is_merge_published bit!, is_distributor bit!, is_sync_with_backup bit!, service_broker_guid uniqueidentifier!, is_broker_enabled bit!, log_reuse_wait tinyint, log_reuse_wait_desc desc, is_date_correlation_on bit!, is_cdc_enabled bit!, is_encrypted bit, is_honor_broker_priority_on bit, replica_id uniqueidentifier, group_database_id uniqueidentifier, resource_pool_id int, default_language_lcid smallint, default_language_name nvarchar(128), default_fulltext_language_lcid int, default_fulltext_language_name nvarchar(128), is_nested_triggers_on bit, is_transform_noise_words_on bit, two_digit_year_cutoff smallint, containment tinyint, containment_desc desc, target_recovery_time_in_seconds int, delayed_durability int, delayed_durability_desc desc, is_memory_optimized_elevate_to_snapshot_on bit, is_federation_member bit, is_remote_data_archive_enabled bit, is_mixed_page_allocation_on bit, is_temporal_history_retention_enabled bit, catalog_collation_type int!, catalog_collation_type_desc desc, physical_database_name nvarchar(128), is_result_set_caching_on bit, is_accelerated_database_recovery_on bit, is_tempdb_spill_to_remote_store bit, is_stale_page_detection_on bit, is_memory_optimized_enabled bit, is_data_retention_enabled bit, is_ledger_on bit, is_change_feed_enabled bit";

const DATABASE_FILES: &str = "file_id int!, file_guid uniqueidentifier, type tinyint!, type_desc desc, data_space_id int!, name sysname!, physical_name nvarchar(260), state tinyint, state_desc desc, size int!, max_size int!, growth int!, is_media_read_only bit!, is_read_only bit!, is_sparse bit!, is_percent_growth bit!, is_name_reserved bit!, is_persistent_log_buffer bit!, create_lsn numeric(25,0), drop_lsn numeric(25,0), read_only_lsn numeric(25,0), read_write_lsn numeric(25,0), differential_base_lsn numeric(25,0), differential_base_guid uniqueidentifier, differential_base_time datetime, redo_start_lsn numeric(25,0), redo_start_fork_guid uniqueidentifier, redo_target_lsn numeric(25,0), redo_target_fork_guid uniqueidentifier, backup_lsn numeric(25,0)";

pub const VIEWS: &[SystemView] = &[
    SystemView {
        name: "sys.databases",
        columns: DATABASES,
        rows: |c| Ok(c.source.databases().iter().map(|d| database(c, d)).collect()),
    },
    SystemView {
        name: "sys.database_files",
        columns: DATABASE_FILES,
        rows: |c| Ok(c.source.database().files.iter().map(file).collect()),
    },
    SystemView {
        name: "sys.master_files",
        columns: "database_id int!, file_id int!, file_guid uniqueidentifier, type tinyint!, type_desc desc, data_space_id int!, name sysname!, physical_name nvarchar(260)!, state tinyint, state_desc desc, size int!, max_size int!, growth int!, is_media_read_only bit!, is_read_only bit!, is_sparse bit!, is_percent_growth bit!, is_name_reserved bit!, is_persistent_log_buffer bit!, create_lsn numeric(25,0), drop_lsn numeric(25,0), read_only_lsn numeric(25,0), read_write_lsn numeric(25,0), differential_base_lsn numeric(25,0), differential_base_guid uniqueidentifier, differential_base_time datetime, redo_start_lsn numeric(25,0), redo_start_fork_guid uniqueidentifier, redo_target_lsn numeric(25,0), redo_target_fork_guid uniqueidentifier, backup_lsn numeric(25,0), credential_id int",
        rows: master_files,
    },
    SystemView {
        name: "sys.filegroups",
        columns: "name sysname!, data_space_id int!, type code(2)!, type_desc desc, is_default bit, is_system bit, filegroup_guid uniqueidentifier, log_filegroup_id int, is_read_only bit, is_autogrow_all_files bit",
        rows: filegroups,
    },
    SystemView {
        name: "sys.data_spaces",
        columns: "name sysname!, data_space_id int!, type code(2)!, type_desc desc, is_default bit, is_system bit",
        rows: |c| {
            let groups = filegroups(c)?.into_iter().map(|mut r| {
                r.truncate(6);
                r
            });
            Ok(groups.chain(super::partitions::schemes(c)?).collect())
        },
    },
    SystemView {
        name: "sys.database_recovery_status",
        columns: "database_id int!, database_guid uniqueidentifier, family_guid uniqueidentifier, last_log_backup_lsn numeric(25,0), recovery_fork_guid uniqueidentifier, first_recovery_fork_guid uniqueidentifier, fork_point_lsn numeric(25,0)",
        rows: |c| {
            // No log is backed up here, so none of it waits for a backup.
            let one = |d: &DatabaseInfo| {
                let of = |f: fn(&DatabaseIdentity) -> [u8; 16]| {
                    d.identity.as_ref().map(f).filter(|g| *g != [0; 16])
                };
                let fork = of(|i| i.recovery_fork);
                row![d.id, of(|i| i.binding), of(|i| i.family), Value::Null, fork, fork, Value::Null]
            };
            Ok(c.source.databases().iter().map(one).collect())
        },
    },
    SystemView {
        name: "sys.database_query_store_options",
        columns: "desired_state smallint!, desired_state_desc desc, actual_state smallint!, actual_state_desc desc, readonly_reason int, current_storage_size_mb bigint, flush_interval_seconds bigint, interval_length_minutes bigint, max_storage_size_mb bigint, stale_query_threshold_days bigint, max_plans_per_query bigint, query_capture_mode smallint!, query_capture_mode_desc desc, capture_policy_execution_count int, capture_policy_total_compile_cpu_time_ms bigint, capture_policy_total_execution_cpu_time_ms bigint, capture_policy_stale_threshold_hours int, size_based_cleanup_mode smallint!, size_based_cleanup_mode_desc desc, wait_stats_capture_mode smallint!, wait_stats_capture_mode_desc desc, actual_state_additional_info nvarchar(4000)",
        rows: query_store_options,
    },
    SystemView {
        name: "sys.change_tracking_databases",
        columns: "database_id int!, is_auto_cleanup_on tinyint, retention_period int, retention_period_units tinyint, retention_period_units_desc desc, max_cleanup_version bigint",
        rows: change_tracking,
    },
    SystemView {
        name: "sys.dm_db_file_space_usage",
        columns: "database_id int, file_id smallint, filegroup_id smallint, total_page_count bigint, allocated_extent_page_count bigint, unallocated_extent_page_count bigint, version_store_reserved_page_count bigint, user_object_reserved_page_count bigint, internal_object_reserved_page_count bigint, mixed_extent_page_count bigint, modified_extent_page_count bigint",
        rows: space_usage,
    },
];

pub(super) fn state_desc(state: u8) -> &'static str {
    match state {
        0 => "ONLINE",
        1 => "RESTORING",
        2 => "RECOVERING",
        3 => "RECOVERY_PENDING",
        4 => "SUSPECT",
        5 => "EMERGENCY",
        _ => "OFFLINE",
    }
}

pub(super) fn recovery_desc(model: u8) -> &'static str {
    match model {
        1 => "FULL",
        2 => "BULK_LOGGED",
        _ => "SIMPLE",
    }
}

fn database(c: &ViewContext<'_>, d: &DatabaseInfo) -> Vec<Value> {
    let online = d.state == 0;
    let verify = ["NONE", "TORN_PAGE_DETECTION", "CHECKSUM"][usize::from(d.page_verify.min(2))];
    row![
        &d.name,
        d.id,
        Value::Null,
        Arc::clone(&d.owner_sid),
        d.created,
        d.compatibility_level,
        online.then(|| c.source.collation_name(d.collation)),
        match d.user_access() {
            "SINGLE_USER" => 1,
            "RESTRICTED_USER" => 2,
            _ => 0,
        },
        d.user_access(),
        d.read_only,
        d.is_on("AUTO_CLOSE", false),
        d.is_on("AUTO_SHRINK", false),
        d.state,
        state_desc(d.state),
        false,
        false,
        false,
        u8::from(d.allow_snapshot_isolation),
        if d.allow_snapshot_isolation { "ON" } else { "OFF" },
        d.read_committed_snapshot,
        d.recovery_model,
        recovery_desc(d.recovery_model),
        d.page_verify,
        verify,
        d.is_on("AUTO_CREATE_STATISTICS", true),
        false,
        d.is_on("AUTO_UPDATE_STATISTICS", true),
        d.is_on("AUTO_UPDATE_STATISTICS_ASYNC", false),
        d.is_on("ANSI_NULL_DEFAULT", false),
        d.is_on("ANSI_NULLS", false),
        d.is_on("ANSI_PADDING", false),
        d.is_on("ANSI_WARNINGS", false),
        d.is_on("ARITHABORT", false),
        d.is_on("CONCAT_NULL_YIELDS_NULL", false),
        d.is_on("NUMERIC_ROUNDABORT", false),
        d.is_on("QUOTED_IDENTIFIER", false),
        d.is_on("RECURSIVE_TRIGGERS", false),
        d.is_on("CURSOR_CLOSE_ON_COMMIT", false),
        d.options.get("CURSOR_DEFAULT").is_some_and(|v| v == "LOCAL"),
        false,
        d.is_on("TRUSTWORTHY", d.id == 4),
        d.is_on("DB_CHAINING", d.id <= 2),
        d.options.get("PARAMETERIZATION").is_some_and(|v| v == "FORCED"),
        false,
        d.is_on("QUERY_STORE", false),
        false,
        false,
        false,
        false,
        false,
        [0u8; 16],
        d.is_on("BROKER", d.id == 4),
        0,
        "NOTHING",
        d.is_on("DATE_CORRELATION_OPTIMIZATION", false),
        false,
        false,
        d.is_on("HONOR_BROKER_PRIORITY", false),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        0,
        "NONE",
        d.options.get("TARGET_RECOVERY_TIME").and_then(|v| v.parse::<i32>().ok()).unwrap_or(60),
        match d.options.get("DELAYED_DURABILITY").map(String::as_str) {
            Some("ALLOWED") => 1,
            Some("FORCED") => 2,
            _ => 0,
        },
        d.options.get("DELAYED_DURABILITY").map_or("DISABLED", String::as_str),
        d.is_on("MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT", false),
        false,
        false,
        d.version < 852,
        true,
        0,
        "DATABASE_DEFAULT",
        &d.name,
        false,
        d.is_on("ACCELERATED_DATABASE_RECOVERY", false),
        false,
        false,
        false,
        false,
        false,
        false
    ]
}

/// What is wanted of the Query Store, and that it is off: nothing is captured here.
fn query_store_options(c: &ViewContext<'_>) -> Rows {
    let d = c.source.database();
    let text = |name: &str, usual: &'static str| {
        d.options.get(&format!("QUERY_STORE.{name}")).map_or(usual, String::as_str).to_owned()
    };
    let number = |name: &str, usual: i64| text(name, "").parse().unwrap_or(usual);
    let place = |words: &[&str], word: &str| words.iter().position(|w| *w == word).unwrap_or(0) as i16;
    let on = d.is_on("QUERY_STORE", false);
    let desired = if on { text("OPERATION_MODE", "READ_WRITE") } else { "OFF".to_owned() };
    // CLEANUP_POLICY is kept with the one option that it has.
    let days =
        text("CLEANUP_POLICY", "").rsplit(' ').next().and_then(|n| n.parse::<i64>().ok()).unwrap_or(30);
    let (capture, cleanup) = (text("QUERY_CAPTURE_MODE", "AUTO"), text("SIZE_BASED_CLEANUP_MODE", "AUTO"));
    let waits = text("WAIT_STATS_CAPTURE_MODE", "ON");
    // The options of a policy of its own are kept as one text.
    let policies = text("QUERY_CAPTURE_POLICY", "");
    let words: Vec<&str> =
        policies.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let at = |name: &str| words.iter().position(|w| w.eq_ignore_ascii_case(name));
    let policy = |name: &str| words.get(at(name)? + 1)?.parse::<i64>().ok();
    let unit = at("STALE_CAPTURE_POLICY_THRESHOLD").and_then(|n| words.get(n + 2));
    let hours = if unit.is_some_and(|u| u.to_ascii_uppercase().starts_with("DAY")) { 24 } else { 1 };
    let stale = policy("STALE_CAPTURE_POLICY_THRESHOLD").map(|n| n * hours);
    Ok(vec![row![
        place(&["OFF", "READ_ONLY", "READ_WRITE"], &desired),
        desired,
        0i16,
        "OFF",
        0,
        0i64,
        number("DATA_FLUSH_INTERVAL_SECONDS", 900),
        number("INTERVAL_LENGTH_MINUTES", 60),
        number("MAX_STORAGE_SIZE_MB", 1000),
        days,
        number("MAX_PLANS_PER_QUERY", 200),
        // 1 ALL, 2 AUTO, 3 NONE, 4 CUSTOM.
        place(&["", "ALL", "AUTO", "NONE", "CUSTOM"], &capture),
        capture,
        policy("EXECUTION_COUNT"),
        policy("TOTAL_COMPILE_CPU_TIME_MS"),
        policy("TOTAL_EXECUTION_CPU_TIME_MS"),
        stale,
        place(&["OFF", "AUTO"], &cleanup),
        cleanup,
        place(&["OFF", "ON"], &waits),
        waits,
        Value::Null
    ]])
}

fn change_tracking(c: &ViewContext<'_>) -> Rows {
    let all = c.source.databases();
    let tracked = all.iter().filter(|d| d.is_on("CHANGE_TRACKING", false));
    Ok(tracked
        .map(|d| {
            let text = |name: &str| d.options.get(&format!("CHANGE_TRACKING.{name}")).map(String::as_str);
            let mut retention = text("CHANGE_RETENTION").unwrap_or("2 DAYS").split(' ');
            let period = retention.next().and_then(|n| n.parse::<i32>().ok()).unwrap_or(2);
            let (unit, words) = match retention.next().unwrap_or("DAYS") {
                w if w.starts_with("MINUTE") => (1u8, "MINUTES"),
                w if w.starts_with("HOUR") => (2, "HOURS"),
                _ => (3, "DAYS"),
            };
            row![d.id, u8::from(text("AUTO_CLEANUP") != Some("OFF")), period, unit, words, Value::Null]
        })
        .collect())
}

fn file(f: &FileInfo) -> Vec<Value> {
    let lsn = || Value::Null;
    row![
        f.file_id,
        f.guid,
        f.kind,
        if f.kind == 0 { "ROWS" } else { "LOG" },
        f.data_space_id,
        &f.logical_name,
        &f.physical_name,
        0,
        "ONLINE",
        f.size,
        f.max_size,
        f.growth,
        false,
        false,
        false,
        f.percent_growth,
        false,
        false,
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn(),
        lsn()
    ]
}

fn master_files(c: &ViewContext<'_>) -> Rows {
    let mut rows = Vec::new();
    // Of all databases: the least that shows them is CREATE ANY DATABASE, ALTER ANY DATABASE or VIEW ANY DEFINITION.
    let may = |r: &crate::security::Reader| ["CRDB", "ALDB", "VWAD"].iter().any(|p| r.has_server(p));
    if !c.reader.as_ref().is_none_or(may) {
        return Ok(rows);
    }
    for d in c.source.databases() {
        // Where they will be: master knows that, the database itself does not yet.
        let moved = c.source.moved_files(d.id);
        for f in &d.files {
            let mut f = f.clone();
            if let Some(path) = u16::try_from(f.file_id).ok().and_then(|id| moved.get(&id)) {
                f.physical_name = path.display().to_string().into();
            }
            let mut r = row![d.id];
            r.extend(file(&f));
            r.push(Value::Null);
            rows.push(r);
        }
    }
    Ok(rows)
}

/// Filegroups are sysclsobjs class 31; system databases without pages show PRIMARY.
/// A filegroup of the current database.
pub struct FilegroupRow {
    pub name: Arc<str>,
    pub id: i32,
    pub default: bool,
    pub read_only: bool,
}

pub fn filegroup_rows(source: &dyn ViewSource) -> SqlResult<Vec<FilegroupRow>> {
    let row = |name: Arc<str>, id: i32, status: i32| FilegroupRow {
        name,
        id,
        default: status & 1 != 0,
        read_only: false,
    };
    let mut rows: Vec<FilegroupRow> = source
        .base_rows("sysclsobjs")?
        .iter()
        .filter(|r| r.int("class") == 31 && r.text("type").trim() != SCHEME_TYPE)
        .map(|r| row(r.text("name"), r.int("id"), r.int("status")))
        .collect();
    if rows.is_empty() {
        rows.push(row("PRIMARY".into(), 1, 1));
    }
    // Databases that were made before the bit existed have PRIMARY alone.
    if !rows.iter().any(|r| r.default) {
        for r in &mut rows {
            r.default = r.id == 1;
        }
    }
    Ok(rows)
}

fn filegroups(c: &ViewContext<'_>) -> Rows {
    Ok(filegroup_rows(c.source)?
        .into_iter()
        .map(|g| {
            row![
                g.name,
                g.id,
                "FG",
                "ROWS_FILEGROUP",
                g.default,
                false,
                Value::Null,
                Value::Null,
                g.read_only,
                false
            ]
        })
        .collect())
}

/// Pages reserved in a data file. `None` of a log.
pub fn used_pages(source: &dyn ViewSource, file: &FileInfo) -> Option<i64> {
    if file.kind == 0 { source.reserved_pages(file.file_id) } else { None }
}

fn space_usage(c: &ViewContext<'_>) -> Rows {
    let d = c.source.database();
    Ok(d.files
        .iter()
        .filter_map(|f| Some((f, used_pages(c.source, f)?)))
        .map(|(f, used)| {
            let free = (i64::from(f.size) - used).max(0);
            row![
                d.id,
                f.file_id,
                f.data_space_id,
                i64::from(f.size),
                used,
                free,
                0i64,
                used,
                0i64,
                0i64,
                Value::Null
            ]
        })
        .collect())
}
