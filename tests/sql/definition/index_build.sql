-- Indexes that are built on filled tables: sorted, page after page, whatever the rows' order was.
create database Built
go
use Built
go
create table Item (Id int not null, K int null, S nvarchar(60) collate Latin1_General_CI_AS null, D datetime2(3) null, G uniqueidentifier null,
    V varbinary(20) null, Big varchar(max) null, C as Id % 7)
insert Item (Id, K, S, D, G, V, Big)
select value, nullif(value * 7919 % 3001, 5), N'name ' + cast(value * 104729 % 3001 as nvarchar(20)), dateadd(minute, value * 31 % 997, '20200101'),
    cast(cast(value * 65537 % 100003 as binary(16)) as uniqueidentifier), cast(value % 250 as varbinary(20)),
    case when value % 500 = 0 then replicate(cast('x' as varchar(max)), 20000) else 'short' end
from generate_series(1, 3000)
go
-- every kind of key, both directions, with and without large values
create index ByK on Item (K desc, S)
create unique index ByS on Item (S) include (Big)
create index ByD on Item (D, G desc) with (data_compression = page)
create index ByG on Item (G) where K > 1500
create index ByV on Item (V) include (C)
create index ByC on Item (C, Id)
go
dbcc checkdb with no_infomsgs
select count(*) n, sum(cast(K as bigint)) s from Item with (index (ByK))
select count(*) n, sum(len(Big)) s from Item with (index (ByS))
select count(*) n from Item with (index (ByD)) where D >= '20200101'
select count(*) n from Item with (index (ByG)) where K > 1500
select C, count(*) n from Item with (index (ByC)) group by C order by C
select top 3 K, S from Item with (index (ByK)) order by K desc, S
go
-- two rows with one key, pages apart in the heap
insert Item (Id, S) values (17, N'other')
go
create unique index Twice on Item (Id)
go
alter table Item add constraint PK_Item primary key nonclustered (Id)
go
update Item set Id = 3001 where S = N'other'
alter table Item add constraint PK_Item primary key nonclustered (Id)
go
select name from sys.indexes where object_id = object_id('Item') order by index_id
go
-- leaves keep what FILLFACTOR says free
create index Full_ on Item (Id)
create index Half on Item (Id) with (fillfactor = 50)
select i.name, cast(round(100.0 * f.page_count / h.page_count, -1) as int) pages_of_half
from sys.indexes i cross apply sys.dm_db_index_physical_stats(db_id(), i.object_id, i.index_id, null, 'LIMITED') f
cross join (select page_count from sys.dm_db_index_physical_stats(db_id(), object_id('Item'),
    (select index_id from sys.indexes where name = 'Half'), null, 'LIMITED')) h
where i.name in ('Full_', 'Half') order by i.name
drop index Full_ on Item
go
-- a clustered index with equal keys, then a unique one, then none; with all the others
create clustered index Base on Item (V)
go
dbcc checkdb with no_infomsgs
create clustered index Base on Item (K desc) with (drop_existing = on)
go
dbcc checkdb with no_infomsgs
select count(*) n, count(distinct K) k from Item with (index (Base))
alter table Item rebuild with (data_compression = row)
alter index all on Item rebuild with (fillfactor = 80)
dbcc checkdb with no_infomsgs
drop index Base on Item
create unique clustered index Base on Item (Id)
dbcc checkdb with no_infomsgs
select count(*) n, sum(len(Big)) s from Item
select top 3 Id, K from Item with (index (ByK)) order by K desc, S
go
-- IGNORE_DUP_KEY leaves no row of a filled table out
create table Twin (A int not null, B int not null)
insert Twin select value % 100, value from generate_series(1, 200)
go
create unique clustered index Base on Twin (A) with (ignore_dup_key = on)
go
select count(*) n from Twin
go
-- many rows with one key
create clustered index Base on Twin (A)
insert Twin select 7, value from generate_series(1, 300)
alter index Base on Twin rebuild
insert Twin values (7, 0)
dbcc checkdb with no_infomsgs
select count(*) n from Twin where A = 7
go
-- taken back
begin transaction
create index Gone on Item (S desc, K)
insert Item (Id, S) select 10000 + value, N'more' + cast(value as nvarchar(10)) from generate_series(1, 500)
delete Item where Id % 3 = 0
alter table Twin rebuild
delete Twin where B < 50
rollback
dbcc checkdb with no_infomsgs
select count(*) n from Item
select count(*) n from Twin
select count(*) n from sys.indexes where name = 'Gone'
go
use master
drop database Built
go
