-- A category tree kept as a closure table by triggers; subtree moves; breadcrumbs; depth limits.
create database Trees
go
use Trees
go
set nocount on
create table Node (Id int constraint PK_Node primary key, ParentId int null constraint FK_Parent references Node, Name varchar(20) not null)
create table Closure_ (Ancestor int not null, Descendant int not null, Depth int not null, constraint PK_Closure primary key (Ancestor, Descendant))
create index IX_Desc on Closure_ (Descendant) include (Depth)
go
create trigger Node_ins on Node after insert as
begin
    set nocount on
    declare @id int, @parent int
    declare n cursor local fast_forward for select Id, ParentId from inserted order by Id
    open n
    fetch n into @id, @parent
    while @@fetch_status = 0
    begin
        insert Closure_ select Ancestor, @id, Depth + 1 from Closure_ where Descendant = @parent union all select @id, @id, 0
        fetch n into @id, @parent
    end
    close n
    deallocate n
end
go
create procedure MoveNode @id int, @to int as
begin
    set nocount on
    if exists (select * from Closure_ where Ancestor = @id and Descendant = @to)
        throw 51001, 'A node cannot move below itself.', 1
    begin tran
    delete c from Closure_ c join Closure_ below on below.Descendant = c.Descendant and below.Ancestor = @id left join Closure_ inside on inside.Ancestor = @id and inside.Descendant = c.Ancestor where inside.Ancestor is null
    insert Closure_ select up.Ancestor, down.Descendant, up.Depth + down.Depth + 1 from Closure_ up cross join Closure_ down where up.Descendant = @to and down.Ancestor = @id
    update Node set ParentId = @to where Id = @id
    commit
end
go
insert Node values (1, null, 'all'), (2, 1, 'books'), (3, 1, 'music'), (4, 2, 'novels'), (5, 4, 'crime'), (6, 3, 'jazz')
select n.Name, count(*) - 1 as below from Node n join Closure_ c on c.Ancestor = n.Id group by n.Id, n.Name order by n.Id
select string_agg(a.Name, ' / ') within group (order by c.Depth desc) as crumbs from Closure_ c join Node a on a.Id = c.Ancestor where c.Descendant = 5
go
exec MoveNode 4, 3
select n.Name, c.Depth from Closure_ c join Node n on n.Id = c.Descendant where c.Ancestor = 3 order by c.Depth, n.Name
select string_agg(a.Name, ' / ') within group (order by c.Depth desc) as crumbs from Closure_ c join Node a on a.Id = c.Ancestor where c.Descendant = 5
go
exec MoveNode 3, 5
go
select count(*) as rows_, sum(Depth) as depths from Closure_;
with t as (select Id, 0 as d from Node where ParentId is null union all select n.Id, t.d + 1 from Node n join t on t.Id = n.ParentId)
select case when exists (select Id, d from t except select Descendant, Depth from Closure_ where Ancestor = 1) then 'differs' else 'same' end as check_
go
delete Node where Id = 3
go
