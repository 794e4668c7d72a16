-- An online shop: orders as XML and JSON, stock kept by triggers, audit, soft delete through a view, paging search.
create database Shop
go
use Shop
go
create schema sales
go
create schema audit authorization dbo create table audit.Log (Id bigint identity primary key, TableName sysname, Op char(1), KeyValue int, Old xml, New xml, At datetime2 default sysutcdatetime())
go
create table sales.Product (ProductId int identity primary key, Sku varchar(20) not null unique, Name nvarchar(100) not null, Price decimal(9, 2) not null check (Price >= 0), Stock int not null default 0, Deleted bit not null default 0, Tags nvarchar(max) check (isjson(Tags) = 1))
create table sales.[Order] (OrderId int identity(100, 1) primary key, Customer nvarchar(50) not null, Placed datetime2(3) not null, Total as (cast(null as decimal(9, 2))), Status tinyint not null default 0)
create table sales.OrderLine (OrderId int not null references sales.[Order] on delete cascade, LineNo_ smallint not null, ProductId int not null references sales.Product, Qty smallint not null check (Qty between 1 and 100), Price decimal(9, 2) not null, Amount as Qty * Price persisted, primary key (OrderId, LineNo_))
go
create trigger sales.OrderLine_Stock on sales.OrderLine after insert, delete as
set nocount on
update p set Stock -= d.Qty
from sales.Product p join (select ProductId, sum(q) as Qty from (select ProductId, Qty as q from inserted union all select ProductId, -Qty from deleted) x group by ProductId) d on d.ProductId = p.ProductId
if exists (select * from sales.Product where Stock < 0) throw 51000, N'Out of stock.', 1
go
create trigger sales.Product_Audit on sales.Product for update as
set nocount on
if not update(Price) and not update(Name) return
insert audit.Log (TableName, Op, KeyValue, Old, New)
select N'Product', 'U', i.ProductId,
 (select d.Name as [@name], d.Price as [price] for xml path('p'), type), (select i.Name as [@name], i.Price as [price] for xml path('p'), type)
from inserted i join deleted d on d.ProductId = i.ProductId where i.Price <> d.Price or i.Name <> d.Name
go
create view sales.LiveProduct as select ProductId, Sku, Name, Price, Stock from sales.Product where Deleted = 0
go
create trigger sales.LiveProduct_Delete on sales.LiveProduct instead of delete as
update p set Deleted = 1 from sales.Product p join deleted d on d.ProductId = p.ProductId
go
set nocount on
insert sales.Product (Sku, Name, Price, Stock, Tags) values ('A-1', N'Anvil', 19.99, 10, N'["heavy","iron"]'), ('B-2', N'Bell', 5, 3, N'{"colour":"brass","sizes":[1,2,3]}'), ('C-3', N'Candle', 0.5, 100, null)
go
insert sales.Product (Sku, Name, Price, Tags) values ('X', N'x', 1, N'not json')
go
create procedure sales.PlaceOrder @json nvarchar(max), @orderId int output as
begin
    set nocount, xact_abort on
    begin tran
    insert sales.[Order] (Customer, Placed) select customer, placed from openjson(@json) with (customer nvarchar(50) '$.customer', placed datetime2(3) '$.placed')
    set @orderId = scope_identity()
    insert sales.OrderLine (OrderId, LineNo_, ProductId, Qty, Price)
    select @orderId, row_number() over (order by cast(l.[key] as int)), p.ProductId, j.qty, p.Price
    from openjson(@json, '$.lines') l cross apply openjson(l.value) with (sku varchar(20), qty smallint) j join sales.LiveProduct p on p.Sku = j.sku
    commit
