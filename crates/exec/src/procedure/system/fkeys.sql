IF @pktable_name IS NULL AND @fktable_name IS NULL
BEGIN
    RAISERROR(15252, -1, -1)
    RETURN 1
END
IF (@pktable_qualifier <> N'' AND @pktable_qualifier <> DB_NAME()) OR (@fktable_qualifier <> N'' AND @fktable_qualifier <> DB_NAME())
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END
SELECT DB_NAME() AS PKTABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(p.schema_id)) AS PKTABLE_OWNER, p.name AS PKTABLE_NAME,
    pc.name AS PKCOLUMN_NAME, DB_NAME() AS FKTABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(f.schema_id)) AS FKTABLE_OWNER,
    f.name AS FKTABLE_NAME, fc.name AS FKCOLUMN_NAME, CONVERT(smallint, k.constraint_column_id) AS KEY_SEQ,
    CONVERT(smallint, CASE c.update_referential_action WHEN 0 THEN 1 WHEN 1 THEN 0 ELSE c.update_referential_action END) AS UPDATE_RULE,
    CONVERT(smallint, CASE c.delete_referential_action WHEN 0 THEN 1 WHEN 1 THEN 0 ELSE c.delete_referential_action END) AS DELETE_RULE,
    c.name AS FK_NAME, i.name AS PK_NAME, CONVERT(smallint, 7) AS DEFERRABILITY
FROM sys.foreign_keys c
JOIN sys.foreign_key_columns k ON k.constraint_object_id = c.object_id
JOIN sys.objects p ON p.object_id = c.referenced_object_id
JOIN sys.objects f ON f.object_id = c.parent_object_id
JOIN sys.columns pc ON pc.object_id = p.object_id AND pc.column_id = k.referenced_column_id
JOIN sys.columns fc ON fc.object_id = f.object_id AND fc.column_id = k.parent_column_id
LEFT JOIN sys.indexes i ON i.object_id = p.object_id AND i.index_id = c.key_index_id
WHERE (@pktable_name IS NULL OR p.name = @pktable_name)
    AND (@pktable_owner IS NULL OR SCHEMA_NAME(p.schema_id) = @pktable_owner)
    AND (@fktable_name IS NULL OR f.name = @fktable_name)
    AND (@fktable_owner IS NULL OR SCHEMA_NAME(f.schema_id) = @fktable_owner)
-- Keys that a table imports are ordered by the tables they refer to, keys that it exports by the tables that refer to it.
ORDER BY CASE WHEN @fktable_name IS NULL THEN SCHEMA_NAME(f.schema_id) ELSE SCHEMA_NAME(p.schema_id) END,
    CASE WHEN @fktable_name IS NULL THEN f.name ELSE p.name END, c.name, 9
