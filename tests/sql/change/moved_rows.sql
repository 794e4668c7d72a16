-- Rows of a heap that moved away from their address, and rows of equal keys read in a snapshot.
CREATE DATABASE moved;
GO
ALTER DATABASE moved SET ALLOW_SNAPSHOT_ISOLATION ON;
USE moved;
GO
CREATE TABLE h (k int NOT NULL, v varchar(3000), l int, w varchar(20));
INSERT h SELECT value, REPLICATE('a', 100), value, 'w' FROM GENERATE_SERIES(1, 70);
UPDATE h SET v = REPLICATE('b', 3000) WHERE k = 5;
GO
-- The last columns become empty: the way back is none of them.
UPDATE h SET v = '', w = '' WHERE k = 5;
SELECT k, v, l, w FROM h WHERE k = 5;
UPDATE h SET w = 'again' WHERE k = 5;
SELECT k, v, l, w FROM h WHERE k = 5;
UPDATE h SET v = NULL, w = NULL WHERE k = 5;
SELECT k, v, l, w FROM h WHERE k = 5;
UPDATE h SET v = REPLICATE('c', 3000), w = '' WHERE k BETWEEN 30 AND 40;
UPDATE h SET v = '' WHERE k BETWEEN 30 AND 35;
SELECT COUNT(*) AS n, SUM(LEN(v)) AS long, SUM(LEN(w)) AS short FROM h;
DELETE h WHERE k IN (5, 31, 39);
SELECT COUNT(*) AS n, SUM(LEN(v)) AS long FROM h;
DBCC CHECKTABLE ('h') WITH NO_INFOMSGS;
GO
-- Chunks of a snapshot's index end between entries, not between keys.
CREATE TABLE t (w int NOT NULL, k int NOT NULL, a int NULL, x char(100) NOT NULL DEFAULT 'x', PRIMARY KEY (w, k));
CREATE INDEX ia ON t (a);
CREATE TABLE u (a int NULL, x char(100) NOT NULL DEFAULT 'x');
CREATE INDEX ua ON u (a DESC);
INSERT t (w, k, a) SELECT value % 5, value, value % 3 FROM GENERATE_SERIES(1, 4000);
INSERT u (a) SELECT value % 3 FROM GENERATE_SERIES(1, 4000);
GO
SET TRANSACTION ISOLATION LEVEL SNAPSHOT;
SELECT COUNT(*) AS n, SUM(a) AS s, COUNT(DISTINCT k) AS k FROM t WITH (INDEX (ia)) WHERE a >= 0;
SELECT COUNT(*) AS n, SUM(a) AS s FROM u WITH (INDEX (ua)) WHERE a BETWEEN 0 AND 1;
BEGIN TRANSACTION;
DELETE t WHERE k % 7 = 0;
UPDATE t SET a = 1 WHERE a = 0;
UPDATE u SET a = 2 WHERE a = 1;
SELECT a, COUNT(*) AS n FROM t WITH (INDEX (ia)) GROUP BY a ORDER BY a;
SELECT a, COUNT(*) AS n FROM u WITH (INDEX (ua)) WHERE a > 0 GROUP BY a ORDER BY a;
ROLLBACK;
SELECT a, COUNT(*) AS n FROM t WITH (INDEX (ia)) GROUP BY a ORDER BY a;
SELECT TOP 1 a, COUNT(*) OVER () AS n FROM u WITH (INDEX (ua)) WHERE a IS NOT NULL ORDER BY a DESC;
