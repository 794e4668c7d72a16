-- changes of a table with a filtered index ask for the SET options
create database Filtered
go
use Filtered
go
create table f(i int primary key, s int)
create table g(i int)
insert f values(1, 1)
create unique index fi on f(s) where s > 0
go
set quoted_identifier off
go
insert f values(2, 2)
go
update f set s = 3
go
delete f
go
merge f using (values(5, 5)) x(i, s) on f.i = x.i when not matched then insert values(x.i, x.s);
go
insert g values(1)
select * from f
go
set quoted_identifier on
set ansi_padding off
go
insert f values(2, 2)
go
set ansi_padding on
insert f values(2, 2)
alter index fi on f disable
set quoted_identifier off
go
insert f values(3, 3)
select count(*) n from f
go
