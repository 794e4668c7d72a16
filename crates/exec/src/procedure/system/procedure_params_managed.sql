-- Numbers of types as SqlDbType of .NET has them.
WITH managed AS (SELECT * FROM (VALUES (127, 0), (173, 1), (104, 2), (175, 3), (61, 4), (106, 5), (108, 5), (62, 6), (34, 7), (56, 8), (60, 9), (239, 10),
    (99, 11), (231, 12), (59, 13), (36, 14), (58, 15), (52, 16), (122, 17), (35, 18), (189, 19), (48, 20), (165, 21), (167, 22), (98, 23), (241, 25),
    (240, 29), (243, 30), (40, 31), (41, 32), (42, 33), (43, 34)) m (xtype, number))
, items AS (
    SELECT p.object_id, p.parameter_id, p.name, p.system_type_id, p.user_type_id, p.max_length, p.precision, p.scale, p.has_default_value, p.xml_collection_id,
        CASE WHEN p.parameter_id = 0 THEN 4 WHEN p.is_output = 1 THEN 2 ELSE 1 END AS kind
    FROM sys.all_parameters p
    UNION ALL
    -- Every procedure returns an int.
    SELECT o.object_id, 0, N'@RETURN_VALUE', 56, 56, 4, 10, 0, 0, 0, 4 FROM sys.all_objects o WHERE o.type IN ('P', 'PC', 'X'))
SELECT DB_NAME() AS PROCEDURE_CATALOG, CONVERT(nvarchar(128), SCHEMA_NAME(o.schema_id)) AS PROCEDURE_SCHEMA, o.name AS PROCEDURE_NAME,
    CONVERT(nvarchar(128), CASE WHEN i.name = N'' THEN N'@RETURN_VALUE' ELSE i.name END) AS PARAMETER_NAME, CONVERT(smallint, i.parameter_id) AS ORDINAL_POSITION,
    CONVERT(smallint, i.kind) AS PARAMETER_TYPE, CONVERT(smallint, i.has_default_value) AS PARAMETER_HASDEFAULT, CONVERT(nvarchar(255), NULL) AS PARAMETER_DEFAULT,
    CONVERT(bit, CASE WHEN i.kind = 4 THEN 0 ELSE 1 END) AS IS_NULLABLE, CONVERT(smallint, m.number) AS MANAGED_DATA_TYPE,
    -- 0 stands for max.
    CASE WHEN i.max_length = -1 AND i.system_type_id IN (165, 167, 231) THEN 0 WHEN i.system_type_id IN (231, 239) THEN i.max_length / 2
        WHEN i.system_type_id IN (165, 167, 173, 175) THEN CONVERT(int, i.max_length) WHEN i.system_type_id IN (34, 35) THEN 2147483647
        WHEN i.system_type_id = 99 THEN 1073741823 END AS CHARACTER_MAXIMUM_LENGTH,
    CASE WHEN i.max_length = -1 AND i.system_type_id IN (165, 167, 231) THEN 0 WHEN i.system_type_id IN (165, 167, 173, 175, 231, 239) THEN CONVERT(int, i.max_length)
        WHEN i.system_type_id IN (34, 35) THEN 2147483647 WHEN i.system_type_id = 99 THEN 2147483646 END AS CHARACTER_OCTET_LENGTH,
    CONVERT(smallint, CASE WHEN i.system_type_id IN (48, 52, 56, 59, 60, 62, 106, 108, 122, 127) THEN i.precision END) AS NUMERIC_PRECISION,
    CONVERT(smallint, CASE WHEN i.system_type_id IN (48, 52, 56, 60, 106, 108, 122, 127) THEN i.scale END) AS NUMERIC_SCALE,
    CASE WHEN i.system_type_id IN (240, 243) THEN DB_NAME() END AS TYPE_CATALOG_NAME,
    CONVERT(nvarchar(128), CASE WHEN i.system_type_id IN (240, 243) THEN SCHEMA_NAME(t.schema_id) END) AS TYPE_SCHEMA_NAME,
    CONVERT(nvarchar(128), CASE WHEN i.system_type_id IN (240, 243) THEN t.name ELSE TYPE_NAME(i.system_type_id) END) AS TYPE_NAME,
    CASE WHEN x.name IS NOT NULL THEN DB_NAME() END AS XML_CATALOGNAME,
    CONVERT(nvarchar(128), SCHEMA_NAME(x.schema_id)) AS XML_SCHEMANAME, x.name AS XML_SCHEMACOLLECTIONNAME,
    CASE WHEN i.system_type_id IN (41, 42, 43) THEN CONVERT(int, i.scale) WHEN i.system_type_id IN (40, 58) THEN 0 WHEN i.system_type_id = 61 THEN 3 END AS SS_DATETIME_PRECISION
FROM items i
JOIN sys.all_objects o ON o.object_id = i.object_id AND o.type IN ('P', 'PC', 'X', 'FN', 'FS', 'TF', 'IF', 'FT')
LEFT JOIN managed m ON m.xtype = i.system_type_id
LEFT JOIN sys.types t ON t.user_type_id = i.user_type_id
LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = i.xml_collection_id AND i.xml_collection_id <> 0
WHERE o.object_id = OBJECT_ID(ISNULL(QUOTENAME(@procedure_schema) + N'.', N'') + QUOTENAME(@procedure_name))
    AND (@parameter_name IS NULL OR i.name = @parameter_name) AND ISNULL(@group_number, 1) = 1
ORDER BY ORDINAL_POSITION
