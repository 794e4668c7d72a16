-- Permissions on objects, columns, schemas and databases; chains of owners; roles.
create login reader with password = N'Str0ng-pass'
create login writer with password = N'Str0ng-pass'
create login owner with password = N'Str0ng-pass'
create login nobody with password = N'Str0ng-pass'
go
create database shop
go
-- as reader in shop
select 1
go
-- as reader
use shop
go
-- as reader
select * from shop.dbo.t
select name from shop.sys.tables
go
use shop
create user reader for login reader
create user writer for login writer with default_schema = sales
create user bystander without login
go
create user again for login reader
go
create user reader without login
go
create user x for login missing
go
create table dbo.t (id int not null constraint pk_t primary key, name nvarchar(20), secret int)
insert dbo.t values (1, N'one', 11), (2, N'two', 22)
go
create schema sales
go
create table sales.orders (id int identity primary key, tid int references dbo.t (id), amount int)
insert sales.orders (tid, amount) values (1, 10), (2, 20)
go
create view dbo.v as select id, name from dbo.t
go
create procedure dbo.p @id int as select id, name, secret from dbo.t where id = @id
go
create procedure dbo.dynamic as exec ('select secret from dbo.t')
go
create function dbo.f (@id int) returns int as begin return (select secret from dbo.t where id = @id) end
go
create function dbo.tf () returns table as return select id, secret from dbo.t
go
-- as reader in shop
select user_name(), current_user, schema_name(), suser_sname(), is_member('public'), is_member('db_owner')
select * from t
go
-- as reader
select count(*) from t
print 'goes on'
insert t values (3, N'x', 1)
update t set name = N'x'
delete t
exec p 1
select dbo.f(1)
select * from dbo.tf()
select * from v
go
-- as reader
select object_id('t'), object_name(object_id('t')), object_id('v')
select name from sys.tables
select table_name from information_schema.tables
go
grant select on dbo.t (id, name) to reader
grant select on v to reader
grant execute on p to reader
grant execute on dbo.f to reader
grant execute on dynamic to reader
go
-- as reader
select id, name from t
select * from t
select secret from t
select id from t where secret > 1
select count(*) from t
go
-- as reader
select * from v
exec p 1
select dbo.f(2)
exec dynamic
go
-- as reader
select name, type from sys.objects where is_ms_shipped = 0 order by name
select name, definition from sys.objects o join sys.sql_modules m on m.object_id = o.object_id order by name
select routine_name, routine_definition from information_schema.routines order by routine_name
select table_name, view_definition from information_schema.views order by table_name
select object_definition(object_id('p'))
exec sp_helptext 'p'
select permission_name, subentity_name from fn_my_permissions('dbo.t', 'OBJECT') order by 1, 2
select has_perms_by_name('dbo.t', 'OBJECT', 'SELECT'), has_perms_by_name('dbo.t', 'OBJECT', 'SELECT', 'id', 'COLUMN'),
    has_perms_by_name('dbo.v', 'OBJECT', 'SELECT'), has_perms_by_name('shop', 'DATABASE', 'CREATE TABLE'), has_perms_by_name('dbo.t', 'OBJECT', 'ANY')
