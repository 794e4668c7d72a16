-- Schema rowsets of OLE DB, which ADO, Excel and linked servers ask for by name and read by position.
create database Ole
go
use Ole
go
create schema app
go
create type dbo.phone from varchar(20) not null
go
create table dbo.parent (id int identity constraint pk_parent primary key, name nvarchar(30) not null constraint df_name default N'x', born date, [at] datetime2(3), moment datetime,
    price decimal(9, 2), cost money, ratio float, half real, tiny tinyint, flag bit, long varchar(max), bytes varbinary(8), [key] uniqueidentifier, version rowversion,
    doc xml, twice as tiny * 2, call phone, any_value sql_variant, word char(5) collate Latin1_General_BIN, constraint ck_price check (price > 0))
create table app.child (id int not null, parent int not null constraint fk_parent references dbo.parent (id) on delete cascade, pos int not null,
    constraint pk_child primary key nonclustered (id, pos desc), constraint uq_child unique (pos))
create index by_parent on app.child (parent) where pos > 1
go
create view app.seen as select id, name from dbo.parent where id > 0 with check option
go
create procedure app.work @a int, @b nvarchar(20) = N'x', @c varchar(max) out, @d decimal(9, 2), @e datetime2(3) as return 1
go
create function dbo.doubled (@n int) returns int as begin return @n * 2 end
go
create role readers
grant select on dbo.parent to readers
grant update (name) on dbo.parent to readers with grant option
insert dbo.parent (name, call) values (N'a', '1'), (N'b', '2')
go
create table #tables (catalog sysname, [schema] sysname, name sysname, kind nvarchar(30), guid uniqueidentifier, description nvarchar(1), propid int, created datetime, modified datetime)
insert #tables exec [Ole].[sys].sp_tables_rowset2
select catalog, [schema], name, kind from #tables where [schema] <> 'sys' and [schema] <> 'INFORMATION_SCHEMA' order by name
select kind, iif(count(*) > 10, 'many', null) as n from #tables where [schema] = 'sys' group by kind
truncate table #tables
insert #tables exec [Ole]..sp_tables_rowset N'child', N'app', N'TABLE'
insert #tables exec [Ole]..sp_tables_rowset N'seen', NULL, NULL
insert #tables exec [Ole]..sp_tables_rowset;2 N'app', N'TABLE'
select [schema], name, kind from #tables order by name
go
exec sp_tables_info_rowset N'parent', N'dbo'
exec sp_tables_info_90_rowset N'child'
go
exec [Ole]..sp_columns_100_rowset N'parent', N'dbo', NULL
exec [Ole]..sp_columns_90_rowset N'parent', N'dbo', N'born'
exec [Ole]..sp_columns_rowset N'parent', N'dbo', N'doc'
exec [Ole].sys.sp_columns_100_rowset2 N'app', N'pos'
go
exec sp_indexes_100_rowset N'child', NULL, N'app'
exec sp_indexes_rowset2 N'pk_parent'
exec sp_primary_keys_rowset N'child', N'app'
exec sp_primary_keys_rowset2
go
exec sp_foreign_keys_rowset N'parent', N'dbo'
exec sp_foreign_keys_rowset2 N'child', N'app', N'parent', N'dbo', N'Ole'
exec sp_foreign_keys_rowset;3 N'dbo', N'Ole', N'app', NULL
exec sp_foreign_keys_rowset;7
go
exec sp_schemata_rowset N'app'
exec sp_catalogs_rowset N'Ole'
exec sp_table_constraints_rowset N'child', N'app'
exec sp_table_constraints_rowset2 @constraint_type = N'CHECK'
exec sp_check_constraints_rowset N'ck_price'
exec sp_statistics_rowset N'parent', N'dbo'
exec sp_table_privileges_rowset N'parent', N'dbo'
exec sp_column_privileges_rowset N'parent', N'dbo', N'name'
go
create table #views (catalog sysname, [schema] sysname, name sysname, text nvarchar(4000), checked bit, updatable bit, description nvarchar(1), created datetime, modified datetime)
insert #views exec sp_views_rowset N'seen', N'app'
select catalog, [schema], name, text, checked, updatable from #views
create table #procedures (catalog sysname, [schema] sysname, name nvarchar(134), kind smallint, text nvarchar(1), description nvarchar(1), created datetime, modified datetime)
insert #procedures exec sp_procedures_rowset N'work', 1, N'app'
insert #procedures exec sp_procedures_rowset N'doubled', 1, NULL
select catalog, [schema], name, kind from #procedures
go
exec [Ole]..sp_procedure_params_rowset N'work', 1, N'app', NULL
exec [Ole]..sp_procedure_params_100_rowset N'work', 1, N'app', N'@e'
exec [Ole]..sp_procedure_params_90_rowset N'doubled', 1, N'dbo', NULL
go
exec sp_provider_types_100_rowset
exec sp_provider_types_rowset 130, 1
go
use master
drop database Ole
go
