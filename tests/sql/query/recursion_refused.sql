-- What the recursive part of a common table expression must not have.
with r as (select 1 n union all select distinct n from r where n < 3) select * from r
go
with r as (select 1 n union all select top 1 n + 1 from r where n < 3) select * from r
go
with r as (select 1 n union all select count(*) from r) select * from r
go
with r as (select 1 n union all select n from r where n < 3 group by n) select * from r
go
with r as (select 1 n union all select t.v from r left join (values (1)) t(v) on t.v = r.n) select * from r
go
with r as (select 1 n union all select t.v from (values (2)) t(v) where t.v in (select n + 1 from r)) select * from r
go
-- These may: OUTER APPLY, aggregates with OVER, subqueries over other tables
with r as (select 1 n, 1 c union all select n + 1, count(*) over () from r outer apply (select 1 x) t where n < 3) select * from r
go
with r as (select 1 n union all select n + 1 from r where n < (select max(v) from (values (3)) t(v))) select * from r
go
select top 2 with ties v from (values (1), (2), (3)) t(v)
go
select top 2 with ties v from (values (1), (2), (2), (3)) t(v) order by v
