-- What SET does in a procedure, trigger or dynamic text ends with it.
create database Ends
go
use Ends
create table il(i int primary key)
insert il values(1),(2)
create table idt(i int identity, v int)
create table idu(i int identity, v int)
go
create proc isop as set transaction isolation level read uncommitted set identity_insert idt on set deadlock_priority high
go
create view level as select transaction_isolation_level l, deadlock_priority p from sys.dm_exec_sessions where session_id = @@spid
go
exec isop
select * from level
exec('set transaction isolation level serializable')
select * from level
exec sp_executesql N'set transaction isolation level snapshot set identity_insert idt on insert idt(i, v) values(50, 1)'
select * from level
go
insert idt(i, v) values(5, 1)
go
insert idt(v) values(1)
set identity_insert idu on
insert idu(i, v) values(7, 7)
exec('set identity_insert idu off')
insert idu(i, v) values(8, 8)
set identity_insert idu off
select * from idt
select * from idu
go
-- Nothing is described only, or not run, afterwards.
exec sp_executesql N'set fmtonly on select i from il'
exec('set noexec on')
update il set i = i + 10 where i = 1
select i from il
go
create trigger itr on il after insert as set transaction isolation level serializable
go
set transaction isolation level repeatable read
insert il values(3)
select * from level
set transaction isolation level read committed
go
-- Without either of both options of the session the database's counts.
set ansi_null_dflt_on off
set ansi_null_dflt_off off
go
create table nd(a int)
alter database Ends set ansi_null_default on
create table nd2(a int)
select object_name(object_id), is_nullable from sys.columns where name = 'a' order by 1
set ansi_null_dflt_on on
go
use master
drop database Ends
go
