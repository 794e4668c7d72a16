-- ALTER DATABASE COLLATE: the default of new columns and how names are compared; columns that are there keep theirs.
create database Changing collate Latin1_General_CS_AS
go
use Changing
go
create table T (a varchar(10) not null primary key, A int)
go
create table t (x int)
go
create type code from varchar(4)
go
create procedure p @s varchar(10) as select @s as s
go
insert T values ('a', 1), ('A', 2)
go
use master
go
alter database Changing collate Nonsense
go
alter database Changing collate Latin1_General_CS_AS
go
alter database Changing collate Latin1_General_CI_AS
go
drop table Changing.dbo.t
go
alter database Changing collate Latin1_General_CI_AS
go
exec Changing.sys.sp_executesql N'exec sp_rename ''T.A'', ''n'', ''COLUMN'''
go
alter table Changing.dbo.T add constraint CK check (n > 0)
go
alter database Changing collate Latin1_General_CI_AS
go
alter table Changing.dbo.T drop constraint CK
go
alter table Changing.dbo.T add upper_a as upper(a)
go
alter database Changing collate Latin1_General_CI_AS
go
alter table Changing.dbo.T drop column upper_a
go
exec Changing.sys.sp_executesql N'create function dbo.f() returns int with schemabinding as begin return 1 end'
go
alter database Changing collate Latin1_General_CI_AS
go
exec Changing.sys.sp_executesql N'drop function dbo.f'
go
-- as sa in Changing
select 'here' as user_of
go
alter database Changing collate Latin1_General_CI_AS
go
-- as sa in master
select 'gone' as user_of
go
alter database Changing collate Latin1_General_CI_AS
go
select collation_name from sys.databases where name = 'Changing'
go
use Changing
go
select databasepropertyex('Changing', 'Collation') as collation
go
select A, N from t order by N
go
select count(*) from T where a = 'a'
go
create table New (v varchar(10), c code)
go
create table NEW (v int)
go
insert new values ('a', 'x'), ('A', 'y')
go
select count(*) from New where V = 'a'
go
select c.name, c.collation_name from SYS.columns c where object_id in (object_id('T'), object_id('New')) and collation_name is not null order by c.object_id, c.column_id
go
select name, collation_name from sys.types where name in ('code', 'varchar')
go
exec P @S = 'x'
go
alter table New alter column v varchar(10) collate database_default
go
dbcc checkdb ('Changing') with no_infomsgs
go
use master
go
alter database Changing collate Latin1_General_BIN2
go
alter database Changing collate SQL_Latin1_General_CP1_CS_AS
go
use Changing
go
create table neW (v int)
go
select name from sys.tables order by name
go
select v from NEw
go
use master
go
alter database master collate Latin1_General_CI_AS
go
alter database Nowhere collate Latin1_General_CI_AS
go
drop database Changing
