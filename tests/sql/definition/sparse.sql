create table dbo.wide (
    id int not null constraint wide_key primary key,
    a int sparse,
    name varchar(40) not null,
    b nvarchar(50) sparse null,
    c bit sparse,
    d char(5) sparse,
    e varchar(max) sparse,
    f decimal(10, 2) sparse,
    g datetime2(3) sparse,
    tail varchar(20) null);
insert dbo.wide (id, name) values (1, 'one'), (2, '');
insert dbo.wide (id, name, a, b, c, d, f, g) values (3, 'three', 30, N'dreißig', 1, 'x', 12.34, '2024-02-29T12:34:56.789');
insert dbo.wide (id, name, a, tail) values (4, '', 40, '');
select id, name, a, b, c, '[' + d + ']' as d, e, f, g, tail from dbo.wide order by id;
go
select name, is_sparse, is_nullable from sys.columns where object_id = object_id('dbo.wide') order by column_id;
select columnproperty(object_id('dbo.wide'), 'a', 'IsSparse') as a, columnproperty(object_id('dbo.wide'), 'name', 'IsSparse') as n;
go
-- Values come, go and move out of the row.
update dbo.wide set a = id * 10, c = 0 where id <= 2;
update dbo.wide set a = null, b = null, c = null, d = null, f = null, g = null where id = 3;
update dbo.wide set name = 'four', b = N'' where id = 4;
update dbo.wide set e = replicate(cast('y' as varchar(max)), 20000) where id = 2;
select id, name, a, b, c, len(e) as e, right(e, 3) as r, tail from dbo.wide order by id;
update dbo.wide set e = 'short' where id = 2;
select id, e from dbo.wide where e is not null;
go
create index ia on dbo.wide (a) include (d, b);
create unique index ub on dbo.wide (b) where b is not null;
insert dbo.wide (id, name, b, d) values (5, 'five', N'five', 'ab');
insert dbo.wide (id, name, b) values (6, 'six', N'FIVE');
select id, a, d from dbo.wide with (index(ia)) where a = 40 or a is null order by id;
update dbo.wide set a = 41, d = 'zzzzz' where id = 4;
select id, a, d from dbo.wide with (index(ia)) where a > 1 order by a;
delete dbo.wide where id in (1, 5);
dbcc checktable ('dbo.wide') with no_infomsgs;
go
-- A heap, with rows that move.
create table dbo.piled (n int, filler varchar(4000) null, s nvarchar(2000) sparse, t int sparse);
insert dbo.piled (n, filler, t) select top (40) row_number() over (order by (select 1)), replicate('a', 300), 7 from sys.all_columns;
update dbo.piled set filler = replicate('b', 3000), s = N'later' where n % 3 = 0;
update dbo.piled set t = null where n % 2 = 0;
select count(*) as rows, count(s) as s, sum(t) as t, sum(len(filler)) as filler from dbo.piled;
delete dbo.piled where n > 20;
dbcc checktable ('dbo.piled') with no_infomsgs;
go
-- To and from ordinary columns.
alter table dbo.piled alter column n add sparse;
alter table dbo.piled alter column t drop sparse;
alter table dbo.piled add u uniqueidentifier sparse null, v int;
alter table dbo.piled alter column s nvarchar(100);
alter table dbo.piled alter column n bigint;
select name, is_sparse, max_length from sys.columns where object_id = object_id('dbo.piled') order by column_id;
select sum(n) as n, count(s) as s, sum(t) as t from dbo.piled;
update dbo.piled set u = '00000000-0000-0000-0000-000000000001', v = 1 where n = 3;
select n, s, t, u, v from dbo.piled where n in (2, 3) order by n;
alter table dbo.piled drop column s;
select n, t, u, v from dbo.piled where n in (2, 3) order by n;
create clustered index c on dbo.piled (t);
select sum(n) as n, count(u) as u, sum(v) as v from dbo.piled;
dbcc checktable ('dbo.piled') with no_infomsgs;
go
begin transaction;
update dbo.piled set n = null;
delete dbo.piled where t = 7;
rollback;
select count(*) as rows, sum(n) as n from dbo.piled;
go
create table dbo.bad (a int sparse not null);
go
create table dbo.bad (a int sparse primary key);
go
create table dbo.bad (a int sparse identity);
go
create table dbo.bad (a text sparse);
go
create table dbo.bad (a int sparse default 1);
go
create table dbo.bad (b int, a int sparse unique clustered);
go
create table dbo.bad (b int, a int sparse) with (data_compression = row);
go
create table dbo.bad (b int, a xml column_set for all_sparse_columns);
go
create clustered index c2 on dbo.wide (a);
go
