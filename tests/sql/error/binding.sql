create table #o(id int, c int); insert #o values(1,1),(2,1),(3,2); create table #p(c int, n int); insert #p values(1,2),(2,5)
GO
select c, count(*) n from #o o group by c having exists(select 1 from #p p where p.c=o.c and p.n=count(o.id))
GO
select c, (select max(n) from #p where n > count(o.id)) m from #o o group by c order by c
GO
select c, (select sum(p.n + o.c) from #p p where p.c=o.c) m from #o o group by c order by c
GO
select c from #o o group by c having count(*) > (select avg(n) from #p p where p.c = o.c) - 2 order by c
GO
select (select count(o.id)) x from #o o
GO
select c from #o o group by c having exists(select 1 from #p p where p.n = sum(o.id + 0))
GO
select c from #o o group by c having exists(select 1 from #p p where p.n = count(*))
GO
select * from #o o where exists(select 1 from #p c where count(o.id)=1)
GO
select top 2 * from #o order by c desc, id for xml raw
select id, c from #o for xml raw('r'), root('x'), elements
select o.id, p.n from #o o join #p p on p.c=o.c order by o.id for xml auto
select id as '@id', c as 'a/b', 'x' as 'a/c' from #o for xml path('row'), root('rows')
select id, c, null z from #o for json path
select id, c, null z from #o for json path, include_null_values, without_array_wrapper
select o.id, p.n from #o o join #p p on p.c=o.c order by o.id for json auto
select id as 'x.id', c as 'x.c' from #o for json path, root('r')
GO
select cast('/1/2/' as hierarchyid).GetLevel(), cast('/1/2/' as hierarchyid).GetAncestor(1).ToString(), cast('/1/2/' as hierarchyid).IsDescendantOf(cast('/1/' as hierarchyid)), hierarchyid::GetRoot().ToString()
GO
select distinct top 3 c from #o order by c
select count(distinct c) from #o
select * from #o where id in (1,2) and c between 1 and 2 and not (id=2)
select id from #o order by case when c=2 then 0 else 1 end, id desc
select id % 2 as odd, count(*) from #o group by id % 2 order by odd
select top (1) with ties c from #o order by c
select all c from #o where c like 1
select o.* , p.n from #o as o left outer join #p as p on o.c = p.c and p.n > 2 order by 1
select max(id) over() - id d from #o order by d
select string_agg(cast(id as varchar(5)), '|') within group (order by id desc) from #o group by c order by c
select c, sum(id) from #o group by grouping sets((c),()) order by grouping(c), c
GO
select name from sys.databases where name = 'MASTER'
select t.name as tn, c.name from sys.all_views t join sys.all_columns c on c.object_id=t.object_id where t.name='databases' and c.column_id<3 order by c.column_id
select object_name(-1), db_name(), schema_name(1), type_name(56), isnull(objectproperty(object_id('sys.objects'),'IsView'),-1)
GO
select a.b.c.d.e from #o
GO
select #o.nosuch, x.id from #o
GO
select id from #o o1, #o o2
GO
select * from #o join #p on c = c
GO
select c from #o having c>1
GO
select id from #o group by c order by id
GO
select top 1 from #o
GO
select id as, c from #o
GO
select id from #o where
GO
insert #o values(1)
GO
select * from nosuchdb.dbo.t
GO
select * from dbo.nosuch
GO
select cast(1 as nosuchtype)
GO
select substring('abc')
GO
select abs('x')
GO
select len(1,2)
GO
declare @t table(a int); select @t.a from @t
GO
select * from @nosuch
GO
select @nosuch
GO
set @nosuch = 1
GO
break
GO
goto nowhere
GO
if 1 select 1
GO
exec sp_executesql 'select 1'
GO
raiserror('x',25,1)
GO
select convert(datetime,'2024-02-30')
GO
select 'a' = 'b'
GO
select * from (values(1),(1,2)) v(a)
GO
select 1 union all select 'x'
GO
with x as (select 1) select * from x
GO
with x(a,b) as (select 1) select * from x
GO
select sum('a')
GO
select avg(cast('2024-01-01' as date))
GO
select min(cast(1 as bit))
GO
select 5 / 'x'
GO
select id, from #o
GO
select row_number() over (order by id) + sum(1) over (order by id) from #o
GO
select id from #o order by nosuch
GO
select isnull(1)
GO
select getdate(1)
GO
select stuff('abc',1,1)
