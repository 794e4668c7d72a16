-- Rows of a compressed heap that are shorter than the stub which leads on when they move.
create database compressed_heap
go
use compressed_heap
go
create table n(n int primary key)
insert n select top 1000 row_number() over (order by (select 1)) from sys.all_columns a cross join sys.all_columns b
create table t(id int not null, g int, a int)
insert t select n, n % 7, n % 50 from n
alter table t rebuild with (data_compression = row)
go
update t set g = 300 where id % 5 = 1
update t set a = 70000 where id % 3 = 1
update t set g = null where id % 10 = 1
select count(*) n, sum(g) g, sum(a) a from t
go
alter table t rebuild with (data_compression = page)
insert t select n + 1000, null, null from n
update t set g = 4, a = 1000000 where id % 2 = 0
select count(*) n, sum(g) g, sum(cast(a as bigint)) a from t
go
begin tran
update t set g = 12345678, a = 87654321
rollback
select count(*) n, sum(g) g, sum(cast(a as bigint)) a from t
go
dbcc checkdb with no_infomsgs
go
use master
drop database compressed_heap
