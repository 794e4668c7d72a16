-- ALTER on a table: its triggers, columns, indexes and properties; not its name.
create login alters with password = 'L0w!pass99'
create database Enough
go
use Enough
create user alters for login alters
create table t(id int primary key, b int)
create table other(id int)
grant alter on t to alters
go
create trigger others on other after insert as return
go
execute as login = 'alters'
go
create trigger dbo.trt on dbo.t after update as return
go
exec sp_settriggerorder 'trt', 'first', 'update'
go
drop trigger dbo.trt
go
create index ix on t(b)
exec sp_rename 't.b', 'bb', 'column'
exec sp_rename 't.ix', 'ix2', 'index'
exec sp_addextendedproperty 'x', 'y', 'schema', 'dbo', 'table', 't'
exec sp_updateextendedproperty 'x', 'z', 'schema', 'dbo', 'table', 't', 'column', 'bb'
go
exec sp_addextendedproperty 'x', 'y', 'schema', 'dbo', 'table', 't', 'column', 'bb'
exec sp_dropextendedproperty 'x', 'schema', 'dbo', 'table', 't'
go
exec sp_rename 't', 'tt'
go
drop trigger others
go
exec sp_settriggerorder 'others', 'first', 'insert'
go
exec sp_rename 'other.id', 'i', 'column'
go
exec sp_addextendedproperty 'x', 'y', 'schema', 'dbo', 'table', 'other'
go
exec sp_addextendedproperty 'x', 'y', 'schema', 'dbo'
go
exec sp_addextendedproperty 'x', 'y'
go
revert
go
select name from sys.columns where object_id = object_id('t') union all select name from sys.indexes where object_id = object_id('t') and index_id > 1
select class_desc, name, value from sys.extended_properties
use master
drop database Enough
drop login alters
go
