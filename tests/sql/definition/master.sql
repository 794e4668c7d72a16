-- Objects of people in master: they are kept there, and what begins with sp_ is found from everywhere.
create database Own
go
use master
go
create table dbo.CommandLog (ID int identity primary key, DatabaseName sysname null, Command nvarchar(max) not null)
go
insert dbo.CommandLog (DatabaseName, Command) values (N'x', N'y')
begin transaction
insert dbo.CommandLog (Command) values (N'taken back')
rollback
select ID, DatabaseName, Command from dbo.CommandLog
go
create procedure dbo.sp_where as
begin
    select db_name() db, db_id() - 5 id,
        (select count(*) from sys.objects where name = 'only_in_own') catalog_view,
        (select count(*) from sysobjects where name = 'only_in_own') old_view,
        (select count(*) from information_schema.tables where table_name = 'only_in_own') standard_view,
        case when object_id('only_in_own') is null then 'no' else 'yes' end function_
    exec ('select count(*) text_of_its_own from sys.objects where name = ''only_in_own''')
    insert dbo.CommandLog (Command) values (N'from ' + db_name())
end
go
create procedure dbo.sp_marked as
select db_name() db, count(*) n from sys.objects where name = 'only_in_own'
go
exec sp_MS_marksystemobject 'dbo.sp_marked'
exec sp_ms_marksystemobject 'dbo.nothing_of_the_kind'
select name, is_ms_shipped from sys.procedures order by name
go
create procedure dbo.sp_calls_helper as exec dbo.helper
go
create procedure dbo.helper as select db_name() helper_runs_in
go
create table dbo.sp_shared (a int)
insert dbo.sp_shared values (42)
go
create view dbo.sp_view as select a * 2 b from dbo.sp_shared
go
create function dbo.twice(@a int) returns int as begin return @a * 2 end
go
create type dbo.Name from nvarchar(40) not null
go
create schema extra
go
create synonym dbo.log_ for dbo.CommandLog
go
select * into dbo.copied from dbo.CommandLog
alter table dbo.copied add more int null
create index IX_copied on dbo.copied (DatabaseName)
select name, type from sys.objects where is_ms_shipped = 0 and parent_object_id = 0 order by name
select name from sys.schemas where name = 'extra'
go
use Own
go
create table dbo.only_in_own (a int)
go
exec sp_where
exec dbo.sp_marked
exec sp_calls_helper
exec helper
select a from sp_shared
insert sp_shared values (43)
update dbo.sp_shared set a = 44 where a = 43
delete sp_shared where a = 44
select b from dbo.sp_view
select master.dbo.twice(21) as twice
select count(*) n from master.dbo.CommandLog
select Command from master..log_ where ID = 2
go
-- the database's own comes first
create procedure dbo.sp_where as select 'own' whose
go
exec sp_where
drop procedure sp_where
go
use master
go
exec Own..sp_marked
exec Own.dbo.sp_where
exec sp_marked
exec Own.dbo.helper
go
-- it stays and keeps its name
drop database master
go
alter database master set offline
go
alter database master modify name = other
go
alter database msdb set single_user
go
alter database master set recovery full
select recovery_model_desc from sys.databases where name = 'master'
go
exec sp_detach_db 'master'
go
dbcc checkdb ('master') with no_infomsgs
go
select name, type_desc, file_name = substring(physical_name, charindex('/system/', physical_name), 40) from master.sys.database_files
go
-- everybody is guest there, with what guest and public were given
create login visitor with password = N'Str0ng-pass'
go
-- as visitor
select db_name() db, user_name() me, has_perms_by_name('dbo.CommandLog', 'OBJECT', 'SELECT') may
select name from sys.tables
exec sp_where
go
grant execute on dbo.sp_where to public
grant select on dbo.sp_shared to guest
go
-- as visitor
exec sp_where
select a from sp_shared
select ID from dbo.CommandLog
go
use msdb
go
create table dbo.MyJobs (a int)
insert dbo.MyJobs values (1)
select count(*) n, (select count(*) from sysjobs) jobs from MyJobs
go
-- a text in another database
use Own
go
declare @where nvarchar(300) = quotename('master') + '.sys.sp_executesql', @answer sysname
exec @where N'select @name = db_name(); select count(*) n from dbo.sp_shared', N'@name sysname output', @answer output
select @answer answer, db_name() still_in
exec master.sys.sp_executesql @stmt = N'create table dbo.made_there (a int)'
select name from master.sys.tables where name = 'made_there'
go
-- tempdb: until the server stops; what begins with # until the session ends
use tempdb
go
create table dbo.shared_work (a int)
insert dbo.shared_work values (1), (2)
create table #own (b int)
select name from sys.tables where name not like '#%'
select count(*) n, (select count(*) from tempdb.sys.columns where object_id = object_id('tempdb..#own')) own_columns from dbo.shared_work
go
create procedure dbo.sum_work as select sum(a) total from tempdb.dbo.shared_work
go
use Own
go
exec tempdb..sum_work
go
create procedure #mine @n int = 1 as select @n n, db_name() db
go
create procedure #mine as select 0
go
exec #mine
exec #mine @n = 3
select case when object_id('tempdb..#mine') is null then 'no' else 'yes' end there
go
alter procedure #mine as select 'other' answer
go
exec #mine
drop procedure #mine
exec #mine
go
drop procedure #mine
go
create procedure ##everybodys as select user_name() me
go
-- as visitor
exec ##everybodys
exec sp_configure 'show advanced options', 1
go
drop procedure ##everybodys
drop procedure if exists #nothing
go
create table #counted (a int)
create statistics s on #counted (a) with sample 0 rows, norecompute
update statistics #counted
create statistics s2 on #counted (b)
go
-- model: what it holds, and its options, come into new databases
use model
go
create table dbo.everywhere (id int identity(5, 2) primary key, name nvarchar(40) not null constraint DF_name default 'x', twice as id * 2)
create index IX_name on dbo.everywhere (name)
insert dbo.everywhere (name) values (N'first'), (N'second')
create table dbo.child (of_id int not null references dbo.everywhere(id))
insert dbo.child values (7)
go
create schema tools
go
create trigger dbo.no_more on dbo.everywhere after insert as raiserror('no more', 16, 1)
go
set quoted_identifier off
go
create procedure tools.say as select "said" text_
go
set quoted_identifier on
go
create view dbo.names as select name from dbo.everywhere
go
create user somebody without login
grant select on dbo.everywhere to public
create partition function pf (int) as range for values (1)
go
alter database model set recovery simple
alter database model set auto_update_statistics_async on
go
create database Simple
select name, recovery_model_desc, is_auto_update_stats_async_on from sys.databases where name in ('model', 'Simple', 'Own') order by name
select id, name, twice from Simple.dbo.everywhere
select of_id from Simple.dbo.child
select name, type from Simple.sys.objects where is_ms_shipped = 0 and type not in ('PK', 'F') order by name
exec Simple.tools.say
insert Simple.dbo.everywhere (name) values (N'third')
select uses_quoted_identifier from Simple.sys.sql_modules where object_id = object_id('Simple.tools.say')
go
dbcc checkdb (Simple) with no_infomsgs
drop table model.dbo.child
drop table model.dbo.everywhere
go
exec sp_configure 'show advanced options', 1
reconfigure
exec sp_configure 'max degree of parallelism', 0
exec sp_configure 'max degree of parallelism', 4
exec sp_configure 'no such option', 1
go
exec xp_dirtree 'C:\no\such\folder'
exec xp_cmdshell 'dir'
go
-- procedures that run when the server starts
use master
go
create procedure dbo.at_start as insert dbo.CommandLog (Command) values (N'started')
go
create procedure dbo.with_parameter @a int as select @a
go
exec sp_procoption 'dbo.at_start', 'startup', 'on'
exec sp_procoption @ProcName = N'dbo.with_parameter', @OptionName = 'startup', @OptionValue = 'true'
exec sp_procoption 'dbo.at_start', 'startup', 'maybe'
exec sp_procoption 'dbo.nothing', 'startup', 'on'
select name, is_auto_executed, objectproperty(object_id, 'ExecIsStartup') starts from sys.procedures where name in ('at_start', 'with_parameter') order by name
go
exec sp_procoption 'dbo.at_start', 'startup', 'off'
select is_auto_executed from sys.procedures where name = 'at_start'
go
use Own
go
create procedure dbo.here as select 1
go
exec sp_procoption 'dbo.here', 'startup', 'on'
exec sp_validatelogins
select event_type, event_info from sys.dm_exec_input_buffer(@@spid, 0)
go
-- logins as scripts that move them read them, from any database
create procedure dbo.uses_nothing as return 0
go
use master
go
create procedure dbo.sp_logins_like @name sysname as
declare @sid varbinary(85), @shown varchar(600), @hash varbinary(256), @access int, @denied int, @db sysname
declare login_curs cursor for select p.sid, p.default_database_name, l.hasaccess, l.denylogin from sys.server_principals p left join sys.syslogins l on l.name = p.name where p.type in ('S', 'G', 'U') and p.name = @name
open login_curs
fetch next from login_curs into @sid, @db, @access, @denied
while @@fetch_status <> -1
begin
    set @hash = cast(loginproperty(@name, 'PasswordHash') as varbinary(256))
    set @shown = 'CREATE LOGIN ' + quotename(@name) + ' WITH PASSWORD = ' + convert(varchar(8), left(sys.fn_varbintohexstr(@hash), 6)) + '... HASHED, SID = ' + sys.fn_varbintohexstr(@sid) + ', DEFAULT_DATABASE = [' + @db + ']'
    if @denied = 1 set @shown += '; DENY CONNECT SQL TO ' + quotename(@name)
    else if @access = 0 set @shown += '; REVOKE CONNECT SQL TO ' + quotename(@name)
    print @shown
    fetch next from login_curs into @sid, @db, @access, @denied
end
close login_curs
deallocate login_curs
go
create login moved with password = 0x02000102030434ea1b17802fd95ea6316bd61d2c94622ca3812793e8fb1672487b5c904a45a31b2ab4a78890d563d2fcf5663e46fe797d71550494be50cf4915d3f4d55ec375 hashed, sid = 0x0102030405060708090A0B0C0D0E0F11
alter server role dbcreator add member moved
go
deny connect sql to moved
go
use Own
go
exec sp_logins_like 'moved'
select name, dbname, hasaccess, denylogin, sysadmin, dbcreator from syslogins where name in ('sa', 'moved') order by name
go
-- as visitor in master
select name, sysadmin from sys.syslogins order by name
exec sp_configure 'show advanced options', 1
go
