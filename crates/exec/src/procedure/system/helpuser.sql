IF @name_in_db IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @name_in_db)
BEGIN
    RAISERROR(15198, -1, -1, @name_in_db)
    RETURN 1
END
SELECT u.name AS UserName, ISNULL(r.name, N'public') AS RoleName, l.name AS LoginName, CONVERT(sysname, NULL) AS DefDBName,
    u.default_schema_name AS DefSchemaName, CONVERT(char(10), u.principal_id) AS UserID, u.sid AS SID
FROM sys.database_principals u
LEFT JOIN sys.database_role_members m ON m.member_principal_id = u.principal_id
LEFT JOIN sys.database_principals r ON r.principal_id = m.role_principal_id
LEFT JOIN sys.server_principals l ON l.sid = u.sid
WHERE u.type IN ('S', 'U', 'G', 'C', 'K', 'E', 'X') AND (@name_in_db IS NULL OR u.name = @name_in_db)
ORDER BY 1, 2
