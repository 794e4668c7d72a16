-- Statements that are refused, and some that were and need not be.
create table #t(c int, g int); insert #t values(1, 1), (2, 2)
go
select c from #t order by c offset 1 + c rows
go
select c from #t order by c offset 0 rows fetch next c rows only
go
select a.c, x.n from #t a cross apply (select c as n from #t order by c offset a.c - 1 rows) x order by 1, 2
go
select min(c) within group (order by c) from #t
go
select row_number() within group (order by c) over (order by c) from #t
go
select count() from #t
go
select count_big() from #t
go
select string_agg(distinct cast(c as varchar(5)), ',') from #t
go
select * from #t as q (m, n)
go
select q.c from #t q (nolock) order by 1
go
select replicate(0x41, 2), stuff('abc', 2, 1, 0x44), stuff(0x414243, 2, 1, 0x44)
go
select bit_count(cast(1 as decimal(5, 0)))
go
select get_bit(1.5, 0)
go
select left_shift('a', 1)
go
select bit_count(255), bit_count(0x0F0F), get_bit(5, 2), left_shift(1, 3)
go
select cast(1 as bit) << cast(1 as bit)
go
select 3 || 3
go
select 'a' || 3
go
select '2000-12-01 04:04:12' at time zone 'UTC'
go
select cast('2000-12-01' as date) at time zone 'UTC'
go
select cast('20001201' as datetime2(0)) at time zone 'UTC'
go
select 1 as a, 2 as a union all select 3, 4 order by a
go
-- ORDER BY of a union: a column of the first query by its own name.
create table #u(id int, num int); insert #u values(1, 30), (2, 10)
select id as Col1, num as Col2 from #u union select id as Col1, num as Col2 from #u order by [num]
select id as Col1, num as Col2 from #u union select id, num from #u order by num offset 0 rows
go
select id as Col1 from #u union select id from #u order by num
go
-- Aggregates of the outer query in VALUES of a subquery.
create table #b(g int, a int, b int); insert #b values(1, 1, 9), (1, 3, 2), (2, 5, 5)
select (select max(v) from (values (max(a)), (max(b))) x(v)) from #b
select g, (select max(v) from (values (max(a)), (max(b))) x(v)) m from #b group by g
select g, (select max(v) from (values (max(t.a)), (max(t.b))) x(v)) m from #b t group by g
  having (select max(v) from (values (max(t.a)), (max(t.b))) x(v)) > 5
select g from #b t group by g order by (select max(v) from (values (max(t.a)), (max(t.b))) x(v)) desc
select t.a, (select max(v) from (values (t.a), (t.b)) x(v)) m from #b t order by 1
go
-- Paths with escapes.
declare @j nvarchar(max) = N'{"caf\u00e9":"t", "emo\ud83e\udd21''ji":"t", "a\"b":1, "c\\d":2, "tab\tx":3}'
select json_value(@j, N'$."caf\u00e9"') a, json_path_exists(@j, N'$."emo\ud83e\udd21''ji"') b, json_value(@j, N'$."tab\tx"') c,
  json_value(@j, N'$."a\"b"') d, json_value(@j, N'$."c\\d"') e, json_value(@j, N'$."café"') f
select json_value(@j, N'$."x\u00g"')
go
drop table #t, #u, #b
go
