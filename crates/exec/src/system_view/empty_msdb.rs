//! Tables and views of msdb that nothing is written to: jobs, mail, log shipping, maintenance plans, policies.
//!
//! Invariants
//! 1. Names, order and types of columns are those of the documentation of the tables of msdb.

use super::SystemView;
use super::empty::empty;

pub const TABLES: &[SystemView] = &[
    empty(
        "dbo.backupfilegroup",
        "backup_set_id int!, name sysname!, filegroup_id int!, filegroup_guid uniqueidentifier, type char(2)!, type_desc nvarchar(60)!, is_default bit!, is_readonly bit!, log_filegroup_guid uniqueidentifier",
    ),
    empty("dbo.restorefilegroup", "restore_history_id int!, filegroup_name nvarchar(128)"),
    empty(
        "dbo.logmarkhistory",
        "database_name nvarchar(128)!, mark_name nvarchar(128)!, description nvarchar(255), user_name nvarchar(128)!, lsn numeric(25,0)!, mark_time datetime!",
    ),
    empty(
        "dbo.sysdownloadlist",
        "instance_id int!, source_server sysname!, operation_code tinyint!, object_type tinyint!, object_id uniqueidentifier!, target_server sysname!, error_message nvarchar(1024), date_posted datetime!, date_downloaded datetime, status tinyint!, deleted_object_name sysname",
    ),
    empty(
        "dbo.sysjobs_view",
        "job_id uniqueidentifier!, originating_server sysname, name sysname!, enabled tinyint!, description nvarchar(512), start_step_id int!, category_id int!, owner_sid varbinary(85)!, notify_level_eventlog int!, notify_level_email int!, notify_level_netsend int!, notify_level_page int!, notify_email_operator_id int!, notify_netsend_operator_id int!, notify_page_operator_id int!, delete_level int!, date_created datetime!, date_modified datetime!, version_number int!, originating_server_id int!, master_server bit",
    ),
    empty(
        "dbo.sysjobstepslogs",
        "log_id int!, log nvarchar(max)!, date_created datetime!, date_modified datetime!, log_size bigint!, step_uid uniqueidentifier!",
    ),
    empty("dbo.sysnotifications", "alert_id int!, operator_id int!, notification_method tinyint!"),
    empty(
        "dbo.sysoriginatingservers",
        "originating_server_id int, originating_server sysname!, master_server bit",
    ),
    empty(
        "dbo.sysproxies",
        "proxy_id int!, name sysname!, credential_id int!, enabled tinyint!, description nvarchar(512), user_sid varbinary(85)!, credential_date_created datetime!",
    ),
    empty("dbo.sysproxylogin", "proxy_id int!, sid varbinary(85), flags int!"),
    empty("dbo.sysproxysubsystem", "subsystem_id int!, proxy_id int!"),
    empty(
        "dbo.sysschedules",
        "schedule_id int!, schedule_uid uniqueidentifier!, originating_server_id int!, name sysname!, owner_sid varbinary(85)!, enabled int!, freq_type int!, freq_interval int!, freq_subday_type int!, freq_subday_interval int!, freq_relative_interval int!, freq_recurrence_factor int!, active_start_date int!, active_end_date int!, active_start_time int!, active_end_time int!, date_created datetime!, date_modified datetime!, version_number int!",
    ),
    empty(
        "dbo.sysschedules_localserver_view",
        "schedule_id int!, schedule_uid uniqueidentifier!, originating_server_id int!, name sysname!, owner_sid varbinary(85)!, enabled int!, freq_type int!, freq_interval int!, freq_subday_type int!, freq_subday_interval int!, freq_relative_interval int!, freq_recurrence_factor int!, active_start_date int!, active_end_date int!, active_start_time int!, active_end_time int!, date_created datetime!, date_modified datetime!, version_number int!, originating_server sysname, master_server bit",
    ),
    empty("dbo.syssessions", "session_id int!, agent_start_date datetime!"),
    empty(
        "dbo.syssubsystems",
        "subsystem_id int!, subsystem nvarchar(40)!, description_id int, subsystem_dll nvarchar(255), agent_exe nvarchar(255), start_entry_point nvarchar(30), event_entry_point nvarchar(30), stop_entry_point nvarchar(30), max_worker_threads int",
    ),
    empty("dbo.systargetservergroupmembers", "servergroup_id int!, server_id int!"),
    empty("dbo.systargetservergroups", "servergroup_id int!, name sysname!"),
    empty(
        "dbo.systargetservers",
        "server_id int!, server_name sysname!, location nvarchar(200), time_zone_adjustment int!, enlist_date datetime!, last_poll_date datetime!, status int!, local_time_at_last_poll datetime!, enlisted_by_nt_user nvarchar(100)!, poll_interval int!",
    ),
    empty("dbo.systaskids", "task_id int!, job_id uniqueidentifier!"),
    empty(
        "dbo.sysmail_account",
        "account_id int!, name sysname!, description nvarchar(256), email_address nvarchar(128)!, display_name nvarchar(128), replyto_address nvarchar(128), last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_allitems",
        "mailitem_id int!, profile_id int!, recipients varchar(max), copy_recipients varchar(max), blind_copy_recipients varchar(max), subject nvarchar(255), body nvarchar(max), body_format varchar(20), importance varchar(6), sensitivity varchar(12), file_attachments nvarchar(max), attachment_encoding varchar(20), query nvarchar(max), execute_query_database sysname, attach_query_result_as_file bit, query_result_header bit, query_result_width int, query_result_separator char(1), exclude_query_output bit, append_query_error bit, send_request_date datetime!, send_request_user sysname!, sent_account_id int, sent_status varchar(8), sent_date datetime, last_mod_date datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_configuration",
        "paramname nvarchar(256)!, paramvalue nvarchar(256), description nvarchar(256), last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_event_log",
        "log_id int!, event_type varchar(11)!, log_date datetime!, description nvarchar(max), process_id int, mailitem_id int, account_id int, last_mod_date datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_mailattachments",
        "attachment_id int!, mailitem_id int!, filename nvarchar(260)!, filesize int!, attachment varbinary(max), last_mod_date datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_principalprofile",
        "profile_id int!, principal_sid varbinary(85)!, is_default bit!, last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_profile",
        "profile_id int!, name sysname!, description nvarchar(256), last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_profileaccount",
        "profile_id int!, account_id int!, sequence_number int, last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_server",
        "account_id int!, servertype sysname!, servername sysname!, port int!, username nvarchar(128), credential_id int, use_default_credentials bit!, enable_ssl bit!, flags int!, timeout int, last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysmail_servertype",
        "servertype sysname!, is_incoming bit!, is_outgoing bit!, last_mod_datetime datetime!, last_mod_user sysname!",
    ),
    empty(
        "dbo.sysdbmaintplans",
        "plan_id uniqueidentifier!, plan_name sysname!, date_created datetime!, owner sysname!, max_history_rows int!, remote_history_server sysname!, max_remote_history_rows int!, user_defined_1 int, user_defined_2 nvarchar(100), user_defined_3 datetime, user_defined_4 uniqueidentifier",
    ),
    empty("dbo.sysdbmaintplan_databases", "plan_id uniqueidentifier!, database_name sysname!"),
    empty(
        "dbo.sysdbmaintplan_history",
        "sequence_id int!, plan_id uniqueidentifier!, plan_name sysname!, database_name sysname, server_name sysname!, activity nvarchar(128), succeeded bit!, end_time datetime!, duration int, start_time datetime, error_number int!, message nvarchar(512)",
    ),
    empty("dbo.sysdbmaintplan_jobs", "plan_id uniqueidentifier!, job_id uniqueidentifier!"),
    empty(
        "dbo.sysmaintplan_log",
        "task_detail_id uniqueidentifier!, plan_id uniqueidentifier, subplan_id uniqueidentifier, start_time datetime!, end_time datetime, succeeded bit, logged_remotely bit!, source_server_name nvarchar(128), plan_name sysname, subplan_name sysname",
    ),
    empty(
        "dbo.sysmaintplan_logdetail",
        "task_detail_id uniqueidentifier!, line1 nvarchar(256), line2 nvarchar(256), line3 nvarchar(256), line4 nvarchar(256), line5 nvarchar(256), server_name sysname!, start_time datetime!, end_time datetime, error_number int, error_message nvarchar(max), command nvarchar(max), succeeded bit",
    ),
    empty(
        "dbo.sysmaintplan_plans",
        "id uniqueidentifier, name sysname!, description nvarchar(1024), create_date datetime!, owner sysname, version_major int, version_minor int, version_build int, version_comments nvarchar(1024), from_msx bit!, has_targets bit!",
    ),
    empty(
        "dbo.sysmaintplan_subplans",
        "subplan_id uniqueidentifier!, subplan_name sysname!, subplan_description nvarchar(512), plan_id uniqueidentifier!, job_id uniqueidentifier!, msx_job_id uniqueidentifier, schedule_id int, msx_plan bit!",
    ),
    empty(
        "dbo.sysssispackages",
        "name sysname!, id uniqueidentifier!, description nvarchar(1024), createdate datetime!, folderid uniqueidentifier!, ownersid varbinary(85)!, packagedata image!, packageformat int!, packagetype int!, vermajor int!, verminor int!, verbuild int!, vercomments nvarchar(1024), verid uniqueidentifier!, isencrypted bit!, readrolesid varbinary(85), writerolesid varbinary(85)",
    ),
    empty(
        "dbo.sysssispackagefolders",
        "folderid uniqueidentifier!, parentfolderid uniqueidentifier, foldername sysname!",
    ),
    empty(
        "dbo.sysssislog",
        "id int!, event sysname!, computer nvarchar(128)!, operator nvarchar(128)!, source nvarchar(1024)!, sourceid uniqueidentifier!, executionid uniqueidentifier!, starttime datetime!, endtime datetime!, datacode int!, databytes image, message nvarchar(2048)!",
    ),
    empty("dbo.log_shipping_monitor_alert", "alert_job_id uniqueidentifier!"),
    empty(
        "dbo.log_shipping_monitor_error_detail",
        "agent_id uniqueidentifier!, agent_type tinyint!, session_id int!, database_name sysname, sequence_number int!, log_time datetime!, log_time_utc datetime!, message nvarchar(4000)!, source nvarchar(4000)!, help_url nvarchar(4000)!",
    ),
    empty(
        "dbo.log_shipping_monitor_history_detail",
        "agent_id uniqueidentifier!, agent_type tinyint!, session_id int!, database_name sysname, session_status tinyint!, log_time datetime!, log_time_utc datetime!, message nvarchar(4000)!",
    ),
    empty(
        "dbo.log_shipping_monitor_primary",
        "primary_id uniqueidentifier!, primary_server sysname!, primary_database sysname!, backup_threshold int!, threshold_alert int!, threshold_alert_enabled bit!, last_backup_file nvarchar(500), last_backup_date datetime, last_backup_date_utc datetime, history_retention_period int!",
    ),
    empty(
        "dbo.log_shipping_monitor_secondary",
        "secondary_server sysname!, secondary_database sysname!, secondary_id uniqueidentifier!, primary_server sysname!, primary_database sysname!, restore_threshold int!, threshold_alert int!, threshold_alert_enabled bit!, last_copied_file nvarchar(500), last_copied_date datetime, last_copied_date_utc datetime, last_restored_file nvarchar(500), last_restored_date datetime, last_restored_date_utc datetime, last_restored_latency int, history_retention_period int!",
    ),
    empty(
        "dbo.log_shipping_primary_databases",
        "primary_id uniqueidentifier!, primary_database sysname!, backup_directory nvarchar(500)!, backup_share nvarchar(500)!, backup_retention_period int!, backup_job_id uniqueidentifier!, monitor_server sysname!, user_specified_monitor bit, monitor_server_security_mode bit!, last_backup_file nvarchar(500), last_backup_date datetime, backup_compression tinyint!",
    ),
    empty(
        "dbo.log_shipping_primary_secondaries",
        "primary_id uniqueidentifier!, secondary_server sysname!, secondary_database sysname!",
    ),
    empty(
        "dbo.log_shipping_secondary",
        "secondary_id uniqueidentifier!, primary_server sysname!, primary_database sysname!, backup_source_directory nvarchar(500)!, backup_destination_directory nvarchar(500)!, file_retention_period int!, copy_job_id uniqueidentifier!, restore_job_id uniqueidentifier!, monitor_server sysname!, monitor_server_security_mode bit!, user_specified_monitor bit, last_copied_file nvarchar(500), last_copied_date datetime",
    ),
    empty(
        "dbo.log_shipping_secondary_databases",
        "secondary_database sysname!, secondary_id uniqueidentifier!, restore_delay int!, restore_all bit!, restore_mode bit!, disconnect_users bit!, block_size int, buffer_count int, max_transfer_size int, last_restored_file nvarchar(500), last_restored_date datetime",
    ),
    empty(
        "dbo.syspolicy_conditions",
        "condition_id int!, name sysname!, date_created datetime, description nvarchar(max)!, created_by sysname!, modified_by sysname, date_modified datetime, facet nvarchar(max), expression nvarchar(max), is_name_condition smallint, obj_name sysname, is_system bit!",
    ),
    empty(
        "dbo.syspolicy_policies",
        "policy_id int!, name sysname!, condition_id int!, root_condition_id int, date_created datetime!, execution_mode int!, policy_category_id int, schedule_uid uniqueidentifier, description nvarchar(max)!, help_text nvarchar(4000)!, help_link nvarchar(2083)!, object_set_id int, is_enabled bit!, job_id uniqueidentifier, created_by sysname!, modified_by sysname, date_modified datetime, is_system bit!",
    ),
    empty(
        "dbo.syspolicy_policy_categories",
        "policy_category_id int!, name sysname!, mandate_database_subscriptions bit!",
    ),
    empty(
        "dbo.syspolicy_policy_category_subscriptions",
        "policy_category_subscription_id int!, target_type sysname!, target_object sysname!, policy_category_id int!",
    ),
    empty(
        "dbo.syspolicy_policy_execution_history",
        "history_id bigint!, policy_id int!, start_date datetime!, end_date datetime, result bit!, is_full_run bit!, exception_message nvarchar(max), exception nvarchar(max)",
    ),
    empty(
        "dbo.syspolicy_policy_execution_history_details",
        "detail_id bigint!, history_id bigint!, target_query_expression nvarchar(max)!, target_query_expression_with_id nvarchar(max)!, execution_date datetime!, result bit!, result_detail nvarchar(max), exception_message nvarchar(max), exception nvarchar(max)",
    ),
    empty(
        "dbo.syspolicy_system_health_state",
        "health_state_id bigint!, policy_id int!, last_run_date datetime!, target_query_expression_with_id nvarchar(400)!, target_query_expression nvarchar(max)!, result bit!",
    ),
    empty(
        "dbo.syspolicy_object_sets",
        "object_set_id int!, object_set_name sysname!, facet_id int!, facet_name nvarchar(max), is_system bit!",
    ),
    empty(
        "dbo.syspolicy_target_sets",
        "target_set_id int!, object_set_id int!, type_skeleton nvarchar(440)!, type sysname!, enabled bit!",
    ),
    empty(
        "dbo.syspolicy_target_set_levels",
        "target_set_level_id int!, target_set_id int!, type_skeleton nvarchar(440)!, condition_id int, level_name sysname!",
    ),
    empty(
        "dbo.sysdac_instances",
        "instance_id uniqueidentifier!, instance_name sysname!, type_name sysname!, type_version nvarchar(64)!, description nvarchar(4000), type_stream varbinary(max)!, date_created datetime!, created_by sysname!, database_name sysname",
    ),
    empty(
        "dbo.syscollector_collection_items",
        "collection_set_id int!, collection_item_id int!, collector_type_uid uniqueidentifier!, name nvarchar(4000), name_id int, frequency int!, parameters xml",
    ),
    empty(
        "dbo.syscollector_collection_sets",
        "collection_set_id int!, collection_set_uid uniqueidentifier!, name nvarchar(4000), name_id int, target nvarchar(max), is_running bit!, is_system bit!, proxy_id int, schedule_uid uniqueidentifier, collection_mode smallint!, logging_level smallint!, description nvarchar(4000), description_id int, days_until_expiration smallint!, dump_on_any_error bit!, dump_on_codes nvarchar(max)",
    ),
    empty("dbo.syscollector_config_store", "parameter_name nvarchar(128)!, parameter_value sql_variant"),
];
