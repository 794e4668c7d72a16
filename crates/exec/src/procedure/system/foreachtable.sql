SET NOCOUNT ON
DECLARE @name nvarchar(600), @sql nvarchar(max)
IF @precommand IS NOT NULL EXEC (@precommand)
SET @sql = N'DECLARE hCForEachTable CURSOR GLOBAL FOR SELECT QUOTENAME(SCHEMA_NAME(o.schema_id)) + N''.'' + QUOTENAME(o.name) FROM sys.objects o WHERE o.type = N''U'' AND o.is_ms_shipped = 0 '
    + REPLACE(ISNULL(@whereand, N''), N'syso.', N'o.') + N' ORDER BY o.object_id'
EXEC (@sql)
OPEN hCForEachTable
FETCH hCForEachTable INTO @name
WHILE @@FETCH_STATUS = 0
BEGIN
    SET @sql = REPLACE(@command1, @replacechar, @name)
    EXEC (@sql)
    SET @sql = REPLACE(@command2, @replacechar, @name)
    IF @sql IS NOT NULL EXEC (@sql)
    SET @sql = REPLACE(@command3, @replacechar, @name)
    IF @sql IS NOT NULL EXEC (@sql)
    FETCH hCForEachTable INTO @name
END
CLOSE hCForEachTable
DEALLOCATE hCForEachTable
IF @postcommand IS NOT NULL EXEC (@postcommand)
