-- What sessions say of themselves.
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
DBCC USEROPTIONS
DBCC OPENTRAN
DBCC TRACEON(3604)
DBCC TRACESTATUS(3604, 1222)
DBCC TRACEOFF(3604) WITH NO_INFOMSGS
GO
DECLARE c CURSOR GLOBAL FOR SELECT 1 AS a WHERE 1 = 0
SELECT CURSOR_STATUS('global', 'c') AS declared, CURSOR_STATUS('global', 'd') AS none
OPEN c
SELECT CURSOR_STATUS('global', 'c') AS empty
CLOSE c
DEALLOCATE c
DECLARE l CURSOR LOCAL FOR SELECT 1 AS a
OPEN l
SELECT CURSOR_STATUS('local', 'l') AS [open], CURSOR_STATUS('global', 'l') AS not_global
GO
EXEC sp_set_session_context N'tenant', 7
EXEC sp_set_session_context @key = N'fixed', @value = N'x', @read_only = 1
SELECT SESSION_CONTEXT(N'tenant') AS tenant, SESSION_CONTEXT(N'fixed') AS fixed, SESSION_CONTEXT(N'nothing') AS nothing
EXEC sp_set_session_context N'fixed', N'y'
GO
EXEC sp_MSforeachdb 'IF ''?'' IN (''master'', ''tempdb'') PRINT ''?'''
GO
SELECT JSON_MODIFY('{"a":1}', '$.b', JSON_QUERY('[1,2]')) AS nested, JSON_OBJECT('k': JSON_ARRAY(1, 'x')) AS made
SELECT CAST('2024-07-01 12:00' AS datetime2(0)) AT TIME ZONE 'UTC' AT TIME ZONE 'Pacific Standard Time' AS there
GO
(SELECT TOP 1 v FROM (VALUES (1), (2)) t(v) ORDER BY v) UNION (SELECT 3)
GO
SELECT * FROM ((SELECT TOP 1 v FROM (VALUES (1), (2)) t(v) ORDER BY v DESC) UNION (SELECT 3)) u ORDER BY v
GO
