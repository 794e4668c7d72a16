IF @rolename IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = @rolename AND type = 'R')
BEGIN
    RAISERROR(15409, -1, -1, @rolename)
    RETURN 1
END
SELECT r.name AS DbRole, m.name AS MemberName, m.sid AS MemberSID
FROM sys.database_role_members x JOIN sys.database_principals r ON r.principal_id = x.role_principal_id
JOIN sys.database_principals m ON m.principal_id = x.member_principal_id
WHERE @rolename IS NULL OR r.name = @rolename ORDER BY 1, 2
