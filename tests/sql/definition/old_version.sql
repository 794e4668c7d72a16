-- restore: 661_full_RestoreTimeClean as Old
-- where the catalogue does not keep the next object id: several objects by one statement
create table q1(i int primary key)
create table q2(i int default 1, j int check(j > 0), k int unique)
create table q3(i int)
alter table q3 add constraint c3 check(i > 0)
alter table q3 add z int default 4 constraint u3 unique, w varchar(max)
go
create procedure p as select 1 n
go
create view v as select i from q1
go
insert q1 values(1)
insert q2(j, k) values(1, 1)
insert q3 values(1, 2, replicate(cast('w' as varchar(max)), 20000))
insert q2(j, k) values(0, 2)
go
begin tran
create table q4(i int primary key, j int unique)
rollback
create table q5(i int primary key, j int unique, constraint f5 foreign key(j) references q1(i))
select i, len(w) n from q3
select count(distinct object_id) ids, count(*) n from sys.objects where name in ('q1', 'q2', 'q3', 'q5', 'p', 'v', 'c3', 'u3', 'f5')
dbcc checkdb('Old') with no_infomsgs
go
