-- Indexes over computed columns that no row holds: made, kept up, refused.
create database ComputedKept
go
use ComputedKept
go
create table t (id int constraint pk_t primary key, a int null, name varchar(20), b as a * 2, code as 'N' + right('000' + cast(id as varchar(5)), 4), constraint uq_code unique (code))
insert t (id, a, name) values (1, 10, 'x'), (2, 20, 'y'), (3, null, 'z')
create index ix_b on t (b) include (name)
create unique index ux_b on t (b, id desc)
create index ix_some on t (name) where a > 15
go
insert t (id, a, name) values (4, 40, 'w'), (5, 20, 'v')
update t set a = a + 1 where id in (1, 2)
update t set name = upper(name)
update t set id = id + 100 where id > 3
delete t where id = 3
select id, a, b, code, name from t order by id
select id from t where b = 42
select code from t with (index (ix_b)) where b between 20 and 50 order by b, code
go
-- The key is there already.
insert t (id, a) values (1, 1)
go
create table u (a int, b as a % 3)
create unique index ux on u (b)
insert u values (1), (2)
go
insert u values (4)
go
update u set a = 5 where a = 1
go
update u set a = a + 1
select a, b from u order by a
go
begin transaction
update t set a = 7
delete t where id = 2
insert t (id, a) values (9, 9)
save transaction here
update t set a = 8
rollback transaction here
select id, b from t order by b, id
rollback
select id, b from t order by b, id
go
dbcc checkdb
go
-- A key that cascades, a trigger, and MERGE.
create table child (id int identity, t int references t (id) on update cascade on delete cascade, twice as t * 2)
create index ix_twice on child (twice)
insert child (t) values (1), (2), (2)
update t set id = 50 where id = 2
select t, twice from child where twice > 3
delete t where id = 1
select t, twice from child
merge t using (values (50, 1), (51, 2)) s (id, a) on t.id = s.id
when matched then update set a = s.a when not matched then insert (id, a) values (s.id, s.a);
select id, b, code from t where code > 'N' order by id
alter index ix_b on t rebuild
alter table t add extra int not null default 3
truncate table child
dbcc checkdb with no_infomsgs
go
-- Many rows at a time.
create table many (n int, half as n / 2, text char(10), tag as cast(n % 7 as char(3)))
create clustered index cx on many (n)
create index ix_half on many (half, tag)
insert many (n) select top (3000) row_number() over (order by (select 1)) from sys.all_columns a cross join sys.all_columns b
update many set n = n + 1 where n % 5 = 0
delete many where half % 10 = 3
select count(*), sum(half), min(tag), max(tag) from many
dbcc checkdb with no_infomsgs
go
-- What cannot be indexed.
create table no (a int, f float, n as getdate(), g as f * 2, h as newid())
create index ix on no (n)
go
create index ix on no (g)
go
create index ix on no (h)
go
create clustered index ix on no (n)
go
create table pk (a int, b as a + 1 primary key)
go
set quoted_identifier off
go
update t set a = 1
go
create index ix_more on t (b)
go
set quoted_identifier on
go
use master
drop database ComputedKept
go
