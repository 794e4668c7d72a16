-- A small test framework in the manner of tSQLt: fake tables by renaming, assertions that throw, tests found by name, results kept over a rollback.
create database Tested
go
use Tested
go
create schema app
go
create schema tst
go
create table app.Invoice (Id int identity primary key, Customer varchar(20) not null, Net money not null check (Net > 0), Vat as cast(Net * 0.2 as money))
go
create procedure app.AddInvoice @c varchar(20), @net money as
insert app.Invoice (Customer, Net) values (@c, @net)
return scope_identity()
go
create function app.Gross (@c varchar(20)) returns money as begin return (select sum(Net + Vat) from app.Invoice where Customer = @c) end
go
create procedure tst.AssertEquals @expected sql_variant, @actual sql_variant, @message nvarchar(200) = N'' as
begin
    if @expected = @actual or (@expected is null and @actual is null) return 0
    declare @m nvarchar(2048) = concat(@message, iif(@message = N'', N'', N': '), N'expected <', isnull(cast(@expected as nvarchar(max)), N'NULL'), N'> but was <', isnull(cast(@actual as nvarchar(max)), N'NULL'), N'>')
    ;throw 60000, @m, 1
end
go
create procedure tst.FakeTable @schema sysname, @table sysname as
begin
    declare @full nvarchar(300) = quotename(@schema) + N'.' + quotename(@table), @new sysname = @table + N'_original', @sql nvarchar(max)
    exec sp_rename @full, @new
    set @sql = N'select top 0 ' + stuff((select N', ' + case when c.is_computed = 1 then N'cast(null as ' + type_name(c.user_type_id) + N') as ' when c.is_identity = 1 then N'cast(null as int) as ' else N'' end + quotename(c.name)
      from sys.columns c where c.object_id = object_id(quotename(@schema) + N'.' + quotename(@new)) order by c.column_id for xml path(''), type).value('.', 'nvarchar(max)'), 1, 2, N'')
      + N' into ' + @full + N' from ' + quotename(@schema) + N'.' + quotename(@new)
    exec (@sql)
end
go
create procedure tst.[test gross adds vat] as
begin
    declare @id int
    exec @id = app.AddInvoice 'ann', 100
    exec app.AddInvoice 'ann', 50
    declare @g money = app.Gross('ann')
    exec tst.AssertEquals 180, @g
end
go
create procedure tst.[test gross of a faked table] as
begin
    exec tst.FakeTable 'app', 'Invoice'
    insert app.Invoice (Customer, Net, Vat) values ('bob', -5, 1)
    declare @g money = app.Gross('bob')
    exec tst.AssertEquals -4, @g, N'fake'
end
go
create procedure tst.[test fails] as
begin
    declare @n int = (select count(*) from app.Invoice)
    exec tst.AssertEquals 1, @n, N'rows'
end
go
create procedure tst.[test errors] as exec app.AddInvoice 'x', 0
go
create procedure tst.RunAll as
begin
    set nocount on
    declare @results table (Name sysname, Outcome varchar(10), Message nvarchar(2048))
    declare @name sysname, @call nvarchar(300)
    declare tests cursor local static for select p.name from sys.procedures p join sys.schemas s on s.schema_id = p.schema_id where s.name = 'tst' and p.name like 'test%' order by p.name
    open tests
    fetch next from tests into @name
    while @@fetch_status = 0
    begin
        begin tran
        begin try
            set @call = N'tst.' + quotename(@name)
            exec @call
            insert @results values (@name, 'ok', null)
        end try
        begin catch
            insert @results values (@name, iif(error_number() = 60000, 'failed', 'error'), error_message())
        end catch
        if @@trancount > 0 rollback
        fetch next from tests into @name
    end
    close tests
    deallocate tests
    select * from @results order by Name
    select Outcome, count(*) as n from @results group by Outcome order by Outcome
end
go
exec tst.RunAll
go
select name from sys.tables order by name
select count(*) as invoices from app.Invoice
go
