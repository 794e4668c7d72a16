-- The object that @objname names in this database, or message 15009.
DECLARE @found int = OBJECT_ID(@objname), @here sysname = DB_NAME()
IF PARSENAME(@objname, 3) IS NOT NULL AND PARSENAME(@objname, 3) <> @here
BEGIN
    RAISERROR(15250, -1, -1)
    RETURN 1
END
IF @found IS NULL
BEGIN
    RAISERROR(15009, -1, -1, @objname, @here)
    RETURN 1
END
