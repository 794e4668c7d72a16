{find_object}
DECLARE @uses bit = 0
IF EXISTS (SELECT 1 FROM sys.sql_dependencies WHERE object_id = @found)
BEGIN
    SET @uses = 1
    PRINT 'In the current database, the specified object references the following:'
    SELECT CONVERT(nvarchar(776), SCHEMA_NAME(o.schema_id) + '.' + o.name) AS name, CONVERT(nvarchar(16), CASE o.type WHEN 'IF' THEN 'inline function' WHEN 'TF' THEN 'table function' WHEN 'FN' THEN 'scalar function' WHEN 'TR' THEN 'trigger' ELSE LOWER(REPLACE(REPLACE(o.type_desc, 'SQL_', ''), '_', ' ')) END) AS type,
        CASE WHEN d.is_updated = 1 THEN N'yes' ELSE N'no' END AS updated, CASE WHEN d.is_selected = 1 OR d.is_select_all = 1 THEN N'yes' ELSE N'no' END AS selected,
        COL_NAME(d.referenced_major_id, d.referenced_minor_id) AS [column]
    FROM sys.sql_dependencies d JOIN sys.objects o ON o.object_id = d.referenced_major_id
    WHERE d.object_id = @found AND d.class < 2 ORDER BY 1, d.referenced_minor_id
END
IF EXISTS (SELECT 1 FROM sys.sql_dependencies WHERE referenced_major_id = @found AND class < 2)
BEGIN
    SET @uses = 1
    PRINT 'In the current database, the specified object is referenced by the following:'
    SELECT DISTINCT CONVERT(nvarchar(776), SCHEMA_NAME(o.schema_id) + '.' + o.name) AS name, CONVERT(nvarchar(16), CASE o.type WHEN 'IF' THEN 'inline function' WHEN 'TF' THEN 'table function' WHEN 'FN' THEN 'scalar function' WHEN 'TR' THEN 'trigger' ELSE LOWER(REPLACE(REPLACE(o.type_desc, 'SQL_', ''), '_', ' ')) END) AS type
    FROM sys.sql_dependencies d JOIN sys.objects o ON o.object_id = d.object_id
    WHERE d.referenced_major_id = @found AND d.class < 2 ORDER BY 1
END
IF @uses = 0
    PRINT 'Object does not reference any object, and no objects reference it.'
