SELECT DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_SCHEMA, o.name AS TABLE_NAME, k.kind AS TABLE_TYPE,
    CONVERT(uniqueidentifier, NULL) AS TABLE_GUID, CONVERT(bit, 0) AS BOOKMARKS, CONVERT(int, NULL) AS BOOKMARK_TYPE, CONVERT(smallint, NULL) AS BOOKMARK_DATATYPE,
    CONVERT(int, NULL) AS BOOKMARK_MAXIMUM_LENGTH, CONVERT(int, NULL) AS BOOKMARK_INFORMATION, CONVERT(bigint, NULL) AS TABLE_VERSION,
    CONVERT(int, (SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = o.object_id AND p.index_id < 2)) AS CARDINALITY,
    CONVERT(nvarchar(1), NULL) AS DESCRIPTION, CONVERT(int, NULL) AS TABLE_PROPID{more}
FROM sys.all_objects o
CROSS APPLY (SELECT CONVERT(nvarchar(30), CASE WHEN o.type = 'SN' THEN 'SYNONYM' ELSE CASE WHEN o.is_ms_shipped = 1 THEN 'SYSTEM ' ELSE '' END
    + CASE o.type WHEN 'V' THEN 'VIEW' ELSE 'TABLE' END END) AS kind) k
WHERE o.type IN ('U', 'V', 'SN') AND (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @table_schema)
    AND (@table_type IS NULL OR k.kind = @table_type)
ORDER BY 4, 2, 3
