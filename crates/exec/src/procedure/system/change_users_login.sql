DECLARE @sql nvarchar(max), @sid varbinary(85)
IF UPPER(@Action) = 'REPORT'
BEGIN
    IF @UserNamePattern IS NOT NULL OR @LoginName IS NOT NULL OR @Password IS NOT NULL
    BEGIN
        RAISERROR(N'Terminating this procedure. The %s name ''%s'' is absent or invalid.', 16, 1, N'@Action', N'Report')
        RETURN 1
    END
    SELECT p.name AS UserName, p.sid AS UserSID
    FROM sys.database_principals p
    WHERE p.type = 'S' AND p.principal_id > 4 AND p.sid IS NOT NULL AND DATALENGTH(p.sid) <= 16
        AND SUSER_SNAME(p.sid) IS NULL
    ORDER BY p.name
    RETURN 0
END
IF UPPER(@Action) NOT IN ('AUTO_FIX', 'UPDATE_ONE')
BEGIN
    RAISERROR(N'Terminating this procedure. The %s name ''%s'' is absent or invalid.', 16, 1, N'Action', @Action)
    RETURN 1
END
IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @UserNamePattern AND type = 'S' AND principal_id > 4)
BEGIN
    RAISERROR(N'Terminating this procedure. The %s name ''%s'' is absent or invalid.', 16, 1, N'User', @UserNamePattern)
    RETURN 1
END
IF UPPER(@Action) = 'AUTO_FIX'
BEGIN
    SET @LoginName = @UserNamePattern
    IF NOT EXISTS (SELECT 1 FROM sys.server_principals WHERE name = @LoginName AND type = 'S')
    BEGIN
        IF @Password IS NULL
        BEGIN
            RAISERROR(N'Terminating this procedure. The %s name ''%s'' is absent or invalid.', 16, 1, N'Password', N'(null)')
            RETURN 1
        END
        SELECT @sid = sid FROM sys.database_principals WHERE name = @UserNamePattern
        SET @sql = N'CREATE LOGIN ' + QUOTENAME(@LoginName) + N' WITH PASSWORD = N''' + REPLACE(@Password, N'''', N'''''')
            + N''', SID = ' + CONVERT(nvarchar(200), @sid, 1)
        EXEC (@sql)
        RETURN 0
    END
END
IF NOT EXISTS (SELECT 1 FROM sys.server_principals WHERE name = @LoginName AND type = 'S')
BEGIN
    RAISERROR(N'Terminating this procedure. The %s name ''%s'' is absent or invalid.', 16, 1, N'Login', @LoginName)
    RETURN 1
END
SET @sql = N'ALTER USER ' + QUOTENAME(@UserNamePattern) + N' WITH LOGIN = ' + QUOTENAME(@LoginName)
EXEC (@sql)
