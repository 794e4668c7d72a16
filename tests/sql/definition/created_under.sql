-- Modules run under the ANSI_NULLS and QUOTED_IDENTIFIER that they were created with; strings and NULL.
create database Under
go
use Under
go
create table t (id int, v int null)
insert t values (1, null), (2, 5), (3, 6)
go
set ansi_nulls off
set quoted_identifier off
go
create procedure p @v int = null as
if @v = null print "null" else print "no"
select id from t where v = @v order by id
select id from t where v <> @v order by id
select id from t where not (v = @v) order by id
go
create function f (@v int) returns varchar(10) as begin if @v = null return "null" return "no" end
go
create trigger tr on t after update as
if exists (select * from inserted where v = null) print "a null"
go
set ansi_nulls on
set quoted_identifier on
go
exec p
exec p 5
select dbo.f(null), dbo.f(1)
update t set v = null where id = 3
select id from t where v = null
declare @v int
select id from t where v = @v
select sessionproperty('ansi_nulls'), sessionproperty('quoted_identifier')
go
create procedure q @v int = null as if @v = null print 'null' else print 'no'
go
set ansi_nulls off
exec q
go
declare @v int
select id from t where v = @v order by id
select id from t where @v <> v order by id
go
set ansi_nulls on
go
set concat_null_yields_null off
go
declare @d varchar(9), @n nvarchar(9)
select 'a' + @d + 'b', @n + N'x', 'a' + null, @d + @d, 1 + null
select name = 'v' + cast(v as varchar(5)) + '!' from t order by id
set @n += 'tail'
select @n
go
set concat_null_yields_null on
go
declare @d varchar(9)
select 'a' + @d + 'b'
go
use master
drop database Under
go
