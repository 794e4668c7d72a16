SET NOCOUNT ON
IF OBJECT_ID(@objname) IS NULL OR ISNULL(HAS_PERMS_BY_NAME(@objname, 'OBJECT', 'ALTER'), 0) = 0
BEGIN
    RAISERROR(15165, -1, -1, @objname)
    RETURN 1
END
-- Plans are made anew whenever anything they stand on changes, so there is nothing to mark.
PRINT N'Object ''' + @objname + N''' was successfully marked for recompilation.'
