-- DYNAMIC cursors: every FETCH reads the rows as they are then.
create database Moving
go
use Moving
create table t(id int not null primary key, v varchar(20), n int)
insert t values(10,'a',1),(20,'b',2),(30,'c',3),(40,'d',4)
go
-- As captured from SQL Server for the default cursor, here by one session.
declare c cursor local for select id, v from t order by id
open c
select @@cursor_rows n, cursor_status('local','c') s
fetch c
update t set v='B' where id=20
delete t where id=30
update t set id=45 where id=40
insert t values(35,'new',5),(5,'before',6)
fetch c
fetch c
fetch c
select @@fetch_status s
fetch c
select @@fetch_status s
insert t values(50,'late',7)
fetch c
select @@fetch_status s
fetch prior from c
fetch absolute 1 from c
close c
select @@cursor_rows n
open c
fetch c
deallocate c
go
-- Scrolling.
declare c cursor local dynamic for select id, v from t
open c
fetch last from c
fetch prior from c
fetch prior from c
fetch next from c
fetch relative 2 from c
select @@fetch_status s
fetch prior from c
fetch relative -3 from c
fetch relative 0 from c
delete t where id=10
fetch relative 0 from c
select @@fetch_status s
fetch relative 1 from c
fetch first from c
fetch prior from c
select @@fetch_status s
fetch prior from c
fetch next from c
fetch absolute 2 from c
select @@fetch_status s
go
-- A row whose key moves ahead comes again.
declare c cursor local for select id from t where v='B' for update
declare @id int
open c
fetch c into @id
print @id
update t set id=25 where current of c
fetch c into @id
print @id
print @@fetch_status
update t set v=v+'!' where current of c
select * from t
fetch c into @id
print @@fetch_status
go
-- The row at the position: changed, gone.
declare c cursor local dynamic for select id, v from t where id >= 35
open c
update t set v='x' where current of c
fetch c
update t set v='changed' where id=35
update t set v='x' where current of c
fetch relative 0 from c
update t set v='x' where current of c
update t set v=v+'y' where current of c
delete t where current of c
delete t where current of c
fetch relative 0 from c
select @@fetch_status s
delete t where current of c
fetch c
delete t where current of c
fetch c
select @@fetch_status s
select * from t
go
-- Heaps, keys that are not unique, keys in descending order, several columns.
create table h(v varchar(10))
insert h values('a'),('b'),('c')
create table m(a int not null, b varchar(10) null, c int)
create clustered index m on m(a)
insert m values(1,'x',1),(1,'y',2),(1,'z',3),(2,null,4),(2,'a',5)
create index b on m(b desc)
create table p(a int not null, b varchar(10) not null, c int, primary key(a desc, b))
insert p values(1,'x',1),(1,'y',2),(2,'a',3),(2,'b',4),(3,'q',5)
go
declare c cursor local dynamic for select v from h
declare @v varchar(10), @a int, @b varchar(10), @c int
open c
fetch c into @v print @v
delete h where v in ('a','b')
insert h values('d')
fetch c into @v print @v
fetch c into @v print @v
fetch c into @v print @@fetch_status
fetch prior from c into @v print @v
update h set v='D' where current of c
fetch prior from c into @v print @v
fetch last from c into @v print @v
deallocate c
declare c cursor local dynamic for select a, b, c from m
open c
fetch c into @a, @b, @c
while @@fetch_status = 0 begin
  print concat(@a, ' ', @b, ' ', @c)
  if @c = 1 delete m where c in (1, 2)
  if @c = 4 insert m values(2, 'again', 6)
  fetch c into @a, @b, @c
end
fetch prior from c into @a, @b, @c
print concat(@a, ' ', @b, ' ', @c)
update m set c += 10 where current of c
update m set a = 0, c += 10 where current of c
update m set c += 10 where current of c
deallocate c
select a, b, c from m order by a, c
declare c cursor local dynamic for select b, c from m order by b desc
open c
fetch c into @b, @c
while @@fetch_status = 0 begin
  print concat(@b, ' ', @c)
  fetch c into @b, @c
end
fetch prior from c into @b, @c print concat(@b, ' ', @c)
fetch prior from c into @b, @c print concat(@b, ' ', @c)
deallocate c
declare c cursor local dynamic for select a, b from p where a in (1, 2) and b <> 'b' order by a desc, b
open c
fetch c into @a, @b
while @@fetch_status = 0 begin
  print concat(@a, ' ', @b)
  if @b = 'a' insert p values(2, 'aa', 6), (1, 'w', 7), (3, 'w', 8)
  fetch c into @a, @b
