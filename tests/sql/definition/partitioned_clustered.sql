-- A clustered index that is not unique gets the partitioning column at the end of its key; equal keys of a partition come in its order.
create database Parted
go
use Parted
create partition function pf(int) as range right for values (10)
create partition scheme ps as partition pf all to ([primary])
create table t(a int, b int)
insert t values (2, 1), (1, 1), (12, 1), (11, 1), (1, 0), (null, 1)
create clustered index c on t(b) on ps(a)
select a, b, $partition.pf(a) p from t order by p, b, a
create clustered index c on t(b) with (drop_existing = on) on [primary]
create clustered index c on t(b desc) with (drop_existing = on) on ps(a)
insert t values (0, 1), (3, 1)
alter index c on t rebuild
select a, b, $partition.pf(a) p from t order by p, b desc, a
create table u(a int, b int) on ps(a)
insert u values (2, 1), (1, 1), (12, 1)
create clustered index c on u(b)
select count(*) from u where b = 1 and a = 1
dbcc checkdb with no_infomsgs
use master
drop database Parted
go
-- The heap that an index leaves lies where the index did, and is not moved elsewhere.
create database Left1
go
use Left1
create partition function pf(int) as range right for values(10, 30)
create partition scheme ps as partition pf all to ([primary])
create table pz(a int, b int)
insert pz select value, 1 from generate_series(1, 40)
create clustered index ci on pz(a) on ps(a)
drop index ci on pz with (move to [primary])
go
create table plain(a int)
create clustered index ci on plain(a)
drop index ci on plain with (move to [primary])
select name, type_desc from sys.indexes where object_id in (object_id('pz'), object_id('plain'))
use master
drop database Left1
go
-- What a rollback of TRUNCATE brings back goes on counting.
create table #i(a int identity, b int)
insert #i(b) values(1), (2), (3)
begin tran
truncate table #i
insert #i(b) values(7)
rollback
insert #i(b) values(4)
select a, b from #i
drop table #i
go
