-- A database with a binary collation: names by code, the server's own names only as they are; its procedures work all the same.
create database Bytes collate Latin1_General_BIN2
go
use Bytes
go
create table Straße (Größe int not null constraint [PK_Größe] primary key, größe int, n nvarchar(10) default 'Ä' not null)
go
create table strasse (Größe int references Straße (Größe))
go
create index i on Straße (größe)
go
create statistics st on Straße (n)
go
insert Straße (Größe, größe) values (1, 2)
go
select größe, Größe from Straße
go
select GRÖSSE from Straße
go
select * from STRASSE
go
select s.Größe from Straße as s where S.größe = 2
go
select name from sys.columns where object_id = object_id('Straße') order by name
go
select name from sys.Columns
go
select COLUMN_NAME from INFORMATION_SCHEMA.COLUMNS where TABLE_NAME = 'strasse'
go
select case when N'ä' = N'Ä' then 1 else 0 end as same, case when N'a ' = N'a' then 1 else 0 end as padded
go
select name from (values (N'b'), (N'B'), (N'a'), (N'Ä'), (N'_')) as v(name) order by name
go
-- a type of the server in any case; a schema called like one of the server's, and its permissions
create table Types (a INT, b NVarChar(5), c Sysname)
go
create schema Sys
go
create table Sys.tables (secret int)
go
insert Sys.tables values (42)
go
create user reader without login
go
select secret from Sys.tables
go
select name from sys.tables where name like 't%'
go
execute as user = 'reader'
go
select secret from Sys.tables
go
revert
go
create procedure Get @Key int, @key int = 0, @From char(1) = '' as select @Key as k
go
create procedure Get2 @Key int, @From int output as set @From = @key + 1
go
declare @out int
exec Get2 @Key = 1, @From = @OUT output
select @out
exec Get2 @key = 1, @From = @out output
go
create view Shown as select Größe as [A], größe as [a] from Straße
go
-- The server's own procedures
exec sp_HELPTEXT 'Shown'
go
exec sp_helpindex 'Straße'
go
exec sp_helpconstraint 'Straße', 'nomsg'
go
exec sp_helpstats 'Straße', 'ALL'
go
exec sp_columns 'Straße'
go
exec sp_tables 'Stra%'
go
exec sp_pkeys 'Straße'
go
exec sp_fkeys 'Straße'
go
exec sp_statistics 'Straße'
go
exec sp_special_columns 'Straße'
go
exec sp_sproc_columns 'Get2'
go
exec sp_stored_procedures 'Get%'
go
exec sp_table_privileges 'Straße'
go
exec sp_column_privileges 'Straße'
go
exec sp_depends 'Shown'
go
exec sp_helptrigger 'Straße'
go
exec sp_helprole 'db_owner'
go
exec sp_helprolemember 'db_owner'
go
exec sp_helprotect
go
exec sp_refreshview 'Shown'
go
exec sp_recompile 'Straße'
go
exec sp_validname 'abc'
go
exec sp_rename 'Straße.größe', 'grösse', 'column'
go
create type Name from nvarchar(20)
go
exec sp_help 'Name'
go
exec sp_help 'name'
go
exec sp_updatestats
go
exec sp_createstats
go
exec sp_MSforeachtable 'print ''?'''
go
use master
go
drop database Bytes
