create database Made
go
use Made
go
create type dbo.Code from varchar(10) not null
go
create table dbo.source(id int not null identity(10, 5) primary key, name varchar(20) collate Latin1_General_BIN not null,
  code dbo.Code, price money null, twice as price * 2, stamp rowversion, big nvarchar(max) null, d decimal(9, 2) default 1)
insert dbo.source(name, code, price, big) values('a', 'x', 1.5, replicate(N'z', 3)), ('b', 'y', null, null), ('c', 'z', 3, N'q')
go
-- types, nullability, identity and alias types are taken over; computed columns, defaults and keys are not
select * into dbo.copy from dbo.source where id > 10
go
select c.name, type_name(c.user_type_id) t, c.max_length, c.precision, c.scale, c.collation_name, c.is_nullable, c.is_identity, c.is_computed,
  c.default_object_id, ic.seed_value, ic.increment_value, ic.last_value
from sys.columns c left join sys.identity_columns ic on ic.object_id = c.object_id and ic.column_id = c.column_id
where c.object_id = object_id('dbo.copy') order by c.column_id
select id, name, code, price, twice, big, d from dbo.copy
select type_desc, index_id from sys.indexes where object_id = object_id('copy')
select rows from sys.partitions where object_id = object_id('copy')
go
insert dbo.copy(name, code, d) values('d', 'w', 2)
select scope_identity()
select a.id, b.name into joined from source a join source b on a.id = b.id
select is_identity, is_nullable from sys.columns where object_id = object_id('joined') order by column_id
select id, id + 0 as other into twice from source
select name, is_identity, is_nullable from sys.columns where object_id = object_id('twice') order by column_id
go
select identity(int, 100, 10) as n, name into numbered from source order by name desc
select * from numbered
select identity(bigint) as n, id into wrong from source
go
select 1 as a, 'abc' as b, '' as c, null as d, getdate() as e, 1.5 as f, N'x' as g into constants
select name, type_name(system_type_id) t, max_length, precision, scale, is_nullable from sys.columns where object_id = object_id('constants') order by column_id
select 1 into unnamed
select 1 a, 2 A into doubled
select 1 a into constants
select 1 a into nowhere.x
go
begin transaction
select * into undone from source
select count(*) from undone
rollback
select object_id('undone')
go
-- rows that cannot be put in leave the empty table
select 1 / (id - 15) as x into failed from source
select count(*) from failed
go
select count(*) as n, sum(price) as s into totals from source group by code
select * from totals
select * into #temporary from copy
select * into back from #temporary
select name, is_identity from tempdb.sys.columns where 1 = 0
select id, name from back
go
create table target(a int, b varchar(10))
go
create procedure give as select 1, 'one' union all select 2, 'two'
go
insert target exec give
insert target exec('select 3, ''three''')
select * from target order by a
dbcc checkdb(Made) with no_infomsgs
go
