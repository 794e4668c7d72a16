;WITH {oledb_types}
, items AS (
    SELECT p.object_id, p.parameter_id, p.name, p.system_type_id, p.user_type_id, p.max_length, p.precision, p.scale, p.has_default_value, p.xml_collection_id,
        CASE WHEN p.parameter_id = 0 THEN 4 WHEN p.is_output = 1 THEN 2 ELSE 1 END AS kind
    FROM sys.all_parameters p
    UNION ALL
    -- Every procedure returns an int.
    SELECT o.object_id, 0, N'@RETURN_VALUE', 56, 56, 4, 10, 0, 0, 0, 4 FROM sys.all_objects o WHERE o.type IN ('P', 'PC', 'X'))
, described AS (
SELECT o.schema_id, CONVERT(nvarchar(134), o.name + CASE WHEN o.type IN ('P', 'PC', 'X') THEN ';1' ELSE ';0' END) AS PROCEDURE_NAME,
    CONVERT(sysname, CASE WHEN c.name = N'' THEN N'@RETURN_VALUE' ELSE c.name END) AS PARAMETER_NAME, c.parameter_id, c.kind, c.has_default_value,
    CONVERT(sysname, CASE WHEN d.xtype IN (240, 243) THEN t.name ELSE TYPE_NAME(c.system_type_id) END) AS TYPE_NAME, d.xtype, t.schema_id AS type_schema, t.name AS own_name,
    x.schema_id AS xml_schema, x.name AS xml_name, a.assembly_qualified_name,
{oledb_shape}
FROM items c
JOIN sys.all_objects o ON o.object_id = c.object_id AND o.type IN ('P', 'PC', 'X', 'FN', 'FS', 'TF', 'IF', 'FT')
JOIN oledb_types d ON d.xtype = c.system_type_id AND d.big = CASE WHEN c.max_length = -1 AND c.system_type_id IN (165, 167, 231) THEN 1 ELSE 0 END
LEFT JOIN sys.types t ON t.user_type_id = c.user_type_id
LEFT JOIN sys.assembly_types a ON a.user_type_id = c.user_type_id
LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id AND c.xml_collection_id <> 0
WHERE (@procedure_name IS NULL OR o.name = @procedure_name) AND ISNULL(@group_number, 1) = 1
    AND (@procedure_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @procedure_schema)
)
SELECT DB_NAME() AS PROCEDURE_CATALOG, CONVERT(sysname, SCHEMA_NAME(schema_id)) AS PROCEDURE_SCHEMA, PROCEDURE_NAME, PARAMETER_NAME, CONVERT(smallint, parameter_id) AS ORDINAL_POSITION,
    CONVERT(smallint, kind) AS PARAMETER_TYPE, CONVERT(tinyint, has_default_value) AS PARAMETER_HASDEFAULT, CONVERT(nvarchar(255), NULL) AS PARAMETER_DEFAULT,
    CONVERT(bit, CASE kind WHEN 4 THEN 0 ELSE 1 END) AS IS_NULLABLE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,
    CONVERT(nvarchar(1), NULL) AS DESCRIPTION, TYPE_NAME, TYPE_NAME AS LOCAL_TYPE_NAME
    {more}
FROM described
WHERE @parameter_name IS NULL OR PARAMETER_NAME = @parameter_name
ORDER BY 2, 3, 5
