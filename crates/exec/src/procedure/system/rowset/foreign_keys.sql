-- Only keys within a database are there.
SELECT DB_NAME() AS PK_TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(p.schema_id)) AS PK_TABLE_SCHEMA, p.name AS PK_TABLE_NAME, pc.name AS PK_COLUMN_NAME,
    CONVERT(uniqueidentifier, NULL) AS PK_COLUMN_GUID, CONVERT(int, NULL) AS PK_COLUMN_PROPID,
    DB_NAME() AS FK_TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(f.schema_id)) AS FK_TABLE_SCHEMA, f.name AS FK_TABLE_NAME, fc.name AS FK_COLUMN_NAME,
    CONVERT(uniqueidentifier, NULL) AS FK_COLUMN_GUID, CONVERT(int, NULL) AS FK_COLUMN_PROPID, CONVERT(int, k.constraint_column_id) AS ORDINAL,
    CONVERT(nvarchar(11), REPLACE(c.update_referential_action_desc, '_', ' ')) AS UPDATE_RULE, CONVERT(nvarchar(11), REPLACE(c.delete_referential_action_desc, '_', ' ')) AS DELETE_RULE,
    i.name AS PK_NAME, c.name AS FK_NAME, CONVERT(smallint, 3) AS DEFERRABILITY
FROM sys.foreign_keys c
JOIN sys.foreign_key_columns k ON k.constraint_object_id = c.object_id
JOIN sys.objects p ON p.object_id = c.referenced_object_id
JOIN sys.objects f ON f.object_id = c.parent_object_id
JOIN sys.columns pc ON pc.object_id = p.object_id AND pc.column_id = k.referenced_column_id
JOIN sys.columns fc ON fc.object_id = f.object_id AND fc.column_id = k.parent_column_id
LEFT JOIN sys.indexes i ON i.object_id = p.object_id AND i.index_id = c.key_index_id
WHERE (@pk_table_name IS NULL OR p.name = @pk_table_name) AND (@pk_table_schema IS NULL OR SCHEMA_NAME(p.schema_id) = @pk_table_schema)
    AND (@foreignkey_tab_name IS NULL OR f.name = @foreignkey_tab_name) AND (@foreignkey_tab_schema IS NULL OR SCHEMA_NAME(f.schema_id) = @foreignkey_tab_schema)
    AND (@pk_table_catalog IS NULL OR @pk_table_catalog = DB_NAME()) AND (@foreignkey_tab_catalog IS NULL OR @foreignkey_tab_catalog = DB_NAME())
ORDER BY 8, 9, 2, 3, 17, 13
