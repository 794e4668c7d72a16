//! Tables that the system databases have and that scripts and tools read: `master.dbo.spt_values`, the histories of `msdb`.
//!
//! Invariants
//! 1. Each belongs to one database and is found there only, under dbo and without a schema.
//! 2. `spt_values` holds the types whose rows are known, each of them whole (see [`super::spt_values`]).
//! 3. The histories are empty: no backup is made here yet, restores and jobs are not recorded.
//!
//! Evidence: column names and types from the documentation of the tables of msdb; `spt_values` from how scripts use it.

use std::sync::Arc;

use holdfast_engine::catalog::TableDef;
use holdfast_types::{NameOrder, SqlType, Value};

use super::table::{ComputedRows, variant};
use super::{SystemView, ViewSource, row};

const MASTER: i32 = 1;
const MSDB: i32 = 4;

const fn empty(name: &'static str, columns: &'static str) -> SystemView {
    SystemView { name, columns, rows: |_| Ok(Vec::new()) }
}

pub const TABLES: &[(i32, SystemView)] = &[
    (
        MASTER,
        SystemView {
            name: "dbo.spt_values",
            columns: "name nvarchar(35), number int!, type nchar(3)!, low int, high int, status int",
            rows: |_| Ok(super::spt_values::rows()),
        },
    ),
    (
        MSDB,
        empty(
            "dbo.backupset",
            "backup_set_id int!, backup_set_uuid uniqueidentifier!, media_set_id int!, first_family_number tinyint, first_media_number smallint, last_family_number tinyint, last_media_number smallint, catalog_family_number tinyint, catalog_media_number smallint, position int, expiration_date datetime, software_vendor_id int, name nvarchar(128), description nvarchar(255), user_name nvarchar(128), software_major_version tinyint, software_minor_version tinyint, software_build_version smallint, time_zone smallint, mtf_minor_version tinyint, first_lsn numeric(25,0), last_lsn numeric(25,0), checkpoint_lsn numeric(25,0), database_backup_lsn numeric(25,0), database_creation_date datetime, backup_start_date datetime, backup_finish_date datetime, type char(1), sort_order smallint, code_page smallint, compatibility_level tinyint, database_version int, backup_size numeric(20,0), database_name nvarchar(128), server_name nvarchar(128), machine_name nvarchar(128), flags int, unicode_locale int, unicode_compare_style int, collation_name nvarchar(128), is_password_protected bit, recovery_model nvarchar(60), has_bulk_logged_data bit, is_snapshot bit, is_readonly bit, is_single_user bit, has_backup_checksums bit, is_damaged bit, begins_log_chain bit, has_incomplete_metadata bit, is_force_offline bit, is_copy_only bit, first_recovery_fork_guid uniqueidentifier, last_recovery_fork_guid uniqueidentifier, fork_point_lsn numeric(25,0), database_guid uniqueidentifier, family_guid uniqueidentifier, differential_base_lsn numeric(25,0), differential_base_guid uniqueidentifier, compressed_backup_size numeric(20,0), key_algorithm nvarchar(32), encryptor_thumbprint varbinary(20), encryptor_type nvarchar(32)",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.backupmediafamily",
            "media_set_id int!, family_sequence_number tinyint!, media_family_id uniqueidentifier, media_count int, logical_device_name nvarchar(128), physical_device_name nvarchar(260), device_type tinyint, physical_block_size int, mirror tinyint!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.backupmediaset",
            "media_set_id int!, media_uuid uniqueidentifier, media_family_count tinyint, name nvarchar(128), description nvarchar(255), software_name nvarchar(128), software_vendor_id int, MTF_major_version tinyint, mirror_count tinyint, is_password_protected bit, is_compressed bit, is_encrypted bit",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.backupfile",
            "backup_set_id int!, first_family_number tinyint, first_media_number smallint, filegroup_name nvarchar(128), page_size int, file_number numeric(10,0)!, backed_up_page_count numeric(10,0), file_type char(1), source_file_block_size numeric(10,0), file_size numeric(20,0), logical_name nvarchar(128), physical_drive nvarchar(260), physical_name nvarchar(260), state tinyint, state_desc nvarchar(64), create_lsn numeric(25,0), drop_lsn numeric(25,0), file_guid uniqueidentifier, read_only_lsn numeric(25,0), read_write_lsn numeric(25,0), differential_base_lsn numeric(25,0), differential_base_guid uniqueidentifier, backup_size numeric(20,0), filegroup_guid uniqueidentifier, is_readonly bit, is_present bit",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.restorehistory",
            "restore_history_id int!, restore_date datetime, destination_database_name nvarchar(128), user_name nvarchar(128), backup_set_id int!, restore_type char(1), replace bit, recovery bit, restart bit, stop_at datetime, device_count tinyint, stop_at_mark_name nvarchar(128), stop_before bit",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.restorefile",
            "restore_history_id int!, file_number numeric(10,0), destination_phys_drive nvarchar(260), destination_phys_name nvarchar(260)",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.suspect_pages",
            "database_id int!, file_id int!, page_id bigint!, event_type int!, error_count int!, last_update_date datetime!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobs",
            "job_id uniqueidentifier!, originating_server_id int!, name sysname!, enabled tinyint!, description nvarchar(512), start_step_id int!, category_id int!, owner_sid varbinary(85)!, notify_level_eventlog int!, notify_level_email int!, notify_level_netsend int!, notify_level_page int!, notify_email_operator_id int!, notify_netsend_operator_id int!, notify_page_operator_id int!, delete_level int!, date_created datetime!, date_modified datetime!, version_number int!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobsteps",
            "job_id uniqueidentifier!, step_id int!, step_name sysname!, subsystem nvarchar(40)!, command nvarchar(max), flags int!, additional_parameters nvarchar(max), cmdexec_success_code int!, on_success_action tinyint!, on_success_step_id int!, on_fail_action tinyint!, on_fail_step_id int!, server sysname, database_name sysname, database_user_name sysname, retry_attempts int!, retry_interval int!, os_run_priority int!, output_file_name nvarchar(200), last_run_outcome int!, last_run_duration int!, last_run_retries int!, last_run_date int!, last_run_time int!, proxy_id int, step_uid uniqueidentifier",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobhistory",
            "instance_id int!, job_id uniqueidentifier!, step_id int!, step_name sysname!, sql_message_id int!, sql_severity int!, message nvarchar(4000), run_status int!, run_date int!, run_time int!, run_duration int!, operator_id_emailed int!, operator_id_netsent int!, operator_id_paged int!, retries_attempted int!, server sysname!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobactivity",
            "session_id int!, job_id uniqueidentifier!, run_requested_date datetime, run_requested_source sysname, queued_date datetime, start_execution_date datetime, last_executed_step_id int, last_executed_step_date datetime, stop_execution_date datetime, job_history_id int, next_scheduled_run_date datetime",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobservers",
            "job_id uniqueidentifier!, server_id int!, last_run_outcome tinyint!, last_outcome_message nvarchar(4000), last_run_date int!, last_run_time int!, last_run_duration int!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysjobschedules",
            "schedule_id int, job_id uniqueidentifier, next_run_date int!, next_run_time int!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysalerts",
            "id int!, name sysname!, event_source nvarchar(100)!, event_category_id int, event_id int, message_id int!, severity int!, enabled tinyint!, delay_between_responses int!, last_occurrence_date int!, last_occurrence_time int!, last_response_date int!, last_response_time int!, notification_message nvarchar(512), include_event_description tinyint!, database_name nvarchar(512), event_description_keyword nvarchar(100), occurrence_count int!, count_reset_date int!, count_reset_time int!, job_id uniqueidentifier!, has_notification int!, flags int!, performance_condition nvarchar(512), category_id int!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.sysoperators",
            "id int!, name sysname!, enabled tinyint!, email_address nvarchar(100), last_email_date int!, last_email_time int!, pager_address nvarchar(100), last_pager_date int!, last_pager_time int!, weekday_pager_start_time int!, weekday_pager_end_time int!, saturday_pager_start_time int!, saturday_pager_end_time int!, sunday_pager_start_time int!, sunday_pager_end_time int!, pager_days tinyint!, netsend_address nvarchar(100), last_netsend_date int!, last_netsend_time int!, category_id int!",
        ),
    ),
    (
        MSDB,
        empty(
            "dbo.syscategories",
            "category_id int!, category_class int!, category_type tinyint!, name sysname!",
        ),
    ),
    (
        MSDB,
        SystemView {
            name: "dbo.syspolicy_configuration",
            columns: "name sysname!, current_value sql_variant",
            rows: |_| {
                // Policies are not evaluated here.
                let off = |name: &str| row![name, variant(Value::Int(0), SqlType::INT)];
                Ok(["Enabled", "HistoryRetentionInDays", "LogOnSuccess"].map(off).into())
            },
        },
    ),
];

