DECLARE @id int
IF @name IS NOT NULL
    SET @id = OBJECT_ID(@name)
SELECT ISNULL(SCHEMA_NAME(o.schema_id), '.') AS Owner, ISNULL(o.name, '.') AS Object, USER_NAME(p.grantee_principal_id) AS Grantee,
    USER_NAME(p.grantor_principal_id) AS Grantor,
    CASE p.state WHEN 'D' THEN 'Deny' WHEN 'W' THEN 'Grant_WGO' ELSE 'Grant' END AS ProtectType,
    CONVERT(nvarchar(60), p.permission_name) AS Action,
    CASE WHEN p.class = 0 THEN '.' WHEN p.minor_id <> 0 THEN COL_NAME(p.major_id, p.minor_id)
        WHEN p.permission_name IN ('SELECT', 'UPDATE', 'REFERENCES') THEN '(All+New)' ELSE '.' END AS [Column]
FROM sys.database_permissions p LEFT JOIN sys.objects o ON p.class = 1 AND o.object_id = p.major_id
WHERE p.class IN (0, 1) AND (p.class = 0 OR o.object_id IS NOT NULL)
    AND (@name IS NULL OR (p.class = 1 AND p.major_id = @id) OR (p.class = 0 AND p.permission_name = UPPER(@name)))
    AND (@username IS NULL OR USER_NAME(p.grantee_principal_id) = @username)
    AND (@grantorname IS NULL OR USER_NAME(p.grantor_principal_id) = @grantorname)
    AND ((p.class = 1 AND CHARINDEX('o', LOWER(@permissionarea)) > 0) OR (p.class = 0 AND CHARINDEX('s', LOWER(@permissionarea)) > 0))
ORDER BY 1, 2, 3, 5, 6, 7
