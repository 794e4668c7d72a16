-- What .NET's data provider and the tools on it send.
create database Nets
go
use Nets
go
create table dbo.bc (i int, s nvarchar(20) collate Latin1_General_CI_AS, v varchar(20), x xml)
go
-- Bulk copy: the client reads column id, name, collation on the wire and its name by position.
select @@trancount; SET FMTONLY ON select * from [dbo].[bc] SET FMTONLY OFF exec ..sp_tablecollations_100 N'.[dbo].[bc]'
exec [Nets]..sp_tablecollations_100 N'[dbo].[bc]'
exec sp_tablecollations_90 N'bc'
create table #t (a int, b varchar(5))
exec tempdb..sp_tablecollations_100 N'.[#t]'
select collationproperty('Latin1_General_CI_AS', 'TDSCollation') as wire, collationproperty('SQL_Latin1_General_CP1_CI_AS', 'TDSCollation') as server
go
-- Parameters of a procedure.
create type dbo.rows_of as table (i int)
go
create procedure dbo.many @a int, @b nvarchar(20) = N'x', @c varchar(max) out, @d decimal(9, 2), @e datetime2(3), @f dbo.rows_of readonly, @g xml, @h datetime, @i varbinary(10), @j ntext, @k uniqueidentifier as return 1
go
exec [Nets].[sys].[sp_procedure_params_100_managed] @procedure_name = N'many', @procedure_schema = N'dbo'
create table #kinds (catalog sysname, [schema] sysname, name sysname, parameter sysname, place smallint, kind smallint, has smallint, usual nvarchar(255), nullable bit, managed smallint,
    characters int, octets int, p smallint, s smallint, tc sysname null, ts sysname null, tn sysname null, xc sysname null, xs sysname null, xn sysname null, fraction int)
insert #kinds exec sys.sp_procedure_params_100_managed N'many', 1, NULL, N'@d'
select parameter, managed, p, s from #kinds
go
-- Options that are on or off are bits.
select name, value, sql_variant_property(value, 'BaseType') as base from sys.database_scoped_configurations where configuration_id in (1, 2, 3, 4) order by configuration_id
go
create default dbo.alone as 1
go
create table dbo.t (a int constraint df_a default 1, b int)
exec sp_bindefault 'dbo.alone', 'dbo.t.b'
select name, objectproperty(object_id, 'IsDefault') as d, objectproperty(object_id, 'IsDefaultCnst') as c, objectproperty(object_id, 'IsConstraint') as k, objectpropertyex(object_id, 'IsDefault') as ex
from sys.objects where type = 'D' order by name
go
create user u1 without login
create login nets with password = 'L0ng!enough'
create user u2 for login nets
select name, authentication_type, authentication_type_desc from sys.database_principals where name in ('u1', 'u2', 'guest', 'dbo') order by name
drop user u2
drop login nets
go
-- Schema collections: nothing to show where there are none.
select name, xml_schema_namespace(schema_name(schema_id), name) as text from sys.xml_schema_collections where schema_id <> 4
select assemblyproperty('x', 'VersionMajor') as version
go
alter database Nets add filegroup fg2
alter database Nets add file (name = f2, filename = 'nets_f2.ndf', size = 5MB) to filegroup fg2
go
create table #files (name sysname, fileid smallint, filename nvarchar(260), filegroup sysname null, size nvarchar(18), maxsize nvarchar(18), growth nvarchar(18), usage varchar(9))
insert #files exec sp_helpfile
select name, filegroup from #files order by fileid
go
select rgwg.total_cpu_usage_preemptive_ms, rgwg.request_max_memory_grant_percent_numeric from sys.dm_resource_governor_workload_groups rgwg
select total_cpu_usage_preemptive_ms, total_cpu_violation_delay_ms, total_cpu_active_ms, min_iops_per_volume from sys.dm_resource_governor_resource_pools
go
