-- Entries of an index over rows outside databases that have the same key stand in the order in which they came, not in that of
-- the clustered key: ORDER BY both sorts.
create table #t (id int not null primary key, v int null)
create index ix on #t (v)
insert #t values (5, 1), (3, 1), (9, 1), (1, 2), (0, 2)
select id, v from #t order by v, id
select id, v from #t with (index(ix)) order by v desc, id desc
select id from #t where v = 1 order by id
select top 2 id, v from #t with (index(ix)) where v = 1 order by id
select v, id, row_number() over (partition by v order by id) n from #t order by v, n
update #t set v = 1 where id = 1
select id from #t where v = 1 order by id desc
go
declare @t table (id int not null primary key, v int null, index ix (v))
insert @t values (5, 1), (3, 1), (9, 1), (1, 2), (0, 2)
select id, v from @t order by v, id
select id from @t where v = 1 order by id desc
go
create table ##t (id int not null primary key, v int null, w varchar(10) null)
create index ix on ##t (v) include (w)
insert ##t values (5, 1, 'a'), (3, 1, 'b'), (9, 1, 'c'), (1, 2, 'd'), (0, 2, 'e')
select id, v, w from ##t with (index(ix)) order by v, id
declare c cursor dynamic for select id, v from ##t order by v, id
open c
fetch c
fetch c
close c
deallocate c
drop table ##t
