-- what there is without the advanced options
exec sp_configure
go
exec sp_configure 'max degree of parallelism', 1
exec sp_configure 'show advanced options', 1
exec sp_configure 'show adv'
reconfigure
exec sp_configure 'show adv'
go
exec sp_configure 'max degree of parallelism', 1
exec sp_configure 'max degree', -1
exec sp_configure 'max degree', 40000
exec sp_configure 'no such option', 1
exec sp_configure 'affinity', 1
exec sp_configure 'max degree'
select name, value, value_in_use, is_dynamic, is_advanced from sys.configurations where configuration_id in (103, 1539)
select value, config, status from sys.sysconfigures where config = 1539
select value, config, status from sys.syscurconfigs where config = 1539
reconfigure with override
select name, value, value_in_use from sys.configurations where configuration_id = 1539
go
-- the status of a refused call, and that the batch goes on
declare @r int
exec @r = sp_configure 'no such option', 1
select @r status
begin try
    exec sp_configure 'no such option', 1
end try
begin catch
    select error_number() n, error_procedure() p
end catch
go
begin transaction
reconfigure
select @@trancount
rollback
go
exec sp_configure 'allow updates', 1
reconfigure
reconfigure with override
exec sp_configure 'allow updates', 0
reconfigure
exec sp_configure 'recovery interval', 90
reconfigure
exec sp_configure 'recovery interval', 0
go
-- nested triggers
create table a (i int)
create table b (i int)
create table c (i int)
go
create trigger ta on a after insert as insert b select i from inserted
go
create trigger tb on b after insert as insert c select i from inserted
go
insert a values (1)
exec sp_configure 'nested triggers', 0
reconfigure
insert a values (2)
insert b values (3)
select i from c order by i
exec sp_configure 'nested triggers', 1
reconfigure
go
-- rows from triggers
create trigger tc on c after insert as select 'told' answer
go
insert c values (7)
exec sp_configure 'disallow results from triggers', 1
reconfigure
go
insert c values (8)
select i from c where i > 6
exec sp_configure 'disallow results from triggers', 0
reconfigure
go
-- default language and options of sessions that come later
exec sp_configure 'default language', 2
exec sp_configure 'default language', 99
exec sp_configure 'user options', 512
reconfigure
go
create login later with password = 'Str0ng!pass'
select default_language_name from sys.server_principals where name = 'later'
select @@options & 512 nocount
go
-- as later
select @@options & 512 nocount
exec sp_configure 'user options', 0
reconfigure
go
