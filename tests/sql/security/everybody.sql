-- What every login may do and see, and what it may not.
create login anybody with password = 'L0w!pass99'
create login another with password = 'L0w!pass99'
create login owner1 with password = 'L0w!pass99'
create database everybody
create database closed_to_all
go
use everybody
create user anybody for login anybody
create user owner1 for login owner1
alter role db_owner add member owner1
create table dbo.open1 (id int constraint pk_open1 primary key, a int, s varchar(20))
insert open1 values (1, 2, 'x')
create statistics of_a on dbo.open1(a)
create statistics of_s on dbo.open1(s)
create statistics filtered on dbo.open1(a) where s = 'x'
create table dbo.unseen (id int constraint pk_unseen primary key)
grant select on dbo.open1(a) to anybody
go
create proc dbo.runs as select 1 a
go
create view dbo.bound_to with schemabinding as select id from dbo.open1
go
grant execute on dbo.runs to anybody
go
execute as login = 'anybody'
go
-- statistics: SELECT on their columns and on those of the filter
dbcc show_statistics('dbo.open1', 'of_a') with histogram
go
dbcc show_statistics('dbo.open1', 'of_s') with histogram
go
dbcc show_statistics('dbo.open1', 'filtered') with histogram
go
dbcc show_statistics('dbo.unseen', 'pk_unseen') with histogram
go
dbcc show_statistics('closed_to_all.dbo.t', 't') with histogram
go
-- trace flags are shown to everybody, set by nobody
dbcc tracestatus
go
dbcc traceon (3604)
go
-- the own text, not that of others
declare @s nvarchar(100) = 'dbcc inputbuffer(' + cast(@@spid as varchar) + ') with no_infomsgs'
create table #buffer (EventType nvarchar(30), Parameters smallint, EventInfo nvarchar(4000))
insert #buffer exec (@s)
select left(EventInfo, 24) as text from #buffer
go
dbcc inputbuffer(1)
go
create table #version ([Index] int, Name nvarchar(32), Internal_Value int, Character_Value nvarchar(512))
insert #version exec master.dbo.xp_msver
select Name from #version order by [Index]
exec master.dbo.xp_msver 'Language', 'ProductName'
go
-- plans are thrown away by who may alter the object
exec sp_recompile 'dbo.runs'
go
-- what depends on what is not public's
select count(*) as n from sys.sql_expression_dependencies
go
-- databases that are closed to the caller
exec sp_helpdb 'closed_to_all'
go
create table #files (name sysname, fileid smallint, filename nvarchar(260), filegroup sysname null, size nvarchar(18), maxsize nvarchar(18), growth nvarchar(18), usage varchar(9))
insert #files exec sp_helpfile
select name, filegroup, usage from #files
go
revert
go
grant select on dbo.open1(s) to anybody
go
execute as login = 'anybody'
go
dbcc show_statistics('dbo.open1', 'filtered') with histogram
go
revert
go
-- who owns the database sees it all, but not the logins
execute as login = 'owner1'
go
exec sp_recompile 'dbo.runs'
select count(*) as n from sys.sql_expression_dependencies
exec sp_change_users_login 'report'
go
revert
go
-- securityadmin grants the server's permissions
use master
go
execute as login = 'anybody'
grant view server state to another
go
revert
alter server role securityadmin add member anybody
execute as login = 'anybody'
grant view server state to another
go
grant control server to anybody
go
grant alter on login::another to owner1
go
revert
select p.name, s.permission_name, s.state_desc from sys.server_permissions s join sys.server_principals p on p.principal_id = s.grantee_principal_id where p.name = 'another' order by 2
go
execute as login = 'anybody'
deny view server state to another
revoke view server state from another
revert
select count(*) as n from sys.server_permissions s join sys.server_principals p on p.principal_id = s.grantee_principal_id where p.name = 'another' and s.permission_name = 'VIEW SERVER STATE'
go
drop database everybody
drop database closed_to_all
go
