-- Numbers, calendars, gaps and islands, running totals, medians, top-n per group, duplicates.
create database Series
go
use Series
go
set nocount on
go
create table dbo.Numbers (n int not null primary key)
;with e1(n) as (select 1 from (values (1),(1),(1),(1),(1),(1),(1),(1),(1),(1)) v(n)),
e2(n) as (select 1 from e1 a cross join e1 b),
e4(n) as (select 1 from e2 a cross join e2 b),
tally(n) as (select row_number() over (order by (select null)) from e4)
insert dbo.Numbers (n) select n from tally where n <= 1000
select count(*) c, min(n) lo, max(n) hi, sum(n) s from dbo.Numbers
go
create table dbo.Seat (n int primary key)
insert dbo.Seat values (1), (2), (3), (5), (6), (9), (12), (13), (14)
select min(n) as start_n, max(n) as end_n, count(*) as len
from (select n, n - row_number() over (order by n) as grp from dbo.Seat) x
group by grp order by start_n
select n + 1 as gap_start, nxt - 1 as gap_end from (select n, lead(n) over (order by n) as nxt from dbo.Seat) x where nxt - n > 1
select top (3) n as free from dbo.Numbers where not exists (select * from dbo.Seat s where s.n = Numbers.n) order by n
go
create table dbo.Reading (sensor char(1), taken datetime2(0), value decimal(6, 2), primary key (sensor, taken))
insert dbo.Reading values ('a', '2024-02-28T23:00:00', 1.5), ('a', '2024-02-29T00:00:00', 2.5), ('a', '2024-02-29T01:00:00', 4), ('a', '2024-03-01T00:00:00', 8),
('b', '2024-02-29T00:00:00', 10), ('b', '2024-02-29T06:00:00', 20)
select sensor, taken, value,
 sum(value) over (partition by sensor order by taken rows between unbounded preceding and current row) as running,
 avg(value) over (partition by sensor order by taken rows between 1 preceding and 1 following) as smooth,
 value - lag(value, 1, 0) over (partition by sensor order by taken) as delta,
 first_value(value) over (partition by sensor order by taken) as first_v,
 last_value(value) over (partition by sensor order by taken rows between current row and unbounded following) as last_v,
 ntile(2) over (partition by sensor order by taken) as half,
 percent_rank() over (partition by sensor order by value) as pr,
 cume_dist() over (partition by sensor order by value) as cd
from dbo.Reading order by sensor, taken
go
select distinct sensor, percentile_cont(0.5) within group (order by value) over (partition by sensor) as median,
 percentile_disc(0.5) within group (order by value) over (partition by sensor) as median_disc from dbo.Reading order by sensor
go
declare @from date = '2024-02-26', @to date = '2024-03-03';
with d as (select @from as dt union all select dateadd(day, 1, dt) from d where dt < @to)
select dt, datename(weekday, dt) as wd, datepart(iso_week, dt) as iw, eomonth(dt) as em, iif(datepart(weekday, dt) in (1, 7), 'weekend', 'work') as kind,
 (select count(*) from dbo.Reading r where cast(r.taken as date) = d.dt) as readings
from d option (maxrecursion 100)
go
with r as (select 1 as n union all select n + 1 from r where n < 200) select count(*) from r
go
with r as (select 1 as n union all select n + 1 from r where n < 200) select count(*) as c from r option (maxrecursion 0)
go
select sensor, taken, value from (select *, row_number() over (partition by sensor order by value desc) rn from dbo.Reading) x where rn <= 2 order by sensor, rn
select s.sensor, t.taken, t.value from (select distinct sensor from dbo.Reading) s outer apply (select top 1 with ties * from dbo.Reading r where r.sensor = s.sensor order by value desc) t order by 1
go
create table dbo.Dup (id int identity, name varchar(10), grp int)
insert dbo.Dup values ('x', 1), ('x', 1), ('y', 1), ('x', 2), ('x', 1), (null, 1), (null, 1)
;with c as (select *, row_number() over (partition by name, grp order by id) as rn from dbo.Dup)
delete from c where rn > 1
select @@rowcount as removed
select * from dbo.Dup order by id
go
declare @total int = 0
create table #run (id int primary key, amount int, total int null)
insert #run (id, amount) select n, n * 10 from dbo.Numbers where n <= 5
update #run set @total = total = @total + amount from #run with (tablockx) option (maxdop 1)
select * from #run
drop table #run
go
select value, ordinal from string_split('a,b,,c', ',', 1)
select n, case when n % 15 = 0 then 'FizzBuzz' when n % 5 = 0 then 'Buzz' when n % 3 = 0 then 'Fizz' else cast(n as varchar(4)) end as f from dbo.Numbers where n <= 15
select value from generate_series(10, 1, -3)
go
