IF @configvalue IS NOT NULL
BEGIN
    RAISERROR('sp_configure with a value is not supported yet.', 16, 1)
    RETURN 1
END
IF @configname IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sys.configurations WHERE name LIKE '%' + @configname + '%')
BEGIN
    RAISERROR(15123, -1, -1, @configname)
    RETURN 1
END
SELECT name, CONVERT(int, minimum) AS minimum, CONVERT(int, maximum) AS maximum, CONVERT(int, value) AS config_value, CONVERT(int, value_in_use) AS run_value
FROM sys.configurations WHERE @configname IS NULL OR name LIKE '%' + @configname + '%' ORDER BY 1
