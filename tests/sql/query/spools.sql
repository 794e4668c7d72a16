-- Inner sides without an index: rows kept by the outer values, results remembered, lists and subqueries as sets.
CREATE DATABASE spools;
GO
USE spools;
GO
CREATE TABLE outers (id int NOT NULL CONSTRAINT pk_outers PRIMARY KEY, k int NULL, s varchar(10) COLLATE Latin1_General_CI_AS NULL, t nvarchar(10) NULL);
CREATE TABLE inners (id int NOT NULL CONSTRAINT pk_inners PRIMARY KEY, k int NULL, s varchar(10) COLLATE Latin1_General_CI_AS NULL, v varchar(10) NULL);
INSERT outers VALUES (1, 1, 'a', N'1'), (2, 1, 'A ', N'1'), (3, 2, 'b', N'2'), (4, NULL, NULL, NULL), (5, 3, 'ä', N'x'), (6, 2, 'B', N'2'),
  (7, 9, 'zz', N'9'), (8, 1, 'a', N'1');
INSERT inners VALUES (1, 1, 'A', '10'), (2, 1, 'a', '20'), (3, 2, 'b ', '30'), (4, NULL, NULL, '40'), (5, 2, NULL, 'x'), (6, 4, 'Ä', '60'),
  (7, NULL, 'b', '70');
-- Rows that meet nothing: a table of a page is not worth keeping.
INSERT inners SELECT value, value, CONCAT('f', value), NULL FROM GENERATE_SERIES(1000, 1400);
GO
SET SHOWPLAN_TEXT ON;
GO
SELECT o.id, (SELECT COUNT(*) FROM inners i WHERE i.s = o.s) AS n FROM outers o;
SELECT o.id, a.v FROM outers o OUTER APPLY (SELECT TOP 1 i.v FROM inners i WHERE i.k = o.k AND i.id <> o.id ORDER BY i.id DESC) a;
GO
SET SHOWPLAN_TEXT OFF;
GO
-- Values of different spelling are equal, results show the outer spelling.
SELECT o.id, (SELECT COUNT(*) FROM inners i WHERE i.k = o.k) AS n, (SELECT COUNT(*) FROM inners i WHERE i.s = o.s) AS m,
  (SELECT MIN(o.s + '/' + i.s) FROM inners i WHERE i.s = o.s) AS spelt
FROM outers o ORDER BY o.id;
-- Further conditions on the outer row, also some without columns of the inner table.
SELECT o.id, (SELECT STRING_AGG(CONCAT(i.id, ''), ',') WITHIN GROUP (ORDER BY i.id) FROM inners i WHERE i.k = o.k AND i.id <> o.id AND o.id <> 8) AS others
FROM outers o ORDER BY o.id;
-- An error comes for rows that are met, and for no others.
SELECT o.id, (SELECT COUNT(*) FROM inners i WHERE i.k = o.k AND CAST(i.v AS int) = o.id * 10) AS n FROM outers o WHERE o.k = 1 ORDER BY o.id;
SELECT o.id, CASE WHEN o.k = 2 THEN (SELECT MAX(CAST(i.v AS int)) FROM inners i WHERE i.k = o.k) END AS n FROM outers o ORDER BY o.id;
GO
SELECT o.id, CASE WHEN o.k = 1 THEN (SELECT MAX(CAST(i.v AS int)) FROM inners i WHERE i.k = o.k) ELSE 0 END AS n FROM outers o ORDER BY o.id;
-- Two rows where one is asked for.
GO
SELECT o.id, (SELECT i.v FROM inners i WHERE i.k = o.k) AS v FROM outers o WHERE o.id IN (3, 4, 5, 6, 7) ORDER BY o.id;
GO
-- APPLY: the first row by an order, outer rows without any.
SELECT o.id, a.id, a.v FROM outers o OUTER APPLY (SELECT TOP 1 i.id, i.v FROM inners i WHERE i.k = o.k ORDER BY i.id DESC) a ORDER BY o.id;
SELECT o.id, a.n FROM outers o CROSS APPLY (SELECT i.k, COUNT(*) AS n FROM inners i WHERE i.k = o.k GROUP BY i.k) a ORDER BY o.id;
SELECT o.id, a.id, b.id FROM outers o CROSS APPLY (SELECT i.id, j.id AS other FROM inners i JOIN inners j ON j.v > i.v WHERE i.k = o.k AND j.k = o.k) a
  CROSS APPLY (SELECT i.id FROM inners i WHERE i.s = o.s AND i.id >= a.id) b ORDER BY o.id, a.id, b.id;
