IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
WITH found AS (
    SELECT o.object_id, o.schema_id, o.name, c.name AS column_name, c.column_id, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS owner
    FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id
    WHERE o.type IN ('U', 'V') AND o.name = @table_name AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner)
        AND (@column_name IS NULL OR c.name LIKE @column_name))
SELECT DB_NAME() AS TABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER, o.name AS TABLE_NAME, o.column_name AS COLUMN_NAME,
    CONVERT(sysname, o.owner) AS GRANTOR, CONVERT(sysname, o.owner) AS GRANTEE, CONVERT(varchar(32), v.what) AS PRIVILEGE,
    CONVERT(varchar(3), 'YES') AS IS_GRANTABLE
FROM found o CROSS JOIN (VALUES ('INSERT'), ('REFERENCES'), ('SELECT'), ('UPDATE')) v (what)
UNION ALL
SELECT DB_NAME(), SCHEMA_NAME(o.schema_id), o.name, o.column_name, USER_NAME(p.grantor_principal_id), USER_NAME(p.grantee_principal_id),
    p.permission_name, CASE p.state WHEN 'W' THEN 'YES' ELSE 'NO' END
FROM found o JOIN sys.database_permissions p ON p.class = 1 AND p.major_id = o.object_id AND p.minor_id IN (0, o.column_id) AND p.state IN ('G', 'W')
    AND p.permission_name IN ('INSERT', 'REFERENCES', 'SELECT', 'UPDATE')
ORDER BY 1, 2, 3, 4, 7, 6
