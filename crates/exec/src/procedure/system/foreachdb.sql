SET NOCOUNT ON
DECLARE @name sysname, @sql nvarchar(max)
IF @precommand IS NOT NULL EXEC (@precommand)
DECLARE hCForEachDatabase CURSOR LOCAL FOR
    SELECT name FROM sys.databases WHERE state = 0 AND HAS_DBACCESS(name) = 1 ORDER BY database_id
OPEN hCForEachDatabase
FETCH hCForEachDatabase INTO @name
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @sql = REPLACE(@command1, @replacechar, @name)
    EXEC (@sql)
    SET @sql = REPLACE(@command2, @replacechar, @name)
    IF @sql IS NOT NULL EXEC (@sql)
    SET @sql = REPLACE(@command3, @replacechar, @name)
    IF @sql IS NOT NULL EXEC (@sql)
    FETCH hCForEachDatabase INTO @name
END
CLOSE hCForEachDatabase
DEALLOCATE hCForEachDatabase
IF @postcommand IS NOT NULL EXEC (@postcommand)
