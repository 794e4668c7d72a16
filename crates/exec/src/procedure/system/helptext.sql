{find_object}
DECLARE @text nvarchar(max) = OBJECT_DEFINITION(@found)
IF @columnname IS NOT NULL
BEGIN
    SET @text = (SELECT definition FROM sys.computed_columns WHERE object_id = @found AND name = @columnname)
    IF COLUMNPROPERTY(@found, @columnname, 'ColumnId') IS NULL
    BEGIN
        RAISERROR(15645, -1, -1, @columnname)
        RETURN 1
    END
    IF @text IS NULL
    BEGIN
        RAISERROR(15646, -1, -1, @columnname)
        RETURN 1
    END
END
IF @text IS NULL AND OBJECTPROPERTY(@found, 'IsEncrypted') = 1
BEGIN
    RAISERROR(15471, -1, -1, @objname)
    RETURN 0
END
IF @text IS NULL
BEGIN
    RAISERROR(15197, -1, -1, @objname)
    RETURN 1
END
-- A row a line, line ends included; longer lines in pieces of 255 characters.
DECLARE @lines TABLE (n int, piece nvarchar(255))
DECLARE @at int = 1, @n int = 0, @end int, @length int = DATALENGTH(@text) / 2
WHILE @at <= @length
BEGIN
    SET @end = CHARINDEX(NCHAR(10), @text, @at)
    IF @end = 0 SET @end = @length
    IF @end - @at >= 255 SET @end = @at + 254
    SET @n = @n + 1
    INSERT INTO @lines (n, piece) VALUES (@n, SUBSTRING(@text, @at, @end - @at + 1))
    SET @at = @end + 1
END
SELECT piece AS [Text] FROM @lines ORDER BY n
