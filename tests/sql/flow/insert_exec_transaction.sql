-- COMMIT and ROLLBACK in what INSERT … EXEC calls.
create database insert_exec
go
use insert_exec
go
create table icT(a int)
create table icU(a int)
go
create proc icP as begin select 1; commit end
go
create proc icR as begin select 1; rollback end
go
create proc icB as begin begin tran; select 2; commit end
go
create proc icS as begin save tran s; select 3; rollback tran s end
go
begin tran
insert icU values (99)
insert icT exec icP
go
select @@trancount, (select count(*) from icU)
if @@trancount > 0 rollback
go
begin tran
insert icU values (98)
insert icT exec icR
go
if @@trancount > 0 rollback
go
insert icT exec icB
begin tran
insert icT exec icS
commit
go
select * from icT order by a
select * from icU
go
use master
drop database insert_exec
