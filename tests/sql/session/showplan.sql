create database Planned
go
use Planned
create table t(a int constraint pk_t primary key, b varchar(10), c int)
create index ic on t(c)
create table u(a int, n int)
go
insert t values(1, 'x', 1), (2, 'y', 2)
go
set showplan_text on
go
select b from t where a = 1
select t.b, sum(u.n) from t join u on u.a = t.a where t.c > 1 group by t.b order by t.b
insert u select a, c from t
update t set b = 'z' where a = 2
delete from u
declare @x int = 1
if @x = 1 print 'one'
go
select * from nothing
go
set showplan_text off
go
set showplan_all on
go
select count(*) from t where b = 'x'
go
set showplan_all off
go
set showplan_xml on
go
select b from t where a = 1
go
set showplan_xml off
go
set showplan_text on
select 1
go
select count(*) from u
select a, b from t order by a
go
use master
drop database Planned
