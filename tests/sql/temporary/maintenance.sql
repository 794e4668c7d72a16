create table #q (id int identity primary key, a int, s varchar(20))
insert #q (a, s) values (1, 'x'), (2, 'y'), (NULL, 'z')
create index ix on #q (a)
go
update statistics #q
update statistics #q (ix) with fullscan
create statistics st on #q (s)
drop statistics #q.st
drop statistics #q.nosuch
go
alter index ix on #q rebuild
alter index all on #q reorganize
alter index nosuch on #q rebuild
alter index ix on #q disable
go
create index fx on #q (a) where a is not null
select * from #q where a > 1
go
alter table #q add rv rowversion
go
select id, case when rv is null then 'null' else 'filled' end f from #q
go
create table #w (a int)
insert #w values (5), (6)
alter table #w add id int identity(10, 5)
go
select * from #w
alter table #w add c as a * 2 persisted, g uniqueidentifier not null default newid()
go
select a, id, c from #w
select count(distinct g) n from #w
go
select name from tempdb.sys.columns where object_id = object_id('tempdb..#w')
go
go
create unique index ux on #q (s) where a is not null
insert #q (a, s) values (9, 'x')
insert #q (a, s) values (NULL, 'x')
alter table #q add t int
insert #q (a, s) values (9, 'y')
insert #q (a, s) values (NULL, 'y')
select count(*) n from #q
go
