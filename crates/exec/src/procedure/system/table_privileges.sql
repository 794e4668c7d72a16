IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
WITH found AS (
    SELECT o.object_id, o.schema_id, o.name, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS owner
    FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    WHERE o.type IN ('U', 'V')
        AND (@table_name IS NULL OR (@fUsePattern = 1 AND o.name LIKE @table_name) OR o.name = @table_name)
        AND (@table_owner IS NULL OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @table_owner) OR SCHEMA_NAME(o.schema_id) = @table_owner))
SELECT DB_NAME() AS TABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER, o.name AS TABLE_NAME,
    CONVERT(sysname, o.owner) AS GRANTOR, CONVERT(sysname, o.owner) AS GRANTEE, CONVERT(varchar(32), v.what) AS PRIVILEGE,
    CONVERT(varchar(3), 'YES') AS IS_GRANTABLE
FROM found o CROSS JOIN (VALUES ('DELETE'), ('INSERT'), ('REFERENCES'), ('SELECT'), ('UPDATE')) v (what)
UNION ALL
SELECT DB_NAME(), SCHEMA_NAME(o.schema_id), o.name, USER_NAME(p.grantor_principal_id), USER_NAME(p.grantee_principal_id), p.permission_name,
    CASE p.state WHEN 'W' THEN 'YES' ELSE 'NO' END
FROM found o JOIN sys.database_permissions p ON p.class = 1 AND p.major_id = o.object_id AND p.minor_id = 0 AND p.state IN ('G', 'W')
    AND p.permission_name IN ('DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'UPDATE')
ORDER BY 1, 2, 3, 6, 5
