-- Texts of one statement that differ in their literals only share a plan: each text still means what it says.
create table goods(id int constraint goods_key primary key, code bigint, name varchar(8), note nvarchar(30), price decimal(9,3), weight float, cost money, made datetime2(0), tag uniqueidentifier)
go
insert into goods(id, code, name, note, price) values (1, 5, 'nail', N'it''s small', 1.25)
go
insert into goods(id, code, name, note, price) values (2, 6, 'bolt', N'it''s large', 9.75)
go
-- More digits, a sign, a number beyond int.
insert into goods(id, code, name, note, price) values (3, 4000000000, 'o''ring', N'''', -100.125)
go
insert into goods(id, code, name, note, price) values (4, -4000000001, '''', N'a''b''c', +0.5)
go
insert into goods(id, weight, cost, made, tag) values (5, 1.5, 10.9999, '2024-02-29', newid())
go
insert into goods(id, weight, cost, made, tag) values (6, 2.5, 20.00005, getdate(), newid())
go
insert into goods(id, weight, cost, made, tag) values (7, .5, 3., current_timestamp, newid())
go
select id, code, name, note, price, weight, cost, case when tag is null then 'none' else 'some' end as tag, case when made > '2024-01-01' then 'made' end as made from goods
go
-- A decimal for a whole number is rounded down or refused as ever.
insert into goods(id, code) values (8, 7.9)
go
insert into goods(id, code) values (8.0, 7.1)
go
insert into goods(id, price) values (9, 1234567.5)
go
insert into goods(id, name) values (9, 'it''s too long')
go
-- Compared and assigned.
select name from goods where id = 3
go
select name from goods where id = 3.0
go
select name from goods where id = 3.5
go
update goods set price = 2.5, name = 'it''s' where id = 1
go
update goods set price = 12.755, name = 'it''d' where id = 2
go
update goods set price = price + 0.0001 where id = 2
go
update goods set code = code + 1.5 where id = 1
go
update goods set code = code - 3000000000 where id = 2
go
delete goods where id = 8.0
go
delete goods where id = 8
go
select id, code, name, price from goods where id = 1
go
select id, code, name, price from goods where id = 2
go
drop table goods
