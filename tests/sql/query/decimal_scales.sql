-- Decimals of different scales compare by what they are worth.
create table a(x decimal(10,2), y decimal(18,4), z decimal(38,0), w decimal(38,20), i int)
insert a values(-1.01, -1.005, 1, 1, 1), (2.5, 2.4999, 2, 2.5, 2), (1, 1, 99999999999999999999999999999999999999, 99999999, 3), (null, null, null, null, null)
go
select i, case when x < y then '<' when x = y then '=' when x > y then '>' end xy, case when z < w then '<' when z = w then '=' when z > w then '>' end zw from a
select i from a where y >= x
select i from a where x = y
select i from a where z >= w
select i from a where z = w
declare @v decimal(18,4) = 2.4999
select i from a where @v >= x
select i from a where x <= @v
select i from a where 2.4999 >= x
select i from a where x between @v and 3.00001
select i from a where x in (1.0000, 2.5, 7.125)
select i from a where x in (select y from a)
select i from a where y in (select x from a)
select i from a where w in (select z from a)
select i from a where x not in (select y from a where y is not null)
select i from a where x > all (select y from a where y < 1)
select i from a o where exists (select 1 from a where a.y = o.x)
select a.i, b.i from a join a b on a.x = b.y
select a.i, b.i from a join a b on a.z = b.w
select a.i, b.i from a left join a b on b.y = a.x order by 1
select nullif(x, y) from a
select case x when 1.0000 then 'one' when 2.500 then 'two and a half' end from a
select i from a where x in (1.0000, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 2.50000)
select count(*) from (select x from a union select y from a) t
select count(*) from (select x from a intersect select y from a) t
merge a using (values(1.00000, 9), (2.4999, 8)) s(v, n) on a.y = s.v when matched then update set i = s.n when not matched by source and x is null then delete;
select i, x from a order by i
drop table a
go
