-- An UPDATE reads the columns that somebody asks for and leaves the others as they are.
create table place (p int not null constraint place_key primary key)
insert place values (1), (2)
create table wide (
  k int not null constraint wide_key primary key,
  a int not null, b varchar(30) not null, c nchar(5) not null, d decimal(9, 2) null, e bit not null, f varchar(max) null,
  p int not null constraint wide_place references place, g int null, v rowversion,
  constraint low_high check (a < g))
create index by_b on wide (b) include (d)
create unique index by_c on wide (c, k)
insert wide (k, a, b, c, d, e, f, p, g) values (1, 1, 'one', N'x', 1.5, 1, replicate(cast('f' as varchar(max)), 9000), 1, 10), (2, 2, 'two', N'y', null, 0, null, 2, 20)
declare @before binary(8) = (select v from wide where k = 1)
update wide set d = d + 1 where k = 1
select k, a, b, c, d, e, len(f) f, p, g, iif(v > @before, 'newer', 'old') v from wide
go
-- The check's other column counts, and so does NOT NULL of what is set.
update wide set a = 15
go
update wide set g = 1 where k = 1
go
update wide set b = null where k = 2
go
update wide set p = 3 where k = 2
go
update wide set b = b + '!', c = N'z', k = k + 10 where k = 2
update wide set f.write('tail', null, 0) where k = 1
select k, a, b, c, d, e, right(f, 6) f, p, g from wide order by b
select k, b, d from wide with (index (by_b)) order by b
select k, c from wide with (index (by_c)) order by c
go
declare @sum int = 0
update wide set @sum = @sum + a, d = @sum, a = a + 1
select @sum s
select k, a, d from wide
update w set w.g = x.n from wide w join (values (1, 30), (12, 40)) x (k, n) on x.k = w.k
select k, a, g, e from wide
go
declare c cursor for select k from wide order by k
open c
fetch next from c
update wide set e = 0 where current of c
close c
deallocate c
select k, e, b from wide
dbcc checktable('wide') with no_infomsgs
drop table wide
drop table place
