-- A statement is told of all the columns that nobody knows.
create table dbo.known (a int, b int);
go
select c, d, e as f from dbo.known where g = 1 order by h;
go
select k.a, u.b, k.x from dbo.known as k where z > 1;
go
select count(nope), sum(nope2) from dbo.known group by nada;
go
select a, (select missing from dbo.known as i where i.gone = k.lost) from dbo.known as k;
go
begin try
    exec ('select q, r from dbo.known');
end try
begin catch
    select error_number() as n, error_message() as m;
end catch;
go
create view dbo.v as select a, b1, b2 from dbo.known;
go
create procedure dbo.p as
select a from dbo.known;
select b1,
    b2 from dbo.known;
go
-- A table that is not there is told of alone.
select aa, bb from dbo.nobody where cc = 1;
go
select aa, (select 1 from dbo.nobody) from dbo.known;
go
