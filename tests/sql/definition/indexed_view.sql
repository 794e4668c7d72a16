-- Views that keep their rows: what can be indexed, how changes of their tables reach them, how they are read.
create database Kept
go
use Kept
go
create table dbo.product (id int not null primary key, name varchar(20) not null, kind char(1) null)
create table dbo.sale (id int not null primary key, product int not null references dbo.product (id) on delete cascade on update cascade,
  amount int not null, price decimal(9, 2) not null, note varchar(20) null)
insert dbo.product values (1, 'anchor', 'a'), (2, 'buoy', 'a'), (3, 'chain', 'b'), (4, 'dinghy', null)
insert dbo.sale values (1, 1, 2, 10.00, null), (2, 1, 3, 9.50, 'x'), (3, 2, 1, 4.00, null), (4, 4, 7, 1.25, 'y')
go
create view dbo.sold with schemabinding as
  select p.kind, count_big(*) as sales, sum(s.amount) as amount, sum(s.amount * s.price) as value
  from dbo.sale s join dbo.product p on p.id = s.product group by p.kind
go
create view dbo.listed with schemabinding as
  select s.id, p.name, s.amount, s.note from dbo.sale s inner join dbo.product p on p.id = s.product where s.amount > 1
go
create unique clustered index ix_sold on dbo.sold (kind)
create unique clustered index ix_listed on dbo.listed (id)
create index ix_listed_name on dbo.listed (name) include (amount)
go
select * from dbo.sold with (noexpand) order by kind
select * from dbo.listed with (noexpand) order by id
select name, index_id, type_desc, is_unique from sys.indexes where object_id in (object_id('dbo.sold'), object_id('dbo.listed')) order by object_id desc, index_id
select objectproperty(object_id('dbo.sold'), 'IsIndexed') as is_indexed, objectproperty(object_id('dbo.sold'), 'IsIndexable') as is_indexable
exec sp_helpindex 'dbo.listed'
go
-- every way to change a table
insert dbo.sale values (5, 3, 4, 2.00, null), (6, 3, 1, 2.00, null)
select * from dbo.sold with (noexpand) order by kind
select id, name, amount from dbo.listed with (noexpand) order by id
update dbo.sale set amount = amount + 1 where product = 3
select * from dbo.sold with (noexpand) order by kind
select id, name, amount from dbo.listed with (noexpand, index(ix_listed_name)) where name = 'chain'
update dbo.product set kind = 'b' where id = 2
update dbo.product set name = 'mooring buoy' where id = 2
select * from dbo.sold with (noexpand) order by kind
delete dbo.sale where id = 4
select * from dbo.sold with (noexpand) order by kind
delete dbo.product where id = 3
select * from dbo.sold with (noexpand) order by kind
select id, name, amount from dbo.listed with (noexpand) order by id
update dbo.product set id = 11 where id = 1
select * from dbo.listed with (noexpand) order by id
merge dbo.sale as t using (values (1, 4, 20), (3, 2, 0), (9, 4, 5)) as s (id, product, amount) on t.id = s.id
  when matched and s.amount = 0 then delete
  when matched then update set product = s.product, amount = s.amount
  when not matched then insert values (s.id, s.product, s.amount, 1.00, 'merged');
