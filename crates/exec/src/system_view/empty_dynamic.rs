//! Dynamic management views of what is not there or not measured: present, with the documented columns, and empty.
//!
//! Invariants
//! 1. Names, order and types of columns are those of the documentation of the dynamic management views (2016 to 2022).

use super::SystemView;
use super::empty::empty;

pub const VIEWS: &[SystemView] = &[
    empty(
        "sys.dm_audit_actions",
        "action_id varchar(4), name nvarchar(128)!, class_desc nvarchar(35)!, covering_action_name nvarchar(128), parent_class_desc nvarchar(35), covering_parent_action_name nvarchar(128), configuration_level nvarchar(10), containing_group_name nvarchar(128)!, action_in_log bit!",
    ),
    empty(
        "sys.dm_audit_class_type_map",
        "class_type varchar(2)!, class_type_desc nvarchar(35), securable_class_desc nvarchar(35)",
    ),
    empty(
        "sys.dm_broker_activated_tasks",
        "spid int, database_id smallint, queue_id int, procedure_name nvarchar(2590), execute_as int",
    ),
    empty(
        "sys.dm_broker_connections",
        "connection_id uniqueidentifier, transport_stream_id uniqueidentifier, state smallint, state_desc nvarchar(60), connect_time datetime, login_time datetime, authentication_method nvarchar(128), principal_name nvarchar(128), remote_user_name nvarchar(128), last_activity_time datetime, is_accept bit, login_state smallint, login_state_desc nvarchar(60), peer_certificate_id int, encryption_algorithm smallint, encryption_algorithm_desc nvarchar(60), receives_posted smallint, is_receive_flow_controlled bit, sends_posted smallint, is_send_flow_controlled bit, total_bytes_sent bigint, total_bytes_received bigint, total_fragments_sent bigint, total_fragments_received bigint, total_sends bigint, total_receives bigint, peer_arbitration_id uniqueidentifier",
    ),
    empty(
        "sys.dm_broker_forwarded_messages",
        "conversation_id uniqueidentifier, is_initiator bit, to_service_name nvarchar(256), to_broker_instance nvarchar(256), from_service_name nvarchar(256), from_broker_instance nvarchar(256), adjacent_broker_address nvarchar(256), message_sequence_number bigint, message_fragment_number int, hops_remaining tinyint, time_to_live int, time_consumed int, message_id uniqueidentifier",
    ),
    empty(
        "sys.dm_broker_queue_monitors",
        "database_id int, queue_id int, state nvarchar(32), last_empty_rowset_time datetime, last_activated_time datetime, tasks_waiting int",
    ),
    empty(
        "sys.dm_cdc_errors",
        "session_id int!, phase_number int!, entry_time datetime!, error_number int!, error_severity int!, error_state int!, error_message nvarchar(1024)!, start_lsn nvarchar(23)!, begin_lsn nvarchar(23)!, sequence_value nvarchar(23)!",
    ),
    empty(
        "sys.dm_cdc_log_scan_sessions",
        "session_id int!, start_time datetime!, end_time datetime!, duration int!, scan_phase nvarchar(200)!, error_count int!, start_lsn nvarchar(23)!, current_lsn nvarchar(23)!, end_lsn nvarchar(23)!, tran_count bigint!, last_commit_lsn nvarchar(23)!, last_commit_time datetime!, log_record_count bigint!, schema_change_count int!, command_count bigint!, first_begin_cdc_lsn nvarchar(23)!, last_commit_cdc_lsn nvarchar(23)!, last_commit_cdc_time datetime!, latency int!, empty_scan_count int!, failed_sessions_count int!",
    ),
    empty(
        "sys.dm_clr_appdomains",
        "appdomain_address varbinary(8)!, appdomain_id int, appdomain_name nvarchar(386), creation_time datetime, db_id int, user_id int, state nvarchar(128), strong_refcount int, weak_refcount int, cost int, value int, compatibility_level int, total_processor_time_ms bigint, total_allocated_memory_kb bigint, survived_memory_kb bigint",
    ),
    empty(
        "sys.dm_clr_loaded_assemblies",
        "assembly_id int, appdomain_address varbinary(8)!, load_time datetime",
    ),
    empty(
        "sys.dm_clr_tasks",
        "task_address varbinary(8)!, sos_task_address varbinary(8), appdomain_address varbinary(8), state nvarchar(128), abort_state nvarchar(128), type nvarchar(128), affinity_count int, forced_yield_count int",
    ),
    empty(
        "sys.dm_cluster_endpoints",
        "name nvarchar(60)!, description nvarchar(1000)!, endpoint nvarchar(1000)!, protocol_desc nvarchar(60)!",
    ),
    empty(
        "sys.dm_column_encryption_enclave",
        "current_memory_size_kb bigint!, max_memory_size_kb bigint!, enclave_init_state smallint, enclave_init_state_desc nvarchar(60)",
    ),
    empty(
        "sys.dm_column_store_object_pool",
        "database_id int!, object_id int!, index_id int!, partition_number bigint, column_id int!, row_group_id int!, object_type smallint!, object_type_desc nvarchar(60)!, access_count int!, memory_used_in_bytes bigint!, object_load_time datetime",
    ),
    empty(
        "sys.dm_cryptographic_provider_properties",
        "provider_id int!, guid uniqueidentifier!, provider_version nvarchar(256)!, sqlcrypt_version nvarchar(256)!, friendly_name nvarchar(2048)!, authentication_type nvarchar(256)!, symmetric_key_support tinyint!, asymmetric_key_support tinyint!, symmetric_key_persistance tinyint!, asymmetric_key_persistance tinyint!, symmetric_key_export tinyint!, asymmetric_key_export tinyint!, symmetric_key_import tinyint!, asymmetric_key_import tinyint!",
    ),
    empty(
        "sys.dm_db_column_store_row_group_operational_stats",
        "object_id int!, index_id int!, partition_number int!, row_group_id int!, index_scan_count bigint!, scan_count bigint!, delete_buffer_scan_count bigint!, row_group_lock_count bigint!, row_group_lock_wait_count bigint!, row_group_lock_wait_in_ms bigint!, returned_row_count bigint!, returned_aggregate_count bigint!, returned_group_count bigint!, input_groupby_row_count bigint!",
    ),
    empty(
        "sys.dm_db_fts_index_physical_stats",
        "object_id int!, fulltext_index_page_count bigint, keyphrase_index_page_count bigint, similarity_index_page_count bigint",
    ),
    empty(
        "sys.dm_db_mirroring_auto_page_repair",
        "database_id int!, file_id int!, page_id bigint!, error_type int!, page_status int!, modification_time datetime!",
    ),
    empty(
        "sys.dm_db_missing_index_group_stats_query",
        "group_handle int!, query_hash binary(8)!, query_plan_hash binary(8)!, last_sql_handle varbinary(64)!, last_statement_start_offset int!, last_statement_end_offset int!, last_statement_sql_handle varbinary(64)!, user_seeks bigint!, user_scans bigint!, last_user_seek datetime, last_user_scan datetime, avg_total_user_cost float, avg_user_impact float, system_seeks bigint!, system_scans bigint!, last_system_seek datetime, last_system_scan datetime, avg_total_system_cost float, avg_system_impact float",
    ),
    empty(
        "sys.dm_db_rda_migration_status",
        "table_id int!, database_id int!, migrated_rows bigint!, start_time_utc datetime!, end_time_utc datetime, error_number int, error_severity int, error_state int",
    ),
    empty(
        "sys.dm_db_rda_schema_update_status",
        "table_id int!, database_id int!, task_id bigint!, task_type int!, task_type_desc nvarchar(60)!, task_state int!, task_state_desc nvarchar(60)!, start_time_utc datetime!, end_time_utc datetime, error_number int, error_severity int, error_state int",
    ),
    empty(
        "sys.dm_db_session_space_usage",
        "session_id smallint, database_id smallint, user_objects_alloc_page_count bigint, user_objects_dealloc_page_count bigint, internal_objects_alloc_page_count bigint, internal_objects_dealloc_page_count bigint, user_objects_deferred_dealloc_page_count bigint",
    ),
    empty(
        "sys.dm_db_task_space_usage",
        "task_address varbinary(8)!, is_remote_task bit!, session_id smallint, request_id int, exec_context_id int, database_id int, user_objects_alloc_page_count bigint, user_objects_dealloc_page_count bigint, internal_objects_alloc_page_count bigint, internal_objects_dealloc_page_count bigint",
    ),
    empty(
        "sys.dm_db_uncontained_entities",
        "class int!, class_desc nvarchar(120)!, major_id int!, statement_line_number int, statement_offset_begin int, statement_offset_end int, statement_type nvarchar(512), feature_name nvarchar(256), feature_type_name nvarchar(256)",
    ),
    empty(
        "sys.dm_db_xtp_checkpoint_files",
        "container_id int!, container_guid uniqueidentifier!, checkpoint_file_id uniqueidentifier, relative_file_path nvarchar(256)!, file_type smallint!, file_type_desc nvarchar(60)!, internal_storage_slot int, checkpoint_pair_file_id uniqueidentifier, file_size_in_bytes bigint!, file_size_used_in_bytes bigint, logical_row_count bigint, state smallint!, state_desc nvarchar(60)!, lower_bound_tsn bigint, upper_bound_tsn bigint, begin_checkpoint_id bigint, end_checkpoint_id bigint, last_updated_checkpoint_id bigint, encryption_status int, encryption_status_desc nvarchar(60)",
    ),
    empty(
        "sys.dm_db_xtp_gc_cycle_stats",
        "cycle_id bigint!, ticks_at_cycle_start bigint!, ticks_at_cycle_end bigint!, base_generation bigint!, xacts_copied_to_local bigint!, xacts_in_gen_0 bigint!, xacts_in_gen_1 bigint!, xacts_in_gen_2 bigint!, xacts_in_gen_3 bigint!, xacts_in_gen_4 bigint!, xacts_in_gen_5 bigint!, xacts_in_gen_6 bigint!, xacts_in_gen_7 bigint!, xacts_in_gen_8 bigint!, xacts_in_gen_9 bigint!, xacts_in_gen_10 bigint!, xacts_in_gen_11 bigint!, xacts_in_gen_12 bigint!, xacts_in_gen_13 bigint!, xacts_in_gen_14 bigint!, xacts_in_gen_15 bigint!",
    ),
    empty(
        "sys.dm_db_xtp_hash_index_stats",
        "object_id int!, xtp_object_id bigint!, index_id int!, total_bucket_count bigint!, empty_bucket_count bigint, avg_chain_length bigint!, max_chain_length bigint!",
    ),
    empty(
        "sys.dm_db_xtp_index_stats",
        "object_id bigint!, xtp_object_id bigint!, index_id int!, scans_started bigint!, scans_retries bigint!, rows_returned bigint!, rows_touched bigint!, rows_expiring bigint!, rows_expired bigint!, rows_expired_removed bigint!, phantom_scans_started bigint!, phantom_scans_retries bigint!, phantom_rows_touched bigint!, phantom_expiring_rows_encountered bigint!, phantom_expired_rows_encountered bigint!, phantom_expired_removed_rows_encountered bigint!, phantom_expired_rows_removed bigint!, object_address varbinary(8)!",
    ),
    empty(
        "sys.dm_db_xtp_memory_consumers",
        "memory_consumer_id bigint!, memory_consumer_type int!, memory_consumer_type_desc nvarchar(16)!, memory_consumer_desc nvarchar(64)!, object_id bigint, xtp_object_id bigint, index_id int, allocated_bytes bigint!, used_bytes bigint!, allocation_count int!, partition_count int!, sizeclass_count int!, min_sizeclass int!, max_sizeclass int!, memory_consumer_address varbinary(8)!",
    ),
    empty(
        "sys.dm_db_xtp_nonclustered_index_stats",
        "object_id int!, xtp_object_id bigint!, index_id int!, delta_pages bigint!, internal_pages bigint!, leaf_pages bigint!, outstanding_retired_nodes bigint!, page_update_count bigint!, page_update_retry_count bigint!, page_consolidation_count bigint!, page_consolidation_retry_count bigint!, page_split_count bigint!, page_split_retry_count bigint!, key_split_count bigint!, key_split_retry_count bigint!, page_merge_count bigint!, page_merge_retry_count bigint!, key_merge_count bigint!, key_merge_retry_count bigint!, uses_key_normalization bit!",
    ),
    empty(
        "sys.dm_db_xtp_object_stats",
        "object_id bigint!, xtp_object_id bigint!, row_insert_attempts bigint!, row_update_attempts bigint!, row_delete_attempts bigint!, write_conflicts bigint!, unique_constraint_violations bigint!, object_address varbinary(8)!",
    ),
    empty(
        "sys.dm_db_xtp_table_memory_stats",
        "object_id int, memory_allocated_for_table_kb bigint, memory_used_by_table_kb bigint, memory_allocated_for_indexes_kb bigint, memory_used_by_indexes_kb bigint",
    ),
    empty(
        "sys.dm_db_xtp_transactions",
        "node_id smallint!, xtp_transaction_id bigint!, transaction_id bigint, session_id smallint!, begin_tsn bigint, end_tsn bigint, state int!, state_desc nvarchar(16)!, result int!, result_desc nvarchar(24)!, xtp_parent_transaction_node_id smallint, xtp_parent_transaction_id bigint, last_error int!, is_speculative bit!, is_prepared bit!, is_delayed_durability bit!, memory_address varbinary(8)!, database_address varbinary(8)!, thread_id int!, read_set_row_count int!, write_set_row_count int!, scan_set_count int!, commit_dependency_count int!, commit_dependency_total_attempt_count int!",
    ),
    empty(
        "sys.dm_exec_background_job_queue",
        "time_queued datetime!, job_id int!, database_id int!, object_id1 int!, object_id2 int!, object_id3 int!, object_id4 int!, error_code int, request_type smallint!, retry_count smallint!, in_progress smallint!, session_id smallint",
    ),
    empty(
        "sys.dm_exec_background_job_queue_stats",
        "queue_max_len int!, enqueued_count int!, started_count int!, ended_count int!, failed_lock_count int!, failed_other_count int!, failed_giveup_count int!, enqueue_failed_full_count int!, enqueue_failed_duplicate_count int!, elapsed_avg_ms int, elapsed_max_ms int",
    ),
    empty(
        "sys.dm_exec_compute_node_errors",
        "error_id nvarchar(36), source nvarchar(255), type nvarchar(255), create_time datetime, compute_node_id int, execution_id nvarchar(36), spid int, thread_id int, details nvarchar(4000), compute_pool_id int",
    ),
    empty(
        "sys.dm_exec_compute_nodes",
        "compute_node_id int, type nvarchar(32), name nvarchar(32), address nvarchar(32), compute_pool_id int",
    ),
    empty(
        "sys.dm_exec_distributed_requests",
        "sql_handle varbinary(64), execution_id nvarchar(32), status nvarchar(32), error_id nvarchar(36), start_time datetime, end_time datetime, total_elapsed_time int, compute_pool_id int",
    ),
    empty(
        "sys.dm_exec_external_work",
        "execution_id nvarchar(32), step_index int, dms_step_index int, compute_node_id int, type nvarchar(60), work_id int, input_name nvarchar(4000), read_location bigint, read_command nvarchar(4000), bytes_processed bigint, length bigint, start_time datetime, end_time datetime, total_elapsed_time int, status nvarchar(32), compute_pool_id int",
    ),
    empty(
        "sys.dm_exec_query_optimizer_memory_gateways",
        "pool_id int!, name sysname!, max_count int!, active_count int!, waiter_count int!, threshold_factor bigint!, threshold bigint!, is_active bit!",
    ),
    empty(
        "sys.dm_exec_query_parallel_workers",
        "node_id int!, scheduler_count int!, max_worker_count int!, reserved_worker_count int!, free_worker_count int!, used_worker_count int!",
    ),
    empty(
        "sys.dm_exec_query_resource_semaphores",
        "resource_semaphore_id smallint!, target_memory_kb bigint, max_target_memory_kb bigint, total_memory_kb bigint, available_memory_kb bigint, granted_memory_kb bigint, used_memory_kb bigint, grantee_count int, waiter_count int, timeout_error_count bigint, forced_grant_count bigint, pool_id int",
    ),
    empty(
        "sys.dm_exec_query_transformation_stats",
        "name nvarchar(256)!, promise_total bigint!, promise_avg float, promised bigint!, built_substitute bigint!, succeeded bigint!",
    ),
    empty("sys.dm_exec_valid_use_hints", "name sysname!"),
    empty(
        "sys.dm_external_script_execution_stats",
        "language nvarchar(128)!, counter_name nvarchar(128)!, counter_value bigint!",
    ),
    empty(
        "sys.dm_external_script_requests",
        "external_script_request_id uniqueidentifier!, language nvarchar(128)!, degree_of_parallelism int!, external_user_name nvarchar(128)",
    ),
    empty(
        "sys.dm_filestream_file_io_handles",
        "handle_context_address varbinary(8), creation_request_id int, creation_irp_id int, handle_id int, creation_client_thread_id varbinary(8), creation_client_process_id varbinary(8), filestream_transaction_id varbinary(128), access_type nvarchar(60), logical_path nvarchar(256), physical_path nvarchar(256)",
    ),
    empty(
        "sys.dm_filestream_file_io_requests",
        "request_context_address varbinary(8), current_spid smallint, request_type nvarchar(60), request_state nvarchar(60), request_id int, irp_id int, handle_id int, client_thread_id varbinary(8), client_process_id varbinary(8), handle_context_address varbinary(8), filestream_transaction_id varbinary(128)",
    ),
    empty(
        "sys.dm_filestream_non_transacted_handles",
        "database_id int!, object_id int!, handle_id int!, file_object_type int!, file_object_type_desc nvarchar(120)!, correlation_process_id varbinary(8)!, correlation_thread_id varbinary(8)!, file_context varbinary(8)!, state int!, state_desc nvarchar(120)!, current_workitem_type int!, current_workitem_type_desc nvarchar(120)!, fcb_id bigint!, item_id varbinary(892)!, is_directory bit!, item_name nvarchar(256)!, opened_file_name nvarchar(256)!, database_directory_name nvarchar(256)!, table_directory_name nvarchar(256)!, remaining_file_name nvarchar(256)!, open_time datetime!, flags int!, login_id int!, login_name nvarchar(256)!, login_sid varbinary(85)!, read_access bit!, write_access bit!, delete_access bit!, share_read_access bit!, share_write_access bit!, share_delete_access bit!",
    ),
    empty(
        "sys.dm_fts_fdhosts",
        "fdhost_id int!, fdhost_name nvarchar(120)!, fdhost_process_id int!, fdhost_type nvarchar(120)!, max_thread int!, batch_count int!",
    ),
    empty(
        "sys.dm_fts_index_population",
        "database_id int!, catalog_id int!, table_id int!, memory_address varbinary(8)!, population_type int!, population_type_description nvarchar(120)!, is_clustered_index_scan bit!, range_count int!, completed_range_count int!, outstanding_batch_count int!, status int!, status_description nvarchar(120)!, completion_type int!, completion_type_description nvarchar(120)!, worker_count int!, queued_population_type int!, queued_population_type_description nvarchar(120)!, start_time datetime!, incremental_timestamp timestamp!",
    ),
    empty(
        "sys.dm_fts_memory_buffers",
        "pool_id int!, memory_address varbinary(8)!, name nvarchar(4000)!, is_free bit!, row_count int!, bytes_used int!, percent_used int!",
    ),
    empty(
        "sys.dm_fts_memory_pools",
        "pool_id int!, buffer_size int!, min_buffer_limit int!, max_buffer_limit int!, buffer_count int!",
    ),
    empty(
        "sys.dm_fts_outstanding_batches",
        "database_id int!, catalog_id int!, table_id int!, batch_id int!, memory_address varbinary(8)!, crawl_memory_address varbinary(8)!, memregion_memory_address varbinary(8)!, hr_batch int!, is_retry_batch bit!, retry_hints int!, retry_hints_description nvarchar(120)!, doc_failed bigint!, batch_timestamp timestamp!",
    ),
    empty(
        "sys.dm_fts_population_ranges",
        "memory_address varbinary(8)!, parent_memory_address varbinary(8)!, is_retry bit!, session_id smallint!, processed_row_count int!, error_count int!",
    ),
    empty(
        "sys.dm_fts_semantic_similarity_population",
        "database_id int!, catalog_id int!, table_id int!, document_count int!, document_processed_count int!, completion_type int!, completion_type_description nvarchar(120)!, worker_count int!, status int!, status_description nvarchar(120)!, start_time datetime!, incremental_timestamp timestamp!",
    ),
    empty(
        "sys.dm_hadr_instance_node_map",
        "ag_resource_id nvarchar(256)!, instance_name nvarchar(256)!, node_name nvarchar(256)!",
    ),
    empty(
        "sys.dm_hadr_name_id_map",
        "ag_name nvarchar(256)!, ag_id uniqueidentifier!, ag_resource_id nvarchar(256)!, ag_group_id nvarchar(256)!",
    ),
    empty(
        "sys.dm_hadr_physical_seeding_stats",
        "local_physical_seeding_id uniqueidentifier!, remote_physical_seeding_id uniqueidentifier, local_database_id int, local_database_name nvarchar(128)!, remote_machine_name nvarchar(256)!, role_desc nvarchar(60), internal_state_desc nvarchar(60)!, transfer_rate_bytes_per_second bigint!, transferred_size_bytes bigint!, database_size_bytes bigint!, start_time_utc datetime!, end_time_utc datetime, estimate_time_complete_utc datetime, total_disk_io_wait_time_ms bigint!, total_network_wait_time_ms bigint!, failure_code int, failure_message nvarchar(512), failure_time_utc datetime, is_compression_enabled bit!",
    ),
    empty(
        "sys.dm_io_backup_tapes",
        "physical_device_name nvarchar(520)!, logical_device_name nvarchar(256), status int!, status_desc nvarchar(520)!, mount_request_time datetime, mount_expiration_time datetime, database_name nvarchar(256), spid int, command int, command_desc nvarchar(120), media_family_id int, media_set_name nvarchar(256), media_set_guid uniqueidentifier, media_sequence_number int, tape_operation int, tape_operation_desc nvarchar(120), mount_request_type int, mount_request_type_desc nvarchar(120)",
    ),
    empty("sys.dm_io_cluster_shared_drives", "DriveName nchar(2)!"),
    empty(
        "sys.dm_io_cluster_valid_path_names",
        "path_name nvarchar(512)!, cluster_owner_node nvarchar(60), is_cluster_shared_volume bit!",
    ),
    empty(
        "sys.dm_os_buffer_pool_extension_configuration",
        "path nvarchar(256), file_id int, state int!, state_description nvarchar(60)!, current_size_in_kb bigint",
    ),
    empty(
        "sys.dm_os_child_instances",
        "owning_principal_name nvarchar(256), owning_principal_sid nvarchar(256), owning_principal_sid_binary varbinary(85), instance_name nvarchar(128), instance_pipe_name nvarchar(260), os_process_id int, os_process_creation_date datetime, heart_beat nvarchar(5)",
    ),
    empty(
        "sys.dm_os_dispatcher_pools",
        "dispatcher_pool_address varbinary(8)!, type nvarchar(256)!, name nvarchar(256)!, dispatcher_count int!, dispatcher_ideal_count int!, dispatcher_timeout_ms int!, dispatcher_waiting_count int!, queue_length int!",
    ),
    empty(
        "sys.dm_os_enumerate_fixed_drives",
        "fixed_drive_path nvarchar(512), drive_type int, drive_type_desc nvarchar(512), free_space_in_bytes bigint",
    ),
    empty(
        "sys.dm_os_hosts",
        "host_address varbinary(8)!, type nvarchar(60)!, name nvarchar(32)!, enqueued_tasks_count int!, active_tasks_count int!, completed_ios_count int!, completed_ios_in_bytes bigint!, active_ios_count int!, default_memory_clerk_address varbinary(8)!",
    ),
    empty(
        "sys.dm_os_job_object",
        "cpu_rate int, cpu_affinity_mask bigint, cpu_affinity_group int, memory_limit_mb bigint, process_memory_limit_mb bigint, workingset_limit_mb bigint, non_sos_mem_gap_mb bigint, low_mem_signal_threshold_mb bigint, total_user_time bigint, total_kernel_time bigint, write_operation_count bigint, read_operation_count bigint, peak_process_memory_used_mb bigint, peak_job_memory_used_mb bigint",
    ),
    empty(
        "sys.dm_os_loaded_modules",
        "base_address varbinary(8)!, file_version varchar(23), product_version varchar(23), debug bit, patched bit, prerelease bit, private_build bit, special_build bit, language int, company nvarchar(256), description nvarchar(256), name nvarchar(255)!",
    ),
    empty(
        "sys.dm_os_memory_allocations",
        "memory_object_address varbinary(8)!, memory_allocation_address varbinary(8)!, size_in_bytes bigint!, creation_time datetime!, source_file varchar(256), source_line int, sequence_num int, tag int!",
    ),
    empty(
        "sys.dm_os_memory_broker_clerks",
        "clerk_name nvarchar(60), total_kb bigint, simulated_kb bigint, simulation_benefit decimal(12,10), internal_benefit decimal(12,10), external_benefit decimal(12,10), value_of_memory decimal(12,10), periodic_freed_kb bigint, internal_freed_kb bigint",
    ),
    empty(
        "sys.dm_os_memory_brokers",
        "pool_id int!, memory_broker_type nvarchar(60)!, allocations_kb bigint!, allocations_kb_per_sec bigint!, predicted_allocations_kb bigint!, target_allocations_kb bigint!, future_allocations_kb bigint!, overall_limit_kb bigint!, last_notification nvarchar(60)!",
    ),
    empty(
        "sys.dm_os_memory_cache_clock_hands",
        "cache_address varbinary(8)!, name nvarchar(256)!, type nvarchar(60)!, clock_hand nvarchar(60)!, clock_status nvarchar(60)!, rounds_count bigint!, removed_all_rounds_count bigint!, updated_last_round_count bigint!, removed_last_round_count bigint!, last_tick_time bigint!, round_start_time bigint!, last_round_start_time bigint!",
    ),
    empty(
        "sys.dm_os_memory_cache_entries",
        "cache_address varbinary(8)!, name nvarchar(256)!, type nvarchar(60)!, entry_address varbinary(8)!, entry_data_address varbinary(8), in_use_count int!, is_dirty bit!, disk_ios_count int!, context_switches_count int!, original_cost int!, current_cost int!, memory_object_address varbinary(8), pages_kb bigint!, entry_data nvarchar(2048), pool_id int!, time_to_generate int, use_count bigint, average_time_between_uses bigint, time_since_last_use bigint, probability_of_reuse bigint, value float",
    ),
    empty(
        "sys.dm_os_memory_cache_hash_tables",
        "cache_address varbinary(8)!, name nvarchar(256)!, type nvarchar(60)!, table_level int!, buckets_count int!, buckets_in_use_count int!, buckets_min_length int!, buckets_max_length int!, buckets_avg_length int!, buckets_max_length_ever int!, hits_count bigint!, misses_count bigint!, buckets_avg_scan_hit_length int!, buckets_avg_scan_miss_length int!",
    ),
    empty(
        "sys.dm_os_memory_nodes",
        "memory_node_id smallint!, virtual_address_space_reserved_kb bigint!, virtual_address_space_committed_kb bigint!, locked_page_allocations_kb bigint!, pages_kb bigint!, shared_memory_reserved_kb bigint!, shared_memory_committed_kb bigint!, cpu_affinity_mask bigint!, online_scheduler_mask bigint!, processor_group smallint!, foreign_committed_kb bigint!, target_kb bigint!",
    ),
    empty(
        "sys.dm_os_memory_objects",
        "memory_object_address varbinary(8)!, parent_address varbinary(8), pages_in_bytes bigint!, creation_options int!, bytes_used bigint, type nvarchar(60)!, name varchar(128), memory_node_id smallint!, creation_time datetime, page_size_in_bytes int!, max_pages_in_bytes bigint!, page_allocator_address varbinary(8)!, creation_stack_address varbinary(8), sequence_num int, partition_type int!, contention_factor real!, waiting_tasks_count bigint!, exclusive_access_count bigint!",
    ),
    empty(
        "sys.dm_os_memory_pools",
        "memory_pool_address varbinary(8)!, pool_id int!, type nvarchar(60)!, name nvarchar(256)!, max_free_entries_count bigint!, free_entries_count bigint!, removed_in_all_rounds_count bigint!",
    ),
    empty(
        "sys.dm_os_nodes",
        "node_id smallint!, node_state_desc nvarchar(256)!, memory_object_address varbinary(8)!, memory_clerk_address varbinary(8)!, io_completion_worker_address varbinary(8), memory_node_id smallint!, cpu_affinity_mask bigint!, online_scheduler_count smallint!, idle_scheduler_count smallint!, active_worker_count int!, avg_load_balance int!, timer_task_affinity_mask bigint!, permanent_task_affinity_mask bigint!, resource_monitor_state bit!, online_scheduler_mask bigint!, processor_group smallint!, cpu_count int!",
    ),
    empty(
        "sys.dm_os_server_diagnostics_log_configurations",
        "is_enabled bit, path nvarchar(260), max_size int, max_files int",
    ),
    empty("sys.dm_os_stacks", "stack_address varbinary(8)!, frame_index int!, frame_address varbinary(8)!"),
    empty(
        "sys.dm_os_tasks",
        "task_address varbinary(8)!, task_state nvarchar(60), context_switches_count int, pending_io_count int, pending_io_byte_count bigint, pending_io_byte_average int, scheduler_id int!, session_id smallint, exec_context_id int, request_id int, worker_address varbinary(8), host_address varbinary(8)!, parent_task_address varbinary(8)",
    ),
    empty(
        "sys.dm_os_threads",
        "thread_address varbinary(8)!, started_by_sqlservr bit, os_thread_id int!, status int, instruction_address varbinary(8), creation_time datetime, kernel_time bigint, usermode_time bigint, stack_base_address varbinary(8), stack_end_address varbinary(8), stack_bytes_committed int, stack_bytes_used int, affinity bigint, priority int, locale int, token varbinary(8), is_impersonating int, is_waiting_on_loader_lock int, fiber_data varbinary(8), thread_handle varbinary(8), event_handle varbinary(8), scheduler_address varbinary(8), worker_address varbinary(8), fiber_context_address varbinary(8), self_address varbinary(8), processor_group smallint!",
    ),
    empty(
        "sys.dm_os_virtual_address_dump",
        "region_base_address varbinary(8)!, region_allocation_base_address varbinary(8)!, region_allocation_protection varbinary(8)!, region_size_in_bytes bigint!, region_state varbinary(8)!, region_current_protection varbinary(8)!, region_type varbinary(8)!",
    ),
    empty(
        "sys.dm_os_windows_info",
        "windows_release nvarchar(256)!, windows_service_pack_level nvarchar(256)!, windows_sku int, os_language_version int!",
    ),
    empty(
        "sys.dm_os_workers",
        "worker_address varbinary(8)!, status int!, is_preemptive bit!, is_fiber bit!, is_sick bit!, is_in_cc_exception bit!, is_fatal_exception bit!, is_inside_catch bit!, is_in_polling_io_completion_routine bit!, context_switch_count int!, pending_io_count int!, pending_io_byte_count bigint!, pending_io_byte_average int!, wait_started_ms_ticks bigint!, wait_resumed_ms_ticks bigint!, task_bound_ms_ticks bigint!, worker_created_ms_ticks bigint!, exception_num int!, exception_severity int!, exception_address varbinary(8), affinity bigint!, state nvarchar(60), start_quantum bigint!, end_quantum bigint!, last_wait_type nvarchar(60), return_code int!, quantum_used bigint!, max_quantum bigint!, boost_count int!, tasks_processed_count int!, fiber_address varbinary(8), task_address varbinary(8), memory_object_address varbinary(8)!, thread_address varbinary(8), signal_worker_address varbinary(8), scheduler_address varbinary(8), processor_group smallint!, worker_migration_count int!",
    ),
    empty(
        "sys.dm_qn_subscriptions",
        "id int, database_id int!, sid varbinary(85)!, object_id int!, created datetime!, timeout int!, status int!",
    ),
    empty(
        "sys.dm_repl_articles",
        "artcache_db_address varbinary(8)!, artcache_table_address varbinary(8)!, artcache_schema_address varbinary(8)!, artcache_article_address varbinary(8)!, artid bigint!, artfilter bigint!, artobjid bigint!, artpubid bigint!, artstatus tinyint!, arttype tinyint!, wszArtdesttable nvarchar(514), wszArtdesttableowner nvarchar(514), wszArtinscmd nvarchar(510), cmdTypeIns int!, wszArtdelcmd nvarchar(510), cmdTypeDel int!, wszArtupdcmd nvarchar(510), cmdTypeUpd int!, wszArtpartialupdcmd nvarchar(510), cmdTypePartialUpd int!, numcol int!, artcmdtype tinyint!, artgeninscmd nvarchar(510), artgendelcmd nvarchar(510), artgenupdcmd nvarchar(510), artpartialupdcmd nvarchar(510), artupdtxtcmd nvarchar(510), artgenins2cmd nvarchar(510), artgendel2cmd nvarchar(510), fInReconcile bit!, fPubAllowUpdate bit!, intPublicationOptions bigint!",
    ),
    empty(
        "sys.dm_repl_schemas",
        "artcache_schema_address varbinary(8)!, tabid bigint!, indexid smallint!, idSch bigint!, tabschema nvarchar(510), ccTabschema smallint!, iProcTables smallint!, rowsetid_delete bigint!, rowsetid_insert bigint!, num_pk_cols int!, pcitee binary(8000), re_numtextcols int!, re_schema_lsn_begin binary(10), re_schema_lsn_end binary(10), re_numcols int!, re_colid int!, re_awcName nvarchar(510), re_awcTypeName nvarchar(510), re_abstype tinyint!, re_pk tinyint!, re_bcol binary(8000), re_sccol smallint!",
    ),
    empty(
        "sys.dm_repl_tranhash",
        "buckets bigint!, hashed_trans bigint!, completed_trans bigint!, compensated_trans bigint!, first_begin_lsn nvarchar(64), last_commit_lsn nvarchar(64)",
    ),
    empty(
        "sys.dm_repl_traninfo",
        "fp2p_pub_exists tinyint!, db_ver int!, comp_range_address varbinary(8)!, textinfo_address varbinary(8)!, fsinfo_address varbinary(8)!, begin_lsn nvarchar(64), commit_lsn nvarchar(64), dbid smallint!, rows int!, xdesid nvarchar(64), artcache_table_address varbinary(8)!, server nvarchar(514), server_len_in_bytes int!, database nvarchar(514), db_len_in_bytes int!, originator nvarchar(514), originator_len_in_bytes int!, orig_db nvarchar(514), orig_db_len_in_bytes int!, cmds_in_tran int!, is_boundedupdate_singleton tinyint!, begin_update_lsn nvarchar(64), delete_lsn nvarchar(64), last_end_lsn nvarchar(64), fcomplete tinyint!, fcompensated tinyint!, fprocessingtext tinyint!, max_cmds_in_tran int!, begin_time datetime, commit_time datetime, session_id int, session_phase int, is_known_cdc_tran bit, error_count int!",
    ),
    empty(
        "sys.dm_resource_governor_external_resource_pool_affinity",
        "external_pool_id int!, processor_group smallint!, cpu_mask bigint!",
    ),
    empty(
        "sys.dm_resource_governor_external_resource_pools",
        "external_pool_id int!, name sysname!, pool_version int!, max_cpu_percent int!, max_processes int!, max_memory_percent int!, statistics_start_time datetime!, peak_memory_kb bigint!, write_io_count int!, read_io_count int!, total_cpu_kernel_ms bigint!, total_cpu_user_ms bigint!, active_processes_count int!",
    ),
    empty(
        "sys.dm_resource_governor_resource_pool_affinity",
        "pool_id int!, processor_group smallint!, scheduler_mask bigint!",
    ),
    empty(
        "sys.dm_resource_governor_resource_pool_volumes",
        "pool_id int!, volume_name sysname!, read_io_queued_total int!, read_io_issued_total int!, read_ios_completed_total int!, read_ios_throttled_total int!, read_bytes_total bigint!, read_io_stall_total_ms bigint!, read_io_stall_queued_ms bigint!, write_io_queued_total int!, write_io_issued_total int!, write_ios_completed_total int!, write_ios_throttled_total int!, write_bytes_total bigint!, write_io_stall_total_ms bigint!, write_io_stall_queued_ms bigint!, io_issue_violations_total int!, io_issue_delay_total_ms bigint!",
    ),
    empty(
        "sys.dm_tran_aborted_transactions",
        "transaction_id bigint!, database_id int!, begin_xact_lsn nvarchar(23)!, end_xact_lsn nvarchar(23)!, begin_time datetime, nest_aborted bit!",
    ),
    empty(
        "sys.dm_tran_commit_table",
        "commit_ts bigint!, xdes_id bigint!, commit_lbn bigint!, commit_csn bigint!, commit_time datetime!",
    ),
    empty("sys.dm_tran_current_snapshot", "transaction_sequence_num bigint"),
    empty(
        "sys.dm_os_out_of_memory_events",
        "event_time datetime!, oom_cause tinyint!, oom_cause_desc nvarchar(60)!, available_physical_memory_mb int!, initial_job_object_memory_limit_mb int, current_job_object_memory_limit_mb int, process_memory_usage_mb int!, non_sos_memory_usage_mb int!, committed_memory_target_mb int!, committed_memory_mb int!, allocation_potential_memory_mb int!, top_memory_clerks nvarchar(4000), top_resource_pools nvarchar(4000), possible_leaked_memory_clerks nvarchar(4000), possible_non_sos_leaked_memory_mb int",
    ),
    empty(
        "sys.dm_tran_global_recovery_transactions",
        "transaction_id bigint!, database_id int!, transaction_manager_database_id int!, transaction_state int!, transaction_state_desc nvarchar(60)!",
    ),
    empty(
        "sys.dm_tran_global_transactions",
        "transaction_id bigint!, database_id int!, transaction_state int!, transaction_state_desc nvarchar(60)!",
    ),
    empty(
        "sys.dm_tran_persistent_version_store",
        "xdes_ts_push bigint!, xdes_ts_tran bigint, subid_push int, subid_tran int, rowset_id bigint!, sec_version_rid binary(8)!, min_len smallint, seq_num bigint, prev_row_in_chain binary(8), row_version binary(8000)",
    ),
    empty(
        "sys.dm_tran_persistent_version_store_stats",
        "database_id int!, pvs_filegroup_id smallint!, persistent_version_store_size_kb bigint!, online_index_version_store_size_kb bigint!, current_aborted_transaction_count bigint!, oldest_active_transaction_id bigint!, oldest_aborted_transaction_id bigint!, min_transaction_timestamp bigint!, online_index_min_transaction_timestamp bigint!, secondary_low_water_mark bigint!, offrow_version_cleaner_start_time datetime2, offrow_version_cleaner_end_time datetime2, aborted_version_cleaner_start_time datetime2, aborted_version_cleaner_end_time datetime2, pvs_off_row_page_skipped_low_water_mark bigint!, pvs_off_row_page_skipped_transaction_not_cleaned bigint!, pvs_off_row_page_skipped_oldest_active_xdesid bigint!, pvs_off_row_page_skipped_min_useful_xts bigint!, pvs_off_row_page_skipped_oldest_snapshot bigint!, pvs_off_row_page_skipped_oldest_aborted_xdesid bigint!",
    ),
    empty(
        "sys.dm_tran_top_version_generators",
        "database_id smallint, rowset_id bigint, aggregated_record_length_in_bytes bigint",
    ),
    empty(
        "sys.dm_tran_transactions_snapshot",
        "transaction_sequence_num bigint!, snapshot_id int!, snapshot_sequence_num bigint!",
    ),
    empty(
        "sys.dm_tran_version_store",
        "transaction_sequence_num bigint, version_sequence_num bigint, database_id smallint, rowset_id bigint, status tinyint, min_length_in_bytes smallint, record_length_first_part_in_bytes smallint, record_image_first_part varbinary(8000), record_length_second_part_in_bytes smallint, record_image_second_part varbinary(8000)",
    ),
    empty(
        "sys.dm_xe_database_session_event_actions",
        "event_session_address varbinary(8)!, action_name nvarchar(256)!, action_package_guid uniqueidentifier!, event_name nvarchar(256)!, event_package_guid uniqueidentifier!",
    ),
    empty(
        "sys.dm_xe_database_session_events",
        "event_session_address varbinary(8)!, event_name nvarchar(256)!, event_package_guid uniqueidentifier!, event_predicate nvarchar(2048)",
    ),
    empty(
        "sys.dm_xe_database_session_object_columns",
        "event_session_address varbinary(8)!, column_name nvarchar(256)!, column_id int!, column_value nvarchar(3072), object_type nvarchar(60)!, object_name nvarchar(256)!, object_package_guid uniqueidentifier!",
    ),
    empty(
        "sys.dm_xe_database_session_targets",
        "event_session_address varbinary(8)!, target_name nvarchar(256)!, target_package_guid uniqueidentifier!, execution_count bigint!, execution_duration_ms bigint!, target_data nvarchar(max)",
    ),
    empty(
        "sys.dm_xe_database_sessions",
        "address varbinary(8)!, name nvarchar(256)!, pending_buffers int!, total_regular_buffers int!, regular_buffer_size bigint!, total_large_buffers int!, large_buffer_size bigint!, total_buffer_size bigint!, buffer_policy_flags int!, buffer_policy_desc nvarchar(256)!, flags int!, flag_desc nvarchar(256)!, dropped_event_count int!, dropped_buffer_count int!, blocked_event_fire_time int!, create_time datetime!, largest_event_dropped_size int!",
    ),
    empty(
        "sys.dm_xe_map_values",
        "name nvarchar(256)!, object_package_guid uniqueidentifier!, map_key int!, map_value nvarchar(3072)!",
    ),
    empty(
        "sys.dm_xe_object_columns",
        "name nvarchar(256)!, column_id int!, object_name nvarchar(256)!, object_package_guid uniqueidentifier!, type_name nvarchar(256)!, type_package_guid uniqueidentifier!, column_type nvarchar(256)!, column_value nvarchar(256), capabilities int, capabilities_desc nvarchar(256), description nvarchar(3072)",
    ),
    empty(
        "sys.dm_xe_objects",
        "name nvarchar(256)!, object_type nvarchar(256)!, package_guid uniqueidentifier!, description nvarchar(256)!, capabilities int, capabilities_desc nvarchar(256), type_name nvarchar(256), type_package_guid uniqueidentifier, type_size int",
    ),
    empty(
        "sys.dm_xe_packages",
        "name nvarchar(256)!, guid uniqueidentifier!, description nvarchar(256)!, capabilities int, capabilities_desc nvarchar(256), module_guid uniqueidentifier!, module_address varbinary(8)!",
    ),
    empty(
        "sys.dm_xe_session_event_actions",
        "event_session_address varbinary(8)!, action_name nvarchar(256)!, action_package_guid uniqueidentifier!, event_name nvarchar(256)!, event_package_guid uniqueidentifier!",
    ),
    empty(
        "sys.dm_xe_session_events",
        "event_session_address varbinary(8)!, event_name nvarchar(256)!, event_package_guid uniqueidentifier!, event_predicate nvarchar(3072), event_fire_count bigint!, event_fire_average_time bigint!, event_fire_min_time bigint!, event_fire_max_time bigint!",
    ),
    empty(
        "sys.dm_xe_session_object_columns",
        "event_session_address varbinary(8)!, column_name nvarchar(256)!, column_id int!, column_value nvarchar(3072), object_type nvarchar(60)!, object_name nvarchar(256)!, object_package_guid uniqueidentifier!",
    ),
    empty(
        "sys.dm_xtp_gc_queue_stats",
        "queue_id int!, total_enqueues bigint!, total_dequeues bigint!, current_queue_depth bigint!, maximum_queue_depth bigint!, last_service_ticks bigint!",
    ),
    empty(
        "sys.dm_xtp_gc_stats",
        "rows_examined bigint!, rows_no_sweep_needed bigint!, rows_first_in_bucket bigint!, rows_first_in_bucket_removed bigint!, rows_marked_for_unlink bigint!, parallel_assist_count bigint!, idle_worker_count bigint!, sweep_scans_started bigint!, sweep_scan_retries bigint!, sweep_rows_touched bigint!, sweep_rows_expiring bigint!, sweep_rows_expired bigint!, sweep_rows_expired_removed bigint!",
    ),
    empty(
        "sys.dm_xtp_system_memory_consumers",
        "memory_consumer_id bigint!, memory_consumer_type int!, memory_consumer_type_desc nvarchar(16), memory_consumer_desc nvarchar(64), lookaside_id bigint, pagepool_id bigint, allocated_bytes bigint!, used_bytes bigint!, allocation_count int!, partition_count int!, sizeclass_count int!, min_sizeclass int!, max_sizeclass int!, memory_consumer_address varbinary(8)!",
    ),
    empty(
        "sys.dm_xtp_transaction_stats",
        "total_count bigint!, read_only_count bigint!, total_aborts bigint!, user_aborts bigint!, validation_failures bigint!, dependencies_taken bigint!, dependencies_failed bigint!, savepoint_create bigint!, savepoint_rollbacks bigint!, savepoint_refreshes bigint!, log_bytes_written bigint!, log_IO_count bigint!, phantom_scans_started bigint!, phantom_scans_retries bigint!, phantom_rows_touched bigint!, phantom_rows_expiring bigint!, phantom_rows_expired bigint!, phantom_rows_expired_removed bigint!, scans_started bigint!, scans_retried bigint!, rows_returned bigint!, rows_touched bigint!, rows_expiring bigint!, rows_expired bigint!, rows_expired_removed bigint!, row_insert_attempts bigint!, row_update_attempts bigint!, row_delete_attempts bigint!, write_conflicts bigint!, unique_constraint_violations bigint!",
    ),
];
