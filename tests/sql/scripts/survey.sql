-- A questionnaire: bit flags, UNPIVOT, weighted scores, histograms with bars, cross tabs of answers, percentiles, chi-square by hand.
create database Survey
go
use Survey
go
set nocount on
create table Answer (Person int constraint PK_Answer primary key, Age tinyint null, Flags int not null, Q1 tinyint, Q2 tinyint, Q3 tinyint)
insert Answer values (1, 20, 1, 5, 4, null), (2, 35, 3, 4, 4, 2), (3, 35, 6, 1, 2, 2), (4, null, 0, 3, null, 5), (5, 61, 7, 5, 5, 5), (6, 44, 4, 2, 3, 1)
create table Flag (Bit_ int constraint PK_Flag primary key, Name varchar(10) not null)
insert Flag values (1, 'reads'), (2, 'writes'), (4, 'runs')
go
select a.Person, isnull((select string_agg(f.Name, '+') within group (order by f.Bit_) from Flag f where a.Flags & f.Bit_ <> 0), 'nothing') as does, a.Flags & ~1 as not_reading, a.Flags ^ 7 as lacks from Answer a order by a.Person
select f.Name, count(*) as n, sum(case when a.Age >= 35 then 1 else 0 end) as grown from Flag f join Answer a on a.Flags & f.Bit_ = f.Bit_ group by f.Name order by n desc, f.Name
go
select Question, count(*) as n, cast(avg(cast(Points as decimal(4, 2))) as decimal(4, 2)) as mean, min(Points) as lo, max(Points) as hi from Answer unpivot (Points for Question in (Q1, Q2, Q3)) u group by Question order by Question
select Points, replicate('#', count(*)) as bar from (select Q1 as Points from Answer union all select Q2 from Answer union all select Q3 from Answer) x where Points is not null group by Points order by Points desc
go
select Person, Q1, Q2, Q3, (select max(v) from (values (Q1), (Q2), (Q3)) t(v) where v is not null) as best, (select count(v) from (values (Q1), (Q2), (Q3)) t(v) where v is not null) as answered, greatest(Q1, Q2, Q3) as g, isnull(Q1, 0) + isnull(Q2, 0) + isnull(Q3, 0) as total from Answer order by Person
select case when Age is null then 'unknown' when Age < 30 then 'young' when Age < 50 then 'middle' else 'old' end as grp, count(*) as n, cast(avg(Q1 * 1.0) as decimal(5, 2)) as q1 from Answer group by case when Age is null then 'unknown' when Age < 30 then 'young' when Age < 50 then 'middle' else 'old' end order by grp
go
select grp, [1] as ones, [2] as twos, [5] as fives from (select iif(Age < 40, 'under', 'over') as grp, Q1, Person from Answer where Age is not null) s pivot (count(Person) for Q1 in ([1], [2], [5])) p order by grp
select distinct percentile_cont(0.5) within group (order by Q1) over () as med, percentile_disc(0.25) within group (order by Q1) over () as q25, percentile_cont(0.9) within group (order by Q1) over () as p90 from Answer
go
declare @o table (r tinyint, c tinyint, n float, primary key (r, c))
insert @o values (1, 1, 10), (1, 2, 20), (2, 1, 30), (2, 2, 40)
select cast(sum(square(o.n - e.e) / e.e) as decimal(9, 4)) as chi2
from @o o cross apply (select (select sum(n) from @o x where x.r = o.r) * (select sum(n) from @o x where x.c = o.c) / (select sum(n) from @o) as e) e
select cast((count(*) * sum(x * y) - sum(x) * sum(y)) / sqrt((count(*) * sum(x * x) - square(sum(x))) * (count(*) * sum(y * y) - square(sum(y)))) as decimal(9, 6)) as r from (values (1e0, 2e0), (2, 4), (3, 5), (4, 4), (5, 5)) t(x, y)
go
select power(2, 10) p, cast(power(2.0, -1) as decimal(5, 1)) f, round(123.456, 1) r1, round(123.456, -1) r2, round(123.456, 1, 1) r3, cast(ceiling(-1.5) as int) c, cast(floor(-1.5) as int) fl, sign(-3) s, cast(abs(-2.5) as decimal(5, 1)) a, cast(exp(1) as decimal(9, 6)) e, cast(log(8, 2) as decimal(9, 6)) l, log10(1000) lt, cast(pi() as decimal(9, 6)) pi_, 17 % 5 m, cast(degrees(pi()) as int) d
go
select power(2, 31)
go
select 2147483647 + 1
go