select * from dbo.sold with (noexpand) order by kind
select * from dbo.listed with (noexpand) order by id
begin transaction
delete dbo.sale
select count(*) as listed from dbo.listed with (noexpand)
select count(*) as sold from dbo.sold with (noexpand)
rollback
select count(*) as listed from dbo.listed with (noexpand)
select * from dbo.sold with (noexpand) except select * from dbo.sold
select * from dbo.sold except select * from dbo.sold with (noexpand)
select * from dbo.listed with (noexpand) except select * from dbo.listed
select * from dbo.listed except select * from dbo.listed with (noexpand)
go
dbcc checkdb (Kept) with no_infomsgs, extended_logical_checks
go
-- a change that the view does not see, and one that it cannot take
update dbo.sale set note = 'z' where id = 1
update dbo.sale set price = price where id = 1
go
create view dbo.named with schemabinding as select name, id from dbo.product
go
create unique clustered index ix_named on dbo.named (name)
insert dbo.product values (20, 'anchor', 'c')
insert dbo.product values (21, 'winch', 'c'), (22, 'winch', 'c')
update dbo.product set name = 'anchor' where id = 2
select count(*) as products from dbo.product
update dbo.product set name = case id when 2 then 'anchor' when 11 then 'mooring buoy' else name end
select * from dbo.named with (noexpand) order by name
truncate table dbo.sale
drop table dbo.sale
alter table dbo.product alter column name varchar(30) not null
go
-- reading
select * from dbo.sale with (noexpand)
go
create view dbo.plain as select id from dbo.sale
go
select * from dbo.plain with (noexpand)
update dbo.listed with (noexpand) set amount = 1
go
update dbo.listed set amount = 30 where id = 1
select id, amount from dbo.listed with (noexpand) order by id
go
-- SET options
set quoted_identifier off
go
insert dbo.sale values (30, 2, 2, 2.00, null)
select 'the batch has ended'
go
set quoted_identifier on
set numeric_roundabort on
update dbo.sale set amount = 1
go
set numeric_roundabort off
go
-- without their clustered index views are text again
drop index ix_listed on dbo.listed
select count(*) as indexes from sys.indexes where object_id = object_id('dbo.listed')
select * from dbo.listed with (noexpand)
go
insert dbo.sale values (31, 2, 2, 2.00, null)
select count(*) as listed from dbo.listed
begin transaction
create unique clustered index ix_listed on dbo.listed (id)
select count(*) as listed from dbo.listed with (noexpand)
rollback
select count(*) as indexes from sys.indexes where object_id = object_id('dbo.listed')
drop view dbo.named
insert dbo.product values (20, 'anchor', 'c')
go
alter view dbo.sold with schemabinding as select kind, count_big(*) as products from dbo.product group by kind
go
select count(*) as indexes from sys.indexes where object_id = object_id('dbo.sold')
create unique clustered index ix_sold on dbo.sold (kind)
insert dbo.product values (40, 'oar', 'o')
select * from dbo.sold with (noexpand) order by kind
alter index ix_sold on dbo.sold rebuild
select count(*) as kinds from dbo.sold with (noexpand)
go
dbcc checkdb (Kept) with no_infomsgs, extended_logical_checks
go
-- computed columns, NULL groups, collations
create table dbo.item (id int not null primary key, a int not null, b as a * 2, name varchar(10) not null, g int null)
insert dbo.item (id, a, name, g) values (1, 5, 'Rope', null), (2, 1, 'rope', 7), (3, 4, 'sail', null)
go
create view dbo.doubled with schemabinding as select id, b from dbo.item where b > 2
go
create view dbo.names with schemabinding as select name, g, count_big(*) as n, sum(isnull(b, 0)) as b from dbo.item group by name, g
go
create unique clustered index cx on dbo.doubled (id)
create unique clustered index cx on dbo.names (name, g)
insert dbo.item (id, a, name, g) values (4, 3, 'ROPE', null), (5, 9, 'SAIL', 7)
update dbo.item set a = a + 1 where id < 4
select * from dbo.doubled with (noexpand) order by id
select * from dbo.names with (noexpand) order by name, g
delete dbo.item where g is null and name = 'rope'
select * from dbo.names with (noexpand) order by name, g
update dbo.item set a = 2147483647 / 2 where id = 5
insert dbo.item (id, a, name, g) values (6, 2147483647 / 2, 'sail', 7)
select * from dbo.names with (noexpand) order by name, g
go
dbcc checkdb (Kept) with no_infomsgs, extended_logical_checks
go
-- what cannot be indexed
create table dbo.t (id int primary key, g int not null, v int not null, n int null, s varchar(10) not null, f float not null, d datetime not null, x xml null)
create table dbo.u (id int primary key, w int not null)
go
create view dbo.unbound as select id, g from dbo.t
go
create view dbo.ok with schemabinding as select id, v, f from dbo.t
go
create unique clustered index cx on dbo.unbound (id)
create clustered index cx on dbo.ok (id)
create index nx on dbo.ok (v)
create unique clustered index cx on dbo.ok (id) with (ignore_dup_key = on)
create unique clustered index cx on dbo.ok (nothing)
create unique clustered index cx on dbo.ok (f)
create unique clustered index cx on dbo.ok (id)
create unique clustered index cx2 on dbo.ok (v)
create index nx on dbo.ok (v) where v > 0
create index cx on dbo.ok (v)
go
create procedure dbo.try_view @body varchar(1000), @key varchar(20) as
begin
  exec ('create view dbo.tried with schemabinding as ' + @body)
  declare @can int = objectproperty(object_id('dbo.tried'), 'IsIndexable')
  begin try
    exec ('create unique clustered index cx on dbo.tried (' + @key + ')')
    print concat('indexed, IsIndexable ', @can)
  end try
  begin catch
    print concat(error_number(), ', IsIndexable ', @can, ': ', error_message())
  end catch
  drop view dbo.tried
