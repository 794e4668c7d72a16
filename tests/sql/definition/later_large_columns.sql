-- columns that need large values or row overflow come to a table by ALTER TABLE
create database Later
go
use Later
go
-- a first MAX column
create table a(k int)
insert a values(1)
alter table a add y varchar(max)
go
insert a values(2, replicate(cast('a' as varchar(max)), 20000))
update a set y = replicate(cast('b' as varchar(max)), 30000) where k = 1
select k, len(y) n from a order by k
go
-- in a transaction that is rolled back after it was used, and again
create table b(k int)
insert b values(1)
begin tran
alter table b add y varchar(max)
exec('update b set y = replicate(cast(''a'' as varchar(max)), 200000)')
rollback
alter table b add y nvarchar(max)
go
insert b values(2, replicate(cast(N'a' as nvarchar(max)), 20000))
select k, datalength(y) n from b order by k
go
-- back to a savepoint, then on
create table c(k int primary key)
insert c values(1)
begin tran
save tran s
alter table c add y varchar(max)
exec('update c set y = replicate(cast(''a'' as varchar(max)), 50000)')
rollback tran s
alter table c add z varchar(max)
exec('update c set z = replicate(cast(''a'' as varchar(max)), 50001)')
commit
go
select k, len(z) n from c
go
-- short becomes MAX
create table d(k int, v varchar(400), i int)
insert d values(1, replicate('a', 400), 7)
alter table d alter column v varchar(max)
go
update d set v = replicate(v, 100)
select len(v) n from d
go
-- rows get longer than a page
create table e(k int primary key, v varchar(4000), w varchar(4000))
insert e values(1, replicate('v', 4000), replicate('w', 4000))
alter table e alter column v nvarchar(4000)
go
update e set v = replicate(N'n', 4000)
select datalength(v) v, datalength(w) w from e
go
create table f(k int, v varchar(4000), w varchar(4000))
insert f values(1, replicate('v', 4000), replicate('w', 4000))
alter table f alter column v varchar(8000)
go
update f set v = replicate('x', 8000)
select datalength(v) v, datalength(w) w from f
go
create table g(k int primary key, v varchar(7000))
insert g values(1, replicate('v', 7000))
alter table g add w varchar(7000) not null default replicate('w', 7000)
go
update g set w = replicate('x', 6999)
select datalength(v) v, datalength(w) w from g
go
-- SELECT INTO
select 1 k, cast('a' as varchar(400)) v into h
alter table h add x nvarchar(max)
go
insert h values(2, 'b', replicate(cast(N'x' as nvarchar(max)), 9000))
update h set x = replicate(cast(N'z' as nvarchar(max)), 9002) where k = 1
delete h where k = 2
select k, len(x) n from h order by k
go
select object_name(p.object_id) t, p.index_id, a.type_desc from sys.partitions p
join sys.allocation_units a on a.container_id = p.partition_id
where p.object_id > 100 and objectproperty(p.object_id, 'IsUserTable') = 1 order by t, p.index_id, a.type
dbcc checkdb('Later') with no_infomsgs
go
