IF @mode NOT IN ('ALL', 'LOCAL_ONLY', 'REMOTE_ONLY') OR @oneresultset NOT IN (0, 1)
BEGIN
    RAISERROR(15600, -1, -1, 'sp_spaceused')
    RETURN 1
END
-- Nothing lies anywhere else.
DECLARE @local int = CASE @mode WHEN 'REMOTE_ONLY' THEN 0 ELSE 1 END
IF @objname IS NULL
BEGIN
    DECLARE @data bigint = (SELECT SUM(CONVERT(bigint, size)) FROM sys.database_files WHERE type = 0)
    DECLARE @log bigint = (SELECT SUM(CONVERT(bigint, size)) FROM sys.database_files WHERE type = 1)
    DECLARE @reserved bigint, @used bigint, @rows bigint
    SELECT @reserved = SUM(a.total_pages), @used = SUM(a.used_pages),
        @rows = SUM(CASE WHEN a.type <> 1 THEN a.used_pages WHEN p.index_id < 2 THEN a.data_pages ELSE 0 END)
    FROM sys.partitions p JOIN sys.allocation_units a ON p.partition_id = a.container_id
    SELECT @reserved = @reserved * @local, @used = @used * @local, @rows = @rows * @local
    IF @oneresultset = 1
    BEGIN
        SELECT DB_NAME() AS database_name, LTRIM(STR((CONVERT(decimal(15, 2), @data) + @log) * 8 / 1024, 15, 2) + ' MB') AS database_size,
            LTRIM(STR(CASE WHEN @data >= @reserved THEN (CONVERT(decimal(15, 2), @data) - @reserved) * 8 / 1024 ELSE 0 END, 15, 2) + ' MB') AS [unallocated space],
            LTRIM(STR(@reserved * 8, 15, 0) + ' KB') AS reserved, LTRIM(STR(@rows * 8, 15, 0) + ' KB') AS data,
            LTRIM(STR((@used - @rows) * 8, 15, 0) + ' KB') AS index_size, LTRIM(STR((@reserved - @used) * 8, 15, 0) + ' KB') AS unused
        RETURN 0
    END
    SELECT DB_NAME() AS database_name, LTRIM(STR((CONVERT(decimal(15, 2), @data) + @log) * 8 / 1024, 15, 2) + ' MB') AS database_size,
        LTRIM(STR(CASE WHEN @data >= @reserved THEN (CONVERT(decimal(15, 2), @data) - @reserved) * 8 / 1024 ELSE 0 END, 15, 2) + ' MB') AS [unallocated space]
    SELECT LTRIM(STR(@reserved * 8, 15, 0) + ' KB') AS reserved, LTRIM(STR(@rows * 8, 15, 0) + ' KB') AS data,
        LTRIM(STR((@used - @rows) * 8, 15, 0) + ' KB') AS index_size, LTRIM(STR((@reserved - @used) * 8, 15, 0) + ' KB') AS unused
    RETURN 0
END
{find_object}
IF NOT EXISTS (SELECT 1 FROM sys.all_objects WHERE object_id = @found AND type IN ('U', 'S', 'V', 'IT', 'SQ'))
BEGIN
    RAISERROR(15234, -1, -1)
    RETURN 1
END
SELECT OBJECT_NAME(@found) AS name, CONVERT(char(20), ISNULL(SUM(CASE WHEN index_id < 2 THEN row_count ELSE 0 END), 0)) AS rows,
    LTRIM(STR(ISNULL(SUM(reserved_page_count), 0) * 8, 15, 0) + ' KB') AS reserved,
    LTRIM(STR(ISNULL(SUM(CASE WHEN index_id < 2 THEN in_row_data_page_count + lob_used_page_count + row_overflow_used_page_count ELSE 0 END), 0) * 8, 15, 0) + ' KB') AS data,
    LTRIM(STR(ISNULL(SUM(used_page_count) - SUM(CASE WHEN index_id < 2 THEN in_row_data_page_count + lob_used_page_count + row_overflow_used_page_count ELSE 0 END), 0) * 8, 15, 0) + ' KB') AS index_size,
    LTRIM(STR(ISNULL(SUM(reserved_page_count) - SUM(used_page_count), 0) * 8, 15, 0) + ' KB') AS unused
FROM sys.dm_db_partition_stats WHERE object_id = @found AND @local = 1
