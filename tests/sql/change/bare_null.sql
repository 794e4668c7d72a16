-- A bare NULL of a select list goes into a column of every type.
create table #t (a int, d date, u uniqueidentifier, x xml, o datetimeoffset, h hierarchyid, b varbinary(10))
insert #t select 1, null, null, null, null, null, null
insert #t (a, d) select top 1 2, null from (values (1), (2)) v(x)
select a, d, u, x, o, h, b from #t
go
create table t (a int, d date)
create table log (a int, d date)
insert t (a, d) output inserted.a, null into log (a, d) select 3, null
select a, d from t
select a, d from log
insert t select a, null from log union all select 4, null
select a, d from t
go
drop table t, log
