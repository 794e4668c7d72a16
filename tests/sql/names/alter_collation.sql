-- ALTER DATABASE COLLATE: the default of new columns and how names are compared; columns that are there keep theirs.
create database Changing collate Latin1_General_CI_AS
go
use Changing
go
create table T (a varchar(10) not null primary key, à int)
go
create table Cafe (x int)
go
create table Café (x int)
go
create type code from varchar(4)
go
create procedure p @s varchar(10) as select @s as s
go
insert T values ('a', 1), ('á', 2)
go
use master
go
alter database Changing collate Nonsense
go
alter database Changing collate Latin1_General_CI_AS
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
exec Changing.sys.sp_executesql N'exec sp_rename ''T.à'', ''n'', ''COLUMN'''
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
drop table Changing.dbo.Café
go
alter table Changing.dbo.T add constraint CK check (n > 0)
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
alter table Changing.dbo.T drop constraint CK
go
alter table Changing.dbo.T add upper_a as upper(a)
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
alter table Changing.dbo.T drop column upper_a
go
exec Changing.sys.sp_executesql N'create function dbo.f() returns int with schemabinding as begin return 1 end'
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
exec Changing.sys.sp_executesql N'drop function dbo.f'
go
create login other with password = 'Str0ng!pass', check_policy = off
go
use Changing
go
create user other for login other
go
use master
go
-- as other in Changing
select 'here' as user_of
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
-- as other
use master
go
alter database Changing collate SQL_Latin1_General_CP1_CI_AI
go
select collation_name from sys.databases where name = 'Changing'
go
use Changing
go
select databasepropertyex('Changing', 'Collation') as collation
go
select Ä, N from t order by N
go
select count(*) from T where a = 'a'
go
create table New (v varchar(10), c code)
go
create table Néw (v int)
go
insert nëw values ('a', 'x'), ('Á', 'y')
go
select count(*) from New where V = 'a'
go
select t.a from T join New on t.a = New.v
go
select c.name, c.collation_name from SYS.columns c where object_id in (object_id('T'), object_id('New')) and collation_name is not null order by c.object_id, c.column_id
go
select name, collation_name from sys.types where name in ('code', 'varchar', 'sysname')
go
exec P @S = 'x'
go
dbcc checkdb ('Changing') with no_infomsgs
go
use master
go
-- What would have to be sorted anew is left alone.
alter database Changing collate Latin1_General_CS_AS
go
alter database Changing collate Latin1_General_BIN2
go
-- An accent makes two names again.
alter database Changing collate Latin1_General_100_CI_AS
go
use Changing
go
create table Néw (v int)
go
select name from sys.tables order by name
go
dbcc checkdb ('Changing') with no_infomsgs
go
use master
go
alter database master collate Latin1_General_CI_AS
go
alter database Nowhere collate Latin1_General_CI_AS
go
drop database Changing
