-- Logins, server roles and their permissions are part of the transaction.
create login stays with password = 'L0w!pass99', check_policy = off
go
begin tran
alter server role sysadmin add member stays
create login comes with password = 'L0w!pass99', check_policy = off
create server role rolls
alter login stays disable
rollback
select is_srvrolemember('sysadmin', 'stays') s, (select count(*) from sys.server_principals where name in ('comes', 'rolls')) n,
  (select is_disabled from sys.sql_logins where name = 'stays') d
go
use master
begin tran
grant control server to stays
save tran here
alter login stays with name = renamed
create login later with password = 'L0w!pass99', check_policy = off
rollback tran here
select name from sys.server_principals where name in ('stays', 'renamed', 'later')
drop login stays
rollback
select name, (select count(*) from sys.server_permissions where grantee_principal_id = p.principal_id and permission_name = 'CONTROL SERVER') c
from sys.server_principals p where name in ('stays', 'renamed', 'later')
go
begin tran
create login kept with password = 'L0w!pass99', check_policy = off
alter server role securityadmin add member kept
commit
select is_srvrolemember('securityadmin', 'kept')
go
set xact_abort on
begin tran
create login gone with password = 'L0w!pass99', check_policy = off
select 1 / 0
commit
go
set xact_abort off
select count(*) from sys.server_principals where name = 'gone'
begin tran
exec sp_addlinkedserver 'ls9'
exec sp_addumpdevice 'disk', 'd9', '/tmp/d9'
rollback
select count(*) from sys.servers where name = 'ls9'
drop login stays
drop login kept
go
