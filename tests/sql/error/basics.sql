select * from (select 1 a, 2 a) x
GO
select a from (select 1 a) x order by b
GO
select 1 a, 2 b group by a
GO
select x.y from (select 1 a) x
GO
select dbo.nofunc(1)
GO
select nofunc(1)
GO
select count(*), v from (values(1)) t(v)
GO
select v from (values(1)) t(v) where count(*)>1
GO
select v from (values(1)) t(v) group by v having w>1
GO
select sum(count(*)) from (values(1)) t(v)
GO
select distinct v from (values(1,2)) t(v,w) order by w
GO
select 1 union select 1,2
GO
select 1 where 'a' 
GO
select * from
GO
selct 1
GO
select 1 +
GO
declare @x int declare @x int
GO
select (select 1,2)
GO
select (select v from (values(1),(2)) t(v))
GO
select 1 where 1 in (select 1,2)
GO
select v from (select v from (values(1)) t(v) order by v) x
GO
select row_number() over() from (values(1)) t(v)
GO
select lag(v) from (values(1)) t(v)
GO
select v from (values(1)) t(v) where row_number() over(order by v)=1
GO
select top (-1) v from (values(1)) t(v)
GO
select v from (values(1)) t(v) order by v offset -1 rows
GO
select v from (values(1)) t(v) order by v offset 0 rows fetch next 0 rows only
GO
select v from (values(1)) t(v) order by 2
GO
select left('abc',-1)
GO
select substring('abc',1,-1)
GO
select datediff(second,'19000101','20240101')
GO
select dateadd(year,10000,'20240101')
GO
select datefromparts(2024,2,30)
GO
select cast('a' as varchar(10)) collate Latin1_General_CI_AS + cast('b' as varchar(10)) collate Latin1_General_BIN
GO
select 1 where N'a' collate Latin1_General_CI_AS = N'b' collate Latin1_General_BIN
GO
select 'a' collate nosuch
GO
select sqrt(-1)
GO
select log(0)
GO
select a.* from (select 1 x) b
GO
select power(10,10)
GO
select replicate('a',-1), space(-1), char(300), nchar(-1)
GO
select convert(int, 5.7), cast(-5.7 as int), round(5.5,0), cast(5.5 as decimal(5,0)), cast(2.5e0 as int), cast(cast(2.5 as money) as int)

GO
select 'abc
