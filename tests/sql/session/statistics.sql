create database Counted
go
use Counted
create table t(a int primary key, b varchar(2000))
create table u(a int, doc varchar(max))
go
with n as (select 1 as a union all select a + 1 from n where a < 40) insert t select a, replicate('x', 1000) from n
insert u values(1, replicate(cast('y' as varchar(max)), 20000))
go
set statistics io on
select count(*) from t
select left(b, 3) from t where a = 7
select x.a from t x join t y on y.a = x.a + 1 where x.a < 4
select len(doc) from u
update t set b = 'z' where a = 3
select 1 as nothing
declare @n int = (select count(*) from t)
exec sp_executesql N'select max(a) from u'
go
set statistics io off
select count(*) from t
set statistics profile off
set statistics profile on
go
use master
drop database Counted
