-- Lengths in a database with a UTF-8 collation are bytes; characters are never cut in halves.
create database u9 collate Latin1_General_100_CI_AS_SC_UTF8
go
use u9
go
select N'éé' as n, 'éé' as x into s3
select name, max_length from sys.columns where object_id = object_id('s3') order by name
update s3 set x = x
select x, datalength(x) d, datalength(cast('éé' as varchar(3))) c, sql_variant_property('éé', 'MaxLength') m from s3
declare @w varchar(5) = 'hi🌏x', @a varchar(3) = 'éé'
select @w w, datalength(@w) wl, @a a, datalength(@a) al
create table s4(a varchar(3))
insert s4 values(@a), (cast('éé' as varchar(3)))
select a, datalength(a) from s4
select substring('hi🌏x', 3, 1), substring('a🌏b', 2, 2), right('x🌏', 1), right('a🌏b', 2), left('🌏b', 1), substring('éa', 1, 1)
select translate('a🌏b', '🌏', 'y'), translate('ayb', 'y', '🌏')
select char(200), char(65), datalength(char(65))
select case when 1 = 1 then 'éé' else 'a' end x into s7
select max_length from sys.columns where object_id = object_id('s7')
go
use master
drop database u9
go
create database ux collate Latin1_General_100_CI_AS_SC_UTF8
go
use ux
go
declare @s varchar(8000) = replicate(N'é', 4000), @c varchar(5) = N'中', @e varchar(5) = N'é'
select @s + @s as x into t9
select datalength(x) from t9
select datalength(@s + @s), datalength(concat(@s, @s)), datalength(concat_ws(',', @s, @s)), datalength(stuff(@s, 1, 0, @s)), datalength(replace(@s, @e, @c)),
  datalength(translate(@s, @e, @c)), datalength(replicate(@c, 3000))
create table tt(a varchar(8000), d as left(a, 2) persisted)
insert tt(a) values(@s + @s), (N'中国人')
select datalength(a), d from tt
go
use master
drop database ux
go
