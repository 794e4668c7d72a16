-- Browse mode: where columns come from, and the keys that were not asked for.
create database browsing
go
use browsing
go
create table comp(id int primary key, v varchar(10), w as id + 1)
create table part(a int not null, b int not null, c varchar(5), constraint pk_part primary key (a, b))
create table none(x int)
insert comp(id, v) values (1, 'one')
insert part values (1, 2, 'p')
insert none values (7)
go
set no_browsetable on
select id, v from dbo.comp
select v as renamed, w from comp
select c, a from part
select p.c, q.v from part p join comp q on q.id = p.a
select x, x + 1 as y from none
select distinct v from comp
select count(*) as n from comp
select a.v from comp a join comp b on a.id = b.id
select top 1 v from comp order by id
declare @n int
select @n = id from comp
exec sp_executesql N'select v from comp'
set fmtonly on
select id, v from comp
select v from comp
set fmtonly off
set no_browsetable off
select v from comp
select v from comp for browse
go
use master
select v from browsing.dbo.comp for browse
drop database browsing
