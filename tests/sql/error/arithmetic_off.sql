-- ARITHABORT and ANSI_WARNINGS off: NULL for what cannot be computed.
create table #t (a int, b tinyint)
insert #t values (1, 0), (6, 3), (2147483647, 1)
go
select a / b from #t
go
set ansi_warnings off
set arithabort off
go
select 1 / 0
select a / b, a + b from #t order by b
select cast(300 as tinyint) as narrow
update #t set a = a / b where b = 0
select a from #t order by b
declare @x int = 5
set @x = 1 / (@x - 5)
select @x, @@error
go
set arithabort on
go
select 1 / 0
go
set ansi_warnings on
go
select 1 / 0
go
