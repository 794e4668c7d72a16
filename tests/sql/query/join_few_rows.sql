-- A few rows that are joined to a table with an index look its rows up, however small it is; MERGE, IN and EXISTS, too.
set nocount on
create table kv(id int not null constraint pk_kv primary key, v varchar(50))
insert kv select value, 'x' from generate_series(1, 3000)
create table sm(id int not null constraint pk_sm primary key, v varchar(50))
insert sm values(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')
go
set showplan_text on
go
merge kv with (holdlock) using (values(10, 'a')) s(id, v) on s.id = kv.id
when matched then update set v = s.v when not matched then insert(id, v) values(s.id, s.v);
go
select id from kv where id in (select cast(value as int) from string_split('3,4', ','))
go
select id from kv where id in (select k.id from sm k where k.id < 3)
go
select v from kv where exists (select 1 from (values(2), (3)) s(id) where s.id = kv.id)
go
update s set v = x.v from sm s join (values(2, 'z')) x(id, v) on x.id = s.id
go
declare @t table(id int) insert @t values(5) delete kv where id in (select id from @t)
go
declare @g table(id int) select t.v from @g g join sm t on t.id = g.id
go
select s.id, kv.v from kv right join sm s on s.id = kv.id
go
set showplan_text off
go
-- And they answer the same.
merge kv with (holdlock) using (values(10, 'a'), (4000, 'b')) s(id, v) on s.id = kv.id
when matched then update set v = s.v when not matched then insert(id, v) values(s.id, s.v)
output $action, inserted.id, inserted.v;
merge kv using (values(5000, 'a'), (5000, 'b')) s(id, v) on s.id = kv.id
when matched then update set v = s.v when not matched then insert(id, v) values(s.id, s.v);
go
merge kv using (values(10, 'a'), (10, 'b')) s(id, v) on s.id = kv.id when matched then update set v = s.v when not matched then insert(id, v) values(s.id, s.v);
go
select count(*) from kv where id = 5000
select id from kv where id in (select cast(value as int) from string_split('3,4,4,3,99999', ',')) order by id
select id, v from kv where exists (select 1 from (values(2), (3), (3), (null)) s(id) where s.id = kv.id) order by id
select id from kv where id in (select a.id from sm a join sm b on b.id >= a.id) order by id
update s set v = x.v from sm s join (values(2, 'z')) x(id, v) on x.id = s.id
declare @t table(id int) insert @t values(5), (5), (6) delete kv output deleted.id where id in (select id from @t)
select s.id, kv.v from kv right join sm s on s.id = kv.id order by s.id
select s.id, kv.v from kv right join sm s on s.id = kv.id and kv.v <> 'x' order by s.id
select s.id, kv.v from kv right join (values(1), (1), (null), (77777)) s(id) on s.id = kv.id order by s.id
go
-- A table variable of many rows.
declare @many table(id int)
insert @many select value from generate_series(1, 20000)
select count(*) from @many m join kv on kv.id = m.id
select count(*) from kv where id in (select id from @many)
go
drop table kv, sm
go