end
fetch prior from c into @a, @b print concat(@a, ' ', @b)
fetch first from c into @a, @b print concat(@a, ' ', @b)
deallocate c
go
-- Tables outside databases.
declare @t table(id int primary key, v int)
insert @t values(1,1),(2,2),(3,3)
declare c cursor local dynamic for select id from @t
declare @id int
open c
fetch c into @id print @id
delete @t where id <= 2
insert @t values(4,4)
fetch c into @id print @id
fetch c into @id print @id
fetch c into @id print @@fetch_status
fetch prior from c into @id print @id
delete @t where current of c
select * from @t
go
create table #h(v int)
insert #h values(3),(1),(2)
declare c cursor local for select v from #h
declare @v int
open c
fetch c into @v print @v
delete #h where v = 1
insert #h values(9)
fetch c into @v print @v
update #h set v = 7 where v = 9
fetch c into @v print @v
fetch c into @v print @@fetch_status
deallocate c
create index v on #h(v)
insert #h values(2),(2)
declare c cursor local dynamic for select v from #h order by v
open c
fetch c into @v print @v
fetch c into @v print @v
fetch c into @v print @v
fetch c into @v print @v
fetch prior from c into @v print @v
drop table #h
fetch c
go
-- Joins that find one row of the other table for each.
create table o(id int not null primary key, customer int not null)
create table k(id int not null primary key, name varchar(10))
insert k values(1,'one'),(2,'two')
insert o values(10,1),(20,2),(30,1),(40,7)
go
declare c cursor local dynamic for select o.id, k.name from k join o on k.id = o.customer
declare @id int, @name varchar(10)
open c
select @@cursor_rows n
fetch c into @id, @name print concat(@id, ' ', @name)
update k set name = 'ONE' where id = 1
delete k where id = 2
insert o values(15, 1)
fetch c into @id, @name print concat(@id, ' ', @name)
fetch c into @id, @name print concat(@id, ' ', @name)
update k set name = 'eins' where current of c
fetch c into @id, @name print @@fetch_status
fetch prior from c into @id, @name print concat(@id, ' ', @name)
deallocate c
declare c cursor local for select o.id, k.name from o left join k on k.id = o.customer where exists (select * from t)
open c
fetch c into @id, @name
while @@fetch_status = 0 begin print concat(@id, ' ', @name) fetch c into @id, @name end
deallocate c
-- One without: what has gone is passed by.
declare c cursor local for select a.id, b.id from o a, o b where a.id < b.id
open c
declare @n int = 0, @b int
fetch c into @id, @b
while @@fetch_status = 0 begin set @n += 1 if @n = 2 delete o where id = 30 fetch c into @id, @b end
print @n
go
-- The cursor stays in its database; definitions that change under it.
insert t values(60,'f',8),(70,'g',9),(80,'h',10)
declare c cursor global for select id, v from t order by id
open c
fetch c
use master
fetch c
use Moving
alter table t add extra int
fetch c
select @@fetch_status s
create index v on t(v)
fetch c
drop table t
fetch c
select @@fetch_status s
deallocate c
create table t(id int not null primary key, v varchar(20), n int)
go
-- Kinds that cursors become.
truncate table t
insert t values(1,'c',10),(2,'b',20),(3,'a',30)
create table heap(a int, b int)
insert heap values(1,1),(2,2)
create table u(id int not null primary key, w int not null)
insert u values(1,100),(3,300)
go
create procedure Told @options nvarchar(100), @query nvarchar(400) as
begin
  declare @text nvarchar(600) = N'declare told cursor global ' + @options + N' for ' + @query
  exec(@text)
  open told
  declare @list cursor
  exec sp_describe_cursor @list output, N'global', N'told'
  declare @reference sysname, @name sysname, @scope smallint, @status smallint, @model smallint, @concurrency smallint, @scrollable smallint, @open smallint, @rows decimal(10), @fetch smallint, @columns smallint, @count decimal(10), @last smallint, @handle int
  fetch next from @list into @reference, @name, @scope, @status, @model, @concurrency, @scrollable, @open, @rows, @fetch, @columns, @count, @last, @handle
  print @options + ' ' + @query + ': ' + choose(@model, 'static', 'keyset', 'dynamic', 'fast forward') + ' ' + str(@rows, 3) + ' scrolls ' + str(@scrollable, 1)
  deallocate told
end
go
exec Told '', 'select * from t'
exec Told 'dynamic', 'select * from t'
exec Told 'scroll', 'select * from t'
exec Told 'keyset', 'select * from t'
exec Told 'static', 'select * from t'
exec Told 'fast_forward', 'select * from t'
exec Told 'forward_only', 'select * from t'
exec Told '', 'select * from t order by v'
exec Told 'dynamic', 'select * from t order by v'
exec Told '', 'select * from t order by id desc'
exec Told '', 'select top 2 * from t order by id'
exec Told '', 'select distinct v from t'
exec Told '', 'select count(*) from t'
exec Told 'dynamic', 'select v from t union all select v from t'
exec Told '', 'select 1'
exec Told '', 'select * from heap'
exec Told 'keyset', 'select * from heap'
exec Told '', 'select t.id from t join u on u.id = t.id'
exec Told '', 'select t.id from t join u on u.id = t.id order by t.v'
exec Told '', 'select id from t where exists (select * from u where u.id = t.id)'
exec Told '', 'select id, (select w from u where u.id = t.id) w from t where v > ''a'''
exec Told '', 'select * from (select id, v from t where n > 5) d where v < ''x'''
go
use master
drop database Moving