end
go
exec dbo.try_view 'select distinct g from dbo.t', 'g'
exec dbo.try_view 'select top 5 id, g from dbo.t order by id', 'id'
exec dbo.try_view 'select t.id, u.w from dbo.t left join dbo.u on u.id = t.id', 'id'
exec dbo.try_view 'select id, g from dbo.t union all select id, w from dbo.u', 'id'
exec dbo.try_view 'select g, avg(v) a, count_big(*) c from dbo.t group by g', 'g'
exec dbo.try_view 'select id, g from dbo.t where id in (select id from dbo.u)', 'id'
exec dbo.try_view 'select g, count(*) c from dbo.t group by g', 'g'
exec dbo.try_view 'select g, sum(v) s from dbo.t group by g', 'g'
exec dbo.try_view 'select id, dateadd(day, 1, getdate()) d from dbo.t', 'id'
exec dbo.try_view 'select a.id, b.g from dbo.t a join dbo.t b on a.id = b.id', 'id'
exec dbo.try_view 'with c as (select id, g from dbo.t) select id, g from c', 'id'
exec dbo.try_view 'select g, sum(n) s, count_big(*) c from dbo.t group by g', 'g'
exec dbo.try_view 'select x.id, x.v from (select id, v from dbo.t) x', 'id'
exec dbo.try_view 'select g, count_big(*) c from dbo.t group by g having count_big(*) > 0', 'g'
exec dbo.try_view 'select id, row_number() over (order by id) r from dbo.t', 'id'
exec dbo.try_view 'select t.id, y.w from dbo.t t cross apply (select w from dbo.u where u.id = t.id) y', 'id'
exec dbo.try_view 'select g, count_big(*) c from dbo.t group by g with rollup', 'g'
exec dbo.try_view 'select g, count_big(*) c, sum(v) * 2 s from dbo.t group by g', 'g'
exec dbo.try_view 'select count_big(*) c, sum(v) s from dbo.t group by g', 'c'
exec dbo.try_view 'select g, v, count_big(*) c from dbo.t group by g, v', 'c'
exec dbo.try_view 'select f, count_big(*) c from dbo.t group by f', 'f'
exec dbo.try_view 'select id, convert(datetime, ''1/2/2020'') c from dbo.t', 'id'
exec dbo.try_view 'select id, datename(month, d) m from dbo.t', 'id'
exec dbo.try_view 'select id, v from dbo.ok', 'id'
exec dbo.try_view 'select id, v from dbo.t with (nolock)', 'id'
exec dbo.try_view 'select id, x.value(''(/a)[1]'', ''int'') a from dbo.t', 'id'
exec dbo.try_view 'select id, x from dbo.t', 'id'
exec dbo.try_view 'select g, count_big(*) c, sum(v * 2) s, count_big(n) n from dbo.t group by g', 'g'
exec dbo.try_view 'select id, f from dbo.t', 'id'
exec dbo.try_view 'select t.id, u.w from dbo.t, dbo.u where u.id = t.id', 'id'
exec dbo.try_view 'select t.g, count_big(*) c from dbo.u join dbo.t on t.id = u.id group by t.g, u.w', 'g'
exec dbo.try_view 'select a.id, count_big(*) c from dbo.u b join dbo.t a on a.id = b.id group by a.id, b.id', 'id'
exec dbo.try_view 'select a.id % 10 as k, count_big(*) c from dbo.u b join dbo.t a on a.id = b.id group by b.id % 10, a.id % 10', 'k'
exec dbo.try_view 'select dbo.t.g % 10 as k, count_big(*) c from dbo.t group by G%10', 'k'
exec dbo.try_view 'select id, datepart(weekday, d) w from dbo.t', 'id'
exec dbo.try_view 'select id, datepart(year, d) y, year(d) z, datediff(week, 0, d) w from dbo.t', 'id'
exec dbo.try_view 'select id, isdate(s) y from dbo.t', 'id'
exec dbo.try_view 'select id, format(v, ''N'') y from dbo.t', 'id'
exec dbo.try_view 'select id, user as u from dbo.t', 'id'
exec dbo.try_view 'select id from dbo.t where d > ''1/2/2020''', 'id'
exec dbo.try_view 'select id, cast(s as date) y from dbo.t', 'id'
exec dbo.try_view 'select id, dateadd(day, 1, s) y from dbo.t', 'id'
exec dbo.try_view 'select id, convert(date, s, 112) y, convert(varchar(30), d, 126) z from dbo.t', 'id'
exec dbo.try_view 'select id, convert(varchar(30), d) z from dbo.t', 'id'
exec dbo.try_view 'select id, convert(varchar(30), d, 106) z from dbo.t', 'id'
go
create table dbo.moment (id int primary key, d datetime not null, shown as convert(varchar(30), d), at as getdate(), y as year(d))
insert dbo.moment values (1, '20200102')
exec dbo.try_view 'select id, shown from dbo.moment', 'id'
exec dbo.try_view 'select id, at from dbo.moment', 'id'
exec dbo.try_view 'select id, y from dbo.moment', 'id'
go
-- columns are those that the text names, however it writes them
create schema other
go
create table other.odd (id int not null primary key, "a ""b" int not null, [c]]d] int not null, unnamed int not null)
insert other.odd values (1, 10, 100, 1000)
go
create view other.quoted with schemabinding as
  select other.odd.id, "a ""b" as x, [c]]d] as y, 'unnamed' as z from other.odd -- unnamed
