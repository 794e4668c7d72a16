-- Every database takes the storage format (it cannot be switched off since version 2008).
IF @dbname IS NOT NULL AND DB_ID(@dbname) IS NULL
BEGIN
    RAISERROR(15010, -1, -1, @dbname)
    RETURN 1
END
IF @vardecimal_storage_format IS NULL
    SELECT name AS [Database Name], 'ON' AS [Vardecimal State] FROM sys.databases WHERE @dbname IS NULL OR name = @dbname
ELSE IF @vardecimal_storage_format NOT IN ('ON')
BEGIN
    RAISERROR(15600, -1, -1, 'sys.sp_db_vardecimal_storage_format')
    RETURN 1
END
RETURN 0
