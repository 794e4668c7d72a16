IF @dbname IS NOT NULL AND DB_ID(@dbname) IS NULL
BEGIN
    RAISERROR(15010, -1, -1, @dbname)
    RETURN 1
END
SELECT d.name, STR(CONVERT(decimal(15, 2), f.pages) * 8 / 1024, 10, 2) + N' MB' AS db_size, SUSER_SNAME(d.owner_sid) AS owner,
    CONVERT(smallint, d.database_id) AS dbid, CONVERT(nvarchar(11), d.create_date) AS created,
    CONVERT(nvarchar(600), 'Status=' + CONVERT(varchar(60), d.state_desc) + ', Updateability=' + CASE d.is_read_only WHEN 1 THEN 'READ_ONLY' ELSE 'READ_WRITE' END
        + ', UserAccess=' + CONVERT(varchar(60), d.user_access_desc) + ', Recovery=' + CONVERT(varchar(60), d.recovery_model_desc)
        + ISNULL(', Collation=' + d.collation_name, '')) AS status,
    d.compatibility_level
FROM sys.databases d
LEFT JOIN (SELECT database_id, SUM(CONVERT(bigint, size)) AS pages FROM sys.master_files GROUP BY database_id) f ON f.database_id = d.database_id
WHERE @dbname IS NULL OR d.name = @dbname
ORDER BY 1
IF @dbname IS NULL RETURN 0
CREATE TABLE #groups (id int, name sysname)
IF DATABASEPROPERTYEX(@dbname, 'Status') = 'ONLINE'
BEGIN
    DECLARE @sql nvarchar(max) = N'INSERT #groups SELECT data_space_id, name FROM ' + QUOTENAME(@dbname) + N'.sys.filegroups'
    EXEC (@sql)
END
    SELECT m.name, CONVERT(smallint, m.file_id) AS fileid, m.physical_name AS filename, g.name AS filegroup,
        CONVERT(nvarchar(15), CONVERT(bigint, m.size) * 8) + N' KB' AS size,
        CASE m.max_size WHEN -1 THEN N'Unlimited' ELSE CONVERT(nvarchar(15), CONVERT(bigint, m.max_size) * 8) + N' KB' END AS maxsize,
        CASE m.is_percent_growth WHEN 1 THEN CONVERT(nvarchar(15), m.growth) + N'%' ELSE CONVERT(nvarchar(15), CONVERT(bigint, m.growth) * 8) + N' KB' END AS growth,
        CASE m.type WHEN 1 THEN 'log only' ELSE 'data only' END AS usage
    FROM sys.master_files m LEFT JOIN #groups g ON g.id = m.data_space_id WHERE m.database_id = DB_ID(@dbname) ORDER BY m.file_id
