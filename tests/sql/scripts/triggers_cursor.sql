-- Cursors in triggers over inserted and deleted, nested triggers, UPDATE() and COLUMNS_UPDATED(), triggers on several actions, recursion switched off, disabled triggers.
create database Fired
go
use Fired
go
set nocount on
create table dbo.Orders (Id int constraint PK_Orders primary key, Customer varchar(10) not null, Total money not null, Note varchar(20) null)
create table dbo.Totals (Customer varchar(10) constraint PK_Totals primary key, Total money not null, Changes int not null)
create table dbo.Log_ (Id int identity constraint PK_Log primary key, What varchar(100))
go
create trigger dbo.Orders_sum on dbo.Orders after insert, update, delete as
begin
    if @@rowcount = 0 return
    set nocount on
    declare @customer varchar(10), @delta money
    declare changes cursor local fast_forward for
        select Customer, sum(Total) from (select Customer, Total from inserted union all select Customer, -Total from deleted) x group by Customer order by Customer
    open changes
    fetch next from changes into @customer, @delta
    while @@fetch_status = 0
    begin
        update dbo.Totals set Total += @delta, Changes += 1 where Customer = @customer
        if @@rowcount = 0 insert dbo.Totals values (@customer, @delta, 1)
        fetch next from changes into @customer, @delta
    end
    close changes
    deallocate changes
end
go
create trigger dbo.Orders_log on dbo.Orders for update as
begin
    set nocount on
    declare @m varchar(100) = concat(iif(update(Total), 'total ', ''), iif(update(Note), 'note ', ''), 'bits ', convert(varchar(10), columns_updated(), 1), ' level ', trigger_nestlevel())
    insert dbo.Log_ values (@m)
end
go
create trigger dbo.Totals_log on dbo.Totals after update as
    insert dbo.Log_ select concat('totals of ', i.Customer, ' ', d.Total, ' -> ', i.Total, ' level ', trigger_nestlevel()) from inserted i join deleted d on d.Customer = i.Customer
go
insert dbo.Orders values (1, 'ann', 10, null), (2, 'bob', 20, null), (3, 'ann', 5, null)
select * from dbo.Totals order by Customer
update dbo.Orders set Total += 1, Note = 'x' where Customer = 'ann'
update dbo.Orders set Note = 'y' where Id = 99
update dbo.Orders set Customer = 'bob' where Id = 3
delete dbo.Orders where Id = 1
select * from dbo.Totals order by Customer
select What from dbo.Log_ order by Id
go
disable trigger dbo.Orders_sum on dbo.Orders
insert dbo.Orders values (9, 'cyd', 1, null)
enable trigger dbo.Orders_sum on dbo.Orders
select count(*) as cyd from dbo.Totals where Customer = 'cyd'
go
merge dbo.Orders as t using (values (2, 'bob', 25), (9, 'cyd', 2), (10, 'dan', 7)) as s (Id, Customer, Total) on t.Id = s.Id
when matched and s.Id = 9 then delete
when matched then update set Total = s.Total
when not matched then insert (Id, Customer, Total) values (s.Id, s.Customer, s.Total);
select * from dbo.Totals order by Customer
go
alter trigger dbo.Orders_log on dbo.Orders for update as
    if exists (select * from inserted i join deleted d on d.Id = i.Id where i.Total < d.Total)
    begin
        raiserror('Totals do not fall.', 16, 3)
        rollback transaction
    end
go
update dbo.Orders set Total = Total - 1 where Id = 2
print 'not reached'
go
select Id, Total from dbo.Orders order by Id
begin tran
update dbo.Orders set Total = Total + 1 where Id = 2
save tran before_
insert dbo.Orders values (11, 'ann', 3, null)
rollback tran before_
commit
select Customer, Total from dbo.Totals order by Customer
go
drop trigger dbo.Orders_log, dbo.Totals_log
select name, (select string_agg(e.type_desc, ',') within group (order by e.type) from sys.trigger_events e where e.object_id = t.object_id) as events from sys.triggers t order by name
go
