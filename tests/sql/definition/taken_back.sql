-- Definitions are taken back although a checkpoint came in between: what it writes into rows of the catalogue is not what a
-- rollback goes by.
create database Back
go
use Back
go
create table t (id int not null primary key, c0 int null, c4 int null)
insert t values (1, 1, 1), (2, 2, 2)
go
begin tran
alter table t drop column c4
checkpoint
rollback
select id, c0, c4 from t
go
begin tran
insert t(id) values (5)
alter table t drop column c4
insert t(id) values (6)
checkpoint
insert t(id) values (7)
rollback
select id, c0, c4 from t
go
begin tran
alter table t alter column c0 bigint
update t set c0 = 7
checkpoint
rollback
select id, c0, c4 from t
go
begin tran
truncate table t
insert t(id) values (5)
checkpoint
rollback
select id, c0, c4 from t
go
-- the identity of a column that gets another type, kept and taken back
create table i (id smallint identity(5, 5) not null, v int)
insert i(v) values (1)
go
begin tran
alter table i alter column id int not null
insert i(v) values (2)
checkpoint
insert i(v) values (3)
select id, v from i
rollback
insert i(v) values (4)
select id, v from i
go
alter table i alter column id bigint not null
insert i(v) values (5)
select id, v from i
select is_identity, cast(seed_value as bigint) as seed, cast(increment_value as bigint) as step from sys.identity_columns where object_id = object_id('i')
select ident_current('i') as [current]
go
begin tran
exec sp_rename 'i.id', 'number', 'COLUMN'
insert i(v) values (6)
checkpoint
rollback
insert i(v) values (7)
select id, v from i
go
begin tran
create sequence s as int start with 5
select next value for s as n
checkpoint
rollback
go
dbcc checkdb with no_infomsgs
go
alter database Back set offline
go
alter database Back set online
go
select id, v from Back.dbo.i
insert Back.dbo.i(v) values (8)
select max(id) as id from Back.dbo.i
go
-- TRUNCATE begins with the seed again, unless it is rolled back
use Back
create table n (id int identity(1, 1) not null primary key, v int)
insert n(v) values (1), (2), (3)
go
begin tran
truncate table n
insert n(v) values (10), (11)
checkpoint
select id, v from n
rollback
insert n(v) values (4)
select id, v from n
go
begin tran
save tran here
truncate table n
insert n(v) values (12)
rollback tran here
insert n(v) values (5)
commit
select id, v from n
go
begin tran
truncate table n
alter table n add w int null
insert n(v) values (13)
rollback
insert n(v) values (6)
select id, v from n
go
truncate table n
insert n(v) values (14)
select id, v from n
select ident_current('n') as [current]
go
begin tran
insert n(v) values (15)
truncate table n
commit
insert n(v) values (16)
select id, v from n
-- A table that is made and dropped keeps its pages until the end: a savepoint behind both has nothing of it to give back.
-- With ROLLBACK and with COMMIT no page is left over, none is given back twice.
create table kept (id int not null primary key, v varchar(max) null, w varchar(8000) null)
insert kept values (1, replicate(cast('v' as varchar(max)), 20000), replicate('w', 5000))
begin tran
select * into gone from kept
drop table gone
save tran p
rollback tran p
rollback
dbcc checkdb with no_infomsgs
go
begin tran
select * into gone from kept
drop table gone
save tran p
insert kept values (2, replicate(cast('x' as varchar(max)), 20000), replicate('y', 5000))
rollback tran p
insert kept values (3, replicate(cast('x' as varchar(max)), 20000), replicate('y', 5000))
commit
select id, len(v), len(w) from kept
dbcc checkdb with no_infomsgs
go
-- made before the savepoint and dropped behind it; made behind it
begin tran
select * into gone from kept
save tran p
drop table gone
select * into again from kept
create index by_id on again (id) include (v)
rollback tran p
select id, len(v) from gone
select object_id('again')
drop table gone
commit
dbcc checkdb with no_infomsgs
go
-- a statement that fails takes back no more than itself
begin tran
create table made (id int not null primary key, v varchar(max) null)
insert made select id, v from kept
drop table made
begin try
  insert kept values (4, null, null), (1, null, null)
end try
begin catch
  select error_number()
end catch
rollback
dbcc checkdb with no_infomsgs
go
