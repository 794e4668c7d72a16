-- FOR JSON AUTO: columns of two tables may have one name; two of one table may not.
create table #p(id int, name varchar(9)) create table #c(id int, pid int, name varchar(9))
insert #p values(1,'p1'),(2,'p2') insert #c values(10,1,'c1'),(11,1,'c2'),(12,2,'c3')
select p.id, p.name, c.id, c.name from #p p join #c c on c.pid = p.id order by p.id, c.id for json auto
go
select p.id, p.name as id from #p p for json auto
go
select p.id, c.id, c.pid as id from #p p join #c c on c.pid = p.id for json auto
go
drop table #p, #c
go
