-- Types that functions do not take.
select substring(123, 1, 2);
go
select substring(getdate(), 1, 4);
go
select substring(null, 1, 4);
go
select substring(0x0102, 1, 1) as b, substring('abc', 2, 1) as s, substring(cast('abc' as text), 1, 2) as t;
go
select dateadd(day, '1', '2024-01-01');
go
select dateadd(day, 1.9, cast('2024-01-01' as datetime)) as d;
go
select upper(cast('a' as text));
go
select ltrim(cast('a' as ntext));
go
select replace(cast('a' as text), 'a', 'b');
go
select left(cast('a' as ntext), 1);
go
select len(cast('<a/>' as xml));
go
select charindex(cast('<a/>' as xml), 'a');
go
select replace('a', 'b', cast('<a/>' as xml));
go
select left(123, 2) as l, upper(5) as u, stuff('abc', 2, 1, 7) as s, reverse(12) as r;
go
select encryptbykey(newid(), 'x');
go
select nosuchfunction('x');
go
