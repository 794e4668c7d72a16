create table dbo.shown (id int identity primary key, name nvarchar(50) not null, price decimal(9, 2) null, twice as price * 2);
go
create procedure dbo.list_shown @least int as
begin
    declare @n int = 1;
    select id, name, price from dbo.shown where id >= @least;
end;
go
create procedure dbo.outer_shown as exec dbo.list_shown 1;
go
select column_ordinal, name, is_nullable, system_type_name, max_length, precision, scale, is_identity_column, is_computed_column, error_number
from sys.dm_exec_describe_first_result_set(N'select * from dbo.shown', null, 0);
select column_ordinal, name, system_type_name from sys.dm_exec_describe_first_result_set(N'select @p as p, 1 as one', N'@p varchar(7)', 0);
select column_ordinal, name, error_number, error_severity, error_message, error_type_desc from sys.dm_exec_describe_first_result_set(N'select nothing from dbo.shown', null, 0);
select column_ordinal, name, error_number, error_type_desc from sys.dm_exec_describe_first_result_set(N'select from where', null, 0);
select count(*) as none from sys.dm_exec_describe_first_result_set(N'declare @x int = 1', null, 0);
select column_ordinal, name, system_type_name from sys.dm_exec_describe_first_result_set(N'exec dbo.outer_shown', null, 0);
select column_ordinal, name, system_type_name, source_table from sys.dm_exec_describe_first_result_set_for_object(object_id('dbo.list_shown'), 1);
select error_number, error_message from sys.dm_exec_describe_first_result_set_for_object(object_id('dbo.shown'), 0);
go
select p.name, r.name as column_name, r.system_type_name
from sys.procedures as p cross apply sys.dm_exec_describe_first_result_set_for_object(p.object_id, 0) as r order by p.name, r.column_ordinal;
go
exec dbo.list_shown;2 1;
go
exec sp_describe_first_result_set N'exec dbo.list_shown 1';
go
