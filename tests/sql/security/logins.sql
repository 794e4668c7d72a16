-- Logins: making, changing, dropping; who may; the policy.
create login anna with password = 'short1!'
go
create login anna with password = 'alllowercase'
go
create login anna with password = 'xAnna123!'
go
create login anna with password = N'Str0ng-pass', default_database = nowhere
go
create login anna with password = N'Str0ng-pass', sid = 0x01
go
create login anna with password = N'Str0ng-pass', sid = 0x0102030405060708090A0B0C0D0E0F10
create login weak with password = '', check_policy = off
create login hashed with password = 0x02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c904a45a31b2ab4a78890d563d2fcf5663e46fe797d71550494be50cf4915d3f4d55ec375 hashed
go
create login hashed2 with password = 0x0300 hashed
go
create login ANNA with password = N'Str0ng-pass'
go
create login other with password = N'Str0ng-pass', sid = 0x0102030405060708090A0B0C0D0E0F10
go
create login other with password = N'Str0ng-pass' must_change
go
create login other with password = N'Str0ng-pass' must_change, check_expiration = on, check_policy = off
go
create login other with password = N'Str0ng-pass' must_change, check_expiration = on
go
select name, type, type_desc, is_disabled, default_database_name, is_policy_checked, is_expiration_checked,
    pwdcompare(N'hashcat', password_hash) as hashcat, convert(binary(2), password_hash) as form
from sys.sql_logins order by principal_id
go
select name, principal_id, type, is_fixed_role from sys.server_principals where principal_id < 11 or name = 'anna' order by principal_id
go
select suser_sname(), suser_id(), suser_sid(), suser_id('anna'), suser_sid('anna'), suser_sname(0x0102030405060708090A0B0C0D0E0F10),
    suser_name(1), suser_sname(0x99), original_login(), system_user
go
select is_srvrolemember('sysadmin'), is_srvrolemember('sysadmin', 'anna'), is_srvrolemember('public', 'anna'), is_srvrolemember('nothing')
go
select loginproperty('other', 'IsMustChange'), loginproperty('anna', 'DefaultDatabase'), loginproperty('nobody', 'IsLocked')
go
alter server role dbcreator add member anna
alter server role sysadmin add member nobody
go
select r.name, m.name from sys.server_role_members x join sys.server_principals r on r.principal_id = x.role_principal_id
join sys.server_principals m on m.principal_id = x.member_principal_id order by 1, 2
go
-- as anna
select suser_sname(), user_name(), current_user, original_login(), is_srvrolemember('dbcreator'), db_name()
create login third with password = N'Str0ng-pass'
go
-- as anna
alter login hashed disable
go
-- as anna
alter login anna with password = N'New-pass-1'
go
-- as anna
alter login anna with password = N'New-pass-1' old_password = N'wrong'
go
-- as anna
alter login anna with password = N'New-pass-1' old_password = N'Str0ng-pass'
alter server role sysadmin add member anna
go
-- as anna
drop login hashed
go
-- as anna
select name from sys.server_principals where type = 'S' order by principal_id
select name, password_hash from sys.sql_logins order by principal_id
select count(*) from sys.dm_exec_sessions
select count(*) from sys.dm_os_sys_info
go
grant view server state to anna
go
-- as anna
select case when count(*) >= 2 then 'sees others' end from sys.dm_exec_sessions
kill 51
go
-- as anna
create database annas
go
-- as anna
use annas
select user_name(), is_member('db_owner')
create table t (a int)
drop table t
go
select name, suser_sname(owner_sid) from sys.databases where database_id > 4
go
alter login anna with name = sa
go
alter login anna with name = annette, default_database = annas
alter login weak disable
go
-- as annette in master
select suser_sname(), has_dbaccess('annas'), has_dbaccess('nowhere')
go
drop login annette
go
drop login sa
go
drop login nobody
go
drop login if exists nobody
drop login hashed
go
exec sp_addlogin 'old', 'x', 'master'
exec sp_addsrvrolemember 'old', 'securityadmin'
exec sp_defaultdb 'old', 'tempdb'
exec sp_password 'x', 'y', 'old'
go
-- as old
create login made with password = N'Str0ng-pass'
alter login made disable
select is_disabled from sys.sql_logins where name = 'made'
alter login sa with password = N'Str0ng-pass-2'
go
-- as old
grant control server to made
go
exec sp_dropsrvrolemember 'old', 'securityadmin'
go
-- as old
create login made2 with password = N'Str0ng-pass'
go
create server role watchers authorization sa
alter server role watchers add member made
grant view server state, alter any connection to watchers
go
select p.name, s.permission_name, s.state_desc from sys.server_permissions s join sys.server_principals p on p.principal_id = s.grantee_principal_id order by 1, 2
go
execute as login = 'made'
select is_srvrolemember('watchers'), has_perms_by_name(null, null, 'VIEW SERVER STATE'), has_perms_by_name(null, null, 'CONTROL SERVER')
select * from fn_my_permissions(null, 'SERVER') order by permission_name
revert
go
drop server role watchers
go
alter server role watchers drop member made
drop server role watchers
go
use annas
grant view server state to made
go
