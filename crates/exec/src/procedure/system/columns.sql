IF @table_qualifier IS NOT NULL AND @table_qualifier <> N'' AND @table_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END
-- A temporary table has a longer name of its own in tempdb.
IF @table_name LIKE N'#%' AND DB_NAME() = N'tempdb'
    SET @table_name = ISNULL((SELECT name FROM sys.objects WHERE object_id = OBJECT_ID(N'tempdb..' + QUOTENAME(@table_name))), @table_name);
WITH {datatypes}
, described AS (
SELECT DB_NAME() AS TABLE_QUALIFIER, SCHEMA_NAME(o.schema_id) AS TABLE_OWNER, o.name AS TABLE_NAME, c.name AS COLUMN_NAME,
    t.name + CASE WHEN c.is_identity = 1 THEN CASE WHEN d.xtype IN (106, 108) THEN '() identity' ELSE ' identity' END ELSE '' END AS SHOWN_TYPE,
    c.is_identity, CONVERT(smallint, c.is_nullable) AS NULLABLE, CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(nvarchar(4000), df.definition) AS COLUMN_DEF,
    CONVERT(int, ROW_NUMBER() OVER (PARTITION BY c.object_id ORDER BY c.column_id)) AS ORDINAL_POSITION,
    CONVERT(varchar(254), CASE WHEN c.is_nullable = 1 THEN 'YES' ELSE 'NO' END) AS IS_NULLABLE,
    CONVERT(smallint, c.is_sparse) AS SS_IS_SPARSE, CONVERT(smallint, c.is_column_set) AS SS_IS_COLUMN_SET,
    CONVERT(smallint, c.is_computed) AS SS_IS_COMPUTED, CONVERT(smallint, c.is_identity) AS SS_IS_IDENTITY,
    CASE WHEN d.xtype = 240 THEN DB_NAME() END AS SS_UDT_CATALOG_NAME,
    CASE WHEN d.xtype = 240 THEN SCHEMA_NAME(t.schema_id) END AS SS_UDT_SCHEMA_NAME,
    CONVERT(nvarchar(4000), a.assembly_qualified_name) AS SS_UDT_ASSEMBLY_TYPE_NAME,
    CASE WHEN x.name IS NOT NULL THEN DB_NAME() END AS SS_XML_SCHEMACOLLECTION_CATALOG_NAME,
    CASE WHEN x.name IS NOT NULL THEN SCHEMA_NAME(x.schema_id) END AS SS_XML_SCHEMACOLLECTION_SCHEMA_NAME,
    x.name AS SS_XML_SCHEMACOLLECTION_NAME,
    CONVERT(tinyint, CASE WHEN c.is_nullable = 1 THEN d.ss_null ELSE d.ss END) AS SS_DATA_TYPE,
    o.schema_id, c.object_id, c.column_id,
{shape}
FROM sys.all_columns c
JOIN sys.all_objects o ON o.object_id = c.object_id AND o.type IN ('S', 'U', 'V', 'TF', 'IF')
JOIN sys.types t ON t.user_type_id = c.user_type_id
JOIN datatypes d ON d.xtype = c.system_type_id AND d.listed <> 2 AND d.ident = 0
    AND d.big = CASE WHEN c.max_length = -1 AND c.system_type_id IN (165, 167, 231) THEN 1 ELSE 0 END
LEFT JOIN sys.default_constraints df ON df.object_id = c.default_object_id
LEFT JOIN sys.assembly_types a ON a.user_type_id = c.user_type_id
LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id AND c.xml_collection_id <> 0
WHERE (@table_name IS NULL OR (@fUsePattern = 1 AND o.name LIKE @table_name) OR o.name = @table_name)
    AND (@table_owner IS NULL OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @table_owner) OR SCHEMA_NAME(o.schema_id) = @table_owner)
    AND (@NameScope = 2 OR (@NameScope = 1 AND c.is_sparse = 1)
        OR (@NameScope = 0 AND (c.is_sparse = 0 OR NOT EXISTS (SELECT 1 FROM sys.columns s WHERE s.object_id = c.object_id AND s.is_column_set = 1))))
)
SELECT TABLE_QUALIFIER, TABLE_OWNER, TABLE_NAME, COLUMN_NAME, DATA_TYPE,
    CONVERT(sysname, CASE WHEN is_identity = 1 THEN SHOWN_TYPE ELSE TYPE_NAME END) AS TYPE_NAME,
    PRECISION, LENGTH, SCALE, RADIX, NULLABLE, REMARKS, COLUMN_DEF, SQL_DATA_TYPE, SQL_DATETIME_SUB, CHAR_OCTET_LENGTH,
    ORDINAL_POSITION, IS_NULLABLE
    {more}
FROM described
WHERE @column_name IS NULL OR (@fUsePattern = 1 AND COLUMN_NAME LIKE @column_name) OR COLUMN_NAME = @column_name
ORDER BY 1, 2, 3, ORDINAL_POSITION
