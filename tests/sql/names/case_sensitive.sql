-- Names in a case-sensitive database: what differs in case is somebody else.
create database Sensitive collate Latin1_General_CS_AS
go
select collation_name from sys.databases where name = 'sensitive'
use sensitive
go
create table T (A int not null, a varchar(10) default 'small', constraint PK_T primary key (A))
create table t (a int)
create table t (b int)
go
insert T (A, a) values (1, 'one')
insert T (A) values (2)
insert t values (10)
insert T (A, b) values (3, 'x')
insert T (a, a) values ('x', 'y')
select A, a from T order by A
select a from t
go
select a, A from dbo.T where A = 1
select * from DBO.T
select TT.A from T as tt
select tt.A from T as tt join t as TT on tt.A < TT.a order by tt.A
select x.A from T as x, t as x
go
with c as (select A from T), C as (select a from t) select c.A, C.a from c cross join C order by c.A
go
select A as n, a as N from T order by N desc
select A as n, a as N from T order by n
select A as n, A as n from T order by n
select A v from T union all select a from t order by V
go
update T set a = 'two' where A = 2
update T set B = 'two' where A = 2
update T set a = 'x', A = A
delete T output deleted.A, deleted.a where A = 2
delete T output DELETED.A where A = 1
go
merge T as target using (select 5 as A, 'five' as a) as source on target.A = source.A
when not matched then insert (A, a) values (source.A, source.a) output $action, inserted.A, inserted.a;
merge T as target using (select 5 as k) as source on Target.A = source.k when matched then delete;
go
-- Indexes, constraints, columns
create index ix on T (a)
create index IX on T (a, A)
create index ix on T (A)
alter table T add b int, B int
alter table T add b int
alter table T add constraint CK check (b > 0), constraint ck check (B > 0)
alter table T add constraint CK check (b > 1)
alter table T drop column Bb
alter table T drop constraint Ck
alter table T drop constraint CK, ck
alter table T drop column b
select name, column_id from sys.columns where object_id = object_id('T') order by column_id
select name, index_id from sys.indexes where object_id = object_id('T') order by index_id
drop index IX on T
drop index Ix on T
select a from T with (index(ix)) where a = 'one'
select a from T with (index(IX)) where a = 'one'
go
-- Functions of the catalogue and system views
select object_name(object_id('T')), object_name(object_id('t')), object_id('DBO.T'), col_name(object_id('T'), 1)
select col_length('T', 'A'), col_length('T', 'a'), col_length('T', 'B'), columnproperty(object_id('T'), 'B', 'AllowsNull'), columnproperty(object_id('T'), 'b', 'AllowsNull')
select schema_id('dbo'), schema_id('DBO'), user_id('dbo'), user_id('DBO'), type_id('sysname'), type_id('int')
select indexproperty(object_id('T'), 'ix', 'IndexId'), indexproperty(object_id('T'), 'IX', 'IndexId'), objectproperty(object_id('T'), 'istable')
select name from sys.tables where name = 't'
select NAME from sys.tables
select name from SYS.TABLES
select name from sys.Tables
select TABLE_NAME from INFORMATION_SCHEMA.TABLES where TABLE_NAME = 'T'
select table_name from INFORMATION_SCHEMA.TABLES
select TABLE_NAME from information_schema.tables
select name from sysobjects where name = 'T'
select name from SysObjects
go
-- Modules and their parameters
create procedure p @a int, @b int = 2 as select @A as a, @b as b
go
create procedure P @a int as select @a + 100 as upper
go
exec p 1
exec P 1
exec p @a = 1
exec p @A = 1
exec p @a = 1, @B = 2
exec Pp 1
EXEC SP_EXECUTESQL N'select @X as x', N'@x int', @X = 5
go
create function f(@x int) returns int as begin return @X + 1 end
go
create function F(@x int) returns table as return select @X as x
go
create view v as select A, a from T
go
create view V as select a from t
go
select dbo.f(1), (select x from dbo.F(7))
select dbo.F(1)
select A from v order by A
select A from V
go
create trigger tr on t after insert as select a from inserted
go
create trigger TR on t after insert as select a from INSERTED
go
insert t values (11)
drop trigger TR
insert t values (12)
drop trigger Tr
go
-- Variables, labels, cursors and temporary tables are the instance's
declare @v int = 1
select @V
declare @V int
go
declare c cursor for select a from t
open C
fetch C
close c
deallocate C
goto There
select 'skipped'
there:
create table #x (Id int, id int)
insert #X (Id, id) values (1, 2)
select Id, id from #x
select ID from #x
drop table #X
declare @t table (Id int, id int)
insert @T (id) values (3)
select Id, id from @t
select iD from @t
go
-- Renaming, schemas, types, users
exec sp_rename 'T', 'TT'
exec sp_rename 'TT', 't'
exec sp_rename 'TT', 'Tt'
exec sp_rename 'Tt.A', 'a', 'COLUMN'
exec sp_rename 'Tt.B', 'b', 'COLUMN'
exec sp_rename 'Tt.ix', 'Ix', 'INDEX'
select name from sys.columns where object_id = object_id('Tt') order by column_id
go
create schema s
go
create schema S
go
create schema s
go
create type s.code from varchar(4)
create type s.Code from int
create type s.code from int
create table S.things (c s.code, d s.Code)
create table s.THINGS (c S.code)
create user u without login
create user U without login
create user u without login
create role r
create role R
alter role r add member U
alter role r add member u
select is_rolemember('r', 'U'), is_rolemember('R', 'U')
grant select on Tt (A) to u
grant select on Tt (b) to U
grant select on Tt (aa) to U
execute as user = 'u'
select A from Tt where A = 1
select b from Tt
revert
execute as user = 'U'
select b from Tt where b = 1
select A from Tt
revert
select name from sys.database_principals where name in ('u', 'U', 'r', 'R') order by name
go
create sequence q start with 1
create sequence Q start with 100
select next value for q, next value for Q
create synonym y for t
create synonym Y for Tt
select count(*) from y
select count(*) from Y
exec sp_addextendedproperty 'Note', 'first', 'SCHEMA', 'dbo', 'TABLE', 't'
exec sp_addextendedproperty 'note', 'second', 'SCHEMA', 'dbo', 'TABLE', 't'
exec sp_addextendedproperty 'note', 'third', 'SCHEMA', 'dbo', 'TABLE', 't'
select name, value from sys.extended_properties order by name
select objname, name, value from fn_listextendedproperty('note', 'SCHEMA', 'dbo', 'TABLE', 't', null, null)
go
drop table T
drop table t, Tt
drop procedure p
exec P 3
go
-- Values: the default collation of columns, variables and literals
create table words (w varchar(10))
insert words values ('a'), ('A'), ('b')
select w from words where w = 'a'
select distinct w from words order by w
select count(*) from words where w like '[a-b]'
declare @w varchar(10) = 'A' select count(*) from words where w = @w
select case when 'a' = 'A' then 'same' else 'different' end
create table #w (w varchar(10))
insert #w values ('A')
select words.w from words join #w on words.w = #w.w
select words.w from words join #w on words.w = #w.w collate database_default
create table #d (w varchar(10) collate database_default)
insert #d values ('A')
select words.w from words join #d on words.w = #d.w
select name, collation_name from sys.columns where object_id = object_id('words')
go
select a from sensitive.dbo.t
select t.w from Sensitive.dbo.words t where T.w = 'b'
use master
go
select w from SENSITIVE.dbo.words where W = 'a'
select w from Sensitive.dbo.Words
drop database sensitive
