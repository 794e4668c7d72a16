-- Recursive parts explosion, org chart paths, hierarchyid trees, cycles detected.
create database Parts
go
use Parts
go
set nocount on
create table Part (PartNo varchar(10) primary key, Name nvarchar(30) not null, UnitCost smallmoney null)
create table Bom (Parent varchar(10) not null references Part, Child varchar(10) not null references Part, Qty int not null check (Qty > 0), primary key (Parent, Child))
insert Part values ('BIKE', 'Bicycle', null), ('WHEEL', 'Wheel', null), ('SPOKE', 'Spoke', .25), ('RIM', 'Rim', 12), ('FRAME', 'Frame', 100), ('BELL', 'Bell', 3.5)
insert Bom values ('BIKE', 'WHEEL', 2), ('BIKE', 'FRAME', 1), ('WHEEL', 'SPOKE', 32), ('WHEEL', 'RIM', 1), ('BIKE', 'BELL', 1)
go
with x (Part, Qty, Lvl, Path) as
(
    select cast('BIKE' as varchar(10)), 1, 0, cast('/BIKE' as varchar(200))
    union all
    select b.Child, x.Qty * b.Qty, x.Lvl + 1, cast(x.Path + '/' + b.Child as varchar(200))
    from x join Bom b on b.Parent = x.Part
)
select replicate('  ', Lvl) + Part as tree, Qty, Lvl, Path, Qty * p.UnitCost as cost
from x join Part p on p.PartNo = x.Part order by Path
go
create function dbo.RollUpCost (@part varchar(10)) returns money
as
begin
    declare @own money = (select UnitCost from Part where PartNo = @part)
    declare @sum money = (select sum(b.Qty * dbo.RollUpCost(b.Child)) from Bom b where b.Parent = @part)
    return isnull(@own, 0) + isnull(@sum, 0)
end
go
select PartNo, dbo.RollUpCost(PartNo) as cost from Part order by PartNo
go
insert Bom values ('SPOKE', 'BIKE', 1)
go
with x as (select 'BIKE' as Part, 1 as Lvl union all select b.Child, x.Lvl + 1 from x join Bom b on b.Parent = x.Part) select * from x
go
with x as (select cast('BIKE' as varchar(10)) as Part, cast('|BIKE|' as varchar(max)) as Seen, 0 as Cycle
union all select b.Child, x.Seen + b.Child + '|', case when x.Seen like '%|' + b.Child + '|%' then 1 else 0 end from x join Bom b on b.Parent = x.Part where x.Cycle = 0)
select Part, Seen from x where Cycle = 1
go
with x as (select cast('BIKE' as varchar(10)) as Part, 1 as Lvl union all select b.Child, x.Lvl + 1 from x join Bom b on b.Parent = x.Part) select count(*) from x
go
create table Org (Node hierarchyid constraint PK_Org primary key clustered, Lvl as Node.GetLevel() persisted, Name nvarchar(20) not null unique)
create index IX_Org_Breadth on Org (Lvl, Node)
go
create procedure AddUnder @boss nvarchar(20), @name nvarchar(20)
as
begin
    set nocount on
    declare @p hierarchyid, @last hierarchyid
    select @p = Node from Org where Name = @boss
    begin tran
    select @last = max(Node) from Org with (updlock) where Node.GetAncestor(1) = @p
    insert Org (Node, Name) values (@p.GetDescendant(@last, null), @name)
    commit
end
go
insert Org (Node, Name) values (hierarchyid::GetRoot(), N'Chief')
exec AddUnder N'Chief', N'Sales'
exec AddUnder N'Chief', N'Works'
exec AddUnder N'Works', N'Paint'
exec AddUnder N'Works', N'Press'
exec AddUnder N'Paint', N'Brush'
select Node.ToString() as path, Lvl, Name from Org order by Node
select c.Name from Org p join Org c on c.Node.IsDescendantOf(p.Node) = 1 where p.Name = N'Works' order by c.Node
update Org set Node = Node.GetReparentedValue((select Node from Org where Name = N'Paint'), (select Node from Org where Name = N'Sales')) where Name = N'Brush'
select Node.ToString() as path, Lvl, Name from Org order by Lvl, Node
go
insert Org (Node, Name) values ('/1/', N'Twice')
go
