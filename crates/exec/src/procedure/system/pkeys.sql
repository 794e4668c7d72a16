IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
SELECT DB_NAME() AS TABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER, o.name AS TABLE_NAME,
    c.name AS COLUMN_NAME, CONVERT(smallint, ic.key_ordinal) AS KEY_SEQ, k.name AS PK_NAME
FROM sys.key_constraints k
JOIN sys.objects o ON o.object_id = k.parent_object_id
JOIN sys.index_columns ic ON ic.object_id = o.object_id AND ic.index_id = k.unique_index_id AND ic.key_ordinal > 0
JOIN sys.columns c ON c.object_id = o.object_id AND c.column_id = ic.column_id
WHERE k.type = 'PK' AND o.name = @table_name AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner)
ORDER BY 1, 2, 3, 5
