-- People and pay: managers by recursion, raises by rank, headcount by month, pay bands by CROSS APPLY, gaps in employment, dense reports.
create database Hr
go
use Hr
go
set nocount on
create table Department (DepartmentId smallint identity(10, 10) constraint PK_Department primary key, Name varchar(20) not null constraint UQ_Department unique)
create table Employee (EmployeeId int constraint PK_Employee primary key, Name varchar(20) not null, ManagerId int null constraint FK_Manager references Employee, DepartmentId smallint null constraint FK_Department references Department, Salary decimal(9, 2) not null, Hired date not null, Left_ date null, constraint CK_Left check (Left_ is null or Left_ > Hired))
insert Department values ('Board'), ('Works'), ('Sales')
insert Employee values (1, 'Ada', null, 10, 9000, '2020-01-01', null), (2, 'Bo', 1, 20, 5000, '2020-03-15', null), (3, 'Cy', 1, 30, 5200, '2021-07-01', '2023-01-31'), (4, 'Di', 2, 20, 3000, '2021-07-20', null), (5, 'Ed', 2, 20, 3000, '2022-02-01', null), (6, 'Flo', 3, 30, 2500, '2022-05-05', null), (7, 'Gus', 4, null, 2000, '2023-03-01', null)
go
with t as (select EmployeeId, Name, ManagerId, 0 as Depth, cast(Name as varchar(200)) as Path from Employee where ManagerId is null union all select e.EmployeeId, e.Name, e.ManagerId, t.Depth + 1, cast(t.Path + ' > ' + e.Name as varchar(200)) from Employee e join t on t.EmployeeId = e.ManagerId)
select space(2 * Depth) + Name as who, Path, (select count(*) from Employee s where s.ManagerId = t.EmployeeId) as reports from t order by Path
go
with up as (select EmployeeId, ManagerId, Name, 0 as n from Employee where Name = 'Gus' union all select e.EmployeeId, e.ManagerId, e.Name, n + 1 from Employee e join up on up.ManagerId = e.EmployeeId)
select string_agg(Name, ' -> ') within group (order by n) as chain from up
go
select d.Name, count(e.EmployeeId) as heads, sum(e.Salary) as pay from Department d left join Employee e on e.DepartmentId = d.DepartmentId and e.Left_ is null group by d.Name order by d.Name
select Name, Salary, rank() over (order by Salary desc) as r, dense_rank() over (order by Salary desc) as dr, row_number() over (order by Salary desc, Name) as rn, lead(Name, 1, '-') over (order by Salary desc, Name) as next_, Salary - avg(Salary) over (partition by DepartmentId) as diff from Employee order by Salary desc, Name
select e.Name, b.Band from Employee e cross apply (select case when e.Salary >= 5000 then 'high' when e.Salary >= 3000 then 'mid' else 'low' end as Band) b where b.Band <> 'mid' order by e.Name
go
declare @months table (m date primary key)
insert @months select dateadd(month, n, '2021-06-01') from (values (0), (6), (12), (18), (24)) v(n)
select m, count(e.EmployeeId) as heads from @months left join Employee e on e.Hired <= m and (e.Left_ is null or e.Left_ > m) group by m order by m
select Name, Hired, datediff(year, Hired, '2024-06-30') as years_crossed, datediff(month, Hired, '2024-06-30') / 12 as y, dateadd(year, 5, Hired) as jubilee, datename(weekday, Hired) as wd, iif(month(Hired) = 7, 'summer', null) as note from Employee where year(Hired) between 2021 and 2022 order by Hired
go
begin tran
update e set Salary = e.Salary * (1 + r.Pct / 100.0)
output inserted.Name, deleted.Salary as was, inserted.Salary as is_now
from Employee e join (select EmployeeId, case ntile(3) over (order by Hired) when 1 then 5 when 2 then 3 else 1 end as Pct from Employee where Left_ is null) r on r.EmployeeId = e.EmployeeId
where e.DepartmentId = 20
rollback
select sum(Salary) as unchanged from Employee
go
update Employee set ManagerId = 77 where Name = 'Gus'
go
update Employee set Left_ = Hired where Name = 'Gus'
go
delete Employee where EmployeeId = 1
go
insert Department values ('works')
go
merge Employee as t using (values (5, 'Edward', 3100.00), (8, 'Hal', 1800)) as s (Id, Name, Salary) on t.EmployeeId = s.Id
when matched then update set Name = s.Name, Salary = s.Salary
when not matched then insert (EmployeeId, Name, Salary, Hired, ManagerId) values (s.Id, s.Name, s.Salary, '2024-01-01', 2)
output $action as act, inserted.EmployeeId, deleted.Name as old_name, inserted.Name as new_name;
select m.Name as manager, count(*) as n, string_agg(e.Name, ',') within group (order by e.Name) as team from Employee e join Employee m on m.EmployeeId = e.ManagerId group by m.Name having count(*) > 1 order by n desc, manager
go
