-- Statements that differ in their values share a plan; what they answer does not show it.
create database Simple
go
use Simple
go
create table t (k int not null constraint PK_t primary key, n nvarchar(20) null, v varchar(20) null, d decimal(9, 2) null, b tinyint null, w datetime null)
go
insert t (k, n, v, d, b, w) values (1, N'één', 'one', 1, 1, '20240101')
insert t (k, n, v, d, b, w) values (2, N'twee', 'two', 2, 2, '20240102 10:11:12')
insert t (k, n, v, d, b, w) values (3, N'drei', null, 3, default, null)
insert into t values (-4, 'vier', 'four', 4, 4, null)
go
-- each alone in its batch
select n, v, d, b from t where k = 1
go
select n, v, d, b from t where k = 2
go
select n, v, d, b from t where k = 9
go
select n, v, d, b from t where k = -4
go
select k, v from t where k = '2'
go
select k, v from t where k = 'x'
go
select k, v from t where k = 1 and v = 'two'
go
select k, v from t where k = 1 and v = 'one'
go
select k as number, t.n from dbo.t where 3 = k;
go
select k, v from t where k = 3000000000
go
select k, v from t where k = 2.0
go
update t set b = b + 1, v = 'uno' where k = 1
go
update t set b = b + 2, v = 'due' where k = 2
go
update t set b = 300 where k = 2
go
update t set v = 'this is much too long for it' where k = 2
go
update t set v = 'this is even longer than the other one' where k = 2
go
update t set w = '20240230' where k = 2
go
update t set w = 'no date' where k = 2
go
insert t (k, v) values (1, 'again')
go
insert t (k, v) values (2, 'again')
go
insert t (k, n) values (7, N'''quoted''')
go
insert t (k, b) values (8, 256)
go
insert t (k, x) values (9, 256)
go
select k, n, v, d, b, w from t order by k
go
delete from t where k = 7
go
delete t where k = 8
go
select @@rowcount as n
go
select 1 as a, k from t where k = 1
go
select 2 as a, k from t where k = 2
go
select top 1 k from t where k = 1
go
-- the same text where it means something else
create schema other
go
create table other.t (k int not null primary key, name varchar(10))
insert other.t values (1, 'other')
go
create user somebody without login with default_schema = other
grant select on schema::other to somebody
go
execute as user = 'somebody'
go
select * from t where k = 1
go
select * from t where k = 2
go
revert
go
select * from t where k = 1
go
alter table t add extra int null
go
select * from t where k = 1
go
drop table t
go
select * from t where k = 1
go
set quoted_identifier off
go
select k from other.t where name = "other" and k = 1
go
