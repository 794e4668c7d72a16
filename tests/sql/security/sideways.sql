-- Ways around permissions that are none.
create database sideways
go
use sideways
go
create user ku without login
create user kc without login
go
create proc eac with execute as 'ku' as begin select user_name() a; execute as caller; select user_name() b; revert; select user_name() c end
go
grant execute on eac to kc
go
exec eac
go
execute as user = 'kc'
exec eac
revert
go
-- a compound assignment reads the column
create table up(id int primary key, card varchar(30))
insert up values (1, 'SEC1')
grant update on up to ku
grant select on up(id) to ku
go
execute as user = 'ku'
declare @v varchar(30)
update up set @v = card += '' where id = 1
select @v
go
update up set card += 'x' where id = 1
go
update up set card = 'y' where id = 1
go
revert
go
-- what a user of this database is told of others
create database sideways_other
create table sideways_other.dbo.t(s varchar(20))
go
execute as user = 'ku'
select count(*) as files from sys.master_files
go
exec sp_helplogins
go
exec sp_validatelogins
go
begin try exec sp_describe_undeclared_parameters N'select 1 from sideways_other.dbo.t where s = @p' end try begin catch select error_number() as n end catch
go
revert
drop database sideways_other
go
-- what lets one database into others is the server's affair
alter role db_owner add member ku
go
execute as user = 'ku'
alter database sideways set trustworthy on
go
alter database sideways set db_chaining on
go
alter authorization on database::sideways to sa
go
revert
go
use master
drop database sideways
