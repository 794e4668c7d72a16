-- Generated queries: long chains and lists work, what is nested too deeply says so.
CREATE DATABASE long_and_deep;
GO
USE long_and_deep;
GO
CREATE TABLE t (id int NOT NULL PRIMARY KEY, s nvarchar(10) NULL);
INSERT t SELECT value, CONCAT(N's', value) FROM GENERATE_SERIES(1, 20);
GO
DECLARE @q nvarchar(max), @n int;
SET @q = N'SELECT @n = SUM(id' + REPLICATE(CAST(N' + id' AS nvarchar(max)), 3000) + N') FROM t';
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS ids;
SET @q = N'SELECT @n = LEN(N''a''' + REPLICATE(CAST(N' + N''b''' AS nvarchar(max)), 3000) + N')';
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS letters;
SET @q = N'SELECT @n = COUNT(*) FROM t WHERE id = 1' + REPLICATE(CAST(N' OR id + 1 = 5' AS nvarchar(max)), 5000);
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS rows_of_or;
SELECT @q = N'SELECT @n = COUNT(*) FROM t WHERE s IN (' + STRING_AGG(CAST(CONCAT(N'N''S', value, N' ''') AS nvarchar(max)), N',') + N')' FROM GENERATE_SERIES(10, 10000);
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS rows_of_in;
SELECT @q = N'SELECT @n = COUNT(*) FROM t WHERE id IN (' + STRING_AGG(CAST(value AS nvarchar(max)), N',') + N')' FROM GENERATE_SERIES(10, 9000);
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS rows_sought;
GO
DECLARE @q nvarchar(max), @n int, @d int = 150;
SET @q = CONCAT(N'SELECT @n = ', REPLICATE(N'(', @d), N'1', REPLICATE(N')', @d));
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS parentheses;
SET @q = CONCAT(N'SELECT @n = MAX(id) FROM ', REPLICATE(N'(SELECT * FROM ', @d / 3), N't', REPLICATE(N') d', @d / 3));
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS derived_tables;
SET @q = CONCAT(N'SELECT @n = MAX(', REPLICATE(CAST(N'CASE WHEN id = 0 THEN 0 ELSE ' AS nvarchar(max)), @d / 2), N'id', REPLICATE(N' END', @d / 2), N') FROM t');
EXEC sp_executesql @q, N'@n int OUTPUT', @n OUTPUT; SELECT @n AS cases;
GO
DECLARE @q nvarchar(max) = CONCAT(N'SELECT ', REPLICATE(N'(', 1000), N'1', REPLICATE(N')', 1000));
EXEC (@q);
GO
DECLARE @q nvarchar(max) = N'SELECT 1' + REPLICATE(CAST(N'+1' AS nvarchar(max)), 9000);
EXEC (@q);
GO
