SELECT DB_NAME() AS CONSTRAINT_CATALOG, CONVERT(sysname, SCHEMA_NAME(k.schema_id)) AS CONSTRAINT_SCHEMA, k.name AS CONSTRAINT_NAME,
    DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_SCHEMA, o.name AS TABLE_NAME,
    s.kind AS CONSTRAINT_TYPE,
    CONVERT(bit, 0) AS IS_DEFERRABLE, CONVERT(bit, 0) AS INITIALLY_DEFERRED, CONVERT(nvarchar(1), NULL) AS DESCRIPTION
FROM sys.objects k JOIN sys.objects o ON o.object_id = k.parent_object_id
CROSS APPLY (SELECT CONVERT(nvarchar(11), CASE k.type WHEN 'PK' THEN 'PRIMARY KEY' WHEN 'UQ' THEN 'UNIQUE' WHEN 'F' THEN 'FOREIGN KEY' ELSE 'CHECK' END) AS kind) s
WHERE k.type IN ('PK', 'UQ', 'F', 'C') AND (@constraint_name IS NULL OR k.name = @constraint_name) AND (@constraint_schema IS NULL OR SCHEMA_NAME(k.schema_id) = @constraint_schema)
    AND (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @table_schema)
    AND (@constraint_catalog IS NULL OR @constraint_catalog = DB_NAME()) AND (@table_catalog IS NULL OR @table_catalog = DB_NAME())
    AND (@constraint_type IS NULL OR s.kind = @constraint_type)
ORDER BY 1, 2, 3, 4, 5, 6, 7
