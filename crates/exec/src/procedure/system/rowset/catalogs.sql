SELECT name AS CATALOG_NAME, CONVERT(nvarchar(1), NULL) AS DESCRIPTION FROM sys.databases
WHERE (@catalog_name IS NULL OR name = @catalog_name) AND HAS_DBACCESS(name) = 1
ORDER BY 1
