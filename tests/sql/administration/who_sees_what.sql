-- What the server keeps for administrators is not everybody's.
create login looker with password = 'Look3r!pass'
create login helper with password = 'Help3r!pass'
grant alter any linked server to helper
exec sp_addlinkedserver 'far', '', 'MSDASQL', null, null, 'UID=sa;PWD=secret'
exec sp_addlinkedsrvlogin 'far', 'false', 'looker', 'sa'
exec sp_addumpdevice 'disk', 'nightly', '/backup/nightly.bak'
go
execute as login = 'looker'
select name, provider_string from sys.servers where is_linked = 1
select srvname, providerstring from master..sysservers where srvname = 'far'
select count(*) logins from sys.linked_logins
select count(*) devices from sys.backup_devices
select count(*) devices from master..sysdevices
go
select count(*) from master..syslockinfo
go
select count(*) from master..sysperfinfo
go
revert
execute as login = 'helper'
select provider_string, l.remote_name from sys.servers s join sys.linked_logins l on l.server_id = s.server_id where is_linked = 1 and l.local_principal_id > 0
select count(*) devices from sys.backup_devices
revert
go
-- A login that is gone is nobody, not everybody.
drop login looker
select local_principal_id, uses_self_credential from sys.linked_logins
exec sp_addlinkedserver N''
declare @long nvarchar(300) = replicate(N'x', 300)
exec sp_addumpdevice 'disk', @long, '/backup/x.bak'
-- Names of servers are the instance's: width and blanks at the end make no other.
exec sp_addlinkedserver N'ＦＡＲ '
exec sp_dropserver 'far', 'droplogins'
exec sp_dropdevice 'NIGHTLY'
select count(*) n from sys.servers
go
