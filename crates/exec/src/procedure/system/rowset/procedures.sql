SELECT DB_NAME() AS PROCEDURE_CATALOG, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS PROCEDURE_SCHEMA,
    CONVERT(nvarchar(134), o.name + CASE WHEN o.type IN ('P', 'PC', 'X') THEN ';1' ELSE ';0' END) AS PROCEDURE_NAME,
    CONVERT(smallint, CASE WHEN o.type IN ('P', 'PC', 'X') THEN 2 ELSE 3 END) AS PROCEDURE_TYPE, CONVERT(nvarchar(1), NULL) AS PROCEDURE_DEFINITION,
    CONVERT(nvarchar(1), NULL) AS DESCRIPTION, o.create_date AS DATE_CREATED, o.modify_date AS DATE_MODIFIED
FROM sys.all_objects o
WHERE o.type IN ('P', 'PC', 'X', 'FN', 'TF', 'IF', 'FS', 'FT') AND (@procedure_name IS NULL OR o.name = @procedure_name) AND ISNULL(@group_number, 1) = 1
    AND (@procedure_schema IS NULL OR SCHEMA_NAME(o.schema_id) = @procedure_schema)
ORDER BY 1, 2, 3
