-- What keeps a column from being dropped or altered, and what does not.
create database column_dependencies
go
use column_dependencies
go
create table al(a int, y decimal(5,2) constraint df_y default 1, z varchar(10) not null constraint df_z default 'q')
insert al(a) values (1)
alter table al alter column y decimal(10,2)
alter table al alter column z varchar(5) not null
alter table al alter column z varchar(20) not null
insert al(a) values (2)
select * from al
go
alter table al alter column z nvarchar(20) not null
go
alter table al drop column y
go
create table ffd(a int primary key, d int, f int, index ixd(d) where f > 1)
insert ffd values (1, 1, 1), (2, 2, 2)
go
alter table ffd drop column f
go
alter table ffd alter column f bigint
go
exec sp_rename 'ffd.f', 'g', 'column'
go
drop index ixd on ffd
create statistics fst on ffd(d) where f > 1
go
alter table ffd drop column f
go
drop statistics ffd.fst
alter table ffd drop column f
insert ffd values (3, 3)
go
create table fki(c int not null)
create unique index fkic on fki(c)
create table fkj(c int constraint fk_j references fki(c))
insert fki values (1)
insert fkj values (1)
go
drop index fkic on fki
go
drop index fki.fkic
go
insert fki values (1)
go
alter table fkj drop constraint fk_j
drop index fkic on fki
go
create table hc(a int, d as a + 1, i int identity, r rowversion)
go
alter table hc add constraint dd default 1 for d
go
alter table hc add constraint di default 1 for i
go
alter table hc add constraint dr default 0x01 for r
go
create table x1(a int identity(1, 0))
go
create table x2(a int rowguidcol)
go
-- a filtered index over a computed column that is not kept
create table fi(id int not null primary key, a int null, x as (a * 2))
insert fi(id, a) values (1, 1), (2, 5)
create index ix on fi(a, x) where id < 900
go
alter table fi add y int not null default 7
go
alter table fi add z int null default 8 with values
go
select * from fi with (index(ix)) where id < 900 order by a
go
dbcc checktable('fi') with no_infomsgs
go
use master
drop database column_dependencies
