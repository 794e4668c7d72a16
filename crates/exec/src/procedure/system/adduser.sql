DECLARE @user sysname = COALESCE(@name_in_db, @loginame), @sql nvarchar(max)
SET @sql = N'CREATE USER ' + QUOTENAME(@user) + N' FOR LOGIN ' + QUOTENAME(@loginame)
EXEC (@sql)
IF @@ERROR <> 0
    RETURN 1
IF @grpname IS NOT NULL
BEGIN
    SET @sql = N'ALTER ROLE ' + QUOTENAME(@grpname) + N' ADD MEMBER ' + QUOTENAME(@user)
    EXEC (@sql)
END
