with l0 as (select 1 c union all select 1), l1 as (select 1 c from l0 a cross join l0 b), l2 as (select 1 c from l1 a cross join l1 b), l3 as (select 1 c from l2 a cross join l2 b), l4 as (select 1 c from l3 a cross join l3 b), l5 as (select 1 c from l4 a cross join l4 b), nums as (select row_number() over(order by (select null)) as rownum from l5)
select top (5) 10 + rownum - 1 as n from nums order by rownum
select v, row_number() over(partition by v%2 order by v) rn, rank() over(order by v/2) r, dense_rank() over(order by v/2) d from generate_series(1,7) g(v) order by v
select top 3 rn from (select row_number() over(order by v desc) rn, v from generate_series(1,3000) g(v)) x order by rn
select count(*), max(rn), sum(rn) from (select row_number() over(partition by value/1000 order by value) rn from generate_series(1,5000)) x
select v from (select value v, row_number() over(order by value) rn from generate_series(1,2500)) x where rn between 1499 and 1501 order by rn
