SET NOCOUNT ON
IF @dbname IS NOT NULL AND DB_ID(@dbname) IS NULL
BEGIN
    RAISERROR(15010, -1, -1, @dbname)
    RETURN 1
END
CREATE TABLE #dbs (id int PRIMARY KEY, pages bigint)
DECLARE @id int, @db sysname, @open int, @sql nvarchar(max)
DECLARE hCDatabases CURSOR LOCAL STATIC FOR
    SELECT database_id, name, CASE WHEN state <> 0 THEN 2 ELSE HAS_DBACCESS(name) END FROM sys.databases
    WHERE @dbname IS NULL OR name = @dbname ORDER BY name
OPEN hCDatabases
FETCH hCDatabases INTO @id, @db, @open
WHILE @@FETCH_STATUS = 0
BEGIN
    IF @open = 1
    BEGIN
        SET @sql = N'INSERT #dbs SELECT @id, SUM(CONVERT(bigint, size)) FROM ' + QUOTENAME(@db) + N'.sys.database_files'
        EXEC sp_executesql @sql, N'@id int', @id
    END
    ELSE IF @open = 2
        INSERT #dbs SELECT @id, SUM(CONVERT(bigint, size)) FROM sys.master_files WHERE database_id = @id
    ELSE
        RAISERROR(15622, -1, -1, @db)
    FETCH hCDatabases INTO @id, @db, @open
END
CLOSE hCDatabases
DEALLOCATE hCDatabases
SET NOCOUNT OFF
SELECT d.name, STR(CONVERT(decimal(15, 2), f.pages) * 8 / 1024, 10, 2) + N' MB' AS db_size, SUSER_SNAME(d.owner_sid) AS owner,
    CONVERT(smallint, d.database_id) AS dbid, CONVERT(nvarchar(11), d.create_date) AS created,
    CONVERT(nvarchar(600), 'Status=' + CONVERT(varchar(60), d.state_desc) + ', Updateability=' + CASE d.is_read_only WHEN 1 THEN 'READ_ONLY' ELSE 'READ_WRITE' END
        + ', UserAccess=' + CONVERT(varchar(60), d.user_access_desc) + ', Recovery=' + CONVERT(varchar(60), d.recovery_model_desc)
        + ISNULL(', Collation=' + d.collation_name, '')) AS status,
    d.compatibility_level
FROM sys.databases d JOIN #dbs f ON f.id = d.database_id
ORDER BY 1
IF @dbname IS NULL OR NOT EXISTS (SELECT 1 FROM #dbs) RETURN 0
CREATE TABLE #files (name sysname, file_id int, physical_name nvarchar(260), filegroup sysname NULL, size bigint, max_size bigint, growth int, is_percent_growth bit, type int)
SET NOCOUNT ON
IF DATABASEPROPERTYEX(@dbname, 'Status') = 'ONLINE'
BEGIN
    SET @sql = N'INSERT #files SELECT f.name, f.file_id, f.physical_name, g.name, f.size, f.max_size, f.growth, f.is_percent_growth, f.type FROM '
        + QUOTENAME(@dbname) + N'.sys.database_files f LEFT JOIN ' + QUOTENAME(@dbname) + N'.sys.filegroups g ON g.data_space_id = f.data_space_id'
    EXEC (@sql)
END
ELSE
    INSERT #files SELECT name, file_id, physical_name, NULL, size, max_size, growth, is_percent_growth, type FROM sys.master_files WHERE database_id = DB_ID(@dbname)
SET NOCOUNT OFF
SELECT name, CONVERT(smallint, file_id) AS fileid, physical_name AS filename, filegroup,
    CONVERT(nvarchar(15), size * 8) + N' KB' AS size,
    CASE max_size WHEN -1 THEN N'Unlimited' ELSE CONVERT(nvarchar(15), max_size * 8) + N' KB' END AS maxsize,
    CASE is_percent_growth WHEN 1 THEN CONVERT(nvarchar(15), growth) + N'%' ELSE CONVERT(nvarchar(15), CONVERT(bigint, growth) * 8) + N' KB' END AS growth,
    CASE type WHEN 1 THEN 'log only' ELSE 'data only' END AS usage
FROM #files ORDER BY file_id
