SET NOCOUNT ON
DECLARE @level tinyint, @sql nvarchar(max)
IF @dbname IS NULL
BEGIN
    PRINT N'Valid values of the database compatibility level are 100, 110, 120, 130, 140, 150, or 160.'
    RETURN 0
END
SELECT @level = compatibility_level FROM sys.databases WHERE name = @dbname
IF @level IS NULL
BEGIN
    RAISERROR(15010, -1, -1, @dbname)
    RETURN 1
END
IF @new_cmptlevel IS NULL
BEGIN
    PRINT N'The current compatibility level is ' + CONVERT(nvarchar(10), @level) + N'.'
    RETURN 0
END
SET @sql = N'ALTER DATABASE ' + QUOTENAME(@dbname) + N' SET COMPATIBILITY_LEVEL = ' + CONVERT(nvarchar(10), @new_cmptlevel)
EXEC (@sql)
