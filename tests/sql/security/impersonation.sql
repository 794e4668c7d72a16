-- EXECUTE AS, REVERT, modules that execute as somebody.
create login low with password = N'Str0ng-pass'
create login high with password = N'Str0ng-pass'
create database house
go
use house
create user low for login low
create user high for login high
create user free without login
create table dbo.t (a int)
insert dbo.t values (1)
grant select on dbo.t to high
go
execute as user = 'low'
select user_name(), suser_sname(), original_login(), is_srvrolemember('sysadmin')
select a from t
revert
select user_name(), suser_sname()
go
execute as user = 'free'
select user_name(), left(suser_sname(), 8), system_user_is = case when suser_sname() like 'S-1-9-3-%' then 'sid' end
create table #t (a int)
select * from #t
revert
revert
select user_name()
go
execute as user = 'low'
go
use master
go
select * from master.sys.databases
go
revert
go
execute as user = 'missing'
go
execute as login = 'missing'
go
execute as user = 'public'
go
execute as login = 'high'
select user_name(), suser_sname(), original_login()
select a from t
execute as user = 'low'
go
revert
go
-- as low in house
execute as user = 'high'
go
-- as low
execute as login = 'sa'
go
-- as low
execute as user = 'dbo'
go
grant impersonate on user::high to low
go
-- as low
execute as user = 'high'
select user_name(), suser_sname(), original_login()
select a from t
go
-- as low
select user_name()
revert
select user_name()
select a from t
go
-- cookies and no way back
declare @c varbinary(100)
execute as user = 'low' with cookie into @c
select user_name(), datalength(@c)
revert
revert with cookie = 0x01
revert with cookie = @c
select user_name()
go
create procedure dbo.as_owner with execute as owner as select user_name(), suser_sname(), a from dbo.t
go
create procedure dbo.as_user with execute as 'high' as
select user_name() as inside
exec ('select user_name() as dynamic, a from dbo.t')
go
create procedure dbo.as_caller with execute as caller as select user_name()
go
create procedure dbo.switches as
execute as user = 'high'
select user_name() as switched
go
create procedure dbo.nested as
exec dbo.as_user
select user_name() as after
go
create procedure dbo.as_self with execute as self as select user_name()
go
select object_name(object_id), user_name(execute_as_principal_id) from sys.sql_modules order by 1
go
drop user high
go
create procedure dbo.as_missing with execute as 'nobody' as select 1
go
grant execute to low
go
-- as low in house
exec as_owner
exec as_user
exec as_caller
exec switches
select user_name()
exec nested
exec as_self
go
-- as low
exec ('execute as user = ''high''; select user_name()')
select user_name()
go
create table dbo.log_of (who sysname, login_name sysname)
go
create trigger dbo.tr on dbo.t with execute as 'high' after insert as insert dbo.log_of values (user_name(), original_login())
go
grant insert on dbo.t to low
go
-- as low
insert t values (2)
go
select * from dbo.log_of
go
create function dbo.fn () returns sysname with execute as 'high' as begin return user_name() end
go
grant execute on dbo.fn to low
go
-- as low
select dbo.fn(), user_name()
go
execute as user = 'low' with no revert
go
revert
go
select user_name()
go
