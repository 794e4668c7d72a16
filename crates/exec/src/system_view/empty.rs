//! Views that exist so that tools can ask, and that have no rows because Holdfast has no such thing (yet).

use super::SystemView;

/// An empty view.
pub(super) const fn empty(name: &'static str, columns: &'static str) -> SystemView {
    SystemView { name, columns, rows: |_| Ok(Vec::new()) }
}

pub const VIEWS: &[SystemView] = &[
    // High availability: present and empty until availability groups exist.
    empty(
        "sys.availability_groups",
        "group_id uniqueidentifier!, name sysname, resource_id nvarchar(40), resource_group_id nvarchar(40), failure_condition_level int, health_check_timeout int, automated_backup_preference tinyint, automated_backup_preference_desc desc, version smallint, basic_features bit, dtc_support bit, db_failover bit, is_distributed bit, cluster_type tinyint, cluster_type_desc desc, required_synchronized_secondaries_to_commit int, sequence_number bigint, is_contained bit",
    ),
    empty(
        "sys.availability_groups_cluster",
        "group_id uniqueidentifier!, name sysname, resource_id nvarchar(40), resource_group_id nvarchar(40), failure_condition_level int, health_check_timeout int, automated_backup_preference tinyint, automated_backup_preference_desc desc",
    ),
    empty(
        "sys.availability_replicas",
        "replica_id uniqueidentifier, group_id uniqueidentifier, replica_metadata_id int, replica_server_name nvarchar(256), owner_sid varbinary(85), endpoint_url nvarchar(256), availability_mode tinyint, availability_mode_desc desc, failover_mode tinyint, failover_mode_desc desc, session_timeout int, primary_role_allow_connections tinyint, primary_role_allow_connections_desc desc, secondary_role_allow_connections tinyint, secondary_role_allow_connections_desc desc, create_date datetime, modify_date datetime, backup_priority int, read_only_routing_url nvarchar(256), seeding_mode tinyint, seeding_mode_desc desc, read_write_routing_url nvarchar(256)",
    ),
    empty(
        "sys.availability_databases_cluster",
        "group_id uniqueidentifier!, group_database_id uniqueidentifier!, database_name sysname, truncation_lsn numeric(25,0)",
    ),
    empty(
        "sys.availability_group_listeners",
        "group_id uniqueidentifier!, listener_id nvarchar(36), dns_name nvarchar(63), port int, is_conformant bit!, ip_configuration_string_from_cluster nvarchar(max), is_distributed_network_name bit",
    ),
    empty(
        "sys.availability_group_listener_ip_addresses",
        "listener_id nvarchar(36), ip_address nvarchar(48), ip_subnet_mask nvarchar(15), is_dhcp bit!, network_subnet_ip nvarchar(48), network_subnet_prefix_length int, network_subnet_ipv4_mask nvarchar(45), state tinyint, state_desc desc",
    ),
    empty(
        "sys.availability_read_only_routing_lists",
        "replica_id uniqueidentifier!, routing_priority int!, read_only_replica_id uniqueidentifier!",
    ),
    empty(
        "sys.dm_hadr_availability_group_states",
        "group_id uniqueidentifier!, primary_replica nvarchar(128), primary_recovery_health tinyint, primary_recovery_health_desc desc, secondary_recovery_health tinyint, secondary_recovery_health_desc desc, synchronization_health tinyint, synchronization_health_desc desc",
    ),
    empty(
        "sys.dm_hadr_availability_replica_states",
        "replica_id uniqueidentifier!, group_id uniqueidentifier!, is_local bit!, role tinyint, role_desc desc, operational_state tinyint, operational_state_desc desc, connected_state tinyint, connected_state_desc desc, recovery_health tinyint, recovery_health_desc desc, synchronization_health tinyint, synchronization_health_desc desc, last_connect_error_number int, last_connect_error_description nvarchar(1024), last_connect_error_timestamp datetime, write_lease_remaining_ticks bigint, current_configuration_commit_start_time_utc datetime",
    ),
    empty(
        "sys.dm_hadr_availability_replica_cluster_nodes",
        "group_name nvarchar(256), replica_server_name nvarchar(256), node_name nvarchar(256)",
    ),
    empty(
        "sys.dm_hadr_availability_replica_cluster_states",
        "replica_id uniqueidentifier!, replica_server_name nvarchar(256)!, group_id uniqueidentifier!, join_state tinyint!, join_state_desc nvarchar(60)!",
    ),
    empty(
        "sys.dm_hadr_database_replica_states",
        "database_id int!, group_id uniqueidentifier!, replica_id uniqueidentifier!, group_database_id uniqueidentifier!, is_local bit, is_primary_replica bit, synchronization_state tinyint, synchronization_state_desc desc, is_commit_participant bit, synchronization_health tinyint, synchronization_health_desc desc, database_state tinyint, database_state_desc desc, is_suspended bit, suspend_reason tinyint, suspend_reason_desc desc, recovery_lsn numeric(25,0), truncation_lsn numeric(25,0), last_sent_lsn numeric(25,0), last_sent_time datetime, last_received_lsn numeric(25,0), last_received_time datetime, last_hardened_lsn numeric(25,0), last_hardened_time datetime, last_redone_lsn numeric(25,0), last_redone_time datetime, log_send_queue_size bigint, log_send_rate bigint, redo_queue_size bigint, redo_rate bigint, filestream_send_rate bigint, end_of_log_lsn numeric(25,0), last_commit_lsn numeric(25,0), last_commit_time datetime, low_water_mark_for_ghosts bigint, secondary_lag_seconds bigint, quorum_commit_lsn numeric(25,0), quorum_commit_time datetime",
    ),
    empty(
        "sys.dm_hadr_database_replica_cluster_states",
        "replica_id uniqueidentifier!, group_database_id uniqueidentifier!, database_name sysname, is_failover_ready bit!, is_pending_secondary_suspend bit!, is_database_joined bit!, recovery_lsn numeric(25,0), truncation_lsn numeric(25,0)",
    ),
    empty(
        "sys.dm_hadr_cluster",
        "cluster_name nvarchar(128)!, quorum_type tinyint!, quorum_type_desc nvarchar(50)!, quorum_state tinyint!, quorum_state_desc nvarchar(50)!",
    ),
    empty(
        "sys.dm_hadr_cluster_members",
        "member_name nvarchar(128)!, member_type tinyint!, member_type_desc nvarchar(50)!, member_state tinyint!, member_state_desc nvarchar(60)!, number_of_quorum_votes int",
    ),
    empty(
        "sys.dm_hadr_cluster_networks",
        "member_name nvarchar(128)!, network_subnet_ip nvarchar(48)!, network_subnet_ipv4_mask nvarchar(45), network_subnet_prefix_length int, is_public bit!, is_ipv4 bit!",
    ),
    empty(
        "sys.dm_hadr_auto_page_repair",
        "database_id int!, file_id int!, page_id bigint!, error_type int!, page_status int!, modification_time datetime!",
    ),
    empty(
        "sys.dm_hadr_automatic_seeding",
        "start_time datetime!, completion_time datetime, ag_id uniqueidentifier!, ag_db_id uniqueidentifier!, ag_remote_replica_id uniqueidentifier!, operation_id uniqueidentifier!, is_source bit!, current_state nvarchar(32)!, performed_seeding bit!, failure_state int, failure_state_desc nvarchar(32), error_code int, number_of_attempts int!",
    ),
    empty(
        "sys.database_mirroring",
        "database_id int!, mirroring_guid uniqueidentifier, mirroring_state tinyint, mirroring_state_desc desc, mirroring_role tinyint, mirroring_role_desc desc, mirroring_role_sequence int, mirroring_safety_level tinyint, mirroring_safety_level_desc desc, mirroring_safety_sequence int, mirroring_partner_name nvarchar(128), mirroring_partner_instance nvarchar(128), mirroring_witness_name nvarchar(128), mirroring_witness_state tinyint, mirroring_witness_state_desc desc, mirroring_failover_lsn numeric(25,0), mirroring_connection_timeout int, mirroring_redo_queue int, mirroring_redo_queue_type nvarchar(60), mirroring_end_of_log_lsn numeric(25,0), mirroring_replication_lsn numeric(25,0)",
    ),
    empty(
        "sys.database_mirroring_endpoints",
        "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, role tinyint, role_desc desc, is_encryption_enabled bit!, connection_auth tinyint!, connection_auth_desc desc, certificate_id int!, encryption_algorithm tinyint!, encryption_algorithm_desc desc",
    ),
    empty(
        "sys.dm_os_cluster_nodes",
        "NodeName nvarchar(256), status int, status_description nvarchar(256), is_current_owner bit",
    ),
    empty(
        "sys.dm_os_cluster_properties",
        "VerboseLogging bigint, SqlDumperDumpFlags bigint, SqlDumperDumpPath nvarchar(260), SqlDumperDumpTimeOut bigint, FailureConditionLevel bigint, HealthCheckTimeout bigint, ClusterConnectionOptions nvarchar(256)",
    ),
    // Security and keys.
    empty(
        "sys.certificates",
        "name sysname!, certificate_id int!, principal_id int, pvt_key_encryption_type code(2)!, pvt_key_encryption_type_desc desc, is_active_for_begin_dialog bit, issuer_name nvarchar(442), cert_serial_number nvarchar(64), sid varbinary(85), string_sid nvarchar(128), subject nvarchar(4000), expiry_date datetime, start_date datetime, thumbprint varbinary(32)!, attested_by nvarchar(260), pvt_key_last_backup_date datetime, key_length int",
    ),
    empty(
        "sys.asymmetric_keys",
        "name sysname!, principal_id int, asymmetric_key_id int!, pvt_key_encryption_type code(2)!, pvt_key_encryption_type_desc desc, thumbprint varbinary(32)!, algorithm code(2)!, algorithm_desc desc, key_length int!, sid varbinary(85), string_sid nvarchar(128), public_key varbinary(max)!, attested_by nvarchar(260), provider_type nvarchar(120), cryptographic_provider_guid uniqueidentifier, cryptographic_provider_algid sql_variant",
    ),
    empty(
        "sys.symmetric_keys",
        "name sysname!, principal_id int, symmetric_key_id int!, key_length int!, key_algorithm code(2)!, algorithm_desc desc, create_date datetime!, modify_date datetime!, key_guid uniqueidentifier, key_thumbprint sql_variant, provider_type nvarchar(120), cryptographic_provider_guid uniqueidentifier, cryptographic_provider_algid sql_variant",
    ),
    empty(
        "sys.credentials",
        "credential_id int!, name sysname!, credential_identity nvarchar(4000), create_date datetime!, modify_date datetime!, target_type nvarchar(100), target_id int",
    ),
    empty(
        "sys.database_scoped_credentials",
        "credential_id int!, name sysname!, credential_identity nvarchar(4000), create_date datetime!, modify_date datetime!, target_type nvarchar(100), target_id int",
    ),
    empty(
        "sys.cryptographic_providers",
        "provider_id int!, name sysname!, guid uniqueidentifier, version nvarchar(24), dll_path nvarchar(260), is_enabled bit",
    ),
    empty(
        "sys.column_master_keys",
        "name sysname!, column_master_key_id int!, create_date datetime!, modify_date datetime!, key_store_provider_name sysname, key_path nvarchar(4000), allow_enclave_computations bit!, signature varbinary(max)",
    ),
    empty(
        "sys.column_encryption_keys",
        "name sysname!, column_encryption_key_id int!, create_date datetime!, modify_date datetime!",
    ),
    empty(
        "sys.column_encryption_key_values",
        "column_encryption_key_id int!, column_master_key_id int!, encrypted_value varbinary(8000), encryption_algorithm_name sysname",
    ),
    empty(
        "sys.dm_database_encryption_keys",
        "database_id int, encryption_state int, create_date datetime, regenerate_date datetime, modify_date datetime, set_date datetime, opened_date datetime, key_algorithm nvarchar(32), key_length int, encryptor_thumbprint varbinary(20), encryptor_type nvarchar(32), percent_complete real, encryption_state_desc nvarchar(32), encryption_scan_state int, encryption_scan_state_desc nvarchar(32), encryption_scan_modify_date datetime",
    ),
    empty(
        "sys.security_policies",
        "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_enabled bit!, is_not_for_replication bit!, uses_database_collation bit, is_schema_bound bit!",
    ),
    empty(
        "sys.security_predicates",
        "object_id int!, security_predicate_id int!, target_object_id int!, predicate_definition nvarchar(max), predicate_type int, predicate_type_desc desc, operation int, operation_desc desc",
    ),
    empty(
        "sys.server_audits",
        "audit_id int!, name sysname!, audit_guid uniqueidentifier, create_date datetime!, modify_date datetime!, principal_id int, type code(2)!, type_desc desc, on_failure tinyint, on_failure_desc desc, is_state_enabled bit, queue_delay int, predicate nvarchar(3000)",
    ),
    empty(
        "sys.sensitivity_classifications",
        "class int!, class_desc varchar(16)!, major_id int!, minor_id int!, label sysname, label_id sysname, information_type sysname, information_type_id sysname, rank int, rank_desc sysname",
    ),
    // Programmability not in Holdfast.
    empty(
        "sys.assemblies",
        "name sysname!, principal_id int, assembly_id int!, clr_name nvarchar(4000), permission_set tinyint, permission_set_desc desc, is_visible bit!, create_date datetime!, modify_date datetime!, is_user_defined bit",
    ),
    empty(
        "sys.assembly_modules",
        "object_id int!, assembly_id int!, assembly_class sysname, assembly_method sysname, null_on_null_input bit, execute_as_principal_id int",
    ),
    empty("sys.assembly_files", "assembly_id int!, name nvarchar(260), file_id int!, content varbinary(max)"),
    empty(
        "sys.system_sql_modules",
        "object_id int!, definition nvarchar(max), uses_ansi_nulls bit, uses_quoted_identifier bit, is_schema_bound bit, uses_database_collation bit, is_recompiled bit, null_on_null_input bit, execute_as_principal_id int, uses_native_compilation bit, inline_type bit, is_inlineable bit",
    ),
    empty("sys.numbered_procedures", "object_id int!, procedure_number smallint, definition nvarchar(max)"),
    empty(
        "sys.extended_procedures",
        "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, is_schema_published bit!, dll_name nvarchar(260)",
    ),
    empty(
        "sys.plan_guides",
        "plan_guide_id int!, name sysname!, create_date datetime!, modify_date datetime!, is_disabled bit!, query_text nvarchar(max), scope_type tinyint!, scope_type_desc desc, scope_object_id int, scope_batch nvarchar(max), parameters nvarchar(max), hints nvarchar(max)",
    ),
    // Full text, spatial, external data.
    empty(
        "sys.fulltext_catalogs",
        "fulltext_catalog_id int!, name sysname!, path nvarchar(260), is_default bit!, is_accent_sensitivity_on bit!, data_space_id int, file_id int, principal_id int, is_importing bit!",
    ),
    empty(
        "sys.fulltext_indexes",
        "object_id int!, unique_index_id int!, fulltext_catalog_id int, is_enabled bit!, change_tracking_state code(1), change_tracking_state_desc desc, has_crawl_completed bit!, crawl_type code(1)!, crawl_type_desc desc, crawl_start_date datetime, crawl_end_date datetime, incremental_timestamp binary(8), stoplist_id int, property_list_id int, data_space_id int!",
    ),
    empty(
        "sys.fulltext_index_columns",
        "object_id int!, column_id int!, type_column_id int, language_id int!, statistical_semantics int",
    ),
    empty("sys.fulltext_languages", "lcid int!, name sysname!"),
    empty(
        "sys.fulltext_stoplists",
        "stoplist_id int!, name sysname!, create_date datetime!, modify_date datetime!, principal_id int",
    ),
    empty(
        "sys.registered_search_property_lists",
        "property_list_id int!, name sysname!, create_date datetime!, modify_date datetime!, principal_id int",
    ),
    empty(
        "sys.spatial_indexes",
        "object_id int!, name sysname, index_id int!, type tinyint!, type_desc desc, is_unique bit, data_space_id int, ignore_dup_key bit, is_primary_key bit, is_unique_constraint bit, fill_factor tinyint!, is_padded bit, is_disabled bit, is_hypothetical bit, allow_row_locks bit, allow_page_locks bit, spatial_index_type tinyint!, spatial_index_type_desc desc, tessellation_scheme sysname, has_filter bit!, filter_definition nvarchar(max)",
    ),
    empty(
        "sys.spatial_index_tessellations",
        "object_id int!, index_id int!, tessellation_scheme sysname!, bounding_box_xmin float, bounding_box_ymin float, bounding_box_xmax float, bounding_box_ymax float, level_1_grid smallint, level_1_grid_desc desc, level_2_grid smallint, level_2_grid_desc desc, level_3_grid smallint, level_3_grid_desc desc, level_4_grid smallint, level_4_grid_desc desc, cells_per_object int",
    ),
    empty(
        "sys.external_data_sources",
        "data_source_id int!, name sysname!, location nvarchar(4000)!, type_desc nvarchar(255), type tinyint!, resource_manager_location nvarchar(4000), credential_id int!, database_name sysname, shard_map_name sysname, connection_options nvarchar(4000), pushdown nvarchar(256)",
    ),
    empty(
        "sys.external_file_formats",
        "file_format_id int!, name sysname!, format_type nvarchar(100)!, field_terminator nvarchar(10), string_delimiter nvarchar(10), date_format nvarchar(50), use_type_default bit, serde_method nvarchar(255), row_terminator nvarchar(10), encoding nvarchar(10), data_compression nvarchar(255), first_row int",
    ),
    empty(
        "sys.external_tables",
        "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, is_schema_published bit!, max_column_id_used int!, uses_ansi_nulls bit, data_source_id int!, file_format_id int, location nvarchar(4000), reject_type tinyint, reject_value float, reject_sample_value int, distribution_type int, distribution_desc nvarchar(120), sharding_col_id int, remote_schema_name sysname, remote_object_name sysname",
    ),
    empty(
        "sys.external_languages",
        "external_language_id int!, language sysname!, create_date datetime2!, principal_id int",
    ),
    empty(
        "sys.external_libraries",
        "external_library_id int!, name sysname!, principal_id int, language sysname, scope int!, scope_desc nvarchar(60)",
    ),
    empty(
        "sys.filetables",
        "object_id int!, is_enabled bit!, directory_name nvarchar(255), filename_collation_id int, filename_collation_name sysname",
    ),
    empty("sys.filetable_system_defined_objects", "object_id int!, parent_object_id int!"),
    empty(
        "sys.database_filestream_options",
        "database_id int!, non_transacted_access tinyint!, non_transacted_access_desc nvarchar(60)!, directory_name nvarchar(255)",
    ),
    empty(
        "sys.hash_indexes",
        "object_id int!, name sysname, index_id int!, type tinyint!, type_desc desc, is_unique bit, bucket_count int!",
    ),
    empty(
        "sys.column_store_row_groups",
        "object_id int!, index_id int!, partition_number int!, row_group_id int!, delta_store_hobt_id bigint, state tinyint!, state_description desc, total_rows bigint!, deleted_rows bigint, size_in_bytes bigint!",
    ),
    empty(
        "sys.index_resumable_operations",
        "object_id int!, index_id int!, name sysname, sql_text nvarchar(max), last_max_dop_used smallint!, partition_number int, state tinyint!, state_desc desc, start_time datetime!, last_pause_time datetime, total_execution_time int!, percent_complete float!, page_count bigint!",
    ),
    // Service broker.
    empty(
        "sys.service_queues",
        "name sysname!, object_id int!, principal_id int, schema_id int!, parent_object_id int!, type code(2), type_desc desc, create_date datetime!, modify_date datetime!, is_ms_shipped bit!, is_published bit!, is_schema_published bit!, max_readers smallint, activation_procedure nvarchar(776), execute_as_principal_id int, is_activation_enabled bit!, is_receive_enabled bit!, is_enqueue_enabled bit!, is_retention_enabled bit!, is_poison_message_handling_enabled bit",
    ),
    empty("sys.services", "name sysname!, service_id int!, principal_id int, service_queue_id int!"),
    empty("sys.service_contracts", "name sysname!, service_contract_id int!, principal_id int"),
    empty(
        "sys.service_message_types",
        "name sysname!, message_type_id int!, principal_id int, validation code(2)!, validation_desc desc, xml_collection_id int",
    ),
    empty(
        "sys.routes",
        "name sysname!, route_id int!, principal_id int, remote_service_name nvarchar(256), broker_instance nvarchar(128), lifetime datetime, address nvarchar(256), mirror_address nvarchar(256)",
    ),
    empty(
        "sys.remote_service_bindings",
        "name sysname!, remote_service_binding_id int!, principal_id int, remote_service_name nvarchar(256), service_contract_id int!, remote_principal_id int, is_anonymous_on bit!",
    ),
    empty(
        "sys.conversation_priorities",
        "priority_id int!, name sysname!, service_contract_id int, local_service_id int, remote_service_name nvarchar(256), priority tinyint!",
    ),
    // Resource governor, query store, extended events.
    empty(
        "sys.resource_governor_resource_pools",
        "pool_id int!, name sysname!, min_cpu_percent int!, max_cpu_percent int!, min_memory_percent int!, max_memory_percent int!, cap_cpu_percent int!, min_iops_per_volume int!, max_iops_per_volume int!",
    ),
    empty(
        "sys.resource_governor_workload_groups",
        "group_id int!, name sysname!, importance sysname!, request_max_memory_grant_percent int!, request_max_cpu_time_sec int!, request_memory_grant_timeout_sec int!, max_dop int!, group_max_requests int!, pool_id int!, external_pool_id int!",
    ),
    empty(
        "sys.server_event_sessions",
        "event_session_id int!, name sysname!, event_retention_mode code(1), event_retention_mode_desc sysname, max_dispatch_latency int, max_memory int, max_event_size int, memory_partition_mode code(1), memory_partition_mode_desc sysname, track_causality bit, startup_state bit",
    ),
    empty(
        "sys.dm_xe_sessions",
        "address varbinary(8)!, name nvarchar(256)!, pending_buffers int!, total_regular_buffers int!, regular_buffer_size bigint!, total_large_buffers int!, large_buffer_size bigint!, total_buffer_size bigint!, buffer_policy_flags int!, buffer_policy_desc nvarchar(256)!, flags int!, flag_desc nvarchar(256)!, dropped_event_count int!, dropped_buffer_count int!, blocked_event_fire_time int!, create_time datetime!, largest_event_dropped_size int!, session_source nvarchar(256)!",
    ),
    empty(
        "sys.dm_os_wait_stats",
        "wait_type nvarchar(60)!, waiting_tasks_count bigint!, wait_time_ms bigint!, max_wait_time_ms bigint!, signal_wait_time_ms bigint!",
    ),
    empty(
        "sys.dm_db_index_usage_stats",
        "database_id smallint!, object_id int!, index_id int!, user_seeks bigint!, user_scans bigint!, user_lookups bigint!, user_updates bigint!, last_user_seek datetime, last_user_scan datetime, last_user_lookup datetime, last_user_update datetime, system_seeks bigint!, system_scans bigint!, system_lookups bigint!, system_updates bigint!",
    ),
    empty(
        "sys.dm_db_missing_index_details",
        "index_handle int!, database_id smallint!, object_id int!, equality_columns nvarchar(4000), inequality_columns nvarchar(4000), included_columns nvarchar(4000), statement nvarchar(4000)",
    ),
    empty(
        "sys.dm_tran_active_snapshot_database_transactions",
        "transaction_id bigint, transaction_sequence_num bigint, commit_sequence_num bigint, session_id int, is_snapshot bit, first_snapshot_sequence_num bigint, max_version_chain_traversed int, average_version_chain_traversed real, elapsed_time_seconds bigint",
    ),
    empty(
        "sys.change_tracking_tables",
        "object_id int!, is_track_columns_updated_on bit!, min_valid_version bigint, begin_version bigint, cleanup_version bigint",
    ),
    empty(
        "sys.openkeys",
        "database_id int, database_name sysname, key_id int, key_name sysname, key_guid uniqueidentifier, opened_date datetime, status smallint",
    ),
];