-- The rows below depend on a row further out.
SELECT o.id, a.text FROM outers o OUTER APPLY (
  SELECT STRING_AGG(CONCAT(q.id, ':', q.n), ' ') WITHIN GROUP (ORDER BY q.id) AS text
  FROM (SELECT p.id, (SELECT COUNT(*) FROM inners i WHERE i.k = p.k AND i.id > o.id) AS n FROM outers p WHERE p.k = o.k) q) a
ORDER BY o.id;
SELECT o.id, (SELECT SUM(q.n) FROM (SELECT (SELECT COUNT(*) FROM (SELECT TOP (2) i.k FROM inners i WHERE i.id <= o.id ORDER BY i.id DESC) t WHERE t.k = p.k) AS n FROM outers p) q) AS n
FROM outers o ORDER BY o.id;
-- EXISTS beside OR, and NOT IN over values that may be NULL.
SELECT id FROM outers o WHERE o.id = 7 OR EXISTS (SELECT * FROM inners i WHERE i.s = o.s) ORDER BY id;
SELECT id FROM outers WHERE k NOT IN (SELECT k FROM inners) ORDER BY id;
SELECT id FROM outers WHERE k NOT IN (SELECT k FROM inners WHERE k IS NOT NULL) ORDER BY id;
SELECT id FROM outers WHERE k NOT IN (SELECT k FROM inners WHERE k = 77) ORDER BY id;
SELECT id, CASE WHEN s IN (SELECT s FROM inners) THEN 'in' WHEN s NOT IN (SELECT s FROM inners) THEN 'out' ELSE 'unknown' END AS a,
  CASE WHEN s IN (SELECT s FROM inners WHERE s IS NOT NULL) THEN 'in' WHEN s NOT IN (SELECT s FROM inners WHERE s IS NOT NULL) THEN 'out' ELSE 'unknown' END AS b
FROM outers ORDER BY id;
-- Every row has a value of its own from NEWID.
SELECT COUNT(DISTINCT x) AS n FROM (SELECT (SELECT TOP 1 CAST(NEWID() AS varchar(40)) FROM inners i WHERE i.k = o.k) AS x FROM outers o) d;
GO
-- Changes that read what they change.
UPDATE o SET k = (SELECT MAX(p.id) FROM outers p WHERE p.k = o.k) FROM outers o WHERE o.k IS NOT NULL;
SELECT id, k FROM outers ORDER BY id;
DELETE o FROM outers o WHERE (SELECT COUNT(*) FROM outers p WHERE p.k = o.k) = 1;
SELECT id, k FROM outers ORDER BY id;
GO
-- Lists as sets.
SELECT id FROM inners WHERE s IN ('A', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't ', 'b') ORDER BY id;
SELECT id FROM inners WHERE s NOT IN ('A', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't ') AND id < 1000 ORDER BY id;
SELECT id FROM inners WHERE s NOT IN ('A', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't ', NULL) ORDER BY id;
DECLARE @a varchar(10) = 'B', @b varchar(10);
SELECT id FROM inners WHERE s IN (@a, @b, 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't ') ORDER BY id;
SELECT id FROM inners WHERE v = '10' OR v = '11' OR v = '12' OR v = '13' OR v = '14' OR v = '15' OR v = '16' OR v = '17' OR v = '18' OR v = '20' OR v IN ('21', 'x') ORDER BY id;
GO
-- Appending to a variable.
DECLARE @s nvarchar(max) = N'a', @t nvarchar(max), @v varchar(5) = 'ab', @i int = 0;
WHILE @i < 3 BEGIN SET @t = @s; SET @s += N'b' + CAST(@i AS nvarchar(5)); SET @i += 1; END
SELECT @s AS s, @t AS before;
SET @s = @s + @s + N'!'; SET @v += 'cdefg'; SELECT @s AS twice, @v AS cut;
SET @t = NULL; SET @t += N'x'; SELECT @t AS nothing;
SET @t = N''; SELECT @t += CAST(id AS nvarchar(10)) + N',' FROM inners WHERE id < 4 ORDER BY id; SELECT @t AS ids;
SELECT @t = @t + v FROM inners WHERE v IS NULL OR id = 1; SELECT @t AS ids;
SELECT @t = @t + NULL; SELECT @t AS nothing;
SET CONCAT_NULL_YIELDS_NULL OFF;
SET @t = N'x'; SET @t += NULL; SET @t += N'y'; SELECT @t AS kept;
GO
