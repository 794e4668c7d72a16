create database Types
go
use Types
go
create type dbo.Lines as table(id int not null primary key, name nvarchar(20) not null default N'none' unique, amount decimal(9, 2) null check(amount > 0),
  twice as amount * 2, index ix(amount))
create type dbo.Counted as table(n int identity(5, 5), word varchar(10))
create type dbo.Flag from bit not null
go
select name, system_type_id, user_type_id, schema_id, max_length, is_nullable, is_user_defined, is_table_type from sys.table_types order by name
select name, is_table_type from sys.types where is_user_defined = 1 order by name
select left(o.name, 9) as name, o.type, o.type_desc, o.schema_id, count(c.column_id) columns
from sys.table_types t join sys.objects o on o.object_id = t.type_table_object_id join sys.columns c on c.object_id = o.object_id
group by o.name, o.type, o.type_desc, o.schema_id order by o.name
select i.type_desc, i.is_primary_key, i.is_unique_constraint from sys.indexes i join sys.table_types t on t.type_table_object_id = i.object_id where t.name = 'Lines' order by index_id
go
declare @l dbo.Lines
insert @l(id, name, amount) values(1, 'a', 2), (2, 'b', 3)
insert @l(id) values(3)
select * from @l
begin try insert @l(id, name) values(1, 'x') end try begin catch select error_number() end catch
insert @l(id, name, amount) values(4, 'x', -1)
insert @l(id, name) values(5, null)
declare @c Counted
insert @c values('p'), ('q')
select * from @c
go
create procedure Total @lines dbo.Lines readonly, @more int = 1 as
begin
  select count(*) n, sum(twice) s, max(name) m from @lines
  return @more
end
go
create procedure Writes @lines dbo.Lines readonly as insert @lines(id) values(9)
go
create function Longest(@words dbo.Counted readonly) returns int as begin return (select max(len(word)) from @words) end
go
select p.name, type_name(p.user_type_id) t, p.system_type_id, p.max_length, p.is_readonly from sys.parameters p where p.object_id = object_id('Total') order by parameter_id
declare @l Lines, @r int
insert @l(id, name, amount) values(1, 'a', 2), (2, 'b', 3)
exec @r = Total @l, 7
select @r
exec Total @lines = @l
exec Total default
exec Total
exec Writes @l
go
declare @c Counted
exec Total @c
go
exec Total 1
go
declare @l Lines
insert @l(id, name) values(1, 'one')
exec sp_executesql N'select id, name from @p where id = @i', N'@p dbo.Lines readonly, @i int', @p = @l, @i = 1
go
create procedure Bad @lines dbo.Lines as select 1
go
create procedure Bad @x int readonly as select 1
go
create procedure Bad @x dbo.Nothing readonly as select 1
go
declare @x dbo.Nothing
go
create type dbo.Lines as table(a int)
create type dbo.Wrong as table(a int references t(a))
drop type dbo.Lines
drop procedure Total
drop procedure Writes
drop type dbo.Lines
drop type dbo.Flag
drop type if exists dbo.Lines
drop type dbo.Lines
select name from sys.table_types
select count(*) from sys.objects where type in ('TT', 'PK', 'UQ', 'C', 'D')
begin transaction
create type dbo.Later as table(a int primary key)
declare @n int = (select count(*) from sys.table_types)
select @n
rollback
select name from sys.table_types
dbcc checkdb(Types) with no_infomsgs
go
select name, type, parent_object_id from sys.objects where type in ('TT', 'PK', 'UQ', 'C', 'D') and name not like 'TT%'
go
