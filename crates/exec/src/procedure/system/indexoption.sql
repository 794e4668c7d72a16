-- A table, or one of its indexes behind a dot.
DECLARE @id int = OBJECT_ID(@IndexNamePattern), @index sysname = NULL, @option varchar(35) = LOWER(@OptionName), @value varchar(12) = LOWER(@OptionValue)
IF @id IS NULL
BEGIN
    SET @index = PARSENAME(@IndexNamePattern, 1)
    SET @id = OBJECT_ID(ISNULL(QUOTENAME(PARSENAME(@IndexNamePattern, 3)) + N'.', N'') + QUOTENAME(PARSENAME(@IndexNamePattern, 2)))
    IF @id IS NULL OR NOT EXISTS (SELECT 1 FROM sys.indexes WHERE object_id = @id AND name = @index)
    BEGIN
        RAISERROR(15388, -1, -1, @IndexNamePattern)
        RETURN 1
    END
END
IF @value NOT IN ('true', 'on', 'yes', '1', 'false', 'off', 'no', '0') OR @option NOT IN ('allowrowlocks', 'allowpagelocks', 'disallowrowlocks', 'disallowpagelocks')
BEGIN
    RAISERROR(15600, -1, -1, 'sys.sp_indexoption')
    RETURN 1
END
DECLARE @on bit = IIF(@value IN ('true', 'on', 'yes', '1'), 1, 0)
IF @option LIKE 'disallow%' SET @on = 1 - @on
DECLARE @sql nvarchar(max) = N'ALTER INDEX ' + ISNULL(QUOTENAME(@index), N'ALL') + N' ON ' + QUOTENAME(OBJECT_SCHEMA_NAME(@id)) + N'.'
    + QUOTENAME(OBJECT_NAME(@id)) + N' SET (' + IIF(@option LIKE '%row%', N'ALLOW_ROW_LOCKS', N'ALLOW_PAGE_LOCKS') + N' = ' + IIF(@on = 1, N'ON', N'OFF') + N')'
EXEC (@sql)
