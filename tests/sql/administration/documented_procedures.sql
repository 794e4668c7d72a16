-- Documented procedures that tools and drivers call.
exec sp_helpdbfixedrole
exec sp_helpdbfixedrole 'db_owner'
exec sp_helpdbfixedrole 'nobody'
go
-- A client with Column Encryption Setting = Enabled asks this before each query with parameters: no column is encrypted.
exec sp_describe_parameter_encryption N'select @p + 1, @name', N'@p int, @name nvarchar(20)'
exec sp_describe_parameter_encryption N'select 1'
go
exec sp_describe_parameter_encryption N'select @q', N'@p int'
go
exec sp_describe_parameter_encryption
go
create database spaced
go
use spaced
create table t (id int primary key)
create table #one (database_name sysname, database_size varchar(18), unallocated_space varchar(18), reserved varchar(18), data varchar(18), index_size varchar(18), unused varchar(18))
insert #one exec sp_spaceused @oneresultset = 1
select database_name, iif(database_size like '%.[0-9][0-9] MB', 'megabytes', database_size) as size, iif(reserved like '%[0-9] KB', 'kilobytes', reserved) as reserved from #one
exec sp_spaceused 't'
exec sp_spaceused 't', @mode = 'REMOTE_ONLY'
exec sp_spaceused @mode = 'ELSEWHERE'
go
exec sys.sp_cdc_help_change_data_capture
exec sp_helpntgroup
exec sp_helpextendedproc
go
-- Known, and not here.
exec sp_monitor
go
exec sp_srvrolepermission 'sysadmin'
go
exec msdb.dbo.sp_help_category
go
use master
drop database spaced
go
