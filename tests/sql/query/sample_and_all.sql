create database Samples
go
use Samples
create table big(id int not null primary key, filler char(400) not null default 'x', kind tinyint null)
insert big(id, kind) select value, value % 5 from generate_series(1, 4000)
go
-- a part of the pages, the same one under the same seed
declare @a int, @b int, @c int
select @a = count(*), @c = sum(id % 7) from big tablesample (25 percent) repeatable (11)
select @b = count(*) from big tablesample system (25) repeatable (11)
select iif(@a = @b, 'same', 'other') again, iif(@a between 400 and 1800, 'a quarter', 'no') size
select iif(count(*) between 200 and 1500, 'some', 'no') size from big tablesample (800 rows) repeatable (3)
select count(*) whole from big tablesample (100 percent)
select count(*) nothing from big tablesample (0 percent)
select iif(count(distinct id) = count(*), 'once', 'twice') each from big tablesample (50 percent) repeatable (5)
select top 1 iif(b.id = 7, 'sought', 'no') found from big b tablesample (100) where b.id = 7
go
select count(*) from big tablesample (101 percent)
go
select count(*) from big tablesample (1.5 rows)
go
declare @n int = 10
select count(*) from big tablesample (@n percent)
go
create view v as select * from big
go
select count(*) from v tablesample (10)
go
select id into #t from big
select count(*) from #t tablesample (100 percent)
go
create table sales(region varchar(10), amount int)
insert sales values('north', 1), ('north', 20), ('south', 2), ('south', 3), ('west', 50)
select region, count(*) n, count(amount) c, sum(amount) s, max(amount) m from sales where amount > 10 group by all region order by region
select region, count(distinct amount) d from sales where amount > 10 and exists (select 1 from big where id = amount) group by all region having count(*) = 0 order by region
select region, sum(amount) s from sales group by all region order by region
select region, sum(amount) s from sales where amount > 1 group by all region with rollup
go
select * from ((select top 1 amount from sales order by amount desc) union all (select top 1 amount from sales order by amount)) x order by 1
select * from ((select top (1) region from sales order by region) union (select top (1) region from sales order by region desc) except select 'west') as x
select count(*) from ((select top 2 amount from sales order by amount)) x
go
use master
drop database Samples
