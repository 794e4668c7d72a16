create database Cursors
go
use Cursors
create table t(id int primary key, name varchar(20) not null)
insert t values(1, 'one'), (2, 'two'), (3, 'three')
go
create procedure Opens @c cursor varying output, @skip int = 0 as
begin
  set nocount on
  set @c = cursor forward_only static for select id, name from t order by id
  open @c
  declare @id int, @name varchar(20)
  while @skip > 0 begin fetch next from @c into @id, @name set @skip -= 1 end
end
go
create procedure Closed @c cursor varying output as set @c = cursor for select 1
go
create procedure Nothing @c cursor varying output as return 5
go
select name, is_output, is_cursor_ref from sys.parameters where object_id = object_id('Opens') order by parameter_id
go
declare @c cursor, @id int, @name varchar(20), @r int
select cursor_status('variable', '@c') before, cursor_status('variable', '@d') missing, cursor_status('local', '@c') other
exec Opens @c output
select cursor_status('variable', '@c') opened
fetch next from @c into @id, @name
while @@fetch_status = 0 begin print @name fetch next from @c into @id, @name end
close @c
select cursor_status('variable', '@c') closed
deallocate @c
select cursor_status('variable', '@c') gone
exec Opens @c = @c output, @skip = 2
fetch next from @c
deallocate @c
exec Closed @c output
select cursor_status('variable', '@c') closed
deallocate @c
exec @r = Nothing @c output
select cursor_status('variable', '@c') nothing, @r r
go
declare @c cursor
exec Opens @c output
exec Opens @c output
go
declare @c cursor
exec Opens @c
go
declare @c int
exec Opens @c output
go
exec Opens
go
declare @c cursor
exec sp_executesql N'set @p = cursor local for select name from t where id > @i; open @p', N'@p cursor output, @i int', @c output, 1
fetch next from @c
select cursor_status('variable', '@c') s
go
create procedure Bad @c cursor as return
go
declare k cursor global static for select id, name from t
declare l cursor local keyset for select id from t
open k
fetch next from k
declare @list cursor
exec sp_cursor_list @list output, 3
declare @reference sysname, @name sysname, @scope smallint, @status smallint, @model smallint, @concurrency smallint, @scrollable smallint, @open smallint, @rows decimal(10), @fetch smallint, @columns smallint, @count decimal(10), @last smallint, @handle int
fetch next from @list into @reference, @name, @scope, @status, @model, @concurrency, @scrollable, @open, @rows, @fetch, @columns, @count, @last, @handle
while @@fetch_status = 0 begin
  select @reference reference, @scope scope, @status status, @model model, @concurrency concurrency, @scrollable scrollable, @open is_open, @rows rows, @fetch fetched, @columns columns, @count n, @last lastly
  fetch next from @list into @reference, @name, @scope, @status, @model, @concurrency, @scrollable, @open, @rows, @fetch, @columns, @count, @last, @handle
end
close @list deallocate @list
exec sp_describe_cursor_columns @list output, N'global', N'k'
fetch next from @list
fetch next from @list
deallocate @list
exec sp_describe_cursor_tables @list output, N'global', N'k'
declare @owner sysname, @table sysname, @hint smallint, @lock smallint, @server sysname, @object int, @db int, @dbname sysname
fetch next from @list into @owner, @table, @hint, @lock, @server, @object, @db, @dbname
select @owner owner, @table [table], @dbname db, iif(@object = object_id('t'), 'same', 'other') object
deallocate @list
exec sp_describe_cursor @list output, N'local', N'nobody'
go
deallocate k
use master
drop database Cursors
