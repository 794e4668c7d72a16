{find_object}
IF NOT EXISTS (SELECT 1 FROM sys.stats WHERE object_id = @found AND (@results = 'ALL' OR auto_created = 1 OR user_created = 1))
BEGIN
    IF @results = 'ALL' RAISERROR(15575, -1, -1) ELSE RAISERROR(15574, -1, -1)
    RETURN 0
END
SELECT s.name AS statistics_name, CONVERT(nvarchar(2078), (SELECT STRING_AGG(c.name, N', ') WITHIN GROUP (ORDER BY k.stats_column_id)
    FROM sys.stats_columns k JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
    WHERE k.object_id = s.object_id AND k.stats_id = s.stats_id)) AS statistics_keys
FROM sys.stats s WHERE s.object_id = @found AND (@results = 'ALL' OR s.auto_created = 1 OR s.user_created = 1) ORDER BY 1
