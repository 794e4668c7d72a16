-- Names in a case-sensitive database: what differs in case is somebody else.
create database Sensitive collate Latin1_General_CS_AS
go
select collation_name from sys.databases where name = 'sensitive'
use sensitive
go
create table T (A int not null, a varchar(10) default 'small', constraint PK_T primary key (A))
go
create table t (a int)
go
create table t (b int)
go
insert T (A, a) values (1, 'one')
go
insert T (A) values (2)
go
insert t values (10)
go
insert T (A, b) values (3, 'x')
go
insert T (a, a) values ('x', 'y')
go
select A, a from T order by A
go
select a from t
go
select a, A from dbo.T where A = 1
go
select * from DBO.T
go
select TT.A from T as tt
go
select tt.A from T as tt join t as TT on tt.A < TT.a order by tt.A
go
select x.A from T as x, t as x
go
with c as (select A from T), C as (select a from t) select c.A, C.a from c cross join C order by c.A
go
select A as n, a as N from T order by N desc
go
select A as n, a as N from T order by n
go
select A as n, A as n from T order by n
go
select A v from T union all select a from t order by V
go
update T set a = 'two' where A = 2
go
update T set B = 'two' where A = 2
go
update T set a = 'x', A = A
go
delete T output deleted.A, deleted.a where A = 2
go
delete T output DELETED.A where A = 1
go
merge T as target using (select 5 as A, 'five' as a) as source on target.A = source.A
when not matched then insert (A, a) values (source.A, source.a) output $action, inserted.A, inserted.a;
go
merge T as target using (select 5 as k) as source on Target.A = source.k when matched then delete;
go
-- Indexes, constraints, columns
create index ix on T (a)
go
create index IX on T (a, A)
go
create index ix on T (A)
go
alter table T add b int, B int, aa int
go
alter table T add b int
go
alter table T add constraint CK check (b > 0), constraint ck check (B > 0)
go
alter table T add constraint CK check (b > 1)
go
alter table T drop column Bb
go
alter table T drop constraint Ck
go
alter table T drop constraint CK, ck
go
alter table T drop column b
go
select name, column_id from sys.columns where object_id = object_id('T') order by column_id
go
select name, index_id from sys.indexes where object_id = object_id('T') order by index_id
go
drop index IX on T
go
drop index Ix on T
go
select a from T with (index(ix)) where a = 'one'
go
select a from T with (index(IX)) where a = 'one'
go
-- Functions of the catalogue and system views
select object_name(object_id('T')), object_name(object_id('t')), object_id('DBO.T'), col_name(object_id('T'), 1)
go
select col_length('T', 'A'), col_length('T', 'a'), col_length('T', 'B'), columnproperty(object_id('T'), 'B', 'AllowsNull'), columnproperty(object_id('T'), 'b', 'AllowsNull')
go
select schema_id('dbo'), schema_id('DBO'), user_id('dbo'), user_id('DBO'), type_id('sysname'), type_id('int')
go
select indexproperty(object_id('T'), 'ix', 'IndexId'), indexproperty(object_id('T'), 'IX', 'IndexId'), objectproperty(object_id('T'), 'istable')
go
select name from sys.tables where name = 't'
go
select NAME from sys.tables
go
select name from SYS.TABLES
go
select name from sys.Tables
go
select TABLE_NAME from INFORMATION_SCHEMA.TABLES where TABLE_NAME = 'T'
go
select table_name from INFORMATION_SCHEMA.TABLES
go
select TABLE_NAME from information_schema.tables
go
select name from sysobjects where name = 'T'
go
select name from SysObjects
go
-- Modules and their parameters
create procedure p @a int, @b int = 2 as select @A as a, @b as b
go
create procedure P @a int as select @a + 100 as upper
go
exec p 1
go
exec P 1
go
exec p @a = 1
go
exec p @A = 1
go
exec p @a = 1, @B = 2
go
exec Pp 1
go
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
go
select dbo.F(1)
go
select A from v order by A
go
select A from V
go
create trigger tr on t after insert as select a from inserted
go
create trigger TR on t after insert as select a from INSERTED
go
insert t values (11)
go
drop trigger TR
go
insert t values (12)
go
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
drop table #X
declare @t table (Id int, id int)
insert @T (id) values (3)
select Id, id from @t
go
create table #x (Id int)
go
select iD from #x
go
drop table #x
go
-- Renaming, schemas, types, users
exec sp_rename 'T', 'TT'
go
exec sp_rename 'TT', 't'
go
exec sp_rename 'TT', 'Tt'
go
exec sp_rename 'Tt.A', 'a', 'COLUMN'
go
exec sp_rename 'Tt.B', 'b', 'COLUMN'
go
exec sp_rename 'Tt.ix', 'Ix', 'INDEX'
go
select name from sys.columns where object_id = object_id('Tt') order by column_id
go
create schema s
go
create schema S
go
create schema s
go
create type s.code from varchar(4)
go
create type s.Code from int
go
create type s.code from int
go
create table S.things (c s.code, d s.Code)
go
create table s.THINGS (c S.code)
go
create user u without login
go
create user U without login
go
create user u without login
go
create role r
go
create role R
go
alter role r add member U
go
alter role r add member u
go
select is_rolemember('r', 'U'), is_rolemember('R', 'U')
go
grant select on Tt (A) to u
go
grant select on Tt (b) to U
go
grant select on Tt (aa) to U
go
execute as user = 'u'
go
select A from Tt where A = 1
go
select b from Tt
go
revert
go
execute as user = 'U'
go
select b from Tt where b = 1
go
select A from Tt
go
revert
go
select name from sys.database_principals where name in ('u', 'U', 'r', 'R') order by name
go
create sequence q start with 1
go
create sequence Q start with 100
go
select next value for q, next value for Q
go
create synonym y for t
go
create synonym Y for Tt
go
select count(*) from y
go
select count(*) from Y
go
exec sp_addextendedproperty 'Note', 'first', 'SCHEMA', 'dbo', 'TABLE', 't'
go
exec sp_addextendedproperty 'note', 'second', 'SCHEMA', 'dbo', 'TABLE', 't'
go
exec sp_addextendedproperty 'note', 'third', 'SCHEMA', 'dbo', 'TABLE', 't'
go
select name, value from sys.extended_properties order by name
go
select objname, name, value from fn_listextendedproperty('note', 'SCHEMA', 'dbo', 'TABLE', 't', null, null)
go
drop table T
go
drop table t, Tt
go
drop procedure p
go
exec P 3
go
-- Values: the default collation of columns, variables and literals
create table words (w varchar(10))
insert words values ('a'), ('A'), ('b')
select w from words where w = 'a'
select distinct w from words order by w
select count(*) from words where w like '[a-b]'
go
declare @w varchar(10) = 'A' select count(*) from words where w = @w
select case when 'a' = 'A' then 'same' else 'different' end
go
create table #w (w varchar(10))
create table #i (w varchar(10))
insert #w values ('A')
go
select words.w from words join #w on words.w = #w.w
go
declare @w table (w varchar(10)) insert @w values ('b') select words.w from words join @w as v on words.w = v.w
go
select words.w from words join #w on words.w = #w.w collate database_default
create table #d (w varchar(10) collate database_default)
insert #d values ('A')
select words.w from words join #d on words.w = #d.w
select name, collation_name from sys.columns where object_id = object_id('words')
go
select a from sensitive.dbo.t
go
select t.w from Sensitive.dbo.words t where T.w = 'b'
go
use master
go
select w from SENSITIVE.dbo.words where W = 'a'
go
select w from Sensitive.dbo.Words
go
drop database sensitive
