-- Star schema, slowly changing dimension by MERGE, staging, dates, temp tables, set operations, CHECKSUM change detection.
create database Dw
go
use Dw
go
create table dbo.DimDate (DateKey int primary key, [Date] date unique, [Year] as year([Date]), MonthName_ as cast(datename(month, [Date]) as varchar(10)), IsWeekend bit)
create table dbo.DimCustomer (CustomerKey int identity primary key, CustomerId int not null, City varchar(30) not null, ValidFrom date not null, ValidTo date not null default '99991231', IsCurrent bit not null default 1, RowHash as hashbytes('SHA2_256', concat(CustomerId, '|', City)) persisted)
create table dbo.FactSale (SaleId bigint identity primary key, DateKey int references dbo.DimDate, CustomerKey int references dbo.DimCustomer, Amount decimal(12, 2), Qty int)
go
set nocount on
declare @d date = '2023-12-30'
while @d <= '2024-01-02'
begin
    insert dbo.DimDate (DateKey, [Date], IsWeekend) values (convert(int, convert(char(8), @d, 112)), @d, case when datediff(day, '19000101', @d) % 7 in (5, 6) then 1 else 0 end)
    set @d = dateadd(day, 1, @d)
end
select * from dbo.DimDate
go
create table #stage (CustomerId int primary key, City varchar(30))
insert #stage values (1, 'Oslo'), (2, 'Rome'), (3, 'Lima')
insert dbo.DimCustomer (CustomerId, City, ValidFrom) select CustomerId, City, '20230101' from #stage
update #stage set City = 'Bergen' where CustomerId = 1
delete #stage where CustomerId = 3
insert #stage values (4, 'Cairo')
declare @changes table (act nvarchar(10), CustomerId int, City varchar(30))
merge dbo.DimCustomer as t using #stage as s on t.CustomerId = s.CustomerId and t.IsCurrent = 1
when matched and t.City <> s.City then update set IsCurrent = 0, ValidTo = '20231231'
when not matched then insert (CustomerId, City, ValidFrom) values (s.CustomerId, s.City, '20240101')
when not matched by source and t.IsCurrent = 1 then update set IsCurrent = 0, ValidTo = '20231231'
output $action, s.CustomerId, s.City into @changes;
insert dbo.DimCustomer (CustomerId, City, ValidFrom)
select CustomerId, City, '20240101' from @changes
where act = 'UPDATE' and CustomerId is not null;
select CustomerKey, CustomerId, City, ValidFrom, ValidTo, IsCurrent from dbo.DimCustomer order by CustomerId, ValidFrom
go
insert dbo.FactSale (DateKey, CustomerKey, Amount, Qty)
select d.DateKey, c.CustomerKey, (d.DateKey % 10 + 1) * c.CustomerId * 1.25, c.CustomerId
from dbo.DimDate d join dbo.DimCustomer c on d.[Date] between c.ValidFrom and c.ValidTo
select c.City, d.[Year], sum(f.Amount) as amount, sum(f.Qty) as qty, cast(100.0 * sum(f.Amount) / sum(sum(f.Amount)) over () as decimal(5, 2)) as pct,
 rank() over (order by sum(f.Amount) desc) as r, dense_rank() over (partition by d.[Year] order by sum(f.Qty)) as dr
from dbo.FactSale f join dbo.DimDate d on d.DateKey = f.DateKey join dbo.DimCustomer c on c.CustomerKey = f.CustomerKey
group by c.City, d.[Year] order by r, c.City
go
select d.[Year], d.MonthName_, sum(f.Amount) as amount, lag(sum(f.Amount)) over (order by d.[Year], d.MonthName_) as before_, sum(sum(f.Amount)) over (partition by d.[Year]) as in_year
from dbo.FactSale f join dbo.DimDate d on d.DateKey = f.DateKey group by d.[Year], d.MonthName_ order by 1, 2
go
select CustomerId from dbo.DimCustomer except select CustomerId from #stage
select CustomerId from dbo.DimCustomer intersect select CustomerId from #stage order by CustomerId desc
(select 'a' as x union all select 'b') union select 'a' order by x
go
select a.CustomerId, case when exists (select a.City intersect select b.City) then 'same' else 'changed' end as state
from dbo.DimCustomer a join #stage b on b.CustomerId = a.CustomerId where a.IsCurrent = 1 order by 1
select count(distinct RowHash) as hashes, min(datalength(RowHash)) as len from dbo.DimCustomer
go
select top 2 with ties Qty, SaleId from dbo.FactSale order by Qty desc
select f.Qty, count(*) n, cast(stdev(f.Amount) as decimal(9, 4)) sd, cast(var(f.Amount) as decimal(9, 4)) v, cast(stdevp(f.Amount) as decimal(9, 4)) sp, cast(varp(f.Amount) as decimal(9, 4)) vp from dbo.FactSale f group by f.Qty order by f.Qty
go
select Qty, grouping_id(Qty) gid, sum(Amount) s into dbo.Summary from dbo.FactSale group by rollup(Qty)
select c.name, type_name(c.user_type_id) as ty, c.max_length, c.precision, c.scale, c.is_nullable from sys.columns c where object_id = object_id('dbo.Summary') order by column_id
go
alter table dbo.Summary add Note varchar(20) null, Flag bit not null constraint DF_Flag default 1 with values
update s set Note = iif(s.Qty is null, 'all', choose(s.Qty, 'one', 'two', 'three')) from dbo.Summary s
select * from dbo.Summary order by gid, Qty
alter table dbo.Summary drop constraint DF_Flag, column Flag
alter table dbo.Summary alter column Note char(5) not null
select Note + '|' as n from dbo.Summary order by gid, Qty
go
drop table #stage
select object_id('tempdb..#stage') as gone
go
