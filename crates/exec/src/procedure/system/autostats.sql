SET NOCOUNT ON
DECLARE @found int = OBJECT_ID(@tblname), @here sysname = DB_NAME()
IF @found IS NULL
BEGIN
    RAISERROR(15009, -1, -1, @tblname, @here)
    RETURN 1
END
DECLARE @flag varchar(10) = UPPER(@flagc), @name sysname, @sql nvarchar(max)
IF @flag IS NOT NULL AND @flag NOT IN ('ON', 'OFF')
BEGIN
    RAISERROR(17000, -1, -1)
    RETURN 1
END
IF @indname IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.stats WHERE object_id = @found AND name = @indname)
BEGIN
    RAISERROR(15323, -1, -1, @tblname)
    RETURN 1
END
IF @flag IS NULL
BEGIN
    DECLARE @global varchar(3) = CASE WHEN DATABASEPROPERTYEX(@here, 'IsAutoUpdateStatistics') = 1 THEN 'ON' ELSE 'OFF' END
    PRINT N'Global statistics settings for ' + QUOTENAME(@here) + N':'
    PRINT N'  Automatic update statistics: ' + @global
    PRINT N'  Automatic create statistics: ' + CASE WHEN DATABASEPROPERTYEX(@here, 'IsAutoCreateStatistics') = 1 THEN N'ON' ELSE N'OFF' END
    PRINT N' '
    PRINT N'settings for table ' + QUOTENAME(OBJECT_SCHEMA_NAME(@found)) + N'.' + QUOTENAME(OBJECT_NAME(@found))
    PRINT N' '
    SELECT QUOTENAME(s.name) AS [Index Name], CASE WHEN s.no_recompute = 1 THEN 'OFF' ELSE 'ON' END AS [AUTOSTATS], STATS_DATE(s.object_id, s.stats_id) AS [Last Updated]
    FROM sys.stats s WHERE s.object_id = @found AND (@indname IS NULL OR s.name = @indname) ORDER BY s.stats_id
    RETURN 0
END
DECLARE hC CURSOR LOCAL STATIC FOR SELECT name FROM sys.stats WHERE object_id = @found AND (@indname IS NULL OR name = @indname) ORDER BY stats_id
OPEN hC
FETCH hC INTO @name
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @sql = N'UPDATE STATISTICS ' + QUOTENAME(OBJECT_SCHEMA_NAME(@found)) + N'.' + QUOTENAME(OBJECT_NAME(@found)) + N' ' + QUOTENAME(@name) + CASE WHEN @flag = 'OFF' THEN N' WITH NORECOMPUTE' ELSE N'' END
    EXEC (@sql)
    FETCH hC INTO @name
END
CLOSE hC
DEALLOCATE hC
RETURN 0
