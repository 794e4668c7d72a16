-- 334 is found before the first statement of the batch runs.
create table p (a int)
go
create trigger tp on p after update as return
go
select 1 as ran
update p set a = a output inserted.a
go
drop table p
