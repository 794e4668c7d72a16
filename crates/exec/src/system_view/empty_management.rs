//! Dynamic management views without rows: what they would show is not measured, or not there (see [`super::empty`]).

use super::SystemView;

const fn empty(name: &'static str, columns: &'static str) -> SystemView {
    SystemView { name, columns, rows: |_| Ok(Vec::new()) }
}

macro_rules! module_statistics {
    ($more:literal) => {
        concat!("database_id int!, object_id int!, type code(2), type_desc desc, sql_handle varbinary(64), plan_handle varbinary(64), cached_time datetime, last_execution_time datetime, execution_count bigint!, total_worker_time bigint!, last_worker_time bigint!, min_worker_time bigint!, max_worker_time bigint!, total_physical_reads bigint!, last_physical_reads bigint!, min_physical_reads bigint!, max_physical_reads bigint!, total_logical_writes bigint!, last_logical_writes bigint!, min_logical_writes bigint!, max_logical_writes bigint!, total_logical_reads bigint!, last_logical_reads bigint!, min_logical_reads bigint!, max_logical_reads bigint!, total_elapsed_time bigint!, last_elapsed_time bigint!, min_elapsed_time bigint!, max_elapsed_time bigint!, ", $more, "total_num_physical_reads bigint, last_num_physical_reads bigint, min_num_physical_reads bigint, max_num_physical_reads bigint, total_page_server_reads bigint, last_page_server_reads bigint, min_page_server_reads bigint, max_page_server_reads bigint, total_num_page_server_reads bigint, last_num_page_server_reads bigint, min_num_page_server_reads bigint, max_num_page_server_reads bigint")
    };
}

