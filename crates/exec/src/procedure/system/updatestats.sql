SET NOCOUNT ON
DECLARE @option char(8) = UPPER(@resample)
IF @option <> 'NO' AND @option <> 'RESAMPLE'
BEGIN
    RAISERROR(14138, -1, -1, @resample)
    RETURN 1
END
IF IS_SRVROLEMEMBER('sysadmin') = 0 AND IS_MEMBER('db_owner') = 0
BEGIN
    RAISERROR(15247, -1, -1)
    RETURN 1
END
DECLARE @id int, @name nvarchar(600), @statistics sysname, @changes bigint, @made datetime2, @rows bigint
DECLARE @sql nvarchar(max), @done int, @left int
DECLARE hCTables CURSOR LOCAL STATIC FOR
    SELECT object_id, QUOTENAME(SCHEMA_NAME(schema_id)) + N'.' + QUOTENAME(name) FROM sys.tables WHERE is_ms_shipped = 0 ORDER BY object_id
OPEN hCTables
FETCH hCTables INTO @id, @name
WHILE @@FETCH_STATUS = 0
BEGIN
    RAISERROR(N'Updating %s', -1, -1, @name)
    SELECT @done = 0, @left = 0
    SELECT @rows = SUM(rows) FROM sys.partitions WHERE object_id = @id AND index_id < 2
    DECLARE hCStatistics CURSOR LOCAL STATIC FOR
        SELECT s.name, p.modification_counter, p.last_updated FROM sys.stats s LEFT JOIN sys.indexes i ON i.object_id = s.object_id AND i.index_id = s.stats_id
        OUTER APPLY sys.dm_db_stats_properties(s.object_id, s.stats_id) p
        WHERE s.object_id = @id AND ISNULL(i.is_disabled, 0) = 0 AND ISNULL(i.type, 1) IN (1, 2) ORDER BY s.stats_id
    OPEN hCStatistics
    FETCH hCStatistics INTO @statistics, @changes, @made
    WHILE @@FETCH_STATUS = 0
    BEGIN
        IF @changes > 0 OR (@made IS NULL AND @rows > 0)
        BEGIN
            SET @sql = N'UPDATE STATISTICS ' + @name + N' ' + QUOTENAME(@statistics) + CASE WHEN @option = 'RESAMPLE' THEN N' WITH RESAMPLE' ELSE N'' END
            EXEC (@sql)
            SET @done += 1
            RAISERROR(N'    [%s] has been updated...', -1, -1, @statistics)
        END
        ELSE
        BEGIN
            SET @left += 1
            RAISERROR(N'    [%s], update is not necessary...', -1, -1, @statistics)
        END
        FETCH hCStatistics INTO @statistics, @changes, @made
    END
    CLOSE hCStatistics
    DEALLOCATE hCStatistics
    RAISERROR(N'    %d index(es)/statistic(s) have been updated, %d did not require update.', -1, -1, @done, @left)
    PRINT N' '
    FETCH hCTables INTO @id, @name
END
CLOSE hCTables
DEALLOCATE hCTables
PRINT N' '
PRINT N'Statistics for all tables have been updated.'
