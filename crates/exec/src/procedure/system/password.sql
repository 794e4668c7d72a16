DECLARE @sql nvarchar(max) = N'ALTER LOGIN ' + QUOTENAME(COALESCE(@loginame, SUSER_SNAME())) + N' WITH PASSWORD = N'''
    + REPLACE(@new, N'''', N'''''') + N'''' + ISNULL(N' OLD_PASSWORD = N''' + REPLACE(@old, N'''', N'''''') + N'''', N'')
EXEC (@sql)
