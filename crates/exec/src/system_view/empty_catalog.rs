//! Catalog views of what databases and the server cannot have here: present, with the documented columns, and empty.
//!
//! Invariants
//! 1. Names, order and types of columns are those of the documentation of the catalog views (2016 to 2022).

use super::SystemView;
use super::empty::empty;

pub const VIEWS: &[SystemView] = &[
    empty("sys.assembly_references", "assembly_id int!, referenced_assembly_id int!"),
    empty(
        "sys.column_store_dictionaries",
        "hobt_id bigint, column_id int, dictionary_id int, version int, type int, last_id int, entry_count bigint, on_disk_size bigint, partition_id bigint",
    ),
    empty(
        "sys.column_store_segments",
        "partition_id bigint, hobt_id bigint, column_id int, segment_id int, version int, encoding_type int, row_count int, has_nulls int, base_id bigint, magnitude float, primary_dictionary_id int, secondary_dictionary_id int, min_data_id bigint, max_data_id bigint, null_value bigint, on_disk_size bigint, collation_id int, min_deep_data varbinary(18), max_deep_data varbinary(18)",
    ),
    empty(
        "sys.conversation_groups",
        "conversation_group_id uniqueidentifier!, service_id int!, is_system bit",
    ),
    empty(
        "sys.crypt_properties",
        "class tinyint!, class_desc desc, major_id int!, thumbprint varbinary(32)!, crypt_type char(4)!, crypt_type_desc desc, crypt_property varbinary(max)!",
    ),
    empty(
        "sys.database_audit_specification_details",
        "database_specification_id int!, audit_action_id char(4)!, audit_action_name nvarchar(128)!, class tinyint!, class_desc nvarchar(60)!, major_id int!, minor_id int!, audited_principal_id int!, audited_result nvarchar(60)!, is_group bit!",
    ),
    empty(
        "sys.database_audit_specifications",
        "database_specification_id int!, name sysname!, create_date datetime!, modify_date datetime!, audit_guid uniqueidentifier, is_state_enabled bit",
    ),
    empty(
        "sys.database_automatic_tuning_mode",
        "desired_state smallint, desired_state_desc desc, actual_state smallint, actual_state_desc desc",
    ),
    empty(
        "sys.database_automatic_tuning_options",
        "name nvarchar(128), desired_state smallint, desired_state_desc desc, actual_state smallint, actual_state_desc desc, reason smallint, reason_desc desc",
    ),
    empty(
        "sys.database_event_session_actions",
        "event_session_id int!, event_id int!, name sysname!, package sysname!, module sysname!",
    ),
    empty(
        "sys.database_event_session_events",
        "event_session_id int!, event_id int!, name sysname!, package sysname!, module sysname!, predicate nvarchar(3000), predicate_xml nvarchar(3000)",
    ),
    empty(
        "sys.database_event_session_fields",
        "event_session_id int!, object_id int!, name sysname!, value sql_variant",
    ),
    empty(
        "sys.database_event_session_targets",
        "event_session_id int!, target_id int!, name sysname!, package sysname!, module sysname!",
    ),
    empty(
        "sys.database_event_sessions",
        "event_session_id int!, name sysname!, event_retention_mode nchar(1), event_retention_mode_desc sysname, max_dispatch_latency int, max_memory int, max_event_size int, memory_partition_mode nchar(1), memory_partition_mode_desc sysname, track_causality bit, startup_state bit, has_long_running_target bit",
    ),
    empty(
        "sys.database_ledger_blocks",
        "block_id bigint!, transactions_root_hash binary(32)!, block_size int!, previous_block_hash binary(32)",
    ),
    empty(
        "sys.database_ledger_digest_locations",
        "storage_type int!, storage_type_desc nvarchar(60)!, path nvarchar(4000)!, last_digest_block_id bigint!, is_current bit!",
    ),
    empty(
        "sys.database_ledger_transactions",
        "transaction_id bigint!, block_id bigint!, transaction_ordinal int!, commit_time datetime2!, principal_name sysname!, table_hashes varbinary(max)!",
    ),
    empty(
        "sys.database_mirroring_witnesses",
        "database_name sysname!, principal_server_name sysname, mirror_server_name sysname, safety_level tinyint!, safety_level_desc desc, safety_sequence_number int!, role_sequence_number int!, mirroring_guid uniqueidentifier!, family_guid uniqueidentifier!, is_suspended bit, is_suspended_sequence_number int!, partner_sync_state tinyint, partner_sync_state_desc desc",
    ),
    empty(
        "sys.database_query_store_internal_state",
        "pending_message_count bigint, messaging_memory_used_mb bigint",
    ),
    empty(
        "sys.edge_constraint_clauses",
        "object_id int!, clause_number int!, from_object_id int!, to_object_id int!",
    ),
    empty(
        "sys.endpoint_webmethods",
        "endpoint_id int!, namespace nvarchar(384), method_alias nvarchar(64)!, object_name nvarchar(776), result_schema tinyint, result_schema_desc desc, result_format tinyint, result_format_desc desc",
    ),
    empty("sys.event_notification_event_types", "type int!, type_name nvarchar(64), parent_type int"),
    empty(
        "sys.external_language_files",
        "external_language_id int!, content varbinary(max), file_name nvarchar(266)!, platform tinyint!, platform_desc desc, parameters nvarchar(1000), environment_variables nvarchar(1000)",
    ),
    empty(
        "sys.external_libraries_installed",
        "db_id int!, principal_id int!, language_id int!, external_library_id int!, name nvarchar(260)!, mdversion binary(8)!",
    ),
    empty(
        "sys.external_library_files",
        "external_library_id int!, content varbinary(max), platform tinyint!, platform_desc desc",
    ),
    empty(
        "sys.external_library_setup_errors",
        "db_id int!, principal_id int!, external_library_id int!, error_code int, error_timestamp datetime2, error_message nvarchar(1024)",
    ),
    empty("sys.external_job_streams", "job_id int!, stream_id int!, is_input bit!, is_output bit!"),
    empty(
        "sys.external_streaming_jobs",
        "name sysname!, job_id int!, statement nvarchar(max), status int, principal_id int",
    ),
    empty(
        "sys.external_stream_columns",
        "stream_id int!, column_id int!, name sysname, system_type_id tinyint!, user_type_id int!, max_length smallint!, precision tinyint!, scale tinyint!",
    ),
    empty(
        "sys.external_streams",
        "object_id int!, name sysname!, data_source_id int!, file_format_id int, location nvarchar(max), input_options nvarchar(max), output_options nvarchar(max)",
    ),
    empty(
        "sys.external_table_columns",
        "object_id int!, column_id int!, partition_ordinal int, hash_column_ordinal int",
    ),
    empty(
        "sys.fulltext_document_types",
        "document_type nvarchar(256)!, class_id uniqueidentifier!, path nvarchar(260), version nvarchar(256)!, manufacturer nvarchar(256)!",
    ),
    empty("sys.fulltext_index_catalog_usages", "object_id int!, fulltext_catalog_id int!, index_id int!"),
    empty(
        "sys.fulltext_index_fragments",
        "table_id int!, fragment_object_id int!, fragment_id int!, timestamp timestamp!, data_size int!, row_count int!, status int!",
    ),
    empty(
        "sys.fulltext_semantic_language_statistics_database",
        "database_id int!, register_date datetime!, registered_by int!, version nvarchar(128)!",
    ),
    empty("sys.fulltext_semantic_languages", "lcid int!, name sysname!"),
    empty(
        "sys.fulltext_stopwords",
        "stoplist_id int!, stopword nvarchar(64)!, language nvarchar(128)!, language_id int!",
    ),
    empty("sys.fulltext_system_stopwords", "stopword nvarchar(64), language_id int"),
    empty(
        "sys.function_order_columns",
        "object_id int!, order_column_id int!, column_id int!, is_descending bit",
    ),
    empty(
        "sys.http_endpoints",
        "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, site nvarchar(128), url_path nvarchar(4000), is_clear_port_enabled bit!, clear_port int!, is_ssl_port_enabled bit!, ssl_port int!, is_anonymous_enabled bit!, is_basic_auth_enabled bit!, is_digest_auth_enabled bit!, is_kerberos_auth_enabled bit!, is_ntlm_auth_enabled bit!, is_integrated_auth_enabled bit!, authorization_realm nvarchar(128), default_logon_domain nvarchar(128), is_compression_enabled bit!",
    ),
    empty(
        "sys.internal_partitions",
        "partition_id bigint!, object_id int!, index_id int!, partition_number int!, hobt_id bigint!, internal_object_type tinyint, internal_object_type_desc desc, row_group_id int, rows bigint, data_compression tinyint, data_compression_desc desc, optimize_for_sequential_key bit",
    ),
    empty(
        "sys.key_encryptions",
        "key_id int!, thumbprint varbinary(32), crypt_type char(4)!, crypt_type_desc desc, crypt_property varbinary(max)",
    ),
    empty(
        "sys.ledger_column_history",
        "object_id int!, column_id int!, column_name sysname!, operation_type tinyint!, operation_type_desc nvarchar(60)!, transaction_id bigint!, sequence_number bigint!",
    ),
    empty(
        "sys.ledger_table_history",
        "object_id int!, schema_name sysname!, table_name sysname!, ledger_view_schema_name sysname!, ledger_view_name sysname!, operation_type tinyint!, operation_type_desc nvarchar(60)!, transaction_id bigint!, sequence_number bigint!",
    ),
    empty("sys.master_key_passwords", "credential_id int!, family_guid uniqueidentifier"),
    empty(
        "sys.memory_optimized_tables_internal_attributes",
        "object_id int!, xtp_object_id bigint!, type int!, type_desc nvarchar(60)!, minor_id int!",
    ),
    empty("sys.message_type_xml_schema_collection_usages", "message_type_id int!, xml_collection_id int!"),
    empty("sys.module_assembly_usages", "object_id int!, assembly_id int!"),
    empty(
        "sys.numbered_procedure_parameters",
        "object_id int!, procedure_number smallint, name sysname, parameter_id int!, system_type_id tinyint!, user_type_id int!, max_length smallint!, precision tinyint!, scale tinyint!, is_output bit!, is_cursor_ref bit!",
    ),
    empty(
        "sys.parameter_xml_schema_collection_usages",
        "object_id int!, parameter_id int!, xml_collection_id int!",
    ),
    empty(
        "sys.query_context_settings",
        "context_settings_id bigint!, set_options varbinary(8), language_id smallint!, date_format smallint!, date_first tinyint!, status varbinary(2), required_cursor_options int!, acceptable_cursor_options int!, merge_action_type smallint!, default_schema_id int!, is_replication_specific bit!, is_contained varbinary(1)",
    ),
    empty(
        "sys.query_store_plan",
        "plan_id bigint!, query_id bigint!, plan_group_id bigint, engine_version nvarchar(32), compatibility_level smallint!, query_plan_hash binary(8)!, query_plan nvarchar(max), is_online_index_plan bit!, is_trivial_plan bit!, is_parallel_plan bit!, is_forced_plan bit!, is_natively_compiled bit!, force_failure_count bigint!, last_force_failure_reason int!, last_force_failure_reason_desc nvarchar(128), count_compiles bigint, initial_compile_start_time datetimeoffset!, last_compile_start_time datetimeoffset, last_execution_time datetimeoffset, avg_compile_duration float, last_compile_duration bigint, plan_forcing_type int!, plan_forcing_type_desc nvarchar(60), has_compile_replay_script bit, is_optimized_plan_forcing_disabled bit, plan_type int, plan_type_desc nvarchar(120)",
    ),
    empty(
        "sys.query_store_plan_feedback",
        "plan_feedback_id bigint!, plan_id bigint, feature_id tinyint, feature_desc nvarchar(120), feedback_data nvarchar(max), state int, state_desc nvarchar(120), create_time datetimeoffset!, last_updated_time datetimeoffset",
    ),
    empty(
        "sys.query_store_plan_forcing_locations",
        "plan_forcing_location_id bigint!, query_id bigint!, plan_id bigint!, replica_group_id bigint!, timestamp datetime!, plan_forcing_type int!, plan_forcing_type_desc nvarchar(60)",
    ),
    empty(
        "sys.query_store_query_hints",
        "query_hint_id bigint!, query_id bigint!, replica_group_id bigint!, query_hint_text nvarchar(max), last_query_hint_failure_reason int!, last_query_hint_failure_reason_desc nvarchar(128), query_hint_failure_count bigint!, source int!, source_desc nvarchar(128), comment nvarchar(max)",
    ),
    empty(
        "sys.query_store_query_variant",
        "query_variant_query_id bigint!, parent_query_id bigint!, dispatcher_plan_id bigint!",
    ),
    empty(
        "sys.query_store_replicas",
        "replica_group_id bigint!, role_type smallint!, replica_name nvarchar(1288)",
    ),
    empty(
        "sys.query_store_runtime_stats",
        "runtime_stats_id bigint!, plan_id bigint!, runtime_stats_interval_id bigint!, execution_type tinyint!, execution_type_desc desc, first_execution_time datetimeoffset!, last_execution_time datetimeoffset!, count_executions bigint!, avg_duration float, last_duration bigint!, min_duration bigint!, max_duration bigint!, stdev_duration float, avg_cpu_time float, last_cpu_time bigint!, min_cpu_time bigint!, max_cpu_time bigint!, stdev_cpu_time float, avg_logical_io_reads float, last_logical_io_reads bigint!, min_logical_io_reads bigint!, max_logical_io_reads bigint!, stdev_logical_io_reads float, avg_logical_io_writes float, last_logical_io_writes bigint!, min_logical_io_writes bigint!, max_logical_io_writes bigint!, stdev_logical_io_writes float, avg_physical_io_reads float, last_physical_io_reads bigint!, min_physical_io_reads bigint!, max_physical_io_reads bigint!, stdev_physical_io_reads float, avg_clr_time float, last_clr_time bigint!, min_clr_time bigint!, max_clr_time bigint!, stdev_clr_time float, avg_dop float, last_dop bigint!, min_dop bigint!, max_dop bigint!, stdev_dop float, avg_query_max_used_memory float, last_query_max_used_memory bigint!, min_query_max_used_memory bigint!, max_query_max_used_memory bigint!, stdev_query_max_used_memory float, avg_rowcount float, last_rowcount bigint!, min_rowcount bigint!, max_rowcount bigint!, stdev_rowcount float, avg_num_physical_io_reads float, last_num_physical_io_reads bigint, min_num_physical_io_reads bigint, max_num_physical_io_reads bigint, stdev_num_physical_io_reads float, avg_log_bytes_used float, last_log_bytes_used bigint, min_log_bytes_used bigint, max_log_bytes_used bigint, stdev_log_bytes_used float, avg_tempdb_space_used float, last_tempdb_space_used bigint, min_tempdb_space_used bigint, max_tempdb_space_used bigint, stdev_tempdb_space_used float, avg_page_server_io_reads float, last_page_server_io_reads bigint, min_page_server_io_reads bigint, max_page_server_io_reads bigint, stdev_page_server_io_reads float, replica_group_id bigint!",
    ),
    empty(
        "sys.query_store_runtime_stats_interval",
        "runtime_stats_interval_id bigint!, start_time datetimeoffset!, end_time datetimeoffset!, comment nvarchar(max)",
    ),
    empty(
        "sys.query_store_wait_stats",
        "wait_stats_id bigint!, plan_id bigint!, runtime_stats_interval_id bigint!, wait_category smallint!, wait_category_desc nvarchar(60)!, execution_type tinyint!, execution_type_desc nvarchar(128), total_query_wait_time_ms bigint!, avg_query_wait_time_ms float, last_query_wait_time_ms bigint!, min_query_wait_time_ms bigint!, max_query_wait_time_ms bigint!, stdev_query_wait_time_ms float, replica_group_id bigint!",
    ),
    empty(
        "sys.registered_search_properties",
        "property_list_id int!, property_set_guid uniqueidentifier!, property_int_id int!, property_name nvarchar(64)!, property_description nvarchar(512), property_id int!",
    ),
    empty(
        "sys.remote_data_archive_databases",
        "remote_database_id int!, remote_database_name sysname!, data_source_id int!, federated_service_account bit!",
    ),
    empty(
        "sys.remote_data_archive_tables",
        "object_id int!, remote_database_id int, remote_table_name sysname, filter_predicate nvarchar(max), migration_direction tinyint, migration_direction_desc desc, is_migration_paused bit, is_reconciled bit",
    ),
    empty(
        "sys.remote_logins",
        "server_id int!, remote_name sysname, local_principal_id int, modify_date datetime!",
    ),
    empty(
        "sys.resource_governor_external_resource_pool_affinity",
        "external_pool_id int!, processor_group smallint!, cpu_mask bigint!",
    ),
    empty(
        "sys.resource_governor_external_resource_pools",
        "external_pool_id int!, name sysname!, max_cpu_percent int!, max_memory_percent int!, max_processes int!, version bigint!",
    ),
    empty(
        "sys.resource_governor_resource_pool_affinity",
        "pool_id int!, processor_group smallint!, scheduler_mask bigint!",
    ),
    empty(
        "sys.selective_xml_index_namespaces",
        "object_id int!, index_id int!, is_default_uri bit, uri nvarchar(4000), prefix nvarchar(4000)",
    ),
    empty(
        "sys.selective_xml_index_paths",
        "object_id int!, index_id int!, path_id int!, path nvarchar(4000), name sysname, path_type tinyint, path_type_desc sysname, xml_component_id int, xquery_type_description nvarchar(4000), is_xquery_type_inferred bit, xquery_max_length smallint, is_xquery_max_length_inferred bit, is_node bit, system_type_id tinyint, user_type_id tinyint, max_length smallint, precision tinyint, scale tinyint, collation_name sysname, is_singleton bit, is_singleton_inferred bit",
    ),
    empty(
        "sys.server_assembly_modules",
        "object_id int!, assembly_id int!, assembly_class sysname, assembly_method sysname, execute_as_principal_id int",
    ),
    empty(
        "sys.server_audit_specification_details",
        "server_specification_id int!, audit_action_id char(4)!, audit_action_name nvarchar(60)!, class tinyint!, class_desc nvarchar(60)!, major_id int!, minor_id int!, audited_principal_id int!, audited_result nvarchar(60)!, is_group bit!",
    ),
    empty(
        "sys.server_audit_specifications",
        "server_specification_id int!, name sysname!, create_date datetime!, modify_date datetime!, audit_guid uniqueidentifier, is_state_enabled bit",
    ),
    empty(
        "sys.server_event_notifications",
        "name sysname!, object_id int!, parent_class tinyint!, parent_class_desc desc, parent_id int!, create_date datetime!, modify_date datetime!, service_name nvarchar(256), broker_instance nvarchar(128), creator_sid varbinary(85), principal_id int",
    ),
    empty(
        "sys.server_event_session_actions",
        "event_session_id int!, event_id int!, name sysname!, package sysname!, module sysname!",
    ),
    empty(
        "sys.server_event_session_events",
        "event_session_id int!, event_id int!, name sysname!, package sysname!, module sysname!, predicate nvarchar(3000), predicate_xml nvarchar(3000)",
    ),
    empty(
        "sys.server_event_session_fields",
        "event_session_id int!, object_id int!, name sysname!, value sql_variant",
    ),
    empty(
        "sys.server_event_session_targets",
        "event_session_id int!, target_id int!, name sysname!, package sysname!, module sysname!",
    ),
    empty(
        "sys.server_events",
        "object_id int!, type int!, type_desc desc, is_trigger_event bit, event_group_type int, event_group_type_desc desc",
    ),
    empty(
        "sys.server_file_audits",
        "audit_id int!, name sysname!, audit_guid uniqueidentifier, create_date datetime!, modify_date datetime!, principal_id int, type char(2)!, type_desc desc, on_failure tinyint, on_failure_desc desc, is_state_enabled bit, queue_delay int, predicate nvarchar(3000), max_file_size bigint, max_rollover_files int, max_files int, reserve_disk_space bit, log_file_path nvarchar(260), log_file_name nvarchar(260), retention_days int, is_operator_audit bit",
    ),
    empty(
        "sys.server_memory_optimized_hybrid_buffer_pool_configuration",
        "is_configured bit!, is_enabled bit!",
    ),
    empty("sys.server_principal_credentials", "principal_id int!, credential_id int!"),
    empty(
        "sys.service_contract_message_usages",
        "service_contract_id int!, message_type_id int!, is_sent_by_initiator bit!, is_sent_by_target bit!",
    ),
    empty("sys.service_contract_usages", "service_id int!, service_contract_id int!"),
    empty("sys.service_queue_usages", "service_id int!, service_queue_id int!"),
    empty(
        "sys.service_broker_endpoints",
        "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, is_message_forwarding_enabled bit!, message_forwarding_size int!, connection_auth tinyint!, connection_auth_desc desc, certificate_id int!, encryption_algorithm tinyint!, encryption_algorithm_desc desc",
    ),
    empty(
        "sys.soap_endpoints",
        "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, is_sql_language_enabled bit!, wsdl_generator_procedure nvarchar(776), default_database sysname, default_namespace nvarchar(384), default_result_schema tinyint, default_result_schema_desc desc, is_xml_charset_enforced bit!, is_session_enabled bit!, session_timeout int!, login_type nvarchar(60)!, header_limit int!",
    ),
    empty("sys.trace_categories", "category_id smallint!, name nvarchar(128)!, type tinyint!"),
    empty(
        "sys.trace_columns",
        "trace_column_id smallint!, name nvarchar(128)!, type_name nvarchar(128), max_size int, is_filterable bit!, is_repeatable bit!, is_repeated_base bit!",
    ),
    empty("sys.trace_event_bindings", "trace_event_id smallint!, trace_column_id smallint!"),
    empty(
        "sys.trace_subclass_values",
        "trace_event_id smallint!, trace_column_id smallint!, subclass_name nvarchar(128), subclass_value smallint",
    ),
    empty(
        "sys.transmission_queue",
        "conversation_handle uniqueidentifier!, to_service_name nvarchar(256), to_broker_instance nvarchar(128), from_service_name nvarchar(256), service_contract_name nvarchar(256), enqueue_time datetime!, message_sequence_number bigint!, message_type_name nvarchar(256), is_conversation_error bit!, is_end_of_dialog bit!, message_body varbinary(max), transmission_status nvarchar(4000), priority tinyint!",
    ),
    empty(
        "sys.trusted_assemblies",
        "hash varbinary(8000)!, description nvarchar(4000), create_date datetime2!, created_by nvarchar(128)!",
    ),
    empty(
        "sys.via_endpoints",
        "name sysname!, endpoint_id int!, principal_id int, protocol tinyint!, protocol_desc desc, type tinyint!, type_desc desc, state tinyint, state_desc desc, is_admin_endpoint bit!, discriminator nvarchar(128)",
    ),
    empty(
        "sys.xml_schema_attributes",
        "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int, is_default_fixed bit!, must_be_qualified bit!, default_value nvarchar(4000)",
    ),
    empty(
        "sys.xml_schema_elements",
        "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int, is_default_fixed bit!, is_abstract bit!, is_nillable bit!, must_be_qualified bit!, is_extension_blocked bit!, is_restriction_blocked bit!, is_substitution_blocked bit!, is_final_extension bit!, is_final_restriction bit!, default_value nvarchar(4000)",
    ),
    empty(
        "sys.xml_schema_model_groups",
        "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int, compositor char(1)!, compositor_desc desc",
    ),
    empty(
        "sys.xml_schema_types",
        "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int, is_abstract bit!, allows_mixed_content bit!, is_extension_blocked bit!, is_restriction_blocked bit!, is_final_extension bit!, is_final_restriction bit!, is_final_list_member bit!, is_final_union_member bit!",
    ),
    empty("sys.xml_schema_wildcard_namespaces", "xml_component_id int!, namespace nvarchar(4000)!"),
    empty(
        "sys.xml_schema_wildcards",
        "xml_component_id int!, xml_collection_id int!, xml_namespace_id int!, is_qualified bit!, name nvarchar(4000), symbol_space char(1)!, symbol_space_desc desc, kind char(1)!, kind_desc desc, derivation char(1)!, derivation_desc desc, base_xml_component_id int, scoping_xml_component_id int, process_content char(1)!, process_content_desc desc, disallow_namespaces bit!",
    ),
];
