create database Arguments
go
use Arguments
go
create type dbo.Words as table(id int not null primary key, word varchar(20))
create type dbo.Other as table(id int not null primary key, word varchar(20))
go
create function dbo.Joined(@w dbo.Words readonly, @sep varchar(5) = ', ') returns varchar(200) as
begin return (select string_agg(word, @sep) within group (order by id) from @w) end
go
create function dbo.Longer(@w dbo.Words readonly, @than int = 3) returns table as
return select w.id, w.word, len(w.word) as n from @w w where len(w.word) > @than
go
create function dbo.Twice(@w dbo.Words readonly) returns @r table(id int, word varchar(50)) as
begin
  insert @r select id, word + word from @w
  insert @r select -id, word from dbo.Longer(@w, 4)
  insert @r values(100, dbo.Joined(@w, '/'))
  return
end
go
select object_name(object_id) o, name, type_name(user_type_id) t, is_readonly from sys.parameters where object_id in (object_id('Longer'), object_id('Joined')) order by 1, parameter_id
go
declare @w dbo.Words
insert @w values(1, 'one'), (2, 'three'), (3, 'seventeen')
select dbo.Joined(@w, default) a, dbo.Joined(@w, '-') b
select * from dbo.Longer(@w, default)
select * from dbo.Longer(@w, 5)
select * from dbo.Twice(@w) order by id
select w.id, l.n from @w w outer apply (select * from dbo.Longer(@w, 4) x where x.id = w.id) l order by w.id
declare @s varchar(200) = dbo.Joined(@w, '+')
print @s
set @s = dbo.Joined(default, '+')
select @s s
select count(*) c from dbo.Longer(default, 1)
select count(*) c from dbo.Twice(default)
if dbo.Joined(@w, '') = 'onethreeseventeen' print 'same'
delete @w where id = 2
select dbo.Joined(@w, default) a
go
create procedure Uses @w dbo.Words readonly as select dbo.Joined(@w, ';') j, (select count(*) from dbo.Longer(@w, 3)) n
go
declare @w Words
insert @w values(7, 'seven')
exec Uses @w
exec Uses default
go
-- a trigger and a loop: the rows of each call
declare @i int = 0, @w Words
while @i < 3 begin
  set @i += 1
  insert @w values(@i, replicate('x', @i))
  print dbo.Joined(@w, '|')
end
go
declare @o dbo.Other
select dbo.Joined(@o, default)
go
declare @t table(id int, word varchar(20))
select * from dbo.Longer(@t, 1)
go
select dbo.Joined(1, default)
go
declare @w dbo.Words
select dbo.Joined(@w)
go
create function dbo.Writes(@w dbo.Words readonly) returns int as begin delete @w return 1 end
go
create function dbo.Bad(@w dbo.Words) returns int as begin return 1 end
go
exec sp_executesql N'select dbo.Joined(@p, ''.'') j', N'@p dbo.Words readonly', @p = default
go
drop type dbo.Words
go
use master
drop database Arguments
