IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
WITH found AS (
    SELECT o.object_id, o.schema_id, o.name FROM sys.all_objects o
    WHERE o.type IN ('U', 'V') AND o.name = @table_name AND (@table_owner IS NULL OR SCHEMA_NAME(o.schema_id) = @table_owner)),
sizes AS (
    SELECT s.object_id, s.index_id, SUM(s.row_count) AS row_count, SUM(s.used_page_count) AS pages
    FROM sys.dm_db_partition_stats s GROUP BY s.object_id, s.index_id)
SELECT DB_NAME() AS TABLE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS TABLE_OWNER, o.name AS TABLE_NAME,
    CONVERT(smallint, NULL) AS NON_UNIQUE, CONVERT(sysname, NULL) AS INDEX_QUALIFIER, CONVERT(sysname, NULL) AS INDEX_NAME,
    CONVERT(smallint, 0) AS TYPE, CONVERT(smallint, NULL) AS SEQ_IN_INDEX, CONVERT(sysname, NULL) AS COLUMN_NAME,
    CONVERT(char(1), NULL) AS COLLATION, CONVERT(int, s.row_count) AS CARDINALITY, CONVERT(int, s.pages) AS PAGES,
    CONVERT(varchar(128), NULL) AS FILTER_CONDITION
FROM found o JOIN sizes s ON s.object_id = o.object_id AND s.index_id IN (0, 1)
UNION ALL
SELECT DB_NAME(), SCHEMA_NAME(o.schema_id), o.name, CONVERT(smallint, 1 - i.is_unique), o.name, i.name,
    CONVERT(smallint, CASE i.type WHEN 1 THEN 1 ELSE 3 END), CONVERT(smallint, ic.key_ordinal), c.name,
    CONVERT(char(1), CASE WHEN ic.is_descending_key = 1 THEN 'D' ELSE 'A' END), CONVERT(int, s.row_count), CONVERT(int, s.pages),
    CONVERT(varchar(128), i.filter_definition)
FROM found o
JOIN sys.indexes i ON i.object_id = o.object_id AND i.type IN (1, 2) AND i.is_hypothetical = 0
JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal > 0
JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
LEFT JOIN sizes s ON s.object_id = i.object_id AND s.index_id = i.index_id
WHERE i.name LIKE @index_name AND (@is_unique NOT IN ('Y', 'y') OR i.is_unique = 1)
ORDER BY 4, 7, 6, 8