go
create unique clustered index cx on other.quoted (id)
select c.name from sys.sql_dependencies d join sys.columns c on c.object_id = d.referenced_major_id and c.column_id = d.referenced_minor_id
  where d.object_id = object_id('other.quoted') order by c.column_id
update other.odd set "a ""b" = 11
update other.odd set [c]]d] = 101
insert other.odd values (2, 20, 200, 2000)
select * from other.quoted with (noexpand) order by id
alter table other.odd alter column "a ""b" bigint not null
alter table other.odd drop column [c]]d]
exec sp_rename 'other.odd.[c]]d]', 'e', 'column'
alter table other.odd drop column unnamed
go
-- rows that a view keeps are read before the first new one comes in
create table dbo.grown (id int identity primary key, v int not null)
insert dbo.grown select value from generate_series(1, 3000)
go
create view dbo.grows with schemabinding as select id, v from dbo.grown
go
create unique clustered index cx on dbo.grows (id)
insert dbo.grown (v) select v from dbo.grows with (noexpand)
select count(*) as grown from dbo.grown
select count(*) as grows from dbo.grows with (noexpand)
go
-- SET options are asked for wherever rows of a view change
create table dbo.head (id int primary key)
create table dbo.line (id int primary key, head int not null references dbo.head on delete cascade)
create table dbo.written (id int not null)
insert dbo.head values (1)
insert dbo.line values (1, 1)
go
create view dbo.lines with schemabinding as select head, count_big(*) as n from dbo.line group by head
go
create view dbo.all_written with schemabinding as select id, count_big(*) as n from dbo.written group by id
go
create unique clustered index cx on dbo.lines (head)
create unique clustered index cx on dbo.all_written (id)
go
set numeric_roundabort on
go
delete dbo.head
go
insert dbo.head output inserted.id into dbo.written values (2)
go
set numeric_roundabort off
go
select count(*) as heads from dbo.head
select * from dbo.lines with (noexpand)
delete dbo.head output deleted.id into dbo.written
select count(*) as heads from dbo.head
select count(*) as lines from dbo.lines with (noexpand)
select * from dbo.all_written with (noexpand)
go
-- filled again
create index ix_v on dbo.grows (v)
alter index cx on dbo.grows rebuild
select count(*) as grows from dbo.grows with (noexpand, index(ix_v)) where v > 0
insert dbo.grown (v) values (-5)
alter index all on dbo.grows rebuild with (fillfactor = 50)
select v from dbo.grows with (noexpand, index(ix_v)) where v < 0
go
create table dbo.twice (id int not null, v int not null)
go
create view dbo.once with schemabinding as select id, v from dbo.twice
go
create unique clustered index cx on dbo.once (id)
alter index cx on dbo.once disable
insert dbo.twice values (1, 1), (1, 2)
go
alter index cx on dbo.once rebuild
go
-- what a text is bound to keeps its schema
alter schema other transfer dbo.twice
alter schema other transfer dbo.once
drop view dbo.once
alter schema other transfer dbo.twice
select schema_name(schema_id) as s from sys.tables where name = 'twice'
go
dbcc checkdb (Kept) with no_infomsgs, extended_logical_checks
go
use master
drop database Kept
