create database small_statements
go
use small_statements
go
create procedure pp as select 3 r
go
declare @p sysname = 'pp'; exec @p; select 5 s
go
declare @r int, @p sysname = 'dbo.pp'; exec @r = @p; print @r
go
-- WAITFOR with a datetime
declare @d datetime = '00:00:00.050', @before datetime2 = sysdatetime(); waitfor delay @d
select case when datediff(ms, @before, sysdatetime()) >= 50 then 'waited' else 'not' end w
go
declare @d smalldatetime = '00:00'; waitfor delay @d
go
-- what does not convert to a parameter's type
create proc pc @a datetime = null, @b decimal(5,2) = null, @c int = null, @h money = null, @i tinyint = null, @e uniqueidentifier = null as select 1
go
exec pc @a = 'x'
go
exec pc @b = 12345.6
go
exec pc @c = 3000000000
go
exec pc @h = 'x'
go
exec pc @i = 300
go
exec pc @e = 'x'
go
begin try exec pc @a = 'x' end try begin catch select error_number() n, error_message() m, error_procedure() p, error_line() l end catch
go
declare @r int = 5
exec @r = sp_getapplock 'r2', 'Exclusive'
print concat('r=', @r)
set @r = 5
exec @r = sp_releaseapplock 'zz', 'Session'
print concat('r=', @r)
go
create view v(a, b) as select 1
go
create view v(a) as select 1, 2
go
use master
drop database small_statements
