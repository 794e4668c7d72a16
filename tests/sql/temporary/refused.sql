-- Definitions of temporary tables and table variables that are refused.
create table #t(a timestamp, b timestamp)
go
create table #t(a char(8000), b char(100))
go
declare @t table(a char(8000), b char(100))
go
create table #t(a int primary key clustered, b int unique clustered)
go
create table #t(a int, b timestamp)
alter table #t add c timestamp
alter table #t alter column a timestamp
create index i on #t(a) with(ignore_dup_key = on)
drop table #t
go
create table #t(a nchar(4000))
insert #t values(N'x')
alter table #t add b nchar(100)
alter table #t add b char(40)
alter table #t alter column b char(80)
select len(a) a, b from #t
drop table #t
go
create table #t(a int, b as (select 1))
go
create table #t(a int check(a in (select 1)))
go
