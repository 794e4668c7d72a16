IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
IF @col_type NOT IN ('R', 'r', 'V', 'v')
BEGIN
    RAISERROR(15251, -1, -1, 'col_type', '''R'' or ''V''')
    RETURN 1
END
IF @scope NOT IN ('C', 'c', 'T', 't')
BEGIN
    RAISERROR(15251, -1, -1, 'scope', '''C'' or ''T''')
    RETURN 1
END
IF @nullable NOT IN ('O', 'o', 'U', 'u')
BEGIN
    RAISERROR(15251, -1, -1, 'nullable', '''O'' or ''U''')
    RETURN 1
END
DECLARE @object int = (SELECT TOP (1) o.object_id FROM sys.all_objects o WHERE o.type IN ('U', 'V') AND o.name = @table_name
    AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner) ORDER BY o.schema_id)
-- A row is told by a unique index: the primary key, else the one with the fewest columns.
DECLARE @index int = (SELECT TOP (1) i.index_id FROM sys.indexes i
    WHERE i.object_id = @object AND i.is_unique = 1 AND i.has_filter = 0
        AND (@nullable IN ('U', 'u') OR NOT EXISTS (SELECT 1 FROM sys.index_columns ic JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
            WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0 AND c.is_nullable = 1))
    ORDER BY i.is_primary_key DESC, (SELECT COUNT(*) FROM sys.index_columns ic WHERE ic.object_id = i.object_id AND ic.index_id = i.index_id), i.index_id);
WITH {datatypes}
, described AS (
SELECT c.name AS COLUMN_NAME, c.column_id, c.system_type_id, c.is_identity,
{shape}
FROM sys.all_columns c
JOIN sys.types t ON t.user_type_id = c.user_type_id
JOIN datatypes d ON d.xtype = c.system_type_id AND d.listed <> 2 AND d.ident = 0
    AND d.big = CASE WHEN c.max_length = -1 AND c.system_type_id IN (165, 167, 231) THEN 1 ELSE 0 END
WHERE c.object_id = @object
)
SELECT CONVERT(smallint, CASE WHEN @col_type IN ('V', 'v') THEN NULL WHEN @scope IN ('C', 'c') THEN 0 ELSE 1 END) AS SCOPE, s.COLUMN_NAME, s.DATA_TYPE,
    CONVERT(sysname, CASE WHEN s.is_identity = 1 THEN CASE WHEN s.system_type_id IN (106, 108) THEN s.TYPE_NAME + '() identity' ELSE s.TYPE_NAME + ' identity' END
        ELSE s.TYPE_NAME END) AS TYPE_NAME,
    s.PRECISION, s.LENGTH, s.SCALE, CONVERT(smallint, 1) AS PSEUDO_COLUMN
FROM described s
LEFT JOIN sys.index_columns ic ON ic.object_id = @object AND ic.index_id = @index AND ic.column_id = s.column_id AND ic.key_ordinal > 0
WHERE (@col_type IN ('V', 'v') AND s.system_type_id = 189) OR (@col_type IN ('R', 'r') AND ic.key_ordinal > 0)
ORDER BY s.column_id
