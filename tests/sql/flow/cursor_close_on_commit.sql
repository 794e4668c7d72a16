create table #t(id int primary key)
insert #t values (1), (2), (3)
go
set cursor_close_on_commit on
declare c cursor local for select id from #t
open c
begin tran
fetch c
commit
fetch c
select cursor_status('local', 'c') s
open c
begin tran
fetch c
save tran s
rollback tran s
fetch c
rollback
fetch c
-- without a transaction of its own it stays
open c
insert #t values (4)
fetch c
close c
set cursor_close_on_commit off
open c
begin tran
fetch c
commit
fetch c
go
-- FOR UPDATE OF names what may be changed through the cursor
create table #u(id int primary key, v int, w int)
insert #u values (1, 1, 1)
declare c cursor local for select id, v, w from #u for update of v
open c
fetch c
update #u set v = 5 where current of c
update #u set w = 6, v = 7 where current of c
update #u set w = 8 where id = 1
select * from #u
deallocate c
declare c cursor local for select id, v, w from #u for update
open c
fetch c
update #u set w = 9 where current of c
select * from #u
