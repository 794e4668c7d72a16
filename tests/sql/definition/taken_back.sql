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
