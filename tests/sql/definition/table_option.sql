create table dbo.opt (id int not null primary key, big varchar(max), x xml);
go
exec sp_tableoption 'dbo.opt', 'large value types out of row', 1;
select name, large_value_types_out_of_row, text_in_row_limit, lock_on_bulk_load from sys.tables;
insert dbo.opt values (1, 'short', '<a/>'), (2, replicate('x', 7000), null), (3, '', null), (4, null, null);
update dbo.opt set big = 'changed' where id = 2;
select id, big, x from dbo.opt order by id;
select alloc_unit_type_desc, record_count from sys.dm_db_index_physical_stats(db_id(), object_id('dbo.opt'), null, null, 'DETAILED') where index_level = 0;
go
exec sp_tableoption @TableNamePattern = 'opt', @OptionName = 'large value types out of row', @OptionValue = 'off';
insert dbo.opt values (5, 'in the row', null);
update dbo.opt set big = big + '!' where id = 1;
select id, big from dbo.opt order by id;
dbcc checktable ('dbo.opt') with no_infomsgs;
go
exec sp_tableoption 'dbo.opt', 'text in row', 'off';
exec sp_tableoption 'dbo.opt', 'table lock on bulk load', 'false';
exec sp_tableoption 'dbo.opt', 'pintable', 'on';
go
exec sp_tableoption 'dbo.opt', 'text in row', 'on';
go
exec sp_tableoption 'dbo.opt', 'text in row', '7001';
go
exec sp_tableoption 'dbo.opt', 'table lock on bulk load', 'on';
go
exec sp_tableoption 'dbo.opt', 'no such option', 'on';
go
exec sp_tableoption 'dbo.nothing', 'text in row', 'off';
go
exec sp_tableoption 'dbo.opt', 'text in row';
go
