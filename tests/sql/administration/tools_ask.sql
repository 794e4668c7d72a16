-- What maintenance and monitoring scripts ask the server for.
SELECT sys.fn_varbintohexsubstring(1, 0x0102FF, 2, 0) AS rest, master.sys.fn_varbintohexsubstring(0, 0x0102FF, 1, 2) AS two, sys.fn_varbintohexsubstring(0, 0x01, 3, 0) AS none
GO
-- System functions need no schema.
SELECT COUNT(*) AS n FROM fn_virtualfilestats(NULL, NULL)
SELECT COUNT(*) AS n FROM ::fn_trace_getinfo(DEFAULT)
GO
-- Files of traces and of event sessions, of which none were ever written.
SELECT * FROM fn_trace_gettable('/nowhere/log.trc', DEFAULT)
GO
SELECT * FROM sys.fn_xe_file_target_read_file('mine*.xel', NULL, NULL, NULL)
GO
SELECT object_name, event_data, timestamp_utc FROM sys.fn_xe_file_target_read_file(N'system_health*.xel', NULL, NULL, NULL)
GO
-- Columns that tools select by name.
SELECT total_spills, max_spills, total_num_physical_reads, total_page_server_reads FROM sys.dm_exec_procedure_stats
SELECT total_page_server_reads FROM sys.dm_exec_function_stats
SELECT total_num_page_server_reads FROM sys.dm_exec_query_stats
SELECT plan_id, avg_duration, stdev_page_server_io_reads, replica_group_id FROM sys.query_store_runtime_stats
SELECT name, port, is_dynamic_port, ip_address FROM sys.tcp_endpoints
SELECT IIF(process_kernel_time_ms >= 0 AND process_user_time_ms >= 0, 'measured', NULL) AS times, time_source_desc FROM sys.dm_os_sys_info
SELECT page_resource FROM sys.sysprocesses WHERE spid = @@SPID
GO
BEGIN TRANSACTION
SELECT COUNT(*) AS n FROM sys.dm_tran_active_transactions WHERE transaction_status2 = 0 AND dtc_isolation_level = -1 AND filestream_transaction_id IS NULL
ROLLBACK
GO
-- SQL Server Agent and Database Mail are not here.
EXEC msdb.dbo.sp_add_job @job_name = N'nightly'
GO
EXEC msdb.dbo.sp_send_dbmail @recipients = N'somebody', @subject = N'text'
GO
-- A key of the registry that is not there leaves the variable alone.
DECLARE @data nvarchar(100) = N'as before', @status int
EXEC @status = master.dbo.xp_regread N'HKEY_LOCAL_MACHINE', N'SOFTWARE\Nothing', N'Nothing', @data OUTPUT
SELECT @data AS data, @status AS status
GO
-- Options about row versions stand beside others.
CREATE DATABASE set_together
GO
ALTER DATABASE set_together SET RECOVERY SIMPLE, READ_COMMITTED_SNAPSHOT ON, ANSI_NULLS ON, ALLOW_SNAPSHOT_ISOLATION ON, MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT = ON
GO
SELECT recovery_model_desc, is_read_committed_snapshot_on, is_ansi_nulls_on, snapshot_isolation_state_desc, is_memory_optimized_elevate_to_snapshot_on
FROM sys.databases WHERE name = N'set_together'
GO
DROP DATABASE set_together
GO
