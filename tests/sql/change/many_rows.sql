-- Changes of more rows than come at once: the same as all at once.
CREATE DATABASE many_rows;
GO
USE many_rows;
CREATE TABLE t (id int NOT NULL CONSTRAINT pk PRIMARY KEY, a int NOT NULL, b varchar(20) NULL, CONSTRAINT ck CHECK (a < 100000));
CREATE INDEX ix ON t (a);
INSERT t SELECT value, value, NULL FROM GENERATE_SERIES(1, 5000);
UPDATE t SET a = a + 1;
SELECT COUNT(*), SUM(a), MIN(a), MAX(a) FROM t;
-- Each row once, however often the join meets it, and none of those that move on in the index again.
UPDATE t SET a = t.a + 10 FROM t WITH (INDEX (ix)) JOIN (VALUES (1), (2), (3)) v (n) ON t.a > 0;
SELECT @@ROWCOUNT, COUNT(*), SUM(a), MIN(a), MAX(a) FROM t;
UPDATE t SET a = a + 5 FROM t WITH (INDEX (ix)) WHERE a > 0;
SELECT @@ROWCOUNT, COUNT(*), SUM(a), MIN(a), MAX(a) FROM t;
GO
-- Variables go on from row to row.
DECLARE @n int = 0, @sum bigint = 0;
UPDATE t SET @n = @n + 1, @sum = @sum + a, b = CONCAT('r', @n);
SELECT @n, @sum, (SELECT COUNT(DISTINCT b) FROM t);
UPDATE t SET @n = @n - 1;
SELECT @n, (SELECT SUM(a) FROM t);
-- One value for all rows, of a table as it was, and one each.
UPDATE t SET b = CONVERT(varchar(20), RAND());
SELECT COUNT(DISTINCT b) FROM t;
UPDATE t SET a = a + (SELECT MAX(a) FROM t);
SELECT MAX(a) - MIN(a), COUNT(DISTINCT a) FROM t;
UPDATE t SET b = LEFT(CONVERT(varchar(36), NEWID()), 20);
SELECT COUNT(DISTINCT b) FROM t;
GO
-- An error at the last row takes back all.
UPDATE t SET a = IIF(id = 5000, 100000, 0);
SELECT COUNT(*) FROM t WHERE a = 0;
UPDATE t SET a = 1 / (5000 - id);
SELECT COUNT(*) FROM t WHERE a < 2;
GO
-- Keys that change places.
UPDATE t SET id = 5001 - id;
SELECT COUNT(*), MIN(id), MAX(id) FROM t;
UPDATE t SET id = id + 1;
SELECT @@ROWCOUNT, COUNT(*), MIN(id), MAX(id) FROM t;
GO
SET ROWCOUNT 1700;
UPDATE t SET a = 0;
SELECT @@ROWCOUNT;
DELETE t WHERE a = 0;
SELECT @@ROWCOUNT;
SET ROWCOUNT 0;
DELETE TOP (1200) t;
UPDATE TOP (10) PERCENT t SET a = 3;
SELECT @@ROWCOUNT, COUNT(*) FROM t;
INSERT t SELECT id + 100000, a, b FROM t;
SELECT @@ROWCOUNT, COUNT(*), COUNT(DISTINCT id) FROM t;
GO
-- Rows that others reference, and rows that reference their own table.
CREATE TABLE child (id int CONSTRAINT fk REFERENCES t);
INSERT child SELECT MAX(id) FROM t;
DELETE t;
SELECT @@ROWCOUNT, COUNT(*) FROM t;
CREATE TABLE chain (id int NOT NULL CONSTRAINT pk_chain PRIMARY KEY, up int NULL CONSTRAINT fk_chain REFERENCES chain);
INSERT chain SELECT value, NULLIF(value - 1, 0) FROM GENERATE_SERIES(1, 3000);
UPDATE chain SET up = 3001 - id;
DELETE chain WHERE id > 10;
DELETE chain;
SELECT @@ROWCOUNT, COUNT(*) FROM chain;
GO
-- Taken back: undo of many rows, to a savepoint and wholly.
DELETE child;
BEGIN TRANSACTION;
UPDATE t SET a = 1;
SAVE TRANSACTION s;
DELETE t WHERE id % 2 = 0;
UPDATE t SET a = 2, b = 'two';
INSERT t SELECT value, 5, 'five' FROM GENERATE_SERIES(1000001, 1003000);
ROLLBACK TRANSACTION s;
SELECT COUNT(*), SUM(a), COUNT(DISTINCT id) FROM t;
UPDATE t SET a = 7;
ROLLBACK;
SELECT COUNT(*), COUNT(DISTINCT b), IIF(SUM(a) = COUNT(*) * 7, 'seven', 'as before') FROM t;
DBCC CHECKDB (many_rows) WITH NO_INFOMSGS;
GO
USE master;
DROP DATABASE many_rows;
