SET NOCOUNT ON
DECLARE @id int, @table nvarchar(600), @column sysname, @sql nvarchar(max), @with nvarchar(200) = N''
IF UPPER(@fullscan) = 'FULLSCAN' SET @with = N' WITH FULLSCAN'
IF UPPER(@norecompute) = 'NORECOMPUTE' SET @with += CASE WHEN @with = N'' THEN N' WITH NORECOMPUTE' ELSE N', NORECOMPUTE' END
DECLARE hCColumns CURSOR LOCAL STATIC FOR
    SELECT QUOTENAME(SCHEMA_NAME(t.schema_id)) + N'.' + QUOTENAME(t.name), c.name
    FROM sys.tables t JOIN sys.columns c ON c.object_id = t.object_id
    WHERE t.is_ms_shipped = 0 AND c.is_computed = 0 AND TYPE_NAME(c.system_type_id) NOT IN ('xml', 'geometry', 'geography', 'sql_variant', 'text', 'ntext', 'image', 'hierarchyid')
      AND c.system_type_id NOT IN (240, 241)
      AND NOT EXISTS (SELECT 1 FROM sys.stats_columns k WHERE k.object_id = c.object_id AND k.column_id = c.column_id AND k.stats_column_id = 1)
      AND (UPPER(@indexonly) <> 'INDEXONLY' OR EXISTS (SELECT 1 FROM sys.index_columns i WHERE i.object_id = c.object_id AND i.column_id = c.column_id))
    ORDER BY t.object_id, c.column_id
OPEN hCColumns
FETCH hCColumns INTO @table, @column
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @sql = N'CREATE STATISTICS ' + QUOTENAME(@column) + N' ON ' + @table + N' (' + QUOTENAME(@column) + N')' + @with
    PRINT N'Table ''' + @table + N''': Creating statistics for the following columns:'
    PRINT N'     ' + @column
    EXEC (@sql)
    FETCH hCColumns INTO @table, @column
END
CLOSE hCColumns
DEALLOCATE hCColumns
PRINT N' '
PRINT N'Statistics have been created for the columns of all tables in the current database.'
RETURN 0
