SELECT DB_NAME() AS CONSTRAINT_CATALOG, CONVERT(sysname, SCHEMA_NAME(k.schema_id)) AS CONSTRAINT_SCHEMA, k.name AS CONSTRAINT_NAME,
    CONVERT(nvarchar(4000), k.definition) AS CHECK_CLAUSE, CONVERT(nvarchar(1), NULL) AS DESCRIPTION
FROM sys.check_constraints k
WHERE (@constraint_name IS NULL OR k.name = @constraint_name) AND (@constraint_schema IS NULL OR SCHEMA_NAME(k.schema_id) = @constraint_schema)
ORDER BY 1, 2, 3
