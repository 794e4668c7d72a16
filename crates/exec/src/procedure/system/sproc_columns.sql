IF @procedure_qualifier IS NOT NULL AND @procedure_qualifier <> N'' AND @procedure_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END;
WITH {datatypes}
, routine_items AS (
    SELECT p.object_id, p.parameter_id, p.name, p.system_type_id, p.user_type_id, p.max_length, p.precision, p.scale,
        CONVERT(smallint, CASE WHEN p.parameter_id = 0 THEN 5 WHEN p.is_output = 1 THEN 2 ELSE 1 END) AS kind, CONVERT(smallint, 1) AS nullable,
        p.xml_collection_id
    FROM sys.all_parameters p
    UNION ALL
    -- Every procedure returns an int.
    SELECT o.object_id, 0, N'@RETURN_VALUE', 56, 56, 4, 10, 0, 5, 0, 0 FROM sys.all_objects o WHERE o.type IN ('P', 'PC', 'X')
    UNION ALL
    SELECT o.object_id, 0, N'@TABLE_RETURN_VALUE', 0, 0, 0, 0, 0, 3, 0, 0 FROM sys.all_objects o WHERE o.type IN ('IF', 'TF', 'FT'))
, described AS (
SELECT DB_NAME() AS PROCEDURE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS PROCEDURE_OWNER,
    CONVERT(nvarchar(134), o.name + CASE WHEN o.type IN ('P', 'PC', 'X') THEN ';1' ELSE ';0' END) AS PROCEDURE_NAME,
    CONVERT(sysname, CASE WHEN c.parameter_id = 0 AND c.name = N'' THEN N'@RETURN_VALUE' ELSE c.name END) AS COLUMN_NAME,
    c.kind AS COLUMN_TYPE, c.nullable AS NULLABLE, c.parameter_id, d.xtype,
    CASE WHEN d.xtype = 240 THEN DB_NAME() END AS SS_UDT_CATALOG_NAME,
    CASE WHEN d.xtype = 240 THEN CONVERT(sysname, SCHEMA_NAME(t.schema_id)) END AS SS_UDT_SCHEMA_NAME,
    CONVERT(nvarchar(4000), a.assembly_qualified_name) AS SS_UDT_ASSEMBLY_TYPE_NAME,
    CASE WHEN x.name IS NOT NULL THEN DB_NAME() END AS SS_XML_SCHEMACOLLECTION_CATALOG_NAME,
    CASE WHEN x.name IS NOT NULL THEN CONVERT(sysname, SCHEMA_NAME(x.schema_id)) END AS SS_XML_SCHEMACOLLECTION_SCHEMA_NAME,
    x.name AS SS_XML_SCHEMACOLLECTION_NAME,
    CASE WHEN t.is_table_type = 1 THEN DB_NAME() END AS SS_TYPE_CATALOG_NAME,
    CASE WHEN t.is_table_type = 1 THEN CONVERT(sysname, SCHEMA_NAME(t.schema_id)) END AS SS_TYPE_SCHEMA_NAME,
    CONVERT(tinyint, CASE WHEN c.nullable = 1 THEN d.ss_null ELSE d.ss END) AS SS_DATA_TYPE,
{shape}
FROM routine_items c
JOIN sys.all_objects o ON o.object_id = c.object_id AND o.type IN ('P', 'PC', 'X', 'FN', 'TF', 'IF', 'FS', 'FT')
LEFT JOIN sys.types t ON t.user_type_id = c.user_type_id
LEFT JOIN datatypes d ON d.xtype = c.system_type_id AND d.listed <> 2 AND d.ident = 0
    AND d.big = CASE WHEN c.max_length = -1 AND c.system_type_id IN (165, 167, 231) THEN 1 ELSE 0 END
LEFT JOIN sys.assembly_types a ON a.user_type_id = c.user_type_id
LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id AND c.xml_collection_id <> 0
WHERE (@procedure_name IS NULL OR (@fUsePattern = 1 AND o.name LIKE @procedure_name) OR o.name = @procedure_name)
    AND (@procedure_owner IS NULL OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @procedure_owner)
        OR SCHEMA_NAME(o.schema_id) = @procedure_owner)
)
SELECT PROCEDURE_QUALIFIER, PROCEDURE_OWNER, PROCEDURE_NAME, COLUMN_NAME, COLUMN_TYPE,
    CONVERT(smallint, CASE WHEN COLUMN_TYPE = 3 OR SS_TYPE_CATALOG_NAME IS NOT NULL THEN -153 ELSE DATA_TYPE END) AS DATA_TYPE,
    CONVERT(sysname, CASE WHEN COLUMN_TYPE = 3 THEN N'table' ELSE TYPE_NAME END) AS TYPE_NAME,
    PRECISION, LENGTH, SCALE, RADIX, NULLABLE,
    CONVERT(varchar(254), CASE COLUMN_TYPE WHEN 3 THEN 'Result table returned by table valued function' END) AS REMARKS,
    CONVERT(nvarchar(4000), NULL) AS COLUMN_DEF, SQL_DATA_TYPE, SQL_DATETIME_SUB, CHAR_OCTET_LENGTH, CONVERT(int, parameter_id) AS ORDINAL_POSITION,
    CONVERT(varchar(254), CASE NULLABLE WHEN 1 THEN 'YES' ELSE 'NO' END) AS IS_NULLABLE
    {more}
FROM described
WHERE @column_name IS NULL OR (@fUsePattern = 1 AND COLUMN_NAME LIKE @column_name) OR COLUMN_NAME = @column_name
ORDER BY 1, 2, 3, ORDINAL_POSITION
