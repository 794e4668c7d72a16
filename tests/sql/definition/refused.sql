-- Definitions that are refused, each with the number that tells why.
create database Refused
go
use Refused
go
create table dbo.Stamped(a int, v timestamp, w rowversion)
go
create table dbo.Stamped(a int, v timestamp)
alter table dbo.Stamped add w rowversion
alter table dbo.Stamped alter column a timestamp
alter table dbo.Stamped add b int, v2 timestamp
go
-- Computed columns.
create table dbo.C(a int, b as getdate() persisted)
go
create table dbo.C(a int, b as newid() persisted)
go
create table dbo.C(a int, d datetime, b as a + 1, c as b + 1)
go
create table dbo.C(c as b + 1, a int, b as a + 1)
go
create table dbo.C(a int, b as a + 1 persisted, d datetime, e as dateadd(day, 1, d) persisted, f as upper(convert(varchar(10), a)) persisted)
alter table dbo.C add g as b * 2
alter table dbo.C add g as datename(weekday, d) persisted
alter table dbo.C add g as getdate()
go
create table dbo.S(a int, b as (select 1))
go
create table dbo.S(a int check(a > (select 1)))
go
create table dbo.S(a int check(exists(select 1)))
go
create table dbo.S(a int default (select 1))
go
create table dbo.S(a int, b as sum(a))
go
create table dbo.S(a int, check(max(a) > 1))
go
create table dbo.S(a int default a)
go
create table dbo.S(a int, b int, c int default b + 1)
go
alter table dbo.C add constraint D default d for a
go
-- Columns and constraints.
create table dbo.T(a int default 1 default 2)
go
create table dbo.T(a int null identity)
go
create table dbo.T(a int, b int check(a > b))
go
create table dbo.T(a int, b int check(b > 1), check(a > b))
drop table dbo.T
create table dbo.T(a int constraint T primary key)
go
create table dbo.T(a int primary key clustered, b int unique clustered)
go
create table dbo.T(a int not null, constraint PT primary key clustered(a))
alter table dbo.T add b int constraint UT unique clustered
go
create table dbo.F(a int not null references dbo.T(a) on delete set null)
go
create table dbo.F(a int not null references dbo.T(a) on update set null)
go
create table dbo.F(a int null references dbo.T(a) on delete set null)
go
-- Indexes.
create table dbo.I(a int index x, b int index x)
go
create table dbo.I(a int constraint x primary key, b int index x)
go
create table dbo.I(a int, b int, c varchar(10), index y(a) include(a))
go
create table dbo.I(a int, b int, c varchar(10), index y(a) where b > a)
go
create table dbo.I(a int, b int, c varchar(10), index y(a) where b > 1 and c = 'x')
create index z on dbo.I(a) include(a)
create index z on dbo.I(a) include(b, c, b)
create index z on dbo.I(a) with(ignore_dup_key = on)
create unique index z on dbo.I(a) with(ignore_dup_key = on)
go
create index w on dbo.I(a) where b > a
go
create index w on dbo.I(a) where a = abs(1)
go
create index w on dbo.I(a) where (b in (1, 2) and a is not null and c <> convert(varchar(10), 'x'))
create index u on dbo.I(a) where a >= -1
select name, filter_definition from sys.indexes where object_id = object_id('dbo.I') and index_id > 0 order by name
go
-- Rows that fit into no page.
create table dbo.R(a nchar(4000))
alter table dbo.R add b nchar(100)
alter table dbo.R add b nchar(24)
alter table dbo.R add c int
insert dbo.R(a) values(N'x')
select count(*) from dbo.R
create table dbo.Q(a char(4000))
insert dbo.Q values('x'), ('z')
alter table dbo.Q add b char(4054) not null default 'y'
alter table dbo.Q add b char(4049) not null default 'y'
select len(a) la, len(b) lb from dbo.Q
go
-- Modules.
create function dbo.NoName() returns table as return select 1
go
create function dbo.Twice() returns table as return select 1 as a, 2 as A
go
create view dbo.Hinted as select 1 as a option(maxdop 1)
go
create procedure dbo.Goes as use master
go
create trigger dbo.Reads on dbo.T after select as return
go
create trigger dbo.Instead1 on dbo.T instead of insert, update as return
go
create trigger dbo.Instead2 on dbo.T instead of delete, insert as return
go
create trigger dbo.Instead2 on dbo.T instead of delete as return
go
alter trigger dbo.Instead2 on dbo.T instead of delete, update as return
go
alter trigger dbo.Instead1 on dbo.T instead of insert as return
go
create type dbo.Lines as table(a int)
go
create procedure dbo.Writes @l dbo.Lines readonly as
insert @l values(1)
delete @l
go
create procedure dbo.Reads2 @l dbo.Lines readonly as
declare @own dbo.Lines
insert @own select a from @l
go
use master
drop database Refused
