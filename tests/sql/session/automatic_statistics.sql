create database Auto
go
use Auto
create table orders(id int not null primary key, customer int not null, state varchar(10) not null, note nvarchar(max) null, total as id * 2, at date null)
create table small(id int not null primary key, v int)
insert orders(id, customer, state, at) select value, value % 50, iif(value % 100 = 0, 'open', 'done'), dateadd(day, value % 30, '20240101') from generate_series(1, 3000)
insert small select value, value from generate_series(1, 100)
go
create view made as
select object_name(s.object_id) t, c.name col, s.auto_created auto, s.user_created [user], s.no_recompute nr, p.rows, p.rows_sampled sampled, p.modification_counter changes,
  iif(s.name = concat('_WA_Sys_', convert(char(8), convert(binary(4), c.column_id), 2), '_', convert(char(8), convert(binary(4), s.object_id), 2)), 'as documented', s.name) name
from sys.stats s join sys.stats_columns k on k.object_id = s.object_id and k.stats_id = s.stats_id and k.stats_column_id = 1
join sys.columns c on c.object_id = s.object_id and c.column_id = k.column_id
cross apply sys.dm_db_stats_properties(s.object_id, s.stats_id) p
where s.object_id in (object_id('orders'), object_id('small')) and s.stats_id > 1
go
select count(*) n from orders where state = 'open'
select t, col, auto, [user], nr, rows, sampled, changes, name from made order by t, col
go
-- of a join, a group and a column of a small table; not of what no page holds
select count(*) n from orders o join small s on s.v = o.customer where o.at > '20240115' and o.total > 10
select customer, count(*) n from orders where customer < 2 group by customer order by customer
select t, col, auto, rows, name from made order by t, col
go
-- out of date: 500 and a fifth of the rows
update orders set customer = customer + 1000 where id <= 1000
select count(*) n from orders where customer = 1001 and id > 0
select col, changes from made where col = 'customer'
update orders set customer = customer + 1000 where id <= 200
select count(*) n from orders where customer = 2001 and id > 1
select col, changes from made where col = 'customer'
go
-- switched off for one, and for all
update statistics orders with norecompute
update orders set customer = customer + 1
select count(*) n from orders where customer = 2001 and id > 2
select col, nr, changes from made order by col
exec sp_autostats 'orders', 'on'
select col, nr, changes from made order by col
alter database Auto set auto_create_statistics off
alter database Auto set auto_update_statistics off
select count(*) n from orders where note is null
update orders set customer = customer - 1
select count(*) n from orders where customer = 2001 and id > 3
select col, changes from made where col in ('note', 'customer') order by col
alter database Auto set auto_create_statistics on
alter database Auto set auto_update_statistics on
select count(*) n from orders where customer = 2001 and id > 4
select col, changes from made where col = 'customer'
go
-- within a transaction that has changed and locked the table
begin transaction
update orders set state = 'late' where id < 5
select count(*) n from orders where note is null and id > 0
rollback
select col from made where col = 'note'
go
-- one that holds the table's definition: nothing is waited for
begin transaction
alter table orders add extra int null
select count(*) n from orders where extra is null
commit
select count(*) n from made where col = 'extra'
select count(*) n from orders where extra is null and id > 0
select count(*) n from made where col = 'extra'
go
-- a column takes what the server made with it, but not what somebody else made
alter table orders drop column extra
create statistics mine on orders(at)
alter table orders drop column at
drop statistics orders.mine
alter table orders alter column customer bigint not null
select col from made order by col
go
use master
drop database Auto
