CREATE TABLE dbo.cu(id int, v varchar(10));
GO
CREATE PROC p1 AS SELECT nosuchcol FROM cu
GO
CREATE PROC p2 AS
SELECT @x
GO
CREATE PROC p3 AS SELECT nosuch FROM missing JOIN cu ON 1=1
GO
CREATE PROC p4 AS CREATE TABLE #t(a int); INSERT #t(b) VALUES(1); SELECT c FROM #t; SELECT bad1 FROM cu; UPDATE cu SET bad2 = 1;
GO
CREATE TRIGGER tr ON cu AFTER UPDATE AS IF UPDATE(nosuch) PRINT 'x'; SELECT i.zz FROM inserted i
GO
CREATE TRIGGER tr2 ON cu AFTER UPDATE AS IF UPDATE(v) PRINT 'x'; SELECT i.v FROM inserted i JOIN deleted d ON d.id=i.id
GO
CREATE FUNCTION f1(@a int) RETURNS int AS BEGIN INSERT cu VALUES(1,'a'); PRINT 'a'; DECLARE @g uniqueidentifier = NEWID(); SELECT 1; EXEC('a') END
GO
CREATE FUNCTION f2(@a int) RETURNS @t TABLE(x int) AS BEGIN INSERT @t VALUES(1); UPDATE t SET x = 2 FROM @t t; DELETE @t WHERE x=3; RETURN END
GO
CREATE FUNCTION f3(@a int) RETURNS TABLE AS RETURN SELECT NEWID() n
GO
CREATE FUNCTION f4(@a int) RETURNS int AS BEGIN RETURN (SELECT nosuch FROM cu) END
GO
CREATE PROC p5 @a int, @a int AS SELECT 1
GO
CREATE PROC p6 AS GOTO nolabel
GO
CREATE PROC p7 AS SELECT SUBSTRING('a'), LEN('a','b')
GO
PRINT (SELECT 1)
GO
SELECT 1 WITH a AS (SELECT 1 b) SELECT * FROM a
GO
SELECT 1; WITH a AS (SELECT 1 b) SELECT * FROM a
GO
IF 1=1 BEGIN SELECT 1 END WITH a AS (SELECT 1 b) SELECT * FROM a
GO
SELECT COUNT(NULL)
GO
SELECT MAX(NULL)
GO
SELECT SUM(NULL)
GO
MERGE cu AS t USING cu AS s ON s.id=t.id WHEN MATCHED THEN DELETE
GO
SELECT * FROM (SELECT 1 a)
GO
SELECT name FROM sys.objects WHERE is_ms_shipped=0 ORDER BY 1
GO
-- views and functions that are none
create view #v as select 1 as a
GO
create function #f() returns int as begin return 1 end
GO
create view dbo.makes as select 1 as a into dbo.made
GO
create table dbo.whole (id int, v int)
GO
create view dbo.bound_star with schemabinding as select * from dbo.whole
GO
create view dbo.bound_star with schemabinding as
select d.id from
  (select w.* from dbo.whole w) d
GO
create view dbo.bound_star with schemabinding as select id from whole
GO
create function dbo.bound_if() returns table with schemabinding as return select id from whole
GO
create function dbo.bound_if() returns table with schemabinding as return select * from dbo.whole
GO
create function dbo.bound_fn() returns int with schemabinding as begin return (select max(id) from whole) end
GO
create view dbo.bound_ok with schemabinding as
with c as (select id, v from dbo.whole)
select v, count_big(*) as n from c where exists (select * from dbo.whole w where w.id = c.id) group by v
GO
select name from sys.objects where name like 'bound%' or name in ('makes', 'made')
GO
drop view dbo.bound_ok; drop table dbo.whole
