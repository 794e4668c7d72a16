create table #o (id int, cust varchar(10), amt decimal(9,2), d date)
insert #o values (1,'a',10,'20240101'),(2,'a',20,'20240201'),(3,'b',5,'20240115'),(4,null,7,'20240301'),(5,'c',null,null)
create table #c (cust varchar(10), name nvarchar(20))
insert #c values ('a',N'Ann'),('b',N'Bob'),('z',N'Zed')
GO
select o.id, c.name from #o o join #c c on c.cust=o.cust order by o.id
select o.id, c.name from #o o left join #c c on c.cust=o.cust order by o.id
select o.id, c.name from #o o full join #c c on c.cust=o.cust order by o.id, c.name
select o.id, c.name from #o o right join #c c on c.cust=o.cust and o.amt>10 order by c.name
select c.name, x.id from #c c cross apply (select top 1 id from #o o where o.cust=c.cust order by amt desc) x order by 1
select c.name, x.id from #c c outer apply (select top 1 id from #o o where o.cust=c.cust order by amt desc) x order by 1
select id, (select name from #c c where c.cust=o.cust) n from #o o order by id
select id from #o where cust in (select cust from #c) order by id
select id from #o where cust not in (select cust from #c) order by id
select id from #o where amt > all (select amt from #o where cust='b') order by id
select id from #o where amt > any (select amt from #o where cust='a') order by id
select id from #o where amt = some (select amt from #o where cust='a') order by id
select case when exists(select 1 from #c where cust=o.cust) then 1 else 0 end e from #o o order by id
select count(*) from #o, #c where #o.cust=#c.cust
GO
select cust, sum(amt) s, count(*) n, count(amt) c, avg(amt) a, min(d) mi, max(d) ma from #o group by cust order by cust
select cust, sum(amt) s from #o group by cust having sum(amt)>6 order by s desc
select cust, year(d) y, sum(amt) s, grouping(cust) g, grouping_id(cust,year(d)) gi from #o group by rollup(cust,year(d)) order by gi, cust, y
select cust, year(d) y, sum(amt) s, grouping_id(cust,year(d)) gi from #o group by cube(cust,year(d)) order by gi, cust, y
select cust, month(d) m, sum(amt) s from #o group by grouping sets ((cust),(month(d)),()) order by grouping(cust),grouping(month(d)), cust, m
select cust, sum(amt) s from #o group by cust with rollup order by grouping(cust), cust
select cust, sum(amt) s from #o group by cust with cube order by grouping(cust), cust
select sum(distinct amt), count(distinct cust), checksum_agg(id), stdev(amt), var(amt), stdevp(amt), varp(amt) from #o
select count_big(*) from #o having count(*)>3
select 1 from #o having count(*)>30
select max(amt) from #o where 1=0
select sum(amt) from #o where 1=0 group by cust
GO
select id, row_number() over(order by id desc) rn, rank() over(order by cust) r, dense_rank() over(order by cust) dr, ntile(2) over(order by id) nt from #o order by id
select id, sum(amt) over(partition by cust order by id) run, sum(amt) over(partition by cust) tot, sum(amt) over (order by id rows between 1 preceding and 1 following) mv from #o order by id
select id, lag(id) over(order by id) lg, lead(id,2,-1) over(order by id) ld, first_value(amt) over(partition by cust order by id) fv, last_value(amt) over(partition by cust order by id rows between unbounded preceding and unbounded following) lv from #o order by id
select id, percent_rank() over(order by cust) pr, cume_dist() over(order by cust) cd from #o order by id
select distinct cust, percentile_cont(0.5) within group(order by amt) over(partition by cust) pc, percentile_disc(0.5) within group(order by amt) over(partition by cust) pd from #o order by cust
select id, count(*) over(order by cust range between current row and unbounded following) c, avg(amt) over(order by id rows 2 preceding) a from #o order by id
select id, sum(amt) over w s, row_number() over w rn from #o window w as (partition by cust order by id) order by id
select sum(sum(amt)) over() s, cust from #o group by cust order by cust
select top 2 id from #o order by row_number() over(order by id desc)
select id, row_number() over(order by (select null)) rn from #o where id<3
GO
with r as (select 1 n union all select n+1 from r where n<5) select sum(n) s from r
;with r as (select 1 n union all select n+1 from r) select top 3 n from r
;with r as (select 1 n union all select n+1 from r where n<200) select count(*) from r
;with r as (select 1 n union all select n+1 from r where n<200) select count(*) from r option(maxrecursion 0)
;with r as (select 1 n union all select n+1 from r where n<50) select count(*) from r option(maxrecursion 10)
;with a as (select 1 x), b as (select x+1 y from a) select * from a,b
select 1 union select 2 except select 2 union all select 5
select 1 a union all select 2 intersect select 2 order by a
;(select 1 a union select 2) except select 1
select top 50 percent id from #o order by id
select top 1 with ties cust from #o where cust is not null order by cust
select id from #o order by id offset 1 rows fetch next 2 rows only
select id from #o order by id offset 3 rows
select * from #o pivot (sum(amt) for cust in ([a],[b])) p order by id
select * from (select cust, amt from #o) s pivot (sum(amt) for cust in ([a],[b],[q])) p
select id, k, v from (select id, cast(amt as decimal(9,2)) amt, cast(id*2 as decimal(9,2)) dbl from #o) s unpivot (v for k in (amt, dbl)) u order by id, k
select * from (values (1,'x'),(2,null)) v(a,b)
GO
select case when 1=1 then 1 else 2.5 end a, iif(1>2,'y','no') b, choose(2,'a','bb','c') c, coalesce(null,null,3) d, nullif(1,1) e, isnull(cast(null as varchar(3)),'abcdef') f, choose(9,'a') g
select case 3 when 1 then 'a' when 3 then 'c' end, coalesce(null, 'x', 5.0) 
GO
select coalesce(null,null)
GO
select case when 1=0 then null end
