create database Hidden
go
use Hidden
go
create table t (i int)
insert t values (1), (2)
go
create view v with encryption as select i, i * 2 twice from t
go
create procedure p @a int with encryption, recompile as select @a a, count(*) n from v
go
create function f (@a int) returns int with encryption as begin return @a + 1 end
go
create function g (@a int) returns table with encryption as return select i from t where i > @a
go
create function h () returns @r table (i int) with encryption as begin insert @r select i from t return end
go
create trigger tr on t with encryption instead of delete as select 'kept' answer
go
create procedure plain as select N'ü€' u
go
select * from v
exec p 5
select dbo.f(4) f
select * from g(1)
select * from h()
delete t
go
exec sp_helptext 'p'
exec sp_helptext 'dbo.v'
exec sp_helptext 'plain'
select object_name(object_id) name, definition from sys.sql_modules order by name
select object_definition(object_id('p')) p, object_definition(object_id('tr')) tr
select object_name(id) name, number, colid, status, texttype, encrypted, text from syscomments order by name
select o.name, objectproperty(o.object_id, 'IsEncrypted') e from sys.objects o where type in ('P', 'V', 'TR', 'FN') order by name
select routine_name, routine_definition from information_schema.routines order by routine_name
select table_name, view_definition from information_schema.views
select name, is_instead_of_trigger from sys.triggers
go
-- ALTER keeps encryption only when it says so
alter procedure p @a int with encryption as select @a + 1 a
go
exec p 5
select object_definition(object_id('p')) p
go
alter procedure p @a int as select @a + 2 a
go
exec p 5
select object_definition(object_id('p')) p
go
create or alter procedure p @a int with encryption as select @a + 3 a
go
exec sp_rename 'p', 'q'
go
exec q 5
exec sp_helptext 'q'
exec sp_refreshview 'v'
select * from v
go
-- what triggers of the database are told
create table events (x xml)
go
create trigger told on database for create_procedure as insert events values (eventdata())
go
create procedure secret with encryption as select 'very secret' s
go
select x.value('(//CommandText)[1]', 'nvarchar(100)') command, x.value('(//SetOptions/@ENCRYPTED)[1]', 'nvarchar(10)') encrypted from events
exec secret
dbcc checkdb (Hidden) with no_infomsgs
go
use master
alter database Hidden set offline
alter database Hidden set online
go
use Hidden
exec secret
select dbo.f(4) f
go