end
go
declare @id int
exec sales.PlaceOrder N'{"customer":"Zoë","placed":"2024-05-06T07:08:09.123","lines":[{"sku":"A-1","qty":2},{"sku":"C-3","qty":10},{"sku":"nope","qty":1}]}', @id output
select @id as id
exec sales.PlaceOrder @json = N'{"customer":"Max","placed":"2024-05-07","lines":[{"sku":"B-2","qty":3}]}', @orderId = @id out
select @id as id
go
declare @id int
exec sales.PlaceOrder N'{"customer":"Max","placed":"2024-05-07","lines":[{"sku":"B-2","qty":1}]}', @id output
go
select @@trancount as tc, (select count(*) from sales.[Order]) as orders
select Sku, Stock from sales.Product order by Sku
select OrderId, LineNo_, ProductId, Qty, Price, Amount from sales.OrderLine order by OrderId, LineNo_
go
update sales.Product set Price = Price * 1.1 where Sku in ('A-1', 'B-2')
update sales.Product set Stock += 1
select KeyValue, Old, New, New.value('(/p/price)[1]', 'decimal(9,2)') - Old.value('(/p/price)[1]', 'decimal(9,2)') as rise from audit.Log order by KeyValue
go
delete sales.LiveProduct where Sku = 'C-3'
select Sku, Deleted from sales.Product order by Sku
select count(*) as live from sales.LiveProduct
go
select o.OrderId as '@id', o.Customer as 'customer/name', (select l.LineNo_ as '@no', p.Sku as 'sku', l.Amount as 'amount' from sales.OrderLine l join sales.Product p on p.ProductId = l.ProductId where l.OrderId = o.OrderId order by l.LineNo_ for xml path('line'), type) as 'lines'
from sales.[Order] o order by o.OrderId for xml path('order'), root('orders')
go
select o.OrderId as id, o.Customer as [customer.name], json_query((select l.LineNo_ as no, l.Amount as amount from sales.OrderLine l where l.OrderId = o.OrderId order by l.LineNo_ for json path)) as lines, o.Status as st, null as nothing
from sales.[Order] o order by o.OrderId for json path, root('orders'), include_null_values
go
select [Order].OrderId, [Order].Customer, line.ProductId, line.Qty from sales.[Order] join sales.OrderLine line on line.OrderId = [Order].OrderId order by [Order].OrderId, line.LineNo_ for xml auto
select OrderId, Customer from sales.[Order] order by OrderId for xml raw('o'), elements, root('r')
select OrderId, Status from sales.[Order] order by OrderId for json auto, without_array_wrapper
go
select Sku, json_value(Tags, '$[0]') as first_tag, json_value(Tags, '$.colour') as colour, json_query(Tags, '$.sizes') as sizes, (select count(*) from openjson(Tags)) as n from sales.Product order by Sku
select json_value(Tags, 'strict $.colour') from sales.Product where Sku = 'A-1'
go
update sales.Product set Tags = json_modify(json_modify(Tags, 'append $.sizes', 4), '$.colour', 'gold') where Sku = 'B-2'
select Tags from sales.Product where Sku = 'B-2'
select p.Sku, s.[key], s.value, s.type from sales.Product p cross apply openjson(p.Tags, 'lax $.sizes') s order by p.Sku, s.[key]
go
declare @x xml = N'<orders><order id="1"><sku>A-1</sku><qty>5</qty></order><order id="2"><sku>B-2</sku></order></orders>'
select o.value('@id', 'int') as id, o.value('(sku/text())[1]', 'varchar(20)') as sku, o.value('(qty)[1]', 'int') as qty, o.exist('qty') as has_qty, o.query('sku') as q from @x.nodes('/orders/order') t(o)
set @x.modify('insert <qty>9</qty> into (/orders/order[@id="2"])[1]')
set @x.modify('replace value of (/orders/order[1]/qty/text())[1] with "6"')
set @x.modify('delete /orders/order[1]/@id')
select @x as x
go
create procedure sales.Search @term nvarchar(50) = null, @min decimal(9, 2) = null, @sort sysname = N'Name', @page int = 1, @size int = 2 as
begin
    declare @sql nvarchar(max) = N'select Sku, Name, Price, count(*) over () as total from sales.Product where 1 = 1'
    if @term is not null set @sql += N' and Name like N''%'' + @term + N''%'''
    if @min is not null set @sql += N' and Price >= @min'
    if @sort not in (N'Name', N'Price', N'Sku') begin raiserror(N'Cannot sort by %s.', 16, 1, @sort) return -1 end
    set @sql += N' order by ' + quotename(@sort) + N', ProductId offset (@page - 1) * @size rows fetch next @size rows only'
    exec sp_executesql @sql, N'@term nvarchar(50), @min decimal(9,2), @page int, @size int', @term, @min, @page, @size
    return @@rowcount
end
go
declare @r int
exec @r = sales.Search @page = 2
select @r as r
exec @r = sales.Search N'LL', @sort = N'Price'
exec @r = sales.Search @sort = N'1; drop table x'
select @r as r
go
delete sales.[Order] where OrderId = 101
select Sku, Stock from sales.Product order by Sku
go
