-- When a database was last found whole.
create database looked_at
go
use looked_at
create table t (id int primary key)
insert t values (1)
go
select cast(databasepropertyex('looked_at', 'LastGoodCheckDbTime') as datetime) as never
go
create table #info (ParentObject varchar(255), Object varchar(255), Field varchar(255), Value varchar(255))
insert #info exec ('dbcc dbinfo (''looked_at'') with tableresults, no_infomsgs')
select ParentObject, Object, Field, Value from #info where Field in ('dbi_dbccLastKnownGood', 'dbi_dbname', 'dbi_version', 'dbi_cmptlevel', 'dbi_dbccFlags')
select count(*) as fields from #info
go
-- only the whole check counts
dbcc checktable('t') with no_infomsgs
dbcc checkalloc('looked_at') with no_infomsgs
select cast(databasepropertyex('looked_at', 'LastGoodCheckDbTime') as datetime) as never
go
declare @before datetime = getdate()
dbcc checkdb('looked_at') with no_infomsgs
select case when cast(databasepropertyex('looked_at', 'LastGoodCheckDbTime') as datetime) between @before and getdate() then 'now' end as last
truncate table #info
insert #info exec ('dbcc dbinfo with tableresults, no_infomsgs')
select iif(cast(Value as datetime) = databasepropertyex('looked_at', 'LastGoodCheckDbTime'), 'the same', 'other') as last from #info where Field = 'dbi_dbccLastKnownGood'
go
-- it stands in the boot page
declare @noted datetime = cast(databasepropertyex('looked_at', 'LastGoodCheckDbTime') as datetime)
use master
alter database looked_at set offline
select databasepropertyex('looked_at', 'LastGoodCheckDbTime') as closed
alter database looked_at set online
select iif(@noted = databasepropertyex('looked_at', 'LastGoodCheckDbTime'), 'the same', 'other') as opened
go
-- a database that is only read keeps what it says
alter database looked_at set read_only
go
declare @noted datetime = cast(databasepropertyex('looked_at', 'LastGoodCheckDbTime') as datetime)
waitfor delay '00:00:00.02'
dbcc checkdb('looked_at') with no_infomsgs
select iif(@noted = databasepropertyex('looked_at', 'LastGoodCheckDbTime'), 'the same', 'other') as still
go
dbcc dbinfo('looked_at')
go
dbcc dbinfo('nowhere') with tableresults
go
drop database looked_at
go
