-- Rare brackets: a query with common table expressions in the parentheses of RETURN, ODBC's escapes.
CREATE DATABASE brackets;
GO
USE brackets;
GO
CREATE FUNCTION dbo.upto (@n int) RETURNS TABLE AS RETURN (
  WITH c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < @n)
  SELECT x FROM c
);
GO
SELECT * FROM dbo.upto(3);
SELECT a.x, b.x FROM {oj dbo.upto(2) AS a LEFT OUTER JOIN dbo.upto(1) AS b ON a.x = b.x} ORDER BY a.x;
SELECT {d '2020-02-03'} AS d, {ts '2020-02-03 04:05:06'} AS ts, {fn ABS(-1)} AS f;
GO
