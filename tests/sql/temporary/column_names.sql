-- Names of columns are unique in temporary tables, too.
create table #t (a int, A int)
go
declare @t table (a int, b int, b as 1)
go
create table #u (a int, b int)
alter table #u add b int
go
drop table #u
go
