-- WITH (DROP_EXISTING = ON), keys over nullable columns, cascades, sizes, order in views, ends of MERGE.
create database Remade
go
use Remade
go
create table t (id int constraint pk_t primary key, a int, b varchar(10))
create index ix_a on t (a)
insert t values (1, 3, 'x'), (2, 2, 'y'), (3, 1, 'z')
create table r (t int constraint fk_r references t)
insert r values (2)
go
create unique clustered index pk_t on t (id) with (drop_existing = on, fillfactor = 80)
create index ix_a on t (a desc, b) with (drop_existing = on)
select name, type_desc, is_unique, is_primary_key, fill_factor from sys.indexes where object_id = object_id('t') order by index_id
select id, a, b from t order by id
select name, type from sys.key_constraints
insert r values (9)
go
create clustered index pk_t on t (a) with (drop_existing = on)
go
create nonclustered index pk_t on t (id) with (drop_existing = on)
go
create index nosuch on t (a) with (drop_existing = on)
go
create table c (a int, b int)
insert c values (2, 1), (1, 2), (3, 3)
create clustered index cx on c (a)
create clustered index cx on c (b desc) with (drop_existing = on)
select a, b from c
create index ix on c (a)
create table h (a int, b int)
insert h values (2, 1), (1, 2)
create index ix on h (a)
create unique clustered index ix on h (a) with (drop_existing = on)
select i.name, i.type_desc, c.name, k.is_descending_key from sys.indexes i join sys.index_columns k on k.object_id = i.object_id and k.index_id = i.index_id
join sys.columns c on c.object_id = k.object_id and c.column_id = k.column_id
where i.object_id in (object_id('c'), object_id('h')) order by i.object_id, i.index_id
dbcc checkdb with no_infomsgs
go
insert h values (2, 5)
go
-- Primary keys.
create table n (id int null, b int not null)
alter table n add constraint pk_n primary key (id)
go
create table n2 (id int null primary key)
go
create table n3 (id int not null primary key, b int not null, primary key (b))
go
alter table t add constraint pk_2 primary key (id)
go
-- Cascades.
create table self (id int primary key, p int constraint fk_self references self (id) on delete cascade)
go
create table m1 (id int primary key)
create table m2 (id int primary key, a int references m1 on delete cascade)
go
create table m3 (a int constraint fk_1 references m1 on delete cascade, b int constraint fk_2 references m2 on delete cascade)
go
create table m4 (a int constraint fk_3 references m1 on delete cascade, b int constraint fk_4 references m1 on delete set null)
go
create table m5 (a int constraint fk_5 references m1 on delete cascade, b int constraint fk_6 references m2 on update cascade)
alter table m1 add p int constraint fk_7 references m2 on delete no action
go
alter table m1 add q int constraint fk_8 references m2 on delete cascade
go
-- Sizes.
create table wide (a char(8000), b char(100))
go
create table fits (a char(8000), b char(53))
create table varies (a varchar(8000), b varchar(8000))
go
-- Order.
create view v as select id from t order by id
go
create view v as select top (2) id from t order by id desc
go
create function f () returns table as return (select id from t order by id)
go
create view v2 as select id from t order by id offset 1 rows
go
select id from v2
go
-- Ends and names.
merge t using (select 1 id) s on t.id = s.id when matched then update set a = 9
go
merge t using (select 1 id) s on t.id = s.id when matched then update set a = 9;
select * from (select 1 a)
go
select * from (select 1 a) where 1 = 1
go
use master
drop database Remade
go
