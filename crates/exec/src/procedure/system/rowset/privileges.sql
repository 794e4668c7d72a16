;WITH found AS (
    SELECT o.object_id, o.schema_id, o.name, USER_NAME(ISNULL(o.principal_id, s.principal_id)) AS owner
    FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    WHERE o.type IN ('U', 'V') AND (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR s.name = @table_schema)),
granted AS (
    -- What an owner may do needs no grant.
    SELECT o.owner AS grantor, o.owner AS grantee, o.schema_id, o.name, v.what, 1 AS grantable
    FROM found o CROSS JOIN (VALUES ('DELETE'), ('INSERT'), ('REFERENCES'), ('SELECT'), ('UPDATE')) v (what)
    UNION ALL
    SELECT USER_NAME(p.grantor_principal_id), USER_NAME(p.grantee_principal_id), o.schema_id, o.name, p.permission_name, CASE p.state WHEN 'W' THEN 1 ELSE 0 END
    FROM found o JOIN sys.database_permissions p ON p.class = 1 AND p.major_id = o.object_id AND p.minor_id = 0 AND p.state IN ('G', 'W')
        AND p.permission_name IN ('DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'UPDATE'))
SELECT CONVERT(sysname, grantor) AS GRANTOR, CONVERT(sysname, grantee) AS GRANTEE, DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(schema_id)) AS TABLE_SCHEMA, name AS TABLE_NAME,
    CONVERT(nvarchar(30), what) AS PRIVILEGE_TYPE, CONVERT(bit, grantable) AS IS_GRANTABLE
FROM granted
WHERE (@grantor IS NULL OR grantor = @grantor) AND (@grantee IS NULL OR grantee = @grantee)
ORDER BY 3, 4, 5, 6, 2
