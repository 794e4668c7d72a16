-- Each trigger that MERGE fires begins with @@ROWCOUNT of the whole statement.
create table mt(id int primary key, a int)
create table ml(op char(1), rc int, rows_seen int)
insert mt values(1,1),(2,2),(3,3)
go
create trigger mi on mt after insert as begin declare @r int = @@rowcount insert ml select 'I', @r, count(*) from inserted end
go
create trigger mu on mt after update as begin declare @r int = @@rowcount insert ml select 'U', @r, count(*) from inserted end
go
create trigger md on mt after delete as begin declare @r int = @@rowcount insert ml select 'D', @r, count(*) from deleted end
go
merge mt t using (values(1),(2)) s(id) on t.id = s.id when matched then update set a += 1
 when not matched then insert values(s.id, 0) when not matched by source and t.id > 99 then delete;
select * from ml
delete ml
merge mt t using (values(1),(5)) s(id) on t.id = s.id when matched then update set a += 1
 when not matched then insert values(s.id, 0) when not matched by source and t.id = 3 then delete;
select * from ml order by op
drop table mt, ml
go
