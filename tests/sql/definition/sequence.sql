create database Numbers
go
use Numbers
go
create sequence dbo.s as int start with 5 increment by 2 minvalue 1 maxvalue 11 cycle cache 3
create sequence plain
create sequence t as tinyint start with 254
create sequence d as decimal(20, 0) start with 10000000000000000000 increment by -1
go
select name, type_name(user_type_id) t, start_value, increment, minimum_value, maximum_value, is_cycling, is_cached, cache_size, current_value, is_exhausted, last_used_value
from sys.sequences order by name
select next value for dbo.s
select next value for dbo.s as a, next value for dbo.s as b
declare @i int = next value for s
select @i
select next value for s, next value for s
select next value for s
select next value for t
select next value for t
select next value for t
select next value for d, next value for plain
select name, current_value, is_exhausted, last_used_value from sys.sequences order by name
go
create table list(n int not null default (next value for s), m int default next value for s, name varchar(5))
select definition from sys.default_constraints
alter sequence s restart
insert list(name) values('a'), ('b')
insert list values(next value for s, next value for s, 'c'), (next value for s, default, 'd')
insert list(name) select name from list
insert list default values
select * from list
select next value for s over (order by name desc) as n, name from (values('x'), ('z'), ('y')) v(name) order by name
update list set n = next value for plain + 9223372036854775807 where name = 'a'
select n from list where name = 'a'
go
drop sequence s
go
begin transaction
select next value for plain
rollback
select next value for plain
begin transaction
alter sequence plain restart with 100 increment by 10
select next value for plain
rollback
select next value for plain
begin transaction
create sequence late start with 1
select next value for late
rollback
select next value for late
go
declare @first sql_variant, @last sql_variant, @cycles int, @step sql_variant, @min sql_variant, @max sql_variant
alter sequence s restart with 5
exec sys.sp_sequence_get_range @sequence_name = N'dbo.s', @range_size = 5, @range_first_value = @first output, @range_last_value = @last output,
  @range_cycle_count = @cycles output, @sequence_increment = @step output, @sequence_min_value = @min output, @sequence_max_value = @max output
select @first, @last, @cycles, @step, @min, @max
select next value for s
exec sp_sequence_get_range N't', 5, @first output
go
-- what is not allowed
create sequence s
create sequence e1 as varchar(10)
create sequence e2 increment by 0
create sequence e3 as int start with 5 minvalue 10
create sequence e4 as int minvalue 10 maxvalue 10
create sequence e5 as tinyint start with 300
create sequence e6 cache 0
create sequence e7 as int minvalue 1 maxvalue 5 increment by 9
alter sequence s as int
alter sequence s start with 1
alter sequence s maxvalue 6
alter sequence nothing restart
go
select next value for nothing
go
select next value for list
go
select case when 1 = 1 then next value for s end
go
select isnull(next value for s, 1)
go
select name from list where n = next value for s
go
select distinct next value for s from list
go
select next value for s union all select 1
go
select top 1 next value for s from list
go
select next value for s from list order by name
go
select * from (select next value for s as n) x
go
create view v as select next value for s as n
go
alter table list drop constraint no_such
declare @sql nvarchar(max) = (select 'alter table list drop constraint ' + string_agg(name, ', ') from sys.default_constraints)
exec(@sql)
drop sequence s
drop sequence if exists s
drop sequence s
dbcc checkdb(Numbers) with no_infomsgs
go
