-- Keys longer than an index takes are refused by the statement that brings them.
create database Keys
go
use Keys
go
create table heap (a varchar(8000), b int)
insert heap values (replicate('a', 5000), 1), (replicate('b', 1700), 2)
go
create index long_key on heap(a)
go
delete heap where b = 1
create index long_key on heap(a) include (b)
go
insert heap values (replicate('c', 1701), 3)
go
insert heap values (replicate('c', 1700), 3)
update heap set a = a + 'x' where b = 3
go
select b, len(a) as n from heap order by b
go
create table tree (a varchar(3900) not null constraint PK_tree primary key, b int)
insert tree values (replicate('a', 901), 1)
go
insert tree values (replicate('a', 900), 1)
update tree set a = replicate('b', 2000)
go
insert tree select replicate(char(65 + value), 890), value from generate_series(1, 20)
select count(*) as n, min(len(a)) as shortest from tree
go
dbcc checkdb with no_infomsgs