go
grant select on dbo.t to reader
deny select on dbo.t (secret) to reader
go
-- as reader
select id, name from t
select secret from t
exec p 2
go
deny select on dbo.t to reader
go
-- as reader
select id from t
select * from v
go
revoke select on dbo.t from reader
go
-- as reader
select id from t
go
-- the writer
grant select, insert, update, delete on schema::sales to writer
go
-- as writer in shop
select schema_name()
select * from orders
insert orders (tid, amount) values (1, 30)
update orders set amount = amount + 1 where id = 3
select amount from orders where id = 3
delete orders where id = 3
merge orders as o using (values (1, 99)) as n (id, amount) on o.id = n.id when matched then update set amount = n.amount;
select id, amount from orders
select * from dbo.t
truncate table orders
alter table orders add note int
drop table orders
create table sales.own (a int)
go
deny update on sales.orders (amount) to writer
go
-- as writer
update orders set amount = 1
update orders set tid = 2 where id = 1
go
-- as writer
set identity_insert orders on
go
revoke update on sales.orders (amount) from writer
grant create table to writer
go
-- as writer
create table sales.own (a int)
go
grant alter on schema::sales to writer
go
-- as writer
create table own (a int)
insert own values (1)
select object_schema_name(object_id('own'))
alter table own add b int
create table dbo.own (a int)
drop table own
go
-- as writer
create view sales.w as select 1 a
go
-- as writer
create procedure sales.q as select 1
go
-- as writer
create user someone without login
go
-- as writer
create role r
go
-- as writer
grant select on sales.orders to reader
go
-- as writer
backup database shop to disk = 'x.bak'
go
-- as writer
alter database shop set recovery simple
go
-- as writer
drop database shop
go
-- as writer
restore database shop from disk = 'x.bak'
go
-- as writer
restore headeronly from disk = 'x.bak'
go
-- as writer
dbcc checkdb
go
-- who makes a module cannot become somebody else by it
grant create procedure to writer
go
-- as writer
create procedure sales.mighty with execute as 'dbo' as select user_name()
go
-- as writer
create procedure sales.mighty with execute as owner as select user_name()
go
-- as writer
create procedure sales.mine with execute as self as select user_name()
go
-- as writer
exec mine
go
drop user writer
go
-- roles
create role clerks
alter role clerks add member reader
create role managers
alter role managers add member clerks
grant insert on dbo.t to managers
alter role db_datareader add member writer
alter role db_denydatawriter add member writer
go
select r.name, m.name from sys.database_role_members x join sys.database_principals r on r.principal_id = x.role_principal_id
join sys.database_principals m on m.principal_id = x.member_principal_id order by 1, 2
select is_rolemember('managers', 'reader'), is_rolemember('clerks', 'writer'), is_rolemember('nothing')
go
-- as reader
insert t values (3, N'three', 33)
select is_member('managers'), is_member('clerks'), is_rolemember('db_datareader')
go
-- as writer
select id, secret from dbo.t
insert orders (tid, amount) values (1, 1)
go
alter role clerks drop member reader
alter role db_denydatawriter drop member writer
go
-- as reader
insert t values (4, N'four', 44)
go
-- as writer
insert orders (tid, amount) values (1, 1)
go
drop role managers
go
drop user reader
drop role clerks
go
create user reader for login reader
go
-- grant option
grant select on dbo.t to writer with grant option
go
-- as writer
grant select on dbo.t to reader
go
-- as reader in shop
select id from t where id = 1
go
revoke select on dbo.t from writer
go
revoke select on dbo.t from writer cascade
go
-- as reader
select id from t
go
select u.name, p.class_desc, object_name(p.major_id), p.minor_id, p.permission_name, p.state_desc, user_name(p.grantor_principal_id)
from sys.database_permissions p join sys.database_principals u on u.principal_id = p.grantee_principal_id
where u.principal_id > 4 and u.principal_id < 16384 order by 1, 2, 3, 4, 5
go
grant execute on dbo.t to reader
go
grant select on dbo.t to dbo
go
grant select on dbo.missing to reader
go
grant select on dbo.t to missing
go
-- database level
grant select to reader
deny select on schema::sales to reader
go
-- as reader
select count(*) from t
select count(*) from sales.orders
go
-- broken chain: the view belongs to someone else
alter authorization on sales.orders to bystander
go
create view dbo.chain as select id from sales.orders
go
revoke select on schema::sales from reader
revoke select to reader
grant select on dbo.chain to reader
go
-- as reader
select * from chain
go
grant select on sales.orders to reader
go
-- as reader
select * from chain
go
-- db_owner and guest
alter role db_owner add member reader
go
-- as reader
create table dbo.mine (a int)
drop table dbo.mine
create user extra without login
drop user extra
select is_member('db_owner')
deny select on dbo.t to reader
go
-- as nobody in shop
select 1
go
grant connect to guest
go
-- as nobody in shop
select user_name()
select * from dbo.t
go
-- as nobody
select user_name(), db_name()
use master
select user_name()
create table #t (a int)
insert #t values (1)
select * from #t
go
exec sp_helprotect 'dbo.t'
go
-- as nobody in shop
select count(*) as others_permissions from sys.database_permissions where grantee_principal_id > 4
exec ('select user_name()') as user = 'dbo'
select * from sys.dm_exec_sql_text(0x3300)
go
exec ('select user_name()') as user = 'writer'
select user_name()
go
exec ('select suser_sname()') as login = 'nobody'
go
-- as nobody
bulk insert dbo.t from 'x.csv'
go
grant create schema to writer
go
-- as writer in shop
create schema extra create table things (a int)
go
-- as writer
select schema_id('extra')
go
revoke create table from writer
go
-- as writer
create schema extra2 create table things (a int)
go
-- A moved object leaves its permissions behind.
grant select on sales.orders to reader
go
create schema archive
go
alter schema archive transfer sales.orders
select count(*) as left_over from sys.database_permissions where class = 1 and major_id = object_id('archive.orders')
go
deny view any database to nobody
go
use master
deny view any database to nobody
go
-- as nobody in master
select name from sys.databases order by database_id
go
-- Triggers of the database are guarded by a permission of their own.
use shop
go
create trigger guard on database for create_table as print 'seen'
go
-- as writer in shop
drop trigger guard on database
go
-- as writer in shop
set showplan_text on
go
-- as writer
select name from sys.tables
go
-- as writer
set showplan_text off
go
use shop
drop trigger guard on database
create table keys (k int primary key with (ignore_dup_key = on), u int, unique (u) with (ignore_dup_key = on))
insert keys values (1, 1), (1, 2), (2, 1), (3, 3)
select * from keys order by k
alter index all on keys set (fillfactor = 50)
go
-- Histograms show values: only to those who may read the table. Whoever has ALTER on a table alone takes no other for its history.
use shop
go
create table pay (id int primary key, amount int)
insert pay values (1, 1000), (2, 2000)
create statistics of_amount on pay (amount) with fullscan
create table versioned (id int primary key, amount int, f datetime2 generated always as row start not null, t datetime2 generated always as row end not null, period for system_time (f, t))
create table theirs (id int not null, amount int, f datetime2 not null, t datetime2 not null)
create table empty_copy (id int primary key, amount int)
grant alter on versioned to writer
grant alter on pay to writer
deny select on pay to writer
select count(*) as steps from sys.stats s cross apply sys.dm_db_stats_histogram(s.object_id, s.stats_id) h where s.object_id = object_id('pay') and s.name = 'of_amount'
go
-- as writer in shop
declare @t int = (select object_id('dbo.pay'))
select count(*) as steps from sys.dm_db_stats_histogram(@t, 2)
go
-- as writer in shop
alter table dbo.versioned set (system_versioning = on (history_table = dbo.theirs))
go
-- as writer in shop
alter table pay switch to empty_copy
go
