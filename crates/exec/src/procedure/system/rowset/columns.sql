-- A temporary table has a longer name of its own in tempdb.
IF @table_name LIKE N'#%' AND DB_NAME() = N'tempdb'
    SET @table_name = ISNULL((SELECT name FROM sys.objects WHERE object_id = OBJECT_ID(N'tempdb..' + QUOTENAME(@table_name))), @table_name);
WITH {oledb_types}
, described AS (
SELECT o.schema_id, o.name AS TABLE_NAME, c.name AS COLUMN_NAME, c.column_id, c.default_object_id, c.is_nullable, c.is_computed, c.is_sparse, c.is_column_set,
    CONVERT(int, ROW_NUMBER() OVER (PARTITION BY c.object_id ORDER BY c.column_id)) AS ORDINAL_POSITION, c.collation_name,
    -- Written to; of one length; may be NULL, may hold one; long and so deferred; a row version.
    CASE WHEN c.is_computed = 1 OR c.is_identity = 1 OR d.xtype = 189 THEN 0 ELSE 8 END + d.fixed * 16 + c.is_nullable * 96 + d.long * 130
        + CASE d.xtype WHEN 189 THEN 512 ELSE 0 END AS COLUMN_FLAGS,
    CASE WHEN t.is_user_defined = 1 AND d.xtype <> 240 THEN t.schema_id END AS domain_schema, CASE WHEN t.is_user_defined = 1 AND d.xtype <> 240 THEN t.name END AS DOMAIN_NAME,
    x.schema_id AS xml_schema, x.name AS xml_name, CASE WHEN d.xtype = 240 THEN t.schema_id END AS udt_schema, CASE WHEN d.xtype = 240 THEN t.name END AS udt_name,
    a.assembly_qualified_name,
{oledb_shape}
FROM sys.all_columns c
JOIN sys.all_objects o ON o.object_id = c.object_id AND o.type IN ('U', 'V', 'TF', 'IF')
JOIN sys.types t ON t.user_type_id = c.user_type_id
JOIN oledb_types d ON d.xtype = c.system_type_id AND d.big = CASE WHEN c.max_length = -1 AND c.system_type_id IN (165, 167, 231) THEN 1 ELSE 0 END
LEFT JOIN sys.assembly_types a ON a.user_type_id = c.user_type_id
LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id AND c.xml_collection_id <> 0
WHERE (@table_name IS NULL OR o.name = @table_name) AND (@table_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @table_schema)
)
SELECT DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(schema_id)) AS TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONVERT(uniqueidentifier, NULL) AS COLUMN_GUID,
    CONVERT(int, NULL) AS COLUMN_PROPID, ORDINAL_POSITION, CONVERT(bit, CASE default_object_id WHEN 0 THEN 0 ELSE 1 END) AS COLUMN_HASDEFAULT,
    CONVERT(nvarchar(2000), OBJECT_DEFINITION(default_object_id)) AS COLUMN_DEFAULT, CONVERT(int, COLUMN_FLAGS) AS COLUMN_FLAGS, CONVERT(bit, is_nullable) AS IS_NULLABLE,
    DATA_TYPE, CONVERT(uniqueidentifier, NULL) AS TYPE_GUID, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, FRACTION AS DATETIME_PRECISION,
    CONVERT(sysname, NULL) AS CHARACTER_SET_CATALOG, CONVERT(sysname, NULL) AS CHARACTER_SET_SCHEMA, CONVERT(sysname, NULL) AS CHARACTER_SET_NAME,
    CONVERT(sysname, CASE WHEN collation_name IS NOT NULL THEN 'master' END) AS COLLATION_CATALOG, CONVERT(sysname, CASE WHEN collation_name IS NOT NULL THEN 'dbo' END) AS COLLATION_SCHEMA,
    collation_name AS COLLATION_NAME, CASE WHEN DOMAIN_NAME IS NOT NULL THEN DB_NAME() END AS DOMAIN_CATALOG, CONVERT(sysname, SCHEMA_NAME(domain_schema)) AS DOMAIN_SCHEMA, DOMAIN_NAME,
    CONVERT(nvarchar(1), NULL) AS DESCRIPTION, CONVERT(int, COLLATIONPROPERTY(collation_name, 'LCID')) AS COLUMN_LCID,
    CONVERT(int, COLLATIONPROPERTY(collation_name, 'ComparisonStyle')) AS COLUMN_COMPFLAGS,
    CONVERT(int, SUBSTRING(CONVERT(binary(5), COLLATIONPROPERTY(collation_name, 'TDSCollation')), 5, 1)) AS COLUMN_SORTID,
    CONVERT(binary(5), COLLATIONPROPERTY(collation_name, 'TDSCollation')) AS COLUMN_TDSCOLLATION, CONVERT(bit, is_computed) AS IS_COMPUTED
    {more}
FROM described
WHERE @column_name IS NULL OR COLUMN_NAME = @column_name
ORDER BY 2, 3, 7
