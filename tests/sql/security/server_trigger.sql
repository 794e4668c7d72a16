-- Triggers ON ALL SERVER: what they fire for, what EVENTDATA() tells, ROLLBACK, order, catalog, permissions.
create database w
go
use w
go
create table dbo.log(id int identity, event sysname, db sysname null, object sysname null, command nvarchar(200), who sysname null)
go
create trigger watch on all server with execute as self for ddl_events as
begin
  declare @e xml = eventdata()
  insert w.dbo.log(event, db, object, command, who)
  values (@e.value('(/EVENT_INSTANCE/EventType)[1]', 'sysname'), @e.value('(/EVENT_INSTANCE/DatabaseName)[1]', 'sysname'),
    @e.value('(/EVENT_INSTANCE/ObjectName)[1]', 'sysname'), @e.value('(/EVENT_INSTANCE/TSQLCommand/CommandText)[1]', 'nvarchar(200)'),
    db_name())
end
go
create table t(a int)
alter table t add b int
create login carol with password = 'Pa$$w0rd1'
alter login carol with default_database = w
create user carol for login carol
grant select on t to carol
alter server role dbcreator add member carol
create server role auditors
use master
grant view server state to carol
create database x
alter database x set recovery simple
drop database x
use w
drop server role auditors
drop user carol
drop login carol
drop table t
go
select id, event, db, object, command, who from log order by id
go
-- The catalog shows them from every database.
select name, parent_class, parent_class_desc, parent_id, type, type_desc, is_disabled from sys.server_triggers
select count(*) from sys.triggers where name = 'watch'
select count(*) from master.sys.objects where name = 'watch'
select count(*) from master.sys.sql_modules m join sys.server_triggers t on t.object_id = m.object_id
select left(definition, 40) from sys.server_sql_modules
select type_desc, is_first, event_group_type_desc from sys.server_trigger_events where type in (21, 147, 201) order by type
go
create trigger watch on all server for create_table as print 'twice'
go
create trigger dbo.other on all server for create_table as print 'schema'
go
create trigger mixed on all server for logon, create_table as print 'mixed'
go
create trigger mixed on database for logon as print 'mixed'
go
create trigger mixed on database for create_login as print 'of the server'
go
disable trigger watch on all server
go
select is_disabled from sys.server_triggers
truncate table log
create table quiet(a int)
select count(*) from log
go
enable trigger all on all server
go
alter trigger watch on all server for drop_table as print 'dropping'
go
drop table quiet
go
-- Order.
create trigger second on all server for drop_table as print 'second'
go
exec sp_settriggerorder 'second', 'first', 'DROP_TABLE', 'SERVER'
create table quiet(a int)
drop table quiet
select t.name, e.type_desc, e.is_first, e.is_last from sys.server_trigger_events e join sys.server_triggers t on t.object_id = e.object_id where e.type in (21, 23) order by 1, 2
exec sp_settriggerorder 'nobody', 'first', 'DROP_TABLE', 'SERVER'
exec sp_settriggerorder 'second', 'first', 'CREATE_TABLE', 'SERVER'
go
drop trigger second on all server
drop trigger second on all server
drop trigger if exists second on all server
drop trigger watch on database
go
-- A database's triggers fire before the server's.
create trigger own on database for drop_table as print 'of the database'
go
create table quiet(a int)
drop table quiet
go
drop trigger own on database
drop trigger watch on all server
go
-- ROLLBACK: what was to happen does not.
create trigger no_databases on all server for create_database, drop_database, alter_database as
begin print 'not here'; rollback end
go
create database y
print 'not reached'
go
select count(*) from sys.databases where name = 'y'
select db_id('w') - db_id('w')
go
drop database w
go
select name from sys.databases where name = 'w'
go
alter database w set recovery simple
go
select recovery_model_desc from sys.databases where name = 'w'
go
create trigger no_logins on all server for ddl_login_events, ddl_gdr_server_events, ddl_server_security_events as
begin print eventdata().value('(/EVENT_INSTANCE/EventType)[1]', 'sysname'); rollback end
go
create login dave with password = 'Pa$$w0rd1'
go
select count(*) from sys.server_principals where name = 'dave';
disable trigger no_logins on all server
create login dave with password = 'Pa$$w0rd1';
enable trigger no_logins on all server
go
drop login dave
go
alter login dave disable
go
create server role r
go
use master
go
grant view any database to dave
go
alter server role sysadmin add member dave
go
select count(*), max(cast(is_disabled as int)) from sys.server_principals where name in ('dave', 'r')
go
drop trigger no_logins on all server
go
-- An error in one.
create trigger broken on all server for create_login as select 1 / 0
go
create login eve with password = 'Pa$$w0rd1'
go
select count(*) from sys.server_principals where name = 'eve'
drop trigger broken on all server
go
-- What fails leaves nothing of the trigger's.
create trigger noted on all server for drop_login, drop_database as insert w.dbo.log(event, command) values ('seen', 'x')
go
drop login nobody
go
begin tran
drop database w
rollback
go
drop trigger no_databases on all server
drop database nowhere
go
select count(*) from w.dbo.log
drop trigger noted on all server
go
-- Permission: CONTROL SERVER.
use master
create user dave for login dave
exec sp_addrolemember 'db_owner', 'dave'
execute as login = 'dave'
go
create trigger mine on all server for create_table as print 'mine'
go
select count(*) from sys.server_triggers
drop trigger nothing on all server
revert
drop user dave
drop login dave
drop database w
go
