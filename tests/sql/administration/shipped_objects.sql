-- What scripts ask of the server's own objects: whether they are there, what they are, what their columns are.
select object_id('sys.sp_configure') as configure, object_id('sp_help') as help, object_id('dbo.sp_help') as of_dbo, object_id('master.dbo.xp_cmdshell') as shell,
    object_id('master.sys.xp_dirtree') as tree, object_id('dbo.sysobjects') as old, object_id('sysobjects') as bare, object_id('sp_nothing') as none
select object_name(object_id('sp_help')) as name, object_schema_name(object_id('sp_help')) as s, objectproperty(object_id('sp_help'), 'IsProcedure') as p, objectproperty(object_id('sp_help'), 'IsMSShipped') as shipped
select object_id('sp_help', 'P') as p, object_id('sp_help', 'U') as u, object_id('xp_dirtree', 'X') as x, object_id('sp_executesql') as sql
go
select name, type, is_ms_shipped, schema_name(schema_id) as s from sys.all_objects where name in ('sp_configure', 'sp_help', 'xp_dirtree', 'objects', 'sysobjects') order by name
select count(*) as n from sys.objects where name like 'sp[_]%'
select count(*) as twice from (select name, schema_id from sys.all_objects group by name, schema_id having count(*) > 1) x
go
-- What a call would not find has no id.
select object_id('msdb.sys.sp_getVolumeFreeSpace', 'P') as free, object_id('sp_adddistributor') as distributor
go
create database Own
go
use Own
go
select object_id('sys.sp_configure') as configure, object_id('sp_help') as help, object_id('sys.sp_getVolumeFreeSpace') as free, object_id('dbo.sysobjects') as old, object_id('sp_adddistributor') as distributor,
    object_id('objects') as bare_view, object_id('dbo.objects') as of_dbo
go
create procedure dbo.sp_help as select 1 as mine
go
select case when object_id('sp_help') > 0 then 'mine' else 'the server''s' end as which, case when object_id('sys.sp_help') < 0 then 'the server''s' end as other
go
-- Columns of system views, as checks of versions ask for them.
select col_length('sys.dm_exec_query_stats', 'total_rows') as l, col_length('sys.objects', 'name') as name, col_length('sys.objects', 'nothing') as none,
    col_name(object_id('sys.objects'), 1) as first, columnproperty(object_id('sys.objects'), 'name', 'ColumnId') as id, columnproperty(object_id('sys.objects'), 'name', 'Precision') as p
go
-- Tables that master and msdb have.
select case when object_id('msdb.dbo.backupset') > 0 then 'there' end as a, case when object_id('msdb.dbo.sysjobs') > 0 then 'there' end as b, case when object_id('msdb..sysjobs', 'U') > 0 then 'there' end as c,
    case when object_id('master.dbo.spt_values') > 0 then 'there' end as d, object_id('msdb.dbo.spt_values') as e, object_id('dbo.sysjobs') as f
select name, type, type_desc, is_ms_shipped, schema_name(schema_id) as s from msdb.sys.tables where name in ('backupset', 'sysjobs', 'sysjobs_view') order by name
select name, type from msdb.sys.views where name in ('sysjobs', 'sysjobs_view', 'syspolicy_policies') order by name
select name, type from master.sys.objects where schema_id = 1
select c.name, type_name(c.user_type_id) as t, c.max_length, c.is_nullable from master.sys.columns c where object_id = object_id('master.dbo.spt_values') order by column_id
select col_length('msdb.dbo.backupset', 'is_encrypted') as encrypted, col_length('msdb.dbo.backupset', 'key_algorithm') as algorithm
select table_schema, table_name, table_type from msdb.information_schema.tables where table_name in ('sysjobs', 'sysjobs_view') order by table_name
select name, xtype from msdb.dbo.sysobjects where name = 'sysjobs'
go
use msdb
select object_name(object_id('dbo.sysjobs')) as name, objectproperty(object_id('dbo.sysjobs'), 'IsUserTable') as u, objectproperty(object_id('dbo.sysjobs'), 'IsMSShipped') as shipped
exec sp_columns 'sysdbmaintplan_jobs'
exec sp_help 'dbo.sysproxylogin'
exec sp_MSforeachtable 'print ''?'''
go
use master
go
-- Names for numbers.
select name, number, type, low, high, status from spt_values where type in ('E', 'B', 'LS', 'V') order by type, number
select convert(float, low / 1024.) as page from master.dbo.spt_values where number = 1 and type = 'E'
select type, count(*) as n, min(number) as lowest, max(number) as highest from master.dbo.spt_values group by type order by type
select name from spt_values where type = 'T' and number in (193, 205) order by number
select substring(name, 5, 31) as words from spt_values where type = 'O9T' and substring(name, 1, 2) = 'U '
select name from spt_values where type = 'SOP' and number & 5496 = number and number > 0 order by number
go
-- Policies: none, and nothing evaluates them.
select name, current_value from msdb.dbo.syspolicy_configuration order by name
select msdb.dbo.fn_syspolicy_is_automation_enabled() as enabled
select case when 1 = msdb.dbo.fn_syspolicy_is_automation_enabled() and exists (select * from msdb.dbo.syspolicy_system_health_state
    where target_query_expression_with_id like 'Server%') then 1 else 0 end as health
select count(*) as n from msdb.dbo.syspolicy_object_sets o join msdb.dbo.syspolicy_target_sets t on t.object_set_id = o.object_set_id
    join msdb.dbo.syspolicy_target_set_levels l on l.target_set_id = t.target_set_id
select count(*) as n from msdb.dbo.sysschedules_localserver_view where master_server = 0
go
-- What tools ask of a server.
select isnull(suser_sname(sid_binary(isnull(cast(null as nvarchar(512)), N''))), N'') as account, sid_binary(N'sa') as sa, sid_binary(null) as nobody
create table #usage (value int)
insert #usage exec msdb.sys.sp_getProcessorUsage
select count(*) as n from #usage where value between 0 and 100
drop table #usage
go
-- A stored table under such a name hides the computed one.
use msdb
go
create table dbo.sysproxylogin (mine int)
select object_name(object_id('dbo.sysproxylogin')) as name, objectproperty(object_id('dbo.sysproxylogin'), 'IsMSShipped') as shipped, col_length('dbo.sysproxylogin', 'mine') as l
select count(*) as n from sys.objects where name = 'sysproxylogin'
select count(*) as twice from (select name, schema_id from sys.all_objects group by name, schema_id having count(*) > 1) x
drop table dbo.sysproxylogin
go
select objectproperty(object_id('dbo.sysproxylogin'), 'IsMSShipped') as shipped
go
