-- sp_tables over the databases whose names the pattern fits.
SET NOCOUNT ON
IF @table_owner = N'' AND @table_name = N''
BEGIN
    EXEC sp_tables @table_name, @table_owner, @table_qualifier, @table_type, @fUsePattern
    RETURN 0
END
DECLARE @database sysname, @call nvarchar(300)
DECLARE @found TABLE (TABLE_QUALIFIER sysname NULL, TABLE_OWNER sysname NULL, TABLE_NAME sysname NULL, TABLE_TYPE varchar(32) NULL, REMARKS varchar(254) NULL)
DECLARE hCForEachDatabase CURSOR LOCAL FOR
    SELECT name FROM sys.databases
    WHERE state = 0 AND HAS_DBACCESS(name) = 1
        AND (name = ISNULL(NULLIF(@table_qualifier, N''), DB_NAME()) OR (@fUsePattern = 1 AND name LIKE @table_qualifier))
OPEN hCForEachDatabase
FETCH hCForEachDatabase INTO @database
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @call = QUOTENAME(@database) + N'..sp_tables'
    INSERT @found EXEC @call @table_name, @table_owner, @database, @table_type, @fUsePattern
    FETCH hCForEachDatabase INTO @database
END
CLOSE hCForEachDatabase
DEALLOCATE hCForEachDatabase
SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, TABLE_TYPE, REMARKS FROM @found ORDER BY 4, 1, 2, 3
