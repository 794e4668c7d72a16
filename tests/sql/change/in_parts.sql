-- More rows than a batch holds: changes that are worked off in parts answer as if all were changed at once.
create database MD
go
use MD
create table T (id int not null primary key, n int, s varchar(50))
create table L (what varchar(10), n int, lo int, hi int)
insert T select value, value % 7, 'old' from generate_series(1, 5000)
go
create trigger TI on T after insert as insert L select 'ins', count(*), min(id), max(id) from inserted
go
create trigger TU on T after update as insert L select 'upd', count(i.id), min(i.id), max(d.id) from inserted i join deleted d on i.id = d.id where i.s = 'new' and d.s = 'old'
go
create trigger TD on T after delete as insert L select 'del', count(*), min(id), max(id) from deleted
go
create table #o (a varchar(10), i int, d int)
merge T using (select value as id, value % 10 as k from generate_series(2001, 8000)) s on T.id = s.id
when matched and s.k = 0 then delete
when matched then update set n = s.k, s = 'new'
when not matched by target then insert values (s.id, s.k, 'ins')
when not matched by source and T.id <= 1500 then delete
output $action, inserted.id, deleted.id into #o (a, i, d);
select @@rowcount as rows
select a, count(*) as c from #o group by a order by a
select min(i) as i, max(i) as j from #o where i is not null
select min(d) as i, max(d) as j from #o where d is not null
select * from L order by what
select s, count(*) as c, min(id) as lo, max(id) as hi, sum(n) as n from T group by s order by s
go
-- UPDATE and DELETE with triggers and OUTPUT, taken back
truncate table L
begin tran
update T set s = 'new' output 'u', inserted.id, deleted.id into #o (a, i, d) where s = 'old' or s = 'ins'
delete T output 'x', null, deleted.id into #o (a, i, d) where id % 2 = 0
update T set n = 0 where id < 0
select * from L order by what, n
select a, count(*) as c from #o group by a order by a
rollback
select count(*) as c from L
select a, count(*) as c from #o group by a order by a
select count(*) as c, sum(n) as n from T
go
-- Keys that change places, and one that cannot
create table #x (id int constraint UX unique, n int)
create index NX on #x (n)
insert #x select value, value from generate_series(1, 5000)
begin tran
update #x set n = -n
select count(*) as c from #x where n < 0
rollback
select sum(n) as n, count(*) as c from #x where n > 0
update #x set id = id + 1
select min(id) as lo, max(id) as hi, count(*) as c from #x
update #x set id = 5 where id in (6, 7)
update #x set n = n + 1, id = case when id > 4000 then 4000 else id end where id > 3990
select min(id) as lo, max(id) as hi, count(*) as c, sum(id) as s from #x where n > 0
select id, n from #x where id between 4 and 8
drop table #x, #o
use master
drop database MD
go
