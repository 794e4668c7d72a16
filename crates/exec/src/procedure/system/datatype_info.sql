;WITH {datatypes}
, typed AS (
SELECT *, CASE @flavour WHEN 28 THEN t28 WHEN 90 THEN t90 ELSE t100 END AS code FROM datatypes WHERE listed > 0
    AND (@flavour > 28 OR xtype <> 241))
SELECT CONVERT(sysname, name) AS TYPE_NAME,
    CONVERT(smallint, CASE WHEN @ODBCVer < 3 AND code = 93 THEN 11 WHEN @ODBCVer < 3 AND code = 91 THEN 9 ELSE code END) AS DATA_TYPE,
    CONVERT(int, CASE WHEN prec IS NOT NULL THEN prec WHEN cbytes = 2 THEN 4000 WHEN cbytes = 1 THEN 8000
        WHEN xtype = 43 THEN 34 WHEN xtype = 42 THEN 27 WHEN xtype = 41 THEN 16 WHEN xtype = 40 THEN 10 ELSE 38 END) AS PRECISION,
    CONVERT(varchar(32), prefix) AS LITERAL_PREFIX, CONVERT(varchar(32), suffix) AS LITERAL_SUFFIX,
    CONVERT(varchar(32), parameters) AS CREATE_PARAMS, CONVERT(smallint, nullable) AS NULLABLE,
    CONVERT(smallint, CASE WHEN xtype = 241 THEN 1 WHEN cbytes IS NULL AND xtype NOT IN (35, 99) THEN 0 WHEN xtype IN (165, 173) THEN 0
        WHEN 'a' = 'A' COLLATE DATABASE_DEFAULT THEN 0 ELSE 1 END) AS CASE_SENSITIVE,
    CONVERT(smallint, searchable) AS SEARCHABLE, CONVERT(smallint, unsigned) AS UNSIGNED_ATTRIBUTE, CONVERT(smallint, is_money) AS MONEY,
    CONVERT(smallint, auto_inc) AS AUTO_INCREMENT, CONVERT(sysname, name) AS LOCAL_TYPE_NAME,
    CONVERT(smallint, min_scale) AS MINIMUM_SCALE, CONVERT(smallint, max_scale) AS MAXIMUM_SCALE,
    CONVERT(smallint, CASE WHEN code IN (91, 93) THEN 9 ELSE code END) AS SQL_DATA_TYPE,
    CONVERT(smallint, CASE WHEN @flavour = 100 OR xtype IN (58, 61) THEN sub END) AS SQL_DATETIME_SUB,
    CONVERT(int, num_radix) AS NUM_PREC_RADIX, CONVERT(smallint, NULL) AS INTERVAL_PRECISION, CONVERT(smallint, usertype) AS USERTYPE
FROM typed
WHERE @data_type = 0 OR code = @data_type OR (@ODBCVer < 3 AND ((code = 93 AND @data_type = 11) OR (code = 91 AND @data_type = 9)))
ORDER BY 2, 12, 11, 20