/// What is a view where others are tables.
const OF_VIEWS: &[&str] = &["syspolicy_", "syscollector_"];
const VIEWS: &[&str] = &[
    "sysjobs_view",
    "sysschedules_localserver_view",
    "sysmail_allitems",
    "sysmail_event_log",
    "sysmail_mailattachments",
    "sysmaintplan_plans",
    "sysdac_instances",
];

/// Whether a table of this file is a view in SQL Server.
pub fn is_view(name: &str) -> bool {
    VIEWS.contains(&name) || OF_VIEWS.iter().any(|p| name.starts_with(p))
}

/// The tables of a database.
pub fn of(database: i32) -> impl Iterator<Item = &'static SystemView> {
    let of_msdb = super::empty_msdb::TABLES.iter().map(|t| (MSDB, t));
    let all = TABLES.iter().map(|(database, t)| (*database, t)).chain(of_msdb);
    all.filter(move |(of, _)| *of == database).map(|(_, t)| t)
}

/// The table `name` of the database that `source` is of.
pub fn resolve(names: NameOrder, name: &str, source: &Arc<dyn ViewSource>) -> Option<Arc<TableDef>> {
    let named = |t: &&SystemView| t.name.strip_prefix("dbo.").is_some_and(|n| names.same(n, name));
    let found = of(source.database().id).find(named)?;
    Some(ComputedRows::table_def(found, Arc::clone(source)))
}
