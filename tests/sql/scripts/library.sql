-- A lending library: composite keys, self joins, date arithmetic, fines, ALL/ANY, correlated subqueries, updatable joins, computed columns in indexes.
create database Library
go
use Library
go
create table Author (AuthorId int constraint PK_Author primary key, Name nvarchar(40) not null, Country char(2) null)
create table Book (Isbn char(13) primary key, Title nvarchar(80) not null, Published smallint, Pages int, Price smallmoney)
create table BookAuthor (Isbn char(13) references Book on update cascade, AuthorId int references Author on delete set null, Ord tinyint default 1, constraint UQ_BA unique (Isbn, AuthorId))
create table Loan (LoanId int identity(1, 1) not null, Isbn char(13) not null references Book on update cascade, Member varchar(20) not null, Taken date not null, Due as dateadd(day, 14, Taken) persisted not null, Returned date null,
  constraint PK_Loan primary key clustered (Isbn, Taken, LoanId), constraint CK_Dates check (Returned is null or Returned >= Taken))
create unique index UX_Out on Loan (Isbn) where Returned is null
create index IX_Due on Loan (Due) include (Member)
go
set nocount on
insert Author values (1, N'Ursula', 'US'), (2, N'Stanisław', 'PL'), (3, N'Terry', 'GB'), (4, N'Neil', 'GB'), (5, N'Anon', null)
insert Book values ('9780000000001', N'Left Hand', 1969, 304, 9.99), ('9780000000002', N'Solaris', 1961, 204, 7.5), ('9780000000003', N'Good Omens', 1990, 288, 8), ('9780000000004', N'Cyberiad', 1965, 295, null), ('9780000000005', N'Blank', null, null, 1)
insert BookAuthor values ('9780000000001', 1, 1), ('9780000000002', 2, default), ('9780000000003', 3, 1), ('9780000000003', 4, 2), ('9780000000004', 2, 1)
insert Loan (Isbn, Member, Taken, Returned) values ('9780000000001', 'amy', '2024-01-01', '2024-01-10'), ('9780000000001', 'bob', '2024-01-20', '2024-02-20'), ('9780000000002', 'amy', '2024-01-31', null), ('9780000000003', 'cat', '2024-02-01', '2024-02-01')
go
insert Loan (Isbn, Member, Taken) values ('9780000000002', 'dan', '2024-02-02')
go
insert Loan (Isbn, Member, Taken, Returned) values ('9780000000002', 'dan', '2024-02-02', '2024-01-01')
go
insert BookAuthor values ('9780000000004', 2, 2)
go
select b.Title, string_agg(a.Name, N' & ') within group (order by ba.Ord) as authors from Book b join BookAuthor ba on ba.Isbn = b.Isbn join Author a on a.AuthorId = ba.AuthorId group by b.Title order by b.Title
select Title, Pages from Book where Pages > all (select Pages from Book where Published < 1965) order by Pages
select Title from Book where Price = any (select max(Price) from Book union select min(Price) from Book) order by Title
select Title from Book where Price not in (select Price from Book where Price is null)
select Title from Book b where not exists (select * from Loan l where l.Isbn = b.Isbn) order by 1
select a.Name, (select count(*) from BookAuthor x where x.AuthorId = a.AuthorId) as n, (select top 1 b.Title from Book b join BookAuthor x on x.Isbn = b.Isbn where x.AuthorId = a.AuthorId order by b.Published desc) as newest from Author a order by n desc, a.Name
go
select Member, Taken, Due, Returned, datediff(day, Due, isnull(Returned, '2024-03-01')) as late, case when isnull(Returned, '2024-03-01') > Due then cast(datediff(day, Due, isnull(Returned, '2024-03-01')) * 0.25 as money) end as fine from Loan order by Taken
select datename(month, Taken) as m, datepart(quarter, Taken) as q, count(*) as n, max(Due) as last_due from Loan group by datename(month, Taken), datepart(quarter, Taken), month(Taken) order by month(Taken)
select dateadd(month, 1, '2024-01-31') as a, eomonth('2024-02-10', -1) as b, datediff(month, '2024-01-31', '2024-02-01') as c, datediff(week, '2024-01-06', '2024-01-07') as d, format(cast('2024-02-03' as date), 'dd/MM/yyyy') as e, convert(varchar(30), cast('2024-02-03T04:05:06' as datetime), 120) as f, convert(varchar(30), cast('2024-02-03T04:05:06' as datetime), 109) as g, try_convert(date, '2024-13-01') as h, isdate('2024-02-30') as i
go
select b1.Title, b2.Title as longer from Book b1 join Book b2 on b2.Pages > b1.Pages and b2.Pages <= b1.Pages + 20 order by 1, 2
select coalesce(b.Price, 0) as p, nullif(b.Pages, 204) as n, isnull(b.Published, -1) as y, iif(b.Price > 8, 'dear', 'cheap') as c from Book b order by b.Isbn
select count(*) c1, count(Price) c2, count(distinct Published) c3, avg(Pages) a, avg(Pages * 1.0) b, sum(Price) s, min(Title) mi, max(Title) ma from Book
go
update b set Price = Price * 2 from Book b join BookAuthor ba on ba.Isbn = b.Isbn join Author a on a.AuthorId = ba.AuthorId where a.Country = 'GB'
select @@rowcount as changed
update Book set Isbn = '9780000000099' where Isbn = '9780000000002'
select Isbn, Member from Loan where Member = 'amy' order by Taken
delete from Author where AuthorId = 2
select Isbn, AuthorId from BookAuthor order by Isbn, AuthorId
delete ba from BookAuthor ba left join Author a on a.AuthorId = ba.AuthorId where a.AuthorId is null
select count(*) as left_ from BookAuthor
go
delete BookAuthor where Isbn = '9780000000001'
delete Book where Isbn = '9780000000001'
go
create view OverDue as select l.Member, b.Title, l.Due from Loan l join Book b on b.Isbn = l.Isbn where l.Returned is null
go
select * from OverDue
update OverDue set Title = N'Solaris!' where Member = 'amy'
select Title from Book where Isbn = '9780000000099'
go
update OverDue set Title = N'x', Member = 'y'
go
delete OverDue
go
alter view OverDue as select * from Loan where Returned is null
go
alter table Loan add Note nvarchar(20) null
go
select c.name from sys.columns c where object_id = object_id('OverDue') order by column_id
exec sp_refreshview 'OverDue'
select c.name from sys.columns c where object_id = object_id('OverDue') order by column_id
exec sp_refreshview 'NoSuch'
go
select o.name, o.type_desc from sys.objects o where o.parent_object_id = object_id('Loan') and o.type in ('PK', 'C', 'UQ') order by 1
exec sp_helpconstraint 'Author', 'nomsg'
go
