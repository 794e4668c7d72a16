-- Roads as a graph: Dijkstra in a WHILE loop over a table variable, reachability by recursion, an Eulerian check by degrees.
create database Roads
go
use Roads
go
set nocount on
create table Road (A char(1) not null, B char(1) not null, Km int not null, constraint PK_Road primary key (A, B), constraint CK_Order check (A < B))
insert Road values ('a', 'b', 7), ('a', 'c', 9), ('a', 'f', 14), ('b', 'c', 10), ('b', 'd', 15), ('c', 'd', 11), ('c', 'f', 2), ('d', 'e', 6), ('e', 'f', 9), ('x', 'y', 1)
go
insert Road values ('b', 'a', 1)
go
create view Edge as select A as From_, B as To_, Km from Road union all select B, A, Km from Road
go
create procedure Shortest @from char(1), @to char(1) as
begin
    set nocount on
    declare @n table (Node char(1) primary key, Dist int not null, Via char(1) null, Done bit not null default 0)
    declare @node char(1), @dist int
    insert @n (Node, Dist) values (@from, 0)
    while 1 = 1
    begin
        set @node = null
        select top (1) @node = Node, @dist = Dist from @n where Done = 0 order by Dist, Node
        if @node is null break
        update @n set Done = 1 where Node = @node
        if @node = @to break
        merge @n as t using (select To_, @dist + Km as Dist from Edge where From_ = @node) as s on t.Node = s.To_
        when matched and t.Done = 0 and s.Dist < t.Dist then update set Dist = s.Dist, Via = @node
        when not matched then insert (Node, Dist, Via) values (s.To_, s.Dist, @node);
    end
    if not exists (select * from @n where Node = @to) begin print 'no way'; return 1 end
    ;with p as (select Node, Via, Dist, cast(Node as varchar(100)) as Way from @n where Node = @to
        union all select n.Node, n.Via, p.Dist, cast(n.Node + '-' + p.Way as varchar(100)) from p join @n n on n.Node = p.Via)
    select Dist, Way from p where Via is null
    return 0
end
go
declare @r int
exec @r = Shortest 'a', 'e'
select @r as r
exec @r = Shortest 'a', 'y'
select @r as r
exec Shortest 'd', 'd'
go
with r as (select cast('a' as char(1)) as Node, cast('|a|' as varchar(100)) as Seen union all select e.To_, cast(r.Seen + e.To_ + '|' as varchar(100)) from r join Edge e on e.From_ = r.Node where r.Seen not like '%|' + e.To_ + '|%')
select distinct Node from r order by Node
select From_ as Node, count(*) as degree, sum(Km) as km from Edge group by From_ having count(*) % 2 = 1 order by Node
select top 1 e1.From_, e1.To_, e2.To_ as Third, e1.Km + e2.Km + e3.Km as Round_ from Edge e1 join Edge e2 on e2.From_ = e1.To_ join Edge e3 on e3.From_ = e2.To_ and e3.To_ = e1.From_ order by e1.Km + e2.Km + e3.Km, e1.From_, e1.To_
go
