create database Renamed
go
use Renamed
go
create schema sales
go
create table sales.orders(id int constraint pk_orders primary key, customer varchar(20), amount int constraint ck_amount check(amount > 0), twofold as amount * 2)
create index ix_customer on sales.orders(customer)
create statistics st on sales.orders(customer)
create type sales.Name from varchar(20)
create table sales.lines(orders_id int constraint fk_lines references sales.orders(id), n sales.Name constraint df_n default 'x')
insert sales.orders values(1, 'x', 5)
go
create procedure sales.show as select customer from sales.orders
go
create view sales.bound with schemabinding as select id, customer from sales.orders
go
exec sp_rename 'sales.lines', 'order_lines'
select name, schema_name(schema_id) s from sys.tables order by name
insert sales.order_lines(orders_id) values(1)
select * from sales.order_lines
exec sp_rename 'sales.order_lines.n', 'title', 'COLUMN'
select title from sales.order_lines
exec sp_rename 'sales.orders.ix_customer', 'ix_buyer', 'INDEX'
exec sp_rename 'sales.pk_orders', 'pk_o', 'OBJECT'
exec sp_rename 'sales.orders.st', 'st2', 'STATISTICS'
select name from sys.indexes where object_id = object_id('sales.orders') order by index_id
select name, type from sys.objects where parent_object_id = object_id('sales.orders') order by name
exec sp_rename 'sales.orders.pk_o', 'pk_p', 'INDEX'
select name from sys.key_constraints
exec sp_rename @objname = 'sales.fk_lines', @newname = 'fk_l'
exec sp_rename 'sales.df_n', 'df_t'
exec sp_rename 'sales.Name', 'Title', 'USERDATATYPE'
select type_name(user_type_id) from sys.columns where name = 'title'
exec sp_rename 'sales.show', 'list'
exec sales.list
go
-- refused
exec sp_rename 'sales.orders', 'o'
exec sp_rename 'sales.orders.customer', 'c', 'COLUMN'
exec sp_rename 'sales.orders.amount', 'a', 'COLUMN'
exec sp_rename 'sales.order_lines.title', 'orders_id', 'COLUMN'
exec sp_rename 'sales.nothing', 'x'
exec sp_rename 'sales.order_lines.nothing', 'x', 'COLUMN'
exec sp_rename 'sales.order_lines', 'orders'
exec sp_rename 'sales.orders', 'x', 'THING'
exec sp_rename 'sales.orders'
go
begin transaction
exec sp_rename 'sales.order_lines', 'gone'
rollback
select count(*) from sales.order_lines
go
-- extended properties
exec sp_addextendedproperty 'Version', '1.0'
exec sp_addextendedproperty N'MS_Description', N'All orders', N'SCHEMA', N'sales', N'TABLE', N'orders'
exec sys.sp_addextendedproperty @name = N'MS_Description', @value = 42, @level0type = N'SCHEMA', @level0name = N'sales', @level1type = N'TABLE', @level1name = N'orders', @level2type = N'COLUMN', @level2name = N'customer'
exec sp_addextendedproperty N'P', N'of an index', N'SCHEMA', N'sales', N'TABLE', N'orders', N'INDEX', N'ix_buyer'
exec sp_addextendedproperty N'P', N'of a check', N'SCHEMA', N'sales', N'TABLE', N'orders', N'CONSTRAINT', N'ck_amount'
exec sp_addextendedproperty N'P', N'of a schema', N'SCHEMA', N'sales'
exec sp_addextendedproperty N'P', N'of a type', N'SCHEMA', N'sales', N'TYPE', N'Title'
exec sp_addextendedproperty N'P', N'of a file', N'FILEGROUP', N'PRIMARY', N'LOGICAL FILE NAME', N'Renamed'
exec sp_addextendedproperty N'P', N'of a user', N'USER', N'dbo'
select class, class_desc, case when class = 1 then object_name(major_id) end o, minor_id, name, value, sql_variant_property(value, 'BaseType') t from sys.extended_properties order by class, minor_id, o, name
exec sp_addextendedproperty 'Version', '1.0'
exec sp_updateextendedproperty 'Version', '2.0'
exec sp_updateextendedproperty 'Nothing', '2.0'
exec sp_dropextendedproperty 'Nothing', 'SCHEMA', 'sales'
exec sp_addextendedproperty N'P', N'x', N'SCHEMA', N'sales', N'TABLE', N'none'
select objtype, objname, name, value from fn_listextendedproperty(null, null, null, null, null, null, null)
select objtype, objname, name, value from fn_listextendedproperty(null, 'schema', 'sales', 'table', 'orders', 'column', null)
select objtype, objname, name, value from fn_listextendedproperty('MS_Description', 'schema', 'sales', 'table', default, null, null)
exec sp_dropextendedproperty 'Version'
select count(*) from sys.extended_properties
drop view sales.bound
drop table sales.order_lines
drop table sales.orders
select class, name from sys.extended_properties order by class
dbcc checkdb(Renamed) with no_infomsgs
go
