DECLARE @id int = OBJECT_ID(@name)
DECLARE @text nvarchar(max) = OBJECT_DEFINITION(@id)
IF OBJECTPROPERTY(@id, 'IsEncrypted') = 1
BEGIN
    RAISERROR('Refreshing a module WITH ENCRYPTION (''%s'') is not supported yet by Holdfast.', 16, 1, @name)
    RETURN 1
END
IF @text IS NULL OR (@view = 1 AND OBJECTPROPERTY(@id, 'IsView') = 0)
BEGIN
    RAISERROR(15165, -1, -1, @name)
    RETURN 1
END
-- The first word behind blanks and comments is CREATE.
DECLARE @at int = 1, @depth int
WHILE 1 = 1
BEGIN
    IF SUBSTRING(@text, @at, 1) IN (N' ', NCHAR(9), NCHAR(10), NCHAR(13)) AND @at < LEN(@text)
        SET @at += 1
    ELSE IF SUBSTRING(@text, @at, 2) = N'--'
        SET @at = CHARINDEX(NCHAR(10), @text + NCHAR(10), @at) + 1
    ELSE IF SUBSTRING(@text, @at, 2) = N'/*'
    BEGIN
        SELECT @depth = 1, @at += 2
        WHILE @depth > 0 AND @at <= LEN(@text)
            IF SUBSTRING(@text, @at, 2) = N'/*'
                SELECT @depth += 1, @at += 2
            ELSE IF SUBSTRING(@text, @at, 2) = N'*/'
                SELECT @depth -= 1, @at += 2
            ELSE
                SET @at += 1
    END
    ELSE
        BREAK
END
SET @text = STUFF(@text, @at, 6, N'ALTER')
-- Its own settings are those under which the inner text is read.
DECLARE @batch nvarchar(max)
SELECT @batch = CONCAT(N'SET QUOTED_IDENTIFIER ', IIF(uses_quoted_identifier = 1, N'ON', N'OFF'), N' SET ANSI_NULLS ', IIF(uses_ansi_nulls = 1, N'ON', N'OFF'),
    N' EXEC (N''', REPLACE(@text, N'''', N''''''), N''')') FROM sys.sql_modules WHERE object_id = @id
EXEC (@batch)
RETURN 0
