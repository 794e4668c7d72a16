DECLARE @sql nvarchar(max) = N'CREATE LOGIN ' + QUOTENAME(@loginame) + N' WITH PASSWORD = '
    + CASE WHEN @encryptopt IS NULL THEN N'N''' + REPLACE(ISNULL(@passwd, N''), N'''', N'''''') + N''''
        ELSE CONVERT(nvarchar(200), CONVERT(varbinary(256), @passwd), 1) + N' HASHED' END
    + N', DEFAULT_DATABASE = ' + QUOTENAME(@defdb) + N', CHECK_EXPIRATION = OFF, CHECK_POLICY = OFF'
    + ISNULL(N', DEFAULT_LANGUAGE = ' + QUOTENAME(@deflanguage), N'')
    + ISNULL(N', SID = ' + CONVERT(nvarchar(50), @sid, 1), N'')
EXEC (@sql)
