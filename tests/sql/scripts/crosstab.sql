-- Pivots: static, by CASE, dynamic with QUOTENAME and STUFF ... FOR XML PATH, with STRING_AGG, and UNPIVOT back.
create database Sales
go
use Sales
go
create table dbo.Sale (Region varchar(10), Yr smallint, Qtr tinyint, Amount money)
insert dbo.Sale values ('North', 2022, 1, 100), ('North', 2022, 2, 150), ('North', 2023, 1, 120.50), ('South', 2022, 1, 80),
 ('South', 2023, 4, 60), ('South', 2023, 4, 15.25), ('West', 2023, 2, null), ('West', 2022, 3, 10)
go
select Region, [1] as Q1, [2] as Q2, [3] as Q3, [4] as Q4
from (select Region, Qtr, Amount from dbo.Sale where Yr = 2023) as s
pivot (sum(Amount) for Qtr in ([1], [2], [3], [4])) as p
order by Region
go
select Region,
    sum(case when Yr = 2022 then Amount else 0 end) as y2022,
    sum(case Yr when 2023 then Amount end) as y2023,
    count(*) as n, count(Amount) as counted, avg(Amount) as mean
from dbo.Sale group by Region having sum(Amount) > 10 order by Region desc
go
declare @cols nvarchar(max), @sql nvarchar(max)
select @cols = stuff((select distinct ',' + quotename(cast(Yr as varchar(4))) from dbo.Sale order by 1 for xml path(''), type).value('.', 'nvarchar(max)'), 1, 1, '')
set @sql = N'select Region, ' + @cols + N' from (select Region, Yr, Amount from dbo.Sale) x pivot (sum(Amount) for Yr in (' + @cols + N')) p order by Region;'
print @sql
exec sp_executesql @sql
go
declare @cols nvarchar(max) = N'';
select @cols += N', ' + quotename(r) from (select distinct Region r from dbo.Sale) d order by r;
set @cols = stuff(@cols, 1, 2, N'');
declare @stmt nvarchar(max) = N'select Yr, ' + @cols + N' from (select Yr, Region, Amount from dbo.Sale where Amount >= @least) s pivot (max(Amount) for Region in (' + @cols + N')) p order by Yr';
exec sys.sp_executesql @stmt, N'@least money', @least = 50;
go
select Yr, string_agg(concat(Region, '=', Amount), '; ') within group (order by Region, Qtr, Amount) as list from dbo.Sale group by Yr order by Yr
go
;with wide as (select 'a' as k, 1 as x, 2 as y, cast(null as int) as z union all select 'b', 4, null, 6)
select k, col, val from wide unpivot (val for col in (x, y, z)) u order by k, col
go
select coalesce(Region, 'all') as Region, coalesce(cast(Yr as varchar(4)), 'any') as Yr, sum(Amount) as total, grouping(Region) as gr, grouping_id(Region, Yr) as gid
from dbo.Sale group by rollup (Region, Yr) order by grouping(Region), Region, grouping(Yr), Yr
go
select Region, Qtr, sum(Amount) as total from dbo.Sale group by grouping sets ((Region), (Qtr), ()) order by Region, Qtr
go
select Yr, Qtr, count(*) as n from dbo.Sale group by cube (Yr, Qtr) having grouping_id(Yr, Qtr) > 0 order by Yr, Qtr
go
select Region, sum(Amount) total from Sale group by Region with rollup
go
select t.Region, v.what, v.amount
from (select Region, min(Amount) lo, max(Amount) hi from dbo.Sale group by Region) t
cross apply (values ('lo', t.lo), ('hi', t.hi)) v (what, amount)
order by t.Region, v.what
go
