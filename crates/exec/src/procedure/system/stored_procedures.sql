IF @sp_qualifier IS NOT NULL AND @sp_qualifier <> N'' AND @sp_qualifier <> DB_NAME()
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END
SELECT DB_NAME() AS PROCEDURE_QUALIFIER, CONVERT(sysname, SCHEMA_NAME(o.schema_id)) AS PROCEDURE_OWNER,
    CONVERT(nvarchar(134), o.name + CASE WHEN o.type IN ('P', 'PC', 'X') THEN ';1' ELSE ';0' END) AS PROCEDURE_NAME,
    -1 AS NUM_INPUT_PARAMS, -1 AS NUM_OUTPUT_PARAMS, -1 AS NUM_RESULT_SETS, CONVERT(varchar(254), NULL) AS REMARKS,
    CONVERT(smallint, 2) AS PROCEDURE_TYPE
FROM sys.all_objects o
WHERE o.type IN ('P', 'PC', 'X', 'FN', 'TF', 'IF', 'FS', 'FT')
    AND (@sp_name IS NULL OR (@fUsePattern = 1 AND o.name LIKE @sp_name) OR o.name = @sp_name)
    AND (@sp_owner IS NULL OR (@fUsePattern = 1 AND SCHEMA_NAME(o.schema_id) LIKE @sp_owner) OR SCHEMA_NAME(o.schema_id) = @sp_owner)
ORDER BY 1, 2, 3
