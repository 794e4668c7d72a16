-- A transaction that has used tables under another level cannot become a snapshot.
create database s
go
alter database s set allow_snapshot_isolation on
go
use s
go
create table t(id int primary key)
insert t values(1)
go
begin tran
set transaction isolation level snapshot
select count(*) from t
set transaction isolation level read committed
select count(*) from t
set transaction isolation level snapshot
select count(*) from t
commit
go
set transaction isolation level read committed
begin tran
insert t values(2)
set transaction isolation level snapshot
declare @x int = 1
select @x, @@trancount
select count(*) from t
print 'not reached'
go
select @@trancount, count(*) from t
set transaction isolation level read committed
-- Transactions that dynamic text leaves open, and procedures that end in an error.
exec('begin tran')
select @@error, @@trancount
exec('commit')
select @@error, @@trancount
go
create procedure xerr as begin begin tran; insert t values(9); select * from nosuch; commit end
go
exec xerr
select @@error, @@trancount
rollback
go
set implicit_transactions on
exec('insert t values(5)')
select @@trancount
rollback
set implicit_transactions off
go
-- This server by its own name.
declare @s nvarchar(500) = 'select count(*) from [' + @@servername + '].s.dbo.t; update [' + @@servername + '].s.dbo.t set id = id; exec [' + @@servername + '].s.dbo.sp_executesql N''select db_name()'''
exec(@s)
go
select * from [elsewhere].s.dbo.t
go
update [elsewhere].s.dbo.t set id = 3
go
insert [elsewhere].s.dbo.t values(4)
go
use master
drop database s
go
