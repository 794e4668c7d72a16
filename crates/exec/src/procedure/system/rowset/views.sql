SELECT DB_NAME() AS TABLE_CATALOG, CONVERT(sysname, SCHEMA_NAME(v.schema_id)) AS TABLE_SCHEMA, v.name AS TABLE_NAME, CONVERT(nvarchar(4000), OBJECT_DEFINITION(v.object_id)) AS VIEW_DEFINITION,
    CONVERT(bit, v.with_check_option) AS CHECK_OPTION, CONVERT(bit, NULL) AS IS_UPDATABLE, CONVERT(nvarchar(1), NULL) AS DESCRIPTION, v.create_date AS DATE_CREATED, v.modify_date AS DATE_MODIFIED
FROM sys.all_views v
WHERE (@view_name IS NULL OR v.name = @view_name) AND (@view_schema IS NULL OR SCHEMA_NAME(v.schema_id) = @view_schema)
ORDER BY 1, 2, 3
