-- Stock valued first in, first out: allocation by overlapping running totals, moving average, ABC classes.
create database Stock
go
use Stock
go
set nocount on
create table Receipt (Id int identity constraint PK_Receipt primary key, Item char(1), Qty int, UnitCost decimal(9, 4), Day_ date)
create table Issue (Id int identity constraint PK_Issue primary key, Item char(1), Qty int, Day_ date)
insert Receipt (Item, Qty, UnitCost, Day_) values ('A', 10, 1.00, '2024-01-01'), ('A', 5, 1.20, '2024-01-05'), ('B', 7, 3, '2024-01-02'), ('A', 20, 1.5, '2024-02-01')
insert Issue (Item, Qty, Day_) values ('A', 8, '2024-01-03'), ('A', 6, '2024-01-06'), ('B', 7, '2024-01-09'), ('A', 4, '2024-02-02')
go
with r as (select Id, Item, UnitCost, sum(Qty) over (partition by Item order by Day_, Id rows unbounded preceding) - Qty as from_, sum(Qty) over (partition by Item order by Day_, Id rows unbounded preceding) as to_ from Receipt),
i as (select Id, Item, sum(Qty) over (partition by Item order by Day_, Id rows unbounded preceding) - Qty as from_, sum(Qty) over (partition by Item order by Day_, Id rows unbounded preceding) as to_ from Issue)
select i.Id as issue, i.Item, r.Id as receipt, least(i.to_, r.to_) - greatest(i.from_, r.from_) as qty, cast((least(i.to_, r.to_) - greatest(i.from_, r.from_)) * r.UnitCost as decimal(9, 2)) as cost
into #alloc
from i join r on r.Item = i.Item and r.from_ < i.to_ and i.from_ < r.to_
select * from #alloc order by issue, receipt
select issue, sum(qty) as qty, sum(cost) as cost from #alloc group by issue order by issue
select r.Item, sum(r.Qty) - isnull((select sum(Qty) from Issue i where i.Item = r.Item), 0) as on_hand, sum(r.Qty * r.UnitCost) - isnull((select sum(cost) from #alloc a where a.Item = r.Item), 0) as value from Receipt r group by r.Item order by r.Item
go
declare @item char(1), @qty int, @cost decimal(9, 4), @total int = 0, @avg decimal(19, 6) = 0
declare moves cursor local forward_only read_only for select Item, Qty, UnitCost from Receipt where Item = 'A' order by Day_
open moves
while 1 = 1
begin
    fetch next from moves into @item, @qty, @cost
    if @@fetch_status <> 0 break
    set @avg = (@avg * @total + @cost * @qty) / (@total + @qty)
    set @total += @qty
    print concat(@item, ' ', @total, ' ', cast(@avg as decimal(9, 4)))
end
close moves
deallocate moves
go
create table Turnover (Item varchar(5) constraint PK_Turnover primary key, Amount int)
insert Turnover values ('p', 700), ('q', 150), ('r', 100), ('s', 30), ('t', 20)
select Item, Amount, sum(Amount) over (order by Amount desc rows unbounded preceding) * 100 / sum(Amount) over () as cum_pct,
  case when sum(Amount) over (order by Amount desc rows unbounded preceding) - Amount < 0.8 * sum(Amount) over () then 'A' when sum(Amount) over (order by Amount desc rows unbounded preceding) - Amount < 0.95 * sum(Amount) over () then 'B' else 'C' end as class
from Turnover order by Amount desc
go
