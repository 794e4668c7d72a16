-- Columns of the clustered key may be included anywhere: entries that are not unique hold them in their key.
create table w (k int not null, l int not null, a varchar(20), b int, c int)
insert w values (1, 10, 'x', 100, 1000), (2, 20, 'y', 200, 2000), (3, 30, 'x', 300, 3000)
create unique clustered index wc on w (k, l)
create index i1 on w (a) include (k, b)
create index i2 on w (b) include (c, l, a, k)
create unique index i3 on w (c) include (l, b, k)
create index i4 on w (l) include (k, b)
select a, k, l, b from w with (index (i1)) order by k
select b, k, l, a, c from w with (index (i2)) order by k
select c, k, l, b from w with (index (i3)) order by k
select l, k, b from w with (index (i4)) order by k
select k, l, c from w with (index (i1)) where a = 'x' order by k
go
insert w values (4, 40, 'y', 400, 4000)
update w set b = b + 1 where a = 'x'
update w set k = k + 10 where k = 2
delete w where k = 1
select a, k, l, b from w with (index (i1)) order by k
select b, k, l, a, c from w with (index (i2)) order by k
select c, k, l, b from w with (index (i3)) order by k
alter index all on w rebuild
select l, k, b from w with (index (i4)) order by k
dbcc checktable ('w') with no_infomsgs
go
-- The same where the clustered key is not unique.
create table v (k int not null, a int, b int)
create clustered index vc on v (k)
create index i1 on v (a) include (k, b)
insert v values (1, 5, 50), (1, 6, 60), (2, 5, 70)
select a, k, b from v with (index (i1)) order by a, k
update v set b = 0 where a = 5 and k = 1
select a, k, b from v with (index (i1)) order by a, k
dbcc checktable ('v') with no_infomsgs
drop table v
drop table w
