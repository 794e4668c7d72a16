-- Idioms that were met in scripts and answered wrongly once.
create database FoundInScripts;
go
use FoundInScripts;
go
create table item (id int primary key, price money not null, qty int not null);
insert item values (1, 2.50, 3), (2, 10, 1), (3, 0.99, 7);
go
-- Columns added to rows that are there.
alter table item add seq int identity(10, 5) not null;
alter table item add total as price * qty persisted;
alter table item add ver rowversion;
alter table item add guid uniqueidentifier not null constraint df_guid default newid();
alter table item add note varchar(10) not null default 'none', made int not null default (1 + 1);
go
select id, seq, total, note, made from item order by id;
select count(distinct guid) guids, count(distinct ver) versions from item;
insert item (id, price, qty) values (4, 1, 1);
select id, seq, total from item where id = 4;
update item set qty = 2 where id = 1;
select total from item where id = 1;
go
create sequence numbers start with 100;
alter table item add number int not null default next value for numbers;
select id, number from item order by id;
go
-- A name that is not there ends the text that names it, and no more.
exec('select * from nosuch; print ''not reached'''); print 'after the text';
go
create procedure reads_nothing as
begin
    print 'begins';
    select * from nosuch;
    print 'not reached';
end
go
declare @r int = 7;
exec @r = reads_nothing;
print concat('goes on with ', @r);
exec sp_executesql N'select nocolumn from item';
print 'and on';
go
begin try
    exec reads_nothing;
    print 'not reached';
end try
begin catch
    print concat('caught ', error_number(), ' in ', error_procedure());
end catch
go
create trigger fails on item after delete as select * from nosuch;
go
delete item where id = 4;
print 'not reached';
go
drop trigger fails;
select count(*) from item where id = 4;
go
-- Scalar functions called like procedures.
create function area (@a decimal(9, 2), @b decimal(9, 2) = 2) returns decimal(18, 4) as begin return @a * @b end
go
declare @x decimal(18, 4), @t varchar(20);
exec @x = dbo.area 3, 4.5;
select @x;
exec @x = area @b = 1.5, @a = 2;
select @x;
exec @t = area 5, default;
select @t;
exec @x = area 5;
select @x;
go
declare @x int;
exec @x = area;
go
declare @x int;
exec @x = area 1, 2, 3;
go
exec area 1, 2;
go
-- Calls that do not fit are errors of the procedure.
create procedure takes @a int as select @a;
go
exec takes;
go
exec takes 1, 2;
go
exec takes @b = 1;
go
exec takes 'x';
go
-- Result sets as the caller wants them.
create procedure sends as
begin
    select id, price from item where id < 3 order by id;
    select 'a' a;
end
go
exec sends with result sets ((number bigint, cost decimal(9, 1) not null), (letter nchar(3)));
go
exec sends with result sets ((number bigint, cost decimal(9, 1)));
go
exec sends with result sets ((number bigint), (letter nchar(3)));
go
exec sends with result sets none;
go
exec takes 5 with result sets ((a int), (b int));
go
create procedure sends_null as select cast(null as int);
go
exec sends_null with result sets ((a int not null));
go
insert item (id, price, qty) exec('select 9, 9, 9') with result sets ((a int, b int, c int));
select id, total from item where id = 9;
go
-- ISO 8601 with its T and ODBC's escapes do not ask for DATEFORMAT.
set dateformat dmy;
select cast('2024-06-05T00:00:00' as datetime) iso, cast('2024-06-05' as datetime) plain, {d '2024-06-05'} escaped,
    {ts '2024-06-05 10:00:00'} escaped, cast('2024-06-05' as date) newer;
set dateformat mdy;
go
-- Namespaces of FOR XML.
select 1 a, null b for xml path('r'), root('x'), elements xsinil;
select null a, 2 b for xml raw, elements xsinil;
with xmlnamespaces ('urn:one' as p) select 2 as [@b], 1 as [p:a] for xml path('p:r');
with xmlnamespaces ('urn:one' as p, default 'urn:"two"') select 1 as a for xml path('r'), root('p:root'), elements xsinil;
with xmlnamespaces ('urn:one' as p) select id from item where id < 3 for xml auto;
go
-- Triggers as the catalogue functions tell of them.
create trigger changes on item after insert, update as return;
go
create view items as select id, qty from item;
go
create trigger instead on items instead of delete as return;
go
select objectproperty(object_id('changes'), 'ExecIsInsertTrigger') i, objectproperty(object_id('changes'), 'ExecIsUpdateTrigger') u,
    objectproperty(object_id('changes'), 'ExecIsDeleteTrigger') d, objectproperty(object_id('changes'), 'ExecIsAfterTrigger') a,
    objectproperty(object_id('instead'), 'ExecIsInsteadOfTrigger') o, objectproperty(object_id('instead'), 'ExecIsDeleteTrigger') d;
select objectproperty(object_id('item'), 'TableHasInsertTrigger') i, objectproperty(object_id('item'), 'TableHasDeleteTrigger') d,
    objectproperty(object_id('items'), 'HasInsteadOfTrigger') o;
exec sp_helptrigger 'item';
go
-- A NULL takes the type of the others in a set operation.
select 'x' b union all select null;
select null d union all select cast('2024-01-02' as date) union all select null;
select null n union select null union all select 'text';
select 1 a, null b into #first union all select 2, 'x' union all select 3, null;
select * from #first order by a;
select cast(1 as bigint) a, cast(null as varchar(5)) b into stored union select 2, 'y';
select * from stored order by a;
select column_name, data_type, is_nullable from information_schema.columns where table_name = 'stored' order by ordinal_position;
with c as (select 1 a, null b union all select 2, 'z') select * from c order by a;
select 1 where null in (select null except select 'a');
go
select top (select count(*) / 2 from item) id from item order by id;
set tran isolation level read uncommitted;
set transaction isolation level read committed;
go
select 5 as [value/@c], 'x' as [value] for xml path('i');
select 5 as [value/@c], 6 as [value/@d], 'x' as [value], 'y' as [value] for xml path('i');
go
-- A reseed before the first row names that row's value.
create table fresh (id int identity primary key, a int);
dbcc checkident ('fresh', reseed, 100) with no_infomsgs;
insert fresh values (1), (2);
select id from fresh order by id;
truncate table fresh;
dbcc checkident ('fresh', reseed, 1) with no_infomsgs;
insert fresh values (1);
delete fresh;
dbcc checkident ('fresh', reseed, 50) with no_infomsgs;
insert fresh values (1);
select id from fresh;
go
-- Options of indexes in their older form.
create table old_form (a int not null constraint uq_old unique clustered with fillfactor = 90, b int);
create index i on old_form (b) with pad_index, fillfactor = 70, sort_in_tempdb on [primary];
create index k on old_form (b) with fillfactor = 50;
select name, type_desc, fill_factor, is_padded from sys.indexes where object_id = object_id('old_form') order by index_id;
go
