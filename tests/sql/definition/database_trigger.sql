create database Watched
go
use Watched
go
create table log(n int identity, event sysname, [schema] sysname null, object sysname, kind nvarchar(60), target sysname null, command nvarchar(max))
go
create trigger noted on database for DDL_DATABASE_LEVEL_EVENTS as
begin
  set nocount on
  declare @e xml = eventdata()
  insert log values(@e.value('(/EVENT_INSTANCE/EventType)[1]', 'sysname'), @e.value('(/EVENT_INSTANCE/SchemaName)[1]', 'sysname'),
    @e.value('(/EVENT_INSTANCE/ObjectName)[1]', 'sysname'), @e.value('(/EVENT_INSTANCE/ObjectType)[1]', 'nvarchar(60)'),
    @e.value('(/EVENT_INSTANCE/TargetObjectName)[1]', 'sysname'), @e.value('(/EVENT_INSTANCE/TSQLCommand/CommandText)[1]', 'nvarchar(max)'))
end
go
create table t(a int primary key, b varchar(10) check (b <> 'x'))
create index ib on t(b)
alter table t add c int null
alter index ib on t rebuild
drop index ib on t
create statistics st on t(c)
create synonym s for dbo.t
create sequence q
alter sequence q restart
go
create schema x
go
create view v as select a from t
go
create or alter view v as select a, 1 as one from t where a < 5
go
create procedure p as select 1
go
alter procedure p as select 2
go
create function f() returns int as begin return 1 end
go
create trigger tt on t after insert as print 'tt'
go
create type ty from varchar(5)
create user u without login
create role r
alter role r add member u
grant select, insert on t to u with grant option
deny select on schema::x to r
exec sp_rename 't.c', 'd', 'COLUMN'
exec sp_rename 's', 's2'
exec sp_addextendedproperty 'note', 'of b', 'SCHEMA', 'dbo', 'TABLE', 't', 'COLUMN', 'b'
alter schema x transfer dbo.v
drop view x.v
drop trigger tt
drop procedure if exists p, nothing
drop schema x
drop table t
create table #none(a int)
select event, [schema], object, kind, target, command from log order by n
go
-- The whole document
create trigger whole on database for CREATE_TABLE as
  declare @e xml = eventdata()
  set @e.modify('replace value of (/EVENT_INSTANCE/PostTime/text())[1] with "now"')
  set @e.modify('replace value of (/EVENT_INSTANCE/SPID/text())[1] with "0"')
  set @e.modify('replace value of (/EVENT_INSTANCE/ServerName/text())[1] with "server"')
  select @e
go
disable trigger noted on database
go
create table [a & b](a int)
go
select name, parent_class, parent_class_desc, parent_id, type, is_disabled, is_instead_of_trigger from sys.triggers order by name
select t.name, count(*) n, min(e.type_desc) a, max(e.event_group_type_desc) g from sys.trigger_events e join sys.triggers t on t.object_id = e.object_id group by t.name order by t.name
select count(*) from sys.objects where name in ('noted', 'whole')
select object_id('whole'), eventdata()
select e.type_name, p.type_name from sys.trigger_event_types e left join sys.trigger_event_types p on p.type = e.parent_type where e.type in (21, 10018, 10001, 241)
go
-- Rolling back
create trigger no_drop on database for DROP_TABLE as
  print 'Tables stay.'
  rollback
go
drop table [a & b]
print 'not reached'
go
select @@trancount, object_id('[a & b]')
begin tran
create table other(a int)
drop table other
print 'not reached'
go
select @@trancount, object_id('other')
begin try drop table [a & b] end try begin catch select error_number(), error_state(), error_procedure(), xact_state() end catch
go
alter trigger no_drop on database for DDL_TABLE_EVENTS as raiserror('No %s', 16, 1, 'way')
go
create table third(a int)
go
select object_id('third')
-- Order
go
drop trigger whole, no_drop on database
go
create trigger one on database for CREATE_TABLE as print 'one'
go
create trigger two on database for CREATE_TABLE as print 'two'
go
exec sp_settriggerorder 'two', 'First', 'CREATE_TABLE', 'DATABASE'
create table ordered(a int)
exec sp_settriggerorder 'one', 'First', 'CREATE_TABLE', 'DATABASE'
select t.name, e.is_first, e.is_last from sys.trigger_events e join sys.triggers t on t.object_id = e.object_id where e.type = 21 order by t.name
disable trigger all on database
create table unwatched(a int)
enable trigger one on database
create table unwatched2(a int)
go
create trigger da on ordered after insert as print 'da'
go
create trigger db on ordered after insert, update as print 'db'
go
insert ordered values(1)
exec sp_settriggerorder @triggername = 'dbo.db', @order = 'first', @stmttype = 'INSERT'
insert ordered values(1)
exec sp_settriggerorder 'db', 'last', 'INSERT'
insert ordered values(1)
exec sp_settriggerorder 'db', 'last', 'DELETE'
exec sp_settriggerorder 'nothing', 'last', 'DELETE'
exec sp_settriggerorder 'db', 'middle', 'DELETE'
select t.name, e.type_desc, e.is_first, e.is_last, e.event_group_type from sys.trigger_events e join sys.triggers t on t.object_id = e.object_id where t.parent_id <> 0 order by t.name, e.type
go
-- Refusals
create trigger dbo.named on database for CREATE_TABLE as print 1
go
create trigger odd on database for INSERT as print 1
go
create trigger odd on database for CREATE_NOTHING as print 1
go
create trigger odd on database for CREATE_LOGIN as print 1
go
create trigger one on database for CREATE_TABLE as print 1
go
alter trigger odd on database for CREATE_TABLE as print 1
go
drop trigger odd on database
drop trigger if exists odd on database
enable trigger odd on database
go
create trigger odd on all server for LOGON as print 1
go
create trigger odd on all server for CREATE_LOGIN as print 1
go
use master
drop database Watched
