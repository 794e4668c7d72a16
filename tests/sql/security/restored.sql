-- restore: 782_full_School as school
-- A restored database keeps its users; they wait for their logins.
select name, type, principal_id from sys.database_principals where principal_id < 16384 order by principal_id
go
select class, permission_name, state_desc, user_name(grantee_principal_id) from sys.database_permissions where class = 0 order by 4, 2
go
create user visitor without login with default_schema = dbo
create login visitor with password = N'Str0ng-pass'
go
exec sp_change_users_login 'Report'
go
-- as visitor in school
select 1
go
exec sp_change_users_login 'Auto_Fix', 'Gosho', null, 'Str0ng-pass'
exec sp_change_users_login 'Report'
select l.name, u.name from sys.server_principals l join sys.database_principals u on u.sid = l.sid where u.principal_id > 4
go
-- as Gosho in school
select user_name()
go
alter user visitor with login = visitor
go
-- as visitor in school
select user_name(), count(*) from sys.tables
go
alter role db_datareader add member visitor
go
-- as visitor in school
select case when count(*) > 0 then 'sees tables' end from sys.tables
go
drop login visitor
go
