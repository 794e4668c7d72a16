-- Expressions whose collation nothing decides.
create table dbo.ci (x varchar(10) collate Latin1_General_CI_AS, y varchar(10) collate Latin1_General_CS_AS, z varchar(10) collate Latin1_General_CI_AS);
insert dbo.ci values ('a', 'A', 'b');
go
select x from dbo.ci where x = y;
go
select x + y from dbo.ci;
go
select z, case when x = z then x else y end from dbo.ci;
go
select coalesce(x, y) from dbo.ci;
go
select x from dbo.ci union all select y from dbo.ci;
go
select x from dbo.ci union select y from dbo.ci;
go
select x from dbo.ci except select y from dbo.ci;
go
select x from dbo.ci order by x + y;
go
select x + y collate Latin1_General_CI_AS as c, x + z as d, x + 'lit' as e from dbo.ci;
select len(x + y) as n, case when x + y collate Latin1_General_CI_AS = 'aa' then 1 end as m from dbo.ci;
go
declare @v varchar(20);
select @v = x + 'b' from dbo.ci;
select @v as v;
go
