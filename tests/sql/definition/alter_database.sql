create database Options
go
create table Options.dbo.kept(a int)
insert Options.dbo.kept values(1)
go
select user_access_desc, is_read_only, state_desc, is_auto_create_stats_on, is_auto_update_stats_async_on, is_ansi_nulls_on, is_recursive_triggers_on,
  is_trustworthy_on, is_parameterization_forced, recovery_model_desc, compatibility_level, target_recovery_time_in_seconds, delayed_durability_desc
from sys.databases where name = 'Options'
alter database Options set auto_create_statistics off, auto_update_statistics_async on, ansi_nulls on, trustworthy on
alter database Options set parameterization forced
alter database Options set recovery simple
alter database Options set compatibility_level = 130
alter database Options set target_recovery_time = 120 seconds
alter database Options set delayed_durability = allowed
select user_access_desc, is_read_only, state_desc, is_auto_create_stats_on, is_auto_update_stats_async_on, is_ansi_nulls_on, is_recursive_triggers_on,
  is_trustworthy_on, is_parameterization_forced, recovery_model_desc, compatibility_level, target_recovery_time_in_seconds, delayed_durability_desc
from sys.databases where name = 'Options'
select databasepropertyex('Options', 'IsAnsiNullsEnabled'), databasepropertyex('Options', 'UserAccess')
go
-- what is so anyway, and what is not there
alter database Options set auto_close off, auto_shrink off, cursor_default global, cursor_close_on_commit off
alter database Options set disable_broker
alter database Options set query_store = off
alter database Options set page_verify checksum
alter database Options set auto_shrink on
alter database Options set query_store = on
alter database Options set nonsense on
alter database Nowhere set recovery simple
alter database master set read_only
alter database Options set trustworthy maybe
alter database Options collate SQL_Latin1_General_CP1_CI_AS
alter database Options collate Latin1_General_BIN
alter database Options add log file (name = x, filename = 'x.ldf')
go
alter database Options set read_only with rollback immediate
select is_read_only, databasepropertyex('Options', 'Updateability') from sys.databases where name = 'Options'
select * from Options.dbo.kept
insert Options.dbo.kept values(2)
go
create table Options.dbo.refused(a int)
go
alter database Options set read_write
insert Options.dbo.kept values(2)
select * from Options.dbo.kept
alter database Options set offline
select state_desc from sys.databases where name = 'Options'
select * from Options.dbo.kept
go
use Options
go
alter database Options set online
select * from Options.dbo.kept
alter database Options set single_user with rollback immediate
select user_access_desc from sys.databases where name = 'Options'
use Options
alter database current set multi_user
select user_access_desc from sys.databases where name = 'Options'
alter database Options set restricted_user with no_wait
select databasepropertyex('Options', 'UserAccess')
alter database Options set multi_user
go
use master
alter database Options modify name = Renamed
select name from sys.databases where database_id > 4
select * from Renamed.dbo.kept
exec sp_renamedb 'Renamed', 'Options'
alter database Options modify name = master
alter database Nowhere modify name = x
use Options
alter database Options modify name = Again
select db_name()
alter database Again modify name = Options
go
alter database Options modify file (name = Options, size = 20 MB)
alter database Options modify file (name = Options, maxsize = 100 MB, filegrowth = 5 MB)
select name, size, max_size, growth, is_percent_growth from sys.database_files where file_id = 1
alter database Options modify file (name = Options, maxsize = unlimited, filegrowth = 10 %)
select name, size, max_size, growth, is_percent_growth from sys.database_files where file_id = 1
alter database Options modify file (name = Options, size = 10 MB)
alter database Options modify file (name = Nothing, size = 100 MB)
alter database Options modify file (name = Options_log, size = 100 MB)
dbcc shrinkfile(1, 10)
dbcc shrinkdatabase(Options)
go
create table n(a int)
go
create trigger again on n after insert as if exists(select * from inserted where a < 5) insert n select a + 1 from inserted
go
insert n values(1)
select * from n order by a
alter database Options set recursive_triggers on
truncate table n
insert n values(1)
select * from n order by a
dbcc checkdb(Options) with no_infomsgs
go
-- what the publish scripts of tools set
create database Publish
go
alter database Publish set cursor_default local, page_verify none, date_correlation_optimization off with rollback immediate
select is_local_cursor_default, page_verify_option_desc from sys.databases where name = 'Publish'
go
use Publish
go
create proc leaves as begin declare c cursor for select 1 open c end
go
exec leaves
exec leaves
exec('declare d cursor global for select 2')
open d fetch d close d deallocate d
alter database Publish set cursor_default global, page_verify checksum
exec leaves
select is_local_cursor_default, page_verify_option_desc from sys.databases where name = 'Publish'
close c deallocate c
use master
drop database Publish
go
