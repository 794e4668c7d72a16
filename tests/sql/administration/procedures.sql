-- texts
declare @r int, @s varchar(100), @a varchar(20), @b varchar(20)
exec @r = xp_sprintf @s output, 'insert into %s values (%s)', 't', '5'
select @r r, @s s
exec xp_sscanf 'sync -b123 -fauthors10.tmp -rrandom', 'sync -b%s -f%s -r%s', @a output, @b output
select @a a, @b b
go
-- files and folders
declare @e int
exec master..xp_fileexist '/no/such/file', @e output
select @e e
exec xp_fileexist '/'
exec xp_dirtree '/no/such/folder', 1, 1
exec xp_subdirs '/no/such/folder'
go
-- the log
exec xp_logevent 60001, 'something happened', 'warning'
exec xp_logevent 50000, 'too low'
raiserror ('said aloud', 16, 1) with log
create table #log (d datetime, p nvarchar(50), t nvarchar(max))
insert #log exec sp_readerrorlog 0, 1
select p, t from #log
truncate table #log
insert #log exec xp_readerrorlog 0, 1, N'aloud', NULL, NULL, NULL, N'desc'
select t from #log
exec sp_cycle_errorlog
truncate table #log
insert #log exec sp_readerrorlog 1, 1, 'happened'
select t from #log
exec sp_readerrorlog 5
go
-- devices
exec sp_addumpdevice 'disk', 'mydump', '/backup/my.bak'
exec sp_addumpdevice 'disk', 'MyDump', '/backup/other.bak'
exec sp_addumpdevice 'disk', 'other', '/backup/my.bak'
exec sp_addumpdevice 'pipe', 'third', '/backup/x.bak'
select * from sys.backup_devices
select name, status, cntrltype, phyname from sysdevices
exec sp_helpdevice
restore headeronly from mydump
restore headeronly from nosuch
exec sp_dropdevice 'mydump'
exec sp_dropdevice 'mydump'
select count(*) n from sys.backup_devices
go
-- linked servers
exec sp_addlinkedserver 'far', 'SQL Server'
exec sp_addlinkedserver @server = N'book', @srvproduct = N'Excel', @provider = N'ACE', @datasrc = N'/x.xls'
exec sp_addlinkedserver 'FAR', 'SQL Server'
exec sp_serveroption 'far', 'rpc out', 'true'
exec sp_serveroption 'far', 'query timeout', '30'
exec sp_serveroption 'far', 'no such', 'true'
exec sp_serveroption 'nowhere', 'rpc', 'true'
exec sp_addlinkedsrvlogin 'far', 'false', NULL, 'remote', 'secret'
select server_id, name, product, provider, data_source, query_timeout, is_linked, is_rpc_out_enabled, is_data_access_enabled from sys.servers where server_id > 0
select server_id, local_principal_id, uses_self_credential, remote_name from sys.linked_logins
select srvid, srvname, rpcout, dataaccess from master..sysservers where srvid > 0
exec sp_helplinkedsrvlogin
go
select * from far.db.dbo.t
go
select * from nowhere.db.dbo.t
go
exec far.db.dbo.p
exec nowhere.db.dbo.p
go
exec sp_dropserver 'far'
exec sp_dropserver 'far', 'droplogins'
exec sp_dropserver 'book'
exec sp_dropserver 'book'
go
-- prepared statements of a batch
declare @h int, @o int
exec sp_prepare @h output, N'@a int, @b int output', N'set @b = @a * 2; select @a a'
exec sp_execute @h, 21, @o output
select @o o
exec sp_unprepare @h
exec sp_execute @h, 1
exec sp_prepexec @h output, N'@x varchar(5)', N'select @x + ''!'' x', 'abc'
exec sp_execute @h, 'xyz'
exec sp_unprepare @h
exec sp_prepare @h output, N'', N'selec 1'
exec sp_unprepare 7
go
create database Counted
go
use Counted
create table t (a int, b int)
create index ix on t (a)
create user somebody without login
grant select on t to somebody
grant update (b) on t to somebody
deny insert on t to public
go
select object_name(id) o, user_name(uid) u, action, protecttype, columns from sysprotects where id > 0 order by action
exec sp_indexoption 't.ix', 'AllowRowLocks', 'false'
exec sp_indexoption 't', 'DisallowPageLocks', 'true'
exec sp_indexoption 't', 'no', 'true'
select name, allow_row_locks, allow_page_locks from sys.indexes where object_id = object_id('t') order by index_id
begin tran
insert t values (1, 1)
select rsc_type, req_mode, req_status, iif(req_spid = @@spid, 1, 0) mine from master..syslockinfo where rsc_dbid = db_id() and rsc_objid = object_id('t')
rollback
select counter_name, cntr_value from sys.dm_os_performance_counters where counter_name = 'User Connections'
select count(*) n from sysperfinfo where counter_name = 'Batch Requests/sec' and cntr_value > 5
exec sp_helpsort
exec sp_grantlogin 'DOMAIN\user'
go
