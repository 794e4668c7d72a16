SELECT DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_SCHEMA, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
    CONVERT(uniqueidentifier, NULL) AS COLUMN_GUID, CONVERT(int, NULL) AS COLUMN_PROPID, CONVERT(int, ic.key_ordinal) AS ORDINAL, k.name AS PK_NAME
FROM sys.key_constraints k
JOIN sys.objects o ON o.object_id = k.parent_object_id
JOIN sys.index_columns ic ON ic.object_id = o.object_id AND ic.index_id = k.unique_index_id AND ic.key_ordinal > 0
JOIN sys.columns c ON c.object_id = o.object_id AND c.column_id = ic.column_id
WHERE k.type = 'PK' AND (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @table_schema)
ORDER BY 1, 2, 3, 7
