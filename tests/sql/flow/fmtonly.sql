-- SET FMTONLY: columns, and nothing is done.
create database fmtonly
go
use fmtonly
go
create table fm(id int primary key, v int)
insert fm values (1, 1)
go
create proc fmp @a int as begin update fm set v = @a; insert fm values (2, 2); select id, v from fm end
go
create proc branches @a int as
if @a = 5 select 'five' x else select 'other' y, 1 z
while @a < 3 begin select @a a; set @a += 1 end
begin try select 1 t; throw 50000, 'thrown', 1 end try begin catch select 2 c end catch
return 3
go
create proc escaping as
if 1 = 0 set fmtonly off
create table #w (a int)
insert #w values (7)
select a from #w
go
set fmtonly on
exec fmp 99
set fmtonly off
go
select * from fm
go
set fmtonly on
truncate table fm
drop table fm
begin tran
raiserror('raised?', 16, 1)
select * into made from fm
declare @x int = 1
select @x = 5
exec sp_rename 'fm', 'mf'
exec('delete fm')
exec sp_executesql N'update fm set v = 9; select v from fm where id = @p', N'@p int', @p = 1
set fmtonly off
go
select object_id('made') made, @@trancount trancount, (select count(*) from fm) n
go
set fmtonly on
exec branches 1
set fmtonly off
go
set fmtonly on
exec escaping
set fmtonly off
go
use master
drop database fmtonly
