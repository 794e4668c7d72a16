-- Statements that act in the current database only do not act there for a name of another.
create database prefix_here
create database prefix_there
go
use prefix_here
go
create proc pdup as select 'current' w
go
create table tdup(a int)
create table prefix_there.dbo.tdup(a int)
create sequence qdup
go
create trigger trdup on tdup after insert as print 'current'
go
alter proc prefix_there.dbo.pdup as select 'altered' w
go
create function prefix_there.dbo.fdup() returns int as begin return 77 end
go
create or alter view prefix_there.dbo.v as select 1 a
go
create trigger tr2 on prefix_there.dbo.tdup after insert as print 'there'
go
create trigger prefix_there.dbo.tr2 on tdup after insert as print 'there'
go
disable trigger trdup on prefix_there.dbo.tdup
go
alter sequence prefix_there.dbo.qdup restart with 500
go
create synonym prefix_there.dbo.sdup for tdup
go
drop view prefix_there.dbo.v
go
drop proc prefix_there.dbo.pdup
go
grant select on prefix_there.dbo.tdup to public
go
grant select on prefix_here.dbo.tdup to public
go
create trigger tr3 on prefix_here.dbo.tdup after insert as print 'three'
go
exec pdup
insert tdup values (1)
select next value for qdup
select count(*) from prefix_there.sys.objects where is_ms_shipped = 0
go
use master
drop database prefix_here
drop database prefix_there