pub const VIEWS: &[SystemView] = &[
    // Statements and plans: no statistics of executions are kept.
    empty(
        "sys.dm_exec_cached_plans",
        "bucketid int!, refcounts int!, usecounts int!, size_in_bytes int!, memory_object_address varbinary(8)!, cacheobjtype nvarchar(50)!, objtype nvarchar(20)!, plan_handle varbinary(64)!, pool_id int!, parent_plan_handle varbinary(64)",
    ),
    empty(
        "sys.dm_exec_query_stats",
        "sql_handle varbinary(64)!, statement_start_offset int!, statement_end_offset int!, plan_generation_num bigint, plan_handle varbinary(64)!, creation_time datetime, last_execution_time datetime, execution_count bigint!, total_worker_time bigint!, last_worker_time bigint!, min_worker_time bigint!, max_worker_time bigint!, total_physical_reads bigint!, last_physical_reads bigint!, min_physical_reads bigint!, max_physical_reads bigint!, total_logical_writes bigint!, last_logical_writes bigint!, min_logical_writes bigint!, max_logical_writes bigint!, total_logical_reads bigint!, last_logical_reads bigint!, min_logical_reads bigint!, max_logical_reads bigint!, total_clr_time bigint!, last_clr_time bigint!, min_clr_time bigint!, max_clr_time bigint!, total_elapsed_time bigint!, last_elapsed_time bigint!, min_elapsed_time bigint!, max_elapsed_time bigint!, query_hash binary(8), query_plan_hash binary(8), total_rows bigint, last_rows bigint, min_rows bigint, max_rows bigint, statement_sql_handle varbinary(64), statement_context_id bigint, total_dop bigint, last_dop bigint, min_dop bigint, max_dop bigint, total_grant_kb bigint, last_grant_kb bigint, min_grant_kb bigint, max_grant_kb bigint, total_used_grant_kb bigint, last_used_grant_kb bigint, min_used_grant_kb bigint, max_used_grant_kb bigint, total_ideal_grant_kb bigint, last_ideal_grant_kb bigint, min_ideal_grant_kb bigint, max_ideal_grant_kb bigint, total_reserved_threads bigint, last_reserved_threads bigint, min_reserved_threads bigint, max_reserved_threads bigint, total_used_threads bigint, last_used_threads bigint, min_used_threads bigint, max_used_threads bigint, total_columnstore_segment_reads bigint, last_columnstore_segment_reads bigint, min_columnstore_segment_reads bigint, max_columnstore_segment_reads bigint, total_columnstore_segment_skips bigint, last_columnstore_segment_skips bigint, min_columnstore_segment_skips bigint, max_columnstore_segment_skips bigint, total_spills bigint, last_spills bigint, min_spills bigint, max_spills bigint, total_num_physical_reads bigint, last_num_physical_reads bigint, min_num_physical_reads bigint, max_num_physical_reads bigint, total_page_server_reads bigint, last_page_server_reads bigint, min_page_server_reads bigint, max_page_server_reads bigint, total_num_page_server_reads bigint, last_num_page_server_reads bigint, min_num_page_server_reads bigint, max_num_page_server_reads bigint",
    ),
    empty(
        "sys.dm_exec_procedure_stats",
        module_statistics!("total_spills bigint, last_spills bigint, min_spills bigint, max_spills bigint, "),
    ),
    empty(
        "sys.dm_exec_trigger_stats",
        module_statistics!("total_spills bigint, last_spills bigint, min_spills bigint, max_spills bigint, "),
    ),
    empty("sys.dm_exec_function_stats", module_statistics!("")),
    empty(
        "sys.dm_exec_query_memory_grants",
        "session_id smallint, request_id int, scheduler_id int, dop smallint, request_time datetime, grant_time datetime, requested_memory_kb bigint, granted_memory_kb bigint, required_memory_kb bigint, used_memory_kb bigint, max_used_memory_kb bigint, query_cost float, timeout_sec int, resource_semaphore_id smallint, queue_id smallint, wait_order int, is_next_candidate bit, wait_time_ms bigint, plan_handle varbinary(64), sql_handle varbinary(64), group_id int, pool_id int, is_small bit, ideal_memory_kb bigint, reserved_worker_count int, used_worker_count int, max_used_worker_count int, reserved_node_bitmap bigint",
    ),
    empty(
        "sys.dm_exec_session_wait_stats",
        "session_id smallint!, wait_type nvarchar(60)!, waiting_tasks_count bigint!, wait_time_ms bigint!, max_wait_time_ms bigint!, signal_wait_time_ms bigint!",
    ),
    empty(
        "sys.dm_exec_query_profiles",
        "session_id smallint, request_id int, sql_handle varbinary(64), plan_handle varbinary(64), physical_operator_name nvarchar(256), node_id int, thread_id int, task_address varbinary(8), row_count bigint, rewind_count bigint, rebind_count bigint, end_of_scan_count bigint, estimate_row_count bigint, first_active_time bigint, last_active_time bigint, open_time bigint, first_row_time bigint, last_row_time bigint, close_time bigint, elapsed_time_ms bigint, cpu_time_ms bigint, database_id smallint, object_id int, index_id int, scan_count bigint, logical_read_count bigint, physical_read_count bigint, read_ahead_count bigint, write_page_count bigint, lob_logical_read_count bigint, lob_physical_read_count bigint, lob_read_ahead_count bigint, segment_read_count int, segment_skip_count int, actual_read_row_count bigint, estimated_read_row_count bigint",
    ),
    empty("sys.dm_exec_query_optimizer_info", "counter nvarchar(4000)!, occurrence bigint!, value float"),
    // Indexes: none is proposed.
    empty("sys.dm_db_missing_index_groups", "index_group_handle int!, index_handle int!"),
    empty(
        "sys.dm_db_missing_index_group_stats",
        "group_handle int!, unique_compiles bigint!, user_seeks bigint!, user_scans bigint!, last_user_seek datetime, last_user_scan datetime, avg_total_user_cost float, avg_user_impact float, system_seeks bigint!, system_scans bigint!, last_system_seek datetime, last_system_scan datetime, avg_total_system_cost float, avg_system_impact float",
    ),
    empty(
        "sys.dm_db_column_store_row_group_physical_stats",
        "object_id int!, index_id int!, partition_number int!, row_group_id int!, delta_store_hobt_id bigint, state tinyint!, state_desc desc, total_rows bigint!, deleted_rows bigint, size_in_bytes bigint!, trim_reason tinyint, trim_reason_desc desc, transition_to_compressed_state tinyint, transition_to_compressed_state_desc desc, has_vertipaq_optimization bit, generation bigint, created_time datetime2, closed_time datetime2",
    ),
    empty("sys.dm_db_persisted_sku_features", "feature_name sysname, feature_id int"),
    empty(
        "sys.dm_db_tuning_recommendations",
        "name nvarchar(4000), type nvarchar(4000), reason nvarchar(4000), valid_since datetime2, last_refresh datetime2, state nvarchar(4000), is_executable_action bit, is_revertable_action bit, execute_action_start_time datetime2, execute_action_duration int, execute_action_initiated_by nvarchar(4000), execute_action_initiated_time datetime2, revert_action_start_time datetime2, revert_action_duration int, revert_action_initiated_by nvarchar(4000), revert_action_initiated_time datetime2, score int, details nvarchar(max)",
    ),
    empty(
        "sys.dm_db_mirroring_connections",
        "connection_id uniqueidentifier, transport_stream_id uniqueidentifier, state smallint, state_desc desc, connect_time datetime, login_time datetime, authentication_method nvarchar(128), principal_name nvarchar(128), remote_user_name nvarchar(128), last_activity_time datetime, is_accept bit, login_state smallint, login_state_desc desc, peer_certificate_id int, encryption_algorithm smallint, encryption_algorithm_desc desc, receives_posted smallint, is_receive_flow_controlled bit, sends_posted smallint, is_send_flow_controlled bit, total_bytes_sent bigint, total_bytes_received bigint, total_fragments_sent bigint, total_fragments_received bigint, total_sends bigint, total_receives bigint, peer_arbitration_id uniqueidentifier, address nvarchar(256)",
    ),
    // The machine: not measured.
    empty(
        "sys.dm_os_latch_stats",
        "latch_class nvarchar(60)!, waiting_requests_count bigint, wait_time_ms bigint, max_wait_time_ms bigint",
    ),
    empty(
        "sys.dm_os_spinlock_stats",
        "name nvarchar(256)!, collisions bigint, spins bigint, spins_per_collision real, sleep_time bigint, backoffs int",
    ),
    empty(
        "sys.dm_os_ring_buffers",
        "ring_buffer_address varbinary(8)!, ring_buffer_type nvarchar(60)!, timestamp bigint!, record nvarchar(3072)",
    ),
    empty(
        "sys.dm_os_memory_clerks",
        "memory_clerk_address varbinary(8)!, type nvarchar(60)!, name nvarchar(256), memory_node_id smallint!, pages_kb bigint!, virtual_memory_reserved_kb bigint!, virtual_memory_committed_kb bigint!, awe_allocated_kb bigint!, shared_memory_reserved_kb bigint!, shared_memory_committed_kb bigint!, page_size_in_bytes bigint!, page_allocator_address varbinary(8)!, host_address varbinary(8)!, parent_memory_broker_type nvarchar(60)",
    ),
    empty(
        "sys.dm_os_memory_cache_counters",
        "cache_address varbinary(8)!, name nvarchar(256)!, type nvarchar(60)!, pages_kb bigint!, pages_in_use_kb bigint, entries_count bigint!, entries_in_use_count bigint!",
    ),
    empty(
        "sys.dm_os_buffer_descriptors",
        "database_id int, file_id int, page_id int, page_level int, allocation_unit_id bigint, page_type nvarchar(60), row_count int, free_space_in_bytes int, is_modified bit, numa_node int, read_microsec bigint, is_in_bpool_extension bit, error_code int, op_history varbinary(8)",
    ),
    empty(
        "sys.dm_io_pending_io_requests",
        "io_completion_request_address varbinary(8)!, io_type nvarchar(60)!, io_pending_ms_ticks bigint!, io_pending int!, io_completion_routine_address varbinary(8), io_user_data_address varbinary(8), scheduler_address varbinary(8)!, io_handle varbinary(8), io_offset bigint!, io_handle_path nvarchar(256)",
    ),
    empty(
        "sys.dm_server_registry",
        "registry_key nvarchar(256), value_name nvarchar(256), value_data sql_variant",
    ),
    empty(
        "sys.dm_server_memory_dumps",
        "filename nvarchar(256)!, creation_time datetime2!, size_in_bytes bigint",
    ),
    empty("sys.dm_clr_properties", "name nvarchar(128), value nvarchar(128)"),
    empty(
        "sys.dm_tran_version_store_space_usage",
        "database_id int, reserved_page_count bigint, reserved_space_kb bigint",
    ),
    // Parts of the server that are not there.
    empty(
        "sys.dm_xe_session_targets",
        "event_session_address varbinary(8)!, target_name nvarchar(60)!, target_package_guid uniqueidentifier!, execution_count bigint!, execution_duration_ms bigint!, target_data nvarchar(max), bytes_written bigint",
    ),
    empty(
        "sys.dm_resource_governor_workload_groups",
        "group_id int!, name sysname!, pool_id int!, external_pool_id int!, statistics_start_time datetime!, total_request_count bigint!, total_queued_request_count bigint!, active_request_count int!, queued_request_count int!, total_cpu_limit_violation_count bigint!, total_cpu_usage_ms bigint!, max_request_cpu_time_ms bigint!, blocked_task_count int!, total_lock_wait_count bigint!, total_lock_wait_time_ms bigint!, total_query_optimization_count bigint!, total_suboptimal_plan_generation_count bigint!, total_reduced_memgrant_count bigint!, max_request_grant_memory_kb bigint!, active_parallel_thread_count bigint!, importance sysname!, request_max_memory_grant_percent int!, request_max_cpu_time_sec int!, request_memory_grant_timeout_sec int!, group_max_requests int!, max_dop int!, effective_max_dop int!, total_cpu_usage_preemptive_ms bigint!, request_max_memory_grant_percent_numeric float!",
    ),
    empty(
        "sys.dm_resource_governor_resource_pools",
        "pool_id int!, name sysname!, statistics_start_time datetime!, total_cpu_usage_ms bigint!, cache_memory_kb bigint!, compile_memory_kb bigint!, used_memgrant_kb bigint!, total_memgrant_count bigint!, total_memgrant_timeout_count bigint!, active_memgrant_count int!, active_memgrant_kb bigint!, memgrant_waiter_count int!, max_memory_kb bigint!, used_memory_kb bigint!, target_memory_kb bigint!, out_of_memory_count bigint!, min_cpu_percent int!, max_cpu_percent int!, min_memory_percent int!, max_memory_percent int!, cap_cpu_percent int!, min_iops_per_volume int, max_iops_per_volume int, read_io_queued_total int, read_io_issued_total int, read_io_completed_total int!, read_io_throttled_total int, read_bytes_total bigint!, read_io_stall_total_ms bigint!, read_io_stall_queued_ms bigint, write_io_queued_total int, write_io_issued_total int, write_io_completed_total int!, write_io_throttled_total int, write_bytes_total bigint!, write_io_stall_total_ms bigint!, write_io_stall_queued_ms bigint, io_issue_violations_total int, io_issue_delay_total_ms bigint, io_issue_ahead_total_ms bigint, reserved_io_limited_by_volume_total int, io_issue_delay_non_throttled_total_ms bigint, total_cpu_delayed_ms bigint!, total_cpu_active_ms bigint!, total_cpu_violation_delay_ms bigint!, total_cpu_violation_sec bigint!, total_cpu_usage_preemptive_ms bigint!",
    ),
    empty(
        "sys.dm_server_audit_status",
        "audit_id int!, name sysname!, status smallint!, status_desc nvarchar(256)!, status_time datetime2!, event_session_address varbinary(8), audit_file_path nvarchar(256), audit_file_size bigint",
    ),
    empty(
        "sys.dm_fts_active_catalogs",
        "database_id int!, catalog_id int!, memory_address varbinary(8)!, name nvarchar(128)!, is_paused bit!, status int!, status_description nvarchar(120), previous_status int!, previous_status_description nvarchar(120), worker_count int!, active_fts_index_count int!, auto_population_count int!, manual_population_count int!, full_incremental_population_count int!, row_count_in_thousands int!, is_importing bit!",
    ),
    empty(
        "sys.query_store_query",
        "query_id bigint!, query_text_id bigint!, context_settings_id bigint!, object_id bigint, batch_sql_handle varbinary(64), query_hash binary(8)!, is_internal_query bit!, query_parameterization_type tinyint!, query_parameterization_type_desc desc, initial_compile_start_time datetime2!, last_compile_start_time datetime2, last_execution_time datetime2, last_compile_batch_sql_handle varbinary(64), last_compile_batch_offset_start bigint, last_compile_batch_offset_end bigint, count_compiles bigint, avg_compile_duration float, last_compile_duration bigint, avg_bind_duration float, last_bind_duration bigint, avg_bind_cpu_time float, last_bind_cpu_time bigint, avg_optimize_duration float, last_optimize_duration bigint, avg_optimize_cpu_time float, last_optimize_cpu_time bigint, avg_compile_memory_kb float, last_compile_memory_kb bigint, max_compile_memory_kb bigint, is_clouddb_internal_query bit",
    ),
    empty(
        "sys.query_store_query_text",
        "query_text_id bigint!, query_sql_text nvarchar(max), statement_sql_handle varbinary(64), is_part_of_encrypted_module bit!, has_restricted_text bit!",
    ),
    empty("sys.trace_events", "trace_event_id smallint!, category_id smallint!, name nvarchar(128)"),
    empty(
        "sys.traces",
        "id int!, status int!, path nvarchar(260), max_size bigint, stop_time datetime, max_files int, is_rowset bit, is_rollover bit, is_shutdown bit, is_default bit, buffer_count int, buffer_size int, file_position bigint, reader_spid int, start_time datetime, last_event_time datetime, event_count bigint, dropped_event_count int",
    ),
    empty("sys.type_assembly_usages", "user_type_id int!, assembly_id int!"),
    empty(
        "sys.edge_constraints",
        "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, is_schema_published bit!, is_disabled bit!, is_not_trusted bit!, is_system_named bit!, delete_referential_action tinyint, delete_referential_action_desc desc",
    ),
    empty(
        "sys.event_notifications",
        "name sysname!, object_id int!, parent_class tinyint!, parent_class_desc desc, parent_id int!, create_date datetime!, modify_date datetime!, service_name nvarchar(256), broker_instance nvarchar(128), creator_sid varbinary(85), principal_id int",
    ),
    empty(
        "sys.conversation_endpoints",
        "conversation_handle uniqueidentifier!, conversation_id uniqueidentifier!, is_initiator bit!, service_contract_id int!, conversation_group_id uniqueidentifier!, service_id int!, lifetime datetime!, state char(2)!, state_desc desc, far_service nvarchar(256)!, far_broker_instance nvarchar(128), principal_id int!, far_principal_id int!, outbound_session_key_identifier uniqueidentifier!, inbound_session_key_identifier uniqueidentifier!, security_timestamp datetime!, dialog_timer datetime!, send_sequence bigint!, last_send_tran_id binary(6)!, end_dialog_sequence bigint!, receive_sequence bigint!, receive_sequence_frag int!, system_sequence bigint!, first_out_of_order_sequence bigint!, last_out_of_order_sequence bigint!, last_out_of_order_frag int!, is_system bit!, priority tinyint!",
    ),
    empty(
        "sys.database_credentials",
        "name sysname!, principal_id int!, credential_id int!, credential_identity nvarchar(4000), create_date datetime!, modify_date datetime!, target_type nvarchar(100), target_id int",
    ),
];
