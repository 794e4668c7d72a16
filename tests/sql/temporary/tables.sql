-- Temporary tables as scripts use them: found by OBJECT_ID, shown by tempdb, altered, shared, hidden by procedures.
IF OBJECT_ID('tempdb..#t') IS NOT NULL DROP TABLE #t
CREATE TABLE #t (id int IDENTITY PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', v decimal(9,2))
IF OBJECT_ID('tempdb..#t') IS NOT NULL PRINT 'by name'
IF OBJECT_ID(N'tempdb.dbo.[#t]', N'U') IS NOT NULL PRINT 'by name and kind'
IF OBJECT_ID('#t') IS NULL PRINT 'not in this database'
SELECT name, max_length, precision, scale, is_nullable, is_identity FROM tempdb.sys.columns WHERE object_id = OBJECT_ID('tempdb..#t') ORDER BY column_id
SELECT LEFT(name, 4) AS name, LEN(name) AS length, type FROM tempdb.sys.tables WHERE object_id = OBJECT_ID('tempdb..#t')
SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT FROM tempdb.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME LIKE '#t[_]%'
SELECT type, is_unique, is_primary_key FROM tempdb.sys.indexes WHERE object_id = OBJECT_ID('tempdb..#t')
GO
INSERT #t (name, v) VALUES ('a', 1.5), ('b', 2.25)
ALTER TABLE #t ADD extra int NULL, more varchar(10) NOT NULL CONSTRAINT df_more DEFAULT 'm'
SELECT * FROM #t
ALTER TABLE #t DROP COLUMN extra
ALTER TABLE #t ALTER COLUMN v int
ALTER TABLE #t ADD CONSTRAINT ck_v CHECK (v < 10)
SELECT * FROM #t
INSERT #t (name, v) VALUES ('c', 11)
GO
ALTER TABLE #t ADD CONSTRAINT ck_low CHECK (v < 2)
GO
ALTER TABLE #t DROP COLUMN more
GO
ALTER TABLE #t DROP CONSTRAINT df_more
ALTER TABLE #t DROP COLUMN more
ALTER TABLE #t ADD late int NOT NULL
GO
ALTER TABLE #t DROP COLUMN nothing
GO
SELECT * FROM #t
SELECT IDENT_CURRENT('#t') AS [current], IDENT_SEED('#t') AS seed, IDENT_INCR('#t') AS step, IDENT_CURRENT('nowhere') AS nowhere
DBCC CHECKIDENT('#t', RESEED, 50)
INSERT #t (name) VALUES ('d')
SELECT id, name FROM #t
GO
-- A rollback takes back what was altered.
BEGIN TRAN
ALTER TABLE #t ADD gone int
DROP TABLE IF EXISTS #t
ROLLBACK
SELECT * FROM #t
DROP TABLE #t
IF OBJECT_ID('tempdb..#t') IS NULL PRINT 'dropped'
GO
-- An inner batch may have a table of the same name; the outer one comes back.
CREATE TABLE #n (i int)
INSERT #n VALUES (1)
EXEC ('CREATE TABLE #n (t varchar(10)); INSERT #n VALUES (''inner''); SELECT * FROM #n; CREATE TABLE ##g (i int)')
SELECT * FROM #n
SELECT COUNT(*) AS shared FROM ##g
SELECT name FROM tempdb.sys.tables WHERE name LIKE '##%'
CREATE TABLE #n (i int)
GO
DROP TABLE ##g
GO
