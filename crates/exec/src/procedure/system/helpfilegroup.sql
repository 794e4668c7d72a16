IF @filegroupname IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.filegroups WHERE name = @filegroupname)
BEGIN
    RAISERROR(15325, -1, -1, 'filegroup', @filegroupname)
    RETURN 1
END
SELECT g.name AS groupname, CONVERT(smallint, g.data_space_id) AS groupid,
    (SELECT COUNT(*) FROM sys.database_files f WHERE f.data_space_id = g.data_space_id) AS filecount
FROM sys.filegroups g WHERE @filegroupname IS NULL OR g.name = @filegroupname ORDER BY 1
