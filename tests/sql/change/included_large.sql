-- Indexes that include values which do not fit in their entries.
CREATE DATABASE included_large;
GO
USE included_large;
CREATE TABLE t (id int NOT NULL CONSTRAINT pk PRIMARY KEY, k int NOT NULL, a varchar(max) NULL, b nvarchar(max) NULL, c varchar(8000) NULL, d xml NULL);
CREATE INDEX ix ON t (k) INCLUDE (a, b, c, d);
CREATE UNIQUE INDEX ux ON t (k, id) INCLUDE (a);
SELECT i.name, u.type_desc FROM sys.indexes i JOIN sys.partitions p ON p.object_id = i.object_id AND p.index_id = i.index_id
JOIN sys.allocation_units u ON u.container_id = p.hobt_id WHERE i.object_id = OBJECT_ID('t')
 ORDER BY i.name, u.type;
GO
-- In the entry, on pages of its own, both, none.
INSERT t VALUES (1, 1, 'short', N'short', 'short', '<a/>'),
 (2, 2, REPLICATE(CONVERT(varchar(max), 'a'), 100000), REPLICATE(CONVERT(nvarchar(max), N'b'), 60000), REPLICATE('c', 8000), '<a>' + REPLICATE(CONVERT(varchar(max), 'x'), 20000) + '</a>'),
 (3, 3, REPLICATE('a', 5000), REPLICATE(N'b', 3000), REPLICATE('c', 5000), NULL),
 (4, 4, NULL, NULL, REPLICATE('c', 8000), NULL);
SELECT k, LEN(a), LEN(b), LEN(c), DATALENGTH(d), CHECKSUM_AGG(CHECKSUM(a, b, c)) FROM t WITH (INDEX (ix)) WHERE k BETWEEN 1 AND 9
GROUP BY k, LEN(a), LEN(b), LEN(c), DATALENGTH(d) ORDER BY k;
SELECT COUNT(*) FROM t x WITH (INDEX (ix)) JOIN t y WITH (INDEX (1)) ON x.id = y.id AND x.a = y.a AND x.c = y.c;
GO
UPDATE t SET a = a + 'z' WHERE k = 2;
UPDATE t SET k = k + 10;
UPDATE t SET id = id + 100 WHERE k = 13;
UPDATE t SET c = REPLICATE('d', 7000), a = REPLICATE('e', 4000) WHERE k = 11;
SELECT k, id, LEN(a), LEN(b), LEN(c), RIGHT(a, 1), LEFT(c, 1) FROM t WITH (INDEX (ix)) WHERE k > 0 ORDER BY k;
SELECT k, id, LEN(a), RIGHT(a, 1) FROM t WITH (INDEX (ux)) WHERE k > 0 ORDER BY k;
GO
-- Taken back: to a savepoint, and by an error.
BEGIN TRANSACTION;
DELETE t WHERE k = 12;
SAVE TRANSACTION s;
UPDATE t SET a = REPLICATE(CONVERT(varchar(max), 'q'), 50000);
ROLLBACK TRANSACTION s;
SELECT k, LEN(a), RIGHT(a, 1) FROM t WITH (INDEX (ix)) WHERE k > 0 ORDER BY k;
ROLLBACK;
SELECT k, LEN(a), LEN(b), LEN(c), RIGHT(a, 1) FROM t WITH (INDEX (ix)) WHERE k > 0 ORDER BY k;
INSERT t SELECT id + 1, 50, a, b, c, d FROM t WHERE id IN (2, 1);
GO
MERGE t USING (VALUES (2, 'm'), (7, 'n')) s (id, v) ON t.id = s.id
WHEN MATCHED THEN UPDATE SET b = REPLICATE(CONVERT(nvarchar(max), v), 20000)
WHEN NOT MATCHED THEN INSERT (id, k, a) VALUES (s.id, 17, REPLICATE(CONVERT(varchar(max), v), 9000));
SELECT k, LEN(a), LEN(b) FROM t WITH (INDEX (ix)) WHERE k > 0 ORDER BY k;
ALTER INDEX ix ON t REBUILD;
SELECT k, LEN(a), LEN(b), LEN(c), DATALENGTH(d) FROM t WITH (INDEX (ix)) WHERE k > 0 ORDER BY k;
DBCC CHECKDB (included_large) WITH NO_INFOMSGS;
GO
-- A table without a clustered index, keys that the row has out of it, a filter, rows that come at once.
CREATE TABLE h (n int NOT NULL, k varchar(1700) NULL, a varchar(max) NULL, p varchar(8000) NULL);
CREATE INDEX hk ON h (k) INCLUDE (a, p);
CREATE UNIQUE INDEX hu ON h (n) INCLUDE (k, p) WHERE a IS NOT NULL;
INSERT h WITH (TABLOCK) SELECT value, REPLICATE(CHAR(96 + value), 1700), IIF(value % 2 = 0, NULL, REPLICATE('a', 6000)), REPLICATE('p', 8000) FROM GENERATE_SERIES(1, 20);
SELECT COUNT(*), SUM(LEN(a)), SUM(LEN(p)), SUM(LEN(k)) FROM h WITH (INDEX (hk)) WHERE k >= '';
SELECT COUNT(*), SUM(LEN(p)), SUM(LEN(k)) FROM h WITH (INDEX (hu)) WHERE n > 0 AND a IS NOT NULL;
UPDATE h SET p = 'small' WHERE n <= 10;
UPDATE h SET a = NULL WHERE n = 1;
DELETE h WHERE n > 15;
SELECT COUNT(*), SUM(LEN(a)), SUM(LEN(p)), SUM(LEN(k)) FROM h WITH (INDEX (hk)) WHERE k >= '';
SELECT COUNT(*), SUM(LEN(p)), SUM(LEN(k)) FROM h WITH (INDEX (hu)) WHERE n > 0 AND a IS NOT NULL;
CREATE CLUSTERED INDEX hc ON h (n);
SELECT COUNT(*), SUM(LEN(a)), SUM(LEN(p)), SUM(LEN(k)) FROM h WITH (INDEX (hk)) WHERE k >= '';
DBCC CHECKDB (included_large) WITH NO_INFOMSGS;
INSERT h VALUES (3, 'again', 'x', NULL);
GO
-- What an index had is free when it goes.
DECLARE @before bigint = (SELECT SUM(total_pages) FROM sys.allocation_units), @after bigint;
CREATE TABLE f (id int PRIMARY KEY, a varchar(max));
INSERT f SELECT value, REPLICATE(CONVERT(varchar(max), 'a'), 40000) FROM GENERATE_SERIES(1, 40);
CREATE INDEX fx ON f (id) INCLUDE (a);
DROP INDEX fx ON f;
TRUNCATE TABLE f;
DROP TABLE f;
SET @after = (SELECT SUM(total_pages) FROM sys.allocation_units);
SELECT IIF(@after < @before + 40, 'free', 'kept');
DBCC CHECKDB (included_large) WITH NO_INFOMSGS;
GO
USE master;
DROP DATABASE included_large;
