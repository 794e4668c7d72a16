IF @rolename IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @rolename AND is_fixed_role = 1)
BEGIN
    RAISERROR(15412, -1, -1, @rolename)
    RETURN 1
END
SELECT CONVERT(sysname, v.DbFixedRole) AS DbFixedRole, CONVERT(nvarchar(70), v.Description) AS Description FROM (VALUES
    (1, N'db_owner', N'DB Owners'), (2, N'db_accessadmin', N'DB Access Administrators'), (3, N'db_securityadmin', N'DB Security Administrators'),
    (4, N'db_ddladmin', N'DB DDL Administrators'), (5, N'db_backupoperator', N'DB Backup Operator'), (6, N'db_datareader', N'DB Data Reader'),
    (7, N'db_datawriter', N'DB Data Writer'), (8, N'db_denydatareader', N'DB Deny Data Reader'), (9, N'db_denydatawriter', N'DB Deny Data Writer')) v (n, DbFixedRole, Description)
WHERE @rolename IS NULL OR v.DbFixedRole = @rolename
ORDER BY v.n
