-- What a CHECK, a DEFAULT, a computed column or something schema-bound calls stays as it is.
create database bound_functions
go
use bound_functions
go
create function fa(@a int) returns int as begin return @a end
go
create function fc(@a int) returns int as begin return @a end
go
create function fd() returns int as begin return 4 end
go
create table fta(a int constraint ck_a check(dbo.fa(a) > 0), d int constraint df_d default dbo.fd())
create table ftc(a int, c as dbo.fc(3))
go
alter function fa(@a int) returns int as begin return -@a end
go
drop function fa
go
drop function fc
go
alter function fc(@a int) returns int as begin return -@a end
go
drop function fd
go
insert fta(a) values (1)
insert fta(a) values (-1)
select * from fta
select * from ftc
go
alter table fta drop constraint ck_a
alter table ftc drop column c
go
drop function fa
drop function fc
go
create table dep(a int not null, b int)
go
create function fsb(@x int) returns int with schemabinding as begin return (select max(b) from dbo.dep where a > @x) end
go
create function fsb2() returns table with schemabinding as return select dbo.fsb(a) q from dbo.dep
go
alter table dep alter column b bigint
go
alter table dep drop column b
go
alter function fsb(@x int) returns int with schemabinding as begin return 1 end
go
drop function fsb
go
drop table dep
go
create view v1 with schemabinding as select a from dbo.dep
go
create view v2 with schemabinding as select a from dbo.v1
go
alter view v1 as select b as a from dbo.dep
go
drop view v2
drop view v1
drop function fsb2
drop function fsb
drop table dep
go
use master
drop database bound_functions
