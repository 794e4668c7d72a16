-- An application's roles: schema permissions, ownership chains, EXECUTE AS, denied columns.
create database App
go
use App
go
create schema data
go
create schema api
go
create table data.Person (Id int primary key, Name varchar(20), Salary money)
insert data.Person values (1, 'Ann', 10), (2, 'Bob', 20)
go
create procedure api.Names as select Name from data.Person order by Id
go
create procedure api.Total with execute as owner as exec ('select sum(Salary) as total from data.Person')
go
create procedure api.Dynamic as exec ('select Name as dynamic_name from data.Person where Id = 1')
go
create user Clerk without login
create role Readers
alter role Readers add member Clerk
grant execute on schema::api to Readers
grant select on data.Person (Id, Name) to Readers
deny update on data.Person to Clerk
go
execute as user = 'Clerk'
select user_name() as who, is_member('Readers') as member, has_perms_by_name('data.Person', 'OBJECT', 'UPDATE') as may
exec api.Names
exec api.Total
exec api.Dynamic
select Id, Name from data.Person order by Id
select * from data.Person
update data.Person set Name = 'x'
create table data.T (a int)
revert
go
select user_name() as who
select pr.name, pe.class_desc, pe.permission_name, pe.state_desc, case when pe.class = 1 then object_name(pe.major_id) else schema_name(pe.major_id) end as obj, pe.minor_id from sys.database_permissions pe join sys.database_principals pr on pr.principal_id = pe.grantee_principal_id
where pr.name in ('Clerk', 'Readers') and pe.type <> 'CO' order by 1, 3, 5, 6
go
revoke execute on schema::api from Readers
execute as user = 'Clerk'
exec api.Names
revert
go
drop role Readers
go
alter role Readers drop member Clerk
drop role Readers
drop user Clerk
go
