create database hints_refused
go
use hints_refused
go
create table kt(id int primary key, v int)
insert kt values (1, 1)
create index kti on kt(v)
go
update kt with (nolock) set v = 1
go
insert kt with (nolock) values (51, 1)
go
delete kt with (readuncommitted)
go
select * from kt with (nolock, holdlock)
go
select * from kt with (nolock, tablockx)
go
select * from kt with (rowlock, paglock)
go
select * from kt with (readpast, serializable)
go
select * from kt with (updlock, holdlock, rowlock)
select * from kt with (tablock, xlock)
select * from kt with (readpast, updlock, rowlock)
select * from kt with (holdlock, serializable)
update kt with (rowlock, updlock) set v = 2
go
alter index kti on kt disable
select v from kt with (index(kti))
go
use master
drop database hints_refused
