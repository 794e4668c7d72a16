-- Columns, views and functions that monitoring tools and maintenance scripts use.
select class_desc, count(*) as n from sys.fn_builtin_permissions(default) group by class_desc order by class_desc
select * from sys.fn_builtin_permissions('schema') order by permission_name
select permission_name, type, covering_permission_name, parent_covering_permission_name from fn_builtin_permissions(N'DATABASE') where permission_name in ('CONTROL', 'CREATE TABLE', 'CREATE SCHEMA', 'SHOWPLAN', 'VIEW DEFINITION') order by 1
select count(*) as n from sys.fn_builtin_permissions('NOTHING')
select count(distinct permission_name) as n from sys.fn_builtin_permissions(null) where class_desc = 'SERVER' and covering_permission_name = ''
go
-- The walk from the top that the documentation of roles shows.
with above as (
    select permission_name, covering_permission_name, 1 as level from sys.fn_builtin_permissions('SERVER') where permission_name = 'CONTROL SERVER'
    union all
    select p.permission_name, p.covering_permission_name, a.level + 1 from above a join sys.fn_builtin_permissions('SERVER') p on p.covering_permission_name = a.permission_name)
select level, count(*) as n from above group by level order by level
go
select msdb.dbo.agent_datetime(20200101, 101010) as a, msdb.dbo.agent_datetime(20191231, 5) as b, msdb.dbo.agent_datetime(20191231, 0) as c, msdb.dbo.agent_datetime(null, 0) as d
go
select msdb.dbo.agent_datetime(0, 0)
go
select msdb.dbo.agent_datetime(20200101)
go
select agent_datetime(20200101, 0)
go
select dbo.agent_datetime(20200101, 0)
go
use msdb
go
select dbo.agent_datetime(20200229, 235959) as leap
go
use master
go
select * from sys.dm_os_out_of_memory_events
select * from sys.dm_tcp_listener_states
select buffer_policy_desc, dropped_event_count from sys.dm_xe_sessions
select top 1 is_data_deletion_filter_column, ledger_view_column_type, ledger_view_column_type_desc, is_dropped_ledger_column from sys.columns
go
create database watched
go
select capture_policy_execution_count as executions, capture_policy_total_compile_cpu_time_ms as compiling, capture_policy_stale_threshold_hours as hours from watched.sys.database_query_store_options
alter database watched set query_store = on (query_capture_mode = custom, query_capture_policy = (stale_capture_policy_threshold = 2 days, execution_count = 30, total_compile_cpu_time_ms = 1000, total_execution_cpu_time_ms = 100))
select query_capture_mode_desc as mode, capture_policy_execution_count as executions, capture_policy_total_compile_cpu_time_ms as compiling, capture_policy_total_execution_cpu_time_ms as running, capture_policy_stale_threshold_hours as hours
from watched.sys.database_query_store_options
select databasepropertyex('watched', 'IsAutoCreateStatisticsIncremental') as incremental, databasepropertyex('watched', 'IsDatabaseSuspendedForSnapshotBackup') as suspended, databasepropertyex('watched', 'Nothing') as nothing
go
select spatial_reference_id, authority_name, well_known_text, unit_of_measure, unit_conversion_factor from sys.spatial_reference_systems where spatial_reference_id in (4326, 4269) order by 1
go
-- The transaction that is open here.
alter database watched set allow_snapshot_isolation on
go
use watched
create table t (id int)
select * from sys.dm_tran_current_transaction
go
begin transaction
select iif(c.transaction_id = t.transaction_id, 'the same', 'other') as id, c.transaction_is_snapshot, c.first_snapshot_sequence_num
from sys.dm_tran_current_transaction c cross join sys.dm_tran_session_transactions t where t.session_id = @@spid
rollback
go
set transaction isolation level snapshot
begin transaction
select count(*) as n from t
select transaction_is_snapshot, iif(first_snapshot_sequence_num <= last_transaction_sequence_num and first_useful_sequence_num <= first_snapshot_sequence_num, 'in order', 'not') as numbers
from sys.dm_tran_current_transaction
rollback
go
use master
drop database watched
go
