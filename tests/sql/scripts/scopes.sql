-- What is visible where: temporary tables over procedures, table variables over rollbacks, identities, options, @@ROWCOUNT, nested TRY.
create database Scopes
go
use Scopes
go
create procedure dbo.Inner_ as
begin
    insert #outer values (2)
    create table #mine (x int)
    insert #mine values (1), (2), (3)
    select count(*) as mine from #mine
end
go
create procedure dbo.Outer_ as
begin
    set nocount on
    create table #outer (x int)
    insert #outer values (1)
    exec dbo.Inner_
    select x from #outer order by x
    select object_id('tempdb..#mine') as gone
end
go
exec dbo.Outer_
select object_id('tempdb..#outer') as gone
go
exec dbo.Inner_
go
declare @t table (x int primary key)
begin tran
insert @t values (1), (2)
create table #t (x int)
rollback
select count(*) as kept from @t
select object_id('tempdb..#t') as rolled_back
go
create table dbo.A (Id int identity(10, 5), v int)
create table dbo.B (Id int identity(1000, 1), v int)
go
create trigger dbo.A_ins on dbo.A for insert as insert dbo.B (v) select v from inserted
go
insert dbo.A (v) values (1)
select scope_identity() as scope_, @@identity as any_, ident_current('dbo.A') as a, ident_current('dbo.B') as b
begin tran
insert dbo.A (v) values (2)
rollback
insert dbo.A (v) values (3)
select Id, v from dbo.A
go
set identity_insert dbo.A on
insert dbo.A (Id, v) values (100, 4)
insert dbo.A (v) values (5)
go
set identity_insert dbo.A off
insert dbo.A (v) values (6)
insert dbo.A (Id, v) values (7, 7)
go
select max(Id) as m from dbo.A
select @@rowcount as rc1
declare @x int
set @x = 5
select @@rowcount as rc3
select @x = v from dbo.A
select @@rowcount as rc4, @x as last_v
update dbo.A set v = v where 1 = 0
select @@rowcount as rc5, @@error as err
go
create procedure dbo.Opts as
begin
    set nocount on
    set ansi_nulls off
    set rowcount 2
    select Id from dbo.A
end
go
exec dbo.Opts
select count(*) as all_rows from (select Id from dbo.A) x
go
begin try
    begin try
        select 1 / 0 as boom
    end try
    begin catch
        select error_number() as n, error_message() as m, error_line() as l
        raiserror('again %s', 13, 2, 'inner')
        select 'not here'
    end catch
end try
begin catch
    select error_number() as n, error_severity() as s, error_state() as st, error_message() as m
    begin try
        exec ('selec 1')
    end try
    begin catch
        select error_number() as n, error_message() as m
    end catch
    select error_number() as outer_again
end catch
select error_number() as none
go
begin try
    select * from dbo.NoSuchTable
end try
begin catch
    select 'never: the batch could not be bound' as x
end catch
go
begin try
    exec ('select * from dbo.NoSuchTable')
end try
begin catch
    select error_number() as n, error_message() as m
end catch
go
begin try
    exec dbo.NoSuchProc
end try
begin catch
    select error_number() as n
end catch
go
select 1 / 0
print 'goes on'
select cast('x' as int)
print 'batch ended before this'
go
declare @v int = 1
begin
    declare @v2 int = @v + 1
end
while @v2 < 5 set @v2 += 1
select @v2 as v2
if @v2 = 5 print 'five' else print 'other'
go
select @v
go
declare @d datetime = '2024-02-29', @s sysname = N'abc', @n numeric(5, 2) = 12.345, @b bit = 'true', @g uniqueidentifier = '6F9619FF-8B86-D011-B42D-00C04FC964FF'
select @d + 1 as d, @s + N'd' as s, @n as n, @b as b, @g as g, @n / 3 as div, 7 / 2 as i, 7 % 3 as m, -7 / 2 as neg, 7 / 2. as dec, 1e0 / 3 as f, 5 & 3 as a, 5 | 3 as o, 5 ^ 3 as x, ~5 as t
select case when null = null then 1 else 0 end as eq, case when null is null then 1 else 0 end as isn, isnull(null, 'abc') as i, coalesce(null, null, 3) as c
go
create table dbo.C (id int constraint PK_C primary key, v varchar(5))
insert dbo.C values (1, 'a'), (2, 'b'), (2, 'c')
insert dbo.C values (3, 'toolong')
insert dbo.C values (4, 'd')
select * from dbo.C
go
