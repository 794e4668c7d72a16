SET NOCOUNT ON
DECLARE @name nvarchar(600), @sql nvarchar(max)
DECLARE hCStatistics CURSOR LOCAL FOR
    SELECT QUOTENAME(SCHEMA_NAME(schema_id)) + N'.' + QUOTENAME(name) FROM sys.tables WHERE is_ms_shipped = 0 ORDER BY object_id
OPEN hCStatistics
FETCH hCStatistics INTO @name
WHILE @@FETCH_STATUS = 0
BEGIN
    PRINT N'Updating ' + @name
    SET @sql = N'UPDATE STATISTICS ' + @name
    EXEC (@sql)
    FETCH hCStatistics INTO @name
END
CLOSE hCStatistics
DEALLOCATE hCStatistics
PRINT N' '
PRINT N'Statistics for all tables have been updated.'
