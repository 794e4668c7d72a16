;WITH sizes AS (
    SELECT s.object_id, s.index_id, SUM(s.row_count) AS row_count, SUM(s.used_page_count) AS pages
    FROM sys.dm_db_partition_stats s GROUP BY s.object_id, s.index_id)
SELECT DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_SCHEMA, o.name AS TABLE_NAME,
    DB_NAME() AS INDEX_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS INDEX_SCHEMA, i.name AS INDEX_NAME,
    CONVERT(bit, i.is_primary_key) AS PRIMARY_KEY, CONVERT(bit, i.is_unique) AS [UNIQUE], CONVERT(bit, CASE i.type WHEN 1 THEN 1 ELSE 0 END) AS [CLUSTERED],
    -- A B-tree; NULLs are kept, below everything else; kept up by the server.
    CONVERT(smallint, 1) AS [TYPE], CONVERT(int, i.fill_factor) AS FILL_FACTOR, CONVERT(int, NULL) AS INITIAL_SIZE, CONVERT(int, 0) AS [NULLS],
    CONVERT(bit, 0) AS SORT_BOOKMARKS, CONVERT(bit, 1) AS AUTO_UPDATE, CONVERT(int, 4) AS NULL_COLLATION, CONVERT(int, ic.key_ordinal) AS ORDINAL_POSITION,
    c.name AS COLUMN_NAME, CONVERT(uniqueidentifier, NULL) AS COLUMN_GUID, CONVERT(int, NULL) AS COLUMN_PROPID,
    CONVERT(smallint, CASE ic.is_descending_key WHEN 1 THEN 2 ELSE 1 END) AS [COLLATION], CONVERT(int, s.row_count) AS [CARDINALITY], CONVERT(int, s.pages) AS PAGES,
    CONVERT(nvarchar(max), i.filter_definition) AS FILTER_CONDITION, CONVERT(bit, CASE i.type WHEN 1 THEN 1 ELSE 0 END) AS INTEGRATED{more}
FROM sys.all_objects o
JOIN sys.indexes i ON i.object_id = o.object_id AND i.type IN (1, 2) AND i.is_hypothetical = 0
JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0
JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
LEFT JOIN sizes s ON s.object_id = i.object_id AND s.index_id = i.index_id
WHERE o.type IN ('U', 'V') AND (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @table_schema)
    AND (@index_name IS NULL OR i.name = @index_name)
ORDER BY 8 DESC, 10, 4, 5, 6, 17
