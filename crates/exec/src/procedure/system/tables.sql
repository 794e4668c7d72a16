-- Three calls enumerate instead of searching: databases, schemas, kinds of tables.
IF @table_qualifier = N'%' AND @table_owner = N'' AND @table_name = N''
BEGIN
    SELECT name AS TABLE_QUALIFIER, CONVERT(sysname, NULL) AS TABLE_OWNER, CONVERT(sysname, NULL) AS TABLE_NAME,
        CONVERT(varchar(32), NULL) AS TABLE_TYPE, CONVERT(varchar(254), NULL) AS REMARKS
    FROM sys.databases ORDER BY 1
    RETURN 0
END
IF @table_qualifier = N'' AND @table_owner = N'%' AND @table_name = N''
BEGIN
    SELECT CONVERT(sysname, NULL) AS TABLE_QUALIFIER, name AS TABLE_OWNER, CONVERT(sysname, NULL) AS TABLE_NAME,
        CONVERT(varchar(32), NULL) AS TABLE_TYPE, CONVERT(varchar(254), NULL) AS REMARKS
    FROM sys.schemas ORDER BY 2
    RETURN 0
END
IF @table_qualifier = N'' AND @table_owner = N'' AND @table_name = N'' AND @table_type = '%'
BEGIN
    SELECT CONVERT(sysname, NULL) AS TABLE_QUALIFIER, CONVERT(sysname, NULL) AS TABLE_OWNER, CONVERT(sysname, NULL) AS TABLE_NAME,
        CONVERT(varchar(32), k.kind) AS TABLE_TYPE, CONVERT(varchar(254), NULL) AS REMARKS
    FROM (VALUES ('SYSTEM TABLE'), ('TABLE'), ('VIEW')) k (kind) ORDER BY 4
    RETURN 0
END
IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
SELECT DB_NAME() AS TABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER, o.name AS TABLE_NAME,
    CONVERT(varchar(32), CASE o.type WHEN 'U' THEN 'TABLE' ELSE 'VIEW' END) AS TABLE_TYPE, CONVERT(varchar(254), NULL) AS REMARKS
FROM sys.all_objects o
-- Base tables of the system are seen by nobody but a dedicated administrator connection.
WHERE o.type IN ('U', 'V')
    AND (@table_name IS NULL OR @table_name = N'' OR (@fUsePattern = 1 AND o.name LIKE @table_name) OR o.name = @table_name)
    AND (@table_owner IS NULL OR @table_owner = N'' OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @table_owner)
        OR SCHEMA_NAME(o.schema_id) = @table_owner)
    AND (@table_type IS NULL OR @table_type = '' OR @table_type = '%'
        OR CHARINDEX(CASE o.type WHEN 'U' THEN '''TABLE''' ELSE '''VIEW''' END, @table_type) > 0
        OR @table_type = CASE o.type WHEN 'U' THEN 'TABLE' ELSE 'VIEW' END)
ORDER BY 4, 1, 2, 3
