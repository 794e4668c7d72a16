-- Synonyms of everything that may have one, in this and another database, and permissions on them.
create database Syn1
create database Syn2
go
use Syn2
go
create table dbo.far(id int primary key, v varchar(10))
insert far values (1, 'far one'), (2, 'far two')
go
create proc dbo.farproc @a int, @b int output as begin set @b = @a * 2 select db_name() as here, @a as a return 7 end
go
create function dbo.farscalar(@a int) returns int as begin return @a + 100 end
go
use Syn1
go
create schema o
go
create proc o.pq @a int = 3 as select @a x
go
create function o.sf(@a int) returns int as begin return @a + 1 end
go
create function o.tf(@a int) returns table as return select @a x
go
create function o.mf(@a int) returns @r table(x int) as begin insert @r values(@a), (@a + 1) return end
go
create table o.tt(id int identity primary key, a int)
go
create synonym dbo.spq for o.pq
create synonym dbo.ssf for o.sf
create synonym dbo.stf for o.tf
create synonym dbo.smf for o.mf
create synonym dbo.stt for o.tt
create synonym dbo.sfar for Syn2.dbo.far
create synonym dbo.sfarproc for Syn2.dbo.farproc
create synonym dbo.sfarscalar for Syn2..farscalar
create synonym dbo.later for o.comes_later
create synonym dbo.twice for dbo.stt
create synonym dbo.who for sys.sp_helpdb
create synonym dbo.other for nowhere.Syn2.dbo.far
go
exec dbo.spq 5
exec spq
declare @s varchar(20) = 'dbo.spq' exec @s @a = 6
select dbo.ssf(1), (select sum(x) from dbo.stf(4)), (select count(*) from dbo.smf(1) cross apply dbo.stf(x))
declare @r int, @b int
exec @r = dbo.ssf 4
select @r
exec @r = dbo.sfarproc 21, @b output
select @r, @b
select dbo.sfarscalar(1), (select max(v) from sfar)
insert dbo.stt(a) output inserted.id, inserted.a values (1), (2), (3)
update t set a = a * 10 output deleted.a, inserted.a from dbo.stt t join sfar f on f.id = t.id
update dbo.stt set a = 0 where id = 3
delete dbo.stt output deleted.id where a = 0
merge dbo.stt t using (values (1, 7), (9, 9)) s(id, a) on t.id = s.id when matched then update set a = s.a when not matched then insert (a) values (s.a);
select * from dbo.stt order by id
insert dbo.sfar output inserted.v into sfar_copy values (3, 'three')
go
insert sfar values (3, 'three')
select count(*) from Syn2.dbo.far
go
create proc dbo.uses as begin exec dbo.spq 8 select dbo.ssf(8) select x from dbo.smf(8) insert stt(a) values (8) end
go
exec dbo.uses
go
-- not there yet, and there
exec dbo.later
go
create proc o.comes_later as select 'it came' as it
go
exec dbo.later
go
select * from dbo.twice
go
select * from dbo.other
go
exec dbo.stt
go
select dbo.spq(1)
go
select * from dbo.ssf
go
-- A permission on the synonym is enough where what is behind it has the same owner, and needed.
create user low without login
create table dbo.secret(a int)
insert dbo.secret values (42)
grant select, insert on dbo.stt to low
grant execute on dbo.spq to low
grant execute on dbo.ssf to low
grant select on dbo.stf to low
go
execute as user = 'low'
select count(*) from dbo.stt
insert dbo.stt(a) values (99)
exec dbo.spq 1
select dbo.ssf(1)
select * from dbo.stf(1)
go
select * from o.tt
go
update dbo.stt set a = 1
go
delete dbo.stt
go
select * from dbo.smf(1)
go
exec o.pq
go
-- what stands beside it does not go through it
insert dbo.stt(a) select a from dbo.secret
go
select * from dbo.stf((select max(a) from dbo.secret))
go
select (select max(id) from o.tt) from dbo.stt
go
revert
grant select on o.tt to low
revoke select on dbo.stt from low
go
execute as user = 'low'
select count(*) from o.tt
go
select count(*) from dbo.stt
go
revert
go
use master
drop database Syn1
drop database Syn2
go
