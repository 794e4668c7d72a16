IF ISNULL(IS_SRVROLEMEMBER(N'securityadmin'), 0) = 0 AND ISNULL(IS_SRVROLEMEMBER(N'sysadmin'), 0) = 0 BEGIN RAISERROR(15247, -1, -1) RETURN 1 END SET NOCOUNT ON
IF @LoginNamePattern IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.server_principals WHERE name = @LoginNamePattern AND type IN ('S', 'U', 'G', 'C', 'K'))
BEGIN
    RAISERROR(15007, -1, -1, @LoginNamePattern)
    RETURN 1
END
CREATE TABLE #users (LoginName sysname NOT NULL, DBName sysname NOT NULL, UserName sysname NOT NULL, UserOrAlias char(8) NOT NULL)
DECLARE @db sysname, @sql nvarchar(max)
DECLARE hCDatabases CURSOR LOCAL STATIC FOR SELECT name FROM sys.databases WHERE state = 0 AND HAS_DBACCESS(name) = 1 AND database_id <> 2 ORDER BY name
OPEN hCDatabases
FETCH hCDatabases INTO @db
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @sql = N'INSERT #users SELECT l.name, @db, u.name, CASE u.type WHEN ''R'' THEN ''MemberOf'' ELSE ''User'' END FROM ' + QUOTENAME(@db) + N'.sys.database_principals u JOIN sys.server_principals l ON l.sid = u.sid WHERE l.type IN (''S'', ''U'', ''G'', ''C'', ''K'')
        UNION ALL SELECT l.name, @db, r.name, ''MemberOf'' FROM ' + QUOTENAME(@db) + N'.sys.database_principals u JOIN sys.server_principals l ON l.sid = u.sid JOIN ' + QUOTENAME(@db) + N'.sys.database_role_members m ON m.member_principal_id = u.principal_id JOIN ' + QUOTENAME(@db) + N'.sys.database_principals r ON r.principal_id = m.role_principal_id WHERE l.type IN (''S'', ''U'', ''G'', ''C'', ''K'')'
    EXEC sp_executesql @sql, N'@db sysname', @db
    FETCH hCDatabases INTO @db
END
CLOSE hCDatabases
DEALLOCATE hCDatabases
SELECT l.name AS LoginName, l.sid AS SID, l.default_database_name AS DefDBName, l.default_language_name AS DefLangName,
    CONVERT(char(5), CASE WHEN EXISTS (SELECT 1 FROM #users u WHERE u.LoginName = l.name AND u.UserOrAlias = 'User') THEN 'yes' ELSE 'NO' END) AS AUser, CONVERT(char(7), 'no') AS ARemote
FROM sys.server_principals l WHERE l.type IN ('S', 'U', 'G', 'C', 'K') AND (@LoginNamePattern IS NULL OR l.name = @LoginNamePattern) ORDER BY 1
SELECT LoginName, DBName, UserName, UserOrAlias FROM #users WHERE @LoginNamePattern IS NULL OR LoginName = @LoginNamePattern ORDER BY 1, 2, 4, 3
RETURN 0
