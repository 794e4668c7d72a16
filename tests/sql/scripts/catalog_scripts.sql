-- Administrators' scripts over the catalog: sizes, missing foreign key indexes, generated drops, a column search, disabled constraints, dependency order.
create database Cat
go
use Cat
go
create table dbo.Region (Id int primary key, Name varchar(20) not null)
create table dbo.Store (Id int constraint PK_Store primary key, RegionId int not null constraint FK_Store_Region references dbo.Region, Name varchar(20), Opened datetime)
create table dbo.Sale (Id int identity constraint PK_Sale primary key, StoreId int constraint FK_Sale_Store references dbo.Store, Amount decimal(9, 2) constraint DF_Amount default 0, Memo nvarchar(max), index IX_Store (StoreId))
create table dbo.Heap (a int, b varchar(10))
go
create view dbo.StoreNames as select s.Name, r.Name as Region from dbo.Store s join dbo.Region r on r.Id = s.RegionId
go
set nocount on
insert dbo.Region values (1, 'N'), (2, 'S')
insert dbo.Store values (1, 1, 'a', '2020-01-01'), (2, 2, 'b', null)
insert dbo.Sale (StoreId, Amount) values (1, 5), (2, 6.5), (2, default)
go
select s.name + '.' + t.name as tbl, sum(p.rows) as row_count, max(case when i.index_id = 0 then 'heap' else 'clustered' end) as kind
from sys.tables t join sys.schemas s on s.schema_id = t.schema_id join sys.indexes i on i.object_id = t.object_id and i.index_id < 2 join sys.partitions p on p.object_id = i.object_id and p.index_id = i.index_id
group by s.name, t.name order by 1
select fk.name, object_name(fk.parent_object_id) as child, col_name(fkc.parent_object_id, fkc.parent_column_id) as col
from sys.foreign_keys fk join sys.foreign_key_columns fkc on fkc.constraint_object_id = fk.object_id
where not exists (select * from sys.index_columns ic where ic.object_id = fkc.parent_object_id and ic.column_id = fkc.parent_column_id and ic.key_ordinal = 1) order by 1
select t.name, c.name, ty.name, c.max_length, c.is_nullable from sys.columns c join sys.tables t on t.object_id = c.object_id join sys.types ty on ty.user_type_id = c.user_type_id where c.name like '%Name%' or ty.name = 'datetime' order by 1, 2
go
declare @sql nvarchar(max) = N''
select @sql += N'alter table ' + quotename(schema_name(schema_id)) + N'.' + quotename(object_name(parent_object_id)) + N' drop constraint ' + quotename(name) + N';' + char(13) + char(10) from sys.foreign_keys order by name
print @sql
begin tran
exec sp_executesql @sql
select count(*) as fks from sys.foreign_keys
rollback
select count(*) as fks from sys.foreign_keys
go
with levels as
(
    select t.object_id, 0 as lvl from sys.tables t where not exists (select * from sys.foreign_keys f where f.parent_object_id = t.object_id and f.referenced_object_id <> t.object_id)
    union all
    select f.parent_object_id, l.lvl + 1 from levels l join sys.foreign_keys f on f.referenced_object_id = l.object_id and f.parent_object_id <> f.referenced_object_id
)
select object_name(object_id) as tbl, max(lvl) as lvl from levels group by object_id order by lvl, tbl
go
alter table dbo.Store nocheck constraint all
insert dbo.Store values (3, 99, 'c', null)
select name, is_disabled, is_not_trusted from sys.foreign_keys order by name
alter table dbo.Store with check check constraint FK_Store_Region
go
delete dbo.Store where Id = 3
alter table dbo.Store with check check constraint all
select name, is_disabled, is_not_trusted from sys.foreign_keys order by name
go
select object_definition(object_id('dbo.StoreNames')) as text
select objectpropertyex(object_id('dbo.Sale'), 'BaseType') as bt, objectproperty(object_id('dbo.Sale'), 'TableHasIdentity') as id, columnproperty(object_id('dbo.Sale'), 'Amount', 'Scale') as sc, col_length('dbo.Store', 'Name') as len, ident_current('dbo.Sale') as cur, type_id('int') as ty, indexproperty(object_id('dbo.Sale'), 'IX_Store', 'IsUnique') as uq, index_col('dbo.Sale', 2, 1) as ic, object_schema_name(object_id('dbo.Sale')) as os, parsename('srv.db.dbo.t', 2) as pn, object_id('nothing') as none
go
create table #missing (t sysname)
exec sp_msforeachtable 'insert #missing select ''?'' where objectproperty(object_id(''?''), ''TableHasPrimaryKey'') = 0'
select * from #missing
drop table #missing
go
declare @name sysname, @cmd nvarchar(400), @n int
declare c cursor fast_forward for select name from sys.tables order by name
open c
fetch c into @name
while @@fetch_status <> -1
begin
    if @@fetch_status <> -2
    begin
        set @cmd = N'select @out = count(*) from ' + quotename(@name)
        exec sp_executesql @stmt = @cmd, @params = N'@out int output', @out = @n output
        raiserror('%s has %d row(s)', 0, 1, @name, @n) with nowait
    end
    fetch c into @name
end
close c
deallocate c
go
dbcc checkident('dbo.Sale')
dbcc checkident('dbo.Sale', reseed, 100) with no_infomsgs
insert dbo.Sale (Amount) values (1)
select max(Id) as id from dbo.Sale
go
exec sp_helpindex 'dbo.Sale'
exec sp_columns @table_name = 'Heap'
exec sp_fkeys @fktable_name = 'Sale'
exec sp_pkeys 'Store'
go
select TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE from INFORMATION_SCHEMA.TABLE_CONSTRAINTS where CONSTRAINT_TYPE = 'FOREIGN KEY' order by 2
select k.TABLE_NAME, k.COLUMN_NAME, k.ORDINAL_POSITION, r.UNIQUE_CONSTRAINT_NAME, r.DELETE_RULE from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS r join INFORMATION_SCHEMA.KEY_COLUMN_USAGE k on k.CONSTRAINT_NAME = r.CONSTRAINT_NAME where r.CONSTRAINT_NAME = 'FK_Nothing'
go
