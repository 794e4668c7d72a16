DECLARE @found int = (SELECT COUNT(*) FROM sys.configurations WHERE name LIKE '%' + @configname + '%'), @old int
IF @configname IS NOT NULL AND @found = 0
BEGIN
    RAISERROR(15123, -1, -1, @configname)
    RETURN 1
END
IF @configvalue IS NOT NULL
BEGIN
    IF HAS_PERMS_BY_NAME(NULL, NULL, 'ALTER SETTINGS') = 0
    BEGIN
        RAISERROR('User does not have permission to perform this action.', 16, 1)
        RETURN 1
    END
    IF EXISTS (SELECT 1 FROM sys.configurations WHERE name = @configname) SET @found = 1
    ELSE SELECT @configname = name FROM sys.configurations WHERE name LIKE '%' + @configname + '%'
    IF @found <> 1
    BEGIN
        RAISERROR('The configuration option ''%s'' is not unique.', 16, 1, @configname)
        RETURN 1
    END
    SELECT @old = CONVERT(int, value), @configname = name FROM sys.configurations WHERE name = @configname
    -- Advanced options are always shown, so both values of this one are as good.
    IF @configvalue <> @old AND @configname <> 'show advanced options'
    BEGIN
        RAISERROR('Setting the configuration option ''%s'' to another value is not supported yet by Holdfast.', 16, 1, @configname)
        RETURN 1
    END
    RAISERROR('Configuration option ''%s'' changed from %d to %d. Run the RECONFIGURE statement to install.', 10, 1, @configname, @old, @configvalue)
    RETURN 0
END
SELECT name, CONVERT(int, minimum) AS minimum, CONVERT(int, maximum) AS maximum, CONVERT(int, value) AS config_value, CONVERT(int, value_in_use) AS run_value
FROM sys.configurations WHERE @configname IS NULL OR name LIKE '%' + @configname + '%' ORDER BY 1
