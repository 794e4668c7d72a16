SELECT DB_NAME() AS CATALOG_NAME, s.name AS SCHEMA_NAME, CONVERT(sysname, USER_NAME(s.principal_id)) AS SCHEMA_OWNER, CONVERT(sysname, NULL) AS DEFAULT_CHARACTER_SET_CATALOG,
    CONVERT(sysname, NULL) AS DEFAULT_CHARACTER_SET_SCHEMA, CONVERT(sysname, NULL) AS DEFAULT_CHARACTER_SET_NAME
FROM sys.schemas s
WHERE (@schema_name IS NULL OR s.name = @schema_name) AND (@schema_owner IS NULL OR USER_NAME(s.principal_id) = @schema_owner)
ORDER BY 1, 2, 3
