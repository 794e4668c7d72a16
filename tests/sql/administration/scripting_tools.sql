-- What tools that script databases ask of the catalogue.
create database Scripting
go
alter database Scripting add filegroup fg2
alter database Scripting add file (name = f2, filename = 'scripting_f2.ndf', size = 5MB) to filegroup fg2
go
use Scripting
go
create synonym dbo.far for master.sys.objects
create synonym dbo.near for dbo.a
select name, base_object_name from sys.synonyms order by name
go
create table dbo.a (i int primary key, b int, s varchar(10))
create index f on dbo.a (b) where b in (1, 2) and i > 5
create index g on dbo.a (b) where s in ('x', N'it''s')
create statistics st on dbo.a (s) where b in (-1)
select name, filter_definition from sys.indexes where object_id = object_id('dbo.a') and has_filter = 1
select name, filter_definition from sys.stats where object_id = object_id('dbo.a') and has_filter = 1
go
-- The stored filter can be given back.
create index h on dbo.a (b) where ([b] IN ((1), (2)) AND [i]>(5))
select filter_definition from sys.indexes where name = 'h'
alter index f on dbo.a rebuild
insert dbo.a values (6, 1, 'x'), (7, 2, 'y'), (8, 3, 'z'), (1, 1, 'w')
select i, b from dbo.a with (index (f)) where b in (1, 2) and i > 5 order by i
go
-- External tables: none, and the columns that scripts name.
select et.location, et.reject_type, et.reject_value, et.reject_sample_value, et.sharding_col_id, et.distribution_type,
       et.remote_schema_name, et.remote_object_name
from sys.tables tbl left join sys.external_tables et on et.object_id = tbl.object_id where tbl.is_external = 1
go
create default dbo.d1 as 42
go
create rule dbo.r1 as @x <> 'none'
go
select o.name, o.type, m.definition, object_definition(o.object_id) as again
from sys.objects o left join sys.sql_modules m on m.object_id = o.object_id where o.name in ('d1', 'r1') order by o.name
go
create type dbo.phone from varchar(20) not null
exec sp_bindrule 'dbo.r1', 'dbo.phone'
exec sp_bindefault 'dbo.d1', 'dbo.phone'
select name, object_name(rule_object_id) as rule_name, object_name(default_object_id) as default_name from sys.types where name = 'phone'
exec sp_unbindrule 'dbo.phone'
select name, rule_object_id, object_name(default_object_id) as default_name from sys.types where name = 'phone'
go
-- Where large values lie.
create table dbo.large_there (id int primary key, t nvarchar(max)) on fg2 textimage_on fg2
create table dbo.large_here (id int, t xml)
create table dbo.none (id int) on fg2
create table dbo.later (id int) on fg2
alter table dbo.later add t varbinary(max)
select t.name, t.lob_data_space_id, (select max(u.data_space_id) from sys.partitions p
    join sys.allocation_units u on u.container_id = p.hobt_id where p.object_id = t.object_id and u.type = 2) as of_unit
from sys.tables t where t.name in ('large_there', 'large_here', 'none', 'later') order by t.name
go
-- Names of three parts.
create statistics s1 on dbo.a (i)
DBCC SHOW_STATISTICS (N'[Scripting].[dbo].[a]', N's1') WITH DENSITY_VECTOR
DBCC CHECKIDENT ('Scripting.dbo.a', noreseed)
go
create table [dot.ted].a (i int)
go
create schema [dot.ted]
go
create table [dot.ted].[a.b] (i int identity(5, 1))
insert [dot.ted].[a.b] default values
dbcc checkident ('[dot.ted].[a.b]', noreseed)
use tempdb
dbcc checkident ('Scripting.[dot.ted].[a.b]', reseed, 20)
dbcc checktable ('Scripting.dbo.a') with no_infomsgs
dbcc checktable ('Scripting..a') with no_infomsgs
dbcc show_statistics ('Scripting.dbo.a', 's1') with density_vector, no_infomsgs
dbcc checktable ('Scripting.dbo.nothing') with no_infomsgs
dbcc checktable ('Nowhere.dbo.a') with no_infomsgs
dbcc dbreindex ('Scripting.dbo.[a]') with no_infomsgs
use Scripting
insert [dot.ted].[a.b] default values
select i from [dot.ted].[a.b]
go
-- Databases are told apart by their numbers.
select d.name, case when r.database_guid is null then 'none' else 'there' end as own, case when r.family_guid is null then 'none' else 'there' end as family,
    case when r.recovery_fork_guid is null then 'none' else 'there' end as fork, last_log_backup_lsn, fork_point_lsn
from sys.database_recovery_status r join sys.databases d on d.database_id = r.database_id where d.name = 'Scripting'
go
