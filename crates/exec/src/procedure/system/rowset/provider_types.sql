;WITH {datatypes}, {oledb_types}
SELECT CONVERT(sysname, t.name) AS TYPE_NAME, k.indicator AS DATA_TYPE,
    CONVERT(int, CASE WHEN o.digits IS NOT NULL THEN o.digits WHEN t.prec IS NOT NULL THEN t.prec WHEN t.cbytes = 2 THEN 4000 WHEN t.cbytes = 1 THEN 8000
        WHEN t.xtype = 43 THEN 34 WHEN t.xtype = 42 THEN 27 WHEN t.xtype = 41 THEN 16 WHEN t.xtype = 40 THEN 10 ELSE 38 END) AS COLUMN_SIZE,
    CONVERT(nvarchar(32), t.prefix) AS LITERAL_PREFIX, CONVERT(nvarchar(32), t.suffix) AS LITERAL_SUFFIX, CONVERT(nvarchar(32), t.parameters) AS CREATE_PARAMS,
    CONVERT(bit, t.nullable) AS IS_NULLABLE, CONVERT(bit, CASE WHEN o.text = 1 AND N'a' <> N'A' COLLATE DATABASE_DEFAULT THEN 1 ELSE 0 END) AS CASE_SENSITIVE,
    -- Not in comparisons; in LIKE alone; in all but LIKE; in all.
    CONVERT(int, CASE t.searchable WHEN 0 THEN 1 WHEN 1 THEN 2 WHEN 2 THEN 3 ELSE 4 END) AS SEARCHABLE, CONVERT(tinyint, t.unsigned) AS UNSIGNED_ATTRIBUTE,
    CONVERT(bit, CASE WHEN t.is_money = 1 OR t.unsigned IS NOT NULL AND t.xtype NOT IN (59, 62, 106, 108) THEN 1 ELSE 0 END) AS FIXED_PREC_SCALE,
    CONVERT(tinyint, t.auto_inc) AS AUTO_UNIQUE_VALUE, CONVERT(sysname, t.name) AS LOCAL_TYPE_NAME,
    CONVERT(smallint, CASE WHEN t.xtype IN (106, 108) THEN t.min_scale END) AS MINIMUM_SCALE, CONVERT(smallint, CASE WHEN t.xtype IN (106, 108) THEN t.max_scale END) AS MAXIMUM_SCALE,
    CONVERT(uniqueidentifier, NULL) AS GUID, CONVERT(nvarchar(1), NULL) AS TYPELIB, CONVERT(nvarchar(1), NULL) AS VERSION, CONVERT(bit, o.long) AS IS_LONG,
    k.best AS BEST_MATCH, CONVERT(bit, o.fixed) AS IS_FIXEDLENGTH
FROM datatypes t JOIN oledb_types o ON o.xtype = t.xtype AND o.big = 0
-- Of several types with one indicator one is the nearest.
CROSS APPLY (SELECT CONVERT(smallint, CASE @flavour WHEN 28 THEN o.t28 WHEN 90 THEN o.t90 ELSE o.t100 END) AS indicator,
    CONVERT(bit, CASE WHEN t.xtype IN (34, 35, 58, 98, 99, 106, 122, 173, 175, 189, 239) OR @flavour = 100 AND t.xtype = 61 OR @flavour < 100 AND t.xtype IN (40, 41, 42, 43) THEN 0 ELSE 1 END) AS best) k
WHERE t.listed = 1 AND t.ident = 0 AND t.big = 0 AND (@flavour > 28 OR t.xtype <> 241) AND (@data_type IS NULL OR k.indicator = @data_type) AND (@best_match IS NULL OR k.best = @best_match)
ORDER BY 2, 20 DESC, 1
